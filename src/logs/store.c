/* The store: taking rows in and making them durable. Sealing, destruction and recovery have files
 * of their own. */
#include "logs/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/time.h"
#include "codec/record.h"
#include "logs/store_erase.h"
#include "logs/store_int.h"
#include "logs/store_rewrite.h"
#include "logs/vec.h"

/* Columns of a batch that is at its limits in every way; what is kept for the next one. */
#define ARENA_BYTES    ((size_t)128 << 20)
#define ARENA_KEEP     ((size_t)6 << 20)
#define YEAR_1_US      (INT64_C(-62135596800) * FL_US_PER_S)
#define YEAR_10000_US  (INT64_C(253402300800) * FL_US_PER_S)
#define PENDING_MAX    ((size_t)8 << 20)
#define WAL_FILE_BYTES ((uint64_t)64 << 20)
#define WAL_MAX_BYTES  ((uint64_t)1 << 30)

/* ---- tenants and days ---- */

bool fl_store_slug_ok(const char *slug)
{
    size_t n = 0;

    for (; slug[n] != '\0'; n++) {
        char c = slug[n];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!word && (n == 0 || (c != '-' && c != '_' && c != '.')))
            return false;
    }
    return n > 0 && n <= FL_WAL_SLUG_MAX;
}

void fl_store_path(const char *slug, int32_t day, char ret[FL_STORE_PATH_BYTES])
{
    char text[16];

    fl_day_format(day, text);
    (void)snprintf(ret, FL_STORE_PATH_BYTES, "%.63s/%.15s", slug, text);
}

struct fl_store_tenant *fl_store_find(struct fl_store *s, uint32_t tenant)
{
    uint32_t low = 0, high = s->tenant_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (s->tenants[mid]->id < tenant)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->tenant_count && s->tenants[low]->id == tenant ? s->tenants[low] : NULL;
}

struct fl_store_tenant *fl_store_tenant_get(struct fl_store *s, uint32_t tenant,
                                            struct fl_span slug, struct fl_err *err)
{
    struct fl_store_tenant *t = fl_store_find(s, tenant), **grown;
    struct fl_sessions_stats stats;
    uint32_t at = s->tenant_count;

    if (t != NULL)
        return t;
    t = calloc(1, sizeof *t);
    grown = realloc(s->tenants, (s->tenant_count + 1) * sizeof(*grown));
    if (grown != NULL)
        s->tenants = grown;
    if (t == NULL || grown == NULL ||
        fl_sessions_new_in(s->session_pool, s->conf.sessions_max, &t->sessions, NULL) < 0) {
        free(t);
        (void)fl_err_set(err, FL_E_NOMEM, "no memory for a tenant");
        return NULL;
    }
    fl_sessions_stats(t->sessions, &stats);
    t->base_changes = stats.changes;
    t->id = tenant;
    t->base_day = FL_DAY_NONE;
    t->share_bytes = UINT64_MAX;
    t->exceeded_day = FL_DAY_NONE;
    (void)snprintf(t->slug, sizeof t->slug, "%.*s", FL_SPAN_ARG(slug));
    while (at > 0 && s->tenants[at - 1]->id > tenant) {
        s->tenants[at] = s->tenants[at - 1];
        at--;
    }
    s->tenants[at] = t;
    s->tenant_count++;
    return t;
}

struct fl_store_day *fl_store_day_find(const struct fl_store_tenant *t, int32_t day)
{
    for (uint32_t i = t->day_count; i-- > 0;)
        if (t->days[i]->day == day)
            return t->days[i];
    return NULL;
}

struct fl_store_day *fl_store_day_get(struct fl_store_tenant *t, int32_t day, struct fl_err *err)
{
    struct fl_store_day *d = fl_store_day_find(t, day), **grown;
    uint32_t at = t->day_count;

    if (d != NULL)
        return d;
    d = calloc(1, sizeof *d);
    grown = realloc(t->days, (t->day_count + 1) * sizeof(*grown));
    if (grown != NULL)
        t->days = grown;
    if (d == NULL || grown == NULL) {
        free(d);
        (void)fl_err_set(err, FL_E_NOMEM, "no memory for a day");
        return NULL;
    }
    d->day = day;
    d->next_seq = 1;
    while (at > 0 && t->days[at - 1]->day > day) {
        t->days[at] = t->days[at - 1];
        at--;
    }
    t->days[at] = d;
    t->day_count++;
    return d;
}

