/*
 * Any byte stream into a channel, in pieces, from any peer: no crash, no leak of descriptors, every
 * message that arrives is one that the peer may send.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/imsg.h"
#include "io/sock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct end {
    struct fl_loop *loop;
    struct fl_imsg *chan;
    enum fl_role self, peer;
};

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct end *e = ctx;
    union {
        uint64_t align;
        unsigned char bytes[1024];
    } msg = {.align = 0};

    (void)chan;
    if (!fl_msg_allowed(in->type, e->peer, e->self) || in->payload.len > FL_MSG_MAX_BYTES)
        abort();
    if (fl_msg_decode(in->type, in->payload, &msg, NULL) < 0)
        msg.align = 0; /* refused: as good */
    fl_fd_close(&in->fd);
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct end *e = ctx;

    if (why == NULL)
        abort();
    fl_imsg_free(chan);
    e->chan = NULL;
    fl_loop_stop(e->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct fl_imsg_ops ops = {on_message, on_closed, NULL};
    static struct fl_loop *loop;
    struct end e = {.loop = NULL};
    int fds[2];

    if (n < 2 || n > 100000)
        return 0;
    if (loop == NULL && fl_loop_new(&loop, NULL) < 0)
        abort();
    e.loop = loop;
    e.self = (enum fl_role)(data[0] % FL_ROLE_COUNT);
    e.peer = (enum fl_role)(data[1] % FL_ROLE_COUNT);
    if (fl_sock_pair(fds, NULL) < 0 ||
        fl_imsg_new(e.loop, fds[0], e.self, e.peer, 4096, &ops, &e, &e.chan, NULL) < 0)
        abort();
    if (send(fds[1], data + 2, n - 2, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        n = 0; /* nothing arrives, then */
    (void)close(fds[1]);
    fl_loop_run(e.loop);
    if (e.chan != NULL)
        abort(); /* the end of the stream must have been told */
    return 0;
}
