/* house.h - what the tests of housekeeping share: a store on a disk in memory (powerfs.h), a clock,
 * the events that it told. */
#ifndef FL_TESTS_HOUSE_H
#define FL_TESTS_HOUSE_H

#include "logs/store_int.h"
#include "powerfs.h"
#include "store_rows.h"

#define HOUSE_NOW_US (INT64_C(1750000000) * FL_US_PER_S) /* 2025-06-15 15:06:40 */

static int64_t wall_us = HOUSE_NOW_US, mono_us = 1;

static inline int64_t house_wall(void)
{
    return wall_us;
}

static inline int64_t house_mono(void)
{
    return mono_us;
}

static inline void pass(int64_t us) /* time, on both clocks */
{
    wall_us += us;
    mono_us += us;
}

struct house {
    struct powerfs *fs;
    struct fl_files files;
    struct fl_store_config conf;
    struct memkeys keys;
    struct fl_store *store;
    struct fl_store_event event[64];
    unsigned events;
    uint64_t number, rows[8]; /* of deliveries; rows by tenant */
};

static int64_t house_space = INT64_MAX; /* the whole disk; what the files take is taken off */
static struct house *house_of_space;
static uint64_t house_wal_bytes; /* 0: as usual */

static inline void house_add_bytes(void *ctx, const char *path, uint64_t bytes)
{
    (void)path;
    *(int64_t *)ctx -= (int64_t)bytes;
}

static inline int64_t house_free(const struct fl_files *fs, int dir)
{
    int64_t left = house_space;

    (void)fs;
    (void)dir;
    powerfs_each(house_of_space->fs, house_add_bytes, &left);
    return left < 0 ? 0 : left;
}

static inline void house_event(void *ctx, const struct fl_store_event *ev)
{
    struct house *h = ctx;

    if (h->events < FL_LEN(h->event))
        h->event[h->events] = *ev;
    h->events++;
}

static inline unsigned events_named(const struct house *h, const char *name)
{
    unsigned n = 0;

    for (unsigned i = 0; i < h->events && i < FL_LEN(h->event); i++)
        n += strcmp(h->event[i].name, name) == 0;
    return n;
}

static inline void house_rule(struct house *h, uint32_t tenant, uint32_t keep_days,
                              uint64_t quota_bytes)
{
    struct fl_store_rule rule = {
        .tenant = tenant, .keep_days = keep_days, .quota_bytes = quota_bytes};

    (void)snprintf(rule.slug, sizeof rule.slug, "tenant%u", (unsigned)tenant);
    if (fl_store_rule(h->store, &rule, NULL) < 0)
        abort();
}

static inline void house_open(struct house *h)
{
    struct fl_err err = {0};

    if (fl_store_open(&h->conf, &h->store, &err) < 0) {
        printf("# open: %s\n", err.text);
        abort();
    }
}

static inline void house_begin(struct house *h)
{
    memset(h, 0, sizeof *h);
    wall_us = HOUSE_NOW_US;
    mono_us = 1;
    house_space = INT64_MAX;
    house_of_space = h;
    memkeys_init(&h->keys);
    h->fs = powerfs_new();
    h->files = *powerfs_files(h->fs);
    h->files.space = house_free;
    h->conf = (struct fl_store_config){.dir_fd = powerfs_root(h->fs),
                                       .files = &h->files,
                                       .keyring = &h->keys.base,
                                       .now_us = house_wall,
                                       .mono_us = house_mono,
                                       .memtable_bytes = 64 << 20,
                                       .seal_rows = 65536,
                                       .seal_s = 300,
                                       .wal_file_bytes = house_wal_bytes,
                                       .event = house_event,
                                       .event_ctx = h};
    house_open(h);
}

static inline void house_end(struct house *h)
{
    fl_store_close(h->store);
    powerfs_free(h->fs);
    memkeys_done(&h->keys);
}

static inline void house_reopen(struct house *h)
{
    fl_store_close(h->store);
    h->store = NULL;
    house_open(h);
}

/* The next rows of a tenant, in a segment of their own. */
static inline void house_fill(struct house *h, uint32_t tenant, uint32_t rows, bool seal)
{
    FL_AUTO(fl_buf_done) struct fl_buf batch;
    uint32_t got = 0;

    fl_buf_init(&batch, 1 << 22);
    plain_batch(h->rows[tenant] + 1, rows, wall_us, &batch);
    h->rows[tenant] += rows;
    if (fl_store_append(h->store, tenant, ring_id, ++h->number, fl_buf_span(&batch), &got, NULL) <
            0 ||
        got != rows || fl_store_commit(h->store, NULL) < 0 ||
        (seal && fl_store_seal_all(h->store, NULL) < 0))
        abort();
}

static inline void house_tick(struct house *h)
{
    struct fl_err err = {0};

    if (fl_store_tick(h->store, &err) < 0) {
        printf("# tick: %s\n", err.text);
        abort();
    }
}

static inline void house_see(void *ctx, const struct fl_store_tenant_stats *t)
{
    struct fl_store_tenant_stats *to = ctx;

    if (t->tenant == to->tenant)
        *to = *t;
}

static inline struct fl_store_tenant_stats house_stats(struct house *h, uint32_t tenant)
{
    struct fl_store_tenant_stats st = {.tenant = tenant};

    fl_store_each_tenant(h->store, house_see, &st);
    return st;
}

/* Lines of a job. */
struct lines {
    char text[65536];
    size_t len;
    unsigned cancel_after; /* lines; 0: never */
    unsigned count;
};

static inline int lines_write(void *ctx, struct fl_span piece)
{
    struct lines *l = ctx;

    if (l->len + piece.len < sizeof l->text) {
        memcpy(l->text + l->len, piece.ptr, piece.len);
        l->len += piece.len;
        l->text[l->len] = '\0';
    }
    l->count++;
    return 0;
}

static inline int lines_cancelled(void *ctx)
{
    const struct lines *l = ctx;

    return l->cancel_after != 0 && l->count >= l->cancel_after;
}

#endif
