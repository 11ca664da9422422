#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/alarms.h"
#include "api/desk.h"
#include "api/world.h"
#include "base/rand.h"
#include "base/time.h"
#include "codec/world_event.h"
#include "db/db_risk.h"
#include "model/event_type.h"

#define RECENT_US (30 * FL_US_PER_DAY) /* what a list shows without `since` */
#define JSON_MAX  FL_EVENT_JSON_MAX

/* ---- the catalogue ---- */

static void put_type(struct fl_json *json, const struct fl_event_type *type)
{
    fl_json_object(json, NULL);
    fl_json_text(json, "code", type->code);
    fl_json_text(json, "family", fl_event_families[type->family].code);
    fl_json_text(json, "family_name", fl_event_families[type->family].name);
    fl_json_text(json, "name", type->name);
    fl_json_text(json, "description", type->description);
    fl_json_text(json, "footprint", fl_footprint_name((enum fl_footprint)type->footprint));
    fl_json_text(json, "match", fl_event_match_name((enum fl_event_match)type->match));
    fl_json_u64(json, "severity", type->severity);
    fl_json_f64(json, "days", type->days);
    fl_json_f64(json, "radius_km", type->radius_km);
    fl_json_f64(json, "half_life_days", type->half_life_days);
    fl_json_end(json);
}

