#include "db/db_event.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "db/db_int.h"
#include "model/event_type.h"

#define E6 1e6

static const struct fl_column fl_feed_columns[] = {
    COLUMN(fl_feed, U32, id),         COLUMN(fl_feed, TEXT, slug),
    COLUMN(fl_feed, TEXT, name),      COLUMN(fl_feed, TEXT, kind),
    COLUMN(fl_feed, TEXT, url),       COLUMN(fl_feed, BOOL, plain),
    COLUMN(fl_feed, BOOL, enabled),   COLUMN(fl_feed, U32, every_s),
    COLUMN(fl_feed, TEXT, columns),   COLUMN(fl_feed, U64, created_us),
    COLUMN(fl_feed, TEXT, host),      COLUMN(fl_feed, TEXT, etag),
    COLUMN(fl_feed, TEXT, modified),  COLUMN(fl_feed, U64, last_us),
    COLUMN(fl_feed, U64, ok_us),      COLUMN(fl_feed, U64, next_us),
    COLUMN(fl_feed, U64, failing_us), COLUMN(fl_feed, U32, failures),
    COLUMN(fl_feed, U32, status),     COLUMN(fl_feed, TEXT, problem),
    COLUMN(fl_feed, U64, runs),       COLUMN(fl_feed, U64, unchanged),
    COLUMN(fl_feed, U64, events),     COLUMN(fl_feed, U64, changes),
    COLUMN(fl_feed, U64, refused),    COLUMN(fl_feed, U64, bytes),
};
static const struct fl_rows feeds = ROWS(fl_feed, "feeds", 1);

static const struct fl_column fl_db_event_columns[] = {
    COLUMN(fl_db_event, U32, id),           COLUMN(fl_db_event, U32, tenant),
    COLUMN(fl_db_event, TEXT, feed),        COLUMN(fl_db_event, TEXT, type),
    COLUMN(fl_db_event, TEXT, title),       COLUMN(fl_db_event, TEXT, severity),
    COLUMN(fl_db_event, U32, status),       COLUMN(fl_db_event, U32, version),
    COLUMN(fl_db_event, U64, withdrawn_us), COLUMN(fl_db_event, U64, first_us),
    COLUMN(fl_db_event, U64, changed_us),   COLUMN(fl_db_event, U64, issued_us),
    COLUMN(fl_db_event, U64, from_us),      COLUMN(fl_db_event, U64, until_us),
    COLUMN(fl_db_event, BOOL, placed),      COLUMN(fl_db_event, U64, lat_e6),
    COLUMN(fl_db_event, U64, lon_e6),       COLUMN(fl_db_event, U32, merged_into),
};
static const struct fl_rows world = ROWS(fl_db_event, "world_events", 1);

TYPED(fl_feed)
TYPED(fl_db_event)

/* A statement without rows, with a text or blob among its values. */
static int run(struct fl_db *db, const char *text, const struct fl_value *values, size_t count,
               struct fl_err *err)
{
    return fl_row_run(db->sql, text, values, count, err);
}

#define TEXT_OF(s)                                                                                 \
    (struct fl_value)                                                                              \
    {                                                                                              \
        .is_text = 1, .text = (s)                                                                  \
    }
#define BLOB_OF(s)                                                                                 \
    (struct fl_value)                                                                              \
    {                                                                                              \
        .is_text = 2, .text = (s)                                                                  \
    }

/* ---- feeds ---- */

int fl_db_feed_add(struct fl_db *db, struct fl_feed *feed, struct fl_err *err)
{
    const struct fl_where all = {"1", {{0}}, 0};
    uint64_t count = 0;
    int r = fl_feed_check(feed, err);

    if (r == FL_OK)
        r = fl_row_count(db->sql, &feeds, &all, &count, err);
    if (r == FL_OK && count >= FL_FEEDS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "there are %u feeds, as many as there may be",
                          FL_FEEDS_MAX);
    return r < 0 ? r
                 : fl_db_named(fl_row_insert(db->sql, &feeds, feed, "", err), err, "feed",
                               feed->slug);
}

