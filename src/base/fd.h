/*
 * fd.h - descriptors and whole files: reading, writing, replacing without a torn moment.
 *
 * All descriptors opened here are close-on-exec. Paths are relative to dir_fd (AT_FDCWD for the
 * working folder). Errors are FL_E_IO with the system's reason, FL_E_NOENT where the file is not
 * there, FL_E_EXISTS, FL_E_DENIED, FL_E_LIMIT; they name the path.
 */
#ifndef FL_BASE_FD_H
#define FL_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/* FL_AUTO(fl_fd_closep) int fd = -1; */
void fl_fd_closep(int *fd);

/* Close fd and set it to -1; errno is kept. */
void fl_fd_close(int *fd);

/* Read until len bytes or the end: the count, or a negative code. EINTR goes on. */
ssize_t fl_fd_read_all(int fd, void *ret, size_t len, struct fl_err *err) FL_MUST_CHECK;
int fl_fd_write_all(int fd, const void *data, size_t len, struct fl_err *err) FL_MUST_CHECK;
/* The same at an offset; the file's own position stays. */
ssize_t fl_fd_pread_all(int fd, void *ret, size_t len, int64_t at, struct fl_err *err)
    FL_MUST_CHECK;
int fl_fd_pwrite_all(int fd, const void *data, size_t len, int64_t at, struct fl_err *err)
    FL_MUST_CHECK;

int fl_fd_nonblock(int fd, bool on, struct fl_err *err) FL_MUST_CHECK;

/* openat(2) with O_CLOEXEC | O_NOCTTY added. */
int fl_file_open(int dir_fd, const char *path, int flags, mode_t mode, int *ret_fd,
                 struct fl_err *err) FL_MUST_CHECK;

/* Make the folder if it is not there (parents must be) and open it (O_DIRECTORY, not a link). */
int fl_dir_make(int dir_fd, const char *path, mode_t mode, int *ret_fd, struct fl_err *err)
    FL_MUST_CHECK;

/* Append the whole file to out, whose maximum bounds it. */
int fl_file_read(int dir_fd, const char *path, struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * Replace the file's contents as one step that survives power loss: a temporary file beside it,
 * fsync, rename, fsync of the folder. path has no ".tmp" neighbour of its own.
 */
int fl_file_write(int dir_fd, const char *path, struct fl_span data, mode_t mode,
                  struct fl_err *err) FL_MUST_CHECK;

/*
 * Make durable what an earlier process may have left in memory only: the bytes are written where
 * they stand (after a sync that failed the system takes them for written, and they may not be), the
 * file and its folder synced. For files that are read at start, then appended to.
 */
int fl_file_settle(int dir_fd, const char *path, int fd, struct fl_span bytes, struct fl_err *err)
    FL_MUST_CHECK;

/* fsync the folder that holds path, so that a new name or its removal is kept. */
int fl_dir_sync(int dir_fd, const char *path, struct fl_err *err) FL_MUST_CHECK;

#endif
