#include "codec/stamp.h"

#include "base/time.h"

#define FIRST_US (INT64_C(-62167219200) * FL_US_PER_S)     /* 0000-01-01T00:00:00 */
#define LAST_US  (INT64_C(253402300800) * FL_US_PER_S - 1) /* 9999-12-31T23:59:59.999999 */

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
    int year, month, day, hour, minute, second;
    int64_t part_us;
};

/* n digits at p; -1 when one of them is none. */
static int number(const unsigned char *p, int n)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        unsigned digit = (unsigned)p[i] - '0';

        if (digit > 9)
            return -1;
        value = value * 10 + (int)digit;
    }
    return value;
}

/* "20:04:31" at p (8 bytes). A leap second counts as the second after it. */
static bool read_clock(const unsigned char *p, struct civil *c)
{
    c->hour = number(p, 2);
    c->minute = number(p + 3, 2);
    c->second = number(p + 6, 2);
    return p[2] == ':' && p[5] == ':' && c->hour >= 0 && c->hour < 24 && c->minute >= 0 &&
           c->minute < 60 && c->second >= 0 && c->second <= 60;
}

/* ".123" at text[*at], if it is there. More than six digits are read but not exact. */
static void read_fraction(struct fl_span text, size_t *at, struct civil *c, struct fl_stamp *s)
{
    size_t i = *at + 1;
    int64_t scale = 100000;

    if (*at + 1 >= text.len || text.ptr[*at] != '.' || number(text.ptr + i, 1) < 0)
        return;
    for (; i < text.len && number(text.ptr + i, 1) >= 0; i++, scale /= 10) {
        c->part_us += scale * number(text.ptr + i, 1);
        if (scale == 0)
            s->exact = false;
        else
            s->digits++;
    }
    *at = i;
}

static bool set_offset(struct fl_stamp *s, bool west, int hours, int minutes)
{
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    s->offset_min = (west ? -1 : 1) * (hours * 60 + minutes);
    if (west && s->offset_min == 0)
        s->exact = false;
    return true;
}

/* Z, +05:30, +0530, +5:30 or nothing. False when it begins like a zone but is none. */
static bool read_zone(struct fl_span text, size_t *at, struct fl_stamp *s)
{
    const unsigned char *p = text.ptr + *at;
    size_t left = text.len - *at;
    bool west = left > 0 && p[0] == '-';

    if (left > 0 && (p[0] == 'Z' || p[0] == 'z')) {
        s->exact = s->exact && p[0] == 'Z';
        s->style = FL_STAMP_Z;
        *at += 1;
        return true;
    }
    if (left == 0 || (p[0] != '+' && p[0] != '-'))
        return true;
    if (left >= 6 && p[3] == ':') {
        s->style = FL_STAMP_OFFSET;
        *at += 6;
        return set_offset(s, west, number(p + 1, 2), number(p + 4, 2));
    }
    if (left >= 5 && p[2] == ':') {
        s->style = FL_STAMP_SHORT;
        *at += 5;
        return set_offset(s, west, number(p + 1, 1), number(p + 3, 2));
    }
    if (left >= 5) {
        s->style = FL_STAMP_PACKED;
        *at += 5;
        return set_offset(s, west, number(p + 1, 2), number(p + 3, 2));
    }
    return false;
}

static int64_t instant(const struct civil *c, const struct fl_stamp *s)
{
    return fl_days_from_civil(c->year, c->month, c->day) * FL_US_PER_DAY +
           ((int64_t)c->hour * 3600 + c->minute * 60 + c->second - s->offset_min * 60) *
               FL_US_PER_S +
           c->part_us;
}

static bool parse_iso(struct fl_span text, struct fl_stamp *s, int64_t *ret_us, size_t *ret_len)
{
    const unsigned char *p = text.ptr;
    struct civil c = {0};
    size_t at = 19;

    if (text.len < 19 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' '))
        return false;
    c.year = number(p, 4);
    c.month = number(p + 5, 2);
    c.day = number(p + 8, 2);
    if (!fl_civil_valid(c.year, c.month, c.day) || !read_clock(p + 11, &c))
        return false;
    s->style = p[10] == 'T' ? FL_STAMP_BARE : FL_STAMP_SPACE;
    read_fraction(text, &at, &c, s);
    if (p[10] == 'T' && !read_zone(text, &at, s))
        return false;
    s->exact = s->exact && c.second < 60;
    *ret_us = instant(&c, s);
    *ret_len = at;
    return true;
}

