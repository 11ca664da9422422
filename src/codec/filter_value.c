#include "codec/filter_value.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"
#include "codec/ip.h"

const struct fl_filter_proto fl_filter_protos[] = {
    {"icmp", 1}, {"tcp", 6},     {"udp", 17},  {"gre", 47},   {"esp", 50},
    {"ah", 51},  {"icmpv6", 58}, {"ospf", 89}, {"sctp", 132}, {NULL, 0},
};

struct fl_filter_shown fl_filter_show(struct fl_span text)
{
    struct fl_filter_shown shown;
    size_t n = text.len < 40 ? text.len : 40;

    for (size_t i = 0; i < n; i++)
        shown.text[i] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? (char)text.ptr[i] : '?';
    (void)snprintf(shown.text + n, sizeof shown.text - n, "%s", text.len > n ? "..." : "");
    return shown;
}

static int bad(struct fl_err *err, const struct fl_filter_value *value, enum fl_field f,
               const char *why)
{
    return fl_err_set(err, FL_E_INVAL, "column %zu: \"%s\" is no value for %s: %s", value->column,
                      fl_filter_show(value->text).text, fl_filter_name(f), why);
}

/* ---- strings ---- */

/* The pattern with a * at both ends; text holds no two bare * in a row. */
static int wrap_stars(struct fl_span text, struct fl_arena *arena, struct fl_span *ret,
                      struct fl_err *err)
{
    unsigned char *out = fl_arena_get(arena, text.len + 2);
    size_t n = 0;
    bool star = true; /* whether the last byte put is a bare * */

    if (out == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the filter");
    out[n++] = '*';
    for (size_t i = text.ptr[0] == '*' ? 1 : 0; i < text.len; i++) {
        star = text.ptr[i] == '*';
        out[n++] = text.ptr[i];
        if (text.ptr[i] == '\\' && i + 1 < text.len)
            out[n++] = text.ptr[++i];
    }
    if (!star)
        out[n++] = '*';
    *ret = fl_span_of(out, n);
    return FL_OK;
}

static int string_leaf(enum fl_filter_cmp cmp, const struct fl_filter_value *value,
                       struct fl_arena *arena, struct fl_filter *leaf, struct fl_err *err)
{
    const char *name = fl_filter_name(leaf->field);

    if (cmp != FL_CMP_EQ && cmp != FL_CMP_HAS_TEXT)
        return fl_err_set(err, FL_E_INVAL,
                          "column %zu: %s is text and has no order; write %s:value or %s~part",
                          value->column, name, name, name);
    if (value->text.len == 0)
        return fl_err_set(err, FL_E_INVAL,
                          "column %zu: the value is empty; rows without a %s are -%s:*",
                          value->column, name, name);
    leaf->text = value->text;
    if (!value->stars) {
        leaf->op = cmp == FL_CMP_EQ ? FL_OP_EQ : FL_OP_CONTAINS;
        return FL_OK;
    }
    leaf->op = FL_OP_GLOB;
    if (cmp == FL_CMP_HAS_TEXT) {
        int r = wrap_stars(value->text, arena, &leaf->text, err);

        if (r < 0)
            return r;
    }
    if (leaf->text.len == 1) { /* a lone * */
        leaf->op = FL_OP_HAS;
        leaf->text = (struct fl_span){NULL, 0};
    }
    return FL_OK;
}

/* ---- addresses ---- */

static void mask_ip(unsigned char ip[FL_IP_BYTES], uint64_t bits)
{
    for (size_t i = 0; i < FL_IP_BYTES; i++) {
        uint64_t left = bits > 8 * i ? bits - 8 * i : 0;

        if (left < 8)
            ip[i] = (unsigned char)(ip[i] & 0xff00u >> left);
    }
}

/* 10.42.o.o and 2001:db8:1:o:o:o:o:o with bullets for o: as addresses are shown where
 * a part of them is hidden. The bullets become zeros, the rest is a net. */
static bool parse_half(struct fl_span text, unsigned char ip[FL_IP_BYTES], uint64_t *ret_bits)
{
    unsigned char plain[FL_IP_TEXT_BYTES];
    bool v4 = text.len > 0 && memchr(text.ptr, ':', text.len) == NULL;
    size_t n = 0, hidden = 0, i = 0;

    for (; i < text.len && n < sizeof plain; n++) {
        bool dot = text.len - i >= 3 && memcmp(text.ptr + i, "\xe2\x80\xa2", 3) == 0;

        if (!dot && hidden > 0 && text.ptr[i] != (v4 ? '.' : ':'))
            return false; /* behind the first only bullets */
        plain[n] = dot ? '0' : text.ptr[i];
        hidden += dot;
        i += dot ? 3 : 1;
    }
    if (i < text.len || hidden != (v4 ? 2u : 5u) || !fl_ip_parse(fl_span_of(plain, n), ip))
        return false;
    *ret_bits = v4 ? 112 : 48;
    return true;
}

static int ip_leaf(enum fl_filter_cmp cmp, const struct fl_filter_value *value,
                   struct fl_arena *arena, struct fl_filter *leaf, struct fl_err *err)
{
    static const char want[] = "write an address (10.1.2.3, 2001:db8::1) or a net (10.1.0.0/16)";
    const unsigned char *slash = memchr(value->text.ptr, '/', value->text.len);
    size_t n = slash == NULL ? value->text.len : (size_t)(slash - value->text.ptr);
    unsigned char *ip = fl_arena_get(arena, FL_IP_BYTES);
    bool v4 = memchr(value->text.ptr, ':', n) == NULL; /* how the prefix is counted */
    uint64_t bits = v4 ? 32 : 128;

