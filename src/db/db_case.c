#include "db/db_case.h"

#include <stdio.h>
#include <string.h>

#include "db/db_int.h"
#include "db/db_notice.h"

static const struct fl_column fl_case_columns[] = {
    COLUMN(fl_case, U32, id),
    COLUMN(fl_case, U32, tenant),
    COLUMN(fl_case, U32, number),
    COLUMN(fl_case, TEXT, kind),
    COLUMN(fl_case, TEXT, title),
    COLUMN(fl_case, TEXT, state),
    COLUMN(fl_case, U32, severity),
    COLUMN(fl_case, TEXT, owner),
    COLUMN(fl_case, BOOL, exercise),
    COLUMN(fl_case, U32, risk),
    COLUMN(fl_case, U32, rule),
    COLUMN(fl_case, TEXT, opened_by),
    COLUMN(fl_case, U64, opened_us),
    COLUMN(fl_case, U64, closed_us),
    COLUMN(fl_case, TEXT, event),
    COLUMN(fl_case, TEXT, event_title),
    COLUMN(fl_case, TEXT, event_place),
    COLUMN(fl_case, U64, event_us),
    COLUMN(fl_case, TEXT, currency),
    COLUMN(fl_case, U64, net_loss_c),
    COLUMN(fl_case, U64, confirmed_c),
    COLUMN(fl_case, U64, potential_c),
    COLUMN(fl_case, TEXT, first_product),
    COLUMN(fl_case, U64, first_m),
    COLUMN(fl_case, TEXT, close_reason),
    COLUMN(fl_case, TEXT, summary),
    COLUMN(fl_case, TEXT, worked),
    COLUMN(fl_case, TEXT, failed),
};
static const struct fl_rows cases = ROWS(fl_case, "cases", 1);

static const struct fl_column fl_case_site_columns[] = {
    COLUMN(fl_case_site, U32, id),
    COLUMN(fl_case_site, U32, tenant),
    COLUMN(fl_case_site, U32, case_id),
    COLUMN(fl_case_site, TEXT, site),
    COLUMN(fl_case_site, TEXT, name),
    COLUMN(fl_case_site, TEXT, supplier),
    COLUMN(fl_case_site, TEXT, supplier_name),
    COLUMN(fl_case_site, TEXT, status),
    COLUMN(fl_case_site, TEXT, measure),
    COLUMN(fl_case_site, U64, value_m),
    COLUMN(fl_case_site, U64, sigma_m),
    COLUMN(fl_case_site, U64, probability_m),
    COLUMN(fl_case_site, U64, down_m),
    COLUMN(fl_case_site, U64, stock_m),
    COLUMN(fl_case_site, U64, loss_c),
    COLUMN(fl_case_site, U64, since_us),
    COLUMN(fl_case_site, U64, confirmed_us),
    COLUMN(fl_case_site, U64, restored_us),
    COLUMN(fl_case_site, TEXT, word_by),
    COLUMN(fl_case_site, U64, word_us),
    COLUMN(fl_case_site, TEXT, note),
};
static const struct fl_rows case_sites = ROWS(fl_case_site, "case_sites", 1);

static const struct fl_column fl_case_item_columns[] = {
    COLUMN(fl_case_item, U32, id),        COLUMN(fl_case_item, U32, tenant),
    COLUMN(fl_case_item, U32, case_id),   COLUMN(fl_case_item, U32, number),
    COLUMN(fl_case_item, TEXT, text),     COLUMN(fl_case_item, BOOL, needs_evidence),
    COLUMN(fl_case_item, BOOL, required), COLUMN(fl_case_item, TEXT, state),
    COLUMN(fl_case_item, TEXT, owner),    COLUMN(fl_case_item, TEXT, evidence),
    COLUMN(fl_case_item, U64, at_us),     COLUMN(fl_case_item, TEXT, by),
};
static const struct fl_rows case_items = ROWS(fl_case_item, "case_items", 1);

static const struct fl_column fl_case_action_columns[] = {
    COLUMN(fl_case_action, U32, id),      COLUMN(fl_case_action, U32, tenant),
    COLUMN(fl_case_action, U32, case_id), COLUMN(fl_case_action, TEXT, text),
    COLUMN(fl_case_action, TEXT, owner),  COLUMN(fl_case_action, U64, due_us),
    COLUMN(fl_case_action, U64, done_us), COLUMN(fl_case_action, TEXT, note),
};
static const struct fl_rows case_actions = ROWS(fl_case_action, "case_actions", 1);

