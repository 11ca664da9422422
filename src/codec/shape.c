#include "codec/shape.h"

#include <string.h>

#include "base/cursor.h"
#include "codec/ip.h"

enum { FIELD_BIAS = 0x20, OFFSET_BIAS = 0x8000 };

_Static_assert(FL_FIELD_COUNT + FIELD_BIAS < 256, "a field's number fits one byte");

const char *const fl_shape_names[FL_SHAPE_NAME_COUNT] = {
    [FL_SHAPE_REST] = "rest",
    [FL_SHAPE_TEXT] = "text",
    [FL_SHAPE_RELAY_TIME] = "relay-time",
    [FL_SHAPE_RELAY_HOST] = "relay-host",
    [FL_SHAPE_RELAY_PROGRAM] = "relay-program",
    [FL_SHAPE_RELAY_PROCID] = "relay-procid",
    [FL_SHAPE_RELAY_PRI] = "relay-pri",
    [FL_SHAPE_DEVICE_VERSION] = "device-version",
    [FL_SHAPE_NAME] = "name",
    [FL_SHAPE_CONNECTION_TAG] = "connection-tag",
    [FL_SHAPE_NAT_CONNECTION_TAG] = "nat-connection-tag",
    [FL_SHAPE_SRC_NAT_RULE_TYPE] = "src-nat-rule-type",
    [FL_SHAPE_SRC_NAT_RULE_NAME] = "src-nat-rule-name",
    [FL_SHAPE_DST_NAT_RULE_TYPE] = "dst-nat-rule-type",
    [FL_SHAPE_DST_NAT_RULE_NAME] = "dst-nat-rule-name",
    [FL_SHAPE_ICMP_TYPE] = "icmp-type",
    [FL_SHAPE_ENCRYPTED] = "encrypted",
    [FL_SHAPE_SUB_CATEGORY] = "application-sub-category",
    [FL_SHAPE_RISK] = "application-risk",
    [FL_SHAPE_CHARACTERISTICS] = "application-characteristics",
};

/* Which bytes a backslash goes before, per format byte. In 'v' \n and \r stand for newlines. */
static const char *specials(char escapes)
{
    switch (escapes) {
    case 'q':
        return "\"\\]";
    case 'c':
        return "|\\";
    case 'v':
        return "=\\";
    case 'k':
        return "\"\\";
    default:
        return NULL;
    }
}

/* The byte that \c stands for; 0 when it is no escape. */
static unsigned char escaped(char escapes, unsigned char c)
{
    const char *set = specials(escapes);

    if (set != NULL && c != '\0' && strchr(set, c) != NULL)
        return c;
    if (escapes == 'v' && c == 'n')
        return '\n';
    if (escapes == 'v' && c == 'r')
        return '\r';
    return 0;
}

/* The byte to write behind a backslash for c; 0 when it needs none. */
static unsigned char escape_of(char escapes, unsigned char c)
{
    const char *set = specials(escapes);

    if (escapes == 'v' && (c == '\n' || c == '\r'))
        return c == '\n' ? 'n' : 'r';
    return set != NULL && c != '\0' && strchr(set, c) != NULL ? c : 0;
}

struct fl_span fl_shape_unescape(struct fl_span s, char escapes, struct fl_arena *arena)
{
    unsigned char *plain;
    size_t n = 0;

    if (s.len == 0 || specials(escapes) == NULL || memchr(s.ptr, '\\', s.len) == NULL)
        return s;
    plain = fl_arena_get(arena, s.len);
    if (plain == NULL)
        return (struct fl_span){NULL, 0};
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = i + 1 < s.len && s.ptr[i] == '\\' ? escaped(escapes, s.ptr[i + 1]) : 0;

        if (c != 0)
            i++;
        plain[n++] = c != 0 ? c : s.ptr[i];
    }
    return fl_span_of(plain, n);
}

bool fl_shape_escapes_to(struct fl_span plain, char escapes, struct fl_span raw)
{
    size_t at = 0;

    for (size_t i = 0; i < plain.len; i++) {
        unsigned char c = escape_of(escapes, plain.ptr[i]);

        if (c != 0 && (at == raw.len || raw.ptr[at++] != '\\'))
            return false;
        if (at == raw.len || raw.ptr[at++] != (c != 0 ? c : plain.ptr[i]))
            return false;
    }
    return at == raw.len;
}

