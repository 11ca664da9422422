/* The second factor: codes, recovery codes, setting one up (accounts_in.h). */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "trust/accounts_in.h"
#include "trust/totp.h"

enum { RECOVERY_BYTES = 16, RECOVERY_TEXT = 26, GROUP = 7 };

/* ---- recovery codes: 128 bits in base32, in groups ---- */

/* As it is hashed: letters and digits alone, in capitals. */
static bool recovery_hash(struct fl_span text, unsigned char ret[FL_SHA256_BYTES])
{
    char clean[RECOVERY_TEXT];
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i];

        if (c == ' ' || c == '-' || c == '\n' || c == '\r')
            continue;
        if (!isalnum(c) || n == sizeof clean)
            return false;
        clean[n++] = (char)toupper(c);
    }
    if (n == sizeof clean)
        fl_sha256(fl_span_of(clean, n), ret);
    explicit_bzero(clean, sizeof clean);
    return n == sizeof clean;
}

static void recovery_make(char ret[40])
{
    unsigned char bytes[RECOVERY_BYTES];
    char text[RECOVERY_TEXT + 8];

    fl_random(bytes, sizeof bytes);
    fl_base32(fl_span_of(bytes, sizeof bytes), text);
    (void)snprintf(ret, 40, "%.7s-%.7s-%.6s-%.6s", text, text + GROUP, text + 2 * GROUP,
                   text + 2 * GROUP + 6);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(text, sizeof text);
}

/* In a transaction. */
static int new_codes(struct fl_accounts *acc, uint32_t user, char *ret, size_t size,
                     struct fl_err *err)
{
    int r = fl_acc_run(acc, err, "DELETE FROM recovery WHERE user = ?1", "i", (int64_t)user);
    size_t at = 0;

    for (unsigned i = 0; r >= 0 && i < FL_RECOVERY_CODES; i++) {
        unsigned char hash[FL_SHA256_BYTES] = {0};
        char code[40];

        recovery_make(code);
        (void)recovery_hash(fl_span_str(code), hash);
        r = fl_acc_run(acc, err, "INSERT INTO recovery (hash, user) VALUES (?1, ?2)", "bi",
                       fl_span_of(hash, sizeof hash), (int64_t)user);
        at += (size_t)snprintf(ret + at, size - at, "%s%s", i == 0 ? "" : "\n", code);
        explicit_bzero(code, sizeof code);
    }
    return r;
}

/* ---- trying a code, in a transaction: 1 fits, 0 does not ---- */

static int try_totp(struct fl_accounts *acc, uint32_t user, struct fl_span sealed,
                    struct fl_span code, int64_t now_us, int64_t last_step, int64_t *ret_step,
                    struct fl_err *err)
{
    unsigned char secret[FL_TOTP_SECRET_BYTES];
    int r = fl_acc_unseal(acc, user, sealed, secret, err);

    if (r == 0)
        r = fl_totp_fits(fl_span_of(secret, sizeof secret), code, now_us, last_step, ret_step);
    explicit_bzero(secret, sizeof secret);
    return r;
}

static int try_factor(struct fl_accounts *acc, const struct fl_acc_row *row, struct fl_span code,
                      int64_t now_us, bool *ret_recovery, struct fl_err *err)
{
    unsigned char hash[FL_SHA256_BYTES];
    int64_t step = 0;
    int r;

    if (!fl_totp_is_code(code)) {
        *ret_recovery = true;
        if (!recovery_hash(code, hash))
            return 0;
        return fl_acc_run(acc, err, "DELETE FROM recovery WHERE hash = ?1 AND user = ?2", "bi",
                          fl_span_of(hash, sizeof hash), (int64_t)row->view.user);
    }
    r = try_totp(acc, row->view.user, fl_span_of(row->totp, row->totp_len), code, now_us,
                 row->totp_step, &step, err);
    if (r > 0) /* used up in this very transaction (RFC 6238, 5.2) */
        r = fl_acc_run(acc, err,
                       "UPDATE accounts SET totp_step = ?2 WHERE user = ?1 AND totp_step < ?2",
                       "ii", (int64_t)row->view.user, step);
    return r;
}

