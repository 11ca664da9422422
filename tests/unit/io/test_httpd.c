/* The HTTPS server against a client of the test's own: what it answers, what it refuses, and that
 * its limits hold when a peer does not. The server's loop runs in a thread; the client blocks. */
#include "io/httpd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "io/sock.h"
#include "tap.h"
#include "unit/io/tls_help.h"

enum {
    PER_SOURCE = 5,
    IN_ALL = 8,
    SHORT_MS = 300, /* deadlines of the server */
    WAIT_S = 10,    /* of the test: then it has failed */
    FLOOD_BYTES = 4 << 20,
    FLOOD_AHEAD = 256 << 10,
    BLOB_BYTES = 1 << 20
};

static struct made server_cert;
static struct fl_loop *loop;
static struct fl_httpd *httpd;
static struct fl_httpd_blob *blob;
static struct sockaddr_in address;
static atomic_uint left_calls, holding;
static atomic_size_t most_queued;
static size_t flooded; /* the loop's */

/* ---- the server's side ---- */

static int on_sign(void *ctx, struct fl_span digest, unsigned char *sig, size_t *ret_len,
                   struct fl_err *err)
{
    (void)ctx;
    return made_sign(&server_cert, digest, sig, ret_len) == 1
               ? FL_OK
               : fl_err_set(err, FL_E_IO, "no signature");
}

static bool path_is(struct fl_httpd_req *req, const char *path)
{
    return fl_span_eq(fl_httpd_head(req)->path, fl_span_str(path));
}

static void answer(struct fl_httpd_req *req, struct fl_span body)
{
    fl_httpd_begin(req, 200, FL_SPAN("Content-Type: text/plain\nX-A: b\nbad\r: x\n"),
                   (int64_t)body.len);
    fl_httpd_put(req, body);
    fl_httpd_end(req, FL_SPAN(""));
}

static void flood(struct fl_httpd_req *req)
{
    static const char piece[16 << 10] = {'x'};

    while (flooded < FLOOD_BYTES && fl_httpd_queued(req) < FLOOD_AHEAD) {
        fl_httpd_put(req, fl_span_of(piece, sizeof piece));
        flooded += sizeof piece;
        if (fl_httpd_queued(req) > atomic_load(&most_queued))
            atomic_store(&most_queued, fl_httpd_queued(req));
    }
    if (flooded >= FLOOD_BYTES)
        fl_httpd_end(req, FL_SPAN("X-Sum: done\n"));
}

static void on_request(void *ctx, struct fl_httpd_req *req)
{
    FL_AUTO(fl_buf_done) struct fl_buf copy;

    (void)ctx;
    fl_buf_init(&copy, 1 << 20);
    if (path_is(req, "/echo")) {
        fl_buf_put_span(&copy, fl_httpd_body(req));
        answer(req, fl_buf_span(&copy));
    } else if (path_is(req, "/stream")) {
        fl_httpd_begin(req, 200, FL_SPAN("Trailer: X-Sum\n"), -1);
        fl_httpd_put(req, FL_SPAN("one "));
        fl_httpd_flush(req);
        fl_httpd_put(req, FL_SPAN("two"));
        fl_httpd_end(req, FL_SPAN("X-Sum: 7\n"));
    } else if (path_is(req, "/flood")) {
        flooded = 0;
        fl_httpd_begin(req, 200, FL_SPAN(""), -1);
        flood(req);
    } else if (path_is(req, "/blob")) {
        fl_httpd_answer_blob(req, 200, FL_SPAN(""), blob);
    } else if (path_is(req, "/hold")) {
        atomic_fetch_add(&holding, 1);
    } else if (path_is(req, "/cut")) {
        fl_httpd_begin(req, 200, FL_SPAN(""), 100);
        fl_httpd_put(req, FL_SPAN("half"));
        fl_httpd_cut(req);
    } else {
        answer(req, fl_span_str(fl_httpd_peer(req)));
    }
}