static const struct {
    unsigned char number;
    const char *name;
} protos[] = {
    {6, "tcp"},   {17, "udp"},   {1, "icmp"},       {58, "icmp6"},  {2, "igmp"},   {47, "gre"},
    {50, "esp"},  {51, "ah"},    {89, "ospf"},      {103, "pim"},   {132, "sctp"}, {4, "ipip"},
    {41, "ipv6"}, {112, "vrrp"}, {58, "ipv6-icmp"}, {58, "icmpv6"},
};

const char *fl_proto_name(uint64_t number)
{
    for (size_t i = 0; i < FL_LEN(protos); i++) {
        if (protos[i].number == number)
            return protos[i].name;
    }
    return NULL;
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static unsigned char upper(unsigned char c)
{
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - ('a' - 'A')) : c;
}

int fl_proto_number(struct fl_span name)
{
    for (size_t i = 0; i < FL_LEN(protos); i++) {
        size_t n = 0;

        while (n < name.len && protos[i].name[n] != '\0' &&
               lower(name.ptr[n]) == (unsigned char)protos[i].name[n])
            n++;
        if (n == name.len && protos[i].name[n] == '\0')
            return protos[i].number;
    }
    return -1;
}

void fl_shape_begin(struct fl_shape *s, struct fl_span line, struct fl_arena *arena)
{
    *s = (struct fl_shape){.line = line, .arena = arena};
    s->out_cap = line.len + 64;
    s->extra_cap = line.len / 2 + 64;
    s->out = fl_arena_get(arena, s->out_cap);
    s->extra = fl_arena_get(arena, s->extra_cap);
    s->escapes = line.len > 0 && memchr(line.ptr, FL_SHAPE_ESC, line.len) != NULL;
    s->failed = s->out == NULL || s->extra == NULL;
}

/* Room for n more bytes at *bytes; false when there is none. */
static bool room(struct fl_shape *s, unsigned char **bytes, size_t len, size_t *cap, size_t n)
{
    unsigned char *more;
    size_t want = *cap * 2 + n;

    if (s->failed)
        return false;
    if (n <= *cap - len)
        return true;
    more = want > 4 * FL_STR_MAX ? NULL : fl_arena_get(s->arena, want);
    if (more == NULL) {
        s->failed = true;
        return false;
    }
    memcpy(more, *bytes, len);
    *bytes = more;
    *cap = want;
    return true;
}

/* Literal bytes up to `to`. */
static void put_literal(struct fl_shape *s, size_t to)
{
    const unsigned char *p = s->line.ptr + s->done;
    size_t n = to - s->done;

    if (n == 0 || !room(s, &s->out, s->out_len, &s->out_cap, 2 * n))
        return;
    s->done = to;
    if (!s->escapes) {
        memcpy(s->out + s->out_len, p, n);
        s->out_len += n;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] == FL_SHAPE_ESC)
            s->out[s->out_len++] = FL_SHAPE_ESC;
        s->out[s->out_len++] = p[i];
    }
}

static void put_place(struct fl_shape *s, size_t from, size_t to, enum fl_field f, char format,
                      const unsigned char *operands, size_t n)
{
    put_literal(s, from);
    if (!room(s, &s->out, s->out_len, &s->out_cap, 3 + n))
        return;
    s->out[s->out_len++] = FL_SHAPE_ESC;
    s->out[s->out_len++] = (unsigned char)(FIELD_BIAS + (unsigned)f);
    s->out[s->out_len++] = (unsigned char)format;
    for (size_t i = 0; i < n; i++)
        s->out[s->out_len++] = operands[i];
    s->done = to;
}

static void put_extra(struct fl_shape *s, size_t from, size_t to)
{
    size_t n = to - from;

    if (!room(s, &s->extra, s->extra_len, &s->extra_cap, n + 10))
        return;
    for (; n >= 0x80; n >>= 7)
        s->extra[s->extra_len++] = (unsigned char)(n | 0x80);
    s->extra[s->extra_len++] = (unsigned char)n;
    memcpy(s->extra + s->extra_len, s->line.ptr + from, to - from);
    s->extra_len += to - from;
}

