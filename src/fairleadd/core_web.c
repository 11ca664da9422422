/*
 * Requests that web forwards: many at once over one channel, told apart by their number.
 *
 * Of an answer at most WINDOW_BYTES are on their way beyond what web has said to be taken; the rest
 * waits here, within the same bound as on the local socket. A trailer goes as a second RESPONSE
 * whose type begins with "trailer:". /healthz and /metrics are this file's own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/json.h"
#include "fairleadd/core.h"

#define LINK_OUT_BYTES    ((size_t)8 << 20)
#define WINDOW_BYTES      ((size_t)256 << 10)
#define PENDING_MAX_BYTES ((size_t)32 << 20)
#define BODIES_MAX_BYTES  ((size_t)64 << 20) /* of all requests that are being received */
#define ASKS_MAX          60000u
#define HEALTH_US         (2 * FL_US_PER_S)
#define METRICS_PATH      "/api/v1/instance/metrics"

enum { SLOTS = 1024, METHOD_BYTES = 16, TYPE_BYTES = 256 };

struct web_ask {
    LIST_ENTRY(web_ask) link; /* of its slot, or of web->done */
    TAILQ_ENTRY(web_ask) wait;
    struct fl_core_web *web;
    uint32_t id;

    /* the request as it comes */
    struct fl_buf head; /* the message as it came; msg points into it */
    struct fl_msg_request msg;
    struct fl_buf body;

    /* the answer */
    struct fl_req *req;
    struct fl_buf pending, trailer;
    uint64_t on_way;    /* bytes sent that were not said to be taken */
    bool waits;         /* is in web->waiting */
    bool ended, closed; /* reply_end() was called; all of it was sent */
    int64_t health_us;  /* monotonic: a question of health that must be answered by then */
};

LIST_HEAD(ask_list, web_ask);
TAILQ_HEAD(wait_list, web_ask);

struct fl_core_web {
    struct fl_core *core;
    struct ask_list slots[SLOTS], done;
    struct wait_list waiting; /* have something to send that the channel or web did not take */
    size_t count, body_bytes;
    int64_t store_us, keys_us; /* monotonic: when each last answered */
    bool store_asked, keys_asked;
    int64_t asked_us;
};

/* ---- requests as a table ---- */

static struct web_ask *find(struct fl_core_web *web, uint32_t id)
{
    struct web_ask *ask;

    LIST_FOREACH(ask, &web->slots[id % SLOTS], link)
    if (ask->id == id)
        return ask;
    return NULL;
}

static void ask_free(struct web_ask *ask)
{
    struct fl_core_web *web = ask->web;

    LIST_REMOVE(ask, link);
    if (ask->waits)
        TAILQ_REMOVE(&web->waiting, ask, wait);
    web->count--;
    web->body_bytes -= ask->body.max_bytes;
    fl_req_free(ask->req);
    fl_buf_wipe(&ask->head); /* a session's token is in it */
    fl_buf_wipe(&ask->body); /* perhaps a password */
    fl_buf_done(&ask->pending);
    fl_buf_done(&ask->trailer);
    free(ask);
}

/* What is answered is freed on a later turn: whoever answers may still hold the request. */
static void reap(struct fl_core_web *web)
{
    struct web_ask *ask;

    while ((ask = LIST_FIRST(&web->done)) != NULL)
        ask_free(ask);
}

static struct web_ask *ask_new(struct fl_core_web *web, uint32_t id, size_t body_bytes)
{
    struct web_ask *ask = calloc(1, sizeof *ask);

    if (ask == NULL)
        return NULL;
    ask->web = web;
    ask->id = id;
    fl_buf_init(&ask->head, FL_MSG_MAX_BYTES);
    fl_buf_init(&ask->body, body_bytes);
    fl_buf_init(&ask->pending, PENDING_MAX_BYTES);
    fl_buf_init(&ask->trailer, FL_MSG_TEXT_MAX);
    LIST_INSERT_HEAD(&web->slots[id % SLOTS], ask, link);
    web->count++;
    web->body_bytes += body_bytes;
    return ask;
}

/* ---- answers ---- */

static struct fl_imsg *channel(const struct web_ask *ask)
{
    return ask->web->core->link[FL_ROLE_WEB];
}

static int send_head(struct web_ask *ask, int status, struct fl_span type, struct fl_span headers)
{
    struct fl_msg_response msg = {.status = (uint16_t)status, .type = type, .headers = headers};

    return fl_imsg_send(channel(ask), FL_MSG_RESPONSE, ask->id, &msg, -1, NULL);
}