static void let_go(struct fl_store *s, struct fl_memtable *mt)
{
    struct fl_memtable_info info;

    if (mt == NULL)
        return;
    fl_memtable_info(mt, &info);
    atomic_fetch_sub(&s->memory, info.bytes);
    fl_memtable_unref(mt);
}

void fl_store_day_free(struct fl_store *s, struct fl_store_day *d)
{
    let_go(s, d->active);
    for (uint32_t i = 0; i < d->frozen_count; i++)
        let_go(s, d->frozen[i]);
    for (uint32_t i = 0; i < d->seg_count; i++)
        fl_store_seg_unref(d->segs[i]);
    free(d->frozen);
    free(d->segs);
    free(d);
}

void fl_store_tenant_free(struct fl_store *s, struct fl_store_tenant *t)
{
    for (uint32_t i = 0; i < t->day_count; i++)
        fl_store_day_free(s, t->days[i]);
    free(t->days);
    fl_sessions_free(t->sessions);
    free(t);
}

int fl_store_rule(struct fl_store *s, const struct fl_store_rule *rule, struct fl_err *err)
{
    struct fl_store_tenant *t;

    if (!fl_store_slug_ok(rule->slug))
        return fl_err_set(err, FL_E_INVAL, "'%.63s' is no name for a tenant", rule->slug);
    if (rule->keep_days < 1 || rule->keep_days > 30)
        return fl_err_set(err, FL_E_INVAL, "tenant %s: data is kept 1 to 30 days, not %u",
                          rule->slug, (unsigned)rule->keep_days);
    pthread_mutex_lock(&s->maint);
    pthread_mutex_lock(&s->wr);
    pthread_mutex_lock(&s->mu);
    t = fl_store_tenant_get(s, rule->tenant, fl_span_str(rule->slug), err);
    if (t != NULL) {
        t->rule = *rule;
        t->has_rule = true;
        s->retain_due = true;
        (void)snprintf(t->slug, sizeof t->slug, "%s", rule->slug);
    }
    pthread_mutex_unlock(&s->mu);
    pthread_mutex_unlock(&s->wr);
    pthread_mutex_unlock(&s->maint);
    return t == NULL ? FL_E_NOMEM : FL_OK;
}

/* ---- rows ---- */

static bool all_within(const struct fl_batch_col *col, uint32_t rows, int64_t least, int64_t most)
{
    bool out = col->present != rows;

    for (uint32_t i = 0; !out && i < rows; i++)
        out = (int64_t)col->num[i] < least || (int64_t)col->num[i] > most;
    return !out;
}

/* FL_F_RECEIVED: near to the acceptance, in every row. */
static bool settle_received(struct fl_store *s, struct fl_batch_view *view, int64_t accepted_us)
{
    int64_t least = accepted_us - FL_US_PER_DAY, most = accepted_us + FL_US_PER_DAY;
    struct fl_own_col own;

    if (all_within(&view->col[FL_F_RECEIVED], view->rows, least, most))
        return true;
    if (!fl_own_col(view, FL_F_RECEIVED, &s->arena, &own))
        return false;
    for (uint32_t i = 0; i < view->rows; i++)
        if (!fl_own_col_has(&own, i) || (int64_t)own.num[i] < least || (int64_t)own.num[i] > most)
            fl_own_col_set(&own, i, (uint64_t)accepted_us);
    fl_own_col_end(view, FL_F_RECEIVED);
    return true;
}

