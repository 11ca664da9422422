/* What is left of a case: the after-action record, its actions, the whole as one document; and the
 * rules that open cases. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cases.h"
#include "api/parts.h"
#include "base/time.h"

/* ---- how the questions went ---- */

struct asked {
    unsigned sent, answered, silent, withheld, shared;
    int64_t after_us[FL_DB_CASE_ROWS_MAX]; /* of those answered */
    size_t count;
    int64_t first_us; /* the first word after opening */
};

static int add_question(void *ctx, const struct fl_question *q)
{
    struct asked *a = ctx;

    a->withheld += strcmp(q->state, "withheld") == 0;
    a->sent += strcmp(q->state, "withheld") != 0;
    a->silent += strcmp(q->state, "silent") == 0;
    if (q->answered_us == 0)
        return 0;
    a->answered++;
    a->shared += strcmp(q->via, "shared") == 0;
    if (a->count < FL_LEN(a->after_us))
        a->after_us[a->count++] = q->answered_us - q->asked_us;
    if (a->first_us == 0 || q->answered_us < a->first_us)
        a->first_us = q->answered_us;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int put_asked(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_json *json,
                     struct fl_err *err)
{
    struct asked a = {.sent = 0};
    int r = fl_db_question_each(kit->db, c->id, add_question, &a, err);

    if (r < 0)
        return r;
    qsort(a.after_us, a.count, sizeof a.after_us[0], by_time);
    fl_json_object(json, "questions");
    fl_json_u64(json, "asked", a.sent);
    fl_json_u64(json, "withheld", a.withheld);
    fl_json_u64(json, "answered", a.answered);
    fl_json_u64(json, "by_sharing", a.shared);
    fl_json_u64(json, "silent", a.silent);
    if (a.count == 0) {
        fl_json_null(json, "median_answer_s");
        fl_json_null(json, "first_answer_s");
    } else {
        fl_json_i64(json, "median_answer_s", a.after_us[(a.count - 1) / 2] / FL_US_PER_S);
        fl_json_i64(json, "first_answer_s", (a.first_us - c->opened_us) / FL_US_PER_S);
    }
    fl_json_text(json, "formula",
                 "median_answer = lower median of (answered - asked) over answered questions; "
                 "first_answer = first answered - opened");
    fl_json_end(json);
    return FL_OK;
}

/* ---- what was feared, and what came ---- */

struct sums {
    int64_t feared_c, confirmed_c;
    unsigned sites, confirmed, no_impact, restored, potential;
    int64_t down_us;
};

static int add_site(void *ctx, const struct fl_case_site *s)
{
    struct sums *sum = ctx;
    int64_t loss = s->loss_c == FL_CASE_UNKNOWN ? 0 : s->loss_c;
    bool was = s->confirmed_us != 0 && strcmp(s->status, "no_impact") != 0;

    sum->sites++;
    sum->feared_c += loss;
    sum->confirmed_c += was ? loss : 0;
    sum->confirmed += was;
    sum->no_impact += strcmp(s->status, "no_impact") == 0;
    sum->restored += strcmp(s->status, "restored") == 0;
    sum->potential += strcmp(s->status, "potential") == 0;
    if (s->restored_us != 0)
        sum->down_us += s->restored_us - s->since_us;
    return 0;
}

static int put_sums(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_json *json,
                    struct fl_err *err)
{
    struct sums s = {.sites = 0};
    int r = fl_db_case_site_each(kit->db, c->id, add_site, &s, err);

    if (r < 0)
        return r;
    fl_json_object(json, "outcome");
    fl_json_u64(json, "sites", s.sites);
    fl_json_u64(json, "were_down", s.confirmed);
    fl_json_u64(json, "no_impact", s.no_impact);
    fl_json_u64(json, "restored", s.restored);
    fl_json_u64(json, "never_known", s.potential);
    fl_case_put_number(json, "loss_feared", s.feared_c, 100);
    fl_case_put_number(json, "loss_of_those_down", s.confirmed_c, 100);
    fl_json_f64(json, "site_days_down", (double)s.down_us / (double)FL_US_PER_DAY);
    fl_json_text(json, "formula",
                 "loss_feared = sum of loss over all sites; loss_of_those_down = the same over "
                 "sites that were confirmed and are not no_impact; site_days_down = sum of "
                 "(restored - since) over restored sites");
    fl_json_end(json);
    return FL_OK;
}

static int put_after(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_json *json,
                     struct fl_err *err)
{
    int64_t end_us = c->closed_us != 0 ? c->closed_us : kit->now_us;
    int r;

    fl_json_text(json, "summary", c->summary[0] == '\0' ? NULL : c->summary);
    fl_json_text(json, "worked", c->worked[0] == '\0' ? NULL : c->worked);
    fl_json_text(json, "failed", c->failed[0] == '\0' ? NULL : c->failed);
    fl_json_bool(json, "final", c->closed_us != 0);
    fl_json_f64(json, "open_days", (double)(end_us - c->opened_us) / (double)FL_US_PER_DAY);
    fl_json_text(json, "currency", c->currency[0] == '\0' ? NULL : c->currency);
    r = put_sums(kit, c, json, err);
    if (r == FL_OK)
        r = put_asked(kit, c, json, err);
    if (r == FL_OK)
        r = fl_case_put_clocks(kit, c, false, json, err);
    if (r == FL_OK)
        r = fl_case_put_plans(kit, c, json, err);
    return r < 0 ? r : fl_case_put_actions(kit, c, json, err);
}

static int answer_after(struct fl_req *req, const struct fl_case_kit *kit, const struct fl_case *c,
                        struct fl_err *err)
{
    int r;

    fl_part_etag(req, c, sizeof *c);
    r = put_after(kit, c, fl_req_object(req), err);
    if (r == FL_OK)
        fl_req_done(req, 200);
    return r;
}

int fl_api_case_after(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    return r < 0 ? r : answer_after(req, &kit, &c, err);
}

int fl_api_case_after_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_part_match(req, &c, sizeof c, err);
    if (r == FL_OK)
        r = fl_req_text(req, "summary", c.summary, sizeof c.summary, err);
    if (r >= 0)
        r = fl_req_text(req, "worked", c.worked, sizeof c.worked, err);
    if (r >= 0)
        r = fl_req_text(req, "failed", c.failed, sizeof c.failed, err);
    if (r >= 0)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_case_set(kit.db, &c, err);
    if (r == FL_OK)
        r = fl_case_note(&kit, &c, "after", err, "the after-action record was changed");
    r = fl_part_end(req, r, err);
    return r < 0 ? r : answer_after(req, &kit, &c, err);
}

