/*
 * tls.h - TLS for syslog (RFC 5425), both sides, and for the web server: contexts, connections, and
 * who is at the other end.
 *
 * TLS 1.2 and 1.3 only; ECDHE with AES-GCM or ChaCha20-Poly1305; no renegotiation, no compression,
 * no tickets and no resumption, so that each connection proves its certificate anew (but for the
 * browsers' side, where nobody shows a certificate). The system's
 * certificate authorities are never asked. The server's private key is not in this process: a
 * callback signs (ECDSA P-256), as the keys role does it.
 * Bytes are read 64 KiB at a time into one buffer of the context, so that an idle connection holds
 * none (tls_wire.h).
 * One thread per context and its connections; nothing blocks except the signing callback.
 */
#ifndef FL_IO_TLS_H
#define FL_IO_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define FL_TLS_FINGERPRINT_BYTES 32 /* SHA-256 of the certificate's DER */
#define FL_TLS_SUBJECT_BYTES     256
#define FL_TLS_SIGNATURE_MAX     256

/* The certificate that the other end proved to own. */
struct fl_tls_cert {
    unsigned char fingerprint[FL_TLS_FINGERPRINT_BYTES];
    char subject[FL_TLS_SUBJECT_BYTES]; /* printable ASCII, the rest shown as '?' */
    bool expired;                       /* its notAfter lies before now */
    const void *leaf, *chain;           /* for fl_tls_ca_issued() */
};

enum fl_tls_verdict {
    FL_TLS_ADMIT,
    FL_TLS_UNKNOWN, /* alert unknown_ca */
    FL_TLS_REVOKED, /* alert certificate_revoked */
    FL_TLS_EXPIRED  /* alert certificate_expired */
};

/* A certificate authority that a tenant brought: certificates of this one and no other. */
struct fl_tls_ca;
/* FL_E_INVAL: not a PEM certificate, or not one of an authority. */
int fl_tls_ca_new(struct fl_span pem, struct fl_tls_ca **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_tls_ca_free(struct fl_tls_ca *ca);
/* Did ca issue cert, directly or through what the peer sent along, for TLS clients, valid now? */
bool fl_tls_ca_issued(struct fl_tls_ca *ca, const struct fl_tls_cert *cert);

struct fl_tls_server_config {
    struct fl_span chain_pem; /* the server's certificate first */
    bool mutual;              /* ask for a client certificate and require it */
    bool web; /* for browsers: HTTP/1.1 by ALPN, and sessions may be resumed by tickets (never with
                 mutual), whose keys live and die with this context */
    /* DER ECDSA signature over digest into sig (FL_TLS_SIGNATURE_MAX bytes); may block briefly. */
    int (*sign)(void *ctx, struct fl_span digest, unsigned char *sig, size_t *ret_len,
                struct fl_err *err);
    /* Who may come in; peer is what fl_tls_accept() was given. Only with mutual. */
    enum fl_tls_verdict (*admit)(void *ctx, void *peer, const struct fl_tls_cert *cert);
    void *ctx; /* of both */
};

struct fl_tls_ctx; /* counted by its connections: free it any time */
int fl_tls_server_new(const struct fl_tls_server_config *config, struct fl_tls_ctx **ret,
                      struct fl_err *err) FL_MUST_CHECK;

/*
 * The sender's side. cert_pem and key_pem "" = no client certificate. The server is checked against
 * ca_pem (any name: what counts is who issued it), or against the fingerprint of its certificate
 * (32 bytes), or both where both are given; one of them must be.
 */
struct fl_tls_client_config {
    struct fl_span cert_pem, key_pem, ca_pem;
    struct fl_span server_fingerprint;
};
int fl_tls_client_new(const struct fl_tls_client_config *config, struct fl_tls_ctx **ret,
                      struct fl_err *err) FL_MUST_CHECK;
void fl_tls_ctx_free(struct fl_tls_ctx *ctx);

/* What a call waits for when it gives FL_E_AGAIN. */
enum fl_tls_want { FL_TLS_WANT_READ = 1, FL_TLS_WANT_WRITE = 2 };

struct fl_tls; /* one connection on a non-blocking descriptor, which stays the caller's */
int fl_tls_accept(struct fl_tls_ctx *ctx, int fd, void *peer, struct fl_tls **ret,
                  struct fl_err *err) FL_MUST_CHECK;
int fl_tls_connect(struct fl_tls_ctx *ctx, int fd, struct fl_tls **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_tls_free(struct fl_tls *tls); /* NULL is allowed */

/* FL_OK: established. FL_E_AGAIN with *ret_want. FL_E_DENIED: a side refused the other's
 * certificate (the text says which). FL_E_PROTO, FL_E_IO. */
int fl_tls_handshake(struct fl_tls *tls, enum fl_tls_want *ret_want, struct fl_err *err)
    FL_MUST_CHECK;

/* FL_OK with *ret_n bytes, 0 at the clean end. FL_E_AGAIN with *ret_want; FL_E_DENIED (the other
 * side refused our certificate: in TLS 1.3 that comes after the handshake), FL_E_PROTO, FL_E_IO. */
int fl_tls_read(struct fl_tls *tls, void *buf, size_t cap, size_t *ret_n,
                enum fl_tls_want *ret_want, struct fl_err *err) FL_MUST_CHECK;
/* Bytes that were read from the descriptor already wait inside: poll would not tell. */
bool fl_tls_pending(const struct fl_tls *tls);

/* As fl_tls_read(); after FL_E_AGAIN call again with at least the same bytes. One record per call
 * up to 16 KiB. */
int fl_tls_write(struct fl_tls *tls, struct fl_span bytes, size_t *ret_n,
                 enum fl_tls_want *ret_want, struct fl_err *err) FL_MUST_CHECK;

/* Say that nothing more comes (close_notify), as far as the socket takes it now. */
void fl_tls_end(struct fl_tls *tls);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
const char *fl_tls_version(struct fl_tls *tls);

#endif
