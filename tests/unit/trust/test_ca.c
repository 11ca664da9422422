#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "trust/ca.h"

#define NOW_US INT64_C(1795000000000000) /* 2026-11-18 */
#define DAY_US INT64_C(86400000000)

static struct fl_err err;
static struct fl_buf ca_key, ca_pem;
static struct fl_ca *ca;

static bool says(const char *text)
{
    bool found = strstr(err.text, text) != NULL;

    if (!found)
        printf("# it says: %s\n", err.text);
    return found;
}

static X509 *read_pem(struct fl_span pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return cert;
}

/* Does OpenSSL's own path validation take the certificate under our CA for this purpose? */
static bool chain_holds(struct fl_span pem, int purpose, const char *host)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509 *root = read_pem(fl_buf_span(&ca_pem)), *leaf = read_pem(pem);
    bool ok;

    (void)X509_STORE_add_cert(store, root);
    (void)X509_STORE_CTX_init(ctx, store, leaf, NULL);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)(NOW_US / 1000000));
    (void)X509_STORE_CTX_set_purpose(ctx, purpose);
    if (host != NULL && strchr(host, ':') == NULL && host[0] > '9')
        (void)X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx), host, 0);
    else if (host != NULL)
        (void)X509_VERIFY_PARAM_set1_ip_asc(X509_STORE_CTX_get0_param(ctx), host);
    ok = X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(root);
    X509_free(leaf);
    return ok;
}

static void check_authority(void)
{
    struct fl_cert_info info, same;
    struct fl_ca *wrong = NULL;
    struct fl_buf other;

    fl_buf_init(&ca_key, 4096);
    fl_buf_init(&ca_pem, FL_CERT_PEM_MAX);
    fl_buf_init(&other, 4096);
    CHECK(fl_ca_make_key(&ca_key, &err) == 0 &&
              fl_ca_make(fl_buf_span(&ca_key), "3f9a01c2", NOW_US, &ca_pem, &err) == 0,
          "made");
    CHECK(fl_cert_check_ca(fl_buf_span(&ca_pem), NOW_US, &info, &err) == 0 && info.is_ca &&
              strcmp(info.subject, "CN=Fairlead CA 3f9a01c2") == 0 &&
              strcmp(info.key, "P-256") == 0 && info.not_before_us == NOW_US - DAY_US / 24 &&
              info.not_after_us == NOW_US + FL_CA_AUTHORITY_DAYS * DAY_US,
          "it is a CA with its name, key and times");
    CHECK(fl_cert_read(fl_buf_span(&ca_pem), &same, &err) == 0 &&
              memcmp(same.fingerprint, info.fingerprint, 32) == 0,
          "read again");
    CHECK(fl_cert_check_ca(fl_buf_span(&ca_pem), info.not_after_us, &same, &err) == FL_E_INVAL &&
              says("over its time at 2046-11-18T"),
          "over its time");
    CHECK(fl_ca_open(fl_buf_span(&ca_key), fl_buf_span(&ca_pem), &ca, &err) == 0, "opened");
    CHECK(fl_ca_make_key(&other, &err) == 0 &&
              fl_ca_open(fl_buf_span(&other), fl_buf_span(&ca_pem), &wrong, &err) == FL_E_CORRUPT,
          "not with another key");
    CHECK(fl_ca_open(FL_SPAN("no key"), fl_buf_span(&ca_pem), &wrong, &err) == FL_E_CORRUPT,
          "nor without one");
    fl_buf_done(&other);
}

