/*
 * accounts.h - who may sign in, and as what: accounts, sessions, grants. Kept by the keys role in
 * accounts.db of its own folder, encrypted under a secret that the root key wraps.
 *
 * An account is a number; names, roles and what they mean are core's. Nothing here reads a clock or
 * hashes a password: `now_us` comes from the caller, and hashing (trust/password.h) is done by the
 * caller's threads between fl_accounts_try() and the call that ends the try. One thread uses an
 * fl_accounts. What a function changed is synced when it returns; only the last activity of a
 * session is not (a loss of power may take up to a minute of it, which ends the session sooner).
 *
 * The messages of codec/msg.h, part "People", and what comes back:
 *
 *   SIGN_IN            SESSION. FL_E_DENIED: name or password is wrong, or the account is locked or
 *                      disabled; one text for all. FL_E_AGAIN: too many sign-ins (from this
 *                      address, or at all): tell the browser to retry after FL_SIGN_IN_RETRY_S.
 *   SESSION_ASK        SESSION. FL_E_NOENT: no living session has this token (401). Of an API token
 *                      is_token is 1, the stage open, csrf "".
 *   SESSION_CODE       at the stage CODE: SESSION with the next stage and another token. At the
 *                      stage OPEN it confirms that it is still the same person (ENROL needs it).
 *                      FL_E_DENIED: wrong, used, or the account is locked. FL_E_INVAL: none is due.
 *                      FL_E_NOENT: the session has ended.
 *   SESSION_PASSWORD   at PASSWORD and OPEN: SESSION with the next stage and another token; the
 *                      user's other sessions end. FL_E_INVAL: breaks a rule, the text is the
 *                      sentence for the person (field: new). FL_E_DENIED: old is wrong (field:
 *                      old). FL_E_AGAIN, FL_E_NOENT as above.
 *   SESSION_ENROL      at ENROL and OPEN: ENROL. FL_E_DENIED: there is a second factor already, and
 *                      no code of it within FL_STEP_UP_US.
 *   SESSION_CONFIRM    SESSION with the next stage, another token, ten recovery codes.
 *                      FL_E_DENIED: wrong code. FL_E_INVAL: no ENROL came before.
 *   SESSION_END        DONE. number: that session or API token; user: every session of the user
 *                      (not API tokens). One's own always; another's with FL_SCOPE_PEOPLE.
 *                      FL_E_NOENT, FL_E_DENIED.
 *   SESSIONS_ASK       SESSION*, DONE: sessions and API tokens (is_token), without secrets.
 *   ACCOUNT_SET        ACCOUNT. Made where it was not there (then without a password: nobody can
 *                      sign in before ACCOUNT_RESET of the password; an API token can be had). The
 *                      tenant of an account never changes (FL_E_INVAL). FL_E_DENIED: see below.
 *                      disabled, and a smaller scope, work at once on running sessions.
 *   ACCOUNT_RESET      ACCOUNT; what & 1: with a temporary password, of 24 h, for one use; its
 *                      sessions end, and its lock. & 2: the second factor and its recovery codes
 *                      go. & 4: the lock goes. FL_E_NOENT; FL_E_AGAIN.
 *   ACCOUNT_REMOVE     DONE, also when there is none.
 *   ACCOUNT_ASK        ACCOUNT*, DONE. FL_E_NOENT for one that is not there.
 *   TOKEN_NEW          SESSION with the token (FL_TOKEN_PREFIX ...), shown once. scope is a part of
 *                      the account's (FL_E_DENIED); what the account loses, its tokens lose too.
 *                      until_us 0: 90 days; over 365 days: FL_E_INVAL. tenant is the account's.
 *   TENANT_GRANT       DONE. scope may be 0: the grant stands, and opens no data. One of a kind per
 *                      tenant: another replaces it.
 *   REVEAL             DONE; one at a time per session; until_us at most an hour ahead.
 *   CAP_ASK            with a session: see fl_accounts_may(). FL_E_DENIED says why.
 *   READS_END          keys -> core, unasked: what this session reads of this tenant ends now (the
 *                      session, the grant or the reveal is over).
 *
 * Who may change accounts (`by`): a session that is open, has FL_SCOPE_PEOPLE, is of the account's
 * tenant or of the operator (tenant 0), and whose own scope covers both what the account may now
 * and what it shall: nobody lifts another above himself or takes over a stronger account. by 0 is
 * the local socket and may everything. API tokens never have FL_SCOPE_GRANT.
 *
 * What keys tells core as AUDIT: session.signed_in, session.refused, session.ended, account.locked,
 * account.set, account.reset, account.removed, password.changed, totp.set, totp.recovery,
 * token.made, tenant.grant, personal.reveal. Actor is "user:N", "uid:N" or "role:core".
 */
