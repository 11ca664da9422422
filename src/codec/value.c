#include "codec/value.h"

#include <string.h>

#include "base/time.h"
#include "codec/ip.h"

enum { PORT_MAX = 65535, PROTO_MAX = 255 };

static bool has_tag(const struct fl_param *row, struct fl_span tag)
{
    size_t n;

    if (row->tag == NULL)
        return true;
    n = strlen(row->tag);
    return tag.len >= n && memcmp(tag.ptr, row->tag, n) == 0;
}

bool fl_param_is(const struct fl_params *params, size_t k, struct fl_span text, struct fl_span tag)
{
    const struct fl_param *row = &params->rows[k];

    return text.len > row->len && text.ptr[row->len] == '=' &&
           memcmp(text.ptr, row->name, row->len) == 0 && has_tag(row, tag);
}

static bool row_is(const struct fl_param *row, struct fl_span name, struct fl_span tag)
{
    return row->len == name.len && memcmp(row->name, name.ptr, name.len) == 0 && has_tag(row, tag);
}

enum fl_field fl_param_field(const struct fl_params *params, struct fl_span name,
                             struct fl_span tag, size_t *hint)
{
    for (size_t k = 0, i = *hint; k < params->count; k++, i++) {
        if (i >= params->count)
            i = 0;
        if (row_is(&params->rows[i], name, tag)) {
            *hint = i + 1;
            return params->rows[i].field;
        }
    }
    return FL_FIELD_COUNT;
}

const struct fl_absent_word fl_absent_words[FL_ABSENT_WORDS] = {
    {0, ""},
    {1, "-"},
    {2, "-1"},
    {3, "N/A"},
    {4, "None"},
    {7, "UNKNOWN"},
    {2, "NA"},
    {7, "unknown"},
    {4, "none"},
    {7, "Unknown"},
    {5, "NA NA"},
    {7, "N/A N/A"},
    {12, "unknown-user"},
};

size_t fl_absent_word(struct fl_span v)
{
    if (v.len == 0)
        return 0;
    if (v.len > 12 || (v.ptr[0] != '-' && (v.ptr[0] | 0x20) != 'n' && (v.ptr[0] | 0x20) != 'u'))
        return FL_ABSENT_WORDS;
    for (size_t i = 0; i < FL_ABSENT_WORDS; i++) {
        if (v.len == fl_absent_words[i].len && memcmp(v.ptr, fl_absent_words[i].text, v.len) == 0)
            return i;
    }
    return FL_ABSENT_WORDS;
}

bool fl_value_absent(struct fl_span v)
{
    return fl_absent_word(v) < FL_ABSENT_WORDS;
}

/* Numbers that mean "no value". */
static bool is_void_number(enum fl_field f, struct fl_span v)
{
    switch ((unsigned)f) {
    case FL_F_RTT_US:
    case FL_F_JITTER_US:
    case FL_F_SLA_RULE:
        return fl_span_eq(v, FL_SPAN("4294967295"));
    case FL_F_LOSS_PCT:
        return fl_span_eq(v, FL_SPAN("255")) || fl_span_eq(v, FL_SPAN("4294967295"));
    default:
        return false;
    }
}

static uint64_t number_max(enum fl_field f)
{
    switch ((unsigned)f) {
    case FL_F_SRC_PORT:
    case FL_F_DST_PORT:
    case FL_F_SRC_NAT_PORT:
    case FL_F_DST_NAT_PORT:
        return PORT_MAX;
    case FL_F_PROTO:
        return PROTO_MAX;
    default:
        return UINT64_MAX;
    }
}

/* The take_ functions set the column and return the format of its placeholder; 0: not taken. */

static char take_number(struct fl_parse *p, enum fl_field f, struct fl_span v)
{
    uint64_t value;

    if (!fl_span_u64(v, &value) || value > number_max(f))
        return 0;
    fl_event_num(p->ev, f, value);
    return v.len > 1 && v.ptr[0] == '0' ? FL_VALUE_TEXT : 'd';
}

/* Is text the name of this number, all in capitals ('U') or in small letters ('u')? 0: neither. */
static char proto_format(struct fl_span text, int number)
{
    const char *name = fl_proto_name((uint64_t)number);
    bool capitals = true, small = true;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i];

        capitals = capitals && !(c >= 'a' && c <= 'z');
        small = small && !(c >= 'A' && c <= 'Z');
    }
    if (name == NULL || strlen(name) != text.len)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if ((text.ptr[i] | 0x20) != ((unsigned char)name[i] | 0x20))
            return 0;
    }
    return capitals ? 'U' : small ? 'u' : 0;
}

static char take_proto_name(struct fl_parse *p, struct fl_span v)
{
    int number = fl_proto_number(v);
    char format;

    if (number < 0)
        return 0;
    fl_event_num(p->ev, FL_F_PROTO, (uint64_t)number);
    format = proto_format(v, number);
    return format == 0 ? FL_VALUE_TEXT : format;
}

static char take_ip(struct fl_parse *p, enum fl_field f, struct fl_span v)
{
    unsigned char *ip = fl_arena_get(p->ev->arena, FL_IP_BYTES);
    bool same;

    if (ip == NULL || !fl_ip_parse_same(v, ip, &same))
        return 0;
    fl_event_str(p->ev, f, fl_span_of(ip, FL_IP_BYTES));
    return same ? 'i' : FL_VALUE_TEXT;
}

