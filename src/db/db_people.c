#include "db/db_people.h"

#include <stdio.h>

#include "db/db_int.h"

/* ---- the tables ---- */

static const struct fl_column fl_user_columns[] = {
    COLUMN(fl_user, U32, id),
    COLUMN(fl_user, U32, tenant),
    COLUMN(fl_user, TEXT, name),
    COLUMN(fl_user, TEXT, display_name),
    COLUMN(fl_user, TEXT, email),
    COLUMN(fl_user, TEXT, department),
    COLUMN(fl_user, TEXT, roles),
    COLUMN(fl_user, BOOL, disabled),
    COLUMN(fl_user, BOOL, totp_required),
    COLUMN(fl_user, U64, created_us),
};
static const struct fl_rows users = ROWS(fl_user, "users", 1);

static const struct fl_column fl_role_row_columns[] = {
    COLUMN(fl_role_row, U32, id),         COLUMN(fl_role_row, U32, tenant),
    COLUMN(fl_role_row, TEXT, name),      COLUMN(fl_role_row, TEXT, rights),
    COLUMN(fl_role_row, U64, created_us),
};
static const struct fl_rows roles = ROWS(fl_role_row, "roles", 1);

static const struct fl_column fl_department_columns[] = {
    COLUMN(fl_department, U32, id),         COLUMN(fl_department, U32, tenant),
    COLUMN(fl_department, TEXT, slug),      COLUMN(fl_department, TEXT, name),
    COLUMN(fl_department, U64, created_us),
};
static const struct fl_rows departments = ROWS(fl_department, "departments", 1);

static const struct fl_column fl_token_columns[] = {
    COLUMN(fl_token, U32, id),         COLUMN(fl_token, U32, tenant),
    COLUMN(fl_token, U32, user),       COLUMN(fl_token, U64, number),
    COLUMN(fl_token, TEXT, name),      COLUMN(fl_token, TEXT, roles),
    COLUMN(fl_token, U64, created_us), COLUMN(fl_token, U64, until_us),
};
static const struct fl_rows tokens = ROWS(fl_token, "tokens", 1);

static const struct fl_column fl_grant_columns[] = {
    COLUMN(fl_grant, U32, id),        COLUMN(fl_grant, U32, tenant),
    COLUMN(fl_grant, U32, kind),      COLUMN(fl_grant, BOOL, data),
    COLUMN(fl_grant, U64, until_us),  COLUMN(fl_grant, TEXT, reason),
    COLUMN(fl_grant, TEXT, given_by), COLUMN(fl_grant, U64, created_us),
    COLUMN(fl_grant, U64, ended_us),
};
static const struct fl_rows grants = ROWS(fl_grant, "grants", 1);

static const struct fl_column fl_reveal_columns[] = {
    COLUMN(fl_reveal, U32, id),       COLUMN(fl_reveal, U32, tenant),
    COLUMN(fl_reveal, U32, user),     COLUMN(fl_reveal, U64, session),
    COLUMN(fl_reveal, TEXT, who),     COLUMN(fl_reveal, TEXT, purpose),
    COLUMN(fl_reveal, TEXT, ticket),  COLUMN(fl_reveal, U64, created_us),
    COLUMN(fl_reveal, U64, until_us), COLUMN(fl_reveal, U64, ended_us),
};
static const struct fl_rows reveals = ROWS(fl_reveal, "reveals", 1);

static const struct fl_column fl_again_columns[] = {
    COLUMN(fl_again, TEXT, caller), COLUMN(fl_again, TEXT, name),   COLUMN(fl_again, HASH, request),
    COLUMN(fl_again, U32, status),  COLUMN(fl_again, BOOL, secret), COLUMN(fl_again, TEXT, type),
    COLUMN(fl_again, U64, at_us),
};
static const struct fl_rows agains = ROWS(fl_again, "agains", 0);

/* ---- what they share ---- */

#define BY_NAME(tenant, name)                                                                      \
    {                                                                                              \
        "tenant = ?1 AND name = ?2", {FL_VALUE_I64(tenant), FL_VALUE_TEXT(name)}, 2                \
    }
