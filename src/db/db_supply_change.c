/* Changes of a network of supply: made in pieces, seen at once, undone as one. */
#include <inttypes.h>
#include <stdio.h>

#include "db/db_supply_int.h"

enum { TAKE_BACK = 5000 }; /* rows at a time of what a crash left */

/* ---- taking back what is not published ---- */

static int version_of(struct fl_db *db, uint32_t tenant, int64_t *ret, struct fl_err *err)
{
    struct fl_db_supply_head head = {.version = 0};
    int r = fl_db_supply_head(db, tenant, &head, err);

    *ret = (int64_t)head.version;
    return r;
}

int fl_db_supply_abandon(struct fl_db *db, uint32_t tenant, uint32_t limit, struct fl_err *err)
{
    int64_t version = 0, gone, opened;
    int r = version_of(db, tenant, &version, err);

    if (r == FL_OK)
        r = fl_supply_do(db, err,
                         "DELETE FROM supply_rows WHERE (tenant, tbl, id, since) IN (SELECT "
                         "tenant, tbl, id, since FROM supply_rows WHERE tenant = ?1 AND since > ?2 "
                         "LIMIT ?3)",
                         "iii", (int64_t)tenant, version, (int64_t)limit);
    gone = r < 0 ? 0 : fl_sql_changes(db->sql);
    if (r == FL_OK && gone < limit)
        r = fl_supply_do(db, err,
                         "UPDATE supply_rows SET until = 9223372036854775807 WHERE (tenant, tbl, "
                         "id, since) IN (SELECT tenant, tbl, id, since FROM supply_rows WHERE "
                         "tenant = ?1 AND until > ?2 AND until <> 9223372036854775807 LIMIT ?3)",
                         "iii", (int64_t)tenant, version, (int64_t)limit);
    opened = r < 0 || gone == limit ? 0 : fl_sql_changes(db->sql);
    if (r < 0 || gone == limit || opened == limit)
        return r < 0 ? r : 1;
    return fl_supply_do(db, err, "DELETE FROM supply_changes WHERE tenant = ?1 AND number > ?2",
                        "ii", (int64_t)tenant, version);
}

/* ---- making one ---- */

static int nothing_left(struct fl_db *db, uint32_t tenant, int64_t version, struct fl_err *err)
{
    int64_t number = 0;
    int r = fl_supply_number_of(db, &number, err,
                                "SELECT coalesce(max(number), 0) FROM supply_changes WHERE "
                                "tenant = ?1",
                                "i", (int64_t)tenant);

    if (r < 0 || number <= version)
        return r;
    r = fl_db_supply_abandon(db, tenant, TAKE_BACK, err);
    if (r <= 0)
        return r;
    return fl_err_set(err, FL_E_AGAIN,
                      "what an import left that was cut off is being taken back; try again");
}

int fl_db_supply_begin(struct fl_db *db, struct fl_db_supply_change *change, struct fl_err *err)
{
    int64_t version = 0;
    int r = version_of(db, change->tenant, &version, err);

    if (r == FL_OK)
        r = nothing_left(db, change->tenant, version, err);
    if (r < 0)
        return r;
    r = fl_supply_do(db, err,
                     "INSERT INTO supply_changes (tenant, number, at_us, who, kind, title, added, "
                     "changed, removed, undoes, undone_by, done) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                     "0, 0, 0, ?7, 0, 0)",
                     "iiisssi", (int64_t)change->tenant, version + 1, change->at_us, change->who,
                     change->kind, change->title, (int64_t)change->undoes);
    if (r < 0)
        return r;
    change->number = (uint64_t)version + 1;
    change->added = change->changed = change->removed = 0;
    for (unsigned i = 0; i < FL_SUPPLY_TABLES; i++)
        change->delta[i] = 0;
    return FL_OK;
}

/* The row that stands, with what the change did already. 1: there. */
static int standing(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                    struct fl_span key, struct fl_stmt **ret, struct fl_err *err)
{
    int r = fl_supply_ask(db, ret, err,
                          "SELECT since, cells FROM supply_rows WHERE tenant = ?1 AND tbl = ?2 AND "
                          "id = ?3 AND until = 9223372036854775807",
                          "iit", (int64_t)tenant, (int64_t)table, key);

    return r < 0 ? r : fl_stmt_step(*ret, err);
}

int fl_db_supply_peek(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                      struct fl_span key, struct fl_buf *cells, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = standing(db, tenant, table, key, &stmt, err), full = FL_OK;

    if (r == 1) {
        fl_buf_put_span(cells, fl_stmt_get_bytes(stmt, 1));
        full = fl_buf_status(cells, err);
    }
    fl_stmt_release(stmt);
    return full < 0 ? full : r;
}