/* FL_F_TIME in every row: where there is none that can be, the time of receipt. */
static bool settle_time(struct fl_store *s, struct fl_batch_view *view)
{
    const uint64_t *received = view->col[FL_F_RECEIVED].num;
    struct fl_own_col own, flags;

    if (all_within(&view->col[FL_F_TIME], view->rows, YEAR_1_US, YEAR_10000_US - 1))
        return true;
    if (!fl_own_col(view, FL_F_TIME, &s->arena, &own) ||
        !fl_own_col(view, FL_F_FLAGS, &s->arena, &flags))
        return false;
    for (uint32_t i = 0; i < view->rows; i++) {
        if (fl_own_col_has(&own, i) && (int64_t)own.num[i] >= YEAR_1_US &&
            (int64_t)own.num[i] < YEAR_10000_US)
            continue;
        fl_own_col_set(&own, i, received[i]);
        fl_own_col_set(&flags, i, flags.num[i] | FL_ROW_NO_TIME);
    }
    fl_own_col_end(view, FL_F_TIME);
    fl_own_col_end(view, FL_F_FLAGS);
    return true;
}

/* Decode a batch, for the moment: the view ends with the next one. */
static int look_at(struct fl_store *s, struct fl_span body, struct fl_batch_view *ret,
                   struct fl_err *err)
{
    if (s->arena.used_bytes > ARENA_KEEP)
        fl_arena_done(&s->arena);
    else
        fl_arena_clear(&s->arena);
    return fl_batch_view(body, &s->arena, ret, err);
}

/* What the store itself says about the rows. */
static int settle(struct fl_store *s, struct fl_batch_view *view, struct fl_sessions *sessions,
                  int64_t accepted_us, struct fl_err *err)
{
    if (!settle_received(s, view, accepted_us) || !settle_time(s, view))
        return fl_err_set(err, FL_E_NOMEM, "no memory for the columns of a batch");
    return fl_sessions_columns(sessions, view, accepted_us, &s->arena, err);
}

static int add_view(struct fl_store *s, struct fl_store_tenant *t, struct fl_store_day *d,
                    const struct fl_batch_view *view, const struct fl_wal_record *rec,
                    struct fl_err *err)
{
    struct fl_memtable_info before, after;
    int r = FL_OK;

    if (d->active == NULL) {
        struct fl_memtable *made = NULL;

        r = fl_memtable_new(t->id, d->day, rec->accepted_us, &made, err);
        if (r < 0)
            return r;
        fl_memtable_info(made, &before);
        atomic_fetch_add(&s->memory, before.bytes);
        pthread_mutex_lock(&s->mu);
        d->active = made;
        pthread_mutex_unlock(&s->mu);
    }
    fl_memtable_info(d->active, &before);
    fl_memtable_lock(d->active);
    r = fl_memtable_add(d->active, view, rec->first_seq, err);
    fl_memtable_unlock(d->active);
    fl_memtable_info(d->active, &after);
    atomic_fetch_add(&s->memory, after.bytes - before.bytes);
    d->touched = true;
    return r;
}

static int apply(struct fl_store *s, struct fl_store_tenant *t, struct fl_store_day *d,
                 struct fl_sessions *sessions, struct fl_batch_view *view,
                 const struct fl_wal_record *rec, bool add, struct fl_err *err)
{
    int r = settle(s, view, sessions, rec->accepted_us, err);

    return r < 0 || !add ? r : add_view(s, t, d, view, rec, err);
}

int fl_store_apply(struct fl_store *s, struct fl_store_tenant *t, struct fl_store_day *d,
                   struct fl_sessions *sessions, const struct fl_wal_record *rec, bool add,
                   struct fl_err *err)
{
    struct fl_batch_view view;
    int r = look_at(s, rec->body, &view, err);

    if (r >= 0 && view.rows != rec->rows)
        r = fl_err_set(err, FL_E_CORRUPT, "a record has %u rows, not %u", (unsigned)view.rows,
                       (unsigned)rec->rows);
    return r < 0 ? r : apply(s, t, d, sessions, &view, rec, add, err);
}

