#include "api/again.h"
#include "api/cases.h"
#include "api/desk.h"
#include "api/gate.h"
#include "api/people.h"
#include "api/scores.h"
#include "api/supply_own.h"
#include "api/work.h"

#include <stdlib.h>
#include <string.h>

#define SEGMENTS_MAX 12u
#define HEADERS_MAX  ((size_t)8 << 10)
#define ARENA_MAX    ((size_t)1 << 20)

bool fl_route_listed(const char *list, struct fl_span word)
{
    while (list != NULL && *list != '\0') {
        size_t len = strcspn(list, ",");

        if (len == word.len && memcmp(list, word.ptr, len) == 0)
            return true;
        list += len + (list[len] == ',');
    }
    return false;
}

static int hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %-decoding into the arena; '+' is a blank in a query string. False: malformed, or a NUL. */
static bool decode(struct fl_arena *arena, struct fl_span in, bool query, struct fl_span *ret)
{
    unsigned char *to = fl_arena_get(arena, in.len + 1), *start = to;

    if (to == NULL)
        return false;
    for (size_t i = 0; i < in.len; i++, to++) {
        *to = query && in.ptr[i] == '+' ? ' ' : in.ptr[i];
        if (in.ptr[i] == '%') {
            bool whole = in.len - i > 2;
            int high = whole ? hex(in.ptr[i + 1]) : -1, low = whole ? hex(in.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            *to = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (*to == '\0')
            return false;
    }
    *to = '\0';
    *ret = fl_span_of(start, (size_t)(to - start));
    return true;
}

static struct fl_span cut(struct fl_span *rest, char at)
{
    const unsigned char *end = rest->len == 0 ? NULL : memchr(rest->ptr, at, rest->len);
    struct fl_span head = *rest;

    if (end == NULL) {
        *rest = (struct fl_span){NULL, 0};
        return head;
    }
    head.len = (size_t)(end - rest->ptr);
    *rest = fl_span_of(end + 1, rest->len - head.len - 1);
    return head;
}

static int split_query(struct fl_req *req, struct fl_span query, struct fl_err *err)
{
    while (query.len > 0) {
        struct fl_span pair = cut(&query, '&'), name = cut(&pair, '=');
        struct fl_param *param = &req->param[req->params];

        if (name.len == 0)
            continue;
        if (req->params == FL_REQ_PARAMS)
            return fl_err_set(err, 400, "more than %u parameters", FL_REQ_PARAMS);
        if (!decode(&req->arena, name, true, &param->name) ||
            !decode(&req->arena, pair, true, &param->value))
            return fl_err_set(err, 400, "a parameter is not well %%-encoded");
        req->params++;
    }
    return 0;
}

/* Does the path fit the pattern? {..} segments go to arg, as they stand. */
static bool fits(const char *pattern, const struct fl_span *segments, size_t count,
                 struct fl_span arg[FL_REQ_ARGS], size_t *args)
{
    struct fl_span rest = fl_span_str(pattern + 1);

    *args = 0;

    for (size_t i = 0; i < count; i++) {
        struct fl_span want = cut(&rest, '/');

        if (want.len > 0 && want.ptr[0] == '{')
            arg[(*args)++] = segments[i];
        else if (!fl_span_eq(want, segments[i]))
            return false;
        if (rest.ptr == NULL)
            return i + 1 == count;
    }
    return false;
}

/* The route, or an HTTP status. */
static int match(struct fl_req *req, struct fl_span method, const struct fl_span *segments,
                 size_t count, struct fl_err *err)
{
    bool other = false;

    for (size_t i = 0; i < fl_routes_count; i++) {
        struct fl_span arg[FL_REQ_ARGS] = {{NULL, 0}};
        size_t args;

        if (!fits(fl_routes[i].path, segments, count, arg, &args))
            continue;
        if (!fl_span_eq(method, fl_span_str(fl_routes[i].method))) {
            other = true;
            continue;
        }
        req->route = &fl_routes[i];
        memcpy(req->arg, arg, sizeof arg);
        req->args = args;
        return 0;
    }
    if (other)
        return fl_err_set(err, 405, "this address does not take the method %.*s",
                          (int)(method.len < 20 ? method.len : 20), (const char *)method.ptr);
    return fl_err_set(err, 404, "there is no such address; requests begin with /api/v1/");
}

static int check_params(struct fl_req *req, struct fl_err *err)
{
    for (size_t i = 0; i < req->params; i++) {
        if (fl_route_listed(req->route->params, req->param[i].name))
            continue;
        req->field = (const char *)req->param[i].name.ptr;
        return fl_err_set(err, 400, "no parameter '%.60s' here%s%s", req->field,
                          req->route->params == NULL ? "" : "; there are ",
                          req->route->params == NULL ? "" : req->route->params);
    }
    return 0;
}

int fl_route_find(struct fl_req *req, struct fl_span method, struct fl_span path,
                  struct fl_err *err)
{
    struct fl_span segments[SEGMENTS_MAX], rest;
    size_t count = 0;
    int r;

    if (path.len > FL_API_PATH_MAX)
        return fl_err_set(err, 414, "the address is longer than %zu bytes", FL_API_PATH_MAX);
    rest = cut(&path, '?');
    if (rest.len == 0 || rest.ptr[0] != '/')
        return fl_err_set(err, 404, "there is no such address; requests begin with /api/v1/");
    rest = fl_span_of(rest.ptr + 1, rest.len - 1);
    do {
        if (count == SEGMENTS_MAX)
            return fl_err_set(err, 404, "there is no address as deep as this");
        if (!decode(&req->arena, cut(&rest, '/'), false, &segments[count]))
            return fl_err_set(err, 400, "the address is not well %%-encoded");
        count++;
    } while (rest.ptr != NULL);
    r = match(req, method, segments, count, err);
    if (r == 0)
        r = split_query(req, path, err);
    return r != 0 ? r : check_params(req, err);
}

/* The parser recurses: look at the depth before it does. */
static bool too_deep(struct fl_span text)
{
    unsigned depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > FL_REQ_JSON_DEPTH)
            return true;
    }
    return false;
}

