#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"
#include "base/time.h"
#include "io/httpd_conn.h"

enum {
    SWEEP_MS = 100,
    ACCEPTS_A_TURN = 64,
    UNSENT_BYTES = 64 << 10 /* that the kernel may hold of an answer besides what is on its way */
};

union any_addr {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* ---- sources ---- */

static void source_key(const union any_addr *addr, unsigned char ret_key[16])
{
    memset(ret_key, 0, 16);
    if (addr->sa.sa_family == AF_INET)
        memcpy(ret_key + 12, &addr->in.sin_addr, 4);
    else if (IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
        memcpy(ret_key + 12, addr->in6.sin6_addr.s6_addr + 12, 4);
    else
        memcpy(ret_key, &addr->in6.sin6_addr, 8); /* the rest is the holder's to choose */
}

static size_t slot_of(const struct fl_httpd *httpd, const unsigned char key[16])
{
    uint64_t h = httpd->seed;

    for (size_t i = 0; i < 16; i++)
        h = (h ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> 32) % FL_HTTPD_SOURCE_SLOTS;
}

/* NULL: it has its share, or there is no memory. */
static struct fl_httpd_source *source_enter(struct fl_httpd *httpd, const unsigned char key[16])
{
    struct fl_httpd_source **at = &httpd->sources[slot_of(httpd, key)];

    while (*at != NULL && memcmp((*at)->key, key, 16) != 0)
        at = &(*at)->next;
    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
        if (*at == NULL)
            return NULL;
        memcpy((*at)->key, key, 16);
        httpd->stat.sources++;
    }
    if ((*at)->count >= httpd->limits.per_source)
        return NULL;
    (*at)->count++;
    return *at;
}

void fl_httpd_source_leave(struct fl_httpd *httpd, struct fl_httpd_source *source)
{
    struct fl_httpd_source **at = &httpd->sources[slot_of(httpd, source->key)];

    if (--source->count > 0)
        return;
    while (*at != source)
        at = &(*at)->next;
    *at = source->next;
    httpd->stat.sources--;
    free(source);
}

static void peer_text(const union any_addr *addr, char ret[FL_HTTPD_PEER_BYTES])
{
    const void *bytes = &addr->in6.sin6_addr;
    int family = addr->sa.sa_family;

    if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr)) {
        family = AF_INET;
        bytes = addr->in6.sin6_addr.s6_addr + 12;
    } else if (family == AF_INET) {
        bytes = &addr->in.sin_addr;
    }
    if (inet_ntop(family, bytes, ret, FL_HTTPD_PEER_BYTES) == NULL)
        (void)snprintf(ret, FL_HTTPD_PEER_BYTES, "unknown");
}

/* ---- accepting ---- */

static int conn_open(struct fl_httpd *httpd, int fd, struct fl_httpd_req *c)
{
    const int unsent = UNSENT_BYTES;
    int r;

    c->httpd = httpd;
    c->fd = fd;
    c->first = true;
    fl_buf_init(&c->in, FL_HTTP_HEAD_MAX + FL_HTTP_TARGET_MAX + httpd->limits.body_bytes + 1024);
    fl_buf_init(&c->out, SIZE_MAX / 2); /* the caller's to bound: fl_httpd_queued() */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    r = fl_tls_accept(httpd->tls, fd, c, &c->tls, NULL);
    if (r == FL_OK)
        r = fl_watch_fd(httpd->loop, fd, FL_ON_READ, fl_httpd_ready, c, &c->watch, NULL);
    c->watching = FL_ON_READ;
    c->moved_us = fl_now_mono_us();
    c->deadline_us = c->moved_us + httpd->limits.handshake_ms * 1000;
    return r;
}

static void take(struct fl_httpd *httpd, int fd, const union any_addr *addr)
{
    struct fl_httpd_source *source;
    struct fl_httpd_req *c;
    unsigned char key[16];

    if (httpd->stat.open >= httpd->limits.connections) {
        httpd->stat.refused_total++;
        (void)close(fd);
        return;
    }
    source_key(addr, key);
    source = source_enter(httpd, key);
    if (source == NULL) {
        httpd->stat.refused_source++;
        (void)close(fd);
        return;
    }
    c = calloc(1, sizeof *c);
    if (c == NULL || conn_open(httpd, fd, c) < 0) {
        if (c != NULL) {
            fl_tls_free(c->tls);
            free(c);
        }
        (void)close(fd);
        fl_httpd_source_leave(httpd, source);
        return;
    }
    c->source = source;
    peer_text(addr, c->peer);
    TAILQ_INSERT_TAIL(&httpd->conns, c, link);
    httpd->stat.accepted++;
    httpd->stat.open++;
    httpd->stat.handshaking++;
}

static bool accepting(const struct fl_httpd *httpd)
{
    return httpd->tls != NULL && !httpd->closed && !httpd->resting;
}

static void set_accepting(struct fl_httpd *httpd)
{
    for (size_t i = 0; i < httpd->listener_count; i++)
        fl_watch_change(httpd->listeners[i].watch, accepting(httpd) ? FL_ON_READ : 0);
}

