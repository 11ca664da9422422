#include "supply/import.h"

#include <stdio.h>
#include <stdlib.h>

#include "supply/import_keys.h"

#define ROW_BYTES_MAX   ((size_t)256 << 10) /* of one row in canonical form */
#define LATER_MAX       200000u             /* references that are looked at again at the end */
#define LOOK_ROWS       2000u               /* for the decimal mark */
#define SUGGESTIONS_MAX 50u                 /* each looks at all ids */

/* A reference that nothing had answered when its row came. */
struct later {
    uint8_t file, column;
    uint32_t line;
    struct fl_span id;
};

struct fl_import {
    struct fl_import_ops ops;
    struct fl_findings *findings;
    struct fl_import_file *file; /* FL_IMPORT_FILES_MAX */
    unsigned files;
    struct fl_import_keys keys[FL_SUPPLY_TABLES];
    struct fl_arena texts; /* headings, ids of `later` */
    struct fl_arena row;
    struct later *later;
    uint32_t later_count, later_room;
    unsigned suggestions;
    /* the file in hand */
    struct fl_csv csv;
    struct fl_csv_row *raw;
    int table; /* as it was told, or -1 */
    const struct fl_import_wish *wishes;
    unsigned wish_count;
    bool spoilt; /* nothing more is read of it */
    bool any_row;
};

/* Who is referred to: ids as texts. */
static bool has_ids(enum fl_supply_table table)
{
    return table == FL_SUPPLY_SUPPLIERS || table == FL_SUPPLY_SITES || table == FL_SUPPLY_PARTS ||
           table == FL_SUPPLY_PRODUCTS;
}

int fl_import_new(const struct fl_import_ops *ops, struct fl_findings *findings,
                  struct fl_import **ret, struct fl_err *err)
{
    struct fl_import *imp = calloc(1, sizeof *imp);

    if (imp != NULL) {
        imp->file = calloc(FL_IMPORT_FILES_MAX, sizeof *imp->file);
        imp->raw = malloc(sizeof *imp->raw);
        fl_csv_init(&imp->csv);
        fl_arena_init(&imp->texts, ops->max_bytes);
        fl_arena_init(&imp->row, ROW_BYTES_MAX);
        for (unsigned i = 0; i < FL_SUPPLY_TABLES; i++)
            fl_import_keys_init(&imp->keys[i], has_ids((enum fl_supply_table)i), ops->max_bytes);
    }
    if (imp == NULL || imp->file == NULL || imp->raw == NULL) {
        fl_import_free(imp);
        return fl_err_set(err, FL_E_NOMEM, "no memory for an import");
    }
    imp->ops = *ops;
    imp->findings = findings;
    imp->spoilt = true; /* no file yet */
    *ret = imp;
    return FL_OK;
}

void fl_import_free(struct fl_import *imp)
{
    if (imp == NULL)
        return;
    for (unsigned i = 0; i < FL_SUPPLY_TABLES; i++)
        fl_import_keys_done(&imp->keys[i]);
    fl_csv_done(&imp->csv);
    fl_arena_done(&imp->texts);
    fl_arena_done(&imp->row);
    free(imp->later);
    free(imp->file);
    free(imp->raw);
    free(imp);
}

unsigned fl_import_files(const struct fl_import *imp)
{
    return imp->files;
}

const struct fl_import_file *fl_import_file(const struct fl_import *imp, unsigned i)
{
    return &imp->file[i];
}

bool fl_import_has(const struct fl_import *imp, enum fl_supply_table table, struct fl_span id)
{
    return fl_import_keys_has(&imp->keys[table], id);
}

/* ---- findings ---- */

static struct fl_import_file *current(struct fl_import *imp)
{
    return &imp->file[imp->files - 1];
}

static void whole_file(struct fl_import *imp, const struct fl_err *err)
{
    struct fl_finding item = {.kind = "file",
                              .file = current(imp)->name,
                              .column = "",
                              .value = "",
                              .text = err->text,
                              .fix = ""};
    size_t digits;
    uint64_t line;

    if (strncmp(err->text, "line ", 5) == 0) { /* the reader of CSV knows where it was */
        digits = strspn(err->text + 5, "0123456789");
        if (err->text[5 + digits] == ':' && fl_span_u64(fl_span_of(err->text + 5, digits), &line)) {
            item.line = (uint32_t)line;
            item.text = err->text + 5 + digits + 2;
        }
    }
    fl_findings_add(imp->findings, &item);
    imp->spoilt = true;
}

