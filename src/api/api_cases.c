#include <stdio.h>
#include <string.h>

#include "api/cases.h"
#include "api/desk.h"
#include "api/parts.h"
#include "base/time.h"

#define MONEY_MAX 1e13
#define DAYS_MAX  36500.0

static void put(char *to, size_t size, const char *from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)size - 1, from);
}

/* ---- figures: what is confirmed, what may be, and how that is added up ---- */

struct figures {
    int64_t confirmed_c, potential_c;
    unsigned count[4]; /* by status, in the order of the machine */
    unsigned without;  /* sites whose loss nobody knows */
};

static int add_site(void *ctx, const struct fl_case_site *s)
{
    struct figures *f = ctx;

    for (size_t i = 0; i < FL_LEN(f->count); i++)
        f->count[i] += strcmp(s->status, fl_machine_site.states[i]) == 0;
    if (strcmp(s->status, "confirmed") == 0 || strcmp(s->status, "potential") == 0) {
        if (s->loss_c == FL_CASE_UNKNOWN)
            f->without++;
        else if (s->status[0] == 'c')
            f->confirmed_c += s->loss_c;
        else
            f->potential_c += s->loss_c;
    }
    return 0;
}

static int put_figures(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_json *json,
                       struct fl_err *err)
{
    struct figures f = {.confirmed_c = 0};
    int r = fl_db_case_site_each(kit->db, c->id, add_site, &f, err);

    if (r < 0)
        return r;
    fl_json_object(json, "figures");
    fl_case_put_number(json, "confirmed", f.confirmed_c, 100);
    fl_case_put_number(json, "potential", f.potential_c, 100);
    fl_json_object(json, "sites");
    for (size_t i = 0; i < FL_LEN(f.count); i++)
        fl_json_u64(json, fl_machine_site.states[i], f.count[i]);
    fl_json_end(json);
    fl_json_u64(json, "sites_without_loss", f.without);
    fl_json_text(json, "formula",
                 "confirmed = sum of loss over sites with status confirmed; potential = the same "
                 "over status potential; each site's loss is the one it had when it joined the "
                 "case, alone, so that losses of sites in the same product overlap");
    fl_json_end(json);
    return FL_OK;
}

/* ---- reading ---- */

struct listing {
    struct fl_req *req;
    struct fl_case_kit kit;
    struct fl_err *err;
};

static int list_one(void *ctx, const struct fl_case *c)
{
    struct listing *l = ctx;
    struct fl_json *json = &l->req->json;
    int r;

    fl_json_object(json, NULL);
    fl_case_put(json, NULL, c);
    r = put_figures(&l->kit, c, json, l->err);
    if (r == FL_OK)
        r = fl_case_put_clocks(&l->kit, c, false, json, l->err);
    fl_json_end(json);
    return r;
}

int fl_api_cases(struct fl_req *req, struct fl_err *err)
{
    struct fl_span state = fl_req_param(req, "state"), owner = fl_req_param(req, "owner");
    struct fl_db_case_pick pick = {.tenant = req->tenant.id, .over = 0, .exercise = -1};
    struct listing l = {.req = req, .err = err};
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r;

    if (state.ptr != NULL && fl_span_eq(state, FL_SPAN("over")))
        pick.over = 1;
    else if (state.ptr != NULL && fl_span_eq(state, FL_SPAN("all")))
        pick.over = -1;
    else if (state.ptr != NULL && !fl_span_eq(state, FL_SPAN("running")))
        return fl_err_set(err, FL_E_INVAL, "state is running, over or all");
    if (fl_req_param(req, "exercise").ptr != NULL)
        pick.exercise = fl_req_param_flag(req, "exercise");
    if (owner.ptr != NULL)
        pick.owner = (const char *)owner.ptr;
    fl_case_kit_of(req, &l.kit);
    r = fl_part_list_begin(req, &page, err);
    if (r == FL_OK)
        r = fl_db_cases(req->api->db, &pick, page, list_one, &l, &list, err);
    return fl_part_list_end(req, r, &list);
}

