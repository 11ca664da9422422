/*
 * hook.h - one webhook: JSON sent by POST, signed so that the receiver knows whose it is (fetch.h).
 *
 *   X-Fairlead-Id: NUMBER            the same when it is sent again
 *   X-Fairlead-Signature: t=SECONDS,v1=HEX
 *
 * HEX is HMAC-SHA-256 (RFC 2104) with the tenant's key, as its hex digits stand, over
 * "SECONDS.BODY". The receiver computes it anew, compares without looking away early, and refuses
 * times that are minutes old. Blocks: for a thread of its own.
 */
#ifndef FL_IO_HOOK_H
#define FL_IO_HOOK_H

#include "io/fetch.h"

#define FL_HOOK_SIGNATURE_MAX 100u
#define FL_HOOK_ANSWER_MAX    400u

struct fl_hook {
    struct fl_span url;
    struct fl_span id; /* of letters, digits, . and - */
    struct fl_span body;
    struct fl_span secret;
    int64_t now_us;
    const struct fl_outside *to;
    const atomic_bool *stop;
};

/* "t=...,v1=..." */
int fl_hook_sign(struct fl_span secret, struct fl_span body, int64_t now_us,
                 char ret[FL_HOOK_SIGNATURE_MAX], struct fl_err *err) FL_MUST_CHECK;

/*
 * FL_OK: it answered 2xx; answer is status and first words of what it said. *ret_again: a failure
 * that may pass (not reached, 408, 425, 429, 5xx); *ret_retry_s: what it asks to wait.
 */
int fl_hook_send(const struct fl_hook *hook, char ret_answer[FL_HOOK_ANSWER_MAX + 1],
                 bool *ret_again, uint32_t *ret_retry_s, struct fl_err *err) FL_MUST_CHECK;

#endif