static void check_server(void)
{
    static const struct {
        const char *names, *says;
    } wrong[] = {
        {"", "at least one name"},   {"a b", "'a b' is neither"},     {"a,,b", "'' is neither"},
        {"a,-b", "'-b' is neither"}, {"a,b-.c", "'b-.c' is neither"}, {"x,otherName:1", "neither"},
        {"a\nDNS:b", "neither"},     {"fe80::1%eth0", "neither"},
    };
    struct fl_buf key, pem, again;
    struct fl_cert_info info;
    const char *names = "logs.example.net, 192.0.2.7,2001:db8::1,localhost";

    fl_buf_init(&key, 4096);
    fl_buf_init(&pem, FL_CERT_PEM_MAX);
    fl_buf_init(&again, FL_CERT_PEM_MAX);
    CHECK(fl_ca_make_key(&key, &err) == 0 &&
              fl_ca_server(ca, fl_buf_span(&key), names, NOW_US, &pem, &err) == 0,
          "made");
    CHECK(fl_cert_read(fl_buf_span(&pem), &info, &err) == 0 && !info.is_ca &&
              strcmp(info.subject, "CN=logs.example.net") == 0 &&
              info.not_after_us == NOW_US + FL_CA_SERVER_DAYS * DAY_US,
          "subject and times");
    CHECK(chain_holds(fl_buf_span(&pem), X509_PURPOSE_SSL_SERVER, "logs.example.net") &&
              chain_holds(fl_buf_span(&pem), X509_PURPOSE_SSL_SERVER, "localhost") &&
              chain_holds(fl_buf_span(&pem), X509_PURPOSE_SSL_SERVER, "192.0.2.7") &&
              chain_holds(fl_buf_span(&pem), X509_PURPOSE_SSL_SERVER, "2001:db8::1"),
          "a strict client takes it for each of its names");
    CHECK(!chain_holds(fl_buf_span(&pem), X509_PURPOSE_SSL_SERVER, "other.example.net") &&
              !chain_holds(fl_buf_span(&pem), X509_PURPOSE_SSL_CLIENT, NULL),
          "for no other, and not as a client");
    CHECK(fl_ca_server_fits(fl_buf_span(&pem), names, NOW_US) &&
              !fl_ca_server_fits(fl_buf_span(&pem), "localhost", NOW_US) &&
              !fl_ca_server_fits(fl_buf_span(&pem), names, info.not_after_us) &&
              !fl_ca_server_fits(FL_SPAN("x"), names, NOW_US),
          "whether it fits");
    for (size_t i = 0; i < FL_LEN(wrong); i++)
        CHECK(fl_ca_server(ca, fl_buf_span(&key), wrong[i].names, NOW_US, &again, &err) ==
                      FL_E_INVAL &&
                  says(wrong[i].says),
              wrong[i].says);
    fl_buf_done(&key);
    fl_buf_done(&pem);
    fl_buf_done(&again);
}

static void check_device(void)
{
    struct fl_buf key, csr, pem;
    struct fl_cert_info info, read;
    X509 *cert;

    fl_buf_init(&key, 4096);
    fl_buf_init(&csr, FL_CERT_PEM_MAX);
    fl_buf_init(&pem, FL_CERT_PEM_MAX);
    CHECK(fl_cert_make_request("what it calls itself", &key, &csr, &err) == 0 &&
              memmem(key.ptr, key.len, "BEGIN PRIVATE KEY", 17) != NULL,
          "a request");
    CHECK(fl_ca_sign_request(ca, fl_buf_span(&csr), "br-0421", 90, NOW_US, &pem, &info, &err) == 0,
          "signed");
    CHECK(fl_cert_read(fl_buf_span(&pem), &read, &err) == 0 &&
              memcmp(read.fingerprint, info.fingerprint, 32) == 0 &&
              strcmp(read.subject, "CN=br-0421") == 0 && !read.is_ca &&
              read.not_after_us == NOW_US + 90 * DAY_US,
          "the subject is ours, not the request's");
    CHECK(chain_holds(fl_buf_span(&pem), X509_PURPOSE_SSL_CLIENT, NULL) &&
              !chain_holds(fl_buf_span(&pem), X509_PURPOSE_SSL_SERVER, NULL),
          "a client's certificate under our CA, nothing else");
    cert = read_pem(fl_buf_span(&pem));
    CHECK(X509_get_ext_count(cert) == 5, "with five extensions");
    X509_free(cert);
    CHECK(fl_ca_sign_request(ca, fl_buf_span(&csr), "x", 0, NOW_US, &pem, &info, &err) ==
                  FL_E_INVAL &&
              fl_ca_sign_request(ca, fl_buf_span(&csr), "x", 826, NOW_US, &pem, &info, &err) ==
                  FL_E_INVAL &&
              says("1 to 825 days, not 826"),
          "days have limits");
    CHECK(fl_cert_check_ca(fl_buf_span(&pem), NOW_US, &info, &err) == FL_E_INVAL &&
              says("not a certificate authority"),
          "a device is no CA");
    fl_buf_done(&key);
    fl_buf_done(&csr);
    fl_buf_done(&pem);
}

