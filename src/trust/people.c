#include "trust/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

enum kind { SIGN_IN, CHANGE, RESET };

struct secret {
    unsigned char bytes[FL_PASSWORD_BYTES_MAX];
    size_t len;
};

struct job {
    struct fl_pool_job job; /* first */
    struct fl_people *people;
    struct fl_people_wait wait;
    enum kind kind;
    struct fl_change change; /* its `try` is that of signing in too */
    struct secret old, fresh;
    char token[FL_TOKEN_TEXT_MAX], peer[64], agent[200];
    struct fl_by by;
    unsigned what;
    /* the thread's: */
    int code;
    struct fl_err err;
    bool verified; /* the old password fits */
    char phc[FL_PHC_MAX];
    struct fl_people_answer answer;
};

static struct fl_span span_of(const struct secret *s)
{
    return fl_span_of(s->bytes, s->len);
}

static void put_secret(struct secret *s, struct fl_span value)
{
    s->len = value.len < sizeof s->bytes ? value.len : sizeof s->bytes;
    if (s->len > 0)
        memcpy(s->bytes, value.ptr, s->len);
}

static void free_job(struct job *j)
{
    explicit_bzero(j, sizeof *j);
    free(j);
}

static void drop(struct fl_pool_job *job)
{
    struct job *j = (struct job *)job;

    j->wait.drop(j->wait.ctx);
    free_job(j);
}

/* ---- on a thread: nothing of the database ---- */

/* The new one against the old one and those before. */
static int check_fresh(struct job *j, const unsigned char *pepper)
{
    static const char text[] = "this is the password you have, or one of the five before it; "
                               "choose another";

    if (fl_span_eq(span_of(&j->old), span_of(&j->fresh)))
        return fl_err_set(&j->err, FL_E_INVAL, "%s", text);
    for (unsigned i = 0; i < j->change.history_count; i++) {
        int r = fl_password_verify(pepper, span_of(&j->fresh), j->change.history[i], &j->err);

        if (r == 0)
            return fl_err_set(&j->err, FL_E_INVAL, "%s", text);
        if (r == FL_E_NOMEM)
            return r;
    }
    return FL_OK;
}

static void work(struct fl_pool_job *job)
{
    struct job *j = (struct job *)job;
    const unsigned char *pepper = fl_accounts_pepper(j->people->accounts);
    struct fl_cost cost = fl_accounts_cost(j->people->accounts);

    if (j->kind != RESET) {
        j->code = fl_password_verify(pepper, span_of(&j->old), j->change.try.phc, &j->err);
        j->verified = j->code == 0;
    }
    if (j->code == 0 && j->kind == CHANGE)
        j->code = check_fresh(j, pepper);
    if (j->code == 0 && j->kind == SIGN_IN && !fl_phc_is_weak(j->change.try.phc, cost))
        return;
    if (j->code == 0)
        j->code = fl_password_hash(pepper, span_of(j->kind == SIGN_IN ? &j->old : &j->fresh), cost,
                                   j->phc, &j->err);
}

/* ---- on the loop ---- */

static int busy(struct fl_err *err)
{
    return fl_err_set(err, FL_E_AGAIN,
                      "too many people are signing in at this moment; try again shortly");
}

static int wrong(const struct job *j, struct fl_err *err)
{
    return fl_err_set(err, FL_E_DENIED, "%s",
                      j->kind == SIGN_IN
                          ? "the name or the password is wrong, or the account is locked for five "
                            "minutes after five failures"
                          : "the old password is wrong, or the account is locked for five minutes "
                            "after five failures");
}

static int finish_sign_in(struct job *j, int64_t now_us, struct fl_err *err)
{
    struct fl_people_answer *a = &j->answer;

    return fl_accounts_sign_in(j->people->accounts, &j->change.try,
                               j->phc[0] == '\0' ? NULL : j->phc, fl_span_str(j->peer),
                               fl_span_str(j->agent), now_us, &a->session, err);
}

static int finish(struct job *j, int64_t now_us, struct fl_err *err)
{
    struct fl_accounts *acc = j->people->accounts;
    struct fl_people_answer *a = &j->answer;

    switch (j->kind) {
    case SIGN_IN:
        return finish_sign_in(j, now_us, err);
    case CHANGE:
        return fl_accounts_change(acc, fl_span_str(j->token), &j->change, j->phc, now_us,
                                  &a->session, err);
    case RESET:
        break;
    }
    (void)snprintf(a->temporary, sizeof a->temporary, "%.*s", FL_SPAN_ARG(span_of(&j->fresh)));
    return fl_accounts_reset(acc, j->by, a->user, j->what, j->phc, now_us, &a->account, err);
}

/* What the thread found, into the database. A try stays counted where the password was wrong, or
 * where it is used up by what came of it (FL_E_DENIED); another failure does not cost one. */
static int conclude(struct job *j, int64_t now_us, struct fl_err *err)
{
    struct fl_accounts *acc = j->people->accounts;
    const struct fl_try *try = &j->change.try;
    struct fl_err more;
    int r;

    if (!j->job.ran) {
        r = busy(err);
    } else if (j->code == 0) {
        r = finish(j, now_us, err);
    } else if (j->verified || j->code == FL_E_NOMEM) {
        r = fl_err_set(err, j->code == FL_E_NOMEM ? FL_E_AGAIN : j->code, "%s", j->err.text);
    } else {
        r = fl_accounts_fail(acc, try, now_us, &j->answer.locked, err);
        return r < 0 ? r : wrong(j, err);
    }
    if (r < 0 && r != FL_E_DENIED && j->kind != RESET &&
        fl_accounts_untry(acc, try, now_us, &more) < 0)
        return fl_err_set(err, more.code, "%s", more.text);
    return r;
}

