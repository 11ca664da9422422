#include "trust/share.h"

#include <sodium.h>
#include <string.h>

#include "base/time.h"

static const char context[] = "fairlead supply share v1\n";
static const char hash_member[] = ",\"sha256\":\"", key_member[] = ",\"key\":\"",
                  signature_member[] = ",\"signature\":\"";

enum {
    HASH_HEX = 2 * crypto_hash_sha256_BYTES,
    KEY_HEX = 2 * crypto_sign_PUBLICKEYBYTES,
    SIGNATURE_HEX = 2 * crypto_sign_BYTES,
    HASH_BYTES = 11 + HASH_HEX + 1,
    KEY_BYTES = 8 + KEY_HEX + 1,
    SIGNATURE_BYTES = 14 + SIGNATURE_HEX + 2 /* with the brace */
};

static int signed_text(struct fl_span line, struct fl_buf *out, struct fl_err *err)
{
    fl_buf_init(out, FL_SHARE_LINE_MAX + sizeof context);
    fl_buf_put_str(out, context);
    fl_buf_put_span(out, line);
    return fl_buf_status(out, err);
}

int fl_share_make(struct fl_span tenant, int64_t at_us, const unsigned char sha256[32],
                  const unsigned char secret[64], struct fl_buf *out, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text, line;
    unsigned char public[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES];
    char hash[HASH_HEX + 1], key[KEY_HEX + 1], sign[SIGNATURE_HEX + 1], at[FL_TIME_TEXT_BYTES];
    int r;

    fl_buf_init(&line, FL_SHARE_LINE_MAX);
    fl_time_format(at_us, at);
    (void)crypto_sign_ed25519_sk_to_pk(public, secret);
    (void)sodium_bin2hex(key, sizeof key, public, sizeof public);
    (void)sodium_bin2hex(hash, sizeof hash, sha256, crypto_hash_sha256_BYTES);
    fl_buf_printf(&line, "{\"share\":\"%.*s\",\"at\":\"%s\"%s%s\"%s%s\"", FL_SPAN_ARG(tenant), at,
                  hash_member, hash, key_member, key);
    r = signed_text(fl_buf_span(&line), &text, err);
    if (r == FL_OK)
        r = fl_buf_status(&line, err);
    if (r < 0)
        return r;
    (void)crypto_sign_detached(signature, NULL, text.ptr, text.len, secret);
    (void)sodium_bin2hex(sign, sizeof sign, signature, sizeof signature);
    fl_buf_put_span(out, fl_buf_span(&line));
    fl_buf_printf(out, "%s%s\"}\n", signature_member, sign);
    return fl_buf_status(out, err);
}

static bool member(const unsigned char *at, const char *name, unsigned char *ret, size_t bytes)
{
    size_t len = strlen(name), got = 0;

    return memcmp(at, name, len) == 0 &&
           sodium_hex2bin(ret, bytes, (const char *)at + len, 2 * bytes, NULL, &got, NULL) == 0 &&
           got == bytes && at[len + 2 * bytes] == '"';
}

static struct fl_span last_line(struct fl_span file)
{
    size_t begin;

    while (file.len > 0 && (file.ptr[file.len - 1] == '\n' || file.ptr[file.len - 1] == '\r'))
        file.len--;
    for (begin = file.len; begin > 0 && file.ptr[begin - 1] != '\n';)
        begin--;
    return fl_span_of(file.ptr + begin, file.len - begin);
}

int fl_share_verify(struct fl_span file, unsigned char ret_public[32], struct fl_span *ret_line,
                    struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    unsigned char hash[crypto_hash_sha256_BYTES], said[crypto_hash_sha256_BYTES],
        public[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES];
    struct fl_span line = file.len == 0 ? file : last_line(file);
    const unsigned char *end = line.len == 0 ? NULL : line.ptr + line.len;
    int r;

    fl_buf_init(&text, 0);
    if (line.len < HASH_BYTES + KEY_BYTES + SIGNATURE_BYTES + 10 || line.len > FL_SHARE_LINE_MAX ||
        memcmp(line.ptr, "{\"share\":", 9) != 0 || end[-1] != '}' ||
        !member(end - SIGNATURE_BYTES, signature_member, signature, sizeof signature) ||
        !member(end - SIGNATURE_BYTES - KEY_BYTES, key_member, public, sizeof public) ||
        !member(end - SIGNATURE_BYTES - KEY_BYTES - HASH_BYTES, hash_member, said, sizeof said))
        return fl_err_set(err, FL_E_CORRUPT,
                          "the file does not end in the line that signs a share; is it whole?");
    r = signed_text(fl_span_of(line.ptr, line.len - SIGNATURE_BYTES), &text, err);
    if (r < 0)
        return r;
    if (crypto_sign_verify_detached(signature, text.ptr, text.len, public) != 0)
        return fl_err_set(err, FL_E_DENIED, "the last line was changed, or another key signed it");
    (void)crypto_hash_sha256(hash, file.ptr, (size_t)(line.ptr - file.ptr));
    if (sodium_memcmp(hash, said, sizeof hash) != 0)
        return fl_err_set(err, FL_E_DENIED, "the network was changed after it was signed");
    memcpy(ret_public, public, sizeof public);
    *ret_line = line;
    return FL_OK;
}
