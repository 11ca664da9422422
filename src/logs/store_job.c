/* Long work on the store, whatever its kind: declared in store_job.h. */
#include "logs/store_job.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "logs/store_erase.h"
#include "logs/store_int.h"
#include "trust/cap.h"

#define LINE_MAX_BYTES ((size_t)64 * 1024)
#define TELL_US        (FL_US_PER_S / 4)
#define PAUSE_MAX_US   50000

static const struct fl_job_row kinds[FL_JOB_KINDS] = {
    [0] = {NULL, 0, NULL},
    [FL_JOB_VERIFY] = {"verify", 0, fl_store_verify},
    [FL_JOB_REPAIR] = {"repair", 0, fl_store_repair},
    [FL_JOB_MERGE] = {"merge", 0, fl_store_merge_now},
    [FL_JOB_UPGRADE] = {"upgrade", 0, fl_store_upgrade},
    [FL_JOB_ERASE] = {"erase", FL_CAP_READ | FL_CAP_PURGE, fl_store_erase_job},
};

const struct fl_job_row *fl_job_row(enum fl_job_kind kind)
{
    if ((unsigned)kind >= FL_JOB_KINDS || kinds[kind].name == NULL)
        return NULL;
    return &kinds[kind];
}

enum fl_job_kind fl_job_kind(struct fl_span name)
{
    for (unsigned i = 1; i < FL_JOB_KINDS; i++)
        if (kinds[i].name != NULL && fl_span_eq(name, fl_span_str(kinds[i].name)))
            return (enum fl_job_kind)i;
    return 0;
}

struct fl_json *fl_job_line(struct fl_job *job, const char *what)
{
    fl_buf_clear(&job->text);
    fl_json_init(&job->json, &job->text);
    fl_json_object(&job->json, NULL);
    fl_json_object(&job->json, what);
    return &job->json;
}

void fl_job_end(struct fl_job *job)
{
    fl_json_end(&job->json);
    fl_json_end(&job->json);
    fl_buf_put_u8(&job->text, '\n');
    if (job->text.failed == 0 && job->failed == 0)
        job->failed = job->sink->write(job->sink->ctx, fl_buf_span(&job->text));
    if (job->failed < 0)
        job->cancelled = true; /* nobody reads it */
}

void fl_job_progress(struct fl_job *job, uint64_t done, uint64_t total, const char *unit,
                     const char *at)
{
    int64_t now = fl_now_mono_us();
    struct fl_json *json;

    if (job->told_mono_us != 0 && now - job->told_mono_us < TELL_US)
        return;
    job->told_mono_us = now;
    json = fl_job_line(job, "progress");
    fl_json_u64(json, "done", done);
    fl_json_u64(json, "total", total);
    fl_json_text(json, "unit", unit);
    fl_json_text(json, "at", at);
    fl_job_end(job);
}

bool fl_job_cancelled(struct fl_job *job)
{
    if (!job->cancelled && job->sink->cancelled(job->sink->ctx) != 0)
        job->cancelled = true;
    return job->cancelled;
}

void fl_job_pause(struct fl_job *job, int64_t worked_us)
{
    bool behind = atomic_load(&job->store->memory) > job->store->conf.memtable_bytes / 4 * 3;
    int64_t us = behind || worked_us > PAUSE_MAX_US ? PAUSE_MAX_US : worked_us;
    struct timespec ts = {.tv_sec = 0, .tv_nsec = us * 1000};

    if (us > 0)
        (void)nanosleep(&ts, NULL);
}

bool fl_job_wants(const struct fl_job *job, uint32_t tenant, int32_t day)
{
    return (job->ask->tenant == 0 || job->ask->tenant == tenant) && day >= job->ask->from_day &&
           day <= job->ask->to_day;
}

int fl_store_job(struct fl_store *store, const struct fl_job_ask *ask,
                 const struct fl_query_sink *sink, struct fl_err *err)
{
    const struct fl_job_row *row = fl_job_row(ask->kind);
    struct fl_job job = {.store = store, .ask = ask, .sink = sink};
    int r;

    if (row == NULL)
        return fl_err_set(err, FL_E_INVAL, "this version knows no such work on the store");
    if (ask->from_day > ask->to_day)
        return fl_err_set(err, FL_E_INVAL, "the range of days is empty");
    fl_buf_init(&job.text, LINE_MAX_BYTES);
    r = row->run(&job, err);
    fl_buf_done(&job.text);
    return r;
}
