#include "fairleadd/web_map.h"

#include <string.h>

/* The fields of a request that core knows. */
static const char *const passed[] = {
    "accept",        "if-match",        "if-none-match",  "idempotency-key",
    "last-event-id", "x-csrf-token",    "sec-fetch-site", "origin",
    "user-agent",    "accept-language", "prefer",         "fairlead-activity",
};

enum { FIELD_MAX = 1024 };

static bool begins(struct fl_span s, const char *with)
{
    size_t len = strlen(with);

    return s.len >= len && memcmp(s.ptr, with, len) == 0;
}

enum fl_web_place fl_web_place_of(struct fl_span path)
{
    if (begins(path, "/api/") || fl_span_eq(path, FL_SPAN("/api")) ||
        fl_span_eq(path, FL_SPAN("/metrics")) || fl_span_eq(path, FL_SPAN("/healthz")))
        return FL_WEB_CORE;
    return FL_WEB_FILES;
}

static int put_field(struct fl_buf *out, const char *name, struct fl_span value, struct fl_err *err)
{
    if (value.len > FIELD_MAX)
        return fl_err_set(err, FL_E_LIMIT, "the field %s is longer than %d bytes", name, FIELD_MAX);
    fl_buf_put_str(out, name);
    fl_buf_put_str(out, ": ");
    fl_buf_put_span(out, value); /* codec/http.c let no control character through */
    fl_buf_put_str(out, "\n");
    return fl_buf_status(out, err);
}

int fl_web_request(const struct fl_http_head *head, const char *peer, struct fl_buf *headers,
                   struct fl_msg_request *ret, struct fl_err *err)
{
    int r = FL_OK;

    fl_buf_clear(headers);
    for (size_t i = 0; r == FL_OK && i < FL_LEN(passed); i++) {
        struct fl_span value = fl_http_field(head, passed[i]);

        if (value.len > 0)
            r = put_field(headers, passed[i], value, err);
    }
    if (r < 0)
        return r;
    *ret = (struct fl_msg_request){
        .method = fl_span_eq(head->method, FL_SPAN("HEAD")) ? FL_SPAN("GET") : head->method,
        .path = head->target,
        .type = fl_http_field(head, "content-type"),
        .body_bytes = head->body_bytes,
        .headers = fl_buf_span(headers),
        .cookie = fl_http_cookie(head, FL_WEB_COOKIE),
        .bearer = fl_http_bearer(head),
        .peer = fl_span_str(peer)};
    if (ret->cookie.len > FL_MSG_SECRET_MAX || ret->bearer.len > FL_MSG_SECRET_MAX ||
        ret->type.len > FIELD_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a token or the content type is longer than %d bytes",
                          FIELD_MAX);
    return FL_OK;
}

/* reference: the rules of the HTTP observatory, CSP level 3, Trusted Types. */
void fl_web_guard(enum fl_web_page page, bool own_cert, struct fl_buf *out)
{
    static const char csp_page[] =
        "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    static const char csp_types[] = "; require-trusted-types-for 'script'; trusted-types "
                                    "svelte-trusted-html 'allow-duplicates'";

    if (page == FL_WEB_PAGE_DATA)
        fl_buf_put_str(out, "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'");
    else
        fl_buf_put_str(out, csp_page);
    if (page == FL_WEB_PAGE_APP)
        fl_buf_put_str(out, csp_types);
    fl_buf_put_str(out, "\nX-Content-Type-Options: nosniff\nX-Frame-Options: DENY\n"
                        "Referrer-Policy: no-referrer\n"
                        "Cross-Origin-Resource-Policy: same-origin\n");
    if (page != FL_WEB_PAGE_DATA)
        fl_buf_put_str(out, "Cross-Origin-Opener-Policy: same-origin\n"
                            "Permissions-Policy: accelerometer=(), camera=(), display-capture=(), "
                            "geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
                            "midi=(), payment=(), usb=()\n");
    if (own_cert) /* with a certificate of one's own making it would lock people out */
        fl_buf_put_str(out, "Strict-Transport-Security: max-age=31536000\n");
}

enum fl_web_flow fl_web_flow_of(struct fl_span type)
{
    if (begins(type, "text/event-stream"))
        return FL_WEB_EVENTS;
    if (begins(type, "application/x-ndjson") || begins(type, "text/csv") ||
        begins(type, "application/octet-stream"))
        return FL_WEB_STREAM;
    return FL_WEB_HOLD;
}

static struct fl_span extension_of(struct fl_span name)
{
    for (size_t i = name.len; i > 0 && name.ptr[i - 1] != '/'; i--)
        if (name.ptr[i - 1] == '.')
            return fl_span_of(name.ptr + i, name.len - i);
    return fl_span_of(NULL, 0);
}

const char *fl_web_type_of(struct fl_span name)
{
    static const struct {
        const char *extension, *type;
    } types[] = {
        {"html", "text/html; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"json", "application/json"},
        {"map", "application/json"},
        {"yaml", "application/yaml"},
        {"yml", "application/yaml"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"webp", "image/webp"},
        {"ico", "image/vnd.microsoft.icon"},
        {"woff2", "font/woff2"},
        {"woff", "font/woff"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/plain; charset=utf-8"},
        {"wasm", "application/wasm"},
        {"webmanifest", "application/manifest+json"},
    };
    struct fl_span extension = extension_of(name);

    for (size_t i = 0; i < FL_LEN(types); i++)
        if (fl_http_same(extension, fl_span_str(types[i].extension)))
            return types[i].type;
    return "application/octet-stream";
}

static bool is_hash_byte(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-';
}

bool fl_web_is_hashed(struct fl_span name)
{
    enum { HASH_BYTES = 8 };
    size_t dot = name.len - extension_of(name).len;

    if (!begins(name, "assets/") || dot < HASH_BYTES + 2 || dot == name.len)
        return false;
    for (size_t i = dot - 1 - HASH_BYTES; i < dot - 1; i++)
        if (!is_hash_byte(name.ptr[i]))
            return false;
    return name.ptr[dot - 2 - HASH_BYTES] == '-';
}
