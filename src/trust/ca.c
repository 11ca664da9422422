#include "trust/ca.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "base/time.h"
#include "trust/x509.h"

enum { NAME_BYTES_MAX = 253, COMMON_NAME_MAX = 64, SERIAL_BYTES = 16 };

struct fl_ca {
    EVP_PKEY *key;
    X509 *cert;
};

struct fl_signer {
    EVP_PKEY *key;
};

/* ---- keys ---- */

int fl_ca_make_key(struct fl_buf *ret_der, struct fl_err *err)
{
    FL_AUTO(fl_pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
    unsigned char *der = NULL;
    int len = key == NULL ? -1 : i2d_PrivateKey(key, &der);

    if (len < 0)
        return fl_x509_error(err, FL_E_NOMEM, "make a key");
    fl_buf_put(ret_der, der, (size_t)len);
    OPENSSL_clear_free(der, (size_t)len);
    return fl_buf_status(ret_der, err);
}

static int read_key(struct fl_span der, EVP_PKEY **ret, struct fl_err *err)
{
    const unsigned char *at = der.ptr;
    EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &at, (long)der.len);

    if (key == NULL)
        return fl_x509_error(err, FL_E_CORRUPT, "not a private key");
    *ret = key;
    return FL_OK;
}

int fl_signer_open(struct fl_span key_der, struct fl_signer **ret, struct fl_err *err)
{
    struct fl_signer *signer = calloc(1, sizeof *signer);
    int r;

    if (signer == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    r = read_key(key_der, &signer->key, err);
    if (r < 0) {
        free(signer);
        return r;
    }
    *ret = signer;
    return FL_OK;
}

void fl_signer_free(struct fl_signer *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_free(signer->key);
    free(signer);
}

static void pctx_freep(EVP_PKEY_CTX **p)
{
    EVP_PKEY_CTX_free(*p);
}

int fl_signer_sign(struct fl_signer *signer, struct fl_span digest, unsigned char *ret,
                   size_t *ret_len, struct fl_err *err)
{
    FL_AUTO(pctx_freep) EVP_PKEY_CTX *ctx = NULL;
    size_t len = FL_CA_SIGNATURE_MAX;

    if (digest.len != 32 && digest.len != 48 && digest.len != 64)
        return fl_err_set(err, FL_E_INVAL, "a digest of %zu bytes is not signed", digest.len);
    ctx = EVP_PKEY_CTX_new(signer->key, NULL);
    if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
        EVP_PKEY_sign(ctx, ret, &len, digest.ptr, digest.len) != 1)
        return fl_x509_error(err, FL_E_NOMEM, "sign");
    *ret_len = len;
    return FL_OK;
}

/* ---- making certificates ---- */

static int set_serial(X509 *cert)
{
    unsigned char bytes[SERIAL_BYTES];
    BIGNUM *number;
    int ok;

    fl_random(bytes, sizeof bytes);
    bytes[0] &= 0x7f;
    bytes[SERIAL_BYTES - 1] |= 1; /* never zero */
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return ok;
}

static int set_name(X509_NAME *name, const char *common_name)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                      -1, -1, 0);
}

/* An hour earlier, for clocks that are behind. */
static int set_time(X509 *cert, int64_t now_us, long days)
{
    time_t now = (time_t)(now_us / FL_US_PER_S);

    return X509_time_adj_ex(X509_getm_notBefore(cert), 0, -3600, &now) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, &now) != NULL;
}

static int add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    int ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;

    X509_EXTENSION_free(ext);
    return ok;
}

struct extension {
    int nid;
    const char *value;
};

static int add_extensions(X509 *cert, X509 *issuer, const struct extension *list, size_t count)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    for (size_t i = 0; i < count; i++)
        if (!add_extension(cert, &ctx, list[i].nid, list[i].value))
            return 0;
    return 1;
}

static X509 *begin_cert(const char *common_name, EVP_PKEY *key, int64_t now_us, long days)
{
    X509 *cert = X509_new();

    if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
        !set_name(X509_get_subject_name(cert), common_name) || !set_time(cert, now_us, days) ||
        X509_set_pubkey(cert, key) != 1) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