static void bad_cell(struct fl_import *imp, const struct fl_import_column *c, struct fl_span value,
                     uint32_t line, const char *kind, const char *text)
{
    char shown[84];
    struct fl_finding item = {.kind = kind,
                              .file = current(imp)->name,
                              .line = line,
                              .column = c->theirs,
                              .value = shown,
                              .text = text,
                              .fix = ""};

    (void)snprintf(shown, sizeof shown, "%.*s", (int)(value.len > 80 ? 80 : value.len),
                   value.len == 0 ? "" : (const char *)value.ptr);
    fl_findings_add(imp->findings, &item);
}

static bool duplicate(struct fl_import *imp, const char *key, uint32_t line,
                      const struct fl_import_slot *there)
{
    const struct fl_import_file *f = current(imp), *first = &imp->file[there->file];
    const struct fl_supply_schema *schema = &fl_supply_schemas[f->map.table];
    char text[200];
    struct fl_finding item = {.kind = "duplicate",
                              .file = f->name,
                              .line = line,
                              .column = schema->columns[0].name,
                              .value = key,
                              .text = text,
                              .fix = ""};

    (void)snprintf(text, sizeof text, "the %s stands on line %u of %s already; leave one of them",
                   schema->noun, there->line, first->name);
    fl_findings_add(imp->findings, &item);
    return false;
}

/* ---- references ---- */

static bool answered(const struct fl_import *imp, const struct fl_supply_column *column,
                     struct fl_span id)
{
    if (column->kind == FL_CELL_ITEM)
        return fl_import_has(imp, FL_SUPPLY_PARTS, id) ||
               fl_import_has(imp, FL_SUPPLY_PRODUCTS, id) ||
               (imp->ops.known != NULL && (imp->ops.known(imp->ops.ctx, FL_SUPPLY_PARTS, id) ||
                                           imp->ops.known(imp->ops.ctx, FL_SUPPLY_PRODUCTS, id)));
    return fl_import_has(imp, column->refers, id) ||
           (imp->ops.known != NULL && imp->ops.known(imp->ops.ctx, column->refers, id));
}

static int look_later(struct fl_import *imp, unsigned column, struct fl_span id, uint32_t line,
                      struct fl_err *err)
{
    struct fl_span copy = fl_arena_copy(&imp->texts, id);

    if (imp->later_count == imp->later_room) {
        uint32_t room = imp->later_room == 0 ? 256 : imp->later_room * 2;
        struct later *more = room > LATER_MAX * 2 ? NULL : realloc(imp->later, room * sizeof *more);

        if (more == NULL)
            return fl_err_set(err, FL_E_LIMIT,
                              "%s: too many rows refer to what no file has brought yet; give "
                              "suppliers, sites, parts and products first",
                              current(imp)->name);
        imp->later = more;
        imp->later_room = room;
    }
    if (copy.ptr == NULL)
        return fl_err_set(err, FL_E_LIMIT, "the files are too large; import them in parts");
    imp->later[imp->later_count++] =
        (struct later){(uint8_t)(imp->files - 1), (uint8_t)column, line, copy};
    return FL_OK;
}

static int references(struct fl_import *imp, const struct fl_import_map *map,
                      const struct fl_supply_row *row, uint32_t line, struct fl_err *err)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[row->table];
    int r = FL_OK;

    for (unsigned i = 0; i < map->count && r == FL_OK && !imp->ops.sites_only; i++) {
        int ours = map->column[i].ours;
        const struct fl_supply_column *column = ours < 0 ? NULL : &schema->columns[ours];

        if (column == NULL || row->cell[ours].len == 0 ||
            (column->kind != FL_CELL_REF && column->kind != FL_CELL_ITEM))
            continue;
        if (!answered(imp, column, row->cell[ours]))
            r = look_later(imp, i, row->cell[ours], line, err);
    }
    return r;
}

/* ---- rows ---- */

static int put_extra(struct fl_import *imp, struct fl_supply_row *row, const char *name,
                     struct fl_span cell, struct fl_err *err)
{
    static const struct fl_supply_column text = {.name = "", .kind = FL_CELL_TEXT};
    struct fl_span kept;
    int r = fl_supply_cell(&text, cell, &imp->row, &kept, err);

