#include "codec/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_BYTES = 64, /* behind the longest message: enough to see what follows it */
    DIGITS_MAX = 20, /* longer runs are no count */
    BSD_DATE_BYTES = 15,
    BLANKS_MAX = 8,       /* between a count and its message; more is text */
    LOOK_BACK_BYTES = 48, /* what a strong start may have between it and the text before */
    SKIP_HOLD_BYTES = LOOK_BYTES + LOOK_BACK_BYTES,
    KEEP_STEP = 256,  /* own memory grows by */
    KEEP_BYTES = 4096 /* and stays up to this size when nothing is in it */
};
_Static_assert((int)SKIP_HOLD_BYTES <= (int)FL_FRAME_LEND_MORE,
               "what waits fits before a lent buffer");

/* Yes, no, or more bytes are needed to tell. */
enum answer { NO, YES, MORE };

enum state {
    START,   /* buf[head] begins a message or what stands before it */
    COUNTED, /* buf[head] begins a message of `count` bytes, if the count is right */
    OPEN,    /* buf[head] begins a message that ends at a newline or a strong start */
    SKIP     /* buf[head] continues a message whose front was handed out */
};

/* Invariant: head <= tail; buf[head..tail) is received and neither handed out nor dropped. Once
 * fl_frame_next() has given 0 it is at most cap bytes. */
struct fl_frame {
    unsigned char *buf; /* own, or lent */
    unsigned char *own; /* NULL: none */
    size_t own_cap;
    size_t max_bytes;
    size_t cap; /* max_bytes + SKIP_HOLD_BYTES */
    size_t head;
    size_t tail;
    enum state state;
    uint64_t
        count;   /* COUNTED: bytes of the message; OPEN, SKIP: with over, those not yet dropped */
    size_t scan; /* OPEN, SKIP: buf[head..head + scan) holds no end */
    size_t quote_scan; /* buf[head..head + quote_scan) was looked at for quotes: */
    bool quoted;       /* ... and ends inside a quoted value */
    bool over;         /* the count is over max_bytes, and newlines do not end the message */
    bool had_count;    /* the present message has a count, believed or not */
    bool counting;     /* the message before had one */
    bool repaired;     /* the framing of the present message is wrong */
    bool finished;
    struct fl_frame_stats stats;
};

/* What is in it stays. */
static bool own_grow(struct fl_frame *dec, size_t cap)
{
    bool inside = dec->buf == dec->own;
    unsigned char *own;

    if (cap <= dec->own_cap)
        return true;
    cap = (cap + KEEP_STEP - 1) / KEEP_STEP * KEEP_STEP;
    own = realloc(dec->own, cap);
    if (own == NULL)
        return false;
    dec->own = own;
    dec->own_cap = cap;
    if (inside)
        dec->buf = own;
    return true;
}

