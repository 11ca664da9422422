#include "trust/keytable.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "trust/destroyed.h"
#include "trust/keydisk.h"

struct secret { /* the plain part; locked in memory */
    unsigned char epoch_key[FL_KEY_BYTES];
    unsigned char sign[crypto_sign_SECRETKEYBYTES];
};

struct fl_keytable {
    struct fl_keyring ring;
    pthread_mutex_t lock;
    struct fl_keydisk disk;
    struct secret *secret; /* owned */
    int64_t (*now_us)(void);
    uint32_t epoch;
    struct fl_keymap map;
    uint64_t lost; /* keys found unreadable */
};

/* ---- what a wrapped key is bound to ---- */

enum level { LEVEL_TENANT = 2, LEVEL_DAY, LEVEL_FILE };

struct bound {
    unsigned char bytes[48];
};

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static struct fl_span bound_of(struct bound *b, enum level level, uint32_t epoch, uint32_t tenant,
                               int32_t day, const unsigned char *id)
{
    memset(b->bytes, 0, sizeof b->bytes);
    memcpy(b->bytes, "fairlead key 1", 14);
    b->bytes[14] = (unsigned char)level;
    put_u32(b->bytes + 16, epoch);
    put_u32(b->bytes + 20, tenant);
    put_u32(b->bytes + 24, (uint32_t)day);
    if (id != NULL)
        memcpy(b->bytes + 28, id, FL_FILE_ID_BYTES);
    return fl_span_of(b->bytes, sizeof b->bytes);
}

static struct fl_span bound_tenant(struct bound *b, uint32_t epoch, uint32_t tenant)
{
    return bound_of(b, LEVEL_TENANT, epoch, tenant, 0, NULL);
}

static struct fl_span bound_day(struct bound *b, uint32_t tenant, int32_t day)
{
    return bound_of(b, LEVEL_DAY, 0, tenant, day, NULL);
}

static struct fl_span bound_file(struct bound *b, uint32_t tenant, int32_t day,
                                 const unsigned char *id)
{
    return bound_of(b, LEVEL_FILE, 0, tenant, day, id);
}

/* ---- plain keys for the length of one call ---- */

struct plain {
    unsigned char key[FL_KEY_BYTES];
};

static void plain_wipe(struct plain *p)
{
    explicit_bzero(p, sizeof *p);
}

#define PLAIN FL_AUTO(plain_wipe) struct plain

static struct fl_span plain_span(const struct plain *p)
{
    return fl_span_of(p->key, sizeof p->key);
}

static int open_wrap(const unsigned char *under, struct fl_span bound, const unsigned char *wrap,
                     struct plain *ret, struct fl_err *err)
{
    return fl_wrap_open(under, bound, fl_span_of(wrap, FL_WRAP_KEY_BYTES), ret->key, err);
}

static int open_tenant(const struct fl_keytable *t, const struct fl_keymap_tenant *tenant,
                       struct plain *ret, struct fl_err *err)
{
    struct bound b;
    int r = open_wrap(t->secret->epoch_key, bound_tenant(&b, t->epoch, tenant->tenant),
                      tenant->wrap, ret, err);

    return r < 0 ? fl_err_wrap(err, "key of tenant %u", tenant->tenant) : r;
}

static int open_day(const struct plain *tenant_key, uint32_t tenant,
                    const struct fl_keymap_day *day, struct plain *ret, struct fl_err *err)
{
    struct bound b;
    int r = open_wrap(tenant_key->key, bound_day(&b, tenant, day->day), day->wrap, ret, err);

    return r < 0 ? fl_err_wrap(err, "key of day %d of tenant %u", day->day, tenant) : r;
}

/* ---- opening ---- */

/* A forged table could name today's epoch; its tenants' keys then do not open. */
static int check_tenants(const struct fl_keytable *t, struct fl_err *err)
{
    for (size_t i = 0; i < t->map.tenant_count; i++) {
        PLAIN key;
        int r = open_tenant(t, &t->map.tenants[i], &key, err);

        if (r < 0)
            return r;
    }
    return FL_OK;
}

