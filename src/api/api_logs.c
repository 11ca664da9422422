#include <stdio.h>
#include <string.h>

#include "api/figure.h"
#include "api/parts.h"
#include "api/sse.h"
#include "base/time.h"
#include "codec/filter.h"
#include "logs/query.h"

#define WINDOW_BYTES   ((uint64_t)1 << 20)   /* of a result that may be on its way at once */
#define TAIL_BYTES     ((uint64_t)128 << 10) /* the same of a live tail: there may be many */
#define TAIL_RETRY_S   10
#define HOUR_US        (INT64_C(3600) * FL_US_PER_S)
#define LIMIT_MAX      100000u
#define GRACE_MS       30000
#define LINE_MAX_BYTES ((size_t)1 << 20) /* of a row in an event stream */

/* The last segment of the path names the kind. */
static const struct kind {
    const char *name;
    enum fl_query_kind kind;
    uint32_t scope;
    const char *purpose, *type; /* of the answer */
    int64_t preset_us;          /* range when none is given; 0 = none at all */
} kinds[] = {
    {"top", FL_Q_TOP, FL_CAP_READ, "query", "application/json", HOUR_US},
    {"series", FL_Q_SERIES, FL_CAP_READ, "query", "application/json", 24 * HOUR_US},
    {"rows", FL_Q_LATEST, FL_CAP_READ, "query", "application/x-ndjson", 24 * HOUR_US},
    {"facets", FL_Q_FACETS, FL_CAP_READ, "query", "application/json", HOUR_US},
    {"context", FL_Q_CONTEXT, FL_CAP_READ, "query", "application/x-ndjson", 0},
    {"export", FL_Q_EXPORT, FL_CAP_READ | FL_CAP_EXPORT, "export", "application/x-ndjson",
     24 * HOUR_US},
    {"tail", FL_Q_TAIL, FL_CAP_READ, "tail", "application/x-ndjson", 0},
    {"count", FL_Q_COUNT, FL_CAP_READ, "query", "application/json", 24 * HOUR_US},
};

/* A question while it is answered; in the request's arena. */
struct question {
    struct fl_api *api;
    const struct kind *kind;
    const char *type; /* of the answer */
    struct fl_msg_query msg;
    uint32_t ask;
    bool asked, over, masked;
    /* A live tail as an event stream: */
    bool sse;
    struct fl_buf line; /* the row that is not whole yet */
    uint64_t more;      /* bytes sent beside the rows that nobody took yet */
    int64_t beat_us;    /* monotonic: something was last sent */
};

