#include "trust/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "codec/json.h"
#include "db/db.h"

enum {
    HASH_HEX = FL_AUDIT_HASH_BYTES * 2,
    DETAIL_MAX = 8192,
    TAIL_BYTES = 64 * 1024, /* more than the longest line */
    READ_BYTES = 256 * 1024
};

/* Every line ends with this, the hash in hex, and "}. */
static const char hash_key[] = ",\"hash\":\"";
enum { TAIL_LEN = sizeof hash_key - 1 + HASH_HEX + 2 };

struct fl_audit {
    int fd; /* owned; the file */
    struct fl_db *db;
    unsigned char key[FL_AUDIT_KEY_BYTES];
    uint64_t bytes; /* whole lines */
    uint64_t last;  /* number of the last entry */
    unsigned char hash[FL_AUDIT_HASH_BYTES];
    bool broken;
};

/* ---- lines ---- */

static void hex_of(const unsigned char *bytes, size_t len, char *ret)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

/* SHA-256 of the hash before and of the line up to where its own hash stands. */
static void chain(const unsigned char *before, struct fl_span line, unsigned char *ret)
{
    crypto_hash_sha256_state state;

    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, before, FL_AUDIT_HASH_BYTES);
    (void)crypto_hash_sha256_update(&state, line.ptr, line.len);
    (void)crypto_hash_sha256_final(&state, ret);
}

static bool unhex(const unsigned char *hex, unsigned char *ret)
{
    size_t n = 0;

    return sodium_hex2bin(ret, FL_AUDIT_HASH_BYTES, (const char *)hex, HASH_HEX, NULL, &n, NULL) ==
               0 &&
           n == FL_AUDIT_HASH_BYTES;
}

struct line {
    uint64_t number;
    int64_t at_us;
    struct fl_span body; /* what is hashed */
    unsigned char hash[FL_AUDIT_HASH_BYTES];
};

/* {"n":NUMBER,"at":"TIME", ... ,"hash":"HEX"} without its newline. */
static bool parse_line(struct fl_span text, struct line *ret)
{
    static const char head[] = "{\"n\":", at[] = ",\"at\":\"";
    const unsigned char *digits, *comma, *tail, *quote;
    struct line line = {0};

    if (text.len < sizeof head + sizeof at + TAIL_LEN || text.len > FL_AUDIT_LINE_MAX ||
        memcmp(text.ptr, head, sizeof head - 1) != 0)
        return false;
    tail = text.ptr + text.len - TAIL_LEN;
    if (memcmp(tail, hash_key, sizeof hash_key - 1) != 0 ||
        memcmp(text.ptr + text.len - 2, "\"}", 2) != 0 ||
        !unhex(tail + sizeof hash_key - 1, line.hash))
        return false;
    digits = text.ptr + sizeof head - 1;
    comma = memchr(digits, ',', (size_t)(tail - digits));
    if (comma == NULL || tail - comma < (ptrdiff_t)sizeof at ||
        memcmp(comma, at, sizeof at - 1) != 0 ||
        !fl_span_u64(fl_span_of(digits, (size_t)(comma - digits)), &line.number))
        return false;
    quote = memchr(comma + sizeof at - 1, '"', (size_t)(tail - comma) - (sizeof at - 1));
    if (quote == NULL ||
        !fl_time_parse(fl_span_of(comma + sizeof at - 1, (size_t)(quote - comma) - (sizeof at - 1)),
                       &line.at_us))
        return false;
    line.body = fl_span_of(text.ptr, (size_t)(tail - text.ptr));
    *ret = line;
    return true;
}

/* ---- opening ---- */

/* The last whole line of the file; *ret_end is where it ends, newline included. */
static int find_last(int fd, uint64_t size, struct fl_buf *tail, uint64_t *ret_end,
                     struct fl_span *ret_line, struct fl_err *err)
{
    size_t len = size < TAIL_BYTES ? (size_t)size : TAIL_BYTES;
    const unsigned char *end, *begin;
    void *at = fl_buf_reserve(tail, len + 1);
    ssize_t n;

