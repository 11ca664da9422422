/* Sessions and API tokens (accounts_in.h). The token itself is never kept: its SHA-256 is. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "trust/accounts_in.h"

enum { TOKEN_BYTES = 32, KEEP_HOURS = 1 };

void fl_session_wipe(struct fl_session *session)
{
    explicit_bzero(session, sizeof *session);
}

/* ---- tokens ---- */

static void to_text(const unsigned char bytes[TOKEN_BYTES], const char *prefix,
                    char ret[FL_TOKEN_TEXT_MAX])
{
    char text[sodium_base64_ENCODED_LEN(TOKEN_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    (void)sodium_bin2base64(text, sizeof text, bytes, TOKEN_BYTES,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    (void)snprintf(ret, FL_TOKEN_TEXT_MAX, "%s%s", prefix, text);
    explicit_bzero(text, sizeof text);
}

static void make_token(const char *prefix, char ret[FL_TOKEN_TEXT_MAX],
                       unsigned char ret_hash[FL_SHA256_BYTES])
{
    unsigned char bytes[TOKEN_BYTES];

    fl_random(bytes, sizeof bytes);
    to_text(bytes, prefix, ret);
    fl_sha256(fl_span_str(ret), ret_hash);
    explicit_bzero(bytes, sizeof bytes);
}

static void make_csrf(const struct fl_accounts *acc, const unsigned char hash[FL_SHA256_BYTES],
                      char ret[FL_TOKEN_TEXT_MAX])
{
    unsigned char mac[FL_SHA256_BYTES];

    fl_hmac_sha256(fl_span_of(acc->csrf, sizeof acc->csrf), fl_span_of(hash, FL_SHA256_BYTES), mac);
    to_text(mac, "", ret);
}

/* ---- reading ---- */

#define COLUMNS                                                                                    \
    "SELECT s.number, s.user, a.tenant, s.is_token, s.code_due, s.scope, a.scope, s.created_us,"   \
    " s.last_us, s.until_us, s.factor_us, s.reveal_tenant, s.reveal_us, a.totp_required,"          \
    " a.disabled, length(a.totp), a.temporary, a.changed_us, s.peer, s.agent, s.pending, s.hash"   \
    " FROM sessions s JOIN accounts a ON a.user = s.user "

struct raw {
    struct fl_acc_live live;
    bool disabled, totp_required, temporary;
};

static void read_raw(struct fl_stmt *stmt, struct raw *ret)
{
    struct fl_span pending = fl_stmt_get_bytes(stmt, 20), hash = fl_stmt_get_bytes(stmt, 21);
    struct fl_session *s = &ret->live.view;

    *ret = (struct raw){
        .live = {.code_due = fl_stmt_get_i64(stmt, 4) != 0,
                 .factor_us = fl_stmt_get_i64(stmt, 10),
                 .pending_len = pending.len <= sizeof ret->live.pending ? pending.len : 0},
        .totp_required = fl_stmt_get_i64(stmt, 13) != 0,
        .disabled = fl_stmt_get_i64(stmt, 14) != 0,
        .temporary = fl_stmt_get_i64(stmt, 16) != FL_ACC_OWN,
    };
    s->number = (uint64_t)fl_stmt_get_i64(stmt, 0);
    s->user = (uint32_t)fl_stmt_get_i64(stmt, 1);
    s->tenant = (uint32_t)fl_stmt_get_i64(stmt, 2);
    s->is_token = fl_stmt_get_i64(stmt, 3) != 0;
    s->scope = (uint32_t)fl_stmt_get_i64(stmt, 6);
    if (s->is_token) /* what the account lost, its tokens lost too */
        s->scope &= (uint32_t)fl_stmt_get_i64(stmt, 5) & ~FL_SCOPE_GRANT;
    s->created_us = fl_stmt_get_i64(stmt, 7);
    s->last_us = fl_stmt_get_i64(stmt, 8);
    s->until_us = fl_stmt_get_i64(stmt, 9);
    s->reveal_tenant = (uint32_t)fl_stmt_get_i64(stmt, 11);
    s->reveal_us = fl_stmt_get_i64(stmt, 12);
    s->totp = fl_stmt_get_i64(stmt, 15) > 0;
    s->password_us = fl_stmt_get_i64(stmt, 17) + FL_PASSWORD_AGE_US;
    fl_acc_text(stmt, 18, s->peer, sizeof s->peer);
    fl_acc_text(stmt, 19, s->agent, sizeof s->agent);
    if (ret->live.pending_len > 0)
        memcpy(ret->live.pending, pending.ptr, ret->live.pending_len);
    if (hash.len == sizeof ret->live.hash)
        memcpy(ret->live.hash, hash.ptr, hash.len);
}

/* Order: the second factor first, so that a password alone changes nothing. */
static enum fl_session_stage stage_of(const struct raw *raw, int64_t now_us)
{
    const struct fl_session *s = &raw->live.view;

    if (s->is_token)
        return FL_STAGE_OPEN;
    if (raw->live.code_due)
        return FL_STAGE_CODE;
    if (raw->temporary || now_us > s->password_us)
        return FL_STAGE_PASSWORD;
    return raw->totp_required && !s->totp ? FL_STAGE_ENROL : FL_STAGE_OPEN;
}

static int check_alive(const struct raw *raw, int64_t now_us, struct fl_err *err)
{
    const struct fl_session *s = &raw->live.view;

    if (raw->disabled)
        return fl_err_set(err, FL_E_NOENT, "the account is disabled");
    if (now_us >= s->until_us)
        return fl_err_set(err, FL_E_NOENT,
                          s->is_token ? "the token is over its time"
                                      : "signed out: a session lasts 12 hours at most");
    if (s->is_token)
        return FL_OK;
    if (now_us >= s->last_us + FL_IDLE_US)
        return fl_err_set(err, FL_E_NOENT, "signed out after 15 minutes in which nothing was done");
    if (now_us < s->last_us - FL_CLOCK_BACK_US)
        return fl_err_set(err, FL_E_NOENT, "signed out: the server's clock was set back");
    return FL_OK;
}

static void finish_view(const struct fl_accounts *acc, struct raw *raw, int64_t now_us)
{
    struct fl_session *s = &raw->live.view;

    s->stage = stage_of(raw, now_us);
    s->idle_us = s->is_token ? s->until_us : s->last_us + FL_IDLE_US;
    if (s->idle_us > s->until_us)
        s->idle_us = s->until_us;
    if (s->reveal_us <= now_us) {
        s->reveal_us = 0;
        s->reveal_tenant = 0;
    }
    if (!s->is_token)
        make_csrf(acc, raw->live.hash, s->csrf);
}

static int take_live(struct fl_accounts *acc, struct fl_stmt *stmt, int r, int64_t now_us,
                     struct fl_acc_live *ret, struct fl_err *err)
{
    struct raw raw;

    if (r == 0)
        return fl_err_set(err, FL_E_NOENT, "nobody is signed in with this session; sign in");
    if (r < 0)
        return r;
    read_raw(stmt, &raw);
    fl_stmt_release(stmt);
    r = check_alive(&raw, now_us, err);
    if (r < 0)
        return r;
    finish_view(acc, &raw, now_us);
    *ret = raw.live;
    return FL_OK;
}

int fl_acc_live(struct fl_accounts *acc, struct fl_span token, int64_t now_us,
                struct fl_acc_live *ret, struct fl_err *err)
{
    unsigned char hash[FL_SHA256_BYTES];
    struct fl_stmt *stmt = NULL;
    int r;

    fl_sha256(token, hash);
    r = fl_acc_row(acc, &stmt, err, COLUMNS "WHERE s.hash = ?1", "b",
                   fl_span_of(hash, sizeof hash));
    return take_live(acc, stmt, r, now_us, ret, err);
}

int fl_acc_live_number(struct fl_accounts *acc, uint64_t number, int64_t now_us,
                       struct fl_acc_live *ret, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = fl_acc_row(acc, &stmt, err, COLUMNS "WHERE s.number = ?1", "i", (int64_t)number);

    return take_live(acc, stmt, r, now_us, ret, err);
}

uint32_t fl_accounts_user_of(struct fl_accounts *acc, uint64_t number)
{
    int64_t user =
        fl_acc_number(acc, (int64_t)number, "SELECT user FROM sessions WHERE number = ?1");

    return user > 0 ? (uint32_t)user : 0;
}

/* Not synced: what a loss of power takes of it ends the session sooner, never later. */
static int touch(struct fl_accounts *acc, uint64_t number, int64_t now_us, struct fl_err *err)
{
    int r = fl_sql_run(acc->sql, "PRAGMA synchronous=NORMAL", err), back;

    if (r < 0)
        return r;
    r = fl_acc_run(acc, err, "UPDATE sessions SET last_us = ?2 WHERE number = ?1", "ii",
                   (int64_t)number, now_us);
    back = fl_sql_run(acc->sql, "PRAGMA synchronous=FULL", r < 0 ? NULL : err);
    return r < 0 ? r : back;
}

int fl_accounts_session(struct fl_accounts *acc, struct fl_span token, bool active, int64_t now_us,
                        struct fl_session *ret, struct fl_err *err)
{
    enum { TOUCH_S = 1, TOKEN_TOUCH_S = 60 };
    struct fl_acc_live live;
    int64_t rest_us;
    int r = fl_acc_live(acc, token, now_us, &live, err);

    if (r < 0)
        return r;
    rest_us = (live.view.is_token ? TOKEN_TOUCH_S : TOUCH_S) * INT64_C(1000000);
    if ((active || live.view.is_token) && now_us - live.view.last_us >= rest_us) {
        r = touch(acc, live.view.number, now_us, err);
        if (r < 0)
            return r;
        live.view.last_us = now_us;
        if (!live.view.is_token)
            live.view.idle_us =
                now_us + FL_IDLE_US < live.view.until_us ? now_us + FL_IDLE_US : live.view.until_us;
    }
    *ret = live.view;
    return FL_OK;
}

/* ---- making ---- */

int fl_acc_rotate(struct fl_accounts *acc, uint64_t number, int64_t now_us, struct fl_session *ret,
                  struct fl_err *err)
{
    unsigned char hash[FL_SHA256_BYTES];
    char token[FL_TOKEN_TEXT_MAX];
    struct fl_acc_live live = {.factor_us = 0};
    int r;

    make_token("", token, hash);
    r = fl_acc_run(acc, err, "UPDATE sessions SET hash = ?2, last_us = ?3 WHERE number = ?1", "ibi",
                   (int64_t)number, fl_span_of(hash, sizeof hash), now_us);
    if (r >= 0)
        r = fl_acc_live_number(acc, number, now_us, &live, err);
    if (r >= 0) {
        *ret = live.view;
        memcpy(ret->token, token, sizeof token);
    }
    explicit_bzero(token, sizeof token);
    return r;
}

/* peer and agent come from outside: cut, core cleans them. */
static struct fl_span cut(struct fl_span text, size_t max)
{
    return fl_span_of(text.ptr, text.len < max ? text.len : max - 1);
}

struct fresh {
    uint32_t user, scope;
    bool is_token, code_due;
    int64_t until_us;
    struct fl_span peer, agent;
};

static int insert(struct fl_accounts *acc, const struct fresh *f, int64_t now_us,
                  struct fl_session *ret, struct fl_err *err)
{
    unsigned char hash[FL_SHA256_BYTES];
    char token[FL_TOKEN_TEXT_MAX];
    struct fl_acc_live live;
    int r;

    make_token(f->is_token ? FL_TOKEN_PREFIX : "", token, hash);
    r = fl_acc_run(acc, err,
                   "INSERT INTO sessions (user, hash, is_token, code_due, scope, created_us,"
                   " last_us, until_us, peer, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                   " ?10)",
                   "ibiiiiiitt", (int64_t)f->user, fl_span_of(hash, sizeof hash),
                   (int64_t)f->is_token, (int64_t)f->code_due, (int64_t)f->scope, now_us,
                   f->is_token ? (int64_t)0 : now_us, f->until_us, cut(f->peer, sizeof ret->peer),
                   cut(f->agent, sizeof ret->agent));
    if (r >= 0)
        r = fl_acc_live_number(acc, (uint64_t)fl_sql_last_id(acc->sql), now_us, &live, err);
    if (r >= 0) {
        *ret = live.view;
        memcpy(ret->token, token, sizeof token);
    }
    explicit_bzero(token, sizeof token);
    return r;
}

int fl_acc_session_new(struct fl_accounts *acc, uint32_t user, bool code_due, struct fl_span peer,
                       struct fl_span agent, int64_t now_us, struct fl_session *ret,
                       struct fl_err *err)
{
    struct fresh f = {.user = user,
                      .code_due = code_due,
                      .until_us = now_us + FL_SESSION_US,
                      .peer = peer,
                      .agent = agent};
    int r = fl_acc_run(acc, err,
                       "DELETE FROM sessions WHERE user = ?1 AND is_token = 0 AND number NOT IN"
                       " (SELECT number FROM sessions WHERE user = ?1 AND is_token = 0"
                       "  ORDER BY last_us DESC, number DESC LIMIT ?2)",
                       "ii", (int64_t)user, (int64_t)FL_SESSIONS_PER_USER - 1);

    return r < 0 ? r : insert(acc, &f, now_us, ret, err);
}

static int check_token(struct fl_accounts *acc, const struct fl_msg_token_new *ask,
                       int64_t until_us, int64_t now_us, struct fl_err *err)
{
    struct fl_by by = {ask->by, ask->by_uid};
    struct fl_acc_row row;
    int r = ask->user == 0 ? 0 : fl_acc_get(acc, ask->user, &row, err);

    if (r <= 0)
        return r < 0 ? r : fl_err_set(err, FL_E_NOENT, "there is no account %u", ask->user);
    if (until_us <= now_us || until_us > now_us + FL_TOKEN_MAX_US)
        return fl_err_set(err, FL_E_INVAL, "a token ends in the future, within 365 days");
    if (row.view.tenant != ask->tenant)
        return fl_err_set(err, FL_E_INVAL, "a token belongs where its account belongs");
    if (row.view.disabled)
        return fl_err_set(err, FL_E_INVAL, "the account is disabled");
    if ((ask->scope & ~row.view.scope) != 0 || (ask->scope & FL_SCOPE_GRANT) != 0)
        return fl_err_set(err, FL_E_DENIED,
                          "a token may do no more than its account, and gives no grants");
    if (fl_acc_number(acc, (int64_t)ask->user,
                      "SELECT count(*) FROM sessions WHERE user = ?1 AND is_token = 1") >=
        FL_TOKENS_PER_USER)
        return fl_err_set(err, FL_E_LIMIT, "the account has %u tokens; remove one first",
                          FL_TOKENS_PER_USER);
    if (ask->by != 0 && fl_accounts_user_of(acc, ask->by) == ask->user)
        return FL_OK; /* one's own; the session is checked by the caller */
    return fl_acc_check_by(acc, by, ask->tenant, ask->scope, now_us, err);
}

/* A token that gives itself successors would never end. */
static int check_person(struct fl_accounts *acc, uint64_t by, int64_t now_us, struct fl_err *err)
{
    struct fl_acc_live live;
    int r = by == 0 ? FL_OK : fl_acc_live_number(acc, by, now_us, &live, err);

    if (r < 0)
        return fl_err_set(err, FL_E_DENIED, "the session that asks has ended");
    if (by != 0 && (live.view.stage != FL_STAGE_OPEN || live.view.is_token))
        return fl_err_set(err, FL_E_DENIED, "only a person who is signed in makes a token");
    return FL_OK;
}

int fl_accounts_token(struct fl_accounts *acc, const struct fl_msg_token_new *ask, int64_t now_us,
                      struct fl_session *ret, struct fl_err *err)
{
    struct fresh f = {.user = ask->user,
                      .scope = ask->scope,
                      .is_token = true,
                      .until_us = ask->until_us == 0 ? now_us + FL_TOKEN_US : ask->until_us};
    int r = check_person(acc, ask->by, now_us, err);

    if (r == 0)
        r = check_token(acc, ask, f.until_us, now_us, err);
    if (r == 0)
        r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    r = fl_acc_end(acc, insert(acc, &f, now_us, ret, err), err);
    return r < 0 ? r : FL_OK;
}

/* ---- ending ---- */

int fl_acc_end_others(struct fl_accounts *acc, uint32_t user, uint64_t but, struct fl_err *err)
{
    return fl_acc_run(acc, err,
                      "DELETE FROM sessions WHERE user = ?1 AND is_token = 0 AND number <> ?2",
                      "ii", (int64_t)user, (int64_t)but);
}

static int may_end(struct fl_accounts *acc, struct fl_by by, uint32_t user, uint64_t number,
                   int64_t now_us, struct fl_err *err)
{
    struct fl_acc_row row;
    struct fl_acc_live live;
    int r = fl_acc_get(acc, user, &row, err);

    if (r <= 0)
        return r < 0 ? r : fl_err_set(err, FL_E_NOENT, "there is no account %u", user);
    /* One's own at any stage: who is half signed in may leave. A token ends itself alone. */
    if (by.session != 0 && fl_acc_live_number(acc, by.session, now_us, &live, NULL) == 0 &&
        live.view.user == user && (!live.view.is_token || number == by.session))
        return FL_OK;
    return fl_acc_check_by(acc, by, row.view.tenant, row.view.scope, now_us, err);
}

int fl_accounts_end(struct fl_accounts *acc, struct fl_by by, uint32_t user, uint64_t number,
                    int64_t now_us, uint32_t *ret_user, struct fl_err *err)
{
    int r;

    if (number != 0)
        user = fl_accounts_user_of(acc, number);
    if (user == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no such session; it may have ended by itself");
    r = may_end(acc, by, user, number, now_us, err);
    if (r == 0)
        r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    if (number != 0)
        r = fl_acc_run(acc, err, "DELETE FROM sessions WHERE number = ?1", "i", (int64_t)number);
    else
        r = fl_acc_end_others(acc, user, 0, err);
    r = fl_acc_end(acc, r, err);
    if (r < 0)
        return r;
    *ret_user = user;
    return FL_OK;
}

int fl_accounts_each_session(struct fl_accounts *acc, uint32_t user, int64_t now_us,
                             int (*fn)(void *ctx, const struct fl_session *session), void *ctx,
                             struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = fl_acc_row(acc, &stmt, err, COLUMNS "WHERE s.user = ?1 ORDER BY s.number", "i",
                       (int64_t)user);

    if (r <= 0)
        return r;
    while (r > 0) {
        struct raw raw;

        read_raw(stmt, &raw);
        r = FL_OK;
        if (check_alive(&raw, now_us, NULL) == 0) {
            finish_view(acc, &raw, now_us);
            raw.live.view.csrf[0] = '\0';
            r = fn(ctx, &raw.live.view);
        }
        if (r == 0)
            r = fl_stmt_step(stmt, err);
        else
            break;
    }
    fl_stmt_release(stmt);
    return r;
}

int fl_accounts_purge(struct fl_accounts *acc, int64_t now_us, struct fl_err *err)
{
    int64_t over_us = now_us - KEEP_HOURS * FL_HOUR_US;
    struct fl_stmt *stmt = NULL;
    int r = fl_acc_row(acc, &stmt, err,
                       "SELECT 1 FROM sessions WHERE until_us < ?1 OR (is_token = 0 AND"
                       " last_us < ?2) LIMIT 1",
                       "ii", over_us, over_us - FL_IDLE_US);

    if (r <= 0)
        return r;
    fl_stmt_release(stmt);
    r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    r = fl_acc_run(acc, err,
                   "DELETE FROM sessions WHERE until_us < ?1 OR (is_token = 0 AND last_us < ?2)",
                   "ii", over_us, over_us - FL_IDLE_US);
    r = fl_acc_end(acc, r, err);
    return r < 0 ? r : FL_OK;
}
