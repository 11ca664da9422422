#include "codec/ip.h"

static const unsigned char v4_front[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool fl_ip_is_v4(const unsigned char ip[FL_IP_BYTES])
{
    return memcmp(ip, v4_front, sizeof v4_front) == 0;
}

static bool parse_v4(struct fl_span text, unsigned char ret[4])
{
    size_t at = 0;

    for (int part = 0; part < 4; part++) {
        unsigned value = 0;
        size_t from = at;

        if (part > 0 && (at == text.len || text.ptr[at++] != '.'))
            return false;
        from = at;
        while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' && at - from < 3)
            value = value * 10 + (text.ptr[at++] - (unsigned)'0');
        if (at == from || value > 255 || (at - from > 1 && text.ptr[from] == '0'))
            return false;
        ret[part] = (unsigned char)value;
    }
    return at == text.len;
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One group of 1..4 hex digits at *at, which moves on. */
static bool parse_group(struct fl_span text, size_t *at, unsigned *ret)
{
    size_t from = *at;
    unsigned value = 0;

    while (*at < text.len && *at - from < 4 && hex_digit(text.ptr[*at]) >= 0)
        value = value << 4 | (unsigned)hex_digit(text.ptr[(*at)++]);
    *ret = value;
    return *at > from;
}

static bool parse_v6(struct fl_span text, unsigned char ret[FL_IP_BYTES])
{
    unsigned char ip[FL_IP_BYTES] = {0};
    size_t at = 0, n = 0, gap = SIZE_MAX, tail; /* n: bytes of ip filled; gap: where :: stands */
    unsigned group;

    if (text.len >= 2 && text.ptr[0] == ':' && text.ptr[1] == ':') {
        gap = 0;
        at = 2;
    }
    while (at < text.len) {
        size_t from = at;

        if (n > 14 || !parse_group(text, &at, &group))
            return false;
        if (at < text.len && text.ptr[at] == '.') {
            if (n > 12 || !parse_v4(fl_span_of(text.ptr + from, text.len - from), ip + n))
                return false;
            n += 4;
            break;
        }
        ip[n++] = (unsigned char)(group >> 8);
        ip[n++] = (unsigned char)group;
        if (at == text.len)
            break;
        if (text.ptr[at++] != ':' || at == text.len)
            return false;
        if (text.ptr[at] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = n;
            at++;
        }
    }
    if (gap == SIZE_MAX ? n != 16 : n > 14)
        return false;
    memset(ret, 0, FL_IP_BYTES);
    tail = gap == SIZE_MAX ? 0 : n - gap;
    memcpy(ret, ip, n - tail);
    memcpy(ret + FL_IP_BYTES - tail, ip + n - tail, tail);
    return true;
}

bool fl_ip_parse(struct fl_span text, unsigned char ret_ip[FL_IP_BYTES])
{
    unsigned char v4[4];

    if (text.len < 2 || text.len > 45)
        return false;
    if (memchr(text.ptr, ':', text.len < 5 ? text.len : 5) != NULL)
        return parse_v6(text, ret_ip);
    if (!parse_v4(text, v4))
        return false;
    memcpy(ret_ip, v4_front, sizeof v4_front);
    memcpy(ret_ip + sizeof v4_front, v4, sizeof v4);
    return true;
}

static char *put_decimal(char *out, unsigned value)
{
    if (value >= 100)
        *out++ = (char)('0' + value / 100);
    if (value >= 10)
        *out++ = (char)('0' + value / 10 % 10);
    *out++ = (char)('0' + value % 10);
    return out;
}

static char *put_hex(char *out, unsigned value)
{
    static const char digits[] = "0123456789abcdef";
    int shift = 12;

    while (shift > 0 && value >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *out++ = digits[value >> shift & 15];
    return out;
}

/* The longest run of at least two zero groups, the first of equals (RFC 5952 section 4.2). */
static void find_gap(const unsigned group[8], int *ret_from, int *ret_len)
{
    *ret_from = -1;
    *ret_len = 1;
    for (int i = 0; i < 8; i++) {
        int from = i;

        while (i < 8 && group[i] == 0)
            i++;
        if (i - from > *ret_len) {
            *ret_from = from;
            *ret_len = i - from;
        }
    }
}

size_t fl_ip_format(const unsigned char ip[FL_IP_BYTES], char text[FL_IP_TEXT_BYTES])
{
    unsigned group[8];
    int gap, gap_len;
    char *out = text;

    if (fl_ip_is_v4(ip)) {
        for (int i = 12; i < 16; i++) {
            if (i > 12)
                *out++ = '.';
            out = put_decimal(out, ip[i]);
        }
        *out = '\0';
        return (size_t)(out - text);
    }
    for (int i = 0; i < 8; i++)
        group[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
    find_gap(group, &gap, &gap_len);
    for (int i = 0; i < 8; i++) {
        if (i == gap) {
            *out++ = ':';
            *out++ = ':';
            i += gap_len - 1;
            continue;
        }
        if (i > 0 && i != gap + gap_len)
            *out++ = ':';
        out = put_hex(out, group[i]);
    }
    *out = '\0';
    return (size_t)(out - text);
}

bool fl_ip_parse_same(struct fl_span text, unsigned char ret_ip[FL_IP_BYTES], bool *ret_same)
{
    char again[FL_IP_TEXT_BYTES];

    if (!fl_ip_parse(text, ret_ip))
        return false;
    *ret_same = memchr(text.ptr, ':', text.len) == NULL || /* a.b.c.d has one spelling only */
                fl_span_eq(text, fl_span_of(again, fl_ip_format(ret_ip, again)));
    return true;
}
