#include "api/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/sse.h"
#include "api/work_int.h"
#include "base/time.h"

enum { BEAT_S = 10 };

/* ---- the end of a job ---- */

static void take_out(struct fl_work_job *job)
{
    struct fl_work_job **at = &job->work->jobs;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    job->work->job_count--;
}

static void job_free(struct fl_work_job *job)
{
    take_out(job);
    if (job->ask.arg_free != NULL)
        job->ask.arg_free(job->ask.arg);
    fl_work_net_unref(job->in.net);
    fl_arena_done(&job->arena);
    fl_buf_done(&job->out);
    free(job->question);
    free(job);
}

static void job_end(struct fl_work_job *job)
{
    if (!job->dropped)
        job->end(job->ctx, &job->in, job->r, &job->err);
    job_free(job);
}

/* ---- on a thread ---- */

static void job_run(struct fl_pool_job *pool)
{
    struct fl_work_job *job = (struct fl_work_job *)pool;

    if (atomic_load(&job->stop)) {
        job->r = fl_err_set(&job->err, FL_E_TIMEOUT, "nobody waits for it any more");
        return;
    }
    job->r = job->ask.run(&job->in, &job->err);
    if (job->r == FL_OK)
        job->r = fl_buf_status(&job->out, &job->err);
}

/* ---- on the loop ---- */

static void job_done(struct fl_pool_job *pool)
{
    struct fl_work_job *job = (struct fl_work_job *)pool;

    if (!pool->ran)
        job->r = fl_err_set(&job->err, FL_E_AGAIN,
                            "the machine calculates for others at this moment; try again shortly");
    else if (job->r == FL_OK && job->question != NULL && job->in.net != NULL)
        fl_work_cache_keep(job->work, job->in.tenant, job->in.net->net->version, job->question,
                           fl_buf_span(&job->out));
    job_end(job);
}

static void job_drop(struct fl_pool_job *pool)
{
    job_free((struct fl_work_job *)pool);
}

int fl_work_submit(struct fl_work *work, struct fl_pool *pool, struct fl_pool_job *job,
                   struct fl_err *err)
{
    if (work->loop == NULL) {
        job->ran = true;
        job->work(job);
        job->done(job);
        return FL_OK;
    }
    if (!fl_pool_has_room(pool))
        return fl_err_set(err, FL_E_AGAIN,
                          "as many calculations wait as there may be; try again shortly");
    return fl_pool_submit(pool, job, err);
}

/* The network is there, or none is needed. The job may be gone when it returns. */
static void job_go(struct fl_work_job *job)
{
    struct fl_work *work = job->work;
    const struct fl_work_answer *kept = NULL;
    int r;

    if (job->question != NULL && job->in.net != NULL)
        kept = fl_work_cache_find(work, job->in.tenant, job->in.net->net->version, job->question);
    if (kept != NULL) {
        fl_buf_put(&job->out, kept->bytes, kept->len);
        job->r = fl_buf_status(&job->out, &job->err);
        job_end(job);
        return;
    }
    job->pool = (struct fl_pool_job){.not_after_us = fl_now_mono_us() + FL_WORK_WAIT_US,
                                     .work = job_run,
                                     .done = job_done,
                                     .drop = job_drop};
    r = fl_work_submit(work, job->ask.is_long ? work->slow : work->quick, &job->pool, &job->err);
    if (r < 0) {
        job->r = r;
        job_end(job);
    }
}

void fl_work_net_ready(struct fl_work *work, uint32_t tenant, struct fl_work_net *net, int r,
                       const struct fl_err *err)
{
    struct fl_work_job *job = work->jobs;

    while (job != NULL) {
        if (!job->waits_net || job->in.tenant != tenant) {
            job = job->next;
            continue;
        }
        job->waits_net = false;
        if (r < 0) {
            job->r = r;
            job->err = *err;
            job_end(job);
        } else {
            job->in.net = fl_work_net_ref(net);
            job_go(job);
        }
        job = work->jobs; /* whoever was told may have asked for more */
    }
}

static struct fl_work_job *job_new(struct fl_work *work, uint32_t tenant,
                                   const struct fl_work_ask *ask)
{
    struct fl_work_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    if (ask->question != NULL && (job->question = strdup(ask->question)) == NULL) {
        free(job);
        return NULL;
    }
    job->work = work;
    job->ask = *ask;
    job->ask.question = NULL;
    fl_arena_init(&job->arena, FL_WORK_ARENA_MAX);
    fl_buf_init(&job->out, FL_WORK_OUT_MAX);
    job->in = (struct fl_work_in){.tenant = tenant,
                                  .arg = ask->arg,
                                  .now_us = work->now_us(),
                                  .stop = &job->stop,
                                  .done = &job->done_parts,
                                  .arena = &job->arena,
                                  .out = &job->out};
    job->next = work->jobs;
    work->jobs = job;
    work->job_count++;
    return job;
}

static int refuse(const struct fl_work_ask *ask, int r)
{
    if (ask->arg_free != NULL)
        ask->arg_free(ask->arg);
    return r;
}

int fl_work_start(struct fl_work *work, uint32_t tenant, const struct fl_work_ask *ask,
                  void (*done)(void *ctx, const struct fl_work_in *in, int r,
                               const struct fl_err *err),
                  void *ctx, struct fl_work_job **ret, struct fl_err *err)
{
    struct fl_work_job *job;
    int r = 1;

    if (work->job_count >= 2 * FL_WORK_QUEUE_MAX)
        return refuse(ask, fl_err_set(err, FL_E_AGAIN,
                                      "as many calculations wait as there may be; try again"));
    job = job_new(work, tenant, ask);
    if (job == NULL)
        return refuse(ask, fl_err_set(err, FL_E_NOMEM, "no memory for a calculation"));
    job->end = done;
    job->ctx = ctx;
    *ret = job;
    job->waits_net = ask->net;
    if (ask->net)
        r = fl_work_net_get(work, tenant, &job->in.net, err);
    if (r < 0) {
        *ret = NULL;
        job_free(job);
        return r;
    }
    if (r == 1) {
        job->waits_net = false;
        job_go(job);
    }
    return FL_OK;
}

