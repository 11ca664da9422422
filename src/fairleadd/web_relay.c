/*
 * Requests that core answers. What waits for a slow browser is bounded: core may be FL_CORE_WINDOW
 * ahead of what it was told as taken, and it is told only while less than FL_WEB_ROOM_BYTES waits.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "fairleadd/web.h"

#define CORE_QUEUE_MAX ((size_t)8 << 20)  /* requests that wait for core */
#define METRICS_MAX    ((size_t)10 << 20) /* which are held whole: our own follow core's */
#define QUIET_US       (15 * FL_US_PER_S)

static const char trailer_mark[] = "trailer:"; /* core's way to say it, see core_web.c */
static const char away[] = "the process that answers is being started again; ask again in a moment";

void fl_web_relay_init(struct fl_web *web)
{
    for (size_t i = 0; i < FL_WEB_ASK_SLOTS; i++)
        LIST_INIT(&web->asks[i]);
    TAILQ_INIT(&web->streams);
}

static struct fl_web_ask *find(struct fl_web *web, uint32_t id)
{
    struct fl_web_ask *ask;

    LIST_FOREACH(ask, &web->asks[id % FL_WEB_ASK_SLOTS], link)
    if (ask->id == id)
        return ask;
    return NULL;
}

static bool is_stream(const struct fl_web_ask *ask)
{
    return ask->begun && ask->flow == FL_WEB_EVENTS;
}

static void ask_free(struct fl_web *web, struct fl_web_ask *ask)
{
    if (is_stream(ask)) {
        TAILQ_REMOVE(&web->streams, ask, stream);
        web->stream_count--;
        web->events_sent += ask->events.sent_all;
        web->events_dropped += ask->events.dropped_all;
    }
    LIST_REMOVE(ask, link);
    web->ask_count--;
    fl_httpd_set_tag(ask->req, NULL);
    fl_web_events_done(&ask->events);
    fl_buf_done(&ask->headers);
    fl_buf_done(&ask->body);
    fl_buf_done(&ask->trailer);
    free(ask);
}

static struct fl_web_ask *ask_new(struct fl_web *web, struct fl_httpd_req *req)
{
    const struct fl_http_head *head = fl_httpd_head(req);
    struct fl_web_ask *ask = calloc(1, sizeof *ask);

    if (ask == NULL)
        return NULL;
    do
        web->last_id = web->last_id == UINT32_MAX ? 1 : web->last_id + 1;
    while (find(web, web->last_id) != NULL);
    ask->id = web->last_id;
    ask->req = req;
    fl_buf_init(&ask->headers, 2 * FL_WEB_HEADERS_MAX);
    ask->metrics = fl_span_eq(head->path, FL_SPAN("/metrics"));
    ask->signs_in = fl_span_eq(head->path, FL_SPAN("/api/v1/session")) &&
                    fl_span_eq(head->method, FL_SPAN("POST"));
    ask->result_line = fl_span_eq(fl_http_field(head, "fairlead-result"), FL_SPAN("line"));
    fl_buf_init(&ask->body, ask->metrics ? METRICS_MAX : FL_WEB_HOLD_MAX + FL_MSG_CHUNK_MAX);
    fl_buf_init(&ask->trailer, FL_MSG_TEXT_MAX);
    fl_web_events_init(&ask->events);
    LIST_INSERT_HEAD(&web->asks[ask->id % FL_WEB_ASK_SLOTS], ask, link);
    web->ask_count++;
    fl_httpd_set_tag(req, ask);
    return ask;
}

/* ---- to core ---- */

static int send_whole(struct fl_web *web, uint32_t id, const struct fl_msg_request *msg,
                      struct fl_span body, struct fl_err *err)
{
    int r;

