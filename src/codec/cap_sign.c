#include "codec/cap_sign.h"

#include <libxml/tree.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <xmlsec/base64.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>

#include "base/time.h"
#include "codec/xml_safe.h"

#define SIGNATURES_MAX 8

struct fl_cap_trust {
    X509_STORE *store;
    unsigned count;
    X509 *certs[FL_CAP_TRUST_MAX]; /* the store has references too */
};

void fl_cap_trust_free(struct fl_cap_trust *trust)
{
    if (trust == NULL)
        return;
    for (unsigned i = 0; i < trust->count; i++)
        X509_free(trust->certs[i]);
    X509_STORE_free(trust->store);
    free(trust);
}

static struct fl_cap_trust *trust_alloc(void)
{
    struct fl_cap_trust *trust = calloc(1, sizeof *trust);

    if (trust != NULL && (trust->store = X509_STORE_new()) == NULL) {
        free(trust);
        trust = NULL;
    }
    return trust;
}

static int add_certs(struct fl_cap_trust *trust, BIO *bio, struct fl_err *err)
{
    X509 *cert;

    while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (trust->count == FL_CAP_TRUST_MAX || X509_STORE_add_cert(trust->store, cert) != 1) {
            X509_free(cert);
            return fl_err_set(err, FL_E_LIMIT, "more than %u certificates", FL_CAP_TRUST_MAX);
        }
        trust->certs[trust->count++] = cert;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE || trust->count == 0)
        return fl_err_set(err, FL_E_INVAL, "certificate %u is none in PEM", trust->count + 1);
    return FL_OK;
}

int fl_cap_trust_new(struct fl_span pem, struct fl_cap_trust **ret, struct fl_err *err)
{
    FL_AUTO(fl_cap_trust_freep) struct fl_cap_trust *trust = trust_alloc();
    BIO *bio;
    int r;

    if (pem.len > (size_t)1 << 20)
        return fl_err_set(err, FL_E_LIMIT, "certificates over 1 MiB");
    if (trust == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for certificates");
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for certificates");
    ERR_clear_error();
    r = add_certs(trust, bio, err);
    BIO_free(bio);
    ERR_clear_error();
    if (r < 0)
        return r;
    *ret = trust;
    trust = NULL;
    return FL_OK;
}

/* xmlsec is set up once for the process; nothing of it is ever fetched or loaded. */
static bool is_ready(void)
{
    static int state; /* 0 not tried, 1 ready, 2 failed; one thread reads feeds */

    if (state == 0) {
        state = xmlSecInit() >= 0 && xmlSecCryptoInit() >= 0 ? 1 : 2;
        xmlSecErrorsDefaultCallbackEnableOutput(0);
    }
    return state == 1;
}

/* --- whose certificate --- */

static X509 *cert_of(const xmlNode *signature)
{
    const xmlNode *data = fl_xml_child(fl_xml_child(signature, "KeyInfo", NULL), "X509Data", NULL);
    const xmlNode *node = fl_xml_child(data, "X509Certificate", NULL);
    unsigned char der[8192];
    struct fl_span text;
    const unsigned char *p = der;
    xmlChar *content;
    X509 *cert = NULL;
    xmlSecSize n = 0;
    bool read;

    if (node == NULL || (content = xmlNodeGetContent(node)) == NULL)
        return NULL;
    text = fl_span_str((const char *)content);
    read = text.len <= sizeof der && xmlSecBase64Decode_ex(content, der, sizeof der, &n) >= 0;
    xmlFree(content);
    if (read && n > 0)
        cert = d2i_X509(NULL, &p, (long)n);
    ERR_clear_error();
    return cert;
}

static bool is_trusted(X509 *cert, int64_t at_us, const struct fl_cap_trust *trust)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool good = false;

    if (ctx != NULL && X509_STORE_CTX_init(ctx, trust->store, cert, NULL) == 1) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

        (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_time(param, (time_t)(at_us / FL_US_PER_S));
        good = X509_verify_cert(ctx) == 1;
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

static xmlSecKeyPtr key_of(X509 *cert)
{
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);
    xmlSecKeyPtr key = NULL;

    if (n > 0)
        key = xmlSecCryptoAppKeyLoadMemory(der, (xmlSecSize)n, xmlSecKeyDataFormatCertDer, NULL,
                                           NULL, NULL);
    OPENSSL_free(der);
    return key;
}

/* --- one signature --- */

/* The alert as a document of its own, with the other signatures or without them. *ret_signature is
 * number `which`. */
static xmlDocPtr alone(xmlNode *alert, unsigned which, bool others, xmlNode **ret_signature)
{
    xmlDocPtr doc = xmlNewDoc((const xmlChar *)"1.0");
    xmlNode *root, *node, *next;
    unsigned n = 0;

    if (doc == NULL)
        return NULL;
    root = xmlDocCopyNode(alert, doc, 1);
    if (root == NULL) {
        xmlFreeDoc(doc);
        return NULL;
    }
    (void)xmlDocSetRootElement(doc, root);
    *ret_signature = NULL;
    for (node = fl_xml_child(root, "Signature", NULL); node != NULL; node = next) {
        next = fl_xml_child(root, "Signature", node);
        if (n++ == which) {
            *ret_signature = node;
        } else if (!others) {
            xmlUnlinkNode(node);
            xmlFreeNode(node);
        }
    }
    return doc;
}

static bool allow(xmlSecDSigCtxPtr ctx)
{
    ctx->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
    return xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformEnvelopedId) >= 0 &&
           xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformInclC14NId) >= 0 &&
           xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformExclC14NId) >= 0 &&
           xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformSha1Id) >= 0 &&
           xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformSha256Id) >= 0 &&
           xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformSha384Id) >= 0 &&
           xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformSha512Id) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformInclC14NId) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformExclC14NId) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformRsaSha1Id) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformRsaSha256Id) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformRsaSha384Id) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformRsaSha512Id) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformEcdsaSha256Id) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformEcdsaSha384Id) >= 0;
}