static const struct fl_column fl_clock_columns[] = {
    COLUMN(fl_clock, U32, id),         COLUMN(fl_clock, U32, tenant),
    COLUMN(fl_clock, U32, case_id),    COLUMN(fl_clock, TEXT, kind),
    COLUMN(fl_clock, TEXT, object),    COLUMN(fl_clock, U64, first_us),
    COLUMN(fl_clock, U64, started_us), COLUMN(fl_clock, U64, span_us),
    COLUMN(fl_clock, U64, due_us),     COLUMN(fl_clock, U64, paused_us),
    COLUMN(fl_clock, U64, pauses_us),  COLUMN(fl_clock, U64, extended_us),
    COLUMN(fl_clock, U32, extends),    COLUMN(fl_clock, U64, last_us),
    COLUMN(fl_clock, U64, stopped_us),
};
static const struct fl_rows clocks = ROWS(fl_clock, "clocks", 1);

static const struct fl_column fl_clock_step_columns[] = {
    COLUMN(fl_clock_step, U32, id),     COLUMN(fl_clock_step, U32, tenant),
    COLUMN(fl_clock_step, U32, clock),  COLUMN(fl_clock_step, U64, at_us),
    COLUMN(fl_clock_step, U32, rule),   COLUMN(fl_clock_step, U64, value_us),
    COLUMN(fl_clock_step, TEXT, actor), COLUMN(fl_clock_step, TEXT, reason),
};
static const struct fl_rows clock_steps = ROWS(fl_clock_step, "clock_steps", 1);

static const struct fl_column fl_case_entry_columns[] = {
    COLUMN(fl_case_entry, U32, id),      COLUMN(fl_case_entry, U32, tenant),
    COLUMN(fl_case_entry, U32, case_id), COLUMN(fl_case_entry, U64, at_us),
    COLUMN(fl_case_entry, TEXT, what),   COLUMN(fl_case_entry, TEXT, who),
    COLUMN(fl_case_entry, TEXT, text),
};
static const struct fl_rows case_entries = ROWS(fl_case_entry, "case_entries", 1);

static const struct fl_column fl_case_rule_columns[] = {
    COLUMN(fl_case_rule, U32, id),         COLUMN(fl_case_rule, U32, tenant),
    COLUMN(fl_case_rule, TEXT, name),      COLUMN(fl_case_rule, BOOL, enabled),
    COLUMN(fl_case_rule, U64, min_loss_c), COLUMN(fl_case_rule, U32, min_severity),
    COLUMN(fl_case_rule, TEXT, sites),     COLUMN(fl_case_rule, TEXT, owner),
    COLUMN(fl_case_rule, BOOL, ask),       COLUMN(fl_case_rule, U64, created_us),
};
static const struct fl_rows case_rules = ROWS(fl_case_rule, "case_rules", 1);

static const struct fl_column fl_question_columns[] = {
    COLUMN(fl_question, U32, id),
    COLUMN(fl_question, U32, tenant),
    COLUMN(fl_question, U32, case_id),
    COLUMN(fl_question, TEXT, site),
    COLUMN(fl_question, TEXT, site_name),
    COLUMN(fl_question, TEXT, supplier),
    COLUMN(fl_question, TEXT, supplier_name),
    COLUMN(fl_question, TEXT, to_name),
    COLUMN(fl_question, TEXT, to_email),
    COLUMN(fl_question, U32, contact),
    COLUMN(fl_question, TEXT, language),
    COLUMN(fl_question, TEXT, text),
    COLUMN(fl_question, TEXT, state),
    COLUMN(fl_question, TEXT, asked_by),
    COLUMN(fl_question, U32, clock),
    COLUMN(fl_question, U32, out),
    COLUMN(fl_question, U64, asked_us),
    COLUMN(fl_question, U64, sent_us),
    COLUMN(fl_question, U64, opened_us),
    COLUMN(fl_question, U64, answered_us),
    COLUMN(fl_question, U32, opens),
    COLUMN(fl_question, U32, reminders),
    COLUMN(fl_question, U32, escalations),
    COLUMN(fl_question, U64, next_us),
    COLUMN(fl_question, U64, expires_us),
    COLUMN(fl_question, U32, impact),
    COLUMN(fl_question, U64, days_m),
    COLUMN(fl_question, TEXT, answered_by),
    COLUMN(fl_question, TEXT, answer),
    COLUMN(fl_question, TEXT, via),
};
static const struct fl_rows questions = ROWS(fl_question, "questions", 1);

