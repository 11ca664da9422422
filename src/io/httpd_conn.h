/* httpd_conn.h - inside io: what httpd.c (sockets, counts, time) and httpd_conn.c (one connection:
 * bytes, requests, answers) share. */
#ifndef FL_IO_HTTPD_CONN_H
#define FL_IO_HTTPD_CONN_H

#include <sys/queue.h>

#include "io/httpd.h"

struct fl_httpd_source { /* connections of one address, or one /64 */
    struct fl_httpd_source *next;
    unsigned char key[16];
    uint32_t count;
};

enum fl_httpd_state {
    FL_HTTPD_HANDSHAKE,
    FL_HTTPD_HEAD,   /* waits for a request, or reads its head */
    FL_HTTPD_BODY,   /* reads its body */
    FL_HTTPD_WORK,   /* the caller has it */
    FL_HTTPD_LINGER, /* all is said; what still comes is thrown away, so that the end is read */
    FL_HTTPD_DEAD    /* waits to be freed */
};

struct fl_httpd_req { /* a connection with the one request that it may have */
    TAILQ_ENTRY(fl_httpd_req) link;
    TAILQ_ENTRY(fl_httpd_req) turn; /* of httpd->turns, when in_turns */
    struct fl_httpd *httpd;
    struct fl_httpd_source *source;
    struct fl_watch *watch;
    struct fl_tls *tls;
    int fd;
    enum fl_httpd_state state;
    int64_t deadline_us; /* monotonic; INT64_MAX: none */
    int64_t moved_us; /* monotonic: when the reader last took something, or had nothing to take */
    bool in_turns, broken, peer_ended;
    bool want_write; /* TLS waits for room before it reads on */
    int watching;    /* bits of enum fl_loop_on */
    char peer[FL_HTTPD_PEER_BYTES];

    struct fl_buf in;
    size_t seen, head_bytes; /* of `in`: looked at; the head in work */
    struct fl_http_head head;
    void *tag;
    bool first; /* request of this connection */

    struct fl_buf out;
    size_t out_at;
    struct fl_httpd_blob *blob; /* follows out */
    size_t blob_at;
    bool begun, ended; /* the answer */
    bool chunked, no_body, close_after;
};

TAILQ_HEAD(fl_httpd_list, fl_httpd_req);

#define FL_HTTPD_SOURCE_SLOTS 1024u

struct fl_httpd {
    struct fl_loop *loop;
    struct fl_httpd_limits limits;
    struct fl_httpd_ops ops;
    struct fl_tls_ctx *tls;
    struct {
        int fd; /* the caller's */
        struct fl_watch *watch;
    } listeners[FL_HTTPD_LISTENERS_MAX];
    size_t listener_count;
    bool closed, resting; /* resting: accept() failed; the next sweep tries again */
    struct fl_watch *sweep, *turner;
    struct fl_httpd_list conns, turns, dead;
    struct fl_httpd_source *sources[FL_HTTPD_SOURCE_SLOTS];
    uint64_t seed;
    struct fl_httpd_stat stat;
    int64_t date_s;
    char date[40];
};

/* ---- httpd_conn.c ---- */

/* Go on with it as far as its bytes reach; from the loop only. */
void fl_httpd_step(struct fl_httpd_req *c);
/* Its deadline has passed. */
void fl_httpd_late(struct fl_httpd_req *c);
/* End it: tells the caller where it has the request; freed on a later turn. From the loop only. */
void fl_httpd_drop(struct fl_httpd_req *c);
void fl_httpd_ready(void *ctx, int ready); /* watch callback */

/* ---- httpd.c ---- */

void fl_httpd_turn(struct fl_httpd_req *c); /* step or drop it on the loop's next turn */
void fl_httpd_source_leave(struct fl_httpd *httpd, struct fl_httpd_source *source);
const char *fl_httpd_date(struct fl_httpd *httpd);

#endif
