/* Beside the rows of a network of supply: decisions, layouts of files, imports in pieces. */
#include <inttypes.h>
#include <stdio.h>

#include "db/db_supply_int.h"

/* ---- decisions ---- */

int fl_db_supply_decide(struct fl_db *db, uint32_t tenant, struct fl_db_supply_decision *decision,
                        struct fl_err *err)
{
    int64_t number = 0, count = 0;
    int r = fl_supply_number_of(db, &number, err,
                                "SELECT coalesce(max(number), 0) + 1 FROM supply_decisions WHERE "
                                "tenant = ?1",
                                "i", (int64_t)tenant);

    if (r == FL_OK)
        r = fl_supply_number_of(db, &count, err,
                                "SELECT count(*) FROM supply_decisions WHERE tenant = ?1 AND "
                                "reversed_us = 0",
                                "i", (int64_t)tenant);
    if (r == FL_OK && count >= FL_SUPPLY_DECISIONS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "%u decisions stand; reverse some",
                          FL_SUPPLY_DECISIONS_MAX);
    if (r == FL_OK)
        r = fl_supply_do(db, err,
                         "INSERT INTO supply_decisions (tenant, number, kind, subject, answer, "
                         "at_us, who, reversed_us, reversed_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                         "?7, 0, '')",
                         "iisssis", (int64_t)tenant, number, decision->kind, decision->subject,
                         decision->answer, decision->at_us, decision->who);
    if (r == FL_E_EXISTS)
        return fl_err_set(err, FL_E_EXISTS,
                          "this was decided already; reverse that decision first");
    if (r == FL_OK)
        decision->number = (uint64_t)number;
    return r;
}

int fl_db_supply_reverse(struct fl_db *db, uint32_t tenant, uint64_t number, const char *who,
                         int64_t at_us, struct fl_err *err)
{
    int64_t reversed = 0;
    int r = fl_supply_number_of(db, &reversed, err,
                                "SELECT reversed_us FROM supply_decisions WHERE tenant = ?1 AND "
                                "number = ?2",
                                "ii", (int64_t)tenant, (int64_t)number);

    if (r == FL_E_NOENT)
        return fl_err_set(err, FL_E_NOENT, "there is no decision %" PRIu64, number);
    if (r < 0)
        return r;
    if (reversed != 0)
        return fl_err_set(err, FL_E_EXISTS, "decision %" PRIu64 " is reversed already", number);
    return fl_supply_do(db, err,
                        "UPDATE supply_decisions SET reversed_us = ?3, reversed_by = ?4 WHERE "
                        "tenant = ?1 AND number = ?2",
                        "iiis", (int64_t)tenant, (int64_t)number, at_us, who);
}

int fl_db_supply_decisions(struct fl_db *db, uint32_t tenant, bool standing,
                           int (*fn)(void *ctx, const struct fl_db_supply_decision *decision),
                           void *ctx, struct fl_err *err)
{
    struct fl_db_supply_decision d;
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          "SELECT number, kind, subject, answer, at_us, who, reversed_us, "
                          "reversed_by FROM supply_decisions WHERE tenant = ?1 AND (?2 = 0 OR "
                          "reversed_us = 0) ORDER BY number",
                          "ii", (int64_t)tenant, (int64_t)standing);

    while (r == FL_OK && (r = fl_stmt_step(stmt, err)) == 1) {
        d = (struct fl_db_supply_decision){.number = (uint64_t)fl_stmt_get_i64(stmt, 0),
                                           .at_us = fl_stmt_get_i64(stmt, 4),
                                           .reversed_us = fl_stmt_get_i64(stmt, 6)};
        fl_supply_text(stmt, 1, d.kind, sizeof d.kind);
        fl_supply_text(stmt, 2, d.subject, sizeof d.subject);
        fl_supply_text(stmt, 3, d.answer, sizeof d.answer);
        fl_supply_text(stmt, 5, d.who, sizeof d.who);
        fl_supply_text(stmt, 7, d.reversed_by, sizeof d.reversed_by);
        r = fn(ctx, &d);
    }
    fl_stmt_release(stmt);
    return r;
}

