/*
 * aead.h - AES-256-GCM, SHA-256, HMAC-SHA-256: the cryptography of bytes at rest, through OpenSSL.
 *
 * A nonce must never be used twice with one key; callers count theirs within a file that has its
 * own random key. Keys are the caller's to wipe; fl_aead_free() wipes what OpenSSL kept.
 */
#ifndef FL_IO_AEAD_H
#define FL_IO_AEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

#define FL_AEAD_KEY_BYTES   32
#define FL_AEAD_NONCE_BYTES 12
#define FL_AEAD_TAG_BYTES   16
#define FL_SHA256_BYTES     32

struct fl_aead; /* a cipher context for reuse: no allocation per call; one thread at a time */

int fl_aead_new(struct fl_aead **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_aead_free(struct fl_aead *aead); /* NULL is allowed */
void fl_aead_freep(struct fl_aead **aead);

/*
 * Encrypt in to out (as long as in; the same memory is allowed) and write the tag. At most 1 GiB of
 * in and of aad. NIST SP 800-38D.
 */
int fl_aead_seal(struct fl_aead *aead, const unsigned char key[FL_AEAD_KEY_BYTES],
                 const unsigned char nonce[FL_AEAD_NONCE_BYTES], struct fl_span aad,
                 struct fl_span in, unsigned char *ret_out,
                 unsigned char ret_tag[FL_AEAD_TAG_BYTES], struct fl_err *err) FL_MUST_CHECK;

/* The reverse. FL_E_CORRUPT when the tag does not fit: out is zeroed then. */
int fl_aead_open(struct fl_aead *aead, const unsigned char key[FL_AEAD_KEY_BYTES],
                 const unsigned char nonce[FL_AEAD_NONCE_BYTES], struct fl_span aad,
                 struct fl_span in, unsigned char *ret_out,
                 const unsigned char tag[FL_AEAD_TAG_BYTES], struct fl_err *err) FL_MUST_CHECK;

/* These two end the process when OpenSSL has no memory. */
void fl_sha256(struct fl_span in, unsigned char ret[FL_SHA256_BYTES]);
void fl_hmac_sha256(struct fl_span key, struct fl_span in, unsigned char ret[FL_SHA256_BYTES]);

/* Are the len bytes equal? Takes the same time wherever they differ. */
bool fl_equal_ct(const void *a, const void *b, size_t len) FL_MUST_CHECK;

/* Load what OpenSSL reads from files at first use; before the sandbox takes the files away. */
void fl_crypto_warm(void);

#endif
