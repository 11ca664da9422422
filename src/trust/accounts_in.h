/*
 * accounts_in.h - inside accounts: the connection, statements in one line, a session with its
 * account.
 *
 * accounts.c          opening, accounts
 * accounts_sql.c      statements, transactions, the schema
 * accounts_session.c  sessions, API tokens
 * accounts_try.c      passwords: tries, signing in, changing
 * accounts_factor.c   codes, enrolling
 * accounts_grant.c    grants, reveals, who may see what
 */
#ifndef FL_TRUST_ACCOUNTS_IN_H
#define FL_TRUST_ACCOUNTS_IN_H

#include "db/sql.h"
#include "io/aead.h"
#include "trust/accounts.h"

#define FL_ACC_KEY_BYTES 32

struct fl_accounts {
    struct fl_sql *sql;
    struct fl_cost cost;
    unsigned char pepper[FL_PEPPER_BYTES];
    unsigned char csrf[FL_ACC_KEY_BYTES], seal[FL_ACC_KEY_BYTES];
    char dummy[FL_PHC_MAX];
    void (*step)(void *ctx, const char *what);
    void *step_ctx;
};

/* ---- statements: format letters are i (int64_t), t, b (struct fl_span as text, as bytes) ---- */

/* Number of rows changed. */
int fl_acc_run(struct fl_accounts *acc, struct fl_err *err, const char *sql, const char *format,
               ...);
/* 1: a row, and *ret is to be released; 0: none, released. */
int fl_acc_row(struct fl_accounts *acc, struct fl_stmt **ret, struct fl_err *err, const char *sql,
               const char *format, ...);
/* The first column of the first row; 0 where there is none, -1 where it cannot be read. */
int64_t fl_acc_number(struct fl_accounts *acc, int64_t key, const char *sql);

int fl_acc_begin(struct fl_accounts *acc, struct fl_err *err) FL_MUST_CHECK;
/* Commit when r is 0 or more, else roll back; r, or why it could not be committed. */
int fl_acc_end(struct fl_accounts *acc, int r, struct fl_err *err) FL_MUST_CHECK;
int fl_acc_migrate(struct fl_accounts *acc, int64_t now_us, struct fl_err *err) FL_MUST_CHECK;

/* Bytes of a column as a string that fits. */
void fl_acc_text(const struct fl_stmt *stmt, int column, char *ret, size_t size);

/* ---- the row of an account ---- */

struct fl_acc_row {
    struct fl_account view;
    char phc[FL_PHC_MAX];
    uint8_t temporary; /* enum fl_acc_temporary */
    int64_t totp_step;
    unsigned char totp[64]; /* sealed */
    size_t totp_len;
    char words[FL_ACCOUNT_WORDS_MAX + 1];
};
enum fl_acc_temporary { FL_ACC_OWN, FL_ACC_TEMPORARY, FL_ACC_TEMPORARY_USED };

/* 1, or 0 when there is none. */
int fl_acc_get(struct fl_accounts *acc, uint32_t user, struct fl_acc_row *ret, struct fl_err *err);
bool fl_acc_is_locked(const struct fl_account *account, int64_t now_us);

/* In a transaction: count a try of a factor; *ret_free: it may go on, the account is not locked. */
int fl_acc_count(struct fl_accounts *acc, uint32_t user, int64_t now_us, bool *ret_free,
                 struct fl_err *err);
int fl_acc_uncount(struct fl_accounts *acc, uint32_t user, struct fl_err *err);
int fl_acc_counted(struct fl_accounts *acc, uint32_t user, struct fl_err *err); /* all forgiven */

/* In a transaction: the password of one's own joins the last ones. */
int fl_acc_to_history(struct fl_accounts *acc, uint32_t user, struct fl_err *err);

/* ---- the row of a session with what it needs of its account ---- */

struct fl_acc_live {
    struct fl_session view; /* scope: what it may now */
    int64_t factor_us;      /* a code was given */
    bool code_due;
    unsigned char hash[FL_SHA256_BYTES];
    unsigned char pending[64]; /* sealed secret of an enrolment */
    size_t pending_len;
};
/* FL_E_NOENT: it is not there, or has ended. */
int fl_acc_live(struct fl_accounts *acc, struct fl_span token, int64_t now_us,
                struct fl_acc_live *ret, struct fl_err *err);
int fl_acc_live_number(struct fl_accounts *acc, uint64_t number, int64_t now_us,
                       struct fl_acc_live *ret, struct fl_err *err);
/* In a transaction: another token for the session; the rest of *ret as it is then. */
int fl_acc_rotate(struct fl_accounts *acc, uint64_t number, int64_t now_us, struct fl_session *ret,
                  struct fl_err *err);
int fl_acc_session_new(struct fl_accounts *acc, uint32_t user, bool code_due, struct fl_span peer,
                       struct fl_span agent, int64_t now_us, struct fl_session *ret,
                       struct fl_err *err);
/* All sessions of the user but one (0: all). */
int fl_acc_end_others(struct fl_accounts *acc, uint32_t user, uint64_t but, struct fl_err *err);

/*
 * May `by` change accounts of this tenant whose scope is within `scope`? FL_E_DENIED.
 */
int fl_acc_check_by(struct fl_accounts *acc, struct fl_by by, uint32_t tenant, uint32_t scope,
                    int64_t now_us, struct fl_err *err);

/* Seal and open a secret of a user. ret of seal holds FL_ACC_SEALED_BYTES. */
#define FL_ACC_SEALED_BYTES 48
int fl_acc_seal(struct fl_accounts *acc, uint32_t user, const unsigned char *secret,
                unsigned char *ret, struct fl_err *err);
int fl_acc_unseal(struct fl_accounts *acc, uint32_t user, struct fl_span sealed, unsigned char *ret,
                  struct fl_err *err);

#endif