static int open_all(struct fl_keytable *t, struct fl_err *err)
{
    int r = fl_keydisk_open(&t->disk, err);

    if (r == 0)
        r = fl_keydisk_read_epoch(&t->disk, &t->epoch, t->secret->epoch_key, err);
    if (r == 0)
        r = fl_keydisk_load(&t->disk, t->epoch, &t->map, err);
    if (r == 0)
        r = check_tenants(t, err);
    if (r == 0)
        r = fl_keydisk_tidy(&t->disk, t->epoch, &t->map, err);
    return r;
}

static const struct fl_keyring_ops ring_ops;

int fl_keytable_open(const struct fl_keytable_config *config, struct fl_keytable **ret,
                     struct fl_err *err)
{
    struct fl_keytable *t = calloc(1, sizeof *t);
    struct secret *secret = calloc(1, sizeof *secret);
    struct fl_err aside = {0};
    int r;

    if (t == NULL || secret == NULL) {
        free(t);
        free(secret);
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    }
    *t = (struct fl_keytable){.ring.ops = &ring_ops, .secret = secret, .now_us = config->now_us};
    t->disk = (struct fl_keydisk){.dir_fd = config->dir_fd,
                                  .root = config->root,
                                  .step = config->step,
                                  .step_ctx = config->step_ctx,
                                  .lock_fd = -1,
                                  .fd = -1};
    (void)pthread_mutex_init(&t->lock, NULL);
    fl_keymap_init(&t->map);
    (void)sodium_mlock(secret, sizeof *secret); /* best effort: RLIMIT_MEMLOCK may be 0 */
    memcpy(secret->sign, config->sign_secret, sizeof secret->sign);
    r = open_all(t, err == NULL ? &aside : err);
    if (r < 0) {
        fl_keytable_free(t);
        return r;
    }
    *ret = t;
    return FL_OK;
}