static int answer_case(struct fl_req *req, const struct fl_case_kit *kit, const struct fl_case *c,
                       int status, struct fl_err *err)
{
    struct fl_json *json;
    int r;

    fl_part_etag(req, c, sizeof *c);
    json = fl_req_object(req);
    fl_case_put(json, NULL, c);
    fl_json_text(json, "summary", c->summary[0] == '\0' ? NULL : c->summary);
    r = put_figures(kit, c, json, err);
    if (r == FL_OK)
        r = fl_case_put_sites(kit, c, json, err);
    if (r == FL_OK)
        r = fl_case_put_clocks(kit, c, false, json, err);
    if (r == FL_OK)
        r = fl_case_put_items(kit, c, json, err);
    if (r == FL_OK)
        fl_req_done(req, status);
    return r;
}

int fl_api_case_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    return r < 0 ? r : answer_case(req, &kit, &c, 200, err);
}

/* ---- opening ---- */

static int take_site(const json_t *o, struct fl_case_site *s, struct fl_err *err)
{
    int r = FL_OK;

    memset(s, 0, sizeof *s);
    s->value_m = s->sigma_m = s->probability_m = s->down_m = s->stock_m = FL_CASE_UNKNOWN;
    s->loss_c = FL_CASE_UNKNOWN;
    if (json_is_string(o)) {
        if (json_string_length(o) > FL_CASE_ID_MAX)
            return fl_err_set(err, FL_E_INVAL, "site is an id of at most %u bytes", FL_CASE_ID_MAX);
        put(s->site, sizeof s->site, json_string_value(o));
        return FL_OK;
    }
    if (!json_is_object(o))
        return fl_err_set(err, FL_E_INVAL, "a site is an object with the member site, or its id");
    r = fl_case_json_text(o, "site", s->site, sizeof s->site, err);
    if (r >= 0)
        r = fl_case_json_text(o, "name", s->name, sizeof s->name, err);
    if (r >= 0)
        r = fl_case_json_text(o, "supplier", s->supplier, sizeof s->supplier, err);
    if (r >= 0)
        r = fl_case_json_text(o, "supplier_name", s->supplier_name, sizeof s->supplier_name, err);
    if (r >= 0)
        r = fl_case_json_text(o, "measure", s->measure, sizeof s->measure, err);
    if (r >= 0)
        r = fl_case_json_number(o, "value", -1e6, 1e6, 1000, &s->value_m, err);
    if (r >= 0)
        r = fl_case_json_number(o, "sigma", 0, 1e6, 1000, &s->sigma_m, err);
    if (r >= 0)
        r = fl_case_json_number(o, "probability", 0, 1, 1000, &s->probability_m, err);
    if (r >= 0)
        r = fl_case_json_number(o, "down_days", 0, DAYS_MAX, 1000, &s->down_m, err);
    if (r >= 0)
        r = fl_case_json_number(o, "stock_days", 0, DAYS_MAX, 1000, &s->stock_m, err);
    if (r >= 0)
        r = fl_case_json_number(o, "loss", 0, MONEY_MAX, 100, &s->loss_c, err);
    return r < 0 ? r : fl_case_site_check(s, err);
}

static int take_severity(struct fl_req *req, uint32_t *ret, struct fl_err *err)
{
    char word[FL_CASE_WORD_MAX + 1];
    int r = fl_req_text(req, "severity", word, sizeof word, err);

    if (r <= 0)
        return r;
    *ret = fl_case_severity_find(fl_span_str(word));
    if (*ret < FL_CASE_SEVERITIES)
        return 1;
    req->field = "severity";
    return fl_err_set(err, FL_E_INVAL, "severity is low, medium, high or severe");
}

static int take_event(struct fl_req *req, struct fl_case *c, struct fl_err *err)
{
    const json_t *event = json_object_get(req->body, "event");
    char at[40] = "";
    int r;

    if (event == NULL || json_is_null(event))
        return FL_OK;
    req->field = "event";
    if (!json_is_object(event))
        return fl_err_set(err, FL_E_INVAL, "event is an object {type, title, place, at}");
    r = fl_case_json_text(event, "type", c->event, sizeof c->event, err);
    if (r >= 0)
        r = fl_case_json_text(event, "title", c->event_title, sizeof c->event_title, err);
    if (r >= 0)
        r = fl_case_json_text(event, "place", c->event_place, sizeof c->event_place, err);
    if (r >= 0)
        r = fl_case_json_text(event, "at", at, sizeof at, err);
    if (r > 0 && !fl_time_parse(fl_span_str(at), &c->event_us))
        r = fl_err_set(err, FL_E_INVAL, "event.at is a time in RFC 3339");
    if (r >= 0)
        req->field = NULL;
    return r < 0 ? r : FL_OK;
}

