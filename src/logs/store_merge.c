/* Small segments of days that are over become large ones, in the background: one piece at a time,
 * a fifth of a core at most, and not while the writer needs the disk and the memory. */
#include <stdio.h>

#include "base/time.h"
#include "logs/store_job.h"
#include "logs/store_rewrite.h"

enum {
    MERGE_ROWS = 262144, /* of a merged segment, at most: a quarter of a second under `maint` */
    LARGE_ROWS = 131072, /* a segment that has them is left alone */
    DUTY = 5,            /* one part work, so many parts in all */
};
#define MERGE_BYTES      ((uint64_t)64 << 20)
#define AFTER_FAILURE_US (300 * FL_US_PER_S)

struct run { /* of neighbours, in one day */
    struct fl_store_tenant *tenant;
    struct fl_store_day *day;
    uint32_t at, count;
};

static bool is_over(const struct fl_store_day *d, int32_t today)
{
    return d->day < today && d->active == NULL && d->frozen_count == 0;
}

static bool is_small(const struct fl_store_seg *seg)
{
    return seg->rows < LARGE_ROWS && seg->bytes < MERGE_BYTES / 2 && !seg->damaged;
}

/* The first neighbours of a day that go together; what they answer for has no hole. */
static bool find_in_day(const struct fl_store_day *d, uint32_t *ret_at, uint32_t *ret_count)
{
    for (uint32_t i = 0; i < d->seg_count; i++) {
        uint64_t rows = 0, bytes = 0, blocks = 0;
        uint32_t n = 0;

        while (i + n < d->seg_count && n < FL_REWRITE_MAX && is_small(d->segs[i + n])) {
            const struct fl_store_seg *seg = d->segs[i + n];

            if (rows + seg->rows > MERGE_ROWS || bytes + seg->bytes > MERGE_BYTES ||
                blocks + seg->blocks > FL_SEGMENT_MAX_BLOCKS ||
                (n > 0 && seg->first_seq != d->segs[i + n - 1]->last_seq + 1))
                break;
            rows += seg->rows;
            bytes += seg->bytes;
            blocks += seg->blocks;
            n++;
        }
        if (n >= 2) {
            *ret_at = i;
            *ret_count = n;
            return true;
        }
    }
    return false;
}

/* Beginning with the tenant whose turn it is. mu held: days come with rows. */
static bool find_locked(struct fl_store *s, const struct fl_job *job, int32_t today,
                        struct run *ret)
{
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        struct fl_store_tenant *t = s->tenants[(s->merge_at + i) % s->tenant_count];

        for (uint32_t k = 0; k < t->day_count; k++) {
            struct fl_store_day *d = t->days[k];

            if (!is_over(d, today) || (job != NULL && !fl_job_wants(job, t->id, d->day)) ||
                !find_in_day(d, &ret->at, &ret->count))
                continue;
            ret->tenant = t;
            ret->day = d;
            s->merge_at = (s->merge_at + i + 1) % s->tenant_count;
            return true;
        }
    }
    return false;
}

static bool find(struct fl_store *s, const struct fl_job *job, struct run *ret)
{
    int32_t today = fl_day_of(fl_store_now(s));
    bool found;

    pthread_mutex_lock(&s->mu);
    found = find_locked(s, job, today, ret);
    pthread_mutex_unlock(&s->mu);
    return found;
}

/* So that it is not tried again: the others go together without it. */
static int note_damaged(void *ctx, uint32_t seg, uint32_t block, uint32_t rows,
                        const struct fl_err *why)
{
    const struct run *run = ctx;

    (void)block;
    (void)rows;
    if (why->code == FL_E_CORRUPT)
        run->day->segs[run->at + seg]->damaged = true;
    return why->code;
}

static int merge(struct fl_store *s, struct run *run, struct fl_rewrite_result *res,
                 struct fl_err *err)
{
    const struct fl_rewrite rw = {.tenant = run->tenant,
                                  .day = run->day,
                                  .old = run->day->segs + run->at,
                                  .old_count = run->count,
                                  .lost = note_damaged,
                                  .ctx = run};
    struct fl_retired retired = {NULL, 0, 0};
    int r = fl_store_rewrite(s, &rw, &retired, res, err);

    if (r < 0) {
        fl_retired_done(&retired);
        return r;
    }
    pthread_mutex_lock(&s->mu);
    s->sum.merges++;
    s->sum.merged += run->count;
    s->sum.merge_rows += res->rows_in;
    pthread_mutex_unlock(&s->mu);
    return fl_store_retire_later(s, &retired, err);
}