void fl_keytable_free(struct fl_keytable *t)
{
    if (t == NULL)
        return;
    explicit_bzero(t->secret, sizeof *t->secret);
    (void)sodium_munlock(t->secret, sizeof *t->secret);
    free(t->secret);
    fl_keymap_done(&t->map);
    fl_keydisk_done(&t->disk);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

struct fl_keyring *fl_keytable_keyring(struct fl_keytable *table)
{
    return &table->ring;
}

bool fl_keytable_broken(struct fl_keytable *t)
{
    bool broken;

    (void)pthread_mutex_lock(&t->lock);
    broken = t->disk.broken;
    (void)pthread_mutex_unlock(&t->lock);
    return broken;
}

void fl_keytable_stat(struct fl_keytable *t, struct fl_keytable_stat *ret)
{
    (void)pthread_mutex_lock(&t->lock);
    *ret = (struct fl_keytable_stat){.epoch = t->epoch,
                                     .tenants = t->map.tenant_count,
                                     .days = t->map.days,
                                     .files = t->map.files,
                                     .lost = t->lost,
                                     .file_bytes = t->disk.file_bytes,
                                     .live_bytes = fl_keydisk_live_bytes(&t->map)};
    (void)snprintf(ret->root_kind, sizeof ret->root_kind, "%s", t->disk.root->ops->kind);
    (void)pthread_mutex_unlock(&t->lock);
}

/* ---- making and looking up ---- */

/* The key of the tenant: the one that is there, or a new one with its record. */
static int tenant_key(struct fl_keytable *t, uint32_t tenant, struct fl_buf *frame,
                      struct plain *ret, struct fl_err *err)
{
    const struct fl_keymap_tenant *there = fl_keymap_tenant(&t->map, tenant);
    unsigned char wrap[FL_WRAP_KEY_BYTES];
    struct bound b;
    int r;

    if (there != NULL)
        return open_tenant(t, there, ret, err);
    fl_random(ret->key, sizeof ret->key);
    r = fl_wrap_seal(t->secret->epoch_key, bound_tenant(&b, t->epoch, tenant), plain_span(ret),
                     wrap, err);
    if (r == 0)
        fl_keyframe_tenant(frame, tenant, wrap);
    return r;
}

static int day_key(struct fl_keytable *t, uint32_t tenant, int32_t day, const struct plain *under,
                   struct fl_buf *frame, struct plain *ret, struct fl_err *err)
{
    const struct fl_keymap_tenant *of = fl_keymap_tenant(&t->map, tenant);
    const struct fl_keymap_day *there = of == NULL ? NULL : fl_keymap_day(of, day);
    unsigned char wrap[FL_WRAP_KEY_BYTES];
    struct bound b;
    int r;

    if (there != NULL)
        return open_day(under, tenant, there, ret, err);
    fl_random(ret->key, sizeof ret->key);
    r = fl_wrap_seal(under->key, bound_day(&b, tenant, day), plain_span(ret), wrap, err);
    if (r == 0)
        fl_keyframe_day(frame, tenant, day, wrap);
    return r;
}

static const struct fl_keymap_file *find_file(const struct fl_keytable *t, uint32_t tenant,
                                              int32_t day, const unsigned char *id)
{
    const struct fl_keymap_tenant *of = fl_keymap_tenant(&t->map, tenant);
    const struct fl_keymap_day *in = of == NULL ? NULL : fl_keymap_day(of, day);

    return in == NULL ? NULL : fl_keymap_file(&t->map, in, id);
}

/* Append the frame and do in memory what it says; the two must not part. */
static int append_and_apply(struct fl_keytable *t, struct fl_buf *frame, struct fl_err *err)
{
    int r = fl_keyframe_end(frame, err);

    if (r == 0)
        r = fl_keydisk_append(&t->disk, fl_buf_span(frame), err);
    if (r < 0)
        return r;
    r = fl_keyframe_apply(fl_buf_span(frame), &t->map, err);
    if (r < 0) {
        fl_keydisk_take_back(&t->disk);
        t->disk.broken = true; /* some of it may be applied */
        return r;
    }
    t->disk.file_bytes += frame->len;
    return FL_OK;
}

static int usable(const struct fl_keytable *t, struct fl_err *err)
{
    if (!t->disk.broken)
        return FL_OK;
    return fl_err_set(err, FL_E_IO, "the key table failed earlier; keys must be restarted");
}

static int limits(const struct fl_keytable *t, uint32_t tenant, int32_t day, struct fl_err *err)
{
    const struct fl_keymap_tenant *of = fl_keymap_tenant(&t->map, tenant);
    const struct fl_keymap_day *in = of == NULL ? NULL : fl_keymap_day(of, day);

    if ((of == NULL && t->map.tenant_count >= FL_KEYMAP_TENANTS_MAX) ||
        (of != NULL && in == NULL && of->day_count >= FL_KEYMAP_DAYS_MAX) ||
        (in != NULL && in->files >= FL_KEYMAP_DAY_FILES_MAX) || t->map.files >= FL_KEYMAP_FILES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "too many keys of tenant %u, day %d", tenant, day);
    return FL_OK;
}

static int make_file(struct fl_keytable *t, uint32_t tenant, int32_t day, const unsigned char *id,
                     struct plain *ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf frame;
    unsigned char wrap[FL_WRAP_KEY_BYTES];
    PLAIN of_tenant, of_day;
    struct bound b;
    int r = usable(t, err);

    fl_buf_init(&frame, 1024);
    fl_keyframe_begin(&frame, t->epoch);
    if (r == 0 && find_file(t, tenant, day, id) != NULL)
        r = fl_err_set(err, FL_E_EXISTS, "the file has a key already");
    if (r == 0)
        r = limits(t, tenant, day, err);
    if (r == 0)
        r = tenant_key(t, tenant, &frame, &of_tenant, err);
    if (r == 0)
        r = day_key(t, tenant, day, &of_tenant, &frame, &of_day, err);
    if (r < 0)
        return r;
    fl_random(ret->key, sizeof ret->key);
    r = fl_wrap_seal(of_day.key, bound_file(&b, tenant, day, id), plain_span(ret), wrap, err);
    if (r < 0)
        return r;
    fl_keyframe_file(&frame, tenant, day, id, wrap);
    return append_and_apply(t, &frame, err);
}

static int file_new(struct fl_keyring *k, uint32_t tenant, int32_t day,
                    const unsigned char id[FL_FILE_ID_BYTES], unsigned char ret_key[FL_KEY_BYTES],
                    struct fl_err *err)
{
    struct fl_keytable *t = (struct fl_keytable *)k;
    struct fl_err aside = {0};
    PLAIN key;
    int r;

    (void)pthread_mutex_lock(&t->lock);
    r = make_file(t, tenant, day, id, &key, err == NULL ? &aside : err);
    (void)pthread_mutex_unlock(&t->lock);
    if (r == 0)
        memcpy(ret_key, key.key, FL_KEY_BYTES);
    return r;
}

static int look_up(struct fl_keytable *t, uint32_t tenant, int32_t day, const unsigned char *id,
                   struct plain *ret, struct fl_err *err)
{
    const struct fl_keymap_file *file = find_file(t, tenant, day, id);
    const struct fl_keymap_tenant *of = fl_keymap_tenant(&t->map, tenant);
    PLAIN of_tenant, of_day;
    struct bound b;
    int r = usable(t, err);

    if (r < 0)
        return r;
    if (file == NULL || of == NULL)
        return fl_err_set(err, FL_E_NOENT, "there is no key for this file of tenant %u, day %d",
                          tenant, day);
    r = open_tenant(t, of, &of_tenant, err);
    if (r == 0)
        r = open_day(&of_tenant, tenant, fl_keymap_day(of, day), &of_day, err);
    if (r == 0)
        r = open_wrap(of_day.key, bound_file(&b, tenant, day, id), file->wrap, ret, err);
    return r;
}

static int file_get(struct fl_keyring *k, uint32_t tenant, int32_t day,
                    const unsigned char id[FL_FILE_ID_BYTES], unsigned char ret_key[FL_KEY_BYTES],
                    struct fl_err *err)
{
    struct fl_keytable *t = (struct fl_keytable *)k;
    struct fl_err aside = {0};
    PLAIN key;
    int r;

    (void)pthread_mutex_lock(&t->lock);
    r = look_up(t, tenant, day, id, &key, err == NULL ? &aside : err);
    (void)pthread_mutex_unlock(&t->lock);
    if (r == 0)
        memcpy(ret_key, key.key, FL_KEY_BYTES);
    return r;
}

/* ---- destroying ---- */

enum scope { SCOPE_TENANT, SCOPE_DAY, SCOPE_FILES, SCOPE_NONE /* all keys above files are new */ };

struct target {
    uint32_t tenant;
    enum scope scope;
    int32_t day;               /* of SCOPE_DAY */
    struct fl_key_file *files; /* of SCOPE_FILES: those that are there, sorted; borrowed */
    uint32_t count;
    uint64_t keys; /* file keys that it covers */
};

/* Keep the files that have keys; the rest is destroyed already. */
static uint32_t drop_unknown(const struct fl_keytable *t, struct target *g)
{
    uint32_t kept = 0;

    g->count = fl_destroyed_files_sort(g->files, g->count);
    for (uint32_t i = 0; i < g->count; i++)
        if (find_file(t, g->tenant, g->files[i].day, g->files[i].file_id) != NULL)
            g->files[kept++] = g->files[i];
    return kept;
}

static bool find_target(const struct fl_keytable *t, struct target *g)
{
    const struct fl_keymap_tenant *of = fl_keymap_tenant(&t->map, g->tenant);
    const struct fl_keymap_day *in;

    if (of == NULL)
        return false;
    switch (g->scope) {
    case SCOPE_TENANT:
        for (size_t i = 0; i < of->day_count; i++)
            g->keys += of->days[i].files;
        return true;
    case SCOPE_DAY:
        in = fl_keymap_day(of, g->day);
        g->keys = in == NULL ? 0 : in->files;
        return in != NULL;
    case SCOPE_FILES:
        g->count = drop_unknown(t, g);
        g->keys = g->count;
        return g->count > 0;
    case SCOPE_NONE:
        break;
    }
    return false;
}

static bool goes(const struct target *g, int32_t day, const unsigned char *id)
{
    struct fl_key_file file = {.day = day};

    if (g->count == 0)
        return false;
    memcpy(file.file_id, id, FL_FILE_ID_BYTES);
    return bsearch(&file, g->files, g->count, sizeof file, fl_destroyed_files_cmp) != NULL;
}

static uint64_t going_of_day(const struct target *g, int32_t day)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < g->count; i++)
        count += g->files[i].day == day;
    return count;
}

