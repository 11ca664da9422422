/*
 * ca.h - Fairlead's own small certificate authority: P-256, one level, for its server certificate
 * and for devices.
 *
 * Private keys go in and out as DER, wrapped by trust/secrets.h; they live in the keys role only.
 * Certificates carry what RFC 5280 asks for and nothing that a request asked for: the subject of a
 * device's is its slug, for people; its identity is its fingerprint.
 */
#ifndef FL_TRUST_CA_H
#define FL_TRUST_CA_H

#include "trust/cert.h"

#define FL_CA_DAYS_MAX       825u /* of a device's certificate */
#define FL_CA_SERVER_DAYS    824  /* begun an hour ago; browsers of Apple take 825 at most */
#define FL_CA_AUTHORITY_DAYS 7305 /* of the CA itself */
#define FL_CA_NAMES_MAX      64   /* names and addresses of the server */
#define FL_CA_SIGNATURE_MAX  144  /* DER bytes of one ECDSA signature */

struct fl_ca;

/* A new P-256 key, DER; the caller wipes it. */
int fl_ca_make_key(struct fl_buf *ret_der, struct fl_err *err) FL_MUST_CHECK;

/* A self-signed certificate "Fairlead CA <id>" for the key; id: a few letters or digits. */
int fl_ca_make(struct fl_span key_der, const char *id, int64_t now_us, struct fl_buf *ret_pem,
               struct fl_err *err) FL_MUST_CHECK;

/* FL_E_CORRUPT: key and certificate do not belong together. */
int fl_ca_open(struct fl_span key_der, struct fl_span cert_pem, struct fl_ca **ret,
               struct fl_err *err) FL_MUST_CHECK;
void fl_ca_free(struct fl_ca *ca); /* NULL is allowed */

/*
 * A server certificate for the key, for a comma list of host names and addresses. FL_E_INVAL names
 * the one that is neither.
 */
int fl_ca_server(struct fl_ca *ca, struct fl_span key_der, const char *names, int64_t now_us,
                 struct fl_buf *ret_pem, struct fl_err *err) FL_MUST_CHECK;

/* Does the certificate (of fl_ca_server) carry exactly these names, and last until until_us? */
bool fl_ca_server_fits(struct fl_span cert_pem, const char *names, int64_t until_us);

/*
 * A device's certificate for the key of the request, whose own signature must be right; nothing
 * else of it is taken. name becomes the subject. days: 1 to FL_CA_DAYS_MAX. FL_E_INVAL, FL_E_LIMIT.
 */
int fl_ca_sign_request(struct fl_ca *ca, struct fl_span csr_pem, const char *name, uint32_t days,
                       int64_t now_us, struct fl_buf *ret_pem, struct fl_cert_info *ret_info,
                       struct fl_err *err) FL_MUST_CHECK;

/* ---- signatures of TLS handshakes ---- */

struct fl_signer;

int fl_signer_open(struct fl_span key_der, struct fl_signer **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_signer_free(struct fl_signer *signer); /* NULL is allowed */

/* ECDSA over a digest of 32, 48 or 64 bytes. ret holds FL_CA_SIGNATURE_MAX bytes (DER). */
int fl_signer_sign(struct fl_signer *signer, struct fl_span digest, unsigned char *ret,
                   size_t *ret_len, struct fl_err *err) FL_MUST_CHECK;

#endif
