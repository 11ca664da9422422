/*
 * pair.h - a certificate and private key that the operator brought, checked before they are used.
 *
 * Only keys on P-256: the process that speaks TLS has not got the key and asks for ECDSA signatures
 * (trust/ca.h, fl_signer_sign).
 */
#ifndef FL_TRUST_PAIR_H
#define FL_TRUST_PAIR_H

#include "trust/ca.h"

#define FL_PAIR_FILE_MAX ((size_t)64 * 1024) /* bytes of either file */
#define FL_PAIR_ID_BYTES 32                  /* SHA-256 of the public key (SubjectPublicKeyInfo) */

/*
 * cert_pem: the certificate, then its chain; key_pem: PKCS #8 or SEC 1 without a password. The key
 * goes to ret_der, which the caller wipes. FL_E_INVAL says which file is wrong and what would be
 * right: no PEM, another kind of key, a password, a key of another certificate, not valid now.
 */
int fl_pair_read(struct fl_span cert_pem, struct fl_span key_pem, int64_t now_us,
                 struct fl_buf *ret_der, unsigned char ret_id[FL_PAIR_ID_BYTES], struct fl_err *err)
    FL_MUST_CHECK;

#endif
