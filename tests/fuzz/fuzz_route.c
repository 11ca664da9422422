/* A request as it comes from a caller: method, path with its parameters, body. No role answers and
 * no database is open; what is wrong must be answered once, and nothing may be kept. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int heads, ends;
static int64_t clock_us;

static int64_t now_us(void)
{
    return clock_us;
}

static int send_to(void *ctx, enum fl_role to, enum fl_msg_type type, uint32_t id, const void *msg,
                   struct fl_err *err)
{
    (void)ctx, (void)to, (void)type, (void)id, (void)msg;
    return fl_err_set(err, FL_E_AGAIN, "nobody is there");
}

static void changed(void *ctx, unsigned what)
{
    (void)ctx, (void)what;
}

static void on_head(void *ctx, int status, const char *type, struct fl_span headers)
{
    (void)ctx, (void)type, (void)headers;
    heads++;
    if (status < 200 || status > 599)
        abort();
}

static void on_piece(void *ctx, struct fl_span piece)
{
    (void)ctx, (void)piece;
}

static void on_end(void *ctx)
{
    (void)ctx;
    ends++;
}

/* Up to the next newline. */
static struct fl_span word(const uint8_t **at, size_t *left)
{
    const uint8_t *end = *left == 0 ? NULL : memchr(*at, '\n', *left);
    size_t len = end == NULL ? *left : (size_t)(end - *at);
    struct fl_span ret = fl_span_of(*at, len);

    *at += len + (end != NULL);
    *left -= len + (end != NULL);
    return ret;
}

/* Once: what an api keeps between requests is part of what is tried. */
static struct fl_api *make(void)
{
    struct fl_api_env env = {.now_us = now_us, .send = send_to, .changed = changed};
    static struct fl_live *live;
    static struct fl_conf *conf;
    static struct fl_api *api;
    struct fl_err err;

    if (api != NULL)
        return api;
    if (fl_conf_defaults(&conf, &err) < 0 || fl_live_new(&live, &err) < 0)
        abort();
    env.conf = conf;
    env.live = live;
    if (fl_api_new(&env, &api, &err) < 0)
        abort();
    return api;
}

static void ask_once(const struct fl_call *call)
{
    static const struct fl_reply_ops ops = {on_head, on_piece, on_piece, on_end};
    struct fl_req *req = NULL;
    struct fl_err err;

    heads = ends = 0;
    if (fl_api_begin(make(), call, &ops, NULL, &req, &err) < 0 || heads != 1 || ends != 1)
        abort();
    fl_req_free(req);
}

/* As at the machine; then as from a browser, whose headers and cookie are the body's bytes too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_call call = {.local = true, .uid = 1};

    call.method = word(&data, &size);
    call.path = word(&data, &size);
    call.body = fl_span_of(data, size);
    ask_once(&call);
    call.local = false;
    call.headers = call.body;
    call.cookie = word(&data, &size);
    ask_once(&call);
    return 0;
}
