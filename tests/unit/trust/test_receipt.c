#include <sodium.h>
#include <string.h>

#include "tap.h"
#include "trust/receipt.h"

static unsigned char public[32], secret[64];

static void check_receipt(void)
{
    static const char begins[] = "{\"receipt\":7,\"at\":\"2026-11-18T11:06:40.000000Z\","
                                 "\"facts\":{\"rows\":591},\"key\":\"";
    struct fl_buf line;
    unsigned char got[32];
    unsigned wrong = 0;
    struct fl_err err;

    fl_buf_init(&line, 100000);
    CHECK(fl_receipt_make(7, 1795000000000000, FL_SPAN("{\"rows\":591}"), secret, &line, &err) == 0,
          "made");
    CHECK(line.len > sizeof begins && memcmp(line.ptr, begins, sizeof begins - 1) == 0,
          "reads as documented");
    CHECK(fl_receipt_verify(fl_buf_span(&line), got, &err) == 0 && memcmp(got, public, 32) == 0,
          "verified, by the key that it names");
    for (size_t i = 0; i < line.len; i++) {
        line.ptr[i] ^= 1;
        wrong += fl_receipt_verify(fl_buf_span(&line), got, &err) >= 0;
        line.ptr[i] ^= 1;
    }
    CHECK(wrong == 0, "any changed byte is found");
    for (size_t len = 0; len < line.len; len++)
        wrong += fl_receipt_verify(fl_span_of(line.ptr, len), got, &err) >= 0;
    CHECK(wrong == 0, "and any missing end");
    fl_buf_put_str(&line, "\r\n");
    CHECK(fl_receipt_verify(fl_buf_span(&line), got, &err) == 0,
          "a newline behind it is no matter");
    fl_buf_put_str(&line, "x");
    CHECK(fl_receipt_verify(fl_buf_span(&line), got, &err) == FL_E_CORRUPT, "anything else is");
    fl_buf_clear(&line);
    CHECK(fl_receipt_make(7, 0, FL_SPAN("{\n}"), secret, &line, &err) == FL_E_INVAL &&
              fl_receipt_make(7, 0, FL_SPAN("rows"), secret, &line, &err) == FL_E_INVAL,
          "facts are an object on one line");
    fl_buf_done(&line);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    (void)crypto_sign_keypair(public, secret);
    check_receipt();
    return tap_done();
}
