/*
 * csv.h - tables as text: RFC 4180, and what spreadsheets make of it.
 *
 * A pull reader over pieces: fl_csv_feed() gives it bytes, fl_csv_next() takes rows until it wants
 * more. Read are: LF, CRLF and lone CR; cells apart by comma, semicolon, tab or bar (whichever the
 * first line has most of; "sep=;" as the first line says it); a byte order mark of UTF-8; quotes as
 * in RFC 4180, and a quote within a cell that does not begin with one as a plain character. Blank
 * lines are passed over. A row that is no UTF-8 makes this row and all behind it Windows-1252
 * (which has Latin-1 in it); fl_csv_encoding() says so. UTF-16 is refused with the remedy.
 */
#ifndef FL_CODEC_CSV_H
#define FL_CODEC_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_CSV_ROW_MAX   ((size_t)64 << 10) /* bytes of a row as it stands in the file */
#define FL_CSV_CELLS_MAX 256u
#define FL_CSV_LINES_MAX UINT32_MAX

struct fl_csv_row {
    uint32_t line; /* on which it begins, from 1 */
    unsigned count;
    struct fl_span cell[FL_CSV_CELLS_MAX]; /* without quotes, UTF-8; until the next call */
};

struct fl_csv {
    struct fl_span text; /* what is in hand */
    size_t at;
    struct fl_buf carry;   /* pieces together; unused where all came at once */
    struct fl_arena cells; /* of the row in hand, where they are not as in the text */
    uint32_t line;
    char separator; /* 0: not known yet */
    bool last, begun, single_byte;
};

void fl_csv_init(struct fl_csv *csv);
void fl_csv_done(struct fl_csv *csv); /* fit for FL_AUTO */

/*
 * The next piece; last: there is none behind it. The first piece is borrowed where it is the last
 * as well, others are copied. Only when fl_csv_next() gave 0, or at first. A first piece should
 * hold the first line whole. FL_E_NOMEM, FL_E_LIMIT.
 */
int fl_csv_feed(struct fl_csv *csv, struct fl_span piece, bool last, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * 1: a row. 0: more is wanted, or, when the last piece was given, this was all. FL_E_INVAL,
 * FL_E_LIMIT: text says "line N: ..." and nothing more can be read.
 */
int fl_csv_next(struct fl_csv *csv, struct fl_csv_row *ret, struct fl_err *err) FL_MUST_CHECK;

char fl_csv_separator(const struct fl_csv *csv);       /* after the first row */
const char *fl_csv_encoding(const struct fl_csv *csv); /* "UTF-8" or "Windows-1252", so far */

/* A cell, quoted where it must be. comma: the cell is not the first of its row. With guard, a cell
 * that a spreadsheet would take for a formula (= + - @ tab first, and no number) gets ' in front.
 */
void fl_csv_put(struct fl_buf *out, struct fl_span cell, bool comma, bool guard);

#endif
