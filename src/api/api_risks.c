#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/alarms.h"
#include "api/desk.h"
#include "api/parts.h"
#include "api/supply_api.h"
#include "base/time.h"
#include "db/db_case.h"
#include "db/db_event.h"
#include "model/event_type.h"

#define DAY_US          FL_US_PER_DAY
#define MUTE_MAX_US     (366 * FL_US_PER_DAY)
#define MUTE_MARGIN_PPM INT64_C(200000) /* more likely than it was: shown again */
#define WEEKS_MAX       52u
#define WEEKS_PRESET    12u

/* ---- one risk ---- */

static double money(int64_t cents)
{
    return (double)cents / 100;
}

static void put_days(struct fl_json *json, const char *key, int64_t mdays)
{
    fl_json_f64(json, key, mdays < 0 ? NAN : (double)mdays / 1000);
}

static void put_event(struct fl_json *json, const struct fl_risk *r)
{
    const struct fl_event_type *type = fl_event_type_find(fl_span_str(r->event_type));

    fl_json_object(json, "event");
    fl_json_u64(json, "id", r->event);
    fl_json_text(json, "type", r->event_type[0] == '\0' ? NULL : r->event_type);
    fl_json_text(json, "type_name", type == NULL ? NULL : type->name);
    fl_json_text(json, "title", r->title);
    fl_json_text(json, "place", r->place[0] == '\0' ? NULL : r->place);
    fl_part_time(json, "from", r->from_us);
    fl_part_time(json, "until", r->until_us);
    fl_json_text(json, "severity", r->severity[0] == '\0' ? NULL : r->severity);
    fl_json_text(json, "source", r->source[0] == '\0' ? NULL : r->source);
    fl_json_bool(json, "verified", r->verified);
    fl_json_f64(json, "lat", r->placed ? (double)r->lat_e6 / 1e6 : NAN);
    fl_json_f64(json, "lon", r->placed ? (double)r->lon_e6 / 1e6 : NAN);
    fl_json_end(json);
}

static void put_products(struct fl_json *json, const struct fl_risk *r)
{
    const char *at = r->product_list;

    fl_json_array(json, "products");
    while (*at != '\0') {
        size_t id = strcspn(at, "\t"), name = strcspn(at + id + 1, "\n");

        fl_json_object(json, NULL);
        fl_json_str(json, "id", fl_span_of(at, id));
        fl_json_str(json, "name", fl_span_of(at + id + 1, name));
        fl_json_end(json);
        at += id + 1 + name;
        at += *at == '\n';
    }
    fl_json_end(json);
}

static void put_said(struct fl_req *req, struct fl_json *json, const struct fl_risk *r)
{
    struct fl_case c;
    bool has = fl_db_case_of_risk(req->api->db, r->tenant, r->id, &c, NULL) == FL_OK;

    if (r->muted_us > req->api->env.now_us()) {
        fl_json_object(json, "muted");
        fl_part_time(json, "until", r->muted_us);
        fl_json_text(json, "reason", r->mute_reason);
        fl_json_text(json, "by", r->mute_by);
        fl_json_f64(json, "above", (double)r->mute_ppm / 1e6);
        fl_json_end(json);
    } else {
        fl_json_null(json, "muted");
    }
    fl_json_text(json, "verdict",
                 r->verdict == FL_RISK_CONFIRMED ? "confirmed"
                 : r->verdict == FL_RISK_FALSE   ? "false"
                                                 : NULL);
    fl_json_text(json, "verdict_by", r->verdict == 0 ? NULL : r->verdict_by);
    fl_part_time(json, "verdict_at", r->verdict_us);
    if (has)
        fl_json_u64(json, "case", c.id);
    else
        fl_json_null(json, "case");
}

