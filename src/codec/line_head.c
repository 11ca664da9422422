#include "codec/line_head.h"

#include <string.h>

#include "base/time.h"

enum {
    BLANKS = 6,
    ELEMENT_MIN = 8 /* " [junos@" */,
    MINUTE_BYTES = 16,
    SECOND_END = 19,
    OFFSET_BIAS = 0x8000,
    PRI_MAX = 191
};

/* First byte lowest. */
static uint64_t load_le(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

static bool find_blanks(const struct fl_scan *scan, uint32_t ret[BLANKS])
{
    uint64_t bits = scan->blank[0];
    uint32_t word = 0;

    for (uint32_t i = 0; i < BLANKS; i++, bits &= bits - 1) {
        while (bits == 0) {
            if (++word == FL_SCAN_HEAD_WORDS)
                return false;
            bits = scan->blank[word];
        }
        ret[i] = word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return true;
}

/* "<14>1" with the blank behind it at `blank`; no zeros in front. */
static bool read_pri(const unsigned char *p, uint32_t blank, uint64_t *ret)
{
    unsigned value = 0;

    if (blank < 4 || blank > 6 || p[0] != '<' || p[blank - 2] != '>' || p[blank - 1] != '1')
        return false;
    if (p[1] == '0' && blank > 4)
        return false;
    for (uint32_t i = 1; i < blank - 2; i++) {
        if (p[i] - (unsigned)'0' > 9)
            return false;
        value = value * 10 + (p[i] - (unsigned)'0');
    }
    *ret = value;
    return value <= PRI_MAX;
}

/* Eight digits, the first lowest. */
static uint32_t eight_digits(uint64_t x, bool *ok)
{
    const uint64_t zeros = UINT64_C(0x3030303030303030);
    uint64_t over = x + UINT64_C(0x4646464646464646), under = x - zeros;

    *ok = ((over | under) & UINT64_C(0x8080808080808080)) == 0;
    x = (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
    x = (x & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
    return (uint32_t)((x & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32);
}

/* Microseconds of second and fraction; -1: not as the slot has it. */
static int64_t read_rest(const struct fl_line_stamp *slot, const unsigned char *p)
{
    const uint64_t zeros = UINT64_C(0x3030303030303030), care = slot->fraction_care;
    unsigned tens = p[17] - (unsigned)'0', ones = p[18] - (unsigned)'0';
    uint32_t fraction;
    bool digits;

    if (tens > 5 || ones > 9 || (load_le(p + slot->len - 8) & slot->zone_care) != slot->zone)
        return -1;
    if (care == 0)
        return (tens * 10 + ones) * FL_US_PER_S;
    fraction = eight_digits((load_le(p + SECOND_END + 1) & care) | (zeros & ~care), &digits);
    if (!digits || p[SECOND_END] != '.')
        return -1;
    return (tens * 10 + ones) * FL_US_PER_S + fraction / 100;
}

/* Read the stamp at `at` the long way, and remember it. */
static bool learn_stamp(struct fl_line_stamp *slot, struct fl_span line, size_t at, size_t len,
                        int64_t received_us)
{
    const unsigned char *p = line.ptr + at;
    struct fl_stamp stamp;
    size_t read, zone;
    unsigned offset;
    int64_t us;

    if (!fl_stamp_parse(fl_span_of(p, line.len - at), received_us, &stamp, &us, &read) ||
        read != len || !stamp.exact || stamp.year_guessed || p[10] != 'T' || p[13] != ':')
        return false;
    zone = len - SECOND_END - (stamp.digits > 0 ? stamp.digits + 1 : 0);
    offset = (unsigned)(stamp.offset_min + FL_LINE_OFFSET_BIAS);
    memcpy(slot->minute, p, MINUTE_BYTES);
    slot->zone_care = zone == 0 ? 0 : UINT64_MAX << (64 - 8 * zone);
    slot->zone = load_le(p + len - 8) & slot->zone_care;
    slot->fraction_care = (UINT64_C(1) << 8 * stamp.digits) - 1;
    slot->len = (uint8_t)len;
    slot->digits = (uint8_t)stamp.digits;
    slot->sig[0] = (unsigned char)stamp.style;
    slot->sig[1] = (unsigned char)stamp.digits;
    slot->sig[2] = (unsigned char)(offset >> 8);
    slot->sig[3] = (unsigned char)offset;
    slot->base_us = 0;
    slot->base_us = us - read_rest(slot, p);
    return true;
}

static bool read_stamp(struct fl_line_stamp *cache, struct fl_span line, size_t at, size_t len,
                       int64_t received_us, struct fl_line_head *ret)
{
    const unsigned char *p = line.ptr + at;
    struct fl_line_stamp *slot;
    int64_t rest;

    if (len < SECOND_END || len > SECOND_END + 7 + 6)
        return false;
    slot = &cache[(p[15] + len + p[len - 1] * (size_t)16) % FL_LINE_STAMPS];
    if (slot->len != len || memcmp(slot->minute, p, MINUTE_BYTES) != 0 || p[16] != ':' ||
        (rest = read_rest(slot, p)) < 0) {
        if (!learn_stamp(slot, line, at, len, received_us))
            return false;
        rest = read_rest(slot, p);
    }
    ret->us = slot->base_us + rest;
    memcpy(ret->stamp_sig, slot->sig, sizeof ret->stamp_sig);
    return true;
}

/* What stands between two blanks. An opening bracket would end the header. */
static bool read_token(const unsigned char *p, uint32_t before, uint32_t behind,
                       struct fl_line_token *ret)
{
    *ret = (struct fl_line_token){(uint16_t)(before + 1), (uint16_t)(behind - before - 1)};
    return ret->len > 0 && p[before + 1] != '[';
}

bool fl_line_head_read(struct fl_line_stamp cache[FL_LINE_STAMPS], struct fl_span line,
                       const struct fl_scan *scan, int64_t received_us, struct fl_line_head *ret)
{
    const unsigned char *p = line.ptr;
    uint32_t blank[BLANKS];

    return find_blanks(scan, blank) && blank[5] + (size_t)ELEMENT_MIN <= line.len &&
           read_pri(p, blank[0], &ret->pri) && read_token(p, blank[0], blank[1], &ret->time) &&
           read_token(p, blank[1], blank[2], &ret->host) &&
           read_token(p, blank[2], blank[3], &ret->program) &&
           read_token(p, blank[3], blank[4], &ret->procid) &&
           read_token(p, blank[4], blank[5], &ret->tag) &&
           read_stamp(cache, line, ret->time.at, ret->time.len, received_us, ret);
}