int fl_db_feed_get(struct fl_db *db, const char *slug, struct fl_feed *ret, struct fl_err *err)
{
    const struct fl_where where = {"slug = ?1", {FL_VALUE_TEXT(slug)}, 1};

    return fl_db_named(fl_row_get(db->sql, &feeds, &where, ret, err), err, "feed", slug);
}

int fl_db_feed_by_id(struct fl_db *db, uint32_t id, struct fl_feed *ret, struct fl_err *err)
{
    const struct fl_where where = BY_ID(id);

    return fl_db_no_number(fl_row_get(db->sql, &feeds, &where, ret, err), err, "feed", id);
}

int fl_db_feed_set(struct fl_db *db, struct fl_feed *feed, struct fl_err *err)
{
    int r = fl_feed_check(feed, err);

    return r < 0 ? r
                 : fl_db_named(fl_row_update(db->sql, &feeds, feed, err), err, "feed", feed->slug);
}

int fl_db_feed_remove(struct fl_db *db, const char *slug, struct fl_err *err)
{
    const struct fl_where where = {"slug = ?1", {FL_VALUE_TEXT(slug)}, 1};
    int64_t n = 0;
    int r = fl_row_remove(db->sql, &feeds, &where, &n, err);

    return r == FL_OK && n == 0 ? fl_db_named(FL_E_NOENT, err, "feed", slug) : r;
}

static void feed_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", ((const struct fl_feed *)obj)->slug);
}

int fl_db_feeds(struct fl_db *db, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_feed *feed), void *ctx, struct fl_db_list *ret,
                struct fl_err *err)
{
    struct fl_feed_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l = {.sql = db->sql,
                           .rows = &feeds,
                           .all = {"1", {{0}}, 0},
                           .rest = {"slug > ?1", {FL_VALUE_TEXT(fl_listing_after(page))}, 1},
                           .order = "slug",
                           .obj = &call.row,
                           .cursor = feed_cursor,
                           .fn = call_fl_feed,
                           .ctx = &call,
                           .limit = page.limit};

    return fl_listing_all(&l, ret, err);
}

static int call_feed(void *ctx)
{
    struct fl_feed_fn *call = ctx;

    return call->fn(call->ctx, &call->row);
}

int fl_db_feeds_due(struct fl_db *db, int64_t now_us, uint32_t limit,
                    int (*fn)(void *ctx, const struct fl_feed *feed), void *ctx, struct fl_err *err)
{
    const struct fl_where where = {"enabled = 1 AND next_us <= ?1", {FL_VALUE_I64(now_us)}, 1};
    struct fl_feed_fn call = {.fn = fn, .ctx = ctx};

    return fl_row_each(db->sql, &feeds, &where, "next_us", limit, &call.row, call_feed, &call, err);
}

int fl_db_feeds_hold(struct fl_db *db, const char *host, int64_t until_us, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_TEXT(host), FL_VALUE_I64(until_us)};

    return run(db, "UPDATE feeds SET next_us = ?2 WHERE host = ?1 AND next_us < ?2", values, 2,
               err);
}

/* ---- what was refused ---- */

int fl_db_refused_add(struct fl_db *db, const struct fl_db_refused *refused, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(refused->feed), FL_VALUE_I64(refused->at_us),
                                      TEXT_OF(refused->why),       TEXT_OF(refused->source),
                                      BLOB_OF(refused->head),      FL_VALUE_I64(refused->bytes)};
    const struct fl_value keep[] = {FL_VALUE_I64(refused->feed),
                                    FL_VALUE_I64(FL_DB_REFUSED_PER_FEED)};
    int r = run(db,
                "INSERT INTO feed_refused (feed, first_us, at_us, count, why, source, head, bytes) "
                "VALUES (?1, ?2, ?2, 1, ?3, ?4, ?5, ?6) ON CONFLICT (feed, why, head) DO UPDATE "
                "SET at_us = excluded.at_us, count = count + 1, source = excluded.source",
                values, FL_LEN(values), err);

    if (r == FL_OK)
        r = run(db,
                "DELETE FROM feed_refused WHERE feed = ?1 AND id IN (SELECT id FROM feed_refused "
                "WHERE feed = ?1 ORDER BY at_us DESC, id DESC LIMIT -1 OFFSET ?2)",
                keep, FL_LEN(keep), err);
    return fl_db_no_number(r, err, "feed", refused->feed);
}