static int insert(struct fl_db *db, const struct fl_db_supply_change *change,
                  enum fl_supply_table table, struct fl_span key, struct fl_span cells,
                  struct fl_err *err)
{
    return fl_supply_do(db, err,
                        "INSERT INTO supply_rows (tenant, tbl, id, since, until, cells) VALUES "
                        "(?1, ?2, ?3, ?4, 9223372036854775807, ?5)",
                        "iitib", (int64_t)change->tenant, (int64_t)table, key,
                        (int64_t)change->number, cells);
}

static int close_row(struct fl_db *db, const struct fl_db_supply_change *change,
                     enum fl_supply_table table, struct fl_span key, int64_t since,
                     struct fl_err *err)
{
    return fl_supply_do(db, err,
                        "UPDATE supply_rows SET until = ?5 WHERE tenant = ?1 AND tbl = ?2 AND "
                        "id = ?3 AND since = ?4",
                        "iitii", (int64_t)change->tenant, (int64_t)table, key, since,
                        (int64_t)change->number);
}

/* A row that this very change brought. */
static int rewrite(struct fl_db *db, const struct fl_db_supply_change *change,
                   enum fl_supply_table table, struct fl_span key, struct fl_span cells,
                   struct fl_err *err)
{
    return fl_supply_do(db, err,
                        "UPDATE supply_rows SET cells = ?5 WHERE tenant = ?1 AND tbl = ?2 AND "
                        "id = ?3 AND since = ?4",
                        "iitib", (int64_t)change->tenant, (int64_t)table, key,
                        (int64_t)change->number, cells);
}

int fl_db_supply_put(struct fl_db *db, struct fl_db_supply_change *change,
                     enum fl_supply_table table, struct fl_span key, struct fl_span cells,
                     struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    bool there, same = false;
    int64_t since = 0;
    int r = standing(db, change->tenant, table, key, &stmt, err);

    there = r == 1;
    if (there) {
        since = fl_stmt_get_i64(stmt, 0);
        same = fl_span_eq(fl_stmt_get_bytes(stmt, 1), cells);
    }
    fl_stmt_release(stmt);
    if (r < 0 || same)
        return r < 0 ? r : 0;
    if (there && since == (int64_t)change->number) {
        r = rewrite(db, change, table, key, cells, err);
        return r < 0 ? r : 2;
    }
    r = there ? close_row(db, change, table, key, since, err) : FL_OK;
    if (r == FL_OK)
        r = insert(db, change, table, key, cells, err);
    if (r < 0)
        return r;
    if (there) {
        change->changed++;
        return 2;
    }
    change->added++;
    change->delta[table]++;
    return 1;
}

int fl_db_supply_drop(struct fl_db *db, struct fl_db_supply_change *change,
                      enum fl_supply_table table, struct fl_span key, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int64_t since = 0;
    int r = standing(db, change->tenant, table, key, &stmt, err);

    if (r == 1)
        since = fl_stmt_get_i64(stmt, 0);
    fl_stmt_release(stmt);
    if (r == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no %s '%.*s'", fl_supply_schemas[table].noun,
                          (int)(key.len > 190 ? 190 : key.len),
                          key.len == 0 ? "" : (const char *)key.ptr);
    if (r < 0)
        return r;
    if (since == (int64_t)change->number)
        r = fl_supply_do(db, err,
                         "DELETE FROM supply_rows WHERE tenant = ?1 AND tbl = ?2 AND id = ?3 AND "
                         "since = ?4",
                         "iiti", (int64_t)change->tenant, (int64_t)table, key, since);
    else
        r = close_row(db, change, table, key, since, err);
    if (r == FL_OK) {
        change->removed++;
        change->delta[table]--;
    }
    return r;
}

static int publish_counts(struct fl_db *db, const struct fl_db_supply_change *change,
                          struct fl_err *err)
{
    int r = FL_OK;

    for (int i = 0; i < FL_SUPPLY_TABLES && r == FL_OK; i++)
        if (change->delta[i] != 0)
            r = fl_supply_do(db, err,
                             "INSERT INTO supply_counts (tenant, tbl, n) VALUES (?1, ?2, ?3) ON "
                             "CONFLICT (tenant, tbl) DO UPDATE SET n = n + ?3",
                             "iii", (int64_t)change->tenant, (int64_t)i, change->delta[i]);
    return r;
}

