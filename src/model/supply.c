#include "model/supply.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/utf8.h"

#define SEPARATOR 0x1F

int fl_supply_table_find(struct fl_span name)
{
    if (name.len > 4 && memcmp(name.ptr + name.len - 4, ".csv", 4) == 0)
        name.len -= 4;
    for (int i = 0; i < FL_SUPPLY_TABLES; i++)
        if (fl_span_eq(name, fl_span_str(fl_supply_schemas[i].name)))
            return i;
    return -1;
}

int fl_supply_column_find(enum fl_supply_table table, struct fl_span name)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[table];

    for (unsigned i = 0; i < schema->count; i++)
        if (fl_span_eq(name, fl_span_str(schema->columns[i].name)))
            return (int)i;
    return -1;
}

/* ---- cells ---- */

/* A cell in work: its column, its trimmed text, where the canonical form goes. */
struct cell {
    const struct fl_supply_column *column;
    struct fl_span text;
    struct fl_arena *arena;
    struct fl_span *ret;
    struct fl_err *err;
};

static struct fl_span trimmed(struct fl_span s)
{
    while (s.len > 0 && (isspace(s.ptr[0]) || s.ptr[0] == 0)) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && (isspace(s.ptr[s.len - 1]) || s.ptr[s.len - 1] == 0))
        s.len--;
    return s;
}

static int keep(const struct cell *c, struct fl_span text)
{
    *c->ret = fl_arena_copy(c->arena, text);
    return c->ret->ptr == NULL ? fl_err_set(c->err, FL_E_LIMIT, "there is no room for more rows")
                               : FL_OK;
}

static int keep_str(const struct cell *c, const char *text)
{
    return keep(c, fl_span_str(text));
}

static int shown(const struct cell *c)
{
    return (int)(c->text.len > 60 ? 60 : c->text.len);
}

#define WRONG(c, fmt, ...)                                                                         \
    fl_err_set((c)->err, FL_E_INVAL, "'%.*s' " fmt, shown(c), (const char *)(c)->text.ptr,         \
               __VA_ARGS__)

static int take_text(const struct cell *c)
{
    if (c->text.len > FL_SUPPLY_CELL_MAX)
        return WRONG(c, "is longer than %u bytes", FL_SUPPLY_CELL_MAX);
    if (!fl_utf8_valid(c->text))
        return fl_err_set(c->err, FL_E_INVAL, "is not UTF-8; save the file as UTF-8");
    for (size_t i = 0; i < c->text.len; i++)
        if (c->text.ptr[i] < 0x20 && c->text.ptr[i] != '\n' && c->text.ptr[i] != '\r' &&
            c->text.ptr[i] != '\t')
            return WRONG(c, "holds the control character %u", (unsigned)c->text.ptr[i]);
    return keep(c, c->text);
}

static int take_id(const struct cell *c)
{
    if (c->text.len > FL_SUPPLY_ID_MAX)
        return WRONG(c, "is longer than the %u bytes of an id", FL_SUPPLY_ID_MAX);
    for (size_t i = 0; i < c->text.len; i++)
        if (c->text.ptr[i] < 0x20 || c->text.ptr[i] == '@')
            return WRONG(c, "cannot be an id: it holds %s",
                         c->text.ptr[i] == '@' ? "'@'" : "a control character");
    return take_text(c);
}

/* Plain decimal digits with a point, a sign, an exponent; nothing else (no hex, no "inf"). */
static bool is_number(struct fl_span s)
{
    if (s.len == 0 || s.len > 40)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (strchr("0123456789+-.eE", s.ptr[i]) == NULL || s.ptr[i] == 0)
            return false;
    return true;
}

static bool to_number(struct fl_span s, double *ret)
{
    char text[48], *end = NULL;

    if (!is_number(s))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    *ret = strtod(text, &end);
    return *end == '\0' && isfinite(*ret);
}

static int take_number(const struct cell *c)
{
    const struct fl_supply_column *column = c->column;
    double value = 0;

    if (memchr(c->text.ptr, ',', c->text.len) != NULL)
        return WRONG(c, "is not a number with a point; is the comma %s?",
                     "a decimal one, or between thousands");
    if (!to_number(c->text, &value))
        return WRONG(c, "is not a number%s", "");
    if (column->above_min && value <= column->min)
        return WRONG(c, "must be above %g", column->min);
    if (value < column->min)
        return WRONG(c, "must be %g or more", column->min);
    if (value > column->max)
        return WRONG(c, "must be %g or less", column->max);
    return keep(c, c->text);
}

