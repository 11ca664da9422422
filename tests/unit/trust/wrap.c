#include "unit/trust/wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

struct powerfs *wrap_disk;

static int told(int r)
{
    if (r >= 0)
        return r;
    errno = -r;
    return -1;
}

static ssize_t told_size(ssize_t r)
{
    if (r < 0)
        errno = (int)-r;
    return r < 0 ? -1 : r;
}

/* With 64-bit file offsets the C library calls its functions by these names. */
int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
int __real_close(int fd);
int __wrap_close(int fd);
ssize_t __real_read(int fd, void *to, size_t len);
ssize_t __wrap_read(int fd, void *to, size_t len);
ssize_t __wrap___read_chk(int fd, void *to, size_t len, size_t room);
ssize_t __real_pread64(int fd, void *to, size_t len, int64_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t len, int64_t at);
ssize_t __real_write(int fd, const void *from, size_t len);
ssize_t __wrap_write(int fd, const void *from, size_t len);
ssize_t __real_pwrite64(int fd, const void *from, size_t len, int64_t at);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t len, int64_t at);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_ftruncate64(int fd, int64_t len);
int __wrap_ftruncate64(int fd, int64_t len);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __real_fstat64(int fd, struct stat *ret);
int __wrap_fstat64(int fd, struct stat *ret);
int __real_fstatat64(int dir, const char *name, struct stat *ret, int flags);
int __wrap_fstatat64(int dir, const char *name, struct stat *ret, int flags);
int __real_fcntl64(int fd, int what, ...);
int __wrap_fcntl64(int fd, int what, ...);
int __real_mkdirat(int dir, const char *name, mode_t mode);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);
int __real_faccessat(int dir, const char *name, int mode, int flags);
int __wrap_faccessat(int dir, const char *name, int mode, int flags);
int __real_syncfs(int fd);
int __wrap_syncfs(int fd);

int __wrap_openat64(int dir, const char *path, int flags, ...)
{
    va_list more;
    mode_t mode = 0;

    va_start(more, flags);
    if ((flags & O_CREAT) != 0)
        mode = va_arg(more, mode_t);
    va_end(more);
    return powerfs_owns(dir) ? told(powerfs_openat(wrap_disk, dir, path, flags))
                             : __real_openat64(dir, path, flags, mode);
}

int __wrap_close(int fd)
{
    const struct fl_files *fs = powerfs_owns(fd) ? powerfs_files(wrap_disk) : NULL;

    return fs != NULL ? told(fs->close(fs, fd)) : __real_close(fd);
}

ssize_t __wrap_read(int fd, void *to, size_t len)
{
    return powerfs_owns(fd) ? told_size(powerfs_read(wrap_disk, fd, to, len))
                            : __real_read(fd, to, len);
}

ssize_t __wrap___read_chk(int fd, void *to, size_t len, size_t room)
{
    (void)room;
    return __wrap_read(fd, to, len);
}

ssize_t __wrap_pread64(int fd, void *to, size_t len, int64_t at)
{
    const struct fl_files *fs = powerfs_owns(fd) ? powerfs_files(wrap_disk) : NULL;

    return fs != NULL ? told_size(fs->pread(fs, fd, to, len, (uint64_t)at))
                      : __real_pread64(fd, to, len, at);
}

ssize_t __wrap_write(int fd, const void *from, size_t len)
{
    const struct fl_files *fs = powerfs_owns(fd) ? powerfs_files(wrap_disk) : NULL;

    return fs != NULL ? told_size(fs->write(fs, fd, from, len)) : __real_write(fd, from, len);
}

ssize_t __wrap_pwrite64(int fd, const void *from, size_t len, int64_t at)
{
    return powerfs_owns(fd) ? told_size(powerfs_pwrite(wrap_disk, fd, from, len, (uint64_t)at))
                            : __real_pwrite64(fd, from, len, at);
}

int __wrap_fsync(int fd)
{
    return powerfs_owns(fd) ? told(powerfs_fsync(wrap_disk, fd)) : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
    return powerfs_owns(fd) ? told(powerfs_fsync(wrap_disk, fd)) : __real_fdatasync(fd);
}

int __wrap_ftruncate64(int fd, int64_t len)
{
    return powerfs_owns(fd) ? told(powerfs_truncate(wrap_disk, fd, (uint64_t)len))
                            : __real_ftruncate64(fd, len);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    const struct fl_files *fs = powerfs_owns(from_dir) ? powerfs_files(wrap_disk) : NULL;

    return fs != NULL ? told(fs->rename(fs, from_dir, from, to_dir, to))
                      : __real_renameat(from_dir, from, to_dir, to);
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
    const struct fl_files *fs = powerfs_owns(dir) ? powerfs_files(wrap_disk) : NULL;

    return fs != NULL ? told(fs->unlink(fs, dir, name, (flags & AT_REMOVEDIR) != 0))
                      : __real_unlinkat(dir, name, flags);
}

int __wrap_fstat64(int fd, struct stat *ret)
{
    return powerfs_owns(fd) ? told(powerfs_stat(wrap_disk, fd, ret)) : __real_fstat64(fd, ret);
}

int __wrap_fstatat64(int dir, const char *name, struct stat *ret, int flags)
{
    return powerfs_owns(dir) ? told(powerfs_statat(wrap_disk, dir, name, ret))
                             : __real_fstatat64(dir, name, ret, flags);
}

/* Locks: nobody else is there. */
int __wrap_fcntl64(int fd, int what, ...)
{
    va_list more;
    void *arg;

    va_start(more, what);
    arg = va_arg(more, void *);
    va_end(more);
    return powerfs_owns(fd) ? 0 : __real_fcntl64(fd, what, arg);
}

int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
    const struct fl_files *fs = powerfs_owns(dir) ? powerfs_files(wrap_disk) : NULL;

    return fs != NULL ? told(fs->mkdir(fs, dir, name)) : __real_mkdirat(dir, name, mode);
}

int __wrap_syncfs(int fd)
{
    const struct fl_files *fs = powerfs_owns(fd) ? powerfs_files(wrap_disk) : NULL;

    return fs != NULL ? told(fs->sync_all(fs, fd)) : __real_syncfs(fd);
}

int __wrap_faccessat(int dir, const char *name, int mode, int flags)
{
    struct stat st;

    return powerfs_owns(dir) ? told(powerfs_statat(wrap_disk, dir, name, &st))
                             : __real_faccessat(dir, name, mode, flags);
}
