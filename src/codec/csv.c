#include "codec/csv.h"

#include "codec/utf8.h"

#define SEPARATORS ",;\t|"

void fl_csv_init(struct fl_csv *csv)
{
    *csv = (struct fl_csv){.line = 1};
    /* what is fed at once may be larger than a row; the caller states the size by its pieces */
    fl_buf_init(&csv->carry, SIZE_MAX / 2);
    fl_arena_init(&csv->cells, 4 * FL_CSV_ROW_MAX);
}

void fl_csv_done(struct fl_csv *csv)
{
    fl_buf_done(&csv->carry);
    fl_arena_done(&csv->cells);
}

int fl_csv_feed(struct fl_csv *csv, struct fl_span piece, bool last, struct fl_err *err)
{
    bool first = csv->text.ptr == NULL && !csv->last;

    csv->last = last;
    if (first && last) {
        csv->text = piece;
        return FL_OK;
    }
    fl_buf_consume(&csv->carry, csv->at);
    fl_buf_put_span(&csv->carry, piece);
    csv->at = 0;
    csv->text = fl_buf_span(&csv->carry);
    return fl_buf_status(&csv->carry, err);
}

char fl_csv_separator(const struct fl_csv *csv)
{
    return csv->separator;
}

const char *fl_csv_encoding(const struct fl_csv *csv)
{
    return csv->single_byte ? "Windows-1252" : "UTF-8";
}

static bool is_end(unsigned char c)
{
    return c == '\n' || c == '\r';
}

/* ---- the beginning: marks, and what stands between cells ---- */

static size_t first_line(struct fl_span text)
{
    bool quoted = false;
    size_t i;

    for (i = 0; i < text.len && (quoted || !is_end(text.ptr[i])); i++)
        if (text.ptr[i] == '"')
            quoted = !quoted;
    return i;
}

static char most_of(struct fl_span line)
{
    size_t best = 0, counts[sizeof SEPARATORS - 1] = {0};
    bool quoted = false;
    char ret = ',';

    for (size_t i = 0; i < line.len; i++) {
        const char *at = line.ptr[i] == 0 ? NULL : strchr(SEPARATORS, line.ptr[i]);

        if (line.ptr[i] == '"')
            quoted = !quoted;
        else if (!quoted && at != NULL)
            counts[at - SEPARATORS]++;
    }
    for (size_t i = 0; i < FL_LEN(counts); i++)
        if (counts[i] > best) {
            best = counts[i];
            ret = SEPARATORS[i];
        }
    return ret;
}

/* "sep=;" alone on the first line is for the spreadsheet, not a row. */
static bool told_separator(struct fl_csv *csv, size_t len)
{
    const unsigned char *p = csv->text.ptr + csv->at;

    if (len != 5 || memcmp(p, "sep=", 4) != 0)
        return false;
    csv->separator = (char)p[4];
    csv->at += len;
    return true;
}

static int begin(struct fl_csv *csv, struct fl_err *err)
{
    const unsigned char *p = csv->text.ptr;
    struct fl_span rest;

    if (csv->text.len >= 2 && ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF)))
        return fl_err_set(err, FL_E_INVAL,
                          "line 1: the file is UTF-16; save it as 'CSV UTF-8' and try again");
    if (csv->text.len >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        csv->at = 3;
    rest = fl_span_of(csv->text.ptr + csv->at, csv->text.len - csv->at);
    rest.len = first_line(rest);
    if (!told_separator(csv, rest.len))
        csv->separator = most_of(rest);
    csv->begun = true;
    return FL_OK;
}

/* ---- cells ---- */

/* Windows-1252 0x80-0x9F; 0: the byte means nothing and is taken as U+FFFD. */
static const uint16_t cp1252[32] = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
                                    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

