#include "codec/syslog.h"

#include <string.h>

#include "base/time.h"
#include "codec/utf8.h"

enum { PRI_MAX = 191, TOKENS = 4 };

struct token {
    size_t from, to; /* from == to: absent */
};

struct head {
    struct token pri, time, host, host_again, program, procid, tag;
    struct fl_stamp stamp;
    int64_t us;
    bool has_time;   /* time was understood */
    bool structured; /* RFC 5424, or its fields without a version */
    size_t body;
};

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(unsigned char c)
{
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

static unsigned char at(struct fl_span line, size_t i) /* 0 behind the end */
{
    return i < line.len ? line.ptr[i] : 0;
}

static size_t skip_blanks(struct fl_span line, size_t i)
{
    while (i < line.len && line.ptr[i] == ' ')
        i++;
    return i;
}

static struct token read_token(struct fl_span line, size_t i)
{
    const unsigned char *blank;

    if (i >= line.len)
        return (struct token){line.len, line.len};
    blank = memchr(line.ptr + i, ' ', line.len - i);
    return (struct token){i, blank == NULL ? line.len : (size_t)(blank - line.ptr)};
}

static bool token_is(struct fl_span line, struct token t, struct fl_span text)
{
    return fl_span_eq(fl_span_of(line.ptr + t.from, t.to - t.from), text);
}

/* "<14>" at *i, which moves behind it. */
static bool read_pri(struct fl_span line, size_t *i, struct token *ret)
{
    size_t from = *i + 1, to = from;
    unsigned value = 0;

    while (to < from + 3 && is_digit(at(line, to)))
        value = value * 10 + at(line, to++) - '0';
    if (to == from || at(line, to) != '>' || value > PRI_MAX)
        return false;
    *ret = (struct token){from, to};
    *i = to + 1;
    return true;
}

static bool read_stamp(struct fl_span line, size_t *i, int64_t received_us, struct head *h)
{
    size_t len;
    struct fl_span rest = fl_span_of(line.ptr + *i, line.len - *i);

    if (!fl_stamp_parse(rest, received_us, &h->stamp, &h->us, &len))
        return false;
    if (len < rest.len && rest.ptr[len] != ' ' &&
        (rest.ptr[len] != ':' || at(rest, len + 1) != ' '))
        return false;
    h->has_time = true;
    h->time = (struct token){*i, *i + len};
    *i += len + (at(rest, len) == ':' ? 1 : 0);
    return true;
}

/* "1 2026-..." or "1 - " at i; 0 when it is neither, else where the time begins. */
static size_t read_version(struct fl_span line, size_t i, bool has_pri)
{
    size_t from = i;

    while (i < from + 3 && is_digit(at(line, i)))
        i++;
    if (i == from || line.ptr[from] == '0' || at(line, i) != ' ')
        return 0;
    i = skip_blanks(line, i);
    if (is_digit(at(line, i)) && is_digit(at(line, i + 1)) && is_digit(at(line, i + 2)) &&
        is_digit(at(line, i + 3)) && at(line, i + 4) == '-')
        return i;
    return has_pri && at(line, i) == '-' && (i + 1 >= line.len || at(line, i + 1) == ' ') ? i : 0;
}

/* NAME: and NAME[PID]: at t, for program and procid. */
static bool read_program(struct fl_span line, struct token t, struct head *h)
{
    size_t i = t.from, name_to;

    if (t.to - t.from < 2 || line.ptr[t.to - 1] != ':' || token_is(line, t, FL_SPAN("CEF:")))
        return false;
    i += line.ptr[i] == '/' ? 1 : 0; /* "/kernel:" */
    t.from = i;
    while (is_alpha(at(line, i)) || is_digit(at(line, i)) || at(line, i) == '_' ||
           at(line, i) == '-' || at(line, i) == '.' || at(line, i) == '/')
        i++;
    name_to = i;
    if (name_to == t.from)
        return false;
    if (i < t.to && line.ptr[i] == '[' && t.to - i > 3 && line.ptr[t.to - 2] == ']')
        h->procid = (struct token){i + 1, t.to - 2};
    else if (i != t.to - 1)
        return false;
    h->program = (struct token){t.from, name_to};
    return true;
}

static bool is_tag_char(unsigned char c)
{
    return is_alpha(c) || is_digit(c) || c == '_';
}

/* "%DAEMON-5-UI_COMMIT:", "%-UI_COMMIT:" or "%ASA-6-302013:": where the name in it begins; else i.
 */
static size_t find_mnemonic(struct fl_span line, size_t i)
{
    struct token t = read_token(line, i);
    size_t from = i;

    for (size_t k = t.from; k < t.to && line.ptr[k] != ':'; k++)
        from = line.ptr[k] == '-' ? k + 1 : from;
    return is_digit(at(line, from)) ? i + 1 : from;
}

/* A name with an underscore, before ':' or " [" : RPD_OSPF_NBRUP. Moves *i behind the colon. */
static void read_tag(struct fl_span line, size_t *i, struct head *h)
{
    size_t from = *i, to;
    bool named = false;

    if (at(line, from) == '%') {
        from = find_mnemonic(line, from);
        named = from > *i;
    }
    for (to = from; is_tag_char(at(line, to)) || (named && at(line, to) == '-'); to++)
        named = named || line.ptr[to] == '_';
    if (!named || to == from || is_digit(line.ptr[from]))
        return;
    if (at(line, to) == ':')
        *i = skip_blanks(line, to + 1);
    else if (at(line, to) == ' ' && at(line, to + 1) == '[')
        *i = to + 1;
    else
        return;
    h->tag = (struct token){from, to};
}

/* HOST APP PROCID MSGID, as far as they go, from i. */
static void read_fields(struct fl_span line, size_t i, struct head *h)
{
    struct token *const fields[TOKENS] = {&h->host, &h->program, &h->procid, &h->tag};
    size_t n = 0;

    for (; n < TOKENS; n++) {
        i = skip_blanks(line, i);
        if (i == line.len || line.ptr[i] == '[')
            break;
        *fields[n] = read_token(line, i);
        i = fields[n]->to;
    }
    if (n == TOKENS && h->tag.to > h->tag.from + 1 && line.ptr[h->tag.to - 1] == ':')
        h->tag.to--; /* "RT_FLOW - RT_FLOW_SESSION_DENY: session denied": no structured data follows
                      */
    if (n == 3 && !is_digit(line.ptr[h->procid.from]) && h->procid.to > h->procid.from + 1) {
        h->tag = h->procid; /* a field is missing before the brackets; the last is the message */
        h->procid = (struct token){0, 0};
    }
    i = skip_blanks(line, i);
    if (n == TOKENS && at(line, i) == '-' && (i + 1 == line.len || at(line, i + 1) == ' '))
        i = skip_blanks(line, i + 1); /* no structured data */
    h->structured = true;
    h->body = i;
}

/* Without a version: is it APP PROCID MSGID [ from here? */
static bool is_structured(struct fl_span line, size_t i)
{
    struct token app = read_token(line, i);
    struct token procid = read_token(line, skip_blanks(line, app.to));
    struct token msgid = read_token(line, skip_blanks(line, procid.to));

    if (msgid.from == msgid.to || line.ptr[app.to - 1] == ':' || msgid.to - msgid.from > 64)
        return false;
    for (size_t k = procid.from; k < procid.to; k++) {
        if (!is_digit(line.ptr[k]) && !token_is(line, procid, FL_SPAN("-")))
            return false;
    }
    return at(line, skip_blanks(line, msgid.to)) == '[';
}

static bool is_host(struct fl_span line, struct token t)
{
    return t.to > t.from && memchr("[\"{(<", line.ptr[t.from], 5) == NULL &&
           memchr(line.ptr + t.from, '=', t.to - t.from) == NULL &&
           memchr(line.ptr + t.from, '|', t.to - t.from) == NULL;
}

/* "fpc0 text": the card speaks for itself, without a colon. */
static bool is_card(struct fl_span line, struct token t)
{
    return t.to - t.from > 3 && t.to - t.from < 7 && memcmp(line.ptr + t.from, "fpc", 3) == 0 &&
           is_digit(line.ptr[t.from + 3]) && is_digit(line.ptr[t.to - 1]);
}

/* RFC 3164 behind the time: [HOST] [PROGRAM[PID]:] [TAG:] text. */
static void read_bsd(struct fl_span line, size_t i, bool has_time, struct head *h)
{
    struct token t = read_token(line, skip_blanks(line, i)), next;

    h->body = t.from;
    if (has_time && !read_program(line, t, h) && is_host(line, t)) {
        if (is_structured(line, skip_blanks(line, t.to))) {
            read_fields(line, t.from, h);
            return;
        }
        h->host = t;
        t = read_token(line, skip_blanks(line, t.to));
        next = read_token(line, skip_blanks(line, t.to));
        if (t.to > t.from &&
            token_is(line, t, fl_span_of(line.ptr + h->host.from, h->host.to - h->host.from)) &&
            next.to > next.from) {
            h->host_again = t;
            t = next;
        }
        h->body = t.from;
    }
    if (h->program.to > 0 || read_program(line, t, h)) {
        h->body = skip_blanks(line, t.to);
    } else if (h->host.to > 0 && is_card(line, t)) {
        h->program = t;
        h->body = skip_blanks(line, t.to);
    }
    if (at(line, h->body) == ':' && at(line, h->body + 1) == ' ')
        h->body = skip_blanks(line, h->body + 1); /* "host : %ASA-6-302013: ..." */
    read_tag(line, &h->body, h);
}

static bool read_head(struct fl_span line, size_t i, int64_t received_us, struct head *ret,
                      const char **ret_why)
{
    struct head h = {.body = i};
    size_t time;

    if (at(line, i) == '<' && !read_pri(line, &i, &h.pri)) {
        *ret_why = "the PRI is malformed";
        return false;
    }
    i = skip_blanks(line, i);
    time = read_version(line, i, h.pri.to > 0);
    if (time > 0) {
        struct token t = read_token(line, time);

        h.time = t;
        if (!read_stamp(line, &time, received_us, &h))
            h.time = t;
        read_fields(line, h.time.to, &h);
        *ret = h;
        return true;
    }
    if (!read_stamp(line, &i, received_us, &h) && h.pri.to == 0) {
        *ret_why = "no syslog header, and no format that goes without";
        return false;
    }
    read_bsd(line, i, h.has_time, &h);
    *ret = h;
    return true;
}

static void put_time(struct fl_parse *p, const struct head *h)
{
    if (!h->has_time) {
        if (h->time.to > h->time.from + 1) /* a text that is no time; "-" stays in the shape */
            fl_shape_text(&p->shape, h->time.from, h->time.to, FL_F_TIME);
        return;
    }
    fl_event_time(p->ev, FL_F_TIME, h->us);
    p->has_time = true;
    if (h->stamp.year_guessed)
        fl_event_flag(p->ev, FL_ROW_YEAR_GUESSED);
    if (h->stamp.exact)
        fl_shape_stamp(&p->shape, h->time.from, h->time.to, &h->stamp);
    else
        fl_shape_text(&p->shape, h->time.from, h->time.to, FL_F_TIME);
}

static void put_head(struct fl_parse *p, const struct head *h)
{
    if (h->pri.to > 0)
        (void)fl_value_put(p, FL_F_PRI, (struct fl_slot){.from = h->pri.from, .to = h->pri.to});
    put_time(p, h);
    fl_value_token(p, FL_F_HOST, h->host.from, h->host.to);
    fl_value_token(p, FL_F_HOST, h->host_again.from, h->host_again.to);
    fl_value_token(p, FL_F_PROGRAM, h->program.from, h->program.to);
    fl_value_token(p, FL_F_PROCID, h->procid.from, h->procid.to);
    fl_value_token(p, FL_F_TAG, h->tag.from, h->tag.to);
}

static void put_relay_token(struct fl_parse *p, struct token t, enum fl_shape_name name)
{
    if (t.to > t.from && !token_is(p->line, t, FL_SPAN("-")))
        fl_shape_named(&p->shape, t.from, t.to, name, 's');
}

/* The header of a relay: what the device itself says comes behind it and has the columns. */
static void put_relay(struct fl_parse *p, const struct head *h)
{
    put_relay_token(p, h->pri, FL_SHAPE_RELAY_PRI);
    put_relay_token(p, h->time, FL_SHAPE_RELAY_TIME);
    put_relay_token(p, h->host, FL_SHAPE_RELAY_HOST);
    put_relay_token(p, h->host_again, FL_SHAPE_RELAY_HOST);
    put_relay_token(p, h->program, FL_SHAPE_RELAY_PROGRAM);
    put_relay_token(p, h->procid, FL_SHAPE_RELAY_PROCID);
}

/* Does a message with a header of its own begin at the body? */
static bool is_relayed(struct fl_parse *p, const struct head *outer, struct head *ret_inner)
{
    const char *why;
    size_t i = outer->body;
    unsigned char c = at(p->line, i);

    if (outer->structured ? c != '<' : outer->tag.to > 0 || (c != '<' && !is_digit(c)))
        return false;
    if (!read_head(p->line, i, p->received_us, ret_inner, &why) || ret_inner->host.to == 0)
        return false;
    return ret_inner->structured || (ret_inner->pri.to > 0 && ret_inner->has_time);
}

bool fl_syslog_head(struct fl_parse *p, const char **ret_why)
{
    struct head outer, inner;

    if (!read_head(p->line, 0, p->received_us, &outer, ret_why))
        return false;
    if (is_relayed(p, &outer, &inner)) {
        put_relay(p, &outer);
        outer = inner;
    }
    put_head(p, &outer);
    p->body = outer.body;
    p->has_header = true;
    p->structured = outer.structured;
    return true;
}

/* RFC 5424, strictly */

static bool is_print(unsigned char c)
{
    return c > 32 && c < 127;
}

/* 1*max PRINTUSASCII and the blank behind it. */
static bool strict_field(struct fl_span m, size_t *i, size_t max)
{
    size_t from = *i;

    while (*i < m.len && is_print(m.ptr[*i]))
        ++*i;
    if (*i == from || *i - from > max || at(m, *i) != ' ')
        return false;
    ++*i;
    return true;
}

static bool strict_time(struct fl_span m, size_t *i)
{
    struct token t = read_token(m, *i);
    struct fl_span text = fl_span_of(m.ptr + t.from, t.to - t.from);
    int64_t us;

    if (at(m, t.to) != ' ')
        return false;
    *i = t.to + 1;
    if (fl_span_eq(text, FL_SPAN("-")))
        return true;
    return text.len > 19 && text.ptr[10] == 'T' && memchr(text.ptr, 'z', text.len) == NULL &&
           fl_time_parse(text, &us);
}

/* SD-NAME: 1*32 PRINTUSASCII except = ] " */
static bool strict_name(struct fl_span m, size_t *i)
{
    size_t from = *i;

    while (*i < m.len && is_print(m.ptr[*i]) && memchr("=]\"", m.ptr[*i], 3) == NULL)
        ++*i;
    return *i > from && *i - from <= 32;
}

/* SD-PARAM behind its blank. */
static bool strict_param(struct fl_span m, size_t *i)
{
    size_t from;

    if (!strict_name(m, i) || at(m, *i) != '=' || at(m, *i + 1) != '"')
        return false;
    *i += 2;
    for (from = *i; *i < m.len && m.ptr[*i] != '"'; ++*i) {
        if (m.ptr[*i] == ']')
            return false;
        if (m.ptr[*i] == '\\' && *i + 1 < m.len && memchr("\"\\]", m.ptr[*i + 1], 3) != NULL)
            ++*i;
    }
    if (*i >= m.len || !fl_utf8_valid(fl_span_of(m.ptr + from, *i - from)))
        return false;
    ++*i;
    return true;
}

static bool strict_element(struct fl_span m, size_t *i, struct fl_span *ret_id)
{
    size_t from = ++*i;

    if (!strict_name(m, i))
        return false;
    *ret_id = fl_span_of(m.ptr + from, *i - from);
    while (at(m, *i) == ' ') {
        ++*i;
        if (!strict_param(m, i))
            return false;
    }
    if (at(m, *i) != ']')
        return false;
    ++*i;
    return true;
}

static bool strict_data(struct fl_span m, size_t *i)
{
    enum { ELEMENTS_MAX = 64 }; /* none of the RFC: more do not come */
    struct fl_span ids[ELEMENTS_MAX];
    size_t n = 0;

    if (at(m, *i) == '-') {
        ++*i;
        return true;
    }
    while (at(m, *i) == '[' && n < ELEMENTS_MAX) {
        if (!strict_element(m, i, &ids[n]))
            return false;
        for (size_t k = 0; k < n; k++) {
            if (fl_span_eq(ids[k], ids[n]))
                return false; /* section 6.3.2: the same SD-ID must not exist more than once */
        }
        n++;
    }
    return n > 0;
}

bool fl_syslog_is_strict_5424(struct fl_span m)
{
    static const size_t fields[TOKENS] = {255, 48, 128, 32};
    struct token pri;
    size_t i = 0, from;

    if (at(m, 0) != '<' || !read_pri(m, &i, &pri) || (pri.to - pri.from > 1 && at(m, 1) == '0'))
        return false;
    from = i;
    while (is_digit(at(m, i)))
        i++;
    if (i == from || i - from > 3 || m.ptr[from] == '0' || at(m, i++) != ' ' || !strict_time(m, &i))
        return false;
    for (size_t k = 0; k < TOKENS; k++) {
        if (!strict_field(m, &i, fields[k]))
            return false;
    }
    if (!strict_data(m, &i))
        return false;
    if (i == m.len)
        return true;
    if (m.ptr[i++] != ' ')
        return false;
    m = fl_span_of(m.ptr + i, m.len - i);
    return m.len < 3 || memcmp(m.ptr, "\xef\xbb\xbf", 3) != 0 || fl_utf8_valid(m);
}
