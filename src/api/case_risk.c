/* Cases from risks: what the desk found out about an event is copied as it is at that moment. */
#include <stdio.h>
#include <string.h>

#include "api/cases.h"
#include "api/desk.h"

#define DETAILS_MAX FL_RISK_DETAILS_MAX

static void put(char *to, size_t size, const char *from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)size - 1, from);
}

/* The words of CAP (1.2, 3.2.2 severity) as a case has them. */
static uint32_t severity_of(const struct fl_risk *risk)
{
    static const struct {
        const char *word;
        enum fl_case_severity severity;
    } rows[] = {{"extreme", FL_CASE_SEVERE},
                {"severe", FL_CASE_HIGH},
                {"moderate", FL_CASE_MEDIUM},
                {"minor", FL_CASE_LOW}};

    for (size_t i = 0; i < FL_LEN(rows); i++)
        if (strcmp(risk->severity, rows[i].word) == 0)
            return rows[i].severity;
    return FL_CASE_MEDIUM;
}

static int64_t or_unknown(int64_t value)
{
    return value < 0 ? FL_CASE_UNKNOWN : value;
}

static void take_risk(const struct fl_risk *risk, struct fl_case *c)
{
    c->risk = risk->id;
    c->severity = severity_of(risk);
    c->exercise = risk->exercise;
    c->event_us = risk->from_us;
    c->net_loss_c = risk->net_loss_cents;
    c->confirmed_c = risk->confirmed_cents;
    c->potential_c = risk->potential_cents;
    c->first_m = or_unknown(risk->tts_mdays);
    put(c->event, sizeof c->event, risk->event_type);
    put(c->event_title, sizeof c->event_title, risk->title);
    put(c->event_place, sizeof c->event_place, risk->place);
    put(c->currency, sizeof c->currency, risk->currency);
    put(c->first_product, sizeof c->first_product, risk->first_name);
    if (c->title[0] == '\0')
        put(c->title, sizeof c->title, risk->title[0] == '\0' ? "Event" : risk->title);
}

/* A member that is not what it should be is not known: the desk's figures must not stop a case. */
static void take_number(const json_t *o, const char *name, double by, int64_t *ret)
{
    *ret = FL_CASE_UNKNOWN;
    if (fl_case_json_number(o, name, -1e13, 1e13, by, ret, NULL) < 0)
        *ret = FL_CASE_UNKNOWN;
}

/* The desk gives low, likely and high days; the likely ones count. */
static void take_days(const json_t *hit, int64_t *ret)
{
    const json_t *days = json_object_get(hit, "down_days"), *likely = json_array_get(days, 1);

    if (json_is_number(likely) && json_number_value(likely) >= 0 && json_number_value(likely) < 1e6)
        *ret = (int64_t)(json_number_value(likely) * 1000);
    else
        take_number(hit, "down_days", 1000, ret);
}

static bool take_hit(const json_t *hit, struct fl_case_site *s)
{
    memset(s, 0, sizeof *s);
    if (fl_case_json_text(hit, "site", s->site, sizeof s->site, NULL) <= 0)
        return false;
    (void)!fl_case_json_text(hit, "name", s->name, sizeof s->name, NULL);
    (void)!fl_case_json_text(hit, "supplier", s->supplier, sizeof s->supplier, NULL);
    (void)!fl_case_json_text(hit, "supplier_name", s->supplier_name, sizeof s->supplier_name, NULL);
    (void)!fl_case_json_text(hit, "measure", s->measure, sizeof s->measure, NULL);
    take_number(hit, "value", 1000, &s->value_m);
    take_number(hit, "sigma", 1000, &s->sigma_m);
    take_number(hit, "probability", 1000, &s->probability_m);
    take_days(hit, &s->down_m);
    take_number(hit, "stock_days", 1000, &s->stock_m);
    take_number(hit, "loss", 100, &s->loss_c);
    return true;
}

static int add_hits(const struct fl_case_kit *kit, const struct fl_case *c, const json_t *hits,
                    struct fl_err *err)
{
    const json_t *hit;
    size_t i;

    json_array_foreach(hits, i, hit)
    {
        struct fl_case_site site;
        int r = FL_OK;

        if (i >= FL_CASE_SITES_MAX)
            return fl_case_note(kit, c, "site", err,
                                "%zu sites are hit; the case has the first %u, the others can be "
                                "added one by one",
                                json_array_size(hits), FL_CASE_SITES_MAX);
        if (take_hit(hit, &site))
            r = fl_case_add_site(kit, c, &site, err);
        if (r < 0 && r != FL_E_EXISTS && r != FL_E_INVAL)
            return r;
    }
    return FL_OK;
}

int fl_case_open_risk(const struct fl_case_kit *kit, const struct fl_risk *risk, struct fl_case *c,
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    json_t *details = NULL;
    int r;

    fl_buf_init(&text, DETAILS_MAX);
    take_risk(risk, c);
    r = fl_db_risk_details(kit->db, risk->id, &text, err);
    if (r == FL_E_NOENT)
        r = FL_OK;
    if (r == FL_OK && text.len > 0)
        details = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    if (r == FL_OK)
        r = fl_case_open(kit, c, err);
    if (r == FL_OK)
        r = add_hits(kit, c, json_object_get(details, "hits"), err);
    json_decref(details);
    return r;
}

/* ---- rules ---- */

struct meets {
    const struct fl_risk *risk;
    const char *sites; /* comma list of those that are hit */
    struct fl_case_rule rule;
    bool found;
};

static int look_rule(void *ctx, const struct fl_case_rule *rule)
{
    struct meets *m = ctx;

    if (!fl_case_rule_meets(rule, severity_of(m->risk), m->risk->net_loss_cents, m->sites))
        return 0;
    m->rule = *rule;
    m->found = true;
    return 1;
}

