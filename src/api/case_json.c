#include <string.h>

#include "api/cases.h"
#include "api/parts.h"
#include "base/time.h"

/* ---- numbers ---- */

void fl_case_put_number(struct fl_json *json, const char *key, int64_t scaled, double by)
{
    if (scaled == FL_CASE_UNKNOWN)
        fl_json_null(json, key);
    else
        fl_json_f64(json, key, (double)scaled / by);
}

static void put_days(struct fl_json *json, const char *key, int64_t us)
{
    fl_json_f64(json, key, (double)us / (double)FL_US_PER_DAY);
}

/* ---- one of each ---- */

void fl_case_put(struct fl_json *json, const char *key, const struct fl_case *c)
{
    char number[16];
    size_t at = 0;
    const char *next;

    fl_case_number(c, number);
    if (key != NULL)
        fl_json_object(json, key);
    fl_json_u64(json, "id", c->id);
    fl_json_text(json, "number", number);
    fl_json_text(json, "kind", c->kind);
    fl_json_text(json, "title", c->title);
    fl_json_text(json, "state", c->state);
    fl_json_array(json, "may_become");
    while ((next = fl_machine_next(&fl_machine_supply, c->state, FL_BY_PERSON, &at)) != NULL)
        fl_json_text(json, NULL, next);
    fl_json_end(json);
    fl_json_text(
        json, "severity",
        fl_case_severities[c->severity < FL_CASE_SEVERITIES ? c->severity : FL_CASE_MEDIUM]);
    fl_json_text(json, "owner", c->owner[0] == '\0' ? NULL : c->owner);
    fl_json_bool(json, "exercise", c->exercise);
    if (c->risk != 0)
        fl_json_u64(json, "risk", c->risk);
    else
        fl_json_null(json, "risk");
    if (c->rule != 0)
        fl_json_u64(json, "rule", c->rule);
    else
        fl_json_null(json, "rule");
    fl_json_text(json, "opened_by", c->opened_by);
    fl_part_time(json, "opened", c->opened_us);
    fl_part_time(json, "closed", c->closed_us);
    fl_json_object(json, "event");
    fl_json_text(json, "type", c->event[0] == '\0' ? NULL : c->event);
    fl_json_text(json, "title", c->event_title[0] == '\0' ? NULL : c->event_title);
    fl_json_text(json, "place", c->event_place[0] == '\0' ? NULL : c->event_place);
    fl_part_time(json, "at", c->event_us);
    fl_json_end(json);
    fl_json_text(json, "currency", c->currency[0] == '\0' ? NULL : c->currency);
    fl_json_object(json, "at_opening");
    fl_case_put_number(json, "net_loss", c->net_loss_c, 100);
    fl_case_put_number(json, "confirmed", c->confirmed_c, 100);
    fl_case_put_number(json, "potential", c->potential_c, 100);
    fl_json_text(json, "first_product", c->first_product[0] == '\0' ? NULL : c->first_product);
    fl_case_put_number(json, "first_stops_in_days", c->first_m, 1000);
    fl_json_end(json);
    fl_json_text(json, "reason", c->close_reason[0] == '\0' ? NULL : c->close_reason);
    if (key != NULL)
        fl_json_end(json);
}

