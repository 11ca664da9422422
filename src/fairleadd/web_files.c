#include "fairleadd/web_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fairleadd/web_map.h"

enum { DEPTH_MAX = 8, NAME_MAX_BYTES = 512 };

struct table {
    struct fl_web_file *files; /* by name */
    size_t count, cap, bytes;
};

struct fl_web_files {
    int dir_fd;
    struct table table;
    uint64_t signature; /* of names, sizes and times when the table was read */
    int64_t looked_us;
};

/* One walk: either the signature alone, or the contents too. */
struct walk {
    uint64_t signature;
    struct table *into; /* NULL: only look */
    size_t count;
};

static void table_done(struct table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->files[i].name);
        fl_httpd_blob_unref(t->files[i].bytes);
        fl_httpd_blob_unref(t->files[i].gzip);
    }
    free(t->files);
    *t = (struct table){.files = NULL};
}

static struct fl_web_file *table_add(struct table *t)
{
    if (t->count == t->cap) {
        size_t cap = t->cap == 0 ? 64 : t->cap * 2;
        struct fl_web_file *more = realloc(t->files, cap * sizeof *more);

        if (more == NULL)
            return NULL;
        t->files = more;
        t->cap = cap;
    }
    memset(&t->files[t->count], 0, sizeof t->files[0]);
    return &t->files[t->count++];
}