    if (at == NULL)
        return fl_buf_status(tail, err);
    n = fl_fd_pread_all(fd, at, len, (int64_t)(size - len), err);
    if (n < 0)
        return (int)n;
    tail->len = (size_t)n;
    end = memrchr(tail->ptr, '\n', tail->len);
    if (end == NULL && size > FL_AUDIT_LINE_MAX)
        return fl_err_set(err, FL_E_CORRUPT, "its end is not an event log");
    if (end == NULL) {
        *ret_end = 0;
        *ret_line = fl_span_of(NULL, 0);
        return FL_OK;
    }
    begin = memrchr(tail->ptr, '\n', (size_t)(end - tail->ptr));
    begin = begin == NULL ? tail->ptr : begin + 1;
    *ret_end = size - len + (uint64_t)(end - tail->ptr) + 1;
    *ret_line = fl_span_of(begin, (size_t)(end - begin));
    return FL_OK;
}

static int cut(struct fl_audit *a, uint64_t bytes, struct fl_err *err)
{
    if (ftruncate(a->fd, (off_t)bytes) < 0 || fdatasync(a->fd) < 0) {
        a->broken = true;
        return fl_err_sys(err, FL_E_IO, errno, "cut off an unfinished line");
    }
    return FL_OK;
}

/* *ret_torn: bytes of an unfinished line that were cut off. */
static int load(struct fl_audit *a, uint64_t *ret_torn, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf tail;
    struct fl_span text = {0};
    struct line line;
    struct stat st;
    int r;

    fl_buf_init(&tail, TAIL_BYTES + 1);
    if (fstat(a->fd, &st) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "its size");
    r = find_last(a->fd, (uint64_t)st.st_size, &tail, &a->bytes, &text, err);
    if (r < 0)
        return r;
    if (text.ptr != NULL) {
        if (!parse_line(text, &line))
            return fl_err_set(err, FL_E_CORRUPT, "its last line is not an entry");
        a->last = line.number;
        memcpy(a->hash, line.hash, sizeof a->hash);
    }
    *ret_torn = (uint64_t)st.st_size - a->bytes;
    return *ret_torn == 0 ? FL_OK : cut(a, a->bytes, err);
}

static int open_file(struct fl_audit *a, int dir_fd, const char *name, uint64_t *ret_torn,
                     struct fl_err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int r = fl_file_open(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &a->fd, err);

    if (r < 0)
        return r;
    if (fcntl(a->fd, F_OFD_SETLK, &whole) < 0)
        return fl_err_set(err, FL_E_EXISTS, "another process writes it");
    r = fl_dir_sync(dir_fd, name, err);
    return r < 0 ? r : load(a, ret_torn, err);
}

static int record_repair(struct fl_audit *a, uint64_t torn, int64_t now_us, struct fl_err *err)
{
    char detail[64];
    struct fl_audit_event event = {.at_us = now_us,
                                   .event = FL_SPAN("audit.repaired"),
                                   .actor = FL_SPAN("role:core"),
                                   .object = FL_SPAN(FL_AUDIT_FILE)};

    (void)snprintf(detail, sizeof detail, "{\"bytes_cut\":%" PRIu64 "}", torn);
    event.detail = fl_span_str(detail);
    return fl_audit_record(a, &event, NULL, err);
}

