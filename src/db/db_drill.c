#include "db/db_drill.h"

#include <stdio.h>
#include <string.h>

#include "db/db_int.h"

static const struct fl_column fl_drill_columns[] = {
    COLUMN(fl_drill, U32, id),           COLUMN(fl_drill, U32, tenant),
    COLUMN(fl_drill, U32, number),       COLUMN(fl_drill, TEXT, title),
    COLUMN(fl_drill, TEXT, source),      COLUMN(fl_drill, TEXT, script),
    COLUMN(fl_drill, U32, world_event),  COLUMN(fl_drill, U64, seed),
    COLUMN(fl_drill, U32, draws),        COLUMN(fl_drill, U32, minutes),
    COLUMN(fl_drill, U32, state),        COLUMN(fl_drill, BOOL, opens_case),
    COLUMN(fl_drill, U32, case_id),      COLUMN(fl_drill, U64, shift_lat_e6),
    COLUMN(fl_drill, U64, shift_lon_e6), COLUMN(fl_drill, U64, scale_m),
    COLUMN(fl_drill, U64, created_us),   COLUMN(fl_drill, TEXT, created_by),
    COLUMN(fl_drill, U64, started_us),   COLUMN(fl_drill, U64, paused_us),
    COLUMN(fl_drill, U64, pauses_us),    COLUMN(fl_drill, U64, ended_us),
    COLUMN(fl_drill, TEXT, ended_by),    COLUMN(fl_drill, U64, net_version),
    COLUMN(fl_drill, U64, computed_us),
};
static const struct fl_rows drills = ROWS(fl_drill, "drills", 1);

static const struct fl_column fl_drill_person_columns[] = {
    COLUMN(fl_drill_person, U32, id),        COLUMN(fl_drill_person, U32, tenant),
    COLUMN(fl_drill_person, U32, drill),     COLUMN(fl_drill_person, TEXT, user),
    COLUMN(fl_drill_person, TEXT, name),     COLUMN(fl_drill_person, TEXT, role),
    COLUMN(fl_drill_person, U64, joined_us),
};
static const struct fl_rows persons = ROWS(fl_drill_person, "drill_persons", 1);

static const struct fl_column fl_drill_inject_columns[] = {
    COLUMN(fl_drill_inject, U32, id),       COLUMN(fl_drill_inject, U32, tenant),
    COLUMN(fl_drill_inject, U32, drill),    COLUMN(fl_drill_inject, U32, number),
    COLUMN(fl_drill_inject, U32, minute),   COLUMN(fl_drill_inject, U32, minutes),
    COLUMN(fl_drill_inject, U32, area),     COLUMN(fl_drill_inject, TEXT, title),
    COLUMN(fl_drill_inject, TEXT, text),    COLUMN(fl_drill_inject, TEXT, asked),
    COLUMN(fl_drill_inject, BOOL, sent),    COLUMN(fl_drill_inject, U64, sent_us),
    COLUMN(fl_drill_inject, TEXT, sent_by),
};
static const struct fl_rows injects = ROWS(fl_drill_inject, "drill_injects", 1);

static const struct fl_column fl_drill_answer_columns[] = {
    COLUMN(fl_drill_answer, U32, id),       COLUMN(fl_drill_answer, U32, tenant),
    COLUMN(fl_drill_answer, U32, drill),    COLUMN(fl_drill_answer, U32, inject),
    COLUMN(fl_drill_answer, U32, person),   COLUMN(fl_drill_answer, U64, at_us),
    COLUMN(fl_drill_answer, U64, clock_us), COLUMN(fl_drill_answer, TEXT, text),
    COLUMN(fl_drill_answer, TEXT, by),      COLUMN(fl_drill_answer, U32, grade),
    COLUMN(fl_drill_answer, TEXT, note),
};
static const struct fl_rows answers = ROWS(fl_drill_answer, "drill_answers", 1);

