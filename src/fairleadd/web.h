/*
 * web.h - inside the web role: what its files share.
 *
 * role_web.c    links, certificate, listeners, start and stop
 * web_serve.c   a request: to core or to a file; answers of files and refusals
 * web_relay.c   requests that core answers: many at once, told apart by their number
 * web_map.c, web_files.c, web_events.c   see their headers
 *
 * web has no database, no data keys, and no key of its own certificate: keys signs.
 */
#ifndef FL_FAIRLEADD_WEB_H
#define FL_FAIRLEADD_WEB_H

#include <sys/queue.h>

#include "fairleadd/role.h"
#include "fairleadd/web_events.h"
#include "fairleadd/web_files.h"
#include "fairleadd/web_map.h"
#include "io/httpd.h"

#define FL_WEB_BODY_MAX ((size_t)256 * 1024)
#define FL_WEB_HOLD_MAX                                                                            \
    ((size_t)64 * 1024)                       /* of an answer that is collected to know its length \
                                               */
#define FL_WEB_ROOM_BYTES ((size_t)64 * 1024) /* waiting bytes below which core may send more */

struct fl_web_ask { /* a request that core has */
    LIST_ENTRY(fl_web_ask) link;
    TAILQ_ENTRY(fl_web_ask) stream; /* when flow is FL_WEB_EVENTS and it has begun */
    uint32_t id;
    struct fl_httpd_req *req;
    int status; /* 0: core's head has not come */
    enum fl_web_flow flow;
    bool begun, metrics, signs_in;
    bool result_line;            /* asked for: pages cannot read trailers */
    uint64_t owed;               /* bytes of core that it does not know of as taken */
    struct fl_buf headers, body; /* of the answer; body while it is held */
    struct fl_buf trailer;       /* JSON */
    struct fl_web_events events;
    int64_t passed_us; /* monotonic: when an event stream last got something */
};

#define FL_WEB_ASK_SLOTS 1024u
LIST_HEAD(fl_web_ask_list, fl_web_ask);
TAILQ_HEAD(fl_web_stream_list, fl_web_ask);

struct fl_web {
    struct fl_role_env *env;
    struct fl_httpd *httpd;
    struct fl_web_files *files;
    char files_problem[400]; /* said already */
    struct fl_imsg *core;
    struct fl_rpc *keys;
    struct fl_watch *cert_timer, *tick, *stop_timer;
    struct fl_buf chain; /* PEM, in use */
    unsigned char key_id[32];
    size_t key_id_len; /* 0: the server's own key */
    int64_t cert_us;   /* monotonic: when the TLS context was made */
    int64_t keys_bad_until_us, stop_until_us;

    struct fl_web_ask_list asks[FL_WEB_ASK_SLOTS];
    struct fl_web_stream_list streams;
    size_t ask_count, stream_count;
    uint32_t last_id;
    uint64_t events_sent, events_dropped, core_lost; /* of streams that are over */
    uint64_t streams_all, sign_ins[2];               /* refused, taken */
};

/* ---- web_serve.c ---- */

extern const struct fl_httpd_ops fl_web_httpd_ops; /* without ctx */

/* Answer with a problem document. */
void fl_web_refuse(struct fl_web *web, struct fl_httpd_req *req, int status, const char *code,
                   const char *detail);
bool fl_web_own_cert(const struct fl_web *web);

/* ---- web_relay.c ---- */

void fl_web_relay_init(struct fl_web *web);
void fl_web_relay(struct fl_web *web, struct fl_httpd_req *req);
void fl_web_relay_room(struct fl_web *web, struct fl_web_ask *ask);
void fl_web_relay_left(struct fl_web *web, struct fl_web_ask *ask);
/* A message of core. */
void fl_web_relay_message(struct fl_web *web, const struct fl_imsg_in *in);
/* core is gone: what it had ends. */
void fl_web_relay_lost(struct fl_web *web);
void fl_web_relay_tick(struct fl_web *web); /* heartbeats */
/* This process's own part of /metrics, in OpenMetrics. */
void fl_web_metrics(const struct fl_web *web, struct fl_buf *out);

#endif
