/* Passwords: tries, signing in, changing (accounts_in.h). */
#include <string.h>

#include "base/time.h"
#include "trust/accounts_in.h"

/* ---- counting ---- */

/* Account 0 is written to as well, so that a name that is not there takes as long. */
int fl_acc_count(struct fl_accounts *acc, uint32_t user, int64_t now_us, bool *ret_free,
                 struct fl_err *err)
{
    struct fl_acc_row row;
    struct fl_account *a = &row.view;
    int r = fl_acc_get(acc, user, &row, err);

    if (r <= 0)
        return r < 0 ? r : fl_err_set(err, FL_E_NOENT, "there is no account %u", user);
    *ret_free = !fl_acc_is_locked(a, now_us);
    if (*ret_free && user != 0) {
        a->failures = a->failures >= FL_TRIES_MAX ? 1 : a->failures + 1; /* a lock that is over */
        a->locked_us = a->failures == FL_TRIES_MAX ? now_us + FL_LOCK_US : 0;
    }
    r = fl_acc_run(acc, err,
                   "UPDATE accounts SET tries = tries + 1, failures = ?2, locked_us = ?3"
                   " WHERE user = ?1",
                   "iii", (int64_t)user, (int64_t)a->failures, a->locked_us);
    return r < 0 ? r : FL_OK;
}

int fl_acc_uncount(struct fl_accounts *acc, uint32_t user, struct fl_err *err)
{
    int r = fl_acc_run(acc, err,
                       "UPDATE accounts SET failures = max(failures - 1, 0), locked_us = 0"
                       " WHERE user = ?1",
                       "i", (int64_t)user);

    return r < 0 ? r : FL_OK;
}

int fl_acc_counted(struct fl_accounts *acc, uint32_t user, struct fl_err *err)
{
    int r = fl_acc_run(acc, err, "UPDATE accounts SET failures = 0, locked_us = 0 WHERE user = ?1",
                       "i", (int64_t)user);

    return r < 0 ? r : FL_OK;
}

/* In a transaction. */
static int begin_try(struct fl_accounts *acc, uint32_t user, int64_t now_us, struct fl_try *ret,
                     struct fl_err *err)
{
    struct fl_try try = {.user = user};
    struct fl_acc_row row;
    bool is_free = false;
    int r = fl_acc_get(acc, user, &row, err);

    if (r < 0)
        return r;
    if (r == 0)
        user = 0;
    r = fl_acc_count(acc, user, now_us, &is_free, err);
    if (r < 0)
        return r;
    try.real = user != 0 && is_free && row.view.has_password && !row.view.disabled;
    try.last = try.real && row.view.failures + 1 == FL_TRIES_MAX;
    memcpy(try.phc, try.real ? row.phc : acc->dummy, sizeof try.phc);
    *ret = try;
    return FL_OK;
}

int fl_accounts_try(struct fl_accounts *acc, uint32_t user, int64_t now_us, struct fl_try *ret,
                    struct fl_err *err)
{
    int r = fl_acc_begin(acc, err);

    if (r < 0)
        return r;
    return fl_acc_end(acc, begin_try(acc, user, now_us, ret, err), err);
}

int fl_accounts_fail(struct fl_accounts *acc, const struct fl_try *try, int64_t now_us,
                     bool *ret_locked, struct fl_err *err)
{
    /* The lock lasts from the answer on. Written in any case, as in fl_acc_count(). */
    int64_t until_us = now_us + FL_LOCK_US;
    int r = fl_acc_begin(acc, err);

    if (r < 0)
        return r;
    r = fl_acc_run(acc, err, "UPDATE accounts SET tries = tries + 1 WHERE user = 0", "");
    if (r >= 0 && try->real)
        r = fl_acc_run(acc, err,
                       "UPDATE accounts SET locked_us = ?2 WHERE user = ?1 AND failures >= ?3",
                       "iii", (int64_t)try->user, until_us, (int64_t)FL_TRIES_MAX);
    r = fl_acc_end(acc, r, err);
    if (r < 0)
        return r;
    *ret_locked = try->last;
    return FL_OK;
}

