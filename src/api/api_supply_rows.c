/* The network of supply: its tables, rows with their history, changes and undoing them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/alarms.h"
#include "api/supply_session.h"
#include "api/work.h"
#include "base/time.h"
#include "supply/import_net.h"

#define SCAN_ROWS 200000u /* looked at for references to a row that is to go */

/* ---- shared ---- */

int fl_own_table(struct fl_req *req, struct fl_span word, enum fl_supply_table *ret,
                 struct fl_err *err)
{
    int table = fl_supply_table_find(word);

    (void)req;
    if (table < 0 || (word.len > 4 && memcmp(word.ptr + word.len - 4, ".csv", 4) == 0))
        return fl_err_set(err, FL_E_NOENT,
                          "there is no such table; there are suppliers, sites, parts, part_sites, "
                          "products, bom, revenue, rates, contacts");
    *ret = (enum fl_supply_table)table;
    return FL_OK;
}

int fl_own_version(struct fl_req *req, uint64_t *ret, struct fl_err *err)
{
    struct fl_span at = fl_req_param(req, "at");
    int64_t at_us = 0;
    int r;

    *ret = 0;
    if (at.ptr == NULL || at.len == 0)
        return FL_OK;
    if (fl_span_u64(at, ret))
        return *ret == 0 ? fl_err_set(err, FL_E_INVAL, "changes are numbered from 1") : FL_OK;
    r = fl_req_param_time(req, "at", &at_us, err);
    if (r >= 0)
        r = fl_db_supply_version_at(req->api->db, req->tenant.id, at_us, ret, err);
    if (r >= 0 && *ret == 0)
        r = fl_err_set(err, FL_E_NOENT, "there was no network of supply at that time yet");
    return r < 0 ? r : FL_OK;
}

void fl_own_who(const struct fl_req *req, char *ret, size_t size)
{
    fl_alarm_who(req, ret, size);
}

int fl_own_begin(struct fl_req *req, const char *kind, const char *title,
                 struct fl_db_supply_change *ret, struct fl_err *err)
{
    int r = fl_intake_free_way(req->api, req->tenant.id, err);

    if (r < 0)
        return r;
    *ret = (struct fl_db_supply_change){.tenant = req->tenant.id, .at_us = req->api->env.now_us()};
    fl_own_who(req, ret->who, sizeof ret->who);
    (void)snprintf(ret->kind, sizeof ret->kind, "%s", kind);
    (void)snprintf(ret->title, sizeof ret->title, "%s", title);
    return fl_db_supply_begin(req->api->db, ret, err);
}

static bool is_there(struct fl_req *req, const struct fl_supply_column *column, struct fl_span id)
{
    struct fl_db *db = req->api->db;
    uint32_t tenant = req->tenant.id;

    if (column->kind == FL_CELL_ITEM)
        return fl_db_supply_has(db, tenant, FL_SUPPLY_PARTS, id) ||
               fl_db_supply_has(db, tenant, FL_SUPPLY_PRODUCTS, id);
    return fl_db_supply_has(db, tenant, column->refers, id);
}

int fl_own_references(struct fl_req *req, const struct fl_supply_row *row, struct fl_err *err)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[row->table];

    for (unsigned i = 0; i < schema->count; i++) {
        const struct fl_supply_column *c = &schema->columns[i];

        if ((c->kind != FL_CELL_REF && c->kind != FL_CELL_ITEM) || row->cell[i].len == 0 ||
            is_there(req, c, row->cell[i]))
            continue;
        req->field = c->name;
        return fl_err_set(err, FL_E_INVAL, "%s: there is no %s '%.*s'", c->name,
                          c->kind == FL_CELL_ITEM ? "part or product"
                                                  : fl_supply_schemas[c->refers].noun,
                          FL_SPAN_ARG(row->cell[i]));
    }
    return FL_OK;
}

void fl_own_cells(struct fl_json *json, const char *key, const struct fl_supply_row *row)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[row->table];

    fl_json_object(json, key);
    for (unsigned i = 0; i < schema->count; i++)
        if (row->cell[i].len > 0)
            fl_json_str(json, schema->columns[i].name, row->cell[i]);
    for (unsigned i = 0; i < row->extras; i++) {
        fl_json_key_span(json, row->extra_name[i]);
        fl_json_str(json, NULL, row->extra[i]);
    }
    fl_json_end(json);
}

