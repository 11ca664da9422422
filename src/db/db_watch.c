#include "db/db_watch.h"

#include <stdio.h>

#include "db/db_int.h"

static const struct fl_column fl_alarm_columns[] = {
    COLUMN(fl_alarm, U32, id),          COLUMN(fl_alarm, U32, tenant),
    COLUMN(fl_alarm, TEXT, kind),       COLUMN(fl_alarm, U32, severity),
    COLUMN(fl_alarm, TEXT, object),     COLUMN(fl_alarm, TEXT, name),
    COLUMN(fl_alarm, TEXT, site),       COLUMN(fl_alarm, TEXT, title),
    COLUMN(fl_alarm, TEXT, where_text), COLUMN(fl_alarm, U64, since_us),
    COLUMN(fl_alarm, U64, last_us),     COLUMN(fl_alarm, U64, cleared_us),
    COLUMN(fl_alarm, U32, raises),      COLUMN(fl_alarm, TEXT, owner),
    COLUMN(fl_alarm, U64, acked_us),    COLUMN(fl_alarm, TEXT, acked_by),
    COLUMN(fl_alarm, U64, muted_us),    COLUMN(fl_alarm, TEXT, mute_reason),
};
static const struct fl_rows alarms = ROWS(fl_alarm, "alarms", 1);

static const struct fl_column fl_alarm_event_columns[] = {
    COLUMN(fl_alarm_event, U32, id),     COLUMN(fl_alarm_event, U32, alarm),
    COLUMN(fl_alarm_event, U32, tenant), COLUMN(fl_alarm_event, U64, at_us),
    COLUMN(fl_alarm_event, TEXT, what),  COLUMN(fl_alarm_event, U32, severity),
    COLUMN(fl_alarm_event, TEXT, who),   COLUMN(fl_alarm_event, TEXT, text),
};
static const struct fl_rows events = ROWS(fl_alarm_event, "alarm_events", 1);

static const struct fl_column fl_search_columns[] = {
    COLUMN(fl_search, U32, id),          COLUMN(fl_search, U32, tenant),
    COLUMN(fl_search, TEXT, name),       COLUMN(fl_search, TEXT, view),
    COLUMN(fl_search, TEXT, where_text), COLUMN(fl_search, TEXT, from_text),
    COLUMN(fl_search, TEXT, to_text),    COLUMN(fl_search, TEXT, group_by),
    COLUMN(fl_search, TEXT, metric),     COLUMN(fl_search, U32, every_minutes),
    COLUMN(fl_search, U32, op),          COLUMN(fl_search, U64, threshold),
    COLUMN(fl_search, U32, severity),    COLUMN(fl_search, BOOL, enabled),
    COLUMN(fl_search, TEXT, owner),      COLUMN(fl_search, U32, owner_user),
    COLUMN(fl_search, U64, right_no),    COLUMN(fl_search, U64, created_us),
    COLUMN(fl_search, U64, last_us),     COLUMN(fl_search, U64, next_us),
    COLUMN(fl_search, BOOL, has_value),  COLUMN(fl_search, U64, last_value),
    COLUMN(fl_search, TEXT, last_key),   COLUMN(fl_search, TEXT, failure),
    COLUMN(fl_search, U64, failing_us),
};
static const struct fl_rows searches = ROWS(fl_search, "searches", 1);

