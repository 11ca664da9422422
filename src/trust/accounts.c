/* Opening, and the rows of accounts (accounts_in.h). */
#include "trust/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trust/accounts_in.h"
#include "trust/totp.h"
#include "trust/wrap.h"

_Static_assert(FL_ACC_SEALED_BYTES == FL_TOTP_SECRET_BYTES + FL_WRAP_EXTRA, "a sealed secret");

/* ---- opening ---- */

static void derive(const unsigned char *key, const char *use, unsigned char *ret)
{
    fl_hmac_sha256(fl_span_of(key, FL_ACC_KEY_BYTES), fl_span_str(use), ret);
}

static int open_with(struct fl_accounts *acc, const struct fl_accounts_config *config,
                     int64_t now_us, struct fl_err *err)
{
    unsigned char key[FL_ACC_KEY_BYTES], db_key[FL_SQL_KEY_BYTES];
    int r = fl_secrets_random(config->secrets, "accounts", key, sizeof key, err);

    if (r == 0) {
        derive(key, "fairlead accounts database", db_key);
        derive(key, "fairlead accounts pepper", acc->pepper);
        derive(key, "fairlead accounts csrf", acc->csrf);
        derive(key, "fairlead accounts seal", acc->seal);
        r = fl_sql_open(config->path, db_key, &acc->sql, err);
    }
    explicit_bzero(key, sizeof key);
    explicit_bzero(db_key, sizeof db_key);
    return r < 0 ? r : fl_acc_migrate(acc, now_us, err);
}

int fl_accounts_open(const struct fl_accounts_config *config, int64_t now_us,
                     struct fl_accounts **ret, struct fl_err *err)
{
    struct fl_accounts *acc = calloc(1, sizeof *acc);
    struct fl_err cause;
    int r;

    if (acc == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    acc->cost = config->cost;
    acc->step = config->step;
    acc->step_ctx = config->step_ctx;
    fl_phc_dummy(acc->cost, acc->dummy);
    r = open_with(acc, config, now_us, &cause);
    if (r < 0) {
        fl_accounts_free(acc);
        return fl_err_set(err, r, "file " FL_ACCOUNTS_FILE ": %s", cause.text);
    }
    *ret = acc;
    return FL_OK;
}

void fl_accounts_free(struct fl_accounts *acc)
{
    if (acc == NULL)
        return;
    fl_sql_close(acc->sql);
    explicit_bzero(acc, sizeof *acc);
    free(acc);
}

const unsigned char *fl_accounts_pepper(const struct fl_accounts *acc)
{
    return acc->pepper;
}

struct fl_cost fl_accounts_cost(const struct fl_accounts *acc)
{
    return acc->cost;
}

/* ---- secrets of a user ---- */

static struct fl_span bound_of(uint32_t user, char text[40])
{
    return fl_span_of(text, (size_t)snprintf(text, 40, "fairlead totp 1 %u", user));
}

int fl_acc_seal(struct fl_accounts *acc, uint32_t user, const unsigned char *secret,
                unsigned char *ret, struct fl_err *err)
{
    char text[40];

    return fl_wrap_seal(acc->seal, bound_of(user, text), fl_span_of(secret, FL_TOTP_SECRET_BYTES),
                        ret, err);
}

int fl_acc_unseal(struct fl_accounts *acc, uint32_t user, struct fl_span sealed, unsigned char *ret,
                  struct fl_err *err)
{
    char text[40];

