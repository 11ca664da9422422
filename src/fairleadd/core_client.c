/* The local socket: who may use it, one request at a time, answers with back-pressure. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "fairleadd/core.h"
#include "io/local.h"

#define OUT_MAX_BYTES     ((size_t)1 << 20)
#define PENDING_MAX_BYTES ((size_t)32 << 20)
#define IDLE_US           (60 * FL_US_PER_S)
#define METHOD_MAX        16u

struct fl_core_client {
    struct fl_core_client *next;
    struct fl_core *core;
    struct fl_imsg *chan;
    uint32_t uid;
    bool admitted;    /* may ask; else every request is refused */
    int64_t quiet_us; /* monotonic: since when it asks for nothing */

    /* the request as it comes */
    uint32_t id;
    bool reading; /* a head came, the body is not whole */
    char method[METHOD_MAX], type[80];
    struct fl_buf path, body;
    uint64_t body_bytes;

    /* the answer */
    struct fl_req *req; /* NULL: nothing is answered */
    bool ended;         /* req->end was called */
    bool end_waits;     /* ... but pieces wait before it */
    struct fl_buf pending, trailer;
    uint64_t owed; /* bytes given to the channel that the request does not know of as taken */
};

/* ---- sending ---- */

static void client_free(struct fl_core_client *c)
{
    struct fl_core_client **at = &c->core->clients;

    while (*at != NULL && *at != c)
        at = &(*at)->next;
    if (*at == c)
        *at = c->next;
    c->core->client_count--;
    fl_req_free(c->req);
    fl_imsg_free(c->chan);
    fl_buf_done(&c->path);
    fl_buf_done(&c->body);
    fl_buf_done(&c->pending);
    fl_buf_done(&c->trailer);
    free(c);
}

static int send_piece(struct fl_core_client *c, struct fl_span bytes)
{
    struct fl_msg_body msg = {.bytes = bytes};

    return fl_imsg_send(c->chan, FL_MSG_RESPONSE_BODY, c->id, &msg, -1, NULL);
}

static void send_head(struct fl_core_client *c, int status, struct fl_span type,
                      struct fl_span headers)
{
    struct fl_msg_response msg = {.status = (uint16_t)status, .type = type, .headers = headers};

    if (fl_imsg_send(c->chan, FL_MSG_RESPONSE, c->id, &msg, -1, NULL) < 0)
        fl_role_log(c->core->env, FL_LOG_WARN, "an answer's head could not be sent");
}

/* Give the channel what it takes of the pieces that wait; then the trailer and the end. */
static void push(struct fl_core_client *c)
{
    size_t at = 0;

    while (at < c->pending.len) {
        size_t len = c->pending.len - at;

        if (len > FL_MSG_CHUNK_MAX)
            len = FL_MSG_CHUNK_MAX;
        if (send_piece(c, fl_span_of(c->pending.ptr + at, len)) < 0)
            break;
        c->owed += len;
        at += len;
    }
    fl_buf_consume(&c->pending, at);
    if (c->pending.len > 0 || !c->end_waits)
        return;
    c->end_waits = false;
    if (c->trailer.len > 0)
        send_head(c, 200, fl_buf_span(&c->trailer), FL_SPAN(""));
    fl_buf_clear(&c->trailer); /* once, should the end have to wait */
    if (fl_imsg_send(c->chan, FL_MSG_RESPONSE_END, c->id, NULL, -1, NULL) < 0)
        c->end_waits = true;
}

/* Tell the request of what the caller took, once the channel is half empty. */
static void settle(struct fl_core_client *c)
{
    uint64_t bytes = c->owed;

    if (bytes == 0 || c->pending.len > 0 || fl_imsg_queued(c->chan) > OUT_MAX_BYTES / 2)
        return;
    c->owed = 0;
    if (c->req != NULL && !c->ended)
        fl_req_taken(c->req, bytes);
}

static void reply_head(void *ctx, int status, const char *type, struct fl_span headers)
{
    send_head(ctx, status, fl_span_str(type), headers);
}

static void reply_body(void *ctx, struct fl_span piece)
{
    struct fl_core_client *c = ctx;

    fl_buf_put_span(&c->pending, piece);
    push(c);
    settle(c);
}

