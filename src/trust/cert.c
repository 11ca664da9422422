#include "trust/cert.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "trust/x509.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, NAME_MAX_BYTES = 64 };

int fl_x509_error(struct fl_err *err, int code, const char *what)
{
    unsigned long e = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(e);

    ERR_clear_error();
    if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
        return fl_err_set(err, FL_E_NOMEM, "%s: out of memory", what);
    return fl_err_set(err, code, "%s%s%s", what, reason == NULL ? "" : ": ",
                      reason == NULL ? "" : reason);
}

/* ---- PEM ---- */

/* An encrypted PEM must not make OpenSSL ask at the terminal. */
static int no_password(char *ret, int size, int writing, void *ctx)
{
    (void)ret;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static BIO *open_pem(struct fl_span pem, const char *what, struct fl_err *err)
{
    static const char begin[] = "-----BEGIN ";
    const unsigned char *first;
    BIO *bio;

    if (pem.len > FL_CERT_PEM_MAX) {
        (void)fl_err_set(err, FL_E_LIMIT, "%s has %zu bytes; at most %zu are taken", what, pem.len,
                         FL_CERT_PEM_MAX);
        return NULL;
    }
    first = pem.len == 0 ? NULL : memmem(pem.ptr, pem.len, begin, sizeof begin - 1);
    if (first == NULL) {
        (void)fl_err_set(err, FL_E_INVAL, "%s: there is no PEM text in it (-----BEGIN ...)", what);
        return NULL;
    }
    if (memmem(first + 1, pem.len - (size_t)(first + 1 - pem.ptr), begin, sizeof begin - 1) !=
        NULL) {
        (void)fl_err_set(err, FL_E_INVAL, "%s: give one, not several in one text", what);
        return NULL;
    }
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio == NULL)
        (void)fl_x509_error(err, FL_E_NOMEM, what);
    return bio;
}

static int bad_pem(struct fl_err *err, const char *what)
{
    return fl_x509_error(err, FL_E_INVAL, what);
}

int fl_x509_read(struct fl_span pem, X509 **ret, struct fl_err *err)
{
    FL_AUTO(fl_bio_freep) BIO *bio = open_pem(pem, "certificate", err);
    X509 *cert;

    if (bio == NULL)
        return pem.len > FL_CERT_PEM_MAX ? FL_E_LIMIT : FL_E_INVAL;
    cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    if (cert == NULL)
        return bad_pem(err, "not a certificate");
    *ret = cert;
    return FL_OK;
}

int fl_x509_read_request(struct fl_span pem, X509_REQ **ret, struct fl_err *err)
{
    FL_AUTO(fl_bio_freep) BIO *bio = open_pem(pem, "certificate request", err);
    X509_REQ *req;

    if (bio == NULL)
        return pem.len > FL_CERT_PEM_MAX ? FL_E_LIMIT : FL_E_INVAL;
    req = PEM_read_bio_X509_REQ(bio, NULL, no_password, NULL);
    if (req == NULL)
        return bad_pem(err, "not a certificate request");
    *ret = req;
    return FL_OK;
}

int fl_x509_drain(BIO *bio, struct fl_buf *out, struct fl_err *err)
{
    char *at = NULL;
    long len = BIO_get_mem_data(bio, &at);

    fl_buf_put(out, at, len < 0 ? 0 : (size_t)len);
    return fl_buf_status(out, err);
}

int fl_x509_put_pem(X509 *cert, struct fl_buf *out, struct fl_err *err)
{
    FL_AUTO(fl_bio_freep) BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1)
        return fl_x509_error(err, FL_E_NOMEM, "write a certificate");
    return fl_x509_drain(bio, out, err);
}

/* ---- keys ---- */

static int check_ec(EVP_PKEY *key, char *ret, struct fl_err *err)
{
    static const struct {
        const char *name, *shown;
    } curves[] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}};
    char name[64] = "", encoding[32] = "";

    (void)EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, NULL);
    (void)EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding,
                                         sizeof encoding, NULL);
    ERR_clear_error();
    for (size_t i = 0; i < FL_LEN(curves); i++)
        if (strcmp(name, curves[i].name) == 0 && strcmp(encoding, "named_curve") == 0) {
            (void)snprintf(ret, 24, "%s", curves[i].shown);
            return FL_OK;
        }
    return fl_err_set(err, FL_E_INVAL,
                      "the key is on another elliptic curve; P-256 and P-384 are taken");
}