/* The year that brings the stamp nearest to the time of receipt. False for a 30 February. */
static bool guess_year(struct civil *c, int64_t received_us)
{
    int year, month, day;
    int64_t best = INT64_MAX, at, off;
    bool found = false;

    fl_civil_from_days(fl_day_of(received_us), &year, &month, &day);
    for (int y = year - 4; y <= year + 4; y++) { /* 29 February may be up to four years away */
        if (!fl_civil_valid(y, c->month, c->day))
            continue;
        at = fl_days_from_civil(y, c->month, c->day) * FL_US_PER_DAY +
             ((int64_t)c->hour * 3600 + c->minute * 60 + c->second) * FL_US_PER_S;
        off = at > received_us ? at - received_us : received_us - at;
        if (off < best) {
            best = off;
            c->year = y;
            found = true;
        }
    }
    return found;
}

static bool is_year(struct fl_span text, size_t at)
{
    if (text.len < at + 5 || text.ptr[at] != ' ' || (text.len > at + 5 && text.ptr[at + 5] != ' '))
        return false;
    return number(text.ptr + at + 1, 4) >= 1970 && number(text.ptr + at + 1, 4) < 2100;
}

/* "Nov  1 " at the front; month and day. */
static bool read_day(const unsigned char *p, struct civil *c, struct fl_stamp *s)
{
    while (c->month < 12 && memcmp(p, months[c->month], 3) != 0)
        c->month++;
    c->month++;
    c->day = p[4] == ' ' ? number(p + 5, 1) : number(p + 4, 2);
    s->style = p[4] == '0' ? FL_STAMP_BSD_ZERO : FL_STAMP_BSD;
    return c->month <= 12 && c->day > 0 && p[3] == ' ' && p[6] == ' ';
}

static bool parse_bsd(struct fl_span text, int64_t received_us, struct fl_stamp *s, int64_t *ret_us,
                      size_t *ret_len)
{
    const unsigned char *p = text.ptr;
    struct civil c = {0};
    size_t at = 7;

    if (text.len < 15 || !read_day(p, &c, s))
        return false;
    if (is_year(text, 6) && text.len >= 20 && p[14] == ':') {
        c.year = number(p + 7, 4);
        s->exact = s->style == FL_STAMP_BSD;
        s->style = FL_STAMP_YEAR;
        at = 12;
    }
    if (!read_clock(p + at, &c))
        return false;
    at += 8;
    read_fraction(text, &at, &c, s);
    if (s->style != FL_STAMP_YEAR && is_year(text, at)) {
        c.year = number(p + at + 1, 4);
        s->exact = s->style == FL_STAMP_BSD;
        s->style = FL_STAMP_LAST_YEAR;
        at += 5;
    }
    s->year_guessed = c.year == 0;
    if (s->year_guessed ? !guess_year(&c, received_us) : !fl_civil_valid(c.year, c.month, c.day))
        return false;
    s->exact = s->exact && c.second < 60;
    *ret_us = instant(&c, s);
    *ret_len = at;
    return true;
}

bool fl_stamp_parse(struct fl_span text, int64_t received_us, struct fl_stamp *ret, int64_t *ret_us,
                    size_t *ret_len)
{
    struct fl_stamp s = {.exact = true};

    if (text.len < 15)
        return false;
    if (text.ptr[0] >= '0' && text.ptr[0] <= '9'
            ? !parse_iso(text, &s, ret_us, ret_len)
            : !parse_bsd(text, received_us, &s, ret_us, ret_len))
        return false;
    *ret = s;
    return true;
}

static char *put(char *out, unsigned value, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, value /= 10)
        out[i - 1] = (char)('0' + value % 10);
    return out + digits;
}

static char *put_date(char *out, const struct civil *c, char between)
{
    out = put(out, (unsigned)c->year, 4);
    *out++ = '-';
    out = put(out, (unsigned)c->month, 2);
    *out++ = '-';
    out = put(out, (unsigned)c->day, 2);
    *out++ = between;
    return out;
}

