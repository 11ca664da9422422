/* A table of rates of one's own, from CSV. */
#include <math.h>
#include <string.h>

#include "base/attr.h"
#include "codec/csv.h"
#include "supply/simulate_json.h"

enum { RATES_MAX = 10000 };
enum {
    COL_TYPE,
    COL_NAME,
    COL_REGION,
    COL_REACH,
    COL_PER_YEAR,
    COL_RADIUS,
    COL_PROBABILITY,
    COL_LENGTH,
    COL_UNIT,
    COL_LOW,
    COL_LIKELY,
    COL_HIGH,
    COL_LEFT,
    COLUMNS
};

static const struct {
    const char *name;
    const char *words[4]; /* in order of their enum */
    double max;           /* of a number, from 0 */
} column[COLUMNS] = {
    [COL_TYPE] = {.name = "type"},
    [COL_NAME] = {.name = "name"},
    [COL_REGION] = {.name = "region"},
    [COL_REACH] = {.name = "reach", .words = {"site", "supplier", "country", "disc"}},
    [COL_PER_YEAR] = {.name = "per_year", .max = 1000},
    [COL_RADIUS] = {.name = "radius_km", .max = 2000},
    [COL_PROBABILITY] = {.name = "probability", .max = 1},
    [COL_LENGTH] = {.name = "length", .words = {"pert", "lognormal", "markov"}},
    [COL_UNIT] = {.name = "unit", .words = {"days", "ttr"}},
    [COL_LOW] = {.name = "low", .max = FL_SIM_DAYS_MAX},
    [COL_LIKELY] = {.name = "likely", .max = FL_SIM_DAYS_MAX},
    [COL_HIGH] = {.name = "high", .max = FL_SIM_DAYS_MAX},
    [COL_LEFT] = {.name = "left", .max = 1},
};

struct reader {
    struct fl_arena *arena;
    int at[COLUMNS]; /* where each column stands */
    struct fl_event_rate *rates;
    uint32_t count;
    double number[COLUMNS];
    int word[COLUMNS];
    struct fl_span text[COLUMNS];
};

static int heading(struct reader *r, const struct fl_csv_row *row, struct fl_err *err)
{
    for (unsigned c = 0; c < COLUMNS; c++) {
        r->at[c] = -1;
        for (unsigned i = 0; i < row->count && r->at[c] < 0; i++)
            if (fl_span_eq(row->cell[i], fl_span_str(column[c].name)))
                r->at[c] = (int)i;
        if (r->at[c] < 0)
            return fl_err_set(err, FL_E_INVAL, "line %u: there is no column '%s'", row->line,
                              column[c].name);
    }
    return FL_OK;
}

static int cell(struct reader *r, const struct fl_csv_row *row, unsigned c, struct fl_err *err)
{
    static const struct fl_supply_column number = {
        .name = "number", .kind = FL_CELL_NUMBER, .min = 0, .max = 1e6};
    struct fl_span text =
        (unsigned)r->at[c] < row->count ? row->cell[r->at[c]] : (struct fl_span){0};
    struct fl_span canonical;
    int i = 0;

    r->text[c] = text;
    if (column[c].words[0] != NULL) {
        while (i < 4 && column[c].words[i] != NULL &&
               !fl_span_eq(text, fl_span_str(column[c].words[i])))
            i++;
        r->word[c] = i;
        if (i == 4 || column[c].words[i] == NULL)
            return fl_err_set(err, FL_E_INVAL, "line %u, %s: '%.*s' is not one of '%s', '%s', ...",
                              row->line, column[c].name, (int)(text.len < 40 ? text.len : 40),
                              (const char *)text.ptr, column[c].words[0], column[c].words[1]);
    } else if (column[c].max > 0) {
        if (fl_supply_cell(&number, text, r->arena, &canonical, err) < 0)
            return fl_err_wrap(err, "line %u, %s", row->line, column[c].name);
        r->number[c] = fl_supply_number(canonical, 0);
        if (r->number[c] > column[c].max)
            return fl_err_set(err, FL_E_INVAL, "line %u, %s: at most %g", row->line, column[c].name,
                              column[c].max);
    } else if (text.len == 0 || text.len > 100) {
        return fl_err_set(err, FL_E_INVAL, "line %u, %s: 1 to 100 bytes are wanted", row->line,
                          column[c].name);
    }
    return FL_OK;
}

