#include "io/imsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/fd.h"
#include "io/imsg_wire.h"

enum {
    READ_BYTES = 64 * 1024, /* at a time; a larger frame is read in several */
    IN_FDS_MAX = 4,         /* descriptors whose frame is not complete yet */
    KEEP_BYTES = 64 * 1024  /* of an empty buffer */
};

/* A descriptor that waits in the output; it must leave with the first byte of its frame. */
struct out_fd {
    struct out_fd *next;
    uint64_t at; /* position of that byte in the stream */
    int fd;
};

struct fl_imsg {
    struct fl_loop *loop;
    struct fl_watch *watch;
    struct fl_watch *kick; /* zero timer: handle what was buffered before a pause */
    const struct fl_imsg_ops *ops;
    void *ctx;
    int fd;
    enum fl_role self, peer;
    struct fl_buf in;
    int in_fds[IN_FDS_MAX];
    size_t in_fd_count;
    struct fl_buf out;
    size_t out_sent;   /* bytes of out that are gone already */
    uint64_t out_base; /* stream position of out.ptr[0] */
    struct out_fd *fds, **fds_last;
    size_t out_max_bytes;
    int depth; /* callbacks that are running */
    bool paused, closed, freed;
    bool deaf; /* the peer takes no more output; what it sent before is still read */
    bool want_drained;
};

bool fl_imsg_has_fd(enum fl_msg_type type)
{
    return type == FL_MSG_LINK || type == FL_MSG_RING || type == FL_MSG_WAKE ||
           type == FL_MSG_LISTEN || type == FL_MSG_DIR;
}

int fl_imsg_put(struct fl_buf *out, enum fl_role self, enum fl_role peer, enum fl_msg_type type,
                uint32_t id, const void *msg, struct fl_err *err)
{
    size_t start = out->len, len;
    struct fl_err own;
    int r;

    if (err == NULL)
        err = &own; /* what is called may put context in front of its text */
    if (!fl_msg_allowed(type, self, peer))
        return fl_err_set(err, FL_E_DENIED, "%s may not send %s to %s", fl_role_name(self),
                          fl_msg_name(type), fl_role_name(peer));
    fl_buf_put_u32(out, 0); /* the length, when it is known */
    fl_buf_put_u16(out, (uint16_t)type);
    fl_buf_put_u16(out, 0);
    fl_buf_put_u32(out, id);
    r = fl_msg_encode(type, msg, out, err);
    len = out->len - start;
    if (r == FL_OK && len > FL_IMSG_MAX_BYTES)
        r = fl_err_set(err, FL_E_LIMIT, "a message %s of %zu bytes is over the limit of %zu",
                       fl_msg_name(type), len, FL_MSG_MAX_BYTES);
    if (r < 0) {
        out->len = start;
        out->failed = 0;
        return r;
    }
    for (size_t i = 0; i < 4; i++)
        out->ptr[start + i] = (unsigned char)(len >> (8 * i));
    return FL_OK;
}

int fl_imsg_get(struct fl_span bytes, enum fl_role self, enum fl_role peer,
                struct fl_imsg_head *ret, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(bytes);
    struct fl_imsg_head head;
    uint16_t reserved;

    if (bytes.len < FL_IMSG_HEAD_BYTES)
        return 0;
    head.len = fl_cursor_u32(&cur);
    head.type = fl_cursor_u16(&cur);
    reserved = fl_cursor_u16(&cur);
    head.id = fl_cursor_u32(&cur);
    if (head.len < FL_IMSG_HEAD_BYTES || head.len > FL_IMSG_MAX_BYTES || reserved != 0)
        return fl_err_set(err, FL_E_PROTO, "%s sent a frame that is none (length %u)",
                          fl_role_name(peer), (unsigned)head.len);
    if (!fl_msg_allowed(head.type, peer, self))
        return fl_err_set(err, FL_E_PROTO, "%s may not send the message %s (%u) to %s",
                          fl_role_name(peer), fl_msg_name(head.type), (unsigned)head.type,
                          fl_role_name(self));
    *ret = head;
    return 1;
}

static void drop_in_fds(struct fl_imsg *chan)
{
    while (chan->in_fd_count > 0)
        fl_fd_close(&chan->in_fds[--chan->in_fd_count]);
}