int fl_db_supply_publish(struct fl_db *db, struct fl_db_supply_change *change, struct fl_err *err)
{
    int r = publish_counts(db, change, err);

    if (r == FL_OK)
        r = fl_supply_do(db, err,
                         "UPDATE supply_changes SET at_us = ?3, added = ?4, changed = ?5, removed "
                         "= ?6, done = 1 WHERE tenant = ?1 AND number = ?2",
                         "iiiiii", (int64_t)change->tenant, (int64_t)change->number, change->at_us,
                         (int64_t)change->added, (int64_t)change->changed,
                         (int64_t)change->removed);
    if (r == FL_OK && change->undoes > 0)
        r = fl_supply_do(db, err,
                         "UPDATE supply_changes SET undone_by = ?3 WHERE tenant = ?1 AND number = "
                         "?2",
                         "iii", (int64_t)change->tenant, (int64_t)change->undoes,
                         (int64_t)change->number);
    if (r == FL_OK)
        r = fl_supply_do(db, err,
                         "INSERT INTO supply_heads (tenant, version, changed_us) VALUES (?1, ?2, "
                         "?3) ON CONFLICT (tenant) DO UPDATE SET version = ?2, changed_us = ?3",
                         "iii", (int64_t)change->tenant, (int64_t)change->number, change->at_us);
    return r;
}

int fl_db_supply_keys(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                      const char *after, uint32_t limit,
                      int (*fn)(void *ctx, struct fl_span key, uint64_t since), void *ctx,
                      struct fl_db_supply_list *ret, struct fl_err *err)
{
    struct fl_db_supply_list list = {.count = 0};
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          "SELECT id, since FROM supply_rows WHERE tenant = ?1 AND tbl = ?2 AND "
                          "id > ?3 AND until = 9223372036854775807 ORDER BY id LIMIT ?4",
                          "iisi", (int64_t)tenant, (int64_t)table, after == NULL ? "" : after,
                          (int64_t)limit);

    while (r == FL_OK && (r = fl_stmt_step(stmt, err)) == 1) {
        struct fl_span key = fl_stmt_get_bytes(stmt, 0);

        list.count++;
        if (list.count == limit)
            (void)snprintf(list.next, sizeof list.next, "%.*s", FL_SPAN_ARG(key));
        r = fn(ctx, key, (uint64_t)fl_stmt_get_i64(stmt, 1));
    }
    fl_stmt_release(stmt);
    if (r >= 0)
        *ret = list;
    return r < 0 ? r : FL_OK;
}

/* ---- undoing ---- */

int fl_db_supply_undo_check(struct fl_db *db, uint32_t tenant, uint64_t number, struct fl_err *err)
{
    struct fl_db_supply_change change;
    int64_t later = 0;
    int r = fl_db_supply_change_get(db, tenant, number, &change, err);

    if (r == FL_OK && change.undone_by > 0)
        return fl_err_set(err, FL_E_EXISTS,
                          "change %" PRIu64 " is undone already, by change %" PRIu64, number,
                          change.undone_by);
    if (r == FL_OK) /* rows that it brought and another one changed or removed */
        r = fl_supply_number_of(db, &later, err,
                                "SELECT coalesce(max(until), 0) FROM supply_rows WHERE tenant = ?1 "
                                "AND since = ?2 AND until <> 9223372036854775807",
                                "ii", (int64_t)tenant, (int64_t)number);
    if (r == FL_OK && later == 0) /* rows that it removed and another one brought again */
        r = fl_supply_number_of(db, &later, err,
                                "SELECT coalesce(max(b.since), 0) FROM supply_rows a JOIN "
                                "supply_rows b ON b.tenant = a.tenant AND b.tbl = a.tbl AND b.id = "
                                "a.id AND b.since > a.until WHERE a.tenant = ?1 AND a.until = ?2",
                                "ii", (int64_t)tenant, (int64_t)number);
    if (r < 0 || later == 0)
        return r;
    return fl_err_set(err, FL_E_EXISTS,
                      "change %" PRIu64 " stands on rows of change %" PRIu64
                      "; undo that one first",
                      (uint64_t)later, number);
}

struct undone { /* one row, copied: the statement that reads must end before another writes */
    enum fl_supply_table table;
    char key[FL_SUPPLY_KEY_MAX + 1];
};

/* The next row behind the cursor that the change closed, or that it brought and that stands. */
static int next_undone(struct fl_db *db, const struct fl_db_supply_change *change,
                       struct undone *ret, struct fl_buf *cells, struct fl_err *err)
{
    static const char closed[] =
        "SELECT tbl, id, cells FROM supply_rows WHERE tenant = ?1 AND until = ?2 AND until <> "
        "9223372036854775807 AND (tbl, id) > (?3, ?4) ORDER BY tbl, id LIMIT 1";
    static const char brought[] =
        "SELECT tbl, id, cells FROM supply_rows WHERE tenant = ?1 AND since = ?2 AND until = "
        "9223372036854775807 AND (tbl, id) > (?3, ?4) ORDER BY tbl, id LIMIT 1";
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err, change->undo_brought ? brought : closed, "iiis",
                          (int64_t)change->tenant, (int64_t)change->undoes,
                          (int64_t)change->undo_table, change->undo_key);

    if (r == FL_OK)
        r = fl_stmt_step(stmt, err);
    if (r == 1) {
        ret->table = (enum fl_supply_table)fl_stmt_get_i64(stmt, 0);
        fl_supply_text(stmt, 1, ret->key, sizeof ret->key);
        fl_buf_clear(cells);
        fl_buf_put_span(cells, fl_stmt_get_bytes(stmt, 2));
    }
    fl_stmt_release(stmt);
    return r;
}

