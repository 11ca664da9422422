#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/alarms.h"
#include "api/cases.h"
#include "api/parts.h"
#include "api/people.h"
#include "base/time.h"
#include "trust/audit.h"

#define KIND (&fl_case_kinds[0]) /* of supply: the only one so far */

static void put(char *to, size_t size, const char *from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)size - 1, from);
}

/* ---- kits ---- */

void fl_case_kit_of(const struct fl_req *req, struct fl_case_kit *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->db = req->api->db;
    ret->audit = req->api->audit;
    ret->conf = req->api->env.conf;
    ret->tenant = req->tenant;
    ret->now_us = req->api->env.now_us();
    ret->by = FL_BY_PERSON;
    fl_alarm_who(req, ret->who, sizeof ret->who);
    fl_people_caller_name(req, ret->actor, sizeof ret->actor);
}

int fl_case_kit_system(struct fl_api *api, uint32_t tenant, struct fl_case_kit *ret,
                       struct fl_err *err)
{
    memset(ret, 0, sizeof *ret);
    ret->db = api->db;
    ret->audit = api->audit;
    ret->conf = api->env.conf;
    ret->now_us = api->env.now_us();
    ret->by = FL_BY_SYSTEM;
    put(ret->who, sizeof ret->who, "fairlead");
    put(ret->actor, sizeof ret->actor, "role:core");
    return fl_db_tenant_by_id(api->db, tenant, &ret->tenant, err);
}

/* ---- what is written down ---- */

int fl_case_note(const struct fl_case_kit *kit, const struct fl_case *c, const char *what,
                 struct fl_err *err, const char *fmt, ...)
{
    struct fl_case_entry e;
    va_list ap;

    memset(&e, 0, sizeof e);
    e.tenant = c->tenant;
    e.case_id = c->id;
    e.at_us = kit->now_us;
    put(e.what, sizeof e.what, what);
    put(e.who, sizeof e.who, kit->who);
    va_start(ap, fmt);
    (void)vsnprintf(e.text, sizeof e.text, fmt, ap);
    va_end(ap);
    return fl_db_case_entry_add(kit->db, &e, err);
}

int fl_case_record(const struct fl_case_kit *kit, const struct fl_case *c, const char *event,
                   const char *detail, struct fl_err *err)
{
    char number[16];
    struct fl_audit_event e = {.at_us = kit->now_us,
                               .event = fl_span_str(event),
                               .tenant = fl_span_str(kit->tenant.slug),
                               .actor = fl_span_str(kit->actor),
                               .detail = fl_span_str(detail)};

    fl_case_number(c, number);
    e.object = fl_span_str(number);
    return kit->audit == NULL ? FL_OK : fl_audit_record(kit->audit, &e, NULL, err);
}

/* ---- clocks ---- */

static int store_step(const struct fl_case_kit *kit, struct fl_clock *clock,
                      struct fl_clock_step *step, struct fl_err *err)
{
    int r = clock->id == 0 ? fl_db_clock_add(kit->db, clock, err)
                           : fl_db_clock_set(kit->db, clock, err);

    step->clock = clock->id;
    return r < 0 ? r : fl_db_clock_step_add(kit->db, step, err);
}

static int apply(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_clock *clock,
                 const struct fl_clock_kind *kind, struct fl_clock_step *step, struct fl_err *err)
{
    struct fl_clock next = *clock;
    enum fl_clock_by by =
        (kit->by & FL_BY_PERSON) != 0 && step->rule != FL_CLOCK_START && step->rule != FL_CLOCK_STOP
            ? FL_CLOCK_BY_PERSON
            : FL_CLOCK_BY_SYSTEM; /* starts and stops follow from what was done */
    int r = fl_clock_apply(kind, &next, by, step, err);

    next.tenant = c->tenant;
    next.case_id = c->id;
    if (r == FL_OK)
        r = store_step(kit, &next, step, err);
    if (r == FL_OK)
        *clock = next;
    return r;
}