static void drop_out(struct fl_imsg *chan)
{
    while (chan->fds != NULL) {
        struct out_fd *next = chan->fds->next;

        fl_fd_close(&chan->fds->fd);
        free(chan->fds);
        chan->fds = next;
    }
    chan->fds_last = &chan->fds;
    fl_buf_clear(&chan->out);
    chan->out_sent = 0;
}

static void release(struct fl_imsg *chan)
{
    fl_buf_done(&chan->in);
    fl_buf_done(&chan->out);
    free(chan);
}

/* Everything but the memory goes at once. */
static void shut(struct fl_imsg *chan)
{
    fl_watch_free(chan->watch);
    fl_watch_free(chan->kick);
    chan->watch = chan->kick = NULL;
    drop_in_fds(chan);
    drop_out(chan);
    fl_fd_close(&chan->fd);
    chan->closed = true;
}

void fl_imsg_free(struct fl_imsg *chan)
{
    if (chan == NULL || chan->freed)
        return;
    shut(chan);
    if (chan->depth > 0)
        chan->freed = true; /* leave() does it */
    else
        release(chan);
}

static void enter(struct fl_imsg *chan)
{
    chan->depth++;
}

static void leave(struct fl_imsg *chan)
{
    if (--chan->depth == 0 && chan->freed)
        release(chan);
}

static void fail(struct fl_imsg *chan, const char *why)
{
    if (chan->closed)
        return;
    shut(chan);
    chan->ops->closed(chan->ctx, chan, why);
}

static void set_watch(struct fl_imsg *chan)
{
    int on = (chan->paused ? 0 : FL_ON_READ) | (chan->out.len > chan->out_sent ? FL_ON_WRITE : 0);

    if (!chan->closed)
        fl_watch_change(chan->watch, on);
}

static int deliver(struct fl_imsg *chan, const struct fl_imsg_head *head, struct fl_span payload)
{
    struct fl_imsg_in in = {.type = head->type, .id = head->id, .payload = payload, .fd = -1};

    if (fl_imsg_has_fd(in.type)) {
        if (chan->in_fd_count == 0) {
            fail(chan, "a message came without its descriptor");
            return FL_E_PROTO;
        }
        in.fd = chan->in_fds[0];
        chan->in_fd_count--;
        memmove(chan->in_fds, chan->in_fds + 1, chan->in_fd_count * sizeof chan->in_fds[0]);
    }
    chan->ops->message(chan->ctx, chan, &in);
    return FL_OK;
}

/* A descriptor whose frame takes none must not lie here until the next one that does. */
static void check_fds(struct fl_imsg *chan, const struct fl_imsg_head *partial)
{
    if (chan->in.len == 0 || (partial->len != 0 && !fl_imsg_has_fd(partial->type)))
        drop_in_fds(chan);
}

static void handle_frames(struct fl_imsg *chan)
{
    struct fl_imsg_head head = {0};
    struct fl_err err;
    size_t at = 0;

    while (!chan->closed && !chan->paused) {
        struct fl_span rest = {chan->in.ptr + at, chan->in.len - at};
        int r;

        head.len = 0;
        r = fl_imsg_get(rest, chan->self, chan->peer, &head, &err);
        if (r < 0) {
            fail(chan, err.text);
            return;
        }
        if (r == 0 || rest.len < head.len)
            break;
        rest = fl_span_of(rest.ptr + FL_IMSG_HEAD_BYTES, head.len - FL_IMSG_HEAD_BYTES);
        if (deliver(chan, &head, rest) < 0)
            return;
        at += head.len;
    }
    if (chan->closed)
        return;
    fl_buf_consume(&chan->in, at);
    if (!chan->paused)
        check_fds(chan, &head);
    if (chan->in.len == 0 && chan->in.cap > KEEP_BYTES)
        fl_buf_done(&chan->in); /* one large message must not keep its memory for ever */
}

static int take_fds(struct fl_imsg *chan, struct msghdr *mh)
{
    int r = FL_OK;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
        size_t count;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (chan->in_fd_count < IN_FDS_MAX) {
                chan->in_fds[chan->in_fd_count++] = fd;
            } else {
                fl_fd_close(&fd);
                r = FL_E_PROTO;
            }
        }
    }
    return r;
}

