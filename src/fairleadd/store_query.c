/* Queries and purges for core. Part of the store role (store.h). A question is refused without a
 * capability that fits; its answer goes out as far as core has given credit for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "fairleadd/store_job.h"

#define CREDIT_MAX  ((int64_t)64 << 20)
#define STALL_US    (60 * FL_US_PER_S) /* that nobody takes an answer */
#define SPACE_BYTES (16 * 1024)        /* for the texts of a question */

/* ---- running ---- */

/* How much may go out now: waits for credit. 0: the query is to end. */
static size_t take_credit(struct fl_store_job *job, size_t want)
{
    int64_t until = fl_now_mono_us() + STALL_US;
    size_t got = 0;

    pthread_mutex_lock(&job->s->mu);
    while (!job->cancelled && !atomic_load(&job->s->stopping)) {
        if (job->credit > 0) {
            got = (size_t)job->credit < want ? (size_t)job->credit : want;
            job->credit -= (int64_t)got;
            break;
        }
        if (fl_now_mono_us() >= until)
            break;
        fl_store_sleep(job->s, 1000);
    }
    pthread_mutex_unlock(&job->s->mu);
    return got;
}

static int sink_write(void *ctx, struct fl_span piece)
{
    struct fl_store_job *job = ctx;

    while (piece.len > 0) {
        size_t n;

        fl_turn_give(job->s->turns, &job->turn); /* the reader may take its time */
        n = take_credit(job, piece.len < FL_STORE_PIECE_BYTES ? piece.len : FL_STORE_PIECE_BYTES);

        if (n == 0)
            return FL_E_TIMEOUT;
        if (!fl_store_reply_rows(job, fl_span_of(piece.ptr, n)))
            return FL_E_NOMEM;
        piece.ptr += n;
        piece.len -= n;
    }
    return FL_OK;
}

/* Asked before each block: where others are let go first. */
static int sink_cancelled(void *ctx)
{
    struct fl_store_job *job = ctx;

    if (fl_store_job_cancelled(job) || fl_store_job_over(job))
        return true;
    fl_turn_look(job->s->turns, &job->turn);
    return false;
}

static int ask(struct fl_store_job *job, struct fl_query_end *end, struct fl_err *err)
{
    const struct fl_query_sink sink = {sink_write, sink_cancelled, job};
    int r = fl_store_job_names(job, err);

    if (r < 0)
        return r;
    job->turn = (struct fl_turn){.tenant = job->query.tenant};
    fl_turn_take(job->s->turns, &job->turn);
    r = job->s->backend->query(job->s->store, &job->query, &sink, end, err);
    fl_turn_give(job->s->turns, &job->turn);
    return r;
}

static void run_query(struct fl_store_job *job)
{
    struct fl_query_end end = {0};
    struct fl_err err = {0};
    int r = ask(job, &end, &err);

    fl_store_reply_end(job, r, &end,
                       r < 0                                   ? err.text
                       : end.partial && fl_store_job_over(job) ? FL_STORE_RIGHT_ENDED
                                                               : end.why);
}

static void run_purge(struct fl_store_job *job)
{
    const struct fl_msg_purge *p = &job->purge;
    struct fl_purge_result res = {0};
    struct fl_err err = {0};
    int r = job->s->backend->purge(job->s->store, job->query.tenant, p->from_day, p->to_day,
                                   p->dry != 0, job->why, &res, &err);

    if (r == FL_E_NOENT) /* nothing there: nothing to do */
        r = FL_OK;
    fl_store_reply_purged(job, r, &res, &err);
}

static int work_cancelled(void *ctx)
{
    const struct fl_store_job *job = ctx;

    return fl_store_job_cancelled(job) || fl_store_job_over(job);
}

/* Long work on the store: its lines are the result. */
static void run_work(struct fl_store_job *job)
{
    const struct fl_query_sink sink = {sink_write, work_cancelled, job};
    const struct fl_query_end end = {0};
    struct fl_err err = {0};
    int r;

    (void)fl_turn_behind();
    r = job->s->backend->job(job->s->store, &job->ask, &sink, &err);
    if (r < 0)
        fl_role_log(job->s->env, FL_LOG_ERR, "%s: %s", fl_job_row(job->ask.kind)->name, err.text);
    fl_store_reply_end(job, r, &end, r < 0 ? err.text : "");
}

