/* span.h - borrowed bytes: a pointer and a length, never NUL-terminated, never owned. */
#ifndef FL_BASE_SPAN_H
#define FL_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct fl_span {
    const unsigned char *ptr; /* may be NULL when len is 0 */
    size_t len;               /* bytes */
};

/* A string literal as a span, without its NUL. */
#define FL_SPAN(lit) ((struct fl_span){(const unsigned char *)("" lit), sizeof(lit) - 1})

/* printf("%.*s", FL_SPAN_ARG(span)); */
#define FL_SPAN_ARG(s) (int)((s).len), (const char *)((s).ptr)

static inline struct fl_span fl_span_of(const void *ptr, size_t len)
{
    return (struct fl_span){ptr, len};
}

static inline struct fl_span fl_span_str(const char *text) /* NULL gives the empty span */
{
    return (struct fl_span){(const unsigned char *)text, text == NULL ? 0 : strlen(text)};
}

static inline bool fl_span_eq(struct fl_span a, struct fl_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Decimal digits only, at most 20, no sign, no blank, value fits 64 bits: else false, *ret kept. */
bool fl_span_u64(struct fl_span s, uint64_t *ret);

/* Does hay contain needle, ASCII letters compared without case? The empty needle is in all. */
bool fl_span_find_nocase(struct fl_span hay, struct fl_span needle);

/* FNV-1a, 64 bits: for tables whose keys do not come from outside, or that are bounded. */
uint64_t fl_span_hash(struct fl_span s);

#endif