int fl_own_number(struct fl_req *req, unsigned arg, const char *noun, uint64_t *ret,
                  struct fl_err *err)
{
    if (fl_span_u64(req->arg[arg], ret) && *ret > 0 && *ret < UINT32_MAX)
        return FL_OK;
    return fl_err_set(err, FL_E_NOENT, "there is no such %s; its number is in the list", noun);
}

/* ---- the whole ---- */

struct whole {
    struct fl_db_supply_head head;
    unsigned layouts;
};

static void put_head(struct fl_json *json, const struct whole *w, const char *currency)
{
    fl_json_u64(json, "version", w->head.version);
    fl_json_text(json, "currency", currency);
    fl_json_object(json, "counts");
    for (unsigned t = 0; t < FL_SUPPLY_TABLES; t++)
        fl_json_u64(json, fl_supply_schemas[t].name, w->head.rows[t]);
    fl_json_end(json);
    fl_json_u64(json, "layouts", w->layouts);
    if (w->head.changed_us == 0)
        fl_json_null(json, "changed");
    else
        fl_json_time(json, "changed", w->head.changed_us);
}

static void put_mapped(struct fl_json *json, const struct fl_net_mapped *m,
                       const struct fl_findings *findings)
{
    fl_json_object(json, "mapped");
    fl_json_f64(json, "confirmed", m->confirmed);
    fl_json_f64(json, "inferred", m->inferred);
    fl_json_f64(json, "none", m->none);
    fl_json_u64(json, "parts", m->parts);
    fl_json_u64(json, "parts_mapped", m->mapped);
    fl_json_text(json, "formula",
                 "sum over products of revenue x bought parts with a source (confirmed: named by "
                 "customer or supplier, verified within 90 days) / bought parts, / sum of revenue");
    fl_json_end(json);
    fl_json_u64(json, "stale", m->stale);
    fl_json_object(json, "findings");
    fl_json_u64(json, "error", findings->errors);
    fl_json_u64(json, "warning", findings->warnings);
    fl_json_end(json);
}

static int run_whole(const struct fl_work_in *in, struct fl_err *err)
{
    FL_AUTO(fl_findings_done) struct fl_findings findings = {.list = NULL};
    struct fl_net_mapped mapped = {.confirmed = 0};
    struct fl_json json;
    int r = fl_findings_init(&findings, err);

    if (r == FL_OK)
        r = fl_net_check(in->net->net, fl_day_of(in->now_us), &findings, &mapped, err);
    if (r < 0)
        return r;
    fl_json_init(&json, in->out);
    fl_json_object(&json, NULL);
    put_head(&json, in->arg, in->net->net->base_currency);
    put_mapped(&json, &mapped, &findings);
    fl_json_end(&json);
    return FL_OK;
}

static int count_layout(void *ctx, const struct fl_db_supply_layout *layout)
{
    (void)layout;
    ++*(unsigned *)ctx;
    return FL_OK;
}

int fl_api_supply(struct fl_req *req, struct fl_err *err)
{
    struct whole *w = calloc(1, sizeof *w);
    const struct fl_work_ask ask = {.run = run_whole, .arg = w, .arg_free = free, .net = true};
    uint64_t version = 0;
    int r = w == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory")
                      : fl_db_supply_head(req->api->db, req->tenant.id, &w->head, err);

    if (r == FL_OK)
        r = fl_db_supply_layouts(req->api->db, req->tenant.id, count_layout, &w->layouts, err);
    if (r == FL_OK)
        r = fl_work_version(req->api->env.work, req->tenant.id, &version, err);
    if (r == FL_OK && version > 0)
        return fl_work_answer(req, &ask, err);
    if (r == FL_OK) {
        struct fl_json *json = fl_req_object(req);

        put_head(json, w, NULL);
        fl_json_null(json, "mapped");
        fl_json_u64(json, "stale", 0);
        fl_json_null(json, "findings");
        fl_req_done(req, 200);
    }
    free(w);
    return r;
}

