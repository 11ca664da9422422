#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "io/imsg.h"
#include "io/imsg_wire.h"

enum { READ_BYTES = 16 * 1024 };

/*
 * Who sets `busy` owns everything below it until clearing it; the lock guards only what is above.
 * So a call waits in poll() without the lock, and relink() need not wait for it.
 */
struct fl_rpc {
    enum fl_role self, peer;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* busy was cleared, or a link came */
    int fd;                 /* the link; -1: none */
    int next_fd;            /* it replaces fd when the running call is over; -1: none */
    bool replaced;          /* next_fd is to be taken, even when it is -1 */
    bool busy;
    uint32_t last_id;
    struct fl_buf in;  /* received, not yet taken: at most one frame and what was read with it */
    struct fl_buf out; /* a request cut off by its time limit goes out whole before the next */
    struct fl_buf push;
    enum fl_msg_type push_type; /* FL_MSG_NONE: nothing is kept */
};

struct call {
    int64_t until_us; /* monotonic */
    enum fl_msg_type answer;
    uint32_t id; /* 0: a message sent unasked */
    struct fl_buf *reply;
};

int fl_rpc_new(enum fl_role self, enum fl_role peer, struct fl_rpc **ret, struct fl_err *err)
{
    struct fl_rpc *rpc = calloc(1, sizeof *rpc);
    pthread_condattr_t attr;

    if (rpc == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for calls to %s", fl_role_name(peer));
    rpc->self = self;
    rpc->peer = peer;
    rpc->fd = rpc->next_fd = -1;
    (void)pthread_mutex_init(&rpc->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&rpc->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    fl_buf_init(&rpc->in, FL_IMSG_MAX_BYTES + READ_BYTES);
    fl_buf_init(&rpc->out, 2 * (size_t)FL_IMSG_MAX_BYTES);
    fl_buf_init(&rpc->push, FL_MSG_MAX_BYTES);
    *ret = rpc;
    return FL_OK;
}

/* Answers may hold keys. */
static void wipe(struct fl_buf *buf)
{
    if (buf->cap > 0)
        explicit_bzero(buf->ptr, buf->cap);
    fl_buf_clear(buf);
}

static void forget(struct fl_rpc *rpc)
{
    wipe(&rpc->in);
    wipe(&rpc->out);
    wipe(&rpc->push);
    rpc->push_type = FL_MSG_NONE;
}

void fl_rpc_free(struct fl_rpc *rpc)
{
    if (rpc == NULL)
        return;
    fl_fd_close(&rpc->fd);
    fl_fd_close(&rpc->next_fd);
    forget(rpc);
    fl_buf_done(&rpc->in);
    fl_buf_done(&rpc->out);
    fl_buf_done(&rpc->push);
    (void)pthread_cond_destroy(&rpc->changed);
    (void)pthread_mutex_destroy(&rpc->lock);
    free(rpc);
}

/* Lock held, not busy. */
static void take_link(struct fl_rpc *rpc)
{
    if (!rpc->replaced)
        return;
    fl_fd_close(&rpc->fd);
    rpc->fd = rpc->next_fd;
    rpc->next_fd = -1;
    rpc->replaced = false;
    forget(rpc);
}

void fl_rpc_relink(struct fl_rpc *rpc, int fd)
{
    (void)pthread_mutex_lock(&rpc->lock);
    fl_fd_close(&rpc->next_fd);
    rpc->next_fd = fd;
    rpc->replaced = true;
    if (!rpc->busy)
        take_link(rpc);
    else if (rpc->fd >= 0)
        (void)shutdown(rpc->fd, SHUT_RDWR); /* wakes the call, which gives up with FL_E_IO */
    (void)pthread_cond_broadcast(&rpc->changed);
    (void)pthread_mutex_unlock(&rpc->lock);
}

static struct timespec timespec_of(int64_t us)
{
    return (struct timespec){.tv_sec = us / FL_US_PER_S, .tv_nsec = us % FL_US_PER_S * 1000};
}

/* Wait for the turn and for a link, then own the rpc. */
static int begin(struct fl_rpc *rpc, int64_t until_us, struct fl_err *err)
{
    struct timespec until = timespec_of(until_us);
    int r = FL_OK;

    (void)pthread_mutex_lock(&rpc->lock);
    while (rpc->busy || rpc->fd < 0) {
        if (pthread_cond_timedwait(&rpc->changed, &rpc->lock, &until) == ETIMEDOUT) {
            r = fl_err_set(err, FL_E_TIMEOUT, "%s %s", fl_role_name(rpc->peer),
                           rpc->fd < 0 ? "is not there" : "is busy with other calls");
            break;
        }
    }
    if (r == FL_OK)
        rpc->busy = true;
    (void)pthread_mutex_unlock(&rpc->lock);
    return r;
}

static void end(struct fl_rpc *rpc, int r)
{
    (void)pthread_mutex_lock(&rpc->lock);
    if (r == FL_E_IO || r == FL_E_PROTO || r == FL_E_NOMEM) { /* this link is of no more use */
        fl_fd_close(&rpc->fd);
        forget(rpc);
    }
    take_link(rpc);
    rpc->busy = false;
    (void)pthread_cond_broadcast(&rpc->changed);
    (void)pthread_mutex_unlock(&rpc->lock);
}

static int lost(const struct fl_rpc *rpc, struct fl_err *err)
{
    return fl_err_set(err, FL_E_IO, "the link to %s was lost", fl_role_name(rpc->peer));
}

static int wait_for(const struct fl_rpc *rpc, short events, int64_t until_us, struct fl_err *err)
{
    struct pollfd p = {.fd = rpc->fd, .events = events};

    for (;;) {
        int64_t left_us = until_us - fl_now_mono_us();
        int64_t left_ms = left_us <= 0 ? 0 : left_us / 1000 + 1;
        int n = poll(&p, 1, left_ms > 60000 ? 60000 : (int)left_ms);

        if (n > 0)
            return FL_OK;
        if (n < 0 && errno != EINTR)
            return fl_err_sys(err, FL_E_IO, errno, "wait for %s", fl_role_name(rpc->peer));
        if (left_us <= 0)
            return fl_err_set(err, FL_E_TIMEOUT, "%s did not answer in time",
                              fl_role_name(rpc->peer));
    }
}

static int send_out(struct fl_rpc *rpc, int64_t until_us, struct fl_err *err)
{
    while (rpc->out.len > 0) {
        ssize_t n = send(rpc->fd, rpc->out.ptr, rpc->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        int r;

        if (n > 0) {
            fl_buf_consume(&rpc->out, (size_t)n);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return lost(rpc, err);
        r = wait_for(rpc, POLLOUT, until_us, err);
        if (r < 0)
            return r;
    }
    return FL_OK;
}

static int receive(struct fl_rpc *rpc, int64_t until_us, struct fl_err *err)
{
    void *at;
    ssize_t n;
    int r = wait_for(rpc, POLLIN, until_us, err);

    if (r < 0)
        return r;
    at = fl_buf_reserve(&rpc->in, READ_BYTES);
    if (at == NULL)
        return fl_buf_status(&rpc->in, err);
    n = recv(rpc->fd, at, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return FL_OK;
    if (n <= 0)
        return lost(rpc, err);
    rpc->in.len += (size_t)n;
    return FL_OK;
}

static int keep_push(struct fl_rpc *rpc, enum fl_msg_type type, struct fl_span payload,
                     struct fl_err *err)
{
    fl_buf_clear(&rpc->push);
    fl_buf_put_span(&rpc->push, payload);
    rpc->push_type = type;
    return fl_buf_status(&rpc->push, err);
}

/* What the frame in hand is to this call: 1 the answer, 0 something else (kept or dropped). */
static int sort(struct fl_rpc *rpc, const struct call *call, const struct fl_imsg_head *head,
                struct fl_span payload, struct fl_err *err)
{
    struct fl_msg_fail fail;

    if (head->id != call->id)
        return head->id == 0 ? keep_push(rpc, head->type, payload, err)
                             : 0; /* the answer to a call that has given up */
    if (head->type == FL_MSG_FAIL) {
        if (fl_msg_decode(FL_MSG_FAIL, payload, &fail, err) < 0 || fail.code >= 0)
            return fl_err_set(err, FL_E_PROTO, "%s failed without a reason",
                              fl_role_name(rpc->peer));
        (void)fl_err_set(err, fail.code, "%.*s", FL_SPAN_ARG(fail.text));
        return 2;
    }
    if (head->type != call->answer)
        return call->id == 0 ? 0
                             : fl_err_set(err, FL_E_PROTO, "%s answered %s instead of %s",
                                          fl_role_name(rpc->peer), fl_msg_name(head->type),
                                          fl_msg_name(call->answer));
    fl_buf_clear(call->reply);
    fl_buf_put_span(call->reply, payload);
    return fl_buf_status(call->reply, err) < 0 ? FL_E_LIMIT : 1;
}

/* Take one frame from the input: 1 answered, 2 the peer said FAIL, 0 more is needed. */
static int take_frame(struct fl_rpc *rpc, const struct call *call, struct fl_err *err)
{
    struct fl_imsg_head head;
    int r;

    for (;;) {
        r = fl_imsg_get(fl_buf_span(&rpc->in), rpc->self, rpc->peer, &head, err);
        if (r <= 0)
            return r;
        if (rpc->in.len < head.len)
            return 0;
        r = sort(rpc, call, &head,
                 fl_span_of(rpc->in.ptr + FL_IMSG_HEAD_BYTES, head.len - FL_IMSG_HEAD_BYTES), err);
        fl_buf_consume(&rpc->in, head.len);
        if (rpc->in.len == 0)
            wipe(&rpc->in);
        if (r != 0)
            return r;
    }
}

static int run(struct fl_rpc *rpc, const struct call *call, struct fl_err *err)
{
    int r = send_out(rpc, call->until_us, err);

    while (r == FL_OK) {
        r = take_frame(rpc, call, err);
        if (r == 0)
            r = receive(rpc, call->until_us, err);
    }
    return r;
}

/* The peer's own failure leaves the link as it is, whatever its code. */
static int finish(struct fl_rpc *rpc, const struct call *call, int r, void *ret, struct fl_err *err)
{
    if (r == 1) {
        r = fl_msg_decode(call->answer, fl_buf_span(call->reply), ret, err);
        end(rpc, r);
        return r;
    }
    end(rpc, r == 2 ? FL_OK : r);
    return r == 2 ? err->code : r;
}

int fl_rpc_call(struct fl_rpc *rpc, enum fl_msg_type type, const void *msg, enum fl_msg_type answer,
                void *ret, struct fl_buf *reply, int64_t timeout_ms, struct fl_err *err)
{
    struct call call = {
        .until_us = fl_now_mono_us() + timeout_ms * 1000, .answer = answer, .reply = reply};
    struct fl_err own;
    int r;

    if (err == NULL)
        err = &own; /* FAIL brings its code in it */
    r = begin(rpc, call.until_us, err);
    if (r < 0)
        return r;
    rpc->last_id = rpc->last_id == UINT32_MAX ? 1 : rpc->last_id + 1;
    call.id = rpc->last_id;
    r = fl_imsg_put(&rpc->out, rpc->self, rpc->peer, type, call.id, msg, err);
    if (r < 0) { /* nothing was sent: the link is as good as before */
        end(rpc, FL_OK);
        return r;
    }
    return finish(rpc, &call, run(rpc, &call, err), ret, err);
}

int fl_rpc_expect(struct fl_rpc *rpc, enum fl_msg_type type, void *ret, struct fl_buf *reply,
                  int64_t timeout_ms, struct fl_err *err)
{
    struct call call = {
        .until_us = fl_now_mono_us() + timeout_ms * 1000, .answer = type, .reply = reply};
    struct fl_err own;
    int r;

    if (err == NULL)
        err = &own;
    r = begin(rpc, call.until_us, err);
    if (r < 0)
        return r;
    if (rpc->push_type == type) {
        fl_buf_clear(reply);
        fl_buf_put_span(reply, fl_buf_span(&rpc->push));
        rpc->push_type = FL_MSG_NONE;
        r = fl_buf_status(reply, err) < 0 ? FL_E_LIMIT : 1;
    } else {
        r = run(rpc, &call, err);
    }
    return finish(rpc, &call, r, ret, err);
}