void fl_shape_field(struct fl_shape *s, size_t from, size_t to, enum fl_field f, char format)
{
    put_place(s, from, to, f, format, NULL, 0);
}

void fl_shape_stamp(struct fl_shape *s, size_t from, size_t to, const struct fl_stamp *stamp)
{
    unsigned offset = (unsigned)(stamp->offset_min + OFFSET_BIAS);
    unsigned char operands[4] = {(unsigned char)stamp->style, (unsigned char)stamp->digits,
                                 (unsigned char)(offset >> 8), (unsigned char)offset};

    put_place(s, from, to, FL_F_TIME, 't', operands, sizeof operands);
}

void fl_shape_text(struct fl_shape *s, size_t from, size_t to, enum fl_field f)
{
    put_place(s, from, to, f, 'x', NULL, 0);
    put_extra(s, from, to);
}

void fl_shape_extra(struct fl_shape *s, size_t from, size_t to, size_t name, size_t name_len,
                    char escapes)
{
    size_t back = from - name; /* the bytes between are literal, so the same in shape and line */
    unsigned char operands[3] = {0, 0, (unsigned char)escapes};

    if (name >= s->done && back < 256 && name_len <= back &&
        (!s->escapes || memchr(s->line.ptr + name, FL_SHAPE_ESC, back) == NULL)) {
        operands[0] = (unsigned char)back;
        operands[1] = (unsigned char)name_len;
    }
    put_place(s, from, to, FL_F_EXTRA, 'x', operands, sizeof operands);
    put_extra(s, from, to);
}

void fl_shape_named(struct fl_shape *s, size_t from, size_t to, enum fl_shape_name name,
                    char escapes)
{
    unsigned char operands[2] = {(unsigned char)name, (unsigned char)escapes};

    put_place(s, from, to, FL_F_EXTRA, 'p', operands, sizeof operands);
    put_extra(s, from, to);
}

struct fl_shape_mark fl_shape_mark(const struct fl_shape *s)
{
    return (struct fl_shape_mark){s->done, s->out_len, s->extra_len};
}

void fl_shape_back(struct fl_shape *s, struct fl_shape_mark mark)
{
    s->done = mark.done;
    s->out_len = mark.out_len;
    s->extra_len = mark.extra_len;
}

bool fl_shape_end(struct fl_shape *s, struct fl_event *ev)
{
    put_literal(s, s->line.len);
    if (s->failed || s->out_len > FL_STR_MAX || s->extra_len > FL_STR_MAX)
        return false;
    fl_event_str(ev, FL_F_SHAPE, fl_span_of(s->out, s->out_len));
    if (s->extra_len > 0)
        fl_event_str(ev, FL_F_EXTRA, fl_span_of(s->extra, s->extra_len));
    return true;
}

/* Where rebuilt bytes go: into a buffer, or against the line that they must equal. */
struct sink {
    struct fl_buf *out; /* NULL: compare */
    struct fl_span line;
    size_t at;
    bool differs;
};

static void emit(struct sink *k, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    if (k->out != NULL) {
        fl_buf_put(k->out, p, n);
        return;
    }
    if (n > k->line.len - k->at) {
        k->differs = true;
        return;
    }
    if (n == 0 || p == NULL || k->line.ptr == NULL)
        return;
    if (p != k->line.ptr + k->at && memcmp(p, k->line.ptr + k->at, n) != 0)
        k->differs = true;
    k->at += n;
}

static void emit_escaped(struct sink *k, struct fl_span s, char escapes)
{
    size_t from = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char two[2] = {'\\', escape_of(escapes, s.ptr[i])};

        if (two[1] == 0)
            continue;
        emit(k, s.ptr + from, i - from);
        emit(k, two, 2);
        from = i + 1;
    }
    if (from < s.len)
        emit(k, s.ptr + from, s.len - from);
}

static void emit_number(struct sink *k, uint64_t value)
{
    unsigned char digits[20];
    size_t n = sizeof digits;

    do
        digits[--n] = (unsigned char)('0' + value % 10);
    while ((value /= 10) > 0);
    emit(k, digits + n, sizeof digits - n);
}

