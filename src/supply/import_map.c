/* Headings of somebody else: which table a file is, which column of it is which of ours. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "supply/import.h"
#include "supply/import_unit.h"

#define WEEK     7.0
#define MONTH    (365.25 / 12)
#define YEAR     365.25
#define FOLD_MAX 64u

const struct fl_import_unit fl_import_units[] = {
    {"days", "days", 1, true},
    {"days", "day", 1, true},
    {"days", "tage", 1, true},
    {"days", "tagen", 1, true},
    {"days", "tag", 1, true},
    {"days", "d", 1, true},
    {"days", "weeks", WEEK, false},
    {"days", "week", WEEK, false},
    {"days", "wks", WEEK, false},
    {"days", "wk", WEEK, false},
    {"days", "wochen", WEEK, false},
    {"days", "woche", WEEK, false},
    {"days", "wo", WEEK, false},
    {"days", "w", WEEK, false},
    {"days", "months", MONTH, false},
    {"days", "month", MONTH, false},
    {"days", "monate", MONTH, false},
    {"days", "monat", MONTH, false},
    {"days", "mon", MONTH, false},
    {"days", "years", YEAR, false},
    {"days", "jahre", YEAR, false},
    {"days", "hours", 1.0 / 24, false},
    {"days", "hrs", 1.0 / 24, false},
    {"days", "stunden", 1.0 / 24, false},
    {"days", "std", 1.0 / 24, false},
    {"days", "h", 1.0 / 24, false},
    {"units/day", "perday", 1, true},
    {"units/day", "protag", 1, true},
    {"units/day", "daily", 1, true},
    {"units/day", "perweek", 1 / WEEK, false},
    {"units/day", "weekly", 1 / WEEK, false},
    {"units/day", "prowoche", 1 / WEEK, false},
    {"units/day", "permonth", 1 / MONTH, false},
    {"units/day", "monthly", 1 / MONTH, false},
    {"units/day", "promonat", 1 / MONTH, false},
    {"units/day", "peryear", 1 / YEAR, false},
    {"units/day", "yearly", 1 / YEAR, false},
    {"units/day", "annual", 1 / YEAR, false},
    {"units/day", "projahr", 1 / YEAR, false},
    {"km", "km", 1, true},
    {"km", "miles", 1.609344, false},
    {"km", "mi", 1.609344, false},
    {"km", "m", 0.001, false},
    {"km", "meter", 0.001, false},
    {"km", "meters", 0.001, false},
    {"units", "units", 1, true},
    {"units", "pcs", 1, true},
    {"units", "pc", 1, true},
    {"units", "ea", 1, true},
    {"units", "stueck", 1, true},
    {"units", "stk", 1, true},
    {"units", "st", 1, true},
    {"share", "percent", 0.01, false},
    {"share", "pct", 0.01, false},
    {"share", "prozent", 0.01, false},
};
const unsigned fl_import_units_count = FL_LEN(fl_import_units);

bool fl_import_unit_fits(const struct fl_import_unit *unit, const struct fl_supply_column *column)
{
    if (column->kind != FL_CELL_NUMBER)
        return false;
    if (column->unit == NULL)
        return strcmp(unit->of, "share") == 0 && column->min == 0 && column->max == 1;
    return strcmp(unit->of, column->unit) == 0;
}

/* ---- headings, as they are compared ---- */

/* U+00C0 to U+00FF without case, in ASCII letters. */
static const char *const latin[32] = {"a",  "a", "a", "a", "ae", "a", "ae", "c", "e",  "e", "e",
                                      "e",  "i", "i", "i", "i",  "d", "n",  "o", "o",  "o", "o",
                                      "oe", "",  "o", "u", "u",  "u", "ue", "y", "th", "ss"};

static const char *folded(const unsigned char *p, size_t left, char one[2], size_t *ret_len)
{
    *ret_len = 1;
    one[0] = (char)tolower(p[0]);
    one[1] = '\0';
    if (p[0] == '%')
        return "percent";
    if (p[0] < 0x80)
        return isalnum(p[0]) ? one : "";
    if (p[0] == 0xC3 && left > 1) {
        *ret_len = 2;
        return latin[p[1] & 0x1F];
    }
    return "";
}