/* ---- actions ---- */

static int take_action(struct fl_req *req, const struct fl_case_kit *kit, struct fl_case_action *a,
                       struct fl_err *err)
{
    bool done = a->done_us != 0;
    int r = fl_req_text(req, "text", a->text, sizeof a->text, err);

    if (r >= 0)
        r = fl_req_text(req, "owner", a->owner, sizeof a->owner, err);
    if (r >= 0)
        r = fl_req_text(req, "note", a->note, sizeof a->note, err);
    if (r >= 0)
        r = fl_case_take_time(req, "due", &a->due_us, err);
    if (r >= 0)
        r = fl_req_bool(req, "done", &done, err);
    if (r < 0)
        return r;
    if (a->text[0] == '\0')
        return fl_req_missing(req, "text", err);
    if (done && a->note[0] == '\0') {
        req->field = "note";
        return fl_err_set(err, FL_E_INVAL, "note is missing: say what shows that it was done");
    }
    a->done_us = !done ? 0 : a->done_us != 0 ? a->done_us : kit->now_us;
    return FL_OK;
}

static int store_action(struct fl_req *req, const struct fl_case_kit *kit, const struct fl_case *c,
                        struct fl_case_action *a, struct fl_err *err)
{
    bool is_new = a->id == 0;
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = is_new ? fl_db_case_action_add(kit->db, a, err) : fl_db_case_action_set(kit->db, a, err);
    if (r == FL_OK)
        r = fl_case_note(kit, c, "action", err, "%s: %.800s",
                         a->done_us != 0 ? "done"
                         : is_new        ? "to do"
                                         : "changed",
                         a->text);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_case_put_action(fl_req_object(req), a, kit->now_us);
    fl_req_done(req, is_new ? 201 : 200);
    return FL_OK;
}

int fl_api_case_action_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case_action a = {.id = 0};
    struct fl_case c;
    uint64_t count = 0;
    int r = fl_case_take(req, &kit, &c, err);

    memset(&a, 0, sizeof a);
    if (r == FL_OK)
        r = take_action(req, &kit, &a, err);
    if (r == FL_OK)
        r = fl_db_case_action_count(kit.db, c.id, &count, err);
    if (r == FL_OK && count >= FL_DB_CASE_ROWS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a case has at most %u actions", FL_DB_CASE_ROWS_MAX);
    a.tenant = c.tenant;
    a.case_id = c.id;
    return r < 0 ? r : store_action(req, &kit, &c, &a, err);
}

int fl_api_case_action_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case_action a = {.id = 0};
    struct fl_case c;
    uint32_t id = 0;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_case_take_id(req, "action", &id, err);
    if (r == FL_OK)
        r = fl_db_case_action_get(kit.db, c.tenant, c.id, id, &a, err);
    if (r == FL_OK)
        r = take_action(req, &kit, &a, err);
    return r < 0 ? r : store_action(req, &kit, &c, &a, err);
}

/* ---- export: everything, as one document ---- */

static int one_entry(void *ctx, const struct fl_case_entry *entry)
{
    fl_case_put_entry(ctx, entry);
    return 0;
}

static int put_everything(const struct fl_case_kit *kit, const struct fl_case *c,
                          struct fl_json *json, struct fl_err *err)
{
    static int (*const all[])(const struct fl_case_kit *kit, const struct fl_case *c,
                              struct fl_json *json, struct fl_err *err) = {
        fl_case_put_sites, fl_case_put_questions, fl_case_put_notices, fl_case_put_items};
    struct fl_db_list list;
    int r = FL_OK;

