#include "db/migrate.h"

int fl_migrate_version(struct fl_sql *sql, unsigned *ret, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = fl_sql_run(sql,
                       "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, "
                       "name TEXT NOT NULL, at_us INTEGER NOT NULL)",
                       err);

    if (r == 0)
        r = fl_sql_prepare(sql, "SELECT coalesce(max(number), 0) FROM migrations", &stmt, err);
    if (r < 0)
        return r;
    r = fl_stmt_step(stmt, err);
    if (r > 0)
        *ret = (unsigned)fl_stmt_get_i64(stmt, 0);
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

static int note(struct fl_sql *sql, const struct fl_migration *m, int64_t now_us,
                struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(sql, "INSERT INTO migrations (number, name, at_us) VALUES (?1, ?2, ?3)",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, m->number);
    fl_stmt_text(stmt, 2, fl_span_str(m->name));
    fl_stmt_i64(stmt, 3, now_us);
    r = fl_stmt_step(stmt, err);
    fl_stmt_release(stmt);
    return r;
}

static int apply(struct fl_sql *sql, const struct fl_migration *m, int64_t now_us,
                 struct fl_err *err)
{
    int r = fl_sql_run(sql, "BEGIN IMMEDIATE", err);

    if (r < 0)
        return r;
    r = fl_sql_run(sql, m->text, err);
    if (r == 0)
        r = note(sql, m, now_us, err);
    if (r == 0)
        r = fl_sql_run(sql, "COMMIT", err);
    if (r < 0) {
        (void)!fl_sql_run(sql, "ROLLBACK", NULL);
        return err == NULL ? r : fl_err_wrap(err, "migration %u (%s)", m->number, m->name);
    }
    return FL_OK;
}

int fl_migrate_with(struct fl_sql *sql, const struct fl_migration *list, unsigned count,
                    unsigned upto, int64_t now_us, struct fl_err *err)
{
    unsigned version = 0;
    int r = fl_migrate_version(sql, &version, err);

    if (r < 0)
        return r;
    if (version > count)
        return fl_err_set(err, FL_E_INVAL,
                          "the control database is of version %u, this program knows versions up "
                          "to %u: run the newer Fairlead that wrote it, or restore a backup",
                          version, count);
    while (version < upto && version < count) {
        r = apply(sql, &list[version], now_us, err);
        if (r < 0)
            return r;
        version++;
    }
    return FL_OK;
}

int fl_migrate(struct fl_sql *sql, unsigned upto, int64_t now_us, struct fl_err *err)
{
    return fl_migrate_with(sql, fl_migrations, fl_migration_count, upto, now_us, err);
}
