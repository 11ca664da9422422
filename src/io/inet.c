#include "io/inet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEEP_IDLE_S = 60, KEEP_EVERY_S = 10, KEEP_TRIES = 6, RCVBUF_BYTES = 4 << 20 };

static const unsigned char V4_MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct fl_addr addr_of(const struct sockaddr_storage *ss)
{
    struct fl_addr addr = {{0}, 0};

    if (ss->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)ss;

        memcpy(addr.ip, V4_MAPPED, sizeof(V4_MAPPED));
        memcpy(addr.ip + 12, &v4->sin_addr, 4);
        addr.port = ntohs(v4->sin_port);
    } else if (ss->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)ss;

        memcpy(addr.ip, &v6->sin6_addr, 16);
        addr.port = ntohs(v6->sin6_port);
    }
    return addr;
}

void fl_addr_text(const struct fl_addr *addr, char text[FL_ADDR_TEXT_BYTES])
{
    char ip[INET6_ADDRSTRLEN] = "?";

    if (memcmp(addr->ip, V4_MAPPED, sizeof(V4_MAPPED)) == 0) {
        (void)inet_ntop(AF_INET, addr->ip + 12, ip, sizeof(ip));
        (void)snprintf(text, FL_ADDR_TEXT_BYTES, "%s:%u", ip, addr->port);
    } else {
        (void)inet_ntop(AF_INET6, addr->ip, ip, sizeof(ip));
        (void)snprintf(text, FL_ADDR_TEXT_BYTES, "[%s]:%u", ip, addr->port);
    }
}

static void set_int(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof(value));
}

int fl_inet_accept(int listen_fd, int *ret_fd, struct fl_addr *ret_peer, struct fl_err *err)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    int fd = accept4(listen_fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        switch (errno) {
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return fl_err_sys(err, FL_E_LIMIT, errno, "accepting a connection");
        case EAGAIN:
        case EINTR:
        case ECONNABORTED: /* it went away while it waited: look again when woken */
        case EPROTO:
            return fl_err_set(err, FL_E_AGAIN, "no connection waits");
        default:
            return fl_err_sys(err, FL_E_IO, errno, "accepting a connection");
        }
    }
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY_S);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_TRIES);
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    *ret_fd = fd;
    *ret_peer = addr_of(&ss);
    return FL_OK;
}

/* Split "host:port" or "[v6]:port" into copies. */
static int split_to(const char *to, char host[256], char port[8], struct fl_err *err)
{
    const char *colon = strrchr(to, ':');
    const char *from = to;
    size_t len;
    uint64_t number;

    if (colon == NULL || colon == to || !fl_span_u64(fl_span_str(colon + 1), &number) ||
        number == 0 || number > 65535)
        return fl_err_set(err, FL_E_INVAL, "'%s' is not HOST:PORT (an IPv6 address goes in [ ])",
                          to);
    len = (size_t)(colon - to);
    if (to[0] == '[' && colon[-1] == ']') {
        from = to + 1;
        len -= 2;
    }
    if (len == 0 || len >= 256)
        return fl_err_set(err, FL_E_INVAL, "'%s' has no usable host name", to);
    memcpy(host, from, len);
    host[len] = '\0';
    (void)snprintf(port, 8, "%u", (unsigned)number);
    return FL_OK;
}

static int connect_one(const struct addrinfo *ai, int64_t timeout_ms, int *ret_fd,
                       struct fl_err *err)
{
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
    int bad = 0;
    socklen_t len = sizeof(bad);
    struct pollfd pfd = {.fd = fd, .events = POLLOUT};

    if (fd < 0)
        return fl_err_sys(err, FL_E_IO, errno, "making a socket");
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0) {
        bad = errno;
        if (bad == EINPROGRESS) {
            if (poll(&pfd, 1, timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms) != 1) {
                close(fd);
                return fl_err_set(err, FL_E_TIMEOUT, "connecting: no answer in %lld ms",
                                  (long long)timeout_ms);
            }
            if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &bad, &len) != 0)
                bad = errno;
        }
    }
    if (bad != 0) {
        close(fd);
        return fl_err_sys(err, FL_E_IO, bad, "connecting");
    }
    if (ai->ai_socktype == SOCK_STREAM)
        set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    *ret_fd = fd;
    return FL_OK;
}

