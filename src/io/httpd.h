/*
 * httpd.h - an HTTPS server of one thread on the loop: HTTP/1.1 over TLS, whole requests in, whole
 * or streamed answers out.
 *
 * Written for hostile peers: connections are counted per source and in total and turned away before
 * TLS; handshake, head, body and idleness have absolute deadlines kept by a timer of its own; head,
 * path and body have maxima (codec/http.h; 431, 414, 413); an answer that is not taken for
 * stall_ms ends its connection. What waits for a slow reader is known (fl_httpd_queued) and bounded
 * by the caller, who is told when there is room again. One request of a connection is in work at a
 * time; what a client sends ahead waits in the kernel.
 */
#ifndef FL_IO_HTTPD_H
#define FL_IO_HTTPD_H

#include "base/buf.h"
#include "codec/http.h"
#include "io/loop.h"
#include "io/tls.h"

#define FL_HTTPD_LISTENERS_MAX 4u
#define FL_HTTPD_PEER_BYTES    64u

struct fl_httpd;
struct fl_httpd_req; /* a request in work; belongs to the server */

struct fl_httpd_limits {
    uint32_t connections, per_source; /* an IPv6 source is its /64 */
    size_t body_bytes;
    int64_t handshake_ms, head_ms, body_ms, idle_ms, stall_ms;
    size_t room_bytes; /* ops.room is called when what waits falls to this */
};

struct fl_httpd_ops {
    /* A request is whole. Answer now or later: begin, put, end. */
    void (*request)(void *ctx, struct fl_httpd_req *req);
    /* What waits for the reader has fallen to room_bytes; only before fl_httpd_end(). */
    void (*room)(void *ctx, struct fl_httpd_req *req);
    /* The client has left, or was ended, before fl_httpd_end(): forget req. */
    void (*left)(void *ctx, struct fl_httpd_req *req);
    /* The server refuses by itself (400, 405, 408, 413 ...): put the document into ret_body and
     * name its type. */
    const char *(*refusal)(void *ctx, int status, const char *text, struct fl_buf *ret_body);
    void *ctx;
};

struct fl_httpd_stat { /* since the start, but open and the two after it */
    uint32_t open, handshaking, sources;
    uint64_t accepted, refused_total, refused_source, handshakes_failed, requests;
    uint64_t late_handshake, late_head, late_body, late_reader, idle_ended;
    uint64_t refused_requests; /* by the server itself */
    uint64_t by_class[6];      /* answers 1xx .. 5xx */
    uint64_t bytes_out;
};

int fl_httpd_new(struct fl_loop *loop, const struct fl_httpd_limits *limits,
                 const struct fl_httpd_ops *ops, struct fl_httpd **ret, struct fl_err *err)
    FL_MUST_CHECK;
/* Ends all connections; ops.left is called for requests in work. */
void fl_httpd_free(struct fl_httpd *httpd);

/* Take connections from this listening socket, which stays the caller's. */
int fl_httpd_listen(struct fl_httpd *httpd, int fd, struct fl_err *err) FL_MUST_CHECK;
/* TLS of connections from now on; becomes the server's. NULL: none is taken (they wait). */
void fl_httpd_use(struct fl_httpd *httpd, struct fl_tls_ctx *tls);
/* No new connections and requests; those in work may finish. */
void fl_httpd_close(struct fl_httpd *httpd);

const struct fl_httpd_stat *fl_httpd_stat(const struct fl_httpd *httpd);

/* ---- a request ---- */

const struct fl_http_head *fl_httpd_head(const struct fl_httpd_req *req); /* until the end */
struct fl_span fl_httpd_body(const struct fl_httpd_req *req);             /* until begin */
const char *fl_httpd_peer(const struct fl_httpd_req *req);                /* address without port */
void fl_httpd_set_tag(struct fl_httpd_req *req, void *tag);               /* the caller's own */
void *fl_httpd_tag(const struct fl_httpd_req *req);

/*
 * The head of the answer. headers: "name: value\n" lines. length_bytes: of the body, or -1: not
 * known (chunked; to an HTTP/1.0 client: until the connection ends). Date, Connection and the
 * length's field are added. To HEAD the body is left out, whatever is put.
 */
void fl_httpd_begin(struct fl_httpd_req *req, int status, struct fl_span headers,
                    int64_t length_bytes);
/* One part of the body; it is copied and goes out with the next flush or when much has come
 * together. */
void fl_httpd_put(struct fl_httpd_req *req, struct fl_span bytes);
void fl_httpd_flush(struct fl_httpd_req *req);
/* trailers: "name: value\n" lines, only sent with a chunked answer. req is no longer the caller's.
 */
void fl_httpd_end(struct fl_httpd_req *req, struct fl_span trailers);
/* The rest of the answer will not come: the connection is cut so that the client notices. */
void fl_httpd_cut(struct fl_httpd_req *req);
/* Bytes that wait for the reader in this process. */
size_t fl_httpd_queued(const struct fl_httpd_req *req);

/* Bytes shared by many answers, such as a file: counted, never copied. */
struct fl_httpd_blob;
/* Copies bytes. NULL: no memory. */
struct fl_httpd_blob *fl_httpd_blob_new(struct fl_span bytes);
struct fl_span fl_httpd_blob_span(const struct fl_httpd_blob *blob);
struct fl_httpd_blob *fl_httpd_blob_ref(struct fl_httpd_blob *blob);
void fl_httpd_blob_unref(struct fl_httpd_blob *blob); /* NULL is allowed */
/* A whole answer with the blob as its body; begin, put and end in one. */
void fl_httpd_answer_blob(struct fl_httpd_req *req, int status, struct fl_span headers,
                          struct fl_httpd_blob *blob);

#endif
