#include "logs/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int result(int r)
{
    return r < 0 ? -errno : r;
}

static int sys_open(const struct fl_files *fs, int dir, const char *name, enum fl_file_mode mode)
{
    static const int flags[] = {
        [FL_FILE_READ] = O_RDONLY,
        [FL_FILE_CREATE] = O_WRONLY | O_CREAT | O_EXCL | O_APPEND,
        [FL_FILE_FOLDER] = O_RDONLY | O_DIRECTORY,
    };

    (void)fs;
    return result(openat(dir, name, flags[mode] | O_NOFOLLOW | O_CLOEXEC, 0600));
}

static int sys_close(const struct fl_files *fs, int fd)
{
    (void)fs;
    return result(close(fd));
}

static ssize_t sys_pread(const struct fl_files *fs, int fd, void *to, size_t len, uint64_t offset)
{
    ssize_t n;

    (void)fs;
    do
        n = pread(fd, to, len, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t sys_write(const struct fl_files *fs, int fd, const void *from, size_t len)
{
    ssize_t n;

    (void)fs;
    do
        n = write(fd, from, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int sys_sync(const struct fl_files *fs, int fd)
{
    (void)fs;
    return result(fdatasync(fd));
}

static int sys_sync_dir(const struct fl_files *fs, int fd)
{
    (void)fs;
    return result(fsync(fd));
}

static int sys_sync_all(const struct fl_files *fs, int dir)
{
    (void)fs;
    return result(syncfs(dir));
}

static int64_t sys_space(const struct fl_files *fs, int dir)
{
    struct statvfs st;

    (void)fs;
    if (fstatvfs(dir, &st) < 0)
        return -errno;
    return st.f_bavail > (uint64_t)INT64_MAX / st.f_frsize ? INT64_MAX
                                                           : (int64_t)(st.f_bavail * st.f_frsize);
}

static int64_t sys_size(const struct fl_files *fs, int fd)
{
    struct stat st;

    (void)fs;
    return fstat(fd, &st) < 0 ? -errno : st.st_size;
}

static int sys_mkdir(const struct fl_files *fs, int dir, const char *name)
{
    (void)fs;
    return result(mkdirat(dir, name, 0700));
}

static int sys_rename(const struct fl_files *fs, int from_dir, const char *from, int to_dir,
                      const char *to)
{
    (void)fs;
    return result(renameat(from_dir, from, to_dir, to));
}

static int sys_unlink(const struct fl_files *fs, int dir, const char *name, bool folder)
{
    (void)fs;
    return result(unlinkat(dir, name, folder ? AT_REMOVEDIR : 0));
}

static bool is_folder(int dir, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int sys_list(const struct fl_files *fs, int dir,
                    int (*fn)(void *ctx, const char *name, bool folder), void *ctx)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    (void)fs;
    if (stream == NULL) {
        r = -errno;
        if (fd >= 0)
            (void)close(fd);
        return r;
    }
    while (r >= 0 && (errno = 0, entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        r = fn(ctx, entry->d_name, is_folder(fd, entry));
    }
    if (r >= 0 && errno != 0)
        r = -errno;
    (void)closedir(stream);
    return r;
}

const struct fl_files fl_files_system = {
    .open = sys_open,
    .close = sys_close,
    .pread = sys_pread,
    .write = sys_write,
    .sync = sys_sync,
    .sync_dir = sys_sync_dir,
    .sync_all = sys_sync_all,
    .size = sys_size,
    .space = sys_space,
    .mkdir = sys_mkdir,
    .rename = sys_rename,
    .unlink = sys_unlink,
    .list = sys_list,
};

int fl_files_open(const struct fl_files *fs, int dir, const char *name, enum fl_file_mode mode,
                  int *ret_fd, struct fl_err *err)
{
    int fd = fs->open(fs, dir, name, mode);

    if (fd >= 0) {
        *ret_fd = fd;
        return FL_OK;
    }
    return fl_err_sys(err,
                      fd == -ENOENT   ? FL_E_NOENT
                      : fd == -EEXIST ? FL_E_EXISTS
                                      : FL_E_IO,
                      -fd, "cannot open %s", name);
}

void fl_files_close(const struct fl_files *fs, int fd)
{
    if (fd >= 0)
        (void)fs->close(fs, fd); /* what matters was synced before */
}

int fl_files_read(const struct fl_files *fs, int fd, void *to, size_t len, uint64_t offset,
                  struct fl_err *err)
{
    unsigned char *at = to;

    while (len > 0) {
        ssize_t n = fs->pread(fs, fd, at, len, offset);

        if (n < 0)
            return fl_err_sys(err, FL_E_IO, (int)-n, "cannot read at %llu",
                              (unsigned long long)offset);
        if (n == 0)
            return fl_err_set(err, FL_E_CORRUPT, "the file ends at %llu, %zu bytes early",
                              (unsigned long long)offset, len);
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return FL_OK;
}

int fl_files_write(const struct fl_files *fs, int fd, struct fl_span bytes, struct fl_err *err)
{
    while (bytes.len > 0) {
        ssize_t n = fs->write(fs, fd, bytes.ptr, bytes.len);

        if (n <= 0)
            return fl_err_sys(err, FL_E_IO, n == 0 ? ENOSPC : (int)-n, "cannot write %zu bytes",
                              bytes.len);
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
    return FL_OK;
}

int fl_files_sync(const struct fl_files *fs, int fd, struct fl_err *err)
{
    int r = fs->sync(fs, fd);

    return r < 0 ? fl_err_sys(err, FL_E_IO, -r, "cannot sync") : FL_OK;
}

int fl_files_sync_dir(const struct fl_files *fs, int fd, struct fl_err *err)
{
    int r = fs->sync_dir(fs, fd);

    return r < 0 ? fl_err_sys(err, FL_E_IO, -r, "cannot sync a folder") : FL_OK;
}

int fl_files_sync_all(const struct fl_files *fs, int dir, struct fl_err *err)
{
    int r = fs->sync_all(fs, dir);

    return r < 0 ? fl_err_sys(err, FL_E_IO, -r, "cannot sync what was written before") : FL_OK;
}

int fl_files_size(const struct fl_files *fs, int fd, uint64_t *ret, struct fl_err *err)
{
    int64_t n = fs->size(fs, fd);

    if (n < 0)
        return fl_err_sys(err, FL_E_IO, (int)-n, "cannot tell the size of a file");
    *ret = (uint64_t)n;
    return FL_OK;
}

int fl_files_folder(const struct fl_files *fs, int dir, const char *name, int *ret_fd,
                    struct fl_err *err)
{
    int r = fl_files_open(fs, dir, name, FL_FILE_FOLDER, ret_fd, NULL);

    if (r >= 0)
        return r;
    r = fs->mkdir(fs, dir, name);
    if (r < 0 && r != -EEXIST)
        return fl_err_sys(err, FL_E_IO, -r, "cannot make folder %s", name);
    r = fl_files_sync_dir(fs, dir, err);
    return r < 0 ? r : fl_files_open(fs, dir, name, FL_FILE_FOLDER, ret_fd, err);
}

int fl_files_rename(const struct fl_files *fs, int dir, const char *from, const char *to,
                    struct fl_err *err)
{
    int r = fs->rename(fs, dir, from, dir, to);

    if (r < 0)
        return fl_err_sys(err, r == -ENOENT ? FL_E_NOENT : FL_E_IO, -r, "cannot rename %s to %s",
                          from, to);
    return fl_files_sync_dir(fs, dir, err);
}

int fl_files_unlink(const struct fl_files *fs, int dir, const char *name, bool folder,
                    struct fl_err *err)
{
    int r = fs->unlink(fs, dir, name, folder);

    return r < 0 && r != -ENOENT ? fl_err_sys(err, FL_E_IO, -r, "cannot unlink %s", name) : FL_OK;
}

int fl_files_replace(const struct fl_files *fs, int dir, const char *name, struct fl_span bytes,
                     struct fl_err *err)
{
    char tmp[256];
    int fd = -1, r;

    if (snprintf(tmp, sizeof tmp, "%s.tmp", name) >= (int)sizeof tmp)
        return fl_err_set(err, FL_E_INVAL, "the name %s is too long", name);
    (void)fs->unlink(fs, dir, tmp, false); /* of a write that did not finish */
    r = fl_files_open(fs, dir, tmp, FL_FILE_CREATE, &fd, err);
    if (r >= 0)
        r = fl_files_write(fs, fd, bytes, err);
    if (r >= 0)
        r = fl_files_sync(fs, fd, err);
    fl_files_close(fs, fd);
    if (r >= 0)
        r = fl_files_rename(fs, dir, tmp, name, err);
    if (r < 0)
        (void)fs->unlink(fs, dir, tmp, false);
    return r < 0 && err != NULL ? fl_err_wrap(err, "%s", name) : r;
}

/* ---- CRC-32C, eight bytes at a time ---- */

static uint32_t crc_table[8][256];

static void make_crc_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int k = 0; k < 8; k++)
            c = (c & 1) != 0 ? c >> 1 ^ UINT32_C(0x82f63b78) : c >> 1;
        crc_table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++)
            crc_table[t][i] = crc_table[t - 1][i] >> 8 ^ crc_table[0][crc_table[t - 1][i] & 0xff];
}

uint32_t fl_crc32c(uint32_t crc, struct fl_span bytes)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const unsigned char *p = bytes.ptr;
    size_t n = bytes.len;

    (void)pthread_once(&once, make_crc_table);
    crc = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint32_t lo = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                             (uint32_t)p[3] << 24);

        crc = crc_table[7][lo & 0xff] ^ crc_table[6][lo >> 8 & 0xff] ^
              crc_table[5][lo >> 16 & 0xff] ^ crc_table[4][lo >> 24] ^ crc_table[3][p[4]] ^
              crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
    }
    for (; n > 0; n--)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

/* ---- ids ---- */

void fl_id_format(const unsigned char id[16], char text[33])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < 16; i++) {
        text[i * 2] = digits[id[i] >> 4];
        text[i * 2 + 1] = digits[id[i] & 15];
    }
    text[32] = '\0';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool fl_id_parse(const char *text, unsigned char ret[16])
{
    for (size_t i = 0; i < 16; i++) {
        int high = digit(text[i * 2]), low = high < 0 ? -1 : digit(text[i * 2 + 1]);

        if (low < 0)
            return false;
        ret[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

int fl_id_new(unsigned char ret[16], struct fl_err *err)
{
    if (getrandom(ret, 16, 0) != 16)
        return fl_err_set(err, FL_E_IO, "no random bytes");
    return FL_OK;
}
