#include "db/db_risk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "db/db_int.h"

#define NOTES_SHOWN 200u
#define WEEK_US     (7 * FL_US_PER_DAY)
#define MONDAY_US   (4 * FL_US_PER_DAY) /* 1970-01-05 was one */

static const struct fl_column fl_risk_columns[] = {
    COLUMN(fl_risk, U32, id),
    COLUMN(fl_risk, U32, tenant),
    COLUMN(fl_risk, U32, event),
    COLUMN(fl_risk, U32, state),
    COLUMN(fl_risk, BOOL, exercise),
    COLUMN(fl_risk, U64, net_version),
    COLUMN(fl_risk, U64, first_us),
    COLUMN(fl_risk, U64, shown_us),
    COLUMN(fl_risk, U64, computed_us),
    COLUMN(fl_risk, U64, ends_us),
    COLUMN(fl_risk, TEXT, event_type),
    COLUMN(fl_risk, TEXT, title),
    COLUMN(fl_risk, TEXT, place),
    COLUMN(fl_risk, TEXT, severity),
    COLUMN(fl_risk, TEXT, source),
    COLUMN(fl_risk, BOOL, verified),
    COLUMN(fl_risk, U64, from_us),
    COLUMN(fl_risk, U64, until_us),
    COLUMN(fl_risk, TEXT, currency),
    COLUMN(fl_risk, U64, net_loss_cents),
    COLUMN(fl_risk, U64, potential_cents),
    COLUMN(fl_risk, U64, confirmed_cents),
    COLUMN(fl_risk, U64, probability_ppm),
    COLUMN(fl_risk, U32, sites),
    COLUMN(fl_risk, U32, parts),
    COLUMN(fl_risk, U32, sole_parts),
    COLUMN(fl_risk, U32, products),
    COLUMN(fl_risk, TEXT, product_list),
    COLUMN(fl_risk, BOOL, placed),
    COLUMN(fl_risk, U64, lat_e6),
    COLUMN(fl_risk, U64, lon_e6),
    COLUMN(fl_risk, TEXT, first_product),
    COLUMN(fl_risk, TEXT, first_name),
    COLUMN(fl_risk, U64, tts_mdays),
    COLUMN(fl_risk, U64, ttr_mdays),
    COLUMN(fl_risk, TEXT, why),
    COLUMN(fl_risk, TEXT, failure),
    COLUMN(fl_risk, U64, muted_us),
    COLUMN(fl_risk, TEXT, mute_reason),
    COLUMN(fl_risk, TEXT, mute_by),
    COLUMN(fl_risk, U64, mute_ppm),
    COLUMN(fl_risk, U32, verdict),
    COLUMN(fl_risk, U64, verdict_us),
    COLUMN(fl_risk, TEXT, verdict_by),
    COLUMN(fl_risk, U32, case_id),
};
static const struct fl_rows risks = ROWS(fl_risk, "risks", 1);

static const struct fl_column fl_risk_note_columns[] = {
    COLUMN(fl_risk_note, U32, id),    COLUMN(fl_risk_note, U32, risk),
    COLUMN(fl_risk_note, U64, at_us), COLUMN(fl_risk_note, TEXT, what),
    COLUMN(fl_risk_note, TEXT, who),  COLUMN(fl_risk_note, TEXT, text),
};
static const struct fl_rows notes = ROWS(fl_risk_note, "risk_notes", 1);

TYPED(fl_risk)
TYPED(fl_risk_note)

const char *fl_risk_state_name(enum fl_risk_state state)
{
    static const char *const names[FL_RISK_STATES] = {[FL_RISK_OPEN] = "open",
                                                      [FL_RISK_SMALL] = "small",
                                                      [FL_RISK_UNTOUCHED] = "untouched",
                                                      [FL_RISK_ENDED] = "ended"};

    return (unsigned)state < FL_RISK_STATES ? names[state] : "";
}

const char *fl_risk_pick_name(enum fl_risk_pick pick)
{
    static const char *const names[FL_RISKS_PICKS] = {
        [FL_RISKS_OPEN] = "open",           [FL_RISKS_MUTED] = "muted", [FL_RISKS_SMALL] = "small",
        [FL_RISKS_UNTOUCHED] = "untouched", [FL_RISKS_ENDED] = "ended", [FL_RISKS_ALL] = "all",
    };

    return (unsigned)pick < FL_RISKS_PICKS ? names[pick] : "";
}