static void reply_trailer(void *ctx, struct fl_span json)
{
    struct fl_core_client *c = ctx;

    fl_buf_clear(&c->trailer);
    fl_buf_put_str(&c->trailer, "trailer:");
    fl_buf_put_span(&c->trailer, json);
    if (c->trailer.failed != 0)
        fl_buf_clear(&c->trailer);
}

static void reply_end(void *ctx)
{
    struct fl_core_client *c = ctx;

    c->ended = c->end_waits = true;
    c->quiet_us = fl_now_mono_us();
    push(c);
}

static const struct fl_reply_ops reply_ops = {reply_head, reply_body, reply_trailer, reply_end};

/* ---- requests ---- */

static void refuse(struct fl_core_client *c, int status, const char *code, const char *detail)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, 4096);
    fl_problem_write(&text, status, code, NULL, detail);
    reply_head(c, status, "application/problem+json", FL_SPAN(""));
    reply_body(c, fl_buf_span(&text));
    reply_end(c);
}

static void refuse_uid(struct fl_core_client *c)
{
    char text[300];

    (void)snprintf(text, sizeof text,
                   "user id %" PRIu32 " may not use this socket: root, the user that started the "
                   "server and the setting admin_uids may",
                   c->uid);
    refuse(c, 403, "refused", text);
}

static void dispatch(struct fl_core_client *c)
{
    struct fl_call call = {
        .method = fl_span_str(c->method),
        .path = fl_buf_span(&c->path),
        .type = fl_span_str(c->type),
        .body = fl_buf_span(&c->body),
        .local = true,
        .uid = c->uid,
    };
    struct fl_err err;

    c->reading = false;
    if (fl_api_begin(c->core->api, &call, &reply_ops, c, &c->req, &err) < 0)
        refuse(c, 503, "no_memory", err.text);
    fl_buf_clear(&c->body);
}

/* Forget the answer before; the next request may come. */
static void forget(struct fl_core_client *c)
{
    fl_req_free(c->req);
    c->req = NULL;
    c->ended = c->end_waits = false;
    c->owed = 0;
    fl_buf_clear(&c->path);
    fl_buf_clear(&c->body);
    fl_buf_clear(&c->trailer);
    fl_buf_clear(&c->pending);
}

/* False: it broke the protocol. */
static bool take_request(struct fl_core_client *c, const struct fl_imsg_in *in)
{
    bool busy = c->reading || (c->req != NULL && !c->ended) || c->end_waits;
    struct fl_msg_request msg;

    if (busy || fl_msg_decode(in->type, in->payload, &msg, NULL) < 0)
        return false;
    forget(c);
    c->id = in->id;
    c->quiet_us = 0;
    if (!c->admitted) {
        refuse_uid(c);
        return true;
    }
    (void)snprintf(c->method, sizeof c->method, "%.*s", FL_SPAN_ARG(msg.method));
    (void)snprintf(c->type, sizeof c->type, "%.*s", FL_SPAN_ARG(msg.type));
    fl_buf_put_span(&c->path, msg.path);
    c->body_bytes = msg.body_bytes;
    if (msg.method.len >= sizeof c->method || c->path.failed != 0 ||
        msg.body_bytes > FL_API_BODY_MAX) {
        c->body_bytes = 0;
        refuse(c, 413, "over_limit", "the request is larger than requests may be");
        return true;
    }
    c->reading = true;
    if (c->body_bytes == 0)
        dispatch(c);
    return true;
}

static bool take_body(struct fl_core_client *c, const struct fl_imsg_in *in)
{
    struct fl_msg_body msg;

    if (fl_msg_decode(in->type, in->payload, &msg, NULL) < 0)
        return false;
    if (!c->reading) /* of a request that was refused at its head */
        return c->ended;
    if (msg.bytes.len > c->body_bytes - c->body.len)
        return false;
    fl_buf_put_span(&c->body, msg.bytes);
    if (c->body.failed != 0)
        return false;
    if (c->body.len == c->body_bytes)
        dispatch(c);
    return true;
}

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct fl_core_client *c = ctx;
    bool fine = false;

    (void)chan;
    if (in->fd >= 0)
        (void)close(in->fd);
    if (in->type == FL_MSG_REQUEST)
        fine = take_request(c, in);
    else if (in->type == FL_MSG_REQUEST_BODY)
        fine = take_body(c, in);
    if (!fine || c->pending.failed != 0)
        client_free(c);
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    (void)chan, (void)why;
    client_free(ctx);
}

