#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/gate.h"
#include "api/people.h"
#include "base/time.h"
#include "model/alarm.h"
#include "trust/cert.h"

#define HOURS_MAX 168.0 /* a week: longer reading needs a role that the tenant gives */

static int pass_site(void *ctx, const struct fl_site *site)
{
    (void)ctx, (void)site;
    return 0;
}

static int pass_device(void *ctx, const struct fl_device *device)
{
    (void)ctx, (void)device;
    return 0;
}

static uint64_t total_of(struct fl_req *req, uint32_t tenant, bool devices)
{
    struct fl_db_page page = {.limit = 1};
    struct fl_db_list list = {.total = 0};
    int r = devices ? fl_db_devices(req->api->db, tenant, page, pass_device, NULL, &list, NULL)
                    : fl_db_sites(req->api->db, tenant, page, pass_site, NULL, &list, NULL);

    return r < 0 ? 0 : list.total;
}

static void put_tenant(struct fl_req *req, struct fl_json *json, const struct fl_tenant *t)
{
    struct fl_tenant_ca ca;
    bool own = fl_db_tenant_ca_get(req->api->db, t->id, &ca, NULL) == FL_OK;

    fl_json_text(json, "slug", t->slug);
    fl_json_text(json, "name", t->name);
    fl_json_u64(json, "keep_days", t->keep_days);
    fl_json_u64(json, "quota_bytes", t->quota_bytes);
    fl_json_bool(json, "demo", t->demo);
    fl_json_text(json, "far_zones", t->far_zones);
    fl_json_text(json, "far_instances", t->far_instances);
    fl_json_u64(json, "silent_minutes",
                t->silent_minutes == 0 ? FL_ALARM_SILENT_MIN : t->silent_minutes);
    fl_json_u64(json, "sites", total_of(req, t->id, false));
    fl_json_u64(json, "devices", total_of(req, t->id, true));
    fl_json_bool(json, "ca", own);
    fl_part_time(json, "local_access_until",
                 t->local_access_us > req->api->env.now_us() && !t->demo ? t->local_access_us : 0);
    fl_part_time(json, "created_at", t->created_us);
}

static int list_one(void *ctx, const struct fl_tenant *tenant)
{
    struct fl_req *req = ctx;

    if (req->caller.tenant != 0 && req->caller.tenant != tenant->id)
        return 0;
    fl_json_object(&req->json, NULL);
    put_tenant(req, &req->json, tenant);
    fl_json_end(&req->json);
    return 0;
}

int fl_api_tenants(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r < 0)
        return r;
    if (req->caller.tenant != 0)
        page = (struct fl_db_page){NULL, 0};
    r = fl_db_tenants(req->api->db, page, list_one, req, &list, err);
    if (req->caller.tenant != 0) { /* how many there are is not a tenant's to know */
        list.total = 1;
        list.next[0] = '\0';
    }
    return fl_part_list_end(req, r, &list);
}

/* What the operator alone decides. */
static int check_fields(struct fl_req *req, struct fl_err *err)
{
    static const char *const names[] = {"quota_bytes", "demo"};

    for (size_t i = 0; i < FL_LEN(names); i++) {
        if (json_object_get(req->body, names[i]) == NULL ||
            fl_gate_may(req, FL_OBJECT_TENANTS, FL_VERB_SET))
            continue;
        req->field = names[i];
        return fl_req_why(req, 403, "right", err, "%s is for the operator to set", names[i]);
    }
    return FL_OK;
}

/* Members of the body over what stands in t; the database checks the whole. */
static int take_settings(struct fl_req *req, struct fl_tenant *t, struct fl_err *err)
{
    uint64_t keep = t->keep_days, silent = t->silent_minutes;
    int r = fl_req_text(req, "name", t->name, sizeof t->name, err);

    if (r >= 0)
        r = fl_req_num(req, "keep_days", FL_KEEP_DAYS_MIN, FL_KEEP_DAYS_MAX, &keep, err);
    if (r >= 0)
        r = fl_req_num(req, "quota_bytes", 0, FL_QUOTA_BYTES_MAX, &t->quota_bytes, err);
    if (r >= 0)
        r = fl_req_bool(req, "demo", &t->demo, err);
    if (r >= 0)
        r = fl_req_text(req, "far_zones", t->far_zones, sizeof t->far_zones, err);
    if (r >= 0)
        r = fl_req_text(req, "far_instances", t->far_instances, sizeof t->far_instances, err);
    if (r >= 0)
        r = fl_req_num(req, "silent_minutes", 1, FL_SILENT_MINUTES_MAX, &silent, err);
    t->keep_days = (uint32_t)keep;
    t->silent_minutes = (uint32_t)silent;
    return r < 0 ? r : FL_OK;
}

static void answer(struct fl_req *req, const struct fl_tenant *tenant, int status)
{
    put_tenant(req, fl_req_object(req), tenant);
    fl_req_done(req, status);
}

/* The operator goes on with what it is there for; the tenant sees it and can end it. A
 * demonstration shows its logs too. */
