#include "base/span.h"

bool fl_span_u64(struct fl_span s, uint64_t *ret)
{
    uint64_t value = 0;

    if (s.len == 0 || s.len > 20)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)s.ptr[i] - '0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

bool fl_span_find_nocase(struct fl_span hay, struct fl_span needle)
{
    if (needle.len == 0)
        return true;
    for (size_t at = 0; at + needle.len <= hay.len; at++) {
        size_t i = 0;

        while (i < needle.len && lower(hay.ptr[at + i]) == lower(needle.ptr[i]))
            i++;
        if (i == needle.len)
            return true;
    }
    return false;
}

uint64_t fl_span_hash(struct fl_span s)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ s.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}
