/* Signing in, step by step, and what a person's own session is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/gate.h"
#include "api/people.h"

#define PEER_MAX  128u
#define AGENT_MAX 255u

static const char *const stages[] = {[FL_STAGE_OPEN] = "open",
                                     [FL_STAGE_CODE] = "code",
                                     [FL_STAGE_PASSWORD] = "password",
                                     [FL_STAGE_ENROL] = "enrol"};

/* ---- what a session is, in JSON ---- */

static void put_user(struct fl_json *json, const struct fl_user *user, const char *slug)
{
    char name[2 * FL_SLUG_MAX + 2];

    fl_people_sign_in_name(user, slug, name, sizeof name);
    fl_json_object(json, "user");
    fl_json_u64(json, "id", user->id);
    fl_json_text(json, "name", user->name);
    fl_json_text(json, "sign_in", name);
    fl_json_text(json, "display_name", user->display_name);
    fl_json_text(json, "email", user->email);
    fl_json_text(json, "tenant", user->tenant == 0 ? NULL : slug);
    fl_people_put_roles(json, user->roles);
    fl_json_end(json);
}

/* The tenants that one may choose from: one's own, or of the operator's staff every one, with what
 * their grants open. */
static int put_tenant(void *ctx, const struct fl_tenant *tenant)
{
    struct fl_req *req = ctx;
    bool setup = true, data = true;
    int r = FL_OK;

    if (req->caller.tenant != 0 && req->caller.tenant != tenant->id)
        return FL_OK;
    if (req->caller.tenant == 0)
        r = fl_db_grants_open(req->api->db, tenant->id, req->api->env.now_us(), &setup, &data,
                              NULL);
    if (r < 0)
        return r;
    fl_json_object(&req->json, NULL);
    fl_json_text(&req->json, "slug", tenant->slug);
    fl_json_text(&req->json, "name", tenant->name);
    fl_json_bool(&req->json, "setup", setup);
    fl_json_bool(&req->json, "data", data);
    fl_json_end(&req->json);
    return FL_OK;
}

static int put_tenants(struct fl_req *req, struct fl_err *err)
{
    int r;

    fl_json_array(&req->json, "tenants");
    r = fl_db_tenants(req->api->db, (struct fl_db_page){NULL, 0}, put_tenant, req, NULL, err);
    fl_json_end(&req->json);
    return r;
}

static void put_times(struct fl_json *json, const struct fl_msg_session *s)
{
    fl_part_time(json, "created", s->created_us);
    fl_part_time(json, "idle_until", s->idle_us);
    fl_part_time(json, "ends", s->until_us);
    fl_part_time(json, "password_expires", s->password_us);
    fl_part_time(json, "reveal_until", s->reveal_us);
}

static void put_codes(struct fl_json *json, struct fl_span codes)
{
    fl_json_array(json, "recovery_codes");
    while (codes.len > 0) {
        const unsigned char *end = memchr(codes.ptr, '\n', codes.len);
        size_t len = end == NULL ? codes.len : (size_t)(end - codes.ptr);

        if (len > 0)
            fl_json_str(json, NULL, fl_span_of(codes.ptr, len));
        len += end != NULL;
        codes = fl_span_of(codes.ptr + len, codes.len - len);
    }
    fl_json_end(json);
}

/* Whoever is not wholly signed in learns the next step, and nothing else. */
static int put_session(struct fl_req *req, const struct fl_msg_session *s, struct fl_err *err)
{
    bool open = s->stage == FL_STAGE_OPEN;
    struct fl_tenant tenant = {.id = 0};
    struct fl_user user;
    struct fl_json *json;
    int r = fl_db_user_by_id(req->api->db, s->user, &user, err);

    if (r == FL_OK && user.tenant != 0)
        r = fl_db_tenant_by_id(req->api->db, user.tenant, &tenant, err);
    if (r < 0)
        return r;
    json = fl_req_object(req);
    fl_json_text(json, "stage", s->stage < FL_LEN(stages) ? stages[s->stage] : "unknown");
    fl_json_str(json, "csrf", s->csrf);
    fl_json_bool(json, "totp", s->totp != 0);
    put_times(json, s);
    put_user(json, &user, tenant.slug);
    if (open)
        fl_people_put_rights(json, &req->caller.rights);
    if (open)
        r = put_tenants(req, err);
    if (s->codes.len > 0)
        put_codes(json, s->codes);
    return r;
}

static int answer(struct fl_req *req, const struct fl_msg_session *s, int status,
                  struct fl_err *err)
{
    int r = put_session(req, s, err);