/* With its last file a day's key goes too; not that of no day, whose record means the tenant. */
static bool day_goes(const struct target *g, const struct fl_keymap_day *day)
{
    if (g->scope == SCOPE_DAY)
        return day->day == g->day;
    return g->scope == SCOPE_FILES && day->day != FL_DAY_NONE && day->files > 0 &&
           going_of_day(g, day->day) == day->files;
}

static void put_drops(const struct fl_keytable *t, const struct target *g, struct fl_buf *frame)
{
    const struct fl_keymap_tenant *of = fl_keymap_tenant(&t->map, g->tenant);
    int32_t dropped = FL_DAY_NONE;
    bool any = false;

    if (g->scope != SCOPE_FILES)
        fl_keyframe_drop(frame, g->tenant, g->scope == SCOPE_TENANT ? FL_DAY_NONE : g->day, NULL);
    for (uint32_t i = 0; i < g->count; i++) {
        const struct fl_key_file *file = &g->files[i];
        const struct fl_keymap_day *day = fl_keymap_day(of, file->day);

        if (any && file->day == dropped)
            continue;
        if (!day_goes(g, day)) {
            fl_keyframe_drop(frame, g->tenant, file->day, file->file_id);
            continue;
        }
        any = true;
        dropped = file->day;
        fl_keyframe_drop(frame, g->tenant, file->day, NULL);
    }
}

