/* What the web role makes of requests, files and events; no server, no socket. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "fairleadd/web_events.h"
#include "fairleadd/web_files.h"
#include "fairleadd/web_map.h"
#include "tap.h"

/* ---- requests ---- */

static int map(const char *text, struct fl_buf *headers, struct fl_msg_request *ret)
{
    static struct fl_http_head head;
    int status;

    if (fl_http_read(fl_span_str(text), 0, &head, &status, NULL) <= 0)
        abort();
    return fl_web_request(&head, "192.0.2.7", headers, ret, NULL);
}

static void check_requests(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf headers;
    struct fl_msg_request msg;
    static char large[3000];

    fl_buf_init(&headers, FL_WEB_HEADERS_MAX);
    CHECK(map("HEAD /api/v1/session?a=b HTTP/1.1\r\nHost: x\r\nIF-Match: \"1\"\r\nX-Other: "
              "y\r\nX-Forwarded-For: 1.2.3.4\r\nCookie: __Host-fairlead=tok; a=b\r\nAccept: "
              "text/event-stream\r\n\r\n",
              &headers, &msg) == FL_OK,
          "a request");
    CHECK(fl_span_eq(msg.method, FL_SPAN("GET")) &&
              fl_span_eq(msg.path, FL_SPAN("/api/v1/session?a=b")),
          "HEAD is asked of core as GET");
    CHECK(fl_span_eq(msg.headers, FL_SPAN("accept: text/event-stream\nif-match: \"1\"\n")),
          "only the fields that core knows, by their small names");
    CHECK(fl_span_eq(msg.cookie, FL_SPAN("tok")) && msg.bearer.len == 0 &&
              fl_span_eq(msg.peer, FL_SPAN("192.0.2.7")),
          "the token and the peer, whatever a field says of it");
    memset(large, 'a', sizeof large - 1);
    memcpy(large, "GET / HTTP/1.1\r\nHost: x\r\nIf-Match: ", 35);
    memcpy(large + sizeof large - 5, "\r\n\r\n", 4);
    CHECK(map(large, &headers, &msg) == FL_E_LIMIT, "a field that is too long");
    memcpy(large, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ", 47);
    CHECK(map(large, &headers, &msg) == FL_E_LIMIT, "a token that is too long");
}

static void check_kinds(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf page;

    CHECK(fl_web_place_of(FL_SPAN("/api/v1/x")) == FL_WEB_CORE &&
              fl_web_place_of(FL_SPAN("/metrics")) == FL_WEB_CORE &&
              fl_web_place_of(FL_SPAN("/healthz")) == FL_WEB_CORE &&
              fl_web_place_of(FL_SPAN("/apis")) == FL_WEB_FILES &&
              fl_web_place_of(FL_SPAN("/metrics/x")) == FL_WEB_FILES,
          "who answers");
    CHECK(fl_web_flow_of(FL_SPAN("text/event-stream")) == FL_WEB_EVENTS &&
              fl_web_flow_of(FL_SPAN("application/x-ndjson")) == FL_WEB_STREAM &&
              fl_web_flow_of(FL_SPAN("text/csv; charset=utf-8")) == FL_WEB_STREAM &&
              fl_web_flow_of(FL_SPAN("application/json")) == FL_WEB_HOLD,
          "how an answer flows");
    CHECK(fl_web_is_hashed(FL_SPAN("assets/index-BxK3a9Qz.js")) &&
              fl_web_is_hashed(FL_SPAN("assets/a.b-_x3a9-Qz.css")) &&
              !fl_web_is_hashed(FL_SPAN("assets/index.js")) &&
              !fl_web_is_hashed(FL_SPAN("index-BxK3a9Qz.js")) &&
              !fl_web_is_hashed(FL_SPAN("assets/BxK3a9Qz.js")) &&
              !fl_web_is_hashed(FL_SPAN("assets/-BxK3a9Q")) && !fl_web_is_hashed(FL_SPAN("")),
          "names with a hash");
    CHECK(strcmp(fl_web_type_of(FL_SPAN("a/b.JS")), "text/javascript; charset=utf-8") == 0 &&
              strcmp(fl_web_type_of(FL_SPAN("a.js/b")), "application/octet-stream") == 0,
          "content types");
    fl_buf_init(&page, FL_WEB_HEADERS_MAX);
    fl_web_guard(FL_WEB_PAGE_APP, false, &page);
    CHECK(fl_span_find_nocase(fl_buf_span(&page), FL_SPAN("frame-ancestors 'none'")) &&
              fl_span_find_nocase(fl_buf_span(&page), FL_SPAN("require-trusted-types-for")) &&
              !fl_span_find_nocase(fl_buf_span(&page), FL_SPAN("unsafe")) &&
              !fl_span_find_nocase(fl_buf_span(&page), FL_SPAN("Strict-Transport")),
          "what a page may do");
    fl_web_guard(FL_WEB_PAGE_DATA, true, &page);
    CHECK(fl_span_find_nocase(fl_buf_span(&page), FL_SPAN("Strict-Transport-Security: max-age")),
          "HTTPS is insisted on with the operator's certificate alone");
}

/* ---- events ---- */

static bool gives(struct fl_web_events *e, const char *piece, size_t queued, const char *want)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    bool same;

    fl_buf_init(&out, 1 << 20);
    fl_web_events_take(e, fl_span_str(piece), queued, &out);
    same = fl_span_eq(fl_buf_span(&out), fl_span_str(want));
    if (!same)
        printf("# '%.*s'\n", (int)(out.len > 60 ? 60 : out.len), (const char *)out.ptr);
    return same;
}