static void done(struct fl_pool_job *job)
{
    struct job *j = (struct job *)job;

    if (j->job.ran && j->kind != RESET && j->change.try.real)
        j->people->hashed++;
    j->answer.code = conclude(j, j->people->now_us(), &j->answer.err);
    j->wait.done(j->wait.ctx, &j->answer);
    free_job(j);
}

/* ---- beginning ---- */

static int make_job(struct fl_people *p, enum kind kind, const struct fl_people_wait *wait,
                    struct job **ret, struct fl_err *err)
{
    struct job *j = calloc(1, sizeof *j);

    if (j == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    j->job = (struct fl_pool_job){.work = work,
                                  .done = done,
                                  .drop = drop,
                                  .not_after_us = fl_now_mono_us() + FL_PEOPLE_WAIT_US};
    j->people = p;
    j->kind = kind;
    j->wait = *wait;
    *ret = j;
    return FL_OK;
}

static int check_room(struct fl_people *p, struct fl_span source, struct fl_err *err)
{
    if (!fl_throttle_take(p->throttle, source, p->mono_us()))
        return fl_err_set(err, FL_E_AGAIN,
                          "too many tries from where you are; wait %d seconds, then try again",
                          FL_SIGN_IN_RETRY_S);
    if (!fl_pool_has_room(p->pool))
        return busy(err);
    return FL_OK;
}

/* There is room, as check_room() found in this very turn of the loop. */
static int submit(struct job *j, int r, struct fl_err *err)
{
    if (r == 0)
        r = fl_pool_submit(j->people->pool, &j->job, err);
    if (r < 0)
        free_job(j);
    return r;
}

int fl_people_sign_in(struct fl_people *p, const struct fl_msg_sign_in *ask,
                      const struct fl_people_wait *wait, struct fl_err *err)
{
    struct job *j = NULL;
    int r = check_room(p, ask->peer, err);

    if (r == 0)
        r = make_job(p, SIGN_IN, wait, &j, err);
    if (r < 0)
        return r;
    j->answer.user = ask->user;
    put_secret(&j->old, ask->password);
    (void)snprintf(j->peer, sizeof j->peer, "%.*s", FL_SPAN_ARG(ask->peer));
    (void)snprintf(j->agent, sizeof j->agent, "%.*s", FL_SPAN_ARG(ask->agent));
    return submit(j, fl_accounts_try(p->accounts, ask->user, p->now_us(), &j->change.try, err),
                  err);
}

int fl_people_change(struct fl_people *p, const struct fl_msg_session_password *ask,
                     const struct fl_people_wait *wait, struct fl_err *err)
{
    FL_AUTO(fl_session_wipe) struct fl_session session;
    char source[24];
    struct job *j = NULL;
    int r = fl_accounts_session(p->accounts, ask->token, false, p->now_us(), &session, err);

    if (r < 0)
        return r;
    (void)snprintf(source, sizeof source, "user:%u", session.user);
    r = check_room(p, fl_span_str(source), err);
    if (r == 0)
        r = make_job(p, CHANGE, wait, &j, err);
    if (r < 0)
        return r;
    j->answer.user = session.user;
    put_secret(&j->old, ask->old);
    put_secret(&j->fresh, ask->fresh);
    (void)snprintf(j->token, sizeof j->token, "%.*s", FL_SPAN_ARG(ask->token));
    return submit(
        j,
        fl_accounts_change_begin(p->accounts, ask->token, ask->fresh, p->now_us(), &j->change, err),
        err);
}

static int reset_now(struct fl_people *p, const struct fl_msg_account_reset *ask, struct fl_by by,
                     const struct fl_people_wait *wait, struct fl_err *err)
{
    struct fl_people_answer answer = {.user = ask->user};
    int r = fl_accounts_reset(p->accounts, by, ask->user, ask->what, NULL, p->now_us(),
                              &answer.account, err);

    if (r == 0)
        wait->done(wait->ctx, &answer);
    return r;
}

int fl_people_reset(struct fl_people *p, const struct fl_msg_account_reset *ask,
                    const struct fl_people_wait *wait, struct fl_err *err)
{
    struct fl_by by = {ask->by, ask->by_uid};
    char text[FL_TEMPORARY_TEXT_BYTES];
    struct job *j = NULL;
    int r = fl_accounts_may_reset(p->accounts, by, ask->user, ask->what, p->now_us(), err);

    if (r < 0)
        return r;
    if ((ask->what & FL_RESET_PASSWORD) == 0)
        return reset_now(p, ask, by, wait, err);
    if (!fl_pool_has_room(p->pool))
        return busy(err);
    r = make_job(p, RESET, wait, &j, err);
    if (r < 0)
        return r;
    j->answer.user = ask->user;
    j->by = by;
    j->what = ask->what;
    fl_password_temporary(text);
    put_secret(&j->fresh, fl_span_str(text));
    explicit_bzero(text, sizeof text);
    return submit(j, FL_OK, err);
}