static void put(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

/* ---- alarms ---- */

int fl_db_alarm_note(struct fl_db *db, const struct fl_alarm_event *event, struct fl_err *err)
{
    struct fl_alarm_event row = *event;

    return fl_row_insert(db->sql, &events, &row, "", err);
}

static int note(struct fl_db *db, const struct fl_alarm *alarm, const char *what, int64_t now_us,
                struct fl_err *err)
{
    struct fl_alarm_event event = {
        .alarm = alarm->id, .tenant = alarm->tenant, .at_us = now_us, .severity = alarm->severity};

    put(event.what, sizeof event.what, what);
    put(event.text, sizeof event.text, alarm->title);
    return fl_db_alarm_note(db, &event, err);
}

static void take_fact(struct fl_alarm *alarm, const struct fl_fact *fact, int64_t now_us)
{
    alarm->severity = fact->severity;
    alarm->last_us = now_us;
    put(alarm->name, sizeof alarm->name, fact->name);
    put(alarm->site, sizeof alarm->site, fact->site);
    put(alarm->title, sizeof alarm->title, fact->title);
    put(alarm->where_text, sizeof alarm->where_text, fact->where);
}

static int find_again(struct fl_db *db, const struct fl_fact *fact, int64_t now_us,
                      struct fl_alarm *ret, struct fl_err *err)
{
    const char *kind = fl_alarm_rows[fact->kind].name;
    const struct fl_where where = {
        "tenant = ?1 AND kind = ?2 AND object = ?3 AND (cleared_us = 0 OR cleared_us > ?4) "
        "AND id = (SELECT max(id) FROM alarms WHERE tenant = ?1 AND kind = ?2 AND object = ?3)",
        {FL_VALUE_I64(fact->tenant), FL_VALUE_TEXT(kind), FL_VALUE_TEXT(fact->object),
         FL_VALUE_I64(now_us - FL_ALARM_BACK_US)},
        4};

    return fl_row_get(db->sql, &alarms, &where, ret, err);
}

int fl_db_alarm_raise(struct fl_db *db, const struct fl_fact *fact, int64_t now_us,
                      struct fl_alarm *ret, struct fl_err *err)
{
    struct fl_alarm row = {.id = 0};
    int r = find_again(db, fact, now_us, &row, err);

    if (r < 0 && r != FL_E_NOENT)
        return r;
    if (r == FL_E_NOENT) {
        row = (struct fl_alarm){.tenant = fact->tenant, .since_us = now_us};
        put(row.kind, sizeof row.kind, fl_alarm_rows[fact->kind].name);
        put(row.object, sizeof row.object, fact->object);
    }
    if (row.cleared_us != 0)
        row.since_us = now_us;
    take_fact(&row, fact, now_us);
    row.cleared_us = 0;
    row.raises++;
    r = row.id == 0 ? fl_row_insert(db->sql, &alarms, &row, "", err)
                    : fl_row_update(db->sql, &alarms, &row, err);
    if (r == FL_OK)
        r = note(db, &row, "raised", now_us, err);
    if (r == FL_OK)
        *ret = row;
    return r;
}

static int by_id(struct fl_db *db, uint32_t id, struct fl_alarm *ret, struct fl_err *err)
{
    const struct fl_where where = BY_ID(id);

    return fl_db_no_number(fl_row_get(db->sql, &alarms, &where, ret, err), err, "alarm", id);
}

int fl_db_alarm_change(struct fl_db *db, uint32_t id, const struct fl_fact *fact, int64_t now_us,
                       struct fl_alarm *ret, struct fl_err *err)
{
    struct fl_alarm row = {.id = 0};
    uint32_t before;
    int r = by_id(db, id, &row, err);

    if (r < 0)
        return r;
    before = row.severity;
    take_fact(&row, fact, now_us);
    r = fl_row_update(db->sql, &alarms, &row, err);
    if (r == FL_OK && row.severity != before)
        r = note(db, &row, "severity", now_us, err);
    if (r == FL_OK)
        *ret = row;
    return r;
}

int fl_db_alarm_clear(struct fl_db *db, uint32_t id, int64_t now_us, struct fl_alarm *ret,
                      struct fl_err *err)
{
    struct fl_alarm row = {.id = 0};
    int r = by_id(db, id, &row, err);

    if (r < 0)
        return r;
    row.cleared_us = now_us;
    row.muted_us = 0; /* what comes back is news */
    row.mute_reason[0] = '\0';
    r = fl_row_update(db->sql, &alarms, &row, err);
    if (r == FL_OK)
        r = note(db, &row, "cleared", now_us, err);
    if (r == FL_OK)
        *ret = row;
    return r;
}

int fl_db_alarm_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_alarm *ret,
                    struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};

    return fl_db_no_number(fl_row_get(db->sql, &alarms, &where, ret, err), err, "alarm", id);
}

int fl_db_alarm_set(struct fl_db *db, const struct fl_alarm *alarm, int64_t now_us,
                    struct fl_err *err)
{
    int r = fl_alarm_check(alarm, now_us, err);