void fl_import_fold(struct fl_span heading, char *ret, size_t size)
{
    size_t len = 0, step;
    char one[2];

    for (size_t i = 0; i < heading.len; i += step) {
        const char *text = folded(heading.ptr + i, heading.len - i, one, &step);

        for (; *text != '\0' && len + 1 < size; text++)
            ret[len++] = *text;
    }
    ret[len] = '\0';
}

static bool listed(const char *list, const char *word, size_t len)
{
    size_t n;

    for (const char *at = list == NULL ? "" : list; *at != '\0'; at += n + (at[n] == ',')) {
        n = strcspn(at, ",");
        if (n == len && memcmp(at, word, n) == 0)
            return true;
    }
    return false;
}

static bool is_called(const struct fl_supply_column *c, const char *word, size_t len, bool aliases)
{
    char own[FOLD_MAX];

    fl_import_fold(fl_span_str(c->name), own, sizeof own);
    if (strlen(own) == len && memcmp(own, word, len) == 0)
        return true;
    return aliases && listed(c->aliases, word, len);
}

/* The heading without its unit in front or behind. */
static bool called_with_unit(const struct fl_supply_column *c, const char *word,
                             const struct fl_import_unit *unit)
{
    size_t len = strlen(word), n = strlen(unit->word);

    if (n < 2 || n >= len || !fl_import_unit_fits(unit, c))
        return false;
    if (memcmp(word + len - n, unit->word, n) == 0 &&
        (is_called(c, word, len, true) || is_called(c, word, len - n, true)))
        return true;
    return strcmp(unit->of, "units/day") == 0 && memcmp(word, unit->word, n) == 0 &&
           is_called(c, word + n, len - n, true);
}

static const struct fl_import_unit *unit_in(const struct fl_supply_column *c, const char *word)
{
    const struct fl_import_unit *best = NULL;

    for (unsigned i = 0; i < fl_import_units_count; i++)
        if (called_with_unit(c, word, &fl_import_units[i]) &&
            (best == NULL || strlen(fl_import_units[i].word) > strlen(best->word)))
            best = &fl_import_units[i];
    return best;
}

/* How well a heading says a column: 3 its own name, 2 another name, 1 a name and a unit; 0. */
static int says(const struct fl_supply_column *c, const char *word,
                const struct fl_import_unit **ret_unit)
{
    size_t len = strlen(word);

    *ret_unit = unit_in(c, word);
    if (len == 0)
        return 0;
    if (is_called(c, word, len, false))
        return 3;
    if (is_called(c, word, len, true))
        return 2;
    return *ret_unit != NULL;
}

/* ---- which table ---- */

/* Names that files have in other houses. */
static const struct {
    const char *part;
    enum fl_supply_table table;
} file_words[] = {
    {"partsite", FL_SUPPLY_PART_SITES},
    {"sourcing", FL_SUPPLY_PART_SITES},
    {"sources", FL_SUPPLY_PART_SITES},
    {"contact", FL_SUPPLY_CONTACTS},
    {"bom", FL_SUPPLY_BOM},
    {"stueckliste", FL_SUPPLY_BOM},
    {"revenue", FL_SUPPLY_REVENUE},
    {"umsatz", FL_SUPPLY_REVENUE},
    {"rates", FL_SUPPLY_RATES},
    {"wechselkurs", FL_SUPPLY_RATES},
    {"site", FL_SUPPLY_SITES},
    {"werk", FL_SUPPLY_SITES},
    {"plant", FL_SUPPLY_SITES},
    {"supplier", FL_SUPPLY_SUPPLIERS},
    {"vendor", FL_SUPPLY_SUPPLIERS},
    {"lieferant", FL_SUPPLY_SUPPLIERS},
    {"kreditor", FL_SUPPLY_SUPPLIERS},
    {"product", FL_SUPPLY_PRODUCTS},
    {"produkt", FL_SUPPLY_PRODUCTS},
    {"part", FL_SUPPLY_PARTS},
    {"material", FL_SUPPLY_PARTS},
    {"teile", FL_SUPPLY_PARTS},
};

/* Columns that the headings have, weighed; 0 when a key is missing. */
static unsigned fits(enum fl_supply_table table, const struct fl_csv_row *head)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[table];
    const struct fl_import_unit *unit;
    unsigned sum = 0;

    for (unsigned c = 0; c < schema->count; c++) {
        int best = 0;

        for (unsigned i = 0; i < head->count; i++) {
            char word[FOLD_MAX];
            int n;

            fl_import_fold(head->cell[i], word, sizeof word);
            n = says(&schema->columns[c], word, &unit);
            best = n > best ? n : best;
        }
        if (best == 0 && schema->columns[c].key && schema->columns[c].required)
            return 0;
        sum += (unsigned)best;
    }
    return sum;
}