    if (sealed.len != FL_ACC_SEALED_BYTES)
        return fl_err_set(err, FL_E_CORRUPT, "a sealed secret of %zu bytes", sealed.len);
    return fl_wrap_open(acc->seal, bound_of(user, text), sealed, ret, err);
}

/* ---- reading ---- */

bool fl_acc_is_locked(const struct fl_account *account, int64_t now_us)
{
    /* A clock that was set back does not make a lock longer. */
    return account->locked_us > now_us && account->locked_us - now_us <= FL_LOCK_US;
}

static void read_row(struct fl_stmt *stmt, struct fl_acc_row *ret)
{
    struct fl_span totp = fl_stmt_get_bytes(stmt, 11);

    *ret = (struct fl_acc_row){
        .view = {.user = (uint32_t)fl_stmt_get_i64(stmt, 0),
                 .tenant = (uint32_t)fl_stmt_get_i64(stmt, 1),
                 .scope = (uint32_t)fl_stmt_get_i64(stmt, 2),
                 .totp_required = fl_stmt_get_i64(stmt, 3) != 0,
                 .disabled = fl_stmt_get_i64(stmt, 4) != 0,
                 .changed_us = fl_stmt_get_i64(stmt, 7),
                 .failures = (uint32_t)fl_stmt_get_i64(stmt, 8),
                 .locked_us = fl_stmt_get_i64(stmt, 9),
                 .last_us = fl_stmt_get_i64(stmt, 10),
                 .totp = totp.len > 0},
        .temporary = (uint8_t)fl_stmt_get_i64(stmt, 6),
        .totp_step = fl_stmt_get_i64(stmt, 12),
        .totp_len = totp.len <= sizeof ret->totp ? totp.len : 0,
    };
    if (ret->totp_len > 0)
        memcpy(ret->totp, totp.ptr, ret->totp_len);
    fl_acc_text(stmt, 5, ret->phc, sizeof ret->phc);
    fl_acc_text(stmt, 13, ret->words, sizeof ret->words);
    ret->view.temporary = ret->temporary != FL_ACC_OWN;
    ret->view.has_password = ret->phc[0] != '\0';
}

#define COLUMNS                                                                                    \
    "user, tenant, scope, totp_required, disabled, phc, temporary, changed_us, failures,"          \
    " locked_us, last_us, totp, totp_step, words"

int fl_acc_get(struct fl_accounts *acc, uint32_t user, struct fl_acc_row *ret, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = fl_acc_row(acc, &stmt, err, "SELECT " COLUMNS " FROM accounts WHERE user = ?1", "i",
                       (int64_t)user);

    if (r > 0) {
        read_row(stmt, ret);
        fl_stmt_release(stmt);
    }
    return r;
}

static uint32_t count_sessions(struct fl_accounts *acc, uint32_t user, int64_t now_us)
{
    struct fl_stmt *stmt = NULL;
    uint32_t n = 0;

    if (fl_acc_row(acc, &stmt, NULL,
                   "SELECT count(*) FROM sessions s JOIN accounts a ON a.user = s.user WHERE"
                   " s.user = ?1 AND is_token = 0 AND disabled = 0 AND until_us > ?2"
                   " AND s.last_us > ?3",
                   "iii", (int64_t)user, now_us, now_us - FL_IDLE_US) > 0) {
        n = (uint32_t)fl_stmt_get_i64(stmt, 0);
        fl_stmt_release(stmt);
    }
    return n;
}

static void finish_view(struct fl_accounts *acc, struct fl_account *view, int64_t now_us)
{
    if (!fl_acc_is_locked(view, now_us))
        view->locked_us = 0;
    view->sessions = count_sessions(acc, view->user, now_us);
}

static int no_account(uint32_t user, struct fl_err *err)
{
    return fl_err_set(err, FL_E_NOENT, "there is no account %u", user);
}

static int get_view(struct fl_accounts *acc, uint32_t user, int64_t now_us, struct fl_account *ret,
                    struct fl_err *err)
{
    struct fl_acc_row row;
    int r = user == 0 ? 0 : fl_acc_get(acc, user, &row, err);