/* All but the products, which lists have short and one risk has with their figures. */
static void put_members(struct fl_req *req, struct fl_json *json, const struct fl_risk *r)
{
    bool shown = r->state == FL_RISK_OPEN && !fl_risk_muted(r, req->api->env.now_us());
    uint64_t before = 0;

    fl_json_u64(json, "id", r->id);
    fl_json_text(json, "state", fl_risk_state_name((enum fl_risk_state)r->state));
    put_event(json, r);
    if (shown && fl_db_risk_rank(req->api->db, r, req->api->env.now_us(), &before, NULL) == FL_OK)
        fl_json_u64(json, "rank", before + 1);
    else
        fl_json_null(json, "rank");
    fl_json_f64(json, "net_loss", money(r->net_loss_cents));
    fl_json_f64(json, "confirmed", money(r->confirmed_cents));
    fl_json_f64(json, "potential", money(r->potential_cents));
    fl_json_text(json, "currency", r->currency);
    fl_json_u64(json, "sites", r->sites);
    fl_json_u64(json, "parts", r->parts);
    fl_json_u64(json, "sole_parts", r->sole_parts);
    fl_json_u64(json, "product_count", r->products);
    if (r->first_product[0] != '\0') {
        fl_json_object(json, "first");
        fl_json_text(json, "product", r->first_product);
        fl_json_text(json, "name", r->first_name);
        put_days(json, "tts_days", r->tts_mdays);
        put_days(json, "ttr_days", r->ttr_mdays);
        fl_json_end(json);
    } else {
        fl_json_null(json, "first");
    }
    fl_json_text(json, "why", r->why);
    fl_json_text(json, "failure", r->failure[0] == '\0' ? NULL : r->failure);
    fl_json_f64(json, "probability", (double)r->probability_ppm / 1e6);
    put_said(req, json, r);
    fl_json_bool(json, "exercise", r->exercise);
    fl_part_time(json, "received", r->first_us);
    fl_part_time(json, "computed", r->computed_us);
    fl_part_time(json, "ends", r->ends_us);
    fl_json_u64(json, "net_version", r->net_version);
}

void fl_risk_put(struct fl_req *req, struct fl_json *json, const char *key,
                 const struct fl_risk *risk)
{
    fl_json_object(json, key);
    put_members(req, json, risk);
    put_products(json, risk);
    fl_json_end(json);
}

/* ---- the list ---- */

static int take_pick(struct fl_req *req, enum fl_risk_pick *ret, struct fl_err *err)
{
    struct fl_span state = fl_req_param(req, "state");
    unsigned p = FL_RISKS_OPEN;

    while (state.ptr != NULL && p < FL_RISKS_PICKS &&
           !fl_span_eq(state, fl_span_str(fl_risk_pick_name((enum fl_risk_pick)p))))
        p++;
    if (p == FL_RISKS_PICKS) {
        req->field = "state";
        return fl_err_set(err, FL_E_INVAL, "state is open, muted, small, untouched, ended or all");
    }
    *ret = (enum fl_risk_pick)p;
    return FL_OK;
}

static int list_one(void *ctx, const struct fl_risk *risk)
{
    struct fl_req *req = ctx;

    fl_risk_put(req, &req->json, NULL, risk);
    return 0;
}

static void put_counts(struct fl_req *req, const struct fl_risk_counts *c, int64_t small_cents)
{
    fl_json_u64(&req->json, "received_24h", c->received);
    fl_json_u64(&req->json, "shown", c->open);
    fl_json_object(&req->json, "not_shown");
    fl_json_u64(&req->json, "untouched", c->untouched);
    fl_json_u64(&req->json, "small", c->small);
    fl_json_u64(&req->json, "muted", c->muted);
    fl_json_end(&req->json);
    fl_json_f64(&req->json, "small", money(small_cents));
    fl_json_u64(&req->json, "waiting", fl_api_desk_waiting(req->api, req->tenant.id));
    fl_json_text(&req->json, "problem", fl_api_desk_problem(req->api, req->tenant.id));
}

