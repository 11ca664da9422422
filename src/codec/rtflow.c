/*
 * Unstructured RT_FLOW. The wire order by release, with [] for what came later:
 *
 * session created SRC->DST [TAG] SERVICE NSRC->NDST [TAG] [TYPE] SNAT [TYPE] DNAT PROTO POLICY
 * SZONE DZONE SESSION [USER(ROLES) INTERFACE [APP NESTED ENCRYPTED [CATEGORY SUB RISK
 * CHARACTERISTICS ...]]] session closed REASON: (as above to SESSION) PACKETS(BYTES) PACKETS(BYTES)
 * ELAPSED [APP NESTED] [USER(ROLES) INTERFACE [ENCRYPTED [CATEGORY SUB RISK CHARACTERISTICS ...]]]
 * session denied SRC->DST [TAG] SERVICE [NAT RULES] PROTO(ICMP-TYPE) POLICY SZONE DZONE
 *     [APP NESTED] [USER(ROLES) INTERFACE [ENCRYPTED [REASON]]]
 *
 * TYPE is "source rule", "destination rule", ... or N/A. So PROTO is found by looking ahead: the
 * first number whose fourth follower is the session's number (or, when denied, that has brackets).
 */
#include <string.h>

#include "codec/junos.h"

enum { TOKENS_MAX = 64 };

_Static_assert(FL_F_DST_PORT == FL_F_SRC_IP + 3 && FL_F_DST_NAT_PORT == FL_F_SRC_NAT_IP + 3,
               "take_flow() counts on their order");

struct token {
    size_t from, to;
};

struct reader {
    struct fl_parse *p;
    struct token t[TOKENS_MAX]; /* words of the body */
    size_t count, next;
};

