/* Accounts, sessions, grants: requests of core. Part of the keys role (keys.h); what each request
 * means stands in trust/accounts.h. */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/ip.h"
#include "codec/json.h"
#include "fairleadd/keys.h"
#include "trust/totp.h"

enum { TICK_MS = 2000, READS_MAX = 4096, DETAIL_MAX = 1024, PURGE_TICKS = 300 };

/* ---- telling ---- */

struct note {
    struct fl_buf buf;
    struct fl_json json;
    char actor[24], object[32];
};

static void note_begin(struct note *n, const char *object, uint64_t number)
{
    fl_buf_init(&n->buf, DETAIL_MAX);
    fl_json_init(&n->json, &n->buf);
    fl_json_object(&n->json, NULL);
    (void)snprintf(n->actor, sizeof n->actor, "role:core");
    (void)snprintf(n->object, sizeof n->object, "%s:%" PRIu64, object, number);
}

static void note_user(struct note *n, uint32_t user)
{
    (void)snprintf(n->actor, sizeof n->actor, "user:%u", user);
}

static void note_by(struct fl_keys *k, struct note *n, uint64_t session, uint32_t uid)
{
    if (session != 0)
        note_user(n, fl_accounts_user_of(k->people.accounts, session));
    else if (uid != UINT32_MAX)
        (void)snprintf(n->actor, sizeof n->actor, "uid:%u", uid);
}

static void note_send(struct fl_keys *k, struct note *n, const char *event)
{
    fl_json_end(&n->json);
    if (fl_buf_status(&n->buf, NULL) < 0)
        fl_buf_clear(&n->buf); /* the event counts for more than its detail */
    fl_keys_audit_as(k, event, n->actor, n->object, fl_buf_span(&n->buf));
    fl_buf_done(&n->buf);
}

/* The net a browser stands in: enough to find an attack, not a person's own address. */
static void note_from(struct note *n, struct fl_span peer)
{
    unsigned char ip[FL_IP_BYTES];
    char text[FL_IP_TEXT_BYTES], net[FL_IP_TEXT_BYTES + 8];
    bool v4;

    if (!fl_ip_parse(peer, ip))
        return;
    v4 = fl_ip_is_v4(ip);
    memset(ip + (v4 ? 15 : 6), 0, (size_t)FL_IP_BYTES - (v4 ? 15 : 6));
    (void)fl_ip_format(ip, text);
    (void)snprintf(net, sizeof net, "%s/%d", text, v4 ? 24 : 48);
    fl_json_text(&n->json, "from", net);
}

static void tell_locked(struct fl_keys *k, uint32_t user, bool locked)
{
    struct note n;

    if (!locked)
        return;
    note_begin(&n, "user", user);
    note_user(&n, user);
    fl_json_u64(&n.json, "failures", FL_TRIES_MAX);
    note_send(k, &n, "account.locked");
}

static void tell_refused(struct fl_keys *k, uint32_t user, const char *factor, struct fl_span peer)
{
    struct note n;

    note_begin(&n, "user", user);
    fl_json_text(&n.json, "factor", factor);
    note_from(&n, peer);
    note_send(k, &n, "session.refused");
}

/* An event of somebody about himself. */
static void tell_own(struct fl_keys *k, const char *event, const struct fl_session *s)
{
    static const char *const stages[] = {"open", "code", "password", "enrol"};
    struct note n;

    note_begin(&n, "user", s->user);
    note_user(&n, s->user);
    fl_json_u64(&n.json, "session", s->number);
    if ((unsigned)s->stage < FL_LEN(stages))
        fl_json_text(&n.json, "stage", stages[s->stage]);
    note_from(&n, fl_span_str(s->peer));
    note_send(k, &n, event);
}

/* ---- what sessions read at this moment ---- */

static bool is_demo(const struct fl_keys *k, uint32_t tenant, int64_t now_us)
{
    return fl_grants_until(k->grants, tenant, now_us) == INT64_MAX;
}

static bool still_may(struct fl_keys *k, const struct fl_keys_read *read, int64_t now_us)
{
    int64_t until_us;

    return fl_accounts_may(k->people.accounts, read->session, read->tenant, read->scope,
                           is_demo(k, read->tenant, now_us), now_us, &until_us, NULL) == 0;
}