static const char *whole_row(const struct reader *r)
{
    bool disc = r->word[COL_REACH] == FL_REACH_DISC;
    bool pert = r->word[COL_LENGTH] == FL_LENGTH_PERT;

    if (disc != (r->number[COL_RADIUS] > 0))
        return "a disc has a radius_km, nothing else has";
    if (pert && !(r->number[COL_LOW] <= r->number[COL_LIKELY] &&
                  r->number[COL_LIKELY] <= r->number[COL_HIGH]))
        return "low, likely and high must rise";
    if (!(r->number[COL_LIKELY] > 0) && !(pert && r->number[COL_HIGH] > 0))
        return "likely must be above 0";
    if (r->number[COL_LEFT] >= 1)
        return "left must be below 1: nothing would be lost";
    return NULL;
}

static int data(struct reader *r, const struct fl_csv_row *row, struct fl_err *err)
{
    struct fl_span type, name, region;
    const char *wrong;

    for (unsigned c = 0; c < COLUMNS; c++) {
        int bad = cell(r, row, c, err);

        if (bad < 0)
            return bad;
    }
    wrong = whole_row(r);
    if (wrong != NULL)
        return fl_err_set(err, FL_E_INVAL, "line %u: %s", row->line, wrong);
    if (r->count == RATES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "more than %d rates", RATES_MAX);
    type = fl_arena_copy(r->arena, r->text[COL_TYPE]);
    name = fl_arena_copy(r->arena, r->text[COL_NAME]);
    region = fl_arena_copy(r->arena, r->text[COL_REGION]);
    if (type.ptr == NULL || name.ptr == NULL || region.ptr == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for the rates");
    r->rates[r->count++] = (struct fl_event_rate){
        .type = (const char *)type.ptr,
        .name = (const char *)name.ptr,
        .region = (const char *)region.ptr,
        .reach = (enum fl_rate_reach)r->word[COL_REACH],
        .per_year = r->number[COL_PER_YEAR],
        .radius_km = r->number[COL_RADIUS],
        .probability = r->number[COL_PROBABILITY],
        .length = (enum fl_sim_length)r->word[COL_LENGTH],
        .of_ttr = r->word[COL_UNIT] == 1,
        .days = {r->number[COL_LOW], r->number[COL_LIKELY], r->number[COL_HIGH]},
        .left = r->number[COL_LEFT]};
    return FL_OK;
}

static int rows(struct reader *r, struct fl_csv *csv, struct fl_err *err)
{
    struct fl_csv_row row;
    bool begun = false;
    int got;

    while ((got = fl_csv_next(csv, &row, err)) > 0) {
        int bad = begun ? data(r, &row, err) : heading(r, &row, err);

        begun = true;
        if (bad < 0)
            return bad;
    }
    if (got == 0 && r->count == 0)
        return fl_err_set(err, FL_E_INVAL, "there is no rate in it");
    return got;
}

int fl_event_rates_read(struct fl_span text, struct fl_arena *arena, struct fl_event_rate **ret,
                        uint32_t *ret_count, struct fl_err *err)
{
    struct reader r = {.arena = arena};
    struct fl_csv csv;
    int got;

    /* The separator is found in the first line: the remark before the headings goes first. */
    while (text.len > 0 && text.ptr[0] == '#') {
        const unsigned char *end = memchr(text.ptr, '\n', text.len);
        size_t skip = end == NULL ? text.len : (size_t)(end - text.ptr) + 1;

        text = fl_span_of(text.ptr + skip, text.len - skip);
    }
    r.rates = fl_arena_get(arena, RATES_MAX * sizeof(*r.rates));
    if (r.rates == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for the rates");
    fl_csv_init(&csv);
    got = fl_csv_feed(&csv, text, true, err);
    if (got == FL_OK)
        got = rows(&r, &csv, err);
    fl_csv_done(&csv);
    if (got < 0)
        return got;
    *ret = r.rates;
    *ret_count = r.count;
    return FL_OK;
}
