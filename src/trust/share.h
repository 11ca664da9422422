/*
 * share.h - the last line of a network of supply that is given to somebody: who gave it when, and
 * that nothing in it was changed since.
 *
 *   {"share":"acme","at":"2026-11-22T09:12:44.120345Z","sha256":"<64 hex>","key":"<64 hex>",
 *    "signature":"<128 hex>"}                                        (written without line breaks)
 *
 * The hash is that of all bytes in front of the line. The signature is Ed25519 (RFC 8032) over
 * "fairlead supply share v1\n" and the bytes of the line up to, but without, `,"signature":`. The
 * key is that of the certificates of destruction, whose public part `fairlead status` shows.
 */
#ifndef FL_TRUST_SHARE_H
#define FL_TRUST_SHARE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_SHARE_LINE_MAX 1024u

/* Append the line with a newline. tenant: a slug. */
int fl_share_make(struct fl_span tenant, int64_t at_us, const unsigned char sha256[32],
                  const unsigned char secret[64], struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;
/* Check a whole file. FL_E_CORRUPT: it has no such last line; FL_E_DENIED: it was changed.
 * ret_public: the key that it names, for comparing; ret_line: its last line. */
int fl_share_verify(struct fl_span file, unsigned char ret_public[32], struct fl_span *ret_line,
                    struct fl_err *err) FL_MUST_CHECK;

#endif
