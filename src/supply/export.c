#include "supply/export.h"

#include <math.h>
#include <stdio.h>

#include "codec/csv.h"

/* ---- what is hidden ---- */

static const struct {
    const char *word;
    unsigned flag;
} words[] = {{"sources", FL_HIDE_SOURCES},
             {"places", FL_HIDE_PLACES},
             {"money", FL_HIDE_MONEY},
             {"stock", FL_HIDE_STOCK},
             {"contacts", FL_HIDE_CONTACTS}};

int fl_export_hide_parse(struct fl_span text, unsigned *ret, struct fl_err *err)
{
    unsigned hide = 0;

    while (text.len > 0) {
        const unsigned char *comma = memchr(text.ptr, ',', text.len);
        struct fl_span word =
            fl_span_of(text.ptr, comma == NULL ? text.len : (size_t)(comma - text.ptr));
        size_t i = 0;

        while (i < FL_LEN(words) && !fl_span_eq(word, fl_span_str(words[i].word)))
            i++;
        if (i == FL_LEN(words))
            return fl_err_set(err, FL_E_INVAL,
                              "'%.*s' is none of sources, places, money, stock, contacts",
                              (int)(word.len > 40 ? 40 : word.len), (const char *)word.ptr);
        hide |= words[i].flag;
        text = comma == NULL ? fl_span_of(NULL, 0) : fl_span_of(comma + 1, text.len - word.len - 1);
    }
    *ret = hide;
    return FL_OK;
}

/* Cells that go empty. */
static const struct {
    unsigned flag;
    enum fl_supply_table table;
    int column;
} empties[] = {
    {FL_HIDE_SOURCES, FL_SUPPLY_SUPPLIERS, FL_SUPPLIER_REGISTER},
    {FL_HIDE_SOURCES, FL_SUPPLY_SUPPLIERS, FL_SUPPLIER_SAID_BY},
    {FL_HIDE_SOURCES, FL_SUPPLY_SITES, FL_SITE_CITY},
    {FL_HIDE_SOURCES, FL_SUPPLY_SITES, FL_SITE_PORT},
    {FL_HIDE_SOURCES, FL_SUPPLY_SITES, FL_SITE_SAID_BY},
    {FL_HIDE_SOURCES, FL_SUPPLY_PART_SITES, FL_SOURCE_SAID_BY},
    {FL_HIDE_PLACES, FL_SUPPLY_SITES, FL_SITE_CITY},
    {FL_HIDE_PLACES, FL_SUPPLY_SITES, FL_SITE_PORT},
    {FL_HIDE_MONEY, FL_SUPPLY_PARTS, FL_PART_COST},
    {FL_HIDE_MONEY, FL_SUPPLY_PRODUCTS, FL_PRODUCT_PROFIT},
    {FL_HIDE_MONEY, FL_SUPPLY_PRODUCTS, FL_PRODUCT_REVENUE},
    {FL_HIDE_STOCK, FL_SUPPLY_PARTS, FL_PART_STOCK},
    {FL_HIDE_STOCK, FL_SUPPLY_PARTS, FL_PART_STOCK_ON},
    {FL_HIDE_STOCK, FL_SUPPLY_PRODUCTS, FL_PRODUCT_STOCK},
    {FL_HIDE_STOCK, FL_SUPPLY_PRODUCTS, FL_PRODUCT_DEMAND},
    {FL_HIDE_STOCK, FL_SUPPLY_SITES, FL_SITE_CAPACITY},
};
/* Whole tables. */
static const struct {
    unsigned flag;
    enum fl_supply_table table;
} gone[] = {{FL_HIDE_MONEY, FL_SUPPLY_REVENUE},
            {FL_HIDE_CONTACTS, FL_SUPPLY_CONTACTS},
            {FL_HIDE_SOURCES, FL_SUPPLY_CONTACTS}};

static bool alias(const struct fl_export *ex, struct fl_span *cell, struct fl_arena *arena)
{
    char text[33];

    if (cell->len == 0)
        return true;
    ex->alias(ex->ctx, *cell, text);
    *cell = fl_arena_copy(arena, fl_span_of(text, 16));
    return cell->ptr != NULL;
}