static int put_refused(struct fl_stmt *stmt, int (*fn)(void *, const struct fl_db_refused *),
                       void *ctx)
{
    struct fl_db_refused row = {.id = (uint32_t)fl_stmt_get_i64(stmt, 0),
                                .feed = (uint32_t)fl_stmt_get_i64(stmt, 1),
                                .first_us = fl_stmt_get_i64(stmt, 2),
                                .at_us = fl_stmt_get_i64(stmt, 3),
                                .count = (uint64_t)fl_stmt_get_i64(stmt, 4),
                                .why = fl_stmt_get_bytes(stmt, 5),
                                .source = fl_stmt_get_bytes(stmt, 6),
                                .head = fl_stmt_get_bytes(stmt, 7),
                                .bytes = (uint64_t)fl_stmt_get_i64(stmt, 8)};

    return fn(ctx, &row);
}

static int count_of(struct fl_db *db, const char *text, int64_t value, uint64_t *ret,
                    struct fl_err *err)
{
    return fl_row_number(db->sql, text, &FL_VALUE_I64(value), 1, ret, err);
}

int fl_db_refused(struct fl_db *db, uint32_t feed, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_db_refused *refused), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_db_list list = {.total = 0};
    uint64_t before = INT64_MAX;
    struct fl_stmt *stmt = NULL;
    int64_t last = 0;
    int r = fl_listing_after_id(page, INT64_MAX, &before, err);

    if (r == FL_OK)
        r = count_of(db, "SELECT count(*) FROM feed_refused WHERE feed = ?1", feed, &list.total,
                     err);
    if (r == FL_OK)
        r = fl_sql_prepare(db->sql,
                           "SELECT id, feed, first_us, at_us, count, why, source, head, bytes FROM "
                           "feed_refused WHERE feed = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                           &stmt, err);
    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, feed);
    fl_stmt_i64(stmt, 2, (int64_t)before);
    fl_stmt_i64(stmt, 3, page.limit == 0 ? -1 : (int64_t)page.limit + 1);
    while ((r = fl_stmt_step(stmt, err)) > 0) {
        if (page.limit != 0 && list.count == page.limit) {
            (void)snprintf(list.next, sizeof list.next, "%" PRId64, last);
            break;
        }
        last = fl_stmt_get_i64(stmt, 0);
        list.count++;
        r = put_refused(stmt, fn, ctx);
        if (r < 0)
            break;
    }
    fl_stmt_release(stmt);
    if (r >= 0 && ret != NULL)
        *ret = list;
    return r < 0 ? r : FL_OK;
}

/* ---- events: writing ---- */

