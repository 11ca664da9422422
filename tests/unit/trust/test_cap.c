#include <sodium.h>
#include <string.h>

#include "tap.h"
#include "trust/cap.h"

static unsigned char public_key[FL_CAP_PUBLIC_BYTES], secret[FL_CAP_SECRET_BYTES];

static struct fl_cap sample(void)
{
    return (struct fl_cap){.tenant = 7,
                           .scope = FL_CAP_READ | FL_CAP_EXPORT,
                           .not_after_us = 1000,
                           .number = 42,
                           .purpose = "query"};
}

static int mint(const struct fl_cap *cap, struct fl_buf *out)
{
    struct fl_err err;

    fl_buf_init(out, FL_CAP_MAX_BYTES);
    return fl_cap_mint(cap, secret, out, &err);
}

static void check_right(void)
{
    struct fl_cap cap = sample(), got;
    struct fl_buf bytes;
    struct fl_err err = {0};

    CHECK(mint(&cap, &bytes) == 0, "minted");
    CHECK(bytes.ptr[0] == 1 && bytes.ptr[1] == 7 && bytes.len == 1 + 4 + 4 + 8 + 8 + 1 + 5 + 64,
          "laid out as the header says");
    CHECK(fl_cap_check(fl_buf_span(&bytes), public_key, 999, FL_CAP_READ, &got, &err) == 0 &&
              got.tenant == 7 && got.scope == cap.scope && got.not_after_us == 1000 &&
              got.number == 42 && strcmp(got.purpose, "query") == 0,
          "checked and read");
    CHECK(fl_cap_check(fl_buf_span(&bytes), public_key, 999, FL_CAP_READ | FL_CAP_EXPORT, &got,
                       &err) == 0,
          "all of its scope");
    fl_buf_done(&bytes);
}

static void check_refused(void)
{
    struct fl_cap cap = sample(), got = {.tenant = 1234};
    unsigned char other[FL_CAP_PUBLIC_BYTES], other_secret[FL_CAP_SECRET_BYTES];
    struct fl_buf bytes;
    struct fl_err err = {0};

    (void)mint(&cap, &bytes);
    CHECK(fl_cap_check(fl_buf_span(&bytes), public_key, 1000, FL_CAP_READ, &got, &err) ==
                  FL_E_DENIED &&
              strstr(err.text, "over its time") != NULL,
          "at its end it is over");
    CHECK(fl_cap_check(fl_buf_span(&bytes), public_key, 1, FL_CAP_PURGE, &got, &err) ==
                  FL_E_DENIED &&
              strstr(err.text, "lacks 0x4") != NULL,
          "a bit that it has not");
    CHECK(fl_cap_check(fl_buf_span(&bytes), public_key, 1, FL_CAP_READ | FL_CAP_PURGE, &got,
                       &err) == FL_E_DENIED,
          "some bits are not enough");
    fl_cap_keypair(other, other_secret);
    CHECK(fl_cap_check(fl_buf_span(&bytes), other, 1, 0, &got, &err) == FL_E_DENIED,
          "another keys process");
    CHECK(got.tenant == 1234, "nothing is given out on failure");
    fl_buf_done(&bytes);
}

static void check_tampered(void)
{
    struct fl_cap cap = sample(), got;
    unsigned char copy[FL_CAP_MAX_BYTES + 1];
    struct fl_buf bytes;
    struct fl_err err;
    int taken = 0;

    (void)mint(&cap, &bytes);
    memcpy(copy, bytes.ptr, bytes.len);
    for (size_t i = 0; i < bytes.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            copy[i] ^= (unsigned char)(1 << bit);
            taken += fl_cap_check(fl_span_of(copy, bytes.len), public_key, 1, 0, &got, &err) !=
                     FL_E_DENIED;
            copy[i] ^= (unsigned char)(1 << bit);
        }
    CHECK(taken == 0, "any bit changed is refused");
    for (size_t len = 0; len < bytes.len; len++)
        taken += fl_cap_check(fl_span_of(copy, len), public_key, 1, 0, &got, &err) != FL_E_DENIED;
    copy[bytes.len] = 0;
    taken +=
        fl_cap_check(fl_span_of(copy, bytes.len + 1), public_key, 1, 0, &got, &err) != FL_E_DENIED;
    taken += fl_cap_check(fl_span_of(copy, FL_CAP_MAX_BYTES + 1), public_key, 1, 0, &got, &err) !=
             FL_E_DENIED;
    CHECK(taken == 0, "cut or longer is refused");
    fl_buf_done(&bytes);
}

/* Signed by the right key, but as something else. */
static void check_context(void)
{
    struct fl_cap cap = sample(), got;
    struct fl_buf bytes;
    struct fl_err err;

    (void)mint(&cap, &bytes);
    (void)crypto_sign_detached(bytes.ptr + bytes.len - 64, NULL, bytes.ptr, bytes.len - 64, secret);
    CHECK(fl_cap_check(fl_buf_span(&bytes), public_key, 1, 0, &got, &err) == FL_E_DENIED,
          "a signature without the context does not fit");
    fl_buf_done(&bytes);
}

static void check_purposes(void)
{
    struct fl_cap cap = sample();
    struct fl_buf bytes;

    cap.purpose[0] = '\0';
    CHECK(mint(&cap, &bytes) == FL_E_INVAL, "without a purpose none is minted");
    memset(cap.purpose, 'x', FL_CAP_PURPOSE_MAX);
    cap.purpose[FL_CAP_PURPOSE_MAX] = '\0';
    CHECK(mint(&cap, &bytes) == 0, "the longest purpose");
    fl_buf_done(&bytes);
    cap.purpose[FL_CAP_PURPOSE_MAX] = 'x';
    CHECK(mint(&cap, &bytes) == FL_E_INVAL, "without its NUL");
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    fl_cap_keypair(public_key, secret);
    check_right();
    check_refused();
    check_tampered();
    check_context();
    check_purposes();
    return tap_done();
}