void fl_work_drop(struct fl_work_job *job)
{
    if (job == NULL)
        return;
    atomic_store(&job->stop, true);
    job->dropped = true;
    if (job->waits_net)
        job_free(job);
}

unsigned fl_work_progress(const struct fl_work_job *job)
{
    return atomic_load(&job->done_parts);
}

/* ---- answers ---- */

struct waiting { /* in the request's arena */
    struct fl_req *req;
    struct fl_work_job *job; /* NULL: it is done */
    struct waiting *next;    /* of those that are told how far it is */
    int (*then)(struct fl_req *req, const struct fl_work_in *in, struct fl_err *err);
    unsigned told, quiet; /* quiet: seconds without a word */
    bool stream;
};

static void waiting_gone(void *state)
{
    struct waiting *w = state;

    fl_work_drop(w->job);
    w->job = NULL;
}

static void stream_end(struct fl_req *req, const struct fl_work_in *in, int r,
                       const struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, 8192);
    fl_sse_begin(req);
    if (r == FL_OK) {
        fl_sse_event(req, FL_SPAN(""), "result", fl_buf_span(in->out));
    } else {
        fl_problem_write(&text, r == FL_E_INVAL ? 422 : 503, fl_code_name(r), NULL, err->text);
        fl_sse_event(req, FL_SPAN(""), "problem", fl_buf_span(&text));
    }
    fl_req_end(req);
}

static void answer_done(void *ctx, const struct fl_work_in *in, int r, const struct fl_err *err)
{
    struct waiting *w = ctx;
    struct fl_req *req = w->req;
    struct fl_err why;

    w->job = NULL;
    if (w->stream) {
        stream_end(req, in, r, err);
    } else if (r < 0) {
        fl_req_fail(req, err);
    } else if (w->then != NULL) {
        if (w->then(req, in, &why) < 0)
            fl_req_fail(req, &why);
    } else {
        fl_req_head(req, 200, "application/json");
        fl_req_piece(req, fl_buf_span(in->out));
        fl_req_end(req);
    }
}

int fl_work_answer(struct fl_req *req, const struct fl_work_ask *ask, struct fl_err *err)
{
    struct waiting *w = fl_arena_get(&req->arena, sizeof *w);
    int r;

    if (w == NULL)
        return refuse(ask, fl_err_set(err, FL_E_NOMEM, "no memory for a request"));
    *w = (struct waiting){
        .req = req, .then = ask->then, .stream = ask->then == NULL && fl_sse_wanted(req)};
    req->state = w;
    req->state_free = waiting_gone;
    r = fl_work_start(req->api->env.work, req->tenant.id, ask, answer_done, w, &w->job, err);
    if (r == FL_OK && w->job != NULL && w->stream)
        fl_sse_begin(req);
    return r;
}

static void tell_progress(struct fl_work_job *job)
{
    struct waiting *w = job->ctx;
    unsigned parts = atomic_load(&job->done_parts);
    char text[48];

    if (job->end != answer_done || job->dropped || !w->stream)
        return;
    if (parts == w->told) {
        if (++w->quiet % BEAT_S == 0)
            fl_sse_beat(w->req);
        return;
    }
    w->told = parts;
    w->quiet = 0;
    (void)snprintf(text, sizeof text, "{\"done\":%u.%03u}", parts / 1000, parts % 1000);
    fl_sse_event(w->req, FL_SPAN(""), "progress", fl_span_str(text));
}

/* ---- beginning, time, end ---- */

int fl_work_new(struct fl_loop *loop, unsigned threads, int64_t (*now_us)(void),
                struct fl_work **ret, struct fl_err *err)
{
    struct fl_work *work = calloc(1, sizeof *work);
    int r = FL_OK;

    if (work == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for calculations");
    work->loop = loop;
    work->now_us = now_us;
    threads = threads > FL_WORK_THREADS_MAX ? FL_WORK_THREADS_MAX : threads < 1 ? 1 : threads;
    if (loop != NULL)
        r = fl_pool_new(loop, threads, FL_WORK_QUEUE_MAX, &work->quick, err);
    if (r == FL_OK && loop != NULL)
        r = fl_pool_new(loop, threads, FL_WORK_LONG_MAX, &work->slow, err);
    if (r < 0) {
        fl_work_free(work);
        return r;
    }
    *ret = work;
    return FL_OK;
}

void fl_work_free(struct fl_work *work)
{
    struct fl_work_job *next;

    if (work == NULL)
        return;
    for (struct fl_work_job *job = work->jobs; job != NULL; job = next) {
        next = job->next;
        atomic_store(&job->stop, true);
        job->dropped = true;
        if (job->waits_net)
            job_free(job);
    }
    fl_pool_free(work->quick);
    fl_pool_free(work->slow);
    fl_work_nets_free(work);
    fl_work_cache_free(work);
    free(work);
}

void fl_work_open(struct fl_work *work, struct fl_db *db)
{
    if (db == NULL)
        fl_work_nets_close(work);
    work->db = db;
}

void fl_work_tick(struct fl_work *work)
{
    for (struct fl_work_job *job = work->jobs, *next; job != NULL; job = next) {
        next = job->next;
        tell_progress(job);
    }
    fl_work_nets_tick(work);
}
