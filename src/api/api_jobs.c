/* Long work on the store: verify, repair, merge and what else logs/store_job.h knows. The last
 * segment of the path is the kind's name; the answer is its lines, NDJSON. */
#include <stdio.h>
#include <string.h>

#include "api/parts.h"
#include "base/time.h"
#include "logs/store_job.h"

#define WINDOW_BYTES ((uint64_t)256 << 10) /* of the answer that may be on its way at once */

struct work { /* in the request's arena */
    struct fl_api *api;
    uint32_t ask;
    bool asked, over;
};

/* ---- the answer ---- */

static void put_trailer(struct fl_req *req, bool partial, struct fl_span why)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_json json;

    fl_buf_init(&text, FL_MSG_TEXT_MAX);
    fl_json_init(&json, &text);
    fl_json_object(&json, NULL);
    fl_json_bool(&json, "partial", partial);
    fl_json_str(&json, "why", fl_span_of(why.ptr, why.len < 300 ? why.len : 300));
    fl_json_end(&json);
    if (text.failed == 0)
        fl_req_trailer(req, fl_buf_span(&text));
}

/* Before any line an error has its status; behind one it stands in the trailer. */
static void finish(struct fl_req *req, struct work *w, int code, struct fl_span text)
{
    struct fl_err err;

    w->over = true;
    if (code != 0 && !req->begun) {
        (void)fl_err_set(&err, code < 0 ? code : FL_E_IO, "%.*s", FL_SPAN_ARG(text));
        fl_req_fail(req, &err);
        return;
    }
    fl_req_head(req, 200, "application/x-ndjson");
    put_trailer(req, code != 0, text);
    fl_req_end(req);
}

static bool on_line(struct fl_req *req, const struct fl_answer_in *in)
{
    struct work *w = req->state;
    struct fl_msg_query_end end;
    struct fl_msg_result result;
    struct fl_err err = {.code = FL_E_PROTO, .text = "store gave an answer that is not one"};

    if (in->type == FL_MSG_RESULT && fl_msg_decode(in->type, in->payload, &result, &err) == FL_OK) {
        fl_req_head(req, 200, "application/x-ndjson");
        fl_req_piece(req, result.bytes);
        return true;
    }
    if (in->type == FL_MSG_QUERY_END && fl_msg_decode(in->type, in->payload, &end, &err) == FL_OK) {
        finish(req, w, end.code, end.text);
        return false;
    }
    if (in->type == FL_MSG_NONE)
        err = *in->err;
    finish(req, w, err.code, fl_span_str(err.text));
    return false;
}

static void on_taken(struct fl_req *req, uint64_t bytes)
{
    struct work *w = req->state;
    struct fl_msg_credit credit = {.bytes = bytes};

    if (w->asked && !w->over)
        (void)fl_api_send(req->api, FL_ROLE_STORE, FL_MSG_CREDIT, w->ask, &credit);
}

/* Whoever asked has gone: the work ends at its next step, and what it did stands. */
static void on_gone(void *state)
{
    struct work *w = state;

    if (w->asked && !w->over)
        (void)fl_api_send(w->api, FL_ROLE_STORE, FL_MSG_CANCEL, w->ask, NULL);
}

int fl_part_job(struct fl_req *req, const struct fl_msg_store_job *msg, struct fl_err *err)
{
    struct fl_msg_credit credit = {.bytes = WINDOW_BYTES};
    struct work *w = fl_arena_get(&req->arena, sizeof *w);
    int r;

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *w = (struct work){.api = req->api};
    r = fl_ask(req, FL_ROLE_STORE, FL_MSG_STORE_JOB, msg, 0, on_line, &w->ask, err);
    if (r < 0)
        return r;
    w->asked = true;
    req->state = w;
    req->state_free = on_gone;
    req->taken = on_taken;
    return fl_api_send(req->api, FL_ROLE_STORE, FL_MSG_CREDIT, w->ask, &credit) < 0
               ? fl_err_set(err, FL_E_AGAIN, "the store role is too busy; try again")
               : FL_OK;
}

/* ---- the question ---- */

/* 1: there, 0: absent. */
static int take_day(struct fl_req *req, const char *name, int32_t *ret, struct fl_err *err)
{
    char text[16];
    int r = fl_req_text(req, name, text, sizeof text, err);

    if (r <= 0)
        return r;
    if (fl_day_parse(fl_span_str(text), ret))
        return 1;
    req->field = name;
    return fl_err_set(err, FL_E_INVAL, "%s is a UTC day of receipt such as 2026-11-20", name);
}

static int take_tenant(struct fl_req *req, struct fl_tenant *ret, struct fl_err *err)
{
    char slug[FL_SLUG_MAX + 1];
    int r = fl_req_text(req, "tenant", slug, sizeof slug, err);

    if (r <= 0)
        return r;
    r = fl_db_tenant_get(req->api->db, slug, ret, err);
    if (r != FL_E_NOENT)
        return r;
    req->field = "tenant";
    return fl_err_set(err, FL_E_NOENT,
                      "there is no tenant '%.63s'; fairlead tenant list shows "
                      "what there is",
                      slug);
}

/* Of the format, in digits as the work wants it; it knows which there are. */
static int take_version(struct fl_req *req, char *text, size_t size, struct fl_span *ret,
                        struct fl_err *err)
{
    uint64_t to = 0;
    int r = fl_req_num(req, "to", 1, UINT16_MAX, &to, err);

    if (r > 0) {
        (void)snprintf(text, size, "%llu", (unsigned long long)to);
        *ret = fl_span_str(text);
    }
    return r;
}

/* Who asked for work that changes what is stored. */
static int record(struct fl_req *req, const char *kind, const char *slug, struct fl_err *err)
{
    char event[40];

    (void)snprintf(event, sizeof event, "store.%.20s", kind);
    return fl_part_record(req, event, slug, slug, "{\"asked\":true}", err);
}

int fl_api_store_job(struct fl_req *req, struct fl_err *err)
{
    const char *name = strrchr(req->route->path, '/') + 1;
    struct fl_msg_store_job msg = {.kind = (uint8_t)fl_job_kind(fl_span_str(name)),
                                   .from_day = INT32_MIN,
                                   .to_day = INT32_MAX};
    struct fl_tenant t = {.id = 0};
    bool dry = msg.kind == FL_JOB_VERIFY;
    char args[24];
    int r = take_tenant(req, &t, err);

    if (r >= 0)
        r = take_day(req, "from_day", &msg.from_day, err);
    if (r >= 0)
        r = take_day(req, "to_day", &msg.to_day, err);
    if (r >= 0 && !dry)
        r = fl_req_bool(req, "dry_run", &dry, err);
    if (r >= 0 && msg.kind == FL_JOB_UPGRADE)
        r = take_version(req, args, sizeof args, &msg.args, err);
    if (r >= 0 && msg.to_day < msg.from_day) {
        req->field = "to_day";
        r = fl_err_set(err, FL_E_INVAL, "to_day must not be before from_day");
    }
    if (r >= 0 && !dry)
        r = record(req, name, t.slug, err);
    if (r < 0)
        return r;
    msg.tenant = t.id;
    msg.dry = dry;
    return fl_part_job(req, &msg, err);
}