int fl_import_table(const char *file, const struct fl_csv_row *head, enum fl_supply_table *ret,
                    struct fl_err *err)
{
    unsigned best = 0, ties = 0;
    char word[FOLD_MAX];
    int table = fl_supply_table_find(fl_span_str(file));

    if (table >= 0) {
        *ret = (enum fl_supply_table)table;
        return FL_OK;
    }
    fl_import_fold(fl_span_str(file), word, sizeof word);
    for (size_t i = 0; i < FL_LEN(file_words); i++)
        if (strstr(word, file_words[i].part) != NULL && fits(file_words[i].table, head) > 0) {
            *ret = file_words[i].table;
            return FL_OK;
        }
    for (int i = 0; i < FL_SUPPLY_TABLES; i++) {
        unsigned n = fits((enum fl_supply_table)i, head);

        ties = n > best ? 0 : ties + (n == best && n > 0);
        if (n > best) {
            best = n;
            *ret = (enum fl_supply_table)i;
        }
    }
    if (best > 0 && ties == 0)
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL,
                      "what table this is can be told neither from its name nor from its headings; "
                      "name it suppliers.csv, sites.csv, parts.csv, part_sites.csv, products.csv, "
                      "bom.csv, revenue.csv, rates.csv or contacts.csv");
}

/* ---- which column ---- */

static int heading(struct fl_arena *arena, struct fl_span cell, unsigned at, const char **ret,
                   struct fl_err *err)
{
    char number[24];
    struct fl_span text = cell;

    if (text.len > FL_IMPORT_HEADING_MAX)
        text.len = FL_IMPORT_HEADING_MAX;
    while (text.len > 0 && isspace(text.ptr[text.len - 1]))
        text.len--;
    while (text.len > 0 && isspace(text.ptr[0]))
        text = fl_span_of(text.ptr + 1, text.len - 1);
    if (text.len == 0) {
        (void)snprintf(number, sizeof number, "column %u", at + 1);
        text = fl_span_str(number);
    }
    text = fl_arena_copy(arena, text);
    if (text.ptr == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for headings");
    *ret = (const char *)text.ptr;
    return FL_OK;
}

/* "ttr_days*7", "ttr_days", "". */
static int read_ours(enum fl_supply_table table, struct fl_span ours, struct fl_import_column *c,
                     struct fl_err *err)
{
    const unsigned char *star = ours.len == 0 ? NULL : memchr(ours.ptr, '*', ours.len);
    struct fl_span name = star == NULL ? ours : fl_span_of(ours.ptr, (size_t)(star - ours.ptr));
    char factor[32] = "1", *end = NULL;

    if (ours.len == 0 || fl_span_eq(ours, FL_SPAN("-"))) {
        c->ours = FL_IMPORT_DROP;
        return FL_OK;
    }
    if (fl_span_eq(ours, FL_SPAN("+"))) {
        c->ours = FL_IMPORT_KEEP;
        return FL_OK;
    }
    c->ours = fl_supply_column_find(table, name);
    if (c->ours < 0)
        return fl_err_set(err, FL_E_INVAL, "%s has no column '%.*s'", fl_supply_schemas[table].name,
                          (int)(name.len > 60 ? 60 : name.len), (const char *)name.ptr);
    if (star != NULL)
        (void)snprintf(factor, sizeof factor, "%.*s",
                       (int)(ours.len - name.len - 1 > 30 ? 30 : ours.len - name.len - 1),
                       (const char *)star + 1);
    c->factor = strtod(factor, &end);
    if (end == factor || *end != '\0' || !isfinite(c->factor) || c->factor <= 0)
        return fl_err_set(err, FL_E_INVAL, "'%s' is no factor; write such as ttr_days*7", factor);
    return FL_OK;
}

static int take_wish(const struct fl_import_map *map, const struct fl_import_wish *wishes,
                     unsigned count, struct fl_import_column *c, bool *ret, struct fl_err *err)
{
    *ret = false;
    for (unsigned i = 0; i < count; i++)
        if (fl_span_eq(wishes[i].theirs, fl_span_str(c->theirs))) {
            *ret = true;
            return read_ours(map->table, wishes[i].ours, c, err);
        }
    return FL_OK;
}

/* A wish "=28" for a column of ours: every row has this value. */
static int constants(struct fl_import_map *map, const struct fl_import_wish *wishes, unsigned count,
                     struct fl_arena *arena, struct fl_err *err)
{
    int r = FL_OK;

