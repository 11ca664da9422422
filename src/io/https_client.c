#include "io/https_client.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define URL_MAX     20000u
#define SENT_MAX    1200u /* of a header that is sent */
#define CONNECT_MS  10000L
#define KEEPALIVE_S 30L

struct ask {
    const struct fl_https_ops *ops;
    void *ctx;
    CURL *curl;
    bool headed;
    int code; /* that the caller's body function gave */
};

static void head_once(struct ask *ask)
{
    long status = 0;

    if (ask->headed)
        return;
    (void)curl_easy_getinfo(ask->curl, CURLINFO_RESPONSE_CODE, &status);
    ask->headed = true;
    ask->ops->head(ask->ctx, (int)status);
}

static void take_header(struct ask *ask, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    char name[64];
    size_t name_len = colon == NULL ? 0 : (size_t)(colon - line), at = name_len + 1;

    if (name_len == 0 || name_len >= sizeof name || len > FL_HTTPS_HEADER_MAX)
        return;
    for (size_t i = 0; i < name_len; i++)
        name[i] = (char)tolower((unsigned char)line[i]);
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    while (len > at && (unsigned char)line[len - 1] <= ' ')
        len--;
    ask->ops->header(ask->ctx, fl_span_of(name, name_len), fl_span_of(line + at, len - at));
}

/* The status line, each header, an empty line; trailers come behind the body. */
static size_t on_header(char *ptr, size_t one, size_t len, void *arg)
{
    take_header(arg, ptr, one * len);
    return one * len;
}

static size_t on_body(char *ptr, size_t one, size_t len, void *arg)
{
    struct ask *ask = arg;

    head_once(ask);
    ask->code = ask->ops->body(ask->ctx, fl_span_of(ptr, one * len));
    return ask->code < 0 ? CURL_WRITEFUNC_ERROR : one * len;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct ask *ask = arg;

    (void)a, (void)b, (void)c, (void)d;
    return ask->ops->stop(ask->ctx) ? 1 : 0;
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    char line[SENT_MAX];
    struct curl_slist *more;
    int len = snprintf(line, sizeof line, "%s: %s", name, value);

    if (len < 0 || (size_t)len >= sizeof line || strpbrk(line, "\r\n") != NULL)
        return false;
    more = curl_slist_append(*list, line);
    explicit_bzero(line, sizeof line);
    if (more != NULL)
        *list = more;
    return more != NULL;
}

static bool add_headers(const struct fl_https_request *r, struct curl_slist **list)
{
    char bearer[SENT_MAX - 20];
    bool fine = add_header(list, "Expect", ""); /* no waiting for 100 */

    if (fine && r->body.len > 0)
        fine = add_header(list, "Content-Type", "application/json");
    if (fine && r->accept != NULL)
        fine = add_header(list, "Accept", r->accept);
    if (fine && r->token != NULL) {
        fine = snprintf(bearer, sizeof bearer, "Bearer %s", r->token) < (int)sizeof bearer &&
               add_header(list, "Authorization", bearer);
        explicit_bzero(bearer, sizeof bearer);
    }
    return fine;
}

/* curl_easy_setopt() takes any type, so each option's is written out here once. */
static void set_options(CURL *curl, const struct fl_https_request *r, const char *url,
                        struct curl_slist *headers, struct ask *ask)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
    if (r->answer_idle_ms > 0) {
        (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(r->answer_idle_ms / 1000));
    }
    if (r->ca_file != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, r->ca_file);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
    if (r->body.len > 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)r->body.ptr);
    }
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, ask);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, ask);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, ask);
}

static int explain(const struct ask *ask, const struct fl_https_request *r, CURLcode code,
                   const char *detail, struct fl_err *err)
{
    const char *text = detail[0] != '\0' ? detail : curl_easy_strerror(code);

    if (code == CURLE_OK)
        return FL_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return fl_err_set(err, FL_E_AGAIN, "interrupted");
    if (ask->code < 0)
        return fl_err_set(err, ask->code, "the output was closed");
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return fl_err_set(err, FL_E_INVAL, "'%.200s' is no address of a server: %s", r->server,
                          text);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return fl_err_set(err, FL_E_DENIED,
                          "the certificate of %.200s is not trusted (%s); FAIRLEAD_CA names the "
                          "file of its CA: 'fairlead ca show' at the server prints it",
                          r->server, text);
    return fl_err_set(err, FL_E_IO, "%.200s: %s", r->server, text);
}

static int perform(CURL *curl, const struct fl_https_request *r, const char *url,
                   const struct fl_https_ops *ops, void *ctx, struct fl_err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    struct ask ask = {.ops = ops, .ctx = ctx, .curl = curl};
    struct curl_slist *headers = NULL;
    CURLcode code;

    if (!add_headers(r, &headers)) {
        curl_slist_free_all(headers);
        return fl_err_set(err, FL_E_INVAL, "the token is none: it is one line of letters");
    }
    set_options(curl, r, url, headers, &ask);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        head_once(&ask); /* an answer without a body */
    curl_slist_free_all(headers);
    return explain(&ask, r, code, detail, err);
}

int fl_https_ask(const struct fl_https_request *request, const struct fl_https_ops *ops, void *ctx,
                 struct fl_err *err)
{
    char url[URL_MAX];
    size_t len = strlen(request->server);
    CURL *curl;
    int r;

    while (len > 0 && request->server[len - 1] == '/')
        len--;
    if (snprintf(url, sizeof url, "%.*s%s", (int)len, request->server, request->path) >=
        (int)sizeof url)
        return fl_err_set(err, FL_E_LIMIT, "the request is longer than %u bytes", URL_MAX);
    curl = curl_easy_init();
    if (curl == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    r = perform(curl, request, url, ops, ctx, err);
    curl_easy_cleanup(curl);
    return r;
}