/* Names are no numbers (fl_user_name_check()), so a number is an id. */
#define BY_NAME_OR_ID(tenant, name)                                                                \
    {                                                                                              \
        "tenant = ?1 AND (name = ?2 OR CAST(id AS TEXT) = ?2)",                                    \
            {FL_VALUE_I64(tenant), FL_VALUE_TEXT(name)}, 2                                         \
    }

/* FL_E_LIMIT when a tenant has as many rows as it may. */
static int check_room(struct fl_db *db, const struct fl_rows *rows, const struct fl_where *where,
                      uint64_t max, const char *noun, struct fl_err *err)
{
    uint64_t count = 0;
    int r = fl_row_count(db->sql, rows, where, &count, err);

    if (r == FL_OK && count >= max)
        return fl_err_set(err, FL_E_LIMIT, "there are %llu %s already, as many as there may be",
                          (unsigned long long)count, noun);
    return r;
}

static int remove_one(struct fl_db *db, const struct fl_rows *rows, const struct fl_where *where,
                      struct fl_err *err)
{
    int64_t n = 0;
    int r = fl_row_remove(db->sql, rows, where, &n, err);

    return r == FL_OK && n == 0 ? FL_E_NOENT : r;
}

/* A tenant's rows, the latest first. */
static int latest(struct fl_db *db, const struct fl_rows *rows, uint32_t tenant,
                  struct fl_db_page page, struct fl_listing *ret, struct fl_err *err)
{
    uint64_t before;
    int r = fl_listing_after_id(page, INT64_MAX, &before, err);

    if (r == FL_OK)
        *ret = (struct fl_listing){
            .sql = db->sql,
            .rows = rows,
            .all = OF_TENANT(tenant),
            .rest = {"tenant = ?1 AND id < ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(before)}, 2},
            .order = "id DESC",
            .limit = page.limit};
    return r;
}

/* Does a comma list in the column of a tenant's rows hold the word? */
static int used_in(struct fl_db *db, const struct fl_rows *rows, uint32_t tenant, const char *word,
                   uint64_t *ret, struct fl_err *err)
{
    const struct fl_where where = {"tenant = ?1 AND ',' || roles || ',' LIKE '%,' || ?2 || ',%'",
                                   {FL_VALUE_I64(tenant), FL_VALUE_TEXT(word)},
                                   2};

    return fl_row_count(db->sql, rows, &where, ret, err);
}

/* ---- users ---- */

TYPED(fl_user)

int fl_db_user_add(struct fl_db *db, struct fl_user *user, struct fl_err *err)
{
    const struct fl_where all = {.text = "1"};
    int r = fl_user_check(user, err);

    if (r == FL_OK)
        r = check_room(db, &users, &all, FL_DB_USERS_MAX, "users", err);
    return r < 0 ? r
                 : fl_db_named(fl_row_insert(db->sql, &users, user, "", err), err, "user",
                               user->name);
}

int fl_db_user_get(struct fl_db *db, uint32_t tenant, const char *name, struct fl_user *ret,
                   struct fl_err *err)
{
    const struct fl_where where = BY_NAME_OR_ID(tenant, name);

    return fl_db_named(fl_row_get(db->sql, &users, &where, ret, err), err, "user", name);
}

int fl_db_user_by_id(struct fl_db *db, uint32_t id, struct fl_user *ret, struct fl_err *err)
{
    const struct fl_where where = BY_ID(id);

    return fl_db_no_number(fl_row_get(db->sql, &users, &where, ret, err), err, "user", id);
}

int fl_db_user_set(struct fl_db *db, const struct fl_user *user, struct fl_err *err)
{
    int r = fl_user_check(user, err);

    return r < 0 ? r
                 : fl_db_named(fl_row_update(db->sql, &users, user, err), err, "user", user->name);
}

int fl_db_user_remove(struct fl_db *db, uint32_t id, struct fl_err *err)
{
    const struct fl_where where = BY_ID(id), of = {"user = ?1", {FL_VALUE_I64(id)}, 1};
    int64_t n = 0;
    int r = fl_row_remove(db->sql, &tokens, &of, &n, err);

    return r < 0 ? r : fl_db_no_number(remove_one(db, &users, &where, err), err, "user", id);
}

static void user_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", ((const struct fl_user *)obj)->name);
}