void fl_case_put_site(struct fl_json *json, const struct fl_case_site *s, int64_t now_us)
{
    int64_t from_us = s->confirmed_us != 0 ? s->confirmed_us : s->since_us;
    size_t at = 0;
    const char *next;

    fl_json_object(json, NULL);
    fl_json_text(json, "site", s->site);
    fl_json_text(json, "name", s->name[0] == '\0' ? s->site : s->name);
    fl_json_text(json, "supplier", s->supplier[0] == '\0' ? NULL : s->supplier);
    fl_json_text(json, "supplier_name", s->supplier_name[0] == '\0' ? NULL : s->supplier_name);
    fl_json_text(json, "status", s->status);
    fl_json_array(json, "may_become");
    while ((next = fl_machine_next(&fl_machine_site, s->status, FL_BY_PERSON, &at)) != NULL)
        fl_json_text(json, NULL, next);
    fl_json_end(json);
    fl_json_text(json, "measure", s->measure[0] == '\0' ? NULL : s->measure);
    fl_case_put_number(json, "value", s->value_m, 1000);
    fl_case_put_number(json, "sigma", s->sigma_m, 1000);
    fl_case_put_number(json, "probability", s->probability_m, 1000);
    fl_case_put_number(json, "down_days", s->down_m, 1000);
    fl_case_put_number(json, "stock_days", s->stock_m, 1000);
    fl_case_put_number(json, "loss", s->loss_c, 100);
    fl_part_time(json, "since", s->since_us);
    fl_part_time(json, "confirmed_at", s->confirmed_us);
    fl_part_time(json, "restored_at", s->restored_us);
    if (s->restored_us != 0)
        put_days(json, "was_down_days", s->restored_us - s->since_us);
    else if (strcmp(s->status, "confirmed") == 0)
        put_days(json, "down_so_far_days", now_us - from_us);
    if (s->word_us == 0) {
        fl_json_null(json, "last_word");
    } else {
        fl_json_object(json, "last_word");
        fl_json_text(json, "by", s->word_by);
        fl_part_time(json, "at", s->word_us);
        fl_json_end(json);
    }
    fl_json_text(json, "note", s->note[0] == '\0' ? NULL : s->note);
    fl_json_end(json);
}

void fl_case_put_clock(struct fl_json *json, const struct fl_clock *clock, int64_t now_us)
{
    const struct fl_clock_kind *kind = fl_case_clock_find(&fl_case_kinds[0], clock->kind);

    fl_json_u64(json, "id", clock->id);
    fl_json_text(json, "kind", clock->kind);
    fl_json_text(json, "about", kind == NULL ? NULL : kind->about);
    fl_json_text(json, "object", clock->object[0] == '\0' ? NULL : clock->object);
    fl_json_text(json, "state", fl_clock_states[fl_clock_state(clock, now_us)]);
    fl_part_time(json, "began", clock->first_us);
    fl_part_time(json, "counts_from", clock->started_us);
    fl_json_i64(json, "allowed_s", clock->span_us / FL_US_PER_S);
    fl_part_time(json, "due", fl_clock_due(clock, now_us));
    fl_json_i64(json, "left_s", fl_clock_left(clock, now_us) / FL_US_PER_S);
    fl_part_time(json, "paused_since", clock->paused_us);
    fl_json_i64(json, "pauses_s", clock->pauses_us / FL_US_PER_S);
    fl_json_i64(json, "extended_s", clock->extended_us / FL_US_PER_S);
    fl_json_u64(json, "extends", clock->extends);
    fl_part_time(json, "stopped", clock->stopped_us);
    fl_json_array(json, "rules");
    for (unsigned rule = 0; kind != NULL && clock->stopped_us == 0 && rule < FL_CLOCK_RULES; rule++)
        if (rule != FL_CLOCK_START && (kind->people >> rule & 1) != 0)
            fl_json_text(json, NULL, fl_clock_rules[rule]);
    fl_json_end(json);
    fl_json_text(json, "formula", "due = counts_from + allowed + extended + pauses");
}

void fl_case_put_step(struct fl_json *json, const struct fl_clock_step *step)
{
    fl_json_object(json, NULL);
    fl_part_time(json, "at", step->at_us);
    fl_json_text(json, "rule",
                 step->rule < FL_CLOCK_RULES ? fl_clock_rules[step->rule] : "unknown");
    if (step->rule == FL_CLOCK_REDATE)
        fl_part_time(json, "counts_from", step->value_us);
    else if (step->rule == FL_CLOCK_EXTEND || step->rule == FL_CLOCK_START)
        fl_json_i64(json, "by_s", step->value_us / FL_US_PER_S);
    fl_json_text(json, "who", step->actor);
    fl_json_text(json, "reason", step->reason);
    fl_json_end(json);
}

void fl_case_put_item(struct fl_json *json, const struct fl_case_item *item)
{
    fl_json_u64(json, "number", item->number);
    fl_json_text(json, "text", item->text);
    fl_json_bool(json, "required", item->required);
    fl_json_bool(json, "needs_evidence", item->needs_evidence);
    fl_json_text(json, "state", item->state);
    fl_json_text(json, "owner", item->owner[0] == '\0' ? NULL : item->owner);
    fl_json_text(json, "evidence", item->evidence[0] == '\0' ? NULL : item->evidence);
    fl_part_time(json, "at", item->at_us);
    fl_json_text(json, "by", item->by[0] == '\0' ? NULL : item->by);
}