    if (web->core == NULL)
        return fl_err_set(err, FL_E_AGAIN, "%s", away);
    if (fl_imsg_queued(web->core) + body.len > CORE_QUEUE_MAX)
        return fl_err_set(err, FL_E_AGAIN, "too many requests wait; ask again in a moment");
    r = fl_imsg_send(web->core, FL_MSG_REQUEST, id, msg, -1, err);
    while (r == FL_OK && body.len > 0) {
        size_t n = body.len < FL_MSG_CHUNK_MAX ? body.len : FL_MSG_CHUNK_MAX;
        struct fl_msg_body piece = {.bytes = fl_span_of(body.ptr, n)};

        r = fl_imsg_send(web->core, FL_MSG_REQUEST_BODY, id, &piece, -1, err);
        body = fl_span_of(body.ptr + n, body.len - n);
    }
    return r;
}

static void cancel(struct fl_web *web, uint32_t id)
{
    if (web->core != NULL && fl_imsg_send(web->core, FL_MSG_REQUEST_CANCEL, id, NULL, -1, NULL) < 0)
        fl_role_log(web->env, FL_LOG_WARN, "core could not be told that a browser has left");
}

void fl_web_relay(struct fl_web *web, struct fl_httpd_req *req)
{
    FL_AUTO(fl_buf_done) struct fl_buf headers;
    struct fl_msg_request msg;
    struct fl_web_ask *ask;
    struct fl_err err;
    int r;

    fl_buf_init(&headers, FL_WEB_HEADERS_MAX);
    if (fl_web_request(fl_httpd_head(req), fl_httpd_peer(req), &headers, &msg, &err) < 0) {
        fl_web_refuse(web, req, 431, "over_limit", err.text);
        return;
    }
    ask = ask_new(web, req);
    if (ask == NULL) {
        fl_web_refuse(web, req, 503, "no_memory", "there is no memory for more requests");
        return;
    }
    r = send_whole(web, ask->id, &msg, fl_httpd_body(req), &err);
    if (r < 0) {
        cancel(web, ask->id);
        ask_free(web, ask);
        fl_web_refuse(web, req, 503, "unavailable", err.text);
    }
}

void fl_web_relay_left(struct fl_web *web, struct fl_web_ask *ask)
{
    cancel(web, ask->id);
    ask_free(web, ask);
}

/* ---- from core ---- */

static void settle(struct fl_web *web, struct fl_web_ask *ask)
{
    struct fl_msg_response_taken msg = {.bytes = ask->owed};

    if (ask->owed == 0 || web->core == NULL ||
        (ask->flow != FL_WEB_EVENTS && fl_httpd_queued(ask->req) > FL_WEB_ROOM_BYTES))
        return;
    if (fl_imsg_send(web->core, FL_MSG_RESPONSE_TAKEN, ask->id, &msg, -1, NULL) == FL_OK)
        ask->owed = 0;
}

static bool is_head(const struct fl_web_ask *ask)
{
    return fl_span_eq(fl_httpd_head(ask->req)->method, FL_SPAN("HEAD"));
}

/* The answer begins to go out in pieces. */
static void begin_stream(struct fl_web *web, struct fl_web_ask *ask)
{
    if (ask->flow == FL_WEB_STREAM)
        fl_buf_put_str(&ask->headers, "Trailer: Fairlead-Result\n");
    if (ask->flow == FL_WEB_EVENTS) /* proxies before us must not collect it */
        fl_buf_put_str(&ask->headers, "X-Accel-Buffering: no\n");
    fl_httpd_begin(ask->req, ask->status, fl_buf_span(&ask->headers), -1);
    ask->begun = true;
    ask->passed_us = fl_now_mono_us();
    if (ask->flow != FL_WEB_EVENTS)
        return;
    TAILQ_INSERT_TAIL(&web->streams, ask, stream);
    web->stream_count++;
    web->streams_all++;
}

static bool has_line(struct fl_span headers, const char *name)
{
    return fl_span_find_nocase(headers, fl_span_str(name));
}