static const struct fl_column fl_drill_action_columns[] = {
    COLUMN(fl_drill_action, U32, id),       COLUMN(fl_drill_action, U32, tenant),
    COLUMN(fl_drill_action, U32, drill),    COLUMN(fl_drill_action, U32, inject),
    COLUMN(fl_drill_action, TEXT, text),    COLUMN(fl_drill_action, TEXT, owner),
    COLUMN(fl_drill_action, U64, found_us), COLUMN(fl_drill_action, U64, due_us),
    COLUMN(fl_drill_action, U64, done_us),  COLUMN(fl_drill_action, TEXT, note),
};
static const struct fl_rows actions = ROWS(fl_drill_action, "drill_actions", 1);

#define OF_DRILL(drill)                                                                            \
    {                                                                                              \
        "drill = ?1", {FL_VALUE_I64(drill)}, 1                                                     \
    }

TYPED(fl_drill)

/* All rows of one drill, in an order. */
#define GIVEN(s)                                                                                   \
    struct s##_fn {                                                                                \
        int (*fn)(void *ctx, const struct s *row);                                                 \
        void *ctx;                                                                                 \
        struct s row;                                                                              \
    };                                                                                             \
    static int give_##s(void *ctx)                                                                 \
    {                                                                                              \
        const struct s##_fn *call = ctx;                                                           \
                                                                                                   \
        return call->fn(call->ctx, &call->row);                                                    \
    }
#define GIVE(s, rows, order)                                                                       \
    struct s##_fn call = {.fn = fn, .ctx = ctx};                                                   \
    const struct fl_where where = OF_DRILL(drill);                                                 \
                                                                                                   \
    return fl_row_each(db->sql, &(rows), &where, order, 0, &call.row, give_##s, &call, err)

GIVEN(fl_drill_person)
GIVEN(fl_drill_inject)
GIVEN(fl_drill_answer)
GIVEN(fl_drill_action)

/* ---- drills ---- */

static int next_number(struct fl_db *db, uint32_t tenant, uint32_t *ret, struct fl_err *err)
{
    const struct fl_value value = FL_VALUE_I64(tenant);
    uint64_t number = 0;
    int r = fl_row_number(db->sql,
                          "INSERT INTO drill_numbers (tenant, last) VALUES (?1, 1) ON CONFLICT "
                          "(tenant) DO UPDATE SET last = last + 1 RETURNING last",
                          &value, 1, &number, err);

    if (r == FL_OK)
        *ret = (uint32_t)number;
    return r;
}

int fl_db_drill_add(struct fl_db *db, struct fl_drill *drill, struct fl_err *err)
{
    const struct fl_where all = OF_TENANT(drill->tenant);
    uint64_t count = 0;
    int r = fl_drill_check(drill, err);

    if (r == FL_OK)
        r = fl_row_count(db->sql, &drills, &all, &count, err);
    if (r == FL_OK && count >= FL_DB_DRILLS_MAX)
        r = fl_err_set(err, FL_E_LIMIT, "a tenant keeps at most %u drills; remove old ones",
                       FL_DB_DRILLS_MAX);
    if (r == FL_OK)
        r = next_number(db, drill->tenant, &drill->number, err);
    return r < 0 ? r : fl_row_insert(db->sql, &drills, drill, "", err);
}

static struct fl_where one(uint32_t tenant, uint32_t id)
{
    return (struct fl_where){
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};
}

int fl_db_drill_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_drill *ret,
                    struct fl_err *err)
{
    const struct fl_where where = one(tenant, id);

    return fl_db_no_number(fl_row_get(db->sql, &drills, &where, ret, err), err, "drill", id);
}

int fl_db_drill_set(struct fl_db *db, const struct fl_drill *drill, struct fl_err *err)
{
    int r = fl_drill_check(drill, err);

    return r < 0 ? r
                 : fl_db_no_number(fl_row_update(db->sql, &drills, drill, err), err, "drill",
                                   drill->id);
}

static int remove_one(struct fl_db *db, const struct fl_rows *rows, const struct fl_where *where,
                      const char *noun, uint32_t id, struct fl_err *err)
{
    int64_t count = 0;
    int r = fl_row_remove(db->sql, rows, where, &count, err);

    return r == FL_OK && count == 0 ? fl_db_no_number(FL_E_NOENT, err, noun, id) : r;
}