static void on_room(void *ctx, struct fl_httpd_req *req)
{
    (void)ctx;
    flood(req);
}

static void on_left(void *ctx, struct fl_httpd_req *req)
{
    (void)ctx;
    (void)req;
    atomic_fetch_add(&left_calls, 1);
}

static const char *on_refusal(void *ctx, int status, const char *text, struct fl_buf *ret_body)
{
    (void)ctx;
    fl_buf_printf(ret_body, "%d %s", status, text);
    return "text/plain";
}

static void *serve(void *arg)
{
    fl_loop_run(loop);
    return arg;
}

static void start(void)
{
    static const struct fl_httpd_limits limits = {.connections = IN_ALL,
                                                  .per_source = PER_SOURCE,
                                                  .body_bytes = 4096,
                                                  .handshake_ms = SHORT_MS,
                                                  .head_ms = SHORT_MS,
                                                  .body_ms = 3 * SHORT_MS,
                                                  .idle_ms = 2 * SHORT_MS,
                                                  .stall_ms = 2 * SHORT_MS,
                                                  .room_bytes = 64 << 10};
    static const struct fl_httpd_ops ops = {on_request, on_room, on_left, on_refusal, NULL};
    struct fl_tls_server_config config = {.web = true, .sign = on_sign};
    static unsigned char bytes[BLOB_BYTES];
    socklen_t len = sizeof address;
    struct fl_tls_ctx *tls;
    int fd;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 251);
    blob = fl_httpd_blob_new(fl_span_of(bytes, sizeof bytes));
    server_cert = make_cert((struct made_how){.name = "server", .valid_for_s = 3600});
    config.chain_pem = fl_span_str(server_cert.cert_pem);
    if (fl_loop_new(&loop, NULL) < 0 || fl_httpd_new(loop, &limits, &ops, &httpd, NULL) < 0 ||
        fl_tls_server_new(&config, &tls, NULL) < 0 ||
        fl_sock_listen_tcp("127.0.0.1:0", &fd, NULL) < 0 || fl_httpd_listen(httpd, fd, NULL) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        abort();
    fl_httpd_use(httpd, tls);
}

static atomic_bool copied;
static struct fl_httpd_stat stat_copy;

static void copy_stat(void *ctx)
{
    stat_copy = *fl_httpd_stat(httpd);
    atomic_store(&copied, true);
    (void)ctx;
}

static struct fl_httpd_stat stat_now(void)
{
    atomic_store(&copied, false);
    if (fl_loop_post(loop, copy_stat, NULL) < 0)
        abort();
    while (!atomic_load(&copied))
        usleep(1000);
    return stat_copy;
}

/* Until nothing is open; false: it took too long. */
static bool all_gone(void)
{
    for (int i = 0; i < WAIT_S * 100; i++) {
        if (stat_now().open == 0)
            return true;
        usleep(10000);
    }
    return false;
}

/* ---- the client's side ---- */

struct client {
    int fd;
    SSL *ssl; /* NULL: no handshake was made */
    char text[64 << 10];
    size_t len;
};

static SSL_CTX *client_ctx;
static SSL_SESSION *session;

static int on_session(SSL *ssl, SSL_SESSION *fresh)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = fresh;
    return 1;
}

