/* Signatures of CAP alerts: made here with a key of our own, then checked. */
#include "codec/cap_sign.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>
#include <xmlsec/crypto.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>

#include "base/time.h"
#include "feed_help.h"

#define SENT_TEXT "2026-11-20T10:00:00+00:00"

static const char alert_text[] =
    "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>A.1</identifier>"
    "<sender>w@x.example</sender><sent>" SENT_TEXT "</sent><status>Actual</status>"
    "<msgType>Alert</msgType><scope>Public</scope><info><category>Met</category><event>Flood</"
    "event>"
    "<urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>"
    "<area><areaDesc>Vale</areaDesc></area></info></alert>";

struct signer {
    EVP_PKEY *key;
    X509 *cert;
    struct fl_buf pem;
};

/* From 2026-01-01 for two years. */
static void signer_new(struct signer *s)
{
    X509_NAME *name;
    ASN1_TIME *time = ASN1_TIME_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long n;

    s->key = EVP_EC_gen("P-256");
    s->cert = X509_new();
    (void)X509_set_version(s->cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(s->cert), 7);
    (void)ASN1_TIME_set(time, 1767225600);
    (void)X509_set1_notBefore(s->cert, time);
    (void)ASN1_TIME_set(time, 1767225600 + 2 * 365 * 86400);
    (void)X509_set1_notAfter(s->cert, time);
    ASN1_TIME_free(time);
    (void)X509_set_pubkey(s->cert, s->key);
    name = X509_get_subject_name(s->cert);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"agency", -1,
                                     -1, 0);
    (void)X509_set_issuer_name(s->cert, name);
    (void)X509_sign(s->cert, s->key, EVP_sha256());
    (void)PEM_write_bio_X509(bio, s->cert);
    n = BIO_get_mem_data(bio, &text);
    fl_buf_init(&s->pem, 1 << 16);
    fl_buf_put(&s->pem, text, (size_t)n);
    BIO_free(bio);
}

static void signer_done(struct signer *s)
{
    EVP_PKEY_free(s->key);
    X509_free(s->cert);
    fl_buf_done(&s->pem);
}

/* The private key in the form in which xmlsec takes it. */
static xmlSecKeyPtr private_key(const struct signer *s)
{
    BIO *bio = BIO_new(BIO_s_mem());
    xmlSecKeyPtr key;
    char *text;
    long n;

    (void)PEM_write_bio_PrivateKey(bio, s->key, NULL, NULL, 0, NULL, NULL);
    n = BIO_get_mem_data(bio, &text);
    key = xmlSecCryptoAppKeyLoadMemory((const xmlSecByte *)text, (xmlSecSize)n,
                                       xmlSecKeyDataFormatPem, NULL, NULL, NULL);
    BIO_free(bio);
    return key;
}

static void put_cert(xmlNode *signature, const struct signer *s)
{
    xmlNode *info = xmlSecTmplSignatureEnsureKeyInfo(signature, NULL);
    xmlNode *data = xmlSecTmplKeyInfoAddX509Data(info);
    unsigned char *der = NULL, base64[4096];
    int n = i2d_X509(s->cert, &der);

    (void)EVP_EncodeBlock(base64, der, n);
    (void)xmlNewChild(data, data->ns, (const xmlChar *)"X509Certificate", base64);
    OPENSSL_free(der);
}

/* A second or first signature onto the alert of doc. */
static bool sign(xmlDocPtr doc, const struct signer *s)
{
    xmlNode *root = xmlDocGetRootElement(doc), *reference;
    xmlNode *signature = xmlSecTmplSignatureCreate(doc, xmlSecTransformExclC14NId,
                                                   xmlSecTransformEcdsaSha256Id, NULL);
    xmlSecDSigCtxPtr ctx = xmlSecDSigCtxCreate(NULL);
    bool good;

    (void)xmlAddChild(root, signature);
    reference = xmlSecTmplSignatureAddReference(signature, xmlSecTransformSha256Id, NULL,
                                                (const xmlChar *)"", NULL);
    (void)xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId);
    put_cert(signature, s);
    ctx->signKey = private_key(s);
    good = ctx->signKey != NULL && xmlSecDSigCtxSign(ctx, signature) >= 0;
    xmlSecDSigCtxDestroy(ctx);
    return good;
}

static xmlDocPtr parse(const char *text, size_t n)
{
    return xmlReadMemory(text, (int)n, NULL, NULL, XML_PARSE_NONET);
}

/* What a check of the text says; the signer of trust is known. */
static enum fl_cap_signed check(const char *text, size_t n, const struct signer *known,
                                int64_t at_us)
{
    FL_AUTO(fl_cap_trust_freep) struct fl_cap_trust *trust = NULL;
    enum fl_cap_signed state = FL_CAP_UNSIGNED;
    xmlDocPtr doc = parse(text, n);
    struct fl_err err;

    if (known != NULL && fl_cap_trust_new(fl_buf_span(&known->pem), &trust, &err) < 0)
        printf("# %s\n", err.text);
    if (fl_cap_signature(xmlDocGetRootElement(doc), at_us, trust, &state, &err) < 0)
        printf("# %s\n", err.text);
    xmlFreeDoc(doc);
    return state;
}

