#include "api/gate.h"

#include <sodium.h>
#include <string.h>

#include "api/again.h"
#include "api/people.h"

#define OF_TENANT   "/api/v1/tenants/{t}"
#define OF_INSTANCE "/api/v1/instance"

const char *fl_gate_code(int status)
{
    switch (status) {
    case 401:
        return "sign_in";
    case 404:
        return "not_found";
    case 405:
        return "method";
    case 413:
    case 414:
        return "over_limit";
    case 403:
        return "refused";
    case 503:
        return "busy";
    default:
        return "invalid";
    }
}

bool fl_gate_may(const struct fl_req *req, enum fl_object object, enum fl_verb verb)
{
    return req->caller.local || fl_rights_has(&req->caller.rights, object, verb);
}

static bool begins(const char *text, const char *with)
{
    size_t len = strlen(with);

    return strncmp(text, with, len) == 0 && (text[len] == '\0' || text[len] == '/');
}

/* ---- the last step: all that is left between a caller who may and the handler ---- */

static int run(struct fl_req *req, struct fl_err *err)
{
    struct fl_err why;
    int status = fl_route_body(req, req->call.body, &why), r;

    if (status == 0 && req->route->needs_db && req->api->db == NULL)
        status = fl_err_set(&why, 503,
                            "the control database is not open yet: it waits for the keys role; "
                            "fairlead status shows the roles");
    if (status != 0) {
        fl_req_problem(req, status, fl_gate_code(status), "%s", why.text);
        return FL_OK;
    }
    r = fl_again_begin(req, err);
    if (r != 0)
        return r < 0 ? r : FL_OK;
    return req->route->handler(req, err);
}

/* ---- where: whose objects does the path name? ---- */

static int no_tenant(struct fl_req *req, struct fl_err *err)
{
    struct fl_span name = fl_span_of(req->arg[0].ptr, req->arg[0].len < 80 ? req->arg[0].len : 80);

    if (req->caller.local)
        return fl_err_set(err, FL_E_NOENT,
                          "there is no tenant '%.*s'; fairlead tenant list shows what there is",
                          FL_SPAN_ARG(name));
    return fl_req_why(req, 404, "not_found", err,
                      "there is no tenant '%.*s' here, or it is not yours", FL_SPAN_ARG(name));
}

/* Another tenant's path is answered alike, whether there is such a tenant or not. */
static int check_place(struct fl_req *req, struct fl_err *err)
{
    char slug[FL_SLUG_MAX + 1];
    uint32_t own = req->caller.tenant;
    int r;

    if (begins(req->route->path, OF_INSTANCE) && own != 0)
        return fl_req_why(req, 403, "operator", err, "this is the operator's");
    if (!begins(req->route->path, OF_TENANT))
        return FL_OK;
    if (req->arg[0].len == 0 || req->arg[0].len > FL_SLUG_MAX)
        return no_tenant(req, err);
    memcpy(slug, req->arg[0].ptr, req->arg[0].len);
    slug[req->arg[0].len] = '\0';
    r = fl_db_tenant_get(req->api->db, slug, &req->tenant, err);
    if (r == FL_E_NOENT || (r == FL_OK && own != 0 && req->tenant.id != own)) {
        req->tenant = (struct fl_tenant){.id = 0};
        return no_tenant(req, err);
    }
    return r;
}

/* ---- may: the route's right, and the tenant's grant ---- */

static int check_right(struct fl_req *req, struct fl_err *err)
{
    const struct fl_route *route = req->route;

    if (route->object < FL_OBJECT_FIRST ||
        fl_rights_has(&req->caller.rights, route->object, route->verb))
        return FL_OK;
    return fl_req_why(req, 403, "right", err,
                      "your roles do not give the right '%s' on %s; an administrator can give it",
                      fl_verb_name(route->verb), fl_object_name(route->object));
}

static int check_grant(struct fl_req *req, struct fl_err *err)
{
    enum fl_reach reach = fl_object_reach(req->route->object);
    bool setup = false, data = false;
    int r;

    if (req->caller.tenant != 0 || req->tenant.id == 0 || reach == FL_REACH_FREE)
        return FL_OK;
    r = fl_db_grants_open(req->api->db, req->tenant.id, req->api->env.now_us(), &setup, &data, err);
    if (r < 0 || (reach == FL_REACH_SETUP ? setup : data))
        return r;
    return fl_req_why(req, 403, "no_grant", err,
                      reach == FL_REACH_SETUP
                          ? "tenant %s does not let the operator set it up: its administrator can "
                            "give the grant 'network'"
                          : "tenant %s does not show the operator its logs: its administrator can "
                            "give the grant 'support', or 'network' with data",
                      req->tenant.slug);
}

/* The machine's socket sets tenants up; what a tenant keeps of its suppliers is the tenant's, as
 * its logs are. */
static int check_local(struct fl_req *req, struct fl_err *err)
{
    enum fl_object object = req->route->object;

    if (req->tenant.id == 0 || req->tenant.demo ||
        req->tenant.local_access_us > req->api->env.now_us() ||
        (object != FL_OBJECT_SUPPLY && object != FL_OBJECT_RISKS && object != FL_OBJECT_CASES &&
         object != FL_OBJECT_DRILLS))
        return FL_OK;
    return fl_req_why(req, 403, "no_grant", err,
                      "this machine may not see the supply network of tenant %s; fairlead tenant "
                      "set %s --local-access 8h allows it for a while, and its own people use "
                      "--server https://... with a token",
                      req->tenant.slug, req->tenant.slug);
}

static int admit(struct fl_req *req, struct fl_err *err)
{
    int r = check_place(req, err);

    if (r == FL_OK)
        r = check_right(req, err);
    if (r == FL_OK)
        r = check_grant(req, err);
    return r < 0 ? r : run(req, err);
}