/* ---- the pool ---- */

static bool has_own_thread(const struct fl_store_job *job)
{
    return job->ask.kind != 0 || job->is_purge || job->query.kind == FL_Q_EXPORT;
}

static unsigned running_of(const struct fl_store_role *s, uint32_t tenant)
{
    unsigned n = 0;

    for (const struct fl_store_job *job = s->jobs; job != NULL; job = job->next)
        n += job->running && !has_own_thread(job) && job->query.tenant == tenant;
    return n;
}

static unsigned all_running(const struct fl_store_role *s)
{
    unsigned n = 0;

    for (const struct fl_store_job *job = s->jobs; job != NULL; job = job->next)
        n += job->running && !has_own_thread(job);
    return n;
}

/* Of the tenant with the fewest running, the one that waits longest: one tenant's many questions do
 * not hold up the others'. The spare threads are for tenants that have none running. mu held. */
static struct fl_store_job *next_job(struct fl_store_role *s)
{
    bool spare = all_running(s) >= fl_conf_num(s->env->conf, FL_SET_QUERY_THREADS);
    struct fl_store_job *best = NULL;
    unsigned least = spare ? 1 : UINT32_MAX;

    for (struct fl_store_job *job = s->jobs; job != NULL; job = job->next) {
        unsigned running;

        if (job->running || has_own_thread(job) || fl_store_job_is_tail(job))
            continue;
        running = running_of(s, job->query.tenant);
        if (running < least) {
            least = running;
            best = job;
        }
    }
    return best;
}

void *fl_store_pool(void *role)
{
    struct fl_store_role *s = role;

    (void)fl_turn_behind(); /* where it may not, it is as it was */
    pthread_mutex_lock(&s->mu);
    while (!atomic_load(&s->stopping)) {
        struct fl_store_job *job = next_job(s);

        if (job == NULL) {
            fl_store_sleep(s, 1000);
            continue;
        }
        job->running = true;
        pthread_mutex_unlock(&s->mu);
        run_query(job);
        pthread_mutex_lock(&s->mu);
    }
    pthread_mutex_unlock(&s->mu);
    return NULL;
}

static void *run_alone(void *ctx)
{
    struct fl_store_job *job = ctx;
    struct fl_store_role *s = job->s;

    if (job->is_purge) {
        run_purge(job);
    } else if (job->ask.kind != 0) {
        run_work(job);
    } else {
        (void)fl_turn_behind();
        run_query(job);
    }
    pthread_mutex_lock(&s->mu);
    s->extra--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mu);
    return NULL;
}

/* ---- taking questions (loop thread) ---- */

struct counts { /* of jobs; all: of everybody */
    unsigned all, tenant, tails, tenant_tails, tenant_threads;
};

/* mu held. */
static struct counts count_jobs(const struct fl_store_role *s, uint32_t tenant)
{
    struct counts n = {0};

    for (const struct fl_store_job *job = s->jobs; job != NULL; job = job->next) {
        bool same = job->query.tenant == tenant;

        if (fl_store_job_is_tail(job)) {
            n.tails++;
            n.tenant_tails += same;
        } else {
            n.all++;
            n.tenant += same;
            n.tenant_threads += same && has_own_thread(job);
        }
    }
    return n;
}

static int room_for_tail(struct fl_store_role *s, const struct counts *n, struct fl_err *err)
{
    uint64_t each = fl_conf_num(s->env->conf, FL_SET_TAIL_MAX);

    if (n->tails >= FL_STORE_TAILS_MAX)
        return fl_err_set(err, FL_E_AGAIN,
                          "too many live tails: %u are open, more are not taken; close one or try "
                          "again later",
                          n->tails);
    if (n->tenant_tails >= each)
        return fl_err_set(err, FL_E_AGAIN,
                          "too many live tails: %u of the tenant are open, more are not taken "
                          "(tail_max); close one or try again later",
                          n->tenant_tails);
    return FL_OK;
}