static bool is_busy(struct fl_store *s)
{
    bool due;

    pthread_mutex_lock(&s->mu);
    due = s->due;
    pthread_mutex_unlock(&s->mu);
    return due || atomic_load(&s->full) || atomic_load(&s->memory) > s->conf.memtable_bytes / 4 * 3;
}

int fl_store_merge_due(struct fl_store *s, struct fl_err *err)
{
    int64_t begun_us = fl_now_mono_us();
    struct fl_rewrite_result res = {0};
    struct run run;
    int r;

    if (begun_us < s->merge_mono_us || is_busy(s) || !find(s, NULL, &run))
        return FL_OK;
    r = merge(s, &run, &res, err);
    if (r == FL_E_CORRUPT) /* it is passed over from now on; verify tells more */
        r = FL_OK;
    s->merge_mono_us =
        r < 0 ? begun_us + AFTER_FAILURE_US : begun_us + (fl_now_mono_us() - begun_us) * DUTY;
    return r < 0 && err != NULL
               ? fl_err_wrap(err, "merging segments of tenant %s", run.tenant->slug)
               : r;
}

/* ---- asked for ---- */

struct sums {
    uint64_t merges, segments, rows, bytes_before, bytes_after, damaged;
};

static uint64_t count_runs(struct fl_store *s, const struct fl_job *job, uint64_t *ret_segments)
{
    int32_t today = fl_day_of(fl_store_now(s));
    uint64_t runs = 0;

    *ret_segments = 0;
    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        for (uint32_t k = 0; k < s->tenants[i]->day_count; k++) {
            const struct fl_store_day *d = s->tenants[i]->days[k];
            uint32_t at, count;

            if (is_over(d, today) && fl_job_wants(job, s->tenants[i]->id, d->day) &&
                find_in_day(d, &at, &count)) {
                runs++;
                *ret_segments += d->seg_count;
            }
        }
    }
    pthread_mutex_unlock(&s->mu);
    return runs;
}

static void put_result(struct fl_job *job, const struct sums *sums, uint64_t days,
                       uint64_t segments)
{
    struct fl_json *json = fl_job_line(job, "result");

    fl_json_bool(json, "dry_run", job->ask->dry);
    fl_json_bool(json, "cancelled", job->cancelled);
    fl_json_u64(json, "days", days);
    fl_json_u64(json, "segments_before", job->ask->dry ? segments : sums->segments);
    fl_json_u64(json, "merges", sums->merges);
    fl_json_u64(json, "rows", sums->rows);
    fl_json_u64(json, "bytes_before", sums->bytes_before);
    fl_json_u64(json, "bytes_after", sums->bytes_after);
    fl_json_u64(json, "damaged", sums->damaged);
    fl_job_end(job);
}

/* One piece, under the lock. 1: there may be more. */
static int merge_piece(struct fl_job *job, struct sums *sums, char at[FL_STORE_PATH_BYTES],
                       struct fl_err *err)
{
    struct fl_store *s = job->store;
    struct fl_rewrite_result res = {0};
    struct run run;
    int r = FL_OK;

    pthread_mutex_lock(&s->maint);
    if (find(s, job, &run)) {
        fl_store_path(run.tenant->slug, run.day->day, at);
        r = merge(s, &run, &res, err);
        sums->damaged += r == FL_E_CORRUPT;
        if (r >= 0) {
            sums->merges++;
            sums->segments += run.count;
            sums->rows += res.rows_in;
            sums->bytes_before += res.bytes_in;
            sums->bytes_after += res.bytes_out;
        }
        r = r >= 0 || r == FL_E_CORRUPT ? 1 : r;
    }
    pthread_mutex_unlock(&s->maint);
    return r;
}

int fl_store_merge_now(struct fl_job *job, struct fl_err *err)
{
    char at[FL_STORE_PATH_BYTES] = "";
    struct sums sums = {0};
    uint64_t days, segments;
    int r = 1;

    pthread_mutex_lock(&job->store->maint);
    days = count_runs(job->store, job, &segments);
    pthread_mutex_unlock(&job->store->maint);
    while (!job->ask->dry && r > 0 && !fl_job_cancelled(job)) {
        int64_t begun_us = fl_now_mono_us();

        r = merge_piece(job, &sums, at, err);
        fl_job_progress(job, sums.segments, segments, "segments", at);
        fl_job_pause(job, fl_now_mono_us() - begun_us);
    }
    if (r >= 0)
        put_result(job, &sums, days, segments);
    return r < 0 ? r : FL_OK;
}