/* What must be so before a batch is looked at. wr held. */
static int may_append(struct fl_store *s, const struct fl_store_tenant *t, uint32_t tenant,
                      int32_t today, struct fl_err *err)
{
    const struct fl_store_day *d;

    if (s->broken)
        return fl_err_set(err, FL_E_NOMEM, "the store ran out of memory and must begin anew");
    if (t == NULL || !t->has_rule)
        return fl_err_set(err, FL_E_NOENT, "no rule for tenant %u", (unsigned)tenant);
    if (atomic_load(&s->full))
        return fl_err_set(err, FL_E_AGAIN, "the disk is nearly full: senders wait for room");
    if (fl_wal_pending_bytes(s->wal) > PENDING_MAX)
        return fl_err_set(err, FL_E_AGAIN, "%zu bytes wait to be committed",
                          fl_wal_pending_bytes(s->wal));
    if (atomic_load(&s->memory) + fl_wal_pending_bytes(s->wal) > s->conf.memtable_bytes)
        return fl_err_set(err, FL_E_AGAIN, "%zu bytes wait to be sealed", atomic_load(&s->memory));
    d = fl_store_day_find(t, today);
    if (d != NULL && d->going)
        return fl_err_set(err, FL_E_AGAIN, "today is being destroyed");
    return FL_OK;
}

static int take_batch(struct fl_store *s, struct fl_store_tenant *t, struct fl_wal_record *rec,
                      struct fl_batch_view *view, struct fl_err *err)
{
    struct fl_store_day *d = fl_store_day_find(t, rec->day);
    int r;

    if (d == NULL) {
        pthread_mutex_lock(&s->mu);
        d = fl_store_day_get(t, rec->day, err);
        pthread_mutex_unlock(&s->mu);
        if (d == NULL)
            return FL_E_NOMEM;
    }
    rec->first_seq = d->next_seq;
    r = fl_wal_put(s->wal, rec, &rec->lsn, err);
    if (r < 0)
        return r;
    if (rec->rows > 0)
        r = apply(s, t, d, t->sessions, view, rec, true, err);
    if (r < 0) { /* half of it may be in the memtable */
        s->broken = true;
        return fl_err_set(err, FL_E_NOMEM, "no memory for a batch: the store must begin anew");
    }
    d->next_seq += rec->rows;
    t->last_lsn = rec->lsn;
    fl_marks_raise(&s->taken, rec->source, rec->number);
    return FL_OK;
}

int fl_store_append(struct fl_store *s, uint32_t tenant, const unsigned char source[16],
                    uint64_t number, struct fl_span batch, uint32_t *ret_rows, struct fl_err *err)
{
    struct fl_wal_record rec = {.tenant = tenant, .number = number, .body = batch};
    struct fl_batch_view view;
    struct fl_store_tenant *t;
    int r;

    view.rows = 0;
    pthread_mutex_lock(&s->wr);
    t = fl_store_find(s, tenant);
    rec.accepted_us = fl_store_now(s);
    rec.day = fl_day_of(rec.accepted_us);
    memcpy(rec.source, source, sizeof rec.source);
    r = may_append(s, t, tenant, rec.day, err);
    if (r >= 0 && number <= fl_marks_get(&s->taken, source)) {
        *ret_rows = 0;
        pthread_mutex_unlock(&s->wr);
        return FL_OK;
    }
    if (r >= 0) {
        r = look_at(s, batch, &view, err);
        if (r == FL_E_CORRUPT) {
            pthread_mutex_lock(&s->mu);
            s->sum.batches_bad++;
            pthread_mutex_unlock(&s->mu);
        }
    }
    if (r >= 0) {
        rec.rows = view.rows;
        rec.slug = fl_span_str(t->slug);
        r = take_batch(s, t, &rec, &view, err);
    }
    if (r >= 0)
        *ret_rows = rec.rows;
    pthread_mutex_unlock(&s->wr);
    return r < 0 ? r : FL_OK;
}

/* ---- commit ---- */

void fl_store_sum_wal(struct fl_store *s)
{
    struct fl_wal_stats wal;

    fl_wal_stats(s->wal, &wal);
    s->sum.wal_bytes = wal.bytes;
    s->sum.wal_files = wal.files;
    s->sum.syncs = wal.syncs;
}

