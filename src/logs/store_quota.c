/*
 * Who keeps too much gives its oldest days.
 *
 * - A tenant over its own quota loses its oldest days that are over. Today is not taken for
 *   it: where today alone is more than the quota, that is told, and it stays.
 * - When all segments together are over max_bytes, or the disk has less than min_free_bytes, the
 *   tenant that is furthest over its share (share.h) gives its oldest day that is over; and so on.
 * A tenant within its share loses nothing, whatever the others send. When those over their share
 * have only today left, today of the one furthest over is taken: it is its own flood.
 * - Where the disk would be below its floor without any segment, something else fills it: nothing
 * is taken for it.
 * - When the disk has less than half of min_free_bytes, nothing is accepted until it has three
 *   quarters again: senders wait, nothing is lost. The keys role needs that rest, too: to destroy a
 *   key is to write.
 *
 * Bytes are those of sealed segments. The record of security events is no tenant's and never taken.
 */
#include <stdlib.h>

#include "base/time.h"
#include "logs/share.h"
#include "logs/store_rewrite.h"

enum { DAYS_A_TICK = 8 }; /* each destruction begins an epoch of the key table */

struct look {
    struct fl_share *share;
    uint64_t *scratch;
    uint64_t used;
    int64_t space;
    int32_t today;
    uint32_t taken;
};

uint64_t fl_store_tenant_bytes(struct fl_store *s, const struct fl_store_tenant *t)
{
    uint64_t sum = 0;

    pthread_mutex_lock(&s->mu);
    for (uint32_t k = 0; k < t->day_count; k++)
        for (uint32_t i = 0; i < t->days[k]->seg_count; i++)
            sum += t->days[k]->segs[i]->bytes;
    pthread_mutex_unlock(&s->mu);
    return sum;
}

/* The oldest day with segments; before_today: only of days that are over. */
static struct fl_store_day *oldest(struct fl_store *s, const struct fl_store_tenant *t,
                                   int32_t today, bool before_today)
{
    struct fl_store_day *found = NULL;

    pthread_mutex_lock(&s->mu);
    for (uint32_t k = 0; k < t->day_count && found == NULL; k++)
        if (t->days[k]->seg_count > 0 && (!before_today || t->days[k]->day < today))
            found = t->days[k];
    pthread_mutex_unlock(&s->mu);
    return found;
}

static int take_day(struct fl_store *s, struct fl_store_tenant *t, struct look *look,
                    const struct fl_store_day *d, const char *why, uint64_t limit,
                    struct fl_err *err)
{
    struct fl_purge_result sum = {0};
    uint64_t used = fl_store_tenant_bytes(s, t);
    int32_t day = d->day;
    char text[16];
    int r;

    fl_day_format(day, text);
    r = fl_store_destroy_day(s, t, day, "quota", &sum, err);
    if (r < 0)
        return r;
    look->taken++;
    look->used -= sum.bytes < look->used ? sum.bytes : look->used;
    pthread_mutex_lock(&s->mu);
    t->taken_days++;
    t->taken_bytes += sum.bytes;
    t->taken_us = s->conf.now_us();
    t->taken_day = day;
    pthread_mutex_unlock(&s->mu);
    fl_store_tell(s, "logs.quota", t->slug,
                  "{\"day\":\"%s\",\"why\":\"%s\",\"rows\":%llu,\"bytes\":%llu,\"used_bytes\":%llu,"
                  "\"limit_bytes\":%llu,\"today\":%s}",
                  text, why, (unsigned long long)sum.rows, (unsigned long long)sum.bytes,
                  (unsigned long long)used, (unsigned long long)limit,
                  day >= look->today ? "true" : "false");
    return FL_OK;
}

/* ---- a tenant's own quota ---- */

static int keep_to_quota(struct fl_store *s, struct fl_store_tenant *t, struct look *look,
                         struct fl_err *err)
{
    uint64_t used = fl_store_tenant_bytes(s, t), quota = t->rule.quota_bytes;
    int r = FL_OK;

    if (!t->has_rule || quota == 0)
        return FL_OK;
    while (r >= 0 && used > quota && look->taken < DAYS_A_TICK) {
        const struct fl_store_day *d = oldest(s, t, look->today, true);

        if (d == NULL)
            break;
        r = take_day(s, t, look, d, "the tenant's quota", quota, err);
        used = fl_store_tenant_bytes(s, t);
    }
    if (r >= 0 && used > quota && look->taken < DAYS_A_TICK && t->exceeded_day != look->today) {
        t->exceeded_day = look->today;
        fl_store_tell(s, "logs.quota_exceeded", t->slug,
                      "{\"used_bytes\":%llu,\"quota_bytes\":%llu}", (unsigned long long)used,
                      (unsigned long long)quota);
    }
    return r;
}

/* ---- the disk ---- */

