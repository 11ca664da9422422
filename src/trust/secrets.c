#include "trust/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/fd.h"
#include "base/rand.h"
#include "trust/wrap.h"

enum { VERSION = 1 };
#define FILE_MAX_BYTES                                                                             \
    (FL_SECRETS_COUNT_MAX * (FL_SECRET_BYTES_MAX + FL_WRAP_EXTRA + FL_SECRET_NAME_MAX + 8))

static const unsigned char magic[8] = "FLSECRET";

struct entry {
    char name[FL_SECRET_NAME_MAX + 1];
    unsigned char *sealed; /* owned */
    size_t len;
};

struct fl_secrets {
    int dir_fd;
    struct fl_root *root;
    struct entry entries[FL_SECRETS_COUNT_MAX];
    size_t count;
};

static int bound_of(const char *name, char ret[64])
{
    return snprintf(ret, 64, "fairlead secret 1 %s", name);
}

/* Its place, or count where there is none. */
static size_t find(const struct fl_secrets *s, const char *name)
{
    size_t i = 0;

    while (i < s->count && strcmp(s->entries[i].name, name) != 0)
        i++;
    return i;
}

static int take_entry(struct fl_secrets *s, struct fl_span name, struct fl_span sealed,
                      struct fl_err *err)
{
    struct entry *e;

    if (s->count == FL_SECRETS_COUNT_MAX)
        return fl_err_set(err, FL_E_LIMIT, "more than %u secrets", FL_SECRETS_COUNT_MAX);
    e = &s->entries[s->count];
    memcpy(e->name, name.ptr, name.len);
    e->name[name.len] = '\0';
    e->sealed = malloc(sealed.len);
    if (e->sealed == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    memcpy(e->sealed, sealed.ptr, sealed.len);
    e->len = sealed.len;
    s->count++;
    return FL_OK;
}

static int parse(struct fl_secrets *s, struct fl_span file, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(file);
    struct fl_span head = fl_cursor_bytes(&cur, sizeof magic);
    uint32_t version = fl_cursor_u32(&cur), count = fl_cursor_u32(&cur);

    if (cur.failed || memcmp(head.ptr, magic, sizeof magic) != 0 || version != VERSION)
        return fl_err_set(err, FL_E_CORRUPT, "not a file of secrets of version %d", VERSION);
    for (uint32_t i = 0; i < count; i++) {
        struct fl_span name = fl_cursor_lv(&cur, FL_SECRET_NAME_MAX);
        struct fl_span sealed = fl_cursor_lv(&cur, FL_SECRET_BYTES_MAX + FL_WRAP_EXTRA);
        int r;

        if (cur.failed || name.len == 0 || memchr(name.ptr, '\0', name.len) != NULL ||
            sealed.len < FL_WRAP_EXTRA)
            return fl_err_set(err, FL_E_CORRUPT, "entry %u is damaged", i + 1);
        r = take_entry(s, name, sealed, err);
        if (r < 0)
            return r;
    }
    if (!fl_cursor_done(&cur))
        return fl_err_set(err, FL_E_CORRUPT, "bytes stand behind the last entry");
    return FL_OK;
}

int fl_secrets_open(int dir_fd, struct fl_root *root, struct fl_secrets **ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    struct fl_secrets *s = calloc(1, sizeof *s);
    struct fl_err cause;
    int r;

    fl_buf_init(&file, FILE_MAX_BYTES);
    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    s->dir_fd = dir_fd;
    s->root = root;
    r = fl_file_read(dir_fd, FL_SECRETS_FILE, &file, &cause);
    if (r == 0)
        r = parse(s, fl_buf_span(&file), &cause);
    if (r < 0 && r != FL_E_NOENT) {
        fl_secrets_free(s);
        return fl_err_set(err, r, "file " FL_SECRETS_FILE ": %s", cause.text);
    }
    *ret = s;
    return FL_OK;
}

void fl_secrets_free(struct fl_secrets *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        free(s->entries[i].sealed);
    free(s);
}

int fl_secrets_get(const struct fl_secrets *s, const char *name, struct fl_buf *out,
                   struct fl_err *err)
{
    const struct entry *e = &s->entries[find(s, name)];
    char bound[64];
    unsigned char *at;
    int r;

