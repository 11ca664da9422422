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

/* An error that names the thing: FL_E_NOENT, FL_E_EXISTS; others as they are. */
int fl_db_named(int r, struct fl_err *err, const char *noun, const char *name);

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
/* A cursor of a list in order of ids. */
int fl_listing_after_id(struct fl_db_page page, uint64_t start, uint64_t *ret, struct fl_err *err)
    FL_MUST_CHECK;

#endif
