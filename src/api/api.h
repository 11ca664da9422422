/*
 * api.h - the requests that Fairlead answers, apart from how they travel.
 *
 * One table (routes.c) names method, path, right, parameters and handler of each; one file per
 * resource has the handlers; one place (gate.h) decides who may. The program that embeds it (core)
 * brings the transport: it hands in a call, gets the answer through fl_reply_ops, and carries
 * messages to and from the other roles. A handler may answer at once or after other roles have.
 * Everything runs in one thread.
 *
 *   fl_api_begin() -> gate -> handler -> fl_api_env.send() ... fl_api_message() -> reply head,
 * body, end
 *
 * Errors are problem documents (RFC 9457): {type, title, status, detail, code[, field]}; `detail`
 * is written for people and says what would be right.
 */
#ifndef FL_API_API_H
#define FL_API_API_H

#include "api/board.h"
#include "api/live.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "codec/msg.h"
#include "conf/conf.h"

#define FL_API_BODY_MAX ((size_t)256 * 1024) /* bytes of a request's body */
#define FL_API_PATH_MAX ((size_t)16 * 1024)

struct fl_api;
struct fl_req; /* a request in work; owned by the transport */
struct fl_db;
struct fl_audit;
struct fl_work;

/*
 * A call as it came; all of it is copied before fl_api_begin() returns. Either local is set and uid
 * is from the kernel, or cookie and bearer hold what the browser or the tool sent ("": nothing),
 * both hostile.
 */
struct fl_call {
    struct fl_span method, path, type, body;
    struct fl_span headers; /* "name: value\n" each, names in lower case */
    struct fl_span cookie;  /* the token of the cookie __Host-fairlead */
    struct fl_span bearer;  /* the token of "Authorization: Bearer" */
    struct fl_span peer;    /* address it came from */
    bool local;             /* an operator at the machine: every right; keys decides about data */
    uint32_t uid;
};

/* How an answer goes out: head, pieces, perhaps a trailer, end. None of them frees the request. */
struct fl_reply_ops {
    /* headers: "name: value\n" each, to add; without Content-Type. */
    void (*head)(void *ctx, int status, const char *type, struct fl_span headers);
    void (*body)(void *ctx, struct fl_span piece);
    void (*trailer)(void *ctx, struct fl_span json);
    void (*end)(void *ctx);
};

enum fl_changed {
    FL_CHANGED_SENDERS = 1, /* the table of who may send */
    FL_CHANGED_RULES = 2,   /* retention or quota of a tenant */
    FL_CHANGED_GRANTS = 4   /* a demonstration tenant: keys must open it for good */
};

/* What the program gives. */
struct fl_api_env {
    void *ctx;
    const struct fl_conf *conf;
    struct fl_live *live;
    struct fl_board *board; /* api/board.h; NULL: nothing is remembered */
    /* api/work.h: calculations beside the loop, networks of supply; NULL: within the call */
    struct fl_work *work;
    int64_t (*now_us)(void);
    /* FL_E_AGAIN: the role is not there, or its queue is full. */
    int (*send)(void *ctx, enum fl_role to, enum fl_msg_type type, uint32_t id, const void *msg,
                struct fl_err *err);
    void (*changed)(void *ctx, unsigned what); /* bits of enum fl_changed */
};

int fl_api_new(const struct fl_api_env *env, struct fl_api **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_api_free(struct fl_api *api); /* the requests must be freed before */

/* The control database and the record of events, once they are open; until then requests that
 * need them get 503. Both borrowed. */
void fl_api_open(struct fl_api *api, struct fl_db *db, struct fl_audit *audit);

/*
 * Take a call. Whatever is wrong with it is answered through reply. Only FL_E_NOMEM is returned
 * (nothing was answered then). The answer may be complete when this returns; the request stays
 * until fl_req_free().
 */
int fl_api_begin(struct fl_api *api, const struct fl_call *call, const struct fl_reply_ops *reply,
                 void *reply_ctx, struct fl_req **ret, struct fl_err *err) FL_MUST_CHECK;

/* Ends what is still going on for it: nobody waits for the answer any more. NULL is allowed. */
void fl_req_free(struct fl_req *req);

/* The caller's side took bytes of a streamed answer: more may come. */
void fl_req_taken(struct fl_req *req, uint64_t bytes);

/* A message from a role that answers something asked by send(). False: it is not one of ours. */
bool fl_api_message(struct fl_api *api, enum fl_role from, enum fl_msg_type type, uint32_t id,
                    struct fl_span payload);
/* The role is gone: what was asked of it fails with 503. */
void fl_api_lost(struct fl_api *api, enum fl_role role);
void fl_api_tick(struct fl_api *api); /* about every second: answers that are overdue fail */

/* keys is linked and the database open: compare accounts and grants with it, and mend them. */
void fl_api_people_check(struct fl_api *api);
/* keys says that what a session reads of a tenant ends now (FL_MSG_READS_END). */
void fl_api_reads_end(struct fl_api *api, struct fl_span payload);

/* Ids that fl_api_env.send() is given are from here on; the program's own stay below. */
#define FL_API_ID_FIRST 0x40000000u

/* A complete problem document, for a caller that gets no further than the door. */
void fl_problem_write(struct fl_buf *out, int status, const char *code, const char *field,
                      const char *detail);

#endif