int fl_x509_check_key(EVP_PKEY *key, char *ret, struct fl_err *err)
{
    char room[24];
    char *name = ret == NULL ? room : ret;
    int bits;

    if (key == NULL)
        return fl_x509_error(err, FL_E_INVAL, "the public key cannot be read");
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
        return check_ec(key, name, err);
    case EVP_PKEY_RSA:
        bits = EVP_PKEY_get_bits(key);
        if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
            return fl_err_set(err, FL_E_INVAL, "the RSA key has %d bits; %d to %d are taken", bits,
                              RSA_BITS_MIN, RSA_BITS_MAX);
        (void)snprintf(name, 24, "RSA %d", bits);
        return FL_OK;
    default:
        return fl_err_set(err, FL_E_INVAL,
                          "the key is of another kind; EC (P-256, P-384) and RSA are taken");
    }
}

/* ---- what stands in a certificate ---- */

int fl_x509_fingerprint(X509 *cert, unsigned char *ret, struct fl_err *err)
{
    unsigned int len = 0;

    if (X509_digest(cert, EVP_sha256(), ret, &len) != 1 || len != FL_CERT_FINGERPRINT_BYTES)
        return fl_x509_error(err, FL_E_NOMEM, "fingerprint");
    return FL_OK;
}

static int time_us(const ASN1_TIME *time, int64_t *ret, struct fl_err *err)
{
    struct tm tm;

    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
        return fl_x509_error(err, FL_E_INVAL, "a time of the certificate cannot be read");
    *ret = (fl_days_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * 86400 +
            tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec) *
           FL_US_PER_S;
    return FL_OK;
}

static int subject_of(X509 *cert, char ret[FL_CERT_SUBJECT_MAX + 1], struct fl_err *err)
{
    FL_AUTO(fl_bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;
    long len;

    if (bio == NULL || X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) < 0)
        return fl_x509_error(err, FL_E_INVAL, "the subject cannot be read");
    len = BIO_get_mem_data(bio, &at);
    if (len < 0)
        len = 0;
    if (len > FL_CERT_SUBJECT_MAX)
        len = FL_CERT_SUBJECT_MAX;
    if (len > 0)
        memcpy(ret, at, (size_t)len);
    ret[len] = '\0';
    return FL_OK;
}

