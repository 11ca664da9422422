#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/imsg.h"
#include "io/imsg_wire.h"
#include "io/sock.h"
#include "tap.h"

/* A channel under test, with what it was told. */
struct end {
    struct fl_loop *loop;
    struct fl_imsg *chan;
    int peer_fd; /* the other end of the socketpair, written by hand */
    unsigned messages, drained;
    enum fl_msg_type last_type;
    uint32_t last_id;
    size_t last_len;
    int last_fd;
    char closed[200]; /* why; "" while open */
    unsigned stop_after;
    int pause_after, free_after;
};

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct end *e = ctx;

    e->messages++;
    e->last_type = in->type;
    e->last_id = in->id;
    e->last_len = in->payload.len;
    if (in->fd >= 0) {
        fl_fd_close(&e->last_fd);
        e->last_fd = in->fd;
    }
    if (e->pause_after)
        fl_imsg_pause(chan, 1);
    if (e->free_after) {
        fl_imsg_free(chan);
        e->chan = NULL;
    }
    if (e->messages >= e->stop_after)
        fl_loop_stop(e->loop);
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct end *e = ctx;

    (void)snprintf(e->closed, sizeof e->closed, "%s", why);
    fl_imsg_free(chan);
    e->chan = NULL;
    fl_loop_stop(e->loop);
}

static void on_drained(void *ctx, struct fl_imsg *chan)
{
    struct end *e = ctx;

    (void)chan;
    e->drained++;
}

static const struct fl_imsg_ops ops = {on_message, on_closed, on_drained};

static void on_timer(void *ctx)
{
    fl_loop_stop(ctx);
}

/* Run the loop until something stops it; the timer is for checks that nothing happens. */
static void turn(struct end *e, int64_t ms)
{
    struct fl_watch *timer = NULL;

    if (fl_watch_timer(e->loop, ms, 0, on_timer, e->loop, &timer, NULL) < 0)
        abort();
    fl_loop_run(e->loop);
    fl_watch_free(timer);
}

static void open_end(struct end *e, enum fl_role self, enum fl_role peer, size_t out_max)
{
    int fds[2];

    *e = (struct end){.last_fd = -1, .stop_after = 1};
    if (fl_sock_pair(fds, NULL) < 0 || fl_loop_new(&e->loop, NULL) < 0 ||
        fl_imsg_new(e->loop, fds[0], self, peer, out_max, &ops, e, &e->chan, NULL) < 0)
        abort();
    e->peer_fd = fds[1];
}

static void close_end(struct end *e)
{
    fl_imsg_free(e->chan);
    fl_loop_free(e->loop);
    fl_fd_close(&e->peer_fd);
    fl_fd_close(&e->last_fd);
}

static void feed(struct end *e, const void *bytes, size_t len)
{
    if (fl_fd_write_all(e->peer_fd, bytes, len, NULL) < 0)
        abort();
}

static void feed_frame(struct end *e, enum fl_role from, enum fl_role to, enum fl_msg_type type,
                       uint32_t id, const void *msg)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;

    fl_buf_init(&buf, FL_IMSG_MAX_BYTES);
    if (fl_imsg_put(&buf, from, to, type, id, msg, NULL) < 0)
        abort();
    feed(e, buf.ptr, buf.len);
}

static void check_round_trip(void)
{
    struct end e;
    struct fl_msg_accepted msg = {.conn = 7, .upto = 9};
    unsigned char bytes[64];
    struct fl_err err;

    open_end(&e, FL_ROLE_INGEST, FL_ROLE_STORE, 4096);
    feed_frame(&e, FL_ROLE_STORE, FL_ROLE_INGEST, FL_MSG_ACCEPTED, 42, &msg);
    turn(&e, 20000);
    CHECK(e.messages == 1 && e.last_type == FL_MSG_ACCEPTED && e.last_id == 42 &&
              e.last_len == 16 && e.last_fd == -1,
          "a message arrives whole");
    CHECK(fl_imsg_send(e.chan, FL_MSG_ACCEPTED, 0, &msg, -1, &err) == FL_E_DENIED,
          "a type that is not ours to send is refused here already");
    CHECK(fl_imsg_send(e.chan, FL_MSG_DONE, 5, NULL, -1, &err) == FL_OK &&
              fl_imsg_queued(e.chan) == 12,
          "sending queues");
    turn(&e, 20);
    CHECK(read(e.peer_fd, bytes, sizeof bytes) == 12 && bytes[0] == 12 && bytes[8] == 5 &&
              fl_imsg_queued(e.chan) == 0,
          "the loop writes it");
    CHECK(fl_imsg_send(e.chan, FL_MSG_DONE, 5, NULL, e.peer_fd, &err) == FL_E_INVAL,
          "a descriptor rides on its types only");
    fl_fd_close(&e.peer_fd);
    turn(&e, 20000);
    CHECK(strcmp(e.closed, "the peer closed the connection") == 0, "the end is told");
    close_end(&e);
}

