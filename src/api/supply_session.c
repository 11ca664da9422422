#include "api/supply_session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "codec/csv.h"

#define DROP_ROWS   4000u
#define ARENA_BYTES ((size_t)64 << 20)

/* ---- sessions ---- */

static void session_free(struct fl_intake *s)
{
    fl_import_free(s->imp);
    fl_findings_done(&s->findings);
    fl_arena_done(&s->arena);
    fl_buf_done(&s->piece);
    fl_buf_done(&s->cells);
    fl_buf_done(&s->before);
    json_decref(s->columns);
    free(s->wishes);
    free(s->suppliers.list);
    free(s->sites.list);
    free(s->proposals);
    free(s->decisions);
    free(s);
}

void fl_intake_drop(struct fl_api *api, struct fl_intake *s)
{
    for (struct fl_intake **at = &api->imports; *at != NULL; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            session_free(s);
            return;
        }
}

void fl_own_imports_free(struct fl_api *api)
{
    while (api->imports != NULL)
        fl_intake_drop(api, api->imports);
}

static void drop_idle(struct fl_api *api)
{
    struct fl_intake *next;

    for (struct fl_intake *s = api->imports; s != NULL; s = next) {
        next = s->next;
        if (fl_now_mono_us() - s->used_us > FL_INTAKE_IDLE_US)
            fl_intake_drop(api, s);
    }
}

struct fl_intake *fl_supply_session_find(struct fl_api *api, uint32_t tenant, uint32_t id)
{
    drop_idle(api);
    for (struct fl_intake *s = api->imports; s != NULL; s = s->next)
        if (s->tenant == tenant && s->id == id) {
            s->used_us = fl_now_mono_us();
            return s;
        }
    return NULL;
}

int fl_intake_free_way(struct fl_api *api, uint32_t tenant, struct fl_err *err)
{
    drop_idle(api);
    for (const struct fl_intake *s = api->imports; s != NULL; s = s->next)
        if (s->tenant == tenant && s->state == FL_INTAKE_APPLYING)
            return fl_err_set(err, FL_E_AGAIN,
                              "import %u is being applied; try again when it is done", s->id);
    return FL_OK;
}

/* ---- its files ---- */