static void fill_step(const struct fl_case_kit *kit, struct fl_clock_step *step,
                      enum fl_clock_rule rule, int64_t value_us, const char *reason)
{
    memset(step, 0, sizeof *step);
    step->tenant = kit->tenant.id;
    step->at_us = kit->now_us;
    step->rule = rule;
    step->value_us = value_us;
    put(step->actor, sizeof step->actor, kit->who);
    put(step->reason, sizeof step->reason, reason);
}

int fl_case_clock_begin(const struct fl_case_kit *kit, const struct fl_case *c, const char *kind,
                        const char *object, int64_t span_us, struct fl_clock *ret,
                        struct fl_err *err)
{
    struct fl_clock_step step;

    memset(ret, 0, sizeof *ret);
    put(ret->object, sizeof ret->object, object);
    fill_step(kit, &step, FL_CLOCK_START, span_us, "the case's table of clocks");
    return apply(kit, c, ret, fl_case_clock_find(KIND, kind), &step, err);
}

int fl_case_clock_step(const struct fl_case_kit *kit, const struct fl_case *c,
                       struct fl_clock *clock, enum fl_clock_rule rule, int64_t value_us,
                       const char *reason, struct fl_err *err)
{
    const struct fl_clock_kind *kind = fl_case_clock_find(KIND, clock->kind);
    struct fl_clock_step step;

    if (kind == NULL)
        return fl_err_set(err, FL_E_CORRUPT, "a clock of an unknown kind '%s'", clock->kind);
    fill_step(kit, &step, rule, value_us, reason);
    return apply(kit, c, clock, kind, &step, err);
}

int fl_case_clock_end(const struct fl_case_kit *kit, const struct fl_case *c, const char *kind,
                      const char *object, const char *reason, struct fl_err *err)
{
    struct fl_clock clock;
    int r = fl_db_clock_find(kit->db, c->id, kind, object, &clock, err);

    if (r == FL_E_NOENT || (r == FL_OK && clock.stopped_us != 0))
        return FL_OK;
    return r < 0 ? r : fl_case_clock_step(kit, c, &clock, FL_CLOCK_STOP, 0, reason, err);
}

/* What the desk calculates from what is said here is calculated again (desk.h). */
static int tell_risk(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_err *err)
{
    return c->risk == 0 ? FL_OK : fl_db_risk_case_set(kit->db, c->tenant, c->risk, c->id, err);
}

/* ---- opening ---- */

static int add_items(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_err *err)
{
    int r = FL_OK;

    for (size_t i = 0; r == FL_OK && i < KIND->item_count; i++) {
        struct fl_case_item item;

        fl_checklist_item(&KIND->items[i], (uint32_t)i + 1, &item);
        item.tenant = c->tenant;
        item.case_id = c->id;
        r = fl_db_case_item_add(kit->db, &item, err);
    }
    return r;
}

int fl_case_open(const struct fl_case_kit *kit, struct fl_case *c, struct fl_err *err)
{
    struct fl_clock clock;
    int r;

    c->tenant = kit->tenant.id;
    c->opened_us = kit->now_us;
    put(c->kind, sizeof c->kind, KIND->name);
    put(c->state, sizeof c->state, KIND->machine->states[0]);
    put(c->opened_by, sizeof c->opened_by, kit->who);
    r = fl_db_case_add(kit->db, c, err);
    if (r == FL_OK)
        r = add_items(kit, c, err);
    if (r == FL_OK)
        r = fl_case_clock_begin(kit, c, "assess", "", 0, &clock, err);
    if (r == FL_OK)
        r = fl_case_clock_begin(kit, c, "decide", "", 0, &clock, err);
    if (r == FL_OK)
        r = tell_risk(kit, c, err);
    if (r == FL_OK)
        r = fl_case_note(kit, c, "opened", err, "%s%s", c->exercise ? "EXERCISE: " : "", c->title);
    return r < 0
               ? r
               : fl_case_record(kit, c, "case.open", c->exercise ? "{\"exercise\":true}" : "", err);
}

int fl_case_add_site(const struct fl_case_kit *kit, const struct fl_case *c,
                     struct fl_case_site *site, struct fl_err *err)
{
    char country[3];
    uint64_t count = 0;
    int r = fl_db_case_site_count(kit->db, c->id, &count, err);

