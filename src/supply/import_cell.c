/* One cell of somebody else's file in our units: point or comma, units behind numbers, countries by
 * name. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "supply/import.h"
#include "supply/import_unit.h"
#include "supply/place.h"

#define NUMBER_MAX 60u

static struct fl_span trimmed(struct fl_span s)
{
    while (s.len > 0 && isspace(s.ptr[0]))
        s = fl_span_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && isspace(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* The figures in front; *rest is what stands behind them. A no-break space or an apostrophe between
 * thousands goes. */
static bool figures(struct fl_span cell, char text[NUMBER_MAX + 1], struct fl_span *rest)
{
    size_t len = 0, i = 0;

    while (i < cell.len) {
        unsigned char c = cell.ptr[i];
        bool exponent = (c == 'e' || c == 'E') && len > 0 && i + 1 < cell.len &&
                        (isdigit(cell.ptr[i + 1]) || strchr("+-", cell.ptr[i + 1]) != NULL);

        if (c == 0xC2 && i + 1 < cell.len && cell.ptr[i + 1] == 0xA0) {
            i += 2;
            continue;
        }
        if (c == '\'' && len > 0) {
            i++;
            continue;
        }
        if (!isdigit(c) && (c == 0 || strchr("+-.,", c) == NULL) && !exponent)
            break;
        if (len == NUMBER_MAX)
            return false;
        text[len++] = (char)c;
        i++;
    }
    text[len] = '\0';
    *rest = trimmed(fl_span_of(cell.ptr + i, cell.len - i));
    return len > 0;
}

static unsigned count(const char *text, char c)
{
    unsigned n = 0;

    for (; *text != '\0'; text++)
        n += *text == c;
    return n;
}

/* What the figures say about the decimal mark; 0: nothing. */
static char told_by(const char *text)
{
    const char *comma = strrchr(text, ','), *point = strrchr(text, '.');

    if (comma != NULL && point != NULL)
        return comma > point ? ',' : '.';
    if (comma != NULL && count(text, ',') > 1)
        return '.';
    if (point != NULL && count(text, '.') > 1)
        return ',';
    if (comma != NULL)
        return strspn(comma + 1, "0123456789") == 3 && comma[4] == '\0' ? 0 : ',';
    if (point != NULL)
        return strspn(point + 1, "0123456789") == 3 && point[4] == '\0' ? 0 : '.';
    return 0;
}

void fl_import_decimal(struct fl_import_map *map, char separator, const struct fl_csv_row *row)
{
    const struct fl_supply_column *columns = fl_supply_schemas[map->table].columns;
    char text[NUMBER_MAX + 1];
    struct fl_span rest;

    for (unsigned i = 0; i < map->heads && i < row->count && map->decimal == 0; i++) {
        int ours = map->column[i].ours;

        if (ours < 0 || columns[ours].kind != FL_CELL_NUMBER)
            continue;
        if (!figures(trimmed(row->cell[i]), text, &rest))
            continue;
        map->decimal = told_by(text);
        if (map->decimal == 0 && separator == ';' && strchr(text, ',') != NULL)
            map->decimal = ','; /* who separates by semicolons needs the comma for decimals */
    }
}

/* Groups of three behind the first one. */
static bool grouped(const char *text, char mark)
{
    const char *at = strchr(text, mark);

    if (at == NULL)
        return true;
    if (at == text || at - text > 4)
        return false;
    for (; at != NULL && *at == mark; at += 4)
        if (strspn(at + 1, "0123456789") != 3)
            return false;
    return true;
}

static int point_or_comma(char decimal, struct fl_span cell, char *text, struct fl_err *err)
{
    char thousands = decimal == ',' ? '.' : ',';
    char *to = text;

    if (decimal == 0 && strchr(text, ',') != NULL)
        return fl_err_set(err, FL_E_INVAL,
                          "'%.*s': is the comma a decimal one or between thousands? Nothing else "
                          "in the file tells; write it with a point, or without",
                          (int)(cell.len > 40 ? 40 : cell.len), (const char *)cell.ptr);
    if (!grouped(text, thousands) || count(text, decimal == 0 ? '.' : decimal) > 1)
        return fl_err_set(err, FL_E_INVAL,
                          "'%.*s' is not a number; the file has the %s for decimals",
                          (int)(cell.len > 40 ? 40 : cell.len), (const char *)cell.ptr,
                          decimal == ',' ? "comma" : "point");
    for (const char *from = text; *from != '\0'; from++)
        if (*from != thousands)
            *to++ = *from == decimal ? '.' : *from;
    *to = '\0';
    return FL_OK;
}

/* A unit behind the number; a factor that the heading has holds where there is none. */
static int unit_behind(const struct fl_supply_column *column, struct fl_span rest, double *factor,
                       struct fl_err *err)
{
    char word[32];

    if (rest.len == 0)
        return FL_OK;
    fl_import_fold(rest, word, sizeof word);
    for (unsigned i = 0; i < fl_import_units_count; i++)
        if (strcmp(fl_import_units[i].word, word) == 0 &&
            fl_import_unit_fits(&fl_import_units[i], column)) {
            *factor = fl_import_units[i].factor;
            return FL_OK;
        }
    return fl_err_set(err, FL_E_INVAL, "'%.*s' behind the number is no unit that is known for %s",
                      (int)(rest.len > 40 ? 40 : rest.len), (const char *)rest.ptr, column->name);
}

static int number(const struct fl_import_map *map, const struct fl_import_column *c,
                  const struct fl_supply_column *column, struct fl_span cell,
                  struct fl_arena *arena, struct fl_span *ret, struct fl_err *err)
{
    char text[NUMBER_MAX + 1], *end = NULL;
    double factor = c->factor, value;
    struct fl_span rest;
    int r;

    if (!figures(cell, text, &rest))
        return fl_supply_cell(column, cell, arena, ret, err); /* it says what is wrong */
    r = point_or_comma(map->decimal, cell, text, err);
    if (r == FL_OK)
        r = unit_behind(column, rest, &factor, err);
    if (r < 0)
        return r;
    if (factor != 1) {
        value = strtod(text, &end);
        if (*end == '\0' && isfinite(value))
            (void)snprintf(text, sizeof text, "%.12g", value * factor);
    }
    return fl_supply_cell(column, fl_span_str(text), arena, ret, err);
}

static int country(const struct fl_supply_column *column, struct fl_span cell,
                   struct fl_arena *arena, struct fl_span *ret, struct fl_err *err)
{
    const struct fl_country *c = fl_country_find(cell);

    if (c == NULL)
        return fl_err_set(err, FL_E_INVAL,
                          "'%.*s' is no country; write its code, such as DE, or its English name",
                          (int)(cell.len > 60 ? 60 : cell.len), (const char *)cell.ptr);
    return fl_supply_cell(column, fl_span_str(c->iso2), arena, ret, err);
}

int fl_import_cell(const struct fl_import_map *map, unsigned at, struct fl_span text,
                   struct fl_arena *arena, struct fl_span *ret, struct fl_err *err)
{
    const struct fl_import_column *c = &map->column[at];
    const struct fl_supply_column *column = &fl_supply_schemas[map->table].columns[c->ours];

    text = trimmed(text);
    if (text.len > 0 && column->kind == FL_CELL_NUMBER)
        return number(map, c, column, text, arena, ret, err);
    if (text.len > 0 && column->kind == FL_CELL_COUNTRY)
        return country(column, text, arena, ret, err);
    return fl_supply_cell(column, text, arena, ret, err);
}