int fl_db_drill_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
{
    const struct fl_where where = one(tenant, id);

    return remove_one(db, &drills, &where, "drill", id, err);
}

static void drill_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_drill *)obj)->id);
}

int fl_db_drills(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_drill *drill), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_drill_fn call = {.fn = fn, .ctx = ctx};
    uint64_t before = INT64_MAX;
    int r = fl_listing_after_id(page, INT64_MAX, &before, err);
    struct fl_listing l = {
        .sql = db->sql,
        .rows = &drills,
        .all = OF_TENANT(tenant),
        .rest = {"tenant = ?1 AND id < ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(before)}, 2},
        .order = "id DESC",
        .obj = &call.row,
        .cursor = drill_cursor,
        .fn = call_fl_drill,
        .ctx = &call,
        .limit = page.limit};

    return r < 0 ? r : fl_listing_all(&l, ret, err);
}

int fl_db_drill_before(struct fl_db *db, const struct fl_drill *drill, struct fl_drill *ret,
                       struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id <> ?2 AND ended_us > 0 AND ended_us = (SELECT max(ended_us) FROM "
        "drills WHERE tenant = ?1 AND id <> ?2 AND created_us <= ?3)",
        {FL_VALUE_I64(drill->tenant), FL_VALUE_I64(drill->id), FL_VALUE_I64(drill->created_us)},
        3};

    return fl_row_get(db->sql, &drills, &where, ret, err);
}

/* ---- texts ---- */

int fl_db_drill_text_set(struct fl_db *db, uint32_t drill, const char *kind, struct fl_span json,
                         struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r;

    if (json.len > FL_DB_DRILL_TEXT_MAX)
        return fl_err_set(err, FL_E_LIMIT, "the %s of a drill is larger than %zu bytes", kind,
                          FL_DB_DRILL_TEXT_MAX);
    r = fl_sql_prepare(db->sql,
                       "INSERT INTO drill_texts (drill, kind, json) VALUES (?1, ?2, ?3) "
                       "ON CONFLICT (drill, kind) DO UPDATE SET json = excluded.json",
                       &stmt, err);
    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, drill);
    fl_stmt_text(stmt, 2, fl_span_str(kind));
    fl_stmt_text(stmt, 3, json);
    r = fl_stmt_step(stmt, err);
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_db_drill_text(struct fl_db *db, uint32_t drill, const char *kind, struct fl_buf *ret,
                     struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql, "SELECT json FROM drill_texts WHERE drill = ?1 AND kind = ?2",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, drill);
    fl_stmt_text(stmt, 2, fl_span_str(kind));
    r = fl_stmt_step(stmt, err);
    if (r == 1)
        fl_buf_put_span(ret, fl_stmt_get_bytes(stmt, 0));
    else if (r == 0)
        r = fl_err_set(err, FL_E_NOENT, "drill %u has no %s yet", drill, kind);
    fl_stmt_release(stmt);
    return r < 0 ? r : fl_buf_status(ret, err);
}

/* ---- participants ---- */

int fl_db_drill_persons_clear(struct fl_db *db, uint32_t drill, struct fl_err *err)
{
    const struct fl_where where = OF_DRILL(drill);
    int64_t count;

    return fl_row_remove(db->sql, &persons, &where, &count, err);
}

int fl_db_drill_person_add(struct fl_db *db, struct fl_drill_person *person, struct fl_err *err)
{
    int r = fl_drill_person_check(person, err);

    if (r == FL_OK)
        r = fl_row_insert(db->sql, &persons, person, "", err);
    return fl_db_named(r, err, "participant", person->name);
}

int fl_db_drill_person_set(struct fl_db *db, const struct fl_drill_person *person,
                           struct fl_err *err)
{
    int r = fl_drill_person_check(person, err);

    return r < 0 ? r : fl_row_update(db->sql, &persons, person, err);
}

int fl_db_drill_persons(struct fl_db *db, uint32_t drill,
                        int (*fn)(void *ctx, const struct fl_drill_person *person), void *ctx,
                        struct fl_err *err)
{
    GIVE(fl_drill_person, persons, "id");
}

/* ---- injects ---- */

