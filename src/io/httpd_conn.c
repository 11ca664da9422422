/* One connection: its bytes become requests, answers become bytes. */
#include "io/httpd_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"

enum {
    READ_BYTES = 16 << 10,
    AHEAD_BYTES = 4 << 10, /* of the next request, while one is in work */
    GATHER_BYTES = 16 << 10,
    KEEP_BYTES = 16 << 10, /* of a buffer that stays with an idle connection */
    REFUSAL_BYTES = 8 << 10,
    LINGER_US = 2 * 1000 * 1000
};

struct fl_httpd_blob {
    unsigned refs;
    size_t len;
    unsigned char bytes[];
};

static struct fl_span span_after(struct fl_span s, size_t at)
{
    return fl_span_of(s.ptr + at, s.len - at);
}

/* ---- its end ---- */

/* The caller has it and will have to be told when it goes. */
static bool in_work(const struct fl_httpd_req *c)
{
    return c->state == FL_HTTPD_WORK && !c->ended;
}

static void give_memory(struct fl_httpd_req *c)
{
    fl_buf_done(&c->in);
    fl_buf_done(&c->out);
    fl_httpd_blob_unref(c->blob);
    c->blob = NULL;
    c->out_at = c->seen = c->head_bytes = 0;
}

void fl_httpd_drop(struct fl_httpd_req *c)
{
    struct fl_httpd *httpd = c->httpd;
    bool told = in_work(c);

    if (c->state == FL_HTTPD_DEAD)
        return;
    httpd->stat.handshaking -= c->state == FL_HTTPD_HANDSHAKE;
    httpd->stat.open--;
    if (c->in_turns)
        TAILQ_REMOVE(&httpd->turns, c, turn);
    c->in_turns = false;
    c->state = FL_HTTPD_DEAD;
    TAILQ_REMOVE(&httpd->conns, c, link);
    TAILQ_INSERT_TAIL(&httpd->dead, c, link);
    fl_watch_free(c->watch);
    c->watch = NULL;
    if (told)
        httpd->ops.left(httpd->ops.ctx, c);
    fl_tls_free(c->tls);
    c->tls = NULL;
    fl_fd_close(&c->fd);
    fl_httpd_source_leave(httpd, c->source);
    give_memory(c);
}

/* Say goodbye: the client sees the end of the answer and then of the connection, even when it is
 * still sending (a plain close would make the kernel throw the answer away). */
static void linger(struct fl_httpd_req *c)
{
    fl_tls_end(c->tls);
    fl_tls_free(c->tls);
    c->tls = NULL;
    (void)shutdown(c->fd, SHUT_WR);
    give_memory(c);
    c->state = FL_HTTPD_LINGER;
    c->deadline_us = fl_now_mono_us() + LINGER_US;
}

static void trash(struct fl_httpd_req *c)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        fl_httpd_drop(c);
}

/* ---- writing ---- */

size_t fl_httpd_queued(const struct fl_httpd_req *req)
{
    return req->out.len - req->out_at + (req->blob == NULL ? 0 : req->blob->len - req->blob_at);
}

static struct fl_span next_bytes(const struct fl_httpd_req *c)
{
    if (c->out.len > c->out_at)
        return span_after(fl_buf_span(&c->out), c->out_at);
    return c->blob == NULL ? fl_span_of(NULL, 0)
                           : span_after(fl_httpd_blob_span(c->blob), c->blob_at);
}

static void wrote(struct fl_httpd_req *c, size_t n)
{
    c->httpd->stat.bytes_out += n;
    c->moved_us = fl_now_mono_us();
    if (c->out.len > c->out_at) {
        c->out_at += n;
        if (c->out_at < c->out.len && c->out_at < 4 * (size_t)GATHER_BYTES)
            return;
        fl_buf_consume(&c->out, c->out_at);
        c->out_at = 0;
        return;
    }
    c->blob_at += n;
    if (c->blob_at == c->blob->len) {
        fl_httpd_blob_unref(c->blob);
        c->blob = NULL;
    }
}