static int list_sites(const struct fl_case_kit *kit, const struct fl_risk *risk, struct fl_buf *out,
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const json_t *hit;
    json_t *details;
    size_t i;
    int r;

    fl_buf_init(&text, DETAILS_MAX);
    r = fl_db_risk_details(kit->db, risk->id, &text, err);
    if (r < 0)
        return r == FL_E_NOENT ? FL_OK : r;
    details = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    json_array_foreach(json_object_get(details, "hits"), i, hit)
    {
        const char *site = json_string_value(json_object_get(hit, "site"));

        if (site != NULL)
            fl_buf_printf(out, "%s%s", out->len == 0 ? "" : ",", site);
    }
    json_decref(details);
    return fl_buf_status(out, err);
}

struct asking {
    const struct fl_case_kit *kit;
    const struct fl_case *c;
    struct fl_case_site site[FL_CASE_SITES_MAX];
    size_t count;
};

static int take_site(void *ctx, const struct fl_case_site *s)
{
    struct asking *a = ctx;

    if (a->count < FL_CASE_SITES_MAX)
        a->site[a->count++] = *s;
    return 0;
}

/* A question about each site whose supplier has a contact; the others are said in the timeline. */
static int ask_site(const struct asking *a, const struct fl_case_site *s, struct fl_err *err)
{
    struct fl_contact contact;
    char link[FL_LINK_MAX];
    struct fl_question q;
    int r = fl_case_contact(a->kit, s->supplier, 0, &contact, err);

    if (r == FL_E_NOENT)
        return fl_case_note(a->kit, a->c, "question", err, "nobody to ask about %s: no contact",
                            s->name[0] == '\0' ? s->site : s->name);
    if (r < 0)
        return r;
    memset(&q, 0, sizeof q);
    put(q.site, sizeof q.site, s->site);
    put(q.site_name, sizeof q.site_name, s->name);
    put(q.supplier, sizeof q.supplier, s->supplier);
    put(q.supplier_name, sizeof q.supplier_name, s->supplier_name);
    put(q.to_name, sizeof q.to_name, contact.name);
    put(q.to_email, sizeof q.to_email, contact.email);
    put(q.language, sizeof q.language, fl_language_find(fl_span_str(contact.language))->code);
    q.contact = contact.number;
    return fl_case_ask(a->kit, a->c, &q, FL_QUESTION_HOURS, false, link, err);
}

static int ask_all(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf room;
    struct asking *a;
    int r;

    fl_buf_init(&room, sizeof *a);
    a = fl_buf_reserve(&room, sizeof *a);
    if (a == NULL)
        return fl_buf_status(&room, err);
    a->kit = kit;
    a->c = c;
    a->count = 0;
    r = fl_db_case_site_each(kit->db, c->id, take_site, a, err);
    for (size_t i = 0; r == FL_OK && i < a->count; i++)
        r = ask_site(a, &a->site[i], err);
    return r;
}

static int open_by(struct fl_case_kit *kit, const struct fl_risk *risk,
                   const struct fl_case_rule *rule, struct fl_err *err)
{
    struct fl_case c;
    int r;

    memset(&c, 0, sizeof c);
    c.rule = rule->id;
    put(c.owner, sizeof c.owner, rule->owner);
    (void)snprintf(kit->who, sizeof kit->who, "rule %.120s", rule->name);
    r = fl_case_open_risk(kit, risk, &c, err);
    return r < 0 || !rule->ask ? r : ask_all(kit, &c, err);
}

static int run(struct fl_api *api, const struct fl_risk *risk, bool *ret_opened, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf sites;
    struct meets m = {.risk = risk};
    struct fl_case_kit kit;
    struct fl_case there;
    int r = fl_case_kit_system(api, risk->tenant, &kit, err);

    fl_buf_init(&sites, 64 * 1024);
    if (r == FL_OK && fl_db_case_of_risk(kit.db, risk->tenant, risk->id, &there, NULL) == FL_OK)
        return FL_OK;
    if (r == FL_OK)
        r = list_sites(&kit, risk, &sites, err);
    fl_buf_put_u8(&sites, '\0');
    if (r == FL_OK)
        r = fl_buf_status(&sites, err);
    m.sites = (const char *)sites.ptr;
    if (r == FL_OK)
        r = fl_db_case_rules(kit.db, risk->tenant, look_rule, &m, err);
    if (r < 0 || !m.found)
        return r < 0 ? r : FL_OK;
    *ret_opened = true;
    return open_by(&kit, risk, &m.rule, err);
}

/* One case for a risk: what was closed or made void is not opened again by a rule. */
static bool had_case(struct fl_api *api, const struct fl_risk *risk)
{
    const struct fl_db_case_pick pick = {
        .tenant = risk->tenant, .over = -1, .exercise = -1, .risk = risk->id};
    uint64_t n = 0;

    return fl_db_case_count(api->db, &pick, &n, NULL) < 0 || n > 0;
}

void fl_case_rules_run(struct fl_api *api, const struct fl_risk *risk)
{
    struct fl_err err;
    bool opened = false;
    int r;

    if (api->db == NULL || risk->state != FL_RISK_OPEN || had_case(api, risk))
        return;
    r = fl_db_begin(api->db, &err);
    if (r < 0)
        return;
    r = run(api, risk, &opened, &err);
    if (r == FL_OK)
        r = fl_db_commit(api->db, &err);
    else
        fl_db_rollback(api->db);
    if (r == FL_OK && opened)
        fl_api_risk_changed(api, risk, "case");
}
