/*
 * series.h - numbers and bytes of known count as bytes, for columns of version 2 (FORMAT.md
 * "Sections and series"). Pure. The readers take any bytes.
 */
#ifndef FL_LOGS_SERIES_H
#define FL_LOGS_SERIES_H

#include "base/buf.h"
#include "base/cursor.h"
#include "logs/chunk.h"
#include "logs/kernel.h"

#define FL_SERIES_MAX 65537u /* numbers of one series: rows of a block, and one */

/* Compressor and scratch memory for reuse: about 1 MiB. One thread at a time. */
struct fl_series;
int fl_series_new(struct fl_series **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_series_free(struct fl_series *s); /* NULL is allowed */
void fl_series_freep(struct fl_series **s);
const struct fl_kernel *fl_series_kernel(const struct fl_series *s);
void fl_series_use(struct fl_series *s, const struct fl_kernel *kernel); /* tests */
struct fl_chunker *fl_series_chunker(struct fl_series *s);               /* borrowed */

/* Sections are stored as they are from now on: what holds them is compressed as a whole. */
void fl_series_plain(struct fl_series *s, bool plain);

/* A section: n bytes, stored or compressed, whichever is worth it. */
void fl_section_put(struct fl_series *s, struct fl_span bytes, struct fl_buf *out);
/* Its n bytes: borrowed from the cursor, or put into room, which takes n. False: malformed. */
bool fl_section_get(struct fl_series *s, struct fl_cursor *cur, size_t n, unsigned char *room,
                    struct fl_span *ret);
bool fl_section_skip(struct fl_cursor *cur, size_t n); /* moves behind one */
bool fl_section_copy(struct fl_series *s, struct fl_cursor *cur, size_t n, unsigned char *to);

/* At most FL_SERIES_MAX numbers, small ones best. */
void fl_series_put(struct fl_series *s, const uint64_t *k, size_t n, struct fl_buf *out);
void fl_series_put32(struct fl_series *s, const uint32_t *k, size_t n, struct fl_buf *out);
/* to[i] = base + scale * k[i], modulo 2^64. */
bool fl_series_get(struct fl_series *s, struct fl_cursor *cur, size_t n, uint64_t base,
                   uint64_t scale, uint64_t *to);
/* to[i] = add + k[i], modulo 2^32; false also where a number has more than 32 bits. */
bool fl_series_get32(struct fl_series *s, struct fl_cursor *cur, size_t n, uint32_t add,
                     uint32_t *to);
/* Only some of the n: to[i] = base + scale * k[at[i]]; at rises, and is below n. */
bool fl_series_pick(struct fl_series *s, struct fl_cursor *cur, size_t n, uint64_t base,
                    uint64_t scale, const uint32_t *at, size_t count, uint64_t *to);

#endif