static void put(char *to, size_t size, struct fl_span from)
{
    size_t len = from.len < size - 1 ? from.len : size - 1;

    while (len > 0 && len < from.len && (from.ptr[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    if (len > 0)
        memcpy(to, from.ptr, len);
    memset(to + len, 0, size - len);
}

/* Where an event is looked for: its point, else the first of what it has. */
static bool place_of(const struct fl_world_event *e, double *lat, double *lon)
{
    *lat = e->lat;
    *lon = e->lon;
    if (!isnan(*lat) && !isnan(*lon))
        return true;
    if (e->circle_count > 0) {
        *lat = e->circles[0].lat;
        *lon = e->circles[0].lon;
    } else if (e->fix_count > 0) {
        *lat = e->fixes[0].lat;
        *lon = e->fixes[0].lon;
    } else if (e->ring_count > 0 && e->rings[0].count > 0) {
        *lat = e->rings[0].points[0].lat;
        *lon = e->rings[0].points[0].lon;
    }
    return !isnan(*lat) && !isnan(*lon);
}

void fl_db_event_fill(struct fl_db_event *row, const struct fl_world_event *event)
{
    const struct fl_event_type *type = fl_event_type_of(event);
    double lat, lon;

    put(row->type, sizeof row->type, type == NULL ? FL_SPAN("") : fl_span_str(type->code));
    put(row->title, sizeof row->title, event->title);
    put(row->severity, sizeof row->severity, event->severity);
    row->status = (uint32_t)event->status;
    row->issued_us = event->issued_us;
    row->from_us = event->from_us != 0 ? event->from_us : event->issued_us;
    row->until_us = event->until_us;
    row->placed = place_of(event, &lat, &lon);
    row->lat_e6 = row->placed ? (int64_t)llround(lat * E6) : 0;
    row->lon_e6 = row->placed ? (int64_t)llround(lon * E6) : 0;
}

static int put_version(struct fl_db *db, const struct fl_db_event *row, int64_t at_us,
                       struct fl_span json, const char *what, const char *who, const char *feed,
                       struct fl_err *err)
{
    const struct fl_value values[] = {
        FL_VALUE_I64(row->id), FL_VALUE_I64(row->version), FL_VALUE_I64(at_us), FL_VALUE_TEXT(feed),
        FL_VALUE_TEXT(what),   FL_VALUE_TEXT(who),         TEXT_OF(json)};
    const struct fl_value keep[] = {FL_VALUE_I64(row->id),
                                    FL_VALUE_I64((int64_t)row->version - FL_DB_VERSIONS_MAX)};
    int r = run(db,
                "INSERT INTO world_versions (event, version, at_us, feed, what, who, json) VALUES "
                "(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                values, FL_LEN(values), err);

    if (r == FL_OK && row->version > FL_DB_VERSIONS_MAX)
        r = run(db, "DELETE FROM world_versions WHERE event = ?1 AND version > 1 AND version <= ?2",
                keep, FL_LEN(keep), err);
    return r;
}

int fl_db_event_put(struct fl_db *db, struct fl_db_event *row, struct fl_span json,
                    const char *what, const char *who, const char *feed, struct fl_err *err)
{
    struct fl_value values[] = {FL_VALUE_I64(row->id), TEXT_OF(json)};
    int r;

    row->version++;
    r = row->id == 0 ? fl_row_insert(db->sql, &world, row, "", err)
                     : fl_row_update(db->sql, &world, row, err);
    values[0] = FL_VALUE_I64(row->id);
    if (r == FL_OK)
        r = run(db, "UPDATE world_events SET json = ?2 WHERE id = ?1", values, FL_LEN(values), err);
    if (r == FL_OK)
        r = put_version(db, row, row->changed_us, json, what, who, feed, err);
    return fl_db_no_number(r, err, "event", row->id);
}

int fl_db_event_note(struct fl_db *db, struct fl_db_event *row, struct fl_span json,
                     const char *what, const char *feed, int64_t now_us, struct fl_err *err)
{
    int r;

    row->version++;
    r = fl_row_update(db->sql, &world, row, err);
    if (r == FL_OK)
        r = put_version(db, row, now_us, json, what, "", feed, err);
    return fl_db_no_number(r, err, "event", row->id);
}

/* ---- events: one ---- */

/* The bytes of the one column of one row, appended. */
static int take_bytes(struct fl_db *db, const char *text, const struct fl_value *values,
                      size_t count, struct fl_buf *out, struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql, text, &stmt, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        if (values[i].is_text)
            fl_stmt_text(stmt, (int)i + 1, values[i].text);
        else
            fl_stmt_i64(stmt, (int)i + 1, values[i].number);
    }
    r = fl_stmt_step(stmt, err);
    if (r > 0)
        fl_buf_put_span(out, fl_stmt_get_bytes(stmt, 0));
    fl_stmt_release(stmt);
    if (r == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no such row");
    return r < 0 ? r : fl_buf_status(out, err);
}

int fl_db_event_get(struct fl_db *db, uint32_t id, struct fl_db_event *ret, struct fl_buf *json,
                    struct fl_err *err)
{
    const struct fl_where where = BY_ID(id);
    const struct fl_value values[] = {FL_VALUE_I64(id)};
    int r = fl_row_get(db->sql, &world, &where, ret, err);

    if (r == FL_OK && json != NULL)
        r = take_bytes(db, "SELECT json FROM world_events WHERE id = ?1", values, 1, json, err);
    return fl_db_no_number(r, err, "event", id);
}

int fl_db_event_by_name(struct fl_db *db, uint32_t tenant, struct fl_span name, uint32_t *ret,
                        struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql, "SELECT event FROM world_names WHERE tenant = ?1 AND name = ?2",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, tenant);
    fl_stmt_text(stmt, 2, name);
    r = fl_stmt_step(stmt, err);
    if (r > 0)
        *ret = (uint32_t)fl_stmt_get_i64(stmt, 0);
    fl_stmt_release(stmt);
    if (r == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no event of that name");
    return r < 0 ? r : FL_OK;
}

int fl_db_event_name(struct fl_db *db, uint32_t tenant, struct fl_span name, uint32_t event,
                     struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), TEXT_OF(name), FL_VALUE_I64(event)};
    int r = run(db,
                "INSERT INTO world_names (tenant, name, event) VALUES (?1, ?2, ?3) ON CONFLICT "
                "(tenant, name) DO UPDATE SET event = excluded.event WHERE event <> excluded.event",
                values, FL_LEN(values), err);

    return fl_db_no_number(r, err, "event", event);
}

/* ---- reports ---- */

int fl_db_report_get(struct fl_db *db, uint32_t event, const char *feed, struct fl_buf *json,
                     struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(event), FL_VALUE_TEXT(feed)};

    return take_bytes(db, "SELECT json FROM world_reports WHERE event = ?1 AND feed = ?2", values,
                      2, json, err);
}

int fl_db_report_set(struct fl_db *db, uint32_t event, const char *feed, struct fl_span json,
                     int64_t from_us, int64_t now_us, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(event), FL_VALUE_TEXT(feed),
                                      FL_VALUE_I64(from_us), FL_VALUE_I64(now_us), TEXT_OF(json)};
    int r = run(db,
                "INSERT INTO world_reports (event, feed, from_us, received_us, json) VALUES (?1, "
                "?2, ?3, ?4, ?5) ON CONFLICT (event, feed) DO UPDATE SET from_us = "
                "excluded.from_us, received_us = excluded.received_us, json = excluded.json",
                values, FL_LEN(values), err);

    return fl_db_no_number(r, err, "event", event);
}