    if (r <= 0)
        return r < 0 ? r : no_account(user, err);
    finish_view(acc, &row.view, now_us);
    *ret = row.view;
    return FL_OK;
}

int fl_accounts_each(struct fl_accounts *acc, uint32_t user, int64_t now_us,
                     int (*fn)(void *ctx, const struct fl_account *account), void *ctx,
                     struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    struct fl_account one;
    struct fl_acc_row row;
    int r;

    if (user != 0) {
        r = get_view(acc, user, now_us, &one, err);
        return r < 0 ? r : fn(ctx, &one);
    }
    r = fl_acc_row(acc, &stmt, err, "SELECT " COLUMNS " FROM accounts WHERE user > 0 ORDER BY user",
                   "");
    if (r <= 0)
        return r;
    while (r > 0) {
        read_row(stmt, &row);
        finish_view(acc, &row.view, now_us);
        r = fn(ctx, &row.view);
        if (r != 0)
            break;
        r = fl_stmt_step(stmt, err);
    }
    fl_stmt_release(stmt);
    return r;
}

/* ---- who may change them ---- */

int fl_acc_check_by(struct fl_accounts *acc, struct fl_by by, uint32_t tenant, uint32_t scope,
                    int64_t now_us, struct fl_err *err)
{
    struct fl_acc_live live;
    int r;

    if (by.session == 0)
        return FL_OK;
    r = fl_acc_live_number(acc, by.session, now_us, &live, err);
    if (r < 0)
        return fl_err_set(err, FL_E_DENIED, "the session that asks has ended");
    if (live.view.stage != FL_STAGE_OPEN)
        return fl_err_set(err, FL_E_DENIED, "finish signing in first");
    if ((live.view.scope & FL_SCOPE_PEOPLE) == 0)
        return fl_err_set(err, FL_E_DENIED, "your role does not allow to change accounts");
    if (live.view.tenant != 0 && live.view.tenant != tenant)
        return fl_err_set(err, FL_E_DENIED, "the account belongs to somebody else");
    if ((scope & ~live.view.scope) != 0)
        return fl_err_set(err, FL_E_DENIED,
                          "the account may do, or shall be able to do, more than you may yourself; "
                          "somebody with all of its rights has to change it");
    return FL_OK;
}

/* ---- changing ---- */

static int check_set(const struct fl_msg_account_set *set, struct fl_err *err)
{
    if (set->user == 0)
        return fl_err_set(err, FL_E_INVAL, "an account has a number above 0");
    if ((set->scope & ~FL_SCOPE_ALL) != 0)
        return fl_err_set(err, FL_E_INVAL, "the scope %#x has bits that mean nothing", set->scope);
    if (set->words.len > FL_ACCOUNT_WORDS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "more than %u bytes of words", FL_ACCOUNT_WORDS_MAX);
    return FL_OK;
}

static int check_room(struct fl_accounts *acc, struct fl_err *err)
{
    int64_t have = fl_acc_number(acc, 0, "SELECT count(*) FROM accounts WHERE user > ?1");

    if (have >= 0 && have < FL_ACCOUNTS_MAX)
        return FL_OK;
    return fl_err_set(err, FL_E_LIMIT, "there are %u accounts already", FL_ACCOUNTS_MAX);
}

static int may_set(struct fl_accounts *acc, struct fl_by by, const struct fl_msg_account_set *set,
                   int64_t now_us, struct fl_err *err)
{
    struct fl_acc_row old;
    int r = fl_acc_get(acc, set->user, &old, err);

    if (r == 0)
        r = check_room(acc, err);
    else if (r > 0 && old.view.tenant != set->tenant)
        return fl_err_set(err, FL_E_INVAL, "an account stays with the tenant it was made for");
    if (r < 0)
        return r;
    return fl_acc_check_by(acc, by, set->tenant, set->scope | (r > 0 ? old.view.scope : 0), now_us,
                           err);
}

static int write_set(struct fl_accounts *acc, const struct fl_msg_account_set *set,
                     struct fl_err *err)
{
    /* The operator's staff always has a second factor (Exhibit 3, 2.a.v.2.c). */
    int64_t required = set->totp_required != 0 || set->tenant == 0;
    int r = fl_acc_run(acc, err,
                       "INSERT INTO accounts (user, tenant, scope, totp_required, disabled, words)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (user) DO UPDATE SET"
                       " scope = ?3, totp_required = ?4, disabled = ?5, words = ?6",
                       "iiiiit", (int64_t)set->user, (int64_t)set->tenant, (int64_t)set->scope,
                       required, (int64_t)(set->disabled != 0), set->words);