    if (r < 0)
        return r;
    fl_req_header(req, "Cache-Control", "no-store");
    if (s->token.len > 0)
        fl_req_header(req, "Set-Cookie",
                      "__Host-fairlead=%.*s; Path=/; Secure; HttpOnly; SameSite=Lax",
                      FL_SPAN_ARG(s->token));
    fl_req_done(req, status);
    return FL_OK;
}

int fl_api_session(struct fl_req *req, struct fl_err *err)
{
    if (req->session == NULL)
        return fl_req_why(req, 404, "not_found", err, "there is no session on the local socket");
    return answer(req, req->session, 200, err);
}

/* ---- steps: each asks keys, which answers with the session as it is then ---- */

static bool step_done(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_session session;
    struct fl_err err;
    int r = fl_answer_take(in, FL_MSG_SESSION, &session, &err);

    if (r == FL_OK && req->api->db == NULL)
        r = fl_err_set(&err, FL_E_AGAIN, "the control database is not open; try again");
    if (r == FL_OK)
        r = fl_people_caller(req, &session, &err);
    if (r == FL_OK)
        r = answer(req, &session, 200, &err);
    if (r < 0)
        fl_req_fail(req, &err);
    return false;
}

/* Why a step was refused, as status, code and field. */
struct refusal {
    int code; /* enum fl_code of keys' answer */
    int status;
    const char *name, *field;
};

static bool refused(struct fl_req *req, const struct fl_answer_in *in, const struct refusal *rows,
                    size_t count)
{
    for (size_t i = 0; in->type == FL_MSG_NONE && i < count; i++) {
        if (rows[i].code != in->err->code)
            continue;
        req->field = rows[i].field;
        if (rows[i].status == 429)
            fl_req_header(req, "Retry-After", "%d", FL_SIGN_IN_RETRY_S);
        fl_req_problem(req, rows[i].status, rows[i].name, "%s", in->err->text);
        return true;
    }
    if (in->type == FL_MSG_NONE)
        fl_req_fail(req, in->err);
    return in->type == FL_MSG_NONE;
}

static bool on_sign_in(struct fl_req *req, const struct fl_answer_in *in)
{
    static const struct refusal rows[] = {{FL_E_DENIED, 401, "refused", NULL},
                                          {FL_E_AGAIN, 429, "too_many", NULL}};

    return refused(req, in, rows, FL_LEN(rows)) ? false : step_done(req, in);
}

static bool on_code(struct fl_req *req, const struct fl_answer_in *in)
{
    static const struct refusal rows[] = {{FL_E_DENIED, 422, "refused", "code"},
                                          {FL_E_INVAL, 409, "stage", NULL},
                                          {FL_E_NOENT, 401, "sign_in", NULL},
                                          {FL_E_AGAIN, 429, "too_many", NULL}};

    return refused(req, in, rows, FL_LEN(rows)) ? false : step_done(req, in);
}

static bool on_password(struct fl_req *req, const struct fl_answer_in *in)
{
    static const struct refusal rows[] = {{FL_E_DENIED, 422, "refused", "old"},
                                          {FL_E_INVAL, 422, "invalid", "new"},
                                          {FL_E_NOENT, 401, "sign_in", NULL},
                                          {FL_E_AGAIN, 429, "too_many", NULL}};

    return refused(req, in, rows, FL_LEN(rows)) ? false : step_done(req, in);
}

/* The number of the user who signs in with this name; 0: nobody, which keys answers like a wrong
 * password. */
static uint32_t find_user(struct fl_req *req, const char *text)
{
    const char *at = strrchr(text, '@');
    char name[FL_SLUG_MAX + 1] = "";
    struct fl_tenant tenant = {.id = 0};
    struct fl_user user;
    size_t len = at == NULL ? strlen(text) : (size_t)(at - text);

    if (len == 0 || len > FL_SLUG_MAX)
        return 0;
    memcpy(name, text, len);
    if (fl_user_name_check(fl_span_str(name), NULL) < 0)
        return 0;
    if (at != NULL && fl_db_tenant_get(req->api->db, at + 1, &tenant, NULL) < 0)
        return 0;
    return fl_db_user_get(req->api->db, tenant.id, name, &user, NULL) < 0 ? 0 : user.id;
}