/* ---- requests as somebody else would write them ---- */

enum { WITH_EXTENSIONS = 1, BREAK_SIGNATURE = 2, OTHER_SIGNER = 4 };

static void write_request(EVP_PKEY *key, int how, struct fl_buf *out)
{
    X509_REQ *req = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    EVP_PKEY *signer = (how & OTHER_SIGNER) != 0 ? EVP_EC_gen("P-256") : key;
    const EVP_MD *md = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    char *text = NULL;
    long len;

    (void)X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
                                     (const unsigned char *)"evil", -1, -1, 0);
    (void)X509_REQ_set_pubkey(req, key);
    if ((how & WITH_EXTENSIONS) != 0) {
        STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();

        sk_X509_EXTENSION_push(
            list, X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE"));
        sk_X509_EXTENSION_push(
            list, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:logs.example.net"));
        (void)X509_REQ_add_extensions(req, list);
        sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    }
    (void)X509_REQ_sign(req, signer, md);
    if ((how & BREAK_SIGNATURE) != 0)
        (void)X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "O", MBSTRING_ASC,
                                         (const unsigned char *)"later", -1, -1, 0);
    (void)PEM_write_bio_X509_REQ(bio, req);
    len = BIO_get_mem_data(bio, &text);
    fl_buf_clear(out);
    fl_buf_put(out, text, (size_t)len);
    BIO_free(bio);
    X509_REQ_free(req);
    if (signer != key)
        EVP_PKEY_free(signer);
}

static EVP_PKEY *explicit_curve(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    (void)EVP_PKEY_keygen_init(ctx);
    (void)EVP_PKEY_CTX_set_group_name(ctx, "P-256");
    (void)EVP_PKEY_CTX_set_ec_param_enc(ctx, OPENSSL_EC_EXPLICIT_CURVE);
    (void)EVP_PKEY_generate(ctx, &key);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void check_foreign_requests(void)
{
    struct {
        const char *name, *says; /* NULL: it is signed */
        EVP_PKEY *key;
        int how;
    } cases[] = {
        {"P-256", NULL, EVP_EC_gen("P-256"), 0},
        {"P-384", NULL, EVP_EC_gen("P-384"), 0},
        {"RSA 2048", NULL, EVP_RSA_gen(2048), 0},
        {"asking to be a CA", NULL, EVP_EC_gen("P-256"), WITH_EXTENSIONS},
        {"RSA 1024", "1024 bits", EVP_RSA_gen(1024), 0},
        {"P-521", "another elliptic curve", EVP_EC_gen("P-521"), 0},
        {"secp256k1", "another elliptic curve", EVP_EC_gen("secp256k1"), 0},
        {"P-256 with explicit parameters", "another elliptic curve", explicit_curve(), 0},
        {"Ed25519", "another kind", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), 0},
        {"changed after signing", "not signed by its own key", EVP_EC_gen("P-256"),
         BREAK_SIGNATURE},
        {"signed by another key", "not signed by its own key", EVP_EC_gen("P-256"), OTHER_SIGNER},
    };

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        struct fl_buf csr, pem;
        struct fl_cert_info info;
        int r;

        fl_buf_init(&csr, FL_CERT_PEM_MAX);
        fl_buf_init(&pem, FL_CERT_PEM_MAX);
        write_request(cases[i].key, cases[i].how, &csr);
        r = fl_ca_sign_request(ca, fl_buf_span(&csr), "d", 1, NOW_US, &pem, &info, &err);
        CHECK(cases[i].says == NULL
                  ? r == 0 && !info.is_ca && strcmp(info.subject, "CN=d") == 0 &&
                        chain_holds(fl_buf_span(&pem), X509_PURPOSE_SSL_CLIENT, NULL) &&
                        memmem(pem.ptr, pem.len, "example", 7) == NULL
                  : r == FL_E_INVAL && says(cases[i].says),
              cases[i].name);
        EVP_PKEY_free(cases[i].key);
        fl_buf_done(&csr);
        fl_buf_done(&pem);
    }
}