static int add_file(void *ctx, const char *name, uint64_t size)
{
    struct fl_intake *s = ctx;
    struct fl_intake_file *f;

    if (s->files == FL_IMPORT_FILES_MAX || strlen(name) > FL_IMPORT_FILE_NAME_MAX)
        return FL_OK; /* neither was taken in */
    f = &s->file[s->files++];
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    f->size = size;
    f->table = -1;
    return FL_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The set of headings, in any order, as a name. */
static void hash_headings(const struct fl_csv_row *head, char ret[65])
{
    char(*word)[48] = calloc(head->count + 1, sizeof *word);
    uint64_t hash = 0, again = 0;

    for (unsigned i = 0; word != NULL && i < head->count; i++)
        fl_import_fold(head->cell[i], word[i], sizeof *word);
    if (word != NULL) {
        qsort(word, head->count, sizeof *word, by_text);
        hash = fl_span_hash(fl_span_of(word, head->count * sizeof *word));
        again = fl_span_hash(fl_span_of(word, (head->count + 1) * sizeof *word));
    }
    (void)snprintf(ret, 65, "%016llx%016llx", (unsigned long long)hash, (unsigned long long)again);
    free(word);
}

/* What a file is, by its first line, so that those that are referred to are read first. */
static int look_at(struct fl_intake *s, struct fl_intake_file *f, struct fl_csv_row *head,
                   struct fl_err *err)
{
    FL_AUTO(fl_csv_done) struct fl_csv csv;
    struct fl_db_supply_layout layout;
    enum fl_supply_table table;
    struct fl_err why;
    int r;

    fl_buf_clear(&s->piece);
    fl_csv_init(&csv);
    r = fl_db_supply_piece_get(s->db, s->id, f->name, 0, &s->piece, err);
    if (r < 0)
        return r;
    if (fl_csv_feed(&csv, fl_buf_span(&s->piece), true, &why) < 0 ||
        fl_csv_next(&csv, head, &why) != 1)
        return FL_OK;
    hash_headings(head, f->headings);
    if (fl_db_supply_layout_get(s->db, s->tenant, f->headings, NULL, &layout, &why) == FL_OK)
        f->table = (int)layout.table;
    else if (fl_import_table(f->name, head, &table, &why) == FL_OK)
        f->table = (int)table;
    return FL_OK;
}

static int by_table(const void *a, const void *b)
{
    const struct fl_intake_file *x = a, *y = b;

    return x->table != y->table ? x->table - y->table : strcmp(x->name, y->name);
}

static int look_at_files(struct fl_intake *s, struct fl_err *err)
{
    struct fl_csv_row *head = malloc(sizeof *head);
    int r = head == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for a row") : FL_OK;

    for (unsigned i = 0; i < s->files && r == FL_OK; i++)
        r = look_at(s, &s->file[i], head, err);
    free(head);
    if (r == FL_OK)
        qsort(s->file, s->files, sizeof s->file[0], by_table);
    for (unsigned i = 0; i < s->files && r == FL_OK; i++)
        if (s->file[i].table >= 0)
            s->in_files[s->file[i].table] = true;
    return r;
}

/* ---- rows as they come ---- */

static int keep_row(struct fl_intake *s, const struct fl_supply_row *row, struct fl_err *err)
{
    char key[FL_SUPPLY_KEY_MAX + 1];
    struct fl_span cells;
    int r;

    fl_buf_clear(&s->cells);
    fl_supply_pack(row, &s->cells);
    fl_supply_key(row, key);
    cells = fl_buf_span(&s->cells);
    r = fl_buf_status(&s->cells, err);
    if (r < 0)
        return r;
    if (s->state == FL_INTAKE_APPLYING) {
        r = fl_db_supply_put(s->db, &s->change, row->table, fl_span_str(key), cells, err);
    } else {
        fl_buf_clear(&s->before);
        r = fl_db_supply_peek(s->db, s->tenant, row->table, fl_span_str(key), &s->before, err);
        if (r >= 0)
            r = r == 0 ? 1 : fl_span_eq(fl_buf_span(&s->before), cells) ? 0 : 2;
    }
    if (r < 0)
        return r;
    s->same += r == 0;
    s->added += r == 1;
    s->changed += r == 2;
    s->matched[row->table] += r != 1;
    return FL_OK;
}

/* Where no file has suppliers, those that sites name are taken as they are. */
static int keep_supplier(struct fl_intake *s, struct fl_span id, struct fl_err *err)
{
    struct fl_supply_row row = {.table = FL_SUPPLY_SUPPLIERS};

    if (id.len == 0 ||
        (s->state == FL_INTAKE_APPLYING &&
         fl_db_supply_peek(s->db, s->tenant, FL_SUPPLY_SUPPLIERS, id, &s->before, err) == 1))
        return FL_OK;
    row.cell[FL_SUPPLIER_ID] = row.cell[FL_SUPPLIER_NAME] = id;
    return s->state == FL_INTAKE_APPLYING ? keep_row(s, &row, err) : FL_OK;
}

static int on_row(void *ctx, const struct fl_supply_row *row, uint32_t line, struct fl_err *err)
{
    struct fl_intake *s = ctx;
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_supply_row fixed = *row;
    int r = FL_OK;

    fl_arena_init(&arena, 4096);
    if (row->table == FL_SUPPLY_SITES && s->own_suppliers) {
        fl_buf_clear(&s->before);
        r = keep_supplier(s, row->cell[FL_SITE_SUPPLIER], err);
    }
    if (r == FL_OK && row->table == FL_SUPPLY_SITES)
        r = fl_propose_fix(s, &fixed, &arena, err);
    if (r == FL_OK && s->state == FL_INTAKE_CHECKING)
        r = fl_propose_row(s, &fixed, line, err);
    return r < 0 ? r : keep_row(s, &fixed, err);
}

static bool stands(struct fl_intake *s, enum fl_supply_table table, struct fl_span id)
{
    fl_buf_clear(&s->before);
    return fl_db_supply_peek(s->db, s->tenant, table, id, &s->before, NULL) == 1;
}

static bool known(void *ctx, enum fl_supply_table table, struct fl_span id)
{
    struct fl_intake *s = ctx;

    return !(s->replace && s->in_files[table]) && stands(s, table, id);
}

/* ---- reading all files, a piece at a time ---- */

static int start_reading(struct fl_intake *s, struct fl_err *err)
{
    struct fl_db_supply_head head;
    struct fl_import_ops ops = {
        .on_row = on_row, .known = known, .ctx = s, .max_bytes = FL_INTAKE_KEY_BYTES};
    int r = fl_db_supply_head(s->db, s->tenant, &head, err);

    if (r < 0)
        return r;
    s->own_suppliers = !s->in_files[FL_SUPPLY_SUPPLIERS] && head.rows[FL_SUPPLY_SUPPLIERS] == 0;
    ops.loose = s->own_suppliers;
    s->version = head.version;
    fl_import_free(s->imp);
    s->imp = NULL;
    fl_findings_done(&s->findings);
    s->file_now = 0;
    s->file_begun = s->ended = false;
    s->added = s->changed = s->same = s->removed = 0;
    memset(s->matched, 0, sizeof s->matched);
    for (unsigned i = 0; i < s->files; i++)
        s->file[i].at = 0;
    r = fl_findings_init(&s->findings, err);
    if (r == FL_OK)
        r = fl_propose_begin(s, err);
    return r < 0 ? r : fl_import_new(&ops, &s->findings, &s->imp, err);
}

/* A value for all rows is meant for the tables that have such a column. */
static void add_wish(struct fl_intake *s, const struct fl_intake_file *f, struct fl_span theirs,
                     struct fl_span ours)
{
    struct fl_span name = ours;
    const unsigned char *star = ours.len == 0 ? NULL : memchr(ours.ptr, '*', ours.len);

    if (star != NULL)
        name.len = (size_t)(star - ours.ptr);
    if (s->wish_count == FL_CSV_CELLS_MAX ||
        (theirs.len > 0 && theirs.ptr[0] == '=' && f->table >= 0 &&
         fl_supply_column_find((enum fl_supply_table)f->table, name) < 0))
        return;
    s->wishes[s->wish_count++] = (struct fl_import_wish){theirs, ours};
}

/* What was said about the file, or about the graph that it came out of. */
static json_t *told_about(const struct fl_intake *s, const struct fl_intake_file *f)
{
    json_t *told = json_object_get(s->columns, f->name);
    const char *graph = strstr(f->name, ".omts.");
    char name[FL_IMPORT_FILE_NAME_MAX + 1];

    if (told != NULL || graph == NULL)
        return told;
    (void)snprintf(name, sizeof name, "%.*s", (int)(graph + 5 - f->name), f->name);
    return json_object_get(s->columns, name);
}

static int layout_wishes(struct fl_intake *s, const struct fl_intake_file *f, struct fl_err *err)
{
    struct fl_db_supply_layout layout;
    int r = fl_db_supply_layout_get(s->db, s->tenant, s->layout[0] == '\0' ? f->headings : NULL,
                                    s->layout, &layout, err);

    if (r == FL_E_NOENT)
        return FL_OK;
    for (char *at = layout.map; r == FL_OK && *at != '\0';) {
        struct fl_span pair[2];

        for (int k = 0; k < 2; k++) {
            size_t len = strcspn(at, "\x1F");

            pair[k] = fl_arena_copy(&s->arena, fl_span_of(at, len));
            at += len + (at[len] != '\0');
        }
        add_wish(s, f, pair[0], pair[1]);
    }
    return r;
}

/* Columns of a file as somebody said, now or when the same headings came before. */
static int take_wishes(struct fl_intake *s, const struct fl_intake_file *f, struct fl_err *err)
{
    json_t *told = told_about(s, f), *ours;
    const char *theirs;

    s->wish_count = 0;
    free(s->wishes);
    s->wishes = calloc(FL_CSV_CELLS_MAX, sizeof *s->wishes);
    if (s->wishes == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for columns");
    json_object_foreach(told, theirs, ours)
    {
        add_wish(s, f, fl_span_str(theirs), fl_span_str(json_string_value(ours)));
    }
    return told != NULL ? FL_OK : layout_wishes(s, f, err);
}

static int read_piece(struct fl_intake *s, struct fl_err *err)
{
    struct fl_intake_file *f = &s->file[s->file_now];
    int r = FL_OK;

    if (!s->file_begun) {
        r = take_wishes(s, f, err);
        if (r == FL_OK)
            r = fl_import_begin(s->imp, f->name, f->table, s->wishes, s->wish_count, err);
        s->file_begun = true;
    }
    fl_buf_clear(&s->piece);
    if (r == FL_OK)
        r = fl_db_supply_piece_get(s->db, s->id, f->name, f->at, &s->piece, err);
    if (r < 0)
        return r;
    f->at += s->piece.len;
    r = fl_import_feed(s->imp, fl_buf_span(&s->piece), f->at >= f->size || s->piece.len == 0, err);
    if (r == FL_OK && (f->at >= f->size || s->piece.len == 0)) {
        const struct fl_import_file *read = fl_import_file(s->imp, s->file_now);

        if (read->known)
            s->in_files[read->map.table] = true;
        s->file_now++;
        s->file_begun = false;
    }
    return r;
}

/* 1: there is more. */
static int read_some(struct fl_intake *s, struct fl_err *err)
{
    int64_t until_us = fl_now_mono_us() + FL_SUPPLY_SLICE_US;
    int r = FL_OK;

    while (r == FL_OK && s->file_now < s->files && fl_now_mono_us() < until_us)
        r = read_piece(s, err);
    if (r < 0)
        return r;
    if (s->file_now < s->files)
        return 1;
    if (!s->ended) {
        s->ended = true;
        r = fl_import_end(s->imp, err);
    }
    return r;
}

int fl_intake_new(struct fl_req *req, uint32_t id, struct fl_intake **ret, struct fl_err *err)
{
    struct fl_intake *s, *old = fl_supply_session_find(req->api, req->tenant.id, id);
    unsigned count = 0;
    int r;

    if (old != NULL)
        fl_intake_drop(req->api, old);
    for (s = req->api->imports; s != NULL; s = s->next)
        count++;
    if (count >= FL_INTAKES_MAX)
        return fl_err_set(err, FL_E_AGAIN, "%u imports are being checked; try again in a minute",
                          count);
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an import");
    s->db = req->api->db;
    s->tenant = req->tenant.id;
    s->id = id;
    s->used_us = fl_now_mono_us();
    fl_arena_init(&s->arena, ARENA_BYTES);
    fl_buf_init(&s->piece, (size_t)1 << 20);
    fl_buf_init(&s->cells, FL_SUPPLY_CELLS_BYTES);
    fl_buf_init(&s->before, FL_SUPPLY_CELLS_BYTES);
    s->proposals = calloc(FL_PROPOSALS_MAX, sizeof *s->proposals);
    r = s->proposals == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for proposals") : FL_OK;
    if (r == FL_OK)
        r = fl_db_supply_files(s->db, id, add_file, s, err);
    if (r == FL_OK && s->files == 0)
        r = fl_err_set(err, FL_E_INVAL, "the import has no file yet; put one first");
    if (r == FL_OK)
        r = look_at_files(s, err);
    if (r < 0) {
        session_free(s);
        return r;
    }
    s->next = req->api->imports;
    req->api->imports = s;
    *ret = s;
    return FL_OK;
}

int fl_intake_check(struct fl_intake *s, struct fl_err *err)
{
    int r = s->imp == NULL ? start_reading(s, err) : FL_OK;

    if (r == FL_OK)
        r = read_some(s, err);
    if (r == 0)
        r = fl_propose_end(s, err);
    if (r == 0 && s->replace) {
        struct fl_db_supply_head head;

        r = fl_db_supply_head(s->db, s->tenant, &head, err);
        for (unsigned t = 0; t < FL_SUPPLY_TABLES && r == FL_OK; t++)
            if (s->in_files[t] && head.rows[t] > s->matched[t])
                s->removed += head.rows[t] - s->matched[t];
    }
    if (r == 0)
        s->state = FL_INTAKE_CHECKED;
    return r;
}

/* ---- applying ---- */

int fl_intake_apply_begin(struct fl_intake *s, struct fl_err *err)
{
    s->state = FL_INTAKE_APPLYING;
    s->drop_table = 0;
    s->drop_after[0] = s->left_after[0] = '\0';
    s->left_table = 0;
    return start_reading(s, err);
}

struct dropping {
    struct fl_intake *s;
    unsigned count;
    char key[DROP_ROWS][FL_SUPPLY_KEY_MAX + 1];
};

static int pick_key(void *ctx, struct fl_span key, uint64_t since)
{
    struct dropping *d = ctx;
    enum fl_supply_table table = (enum fl_supply_table)d->s->drop_table;

    if (since == d->s->change.number || fl_import_has(d->s->imp, table, key))
        return FL_OK;
    if (table == FL_SUPPLY_SUPPLIERS && d->s->own_suppliers)
        return FL_OK;
    (void)snprintf(d->key[d->count++], sizeof d->key[0], "%.*s", FL_SPAN_ARG(key));
    return FL_OK;
}

/* Rows of the tables that the files bring, and that no file has. 1: there is more. */
static int drop_some(struct fl_intake *s, struct fl_err *err)
{
    struct dropping *d;
    struct fl_db_supply_list list = {.count = 0};
    int r = FL_OK;

    while (s->drop_table < FL_SUPPLY_TABLES && !s->in_files[s->drop_table])
        s->drop_table++;
    if (s->drop_table == FL_SUPPLY_TABLES)
        return 0;
    d = malloc(sizeof *d);
    if (d == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for keys");
    d->s = s;
    d->count = 0;
    r = fl_db_supply_keys(s->db, s->tenant, (enum fl_supply_table)s->drop_table, s->drop_after,
                          DROP_ROWS, pick_key, d, &list, err);
    for (unsigned i = 0; i < d->count && r == FL_OK; i++)
        r = fl_db_supply_drop(s->db, &s->change, (enum fl_supply_table)s->drop_table,
                              fl_span_str(d->key[i]), err);
    free(d);
    memcpy(s->drop_after, list.next, sizeof s->drop_after);
    if (list.next[0] == '\0')
        s->drop_table++;
    return r < 0 ? r : 1;
}

struct left {
    struct fl_intake *s;
    struct fl_err *err;
};

static int check_left(void *ctx, const struct fl_db_supply_row *stored)
{
    struct left *l = ctx;
    enum fl_supply_table table = (enum fl_supply_table)l->s->left_table;
    const struct fl_supply_schema *schema = &fl_supply_schemas[table];
    struct fl_supply_row row;
    int r = fl_supply_unpack(table, stored->cells, &row, l->err);

    for (unsigned i = 0; i < schema->count && r == FL_OK; i++) {
        const struct fl_supply_column *c = &schema->columns[i];
        bool item = c->kind == FL_CELL_ITEM;

        if ((c->kind != FL_CELL_REF && !item) || row.cell[i].len == 0 ||
            (!item && !l->s->in_files[c->refers]))
            continue;
        if (item ? stands(l->s, FL_SUPPLY_PARTS, row.cell[i]) ||
                       stands(l->s, FL_SUPPLY_PRODUCTS, row.cell[i])
                 : stands(l->s, c->refers, row.cell[i]))
            continue;
        r = fl_err_set(
            l->err, FL_E_INVAL,
            "%s '%.*s', which no file replaces, refers to %s '%.*s', which would be gone",
            schema->noun, FL_SPAN_ARG(stored->key),
            item ? "part or product" : fl_supply_schemas[c->refers].noun, FL_SPAN_ARG(row.cell[i]));
    }
    return r;
}

/* Do rows of the other tables still find what they refer to? 1: there is more. */
static int look_at_left(struct fl_intake *s, struct fl_err *err)
{
    struct left l = {s, err};
    struct fl_db_supply_list list = {.count = 0};
    int r;

    while (s->left_table < FL_SUPPLY_TABLES && s->in_files[s->left_table])
        s->left_table++;
    if (s->left_table == FL_SUPPLY_TABLES)
        return 0;
    r = fl_db_supply_rows(s->db, s->tenant, (enum fl_supply_table)s->left_table, 0, s->left_after,
                          "", DROP_ROWS, check_left, &l, &list, err);
    memcpy(s->left_after, list.next, sizeof s->left_after);
    if (list.next[0] == '\0')
        s->left_table++;
    return r < 0 ? r : 1;
}

int fl_intake_apply(struct fl_intake *s, struct fl_err *err)
{
    int r = s->ended ? FL_OK : read_some(s, err);

    if (r == FL_OK && s->findings.errors > 0)
        r = fl_findings_error(&s->findings, err); /* it was right when it was checked */
    if (r == FL_OK && s->replace)
        r = drop_some(s, err);
    if (r == FL_OK && s->replace)
        r = look_at_left(s, err);
    return r;
}
