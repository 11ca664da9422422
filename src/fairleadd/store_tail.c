/*
 * Live tails: none has a thread. They wait in the list of jobs with a question and a cursor; when
 * rows were committed, a worker takes one tenant after the other, and gives each of its tails that
 * has credit a look at the new rows, which are read once for all of them (logs/newest.h).
 */
#include "fairleadd/store_job.h"

#include <stdlib.h>

#include "base/time.h"
#include "logs/newest.h"

#define PAUSE_US   INT64_C(50000)      /* between two looks of a tail */
#define RECHECK_US FL_US_PER_S         /* whatever was said or not */
#define VISIT_US   INT64_C(20000)      /* then another tenant is next */
#define STALL_US   (600 * FL_US_PER_S) /* that nobody takes the rows */
#define JAM_US     INT64_C(20000)
#define NEVER_US   INT64_MAX

struct visit { /* of one tenant, by one worker */
    struct fl_store_role *s;
    uint32_t tenant;
    uint64_t commits;
    int64_t now_us;
    struct fl_newest *newest; /* NULL: nobody needed it yet */
    size_t count;
    struct fl_store_job *job[FL_STORE_TAILS_MAX];
};

/* ---- who is next; mu held ---- */

/* Monotonic: when the tail has something to do; 0: now. */
static int64_t due_us(const struct fl_store_job *job, int64_t wall_us)
{
    const struct fl_store_tail *t = &job->live;
    int64_t due;

    if (t->ended)
        return NEVER_US;
    if (job->cancelled || t->tail == NULL || wall_us >= job->not_after_us)
        return 0;
    if (job->credit <= 0)
        return t->starved_us + STALL_US;
    if (t->waits)
        return 0;
    due = t->looked_us + (t->seen != job->s->commits ? PAUSE_US : RECHECK_US);
    return t->beat_us < due ? t->beat_us : due;
}

static bool is_taken(const struct fl_store_role *s, uint32_t tenant)
{
    for (size_t i = 0; i < FL_STORE_TAIL_THREADS; i++)
        if (s->tail_busy[i] == (int64_t)tenant)
            return true;
    return false;
}

/* The tenant behind the one served last that has a tail with something to do; else when one will.
 */
static bool next_tenant(const struct fl_store_role *s, uint32_t *ret, int64_t *ret_soonest_us)
{
    int64_t now_us = fl_now_mono_us(), wall_us = fl_now_us(), soonest_us = now_us + RECHECK_US;
    uint32_t best = 0, away;
    bool found = false;

    for (const struct fl_store_job *job = s->jobs; job != NULL; job = job->next) {
        int64_t due;

        if (!fl_store_job_is_tail(job) || is_taken(s, job->query.tenant))
            continue;
        due = due_us(job, wall_us);
        away = job->query.tenant - s->tail_last - 1; /* around the end of all numbers */
        if (due > now_us) {
            soonest_us = due < soonest_us ? due : soonest_us;
        } else if (!found || away < best) {
            found = true;
            best = away;
            *ret = job->query.tenant;
        }
    }
    *ret_soonest_us = soonest_us;
    return found;
}

static int by_look(const void *a, const void *b)
{
    const struct fl_store_job *const *ja = a, *const *jb = b;
    int64_t ta = (*ja)->live.looked_us, tb = (*jb)->live.looked_us;

    return ta < tb ? -1 : ta > tb;
}

/* Its tails that have something to do; who waits longest is first. */
static void gather(struct visit *v)
{
    int64_t wall_us = fl_now_us();

    v->now_us = fl_now_mono_us();
    v->commits = v->s->commits;
    v->count = 0;
    for (struct fl_store_job *job = v->s->jobs; job != NULL && v->count < FL_LEN(v->job);
         job = job->next)
        if (fl_store_job_is_tail(job) && job->query.tenant == v->tenant &&
            due_us(job, wall_us) <= v->now_us)
            v->job[v->count++] = job;
    qsort(v->job, v->count, sizeof(*v->job), by_look);
}

/* ---- one tail; mu not held ---- */

struct state { /* of a job, as it was under mu */
    bool cancelled, stalled;
    int64_t credit, excused_us;
};

static struct state take_state(struct fl_store_job *job, int64_t now_us)
{
    struct state st;

    pthread_mutex_lock(&job->s->mu);
    st.cancelled = job->cancelled || atomic_load(&job->s->stopping);
    st.stalled = job->credit <= 0 && now_us >= job->live.starved_us + STALL_US;
    st.credit = job->credit;
    st.excused_us = job->live.excused_us;
    job->live.excused_us = 0;
    pthread_mutex_unlock(&job->s->mu);
    return st;
}

/* The job is not to be touched after it. */
static void end_tail(struct fl_store_job *job, int code, const char *why)
{
    struct fl_query_end end = {.partial = true};

    if (job->live.tail != NULL)
        fl_tail_end(job->live.tail, &end);
    end.partial = true;
    pthread_mutex_lock(&job->s->mu);
    job->live.ended = true;
    pthread_mutex_unlock(&job->s->mu);
    fl_store_reply_end(job, code, &end, why);
}

/* Rows of nothing say that it is taken. */
static int open_tail(struct fl_store_job *job, struct fl_err *err)
{
    const struct fl_backend *backend = job->s->backend;
    int r = fl_store_job_names(job, err);

    if (r >= 0)
        r = backend->tail_open(job->s->store, &job->query, &job->live.tail, err);
    if (r >= 0 && !fl_store_reply_rows(job, FL_SPAN("")))
        r = fl_err_set(err, FL_E_NOMEM, "no memory for a live tail");
    return r;
}