/* One at a time of each kind of work. */
static bool is_going_on(const struct fl_store_role *s, const struct fl_store_job *job)
{
    for (const struct fl_store_job *other = s->jobs; other != NULL; other = other->next)
        if (job->ask.kind != 0 && other->ask.kind == job->ask.kind && !other->cancelled)
            return true;
    return false;
}

/* mu held. */
static int room_for(struct fl_store_role *s, const struct fl_store_job *job, struct fl_err *err)
{
    struct counts n = count_jobs(s, job->query.tenant);

    if (is_going_on(s, job))
        return fl_err_set(err, FL_E_AGAIN,
                          "such work on the store is going on already; wait for its end");
    if (s->store == NULL)
        return fl_err_set(err, FL_E_AGAIN, "the store is still being opened; try again");
    if (fl_store_job_is_tail(job))
        return room_for_tail(s, &n, err);
    if (n.all >= FL_STORE_JOBS_MAX)
        return fl_err_set(err, FL_E_AGAIN, "%u questions are waiting; try again later", n.all);
    if (n.tenant >= FL_STORE_JOBS_EACH)
        return fl_err_set(err, FL_E_AGAIN,
                          "%u questions of the tenant are waiting; try again later", n.tenant);
    if (has_own_thread(job) && !job->is_purge && n.tenant_threads >= FL_STORE_EXTRA_EACH)
        return fl_err_set(err, FL_E_AGAIN, "%u exports of the tenant are running; try again later",
                          n.tenant_threads);
    if (has_own_thread(job) && s->extra >= FL_STORE_EXTRA_MAX)
        return fl_err_set(err, FL_E_AGAIN, "%u exports are running; try again later", s->extra);
    return FL_OK;
}

/* In the list when it succeeds; the caller frees it otherwise. */
static int enqueue(struct fl_store_role *s, struct fl_store_job *job, struct fl_err *err)
{
    struct fl_store_job **at = &s->jobs;
    pthread_t thread;
    int r;

    pthread_mutex_lock(&s->mu);
    r = room_for(s, job, err);
    if (r >= 0) {
        while (*at != NULL)
            at = &(*at)->next;
        *at = job;
        if (has_own_thread(job)) {
            int bad = pthread_create(&thread, NULL, run_alone, job);

            if (bad != 0) {
                *at = NULL;
                r = fl_err_sys(err, FL_E_AGAIN, bad, "no thread for it");
            } else {
                (void)pthread_detach(thread);
                job->running = true;
                s->extra++;
            }
        }
        if (fl_store_job_is_tail(job)) {
            job->live.starved_us = fl_now_mono_us();
            pthread_cond_broadcast(&s->tail_changed);
        } else {
            pthread_cond_broadcast(&s->changed);
        }
    }
    pthread_mutex_unlock(&s->mu);
    return r;
}

static int check_cap(struct fl_store_role *s, struct fl_span cap, uint32_t need, struct fl_cap *ret,
                     struct fl_err *err)
{
    unsigned char key[FL_CAP_PUBLIC_BYTES];
    bool have;

    pthread_mutex_lock(&s->mu);
    have = s->has_cap_key;
    memcpy(key, s->cap_key, sizeof key);
    pthread_mutex_unlock(&s->mu);
    if (!have)
        return fl_err_set(err, FL_E_AGAIN, "keys is not linked yet; try again");
    return fl_cap_check(cap, key, fl_now_us(), need, ret, err);
}

static uint32_t need_of(uint8_t kind)
{
    return kind == FL_Q_EXPORT ? FL_CAP_READ | FL_CAP_EXPORT : FL_CAP_READ;
}

static struct fl_span keep_text(unsigned char **at, struct fl_span text)
{
    struct fl_span kept = fl_span_of(*at, text.len);

    if (text.len > 0)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return kept;
}