static const struct kind *kind_of(const struct fl_route *route)
{
    const char *name = strrchr(route->path, '/') + 1;

    for (size_t i = 0; i < FL_LEN(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int take_range(struct fl_req *req, const struct kind *kind, struct fl_msg_query *msg,
                      struct fl_err *err)
{
    int64_t now_us = req->api->env.now_us();
    int r, given;

    if (kind->preset_us == 0) {
        msg->from_us = INT64_MIN;
        msg->to_us = INT64_MAX;
        return FL_OK;
    }
    msg->to_us = now_us;
    r = fl_req_param_time(req, "to", &msg->to_us, err);
    if (r < 0)
        return r;
    msg->from_us = msg->to_us - kind->preset_us;
    given = fl_req_param_time(req, "from", &msg->from_us, err);
    if (given < 0)
        return given;
    if (msg->from_us >= msg->to_us) {
        req->field = "from";
        return fl_err_set(err, FL_E_INVAL, "from must be before to");
    }
    return FL_OK;
}

static int take_step(struct fl_req *req, struct fl_msg_query *msg, struct fl_err *err)
{
    struct fl_span step = fl_req_param(req, "step");

    if (step.ptr == NULL || fl_duration_parse(step, &msg->step_us))
        return FL_OK;
    req->field = "step";
    return fl_err_set(err, FL_E_INVAL, "step is a span of time such as 5m or 1h");
}

static int take_question(struct fl_req *req, struct question *q, struct fl_err *err)
{
    struct fl_span columns = fl_req_param(req, "columns");
    struct fl_msg_query *msg = &q->msg;
    uint64_t limit = 0;
    int r = take_range(req, q->kind, msg, err);

    if (r == FL_OK)
        r = fl_req_param_num(req, "limit", 1, LIMIT_MAX, &limit, err);
    if (r >= 0)
        r = take_step(req, msg, err);
    if (r < 0)
        return r;
    msg->kind = (uint8_t)q->kind->kind;
    msg->limit = (uint32_t)limit;
    msg->filter = fl_req_param(req, "where");
    msg->by = columns.ptr != NULL ? columns : fl_req_param(req, "by");
    msg->metric = fl_req_param(req, "metric");
    msg->cursor = fl_req_param(req, "cursor");
    msg->format = fl_req_param(req, "format");
    if (q->kind->kind == FL_Q_TOP && fl_req_param_flag(req, "sums"))
        msg->format = FL_SPAN("sums"); /* without distinct users */
    msg->original = fl_req_param_flag(req, "original");
    msg->budget_ms =
        q->kind->kind == FL_Q_TAIL ? 0 : (uint32_t)fl_conf_num(req->api->env.conf, FL_SET_QUERY_MS);
    msg->budget_bytes = fl_conf_num(req->api->env.conf, FL_SET_QUERY_BYTES);
    return FL_OK;
}

static void put_trailer(struct fl_req *req, const struct fl_msg_query_end *end)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_json json;

    fl_buf_init(&text, FL_MSG_TEXT_MAX);
    fl_json_init(&json, &text);
    fl_json_object(&json, NULL);
    fl_json_bool(&json, "partial", end->partial != 0);
    fl_json_bool(&json, "from_rollups", end->from_rollups != 0);
    fl_json_u64(&json, "rows_scanned", end->rows_scanned);
    fl_json_u64(&json, "rows_matched", end->rows_matched);
    fl_json_u64(&json, "bytes_read", end->bytes_read);
    fl_json_u64(&json, "elapsed_us", end->elapsed_us);
    fl_json_str(&json, "cursor", end->cursor);
    fl_json_str(&json, "why", fl_span_of(end->text.ptr, end->text.len < 300 ? end->text.len : 300));
    fl_json_end(&json);
    if (text.failed == 0)
        fl_req_trailer(req, fl_buf_span(&text));
}

/* ---- a live tail as an event stream ---- */

/* "event":{...,"sequence":N,"id":"DAY.N"...: quotes within values are escaped, so that this stands
 * nowhere else before it. */
static struct fl_span id_of(struct fl_span row)
{
    static const char before[] = "\"sequence\":", name[] = ",\"id\":\"";
    const unsigned char *at = memmem(row.ptr, row.len, before, sizeof before - 1), *end;
    size_t left;

    if (at == NULL)
        return FL_SPAN("");
    left = row.len - (size_t)(at - row.ptr);
    at = memmem(at, left, name, sizeof name - 1);
    if (at == NULL)
        return FL_SPAN("");
    at += sizeof name - 1;
    left = row.len - (size_t)(at - row.ptr);
    end = memchr(at, '"', left);
    return end == NULL ? FL_SPAN("") : fl_span_of(at, (size_t)(end - at));
}

/* {"fairlead":{"dropped":n,"cursor":"..."}}: how far the tail looked, and what it left out. */
static void put_mark(struct fl_req *req, struct question *q, struct fl_span line)
{
    json_t *root = json_loadb((const char *)line.ptr, line.len, 0, NULL);
    const json_t *mark = json_object_get(root, "fairlead");
    const char *cursor = json_string_value(json_object_get(mark, "cursor"));
    int64_t now_us = fl_now_mono_us();

    if (json_integer_value(json_object_get(mark, "dropped")) > 0) {
        fl_sse_event(req, fl_span_str(cursor == NULL ? "" : cursor), "dropped", line);
        q->beat_us = now_us;
    } else if (now_us - q->beat_us >= FL_SSE_BEAT_US) {
        fl_buf_clear(&req->out);
        if (cursor != NULL)
            fl_buf_printf(&req->out, "id: %s\n", cursor);
        fl_buf_put_str(&req->out, ": beat\n\n");
        fl_req_piece(req, fl_buf_span(&req->out));
        q->more += req->out.len;
        fl_buf_clear(&req->out);
        q->beat_us = now_us;
    }
    json_decref(root);
}

static void put_line(struct fl_req *req, struct question *q, struct fl_span line)
{
    static const char mark[] = "{\"fairlead\":{\"dropped\"";
    struct fl_span id;

    if (line.len == 0)
        return;
    if (line.len > sizeof mark && memcmp(line.ptr, mark, sizeof mark - 1) == 0) {
        put_mark(req, q, line);
        return;
    }
    id = id_of(line);
    q->more += id.len + 64; /* names and ends of lines around it: about so much */
    q->beat_us = fl_now_mono_us();
    fl_sse_event(req, id, "row", line);
}

/* Pieces of the answer end anywhere; events are whole lines. */
static void put_events(struct fl_req *req, struct question *q, struct fl_span piece)
{
    fl_sse_begin(req);
    while (piece.len > 0) {
        const unsigned char *end = memchr(piece.ptr, '\n', piece.len);
        size_t n = end == NULL ? piece.len : (size_t)(end - piece.ptr);

        fl_buf_put(&q->line, piece.ptr, n);
        if (end != NULL) {
            if (q->line.failed == 0) /* a row over the limit is left out */
                put_line(req, q, fl_buf_span(&q->line));
            fl_buf_clear(&q->line);
            n++;
        }
        piece = fl_span_of(piece.ptr + n, piece.len - n);
    }
}

/* The store's word for a question about what is hidden (logs/mask.h). */
static bool is_hidden(struct fl_span text)
{
    return fl_span_find_nocase(text, FL_SPAN("state a purpose"));
}

/* And about live tails, of which there are enough (fairleadd/store_query.c). */
static bool is_crowd(struct fl_span text)
{
    return fl_span_find_nocase(text, FL_SPAN("too many live tails"));
}

/* Coming again helps unless the question itself is wrong. */
static void end_events(struct fl_req *req, const struct fl_msg_query_end *end)
{
    char text[300];

    (void)snprintf(text, sizeof text, "%.*s", (int)(end->text.len < 299 ? end->text.len : 299),
                   end->text.len == 0 ? "" : (const char *)end->text.ptr);
    if (end->code == FL_E_DENIED && is_hidden(end->text))
        fl_sse_end(req, "masked", text, false);
    else
        fl_sse_end(req, end->code == FL_E_DENIED ? "ended" : "again",
                   text[0] == '\0' ? "the tail was interrupted" : text, end->code != FL_E_INVAL);
}

/* The end before any row: an error has its status. In the midst of rows: said in the trailer. */
static void finish(struct fl_req *req, struct question *q, const struct fl_msg_query_end *end)
{
    struct fl_msg_query_end told = *end;
    struct fl_err err;

    q->over = true;
    if (req->begun && q->sse) {
        end_events(req, end);
        return;
    }
    if (end->code == FL_E_DENIED && !req->begun && q->masked && is_hidden(end->text)) {
        fl_req_problem(req, 403, "masked", "%.*s", FL_SPAN_ARG(end->text));
        return;
    }
    if (end->code == FL_E_AGAIN && !req->begun)
        fl_req_header(req, "Retry-After", "%d", TAIL_RETRY_S);
    if (end->code == FL_E_AGAIN && !req->begun && is_crowd(end->text)) {
        fl_req_problem(req, 429, "too_many", "%.*s", FL_SPAN_ARG(end->text));
        return;
    }
    if (end->code != 0 && !req->begun) {
        (void)fl_err_set(&err, end->code < 0 ? end->code : FL_E_IO, "%.*s", FL_SPAN_ARG(end->text));
        fl_req_fail(req, &err);
        return;
    }
    told.partial = end->partial != 0 || end->code != 0;
    fl_req_head(req, 200, q->type);
    put_trailer(req, &told);
    fl_req_end(req);
}

static bool on_result(struct fl_req *req, const struct fl_answer_in *in)
{
    struct question *q = req->state;
    struct fl_msg_query_end end;
    struct fl_msg_result result;
    struct fl_err err = {.code = FL_E_PROTO, .text = "store gave an answer that is not one"};

    if (in->type == FL_MSG_RESULT && fl_msg_decode(in->type, in->payload, &result, &err) == FL_OK) {
        if (q->sse) {
            put_events(req, q, result.bytes);
            return true;
        }
        fl_req_head(req, 200, q->type);
        fl_req_piece(req, result.bytes);
        return true;
    }
    if (in->type == FL_MSG_QUERY_END && fl_msg_decode(in->type, in->payload, &end, &err) == FL_OK) {
        finish(req, q, &end);
        return false;
    }
    if (in->type == FL_MSG_NONE)
        err = *in->err;
    end = (struct fl_msg_query_end){.code = err.code, .text = fl_span_str(err.text)};
    finish(req, q, &end);
    return false;
}

static void on_taken(struct fl_req *req, uint64_t bytes)
{
    struct question *q = req->state;
    uint64_t beside = bytes < q->more ? bytes : q->more; /* not of the store's bytes */
    struct fl_msg_credit credit = {.bytes = bytes - beside};

    q->more -= beside;
    if (credit.bytes == 0)
        return;
    if (q->asked && !q->over)
        (void)fl_api_send(req->api, FL_ROLE_STORE, FL_MSG_CREDIT, q->ask, &credit);
}

/* Whoever asked has gone: store need not go on. */
static void on_gone(void *state)
{
    struct question *q = state;

    if (q->asked && !q->over)
        (void)fl_api_send(q->api, FL_ROLE_STORE, FL_MSG_CANCEL, q->ask, NULL);
    fl_buf_done(&q->line);
}

/* Store keeps to the budget; one that does not answer long after it hangs. Rows that go on for as
 * long as the caller takes them have no end of their own. */
static int64_t patience_ms(const struct question *q)
{
    bool endless = q->kind->kind == FL_Q_TAIL || q->kind->kind == FL_Q_EXPORT;

    return endless ? 0 : (int64_t)q->msg.budget_ms + GRACE_MS;
}

static int ask_store(struct fl_req *req, struct fl_span cap, struct fl_err *err)
{
    struct question *q = req->state;
    struct fl_msg_credit credit = {.bytes = q->kind->kind == FL_Q_TAIL ? TAIL_BYTES : WINDOW_BYTES};
    int r;

    q->msg.cap = cap;
    r = fl_ask(req, FL_ROLE_STORE, FL_MSG_QUERY, &q->msg, patience_ms(q), on_result, &q->ask, err);
    q->msg.cap = FL_SPAN("");
    if (r < 0)
        return r;
    q->asked = true;
    req->taken = on_taken;
    return fl_api_send(req->api, FL_ROLE_STORE, FL_MSG_CREDIT, q->ask, &credit) < 0
               ? fl_err_set(err, FL_E_AGAIN, "the store role is too busy; try again")
               : FL_OK;
}

/* Rows leave for a file of somebody's: an erasure tells whose (api_erase.c). */
static int record_export(struct fl_req *req, const struct fl_msg_query *msg, struct fl_err *err)
{
    char from[FL_TIME_TEXT_BYTES], to[FL_TIME_TEXT_BYTES], detail[160];

    fl_time_format(msg->from_us, from);
    fl_time_format(msg->to_us, to);
    (void)snprintf(detail, sizeof detail, "{\"from\":\"%s\",\"to\":\"%s\",\"filtered\":%s}", from,
                   to, msg->filter.len > 0 ? "true" : "false");
    return fl_part_record(req, "logs.export", req->tenant.slug, req->tenant.slug, detail, err);
}

/* What is wrong with a live tail's question is said before the store is asked. */
static int check_filter(const struct question *q, struct fl_err *err)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_filter *filter = NULL;
    int r;

    fl_arena_init(&arena, 256 * 1024);
    r = fl_filter_parse(q->msg.filter, &arena, &filter, err);
    return r < 0 ? fl_err_wrap(err, "filter") : FL_OK;
}

int fl_api_logs(struct fl_req *req, struct fl_err *err)
{
    struct question *q = fl_arena_get(&req->arena, sizeof *q);
    int r;

    if (q == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *q = (struct question){.kind = kind_of(req->route), .api = req->api};
    if (q->kind == NULL)
        return fl_err_set(err, FL_E_NOENT, "there is no such question");
    r = take_question(req, q, err);
    if (r == FL_OK && fl_sse_wanted(req))
        r = check_filter(q, err);
    if (r < 0)
        return r;
    fl_buf_init(&q->line, LINE_MAX_BYTES);
    q->sse = q->kind->kind == FL_Q_TAIL && fl_sse_wanted(req);
    q->beat_us = fl_now_mono_us();
    if (q->sse && q->msg.cursor.len == 0)
        q->msg.cursor = fl_req_header_in(req, "last-event-id");
    q->type = fl_span_eq(q->msg.format, FL_SPAN("csv")) ? "text/csv" : q->kind->type;
    req->state = q;
    req->state_free = on_gone;
    req->reads = req->tenant.id;
    if (q->kind->kind == FL_Q_EXPORT)
        r = record_export(req, &q->msg, err);
    if (r < 0)
        return r;
    q->masked = !fl_figure_reveals(req);
    fl_req_header(req, "Fairlead-Masked", "%s", q->masked ? "yes" : "no");
    return fl_part_cap(req, q->kind->scope | (q->masked ? 0 : (uint32_t)FL_CAP_REVEAL),
                       q->kind->purpose, ask_store, err);
}

/* ---- purge ---- */

struct purge {
    struct fl_msg_purge msg;
    char from[16], to[16];
};

static int take_day(struct fl_req *req, const char *name, char text[16], int32_t *ret,
                    struct fl_err *err)
{
    int r = fl_req_need(req, name, text, 16, err);

    if (r < 0)
        return r;
    if (fl_day_parse(fl_span_str(text), ret))
        return FL_OK;
    req->field = name;
    return fl_err_set(err, FL_E_INVAL, "%s is a UTC day of receipt such as 2026-11-20", name);
}

static bool on_purged(struct fl_req *req, const struct fl_answer_in *in)
{
    const struct purge *p = req->state;
    struct fl_msg_purged msg;
    struct fl_json *json;
    struct fl_err err;

    if (fl_answer_take(in, FL_MSG_PURGED, &msg, &err) < 0) {
        fl_req_fail(req, &err);
    } else {
        json = fl_req_object(req);
        fl_json_text(json, "from_day", p->from);
        fl_json_text(json, "to_day", p->to);
        fl_json_bool(json, "dry_run", p->msg.dry != 0);
        fl_part_purged(json, &msg);
        fl_req_done(req, 200);
    }
    return false;
}

static int ask_purge(struct fl_req *req, struct fl_span cap, struct fl_err *err)
{
    struct purge *p = req->state;
    char detail[80];
    int r;

    if (p->msg.dry == 0) {
        (void)snprintf(detail, sizeof detail, "{\"from_day\":\"%s\",\"to_day\":\"%s\"}", p->from,
                       p->to);
        r = fl_part_record(req, "logs.purge", req->tenant.slug, req->tenant.slug, detail, err);
        if (r < 0)
            return r;
    }
    p->msg.cap = cap;
    return fl_ask(req, FL_ROLE_STORE, FL_MSG_PURGE, &p->msg, FL_ASK_PURGE_MS, on_purged, NULL, err);
}

int fl_api_purge(struct fl_req *req, struct fl_err *err)
{
    struct purge *p = fl_arena_get(&req->arena, sizeof *p);
    bool dry = false;
    int r;

    if (p == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *p = (struct purge){.msg = {.why = FL_SPAN("purge")}};
    req->state = p;
    r = take_day(req, "from_day", p->from, &p->msg.from_day, err);
    if (r == FL_OK)
        r = take_day(req, "to_day", p->to, &p->msg.to_day, err);
    if (r == FL_OK)
        r = fl_req_bool(req, "dry_run", &dry, err);
    if (r >= 0 && p->msg.to_day < p->msg.from_day) {
        req->field = "to_day";
        r = fl_err_set(err, FL_E_INVAL, "to_day must not be before from_day");
    }
    if (r < 0)
        return r;
    p->msg.dry = dry;
    return fl_part_cap(req, dry ? FL_CAP_READ : FL_CAP_PURGE, "operations", ask_purge, err);
}
