/*
 * buf.h - a growing byte buffer that cannot exist without its maximum.
 *
 * The first failure sticks: later puts do nothing, and fl_buf_status() tells it,
 * so a writer of twenty fields checks once at the end. Integers are little-endian.
 */
#ifndef FL_BASE_BUF_H
#define FL_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

struct fl_buf {
    unsigned char *ptr; /* owned; NULL until the first put */
    size_t len;         /* bytes in use */
    size_t cap;         /* bytes allocated */
    size_t max_bytes;   /* len never passes this */
    int failed;         /* 0, FL_E_NOMEM or FL_E_LIMIT */
};

void fl_buf_init(struct fl_buf *buf, size_t max_bytes); /* allocates nothing */
void fl_buf_done(struct fl_buf *buf);                   /* frees; fit for FL_AUTO */
void fl_buf_wipe(struct fl_buf *buf);                   /* done(), of what held a secret */
void fl_buf_clear(struct fl_buf *buf);                  /* empty, memory kept, failure forgotten */

void fl_buf_put(struct fl_buf *buf, const void *data, size_t len);
void fl_buf_put_span(struct fl_buf *buf, struct fl_span span);
void fl_buf_put_str(struct fl_buf *buf, const char *text);
void fl_buf_put_u8(struct fl_buf *buf, uint8_t value);
void fl_buf_put_u16(struct fl_buf *buf, uint16_t value);
void fl_buf_put_u32(struct fl_buf *buf, uint32_t value);
void fl_buf_put_u64(struct fl_buf *buf, uint64_t value);
void fl_buf_put_varint(struct fl_buf *buf, uint64_t value);  /* LEB128, 1..10 bytes */
void fl_buf_put_lv(struct fl_buf *buf, struct fl_span span); /* varint length, then bytes */
void fl_buf_printf(struct fl_buf *buf, const char *fmt, ...) FL_PRINTF(2, 3);
void fl_buf_consume(struct fl_buf *buf, size_t len); /* drop len bytes at the front */

/* Make room for len more bytes and return where they go, or NULL. The caller adds to buf->len. */
void *fl_buf_reserve(struct fl_buf *buf, size_t len);

/* 0, or the first failure with a text that names the limit. */
int fl_buf_status(const struct fl_buf *buf, struct fl_err *err) FL_MUST_CHECK;

static inline struct fl_span fl_buf_span(const struct fl_buf *buf)
{
    return (struct fl_span){buf->ptr, buf->len};
}

#endif
