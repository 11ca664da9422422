#include "io/hook.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

enum { TIMEOUT_MS = 20000, ANSWER_BYTES = 64 * 1024, SHOWN_BYTES = 200, MAC_BYTES = 32 };

int fl_hook_sign(struct fl_span secret, struct fl_span body, int64_t now_us,
                 char ret[FL_HOOK_SIGNATURE_MAX], struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int at;

    fl_buf_init(&text, body.len + 64);
    fl_buf_printf(&text, "%" PRId64 ".", now_us / FL_US_PER_S);
    fl_buf_put_span(&text, body);
    if (fl_buf_status(&text, err) < 0)
        return text.failed;
    if (secret.len == 0 || secret.len > INT32_MAX ||
        HMAC(EVP_sha256(), secret.ptr, (int)secret.len, text.ptr, text.len, mac, &len) == NULL ||
        len != MAC_BYTES)
        return fl_err_set(err, FL_E_INVAL, "a webhook cannot be signed without its key");
    at = snprintf(ret, FL_HOOK_SIGNATURE_MAX, "t=%" PRId64 ",v1=", now_us / FL_US_PER_S);
    for (unsigned i = 0; i < len; i++)
        at += snprintf(ret + at, FL_HOOK_SIGNATURE_MAX - (size_t)at, "%02x", mac[i]);
    return FL_OK;
}

static bool may_pass(int status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* What it said, as far as it can be shown on a line. */
static void show(char *ret, size_t size, int status, struct fl_span body)
{
    size_t at = (size_t)snprintf(ret, size, "%d ", status);

    for (size_t i = 0; i < body.len && i < SHOWN_BYTES && at + 1 < size; i++) {
        unsigned char c = body.ptr[i];

        ret[at++] = c < 0x20 || c >= 0x7f ? ' ' : (char)c;
    }
    while (at > 0 && ret[at - 1] == ' ')
        at--;
    ret[at] = '\0';
}

int fl_hook_send(const struct fl_hook *hook, char ret_answer[FL_HOOK_ANSWER_MAX + 1],
                 bool *ret_again, uint32_t *ret_retry_s, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf body;
    char signature[FL_HOOK_SIGNATURE_MAX], sign_line[160], id_line[120];
    const char *headers[] = {sign_line, id_line, NULL};
    const struct fl_fetch_ask ask = {.url = hook->url,
                                     .post = hook->body,
                                     .type = "application/json",
                                     .headers = headers,
                                     .timeout_ms = TIMEOUT_MS,
                                     .to = hook->to,
                                     .stop = hook->stop};
    struct fl_fetch_got got;
    struct fl_err own;
    int r;

    if (err == NULL)
        err = &own;
    *ret_again = false;
    *ret_retry_s = 0;
    fl_buf_init(&body, ANSWER_BYTES);
    r = fl_hook_sign(hook->secret, hook->body, hook->now_us, signature, err);
    if (r < 0)
        return r;
    (void)snprintf(sign_line, sizeof sign_line, "X-Fairlead-Signature: %s", signature);
    (void)snprintf(id_line, sizeof id_line, "X-Fairlead-Id: %.*s",
                   (int)(hook->id.len < 64 ? hook->id.len : 64), (const char *)hook->id.ptr);
    r = fl_fetch(&ask, &body, &got, err);
    *ret_retry_s = got.retry_after_s;
    if (r < 0) {
        *ret_again = r == FL_E_IO || r == FL_E_TIMEOUT || r == FL_E_AGAIN || r == FL_E_NOMEM;
        return r;
    }
    show(ret_answer, FL_HOOK_ANSWER_MAX + 1, got.status, fl_buf_span(&body));
    if (got.status >= 200 && got.status < 300)
        return FL_OK;
    *ret_again = may_pass(got.status);
    return fl_err_set(err, *ret_again ? FL_E_IO : FL_E_DENIED, "it answers %s", ret_answer);
}