static int take_new(struct fl_req *req, struct fl_case *c, struct fl_err *err)
{
    int r = take_event(req, c, err);

    c->severity = FL_CASE_MEDIUM;
    c->net_loss_c = c->confirmed_c = c->potential_c = c->first_m = FL_CASE_UNKNOWN;
    if (r == FL_OK)
        r = fl_req_text(req, "title", c->title, sizeof c->title, err);
    if (r == 0 && c->event_title[0] != '\0')
        put(c->title, sizeof c->title, c->event_title);
    if (r >= 0)
        r = take_severity(req, &c->severity, err);
    if (r >= 0)
        r = fl_req_text(req, "owner", c->owner, sizeof c->owner, err);
    if (r >= 0)
        r = fl_req_bool(req, "exercise", &c->exercise, err);
    if (r >= 0)
        r = fl_req_text(req, "currency", c->currency, sizeof c->currency, err);
    return r < 0 ? r : fl_case_check(c, err);
}

static int add_sites(struct fl_req *req, const struct fl_case_kit *kit, const struct fl_case *c,
                     struct fl_err *err)
{
    const json_t *sites = json_object_get(req->body, "sites"), *site;
    struct fl_case_site row;
    int r = FL_OK;
    size_t i;

    if (sites != NULL && !json_is_array(sites)) {
        req->field = "sites";
        return fl_err_set(err, FL_E_INVAL, "sites is an array of sites");
    }
    json_array_foreach(sites, i, site)
    {
        r = take_site(site, &row, err);
        if (r == FL_OK)
            r = fl_case_add_site(kit, c, &row, err);
        if (r < 0) {
            req->field = "sites";
            return fl_err_wrap(err, "sites[%zu]", i);
        }
    }
    return r;
}

static int open_from(struct fl_req *req, const struct fl_case_kit *kit, struct fl_case *c,
                     uint64_t risk, struct fl_err *err)
{
    struct fl_risk row;
    struct fl_case there;
    int r;

    if (risk == 0) {
        r = fl_case_open(kit, c, err);
        return r < 0 ? r : add_sites(req, kit, c, err);
    }
    r = fl_db_risk_get(kit->db, kit->tenant.id, (uint32_t)risk, &row, err);
    if (r == FL_OK && fl_db_case_of_risk(kit->db, kit->tenant.id, row.id, &there, NULL) == FL_OK)
        return fl_err_set(err, FL_E_EXISTS, "case %u runs for this risk already", there.id);
    return r < 0 ? r : fl_case_open_risk(kit, &row, c, err);
}

static void tell_risk(struct fl_req *req, const struct fl_case *c)
{
    struct fl_risk risk;

    if (c->risk != 0 && fl_db_risk_get(req->api->db, c->tenant, c->risk, &risk, NULL) == FL_OK)
        fl_api_risk_changed(req->api, &risk, "case");
}

int fl_api_case_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case c;
    uint64_t risk = 0;
    int r;

    memset(&c, 0, sizeof c);
    fl_case_kit_of(req, &kit);
    r = fl_req_num(req, "risk", 1, UINT32_MAX, &risk, err);
    if (r >= 0 && risk == 0)
        r = take_new(req, &c, err);
    else if (r >= 0)
        r = fl_req_text(req, "owner", c.owner, sizeof c.owner, err);
    if (r >= 0)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, open_from(req, &kit, &c, risk, err), err);
    if (r < 0)
        return r;
    tell_risk(req, &c);
    return answer_case(req, &kit, &c, 201, err);
}

/* ---- changing ---- */