static const struct fl_column fl_question_token_columns[] = {
    COLUMN(fl_question_token, U32, question), COLUMN(fl_question_token, U32, tenant),
    COLUMN(fl_question_token, HASH, hash),    COLUMN(fl_question_token, TEXT, email),
    COLUMN(fl_question_token, U64, made_us),  COLUMN(fl_question_token, U64, expires_us),
};
static const struct fl_rows question_tokens = ROWS(fl_question_token, "question_tokens", 0);

static const struct fl_column fl_plan_row_columns[] = {
    COLUMN(fl_plan_row, U32, id),         COLUMN(fl_plan_row, U32, tenant),
    COLUMN(fl_plan_row, U32, case_id),    COLUMN(fl_plan_row, TEXT, kind),
    COLUMN(fl_plan_row, TEXT, title),     COLUMN(fl_plan_row, TEXT, part),
    COLUMN(fl_plan_row, TEXT, site),      COLUMN(fl_plan_row, TEXT, product),
    COLUMN(fl_plan_row, TEXT, to_site),   COLUMN(fl_plan_row, U64, units_m),
    COLUMN(fl_plan_row, U64, capacity_m), COLUMN(fl_plan_row, U64, bring_up_m),
    COLUMN(fl_plan_row, U64, cost_c),     COLUMN(fl_plan_row, TEXT, currency),
    COLUMN(fl_plan_row, TEXT, owner),     COLUMN(fl_plan_row, U64, ready_us),
    COLUMN(fl_plan_row, U64, start_us),   COLUMN(fl_plan_row, TEXT, state),
    COLUMN(fl_plan_row, TEXT, note),      COLUMN(fl_plan_row, U64, created_us),
    COLUMN(fl_plan_row, U64, chosen_us),  COLUMN(fl_plan_row, U64, done_us),
    COLUMN(fl_plan_row, TEXT, chosen_by),
};
static const struct fl_rows plans = ROWS(fl_plan_row, "plans", 1);

static const struct fl_column fl_case_notice_columns[] = {
    COLUMN(fl_case_notice, U32, id),         COLUMN(fl_case_notice, U32, tenant),
    COLUMN(fl_case_notice, U32, case_id),    COLUMN(fl_case_notice, U32, question),
    COLUMN(fl_case_notice, TEXT, what),      COLUMN(fl_case_notice, U32, kind),
    COLUMN(fl_case_notice, TEXT, to_name),   COLUMN(fl_case_notice, TEXT, to_addr),
    COLUMN(fl_case_notice, TEXT, subject),   COLUMN(fl_case_notice, TEXT, body),
    COLUMN(fl_case_notice, TEXT, state),     COLUMN(fl_case_notice, U32, out),
    COLUMN(fl_case_notice, U64, created_us), COLUMN(fl_case_notice, TEXT, by),
};
static const struct fl_rows case_notices = ROWS(fl_case_notice, "case_notices", 1);

/* ---- what all of them share ---- */

static int get_one(struct fl_db *db, const struct fl_rows *rows, const struct fl_where *where,
                   const char *noun, uint32_t id, void *ret, struct fl_err *err)
{
    return fl_db_no_number(fl_row_get(db->sql, rows, where, ret, err), err, noun, id);
}

static int set_one(struct fl_db *db, const struct fl_rows *rows, const char *noun, const void *row,
                   uint32_t id, struct fl_err *err)
{
    return fl_db_no_number(fl_row_update(db->sql, rows, row, err), err, noun, id);
}

static int remove_one(struct fl_db *db, const struct fl_rows *rows, const struct fl_where *where,
                      const char *noun, uint32_t id, struct fl_err *err)
{
    int64_t n = 0;
    int r = fl_row_remove(db->sql, rows, where, &n, err);

    return r == FL_OK && n == 0 ? fl_db_no_number(FL_E_NOENT, err, noun, id) : r;
}

