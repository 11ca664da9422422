/* A request: whose it is, and the answers that need nobody else. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/json.h"
#include "fairleadd/web.h"

enum { PROBLEM_MAX = 8 << 10, NAME_BYTES = 1024 };

static const char no_screen[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<title>Fairlead</title></head><body>\n<h1>Fairlead runs; its screen is not built</h1>\n"
    "<p>Build it with <code>tools/web</code> in the source folder, point the setting "
    "<code>web_root</code> at the result (<code>build/web</code>) and start fairleadd again.</p>\n"
    "<p>The interface for programs works: <a href=\"/healthz\">/healthz</a>, "
    "<code>/api/v1</code>.</p>\n</body></html>\n";

bool fl_web_own_cert(const struct fl_web *web)
{
    return web->key_id_len > 0;
}

/* {type, title, status, detail, code}, RFC 9457 */
static void write_problem(struct fl_buf *out, int status, const char *code, const char *detail)
{
    struct fl_json json;

    fl_json_init(&json, out);
    fl_json_object(&json, NULL);
    fl_json_str(&json, "type", fl_span_str("about:blank"));
    fl_json_str(&json, "title", fl_span_str(fl_http_reason(status)));
    fl_json_u64(&json, "status", (uint64_t)status);
    fl_json_str(&json, "detail", fl_span_str(detail));
    fl_json_str(&json, "code", fl_span_str(code));
    fl_json_end(&json);
}

void fl_web_refuse(struct fl_web *web, struct fl_httpd_req *req, int status, const char *code,
                   const char *detail)
{
    FL_AUTO(fl_buf_done) struct fl_buf body, headers;

    fl_buf_init(&body, PROBLEM_MAX);
    fl_buf_init(&headers, FL_WEB_HEADERS_MAX);
    write_problem(&body, status, code, detail);
    fl_buf_put_str(&headers, "Content-Type: application/problem+json\nCache-Control: no-store\n");
    if (status == 503)
        fl_buf_put_str(&headers, "Retry-After: 2\n");
    if (status == 405)
        fl_buf_put_str(&headers, "Allow: GET, HEAD\n");
    fl_web_guard(FL_WEB_PAGE_DATA, fl_web_own_cert(web), &headers);
    fl_httpd_begin(req, status, fl_buf_span(&headers), (int64_t)body.len);
    fl_httpd_put(req, fl_buf_span(&body));
    fl_httpd_end(req, FL_SPAN(""));
}

static const char *on_refusal(void *ctx, int status, const char *text, struct fl_buf *ret_body)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {{405, "method"},   {408, "late"},       {411, "length"},
                 {413, "too_long"}, {414, "over_limit"}, {431, "over_limit"}};
    const char *code = "request";

    (void)ctx;
    for (size_t i = 0; i < FL_LEN(codes); i++)
        if (codes[i].status == status)
            code = codes[i].code;
    write_problem(ret_body, status, code, text);
    return "application/problem+json";
}

/* ---- files ---- */

static void answer_no_screen(struct fl_web *web, struct fl_httpd_req *req)
{
    FL_AUTO(fl_buf_done) struct fl_buf headers;

    fl_buf_init(&headers, FL_WEB_HEADERS_MAX);
    fl_buf_put_str(&headers, "Content-Type: text/html; charset=utf-8\nCache-Control: no-store\n");
    fl_web_guard(FL_WEB_PAGE_APP, fl_web_own_cert(web), &headers);
    fl_httpd_begin(req, 200, fl_buf_span(&headers), sizeof no_screen - 1);
    fl_httpd_put(req, fl_span_of(no_screen, sizeof no_screen - 1));
    fl_httpd_end(req, FL_SPAN(""));
}

static void answer_file(struct fl_web *web, struct fl_httpd_req *req, const struct fl_web_file *f)
{
    FL_AUTO(fl_buf_done) struct fl_buf headers;
    const struct fl_http_head *head = fl_httpd_head(req);
    bool gzip = f->gzip != NULL && fl_http_takes(head, "gzip");
    const char *etag = gzip ? f->etag_gzip : f->etag;
    bool docs = strncmp(f->name, "docs/", 5) == 0;

    fl_buf_init(&headers, FL_WEB_HEADERS_MAX);
    fl_buf_printf(&headers, "Content-Type: %s\nCache-Control: %s\nETag: %s\n", f->type,
                  f->hashed ? "public, max-age=31536000, immutable" : "no-cache", etag);
    if (f->gzip != NULL)
        fl_buf_put_str(&headers, "Vary: Accept-Encoding\n");
    if (gzip)
        fl_buf_put_str(&headers, "Content-Encoding: gzip\n");
    fl_web_guard(docs ? FL_WEB_PAGE_DOCS : FL_WEB_PAGE_APP, fl_web_own_cert(web), &headers);
    if (fl_http_none_match(head, fl_span_str(etag))) {
        fl_httpd_begin(req, 304, fl_buf_span(&headers), 0);
        fl_httpd_end(req, FL_SPAN(""));
        return;
    }
    fl_httpd_answer_blob(req, 200, fl_buf_span(&headers), gzip ? f->gzip : f->bytes);
}