static void check_events(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    const size_t full = FL_WEB_EVENTS_MAX;
    static char large[FL_WEB_EVENT_MAX + 10];
    struct fl_web_events e;

    fl_buf_init(&out, 1 << 20);
    fl_web_events_init(&e);
    CHECK(gives(&e, "data: 1\n\n", 0, "data: 1\n\n"), "an event");
    CHECK(gives(&e, "data: 2", 0, "") && gives(&e, "\n", 0, "") &&
              gives(&e, "\ndata: 3\n", 0, "data: 2\n\n") &&
              gives(&e, "\ndata: 4\n\n", 0, "data: 3\n\ndata: 4\n\n"),
          "events in pieces come out whole");
    CHECK(gives(&e, "data: 5\n\ndata: 6\n\n", full, "") && e.dropped == 2,
          "with a reader that does not read they are dropped");
    CHECK(gives(&e, ": beat\n\n", full, "") && e.dropped == 2, "a heartbeat is no loss");
    CHECK(gives(&e, "data: 7\n\n", full * 3 / 4, "") && e.dropped == 3,
          "until half of what waits is read, so that it is told once");
    fl_web_events_tell(&e, full * 3 / 4, &out);
    CHECK(out.len == 0, "nothing is told before");
    CHECK(gives(&e, "data: 8\n\n", full / 4, "event: dropped\ndata: {\"events\":3}\n\ndata: 8\n\n"),
          "then the reader is told how many");
    CHECK(gives(&e, "data: 9\n\n", full, "") && e.dropped_all == 4, "one more");
    fl_web_events_tell(&e, 0, &out);
    CHECK(fl_span_eq(fl_buf_span(&out), FL_SPAN("event: dropped\ndata: {\"events\":1}\n\n")),
          "told as soon as there is room");
    memset(large, 'a', sizeof large - 1);
    CHECK(gives(&e, large, 0, "") && gives(&e, "aaa\n", 0, "") && gives(&e, "\n", 0, "") &&
              e.dropped == 1,
          "an event over the maximum is dropped up to its end");
    CHECK(gives(&e, "data: 10\n\n", 0, "event: dropped\ndata: {\"events\":1}\n\ndata: 10\n\n"),
          "and the next one passes");
    CHECK(e.sent_all == 6 && e.dropped_all == 5, "both are counted");
    fl_web_events_done(&e);
}

/* ---- files ---- */

