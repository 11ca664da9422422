/*
 * migrate.h - the numbered changes of the schema (migrations/NNNN_name.sql), applied forward only.
 *
 * Each runs in one transaction together with its row in the table `migrations`. A migration that
 * was released is never edited; the next change is the next number.
 */
#ifndef FL_DB_MIGRATE_H
#define FL_DB_MIGRATE_H

#include "db/sql.h"

struct fl_migration {
    unsigned number; /* 1, 2, ... */
    const char *name, *text;
};

extern const struct fl_migration fl_migrations[]; /* embedded at build */
extern const unsigned fl_migration_count;

/*
 * Bring the database to version upto (fl_migration_count for the newest). FL_E_INVAL: it is of a
 * newer version than this program knows; nothing was changed.
 */
int fl_migrate(struct fl_sql *sql, unsigned upto, int64_t now_us, struct fl_err *err) FL_MUST_CHECK;

/* The same with the schema of another database. */
int fl_migrate_with(struct fl_sql *sql, const struct fl_migration *list, unsigned count,
                    unsigned upto, int64_t now_us, struct fl_err *err) FL_MUST_CHECK;

int fl_migrate_version(struct fl_sql *sql, unsigned *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
