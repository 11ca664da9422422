#include "trust/receipt.h"

#include <sodium.h>
#include <string.h>

#include "base/time.h"
#include "trust/ledger_link.h"

static const char context[] = "fairlead erasure receipt v1\n";
static const char key_member[] = ",\"key\":\"", signature_member[] = ",\"signature\":\"";

enum {
    SIGNATURE_HEX = 2 * crypto_sign_BYTES,
    KEY_HEX = 2 * FL_RECEIPT_PUBLIC_BYTES,
    /* ,"key":"64","signature":"128"} */
    END_BYTES = 8 + KEY_HEX + 1 + 14 + SIGNATURE_HEX + 2
};

static int signed_text(struct fl_span line, struct fl_buf *out, struct fl_err *err)
{
    fl_buf_put_str(out, context);
    fl_buf_put_span(out, line);
    return fl_buf_status(out, err);
}

int fl_receipt_make(uint64_t number, int64_t at_us, struct fl_span facts,
                    const unsigned char secret[FL_RECEIPT_SECRET_BYTES], struct fl_buf *out,
                    struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    unsigned char public[FL_RECEIPT_PUBLIC_BYTES], signature[crypto_sign_BYTES];
    char hex[SIGNATURE_HEX + 1], at[FL_TIME_TEXT_BYTES];
    size_t begin = out->len;
    int r;

    fl_buf_init(&text, FL_LEDGER_RECEIPT_MAX);
    if (facts.len < 2 || facts.ptr[0] != '{' || facts.ptr[facts.len - 1] != '}' ||
        memchr(facts.ptr, '\n', facts.len) != NULL)
        return fl_err_set(err, FL_E_INVAL, "what was done is no JSON object on one line");
    fl_time_format(at_us, at);
    (void)crypto_sign_ed25519_sk_to_pk(public, secret);
    (void)sodium_bin2hex(hex, sizeof hex, public, sizeof public);
    fl_buf_printf(out, "{\"receipt\":%llu,\"at\":\"%s\",\"facts\":", (unsigned long long)number,
                  at);
    fl_buf_put_span(out, facts);
    fl_buf_printf(out, "%s%s\"", key_member, hex);
    r = fl_buf_status(out, err);
    if (r == 0)
        r = signed_text(fl_span_of(out->ptr + begin, out->len - begin), &text, err);
    if (r < 0)
        return r;
    (void)crypto_sign_detached(signature, NULL, text.ptr, text.len, secret);
    (void)sodium_bin2hex(hex, sizeof hex, signature, sizeof signature);
    fl_buf_printf(out, "%s%s\"}", signature_member, hex);
    return fl_buf_status(out, err);
}

static bool member(const unsigned char *at, const char *name, unsigned char *ret, size_t bytes)
{
    size_t len = strlen(name), got = 0;

    return memcmp(at, name, len) == 0 &&
           sodium_hex2bin(ret, bytes, (const char *)at + len, 2 * bytes, NULL, &got, NULL) == 0 &&
           got == bytes && at[len + 2 * bytes] == '"';
}

int fl_receipt_verify(struct fl_span line, unsigned char ret_public[FL_RECEIPT_PUBLIC_BYTES],
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    unsigned char public[FL_RECEIPT_PUBLIC_BYTES], signature[crypto_sign_BYTES];
    const unsigned char *end;
    int r;

    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    fl_buf_init(&text, FL_LEDGER_RECEIPT_MAX + sizeof context);
    if (line.len > FL_LEDGER_RECEIPT_MAX || line.len < END_BYTES + 12 ||
        memcmp(line.ptr, "{\"receipt\":", 11) != 0)
        return fl_err_set(err, FL_E_CORRUPT, "this is not a receipt of an erasure");
    end = line.ptr + line.len - END_BYTES;
    if (!member(end, key_member, public, sizeof public) ||
        !member(end + 8 + KEY_HEX + 1, signature_member, signature, sizeof signature) ||
        line.ptr[line.len - 1] != '}')
        return fl_err_set(
            err, FL_E_CORRUPT,
            "the receipt does not end in its key and signature, or was changed there");
    r = signed_text(fl_span_of(line.ptr, line.len - 14 - SIGNATURE_HEX - 2), &text, err);
    if (r < 0)
        return r;
    if (crypto_sign_verify_detached(signature, text.ptr, text.len, public) != 0)
        return fl_err_set(err, FL_E_DENIED, "the receipt was changed, or another key signed it");
    memcpy(ret_public, public, sizeof public);
    return FL_OK;
}
