/*
 * cursor.h - read bytes that came from outside, field by field.
 *
 * The first failure sticks: later reads give 0 or an empty span, and the caller
 * checks cur->failed (or fl_cursor_done()) once. Integers are little-endian.
 */
#ifndef FL_BASE_CURSOR_H
#define FL_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/span.h"

struct fl_cursor {
    const unsigned char *ptr; /* next byte */
    const unsigned char *end;
    bool failed; /* something was missing or malformed; all later reads are void */
};

static inline struct fl_cursor fl_cursor_of(struct fl_span span)
{
    return (struct fl_cursor){.ptr = span.ptr,
                              .end = span.len == 0 ? span.ptr : span.ptr + span.len};
}

static inline size_t fl_cursor_left(const struct fl_cursor *cur)
{
    return (size_t)(cur->end - cur->ptr);
}

uint8_t fl_cursor_u8(struct fl_cursor *cur);
uint16_t fl_cursor_u16(struct fl_cursor *cur);
uint32_t fl_cursor_u32(struct fl_cursor *cur);
uint64_t fl_cursor_u64(struct fl_cursor *cur);
uint64_t fl_cursor_varint(struct fl_cursor *cur);                   /* LEB128; over 64 bits fails */
struct fl_span fl_cursor_bytes(struct fl_cursor *cur, size_t len);  /* borrowed */
struct fl_span fl_cursor_lv(struct fl_cursor *cur, size_t max_len); /* varint length, then bytes */

/* True when nothing failed and every byte was read. */
bool fl_cursor_done(const struct fl_cursor *cur) FL_MUST_CHECK;

#endif