/* Calls fn for rows that a condition picks; the type of the row is the caller's. */
#define EACH(s, rows, where, order, limit)                                                         \
    struct s##_fn call = {.fn = fn, .ctx = ctx};                                                   \
    int r = fl_row_each(db->sql, &(rows), where, order, limit, &call.row, give_##s, &call, err);   \
                                                                                                   \
    return r < 0 ? r : FL_OK

#define GIVEN(s)                                                                                   \
    struct s##_fn {                                                                                \
        int (*fn)(void *ctx, const struct s *row);                                                 \
        void *ctx;                                                                                 \
        struct s row; /* room for one */                                                           \
    };                                                                                             \
    static int give_##s(void *ctx)                                                                 \
    {                                                                                              \
        const struct s##_fn *f = ctx;                                                              \
                                                                                                   \
        return f->fn(f->ctx, &f->row);                                                             \
    }

#define PART(s, word, rows, noun)                                                                  \
    GIVEN(s)                                                                                       \
    int fl_db_##word##_add(struct fl_db *db, struct s *row, struct fl_err *err)                    \
    {                                                                                              \
        return fl_row_insert(db->sql, &(rows), row, "", err);                                      \
    }                                                                                              \
    int fl_db_##word##_get(struct fl_db *db, uint32_t tenant, uint32_t case_id, uint32_t id,       \
                           struct s *ret, struct fl_err *err)                                      \
    {                                                                                              \
        const struct fl_where where = OF_CASE(tenant, case_id, id);                                \
                                                                                                   \
        return get_one(db, &(rows), &where, noun, id, ret, err);                                   \
    }                                                                                              \
    int fl_db_##word##_set(struct fl_db *db, const struct s *row, struct fl_err *err)              \
    {                                                                                              \
        return set_one(db, &(rows), noun, row, row->id, err);                                      \
    }                                                                                              \
    int fl_db_##word##_remove(struct fl_db *db, uint32_t tenant, uint32_t case_id, uint32_t id,    \
                              struct fl_err *err)                                                  \
    {                                                                                              \
        const struct fl_where where = OF_CASE(tenant, case_id, id);                                \
                                                                                                   \
        return remove_one(db, &(rows), &where, noun, id, err);                                     \
    }                                                                                              \
    int fl_db_##word##_each(struct fl_db *db, uint32_t case_id,                                    \
                            int (*fn)(void *ctx, const struct s *row), void *ctx,                  \
                            struct fl_err *err)                                                    \
    {                                                                                              \
        const struct fl_where where = {"case_id = ?1", {FL_VALUE_I64(case_id)}, 1};                \
                                                                                                   \
        EACH(s, rows, &where, "id", FL_DB_CASE_ROWS_MAX);                                          \
    }                                                                                              \
    int fl_db_##word##_count(struct fl_db *db, uint32_t case_id, uint64_t *ret,                    \
                             struct fl_err *err)                                                   \
    {                                                                                              \
        const struct fl_where where = {"case_id = ?1", {FL_VALUE_I64(case_id)}, 1};                \
                                                                                                   \
        return fl_row_count(db->sql, &(rows), &where, ret, err);                                   \
    }

#define OF_CASE(tenant, case_id, id)                                                               \
    {                                                                                              \
        "tenant = ?1 AND case_id = ?2 AND id = ?3",                                                \
            {FL_VALUE_I64(tenant), FL_VALUE_I64(case_id), FL_VALUE_I64(id)}, 3                     \
    }

PART(fl_case_site, case_site, case_sites, "site of the case")
PART(fl_case_item, case_item, case_items, "item")
PART(fl_case_action, case_action, case_actions, "action")
PART(fl_clock, clock, clocks, "clock")
PART(fl_question, question, questions, "question")
PART(fl_plan_row, plan, plans, "plan")
PART(fl_case_notice, case_notice, case_notices, "notice")
GIVEN(fl_clock_step)
GIVEN(fl_case_rule)
TYPED(fl_case)
TYPED(fl_case_entry)

/* ---- cases ---- */

static int next_number(struct fl_db *db, uint32_t tenant, uint32_t *ret, struct fl_err *err)
{
    const struct fl_value value = FL_VALUE_I64(tenant);
    uint64_t number = 0;
    int r = fl_row_number(db->sql,
                          "INSERT INTO case_numbers (tenant, last) VALUES (?1, 1) ON CONFLICT "
                          "(tenant) DO UPDATE SET last = last + 1 RETURNING last",
                          &value, 1, &number, err);

    if (r == FL_OK)
        *ret = (uint32_t)number;
    return r;
}

int fl_db_case_add(struct fl_db *db, struct fl_case *c, struct fl_err *err)
{
    int r = fl_case_check(c, err);

    if (r == FL_OK)
        r = next_number(db, c->tenant, &c->number, err);
    return r < 0 ? r : fl_row_insert(db->sql, &cases, c, "", err);
}