static int look(struct visit *v, struct fl_store_job *job, int64_t credit, struct fl_err *err)
{
    size_t room = credit < (int64_t)FL_STORE_PIECE_BYTES ? (size_t)credit : FL_STORE_PIECE_BYTES;
    struct fl_tail *tail = job->live.tail;
    int r = FL_OK;

    if (fl_tail_text(tail).len > 0)
        return 1;
    if (fl_tail_has(tail)) {
        if (v->newest == NULL)
            r = v->s->backend->newest(v->s->store, v->tenant, &v->newest, err);
        if (r >= 0)
            r = fl_tail_look(tail, v->newest, room, err);
    }
    if (r >= 0)
        fl_tail_beat(tail);
    return r;
}

/* What the credit is for. */
static int send_text(struct fl_store_job *job, int64_t credit, int64_t now_us, struct fl_err *err)
{
    struct fl_span text = fl_tail_text(job->live.tail);
    int64_t sent = 0;
    int r = FL_OK;

    while (r == FL_OK && text.len > 0 && sent < credit) {
        size_t n = text.len < FL_STORE_PIECE_BYTES ? text.len : FL_STORE_PIECE_BYTES;

        n = (int64_t)n < credit - sent ? n : (size_t)(credit - sent);
        if (!fl_store_reply_rows(job, fl_span_of(text.ptr, n)))
            r = fl_err_set(err, FL_E_NOMEM, "no memory for rows");
        text = fl_span_of(text.ptr + n, text.len - n);
        sent += (int64_t)n;
    }
    fl_tail_took(job->live.tail, (size_t)sent);
    pthread_mutex_lock(&job->s->mu);
    job->credit -= sent;
    if (job->credit <= 0 && job->live.starved_us == 0)
        job->live.starved_us = now_us;
    pthread_mutex_unlock(&job->s->mu);
    return r;
}

static int go_on(struct visit *v, struct fl_store_job *job, const struct state *st,
                 struct fl_err *err)
{
    struct fl_store_tail *t = &job->live;
    int r = t->tail == NULL ? open_tail(job, err) : FL_OK;
    bool more;

    if (r < 0)
        return r;
    if (st->excused_us > 0)
        fl_tail_excuse(t->tail, st->excused_us);
    if (st->credit > 0) {
        r = look(v, job, st->credit, err);
        if (r < 0)
            return r;
        more = r > 0;
        r = send_text(job, st->credit, v->now_us, err);
        t->waits = more || fl_tail_text(t->tail).len > 0;
        t->seen = v->commits;
    }
    t->looked_us = v->now_us;
    t->beat_us = fl_tail_beat_us(t->tail);
    return r;
}

static void give_turn(struct visit *v, struct fl_store_job *job)
{
    struct state st = take_state(job, v->now_us);
    struct fl_err err = {0};
    int r;

    if (st.cancelled)
        end_tail(job, FL_OK, "cancelled");
    else if (fl_store_job_over(job))
        end_tail(job, FL_OK, FL_STORE_RIGHT_ENDED);
    else if (st.stalled)
        end_tail(job, FL_OK, "nobody took the rows for ten minutes");
    else if ((r = go_on(v, job, &st, &err)) < 0)
        end_tail(job, r, err.text);
}

/* ---- workers ---- */

static void serve(struct visit *v)
{
    int64_t until_us = v->now_us + VISIT_US;

    for (size_t i = 0; i < v->count && (i == 0 || fl_now_mono_us() < until_us); i++) {
        if (i > 0 && fl_store_reply_jam(v->s))
            break;
        give_turn(v, v->job[i]);
    }
    fl_newest_free(v->newest); /* held no longer than needed: its rows may be purged */
    v->newest = NULL;
}

static void wait_until(struct fl_store_role *s, int64_t until_us)
{
    struct timespec ts = {.tv_sec = until_us / FL_US_PER_S,
                          .tv_nsec = until_us % FL_US_PER_S * 1000};

    (void)pthread_cond_timedwait(&s->tail_changed, &s->mu, &ts);
}

static void run(struct fl_store_role *s, int64_t *busy, struct visit *v)
{
    while (!atomic_load(&s->stopping)) {
        int64_t soonest_us;

        if (fl_store_reply_jam(s)) {
            wait_until(s, fl_now_mono_us() + JAM_US);
            continue;
        }
        if (!next_tenant(s, &v->tenant, &soonest_us)) {
            wait_until(s, soonest_us);
            continue;
        }
        *busy = (int64_t)v->tenant;
        s->tail_last = v->tenant;
        gather(v);
        pthread_mutex_unlock(&s->mu);
        serve(v);
        pthread_mutex_lock(&s->mu);
        *busy = -1;
    }
}

void *fl_store_tailer(void *role)
{
    struct fl_store_role *s = role;
    struct visit *v = calloc(1, sizeof *v);
    size_t no = atomic_fetch_add(&s->tailers_begun, 1);

    if (v == NULL) {
        fl_role_log(s->env, FL_LOG_ERR, "no memory for live tails");
        return NULL;
    }
    v->s = s;
    (void)fl_turn_behind();
    pthread_mutex_lock(&s->mu);
    run(s, &s->tail_busy[no % FL_STORE_TAIL_THREADS], v);
    pthread_mutex_unlock(&s->mu);
    free(v);
    return NULL;
}

void fl_store_tails_wake(struct fl_store_role *s)
{
    pthread_mutex_lock(&s->mu);
    s->commits++;
    pthread_cond_broadcast(&s->tail_changed);
    pthread_mutex_unlock(&s->mu);
}

void fl_store_tail_credit(struct fl_store_job *job, int64_t before)
{
    if (before > 0 || job->credit <= 0)
        return;
    job->live.excused_us += fl_now_mono_us() - job->live.starved_us;
    job->live.starved_us = 0;
    pthread_cond_broadcast(&job->s->tail_changed);
}
