#include "db/db_score.h"

#include <string.h>

#include "db/db_int.h"

int fl_db_score_put(struct fl_db *db, uint32_t tenant, const struct fl_db_score *score,
                    struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant),
                                      FL_VALUE_I64(score->kind),
                                      FL_VALUE_TEXT(score->id),
                                      FL_VALUE_I64(score->day),
                                      FL_VALUE_I64(score->score_milli),
                                      FL_VALUE_I64(score->high_milli)};

    return fl_row_run(db->sql,
                      "INSERT INTO score_days (tenant, kind, id, day, score_milli, high_milli) "
                      "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (tenant, kind, id, day) DO "
                      "UPDATE SET score_milli = excluded.score_milli, "
                      "high_milli = excluded.high_milli",
                      values, FL_LEN(values), err);
}

int fl_db_scores(struct fl_db *db, uint32_t tenant, uint32_t kind, const char *id, int32_t from_day,
                 int (*fn)(void *ctx, const struct fl_db_score *score), void *ctx,
                 struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql,
                           "SELECT day, score_milli, high_milli FROM score_days WHERE tenant = ?1 "
                           "AND kind = ?2 AND id = ?3 AND day >= ?4 ORDER BY day",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, tenant);
    fl_stmt_i64(stmt, 2, kind);
    fl_stmt_text(stmt, 3, fl_span_str(id));
    fl_stmt_i64(stmt, 4, from_day);
    while ((r = fl_stmt_step(stmt, err)) == 1) {
        const struct fl_db_score row = {.kind = kind,
                                        .id = id,
                                        .day = (int32_t)fl_stmt_get_i64(stmt, 0),
                                        .score_milli = fl_stmt_get_i64(stmt, 1),
                                        .high_milli = fl_stmt_get_i64(stmt, 2)};

        r = fn(ctx, &row);
        if (r < 0)
            break;
    }
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_db_scores_forget(struct fl_db *db, uint32_t tenant, int32_t before_day, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_I64(before_day)};

    return fl_row_run(db->sql, "DELETE FROM score_days WHERE tenant = ?1 AND day < ?2", values, 2,
                      err);
}

int fl_db_score_state(struct fl_db *db, uint32_t tenant, struct fl_db_score_state *ret,
                      struct fl_err *err)
{
    struct fl_stmt *stmt;
    struct fl_db_score_state state = {.day = 0};
    int r = fl_sql_prepare(
        db->sql, "SELECT rule, day, net_version FROM score_settings WHERE tenant = ?1", &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, tenant);
    r = fl_stmt_step(stmt, err);
    if (r == 1) {
        struct fl_span rule = fl_stmt_get_bytes(stmt, 0);

        if (rule.len <= FL_DB_SCORE_RULE_MAX && rule.len > 0)
            memcpy(state.rule, rule.ptr, rule.len);
        state.day = (int32_t)fl_stmt_get_i64(stmt, 1);
        state.net_version = (uint64_t)fl_stmt_get_i64(stmt, 2);
    }
    fl_stmt_release(stmt);
    if (r < 0)
        return r;
    *ret = state;
    return FL_OK;
}

int fl_db_score_state_set(struct fl_db *db, uint32_t tenant, const struct fl_db_score_state *state,
                          struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_TEXT(state->rule),
                                      FL_VALUE_I64(state->day), FL_VALUE_I64(state->net_version)};

    return fl_row_run(db->sql,
                      "INSERT INTO score_settings (tenant, rule, day, net_version) VALUES (?1, ?2, "
                      "?3, ?4) ON CONFLICT (tenant) DO UPDATE SET rule = excluded.rule, "
                      "day = excluded.day, net_version = excluded.net_version",
                      values, FL_LEN(values), err);
}
