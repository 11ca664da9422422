/*
 * column.h - one column of a block to bytes and back (FORMAT.md "Column"); bloom filters over its
 * words. Pure: no files, no keys. The readers take any bytes.
 */
#ifndef FL_LOGS_COLUMN_H
#define FL_LOGS_COLUMN_H

#include "base/buf.h"
#include "base/cursor.h"
#include "logs/block.h"

struct fl_column_meta {
    uint32_t present;
    uint64_t min, max; /* numbers and times; of strings 0 and the count of words */
};

/* Append the payload of column f. The column must hold a value. */
int fl_column_encode(const struct fl_block *block, enum fl_field f, struct fl_buf *out,
                     struct fl_column_meta *ret, struct fl_err *err) FL_MUST_CHECK;

/* Which columns must be in the block before this payload of f can be decoded (of predicted ones).
 */
struct fl_fieldset fl_column_needs(enum fl_field f, struct fl_span payload);

/*
 * Decode the payload of column f into the block, whose rows are set and whose column f is empty.
 * FL_E_CORRUPT, FL_E_INVAL (a version that this code does not know); the column is empty then.
 */
int fl_column_decode(unsigned version, enum fl_field f, struct fl_span payload,
                     struct fl_block *block, struct fl_err *err) FL_MUST_CHECK;
/* Most bytes that a payload of a block of so many rows can have. */
size_t fl_column_max_bytes(uint32_t rows);

/* Bloom filters of all columns that fl_fields[] wants them for; nothing is appended when the block
 * has none of them. */
void fl_bloom_encode(const struct fl_block *block, struct fl_buf *out);
/* May the block hold word in column f? true when the bytes have no filter for f or are malformed.
 */
bool fl_bloom_may_hold(struct fl_span filters, enum fl_field f, struct fl_span word);

/* Vectors of rollups: i64 base, u8 width, planes. */
void fl_vector_put(struct fl_buf *out, const uint64_t *v, size_t count);
/* False when the bytes do not hold count numbers; ret has room for them. */
bool fl_vector_get(struct fl_cursor *cur, uint64_t *ret, size_t count);

#endif