static bool is_ca(X509 *cert)
{
    uint32_t flags = X509_get_extension_flags(cert); /* also reads the extensions */

    if ((flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0 ||
        (flags & (EXFLAG_BCONS | EXFLAG_CA)) != (EXFLAG_BCONS | EXFLAG_CA))
        return false;
    return (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) != 0; /* all bits where it is absent */
}

int fl_x509_info(X509 *cert, struct fl_cert_info *ret, struct fl_err *err)
{
    struct fl_cert_info info = {0};
    int r = fl_x509_check_key(X509_get0_pubkey(cert), info.key, err);

    if (r == 0)
        r = fl_x509_fingerprint(cert, info.fingerprint, err);
    if (r == 0)
        r = time_us(X509_get0_notBefore(cert), &info.not_before_us, err);
    if (r == 0)
        r = time_us(X509_get0_notAfter(cert), &info.not_after_us, err);
    if (r == 0)
        r = subject_of(cert, info.subject, err);
    if (r < 0)
        return r;
    info.is_ca = is_ca(cert);
    ERR_clear_error();
    *ret = info;
    return FL_OK;
}

int fl_cert_read(struct fl_span pem, struct fl_cert_info *ret, struct fl_err *err)
{
    FL_AUTO(fl_x509_freep) X509 *cert = NULL;
    int r = fl_x509_read(pem, &cert, err);

    return r < 0 ? r : fl_x509_info(cert, ret, err);
}

static int check_time(const struct fl_cert_info *info, int64_t now_us, struct fl_err *err)
{
    char text[FL_TIME_TEXT_BYTES];

    if (info->not_after_us > now_us)
        return FL_OK;
    fl_time_format(info->not_after_us, text);
    return fl_err_set(err, FL_E_INVAL, "the certificate was over its time at %s", text);
}

int fl_cert_check_pinned(struct fl_span pem, int64_t now_us, struct fl_cert_info *ret,
                         struct fl_err *err)
{
    struct fl_cert_info info;
    int r = fl_cert_read(pem, &info, err);

    if (r == 0)
        r = check_time(&info, now_us, err);
    if (r == 0)
        *ret = info;
    return r;
}

int fl_cert_check_ca(struct fl_span pem, int64_t now_us, struct fl_cert_info *ret,
                     struct fl_err *err)
{
    struct fl_cert_info info;
    int r = fl_cert_check_pinned(pem, now_us, &info, err);

    if (r == 0 && !info.is_ca)
        r = fl_err_set(err, FL_E_INVAL,
                       "'%s' is not a certificate authority (basicConstraints CA:TRUE is missing, "
                       "or keyUsage does not allow signing certificates)",
                       info.subject);
    if (r == 0)
        *ret = info;
    return r;
}

/* ---- a request ---- */

static X509_REQ *build_request(const char *name, EVP_PKEY *key)
{
    X509_REQ *req = X509_REQ_new();
    X509_NAME *subject = req == NULL ? NULL : X509_REQ_get_subject_name(req);

    if (subject == NULL || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                   -1, 0) != 1 ||
        X509_REQ_set_pubkey(req, key) != 1 || X509_REQ_sign(req, key, EVP_sha256()) == 0) {
        X509_REQ_free(req);
        return NULL;
    }
    return req;
}

int fl_cert_make_request(const char *name, struct fl_buf *key_pem, struct fl_buf *csr_pem,
                         struct fl_err *err)
{
    FL_AUTO(fl_pkey_freep) EVP_PKEY *key = NULL;
    FL_AUTO(fl_req_freep) X509_REQ *req = NULL;
    FL_AUTO(fl_bio_freep) BIO *key_bio = BIO_new(BIO_s_secmem());
    FL_AUTO(fl_bio_freep) BIO *req_bio = BIO_new(BIO_s_mem());
    int r;

    if (*name == '\0' || strlen(name) > NAME_MAX_BYTES)
        return fl_err_set(err, FL_E_INVAL, "a certificate's name has 1 to %d bytes",
                          NAME_MAX_BYTES);
    key = EVP_EC_gen("P-256");
    req = key == NULL ? NULL : build_request(name, key);
    if (key_bio == NULL || req_bio == NULL || req == NULL ||
        PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_bio_X509_REQ(req_bio, req) != 1)
        return fl_x509_error(err, FL_E_NOMEM, "make a key and its request");
    r = fl_x509_drain(key_bio, key_pem, err);
    return r < 0 ? r : fl_x509_drain(req_bio, csr_pem, err);
}

/* ---- fingerprints ---- */

void fl_cert_fingerprint_text(const unsigned char fingerprint[FL_CERT_FINGERPRINT_BYTES], char *ret)
{
    for (size_t i = 0; i < FL_CERT_FINGERPRINT_BYTES; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", fingerprint[i]);
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool fl_cert_fingerprint_parse(struct fl_span text, unsigned char ret[FL_CERT_FINGERPRINT_BYTES])
{
    unsigned char bytes[FL_CERT_FINGERPRINT_BYTES];
    size_t step = text.len == 95 ? 3 : 2;

    if (text.len != 95 && text.len != 64)
        return false;
    for (size_t i = 0; i < FL_CERT_FINGERPRINT_BYTES; i++) {
        const unsigned char *at = text.ptr + i * step;
        int high = hex_digit(at[0]), low = hex_digit(at[1]);

        if (high < 0 || low < 0 || (step == 3 && i + 1 < FL_CERT_FINGERPRINT_BYTES && at[2] != ':'))
            return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(ret, bytes, sizeof bytes);
    return true;
}