    for (unsigned i = 0; i < count && r == FL_OK; i++) {
        struct fl_import_column *c = &map->column[map->count];

        if (wishes[i].theirs.len == 0 || wishes[i].theirs.ptr[0] != '=')
            continue;
        if (map->count == FL_CSV_CELLS_MAX)
            return fl_err_set(err, FL_E_LIMIT, "a file may have %u columns", FL_CSV_CELLS_MAX);
        *c = (struct fl_import_column){.ours = FL_IMPORT_KEEP, .factor = 1, .unit = ""};
        r = heading(arena, wishes[i].theirs, map->count, &c->theirs, err);
        if (r == FL_OK)
            r = read_ours(map->table, wishes[i].ours, c, err);
        map->count++;
    }
    return r;
}

/* Give each column of ours to the heading that says it best; the first of equals. */
static void find_columns(struct fl_import_map *map, const bool *told)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[map->table];
    bool given[FL_SUPPLY_COLUMNS_MAX] = {false};
    char word[FOLD_MAX];

    for (unsigned i = 0; i < map->count; i++)
        if (told[i] && map->column[i].ours >= 0)
            given[map->column[i].ours] = true;
    for (int wanted = 3; wanted > 0; wanted--)
        for (unsigned i = 0; i < map->count; i++) {
            struct fl_import_column *c = &map->column[i];
            const struct fl_import_unit *unit;

            fl_import_fold(fl_span_str(c->theirs), word, sizeof word);
            for (unsigned k = 0; k < schema->count && !told[i] && c->ours < 0; k++) {
                if (given[k] || says(&schema->columns[k], word, &unit) != wanted)
                    continue;
                given[k] = true;
                c->ours = (int)k;
                if (unit != NULL && !unit->plain && wanted < 3) {
                    c->factor = unit->factor;
                    c->unit = unit->word;
                }
            }
        }
}

static int check_keys(const struct fl_import_map *map, struct fl_err *err)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[map->table];
    char list[240] = "";
    size_t len = 0;

    for (unsigned k = 0; k < schema->count; k++) {
        bool there = !schema->columns[k].key || !schema->columns[k].required;

        for (unsigned i = 0; i < map->count && !there; i++)
            there = map->column[i].ours == (int)k;
        if (there)
            continue;
        for (unsigned i = 0; i < map->count && len < sizeof list - 30; i++)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%.24s", i > 0 ? ", " : "",
                                    map->column[i].theirs);
        return fl_err_set(err, FL_E_INVAL,
                          "there is no column %s (%s); the headings are: %s; rename one, or say "
                          "which it is",
                          schema->columns[k].name, schema->columns[k].about, list);
    }
    return FL_OK;
}

int fl_import_map(enum fl_supply_table table, const struct fl_csv_row *head,
                  const struct fl_import_wish *wishes, unsigned wish_count, struct fl_arena *arena,
                  struct fl_import_map *ret, struct fl_err *err)
{
    bool told[FL_CSV_CELLS_MAX] = {false};
    int r = FL_OK;

    *ret = (struct fl_import_map){.table = table, .count = head->count, .heads = head->count};
    for (unsigned i = 0; i < head->count && r == FL_OK; i++) {
        struct fl_import_column *c = &ret->column[i];

        *c = (struct fl_import_column){.ours = FL_IMPORT_KEEP, .factor = 1, .unit = ""};
        r = heading(arena, head->cell[i], i, &c->theirs, err);
        if (r == FL_OK)
            r = take_wish(ret, wishes, wish_count, c, &told[i], err);
    }
    if (r == FL_OK)
        r = constants(ret, wishes, wish_count, arena, err);
    for (unsigned i = head->count; i < ret->count; i++)
        told[i] = true;
    if (r == FL_OK)
        find_columns(ret, told);
    return r < 0 ? r : check_keys(ret, err);
}