    if (r < 0 || kept.len == 0)
        return r;
    if (row->extras == FL_SUPPLY_EXTRA_MAX)
        return fl_err_set(err, FL_E_INVAL, "more than %u unknown columns; leave some out",
                          FL_SUPPLY_EXTRA_MAX);
    row->extra_name[row->extras] = fl_span_str(name);
    row->extra[row->extras++] = kept;
    return FL_OK;
}

static bool may_be_empty(const struct fl_import *imp, const struct fl_supply_column *column)
{
    return imp->ops.sites_only && !column->key;
}

/* The cells of one row; false when one of them is wrong (each is a finding). */
static bool take_cells(struct fl_import *imp, struct fl_supply_row *row)
{
    struct fl_import_map *map = &current(imp)->map;
    const struct fl_csv_row *raw = imp->raw;
    bool good = true;
    struct fl_err err;

    *row = (struct fl_supply_row){.table = map->table};
    for (unsigned i = 0; i < map->count; i++) {
        struct fl_import_column *c = &map->column[i];
        struct fl_span cell = i < raw->count ? raw->cell[i] : fl_span_of(NULL, 0);
        int r = FL_OK;

        if (i >= map->heads)
            cell = fl_span_str(c->theirs + 1);
        if (cell.len > 0 && c->filled++ == 0)
            (void)snprintf(c->first, sizeof c->first, "%.*s", (int)(cell.len > 39 ? 39 : cell.len),
                           (const char *)cell.ptr);
        if (c->ours >= 0)
            r = fl_import_cell(map, i, cell, &imp->row, &row->cell[c->ours], &err);
        else if (c->ours == FL_IMPORT_KEEP)
            r = put_extra(imp, row, c->theirs, cell, &err);
        if (r < 0 && cell.len == 0 && c->ours >= 0 &&
            may_be_empty(imp, &fl_supply_schemas[map->table].columns[c->ours]))
            continue;
        if (r < 0) {
            bad_cell(imp, c, cell, raw->line, "cell", err.text);
            good = false;
        }
    }
    return good;
}

/* Required columns that the file does not have at all. */
static void missing_columns(struct fl_import *imp)
{
    const struct fl_import_map *map = &current(imp)->map;
    const struct fl_supply_schema *schema = &fl_supply_schemas[map->table];
    struct fl_err err;

    for (unsigned k = 0; k < schema->count; k++) {
        bool there = !schema->columns[k].required || may_be_empty(imp, &schema->columns[k]);

        for (unsigned i = 0; i < map->count && !there; i++)
            there = map->column[i].ours == (int)k;
        if (there)
            continue;
        (void)fl_err_set(
            &err, FL_E_INVAL,
            "there is no column %s (%s), and each %s needs it; name the column that has "
            "it, or a value for all rows (=28)",
            schema->columns[k].name, schema->columns[k].about, schema->noun);
        whole_file(imp, &err);
    }
}

/* Latitude and longitude belong together; a hazard needs both. */
static bool has_position(struct fl_import *imp, const struct fl_supply_row *row)
{
    bool lat = row->cell[FL_SITE_LAT].len > 0, lon = row->cell[FL_SITE_LON].len > 0;
    struct fl_finding item = {.kind = "cell",
                              .file = current(imp)->name,
                              .line = imp->raw->line,
                              .column = lat ? "lon" : "lat",
                              .value = "",
                              .fix = "",
                              .text = "latitude and longitude belong together; one is empty"};

    if (row->table != FL_SUPPLY_SITES || (lat && lon) || (!lat && !lon && !imp->ops.sites_only))
        return true;
    if (!lat && !lon)
        item.text = "a position is needed here";
    fl_findings_add(imp->findings, &item);
    return false;
}

static bool cells_fit(struct fl_import *imp)
{
    const struct fl_import_file *f = current(imp);
    char text[160];
    struct fl_finding item = {.kind = "row",
                              .file = f->name,
                              .line = imp->raw->line,
                              .column = "",
                              .value = "",
                              .text = text,
                              .fix = ""};
    unsigned used = imp->raw->count;

    while (used > 0 && imp->raw->cell[used - 1].len == 0)
        used--; /* separators at the end of a line are no matter */
    if (used <= f->map.heads)
        return true;
    (void)snprintf(text, sizeof text,
                   "the row has %u cells, the header %u; quote a cell that holds '%c'", used,
                   f->map.heads, f->separator == '\t' ? ' ' : f->separator);
    fl_findings_add(imp->findings, &item);
    return false;
}