/* One rule decides whether reading may begin and whether it goes on. */
static void check_reads(struct fl_keys *k)
{
    int64_t now_us = fl_now_us();
    size_t kept = 0;

    for (size_t i = 0; i < k->read_count; i++) {
        const struct fl_keys_read *read = &k->reads[i];
        struct fl_msg_reads_end over = {read->session, read->tenant};

        if (read->until_us <= now_us)
            continue; /* its capability ends by itself */
        if (still_may(k, read, now_us) || k->links[FL_ROLE_CORE] == NULL ||
            fl_imsg_send(k->links[FL_ROLE_CORE], FL_MSG_READS_END, 0, &over, -1, NULL) < 0)
            k->reads[kept++] = *read;
    }
    k->read_count = kept;
}

static int note_read(struct fl_keys *k, const struct fl_msg_cap_ask *ask, int64_t until_us,
                     struct fl_err *err)
{
    struct fl_keys_read fresh = {ask->session, ask->tenant, ask->scope, until_us};

    for (size_t i = 0; i < k->read_count; i++) {
        struct fl_keys_read *have = &k->reads[i];

        if (have->session == fresh.session && have->tenant == fresh.tenant &&
            have->scope == fresh.scope) {
            have->until_us = until_us > have->until_us ? until_us : have->until_us;
            return FL_OK;
        }
    }
    if (k->read_count == READS_MAX)
        return fl_err_set(err, FL_E_AGAIN, "too many sessions read at this moment; try again");
    k->reads[k->read_count++] = fresh;
    return FL_OK;
}

int fl_keys_session_cap(struct fl_keys *k, const struct fl_msg_cap_ask *ask, int64_t now_us,
                        int64_t *until_us, struct fl_err *err)
{
    int64_t most_us = 0;
    int r = fl_accounts_may(k->people.accounts, ask->session, ask->tenant, ask->scope,
                            is_demo(k, ask->tenant, now_us), now_us, &most_us, err);

    if (r < 0)
        return r;
    if (most_us < *until_us)
        *until_us = most_us;
    return note_read(k, ask, *until_us, err);
}

uint32_t fl_keys_user_of(struct fl_keys *k, uint64_t session)
{
    return fl_accounts_user_of(k->people.accounts, session);
}

/* ---- answers ---- */

static int send_session(struct fl_imsg *chan, uint32_t id, const struct fl_session *s,
                        struct fl_err *err)
{
    struct fl_msg_session m = {.number = s->number,
                               .user = s->user,
                               .tenant = s->tenant,
                               .scope = s->scope,
                               .stage = (uint8_t)s->stage,
                               .is_token = s->is_token,
                               .totp = s->totp,
                               .created_us = s->created_us,
                               .last_us = s->last_us,
                               .idle_us = s->idle_us,
                               .until_us = s->until_us,
                               .password_us = s->password_us,
                               .reveal_us = s->reveal_us,
                               .reveal_tenant = s->reveal_tenant,
                               .token = fl_span_str(s->token),
                               .csrf = fl_span_str(s->csrf),
                               .codes = fl_span_str(s->codes),
                               .peer = fl_span_str(s->peer),
                               .agent = fl_span_str(s->agent)};

    return fl_imsg_send(chan, FL_MSG_SESSION, id, &m, -1, err);
}

static int send_account(struct fl_imsg *chan, uint32_t id, const struct fl_account *a,
                        const char *temporary, struct fl_err *err)
{
    struct fl_msg_account m = {.user = a->user,
                               .tenant = a->tenant,
                               .scope = a->scope,
                               .totp_required = a->totp_required,
                               .disabled = a->disabled,
                               .totp = a->totp,
                               .temporary = a->temporary,
                               .has_password = a->has_password,
                               .failures = a->failures,
                               .sessions = a->sessions,
                               .locked_us = a->locked_us,
                               .changed_us = a->changed_us,
                               .last_us = a->last_us,
                               .password = fl_span_str(temporary)};

    return fl_imsg_send(chan, FL_MSG_ACCOUNT, id, &m, -1, err);
}

/* ---- what is hashed first ---- */

