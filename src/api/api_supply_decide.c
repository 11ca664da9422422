/* Decisions about what may be the same or in the wrong place, what stands to be looked at, layouts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/supply_own.h"
#include "api/work.h"
#include "base/time.h"
#include "supply/import_net.h"

/* ---- decisions ---- */

static int split(struct fl_span subject, struct fl_span *a, struct fl_span *b)
{
    const unsigned char *at = subject.len == 0 ? NULL : memchr(subject.ptr, '@', subject.len);

    if (at == NULL)
        return FL_E_INVAL;
    *a = fl_span_of(subject.ptr, (size_t)(at - subject.ptr));
    *b = fl_span_of(at + 1, subject.len - a->len - 1);
    return a->len == 0 || b->len == 0 || memchr(b->ptr, '@', b->len) != NULL ? FL_E_INVAL : FL_OK;
}

static int pair_answer(struct fl_span subject, const char *answer, struct fl_err *err)
{
    struct fl_span a, b, said = fl_span_str(answer);

    if (split(subject, &a, &b) < 0)
        return fl_err_set(err, FL_E_INVAL, "subject is two ids with '@' between them");
    if (fl_span_eq(said, FL_SPAN("distinct")) || fl_span_eq(said, a) || fl_span_eq(said, b))
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL,
                      "answer is the id that stays ('%.*s' or '%.*s'), or distinct", FL_SPAN_ARG(a),
                      FL_SPAN_ARG(b));
}

int fl_own_decision(const char *kind, const char *subject, const char *answer,
                    struct fl_db_supply_decision *ret, struct fl_err *err)
{
    int r;

    if (strlen(subject) > FL_SUPPLY_SUBJECT_MAX || strlen(answer) > FL_SUPPLY_ANSWER_MAX ||
        subject[0] == '\0')
        return fl_err_set(err, FL_E_INVAL, "subject or answer is empty or too long");
    if (strcmp(kind, "same_supplier") == 0 || strcmp(kind, "duplicate_site") == 0)
        r = pair_answer(fl_span_str(subject), answer, err);
    else if (strcmp(kind, "wrong_place") == 0)
        r = strcmp(answer, "fix") == 0 || strcmp(answer, "right") == 0
                ? FL_OK
                : fl_err_set(err, FL_E_INVAL, "answer is fix or right");
    else
        r = fl_err_set(err, FL_E_INVAL, "kind is same_supplier, duplicate_site or wrong_place");
    if (r < 0)
        return r;
    (void)snprintf(ret->kind, sizeof ret->kind, "%s", kind);
    (void)snprintf(ret->subject, sizeof ret->subject, "%s", subject);
    (void)snprintf(ret->answer, sizeof ret->answer, "%s", answer);
    return FL_OK;
}

static void put_decision(struct fl_json *json, const struct fl_db_supply_decision *d)
{
    fl_json_u64(json, "number", d->number);
    fl_json_text(json, "kind", d->kind);
    fl_json_text(json, "subject", d->subject);
    fl_json_text(json, "answer", d->answer);
    fl_part_time(json, "at", d->at_us);
    fl_json_text(json, "by", d->who);
    fl_part_time(json, "reversed", d->reversed_us);
    fl_json_text(json, "reversed_by", d->reversed_us == 0 ? NULL : d->reversed_by);
}

static int list_decision(void *ctx, const struct fl_db_supply_decision *d)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    put_decision(json, d);
    fl_json_end(json);
    return FL_OK;
}

int fl_api_supply_decisions(struct fl_req *req, struct fl_err *err)
{
    int r;

    fl_json_array(fl_req_object(req), "items");
    r = fl_db_supply_decisions(req->api->db, req->tenant.id, false, list_decision, &req->json, err);
    if (r < 0)
        return r;
    fl_json_end(&req->json);
    fl_req_done(req, 200);
    return FL_OK;
}

/* Both of them are there, and no ring comes of it. */
static int pair_stands(struct fl_req *req, const struct fl_db_supply_decision *d,
                       struct fl_err *err)
{
    enum fl_supply_table table =
        strcmp(d->kind, "same_supplier") == 0 ? FL_SUPPLY_SUPPLIERS : FL_SUPPLY_SITES;
    struct fl_span a, b, gone, stays = fl_span_str(d->answer);
    struct fl_merges *merges = NULL;
    int r;