/* The rows of the group become visible; is there something to seal? wr held. */
static void show_rows(struct fl_store *s)
{
    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        struct fl_store_tenant *t = s->tenants[i];

        for (uint32_t k = t->day_count; k-- > 0;) {
            struct fl_store_day *d = t->days[k];
            struct fl_memtable_info info;

            if (!d->touched)
                continue;
            d->touched = false;
            fl_sessions_stats(t->sessions, &t->session_sum);
            fl_memtable_show(d->active);
            fl_memtable_info(d->active, &info);
            s->sum.rows += d->next_seq - 1 - d->visible_seq;
            d->visible_seq = d->next_seq - 1;
            s->due = s->due || info.rows >= s->conf.seal_rows;
        }
    }
    s->due = s->due || atomic_load(&s->memory) > s->conf.memtable_bytes / 8 * 5;
    s->sum.last_commit_us = s->conf.now_us();
    fl_store_sum_wal(s);
    if (s->due)
        pthread_cond_broadcast(&s->work);
    pthread_cond_broadcast(&s->visible);
    pthread_mutex_unlock(&s->mu);
}

int fl_store_commit_locked(struct fl_store *s, struct fl_err *err)
{
    bool any = fl_wal_pending_bytes(s->wal) > 0;
    int r = fl_wal_commit(s->wal, err);

    if (r >= 0 && any)
        show_rows(s);
    return r;
}

int fl_store_commit(struct fl_store *s, struct fl_err *err)
{
    int r;

    pthread_mutex_lock(&s->wr);
    r = s->broken ? fl_err_set(err, FL_E_NOMEM, "the store must begin anew")
                  : fl_store_commit_locked(s, err);
    pthread_mutex_unlock(&s->wr);
    return r;
}

uint64_t fl_store_pending_bytes(const struct fl_store *store)
{
    struct fl_store *s = (struct fl_store *)(uintptr_t)store; /* its lock is not the caller's */
    uint64_t n;

    pthread_mutex_lock(&s->wr);
    n = fl_wal_pending_bytes(s->wal);
    pthread_mutex_unlock(&s->wr);
    return n;
}

/* ---- waiting ---- */

static struct timespec until(int64_t timeout_ms)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += (time_t)(timeout_ms / 1000);
    ts.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    return ts;
}

static bool rows_beyond(struct fl_store *s, uint32_t tenant, int32_t day, uint64_t seq)
{
    const struct fl_store_tenant *t = fl_store_find(s, tenant);

    for (uint32_t i = t == NULL ? 0 : t->day_count; i-- > 0;) {
        const struct fl_store_day *d = t->days[i];

        if (d->day < day)
            return false;
        if (d->visible_seq > (d->day == day ? seq : 0))
            return true;
    }
    return false;
}

int fl_store_wait(struct fl_store *s, uint32_t tenant, int32_t day, uint64_t seq,
                  int64_t timeout_ms)
{
    struct timespec ts = until(timeout_ms);
    int r = 0;
    bool there;

    pthread_mutex_lock(&s->mu);
    while (!(there = rows_beyond(s, tenant, day, seq)) && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&s->visible, &s->mu, &ts);
    pthread_mutex_unlock(&s->mu);
    return there;
}

int fl_store_work(struct fl_store *s, int64_t timeout_ms)
{
    struct timespec ts = until(timeout_ms);
    int r = 0, due;

    pthread_mutex_lock(&s->mu);
    while (!s->due && !s->poked && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&s->work, &s->mu, &ts);
    due = s->due;
    s->due = s->poked = false;
    pthread_mutex_unlock(&s->mu);
    return due;
}

void fl_store_poke(struct fl_store *s)
{
    pthread_mutex_lock(&s->mu);
    s->poked = true;
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->mu);
}

/* ---- open, close ---- */

static int init_locks(struct fl_store *s, struct fl_err *err)
{
    pthread_condattr_t attr;
    int bad = pthread_condattr_init(&attr);

    bad |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    bad |= pthread_mutex_init(&s->maint, NULL);
    bad |= pthread_mutex_init(&s->wr, NULL);
    bad |= pthread_mutex_init(&s->mu, NULL);
    bad |= pthread_mutex_init(&s->clock_mu, NULL);
    bad |= pthread_cond_init(&s->visible, &attr);
    bad |= pthread_cond_init(&s->work, &attr);
    (void)pthread_condattr_destroy(&attr);
    return bad != 0 ? fl_err_set(err, FL_E_NOMEM, "no memory for locks") : FL_OK;
}

