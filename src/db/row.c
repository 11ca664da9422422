#include "db/row.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"

enum { TEXT_MAX = 4096, HASH_BYTES = 32 };

static void bind_column(struct fl_stmt *stmt, int at, const struct fl_column *c, const void *obj)
{
    const char *field = (const char *)obj + c->offset;
    unsigned char blob[512];
    uint32_t u32;
    uint64_t u64;
    bool flag;

    switch (c->kind) {
    case FL_COLUMN_U32:
        memcpy(&u32, field, sizeof u32);
        fl_stmt_i64(stmt, at, u32);
        break;
    case FL_COLUMN_U64:
        memcpy(&u64, field, sizeof u64);
        fl_stmt_i64(stmt, at, (int64_t)u64);
        break;
    case FL_COLUMN_BOOL:
        memcpy(&flag, field, sizeof flag);
        fl_stmt_i64(stmt, at, flag);
        break;
    case FL_COLUMN_TEXT:
        fl_stmt_text(stmt, at, fl_span_of(field, strnlen(field, c->size)));
        break;
    case FL_COLUMN_HASH:
        fl_stmt_blob(stmt, at, fl_span_of(field, HASH_BYTES));
        break;
    case FL_COLUMN_U64S:
        for (size_t i = 0; i < c->size && i < sizeof blob; i++) {
            memcpy(&u64, field + i / 8 * 8, sizeof u64);
            blob[i] = (unsigned char)(u64 >> (i % 8 * 8));
        }
        fl_stmt_blob(stmt, at, fl_span_of(blob, c->size < sizeof blob ? c->size : sizeof blob));
        break;
    }
}

static void read_u64s(struct fl_span blob, char *field, size_t size)
{
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t value = 0;

        for (size_t k = 0; k < 8 && i + k < blob.len; k++)
            value |= (uint64_t)blob.ptr[i + k] << (8 * k);
        memcpy(field + i, &value, sizeof value);
    }
}

static void read_column(const struct fl_stmt *stmt, int at, const struct fl_column *c, void *obj)
{
    char *field = (char *)obj + c->offset;
    struct fl_span bytes;
    size_t len;
    uint32_t u32 = (uint32_t)fl_stmt_get_i64(stmt, at);
    uint64_t u64 = (uint64_t)fl_stmt_get_i64(stmt, at);
    bool flag = u64 != 0;

    switch (c->kind) {
    case FL_COLUMN_U32:
        memcpy(field, &u32, sizeof u32);
        break;
    case FL_COLUMN_U64:
        memcpy(field, &u64, sizeof u64);
        break;
    case FL_COLUMN_BOOL:
        memcpy(field, &flag, sizeof flag);
        break;
    case FL_COLUMN_TEXT:
        bytes = fl_stmt_get_bytes(stmt, at);
        len = bytes.len < c->size ? bytes.len : c->size - 1;
        memset(field, 0, c->size);
        if (len > 0)
            memcpy(field, bytes.ptr, len);
        break;
    case FL_COLUMN_HASH:
        bytes = fl_stmt_get_bytes(stmt, at);
        memset(field, 0, HASH_BYTES);
        if (bytes.len == HASH_BYTES)
            memcpy(field, bytes.ptr, HASH_BYTES);
        break;
    case FL_COLUMN_U64S:
        read_u64s(fl_stmt_get_bytes(stmt, at), field, c->size);
        break;
    }
}

static void put_names(struct fl_buf *text, const struct fl_rows *rows, size_t from)
{
    for (size_t i = from; i < rows->count; i++)
        fl_buf_printf(text, "%s%s", i == from ? "" : ", ", rows->columns[i].name);
}

/* text ends with its NUL. */
static int prepare(struct fl_sql *sql, struct fl_buf *text, struct fl_stmt **ret,
                   struct fl_err *err)
{
    int r;

    fl_buf_put_u8(text, '\0');
    r = fl_buf_status(text, err);
    return r < 0 ? r : fl_sql_prepare(sql, (const char *)text->ptr, ret, err);
}

static void bind_values(struct fl_stmt *stmt, const struct fl_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].is_text == 0)
            fl_stmt_i64(stmt, (int)i + 1, values[i].number);
        else if (values[i].is_text == 1)
            fl_stmt_text(stmt, (int)i + 1, values[i].text);
        else
            fl_stmt_blob(stmt, (int)i + 1, values[i].text);
    }
}

int fl_row_insert(struct fl_sql *sql, const struct fl_rows *rows, void *obj, const char *upsert,
                  struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    size_t from = rows->has_id ? 1 : 0;
    struct fl_stmt *stmt;
    int r;

    fl_buf_init(&text, TEXT_MAX);
    fl_buf_printf(&text, "INSERT INTO %s (", rows->table);
    put_names(&text, rows, from);
    fl_buf_put_str(&text, ") VALUES (");
    for (size_t i = from; i < rows->count; i++)
        fl_buf_printf(&text, "%s?%zu", i == from ? "" : ", ", i - from + 1);
    fl_buf_printf(&text, ")%s%s", *upsert == '\0' ? "" : " ", upsert);
    r = prepare(sql, &text, &stmt, err);
    if (r < 0)
        return r;
    for (size_t i = from; i < rows->count; i++)
        bind_column(stmt, (int)(i - from) + 1, &rows->columns[i], obj);
    r = fl_stmt_step(stmt, err);
    fl_stmt_release(stmt);
    if (r == 0 && rows->has_id && *upsert == '\0') {
        int64_t id = fl_sql_last_id(sql);
        uint32_t u32 = (uint32_t)id;

        if (rows->columns[0].kind == FL_COLUMN_U32)
            memcpy((char *)obj + rows->columns[0].offset, &u32, sizeof u32);
        else
            memcpy((char *)obj + rows->columns[0].offset, &id, sizeof id);
    }
    return r;
}

