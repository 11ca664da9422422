/* db_supply_int.h - inside db_supply: statements with values numbered from 1. */
#ifndef FL_DB_DB_SUPPLY_INT_H
#define FL_DB_DB_SUPPLY_INT_H

#include "db/db_int.h"
#include "db/db_supply.h"

#define FL_SUPPLY_STANDS INT64_MAX /* until, of a row that stands */

/* Numbers and texts of a statement in their order: "i" an int64_t, "t" a struct fl_span as text,
 * "b" one as a blob, "s" a C string. */
int fl_supply_ask(struct fl_db *db, struct fl_stmt **ret, struct fl_err *err, const char *text,
                  const char *kinds, ...) FL_MUST_CHECK;
/* The same for a statement that gives no rows. */
int fl_supply_do(struct fl_db *db, struct fl_err *err, const char *text, const char *kinds, ...)
    FL_MUST_CHECK;
/* Both for whoever has a list of arguments: the first row's first number; FL_E_NOENT. */
int fl_supply_number_of(struct fl_db *db, int64_t *ret, struct fl_err *err, const char *text,
                        const char *kinds, ...) FL_MUST_CHECK;
/* A column as a C string. */
void fl_supply_text(const struct fl_stmt *stmt, int column, char *ret, size_t size);

#endif
