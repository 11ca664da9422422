/*
 * wrap.h - one key wrapped by another: AES-256-GCM, a random nonce, and what it is bound to.
 *
 * Layout: 12 bytes nonce, the ciphertext, 16 bytes tag. A wrapping key of Fairlead wraps far fewer
 * than 2^32 things in its life, which is what random nonces allow (NIST SP 800-38D, 8.3).
 */
#ifndef FL_TRUST_WRAP_H
#define FL_TRUST_WRAP_H

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "trust/keyring.h"

#define FL_WRAP_EXTRA     28 /* bytes more than the plain text: nonce and tag */
#define FL_WRAP_KEY_BYTES (FL_KEY_BYTES + FL_WRAP_EXTRA)

/* ret holds plain.len + FL_WRAP_EXTRA bytes. bound (the AAD) must be given again to open. */
int fl_wrap_seal(const unsigned char key[FL_KEY_BYTES], struct fl_span bound, struct fl_span plain,
                 unsigned char *ret, struct fl_err *err) FL_MUST_CHECK;

/* ret holds sealed.len - FL_WRAP_EXTRA bytes, and is wiped on failure. FL_E_CORRUPT: not sealed by
 * this key for this use, or changed since. */
int fl_wrap_open(const unsigned char key[FL_KEY_BYTES], struct fl_span bound, struct fl_span sealed,
                 unsigned char *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
