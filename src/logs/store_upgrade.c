/* Segments of one version of the format become segments of another, forward or back: one at a time,
 * so that a run that was ended goes on where it stopped. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "logs/store_job.h"
#include "logs/store_rewrite.h"

struct upgrade {
    struct fl_job *job;
    uint16_t to;
    uint64_t total, total_bytes, by_version[FL_SEGMENT_VERSION + 1]; /* when it began */
    uint64_t segments, rows, bytes_before, bytes_after, refused, damaged;
    unsigned char (*passed)[FL_FILE_ID_BYTES]; /* of this run: not tried again */
    size_t passed_count, passed_cap;
};

struct spot {
    struct fl_store_tenant *tenant;
    struct fl_store_day *day;
    uint32_t at;
};

static bool is_passed(const struct upgrade *up, const struct fl_store_seg *seg)
{
    for (size_t i = 0; i < up->passed_count; i++)
        if (memcmp(up->passed[i], seg->id.file_id, sizeof up->passed[i]) == 0)
            return true;
    return false;
}

static int pass(struct upgrade *up, const struct fl_store_seg *seg, struct fl_err *err)
{
    if (up->passed_count == up->passed_cap) {
        size_t cap = up->passed_cap == 0 ? 16 : up->passed_cap * 2;
        void *grown = realloc(up->passed, cap * sizeof(*up->passed));

        if (grown == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for an upgrade");
        up->passed = grown;
        up->passed_cap = cap;
    }
    memcpy(up->passed[up->passed_count++], seg->id.file_id, FL_FILE_ID_BYTES);
    return FL_OK;
}

static bool wanted(const struct upgrade *up, const struct fl_store_tenant *t,
                   const struct fl_store_day *d, const struct fl_store_seg *seg)
{
    return !d->going && seg->id.version != up->to && fl_job_wants(up->job, t->id, d->day) &&
           !is_passed(up, seg);
}

static void count_all(struct upgrade *up)
{
    const struct fl_store *s = up->job->store;

    for (uint32_t i = 0; i < s->tenant_count; i++) {
        const struct fl_store_tenant *t = s->tenants[i];

        for (uint32_t k = 0; k < t->day_count; k++) {
            for (uint32_t g = 0; g < t->days[k]->seg_count; g++) {
                const struct fl_store_seg *seg = t->days[k]->segs[g];

                if (!fl_job_wants(up->job, t->id, t->days[k]->day))
                    continue;
                if (seg->id.version <= FL_SEGMENT_VERSION)
                    up->by_version[seg->id.version]++;
                if (wanted(up, t, t->days[k], seg)) {
                    up->total++;
                    up->total_bytes += seg->bytes;
                }
            }
        }
    }
}

static bool find(const struct upgrade *up, struct spot *ret)
{
    const struct fl_store *s = up->job->store;

    for (uint32_t i = 0; i < s->tenant_count; i++) {
        struct fl_store_tenant *t = s->tenants[i];

        for (uint32_t k = 0; k < t->day_count; k++) {
            struct fl_store_day *d = t->days[k];

            for (uint32_t g = 0; g < d->seg_count; g++) {
                if (!wanted(up, t, d, d->segs[g]))
                    continue;
                *ret = (struct spot){t, d, g};
                return true;
            }
        }
    }
    return false;
}

/* Why a segment stays as it is; the others go on. */
static int tell(struct upgrade *up, const struct spot *spot, const struct fl_err *why,
                struct fl_err *err)
{
    const struct fl_store_seg *seg = spot->day->segs[spot->at];
    char name[FL_SEGMENT_NAME_BYTES], day[16];
    struct fl_json *json = fl_job_line(up->job, "finding");

    fl_segment_name(seg->id.file_id, name);
    fl_day_format(spot->day->day, day);
    fl_json_text(json, "kind", why->code == FL_E_CORRUPT ? "damaged" : "refused");
    fl_json_text(json, "tenant", spot->tenant->slug);
    fl_json_text(json, "day", day);
    fl_json_text(json, "file", name);
    fl_json_u64(json, "version", seg->id.version);
    fl_json_text(json, "why", why->text);
    fl_job_end(up->job);
    up->damaged += why->code == FL_E_CORRUPT;
    up->refused += why->code != FL_E_CORRUPT;
    return pass(up, seg, err);
}

static int rewrite(struct upgrade *up, const struct spot *spot, struct fl_err *err)
{
    struct fl_store *s = up->job->store;
    const struct fl_rewrite rw = {.tenant = spot->tenant,
                                  .day = spot->day,
                                  .old = spot->day->segs + spot->at,
                                  .old_count = 1,
                                  .version = up->to};
    struct fl_retired retired = {NULL, 0, 0};
    struct fl_rewrite_result res = {0};
    struct fl_err local = {0};
    int r = fl_store_rewrite(s, &rw, &retired, &res, &local);

    if (r < 0) {
        fl_retired_done(&retired);
        if (r == FL_E_INVAL || r == FL_E_CORRUPT)
            return tell(up, spot, &local, err);
        return fl_err_set(err, r, "%s", local.text);
    }
    up->segments++;
    up->rows += res.rows_out;
    up->bytes_before += res.bytes_in;
    up->bytes_after += res.bytes_out;
    return fl_store_retire_later(s, &retired, err);
}

/* One segment, under the lock. 1: there may be more. */
static int piece(struct upgrade *up, char at[FL_STORE_PATH_BYTES], struct fl_err *err)
{
    struct fl_store *s = up->job->store;
    struct spot spot;
    int r = FL_OK;

    pthread_mutex_lock(&s->maint);
    if (find(up, &spot)) {
        fl_store_path(spot.tenant->slug, spot.day->day, at);
        r = rewrite(up, &spot, err);
        r = r < 0 ? r : 1;
    }
    pthread_mutex_unlock(&s->maint);
    return r;
}

static void put_result(struct upgrade *up)
{
    struct fl_json *json = fl_job_line(up->job, "result");

    fl_json_bool(json, "dry_run", up->job->ask->dry);
    fl_json_bool(json, "cancelled", up->job->cancelled);
    fl_json_u64(json, "to", up->to);
    fl_json_object(json, "before");
    for (unsigned v = 1; v <= FL_SEGMENT_VERSION; v++) {
        char name[16];

        (void)snprintf(name, sizeof name, "v%u", v);
        fl_json_u64(json, name, up->by_version[v]);
    }
    fl_json_end(json);
    fl_json_u64(json, "segments", up->job->ask->dry ? up->total : up->segments);
    fl_json_u64(json, "rows", up->rows);
    fl_json_u64(json, "bytes_before", up->job->ask->dry ? up->total_bytes : up->bytes_before);
    fl_json_u64(json, "bytes_after", up->bytes_after);
    fl_json_u64(json, "refused", up->refused);
    fl_json_u64(json, "damaged", up->damaged);
    fl_job_end(up->job);
}

/* The arguments: a version in digits, or nothing for the current one. */
static int target_of(struct fl_span args, uint16_t *ret, struct fl_err *err)
{
    uint64_t to = FL_SEGMENT_VERSION;

    if (args.len > 0 && (!fl_span_u64(args, &to) || to == 0 || to > FL_SEGMENT_VERSION))
        return fl_err_set(err, FL_E_INVAL, "segments have the versions 1 to %d, not '%.*s'",
                          FL_SEGMENT_VERSION, FL_SPAN_ARG(args));
    *ret = (uint16_t)to;
    return FL_OK;
}

int fl_store_upgrade(struct fl_job *job, struct fl_err *err)
{
    struct upgrade up = {.job = job};
    char at[FL_STORE_PATH_BYTES] = "";
    int r = target_of(job->ask->args, &up.to, err);

    if (r < 0)
        return r;
    pthread_mutex_lock(&job->store->maint);
    count_all(&up);
    pthread_mutex_unlock(&job->store->maint);
    r = job->ask->dry ? 0 : 1;
    while (r > 0 && !fl_job_cancelled(job)) {
        int64_t begun_us = fl_now_mono_us();

        r = piece(&up, at, err);
        fl_job_progress(job, up.segments + up.passed_count, up.total, "segments", at);
        fl_job_pause(job, fl_now_mono_us() - begun_us);
    }
    if (r >= 0)
        put_result(&up);
    free(up.passed);
    return r < 0 ? r : FL_OK;
}
