#include "cli/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

void fl_unit_count(uint64_t value, char text[FL_UNIT_TEXT_BYTES])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

/* Value with a power of 1000 and the given words for the powers. */
static void scaled(double value, const char *const *words, size_t count, const char *behind,
                   char text[FL_UNIT_TEXT_BYTES])
{
    size_t power = 0;

    while (value >= 999.95 && power + 1 < count) {
        value /= 1000;
        power++;
    }
    (void)snprintf(text, FL_UNIT_TEXT_BYTES, power == 0 ? "%.0f%s%s%s" : "%.1f%s%s%s", value,
                   words[power][0] == '\0' ? "" : " ", words[power], behind);
}

void fl_unit_short(uint64_t value, char text[FL_UNIT_TEXT_BYTES])
{
    static const char *const words[] = {"", "k", "M", "G", "T", "P", "E"};

    scaled((double)value, words, FL_LEN(words), "", text);
}

static const char *const byte_words[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

void fl_unit_bytes(uint64_t value, char text[FL_UNIT_TEXT_BYTES])
{
    scaled((double)value, byte_words, FL_LEN(byte_words), "", text);
}

void fl_unit_rate(double bytes_per_s, char text[FL_UNIT_TEXT_BYTES])
{
    scaled(bytes_per_s > 0 ? bytes_per_s : 0, byte_words, FL_LEN(byte_words), "/s", text);
}

void fl_unit_share(double part, char text[FL_UNIT_TEXT_BYTES])
{
    (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%.1f %%", part * 100);
}

/* "15 min", "15 min 07 s": the smaller unit where it is not 0. */
static void two_units(const char *sign, uint64_t high, const char *high_word, uint64_t low,
                      const char *low_word, char text[FL_UNIT_TEXT_BYTES])
{
    if (low == 0)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%s%" PRIu64 " %s", sign, high, high_word);
    else
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%s%" PRIu64 " %s %02" PRIu64 " %s", sign, high,
                       high_word, low, low_word);
}

void fl_unit_span(int64_t us, char text[FL_UNIT_TEXT_BYTES])
{
    uint64_t all = us < 0 ? 0 - (uint64_t)us : (uint64_t)us, s = all / 1000000;
    const char *sign = us < 0 ? "-" : "";

    if (all < 100)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%s%" PRIu64 " us", sign, all);
    else if (all < 1000000)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%s%.*f ms", sign, all < 100000 ? 1 : 0,
                       (double)all / 1e3);
    else if (s < 60)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%s%.*f s", sign,
                       s < 10 && all % 1000000 != 0 ? 1 : 0, (double)all / 1e6);
    else if (s < 3600)
        two_units(sign, s / 60, "min", s % 60, "s", text);
    else if (s < 86400)
        two_units(sign, s / 3600, "h", s / 60 % 60, "min", text);
    else
        two_units(sign, s / 86400, "d", s / 3600 % 24, "h", text);
}

void fl_unit_ago(int64_t us, int64_t now_us, char text[FL_UNIT_TEXT_BYTES])
{
    char span[FL_UNIT_TEXT_BYTES];
    int64_t age = now_us - us;

    if (age < 0)
        age = 0;
    if (age < 2 * FL_US_PER_S)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "now");
    else if (age < 60 * FL_US_PER_S)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%" PRId64 " s ago", age / FL_US_PER_S);
    else if (age < 3600 * FL_US_PER_S)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%" PRId64 " min ago", age / FL_US_PER_S / 60);
    else {
        fl_unit_span(age, span);
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%.32s ago", span);
    }
}

bool fl_unit_parse_bytes(struct fl_span text, uint64_t *ret)
{
    static const struct {
        const char *word;
        uint64_t factor;
    } units[] = {
        {"", 1},           {"k", 1000},          {"m", 1000000},
        {"g", 1000000000}, {"t", 1000000000000}, {"ki", 1024},
        {"mi", 1048576},   {"gi", 1073741824},   {"ti", 1099511627776},
    };
    size_t digits = 0;
    uint64_t value;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (!fl_span_u64(fl_span_of(text.ptr, digits), &value))
        return false;
    text = fl_span_of(text.ptr + digits, text.len - digits);
    while (text.len > 0 && text.ptr[0] == ' ')
        text = fl_span_of(text.ptr + 1, text.len - 1);
    if (text.len > 0 && (text.ptr[text.len - 1] | 0x20) == 'b')
        text.len--;
    for (size_t i = 0; i < FL_LEN(units); i++) {
        if (text.len != strlen(units[i].word) ||
            !fl_span_find_nocase(text, fl_span_str(units[i].word)))
            continue;
        if (__builtin_mul_overflow(value, units[i].factor, &value))
            return false;
        *ret = value;
        return true;
    }
    return false;
}

