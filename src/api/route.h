/*
 * route.h - inside api: the table of routes, a request in work, and what handlers answer with.
 *
 * A route is one row of routes.c: method, path, the right it needs (object and verb, model/role.h;
 * the gate asks for it before the handler runs), whether the database must be open, parameters,
 * fields, handler. Where the path has {t}, the gate has looked the tenant up: req->tenant.
 */
#ifndef FL_API_ROUTE_H
#define FL_API_ROUTE_H

#include <jansson.h>

#include "api/api.h"
#include "base/arena.h"
#include "codec/json.h"
#include "model/role.h"
#include "model/tenant.h"

#define FL_REQ_ARGS       3u
#define FL_REQ_PARAMS     32u
#define FL_REQ_OUT_MAX    ((size_t)16 << 20)
#define FL_REQ_JSON_DEPTH 16u
#define FL_REQ_KEPT_MAX   ((size_t)64 << 10)

/* As fields: the body is bytes, read by the handler (req->call.body). */
#define FL_ROUTE_BYTES "(bytes)"

struct fl_route {
    const char *method;
    const char *path; /* "/api/v1/tenants/{t}/sites" */
    enum fl_object object;
    enum fl_verb verb;
    bool needs_db;
    const char *params; /* comma list of those allowed in the query string */
    const char *fields; /* comma list of those allowed in the body; NULL = no body */
    /* Answers through req, now or later. Negative: err is answered as a problem. */
    int (*handler)(struct fl_req *req, struct fl_err *err);
};
extern const struct fl_route fl_routes[];
extern const size_t fl_routes_count;

struct fl_param {
    struct fl_span name, value; /* decoded */
};

struct fl_api {
    struct fl_api_env env;
    struct fl_db *db;       /* NULL: not open */
    struct fl_audit *audit; /* NULL: not open */
    int64_t since_us;
    struct fl_ask *asks; /* list, see ask.h */
    uint32_t next_id;
    unsigned ask_count;
    struct fl_req *house;         /* people.c: accounts are compared; NULL: not now */
    bool house_again;             /* once more, when it is done */
    struct fl_stream *streams;    /* api_alarms.c: who listens to alarms */
    struct fl_first_wait *firsts; /* api_first.c: who waits for a device's first line */
    struct fl_throttle *answer_sources,
        *answer_links;         /* api_answers.c; NULL: nobody answered yet */
    struct fl_intake *imports; /* supply_session.h: imports of networks in work */
    struct fl_work *own_work;  /* where the program brought none */
    struct fl_risk_stream *risk_streams;
    struct fl_desk *desk;          /* desk.c: what is to be calculated; NULL: nothing yet */
    struct fl_score_store *scores; /* scores_keep.c; NULL: nothing was asked yet */
};

/* Who asks, once the gate knows. */
struct fl_caller {
    bool local; /* at the machine's socket: uid; all below is 0 then */
    uint32_t uid;
    bool is_token;          /* an API token, not a person's session */
    uint64_t session;       /* its number at keys */
    uint32_t user;          /* 0: none (local, or a token that was made there) */
    uint32_t tenant;        /* 0: the operator's staff */
    uint32_t scope;         /* what keys lets it do: trust/accounts.h */
    int64_t reveal_us;      /* it sees personal data until then ... */
    uint32_t reveal_tenant; /* ... of this tenant */
    struct fl_rights rights;
    char name[2 * FL_SLUG_MAX + 2]; /* it signs in with, for events */
};

struct fl_req {
    struct fl_api *api;
    const struct fl_route *route;
    struct fl_caller caller;
    struct fl_tenant tenant;              /* that the path names; id 0: none */
    const struct fl_msg_session *session; /* as keys gave it, in arena; NULL: none */
    struct fl_call call;                  /* spans in arena */
    struct fl_arena arena;                /* of what was decoded */
    struct fl_span arg[FL_REQ_ARGS];      /* {..} of the path, decoded */
    size_t args;
    struct fl_param param[FL_REQ_PARAMS];
    size_t params;
    json_t *body;      /* an object, or NULL */
    const char *field; /* that a problem is about; a literal or in arena */
    int why_status;    /* of the problem, when its code of an error does not say it; 0 */
    const char *why;   /* its code */
    const struct fl_reply_ops *reply;
    void *reply_ctx;
    struct fl_buf out;     /* the answer while it is written */
    struct fl_buf headers; /* to go with its head: "name: value\n" each */
    struct fl_buf kept;    /* of the answer, for whoever asks again with the same key (again.c) */
    int kept_status;
    char kept_type[80];
    bool keeps;  /* an Idempotency-Key is in work */
    bool secret; /* the answer shows something once: it is not kept */
    struct fl_json json;
    bool begun, ended;
    uint32_t reads;   /* tenant whose rows it asked for; 0 = none */
    unsigned waiting; /* parts that a handler waits for */
    /* parts.c: once keys has given a capability */
    int (*with_cap)(struct fl_req *req, struct fl_span cap, struct fl_err *err);
    int (*then)(struct fl_req *req, struct fl_err *err); /* people.c: once keys has done it */
    void *state;                                         /* the handler's */
    void (*state_free)(void *state);
    void (*taken)(struct fl_req *req, uint64_t bytes);
};

