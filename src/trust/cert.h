/*
 * cert.h - certificates, certificate requests and keys that came from outside, read with limits.
 *
 * PEM in, one object, no passwords, no more than FL_CERT_PEM_MAX bytes. Keys must be EC on P-256 or
 * P-384 (named curves) or RSA of 2048 to 8192 bits. The identity of a certificate is the SHA-256 of
 * its DER form.
 */
#ifndef FL_TRUST_CERT_H
#define FL_TRUST_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_CERT_PEM_MAX           ((size_t)16 * 1024)
#define FL_CERT_FINGERPRINT_BYTES 32
#define FL_CERT_SUBJECT_MAX       255

struct fl_cert_info {
    unsigned char fingerprint[FL_CERT_FINGERPRINT_BYTES];
    char subject[FL_CERT_SUBJECT_MAX + 1]; /* RFC 4514, cut where it is longer */
    char key[24];                          /* "P-256", "RSA 2048" */
    int64_t not_before_us, not_after_us;
    bool is_ca; /* basicConstraints says so, and keyUsage, where it is there, allows it */
};

/* FL_E_INVAL with a text for the user: no certificate, more than one, a weak key. FL_E_LIMIT. */
int fl_cert_read(struct fl_span pem, struct fl_cert_info *ret, struct fl_err *err) FL_MUST_CHECK;

/* A device's certificate made elsewhere, to be pinned: as above, and not over its time. */
int fl_cert_check_pinned(struct fl_span pem, int64_t now_us, struct fl_cert_info *ret,
                         struct fl_err *err) FL_MUST_CHECK;

/* A tenant's own CA: as above, and a CA. */
int fl_cert_check_ca(struct fl_span pem, int64_t now_us, struct fl_cert_info *ret,
                     struct fl_err *err) FL_MUST_CHECK;

/*
 * For who wants a certificate (the command line): a new P-256 key and a request for it. The key
 * never passes the server. key_pem (PKCS#8, not encrypted) is the caller's to wipe.
 */
int fl_cert_make_request(const char *name, struct fl_buf *key_pem, struct fl_buf *csr_pem,
                         struct fl_err *err) FL_MUST_CHECK;

/* 64 hex digits, lower case; ret holds 65 bytes. */
void fl_cert_fingerprint_text(const unsigned char fingerprint[FL_CERT_FINGERPRINT_BYTES],
                              char *ret);
/* 64 hex digits with or without colons, either case. */
bool fl_cert_fingerprint_parse(struct fl_span text, unsigned char ret[FL_CERT_FINGERPRINT_BYTES]);

#endif