static void fill_query(struct fl_store_job *job, const struct fl_msg_query *msg)
{
    const struct fl_conf *conf = job->s->env->conf;
    uint64_t most_ms = fl_conf_num(conf, FL_SET_QUERY_MS);
    uint64_t most_bytes = fl_conf_num(conf, FL_SET_QUERY_BYTES);
    unsigned char *at = job->texts;
    struct fl_query *q = &job->query;

    q->kind = (enum fl_query_kind)msg->kind;
    q->from_us = msg->from_us;
    q->to_us = msg->to_us;
    q->filter = keep_text(&at, msg->filter);
    q->by = keep_text(&at, msg->by);
    q->metric = keep_text(&at, msg->metric);
    q->cursor = keep_text(&at, msg->cursor);
    q->format = keep_text(&at, msg->format);
    q->limit = msg->limit;
    q->step_us = msg->step_us;
    q->budget_ms = msg->budget_ms;
    if (q->kind != FL_Q_TAIL && (q->budget_ms == 0 || q->budget_ms > most_ms))
        q->budget_ms = (uint32_t)most_ms;
    q->budget_bytes = msg->budget_bytes;
    if (q->budget_bytes == 0 || q->budget_bytes > most_bytes)
        q->budget_bytes = most_bytes;
    q->original = msg->original != 0;
}

static struct fl_store_job *new_job(struct fl_store_role *s, uint32_t id, size_t text_bytes)
{
    struct fl_store_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    job->s = s;
    job->id = id;
    job->texts = malloc(text_bytes + 1);
    if (job->texts == NULL) {
        free(job);
        return NULL;
    }
    return job;
}

