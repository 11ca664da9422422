#include "cli/table.h"

#include <stdlib.h>

#define TEXT_MAX_BYTES   ((size_t)50 * 1000 * 1000)
#define CELLS_MAX        ((size_t)4 * 1000 * 1000)
#define SHRINK_MIN       8u
#define GAP              2u
#define CELL_LINES_WIDTH 4000u

struct cell {
    size_t at, len; /* in text */
    unsigned width;
    enum fl_ink ink;
};

struct fl_table {
    const struct fl_term *term;
    const struct fl_table_column *columns;
    size_t count;
    struct fl_buf text;
    struct cell *cells;
    size_t cell_count, cell_cap;
    int failed;
    bool keep_widths;
    unsigned floor[FL_TABLE_COLUMNS]; /* widths of the print before */
};

struct fl_table *fl_table_new(const struct fl_term *term, const struct fl_table_column *columns,
                              size_t count)
{
    struct fl_table *table = calloc(1, sizeof *table);

    if (table == NULL)
        return NULL;
    table->term = term;
    table->columns = columns;
    table->count = count < FL_TABLE_COLUMNS ? count : FL_TABLE_COLUMNS;
    fl_buf_init(&table->text, TEXT_MAX_BYTES);
    return table;
}

void fl_table_free(struct fl_table *table)
{
    if (table == NULL)
        return;
    fl_buf_done(&table->text);
    free(table->cells);
    free(table);
}

static struct cell *next_cell(struct fl_table *table)
{
    if (table->cell_count == table->cell_cap) {
        size_t cap = table->cell_cap == 0 ? 256 : table->cell_cap * 2;
        struct cell *cells = cap > CELLS_MAX ? NULL : realloc(table->cells, cap * sizeof *cells);

        if (cells == NULL) {
            table->failed = cap > CELLS_MAX ? FL_E_LIMIT : FL_E_NOMEM;
            return NULL;
        }
        table->cells = cells;
        table->cell_cap = cap;
    }
    return &table->cells[table->cell_count++];
}

static void end_cell(struct fl_table *table, size_t at)
{
    struct cell *cell = next_cell(table);
    struct fl_span clean;

    if (cell == NULL)
        return;
    clean = fl_span_of(table->text.ptr == NULL ? NULL : table->text.ptr + at, table->text.len - at);
    *cell = (struct cell){.at = at, .len = clean.len, .width = fl_term_width(clean)};
}

void fl_table_cell(struct fl_table *table, struct fl_span text)
{
    size_t at = table->text.len;

    fl_term_clean(table->term, text, false, &table->text);
    end_cell(table, at);
}

void fl_table_text(struct fl_table *table, const char *text)
{
    fl_table_cell(table, fl_span_str(text));
}

void fl_table_mark(struct fl_table *table, struct fl_span marks)
{
    size_t at = table->text.len;

    fl_buf_put_span(&table->text, marks);
    end_cell(table, at);
}

void fl_table_ink(struct fl_table *table, enum fl_ink ink)
{
    if (table->cell_count > 0)
        table->cells[table->cell_count - 1].ink = ink;
}

size_t fl_table_rows(const struct fl_table *table)
{
    return table->cell_count / table->count;
}

/* What each column takes; 0 = left out. */
struct layout {
    unsigned width[FL_TABLE_COLUMNS];
};

static unsigned total(const struct fl_table *table, const struct layout *lay)
{
    unsigned sum = 0;

    for (size_t c = 0; c < table->count; c++)
        if (lay->width[c] > 0)
            sum += lay->width[c] + (sum > 0 ? GAP : 0);
    return sum;
}

static void natural(const struct fl_table *table, bool no_head, struct layout *lay)
{
    for (size_t c = 0; c < table->count; c++) {
        unsigned widest = fl_term_width(fl_span_str(table->columns[c].head));

        if (no_head && !table->keep_widths)
            widest = 1;
        if (table->floor[c] > widest)
            widest = table->floor[c];

        for (size_t i = c; i < table->cell_count; i += table->count)
            if (table->cells[i].width > widest)
                widest = table->cells[i].width;
        lay->width[c] = widest > CELL_LINES_WIDTH ? CELL_LINES_WIDTH : widest;
        if (lay->width[c] == 0)
            lay->width[c] = 1; /* a column of marks without a head */
    }
}

