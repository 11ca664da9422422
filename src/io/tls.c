/*
 * The private key of the server lies in another process, so OpenSSL must ask us for signatures.
 * The ways to do that in OpenSSL 3.0 are a provider (a plug-in of several hundred lines whose key
 * management must be complete) or an EC_KEY_METHOD, which is three calls, deprecated and still
 * there. It is used in this file alone; libssl falls back to it because a key with a foreign
 * method is not exported to the providers.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "io/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/tls_wire.h"

enum {
    PEM_CHAIN_MAX = 8,
    RECORD_BYTES = 16 * 1024,
    PEER_CHAIN_BYTES = 16 * 1024,
    TICKET_LIFE_S = 2 * 3600
};

static const char CIPHERS_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char CIPHERS_13[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

struct fl_tls_ctx {
    SSL_CTX *ssl;
    unsigned refs;
    struct fl_tls_server_config server; /* its spans are not used after creation */
    bool check_ca, check_fingerprint;   /* client */
    unsigned char fingerprint[FL_TLS_FINGERPRINT_BYTES];
    struct fl_tls_ca *ca;
    struct fl_tls_input input; /* of all its connections */
};

struct fl_tls {
    SSL *ssl;
    struct fl_tls_wire wire;
    struct fl_tls_ctx *ctx;
    void *peer;
    const char *refused; /* why we refused the other end; NULL = we did not */
    char version[96];
};

struct fl_tls_ca {
    X509_STORE *store;
};

/* The newest reason on OpenSSL's queue, which is then emptied. */
static const char *ssl_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

    ERR_clear_error();
    return text == NULL ? "no reason given" : text;
}

/* ---- certificates ---- */

static BIO *bio_of(struct fl_span pem)
{
    return pem.len > INT32_MAX ? NULL : BIO_new_mem_buf(pem.ptr, (int)pem.len);
}

static X509 *read_cert(BIO *bio)
{
    X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);

    ERR_clear_error(); /* "no start line" at the end of the file is no failure */
    return cert;
}

static void printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void describe(X509 *leaf, STACK_OF(X509) * chain, struct fl_tls_cert *ret)
{
    unsigned int len = 0;

    *ret = (struct fl_tls_cert){.leaf = leaf, .chain = chain};
    (void)X509_digest(leaf, EVP_sha256(), ret->fingerprint, &len);
    (void)X509_NAME_oneline(X509_get_subject_name(leaf), ret->subject, sizeof(ret->subject));
    printable(ret->subject);
    ret->expired = X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0;
}

int fl_tls_ca_new(struct fl_span pem, struct fl_tls_ca **ret, struct fl_err *err)
{
    BIO *bio = bio_of(pem);
    X509 *cert = read_cert(bio);
    struct fl_tls_ca *ca = NULL;
    int rc = FL_OK;

    if (cert == NULL)
        rc = fl_err_set(err, FL_E_INVAL, "the authority is not a PEM certificate");
    else if (X509_check_ca(cert) == 0)
        rc = fl_err_set(err, FL_E_INVAL, "the certificate is not one of an authority (CA:TRUE)");
    else if ((ca = calloc(1, sizeof(*ca))) == NULL || (ca->store = X509_STORE_new()) == NULL ||
             X509_STORE_add_cert(ca->store, cert) != 1)
        rc = fl_err_set(err, FL_E_NOMEM, "no memory for a certificate authority");
    X509_free(cert);
    BIO_free(bio);
    if (rc != FL_OK) {
        fl_tls_ca_free(ca);
        return rc;
    }
    *ret = ca;
    return FL_OK;
}

void fl_tls_ca_free(struct fl_tls_ca *ca)
{
    if (ca == NULL)
        return;
    X509_STORE_free(ca->store);
    free(ca);
}