enum asked { ASKED_SIGN_IN, ASKED_CHANGE, ASKED_RESET };

struct wait {
    struct fl_keys *k;
    uint32_t id;
    unsigned link; /* core's; another one asks for itself */
    enum asked asked;
    char peer[64];
    uint64_t by;
    uint32_t by_uid;
    uint8_t what;
};

static void tell_reset(struct fl_keys *k, const struct wait *w, uint32_t user)
{
    struct note n;

    note_begin(&n, "user", user);
    note_by(k, &n, w->by, w->by_uid);
    fl_json_bool(&n.json, "password", (w->what & FL_RESET_PASSWORD) != 0);
    fl_json_bool(&n.json, "totp", (w->what & FL_RESET_TOTP) != 0);
    fl_json_bool(&n.json, "lock", (w->what & FL_RESET_LOCK) != 0);
    note_send(k, &n, "account.reset");
    check_reads(k);
}

static void tell_answer(struct fl_keys *k, const struct wait *w, const struct fl_people_answer *a)
{
    if (a->code == FL_E_DENIED && w->asked != ASKED_RESET)
        tell_refused(k, a->user, "password", fl_span_str(w->peer));
    tell_locked(k, a->user, a->locked);
    if (a->code < 0)
        return;
    switch (w->asked) {
    case ASKED_SIGN_IN:
        tell_own(k, "session.signed_in", &a->session);
        break;
    case ASKED_CHANGE:
        tell_own(k, "password.changed", &a->session);
        check_reads(k);
        break;
    case ASKED_RESET:
        tell_reset(k, w, a->user);
        break;
    }
}

static void on_answer(void *ctx, const struct fl_people_answer *a)
{
    struct wait *w = ctx;
    struct fl_keys *k = w->k;
    struct fl_imsg *core = w->link == k->core_link ? k->links[FL_ROLE_CORE] : NULL;
    struct fl_err err = a->err;
    int r = a->code;

    tell_answer(k, w, a);
    if (core != NULL && r == 0)
        r = w->asked == ASKED_RESET ? send_account(core, w->id, &a->account, a->temporary, &err)
                                    : send_session(core, w->id, &a->session, &err);
    if (core != NULL && r < 0)
        (void)fl_imsg_fail(core, w->id, &err);
    free(w);
}

static int make_wait(struct fl_keys *k, uint32_t id, enum asked asked, struct wait **ret,
                     struct fl_people_wait *ret_wait, struct fl_err *err)
{
    struct wait *w = calloc(1, sizeof *w);

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    w->k = k;
    w->id = id;
    w->link = k->core_link;
    w->asked = asked;
    *ret = w;
    *ret_wait = (struct fl_people_wait){.ctx = w, .done = on_answer, .drop = free};
    return FL_OK;
}

static int on_sign_in(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                      struct fl_err *err)
{
    const struct fl_msg_sign_in *ask = msg;
    struct fl_people_wait wait;
    struct wait *w = NULL;
    int r = make_wait(k, id, ASKED_SIGN_IN, &w, &wait, err);

    (void)chan;
    if (r < 0)
        return r;
    (void)snprintf(w->peer, sizeof w->peer, "%.*s", FL_SPAN_ARG(ask->peer));
    r = fl_people_sign_in(&k->people, ask, &wait, err);
    if (r < 0)
        free(w);
    return r;
}

static int on_change(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                     struct fl_err *err)
{
    struct fl_people_wait wait;
    struct wait *w = NULL;
    int r = make_wait(k, id, ASKED_CHANGE, &w, &wait, err);

    (void)chan;
    if (r < 0)
        return r;
    r = fl_people_change(&k->people, msg, &wait, err);
    if (r < 0)
        free(w);
    return r;
}

static int on_reset(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                    struct fl_err *err)
{
    const struct fl_msg_account_reset *ask = msg;
    struct fl_people_wait wait;
    struct wait *w = NULL;
    int r = make_wait(k, id, ASKED_RESET, &w, &wait, err);

    (void)chan;
    if (r < 0)
        return r;
    w->by = ask->by;
    w->by_uid = ask->by_uid;
    w->what = ask->what;
    r = fl_people_reset(&k->people, ask, &wait, err);
    if (r < 0)
        free(w);
    return r;
}

