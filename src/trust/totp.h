/*
 * totp.h - one-time codes by time (RFC 6238 on RFC 4226): SHA-1, six digits, 30 seconds, which is
 * what the apps on telephones take. A code is taken one step early or late, and once.
 *
 * On OpenSSL's HMAC, and not on liboath: the process that holds all secrets links one library less,
 * and liboath does not tell which step a code was of without a second search.
 */
#ifndef FL_TRUST_TOTP_H
#define FL_TRUST_TOTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define FL_TOTP_SECRET_BYTES 20
#define FL_TOTP_STEP_US      (INT64_C(30) * 1000000)
#define FL_TOTP_DIGITS       6u
#define FL_TOTP_TEXT_BYTES   33 /* base32 of the secret, with NUL */

/* The code of a step with 6 to 8 digits. */
uint32_t fl_totp_code(struct fl_span secret, uint64_t step, unsigned digits);

/* Does the text (six digits; blanks around and within are passed over) fit a step of the window
 * that is later than last_step? That step is written. All are computed, whichever fits. */
bool fl_totp_fits(struct fl_span secret, struct fl_span text, int64_t now_us, int64_t last_step,
                  int64_t *ret_step);
/* Is it six digits, hence such a code? */
bool fl_totp_is_code(struct fl_span text);

/* RFC 4648, section 6, without padding. ret holds (in.len * 8 + 4) / 5 + 1 bytes. */
void fl_base32(struct fl_span in, char *ret);

#endif