static int pass_code(struct fl_accounts *acc, const struct fl_acc_live *live, int64_t now_us,
                     struct fl_session *ret, struct fl_err *err)
{
    int r = fl_acc_counted(acc, live->view.user, err);

    if (r >= 0)
        r = fl_acc_run(acc, err,
                       "UPDATE sessions SET code_due = 0, factor_us = ?2 WHERE number = ?1", "ii",
                       (int64_t)live->view.number, now_us);
    return r < 0 ? r : fl_acc_rotate(acc, live->view.number, now_us, ret, err);
}

static int wrong_code(struct fl_err *err)
{
    return fl_err_set(err, FL_E_DENIED,
                      "this code is wrong, used or over its time; take the one that is shown now");
}

/* Count a try. 1 and the account, with whether it may be tried now; 0: there is none. */
static int begin_try(struct fl_accounts *acc, uint32_t user, int64_t now_us, struct fl_acc_row *ret,
                     bool *ret_free, struct fl_err *err)
{
    int r = fl_acc_count(acc, user, now_us, ret_free, err);

    return r < 0 ? r : fl_acc_get(acc, user, ret, err);
}

/* Counting and checking are one transaction: nothing here takes long. 1 passed, 0 did not. */
static int code_in(struct fl_accounts *acc, const struct fl_acc_live *live, struct fl_span code,
                   int64_t now_us, struct fl_session *ret, bool *ret_recovery, bool *ret_locked,
                   struct fl_err *err)
{
    struct fl_acc_row row;
    bool is_free = false;
    int r = begin_try(acc, live->view.user, now_us, &row, &is_free, err);

    if (r <= 0)
        return r;
    r = is_free ? try_factor(acc, &row, code, now_us, ret_recovery, err) : 0;
    if (r == 0)
        *ret_locked = is_free && row.view.failures == FL_TRIES_MAX;
    if (r <= 0)
        return r;
    r = pass_code(acc, live, now_us, ret, err);
    return r < 0 ? r : 1;
}

int fl_accounts_code(struct fl_accounts *acc, struct fl_span token, struct fl_span code,
                     int64_t now_us, struct fl_session *ret, bool *ret_recovery, bool *ret_locked,
                     struct fl_err *err)
{
    bool recovery = false, locked = false;
    struct fl_acc_live live;
    int r = fl_acc_live(acc, token, now_us, &live, err);

    if (r < 0)
        return r;
    if (!live.view.totp || live.view.is_token ||
        (live.view.stage != FL_STAGE_CODE && live.view.stage != FL_STAGE_OPEN))
        return fl_err_set(err, FL_E_INVAL, "no code is due");
    r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    r = fl_acc_end(acc, code_in(acc, &live, code, now_us, ret, &recovery, &locked, err), err);
    if (r >= 0) {
        *ret_recovery = recovery;
        *ret_locked = locked;
    }
    return r == 0 ? wrong_code(err) : r < 0 ? r : FL_OK;
}

/* ---- setting one up ---- */

static int may_enrol(const struct fl_acc_live *live, int64_t now_us, struct fl_err *err)
{
    if (live->view.is_token ||
        (live->view.stage != FL_STAGE_ENROL && live->view.stage != FL_STAGE_OPEN))
        return fl_err_set(err, FL_E_INVAL, "a second factor is set up by a person, signed in");
    if (live->view.totp && (now_us - live->factor_us > FL_STEP_UP_US || now_us < live->factor_us))
        return fl_err_set(err, FL_E_DENIED,
                          "there is a second factor already; give a code of it, then begin within "
                          "five minutes");
    return FL_OK;
}