static bool holds(xmlNode *alert, unsigned which, bool others, X509 *cert)
{
    xmlNode *signature = NULL;
    xmlDocPtr doc = alone(alert, which, others, &signature);
    xmlSecDSigCtxPtr ctx = doc == NULL ? NULL : xmlSecDSigCtxCreate(NULL);
    bool good = false;

    if (ctx != NULL && signature != NULL && allow(ctx)) {
        ctx->signKey = key_of(cert);
        good = ctx->signKey != NULL && xmlSecDSigCtxVerify(ctx, signature) >= 0 &&
               ctx->status == xmlSecDSigStatusSucceeded &&
               xmlSecPtrListGetSize(&ctx->signedInfoReferences) == 1 &&
               xmlSecPtrListGetSize(&ctx->manifestReferences) == 0;
    }
    if (ctx != NULL)
        xmlSecDSigCtxDestroy(ctx);
    if (doc != NULL)
        xmlFreeDoc(doc);
    ERR_clear_error();
    return good;
}

/* MD5 can be forged: such a signature says nothing. */
static bool is_weak(const xmlNode *signature)
{
    const xmlNode *info = fl_xml_child(signature, "SignedInfo", NULL);
    const xmlNode *method = fl_xml_child(info, "SignatureMethod", NULL),
                  *digest =
                      fl_xml_child(fl_xml_child(info, "Reference", NULL), "DigestMethod", NULL);
    const xmlNode *nodes[] = {method, digest};
    bool weak = false;

    for (size_t i = 0; i < FL_LEN(nodes); i++) {
        xmlChar *name =
            nodes[i] == NULL ? NULL : xmlGetNoNsProp(nodes[i], (const xmlChar *)"Algorithm");

        weak = weak || (name != NULL && strstr((const char *)name, "md5") != NULL);
        xmlFree(name);
    }
    return weak;
}

static enum fl_cap_signed check_one(xmlNode *alert, const xmlNode *signature, unsigned which,
                                    int64_t sent_us, const struct fl_cap_trust *trust)
{
    X509 *cert = cert_of(signature);
    enum fl_cap_signed state = FL_CAP_UNVERIFIED;

    if (cert != NULL && trust != NULL && !is_weak(signature) && is_trusted(cert, sent_us, trust))
        state = holds(alert, which, true, cert) || holds(alert, which, false, cert)
                    ? FL_CAP_VERIFIED
                    : FL_CAP_FAILED;
    X509_free(cert);
    return state;
}

int fl_cap_signature(struct _xmlNode *alert, int64_t sent_us, const struct fl_cap_trust *trust,
                     enum fl_cap_signed *ret, struct fl_err *err)
{
    enum fl_cap_signed state = FL_CAP_UNSIGNED;
    const xmlNode *node = NULL;
    unsigned n = 0;

    if (!is_ready())
        return fl_err_set(err, FL_E_NOMEM, "xmlsec cannot be set up");
    while ((node = fl_xml_child(alert, "Signature", node)) != NULL && n < SIGNATURES_MAX) {
        enum fl_cap_signed one = check_one(alert, node, n++, sent_us, trust);

        if (one > state)
            state = one; /* the order of the enum: a failed one outweighs all */
    }
    *ret = state;
    return FL_OK;
}