int fl_api_sign_in(struct fl_req *req, struct fl_err *err)
{
    char user[2 * FL_SLUG_MAX + 2], password[FL_MSG_SECRET_MAX];
    struct fl_span agent = fl_req_header_in(req, "user-agent");
    struct fl_msg_sign_in msg = {.peer = req->call.peer, .agent = agent};
    int r = fl_req_need(req, "user", user, sizeof user, err);

    if (r == FL_OK)
        r = fl_req_need(req, "password", password, sizeof password, err);
    if (r < 0)
        return r;
    msg.user = find_user(req, user);
    msg.password = fl_span_str(password);
    msg.peer.len = msg.peer.len < PEER_MAX ? msg.peer.len : PEER_MAX;
    msg.agent.len = msg.agent.len < AGENT_MAX ? msg.agent.len : AGENT_MAX;
    r = fl_ask(req, FL_ROLE_KEYS, FL_MSG_SIGN_IN, &msg, FL_ASK_HASH_MS, on_sign_in, NULL, err);
    explicit_bzero(password, sizeof password);
    return r;
}

/* Steps are of people in a browser: the local socket and API tokens have none. */
static int check_cookie(struct fl_req *req, struct fl_err *err)
{
    if (req->session != NULL && !req->caller.is_token)
        return FL_OK;
    return fl_req_why(req, 403, "refused", err, "this is for people who signed in with a password");
}

/* The code of a second factor: at a sign-in, or of one that is being set up. */
static int send_code(struct fl_req *req, enum fl_msg_type type, struct fl_err *err)
{
    char code[FL_MSG_SECRET_MAX];
    struct fl_msg_session_code msg = {.token = req->call.cookie};
    int r = check_cookie(req, err);

    if (r == FL_OK)
        r = fl_req_need(req, "code", code, sizeof code, err);
    if (r < 0)
        return r;
    msg.code = fl_span_str(code);
    r = fl_ask(req, FL_ROLE_KEYS, type, &msg, FL_ASK_MS, on_code, NULL, err);
    explicit_bzero(code, sizeof code);
    return r;
}

int fl_api_session_code(struct fl_req *req, struct fl_err *err)
{
    return send_code(req, FL_MSG_SESSION_CODE, err);
}

int fl_api_session_confirm(struct fl_req *req, struct fl_err *err)
{
    return send_code(req, FL_MSG_SESSION_CONFIRM, err);
}

int fl_api_session_password(struct fl_req *req, struct fl_err *err)
{
    char old[FL_MSG_SECRET_MAX], fresh[FL_MSG_SECRET_MAX];
    struct fl_msg_session_password msg = {.token = req->call.cookie};
    int r = check_cookie(req, err);

    if (r == FL_OK)
        r = fl_req_need(req, "old", old, sizeof old, err);
    if (r == FL_OK)
        r = fl_req_need(req, "new", fresh, sizeof fresh, err);
    if (r < 0)
        return r;
    msg.old = fl_span_str(old);
    msg.fresh = fl_span_str(fresh);
    r = fl_ask(req, FL_ROLE_KEYS, FL_MSG_SESSION_PASSWORD, &msg, FL_ASK_HASH_MS, on_password, NULL,
               err);
    explicit_bzero(old, sizeof old);
    explicit_bzero(fresh, sizeof fresh);
    return r;
}

/* ---- a second factor ---- */

/* What the authenticator's picture says (the key URI format). */
static void put_uri(struct fl_json *json, const char *name, struct fl_span secret)
{
    char uri[600];

    (void)snprintf(uri, sizeof uri,
                   "otpauth://totp/Fairlead:%s?secret=%.*s&issuer=Fairlead&algorithm=SHA1&digits=6"
                   "&period=30",
                   name, FL_SPAN_ARG(secret));
    fl_json_text(json, "uri", uri);
    explicit_bzero(uri, sizeof uri);
}

static bool on_enrol(struct fl_req *req, const struct fl_answer_in *in)
{
    static const struct refusal rows[] = {{FL_E_DENIED, 403, "code_first", NULL},
                                          {FL_E_INVAL, 409, "stage", NULL},
                                          {FL_E_NOENT, 401, "sign_in", NULL}};
    struct fl_msg_enrol msg;
    struct fl_json *json;
    struct fl_err err;

    if (refused(req, in, rows, FL_LEN(rows)))
        return false;
    if (fl_answer_take(in, FL_MSG_ENROL, &msg, &err) < 0) {
        fl_req_fail(req, &err);
        return false;
    }
    json = fl_req_object(req);
    fl_json_str(json, "secret", msg.secret);
    put_uri(json, req->caller.name, msg.secret);
    fl_req_header(req, "Cache-Control", "no-store");
    fl_req_done(req, 200);
    return false;
}