static bool emit_proto(struct sink *k, uint64_t number, bool capitals)
{
    const char *name = fl_proto_name(number);
    unsigned char text[16];
    size_t n = 0;

    if (name == NULL)
        return false;
    for (; name[n] != '\0' && n < sizeof text; n++)
        text[n] = capitals ? upper((unsigned char)name[n]) : (unsigned char)name[n];
    emit(k, text, n);
    return true;
}

static bool emit_stamp(struct sink *k, const struct fl_event *ev, enum fl_field f,
                       struct fl_span operands)
{
    const unsigned char *o = operands.ptr;
    struct fl_stamp stamp;
    char text[FL_STAMP_TEXT_BYTES];

    if (operands.len != 4 || fl_fields[f].type != FL_T_TIME || o[1] > 6)
        return false;
    stamp = (struct fl_stamp){.style = (enum fl_stamp_style)o[0],
                              .digits = o[1],
                              .offset_min = (o[2] << 8 | o[3]) - OFFSET_BIAS};
    if (stamp.offset_min < -1439 || stamp.offset_min > 1439)
        return false;
    emit(k, text, fl_stamp_format((int64_t)ev->v[f].num, &stamp, text));
    return true;
}

/* One placeholder for a field with a column. */
static bool emit_field(struct sink *k, const struct fl_event *ev, enum fl_field f, char format,
                       struct fl_cursor *shape)
{
    enum fl_type type = fl_fields[f].type;
    char text[FL_IP_TEXT_BYTES];

    if (!fl_event_has(ev, f))
        return false;
    switch (format) {
    case 's':
        if (type == FL_T_STR)
            emit(k, ev->v[f].str.ptr, ev->v[f].str.len);
        return type == FL_T_STR;
    case 'q':
    case 'c':
    case 'v':
    case 'k':
        if (type == FL_T_STR)
            emit_escaped(k, ev->v[f].str, format);
        return type == FL_T_STR;
    case 'd':
        if (type == FL_T_NUM)
            emit_number(k, ev->v[f].num);
        return type == FL_T_NUM;
    case 'i':
        if (type != FL_T_IP || ev->v[f].str.len != FL_IP_BYTES)
            return false;
        emit(k, text, fl_ip_format(ev->v[f].str.ptr, text));
        return true;
    case 'U':
    case 'u':
        return type == FL_T_NUM && emit_proto(k, ev->v[f].num, format == 'U');
    case 't':
        return emit_stamp(k, ev, f, fl_cursor_bytes(shape, 4));
    default:
        return false;
    }
}

static bool emit_extra(struct sink *k, struct fl_cursor *extra)
{
    struct fl_span text = fl_cursor_lv(extra, FL_STR_MAX);

    if (extra->failed)
        return false;
    emit(k, text.ptr, text.len);
    return true;
}

/* What stands behind an escape byte. */
struct place {
    enum fl_field field;
    char format;
};

static bool read_place(struct fl_cursor *shape, struct place *ret)
{
    unsigned field;

    if (fl_cursor_left(shape) < 2)
        return false;
    field = shape->ptr[0];
    *ret = (struct place){(enum fl_field)(field - FIELD_BIAS), (char)shape->ptr[1]};
    shape->ptr += 2;
    return field >= FIELD_BIAS && field < FL_FIELD_COUNT + FIELD_BIAS;
}

static bool emit_place(struct sink *k, const struct fl_event *ev, struct fl_cursor *shape,
                       struct fl_cursor *extra)
{
    struct place place;

    if (!read_place(shape, &place))
        return false;
    if (place.field == FL_F_EXTRA && (place.format == 'x' || place.format == 'p')) {
        (void)fl_cursor_bytes(shape, place.format == 'x' ? 3 : 2);
        return !shape->failed && emit_extra(k, extra);
    }
    if (place.format == 'x')
        return emit_extra(k, extra);
    return emit_field(k, ev, place.field, place.format, shape);
}

/* Literal bytes up to the next placeholder. False at the end of the shape. */
static struct fl_span read_literal(struct fl_cursor *shape)
{
    const unsigned char *hit = memchr(shape->ptr, FL_SHAPE_ESC, fl_cursor_left(shape));

    return fl_cursor_bytes(shape, hit == NULL ? fl_cursor_left(shape) : (size_t)(hit - shape->ptr));
}