int fl_db_reports(struct fl_db *db, uint32_t event,
                  int (*fn)(void *ctx, struct fl_span feed, int64_t received_us,
                            struct fl_span json),
                  void *ctx, struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql,
                           "SELECT feed, received_us, json FROM world_reports WHERE event = ?1 "
                           "ORDER BY received_us DESC, feed",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, event);
    while ((r = fl_stmt_step(stmt, err)) > 0) {
        r = fn(ctx, fl_stmt_get_bytes(stmt, 0), fl_stmt_get_i64(stmt, 1),
               fl_stmt_get_bytes(stmt, 2));
        if (r < 0)
            break;
    }
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_db_event_merge(struct fl_db *db, uint32_t from, uint32_t into, int64_t now_us,
                      struct fl_err *err)
{
    static const char *const texts[] = {
        "UPDATE world_names SET event = ?2 WHERE event = ?1",
        "UPDATE OR IGNORE world_reports SET event = ?2 WHERE event = ?1",
        "DELETE FROM world_reports WHERE event = ?1",
        "UPDATE world_events SET merged_into = ?2, changed_us = ?3 WHERE id = ?1",
        "UPDATE world_events SET merged_into = ?2 WHERE merged_into = ?1"};
    const struct fl_value values[] = {FL_VALUE_I64(from), FL_VALUE_I64(into), FL_VALUE_I64(now_us)};
    int r = FL_OK;

    for (size_t i = 0; r == FL_OK && i < FL_LEN(texts); i++)
        r = run(db, texts[i], values, i == 2 ? 1 : i == 3 ? 3 : 2, err);
    return r;
}

/* ---- lists ---- */

static int call_event(void *ctx)
{
    struct fl_db_event_fn *call = ctx;

    return call->fn(call->ctx, &call->row);
}