int fl_api_risks(struct fl_req *req, struct fl_err *err)
{
    int64_t now_us = req->api->env.now_us(), small_cents = 0;
    enum fl_risk_pick pick = FL_RISKS_OPEN;
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    struct fl_risk_counts counts = {.open = 0};
    int r = take_pick(req, &pick, err);

    if (r == FL_OK)
        r = fl_db_risk_counts(req->api->db, req->tenant.id, now_us - DAY_US, now_us, &counts, err);
    if (r == FL_OK)
        r = fl_db_risk_small(req->api->db, req->tenant.id, &small_cents, err);
    if (r == FL_OK)
        r = fl_part_list_begin(req, &page, err);
    if (r == FL_OK)
        r = fl_db_risks(req->api->db, req->tenant.id, pick, now_us, page, list_one, req, &list,
                        err);
    if (r < 0)
        return r;
    fl_json_end(&req->json);
    put_counts(req, &counts, small_cents);
    fl_json_u64(&req->json, "total", list.total);
    fl_json_text(&req->json, "next", list.next[0] == '\0' ? NULL : list.next);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- one, with how it came about ---- */

static int take_risk(struct fl_req *req, struct fl_risk *ret, struct fl_err *err)
{
    uint64_t id = 0;

    if (!fl_span_u64(req->arg[req->args - 1], &id) || id == 0 || id > UINT32_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no such risk; its number is in the list");
    return fl_db_risk_get(req->api->db, req->tenant.id, (uint32_t)id, ret, err);
}

/* What an edit must not overlook; figures come all the time. */
struct version {
    int64_t muted_us, mute_ppm;
    char mute_reason[FL_RISK_TEXT_MAX];
    uint32_t id, verdict;
};

static struct version version_of(const struct fl_risk *risk)
{
    struct version v;

    memset(&v, 0, sizeof v);
    v.id = risk->id;
    v.muted_us = risk->muted_us;
    v.mute_ppm = risk->mute_ppm;
    v.verdict = risk->verdict;
    (void)snprintf(v.mute_reason, sizeof v.mute_reason, "%s", risk->mute_reason);
    return v;
}

static int put_version(void *ctx, const struct fl_db_version *version)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    fl_json_u64(json, "version", version->version);
    fl_part_time(json, "at", version->at_us);
    fl_json_str(json, "what", version->what);
    fl_json_str(json, "by", version->who);
    fl_json_str(json, "feed", version->feed);
    fl_json_end(json);
    return 0;
}

static int put_note(void *ctx, const struct fl_risk_note *note)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    fl_part_time(json, "at", note->at_us);
    fl_json_text(json, "what", note->what);
    fl_json_text(json, "by", note->who[0] == '\0' ? NULL : note->who);
    fl_json_text(json, "text", note->text);
    fl_json_end(json);
    return 0;
}

/* The members of what a thread wrote, among ours. */
static int put_details(struct fl_req *req, const struct fl_risk *risk, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, FL_RISK_DETAILS_MAX + 1);
    r = fl_db_risk_details(req->api->db, risk->id, &text, err);
    if (r == FL_E_NOENT) {
        put_products(&req->json, risk);
        return FL_OK;
    }
    if (r == FL_OK && text.len > 2) {
        fl_buf_put_u8(req->json.out, ',');
        fl_buf_put(req->json.out, text.ptr + 1, text.len - 2);
    }
    return r;
}

static int answer(struct fl_req *req, const struct fl_risk *risk, struct fl_err *err)
{
    struct version v = version_of(risk);
    struct fl_db_list list = {.total = 0};
    int r;

    fl_part_etag(req, &v, sizeof v);
    fl_req_object(req);
    put_members(req, &req->json, risk);
    r = put_details(req, risk, err);
    fl_json_array(&req->json, "versions");
    if (r == FL_OK)
        r = fl_db_versions(req->api->db, risk->event, (struct fl_db_page){.limit = 400},
                           put_version, &req->json, &list, err);
    fl_json_end(&req->json);
    fl_json_array(&req->json, "history");
    if (r == FL_OK)
        r = fl_db_risk_notes(req->api->db, risk->id, put_note, &req->json, err);
    fl_json_end(&req->json);
    if (r == FL_OK)
        fl_req_done(req, 200);
    return r;
}

int fl_api_risk_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_risk risk;
    int r = take_risk(req, &risk, err);

    return r < 0 ? r : answer(req, &risk, err);
}

/* ---- what people say ---- */

static int bad_mute(struct fl_req *req, struct fl_err *err)
{
    req->field = "muted_until";
    return fl_err_set(err, FL_E_INVAL,
                      "muted_until is a time to come, at most a year away, such as "
                      "2026-11-22T08:00:00Z, or null");
}

static int take_above(struct fl_req *req, struct fl_risk *risk, struct fl_err *err)
{
    const json_t *above = json_object_get(req->body, "mute_above");

    risk->mute_ppm = risk->probability_ppm + MUTE_MARGIN_PPM;
    if (above == NULL || json_is_null(above))
        return FL_OK;
    if (!json_is_number(above) || json_number_value(above) < 0 || json_number_value(above) > 1) {
        req->field = "mute_above";
        return fl_err_set(err, FL_E_INVAL, "mute_above is a probability from 0 to 1");
    }
    risk->mute_ppm = (int64_t)llround(json_number_value(above) * 1e6);
    return FL_OK;
}