static void check_bad_pem(void)
{
    static unsigned char big[FL_CERT_PEM_MAX + 1];
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no PEM text"},
        {"hello", "no PEM text"},
        {"-----BEGIN CERTIFICATE-----\n", "not a certificate"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a certificate"},
        {"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
         "not a certificate"},
        {"-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
         "00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
         "-----END CERTIFICATE-----\n",
         "not a certificate"},
    };
    struct fl_cert_info info;
    struct fl_buf two;

    for (size_t i = 0; i < FL_LEN(cases); i++)
        CHECK(fl_cert_read(fl_span_str(cases[i].text), &info, &err) == FL_E_INVAL &&
                  says(cases[i].says),
              "not a certificate, and no question at the terminal");
    memset(big, 'A', sizeof big);
    CHECK(fl_cert_read(fl_span_of(big, sizeof big), &info, &err) == FL_E_LIMIT, "too long");
    fl_buf_init(&two, 2 * FL_CERT_PEM_MAX);
    fl_buf_put_span(&two, fl_buf_span(&ca_pem));
    fl_buf_put_span(&two, fl_buf_span(&ca_pem));
    CHECK(fl_cert_read(fl_buf_span(&two), &info, &err) == FL_E_INVAL && says("give one"),
          "two in one text");
    fl_buf_done(&two);
}

static void check_signer(void)
{
    struct fl_signer *signer = NULL;
    unsigned char digest[64], sig[FL_CA_SIGNATURE_MAX];
    struct fl_buf key;
    size_t len = 0;
    const unsigned char *at;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *ctx;
    int bad = 0;

    fl_buf_init(&key, 4096);
    memset(digest, 7, sizeof digest);
    if (fl_ca_make_key(&key, &err) < 0)
        abort();
    at = key.ptr;
    pkey = d2i_AutoPrivateKey(NULL, &at, (long)key.len);
    CHECK(fl_signer_open(fl_buf_span(&key), &signer, &err) == 0, "opened");
    for (size_t n = 0; n <= 64; n++) {
        bool right = n == 32 || n == 48 || n == 64;
        int r = fl_signer_sign(signer, fl_span_of(digest, n), sig, &len, &err);

        bad += right ? r != 0 : r != FL_E_INVAL;
        if (!right || r != 0)
            continue;
        ctx = EVP_PKEY_CTX_new(pkey, NULL);
        bad += EVP_PKEY_verify_init(ctx) != 1 || EVP_PKEY_verify(ctx, sig, len, digest, n) != 1;
        EVP_PKEY_CTX_free(ctx);
    }
    CHECK(bad == 0, "digests of 32, 48, 64 bytes are signed, no others");
    EVP_PKEY_free(pkey);
    fl_signer_free(signer);
    fl_buf_done(&key);
}

static void check_fingerprints(void)
{
    unsigned char bytes[32], got[32];
    char text[65], colons[97];

    for (int i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)(i * 9);
        (void)snprintf(colons + 3 * i, 4, "%02X:", bytes[i]);
    }
    fl_cert_fingerprint_text(bytes, text);
    CHECK(strncmp(text, "000912", 6) == 0 && strlen(text) == 64, "written");
    CHECK(fl_cert_fingerprint_parse(fl_span_str(text), got) && memcmp(got, bytes, 32) == 0 &&
              fl_cert_fingerprint_parse(fl_span_of(colons, 95), got) && memcmp(got, bytes, 32) == 0,
          "read, with and without colons");
    colons[2] = '-';
    text[63] = 'g';
    CHECK(!fl_cert_fingerprint_parse(fl_span_of(colons, 95), got) &&
              !fl_cert_fingerprint_parse(fl_span_str(text), got) &&
              !fl_cert_fingerprint_parse(fl_span_of(text, 62), got),
          "wrong ones are not");
}

int main(void)
{
    check_authority();
    check_server();
    check_device();
    check_foreign_requests();
    check_bad_pem();
    check_signer();
    check_fingerprints();
    fl_ca_free(ca);
    fl_buf_done(&ca_key);
    fl_buf_done(&ca_pem);
    return tap_done();
}
