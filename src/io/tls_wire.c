#include "io/tls_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

enum { INPUT_BYTES = 64 * 1024, INPUT_LEAST = 4096 };

/* The other connection's turn ended before its bytes did. */
static bool save(struct fl_tls_input *input)
{
    struct fl_tls_wire *wire = input->of;
    size_t left = input->len - input->at;

    if (wire == NULL || left == 0)
        return true;
    wire->saved = malloc(left); /* it had none: they are used up before more is read */
    if (wire->saved == NULL)
        return false;
    memcpy(wire->saved, input->bytes + input->at, left);
    wire->saved_at = 0;
    wire->saved_len = left;
    return true;
}

static int fill(BIO *bio, struct fl_tls_wire *wire)
{
    struct fl_tls_input *input = wire->input;
    size_t most = wire->wanted + wire->wanted / 8; /* records have some bytes around them */
    ssize_t n;

    if (input->of != wire && !save(input)) {
        errno = ENOMEM;
        return -1;
    }
    input->of = NULL;
    input->at = input->len = 0;
    if (input->bytes == NULL && (input->bytes = malloc(INPUT_BYTES)) == NULL) {
        errno = ENOMEM;
        return -1;
    }
    most = most < INPUT_LEAST ? INPUT_LEAST : most > INPUT_BYTES ? INPUT_BYTES : most;
    n = recv(wire->fd, input->bytes, most, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    wire->ended = n == 0;
    if (n <= 0)
        return (int)n;
    input->of = wire;
    input->len = (size_t)n;
    return 1;
}

static int wire_read(BIO *bio, char *to, int len)
{
    struct fl_tls_wire *wire = BIO_get_data(bio);
    struct fl_tls_input *input = wire->input;
    size_t n;
    int r = 1;

    BIO_clear_retry_flags(bio);
    if (len <= 0)
        return 0;
    if (wire->saved != NULL) {
        n = wire->saved_len - wire->saved_at;
        n = n < (size_t)len ? n : (size_t)len;
        memcpy(to, wire->saved + wire->saved_at, n);
        wire->saved_at += n;
        if (wire->saved_at == wire->saved_len) {
            free(wire->saved);
            wire->saved = NULL;
        }
        return (int)n;
    }
    if (input->of != wire || input->at == input->len)
        r = fill(bio, wire);
    if (r <= 0)
        return r;
    n = input->len - input->at;
    n = n < (size_t)len ? n : (size_t)len;
    memcpy(to, input->bytes + input->at, n);
    input->at += n;
    return (int)n;
}

static int wire_write(BIO *bio, const char *from, int len)
{
    struct fl_tls_wire *wire = BIO_get_data(bio);
    ssize_t n;

    BIO_clear_retry_flags(bio);
    if (len <= 0)
        return 0;
    n = send(wire->fd, from, (size_t)len, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)n;
}

static long wire_ctrl(BIO *bio, int what, long arg, void *ptr)
{
    const struct fl_tls_wire *wire = BIO_get_data(bio);

    (void)arg;
    (void)ptr;
    if (what == BIO_CTRL_EOF)
        return wire->ended;
    return what == BIO_CTRL_FLUSH;
}

static const BIO_METHOD *method(void)
{
    static BIO_METHOD *made; /* for the life of the process */

    if (made == NULL &&
        (made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fairlead")) != NULL) {
        (void)BIO_meth_set_read(made, wire_read);
        (void)BIO_meth_set_write(made, wire_write);
        (void)BIO_meth_set_ctrl(made, wire_ctrl);
    }
    return made;
}

BIO *fl_tls_wire_bio(struct fl_tls_wire *wire)
{
    const BIO_METHOD *with = method();
    BIO *bio = with == NULL ? NULL : BIO_new(with);

    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    return bio;
}

bool fl_tls_wire_waits(const struct fl_tls_wire *wire)
{
    return wire->saved != NULL || (wire->input->of == wire && wire->input->at < wire->input->len);
}

void fl_tls_wire_done(struct fl_tls_wire *wire)
{
    if (wire->input != NULL && wire->input->of == wire)
        wire->input->of = NULL;
    free(wire->saved);
    wire->saved = NULL;
}

void fl_tls_input_done(struct fl_tls_input *input)
{
    free(input->bytes);
    *input = (struct fl_tls_input){.bytes = NULL};
}