static int dial(const char *from)
{
    const struct timeval limit = {.tv_sec = WAIT_S};
    struct sockaddr_in source = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (inet_pton(AF_INET, from, &source.sin_addr) != 1 ||
        bind(fd, (const struct sockaddr *)&source, sizeof source) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        abort();
    return fd;
}

static bool open_from(struct client *c, const char *from)
{
    static const unsigned char protocols[] = "\x08http/1.1";

    c->fd = dial(from);
    c->len = 0;
    c->ssl = SSL_new(client_ctx);
    SSL_set_fd(c->ssl, c->fd);
    (void)SSL_set_alpn_protos(c->ssl, protocols, sizeof protocols - 1);
    if (session != NULL)
        SSL_set_session(c->ssl, session);
    return SSL_connect(c->ssl) == 1;
}

static bool open_one(struct client *c)
{
    return open_from(c, "127.0.0.1");
}

static void close_one(struct client *c)
{
    (void)SSL_shutdown(c->ssl); /* else its session is not used again */
    SSL_free(c->ssl);
    (void)close(c->fd);
}

static void say(struct client *c, const char *text)
{
    if (SSL_write(c->ssl, text, (int)strlen(text)) <= 0)
        printf("# the server did not take: %.40s\n", text);
}

/* Read until text has come; false: the end or the time came before. What follows it stays. */
static bool hear(struct client *c, const char *text)
{
    const char *at;
    int n;

    for (;;) {
        c->text[c->len] = '\0';
        at = strstr(c->text, text);
        if (at != NULL) {
            size_t used = (size_t)(at - c->text) + strlen(text);

            memmove(c->text, c->text + used, c->len - used);
            c->len -= used;
            return true;
        }
        if (c->len + 1 >= sizeof c->text)
            return false;
        n = SSL_read(c->ssl, c->text + c->len, (int)(sizeof c->text - 1 - c->len));
        if (n <= 0)
            return false;
        c->len += (size_t)n;
    }
}

/* The server said goodbye (close_notify or an end of the stream). */
static bool ends(struct client *c)
{
    char bytes[4096];

    while (SSL_read(c->ssl, bytes, sizeof bytes) > 0)
        ;
    return SSL_get_shutdown(c->ssl) != 0 || recv(c->fd, bytes, 1, 0) <= 0;
}

static void check_answers(void)
{
    struct client c;
    bool fine = true;

    CHECK(open_one(&c), "a handshake");
    CHECK(SSL_version(c.ssl) == TLS1_3_VERSION, "TLS 1.3");
    for (int i = 0; i < 3; i++) {
        say(&c, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        fine = fine && hear(&c, "HTTP/1.1 200 OK\r\nDate: ") &&
               hear(&c, "X-A: b\r\nContent-Length: 9\r\n\r\n127.0.0.1") && c.len == 0;
    }
    CHECK(fine, "three answers on one connection");
    say(&c, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 "
            "HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(hear(&c, "Content-Length: 0\r\n\r\nHTTP/1.1 200") &&
              hear(&c, "Content-Length: 9\r\n\r\n127.0.0.1HTTP/1.1 200") &&
              hear(&c, "Content-Length: 9\r\n\r\nHTTP/1.1 200"),
          "requests sent ahead are answered in order; HEAD has no body");
    CHECK(hear(&c, "Transfer-Encoding: chunked\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\nX-Sum: "
                   "7\r\n\r\n") &&
              c.len == 0,
          "a streamed answer with its trailer");
    say(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    CHECK(hear(&c, "HTTP/1.1 100 Continue\r\n\r\n"), "a client that waits is told to go on");
    say(&c, "01234");
    say(&c, "56789");
    CHECK(hear(&c, "\r\n\r\n0123456789") && c.len == 0, "a body in pieces");
    say(&c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(hear(&c, "Connection: close\r\n\r\n127.0.0.1") && ends(&c), "closed as asked");
    close_one(&c);
    CHECK(open_one(&c), "a second connection");
    CHECK(SSL_session_reused(c.ssl) == 1, "its session is resumed");
    say(&c, "GET /stream HTTP/1.0\r\n\r\n");
    CHECK(hear(&c, "Connection: close\r\n\r\none two") && ends(&c),
          "HTTP/1.0 gets a stream that ends with the connection");
    close_one(&c);
    CHECK(open_one(&c), "a third connection");
    say(&c, "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(ends(&c), "an answer that is cut ends the connection");
    close_one(&c);
}

static void check_blob(void)
{
    struct client c;
    size_t got = 0;
    bool same = true;
    int n;

    CHECK(open_one(&c), "a connection for a large file");
    say(&c, "GET /blob HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(hear(&c, "Content-Length: 1048576\r\n\r\n"), "its head");
    do {
        for (size_t i = 0; i < c.len; i++, got++)
            same = same && (unsigned char)c.text[i] == (unsigned char)(got * 7 + got / 251);
        c.len = 0;
        n = got < BLOB_BYTES ? SSL_read(c.ssl, c.text, sizeof c.text) : 0;
        c.len = n > 0 ? (size_t)n : 0;
    } while (c.len > 0);
    CHECK(same && got == BLOB_BYTES, "and its bytes");
    close_one(&c);
}

static void check_refusals(void)
{
    static const struct {
        const char *request, *answer, *name;
    } cases[] = {
        {"GET /\r\n\r\n", "HTTP/1.1 400 ", "no HTTP"},
        {"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", "Allow: GET, HEAD, POST, PUT, PATCH, DELETE\r\n",
         "a method that is not answered"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\nbytes", "HTTP/1.1 413 ",
         "a body over its maximum"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 411 ", "a body without a length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
         "chunked\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 400 ", "a body with two lengths"},
    };
    static char large[40000];
    struct client c;

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        bool fine = open_one(&c);

        say(&c, cases[i].request);
        fine = fine && hear(&c, cases[i].answer);
        CHECK(fine && hear(&c, "Connection: close\r\n") && ends(&c), cases[i].name);
        close_one(&c);
    }
    memset(large, 'a', sizeof large - 1);
    memcpy(large, "GET /", 5);
    CHECK(open_one(&c), "a connection");
    say(&c, large);
    CHECK(hear(&c, "HTTP/1.1 414 ") && ends(&c), "a path without an end");
    close_one(&c);
    memcpy(large, "GET / HTTP/1.1\r\nA: ", 19);
    CHECK(open_one(&c), "a connection");
    say(&c, large);
    CHECK(hear(&c, "HTTP/1.1 431 ") && ends(&c), "fields without an end");
    close_one(&c);
}

/* Is the answer to a request that is never finished, sent byte by byte, as wanted? second: after
 * one that was answered. */
static bool drip(bool second, const char *text, const char *want)
{
    const struct timeval brief = {.tv_usec = 20000}, limit = {.tv_sec = WAIT_S};
    int64_t until_us = fl_now_mono_us() + WAIT_S * FL_US_PER_S;
    struct client c;
    bool told = open_one(&c);
    char byte;

    if (second) {
        say(&c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        told = told && hear(&c, "127.0.0.1");
    }
    say(&c, text);
    (void)setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
    while (told && fl_now_mono_us() < until_us && SSL_write(c.ssl, "a", 1) == 1 &&
           SSL_peek(c.ssl, &byte, 1) != 1)
        ;
    (void)setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    told = told && fl_now_mono_us() < until_us && hear(&c, want) && ends(&c);
    close_one(&c);
    return told;
}

static void check_deadlines(void)
{
    struct fl_httpd_stat before = stat_now(), after;
    struct client c;
    char byte;
    int fd = dial("127.0.0.1");

    CHECK(recv(fd, &byte, 1, 0) == 0, "who does not begin TLS is ended");
    (void)close(fd);
    CHECK(drip(false, "GET / HTTP/1.1\r\nA: ", "HTTP/1.1 408 "), "a head that comes byte by byte");
    CHECK(drip(true, "GET / HTTP/1.1\r\nA: ", "HTTP/1.1 408 "), "of a second request too");
    CHECK(
        drip(false, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n", "HTTP/1.1 408 "),
        "a body that comes byte by byte");
    CHECK(open_one(&c), "a connection");
    say(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    usleep(3 * SHORT_MS / 2 * 1000);
    say(&c, "body");
    CHECK(hear(&c, "\r\n\r\nbody"), "a body has more time than a head");
    say(&c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(hear(&c, "127.0.0.1") && ends(&c), "who asks for nothing more is ended");
    close_one(&c);
    after = stat_now();
    CHECK(after.late_handshake == before.late_handshake + 1 &&
              after.late_head == before.late_head + 2 && after.late_body == before.late_body + 1 &&
              after.idle_ended == before.idle_ended + 1,
          "each is counted");
}

static void check_caps(void)
{
    struct client c[IN_ALL + 1];
    struct fl_httpd_stat stat;
    bool fine = true;
    char byte;
    int fd;

    CHECK(all_gone(), "nothing is open");
    for (int i = 0; i < PER_SOURCE; i++) {
        fine = fine && open_one(&c[i]);
        say(&c[i], "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    CHECK(fine, "as many connections as a source may have");
    fd = dial("127.0.0.1");
    CHECK(recv(fd, &byte, 1, 0) <= 0, "one more is closed before TLS");
    (void)close(fd);
    for (int i = PER_SOURCE; i < IN_ALL; i++) {
        fine = fine && open_from(&c[i], "127.0.0.2");
        say(&c[i], "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    CHECK(fine, "another source has its own share");
    fd = dial("127.0.0.3");
    CHECK(recv(fd, &byte, 1, 0) <= 0, "but all together have a limit");
    (void)close(fd);
    stat = stat_now();
    CHECK(stat.refused_source == 1 && stat.refused_total == 1 && stat.open == IN_ALL &&
              stat.sources == 2,
          "each is counted");
    while (atomic_load(&holding) < IN_ALL)
        usleep(1000);
    for (int i = 0; i < IN_ALL; i++)
        close_one(&c[i]);
    CHECK(all_gone() && atomic_load(&left_calls) == IN_ALL, "who has asked and leaves is told of");
    CHECK(open_one(&c[0]), "and there is room again");
    close_one(&c[0]);
}

static void check_slow_readers(void)
{
    struct fl_httpd_stat before = stat_now();
    struct client c;
    const int small = 64 << 10;
    size_t got = 0;
    int n;

    CHECK(open_one(&c), "a connection");
    (void)setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say(&c, "GET /flood HTTP/1.0\r\n\r\n");
    CHECK(hear(&c, "\r\n\r\n"), "a large answer begins");
    for (got = c.len; (n = SSL_read(c.ssl, c.text, 3000)) > 0; got += (size_t)n)
        if (got % 7 == 0)
            usleep(50);
    CHECK(got == FLOOD_BYTES, "a slow reader gets all of it");
    close_one(&c);
    CHECK(atomic_load(&most_queued) <= FLOOD_AHEAD + (32 << 10),
          "and never had more waiting than allowed");
    CHECK(open_one(&c), "a connection");
    say(&c, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(all_gone(), "who does not read at all is ended");
    CHECK(stat_now().late_reader == before.late_reader + 1, "and counted");
    CHECK(atomic_load(&most_queued) <= FLOOD_AHEAD + (32 << 10), "with as little waiting");
    close_one(&c);
}

static void stop(void *ctx)
{
    fl_loop_stop(loop);
    (void)ctx;
}

int main(void)
{
    pthread_t thread;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)alarm(120);
    start();
    client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(client_ctx, on_session);
    if (pthread_create(&thread, NULL, serve, NULL) != 0)
        abort();
    check_answers();
    check_blob();
    check_refusals();
    check_deadlines();
    check_caps();
    check_slow_readers();
    if (fl_loop_post(loop, stop, NULL) < 0)
        abort();
    (void)pthread_join(thread, NULL);
    fl_httpd_free(httpd);
    fl_httpd_blob_unref(blob);
    fl_loop_free(loop);
    SSL_SESSION_free(session);
    SSL_CTX_free(client_ctx);
    return tap_done();
}