static void put_column(struct fl_json *json, const struct fl_supply_column *c)
{
    static const char *const kinds[] = {"id",   "ref",     "item",     "text",   "number", "bool",
                                        "date", "country", "currency", "period", "word"};

    fl_json_object(json, NULL);
    fl_json_text(json, "name", c->name);
    fl_json_text(json, "kind", kinds[c->kind]);
    fl_json_bool(json, "key", c->key);
    fl_json_bool(json, "required", c->required);
    fl_json_text(json, "refers", c->kind == FL_CELL_REF ? fl_supply_schemas[c->refers].name : NULL);
    if (c->kind == FL_CELL_NUMBER) {
        fl_json_f64(json, "min", c->min);
        fl_json_bool(json, "above_min", c->above_min);
        fl_json_f64(json, "max", c->max);
    }
    fl_json_text(json, "words", c->words);
    fl_json_text(json, "unit", c->unit);
    fl_json_text(json, "about", c->about);
    fl_json_end(json);
}

int fl_api_supply_tables(struct fl_req *req, struct fl_err *err)
{
    struct fl_json *json = fl_req_object(req);

    (void)err;
    fl_json_array(json, "items");
    for (unsigned t = 0; t < FL_SUPPLY_TABLES; t++) {
        const struct fl_supply_schema *s = &fl_supply_schemas[t];

        fl_json_object(json, NULL);
        fl_json_text(json, "name", s->name);
        fl_json_text(json, "noun", s->noun);
        fl_json_text(json, "about", s->about);
        fl_json_array(json, "columns");
        for (unsigned i = 0; i < s->count; i++)
            put_column(json, &s->columns[i]);
        fl_json_end(json);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_u64(json, "total", FL_SUPPLY_TABLES);
    fl_json_null(json, "next");
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- rows ---- */

struct listing {
    struct fl_req *req;
    enum fl_supply_table table;
    struct fl_db_supply_change by; /* of the row before: mostly the same one */
    struct fl_err *err;
};

/* Who brought it; its text stays where a change is not found. */
static void put_change(struct listing *l, struct fl_json *json, uint64_t number)
{
    struct fl_err err;

    if (l->by.number != number &&
        fl_db_supply_change_get(l->req->api->db, l->req->tenant.id, number, &l->by, &err) < 0)
        l->by = (struct fl_db_supply_change){.number = number};
    fl_json_u64(json, "since", number);
    fl_part_time(json, "at", l->by.at_us);
    fl_json_text(json, "by", l->by.who);
    fl_json_text(json, "change", l->by.title);
}

static int put_row(struct listing *l, const struct fl_db_supply_row *stored, bool versions)
{
    struct fl_json *json = &l->req->json;
    struct fl_supply_row row;
    int r = fl_supply_unpack(l->table, stored->cells, &row, l->err);

    if (r < 0)
        return r;
    fl_json_object(json, NULL);
    fl_json_str(json, "key", stored->key);
    fl_own_cells(json, "cells", &row);
    put_change(l, json, stored->since);
    if (versions && stored->until > 0)
        fl_json_u64(json, "until", stored->until);
    else if (versions)
        fl_json_null(json, "until");
    fl_json_end(json);
    return FL_OK;
}

static int list_row(void *ctx, const struct fl_db_supply_row *row)
{
    return put_row(ctx, row, false);
}

static int list_version(void *ctx, const struct fl_db_supply_row *row)
{
    return put_row(ctx, row, true);
}

static const char *text_of(struct fl_req *req, struct fl_span s)
{
    struct fl_span copy = fl_arena_copy(&req->arena, s);

    return copy.ptr == NULL ? "" : (const char *)copy.ptr;
}

int fl_api_supply_rows(struct fl_req *req, struct fl_err *err)
{
    struct listing l = {.req = req, .err = err};
    struct fl_db_supply_list list = {.count = 0};
    struct fl_db_supply_head head;
    uint64_t limit = 100, version = 0;
    struct fl_json *json;
    int r = fl_own_table(req, req->arg[1], &l.table, err);

    if (r == FL_OK)
        r = fl_own_version(req, &version, err);
    if (r == FL_OK)
        r = fl_req_param_num(req, "limit", 1, FL_LIST_LIMIT_MAX, &limit, err);
    if (r >= 0)
        r = fl_db_supply_head(req->api->db, req->tenant.id, &head, err);
    if (r < 0)
        return r;
    json = fl_req_object(req);
    fl_json_array(json, "items");
    r = fl_db_supply_rows(
        req->api->db, req->tenant.id, l.table, version, text_of(req, fl_req_param(req, "after")),
        text_of(req, fl_req_param(req, "find")), (uint32_t)limit, list_row, &l, &list, err);
    if (r < 0)
        return r;
    fl_json_end(json);
    fl_json_u64(json, "total", head.rows[l.table]);
    fl_json_text(json, "next", list.next[0] == '\0' ? NULL : list.next);
    fl_req_done(req, 200);
    return FL_OK;
}

static int find_row(struct fl_req *req, struct listing *l, uint64_t version, struct fl_buf *cells,
                    struct fl_db_supply_row *ret, struct fl_err *err)
{
    int r = fl_own_table(req, req->arg[1], &l->table, err);

    if (r == FL_OK)
        r = fl_db_supply_get(req->api->db, req->tenant.id, l->table, text_of(req, req->arg[2]),
                             version, cells, &ret->since, err);
    ret->key = req->arg[2];
    ret->cells = fl_buf_span(cells);
    return r;
}

static int answer_row(struct fl_req *req, struct listing *l, const struct fl_db_supply_row *stored,
                      int status, struct fl_err *err)
{
    struct fl_supply_row row;
    struct fl_json *json;
    int r = fl_supply_unpack(l->table, stored->cells, &row, err);

    if (r < 0)
        return r;
    fl_part_etag(req, stored->cells.ptr, stored->cells.len);
    json = fl_req_object(req);
    fl_json_str(json, "key", stored->key);
    fl_own_cells(json, "cells", &row);
    put_change(l, json, stored->since);
    fl_req_done(req, status);
    return FL_OK;
}

int fl_api_supply_row(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf cells;
    struct listing l = {.req = req, .err = err};
    struct fl_db_supply_row row = {.since = 0};
    uint64_t version = 0;
    int r;

    fl_buf_init(&cells, FL_SUPPLY_CELLS_BYTES);
    r = fl_own_version(req, &version, err);
    if (r == FL_OK)
        r = find_row(req, &l, version, &cells, &row, err);
    return r < 0 ? r : answer_row(req, &l, &row, 200, err);
}

int fl_api_supply_row_history(struct fl_req *req, struct fl_err *err)
{
    struct listing l = {.req = req, .err = err};
    struct fl_json *json;
    int r = fl_own_table(req, req->arg[1], &l.table, err);

    if (r < 0)
        return r;
    json = fl_req_object(req);
    fl_json_array(json, "items");
    r = fl_db_supply_history(req->api->db, req->tenant.id, l.table, text_of(req, req->arg[2]),
                             list_version, &l, err);
    if (r < 0)
        return r;
    fl_json_end(json);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- editing one row ---- */

static int take_cell(struct fl_req *req, struct fl_supply_row *row, const char *name,
                     struct fl_span text, struct fl_err *err)
{
    static const struct fl_supply_column unknown = {.name = "", .kind = FL_CELL_TEXT};
    int at = fl_supply_column_find(row->table, fl_span_str(name));
    struct fl_span kept;
    int r;

    req->field = text_of(req, fl_span_str(name));
    if (at >= 0) {
        r = fl_supply_cell(&fl_supply_schemas[row->table].columns[at], text, &req->arena,
                           &row->cell[at], err);
    } else if (row->extras == FL_SUPPLY_EXTRA_MAX || strlen(name) > FL_IMPORT_HEADING_MAX ||
               strchr(name, 0x1F) != NULL) {
        r = fl_err_set(err, FL_E_INVAL, "no more than %u columns that are not ours",
                       FL_SUPPLY_EXTRA_MAX);
    } else {
        r = fl_supply_cell(&unknown, text, &req->arena, &kept, err);
        if (r == FL_OK && kept.len > 0) {
            row->extra_name[row->extras] = fl_span_str(req->field);
            row->extra[row->extras++] = kept;
        }
    }
    if (r == FL_E_INVAL)
        (void)fl_err_wrap(err, "%.60s", name);
    else if (r == FL_OK)
        req->field = NULL;
    return r;
}

static int take_cells(struct fl_req *req, struct fl_supply_row *row, struct fl_err *err)
{
    const json_t *cells = json_object_get(req->body, "cells");
    const struct fl_supply_schema *schema = &fl_supply_schemas[row->table];
    const char *name;
    json_t *value;
    int r = FL_OK;

    if (!json_is_object(cells)) {
        req->field = "cells";
        return fl_err_set(err, FL_E_INVAL, "cells is an object of texts by column");
    }
    json_object_foreach((json_t *)(uintptr_t)cells, name, value)
    {
        if (r == FL_OK && !json_is_string(value) && !json_is_null(value)) {
            req->field = text_of(req, fl_span_str(name));
            return fl_err_set(err, FL_E_INVAL, "%.60s: a cell is a text", name);
        }
        if (r == FL_OK && json_is_string(value))
            r = take_cell(req, row, name,
                          fl_span_of(json_string_value(value), json_string_length(value)), err);
    }
    for (unsigned i = 0; i < schema->count && r == FL_OK; i++)
        if (schema->columns[i].required && row->cell[i].len == 0) {
            req->field = schema->columns[i].name;
            r = fl_err_set(err, FL_E_INVAL, "%s is required: %s", schema->columns[i].name,
                           schema->columns[i].about);
        }
    return r;
}

static int same_key(struct fl_req *req, const struct fl_supply_row *row, struct fl_err *err)
{
    char key[FL_SUPPLY_KEY_MAX + 1];

    fl_supply_key(row, key);
    if (fl_span_eq(req->arg[2], fl_span_str(key)))
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL, "the cells are those of '%s', not of the row that is named",
                      key);
}

static int store_row(struct fl_req *req, enum fl_supply_table table, struct fl_span cells,
                     uint64_t *ret_number, int *ret_what, struct fl_err *err)
{
    struct fl_db_supply_change change = {.number = 0};
    char title[FL_SUPPLY_TITLE_MAX + 1];
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    (void)snprintf(title, sizeof title, "%s %.*s", fl_supply_schemas[table].noun,
                   FL_SPAN_ARG(req->arg[2]));
    r = fl_own_begin(req, "edit", title, &change, err);
    if (r == FL_OK)
        r = *ret_what = fl_db_supply_put(req->api->db, &change, table, req->arg[2], cells, err);
    if (r > 0)
        r = fl_db_supply_publish(req->api->db, &change, err);
    else if (r == 0) /* as it was: no change */
        r = fl_db_supply_abandon(req->api->db, req->tenant.id, 10, err);
    if (r >= 0)
        r = fl_part_audit(req, "supply.edit", req->tenant.slug, fl_supply_schemas[table].name, "",
                          err);
    *ret_number = change.number;
    return fl_part_end(req, r, err);
}

int fl_api_supply_row_set(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf cells, before;
    struct fl_supply_row row = {.extras = 0};
    struct fl_db_supply_row stored = {.key = req->arg[2]};
    struct listing l = {.req = req, .err = err};
    int what = 0, r = fl_own_table(req, req->arg[1], &l.table, err);

    fl_buf_init(&cells, FL_SUPPLY_CELLS_BYTES);
    fl_buf_init(&before, FL_SUPPLY_CELLS_BYTES);
    row.table = l.table;
    if (r == FL_OK)
        r = take_cells(req, &row, err);
    if (r == FL_OK)
        r = same_key(req, &row, err);
    if (r == FL_OK)
        r = fl_own_references(req, &row, err);
    if (r == FL_OK &&
        fl_db_supply_get(req->api->db, req->tenant.id, l.table, text_of(req, req->arg[2]), 0,
                         &before, &stored.since, NULL) == FL_OK)
        r = fl_part_match(req, before.ptr, before.len, err);
    if (r < 0)
        return r;
    fl_supply_pack(&row, &cells);
    r = fl_buf_status(&cells, err);
    if (r == FL_OK)
        r = store_row(req, l.table, fl_buf_span(&cells), &stored.since, &what, err);
    if (r < 0)
        return r;
    cells.failed = 0;
    fl_buf_clear(&cells);
    r = find_row(req, &l, 0, &cells, &stored, err);
    return r < 0 ? r : answer_row(req, &l, &stored, what == 1 ? 201 : 200, err);
}

/* ---- removing one row: not while others refer to it ---- */

struct scan {
    enum fl_supply_table of, in;
    struct fl_span id;
    uint32_t seen;
    char found[FL_SUPPLY_KEY_MAX + 1];
    struct fl_err *err;
};

static bool column_refers(const struct fl_supply_column *c, enum fl_supply_table to)
{
    if (c->kind == FL_CELL_ITEM)
        return to == FL_SUPPLY_PARTS || to == FL_SUPPLY_PRODUCTS;
    return c->kind == FL_CELL_REF && c->refers == to;
}

static int scan_row(void *ctx, const struct fl_db_supply_row *stored)
{
    struct scan *s = ctx;
    const struct fl_supply_schema *schema = &fl_supply_schemas[s->in];
    struct fl_supply_row row;
    int r = fl_supply_unpack(s->in, stored->cells, &row, s->err);

    for (unsigned i = 0; i < schema->count && r == FL_OK && s->found[0] == '\0'; i++)
        if (column_refers(&schema->columns[i], s->of) && fl_span_eq(row.cell[i], s->id))
            (void)snprintf(s->found, sizeof s->found, "%.*s", FL_SPAN_ARG(stored->key));
    return r;
}

static bool table_refers(enum fl_supply_table in, enum fl_supply_table to)
{
    for (unsigned i = 0; i < fl_supply_schemas[in].count; i++)
        if (column_refers(&fl_supply_schemas[in].columns[i], to))
            return true;
    return false;
}

static int nobody_refers(struct fl_req *req, enum fl_supply_table table, struct fl_err *err)
{
    struct fl_db_supply_head head;
    int r = fl_db_supply_head(req->api->db, req->tenant.id, &head, err);

    for (unsigned t = 0; t < FL_SUPPLY_TABLES && r == FL_OK; t++) {
        struct scan s = {.of = table, .in = (enum fl_supply_table)t, .id = req->arg[2], .err = err};
        struct fl_db_supply_list list;

        if (!table_refers(s.in, table))
            continue;
        if (head.rows[t] > SCAN_ROWS)
            return fl_err_set(err, FL_E_LIMIT,
                              "%s has too many rows to look for references; remove by an import "
                              "that replaces the tables",
                              fl_supply_schemas[t].name);
        r = fl_db_supply_rows(req->api->db, req->tenant.id, s.in, 0, "", "", UINT32_MAX, scan_row,
                              &s, &list, err);
        if (r == FL_OK && s.found[0] != '\0')
            return fl_err_set(err, FL_E_EXISTS, "%s '%s' refers to it; remove or change that first",
                              fl_supply_schemas[t].noun, s.found);
    }
    return r;
}

int fl_api_supply_row_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_supply_change change = {.number = 0};
    enum fl_supply_table table = FL_SUPPLY_SUPPLIERS;
    char title[FL_SUPPLY_TITLE_MAX + 1];
    int r = fl_own_table(req, req->arg[1], &table, err);

    if (r == FL_OK)
        r = nobody_refers(req, table, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    (void)snprintf(title, sizeof title, "%s %.*s removed", fl_supply_schemas[table].noun,
                   FL_SPAN_ARG(req->arg[2]));
    r = fl_own_begin(req, "edit", title, &change, err);
    if (r == FL_OK)
        r = fl_db_supply_drop(req->api->db, &change, table, req->arg[2], err);
    if (r == FL_OK)
        r = fl_db_supply_publish(req->api->db, &change, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "supply.edit", req->tenant.slug, fl_supply_schemas[table].name, "",
                          err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_str(fl_req_object(req), "removed", req->arg[2]);
    fl_json_u64(&req->json, "change", change.number);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- changes ---- */

static void put_change_members(struct fl_json *json, const struct fl_db_supply_change *c)
{
    fl_json_u64(json, "number", c->number);
    fl_part_time(json, "at", c->at_us);
    fl_json_text(json, "by", c->who);
    fl_json_text(json, "kind", c->kind);
    fl_json_text(json, "title", c->title);
    fl_json_u64(json, "added", c->added);
    fl_json_u64(json, "changed", c->changed);
    fl_json_u64(json, "removed", c->removed);
    if (c->undoes > 0)
        fl_json_u64(json, "undoes", c->undoes);
    else
        fl_json_null(json, "undoes");
    if (c->undone_by > 0)
        fl_json_u64(json, "undone_by", c->undone_by);
    else
        fl_json_null(json, "undone_by");
}

struct changes {
    struct fl_json *json;
    uint64_t last;
    uint32_t count;
};

static int list_change(void *ctx, const struct fl_db_supply_change *change)
{
    struct changes *l = ctx;

    fl_json_object(l->json, NULL);
    put_change_members(l->json, change);
    fl_json_end(l->json);
    l->last = change->number;
    l->count++;
    return FL_OK;
}

int fl_api_supply_changes(struct fl_req *req, struct fl_err *err)
{
    struct changes l = {.json = &req->json};
    struct fl_db_supply_head head;
    uint64_t limit = 100, after = 0;
    char next[24];
    int r = fl_req_param_num(req, "limit", 1, FL_LIST_LIMIT_MAX, &limit, err);

    if (r >= 0)
        r = fl_req_param_num(req, "after", 1, UINT32_MAX, &after, err);
    if (r >= 0)
        r = fl_db_supply_head(req->api->db, req->tenant.id, &head, err);
    if (r < 0)
        return r;
    fl_json_array(fl_req_object(req), "items");
    r = fl_db_supply_changes(req->api->db, req->tenant.id, after, (uint32_t)limit, list_change, &l,
                             err);
    if (r < 0)
        return r;
    (void)snprintf(next, sizeof next, "%" PRIu64, l.last);
    fl_json_end(&req->json);
    fl_json_u64(&req->json, "total", head.version);
    fl_json_text(&req->json, "next", l.count == limit && l.last > 1 ? next : NULL);
    fl_req_done(req, 200);
    return FL_OK;
}

/* In one transaction: as long as the change was large. Large ones are refused with the way that
 * takes them in pieces. */
#define UNDO_ROWS 50000u

int fl_api_supply_undo(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_supply_change change, of = {.added = 0};
    char title[FL_SUPPLY_TITLE_MAX + 1];
    uint64_t number = 0;
    int r = fl_own_number(req, 1, "change", &number, err);

    if (r == FL_OK)
        r = fl_db_supply_change_get(req->api->db, req->tenant.id, number, &of, err);
    if (r == FL_OK)
        r = fl_intake_free_way(req->api, req->tenant.id, err);
    if (r == FL_OK)
        r = fl_db_supply_undo_check(req->api->db, req->tenant.id, number, err);
    if (r == FL_OK && of.added + of.changed + of.removed > UNDO_ROWS)
        r = fl_err_set(err, FL_E_LIMIT,
                       "change %" PRIu64 " has %" PRIu64 " rows; export the network as it was "
                       "before (at=%" PRIu64 ") and import that, replacing",
                       number, of.added + of.changed + of.removed, number - 1);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    (void)snprintf(title, sizeof title, "undoes %" PRIu64 ": %.200s", number, of.title);
    change = (struct fl_db_supply_change){.tenant = req->tenant.id,
                                          .undoes = number,
                                          .at_us = req->api->env.now_us(),
                                          .kind = "undo"};
    fl_own_who(req, change.who, sizeof change.who);
    memcpy(change.title, title, sizeof title);
    r = fl_db_supply_begin(req->api->db, &change, err);
    if (r == FL_OK)
        r = fl_db_supply_undo(req->api->db, &change, UINT32_MAX, err);
    if (r >= 0)
        r = fl_db_supply_publish(req->api->db, &change, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "supply.undo", req->tenant.slug, "network", "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    put_change_members(fl_req_object(req), &change);
    fl_req_done(req, 200);
    return FL_OK;
}