int fl_db_case_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_case *ret,
                   struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};

    return get_one(db, &cases, &where, "case", id, ret, err);
}

int fl_db_case_set(struct fl_db *db, const struct fl_case *c, struct fl_err *err)
{
    int r = fl_case_check(c, err);

    return r < 0 ? r : set_one(db, &cases, "case", c, c->id, err);
}

int fl_db_case_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};

    return remove_one(db, &cases, &where, "case", id, err);
}

static void case_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_case *)obj)->id);
}

#define PICK                                                                                       \
    "tenant = ?1 AND (?2 < 0 OR (closed_us > 0) = ?2) AND (?3 < 0 OR exercise = ?3) AND "          \
    "(?4 = 0 OR owner = ?5) AND (?6 = 0 OR risk = ?6)"

static struct fl_where where_of(const struct fl_db_case_pick *pick, const char *text,
                                uint64_t before, size_t count)
{
    return (struct fl_where){text,
                             {FL_VALUE_I64(pick->tenant), FL_VALUE_I64(pick->over),
                              FL_VALUE_I64(pick->exercise), FL_VALUE_I64(pick->owner != NULL),
                              FL_VALUE_TEXT(pick->owner == NULL ? "" : pick->owner),
                              FL_VALUE_I64(pick->risk), FL_VALUE_I64(before)},
                             count};
}

int fl_db_cases(struct fl_db *db, const struct fl_db_case_pick *pick, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_case *c), void *ctx, struct fl_db_list *ret,
                struct fl_err *err)
{
    struct fl_case_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l = {.sql = db->sql,
                           .rows = &cases,
                           .order = "id DESC",
                           .obj = &call.row,
                           .cursor = case_cursor,
                           .fn = call_fl_case,
                           .ctx = &call,
                           .limit = page.limit};
    uint64_t before = INT64_MAX;
    int r = fl_listing_after_id(page, INT64_MAX, &before, err);

    if (r < 0)
        return r;
    l.all = where_of(pick, PICK, before, 6);
    l.rest = where_of(pick, PICK " AND id < ?7", before, 7);
    return fl_listing_all(&l, ret, err);
}

int fl_db_case_count(struct fl_db *db, const struct fl_db_case_pick *pick, uint64_t *ret,
                     struct fl_err *err)
{
    const struct fl_where where = where_of(pick, PICK, 0, 6);

    return fl_row_count(db->sql, &cases, &where, ret, err);
}

int fl_db_case_of_risk(struct fl_db *db, uint32_t tenant, uint32_t risk, struct fl_case *ret,
                       struct fl_err *err)
{
    const struct fl_where where = {"tenant = ?1 AND risk = ?2 AND risk > 0 AND closed_us = 0",
                                   {FL_VALUE_I64(tenant), FL_VALUE_I64(risk)},
                                   2};

    return get_one(db, &cases, &where, "case of the risk", risk, ret, err);
}

/* ---- found by other than their numbers ---- */

int fl_db_case_site_find(struct fl_db *db, uint32_t case_id, const char *site,
                         struct fl_case_site *ret, struct fl_err *err)
{
    const struct fl_where where = {
        "case_id = ?1 AND site = ?2", {FL_VALUE_I64(case_id), FL_VALUE_TEXT(site)}, 2};

    return fl_db_named(fl_row_get(db->sql, &case_sites, &where, ret, err), err, "site of the case",
                       site);
}

int fl_db_case_item_find(struct fl_db *db, uint32_t case_id, uint32_t number,
                         struct fl_case_item *ret, struct fl_err *err)
{
    const struct fl_where where = {
        "case_id = ?1 AND number = ?2", {FL_VALUE_I64(case_id), FL_VALUE_I64(number)}, 2};

    return get_one(db, &case_items, &where, "item", number, ret, err);
}

int fl_db_clock_find(struct fl_db *db, uint32_t case_id, const char *kind, const char *object,
                     struct fl_clock *ret, struct fl_err *err)
{
    const struct fl_where where = {
        "case_id = ?1 AND kind = ?2 AND object = ?3",
        {FL_VALUE_I64(case_id), FL_VALUE_TEXT(kind), FL_VALUE_TEXT(object)},
        3};

    return fl_db_named(fl_row_get(db->sql, &clocks, &where, ret, err), err, "clock", kind);
}