int fl_frame_new(size_t max_bytes, struct fl_frame **ret_dec, struct fl_err *err)
{
    struct fl_frame *dec;

    if (max_bytes == 0 || max_bytes > FL_FRAME_MAX_BYTES)
        return fl_err_set(err, FL_E_INVAL, "frame limit of %zu bytes is not in 1..%zu", max_bytes,
                          FL_FRAME_MAX_BYTES);
    dec = malloc(sizeof *dec);
    if (dec == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a frame of %zu bytes", max_bytes);
    *dec = (struct fl_frame){.max_bytes = max_bytes, .cap = max_bytes + SKIP_HOLD_BYTES};
    *ret_dec = dec;
    return FL_OK;
}

void fl_frame_free(struct fl_frame *dec)
{
    if (dec == NULL)
        return;
    free(dec->own);
    free(dec);
}

size_t fl_frame_feed(struct fl_frame *dec, const void *data, size_t n)
{
    if (dec->own_cap < dec->cap || dec->buf != dec->own) {
        if (fl_frame_keep(dec, NULL) < 0 || !own_grow(dec, dec->cap))
            return 0;
    }
    if (dec->head > 0) {
        dec->tail -= dec->head;
        memmove(dec->buf, dec->buf + dec->head, dec->tail);
        dec->head = 0;
    }
    if (n > dec->cap - dec->tail)
        n = dec->cap > dec->tail ? dec->cap - dec->tail : 0;
    if (n > 0) { /* data may be NULL when n is 0 */
        memcpy(dec->buf + dec->tail, data, n);
        dec->finished = false;
    }
    dec->tail += n;
    return n;
}

void fl_frame_lend(struct fl_frame *dec, unsigned char *data, size_t n)
{
    size_t left = dec->tail - dec->head;

    assert(left <= dec->cap); /* fl_frame_next() gave 0 */
    if (left > 0)
        memmove(data - left, dec->buf + dec->head, left);
    dec->buf = data - left;
    dec->head = 0;
    dec->tail = left + n;
    if (n > 0)
        dec->finished = false;
}

int fl_frame_keep(struct fl_frame *dec, struct fl_err *err)
{
    size_t left = dec->tail - dec->head;

    if (left <= KEEP_BYTES && dec->own_cap > KEEP_BYTES && (left == 0 || dec->buf != dec->own)) {
        if (dec->buf == dec->own)
            dec->buf = NULL;
        free(dec->own);
        dec->own = NULL;
        dec->own_cap = 0;
    }
    if (left > 0 && dec->buf != dec->own) {
        if (!own_grow(dec, left)) {
            dec->buf = dec->own; /* what was lent ends here */
            dec->head = dec->tail = 0;
            return fl_err_set(err, FL_E_NOMEM, "no memory for %zu bytes of a message", left);
        }
        memcpy(dec->own, dec->buf + dec->head, left);
    } else if (left > 0) {
        return FL_OK;
    }
    dec->buf = dec->own;
    dec->head = 0;
    dec->tail = left;
    return FL_OK;
}

void fl_frame_finish(struct fl_frame *dec)
{
    dec->finished = true;
}

size_t fl_frame_waiting(const struct fl_frame *dec)
{
    return dec->tail - dec->head;
}

const struct fl_frame_stats *fl_frame_stats(const struct fl_frame *dec)
{
    return &dec->stats;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* "<" 1*3DIGIT ">" at p; *ret_len is its length. */
static enum answer is_pri(const unsigned char *p, size_t have, size_t *ret_len)
{
    size_t i = 1;

    if (have == 0)
        return MORE;
    if (p[0] != '<')
        return NO;
    while (i < have && i < 4 && is_digit(p[i]))
        i++;
    if (i == have)
        return MORE;
    if (i == 1 || p[i] != '>')
        return NO;
    *ret_len = i + 1;
    return YES;
}

static enum answer is_text(const unsigned char *p, size_t have, const char *text)
{
    size_t len = strlen(text);

    if (memcmp(p, text, have < len ? have : len) != 0)
        return NO;
    return have < len ? MORE : YES;
}

/* RFC 5424 VERSION, a blank, and the first byte of a time. */
static enum answer is_version(const unsigned char *p, size_t have)
{
    size_t i = 0;

    while (i < have && i < 3 && is_digit(p[i]))
        i++;
    if (i == have)
        return MORE;
    if (i == 0 || p[0] == '0' || p[i] != ' ')
        return NO;
    if (i + 1 == have)
        return MORE;
    if (is_digit(p[i + 1]))
        return YES;
    if (p[i + 1] != '-')
        return NO;
    if (i + 2 == have)
        return MORE;
    return p[i + 2] == ' ' ? YES : NO;
}

static enum answer is_year(const unsigned char *p, size_t have)
{
    for (size_t i = 0; i < 4; i++) {
        if (i == have)
            return MORE;
        if (!is_digit(p[i]))
            return NO;
    }
    return have == 4 ? MORE : p[4] == '-' ? YES : NO;
}

/* "<PRI>" with the front of a header that devices send behind it. */
static enum answer is_strong_start(const unsigned char *p, size_t have)
{
    static const char *const fronts[] = {"Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ", "Jul ",
                                         "Aug ", "Sep ", "Oct ", "Nov ", "Dec ", "CEF:", "date="};
    size_t len;
    enum answer a = is_pri(p, have, &len), best = NO;

    if (a != YES)
        return a;
    p += len;
    have -= len;
    if (have == 0)
        return MORE;
    a = is_version(p, have);
    best = a != NO ? a : is_year(p, have);
    for (size_t i = 0; i < FL_LEN(fronts) && best == NO; i++)
        best = is_text(p, have, fronts[i]);
    return best;
}

/* What stands before "<PRI>" or "CEF:" at the start of a message. */
struct prefix {
    size_t len;     /* bytes before the message */
    size_t digits;  /* how many of them are digits */
    size_t blanks;  /* before the digits */
    size_t gap;     /* blanks behind the digits */
    uint64_t count; /* value of the digits, at most UINT64_MAX / 10 */
};

static enum answer read_prefix(const unsigned char *p, size_t have, struct prefix *ret)
{
    struct prefix f = {0};
    size_t i = 0, pri;

    for (; i < have && p[i] == ' ' && i < BLANKS_MAX; i++)
        f.blanks++;
    for (; i < have && is_digit(p[i]) && f.digits < DIGITS_MAX; i++, f.digits++)
        f.count = f.count > UINT64_MAX / 100 ? UINT64_MAX / 10 : f.count * 10 + (p[i] - '0');
    for (; i < have && p[i] == ' ' && f.digits > 0 && f.gap < BLANKS_MAX; i++)
        f.gap++;
    f.len = i;
    *ret = f;
    if (i == have)
        return MORE;
    if (p[i] == 'C' && f.digits > 0 && f.gap == 1)
        return is_text(p + i, have - i, "CEF:");
    return is_pri(p + i, have - i, &pri);
}

static void begin_open(struct fl_frame *dec, bool had_count)
{
    dec->state = OPEN;
    dec->scan = 0;
    dec->quote_scan = 0;
    dec->quoted = false;
    dec->over = false;
    dec->had_count = had_count;
}

static void begin_counted(struct fl_frame *dec, uint64_t count)
{
    begin_open(dec, true);
    dec->count = count;
    if (count == 0)
        dec->repaired = true;
    else if (count <= dec->max_bytes)
        dec->state = COUNTED;
    else
        dec->over = true;
}

/* Drop newlines. False when a CR at the end may be the first half of one. */
static bool skip_newlines(struct fl_frame *dec)
{
    while (dec->head < dec->tail) {
        const unsigned char *p = dec->buf + dec->head;
        size_t have = dec->tail - dec->head;

        if (p[0] == '\n') {
            dec->head++;
        } else if (p[0] == '\r' && have > 1 && p[1] == '\n') {
            dec->head += 2;
        } else {
            return p[0] != '\r' || have > 1 || dec->finished;
        }
    }
    return false;
}

static bool is_newline(const unsigned char *p, size_t have)
{
    return have > 0 && (p[0] == '\n' || (p[0] == '\r' && have > 1 && p[1] == '\n'));
}

/* Find out how the message at buf[head] is framed. False when more bytes are needed. */
static bool start(struct fl_frame *dec)
{
    struct prefix f;
    const unsigned char *p;
    size_t have;
    enum answer a;

    if (!skip_newlines(dec))
        return false;
    p = dec->buf + dec->head;
    have = dec->tail - dec->head;
    a = read_prefix(p, have, &f);
    if (a == MORE && !dec->finished)
        return false;
    if (a == YES && f.len > 0) {
        dec->head += f.len;
        if (f.blanks == 0 && f.digits > 0 && f.gap == 1) {
            begin_counted(dec, f.count);
        } else {
            dec->repaired = true;
            begin_open(dec, f.digits > 0);
        }
        return true;
    }
    if (a == NO && p[f.len] == '\r' && f.len + 1 == have && !dec->finished)
        return false;
    if (dec->counting && f.digits > 0 && f.blanks + f.gap == 0 &&
        (f.len == have || is_newline(p + f.len, have - f.len))) {
        dec->head += f.len; /* a count whose other half came apart from it, or never */
        if (f.len == have)
            dec->stats.repaired++; /* the end: no message is left to carry the mark */
        else
            dec->repaired = true;
        return true;
    }
    dec->repaired = dec->repaired || dec->counting;
    begin_open(dec, false);
    return true;
}

/* Hand out len bytes, drop skip more. */
static int yield(struct fl_frame *dec, size_t len, size_t skip, bool truncated,
                 struct fl_frame_msg *ret_msg)
{
    *ret_msg = (struct fl_frame_msg){
        .bytes = fl_span_of(dec->buf + dec->head, len),
        .repaired = dec->repaired,
        .truncated = truncated,
    };
    dec->stats.messages++;
    dec->stats.repaired += dec->repaired ? 1 : 0;
    dec->stats.truncated += truncated ? 1 : 0;
    dec->head += len + skip;
    dec->state = START;
    dec->repaired = false;
    return 1;
}

/* Where a message stands after n bytes. */
enum place {
    IN_HEADER, /* RFC 5424, and structured data has not begun or not ended */
    IN_TEXT,   /* behind it, or no RFC 5424 */
    IN_NEXT    /* RFC 5424, and a count or "<" stands at its last bracket: the next has begun */
};

/* The byte behind the brackets that begin at p[i]; n when they do not end. */
static size_t skip_brackets(const unsigned char *p, size_t i, size_t n)
{
    bool quoted = false;

    for (; i < n; i++) {
        if (quoted && p[i] == '\\')
            i++;
        else if (p[i] == '"')
            quoted = !quoted && p[i - 1] == '=';
        else if (!quoted && p[i] == ']' && (i + 1 == n || p[i + 1] != '['))
            return i + 1;
    }
    return n + 1;
}

/* The same for RFC 3164: a date that is not whole, or a quoted value that is not closed. */
static enum place place_of_bsd(const unsigned char *p, size_t pri, size_t n)
{
    bool quoted = false;

    if (n < pri + BSD_DATE_BYTES && is_strong_start(p, n) != NO)
        return IN_HEADER;
    for (size_t i = pri; i < n; i++) {
        if (quoted && p[i] == '\\')
            i++;
        else if (p[i] == '"')
            quoted = !quoted && p[i - 1] == '=';
    }
    return quoted ? IN_HEADER : IN_TEXT;
}

static enum place place_of(const unsigned char *p, size_t n)
{
    size_t i, blanks = 0, pri;

    if (is_pri(p, n, &pri) != YES)
        return n < 5 ? IN_HEADER : IN_TEXT;
    if (pri == n)
        return IN_HEADER;
    if (is_version(p + pri, n - pri) == NO)
        return place_of_bsd(p, pri, n);
    for (i = pri; i < n && blanks < 6; i++) {
        if (p[i] == '[' && p[i - 1] == ' ')
            break;
        blanks += p[i] == ' ' ? 1 : 0;
    }
    if (i == n)
        return IN_HEADER;
    if (p[i] != '[')
        return IN_TEXT;
    i = skip_brackets(p, i, n);
    if (i > n)
        return IN_HEADER;
    if (i == n)
        return IN_TEXT;
    for (pri = i; i < n && is_digit(p[i]); i++)
        ;
    if (i > pri && i < n && p[i] == ' ')
        i++;
    return i == n || p[i] == '<' ? IN_NEXT : IN_TEXT;
}

/* A cheap yes for the usual end of a structured message: `"]`. */
static bool ends_structured(const unsigned char *p, size_t n)
{
    return n > 3 && p[n - 1] == ']' && p[n - 2] == '"' && p[n - 3] != '\\' && p[n - 3] != '=';
}

/* What follows the counted bytes. */
enum next {
    NEXT_NONE, /* nothing, or not enough to tell */
    NEXT_ODD,  /* a newline, or a start with a stray count or blank before it */
    NEXT_GOOD, /* a whole count or "<PRI>" */
    NEXT_BAD   /* text: the message goes on */
};

static enum next what_follows(const unsigned char *p, size_t have)
{
    bool newline = is_newline(p, have);
    struct prefix f;
    enum answer a;

    if (newline) {
        size_t len = p[0] == '\r' ? 2 : 1;

        p += len;
        have -= len;
    }
    if (have == 0)
        return NEXT_NONE;
    if (p[0] == '\r')
        return have == 1 ? NEXT_NONE : NEXT_ODD;
    a = read_prefix(p, have, &f);
    if (a == MORE)
        return NEXT_NONE;
    if (a == YES)
        return f.len == 0 || (f.blanks == 0 && f.gap == 1) ? NEXT_GOOD : NEXT_ODD;
    if (f.digits > 0 && f.blanks + f.gap == 0 && (p[f.len] == '\n' || p[f.len] == '\r'))
        return NEXT_ODD;
    return newline ? NEXT_ODD : NEXT_BAD;
}

/* Is the count right? Looks at what follows it, and at the message where that does not tell. */
static enum answer believe(const struct fl_frame *dec, const unsigned char *p, size_t have)
{
    size_t n = (size_t)dec->count;
    enum next next = what_follows(p + n, have - n);

    if (next == NEXT_BAD)
        return NO;
    if (ends_structured(p, n))
        return YES;
    switch (place_of(p, n)) {
    case IN_TEXT:
        return YES;
    case IN_NEXT:
        return next == NEXT_NONE ? MORE : NO;
    case IN_HEADER:
        break;
    }
    return next == NEXT_NONE ? MORE : next == NEXT_GOOD ? YES : NO;
}

static size_t without_newline(const unsigned char *p, size_t n)
{
    if (n > 1 && p[n - 1] == '\n')
        n -= n > 2 && p[n - 2] == '\r' ? 2 : 1;
    return n;
}

/* 1 with a message, 0 when more bytes are needed, -1 when the state has changed. */
static int counted(struct fl_frame *dec, struct fl_frame_msg *ret_msg)
{
    const unsigned char *p = dec->buf + dec->head;
    size_t have = dec->tail - dec->head, n = (size_t)dec->count, len;
    enum answer a = have < n ? MORE : believe(dec, p, have);

    if (a == MORE && !dec->finished)
        return 0;
    if (a == NO || have < n) {
        dec->repaired = true;
        begin_open(dec, true);
        return -1;
    }
    dec->counting = true;
    len = without_newline(p, n);
    return yield(dec, len, n - len, false, ret_msg);
}

/* Follow quotes up to p[upto]: a quoted value begins at `="` and ends at a `"` without backslash.
 */
static void scan_quotes(struct fl_frame *dec, const unsigned char *p, size_t upto)
{
    size_t i = dec->quote_scan;

    for (; i < upto; i++) {
        if (dec->quoted && p[i] == '\\')
            i++;
        else if (p[i] == '"')
            dec->quoted = !dec->quoted && i > 0 && p[i - 1] == '=';
    }
    dec->quote_scan = i;
}

/* Where the message before a strong start at p[at] ends; 0 when it is not a start after all. */
static size_t cut_before(const struct fl_frame *dec, const unsigned char *p, size_t at)
{
    size_t least = at > LOOK_BACK_BYTES ? at - LOOK_BACK_BYTES : 0, i = at, digits;

    while (i > least && p[i - 1] == ' ')
        i--;
    digits = i;
    while (digits > least && is_digit(p[digits - 1]))
        digits--;
    if (digits > 0 && (p[digits - 1] == ']' || p[digits - 1] == '\n'))
        return digits; /* the digits, if any, are a count; blanks go with them */
    if (i == at || (dec->counting && digits < i))
        return at;
    return 0;
}

struct end {
    size_t len;  /* of the message */
    size_t skip; /* framing behind it */
};

/* Look for the end of the message at buf[head] in its first `limit` bytes. */
static enum answer find_end(struct fl_frame *dec, size_t limit, struct end *ret)
{
    const unsigned char *p = dec->buf + dec->head, *hit;
    size_t have = dec->tail - dec->head, stop = limit < have ? limit : have, i = dec->scan, cut;
    bool newline = false;

    if (!dec->over && i < stop && (hit = memchr(p + i, '\n', stop - i)) != NULL) {
        stop = (size_t)(hit - p);
        newline = true;
    }
    for (i = i == 0 ? 1 : i; i < stop && (hit = memchr(p + i, '<', stop - i)) != NULL; i++) {
        enum answer a;

        i = (size_t)(hit - p);
        scan_quotes(dec, p, i);
        if (dec->quoted || dec->quote_scan > i)
            continue;
        a = is_strong_start(hit, have - i);
        if (a == MORE && !dec->finished) {
            dec->scan = i;
            return MORE;
        }
        cut = a == YES ? cut_before(dec, p, i) : 0;
        if (cut > 0) {
            *ret = (struct end){cut, 0};
            dec->repaired = true;
            return YES;
        }
    }
    dec->scan = stop;
    if (!newline)
        return NO;
    *ret = (struct end){stop, 1};
    if (stop > 0 && p[stop - 1] == '\r')
        *ret = (struct end){stop - 1, 2};
    return YES;
}

/* The message continues, but is over the limit: hand out its front. */
static int cut_short(struct fl_frame *dec, struct fl_frame_msg *ret_msg)
{
    size_t len = dec->max_bytes;

    scan_quotes(dec, dec->buf + dec->head, len);
    dec->quote_scan -= len;
    dec->scan = dec->scan > len ? dec->scan - len : 0;
    if (dec->over)
        dec->count -= len;
    (void)yield(dec, len, 0, true, ret_msg);
    dec->state = SKIP;
    return 1;
}

/* 1 with a message, 0 when more bytes are needed, -1 when the state has changed. */
static int open_ended(struct fl_frame *dec, struct fl_frame_msg *ret_msg)
{
    size_t have = dec->tail - dec->head, len;
    struct end end;
    enum answer a = find_end(dec, dec->max_bytes + 1, &end);

    if (a == YES) {
        if (end.skip > 0 && !dec->over)
            dec->counting = dec->had_count;
        if (end.len == 0) { /* a lone CR before the newline */
            dec->head += end.skip;
            dec->state = START;
            return -1;
        }
        return yield(dec, end.len, end.skip, false, ret_msg);
    }
    if (have > dec->max_bytes && (a == NO || dec->scan > dec->max_bytes))
        return cut_short(dec, ret_msg);
    if (!dec->finished)
        return 0;
    if (dec->over)
        dec->repaired = true;
    len = without_newline(dec->buf + dec->head, have);
    return yield(dec, len, have - len, false, ret_msg);
}

static void drop(struct fl_frame *dec, size_t n)
{
    dec->stats.dropped_bytes += n;
    dec->head += n;
    dec->scan = dec->scan > n ? dec->scan - n : 0;
    dec->quote_scan = dec->quote_scan > n ? dec->quote_scan - n : 0;
    if (dec->over)
        dec->count -= n;
}

/* Drop the rest of a message whose front was handed out. False when more bytes are needed. */
static bool skip(struct fl_frame *dec)
{
    size_t have = dec->tail - dec->head, hold, limit = SIZE_MAX;
    struct end end;

    if (dec->over && dec->count <= have)
        limit = (size_t)dec->count;
    if (find_end(dec, limit, &end) == YES) {
        drop(dec, end.len);
        dec->head += end.skip;
    } else if (limit != SIZE_MAX) {
        drop(dec, limit);
        dec->counting = true;
    } else {
        hold = dec->finished ? 0 : LOOK_BACK_BYTES;
        if (have > hold) {
            scan_quotes(dec, dec->buf + dec->head, have - hold);
            drop(dec, have - hold - (hold > 0 ? 1 : 0)); /* one more, to see `="` whole */
        }
        if (!dec->finished)
            return false;
    }
    dec->state = START;
    return true;
}

int fl_frame_next(struct fl_frame *dec, struct fl_frame_msg *ret_msg)
{
    while (dec->head < dec->tail) {
        int r = -1;

        switch (dec->state) {
        case START:
            r = start(dec) ? -1 : 0;
            break;
        case COUNTED:
            r = counted(dec, ret_msg);
            break;
        case OPEN:
            r = open_ended(dec, ret_msg);
            break;
        case SKIP:
            r = skip(dec) ? -1 : 0;
            break;
        }
        if (r >= 0)
            return r;
    }
    return 0;
}