#ifndef FL_TRUST_ACCOUNTS_H
#define FL_TRUST_ACCOUNTS_H

#include <stdbool.h>

#include "codec/msg.h"
#include "trust/cap.h"
#include "trust/password.h"
#include "trust/secrets.h"

#define FL_ACCOUNTS_FILE "accounts.db"

/* Bits of scope beside enum fl_cap_scope. */
#define FL_SCOPE_PEOPLE (1u << 16) /* set accounts of the own tenant; of the operator: of any */
#define FL_SCOPE_GRANT  (1u << 17) /* give grants of the own tenant */
#define FL_SCOPE_SETUP  (1u << 18) /* sites, devices and the rest of a tenant's set-up */
#define FL_SCOPE_DATA                                                                              \
    ((uint32_t)(FL_CAP_READ | FL_CAP_EXPORT | FL_CAP_PURGE | FL_CAP_REVEAL)) /* of capabilities */
#define FL_SCOPE_ALL (FL_SCOPE_DATA | FL_SCOPE_PEOPLE | FL_SCOPE_GRANT | FL_SCOPE_SETUP)

enum fl_grant_kind {
    FL_GRANT_NETWORK = 1, /* standing: the operator runs the tenant's network */
    FL_GRANT_SUPPORT = 2  /* for a while, for a reason */
};

enum fl_reset { FL_RESET_PASSWORD = 1, FL_RESET_TOTP = 2, FL_RESET_LOCK = 4 };

#define FL_TOKEN_PREFIX "flt_"

#define FL_MINUTE_US       (INT64_C(60) * 1000000)
#define FL_HOUR_US         (60 * FL_MINUTE_US)
#define FL_TRIES_MAX       5u /* failures in a row, of any factor */
#define FL_LOCK_US         (5 * FL_MINUTE_US)
#define FL_IDLE_US         (15 * FL_MINUTE_US)
#define FL_SESSION_US      (12 * FL_HOUR_US)
#define FL_PASSWORD_AGE_US (90 * 24 * FL_HOUR_US)
#define FL_PASSWORD_MIN_US (24 * FL_HOUR_US)
#define FL_TEMPORARY_US    (24 * FL_HOUR_US)
#define FL_TOKEN_US        (90 * 24 * FL_HOUR_US)
#define FL_TOKEN_MAX_US    (365 * 24 * FL_HOUR_US)
#define FL_REVEAL_US       (60 * FL_MINUTE_US)
#define FL_STEP_UP_US      (5 * FL_MINUTE_US)
#define FL_CLOCK_BACK_US   (2 * FL_MINUTE_US) /* a clock that goes back further ends sessions */
#define FL_SIGN_IN_RETRY_S 3
#define FL_SIGN_IN_WITHIN_MS                                                                       \
    12000 /* SIGN_IN, SESSION_PASSWORD and ACCOUNT_RESET answer by then                            \
           */

#define FL_ACCOUNTS_MAX      10000u
#define FL_SESSIONS_PER_USER 20u /* the oldest gives way */
#define FL_TOKENS_PER_USER   50u
#define FL_RECOVERY_CODES    10u
#define FL_TOKEN_TEXT_MAX    64u
#define FL_ACCOUNT_WORDS_MAX 4096u
#define FL_REVEAL_TICKET_MAX 100u

struct fl_accounts;

struct fl_accounts_config {
    const char *path;           /* of the database */
    struct fl_secrets *secrets; /* used while opening only */
    struct fl_cost cost;        /* of new password hashes */
    /* For tests: called before and after each write is made to last. */
    void (*step)(void *ctx, const char *what);
    void *step_ctx;
};