/* A new key for the day, and its remaining files' keys under it. */
static int renew_day(struct fl_keytable *t, const struct target *g, const struct fl_keymap_day *day,
                     const struct plain *old_day, const struct plain *new_tenant,
                     struct fl_buf *frame, struct fl_err *err)
{
    unsigned char wrap[FL_WRAP_KEY_BYTES];
    struct bound b;
    PLAIN fresh;
    int r;

    fl_random(fresh.key, sizeof fresh.key);
    r = fl_wrap_seal(new_tenant->key, bound_day(&b, g->tenant, day->day), plain_span(&fresh), wrap,
                     err);
    if (r < 0)
        return r;
    fl_keyframe_day(frame, g->tenant, day->day, wrap);
    for (size_t i = 0; i < day->cap; i++) {
        const struct fl_keymap_file *file = &day->slots[i];
        struct fl_span bound;
        PLAIN key;

        if (!file->used || goes(g, day->day, file->id))
            continue;
        bound = bound_file(&b, g->tenant, day->day, file->id);
        r = open_wrap(old_day->key, bound, file->wrap, &key, err);
        if (r == FL_E_CORRUPT) { /* lost already; its destruction must not hang on it */
            fl_keyframe_drop(frame, g->tenant, day->day, file->id);
            t->lost++;
            continue;
        }
        if (r == 0)
            r = fl_wrap_seal(fresh.key, bound, plain_span(&key), wrap, err);
        if (r < 0)
            return r;
        fl_keyframe_file(frame, g->tenant, day->day, file->id, wrap);
    }
    return FL_OK;
}

