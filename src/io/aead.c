#include "io/aead.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>

enum { PIECE_MAX_BYTES = 1 << 30 }; /* OpenSSL counts in int */

struct fl_aead {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
};

int fl_aead_new(struct fl_aead **ret, struct fl_err *err)
{
    struct fl_aead *aead = calloc(1, sizeof *aead);

    if (aead == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a cipher");
    aead->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    aead->ctx = EVP_CIPHER_CTX_new();
    if (aead->cipher == NULL || aead->ctx == NULL ||
        EVP_CipherInit_ex2(aead->ctx, aead->cipher, NULL, NULL, 1, NULL) != 1) {
        fl_aead_free(aead);
        return fl_err_set(err, FL_E_IO, "OpenSSL has no AES-256-GCM");
    }
    *ret = aead;
    return FL_OK;
}

void fl_aead_free(struct fl_aead *aead)
{
    if (aead == NULL)
        return;
    EVP_CIPHER_CTX_free(aead->ctx); /* OpenSSL cleanses the key schedule */
    EVP_CIPHER_free(aead->cipher);
    free(aead);
}

void fl_aead_freep(struct fl_aead **aead)
{
    fl_aead_free(*aead);
    *aead = NULL;
}

static int begin(struct fl_aead *aead, int seal, const unsigned char *key,
                 const unsigned char *nonce, struct fl_span aad, struct fl_span in,
                 struct fl_err *err)
{
    int n;

    if (in.len > PIECE_MAX_BYTES || aad.len > PIECE_MAX_BYTES)
        return fl_err_set(err, FL_E_LIMIT, "a block of %zu bytes is too large to encrypt", in.len);
    /* The context keeps its cipher: only key and nonce are new. */
    if (EVP_CipherInit_ex2(aead->ctx, NULL, key, nonce, seal, NULL) != 1)
        return fl_err_set(err, FL_E_IO, "OpenSSL refused a key");
    if (aad.len > 0 && EVP_CipherUpdate(aead->ctx, NULL, &n, aad.ptr, (int)aad.len) != 1)
        return fl_err_set(err, FL_E_IO, "OpenSSL refused the associated data");
    return FL_OK;
}

int fl_aead_seal(struct fl_aead *aead, const unsigned char key[FL_AEAD_KEY_BYTES],
                 const unsigned char nonce[FL_AEAD_NONCE_BYTES], struct fl_span aad,
                 struct fl_span in, unsigned char *ret_out,
                 unsigned char ret_tag[FL_AEAD_TAG_BYTES], struct fl_err *err)
{
    unsigned char none[FL_AEAD_TAG_BYTES];
    int n, r = begin(aead, 1, key, nonce, aad, in, err);

    if (r < 0)
        return r;
    if ((in.len > 0 && EVP_CipherUpdate(aead->ctx, ret_out, &n, in.ptr, (int)in.len) != 1) ||
        EVP_CipherFinal_ex(aead->ctx, none, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_GET_TAG, FL_AEAD_TAG_BYTES, ret_tag) != 1)
        return fl_err_set(err, FL_E_IO, "OpenSSL could not encrypt %zu bytes", in.len);
    return FL_OK;
}

int fl_aead_open(struct fl_aead *aead, const unsigned char key[FL_AEAD_KEY_BYTES],
                 const unsigned char nonce[FL_AEAD_NONCE_BYTES], struct fl_span aad,
                 struct fl_span in, unsigned char *ret_out,
                 const unsigned char tag[FL_AEAD_TAG_BYTES], struct fl_err *err)
{
    unsigned char expect[FL_AEAD_TAG_BYTES], none[FL_AEAD_TAG_BYTES];
    int n, r = begin(aead, 0, key, nonce, aad, in, err);

    if (r < 0)
        return r;
    memcpy(expect, tag, sizeof expect); /* OpenSSL's parameter is not const */
    if ((in.len > 0 && EVP_CipherUpdate(aead->ctx, ret_out, &n, in.ptr, (int)in.len) != 1) ||
        EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_SET_TAG, FL_AEAD_TAG_BYTES, expect) != 1 ||
        EVP_CipherFinal_ex(aead->ctx, none, &n) != 1) {
        if (in.len > 0)
            explicit_bzero(ret_out, in.len); /* nobody may use what is not proven */
        return fl_err_set(err, FL_E_CORRUPT, "%zu bytes fail their check", in.len);
    }
    return FL_OK;
}

void fl_sha256(struct fl_span in, unsigned char ret[FL_SHA256_BYTES])
{
    if (EVP_Digest(in.len == 0 ? "" : (const void *)in.ptr, in.len, ret, NULL, EVP_sha256(),
                   NULL) != 1)
        abort();
}

void fl_hmac_sha256(struct fl_span key, struct fl_span in, unsigned char ret[FL_SHA256_BYTES])
{
    unsigned len = FL_SHA256_BYTES;

    if (key.len > PIECE_MAX_BYTES || HMAC(EVP_sha256(), key.len == 0 ? "" : (const void *)key.ptr,
                                          (int)key.len, in.ptr, in.len, ret, &len) == NULL)
        abort();
}

bool fl_equal_ct(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void fl_crypto_warm(void)
{
    unsigned char byte;

    (void)OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    (void)RAND_bytes(&byte, 1);
    fl_sha256(fl_span_of(&byte, 1), (unsigned char[FL_SHA256_BYTES]){0});
}
