#include <string.h>

#include "base/time.h"
#include "codec/stamp.h"
#include "tap.h"

#define RECEIVED "2026-11-22T00:00:00Z"

static const struct {
    const char *in;
    size_t len;      /* of the stamp within in; 0: none */
    const char *utc; /* the instant */
    bool exact, guessed;
} cases[] = {
    {"2026-11-21T20:04:31Z", 20, "2026-11-21T20:04:31.000000Z", true, false},
    {"2026-11-21T20:04:31.1Z x", 22, "2026-11-21T20:04:31.100000Z", true, false},
    {"2026-11-21T20:04:31.123456+05:30", 32, "2026-11-21T14:34:31.123456Z", true, false},
    {"2026-11-21T20:04:31-00:30", 25, "2026-11-21T20:34:31.000000Z", true, false},
    {"2026-11-21T20:04:31+0530", 24, "2026-11-21T14:34:31.000000Z", true, false},
    {"2026-11-21T19:46:29.585+5:00", 28, "2026-11-21T14:46:29.585000Z", true, false},
    {"2026-11-21T20:04:31.040 h", 23, "2026-11-21T20:04:31.040000Z", true, false},
    {"2026-11-21 20:04:31", 19, "2026-11-21T20:04:31.000000Z", true, false},
    {"2026-11-21T20:04:31.1234567Z", 28, "2026-11-21T20:04:31.123456Z", false, false},
    {"2026-11-21T20:04:31-00:00", 25, "2026-11-21T20:04:31.000000Z", false, false},
    {"2026-11-21T20:04:31z", 20, "2026-11-21T20:04:31.000000Z", false, false},
    {"2026-11-21T23:59:60Z", 20, "2026-11-22T00:00:00.000000Z", false, false},
    {"2026-02-29T20:04:31Z", 0, NULL, false, false},
    {"2026-11-21T24:04:31Z", 0, NULL, false, false},
    {"2026-11-21T20:04:31+25:00", 0, NULL, false, false},
    {"2026-11-21T20:04", 0, NULL, false, false},
    {"Nov  1 20:04:31 h", 15, "2026-11-01T20:04:31.000000Z", true, true},
    {"Nov 01 20:04:31", 15, "2026-11-01T20:04:31.000000Z", true, true},
    {"Nov 21 20:04:31.500", 19, "2026-11-21T20:04:31.500000Z", true, true},
    {"Jan  3 20:04:31", 15, "2027-01-03T20:04:31.000000Z", true, true},
    {"May 30 20:04:31", 15, "2026-05-30T20:04:31.000000Z", true, true},
    {"May 20 20:04:31", 15, "2027-05-20T20:04:31.000000Z", true, true},
    {"Feb 29 20:04:31", 15, "2028-02-29T20:04:31.000000Z", true, true},
    {"Feb 30 20:04:31", 0, NULL, false, false},
    {"Nov  1 2026 20:04:31", 20, "2026-11-01T20:04:31.000000Z", true, false},
    {"Nov 21 20:04:31 2026 host", 20, "2026-11-21T20:04:31.000000Z", true, false},
    {"Nov 01 20:04:31 2026", 20, "2026-11-01T20:04:31.000000Z", false, false},
    {"Nov 21 20:04:31 20260 x", 15, "2026-11-21T20:04:31.000000Z", true, true},
    {"nov 21 20:04:31", 0, NULL, false, false},
    {"Nov 21 20:04:3", 0, NULL, false, false},
    {"Nov 2120:04:31.", 0, NULL, false, false},
    {"", 0, NULL, false, false},
};

static void check_case(size_t i, int64_t received_us)
{
    struct fl_span in = fl_span_str(cases[i].in);
    struct fl_stamp stamp = {.digits = 99};
    char utc[FL_TIME_TEXT_BYTES] = "", text[FL_STAMP_TEXT_BYTES];
    int64_t us = 0;
    size_t len = 0;
    bool ok = fl_stamp_parse(in, received_us, &stamp, &us, &len), same = true;

    if (ok) {
        size_t n = fl_stamp_format(us, &stamp, text);

        fl_time_format(us, utc);
        same = stamp.exact == cases[i].exact && stamp.year_guessed == cases[i].guessed &&
               (!stamp.exact || fl_span_eq(fl_span_of(text, n), fl_span_of(in.ptr, len)));
    }
    CHECK(ok == (cases[i].len > 0) && len == cases[i].len && same &&
              (!ok || strcmp(utc, cases[i].utc) == 0),
          cases[i].in);
}

static void check_extremes(void)
{
    static const char styles[] = "ZophnsbByYmex";
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    bool fits = true;

    for (size_t i = 0; i < sizeof styles; i++) {
        for (size_t k = 0; k < FL_LEN(times); k++) {
            struct fl_stamp stamp = {.style = (enum fl_stamp_style)styles[i],
                                     .digits = 6,
                                     .offset_min = k % 2 == 0 ? 1439 : -1439};
            char text[FL_STAMP_TEXT_BYTES];

            fits = fits && fl_stamp_format(times[k], &stamp, text) <= sizeof text;
        }
    }
    CHECK(fits, "any time in any style fits");
}

int main(void)
{
    int64_t received_us = 0;

    (void)fl_time_parse(FL_SPAN(RECEIVED), &received_us);
    for (size_t i = 0; i < FL_LEN(cases); i++)
        check_case(i, received_us);
    check_extremes();
    return tap_done();
}
