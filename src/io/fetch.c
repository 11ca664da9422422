#include "io/fetch.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS    10000L
#define STALL_BYTES   32L /* a second, over STALL_S: slower than that is not moving */
#define STALL_S       20L
#define LINE_BYTES    2200u
#define STATUS_REDIR  300
#define STATUS_ABOVE  400
#define STATUS_SAME   304
#define HEADERS_LIMIT 16

struct hop {
    const struct fl_fetch_ask *ask;
    struct fl_fetch_got *got;
    struct fl_buf *body;
    CURL *curl;
    struct fl_url url;
    char location[FL_URL_MAX + 1];
    size_t head_bytes;
    struct fl_err why; /* of a callback that ended it */
    int code;          /* of why; 0: none */
};

int fl_fetch_init(struct fl_err *err)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

    return code == CURLE_OK
               ? FL_OK
               : fl_err_set(err, FL_E_IO, "start libcurl: %s", curl_easy_strerror(code));
}

/* ---- callbacks ---- */

static uint16_t usual_port(const struct fl_url *url)
{
    return url->tls ? 443 : 80;
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct hop *hop = ctx;
    struct fl_err why;

    (void)purpose;
    if (fl_outside_address(hop->ask->to, hop->url.host, hop->url.port, usual_port(&hop->url),
                           &address->addr, &why) < 0) {
        hop->why = why;
        hop->code = why.code;
        return CURL_SOCKET_BAD;
    }
    hop->code = 0; /* another address of the host was refused, this one is right */
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void keep_value(char ret[FL_FETCH_VALUE_MAX + 1], struct fl_span value)
{
    if (value.len > FL_FETCH_VALUE_MAX)
        return; /* one that cannot be sent back is as good as none */
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < 0x20 || value.ptr[i] >= 0x7f)
            return;
    (void)snprintf(ret, FL_FETCH_VALUE_MAX + 1, "%.*s", FL_SPAN_ARG(value));
}

static bool is_header(const char *line, size_t name_len, const char *name)
{
    if (strlen(name) != name_len)
        return false;
    for (size_t i = 0; i < name_len; i++)
        if (tolower((unsigned char)line[i]) != name[i])
            return false;
    return true;
}

static void take_header(struct hop *hop, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon == NULL ? 0 : (size_t)(colon - line), at = name_len + 1;
    struct fl_span value;

    if (name_len == 0)
        return;
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    while (len > at && (unsigned char)line[len - 1] <= ' ')
        len--;
    value = fl_span_of(line + at, len - at);
    if (is_header(line, name_len, "etag"))
        keep_value(hop->got->etag, value);
    else if (is_header(line, name_len, "last-modified"))
        keep_value(hop->got->modified, value);
    else if (is_header(line, name_len, "location") && value.len < sizeof hop->location)
        (void)snprintf(hop->location, sizeof hop->location, "%.*s", FL_SPAN_ARG(value));
}

static size_t on_header(char *ptr, size_t one, size_t len, void *ctx)
{
    struct hop *hop = ctx;

    hop->head_bytes += one * len;
    if (hop->head_bytes > FL_FETCH_HEAD_MAX) {
        hop->code = fl_err_set(&hop->why, FL_E_LIMIT,
                               "the answer has more than %zu bytes of headers", FL_FETCH_HEAD_MAX);
        return 0;
    }
    take_header(hop, ptr, one * len);
    return one * len;
}

static size_t on_body(char *ptr, size_t one, size_t len, void *ctx)
{
    struct hop *hop = ctx;

    fl_buf_put(hop->body, ptr, one * len);
    if (hop->body->failed == 0)
        return one * len;
    hop->code = fl_err_set(&hop->why, FL_E_LIMIT,
                           "the answer is larger than %zu bytes, or becomes so when it is unpacked",
                           hop->body->max_bytes);
    return CURL_WRITEFUNC_ERROR;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct hop *hop = ctx;

    (void)a, (void)b, (void)c, (void)d;
    return hop->ask->stop != NULL && atomic_load(hop->ask->stop) ? 1 : 0;
}