static void set_defaults(struct fl_store_config *conf)
{
    if (conf->files == NULL)
        conf->files = &fl_files_system;
    if (conf->wal_file_bytes == 0)
        conf->wal_file_bytes = WAL_FILE_BYTES;
    if (conf->wal_max_bytes == 0)
        conf->wal_max_bytes = WAL_MAX_BYTES;
    if (conf->sessions_max == 0)
        conf->sessions_max = FL_SESSIONS_MAX;
    if (conf->sessions_all == 0)
        conf->sessions_all = FL_SESSIONS_ALL_MAX;
    if (conf->baseline_s == 0)
        conf->baseline_s = 15;
    if (conf->sweep_s == 0)
        conf->sweep_s = 3600;
}

static void free_store(struct fl_store *s)
{
    for (uint32_t i = 0; i < s->tenant_count; i++)
        fl_store_tenant_free(s, s->tenants[i]);
    free(s->tenants);
    fl_sumcache_free(s->sums);
    if (s->retiring != NULL)
        fl_retired_done(s->retiring);
    free(s->retiring);
    fl_wal_free(s->wal);
    fl_arena_done(&s->arena);
    fl_session_pool_free(s->session_pool);
    fl_files_close(s->conf.files, s->wal_dir);
    (void)pthread_cond_destroy(&s->work);
    (void)pthread_cond_destroy(&s->visible);
    (void)pthread_mutex_destroy(&s->clock_mu);
    (void)pthread_mutex_destroy(&s->mu);
    (void)pthread_mutex_destroy(&s->wr);
    (void)pthread_mutex_destroy(&s->maint);
    free(s);
}

int fl_store_open(const struct fl_store_config *config, struct fl_store **ret, struct fl_err *err)
{
    struct fl_store *s = calloc(1, sizeof *s);
    int r;

    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the store");
    s->conf = *config;
    s->wal_dir = -1;
    s->newest_us = INT64_MIN;
    s->sum.free_bytes = UINT64_MAX;
    fl_arena_init(&s->arena, ARENA_BYTES);
    s->swept_us = s->conf.now_us();
    set_defaults(&s->conf);
    s->retiring = calloc(1, sizeof *s->retiring);
    r = s->retiring == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for the store")
                            : init_locks(s, err);
    if (r < 0) {
        free(s->retiring);
        free(s);
        return r;
    }
    r = fl_session_pool_new(s->conf.sessions_all, &s->session_pool, err);
    if (r >= 0)
        /* What a killed process wrote is read here, and counts from now on: it must outlast the
         * power. */
        r = fl_files_sync_all(s->conf.files, s->conf.dir_fd, err);
    if (r >= 0)
        r = fl_files_folder(s->conf.files, s->conf.dir_fd, "_wal", &s->wal_dir, err);
    if (r >= 0)
        r = fl_store_recover(s, err);
    if (r >= 0)
        r = fl_store_erase_pending(s, err); /* nobody erased is served */
    if (r < 0) {
        free_store(s);
        return r;
    }
    *ret = s;
    return FL_OK;
}

int fl_store_seal_all(struct fl_store *s, struct fl_err *err)
{
    int r = 0;

    pthread_mutex_lock(&s->maint);
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        int one = fl_store_seal_tenant(s, s->tenants[i], true, r < 0 ? NULL : err);

        r = r < 0 ? r : one;
    }
    if (r >= 0)
        r = fl_store_drop_wal(s, err);
    pthread_mutex_unlock(&s->maint);
    return r;
}

void fl_store_close(struct fl_store *s)
{
    if (s == NULL)
        return;
    if (!s->broken && fl_store_commit(s, NULL) >= 0) {
        int r = fl_store_seal_all(s, NULL);

        (void)r; /* what is not sealed is in the WAL */
    }
    free_store(s);
}

