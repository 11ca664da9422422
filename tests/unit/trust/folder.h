/* folder.h - a folder of its own for each test, and copies of its files. */
#ifndef FL_TESTS_TRUST_FOLDER_H
#define FL_TESTS_TRUST_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

struct folder {
    char path[32];
    int fd;
};

static inline struct folder folder_new(void)
{
    struct folder f = {.path = "/dev/shm/fl-test-XXXXXX"}; /* thousands of syncs: not on a disk */

    if (mkdtemp(f.path) == NULL) {
        (void)snprintf(f.path, sizeof f.path, "/tmp/fl-test-XXXXXX");
        if (mkdtemp(f.path) == NULL)
            abort();
    }
    f.fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return f;
}

static inline void folder_free(struct folder *f)
{
    DIR *dir = fdopendir(f->fd);

    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(f->path);
}

/* Copy one file into another folder; a file that is not there is removed from the other. */
static inline void folder_copy(const struct folder *from, const char *name, const struct folder *to)
{
    struct fl_buf bytes;

    fl_buf_init(&bytes, (size_t)256 << 20);
    if (fl_file_read(from->fd, name, &bytes, NULL) < 0)
        (void)unlinkat(to->fd, name, 0);
    else if (fl_file_write(to->fd, name, fl_buf_span(&bytes), 0600, NULL) < 0)
        abort();
    fl_buf_done(&bytes);
}

/* As a full disk would: no file may grow beyond this. */
static inline void folder_full_at(uint64_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
        abort();
}

#endif