static void on_drained(void *ctx, struct fl_imsg *chan)
{
    struct fl_core_client *c = ctx;

    (void)chan;
    push(c);
    settle(c);
}

/* ---- callers ---- */

/* Root, who started the server (core runs as that user, unless root started it), admin_uids. */
static bool may_use(const struct fl_core *core, uint32_t uid)
{
    struct fl_span list = fl_span_str(fl_conf_str(core->env->conf, FL_SET_ADMIN_UIDS)), item;
    uint64_t listed;

    if (uid == 0 || uid == (uint32_t)geteuid())
        return true;
    while (fl_conf_item(&list, &item) > 0)
        if (fl_span_u64(item, &listed) && listed == uid)
            return true;
    return false;
}

static void take_caller(struct fl_core *core, int fd)
{
    static const struct fl_imsg_ops ops = {on_message, on_closed, on_drained};
    struct fl_core_client *c = calloc(1, sizeof *c);
    struct fl_err err;

    if (c == NULL) {
        (void)close(fd);
        return;
    }
    c->core = core;
    c->quiet_us = fl_now_mono_us();
    fl_buf_init(&c->path, FL_API_PATH_MAX);
    fl_buf_init(&c->body, FL_API_BODY_MAX);
    fl_buf_init(&c->pending, PENDING_MAX_BYTES);
    fl_buf_init(&c->trailer, FL_MSG_TEXT_MAX);
    if (fl_imsg_new(core->env->loop, fd, FL_ROLE_CORE, FL_ROLE_CLIENT, OUT_MAX_BYTES, &ops, c,
                    &c->chan, &err) < 0) {
        fl_role_log(core->env, FL_LOG_WARN, "a caller on the local socket: %s", err.text);
        free(c);
        return;
    }
    c->uid = fl_imsg_peer_uid(c->chan);
    c->admitted = may_use(core, c->uid);
    c->next = core->clients;
    core->clients = c;
    core->client_count++;
    if (!c->admitted)
        fl_role_log(core->env, FL_LOG_NOTICE, "user id %" PRIu32 " was refused on the local socket",
                    c->uid);
}

static void on_accept(void *ctx, int ready)
{
    struct fl_core *core = ctx;
    struct fl_err err;
    int fd, r;

    (void)ready;
    for (size_t l = 0; l < core->accepts; l++) {
        r = FL_OK;
        for (int i = 0; i < 16 && r == FL_OK && core->client_count < FL_CORE_CLIENTS_MAX; i++) {
            r = fl_local_accept(core->accept_fd[l], &fd, &err);
            if (r == FL_OK)
                take_caller(core, fd);
        }
    }
    if (core->client_count >= FL_CORE_CLIENTS_MAX) /* the others wait in the listener's queue */
        for (size_t l = 0; l < core->accepts; l++)
            fl_watch_change(core->accept[l], 0);
}

int fl_core_listen(struct fl_core *core, struct fl_err *err)
{
    int r = FL_OK;

    for (size_t i = 0; r == FL_OK && i < core->env->listener_count; i++) {
        const struct fl_role_listener *l = &core->env->listeners[i];

        if (l->kind != FL_LISTEN_LOCAL)
            continue;
        core->accept_fd[core->accepts] = l->fd;
        r = fl_watch_fd(core->env->loop, l->fd, FL_ON_READ, on_accept, core,
                        &core->accept[core->accepts], err);
        core->accepts += r == FL_OK;
    }
    if (r == FL_OK && core->accepts == 0)
        return fl_err_set(err, FL_E_INVAL, "core was given no local socket");
    return r;
}

void fl_core_clients_tick(struct fl_core *core)
{
    int64_t now_us = fl_now_mono_us();
    struct fl_core_client *c = core->clients, *next;

    for (; c != NULL; c = next) {
        bool idle = c->req == NULL || c->ended;

        next = c->next;
        if (c->pending.failed != 0 || (idle && c->quiet_us != 0 && now_us - c->quiet_us > IDLE_US))
            client_free(c);
    }
    if (core->client_count < FL_CORE_CLIENTS_MAX)
        for (size_t l = 0; l < core->accepts; l++)
            fl_watch_change(core->accept[l], FL_ON_READ);
}

void fl_core_clients_free(struct fl_core *core)
{
    while (core->clients != NULL)
        client_free(core->clients);
    for (size_t l = 0; l < core->accepts; l++)
        fl_watch_free(core->accept[l]);
    core->accepts = 0;
}