int fl_row_update(struct fl_sql *sql, const struct fl_rows *rows, const void *obj,
                  struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_stmt *stmt;
    int r;

    fl_buf_init(&text, TEXT_MAX);
    fl_buf_printf(&text, "UPDATE %s SET ", rows->table);
    for (size_t i = 1; i < rows->count; i++)
        fl_buf_printf(&text, "%s%s = ?%zu", i == 1 ? "" : ", ", rows->columns[i].name, i + 1);
    fl_buf_printf(&text, " WHERE %s = ?1", rows->columns[0].name);
    r = prepare(sql, &text, &stmt, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < rows->count; i++)
        bind_column(stmt, (int)i + 1, &rows->columns[i], obj);
    r = fl_stmt_step(stmt, err);
    fl_stmt_release(stmt);
    if (r == 0 && fl_sql_changes(sql) == 0)
        return fl_err_set(err, FL_E_NOENT, "no such row");
    return r;
}

struct one {
    const struct fl_rows *rows;
    const void *from;
    void *to;
};

static int take_one(void *ctx)
{
    struct one *one = ctx;

    memcpy(one->to, one->from, one->rows->size);
    return 1;
}

int fl_row_get(struct fl_sql *sql, const struct fl_rows *rows, const struct fl_where *where,
               void *ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf room;
    struct one one = {.rows = rows, .to = ret};
    int r;

    fl_buf_init(&room, rows->size);
    one.from = fl_buf_reserve(&room, rows->size);
    if (one.from == NULL)
        return fl_buf_status(&room, err);
    memset(room.ptr, 0, rows->size); /* members that are no column */
    r = fl_row_each(sql, rows, where, rows->columns[0].name, 1, room.ptr, take_one, &one, err);
    if (r == 0)
        return fl_err_set(err, FL_E_NOENT, "no such row");
    return r < 0 ? r : FL_OK;
}

int fl_row_remove(struct fl_sql *sql, const struct fl_rows *rows, const struct fl_where *where,
                  int64_t *ret, struct fl_err *err)
{
    char text[256];
    int r;

    (void)snprintf(text, sizeof text, "DELETE FROM %s WHERE %s", rows->table, where->text);
    r = fl_row_run(sql, text, where->values, where->count, err);
    if (r == 0)
        *ret = fl_sql_changes(sql);
    return r;
}

int fl_row_count(struct fl_sql *sql, const struct fl_rows *rows, const struct fl_where *where,
                 uint64_t *ret, struct fl_err *err)
{
    struct fl_stmt *stmt;
    char text[256];
    int r;

    (void)snprintf(text, sizeof text, "SELECT count(*) FROM %s WHERE %s", rows->table, where->text);
    r = fl_sql_prepare(sql, text, &stmt, err);
    if (r < 0)
        return r;
    bind_values(stmt, where->values, where->count);
    r = fl_stmt_step(stmt, err);
    if (r > 0)
        *ret = (uint64_t)fl_stmt_get_i64(stmt, 0);
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_row_each(struct fl_sql *sql, const struct fl_rows *rows, const struct fl_where *where,
                const char *order, uint64_t limit, void *obj, int (*fn)(void *ctx), void *ctx,
                struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_stmt *stmt;
    int r, said = 0;

    fl_buf_init(&text, TEXT_MAX);
    fl_buf_put_str(&text, "SELECT ");
    put_names(&text, rows, 0);
    fl_buf_printf(&text, " FROM %s WHERE %s ORDER BY %s LIMIT ?%zu", rows->table, where->text,
                  order, where->count + 1);
    r = prepare(sql, &text, &stmt, err);
    if (r < 0)
        return r;
    bind_values(stmt, where->values, where->count);
    fl_stmt_i64(stmt, (int)where->count + 1, limit == 0 ? -1 : (int64_t)limit);
    while (said == 0 && (r = fl_stmt_step(stmt, err)) > 0) {
        for (size_t i = 0; i < rows->count; i++)
            read_column(stmt, (int)i, &rows->columns[i], obj);
        said = fn(ctx);
    }
    fl_stmt_release(stmt);
    return said != 0 ? said : r;
}

int fl_row_run(struct fl_sql *sql, const char *text, const struct fl_value *values, size_t count,
               struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(sql, text, &stmt, err);

    if (r < 0)
        return r;
    bind_values(stmt, values, count);
    do
        r = fl_stmt_step(stmt, err);
    while (r > 0);
    fl_stmt_release(stmt);
    return r;
}

int fl_row_number(struct fl_sql *sql, const char *text, const struct fl_value *values, size_t count,
                  uint64_t *ret, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = fl_sql_prepare(sql, text, &stmt, err);

    if (r < 0)
        return r;
    bind_values(stmt, values, count);
    r = fl_stmt_step(stmt, err);
    if (r > 0)
        *ret = (uint64_t)fl_stmt_get_i64(stmt, 0);
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_row_ids(struct fl_sql *sql, const char *text, const struct fl_value *values, size_t count,
               int (*fn)(void *ctx, uint32_t id), void *ctx, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = fl_sql_prepare(sql, text, &stmt, err);

    if (r < 0)
        return r;
    bind_values(stmt, values, count);
    while ((r = fl_stmt_step(stmt, err)) > 0) {
        r = fn(ctx, (uint32_t)fl_stmt_get_i64(stmt, 0));
        if (r < 0)
            break;
    }
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}
