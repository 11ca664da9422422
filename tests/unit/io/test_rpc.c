#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "io/imsg.h"
#include "io/imsg_wire.h"
#include "io/sock.h"
#include "tap.h"

/* The peer: a thread that plays `keys` on one end, as its orders say. */
enum order { ANSWER, FAIL, SILENT, CLOSE, WRONG_TYPE, LATE, NONSENSE, PUSH_FIRST, FORBIDDEN };

struct peer {
    int fd;
    enum order order;
    unsigned answered;
};

static int read_frame(int fd, struct fl_imsg_head *head, unsigned char *payload)
{
    unsigned char bytes[FL_IMSG_HEAD_BYTES];

    if (fl_fd_read_all(fd, bytes, sizeof bytes, NULL) != (ssize_t)sizeof bytes ||
        fl_imsg_get(fl_span_of(bytes, sizeof bytes), FL_ROLE_KEYS, FL_ROLE_STORE, head, NULL) != 1)
        return -1;
    return fl_fd_read_all(fd, payload, head->len - sizeof bytes, NULL) ==
                   (ssize_t)(head->len - sizeof bytes)
               ? 0
               : -1;
}

static void put(int fd, enum fl_msg_type type, uint32_t id, const void *msg)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;

    fl_buf_init(&buf, FL_IMSG_MAX_BYTES);
    if (fl_imsg_put(&buf, FL_ROLE_KEYS, FL_ROLE_STORE, type, id, msg, NULL) == FL_OK)
        (void)send(fd, buf.ptr, buf.len, MSG_NOSIGNAL);
}

static void answer(struct peer *p, const struct fl_imsg_head *head, const unsigned char *payload)
{
    struct fl_msg_file_key_ask ask;
    struct fl_msg_file_key key = {.key = FL_SPAN("")};
    struct fl_msg_fail fail = {.code = FL_E_NOENT, .text = FL_SPAN("no such file key")};
    struct fl_msg_cap_key push = {.public_key = FL_SPAN("public")};
    unsigned char bytes[32] = {0};

    if (fl_msg_decode(head->type, fl_span_of(payload, head->len - FL_IMSG_HEAD_BYTES), &ask, NULL) <
        0)
        return;
    bytes[0] = (unsigned char)ask.tenant;
    key.key = fl_span_of(bytes, sizeof bytes);
    p->answered++;
    if (p->order == PUSH_FIRST)
        put(p->fd, FL_MSG_CAP_KEY, 0, &push);
    if (p->order == ANSWER || p->order == PUSH_FIRST)
        put(p->fd, FL_MSG_FILE_KEY, head->id, &key);
    if (p->order == FAIL)
        put(p->fd, FL_MSG_FAIL, head->id, &fail);
    if (p->order == WRONG_TYPE)
        put(p->fd, FL_MSG_DONE, head->id, NULL);
    if (p->order == NONSENSE)
        (void)send(p->fd, "nonsense that is no frame", 25, MSG_NOSIGNAL);
    if (p->order == FORBIDDEN) /* a type that keys may not send to store */
        (void)send(p->fd, "\x0c\0\0\0\x02\0\0\0\1\0\0\0", 12, MSG_NOSIGNAL);
    if (p->order == LATE && p->answered == 2) {
        put(p->fd, FL_MSG_FILE_KEY, head->id - 1, &key); /* the first asker has given up */
        put(p->fd, FL_MSG_FILE_KEY, head->id, &key);
    }
}

static void *play(void *ctx)
{
    static _Thread_local unsigned char payload[FL_MSG_MAX_BYTES];
    struct peer *p = ctx;
    struct fl_imsg_head head;

    while (read_frame(p->fd, &head, payload) == 0) {
        answer(p, &head, payload);
        if (p->order == CLOSE)
            break;
    }
    fl_fd_close(&p->fd);
    return NULL;
}

struct stage {
    struct fl_rpc *rpc;
    struct peer peer;
    pthread_t thread;
};

static void link_peer(struct stage *s, enum order order)
{
    int fds[2];

    s->peer = (struct peer){.fd = -1, .order = order};
    if (fl_sock_pair(fds, NULL) < 0)
        return;
    s->peer.fd = fds[1];
    (void)pthread_create(&s->thread, NULL, play, &s->peer);
    fl_rpc_relink(s->rpc, fds[0]);
}