/* ---- one request ---- */

static bool add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *more;

    if (strpbrk(line, "\r\n") != NULL)
        return false;
    more = curl_slist_append(*list, line);
    if (more != NULL)
        *list = more;
    return more != NULL;
}

static bool add_value(struct curl_slist **list, const char *name, struct fl_span value)
{
    char line[LINE_BYTES];
    int len = snprintf(line, sizeof line, "%s: %.*s", name, FL_SPAN_ARG(value));

    return len > 0 && (size_t)len < sizeof line && add_line(list, line);
}

static bool add_headers(const struct fl_fetch_ask *ask, struct curl_slist **list)
{
    bool fine = add_line(list, "Expect:");

    if (fine && ask->etag.len > 0)
        fine = add_value(list, "If-None-Match", ask->etag);
    if (fine && ask->modified.len > 0)
        fine = add_value(list, "If-Modified-Since", ask->modified);
    if (fine && ask->post.len > 0)
        fine = add_value(list, "Content-Type", fl_span_str(ask->type));
    for (size_t i = 0; fine && ask->headers != NULL && ask->headers[i] != NULL; i++)
        fine = i < HEADERS_LIMIT && add_line(list, ask->headers[i]);
    return fine;
}

/* curl_easy_setopt() takes any type, so each option's is written out here once. */
static void set_safety(CURL *curl, struct hop *hop)
{
    struct curl_blob ca = {.data = (void *)(uintptr_t)hop->ask->to->ca_pem.ptr,
                           .len = hop->ask->to->ca_pem.len,
                           .flags = CURL_BLOB_NOCOPY};

    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, hop->url.tls ? "https" : "http");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
    if (ca.len > 0)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, hop);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)hop->ask->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_S);
}

static void set_request(CURL *curl, struct hop *hop, struct curl_slist *headers)
{
    const struct fl_fetch_ask *ask = hop->ask;

    (void)curl_easy_setopt(curl, CURLOPT_URL, hop->got->url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "Fairlead/" FL_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (ask->post.len > 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->post.len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)ask->post.ptr);
    } else {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    }
    (void)curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)hop->body->max_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, hop);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, hop);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, hop);
}

static int explain(struct hop *hop, CURLcode code, const char *detail, struct fl_err *err)
{
    const char *text = detail[0] != '\0' ? detail : curl_easy_strerror(code);

    if (code == CURLE_OK)
        return FL_OK;
    if (hop->code < 0) {
        *err = hop->why;
        return hop->code;
    }
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return fl_err_set(err, FL_E_AGAIN, "interrupted");
    if (code == CURLE_FILESIZE_EXCEEDED)
        return fl_err_set(err, FL_E_LIMIT, "the answer is larger than %zu bytes",
                          hop->body->max_bytes);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return fl_err_set(err, FL_E_TIMEOUT, "%s: %s", hop->url.host, text);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return fl_err_set(
            err, FL_E_DENIED,
            "the certificate of %s is not trusted (%s); outbound_ca names a file with "
            "the authorities that are",
            hop->url.host, text);
    if (code == CURLE_WRITE_ERROR || code == CURLE_BAD_CONTENT_ENCODING ||
        code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_HTTP_RETURNED_ERROR)
        return fl_err_set(err, FL_E_PROTO, "%s: %s", hop->url.host, text);
    return fl_err_set(err, FL_E_IO, "%s: %s", hop->url.host, text);
}