/* ---- sessions ---- */

static int on_session_ask(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                          struct fl_err *err)
{
    const struct fl_msg_session_ask *ask = msg;
    struct fl_session s;
    int r =
        fl_accounts_session(k->people.accounts, ask->token, ask->active != 0, fl_now_us(), &s, err);

    return r < 0 ? r : send_session(chan, id, &s, err);
}

/* Whose token is it? For the record of what was refused; 0: nobody's. */
static uint32_t token_user(struct fl_keys *k, struct fl_span token)
{
    struct fl_session s;

    return fl_accounts_session(k->people.accounts, token, false, fl_now_us(), &s, NULL) == 0
               ? s.user
               : 0;
}

static int on_code(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                   struct fl_err *err)
{
    const struct fl_msg_session_code *ask = msg;
    FL_AUTO(fl_session_wipe) struct fl_session s;
    bool recovery = false, locked = false;
    int r = fl_accounts_code(k->people.accounts, ask->token, ask->code, fl_now_us(), &s, &recovery,
                             &locked, err);

    if (r == FL_E_DENIED)
        tell_refused(k, token_user(k, ask->token), recovery ? "recovery" : "totp", FL_SPAN(""));
    if (locked)
        tell_locked(k, token_user(k, ask->token), true);
    if (r < 0)
        return r;
    tell_own(k, recovery ? "totp.recovery" : "session.signed_in", &s);
    return send_session(chan, id, &s, err);
}

static int on_enrol(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                    struct fl_err *err)
{
    const struct fl_msg_session_enrol *ask = msg;
    char secret[FL_TOTP_TEXT_BYTES];
    struct fl_msg_enrol answer;
    int r = fl_accounts_enrol(k->people.accounts, ask->token, fl_now_us(), secret, err);

    if (r < 0)
        return r;
    answer.secret = fl_span_str(secret);
    r = fl_imsg_send(chan, FL_MSG_ENROL, id, &answer, -1, err);
    explicit_bzero(secret, sizeof secret);
    return r;
}

static int on_confirm(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                      struct fl_err *err)
{
    const struct fl_msg_session_code *ask = msg;
    FL_AUTO(fl_session_wipe) struct fl_session s;
    bool locked = false;
    int r = fl_accounts_confirm(k->people.accounts, ask->token, ask->code, fl_now_us(), &s, &locked,
                                err);

    if (locked)
        tell_locked(k, token_user(k, ask->token), true);
    if (r < 0)
        return r;
    tell_own(k, "totp.set", &s);
    check_reads(k);
    return send_session(chan, id, &s, err);
}

static int on_session_end(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                          struct fl_err *err)
{
    const struct fl_msg_session_end *ask = msg;
    uint32_t user = 0;
    struct note n;
    int r;

    note_begin(&n, "user", 0); /* before the session that asks may be gone */
    note_by(k, &n, ask->by, ask->by_uid);
    r = fl_accounts_end(k->people.accounts, (struct fl_by){ask->by, ask->by_uid}, ask->user,
                        ask->number, fl_now_us(), &user, err);
    if (r < 0) {
        fl_buf_done(&n.buf);
        return r;
    }
    (void)snprintf(n.object, sizeof n.object, "user:%u", user);
    if (ask->number != 0)
        fl_json_u64(&n.json, "session", ask->number);
    note_send(k, &n, "session.ended");
    check_reads(k);
    return fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
}

struct list {
    struct fl_imsg *chan;
    uint32_t id;
    struct fl_err *err;
};

static int list_session(void *ctx, const struct fl_session *s)
{
    struct list *l = ctx;
    int r = send_session(l->chan, l->id, s, l->err);

    return r < 0 ? r : FL_OK;
}

static int on_sessions(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                       struct fl_err *err)
{
    const struct fl_msg_sessions_ask *ask = msg;
    struct list l = {chan, id, err};
    int r =
        fl_accounts_each_session(k->people.accounts, ask->user, fl_now_us(), list_session, &l, err);

    return r < 0 ? r : fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
}