static void take_head(struct fl_web *web, struct fl_web_ask *ask, struct fl_span payload)
{
    struct fl_msg_response msg;
    size_t mark = sizeof trailer_mark - 1;

    if (fl_msg_decode(FL_MSG_RESPONSE, payload, &msg, NULL) < 0)
        return;
    if (msg.type.len >= mark && memcmp(msg.type.ptr, trailer_mark, mark) == 0) {
        fl_buf_clear(&ask->trailer);
        fl_buf_put_span(&ask->trailer, fl_span_of(msg.type.ptr + mark, msg.type.len - mark));
        return;
    }
    if (ask->status != 0)
        return;
    ask->status = msg.status;
    if (ask->signs_in)
        web->sign_ins[msg.status < 300]++;
    ask->flow = fl_web_flow_of(msg.type);
    if (msg.type.len > 0)
        fl_buf_printf(&ask->headers, "Content-Type: %.*s\n", FL_SPAN_ARG(msg.type));
    if (!has_line(msg.headers, "cache-control:"))
        fl_buf_put_str(&ask->headers, "Cache-Control: no-store\n");
    fl_buf_put_span(&ask->headers, msg.headers);
    fl_web_guard(FL_WEB_PAGE_DATA, fl_web_own_cert(web), &ask->headers);
    if (ask->flow == FL_WEB_HOLD)
        return;
    begin_stream(web, ask);
    if (is_head(ask)) { /* nobody waits for the rest, which may be without an end */
        struct fl_httpd_req *req = ask->req;

        cancel(web, ask->id);
        ask_free(web, ask);
        fl_httpd_end(req, FL_SPAN(""));
        return;
    }
    fl_httpd_flush(ask->req);
}

static void put_events(struct fl_web_ask *ask, struct fl_span piece)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, FL_WEB_EVENTS_MAX + FL_WEB_EVENT_MAX);
    fl_web_events_take(&ask->events, piece, fl_httpd_queued(ask->req), &out);
    if (out.len == 0)
        return;
    fl_httpd_put(ask->req, fl_buf_span(&out));
    fl_httpd_flush(ask->req);
    ask->passed_us = fl_now_mono_us();
}

static void take_body(struct fl_web *web, struct fl_web_ask *ask, struct fl_span payload)
{
    struct fl_msg_body msg;

    if (fl_msg_decode(FL_MSG_RESPONSE_BODY, payload, &msg, NULL) < 0 || ask->status == 0)
        return;
    ask->owed += msg.bytes.len;
    if (ask->flow == FL_WEB_EVENTS) {
        put_events(ask, msg.bytes);
    } else if (ask->begun) {
        fl_httpd_put(ask->req, msg.bytes);
        if (ask->flow == FL_WEB_STREAM)
            fl_httpd_flush(ask->req);
    } else {
        fl_buf_put_span(&ask->body, msg.bytes);
        if (ask->body.len > FL_WEB_HOLD_MAX && !ask->metrics) {
            begin_stream(web, ask);
            fl_httpd_put(ask->req, fl_buf_span(&ask->body));
            fl_buf_done(&ask->body);
        }
    }
    settle(web, ask);
}

/* OpenMetrics ends with one "# EOF"; core's goes, ours stands behind both. */
static void add_own_metrics(const struct fl_web *web, struct fl_web_ask *ask)
{
    static const char eof[] = "# EOF\n";
    const size_t len = sizeof eof - 1;
    struct fl_buf *body = &ask->body;

    if (body->len >= len && memcmp(body->ptr + body->len - len, eof, len) == 0)
        body->len -= len;
    fl_web_metrics(web, body);
    fl_buf_put_str(body, eof);
}

static void end_events(struct fl_web_ask *ask)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, 2 * FL_MSG_TEXT_MAX);
    fl_web_events_tell(&ask->events, 0, &out);
    fl_buf_put_str(&out, "event: end\ndata: ");
    fl_buf_put_span(&out, ask->trailer.len > 0 ? fl_buf_span(&ask->trailer) : FL_SPAN("{}"));
    fl_buf_put_str(&out, "\n\n");
    fl_httpd_put(ask->req, fl_buf_span(&out));
}