int fl_db_users(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_user *user), void *ctx, struct fl_db_list *ret,
                struct fl_err *err)
{
    struct fl_listing l = fl_listing_by_name(db, &users, tenant, page);
    struct fl_user_fn call = {.fn = fn, .ctx = ctx};

    l.obj = &call.row;
    l.cursor = user_cursor;
    l.fn = call_fl_user;
    l.ctx = &call;
    return fl_listing_all(&l, ret, err);
}

struct every {
    struct fl_user row;
    int (*fn)(void *ctx, const struct fl_user *user);
    void *ctx;
};

static int every_one(void *ctx)
{
    struct every *e = ctx;

    return e->fn(e->ctx, &e->row);
}

int fl_db_users_all(struct fl_db *db, int (*fn)(void *ctx, const struct fl_user *user), void *ctx,
                    struct fl_err *err)
{
    const struct fl_where all = {.text = "1"};
    struct every e = {.fn = fn, .ctx = ctx};
    int r = fl_row_each(db->sql, &users, &all, "id", 0, &e.row, every_one, &e, err);

    return r < 0 ? r : FL_OK;
}

/* ---- roles ---- */

TYPED(fl_role_row)

int fl_db_role_add(struct fl_db *db, struct fl_role_row *role, struct fl_err *err)
{
    const struct fl_where of = OF_TENANT(role->tenant);
    int r = fl_role_check(role, err);

    if (r == FL_OK)
        r = check_room(db, &roles, &of, FL_DB_PER_TENANT_MAX, "roles", err);
    return r < 0 ? r
                 : fl_db_named(fl_row_insert(db->sql, &roles, role, "", err), err, "role",
                               role->name);
}

int fl_db_role_get(struct fl_db *db, uint32_t tenant, const char *name, struct fl_role_row *ret,
                   struct fl_err *err)
{
    const struct fl_where where = BY_NAME(tenant, name);

    return fl_db_named(fl_row_get(db->sql, &roles, &where, ret, err), err, "role", name);
}

int fl_db_role_set(struct fl_db *db, const struct fl_role_row *role, struct fl_err *err)
{
    int r = fl_role_check(role, err);

    return r < 0 ? r
                 : fl_db_named(fl_row_update(db->sql, &roles, role, err), err, "role", role->name);
}

int fl_db_role_remove(struct fl_db *db, uint32_t tenant, const char *name, struct fl_err *err)
{
    const struct fl_where where = BY_NAME(tenant, name);
    uint64_t of_users = 0, of_tokens = 0;
    int r = used_in(db, &users, tenant, name, &of_users, err);

    if (r == FL_OK)
        r = used_in(db, &tokens, tenant, name, &of_tokens, err);
    if (r == FL_OK && of_users + of_tokens > 0)
        return fl_err_set(err, FL_E_EXISTS,
                          "%llu users and %llu tokens have the role '%s': take it from them first",
                          (unsigned long long)of_users, (unsigned long long)of_tokens, name);
    return r < 0 ? r : fl_db_named(remove_one(db, &roles, &where, err), err, "role", name);
}

static void role_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", ((const struct fl_role_row *)obj)->name);
}

int fl_db_roles(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_role_row *role), void *ctx,
                struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_listing l = fl_listing_by_name(db, &roles, tenant, page);
    struct fl_role_row_fn call = {.fn = fn, .ctx = ctx};

    l.obj = &call.row;
    l.cursor = role_cursor;
    l.fn = call_fl_role_row;
    l.ctx = &call;
    return fl_listing_all(&l, ret, err);
}

static int rights_of(struct fl_db *db, uint32_t tenant, struct fl_span name, struct fl_rights *ret,
                     struct fl_err *err)
{
    const struct fl_role_builtin *builtin = fl_role_builtin_find(name, tenant != 0);
    char text[FL_SLUG_MAX + 1];
    struct fl_role_row row;
    int r;

    if (builtin != NULL)
        return fl_rights_parse(fl_span_str(builtin->rights), ret, err);
    (void)snprintf(text, sizeof text, "%.*s", FL_SPAN_ARG(name));
    r = fl_db_role_get(db, tenant, text, &row, err);
    return r < 0 ? r : fl_rights_parse(fl_span_str(row.rights), ret, err);
}