static void check_torn(void)
{
    struct end e;
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    struct fl_msg_accepted msg = {.conn = 1, .upto = 2};

    fl_buf_init(&buf, 1000);
    open_end(&e, FL_ROLE_INGEST, FL_ROLE_STORE, 4096);
    if (fl_imsg_put(&buf, FL_ROLE_STORE, FL_ROLE_INGEST, FL_MSG_ACCEPTED, 1, &msg, NULL) < 0 ||
        fl_imsg_put(&buf, FL_ROLE_STORE, FL_ROLE_INGEST, FL_MSG_ACCEPTED, 2, &msg, NULL) < 0)
        abort();
    for (size_t i = 0; i + 1 < buf.len; i++) {
        feed(&e, buf.ptr + i, 1);
        e.stop_after = UINT32_MAX;
        turn(&e, 0);
    }
    CHECK(e.messages == 1 && e.last_id == 1, "byte by byte: the first frame, and no more");
    fl_fd_close(&e.peer_fd);
    turn(&e, 20000);
    CHECK(strcmp(e.closed, "the peer closed in the middle of a message") == 0,
          "an end within a frame is told as such");
    close_end(&e);
}

struct bad {
    const char *name, *why;
    unsigned char head[12];
};

static void check_violations(void)
{
    /* length, type, reserved, id */
    static const struct bad cases[] = {
        {"too short", "is none", {11, 0, 0, 0, FL_MSG_DONE, 0, 0, 0, 0, 0, 0, 0}},
        {"zero", "is none", {0}},
        {"too long", "is none", {13, 0, 4, 0, FL_MSG_DONE, 0, 0, 0, 0, 0, 0, 0}},
        {"huge", "is none", {255, 255, 255, 255, FL_MSG_DONE, 0, 0, 0, 0, 0, 0, 0}},
        {"reserved", "is none", {12, 0, 0, 0, FL_MSG_DONE, 0, 1, 0, 0, 0, 0, 0}},
        {"no type", "may not send", {12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"unknown type", "may not send", {12, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0}},
        {"another's type", "may not send", {12, 0, 0, 0, FL_MSG_FILE_KEY, 0, 0, 0, 0, 0, 0, 0}},
        {"our own type", "may not send", {12, 0, 0, 0, FL_MSG_CREDIT, 0, 0, 0, 0, 0, 0, 0}},
        {"the supervisor's", "may not send", {12, 0, 0, 0, FL_MSG_LINK, 0, 0, 0, 0, 0, 0, 0}},
    };

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        struct end e;

        open_end(&e, FL_ROLE_CORE, FL_ROLE_STORE, 4096);
        feed(&e, cases[i].head, sizeof cases[i].head);
        turn(&e, 20000);
        CHECK(e.messages == 0 && strstr(e.closed, cases[i].why) != NULL, cases[i].name);
        close_end(&e);
    }
}

/* A frame by hand with any number of descriptors. */
static void feed_fds(struct end *e, const void *bytes, size_t len, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec iov = {(void *)(uintptr_t)bytes, len};
    struct msghdr mh = {.msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = control.bytes,
                        .msg_controllen = CMSG_SPACE(count * sizeof(int))};

    control.align.cmsg_level = SOL_SOCKET;
    control.align.cmsg_type = SCM_RIGHTS;
    control.align.cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
    if (sendmsg(e->peer_fd, &mh, 0) != (ssize_t)len)
        abort();
}

