#include "fake_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_session *fake_session_add(struct fake_keys *keys, const char *token, uint32_t user,
                                      uint32_t tenant)
{
    struct fake_session *s = &keys->session[keys->sessions];

    if (keys->sessions == FAKE_MAX)
        abort();
    *s = (struct fake_session){.number = 100 + keys->sessions, .user = user, .tenant = tenant};
    (void)snprintf(s->token, sizeof s->token, "%s", token);
    s->is_token = strncmp(token, "flt_", 4) == 0;
    s->stage = FL_STAGE_OPEN;
    keys->sessions++;
    return s;
}

const struct fl_msg_account *fake_account(const struct fake_keys *keys, uint32_t user)
{
    for (size_t i = 0; i < keys->accounts; i++)
        if (keys->account[i].user == user)
            return &keys->account[i];
    return NULL;
}

static void answer(struct world *w, const struct sent *s, enum fl_msg_type type, const void *msg)
{
    FL_AUTO(fl_buf_done) struct fl_buf payload;
    struct fl_err err;

    fl_buf_init(&payload, FL_MSG_MAX_BYTES);
    if (fl_msg_encode(type, msg, &payload, &err) < 0)
        abort();
    (void)fl_api_message(w->api, FL_ROLE_KEYS, type, s->id, fl_buf_span(&payload));
}

static void fail(struct world *w, const struct sent *s, int code, const char *text)
{
    struct fl_msg_fail msg = {.code = code, .text = fl_span_str(text)};

    answer(w, s, FL_MSG_FAIL, &msg);
}

static void give_session(struct world *w, const struct sent *s, const struct fake_session *of,
                         const char *fresh)
{
    struct fl_msg_session msg = {.number = of->number,
                                 .user = of->user,
                                 .tenant = of->tenant,
                                 .stage = of->stage,
                                 .is_token = of->is_token,
                                 .until_us = INT64_C(1795003600000000),
                                 .token = fl_span_str(fresh),
                                 .csrf = fl_span_str(of->is_token ? "" : FAKE_CSRF)};

    answer(w, s, FL_MSG_SESSION, &msg);
}

static void on_ask(struct fake_keys *k, struct world *w, const struct sent *s)
{
    struct fl_msg_session_ask msg;

    if (fl_msg_decode(s->type, fl_buf_span(&s->payload), &msg, NULL) < 0)
        abort();
    k->last_active = msg.active;
    for (size_t i = 0; i < k->sessions; i++) {
        if (!fl_span_eq(msg.token, fl_span_str(k->session[i].token)))
            continue;
        give_session(w, s, &k->session[i], "");
        return;
    }
    fail(w, s, FL_E_NOENT, "no such session");
}

static void on_sign_in(struct fake_keys *k, struct world *w, const struct sent *s)
{
    struct fl_msg_sign_in msg;
    const struct fl_msg_account *a;
    struct fake_session *made;

    if (fl_msg_decode(s->type, fl_buf_span(&s->payload), &msg, NULL) < 0)
        abort();
    a = fake_account(k, msg.user);
    if (a == NULL || !fl_span_eq(msg.password, FL_SPAN("right"))) {
        fail(w, s, FL_E_DENIED, "name or password is wrong");
        return;
    }
    made = fake_session_add(k, "signed-in", a->user, a->tenant);
    give_session(w, s, made, "signed-in");
}

static struct fl_msg_account *account(struct fake_keys *k, uint32_t user)
{
    for (size_t i = 0; i < k->accounts; i++)
        if (k->account[i].user == user)
            return &k->account[i];
    if (k->accounts == FAKE_MAX)
        abort();
    k->account[k->accounts] = (struct fl_msg_account){.user = user};
    return &k->account[k->accounts++];
}

static void on_account_set(struct fake_keys *k, struct world *w, const struct sent *s)
{
    struct fl_msg_account_set msg;
    struct fl_msg_account *a;

    if (fl_msg_decode(s->type, fl_buf_span(&s->payload), &msg, NULL) < 0)
        abort();
    k->last_set = msg;
    a = account(k, msg.user);
    a->tenant = msg.tenant;
    a->scope = msg.scope;
    a->disabled = msg.disabled;
    a->totp_required = msg.totp_required;
    answer(w, s, FL_MSG_ACCOUNT, a);
}

static void on_account_reset(struct fake_keys *k, struct world *w, const struct sent *s)
{
    struct fl_msg_account_reset msg;
    struct fl_msg_account copy;

    if (fl_msg_decode(s->type, fl_buf_span(&s->payload), &msg, NULL) < 0)
        abort();
    copy = *account(k, msg.user);
    if ((msg.what & 1) != 0)
        copy.password = FL_SPAN("Temporary-Pass-1");
    answer(w, s, FL_MSG_ACCOUNT, &copy);
}

static void on_account_remove(struct fake_keys *k, struct world *w, const struct sent *s)
{
    struct fl_msg_account_remove msg;

    if (fl_msg_decode(s->type, fl_buf_span(&s->payload), &msg, NULL) < 0)
        abort();
    for (size_t i = 0; i < k->accounts; i++)
        if (k->account[i].user == msg.user)
            k->account[i] = k->account[--k->accounts];
    answer(w, s, FL_MSG_DONE, NULL);
}