static void unlink_peer(struct stage *s)
{
    fl_rpc_relink(s->rpc, -1);
    (void)pthread_join(s->thread, NULL);
}

static int ask(struct fl_rpc *rpc, uint32_t tenant, int64_t timeout_ms, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf reply;
    struct fl_msg_file_key_ask msg = {.tenant = tenant, .file_id = FL_SPAN("0123456789abcdef")};
    struct fl_msg_file_key key;
    int r;

    fl_buf_init(&reply, 1000);
    r = fl_rpc_call(rpc, FL_MSG_FILE_KEY_ASK, &msg, FL_MSG_FILE_KEY, &key, &reply, timeout_ms, err);
    if (r == FL_OK && (key.key.len != 32 || key.key.ptr[0] != (unsigned char)tenant))
        return 1;
    return r;
}

struct want {
    const char *name;
    enum order order;
    int64_t timeout_ms;
    int code;
    const char *text;
};

static void check_outcomes(void)
{
    static const struct want cases[] = {
        {"an answer", ANSWER, 20000, FL_OK, NULL},
        {"the peer's failure becomes ours", FAIL, 20000, FL_E_NOENT, "no such file key"},
        {"no answer", SILENT, 30, FL_E_TIMEOUT, "keys did not answer in time"},
        {"the link is lost while waiting", CLOSE, 20000, FL_E_IO, "the link to keys was lost"},
        {"another answer", WRONG_TYPE, 20000, FL_E_PROTO, "keys answered done instead of file_key"},
        {"nonsense", NONSENSE, 20000, FL_E_PROTO, NULL},
        {"a type that is not the peer's", FORBIDDEN, 20000, FL_E_PROTO, NULL},
    };

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        struct stage s = {.rpc = NULL};
        struct fl_err err = {.text = ""};

        if (fl_rpc_new(FL_ROLE_STORE, FL_ROLE_KEYS, &s.rpc, NULL) < 0)
            return;
        link_peer(&s, cases[i].order);
        CHECK(ask(s.rpc, 5, cases[i].timeout_ms, &err) == cases[i].code &&
                  (cases[i].text == NULL || strcmp(err.text, cases[i].text) == 0),
              cases[i].name);
        if (cases[i].code == FL_E_PROTO)
            CHECK(ask(s.rpc, 5, 1, &err) == FL_E_TIMEOUT &&
                      strcmp(err.text, "keys is not there") == 0,
                  "and the link is not used again");
        unlink_peer(&s);
        CHECK(ask(s.rpc, 5, 1, &err) == FL_E_TIMEOUT && strcmp(err.text, "keys is not there") == 0,
              "without a link the call waits its time");
        link_peer(&s, ANSWER);
        CHECK(ask(s.rpc, 6, 20000, &err) == FL_OK, "a new link works");
        unlink_peer(&s);
        fl_rpc_free(s.rpc);
    }
}

static void check_late_and_push(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf reply;
    struct stage s = {.rpc = NULL};
    struct fl_msg_cap_key cap;
    struct fl_err err;

    fl_buf_init(&reply, 100);
    if (fl_rpc_new(FL_ROLE_STORE, FL_ROLE_KEYS, &s.rpc, NULL) < 0)
        return;
    link_peer(&s, LATE);
    CHECK(ask(s.rpc, 1, 30, &err) == FL_E_TIMEOUT, "the first call gives up");
    CHECK(ask(s.rpc, 2, 20000, &err) == FL_OK, "the second gets its own answer, not the late one");
    unlink_peer(&s);

    link_peer(&s, PUSH_FIRST);
    CHECK(ask(s.rpc, 3, 20000, &err) == FL_OK, "a message sent unasked does not disturb a call");
    CHECK(fl_rpc_expect(s.rpc, FL_MSG_CAP_KEY, &cap, &reply, 0, &err) == FL_OK &&
              fl_span_eq(cap.public_key, FL_SPAN("public")),
          "and is kept");
    CHECK(fl_rpc_expect(s.rpc, FL_MSG_CAP_KEY, &cap, &reply, 1, &err) == FL_E_TIMEOUT, "once");
    put(s.peer.fd, FL_MSG_CAP_KEY, 0, &(struct fl_msg_cap_key){.public_key = FL_SPAN("new")});
    CHECK(fl_rpc_expect(s.rpc, FL_MSG_CAP_KEY, &cap, &reply, 20000, &err) == FL_OK &&
              fl_span_eq(cap.public_key, FL_SPAN("new")),
          "one can be waited for");
    unlink_peer(&s);
    CHECK(fl_rpc_call(s.rpc, FL_MSG_CAP_KEY, &cap, FL_MSG_DONE, NULL, &reply, 1, &err) ==
              FL_E_TIMEOUT,
          "no link, no call");
    link_peer(&s, ANSWER);
    CHECK(fl_rpc_call(s.rpc, FL_MSG_CAP_KEY, &cap, FL_MSG_DONE, NULL, &reply, 1, &err) ==
              FL_E_DENIED,
          "a type that is not ours to send");
    CHECK(ask(s.rpc, 4, 20000, &err) == FL_OK, "the link is as good as before");
    unlink_peer(&s);
    fl_rpc_free(s.rpc);
}