int fl_db_drill_injects_clear(struct fl_db *db, uint32_t drill, struct fl_err *err)
{
    const struct fl_where where = OF_DRILL(drill);
    int64_t count;

    return fl_row_remove(db->sql, &injects, &where, &count, err);
}

int fl_db_drill_inject_add(struct fl_db *db, struct fl_drill_inject *inject, struct fl_err *err)
{
    int r = fl_drill_inject_check(inject, err);

    return r < 0 ? r : fl_row_insert(db->sql, &injects, inject, "", err);
}

int fl_db_drill_inject_set(struct fl_db *db, const struct fl_drill_inject *inject,
                           struct fl_err *err)
{
    int r = fl_drill_inject_check(inject, err);

    return r < 0 ? r : fl_row_update(db->sql, &injects, inject, err);
}

int fl_db_drill_injects(struct fl_db *db, uint32_t drill,
                        int (*fn)(void *ctx, const struct fl_drill_inject *inject), void *ctx,
                        struct fl_err *err)
{
    GIVE(fl_drill_inject, injects, "number");
}

/* ---- answers ---- */

int fl_db_drill_answer_add(struct fl_db *db, struct fl_drill_answer *answer, struct fl_err *err)
{
    int r = fl_drill_answer_check(answer, err);

    if (r == FL_OK)
        r = fl_row_insert(db->sql, &answers, answer, "", err);
    if (r == FL_E_EXISTS)
        return fl_err_set(err, FL_E_EXISTS, "this participant has answered this inject already");
    return r;
}

int fl_db_drill_answer_set(struct fl_db *db, const struct fl_drill_answer *answer,
                           struct fl_err *err)
{
    int r = fl_drill_answer_check(answer, err);

    return r < 0 ? r : fl_row_update(db->sql, &answers, answer, err);
}

int fl_db_drill_answers(struct fl_db *db, uint32_t drill,
                        int (*fn)(void *ctx, const struct fl_drill_answer *answer), void *ctx,
                        struct fl_err *err)
{
    GIVE(fl_drill_answer, answers, "clock_us, id");
}

/* ---- actions ---- */

int fl_db_drill_action_add(struct fl_db *db, struct fl_drill_action *action, struct fl_err *err)
{
    const struct fl_where all = OF_DRILL(action->drill);
    uint64_t count = 0;
    int r = fl_drill_action_check(action, err);

    if (r == FL_OK)
        r = fl_row_count(db->sql, &actions, &all, &count, err);
    if (r == FL_OK && count >= FL_DRILL_ACTIONS_MAX)
        r = fl_err_set(err, FL_E_LIMIT, "a drill has at most %u actions", FL_DRILL_ACTIONS_MAX);
    return r < 0 ? r : fl_row_insert(db->sql, &actions, action, "", err);
}

static struct fl_where of_drill(uint32_t drill, uint32_t id)
{
    return (struct fl_where){"drill = ?1 AND id = ?2", {FL_VALUE_I64(drill), FL_VALUE_I64(id)}, 2};
}

int fl_db_drill_action_get(struct fl_db *db, uint32_t drill, uint32_t id,
                           struct fl_drill_action *ret, struct fl_err *err)
{
    const struct fl_where where = of_drill(drill, id);

    return fl_db_no_number(fl_row_get(db->sql, &actions, &where, ret, err), err, "action", id);
}

int fl_db_drill_action_set(struct fl_db *db, const struct fl_drill_action *action,
                           struct fl_err *err)
{
    int r = fl_drill_action_check(action, err);

    return r < 0 ? r : fl_row_update(db->sql, &actions, action, err);
}

int fl_db_drill_action_remove(struct fl_db *db, uint32_t drill, uint32_t id, struct fl_err *err)
{
    const struct fl_where where = of_drill(drill, id);

    return remove_one(db, &actions, &where, "action", id, err);
}

int fl_db_drill_actions(struct fl_db *db, uint32_t drill,
                        int (*fn)(void *ctx, const struct fl_drill_action *action), void *ctx,
                        struct fl_err *err)
{
    GIVE(fl_drill_action, actions, "id");
}
