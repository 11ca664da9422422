/*
 * http.h - the head of an HTTP/1.x request (RFC 9112, RFC 9110), read strictly.
 *
 * What two readers could understand differently is refused: bare LF, folded lines, blanks before
 * the colon, two lengths, a length beside a transfer coding. Bodies come with Content-Length only;
 * a transfer coding gets 411. Everything is a view of the bytes given; nothing is copied.
 */
#ifndef FL_CODEC_HTTP_H
#define FL_CODEC_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_HTTP_FIELDS_MAX 64u
#define FL_HTTP_HEAD_MAX   ((size_t)16 * 1024) /* bytes of all field lines: 431 above */
#define FL_HTTP_TARGET_MAX ((size_t)16 * 1024) /* bytes of path and query: 414 above */

struct fl_http_field {
    struct fl_span name, value; /* name as sent; value without blanks at its ends */
};

struct fl_http_head {
    struct fl_span method;
    struct fl_span target;      /* "/path?query", %-encoded, printable ASCII, begins with '/' */
    struct fl_span path, query; /* its two parts; query without '?' */
    unsigned minor;             /* HTTP/1.minor: 0 or 1 */
    bool keep_alive, expects_continue;
    uint64_t body_bytes; /* that follow the head */
    struct fl_http_field fields[FL_HTTP_FIELDS_MAX];
    size_t field_count;
};

/*
 * Read the head at the front of bytes. Returns the bytes that it takes; 0 when more are needed;
 * FL_E_PROTO or FL_E_LIMIT with *ret_status, the status to refuse it with (400, 405, 411, 414, 417,
 * 431, 501, 505), and a text for people. `seen` is how many bytes an earlier call had already
 * (0 at first), so that a slow sender does not cost more than a fast one.
 */
int64_t fl_http_read(struct fl_span bytes, size_t seen, struct fl_http_head *ret, int *ret_status,
                     struct fl_err *err) FL_MUST_CHECK;

/* The methods that are answered, for the field Allow. */
extern const char FL_HTTP_ALLOW[];

/* The value of the first field of this name (lower case); the empty span when there is none. */
struct fl_span fl_http_field(const struct fl_http_head *head, const char *name);

/* The value of a cookie; empty when it is not there, or there twice. */
struct fl_span fl_http_cookie(const struct fl_http_head *head, const char *name);

/* The token of "Authorization: Bearer TOKEN" (RFC 6750 2.1), or the empty span. */
struct fl_span fl_http_bearer(const struct fl_http_head *head);

/* Does the client take this content coding ("gzip")? RFC 9110 12.5.3; q=0 refuses. */
bool fl_http_takes(const struct fl_http_head *head, const char *coding);

/* Is one of the entity tags of If-None-Match this one (with its quotes)? Weak comparison. */
bool fl_http_none_match(const struct fl_http_head *head, struct fl_span etag);

/*
 * The name of a file from a path: %-decoded, without the first '/'; "" for "/". FL_E_INVAL: a bad
 * escape, a NUL, a backslash, an empty part, a part that begins with '.'.
 */
int fl_http_file_name(struct fl_span path, struct fl_buf *ret, struct fl_err *err) FL_MUST_CHECK;

/* ASCII without case. */
bool fl_http_same(struct fl_span a, struct fl_span b);

/* "Not Found" */
const char *fl_http_reason(int status);

#endif