int fl_audit_open(int dir_fd, const char *name, struct fl_db *db, const unsigned char *actor_key,
                  int64_t now_us, struct fl_audit **ret, struct fl_err *err)
{
    struct fl_audit *a = calloc(1, sizeof *a);
    struct fl_err cause;
    uint64_t torn = 0;
    int r;

    if (a == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    a->fd = -1;
    a->db = db;
    memcpy(a->key, actor_key, sizeof a->key);
    r = open_file(a, dir_fd, name, &torn, &cause);
    if (r == 0 && torn > 0)
        r = record_repair(a, torn, now_us, &cause);
    if (r < 0) {
        fl_audit_close(a);
        return fl_err_set(err, r, "event log %s: %s", name, cause.text);
    }
    *ret = a;
    return FL_OK;
}

void fl_audit_close(struct fl_audit *a)
{
    if (a == NULL)
        return;
    fl_fd_close(&a->fd);
    explicit_bzero(a, sizeof *a);
    free(a);
}

/* ---- writing ---- */

void fl_audit_actor(const struct fl_audit *a, struct fl_span clear, char *ret)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];

    (void)crypto_auth_hmacsha256(mac, clear.ptr, clear.len, a->key);
    memcpy(ret, "a-", 2);
    hex_of(mac, 8, ret + 2);
}