bool fl_risk_muted(const struct fl_risk *risk, int64_t now_us)
{
    return risk->muted_us > now_us;
}

/* ---- one ---- */

int fl_db_risk_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_risk *ret,
                   struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};

    return fl_db_no_number(fl_row_get(db->sql, &risks, &where, ret, err), err, "risk", id);
}

int fl_db_risk_of(struct fl_db *db, uint32_t tenant, uint32_t event, struct fl_risk *ret,
                  struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND event = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(event)}, 2};

    return fl_row_get(db->sql, &risks, &where, ret, err);
}

int fl_db_risk_put(struct fl_db *db, struct fl_risk *risk, struct fl_err *err)
{
    return risk->id == 0
               ? fl_row_insert(db->sql, &risks, risk, "", err)
               : fl_db_no_number(fl_row_update(db->sql, &risks, risk, err), err, "risk", risk->id);
}

int fl_db_risk_case_set(struct fl_db *db, uint32_t tenant, uint32_t id, uint32_t case_id,
                        struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_I64(id),
                                      FL_VALUE_I64(case_id)};

    return fl_row_run(db->sql,
                      "UPDATE risks SET case_id = ?3, case_turn = case_turn + 1 WHERE "
                      "tenant = ?1 AND id = ?2",
                      values, 3, err);
}

int fl_db_risk_case_turn(struct fl_db *db, uint32_t tenant, uint32_t event, uint64_t *ret,
                         struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql, "SELECT case_turn FROM risks WHERE tenant = ?1 AND event = ?2",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, tenant);
    fl_stmt_i64(stmt, 2, event);
    r = fl_stmt_step(stmt, err);
    if (r >= 0)
        *ret = r == 1 ? (uint64_t)fl_stmt_get_i64(stmt, 0) : 0;
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_db_risk_case_done(struct fl_db *db, uint32_t tenant, uint32_t event, uint64_t turn,
                         struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_I64(event),
                                      FL_VALUE_I64((int64_t)turn)};

    return fl_row_run(db->sql,
                      "UPDATE risks SET case_done = ?3 WHERE tenant = ?1 AND event = ?2 AND "
                      "case_done <> ?3",
                      values, 3, err);
}

int fl_db_risks_said(struct fl_db *db, uint32_t tenant, uint32_t limit,
                     int (*fn)(void *ctx, uint32_t event), void *ctx, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_I64(limit)};

    return fl_row_ids(db->sql,
                      "SELECT event FROM risks WHERE tenant = ?1 AND case_turn <> case_done "
                      "ORDER BY event LIMIT ?2",
                      values, FL_LEN(values), fn, ctx, err);
}

int fl_db_risk_details_set(struct fl_db *db, uint32_t id, struct fl_span json, struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r;

    if (json.len > FL_RISK_DETAILS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "the details of a risk are larger than %zu bytes",
                          FL_RISK_DETAILS_MAX);
    r = fl_sql_prepare(db->sql,
                       "INSERT INTO risk_details (risk, json) VALUES (?1, ?2) "
                       "ON CONFLICT (risk) DO UPDATE SET json = excluded.json",
                       &stmt, err);
    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, id);
    fl_stmt_text(stmt, 2, json);
    r = fl_stmt_step(stmt, err);
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_db_risk_details(struct fl_db *db, uint32_t id, struct fl_buf *ret, struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql, "SELECT json FROM risk_details WHERE risk = ?1", &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, id);
    r = fl_stmt_step(stmt, err);
    if (r == 1)
        fl_buf_put_span(ret, fl_stmt_get_bytes(stmt, 0));
    else if (r == 0)
        r = fl_err_set(err, FL_E_NOENT, "nothing was calculated for risk %u yet", id);
    fl_stmt_release(stmt);
    return r < 0 ? r : fl_buf_status(ret, err);
}

/* ---- its history ---- */

int fl_db_risk_note(struct fl_db *db, const struct fl_risk_note *note, struct fl_err *err)
{
    struct fl_risk_note row = *note;

    return fl_row_insert(db->sql, &notes, &row, "", err);
}

static int give_note(void *ctx)
{
    const struct fl_risk_note_fn *f = ctx;

    return call_fl_risk_note(ctx, &f->row);
}

