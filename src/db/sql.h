/*
 * sql.h - what db.c needs of a database: statements, values, errors. sqlite.c is one; another
 * (PostgreSQL) is one more file with these functions.
 *
 * A connection belongs to one thread. SQL texts are constants of this program; values are always
 * bound. Text and blobs come out borrowed until the statement's next step or release.
 */
#ifndef FL_DB_SQL_H
#define FL_DB_SQL_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define FL_SQL_KEY_BYTES 32

struct fl_sql;
struct fl_stmt;

/*
 * Open or make the database file; a relative path is taken from the working folder at each use.
 * FL_E_DENIED: it does not open with this key. FL_E_EXISTS: another process has it open.
 */
int fl_sql_open(const char *path, const unsigned char key[FL_SQL_KEY_BYTES], struct fl_sql **ret,
                struct fl_err *err) FL_MUST_CHECK;
void fl_sql_close(struct fl_sql *sql); /* NULL is allowed */

/* Statements without values and results, separated by ';'. */
int fl_sql_run(struct fl_sql *sql, const char *text, struct fl_err *err) FL_MUST_CHECK;

/* A prepared statement, from the connection's cache where it can be. Release it in any case. */
int fl_sql_prepare(struct fl_sql *sql, const char *text, struct fl_stmt **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_stmt_release(struct fl_stmt *stmt); /* NULL is allowed */

/* Values are numbered from 1. A failure sticks and comes out of the next step. */
void fl_stmt_i64(struct fl_stmt *stmt, int at, int64_t value);
void fl_stmt_text(struct fl_stmt *stmt, int at, struct fl_span value); /* copied */
void fl_stmt_blob(struct fl_stmt *stmt, int at, struct fl_span value); /* copied */

/*
 * 1: a row; 0: done. FL_E_EXISTS: a unique value is there already. FL_E_NOENT: a row that is
 * referred to is not there, or is still referred to. FL_E_CORRUPT, FL_E_IO.
 */
int fl_stmt_step(struct fl_stmt *stmt, struct fl_err *err) FL_MUST_CHECK;

int64_t fl_stmt_get_i64(const struct fl_stmt *stmt, int column); /* columns from 0 */
struct fl_span fl_stmt_get_bytes(const struct fl_stmt *stmt, int column);

int64_t fl_sql_last_id(const struct fl_sql *sql); /* of the last INSERT */
int64_t fl_sql_changes(const struct fl_sql *sql); /* rows of the last INSERT, UPDATE, DELETE */
/* Nothing of what was deleted is left in files beside the database (the write-ahead log). */
int fl_sql_settle(struct fl_sql *sql, struct fl_err *err) FL_MUST_CHECK;

#endif