static unsigned char first(const struct reader *r, size_t k) /* 0 when there is no such word */
{
    return k < r->count ? r->p->line.ptr[r->t[k].from] : 0;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static struct fl_span word(const struct reader *r, size_t k)
{
    if (k >= r->count)
        return (struct fl_span){NULL, 0};
    return fl_parse_span(r->p, r->t[k].from, r->t[k].to);
}

static bool is_number(const struct reader *r, size_t k)
{
    uint64_t n;

    return fl_span_u64(word(r, k), &n);
}

static void split(struct reader *r, size_t i)
{
    struct fl_span line = r->p->line;

    while (i < line.len && r->count < TOKENS_MAX) {
        const unsigned char *blank;

        if (line.ptr[i] == ' ') {
            i++;
            continue;
        }
        blank = memchr(line.ptr + i, ' ', line.len - i);
        r->t[r->count].from = i;
        i = blank == NULL ? line.len : (size_t)(blank - line.ptr);
        r->t[r->count++].to = i;
    }
}

static void put(struct reader *r, enum fl_field f, size_t from, size_t to, enum fl_shape_name name)
{
    (void)fl_value_put(r->p, f,
                       (struct fl_slot){.from = from, .to = to, .known = name, .escapes = 's'});
}

/* The next word, if there is one. */
static void take(struct reader *r, enum fl_field f, enum fl_shape_name name)
{
    if (r->next < r->count) {
        put(r, f, r->t[r->next].from, r->t[r->next].to, name);
        r->next++;
    }
}

/* ADDRESS/PORT in [from, to). */
static bool put_end(struct reader *r, size_t from, size_t to, enum fl_field ip, enum fl_field port)
{
    const unsigned char *line = r->p->line.ptr, *slash;

    slash = memrchr(line + from, '/', to - from);
    if (slash == NULL)
        return false;
    put(r, ip, from, (size_t)(slash - line), FL_SHAPE_REST);
    put(r, port, (size_t)(slash - line) + 1, to, FL_SHAPE_REST);
    return true;
}

/* ADDRESS/PORT->ADDRESS/PORT as the next word; ip is the field of the first address, and its port,
 * the second address and its port follow in the table. */
static bool take_flow(struct reader *r, enum fl_field ip)
{
    struct fl_span w = word(r, r->next);
    const unsigned char *arrow = w.len == 0 ? NULL : memmem(w.ptr, w.len, "->", 2);
    size_t from, mid, to;

    if (arrow == NULL)
        return false;
    from = r->t[r->next].from;
    to = r->t[r->next].to;
    mid = from + (size_t)(arrow - w.ptr);
    r->next++;
    return put_end(r, from, mid, ip, ip + 1) && put_end(r, mid + 2, to, ip + 2, ip + 3);
}

/* 0x0: a connection tag, in newer releases. */
static void take_tag(struct reader *r, enum fl_shape_name name)
{
    struct fl_span w = word(r, r->next);

    if (w.len > 2 && w.ptr[0] == '0' && w.ptr[1] == 'x')
        take(r, FL_FIELD_COUNT, name);
}

/* N(M) in one word. */
static bool take_pair(struct reader *r, enum fl_field outer, enum fl_field inner,
                      enum fl_shape_name name)
{
    struct fl_span w = word(r, r->next);
    const unsigned char *open = w.len == 0 ? NULL : memchr(w.ptr, '(', w.len);
    size_t from = r->t[r->next].from, mid;

    if (open == NULL || w.ptr[w.len - 1] != ')' || open == w.ptr)
        return false;
    mid = from + (size_t)(open - w.ptr);
    put(r, outer, from, mid, FL_SHAPE_REST);
    put(r, inner, mid + 1, r->t[r->next].to - 1, name);
    r->next++;
    return true;
}

/* USER(ROLES); roles may hold blanks. */
static bool take_user(struct reader *r)
{
    struct fl_span w = word(r, r->next);
    const unsigned char *line = r->p->line.ptr, *open;
    size_t last = r->next, from, mid;

    open = w.len == 0 ? NULL : memchr(w.ptr, '(', w.len);
    if (open == NULL)
        return false;
    while (last < r->count && line[r->t[last].to - 1] != ')')
        last++;
    if (last == r->count)
        return false;
    from = r->t[r->next].from;
    mid = (size_t)(open - line);
    put(r, FL_F_USER, from, mid, FL_SHAPE_REST);
    put(r, FL_F_ROLES, mid + 1, r->t[last].to - 1, FL_SHAPE_REST);
    r->next = last + 1;
    return true;
}

/* Where PROTO stands, from the next word on; r->count when it does not. */
static size_t find_proto(const struct reader *r, bool denied)
{
    for (size_t k = r->next; k < r->count && k < r->next + 9; k++) {
        struct fl_span w = word(r, k);

        if (w.len == 0 || !is_digit(first(r, k)))
            continue;
        if (denied ? memchr(w.ptr, '(', w.len) != NULL : is_number(r, k) && is_number(r, k + 4))
            return k;
    }
    return r->count;
}

/* One word, or two when the first of them is "source", "destination" or "static" before "rule". */
static void take_rule_type(struct reader *r, enum fl_shape_name name)
{
    size_t from = r->t[r->next].from,
           words = fl_span_eq(word(r, r->next + 1), FL_SPAN("rule")) ? 2 : 1;

    put(r, FL_FIELD_COUNT, from, r->t[r->next + words - 1].to, name);
    r->next += words;
}

/* The words between service or addresses and PROTO: names of NAT rules, with or without types. */
static bool take_rules(struct reader *r, size_t proto)
{
    size_t n = proto - r->next;

    if (n == 2) {
        take(r, FL_FIELD_COUNT, FL_SHAPE_SRC_NAT_RULE_NAME);
        take(r, FL_FIELD_COUNT, FL_SHAPE_DST_NAT_RULE_NAME);
    } else if (n >= 4 && n <= 6) {
        take_rule_type(r, FL_SHAPE_SRC_NAT_RULE_TYPE);
        take(r, FL_FIELD_COUNT, FL_SHAPE_SRC_NAT_RULE_NAME);
        take_rule_type(r, FL_SHAPE_DST_NAT_RULE_TYPE);
        take(r, FL_FIELD_COUNT, FL_SHAPE_DST_NAT_RULE_NAME);
    }
    while (r->next < proto)
        take(r, FL_FIELD_COUNT, FL_SHAPE_REST);
    return r->next == proto;
}

/* From SRC->DST to the zones, and to the session's number unless denied. */
static bool take_session(struct reader *r, bool denied)
{
    size_t proto;

    if (!take_flow(r, FL_F_SRC_IP))
        return false;
    take_tag(r, FL_SHAPE_CONNECTION_TAG);
    take(r, FL_F_SERVICE, FL_SHAPE_REST);
    if (take_flow(r, FL_F_SRC_NAT_IP))
        take_tag(r, FL_SHAPE_NAT_CONNECTION_TAG);
    proto = find_proto(r, denied);
    if (proto == r->count || !take_rules(r, proto))
        return false;
    if (denied) {
        if (!take_pair(r, FL_F_PROTO, FL_FIELD_COUNT, FL_SHAPE_ICMP_TYPE))
            return false;
    } else {
        take(r, FL_F_PROTO, FL_SHAPE_REST);
    }
    take(r, FL_F_POLICY, FL_SHAPE_REST);
    take(r, FL_F_SRC_ZONE, FL_SHAPE_REST);
    take(r, FL_F_DST_ZONE, FL_SHAPE_REST);
    if (!denied)
        take(r, FL_F_SESSION, FL_SHAPE_REST);
    return true;
}

/* APP NESTED, where two words stand before USER(ROLES). */
static void take_apps(struct reader *r)
{
    struct fl_span user = word(r, r->next + 2);

    if (user.len > 0 && memchr(user.ptr, '(', user.len) == NULL)
        return;
    if (r->next + 1 >= r->count || word(r, r->next).len == 0 ||
        memchr(word(r, r->next).ptr, '(', word(r, r->next).len) != NULL)
        return;
    take(r, FL_F_APP_OUTER, FL_SHAPE_REST);
    take(r, FL_F_APP_NESTED, FL_SHAPE_REST);
}

static void take_category(struct reader *r)
{
    take(r, FL_F_CATEGORY, FL_SHAPE_REST);
    take(r, FL_FIELD_COUNT, FL_SHAPE_SUB_CATEGORY);
    take(r, FL_FIELD_COUNT, FL_SHAPE_RISK);
    take(r, FL_FIELD_COUNT, FL_SHAPE_CHARACTERISTICS);
}

/* Everything that is left is one text: what it means depends on the release. */
static void take_rest(struct reader *r, enum fl_field f)
{
    if (r->next >= r->count)
        return;
    put(r, f, r->t[r->next].from, r->p->line.len, FL_SHAPE_REST);
    r->next = r->count;
}

static bool read_created(struct reader *r)
{
    if (!take_session(r, false))
        return false;
    if (take_user(r)) {
        take(r, FL_F_IN_IF, FL_SHAPE_REST);
        take(r, FL_F_APP_OUTER, FL_SHAPE_REST);
        take(r, FL_F_APP_NESTED, FL_SHAPE_REST);
        take(r, FL_FIELD_COUNT, FL_SHAPE_ENCRYPTED);
        take_category(r);
    }
    take_rest(r, FL_FIELD_COUNT);
    return true;
}

static bool read_closed(struct reader *r)
{
    size_t colon = r->next, from;

    while (colon < r->count && r->p->line.ptr[r->t[colon].to - 1] != ':')
        colon++;
    if (colon == r->count)
        return false;
    from = r->t[r->next].from;
    put(r, FL_F_REASON, from, r->t[colon].to - 1, FL_SHAPE_REST);
    r->next = colon + 1;
    if (!take_session(r, false))
        return false;
    if (take_pair(r, FL_F_OUT_PACKETS, FL_F_OUT_BYTES, FL_SHAPE_REST) &&
        take_pair(r, FL_F_IN_PACKETS, FL_F_IN_BYTES, FL_SHAPE_REST)) {
        take(r, FL_F_DURATION, FL_SHAPE_REST);
        take_apps(r);
        if (take_user(r)) {
            take(r, FL_F_IN_IF, FL_SHAPE_REST);
            take(r, FL_FIELD_COUNT, FL_SHAPE_ENCRYPTED);
            take_category(r);
        }
    }
    take_rest(r, FL_FIELD_COUNT);
    return true;
}

static bool read_denied(struct reader *r)
{
    if (!take_session(r, true))
        return false;
    take_apps(r);
    if (take_user(r)) {
        take(r, FL_F_IN_IF, FL_SHAPE_REST);
        take(r, FL_FIELD_COUNT, FL_SHAPE_ENCRYPTED);
        take_rest(r, FL_F_REASON);
    }
    take_rest(r, FL_FIELD_COUNT);
    return true;
}

bool fl_rtflow_parse(struct fl_parse *p)
{
    static const struct {
        const char *text;
        bool (*read)(struct reader *r);
        const char *action;
    } kinds[] = {
        {"session created ", read_created, "created"},
        {"session closed ", read_closed, "closed"},
        {"session denied ", read_denied, "denied"},
    };
    struct reader r = {.p = p};

    for (size_t i = 0; i < FL_LEN(kinds); i++) {
        size_t n = strlen(kinds[i].text);

        if (p->line.len - p->body < n || memcmp(p->line.ptr + p->body, kinds[i].text, n) != 0)
            continue;
        split(&r, p->body + n);
        if (!kinds[i].read(&r))
            return false;
        fl_event_str(p->ev, FL_F_ACTION, fl_span_str(kinds[i].action));
        return true;
    }
    return false;
}
