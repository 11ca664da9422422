/* Timeline, checklist, clocks, plans, notices of a case. */
#include <stdio.h>
#include <string.h>

#include "api/cases.h"
#include "api/parts.h"
#include "base/time.h"

#define MONEY_MAX 1e12
#define UNITS_MAX 1e12

static void put(char *to, size_t size, const char *from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)size - 1, from);
}

/* An array of all there is, as the whole answer. */
static int answer_all(struct fl_req *req,
                      int (*all)(const struct fl_case_kit *kit, const struct fl_case *c,
                                 struct fl_json *json, struct fl_err *err),
                      struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = all(&kit, &c, fl_req_object(req), err);
    if (r == FL_OK)
        fl_req_done(req, 200);
    return r;
}

/* ---- timeline ---- */

static int one_entry(void *ctx, const struct fl_case_entry *entry)
{
    fl_case_put_entry(&((struct fl_req *)ctx)->json, entry);
    return 0;
}

int fl_api_case_timeline(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    struct fl_case_kit kit;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_part_list_begin(req, &page, err);
    if (r == FL_OK)
        r = fl_db_case_entries(kit.db, c.id, page, one_entry, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

int fl_api_case_timeline_add(struct fl_req *req, struct fl_err *err)
{
    char text[FL_CASE_TEXT_MAX + 1];
    struct fl_case_kit kit;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_req_need(req, "text", text, sizeof text, err);
    if (r == FL_OK && text[0] == '\0')
        r = fl_req_missing(req, "text", err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, fl_case_note(&kit, &c, "note", err, "%s", text), err);
    if (r < 0)
        return r;
    fl_json_bool(fl_req_object(req), "added", true);
    fl_req_done(req, 201);
    return FL_OK;
}

/* ---- checklist ---- */

int fl_api_case_checklist(struct fl_req *req, struct fl_err *err)
{
    return answer_all(req, fl_case_put_items, err);
}

static int take_change(struct fl_req *req, struct fl_item_change *change, char *state, char *owner,
                       char *evidence, struct fl_err *err)
{
    int r = fl_req_text(req, "state", state, FL_CASE_WORD_MAX + 1, err);

    change->state = r > 0 ? state : NULL;
    if (r >= 0)
        r = fl_req_text(req, "owner", owner, FL_CASE_WHO_MAX + 1, err);
    change->owner = r > 0 ? owner : NULL;
    if (r >= 0)
        r = fl_req_text(req, "evidence", evidence, FL_CASE_TEXT_MAX + 1, err);
    change->evidence = r > 0 ? evidence : NULL;
    return r < 0 ? r : FL_OK;
}

int fl_api_case_item_set(struct fl_req *req, struct fl_err *err)
{
    char state[FL_CASE_WORD_MAX + 1], owner[FL_CASE_WHO_MAX + 1], evidence[FL_CASE_TEXT_MAX + 1];
    struct fl_item_change change = {.state = NULL};
    struct fl_case_kit kit;
    struct fl_case_item item = {.id = 0};
    struct fl_case c;
    uint32_t number = 0;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_case_take_id(req, "item", &number, err);
    if (r == FL_OK)
        r = fl_db_case_item_find(kit.db, c.id, number, &item, err);
    if (r == FL_OK)
        r = take_change(req, &change, state, owner, evidence, err);
    change.by = kit.who;
    change.at_us = kit.now_us;
    if (r == FL_OK)
        r = fl_checklist_set(&item, &change, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_case_item_set(kit.db, &item, err);
    if (r == FL_OK)
        r = fl_case_note(&kit, &c, "checklist", err, "%u. %s: %s%s%.1200s", item.number, item.text,
                         item.state, item.evidence[0] == '\0' ? "" : ": ", item.evidence);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_case_put_item(fl_req_object(req), &item);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- clocks ---- */

static int put_clocks(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_json *json,
                      struct fl_err *err)
{
    return fl_case_put_clocks(kit, c, true, json, err);
}

int fl_api_case_clocks(struct fl_req *req, struct fl_err *err)
{
    return answer_all(req, put_clocks, err);
}

static int take_rule(struct fl_req *req, enum fl_clock_rule *ret, int64_t *ret_value,
                     struct fl_err *err)
{
    char word[FL_CASE_WORD_MAX + 1];
    uint64_t minutes = 0;
    int rule = FL_CLOCK_REDATE;
    int r = fl_req_need(req, "rule", word, sizeof word, err);

    if (r < 0)
        return r;
    while (rule < FL_CLOCK_RULES && strcmp(word, fl_clock_rules[rule]) != 0)
        rule++;
    if (rule == FL_CLOCK_RULES) {
        req->field = "rule";
        return fl_err_set(err, FL_E_INVAL, "rule is redate, pause, resume, extend or stop");
    }
    *ret = (enum fl_clock_rule)rule;
    *ret_value = 0;
    if (rule == FL_CLOCK_REDATE) {
        r = fl_case_take_time(req, "from", ret_value, err);
        return r == 0 ? fl_req_missing(req, "from", err) : r;
    }
    if (rule != FL_CLOCK_EXTEND)
        return FL_OK;
    r = fl_req_num(req, "minutes", 1, 2160 * 60, &minutes, err);
    *ret_value = (int64_t)minutes * 60 * FL_US_PER_S;
    return r == 0 ? fl_req_missing(req, "minutes", err) : r;
}

static int step_clock(const struct fl_case_kit *kit, const struct fl_case *c,
                      struct fl_clock *clock, enum fl_clock_rule rule, int64_t value_us,
                      const char *reason, struct fl_err *err)
{
    int r = fl_case_clock_step(kit, c, clock, rule, value_us, reason, err);

    if (r == FL_OK && strcmp(clock->kind, "answer") == 0)
        r = fl_case_question_again(kit, clock->id, c->id, err);
    if (r == FL_OK)
        r = fl_case_note(kit, c, "clock", err, "%s%s%s: %s: %.1500s", clock->kind,
                         clock->object[0] == '\0' ? "" : ", ", clock->object, fl_clock_rules[rule],
                         reason);
    return r < 0 ? r : fl_case_record(kit, c, "case.clock", "", err);
}

int fl_api_case_clock_step(struct fl_req *req, struct fl_err *err)
{
    char reason[FL_CASE_TEXT_MAX + 1] = "";
    enum fl_clock_rule rule = FL_CLOCK_STOP;
    int64_t value_us = 0;
    struct fl_case_kit kit;
    struct fl_clock clock;
    struct fl_case c;
    uint32_t id = 0;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_case_take_id(req, "clock", &id, err);
    if (r == FL_OK)
        r = fl_db_clock_get(kit.db, c.tenant, c.id, id, &clock, err);
    if (r == FL_OK)
        r = take_rule(req, &rule, &value_us, err);
    if (r >= 0)
        r = fl_req_text(req, "reason", reason, sizeof reason, err);
    if (r >= 0)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, step_clock(&kit, &c, &clock, rule, value_us, reason, err), err);
    if (r < 0)
        return fl_case_conflict(req, r);
    fl_case_put_clock(fl_req_object(req), &clock, kit.now_us);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- plans ---- */

int fl_api_case_plans(struct fl_req *req, struct fl_err *err)
{
    return answer_all(req, fl_case_put_plans, err);
}

static int take_words(struct fl_req *req, struct fl_plan_row *p, struct fl_err *err)
{
    const struct {
        const char *name;
        char *text;
        size_t size;
    } rows[] = {{"kind", p->kind, sizeof p->kind},
                {"title", p->title, sizeof p->title},
                {"part", p->part, sizeof p->part},
                {"site", p->site, sizeof p->site},
                {"product", p->product, sizeof p->product},
                {"to", p->to_site, sizeof p->to_site},
                {"currency", p->currency, sizeof p->currency},
                {"owner", p->owner, sizeof p->owner},
                {"note", p->note, sizeof p->note}};
    int r = FL_OK;

    for (size_t i = 0; r >= 0 && i < FL_LEN(rows); i++)
        r = fl_req_text(req, rows[i].name, rows[i].text, rows[i].size, err);
    return r;
}

static int take_plan(struct fl_req *req, struct fl_plan_row *p, struct fl_err *err)
{
    int r = take_words(req, p, err);

    if (r >= 0)
        r = fl_case_take_number(req, "units", 0, UNITS_MAX, 1000, &p->units_m, err);
    if (r >= 0)
        r = fl_case_take_number(req, "capacity_per_day", 0, UNITS_MAX, 1000, &p->capacity_m, err);
    if (r >= 0)
        r = fl_case_take_number(req, "bring_up_days", 0, 36500, 1000, &p->bring_up_m, err);
    if (r >= 0)
        r = fl_case_take_number(req, "cost", 0, MONEY_MAX, 100, &p->cost_c, err);
    if (r >= 0)
        r = fl_case_take_time(req, "ready", &p->ready_us, err);
    if (r >= 0)
        r = fl_case_take_time(req, "start_by", &p->start_us, err);
    return r < 0 ? r : fl_plan_row_check(p, err);
}

static int answer_plan(struct fl_req *req, const struct fl_plan_row *p, int status)
{
    fl_part_etag(req, p, sizeof *p);
    fl_case_put_plan(fl_req_object(req), p);
    fl_req_done(req, status);
    return FL_OK;
}

int fl_api_case_plan_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_plan_row p;
    struct fl_case c;
    uint64_t count = 0;
    int r = fl_case_take(req, &kit, &c, err);

    memset(&p, 0, sizeof p);
    p.units_m = p.capacity_m = p.bring_up_m = p.cost_c = FL_CASE_UNKNOWN;
    if (r == FL_OK)
        put(p.currency, sizeof p.currency, c.currency);
    if (r == FL_OK)
        r = take_plan(req, &p, err);
    if (r == FL_OK)
        r = fl_db_plan_count(kit.db, c.id, &count, err);
    if (r == FL_OK && count >= FL_PLAN_ROWS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a case has at most %u plans", FL_PLAN_ROWS_MAX);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    p.tenant = c.tenant;
    p.case_id = c.id;
    p.created_us = kit.now_us;
    put(p.state, sizeof p.state, fl_machine_plan.states[0]);
    r = fl_db_plan_add(kit.db, &p, err);
    if (r == FL_OK)
        r = fl_case_note(&kit, &c, "plan", err, "%s (%s) drafted", p.title, p.kind);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : answer_plan(req, &p, 201);
}

static int move_plan(struct fl_req *req, const struct fl_case_kit *kit, struct fl_case *c,
                     struct fl_plan_row *p, const char *state, const char *reason,
                     struct fl_err *err)
{
    int r = fl_machine_move(&fl_machine_plan, p->state, state, kit->by, reason, err);

    if (r < 0)
        return fl_case_conflict(req, r);
    if (strcmp(p->state, state) == 0)
        return FL_OK;
    put(p->state, sizeof p->state, state);
    if (strcmp(state, "chosen") == 0) {
        p->chosen_us = kit->now_us;
        put(p->chosen_by, sizeof p->chosen_by, kit->who);
        r = fl_case_clock_end(kit, c, "decide", "", "a plan is chosen", err);
        if (r == FL_OK && strcmp(c->state, "open") == 0)
            r = fl_case_change_state(kit, c, "acting", "", err);
    }
    p->done_us = strcmp(state, "done") == 0 ? kit->now_us : 0;
    return r < 0 ? r
                 : fl_case_note(kit, c, "plan", err, "%s: %s%s%.800s", p->title, state,
                                reason[0] == '\0' ? "" : ": ", reason);
}

static int take_plan_of(struct fl_req *req, struct fl_case_kit *kit, struct fl_case *c,
                        struct fl_plan_row *p, struct fl_err *err)
{
    uint32_t id = 0;
    int r = fl_case_take(req, kit, c, err);

    if (r == FL_OK)
        r = fl_case_take_id(req, "plan", &id, err);
    if (r == FL_OK)
        r = fl_db_plan_get(kit->db, c->tenant, c->id, id, p, err);
    return r < 0 ? r : fl_part_match(req, p, sizeof *p, err);
}

int fl_api_case_plan_set(struct fl_req *req, struct fl_err *err)
{
    char state[FL_CASE_WORD_MAX + 1], reason[FL_CASE_TEXT_MAX + 1] = "";
    struct fl_case_kit kit;
    struct fl_plan_row p;
    struct fl_case c;
    int r = take_plan_of(req, &kit, &c, &p, err), has = 0;

    if (r == FL_OK)
        r = take_plan(req, &p, err);
    if (r >= 0)
        r = fl_req_text(req, "reason", reason, sizeof reason, err);
    if (r >= 0)
        has = r = fl_req_text(req, "state", state, sizeof state, err);
    if (r >= 0)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    if (has > 0)
        r = move_plan(req, &kit, &c, &p, state, reason, err);
    if (r == FL_OK)
        r = fl_db_plan_set(kit.db, &p, err);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : answer_plan(req, &p, 200);
}

int fl_api_case_plan_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_plan_row p;
    struct fl_case c;
    int r = take_plan_of(req, &kit, &c, &p, err);

    if (r == FL_OK && strcmp(p.state, "chosen") == 0)
        return fl_req_why(req, 409, "state", err,
                          "the plan is chosen; drop it first, with a reason");
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_plan_remove(kit.db, c.tenant, c.id, p.id, err);
    if (r == FL_OK)
        r = fl_case_note(&kit, &c, "plan", err, "%s removed", p.title);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_u64(fl_req_object(req), "removed", p.id);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- notices ---- */

int fl_api_case_notices(struct fl_req *req, struct fl_err *err)
{
    return answer_all(req, fl_case_put_notices, err);
}

static int answer_notice(struct fl_req *req, const struct fl_case_kit *kit,
                         const struct fl_case_notice *n, int status)
{
    struct fl_notice out;
    int r = n->out == 0 ? FL_E_NOENT : fl_db_notice_get(kit->db, n->tenant, n->out, &out, NULL);

    fl_case_put_notice(fl_req_object(req), n, r == FL_OK ? &out : NULL);
    fl_req_done(req, status);
    return FL_OK;
}

static int take_notice(struct fl_req *req, struct fl_case_notice *n, struct fl_err *err)
{
    char channel[FL_CASE_WORD_MAX + 1] = "mail";
    int r = fl_req_text(req, "channel", channel, sizeof channel, err);

    n->kind = fl_notice_kind_find(fl_span_str(channel));
    if (r >= 0)
        r = fl_req_need(req, "to", n->to_addr, sizeof n->to_addr, err);
    if (r >= 0)
        r = fl_req_text(req, "to_name", n->to_name, sizeof n->to_name, err);
    if (r >= 0)
        r = fl_req_need(req, "subject", n->subject, sizeof n->subject, err);
    if (r >= 0)
        r = fl_req_need(req, "body", n->body, sizeof n->body, err);
    return r < 0 ? r : fl_case_notice_check(n, err);
}

/* A webhook's body is a JSON object: what somebody wrote is its text. */
static int wrap_body(const struct fl_case_kit *kit, const struct fl_case *c,
                     struct fl_case_notice *n, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    char number[16];
    struct fl_json json;
    int r;

    fl_buf_init(&text, sizeof n->body - 1);
    if (n->kind != FL_NOTICE_WEBHOOK)
        return FL_OK;
    fl_case_number(c, number);
    fl_json_init(&json, &text);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "type", "case.notice");
    fl_json_text(&json, "tenant", kit->tenant.slug);
    fl_json_text(&json, "case", number);
    fl_json_text(&json, "title", c->title);
    fl_json_text(&json, "state", c->state);
    fl_json_text(&json, "subject", n->subject);
    fl_json_text(&json, "text", n->body);
    fl_part_time(&json, "at", kit->now_us);
    fl_json_end(&json);
    r = fl_buf_status(&text, err);
    if (r < 0)
        return r;
    memset(n->body, 0, sizeof n->body);
    memcpy(n->body, text.ptr, text.len);
    return FL_OK;
}

static int send_notice(const struct fl_case_kit *kit, const struct fl_case *c,
                       struct fl_case_notice *n, struct fl_err *err)
{
    int r = wrap_body(kit, c, n, err);

    if (r == FL_OK)
        r = fl_db_case_notice_send(kit->db, n, err);
    if (r == FL_OK)
        r = fl_case_note(kit, c, "notice", err, "%s to %.300s: %s", n->state, n->to_addr,
                         n->subject);
    return r < 0 ? r : fl_case_record(kit, c, "case.notice", "", err);
}

int fl_api_case_notice_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case_notice n;
    struct fl_case c;
    bool draft = false;
    uint64_t count = 0;
    int r = fl_case_take(req, &kit, &c, err);

    memset(&n, 0, sizeof n);
    if (r == FL_OK)
        r = take_notice(req, &n, err);
    if (r == FL_OK)
        r = fl_req_bool(req, "draft", &draft, err);
    if (r >= 0)
        r = fl_db_case_notice_count(kit.db, c.id, &count, err);
    if (r == FL_OK && count >= FL_DB_CASE_ROWS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a case has at most %u notices", FL_DB_CASE_ROWS_MAX);
    if (r >= 0)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    n.tenant = c.tenant;
    n.case_id = c.id;
    n.created_us = kit.now_us;
    put(n.what, sizeof n.what, "notice");
    put(n.by, sizeof n.by, kit.who);
    put(n.state, sizeof n.state, "draft");
    r = draft ? fl_db_case_notice_add(kit.db, &n, err) : send_notice(&kit, &c, &n, err);
    r = fl_part_end(req, r, err);
    if (r == FL_E_NOENT && n.kind == FL_NOTICE_WEBHOOK) { /* its tenant has no key to sign with */
        req->why_status = 409;
        req->why = "no_key";
    }
    return r < 0 ? r : answer_notice(req, &kit, &n, 201);
}

/* PATCH {state: queued}: a draft is sent, or one that failed once more. */
int fl_api_case_notice_send(struct fl_req *req, struct fl_err *err)
{
    char state[FL_CASE_WORD_MAX + 1];
    struct fl_case_kit kit;
    struct fl_case_notice n = {.id = 0};
    struct fl_case c;
    uint32_t id = 0;
    int r = fl_case_take(req, &kit, &c, err);

    if (r == FL_OK)
        r = fl_case_take_id(req, "notice", &id, err);
    if (r == FL_OK)
        r = fl_db_case_notice_get(kit.db, c.tenant, c.id, id, &n, err);
    if (r == FL_OK)
        r = fl_req_need(req, "state", state, sizeof state, err);
    if (r == FL_OK)
        r = fl_machine_move(&fl_machine_notice, n.state, state, kit.by, "", err);
    if (r == FL_OK && strcmp(n.state, "draft") != 0)
        r = fl_err_set(err, FL_E_DENIED, "the notice is '%s' already", n.state);
    if (r < 0)
        return fl_case_conflict(req, r);
    r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, send_notice(&kit, &c, &n, err), err);
    return r < 0 ? r : answer_notice(req, &kit, &n, 200);
}