    if (strcmp(d->kind, "wrong_place") == 0)
        return FL_OK;
    if (split(fl_span_str(d->subject), &a, &b) < 0)
        return fl_err_set(err, FL_E_INVAL, "subject is two ids with '@' between them");
    if (!fl_db_supply_has(req->api->db, req->tenant.id, table, a) ||
        !fl_db_supply_has(req->api->db, req->tenant.id, table, b))
        return fl_err_set(err, FL_E_NOENT, "there is no %s '%.*s' or '%.*s'",
                          fl_supply_schemas[table].noun, FL_SPAN_ARG(a), FL_SPAN_ARG(b));
    if (strcmp(d->answer, "distinct") == 0)
        return FL_OK;
    gone = fl_span_eq(a, stays) ? b : a;
    r = fl_own_merges(req->api->db, req->tenant.id, &merges, err);
    if (r == FL_OK)
        r = fl_merges_add(merges, table, gone, stays, err);
    fl_merges_free(merges);
    return r;
}

/* A position that is put right is a change of the row, to be undone as any other. */
static int fix_place(struct fl_req *req, const struct fl_db_supply_decision *d, struct fl_err *err)
{
    const json_t *fix = json_object_get(req->body, "fix");
    FL_AUTO(fl_buf_done) struct fl_buf cells, packed;
    struct fl_db_supply_change change;
    struct fl_supply_row row;
    char lat[32], lon[32], title[FL_SUPPLY_TITLE_MAX + 1];
    int r;

    fl_buf_init(&cells, FL_SUPPLY_CELLS_BYTES);
    fl_buf_init(&packed, FL_SUPPLY_CELLS_BYTES);
    if (strcmp(d->answer, "fix") != 0 || !json_is_object(fix))
        return FL_OK;
    r = fl_db_supply_peek(req->api->db, req->tenant.id, FL_SUPPLY_SITES, fl_span_str(d->subject),
                          &cells, err);
    if (r == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no site '%s'", d->subject);
    if (r > 0)
        r = fl_supply_unpack(FL_SUPPLY_SITES, fl_buf_span(&cells), &row, err);
    if (r < 0)
        return r;
    (void)snprintf(lat, sizeof lat, "%.9g", json_number_value(json_object_get(fix, "lat")));
    (void)snprintf(lon, sizeof lon, "%.9g", json_number_value(json_object_get(fix, "lon")));
    r = fl_supply_cell(&fl_supply_schemas[FL_SUPPLY_SITES].columns[FL_SITE_LAT], fl_span_str(lat),
                       &req->arena, &row.cell[FL_SITE_LAT], err);
    if (r == FL_OK)
        r = fl_supply_cell(&fl_supply_schemas[FL_SUPPLY_SITES].columns[FL_SITE_LON],
                           fl_span_str(lon), &req->arena, &row.cell[FL_SITE_LON], err);
    if (r < 0)
        return r;
    fl_supply_pack(&row, &packed);
    (void)snprintf(title, sizeof title, "site %.63s: position put right", d->subject);
    r = fl_own_begin(req, "fix", title, &change, err);
    if (r == FL_OK)
        r = fl_db_supply_put(req->api->db, &change, FL_SUPPLY_SITES, fl_span_str(d->subject),
                             fl_buf_span(&packed), err);
    return r < 0 ? r : fl_db_supply_publish(req->api->db, &change, err);
}

int fl_api_supply_decide(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_supply_decision d = {.at_us = req->api->env.now_us()};
    char kind[FL_SUPPLY_KIND_MAX + 1], subject[FL_SUPPLY_SUBJECT_MAX + 1],
        answer[FL_SUPPLY_ANSWER_MAX + 1];
    int r = fl_req_need(req, "kind", kind, sizeof kind, err);

    if (r == FL_OK)
        r = fl_req_need(req, "subject", subject, sizeof subject, err);
    if (r == FL_OK)
        r = fl_req_need(req, "answer", answer, sizeof answer, err);
    if (r == FL_OK)
        r = fl_own_decision(kind, subject, answer, &d, err);
    if (r == FL_OK)
        r = pair_stands(req, &d, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    fl_own_who(req, d.who, sizeof d.who);
    r = fl_db_supply_decide(req->api->db, req->tenant.id, &d, err);
    if (r == FL_OK)
        r = fix_place(req, &d, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "supply.decide", req->tenant.slug, d.kind, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    put_decision(fl_req_object(req), &d);
    fl_req_done(req, 201);
    return FL_OK;
}

int fl_api_supply_reverse(struct fl_req *req, struct fl_err *err)
{
    char who[FL_SUPPLY_WHO_MAX + 1];
    uint64_t number = 0;
    int r = fl_own_number(req, 1, "decision", &number, err);

    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    fl_own_who(req, who, sizeof who);
    r = fl_db_supply_reverse(req->api->db, req->tenant.id, number, who, req->api->env.now_us(),
                             err);
    if (r == FL_OK)
        r = fl_part_audit(req, "supply.reverse", req->tenant.slug, "decision", "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_u64(fl_req_object(req), "reversed", number);
    fl_req_done(req, 200);
    return FL_OK;
}

struct merging {
    struct fl_merges *merges;
    struct fl_err *err;
};

static int add_merge(void *ctx, const struct fl_db_supply_decision *d)
{
    struct merging *m = ctx;
    struct fl_span a, b, stays = fl_span_of(d->answer, strlen(d->answer));
    bool supplier = strcmp(d->kind, "same_supplier") == 0;

    if ((!supplier && strcmp(d->kind, "duplicate_site") != 0) ||
        split(fl_span_str(d->subject), &a, &b) < 0 ||
        (!fl_span_eq(a, stays) && !fl_span_eq(b, stays)))
        return FL_OK;
    return fl_merges_add(m->merges, supplier ? FL_SUPPLY_SUPPLIERS : FL_SUPPLY_SITES,
                         fl_span_eq(a, stays) ? b : a, stays, m->err);
}

int fl_own_merges(struct fl_db *db, uint32_t tenant, struct fl_merges **ret, struct fl_err *err)
{
    struct merging m = {.err = err};
    int r = fl_merges_new(&m.merges, err);

    if (r == FL_OK)
        r = fl_db_supply_decisions(db, tenant, true, add_merge, &m, err);
    if (r < 0) {
        fl_merges_free(m.merges);
        return r;
    }
    *ret = m.merges;
    return FL_OK;
}

/* ---- what stands to be looked at ---- */

static int run_findings(const struct fl_work_in *in, struct fl_err *err)
{
    FL_AUTO(fl_findings_done) struct fl_findings findings = {.list = NULL};
    struct fl_net_mapped mapped;
    struct fl_json json;
    int r = fl_findings_init(&findings, err);

    if (r == FL_OK)
        r = fl_net_check(in->net->net, fl_day_of(in->now_us), &findings, &mapped, err);
    if (r < 0)
        return r;
    fl_json_init(&json, in->out);
    fl_json_object(&json, NULL);
    fl_json_array(&json, "items");
    for (unsigned i = 0; i < findings.count; i++)
        fl_own_finding(&json, &findings.list[i]);
    fl_json_end(&json);
    fl_json_u64(&json, "total", findings.errors + findings.warnings);
    fl_json_null(&json, "next");
    fl_json_end(&json);
    return FL_OK;
}

int fl_api_supply_findings(struct fl_req *req, struct fl_err *err)
{
    const struct fl_work_ask ask = {.run = run_findings, .net = true};

    return fl_work_answer(req, &ask, err);
}

/* ---- layouts ---- */

static int list_layout(void *ctx, const struct fl_db_supply_layout *layout)
{
    struct fl_json *json = ctx;
    const char *at = layout->map;

    fl_json_object(json, NULL);
    fl_json_text(json, "id", layout->headings);
    fl_json_text(json, "name", layout->name);
    fl_json_text(json, "table", fl_supply_schemas[layout->table].name);
    fl_json_object(json, "columns");
    while (*at != '\0') {
        size_t theirs = strcspn(at, "\x1F"), ours;

        fl_json_key_span(json, fl_span_of(at, theirs));
        at += theirs + (at[theirs] != '\0');
        ours = strcspn(at, "\x1F");
        fl_json_str(json, NULL, fl_span_of(at, ours));
        at += ours + (at[ours] != '\0');
    }
    fl_json_end(json);
    fl_part_time(json, "at", layout->at_us);
    fl_json_text(json, "by", layout->who);
    fl_json_end(json);
    return FL_OK;
}

int fl_api_supply_layouts(struct fl_req *req, struct fl_err *err)
{
    int r;

    fl_json_array(fl_req_object(req), "items");
    r = fl_db_supply_layouts(req->api->db, req->tenant.id, list_layout, &req->json, err);
    if (r < 0)
        return r;
    fl_json_end(&req->json);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_supply_layout_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_span id = fl_arena_copy(&req->arena, req->arg[1]);
    int r = fl_db_supply_layout_remove(req->api->db, req->tenant.id,
                                       id.ptr == NULL ? "" : (const char *)id.ptr, err);

    if (r < 0)
        return r;
    fl_json_str(fl_req_object(req), "removed", req->arg[1]);
    fl_req_done(req, 200);
    return FL_OK;
}