int fl_api_event_types(struct fl_req *req, struct fl_err *err)
{
    struct fl_json *json = fl_req_object(req);

    (void)err;
    fl_json_array(json, "items");
    for (size_t i = 0; i < FL_EVENT_TYPES; i++)
        put_type(json, &fl_event_types[i]);
    fl_json_end(json);
    fl_json_u64(json, "total", FL_EVENT_TYPES);
    fl_json_text(json, "next", NULL);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- events: shown ---- */

/* Why it is not among the risks, or that it is. */
static void put_shown(const struct fl_req *req, struct fl_json *json, const struct fl_db_event *row)
{
    static const char *const words[FL_RISK_STATES] = {
        [FL_RISK_OPEN] = NULL,
        [FL_RISK_SMALL] = "what it costs is below what you want to see",
        [FL_RISK_UNTOUCHED] = "no site of your network is hit",
        [FL_RISK_ENDED] = "it was withdrawn, or its time is over"};
    struct fl_risk risk;
    int r = fl_db_risk_of(req->api->db, req->tenant.id, row->id, &risk, NULL);

    if (r < 0) {
        fl_json_text(json, "state", "waits");
        fl_json_text(json, "why_not",
                     "it was not looked at yet: a network of supply is needed for that");
        return;
    }
    if (risk.state == FL_RISK_OPEN && fl_risk_muted(&risk, req->api->env.now_us())) {
        fl_json_text(json, "state", "muted");
        fl_json_text(json, "why_not", risk.mute_reason);
    } else {
        fl_json_text(json, "state", fl_risk_state_name((enum fl_risk_state)risk.state));
        fl_json_text(json, "why_not", risk.state < FL_RISK_STATES ? words[risk.state] : NULL);
    }
    fl_json_u64(json, "risk", risk.id);
}

static void put_event(const struct fl_req *req, struct fl_json *json, const struct fl_db_event *row)
{
    const struct fl_event_type *type = fl_event_type_find(fl_span_str(row->type));

    fl_json_u64(json, "id", row->id);
    fl_json_text(json, "title", row->title);
    fl_json_text(json, "type", row->type[0] == '\0' ? NULL : row->type);
    fl_json_text(json, "type_name", type == NULL ? NULL : type->name);
    fl_json_text(json, "severity", row->severity[0] == '\0' ? NULL : row->severity);
    fl_json_text(json, "status", fl_event_status_name((enum fl_event_status)row->status));
    fl_json_bool(json, "exercise", row->status == FL_EVENT_EXERCISE);
    fl_json_bool(json, "typed", row->tenant != 0);
    fl_json_text(json, "feed", row->tenant != 0 ? NULL : row->feed);
    fl_json_u64(json, "version", row->version);
    fl_part_time(json, "from", row->from_us);
    fl_part_time(json, "until", row->until_us);
    fl_part_time(json, "issued", row->issued_us);
    fl_part_time(json, "received", row->first_us);
    fl_part_time(json, "changed", row->changed_us);
    fl_part_time(json, "withdrawn", row->withdrawn_us);
    if (row->placed) {
        fl_json_f64(json, "lat", (double)row->lat_e6 / 1e6);
        fl_json_f64(json, "lon", (double)row->lon_e6 / 1e6);
    } else {
        fl_json_null(json, "lat");
        fl_json_null(json, "lon");
    }
    if (row->merged_into != 0)
        fl_json_u64(json, "merged_into", row->merged_into);
    put_shown(req, json, row);
}

static int list_event(void *ctx, const struct fl_db_event *row)
{
    struct fl_req *req = ctx;

    fl_json_object(&req->json, NULL);
    put_event(req, &req->json, row);
    fl_json_end(&req->json);
    return 0;
}

/* yes, no or nothing: 1, 0, -1. */
static int take_flag(struct fl_req *req, const char *name, int *ret, struct fl_err *err)
{
    struct fl_span value = fl_req_param(req, name);

    *ret = -1;
    if (value.ptr == NULL)
        return FL_OK;
    if (fl_span_eq(value, FL_SPAN("yes")) || fl_span_eq(value, FL_SPAN("no"))) {
        *ret = value.ptr[0] == 'y';
        return FL_OK;
    }
    req->field = name;
    return fl_err_set(err, FL_E_INVAL, "%s is yes or no", name);
}

int fl_api_world_events(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_event_pick pick = {.tenant = req->tenant.id,
                                    .since_us = req->api->env.now_us() - RECENT_US};
    struct fl_span type = fl_req_param(req, "type");
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    char word[16];
    int r = take_flag(req, "standing", &pick.standing, err);

    if (r == FL_OK)
        r = take_flag(req, "typed", &pick.typed, err);
    if (r == FL_OK)
        r = fl_req_param_time(req, "since", &pick.since_us, err);
    if (r < 0)
        return r;
    if (type.ptr != NULL) {
        (void)snprintf(word, sizeof word, "%.*s", (int)(type.len < 15 ? type.len : 15),
                       (const char *)type.ptr);
        if (strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != strlen(word)) {
            req->field = "type";
            return fl_err_set(err, FL_E_INVAL,
                              "type is a code of the catalogue such as GEO-001, or "
                              "a family such as GEO");
        }
        pick.type = word;
    }
    r = fl_part_list_begin(req, &page, err);
    if (r == FL_OK)
        r = fl_db_events(req->api->db, &pick, page, list_event, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

/* The event of the path: the tenant's own, or one that feeds tell of. */
static int take_event(struct fl_req *req, struct fl_db_event *ret, struct fl_buf *json,
                      struct fl_err *err)
{
    uint64_t id = 0;
    int r;

    memset(ret, 0, sizeof *ret);
    if (!fl_span_u64(req->arg[1], &id) || id == 0 || id > UINT32_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no such event; its number is in the list");
    r = fl_db_event_get(req->api->db, (uint32_t)id, ret, json, err);
    if (r == FL_OK && ret->tenant != 0 && ret->tenant != req->tenant.id)
        return fl_err_set(err, FL_E_NOENT, "there is no event number %" PRIu64, id);
    return r;
}

static int put_report(void *ctx, struct fl_span feed, int64_t received_us, struct fl_span json)
{
    struct fl_req *req = ctx;

    (void)json;
    fl_json_object(&req->json, NULL);
    fl_json_str(&req->json, "feed", feed);
    fl_part_time(&req->json, "received", received_us);
    fl_json_end(&req->json);
    return 0;
}

static int answer(struct fl_req *req, const struct fl_db_event *row, struct fl_span event,
                  int status, struct fl_err *err)
{
    struct fl_json *json = fl_req_object(req);
    int r;

    put_event(req, json, row);
    fl_json_array(json, "feeds");
    r = fl_db_reports(req->api->db, row->id, put_report, req, err);
    fl_json_end(json);
    /* As it is kept: our own writer wrote it. */
    fl_json_key_span(json, FL_SPAN("event"));
    fl_buf_put_span(json->out, event);
    json->keyed = false;
    if (r == FL_OK)
        fl_req_done(req, status);
    return r;
}

/* What an edit must not overlook. */
static void version_of(const struct fl_db_event *row, uint32_t ret[2])
{
    ret[0] = row->id;
    ret[1] = row->version;
}

int fl_api_world_event_show(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_db_event row;
    uint32_t v[2];
    int r;

    fl_buf_init(&text, JSON_MAX);
    r = take_event(req, &row, &text, err);
    if (r < 0)
        return r;
    version_of(&row, v);
    fl_part_etag(req, v, sizeof v);
    return answer(req, &row, fl_buf_span(&text), 200, err);
}

/* ---- typed by people ---- */

/* An outline as people draw it: one ring of [lat, lon]. */
static int put_polygon(json_t *event, const json_t *polygon)
{
    json_t *rings;

    if (json_is_null(polygon) || json_array_size(polygon) == 0)
        return (void)json_object_del(event, "rings"), 0;
    rings = json_pack("[{s:O}]", "points", polygon);
    return rings == NULL ? -1 : json_object_set_new(event, "rings", rings);
}

/* The body's members into the event's: those of the same name, null takes away. */
static int put_members(json_t *event, const json_t *body)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        int r = 0;

        if (strcmp(key, "polygon") == 0)
            r = put_polygon(event, value);
        else if (json_is_null(value))
            (void)json_object_del(event, key);
        else
            r = json_object_set(event, key, value);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_typed(struct fl_req *req, const struct fl_world_event *event, struct fl_err *err)
{
    if (event->title.len == 0) {
        req->field = "title";
        return fl_err_set(err, FL_E_INVAL, "title is missing: what happened, in a few words");
    }
    if (fl_event_type_find(event->type) == NULL) {
        req->field = "type";
        return fl_err_set(err, FL_E_INVAL,
                          "type '%.*s' is none of the catalogue; GET event-types lists them",
                          FL_SPAN_ARG(event->type));
    }
    if (event->until_us != 0 && event->from_us != 0 && event->until_us < event->from_us) {
        req->field = "until";
        return fl_err_set(err, FL_E_INVAL, "until is before from");
    }
    return FL_OK;
}

/* The typed event as our own writer writes it, checked. */
static int settle(struct fl_req *req, json_t *event, struct fl_db_event *row, struct fl_buf *out,
                  struct fl_err *err)
{
    char *text = json_dumps(event, JSON_COMPACT);
    struct fl_world_event *read = fl_arena_get(&req->arena, sizeof *read);
    struct fl_span copy;
    struct fl_json json;
    int r;

    if (text == NULL || read == NULL) {
        free(text);
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
    }
    copy = fl_arena_copy(&req->arena, fl_span_str(text));
    free(text);
    if (copy.ptr == NULL)
        return fl_err_set(err, FL_E_LIMIT, "the event is too large");
    r = fl_world_event_read(copy, &req->arena, read, err);
    if (r == FL_OK)
        r = check_typed(req, read, err);
    if (r < 0)
        return r;
    fl_json_init(&json, out);
    fl_world_event_write(read, &json, NULL);
    fl_db_event_fill(row, read);
    return fl_buf_status(out, err);
}

/* Members that are ours to set. */
static int put_own(const struct fl_req *req, json_t *event, bool is_new)
{
    char who[128], id[40], now[FL_TIME_TEXT_BYTES];

    fl_alarm_who(req, who, sizeof who);
    fl_time_format(req->api->env.now_us(), now);
    (void)snprintf(id, sizeof id, "typed:%016" PRIx64, fl_random_u64());
    if (is_new && (json_object_set_new(event, "ids", json_pack("[s]", id)) < 0 ||
                   (json_object_get(event, "from") == NULL &&
                    json_object_set_new(event, "from", json_string(now)) < 0)))
        return -1;
    return json_object_set_new(event, "issued", json_string(now)) < 0 ||
                   json_object_set_new(event, "sender", json_string(who)) < 0
               ? -1
               : 0;
}

static int store_typed(struct fl_req *req, struct fl_db_event *row, struct fl_span json,
                       const char *what, const char *audit, struct fl_err *err)
{
    char who[128], object[24];
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    fl_alarm_who(req, who, sizeof who);
    row->changed_us = req->api->env.now_us();
    r = fl_db_event_put(req->api->db, row, json, what, who, "", err);
    (void)snprintf(object, sizeof object, "%u", row->id);
    if (r == FL_OK)
        r = fl_part_audit(req, audit, req->tenant.slug, object, "", err);
    r = fl_part_end(req, r, err);
    if (r == FL_OK)
        fl_api_event_changed(req->api, row->id);
    return r;
}

static int check_room(struct fl_req *req, struct fl_err *err)
{
    uint64_t count = 0;
    int r = fl_db_events_typed(req->api->db, req->tenant.id, &count, err);

    if (r == FL_OK && count >= FL_DB_EVENTS_TYPED_MAX)
        return fl_err_set(err, FL_E_LIMIT, "%u events were typed already, as many as there may be",
                          FL_DB_EVENTS_TYPED_MAX);
    return r;
}

static int change_typed(struct fl_req *req, json_t *event, struct fl_db_event *row, bool is_new,
                        struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, JSON_MAX);
    if (put_members(event, req->body) < 0 || put_own(req, event, is_new) < 0)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
    r = settle(req, event, row, &text, err);
    if (r == FL_OK)
        r = store_typed(req, row, fl_buf_span(&text), is_new ? "typed" : "changed",
                        is_new ? "event.add" : "event.set", err);
    return r < 0 ? r : answer(req, row, fl_buf_span(&text), is_new ? 201 : 200, err);
}

int fl_api_world_event_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_event row = {.tenant = req->tenant.id, .first_us = req->api->env.now_us()};
    json_t *event;
    int r = check_room(req, err);

    if (r < 0)
        return r;
    event = json_object();
    if (event == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
    r = change_typed(req, event, &row, true, err);
    json_decref(event);
    return r;
}

/* Only what people of this tenant typed, and what stands. */
static int take_typed(struct fl_req *req, struct fl_db_event *row, struct fl_buf *text,
                      struct fl_err *err)
{
    uint32_t v[2];
    int r = take_event(req, row, text, err);

    if (r < 0)
        return r;
    if (row->tenant == 0)
        return fl_req_why(req, 409, "from_feed", err,
                          "the event number %u comes from a feed and cannot be changed here; mute "
                          "its risk, or type an event of your own",
                          row->id);
    if (row->withdrawn_us != 0)
        return fl_req_why(req, 409, "withdrawn", err, "the event number %u was withdrawn", row->id);
    version_of(row, v);
    return fl_part_match(req, v, sizeof v, err);
}

int fl_api_world_event_set(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_db_event row;
    json_error_t where;
    json_t *event;
    int r;

    fl_buf_init(&text, JSON_MAX);
    r = take_typed(req, &row, &text, err);
    if (r < 0)
        return r;
    event = json_loadb((const char *)text.ptr, text.len, 0, &where);
    if (event == NULL)
        return fl_err_set(err, FL_E_CORRUPT, "the event number %u cannot be read", row.id);
    r = change_typed(req, event, &row, false, err);
    json_decref(event);
    return r;
}

int fl_api_world_event_withdraw(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_db_event row;
    int r;

    fl_buf_init(&text, JSON_MAX);
    r = take_typed(req, &row, &text, err);
    if (r < 0)
        return r;
    row.withdrawn_us = req->api->env.now_us();
    r = store_typed(req, &row, fl_buf_span(&text), "cancel", "event.withdraw", err);
    return r < 0 ? r : answer(req, &row, fl_buf_span(&text), 200, err);
}

/* ---- history ---- */

static void put_word(struct fl_json *json, const json_t *event, const char *key)
{
    const json_t *value = json_object_get(event, key);

    if (json_is_string(value))
        fl_json_text(json, key, json_string_value(value));
    else if (json_is_number(value))
        fl_json_f64(json, key, json_number_value(value));
    else
        fl_json_null(json, key);
}

static int list_version(void *ctx, const struct fl_db_version *version)
{
    static const char *const words[] = {"title",   "severity", "magnitude",
                                        "message", "until",    "issued"};
    struct fl_req *req = ctx;
    json_t *event = json_loadb((const char *)version->json.ptr, version->json.len, 0, NULL);

    fl_json_object(&req->json, NULL);
    fl_json_u64(&req->json, "version", version->version);
    fl_part_time(&req->json, "at", version->at_us);
    fl_json_str(&req->json, "what", version->what);
    fl_json_str(&req->json, "feed", version->feed);
    fl_json_str(&req->json, "by", version->who);
    for (size_t i = 0; i < FL_LEN(words); i++)
        put_word(&req->json, event, words[i]);
    fl_json_end(&req->json);
    json_decref(event);
    return 0;
}

int fl_api_world_event_history(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    struct fl_db_event row;
    int r = take_event(req, &row, NULL, err);

    if (r < 0)
        return r;
    r = fl_part_list_begin(req, &page, err);
    if (r == FL_OK)
        r = fl_db_versions(req->api->db, row.id, page, list_version, req, &list, err);
    return fl_part_list_end(req, r, &list);
}