/* One remaining day of the tenant under the tenant's new key. */
static int rewrap_day(struct fl_keytable *t, const struct target *g,
                      const struct fl_keymap_day *day, const struct plain *old_tenant,
                      const struct plain *new_tenant, struct fl_buf *frame, struct fl_err *err)
{
    unsigned char wrap[FL_WRAP_KEY_BYTES];
    struct bound b;
    PLAIN key;
    int r = open_day(old_tenant, g->tenant, day, &key, err);

    if (r == FL_E_CORRUPT) {
        fl_keyframe_drop(frame, g->tenant, day->day, NULL);
        t->lost += day->files;
        return FL_OK;
    }
    if (r < 0)
        return r;
    if (g->scope == SCOPE_NONE || (g->scope == SCOPE_FILES && going_of_day(g, day->day) > 0))
        return renew_day(t, g, day, &key, new_tenant, frame, err);
    r = fl_wrap_seal(new_tenant->key, bound_day(&b, g->tenant, day->day), plain_span(&key), wrap,
                     err);
    if (r == 0)
        fl_keyframe_day(frame, g->tenant, day->day, wrap);
    return r;
}

static int renew_tenant(struct fl_keytable *t, const struct target *g,
                        const struct fl_keymap_tenant *tenant, const struct plain *new_epoch,
                        struct fl_buf *frame, struct fl_err *err)
{
    unsigned char wrap[FL_WRAP_KEY_BYTES];
    struct bound b;
    PLAIN old, fresh;
    int r = open_tenant(t, tenant, &old, err);

    fl_random(fresh.key, sizeof fresh.key);
    if (r == 0)
        r = fl_wrap_seal(new_epoch->key, bound_tenant(&b, t->epoch + 1, tenant->tenant),
                         plain_span(&fresh), wrap, err);
    if (r < 0)
        return r;
    fl_keyframe_tenant(frame, tenant->tenant, wrap);
    for (size_t i = 0; i < tenant->day_count; i++) {
        const struct fl_keymap_day *day = &tenant->days[i];

        if (day_goes(g, day))
            continue;
        r = rewrap_day(t, g, day, &old, &fresh, frame, err);
        if (r < 0)
            return r;
    }
    return FL_OK;
}

/* A tenant that is not touched: the same key under the new epoch. */
static int rewrap_tenant(struct fl_keytable *t, const struct fl_keymap_tenant *tenant,
                         const struct plain *new_epoch, struct fl_buf *frame, struct fl_err *err)
{
    unsigned char wrap[FL_WRAP_KEY_BYTES];
    struct bound b;
    PLAIN key;
    int r = open_tenant(t, tenant, &key, err);

    if (r == 0)
        r = fl_wrap_seal(new_epoch->key, bound_tenant(&b, t->epoch + 1, tenant->tenant),
                         plain_span(&key), wrap, err);
    if (r == 0)
        fl_keyframe_tenant(frame, tenant->tenant, wrap);
    return r;
}

static int destroy_frame(struct fl_keytable *t, const struct target *g,
                         const struct plain *new_epoch, struct fl_buf *frame, struct fl_err *err)
{
    fl_keyframe_begin(frame, t->epoch + 1);
    put_drops(t, g, frame);
    for (size_t i = 0; i < t->map.tenant_count; i++) {
        const struct fl_keymap_tenant *tenant = &t->map.tenants[i];
        int r = 0;

        if (tenant->tenant != g->tenant)
            r = rewrap_tenant(t, tenant, new_epoch, frame, err);
        else if (g->scope != SCOPE_TENANT)
            r = renew_tenant(t, g, tenant, new_epoch, frame, err);
        if (r < 0)
            return r;
    }
    return fl_keyframe_end(frame, err);
}