static void sign(struct walk *w, const char *name, const struct stat *st)
{
    const uint64_t parts[] = {w->signature,
                              fl_span_hash(fl_span_str(name)),
                              (uint64_t)st->st_size,
                              (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec,
                              (uint64_t)st->st_ino};

    w->signature = fl_span_hash(fl_span_of(parts, sizeof parts));
}

static int load(struct walk *w, int dir_fd, const char *entry, const char *name, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_web_file *f;
    struct fl_span text;
    int r;

    fl_buf_init(&bytes, FL_WEB_FILE_MAX_BYTES);
    r = fl_file_read(dir_fd, entry, &bytes, err);
    if (r < 0)
        return fl_err_wrap(err, "%s", name);
    w->into->bytes += bytes.len;
    if (w->into->bytes > FL_WEB_ALL_MAX_BYTES)
        return fl_err_set(err, FL_E_LIMIT, "the folder has more than %zu MiB",
                          FL_WEB_ALL_MAX_BYTES >> 20);
    f = table_add(w->into);
    if (f == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the file %s", name);
    text = fl_buf_span(&bytes);
    f->name = strdup(name);
    f->bytes = fl_httpd_blob_new(text);
    if (f->name == NULL || f->bytes == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the file %s", name);
    f->type = fl_web_type_of(fl_span_str(name));
    f->hashed = fl_web_is_hashed(fl_span_str(name));
    (void)snprintf(f->etag, sizeof f->etag, "\"%016llx-%zx\"",
                   (unsigned long long)fl_span_hash(text), text.len);
    (void)snprintf(f->etag_gzip, sizeof f->etag_gzip, "\"%016llx-%zx-gz\"",
                   (unsigned long long)fl_span_hash(text), text.len);
    return FL_OK;
}

static int walk_dir(struct walk *w, int dir_fd, const char *prefix, int depth, struct fl_err *err);

/* Links are passed over: what they point to may stand outside. */
static int walk_entry(struct walk *w, int dir_fd, const char *entry, const char *prefix, int depth,
                      struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    char name[NAME_MAX_BYTES];
    struct stat st;
    int n = snprintf(name, sizeof name, "%s%s", prefix, entry);

    if (entry[0] == '.' || n < 0 || (size_t)n >= sizeof name - 1 ||
        fstatat(dir_fd, entry, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return FL_OK; /* gone since it was listed; the next look tells */
    if (S_ISREG(st.st_mode)) {
        sign(w, name, &st);
        if (++w->count > FL_WEB_FILES_MAX)
            return fl_err_set(err, FL_E_LIMIT, "the folder has more than %u files",
                              FL_WEB_FILES_MAX);
        return w->into == NULL ? FL_OK : load(w, dir_fd, entry, name, err);
    }
    if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
        return FL_OK;
    fd = openat(dir_fd, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fl_err_sys(err, FL_E_IO, errno, "open the folder %s", name);
    (void)snprintf(name + n, sizeof name - (size_t)n, "/");
    return walk_dir(w, fd, name, depth + 1, err);
}

static int by_text(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int walk_dir(struct walk *w, int dir_fd, const char *prefix, int depth, struct fl_err *err)
{
    struct dirent **list = NULL;
    int r = FL_OK, n = scandirat(dir_fd, ".", &list, NULL, by_text);

    if (n < 0)
        return fl_err_sys(err, FL_E_IO, errno, "read the folder /%s", prefix);
    for (int i = 0; i < n; i++) {
        if (r == FL_OK)
            r = walk_entry(w, dir_fd, list[i]->d_name, prefix, depth, err);
        free(list[i]);
    }
    free(list);
    return r;
}

static int by_name(const void *a, const void *b)
{
    const struct fl_web_file *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static const struct fl_web_file *find_in(const struct table *t, const char *name)
{
    size_t low = 0, high = t->count;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(t->files[mid].name, name);

        if (order == 0)
            return &t->files[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void join_twins(struct table *t)
{
    char name[NAME_MAX_BYTES + 4];

    qsort(t->files, t->count, sizeof *t->files, by_name);
    for (size_t i = 0; i < t->count; i++) {
        const struct fl_web_file *twin;

        (void)snprintf(name, sizeof name, "%s.gz", t->files[i].name);
        twin = find_in(t, name);
        if (twin == NULL)
            continue;
        t->files[i].gzip = fl_httpd_blob_ref(twin->bytes);
    }
}

static int read_all(struct fl_web_files *files, struct fl_err *err)
{
    struct table fresh = {.files = NULL};
    struct walk w = {.into = &fresh};
    int r = walk_dir(&w, files->dir_fd, "", 0, err);

    if (r < 0) {
        table_done(&fresh);
        return r;
    }
    if (fresh.count > 0)
        join_twins(&fresh);
    table_done(&files->table); /* answers under way hold their bytes */
    files->table = fresh;
    files->signature = w.signature;
    return FL_OK;
}

int fl_web_files_look(struct fl_web_files *files, int64_t now_mono_us, struct fl_err *err)
{
    struct walk w = {.into = NULL};
    int r;

    if (files->dir_fd < 0 || now_mono_us - files->looked_us < FL_WEB_LOOK_US)
        return FL_OK;
    files->looked_us = now_mono_us;
    r = walk_dir(&w, files->dir_fd, "", 0, err);
    if (r < 0 || w.signature == files->signature)
        return r;
    return read_all(files, err);
}

int fl_web_files_new(int dir_fd, struct fl_web_files **ret, struct fl_err *err)
{
    struct fl_web_files *files = calloc(1, sizeof *files);
    int r = FL_OK;

    if (files == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the files of the screen");
    files->dir_fd = dir_fd;
    if (dir_fd >= 0)
        r = read_all(files, err);
    if (r < 0) {
        fl_web_files_free(files);
        return r;
    }
    *ret = files;
    return FL_OK;
}

void fl_web_files_free(struct fl_web_files *files)
{
    if (files == NULL)
        return;
    table_done(&files->table);
    free(files);
}

const struct fl_web_file *fl_web_files_find(const struct fl_web_files *files, struct fl_span name)
{
    char text[NAME_MAX_BYTES];

    if (name.len >= sizeof text || memchr(name.ptr, '\0', name.len) != NULL)
        return NULL;
    (void)snprintf(text, sizeof text, "%.*s", FL_SPAN_ARG(name));
    return find_in(&files->table, text);
}

size_t fl_web_files_count(const struct fl_web_files *files)
{
    return files->table.count;
}