static void *wait_for_answer(void *ctx)
{
    static int code;

    code = ask(ctx, 1, 600000, NULL);
    return &code;
}

/* A call that waits for a peer which says nothing ends when the link is replaced. */
static void check_wake(void)
{
    struct stage s = {.rpc = NULL}, next = {.rpc = NULL};
    pthread_t thread;
    void *code = NULL;

    if (fl_rpc_new(FL_ROLE_STORE, FL_ROLE_KEYS, &s.rpc, NULL) < 0)
        return;
    next.rpc = s.rpc;
    link_peer(&s, SILENT);
    (void)pthread_create(&thread, NULL, wait_for_answer, s.rpc);
    (void)usleep(20000); /* most likely it waits by now; if not, it fails or asks the next */
    link_peer(&next, CLOSE);
    (void)pthread_join(thread, &code);
    CHECK(*(int *)code == FL_E_IO, "a call over a link that is replaced gives up");
    (void)pthread_join(s.thread, NULL);
    unlink_peer(&next);
    fl_rpc_free(s.rpc);
}

/* Calls from threads while the link comes and goes: each ends, with its own answer or an error. */
enum { CALLERS = 4, CALLS = 300, RELINKS = 40 };

struct caller {
    struct fl_rpc *rpc;
    uint32_t base;
    unsigned good, mixed_up, failed;
};

static void *call_many(void *ctx)
{
    struct caller *c = ctx;

    for (uint32_t i = 0; i < CALLS; i++) {
        int r = ask(c->rpc, c->base + i, 20000, NULL);

        c->good += r == FL_OK;
        c->mixed_up += r == 1;
        c->failed += r < 0;
    }
    return NULL;
}

static void check_threads(void)
{
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    struct stage stages[RELINKS];
    struct fl_rpc *rpc = NULL;
    unsigned good = 0, mixed_up = 0, failed = 0;

    if (fl_rpc_new(FL_ROLE_STORE, FL_ROLE_KEYS, &rpc, NULL) < 0)
        return;
    for (uint32_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.rpc = rpc, .base = i * 64};
        (void)pthread_create(&threads[i], NULL, call_many, &callers[i]);
    }
    for (size_t i = 0; i < RELINKS; i++) {
        stages[i] = (struct stage){.rpc = rpc};
        link_peer(&stages[i], ANSWER);
        (void)usleep(1000);
    }
    for (uint32_t i = 0; i < CALLERS; i++) {
        (void)pthread_join(threads[i], NULL);
        good += callers[i].good;
        mixed_up += callers[i].mixed_up;
        failed += callers[i].failed;
    }
    fl_rpc_relink(rpc, -1);
    for (size_t i = 0; i < RELINKS; i++)
        (void)pthread_join(stages[i].thread, NULL);
    CHECK(mixed_up == 0 && good + failed == CALLERS * CALLS && failed <= RELINKS,
          "calls of four threads over forty links: own answers, at most one failure a link");
    fl_rpc_free(rpc);
}

int main(void)
{
    check_outcomes();
    check_late_and_push();
    check_wake();
    check_threads();
    return tap_done();
}
