/* People in the keys role: the role on its loop in one thread, core's end of the link in others. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "tap.h"
#include "trust/accounts.h"
#include "trust/keyring_rpc.h"
#include "trust/totp.h"
#include "unit/fairleadd/keys_world.h"
#include "unit/trust/folder.h"

enum { WAIT_MS = 60000 };
#define OWN "Kv7+qpzxwtmr"

struct world {
    struct folder dir;
    struct fl_conf *conf;
    struct keys_role keys;
    struct fl_rpc *core, *store;
    struct fl_keyring *ring;
    struct fl_buf reply;
    struct fl_err err;
    char token[FL_TOKEN_TEXT_MAX];
    struct fl_msg_session session; /* its spans are void */
};

static void world_start(struct world *w)
{
    if (keys_start(&w->keys, w->conf, w->dir.fd, -1, &w->err) < 0) {
        printf("Bail out! %s\n", w->err.text);
        exit(1);
    }
    fl_buf_init(&w->reply, FL_MSG_MAX_BYTES);
    w->core = keys_peer(&w->keys, FL_ROLE_CORE);
    w->store = keys_peer(&w->keys, FL_ROLE_STORE);
    if (fl_keyring_rpc_new(w->store, WAIT_MS, &w->ring, &w->err) < 0)
        abort();
}

static void world_stop(struct world *w)
{
    keys_stop(&w->keys);
    fl_keyring_rpc_free(w->ring);
    fl_rpc_free(w->core);
    fl_rpc_free(w->store);
    fl_buf_done(&w->reply);
}

static int call(struct world *w, enum fl_msg_type type, const void *msg, enum fl_msg_type answer,
                void *ret)
{
    fl_buf_clear(&w->reply);
    w->err = (struct fl_err){0};
    return fl_rpc_call(w->core, type, msg, answer, ret, &w->reply, WAIT_MS, &w->err);
}

static int call_session(struct world *w, enum fl_msg_type type, const void *msg)
{
    int r = call(w, type, msg, FL_MSG_SESSION, &w->session);

    if (r == 0 && w->session.token.len > 0)
        (void)snprintf(w->token, sizeof w->token, "%.*s", FL_SPAN_ARG(w->session.token));
    return r;
}

/* The answer to an audit event or other word of keys that came during the last call. */
static bool told(struct world *w, const char *event)
{
    struct fl_msg_audit audit;
    bool same;

    fl_buf_clear(&w->reply);
    if (fl_rpc_expect(w->core, FL_MSG_AUDIT, &audit, &w->reply, 1000, &w->err) < 0) {
        printf("# nothing was told: %s\n", w->err.text);
        return false;
    }
    same = fl_span_eq(audit.event, fl_span_str(event));
    if (!same)
        printf("# told %.*s\n", FL_SPAN_ARG(audit.event));
    return same;
}

static int set(struct world *w, uint32_t user, uint32_t tenant, uint32_t scope)
{
    struct fl_msg_account_set m = {.user = user, .tenant = tenant, .scope = scope};
    struct fl_msg_account account;

    return call(w, FL_MSG_ACCOUNT_SET, &m, FL_MSG_ACCOUNT, &account);
}

static int reset(struct world *w, uint32_t user, char ret[FL_TEMPORARY_TEXT_BYTES])
{
    struct fl_msg_account_reset m = {.user = user, .what = FL_RESET_PASSWORD};
    struct fl_msg_account account = {.user = 0};
    int r = call(w, FL_MSG_ACCOUNT_RESET, &m, FL_MSG_ACCOUNT, &account);

    (void)snprintf(ret, FL_TEMPORARY_TEXT_BYTES, "%.*s", FL_SPAN_ARG(account.password));
    return r;
}

static int sign_in(struct world *w, uint32_t user, const char *password)
{
    struct fl_msg_sign_in m = {.user = user,
                               .password = fl_span_str(password),
                               .peer = FL_SPAN("192.0.2.77"),
                               .agent = FL_SPAN("Browser")};

    return call_session(w, FL_MSG_SIGN_IN, &m);
}

static int change(struct world *w, const char *old, const char *fresh)
{
    char token[FL_TOKEN_TEXT_MAX];
    struct fl_msg_session_password m = {.old = fl_span_str(old), .fresh = fl_span_str(fresh)};

    memcpy(token, w->token, sizeof token);
    m.token = fl_span_str(token);
    return call_session(w, FL_MSG_SESSION_PASSWORD, &m);
}