void fl_case_put_entry(struct fl_json *json, const struct fl_case_entry *entry)
{
    fl_json_object(json, NULL);
    fl_json_u64(json, "id", entry->id);
    fl_part_time(json, "at", entry->at_us);
    fl_json_text(json, "what", entry->what);
    fl_json_text(json, "who", entry->who);
    fl_json_text(json, "text", entry->text);
    fl_json_end(json);
}

void fl_case_put_action(struct fl_json *json, const struct fl_case_action *a, int64_t now_us)
{
    fl_json_u64(json, "id", a->id);
    fl_json_text(json, "text", a->text);
    fl_json_text(json, "owner", a->owner[0] == '\0' ? NULL : a->owner);
    fl_part_time(json, "due", a->due_us);
    fl_part_time(json, "done", a->done_us);
    fl_json_bool(json, "late",
                 a->due_us != 0 && (a->done_us == 0 ? now_us : a->done_us) > a->due_us);
    fl_json_text(json, "note", a->note[0] == '\0' ? NULL : a->note);
}

void fl_case_put_question(struct fl_json *json, const struct fl_question *q,
                          const struct fl_clock *clock, int64_t now_us)
{
    fl_json_u64(json, "id", q->id);
    fl_json_text(json, "site", q->site);
    fl_json_text(json, "site_name", q->site_name[0] == '\0' ? q->site : q->site_name);
    fl_json_text(json, "supplier", q->supplier[0] == '\0' ? NULL : q->supplier);
    fl_json_text(json, "supplier_name", q->supplier_name[0] == '\0' ? NULL : q->supplier_name);
    fl_json_text(json, "to", q->to_email[0] == '\0' ? NULL : q->to_email);
    fl_json_text(json, "to_name", q->to_name[0] == '\0' ? NULL : q->to_name);
    fl_json_u64(json, "contact", q->contact);
    fl_json_text(json, "language", q->language);
    fl_json_text(json, "text", q->text[0] == '\0' ? NULL : q->text);
    fl_json_text(json, "state", q->state);
    fl_json_text(json, "asked_by", q->asked_by);
    fl_part_time(json, "asked", q->asked_us);
    fl_part_time(json, "sent", q->sent_us);
    fl_part_time(json, "opened", q->opened_us);
    fl_json_u64(json, "opens", q->opens);
    fl_json_u64(json, "reminders", q->reminders);
    fl_json_u64(json, "escalations", q->escalations);
    fl_part_time(json, "next", q->next_us);
    fl_part_time(json, "expires", q->expires_us);
    if (clock != NULL) {
        fl_json_object(json, "clock");
        fl_case_put_clock(json, clock, now_us);
        fl_json_end(json);
    }
    if (q->answered_us == 0) {
        fl_json_null(json, "answer");
        return;
    }
    fl_json_object(json, "answer");
    fl_part_time(json, "at", q->answered_us);
    fl_json_text(json, "impact", q->impact == FL_ANSWER_YES ? "yes" : "no");
    fl_case_put_number(json, "days", q->days_m, 1000);
    fl_json_text(json, "text", q->answer[0] == '\0' ? NULL : q->answer);
    fl_json_text(json, "name", q->answered_by[0] == '\0' ? NULL : q->answered_by);
    fl_json_text(json, "via", q->via);
    fl_json_i64(json, "after_s", (q->answered_us - q->asked_us) / FL_US_PER_S);
    fl_json_end(json);
}

