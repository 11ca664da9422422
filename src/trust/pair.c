#include "trust/pair.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

static BIO *bio_of(struct fl_span pem)
{
    return pem.len == 0 || pem.len > FL_PAIR_FILE_MAX ? NULL
                                                      : BIO_new_mem_buf(pem.ptr, (int)pem.len);
}

/* A password is not asked for: there is nobody at the terminal. */
static int no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing;
    *(bool *)arg = true;
    return -1;
}

static int read_key(struct fl_span pem, EVP_PKEY **ret, struct fl_err *err)
{
    BIO *bio = bio_of(pem);
    bool asked = false;
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
    char curve[32] = "";
    size_t len = 0;

    BIO_free(bio);
    ERR_clear_error();
    if (key == NULL)
        return fl_err_set(err, FL_E_INVAL,
                          asked ? "the key is locked by a password; give it without one"
                                : "the key is not a private key in PEM form");
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, curve, sizeof curve, &len) != 1 ||
        OBJ_sn2nid(curve) != NID_X9_62_prime256v1) {
        EVP_PKEY_free(key);
        return fl_err_set(err, FL_E_INVAL,
                          "the key must be an EC key on P-256, such as 'openssl genpkey -algorithm "
                          "EC -pkeyopt ec_paramgen_curve:P-256' makes");
    }
    *ret = key;
    return FL_OK;
}

static int check_cert(X509 *cert, EVP_PKEY *key, int64_t now_us, struct fl_err *err)
{
    time_t now = (time_t)(now_us / 1000000);
    int fits = X509_check_private_key(cert, key);

    ERR_clear_error();
    if (fits != 1)
        return fl_err_set(err, FL_E_INVAL, "the key is not the one of the certificate");
    if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0)
        return fl_err_set(err, FL_E_INVAL, "the certificate is not valid yet");
    if (X509_cmp_time(X509_get0_notAfter(cert), &now) <= 0)
        return fl_err_set(err, FL_E_INVAL, "the certificate has expired");
    return FL_OK;
}

static int put_der(EVP_PKEY *key, struct fl_buf *ret_der, struct fl_err *err)
{
    unsigned char *der = NULL;
    int len = i2d_PrivateKey(key, &der);

    if (len <= 0)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a key");
    fl_buf_put(ret_der, der, (size_t)len);
    OPENSSL_clear_free(der, (size_t)len);
    return fl_buf_status(ret_der, err);
}

static int put_id(EVP_PKEY *key, unsigned char ret_id[FL_PAIR_ID_BYTES], struct fl_err *err)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);

    if (len <= 0)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a key");
    (void)SHA256(der, (size_t)len, ret_id);
    OPENSSL_free(der);
    return FL_OK;
}

int fl_pair_read(struct fl_span cert_pem, struct fl_span key_pem, int64_t now_us,
                 struct fl_buf *ret_der, unsigned char ret_id[FL_PAIR_ID_BYTES], struct fl_err *err)
{
    BIO *bio = bio_of(cert_pem);
    X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = NULL;
    int r;

    BIO_free(bio);
    ERR_clear_error();
    if (cert == NULL)
        return fl_err_set(err, FL_E_INVAL, "the certificate is not in PEM form");
    r = read_key(key_pem, &key, err);
    if (r == FL_OK)
        r = check_cert(cert, key, now_us, err);
    if (r == FL_OK)
        r = put_id(key, ret_id, err);
    if (r == FL_OK)
        r = put_der(key, ret_der, err);
    EVP_PKEY_free(key);
    X509_free(cert);
    return r;
}
