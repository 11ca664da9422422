/*
 * block.h - up to 65,536 rows as columns in memory: what a memtable grows, what a sealed block
 * decodes to, what queries scan. One form for all three.
 *
 * Numbers are a vector and a presence bitmap; strings and addresses are dictionary codes, code 0 =
 * absent. The dictionary of a growing block is hashed for interning; of a decoded one it is only
 * read.
 */
#ifndef FL_LOGS_BLOCK_H
#define FL_LOGS_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/event.h"

#define FL_BLOCK_MAX_ROWS 65536u

struct fl_dict; /* strings of one growing column; dict.h */

struct fl_col {
    bool loaded;      /* false: this column was not asked for (decoded blocks) */
    uint32_t present; /* rows that have a value; 0: num, has, code may be NULL */
    uint64_t *num;    /* FL_T_NUM, FL_T_TIME: rows values, 0 where absent */
    uint8_t *has;     /* bitmap of rows, LSB first; NULL means all present when present == rows */
    uint32_t *code;   /* FL_T_STR, FL_T_IP: rows codes */
    struct fl_span *words; /* words[code]; words[0] is empty */
    uint32_t word_count;   /* with the absent word 0 */
    bool some_words;       /* words of other rows than those asked for are missing: ptr NULL */
    struct fl_dict *dict;  /* growing blocks only */
};

struct fl_block {
    uint32_t rows;
    uint32_t cap; /* rows that growing columns have room for */
    struct fl_col col[FL_FIELD_COUNT];
    size_t bytes; /* memory in use, for the budget */
};

int fl_block_new(struct fl_block **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_block_free(struct fl_block *block);
void fl_block_freep(struct fl_block **block);
/* Add a row at the end; strings are copied once per distinct value. FL_E_LIMIT when full (rows, or
 * 32 MiB of words in a column), FL_E_NOMEM; no row is added then. */
int fl_block_add(struct fl_block *block, const struct fl_event *ev, struct fl_err *err)
    FL_MUST_CHECK;
/* Fill ev with the loaded columns of one row; strings borrowed from the block. */
void fl_block_row(const struct fl_block *block, uint32_t row, struct fl_event *ev);
/* A copy of the given columns (for reading a memtable without holding its lock). */
int fl_block_copy(const struct fl_block *block, const struct fl_fieldset *fields,
                  struct fl_block **ret, struct fl_err *err) FL_MUST_CHECK;
/* The same of the first rows only. */
int fl_block_copy_rows(const struct fl_block *block, uint32_t rows,
                       const struct fl_fieldset *fields, struct fl_block **ret, struct fl_err *err)
    FL_MUST_CHECK;
/* Copy words and their bytes into one allocation, freed with free(); NULL: no memory. */
struct fl_span *fl_words_copy(const struct fl_span *words, uint32_t count, size_t *ret_bytes);

static inline bool fl_col_has(const struct fl_col *col, uint32_t row)
{
    if (col->present == 0)
        return false;
    if (col->code != NULL)
        return col->code[row] != 0;
    return col->has == NULL || (col->has[row / 8] >> (row % 8) & 1) != 0;
}

#endif