    return r < 0 ? r
                 : fl_db_no_number(fl_row_update(db->sql, &alarms, alarm, err), err, "alarm",
                                   alarm->id);
}

TYPED(fl_alarm)
TYPED(fl_alarm_event)
TYPED(fl_search)

static void alarm_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_alarm *)obj)->id);
}

#define ANY "*" /* no slug, no name of a user */
#define PICK                                                                                       \
    " AND (?1 = 1 OR tenant = ?2) AND (?3 < 0 OR severity = ?3) AND (?4 = '*' OR owner = ?4) "     \
    "AND (?5 = '*' OR object = ?5) AND (?6 = '*' OR site = ?6)"

/* Each state in words of its own: those that stand have an index. */
static const struct {
    const char *all, *rest;
} picks[] = {
    [FL_ALARMS_OPEN] = {"cleared_us = 0" PICK, "cleared_us = 0" PICK " AND id < ?7"},
    [FL_ALARMS_CLEARED] = {"cleared_us > 0" PICK, "cleared_us > 0" PICK " AND id < ?7"},
    [FL_ALARMS_ALL] = {"1" PICK, "1" PICK " AND id < ?7"},
};

static struct fl_where where_of(const struct fl_db_alarm_pick *pick, const char *text,
                                uint64_t before, size_t count)
{
    return (struct fl_where){
        text,
        {FL_VALUE_I64(pick->all_tenants), FL_VALUE_I64(pick->tenant), FL_VALUE_I64(pick->severity),
         FL_VALUE_TEXT(pick->owner == NULL ? ANY : pick->owner),
         FL_VALUE_TEXT(pick->object == NULL ? ANY : pick->object),
         FL_VALUE_TEXT(pick->site == NULL ? ANY : pick->site), FL_VALUE_I64(before)},
        count};
}

int fl_db_alarms(struct fl_db *db, const struct fl_db_alarm_pick *pick, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_alarm *alarm), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_alarm_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l = {.sql = db->sql,
                           .rows = &alarms,
                           .order = "id DESC",
                           .obj = &call.row,
                           .cursor = alarm_cursor,
                           .fn = call_fl_alarm,
                           .ctx = &call,
                           .limit = page.limit};
    uint64_t before = INT64_MAX;
    int r = fl_listing_after_id(page, INT64_MAX, &before, err);

    if (r < 0)
        return r;
    l.all = where_of(pick, picks[pick->state].all, before, 6);
    l.rest = where_of(pick, picks[pick->state].rest, before, 7);
    return fl_listing_all(&l, ret, err);
}

static void event_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_alarm_event *)obj)->id);
}

int fl_db_alarm_events(struct fl_db *db, uint32_t alarm, struct fl_db_page page,
                       int (*fn)(void *ctx, const struct fl_alarm_event *event), void *ctx,
                       struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_alarm_event_fn call = {.fn = fn, .ctx = ctx};
    uint64_t after = 0;
    int r = fl_listing_after_id(page, 0, &after, err);
    struct fl_listing l = {
        .sql = db->sql,
        .rows = &events,
        .all = {"alarm = ?1", {FL_VALUE_I64(alarm)}, 1},
        .rest = {"alarm = ?1 AND id > ?2", {FL_VALUE_I64(alarm), FL_VALUE_I64(after)}, 2},
        .order = "id",
        .obj = &call.row,
        .cursor = event_cursor,
        .fn = call_fl_alarm_event,
        .ctx = &call,
        .limit = page.limit};

    return r < 0 ? r : fl_listing_all(&l, ret, err);
}

int fl_db_alarm_counts(struct fl_db *db, uint32_t tenant, uint64_t ret[FL_SEVERITIES],
                       struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql,
                           "SELECT severity, count(*) FROM alarms WHERE cleared_us = 0 AND "
                           "tenant = ?1 GROUP BY severity",
                           &stmt, err);

    if (r < 0)
        return r;
    memset(ret, 0, FL_SEVERITIES * sizeof *ret);
    fl_stmt_i64(stmt, 1, tenant);
    while ((r = fl_stmt_step(stmt, err)) > 0) {
        int64_t severity = fl_stmt_get_i64(stmt, 0);

        if (severity >= 0 && severity < FL_SEVERITIES)
            ret[severity] = (uint64_t)fl_stmt_get_i64(stmt, 1);
    }
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_db_alarms_forget(struct fl_db *db, int64_t before_us, struct fl_err *err)
{
    const struct fl_where where = {"(cleared_us > 0 AND cleared_us < ?1) OR "
                                   "(tenant > 0 AND tenant NOT IN (SELECT id FROM tenants))",
                                   {FL_VALUE_I64(before_us)},
                                   1};
    int64_t n = 0;
    int r = fl_row_remove(db->sql, &alarms, &where, &n, err);

    return r < 0 ? r : FL_OK;
}