    if (ip == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the filter");
    if (cmp != FL_CMP_EQ)
        return fl_err_set(err, FL_E_INVAL, "column %zu: %s is an address: write %s:10.1.0.0/16",
                          value->column, fl_filter_name(leaf->field), fl_filter_name(leaf->field));
    if (slash == NULL && parse_half(value->text, ip, &bits)) {
        leaf->op = FL_OP_NET;
        leaf->text = fl_span_of(ip, FL_IP_BYTES);
        leaf->num = bits;
        return FL_OK;
    }
    if (value->stars || !fl_ip_parse(fl_span_of(value->text.ptr, n), ip))
        return bad(err, value, leaf->field, want);
    if (slash != NULL && (!fl_span_u64(fl_span_of(slash + 1, value->text.len - n - 1), &bits) ||
                          bits > (v4 ? 32 : 128)))
        return bad(err, value, leaf->field, v4 ? "write /0 to /32" : "write /0 to /128");
    bits += v4 ? 96 : 0;
    mask_ip(ip, bits);
    leaf->op = FL_OP_NET;
    leaf->text = fl_span_of(ip, FL_IP_BYTES);
    leaf->num = bits;
    return FL_OK;
}

/* ---- numbers ---- */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit sizes[] = {
    {"", 1},
    {"k", 1000},
    {"K", 1000},
    {"M", 1000000},
    {"G", 1000000000},
    {"T", UINT64_C(1000000000000)},
    {"Ki", 1024},
    {"Mi", 1024 * 1024},
    {"Gi", 1024 * 1024 * 1024},
    {"Ti", UINT64_C(1024) * 1024 * 1024 * 1024},
    {NULL, 0},
};
static const struct unit seconds[] = {
    {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", UINT64_C(7) * 86400}, {NULL, 0},
};
static const struct unit microseconds[] = {
    {"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {NULL, 0},
};
static const struct unit percent[] = {{"%", 1}, {NULL, 0}};
static const struct unit no_units[] = {{NULL, 0}};

static const struct unit *units_of(enum fl_field f)
{
    const char *unit = fl_fields[f].unit;

    if (strcmp(unit, "s") == 0)
        return seconds;
    if (strcmp(unit, "us") == 0)
        return microseconds;
    return strcmp(unit, "%") == 0 ? percent : no_units;
}

static uint64_t find_unit(const struct unit *units, struct fl_span name)
{
    for (; units->name != NULL; units++) {
        if (fl_span_eq(name, fl_span_str(units->name)))
            return units->factor;
    }
    return 0;
}

static uint64_t unit_factor(enum fl_field f, struct fl_span name)
{
    uint64_t factor = find_unit(units_of(f), name);

    if (factor == 0 && strcmp(fl_fields[f].unit, "bytes") == 0 && name.len > 0 &&
        name.ptr[name.len - 1] == 'B')
        name.len--; /* 1MB, 1MiB, 100B */
    return factor != 0 ? factor : find_unit(sizes, name);
}

static size_t count_digits(struct fl_span text, size_t at)
{
    size_t n = 0;

    while (at + n < text.len && text.ptr[at + n] >= '0' && text.ptr[at + n] <= '9')
        n++;
    return n;
}

/* 1234, 1.5M, 20ms; the result is a whole number that fits 64 bits. */
static bool parse_amount(enum fl_field f, struct fl_span text, uint64_t *ret)
{
    static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    size_t n = count_digits(text, 0), at = n, part_digits = 0;
    uint64_t whole, part = 0, factor;

    if (!fl_span_u64(fl_span_of(text.ptr, n), &whole))
        return false;
    if (at < text.len && text.ptr[at] == '.') {
        part_digits = count_digits(text, at + 1);
        if (part_digits == 0 || part_digits > 6 ||
            !fl_span_u64(fl_span_of(text.ptr + at + 1, part_digits), &part))
            return false;
        at += 1 + part_digits;
    }
    factor = unit_factor(f, fl_span_of(text.ptr + at, text.len - at));
    if (factor == 0 || part * factor % powers[part_digits] != 0)
        return false;
    part = part * factor / powers[part_digits]; /* at most 10^6 * 2^40 before, so no overflow */
    if (whole > (UINT64_MAX - part) / factor)
        return false;
    *ret = whole * factor + part;
    return true;
}

/* What a text of a number or time field stands for: [lo, hi], one point but for a date alone. */
struct range {
    uint64_t lo, hi;
};

static bool parse_number(enum fl_field f, struct fl_span text, struct range *ret)
{
    if (f == FL_F_PROTO) {
        for (const struct fl_filter_proto *p = fl_filter_protos; p->name != NULL; p++) {
            if (fl_span_eq(text, fl_span_str(p->name))) {
                *ret = (struct range){p->number, p->number};
                return true;
            }
        }
    }
    if (!parse_amount(f, text, &ret->lo))
        return false;
    ret->hi = ret->lo;
    return true;
}

static bool parse_time(struct fl_span text, struct range *ret)
{
    int64_t us, max_us = fl_days_from_civil(9999, 12, 31) * FL_US_PER_DAY;

    if (!fl_time_parse(text, &us) || us <= 0 || us >= max_us)
        return false; /* bounds of one more or less stay printable */
    ret->lo = (uint64_t)us;
    ret->hi = text.len == 10 ? (uint64_t)(us + FL_US_PER_DAY - 1) : (uint64_t)us;
    return true;
}

static bool is_time(enum fl_field f)
{
    return fl_fields[f].type == FL_T_TIME;
}

static bool parse_point(enum fl_field f, struct fl_span text, struct range *ret)
{
    return is_time(f) ? parse_time(text, ret) : parse_number(f, text, ret);
}

static const char *number_wanted(enum fl_field f)
{
    if (is_time(f))
        return "write 2026-11-21 or 2026-11-21T08:00:00Z";
    if (units_of(f) == seconds)
        return "write a whole number of seconds, or 90s, 5m, 2h, 1d";
    if (units_of(f) == microseconds)
        return "write microseconds, or 250us, 20ms, 1s";
    if (f == FL_F_PROTO)
        return "write a number, or tcp, udp, icmp, esp, gre";
    return "write a whole number, with K, M, G, T or Ki, Mi, Gi, Ti if you like";
}

/* Position of ".." in text; text.len when there is none. */
static size_t find_dots(struct fl_span text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == '.' && text.ptr[i + 1] == '.')
            return i;
    }
    return text.len;
}

static bool backwards(enum fl_field f, struct range r)
{
    return is_time(f) ? (int64_t)r.lo > (int64_t)r.hi : r.lo > r.hi;
}

static int equal_range(const struct fl_filter_value *value, enum fl_field f, struct range *ret,
                       struct fl_err *err)
{
    size_t dots = find_dots(value->text);
    struct range upper = {0, 0};

