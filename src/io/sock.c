#include "io/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

enum { BACKLOG = 1024, UDP_BUFFER_BYTES = 8 << 20 };

union any_addr {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static int bad_address(const char *text, struct fl_err *err)
{
    return fl_err_set(err, FL_E_INVAL,
                      "'%s' is no address with a port; write it as 192.0.2.1:6514 or [::]:6514",
                      text);
}

static int parse_address(const char *text, union any_addr *ret, socklen_t *ret_len,
                         struct fl_err *err)
{
    const char *colon = strrchr(text, ':');
    char host[64], *end;
    unsigned long port;
    size_t len;

    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return bad_address(text, err);
    port = strtoul(colon + 1, &end, 10);
    len = (size_t)(colon - text);
    if (*end != '\0' || port > 65535 || len >= sizeof host)
        return bad_address(text, err);
    memset(ret, 0, sizeof *ret);
    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        (void)snprintf(host, sizeof host, "%.*s", (int)len - 2, text + 1);
        ret->in6.sin6_family = AF_INET6;
        ret->in6.sin6_port = htons((uint16_t)port);
        *ret_len = sizeof ret->in6;
        if (inet_pton(AF_INET6, host, &ret->in6.sin6_addr) == 1)
            return FL_OK;
    } else {
        (void)snprintf(host, sizeof host, "%.*s", (int)len, text);
        ret->in.sin_family = AF_INET;
        ret->in.sin_port = htons((uint16_t)port);
        *ret_len = sizeof ret->in;
        if (inet_pton(AF_INET, host, &ret->in.sin_addr) == 1)
            return FL_OK;
    }
    return bad_address(text, err);
}

static int refused(const char *address, const char *what, int errnum, struct fl_err *err)
{
    switch (errnum) {
    case EADDRINUSE:
        return fl_err_set(err, FL_E_EXISTS,
                          "another program listens on %s (%s) already; stop it or choose another "
                          "port",
                          address, what);
    case EACCES:
    case EPERM:
        return fl_err_set(err, FL_E_DENIED,
                          "the system does not allow this user to listen on %s (%s); choose a port "
                          "from 1024 on or start as root",
                          address, what);
    case EADDRNOTAVAIL:
        return fl_err_set(err, FL_E_INVAL, "%s (%s) is not an address of this machine", address,
                          what);
    default:
        return fl_err_sys(err, FL_E_IO, errnum, "listen on %s (%s)", address, what);
    }
}

static void set_on(int fd, int level, int option)
{
    const int on = 1;

    (void)setsockopt(fd, level, option, &on, sizeof on); /* a convenience: its lack is no failure */
}

static int bind_inet(const char *address, int type, int *ret_fd, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    const char *what = type == SOCK_STREAM ? "TCP" : "UDP";
    union any_addr addr = {.in6 = {.sin6_family = AF_UNSPEC}};
    const int off = 0;
    socklen_t len = 0;
    int r = parse_address(address, &addr, &len, err);

    if (r < 0)
        return r;
    fd = socket(addr.sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return refused(address, what, errno, err);
    if (addr.sa.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (type == SOCK_STREAM) {
        set_on(fd, SOL_SOCKET, SO_REUSEADDR);
        set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    }
    if (bind(fd, &addr.sa, len) < 0)
        return refused(address, what, errno, err);
    if (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
        return refused(address, what, errno, err);
    *ret_fd = fd;
    fd = -1;
    return FL_OK;
}

int fl_sock_listen_tcp(const char *address, int *ret_fd, struct fl_err *err)
{
    return bind_inet(address, SOCK_STREAM, ret_fd, err);
}

int fl_sock_bind_udp(const char *address, int *ret_fd, struct fl_err *err)
{
    const int bytes = UDP_BUFFER_BYTES;
    int fd = -1, r = bind_inet(address, SOCK_DGRAM, &fd, err);

    if (r < 0)
        return r;
    set_on(fd, SOL_SOCKET, SO_RXQ_OVFL);
    /* Linux answers ENOTCONN and closes the sending side all the same: a process that was taken
     * over cannot send from it. */
    (void)shutdown(fd, SHUT_WR);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    *ret_fd = fd;
    return FL_OK;
}

/* Make way for a new socket at addr: remove one that nobody serves. */
static int clear_stale(const struct sockaddr_un *addr, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int probe = -1;
    struct stat st;

    if (lstat(addr->sun_path, &st) < 0)
        return FL_OK;
    if (!S_ISSOCK(st.st_mode))
        return fl_err_set(err, FL_E_EXISTS,
                          "%s is there and is no socket; remove it or choose "
                          "another path for local_socket",
                          addr->sun_path);
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return fl_err_sys(err, FL_E_IO, errno, "make a socket");
    if (connect(probe, (const struct sockaddr *)addr, sizeof *addr) == 0 || errno == EAGAIN)
        return fl_err_set(err, FL_E_EXISTS,
                          "another fairleadd serves %s already; stop it or choose "
                          "another path for local_socket",
                          addr->sun_path);
    (void)unlink(addr->sun_path);
    return FL_OK;
}

int fl_sock_listen_unix(const char *path, mode_t mode, int *ret_fd, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int r;

    if (strlen(path) >= sizeof addr.sun_path)
        return fl_err_set(err, FL_E_INVAL, "the path %s is too long for a socket (%zu bytes)", path,
                          sizeof addr.sun_path - 1);
    (void)snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    r = clear_stale(&addr, err);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || fchmod(fd, mode & 0777) < 0 ||
        bind(fd, (const struct sockaddr *)&addr, sizeof addr) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "make the socket %s", path);
    if (chmod(path, mode) < 0 || listen(fd, BACKLOG) < 0) /* bind() applies the umask */
        return fl_err_sys(err, FL_E_IO, errno, "listen on the socket %s", path);
    *ret_fd = fd;
    fd = -1;
    return FL_OK;
}

void fl_sock_name(int fd, char ret_text[FL_SOCK_TEXT_BYTES])
{
    union any_addr addr = {.in6 = {.sin6_family = AF_UNSPEC}};
    socklen_t len = sizeof addr;
    char host[INET6_ADDRSTRLEN];

    (void)snprintf(ret_text, FL_SOCK_TEXT_BYTES, "unknown");
    memset(&addr, 0, sizeof addr);
    if (getsockname(fd, &addr.sa, &len) < 0)
        return;
    if (addr.sa.sa_family == AF_INET6 &&
        inet_ntop(AF_INET6, &addr.in6.sin6_addr, host, sizeof host) != NULL)
        (void)snprintf(ret_text, FL_SOCK_TEXT_BYTES, "[%s]:%u", host,
                       (unsigned)ntohs(addr.in6.sin6_port));
    if (addr.sa.sa_family == AF_INET &&
        inet_ntop(AF_INET, &addr.in.sin_addr, host, sizeof host) != NULL)
        (void)snprintf(ret_text, FL_SOCK_TEXT_BYTES, "%s:%u", host,
                       (unsigned)ntohs(addr.in.sin_port));
}

int fl_sock_pair(int ret_fds[2], struct fl_err *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_fds) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "make a pair of sockets");
    return FL_OK;
}
