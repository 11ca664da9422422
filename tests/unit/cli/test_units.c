#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/units.h"
#include "tap.h"

static char text[FL_UNIT_TEXT_BYTES];

static bool count(uint64_t value, const char *want)
{
    fl_unit_count(value, text);
    return strcmp(text, want) == 0;
}

static bool bytes(uint64_t value, const char *want)
{
    fl_unit_bytes(value, text);
    return strcmp(text, want) == 0;
}

static const struct {
    int64_t us;
    const char *text;
} spans[] = {
    {0, "0 us"},
    {99, "99 us"},
    {900, "0.9 ms"},
    {131000, "131 ms"},
    {1400, "1.4 ms"},
    {2000000, "2 s"},
    {2500000, "2.5 s"},
    {59999999, "60 s"},
    {60000000, "1 min"},
    {900000000, "15 min"},
    {907000000, "15 min 07 s"},
    {3600000000, "1 h"},
    {3660000000, "1 h 01 min"},
    {86400000000, "1 d"},
    {90000000000, "1 d 01 h"},
    {-1500000, "-1.5 s"},
    {INT64_MIN, "-106751991 d 04 h"},
};

static const struct {
    const char *in;
    int64_t us; /* -1: refused */
} times[] = {
    {"2026-11-21T20:04:31Z", INT64_C(1795291471000000)},
    {"2026-11-21 20:04:31", INT64_C(1795291471000000) - 7200000000},
    {"2026-11-21 20:04", INT64_C(1795291440000000) - 7200000000},
    {"2026-11-21", INT64_C(1795219200000000) - 7200000000},
    {"2026-11-21T20:04:31+02:00", INT64_C(1795291471000000) - 7200000000},
    {"now", 5000000000000},
    {"-1h", 5000000000000 - 3600000000},
    {"90m", 5000000000000 - 5400000000},
    {"2026-06-31", -1},
    {"2026-13-01", -1},
    {"yesterday", -1},
    {"2026-11-21 20:04:31 ", -1},
    {"", -1},
};

static const struct {
    const char *in;
    uint64_t bytes; /* 1: refused */
} sizes[] = {
    {"0", 0},
    {"500", 500},
    {"20G", 20000000000},
    {"512Ki", 524288},
    {"2GB", 2000000000},
    {"2 gb", 2000000000},
    {"1KiB", 1024},
    {"B", 1},
    {"", 1},
    {"1X", 1},
    {"99999999999T", 1},
    {"-5", 1},
};

int main(void)
{
    struct fl_err err;

    CHECK(count(0, "0") && count(999, "999") && count(1204, "1,204") &&
              count(UINT64_MAX, "18,446,744,073,709,551,615"),
          "counts");
    CHECK(bytes(0, "0 B") && bytes(999, "999 B") && bytes(1000, "1.0 kB") &&
              bytes(18400000000, "18.4 GB") && bytes(999960, "1.0 MB") &&
              bytes(UINT64_MAX, "18.4 EB"),
          "sizes");
    for (size_t i = 0; i < FL_LEN(spans); i++) {
        fl_unit_span(spans[i].us, text);
        CHECK(strcmp(text, spans[i].text) == 0, spans[i].text);
    }
    for (size_t i = 0; i < FL_LEN(sizes); i++) {
        uint64_t value = 1;
        bool ok = fl_unit_parse_bytes(fl_span_str(sizes[i].in), &value);

        CHECK(ok == (sizes[i].bytes != 1) && value == sizes[i].bytes, sizes[i].in);
    }
    CHECK(fl_zone_set("+02:00", &err) == 0, "a zone by its offset");
    for (size_t i = 0; i < FL_LEN(times); i++) {
        int64_t us = -1;
        bool ok = fl_zone_parse(times[i].in, 5000000000000, &us, &err) == 0;

        CHECK(ok == (times[i].us != -1) && us == times[i].us, times[i].in);
    }
    fl_zone_time(INT64_C(1795291471000000), text);
    CHECK(strcmp(text, "2026-11-21 22:04:31") == 0, "a time in the zone");
    CHECK(fl_zone_set("UTC", &err) == 0, "UTC");
    fl_zone_time(INT64_C(1795291471000000), text);
    CHECK(strcmp(text, "2026-11-21 20:04:31") == 0, "the same time in UTC");
    CHECK(fl_zone_set("Nowhere/Land", &err) == FL_E_INVAL &&
              fl_zone_set("../../etc/passwd", &err) == FL_E_INVAL &&
              fl_zone_set("/etc/localtime", &err) == FL_E_INVAL,
          "zones that are none");
    fl_unit_ago(0, 1000000, text);
    CHECK(strcmp(text, "now") == 0, "now");
    fl_unit_ago(0, 3000000, text);
    CHECK(strcmp(text, "3 s ago") == 0, "seconds ago");
    fl_unit_ago(10, 0, text);
    CHECK(strcmp(text, "now") == 0, "the future is now");
    fl_unit_share(0.312, text);
    CHECK(strcmp(text, "31.2 %") == 0, "a share");
    return tap_done();
}
