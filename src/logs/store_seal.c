/* From memtables to segments, and what the WAL is then no longer needed for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/store_int.h"
#include "logs/store_rewrite.h"

enum { DROP_MAX = 16 };

/* ---- segments as the store knows them ---- */

int fl_store_seg_new(const struct fl_segment_id *id, const struct fl_segment_foot *foot,
                     const char *slug, uint64_t bytes, const unsigned char key[FL_KEY_BYTES],
                     struct fl_store_seg **ret, struct fl_err *err)
{
    struct fl_store_seg *seg = calloc(1, sizeof *seg);

    if (seg == NULL || pthread_mutex_init(&seg->key_mu, NULL) != 0) {
        free(seg);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a segment");
    }
    atomic_init(&seg->refs, 1);
    atomic_init(&seg->gone, false);
    atomic_init(&seg->sums, NULL);
    seg->id = *id;
    (void)snprintf(seg->slug, sizeof seg->slug, "%.63s", slug);
    seg->first_seq = foot->first_seq;
    seg->last_seq = foot->last_seq;
    seg->min_time_us = foot->min_time_us;
    seg->max_time_us = foot->max_time_us;
    seg->rows = foot->rows;
    seg->blocks = foot->blocks;
    seg->bytes = bytes;
    memcpy(seg->key, key, sizeof seg->key);
    *ret = seg;
    return FL_OK;
}

void fl_store_seg_void(struct fl_store_seg *seg)
{
    struct fl_sumcache *sums;

    atomic_store(&seg->gone, true);
    sums = atomic_load(&seg->sums); /* after gone is set: nothing more is remembered of it then */
    if (sums != NULL)
        fl_sumcache_drop(sums, seg->id.tenant);
    pthread_mutex_lock(&seg->key_mu);
    explicit_bzero(seg->key, sizeof seg->key);
    pthread_mutex_unlock(&seg->key_mu);
}

void fl_store_seg_unref(struct fl_store_seg *seg)
{
    if (seg == NULL || atomic_fetch_sub_explicit(&seg->refs, 1, memory_order_acq_rel) != 1)
        return;
    explicit_bzero(seg->key, sizeof seg->key);
    (void)pthread_mutex_destroy(&seg->key_mu);
    free(seg);
}