int fl_route_body(struct fl_req *req, struct fl_span text, struct fl_err *err)
{
    json_error_t why;
    const char *key;
    json_t *value;

    if (text.len == 0)
        return 0;
    if (req->route->fields == NULL)
        return fl_err_set(err, 400, "this request takes no body");
    if (text.len > FL_API_BODY_MAX)
        return fl_err_set(err, 413, "the body is longer than %zu bytes", FL_API_BODY_MAX);
    if (strcmp(req->route->fields, FL_ROUTE_BYTES) == 0)
        return 0;
    if (too_deep(text))
        return fl_err_set(err, 400, "the body is nested deeper than %u", FL_REQ_JSON_DEPTH);
    req->body = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    if (req->body == NULL)
        return fl_err_set(err, 400, "the body is not JSON: line %d, column %d: %.100s", why.line,
                          why.column, why.text);
    if (!json_is_object(req->body))
        return fl_err_set(err, 400, "the body is not a JSON object");
    json_object_foreach(req->body, key, value)
    {
        if (fl_route_listed(req->route->fields, fl_span_str(key)))
            continue;
        req->field = (const char *)fl_arena_copy(&req->arena, fl_span_str(key)).ptr;
        return fl_err_set(err, 422, "no field '%.60s' here; there are %s", key, req->route->fields);
    }
    return 0;
}

