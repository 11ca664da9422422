#include "codec/cef.h"

#include <string.h>

enum { PIPES = 7, HEADER_MAX_BYTES = 2048 };

static const struct fl_param rows[] = {
    FL_PARAM("proto", FL_F_PROTO),
    FL_PARAM("src", FL_F_SRC_IP),
    FL_PARAM("spt", FL_F_SRC_PORT),
    FL_PARAM("dst", FL_F_DST_IP),
    FL_PARAM("dpt", FL_F_DST_PORT),
    FL_PARAM("act", FL_F_VERDICT),
    FL_PARAM("app", FL_F_APP_OUTER),
    FL_PARAM("sourceTranslatedAddress", FL_F_SRC_NAT_IP),
    FL_PARAM("sourceTranslatedPort", FL_F_SRC_NAT_PORT),
    FL_PARAM("destinationTranslatedAddress", FL_F_DST_NAT_IP),
    FL_PARAM("destinationTranslatedPort", FL_F_DST_NAT_PORT),
    FL_PARAM("suser", FL_F_USER),
    FL_PARAM("spriv", FL_F_ROLES),
    FL_PARAM("in", FL_F_IN_BYTES),
    FL_PARAM("out", FL_F_OUT_BYTES),
    FL_PARAM("deviceInboundInterface", FL_F_IN_IF),
    FL_PARAM("deviceOutboundInterface", FL_F_OUT_IF),
    FL_PARAM("reason", FL_F_REASON),
    FL_PARAM("request", FL_F_URL),
    FL_PARAM("fname", FL_F_FILE),
    FL_PARAM("fileHash", FL_F_FILE_SHA256),
    FL_PARAM("dvchost", FL_F_HOST),
    FL_PARAM("dvcpid", FL_F_PROCID),
    FL_PARAM("deviceProcessName", FL_F_PROGRAM),
    FL_PARAM("rt", FL_F_TIME),
    FL_PARAM("msg", FL_F_MESSAGE),
    FL_PARAM("UNIFIutcTime", FL_F_TIME),
    FL_PARAM("UNIFIpolicyName", FL_F_POLICY),
    FL_PARAM("UNIFIsrcZone", FL_F_SRC_ZONE),
    FL_PARAM("UNIFIdstZone", FL_F_DST_ZONE),
    FL_PARAM("UNIFIipsSignature", FL_F_THREAT),
};
static const struct fl_params params = {rows, FL_LEN(rows)};

static unsigned char at(const struct fl_parse *p, size_t i)
{
    return i < p->line.len ? p->line.ptr[i] : 0;
}

/* The next | that has no backslash before it; line.len when there is none near. */
static size_t find_pipe(const struct fl_parse *p, size_t i)
{
    size_t stop = p->line.len - i > HEADER_MAX_BYTES ? i + HEADER_MAX_BYTES : p->line.len;

    for (; i < stop; i++) {
        if (p->line.ptr[i] == '\\')
            i++;
        else if (p->line.ptr[i] == '|')
            return i;
    }
    return p->line.len;
}

/* Where the seven pipes stand. */
static bool find_header(const struct fl_parse *p, size_t i, size_t ret[PIPES])
{
    if (at(p, i) == 'C' && p->line.len - i > 4 && memcmp(p->line.ptr + i, "CEF:", 4) == 0)
        i += 4;
    while (at(p, i) == ' ')
        i++;
    if (at(p, i) < '0' || at(p, i) > '9' || at(p, i + 1) != '|')
        return false;
    for (size_t k = 0; k < PIPES; k++) {
        ret[k] = find_pipe(p, i);
        if (ret[k] == p->line.len)
            return false;
        i = ret[k] + 1;
    }
    return true;
}

static bool is_key_char(unsigned char c)
{
    unsigned char letter = c | 0x20;

    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-' || c == '[' || c == ']';
}

/* key= at i? Then *ret_eq is where the = stands. */
static bool is_key(const struct fl_parse *p, size_t i, size_t *ret_eq)
{
    size_t from = i;

    while (is_key_char(at(p, i)))
        i++;
    *ret_eq = i;
    return i > from && at(p, i) == '=';
}

/* Where the value at from ends: at the blanks before the next key, or at the end of the line. */
static size_t find_value_end(const struct fl_parse *p, size_t from)
{
    size_t i = from, eq;

    while (i < p->line.len) {
        const unsigned char *blank = memchr(p->line.ptr + i, ' ', p->line.len - i);

        if (blank == NULL)
            return p->line.len;
        i = (size_t)(blank - p->line.ptr);
        if (is_key(p, i + 1, &eq))
            return i;
        i = eq > i + 1 ? eq : i + 1;
    }
    return p->line.len;
}

static void read_extension(struct fl_parse *p, size_t i)
{
    size_t hint = 0, eq, to;

    for (; i < p->line.len; i = to) {
        while (at(p, i) == ' ')
            i++;
        if (i == p->line.len)
            return;
        if (!is_key(p, i, &eq)) {
            fl_shape_named(&p->shape, i, p->line.len, FL_SHAPE_REST, 'v');
            return;
        }
        to = find_value_end(p, eq + 1);
        (void)fl_value_put(
            p, fl_param_field(&params, fl_parse_span(p, i, eq), (struct fl_span){NULL, 0}, &hint),
            (struct fl_slot){
                .from = eq + 1, .to = to, .name = i, .name_len = eq - i, .escapes = 'v'});
    }
}

bool fl_cef_parse(struct fl_parse *p)
{
    static const struct {
        enum fl_field field;
        enum fl_shape_name name;
    } header[PIPES - 1] = {
        {FL_F_VENDOR, FL_SHAPE_REST},
        {FL_F_PRODUCT, FL_SHAPE_REST},
        {FL_FIELD_COUNT, FL_SHAPE_DEVICE_VERSION},
        {FL_F_TAG, FL_SHAPE_REST},
        {FL_FIELD_COUNT, FL_SHAPE_NAME},
        {FL_F_SEVERITY, FL_SHAPE_REST},
    };
    size_t pipe[PIPES];

    if (!find_header(p, p->body, pipe))
        return false;
    for (size_t k = 0; k + 1 < PIPES; k++)
        (void)fl_value_put(
            p, header[k].field,
            (struct fl_slot){
                .from = pipe[k] + 1, .to = pipe[k + 1], .known = header[k].name, .escapes = 'c'});
    read_extension(p, pipe[PIPES - 1] + 1);
    if (!fl_event_has(p->ev, FL_F_MESSAGE)) { /* then the name says it */
        struct fl_span name = fl_parse_span(p, pipe[4] + 1, pipe[5]);

        name = fl_shape_unescape(name, 'c', p->ev->arena);
        if (name.len > 0)
            fl_event_str(p->ev, FL_F_MESSAGE, name);
    }
    return true;
}