/* Only the supervisor hands out descriptors; without a control buffer the kernel drops others. */
static ssize_t receive(struct fl_imsg *chan)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {.iov_len = READ_BYTES};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    iov.iov_base = fl_buf_reserve(&chan->in, READ_BYTES);
    if (iov.iov_base == NULL) {
        errno = ENOMEM;
        return -1;
    }
    if (chan->peer == FL_ROLE_SUPERVISOR) {
        mh.msg_control = control.bytes;
        mh.msg_controllen = CMSG_LEN(sizeof(int)); /* room for one, whatever was sent */
    }
    do
        n = recvmsg(chan->fd, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return n;
    chan->in.len += (size_t)n;
    if (mh.msg_control != NULL && take_fds(chan, &mh) < 0) {
        errno = EPROTO;
        return -1;
    }
    return n;
}

static void on_readable(struct fl_imsg *chan)
{
    ssize_t n = receive(chan);
    struct fl_err err;

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n < 0 && errno == ECONNRESET)
        n = 0; /* it went without reading all that was sent to it */
    if (n < 0) {
        (void)fl_err_sys(&err, FL_E_IO, errno, "receive from %s", fl_role_name(chan->peer));
        fail(chan, err.text);
    } else if (n == 0) {
        fail(chan, chan->in.len > 0 ? "the peer closed in the middle of a message"
                                    : "the peer closed the connection");
    } else {
        handle_frames(chan);
    }
}

/* One sendmsg: up to the next descriptor, or from it on with the descriptor. */
static ssize_t transmit(struct fl_imsg *chan)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct out_fd *rider = chan->fds;
    uint64_t pos = chan->out_base + chan->out_sent;
    struct iovec iov = {chan->out.ptr + chan->out_sent, chan->out.len - chan->out_sent};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (rider != NULL && rider->at == pos) {
        mh.msg_control = control.bytes;
        mh.msg_controllen = sizeof control.bytes;
        control.align.cmsg_level = SOL_SOCKET;
        control.align.cmsg_type = SCM_RIGHTS;
        control.align.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.align), &rider->fd, sizeof(int));
        if (rider->next != NULL)
            iov.iov_len = (size_t)(rider->next->at - pos);
    } else if (rider != NULL) {
        iov.iov_len = (size_t)(rider->at - pos);
    }
    do
        n = sendmsg(chan->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n > 0 && mh.msg_control != NULL) {
        chan->fds = rider->next;
        if (chan->fds == NULL)
            chan->fds_last = &chan->fds;
        fl_fd_close(&rider->fd);
        free(rider);
    }
    return n;
}

static void compact(struct fl_imsg *chan)
{
    if (chan->out_sent < chan->out.len && chan->out_sent < chan->out.len / 2)
        return;
    fl_buf_consume(&chan->out, chan->out_sent);
    chan->out_base += chan->out_sent;
    chan->out_sent = 0;
    if (chan->out.len == 0 && chan->out.cap > KEEP_BYTES)
        fl_buf_done(&chan->out);
}

static void on_writable(struct fl_imsg *chan)
{
    while (chan->out.len > chan->out_sent) {
        ssize_t n = transmit(chan);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0) {
            chan->deaf = true;
            drop_out(chan);
            break;
        }
        chan->out_sent += (size_t)n;
    }
    compact(chan);
    set_watch(chan);
    if (chan->want_drained && fl_imsg_queued(chan) <= chan->out_max_bytes / 2) {
        chan->want_drained = false;
        if (chan->ops->drained != NULL && !chan->deaf)
            chan->ops->drained(chan->ctx, chan);
    }
}

static void on_ready(void *ctx, int ready)
{
    struct fl_imsg *chan = ctx;

    enter(chan);
    if ((ready & FL_ON_WRITE) && !chan->closed)
        on_writable(chan);
    if ((ready & FL_ON_READ) && !chan->closed && !chan->paused)
        on_readable(chan);
    leave(chan);
}

static void on_kick(void *ctx)
{
    struct fl_imsg *chan = ctx;

    enter(chan);
    if (!chan->closed && !chan->paused)
        handle_frames(chan);
    leave(chan);
}

int fl_imsg_new(struct fl_loop *loop, int fd, enum fl_role self, enum fl_role peer,
                size_t out_max_bytes, const struct fl_imsg_ops *ops, void *ctx,
                struct fl_imsg **ret, struct fl_err *err)
{
    struct fl_imsg *chan = calloc(1, sizeof *chan);
    int r;