    if (r == FL_OK && count >= FL_CASE_SITES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a case has at most %u sites", FL_CASE_SITES_MAX);
    site->tenant = c->tenant;
    site->case_id = c->id;
    site->since_us = c->event_us != 0 ? c->event_us : kit->now_us;
    put(site->status, sizeof site->status, fl_machine_site.states[0]);
    if (r == FL_OK && (site->name[0] == '\0' || site->supplier[0] == '\0')) {
        r = fl_case_site_look(kit, site, country,
                              err); /* a site that is not in the network stays */
        r = r == FL_E_NOENT ? FL_OK : r;
    }
    if (r == FL_OK)
        r = fl_case_site_check(site, err);
    return r < 0 ? r
           : fl_db_case_site_add(kit->db, site, err) == FL_E_EXISTS
               ? fl_err_set(err, FL_E_EXISTS, "site %s is in the case already", site->site)
               : FL_OK;
}

/* ---- what is said about a site ---- */

static int count_potential(void *ctx, const struct fl_case_site *site)
{
    *(unsigned *)ctx += strcmp(site->status, "potential") == 0;
    return 0;
}

/* All sites have a word: the clock of assessment has what it waited for. */
static int look_assessed(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_err *err)
{
    unsigned potential = 0;
    int r = fl_db_case_site_each(kit->db, c->id, count_potential, &potential, err);

    if (r < 0 || potential > 0)
        return r;
    return fl_case_clock_end(kit, c, "assess", "", "every site has a word", err);
}

int fl_case_say(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_case_site *site,
                const char *status, int64_t days_m, const char *note, struct fl_err *err)
{
    const struct fl_site_word word = {.status = status,
                                      .note = note,
                                      .who = kit->who,
                                      .days_m = days_m,
                                      .now_us = kit->now_us,
                                      .by = kit->by};
    char days[40] = "";
    int r = fl_case_site_say(site, &word, err);

    if (r == FL_OK)
        r = fl_db_case_site_set(kit->db, site, err);
    if (r == FL_OK)
        r = tell_risk(kit, c, err);
    if (days_m != FL_CASE_UNKNOWN)
        (void)snprintf(days, sizeof days, ", %g days", (double)days_m / 1000);
    if (r == FL_OK)
        r = fl_case_note(kit, c, "site", err, "%s: %s%s%s%.600s",
                         site->name[0] == '\0' ? site->site : site->name, status, days,
                         note == NULL || note[0] == '\0' ? "" : ": ", note == NULL ? "" : note);
    return r < 0 ? r : look_assessed(kit, c, err);
}

/* ---- states ---- */

struct items {
    struct fl_case_item row[FL_CASE_ITEMS_MAX];
    size_t count;
};

static int take_item(void *ctx, const struct fl_case_item *item)
{
    struct items *items = ctx;

    if (items->count < FL_CASE_ITEMS_MAX)
        items->row[items->count++] = *item;
    return 0;
}

/* A case that is over waits for nothing: its clocks stop as they stand. */
static int end_clocks(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_err *err)
{
    static const char *const kinds[] = {"assess", "decide"};
    int r = FL_OK;

    for (size_t i = 0; r == FL_OK && i < FL_LEN(kinds); i++)
        r = fl_case_clock_end(kit, c, kinds[i], "", "the case is over", err);
    return r;
}

int fl_case_change_state(const struct fl_case_kit *kit, struct fl_case *c, const char *state,
                         const char *reason, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf room;
    struct fl_case_change change = {
        .state = state, .reason = reason, .by = kit->by, .now_us = kit->now_us};
    char before[FL_CASE_WORD_MAX + 1], detail[120];
    struct items *items;
    int r;

    fl_buf_init(&room, sizeof *items);
    items = fl_buf_reserve(&room, sizeof *items);
    if (items == NULL)
        return fl_buf_status(&room, err);
    items->count = 0;
    put(before, sizeof before, c->state);
    r = fl_db_case_item_each(kit->db, c->id, take_item, items, err);
    change.items = items->row;
    change.item_count = items->count;
    if (r == FL_OK)
        r = fl_case_move(KIND, c, &change, err);
    if (r < 0 || strcmp(before, c->state) == 0)
        return r;
    (void)snprintf(detail, sizeof detail, "{\"from\":\"%s\",\"to\":\"%s\"}", before, c->state);
    r = fl_db_case_set(kit->db, c, err);
    if (r == FL_OK)
        r = tell_risk(kit, c, err);
    if (r == FL_OK && c->closed_us != 0)
        r = end_clocks(kit, c, err);
    if (r == FL_OK)
        r = fl_case_note(kit, c, "state", err, "%s, was %s%s%.1500s", c->state, before,
                         reason == NULL || reason[0] == '\0' ? "" : ": ",
                         reason == NULL ? "" : reason);
    return r < 0 ? r : fl_case_record(kit, c, "case.state", detail, err);
}

/* ---- what handlers share ---- */

int fl_case_take(struct fl_req *req, struct fl_case_kit *kit, struct fl_case *ret,
                 struct fl_err *err)
{
    struct fl_span text = req->arg[1];
    uint64_t id = 0;