static bool one_of(struct fl_span text, const char *list)
{
    size_t len;

    for (const char *word = list; *word != '\0'; word += len + (word[len] == ',')) {
        len = strcspn(word, ",");
        if (text.len == len && strncasecmp((const char *)text.ptr, word, len) == 0)
            return true;
    }
    return false;
}

static int take_bool(const struct cell *c)
{
    if (one_of(c->text, "yes,y,1,true,x,ja,j,oui,si"))
        return keep_str(c, "yes");
    if (one_of(c->text, "no,n,0,false,-,nein,non"))
        return keep_str(c, "no");
    return WRONG(c, "is neither yes nor %s", "no");
}

/* Two or more digits at the front of *s, as a number. */
static bool digits(struct fl_span *s, size_t count, int *ret)
{
    *ret = 0;
    if (s->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!isdigit(s->ptr[i]))
            return false;
        *ret = *ret * 10 + (s->ptr[i] - '0');
    }
    s->ptr += count;
    s->len -= count;
    return true;
}

static bool sign(struct fl_span *s, char wanted)
{
    if (s->len == 0 || s->ptr[0] != (unsigned char)wanted)
        return false;
    s->ptr++;
    s->len--;
    return true;
}

/* YYYY-MM-DD, DD.MM.YYYY, YYYYMMDD; a time of day behind it is dropped. MM/DD and DD/MM cannot be
 * told apart, so neither is taken. */
static bool read_date(struct fl_span s, int *y, int *m, int *d)
{
    struct fl_span t = s;

    if (digits(&t, 4, y) && sign(&t, '-') && digits(&t, 2, m) && sign(&t, '-') && digits(&t, 2, d))
        return (t.len == 0 || t.ptr[0] == 'T' || t.ptr[0] == ' ') && fl_civil_valid(*y, *m, *d);
    t = s;
    if (digits(&t, 2, d) && sign(&t, '.') && digits(&t, 2, m) && sign(&t, '.') && digits(&t, 4, y))
        return t.len == 0 && fl_civil_valid(*y, *m, *d);
    t = s;
    return digits(&t, 4, y) && digits(&t, 2, m) && digits(&t, 2, d) && t.len == 0 &&
           fl_civil_valid(*y, *m, *d);
}

static int take_date(const struct cell *c)
{
    char text[32];
    int y, m, d;

    if (!read_date(c->text, &y, &m, &d))
        return WRONG(c, "is not a date as %s", "2026-11-22 or 22.11.2026");
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d", y, m, d);
    return keep_str(c, text);
}

static int take_letters(const struct cell *c, size_t count, const char *what)
{
    char text[4] = {0};

    if (c->text.len != count)
        return WRONG(c, "is not %s", what);
    for (size_t i = 0; i < count; i++) {
        if (!isalpha(c->text.ptr[i]))
            return WRONG(c, "is not %s", what);
        text[i] = (char)toupper(c->text.ptr[i]);
    }
    return keep_str(c, text);
}

static int take_country(const struct cell *c)
{
    return take_letters(c, 2, "a country of two letters (ISO 3166-1) such as DE");
}

static int take_currency(const struct cell *c)
{
    return take_letters(c, 3, "a currency of three letters (ISO 4217) such as EUR");
}

static int take_period(const struct cell *c)
{
    struct fl_span t = c->text;
    char text[16];
    int y, n;

    if (digits(&t, 4, &y) && y >= 1900) {
        if (t.len == 0)
            return keep(c, c->text);
        if (sign(&t, '-') && (sign(&t, 'Q') || sign(&t, 'q')) && digits(&t, 1, &n) && t.len == 0 &&
            n >= 1 && n <= 4) {
            (void)snprintf(text, sizeof text, "%04d-Q%d", y % 10000, n);
            return keep_str(c, text);
        }
        t = fl_span_of(c->text.ptr + 4, c->text.len - 4);
        if (sign(&t, '-') && digits(&t, 2, &n) && t.len == 0 && n >= 1 && n <= 12)
            return keep(c, c->text);
    }
    return WRONG(c, "is not a period as %s", "2026, 2026-Q3 or 2026-07");
}

static int take_word(const struct cell *c)
{
    const char *list = c->column->words;
    size_t len;

    for (const char *word = list; *word != '\0'; word += len + (word[len] == ',')) {
        len = strcspn(word, ",");
        if (c->text.len == len && strncasecmp((const char *)c->text.ptr, word, len) == 0)
            return keep(c, fl_span_of(word, len));
    }
    return WRONG(c, "is none of: %s", list);
}