/* ---- who: what keys says of the token ---- */

static bool is_safe(struct fl_span method)
{
    return fl_span_eq(method, FL_SPAN("GET")) || fl_span_eq(method, FL_SPAN("HEAD"));
}

/* A browser that says where the request began says the truth (Fetch Metadata). */
static int check_site(struct fl_req *req, struct fl_err *err)
{
    struct fl_span site = fl_req_header_in(req, "sec-fetch-site");

    if (is_safe(req->call.method) || site.ptr == NULL || fl_span_eq(site, FL_SPAN("same-origin")) ||
        fl_span_eq(site, FL_SPAN("none")))
        return FL_OK;
    return fl_req_why(req, 403, "csrf", err,
                      "another web site sent this request with your session; it was not done");
}

static int check_csrf(struct fl_req *req, const struct fl_msg_session *session, struct fl_err *err)
{
    struct fl_span sent = fl_req_header_in(req, "x-csrf-token");
    int r = check_site(req, err);

    if (r < 0 || is_safe(req->call.method))
        return r;
    if (session->csrf.len > 0 && sent.len == session->csrf.len &&
        sodium_memcmp(sent.ptr, session->csrf.ptr, sent.len) == 0)
        return FL_OK;
    return fl_req_why(req, 403, "csrf", err,
                      "the header X-CSRF-Token is missing or is not of this session; GET "
                      "/api/v1/session gives it");
}

static int check_stage(struct fl_req *req, const struct fl_msg_session *session, struct fl_err *err)
{
    static const struct {
        const char *code, *text;
    } due[] = {
        [FL_STAGE_CODE] = {"stage_code", "the code of your second factor is due first"},
        [FL_STAGE_PASSWORD] = {"stage_password", "a password of your own is due first"},
        [FL_STAGE_ENROL] = {"stage_enrol", "a second factor must be set up first"},
    };

    if (session->stage == FL_STAGE_OPEN || req->route->object == FL_OBJECT_STEP)
        return FL_OK;
    if (session->stage >= FL_LEN(due))
        return fl_err_set(err, FL_E_PROTO, "keys gave a session at an unknown stage");
    return fl_req_why(req, 403, due[session->stage].code, err, "%s", due[session->stage].text);
}

static int not_signed_in(struct fl_req *req, struct fl_err *err)
{
    if (req->call.bearer.len > 0)
        return fl_req_why(req, 401, "sign_in", err,
                          "this token is not known here, or is over: ask for another");
    return fl_req_why(req, 401, "sign_in", err,
                      req->call.cookie.len > 0 ? "your session has ended: sign in again"
                                               : "sign in first: POST /api/v1/session");
}

/* What the answer may need after this turn of the loop. */
static int keep_session(struct fl_req *req, const struct fl_msg_session *session,
                        struct fl_err *err)
{
    struct fl_msg_session *kept = fl_arena_get(&req->arena, sizeof *kept);

    if (kept == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *kept = *session;
    kept->token = kept->codes = kept->peer = kept->agent = FL_SPAN("");
    kept->csrf = fl_arena_copy(&req->arena, session->csrf);
    req->session = kept;
    return FL_OK;
}

static int take_session(struct fl_req *req, const struct fl_answer_in *in, struct fl_err *err)
{
    struct fl_msg_session session;
    bool cookie = req->call.bearer.len == 0;
    int r;

    r = fl_answer_take(in, FL_MSG_SESSION, &session, err);
    if (r < 0)
        return r == FL_E_NOENT ? not_signed_in(req, err) : r;
    if (cookie == (session.is_token != 0)) /* a token in the cookie, or a session as a token */
        return not_signed_in(req, err);
    if (req->api->db == NULL)
        return fl_err_set(err, FL_E_AGAIN, "the control database is not open; try again");
    r = fl_people_caller(req, &session, err);
    if (r == FL_E_NOENT)
        return not_signed_in(req, err);
    if (r == FL_OK && cookie)
        r = check_csrf(req, &session, err);
    if (r == FL_OK)
        r = check_stage(req, &session, err);
    if (r == FL_OK)
        r = keep_session(req, &session, err);
    return r;
}

static bool on_session(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_err err;
    int r = take_session(req, in, &err);

    if (r == FL_OK)
        r = admit(req, &err);
    if (r < 0)
        fl_req_fail(req, &err);
    return false;
}

/* Polls and streams do not say that somebody is there; what a person does, the page marks. */
static bool is_activity(const struct fl_req *req)
{
    return fl_span_eq(fl_req_header_in(req, "fairlead-activity"), FL_SPAN("user")) ||
           strcmp(req->route->path, "/api/v1/session/active") == 0;
}

int fl_gate_enter(struct fl_req *req, struct fl_err *err)
{
    bool bearer = req->call.bearer.len > 0;
    struct fl_msg_session_ask ask = {.token = bearer ? req->call.bearer : req->call.cookie};
    int r;

    if (req->call.local) {
        req->caller = (struct fl_caller){.local = true, .uid = req->call.uid};
        fl_rights_all(&req->caller.rights, false);
        r = req->api->db == NULL ? FL_OK : check_place(req, err); /* closed: run() says so */
        if (r == FL_OK)
            r = check_local(req, err);
        return r < 0 ? r : run(req, err);
    }
    if (req->route->object == FL_OBJECT_OPEN) {
        r = check_site(req, err);
        return r < 0 ? r : run(req, err);
    }
    if (ask.token.len == 0 || ask.token.len > FL_MSG_SECRET_MAX)
        return not_signed_in(req, err);
    ask.active = !bearer && is_activity(req);
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_SESSION_ASK, &ask, FL_ASK_MS, on_session, NULL, err);
}
