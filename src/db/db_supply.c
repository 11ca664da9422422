#include "db/db_supply.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "db/db_supply_int.h"

/* ---- statements ---- */

static void bind(struct fl_stmt *stmt, const char *kinds, va_list ap)
{
    for (int at = 1; *kinds != '\0'; kinds++, at++) {
        if (*kinds == 'i')
            fl_stmt_i64(stmt, at, va_arg(ap, int64_t));
        else if (*kinds == 's')
            fl_stmt_text(stmt, at, fl_span_str(va_arg(ap, const char *)));
        else if (*kinds == 't')
            fl_stmt_text(stmt, at, va_arg(ap, struct fl_span));
        else
            fl_stmt_blob(stmt, at, va_arg(ap, struct fl_span));
    }
}

int fl_supply_ask(struct fl_db *db, struct fl_stmt **ret, struct fl_err *err, const char *text,
                  const char *kinds, ...)
{
    va_list ap;
    int r = fl_sql_prepare(db->sql, text, ret, err);

    if (r < 0)
        return r;
    va_start(ap, kinds);
    bind(*ret, kinds, ap);
    va_end(ap);
    return FL_OK;
}

int fl_supply_do(struct fl_db *db, struct fl_err *err, const char *text, const char *kinds, ...)
{
    struct fl_stmt *stmt = NULL;
    va_list ap;
    int r = fl_sql_prepare(db->sql, text, &stmt, err);

    if (r < 0)
        return r;
    va_start(ap, kinds);
    bind(stmt, kinds, ap);
    va_end(ap);
    r = fl_stmt_step(stmt, err);
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_supply_number_of(struct fl_db *db, int64_t *ret, struct fl_err *err, const char *text,
                        const char *kinds, ...)
{
    struct fl_stmt *stmt = NULL;
    va_list ap;
    int r = fl_sql_prepare(db->sql, text, &stmt, err);

    if (r < 0)
        return r;
    va_start(ap, kinds);
    bind(stmt, kinds, ap);
    va_end(ap);
    r = fl_stmt_step(stmt, err);
    if (r == 1)
        *ret = fl_stmt_get_i64(stmt, 0);
    fl_stmt_release(stmt);
    if (r == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no such row");
    return r < 0 ? r : FL_OK;
}

void fl_supply_text(const struct fl_stmt *stmt, int column, char *ret, size_t size)
{
    struct fl_span s = fl_stmt_get_bytes(stmt, column);

    (void)snprintf(ret, size, "%.*s", (int)(s.len < size ? s.len : size - 1),
                   s.len == 0 ? "" : (const char *)s.ptr);
}

/* ---- what there is ---- */

int fl_db_supply_head(struct fl_db *db, uint32_t tenant, struct fl_db_supply_head *ret,
                      struct fl_err *err)
{
    struct fl_db_supply_head head = {.version = 0};
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          "SELECT version, changed_us FROM supply_heads WHERE tenant = ?1", "i",
                          (int64_t)tenant);

    if (r == FL_OK)
        r = fl_stmt_step(stmt, err);
    if (r == 1) {
        head.version = (uint64_t)fl_stmt_get_i64(stmt, 0);
        head.changed_us = fl_stmt_get_i64(stmt, 1);
    }
    fl_stmt_release(stmt);
    stmt = NULL;
    if (r >= 0)
        r = fl_supply_ask(db, &stmt, err, "SELECT tbl, n FROM supply_counts WHERE tenant = ?1", "i",
                          (int64_t)tenant);
    while (r >= 0 && (r = fl_stmt_step(stmt, err)) == 1)
        if ((uint64_t)fl_stmt_get_i64(stmt, 0) < FL_SUPPLY_TABLES)
            head.rows[fl_stmt_get_i64(stmt, 0)] = (uint64_t)fl_stmt_get_i64(stmt, 1);
    fl_stmt_release(stmt);
    if (r == 0)
        *ret = head;
    return r;
}

static int version_or_newest(struct fl_db *db, uint32_t tenant, uint64_t *version,
                             struct fl_err *err)
{
    struct fl_db_supply_head head = {.version = 0};
    int r = *version > 0 ? FL_OK : fl_db_supply_head(db, tenant, &head, err);

    if (r == FL_OK && *version == 0)
        *version = head.version;
    return r;
}

int fl_db_supply_version_at(struct fl_db *db, uint32_t tenant, int64_t at_us, uint64_t *ret,
                            struct fl_err *err)
{
    int64_t number = 0;
    int r = fl_supply_number_of(db, &number, err,
                                "SELECT coalesce(max(number), 0) FROM supply_changes WHERE "
                                "tenant = ?1 AND done = 1 AND at_us <= ?2",
                                "ii", (int64_t)tenant, at_us);

    if (r == FL_OK)
        *ret = (uint64_t)number;
    return r;
}

/* ---- rows ---- */

int fl_db_supply_get(struct fl_db *db, uint32_t tenant, enum fl_supply_table table, const char *key,
                     uint64_t version, struct fl_buf *cells, uint64_t *ret_since,
                     struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = version_or_newest(db, tenant, &version, err);

    if (r == FL_OK)
        r = fl_supply_ask(db, &stmt, err,
                          "SELECT cells, since FROM supply_rows WHERE tenant = ?1 AND tbl = ?2 AND "
                          "id = ?3 AND since <= ?4 AND until > ?4",
                          "iisi", (int64_t)tenant, (int64_t)table, key, (int64_t)version);
    if (r == FL_OK)
        r = fl_stmt_step(stmt, err);
    if (r == 1) {
        fl_buf_put_span(cells, fl_stmt_get_bytes(stmt, 0));
        *ret_since = (uint64_t)fl_stmt_get_i64(stmt, 1);
        r = fl_buf_status(cells, err);
    } else if (r == 0) {
        r = fl_err_set(err, FL_E_NOENT, "there is no %s '%s'", fl_supply_schemas[table].noun, key);
    }
    fl_stmt_release(stmt);
    return r;
}

bool fl_db_supply_has(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                      struct fl_span key)
{
    struct fl_db_supply_head head;
    struct fl_err err;
    int64_t one;

    return fl_db_supply_head(db, tenant, &head, &err) == FL_OK &&
           fl_supply_number_of(db, &one, &err,
                               "SELECT 1 FROM supply_rows WHERE tenant = ?1 AND tbl = ?2 AND "
                               "id = ?3 AND since <= ?4 AND until > ?4",
                               "iiti", (int64_t)tenant, (int64_t)table, key,
                               (int64_t)head.version) == FL_OK;
}

int fl_db_supply_under(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                       const char *prefix, uint64_t *ret, struct fl_err *err)
{
    char low[FL_SUPPLY_KEY_MAX + 2], high[FL_SUPPLY_KEY_MAX + 2];
    int64_t n = 0;
    int r;

    (void)snprintf(low, sizeof low, "%s@", prefix);
    (void)snprintf(high, sizeof high, "%sA", prefix); /* 'A' follows '@' */
    r = fl_supply_number_of(db, &n, err,
                            "SELECT count(*) FROM supply_rows WHERE tenant = ?1 AND tbl = ?2 AND "
                            "id >= ?3 AND id < ?4 AND until = 9223372036854775807",
                            "iiss", (int64_t)tenant, (int64_t)table, low, high);
    if (r == FL_OK)
        *ret = (uint64_t)n;
    return r;
}

static void row_of(const struct fl_stmt *stmt, struct fl_db_supply_row *row)
{
    int64_t until = fl_stmt_get_i64(stmt, 2);

    *row = (struct fl_db_supply_row){
        .key = fl_stmt_get_bytes(stmt, 0),
        .since = (uint64_t)fl_stmt_get_i64(stmt, 1),
        .until = until == FL_SUPPLY_STANDS ? 0 : (uint64_t)until,
        .cells = fl_stmt_get_bytes(stmt, 3),
    };
}

static void keep_key(char *to, struct fl_span key)
{
    (void)snprintf(to, FL_SUPPLY_KEY_MAX + 1, "%.*s", (int)key.len,
                   key.len == 0 ? "" : (const char *)key.ptr);
}

int fl_db_supply_rows(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                      uint64_t version, const char *after, const char *find, uint32_t limit,
                      int (*fn)(void *ctx, const struct fl_db_supply_row *row), void *ctx,
                      struct fl_db_supply_list *ret, struct fl_err *err)
{
    struct fl_span wanted = fl_span_str(find == NULL ? "" : find);
    struct fl_db_supply_list list = {.count = 0};
    char last[FL_SUPPLY_KEY_MAX + 1] = "";
    struct fl_stmt *stmt = NULL;
    struct fl_db_supply_row row;
    uint32_t looked = 0;
    int r = version_or_newest(db, tenant, &version, err);

    if (r == FL_OK)
        r = fl_supply_ask(db, &stmt, err,
                          "SELECT id, since, until, cells FROM supply_rows WHERE tenant = ?1 AND "
                          "tbl = ?2 AND id > ?3 AND since <= ?4 AND until > ?4 ORDER BY id",
                          "iisi", (int64_t)tenant, (int64_t)table, after == NULL ? "" : after,
                          (int64_t)version);
    while (r == FL_OK && (r = fl_stmt_step(stmt, err)) == 1) {
        r = FL_OK;
        row_of(stmt, &row);
        if (list.count == limit || (wanted.len > 0 && looked++ == FL_SUPPLY_FIND_ROWS)) {
            memcpy(list.next, last, sizeof last);
            break;
        }
        keep_key(last, row.key);
        if (wanted.len > 0 && !fl_span_find_nocase(row.cells, wanted))
            continue;
        list.count++;
        r = fn(ctx, &row);
    }
    fl_stmt_release(stmt);
    if (r >= 0)
        *ret = list;
    return r < 0 ? r : FL_OK;
}

int fl_db_supply_history(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                         const char *key, int (*fn)(void *ctx, const struct fl_db_supply_row *row),
                         void *ctx, struct fl_err *err)
{
    struct fl_db_supply_head head = {.version = 0};
    struct fl_db_supply_row row;
    struct fl_stmt *stmt = NULL;
    int r = fl_db_supply_head(db, tenant, &head, err);

    if (r == FL_OK)
        r = fl_supply_ask(db, &stmt, err,
                          "SELECT id, since, until, cells FROM supply_rows WHERE tenant = ?1 AND "
                          "tbl = ?2 AND id = ?3 AND since <= ?4 ORDER BY since DESC",
                          "iisi", (int64_t)tenant, (int64_t)table, key, (int64_t)head.version);
    while (r == FL_OK && (r = fl_stmt_step(stmt, err)) == 1) {
        row_of(stmt, &row);
        r = fn(ctx, &row);
    }
    fl_stmt_release(stmt);
    return r;
}