int fl_ca_make(struct fl_span key_der, const char *id, int64_t now_us, struct fl_buf *ret_pem,
               struct fl_err *err)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
    };
    FL_AUTO(fl_pkey_freep) EVP_PKEY *key = NULL;
    FL_AUTO(fl_x509_freep) X509 *cert = NULL;
    char name[COMMON_NAME_MAX + 1];
    int r = read_key(key_der, &key, err);

    if (r < 0)
        return r;
    (void)snprintf(name, sizeof name, "Fairlead CA %s", id);
    cert = begin_cert(name, key, now_us, FL_CA_AUTHORITY_DAYS);
    if (cert == NULL || X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
        !add_extensions(cert, cert, extensions, FL_LEN(extensions)) ||
        X509_sign(cert, key, EVP_sha256()) == 0)
        return fl_x509_error(err, FL_E_NOMEM, "make the certificate authority");
    return fl_x509_put_pem(cert, ret_pem, err);
}

int fl_ca_open(struct fl_span key_der, struct fl_span cert_pem, struct fl_ca **ret,
               struct fl_err *err)
{
    struct fl_ca *ca = calloc(1, sizeof *ca);
    int r;

    if (ca == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    r = read_key(key_der, &ca->key, err);
    if (r == 0)
        r = fl_x509_read(cert_pem, &ca->cert, err);
    if (r == 0 && X509_check_private_key(ca->cert, ca->key) != 1)
        r = fl_x509_error(err, FL_E_CORRUPT, "the CA's key and certificate do not belong together");
    if (r < 0) {
        fl_ca_free(ca);
        return r;
    }
    *ret = ca;
    return FL_OK;
}

void fl_ca_free(struct fl_ca *ca)
{
    if (ca == NULL)
        return;
    EVP_PKEY_free(ca->key);
    X509_free(ca->cert);
    free(ca);
}

/* Issuer, its key identifier and the signature. */
static int finish_cert(struct fl_ca *ca, X509 *cert, const struct extension *list, size_t count)
{
    return X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) == 1 &&
           add_extensions(cert, ca->cert, list, count) &&
           X509_sign(cert, ca->key, EVP_sha256()) != 0;
}

/* ---- the server's names ---- */

static bool is_host_name(struct fl_span name)
{
    size_t label = 0;

    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i <= name.len; i++) {
        unsigned char c = i == name.len ? '.' : name.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (c == '.') {
            if (label == 0 || label > 63 || name.ptr[i - 1] == '-')
                return false;
            label = 0;
        } else if (alnum || (c == '-' && label > 0)) {
            label++;
        } else {
            return false;
        }
    }
    return true;
}

/* "DNS:a,IP:1.2.3.4", as OpenSSL reads it: nothing but checked names goes in. */
static int put_name(struct fl_span name, struct fl_buf *out, struct fl_err *err)
{
    ASN1_OCTET_STRING *address;
    char text[NAME_BYTES_MAX + 1];

    if (name.len > NAME_BYTES_MAX)
        return fl_err_set(err, FL_E_INVAL, "a server name has at most %d bytes", NAME_BYTES_MAX);
    (void)snprintf(text, sizeof text, "%.*s", FL_SPAN_ARG(name));
    address = a2i_IPADDRESS(text);
    ERR_clear_error();
    if (address == NULL && !is_host_name(name))
        return fl_err_set(err, FL_E_INVAL, "'%s' is neither a host name nor an address", text);
    fl_buf_printf(out, "%s%s:%s", out->len == 0 ? "" : ",", address == NULL ? "DNS" : "IP", text);
    ASN1_OCTET_STRING_free(address);
    return FL_OK;
}

static struct fl_span trim(struct fl_span s)
{
    while (s.len > 0 && s.ptr[0] == ' ')
        s = fl_span_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && s.ptr[s.len - 1] == ' ')
        s.len--;
    return s;
}

/* ret_first: the first name, for the subject. out ends with its NUL. */
static int put_names(const char *names, struct fl_buf *out, char ret_first[COMMON_NAME_MAX + 1],
                     struct fl_err *err)
{
    struct fl_span rest = fl_span_str(names);
    int count = 0, r = 0;

    (void)snprintf(ret_first, COMMON_NAME_MAX + 1, "Fairlead");
    while (rest.len > 0 && r == 0) {
        const unsigned char *comma = memchr(rest.ptr, ',', rest.len);
        size_t len = comma == NULL ? rest.len : (size_t)(comma - rest.ptr);
        struct fl_span name = trim(fl_span_of(rest.ptr, len));

        rest = comma == NULL ? fl_span_of(NULL, 0) : fl_span_of(comma + 1, rest.len - len - 1);
        if (++count > FL_CA_NAMES_MAX)
            return fl_err_set(err, FL_E_LIMIT, "the server has more than %d names",
                              FL_CA_NAMES_MAX);
        r = put_name(name, out, err);
        if (count == 1 && name.len <= COMMON_NAME_MAX)
            (void)snprintf(ret_first, COMMON_NAME_MAX + 1, "%.*s", FL_SPAN_ARG(name));
    }
    if (count == 0)
        return fl_err_set(err, FL_E_INVAL, "the server needs at least one name or address");
    fl_buf_put_u8(out, '\0');
    return r < 0 ? r : fl_buf_status(out, err);
}

