/*
 * table.h - aligned tables on a terminal or in a pipe.
 *
 * Rows are collected, then printed at once. On a terminal the table is made to fit: columns marked
 * `shrink` are cut with an ellipsis, then columns with the highest `drop` are left out. In a pipe
 * nothing is cut.
 */
#ifndef FL_CLI_TABLE_H
#define FL_CLI_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/span.h"
#include "cli/term.h"

#define FL_TABLE_COLUMNS 32

struct fl_table_column {
    const char *head;
    bool right;      /* numbers */
    unsigned shrink; /* 0: never cut; 1: down to 8 columns; else down to so many */
    unsigned drop;   /* 0: never left out; the highest goes first */
};

struct fl_table;

/* term and columns are borrowed. NULL when memory is out. */
struct fl_table *fl_table_new(const struct fl_term *term, const struct fl_table_column *columns,
                              size_t count) FL_MUST_CHECK;
void fl_table_free(struct fl_table *table);
static inline void fl_table_freep(struct fl_table **table)
{
    fl_table_free(*table);
}

/* The next cell of the row in hand; text from anywhere (it is cleaned). Ends the row by itself. */
void fl_table_cell(struct fl_table *table, struct fl_span text);
void fl_table_text(struct fl_table *table, const char *text); /* NULL: an empty cell */
void fl_table_ink(struct fl_table *table, enum fl_ink ink);   /* of the cell put last */
/* A cell of our own bars and marks, taken as it is. */
void fl_table_mark(struct fl_table *table, struct fl_span marks);

/* From one print to the next columns only grow, for output that goes on and on. */
void fl_table_keep_widths(struct fl_table *table);

size_t fl_table_rows(const struct fl_table *table);
/* Print head (unless no_head) and rows, forget the rows. 0, or FL_E_NOMEM / FL_E_LIMIT (50 MB). */
int fl_table_print(struct fl_table *table, FILE *out, bool no_head, struct fl_err *err)
    FL_MUST_CHECK;

#endif
