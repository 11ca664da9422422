/* Imports: files in pieces, a check that says everything, applying as one change. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/supply_session.h"
#include "base/time.h"

/* ---- the import itself ---- */

static int take_import(struct fl_req *req, struct fl_db_supply_import *ret, struct fl_err *err)
{
    uint64_t id = 0;
    int r = fl_own_number(req, 1, "import", &id, err);

    return r < 0 ? r
                 : fl_db_supply_import_get(req->api->db, req->tenant.id, (uint32_t)id, ret, err);
}

static int list_file(void *ctx, const char *file, uint64_t size)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    fl_json_text(json, "name", file);
    fl_json_u64(json, "bytes", size);
    fl_json_end(json);
    return FL_OK;
}

static void put_import(struct fl_req *req, struct fl_json *json,
                       const struct fl_db_supply_import *import)
{
    static const char *const states[] = {"checking", "checked", "applying"};
    const struct fl_intake *s = fl_supply_session_find(req->api, import->tenant, import->id);
    char id[16];
    struct fl_err err;
    int r;

    (void)snprintf(id, sizeof id, "%u", import->id);
    fl_json_text(json, "id", id);
    fl_json_text(json, "name", import->name);
    fl_json_text(json, "by", import->who);
    fl_part_time(json, "created", import->created_us);
    fl_part_time(json, "expires", import->created_us + FL_SUPPLY_IMPORT_US);
    fl_json_u64(json, "bytes", import->bytes);
    fl_json_text(json, "state", s == NULL ? "files" : states[s->state]);
    fl_json_array(json, "files");
    r = fl_db_supply_files(req->api->db, import->id, list_file, json, &err);
    (void)r; /* what there is of the list is given */
    fl_json_end(json);
}

int fl_api_supply_import_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_supply_import import = {.tenant = req->tenant.id,
                                         .created_us = req->api->env.now_us()};
    int r = fl_req_text(req, "name", import.name, sizeof import.name, err);

    if (r < 0)
        return r;
    fl_own_who(req, import.who, sizeof import.who);
    r = fl_db_supply_import_add(req->api->db, &import, err);
    if (r < 0)
        return r;
    put_import(req, fl_req_object(req), &import);
    fl_req_done(req, 201);
    return FL_OK;
}

int fl_api_supply_import_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_supply_import import;
    int r = take_import(req, &import, err);

    if (r < 0)
        return r;
    put_import(req, fl_req_object(req), &import);
    fl_req_done(req, 200);
    return FL_OK;
}

static int list_import(void *ctx, const struct fl_db_supply_import *import)
{
    struct fl_req *req = ctx;

    fl_json_object(&req->json, NULL);
    put_import(req, &req->json, import);
    fl_json_end(&req->json);
    return FL_OK;
}

