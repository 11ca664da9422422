/* Certificates and requests: the input as PEM, and as the DER inside a certificate or a request. */
#include <assert.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trust/ca.h"

#define NOW_US INT64_C(1795000000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fl_ca *the_ca(void)
{
    static struct fl_ca *ca;
    struct fl_buf key, pem;
    struct fl_err err;

    if (ca != NULL)
        return ca;
    fl_buf_init(&key, 4096);
    fl_buf_init(&pem, FL_CERT_PEM_MAX);
    if (fl_ca_make_key(&key, &err) < 0 ||
        fl_ca_make(fl_buf_span(&key), "fuzz", NOW_US, &pem, &err) < 0 ||
        fl_ca_open(fl_buf_span(&key), fl_buf_span(&pem), &ca, &err) < 0)
        abort();
    fl_buf_done(&key);
    fl_buf_done(&pem);
    return ca;
}

static void try_pem(struct fl_span pem)
{
    struct fl_cert_info info, issued;
    struct fl_buf out;
    struct fl_err err;

    if (fl_cert_read(pem, &info, &err) == 0)
        assert(memchr(info.subject, '\0', sizeof info.subject) != NULL && info.key[0] != '\0');
    if (fl_cert_check_ca(pem, NOW_US, &info, &err) == 0)
        assert(info.is_ca);
    (void)fl_ca_server_fits(pem, "localhost", NOW_US);
    fl_buf_init(&out, FL_CERT_PEM_MAX);
    if (fl_ca_sign_request(the_ca(), pem, "device", 1, NOW_US, &out, &issued, &err) == 0) {
        assert(!issued.is_ca && strcmp(issued.subject, "CN=device") == 0);
        assert(fl_cert_read(fl_buf_span(&out), &info, &err) == 0);
        assert(memcmp(info.fingerprint, issued.fingerprint, sizeof info.fingerprint) == 0);
    }
    fl_buf_done(&out);
}

static void try_der(const char *what, const uint8_t *data, size_t size)
{
    struct fl_buf pem;
    unsigned char *at;

    fl_buf_init(&pem, FL_CERT_PEM_MAX * 2);
    fl_buf_printf(&pem, "-----BEGIN %s-----\n", what);
    for (size_t i = 0; i < size; i += 48) {
        at = fl_buf_reserve(&pem, 65);
        if (at == NULL)
            break;
        pem.len += (size_t)EVP_EncodeBlock(at, data + i, size - i < 48 ? (int)(size - i) : 48);
        fl_buf_put_u8(&pem, '\n');
    }
    fl_buf_printf(&pem, "-----END %s-----\n", what);
    if (pem.failed == 0)
        try_pem(fl_buf_span(&pem));
    fl_buf_done(&pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char fingerprint[FL_CERT_FINGERPRINT_BYTES];
    struct fl_span rest;

    if (size == 0)
        return 0;
    rest = fl_span_of(data + 1, size - 1);
    (void)fl_cert_fingerprint_parse(rest, fingerprint);
    if (data[0] == 'c')
        try_der("CERTIFICATE", rest.ptr, rest.len);
    else if (data[0] == 'r')
        try_der("CERTIFICATE REQUEST", rest.ptr, rest.len);
    else
        try_pem(rest);
    return 0;
}