    if (dots == value->text.len)
        return parse_point(f, value->text, ret) ? FL_OK : bad(err, value, f, number_wanted(f));
    if (!parse_point(f, fl_span_of(value->text.ptr, dots), ret) ||
        !parse_point(f, fl_span_of(value->text.ptr + dots + 2, value->text.len - dots - 2), &upper))
        return bad(err, value, f, "a range has a value at both ends, like 1000..2000");
    ret->hi = upper.hi;
    if (backwards(f, *ret))
        return bad(err, value, f, "the range runs backwards; put the smaller end first");
    return FL_OK;
}

static int ordered_range(enum fl_filter_cmp cmp, const struct fl_filter_value *value,
                         enum fl_field f, struct range *ret, struct fl_err *err)
{
    uint64_t min = is_time(f) ? (uint64_t)INT64_MIN : 0;
    uint64_t max = is_time(f) ? (uint64_t)INT64_MAX : UINT64_MAX;
    struct range point;

    if (!parse_point(f, value->text, &point))
        return bad(err, value, f, number_wanted(f));
    if ((cmp == FL_CMP_GT && point.hi == max) || (cmp == FL_CMP_LT && point.lo == min))
        return bad(err, value, f, "no number lies beyond it");
    *ret = cmp == FL_CMP_GT   ? (struct range){point.hi + 1, max}
           : cmp == FL_CMP_GE ? (struct range){point.lo, max}
           : cmp == FL_CMP_LT ? (struct range){min, point.lo - 1}
                              : (struct range){min, point.hi};
    return FL_OK;
}

static int number_leaf(enum fl_filter_cmp cmp, const struct fl_filter_value *value,
                       struct fl_filter *leaf, struct fl_err *err)
{
    enum fl_field f = leaf->field;
    struct range range = {0, 0};
    int r;