/* The trailer as a last line of the body, {"fairlead":{...}}. */
static void put_result_line(struct fl_web_ask *ask)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, 2 * FL_MSG_TEXT_MAX);
    fl_buf_printf(&out, "%s{\"fairlead\":%.*s}\n", ask->flow == FL_WEB_STREAM ? "" : "\n",
                  FL_SPAN_ARG(fl_buf_span(&ask->trailer)));
    if (ask->begun)
        fl_httpd_put(ask->req, fl_buf_span(&out));
    else
        fl_buf_put_span(&ask->body, fl_buf_span(&out));
}

/* As a header where the answer is small enough to wait for its end, else as a trailer. */
static void put_result(struct fl_buf *out, const struct fl_web_ask *ask)
{
    fl_buf_put_str(out, "Fairlead-Result: ");
    fl_buf_put_span(out, fl_buf_span(&ask->trailer));
    fl_buf_put_str(out, "\n");
}

static void take_end(struct fl_web *web, struct fl_web_ask *ask)
{
    FL_AUTO(fl_buf_done) struct fl_buf trailers;
    struct fl_httpd_req *req = ask->req;

    fl_buf_init(&trailers, 2 * FL_MSG_TEXT_MAX);
    if (ask->status == 0) {
        ask_free(web, ask);
        fl_web_refuse(web, req, 502, "internal", "the request got no answer");
        return;
    }
    if (ask->result_line && ask->status == 200 && ask->flow != FL_WEB_EVENTS &&
        ask->trailer.len > 0)
        put_result_line(ask);
    if (!ask->begun && ask->body.failed != 0) {
        ask_free(web, ask);
        fl_web_refuse(web, req, 502, "internal", "the answer is larger than answers may be");
        return;
    }
    if (!ask->begun) {
        if (ask->metrics && ask->status == 200)
            add_own_metrics(web, ask);
        if (ask->trailer.len > 0 && !ask->result_line)
            put_result(&ask->headers, ask);
        fl_httpd_begin(req, ask->status, fl_buf_span(&ask->headers), (int64_t)ask->body.len);
        fl_httpd_put(req, fl_buf_span(&ask->body));
    } else if (ask->flow == FL_WEB_EVENTS) {
        end_events(ask);
    } else if (ask->flow == FL_WEB_STREAM && ask->trailer.len > 0) {
        put_result(&trailers, ask);
    }
    ask_free(web, ask);
    fl_httpd_end(req, fl_buf_span(&trailers));
}

void fl_web_relay_message(struct fl_web *web, const struct fl_imsg_in *in)
{
    struct fl_web_ask *ask = find(web, in->id);

    if (ask == NULL) /* its browser has left */
        return;
    if (in->type == FL_MSG_RESPONSE)
        take_head(web, ask, in->payload);
    else if (in->type == FL_MSG_RESPONSE_BODY)
        take_body(web, ask, in->payload);
    else if (in->type == FL_MSG_RESPONSE_END)
        take_end(web, ask);
}

void fl_web_relay_room(struct fl_web *web, struct fl_web_ask *ask)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, 256);
    if (is_stream(ask))
        fl_web_events_tell(&ask->events, fl_httpd_queued(ask->req), &out);
    if (out.len > 0) {
        fl_httpd_put(ask->req, fl_buf_span(&out));
        fl_httpd_flush(ask->req);
    }
    settle(web, ask);
}

/* ---- core goes, time goes ---- */

static void lose(struct fl_web *web, struct fl_web_ask *ask)
{
    struct fl_httpd_req *req = ask->req;
    bool begun = ask->begun, stream = is_stream(ask);

    ask_free(web, ask);
    if (!begun)
        fl_web_refuse(web, req, 503, "unavailable", away);
    else if (stream)
        fl_httpd_end(req, FL_SPAN("")); /* the browser asks again, from where it was */
    else
        fl_httpd_cut(req); /* half a file must not look whole */
}

void fl_web_relay_lost(struct fl_web *web)
{
    struct fl_web_ask *ask;

    web->core_lost++;
    for (size_t i = 0; i < FL_WEB_ASK_SLOTS; i++)
        while ((ask = LIST_FIRST(&web->asks[i])) != NULL)
            lose(web, ask);
}

/* A stream in which nothing happens is kept open by a comment, which also finds out who has gone
 * without a word. */
