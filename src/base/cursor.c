#include "base/cursor.h"

static uint64_t get_le(struct fl_cursor *cur, size_t bytes)
{
    struct fl_span le = fl_cursor_bytes(cur, bytes);
    uint64_t value = 0;

    for (size_t i = 0; i < le.len; i++)
        value |= (uint64_t)le.ptr[i] << (8 * i);
    return value;
}

uint8_t fl_cursor_u8(struct fl_cursor *cur)
{
    return (uint8_t)get_le(cur, 1);
}

uint16_t fl_cursor_u16(struct fl_cursor *cur)
{
    return (uint16_t)get_le(cur, 2);
}

uint32_t fl_cursor_u32(struct fl_cursor *cur)
{
    return (uint32_t)get_le(cur, 4);
}

uint64_t fl_cursor_u64(struct fl_cursor *cur)
{
    return get_le(cur, 8);
}

uint64_t fl_cursor_varint(struct fl_cursor *cur)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = fl_cursor_u8(cur);

        if (cur->failed)
            return 0;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    cur->failed = true;
    return 0;
}

struct fl_span fl_cursor_bytes(struct fl_cursor *cur, size_t len)
{
    struct fl_span got;

    if (cur->failed || len > fl_cursor_left(cur)) {
        cur->failed = true;
        return (struct fl_span){NULL, 0};
    }
    got = fl_span_of(cur->ptr, len);
    if (len > 0)
        cur->ptr += len;
    return got;
}

struct fl_span fl_cursor_lv(struct fl_cursor *cur, size_t max_len)
{
    uint64_t len = fl_cursor_varint(cur);

    if (len > max_len)
        cur->failed = true;
    return fl_cursor_bytes(cur, (size_t)len);
}

bool fl_cursor_done(const struct fl_cursor *cur)
{
    return !cur->failed && cur->ptr == cur->end;
}
