/*
 * web_files.h - inside web: the files of the screen, read whole into memory.
 *
 * A table of names made by walking the folder; a request is only looked up in it, so no path from
 * outside ever reaches the file system. name.gz beside name is its compressed twin. The folder is
 * looked at again at most every FL_WEB_LOOK_US, and read again when anything in it changed.
 */
#ifndef FL_FAIRLEADD_WEB_FILES_H
#define FL_FAIRLEADD_WEB_FILES_H

#include "io/httpd.h"

#define FL_WEB_LOOK_US        (2 * INT64_C(1000000))
#define FL_WEB_FILES_MAX      4096u
#define FL_WEB_FILE_MAX_BYTES ((size_t)16 << 20)
#define FL_WEB_ALL_MAX_BYTES  ((size_t)96 << 20)

struct fl_web_file {
    char *name; /* "assets/index-BxK3a9Qz.js" */
    const char *type;
    bool hashed; /* its name changes with its contents */
    char etag[40], etag_gzip[44];
    struct fl_httpd_blob *bytes, *gzip; /* gzip: NULL when there is no twin */
};

struct fl_web_files;
/* dir_fd stays the caller's; -1: there is no folder, the table stays empty. */
int fl_web_files_new(int dir_fd, struct fl_web_files **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_web_files_free(struct fl_web_files *files);

/* Look whether something changed, when it is time. A folder that cannot be read keeps the table. */
int fl_web_files_look(struct fl_web_files *files, int64_t now_mono_us, struct fl_err *err)
    FL_MUST_CHECK;

/* NULL: there is no such file. Borrowed until the next look. */
const struct fl_web_file *fl_web_files_find(const struct fl_web_files *files, struct fl_span name);
size_t fl_web_files_count(const struct fl_web_files *files);

#endif