/* A folder's page is reached with the slash, or its relative links would miss. */
static bool answer_folder(struct fl_web *web, struct fl_httpd_req *req, struct fl_span name)
{
    char index[NAME_BYTES], headers[NAME_BYTES + 64];
    bool slash = name.len > 0 && name.ptr[name.len - 1] == '/';
    const struct fl_web_file *f;

    if (name.len == 0 || name.len > NAME_BYTES / 2)
        return false;
    (void)snprintf(index, sizeof index, "%.*s%sindex.html", FL_SPAN_ARG(name), slash ? "" : "/");
    f = fl_web_files_find(web->files, fl_span_str(index));
    if (f == NULL)
        return false;
    if (slash) {
        answer_file(web, req, f);
        return true;
    }
    /* f->name is one of ours: no byte of it comes from the request */
    (void)snprintf(headers, sizeof headers, "Location: /%.*s/\nCache-Control: no-cache\n",
                   (int)name.len, f->name);
    fl_httpd_begin(req, 301, fl_span_str(headers), 0);
    fl_httpd_end(req, FL_SPAN(""));
    return true;
}

/* Does the last part of the name have a dot? Then it is a file's, not a place of the screen. */
static bool is_file_name(struct fl_span name)
{
    for (size_t i = name.len; i > 0 && name.ptr[i - 1] != '/'; i--)
        if (name.ptr[i - 1] == '.')
            return true;
    return false;
}

/* Suppliers answer on a page of its own, which knows nothing of sessions. */
static struct fl_span page_of(struct fl_span name)
{
    static const char answer[] = "answer/";

    return name.len >= sizeof answer - 1 && memcmp(name.ptr, answer, sizeof answer - 1) == 0
               ? FL_SPAN("answer.html")
               : FL_SPAN("index.html");
}

static void look(struct fl_web *web)
{
    struct fl_err err;

    if (fl_web_files_look(web->files, fl_now_mono_us(), &err) == FL_OK) {
        web->files_problem[0] = '\0';
        return;
    }
    if (strcmp(web->files_problem, err.text) != 0)
        fl_role_log(web->env, FL_LOG_WARN, "web_root: %s; what was read before is served",
                    err.text);
    (void)snprintf(web->files_problem, sizeof web->files_problem, "%s", err.text);
}

static void serve_file(struct fl_web *web, struct fl_httpd_req *req)
{
    FL_AUTO(fl_buf_done) struct fl_buf name;
    const struct fl_http_head *head = fl_httpd_head(req);
    const struct fl_web_file *f;

    fl_buf_init(&name, FL_HTTP_TARGET_MAX);
    if (!fl_span_eq(head->method, FL_SPAN("GET")) && !fl_span_eq(head->method, FL_SPAN("HEAD"))) {
        fl_web_refuse(web, req, 405, "method", "files of the screen are read with GET");
        return;
    }
    look(web);
    if (fl_web_files_count(web->files) == 0) {
        answer_no_screen(web, req);
        return;
    }
    if (fl_http_file_name(head->path, &name, NULL) < 0) {
        fl_web_refuse(web, req, 404, "not_found", "there is no such page");
        return;
    }
    f = fl_web_files_find(web->files, fl_buf_span(&name));
    if (f == NULL && answer_folder(web, req, fl_buf_span(&name)))
        return;
    if (f == NULL && !is_file_name(fl_buf_span(&name)))
        f = fl_web_files_find(web->files, page_of(fl_buf_span(&name)));
    if (f == NULL)
        fl_web_refuse(web, req, 404, "not_found", "there is no such file");
    else
        answer_file(web, req, f);
}

/* ---- the server's events ---- */

static void on_request(void *ctx, struct fl_httpd_req *req)
{
    if (fl_web_place_of(fl_httpd_head(req)->path) == FL_WEB_CORE)
        fl_web_relay(ctx, req);
    else
        serve_file(ctx, req);
}

static void on_room(void *ctx, struct fl_httpd_req *req)
{
    if (fl_httpd_tag(req) != NULL)
        fl_web_relay_room(ctx, fl_httpd_tag(req));
}

static void on_left(void *ctx, struct fl_httpd_req *req)
{
    if (fl_httpd_tag(req) != NULL)
        fl_web_relay_left(ctx, fl_httpd_tag(req));
}

const struct fl_httpd_ops fl_web_httpd_ops = {
    .request = on_request, .room = on_room, .left = on_left, .refusal = on_refusal};
