/* Statements, transactions and the schema of accounts.db (accounts_in.h). */
#include <stdarg.h>
#include <stdio.h>

#include "db/migrate.h"
#include "trust/accounts_in.h"

/* A migration that was released is never edited; the next change is the next number. Account 0 is
 * nobody: names that are not there are counted on it, so that they take as long. */
static const struct fl_migration migrations[] = {
    {1, "accounts",
     "CREATE TABLE accounts ("
     " user INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, scope INTEGER NOT NULL,"
     " totp_required INTEGER NOT NULL, disabled INTEGER NOT NULL, words TEXT NOT NULL,"
     " phc TEXT NOT NULL DEFAULT '', temporary INTEGER NOT NULL DEFAULT 0,"
     " changed_us INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,"
     " failures INTEGER NOT NULL DEFAULT 0, locked_us INTEGER NOT NULL DEFAULT 0,"
     " last_us INTEGER NOT NULL DEFAULT 0, totp BLOB NOT NULL DEFAULT x'',"
     " totp_step INTEGER NOT NULL DEFAULT -1) STRICT;"
     "INSERT INTO accounts (user, tenant, scope, totp_required, disabled, words)"
     " VALUES (0, 0, 0, 0, 1, '');"
     "CREATE TABLE history ("
     " id INTEGER PRIMARY KEY AUTOINCREMENT,"
     " user INTEGER NOT NULL REFERENCES accounts (user) ON DELETE CASCADE,"
     " phc TEXT NOT NULL) STRICT;"
     "CREATE INDEX history_user ON history (user);"
     "CREATE TABLE recovery ("
     " hash BLOB PRIMARY KEY,"
     " user INTEGER NOT NULL REFERENCES accounts (user) ON DELETE CASCADE) STRICT;"
     "CREATE INDEX recovery_user ON recovery (user);"
     "CREATE TABLE sessions ("
     " number INTEGER PRIMARY KEY AUTOINCREMENT,"
     " user INTEGER NOT NULL REFERENCES accounts (user) ON DELETE CASCADE,"
     " hash BLOB NOT NULL UNIQUE, is_token INTEGER NOT NULL, code_due INTEGER NOT NULL,"
     " scope INTEGER NOT NULL, created_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
     " until_us INTEGER NOT NULL, factor_us INTEGER NOT NULL DEFAULT 0,"
     " pending BLOB NOT NULL DEFAULT x'', peer TEXT NOT NULL, agent TEXT NOT NULL,"
     " reveal_tenant INTEGER NOT NULL DEFAULT 0, reveal_us INTEGER NOT NULL DEFAULT 0,"
     " reveal_purpose TEXT NOT NULL DEFAULT '') STRICT;"
     "CREATE INDEX sessions_user ON sessions (user);"
     "CREATE TABLE grants ("
     " tenant INTEGER NOT NULL, kind INTEGER NOT NULL, scope INTEGER NOT NULL,"
     " until_us INTEGER NOT NULL, created_us INTEGER NOT NULL, user INTEGER NOT NULL,"
     " PRIMARY KEY (tenant, kind)) STRICT;"
     "CREATE TABLE seen (tenant INTEGER PRIMARY KEY) STRICT;"},
};

int fl_acc_migrate(struct fl_accounts *acc, int64_t now_us, struct fl_err *err)
{
    return fl_migrate_with(acc->sql, migrations, FL_LEN(migrations), FL_LEN(migrations), now_us,
                           err);
}

static void bind_all(struct fl_stmt *stmt, const char *format, va_list ap)
{
    for (int at = 1; *format != '\0'; format++, at++) {
        if (*format == 'i')
            fl_stmt_i64(stmt, at, va_arg(ap, int64_t));
        else if (*format == 't')
            fl_stmt_text(stmt, at, va_arg(ap, struct fl_span));
        else
            fl_stmt_blob(stmt, at, va_arg(ap, struct fl_span));
    }
}

static int step_v(struct fl_accounts *acc, struct fl_stmt **ret, struct fl_err *err,
                  const char *sql, const char *format, va_list ap)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(acc->sql, sql, &stmt, err);

    if (r < 0)
        return r;
    bind_all(stmt, format, ap);
    r = fl_stmt_step(stmt, err);
    if (r > 0)
        *ret = stmt;
    else
        fl_stmt_release(stmt);
    return r;
}

int fl_acc_run(struct fl_accounts *acc, struct fl_err *err, const char *sql, const char *format,
               ...)
{
    struct fl_stmt *stmt = NULL;
    va_list ap;
    int r;

    va_start(ap, format);
    r = step_v(acc, &stmt, err, sql, format, ap);
    va_end(ap);
    if (r < 0)
        return r;
    fl_stmt_release(stmt);
    return (int)fl_sql_changes(acc->sql);
}

int fl_acc_row(struct fl_accounts *acc, struct fl_stmt **ret, struct fl_err *err, const char *sql,
               const char *format, ...)
{
    va_list ap;
    int r;

    va_start(ap, format);
    r = step_v(acc, ret, err, sql, format, ap);
    va_end(ap);
    return r;
}

int64_t fl_acc_number(struct fl_accounts *acc, int64_t key, const char *sql)
{
    struct fl_stmt *stmt = NULL;
    int64_t value = 0;
    int r = fl_acc_row(acc, &stmt, NULL, sql, "i", key);

    if (r <= 0)
        return r < 0 ? -1 : 0;
    value = fl_stmt_get_i64(stmt, 0);
    fl_stmt_release(stmt);
    return value;
}

void fl_acc_text(const struct fl_stmt *stmt, int column, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%.*s", FL_SPAN_ARG(fl_stmt_get_bytes(stmt, column)));
}

static void step(const struct fl_accounts *acc, const char *what)
{
    if (acc->step != NULL)
        acc->step(acc->step_ctx, what);
}

int fl_acc_begin(struct fl_accounts *acc, struct fl_err *err)
{
    return fl_sql_run(acc->sql, "BEGIN IMMEDIATE", err);
}

int fl_acc_end(struct fl_accounts *acc, int r, struct fl_err *err)
{
    if (r >= 0) {
        int c;

        step(acc, "commit");
        c = fl_sql_run(acc->sql, "COMMIT", err);
        r = c < 0 ? c : r;
    }
    if (r < 0)
        (void)!fl_sql_run(acc->sql, "ROLLBACK", NULL);
    else
        step(acc, "committed");
    return r;
}