static void write_out(struct fl_httpd_req *c)
{
    enum fl_tls_want want = FL_TLS_WANT_WRITE;
    struct fl_span bytes;
    size_t n;
    int r;

    if (c->out.failed != 0)
        c->broken = true;
    while (!c->broken && (bytes = next_bytes(c)).len > 0) {
        r = fl_tls_write(c->tls, bytes, &n, &want, NULL);
        if (r == FL_E_AGAIN)
            return;
        if (r < 0)
            c->broken = true;
        else
            wrote(c, n);
    }
    if (c->out.cap > KEEP_BYTES && c->out.len == 0)
        fl_buf_done(&c->out);
}

/* What it waits for, told to the loop when that is something else than before. */
static void set_watch(struct fl_httpd_req *c)
{
    int on = 0;

    if (c->state == FL_HTTPD_DEAD)
        return;
    if (c->state != FL_HTTPD_WORK || c->in.len < AHEAD_BYTES)
        on = FL_ON_READ;
    if (c->want_write || (c->state != FL_HTTPD_LINGER && fl_httpd_queued(c) > 0))
        on |= FL_ON_WRITE;
    if (on == c->watching)
        return;
    c->watching = on;
    fl_watch_change(c->watch, on);
}

/* ---- answers ---- */

static void put_lines(struct fl_buf *out, struct fl_span lines)
{
    while (lines.len > 0) {
        const unsigned char *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = end == NULL ? lines.len : (size_t)(end - lines.ptr);
        struct fl_span line = fl_span_of(lines.ptr, len);

        /* core's texts may hold what a client sent: one line stays one line */
        if (len > 0 && memchr(line.ptr, '\r', len) == NULL && memchr(line.ptr, ':', len) != NULL) {
            fl_buf_put_span(out, line);
            fl_buf_put_str(out, "\r\n");
        }
        lines = span_after(lines, len + (end != NULL));
    }
}

static bool bodiless(int status)
{
    return status == 204 || status == 304 || status < 200;
}

void fl_httpd_begin(struct fl_httpd_req *req, int status, struct fl_span headers,
                    int64_t length_bytes)
{
    struct fl_httpd *httpd = req->httpd;
    bool is_head = fl_span_eq(req->head.method, FL_SPAN("HEAD"));

    if (req->begun)
        return;
    req->begun = true;
    httpd->stat.by_class[status >= 100 && status < 600 ? status / 100 : 5]++;
    req->no_body = is_head || bodiless(status);
    if (httpd->closed)
        req->close_after = true;
    fl_buf_printf(&req->out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, fl_http_reason(status),
                  fl_httpd_date(httpd));
    put_lines(&req->out, headers);
    if (!bodiless(status) && length_bytes >= 0)
        fl_buf_printf(&req->out, "Content-Length: %lld\r\n", (long long)length_bytes);
    req->chunked = length_bytes < 0 && !req->no_body && req->head.minor > 0;
    if (length_bytes < 0 && !req->no_body && req->head.minor == 0)
        req->close_after = true;
    if (req->chunked)
        fl_buf_put_str(&req->out, "Transfer-Encoding: chunked\r\n");
    if (req->close_after)
        fl_buf_put_str(&req->out, "Connection: close\r\n");
    else if (req->head.minor == 0)
        fl_buf_put_str(&req->out, "Connection: keep-alive\r\n");
    fl_buf_put_str(&req->out, "\r\n");
}

void fl_httpd_put(struct fl_httpd_req *req, struct fl_span bytes)
{
    if (req->no_body || bytes.len == 0 || req->broken)
        return;
    if (fl_httpd_queued(req) == 0)
        req->moved_us = fl_now_mono_us();
    if (req->chunked)
        fl_buf_printf(&req->out, "%zx\r\n", bytes.len);
    fl_buf_put_span(&req->out, bytes);
    if (req->chunked)
        fl_buf_put_str(&req->out, "\r\n");
    if (fl_httpd_queued(req) >= GATHER_BYTES)
        fl_httpd_flush(req);
}

void fl_httpd_flush(struct fl_httpd_req *req)
{
    write_out(req);
    if (req->broken)
        fl_httpd_turn(req);
    else
        set_watch(req);
}

