#include "db/db_notice.h"

#include <stdio.h>

#include "base/attr.h"
#include "codec/url.h"
#include "db/db_int.h"

static const struct fl_column fl_notice_columns[] = {
    COLUMN(fl_notice, U32, id),      COLUMN(fl_notice, U32, tenant),
    COLUMN(fl_notice, U32, kind),    COLUMN(fl_notice, TEXT, about),
    COLUMN(fl_notice, TEXT, target), COLUMN(fl_notice, TEXT, subject),
    COLUMN(fl_notice, U32, state),   COLUMN(fl_notice, U64, created_us),
    COLUMN(fl_notice, U64, next_us), COLUMN(fl_notice, U64, done_us),
    COLUMN(fl_notice, U32, tries),   COLUMN(fl_notice, TEXT, answer),
};
static const struct fl_rows notices = ROWS(fl_notice, "notices", 1);

TYPED(fl_notice)

const char *fl_notice_state_name(enum fl_notice_state state)
{
    static const char *const names[FL_NOTICE_STATES] = {"waits", "sent", "failed"};

    return (unsigned)state < FL_NOTICE_STATES ? names[state] : "unknown";
}

/* ---- what may be sent ---- */

/* RFC 5321, 4.1.2 without quoted strings and address literals: what people really have. */
static bool is_mail(const char *text)
{
    const char *at = strchr(text, '@');
    size_t len = strlen(text);

    if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL || len > 254 ||
        strchr(at, '.') == NULL || text[len - 1] == '.' || at - text > 64)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= 0x20 || c >= 0x7f || strchr("\"(),:;<>[]\\", c) != NULL)
            return false;
    }
    return true;
}

static int check_target(struct fl_db *db, const struct fl_notice *n, struct fl_err *err)
{
    char key[FL_NOTICE_SECRET_LEN + 1];
    struct fl_url url;
    int r;

    if (n->kind == FL_NOTICE_MAIL)
        return is_mail(n->target) ? FL_OK
                                  : fl_err_set(err, FL_E_INVAL,
                                               "'%.100s' is no address of mail; it looks like "
                                               "jane@example.org",
                                               n->target);
    r = fl_url_parse(fl_span_str(n->target), false, &url, err);
    if (r == FL_OK) {
        r = fl_db_webhook_key(db, n->tenant, key, NULL, err);
        explicit_bzero(key, sizeof key);
    }
    return r;
}

static int check_notice(struct fl_db *db, const struct fl_notice *n, struct fl_span body,
                        struct fl_err *err)
{
    if (n->kind >= FL_NOTICE_KINDS)
        return fl_err_set(err, FL_E_INVAL, "a notice goes by mail or to a webhook");
    for (const char *c = n->subject; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return fl_err_set(err, FL_E_INVAL, "a subject is one line without control characters");
    if (n->subject[0] == '\0')
        return fl_err_set(err, FL_E_INVAL, "a notice needs a subject");
    if (body.len == 0 || body.len > FL_MSG_NOTICE_MAX)
        return fl_err_set(err, FL_E_INVAL, "the text of a notice has 1 to %zu bytes",
                          FL_MSG_NOTICE_MAX);
    return check_target(db, n, err);
}

int fl_db_notice_add(struct fl_db *db, struct fl_notice *notice, struct fl_span body,
                     struct fl_err *err)
{
    const struct fl_where waiting = {
        "tenant = ?1 AND state = 0", {FL_VALUE_I64(notice->tenant)}, 1};
    struct fl_value values[] = {{0}, {.is_text = 1, .text = body}};
    uint64_t count = 0;
    int r = check_notice(db, notice, body, err);

    if (r == FL_OK)
        r = fl_row_count(db->sql, &notices, &waiting, &count, err);
    if (r == FL_OK && count >= FL_NOTICES_WAIT_MAX)
        return fl_err_set(err, FL_E_LIMIT,
                          "%u notices wait to be sent already; 'fairlead status' tells why",
                          FL_NOTICES_WAIT_MAX);
    notice->state = FL_NOTICE_WAITS;
    notice->tries = 0;
    notice->done_us = 0;
    notice->next_us = notice->created_us;
    notice->answer[0] = '\0';
    if (r == FL_OK)
        r = fl_row_insert(db->sql, &notices, notice, "", err);
    values[0] = FL_VALUE_I64(notice->id);
    if (r == FL_OK)
        r = fl_row_run(db->sql, "UPDATE notices SET body = ?2 WHERE id = ?1", values, 2, err);
    return r;
}

/* ---- reading and the way on ---- */

int fl_db_notice_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_notice *ret,
                     struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND id = ?2", {FL_VALUE_I64(tenant), FL_VALUE_I64(id)}, 2};

