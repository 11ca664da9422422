/* What goes to core for a question, by way of the loop. */
#include "fairleadd/store_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"

enum { FATAL_EXIT = 3 };

#define JAM_BYTES ((size_t)8 << 20)

struct reply {
    struct fl_store_role *s;
    struct fl_store_job *job; /* RESULT and the end: dropped when it is cancelled */
    uint32_t id;
    enum fl_msg_type type; /* RESULT, QUERY_END, PURGED, FAIL */
    struct fl_msg_query_end end;
    struct fl_msg_purged purged;
    struct fl_err err;
    char cursor[64], text[400], root_kind[16];
    size_t len;
    unsigned char bytes[];
};

/* ---- jobs ---- */

void fl_store_job_free(struct fl_store_job *job)
{
    if (job == NULL)
        return;
    fl_tail_close(job->live.tail);
    explicit_bzero(job->names_key, sizeof job->names_key);
    free(job->texts);
    free(job);
}

bool fl_store_job_cancelled(const struct fl_store_job *job)
{
    bool yes;

    pthread_mutex_lock(&job->s->mu);
    yes = job->cancelled || atomic_load(&job->s->stopping);
    pthread_mutex_unlock(&job->s->mu);
    return yes;
}

bool fl_store_job_over(const struct fl_store_job *job)
{
    return fl_now_us() >= job->not_after_us;
}

int fl_store_job_names(struct fl_store_job *job, struct fl_err *err)
{
    struct fl_query *q = &job->query;
    int r;

    if (!q->masked && /* a link may have a hidden name in it */
        (q->filter.len == 0 || memmem(q->filter.ptr, q->filter.len, "user ", 5) == NULL))
        return FL_OK;
    r = fl_mask_key(job->s->keyring, q->tenant, job->names_key, err);
    if (r == FL_OK)
        q->names_key = job->names_key;
    return r;
}

static void drop_job(struct fl_store_job *job)
{
    struct fl_store_job **at;

    pthread_mutex_lock(&job->s->mu);
    for (at = &job->s->jobs; *at != NULL && *at != job; at = &(*at)->next)
        ;
    if (*at == job)
        *at = job->next;
    pthread_cond_broadcast(&job->s->changed);
    pthread_mutex_unlock(&job->s->mu);
    fl_store_job_free(job);
}

/* Without memory for the last reply: earlier ones may still be on their way to the loop, so the job
 * stays in the list until the role ends. */
static void give_up(struct fl_store_job *job)
{
    pthread_mutex_lock(&job->s->mu);
    job->cancelled = true;
    pthread_mutex_unlock(&job->s->mu);
}

/* ---- on the loop ---- */

/* Without it core would wait for ever: the role ends then, and core gets a link to a new one. */
void fl_store_send_last(struct fl_store_role *s, enum fl_msg_type type, uint32_t id,
                        const void *msg)
{
    struct fl_err err = {0};

    if (s->core == NULL || fl_imsg_send(s->core, type, id, msg, -1, &err) >= 0)
        return;
    fl_role_log(s->env, FL_LOG_ERR, "core takes nothing more (%s); the role ends", err.text);
    _exit(FATAL_EXIT); /* the supervisor starts a new one; what was committed is safe */
}

static void send_end(struct reply *rp)
{
    rp->end.cursor = fl_span_str(rp->cursor);
    rp->end.text = fl_span_str(rp->text);
    fl_store_send_last(rp->s, FL_MSG_QUERY_END, rp->id, &rp->end);
}

static void send_rows(struct reply *rp)
{
    struct fl_msg_result result = {fl_span_of(rp->bytes, rp->len)};

    if (fl_imsg_send(rp->s->core, FL_MSG_RESULT, rp->id, &result, -1, NULL) >= 0)
        return;
    pthread_mutex_lock(&rp->s->mu); /* over the link's limit: it cannot be left out */
    rp->job->cancelled = true;
    pthread_mutex_unlock(&rp->s->mu);
    (void)snprintf(rp->text, sizeof rp->text, "too much waits to be sent");
    rp->end = (struct fl_msg_query_end){.code = FL_E_AGAIN, .partial = 1};
    send_end(rp);
}

static void measure(void *ctx)
{
    struct fl_store_role *s = ctx;

    atomic_store(&s->queued_bytes, s->core == NULL ? 0 : fl_imsg_queued(s->core));
}