static size_t put_byte(unsigned char *to, unsigned char byte)
{
    unsigned u = byte;

    if (byte >= 0x80 && byte < 0xA0)
        u = cp1252[byte - 0x80] == 0 ? 0xFFFD : cp1252[byte - 0x80];
    if (u < 0x80) {
        to[0] = (unsigned char)u;
        return 1;
    }
    if (u < 0x800) {
        to[0] = (unsigned char)(0xC0 | u >> 6);
        to[1] = (unsigned char)(0x80 | (u & 0x3F));
        return 2;
    }
    to[0] = (unsigned char)(0xE0 | u >> 12);
    to[1] = (unsigned char)(0x80 | (u >> 6 & 0x3F));
    to[2] = (unsigned char)(0x80 | (u & 0x3F));
    return 3;
}

static int to_utf8(struct fl_csv *csv, struct fl_span *cell, struct fl_err *err)
{
    unsigned char *to;
    size_t len = 0;

    if (cell->len == 0)
        return FL_OK;
    to = fl_arena_get(&csv->cells, 3 * cell->len);
    if (to == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a row");
    for (size_t i = 0; i < cell->len; i++)
        len += put_byte(to + len, cell->ptr[i]);
    *cell = fl_span_of(to, len);
    return FL_OK;
}

static int undouble(struct fl_csv *csv, struct fl_span *cell, struct fl_err *err)
{
    unsigned char *to = fl_arena_get(&csv->cells, cell->len);
    size_t len = 0;

    if (to == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a row");
    for (size_t i = 0; i < cell->len; i++) {
        to[len++] = cell->ptr[i];
        if (cell->ptr[i] == '"')
            i++; /* the second one of a pair */
    }
    *cell = fl_span_of(to, len);
    return FL_OK;
}

/* Where reading a row stands. */
struct walk {
    struct fl_csv *csv;
    const unsigned char *p, *end;
    uint32_t lines; /* that have ended within the row */
};

static int wants_more(const struct walk *w, struct fl_err *err)
{
    const struct fl_csv *csv = w->csv;

    if (w->end - (csv->text.ptr + csv->at) > (ptrdiff_t)FL_CSV_ROW_MAX)
        return fl_err_set(err, FL_E_LIMIT, "line %u: a row may have %zu bytes; is a quote open?",
                          csv->line, FL_CSV_ROW_MAX);
    return FL_E_AGAIN;
}

/* A cell that begins with a quote; w->p stands behind it. */
static int quoted_cell(struct walk *w, struct fl_span *ret, struct fl_err *err)
{
    const unsigned char *from = w->p;
    bool pairs = false;

    for (;; w->p++) {
        if (w->p == w->end) {
            if (!w->csv->last)
                return wants_more(w, err);
            return fl_err_set(err, FL_E_INVAL,
                              "line %u: a quote (\") is opened and never closed; close it, or "
                              "double it where it belongs to the text",
                              w->csv->line);
        }
        if (*w->p == '\n' || (*w->p == '\r' && (w->p + 1 == w->end || w->p[1] != '\n')))
            w->lines++;
        if (*w->p != '"')
            continue;
        if (w->p + 1 == w->end && !w->csv->last)
            return wants_more(w, err);
        if (w->p + 1 == w->end || w->p[1] != '"')
            break;
        pairs = true;
        w->p++;
    }
    *ret = fl_span_of(from, (size_t)(w->p - from));
    w->p++;
    if (w->p < w->end && *w->p != (unsigned char)w->csv->separator && !is_end(*w->p))
        return fl_err_set(err, FL_E_INVAL,
                          "line %u: text behind a closing quote; double quotes that belong to the "
                          "text",
                          w->csv->line + w->lines);
    return pairs ? undouble(w->csv, ret, err) : FL_OK;
}

static int plain_cell(struct walk *w, struct fl_span *ret, struct fl_err *err)
{
    const unsigned char *from = w->p;

    while (w->p < w->end && *w->p != (unsigned char)w->csv->separator && !is_end(*w->p))
        w->p++;
    if (w->p == w->end && !w->csv->last)
        return wants_more(w, err);
    *ret = fl_span_of(from, (size_t)(w->p - from));
    return FL_OK;
}

static int one_cell(struct walk *w, struct fl_csv_row *row, struct fl_err *err)
{
    int r;

    if (row->count == FL_CSV_CELLS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "line %u: a row may have %u cells", w->csv->line,
                          FL_CSV_CELLS_MAX);
    if (w->p < w->end && *w->p == '"') {
        w->p++;
        r = quoted_cell(w, &row->cell[row->count], err);
    } else {
        r = plain_cell(w, &row->cell[row->count], err);
    }
    if (r == FL_OK)
        row->count++;
    return r;
}

/* FL_E_AGAIN: the piece ends within the row. */
static int one_row(struct walk *w, struct fl_csv_row *row, struct fl_err *err)
{
    int r;

    row->count = 0;
    row->line = w->csv->line;
    for (;;) {
        r = one_cell(w, row, err);
        if (r < 0 || w->p == w->end)
            break;
        if (is_end(*w->p))
            break;
        w->p++; /* the separator; a cell follows, perhaps an empty one */
    }
    if (r < 0 || w->p == w->end)
        return r;
    if (*w->p == '\r' && w->p + 1 == w->end && !w->csv->last)
        return wants_more(w, err);
    w->p += *w->p == '\r' && w->p + 1 < w->end && w->p[1] == '\n' ? 2 : 1;
    w->lines++;
    return FL_OK;
}

/* As UTF-8, where the row or one before it was none. */
static int decode(struct fl_csv *csv, struct fl_csv_row *row, struct fl_err *err)
{
    int r = FL_OK;

    for (unsigned i = 0; i < row->count && !csv->single_byte; i++)
        csv->single_byte = !fl_utf8_valid(row->cell[i]);
    for (unsigned i = 0; i < row->count && csv->single_byte && r == FL_OK; i++)
        r = to_utf8(csv, &row->cell[i], err);
    return r;
}

int fl_csv_next(struct fl_csv *csv, struct fl_csv_row *ret, struct fl_err *err)
{
    int r = csv->begun || csv->text.len == 0 ? FL_OK : begin(csv, err);

    while (r == FL_OK && csv->at < csv->text.len) {
        struct walk w = {csv, csv->text.ptr + csv->at, csv->text.ptr + csv->text.len, 0};

        fl_arena_clear(&csv->cells);
        r = one_row(&w, ret, err);
        if (r == FL_E_AGAIN)
            return 0;
        if (r == FL_OK && (size_t)(w.p - csv->text.ptr) - csv->at > FL_CSV_ROW_MAX)
            r = fl_err_set(err, FL_E_LIMIT, "line %u: a row may have %zu bytes", csv->line,
                           FL_CSV_ROW_MAX);
        if (r < 0)
            return r;
        csv->at = (size_t)(w.p - csv->text.ptr);
        csv->line += w.lines;
        if (ret->count == 1 && ret->cell[0].len == 0)
            continue; /* a blank line */
        r = decode(csv, ret, err);
        return r < 0 ? r : 1;
    }
    return r;
}

/* ---- writing ---- */

static bool like_formula(struct fl_span cell)
{
    if (cell.len == 0 || strchr("=+-@\t", cell.ptr[0]) == NULL || cell.ptr[0] == 0)
        return false;
    for (size_t i = 1; i < cell.len; i++) /* -3.5 stays a number */
        if ((cell.ptr[i] < '0' || cell.ptr[i] > '9') && strchr(".eE+-", cell.ptr[i]) == NULL)
            return true;
    return cell.len == 1 || cell.ptr[0] == '=' || cell.ptr[0] == '@';
}

void fl_csv_put(struct fl_buf *out, struct fl_span cell, bool comma, bool guard)
{
    bool quote = false;

    if (comma)
        fl_buf_put_u8(out, ',');
    guard = guard && like_formula(cell);
    for (size_t i = 0; i < cell.len && !quote; i++)
        quote = cell.ptr[i] == '"' || cell.ptr[i] == ',' || is_end(cell.ptr[i]);
    if (cell.len > 0 && (cell.ptr[0] == ' ' || cell.ptr[cell.len - 1] == ' '))
        quote = true;
    if (quote)
        fl_buf_put_u8(out, '"');
    if (guard)
        fl_buf_put_u8(out, '\'');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"')
            fl_buf_put_u8(out, '"');
        fl_buf_put_u8(out, cell.ptr[i]);
    }
    if (quote)
        fl_buf_put_u8(out, '"');
}