int fl_db_rights_of(struct fl_db *db, uint32_t tenant, const char *list, struct fl_rights *ret,
                    struct fl_err *err)
{
    struct fl_span rest = fl_span_str(list), name;
    struct fl_rights all = {{0}}, one;

    while (fl_user_role_next(&rest, &name)) {
        int r = rights_of(db, tenant, name, &one, err);

        if (r < 0)
            return r;
        fl_rights_join(&all, &one);
    }
    *ret = all;
    return FL_OK;
}

/* ---- departments ---- */

TYPED(fl_department)

int fl_db_department_add(struct fl_db *db, struct fl_department *department, struct fl_err *err)
{
    const struct fl_where of = OF_TENANT(department->tenant);
    int r = fl_department_check(department, err);

    if (r == FL_OK)
        r = check_room(db, &departments, &of, FL_DB_PER_TENANT_MAX, "departments", err);
    return r < 0 ? r
                 : fl_db_named(fl_row_insert(db->sql, &departments, department, "", err), err,
                               "department", department->slug);
}

int fl_db_department_get(struct fl_db *db, uint32_t tenant, const char *slug,
                         struct fl_department *ret, struct fl_err *err)
{
    const struct fl_where where = BY_TENANT_SLUG(tenant, slug);

    return fl_db_named(fl_row_get(db->sql, &departments, &where, ret, err), err, "department",
                       slug);
}

int fl_db_department_set(struct fl_db *db, const struct fl_department *department,
                         struct fl_err *err)
{
    int r = fl_department_check(department, err);

    return r < 0 ? r
                 : fl_db_named(fl_row_update(db->sql, &departments, department, err), err,
                               "department", department->slug);
}

int fl_db_department_remove(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_err *err)
{
    const struct fl_where where = BY_TENANT_SLUG(tenant, slug);
    const struct fl_where there = {
        "tenant = ?1 AND department = ?2", {FL_VALUE_I64(tenant), FL_VALUE_TEXT(slug)}, 2};
    uint64_t n = 0;
    int r = fl_row_count(db->sql, &users, &there, &n, err);

    if (r == FL_OK && n > 0)
        return fl_err_set(err, FL_E_EXISTS, "%llu users belong to department '%s': move them first",
                          (unsigned long long)n, slug);
    return r < 0 ? r
                 : fl_db_named(remove_one(db, &departments, &where, err), err, "department", slug);
}

static void department_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", ((const struct fl_department *)obj)->slug);
}

int fl_db_departments(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                      int (*fn)(void *ctx, const struct fl_department *department), void *ctx,
                      struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_listing l = fl_listing_by_slug(db, &departments, tenant, page);
    struct fl_department_fn call = {.fn = fn, .ctx = ctx};

    l.obj = &call.row;
    l.cursor = department_cursor;
    l.fn = call_fl_department;
    l.ctx = &call;
    return fl_listing_all(&l, ret, err);
}

/* ---- API tokens ---- */

TYPED(fl_token)

int fl_db_token_add(struct fl_db *db, struct fl_token *token, struct fl_err *err)
{
    const struct fl_where of = OF_TENANT(token->tenant);
    int r = fl_user_name_check(fl_span_str(token->name), err);

    if (r == FL_OK)
        r = fl_user_roles_check(token->roles, err);
    if (r == FL_OK)
        r = check_room(db, &tokens, &of, FL_DB_PER_TENANT_MAX, "tokens", err);
    return r < 0 ? r
                 : fl_db_named(fl_row_insert(db->sql, &tokens, token, "", err), err, "token",
                               token->name);
}

int fl_db_token_get(struct fl_db *db, uint32_t tenant, const char *name, struct fl_token *ret,
                    struct fl_err *err)
{
    const struct fl_where where = BY_NAME_OR_ID(tenant, name);

    return fl_db_named(fl_row_get(db->sql, &tokens, &where, ret, err), err, "token", name);
}

int fl_db_token_by_number(struct fl_db *db, uint64_t number, struct fl_token *ret,
                          struct fl_err *err)
{
    const struct fl_where where = {"number = ?1", {FL_VALUE_I64(number)}, 1};
    int r = fl_row_get(db->sql, &tokens, &where, ret, err);

