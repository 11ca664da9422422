#include "cli/send.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "io/inet.h"
#include "trust/cert.h"

enum { CONNECT_MS = 10 * 1000, PEM_MAX_BYTES = 64 * 1024 };

struct fl_sender {
    struct fl_sender_config config;
    int fd;
    struct fl_tls *tls;
    struct fl_buf out;
    size_t at;          /* of out, already written */
    size_t line_left;   /* of the line that is half written */
    bool want_write;    /* the socket was full */
    bool read_to_write; /* TLS has to read before it can write */
    uint64_t bytes;
};

static int wait_for(int fd, short events, int64_t until_us, struct fl_err *err)
{
    struct pollfd pfd = {.fd = fd, .events = events};
    int64_t left_us = until_us - fl_now_mono_us();

    if (left_us <= 0 || poll(&pfd, 1, (int)(left_us / 1000) + 1) == 0)
        return fl_err_set(err, FL_E_TIMEOUT, "no answer in time");
    return FL_OK;
}

static short events_of(enum fl_tls_want want)
{
    return want == FL_TLS_WANT_WRITE ? POLLOUT : POLLIN;
}

static int shake(struct fl_sender *s, struct fl_err *err)
{
    int64_t until_us = fl_now_mono_us() + CONNECT_MS * INT64_C(1000);
    enum fl_tls_want want = FL_TLS_WANT_READ;
    int rc;

    while ((rc = fl_tls_handshake(s->tls, &want, err)) == FL_E_AGAIN) {
        rc = wait_for(s->fd, events_of(want), until_us, err);
        if (rc != FL_OK)
            break;
    }
    return rc == FL_OK ? FL_OK : fl_err_wrap(err, "'%s'", s->config.to);
}

int fl_sender_new(const struct fl_sender_config *config, struct fl_sender **ret, struct fl_err *err)
{
    struct fl_sender *s = calloc(1, sizeof(*s));
    int rc;

    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a connection");
    s->config = *config;
    s->fd = -1;
    fl_buf_init(&s->out, FL_SENDER_BUFFER_BYTES);
    rc = fl_inet_connect(config->to, config->datagrams, CONNECT_MS, &s->fd, err);
    if (rc == FL_OK && config->tls != NULL)
        rc = fl_tls_connect(config->tls, s->fd, &s->tls, err);
    if (rc == FL_OK && s->tls != NULL)
        rc = shake(s, err);
    if (rc != FL_OK) {
        fl_sender_free(s);
        return rc;
    }
    *ret = s;
    return FL_OK;
}

void fl_sender_free(struct fl_sender *s)
{
    if (s == NULL)
        return;
    fl_tls_free(s->tls);
    fl_fd_close(&s->fd);
    fl_buf_done(&s->out);
    free(s);
}

int fl_sender_put(struct fl_sender *s, struct fl_span line, struct fl_err *err)
{
    size_t need = line.len + 24; /* count, space, newline */

    if (need > FL_SENDER_BUFFER_BYTES)
        return fl_err_set(err, FL_E_LIMIT, "a line of %zu bytes is over the limit of %zu", line.len,
                          FL_SENDER_BUFFER_BYTES - 24);
    if (s->out.len + need > FL_SENDER_BUFFER_BYTES && s->at > 0) {
        fl_buf_consume(&s->out, s->at);
        s->at = 0;
    }
    if (s->out.len + need > FL_SENDER_BUFFER_BYTES)
        return fl_err_set(err, FL_E_AGAIN, "the other side does not read");
    if (s->config.framing == FL_SENDER_OCTET && !s->config.datagrams)
        fl_buf_printf(&s->out, "%zu ", line.len);
    fl_buf_put_span(&s->out, line);
    if (s->config.framing == FL_SENDER_NEWLINE || s->config.datagrams)
        fl_buf_put_u8(&s->out, '\n');
    return fl_buf_status(&s->out, err);
}

/* Bytes of the next write: a line where lines go alone, else what there is. */
static size_t next_len(struct fl_sender *s)
{
    const unsigned char *from = s->out.ptr + s->at;
    size_t len = s->out.len - s->at, count = 0, i = 0;
    const unsigned char *end;

    if (s->line_left > 0)
        return s->line_left;
    if (!s->config.datagrams && !s->config.record_per_line)
        return len;
    if (s->config.framing == FL_SENDER_OCTET && !s->config.datagrams) {
        while (i < len && from[i] >= '0' && from[i] <= '9')
            count = count * 10 + (size_t)(from[i++] - '0');
        return i + 1 + count; /* our own framing: always whole */
    }
    end = memchr(from, '\n', len);
    return end == NULL ? len : (size_t)(end - from) + 1;
}

static int write_some(struct fl_sender *s, struct fl_span bytes, size_t *ret_n, struct fl_err *err)
{
    enum fl_tls_want want = FL_TLS_WANT_WRITE;
    int rc;

    if (s->tls != NULL) {
        rc = fl_tls_write(s->tls, bytes, ret_n, &want, err);
    } else {
        if (s->config.datagrams)
            bytes.len--; /* its newline only marks where it ends */
        rc = fl_inet_write(s->fd, bytes, ret_n, err);
        if (rc == FL_OK && s->config.datagrams)
            ++*ret_n;
    }
    s->want_write = rc == FL_E_AGAIN && want == FL_TLS_WANT_WRITE;
    s->read_to_write = rc == FL_E_AGAIN && want == FL_TLS_WANT_READ;
    return rc;
}

