#include "codec/http.h"

#include <string.h>

const char FL_HTTP_ALLOW[] = "GET, HEAD, POST, PUT, PATCH, DELETE";

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

/* RFC 9110 5.6.2: tchar */
static bool is_token(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

bool fl_http_same(struct fl_span a, struct fl_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

static struct fl_span trim(struct fl_span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Take the part before the next `at` from *rest; false when nothing is left. */
static bool next_part(struct fl_span *rest, unsigned char at, struct fl_span *ret)
{
    const unsigned char *end = rest->len == 0 ? NULL : memchr(rest->ptr, at, rest->len);

    if (rest->len == 0)
        return false;
    *ret = fl_span_of(rest->ptr, end == NULL ? rest->len : (size_t)(end - rest->ptr));
    rest->ptr += ret->len + (end != NULL);
    rest->len -= ret->len + (end != NULL);
    return true;
}

static int refuse(int status, int *ret_status, struct fl_err *err, const char *text)
{
    *ret_status = status;
    return fl_err_set(err, status == 414 || status == 431 ? FL_E_LIMIT : FL_E_PROTO, "%s", text);
}

/* ---- the first line ---- */

static bool known_method(struct fl_span method)
{
    for (size_t i = 0; i < FL_LEN(methods); i++)
        if (fl_span_eq(method, fl_span_str(methods[i])))
            return true;
    return false;
}

/* "https://host/path" is the same as "/path" here (RFC 9112 3.2.2). */
static struct fl_span without_origin(struct fl_span target)
{
    static const char scheme[] = "https://";
    const size_t len = sizeof scheme - 1;
    const unsigned char *slash;

    if (target.len <= len || !fl_http_same(fl_span_of(target.ptr, len), fl_span_str(scheme)))
        return target;
    slash = memchr(target.ptr + len, '/', target.len - len);
    if (slash == NULL)
        return target;
    return fl_span_of(slash, target.len - (size_t)(slash - target.ptr));
}

static int read_target(struct fl_http_head *head, int *ret_status, struct fl_err *err)
{
    const unsigned char *mark;

    for (size_t i = 0; i < head->target.len; i++)
        if (head->target.ptr[i] <= ' ' || head->target.ptr[i] > '~' || head->target.ptr[i] == '#')
            return refuse(400, ret_status, err, "the path has bytes that must be %-encoded");
    head->target = without_origin(head->target);
    if (head->target.len == 0 || head->target.ptr[0] != '/')
        return refuse(400, ret_status, err, "the path does not begin with a slash");
    mark = memchr(head->target.ptr, '?', head->target.len);
    head->path = mark == NULL ? head->target
                              : fl_span_of(head->target.ptr, (size_t)(mark - head->target.ptr));
    if (mark != NULL)
        head->query = fl_span_of(mark + 1, head->target.len - head->path.len - 1);
    return FL_OK;
}

static int read_first(struct fl_span line, struct fl_http_head *head, int *ret_status,
                      struct fl_err *err)
{
    struct fl_span rest = line, version = {NULL, 0};

    if (!next_part(&rest, ' ', &head->method) || !next_part(&rest, ' ', &head->target))
        return refuse(400, ret_status, err, "the first line is no HTTP request");
    version = rest;
    if (version.len != 8 || memcmp(version.ptr, "HTTP/", 5) != 0 || version.ptr[6] != '.')
        return refuse(400, ret_status, err, "the first line is no HTTP request");
    if (version.ptr[5] != '1' || (version.ptr[7] != '0' && version.ptr[7] != '1'))
        return refuse(505, ret_status, err, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    head->minor = version.ptr[7] - '0';
    if (!known_method(head->method))
        return refuse(405, ret_status, err, "this method is not answered");
    if (head->target.len > FL_HTTP_TARGET_MAX)
        return refuse(414, ret_status, err, "path and query are longer than 16 KiB");
    return read_target(head, ret_status, err);
}

/* ---- fields ---- */

static int read_field(struct fl_span line, struct fl_http_head *head, int *ret_status,
                      struct fl_err *err)
{
    struct fl_http_field *f = &head->fields[head->field_count];
    const unsigned char *colon = memchr(line.ptr, ':', line.len);

    if (head->field_count == FL_HTTP_FIELDS_MAX)
        return refuse(431, ret_status, err, "the request has more than 64 fields");
    if (colon == NULL || colon == line.ptr)
        return refuse(400, ret_status, err, "a line of the head is no field");
    f->name = fl_span_of(line.ptr, (size_t)(colon - line.ptr));
    f->value = trim(fl_span_of(colon + 1, line.len - f->name.len - 1));
    for (size_t i = 0; i < f->name.len; i++)
        if (!is_token(f->name.ptr[i]))
            return refuse(400, ret_status, err, "a field's name has bytes that names may not have");
    for (size_t i = 0; i < f->value.len; i++)
        if ((f->value.ptr[i] < ' ' && f->value.ptr[i] != '\t') || f->value.ptr[i] == 0x7f)
            return refuse(400, ret_status, err, "a field's value has control characters");
    head->field_count++;
    return FL_OK;
}

static size_t count_of(const struct fl_http_head *head, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < head->field_count; i++)
        count += fl_http_same(head->fields[i].name, fl_span_str(name));
    return count;
}

static bool has_word(struct fl_span list, const char *word)
{
    struct fl_span part;

    while (next_part(&list, ',', &part))
        if (fl_http_same(trim(part), fl_span_str(word)))
            return true;
    return false;
}

static int read_length(struct fl_http_head *head, int *ret_status, struct fl_err *err)
{
    size_t lengths = count_of(head, "content-length");

    if (count_of(head, "transfer-encoding") > 0)
        return lengths > 0 ? refuse(400, ret_status, err, "two lengths of one body")
                           : refuse(411, ret_status, err, "send the body with Content-Length");
    if (lengths == 0)
        return FL_OK;
    if (lengths > 1 || !fl_span_u64(fl_http_field(head, "content-length"), &head->body_bytes) ||
        head->body_bytes > INT64_MAX)
        return refuse(400, ret_status, err, "Content-Length is not one number");
    return FL_OK;
}

/* What the fields mean together. */
static int check_fields(struct fl_http_head *head, int *ret_status, struct fl_err *err)
{
    struct fl_span connection = fl_http_field(head, "connection");
    struct fl_span expect = fl_http_field(head, "expect");
    size_t hosts = count_of(head, "host");

    if (hosts > 1 || (hosts == 0 && head->minor > 0))
        return refuse(400, ret_status, err, "a request has one field Host");
    head->keep_alive =
        head->minor > 0 ? !has_word(connection, "close") : has_word(connection, "keep-alive");
    if (expect.len > 0 && !fl_http_same(expect, FL_SPAN("100-continue")))
        return refuse(417, ret_status, err, "only 100-continue can be expected");
    head->expects_continue = expect.len > 0 && head->minor > 0;
    return read_length(head, ret_status, err);
}

static int read_lines(struct fl_span text, struct fl_http_head *head, int *ret_status,
                      struct fl_err *err)
{
    bool first = true;
    int r = FL_OK;

    while (r == FL_OK && text.len > 0) {
        const unsigned char *end = memmem(text.ptr, text.len, "\r\n", 2);
        struct fl_span line = fl_span_of(text.ptr, end == NULL ? 0 : (size_t)(end - text.ptr));

        if (end == NULL || memchr(line.ptr, '\n', line.len) != NULL ||
            memchr(line.ptr, '\r', line.len) != NULL)
            return refuse(400, ret_status, err, "a line of the head does not end with CR LF");
        r = first ? read_first(line, head, ret_status, err)
                  : read_field(line, head, ret_status, err);
        if (first && text.len - line.len - 2 > FL_HTTP_HEAD_MAX && r == FL_OK)
            return refuse(431, ret_status, err, "the request's fields are longer than 16 KiB");
        first = false;
        text.ptr = end + 2;
        text.len -= line.len + 2;
    }
    return r < 0 ? r : check_fields(head, ret_status, err);
}

/* The end of the head is not there yet: can it still come within the limits? */
static int64_t unfinished(struct fl_span bytes, int *ret_status, struct fl_err *err)
{
    const size_t line_max = FL_HTTP_TARGET_MAX + 64;
    const unsigned char *end;

    if (bytes.len <= FL_HTTP_HEAD_MAX)
        return 0;
    end = memchr(bytes.ptr, '\n', bytes.len);
    if (end == NULL)
        return bytes.len <= line_max
                   ? 0
                   : refuse(414, ret_status, err, "path and query are longer than 16 KiB");
    if (bytes.len - (size_t)(end - bytes.ptr) > FL_HTTP_HEAD_MAX)
        return refuse(431, ret_status, err, "the request's fields are longer than 16 KiB");
    return 0;
}

int64_t fl_http_read(struct fl_span bytes, size_t seen, struct fl_http_head *ret, int *ret_status,
                     struct fl_err *err)
{
    static const char ends[] = "\r\n\r\n";
    size_t blank = 0, from;
    const unsigned char *end;
    int r;

    if (bytes.ptr == NULL)
        return 0;
    while (blank < 4 && bytes.len >= blank + 2 && memcmp(bytes.ptr + blank, "\r\n", 2) == 0)
        blank += 2; /* RFC 9112 2.2: an empty line before the request is passed over */
    from = seen > blank + 3 ? seen - 3 : blank;
    if (from > bytes.len)
        from = bytes.len;
    end = bytes.len == from ? NULL : memmem(bytes.ptr + from, bytes.len - from, ends, 4);
    if (end == NULL)
        return unfinished(bytes, ret_status, err);
    memset(ret, 0, sizeof *ret);
    r = read_lines(fl_span_of(bytes.ptr + blank, (size_t)(end + 2 - bytes.ptr) - blank), ret,
                   ret_status, err);
    return r < 0 ? r : (int64_t)(end + 4 - bytes.ptr);
}

struct fl_span fl_http_field(const struct fl_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (fl_http_same(head->fields[i].name, fl_span_str(name)))
            return head->fields[i].value;
    return fl_span_of(NULL, 0);
}

struct fl_span fl_http_cookie(const struct fl_http_head *head, const char *name)
{
    struct fl_span found = {NULL, 0}, want = fl_span_str(name);
    size_t count = 0;

    for (size_t i = 0; i < head->field_count; i++) {
        struct fl_span rest = head->fields[i].value, pair, key;

        if (!fl_http_same(head->fields[i].name, FL_SPAN("cookie")))
            continue;
        while (next_part(&rest, ';', &pair)) {
            pair = trim(pair);
            if (!next_part(&pair, '=', &key) || !fl_span_eq(key, want))
                continue;
            found = pair;
            count++;
        }
    }
    return count == 1 ? found : fl_span_of(NULL, 0);
}

struct fl_span fl_http_bearer(const struct fl_http_head *head)
{
    static const char scheme[] = "Bearer ";
    const size_t len = sizeof scheme - 1;
    struct fl_span value = fl_http_field(head, "authorization");

    if (count_of(head, "authorization") != 1 || value.len <= len ||
        !fl_http_same(fl_span_of(value.ptr, len), fl_span_str(scheme)))
        return fl_span_of(NULL, 0);
    return trim(fl_span_of(value.ptr + len, value.len - len));
}

/* "q=0", "q=0.000": not wanted */
static bool is_zero(struct fl_span weight)
{
    weight = trim(weight);
    if (weight.len < 3 || lower(weight.ptr[0]) != 'q' || weight.ptr[1] != '=')
        return false;
    for (size_t i = 2; i < weight.len; i++)
        if (weight.ptr[i] != '0' && weight.ptr[i] != '.')
            return false;
    return true;
}

bool fl_http_takes(const struct fl_http_head *head, const char *coding)
{
    struct fl_span list = fl_http_field(head, "accept-encoding"), item, name;

    while (next_part(&list, ',', &item)) {
        if (!next_part(&item, ';', &name) || !fl_http_same(trim(name), fl_span_str(coding)))
            continue;
        return !is_zero(item);
    }
    return false;
}

bool fl_http_none_match(const struct fl_http_head *head, struct fl_span etag)
{
    struct fl_span list = fl_http_field(head, "if-none-match"), item;

    while (next_part(&list, ',', &item)) {
        item = trim(item);
        if (item.len > 2 && memcmp(item.ptr, "W/", 2) == 0) {
            item.ptr += 2;
            item.len -= 2;
        }
        if (fl_span_eq(item, etag) || fl_span_eq(item, FL_SPAN("*")))
            return true;
    }
    return false;
}

static int hex_of(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode(struct fl_span path, struct fl_buf *ret, struct fl_err *err)
{
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = path.ptr[i];

        if (c == '%') {
            int high = i + 2 < path.len ? hex_of(path.ptr[i + 1]) : -1;
            int low = i + 2 < path.len ? hex_of(path.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return fl_err_set(err, FL_E_INVAL, "a path with a bad %%-escape");
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (c < ' ' || c == '\\' || c == 0x7f)
            return fl_err_set(err, FL_E_INVAL, "a path with a byte that names do not have");
        fl_buf_put_u8(ret, c);
    }
    return fl_buf_status(ret, err);
}

int fl_http_file_name(struct fl_span path, struct fl_buf *ret, struct fl_err *err)
{
    struct fl_span rest, part;
    int r;

    if (path.len == 0 || path.ptr[0] != '/')
        return fl_err_set(err, FL_E_INVAL, "a path begins with a slash");
    fl_buf_clear(ret);
    r = decode(fl_span_of(path.ptr + 1, path.len - 1), ret, err);
    if (r < 0)
        return r;
    rest = fl_buf_span(ret);
    while (next_part(&rest, '/', &part))
        if (part.len == 0 || part.ptr[0] == '.')
            return fl_err_set(err, FL_E_INVAL, "a path with an empty or hidden part");
    return FL_OK;
}

const char *fl_http_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {303, "See Other"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {423, "Locked"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < FL_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return status < 400 ? "OK" : "Error";
}