/* Table, then epoch file: between the two a restart finds the old epoch and drops the frame. */
static int begin_epoch(struct fl_keytable *t, const struct target *g, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf frame;
    PLAIN key;
    int r;

    fl_buf_init(&frame, FL_KEYFRAME_MAX_BYTES);
    fl_random(key.key, sizeof key.key);
    r = destroy_frame(t, g, &key, &frame, err);
    if (r == 0)
        r = fl_keydisk_append(&t->disk, fl_buf_span(&frame), err);
    if (r < 0)
        return r;
    r = fl_keydisk_replace_epoch(&t->disk, t->epoch + 1, key.key, err);
    if (r < 0) {
        fl_keydisk_take_back(&t->disk);
        return r;
    }
    t->epoch++;
    memcpy(t->secret->epoch_key, key.key, FL_KEY_BYTES);
    t->disk.file_bytes += frame.len;
    r = fl_keyframe_apply(fl_buf_span(&frame), &t->map, err);
    if (r < 0)
        t->disk.broken = true;
    return r;
}

/* What is certified is what was done; the caller signs it. */
static void certify(const struct fl_keytable *t, const struct target *g, struct fl_destroyed *ret)
{
    *ret = (struct fl_destroyed){.keys = g->keys, .epoch = t->epoch, .at_us = t->now_us()};
    (void)snprintf(ret->root_kind, sizeof ret->root_kind, "%s", t->disk.root->ops->kind);
}

static int destroy_locked(struct fl_keytable *t, struct target *g, const char *why,
                          struct fl_destroyed *ret, struct fl_err *err)
{
    struct fl_err aside = {0};
    int r = usable(t, err);

    if (r == 0 && why != NULL && strlen(why) > FL_DESTROYED_WHY_MAX)
        r = fl_err_set(err, FL_E_LIMIT, "a reason has at most %u bytes", FL_DESTROYED_WHY_MAX);
    if (r < 0)
        return r;
    if (find_target(t, g)) {
        if (t->epoch == UINT32_MAX)
            return fl_err_set(err, FL_E_LIMIT, "there is no epoch after %u", t->epoch);
        r = begin_epoch(t, g, err);
        if (r < 0)
            return fl_err_wrap(err, "destroy keys of tenant %u", g->tenant);
        /* What was asked is done; a rewriting that fails (disk full) is tried again next time. */
        (void)!fl_keydisk_tidy(&t->disk, t->epoch, &t->map, &aside);
    }
    certify(t, g, ret);
    return FL_OK;
}

static int renew_frame(struct fl_keytable *t, const struct plain *new_epoch, struct fl_buf *frame,
                       struct fl_err *err)
{
    struct target none = {.scope = SCOPE_NONE};
    int r = FL_OK;

    fl_keyframe_begin(frame, t->epoch + 1);
    for (size_t i = 0; r == 0 && i < t->map.tenant_count; i++) {
        none.tenant = t->map.tenants[i].tenant;
        r = renew_tenant(t, &none, &t->map.tenants[i], new_epoch, frame, err);
    }
    return r < 0 ? r : fl_keyframe_end(frame, err);
}

int fl_keytable_renew(struct fl_keytable *t, struct fl_root *root, const char *name,
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf frame;
    struct fl_err aside = {0};
    PLAIN key;
    int r;

    err = err == NULL ? &aside : err;
    fl_buf_init(&frame, FL_KEYFRAME_MAX_BYTES);
    fl_random(key.key, sizeof key.key);
    (void)pthread_mutex_lock(&t->lock);
    r = usable(t, err);
    if (r == 0 && t->epoch == UINT32_MAX)
        r = fl_err_set(err, FL_E_LIMIT, "there is no epoch after %u", t->epoch);
    if (r == 0)
        r = renew_frame(t, &key, &frame, err);
    if (r == 0)
        r = fl_keydisk_append(&t->disk, fl_buf_span(&frame), err);
    if (r == 0)
        r = fl_keydisk_write_epoch(&t->disk, root, name, t->epoch + 1, key.key, err);
    t->disk.broken = true; /* what the table holds counts or not with that file */
    (void)pthread_mutex_unlock(&t->lock);
    return r;
}