/* One row back to what it was. A row that the change replaced was closed by it as well, and is back
 * by the time its successor is looked at: that one does not stand any more. */
static int undo_row(struct fl_db *db, struct fl_db_supply_change *change, const struct undone *row,
                    const struct fl_buf *cells, struct fl_err *err)
{
    int r = change->undo_brought
                ? fl_db_supply_drop(db, change, row->table, fl_span_str(row->key), err)
                : fl_db_supply_put(db, change, row->table, fl_span_str(row->key),
                                   fl_buf_span(cells), err);

    change->undo_table = (int)row->table;
    memcpy(change->undo_key, row->key, sizeof row->key);
    return r;
}

int fl_db_supply_undo(struct fl_db *db, struct fl_db_supply_change *change, uint32_t limit,
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf cells;
    struct undone row;
    int r = FL_OK;

    fl_buf_init(&cells, (size_t)1 << 20);
    for (uint32_t i = 0; i < limit && r >= 0; i++) {
        r = next_undone(db, change, &row, &cells, err);
        if (r == 0 && change->undo_brought)
            return 0;
        if (r == 0) {
            change->undo_brought = true;
            change->undo_table = 0;
            change->undo_key[0] = '\0';
        } else if (r == 1) {
            r = undo_row(db, change, &row, &cells, err);
        }
    }
    return r < 0 ? r : 1;
}

/* ---- the list ---- */

static void change_of(const struct fl_stmt *stmt, uint32_t tenant, struct fl_db_supply_change *c)
{
    *c = (struct fl_db_supply_change){
        .tenant = tenant,
        .number = (uint64_t)fl_stmt_get_i64(stmt, 0),
        .at_us = fl_stmt_get_i64(stmt, 1),
        .added = (uint64_t)fl_stmt_get_i64(stmt, 5),
        .changed = (uint64_t)fl_stmt_get_i64(stmt, 6),
        .removed = (uint64_t)fl_stmt_get_i64(stmt, 7),
        .undoes = (uint64_t)fl_stmt_get_i64(stmt, 8),
        .undone_by = (uint64_t)fl_stmt_get_i64(stmt, 9),
    };
    fl_supply_text(stmt, 2, c->who, sizeof c->who);
    fl_supply_text(stmt, 3, c->kind, sizeof c->kind);
    fl_supply_text(stmt, 4, c->title, sizeof c->title);
}

int fl_db_supply_changes(struct fl_db *db, uint32_t tenant, uint64_t after, uint32_t limit,
                         int (*fn)(void *ctx, const struct fl_db_supply_change *change), void *ctx,
                         struct fl_err *err)
{
    struct fl_db_supply_change change;
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          "SELECT number, at_us, who, kind, title, added, changed, removed, "
                          "undoes, undone_by FROM supply_changes WHERE tenant = ?1 AND done = 1 "
                          "AND (?2 = 0 OR number < ?2) ORDER BY number DESC LIMIT ?3",
                          "iii", (int64_t)tenant, (int64_t)after,
                          limit == 0 ? (int64_t)-1 : (int64_t)limit);

    while (r == FL_OK && (r = fl_stmt_step(stmt, err)) == 1) {
        change_of(stmt, tenant, &change);
        r = fn(ctx, &change);
    }
    fl_stmt_release(stmt);
    return r;
}

static int keep_change(void *ctx, const struct fl_db_supply_change *change)
{
    *(struct fl_db_supply_change *)ctx = *change;
    return FL_OK;
}

int fl_db_supply_change_get(struct fl_db *db, uint32_t tenant, uint64_t number,
                            struct fl_db_supply_change *ret, struct fl_err *err)
{
    struct fl_db_supply_change found = {.number = 0};
    int r = number >= (uint64_t)INT64_MAX
                ? FL_OK
                : fl_db_supply_changes(db, tenant, number + 1, 1, keep_change, &found, err);

    if (r < 0)
        return r;
    if (found.number != number || number == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no change %" PRIu64, number);
    *ret = found;
    return FL_OK;
}