/* FL_E_DENIED: the database does not open with this instance's secret. */
int fl_accounts_open(const struct fl_accounts_config *config, int64_t now_us,
                     struct fl_accounts **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_accounts_free(struct fl_accounts *acc);                         /* NULL is allowed */
const unsigned char *fl_accounts_pepper(const struct fl_accounts *acc); /* FL_PEPPER_BYTES */
struct fl_cost fl_accounts_cost(const struct fl_accounts *acc);

/* On whose behalf. */
struct fl_by {
    uint64_t session; /* 0: the local socket */
    uint32_t uid;     /* there */
};

struct fl_account {
    uint32_t user, tenant, scope;
    bool totp_required, disabled, totp, temporary, has_password;
    uint32_t failures, sessions;
    int64_t locked_us, changed_us, last_us;
};

struct fl_session {
    uint64_t number;
    uint32_t user, tenant, scope;
    enum fl_session_stage stage;
    bool is_token, totp;
    int64_t created_us, last_us, idle_us, until_us, password_us, reveal_us;
    uint32_t reveal_tenant;
    char token[FL_TOKEN_TEXT_MAX]; /* new; "" = as before */
    char csrf[FL_TOKEN_TEXT_MAX];
    char codes[FL_RECOVERY_CODES * 40]; /* recovery codes, a line each; else "" */
    char peer[64], agent[200];
};
void fl_session_wipe(struct fl_session *session); /* fit for FL_AUTO */

/* ---- accounts ---- */

int fl_accounts_set(struct fl_accounts *acc, struct fl_by by, const struct fl_msg_account_set *set,
                    int64_t now_us, struct fl_account *ret, struct fl_err *err) FL_MUST_CHECK;
/* May `by` reset it? To be asked before the temporary password is hashed. */
int fl_accounts_may_reset(struct fl_accounts *acc, struct fl_by by, uint32_t user, unsigned what,
                          int64_t now_us, struct fl_err *err) FL_MUST_CHECK;
/* phc: hash of the temporary password; NULL without FL_RESET_PASSWORD. */
int fl_accounts_reset(struct fl_accounts *acc, struct fl_by by, uint32_t user, unsigned what,
                      const char *phc, int64_t now_us, struct fl_account *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_accounts_remove(struct fl_accounts *acc, struct fl_by by, uint32_t user, int64_t now_us,
                       struct fl_err *err) FL_MUST_CHECK;
/* user 0: all, by number; a fn that returns nonzero ends it and gives that back. */
int fl_accounts_each(struct fl_accounts *acc, uint32_t user, int64_t now_us,
                     int (*fn)(void *ctx, const struct fl_account *account), void *ctx,
                     struct fl_err *err) FL_MUST_CHECK;

/* ---- signing in ---- */

/*
 * A try of a password is counted before it is hashed: of many at once no more than FL_TRIES_MAX
 * reach the stored hash. Then fl_password_verify() on any thread with `phc`, then one of
 * fl_accounts_sign_in(), fl_accounts_change() (it fits), fl_accounts_fail() (it does not) or
 * fl_accounts_untry() (it was not hashed, or fits and another rule refuses).
 */
struct fl_try {
    uint32_t user;
    bool real;            /* phc is the account's; else a dummy that nothing fits */
    bool last;            /* the last one before a lock */
    char phc[FL_PHC_MAX]; /* to verify against */
};
/* Unknown, locked and disabled accounts give a try like any other, with a dummy. */
int fl_accounts_try(struct fl_accounts *acc, uint32_t user, int64_t now_us, struct fl_try *ret,
                    struct fl_err *err) FL_MUST_CHECK;
/* *ret_locked: this was the last one; a lock of FL_LOCK_US begins. */
int fl_accounts_fail(struct fl_accounts *acc, const struct fl_try *try, int64_t now_us,
                     bool *ret_locked, struct fl_err *err) FL_MUST_CHECK;
int fl_accounts_untry(struct fl_accounts *acc, const struct fl_try *try, int64_t now_us,
                      struct fl_err *err) FL_MUST_CHECK;
/* better: a hash at today's cost to replace the stored one, or NULL. FL_E_DENIED: the temporary
 * password was used or is over its time (the try is counted as a failure). */
int fl_accounts_sign_in(struct fl_accounts *acc, const struct fl_try *try, const char *better,
                        struct fl_span peer, struct fl_span agent, int64_t now_us,
                        struct fl_session *ret, struct fl_err *err) FL_MUST_CHECK;

struct fl_change {
    struct fl_try try; /* of the old password */
    /* That the new one must not fit, beside the old one: with a temporary one in between, one more.
     */
    char history[FL_PASSWORD_HISTORY + 1][FL_PHC_MAX];
    unsigned history_count;
};
/* Stage, minimum age, rules; then the try is counted. FL_E_INVAL is a sentence for the person. */
int fl_accounts_change_begin(struct fl_accounts *acc, struct fl_span token, struct fl_span fresh,
                             int64_t now_us, struct fl_change *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_accounts_change(struct fl_accounts *acc, struct fl_span token,
                       const struct fl_change *change, const char *fresh_phc, int64_t now_us,
                       struct fl_session *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- the second factor ---- */

/* *ret_locked as above; *ret_recovery: it was a recovery code, which is used up. */
int fl_accounts_code(struct fl_accounts *acc, struct fl_span token, struct fl_span code,
                     int64_t now_us, struct fl_session *ret, bool *ret_recovery, bool *ret_locked,
                     struct fl_err *err) FL_MUST_CHECK;
/* ret holds FL_TOTP_TEXT_BYTES: the secret in base32, which the caller wipes. */
int fl_accounts_enrol(struct fl_accounts *acc, struct fl_span token, int64_t now_us, char *ret,
                      struct fl_err *err) FL_MUST_CHECK;
int fl_accounts_confirm(struct fl_accounts *acc, struct fl_span token, struct fl_span code,
                        int64_t now_us, struct fl_session *ret, bool *ret_locked,
                        struct fl_err *err) FL_MUST_CHECK;

/* ---- sessions and API tokens ---- */

/* active: the idle time begins anew (never of a session that has ended already). */
int fl_accounts_session(struct fl_accounts *acc, struct fl_span token, bool active, int64_t now_us,
                        struct fl_session *ret, struct fl_err *err) FL_MUST_CHECK;
/* number, or with 0 all sessions of the user. *ret_user: whose they were. */
int fl_accounts_end(struct fl_accounts *acc, struct fl_by by, uint32_t user, uint64_t number,
                    int64_t now_us, uint32_t *ret_user, struct fl_err *err) FL_MUST_CHECK;
int fl_accounts_each_session(struct fl_accounts *acc, uint32_t user, int64_t now_us,
                             int (*fn)(void *ctx, const struct fl_session *session), void *ctx,
                             struct fl_err *err) FL_MUST_CHECK;
int fl_accounts_token(struct fl_accounts *acc, const struct fl_msg_token_new *ask, int64_t now_us,
                      struct fl_session *ret, struct fl_err *err) FL_MUST_CHECK;
/* Forget sessions that ended more than an hour ago. */
int fl_accounts_purge(struct fl_accounts *acc, int64_t now_us, struct fl_err *err) FL_MUST_CHECK;
/* Who has this session? 0: nobody. For the record. */
uint32_t fl_accounts_user_of(struct fl_accounts *acc, uint64_t number);

/* ---- what a session may see ---- */

int fl_accounts_grant(struct fl_accounts *acc, const struct fl_msg_tenant_grant *grant,
                      int64_t now_us, struct fl_err *err) FL_MUST_CHECK;
/* Does it stand just so already, or is it not there when it is to end? */
bool fl_accounts_grant_same(struct fl_accounts *acc, const struct fl_msg_tenant_grant *grant,
                            int64_t now_us);
int fl_accounts_reveal(struct fl_accounts *acc, const struct fl_msg_reveal *ask, bool open,
                       int64_t now_us, struct fl_err *err) FL_MUST_CHECK;
/*
 * May the session see the tenant's data within the scope (bits of enum fl_cap_scope)? It is alive
 * and open; its account's scope covers it; the tenant is its own, or it is the operator's and one
 * living grant of the tenant covers it (open: the demonstration tenant needs none); with
 * FL_CAP_REVEAL a reveal of that session for that tenant lives. *ret_until_us: when the first of
 * these ends. FL_E_DENIED with the reason.
 */
int fl_accounts_may(struct fl_accounts *acc, uint64_t session, uint32_t tenant, uint32_t scope,
                    bool open, int64_t now_us, int64_t *ret_until_us, struct fl_err *err)
    FL_MUST_CHECK;

#endif