/* False when the parts do not fit together. */
static bool render(const struct fl_event *ev, struct sink *k)
{
    struct fl_cursor shape = fl_cursor_of(fl_event_get_str(ev, FL_F_SHAPE));
    struct fl_cursor extra = fl_cursor_of(fl_event_get_str(ev, FL_F_EXTRA));

    while (!shape.failed && fl_cursor_left(&shape) > 0 && !k->differs) {
        const unsigned char *hit = memchr(shape.ptr, FL_SHAPE_ESC, fl_cursor_left(&shape));
        size_t n = hit == NULL ? fl_cursor_left(&shape) : (size_t)(hit - shape.ptr);

        emit(k, shape.ptr, n);
        shape.ptr += n;
        if (fl_cursor_left(&shape) == 0)
            break;
        shape.ptr++;
        if (fl_cursor_left(&shape) > 0 && *shape.ptr == FL_SHAPE_ESC) {
            emit(k, shape.ptr, 1);
            shape.ptr++;
        } else if (!emit_place(k, ev, &shape, &extra)) {
            return false;
        }
    }
    return (!shape.failed && fl_cursor_done(&extra)) || k->differs;
}

bool fl_shape_check(const struct fl_event *ev, struct fl_span line)
{
    struct sink k = {.line = line};

    return render(ev, &k) && !k.differs && k.at == line.len;
}

int fl_shape_rebuild(const struct fl_event *ev, struct fl_buf *out, struct fl_err *err)
{
    struct sink k = {.out = out};

    if (!fl_event_has(ev, FL_F_SHAPE))
        return fl_err_set(err, FL_E_NOENT, "the row has neither a shape nor its raw line");
    if (!render(ev, &k))
        return fl_err_set(err, FL_E_CORRUPT, "the shape of the line does not fit its fields");
    return fl_buf_status(out, err);
}

/* The name and value of a parameter without a column; at is where its escape byte stands. */
static void give_extra(const struct fl_event *ev, struct place place, const unsigned char *at,
                       struct fl_span operands, struct fl_span value,
                       void (*fn)(void *ctx, struct fl_span name, struct fl_span value), void *ctx)
{
    const unsigned char *o = operands.ptr, *front = ev->v[FL_F_SHAPE].str.ptr;
    struct fl_span name = {NULL, 0}, plain = value;
    char escapes = (char)o[operands.len - 1];

    if (place.format == 'p' && o[0] < FL_SHAPE_NAME_COUNT)
        name = fl_span_str(fl_shape_names[o[0]]);
    else if (place.format == 'x' && o[0] <= at - front && o[1] <= o[0])
        name = fl_span_of(at - o[0], o[1]);
    if (ev->arena != NULL)
        plain = fl_shape_unescape(value, escapes, ev->arena);
    fn(ctx, name, plain.ptr == NULL ? value : plain);
}

void fl_shape_extras(const struct fl_event *ev,
                     void (*fn)(void *ctx, struct fl_span name, struct fl_span value), void *ctx)
{
    struct fl_cursor shape = fl_cursor_of(fl_event_get_str(ev, FL_F_SHAPE));
    struct fl_cursor extra = fl_cursor_of(fl_event_get_str(ev, FL_F_EXTRA));

    while (!shape.failed && fl_cursor_left(&shape) > 0 && fl_cursor_left(&extra) > 0) {
        const unsigned char *at;
        struct fl_span operands = {NULL, 0};
        struct place place;

        (void)read_literal(&shape);
        at = shape.ptr;
        (void)fl_cursor_u8(&shape);
        if (fl_cursor_left(&shape) > 0 && *shape.ptr == FL_SHAPE_ESC) {
            (void)fl_cursor_u8(&shape);
            continue;
        }
        if (!read_place(&shape, &place))
            return;
        if (place.format == 't')
            operands = fl_cursor_bytes(&shape, 4);
        else if (place.field == FL_F_EXTRA)
            operands = fl_cursor_bytes(&shape, place.format == 'x' ? 3 : 2);
        if (place.format == 'x' || place.field == FL_F_EXTRA) {
            struct fl_span value = fl_cursor_lv(&extra, FL_STR_MAX);

            if (shape.failed || extra.failed)
                return;
            if (place.field == FL_F_EXTRA)
                give_extra(ev, place, at, operands, value, fn, ctx);
        }
    }
}
