#include <string.h>

#include "base/time.h"
#include "tap.h"

static const struct {
    const char *in, *out; /* out NULL: refused */
} times[] = {
    {"2016-02-21T04:32:57+00:00", "2016-02-21T04:32:57.000000Z"},
    {"2026-11-21T20:04:31.5Z", "2026-11-21T20:04:31.500000Z"},
    {"2026-11-21T20:04:31.123456+05:30", "2026-11-21T14:34:31.123456Z"},
    {"2024-02-29T00:00:00-01:00", "2024-02-29T01:00:00.000000Z"},
    {"2026-11-21", "2026-11-21T00:00:00.000000Z"},
    {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
    {"2023-02-29T00:00:00Z", NULL},
    {"2026-13-01T00:00:00Z", NULL},
    {"2026-11-21T24:00:00Z", NULL},
    {"2026-11-21T20:04:31", NULL},
    {"2026-11-21T20:04:31.Z", NULL},
    {"2026-11-21T20:04:31.1234567Z", NULL},
    {"2026-11-21T20:04:31Z ", NULL},
    {"", NULL},
};

static const struct {
    const char *in;
    int64_t us; /* 0: refused */
} durations[] = {
    {"1h", 3600 * FL_US_PER_S},
    {"250ms", 250000},
    {"30d", 30 * FL_US_PER_DAY},
    {"2w", 14 * FL_US_PER_DAY},
    {"0s", 0},
    {"1", 0},
    {"h", 0},
    {"1y", 0},
    {"-1h", 0},
    {"99999999999999999999h", 0},
    {"9223372036854775807w", 0},
};

int main(void)
{
    char text[FL_TIME_TEXT_BYTES];
    bool same = true;

    for (size_t i = 0; i < FL_LEN(times); i++) {
        int64_t us = 0;
        bool ok = fl_time_parse(fl_span_str(times[i].in), &us);

        if (ok)
            fl_time_format(us, text);
        CHECK(ok == (times[i].out != NULL) && (!ok || strcmp(text, times[i].out) == 0),
              times[i].in);
    }
    for (size_t i = 0; i < FL_LEN(durations); i++) {
        int64_t us = 0;
        bool ok = fl_duration_parse(fl_span_str(durations[i].in), &us);

        CHECK(ok == (durations[i].us != 0) && us == durations[i].us, durations[i].in);
    }
    for (int64_t day = -800000; day < 2000000; day++) {
        int y, m, d;

        fl_civil_from_days(day, &y, &m, &d);
        same = same && fl_days_from_civil(y, m, d) == day;
    }
    CHECK(same, "civil dates go there and back over 7,000 years");
    CHECK(fl_day_of(-1) == -1 && fl_day_of(0) == 0 && fl_day_of(FL_US_PER_DAY) == 1, "day of");
    return tap_done();
}