/* Ids of suppliers and sites, and their names. */
static bool alias_row(const struct fl_export *ex, struct fl_supply_row *row, struct fl_arena *arena)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[row->table];
    bool good = true;

    for (unsigned i = 0; i < schema->count && good; i++) {
        const struct fl_supply_column *c = &schema->columns[i];

        if ((c->kind == FL_CELL_ID || c->kind == FL_CELL_REF) &&
            (c->refers == FL_SUPPLY_SUPPLIERS || c->refers == FL_SUPPLY_SITES))
            good = alias(ex, &row->cell[i], arena);
    }
    if (row->table == FL_SUPPLY_SUPPLIERS)
        row->cell[FL_SUPPLIER_NAME] = row->cell[FL_SUPPLIER_ID];
    if (row->table == FL_SUPPLY_SITES)
        row->cell[FL_SITE_NAME] = row->cell[FL_SITE_ID];
    return good;
}

static bool round_place(struct fl_supply_row *row, struct fl_arena *arena)
{
    static const int columns[] = {FL_SITE_LAT, FL_SITE_LON};
    char text[32];

    if (row->table != FL_SUPPLY_SITES || row->cell[FL_SITE_LAT].len == 0)
        return true;
    for (size_t i = 0; i < FL_LEN(columns); i++) {
        struct fl_span *cell = &row->cell[columns[i]];

        (void)snprintf(text, sizeof text, "%.0f", round(fl_supply_number(*cell, 0)));
        *cell = fl_arena_copy(arena, fl_span_str(text));
        if (cell->ptr == NULL)
            return false;
    }
    if (fl_supply_number(row->cell[FL_SITE_RADIUS], 0) < 80) /* half a degree's diagonal */
        row->cell[FL_SITE_RADIUS] = FL_SPAN("80");
    return true;
}

bool fl_export_hide(const struct fl_export *ex, struct fl_supply_row *row, struct fl_arena *arena,
                    bool *failed)
{
    bool good = true;

    if (ex->hide == 0)
        return true;
    for (size_t i = 0; i < FL_LEN(gone); i++)
        if ((ex->hide & gone[i].flag) != 0 && row->table == gone[i].table)
            return false;
    for (size_t i = 0; i < FL_LEN(empties); i++)
        if ((ex->hide & empties[i].flag) != 0 && row->table == empties[i].table)
            row->cell[empties[i].column] = fl_span_of(NULL, 0);
    row->extras = 0;
    if ((ex->hide & FL_HIDE_SOURCES) != 0)
        good = alias_row(ex, row, arena);
    if (good && (ex->hide & FL_HIDE_PLACES) != 0)
        good = round_place(row, arena);
    *failed = *failed || !good;
    return good;
}

/* ---- CSV, lines of JSON ---- */

int fl_export_extras_add(struct fl_export_extras *extras, const struct fl_supply_row *row,
                         struct fl_arena *arena, struct fl_err *err)
{
    for (unsigned i = 0; i < row->extras; i++) {
        unsigned k = 0;

        while (k < extras->count && !fl_span_eq(extras->name[k], row->extra_name[i]))
            k++;
        if (k < extras->count)
            continue;
        if (k == FL_LEN(extras->name))
            return fl_err_set(err, FL_E_LIMIT,
                              "%s has more than %zu unknown columns; export lines of JSON",
                              fl_supply_schemas[row->table].name, FL_LEN(extras->name));
        extras->name[k] = fl_arena_copy(arena, row->extra_name[i]);
        if (extras->name[k].ptr == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for columns");
        extras->count++;
    }
    return FL_OK;
}

void fl_export_csv_head(enum fl_supply_table table, const struct fl_export_extras *extras,
                        struct fl_buf *out)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[table];

    for (unsigned i = 0; i < schema->count; i++)
        fl_csv_put(out, fl_span_str(schema->columns[i].name), i > 0, false);
    for (unsigned i = 0; i < extras->count; i++)
        fl_csv_put(out, extras->name[i], true, false);
    fl_buf_put_str(out, "\r\n");
}

void fl_export_csv_row(const struct fl_supply_row *row, const struct fl_export_extras *extras,
                       struct fl_buf *out)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[row->table];

    for (unsigned i = 0; i < schema->count; i++)
        fl_csv_put(out, row->cell[i], i > 0, false);
    for (unsigned k = 0; k < extras->count; k++) {
        struct fl_span cell = fl_span_of(NULL, 0);

        for (unsigned i = 0; i < row->extras; i++)
            if (fl_span_eq(extras->name[k], row->extra_name[i]))
                cell = row->extra[i];
        fl_csv_put(out, cell, true, false);
    }
    fl_buf_put_str(out, "\r\n");
}