static void put(int dir, const char *name, const char *text)
{
    if (fl_file_write(dir, name, fl_span_str(text), 0644, NULL) < 0)
        abort();
}

static bool has(const struct fl_web_files *files, const char *name, const char *text)
{
    const struct fl_web_file *f = fl_web_files_find(files, fl_span_str(name));

    return text == NULL ? f == NULL
                        : f != NULL && fl_span_eq(fl_httpd_blob_span(f->bytes), fl_span_str(text));
}

static void check_files(void)
{
    char path[] = "/tmp/fl-web.XXXXXX", etag[40];
    int dir, sub = -1;
    struct fl_web_files *files = NULL;
    int64_t now_us = fl_now_mono_us();

    if (mkdtemp(path) == NULL)
        abort();
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fl_dir_make(dir, "assets", 0755, &sub, NULL) < 0)
        abort();
    put(dir, "index.html", "page");
    put(sub, "a-12345678.js", "script");
    put(sub, "a-12345678.js.gz", "packed");
    put(dir, ".hidden", "x");
    if (symlinkat("/etc/passwd", dir, "passwd") < 0 || symlinkat("/etc", dir, "etc") < 0)
        abort();
    CHECK(fl_web_files_new(dir, &files, NULL) == FL_OK, "a folder is read");
    CHECK(has(files, "index.html", "page") && has(files, "assets/a-12345678.js", "script"),
          "its files");
    CHECK(has(files, "passwd", NULL) && has(files, "etc/passwd", NULL) &&
              has(files, ".hidden", NULL) && has(files, "assets", NULL) && has(files, "", NULL),
          "no links, no hidden ones, no folders");
    CHECK(fl_web_files_find(files, FL_SPAN("assets/a-12345678.js"))->gzip != NULL &&
              fl_web_files_find(files, FL_SPAN("assets/a-12345678.js"))->hashed &&
              fl_web_files_find(files, FL_SPAN("index.html"))->gzip == NULL,
          "twins and hashes");
    memcpy(etag, fl_web_files_find(files, FL_SPAN("index.html"))->etag, sizeof etag);
    put(dir, "index.html", "gape");
    CHECK(fl_web_files_look(files, now_us + FL_WEB_LOOK_US, NULL) == FL_OK &&
              has(files, "index.html", "gape"),
          "a changed file is read again");
    CHECK(strcmp(etag, fl_web_files_find(files, FL_SPAN("index.html"))->etag) != 0,
          "and has another tag");
    put(dir, "new.txt", "new");
    CHECK(fl_web_files_look(files, now_us + FL_WEB_LOOK_US + 1, NULL) == FL_OK &&
              has(files, "new.txt", NULL),
          "not looked at all the time");
    CHECK(fl_web_files_look(files, now_us + 3 * FL_WEB_LOOK_US, NULL) == FL_OK &&
              has(files, "new.txt", "new"),
          "but then");
    (void)unlinkat(sub, "a-12345678.js.gz", 0);
    (void)unlinkat(sub, "a-12345678.js", 0);
    (void)unlinkat(dir, "assets", AT_REMOVEDIR);
    CHECK(fl_web_files_look(files, now_us + 6 * FL_WEB_LOOK_US, NULL) == FL_OK &&
              has(files, "assets/a-12345678.js", NULL),
          "what is gone is gone");
    fl_web_files_free(files);
    (void)unlinkat(dir, "index.html", 0);
    (void)unlinkat(dir, "new.txt", 0);
    (void)unlinkat(dir, ".hidden", 0);
    (void)unlinkat(dir, "passwd", 0);
    (void)unlinkat(dir, "etc", 0);
    (void)close(sub);
    (void)close(dir);
    (void)rmdir(path);
    CHECK(fl_web_files_new(-1, &files, NULL) == FL_OK && fl_web_files_count(files) == 0,
          "without a folder there is nothing");
    fl_web_files_free(files);
}

int main(void)
{
    check_requests();
    check_kinds();
    check_events();
    check_files();
    return tap_done();
}