void fl_case_put_plan(struct fl_json *json, const struct fl_plan_row *p)
{
    size_t at = 0;
    const char *next;

    fl_json_u64(json, "id", p->id);
    fl_json_text(json, "kind", p->kind);
    fl_json_text(json, "title", p->title);
    fl_json_text(json, "part", p->part[0] == '\0' ? NULL : p->part);
    fl_json_text(json, "site", p->site[0] == '\0' ? NULL : p->site);
    fl_json_text(json, "product", p->product[0] == '\0' ? NULL : p->product);
    fl_json_text(json, "to", p->to_site[0] == '\0' ? NULL : p->to_site);
    fl_case_put_number(json, "units", p->units_m, 1000);
    fl_case_put_number(json, "capacity_per_day", p->capacity_m, 1000);
    fl_case_put_number(json, "bring_up_days", p->bring_up_m, 1000);
    fl_case_put_number(json, "cost", p->cost_c, 100);
    fl_json_text(json, "currency", p->currency[0] == '\0' ? NULL : p->currency);
    fl_json_text(json, "owner", p->owner[0] == '\0' ? NULL : p->owner);
    fl_part_time(json, "ready", p->ready_us);
    fl_part_time(json, "start_by", p->start_us);
    fl_json_text(json, "state", p->state);
    fl_json_bool(json, "chosen", strcmp(p->state, "chosen") == 0 || strcmp(p->state, "done") == 0);
    fl_json_array(json, "may_become");
    while ((next = fl_machine_next(&fl_machine_plan, p->state, FL_BY_PERSON, &at)) != NULL)
        fl_json_text(json, NULL, next);
    fl_json_end(json);
    fl_part_time(json, "chosen_at", p->chosen_us);
    fl_json_text(json, "chosen_by", p->chosen_by[0] == '\0' ? NULL : p->chosen_by);
    fl_part_time(json, "done_at", p->done_us);
    fl_json_text(json, "note", p->note[0] == '\0' ? NULL : p->note);
}

void fl_case_put_notice(struct fl_json *json, const struct fl_case_notice *n,
                        const struct fl_notice *out)
{
    static const char *const states[FL_NOTICE_STATES] = {"queued", "sent", "failed"};
    const char *state = n->state;

    if (out != NULL && out->state < FL_NOTICE_STATES)
        state = states[out->state];
    fl_json_u64(json, "id", n->id);
    fl_json_text(json, "what", n->what);
    if (n->question != 0)
        fl_json_u64(json, "question", n->question);
    else
        fl_json_null(json, "question");
    fl_json_text(json, "channel", n->kind < FL_NOTICE_KINDS ? fl_notice_kinds[n->kind] : NULL);
    fl_json_text(json, "to", n->to_addr);
    fl_json_text(json, "to_name", n->to_name[0] == '\0' ? NULL : n->to_name);
    fl_json_text(json, "subject", n->subject);
    fl_json_text(json, "body", n->body);
    fl_json_text(json, "state", state);
    fl_json_text(json, "by", n->by);
    fl_part_time(json, "created", n->created_us);
    fl_json_u64(json, "tries", out == NULL ? 0 : out->tries);
    fl_part_time(json, "next", out != NULL && out->state == FL_NOTICE_WAITS ? out->next_us : 0);
    fl_part_time(json, "sent", out != NULL && out->state == FL_NOTICE_SENT ? out->done_us : 0);
    fl_json_text(json, "receipt", out != NULL && out->state == FL_NOTICE_SENT ? out->answer : NULL);
    fl_json_text(json, "problem",
                 out != NULL && out->state != FL_NOTICE_SENT && out->answer[0] != '\0' ? out->answer
                                                                                       : NULL);
}

void fl_case_put_rule(struct fl_json *json, const struct fl_case_rule *rule)
{
    fl_json_u64(json, "id", rule->id);
    fl_json_text(json, "name", rule->name);
    fl_json_bool(json, "enabled", rule->enabled);
    fl_case_put_number(json, "min_net_loss", rule->min_loss_c, 100);
    fl_json_text(json, "min_severity",
                 fl_case_severities[rule->min_severity < FL_CASE_SEVERITIES ? rule->min_severity
                                                                            : FL_CASE_LOW]);
    fl_json_text(json, "sites", rule->sites[0] == '\0' ? NULL : rule->sites);
    fl_json_text(json, "owner", rule->owner[0] == '\0' ? NULL : rule->owner);
    fl_json_bool(json, "ask", rule->ask);
    fl_part_time(json, "created", rule->created_us);
}

/* ---- all of a case ---- */

