/*
 * column2.h - columns of a block of version 2 to bytes and back (FORMAT.md "Column, block version
 * 2"). Pure: no files, no keys. The readers take any bytes.
 *
 * Columns that are present in the same rows share one bitmap, which the block keeps apart; a column
 * of words that is told by another column of the row is kept as that function.
 */
#ifndef FL_LOGS_COLUMN2_H
#define FL_LOGS_COLUMN2_H

#include "logs/column.h"
#include "logs/series.h"

/* The distinct bitmaps of a block, made when they are asked for: presence 0 is "every row", i is
 * bitmap i - 1. */
struct fl_presences {
    uint32_t rows, count;
    unsigned char *payload; /* owned */
    struct fl_cursor at[FL_FIELD_COUNT];
    uint32_t present[FL_FIELD_COUNT]; /* bits that are set; 0: not made yet */
    uint8_t *bits[FL_FIELD_COUNT];    /* (rows + 7) / 8 bytes each */
};

void fl_presences_done(struct fl_presences *p); /* zeroed is allowed */
/* A copy of the payload of a block of so many rows, with its parts found; FL_E_CORRUPT, FL_E_NOMEM.
 * ret is zeroed or done. */
int fl_presences_decode(struct fl_span payload, uint32_t rows, struct fl_presences *ret,
                        struct fl_err *err) FL_MUST_CHECK;

/* Scratch memory of an encoder, for reuse: about 2 MiB and what the words of a block need. */
struct fl_column2_writer;
int fl_column2_writer_new(struct fl_column2_writer **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_column2_writer_free(struct fl_column2_writer *w); /* NULL is allowed */
/* Forgets the last block and its texts; returns w. */
struct fl_column2_writer *fl_column2_rest(struct fl_column2_writer *w);
struct fl_series *fl_column2_series(struct fl_column2_writer *w); /* borrowed */
/* A new block, borrowed until the next; all that its columns share is found here. */
int fl_column2_begin(struct fl_column2_writer *w, const struct fl_block *block, struct fl_err *err)
    FL_MUST_CHECK;
/* Nothing is appended where all columns are present in all rows. */
void fl_column2_presences(struct fl_column2_writer *w, struct fl_buf *out);
/* The column must hold a value. */
int fl_column2_encode(struct fl_column2_writer *w, enum fl_field f, struct fl_buf *out,
                      struct fl_column_meta *ret, struct fl_err *err) FL_MUST_CHECK;

/* Which columns must be in the block before this payload of f can be decoded. */
struct fl_fieldset fl_column2_needs(enum fl_field f, struct fl_span payload);
/* Does it lean on a bitmap of the block? */
bool fl_column2_needs_presences(struct fl_span payload);
/* Into the block, whose rows are set and whose column f is empty; it is empty again after
 * FL_E_CORRUPT. p: of this block, or NULL where none are needed. */
int fl_column2_decode(struct fl_series *s, struct fl_presences *p, enum fl_field f,
                      struct fl_span payload, struct fl_block *block, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * The same for some rows, which rise: values and codes of others are undefined, their words are
 * missing (some_words). Columns that it needs have those rows at least, and FL_FOLLOWS_BY all rows.
 * FL_E_AGAIN: one of them must have all its words.
 */
int fl_column2_pick(struct fl_series *s, struct fl_presences *p, enum fl_field f,
                    struct fl_span payload, const uint32_t *rows, uint32_t count,
                    struct fl_block *block, struct fl_err *err) FL_MUST_CHECK;

/* The column is empty again, as if it had not been read. */
void fl_column2_forget(struct fl_col *col);

/* Shared by writer and reader. */
enum fl_column2_encoding {
    FL_ENC2_FRAME = 1,
    FL_ENC2_DIFF = 2,
    FL_ENC2_PREDICTED = 3,
    FL_ENC2_WORDS = 4,
    FL_ENC2_FUNCTION = 5,
    FL_ENC2_FOLLOWS = 6
};
enum { FL_FUNCTION_NONE = 0, FL_FUNCTION_TWIN = 1, FL_FUNCTION_NEW = 2 }; /* and 2 + word */
#define FL_FOLLOWS_BY      FL_F_DEVICE /* whose words FL_ENC2_FOLLOWS keeps apart */
#define FL_WORDS_MAX_BYTES ((size_t)40 << 20)

struct fl_term { /* of a prediction: factor * the other column's value in the row */
    enum fl_field from;
    int64_t factor; /* 0 ends the list */
};
#define FL_TERMS_MAX 2
const struct fl_term *fl_column2_terms(enum fl_field f); /* FL_TERMS_MAX of them; NULL: none */

#endif
