/*
 * receipt.h - the receipt of an erasure: one line of JSON that anyone can check.
 *
 *   {"receipt":7,"at":"2026-11-22T09:12:44.120345Z","facts":{...},"key":"<64 hex>",
 *    "signature":"<128 hex>"}                                        (written without line breaks)
 *
 * The signature is Ed25519 (RFC 8032) over "fairlead erasure receipt v1\n" and the bytes of the
 * line up to, but without, `,"signature":`. The key is that of the certificates of destruction,
 * whose public part `fairlead status` shows.
 */
#ifndef FL_TRUST_RECEIPT_H
#define FL_TRUST_RECEIPT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_RECEIPT_PUBLIC_BYTES 32
#define FL_RECEIPT_SECRET_BYTES 64

/* Append the line, without a newline. facts: a JSON object. FL_E_INVAL, FL_E_LIMIT. */
int fl_receipt_make(uint64_t number, int64_t at_us, struct fl_span facts,
                    const unsigned char secret[FL_RECEIPT_SECRET_BYTES], struct fl_buf *out,
                    struct fl_err *err) FL_MUST_CHECK;

/*
 * Check a line (a newline behind it is no matter). FL_E_CORRUPT: not a receipt; FL_E_DENIED: the
 * signature does not fit. ret_public: the key that it names, which the caller compares with the
 * instance's.
 */
int fl_receipt_verify(struct fl_span line, unsigned char ret_public[FL_RECEIPT_PUBLIC_BYTES],
                      struct fl_err *err) FL_MUST_CHECK;

#endif