static int ask(struct world *w)
{
    struct fl_msg_session_ask m = {.token = fl_span_str(w->token), .active = 1};

    return call_session(w, FL_MSG_SESSION_ASK, &m);
}

static int cap(struct world *w, uint64_t session, uint32_t tenant, uint32_t scope)
{
    struct fl_msg_cap_ask m = {
        .tenant = tenant, .scope = scope, .purpose = FL_SPAN("tail"), .session = session};
    struct fl_msg_cap answer;

    return call(w, FL_MSG_CAP_ASK, &m, FL_MSG_CAP, &answer);
}

static void check_sign_in(struct world *w)
{
    char temporary[FL_TEMPORARY_TEXT_BYTES];

    CHECK(set(w, 7, 1, FL_CAP_READ | FL_SCOPE_GRANT) == 0 && told(w, "account.set"),
          "an account, recorded");
    CHECK(reset(w, 7, temporary) == 0 && strlen(temporary) == 23 && told(w, "account.reset"),
          "a temporary password");
    CHECK(sign_in(w, 7, "wrong") == FL_E_DENIED && told(w, "session.refused"), "a wrong one");
    CHECK(sign_in(w, 7, temporary) == 0 && w->session.stage == FL_STAGE_PASSWORD &&
              told(w, "session.signed_in"),
          "the right one");
    CHECK(change(w, temporary, "Password1234") == FL_E_INVAL &&
              strstr(w->err.text, "tried first") != NULL,
          "what is refused comes with its sentence");
    CHECK(change(w, temporary, OWN) == 0 && w->session.stage == FL_STAGE_OPEN &&
              told(w, "password.changed"),
          "a password of one's own");
    CHECK(ask(w) == 0 && w->session.user == 7 && w->session.tenant == 1 &&
              w->session.stage == FL_STAGE_OPEN && w->session.idle_us > fl_now_us(),
          "whose token it is");
    w->token[3] ^= 1;
    CHECK(ask(w) == FL_E_NOENT, "another token is nobody's");
    w->token[3] ^= 1;
}

static void check_caps(struct world *w)
{
    struct fl_msg_session_end end = {.number = w->session.number};
    struct fl_msg_reads_end over = {.tenant = 0};
    uint64_t number = w->session.number;
    struct fl_err err;

    CHECK(cap(w, number, 1, FL_CAP_READ) == 0, "a capability for the session's own tenant");
    CHECK(cap(w, number, 2, FL_CAP_READ) == FL_E_DENIED &&
              cap(w, number, 1, FL_CAP_READ | FL_CAP_REVEAL) == FL_E_DENIED &&
              cap(w, number + 1, 1, FL_CAP_READ) == FL_E_DENIED && told(w, "cap.refused"),
          "for no other, for no more, for no other session");
    end.by = number;
    CHECK(call(w, FL_MSG_SESSION_END, &end, FL_MSG_DONE, NULL) == 0, "the session ends");
    CHECK(fl_rpc_expect(w->core, FL_MSG_READS_END, &over, &w->reply, WAIT_MS, &err) == 0 &&
              over.session == number && over.tenant == 1,
          "and core hears that its reading has ended");
    CHECK(cap(w, number, 1, FL_CAP_READ) == FL_E_DENIED && ask(w) == FL_E_NOENT,
          "there is nothing more for it");
}

