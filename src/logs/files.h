/*
 * files.h - the only way in which the store touches its folder, so that a test can put another
 * file system under it: one that fails, or forgets what was not synced.
 *
 * Folders are descriptors, names are relative to them, and no call follows a symbolic link in the
 * last component. Calls give 0 or more, or a negative errno; fl_file_*() below turn that into
 * errors with a text.
 */
#ifndef FL_LOGS_FILES_H
#define FL_LOGS_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum fl_file_mode {
    FL_FILE_READ,   /* an existing file */
    FL_FILE_CREATE, /* a new file, to append to; fails where the name exists */
    FL_FILE_FOLDER  /* an existing folder */
};

struct fl_files {
    int (*open)(const struct fl_files *fs, int dir, const char *name, enum fl_file_mode mode);
    int (*close)(const struct fl_files *fs, int fd);
    ssize_t (*pread)(const struct fl_files *fs, int fd, void *to, size_t len, uint64_t offset);
    ssize_t (*write)(const struct fl_files *fs, int fd, const void *from, size_t len);
    int (*sync)(const struct fl_files *fs, int fd);      /* data and size: fdatasync */
    int (*sync_dir)(const struct fl_files *fs, int fd);  /* names in a folder: fsync */
    int (*sync_all)(const struct fl_files *fs, int dir); /* whatever anybody wrote: syncfs */
    int64_t (*size)(const struct fl_files *fs, int fd);
    int64_t (*space)(const struct fl_files *fs, int dir); /* bytes free; NULL: nobody knows */
    int (*mkdir)(const struct fl_files *fs, int dir, const char *name);
    int (*rename)(const struct fl_files *fs, int from_dir, const char *from, int to_dir,
                  const char *to);
    int (*unlink)(const struct fl_files *fs, int dir, const char *name, bool folder);
    /* Calls fn for each name but "." and ".."; fn must not change the folder. */
    int (*list)(const struct fl_files *fs, int dir,
                int (*fn)(void *ctx, const char *name, bool folder), void *ctx);
    void *state; /* of a test's form */
};

extern const struct fl_files fl_files_system;

/* FL_E_NOENT, FL_E_EXISTS or FL_E_IO, with the name. */
int fl_files_open(const struct fl_files *fs, int dir, const char *name, enum fl_file_mode mode,
                  int *ret_fd, struct fl_err *err) FL_MUST_CHECK;
void fl_files_close(const struct fl_files *fs, int fd); /* -1 is allowed */
/* Exactly len bytes; FL_E_CORRUPT when the file ends before. */
int fl_files_read(const struct fl_files *fs, int fd, void *to, size_t len, uint64_t offset,
                  struct fl_err *err) FL_MUST_CHECK;
int fl_files_write(const struct fl_files *fs, int fd, struct fl_span bytes, struct fl_err *err)
    FL_MUST_CHECK;
int fl_files_sync(const struct fl_files *fs, int fd, struct fl_err *err) FL_MUST_CHECK;
int fl_files_sync_dir(const struct fl_files *fs, int fd, struct fl_err *err) FL_MUST_CHECK;
/* All that was written before, also by a process that was killed. */
int fl_files_sync_all(const struct fl_files *fs, int dir, struct fl_err *err) FL_MUST_CHECK;
int fl_files_size(const struct fl_files *fs, int fd, uint64_t *ret, struct fl_err *err)
    FL_MUST_CHECK;
/* The folder, made (and its name made durable) where it was missing. After FL_E_IO it may be there
 * without being durable. */
int fl_files_folder(const struct fl_files *fs, int dir, const char *name, int *ret_fd,
                    struct fl_err *err) FL_MUST_CHECK;
int fl_files_rename(const struct fl_files *fs, int dir, const char *from, const char *to,
                    struct fl_err *err) FL_MUST_CHECK;
/* What is not there counts as removed. */
int fl_files_unlink(const struct fl_files *fs, int dir, const char *name, bool folder,
                    struct fl_err *err) FL_MUST_CHECK;
/* Write bytes to NAME.tmp, sync, rename to NAME, sync the folder. */
int fl_files_replace(const struct fl_files *fs, int dir, const char *name, struct fl_span bytes,
                     struct fl_err *err) FL_MUST_CHECK;

/* CRC-32C (Castagnoli), as FORMAT.md uses it; crc 0 to begin. */
uint32_t fl_crc32c(uint32_t crc, struct fl_span bytes);

/* 32 hex digits and NUL. */
void fl_id_format(const unsigned char id[16], char text[33]);
bool fl_id_parse(const char *text, unsigned char ret[16]); /* exactly 32 digits, then anything */
int fl_id_new(unsigned char ret[16], struct fl_err *err) FL_MUST_CHECK; /* random */

#endif