static int take_query(struct fl_store_role *s, struct fl_imsg_in *in, struct fl_err *err)
{
    struct fl_store_job *job;
    struct fl_msg_query msg;
    struct fl_cap cap = {0};
    size_t text_bytes = 0;
    int r = fl_msg_decode(in->type, in->payload, &msg, err);

    if (r >= 0)
        text_bytes = msg.filter.len + msg.by.len + msg.metric.len + msg.cursor.len + msg.format.len;
    if (text_bytes > SPACE_BYTES)
        r = fl_err_set(err, FL_E_LIMIT, "the question is over %d bytes", SPACE_BYTES);
    if (r >= 0)
        r = check_cap(s, msg.cap, need_of(msg.kind), &cap, err);
    if (r < 0)
        return r;
    job = new_job(s, in->id, text_bytes);
    if (job == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a question");
    fill_query(job, &msg);
    job->query.tenant = cap.tenant;
    job->query.masked = (cap.scope & FL_CAP_REVEAL) == 0;
    job->not_after_us = cap.not_after_us;
    r = enqueue(s, job, err);
    if (r < 0)
        fl_store_job_free(job);
    return r;
}

static int take_purge(struct fl_store_role *s, struct fl_imsg_in *in, struct fl_err *err)
{
    struct fl_store_job *job;
    struct fl_msg_purge msg;
    struct fl_cap cap = {0};
    int r = fl_msg_decode(in->type, in->payload, &msg, err);

    if (r >= 0)
        r = check_cap(s, msg.cap, msg.dry != 0 ? FL_CAP_READ : FL_CAP_PURGE, &cap, err);
    if (r >= 0 && msg.from_day > msg.to_day)
        r = fl_err_set(err, FL_E_INVAL, "the range of days is empty: its end must not be earlier");
    if (r < 0)
        return r;
    job = new_job(s, in->id, 0);
    if (job == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a purge");
    job->is_purge = true;
    job->query.tenant = cap.tenant;
    job->purge = msg; /* its spans are not used */
    (void)snprintf(job->why, sizeof job->why, "%.*s", msg.why.len < 120 ? (int)msg.why.len : 120,
                   msg.why.len == 0 ? "" : (const char *)msg.why.ptr);
    r = enqueue(s, job, err);
    if (r < 0)
        fl_store_job_free(job);
    return r;
}

static int take_work(struct fl_store_role *s, struct fl_imsg_in *in, struct fl_err *err)
{
    struct fl_store_job *job;
    const struct fl_job_row *row = NULL;
    struct fl_msg_store_job msg;
    struct fl_cap cap = {.not_after_us = INT64_MAX};
    int r = fl_msg_decode(in->type, in->payload, &msg, err);

    if (r >= 0 && (row = fl_job_row((enum fl_job_kind)msg.kind)) == NULL)
        r = fl_err_set(err, FL_E_INVAL, "this version knows no such work on the store");
    if (r >= 0 && row->need != 0)
        r = check_cap(s, msg.cap, msg.dry != 0 ? FL_CAP_READ : row->need, &cap, err);
    if (r < 0)
        return r;
    job = new_job(s, in->id, msg.args.len);
    if (job == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for work on the store");
    job->ask = (struct fl_job_ask){.kind = (enum fl_job_kind)msg.kind,
                                   .tenant = row->need != 0 ? cap.tenant : msg.tenant,
                                   .from_day = msg.from_day,
                                   .to_day = msg.to_day,
                                   .dry = msg.dry != 0,
                                   .args = fl_span_of(job->texts, msg.args.len)};
    if (msg.args.len > 0)
        memcpy(job->texts, msg.args.ptr, msg.args.len);
    job->query.tenant = job->ask.tenant;
    job->not_after_us = cap.not_after_us;
    r = enqueue(s, job, err);
    if (r < 0)
        fl_store_job_free(job);
    return r;
}

static void take_credit_message(struct fl_store_role *s, struct fl_imsg_in *in)
{
    struct fl_msg_credit msg;
    struct fl_store_job *job;
    int64_t before;

    if (fl_msg_decode(in->type, in->payload, &msg, NULL) < 0)
        return;
    pthread_mutex_lock(&s->mu);
    for (job = s->jobs; job != NULL && job->id != in->id; job = job->next)
        ;
    if (job != NULL) {
        before = job->credit;
        if (msg.bytes > (uint64_t)(CREDIT_MAX - job->credit))
            job->credit = CREDIT_MAX;
        else
            job->credit += (int64_t)msg.bytes;
        if (fl_store_job_is_tail(job))
            fl_store_tail_credit(job, before);
        else
            pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->mu);
}

/* Running ones see it soon; waiting ones are run and see it at once. */
static void cancel(struct fl_store_role *s, uint32_t id, bool all)
{
    pthread_mutex_lock(&s->mu);
    for (struct fl_store_job *job = s->jobs; job != NULL; job = job->next)
        if (all || job->id == id)
            job->cancelled = true;
    pthread_cond_broadcast(&s->changed);
    pthread_cond_broadcast(&s->tail_changed);
    pthread_mutex_unlock(&s->mu);
}

void fl_store_cancel_all(struct fl_store_role *s)
{
    cancel(s, 0, true);
}

static void refuse(struct fl_store_role *s, uint32_t id, const struct fl_err *err)
{
    struct fl_msg_query_end end = {.code = err->code, .text = fl_span_str(err->text)};

    fl_store_send_last(s, FL_MSG_QUERY_END, id, &end);
}

bool fl_store_query_message(struct fl_store_role *s, struct fl_imsg_in *in)
{
    struct fl_err err = {0};

    switch ((int)in->type) {
    case FL_MSG_QUERY:
        if (take_query(s, in, &err) < 0)
            refuse(s, in->id, &err);
        return true;
    case FL_MSG_PURGE:
        if (take_purge(s, in, &err) < 0)
            (void)fl_imsg_fail(s->core, in->id, &err);
        return true;
    case FL_MSG_STORE_JOB:
        if (take_work(s, in, &err) < 0)
            refuse(s, in->id, &err);
        return true;
    case FL_MSG_CREDIT:
        take_credit_message(s, in);
        return true;
    case FL_MSG_CANCEL:
        cancel(s, in->id, false);
        return true;
    default:
        return false;
    }
}

void fl_store_jobs_done(struct fl_store_role *s)
{
    pthread_mutex_lock(&s->mu);
    while (s->extra > 0)
        fl_store_sleep(s, 1000);
    pthread_mutex_unlock(&s->mu);
    while (s->jobs != NULL) { /* waiting ones, and those whose last reply the loop did not get to */
        struct fl_store_job *job = s->jobs;

        s->jobs = job->next;
        fl_store_job_free(job);
    }
}
