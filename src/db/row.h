/*
 * row.h - structs as rows: a table of columns instead of SQL by hand for each. Used by db.c only.
 */
#ifndef FL_DB_ROW_H
#define FL_DB_ROW_H

#include <stddef.h>

#include "db/sql.h"

enum fl_column_kind {
    FL_COLUMN_U32,
    FL_COLUMN_U64, /* also int64_t; stored as the signed number with the same bits */
    FL_COLUMN_BOOL,
    FL_COLUMN_TEXT, /* a char array, NUL-terminated */
    FL_COLUMN_HASH, /* 32 bytes */
    FL_COLUMN_U64S, /* an array of uint64_t as a little-endian blob; a shorter one fills with 0 */
};

struct fl_column {
    const char *name;
    enum fl_column_kind kind;
    size_t offset, size; /* in the struct */
};

struct fl_rows {
    const char *table;
    const struct fl_column *columns; /* the first is the id, where has_id */
    size_t count;
    size_t size; /* of the struct */
    int has_id;
};

/* A value of a condition; numbered in the order given. */
struct fl_value {
    int is_text;
    int64_t number;
    struct fl_span text; /* is_text 2: a blob */
};
#define FL_VALUE_I64(n)                                                                            \
    (struct fl_value)                                                                              \
    {                                                                                              \
        .number = (int64_t)(n)                                                                     \
    }
#define FL_VALUE_TEXT(s)                                                                           \
    (struct fl_value)                                                                              \
    {                                                                                              \
        .is_text = 1, .text = fl_span_str(s)                                                       \
    }
#define FL_VALUE_HASH(p)                                                                           \
    (struct fl_value)                                                                              \
    {                                                                                              \
        .is_text = 2, .text = fl_span_of(p, 32)                                                    \
    }

struct fl_where {
    const char *text; /* "tenant = ?1 AND slug = ?2" */
    struct fl_value values[8];
    size_t count;
};

/* Without the id column, which is filled from the new row's where has_id. upsert: "" or the text
 * behind the values ("ON CONFLICT ..."). */
int fl_row_insert(struct fl_sql *sql, const struct fl_rows *rows, void *obj, const char *upsert,
                  struct fl_err *err) FL_MUST_CHECK;
/* All columns but the id, of the row with obj's id. FL_E_NOENT: there is none. */
int fl_row_update(struct fl_sql *sql, const struct fl_rows *rows, const void *obj,
                  struct fl_err *err) FL_MUST_CHECK;
/* FL_E_NOENT: no row. */
int fl_row_get(struct fl_sql *sql, const struct fl_rows *rows, const struct fl_where *where,
               void *ret, struct fl_err *err) FL_MUST_CHECK;
/* The number of rows removed. */
int fl_row_remove(struct fl_sql *sql, const struct fl_rows *rows, const struct fl_where *where,
                  int64_t *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_row_count(struct fl_sql *sql, const struct fl_rows *rows, const struct fl_where *where,
                 uint64_t *ret, struct fl_err *err) FL_MUST_CHECK;
/* order: "slug". limit 0: all. obj is the callers' room for one; fn may stop with a negative code.
 */
int fl_row_each(struct fl_sql *sql, const struct fl_rows *rows, const struct fl_where *where,
                const char *order, uint64_t limit, void *obj, int (*fn)(void *ctx), void *ctx,
                struct fl_err *err) FL_MUST_CHECK;
/* A statement with values that gives no rows. */
int fl_row_run(struct fl_sql *sql, const char *text, const struct fl_value *values, size_t count,
               struct fl_err *err) FL_MUST_CHECK;
/* The first number of a statement's first row; *ret is kept where there is no row. */
int fl_row_number(struct fl_sql *sql, const char *text, const struct fl_value *values, size_t count,
                  uint64_t *ret, struct fl_err *err) FL_MUST_CHECK;
/* Each row's first number, an id; fn may stop with a negative code, which is returned. */
int fl_row_ids(struct fl_sql *sql, const char *text, const struct fl_value *values, size_t count,
               int (*fn)(void *ctx, uint32_t id), void *ctx, struct fl_err *err) FL_MUST_CHECK;

#endif