static void take_facts(struct hop *hop)
{
    curl_off_t wire = 0, retry = 0;
    long status = 0;

    (void)curl_easy_getinfo(hop->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(hop->curl, CURLINFO_SIZE_DOWNLOAD_T, &wire);
    (void)curl_easy_getinfo(hop->curl, CURLINFO_RETRY_AFTER, &retry);
    hop->got->status = (int)status;
    hop->got->wire_bytes += wire > 0 ? (uint64_t)wire : 0;
    hop->got->retry_after_s = retry < 0 ? 0 : retry > UINT32_MAX ? UINT32_MAX : (uint32_t)retry;
}

static int perform(struct hop *hop, struct fl_err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    CURLcode code;

    if (!add_headers(hop->ask, &headers)) {
        curl_slist_free_all(headers);
        return fl_err_set(err, FL_E_INVAL, "a header of the request does not fit on a line");
    }
    set_safety(hop->curl, hop);
    set_request(hop->curl, hop, headers);
    (void)curl_easy_setopt(hop->curl, CURLOPT_ERRORBUFFER, detail);
    code = curl_easy_perform(hop->curl);
    take_facts(hop);
    curl_slist_free_all(headers);
    return explain(hop, code, detail, err);
}

static int one_hop(struct hop *hop, struct fl_err *err)
{
    int r = fl_outside_host(hop->ask->to, hop->url.host, hop->url.port, usual_port(&hop->url), err);

    if (r < 0)
        return r;
    if (hop->url.tls && hop->ask->to->ca_pem.len == 0)
        return fl_err_set(
            err, FL_E_DENIED,
            "no certificate authority is known, so nobody can be trusted; outbound_ca "
            "names a file with them");
    hop->curl = curl_easy_init();
    if (hop->curl == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    r = perform(hop, err);
    curl_easy_cleanup(hop->curl);
    hop->curl = NULL;
    return r;
}

/* ---- redirects ---- */

/* Where the answer sends us, when that may be followed. */
static int next_url(struct hop *hop, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf to;
    struct fl_url url = {.tls = false};
    int r;

    fl_buf_init(&to, FL_URL_MAX);
    r = fl_url_join(fl_span_str(hop->got->url), fl_span_str(hop->location), &to, err);
    if (r == FL_OK)
        r = fl_url_parse(fl_buf_span(&to), hop->ask->plain, &url, err);
    if (r < 0)
        return fl_err_set(err, FL_E_DENIED, "it redirects to an address that may not be followed");
    if (strcmp(url.host, hop->url.host) != 0)
        return fl_err_set(err, FL_E_DENIED,
                          "it redirects to another host, %s; if that is where it has moved, give "
                          "that address",
                          url.host);
    if (hop->url.tls && !url.tls)
        return fl_err_set(err, FL_E_DENIED, "it redirects from https to http");
    (void)snprintf(hop->got->url, sizeof hop->got->url, "%.*s", FL_SPAN_ARG(fl_buf_span(&to)));
    return FL_OK;
}

static bool redirects(const struct hop *hop)
{
    return hop->got->status >= STATUS_REDIR && hop->got->status < STATUS_ABOVE &&
           hop->got->status != STATUS_SAME && hop->location[0] != '\0';
}

int fl_fetch(const struct fl_fetch_ask *ask, struct fl_buf *body, struct fl_fetch_got *ret,
             struct fl_err *err)
{
    struct fl_err own;
    struct hop hop = {.ask = ask, .got = ret, .body = body};

    if (err == NULL)
        err = &own;
    memset(ret, 0, sizeof *ret);
    if (ask->url.len > FL_URL_MAX)
        return fl_err_set(err, FL_E_INVAL, "an address has at most %u bytes", FL_URL_MAX);
    (void)snprintf(ret->url, sizeof ret->url, "%.*s", FL_SPAN_ARG(ask->url));
    for (unsigned hops = 0;; hops++) {
        int r = fl_url_parse(fl_span_str(ret->url), ask->plain, &hop.url, err);

        hop.location[0] = ret->etag[0] = ret->modified[0] = '\0';
        hop.head_bytes = 0;
        fl_buf_clear(body);
        if (r == FL_OK)
            r = one_hop(&hop, err);
        if (r < 0 || ask->post.len > 0 || !redirects(&hop))
            return r;
        if (hops == FL_FETCH_HOPS)
            return fl_err_set(err, FL_E_DENIED, "it redirects more than %u times", FL_FETCH_HOPS);
        r = next_url(&hop, err);
        if (r < 0)
            return r;
    }
}