static int take_row(struct fl_import *imp, struct fl_err *err)
{
    struct fl_import_file *f = current(imp);
    const struct fl_import_slot *there = NULL;
    struct fl_supply_row row;
    char key[FL_SUPPLY_KEY_MAX + 1];
    bool good;
    int r = 1;

    fl_arena_clear(&imp->row);
    f->rows++;
    good = cells_fit(imp) && take_cells(imp, &row) && has_position(imp, &row);
    if (good) {
        fl_supply_key(&row, key);
        r = fl_import_keys_add(&imp->keys[row.table], fl_span_str(key), imp->files - 1,
                               imp->raw->line, &there, err);
        if (r == 0)
            good = duplicate(imp, key, imp->raw->line, there);
    }
    if (!good)
        f->bad++;
    if (r < 0 || !good)
        return r < 0 ? r : FL_OK;
    r = references(imp, &f->map, &row, imp->raw->line, err);
    if (r == FL_OK && imp->ops.on_row != NULL)
        r = imp->ops.on_row(imp->ops.ctx, &row, imp->raw->line, err);
    return r;
}

/* ---- files ---- */

int fl_import_begin(struct fl_import *imp, const char *name, int table,
                    const struct fl_import_wish *wishes, unsigned wish_count, struct fl_err *err)
{
    struct fl_import_file *f;

    if (imp->files == FL_IMPORT_FILES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "an import may have %u files", FL_IMPORT_FILES_MAX);
    if (strlen(name) > FL_IMPORT_FILE_NAME_MAX)
        return fl_err_set(err, FL_E_INVAL, "a file's name may have %u bytes",
                          FL_IMPORT_FILE_NAME_MAX);
    f = &imp->file[imp->files++];
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    f->encoding = "UTF-8";
    fl_csv_done(&imp->csv);
    fl_csv_init(&imp->csv);
    imp->table = table;
    imp->wishes = wishes;
    imp->wish_count = wish_count;
    imp->spoilt = false;
    return FL_OK;
}

/* A second reader goes ahead over the piece, for what numbers say about the decimal mark. */
static void look_ahead(struct fl_import_file *f, struct fl_span piece, bool last,
                       struct fl_csv_row *row)
{
    struct fl_csv FL_AUTO(fl_csv_done) csv;
    struct fl_err err;

    fl_csv_init(&csv);
    if (fl_csv_feed(&csv, piece, last, &err) < 0)
        return;
    for (unsigned i = 0; i < LOOK_ROWS && f->map.decimal == 0; i++) {
        if (fl_csv_next(&csv, row, &err) != 1)
            break;
        if (i > 0)
            fl_import_decimal(&f->map, fl_csv_separator(&csv), row);
    }
}

static bool has_column(const struct fl_import_wish *wish, enum fl_supply_table table)
{
    struct fl_span name = wish->ours;
    const unsigned char *star = name.len == 0 ? NULL : memchr(name.ptr, '*', name.len);

    if (star != NULL)
        name.len = (size_t)(star - name.ptr);
    return name.len == 0 || fl_span_eq(name, FL_SPAN("-")) || fl_span_eq(name, FL_SPAN("+")) ||
           fl_supply_column_find(table, name) >= 0;
}

/* The table whose first column somebody named, and that has all the others; -1: none, or several.
 */
static int table_by_wishes(const struct fl_import *imp)
{
    int found = -1;

    for (int t = 0; t < FL_SUPPLY_TABLES; t++) {
        struct fl_span first = fl_span_str(fl_supply_schemas[t].columns[0].name);
        bool all = true, key = false;

        for (unsigned i = 0; i < imp->wish_count; i++) {
            all = all && has_column(&imp->wishes[i], (enum fl_supply_table)t);
            key = key || fl_span_eq(imp->wishes[i].ours, first);
        }
        if (!all || !key)
            continue;
        if (found >= 0)
            return -1;
        found = t;
    }
    return found;
}