int fl_db_supply_decision_version(struct fl_db *db, uint32_t tenant, uint64_t *ret,
                                  struct fl_err *err)
{
    int64_t n = 0;
    int r = fl_supply_number_of(db, &n, err,
                                "SELECT count(*) + total(reversed_us <> 0) FROM supply_decisions "
                                "WHERE tenant = ?1",
                                "i", (int64_t)tenant);

    if (r == FL_OK)
        *ret = (uint64_t)n;
    return r;
}

/* ---- layouts ---- */

int fl_db_supply_layout_set(struct fl_db *db, uint32_t tenant,
                            const struct fl_db_supply_layout *layout, struct fl_err *err)
{
    int r =
        fl_supply_do(db, err,
                     "INSERT INTO supply_layouts (tenant, headings, name, tbl, map, at_us, who) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (tenant, headings) DO "
                     "UPDATE SET name = ?3, tbl = ?4, map = ?5, at_us = ?6, who = ?7",
                     "issisis", (int64_t)tenant, layout->headings, layout->name,
                     (int64_t)layout->table, layout->map, layout->at_us, layout->who);

    if (r == FL_OK) /* the oldest go */
        r = fl_supply_do(db, err,
                         "DELETE FROM supply_layouts WHERE tenant = ?1 AND headings NOT IN (SELECT "
                         "headings FROM supply_layouts WHERE tenant = ?1 ORDER BY at_us DESC LIMIT "
                         "?2)",
                         "ii", (int64_t)tenant, (int64_t)FL_SUPPLY_LAYOUTS_MAX);
    return r;
}

#define LAYOUT_COLUMNS "headings, name, tbl, map, at_us, who"

static void layout_of(const struct fl_stmt *stmt, struct fl_db_supply_layout *ret)
{
    int64_t table = fl_stmt_get_i64(stmt, 2);

    *ret = (struct fl_db_supply_layout){.table = table >= 0 && table < FL_SUPPLY_TABLES
                                                     ? (enum fl_supply_table)table
                                                     : FL_SUPPLY_SUPPLIERS,
                                        .at_us = fl_stmt_get_i64(stmt, 4)};
    fl_supply_text(stmt, 0, ret->headings, sizeof ret->headings);
    fl_supply_text(stmt, 1, ret->name, sizeof ret->name);
    fl_supply_text(stmt, 3, ret->map, sizeof ret->map);
    fl_supply_text(stmt, 5, ret->who, sizeof ret->who);
}

int fl_db_supply_layout_get(struct fl_db *db, uint32_t tenant, const char *headings,
                            const char *name, struct fl_db_supply_layout *ret, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          headings != NULL
                              ? "SELECT " LAYOUT_COLUMNS " FROM supply_layouts WHERE tenant = ?1 "
                                "AND headings = ?2"
                              : "SELECT " LAYOUT_COLUMNS " FROM supply_layouts WHERE tenant = ?1 "
                                "AND name = ?2 ORDER BY at_us DESC LIMIT 1",
                          "is", (int64_t)tenant, headings != NULL ? headings : name);

    if (r == FL_OK)
        r = fl_stmt_step(stmt, err);
    if (r == 1)
        layout_of(stmt, ret);
    fl_stmt_release(stmt);
    if (r == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no layout%s%s", name == NULL ? "" : " ",
                          name == NULL ? "" : name);
    return r < 0 ? r : FL_OK;
}

int fl_db_supply_layout_remove(struct fl_db *db, uint32_t tenant, const char *headings,
                               struct fl_err *err)
{
    int r = fl_supply_do(db, err, "DELETE FROM supply_layouts WHERE tenant = ?1 AND headings = ?2",
                         "is", (int64_t)tenant, headings);

    if (r == FL_OK && fl_sql_changes(db->sql) == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no such layout");
    return r;
}

int fl_db_supply_layouts(struct fl_db *db, uint32_t tenant,
                         int (*fn)(void *ctx, const struct fl_db_supply_layout *layout), void *ctx,
                         struct fl_err *err)
{
    struct fl_db_supply_layout layout;
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          "SELECT " LAYOUT_COLUMNS " FROM supply_layouts WHERE tenant = ?1 ORDER "
                          "BY at_us DESC",
                          "i", (int64_t)tenant);