static int set_members(struct fl_req *req, const struct fl_case_kit *kit, struct fl_case *c,
                       struct fl_err *err)
{
    char owner[FL_CASE_WHO_MAX + 1];
    int r = fl_req_text(req, "title", c->title, sizeof c->title, err);

    put(owner, sizeof owner, c->owner);
    if (r >= 0)
        r = take_severity(req, &c->severity, err);
    if (r >= 0)
        r = fl_req_text(req, "owner", c->owner, sizeof c->owner, err);
    if (r >= 0)
        r = fl_db_case_set(kit->db, c, err);
    if (r >= 0 && strcmp(owner, c->owner) != 0)
        r = fl_case_note(kit, c, "owner", err, "%s", c->owner[0] == '\0' ? "nobody" : c->owner);
    return r < 0 ? r : FL_OK;
}

static int change(struct fl_req *req, const struct fl_case_kit *kit, struct fl_case *c,
                  struct fl_err *err)
{
    char state[FL_CASE_WORD_MAX + 1], reason[FL_CASE_TEXT_MAX + 1] = "";
    int r = set_members(req, kit, c, err), has;

    if (r < 0)
        return r;
    r = fl_req_text(req, "reason", reason, sizeof reason, err);
    has = r < 0 ? r : fl_req_text(req, "state", state, sizeof state, err);
    if (has <= 0)
        return has;
    req->field = "state";
    r = fl_case_conflict(req, fl_case_change_state(kit, c, state, reason, err));
    if (r == FL_OK)
        req->field = NULL;
    return r;
}

int fl_api_case_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_part_match(req, &c, sizeof c, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, change(req, &kit, &c, err), err);
    if (r < 0)
        return r;
    tell_risk(req, &c);
    return answer_case(req, &kit, &c, 200, err);
}

int fl_api_case_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_part_match(req, &c, sizeof c, err);
    if (r == FL_OK && c.closed_us == 0)
        return fl_req_why(req, 409, "state", err,
                          "the case runs: close it, or make it void, before it is removed");
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_case_remove(kit.db, c.tenant, c.id, err);
    if (r == FL_OK && c.risk != 0)
        r = fl_db_risk_case_set(kit.db, c.tenant, c.risk, 0, err);
    if (r == FL_OK)
        r = fl_case_record(&kit, &c, "case.remove", "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_u64(fl_req_object(req), "removed", c.id);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- sites ---- */

int fl_api_case_site_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case_site site;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = take_site(req->body, &site, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_case_add_site(&kit, &c, &site, err);
    if (r == FL_OK)
        r = fl_case_note(&kit, &c, "site", err, "%s joined the case",
                         site.name[0] == '\0' ? site.site : site.name);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : answer_case(req, &kit, &c, 201, err);
}

static int say(struct fl_req *req, const struct fl_case_kit *kit, const struct fl_case *c,
               struct fl_case_site *site, struct fl_err *err)
{
    char status[FL_CASE_WORD_MAX + 1], note[FL_CASE_TEXT_MAX + 1] = "";
    int64_t days_m = FL_CASE_UNKNOWN;
    int r = fl_req_text(req, "status", status, sizeof status, err);

    if (r == 0)
        put(status, sizeof status, site->status);
    if (r >= 0)
        r = fl_case_take_number(req, "days", 0, DAYS_MAX, 1000, &days_m, err);
    if (r >= 0)
        r = fl_req_text(req, "note", note, sizeof note, err);
    if (r < 0)
        return r;
    req->field = "status";
    r = fl_case_conflict(req, fl_case_say(kit, c, site, status, days_m, note, err));
    if (r == FL_OK)
        req->field = NULL;
    return r;
}

int fl_api_case_site_set(struct fl_req *req, struct fl_err *err)
{
    char id[FL_CASE_ID_MAX + 1] = "";
    struct fl_case_kit kit;
    struct fl_case_site site;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK && req->arg[2].len > 0 && req->arg[2].len <= FL_CASE_ID_MAX)
        memcpy(id, req->arg[2].ptr, req->arg[2].len);
    if (r == FL_OK)
        r = fl_db_case_site_find(kit.db, c.id, id, &site, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, say(req, &kit, &c, &site, err), err);
    return r < 0 ? r : answer_case(req, &kit, &c, 200, err);
}
