#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4096, READ_STEP = 16384 };

void fl_fd_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        (void)close(*fd); /* after EINTR Linux has closed it all the same */
    *fd = -1;
    errno = saved;
}

void fl_fd_closep(int *fd)
{
    fl_fd_close(fd);
}

static int code_of(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return FL_E_NOENT;
    case EEXIST:
        return FL_E_EXISTS;
    case EACCES:
    case EPERM:
        return FL_E_DENIED;
    default:
        return FL_E_IO;
    }
}

ssize_t fl_fd_read_all(int fd, void *ret, size_t len, struct fl_err *err)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n = read(fd, (char *)ret + have, len - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fl_err_sys(err, FL_E_IO, errno, "read");
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

int fl_fd_write_all(int fd, const void *data, size_t len, struct fl_err *err)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fl_err_sys(err, FL_E_IO, errno, "write");
        at += n;
        len -= (size_t)n;
    }
    return FL_OK;
}

ssize_t fl_fd_pread_all(int fd, void *ret, size_t len, int64_t at, struct fl_err *err)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n = pread(fd, (char *)ret + have, len - have, at + (int64_t)have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fl_err_sys(err, FL_E_IO, errno, "read");
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

int fl_fd_pwrite_all(int fd, const void *data, size_t len, int64_t at, struct fl_err *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pwrite(fd, (const char *)data + done, len - done, at + (int64_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fl_err_sys(err, FL_E_IO, errno, "write");
        done += (size_t)n;
    }
    return FL_OK;
}

int fl_fd_nonblock(int fd, bool on, struct fl_err *err)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "set descriptor %d to non-blocking", fd);
    return FL_OK;
}

int fl_file_open(int dir_fd, const char *path, int flags, mode_t mode, int *ret_fd,
                 struct fl_err *err)
{
    int fd;

    do
        fd = openat(dir_fd, path, flags | O_CLOEXEC | O_NOCTTY, mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return fl_err_sys(err, code_of(errno), errno, "open %s", path);
    *ret_fd = fd;
    return FL_OK;
}

int fl_dir_make(int dir_fd, const char *path, mode_t mode, int *ret_fd, struct fl_err *err)
{
    if (mkdirat(dir_fd, path, mode) < 0 && errno != EEXIST)
        return fl_err_sys(err, code_of(errno), errno, "make the folder %s", path);
    return fl_file_open(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, ret_fd, err);
}

int fl_file_read(int dir_fd, const char *path, struct fl_buf *out, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    struct fl_err cause;
    ssize_t n = 1;
    int r = fl_file_open(dir_fd, path, O_RDONLY, 0, &fd, err);

    if (r < 0)
        return r;
    while (n > 0) {
        char step[READ_STEP];

        n = fl_fd_read_all(fd, step, sizeof step, &cause);
        if (n < 0)
            return fl_err_set(err, cause.code, "%s: %s", path, cause.text);
        fl_buf_put(out, step, (size_t)n);
        explicit_bzero(step, (size_t)n); /* it may have been a key */
        if (fl_buf_status(out, &cause) < 0)
            return fl_err_set(err, cause.code, "%s: %s", path, cause.text);
    }
    return FL_OK;
}

int fl_dir_sync(int dir_fd, const char *path, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    char folder[PATH_MAX_BYTES] = ".";
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    int r;

    if (len >= sizeof folder)
        return fl_err_set(err, FL_E_LIMIT, "the path of %zu bytes is too long", len);
    if (slash != NULL)
        (void)snprintf(folder, sizeof folder, "%.*s", len == 0 ? 1 : (int)len, path);
    r = fl_file_open(dir_fd, folder, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (r < 0)
        return r;
    if (fsync(fd) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "sync the folder %s", folder);
    return FL_OK;
}

static int write_tmp(int dir_fd, const char *tmp, struct fl_span data, mode_t mode,
                     struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    struct fl_err cause;
    int r = fl_file_open(dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode, &fd, err);

    if (r < 0)
        return r;
    if (fl_fd_write_all(fd, data.ptr, data.len, &cause) < 0)
        return fl_err_set(err, cause.code, "%s: %s", tmp, cause.text);
    if (fsync(fd) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "sync %s", tmp);
    return FL_OK;
}

int fl_file_write(int dir_fd, const char *path, struct fl_span data, mode_t mode,
                  struct fl_err *err)
{
    char tmp[PATH_MAX_BYTES];
    int n = snprintf(tmp, sizeof tmp, "%s.tmp", path);
    int r;

    if (n < 0 || (size_t)n >= sizeof tmp)
        return fl_err_set(err, FL_E_LIMIT, "the path %.40s... is too long", path);
    r = write_tmp(dir_fd, tmp, data, mode, err);
    if (r == FL_OK && renameat(dir_fd, tmp, dir_fd, path) < 0)
        r = fl_err_sys(err, code_of(errno), errno, "rename %s to %s", tmp, path);
    if (r < 0) {
        (void)unlinkat(dir_fd, tmp, 0);
        return r;
    }
    return fl_dir_sync(dir_fd, path, err);
}

int fl_file_settle(int dir_fd, const char *path, int fd, struct fl_span bytes, struct fl_err *err)
{
    int r = fl_fd_pwrite_all(fd, bytes.ptr, bytes.len, 0, err);

    if (r == FL_OK && fsync(fd) < 0)
        r = fl_err_sys(err, FL_E_IO, errno, "sync %s", path);
    return r < 0 ? r : fl_dir_sync(dir_fd, path, err);
}
