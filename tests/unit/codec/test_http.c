/* Heads of HTTP requests: what is taken, what is refused and with which status, byte by byte. */
#include "codec/http.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct fl_http_head head;
static int status;

static int64_t read_all(const char *text)
{
    status = 0;
    return fl_http_read(fl_span_str(text), 0, &head, &status, NULL);
}

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

static void refused(void)
{
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {400, "GET /\r\n" HOST "\r\n"},
        {400, "GET\r\n" HOST "\r\n"},
        {400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET / HTTP/1.1 \r\n" HOST "\r\n"},
        {400, "GET / http/1.1\r\n" HOST "\r\n"},
        {400, "GET x HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /a\tb HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /\x80 HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET https://host HTTP/1.1\r\n" HOST "\r\n"},
        {405, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"},
        {405, "TRACE / HTTP/1.1\r\n" HOST "\r\n"},
        {405, "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n"},
        {405, "get / HTTP/1.1\r\n" HOST "\r\n"},
        {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
        {505, "GET / HTTP/1.2\r\n" HOST "\r\n"},
        {400, LINE "\r\n"},
        {400, LINE HOST HOST "\r\n"},
        {400, LINE HOST "A : b\r\n\r\n"},
        {400, LINE HOST " folded: b\r\n\r\n"},
        {400, LINE HOST "A: b\r\n c\r\n\r\n"},
        {400, LINE HOST ": b\r\n\r\n"},
        {400, LINE HOST "nothing\r\n\r\n"},
        {400, LINE HOST "A: b\nC: d\r\n\r\n"},
        {400, LINE HOST "A: b\rc\r\n\r\n"},
        {400, LINE HOST "A: b\x01\r\n\r\n"},
        {400, "GET / HTTP/1.1\n" HOST "\r\n"},
        {400, LINE HOST "Content-Length: -1\r\n\r\n"},
        {400, LINE HOST "Content-Length: +1\r\n\r\n"},
        {400, LINE HOST "Content-Length: 1, 1\r\n\r\n"},
        {400, LINE HOST "Content-Length: 0x1\r\n\r\n"},
        {400, LINE HOST "Content-Length: 99999999999999999999\r\n\r\n"},
        {400, LINE HOST "Content-Length: 18446744073709551615\r\n\r\n"},
        {400, LINE HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
        {400, LINE HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {411, LINE HOST "Transfer-Encoding: chunked\r\n\r\n"},
        {411, LINE HOST "Transfer-Encoding: identity\r\n\r\n"},
        {417, LINE HOST "Expect: tea\r\n\r\n"},
    };

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        int64_t r = read_all(cases[i].text);
        char name[160];

        (void)snprintf(name, sizeof name, "%d: %s", cases[i].status, cases[i].text);
        for (char *c = name; *c != '\0'; c++) /* TAP has a line for each */
            if (*c < ' ' || *c > '~')
                *c = '|';
        CHECK(r < 0 && status == cases[i].status, name);
        if (r >= 0 || status != cases[i].status)
            printf("# %lld %d\n", (long long)r, status);
    }
}

static void taken(void)
{
    static const char text[] =
        "POST /a/b?c=d&e HTTP/1.1\r\nHOST: x\r\nA:  b c \r\nContent-Length: 5\r\n"
        "Expect: 100-Continue\r\nEmpty:\r\n\r\nhello";
    int64_t n = read_all(text);

    CHECK(n == (int64_t)strlen(text) - 5, "the head's length");
    CHECK(fl_span_eq(head.method, FL_SPAN("POST")) && fl_span_eq(head.path, FL_SPAN("/a/b")) &&
              fl_span_eq(head.query, FL_SPAN("c=d&e")) &&
              fl_span_eq(head.target, FL_SPAN("/a/b?c=d&e")),
          "the first line's parts");
    CHECK(head.body_bytes == 5 && head.keep_alive && head.expects_continue && head.minor == 1,
          "what the fields say");
    CHECK(fl_span_eq(fl_http_field(&head, "a"), FL_SPAN("b c")) &&
              fl_http_field(&head, "empty").len == 0 && fl_http_field(&head, "none").len == 0,
          "fields by name, without blanks around");
    CHECK(read_all("\r\n" LINE HOST "\r\n") > 0, "an empty line before it is passed over");
    CHECK(read_all("GET https://h:8443/x?y HTTP/1.1\r\n" HOST "\r\n") > 0 &&
              fl_span_eq(head.target, FL_SPAN("/x?y")),
          "a whole address is its path");
    CHECK(read_all("GET / HTTP/1.0\r\n\r\n") > 0 && !head.keep_alive, "HTTP/1.0 needs no host");
    CHECK(read_all("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n") > 0 && head.keep_alive,
          "and can stay open");
    CHECK(read_all(LINE HOST "Connection: Close\r\n\r\n") > 0 && !head.keep_alive,
          "HTTP/1.1 can be closed");
}

static void piecemeal(void)
{
    static const char text[] = "\r\nGET /path HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
    bool early = false;
    int64_t n = 0;
    size_t len = strlen(text);

    for (size_t i = 1; i <= len; i++) {
        n = fl_http_read(fl_span_of(text, i), i - 1, &head, &status, NULL);
        early |= i < len && n != 0;
    }
    CHECK(!early && n == (int64_t)len, "a head that comes byte by byte");
}

static void limits(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_http_head *ret = &head;

    fl_buf_init(&text, 1 << 20);
    fl_buf_put_str(&text, "GET /");
    while (text.len < FL_HTTP_TARGET_MAX + 200)
        fl_buf_put_u8(&text, 'a');
    CHECK(fl_http_read(fl_buf_span(&text), 0, ret, &status, NULL) == FL_E_LIMIT && status == 414,
          "a path over its maximum is refused before its end comes");
    fl_buf_put_str(&text, " HTTP/1.1\r\n" HOST "\r\n");
    CHECK(fl_http_read(fl_buf_span(&text), 0, ret, &status, NULL) == FL_E_LIMIT && status == 414,
          "and when it has come");
    fl_buf_clear(&text);
    fl_buf_put_str(&text, "GET /");
    while (text.len < FL_HTTP_TARGET_MAX + 4)
        fl_buf_put_u8(&text, 'a');
    fl_buf_put_str(&text, " HTTP/1.1\r\n" HOST "\r\n");
    CHECK(fl_http_read(fl_buf_span(&text), 0, ret, &status, NULL) > 0, "the longest path");
    fl_buf_clear(&text);
    fl_buf_put_str(&text, LINE HOST "A: ");
    while (text.len < FL_HTTP_HEAD_MAX + 100)
        fl_buf_put_u8(&text, 'a');
    CHECK(fl_http_read(fl_buf_span(&text), 0, ret, &status, NULL) == FL_E_LIMIT && status == 431,
          "fields over their maximum are refused before their end comes");
    fl_buf_put_str(&text, "\r\n\r\n");
    CHECK(fl_http_read(fl_buf_span(&text), 0, ret, &status, NULL) == FL_E_LIMIT && status == 431,
          "and when it has come");
    fl_buf_clear(&text);
    fl_buf_put_str(&text, LINE HOST);
    for (int i = 0; i < 64; i++)
        fl_buf_put_str(&text, "A: b\r\n");
    fl_buf_put_str(&text, "\r\n");
    CHECK(fl_http_read(fl_buf_span(&text), 0, ret, &status, NULL) == FL_E_LIMIT && status == 431,
          "65 fields");
}

static bool cookie_is(const char *fields, const char *want)
{
    char text[400];

    (void)snprintf(text, sizeof text, LINE HOST "%s\r\n", fields);
    return read_all(text) > 0 && fl_span_eq(fl_http_cookie(&head, "__Host-f"), fl_span_str(want));
}

static void tokens(void)
{
    CHECK(cookie_is("Cookie: a=b; __Host-f=tok=en ;c=d\r\n", "tok=en"), "a cookie among others");
    CHECK(cookie_is("Cookie: a=b\r\nCookie: __Host-f=x\r\n", "x"), "in a second field");
    CHECK(cookie_is("Cookie: __Host-f=x; __Host-f=y\r\n", ""), "twice is not at all");
    CHECK(cookie_is("Cookie: __Host-fx=x; x__Host-f=y; __host-f=z\r\n", ""), "names that are near");
    CHECK(read_all(LINE HOST "Authorization: bearer  flt_x \r\n\r\n") > 0 &&
              fl_span_eq(fl_http_bearer(&head), FL_SPAN("flt_x")),
          "a bearer token");
    CHECK(read_all(LINE HOST "Authorization: Basic x\r\n\r\n") > 0 &&
              fl_http_bearer(&head).len == 0,
          "another scheme");
    CHECK(read_all(LINE HOST "Authorization: Bearer x\r\nAuthorization: Bearer y\r\n\r\n") > 0 &&
              fl_http_bearer(&head).len == 0,
          "two are none");
    CHECK(read_all(LINE HOST "Accept-Encoding: br, gzip ;q=0.5\r\n\r\n") > 0 &&
              fl_http_takes(&head, "gzip") && fl_http_takes(&head, "br") &&
              !fl_http_takes(&head, "zstd"),
          "content codings");
    CHECK(read_all(LINE HOST "Accept-Encoding: gzip;q=0.0\r\n\r\n") > 0 &&
              !fl_http_takes(&head, "gzip"),
          "one that is refused by its weight");
    CHECK(read_all(LINE HOST "If-None-Match: \"a\", W/\"b\"\r\n\r\n") > 0 &&
              fl_http_none_match(&head, FL_SPAN("\"b\"")) &&
              !fl_http_none_match(&head, FL_SPAN("\"c\"")),
          "entity tags");
}

static void names(void)
{
    static const struct {
        const char *path, *name; /* NULL: refused */
    } cases[] = {
        {"/", ""},
        {"/index.html", "index.html"},
        {"/assets/a-b.js", "assets/a-b.js"},
        {"/a%20b", "a b"},
        {"/%E2%82%AC", "\xe2\x82\xac"},
        {"/a%2fb", "a/b"},
        {"/docs/", "docs/"},
        {"x", NULL},
        {"/..", NULL},
        {"/../etc/passwd", NULL},
        {"/a/../b", NULL},
        {"/%2e%2e/x", NULL},
        {"/a/%2E./b", NULL},
        {"/a%2f..%2fb", NULL},
        {"//etc/passwd", NULL},
        {"/a//b", NULL},
        {"/.git/config", NULL},
        {"/a\\b", NULL},
        {"/a%5cb", NULL},
        {"/a%00b", NULL},
        {"/a%0ab", NULL},
        {"/a%", NULL},
        {"/a%2", NULL},
        {"/a%zz", NULL},
    };

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf name;
        int r;

        fl_buf_init(&name, 100);
        r = fl_http_file_name(fl_span_str(cases[i].path), &name, NULL);
        CHECK(cases[i].name == NULL
                  ? r == FL_E_INVAL
                  : r == FL_OK && fl_span_eq(fl_buf_span(&name), fl_span_str(cases[i].name)),
              cases[i].path);
    }
}

int main(void)
{
    refused();
    taken();
    piecemeal();
    limits();
    tokens();
    names();
    return tap_done();
}