/* CA signature, validity times, and the use that the certificate was made for. */
static bool issued(struct fl_tls_ca *ca, X509 *leaf, STACK_OF(X509) * chain, int purpose)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool ok = false;

    if (ctx != NULL && X509_STORE_CTX_init(ctx, ca->store, leaf, chain) == 1) {
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
        ok = X509_STORE_CTX_set_purpose(ctx, purpose) == 1 && X509_verify_cert(ctx) == 1;
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

bool fl_tls_ca_issued(struct fl_tls_ca *ca, const struct fl_tls_cert *cert)
{
    /* the constness is the caller's view; OpenSSL only reads */
    union {
        const void *in;
        void *out;
    } leaf = {.in = cert->leaf}, chain = {.in = cert->chain};

    return issued(ca, leaf.out, chain.out, X509_PURPOSE_SSL_CLIENT);
}

/* Server side: the identity table decides, not a list of authorities. */
static int ask_admit(X509_STORE_CTX *store, void *arg)
{
    static const struct {
        int error;
        const char *text;
    } refusal[] = {
        [FL_TLS_ADMIT] = {X509_V_OK, NULL},
        [FL_TLS_UNKNOWN] = {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unknown certificate"},
        [FL_TLS_REVOKED] = {X509_V_ERR_CERT_REVOKED, "revoked certificate"},
        [FL_TLS_EXPIRED] = {X509_V_ERR_CERT_HAS_EXPIRED, "expired certificate"},
    };
    const struct fl_tls_ctx *ctx = arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct fl_tls *tls = SSL_get_app_data(ssl);
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    struct fl_tls_cert cert;
    enum fl_tls_verdict verdict = FL_TLS_UNKNOWN;

    if (leaf != NULL) {
        describe(leaf, X509_STORE_CTX_get0_untrusted(store), &cert);
        verdict = ctx->server.admit(ctx->server.ctx, tls->peer, &cert);
    }
    tls->refused = refusal[verdict].text;
    X509_STORE_CTX_set_error(store, refusal[verdict].error);
    return verdict == FL_TLS_ADMIT;
}

/* Client side. */
static int check_server(X509_STORE_CTX *store, void *arg)
{
    const struct fl_tls_ctx *ctx = arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct fl_tls *tls = SSL_get_app_data(ssl);
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    struct fl_tls_cert cert;

    describe(leaf, NULL, &cert);
    if (ctx->check_fingerprint &&
        memcmp(cert.fingerprint, ctx->fingerprint, sizeof(cert.fingerprint)) != 0)
        tls->refused = "the server's certificate has another fingerprint";
    else if (ctx->check_ca &&
             !issued(ctx->ca, leaf, X509_STORE_CTX_get0_untrusted(store), X509_PURPOSE_SSL_SERVER))
        tls->refused = "the server's certificate is not from the given authority, or not valid now";
    X509_STORE_CTX_set_error(store, tls->refused == NULL ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
    return tls->refused == NULL;
}

/* ---- the key that is elsewhere ---- */

static int key_index(void)
{
    static int index = -1;

    if (index < 0)
        index = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

static int ask_sign(const EC_KEY *key, const unsigned char *digest, int len, unsigned char *sig,
                    size_t *ret_len)
{
    const struct fl_tls_ctx *ctx = EC_KEY_get_ex_data(key, key_index());
    struct fl_err err;

    if (ctx == NULL || len <= 0)
        return 0;
    if (ctx->server.sign(ctx->server.ctx, fl_span_of(digest, (size_t)len), sig, ret_len, &err) ==
        FL_OK)
        return 1;
    ERR_raise_data(ERR_LIB_USER, 1, "%s", err.text);
    return 0;
}

static int key_sign(int type, const unsigned char *digest, int len, unsigned char *sig,
                    unsigned int *ret_len, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
    unsigned char der[FL_TLS_SIGNATURE_MAX];
    size_t n = 0;

    (void)type;
    (void)kinv;
    (void)r;
    if (!ask_sign(key, digest, len, der, &n) || n > (size_t)ECDSA_size(key))
        return 0;
    memcpy(sig, der, n);
    *ret_len = (unsigned int)n;
    return 1;
}

static ECDSA_SIG *key_sign_sig(const unsigned char *digest, int len, const BIGNUM *kinv,
                               const BIGNUM *r, EC_KEY *key)
{
    unsigned char der[FL_TLS_SIGNATURE_MAX];
    const unsigned char *at = der;
    size_t n = 0;

    (void)kinv;
    (void)r;
    return ask_sign(key, digest, len, der, &n) ? d2i_ECDSA_SIG(NULL, &at, (long)n) : NULL;
}

static const EC_KEY_METHOD *key_method(void)
{
    static EC_KEY_METHOD *method; /* for the life of the process */

    if (method == NULL && (method = EC_KEY_METHOD_new(EC_KEY_OpenSSL())) != NULL)
        EC_KEY_METHOD_set_sign(method, key_sign, NULL, key_sign_sig);
    return method;
}

/* A private key whose public half is the certificate's and whose private half is the callback. */
static EVP_PKEY *key_elsewhere(struct fl_tls_ctx *ctx, X509 *cert)
{
    EC_KEY *shown = EVP_PKEY_get1_EC_KEY(X509_get0_pubkey(cert));
    EC_KEY *key = shown == NULL ? NULL : EC_KEY_dup(shown);
    EVP_PKEY *pkey = EVP_PKEY_new();
    const EC_KEY_METHOD *method = key_method();

    EC_KEY_free(shown);
    if (key == NULL || pkey == NULL || method == NULL || EC_KEY_set_method(key, method) != 1 ||
        EC_KEY_set_ex_data(key, key_index(), ctx) != 1 || EVP_PKEY_assign_EC_KEY(pkey, key) != 1) {
        EC_KEY_free(key);
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

/* ---- contexts ---- */

void fl_tls_ctx_free(struct fl_tls_ctx *ctx)
{
    if (ctx == NULL || --ctx->refs > 0)
        return;
    SSL_CTX_free(ctx->ssl);
    fl_tls_ca_free(ctx->ca);
    fl_tls_input_done(&ctx->input);
    free(ctx);
}

static int ctx_new(const SSL_METHOD *method, struct fl_tls_ctx **ret, struct fl_err *err)
{
    struct fl_tls_ctx *ctx = calloc(1, sizeof(*ctx));
    char groups[] = "X25519:P-256:P-384"; /* the macro casts const away */

    if (ctx == NULL) {
        (void)fl_err_set(err, FL_E_NOMEM, "no memory for TLS");
        return FL_E_NOMEM;
    }
    ctx->refs = 1;
    ctx->ssl = SSL_CTX_new(method);
    if (ctx->ssl == NULL || SSL_CTX_set_min_proto_version(ctx->ssl, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx->ssl, CIPHERS_12) != 1 ||
        SSL_CTX_set_ciphersuites(ctx->ssl, CIPHERS_13) != 1 ||
        SSL_CTX_set1_groups_list(ctx->ssl, groups) != 1) {
        fl_tls_ctx_free(ctx);
        (void)fl_err_set(err, FL_E_IO, "preparing TLS: %s", ssl_reason());
        return FL_E_IO;
    }
    SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                      SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                      SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx->ssl, 0);
    SSL_CTX_set_max_cert_list(ctx->ssl, PEER_CHAIN_BYTES);
    *ret = ctx;
    return FL_OK;
}

static int use_chain(struct fl_tls_ctx *ctx, struct fl_span pem, X509 **ret_leaf,
                     struct fl_err *err)
{
    BIO *bio = bio_of(pem);
    X509 *leaf = read_cert(bio);
    X509 *next;
    int rc = FL_OK;
    int count = 0;

    if (leaf == NULL || SSL_CTX_use_certificate(ctx->ssl, leaf) != 1)
        rc = fl_err_set(err, FL_E_INVAL, "the certificate cannot be used: %s", ssl_reason());
    while (rc == FL_OK && (next = read_cert(bio)) != NULL) {
        if (++count > PEM_CHAIN_MAX || SSL_CTX_add0_chain_cert(ctx->ssl, next) != 1) {
            X509_free(next);
            rc = fl_err_set(err, FL_E_INVAL, "the certificate chain cannot be used");
        }
    }
    BIO_free(bio);
    if (rc != FL_OK) {
        X509_free(leaf);
        return rc;
    }
    *ret_leaf = leaf;
    return FL_OK;
}

/* RFC 7301: a client that offers protocols and not ours goes on without; it will find out. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *ret_len,
                           const unsigned char *in, unsigned int len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof ours - 1, in, len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A browser opens connections all the time: tickets spare it, and the keys role, a signature. */
static int serve_web(struct fl_tls_ctx *ctx, struct fl_err *err)
{
    static const unsigned char id[] = "fairlead-web";

    SSL_CTX_clear_options(ctx->ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS); /* most connections are idle */
    (void)SSL_CTX_set_timeout(ctx->ssl, TICKET_LIFE_S);
    SSL_CTX_set_alpn_select_cb(ctx->ssl, choose_protocol, NULL);
    if (SSL_CTX_set_num_tickets(ctx->ssl, 1) != 1 ||
        SSL_CTX_set_session_id_context(ctx->ssl, id, sizeof id - 1) != 1)
        return fl_err_set(err, FL_E_IO, "preparing TLS: %s", ssl_reason());
    return FL_OK;
}

int fl_tls_server_new(const struct fl_tls_server_config *config, struct fl_tls_ctx **ret,
                      struct fl_err *err)
{
    struct fl_tls_ctx *ctx = NULL;
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    int rc = ctx_new(TLS_server_method(), &ctx, err);

    if (rc != FL_OK)
        return rc;
    ctx->server = *config;
    rc = use_chain(ctx, config->chain_pem, &leaf, err);
    if (rc == FL_OK) {
        key = key_elsewhere(ctx, leaf);
        if (key == NULL || SSL_CTX_use_PrivateKey(ctx->ssl, key) != 1)
            rc = fl_err_set(err, FL_E_INVAL, "the server's certificate has no usable EC key: %s",
                            ssl_reason());
    }
    EVP_PKEY_free(key);
    X509_free(leaf);
    if (rc == FL_OK && config->web && !config->mutual)
        rc = serve_web(ctx, err);
    if (rc != FL_OK) {
        fl_tls_ctx_free(ctx);
        return rc;
    }
    if (config->mutual) {
        SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_cert_verify_callback(ctx->ssl, ask_admit, ctx);
    }
    *ret = ctx;
    return FL_OK;
}

static int use_own(struct fl_tls_ctx *ctx, const struct fl_tls_client_config *config,
                   struct fl_err *err)
{
    X509 *leaf = NULL;
    BIO *bio;
    EVP_PKEY *key;
    int rc = use_chain(ctx, config->cert_pem, &leaf, err);

    X509_free(leaf);
    if (rc != FL_OK)
        return rc;
    bio = bio_of(config->key_pem);
    key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (key == NULL || SSL_CTX_use_PrivateKey(ctx->ssl, key) != 1)
        rc = fl_err_set(err, FL_E_INVAL, "the private key cannot be used with the certificate: %s",
                        ssl_reason());
    EVP_PKEY_free(key);
    return rc;
}

int fl_tls_client_new(const struct fl_tls_client_config *config, struct fl_tls_ctx **ret,
                      struct fl_err *err)
{
    struct fl_tls_ctx *ctx = NULL;
    int rc = ctx_new(TLS_client_method(), &ctx, err);

    if (rc != FL_OK)
        return rc;
    ctx->check_ca = config->ca_pem.len > 0;
    ctx->check_fingerprint = config->server_fingerprint.len > 0;
    if (!ctx->check_ca && !ctx->check_fingerprint)
        rc = fl_err_set(err, FL_E_INVAL,
                        "the server must be checked: give its authority or its fingerprint");
    else if (ctx->check_fingerprint && config->server_fingerprint.len != FL_TLS_FINGERPRINT_BYTES)
        rc = fl_err_set(err, FL_E_INVAL, "a fingerprint has %d bytes", FL_TLS_FINGERPRINT_BYTES);
    if (rc == FL_OK && ctx->check_fingerprint)
        memcpy(ctx->fingerprint, config->server_fingerprint.ptr, FL_TLS_FINGERPRINT_BYTES);
    if (rc == FL_OK && ctx->check_ca)
        rc = fl_tls_ca_new(config->ca_pem, &ctx->ca, err);
    if (rc == FL_OK && config->cert_pem.len > 0)
        rc = use_own(ctx, config, err);
    if (rc != FL_OK) {
        fl_tls_ctx_free(ctx);
        return rc;
    }
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx->ssl, check_server, ctx);
    *ret = ctx;
    return FL_OK;
}

/* ---- connections ---- */

static int tls_new(struct fl_tls_ctx *ctx, int fd, void *peer, struct fl_tls **ret,
                   struct fl_err *err)
{
    struct fl_tls *tls = calloc(1, sizeof(*tls));
    BIO *bio = NULL;

    if (tls != NULL) {
        tls->wire = (struct fl_tls_wire){.fd = fd, .input = &ctx->input};
        tls->ssl = SSL_new(ctx->ssl);
        bio = fl_tls_wire_bio(&tls->wire);
    }
    if (tls == NULL || tls->ssl == NULL || bio == NULL) {
        if (tls != NULL)
            SSL_free(tls->ssl);
        BIO_free(bio);
        free(tls);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a TLS connection: %s", ssl_reason());
    }
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_app_data(tls->ssl, tls);
    tls->ctx = ctx;
    tls->peer = peer;
    ctx->refs++;
    *ret = tls;
    return FL_OK;
}

int fl_tls_accept(struct fl_tls_ctx *ctx, int fd, void *peer, struct fl_tls **ret,
                  struct fl_err *err)
{
    int rc = tls_new(ctx, fd, peer, ret, err);

    if (rc == FL_OK)
        SSL_set_accept_state((*ret)->ssl);
    return rc;
}

int fl_tls_connect(struct fl_tls_ctx *ctx, int fd, struct fl_tls **ret, struct fl_err *err)
{
    int rc = tls_new(ctx, fd, NULL, ret, err);

    if (rc == FL_OK)
        SSL_set_connect_state((*ret)->ssl);
    return rc;
}

void fl_tls_free(struct fl_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    fl_tls_wire_done(&tls->wire);
    fl_tls_ctx_free(tls->ctx);
    free(tls);
    ERR_clear_error();
}

/* Alerts by which the other side refuses our certificate, in words for the person who sent it. */
static const char *refusal_of(int reason)
{
    switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return "the other side does not know this certificate";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return "the other side says that this certificate was revoked";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return "the other side says that this certificate has expired";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: /* TLS 1.2 when no certificate was given */
        return "the other side requires a certificate";
    default:
        return NULL;
    }
}

static int protocol_error(struct fl_tls *tls, struct fl_err *err)
{
    unsigned long code = ERR_peek_last_error();
    const char *data = NULL;
    const char *refusal =
        ERR_GET_LIB(code) == ERR_LIB_SSL ? refusal_of(ERR_GET_REASON(code)) : NULL;

    if (tls->refused != NULL) {
        ERR_clear_error();
        return fl_err_set(err, FL_E_DENIED, "%s", tls->refused);
    }
    if (ERR_GET_REASON(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE &&
        ERR_GET_LIB(code) == ERR_LIB_SSL)
        refusal = "no client certificate";
    if (refusal != NULL) {
        ERR_clear_error();
        return fl_err_set(err, FL_E_DENIED, "%s", refusal);
    }
    for (unsigned long each; (each = ERR_get_error_all(NULL, NULL, NULL, &data, NULL)) != 0;)
        if (ERR_GET_LIB(each) == ERR_LIB_USER && data != NULL) {
            fl_err_set(err, FL_E_IO, "signing the handshake: %s", data);
            ERR_clear_error();
            return FL_E_IO;
        }
    {
        const char *text = ERR_reason_error_string(code);

        return fl_err_set(err, FL_E_PROTO, "TLS: %s", text == NULL ? "no reason given" : text);
    }
}

static int failed(struct fl_tls *tls, int ret, enum fl_tls_want *ret_want, struct fl_err *err)
{
    int errnum = errno;

    switch (SSL_get_error(tls->ssl, ret)) {
    case SSL_ERROR_WANT_READ:
        *ret_want = FL_TLS_WANT_READ;
        return fl_err_set(err, FL_E_AGAIN, "waiting for the peer");
    case SSL_ERROR_WANT_WRITE:
        *ret_want = FL_TLS_WANT_WRITE;
        return fl_err_set(err, FL_E_AGAIN, "waiting for room to write");
    case SSL_ERROR_ZERO_RETURN:
        return fl_err_set(err, FL_E_IO, "the peer ended the connection");
    case SSL_ERROR_SSL:
        return protocol_error(tls, err);
    default:
        ERR_clear_error();
        if (errnum == 0)
            return fl_err_set(err, FL_E_IO, "the peer closed the connection");
        return fl_err_sys(err, FL_E_IO, errnum, "connection");
    }
}

int fl_tls_handshake(struct fl_tls *tls, enum fl_tls_want *ret_want, struct fl_err *err)
{
    int ret;

    ERR_clear_error();
    errno = 0;
    ret = SSL_do_handshake(tls->ssl);
    return ret == 1 ? FL_OK : failed(tls, ret, ret_want, err);
}

int fl_tls_read(struct fl_tls *tls, void *buf, size_t cap, size_t *ret_n,
                enum fl_tls_want *ret_want, struct fl_err *err)
{
    size_t n = 0;
    int ret;

    if (ERR_peek_error() != 0)
        ERR_clear_error();
    errno = 0;
    tls->wire.wanted = cap;
    ret = SSL_read_ex(tls->ssl, buf, cap, &n);
    if (ret != 1 && SSL_get_error(tls->ssl, ret) == SSL_ERROR_ZERO_RETURN) {
        *ret_n = 0;
        return FL_OK;
    }
    if (ret != 1) {
        int rc = failed(tls, ret, ret_want, err);

        if (rc == FL_E_AGAIN)
            (void)SSL_free_buffers(tls->ssl); /* 16 KiB that come back with the next record */
        return rc;
    }
    *ret_n = n;
    return FL_OK;
}

bool fl_tls_pending(const struct fl_tls *tls)
{
    return SSL_has_pending(tls->ssl) == 1 || fl_tls_wire_waits(&tls->wire);
}

int fl_tls_write(struct fl_tls *tls, struct fl_span bytes, size_t *ret_n,
                 enum fl_tls_want *ret_want, struct fl_err *err)
{
    size_t n = 0;
    int ret;

    ERR_clear_error();
    errno = 0;
    ret =
        SSL_write_ex(tls->ssl, bytes.ptr, bytes.len > RECORD_BYTES ? RECORD_BYTES : bytes.len, &n);
    if (ret != 1)
        return failed(tls, ret, ret_want, err);
    *ret_n = n;
    return FL_OK;
}

void fl_tls_end(struct fl_tls *tls)
{
    ERR_clear_error();
    if (SSL_is_init_finished(tls->ssl))
        (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

const char *fl_tls_version(struct fl_tls *tls)
{
    const char *cipher = SSL_get_cipher_name(tls->ssl);

    (void)snprintf(tls->version, sizeof(tls->version), "%s %s", SSL_get_version(tls->ssl), cipher);
    return tls->version;
}