int fl_supply_cell(const struct fl_supply_column *column, struct fl_span text,
                   struct fl_arena *arena, struct fl_span *ret, struct fl_err *err)
{
    static int (*const take[])(const struct cell *c) = {
        [FL_CELL_ID] = take_id,
        [FL_CELL_REF] = take_id,
        [FL_CELL_ITEM] = take_id,
        [FL_CELL_TEXT] = take_text,
        [FL_CELL_NUMBER] = take_number,
        [FL_CELL_BOOL] = take_bool,
        [FL_CELL_DATE] = take_date,
        [FL_CELL_COUNTRY] = take_country,
        [FL_CELL_CURRENCY] = take_currency,
        [FL_CELL_PERIOD] = take_period,
        [FL_CELL_WORD] = take_word,
    };
    struct fl_span got = {0};
    struct cell c = {column, trimmed(text), arena, &got, err};
    int r = FL_OK;

    if (c.text.len == 0)
        r = column->required ? fl_err_set(err, FL_E_INVAL, "is required and empty") : FL_OK;
    else
        r = take[column->kind](&c);
    if (r == FL_OK)
        *ret = got;
    return r;
}

void fl_supply_key(const struct fl_supply_row *row, char *ret)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[row->table];
    size_t len = 0;

    for (unsigned i = 0; i < schema->count; i++) {
        size_t n = row->cell[i].len;

        if (!schema->columns[i].key)
            continue;
        if (i > 0 && len < FL_SUPPLY_KEY_MAX)
            ret[len++] = '@';
        if (n > FL_SUPPLY_KEY_MAX - len)
            n = FL_SUPPLY_KEY_MAX - len;
        if (n > 0)
            memcpy(ret + len, row->cell[i].ptr, n);
        len += n;
    }
    ret[len] = '\0';
}

double fl_supply_number(struct fl_span cell, double none)
{
    double value;

    return to_number(cell, &value) ? value : none;
}

int32_t fl_supply_day(struct fl_span cell)
{
    int y, m, d;

    return cell.len > 0 && read_date(cell, &y, &m, &d) ? (int32_t)fl_days_from_civil(y, m, d)
                                                       : INT32_MIN;
}

/* ---- stored rows ---- */

static void put_cell(struct fl_buf *out, struct fl_span cell)
{
    fl_buf_put_span(out, cell);
    fl_buf_put_u8(out, SEPARATOR);
}

void fl_supply_pack(const struct fl_supply_row *row, struct fl_buf *out)
{
    unsigned count = fl_supply_schemas[row->table].count;

    fl_buf_put_u8(out, (uint8_t)count);
    for (unsigned i = 0; i < count; i++)
        put_cell(out, row->cell[i]);
    for (unsigned i = 0; i < row->extras; i++) {
        put_cell(out, row->extra_name[i]);
        put_cell(out, row->extra[i]);
    }
}

static bool get_cell(struct fl_span *text, struct fl_span *ret)
{
    const unsigned char *end = text->len == 0 ? NULL : memchr(text->ptr, SEPARATOR, text->len);

    if (end == NULL)
        return false;
    *ret = fl_span_of(text->ptr, (size_t)(end - text->ptr));
    text->len -= ret->len + 1;
    text->ptr = end + 1;
    return true;
}

int fl_supply_unpack(enum fl_supply_table table, struct fl_span text, struct fl_supply_row *ret,
                     struct fl_err *err)
{
    struct fl_supply_row row = {.table = table};
    unsigned count = text.len == 0 ? 0 : text.ptr[0];

    if (count == 0 || count > fl_supply_schemas[table].count)
        return fl_err_set(err, FL_E_CORRUPT, "a row of %s has %u columns",
                          fl_supply_schemas[table].name, count);
    text = fl_span_of(text.ptr + 1, text.len - 1);
    for (unsigned i = 0; i < count; i++)
        if (!get_cell(&text, &row.cell[i]))
            return fl_err_set(err, FL_E_CORRUPT, "a row of %s ends early",
                              fl_supply_schemas[table].name);
    while (text.len > 0) {
        if (row.extras == FL_SUPPLY_EXTRA_MAX || !get_cell(&text, &row.extra_name[row.extras]) ||
            !get_cell(&text, &row.extra[row.extras]))
            return fl_err_set(err, FL_E_CORRUPT, "a row of %s has columns that do not end",
                              fl_supply_schemas[table].name);
        row.extras++;
    }
    *ret = row;
    return FL_OK;
}