int fl_store_tick(struct fl_store *s, struct fl_err *err)
{
    int r, one;

    pthread_mutex_lock(&s->maint);
    r = fl_store_seal_due(s, err);
    one = fl_store_finish_going(s, r < 0 ? NULL : err);
    r = r < 0 ? r : one;
    one = fl_store_retain(s, r < 0 ? NULL : err);
    r = r < 0 ? r : one;
    one = fl_store_quota(s, r < 0 ? NULL : err);
    r = r < 0 ? r : one;
    one = fl_store_merge_due(s, r < 0 ? NULL : err);
    r = r < 0 ? r : one;
    one = fl_store_retire_due(s, r < 0 ? NULL : err);
    r = r < 0 ? r : one;
    one = fl_store_drop_wal(s, r < 0 ? NULL : err);
    r = r < 0 ? r : one;
    one = fl_store_sweep(s, r < 0 ? NULL : err);
    r = r < 0 ? r : one;
    pthread_mutex_unlock(&s->maint);
    one = fl_store_erase_due(s, r < 0 ? NULL : err);
    fl_vec_trim();
    return r < 0 ? r : one;
}

/* ---- figures ---- */

static void add_day(const struct fl_store_day *d, struct fl_store_stats *sum,
                    struct fl_store_tenant_stats *one)
{
    struct fl_memtable_info info;

    for (uint32_t i = 0; i < d->seg_count; i++) {
        sum->segments++;
        sum->segment_bytes += d->segs[i]->bytes;
        if (d->segs[i]->id.version < FL_LEN(sum->versions))
            sum->versions[d->segs[i]->id.version]++;
        one->segments++;
        one->bytes += d->segs[i]->bytes;
        one->rows += d->segs[i]->rows;
    }
    for (uint32_t i = 0; i <= d->frozen_count; i++) {
        struct fl_memtable *mt = i < d->frozen_count ? d->frozen[i] : d->active;

        if (mt == NULL)
            continue;
        fl_memtable_info(mt, &info);
        sum->memtable_rows += info.visible;
        sum->memtable_bytes += info.bytes;
        one->rows += info.visible;
    }
}

static void add_tenant(const struct fl_store_tenant *t, struct fl_store_stats *sum,
                       struct fl_store_tenant_stats *one)
{
    const struct fl_sessions_stats *ss = &t->session_sum;

    *one = (struct fl_store_tenant_stats){.tenant = t->id,
                                          .quota_bytes = t->rule.quota_bytes,
                                          .share_bytes = t->share_bytes,
                                          .taken_days = t->taken_days,
                                          .taken_bytes = t->taken_bytes,
                                          .taken_us = t->taken_us,
                                          .taken_day = t->taken_day};
    for (uint32_t k = 0; k < t->day_count; k++) {
        uint64_t rows = one->rows;

        add_day(t->days[k], sum, one);
        if (one->rows == rows)
            continue;
        if (rows == 0)
            one->oldest_day = t->days[k]->day;
        one->newest_day = t->days[k]->day;
    }
    one->no_baseline = ss->no_baseline;
    sum->no_baseline += ss->no_baseline;
    sum->copies += ss->copies;
    sum->sessions += ss->open + ss->closed;
    sum->sessions_evicted += ss->evicted;
}

void fl_store_stats(struct fl_store *s, struct fl_store_stats *ret)
{
    struct fl_store_tenant_stats one;

    pthread_mutex_lock(&s->mu);
    *ret = s->sum;
    ret->full = atomic_load(&s->full);
    ret->clock_odd = !fl_store_now_is_sure(s);
    for (uint32_t i = 0; i < s->tenant_count; i++)
        add_tenant(s->tenants[i], ret, &one);
    pthread_mutex_unlock(&s->mu);
}

void fl_store_each_tenant(struct fl_store *s,
                          void (*fn)(void *ctx, const struct fl_store_tenant_stats *t), void *ctx)
{
    struct fl_store_stats sum = {0};
    struct fl_store_tenant_stats *all;
    uint32_t n;

    pthread_mutex_lock(&s->mu);
    n = s->tenant_count;
    all = calloc(n == 0 ? 1 : n, sizeof *all);
    for (uint32_t i = 0; all != NULL && i < n; i++)
        add_tenant(s->tenants[i], &sum, &all[i]);
    pthread_mutex_unlock(&s->mu);
    for (uint32_t i = 0; all != NULL && i < n; i++)
        fn(ctx, &all[i]);
    free(all);
}