    if (r >= 0 && set->disabled)
        r = fl_acc_end_others(acc, set->user, 0, err);
    return r;
}

int fl_accounts_set(struct fl_accounts *acc, struct fl_by by, const struct fl_msg_account_set *set,
                    int64_t now_us, struct fl_account *ret, struct fl_err *err)
{
    int r = check_set(set, err);

    if (r == 0)
        r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    r = may_set(acc, by, set, now_us, err);
    if (r == 0)
        r = write_set(acc, set, err);
    r = fl_acc_end(acc, r, err);
    return r < 0 ? r : get_view(acc, set->user, now_us, ret, err);
}

int fl_accounts_may_reset(struct fl_accounts *acc, struct fl_by by, uint32_t user, unsigned what,
                          int64_t now_us, struct fl_err *err)
{
    struct fl_account account;
    int r = get_view(acc, user, now_us, &account, err);

    if (r < 0)
        return r;
    if (what == 0 || what > (FL_RESET_PASSWORD | FL_RESET_TOTP | FL_RESET_LOCK))
        return fl_err_set(err, FL_E_INVAL, "nothing to reset");
    return fl_acc_check_by(acc, by, account.tenant, account.scope, now_us, err);
}

/* The password of one's own that goes is still one of the last; a temporary one never counts. */
int fl_acc_to_history(struct fl_accounts *acc, uint32_t user, struct fl_err *err)
{
    int r = fl_acc_run(acc, err,
                       "INSERT INTO history (user, phc) SELECT user, phc FROM accounts"
                       " WHERE user = ?1 AND phc <> '' AND temporary = 0",
                       "i", (int64_t)user);

    if (r >= 0)
        r = fl_acc_run(acc, err,
                       "DELETE FROM history WHERE user = ?1 AND id NOT IN"
                       " (SELECT id FROM history WHERE user = ?1 ORDER BY id DESC LIMIT ?2)",
                       "ii", (int64_t)user, (int64_t)FL_PASSWORD_HISTORY + 1);
    return r;
}

static int write_password(struct fl_accounts *acc, uint32_t user, const char *phc, int64_t now_us,
                          struct fl_err *err)
{
    int r = fl_acc_to_history(acc, user, err);

    if (r >= 0)
        r = fl_acc_run(acc, err,
                       "UPDATE accounts SET phc = ?2, temporary = 1, changed_us = ?3, failures = 0,"
                       " locked_us = 0 WHERE user = ?1",
                       "iti", (int64_t)user, fl_span_str(phc), now_us);
    return r;
}

static int write_reset(struct fl_accounts *acc, uint32_t user, unsigned what, const char *phc,
                       int64_t now_us, struct fl_err *err)
{
    int r = FL_OK;

    if (what & FL_RESET_PASSWORD)
        r = write_password(acc, user, phc, now_us, err);
    if (r >= 0 && (what & FL_RESET_TOTP))
        r = fl_acc_run(acc, err, "UPDATE accounts SET totp = x'' WHERE user = ?1", "i",
                       (int64_t)user);
    if (r >= 0 && (what & FL_RESET_TOTP))
        r = fl_acc_run(acc, err, "DELETE FROM recovery WHERE user = ?1", "i", (int64_t)user);
    if (r >= 0 && (what & FL_RESET_LOCK))
        r = fl_acc_counted(acc, user, err);
    if (r >= 0 && (what & (FL_RESET_PASSWORD | FL_RESET_TOTP)))
        r = fl_acc_end_others(acc, user, 0, err);
    return r;
}

int fl_accounts_reset(struct fl_accounts *acc, struct fl_by by, uint32_t user, unsigned what,
                      const char *phc, int64_t now_us, struct fl_account *ret, struct fl_err *err)
{
    int r = fl_accounts_may_reset(acc, by, user, what, now_us, err);

    if (r == 0 && (what & FL_RESET_PASSWORD) && phc == NULL)
        r = fl_err_set(err, FL_E_INVAL, "a temporary password is missing");
    if (r == 0)
        r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    r = fl_acc_end(acc, write_reset(acc, user, what, phc, now_us, err), err);
    return r < 0 ? r : get_view(acc, user, now_us, ret, err);
}

int fl_accounts_remove(struct fl_accounts *acc, struct fl_by by, uint32_t user, int64_t now_us,
                       struct fl_err *err)
{
    struct fl_account account;
    int r = get_view(acc, user, now_us, &account, err);

    if (r == FL_E_NOENT)
        return FL_OK;
    if (r == 0)
        r = fl_acc_check_by(acc, by, account.tenant, account.scope, now_us, err);
    if (r == 0)
        r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    r = fl_acc_end(
        acc, fl_acc_run(acc, err, "DELETE FROM accounts WHERE user = ?1", "i", (int64_t)user), err);
    return r < 0 ? r : FL_OK;
}