/* The answer is said; when it is written too, the next request may come. */
static void finish(struct fl_httpd_req *c)
{
    if (!c->ended || fl_httpd_queued(c) > 0 || c->broken)
        return;
    if (c->close_after) {
        linger(c);
        return;
    }
    fl_buf_consume(&c->in, c->head_bytes + (size_t)c->head.body_bytes);
    if (c->in.len == 0 && c->in.cap > KEEP_BYTES)
        fl_buf_done(&c->in);
    c->seen = c->head_bytes = 0;
    c->begun = c->ended = c->first = false;
    c->tag = NULL;
    c->state = FL_HTTPD_HEAD;
    c->deadline_us = fl_now_mono_us() + c->httpd->limits.idle_ms * 1000;
    if (c->in.len > 0 || fl_tls_pending(c->tls))
        fl_httpd_turn(c);
}

void fl_httpd_end(struct fl_httpd_req *req, struct fl_span trailers)
{
    if (req->chunked) {
        fl_buf_put_str(&req->out, "0\r\n");
        put_lines(&req->out, trailers);
        fl_buf_put_str(&req->out, "\r\n");
    }
    req->chunked = false;
    req->ended = true;
    write_out(req);
    if (req->broken)
        fl_httpd_turn(req);
    else
        finish(req);
    set_watch(req);
}

void fl_httpd_cut(struct fl_httpd_req *req)
{
    req->ended = req->broken = true;
    fl_httpd_turn(req);
}

struct fl_httpd_blob *fl_httpd_blob_new(struct fl_span bytes)
{
    struct fl_httpd_blob *blob = malloc(sizeof *blob + bytes.len);

    if (blob == NULL)
        return NULL;
    blob->refs = 1;
    blob->len = bytes.len;
    if (bytes.len > 0)
        memcpy(blob->bytes, bytes.ptr, bytes.len);
    return blob;
}

struct fl_span fl_httpd_blob_span(const struct fl_httpd_blob *blob)
{
    return fl_span_of(blob->bytes, blob->len);
}

struct fl_httpd_blob *fl_httpd_blob_ref(struct fl_httpd_blob *blob)
{
    blob->refs++;
    return blob;
}

void fl_httpd_blob_unref(struct fl_httpd_blob *blob)
{
    if (blob != NULL && --blob->refs == 0)
        free(blob);
}

void fl_httpd_answer_blob(struct fl_httpd_req *req, int status, struct fl_span headers,
                          struct fl_httpd_blob *blob)
{
    fl_httpd_begin(req, status, headers, (int64_t)blob->len);
    if (!req->no_body && blob->len > 0) {
        req->blob = fl_httpd_blob_ref(blob);
        req->blob_at = 0;
    }
    fl_httpd_end(req, FL_SPAN(""));
}

/* ---- requests ---- */

static void refuse(struct fl_httpd_req *c, int status, const char *text)
{
    FL_AUTO(fl_buf_done) struct fl_buf body;
    char headers[300];
    const char *type;

    fl_buf_init(&body, REFUSAL_BYTES);
    type = c->httpd->ops.refusal(c->httpd->ops.ctx, status, text, &body);
    (void)snprintf(headers, sizeof headers, "Content-Type: %s\nCache-Control: no-store\n%s%s%s",
                   type, status == 405 ? "Allow: " : "", status == 405 ? FL_HTTP_ALLOW : "",
                   status == 405 ? "\n" : "");
    c->httpd->stat.refused_requests++;
    c->state = FL_HTTPD_WORK;
    c->deadline_us = INT64_MAX;
    c->close_after = true;
    c->ended = true; /* the caller never had it */
    fl_httpd_begin(c, status, fl_span_str(headers), (int64_t)body.len);
    fl_httpd_put(c, fl_buf_span(&body));
    fl_httpd_end(c, FL_SPAN(""));
}

static void dispatch(struct fl_httpd_req *c)
{
    c->state = FL_HTTPD_WORK;
    c->deadline_us = INT64_MAX;
    c->httpd->stat.requests++;
    c->httpd->ops.request(c->httpd->ops.ctx, c);
}

