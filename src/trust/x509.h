/* x509.h - what cert.c and ca.c share of OpenSSL; included by nobody else. */
#ifndef FL_TRUST_X509_H
#define FL_TRUST_X509_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "trust/cert.h"

static inline void fl_x509_freep(X509 **p)
{
    X509_free(*p);
}
static inline void fl_req_freep(X509_REQ **p)
{
    X509_REQ_free(*p);
}
static inline void fl_pkey_freep(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}
static inline void fl_bio_freep(BIO **p)
{
    BIO_free(*p);
}

/* FL_E_NOMEM or code, with what OpenSSL says; its queue of errors is emptied. */
int fl_x509_error(struct fl_err *err, int code, const char *what);

/* One certificate, one request; the caller frees. */
int fl_x509_read(struct fl_span pem, X509 **ret, struct fl_err *err) FL_MUST_CHECK;
int fl_x509_read_request(struct fl_span pem, X509_REQ **ret, struct fl_err *err) FL_MUST_CHECK;

/* Strong enough? ret (24 bytes, or NULL) gets its name. */
int fl_x509_check_key(EVP_PKEY *key, char *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_x509_info(X509 *cert, struct fl_cert_info *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_x509_fingerprint(X509 *cert, unsigned char *ret, struct fl_err *err) FL_MUST_CHECK;

int fl_x509_put_pem(X509 *cert, struct fl_buf *out, struct fl_err *err) FL_MUST_CHECK;
/* What was written into a memory BIO. */
int fl_x509_drain(BIO *bio, struct fl_buf *out, struct fl_err *err) FL_MUST_CHECK;

#endif
