#include "base/time.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts = {0, 0};

    (void)clock_gettime(id, &ts); /* fails only for an unknown clock */
    return (int64_t)ts.tv_sec * FL_US_PER_S + ts.tv_nsec / 1000;
}

int64_t fl_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t fl_now_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Eras of 400 years that begin on 1 March, so the leap day is the last of its year. */
int64_t fl_days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void fl_civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);

    *ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *ret_month = month;
    *ret_year = (int)(yoe + era * 400 + (month <= 2 ? 1 : 0));
}

bool fl_civil_valid(int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1)
        return false;
    return day <= lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

void fl_day_format(int32_t day, char text[16])
{
    int year, month, mday;

    fl_civil_from_days(day, &year, &month, &mday);
    if (year < 0 || year > 9999)
        year = year < 0 ? 0 : 9999;
    (void)snprintf(text, 16, "%04d-%02d-%02d", year, month % 100, mday % 100);
}

#define FIRST_US (INT64_C(-62167219200) * FL_US_PER_S)     /* 0000-01-01T00:00:00 */
#define LAST_US  (INT64_C(253402300800) * FL_US_PER_S - 1) /* 9999-12-31T23:59:59.999999 */

void fl_time_format(int64_t us, char *text)
{
    int32_t day;
    int64_t rest;
    unsigned s;
    char date[16];

    us = us < FIRST_US ? FIRST_US : us > LAST_US ? LAST_US : us;
    day = fl_day_of(us);
    rest = us - (int64_t)day * FL_US_PER_DAY;
    s = (unsigned)(rest / FL_US_PER_S);
    fl_day_format(day, date);
    (void)snprintf(text, FL_TIME_TEXT_BYTES, "%.10sT%02u:%02u:%02u.%06uZ", date, s / 3600 % 100,
                   s / 60 % 60, s % 60, (unsigned)(rest % FL_US_PER_S));
}

/* n digits at *at, which moves on. */
static bool digits(struct fl_span text, size_t *at, size_t n, int *ret)
{
    int value = 0;

    if (text.len - *at < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)text.ptr[*at + i] - '0';

        if (digit > 9)
            return false;
        value = value * 10 + (int)digit;
    }
    *at += n;
    *ret = value;
    return true;
}

static bool literal(struct fl_span text, size_t *at, char c)
{
    if (*at >= text.len || text.ptr[*at] != (unsigned char)c)
        return false;
    (*at)++;
    return true;
}

static bool date(struct fl_span text, size_t *at, int64_t *ret_days)
{
    int year, month, day;

    if (!digits(text, at, 4, &year) || !literal(text, at, '-') || !digits(text, at, 2, &month) ||
        !literal(text, at, '-') || !digits(text, at, 2, &day) || !fl_civil_valid(year, month, day))
        return false;
    *ret_days = fl_days_from_civil(year, month, day);
    return true;
}

static bool fraction(struct fl_span text, size_t *at, int64_t *ret_us)
{
    int64_t scale = 100000;

    *ret_us = 0;
    if (!literal(text, at, '.'))
        return true;
    if (*at >= text.len || text.ptr[*at] < '0' || text.ptr[*at] > '9')
        return false;
    for (; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9' && scale > 0; scale /= 10)
        *ret_us += (text.ptr[(*at)++] - '0') * scale;
    return true;
}

static bool zone(struct fl_span text, size_t *at, int64_t *ret_us)
{
    int sign, hours, minutes;

    *ret_us = 0;
    if (literal(text, at, 'Z') || literal(text, at, 'z'))
        return true;
    sign = literal(text, at, '+') ? 1 : literal(text, at, '-') ? -1 : 0;
    if (sign == 0 || !digits(text, at, 2, &hours) || !literal(text, at, ':') ||
        !digits(text, at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_us = sign * (int64_t)(hours * 60 + minutes) * 60 * FL_US_PER_S;
    return true;
}

bool fl_time_parse(struct fl_span text, int64_t *ret_us)
{
    size_t at = 0;
    int64_t days, part_us, offset_us;
    int h, m, s;

    if (!date(text, &at, &days))
        return false;
    if (at == text.len) {
        *ret_us = days * FL_US_PER_DAY;
        return true;
    }
    if ((!literal(text, &at, 'T') && !literal(text, &at, 't') && !literal(text, &at, ' ')) ||
        !digits(text, &at, 2, &h) || !literal(text, &at, ':') || !digits(text, &at, 2, &m) ||
        !literal(text, &at, ':') || !digits(text, &at, 2, &s) || h > 23 || m > 59 || s > 59 ||
        !fraction(text, &at, &part_us) || !zone(text, &at, &offset_us) || at != text.len)
        return false;
    *ret_us =
        days * FL_US_PER_DAY + (int64_t)(h * 3600 + m * 60 + s) * FL_US_PER_S + part_us - offset_us;
    return true;
}

bool fl_day_parse(struct fl_span text, int32_t *ret_day)
{
    size_t at = 0;
    int64_t days;

    if (!date(text, &at, &days) || at != text.len)
        return false;
    *ret_day = (int32_t)days;
    return true;
}

bool fl_duration_parse(struct fl_span text, int64_t *ret_us)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {
        {"us", 1},
        {"ms", 1000},
        {"s", FL_US_PER_S},
        {"m", 60 * FL_US_PER_S},
        {"h", 3600 * FL_US_PER_S},
        {"d", FL_US_PER_DAY},
        {"w", 7 * FL_US_PER_DAY},
    };
    size_t n = 0;
    uint64_t count;

    while (n < text.len && text.ptr[n] >= '0' && text.ptr[n] <= '9')
        n++;
    if (!fl_span_u64(fl_span_of(text.ptr, n), &count) || count == 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (fl_span_eq(fl_span_of(text.ptr + n, text.len - n), fl_span_str(units[i].unit))) {
            if (count > (uint64_t)(INT64_MAX / units[i].us))
                return false;
            *ret_us = (int64_t)count * units[i].us;
            return true;
        }
    }
    return false;
}