int fl_accounts_enrol(struct fl_accounts *acc, struct fl_span token, int64_t now_us, char *ret,
                      struct fl_err *err)
{
    unsigned char secret[FL_TOTP_SECRET_BYTES], sealed[FL_ACC_SEALED_BYTES];
    struct fl_acc_live live;
    int r = fl_acc_live(acc, token, now_us, &live, err);

    if (r == 0)
        r = may_enrol(&live, now_us, err);
    if (r < 0)
        return r;
    fl_random(secret, sizeof secret);
    r = fl_acc_seal(acc, live.view.user, secret, sealed, err);
    if (r == 0)
        r = fl_acc_begin(acc, err);
    if (r == 0) {
        r = fl_acc_run(acc, err, "UPDATE sessions SET pending = ?2 WHERE number = ?1", "ib",
                       (int64_t)live.view.number, fl_span_of(sealed, sizeof sealed));
        r = fl_acc_end(acc, r, err);
    }
    if (r >= 0)
        fl_base32(fl_span_of(secret, sizeof secret), ret);
    explicit_bzero(secret, sizeof secret);
    return r < 0 ? r : FL_OK;
}

/* In a transaction. */
static int keep_factor(struct fl_accounts *acc, const struct fl_acc_live *live, int64_t step,
                       int64_t now_us, struct fl_session *ret, struct fl_err *err)
{
    char codes[sizeof ret->codes];
    int64_t number = (int64_t)live->view.number;
    int r =
        fl_acc_run(acc, err, "UPDATE accounts SET totp = ?2, totp_step = ?3 WHERE user = ?1", "ibi",
                   (int64_t)live->view.user, fl_span_of(live->pending, live->pending_len), step);

    if (r >= 0)
        r = fl_acc_run(acc, err, "UPDATE sessions SET pending = x'' WHERE number = ?1", "i",
                       number);
    if (r >= 0)
        r = new_codes(acc, live->view.user, codes, sizeof codes, err);
    if (r >= 0)
        r = fl_acc_end_others(acc, live->view.user, live->view.number, err);
    if (r >= 0)
        r = pass_code(acc, live, now_us, ret, err);
    if (r >= 0)
        memcpy(ret->codes, codes, sizeof codes);
    explicit_bzero(codes, sizeof codes);
    return r < 0 ? r : 1;
}

static int confirm_in(struct fl_accounts *acc, const struct fl_acc_live *live, struct fl_span code,
                      int64_t now_us, struct fl_session *ret, bool *ret_locked, struct fl_err *err)
{
    struct fl_acc_row row;
    bool is_free = false;
    int64_t step = 0;
    int r = begin_try(acc, live->view.user, now_us, &row, &is_free, err);

    if (r <= 0)
        return r;
    r = is_free ? try_totp(acc, live->view.user, fl_span_of(live->pending, live->pending_len), code,
                           now_us, -1, &step, err)
                : 0;
    if (r == 0)
        *ret_locked = is_free && row.view.failures == FL_TRIES_MAX;
    return r <= 0 ? r : keep_factor(acc, live, step, now_us, ret, err);
}

int fl_accounts_confirm(struct fl_accounts *acc, struct fl_span token, struct fl_span code,
                        int64_t now_us, struct fl_session *ret, bool *ret_locked,
                        struct fl_err *err)
{
    struct fl_acc_live live;
    bool locked = false;
    int r = fl_acc_live(acc, token, now_us, &live, err);

    if (r == 0)
        r = may_enrol(&live, now_us, err);
    if (r == 0 && live.pending_len == 0)
        r = fl_err_set(err, FL_E_INVAL, "begin with a new second factor first");
    if (r == 0)
        r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    r = fl_acc_end(acc, confirm_in(acc, &live, code, now_us, ret, &locked, err), err);
    if (r >= 0)
        *ret_locked = locked;
    return r == 0 ? wrong_code(err) : r < 0 ? r : FL_OK;
}
