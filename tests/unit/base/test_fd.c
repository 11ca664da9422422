#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"
#include "tap.h"

static void check_files(int dir)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_err err = {.text = ""};
    struct stat st;
    int sub = -1;

    fl_buf_init(&text, 40000);
    CHECK(fl_file_read(dir, "a", &text, &err) == FL_E_NOENT && strstr(err.text, "open a: ") != NULL,
          "a file that is not there");
    CHECK(fl_file_write(dir, "a", FL_SPAN("first"), 0640, &err) == FL_OK &&
              fl_file_write(dir, "a", FL_SPAN("second"), 0640, &err) == FL_OK &&
              fl_file_read(dir, "a", &text, &err) == FL_OK &&
              fl_span_eq(fl_buf_span(&text), FL_SPAN("second")),
          "replacing");
    CHECK(fstatat(dir, "a", &st, 0) == 0 && (st.st_mode & 0777) == 0640 &&
              fstatat(dir, "a.tmp", &st, 0) < 0,
          "the mode; no temporary file is left");
    CHECK(fl_dir_make(dir, "sub", 0700, &sub, &err) == FL_OK && (fcntl(sub, F_GETFD) & FD_CLOEXEC),
          "a folder, close-on-exec");
    fl_fd_close(&sub);
    CHECK(fl_dir_make(dir, "sub", 0700, &sub, &err) == FL_OK, "a folder that is there");
    CHECK(fl_file_write(dir, "sub/b", FL_SPAN("x"), 0600, &err) == FL_OK &&
              fstatat(sub, "b", &st, 0) == 0,
          "a file in a folder");
    CHECK(fl_file_write(dir, "none/b", FL_SPAN("x"), 0600, &err) == FL_E_NOENT, "no such folder");
    fl_fd_close(&sub);
    CHECK(fl_dir_make(dir, "a", 0700, &sub, &err) == FL_E_IO && sub == -1, "a file is no folder");
    CHECK(symlinkat("sub", dir, "link") == 0 &&
              fl_dir_make(dir, "link", 0700, &sub, &err) == FL_E_IO,
          "nor is a link");
    CHECK(symlinkat("a", dir, "b.tmp") == 0 &&
              fl_file_write(dir, "b", FL_SPAN("x"), 0600, &err) == FL_E_IO &&
              fstatat(dir, "b", &st, 0) < 0,
          "a link in the temporary file's place is not followed");
    fl_buf_clear(&text);
    text.max_bytes = 5;
    CHECK(fl_file_read(dir, "a", &text, &err) == FL_E_LIMIT &&
              strcmp(err.text, "a: more than 5 bytes") == 0,
          "a file over the maximum");
}

static void check_parts(int dir)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    static char data[100000], back[100001];
    struct fl_err err;

    fl_random(data, sizeof data);
    CHECK(fl_file_open(dir, "p", O_RDWR | O_CREAT, 0600, &fd, &err) == FL_OK &&
              fl_fd_write_all(fd, data, sizeof data, &err) == FL_OK &&
              fl_fd_pwrite_all(fd, "abc", 3, 50000, &err) == FL_OK,
          "writing");
    CHECK(fl_fd_pread_all(fd, back, sizeof back, 0, &err) == sizeof data &&
              memcmp(back + 50000, "abc", 3) == 0 && memcmp(back, data, 50000) == 0,
          "reading until the end");
    CHECK(fl_fd_pread_all(fd, back, 10, 99995, &err) == 5, "a short end");
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && fl_fd_read_all(fd, back, 50, &err) == 50, "a part");
    CHECK(fl_fd_read_all(-1, back, 1, &err) == FL_E_IO &&
              strcmp(err.text, "read: Bad file descriptor") == 0,
          "the system's reason in words");
}

static void check_pipe(void)
{
    int fds[2];
    struct fl_err err;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return;
    CHECK(fl_fd_nonblock(fds[0], true, &err) == FL_OK && (fcntl(fds[0], F_GETFL) & O_NONBLOCK) &&
              fl_fd_nonblock(fds[0], false, &err) == FL_OK &&
              !(fcntl(fds[0], F_GETFL) & O_NONBLOCK),
          "non-blocking on and off");
    fl_fd_close(&fds[0]);
    fl_fd_close(&fds[1]);
    fl_fd_close(&fds[1]);
    CHECK(fds[0] == -1 && fds[1] == -1, "closed once");
}

static void check_random(void)
{
    unsigned char a[64] = {0}, b[64] = {0};

    fl_random(a, sizeof a);
    fl_random(b, sizeof b);
    CHECK(memcmp(a, b, 32) != 0 && memcmp(a, a + 32, 32) != 0 && fl_random_u64() != fl_random_u64(),
          "random bytes differ");
}

int main(void)
{
    char path[] = "/tmp/fl-fd.XXXXXX";
    FL_AUTO(fl_fd_closep) int dir = -1;

    if (mkdtemp(path) == NULL || fl_file_open(AT_FDCWD, path, O_DIRECTORY, 0, &dir, NULL) < 0)
        return 1;
    check_files(dir);
    check_parts(dir);
    check_pipe();
    check_random();
    for (size_t i = 0; i < 5; i++)
        (void)unlinkat(dir, (const char *const[]){"a", "p", "link", "b.tmp", "sub/b"}[i], 0);
    (void)unlinkat(dir, "sub", AT_REMOVEDIR);
    (void)rmdir(path);
    return tap_done();
}