int fl_db_events_near(struct fl_db *db, const struct fl_db_event_near *near, uint32_t limit,
                      int (*fn)(void *ctx, const struct fl_db_event *event), void *ctx,
                      struct fl_err *err)
{
    const struct fl_where where = {"tenant = 0 AND merged_into = 0 AND from_us BETWEEN ?1 AND ?2 "
                                   "AND placed = 1 AND lat_e6 BETWEEN ?3 AND ?4",
                                   {FL_VALUE_I64(near->from_us), FL_VALUE_I64(near->to_us),
                                    FL_VALUE_I64(near->south_e6), FL_VALUE_I64(near->north_e6)},
                                   4};
    struct fl_db_event_fn call = {.fn = fn, .ctx = ctx};

    return fl_row_each(db->sql, &world, &where, "from_us DESC", limit, &call.row, call_event, &call,
                       err);
}

int fl_db_events_of_feed(struct fl_db *db, const char *feed, int64_t from_us,
                         int (*fn)(void *ctx, uint32_t id), void *ctx, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_TEXT(feed), FL_VALUE_I64(from_us)};

    return fl_row_ids(db->sql, "SELECT event FROM world_reports WHERE feed = ?1 AND from_us >= ?2",
                      values, FL_LEN(values), fn, ctx, err);
}

/* ?3: 1 standing, 0 withdrawn; ?4: 1 typed, 0 of feeds; -1: both. */
#define EVENT_PICK                                                                                 \
    "tenant IN (0, ?1) AND merged_into = 0 AND changed_us >= ?2 AND (?3 < 0 OR (withdrawn_us = "   \
    "0) = ?3) AND (?4 < 0 OR (tenant > 0) = ?4) AND type GLOB ?5"

static void event_cursor(const void *obj, char *ret, size_t size)
{
    const struct fl_db_event *e = obj;

    (void)snprintf(ret, size, "%" PRId64 ".%u", e->changed_us, e->id);
}

static int cursor_of(struct fl_db_page page, int64_t *at_us, uint64_t *id, struct fl_err *err)
{
    struct fl_span text = fl_span_str(fl_listing_after(page));
    const unsigned char *dot = text.len == 0 ? NULL : memchr(text.ptr, '.', text.len);
    uint64_t at = INT64_MAX;

    *id = INT64_MAX;
    if (text.len > 0 &&
        (dot == NULL || !fl_span_u64(fl_span_of(text.ptr, (size_t)(dot - text.ptr)), &at) ||
         !fl_span_u64(fl_span_of(dot + 1, text.len - (size_t)(dot - text.ptr) - 1), id) ||
         at > INT64_MAX || *id > INT64_MAX))
        return fl_err_set(err, FL_E_INVAL, "'%.32s' is not a place in this list",
                          (const char *)text.ptr);
    *at_us = (int64_t)at;
    return FL_OK;
}

int fl_db_events(struct fl_db *db, const struct fl_db_event_pick *pick, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_db_event *event), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_db_event_fn call = {.fn = fn, .ctx = ctx};
    char like[24];
    struct fl_listing l = {.sql = db->sql,
                           .rows = &world,
                           .order = "changed_us DESC, id DESC",
                           .obj = &call.row,
                           .cursor = event_cursor,
                           .fn = call_fl_db_event,
                           .ctx = &call,
                           .limit = page.limit};
    uint64_t id = INT64_MAX;
    int64_t at_us = INT64_MAX;
    int r = cursor_of(page, &at_us, &id, err);

    if (r < 0)
        return r;
    (void)snprintf(like, sizeof like, "%.15s*", pick->type == NULL ? "" : pick->type);
    l.all = (struct fl_where){EVENT_PICK,
                              {FL_VALUE_I64(pick->tenant), FL_VALUE_I64(pick->since_us),
                               FL_VALUE_I64(pick->standing), FL_VALUE_I64(pick->typed),
                               FL_VALUE_TEXT(like), FL_VALUE_I64(at_us), FL_VALUE_I64(id)},
                              5};
    l.rest = l.all;
    l.rest.text = EVENT_PICK " AND (changed_us < ?6 OR (changed_us = ?6 AND id < ?7))";
    l.rest.count = 7;
    return fl_listing_all(&l, ret, err);
}