static unsigned least(const struct fl_table_column *column)
{
    return column->shrink == 1 ? SHRINK_MIN : column->shrink;
}

/* Take from the widest column that may shrink until the table fits; false when none is left. */
static bool shrink(const struct fl_table *table, unsigned limit, bool hard, struct layout *lay)
{
    while (total(table, lay) > limit) {
        size_t widest = table->count;

        for (size_t c = 0; c < table->count; c++)
            if (table->columns[c].shrink &&
                lay->width[c] > (hard ? SHRINK_MIN : least(&table->columns[c])) &&
                (widest == table->count || lay->width[c] > lay->width[widest]))
                widest = c;
        if (widest == table->count)
            return false;
        lay->width[widest]--;
    }
    return true;
}

static bool drop_one(const struct fl_table *table, struct layout *lay)
{
    size_t worst = table->count;

    for (size_t c = 0; c < table->count; c++)
        if (lay->width[c] > 0 && table->columns[c].drop > 0 &&
            (worst == table->count || table->columns[c].drop >= table->columns[worst].drop))
            worst = c;
    if (worst == table->count)
        return false;
    lay->width[worst] = 0;
    return true;
}

void fl_table_keep_widths(struct fl_table *table)
{
    table->keep_widths = true;
}

static void fit(const struct fl_table *table, bool no_head, struct layout *lay)
{
    struct layout full = {{0}};

    natural(table, no_head, &full);
    *lay = full;
    if (table->term->width == 0)
        return;
    while (!shrink(table, table->term->width, false, lay)) {
        if (!drop_one(table, &full)) { /* nothing may go any more: cut what may be cut */
            (void)shrink(table, table->term->width, true, lay);
            return;
        }
        *lay = full;
    }
}

static void put_cell(const struct fl_table *table, FILE *out, struct fl_span text, unsigned width,
                     enum fl_ink ink, bool right, bool last)
{
    unsigned taken = fl_term_width(text);
    size_t len = text.len;
    bool cut = taken > width;

    if (cut)
        len = fl_term_fit(text, width - 1, &taken);
    if (cut)
        taken++;
    if (right)
        (void)fprintf(out, "%*s", (int)(width - taken), "");
    (void)fprintf(out, "%s%.*s%s%s", fl_term_on(table->term, ink), (int)len, (const char *)text.ptr,
                  cut ? fl_term_more(table->term) : "", fl_term_off(table->term, ink));
    if (!right && !last)
        (void)fprintf(out, "%*s", (int)(width - taken), "");
    if (!last)
        (void)fprintf(out, "%*s", (int)GAP, "");
}

static size_t last_column(const struct fl_table *table, const struct layout *lay)
{
    size_t last = 0;

    for (size_t c = 0; c < table->count; c++)
        if (lay->width[c] > 0)
            last = c;
    return last;
}

static void put_rows(const struct fl_table *table, FILE *out, const struct layout *lay)
{
    size_t last = last_column(table, lay);

    for (size_t i = 0; i < table->cell_count; i++) {
        const struct cell *cell = &table->cells[i];
        size_t c = i % table->count;

        if (lay->width[c] > 0)
            put_cell(table, out, fl_span_of(table->text.ptr + cell->at, cell->len), lay->width[c],
                     cell->ink, table->columns[c].right, c == last);
        if (c + 1 == table->count)
            (void)fputc('\n', out);
    }
}

int fl_table_print(struct fl_table *table, FILE *out, bool no_head, struct fl_err *err)
{
    struct layout lay;
    size_t last;

    if (table->failed != 0)
        return fl_err_set(err, table->failed, "the table is too large; use --json");
    if (fl_buf_status(&table->text, err) < 0)
        return fl_err_wrap(err, "the table is too large; use --json");
    fit(table, no_head, &lay);
    last = last_column(table, &lay);
    for (size_t c = 0; !no_head && c < table->count; c++)
        if (lay.width[c] > 0)
            put_cell(table, out, fl_span_str(table->columns[c].head), lay.width[c], FL_INK_BOLD,
                     table->columns[c].right, c == last);
    if (!no_head)
        (void)fputc('\n', out);
    put_rows(table, out, &lay);
    for (size_t c = 0; table->keep_widths && c < table->count; c++)
        table->floor[c] = lay.width[c];
    table->cell_count = 0;
    fl_buf_clear(&table->text);
    return FL_OK;
}