static int take_mute(struct fl_req *req, struct fl_risk *risk, struct fl_err *err)
{
    const json_t *until = json_object_get(req->body, "muted_until");
    int64_t now_us = req->api->env.now_us();
    char text[48];
    int r;

    if (until == NULL)
        return FL_OK;
    if (json_is_null(until)) {
        risk->muted_us = 0;
        risk->mute_reason[0] = '\0';
        return FL_OK;
    }
    r = fl_req_text(req, "muted_until", text, sizeof text, err);
    if (r < 0)
        return r;
    if (!fl_time_parse(fl_span_str(text), &risk->muted_us) || risk->muted_us <= now_us ||
        risk->muted_us > now_us + MUTE_MAX_US)
        return bad_mute(req, err);
    r = fl_req_need(req, "mute_reason", risk->mute_reason, sizeof risk->mute_reason, err);
    if (r == FL_OK && risk->mute_reason[0] == '\0')
        r = fl_req_missing(req, "mute_reason", err);
    fl_alarm_who(req, risk->mute_by, sizeof risk->mute_by);
    return r < 0 ? r : take_above(req, risk, err);
}

static int take_verdict(struct fl_req *req, struct fl_risk *risk, struct fl_err *err)
{
    const json_t *value = json_object_get(req->body, "verdict");
    char text[16];
    int r;

    if (value == NULL)
        return FL_OK;
    if (json_is_null(value)) {
        risk->verdict = FL_RISK_UNJUDGED;
        risk->verdict_us = 0;
        return FL_OK;
    }
    r = fl_req_text(req, "verdict", text, sizeof text, err);
    if (r < 0)
        return r;
    risk->verdict = strcmp(text, "confirmed") == 0 ? FL_RISK_CONFIRMED
                    : strcmp(text, "false") == 0   ? FL_RISK_FALSE
                                                   : FL_RISK_UNJUDGED;
    if (risk->verdict == FL_RISK_UNJUDGED) {
        req->field = "verdict";
        return fl_err_set(err, FL_E_INVAL, "verdict is confirmed, false or null");
    }
    risk->verdict_us = req->api->env.now_us();
    fl_alarm_who(req, risk->verdict_by, sizeof risk->verdict_by);
    return FL_OK;
}

static int note(struct fl_req *req, const struct fl_risk *risk, const char *what, const char *text,
                struct fl_err *err)
{
    struct fl_risk_note n = {.risk = risk->id, .at_us = req->api->env.now_us()};

    (void)snprintf(n.what, sizeof n.what, "%s", what);
    (void)snprintf(n.text, sizeof n.text, "%s", text);
    fl_alarm_who(req, n.who, sizeof n.who);
    return fl_db_risk_note(req->api->db, &n, err);
}

static int keep_edit(struct fl_req *req, const struct fl_risk *was, struct fl_risk *is,
                     const char **ret_what, struct fl_err *err)
{
    char number[16];
    int r = fl_db_risk_put(req->api->db, is, err);

    if (r == FL_OK && was->muted_us != is->muted_us) {
        *ret_what = is->muted_us != 0 ? "muted" : "unmuted";
        r = note(req, is, *ret_what, is->mute_reason, err);
    }
    if (r == FL_OK && (was->verdict != is->verdict || was->verdict_us != is->verdict_us)) {
        *ret_what = "verdict";
        r = note(req, is,
                 is->verdict == FL_RISK_CONFIRMED ? "confirmed"
                 : is->verdict == FL_RISK_FALSE   ? "false"
                                                  : "unjudged",
                 "", err);
    }
    (void)snprintf(number, sizeof number, "%" PRIu32, is->id);
    return r < 0 ? r : fl_part_audit(req, "risk.set", req->tenant.slug, number, "", err);
}