static void on_account_ask(struct fake_keys *k, struct world *w, const struct sent *s)
{
    struct fl_msg_account_ask msg;

    if (fl_msg_decode(s->type, fl_buf_span(&s->payload), &msg, NULL) < 0)
        abort();
    for (size_t i = 0; i < k->accounts; i++)
        if (msg.user == 0 || msg.user == k->account[i].user)
            answer(w, s, FL_MSG_ACCOUNT, &k->account[i]);
    answer(w, s, FL_MSG_DONE, NULL);
}

static void on_token_new(struct fake_keys *k, struct world *w, const struct sent *s)
{
    struct fl_msg_token_new msg;
    struct fake_session *made;
    char token[32];

    if (fl_msg_decode(s->type, fl_buf_span(&s->payload), &msg, NULL) < 0)
        abort();
    (void)snprintf(token, sizeof token, "flt_made-%zu", k->sessions);
    made = fake_session_add(k, token, msg.user, msg.tenant);
    give_session(w, s, made, token);
}

static void on_sessions_ask(struct fake_keys *k, struct world *w, const struct sent *s)
{
    struct fl_msg_sessions_ask msg;

    if (fl_msg_decode(s->type, fl_buf_span(&s->payload), &msg, NULL) < 0)
        abort();
    for (size_t i = 0; i < k->sessions; i++)
        if (k->session[i].user == msg.user)
            give_session(w, s, &k->session[i], "");
    answer(w, s, FL_MSG_DONE, NULL);
}

static void on_other(struct fake_keys *k, struct world *w, const struct sent *s)
{
    struct fl_msg_reveal reveal;
    struct fl_msg_enrol enrol = {.secret = FL_SPAN("JBSWY3DPEHPK3PXP")};
    struct fl_msg_cap cap = {.cap = FL_SPAN("a capability")};
    struct fl_span payload = fl_buf_span(&s->payload);

    switch ((int)s->type) {
    case FL_MSG_CAP_ASK:
        answer(w, s, FL_MSG_CAP, &cap);
        break;
    case FL_MSG_SESSION_ENROL:
        answer(w, s, FL_MSG_ENROL, &enrol);
        break;
    case FL_MSG_TENANT_GRANT:
        if (fl_msg_decode(s->type, payload, &k->last_grant, NULL) < 0)
            abort();
        answer(w, s, FL_MSG_DONE, NULL);
        break;
    case FL_MSG_REVEAL:
        if (fl_msg_decode(s->type, payload, &reveal, NULL) < 0)
            abort();
        k->last_reveal = reveal;
        (void)snprintf(k->last_purpose, sizeof k->last_purpose, "%.*s",
                       FL_SPAN_ARG(reveal.purpose));
        answer(w, s, FL_MSG_DONE, NULL);
        break;
    case FL_MSG_SESSION_END:
        answer(w, s, FL_MSG_DONE, NULL);
        break;
    default: /* not of people: it waits, as for any busy role */
        break;
    }
}

static void on_message(struct fake_keys *k, struct world *w, const struct sent *s)
{
    static const struct {
        enum fl_msg_type type;
        void (*fn)(struct fake_keys *k, struct world *w, const struct sent *s);
    } rows[] = {
        {FL_MSG_SESSION_ASK, on_ask},           {FL_MSG_SIGN_IN, on_sign_in},
        {FL_MSG_ACCOUNT_SET, on_account_set},   {FL_MSG_ACCOUNT_RESET, on_account_reset},
        {FL_MSG_ACCOUNT_ASK, on_account_ask},   {FL_MSG_ACCOUNT_REMOVE, on_account_remove},
        {FL_MSG_SESSIONS_ASK, on_sessions_ask}, {FL_MSG_TOKEN_NEW, on_token_new},
    };

    k->seen[s->type]++;
    if (k->refuse == (int)s->type) {
        fail(w, s, k->refuse_code, "keys says no");
        return;
    }
    for (size_t i = 0; i < FL_LEN(rows); i++) {
        if (rows[i].type != s->type)
            continue;
        rows[i].fn(k, w, s);
        return;
    }
    on_other(k, w, s);
}

void fake_pump(struct fake_keys *k, struct world *w)
{
    if (w->sent_count - k->answered > SENT_MAX)
        abort(); /* overwritten: the ring is too small for this test */
    while (k->answered < w->sent_count) {
        const struct sent *at = &w->sent[k->answered++ % SENT_MAX];
        struct sent copy = *at; /* answers send more */

        fl_buf_init(&copy.payload, FL_MSG_MAX_BYTES);
        fl_buf_put_span(&copy.payload, fl_buf_span(&at->payload));
        if (copy.to == FL_ROLE_KEYS)
            on_message(k, w, &copy);
        fl_buf_done(&copy.payload);
    }
}

int fake_ask(struct fake_keys *k, struct world *w, const char *token, const char *more,
             const char *method, const char *path, const char *body)
{
    bool bearer = strncmp(token, "flt_", 4) == 0;
    char headers[600];
    struct fl_call call = {.cookie = fl_span_str(bearer ? "" : token),
                           .bearer = fl_span_str(bearer ? token : ""),
                           .peer = FL_SPAN("192.0.2.7")};

    (void)snprintf(headers, sizeof headers, "x-csrf-token: " FAKE_CSRF "\n%s", more);
    call.headers = fl_span_str(headers);
    (void)world_ask(w, &call, method, path, body);
    fake_pump(k, w);
    return w->ends > 0 ? w->status : 0;
}