    if (cmp == FL_CMP_HAS_TEXT)
        return fl_err_set(err, FL_E_INVAL,
                          "column %zu: %s is no text; write %s:value, or < <= > >= and a value",
                          value->column, fl_filter_name(f), fl_filter_name(f));
    if (value->stars)
        return bad(err, value, f, number_wanted(f));
    r = cmp == FL_CMP_EQ ? equal_range(value, f, &range, err)
                         : ordered_range(cmp, value, f, &range, err);
    if (r < 0)
        return r;
    leaf->op = range.lo == range.hi ? FL_OP_EQ : FL_OP_RANGE;
    leaf->num = range.lo;
    leaf->num_hi = range.lo == range.hi ? 0 : range.hi;
    return FL_OK;
}

static int flag_leaf(enum fl_filter_cmp cmp, const struct fl_filter_value *value,
                     struct fl_filter *leaf, struct fl_err *err)
{
    char names[200] = "";
    size_t n = 0;

    for (unsigned bit = 0; fl_row_flag_names[bit] != NULL; bit++) {
        const char *name = fl_row_flag_names[bit];
        int add;

        if (cmp == FL_CMP_EQ && fl_span_eq(value->text, fl_span_str(name))) {
            leaf->op = FL_OP_FLAG;
            leaf->num = UINT64_C(1) << bit;
            return FL_OK;
        }
        add = snprintf(names + n, sizeof names - n, "%s%s", n == 0 ? "" : ", ", name);
        if (add > 0 && (size_t)add < sizeof names - n)
            n += (size_t)add;
    }
    return fl_err_set(err, FL_E_INVAL, "column %zu: write flag:name with one of %s", value->column,
                      names);
}

int fl_filter_value(enum fl_field field, enum fl_filter_cmp cmp,
                    const struct fl_filter_value *value, struct fl_arena *arena,
                    struct fl_filter *leaf, struct fl_err *err)
{
    leaf->field = field;
    if (fl_fields[field].type == FL_T_STR)
        return string_leaf(cmp, value, arena, leaf, err);
    if (value->stars && value->text.len == 1 && cmp == FL_CMP_EQ) {
        leaf->op = FL_OP_HAS;
        return FL_OK;
    }
    if (value->text.len == 0)
        return fl_err_set(err, FL_E_INVAL,
                          "column %zu: the value is empty; rows without a %s are -%s:*",
                          value->column, fl_filter_name(field), fl_filter_name(field));
    if (fl_fields[field].type == FL_T_IP)
        return ip_leaf(cmp, value, arena, leaf, err);
    if (field == FL_F_FLAGS)
        return flag_leaf(cmp, value, leaf, err);
    return number_leaf(cmp, value, leaf, err);
}