/* What comes back is nothing, the end, or the alert that says why. *ret_end: it ended cleanly. */
static int read_back(struct fl_sender *s, bool *ret_end, struct fl_err *err)
{
    enum fl_tls_want want = FL_TLS_WANT_READ;
    unsigned char sink[256];
    size_t n = 1;
    int rc = FL_OK;

    *ret_end = false;
    while (rc == FL_OK && n > 0)
        rc = s->tls != NULL ? fl_tls_read(s->tls, sink, sizeof(sink), &n, &want, err)
                            : fl_inet_read(s->fd, sink, sizeof(sink), &n, err);
    if (rc == FL_E_AGAIN)
        return FL_OK;
    *ret_end = rc == FL_OK;
    return rc;
}

int fl_sender_pump(struct fl_sender *s, struct fl_err *err)
{
    bool ended = false;
    int rc = FL_OK;

    if (!s->config.datagrams) {
        rc = read_back(s, &ended, err);
        if (rc == FL_OK && ended)
            rc = fl_err_set(err, FL_E_IO, "the other side ended the connection");
    }
    while (rc == FL_OK && s->at < s->out.len) {
        size_t len = next_len(s), n = 0;

        rc = write_some(s, fl_span_of(s->out.ptr + s->at, len), &n, err);
        if (rc != FL_OK)
            break;
        s->at += n;
        s->bytes += n;
        s->line_left = len - n;
        if (!s->config.record_per_line)
            s->line_left = 0;
    }
    if (s->at == s->out.len) {
        fl_buf_clear(&s->out);
        s->at = 0;
    }
    if (rc == FL_E_AGAIN)
        return FL_OK;
    if (rc == FL_E_IO && !ended && !s->config.datagrams) {
        struct fl_err first = *err;

        /* writing fails before the alert that explains it was read */
        if (read_back(s, &ended, err) != FL_E_DENIED)
            *err = first;
        rc = err->code;
    }
    return rc == FL_OK ? FL_OK : fl_err_wrap(err, "'%s'", s->config.to);
}

size_t fl_sender_waiting(const struct fl_sender *s)
{
    return s->out.len - s->at;
}

int fl_sender_fd(const struct fl_sender *s)
{
    return s->fd;
}

short fl_sender_events(const struct fl_sender *s)
{
    bool write = fl_sender_waiting(s) > 0 && !s->read_to_write;

    return (short)(POLLIN | (write ? POLLOUT : 0));
}

uint64_t fl_sender_bytes(const struct fl_sender *s)
{
    return s->bytes;
}

const char *fl_sender_version(struct fl_sender *s)
{
    return s->tls == NULL ? "plain" : fl_tls_version(s->tls);
}

int fl_sender_end(struct fl_sender *s, int64_t timeout_ms, struct fl_err *err)
{
    int64_t until_us = fl_now_mono_us() + timeout_ms * 1000;
    bool ended = false;
    int rc = fl_sender_pump(s, err);

    while (rc == FL_OK && fl_sender_waiting(s) > 0) {
        rc = wait_for(s->fd, fl_sender_events(s), until_us, err);
        if (rc == FL_OK)
            rc = fl_sender_pump(s, err);
    }
    if (rc != FL_OK || s->config.datagrams)
        return rc;
    if (s->tls != NULL)
        fl_tls_end(s->tls);
    fl_inet_write_end(s->fd);
    while (rc == FL_OK && !ended) {
        rc = wait_for(s->fd, POLLIN, until_us, err);
        if (rc == FL_OK)
            rc = read_back(s, &ended, err);
    }
    return rc == FL_OK ? FL_OK : fl_err_wrap(err, "'%s'", s->config.to);
}

/* ---- certificates from files ---- */

static int read_pem(const char *path, struct fl_buf *out, struct fl_err *err)
{
    fl_buf_init(out, PEM_MAX_BYTES);
    return path == NULL ? FL_OK : fl_file_read(AT_FDCWD, path, out, err);
}

int fl_sender_tls(const char *cert, const char *key, const char *ca, const char *fingerprint_hex,
                  struct fl_tls_ctx **ret, struct fl_err *err)
{
    unsigned char fingerprint[FL_TLS_FINGERPRINT_BYTES];
    struct fl_tls_client_config config = {.cert_pem = {NULL, 0}};
    FL_AUTO(fl_buf_done) struct fl_buf cert_pem, ca_pem;
    FL_AUTO(fl_buf_wipe) struct fl_buf key_pem;
    int rc = read_pem(cert, &cert_pem, err);
    int rc_key = read_pem(key, &key_pem, rc == FL_OK ? err : NULL);
    int rc_ca = read_pem(ca, &ca_pem, rc == FL_OK && rc_key == FL_OK ? err : NULL);

    rc = rc != FL_OK ? rc : rc_key != FL_OK ? rc_key : rc_ca;
    if (rc == FL_OK && (cert == NULL) != (key == NULL))
        rc = fl_err_set(err, FL_E_INVAL, "a certificate and its private key go together");
    if (rc == FL_OK && fingerprint_hex != NULL) {
        if (!fl_cert_fingerprint_parse(fl_span_str(fingerprint_hex), fingerprint))
            rc = fl_err_set(err, FL_E_INVAL, "a fingerprint is 64 hexadecimal digits (SHA-256)");
        config.server_fingerprint = fl_span_of(fingerprint, sizeof(fingerprint));
    }
    config.cert_pem = fl_buf_span(&cert_pem);
    config.key_pem = fl_buf_span(&key_pem);
    config.ca_pem = fl_buf_span(&ca_pem);
    if (rc == FL_OK)
        rc = fl_tls_client_new(&config, ret, err);
    return rc;
}