/* ---- what a handler reads ---- */

/* Value of a parameter, or a span with ptr NULL. */
struct fl_span fl_req_param(const struct fl_req *req, const char *name);
/* Numbers within low..high: 1 and *ret, 0 absent, FL_E_INVAL. */
int fl_req_param_num(struct fl_req *req, const char *name, uint64_t low, uint64_t high,
                     uint64_t *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_req_param_time(struct fl_req *req, const char *name, int64_t *ret_us, struct fl_err *err)
    FL_MUST_CHECK;
bool fl_req_param_flag(const struct fl_req *req, const char *name); /* "yes", "true" or "1" */

/* Members of the body: 1 and *ret, 0 absent, FL_E_INVAL names the field and what is right. */
int fl_req_text(struct fl_req *req, const char *name, char *ret, size_t size, struct fl_err *err)
    FL_MUST_CHECK;
int fl_req_num(struct fl_req *req, const char *name, uint64_t low, uint64_t high, uint64_t *ret,
               struct fl_err *err) FL_MUST_CHECK;
int fl_req_bool(struct fl_req *req, const char *name, bool *ret, struct fl_err *err) FL_MUST_CHECK;
/* A text that must be there: FL_OK and *ret, or FL_E_INVAL. */
int fl_req_need(struct fl_req *req, const char *name, char *ret, size_t size, struct fl_err *err)
    FL_MUST_CHECK;
/* A header of the request (name in lower case), or a span with ptr NULL. */
struct fl_span fl_req_header_in(const struct fl_req *req, const char *name);
/* FL_E_INVAL "NAME is missing" where a reader above gave 0. */
int fl_req_missing(struct fl_req *req, const char *name, struct fl_err *err) FL_MUST_CHECK;

/* ---- what it answers ---- */

/* A header of the answer, before its head. A value with a control character is left out. */
void fl_req_header(struct fl_req *req, const char *name, const char *fmt, ...) FL_PRINTF(3, 4);
/* Begin a JSON answer: the writer, with the outer object open. */
struct fl_json *fl_req_object(struct fl_req *req);
/* Close the outer object and answer. */
void fl_req_done(struct fl_req *req, int status);
void fl_req_fail(struct fl_req *req, const struct fl_err *err); /* status by the code */
/* Fill err; fl_req_fail() with it answers this status and code. Returns FL_E_DENIED. */
int fl_req_why(struct fl_req *req, int status, const char *code, struct fl_err *err,
               const char *fmt, ...) FL_PRINTF(5, 6);
void fl_req_problem(struct fl_req *req, int status, const char *code, const char *fmt, ...)
    FL_PRINTF(4, 5);
/* Streams. */
void fl_req_head(struct fl_req *req, int status, const char *type);
void fl_req_piece(struct fl_req *req, struct fl_span piece);
void fl_req_trailer(struct fl_req *req, struct fl_span json);
void fl_req_end(struct fl_req *req);

/* ---- splitting a path (pure; fuzzed) ---- */

/* Fill req->arg, param and route. 0, or the HTTP status with err for the detail. */
int fl_route_find(struct fl_req *req, struct fl_span method, struct fl_span path,
                  struct fl_err *err) FL_MUST_CHECK;
/* Text to req->body; checks depth and that it is an object. 0 or a status. */
int fl_route_body(struct fl_req *req, struct fl_span text, struct fl_err *err) FL_MUST_CHECK;
/* Is word (whole) in the comma list? */
bool fl_route_listed(const char *list, struct fl_span word);

/* ---- asking the other roles ---- */

/* What came: type FL_MSG_NONE with err when there will be no answer. */
struct fl_answer_in {
    enum fl_role from;
    enum fl_msg_type type;
    struct fl_span payload;
    const struct fl_err *err;
};
struct fl_ask;

/* The message of this type that was waited for (ret NULL: it has no members). Else why there is
 * none: what the role says, or FL_E_PROTO. */
int fl_answer_take(const struct fl_answer_in *in, enum fl_msg_type type, void *ret,
                   struct fl_err *err) FL_MUST_CHECK;

/*
 * Ask a role on behalf of req; fn is called for each message of the answer until it returns false
 * (exactly once with FL_MSG_NONE when the role is lost or timeout_ms, 0 = none, is over). Never
 * called after fl_req_free(). *ret_id (may be NULL) names the ask for later messages of it.
 */
int fl_ask(struct fl_req *req, enum fl_role role, enum fl_msg_type type, const void *msg,
           int64_t timeout_ms, bool (*fn)(struct fl_req *req, const struct fl_answer_in *in),
           uint32_t *ret_id, struct fl_err *err) FL_MUST_CHECK;
/* A message that wants no answer of its own (credit, cancel) to go with an earlier ask. */
int fl_api_send(struct fl_api *api, enum fl_role role, enum fl_msg_type type, uint32_t id,
                const void *msg);
void fl_ask_drop(struct fl_req *req); /* all of this request */
/* The right to read this tenant has ended: so do the answers that still stream. */
void fl_ask_end_reads(struct fl_api *api, uint32_t tenant);
/* ... that of one session. */
void fl_ask_end_session_reads(struct fl_api *api, uint32_t tenant, uint64_t session);

#endif