struct all {
    const struct fl_case_kit *kit;
    const struct fl_case *c;
    struct fl_json *json;
    bool steps;
    struct fl_err *err;
};

static int one_site(void *ctx, const struct fl_case_site *s)
{
    struct all *all = ctx;

    fl_case_put_site(all->json, s, all->kit->now_us);
    return 0;
}

static int one_step(void *ctx, const struct fl_clock_step *step)
{
    fl_case_put_step(((struct all *)ctx)->json, step);
    return 0;
}

static int one_clock(void *ctx, const struct fl_clock *clock)
{
    struct all *all = ctx;
    int r = 0;

    fl_json_object(all->json, NULL);
    fl_case_put_clock(all->json, clock, all->kit->now_us);
    if (all->steps) {
        fl_json_array(all->json, "steps");
        r = fl_db_clock_steps(all->kit->db, clock->id, one_step, all, all->err);
        fl_json_end(all->json);
    }
    fl_json_end(all->json);
    return r;
}

static int one_item(void *ctx, const struct fl_case_item *item)
{
    struct all *all = ctx;

    fl_json_object(all->json, NULL);
    fl_case_put_item(all->json, item);
    fl_json_end(all->json);
    return 0;
}

static int one_action(void *ctx, const struct fl_case_action *a)
{
    struct all *all = ctx;

    fl_json_object(all->json, NULL);
    fl_case_put_action(all->json, a, all->kit->now_us);
    fl_json_end(all->json);
    return 0;
}

static int one_question(void *ctx, const struct fl_question *q)
{
    struct all *all = ctx;
    struct fl_clock clock;
    int r = fl_db_clock_get(all->kit->db, q->tenant, q->case_id, q->clock, &clock, all->err);

    if (r < 0 && r != FL_E_NOENT)
        return r;
    fl_json_object(all->json, NULL);
    fl_case_put_question(all->json, q, r == FL_OK ? &clock : NULL, all->kit->now_us);
    fl_json_end(all->json);
    return 0;
}

static int one_plan(void *ctx, const struct fl_plan_row *p)
{
    struct all *all = ctx;

    fl_json_object(all->json, NULL);
    fl_case_put_plan(all->json, p);
    fl_json_end(all->json);
    return 0;
}

static int one_notice(void *ctx, const struct fl_case_notice *n)
{
    struct all *all = ctx;
    struct fl_notice out;
    int r = FL_E_NOENT;

    if (n->out != 0)
        r = fl_db_notice_get(all->kit->db, n->tenant, n->out, &out, all->err);
    if (r < 0 && r != FL_E_NOENT)
        return r;
    fl_json_object(all->json, NULL);
    fl_case_put_notice(all->json, n, r == FL_OK ? &out : NULL);
    fl_json_end(all->json);
    return 0;
}

#define ALL_OF(name, member, each, fn)                                                             \
    int fl_case_put_##name(const struct fl_case_kit *kit, const struct fl_case *c,                 \
                           struct fl_json *json, struct fl_err *err)                               \
    {                                                                                              \
        struct all all = {kit, c, json, false, err};                                               \
        int r;                                                                                     \
                                                                                                   \
        fl_json_array(json, member);                                                               \
        r = each(kit->db, c->id, fn, &all, err);                                                   \
        fl_json_end(json);                                                                         \
        return r;                                                                                  \
    }

ALL_OF(sites, "sites", fl_db_case_site_each, one_site)
ALL_OF(items, "checklist", fl_db_case_item_each, one_item)
ALL_OF(actions, "actions", fl_db_case_action_each, one_action)
ALL_OF(questions, "questions", fl_db_question_each, one_question)
ALL_OF(plans, "plans", fl_db_plan_each, one_plan)
ALL_OF(notices, "notices", fl_db_case_notice_each, one_notice)

int fl_case_put_clocks(const struct fl_case_kit *kit, const struct fl_case *c, bool steps,
                       struct fl_json *json, struct fl_err *err)
{
    struct all all = {kit, c, json, steps, err};
    int r;

    fl_json_array(json, "clocks");
    r = fl_db_clock_each(kit->db, c->id, one_clock, &all, err);
    fl_json_end(json);
    return r;
}