    return r == FL_E_NOENT ? fl_err_set(err, r, "there is no such token") : r;
}

int fl_db_token_remove(struct fl_db *db, uint32_t id, struct fl_err *err)
{
    const struct fl_where where = BY_ID(id);

    return fl_db_no_number(remove_one(db, &tokens, &where, err), err, "token", id);
}

static void token_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", ((const struct fl_token *)obj)->name);
}

int fl_db_tokens(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_token *token), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_listing l = fl_listing_by_name(db, &tokens, tenant, page);
    struct fl_token_fn call = {.fn = fn, .ctx = ctx};

    l.obj = &call.row;
    l.cursor = token_cursor;
    l.fn = call_fl_token;
    l.ctx = &call;
    return fl_listing_all(&l, ret, err);
}

/* ---- grants ---- */

TYPED(fl_grant)

int fl_db_grant_add(struct fl_db *db, struct fl_grant *grant, struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(grant->tenant), FL_VALUE_I64(grant->kind),
                                      FL_VALUE_I64(grant->created_us)};
    int r = fl_grant_check(grant, err);

    if (r == FL_OK)
        r = fl_row_run(db->sql,
                       "UPDATE grants SET ended_us = ?3 WHERE tenant = ?1 AND kind = ?2 AND "
                       "ended_us = 0",
                       values, FL_LEN(values), err);
    return r < 0 ? r : fl_row_insert(db->sql, &grants, grant, "", err);
}

int fl_db_grant_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_grant *ret,
                    struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};

    return fl_db_no_number(fl_row_get(db->sql, &grants, &where, ret, err), err, "grant", id);
}

int fl_db_grant_end(struct fl_db *db, uint32_t tenant, uint32_t id, int64_t now_us,
                    struct fl_err *err)
{
    struct fl_grant grant;
    int r = fl_db_grant_get(db, tenant, id, &grant, err);

    if (r < 0)
        return r;
    if (!fl_grant_lives(&grant, now_us))
        return fl_err_set(err, FL_E_EXISTS, "grant number %u has ended already", id);
    grant.ended_us = now_us;
    return fl_row_update(db->sql, &grants, &grant, err);
}

static void grant_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_grant *)obj)->id);
}

int fl_db_grants(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_grant *grant), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_grant_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l;
    int r = latest(db, &grants, tenant, page, &l, err);

    if (r < 0)
        return r;
    l.obj = &call.row;
    l.cursor = grant_cursor;
    l.fn = call_fl_grant;
    l.ctx = &call;
    return fl_listing_all(&l, ret, err);
}

int fl_db_grants_open(struct fl_db *db, uint32_t tenant, int64_t now_us, bool *ret_setup,
                      bool *ret_data, struct fl_err *err)
{
    const struct fl_where living = {"tenant = ?1 AND ended_us = 0 AND until_us > ?2",
                                    {FL_VALUE_I64(tenant), FL_VALUE_I64(now_us)},
                                    2};
    const struct fl_where open = {
        "tenant = ?1 AND ended_us = 0 AND until_us > ?2 AND (data <> 0 OR kind = ?3)",
        {FL_VALUE_I64(tenant), FL_VALUE_I64(now_us), FL_VALUE_I64(FL_TENANT_GRANT_SUPPORT)},
        3};
    uint64_t any = 0, data = 0;
    int r = fl_row_count(db->sql, &grants, &living, &any, err);

    if (r == FL_OK)
        r = fl_row_count(db->sql, &grants, &open, &data, err);
    if (r < 0)
        return r;
    *ret_setup = any > 0;
    *ret_data = data > 0;
    return FL_OK;
}

/* ---- looks at personal data ---- */

TYPED(fl_reveal)

int fl_db_reveal_add(struct fl_db *db, struct fl_reveal *reveal, struct fl_err *err)
{
    return fl_row_insert(db->sql, &reveals, reveal, "", err);
}

int fl_db_reveal_end(struct fl_db *db, uint32_t tenant, uint64_t session, int64_t now_us,
                     struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_I64(session),
                                      FL_VALUE_I64(now_us)};

    return fl_row_run(db->sql,
                      "UPDATE reveals SET ended_us = ?3 WHERE tenant = ?1 AND session = ?2 AND "
                      "ended_us = 0 AND until_us > ?3",
                      values, FL_LEN(values), err);
}