int fl_store_add_seg(struct fl_store_day *d, struct fl_store_seg *seg, struct fl_err *err)
{
    uint32_t at = d->seg_count;

    if (d->seg_count == d->seg_cap) {
        uint32_t cap = d->seg_cap == 0 ? 8 : d->seg_cap * 2;
        struct fl_store_seg **grown = realloc(d->segs, cap * sizeof(*grown));

        if (grown == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for segments");
        d->segs = grown;
        d->seg_cap = cap;
    }
    while (at > 0 && d->segs[at - 1]->first_seq > seg->first_seq) {
        d->segs[at] = d->segs[at - 1];
        at--;
    }
    d->segs[at] = seg;
    d->seg_count++;
    return FL_OK;
}

/* ---- freezing ---- */

struct freeze {
    uint64_t lsn;
    uint64_t changes;
    int32_t day;            /* newest with rows; the baseline's key is bound to it */
    bool write_base, renew; /* renew: under a new key */
    uint64_t forgets;
    struct fl_buf base;
    struct fl_marks marks;
    int64_t now_us;
};

static int freeze_day(struct fl_store_day *d, struct fl_err *err)
{
    struct fl_memtable **grown;
    struct fl_memtable_info info;

    if (d->active == NULL)
        return FL_OK;
    fl_memtable_info(d->active, &info);
    if (info.rows == 0)
        return FL_OK;
    grown = realloc(d->frozen, (d->frozen_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to freeze");
    d->frozen = grown;
    d->frozen[d->frozen_count++] = d->active;
    d->active = NULL;
    return FL_OK;
}

/* All of a tenant's active memtables at once, with the sessions as of that moment. */
static int freeze_tenant(struct fl_store *s, struct fl_store_tenant *t, bool force_baseline,
                         struct freeze *fr, struct fl_err *err)
{
    struct fl_sessions_stats stats;
    int r = 0;

    pthread_mutex_lock(&s->wr);
    if (!s->replaying) /* rows that are not durable must not be sealed */
        r = s->broken ? fl_err_set(err, FL_E_NOMEM, "the store must begin anew")
                      : fl_store_commit_locked(s, err);
    if (r >= 0) {
        pthread_mutex_lock(&s->mu);
        for (uint32_t i = 0; i < t->day_count && r >= 0; i++)
            r = freeze_day(t->days[i], err);
        pthread_mutex_unlock(&s->mu);
    }
    fr->lsn = t->last_lsn;
    fr->day = t->day_count == 0 ? FL_DAY_NONE : t->days[t->day_count - 1]->day;
    fr->marks = s->replaying ? s->taken : *fl_wal_marks(s->wal);
    fr->now_us = s->conf.now_us();
    fl_sessions_stats(t->sessions, &stats);
    fr->changes = stats.changes;
    fr->write_base =
        stats.changes != t->base_changes && fr->day != FL_DAY_NONE &&
        (force_baseline || fr->now_us - t->base_us >= (int64_t)s->conf.baseline_s * FL_US_PER_S);
    fr->forgets = t->forgets;
    fr->renew = fr->forgets != t->base_forgets && fr->day != FL_DAY_NONE;
    fr->write_base = fr->write_base || fr->renew;
    if (r >= 0 && fr->write_base)
        fl_sessions_save(t->sessions, &fr->base);
    pthread_mutex_unlock(&s->wr);
    return r < 0 ? r : fl_buf_status(&fr->base, err);
}

/* ---- writing ---- */

static int open_day_folder(struct fl_store *s, const char *slug, int32_t day, int *ret_fd,
                           struct fl_err *err)
{
    char text[16];
    int tenant_fd, r = fl_files_folder(s->conf.files, s->conf.dir_fd, slug, &tenant_fd, err);

    if (r < 0)
        return r;
    fl_day_format(day, text);
    r = fl_files_folder(s->conf.files, tenant_fd, text, ret_fd, err);
    fl_files_close(s->conf.files, tenant_fd);
    return r;
}

/* The new segment takes the place of the oldest frozen memtable: no row is seen twice or not at
 * all. */
static int swap_in(struct fl_store *s, struct fl_store_day *d, struct fl_store_seg *seg,
                   struct fl_err *err)
{
    struct fl_memtable *mt = d->frozen[0];
    struct fl_memtable_info info;
    int r;

    fl_memtable_info(mt, &info);
    pthread_mutex_lock(&s->mu);
    r = fl_store_add_seg(d, seg, err);
    if (r >= 0) {
        d->frozen_count--;
        memmove(d->frozen, d->frozen + 1, d->frozen_count * sizeof(*d->frozen));
    }
    pthread_mutex_unlock(&s->mu);
    if (r < 0)
        return r;
    atomic_fetch_sub(&s->memory, info.bytes);
    fl_memtable_unref(mt);
    return FL_OK;
}

/* One block of a memtable that is written no more, made wide. */
static int load_frozen(void *ctx, uint32_t block, struct fl_block **ret, struct fl_err *err)
{
    struct fl_fieldset all = fl_fieldset_all();

    return fl_memtable_load(ctx, block, UINT64_MAX, &all, ret, err);
}

static int seal_oldest(struct fl_store *s, struct fl_store_tenant *t, struct fl_store_day *d,
                       const struct freeze *fr, struct fl_err *err)
{
    struct fl_segment_id id = {.tenant = t->id, .day = d->day};
    unsigned char key[FL_KEY_BYTES];
    struct fl_store_seg *seg = NULL;
    struct fl_segment_foot foot = {0};
    char name[FL_SEGMENT_NAME_BYTES];
    const struct fl_segment_plan plan = {.marks = fr->marks.mark,
                                         .mark_count = fr->marks.count,
                                         .now_us = fr->now_us,
                                         .load = load_frozen,
                                         .ctx = d->frozen[0]};
    struct fl_memtable_info info;
    int fd = -1, r = open_day_folder(s, t->slug, d->day, &fd, err);

    fl_memtable_info(d->frozen[0], &info);
    foot.first_seq = info.first_seq;
    foot.last_seq = info.first_seq + info.rows - 1;
    foot.min_time_us = info.min_time_us;
    foot.max_time_us = info.max_time_us;
    foot.rows = (uint32_t)info.rows;
    foot.blocks = fl_memtable_blocks(d->frozen[0], info.rows);
    if (r >= 0) {
        uint64_t bytes = 0;

        r = fl_segment_write_as(s->conf.files, fd, s->conf.keyring, &id, NULL, foot.blocks, &plan,
                                &bytes, key, err);
        fl_segment_name(id.file_id, name);
        if (r < 0 && fl_files_unlink(s->conf.files, fd, name, false, NULL) < 0)
            fl_store_stray(s, &id, t->slug);
        if (r >= 0)
            r = fl_store_seg_new(&id, &foot, t->slug, bytes, key, &seg, err);
    }
    fl_files_close(s->conf.files, fd);
    explicit_bzero(key, sizeof key);
    if (r >= 0)
        r = swap_in(s, d, seg, err);
    if (r < 0)
        fl_store_seg_unref(seg);
    return r;
}

static int open_sessions_folder(struct fl_store *s, const char *slug, int *ret_fd,
                                struct fl_err *err)
{
    int tenant_fd, r = fl_files_folder(s->conf.files, s->conf.dir_fd, slug, &tenant_fd, err);

    if (r < 0)
        return r;
    r = fl_files_folder(s->conf.files, tenant_fd, "sessions", ret_fd, err);
    fl_files_close(s->conf.files, tenant_fd);
    return r;
}

/* The key of today's baseline file: one file a day, rewritten under it. */
static int baseline_key(struct fl_store *s, struct fl_store_tenant *t, int32_t day, bool renew,
                        unsigned char ret_id[FL_FILE_ID_BYTES], unsigned char ret_key[FL_KEY_BYTES],
                        struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    int r;

    if (t->base_day == day && !renew) {
        memcpy(ret_id, t->base_id, FL_FILE_ID_BYTES);
        return keys->ops->file_get(keys, t->id, day, ret_id, ret_key, err);
    }
    r = fl_id_new(ret_id, err);
    return r < 0 ? r : keys->ops->file_new(keys, t->id, day, ret_id, ret_key, err);
}

static int write_baseline(struct fl_store *s, struct fl_store_tenant *t, const struct freeze *fr,
                          struct fl_err *err)
{
    struct fl_baseline head = {
        .tenant = t->id, .day = fr->day, .written_us = fr->now_us, .lsn = fr->lsn};
    unsigned char key[FL_KEY_BYTES];
    char old[FL_BASELINE_NAME_BYTES];
    int fd = -1, r = open_sessions_folder(s, t->slug, &fd, err);

    if (r >= 0)
        r = baseline_key(s, t, fr->day, fr->renew, head.file_id, key, err);
    if (r >= 0)
        r = fl_baseline_write(s->conf.files, fd, &head, key, fl_buf_span(&fr->base), err);
    explicit_bzero(key, sizeof key);
    if (r >= 0 && t->base_day != FL_DAY_NONE &&
        memcmp(t->base_id, head.file_id, sizeof t->base_id) != 0) {
        fl_baseline_name(t->base_id, old);
        r = fl_files_unlink(s->conf.files, fd, old, false, err);
        if (r >= 0 && fr->renew) /* the old one is not to come back */
            r = fl_files_sync_dir(s->conf.files, fd, err);
    }
    fl_files_close(s->conf.files, fd);
    if (r < 0)
        return r;
    memcpy(t->base_id, head.file_id, sizeof t->base_id);
    t->base_day = fr->day;
    t->base_us = fr->now_us;
    t->base_forgets = fr->forgets;
    return FL_OK;
}

static struct fl_store_day *next_frozen(struct fl_store *s, const struct fl_store_tenant *t)
{
    struct fl_store_day *found = NULL;

    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < t->day_count && found == NULL; i++)
        if (t->days[i]->frozen_count > 0)
            found = t->days[i];
    pthread_mutex_unlock(&s->mu);
    return found;
}

int fl_store_seal_tenant(struct fl_store *s, struct fl_store_tenant *t, bool force_baseline,
                         struct fl_err *err)
{
    struct fl_store_day *d;
    struct freeze fr = {0};
    int r;

    fl_buf_init(&fr.base, (size_t)1 << 30);
    r = freeze_tenant(s, t, force_baseline, &fr, err);
    while (r >= 0 && (d = next_frozen(s, t)) != NULL)
        r = seal_oldest(s, t, d, &fr, err);
    if (r >= 0) {
        t->sealed_lsn = fr.lsn;
        if (fr.write_base)
            r = write_baseline(s, t, &fr, err);
        if (r >= 0 && (fr.write_base || fr.changes == t->base_changes)) {
            t->base_lsn = fr.lsn;
            t->base_changes = fr.changes;
        }
    }
    fl_buf_done(&fr.base);
    s->unsure = s->unsure || r < 0;
    return r < 0 && err != NULL ? fl_err_wrap(err, "sealing tenant %s", t->slug) : r;
}

/* ---- when ---- */

struct unsealed {
    uint64_t rows;
    size_t bytes;
    int64_t born_us; /* of the oldest */
};

static struct unsealed unsealed_of(struct fl_store *s, const struct fl_store_tenant *t)
{
    struct unsealed sum = {0, 0, INT64_MAX};

    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < t->day_count; i++) {
        const struct fl_store_day *d = t->days[i];

        for (uint32_t k = 0; k <= d->frozen_count; k++) {
            struct fl_memtable *mt = k < d->frozen_count ? d->frozen[k] : d->active;
            struct fl_memtable_info info;

            if (mt == NULL)
                continue;
            fl_memtable_info(mt, &info);
            sum.rows += info.rows;
            sum.bytes += info.bytes;
            if (info.born_us < sum.born_us)
                sum.born_us = info.born_us;
        }
    }
    pthread_mutex_unlock(&s->mu);
    return sum;
}

static bool is_due(const struct fl_store *s, const struct unsealed *u, int64_t now_us)
{
    return u->rows > 0 && (u->rows >= s->conf.seal_rows ||
                           now_us - u->born_us >= (int64_t)s->conf.seal_s * FL_US_PER_S ||
                           now_us < u->born_us - FL_US_PER_S); /* the clock went back */
}

static struct fl_store_tenant *largest(struct fl_store *s)
{
    struct fl_store_tenant *best = NULL;
    size_t most = 0;

    for (uint32_t i = 0; i < s->tenant_count; i++) {
        size_t bytes = unsealed_of(s, s->tenants[i]).bytes;

        if (bytes > most) {
            most = bytes;
            best = s->tenants[i];
        }
    }
    return best;
}

int fl_store_seal_due(struct fl_store *s, struct fl_err *err)
{
    int64_t now_us = s->conf.now_us();
    int r = 0;

    for (uint32_t i = 0; i < s->tenant_count; i++) {
        struct unsealed u = unsealed_of(s, s->tenants[i]);

        if (is_due(s, &u, now_us)) {
            int one = fl_store_seal_tenant(s, s->tenants[i], false, r < 0 ? NULL : err);

            r = r < 0 ? r : one;
        }
    }
    if (atomic_load(&s->memory) <= s->conf.memtable_bytes / 8 * 5)
        return r;
    while (r >= 0 && atomic_load(&s->memory) > s->conf.memtable_bytes / 2) {
        struct fl_store_tenant *t = largest(s);

        if (t == NULL)
            break;
        r = fl_store_seal_tenant(s, t, false, err);
    }
    return r;
}

/* ---- the WAL ---- */

static bool needed(void *ctx, uint32_t tenant, int32_t day, uint64_t last_lsn)
{
    const struct fl_store_tenant *t = fl_store_find(ctx, tenant);

    (void)day;
    return t != NULL && (last_lsn > t->sealed_lsn || last_lsn > t->base_lsn);
}

static int unlink_done(struct fl_store *s, size_t *ret_count, struct fl_err *err)
{
    char names[DROP_MAX][FL_WAL_NAME_BYTES];
    int r = 0;

    pthread_mutex_lock(&s->wr);
    *ret_count = fl_wal_take_done(s->wal, needed, s, DROP_MAX, names);
    pthread_mutex_lock(&s->mu);
    fl_store_sum_wal(s);
    pthread_mutex_unlock(&s->mu);
    pthread_mutex_unlock(&s->wr);
    for (size_t i = 0; i < *ret_count; i++) {
        int one = fl_files_unlink(s->conf.files, s->wal_dir, names[i], false, r < 0 ? NULL : err);

        r = r < 0 ? r : one; /* one that stays is read again at the next start: nothing twice */
    }
    return r;
}

/* Tenants whose rows are all sealed, but not what they did to sessions; all, when the log is over
 * its size. */
static int free_wal(struct fl_store *s, struct fl_err *err)
{
    int64_t now_us = s->conf.now_us();
    struct fl_wal_stats wal;
    int r = 0;
    bool over;

    pthread_mutex_lock(&s->wr);
    fl_wal_stats(s->wal, &wal);
    pthread_mutex_unlock(&s->wr);
    over = wal.bytes > s->conf.wal_max_bytes;
    if (wal.files < 2)
        return FL_OK;
    for (uint32_t i = 0; i < s->tenant_count && r >= 0; i++) {
        struct fl_store_tenant *t = s->tenants[i];
        struct unsealed u = unsealed_of(s, t);
        bool old = now_us - t->base_us >= (int64_t)s->conf.baseline_s * FL_US_PER_S;

        if (over ? (u.rows > 0 || t->base_lsn < t->sealed_lsn)
                 : (u.rows == 0 && t->base_lsn < t->sealed_lsn && old))
            r = fl_store_seal_tenant(s, t, true, err);
    }
    return r;
}

int fl_store_drop_wal(struct fl_store *s, struct fl_err *err)
{
    size_t count;
    int r = free_wal(s, err);

    /* A folder or a segment that a failed try left is used by the next as if it were durable. */
    if (s->unsure) {
        int one = fl_files_sync_all(s->conf.files, s->conf.dir_fd, r < 0 ? NULL : err);

        if (one < 0)
            return r < 0 ? r : one;
        s->unsure = false;
    }
    do {
        int one = unlink_done(s, &count, r < 0 ? NULL : err);

        r = r < 0 ? r : one;
    } while (count == DROP_MAX && r >= 0);
    return r;
}