int fl_inet_connect(const char *to, int datagram, int64_t timeout_ms, int *ret_fd,
                    struct fl_err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = datagram ? SOCK_DGRAM : SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char host[256], port[8];
    int rc = split_to(to, host, port, err);
    int gai;

    if (rc != FL_OK)
        return rc;
    gai = getaddrinfo(host, port, &hints, &list);
    if (gai != 0)
        return fl_err_set(err, FL_E_NOENT, "'%s': %s", host, gai_strerror(gai));
    rc = fl_err_set(err, FL_E_NOENT, "'%s' has no address", host);
    for (const struct addrinfo *ai = list; ai != NULL && rc != FL_OK; ai = ai->ai_next)
        rc = connect_one(ai, timeout_ms, ret_fd, err);
    freeaddrinfo(list);
    return rc == FL_OK ? FL_OK : fl_err_wrap(err, "'%s'", to);
}

int fl_inet_read(int fd, void *buf, size_t cap, size_t *ret_n, struct fl_err *err)
{
    ssize_t n;

    do
        n = recv(fd, buf, cap, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return fl_err_set(err, FL_E_AGAIN, "nothing to read");
    if (n < 0)
        return fl_err_sys(err, FL_E_IO, errno, "reading");
    *ret_n = (size_t)n;
    return FL_OK;
}

int fl_inet_write(int fd, struct fl_span bytes, size_t *ret_n, struct fl_err *err)
{
    ssize_t n;

    do
        n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
        return fl_err_set(err, FL_E_AGAIN, "the peer does not read");
    if (n < 0)
        return fl_err_sys(err, FL_E_IO, errno, "writing");
    *ret_n = (size_t)n;
    return FL_OK;
}

void fl_inet_write_end(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

struct fl_dgrams {
    int fd;
    uint32_t dropped; /* the kernel's count, as last seen */
    struct fl_dgram out[FL_DGRAM_BATCH];
    struct mmsghdr hdr[FL_DGRAM_BATCH];
    struct iovec iov[FL_DGRAM_BATCH];
    struct sockaddr_storage from[FL_DGRAM_BATCH];
    _Alignas(struct cmsghdr) unsigned char control[FL_DGRAM_BATCH][64];
    unsigned char room[FL_DGRAM_BATCH][FL_DGRAM_MAX_BYTES];
};

int fl_dgrams_new(int fd, struct fl_dgrams **ret, struct fl_err *err)
{
    struct fl_dgrams *d = malloc(sizeof(*d)); /* untouched pages cost nothing */

    if (d == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for datagrams");
    d->fd = fd;
    d->dropped = 0;
    set_int(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF_BYTES);
    set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    *ret = d;
    return FL_OK;
}

void fl_dgrams_free(struct fl_dgrams *d)
{
    free(d);
}

/* The control message is there only once something was dropped. */
static uint32_t newly_dropped(struct fl_dgrams *d, struct msghdr *hdr)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
        uint32_t total, fresh;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&total, CMSG_DATA(c), sizeof(total));
        fresh = total - d->dropped; /* the kernel's count wraps as ours does */
        d->dropped = total;
        return fresh;
    }
    return 0;
}

int fl_dgrams_read(struct fl_dgrams *d, const struct fl_dgram **ret, struct fl_err *err)
{
    int n;

    for (size_t i = 0; i < FL_DGRAM_BATCH; i++) {
        d->iov[i] = (struct iovec){d->room[i], FL_DGRAM_MAX_BYTES};
        d->hdr[i].msg_hdr = (struct msghdr){.msg_name = &d->from[i],
                                            .msg_namelen = sizeof(d->from[i]),
                                            .msg_iov = &d->iov[i],
                                            .msg_iovlen = 1,
                                            .msg_control = d->control[i],
                                            .msg_controllen = sizeof(d->control[i])};
    }
    do
        n = recvmmsg(d->fd, d->hdr, FL_DGRAM_BATCH, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return fl_err_set(err, FL_E_AGAIN, "no datagram waits");
    if (n < 0)
        return fl_err_sys(err, FL_E_IO, errno, "reading datagrams");
    for (int i = 0; i < n; i++)
        d->out[i] = (struct fl_dgram){
            .bytes = fl_span_of(d->room[i], d->hdr[i].msg_len),
            .from = addr_of(&d->from[i]),
            .dropped = newly_dropped(d, &d->hdr[i].msg_hdr),
        };
    *ret = d->out;
    return n;
}
