/* Grants, reveals, and who may see what (accounts_in.h). */
#include "codec/utf8.h"
#include "trust/accounts_in.h"

#define SUPPORT_MAX_US (31 * 24 * FL_HOUR_US)

/* ---- grants ---- */

static int check_grant(const struct fl_msg_tenant_grant *g, int64_t now_us, struct fl_err *err)
{
    if (g->tenant == 0)
        return fl_err_set(err, FL_E_INVAL, "a grant is of a tenant");
    if (g->kind != FL_GRANT_NETWORK && g->kind != FL_GRANT_SUPPORT)
        return fl_err_set(err, FL_E_INVAL, "a grant is of the kind network or support");
    if ((g->scope & ~(FL_SCOPE_DATA | FL_SCOPE_SETUP)) != 0)
        return fl_err_set(err, FL_E_INVAL, "a grant opens data and set-up, nothing else");
    if (g->kind == FL_GRANT_SUPPORT && g->until_us > now_us + SUPPORT_MAX_US)
        return fl_err_set(err, FL_E_INVAL, "a support grant lasts 31 days at most");
    return FL_OK;
}

/* The operator may begin with the standing grant as long as nobody of the tenant was ever there to
 * give it, and may end any. */
static int may_operator(struct fl_accounts *acc, const struct fl_acc_live *live,
                        const struct fl_msg_tenant_grant *g, int64_t now_us, struct fl_err *err)
{
    if ((live->view.scope & (FL_SCOPE_GRANT | FL_SCOPE_SETUP)) == 0)
        return fl_err_set(err, FL_E_DENIED, "your role does not allow to change grants");
    if (g->until_us <= now_us)
        return FL_OK;
    if (g->kind == FL_GRANT_NETWORK &&
        fl_acc_number(acc, (int64_t)g->tenant, "SELECT count(*) FROM seen WHERE tenant = ?1") == 0)
        return FL_OK;
    return fl_err_set(err, FL_E_DENIED,
                      "only the tenant itself gives this; ask one of its administrators");
}

static int may_grant(struct fl_accounts *acc, const struct fl_msg_tenant_grant *g, int64_t now_us,
                     uint32_t *ret_user, struct fl_err *err)
{
    struct fl_acc_live live;
    int r;

    *ret_user = 0;
    if (g->by == 0)
        return FL_OK;
    r = fl_acc_live_number(acc, g->by, now_us, &live, err);
    if (r < 0 || live.view.stage != FL_STAGE_OPEN || live.view.is_token)
        return fl_err_set(err, FL_E_DENIED, "only a person who is signed in changes a grant");
    *ret_user = live.view.user;
    if (live.view.tenant == 0)
        r = may_operator(acc, &live, g, now_us, err);
    else if (live.view.tenant != g->tenant || (live.view.scope & FL_SCOPE_GRANT) == 0)
        return fl_err_set(err, FL_E_DENIED, "your role does not allow to change grants");
    if (r == 0 && g->until_us > now_us && (g->scope & FL_SCOPE_DATA & ~live.view.scope) != 0)
        r = fl_err_set(err, FL_E_DENIED, "nobody grants more than he may see himself");
    return r;
}

int fl_accounts_grant(struct fl_accounts *acc, const struct fl_msg_tenant_grant *g, int64_t now_us,
                      struct fl_err *err)
{
    uint32_t user = 0;
    int r = check_grant(g, now_us, err);

    if (r == 0)
        r = may_grant(acc, g, now_us, &user, err);
    if (r == 0)
        r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    r = fl_acc_run(acc, err,
                   "DELETE FROM grants WHERE (tenant = ?1 AND kind = ?2) OR until_us <= ?3", "iii",
                   (int64_t)g->tenant, (int64_t)g->kind, now_us);
    if (r >= 0 && g->until_us > now_us)
        r = fl_acc_run(acc, err,
                       "INSERT INTO grants (tenant, kind, scope, until_us, created_us, user)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                       "iiiiii", (int64_t)g->tenant, (int64_t)g->kind, (int64_t)g->scope,
                       g->until_us, now_us, (int64_t)user);
    r = fl_acc_end(acc, r, err);
    return r < 0 ? r : FL_OK;
}

bool fl_accounts_grant_same(struct fl_accounts *acc, const struct fl_msg_tenant_grant *g,
                            int64_t now_us)
{
    struct fl_stmt *stmt = NULL;
    bool ends = g->until_us <= now_us, there, same = false;

    there = fl_acc_row(acc, &stmt, NULL,
                       "SELECT scope, until_us FROM grants WHERE tenant = ?1 AND kind = ?2", "ii",
                       (int64_t)g->tenant, (int64_t)g->kind) > 0;
    if (there) {
        same = fl_stmt_get_i64(stmt, 0) == (int64_t)g->scope &&
               fl_stmt_get_i64(stmt, 1) == g->until_us;
        fl_stmt_release(stmt);
    }
    return ends ? !there : same;
}

