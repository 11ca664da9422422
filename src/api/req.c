#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/again.h"
#include "base/time.h"

struct fl_span fl_req_param(const struct fl_req *req, const char *name)
{
    for (size_t i = req->params; i-- > 0;)
        if (fl_span_eq(req->param[i].name, fl_span_str(name)))
            return req->param[i].value;
    return (struct fl_span){NULL, 0};
}

int fl_req_param_num(struct fl_req *req, const char *name, uint64_t low, uint64_t high,
                     uint64_t *ret, struct fl_err *err)
{
    struct fl_span text = fl_req_param(req, name);
    uint64_t value;

    if (text.ptr == NULL)
        return 0;
    if (!fl_span_u64(text, &value) || value < low || value > high) {
        req->field = name;
        return fl_err_set(err, FL_E_INVAL, "%s is a number from %" PRIu64 " to %" PRIu64, name, low,
                          high);
    }
    *ret = value;
    return 1;
}

int fl_req_param_time(struct fl_req *req, const char *name, int64_t *ret_us, struct fl_err *err)
{
    struct fl_span text = fl_req_param(req, name);

    if (text.ptr == NULL)
        return 0;
    if (!fl_time_parse(text, ret_us)) {
        req->field = name;
        return fl_err_set(err, FL_E_INVAL, "%s is a time in RFC 3339, such as 2026-11-21T20:04:31Z",
                          name);
    }
    return 1;
}

bool fl_req_param_flag(const struct fl_req *req, const char *name)
{
    struct fl_span text = fl_req_param(req, name);

    return fl_span_eq(text, FL_SPAN("yes")) || fl_span_eq(text, FL_SPAN("true")) ||
           fl_span_eq(text, FL_SPAN("1"));
}

int fl_req_missing(struct fl_req *req, const char *name, struct fl_err *err)
{
    req->field = name;
    return fl_err_set(err, FL_E_INVAL, "%s is missing", name);
}

int fl_req_text(struct fl_req *req, const char *name, char *ret, size_t size, struct fl_err *err)
{
    const json_t *value = json_object_get(req->body, name);
    size_t len;

    if (value == NULL || json_is_null(value))
        return 0;
    req->field = name;
    if (!json_is_string(value))
        return fl_err_set(err, FL_E_INVAL, "%s is a string", name);
    len = json_string_length(value);
    if (len >= size)
        return fl_err_set(err, FL_E_INVAL, "%s has %zu bytes; at most %zu are allowed", name, len,
                          size - 1);
    if (memchr(json_string_value(value), 0, len) != NULL)
        return fl_err_set(err, FL_E_INVAL, "%s has a NUL character", name);
    memset(ret, 0, size); /* nothing is left behind a shorter text: rows are compared */
    memcpy(ret, json_string_value(value), len + 1);
    req->field = NULL;
    return 1;
}

int fl_req_need(struct fl_req *req, const char *name, char *ret, size_t size, struct fl_err *err)
{
    int r = fl_req_text(req, name, ret, size, err);

    return r == 0 ? fl_req_missing(req, name, err) : r < 0 ? r : FL_OK;
}

int fl_req_num(struct fl_req *req, const char *name, uint64_t low, uint64_t high, uint64_t *ret,
               struct fl_err *err)
{
    const json_t *value = json_object_get(req->body, name);

    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) < low || (uint64_t)json_integer_value(value) > high) {
        req->field = name;
        return fl_err_set(err, FL_E_INVAL, "%s is a number from %" PRIu64 " to %" PRIu64, name, low,
                          high);
    }
    *ret = (uint64_t)json_integer_value(value);
    return 1;
}

int fl_req_bool(struct fl_req *req, const char *name, bool *ret, struct fl_err *err)
{
    const json_t *value = json_object_get(req->body, name);

    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_boolean(value)) {
        req->field = name;
        return fl_err_set(err, FL_E_INVAL, "%s is true or false", name);
    }
    *ret = json_is_true(value);
    return 1;
}

struct fl_span fl_req_header_in(const struct fl_req *req, const char *name)
{
    struct fl_span rest = req->call.headers, line, value;
    size_t len = strlen(name);

    while (rest.len > 0) {
        const unsigned char *end = memchr(rest.ptr, '\n', rest.len);

        line = fl_span_of(rest.ptr, end == NULL ? rest.len : (size_t)(end - rest.ptr));
        rest = fl_span_of(rest.ptr + line.len, rest.len - line.len);
        rest = end == NULL ? rest : fl_span_of(rest.ptr + 1, rest.len - 1);
        if (line.len <= len || memcmp(line.ptr, name, len) != 0 || line.ptr[len] != ':')
            continue;
        value = fl_span_of(line.ptr + len + 1, line.len - len - 1);
        while (value.len > 0 && value.ptr[0] == ' ')
            value = fl_span_of(value.ptr + 1, value.len - 1);
        return value;
    }
    return (struct fl_span){NULL, 0};
}