static char *put_day(char *out, const struct civil *c, bool zero)
{
    memcpy(out, months[(c->month - 1) % 12], 3);
    out[3] = ' ';
    (void)put(out + 4, (unsigned)c->day, 2);
    if (c->day < 10 && !zero)
        out[4] = ' ';
    out[6] = ' ';
    return out + 7;
}

static char *put_clock(char *out, const struct civil *c, unsigned digits)
{
    out = put(out, (unsigned)c->hour, 2);
    *out++ = ':';
    out = put(out, (unsigned)c->minute, 2);
    *out++ = ':';
    out = put(out, (unsigned)c->second, 2);
    if (digits > 0) {
        char part[6];

        (void)put(part, (unsigned)c->part_us, 6);
        *out++ = '.';
        memcpy(out, part, digits);
        out += digits;
    }
    return out;
}

static char *put_offset(char *out, const struct fl_stamp *s)
{
    unsigned minutes = (unsigned)(s->offset_min < 0 ? -s->offset_min : s->offset_min);

    *out++ = s->offset_min < 0 ? '-' : '+';
    out = put(out, minutes / 60, s->style == FL_STAMP_SHORT && minutes < 600 ? 1 : 2);
    if (s->style != FL_STAMP_PACKED)
        *out++ = ':';
    return put(out, minutes % 60, 2);
}

static char *put_number(char *out, int64_t value)
{
    char digits[20];
    size_t n = 0;

    if (value < 0)
        value = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0)
        *out++ = digits[--n];
    return out;
}

/* Times outside of the years 0..9999 become their first or last second. */
static struct civil civil_of(int64_t us)
{
    struct civil c;
    int32_t day;
    int64_t rest;

    us = us < FIRST_US ? FIRST_US : us > LAST_US ? LAST_US : us;
    day = fl_day_of(us);
    rest = us - (int64_t)day * FL_US_PER_DAY;
    fl_civil_from_days(day, &c.year, &c.month, &c.day);
    c.part_us = rest % FL_US_PER_S;
    rest /= FL_US_PER_S;
    c.hour = (int)(rest / 3600);
    c.minute = (int)(rest / 60 % 60);
    c.second = (int)(rest % 60);
    return c;
}

size_t fl_stamp_format(int64_t us, const struct fl_stamp *stamp, char text[FL_STAMP_TEXT_BYTES])
{
    int64_t offset_us = stamp->offset_min * 60 * FL_US_PER_S;
    struct civil c;
    char *out = text;

    if (us > INT64_MAX - FL_US_PER_DAY || us < INT64_MIN + FL_US_PER_DAY)
        offset_us = 0;
    c = civil_of(us + offset_us);
    switch (stamp->style) {
    case FL_STAMP_Z:
    case FL_STAMP_BARE:
    case FL_STAMP_OFFSET:
    case FL_STAMP_PACKED:
    case FL_STAMP_SHORT:
        out = put_clock(put_date(out, &c, 'T'), &c, stamp->digits);
        if (stamp->style == FL_STAMP_Z)
            *out++ = 'Z';
        else if (stamp->style != FL_STAMP_BARE)
            out = put_offset(out, stamp);
        break;
    case FL_STAMP_SPACE:
        out = put_clock(put_date(out, &c, ' '), &c, stamp->digits);
        break;
    case FL_STAMP_BSD:
    case FL_STAMP_BSD_ZERO:
    case FL_STAMP_LAST_YEAR:
        out = put_clock(put_day(out, &c, stamp->style == FL_STAMP_BSD_ZERO), &c, stamp->digits);
        if (stamp->style == FL_STAMP_LAST_YEAR) {
            *out++ = ' ';
            out = put(out, (unsigned)c.year, 4);
        }
        break;
    case FL_STAMP_YEAR:
        out = put(put_day(out, &c, false), (unsigned)c.year, 4);
        *out++ = ' ';
        out = put_clock(out, &c, stamp->digits);
        break;
    case FL_STAMP_MS:
        out = put_number(out, us / 1000);
        break;
    case FL_STAMP_S:
        out = put_number(out, us / FL_US_PER_S);
        break;
    }
    return (size_t)(out - text);
}