int fl_db_risk_notes(struct fl_db *db, uint32_t risk,
                     int (*fn)(void *ctx, const struct fl_risk_note *note), void *ctx,
                     struct fl_err *err)
{
    const struct fl_where where = {
        "risk = ?1 AND id IN (SELECT id FROM risk_notes WHERE risk = ?1 ORDER BY id DESC LIMIT ?2)",
        {FL_VALUE_I64(risk), FL_VALUE_I64(NOTES_SHOWN)},
        2};
    struct fl_risk_note_fn call = {.fn = fn, .ctx = ctx};
    int r = fl_row_each(db->sql, &notes, &where, "id", 0, &call.row, give_note, &call, err);

    return r < 0 ? r : FL_OK;
}

/* ---- lists ---- */

#define AFTER " AND (net_loss_cents < ?3 OR (net_loss_cents = ?3 AND id > ?4))"

/* Each state in words of its own, so that the index of what is ranked serves it. */
static const struct {
    const char *all, *rest;
} picks[FL_RISKS_PICKS] = {
    [FL_RISKS_OPEN] = {"tenant = ?1 AND state = 0 AND muted_us <= ?2",
                       "tenant = ?1 AND state = 0 AND muted_us <= ?2" AFTER},
    [FL_RISKS_MUTED] = {"tenant = ?1 AND state = 0 AND muted_us > ?2",
                        "tenant = ?1 AND state = 0 AND muted_us > ?2" AFTER},
    [FL_RISKS_SMALL] = {"tenant = ?1 AND state = 1 AND ?2 > 0",
                        "tenant = ?1 AND state = 1 AND ?2 > 0" AFTER},
    [FL_RISKS_UNTOUCHED] = {"tenant = ?1 AND state = 2 AND ?2 > 0",
                            "tenant = ?1 AND state = 2 AND ?2 > 0" AFTER},
    [FL_RISKS_ENDED] = {"tenant = ?1 AND state = 3 AND ?2 > 0",
                        "tenant = ?1 AND state = 3 AND ?2 > 0" AFTER},
    [FL_RISKS_ALL] = {"tenant = ?1 AND ?2 > 0", "tenant = ?1 AND ?2 > 0" AFTER},
};

static void risk_cursor(const void *obj, char *ret, size_t size)
{
    const struct fl_risk *r = obj;

    (void)snprintf(ret, size, "%" PRId64 ".%u", r->net_loss_cents, r->id);
}

static int read_cursor(struct fl_db_page page, int64_t *ret_cents, int64_t *ret_id,
                       struct fl_err *err)
{
    const char *after = fl_listing_after(page), *dot;
    uint64_t cents, id;

    *ret_cents = INT64_MAX;
    *ret_id = 0;
    if (*after == '\0')
        return FL_OK;
    dot = strchr(after, '.');
    if (dot == NULL || !fl_span_u64(fl_span_of(after, (size_t)(dot - after)), &cents) ||
        !fl_span_u64(fl_span_str(dot + 1), &id) || cents > INT64_MAX || id > UINT32_MAX)
        return fl_err_set(err, FL_E_INVAL, "'%.32s' is not a place in this list", after);
    *ret_cents = (int64_t)cents;
    *ret_id = (int64_t)id;
    return FL_OK;
}

int fl_db_risks(struct fl_db *db, uint32_t tenant, enum fl_risk_pick pick, int64_t now_us,
                struct fl_db_page page, int (*fn)(void *ctx, const struct fl_risk *risk), void *ctx,
                struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_risk_fn call = {.fn = fn, .ctx = ctx};
    int64_t cents, id;
    int r = read_cursor(page, &cents, &id, err);
    struct fl_listing l = {
        .sql = db->sql,
        .rows = &risks,
        .all = {picks[pick].all, {FL_VALUE_I64(tenant), FL_VALUE_I64(now_us)}, 2},
        .rest = {picks[pick].rest,
                 {FL_VALUE_I64(tenant), FL_VALUE_I64(now_us), FL_VALUE_I64(cents),
                  FL_VALUE_I64(id)},
                 4},
        .order = "net_loss_cents DESC, id",
        .obj = &call.row,
        .cursor = risk_cursor,
        .fn = call_fl_risk,
        .ctx = &call,
        .limit = page.limit};

    return r < 0 ? r : fl_listing_all(&l, ret, err);
}