static int on_token(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                    struct fl_err *err)
{
    const struct fl_msg_token_new *ask = msg;
    FL_AUTO(fl_session_wipe) struct fl_session s;
    struct note n;
    int r = fl_accounts_token(k->people.accounts, ask, fl_now_us(), &s, err);

    if (r < 0)
        return r;
    note_begin(&n, "user", s.user);
    note_by(k, &n, ask->by, ask->by_uid);
    fl_json_u64(&n.json, "token", s.number);
    fl_json_u64(&n.json, "scope", s.scope);
    fl_json_time(&n.json, "until", s.until_us);
    note_send(k, &n, "token.made");
    return send_session(chan, id, &s, err);
}

/* ---- accounts ---- */

static int on_account_set(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                          struct fl_err *err)
{
    const struct fl_msg_account_set *ask = msg;
    struct fl_account a;
    struct note n;
    int r = fl_accounts_set(k->people.accounts, (struct fl_by){ask->by, ask->by_uid}, ask,
                            fl_now_us(), &a, err);

    if (r < 0)
        return r;
    note_begin(&n, "user", a.user);
    note_by(k, &n, ask->by, ask->by_uid);
    fl_json_u64(&n.json, "tenant_id", a.tenant);
    fl_json_u64(&n.json, "scope", a.scope);
    fl_json_bool(&n.json, "totp_required", a.totp_required);
    fl_json_bool(&n.json, "disabled", a.disabled);
    note_send(k, &n, "account.set");
    check_reads(k);
    return send_account(chan, id, &a, "", err);
}

static int on_account_remove(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                             struct fl_err *err)
{
    const struct fl_msg_account_remove *ask = msg;
    struct note n;
    int r;

    note_begin(&n, "user", ask->user);
    note_by(k, &n, ask->by, ask->by_uid);
    r = fl_accounts_remove(k->people.accounts, (struct fl_by){ask->by, ask->by_uid}, ask->user,
                           fl_now_us(), err);
    if (r < 0) {
        fl_buf_done(&n.buf);
        return r;
    }
    note_send(k, &n, "account.removed");
    check_reads(k);
    return fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
}

static int list_account(void *ctx, const struct fl_account *a)
{
    struct list *l = ctx;
    int r = send_account(l->chan, l->id, a, "", l->err);

    return r < 0 ? r : FL_OK;
}

static int on_accounts(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                       struct fl_err *err)
{
    const struct fl_msg_account_ask *ask = msg;
    struct list l = {chan, id, err};
    int r = fl_accounts_each(k->people.accounts, ask->user, fl_now_us(), list_account, &l, err);

    return r < 0 ? r : fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
}

/* ---- what may be seen ---- */

static int on_tenant_grant(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                           struct fl_err *err)
{
    const struct fl_msg_tenant_grant *ask = msg;
    int64_t now_us = fl_now_us();
    struct note n;
    int r;

    /* core compares at each link: what is so already is neither written nor recorded again */
    if (ask->by == 0 && ask->by_uid == UINT32_MAX &&
        fl_accounts_grant_same(k->people.accounts, ask, now_us))
        return fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
    r = fl_accounts_grant(k->people.accounts, ask, now_us, err);
    if (r < 0)
        return r;
    note_begin(&n, "tenant", ask->tenant);
    note_by(k, &n, ask->by, ask->by_uid);
    fl_json_u64(&n.json, "tenant_id", ask->tenant);
    fl_json_text(&n.json, "kind", ask->kind == FL_GRANT_NETWORK ? "network" : "support");
    fl_json_u64(&n.json, "scope", ask->scope);
    if (ask->until_us <= now_us)
        fl_json_text(&n.json, "until", "ended");
    else if (ask->until_us != INT64_MAX)
        fl_json_time(&n.json, "until", ask->until_us);
    note_send(k, &n, "tenant.grant");
    check_reads(k);
    return fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
}