void fl_export_line(const struct fl_supply_row *row, struct fl_buf *out)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[row->table];
    struct fl_json json;

    fl_json_init(&json, out);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "table", schema->name);
    fl_json_object(&json, "cells");
    for (unsigned i = 0; i < schema->count; i++)
        if (row->cell[i].len > 0)
            fl_json_str(&json, schema->columns[i].name, row->cell[i]);
    for (unsigned i = 0; i < row->extras; i++) {
        fl_json_key_span(&json, row->extra_name[i]);
        fl_json_str(&json, NULL, row->extra[i]);
    }
    fl_json_end(&json);
    fl_json_end(&json);
    fl_buf_put_u8(out, '\n');
}

/* ---- OMTS: node ids are a kind, a colon and the id; parts and products are items ---- */

static void member_id(struct fl_json *json, const char *key, const char *kind, struct fl_span id)
{
    char text[FL_SUPPLY_KEY_MAX + 32];

    (void)snprintf(text, sizeof text, "%s:%.*s", kind, FL_SPAN_ARG(id));
    fl_json_text(json, key, text);
}

static void identifiers(struct fl_json *json, const char *scheme, struct fl_span id,
                        struct fl_span number)
{
    fl_json_array(json, "identifiers");
    fl_json_object(json, NULL);
    fl_json_text(json, "scheme", scheme);
    fl_json_str(json, "value", id);
    if (strcmp(scheme, "internal") == 0)
        fl_json_text(json, "authority", "fairlead");
    fl_json_end(json);
    if (number.len > 0) {
        fl_json_object(json, NULL);
        fl_json_text(json, "scheme",
                     number.len == 20  ? "lei"
                     : number.len == 9 ? "duns"
                                       : "nat-reg");
        fl_json_str(json, "value", number);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static void text_member(struct fl_json *json, const char *key, struct fl_span cell)
{
    if (cell.len > 0)
        fl_json_str(json, key, cell);
}

static void number_member(struct fl_json *json, const char *key, struct fl_span cell)
{
    if (cell.len > 0)
        fl_json_f64(json, key, fl_supply_number(cell, NAN));
}

static void verified(struct fl_json *json, struct fl_span day, struct fl_span by)
{
    if (day.len == 0)
        return;
    fl_json_object(json, "data_quality");
    fl_json_text(json, "confidence", "reported");
    text_member(json, "source", by);
    fl_json_str(json, "last_verified", day);
    fl_json_end(json);
}

static void site_members(const struct fl_supply_row *row, struct fl_json *json)
{
    text_member(json, "name", row->cell[FL_SITE_NAME]);
    text_member(json, "jurisdiction", row->cell[FL_SITE_COUNTRY]);
    if (row->cell[FL_SITE_SUPPLIER].len > 0)
        member_id(json, "operator", "supplier", row->cell[FL_SITE_SUPPLIER]);
    text_member(json, "address", row->cell[FL_SITE_CITY]);
    if (row->cell[FL_SITE_LAT].len > 0 && row->cell[FL_SITE_LON].len > 0) {
        fl_json_object(json, "geo");
        number_member(json, "lat", row->cell[FL_SITE_LAT]);
        number_member(json, "lon", row->cell[FL_SITE_LON]);
        fl_json_end(json);
    }
    number_member(json, "org.fairlead.ttr_days", row->cell[FL_SITE_TTR]);
    number_member(json, "org.fairlead.radius_km", row->cell[FL_SITE_RADIUS]);
    text_member(json, "org.fairlead.activity", row->cell[FL_SITE_ACTIVITY]);
    verified(json, row->cell[FL_SITE_VERIFIED], row->cell[FL_SITE_SAID_BY]);
}

void fl_export_omts_node(const struct fl_supply_row *row, bool hidden, struct fl_json *json)
{
    static const struct {
        enum fl_supply_table table;
        const char *kind, *type;
    } kinds[] = {{FL_SUPPLY_SUPPLIERS, "supplier", "organization"},
                 {FL_SUPPLY_SITES, "site", "facility"},
                 {FL_SUPPLY_PARTS, "item", "good"},
                 {FL_SUPPLY_PRODUCTS, "item", "good"}};
    const struct fl_span none = {NULL, 0};
    size_t k = 0;

    while (k < FL_LEN(kinds) && kinds[k].table != row->table)
        k++;
    if (k == FL_LEN(kinds))
        return;
    fl_json_object(json, NULL);
    member_id(json, "id", kinds[k].kind, row->cell[0]);
    if (row->table == FL_SUPPLY_SUPPLIERS && hidden) {
        fl_json_text(json, "type", "boundary_ref");
        identifiers(json, "opaque", row->cell[0], none);
    } else {
        fl_json_text(json, "type", kinds[k].type);
        identifiers(json, "internal", row->cell[0],
                    row->table == FL_SUPPLY_SUPPLIERS ? row->cell[FL_SUPPLIER_REGISTER] : none);
    }
    if (row->table == FL_SUPPLY_SUPPLIERS && !hidden) {
        text_member(json, "name", row->cell[FL_SUPPLIER_NAME]);
        text_member(json, "jurisdiction", row->cell[FL_SUPPLIER_COUNTRY]);
        fl_json_text(json, "status", "active");
        verified(json, row->cell[FL_SUPPLIER_VERIFIED], row->cell[FL_SUPPLIER_SAID_BY]);
    } else if (row->table == FL_SUPPLY_SITES) {
        site_members(row, json);
    } else if (row->table == FL_SUPPLY_PARTS) {
        text_member(json, "name", row->cell[FL_PART_NAME]);
        text_member(json, "org.fairlead.class", row->cell[FL_PART_CLASS]);
        number_member(json, "org.fairlead.stock_units", row->cell[FL_PART_STOCK]);
    } else if (row->table == FL_SUPPLY_PRODUCTS) {
        text_member(json, "name", row->cell[FL_PRODUCT_NAME]);
        fl_json_bool(json, "org.fairlead.product", true);
        number_member(json, "org.fairlead.demand_per_day", row->cell[FL_PRODUCT_DEMAND]);
    }
    fl_json_end(json);
}

static void edge_begin(struct fl_json *json, const char *type, struct fl_span key,
                       const char *from_kind, struct fl_span from, const char *to_kind,
                       struct fl_span to)
{
    fl_json_object(json, NULL);
    member_id(json, "id", type, key);
    fl_json_text(json, "type", type);
    member_id(json, "source", from_kind, from);
    member_id(json, "target", to_kind, to);
    fl_json_object(json, "properties");
}

static void edge_end(struct fl_json *json)
{
    fl_json_end(json);
    fl_json_end(json);
}

void fl_export_omts_edges(const struct fl_supply_row *row, struct fl_json *json)
{
    char key[FL_SUPPLY_KEY_MAX + 1];
    struct fl_span k;

    fl_supply_key(row, key);
    k = fl_span_str(key);
    if (row->table == FL_SUPPLY_SUPPLIERS && row->cell[FL_SUPPLIER_PARENT].len > 0) {
        edge_begin(json, "legal_parentage", k, "supplier", row->cell[FL_SUPPLIER_ID], "supplier",
                   row->cell[FL_SUPPLIER_PARENT]);
        edge_end(json);
    } else if (row->table == FL_SUPPLY_SITES && row->cell[FL_SITE_SUPPLIER].len > 0) {
        edge_begin(json, "operates", k, "supplier", row->cell[FL_SITE_SUPPLIER], "site",
                   row->cell[FL_SITE_ID]);
        edge_end(json);
    } else if (row->table == FL_SUPPLY_PART_SITES) {
        edge_begin(json, "produces", k, "site", row->cell[FL_SOURCE_SITE], "item",
                   row->cell[FL_SOURCE_PART]);
        number_member(json, "org.fairlead.share", row->cell[FL_SOURCE_SHARE]);
        text_member(json, "org.fairlead.qualified", row->cell[FL_SOURCE_QUALIFIED]);
        text_member(json, "org.fairlead.verified_on", row->cell[FL_SOURCE_VERIFIED]);
        edge_end(json);
    } else if (row->table == FL_SUPPLY_BOM) {
        edge_begin(json, "composed_of", k, "item", row->cell[FL_BOM_PARENT], "item",
                   row->cell[FL_BOM_PART]);
        number_member(json, "quantity", row->cell[FL_BOM_QUANTITY]);
        edge_end(json);
    }
}