    fl_json_text(json, "format", "fairlead-case/1");
    fl_json_text(json, "tenant", kit->tenant.slug);
    fl_part_time(json, "exported", kit->now_us);
    fl_json_text(json, "exported_by", kit->who);
    fl_case_put(json, "case", c);
    for (size_t i = 0; r == FL_OK && i < FL_LEN(all); i++)
        r = all[i](kit, c, json, err);
    if (r == FL_OK)
        r = fl_case_put_clocks(kit, c, true, json, err);
    fl_json_array(json, "timeline");
    if (r == FL_OK)
        r = fl_db_case_entries(kit->db, c->id, (struct fl_db_page){NULL, 0}, one_entry, json, &list,
                               err);
    fl_json_end(json);
    fl_json_object(json, "after_action");
    if (r == FL_OK)
        r = put_after(kit, c, json, err);
    fl_json_end(json);
    return r;
}

int fl_api_case_export(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    char number[16];
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, fl_case_record(&kit, &c, "case.export", "", err), err);
    if (r < 0)
        return r;
    fl_case_number(&c, number);
    fl_req_header(req, "Content-Disposition", "attachment; filename=\"%s.json\"", number);
    r = put_everything(&kit, &c, fl_req_object(req), err);
    if (r == FL_OK)
        fl_req_done(req, 200);
    return r;
}

/* ---- rules ---- */

static int one_rule(void *ctx, const struct fl_case_rule *rule)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    fl_case_put_rule(json, rule);
    fl_json_end(json);
    return 0;
}

int fl_api_case_rules(struct fl_req *req, struct fl_err *err)
{
    struct fl_json *json = fl_req_object(req);
    int r;

    fl_json_array(json, "items");
    r = fl_db_case_rules(req->api->db, req->tenant.id, one_rule, json, err);
    fl_json_end(json);
    if (r == FL_OK)
        fl_req_done(req, 200);
    return r;
}

static int take_rule(struct fl_req *req, struct fl_case_rule *rule, struct fl_err *err)
{
    char word[FL_CASE_WORD_MAX + 1];
    int r = fl_req_text(req, "name", rule->name, sizeof rule->name, err);

    if (r >= 0)
        r = fl_case_take_number(req, "min_net_loss", 0, 1e13, 100, &rule->min_loss_c, err);
    if (rule->min_loss_c == FL_CASE_UNKNOWN)
        rule->min_loss_c = 0;
    if (r >= 0)
        r = fl_req_text(req, "min_severity", word, sizeof word, err);
    if (r > 0)
        rule->min_severity = fl_case_severity_find(fl_span_str(word));
    if (r >= 0)
        r = fl_req_text(req, "sites", rule->sites, sizeof rule->sites, err);
    if (r >= 0)
        r = fl_req_text(req, "owner", rule->owner, sizeof rule->owner, err);
    if (r >= 0)
        r = fl_req_bool(req, "ask", &rule->ask, err);
    if (r >= 0)
        r = fl_req_bool(req, "enabled", &rule->enabled, err);
    return r < 0 ? r : fl_case_rule_check(rule, err);
}

static int store_rule(struct fl_req *req, struct fl_case_rule *rule, struct fl_err *err)
{
    bool is_new = rule->id == 0;
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = is_new ? fl_db_case_rule_add(req->api->db, rule, err)
               : fl_db_case_rule_set(req->api->db, rule, err);
    if (r == FL_OK)
        r = fl_part_audit(req, is_new ? "case_rule.add" : "case_rule.set", req->tenant.slug,
                          rule->name, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_case_put_rule(fl_req_object(req), rule);
    fl_req_done(req, is_new ? 201 : 200);
    return FL_OK;
}

int fl_api_case_rule_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_rule rule;
    int r;

    memset(&rule, 0, sizeof rule);
    rule.tenant = req->tenant.id;
    rule.enabled = true;
    rule.created_us = req->api->env.now_us();
    r = take_rule(req, &rule, err);
    return r < 0 ? r : store_rule(req, &rule, err);
}

static int take_rule_of(struct fl_req *req, struct fl_case_rule *ret, struct fl_err *err)
{
    uint32_t id = 0;
    int r = fl_case_take_id(req, "rule", &id, err);

    return r < 0 ? r : fl_db_case_rule_get(req->api->db, req->tenant.id, id, ret, err);
}

int fl_api_case_rule_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_rule rule;
    int r = take_rule_of(req, &rule, err);

    if (r == FL_OK)
        r = take_rule(req, &rule, err);
    return r < 0 ? r : store_rule(req, &rule, err);
}

int fl_api_case_rule_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_rule rule;
    int r = take_rule_of(req, &rule, err);

    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_case_rule_remove(req->api->db, req->tenant.id, rule.id, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "case_rule.remove", req->tenant.slug, rule.name, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_u64(fl_req_object(req), "removed", rule.id);
    fl_req_done(req, 200);
    return FL_OK;
}