int fl_api_supply_imports(struct fl_req *req, struct fl_err *err)
{
    int r;

    fl_json_array(fl_req_object(req), "items");
    r = fl_db_supply_imports(req->api->db, req->tenant.id, list_import, req, err);
    if (r < 0)
        return r;
    fl_json_end(&req->json);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_supply_import_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_supply_import import;
    struct fl_intake *s;
    int r = take_import(req, &import, err);

    if (r < 0)
        return r;
    s = fl_supply_session_find(req->api, import.tenant, import.id);
    if (s != NULL)
        fl_intake_drop(req->api, s);
    r = fl_db_supply_import_remove(req->api->db, import.tenant, import.id, err);
    if (r < 0)
        return r;
    fl_json_str(fl_req_object(req), "removed", req->arg[1]);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- pieces ---- */

/* A name without a path; the kinds of file that are read. */
static int file_name(struct fl_req *req, char ret[FL_IMPORT_FILE_NAME_MAX + 1], struct fl_err *err)
{
    struct fl_span name = req->arg[2];

    if (name.len == 0 || name.len > FL_IMPORT_FILE_NAME_MAX ||
        memchr(name.ptr, '/', name.len) != NULL || memchr(name.ptr, 0, name.len) != NULL)
        return fl_err_set(err, FL_E_INVAL, "a file's name has 1 to %u bytes and no '/'",
                          FL_IMPORT_FILE_NAME_MAX);
    (void)snprintf(ret, FL_IMPORT_FILE_NAME_MAX + 1, "%.*s", FL_SPAN_ARG(name));
    return FL_OK;
}

int fl_api_supply_import_file(struct fl_req *req, struct fl_err *err)
{
    char name[FL_IMPORT_FILE_NAME_MAX + 1];
    struct fl_db_supply_import import;
    struct fl_intake *s;
    uint64_t offset = 0, size = 0;
    int r = take_import(req, &import, err);

    if (r == FL_OK)
        r = file_name(req, name, err);
    if (r >= 0)
        r = fl_req_param_num(req, "offset", 0, FL_SUPPLY_IMPORT_BYTES, &offset, err);
    if (r >= 0 && req->call.body.len > FL_API_BODY_MAX)
        r = fl_err_set(err, FL_E_LIMIT, "a piece has at most %zu bytes", FL_API_BODY_MAX);
    if (r < 0)
        return r;
    s = fl_supply_session_find(req->api, import.tenant, import.id);
    if (s != NULL && s->state == FL_INTAKE_APPLYING)
        return fl_err_set(err, FL_E_EXISTS, "the import is being applied");
    if (s != NULL)
        fl_intake_drop(req->api, s); /* what was checked is not what there is now */
    r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_supply_piece_put(req->api->db, &import, name, offset, req->call.body, &size, err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_text(fl_req_object(req), "name", name);
    fl_json_u64(&req->json, "bytes", size);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- the report ---- */

void fl_own_finding(struct fl_json *json, const struct fl_finding *f)
{
    fl_json_object(json, NULL);
    fl_json_text(json, "kind", f->warning ? "warning" : "error");
    fl_json_text(json, "what", f->kind);
    fl_json_text(json, "file", f->file);
    if (f->line > 0)
        fl_json_u64(json, "line", f->line);
    else
        fl_json_null(json, "line");
    fl_json_text(json, "column", f->column);
    fl_json_text(json, "value", f->value);
    fl_json_text(json, "text", f->text);
    fl_json_text(json, "fix", f->fix[0] == '\0' ? NULL : f->fix);
    fl_json_end(json);
}

static void put_map_column(struct fl_json *json, const struct fl_import_map *map,
                           const struct fl_import_column *c)
{
    char note[80] = "";

    if (c->ours == FL_IMPORT_KEEP)
        (void)snprintf(note, sizeof note, "kept as it is");
    else if (c->ours == FL_IMPORT_DROP)
        (void)snprintf(note, sizeof note, "not taken");
    else if (c->factor != 1)
        (void)snprintf(note, sizeof note, "%s%sx %g", c->unit, c->unit[0] == '\0' ? "" : " ",
                       c->factor);
    fl_json_object(json, NULL);
    fl_json_text(json, "theirs", c->theirs);
    fl_json_text(json, "ours",
                 c->ours < 0 ? NULL : fl_supply_schemas[map->table].columns[c->ours].name);
    fl_json_text(json, "first", c->first);
    fl_json_u64(json, "filled", c->filled);
    fl_json_text(json, "note", note);
    fl_json_end(json);
}

/* A file whose key column was not found shows its headings: somebody can say which it is. */
static void put_file(struct fl_json *json, const struct fl_import_file *f)
{
    const char separator[2] = {f->separator, '\0'};
    bool headed = f->known || f->map.count > 0;

    fl_json_object(json, NULL);
    fl_json_text(json, "name", f->name);
    fl_json_text(json, "table", headed ? fl_supply_schemas[f->map.table].name : NULL);
    fl_json_u64(json, "rows", f->rows);
    fl_json_u64(json, "bad", f->bad);
    fl_json_text(json, "encoding", f->encoding);
    fl_json_text(json, "separator", separator[0] == '\t' ? "tab" : separator);
    fl_json_text(json, "decimal", f->map.decimal == ',' ? "," : ".");
    fl_json_array(json, "columns");
    for (unsigned i = 0; headed && i < f->map.count; i++)
        put_map_column(json, &f->map, &f->map.column[i]);
    fl_json_end(json);
    fl_json_end(json);
}

static void put_proposal(struct fl_json *json, const struct fl_proposal *p)
{
    fl_json_object(json, NULL);
    fl_json_text(json, "id", p->subject);
    fl_json_text(json, "kind", p->kind);
    fl_json_text(json, "subject", p->subject);
    fl_json_text(json, "text", p->text);
    if (p->likeness > 0)
        fl_json_f64(json, "likeness", p->likeness);
    if (!isnan(p->lat)) {
        fl_json_object(json, "fix");
        fl_json_f64(json, "lat", p->lat);
        fl_json_f64(json, "lon", p->lon);
        fl_json_end(json);
    }
    fl_json_text(json, "answer", p->answer[0] == '\0' ? NULL : p->answer);
    fl_json_end(json);
}

static void put_would(struct fl_json *json, const struct fl_intake *s, const char *key)
{
    fl_json_object(json, key);
    fl_json_u64(json, "new", s->added);
    fl_json_u64(json, "changed", s->changed);
    fl_json_u64(json, "same", s->same);
    fl_json_u64(json, "removed", s->removed);
    fl_json_end(json);
}

static void put_progress(struct fl_json *json, const struct fl_intake *s)
{
    uint64_t done = 0, total = 0;

    for (unsigned i = 0; i < s->files; i++) {
        done += s->file[i].at;
        total += s->file[i].size;
    }
    fl_json_f64(json, "done", total == 0 ? 1 : (double)done / (double)total);
}

static void report(struct fl_req *req, const struct fl_intake *s)
{
    struct fl_json *json = fl_req_object(req);
    bool checked = s->state == FL_INTAKE_CHECKED;

    fl_json_text(json, "state", checked ? "checked" : "checking");
    put_progress(json, s);
    if (!checked) {
        fl_req_done(req, 202);
        return;
    }
    fl_json_text(json, "mode", s->replace ? "replace" : "merge");
    fl_json_array(json, "files");
    for (unsigned i = 0; i < fl_import_files(s->imp); i++)
        put_file(json, fl_import_file(s->imp, i));
    fl_json_end(json);
    fl_json_u64(json, "errors", s->findings.errors);
    fl_json_u64(json, "warnings", s->findings.warnings);
    fl_json_array(json, "findings");
    for (unsigned i = 0; i < s->findings.count; i++)
        fl_own_finding(json, &s->findings.list[i]);
    fl_json_end(json);
    fl_json_u64(json, "proposals_total", s->proposals_all);
    fl_json_array(json, "proposals");
    for (unsigned i = 0; i < s->proposal_count; i++)
        put_proposal(json, &s->proposals[i]);
    fl_json_end(json);
    put_would(json, s, "would");
    fl_req_done(req, 200);
}

/* ---- checking ---- */

static int read_mode(struct fl_req *req, bool *ret, struct fl_err *err)
{
    char mode[16] = "merge";
    int r = fl_req_text(req, "mode", mode, sizeof mode, err);

    if (r < 0)
        return r;
    *ret = strcmp(mode, "replace") == 0;
    if (*ret || strcmp(mode, "merge") == 0)
        return FL_OK;
    req->field = "mode";
    return fl_err_set(err, FL_E_INVAL, "mode is merge or replace");
}

static int read_columns(struct fl_req *req, struct fl_err *err)
{
    json_t *columns = json_object_get(req->body, "columns"), *file, *ours;
    const char *name, *theirs;

    req->field = "columns";
    if (columns != NULL && !json_is_object(columns))
        return fl_err_set(err, FL_E_INVAL, "columns is {file: {theirs: ours}}");
    json_object_foreach(columns, name, file)
    {
        if (!json_is_object(file))
            return fl_err_set(err, FL_E_INVAL, "columns is {file: {theirs: ours}}");
        json_object_foreach(
            file, theirs,
            ours) if (!json_is_string(ours) || json_string_length(ours) > 100 ||
                      strlen(theirs) >
                          100) return fl_err_set(err, FL_E_INVAL,
                                                 "columns of %.60s: names of at most 100 bytes",
                                                 name);
    }
    req->field = NULL;
    return FL_OK;
}

static int decide_one(struct fl_req *req, const json_t *item, struct fl_err *err)
{
    struct fl_db_supply_decision d = {.at_us = req->api->env.now_us()};
    const char *kind = json_string_value(json_object_get(item, "kind")),
               *subject = json_string_value(json_object_get(item, "subject")),
               *answer = json_string_value(json_object_get(item, "answer"));
    int r;

    if (kind == NULL || subject == NULL || answer == NULL) {
        req->field = "decisions";
        return fl_err_set(err, FL_E_INVAL, "a decision has kind, subject and answer");
    }
    r = fl_own_decision(kind, subject, answer, &d, err);
    if (r < 0)
        return r;
    fl_own_who(req, d.who, sizeof d.who);
    r = fl_db_supply_decide(req->api->db, req->tenant.id, &d, err);
    return r == FL_E_EXISTS ? FL_OK : r; /* it was told again with each check */
}

static int take_decisions(struct fl_req *req, struct fl_err *err)
{
    const json_t *list = json_object_get(req->body, "decisions"), *item;
    size_t i;
    int r;

    if (json_array_size(list) == 0)
        return FL_OK;
    r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    json_array_foreach(list, i, item) if (r == FL_OK) r = decide_one(req, item, err);
    return fl_part_end(req, r, err);
}

static int begin_check(struct fl_req *req, const struct fl_db_supply_import *import,
                       struct fl_intake **ret, struct fl_err *err)
{
    char layout[FL_SLUG_MAX + 1] = "";
    bool replace = false;
    int r = read_mode(req, &replace, err);

    if (r == FL_OK)
        r = fl_intake_free_way(req->api, req->tenant.id, err);
    if (r == FL_OK)
        r = read_columns(req, err);
    if (r == FL_OK)
        r = fl_req_text(req, "layout", layout, sizeof layout, err);
    if (r >= 0)
        r = take_decisions(req, err);
    if (r >= 0)
        r = fl_intake_omts(req, import, err);
    if (r >= 0)
        r = fl_intake_new(req, import->id, ret, err);
    if (r < 0)
        return r;
    (*ret)->replace = replace;
    (*ret)->columns = json_incref(json_object_get(req->body, "columns"));
    memcpy((*ret)->layout, layout, sizeof layout);
    return FL_OK;
}

/* The first call, or one that says something new, begins; one without a body goes on. */
int fl_api_supply_import_check(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_supply_import import;
    struct fl_intake *s;
    int r = take_import(req, &import, err);

    if (r < 0)
        return r;
    s = fl_supply_session_find(req->api, import.tenant, import.id);
    if (s == NULL || s->state != FL_INTAKE_CHECKING || json_object_size(req->body) > 0)
        r = begin_check(req, &import, &s, err);
    if (r == FL_OK)
        r = fl_intake_check(s, err);
    if (r < 0) {
        if (s != NULL && r != FL_E_AGAIN)
            fl_intake_drop(req->api, s);
        return r;
    }
    report(req, s);
    return FL_OK;
}

/* ---- applying ---- */

static int keep_layout(struct fl_req *req, const struct fl_intake *s,
                       const struct fl_intake_file *f, const struct fl_import_map *map,
                       struct fl_err *err)
{
    struct fl_db_supply_layout layout = {.table = map->table, .at_us = req->api->env.now_us()};
    const json_t *told = json_object_get(s->columns, f->name), *ours;
    const char *theirs;
    size_t len = 0;

    if (told == NULL || f->headings[0] == '\0')
        return FL_OK;
    memcpy(layout.headings, f->headings, sizeof layout.headings);
    (void)snprintf(layout.name, sizeof layout.name, "%.60s",
                   s->layout[0] == '\0' ? f->name : s->layout);
    fl_own_who(req, layout.who, sizeof layout.who);
    json_object_foreach((json_t *)(uintptr_t)told, theirs, ours) if (len < sizeof layout.map) len +=
        (size_t)snprintf(layout.map + len, sizeof layout.map - len, "%s\x1F%s\x1F", theirs,
                         json_string_value(ours));
    return len < sizeof layout.map
               ? fl_db_supply_layout_set(req->api->db, req->tenant.id, &layout, err)
               : FL_OK; /* too large to be kept */
}

static int finish(struct fl_req *req, struct fl_intake *s, struct fl_err *err)
{
    int r = FL_OK;

    for (unsigned i = 0; i < s->files && r == FL_OK; i++)
        r = keep_layout(req, s, &s->file[i], &fl_import_file(s->imp, i)->map, err);
    if (r == FL_OK && s->change.added + s->change.changed + s->change.removed == 0)
        r = fl_db_supply_abandon(req->api->db, s->tenant, 10, err); /* nothing changed */
    else if (r == FL_OK)
        r = fl_db_supply_publish(req->api->db, &s->change, err);
    if (r >= 0)
        r = fl_db_supply_import_remove(req->api->db, s->tenant, s->id, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "supply.import", req->tenant.slug, "network", "", err);
    return r;
}

static int begin_apply(struct fl_req *req, struct fl_intake *s,
                       const struct fl_db_supply_import *import, struct fl_err *err)
{
    struct fl_db_supply_head head;
    bool replace = s->replace;
    int r = read_mode(req, &replace, err);

    if (r == FL_OK && json_object_get(req->body, "mode") != NULL && replace != s->replace)
        r = fl_err_set(err, FL_E_EXISTS, "the check was for another mode; check with mode %s first",
                       replace ? "replace" : "merge");
    if (r == FL_OK && s->findings.errors > 0)
        r = fl_findings_error(&s->findings, err);
    if (r == FL_OK)
        r = fl_intake_free_way(req->api, s->tenant, err);
    if (r == FL_OK)
        r = fl_db_supply_head(req->api->db, s->tenant, &head, err);
    if (r == FL_OK && head.version != s->version)
        r = fl_err_set(err, FL_E_EXISTS, "the network changed since the check; check again");
    if (r == FL_OK)
        r = fl_own_begin(req, "import", import->name[0] == '\0' ? "import" : import->name,
                         &s->change, err);
    return r < 0 ? r : fl_intake_apply_begin(s, err);
}

static int apply_step(struct fl_req *req, struct fl_intake *s,
                      const struct fl_db_supply_import *import, struct fl_err *err)
{
    int r = fl_part_begin(req, err), more;

    if (r < 0)
        return r;
    if (s->state == FL_INTAKE_CHECKED)
        r = begin_apply(req, s, import, err);
    more = r < 0 ? r : fl_intake_apply(s, err);
    r = more == 0 ? finish(req, s, err) : more < 0 ? more : FL_OK;
    r = fl_part_end(req, r, err);
    return r < 0 ? r : more;
}

static void take_back(struct fl_req *req, uint32_t tenant)
{
    struct fl_err err;
    int r = fl_part_begin(req, &err);

    if (r < 0)
        return; /* the next change begins with it */
    r = fl_db_supply_abandon(req->api->db, tenant, 20000, &err);
    r = fl_part_end(req, r < 0 ? r : FL_OK, &err);
    (void)r;
}

int fl_api_supply_import_apply(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_supply_import import;
    struct fl_intake *s;
    struct fl_json *json;
    bool began;
    int r = take_import(req, &import, err);

    if (r < 0)
        return r;
    s = fl_supply_session_find(req->api, import.tenant, import.id);
    if (s == NULL || s->state == FL_INTAKE_CHECKING)
        return fl_err_set(err, FL_E_EXISTS, "check the import first, until its state is checked");
    r = apply_step(req, s, &import, err);
    began = s->state == FL_INTAKE_APPLYING;
    if (r < 0) {
        if (began) {
            fl_intake_drop(req->api, s);
            take_back(req, import.tenant);
        }
        return r;
    }
    json = fl_req_object(req);
    fl_json_text(json, "state", r == 0 ? "applied" : "applying");
    put_progress(json, s);
    if (r == 0) {
        s->removed = s->change.removed;
        if (s->change.added + s->change.changed + s->change.removed > 0)
            fl_json_u64(json, "change", s->change.number);
        else
            fl_json_null(json, "change");
        put_would(json, s, "did");
        fl_intake_drop(req->api, s);
    }
    fl_req_done(req, r == 0 ? 200 : 202);
    return FL_OK;
}