/* Loop thread. The last reply of a job takes it away: until then its id is known for CREDIT. */
static void on_loop(void *ctx)
{
    struct reply *rp = ctx;
    bool gone = rp->s->core == NULL || fl_store_job_cancelled(rp->job);

    atomic_fetch_sub(&rp->s->posted_bytes, rp->len);
    if (gone)
        ;
    else if (rp->type == FL_MSG_RESULT)
        send_rows(rp);
    else if (rp->type == FL_MSG_QUERY_END)
        send_end(rp);
    else if (rp->type == FL_MSG_PURGED) {
        rp->purged.root_kind = fl_span_str(rp->root_kind);
        fl_store_send_last(rp->s, FL_MSG_PURGED, rp->id, &rp->purged);
    } else
        (void)fl_imsg_fail(rp->s->core, rp->id, &rp->err);
    measure(rp->s);
    if (rp->type != FL_MSG_RESULT)
        drop_job(rp->job);
    free(rp);
}

/* ---- any thread ---- */

static struct reply *new_reply(struct fl_store_job *job, enum fl_msg_type type,
                               struct fl_span bytes)
{
    struct reply *rp = calloc(1, sizeof *rp + bytes.len);

    if (rp == NULL)
        return NULL;
    rp->s = job->s;
    rp->job = job;
    rp->id = job->id;
    rp->type = type;
    rp->len = bytes.len;
    if (bytes.len > 0)
        memcpy(rp->bytes, bytes.ptr, bytes.len);
    return rp;
}

static bool post(struct reply *rp)
{
    if (rp == NULL)
        return false;
    atomic_fetch_add(&rp->s->posted_bytes, rp->len);
    if (fl_loop_post(rp->s->env->loop, on_loop, rp) == FL_OK)
        return true;
    atomic_fetch_sub(&rp->s->posted_bytes, rp->len);
    free(rp);
    return false;
}

bool fl_store_reply_jam(struct fl_store_role *s)
{
    if (atomic_load(&s->posted_bytes) + atomic_load(&s->queued_bytes) < JAM_BYTES)
        return false;
    (void)!fl_loop_post(s->env->loop, measure, s); /* without room for it, the next one asks */
    return true;
}

bool fl_store_reply_rows(struct fl_store_job *job, struct fl_span bytes)
{
    return post(new_reply(job, FL_MSG_RESULT, bytes));
}

void fl_store_reply_end(struct fl_store_job *job, int code, const struct fl_query_end *end,
                        const char *text)
{
    struct reply *rp = new_reply(job, FL_MSG_QUERY_END, fl_span_of(NULL, 0));

    if (rp == NULL) {
        give_up(job);
        return;
    }
    rp->end = (struct fl_msg_query_end){.code = code,
                                        .partial = end->partial,
                                        .rows_scanned = end->rows_scanned,
                                        .rows_matched = end->rows_matched,
                                        .bytes_read = end->bytes_read,
                                        .elapsed_us = end->elapsed_us,
                                        .from_rollups = end->from_rollups};
    (void)snprintf(rp->cursor, sizeof rp->cursor, "%.63s", end->cursor);
    (void)snprintf(rp->text, sizeof rp->text, "%s", text);
    if (!post(rp))
        give_up(job);
}

static void log_purge(const struct fl_store_job *job, int code, const struct fl_purge_result *res,
                      const struct fl_err *err)
{
    fl_role_log(job->s->env, FL_LOG_NOTICE,
                "tenant %u, days %d to %d destroyed (%s): %llu rows, %llu keys%s%s",
                (unsigned)job->query.tenant, job->purge.from_day, job->purge.to_day, job->why,
                (unsigned long long)res->rows, (unsigned long long)res->keys, code < 0 ? "; " : "",
                code < 0 ? err->text : "");
}

void fl_store_reply_purged(struct fl_store_job *job, int code, const struct fl_purge_result *res,
                           const struct fl_err *err)
{
    struct reply *rp = new_reply(job, code < 0 ? FL_MSG_FAIL : FL_MSG_PURGED, fl_span_of(NULL, 0));

    if (rp == NULL) {
        give_up(job);
        return;
    }
    rp->err = *err;
    rp->purged = (struct fl_msg_purged){.rows = res->rows,
                                        .bytes = res->bytes,
                                        .files = res->files,
                                        .keys = res->keys,
                                        .epoch = res->epoch,
                                        .segments = res->segments,
                                        .days = res->days};
    (void)snprintf(rp->root_kind, sizeof rp->root_kind, "%.15s", res->root_kind);
    if (job->purge.dry == 0)
        log_purge(job, code, res, err);
    if (!post(rp))
        give_up(job);
}