static int take_head(struct fl_import *imp, struct fl_span piece, bool last)
{
    struct fl_import_file *f = current(imp);
    enum fl_supply_table table = FL_SUPPLY_SUPPLIERS;
    struct fl_err err;
    int r = FL_OK;

    if (imp->table < 0)
        imp->table = table_by_wishes(imp);
    if (imp->table >= 0)
        table = (enum fl_supply_table)imp->table;
    else
        r = fl_import_table(f->name, imp->raw, &table, &err);
    if (r == FL_OK)
        r = fl_import_map(table, imp->raw, imp->wishes, imp->wish_count, &imp->texts, &f->map,
                          &err);
    if (r < 0) {
        whole_file(imp, &err);
        return FL_OK;
    }
    f->known = true;
    f->separator = fl_csv_separator(&imp->csv);
    if (imp->ops.sites_only && table != FL_SUPPLY_SITES) {
        imp->spoilt = true;
        return FL_OK;
    }
    missing_columns(imp);
    look_ahead(f, piece, last, imp->raw); /* the raw row is used up by now */
    return FL_OK;
}

static void empty_file(struct fl_import *imp)
{
    struct fl_err err;

    (void)fl_err_set(&err, FL_E_INVAL, "the file is empty; the first line names the columns");
    whole_file(imp, &err);
}

int fl_import_feed(struct fl_import *imp, struct fl_span piece, bool last, struct fl_err *err)
{
    struct fl_import_file *f = current(imp);
    struct fl_err why;
    int r = imp->spoilt ? FL_OK : fl_csv_feed(&imp->csv, piece, last, err);

    while (r == FL_OK && !imp->spoilt) {
        int got = fl_csv_next(&imp->csv, imp->raw, &why);

        if (got == 0)
            break;
        if (got < 0)
            whole_file(imp, &why);
        else if (!f->known)
            r = take_head(imp, piece, last);
        else
            r = take_row(imp, err);
    }
    f->encoding = fl_csv_encoding(&imp->csv);
    if (r == FL_OK && last && !f->known && !imp->spoilt)
        empty_file(imp);
    return r;
}

/* ---- the set as a whole ---- */

static void not_there(struct fl_import *imp, const struct later *l)
{
    const struct fl_import_file *f = &imp->file[l->file];
    const struct fl_import_column *c = &f->map.column[l->column];
    const struct fl_supply_column *column = &fl_supply_schemas[f->map.table].columns[c->ours];
    const struct fl_import_slot *like = NULL;
    char text[200], id[FL_SUPPLY_ID_MAX + 1], fix[FL_SUPPLY_ID_MAX + 1] = "";
    const char *noun =
        column->kind == FL_CELL_ITEM ? "part or product" : fl_supply_schemas[column->refers].noun;
    struct fl_finding item = {.kind = "reference",
                              .file = f->name,
                              .line = l->line,
                              .column = c->theirs,
                              .value = id,
                              .text = text,
                              .fix = fix};

    (void)snprintf(id, sizeof id, "%.*s", FL_SPAN_ARG(l->id));
    if (imp->suggestions++ < SUGGESTIONS_MAX)
        like = fl_import_keys_like(&imp->keys[column->refers], l->id);
    if (like != NULL)
        (void)snprintf(fix, sizeof fix, "%.*s", (int)like->text_len, like->text);
    item.warning = imp->ops.loose && column->refers == FL_SUPPLY_SUPPLIERS &&
                   column->kind == FL_CELL_REF && imp->keys[FL_SUPPLY_SUPPLIERS].count == 0;
    if (item.warning)
        (void)snprintf(text, sizeof text, "no file of suppliers: '%s' is taken as it is", id);
    else
        (void)snprintf(text, sizeof text, "there is no %s '%s'%s%s%s", noun, id,
                       like != NULL ? "; is '" : "", fix, like != NULL ? "' meant?" : "");
    fl_findings_add(imp->findings, &item);
}

int fl_import_end(struct fl_import *imp, struct fl_err *err)
{
    for (uint32_t i = 0; i < imp->later_count; i++) {
        const struct later *l = &imp->later[i];
        const struct fl_import_map *map = &imp->file[l->file].map;

        if (!answered(imp, &fl_supply_schemas[map->table].columns[map->column[l->column].ours],
                      l->id))
            not_there(imp, l);
    }
    imp->later_count = 0;
    (void)err;
    return FL_OK;
}
