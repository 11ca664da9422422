/* Passwords and stored hashes: any bytes; what the rule says about them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trust/password.h"
#include "trust/totp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *split = size == 0 ? NULL : memchr(data, '\n', size);
    size_t len = split == NULL ? size : (size_t)(split - data);
    struct fl_span password = fl_span_of(data, len);
    struct fl_span words = fl_span_of(data + len, size - len);
    struct fl_cost cost = {0};
    int64_t step = 0;

    if (len > FL_PASSWORD_BYTES_MAX || words.len > 4096)
        return 0;
    if (fl_password_strength(password) > len)
        abort();
    if (fl_password_check(password, words, NULL) == 0 &&
        (len < FL_PASSWORD_MIN || fl_password_strength(password) < FL_PASSWORD_STRENGTH_MIN))
        abort();
    if (fl_phc_parse(password, &cost, NULL) == 0 &&
        (cost.kib < 8 || cost.kib > 256 * 1024 || cost.passes < 1 || cost.passes > 16))
        abort();
    if (fl_totp_fits(FL_SPAN("12345678901234567890"), password, INT64_C(1111111111) * 1000000, -1,
                     &step) &&
        !fl_totp_is_code(password))
        abort();
    return 0;
}