int fl_ca_server(struct fl_ca *ca, struct fl_span key_der, const char *names, int64_t now_us,
                 struct fl_buf *ret_pem, struct fl_err *err)
{
    struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
        {NID_subject_alt_name, NULL},
    };
    FL_AUTO(fl_pkey_freep) EVP_PKEY *key = NULL;
    FL_AUTO(fl_x509_freep) X509 *cert = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf alt;
    char first[COMMON_NAME_MAX + 1];
    int r;

    fl_buf_init(&alt, (size_t)FL_CA_NAMES_MAX * (NAME_BYTES_MAX + 8));
    r = put_names(names, &alt, first, err);
    if (r == 0)
        r = read_key(key_der, &key, err);
    if (r < 0)
        return r;
    extensions[FL_LEN(extensions) - 1].value = (const char *)alt.ptr;
    cert = begin_cert(first, key, now_us, FL_CA_SERVER_DAYS);
    if (cert == NULL || !finish_cert(ca, cert, extensions, FL_LEN(extensions)))
        return fl_x509_error(err, FL_E_INVAL, "make the server's certificate");
    return fl_x509_put_pem(cert, ret_pem, err);
}

static bool same_names(X509 *cert, const char *text)
{
    GENERAL_NAMES *have = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    GENERAL_NAMES *want = ext == NULL ? NULL : X509V3_EXT_d2i(ext);
    int n = have == NULL ? -1 : sk_GENERAL_NAME_num(have);
    bool same = want != NULL && n == sk_GENERAL_NAME_num(want);

    for (int i = 0; same && i < n; i++)
        same =
            GENERAL_NAME_cmp(sk_GENERAL_NAME_value(have, i), sk_GENERAL_NAME_value(want, i)) == 0;
    GENERAL_NAMES_free(have);
    GENERAL_NAMES_free(want);
    X509_EXTENSION_free(ext);
    ERR_clear_error();
    return same;
}

bool fl_ca_server_fits(struct fl_span cert_pem, const char *names, int64_t until_us)
{
    FL_AUTO(fl_x509_freep) X509 *cert = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf alt;
    struct fl_cert_info info;
    char first[COMMON_NAME_MAX + 1];

    fl_buf_init(&alt, (size_t)FL_CA_NAMES_MAX * (NAME_BYTES_MAX + 8));
    if (put_names(names, &alt, first, NULL) < 0 || fl_x509_read(cert_pem, &cert, NULL) < 0 ||
        fl_x509_info(cert, &info, NULL) < 0)
        return false;
    return info.not_after_us > until_us && same_names(cert, (const char *)alt.ptr);
}

/* ---- devices ---- */

int fl_ca_sign_request(struct fl_ca *ca, struct fl_span csr_pem, const char *name, uint32_t days,
                       int64_t now_us, struct fl_buf *ret_pem, struct fl_cert_info *ret_info,
                       struct fl_err *err)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "clientAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
    };
    FL_AUTO(fl_req_freep) X509_REQ *req = NULL;
    FL_AUTO(fl_x509_freep) X509 *cert = NULL;
    EVP_PKEY *key;
    int r;

    if (days == 0 || days > FL_CA_DAYS_MAX)
        return fl_err_set(err, FL_E_INVAL, "a certificate lasts 1 to %u days, not %u",
                          FL_CA_DAYS_MAX, days);
    if (*name == '\0' || strlen(name) > COMMON_NAME_MAX)
        return fl_err_set(err, FL_E_INVAL, "a certificate's name has 1 to %d bytes",
                          COMMON_NAME_MAX);
    r = fl_x509_read_request(csr_pem, &req, err);
    if (r < 0)
        return r;
    key = X509_REQ_get0_pubkey(req);
    r = fl_x509_check_key(key, NULL, err);
    if (r == 0 && X509_REQ_verify(req, key) != 1)
        r = fl_x509_error(err, FL_E_INVAL, "the request is not signed by its own key");
    if (r < 0)
        return r;
    cert = begin_cert(name, key, now_us, (long)days);
    if (cert == NULL || !finish_cert(ca, cert, extensions, FL_LEN(extensions)))
        return fl_x509_error(err, FL_E_NOMEM, "make the device's certificate");
    r = fl_x509_info(cert, ret_info, err);
    return r < 0 ? r : fl_x509_put_pem(cert, ret_pem, err);
}