    while (r == FL_OK && (r = fl_stmt_step(stmt, err)) == 1) {
        layout_of(stmt, &layout);
        r = fn(ctx, &layout);
    }
    fl_stmt_release(stmt);
    return r;
}

/* ---- imports ---- */

int fl_db_supply_import_add(struct fl_db *db, struct fl_db_supply_import *import,
                            struct fl_err *err)
{
    int64_t count = 0;
    int r = fl_supply_do(db, err, "DELETE FROM supply_imports WHERE created_us < ?1", "i",
                         import->created_us - FL_SUPPLY_IMPORT_US);

    if (r == FL_OK)
        r = fl_supply_number_of(db, &count, err,
                                "SELECT count(*) FROM supply_imports WHERE tenant = ?1", "i",
                                (int64_t)import->tenant);
    if (r == FL_OK && count >= FL_SUPPLY_IMPORTS_MAX)
        return fl_err_set(err, FL_E_LIMIT,
                          "%u imports are being put together; remove one of them, or apply it",
                          FL_SUPPLY_IMPORTS_MAX);
    if (r == FL_OK)
        r = fl_supply_do(db, err,
                         "INSERT INTO supply_imports (tenant, name, who, created_us, bytes) VALUES "
                         "(?1, ?2, ?3, ?4, 0)",
                         "issi", (int64_t)import->tenant, import->name, import->who,
                         import->created_us);
    if (r == FL_OK)
        import->id = (uint32_t)fl_sql_last_id(db->sql);
    return r;
}

#define IMPORT_COLUMNS "id, tenant, name, who, created_us, bytes"

static void import_of(const struct fl_stmt *stmt, struct fl_db_supply_import *ret)
{
    *ret = (struct fl_db_supply_import){.id = (uint32_t)fl_stmt_get_i64(stmt, 0),
                                        .tenant = (uint32_t)fl_stmt_get_i64(stmt, 1),
                                        .created_us = fl_stmt_get_i64(stmt, 4),
                                        .bytes = (uint64_t)fl_stmt_get_i64(stmt, 5)};
    fl_supply_text(stmt, 2, ret->name, sizeof ret->name);
    fl_supply_text(stmt, 3, ret->who, sizeof ret->who);
}

int fl_db_supply_import_get(struct fl_db *db, uint32_t tenant, uint32_t id,
                            struct fl_db_supply_import *ret, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          "SELECT " IMPORT_COLUMNS " FROM supply_imports WHERE tenant = ?1 AND id "
                          "= ?2",
                          "ii", (int64_t)tenant, (int64_t)id);

    if (r == FL_OK)
        r = fl_stmt_step(stmt, err);
    if (r == 1)
        import_of(stmt, ret);
    fl_stmt_release(stmt);
    if (r == 0)
        return fl_err_set(err, FL_E_NOENT,
                          "there is no import %u; what is not applied within a day is forgotten",
                          id);
    return r < 0 ? r : FL_OK;
}

int fl_db_supply_import_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
{
    int r = fl_supply_do(db, err, "DELETE FROM supply_imports WHERE tenant = ?1 AND id = ?2", "ii",
                         (int64_t)tenant, (int64_t)id);

    if (r == FL_OK && fl_sql_changes(db->sql) == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no import %u", id);
    return r;
}

int fl_db_supply_imports(struct fl_db *db, uint32_t tenant,
                         int (*fn)(void *ctx, const struct fl_db_supply_import *import), void *ctx,
                         struct fl_err *err)
{
    struct fl_db_supply_import import;
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          "SELECT " IMPORT_COLUMNS " FROM supply_imports WHERE tenant = ?1 ORDER "
                          "BY id",
                          "i", (int64_t)tenant);

    while (r == FL_OK && (r = fl_stmt_step(stmt, err)) == 1) {
        import_of(stmt, &import);
        r = fn(ctx, &import);
    }
    fl_stmt_release(stmt);
    return r;
}

static int file_size(struct fl_db *db, uint32_t import, const char *file, int64_t *ret,
                     struct fl_err *err)
{
    return fl_supply_number_of(db, ret, err,
                               "SELECT coalesce(max(at + size), 0) FROM supply_import_pieces WHERE "
                               "import = ?1 AND file = ?2",
                               "is", (int64_t)import, file);
}

