/* db_int.h - inside db: what the files of the control database share. */
#ifndef FL_DB_DB_INT_H
#define FL_DB_DB_INT_H

#include "base/attr.h"
#include "db/db.h"
#include "db/row.h"

struct fl_db {
    struct fl_sql *sql;
    unsigned version;
};

/* Columns and rows of a struct; the columns are named s_columns. */
#define COLUMN(s, kind, member)                                                                    \
    {                                                                                              \
#member, FL_COLUMN_##kind, offsetof(struct s, member), sizeof(((struct s *)0)->member)     \
    }
#define ROWS(s, table, has_id)                                                                     \
    {                                                                                              \
        table, s##_columns, FL_LEN(s##_columns), sizeof(struct s), has_id                          \
    }

/* Which rows. */
#define OF_TENANT(tenant)                                                                          \
    {                                                                                              \
        "tenant = ?1", {FL_VALUE_I64(tenant)}, 1                                                   \
    }
#define BY_ID(id)                                                                                  \
    {                                                                                              \
        "id = ?1", {FL_VALUE_I64(id)}, 1                                                           \
    }
#define BY_TENANT_SLUG(tenant, slug)                                                               \
    {                                                                                              \
        "tenant = ?1 AND slug = ?2", {FL_VALUE_I64(tenant), FL_VALUE_TEXT(slug)}, 2                \
    }

/* An error that names the thing: FL_E_NOENT, FL_E_EXISTS; others as they are. */
int fl_db_named(int r, struct fl_err *err, const char *noun, const char *name);

int fl_db_no_number(int r, struct fl_err *err, const char *noun, uint32_t id);

/* The row's own type for the caller's function; this keeps the call well-defined. */
#define TYPED(s)                                                                                   \
    struct s##_fn {                                                                                \
        int (*fn)(void *ctx, const struct s *row);                                                 \
        void *ctx;                                                                                 \
        struct s row; /* room for one */                                                           \
    };                                                                                             \
    static int call_##s(void *ctx, const void *obj)                                                \
    {                                                                                              \
        const struct s##_fn *f = ctx;                                                              \
                                                                                                   \
        return f->fn(f->ctx, obj);                                                                 \
    }

/* A list, page by page. */
struct fl_listing {
    struct fl_sql *sql;
    const struct fl_rows *rows;
    struct fl_where all, rest; /* the whole list; what stands behind the cursor */
    const char *order;
    void *obj;                                               /* room for one row */
    void (*cursor)(const void *obj, char *ret, size_t size); /* of this row */
    int (*fn)(void *ctx, const void *obj);
    void *ctx;
    uint32_t limit;
    struct fl_db_list list;
    char last[FL_SLUG_MAX + 1];
};

int fl_listing_all(struct fl_listing *l, struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
const char *fl_listing_after(struct fl_db_page page);
/* A tenant's rows in order of their slug or name; obj, cursor, fn and ctx are to be set. */
struct fl_listing fl_listing_by_slug(struct fl_db *db, const struct fl_rows *rows, uint32_t tenant,
                                     struct fl_db_page page);
struct fl_listing fl_listing_by_name(struct fl_db *db, const struct fl_rows *rows, uint32_t tenant,
                                     struct fl_db_page page);
/* A cursor of a list in order of ids. */
int fl_listing_after_id(struct fl_db_page page, uint64_t start, uint64_t *ret, struct fl_err *err)
    FL_MUST_CHECK;

#endif