/* ---- steps and entries ---- */

int fl_db_clock_step_add(struct fl_db *db, struct fl_clock_step *step, struct fl_err *err)
{
    return fl_row_insert(db->sql, &clock_steps, step, "", err);
}

int fl_db_clock_steps(struct fl_db *db, uint32_t clock,
                      int (*fn)(void *ctx, const struct fl_clock_step *step), void *ctx,
                      struct fl_err *err)
{
    const struct fl_where where = {"clock = ?1", {FL_VALUE_I64(clock)}, 1};

    EACH(fl_clock_step, clock_steps, &where, "id", FL_DB_CASE_ROWS_MAX);
}

int fl_db_case_entry_add(struct fl_db *db, struct fl_case_entry *entry, struct fl_err *err)
{
    return fl_row_insert(db->sql, &case_entries, entry, "", err);
}

static void entry_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_case_entry *)obj)->id);
}

int fl_db_case_entries(struct fl_db *db, uint32_t case_id, struct fl_db_page page,
                       int (*fn)(void *ctx, const struct fl_case_entry *entry), void *ctx,
                       struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_case_entry_fn call = {.fn = fn, .ctx = ctx};
    uint64_t after = 0;
    int r = fl_listing_after_id(page, 0, &after, err);
    struct fl_listing l = {
        .sql = db->sql,
        .rows = &case_entries,
        .all = {"case_id = ?1", {FL_VALUE_I64(case_id)}, 1},
        .rest = {"case_id = ?1 AND id > ?2", {FL_VALUE_I64(case_id), FL_VALUE_I64(after)}, 2},
        .order = "id",
        .obj = &call.row,
        .cursor = entry_cursor,
        .fn = call_fl_case_entry,
        .ctx = &call,
        .limit = page.limit};

    return r < 0 ? r : fl_listing_all(&l, ret, err);
}

/* ---- rules ---- */

int fl_db_case_rule_add(struct fl_db *db, struct fl_case_rule *rule, struct fl_err *err)
{
    const struct fl_where of = OF_TENANT(rule->tenant);
    uint64_t count = 0;
    int r = fl_case_rule_check(rule, err);

    if (r == FL_OK)
        r = fl_row_count(db->sql, &case_rules, &of, &count, err);
    if (r == FL_OK && count >= FL_CASE_RULES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "the tenant has %u rules, as many as there may be",
                          FL_CASE_RULES_MAX);
    return r < 0 ? r
                 : fl_db_named(fl_row_insert(db->sql, &case_rules, rule, "", err), err, "rule",
                               rule->name);
}

int fl_db_case_rule_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_case_rule *ret,
                        struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};

    return get_one(db, &case_rules, &where, "rule", id, ret, err);
}

int fl_db_case_rule_set(struct fl_db *db, const struct fl_case_rule *rule, struct fl_err *err)
{
    int r = fl_case_rule_check(rule, err);

    return r < 0 ? r
                 : fl_db_named(fl_row_update(db->sql, &case_rules, rule, err), err, "rule",
                               rule->name);
}

int fl_db_case_rule_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};

    return remove_one(db, &case_rules, &where, "rule", id, err);
}

int fl_db_case_rules(struct fl_db *db, uint32_t tenant,
                     int (*fn)(void *ctx, const struct fl_case_rule *rule), void *ctx,
                     struct fl_err *err)
{
    const struct fl_where where = OF_TENANT(tenant);

    EACH(fl_case_rule, case_rules, &where, "id", FL_CASE_RULES_MAX);
}

/* ---- questions over all cases ---- */

int fl_db_question_by_id(struct fl_db *db, uint32_t id, struct fl_question *ret, struct fl_err *err)
{
    const struct fl_where where = BY_ID(id);

    return get_one(db, &questions, &where, "question", id, ret, err);
}

int fl_db_questions_due(struct fl_db *db, int64_t now_us, uint32_t limit,
                        int (*fn)(void *ctx, const struct fl_question *q), void *ctx,
                        struct fl_err *err)
{
    const struct fl_where where = {"next_us > 0 AND next_us <= ?1", {FL_VALUE_I64(now_us)}, 1};

    EACH(fl_question, questions, &where, "next_us", limit);
}

int fl_db_question_token_add(struct fl_db *db, struct fl_question_token *token, struct fl_err *err)
{
    return fl_row_insert(db->sql, &question_tokens, token, "", err);
}

