/*
 * export.h - a network of supply on its way out: rows as CSV and as lines of JSON, as nodes and
 * edges of the Open Multi-Tier Supply format (OMTS 1.0), and without what somebody else need not
 * know.
 */
#ifndef FL_SUPPLY_EXPORT_H
#define FL_SUPPLY_EXPORT_H

#include "base/arena.h"
#include "codec/json.h"
#include "model/supply.h"

/* What is left out or renamed. */
#define FL_HIDE_SOURCES  1u  /* suppliers and sites have names that say nothing */
#define FL_HIDE_PLACES   2u  /* positions are rounded to a degree, radius_km says so */
#define FL_HIDE_MONEY    4u  /* cost, profit, revenue */
#define FL_HIDE_STOCK    8u  /* stock, demand, capacity */
#define FL_HIDE_CONTACTS 16u /* the whole table */

/* "sources,money"; "" is nothing. FL_E_INVAL names the word. */
int fl_export_hide_parse(struct fl_span text, unsigned *ret, struct fl_err *err) FL_MUST_CHECK;

struct fl_export {
    unsigned hide;
    /* A name that says nothing and is the same for the same id throughout this export: a keyed
     * hash, 32 hex digits and a NUL. */
    void (*alias)(void *ctx, struct fl_span id, char ret[33]);
    void *ctx;
};

/* The row without what is hidden; texts in arena. false: the row is left out. With anything hidden,
 * unknown columns go: nobody knows what is in them. FL_E_NOMEM by *failed. */
bool fl_export_hide(const struct fl_export *ex, struct fl_supply_row *row, struct fl_arena *arena,
                    bool *failed);

/* Names of unknown columns, in the order in which they came. */
struct fl_export_extras {
    unsigned count;
    struct fl_span name[FL_SUPPLY_EXTRA_MAX * 4]; /* in the caller's arena */
};
/* FL_E_LIMIT: more than there is room for. */
int fl_export_extras_add(struct fl_export_extras *extras, const struct fl_supply_row *row,
                         struct fl_arena *arena, struct fl_err *err) FL_MUST_CHECK;

void fl_export_csv_head(enum fl_supply_table table, const struct fl_export_extras *extras,
                        struct fl_buf *out);
void fl_export_csv_row(const struct fl_supply_row *row, const struct fl_export_extras *extras,
                       struct fl_buf *out);
/* {"table":"sites","cells":{...}} and a newline. */
void fl_export_line(const struct fl_supply_row *row, struct fl_buf *out);

/* Its node, or its edges, in an array that is open; most tables have one of both. */
void fl_export_omts_node(const struct fl_supply_row *row, bool hidden, struct fl_json *json);
void fl_export_omts_edges(const struct fl_supply_row *row, struct fl_json *json);

#endif
