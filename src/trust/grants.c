#include "trust/grants.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/fd.h"
#include "trust/wrap.h"

enum { VERSION = 1, ENTRY_BYTES = 12, HEAD_BYTES = 8 };
#define PLAIN_MAX_BYTES ((size_t)HEAD_BYTES + (size_t)FL_GRANTS_MAX * ENTRY_BYTES)
#define BOUND           FL_SPAN("fairlead grants 1")

struct grant {
    uint32_t tenant;
    int64_t until_us;
};

struct fl_grants {
    int dir_fd;
    struct fl_root *root;
    struct grant *list; /* owned */
    size_t count;
};

static int parse(struct fl_grants *g, struct fl_span plain, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(plain);
    uint32_t version = fl_cursor_u32(&cur), count = fl_cursor_u32(&cur);

    if (cur.failed || version != VERSION || count > FL_GRANTS_MAX ||
        fl_cursor_left(&cur) != (size_t)count * ENTRY_BYTES)
        return fl_err_set(err, FL_E_CORRUPT, "not a list of grants of version %d", VERSION);
    g->list = calloc((size_t)count + 1, sizeof *g->list);
    if (g->list == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    for (g->count = 0; g->count < count; g->count++) {
        g->list[g->count].tenant = fl_cursor_u32(&cur);
        g->list[g->count].until_us = (int64_t)fl_cursor_u64(&cur);
    }
    return FL_OK;
}

static int load(struct fl_grants *g, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf sealed;
    FL_AUTO(fl_buf_done) struct fl_buf plain;
    int r;

    fl_buf_init(&sealed, PLAIN_MAX_BYTES + FL_WRAP_EXTRA);
    fl_buf_init(&plain, PLAIN_MAX_BYTES);
    r = fl_file_read(g->dir_fd, FL_GRANTS_FILE, &sealed, err);
    if (r == FL_E_NOENT)
        return FL_OK;
    if (r == 0 && sealed.len < FL_WRAP_EXTRA + HEAD_BYTES)
        r = fl_err_set(err, FL_E_CORRUPT, "it is cut short");
    if (r < 0)
        return r;
    if (fl_buf_reserve(&plain, sealed.len - FL_WRAP_EXTRA) == NULL)
        return fl_buf_status(&plain, err);
    r = g->root->ops->open(g->root, BOUND, fl_buf_span(&sealed), plain.ptr, err);
    if (r < 0)
        return r;
    plain.len = sealed.len - FL_WRAP_EXTRA;
    return parse(g, fl_buf_span(&plain), err);
}

int fl_grants_open(int dir_fd, struct fl_root *root, struct fl_grants **ret, struct fl_err *err)
{
    struct fl_grants *g = calloc(1, sizeof *g);
    struct fl_err cause;
    int r;

    if (g == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    g->dir_fd = dir_fd;
    g->root = root;
    r = load(g, &cause);
    if (r < 0) {
        fl_grants_free(g);
        return fl_err_set(err, r, "file " FL_GRANTS_FILE ": %s", cause.text);
    }
    *ret = g;
    return FL_OK;
}

void fl_grants_free(struct fl_grants *g)
{
    if (g == NULL)
        return;
    free(g->list);
    free(g);
}

static int save_as(const struct fl_grants *g, struct fl_root *root, const char *name,
                   const struct grant *list, size_t count, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf plain;
    FL_AUTO(fl_buf_done) struct fl_buf sealed;
    int r;

    fl_buf_init(&plain, PLAIN_MAX_BYTES);
    fl_buf_init(&sealed, PLAIN_MAX_BYTES + FL_WRAP_EXTRA);
    fl_buf_put_u32(&plain, VERSION);
    fl_buf_put_u32(&plain, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        fl_buf_put_u32(&plain, list[i].tenant);
        fl_buf_put_u64(&plain, (uint64_t)list[i].until_us);
    }
    r = fl_buf_status(&plain, err);
    if (r < 0)
        return r;
    if (fl_buf_reserve(&sealed, plain.len + FL_WRAP_EXTRA) == NULL)
        return fl_buf_status(&sealed, err);
    r = root->ops->seal(root, BOUND, fl_buf_span(&plain), sealed.ptr, err);
    sealed.len = plain.len + FL_WRAP_EXTRA;
    return r < 0 ? r : fl_file_write(g->dir_fd, name, fl_buf_span(&sealed), 0600, err);
}

static int save(const struct fl_grants *g, const struct grant *list, size_t count,
                struct fl_err *err)
{
    return save_as(g, g->root, FL_GRANTS_FILE, list, count, err);
}

int fl_grants_rewrap(const struct fl_grants *g, struct fl_root *root, const char *name,
                     struct fl_err *err)
{
    return save_as(g, root, name, g->list, g->count, err);
}

int fl_grants_set(struct fl_grants *g, uint32_t tenant, int64_t until_us, int64_t now_us,
                  struct fl_err *err)
{
    struct grant *next = calloc(g->count + 1, sizeof *next);
    size_t count = 0;
    int r;

    if (next == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    for (size_t i = 0; i < g->count; i++)
        if (g->list[i].tenant != tenant && g->list[i].until_us > now_us)
            next[count++] = g->list[i];
    if (until_us > now_us)
        next[count++] = (struct grant){tenant, until_us};
    r = count > FL_GRANTS_MAX
            ? fl_err_set(err, FL_E_LIMIT, "more than %u tenants have a grant", FL_GRANTS_MAX)
            : save(g, next, count, err);
    if (r < 0) {
        free(next);
        return r;
    }
    free(g->list);
    g->list = next;
    g->count = count;
    return FL_OK;
}

int64_t fl_grants_until(const struct fl_grants *g, uint32_t tenant, int64_t now_us)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->list[i].tenant == tenant && g->list[i].until_us > now_us)
            return g->list[i].until_us;
    return 0;
}