int fl_accounts_untry(struct fl_accounts *acc, const struct fl_try *try, int64_t now_us,
                      struct fl_err *err)
{
    int r;

    (void)now_us;
    if (!try->real)
        return FL_OK;
    r = fl_acc_begin(acc, err);
    return r < 0 ? r : fl_acc_end(acc, fl_acc_uncount(acc, try->user, err), err);
}

/* ---- signing in ---- */

/* The account as it was when the try began, or: again. */
static int get_same(struct fl_accounts *acc, const struct fl_try *try, struct fl_acc_row *ret,
                    struct fl_err *err)
{
    int r = fl_acc_get(acc, try->user, ret, err);

    if (r < 0)
        return r;
    if (r == 0 || !try->real || ret->view.disabled || strcmp(ret->phc, try->phc) != 0)
        return fl_err_set(err, FL_E_AGAIN, "the account was changed at this moment; try again");
    return FL_OK;
}

static int check_temporary(const struct fl_acc_row *row, int64_t now_us, struct fl_err *err)
{
    if (row->temporary == FL_ACC_TEMPORARY_USED)
        return fl_err_set(err, FL_E_DENIED,
                          "this temporary password was used already; ask for another");
    if (row->temporary == FL_ACC_TEMPORARY && now_us > row->view.changed_us + FL_TEMPORARY_US)
        return fl_err_set(err, FL_E_DENIED,
                          "this temporary password is over its 24 hours; ask for another");
    return FL_OK;
}

/* With a second factor the failures are forgiven when that is passed, not before: who knows the
 * password would have any number of codes else. */
static int note_sign_in(struct fl_accounts *acc, const struct fl_acc_row *row, const char *better,
                        int64_t now_us, struct fl_err *err)
{
    int64_t user = row->view.user;
    int r = row->view.totp ? fl_acc_uncount(acc, row->view.user, err)
                           : fl_acc_counted(acc, row->view.user, err);

    if (r >= 0)
        r = fl_acc_run(acc, err,
                       "UPDATE accounts SET last_us = ?2,"
                       " temporary = CASE temporary WHEN 1 THEN 2 ELSE temporary END"
                       " WHERE user = ?1",
                       "ii", user, now_us);
    if (r >= 0 && better != NULL)
        r = fl_acc_run(acc, err, "UPDATE accounts SET phc = ?2 WHERE user = ?1", "it", user,
                       fl_span_str(better));
    if (r >= 0)
        r = fl_acc_run(acc, err, "INSERT OR IGNORE INTO seen (tenant) VALUES (?1)", "i",
                       (int64_t)row->view.tenant);
    return r;
}

int fl_accounts_sign_in(struct fl_accounts *acc, const struct fl_try *try, const char *better,
                        struct fl_span peer, struct fl_span agent, int64_t now_us,
                        struct fl_session *ret, struct fl_err *err)
{
    struct fl_acc_row row;
    int r = fl_acc_begin(acc, err);

    if (r < 0)
        return r;
    r = get_same(acc, try, &row, err);
    if (r == 0)
        r = check_temporary(&row, now_us, err);
    if (r == 0)
        r = note_sign_in(acc, &row, better, now_us, err);
    if (r >= 0)
        r = fl_acc_session_new(acc, try->user, row.view.totp, peer, agent, now_us, ret, err);
    return fl_acc_end(acc, r, err);
}

/* ---- changing ---- */

