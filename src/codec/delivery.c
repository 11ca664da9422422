#include "codec/delivery.h"

#include "base/cursor.h"

enum { VERSION = 1 };

void fl_delivery_put(uint32_t tenant, const struct fl_delivery_conn *conns, uint16_t count,
                     struct fl_span batch, struct fl_buf *out)
{
    fl_buf_put_u8(out, VERSION);
    fl_buf_put_u32(out, tenant);
    fl_buf_put_u16(out, count);
    for (size_t i = 0; i < count; i++) {
        fl_buf_put_u64(out, conns[i].conn);
        fl_buf_put_u64(out, conns[i].upto);
    }
    fl_buf_put_span(out, batch);
}

int fl_delivery_get(struct fl_span bytes, struct fl_delivery *ret, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(bytes);

    if (fl_cursor_u8(&cur) != VERSION)
        return fl_err_set(err, FL_E_CORRUPT, "a delivery does not have version %d", VERSION);
    ret->tenant = fl_cursor_u32(&cur);
    ret->count = fl_cursor_u16(&cur);
    if (ret->count > FL_DELIVERY_MAX_CONNS)
        return fl_err_set(err, FL_E_CORRUPT, "a delivery of %u connections is over %u",
                          (unsigned)ret->count, FL_DELIVERY_MAX_CONNS);
    for (size_t i = 0; i < ret->count; i++) {
        ret->conns[i].conn = fl_cursor_u64(&cur);
        ret->conns[i].upto = fl_cursor_u64(&cur);
    }
    ret->batch = fl_cursor_bytes(&cur, fl_cursor_left(&cur));
    if (!fl_cursor_done(&cur))
        return fl_err_set(err, FL_E_CORRUPT, "a delivery of %zu bytes is cut short", bytes.len);
    return FL_OK;
}