static void accept_from(struct fl_httpd *httpd, int listen_fd)
{
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        union any_addr addr = {.in6 = {.sin6_family = AF_UNSPEC}};
        socklen_t len = sizeof addr;
        int fd = accept4(listen_fd, &addr.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            take(httpd, fd, &addr);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            httpd->resting = true; /* else the loop would turn on it without an end */
            set_accepting(httpd);
        }
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

static void on_accept(void *ctx, int ready)
{
    struct fl_httpd *httpd = ctx;

    (void)ready;
    for (size_t i = 0; i < httpd->listener_count && accepting(httpd); i++)
        accept_from(httpd, httpd->listeners[i].fd);
}

int fl_httpd_listen(struct fl_httpd *httpd, int fd, struct fl_err *err)
{
    size_t n = httpd->listener_count;
    int r;

    if (n == FL_HTTPD_LISTENERS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "more than %u listeners", FL_HTTPD_LISTENERS_MAX);
    httpd->listeners[n].fd = fd;
    r = fl_watch_fd(httpd->loop, fd, accepting(httpd) ? FL_ON_READ : 0, on_accept, httpd,
                    &httpd->listeners[n].watch, err);
    httpd->listener_count += r == FL_OK;
    return r;
}

void fl_httpd_use(struct fl_httpd *httpd, struct fl_tls_ctx *tls)
{
    fl_tls_ctx_free(httpd->tls); /* connections that are there hold theirs */
    httpd->tls = tls;
    set_accepting(httpd);
}

void fl_httpd_close(struct fl_httpd *httpd)
{
    httpd->closed = true;
    set_accepting(httpd);
}

/* ---- time ---- */

const char *fl_httpd_date(struct fl_httpd *httpd)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(fl_now_us() / FL_US_PER_S);
    struct tm tm;

    if (now != (time_t)httpd->date_s && gmtime_r(&now, &tm) != NULL) {
        (void)snprintf(httpd->date, sizeof httpd->date, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                       days[tm.tm_wday % 7], tm.tm_mday, months[tm.tm_mon % 12],
                       (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
        httpd->date_s = (int64_t)now;
    }
    return httpd->date;
}

static void free_conn(struct fl_httpd *httpd, struct fl_httpd_req *c)
{
    TAILQ_REMOVE(&httpd->dead, c, link);
    free(c);
}

static void reap(struct fl_httpd *httpd)
{
    struct fl_httpd_req *c;

    while ((c = TAILQ_FIRST(&httpd->dead)) != NULL)
        free_conn(httpd, c);
}

static void on_turn(void *ctx)
{
    struct fl_httpd *httpd = ctx;
    struct fl_httpd_req *c;
    size_t count = 0;

    reap(httpd);
    TAILQ_FOREACH (c, &httpd->turns, turn)
        count++; /* those that come while this runs wait for the next turn */
    while (count-- > 0 && (c = TAILQ_FIRST(&httpd->turns)) != NULL) {
        TAILQ_REMOVE(&httpd->turns, c, turn);
        c->in_turns = false;
        if (c->broken)
            fl_httpd_drop(c);
        else
            fl_httpd_step(c);
    }
}

void fl_httpd_turn(struct fl_httpd_req *c)
{
    if (c->in_turns || c->state == FL_HTTPD_DEAD)
        return;
    c->in_turns = true;
    TAILQ_INSERT_TAIL(&c->httpd->turns, c, turn);
    fl_watch_rearm(c->httpd->turner, 0);
}

static void on_sweep(void *ctx)
{
    struct fl_httpd *httpd = ctx;
    struct fl_httpd_req *c, *next;
    int64_t now_us = fl_now_mono_us();
    int64_t stalled_us = now_us - httpd->limits.stall_ms * 1000;

    reap(httpd);
    for (c = TAILQ_FIRST(&httpd->conns); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->deadline_us <= now_us) {
            fl_httpd_late(c);
        } else if (fl_httpd_queued(c) > 0 && c->moved_us <= stalled_us) {
            httpd->stat.late_reader++;
            fl_httpd_drop(c);
        }
    }
    if (httpd->resting) {
        httpd->resting = false;
        set_accepting(httpd);
    }
}

/* ---- the server ---- */

int fl_httpd_new(struct fl_loop *loop, const struct fl_httpd_limits *limits,
                 const struct fl_httpd_ops *ops, struct fl_httpd **ret, struct fl_err *err)
{
    struct fl_httpd *httpd = calloc(1, sizeof *httpd);
    int r;

    if (httpd == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a web server");
    httpd->loop = loop;
    httpd->limits = *limits;
    httpd->ops = *ops;
    httpd->seed = fl_random_u64();
    TAILQ_INIT(&httpd->conns);
    TAILQ_INIT(&httpd->turns);
    TAILQ_INIT(&httpd->dead);
    r = fl_watch_timer(loop, SWEEP_MS, 1, on_sweep, httpd, &httpd->sweep, err);
    if (r == FL_OK)
        r = fl_watch_timer(loop, -1, 0, on_turn, httpd, &httpd->turner, err);
    if (r < 0) {
        fl_httpd_free(httpd);
        return r;
    }
    *ret = httpd;
    return FL_OK;
}

void fl_httpd_free(struct fl_httpd *httpd)
{
    struct fl_httpd_req *c;

    if (httpd == NULL)
        return;
    while ((c = TAILQ_FIRST(&httpd->conns)) != NULL)
        fl_httpd_drop(c);
    reap(httpd);
    for (size_t i = 0; i < httpd->listener_count; i++)
        fl_watch_free(httpd->listeners[i].watch);
    fl_watch_free(httpd->sweep);
    fl_watch_free(httpd->turner);
    fl_tls_ctx_free(httpd->tls);
    free(httpd);
}

const struct fl_httpd_stat *fl_httpd_stat(const struct fl_httpd *httpd)
{
    return &httpd->stat;
}