    fl_case_kit_of(req, kit);
    if (text.len > 3 && memcmp(text.ptr, "SC-", 3) == 0)
        return fl_err_set(err, FL_E_NOENT, "a case is named by its id here, not by its number");
    if (!fl_span_u64(text, &id) || id == 0 || id > UINT32_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no such case; its id is in the list");
    return fl_db_case_get(kit->db, req->tenant.id, (uint32_t)id, ret, err);
}

int fl_case_take_id(struct fl_req *req, const char *noun, uint32_t *ret, struct fl_err *err)
{
    struct fl_span text = req->args == 0 ? FL_SPAN("") : req->arg[req->args - 1];
    uint64_t id = 0;

    if (!fl_span_u64(text, &id) || id == 0 || id > UINT32_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no such %s; its id is in the list", noun);
    *ret = (uint32_t)id;
    return FL_OK;
}

int fl_case_conflict(struct fl_req *req, int r)
{
    if (r == FL_E_DENIED && req->why_status == 0) {
        req->why_status = 409;
        req->why = "state";
    }
    return r;
}

int fl_case_json_number(const json_t *object, const char *name, double low, double high, double by,
                        int64_t *ret, struct fl_err *err)
{
    const json_t *value = json_object_get(object, name);
    double number;

    if (value == NULL)
        return 0;
    if (json_is_null(value)) {
        *ret = FL_CASE_UNKNOWN;
        return 1;
    }
    number = json_is_number(value) ? json_number_value(value) : -1e300;
    if (!(number >= low && number <= high))
        return fl_err_set(err, FL_E_INVAL, "%s is a number from %g to %g, or null", name, low,
                          high);
    *ret = (int64_t)(number * by + (number < 0 ? -0.5 : 0.5));
    return 1;
}

int fl_case_take_number(struct fl_req *req, const char *name, double low, double high, double by,
                        int64_t *ret, struct fl_err *err)
{
    int r = fl_case_json_number(req->body, name, low, high, by, ret, err);

    if (r < 0)
        req->field = name;
    return r;
}

int fl_case_take_time(struct fl_req *req, const char *name, int64_t *ret, struct fl_err *err)
{
    const json_t *value = json_object_get(req->body, name);

    if (value == NULL)
        return 0;
    if (json_is_null(value)) {
        *ret = 0;
        return 1;
    }
    if (json_is_string(value) && fl_time_parse(fl_span_str(json_string_value(value)), ret))
        return 1;
    req->field = name;
    return fl_err_set(err, FL_E_INVAL,
                      "%s is a time in RFC 3339, such as 2026-11-21T20:04:31Z, or "
                      "null",
                      name);
}

int fl_case_json_text(const json_t *object, const char *name, char *ret, size_t size,
                      struct fl_err *err)
{
    const json_t *value = json_object_get(object, name);
    size_t len;

    if (value == NULL || json_is_null(value))
        return 0;
    len = json_is_string(value) ? json_string_length(value) : size;
    if (len >= size || memchr(json_string_value(value), 0, len) != NULL)
        return fl_err_set(err, FL_E_INVAL, "%s is a text of at most %zu bytes", name, size - 1);
    put(ret, size, json_string_value(value));
    return 1;
}