/* Signed text; *ret_len its length. */
static xmlChar *signed_text(const struct signer *first, const struct signer *second, int *ret_len)
{
    xmlDocPtr doc = parse(alert_text, sizeof alert_text - 1);
    xmlChar *text = NULL;

    CHECK(sign(doc, first), "an alert is signed");
    if (second != NULL)
        CHECK(sign(doc, second), "and signed again by who passes it on");
    xmlDocDumpMemory(doc, &text, ret_len);
    xmlFreeDoc(doc);
    return text;
}

static void test_states(const struct signer *ours, const struct signer *other, int64_t sent_us)
{
    int n;
    xmlChar *text = signed_text(ours, NULL, &n);
    char *changed = strdup((const char *)text), *at = strstr(changed, "Vale");

    CHECK(check(alert_text, sizeof alert_text - 1, ours, sent_us) == FL_CAP_UNSIGNED,
          "no signature");
    CHECK(check((const char *)text, (size_t)n, ours, sent_us) == FL_CAP_VERIFIED,
          "signed by a known one");
    CHECK(check((const char *)text, (size_t)n, NULL, sent_us) == FL_CAP_UNVERIFIED,
          "nobody is known");
    CHECK(check((const char *)text, (size_t)n, other, sent_us) == FL_CAP_UNVERIFIED,
          "somebody else is known");
    CHECK(check((const char *)text, (size_t)n, ours, sent_us + 3000 * FL_US_PER_DAY) ==
              FL_CAP_UNVERIFIED,
          "the certificate's time is over");
    memcpy(at, "Vole", 4);
    CHECK(check(changed, (size_t)n, ours, sent_us) == FL_CAP_FAILED, "a letter was changed");
    free(changed);
    xmlFree(text);
}

static void test_two(const struct signer *ours, const struct signer *other, int64_t sent_us)
{
    int n;
    xmlChar *text = signed_text(ours, other, &n);

    CHECK(check((const char *)text, (size_t)n, ours, sent_us) == FL_CAP_VERIFIED,
          "the first of two signatures, made before the second");
    CHECK(check((const char *)text, (size_t)n, other, sent_us) == FL_CAP_VERIFIED,
          "the second, made over the first");
    xmlFree(text);
}

/* Within an Atom feed, whose name spaces were not there when it was signed; and a forged one. */
static void test_reader(const struct signer *ours, int64_t sent_us)
{
    FL_AUTO(fl_cap_trust_freep) struct fl_cap_trust *trust = NULL;
    struct fl_feed_source source = {.name = FL_SPAN("x"), .format = FL_FEED_CAP};
    struct feed_got got;
    struct fl_buf feed;
    struct fl_err err;
    int n;
    xmlChar *text = signed_text(ours, NULL, &n);
    const char *body = strstr((const char *)text, "<alert");

    (void)sent_us;
    fl_buf_init(&feed, 1 << 20);
    fl_buf_put_str(&feed, "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:g=\"urn:g\"><entry>"
                          "<content type=\"text/xml\">\n");
    fl_buf_put_str(&feed, body);
    fl_buf_put_str(&feed, "</content></entry></feed>");
    CHECK(fl_cap_trust_new(fl_buf_span(&ours->pem), &trust, &err) == FL_OK,
          "a certificate is read");
    source.trust = trust;
    feed_got_init(&got);
    feed_read(&source, fl_buf_span(&feed), &got);
    CHECK(got.event_count == 1 && feed_has(&got.events, "\"signature\":true,\"verified\":true"),
          "verified out of a feed");
    feed_got_done(&got);
    memcpy(strstr((char *)feed.ptr, "Vale"), "Vole", 4);
    feed_got_init(&got);
    feed_read(&source, fl_buf_span(&feed), &got);
    CHECK(got.event_count == 0 &&
              feed_has(&got.refused, "A.1: Signature: names a signer who is known"),
          "a forged one is refused");
    feed_got_done(&got);
    source.trust = NULL;
    feed_got_init(&got);
    feed_read(&source, fl_buf_span(&feed), &got);
    CHECK(got.event_count == 1 && feed_has(&got.events, "\"signature\":true") &&
              !feed_has(&got.events, "\"verified\""),
          "of nobody who is known: said to be unverified");
    feed_got_done(&got);
    fl_buf_done(&feed);
    xmlFree(text);
}

static void test_trust(void)
{
    struct fl_cap_trust *trust = NULL;
    struct fl_err err;

    CHECK(fl_cap_trust_new(FL_SPAN("nothing"), &trust, &err) == FL_E_INVAL &&
              strstr(err.text, "certificate 1 is none in PEM") != NULL,
          "what is no certificate is refused");
    CHECK(
        fl_cap_trust_new(FL_SPAN("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                         &trust, &err) == FL_E_INVAL,
        "as is a broken one");
}

int main(void)
{
    struct signer ours, other;
    int64_t sent_us = 0;
    enum fl_cap_signed state;
    struct fl_err err;
    xmlDocPtr doc = parse(alert_text, sizeof alert_text - 1);

    CHECK(fl_time_parse(FL_SPAN(SENT_TEXT), &sent_us), "a time");
    CHECK(fl_cap_signature(xmlDocGetRootElement(doc), sent_us, NULL, &state, &err) == FL_OK,
          "xmlsec is set up");
    xmlFreeDoc(doc);
    signer_new(&ours);
    signer_new(&other);
    test_states(&ours, &other, sent_us);
    test_two(&ours, &other, sent_us);
    test_reader(&ours, sent_us);
    test_trust();
    signer_done(&ours);
    signer_done(&other);
    return tap_done();
}