/* ---- saved searches ---- */

int fl_db_search_add(struct fl_db *db, struct fl_search *s, struct fl_err *err)
{
    const struct fl_where of = {"tenant = ?1", {FL_VALUE_I64(s->tenant)}, 1};
    uint64_t count = 0;
    int r = fl_search_check(s, err);

    if (r == FL_OK)
        r = fl_row_count(db->sql, &searches, &of, &count, err);
    if (r == FL_OK && count >= FL_SEARCHES_MAX)
        return fl_err_set(err, FL_E_LIMIT,
                          "the tenant has %u saved searches, as many as there may be",
                          FL_SEARCHES_MAX);
    return r < 0
               ? r
               : fl_db_named(fl_row_insert(db->sql, &searches, s, "", err), err, "search", s->name);
}

int fl_db_search_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_search *ret,
                     struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};

    return fl_db_no_number(fl_row_get(db->sql, &searches, &where, ret, err), err, "search", id);
}

int fl_db_search_set(struct fl_db *db, const struct fl_search *s, struct fl_err *err)
{
    int r = fl_search_check(s, err);

    return r < 0 ? r
                 : fl_db_named(fl_row_update(db->sql, &searches, s, err), err, "search", s->name);
}

int fl_db_search_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};
    int64_t n = 0;
    int r = fl_row_remove(db->sql, &searches, &where, &n, err);

    return r == FL_OK && n == 0 ? fl_db_no_number(FL_E_NOENT, err, "search", id) : r;
}

static void search_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_search *)obj)->id);
}

int fl_db_searches(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                   int (*fn)(void *ctx, const struct fl_search *search), void *ctx,
                   struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_search_fn call = {.fn = fn, .ctx = ctx};
    uint64_t after = 0;
    int r = fl_listing_after_id(page, 0, &after, err);
    struct fl_listing l = {
        .sql = db->sql,
        .rows = &searches,
        .all = {"tenant = ?1", {FL_VALUE_I64(tenant)}, 1},
        .rest = {"tenant = ?1 AND id > ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(after)}, 2},
        .order = "id",
        .obj = &call.row,
        .cursor = search_cursor,
        .fn = call_fl_search,
        .ctx = &call,
        .limit = page.limit};

    return r < 0 ? r : fl_listing_all(&l, ret, err);
}

static int give_search(void *ctx)
{
    const struct fl_search_fn *f = ctx;

    return f->fn(f->ctx, &f->row);
}

static int each_search(struct fl_db *db, const struct fl_where *where, uint32_t limit,
                       int (*fn)(void *ctx, const struct fl_search *search), void *ctx,
                       struct fl_err *err)
{
    struct fl_search_fn call = {.fn = fn, .ctx = ctx};
    int r = fl_row_each(db->sql, &searches, where, "next_us", limit, &call.row, give_search, &call,
                        err);

    return r < 0 ? r : FL_OK;
}

int fl_db_searches_due(struct fl_db *db, int64_t now_us, uint32_t limit,
                       int (*fn)(void *ctx, const struct fl_search *search), void *ctx,
                       struct fl_err *err)
{
    const struct fl_where where = {"enabled = 1 AND next_us <= ?1", {FL_VALUE_I64(now_us)}, 1};

    return each_search(db, &where, limit, fn, ctx, err);
}

int fl_db_searches_enabled(struct fl_db *db, int (*fn)(void *ctx, const struct fl_search *search),
                           void *ctx, struct fl_err *err)
{
    const struct fl_where where = {.text = "enabled = 1"};

    return each_search(db, &where, 0, fn, ctx, err);
}
