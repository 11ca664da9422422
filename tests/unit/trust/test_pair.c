/* A certificate and key that the operator brings: which pairs are taken, and what is said of the
 * others. */
#include "trust/pair.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/time.h"
#include "tap.h"
#include "unit/io/tls_help.h"

static const char *key_text(EVP_PKEY *key, const char *password)
{
    static char text[4096];
    BIO *bio = BIO_new(BIO_s_mem());

    if (PEM_write_bio_PKCS8PrivateKey(bio, key, password == NULL ? NULL : EVP_aes_128_cbc(), NULL,
                                      0, NULL, (void *)(uintptr_t)password) != 1)
        abort();
    pem_text(bio, text, sizeof text);
    EVP_PKEY_free(key);
    return text;
}

static bool refused(const char *cert, const char *key, int64_t now_us, const char *want)
{
    FL_AUTO(fl_buf_done) struct fl_buf der;
    unsigned char id[FL_PAIR_ID_BYTES];
    struct fl_err err = {.text = ""};
    bool fine;

    fl_buf_init(&der, FL_PAIR_FILE_MAX);
    fine =
        fl_pair_read(fl_span_str(cert), fl_span_str(key), now_us, &der, id, &err) == FL_E_INVAL &&
        strstr(err.text, want) != NULL && der.len == 0;
    if (!fine)
        printf("# %s\n", err.text);
    return fine;
}

static void check_good(const struct made *m)
{
    FL_AUTO(fl_buf_done) struct fl_buf der;
    unsigned char id[FL_PAIR_ID_BYTES] = {0}, signature[FL_CA_SIGNATURE_MAX], digest[32] = {7};
    struct fl_signer *signer = NULL;
    EVP_PKEY_CTX *verify = EVP_PKEY_CTX_new(m->key, NULL);
    size_t len = 0;

    fl_buf_init(&der, FL_PAIR_FILE_MAX);
    CHECK(fl_pair_read(fl_span_str(m->cert_pem), fl_span_str(m->key_pem), fl_now_us(), &der, id,
                       NULL) == FL_OK,
          "a pair that fits");
    CHECK(fl_signer_open(fl_buf_span(&der), &signer, NULL) == FL_OK &&
              fl_signer_sign(signer, fl_span_of(digest, sizeof digest), signature, &len, NULL) ==
                  FL_OK &&
              EVP_PKEY_verify_init(verify) == 1 &&
              EVP_PKEY_verify(verify, signature, len, digest, sizeof digest) == 1,
          "its key signs");
    EVP_PKEY_CTX_free(verify);
    fl_signer_free(signer);
}

int main(void)
{
    struct made good = make_cert((struct made_how){.name = "good", .valid_for_s = 3600});
    struct made other = make_cert((struct made_how){.name = "other", .valid_for_s = 3600});
    int64_t now_us = fl_now_us();

    check_good(&good);
    CHECK(refused(good.cert_pem, other.key_pem, now_us, "not the one of the certificate"),
          "the key of another certificate");
    CHECK(refused("nothing", good.key_pem, now_us, "certificate is not in PEM form"),
          "no certificate");
    CHECK(refused(good.cert_pem, "", now_us, "not a private key in PEM form"), "no key");
    CHECK(refused(good.key_pem, good.cert_pem, now_us, "certificate is not in PEM form"),
          "the two exchanged");
    CHECK(refused(good.cert_pem, key_text(EVP_RSA_gen(2048), NULL), now_us, "an EC key on P-256"),
          "an RSA key");
    CHECK(refused(good.cert_pem, key_text(EVP_EC_gen("P-384"), NULL), now_us, "an EC key on P-256"),
          "another curve");
    CHECK(refused(good.cert_pem, key_text(EVP_EC_gen("P-256"), "secret"), now_us,
                  "locked by a password"),
          "a key with a password");
    CHECK(refused(good.cert_pem, good.key_pem, now_us + 7200 * FL_US_PER_S, "has expired"),
          "a certificate that is over");
    CHECK(refused(good.cert_pem, good.key_pem, now_us - 4 * 3600 * FL_US_PER_S, "not valid yet"),
          "one whose time has not come");
    made_done(&good);
    made_done(&other);
    return tap_done();
}