/* A JSON object goes in compact, anything else as a text in one. */
static int put_detail(struct fl_buf *out, struct fl_span detail, struct fl_err *err)
{
    json_t *json;
    char *text;

    if (detail.len > DETAIL_MAX)
        return fl_err_set(err, FL_E_LIMIT, "the detail of an event has at most %d bytes",
                          DETAIL_MAX);
    json = json_loadb((const char *)detail.ptr, detail.len, JSON_REJECT_DUPLICATES, NULL);
    fl_buf_put_str(out, ",\"detail\":");
    if (!json_is_object(json)) {
        struct fl_json j;

        json_decref(json);
        fl_json_init(&j, out);
        fl_json_object(&j, NULL);
        fl_json_str(&j, "text", detail);
        fl_json_end(&j);
        return FL_OK;
    }
    text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(json);
    if (text == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    fl_buf_put_str(out, text);
    free(text);
    return FL_OK;
}

static int build(const struct fl_audit *a, const struct fl_audit_event *e, const char *actor,
                 struct fl_buf *out, unsigned char *ret_hash, struct fl_err *err)
{
    char hex[HASH_HEX + 1];
    struct fl_json j;
    int r = FL_OK;

    fl_json_init(&j, out);
    fl_json_object(&j, NULL);
    fl_json_u64(&j, "n", a->last + 1);
    fl_json_time(&j, "at", e->at_us);
    fl_json_str(&j, "event", e->event);
    fl_json_str(&j, "tenant", e->tenant);
    fl_json_text(&j, "actor", actor);
    fl_json_str(&j, "object", e->object);
    if (e->detail.len > 0)
        r = put_detail(out, e->detail, err);
    if (r == 0)
        r = fl_buf_status(out, err);
    if (r < 0)
        return r;
    chain(a->hash, fl_buf_span(out), ret_hash);
    hex_of(ret_hash, FL_AUDIT_HASH_BYTES, hex);
    fl_buf_printf(out, "%s%s\"}\n", hash_key, hex);
    return fl_buf_status(out, err);
}

static int append(struct fl_audit *a, struct fl_span line, struct fl_err *err)
{
    struct fl_err aside;
    int r = fl_fd_pwrite_all(a->fd, line.ptr, line.len, (int64_t)a->bytes, err);

    if (r < 0) {
        (void)!cut(a, a->bytes, &aside);
        return r;
    }
    if (fdatasync(a->fd) < 0) {
        a->broken = true; /* the kernel may have dropped the pages: nothing is known any more */
        return fl_err_sys(err, FL_E_IO, errno, "sync");
    }
    return FL_OK;
}

static int record(struct fl_audit *a, const struct fl_audit_event *e, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf line;
    unsigned char hash[FL_AUDIT_HASH_BYTES];
    char actor[FL_AUDIT_ACTOR_MAX], clear[FL_DB_CLEAR_MAX + 1];
    int r = FL_OK;

    fl_buf_init(&line, FL_AUDIT_LINE_MAX);
    if (a->broken)
        return fl_err_set(err, FL_E_IO, "it failed earlier; core must be restarted");
    if (e->event.len == 0 || e->actor.len == 0 || e->actor.len > FL_DB_CLEAR_MAX)
        return fl_err_set(err, FL_E_INVAL, "an event has a name and an actor of 1 to %u bytes",
                          FL_DB_CLEAR_MAX);
    fl_audit_actor(a, e->actor, actor);
    (void)snprintf(clear, sizeof clear, "%.*s", FL_SPAN_ARG(e->actor));
    if (a->db != NULL)
        r = fl_db_actor_note(a->db, actor, clear, e->at_us, err);
    if (r == 0)
        r = build(a, e, actor, &line, hash, err);
    if (r == 0)
        r = append(a, fl_buf_span(&line), err);
    if (r < 0)
        return r;
    a->bytes += line.len;
    a->last++;
    memcpy(a->hash, hash, sizeof a->hash);
    return FL_OK;
}

int fl_audit_record(struct fl_audit *a, const struct fl_audit_event *event, uint64_t *ret_number,
                    struct fl_err *err)
{
    struct fl_err cause;
    int r = record(a, event, &cause);

    if (r < 0)
        return fl_err_set(err, r, "event log: %s", cause.text);
    if (ret_number != NULL)
        *ret_number = a->last;
    return FL_OK;
}

uint64_t fl_audit_last(const struct fl_audit *a, unsigned char ret_hash[FL_AUDIT_HASH_BYTES])
{
    memcpy(ret_hash, a->hash, FL_AUDIT_HASH_BYTES);
    return a->last;
}

/* ---- reading ---- */

/* Lines of a file from an offset on, one by one. */
struct lines {
    int fd;
    uint64_t at;  /* offset of buf's first byte */
    uint64_t end; /* of the whole lines, or UINT64_MAX */
    struct fl_buf buf;
    size_t used; /* bytes of buf that were given out */
    bool eof;
};

static int lines_fill(struct lines *l, struct fl_err *err)
{
    size_t want = READ_BYTES - (l->buf.len - l->used);
    uint64_t from;
    void *at;
    ssize_t n;

    fl_buf_consume(&l->buf, l->used);
    l->at += l->used;
    l->used = 0;
    from = l->at + l->buf.len;
    if (l->end - from < want)
        want = (size_t)(l->end - from);
    at = fl_buf_reserve(&l->buf, want);
    if (at == NULL)
        return fl_buf_status(&l->buf, err);
    n = fl_fd_pread_all(l->fd, at, want, (int64_t)from, err);
    if (n < 0)
        return (int)n;
    l->buf.len += (size_t)n;
    l->eof = (size_t)n < want || from + (size_t)n == l->end;
    return FL_OK;
}

/* 1: a line without its newline; 0: the end. FL_E_CORRUPT: a line over the limit. */
static int lines_next(struct lines *l, struct fl_span *ret, struct fl_err *err)
{
    for (;;) {
        struct fl_span rest = fl_span_of(l->buf.ptr + l->used, l->buf.len - l->used);
        const unsigned char *end = rest.len == 0 ? NULL : memchr(rest.ptr, '\n', rest.len);
        int r;

        if (end != NULL) {
            *ret = fl_span_of(rest.ptr, (size_t)(end - rest.ptr));
            l->used += ret->len + 1;
            return 1;
        }
        if (rest.len > FL_AUDIT_LINE_MAX)
            return fl_err_set(err, FL_E_CORRUPT, "a line is longer than %zu bytes",
                              FL_AUDIT_LINE_MAX);
        if (l->eof)
            return 0;
        r = lines_fill(l, err);
        if (r < 0)
            return r;
    }
}

static void lines_init(struct lines *l, int fd, uint64_t at, uint64_t end)
{
    *l = (struct lines){.fd = fd, .at = at, .end = end};
    fl_buf_init(&l->buf, READ_BYTES + FL_AUDIT_LINE_MAX);
}

/* The number of the first line that begins behind offset `at`, and where it begins; false: none. */
static bool first_behind(const struct fl_audit *a, uint64_t at, uint64_t *ret_begin,
                         uint64_t *ret_number)
{
    struct fl_span text = {0};
    struct line line;
    struct lines l;
    int r = 1;

    lines_init(&l, a->fd, at, a->bytes);
    if (at > 0)
        r = lines_next(&l, &text, NULL); /* the rest of the line in which `at` falls */
    *ret_begin = l.at + l.used;
    if (r > 0)
        r = lines_next(&l, &text, NULL);
    if (r > 0 && parse_line(text, &line))
        *ret_number = line.number;
    else
        r = 0;
    fl_buf_done(&l.buf);
    return r > 0;
}

/* Numbers grow with offsets: halve until the gap is a few lines. */
static uint64_t find_after(const struct fl_audit *a, uint64_t after)
{
    uint64_t low = 0, high = a->bytes;

    if (after == 0)
        return 0;
    while (high - low > 2 * FL_AUDIT_LINE_MAX) {
        uint64_t mid = low + (high - low) / 2, begin, number;

        if (!first_behind(a, mid, &begin, &number) || number > after)
            high = mid;
        else
            low = begin;
    }
    return low;
}

int fl_audit_read(const struct fl_audit *a, uint64_t after, uint32_t limit,
                  int (*fn)(void *ctx, uint64_t number, struct fl_span line), void *ctx,
                  uint64_t *ret_next, struct fl_err *err)
{
    uint64_t last = after;
    struct fl_span text = {0};
    struct lines l;
    uint32_t given = 0;
    int r;

    *ret_next = 0;
    lines_init(&l, a->fd, find_after(a, after), a->bytes);
    while ((r = lines_next(&l, &text, err)) > 0) {
        struct line line;

        if (!parse_line(text, &line)) {
            r = fl_err_set(err, FL_E_CORRUPT,
                           "event log: the line behind entry %" PRIu64 " is not one", last);
            break;
        }
        last = line.number;
        if (line.number <= after)
            continue;
        if (limit != 0 && given == limit) {
            *ret_next = last - 1;
            break;
        }
        given++;
        r = fn(ctx, line.number, text);
        if (r < 0)
            break;
    }
    fl_buf_done(&l.buf);
    return r < 0 ? r : FL_OK;
}

/* ---- checking ---- */

static int check_line(struct fl_audit_verdict *v, struct fl_span text, struct fl_err *err)
{
    unsigned char want[FL_AUDIT_HASH_BYTES];
    struct line line;
    uint64_t at = v->entries + 1;

    if (!parse_line(text, &line))
        return fl_err_set(err, FL_E_CORRUPT, "line %" PRIu64 " is not an entry", at);
    if (line.number != at)
        return fl_err_set(err, FL_E_CORRUPT,
                          "line %" PRIu64 " has the number %" PRIu64
                          ": entries are missing, or were put in",
                          at, line.number);
    chain(v->last_hash, line.body, want);
    if (memcmp(want, line.hash, sizeof want) != 0)
        return fl_err_set(err, FL_E_CORRUPT,
                          "entry %" PRIu64 " was changed, or one before it: its hash does not fit",
                          at);
    if (v->entries == 0)
        v->first_us = line.at_us;
    v->entries = at;
    v->last_us = line.at_us;
    memcpy(v->last_hash, line.hash, sizeof v->last_hash);
    return FL_OK;
}

int fl_audit_verify(int fd, struct fl_audit_verdict *ret, struct fl_err *err)
{
    struct fl_audit_verdict v = {0};
    struct fl_span text = {0};
    struct lines l;
    int r;

    lines_init(&l, fd, 0, UINT64_MAX);
    while ((r = lines_next(&l, &text, err)) > 0) {
        r = check_line(&v, text, err);
        if (r < 0)
            break;
    }
    v.torn = r == 0 && l.used < l.buf.len;
    fl_buf_done(&l.buf);
    *ret = v;
    return r < 0 ? r : FL_OK;
}