void fl_web_relay_tick(struct fl_web *web)
{
    int64_t now_us = fl_now_mono_us();
    struct fl_web_ask *ask;

    TAILQ_FOREACH (ask, &web->streams, stream) {
        if (now_us - ask->passed_us < QUIET_US || fl_httpd_queued(ask->req) > 0 ||
            ask->events.part.len > 0)
            continue;
        ask->passed_us = now_us;
        fl_httpd_put(ask->req, FL_SPAN(":\n\n"));
        fl_httpd_flush(ask->req);
    }
}

static void metric(struct fl_buf *out, const char *name, const char *kind, const char *help,
                   uint64_t value)
{
    fl_buf_printf(out, "# TYPE fairlead_web_%s %s\n# HELP fairlead_web_%s %s\n", name, kind, name,
                  help);
    fl_buf_printf(out, "fairlead_web_%s%s %" PRIu64 "\n", name,
                  strcmp(kind, "counter") == 0 ? "_total" : "", value);
}

static void labelled(struct fl_buf *out, const char *name, const char *label, const char *value,
                     uint64_t number)
{
    fl_buf_printf(out, "fairlead_web_%s_total{%s=\"%s\"} %" PRIu64 "\n", name, label, value,
                  number);
}

static void head(struct fl_buf *out, const char *name, const char *help)
{
    fl_buf_printf(out, "# TYPE fairlead_web_%s counter\n# HELP fairlead_web_%s %s\n", name, name,
                  help);
}

void fl_web_metrics(const struct fl_web *web, struct fl_buf *out)
{
    const struct fl_httpd_stat *s = fl_httpd_stat(web->httpd);
    uint64_t sent = web->events_sent, dropped = web->events_dropped;
    const struct fl_web_ask *ask;

    TAILQ_FOREACH (ask, &web->streams, stream) {
        sent += ask->events.sent_all;
        dropped += ask->events.dropped_all;
    }
    metric(out, "connections", "gauge", "Open connections.", s->open);
    metric(out, "sources", "gauge", "Addresses that they come from.", s->sources);
    metric(out, "streams", "gauge", "Open event streams.", web->stream_count);
    metric(out, "asks", "gauge", "Requests that core has.", web->ask_count);
    metric(out, "accepted", "counter", "Connections accepted.", s->accepted);
    metric(out, "handshakes_failed", "counter", "TLS handshakes that failed.",
           s->handshakes_failed);
    metric(out, "requests", "counter", "Whole requests received.", s->requests);
    metric(out, "refused_requests", "counter", "Requests refused as malformed, too large or late.",
           s->refused_requests);
    metric(out, "sent_bytes", "counter", "Bytes of answers, before TLS.", s->bytes_out);
    metric(out, "events_sent", "counter", "Events passed to streams.", sent);
    metric(out, "events_dropped", "counter", "Events dropped because a reader was slow.", dropped);
    metric(out, "core_lost", "counter", "Times that core went away.", web->core_lost);
    head(out, "answers", "Answers by class of status.");
    for (unsigned i = 2; i < 6; i++) {
        char class[4] = {(char)('0' + i), 'x', 'x', '\0'};

        labelled(out, "answers", "status", class, s->by_class[i]);
    }
    head(out, "sign_ins", "Passwords given, by what came of it.");
    labelled(out, "sign_ins", "result", "taken", web->sign_ins[1]);
    labelled(out, "sign_ins", "result", "refused", web->sign_ins[0]);
    head(out, "turned_away", "Connections closed before TLS, by limit.");
    labelled(out, "turned_away", "limit", "connections", s->refused_total);
    labelled(out, "turned_away", "limit", "source", s->refused_source);
    head(out, "late", "Connections ended by a deadline.");
    labelled(out, "late", "deadline", "handshake", s->late_handshake);
    labelled(out, "late", "deadline", "head", s->late_head);
    labelled(out, "late", "deadline", "body", s->late_body);
    labelled(out, "late", "deadline", "reader", s->late_reader);
    labelled(out, "late", "deadline", "idle", s->idle_ended);
}
