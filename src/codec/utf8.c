#include "codec/utf8.h"

size_t fl_utf8_at(const unsigned char *p, size_t left)
{
    unsigned char c = p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : 4;

    if (n == 1)
        return 1;
    if (c < 0xc2 || c > 0xf4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) ||
        (c == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

bool fl_utf8_valid(struct fl_span s)
{
    for (size_t i = 0, n; i < s.len; i += n) {
        n = fl_utf8_at(s.ptr + i, s.len - i);
        if (n == 0)
            return false;
    }
    return true;
}