/* The views of the head are into `in`, which may have moved. */
static void read_again(struct fl_httpd_req *c)
{
    int status = 0;
    int64_t n = fl_http_read(fl_buf_span(&c->in), 0, &c->head, &status, NULL);

    if (n != (int64_t)c->head_bytes)
        c->broken = true; /* cannot be: the same bytes were read before */
}

static void take_body(struct fl_httpd_req *c)
{
    if (c->in.len - c->head_bytes < c->head.body_bytes)
        return;
    read_again(c);
    if (!c->broken)
        dispatch(c);
}

static void head_done(struct fl_httpd_req *c)
{
    c->close_after = !c->head.keep_alive;
    if (c->head.body_bytes > c->httpd->limits.body_bytes) {
        c->head.body_bytes = 0;
        refuse(c, 413, "the body is larger than bodies may be");
        return;
    }
    if (c->in.len - c->head_bytes >= c->head.body_bytes) {
        dispatch(c);
        return;
    }
    c->state = FL_HTTPD_BODY;
    c->deadline_us = fl_now_mono_us() + c->httpd->limits.body_ms * 1000;
    if (c->head.expects_continue) {
        fl_buf_put_str(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
        write_out(c);
    }
}

static void take_head(struct fl_httpd_req *c)
{
    struct fl_err err;
    int status = 400;
    int64_t n;

    if (c->in.len == 0)
        return;
    if (c->seen == 0 && !c->first) /* the idle time is over, the time for the head begins */
        c->deadline_us = fl_now_mono_us() + c->httpd->limits.head_ms * 1000;
    n = fl_http_read(fl_buf_span(&c->in), c->seen, &c->head, &status, &err);
    c->seen = c->in.len;
    if (n == 0)
        return;
    if (n < 0) {
        memset(&c->head, 0, sizeof c->head);
        c->head.minor = 1;
        refuse(c, status, err.text);
        return;
    }
    c->head_bytes = (size_t)n;
    head_done(c);
}

/* ---- reading ---- */

static size_t wanted(const struct fl_httpd_req *c)
{
    size_t want = 0;

    if (c->state == FL_HTTPD_HEAD)
        want = READ_BYTES;
    else if (c->state == FL_HTTPD_BODY)
        want = c->head_bytes + (size_t)c->head.body_bytes - c->in.len;
    else if (c->state == FL_HTTPD_WORK && c->in.len < AHEAD_BYTES)
        want = AHEAD_BYTES - c->in.len;
    return want < READ_BYTES ? want : READ_BYTES;
}

/* FL_OK: something came. FL_E_AGAIN: nothing more now. Else it is over. */
static int read_some(struct fl_httpd_req *c)
{
    enum fl_tls_want want = FL_TLS_WANT_READ;
    unsigned char bytes[READ_BYTES];
    size_t n = 0, cap = wanted(c);
    int r;

    if (cap == 0)
        return FL_E_AGAIN;
    r = fl_tls_read(c->tls, bytes, cap, &n, &want, NULL);
    c->want_write = r == FL_E_AGAIN && want == FL_TLS_WANT_WRITE;
    if (r < 0)
        return r;
    if (n == 0)
        return FL_E_IO; /* a browser that closes its side reads no answer either */
    if (c->state == FL_HTTPD_WORK && !c->ended && c->in.cap - c->in.len < n) {
        fl_buf_put(&c->in, bytes, n); /* it moves, and the head's views with it */
        if (c->in.failed == 0)
            read_again(c);
    } else {
        fl_buf_put(&c->in, bytes, n);
    }
    return c->in.failed;
}

static void shake(struct fl_httpd_req *c)
{
    enum fl_tls_want want = FL_TLS_WANT_READ;
    int r = fl_tls_handshake(c->tls, &want, NULL);

    c->want_write = r == FL_E_AGAIN && want == FL_TLS_WANT_WRITE;
    if (r == FL_E_AGAIN)
        return;
    if (r < 0) {
        c->httpd->stat.handshakes_failed++;
        fl_httpd_drop(c);
        return;
    }
    c->httpd->stat.handshaking--;
    c->state = FL_HTTPD_HEAD;
    c->deadline_us = fl_now_mono_us() + c->httpd->limits.head_ms * 1000;
}

static void use_bytes(struct fl_httpd_req *c)
{
    if (c->state == FL_HTTPD_HEAD)
        take_head(c);
    else if (c->state == FL_HTTPD_BODY)
        take_body(c);
}

static void step_open(struct fl_httpd_req *c)
{
    int r = FL_OK;

    if (c->in.len > 0)
        use_bytes(c);
    while (r == FL_OK && !c->broken && c->tls != NULL && c->state != FL_HTTPD_DEAD) {
        enum fl_httpd_state before = c->state;

        r = read_some(c);
        if (r == FL_OK)
            use_bytes(c);
        if (before == FL_HTTPD_WORK && c->state == FL_HTTPD_HEAD)
            break; /* the answer is out: others have their turn first */
    }
    if (c->state == FL_HTTPD_DEAD || c->state == FL_HTTPD_LINGER)
        return;
    if (c->broken || (r < 0 && r != FL_E_AGAIN))
        fl_httpd_drop(c);
}

void fl_httpd_step(struct fl_httpd_req *c)
{
    if (c->state == FL_HTTPD_LINGER)
        trash(c);
    else if (c->state == FL_HTTPD_HANDSHAKE)
        shake(c);
    if (c->state == FL_HTTPD_HEAD || c->state == FL_HTTPD_BODY || c->state == FL_HTTPD_WORK)
        step_open(c);
    set_watch(c);
}

static void go_on_writing(struct fl_httpd_req *c)
{
    size_t before = fl_httpd_queued(c);

    write_out(c);
    if (c->broken) {
        fl_httpd_drop(c);
        return;
    }
    if (in_work(c) && fl_httpd_queued(c) < before &&
        fl_httpd_queued(c) <= c->httpd->limits.room_bytes)
        c->httpd->ops.room(c->httpd->ops.ctx, c);
    if (c->state == FL_HTTPD_WORK)
        finish(c);
}

void fl_httpd_ready(void *ctx, int ready)
{
    struct fl_httpd_req *c = ctx;

    if ((ready & FL_ON_WRITE) && c->tls != NULL && fl_httpd_queued(c) > 0)
        go_on_writing(c);
    if (c->state != FL_HTTPD_DEAD && ((ready & FL_ON_READ) || c->want_write))
        fl_httpd_step(c);
    else if (c->state != FL_HTTPD_DEAD)
        set_watch(c);
}

void fl_httpd_late(struct fl_httpd_req *c)
{
    struct fl_httpd_stat *stat = &c->httpd->stat;

    if (c->state == FL_HTTPD_HEAD && c->in.len > 0) {
        stat->late_head++;
        memset(&c->head, 0, sizeof c->head);
        c->head.minor = 1;
        refuse(c, 408, "the head of the request did not come in time");
        return;
    }
    if (c->state == FL_HTTPD_BODY) {
        stat->late_body++;
        c->head.body_bytes = 0;
        refuse(c, 408, "the body of the request did not come in time");
        return;
    }
    stat->late_handshake += c->state == FL_HTTPD_HANDSHAKE;
    stat->idle_ended += c->state == FL_HTTPD_HEAD;
    fl_httpd_drop(c);
}

const struct fl_http_head *fl_httpd_head(const struct fl_httpd_req *req)
{
    return &req->head;
}

struct fl_span fl_httpd_body(const struct fl_httpd_req *req)
{
    return fl_span_of(req->in.ptr + req->head_bytes, (size_t)req->head.body_bytes);
}

const char *fl_httpd_peer(const struct fl_httpd_req *req)
{
    return req->peer;
}

void fl_httpd_set_tag(struct fl_httpd_req *req, void *tag)
{
    req->tag = tag;
}

void *fl_httpd_tag(const struct fl_httpd_req *req)
{
    return req->tag;
}
