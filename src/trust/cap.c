#include "trust/cap.h"

#include <sodium.h>
#include <string.h>

#include "base/cursor.h"

enum { VERSION = 1, SIGNATURE_BYTES = crypto_sign_BYTES };

#define CONTEXT     "fairlead capability v1"
#define CONTEXT_LEN (sizeof CONTEXT - 1)

void fl_cap_keypair(unsigned char ret_public[FL_CAP_PUBLIC_BYTES],
                    unsigned char ret_secret[FL_CAP_SECRET_BYTES])
{
    (void)crypto_sign_keypair(ret_public, ret_secret);
}

/* What is signed: the context, so that no other signature of the key fits, and the bytes. */
static size_t signed_text(struct fl_span bytes, unsigned char ret[CONTEXT_LEN + FL_CAP_MAX_BYTES])
{
    memcpy(ret, CONTEXT, CONTEXT_LEN);
    memcpy(ret + CONTEXT_LEN, bytes.ptr, bytes.len);
    return CONTEXT_LEN + bytes.len;
}

int fl_cap_mint(const struct fl_cap *cap, const unsigned char secret[FL_CAP_SECRET_BYTES],
                struct fl_buf *out, struct fl_err *err)
{
    unsigned char text[CONTEXT_LEN + FL_CAP_MAX_BYTES], signature[SIGNATURE_BYTES];
    size_t purpose_len = strnlen(cap->purpose, sizeof cap->purpose);
    FL_AUTO(fl_buf_done) struct fl_buf body;
    int r;

    fl_buf_init(&body, FL_CAP_MAX_BYTES - SIGNATURE_BYTES);
    if (purpose_len == 0 || purpose_len > FL_CAP_PURPOSE_MAX)
        return fl_err_set(err, FL_E_INVAL, "a purpose has 1 to %d bytes", FL_CAP_PURPOSE_MAX);
    fl_buf_put_u8(&body, VERSION);
    fl_buf_put_u32(&body, cap->tenant);
    fl_buf_put_u32(&body, cap->scope);
    fl_buf_put_u64(&body, (uint64_t)cap->not_after_us);
    fl_buf_put_u64(&body, cap->number);
    fl_buf_put_u8(&body, (uint8_t)purpose_len);
    fl_buf_put(&body, cap->purpose, purpose_len);
    r = fl_buf_status(&body, err);
    if (r < 0)
        return r;
    (void)crypto_sign_detached(signature, NULL, text, signed_text(fl_buf_span(&body), text),
                               secret);
    fl_buf_put_span(out, fl_buf_span(&body));
    fl_buf_put(out, signature, sizeof signature);
    return fl_buf_status(out, err);
}

static int parse(struct fl_span body, struct fl_cap *ret, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(body);
    uint8_t version = fl_cursor_u8(&cur);
    struct fl_cap cap = {0};
    struct fl_span purpose;

    cap.tenant = fl_cursor_u32(&cur);
    cap.scope = fl_cursor_u32(&cur);
    cap.not_after_us = (int64_t)fl_cursor_u64(&cur);
    cap.number = fl_cursor_u64(&cur);
    purpose = fl_cursor_bytes(&cur, fl_cursor_u8(&cur));
    if (!fl_cursor_done(&cur) || version != VERSION || purpose.len == 0 ||
        purpose.len > FL_CAP_PURPOSE_MAX)
        return fl_err_set(err, FL_E_DENIED, "not a capability of version %d", VERSION);
    memcpy(cap.purpose, purpose.ptr, purpose.len);
    *ret = cap;
    return FL_OK;
}

int fl_cap_check(struct fl_span bytes, const unsigned char public_key[FL_CAP_PUBLIC_BYTES],
                 int64_t now_us, uint32_t need, struct fl_cap *ret, struct fl_err *err)
{
    unsigned char text[CONTEXT_LEN + FL_CAP_MAX_BYTES];
    struct fl_cap cap = {0};
    struct fl_span body;
    int r;

    if (bytes.len <= SIGNATURE_BYTES || bytes.len > FL_CAP_MAX_BYTES)
        return fl_err_set(err, FL_E_DENIED, "%zu bytes are not a capability", bytes.len);
    body = fl_span_of(bytes.ptr, bytes.len - SIGNATURE_BYTES);
    if (crypto_sign_verify_detached(body.ptr + body.len, text, signed_text(body, text),
                                    public_key) != 0)
        return fl_err_set(err, FL_E_DENIED,
                          "the capability was not signed by the running keys process");
    r = parse(body, &cap, err);
    if (r < 0)
        return r;
    if (now_us >= cap.not_after_us)
        return fl_err_set(err, FL_E_DENIED, "the capability is over its time");
    if ((cap.scope & need) != need)
        return fl_err_set(err, FL_E_DENIED, "the capability's scope %#x lacks %#x", cap.scope,
                          need & ~cap.scope);
    *ret = cap;
    return FL_OK;
}