/* "+02:00"; the C library wants "<+0200>-02:00". */
static bool is_offset(const char *name)
{
    return (name[0] == '+' || name[0] == '-') && strlen(name) == 6 && name[3] == ':' &&
           strspn(name + 1, "0123456789") == 2 && strspn(name + 4, "0123456789") == 2;
}

static bool zone_exists(const char *name)
{
    char path[128];

    if (name[0] == '/' || strstr(name, "..") != NULL)
        return false;
    if (snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name) >= (int)sizeof path)
        return false;
    return access(path, R_OK) == 0;
}

int fl_zone_set(const char *name, struct fl_err *err)
{
    char text[32];

    if (name[0] == '\0' || strcmp(name, "local") == 0) {
        tzset();
        return FL_OK;
    }
    if (strcmp(name, "UTC") == 0 || strcmp(name, "utc") == 0 || strcmp(name, "Z") == 0) {
        name = "UTC0";
    } else if (is_offset(name)) {
        (void)snprintf(text, sizeof text, "<%.3s%.2s>%c%.5s", name, name + 4,
                       name[0] == '+' ? '-' : '+', name + 1);
        name = text;
    } else if (!zone_exists(name)) {
        return fl_err_set(err, FL_E_INVAL,
                          "time zone '%.60s' is not known here; use UTC, an offset such as +02:00, "
                          "or a name such as Europe/Berlin (package tzdata)",
                          name);
    }
    if (setenv("TZ", name, 1) < 0)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the time zone");
    tzset();
    return FL_OK;
}

static bool zone_tm(int64_t us, struct tm *tm)
{
    time_t s = (time_t)(us / FL_US_PER_S - (us % FL_US_PER_S < 0 ? 1 : 0));

    return localtime_r(&s, tm) != NULL;
}

void fl_zone_time(int64_t us, char text[FL_UNIT_TEXT_BYTES])
{
    struct tm tm;

    if (!zone_tm(us, &tm) || strftime(text, FL_UNIT_TEXT_BYTES, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "?");
}

void fl_zone_short(int64_t us, char text[FL_UNIT_TEXT_BYTES])
{
    struct tm tm;

    if (!zone_tm(us, &tm) || strftime(text, FL_UNIT_TEXT_BYTES, "%H:%M:%S", &tm) == 0)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "?");
}

/* "2026-11-21[ T]20:04[:31]" in the zone set. */
static bool parse_local(const char *text, int64_t *ret_us)
{
    static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
                                          "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};

    for (size_t i = 0; i < FL_LEN(formats); i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &tm);
        int day = tm.tm_mday;
        time_t s;

        if (end == NULL || *end != '\0')
            continue;
        s = mktime(&tm);
        if (s == (time_t)-1 || tm.tm_mday != day) /* 31 June is not 1 July */
            return false;
        *ret_us = (int64_t)s * FL_US_PER_S;
        return true;
    }
    return false;
}

int fl_zone_parse(const char *text, int64_t now_us, int64_t *ret_us, struct fl_err *err)
{
    struct fl_span span = fl_span_str(text[0] == '-' ? text + 1 : text);
    int64_t us;

    if (strcmp(text, "now") == 0) {
        *ret_us = now_us;
        return FL_OK;
    }
    if (fl_duration_parse(span, &us)) {
        *ret_us = now_us - us;
        return FL_OK;
    }
    if (parse_local(text, ret_us) || fl_time_parse(fl_span_str(text), ret_us))
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL,
                      "'%.60s' is not a time; use 2026-11-21T20:04:31Z, \"2026-11-21 20:04\", "
                      "2026-11-21, now, or a span before now such as -90m",
                      text);
}
