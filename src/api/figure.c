#include "api/figure.h"

#include <stdio.h>
#include <string.h>

#include "api/parts.h"

#define BUDGET_MS 5000u
#define WAIT_MS   15000

struct figure {
    struct fl_msg_query msg;
    struct fl_buf result;
    struct fl_api *api;
    fl_figure_fn *done;
    void *ctx;
    uint32_t ask;
    bool asked, over;
};

bool fl_figure_reveals(const struct fl_req *req)
{
    return req->caller.local || (req->caller.reveal_us > req->api->env.now_us() &&
                                 req->caller.reveal_tenant == req->tenant.id);
}

static void finish(struct fl_req *req, struct figure *f, const char *problem)
{
    if (f->over)
        return;
    f->over = true;
    if (problem == NULL && f->result.failed != 0)
        problem = "the store's answer is too long";
    f->done(req, problem == NULL ? fl_buf_span(&f->result) : FL_SPAN(""), problem, f->ctx);
}

static bool on_result(struct fl_req *req, const struct fl_answer_in *in)
{
    struct figure *f = req->state;
    struct fl_msg_result result;
    struct fl_msg_query_end end;
    char text[400];

    if (in->type == FL_MSG_RESULT && fl_msg_decode(in->type, in->payload, &result, NULL) == FL_OK) {
        fl_buf_put_span(&f->result, result.bytes);
        return true;
    }
    if (in->type == FL_MSG_QUERY_END && fl_msg_decode(in->type, in->payload, &end, NULL) == FL_OK) {
        (void)snprintf(text, sizeof text, "%.*s",
                       (int)(end.text.len < sizeof text ? end.text.len : sizeof text - 1),
                       end.text.len == 0 ? "" : (const char *)end.text.ptr);
        finish(req, f, end.code == 0 ? NULL : text);
        return false;
    }
    finish(req, f, in->err != NULL ? in->err->text : "the store gave an answer that is not one");
    return false;
}

static void on_gone(void *state)
{
    struct figure *f = state;

    if (f->asked && !f->over)
        (void)fl_api_send(f->api, FL_ROLE_STORE, FL_MSG_CANCEL, f->ask, NULL);
    fl_buf_done(&f->result);
}

static bool on_cap(struct fl_req *req, const struct fl_answer_in *in)
{
    const struct fl_msg_credit credit = {.bytes = FL_FIGURE_MAX + 1};
    struct figure *f = req->state;
    struct fl_msg_cap cap;
    struct fl_err err;

    if (fl_answer_take(in, FL_MSG_CAP, &cap, &err) < 0) {
        finish(req, f, err.text);
        return false;
    }
    f->msg.cap = cap.cap;
    if (fl_ask(req, FL_ROLE_STORE, FL_MSG_QUERY, &f->msg, WAIT_MS, on_result, &f->ask, &err) < 0) {
        finish(req, f, err.text);
        return false;
    }
    f->msg.cap = FL_SPAN("");
    f->asked = true;
    (void)fl_api_send(req->api, FL_ROLE_STORE, FL_MSG_CREDIT, f->ask, &credit);
    return false;
}

int fl_figure_ask(struct fl_req *req, const struct fl_msg_query *msg, fl_figure_fn *done, void *ctx,
                  struct fl_err *err)
{
    const struct fl_msg_cap_ask ask = {.tenant = req->tenant.id,
                                       .scope = FL_CAP_READ |
                                                (fl_figure_reveals(req) ? FL_CAP_REVEAL : 0),
                                       .purpose = FL_SPAN("query"),
                                       .uid = req->caller.uid,
                                       .session = req->caller.session};
    struct figure *f = fl_arena_get(&req->arena, sizeof *f);
    struct fl_err why;

    if (f == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *f = (struct figure){.msg = *msg, .api = req->api, .done = done, .ctx = ctx};
    f->msg.budget_ms = BUDGET_MS;
    f->msg.budget_bytes = fl_conf_num(req->api->env.conf, FL_SET_QUERY_BYTES);
    fl_buf_init(&f->result, FL_FIGURE_MAX);
    req->state = f;
    req->state_free = on_gone;
    req->reads = req->tenant.id;
    if (fl_ask(req, FL_ROLE_KEYS, FL_MSG_CAP_ASK, &ask, FL_ASK_MS, on_cap, NULL, &why) < 0)
        finish(req, f, why.text);
    return FL_OK;
}

/* ---- one figure ---- */

static bool take_member(const json_t *from, const char *name, uint64_t *ret)
{
    const json_t *value = json_object_get(from, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret = (uint64_t)json_integer_value(value);
    return true;
}

bool fl_search_figure(struct fl_span result, const char *by, const char *metric, uint64_t *ret,
                      char *ret_key, size_t key_size)
{
    json_t *root = json_loadb((const char *)result.ptr, result.len, 0, NULL);
    const json_t *of = root, *key;
    bool grouped = by[0] != '\0', ok;

    if (metric[0] == '\0')
        metric = grouped ? "bytes" : "rows";
    if (grouped && strcmp(metric, "up") == 0)
        metric = "bytes_up";
    else if (grouped && strcmp(metric, "down") == 0)
        metric = "bytes_down";
    *ret_key = '\0';
    *ret = 0;
    if (grouped) {
        of = json_array_get(json_object_get(root, "items"), 0);
        key = json_object_get(of, "key");
        if (json_is_string(key))
            (void)snprintf(ret_key, key_size, "%s", json_string_value(key));
    }
    ok = root != NULL && (of == NULL || take_member(of, metric, ret)); /* no group: nothing found */
    json_decref(root);
    return ok;
}
