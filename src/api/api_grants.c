/* What a tenant lets the operator do; and who looks at personal data, for what. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/gate.h"
#include "api/people.h"
#include "base/time.h"

/* ---- grants ---- */

static void put_grant(struct fl_req *req, const struct fl_grant *g)
{
    struct fl_json *json = &req->json;

    fl_json_u64(json, "id", g->id);
    fl_json_text(json, "kind", fl_grant_kind_name(g->kind));
    fl_json_bool(json, "data", g->data);
    fl_json_bool(json, "living", fl_grant_lives(g, req->api->env.now_us()));
    fl_json_text(json, "reason", g->reason);
    fl_json_text(json, "given_by", g->given_by);
    fl_part_time(json, "created", g->created_us);
    fl_part_time(json, "until", g->until_us == INT64_MAX ? 0 : g->until_us);
    fl_part_time(json, "ended", g->ended_us);
}

static int list_grant(void *ctx, const struct fl_grant *grant)
{
    struct fl_req *req = ctx;

    fl_json_object(&req->json, NULL);
    put_grant(req, grant);
    fl_json_end(&req->json);
    return 0;
}

int fl_api_grants(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_grants(req->api->db, req->tenant.id, page, list_grant, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

/* Recorded first; then keys; then for people to read. What is stored last is mended by a check. */
static int record(struct fl_req *req, const struct fl_grant *g, const char *event,
                  struct fl_err *err)
{
    char detail[80];

    (void)snprintf(detail, sizeof detail, "{\"kind\":\"%s\",\"data\":%s}",
                   fl_grant_kind_name(g->kind), g->data ? "true" : "false");
    return fl_part_record(req, event, req->tenant.slug, g->reason, detail, err);
}

static int given(struct fl_req *req, struct fl_err *err)
{
    struct fl_grant *g = req->state;
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_db_grant_add(req->api->db, g, err);
    r = fl_part_end(req, r, err);
    if (r < 0) {
        fl_people_check(req->api);
        return r;
    }
    (void)fl_req_object(req);
    put_grant(req, g);
    fl_req_done(req, 201);
    return FL_OK;
}

static int tell_keys(struct fl_req *req, const struct fl_grant *g, bool ends,
                     int (*then)(struct fl_req *req, struct fl_err *err), struct fl_err *err)
{
    struct fl_msg_tenant_grant msg = {
        .by = req->caller.session,
        .by_uid = req->caller.uid,
        .tenant = g->tenant,
        .kind = (uint8_t)g->kind,
        .scope = fl_people_grant_scope(g, req->tenant.demo),
        .until_us = ends ? 0 : g->until_us,
    };

    return fl_people_tell(req, FL_MSG_TENANT_GRANT, &msg, FL_ASK_MS, then, err);
}

static int take_hours(struct fl_req *req, struct fl_grant *g, struct fl_err *err)
{
    const json_t *hours = json_object_get(req->body, "hours");
    double h = json_is_number(hours) ? json_number_value(hours) : -1;

    g->until_us = INT64_MAX;
    if (hours == NULL || json_is_null(hours))
        return FL_OK;
    if (isfinite(h) && h > 0 && h <= FL_SUPPORT_HOURS_MAX) {
        g->until_us = g->created_us + (int64_t)(h * 3.6e9);
        return FL_OK;
    }
    req->field = "hours";
    return fl_err_set(err, FL_E_INVAL, "hours is a number up to %u", FL_SUPPORT_HOURS_MAX);
}

static int take_grant(struct fl_req *req, struct fl_grant *g, struct fl_err *err)
{
    char kind[16];
    int r = fl_req_need(req, "kind", kind, sizeof kind, err);

    if (r < 0)
        return r;
    if (!fl_grant_kind_find(fl_span_str(kind), &g->kind)) {
        req->field = "kind";
        return fl_err_set(err, FL_E_INVAL, "kind is network or support");
    }
    g->data = g->kind == FL_TENANT_GRANT_SUPPORT;
    r = fl_req_bool(req, "data", &g->data, err);
    if (r >= 0)
        r = fl_req_text(req, "reason", g->reason, sizeof g->reason, err);
    if (r >= 0)
        r = take_hours(req, g, err);
    g->data = g->data || g->kind == FL_TENANT_GRANT_SUPPORT;
    return r < 0 ? r : fl_grant_check(g, err);
}

int fl_api_grant_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_grant *g = fl_arena_get(&req->arena, sizeof *g);
    int r;

    if (g == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    memset(g, 0, sizeof *g);
    g->tenant = req->tenant.id;
    g->created_us = req->api->env.now_us();
    fl_people_caller_name(req, g->given_by, sizeof g->given_by);
    req->state = g;
    r = take_grant(req, g, err);
    if (r == FL_OK)
        r = record(req, g, "grant.add", err);
    return r < 0 ? r : tell_keys(req, g, false, given, err);
}

static int ended(struct fl_req *req, struct fl_err *err)
{
    struct fl_grant *g = req->state;
    int r = fl_db_grant_end(req->api->db, g->tenant, g->id, req->api->env.now_us(), err);

    if (r < 0)
        return r;
    fl_json_u64(fl_req_object(req), "ended", g->id);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_grant_end(struct fl_req *req, struct fl_err *err)
{
    struct fl_grant *g = fl_arena_get(&req->arena, sizeof *g);
    uint64_t id = 0;
    int r;

    if (g == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    if (!fl_span_u64(req->arg[1], &id) || id > UINT32_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no such grant");
    r = fl_db_grant_get(req->api->db, req->tenant.id, (uint32_t)id, g, err);
    if (r == FL_OK && !fl_grant_lives(g, req->api->env.now_us()))
        return fl_err_set(err, FL_E_EXISTS, "grant number %u has ended already", g->id);
    if (r == FL_OK)
        r = record(req, g, "grant.end", err);
    if (r < 0)
        return r;
    req->state = g;
    return tell_keys(req, g, true, ended, err);
}

/* ---- personal data ---- */

static void put_reveal(struct fl_req *req, const struct fl_reveal *v)
{
    struct fl_json *json = &req->json;
    int64_t now_us = req->api->env.now_us();

    fl_json_u64(json, "id", v->id);
    fl_json_text(json, "user", v->who);
    fl_json_bool(json, "living", v->ended_us == 0 && v->until_us > now_us);
    fl_json_bool(json, "own", !req->caller.local && v->session == req->caller.session);
    fl_json_text(json, "purpose", v->purpose);
    fl_json_text(json, "ticket", v->ticket);
    fl_part_time(json, "created", v->created_us);
    fl_part_time(json, "until", v->until_us);
    fl_part_time(json, "ended", v->ended_us);
}

static int list_reveal(void *ctx, const struct fl_reveal *reveal)
{
    struct fl_req *req = ctx;

    fl_json_object(&req->json, NULL);
    put_reveal(req, reveal);
    fl_json_end(&req->json);
    return 0;
}

int fl_api_reveals(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_reveals(req->api->db, req->tenant.id, page, list_reveal, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

static int check_person(struct fl_req *req, struct fl_err *err)
{
    if (!req->caller.local && !req->caller.is_token)
        return FL_OK;
    return fl_req_why(req, 403, "refused", err,
                      "personal data is shown to a person who signed in, not to a token or the "
                      "local socket");
}

static int revealed(struct fl_req *req, struct fl_err *err)
{
    struct fl_reveal *v = req->state;
    int r = fl_db_reveal_add(req->api->db, v, err);

    if (r < 0)
        return r;
    (void)fl_req_object(req);
    put_reveal(req, v);
    fl_req_done(req, 201);
    return FL_OK;
}

static int take_reveal(struct fl_req *req, struct fl_reveal *v, struct fl_err *err)
{
    uint64_t minutes = 30;
    int r = fl_req_need(req, "purpose", v->purpose, sizeof v->purpose, err);

    if (r == FL_OK && !fl_reveal_purpose(fl_span_str(v->purpose))) {
        req->field = "purpose";
        return fl_err_set(err, FL_E_INVAL, "purpose is one of " FL_REVEAL_PURPOSES);
    }
    if (r == FL_OK)
        r = fl_req_text(req, "ticket", v->ticket, FL_REVEAL_TICKET_MAX + 1, err);
    if (r > 0)
        r = fl_name_check(fl_span_str(v->ticket), "ticket", err);
    if (r >= 0)
        r = fl_req_num(req, "minutes", 1, (uint64_t)(FL_REVEAL_US / FL_MINUTE_US), &minutes, err);
    v->until_us = v->created_us + (int64_t)minutes * FL_MINUTE_US;
    return r < 0 ? r : FL_OK;
}

static int record_reveal(struct fl_req *req, const struct fl_reveal *v, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf detail;
    struct fl_json json;
    int r;

    fl_buf_init(&detail, FL_MSG_TEXT_MAX);
    fl_json_init(&json, &detail);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "ticket", v->ticket);
    fl_json_time(&json, "until", v->until_us);
    fl_json_end(&json);
    fl_buf_put_u8(&detail, '\0');
    r = fl_buf_status(&detail, err);
    return r < 0 ? r
                 : fl_part_record(req, "personal.reveal", req->tenant.slug, v->purpose,
                                  (const char *)detail.ptr, err);
}

int fl_api_reveal_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_reveal *v = fl_arena_get(&req->arena, sizeof *v);
    struct fl_msg_reveal msg = {.session = req->caller.session};
    int r = check_person(req, err);

    if (r < 0)
        return r;
    if (v == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    memset(v, 0, sizeof *v);
    v->tenant = req->tenant.id;
    v->user = req->caller.user;
    v->session = req->caller.session;
    v->created_us = req->api->env.now_us();
    (void)snprintf(v->who, sizeof v->who, "%s", req->caller.name);
    r = take_reveal(req, v, err);
    if (r == FL_OK)
        r = record_reveal(req, v, err);
    if (r < 0)
        return r;
    req->state = v;
    msg.tenant = req->tenant.id;
    msg.purpose = fl_span_str(v->purpose);
    msg.ticket = fl_span_str(v->ticket);
    msg.until_us = v->until_us;
    return fl_people_tell(req, FL_MSG_REVEAL, &msg, FL_ASK_MS, revealed, err);
}

static int hidden(struct fl_req *req, struct fl_err *err)
{
    int r = fl_db_reveal_end(req->api->db, req->tenant.id, req->caller.session,
                             req->api->env.now_us(), err);

    if (r < 0)
        return r;
    fl_json_bool(fl_req_object(req), "ended", true);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_reveal_end(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_reveal msg = {.session = req->caller.session};
    int r = check_person(req, err);

    if (r < 0)
        return r;
    msg.tenant = req->tenant.id;
    return fl_people_tell(req, FL_MSG_REVEAL, &msg, FL_ASK_MS, hidden, err);
}
