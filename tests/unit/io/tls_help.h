/* tls_help.h - certificates for tests: a P-256 key and a certificate, signed by another or itself.
 */
#ifndef FL_TESTS_TLS_HELP_H
#define FL_TESTS_TLS_HELP_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/span.h"

struct made {
    EVP_PKEY *key;
    X509 *cert;
    char cert_pem[2048], key_pem[512];
    unsigned char fingerprint[32];
};

struct made_how {
    const char *name;
    const struct made *issuer; /* NULL: itself */
    bool ca;
    const char *use;  /* extendedKeyUsage; NULL: none */
    long valid_for_s; /* from now; negative: has expired */
};

static inline void pem_text(BIO *bio, char *to, size_t size)
{
    int n = BIO_read(bio, to, (int)size - 1);

    to[n < 0 ? 0 : n] = '\0';
    BIO_free(bio);
}

static inline void put_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
}

static inline struct made make_cert(struct made_how how)
{
    static long serial = 1;
    struct made m = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
    X509_NAME *name = X509_get_subject_name(m.cert);
    unsigned len;
    BIO *bio;

    X509_set_version(m.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(m.cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(m.cert), -7200);
    X509_gmtime_adj(X509_getm_notAfter(m.cert), how.valid_for_s);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)how.name, -1, -1,
                               0);
    X509_set_issuer_name(m.cert,
                         how.issuer == NULL ? name : X509_get_subject_name(how.issuer->cert));
    X509_set_pubkey(m.cert, m.key);
    put_extension(m.cert, NID_basic_constraints, how.ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (how.use != NULL)
        put_extension(m.cert, NID_ext_key_usage, how.use);
    X509_sign(m.cert, how.issuer == NULL ? m.key : how.issuer->key, EVP_sha256());
    X509_digest(m.cert, EVP_sha256(), m.fingerprint, &len);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, m.cert);
    pem_text(bio, m.cert_pem, sizeof(m.cert_pem));
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, m.key, NULL, NULL, 0, NULL, NULL);
    pem_text(bio, m.key_pem, sizeof(m.key_pem));
    return m;
}

static inline void made_done(struct made *m)
{
    EVP_PKEY_free(m->key);
    X509_free(m->cert);
}

/* What the keys role does: DER ECDSA over a digest. */
static inline int made_sign(const struct made *m, struct fl_span digest, unsigned char *sig,
                            size_t *ret_len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(m->key, NULL);
    size_t len = 256;
    int ok =
        EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, sig, &len, digest.ptr, digest.len) == 1;

    EVP_PKEY_CTX_free(ctx);
    *ret_len = len;
    return ok;
}

#endif
