/*
 * bench-flood ADDRESS PORT FORM FILE LINES FOLDER...: sends the octet-counted lines of FILE over as
 * many TLS connections as folders are named (each with ca.pem, cert.pem, key.pem; "-" connects
 * without a certificate, "plain" without TLS), the lines in turn, as fast as they are taken, and
 * waits until the other side has read everything and closed. FORM is "full" (records of up to
 * 16 KiB) or "line" (one record a line). The file is read again from its start until LINES are
 * sent. Prints the lines sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RECORD_BYTES = 16384,
    CONNS_MAX = 4096,
    TURN = 16,
    QUIET_MS = 60000,
    TRIES = 300,
    PAUSE_US = 100000
};

struct conn {
    SSL *ssl; /* NULL: plain */
    int fd;
    bool ended; /* everything was written */
    size_t len, done;
    unsigned char bytes[RECORD_BYTES];
};

struct source { /* the file, as a circle of lines */
    const unsigned char *bytes;
    size_t len, at;
    uint64_t left;
    bool line_each;
};

static _Noreturn void fail(const char *what)
{
    unsigned long code = ERR_get_error();
    int error = errno;

    (void)fprintf(stderr, "bench-flood: %s: %s\n", what,
                  code != 0 ? ERR_reason_error_string(code) : strerror(error));
    exit(1);
}

static void source_open(struct source *s, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *map;

    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
        fail(path);
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (map == MAP_FAILED)
        fail(path);
    (void)close(fd);
    s->bytes = map;
    s->len = (size_t)st.st_size;
}

/* The next line with its count; 0: no more are to be sent. */
static size_t source_peek(struct source *s)
{
    size_t i = s->at, n = 0;

    if (s->left == 0)
        return 0;
    while (i < s->len && s->bytes[i] >= '0' && s->bytes[i] <= '9' && n < RECORD_BYTES)
        n = n * 10 + (size_t)(s->bytes[i++] - '0');
    n += i + 1 - s->at;
    if (n > RECORD_BYTES || n > s->len - s->at) {
        errno = EINVAL;
        fail("a line of the file");
    }
    return n;
}

static void source_take(struct source *s, size_t n)
{
    s->at = s->at + n == s->len ? 0 : s->at + n;
    s->left--;
}

/* Fill a connection's next record. */
static void fill(struct conn *c, struct source *s)
{
    size_t n;

    c->len = c->done = 0;
    while ((n = source_peek(s)) > 0 && n <= RECORD_BYTES - c->len) {
        memcpy(c->bytes + c->len, s->bytes + s->at, n);
        c->len += n;
        source_take(s, n);
        if (s->line_each)
            return;
    }
}

static SSL_CTX *context(const char *folder)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char path[4096];

    if (ctx == NULL)
        fail("TLS");
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
    if (strcmp(folder, "-") == 0)
        return ctx;
    (void)snprintf(path, sizeof path, "%s/cert.pem", folder);
    if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1)
        fail(path);
    (void)snprintf(path, sizeof path, "%s/key.pem", folder);
    if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
        fail(path);
    (void)snprintf(path, sizeof path, "%s/ca.pem", folder);
    if (SSL_CTX_load_verify_locations(ctx, path, NULL) != 1)
        fail(path);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

/* False: the other side does not want it now. */
static bool conn_try(struct conn *c, const struct sockaddr_in *to, SSL_CTX *ctx)
{
    int one = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        fail("socket");
    if (connect(c->fd, (const struct sockaddr *)to, sizeof *to) != 0)
        return false;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (ctx == NULL)
        return true;
    c->ssl = SSL_new(ctx);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
        fail("TLS");
    return SSL_connect(c->ssl) == 1;
}

/* A server that limits handshakes is asked again, as a device would. */
static struct conn *conn_open(const char *address, const char *port, const char *folder)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct conn *c = calloc(1, sizeof *c);
    SSL_CTX *ctx = strcmp(folder, "plain") == 0 ? NULL : context(folder);

    to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    if (c == NULL || inet_pton(AF_INET, address, &to.sin_addr) != 1)
        fail("address");
    for (int i = 0; !conn_try(c, &to, ctx); i++) {
        if (i == TRIES)
            fail("handshake");
        SSL_free(c->ssl);
        c->ssl = NULL;
        (void)close(c->fd);
        ERR_clear_error();
        (void)usleep(PAUSE_US);
    }
    SSL_CTX_free(ctx);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        fail("socket");
    return c;
}

/* Bytes taken; 0: the socket is full. */
static size_t conn_write(struct conn *c)
{
    const unsigned char *from = c->bytes + c->done;
    size_t n = 0;
    ssize_t sent;
    int r;

    if (c->ssl == NULL) {
        sent = write(c->fd, from, c->len - c->done);
        if (sent < 0 && errno != EAGAIN)
            fail("write");
        return sent < 0 ? 0 : (size_t)sent;
    }
    r = SSL_write_ex(c->ssl, from, c->len - c->done, &n);
    if (r != 1 && SSL_get_error(c->ssl, r) != SSL_ERROR_WANT_WRITE)
        fail("the other side ended the connection");
    return r == 1 ? n : 0;
}

static void conn_end(struct conn *c)
{
    c->ended = true;
    if (c->ssl != NULL)
        (void)SSL_shutdown(c->ssl);
    (void)shutdown(c->fd, SHUT_WR);
}

/* Some records of a connection; false: there is nothing more for it. */
static bool conn_pump(struct conn *c, struct source *s)
{
    for (int i = 0; i < TURN; i++) {
        size_t n;

        if (c->done == c->len)
            fill(c, s);
        if (c->len == 0) {
            conn_end(c);
            return false;
        }
        if ((n = conn_write(c)) == 0)
            return true;
        c->done += n;
    }
    return true;
}

/* Until the other side has closed. */
static void conn_wait(struct conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    unsigned char bytes[4096];

    while (poll(&p, 1, QUIET_MS) == 1) {
        ssize_t n = read(c->fd, bytes, sizeof bytes);

        if (n == 0 || (n < 0 && errno != EAGAIN))
            return;
    }
    (void)fputs("bench-flood: the other side does not close\n", stderr);
}

int main(int argc, char **argv)
{
    static struct conn *conns[CONNS_MAX];
    static struct pollfd polls[CONNS_MAX];
    struct source s = {0};
    int count = argc - 6, open_conns = count;

    if (argc < 7 || count > CONNS_MAX) {
        (void)fputs("usage: bench-flood ADDRESS PORT full|line FILE LINES FOLDER...\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    s.line_each = strcmp(argv[3], "line") == 0;
    s.left = strtoull(argv[5], NULL, 10);
    source_open(&s, argv[4]);
    for (int i = 0; i < count; i++) {
        conns[i] = conn_open(argv[1], argv[2], argv[6 + i]);
        polls[i] = (struct pollfd){.fd = conns[i]->fd, .events = POLLOUT};
    }
    while (open_conns > 0) {
        if (poll(polls, (nfds_t)count, -1) < 0)
            fail("poll");
        for (int i = 0; i < count; i++) {
            if (polls[i].revents == 0 || conns[i]->ended || conn_pump(conns[i], &s))
                continue;
            polls[i].fd = -1;
            open_conns--;
        }
    }
    for (int i = 0; i < count; i++)
        conn_wait(conns[i]);
    printf("%s\n", argv[5]);
    return 0;
}