static int count_fds(void)
{
    int count = 0;

    for (int fd = 0; fd < 512; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void check_fds(void)
{
    static const unsigned char ring[12] = {12, 0, 0, 0, FL_MSG_RING},
                               done[12] = {12, 0, 0, 0, FL_MSG_DONE};
    struct end e;
    int fds[4], before;

    for (size_t i = 0; i < 4; i++)
        fds[i] = eventfd((unsigned)i, EFD_CLOEXEC);
    open_end(&e, FL_ROLE_INGEST, FL_ROLE_SUPERVISOR, 4096);
    before = count_fds();
    feed_fds(&e, ring, sizeof ring, fds, 1);
    turn(&e, 20000);
    CHECK(e.messages == 1 && e.last_fd >= 0 && count_fds() == before + 1 &&
              (fcntl(e.last_fd, F_GETFD) & FD_CLOEXEC),
          "a descriptor arrives, close-on-exec");
    fl_fd_close(&e.last_fd);
    feed_fds(&e, ring, sizeof ring, fds, 3);
    turn(&e, 20000);
    CHECK(e.messages == 2 && count_fds() == before + 1, "of three, one");
    fl_fd_close(&e.last_fd);
    feed_fds(&e, done, sizeof done, fds, 1);
    turn(&e, 20000);
    CHECK(e.messages == 3 && e.last_fd == -1 && count_fds() == before,
          "one on another type is closed at once");
    feed(&e, ring, sizeof ring);
    turn(&e, 20000);
    CHECK(e.messages == 3 && strstr(e.closed, "without its descriptor") != NULL,
          "the type without its descriptor is a violation");
    close_end(&e);

    open_end(&e, FL_ROLE_CORE, FL_ROLE_STORE, 4096);
    before = count_fds();
    feed_fds(&e, done, 5, fds, 4);
    turn(&e, 20);
    CHECK(e.messages == 0 && count_fds() == before, "not even while their frame is incomplete");
    feed(&e, done + 5, sizeof done - 5);
    turn(&e, 20000);
    CHECK(e.messages == 1 && count_fds() == before, "from a peer that may send none, none arrive");
    close_end(&e);
    for (size_t i = 0; i < 4; i++)
        fl_fd_close(&fds[i]);
}

/* Descriptors between other frames, through a real channel on both sides. */
static void check_fd_order(void)
{
    struct end e;
    struct fl_imsg *sv = NULL;
    static const struct fl_imsg_ops none = {on_message, on_closed, NULL};
    struct fl_msg_wake wake = {.which = 1};
    struct fl_msg_conf conf = {.name = FL_SPAN("a"), .value = FL_SPAN("b")};
    struct end other = {.last_fd = -1, .stop_after = UINT32_MAX};
    unsigned bad = 0;
    uint64_t value;

    open_end(&e, FL_ROLE_STORE, FL_ROLE_SUPERVISOR, 4096);
    other.loop = e.loop;
    if (fl_imsg_new(e.loop, e.peer_fd, FL_ROLE_SUPERVISOR, FL_ROLE_STORE, 1 << 20, &none, &other,
                    &sv, NULL) < 0)
        abort();
    e.peer_fd = -1;
    for (unsigned i = 1; i <= 20; i++) {
        int fd = eventfd(i, EFD_CLOEXEC | EFD_NONBLOCK);

        for (unsigned k = 0; k < i % 3; k++)
            bad += fl_imsg_send(sv, FL_MSG_CONF, 0, &conf, -1, NULL) != FL_OK;
        bad += fl_imsg_send(sv, FL_MSG_WAKE, i, &wake, fd, NULL) != FL_OK;
        fl_fd_close(&fd);
    }
    for (unsigned i = 1; i <= 20; i++) {
        while (e.last_fd < 0) {
            e.stop_after = e.messages + 1;
            turn(&e, 20000);
        }
        bad += read(e.last_fd, &value, sizeof value) != sizeof value || value < i;
        fl_fd_close(&e.last_fd);
        if (value == 20)
            break;
    }
    CHECK(bad == 0, "descriptors stay in order with the frames between them");
    fl_imsg_free(sv);
    close_end(&e);
}

static void check_output_limit(void)
{
    static char text[1000];
    struct end e;
    struct fl_msg_body body = {.bytes = fl_span_of(text, sizeof text)};
    struct fl_err err;
    unsigned sent = 0;
    char sink[65536];
    int r;

    open_end(&e, FL_ROLE_STORE, FL_ROLE_CORE, 10000);
    while ((r = fl_imsg_send(e.chan, FL_MSG_RESULT, 1, &body, -1, &err)) == FL_OK)
        sent++;
    CHECK(r == FL_E_AGAIN && sent == 9, "the output limit holds, nothing was queued");
    CHECK(fl_imsg_queued(e.chan) == 9 * 1014, "what was queued stays");
    turn(&e, 20);
    CHECK(e.drained == 1 && fl_imsg_queued(e.chan) == 0, "room is told once");
    /* a peer that does not read: the socket fills, then the queue */
    do {
        turn(&e, 0);
        r = fl_imsg_send(e.chan, FL_MSG_RESULT, 1, &body, -1, &err);
    } while (r == FL_OK && ++sent < 100000);
    CHECK(r == FL_E_AGAIN && fl_imsg_queued(e.chan) <= 10000, "a slow peer meets the limit");
    e.drained = 0;
    while (fl_imsg_queued(e.chan) > 0) {
        if (read(e.peer_fd, sink, sizeof sink) <= 0)
            abort();
        turn(&e, 0);
    }
    CHECK(e.drained == 1, "and room when it reads again");
    body.bytes = fl_span_of(sink, FL_MSG_CHUNK_MAX + 1);
    CHECK(fl_imsg_send(e.chan, FL_MSG_RESULT, 1, &body, -1, &err) == FL_E_LIMIT &&
              fl_imsg_queued(e.chan) == 0,
          "a field over its maximum is refused, nothing was queued");
    close_end(&e);
}

static void check_large(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    char *text = calloc(1, FL_MSG_CHUNK_MAX);
    struct fl_msg_body body = {.bytes = fl_span_of(text, FL_MSG_CHUNK_MAX)};
    struct end e;
    struct fl_err err;

    fl_buf_init(&buf, (size_t)1 << 20);
    open_end(&e, FL_ROLE_STORE, FL_ROLE_CORE, 10000);
    CHECK(fl_imsg_send(e.chan, FL_MSG_RESULT, 1, &body, -1, &err) == FL_OK,
          "an empty queue takes a message larger than the limit");
    while (fl_imsg_queued(e.chan) > 0) {
        char sink[4096];
        ssize_t n = read(e.peer_fd, sink, 0);

        turn(&e, 0);
        while (fl_imsg_queued(e.chan) > 0 &&
               (n = recv(e.peer_fd, sink, sizeof sink, MSG_DONTWAIT)) > 0)
            fl_buf_put(&buf, sink, (size_t)n);
    }
    close_end(&e);
    open_end(&e, FL_ROLE_CORE, FL_ROLE_STORE, 10000);
    fl_buf_clear(&buf);
    if (fl_imsg_put(&buf, FL_ROLE_STORE, FL_ROLE_CORE, FL_MSG_RESULT, 3, &body, NULL) < 0)
        abort();
    for (size_t at = 0; at < buf.len;) {
        ssize_t n = send(e.peer_fd, buf.ptr + at, buf.len - at, MSG_DONTWAIT);

        at += n > 0 ? (size_t)n : 0;
        if (e.messages == 0)
            turn(&e, 0);
    }
    if (e.messages == 0)
        turn(&e, 20000);
    CHECK(e.messages == 1 && e.last_id == 3, "a large message arrives in pieces");
    close_end(&e);
    free(text);
}

static void check_pause(void)
{
    struct end e;

    open_end(&e, FL_ROLE_CORE, FL_ROLE_STORE, 4096);
    for (uint32_t i = 1; i <= 3; i++)
        feed_frame(&e, FL_ROLE_STORE, FL_ROLE_CORE, FL_MSG_DONE, i, NULL);
    e.pause_after = 1;
    turn(&e, 20000);
    turn(&e, 20);
    CHECK(e.messages == 1, "a pause holds back what was read already");
    e.stop_after = 2;
    fl_imsg_pause(e.chan, 0);
    turn(&e, 20000);
    CHECK(e.messages == 2 && e.last_id == 2, "going on gives the next, without new bytes");
    e.pause_after = 0;
    e.stop_after = 3;
    fl_imsg_pause(e.chan, 0);
    turn(&e, 20000);
    CHECK(e.messages == 3, "and the rest");
    close_end(&e);

    open_end(&e, FL_ROLE_CORE, FL_ROLE_STORE, 4096);
    for (uint32_t i = 1; i <= 3; i++)
        feed_frame(&e, FL_ROLE_STORE, FL_ROLE_CORE, FL_MSG_DONE, i, NULL);
    e.free_after = 1;
    turn(&e, 20000);
    CHECK(e.messages == 1 && e.chan == NULL, "freed inside its callback: nothing comes after");
    close_end(&e);
}

static void check_peer_gone(void)
{
    static char text[1000];
    struct end e;
    struct fl_msg_body body = {.bytes = fl_span_of(text, sizeof text)};
    struct fl_err err = {.text = ""};

    open_end(&e, FL_ROLE_STORE, FL_ROLE_CORE, 1 << 20);
    feed_frame(&e, FL_ROLE_CORE, FL_ROLE_STORE, FL_MSG_DONE, 9, NULL);
    for (int i = 0; i < 500; i++)
        if (fl_imsg_send(e.chan, FL_MSG_RESULT, 1, &body, -1, NULL) < 0)
            abort();
    fl_fd_close(&e.peer_fd);
    e.stop_after = UINT32_MAX;
    turn(&e, 20000);
    CHECK(e.messages == 1 && e.last_id == 9 && e.closed[0] != '\0',
          "what a peer sent before it went is still read");
    close_end(&e);

    open_end(&e, FL_ROLE_STORE, FL_ROLE_CORE, 4096);
    CHECK(fl_imsg_peer_uid(e.chan) == getuid(), "the peer's user, from the kernel");
    err = (struct fl_err){.code = FL_E_NOENT, .text = "no such thing"};
    CHECK(fl_imsg_fail(e.chan, 3, &err) == FL_OK && fl_imsg_flush(e.chan) == FL_OK &&
              read(e.peer_fd, text, sizeof text) == 12 + 4 + 1 + 13,
          "a failure goes out as code and text");
    close_end(&e);
}

int main(void)
{
    check_round_trip();
    check_torn();
    check_violations();
    check_fds();
    check_fd_order();
    check_output_limit();
    check_large();
    check_pause();
    check_peer_gone();
    return tap_done();
}