int fl_db_risk_rank(struct fl_db *db, const struct fl_risk *risk, int64_t now_us, uint64_t *ret,
                    struct fl_err *err)
{
    const struct fl_where where = {"tenant = ?1 AND state = 0 AND muted_us <= ?2 AND "
                                   "(net_loss_cents > ?3 OR (net_loss_cents = ?3 AND id < ?4))",
                                   {FL_VALUE_I64(risk->tenant), FL_VALUE_I64(now_us),
                                    FL_VALUE_I64(risk->net_loss_cents), FL_VALUE_I64(risk->id)},
                                   4};

    return fl_row_count(db->sql, &risks, &where, ret, err);
}

int fl_db_risk_counts(struct fl_db *db, uint32_t tenant, int64_t since_us, int64_t now_us,
                      struct fl_risk_counts *ret, struct fl_err *err)
{
    struct fl_risk_counts c = {.received = 0};
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql,
                           "SELECT sum(first_us >= ?2), sum(state = 0 AND muted_us <= ?3), "
                           "sum(state = 2), sum(state = 1), sum(state = 0 AND muted_us > ?3) "
                           "FROM risks WHERE tenant = ?1",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, tenant);
    fl_stmt_i64(stmt, 2, since_us);
    fl_stmt_i64(stmt, 3, now_us);
    r = fl_stmt_step(stmt, err);
    if (r == 1)
        c = (struct fl_risk_counts){.received = (uint64_t)fl_stmt_get_i64(stmt, 0),
                                    .open = (uint64_t)fl_stmt_get_i64(stmt, 1),
                                    .untouched = (uint64_t)fl_stmt_get_i64(stmt, 2),
                                    .small = (uint64_t)fl_stmt_get_i64(stmt, 3),
                                    .muted = (uint64_t)fl_stmt_get_i64(stmt, 4)};
    fl_stmt_release(stmt);
    if (r < 0)
        return r;
    *ret = c;
    return FL_OK;
}

/* ---- precision ---- */

int fl_db_risk_precision(struct fl_db *db, uint32_t tenant, int64_t now_us, unsigned weeks,
                         struct fl_risk_week *ret, struct fl_err *err)
{
    int64_t week_us = (now_us - MONDAY_US) / WEEK_US * WEEK_US + MONDAY_US;
    int64_t first_us = week_us - (int64_t)(weeks - 1) * WEEK_US;
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql,
                           "SELECT (shown_us - ?2) / ?3, sum(verdict = 1), sum(verdict = 2), "
                           "count(*) FROM risks WHERE tenant = ?1 AND shown_us > 0 AND "
                           "shown_us >= ?2 AND exercise = 0 GROUP BY 1",
                           &stmt, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < weeks; i++)
        ret[i] = (struct fl_risk_week){.from_us = first_us + (int64_t)i * WEEK_US};
    fl_stmt_i64(stmt, 1, tenant);
    fl_stmt_i64(stmt, 2, first_us);
    fl_stmt_i64(stmt, 3, WEEK_US);
    while ((r = fl_stmt_step(stmt, err)) > 0) {
        int64_t i = fl_stmt_get_i64(stmt, 0);

        if (i < 0 || i >= (int64_t)weeks)
            continue;
        ret[i].confirmed = (uint64_t)fl_stmt_get_i64(stmt, 1);
        ret[i].refuted = (uint64_t)fl_stmt_get_i64(stmt, 2);
        ret[i].total = (uint64_t)fl_stmt_get_i64(stmt, 3);
    }
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

/* ---- what time and changes do ---- */

static int give_risk(void *ctx)
{
    const struct fl_risk_fn *f = ctx;

    return f->fn(f->ctx, &f->row);
}

int fl_db_risks_expire(struct fl_db *db, int64_t now_us, uint32_t limit,
                       int (*fn)(void *ctx, const struct fl_risk *risk), void *ctx,
                       struct fl_err *err)
{
    const struct fl_where where = {
        "state < 3 AND ends_us > 0 AND ends_us <= ?1", {FL_VALUE_I64(now_us)}, 1};
    const struct fl_value values[] = {FL_VALUE_I64(now_us), FL_VALUE_I64(limit)};
    struct fl_risk_fn call = {.fn = fn, .ctx = ctx};
    int r = fl_row_each(db->sql, &risks, &where, "id", limit, &call.row, give_risk, &call, err);