static int on_reveal(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                     struct fl_err *err)
{
    const struct fl_msg_reveal *ask = msg;
    int64_t now_us = fl_now_us();
    struct note n;
    int r =
        fl_accounts_reveal(k->people.accounts, ask, is_demo(k, ask->tenant, now_us), now_us, err);

    if (r < 0)
        return r;
    note_begin(&n, "tenant", ask->tenant);
    note_by(k, &n, ask->session, 0);
    fl_json_u64(&n.json, "tenant_id", ask->tenant);
    fl_json_u64(&n.json, "session", ask->session);
    if (ask->until_us > now_us) {
        fl_json_str(&n.json, "purpose", ask->purpose);
        fl_json_str(&n.json, "ticket", ask->ticket);
        fl_json_time(&n.json, "until", ask->until_us);
    } else {
        fl_json_text(&n.json, "until", "ended");
    }
    note_send(k, &n, "personal.reveal");
    check_reads(k);
    return fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
}

const struct fl_keys_request fl_keys_people_requests[] = {
    {FL_MSG_SIGN_IN, on_sign_in},
    {FL_MSG_SESSION_ASK, on_session_ask},
    {FL_MSG_SESSION_CODE, on_code},
    {FL_MSG_SESSION_PASSWORD, on_change},
    {FL_MSG_SESSION_ENROL, on_enrol},
    {FL_MSG_SESSION_CONFIRM, on_confirm},
    {FL_MSG_SESSION_END, on_session_end},
    {FL_MSG_SESSIONS_ASK, on_sessions},
    {FL_MSG_ACCOUNT_SET, on_account_set},
    {FL_MSG_ACCOUNT_RESET, on_reset},
    {FL_MSG_ACCOUNT_REMOVE, on_account_remove},
    {FL_MSG_ACCOUNT_ASK, on_accounts},
    {FL_MSG_TOKEN_NEW, on_token},
    {FL_MSG_TENANT_GRANT, on_tenant_grant},
    {FL_MSG_REVEAL, on_reveal},
};
const size_t fl_keys_people_request_count = FL_LEN(fl_keys_people_requests);

/* ---- start and end ---- */

static void on_tick(void *ctx)
{
    struct fl_keys *k = ctx;
    struct fl_err err;

    check_reads(k);
    if (k->people_ticks++ % PURGE_TICKS == 0 &&
        fl_accounts_purge(k->people.accounts, fl_now_us(), &err) < 0)
        fl_role_log(k->env, FL_LOG_WARN, "sessions that are over are not removed: %s", err.text);
}

/* One processor less than there are, and at least one: in a flood of sign-ins those who are
 * signed in already are answered by the others. */
static unsigned hash_threads(const struct fl_conf *conf)
{
    unsigned wanted = (unsigned)fl_conf_num(conf, FL_SET_SIGN_IN_THREADS), spare = 1;
    cpu_set_t may;

    if (sched_getaffinity(0, sizeof may, &may) == 0 && CPU_COUNT(&may) > 2)
        spare = (unsigned)CPU_COUNT(&may) - 1;
    return wanted < spare ? wanted : spare;
}

int fl_keys_people_open(struct fl_keys *k, struct fl_err *err)
{
    unsigned threads = hash_threads(k->env->conf);
    const struct fl_accounts_config config = {
        .path = FL_ACCOUNTS_FILE, .secrets = k->secrets, .cost = FL_COST_NOW};
    int r = fl_accounts_open(&config, fl_now_us(), &k->people.accounts, err);

    k->people.now_us = fl_now_us;
    k->people.mono_us = fl_now_mono_us;
    if (r == 0)
        r = fl_throttle_new(&k->people.throttle, err);
    if (r == 0)
        r = fl_pool_new(k->env->loop, threads, threads * FL_PEOPLE_QUEUE_PER_THREAD,
                        &k->people.pool, err);
    if (r == 0) {
        k->reads = calloc(READS_MAX, sizeof *k->reads);
        if (k->reads == NULL)
            r = fl_err_set(err, FL_E_NOMEM, "out of memory");
    }
    if (r == 0)
        r = fl_watch_timer(k->env->loop, TICK_MS, 1, on_tick, k, &k->people_watch, err);
    return r;
}

void fl_keys_people_close(struct fl_keys *k)
{
    fl_watch_free(k->people_watch);
    fl_pool_free(k->people.pool);
    fl_throttle_free(k->people.throttle);
    fl_accounts_free(k->people.accounts);
    free(k->reads);
    k->people_watch = NULL;
    k->people = (struct fl_people){.accounts = NULL};
    k->reads = NULL;
    k->read_count = 0;
}