    return fl_db_no_number(fl_row_get(db->sql, &notices, &where, ret, err), err, "notice", id);
}

int fl_db_notice_set(struct fl_db *db, const struct fl_notice *notice, struct fl_err *err)
{
    return fl_db_no_number(fl_row_update(db->sql, &notices, notice, err), err, "notice",
                           notice->id);
}

int fl_db_notice_body(struct fl_db *db, uint32_t id, struct fl_buf *out, struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql, "SELECT body FROM notices WHERE id = ?1", &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, id);
    r = fl_stmt_step(stmt, err);
    if (r > 0)
        fl_buf_put_span(out, fl_stmt_get_bytes(stmt, 0));
    fl_stmt_release(stmt);
    if (r == 0)
        return fl_db_no_number(FL_E_NOENT, err, "notice", id);
    return r < 0 ? r : fl_buf_status(out, err);
}

static void notice_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_notice *)obj)->id);
}

int fl_db_notices(struct fl_db *db, uint32_t tenant, const char *about, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_notice *notice), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_notice_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l = {.sql = db->sql,
                           .rows = &notices,
                           .order = "id DESC",
                           .obj = &call.row,
                           .cursor = notice_cursor,
                           .fn = call_fl_notice,
                           .ctx = &call,
                           .limit = page.limit};
    uint64_t before = INT64_MAX;
    int r = fl_listing_after_id(page, INT64_MAX, &before, err);

    if (r < 0)
        return r;
    l.all = (struct fl_where){
        "tenant = ?1 AND (?2 = '' OR about = ?2)",
        {FL_VALUE_I64(tenant), FL_VALUE_TEXT(about == NULL ? "" : about), FL_VALUE_I64(before)},
        2};
    l.rest = l.all;
    l.rest.text = "tenant = ?1 AND (?2 = '' OR about = ?2) AND id < ?3";
    l.rest.count = 3;
    return fl_listing_all(&l, ret, err);
}

static int call_notice(void *ctx)
{
    struct fl_notice_fn *call = ctx;

    return call->fn(call->ctx, &call->row);
}

int fl_db_notices_due(struct fl_db *db, int64_t now_us, uint32_t limit,
                      int (*fn)(void *ctx, const struct fl_notice *notice), void *ctx,
                      struct fl_err *err)
{
    const struct fl_where where = {"state = 0 AND next_us <= ?1", {FL_VALUE_I64(now_us)}, 1};
    struct fl_notice_fn call = {.fn = fn, .ctx = ctx};

    return fl_row_each(db->sql, &notices, &where, "next_us", limit, &call.row, call_notice, &call,
                       err);
}

/* ---- keys of webhooks ---- */

int fl_db_webhook_key(struct fl_db *db, uint32_t tenant, char ret[FL_NOTICE_SECRET_LEN + 1],
                      int64_t *ret_created_us, struct fl_err *err)
{
    struct fl_stmt *stmt;
    int r = fl_sql_prepare(db->sql, "SELECT secret, created_us FROM webhook_keys WHERE tenant = ?1",
                           &stmt, err);

    if (r < 0)
        return r;
    fl_stmt_i64(stmt, 1, tenant);
    r = fl_stmt_step(stmt, err);
    if (r > 0) {
        struct fl_span secret = fl_stmt_get_bytes(stmt, 0);

        (void)snprintf(ret, FL_NOTICE_SECRET_LEN + 1, "%.*s", FL_SPAN_ARG(secret));
        if (ret_created_us != NULL)
            *ret_created_us = fl_stmt_get_i64(stmt, 1);
    }
    fl_stmt_release(stmt);
    if (r == 0)
        return fl_err_set(err, FL_E_NOENT,
                          "the tenant has no key that its webhooks are signed with; make one: "
                          "'fairlead feed webhook-key'");
    return r < 0 ? r : FL_OK;
}

int fl_db_webhook_key_set(struct fl_db *db, uint32_t tenant, const char *secret, int64_t now_us,
                          struct fl_err *err)
{
    const struct fl_value values[] = {FL_VALUE_I64(tenant), FL_VALUE_TEXT(secret),
                                      FL_VALUE_I64(now_us)};
    int r = fl_row_run(db->sql,
                       "INSERT INTO webhook_keys (tenant, secret, created_us) VALUES (?1, ?2, ?3) "
                       "ON CONFLICT (tenant) DO UPDATE SET secret = excluded.secret, created_us = "
                       "excluded.created_us",
                       values, FL_LEN(values), err);

    return fl_db_no_number(r, err, "tenant", tenant);
}