int fl_api_risk_set(struct fl_req *req, struct fl_err *err)
{
    const char *what = "changed";
    struct fl_risk was, is;
    struct version v;
    int r = take_risk(req, &was, err);

    if (r < 0)
        return r;
    v = version_of(&was);
    is = was;
    r = fl_part_match(req, &v, sizeof v, err);
    if (r == FL_OK)
        r = take_mute(req, &is, err);
    if (r == FL_OK)
        r = take_verdict(req, &is, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = keep_edit(req, &was, &is, &what, err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_api_risk_changed(req->api, &is, what);
    return answer(req, &is, err);
}

/* ---- how often the list was right ---- */

static void put_week(struct fl_json *json, const struct fl_risk_week *w)
{
    uint64_t judged = w->confirmed + w->refuted;

    fl_json_object(json, NULL);
    fl_part_time(json, "week", w->from_us);
    fl_json_u64(json, "confirmed", w->confirmed);
    fl_json_u64(json, "false", w->refuted);
    fl_json_u64(json, "total", w->total);
    fl_json_f64(json, "share", judged == 0 ? NAN : (double)w->confirmed / (double)judged);
    fl_json_end(json);
}

int fl_api_risk_precision(struct fl_req *req, struct fl_err *err)
{
    struct fl_risk_week weeks[WEEKS_MAX];
    uint64_t count = WEEKS_PRESET;
    int r = fl_req_param_num(req, "weeks", 1, WEEKS_MAX, &count, err);

    if (r >= 0)
        r = fl_db_risk_precision(req->api->db, req->tenant.id, req->api->env.now_us(),
                                 (unsigned)count, weeks, err);
    if (r < 0)
        return r;
    fl_req_object(req);
    fl_json_array(&req->json, "items");
    for (uint64_t i = 0; i < count; i++)
        put_week(&req->json, &weeks[i]);
    fl_json_end(&req->json);
    fl_json_text(&req->json, "formula",
                 "share = confirmed / (confirmed + false) of the risks that were first shown in "
                 "the week; exercises do not count; null: none was judged");
    fl_json_u64(&req->json, "total", count);
    fl_json_null(&req->json, "next");
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- what is too small to show, and what is an alarm ---- */

struct settings {
    int64_t small_cents, alarm_cents;
};

static int read_settings(struct fl_req *req, struct settings *ret, struct fl_err *err)
{
    int r = fl_db_risk_small(req->api->db, req->tenant.id, &ret->small_cents, err);

    return r < 0 ? r : fl_db_risk_alarm(req->api->db, req->tenant.id, &ret->alarm_cents, err);
}

static void put_settings(struct fl_req *req, const struct settings *s)
{
    fl_req_object(req);
    fl_json_f64(&req->json, "small", money(s->small_cents));
    fl_json_f64(&req->json, "alarm_above",
                s->alarm_cents == FL_RISK_ALARM_NEVER ? NAN : money(s->alarm_cents));
    fl_req_done(req, 200);
}

int fl_api_risk_settings(struct fl_req *req, struct fl_err *err)
{
    struct settings s = {0};
    int r = read_settings(req, &s, err);

    if (r == FL_OK)
        put_settings(req, &s);
    return r;
}

/* Absent: as it is. */
static int take_amount(struct fl_req *req, const char *name, int64_t *cents, struct fl_err *err)
{
    const json_t *value = json_object_get(req->body, name);

    if (value == NULL)
        return FL_OK;
    if (!json_is_number(value) || !(json_number_value(value) >= 0) ||
        json_number_value(value) > 1e12) {
        req->field = name;
        return fl_err_set(err, FL_E_INVAL,
                          "%s is an amount from 0 to 1e12, in the currency of the network", name);
    }
    *cents = (int64_t)llround(json_number_value(value) * 100);
    return FL_OK;
}

static int take_settings(struct fl_req *req, struct settings *s, struct fl_err *err)
{
    int r = take_amount(req, "small", &s->small_cents, err);

    if (r == FL_OK && json_is_null(json_object_get(req->body, "alarm_above")))
        s->alarm_cents = FL_RISK_ALARM_NEVER;
    else if (r == FL_OK)
        r = take_amount(req, "alarm_above", &s->alarm_cents, err);
    return r;
}

static int keep_settings(struct fl_req *req, const struct settings *s, struct fl_err *err)
{
    char detail[96];
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    (void)snprintf(detail, sizeof detail,
                   "{\"small_cents\":%" PRId64 ",\"alarm_cents\":%" PRId64 "}", s->small_cents,
                   s->alarm_cents);
    r = fl_db_risk_small_set(req->api->db, req->tenant.id, s->small_cents, err);
    if (r == FL_OK)
        r = fl_db_risk_alarm_set(req->api->db, req->tenant.id, s->alarm_cents, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "risk.settings", req->tenant.slug, "settings", detail, err);
    return fl_part_end(req, r, err);
}

int fl_api_risk_settings_set(struct fl_req *req, struct fl_err *err)
{
    struct settings was = {0}, s;
    int r = read_settings(req, &was, err);

    s = was;
    if (r == FL_OK)
        r = take_settings(req, &s, err);
    if (r == FL_OK)
        r = keep_settings(req, &s, err);
    if (r < 0)
        return r;
    if (s.small_cents != was.small_cents)
        fl_api_desk_again(req->api, req->tenant.id);
    put_settings(req, &s);
    return FL_OK;
}
