/*
 * powerfs.h - a file system in memory that knows what a power loss would leave of it.
 *
 * It keeps, beside what a program sees, what is durable: the bytes of a file as of its last sync,
 * the names of a folder as of its last sync_dir. powerfs_crash() makes the disk that a machine
 * finds after the power came back; powerfs_copy() what a process finds after kill -9 of another
 * (all that was written, durable or not). A hook sees every call before it is done, and may fail
 * it, halve it, or have it say yes and do nothing.
 *
 * One thread at a time. Descriptors begin at POWERFS_FD, so that they cannot be taken for real
 * ones.
 */
#ifndef FL_TESTS_POWERFS_H
#define FL_TESTS_POWERFS_H

#include <sys/stat.h>

#include "logs/files.h"

#define POWERFS_FD 1000000

enum powerfs_op {
    POWERFS_OPEN,
    POWERFS_READ,
    POWERFS_SIZE,
    POWERFS_LIST,
    POWERFS_CREATE, /* from here on the disk changes */
    POWERFS_WRITE,
    POWERFS_TRUNCATE,
    POWERFS_SYNC,
    POWERFS_SYNC_DIR,
    POWERFS_SYNC_ALL,
    POWERFS_MKDIR,
    POWERFS_RENAME,
    POWERFS_UNLINK,
    POWERFS_OPS
};

/* What is not synced when the power goes. */
enum powerfs_left {
    POWERFS_LEFT_NOTHING, /* nothing of it is there */
    POWERFS_LEFT_ALL,
    POWERFS_LEFT_DATA,  /* bytes, but no names */
    POWERFS_LEFT_NAMES, /* names and sizes, the bytes are zeros */
    POWERFS_LEFT_SOME,  /* names each for itself, pages each for itself: new, old, zeros, garbage,
                           torn */
    POWERFS_LEFT_KINDS
};

struct powerfs;

struct powerfs_call {
    uint64_t no; /* of the file system, from 1 */
    enum powerfs_op op;
    const char *name;   /* of the file or folder, its last component */
    const char *folder; /* of the folder that holds it; "" for the root's own */
    size_t len;         /* of a write or a read */
};

enum { POWERFS_DO = 0, POWERFS_LIE = 1, POWERFS_HALF = 2 };

struct powerfs *powerfs_new(void);
void powerfs_free(struct powerfs *fs); /* NULL is allowed */
const struct fl_files *powerfs_files(const struct powerfs *fs);
int powerfs_root(const struct powerfs *fs); /* its root folder */

/*
 * Called before each call but close: POWERFS_DO, POWERFS_LIE (success, nothing done: syncs,
 * unlinks), POWERFS_HALF (half of the bytes), or a negative errno: a write that fails leaves half
 * of its bytes, and what a failed sync did not write is not written by the next one unless it is
 * changed again, as with Linux, which drops the pages and forgets.
 */
void powerfs_hook(struct powerfs *fs,
                  int (*before)(void *ctx, struct powerfs *fs, const struct powerfs_call *call),
                  void *ctx);

/* From now on every call that would change the disk fails and does not; no call is shown to the
 * hook. */
void powerfs_dead(struct powerfs *fs, bool dead);

/* Without open descriptors and without a hook. */
struct powerfs *powerfs_copy(const struct powerfs *fs);
struct powerfs *powerfs_crash(const struct powerfs *fs, enum powerfs_left left, uint64_t seed);

unsigned powerfs_open_count(const struct powerfs *fs); /* descriptors, the root's left out */
/* Nothing is lost, whatever happens: all files and folders that can be reached are durable. */
bool powerfs_is_durable(const struct powerfs *fs);
/* XOR a byte of a file: 0, or -1 where the path or the byte is not there. */
int powerfs_damage(struct powerfs *fs, const char *path, uint64_t at, unsigned char with);
/* Cut a file, or take it away: 0, or -1 where it is not there. */
int powerfs_cut(struct powerfs *fs, const char *path, uint64_t len);
int powerfs_remove(struct powerfs *fs, const char *path);
/* All paths of files, sorted; fn must not change the file system. */
void powerfs_each(const struct powerfs *fs, void (*fn)(void *ctx, const char *path, uint64_t bytes),
                  void *ctx);

/* As system calls are, for code that makes them itself: -errno on failure. */
int powerfs_openat(struct powerfs *fs, int dir, const char *name, int flags);
ssize_t powerfs_pwrite(struct powerfs *fs, int fd, const void *from, size_t len, uint64_t at);
ssize_t powerfs_read(struct powerfs *fs, int fd, void *to, size_t len); /* at its own position */
int powerfs_truncate(struct powerfs *fs, int fd, uint64_t len);
int powerfs_fsync(struct powerfs *fs, int fd); /* a file or a folder */
int powerfs_stat(struct powerfs *fs, int fd, struct stat *ret);
int powerfs_statat(struct powerfs *fs, int dir, const char *name, struct stat *ret);
static inline bool powerfs_owns(int fd)
{
    return fd >= POWERFS_FD;
}

#endif