static char take_time(struct fl_parse *p, struct fl_span v, struct fl_stamp *ret)
{
    struct fl_stamp stamp = {.exact = true};
    int64_t us = 0;
    uint64_t number;
    size_t len;

    if (fl_span_u64(v, &number)) { /* 10 digits are seconds until 2286, 13 milliseconds */
        if (v.len != 10 && v.len != 13)
            return 0;
        stamp.style = v.len == 10 ? FL_STAMP_S : FL_STAMP_MS;
        stamp.exact = v.ptr[0] != '0';
        us = (int64_t)number * (v.len == 10 ? FL_US_PER_S : 1000);
    } else if (!fl_stamp_parse(v, p->received_us, &stamp, &us, &len) || len != v.len) {
        return 0;
    }
    fl_event_time(p->ev, FL_F_TIME, us);
    if (stamp.year_guessed)
        fl_event_flag(p->ev, FL_ROW_YEAR_GUESSED);
    p->has_time = true;
    *ret = stamp;
    return stamp.exact ? 't' : FL_VALUE_TEXT;
}

static char take_string(struct fl_parse *p, enum fl_field f, struct fl_span raw, char escapes)
{
    struct fl_span plain = fl_shape_unescape(raw, escapes, p->ev->arena);

    if (plain.ptr == NULL && raw.len > 0)
        return 0;
    fl_event_str(p->ev, f, plain);
    if (plain.len == raw.len) /* every escape makes it shorter: there was none */
        return 's';
    return fl_shape_escapes_to(plain, escapes, raw) ? escapes : FL_VALUE_TEXT;
}

static char take_typed(struct fl_parse *p, enum fl_field f, struct fl_span v, char escapes,
                       struct fl_stamp *ret_stamp)
{
    char format = 0;

    switch (fl_fields[f].type) {
    case FL_T_NUM:
        format = take_number(p, f, v);
        return format == 0 && f == FL_F_PROTO ? take_proto_name(p, v) : format;
    case FL_T_TIME:
        return take_time(p, v, ret_stamp);
    case FL_T_IP:
        return take_ip(p, f, v);
    case FL_T_STR:
        return take_string(p, f, v, escapes);
    }
    return format;
}

char fl_value_take(struct fl_parse *p, enum fl_field f, size_t from, size_t *to, char escapes,
                   struct fl_stamp *ret_stamp)
{
    struct fl_span v;
    char format = 0;

    while (*to > from && p->line.ptr[*to - 1] == ' ')
        --*to;
    v = fl_parse_span(p, from, *to);
    if (fl_value_absent(v))
        return FL_VALUE_ABSENT;
    if (f < FL_FIELD_COUNT && !fl_event_has(p->ev, f)) {
        if (is_void_number(f, v))
            return FL_VALUE_VOID;
        format = take_typed(p, f, v, escapes, ret_stamp);
    }
    return format == 0 ? FL_VALUE_EXTRA : format;
}

bool fl_value_put(struct fl_parse *p, enum fl_field f, struct fl_slot slot)
{
    size_t to = slot.to;
    struct fl_stamp stamp;
    char format = fl_value_take(p, f, slot.from, &to, slot.escapes, &stamp);

    switch (format) {
    case FL_VALUE_ABSENT:
    case FL_VALUE_VOID:
        return false;
    case FL_VALUE_EXTRA:
        if (slot.name_len > 0)
            fl_shape_extra(&p->shape, slot.from, to, slot.name, slot.name_len, slot.escapes);
        else
            fl_shape_named(&p->shape, slot.from, to, slot.known, slot.escapes);
        return false;
    case FL_VALUE_TEXT:
        fl_shape_text(&p->shape, slot.from, to, f);
        return true;
    case 't':
        fl_shape_stamp(&p->shape, slot.from, to, &stamp);
        return true;
    default:
        fl_shape_field(&p->shape, slot.from, to, f, format);
        return true;
    }
}

void fl_value_token(struct fl_parse *p, enum fl_field f, size_t from, size_t to)
{
    if (to == from || (to == from + 1 && p->line.ptr[from] == '-'))
        return;
    fl_event_str(p->ev, f, fl_parse_span(p, from, to));
    fl_shape_field(&p->shape, from, to, f, 's');
}

void fl_value_message(struct fl_parse *p, size_t from, size_t to)
{
    while (from < to && p->line.ptr[from] == ' ')
        from++;
    while (to > from && p->line.ptr[to - 1] == ' ')
        to--;
    if (from == to)
        return;
    if (fl_event_has(p->ev, FL_F_MESSAGE)) {
        fl_shape_named(&p->shape, from, to, FL_SHAPE_TEXT, 's');
        return;
    }
    fl_event_str(p->ev, FL_F_MESSAGE, fl_parse_span(p, from, to));
    fl_shape_field(&p->shape, from, to, FL_F_MESSAGE, 's');
}

struct fl_parse_mark fl_parse_mark(const struct fl_parse *p)
{
    return (struct fl_parse_mark){fl_shape_mark(&p->shape), p->ev->has,
                                  fl_event_get_num(p->ev, FL_F_FLAGS), p->has_time};
}

void fl_parse_back(struct fl_parse *p, const struct fl_parse_mark *mark)
{
    fl_shape_back(&p->shape, mark->shape);
    p->ev->has = mark->has;
    p->ev->v[FL_F_FLAGS].num = mark->flags;
    p->has_time = mark->has_time;
}