int fl_db_question_token_get(struct fl_db *db, const unsigned char hash[32],
                             struct fl_question_token *ret, struct fl_err *err)
{
    const struct fl_where where = {"hash = ?1", {FL_VALUE_HASH(hash)}, 1};

    return fl_row_get(db->sql, &question_tokens, &where, ret, err);
}

int fl_db_questions_of_mailbox(struct fl_db *db, const char *email, uint32_t without,
                               int64_t now_us, int (*fn)(void *ctx, const struct fl_question *q),
                               void *ctx, struct fl_err *err)
{
    const struct fl_where where = {
        "answered_us = 0 AND state <> 'withdrawn' AND expires_us > ?3 AND id <> ?2 AND id IN "
        "(SELECT question FROM question_tokens WHERE email = ?1 AND email <> '' AND expires_us > "
        "?3) AND case_id IN (SELECT id FROM cases WHERE exercise = 0 AND closed_us = 0)",
        {FL_VALUE_TEXT(email), FL_VALUE_I64(without), FL_VALUE_I64(now_us)},
        3};

    EACH(fl_question, questions, &where, "id", 50);
}

int fl_db_questions_told(struct fl_db *db, uint32_t limit,
                         int (*fn)(void *ctx, const struct fl_question *q), void *ctx,
                         struct fl_err *err)
{
    const struct fl_where where = {
        .text =
            "state = 'waiting' AND out > 0 AND out IN (SELECT id FROM notices WHERE state <> 0)"};

    EACH(fl_question, questions, &where, "out", limit);
}

int fl_db_questions_wake(struct fl_db *db, uint32_t case_id, uint32_t clock, int64_t now_us,
                         struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(case_id), FL_VALUE_I64(clock),
                                      FL_VALUE_I64(now_us)};

    return fl_row_run(db->sql,
                      "UPDATE questions SET next_us = ?3 WHERE case_id = ?1 AND (?2 = 0 OR clock = "
                      "?2) AND answered_us = 0 AND state NOT IN ('withdrawn', 'withheld')",
                      values, FL_LEN(values), err);
}

int fl_db_questions_put_off(struct fl_db *db, uint32_t id, int64_t until_us, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(id), FL_VALUE_I64(until_us)};

    return fl_row_run(db->sql, "UPDATE questions SET next_us = ?2 WHERE id = ?1 AND next_us > 0",
                      values, FL_LEN(values), err);
}

/* ---- the one door outwards ---- */

int fl_db_case_notice_of(struct fl_db *db, uint32_t out, struct fl_case_notice *ret,
                         struct fl_err *err)
{
    const struct fl_where where = {"out = ?1 AND out > 0", {FL_VALUE_I64(out)}, 1};

    return get_one(db, &case_notices, &where, "notice", out, ret, err);
}

static int put_notice(struct fl_db *db, struct fl_case_notice *n, const char *state,
                      struct fl_err *err)
{
    memset(n->state, 0, sizeof n->state);
    (void)snprintf(n->state, sizeof n->state, "%s", state);
    return n->id == 0 ? fl_db_case_notice_add(db, n, err) : fl_db_case_notice_set(db, n, err);
}

static int to_queue(struct fl_db *db, struct fl_case_notice *n, struct fl_err *err)
{
    struct fl_notice out = {.tenant = n->tenant, .kind = n->kind, .created_us = n->created_us};
    int r;

    (void)snprintf(out.about, sizeof out.about,
                   n->question != 0 ? "case:%u/question:%u" : "case:%u", n->case_id, n->question);
    (void)snprintf(out.target, sizeof out.target, "%s", n->to_addr);
    (void)snprintf(out.subject, sizeof out.subject, "%s", n->subject);
    r = fl_db_notice_add(db, &out, fl_span_str(n->body), err);
    if (r == FL_OK)
        n->out = out.id;
    return r;
}

int fl_db_case_notice_send(struct fl_db *db, struct fl_case_notice *n, struct fl_err *err)
{
    struct fl_case c = {.id = 0};
    int r = fl_case_notice_check(n, err);

    if (r == FL_OK)
        r = fl_db_case_get(db, n->tenant, n->case_id, &c, err);
    if (r < 0)
        return r;
    if (c.exercise)
        return put_notice(db, n, "withheld", err);
    r = to_queue(db, n, err);
    return r < 0 ? r : put_notice(db, n, "queued", err);
}