static void reveal_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_reveal *)obj)->id);
}

int fl_db_reveals(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_reveal *reveal), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_reveal_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l;
    int r = latest(db, &reveals, tenant, page, &l, err);

    if (r < 0)
        return r;
    l.obj = &call.row;
    l.cursor = reveal_cursor;
    l.fn = call_fl_reveal;
    l.ctx = &call;
    return fl_listing_all(&l, ret, err);
}

/* ---- answers that are kept ---- */

#define BY_KEY(caller, name)                                                                       \
    {                                                                                              \
        "caller = ?1 AND name = ?2", {FL_VALUE_TEXT(caller), FL_VALUE_TEXT(name)}, 2               \
    }

int fl_db_again_begin(struct fl_db *db, const struct fl_again *again, int64_t since_us,
                      struct fl_err *err)
{
    const struct fl_where old = {"at_us < ?1", {FL_VALUE_I64(since_us)}, 1};
    const struct fl_where of = {"caller = ?1", {FL_VALUE_TEXT(again->caller)}, 1};
    const struct fl_value values[] = {FL_VALUE_TEXT(again->caller), FL_VALUE_TEXT(again->name),
                                      FL_VALUE_HASH(again->request), FL_VALUE_I64(again->at_us)};
    int64_t n = 0;
    int r = fl_row_remove(db->sql, &agains, &old, &n, err);

    if (r == FL_OK)
        r = check_room(db, &agains, &of, FL_DB_AGAIN_PER_CALLER, "keys of the last day", err);
    return r < 0 ? r
                 : fl_row_run(db->sql,
                              "INSERT INTO agains (caller, name, request, status, secret, type, "
                              "body, at_us) VALUES (?1, ?2, ?3, 0, 0, '', x'', ?4)",
                              values, FL_LEN(values), err);
}

int fl_db_again_get(struct fl_db *db, const char *caller, const char *name, struct fl_again *ret,
                    struct fl_buf *ret_body, struct fl_err *err)
{
    const struct fl_where where = BY_KEY(caller, name);
    struct fl_stmt *stmt;
    int r = fl_row_get(db->sql, &agains, &where, ret, err);

    if (r < 0)
        return r;
    r = fl_sql_prepare(db->sql, "SELECT body FROM agains WHERE caller = ?1 AND name = ?2", &stmt,
                       err);
    if (r < 0)
        return r;
    fl_stmt_text(stmt, 1, fl_span_str(caller));
    fl_stmt_text(stmt, 2, fl_span_str(name));
    r = fl_stmt_step(stmt, err);
    if (r > 0)
        fl_buf_put_span(ret_body, fl_stmt_get_bytes(stmt, 0));
    fl_stmt_release(stmt);
    return r < 0 ? r : fl_buf_status(ret_body, err);
}

int fl_db_again_end(struct fl_db *db, const struct fl_again *again, struct fl_span body,
                    struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql,
                           "UPDATE agains SET status = ?3, secret = ?4, type = ?5, body = ?6 "
                           "WHERE caller = ?1 AND name = ?2",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_text(stmt, 1, fl_span_str(again->caller));
    fl_stmt_text(stmt, 2, fl_span_str(again->name));
    fl_stmt_i64(stmt, 3, again->status);
    fl_stmt_i64(stmt, 4, again->secret);
    fl_stmt_text(stmt, 5, fl_span_str(again->type));
    fl_stmt_blob(stmt, 6, body);
    r = fl_stmt_step(stmt, err);
    fl_stmt_release(stmt);
    return r < 0 ? r : FL_OK;
}

int fl_db_again_drop(struct fl_db *db, const char *caller, const char *name, struct fl_err *err)
{
    const struct fl_where in_work = {"status = ?1", {FL_VALUE_I64(0)}, 1};
    const struct fl_where one = BY_KEY(caller == NULL ? "" : caller, name == NULL ? "" : name);
    int64_t n = 0;

    return fl_row_remove(db->sql, &agains, caller == NULL ? &in_work : &one, &n, err);
}