/* When the best grant that covers the scope ends; 0: there is none. */
static int64_t granted_until(struct fl_accounts *acc, uint32_t tenant, uint32_t scope,
                             int64_t now_us)
{
    struct fl_stmt *stmt = NULL;
    int64_t until_us = 0;

    if (fl_acc_row(acc, &stmt, NULL,
                   "SELECT coalesce(max(until_us), 0) FROM grants WHERE tenant = ?1 AND"
                   " (?2 & ~scope) = 0 AND until_us > ?3",
                   "iii", (int64_t)tenant, (int64_t)scope, now_us) > 0) {
        until_us = fl_stmt_get_i64(stmt, 0);
        fl_stmt_release(stmt);
    }
    return until_us;
}

/* ---- who may see what ---- */

static int may_see(struct fl_accounts *acc, const struct fl_session *s, uint32_t tenant,
                   uint32_t scope, bool open, int64_t now_us, int64_t *ret_until_us,
                   struct fl_err *err)
{
    int64_t until_us = INT64_MAX;

    if (s->stage != FL_STAGE_OPEN)
        return fl_err_set(err, FL_E_DENIED, "finish signing in first");
    if ((scope & ~s->scope) != 0)
        return fl_err_set(err, FL_E_DENIED, "your role does not allow this");
    if (tenant == 0 || (s->tenant != 0 && s->tenant != tenant))
        return fl_err_set(err, FL_E_DENIED, "this belongs to another tenant");
    if (s->tenant == 0 && !open)
        until_us = granted_until(acc, tenant, scope, now_us);
    if (until_us == 0)
        return fl_err_set(
            err, FL_E_DENIED,
            "this tenant has not granted the operator's staff a look at its data; one "
            "of its administrators can");
    *ret_until_us = until_us < s->until_us ? until_us : s->until_us;
    return FL_OK;
}

int fl_accounts_may(struct fl_accounts *acc, uint64_t session, uint32_t tenant, uint32_t scope,
                    bool open, int64_t now_us, int64_t *ret_until_us, struct fl_err *err)
{
    struct fl_acc_live live;
    int64_t until_us = 0;
    int r = fl_acc_live_number(acc, session, now_us, &live, err);

    if (r == FL_E_NOENT)
        return fl_err_set(err, FL_E_DENIED, "the session that asks has ended");
    if (r == 0)
        r = may_see(acc, &live.view, tenant, scope, open, now_us, &until_us, err);
    if (r < 0)
        return r;
    if (scope & FL_CAP_REVEAL) {
        if (live.view.reveal_us <= now_us || live.view.reveal_tenant != tenant)
            return fl_err_set(err, FL_E_DENIED,
                              "personal data is masked; say for what purpose it is to be shown");
        until_us = until_us < live.view.reveal_us ? until_us : live.view.reveal_us;
    }
    *ret_until_us = until_us;
    return FL_OK;
}

/* ---- reveals ---- */

static int check_reveal(const struct fl_msg_reveal *ask, int64_t now_us, struct fl_err *err)
{
    static const char *const purposes[] = {"incident", "abuse", "support", "request", "law"};
    bool known = false;

    for (size_t i = 0; i < FL_LEN(purposes); i++)
        known = known || fl_span_eq(ask->purpose, fl_span_str(purposes[i]));
    if (ask->until_us <= now_us)
        return FL_OK;
    if (!known)
        return fl_err_set(err, FL_E_INVAL,
                          "a purpose is one of incident, abuse, support, request and law");
    if (ask->ticket.len > FL_REVEAL_TICKET_MAX || !fl_utf8_valid(ask->ticket))
        return fl_err_set(err, FL_E_INVAL, "a ticket is a text of at most %u bytes",
                          FL_REVEAL_TICKET_MAX);
    if (ask->until_us > now_us + FL_REVEAL_US)
        return fl_err_set(err, FL_E_INVAL, "personal data is shown for an hour at most");
    return FL_OK;
}

int fl_accounts_reveal(struct fl_accounts *acc, const struct fl_msg_reveal *ask, bool open,
                       int64_t now_us, struct fl_err *err)
{
    bool begins = ask->until_us > now_us;
    struct fl_acc_live live;
    int64_t until_us = 0;
    int r = check_reveal(ask, now_us, err);

    if (r == 0)
        r = fl_acc_live_number(acc, ask->session, now_us, &live, err);
    if (r == 0 && live.view.is_token)
        r = fl_err_set(err, FL_E_DENIED, "personal data is shown to persons, not to tokens");
    if (r == 0 && begins)
        r = may_see(acc, &live.view, ask->tenant, FL_CAP_READ | FL_CAP_REVEAL, open, now_us,
                    &until_us, err);
    if (r == 0)
        r = fl_acc_begin(acc, err);
    if (r < 0)
        return r;
    r = fl_acc_run(acc, err,
                   "UPDATE sessions SET reveal_tenant = ?2, reveal_us = ?3, reveal_purpose = ?4"
                   " WHERE number = ?1",
                   "iiit", (int64_t)ask->session, begins ? (int64_t)ask->tenant : (int64_t)0,
                   begins ? ask->until_us : (int64_t)0, begins ? ask->purpose : FL_SPAN(""));
    r = fl_acc_end(acc, r, err);
    return r < 0 ? r : FL_OK;
}