static int check_age(const struct fl_acc_row *row, int64_t now_us, struct fl_err *err)
{
    char when[FL_TIME_TEXT_BYTES];
    int64_t from_us = row->view.changed_us + FL_PASSWORD_MIN_US;

    if (row->temporary != FL_ACC_OWN || now_us >= from_us || now_us < row->view.changed_us)
        return FL_OK;
    fl_time_format(from_us, when);
    return fl_err_set(err, FL_E_INVAL,
                      "a password stays for a day at least; this one can be changed from %.16s UTC "
                      "on (an administrator can reset it before)",
                      when);
}

static int check_change(struct fl_accounts *acc, struct fl_span token, struct fl_span fresh,
                        int64_t now_us, struct fl_acc_row *ret, struct fl_err *err)
{
    struct fl_acc_live live;
    int r = fl_acc_live(acc, token, now_us, &live, err);

    if (r < 0)
        return r;
    if (live.view.is_token || live.code_due)
        return fl_err_set(err, FL_E_INVAL, "the password is changed by a person, after the code");
    r = fl_acc_get(acc, live.view.user, ret, err);
    if (r <= 0)
        return r < 0 ? r : fl_err_set(err, FL_E_NOENT, "the account is gone");
    if (ret->temporary != FL_ACC_OWN && now_us > ret->view.changed_us + FL_TEMPORARY_US)
        return fl_err_set(err, FL_E_DENIED,
                          "the temporary password is over its 24 hours; ask for another");
    r = check_age(ret, now_us, err);
    return r < 0 ? r : fl_password_check(fresh, fl_span_str(ret->words), err);
}

static int read_history(struct fl_accounts *acc, const struct fl_acc_row *row,
                        struct fl_change *ret, struct fl_err *err)
{
    int64_t most = FL_PASSWORD_HISTORY + (row->temporary != FL_ACC_OWN);
    struct fl_stmt *stmt = NULL;
    int r = fl_acc_row(acc, &stmt, err,
                       "SELECT phc FROM history WHERE user = ?1 ORDER BY id DESC LIMIT ?2", "ii",
                       (int64_t)row->view.user, most);

    if (r <= 0)
        return r;
    while (r > 0 && ret->history_count < FL_PASSWORD_HISTORY + 1) {
        fl_acc_text(stmt, 0, ret->history[ret->history_count++], FL_PHC_MAX);
        r = fl_stmt_step(stmt, err);
    }
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_accounts_change_begin(struct fl_accounts *acc, struct fl_span token, struct fl_span fresh,
                             int64_t now_us, struct fl_change *ret, struct fl_err *err)
{
    struct fl_change change = {.history_count = 0};
    struct fl_acc_row row;
    int r = check_change(acc, token, fresh, now_us, &row, err);

    if (r == 0)
        r = read_history(acc, &row, &change, err);
    if (r == 0)
        r = fl_accounts_try(acc, row.view.user, now_us, &change.try, err);
    if (r == 0)
        *ret = change;
    return r;
}

int fl_accounts_change(struct fl_accounts *acc, struct fl_span token,
                       const struct fl_change *change, const char *fresh_phc, int64_t now_us,
                       struct fl_session *ret, struct fl_err *err)
{
    struct fl_acc_live live;
    struct fl_acc_row row;
    int r = fl_acc_begin(acc, err);

    if (r < 0)
        return r;
    r = fl_acc_live(acc, token, now_us, &live, err);
    if (r == 0)
        r = get_same(acc, &change->try, &row, err);
    if (r == 0)
        r = fl_acc_to_history(acc, live.view.user, err);
    if (r >= 0)
        r = fl_acc_run(acc, err,
                       "UPDATE accounts SET phc = ?2, temporary = 0, changed_us = ?3,"
                       " failures = 0, locked_us = 0 WHERE user = ?1",
                       "iti", (int64_t)live.view.user, fl_span_str(fresh_phc), now_us);
    if (r >= 0)
        r = fl_acc_end_others(acc, live.view.user, live.view.number, err);
    if (r >= 0)
        r = fl_acc_rotate(acc, live.view.number, now_us, ret, err);
    return fl_acc_end(acc, r, err);
}