static int begin_again(struct fl_db *db, const struct fl_db_supply_import *import, const char *file,
                       int64_t size, struct fl_err *err)
{
    int r =
        fl_supply_do(db, err, "DELETE FROM supply_import_pieces WHERE import = ?1 AND file = ?2",
                     "is", (int64_t)import->id, file);

    return r < 0
               ? r
               : fl_supply_do(db, err, "UPDATE supply_imports SET bytes = bytes - ?2 WHERE id = ?1",
                              "ii", (int64_t)import->id, size);
}

int fl_db_supply_file_remove(struct fl_db *db, const struct fl_db_supply_import *import,
                             const char *file, struct fl_err *err)
{
    int64_t size = 0;
    int r = file_size(db, import->id, file, &size, err);

    return r < 0 ? r : begin_again(db, import, file, size, err);
}

int fl_db_supply_piece_put(struct fl_db *db, const struct fl_db_supply_import *import,
                           const char *file, uint64_t offset, struct fl_span data,
                           uint64_t *ret_size, struct fl_err *err)
{
    int64_t size = 0, bytes = 0;
    int r = file_size(db, import->id, file, &size, err);

    if (r == FL_OK && offset == 0 && size > 0) {
        r = begin_again(db, import, file, size, err);
        size = 0;
    }
    if (r < 0)
        return r;
    *ret_size = (uint64_t)size;
    if (offset != (uint64_t)size)
        return fl_err_set(err, FL_E_EXISTS, "%s has %" PRId64 " bytes so far: go on there", file,
                          size);
    r = fl_supply_number_of(db, &bytes, err, "SELECT bytes FROM supply_imports WHERE id = ?1", "i",
                            (int64_t)import->id);
    if (r == FL_OK && (uint64_t)bytes + data.len > FL_SUPPLY_IMPORT_BYTES)
        return fl_err_set(err, FL_E_LIMIT, "an import may have %" PRIu64 " MiB; split it",
                          FL_SUPPLY_IMPORT_BYTES >> 20);
    if (r == FL_OK)
        r = fl_supply_do(db, err,
                         "INSERT INTO supply_import_pieces (import, file, at, size, data) VALUES "
                         "(?1, ?2, ?3, ?4, ?5)",
                         "isiib", (int64_t)import->id, file, size, (int64_t)data.len, data);
    if (r == FL_OK)
        r = fl_supply_do(db, err, "UPDATE supply_imports SET bytes = bytes + ?2 WHERE id = ?1",
                         "ii", (int64_t)import->id, (int64_t)data.len);
    if (r == FL_OK)
        *ret_size = (uint64_t)size + data.len;
    return r;
}

int fl_db_supply_piece_get(struct fl_db *db, uint32_t import, const char *file, uint64_t offset,
                           struct fl_buf *ret, struct fl_err *err)
{
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          "SELECT data FROM supply_import_pieces WHERE import = ?1 AND file = ?2 "
                          "AND at = ?3",
                          "isi", (int64_t)import, file, (int64_t)offset);
    int full = FL_OK;

    if (r == FL_OK)
        r = fl_stmt_step(stmt, err);
    if (r == 1) {
        fl_buf_put_span(ret, fl_stmt_get_bytes(stmt, 0));
        full = fl_buf_status(ret, err);
    }
    fl_stmt_release(stmt);
    return full < 0 ? full : r;
}

int fl_db_supply_files(struct fl_db *db, uint32_t import,
                       int (*fn)(void *ctx, const char *file, uint64_t size), void *ctx,
                       struct fl_err *err)
{
    char file[FL_SUPPLY_TITLE_MAX + 1];
    struct fl_stmt *stmt = NULL;
    int r = fl_supply_ask(db, &stmt, err,
                          "SELECT file, sum(size) FROM supply_import_pieces WHERE import = ?1 "
                          "GROUP BY file ORDER BY file",
                          "i", (int64_t)import);

    while (r == FL_OK && (r = fl_stmt_step(stmt, err)) == 1) {
        fl_supply_text(stmt, 0, file, sizeof file);
        r = fn(ctx, file, (uint64_t)fl_stmt_get_i64(stmt, 1));
    }
    fl_stmt_release(stmt);
    return r;
}