/* What all may have now; UINT64_MAX: no limit is reached. */
static uint64_t limit_now(const struct fl_store *s, const struct look *look, const char **ret_why)
{
    uint64_t limit = UINT64_MAX, floor = s->conf.min_free_bytes;

    if (s->conf.max_bytes != 0 && look->used > s->conf.max_bytes) {
        limit = s->conf.max_bytes;
        *ret_why = "the limit of the store";
    }
    if (look->space >= 0 && (uint64_t)look->space < floor) {
        uint64_t lacks = floor - (uint64_t)look->space;

        /* Where all of it would not be enough, somebody else fills the disk: nothing is taken. */
        if (look->used > lacks && look->used - lacks < limit) {
            limit = look->used - lacks;
            *ret_why = "too little free disk";
        }
    }
    return limit;
}

static void fill_shares(struct fl_store *s, struct look *look, uint64_t limit)
{
    for (uint32_t i = 0; i < s->tenant_count; i++)
        look->share[i] = (struct fl_share){.used = fl_store_tenant_bytes(s, s->tenants[i]),
                                           .quota = s->tenants[i]->rule.quota_bytes};
    fl_shares(look->share, s->tenant_count, limit, look->scratch);
    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < s->tenant_count; i++)
        s->tenants[i]->share_bytes = look->share[i].share;
    pthread_mutex_unlock(&s->mu);
}

/* The one furthest over its share that has a day to give. */
static struct fl_store_tenant *furthest(struct fl_store *s, const struct look *look,
                                        bool before_today)
{
    struct fl_store_tenant *best = NULL;
    uint64_t most = 0;

    for (uint32_t i = 0; i < s->tenant_count; i++) {
        uint64_t excess = fl_share_excess(&look->share[i]);

        if (excess > most && oldest(s, s->tenants[i], look->today, before_today) != NULL) {
            best = s->tenants[i];
            most = excess;
        }
    }
    return best;
}

static void look_at_space(struct fl_store *s, struct look *look)
{
    const struct fl_files *fs = s->conf.files;

    look->space = fs->space == NULL ? -1 : fs->space(fs, s->conf.dir_fd);
    pthread_mutex_lock(&s->mu);
    s->sum.free_bytes = look->space < 0 ? UINT64_MAX : (uint64_t)look->space;
    pthread_mutex_unlock(&s->mu);
}

static int keep_to_limit(struct fl_store *s, struct look *look, struct fl_err *err)
{
    const char *why = "";
    uint64_t limit = limit_now(s, look, &why);
    struct fl_destroyed gone;
    int r = FL_OK;

    if (limit == UINT64_MAX)
        return FL_OK;
    if (s->retiring->count > 0) { /* their bytes are free for the taking */
        struct fl_retired now = *s->retiring;

        *s->retiring = (struct fl_retired){NULL, 0, 0};
        r = fl_store_retire(s, &now, "rewritten", &gone, err);
        look_at_space(s, look);
        limit = limit_now(s, look, &why);
    }
    while (r >= 0 && limit != UINT64_MAX && look->taken < DAYS_A_TICK) {
        struct fl_store_tenant *t;
        bool today = false;

        fill_shares(s, look, limit);
        t = furthest(s, look, true);
        if (t == NULL) {
            t = furthest(s, look, false);
            today = true;
        }
        if (t == NULL)
            break;
        r = take_day(s, t, look, oldest(s, t, look->today, !today), why, limit, err);
        look_at_space(s, look);
        limit = limit_now(s, look, &why);
    }
    return r;
}

/* Is there so little that even what frees space may fail? */
static void stop_or_go(struct fl_store *s, const struct look *look)
{
    uint64_t floor = s->conf.min_free_bytes, space = (uint64_t)look->space;
    bool full = atomic_load(&s->full);

    if (look->space < 0 || floor == 0)
        return;
    if (!full && space < floor / 2) {
        atomic_store(&s->full, true);
        fl_store_tell(s, "store.full", "", "{\"free_bytes\":%llu,\"min_free_bytes\":%llu}",
                      (unsigned long long)space, (unsigned long long)floor);
    } else if (full && space >= floor / 4 * 3) {
        atomic_store(&s->full, false);
        fl_store_tell(s, "store.room", "", "{\"free_bytes\":%llu}", (unsigned long long)space);
    }
}

int fl_store_quota(struct fl_store *s, struct fl_err *err)
{
    size_t n = s->tenant_count == 0 ? 1 : s->tenant_count;
    struct look look = {.today = fl_day_of(fl_store_now(s))};
    int r = FL_OK;

    look.share = calloc(n, sizeof *look.share);
    look.scratch = calloc(n, sizeof *look.scratch);
    if (look.share == NULL || look.scratch == NULL)
        r = fl_err_set(err, FL_E_NOMEM, "no memory for quotas");
    look_at_space(s, &look);
    for (uint32_t i = 0; i < s->tenant_count && r >= 0; i++)
        r = keep_to_quota(s, s->tenants[i], &look, err);
    for (uint32_t i = 0; i < s->tenant_count; i++)
        look.used += fl_store_tenant_bytes(s, s->tenants[i]);
    if (r >= 0 && look.taken > 0)
        look_at_space(s, &look);
    if (r >= 0)
        r = keep_to_limit(s, &look, err);
    stop_or_go(s, &look);
    free(look.share);
    free(look.scratch);
    return r < 0 && err != NULL ? fl_err_wrap(err, "quota") : r;
}