static int destroy(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *file_id,
                   const char *why, struct fl_destroyed *ret, struct fl_err *err)
{
    struct fl_keytable *t = (struct fl_keytable *)k;
    struct target g = {.tenant = tenant, .scope = SCOPE_DAY, .day = day};
    struct fl_key_file one = {.day = day};
    struct fl_destroyed d;
    struct fl_err aside = {0};
    int r;

    if (file_id != NULL) {
        memcpy(one.file_id, file_id, FL_FILE_ID_BYTES);
        g = (struct target){.tenant = tenant, .scope = SCOPE_FILES, .files = &one, .count = 1};
    } else if (day == FL_DAY_NONE) {
        g.scope = SCOPE_TENANT;
    }
    err = err == NULL ? &aside : err;
    (void)pthread_mutex_lock(&t->lock);
    r = destroy_locked(t, &g, why, &d, err);
    if (r == 0)
        r = fl_destroyed_sign(tenant, day, file_id, why, t->secret->sign, &d, err);
    (void)pthread_mutex_unlock(&t->lock);
    if (r == 0 && ret != NULL)
        *ret = d;
    return r;
}

static int destroy_files(struct fl_keyring *k, uint32_t tenant, const struct fl_key_file *files,
                         uint32_t count, const char *why, struct fl_destroyed *ret,
                         struct fl_err *err)
{
    struct fl_keytable *t = (struct fl_keytable *)k;
    struct target g = {.tenant = tenant, .scope = SCOPE_FILES, .count = count};
    struct fl_destroyed d;
    struct fl_err aside = {0};
    int r;

    err = err == NULL ? &aside : err;
    if (count > FL_KEY_FILES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "at most %u files in one destruction", FL_KEY_FILES_MAX);
    g.files = malloc((count == 0 ? 1 : count) * sizeof *g.files);
    if (g.files == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    if (count > 0)
        memcpy(g.files, files, count * sizeof *g.files);
    (void)pthread_mutex_lock(&t->lock);
    r = destroy_locked(t, &g, why, &d, err);
    if (r == 0)
        r = fl_destroyed_files_sign(tenant, files, count, why, t->secret->sign, &d, err);
    (void)pthread_mutex_unlock(&t->lock);
    free(g.files);
    if (r == 0 && ret != NULL)
        *ret = d;
    return r;
}

static uint32_t copy_files(const struct fl_keymap_tenant *of, struct fl_key_file *ret)
{
    uint32_t count = 0;

    for (size_t d = 0; d < of->day_count; d++) {
        const struct fl_keymap_day *day = &of->days[d];

        for (size_t i = 0; i < day->cap; i++) {
            if (!day->slots[i].used)
                continue;
            ret[count].day = day->day;
            memcpy(ret[count++].file_id, day->slots[i].id, FL_FILE_ID_BYTES);
        }
    }
    return fl_destroyed_files_sort(ret, count);
}

static int list_files(struct fl_keyring *k, uint32_t tenant, struct fl_key_file **ret,
                      uint32_t *ret_count, struct fl_err *err)
{
    struct fl_keytable *t = (struct fl_keytable *)k;
    const struct fl_keymap_tenant *of;
    struct fl_key_file *files = NULL;
    uint32_t count = 0;
    size_t room = 1;

    (void)pthread_mutex_lock(&t->lock);
    of = fl_keymap_tenant(&t->map, tenant);
    for (size_t d = 0; of != NULL && d < of->day_count; d++)
        room += of->days[d].files;
    files = calloc(room, sizeof *files);
    if (files != NULL && of != NULL)
        count = copy_files(of, files);
    (void)pthread_mutex_unlock(&t->lock);
    if (files == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    *ret = files;
    *ret_count = count;
    return FL_OK;
}

static const struct fl_keyring_ops ring_ops = {file_new, file_get, destroy, destroy_files,
                                               list_files};