    if (find(s, name) == s->count)
        return fl_err_set(err, FL_E_NOENT, "there is no secret '%s'", name);
    at = fl_buf_reserve(out, e->len - FL_WRAP_EXTRA);
    if (at == NULL)
        return fl_buf_status(out, err);
    r = s->root->ops->open(s->root, fl_span_of(bound, (size_t)bound_of(name, bound)),
                           fl_span_of(e->sealed, e->len), at, err);
    if (r < 0)
        return err == NULL ? r : fl_err_wrap(err, "secret '%s'", name);
    out->len += e->len - FL_WRAP_EXTRA;
    return FL_OK;
}

static int save(const struct fl_secrets *s, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    int r;

    fl_buf_init(&file, FILE_MAX_BYTES);
    fl_buf_put(&file, magic, sizeof magic);
    fl_buf_put_u32(&file, VERSION);
    fl_buf_put_u32(&file, (uint32_t)s->count);
    for (size_t i = 0; i < s->count; i++) {
        fl_buf_put_lv(&file, fl_span_str(s->entries[i].name));
        fl_buf_put_lv(&file, fl_span_of(s->entries[i].sealed, s->entries[i].len));
    }
    r = fl_buf_status(&file, err);
    return r < 0 ? r : fl_file_write(s->dir_fd, FL_SECRETS_FILE, fl_buf_span(&file), 0600, err);
}

static int rewrap_entry(const struct fl_secrets *s, const struct entry *e, struct fl_root *root,
                        struct fl_buf *file, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf plain;
    unsigned char *sealed;
    char bound[64];
    int r;

    fl_buf_init(&plain, FL_SECRET_BYTES_MAX);
    r = fl_secrets_get(s, e->name, &plain, err);
    if (r < 0)
        return r;
    fl_buf_put_lv(file, fl_span_str(e->name));
    fl_buf_put_varint(file, plain.len + FL_WRAP_EXTRA);
    sealed = fl_buf_reserve(file, plain.len + FL_WRAP_EXTRA);
    if (sealed == NULL)
        return fl_buf_status(file, err);
    r = root->ops->seal(root, fl_span_of(bound, (size_t)bound_of(e->name, bound)),
                        fl_buf_span(&plain), sealed, err);
    file->len += plain.len + FL_WRAP_EXTRA;
    return r;
}

int fl_secrets_rewrap(const struct fl_secrets *s, struct fl_root *root, const char *name,
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    int r = FL_OK;

    fl_buf_init(&file, FILE_MAX_BYTES);
    fl_buf_put(&file, magic, sizeof magic);
    fl_buf_put_u32(&file, VERSION);
    fl_buf_put_u32(&file, (uint32_t)s->count);
    for (size_t i = 0; r == 0 && i < s->count; i++)
        r = rewrap_entry(s, &s->entries[i], root, &file, err);
    if (r == 0)
        r = fl_buf_status(&file, err);
    return r < 0 ? r : fl_file_write(s->dir_fd, name, fl_buf_span(&file), 0600, err);
}

/* Put the new entry in, save; take it out again when that fails. */
static int put_sealed(struct fl_secrets *s, const char *name, unsigned char *sealed, size_t len,
                      struct fl_err *err)
{
    struct entry *e = &s->entries[find(s, name)], old;
    int r;

    if (e == &s->entries[FL_SECRETS_COUNT_MAX])
        return fl_err_set(err, FL_E_LIMIT, "more than %u secrets", FL_SECRETS_COUNT_MAX);
    if (e == &s->entries[s->count]) {
        s->count++;
        *e = (struct entry){0};
        (void)snprintf(e->name, sizeof e->name, "%s", name);
    }
    old = *e;
    e->sealed = sealed;
    e->len = len;
    r = save(s, err);
    if (r == 0) {
        free(old.sealed);
        return FL_OK;
    }
    *e = old;
    if (old.sealed == NULL)
        s->count--;
    return r;
}

int fl_secrets_put(struct fl_secrets *s, const char *name, struct fl_span secret,
                   struct fl_err *err)
{
    size_t name_len = strlen(name);
    unsigned char *sealed;
    char bound[64];
    int r;

    if (name_len == 0 || name_len > FL_SECRET_NAME_MAX || secret.len > FL_SECRET_BYTES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a secret has a name of 1 to %u bytes and at most %zu",
                          FL_SECRET_NAME_MAX, FL_SECRET_BYTES_MAX);
    sealed = malloc(secret.len + FL_WRAP_EXTRA);
    if (sealed == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    r = s->root->ops->seal(s->root, fl_span_of(bound, (size_t)bound_of(name, bound)), secret,
                           sealed, err);
    if (r == 0)
        r = put_sealed(s, name, sealed, secret.len + FL_WRAP_EXTRA, err);
    if (r < 0)
        free(sealed);
    return r;
}

int fl_secrets_random(struct fl_secrets *s, const char *name, unsigned char *ret, size_t len,
                      struct fl_err *err)
{
    struct fl_buf out;
    int r = FL_OK;

    fl_buf_init(&out, FL_SECRET_BYTES_MAX);
    if (find(s, name) == s->count) {
        fl_random(ret, len);
        return fl_secrets_put(s, name, fl_span_of(ret, len), err);
    }
    r = fl_secrets_get(s, name, &out, err);
    if (r == 0 && out.len != len)
        r = fl_err_set(err, FL_E_CORRUPT, "the secret '%s' has %zu bytes, not %zu", name, out.len,
                       len);
    if (r == 0)
        memcpy(ret, out.ptr, len);
    fl_buf_wipe(&out);
    return r;
}