static int give_network(struct fl_req *req, const struct fl_tenant *t, struct fl_err *err)
{
    struct fl_grant grant = {.tenant = t->id,
                             .kind = FL_TENANT_GRANT_NETWORK,
                             .data = t->demo,
                             .until_us = INT64_MAX,
                             .created_us = req->api->env.now_us()};

    fl_people_caller_name(req, grant.given_by, sizeof grant.given_by);
    return fl_db_grant_add(req->api->db, &grant, err);
}

int fl_api_tenant_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_tenant t = {.keep_days = (uint32_t)fl_conf_num(req->api->env.conf, FL_SET_KEEP_DAYS),
                          .created_us = req->api->env.now_us()};
    int r = fl_req_need(req, "slug", t.slug, sizeof t.slug, err);

    (void)snprintf(t.name, sizeof t.name, "%s", t.slug);
    if (r == FL_OK)
        r = take_settings(req, &t, err);
    if (r == FL_OK)
        r = fl_tenant_check(&t, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_tenant_add(req->api->db, &t, err);
    if (r == FL_OK)
        r = give_network(req, &t, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "tenant.add", t.slug, t.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_part_changed(req, FL_CHANGED_SENDERS | FL_CHANGED_RULES | FL_CHANGED_GRANTS);
    answer(req, &t, 201);
    return FL_OK;
}

static void show(struct fl_req *req, const struct fl_gathered *got)
{
    struct fl_json *json = fl_req_object(req);

    fl_part_etag(req, &req->tenant, sizeof req->tenant);
    put_tenant(req, json, &req->tenant);
    fl_gathered_data(json, got, req->tenant.id);
    fl_req_done(req, 200);
}

int fl_api_tenant_show(struct fl_req *req, struct fl_err *err)
{
    return fl_gather(req, FL_WANT_STORE, show, err);
}

/* ---- changes that keys must know of first ---- */

/* A change of a tenant with the event that tells of it. */
struct change {
    struct fl_tenant tenant;
    const char *event; /* NULL: recorded already */
    char detail[64];
    bool demo_changed;
};

static int store_set(struct fl_req *req, const struct change *c, struct fl_err *err)
{
    const struct fl_tenant *t = &c->tenant;
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_db_tenant_set(req->api->db, t, err);
    if (r == FL_OK && c->demo_changed)
        r = give_network(req, t, err);
    if (r == FL_OK && c->event != NULL)
        r = fl_part_audit(req, c->event, t->slug, t->slug, c->detail, err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_part_changed(req, FL_CHANGED_SENDERS | FL_CHANGED_RULES |
                             (c->demo_changed ? FL_CHANGED_GRANTS : 0u));
    fl_part_etag(req, t, sizeof *t);
    answer(req, t, 200);
    return FL_OK;
}

static bool on_grant(struct fl_req *req, const struct fl_answer_in *in)
{
    const struct change *change = req->state;
    struct fl_err err;

    if (fl_answer_take(in, FL_MSG_DONE, NULL, &err) < 0 || store_set(req, req->state, &err) < 0)
        fl_req_fail(req, &err);
    else if (!change->tenant.demo && change->tenant.local_access_us == 0)
        fl_ask_end_reads(req->api, change->tenant.id);
    return false;
}

/* Record it, have keys note until when the tenant may be read here, then store the change. */
static int grant(struct fl_req *req, const struct change *change, int64_t until_us,
                 struct fl_err *err)
{
    struct fl_msg_grant msg = {.tenant = change->tenant.id, .until_us = until_us};
    struct change *kept = fl_arena_get(&req->arena, sizeof *kept);
    int r;

    if (kept == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *kept = *change;
    kept->event = NULL;
    r = fl_part_record(req, change->event, req->tenant.slug, req->tenant.slug, change->detail, err);
    if (r < 0)
        return r;
    req->state = kept; /* in the arena: nothing to free */
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_GRANT, &msg, FL_ASK_MS, on_grant, NULL, err);
}

int fl_api_tenant_set(struct fl_req *req, struct fl_err *err)
{
    struct change c = {.tenant = req->tenant, .event = "tenant.set"};
    int r = check_fields(req, err);

    if (r == FL_OK)
        r = fl_part_match(req, &req->tenant, sizeof req->tenant, err);
    if (r == FL_OK)
        r = take_settings(req, &c.tenant, err);
    if (r == FL_OK)
        r = fl_tenant_check(&c.tenant, err);
    if (r < 0)
        return r;
    if (c.tenant.demo == req->tenant.demo)
        return store_set(req, &c, err);
    c.tenant.local_access_us = 0;
    c.demo_changed = true;
    return grant(req, &c, c.tenant.demo ? INT64_MAX : 0, err);
}

int fl_api_local_access(struct fl_req *req, struct fl_err *err)
{
    const json_t *hours = json_object_get(req->body, "hours");
    struct change c = {.tenant = req->tenant, .event = "access.end"};
    double h;

    if (hours == NULL)
        return fl_req_missing(req, "hours", err);
    h = json_is_number(hours) ? json_number_value(hours) : -1;
    if (!isfinite(h) || h < 0 || h > HOURS_MAX) {
        req->field = "hours";
        return fl_err_set(err, FL_E_INVAL, "hours is a number from 0 (ends it) to %.0f", HOURS_MAX);
    }
    if (c.tenant.demo)
        return fl_err_set(err, FL_E_EXISTS,
                          "tenant %s is a demonstration: its logs are open here anyway",
                          c.tenant.slug);
    c.tenant.local_access_us = h > 0 ? req->api->env.now_us() + (int64_t)(h * 3.6e9) : 0;
    if (h > 0)
        c.event = "access.grant";
    (void)snprintf(c.detail, sizeof c.detail, "{\"hours\":%.3f}", h);
    return grant(req, &c, c.tenant.local_access_us, err);
}

/* ---- removal: the logs' keys first, then the tenant ---- */

static void removed(struct fl_req *req, const struct fl_tenant *t, const struct fl_msg_purged *p)
{
    struct fl_json *json = fl_req_object(req);

    fl_live_forget(req->api->env.live, t->id, NULL);
    fl_part_changed(req, FL_CHANGED_SENDERS | FL_CHANGED_RULES | FL_CHANGED_GRANTS);
    fl_json_text(json, "removed", t->slug);
    fl_part_purged(json, p);
    fl_req_done(req, 200);
}

static int remove_row(struct fl_req *req, const struct fl_tenant *t, struct fl_err *err)
{
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_db_tenant_remove(req->api->db, t->slug, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "tenant.remove", t->slug, t->slug, "", err);
    return fl_part_end(req, r, err);
}

static bool on_purged(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_purged msg;
    struct fl_err err;
    int r;

    if (in->type == FL_MSG_NONE) {
        fl_req_fail(req, in->err);
        return false;
    }
    r = fl_answer_take(in, FL_MSG_PURGED, &msg, &err);
    if (r == FL_OK)
        r = remove_row(req, &req->tenant, &err);
    if (r < 0) { /* store has forgotten a tenant that is still there */
        fl_part_changed(req, FL_CHANGED_RULES);
        fl_req_fail(req, &err);
    } else {
        removed(req, &req->tenant, &msg);
    }
    return false;
}

static int purge_all(struct fl_req *req, struct fl_span cap, struct fl_err *err)
{
    struct fl_msg_purge msg = {
        .cap = cap, .from_day = INT32_MIN, .to_day = INT32_MAX, .why = FL_SPAN("tenant removed")};

    return fl_ask(req, FL_ROLE_STORE, FL_MSG_PURGE, &msg, FL_ASK_PURGE_MS, on_purged, NULL, err);
}

int fl_api_tenant_remove(struct fl_req *req, struct fl_err *err)
{
    int r = fl_part_match(req, &req->tenant, sizeof req->tenant, err);

    if (r < 0)
        return r;
    if (!fl_span_eq(fl_req_param(req, "confirm"), fl_span_str(req->tenant.slug))) {
        req->field = "confirm";
        return fl_err_set(err, FL_E_INVAL,
                          "this destroys the tenant's logs; say so with confirm=%s",
                          req->tenant.slug);
    }
    return fl_part_cap(req, FL_CAP_PURGE, "operations", purge_all, err);
}

/* ---- the tenant's own CA ---- */

int fl_api_tenant_ca_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_tenant_ca ca = {.created_us = req->api->env.now_us()};
    struct fl_cert_info info = {.is_ca = false};
    char hex[65];
    struct fl_json *json;
    int r = fl_req_need(req, "ca_pem", ca.pem, sizeof ca.pem, err);

    if (r == FL_OK)
        r = fl_cert_check_ca(fl_span_str(ca.pem), req->api->env.now_us(), &info, err);
    if (r < 0) {
        req->field = r == FL_E_INVAL ? "ca_pem" : NULL;
        return r;
    }
    ca.tenant = req->tenant.id;
    memcpy(ca.fingerprint, info.fingerprint, sizeof ca.fingerprint);
    (void)snprintf(ca.subject, sizeof ca.subject, "%s", info.subject);
    ca.not_after_us = info.not_after_us;
    fl_part_hex(ca.fingerprint, sizeof ca.fingerprint, hex);
    r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_tenant_ca_set(req->api->db, &ca, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "tenant.ca_set", req->tenant.slug, hex, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_part_changed(req, FL_CHANGED_SENDERS);
    json = fl_req_object(req);
    fl_json_text(json, "fingerprint", hex);
    fl_json_text(json, "subject", ca.subject);
    fl_part_time(json, "not_after", ca.not_after_us);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_tenant_ca_remove(struct fl_req *req, struct fl_err *err)
{
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_db_tenant_ca_remove(req->api->db, req->tenant.id, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "tenant.ca_remove", req->tenant.slug, req->tenant.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_part_changed(req, FL_CHANGED_SENDERS);
    fl_json_text(fl_req_object(req), "tenant", req->tenant.slug);
    fl_req_done(req, 200);
    return FL_OK;
}