void fl_req_header(struct fl_req *req, const char *name, const char *fmt, ...)
{
    char value[512];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(value, sizeof value, fmt, ap);
    va_end(ap);
    if (len < 0 || (size_t)len >= sizeof value)
        return;
    for (int i = 0; i < len; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return;
    fl_buf_printf(&req->headers, "%s: %s\n", name, value);
}

void fl_problem_write(struct fl_buf *out, int status, const char *code, const char *field,
                      const char *detail)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad request"},       {401, "Not signed in"}, {403, "Refused"},
        {404, "Not found"},         {405, "Wrong method"},  {409, "Conflict"},
        {412, "Changed meanwhile"}, {413, "Too large"},     {414, "Address too long"},
        {422, "Value not allowed"}, {429, "Too many"},      {500, "Internal error"},
        {502, "Broken answer"},     {503, "Not now"},
    };
    const char *title = "Error";
    struct fl_json json;

    for (size_t i = 0; i < FL_LEN(titles); i++)
        if (titles[i].status == status)
            title = titles[i].title;
    fl_json_init(&json, out);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "type", "about:blank");
    fl_json_text(&json, "title", title);
    fl_json_i64(&json, "status", status);
    fl_json_text(&json, "detail", detail);
    fl_json_text(&json, "code", code);
    if (field != NULL)
        fl_json_text(&json, "field", field);
    fl_json_end(&json);
}

void fl_req_problem(struct fl_req *req, int status, const char *code, const char *fmt, ...)
{
    char text[sizeof((struct fl_err *)0)->text + 200];
    va_list ap;

    if (req->ended)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (req->begun) { /* too late for a status: the answer ends without its trailer */
        fl_req_end(req);
        return;
    }
    fl_buf_clear(&req->out);
    fl_problem_write(&req->out, status, code, req->field, text);
    fl_req_head(req, status, "application/problem+json");
    fl_req_piece(req, fl_buf_span(&req->out));
    fl_req_end(req);
}

static int status_of(int code)
{
    switch (code) {
    case FL_E_INVAL:
        return 422;
    case FL_E_NOENT:
        return 404;
    case FL_E_EXISTS:
        return 409;
    case FL_E_DENIED:
        return 403;
    case FL_E_LIMIT:
        return 413;
    case FL_E_NOMEM:
    case FL_E_AGAIN:
    case FL_E_TIMEOUT:
        return 503;
    case FL_E_PROTO:
        return 502;
    default:
        return 500;
    }
}

int fl_req_why(struct fl_req *req, int status, const char *code, struct fl_err *err,
               const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    req->why_status = status;
    req->why = code;
    return fl_err_set(err, FL_E_DENIED, "%s", text);
}

void fl_req_fail(struct fl_req *req, const struct fl_err *err)
{
    if (req->why_status != 0) {
        fl_req_problem(req, req->why_status, req->why, "%s", err->text);
        return;
    }
    fl_req_problem(req, status_of(err->code), fl_code_name(err->code), "%s", err->text);
}

struct fl_json *fl_req_object(struct fl_req *req)
{
    fl_buf_clear(&req->out);
    fl_json_init(&req->json, &req->out);
    fl_json_object(&req->json, NULL);
    return &req->json;
}

void fl_req_done(struct fl_req *req, int status)
{
    struct fl_err err;

    fl_json_end(&req->json);
    if (fl_buf_status(&req->out, &err) < 0) {
        (void)fl_err_wrap(&err, "the answer is too large");
        fl_req_fail(req, &err);
        return;
    }
    fl_req_head(req, status, "application/json");
    fl_req_piece(req, fl_buf_span(&req->out));
    fl_req_end(req);
}

void fl_req_head(struct fl_req *req, int status, const char *type)
{
    if (req->begun || req->ended)
        return;
    req->begun = true;
    if (req->keeps) {
        req->kept_status = status;
        (void)snprintf(req->kept_type, sizeof req->kept_type, "%s", type);
    }
    req->reply->head(req->reply_ctx, status, type, fl_buf_span(&req->headers));
}

void fl_req_piece(struct fl_req *req, struct fl_span piece)
{
    if (req->ended || piece.len == 0)
        return;
    if (req->keeps && !req->secret)
        fl_buf_put_span(&req->kept, piece);
    req->reply->body(req->reply_ctx, piece);
}

void fl_req_trailer(struct fl_req *req, struct fl_span json)
{
    if (!req->ended)
        req->reply->trailer(req->reply_ctx, json);
}

void fl_req_end(struct fl_req *req)
{
    if (req->ended)
        return;
    req->ended = true;
    fl_ask_drop(req);
    fl_again_end(req);
    req->reply->end(req->reply_ctx);
}