    if (chan == NULL) {
        fl_fd_close(&fd);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a channel");
    }
    *chan = (struct fl_imsg){.loop = loop,
                             .ops = ops,
                             .ctx = ctx,
                             .fd = fd,
                             .self = self,
                             .peer = peer,
                             .out_max_bytes = out_max_bytes};
    chan->fds_last = &chan->fds;
    fl_buf_init(&chan->in, FL_IMSG_MAX_BYTES + 2 * READ_BYTES);
    fl_buf_init(&chan->out, 2 * (out_max_bytes + FL_IMSG_MAX_BYTES));
    r = fl_fd_nonblock(fd, true, err);
    if (r == FL_OK)
        r = fl_watch_fd(loop, fd, FL_ON_READ, on_ready, chan, &chan->watch, err);
    if (r == FL_OK)
        r = fl_watch_timer(loop, -1, 0, on_kick, chan, &chan->kick, err);
    if (r < 0) {
        fl_imsg_free(chan);
        return r;
    }
    *ret = chan;
    return FL_OK;
}

static int add_fd(struct fl_imsg *chan, uint64_t at, int fd, struct fl_err *err)
{
    struct out_fd *rider = malloc(sizeof *rider);

    if (rider == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a descriptor in flight");
    *rider = (struct out_fd){.at = at, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};
    if (rider->fd < 0) {
        int r = fl_err_sys(err, FL_E_IO, errno, "duplicate a descriptor");

        free(rider);
        return r;
    }
    *chan->fds_last = rider;
    chan->fds_last = &rider->next;
    return FL_OK;
}

int fl_imsg_send(struct fl_imsg *chan, enum fl_msg_type type, uint32_t id, const void *msg, int fd,
                 struct fl_err *err)
{
    size_t start = chan->out.len, queued = fl_imsg_queued(chan);
    int r;

    if (chan->closed || chan->deaf)
        return fl_err_set(err, FL_E_IO, "the channel to %s is closed", fl_role_name(chan->peer));
    if ((fd >= 0) != fl_imsg_has_fd(type))
        return fl_err_set(err, FL_E_INVAL, "message %s %s a descriptor", fl_msg_name(type),
                          fd >= 0 ? "takes no" : "needs");
    r = fl_imsg_put(&chan->out, chan->self, chan->peer, type, id, msg, err);
    if (r == FL_OK && queued > 0 && fl_imsg_queued(chan) > chan->out_max_bytes) {
        chan->want_drained = true;
        r = fl_err_set(err, FL_E_AGAIN, "%zu bytes wait for %s already", queued,
                       fl_role_name(chan->peer));
    }
    if (r == FL_OK && fd >= 0)
        r = add_fd(chan, chan->out_base + start, fd, err);
    if (r < 0) {
        chan->out.len = start;
        return r;
    }
    if (fl_imsg_queued(chan) > chan->out_max_bytes / 2)
        chan->want_drained = true;
    if (queued == 0)
        set_watch(chan);
    return FL_OK;
}

int fl_imsg_fail(struct fl_imsg *chan, uint32_t id, const struct fl_err *why)
{
    struct fl_msg_fail msg = {.code = why->code, .text = fl_span_str(why->text)};

    return fl_imsg_send(chan, FL_MSG_FAIL, id, &msg, -1, NULL);
}

int fl_imsg_flush(struct fl_imsg *chan)
{
    if (chan->closed || chan->deaf)
        return FL_E_IO;
    while (chan->out.len > chan->out_sent) {
        ssize_t n = transmit(chan);

        if (n < 0)
            break; /* EAGAIN or worse: the loop will meet it again */
        chan->out_sent += (size_t)n;
    }
    compact(chan);
    set_watch(chan);
    return FL_OK;
}

size_t fl_imsg_queued(const struct fl_imsg *chan)
{
    return chan->out.len - chan->out_sent;
}

void fl_imsg_pause(struct fl_imsg *chan, int paused)
{
    if (chan->closed || chan->paused == (paused != 0))
        return;
    chan->paused = paused != 0;
    set_watch(chan);
    if (!chan->paused && chan->in.len > 0)
        fl_watch_rearm(chan->kick, 0);
}

uint32_t fl_imsg_peer_uid(const struct fl_imsg *chan)
{
    struct ucred cred = {.uid = UINT32_MAX};
    socklen_t len = sizeof cred;

    if (getsockopt(chan->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return UINT32_MAX;
    return cred.uid;
}
