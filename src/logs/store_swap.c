#include "logs/store_swap.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "logs/files.h"

enum { VERSION = 1, FLAG_NOTHING = 1 };

void fl_swap_name(const unsigned char id[FL_FILE_ID_BYTES], char ret[FL_SWAP_NAME_BYTES])
{
    char hex[33];

    fl_id_format(id, hex);
    (void)snprintf(ret, FL_SWAP_NAME_BYTES, "%s.swap", hex);
}

void fl_swap_encode(const struct fl_swap *swap, struct fl_buf *out)
{
    size_t at = out->len;

    fl_buf_put(out, "FLSWAPS\n", 8);
    fl_buf_put_u16(out, VERSION);
    fl_buf_put_u16(out, swap->nothing ? FLAG_NOTHING : 0);
    fl_buf_put_u32(out, swap->tenant);
    fl_buf_put_u32(out, (uint32_t)swap->day);
    fl_buf_put(out, swap->id, sizeof swap->id);
    fl_buf_put_u32(out, swap->count);
    fl_buf_put(out, swap->old, swap->count * sizeof swap->old[0]);
    if (out->failed == 0)
        fl_buf_put_u32(out, fl_crc32c(0, fl_span_of(out->ptr + at, out->len - at)));
}

int fl_swap_decode(struct fl_span bytes, struct fl_swap *ret, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(bytes);
    struct fl_span magic = fl_cursor_bytes(&cur, 8), id, old;
    uint16_t version = fl_cursor_u16(&cur), flags = fl_cursor_u16(&cur);
    uint32_t tenant = fl_cursor_u32(&cur), day = fl_cursor_u32(&cur), count, crc;

    id = fl_cursor_bytes(&cur, FL_FILE_ID_BYTES);
    count = fl_cursor_u32(&cur);
    if (count == 0 || count > FL_SWAP_OLD_MAX)
        cur.failed = true;
    old = fl_cursor_bytes(&cur, (size_t)count * FL_FILE_ID_BYTES);
    crc = fl_cursor_u32(&cur);
    if (!fl_cursor_done(&cur) || !fl_span_eq(magic, FL_SPAN("FLSWAPS\n")) ||
        crc != fl_crc32c(0, fl_span_of(bytes.ptr, bytes.len - 4)))
        return fl_err_set(err, FL_E_CORRUPT, "the list of replaced segments is damaged");
    if (version != VERSION)
        return fl_err_set(err, FL_E_INVAL, "a list of replaced segments has version %u",
                          (unsigned)version);
    ret->tenant = tenant;
    ret->day = (int32_t)day;
    ret->nothing = (flags & FLAG_NOTHING) != 0;
    ret->count = count;
    memcpy(ret->id, id.ptr, id.len);
    memcpy(ret->old, old.ptr, old.len);
    return FL_OK;
}
