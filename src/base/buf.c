#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fl_buf_init(struct fl_buf *buf, size_t max_bytes)
{
    *buf = (struct fl_buf){.max_bytes = max_bytes};
}

void fl_buf_done(struct fl_buf *buf)
{
    free(buf->ptr);
    *buf = (struct fl_buf){.max_bytes = buf->max_bytes};
}

void fl_buf_wipe(struct fl_buf *buf)
{
    if (buf->ptr != NULL)
        explicit_bzero(buf->ptr, buf->cap);
    fl_buf_done(buf);
}

void fl_buf_clear(struct fl_buf *buf)
{
    buf->len = 0;
    buf->failed = 0;
}

void *fl_buf_reserve(struct fl_buf *buf, size_t len)
{
    size_t need, cap;
    unsigned char *grown;

    if (buf->failed != 0)
        return NULL;
    if (len > buf->max_bytes - buf->len) {
        buf->failed = FL_E_LIMIT;
        return NULL;
    }
    need = buf->len + len;
    if (need <= buf->cap && buf->ptr != NULL)
        return buf->ptr + buf->len;
    cap = buf->cap < 128 ? 256 : buf->cap * 2; /* cap <= 2 * max_bytes, so this cannot overflow */
    if (cap < need)
        cap = need;
    if (cap > buf->max_bytes)
        cap = buf->max_bytes > need ? buf->max_bytes : need;
    grown = realloc(buf->ptr, cap == 0 ? 1 : cap);
    if (grown == NULL) {
        buf->failed = FL_E_NOMEM;
        return NULL;
    }
    buf->ptr = grown;
    buf->cap = cap;
    return buf->ptr + buf->len;
}

void fl_buf_put(struct fl_buf *buf, const void *data, size_t len)
{
    void *at = fl_buf_reserve(buf, len);

    if (at == NULL || len == 0)
        return;
    memcpy(at, data, len);
    buf->len += len;
}

void fl_buf_put_span(struct fl_buf *buf, struct fl_span span)
{
    fl_buf_put(buf, span.ptr, span.len);
}

void fl_buf_put_str(struct fl_buf *buf, const char *text)
{
    fl_buf_put(buf, text, strlen(text));
}

static void put_le(struct fl_buf *buf, uint64_t value, size_t bytes)
{
    unsigned char le[8];

    for (size_t i = 0; i < bytes; i++)
        le[i] = (unsigned char)(value >> (8 * i));
    fl_buf_put(buf, le, bytes);
}

void fl_buf_put_u8(struct fl_buf *buf, uint8_t value)
{
    put_le(buf, value, 1);
}

void fl_buf_put_u16(struct fl_buf *buf, uint16_t value)
{
    put_le(buf, value, 2);
}

void fl_buf_put_u32(struct fl_buf *buf, uint32_t value)
{
    put_le(buf, value, 4);
}

void fl_buf_put_u64(struct fl_buf *buf, uint64_t value)
{
    put_le(buf, value, 8);
}

void fl_buf_put_varint(struct fl_buf *buf, uint64_t value)
{
    unsigned char bytes[10];
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (unsigned char)(value | 0x80);
    bytes[n++] = (unsigned char)value;
    fl_buf_put(buf, bytes, n);
}

void fl_buf_put_lv(struct fl_buf *buf, struct fl_span span)
{
    fl_buf_put_varint(buf, span.len);
    fl_buf_put_span(buf, span);
}

void fl_buf_printf(struct fl_buf *buf, const char *fmt, ...)
{
    va_list ap;
    char *at;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    at = fl_buf_reserve(buf, (size_t)n + 1); /* vsnprintf() writes its NUL, which is not counted */
    if (at == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(at, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buf->len += (size_t)n;
}

void fl_buf_consume(struct fl_buf *buf, size_t len)
{
    if (len == 0)
        return;
    buf->len -= len;
    memmove(buf->ptr, buf->ptr + len, buf->len);
}

int fl_buf_status(const struct fl_buf *buf, struct fl_err *err)
{
    if (buf->failed == FL_E_LIMIT)
        return fl_err_set(err, FL_E_LIMIT, "more than %zu bytes", buf->max_bytes);
    if (buf->failed != 0)
        return fl_err_set(err, buf->failed, "no memory for a buffer of %zu bytes", buf->len);
    return FL_OK;
}