    if (r < 0)
        return r;
    return fl_row_run(db->sql,
                      "UPDATE risks SET state = 3 WHERE id IN (SELECT id FROM risks WHERE "
                      "state < 3 AND ends_us > 0 AND ends_us <= ?1 ORDER BY id LIMIT ?2)",
                      values, 2, err);
}

int fl_db_risks_stale(struct fl_db *db, uint32_t tenant, uint64_t net_version, uint32_t after_event,
                      uint32_t limit, int (*fn)(void *ctx, uint32_t event), void *ctx,
                      struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_I64(net_version),
                                      FL_VALUE_I64(after_event), FL_VALUE_I64(limit)};

    return fl_row_ids(db->sql,
                      "SELECT r.event FROM risks r JOIN world_events e ON e.id = r.event "
                      "WHERE r.tenant = ?1 AND r.state < 3 AND r.event > ?3 AND "
                      "(r.net_version <> ?2 OR e.changed_us > r.computed_us OR "
                      "e.withdrawn_us > 0 OR e.merged_into > 0) ORDER BY r.event LIMIT ?4",
                      values, FL_LEN(values), fn, ctx, err);
}

int fl_db_risks_forget(struct fl_db *db, int64_t before_us, struct fl_err *err)
{
    const struct fl_where where = {
        "state = 3 AND verdict = 0 AND shown_us = 0 AND computed_us < ?1",
        {FL_VALUE_I64(before_us)},
        1};
    int64_t n = 0;
    int r = fl_row_remove(db->sql, &risks, &where, &n, err);

    return r < 0 ? r : FL_OK;
}

/* ---- what a tenant wants to see ---- */

/* One number of the tenant's row, or the preset. */
static int setting(struct fl_db *db, const char *sql, uint32_t tenant, int64_t preset, int64_t *ret,
                   struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql, sql, &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, tenant);
    r = fl_stmt_step(stmt, err);
    if (r >= 0)
        *ret = r == 1 ? fl_stmt_get_i64(stmt, 0) : preset;
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_db_risk_small(struct fl_db *db, uint32_t tenant, int64_t *ret_cents, struct fl_err *err)
{
    return setting(db, "SELECT small_cents FROM risk_settings WHERE tenant = ?1", tenant,
                   FL_RISK_SMALL_PRESET, ret_cents, err);
}

int fl_db_risk_small_set(struct fl_db *db, uint32_t tenant, int64_t cents, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_I64(cents)};

    return fl_row_run(db->sql,
                      "INSERT INTO risk_settings (tenant, small_cents) VALUES (?1, ?2) "
                      "ON CONFLICT (tenant) DO UPDATE SET small_cents = excluded.small_cents",
                      values, 2, err);
}

int fl_db_risk_alarm(struct fl_db *db, uint32_t tenant, int64_t *ret_cents, struct fl_err *err)
{
    return setting(db, "SELECT alarm_cents FROM risk_settings WHERE tenant = ?1", tenant,
                   FL_RISK_ALARM_PRESET, ret_cents, err);
}

int fl_db_risk_alarm_set(struct fl_db *db, uint32_t tenant, int64_t cents, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_I64(cents),
                                      FL_VALUE_I64(FL_RISK_SMALL_PRESET)};

    return fl_row_run(db->sql,
                      "INSERT INTO risk_settings (tenant, small_cents, alarm_cents) "
                      "VALUES (?1, ?3, ?2) "
                      "ON CONFLICT (tenant) DO UPDATE SET alarm_cents = excluded.alarm_cents",
                      values, 3, err);
}

int fl_db_risks_alarming(struct fl_db *db, uint32_t tenant, int64_t cents, int64_t now_us,
                         uint32_t limit, int (*fn)(void *ctx, const struct fl_risk *risk),
                         void *ctx, struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND state = 0 AND exercise = 0 AND verdict <> 2 AND muted_us <= ?2 AND "
        "net_loss_cents >= ?3",
        {FL_VALUE_I64(tenant), FL_VALUE_I64(now_us), FL_VALUE_I64(cents)},
        3};
    struct fl_risk_fn call = {.fn = fn, .ctx = ctx};

    if (cents == FL_RISK_ALARM_NEVER)
        return FL_OK;
    return fl_row_each(db->sql, &risks, &where, "net_loss_cents DESC, id", limit, &call.row,
                       give_risk, &call, err);
}