/* The operator's staff reads under a grant; its end ends the reading. */
static void check_grant(struct world *w)
{
    struct fl_msg_tenant_grant grant = {.tenant = 1,
                                        .kind = FL_GRANT_SUPPORT,
                                        .scope = FL_CAP_READ,
                                        .until_us = fl_now_us() + FL_HOUR_US};
    struct fl_msg_reads_end over = {.tenant = 0};
    char temporary[FL_TEMPORARY_TEXT_BYTES];
    struct fl_msg_session_enrol begin;
    struct fl_msg_enrol enrol = {.secret = FL_SPAN("")};
    struct fl_msg_token_new token = {.user = 3, .scope = FL_CAP_READ};
    struct fl_err err;

    if (set(w, 3, 0, FL_CAP_READ) < 0 || reset(w, 3, temporary) < 0 ||
        sign_in(w, 3, temporary) < 0 || change(w, temporary, OWN) < 0)
        abort();
    begin.token = fl_span_str(w->token);
    CHECK(w->session.stage == FL_STAGE_ENROL &&
              call(w, FL_MSG_SESSION_ENROL, &begin, FL_MSG_ENROL, &enrol) == 0 &&
              enrol.secret.len == FL_TOTP_TEXT_BYTES - 1,
          "the operator's staff sets up a second factor");
    CHECK(cap(w, w->session.number, 1, FL_CAP_READ) == FL_E_DENIED, "before that it sees nothing");
    CHECK(call_session(w, FL_MSG_TOKEN_NEW, &token) == 0 && w->session.is_token &&
              memcmp(w->token, FL_TOKEN_PREFIX, 4) == 0 && told(w, "token.made"),
          "an API token, made on the machine");
    CHECK(cap(w, w->session.number, 1, FL_CAP_READ) == FL_E_DENIED &&
              call(w, FL_MSG_TENANT_GRANT, &grant, FL_MSG_DONE, NULL) == 0 &&
              told(w, "tenant.grant") && cap(w, w->session.number, 1, FL_CAP_READ) == 0,
          "a grant opens the tenant");
    grant.until_us = 0;
    CHECK(call(w, FL_MSG_TENANT_GRANT, &grant, FL_MSG_DONE, NULL) == 0 &&
              fl_rpc_expect(w->core, FL_MSG_READS_END, &over, &w->reply, WAIT_MS, &err) == 0 &&
              over.session == w->session.number && over.tenant == 1,
          "its end ends what is being read");
}

struct busy {
    struct world *w;
    atomic_int done;
    int code;
};

static void *sign_in_slowly(void *ctx)
{
    struct busy *b = ctx;

    b->code = sign_in(b->w, 99, "wrong");
    atomic_store(&b->done, 1);
    return NULL;
}

/* While a password is hashed, store's keys are made. */
static void check_loop_goes_on(struct world *w)
{
    unsigned char key[FL_KEY_BYTES], id[FL_FILE_ID_BYTES] = {77};
    struct busy b = {.w = w};
    struct fl_err err;
    pthread_t thread;
    int made = 0;

    if (pthread_create(&thread, NULL, sign_in_slowly, &b) != 0)
        abort();
    while (!atomic_load(&b.done) && made < 1000) {
        id[1] = (unsigned char)made;
        id[2] = (unsigned char)(made >> 8);
        if (w->ring->ops->file_new(w->ring, 50, 1, id, key, &err) < 0)
            abort();
        made++;
    }
    (void)pthread_join(thread, NULL);
    CHECK(b.code == FL_E_DENIED && made > 1, "while a password is hashed other requests go on");
}

static void check_again(struct world *w)
{
    struct fl_msg_root_change change_root = {.uid = 1000};
    struct fl_msg_root_changed changed;
    char token[FL_TOKEN_TEXT_MAX];

    CHECK(sign_in(w, 7, OWN) == 0, "signed in");
    memcpy(token, w->token, sizeof token);
    world_stop(w);
    world_start(w);
    memcpy(w->token, token, sizeof token);
    CHECK(ask(w) == 0 && w->session.user == 7, "a session outlives a restart of keys");
    CHECK(call(w, FL_MSG_ROOT_CHANGE, &change_root, FL_MSG_ROOT_CHANGED, &changed) == 0 &&
              ask(w) == 0,
          "and another root key");
    world_stop(w);
    world_start(w);
    memcpy(w->token, token, sizeof token);
    CHECK(ask(w) == 0 && sign_in(w, 7, OWN) == 0, "under which the accounts open again");
}

int main(void)
{
    struct world w = {.dir = folder_new()};
    struct fl_buf errors;

    fl_buf_init(&errors, 10000);
    if (fl_conf_parse("test.conf", FL_SPAN("data_dir = /tmp\nserver_names = localhost\n"), &w.conf,
                      &errors, &w.err) < 0)
        abort();
    world_start(&w);
    check_sign_in(&w);
    check_caps(&w);
    check_grant(&w);
    check_loop_goes_on(&w);
    check_again(&w);
    world_stop(&w);
    CHECK(strstr(logged, OWN) == NULL, "no password is in the log");
    fl_conf_free(w.conf);
    fl_buf_done(&errors);
    folder_free(&w.dir);
    return tap_done();
}