static int send_pieces(struct web_ask *ask)
{
    size_t at = 0;
    int r = FL_OK;

    while (r == FL_OK && at < ask->pending.len && ask->on_way < WINDOW_BYTES) {
        size_t len = ask->pending.len - at;
        struct fl_msg_body msg;

        if (len > FL_MSG_CHUNK_MAX)
            len = FL_MSG_CHUNK_MAX;
        msg.bytes = fl_span_of(ask->pending.ptr + at, len);
        r = fl_imsg_send(channel(ask), FL_MSG_RESPONSE_BODY, ask->id, &msg, -1, NULL);
        if (r == FL_OK) {
            ask->on_way += len;
            at += len;
        }
    }
    fl_buf_consume(&ask->pending, at);
    return r;
}

static int send_end(struct web_ask *ask)
{
    int r = FL_OK;

    if (ask->trailer.len > 0)
        r = send_head(ask, 200, fl_buf_span(&ask->trailer), FL_SPAN(""));
    if (r == FL_OK) {
        fl_buf_clear(&ask->trailer);
        r = fl_imsg_send(channel(ask), FL_MSG_RESPONSE_END, ask->id, NULL, -1, NULL);
    }
    return r;
}

/* Send what the channel and the window take. */
static void push(struct web_ask *ask)
{
    int r = FL_OK;

    if (ask->closed || channel(ask) == NULL)
        return;
    if (ask->pending.len > 0)
        r = send_pieces(ask);
    if (r == FL_OK && ask->ended && ask->pending.len == 0) {
        r = send_end(ask);
        ask->closed = r == FL_OK;
    }
    if (r < 0 && !ask->waits) {
        TAILQ_INSERT_TAIL(&ask->web->waiting, ask, wait);
        ask->waits = true;
    }
    if (!ask->closed)
        return;
    LIST_REMOVE(ask, link);
    LIST_INSERT_HEAD(&ask->web->done, ask, link);
}

static void reply_head(void *ctx, int status, const char *type, struct fl_span headers)
{
    struct web_ask *ask = ctx;

    if (channel(ask) != NULL && send_head(ask, status, fl_span_str(type), headers) < 0)
        fl_role_log(ask->web->core->env, FL_LOG_WARN, "an answer's head could not be sent to web");
}

static void reply_body(void *ctx, struct fl_span piece)
{
    struct web_ask *ask = ctx;

    fl_buf_put_span(&ask->pending, piece);
    push(ask);
}

static void reply_trailer(void *ctx, struct fl_span json)
{
    struct web_ask *ask = ctx;

    fl_buf_clear(&ask->trailer);
    fl_buf_put_str(&ask->trailer, "trailer:");
    fl_buf_put_span(&ask->trailer, json);
    if (ask->trailer.failed != 0)
        fl_buf_clear(&ask->trailer);
}

static void reply_end(void *ctx)
{
    struct web_ask *ask = ctx;

    ask->ended = true;
    push(ask);
}

static const struct fl_reply_ops reply_ops = {reply_head, reply_body, reply_trailer, reply_end};

static void refuse(struct web_ask *ask, int status, const char *code, const char *detail)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, 4096);
    fl_problem_write(&text, status, code, NULL, detail);
    reply_head(ask, status, "application/problem+json", FL_SPAN(""));
    reply_body(ask, fl_buf_span(&text));
    reply_end(ask);
}

/* ---- health ---- */

static void ask_health(struct fl_core_web *web)
{
    struct fl_core *core = web->core;
    struct fl_imsg *store = core->link[FL_ROLE_STORE], *keys = core->link[FL_ROLE_KEYS];

    if (fl_now_mono_us() - web->asked_us < FL_US_PER_S) /* one question answers many callers */
        return;
    web->asked_us = fl_now_mono_us();
    web->store_asked = store != NULL && fl_imsg_send(store, FL_MSG_STORE_STAT_ASK,
                                                     FL_CORE_ID_HEALTH, NULL, -1, NULL) == FL_OK;
    web->keys_asked = keys != NULL && fl_imsg_send(keys, FL_MSG_KEYS_STAT_ASK, FL_CORE_ID_HEALTH,
                                                   NULL, -1, NULL) == FL_OK;
}

static void answer_health(struct web_ask *ask)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const struct fl_core_web *web = ask->web;
    bool store = web->store_us >= web->asked_us, keys = web->keys_us >= web->asked_us;
    bool core = web->core->db != NULL, all = core && store && keys;
    struct fl_json json;

    ask->health_us = 0;
    fl_buf_init(&text, 1024);
    fl_json_init(&json, &text);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "status", all ? "ok" : "unavailable");
    fl_json_bool(&json, "core", core);
    fl_json_bool(&json, "store", store);
    fl_json_bool(&json, "keys", keys);
    fl_json_end(&json);
    fl_buf_put_str(&text, "\n");
    reply_head(ask, all ? 200 : 503, "application/json", FL_SPAN(""));
    reply_body(ask, fl_buf_span(&text));
    reply_end(ask);
}