int fl_db_events_count(struct fl_db *db, uint32_t tenant, int64_t since_us, uint64_t *ret_new,
                       uint64_t *ret_changed, struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql,
                           "SELECT coalesce(sum(first_us >= ?2), 0), count(*) FROM world_events "
                           "WHERE tenant IN (0, ?1) AND merged_into = 0 AND changed_us "
                           ">= ?2",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, tenant);
    fl_stmt_i64(stmt, 2, since_us);
    r = fl_stmt_step(stmt, err);
    if (r > 0) {
        *ret_new = (uint64_t)fl_stmt_get_i64(stmt, 0);
        *ret_changed = (uint64_t)fl_stmt_get_i64(stmt, 1);
    }
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_db_events_typed(struct fl_db *db, uint32_t tenant, uint64_t *ret, struct fl_err *err)
{
    return count_of(db, "SELECT count(*) FROM world_events WHERE tenant = ?1", tenant, ret, err);
}

int fl_db_events_living(struct fl_db *db, uint32_t tenant, int64_t changed_since_us,
                        int (*fn)(void *ctx, uint32_t id), void *ctx, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_I64(changed_since_us)};

    return fl_row_ids(db->sql,
                      "SELECT id FROM world_events WHERE tenant IN (0, ?1) AND "
                      "merged_into = 0 AND withdrawn_us = 0 AND changed_us >= ?2 ORDER BY id",
                      values, FL_LEN(values), fn, ctx, err);
}

/* ---- history ---- */

static int put_one_version(struct fl_stmt *stmt, int (*fn)(void *, const struct fl_db_version *),
                           void *ctx)
{
    const struct fl_db_version row = {.event = (uint32_t)fl_stmt_get_i64(stmt, 0),
                                      .version = (uint32_t)fl_stmt_get_i64(stmt, 1),
                                      .at_us = fl_stmt_get_i64(stmt, 2),
                                      .feed = fl_stmt_get_bytes(stmt, 3),
                                      .what = fl_stmt_get_bytes(stmt, 4),
                                      .who = fl_stmt_get_bytes(stmt, 5),
                                      .json = fl_stmt_get_bytes(stmt, 6)};

    return fn(ctx, &row);
}

int fl_db_versions(struct fl_db *db, uint32_t event, struct fl_db_page page,
                   int (*fn)(void *ctx, const struct fl_db_version *version), void *ctx,
                   struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_db_list list = {.total = 0};
    struct fl_stmt *stmt = NULL;
    uint64_t after = 0;
    int64_t last = 0;
    int r = fl_listing_after_id(page, 0, &after, err);

    if (r == FL_OK)
        r = count_of(db, "SELECT count(*) FROM world_versions WHERE event = ?1", event, &list.total,
                     err);
    if (r == FL_OK)
        r = fl_sql_prepare(db->sql,
                           "SELECT event, version, at_us, feed, what, who, json FROM "
                           "world_versions WHERE event = ?1 AND version > ?2 ORDER BY version "
                           "LIMIT ?3",
                           &stmt, err);
    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, event);
    fl_stmt_i64(stmt, 2, (int64_t)after);
    fl_stmt_i64(stmt, 3, page.limit == 0 ? -1 : (int64_t)page.limit + 1);
    while ((r = fl_stmt_step(stmt, err)) > 0) {
        if (page.limit != 0 && list.count == page.limit) {
            (void)snprintf(list.next, sizeof list.next, "%" PRId64, last);
            break;
        }
        last = fl_stmt_get_i64(stmt, 1);
        list.count++;
        r = put_one_version(stmt, fn, ctx);
        if (r < 0)
            break;
    }
    fl_stmt_release(stmt);
    if (r >= 0 && ret != NULL)
        *ret = list;
    return r < 0 ? r : FL_OK;
}

int fl_db_events_forget(struct fl_db *db, struct fl_err *err)
{
    static const char *const texts[] = {
        "DELETE FROM world_events WHERE tenant > 0 AND tenant NOT IN (SELECT id FROM tenants)",
        "DELETE FROM notices WHERE tenant > 0 AND tenant NOT IN (SELECT id FROM tenants)"};
    int r = FL_OK;

    for (size_t i = 0; r == FL_OK && i < FL_LEN(texts); i++)
        r = run(db, texts[i], NULL, 0, err);
    return r;
}
