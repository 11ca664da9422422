#include "trust/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

enum { SHA1_BYTES = 20, WINDOW = 1 };

/* RFC 4226, section 5.3. */
uint32_t fl_totp_code(struct fl_span secret, uint64_t step, unsigned digits)
{
    static const uint32_t powers[] = {1000000, 10000000, 100000000};
    unsigned char counter[8], mac[SHA1_BYTES];
    unsigned len = 0, at;
    uint32_t value;

    for (int i = 0; i < 8; i++)
        counter[i] = (unsigned char)(step >> (56 - 8 * i));
    if (HMAC(EVP_sha1(), secret.ptr, (int)secret.len, counter, sizeof counter, mac, &len) == NULL ||
        len != sizeof mac)
        abort(); /* out of memory: as fl_hmac_sha256() */
    at = mac[SHA1_BYTES - 1] & 0xfu;
    value = (uint32_t)(mac[at] & 0x7fu) << 24 | (uint32_t)mac[at + 1] << 16 |
            (uint32_t)mac[at + 2] << 8 | mac[at + 3];
    explicit_bzero(mac, sizeof mac);
    return value % powers[digits < 6 || digits > 8 ? 0 : digits - 6];
}

static bool read_code(struct fl_span text, uint32_t *ret)
{
    uint32_t value = 0;
    unsigned digits = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i];

        if (c == ' ')
            continue;
        if (c < '0' || c > '9' || digits == FL_TOTP_DIGITS)
            return false;
        value = value * 10 + (uint32_t)(c - '0');
        digits++;
    }
    *ret = value;
    return digits == FL_TOTP_DIGITS;
}

bool fl_totp_is_code(struct fl_span text)
{
    uint32_t code;

    return read_code(text, &code);
}

bool fl_totp_fits(struct fl_span secret, struct fl_span text, int64_t now_us, int64_t last_step,
                  int64_t *ret_step)
{
    int64_t now_step = now_us / FL_TOTP_STEP_US;
    int64_t found = -1;
    uint32_t code = 0;

    if (!read_code(text, &code))
        return false;
    for (int64_t step = now_step - WINDOW; step <= now_step + WINDOW; step++)
        if (step >= 0 && (fl_totp_code(secret, (uint64_t)step, FL_TOTP_DIGITS) ^ code) == 0 &&
            step > last_step)
            found = step;
    if (found < 0)
        return false;
    *ret_step = found;
    return true;
}

void fl_base32(struct fl_span in, char *ret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned have = 0;

    for (size_t i = 0; i < in.len; i++) {
        bits = bits << 8 | in.ptr[i];
        have += 8;
        while (have >= 5) {
            have -= 5;
            *ret++ = digits[bits >> have & 31];
        }
    }
    if (have > 0)
        *ret++ = digits[bits << (5 - have) & 31];
    *ret = '\0';
}