/* Those that wait are answered once both have said something, or it is time. */
static void try_health(struct fl_core_web *web, bool late_only)
{
    int64_t now_us = fl_now_mono_us();
    bool known = (web->store_us >= web->asked_us || !web->store_asked) &&
                 (web->keys_us >= web->asked_us || !web->keys_asked);
    struct web_ask *ask, *next;

    for (size_t i = 0; i < SLOTS; i++)
        for (ask = LIST_FIRST(&web->slots[i]); ask != NULL; ask = next) {
            next = LIST_NEXT(ask, link);
            if (ask->health_us != 0 && ((known && !late_only) || now_us >= ask->health_us))
                answer_health(ask);
        }
}

bool fl_core_web_health(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in)
{
    struct fl_core_web *web = core->web;

    if (in->id != FL_CORE_ID_HEALTH)
        return false;
    /* the store's answer is several messages; its last one counts */
    if (from == FL_ROLE_STORE && in->type == FL_MSG_DONE)
        web->store_us = fl_now_mono_us();
    else if (from == FL_ROLE_KEYS && in->type == FL_MSG_KEYS_STAT)
        web->keys_us = fl_now_mono_us();
    else
        return true;
    try_health(web, false);
    return true;
}

/* ---- requests ---- */

static bool is_path(const struct web_ask *ask, const char *path)
{
    return fl_span_eq(ask->msg.path, fl_span_str(path));
}

static bool is_loopback(struct fl_span peer)
{
    return (peer.len > 4 && memcmp(peer.ptr, "127.", 4) == 0) || fl_span_eq(peer, FL_SPAN("::1"));
}

static void dispatch(struct web_ask *ask)
{
    struct fl_core *core = ask->web->core;
    bool metrics = is_path(ask, "/metrics");
    struct fl_call call = {
        .method = ask->msg.method,
        .path = metrics ? FL_SPAN(METRICS_PATH) : ask->msg.path,
        .type = ask->msg.type,
        .body = fl_buf_span(&ask->body),
        .headers = ask->msg.headers,
        .cookie = ask->msg.cookie,
        .bearer = ask->msg.bearer,
        .peer = ask->msg.peer,
        .uid = UINT32_MAX,
    };
    struct fl_err err;

    if (is_path(ask, "/healthz")) {
        ask->health_us = fl_now_mono_us() + HEALTH_US;
        ask_health(ask->web);
        try_health(ask->web, false);
        return;
    }
    /* the one path, read only, that a setting opens to programs on this machine */
    if (metrics && fl_conf_num(core->env->conf, FL_SET_METRICS_OPEN) == 1 &&
        is_loopback(ask->msg.peer) && fl_span_eq(call.method, FL_SPAN("GET")))
        call.local = true;
    if (fl_api_begin(core->api, &call, &reply_ops, ask, &ask->req, &err) < 0)
        refuse(ask, 503, "no_memory", err.text);
    ask->web->body_bytes -= ask->body.max_bytes;
    fl_buf_wipe(&ask->body);
    ask->body.max_bytes = 0;
}

static bool take_request(struct fl_core_web *web, const struct fl_imsg_in *in)
{
    struct fl_msg_request msg;
    struct web_ask *ask;
    size_t body_bytes;
    bool large;

    if (find(web, in->id) != NULL || fl_msg_decode(in->type, in->payload, &msg, NULL) < 0 ||
        web->count >= ASKS_MAX)
        return false;
    large = msg.body_bytes > FL_API_BODY_MAX ||
            web->body_bytes + msg.body_bytes > BODIES_MAX_BYTES || msg.method.len >= METHOD_BYTES ||
            msg.type.len >= TYPE_BYTES;
    body_bytes = large ? 0 : (size_t)msg.body_bytes;
    ask = ask_new(web, in->id, body_bytes);
    if (ask == NULL)
        return false;
    if (large) {
        refuse(ask, 413, "over_limit", "the request is larger than requests may be now");
        return true;
    }
    fl_buf_put_span(&ask->head, in->payload);
    if (ask->head.failed != 0 ||
        fl_msg_decode(in->type, fl_buf_span(&ask->head), &ask->msg, NULL) < 0)
        return false;
    if (body_bytes == 0)
        dispatch(ask);
    return true;
}