/* Whatever is asked lives as long as the request does: who asks may be known only later. */
static int keep_call(struct fl_req *req, const struct fl_call *call)
{
    struct fl_span *const spans[] = {&req->call.method, &req->call.path,    &req->call.type,
                                     &req->call.body,   &req->call.headers, &req->call.cookie,
                                     &req->call.bearer, &req->call.peer};

    req->call = *call;
    for (size_t i = 0; i < FL_LEN(spans); i++) {
        struct fl_span copy = fl_arena_copy(&req->arena, *spans[i]);

        if (copy.ptr == NULL) {
            req->call = (struct fl_call){.local = false}; /* none of it is ours */
            return FL_E_NOMEM;
        }
        *spans[i] = copy;
    }
    return FL_OK;
}

static void begin(struct fl_req *req)
{
    struct fl_err why;
    int status = fl_route_find(req, req->call.method, req->call.path, &why);

    if (status != 0)
        fl_req_problem(req, status, fl_gate_code(status), "%s", why.text);
    else if (fl_gate_enter(req, &why) < 0)
        fl_req_fail(req, &why);
}

int fl_api_begin(struct fl_api *api, const struct fl_call *call, const struct fl_reply_ops *reply,
                 void *reply_ctx, struct fl_req **ret, struct fl_err *err)
{
    struct fl_req *req = calloc(1, sizeof *req);

    if (req == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    req->api = api;
    req->reply = reply;
    req->reply_ctx = reply_ctx;
    fl_arena_init(&req->arena, ARENA_MAX);
    fl_buf_init(&req->out, FL_REQ_OUT_MAX);
    fl_buf_init(&req->headers, HEADERS_MAX);
    fl_buf_init(&req->kept, FL_REQ_KEPT_MAX);
    if (keep_call(req, call) < 0) {
        fl_req_free(req);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    }
    *ret = req;
    begin(req);
    return FL_OK;
}

/* Passwords, tokens and what an answer showed once do not stay in memory that is given back. */
static void wipe(struct fl_req *req)
{
    const char *key;
    json_t *value;
    const struct fl_span secret[] = {req->call.body, req->call.cookie, req->call.bearer,
                                     fl_buf_span(&req->out), fl_buf_span(&req->headers)};

    for (size_t i = 0; i < FL_LEN(secret); i++)
        if (secret[i].len > 0)
            explicit_bzero((void *)(uintptr_t)secret[i].ptr, secret[i].len);
    json_object_foreach(req->body, key, value)
    {
        if (json_is_string(value))
            explicit_bzero((void *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
}

void fl_req_free(struct fl_req *req)
{
    if (req == NULL)
        return;
    req->ended = true;
    fl_ask_drop(req);
    fl_again_drop(req);
    if (req->state_free != NULL)
        req->state_free(req->state);
    wipe(req);
    json_decref(req->body);
    fl_buf_done(&req->out);
    fl_buf_done(&req->headers);
    fl_buf_done(&req->kept);
    fl_arena_done(&req->arena);
    free(req);
}

void fl_req_taken(struct fl_req *req, uint64_t bytes)
{
    if (req->taken != NULL && !req->ended)
        req->taken(req, bytes);
}

int fl_api_new(const struct fl_api_env *env, struct fl_api **ret, struct fl_err *err)
{
    struct fl_api *api = calloc(1, sizeof *api);

    if (api == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory");
    api->env = *env;
    api->since_us = env->now_us();
    api->next_id = FL_API_ID_FIRST;
    if (env->work == NULL && fl_work_new(NULL, 1, env->now_us, &api->own_work, err) < 0) {
        free(api);
        return err->code;
    }
    if (env->work == NULL)
        api->env.work = api->own_work;
    *ret = api;
    return FL_OK;
}

void fl_api_open(struct fl_api *api, struct fl_db *db, struct fl_audit *audit)
{
    fl_work_open(api->env.work, db);
    api->db = db;
    api->audit = audit;
    if (db != NULL)
        fl_again_start(api);
}

void fl_api_free(struct fl_api *api)
{
    fl_req_free(api->house);
    fl_api_desk_free(api);
    fl_api_scores_free(api);
    fl_api_answers_free(api);
    fl_own_imports_free(api);
    fl_work_free(api->own_work);
    free(api);
}