int fl_api_session_enrol(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_session_enrol msg = {.token = req->call.cookie};
    int r = check_cookie(req, err);

    return r < 0 ? r
                 : fl_ask(req, FL_ROLE_KEYS, FL_MSG_SESSION_ENROL, &msg, FL_ASK_MS, on_enrol, NULL,
                          err);
}

/* ---- the end, and the list of one's own ---- */

static int signed_out(struct fl_req *req, struct fl_err *err)
{
    (void)err;
    fl_req_header(req, "Set-Cookie",
                  "__Host-fairlead=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    fl_req_header(req, "Clear-Site-Data", "\"cache\", \"cookies\", \"storage\"");
    fl_json_bool(fl_req_object(req), "signed_out", true);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_sign_out(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_session_end msg = {.by = req->caller.session, .number = req->caller.session};
    int r = check_cookie(req, err);

    return r < 0 ? r : fl_people_tell(req, FL_MSG_SESSION_END, &msg, FL_ASK_MS, signed_out, err);
}

static void put_one(struct fl_req *req, const struct fl_msg_session *s)
{
    struct fl_json *json = &req->json;

    fl_json_object(json, NULL);
    fl_json_u64(json, "id", s->number);
    fl_json_bool(json, "current", s->number == req->caller.session);
    fl_json_text(json, "stage", s->stage < FL_LEN(stages) ? stages[s->stage] : "unknown");
    fl_json_str(json, "address", s->peer);
    fl_json_str(json, "browser", s->agent);
    fl_part_time(json, "created", s->created_us);
    fl_part_time(json, "last_used", s->last_us);
    fl_part_time(json, "idle_until", s->idle_us);
    fl_part_time(json, "ends", s->until_us);
    fl_json_end(json);
}

static bool on_listed(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_session s;

    if (in->type == FL_MSG_SESSION) {
        if (fl_msg_decode(in->type, in->payload, &s, NULL) == FL_OK && s.is_token == 0) {
            put_one(req, &s);
            req->waiting++;
        }
        return true;
    }
    if (in->type == FL_MSG_NONE) {
        fl_req_fail(req, in->err);
        return false;
    }
    fl_json_end(&req->json);
    fl_json_u64(&req->json, "total", req->waiting);
    fl_json_null(&req->json, "next");
    fl_req_done(req, 200);
    return false;
}

int fl_api_session_list(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_sessions_ask msg = {.user = req->caller.user};
    int r = check_cookie(req, err);

    if (r < 0)
        return r;
    fl_json_array(fl_req_object(req), "items");
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_SESSIONS_ASK, &msg, FL_ASK_MS, on_listed, NULL, err);
}

static int ended(struct fl_req *req, struct fl_err *err)
{
    (void)err;
    fl_json_bool(fl_req_object(req), "ended", true);
    fl_req_done(req, 200);
    return FL_OK;
}

/* keys lets an administrator end other people's too; here only one's own are to be seen. */
struct ending {
    uint64_t number;
    bool found;
};

static bool on_mine(struct fl_req *req, const struct fl_answer_in *in)
{
    struct ending *e = req->state;
    struct fl_msg_session_end msg = {.by = req->caller.session, .number = e->number};
    struct fl_msg_session s;
    struct fl_err err;

    if (in->type == FL_MSG_SESSION) {
        if (fl_msg_decode(in->type, in->payload, &s, NULL) == FL_OK && s.is_token == 0)
            e->found = e->found || s.number == e->number;
        return true;
    }
    if (in->type == FL_MSG_NONE)
        fl_req_fail(req, in->err);
    else if (!e->found)
        fl_req_problem(req, 404, "not_found", "you have no session with this number");
    else if (fl_people_tell(req, FL_MSG_SESSION_END, &msg, FL_ASK_MS, ended, &err) < 0)
        fl_req_fail(req, &err);
    return false;
}

int fl_api_session_end(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_sessions_ask msg = {.user = req->caller.user};
    struct ending *e = fl_arena_get(&req->arena, sizeof *e);
    int r = check_cookie(req, err);

    if (r < 0)
        return r;
    if (e == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *e = (struct ending){.number = 0};
    if (!fl_span_u64(req->arg[0], &e->number))
        return fl_err_set(err, FL_E_NOENT, "you have no session with this number");
    req->state = e;
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_SESSIONS_ASK, &msg, FL_ASK_MS, on_mine, NULL, err);
}