static bool take_body(struct fl_core_web *web, const struct fl_imsg_in *in)
{
    struct web_ask *ask = find(web, in->id);
    struct fl_msg_body msg;

    if (fl_msg_decode(in->type, in->payload, &msg, NULL) < 0)
        return false;
    if (ask == NULL || ask->ended) /* refused at its head */
        return true;
    if (ask->req != NULL || msg.bytes.len > ask->body.max_bytes - ask->body.len)
        return false;
    fl_buf_put_span(&ask->body, msg.bytes);
    if (ask->body.failed != 0)
        return false;
    if (ask->body.len == ask->body.max_bytes)
        dispatch(ask);
    return true;
}

static bool take_taken(struct fl_core_web *web, const struct fl_imsg_in *in)
{
    struct web_ask *ask = find(web, in->id);
    struct fl_msg_response_taken msg;

    if (fl_msg_decode(in->type, in->payload, &msg, NULL) < 0)
        return false;
    if (ask == NULL)
        return true;
    if (msg.bytes > ask->on_way)
        return false;
    ask->on_way -= msg.bytes;
    if (ask->req != NULL && !ask->ended)
        fl_req_taken(ask->req, msg.bytes);
    push(ask);
    return true;
}

static bool take(struct fl_core_web *web, const struct fl_imsg_in *in)
{
    struct web_ask *ask;

    switch ((int)in->type) { /* int: web may send no others */
    case FL_MSG_REQUEST:
        return take_request(web, in);
    case FL_MSG_REQUEST_BODY:
        return take_body(web, in);
    case FL_MSG_RESPONSE_TAKEN:
        return take_taken(web, in);
    case FL_MSG_REQUEST_CANCEL:
        ask = find(web, in->id);
        if (ask != NULL)
            ask_free(ask);
        return true;
    default:
        return true;
    }
}

/* ---- the link ---- */

static void forget_all(struct fl_core_web *web)
{
    struct web_ask *ask;

    for (size_t i = 0; i < SLOTS; i++)
        while ((ask = LIST_FIRST(&web->slots[i])) != NULL)
            ask_free(ask);
    reap(web);
}

static void end_link(struct fl_core *core, const char *why)
{
    fl_role_log(core->env, FL_LOG_NOTICE, "the link to web ended: %s", why);
    forget_all(core->web);
    fl_imsg_free(core->link[FL_ROLE_WEB]);
    core->link[FL_ROLE_WEB] = NULL;
}

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct fl_core *core = ctx;

    (void)chan;
    if (in->fd >= 0)
        (void)close(in->fd);
    reap(core->web);
    if (in->type == FL_MSG_AUDIT)
        fl_core_take_event(core, FL_ROLE_WEB, in->payload);
    else if (!take(core->web, in))
        end_link(core, "it broke the protocol");
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    (void)chan;
    end_link(ctx, why);
}

static void on_drained(void *ctx, struct fl_imsg *chan)
{
    struct fl_core *core = ctx;
    struct web_ask *ask;
    size_t count = 0;

    (void)chan;
    TAILQ_FOREACH (ask, &core->web->waiting, wait)
        count++;
    while (count-- > 0 && (ask = TAILQ_FIRST(&core->web->waiting)) != NULL) {
        TAILQ_REMOVE(&core->web->waiting, ask, wait);
        ask->waits = false;
        push(ask);
    }
}

void fl_core_web_link(struct fl_core *core, int fd)
{
    static const struct fl_imsg_ops ops = {on_message, on_closed, on_drained};
    struct fl_err err;

    if (core->link[FL_ROLE_WEB] != NULL)
        end_link(core, "a new one came");
    if (fl_imsg_new(core->env->loop, fd, FL_ROLE_CORE, FL_ROLE_WEB, LINK_OUT_BYTES, &ops, core,
                    &core->link[FL_ROLE_WEB], &err) < 0) {
        core->link[FL_ROLE_WEB] = NULL;
        fl_role_log(core->env, FL_LOG_ERR, "no link to web: %s", err.text);
    }
}

void fl_core_web_tick(struct fl_core *core)
{
    reap(core->web);
    try_health(core->web, true);
}

int fl_core_web_new(struct fl_core *core, struct fl_err *err)
{
    core->web = calloc(1, sizeof *core->web);
    if (core->web == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory");
    core->web->core = core;
    for (size_t i = 0; i < SLOTS; i++)
        LIST_INIT(&core->web->slots[i]);
    LIST_INIT(&core->web->done);
    TAILQ_INIT(&core->web->waiting);
    core->web->store_us = core->web->keys_us = -1;
    return FL_OK;
}

void fl_core_web_free(struct fl_core *core)
{
    if (core->web == NULL)
        return;
    forget_all(core->web);
    free(core->web);
    core->web = NULL;
}
