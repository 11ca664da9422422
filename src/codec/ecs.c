#include "codec/ecs.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "codec/ip.h"
#include "codec/json.h"
#include "codec/line.h"

enum { EXTRAS_COMPARED = 64, NS_PER_S = 1000000000 };

/* All fields but FL_F_SHAPE by their ECS name, so that what shares an object stands together. */
static const uint8_t order[] = {
    FL_F_TIME,       FL_F_IN_BYTES,  FL_F_DST_IP,     FL_F_DST_NAT_IP,   FL_F_DST_NAT_PORT,
    FL_F_IN_PACKETS, FL_F_DST_PORT,  FL_F_ACTION,     FL_F_TAG,          FL_F_DURATION,
    FL_F_RECEIVED,   FL_F_FORMAT,    FL_F_RAW,        FL_F_REASON,       FL_F_SEQ,
    FL_F_START,      FL_F_APP_OUTER, FL_F_CATEGORY,   FL_F_BYTES_DOWN,   FL_F_BYTES_UP,
    FL_F_EXTRA,      FL_F_JITTER_US, FL_F_LOSS_PCT,   FL_F_APP_NESTED,   FL_F_PROFILE,
    FL_F_INSTANCE,   FL_F_RTT_US,    FL_F_RULE,       FL_F_SECONDS,      FL_F_SESSION,
    FL_F_SESSIONS,   FL_F_SLA_RULE,  FL_F_VIOLATION,  FL_F_FILE_SHA256,  FL_F_FILE,
    FL_F_PROGRAM,    FL_F_HOST,      FL_F_PRI,        FL_F_PROCID,       FL_F_MESSAGE,
    FL_F_APP,        FL_F_BYTES,     FL_F_PROTO,      FL_F_PACKETS,      FL_F_OUT_IF,
    FL_F_DST_ZONE,   FL_F_SITE,      FL_F_IN_IF,      FL_F_SRC_ZONE,     FL_F_DEVICE,
    FL_F_PRODUCT,    FL_F_VENDOR,    FL_F_VERDICT,    FL_F_POLICY,       FL_F_SERVICE,
    FL_F_OUT_BYTES,  FL_F_SRC_IP,    FL_F_SRC_NAT_IP, FL_F_SRC_NAT_PORT, FL_F_OUT_PACKETS,
    FL_F_SRC_PORT,   FL_F_FLAGS,     FL_F_THREAT,     FL_F_SEVERITY,     FL_F_URL_CATEGORY,
    FL_F_HOSTNAME,   FL_F_URL,       FL_F_URL_PATH,   FL_F_DOMAIN,       FL_F_USER,
    FL_F_ROLES,
};
_Static_assert(FL_LEN(order) == FL_FIELD_COUNT - 1, "every field but the shape has its place");

static void put_flags(struct fl_json *j, const char *key, uint64_t flags)
{
    fl_json_array(j, key);
    for (size_t i = 0; fl_row_flag_names[i] != NULL; i++) {
        if ((flags >> i & 1) != 0)
            fl_json_text(j, NULL, fl_row_flag_names[i]);
    }
    fl_json_end(j);
}

/* Names that an object has already; beyond the limit every name counts as had. */
struct extras {
    struct fl_json *j;
    struct fl_span names[EXTRAS_COMPARED];
    size_t count;
};

static bool has_name(const struct extras *x, struct fl_span name)
{
    if (x->count > EXTRAS_COMPARED)
        return true;
    for (size_t i = 0; i + 1 < x->count; i++) {
        if (fl_span_eq(x->names[i], name))
            return true;
    }
    return false;
}

static void put_extra(void *ctx, struct fl_span name, struct fl_span value)
{
    struct extras *x = ctx;

    if (name.len == 0 || memchr(name.ptr, '\0', name.len) != NULL) /* jansson refuses NUL in keys */
        name = FL_SPAN("unnamed");
    if (x->count < EXTRAS_COMPARED)
        x->names[x->count] = name;
    x->count++;
    if (has_name(x, name)) {
        char key[288];
        int n = snprintf(key, sizeof key, "%.*s#%zu", (int)(name.len < 255 ? name.len : 255),
                         (const char *)name.ptr, x->count);

        fl_json_key_span(x->j, fl_span_of(key, (size_t)n));
    } else {
        fl_json_key_span(x->j, name);
    }
    fl_json_str(x->j, NULL, value);
}

static void count_extra(void *ctx, struct fl_span name, struct fl_span value)
{
    size_t *count = ctx;

    (void)name;
    (void)value;
    ++*count;
}

/* FL_F_EXTRA may hold nothing but texts of other columns. */
static bool has_extras(const struct fl_event *ev)
{
    size_t count = 0;

    if (fl_event_has(ev, FL_F_EXTRA))
        fl_line_extras(ev, count_extra, &count);
    return count > 0;
}

static void put_extras(struct fl_json *j, const char *key, const struct fl_event *ev)
{
    struct extras x = {.j = j};

    fl_json_object(j, key);
    fl_line_extras(ev, put_extra, &x);
    fl_json_end(j);
}

static uint64_t in_ns(uint64_t seconds)
{
    return seconds > UINT64_MAX / NS_PER_S ? UINT64_MAX : seconds * NS_PER_S;
}

/* event.original: the line as received, rebuilt where it is not kept. */
static int put_original(struct fl_json *j, const char *key, const struct fl_event *ev,
                        struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf line;
    int r;

    fl_buf_init(&line, 4 * FL_STR_MAX);
    r = fl_line_rebuild(ev, &line, err);
    if (r == 0)
        fl_json_str(j, key, fl_buf_span(&line));
    return r;
}

static void put_value(struct fl_json *j, const char *key, const struct fl_event *ev,
                      enum fl_field f)
{
    if (f == FL_F_FLAGS) {
        put_flags(j, key, ev->v[f].num);
        return;
    }
    if (f == FL_F_EXTRA) {
        put_extras(j, key, ev);
        return;
    }
    switch (fl_fields[f].type) {
    case FL_T_NUM:
        fl_json_u64(j, key, f == FL_F_DURATION ? in_ns(ev->v[f].num) : ev->v[f].num);
        break;
    case FL_T_TIME:
        fl_json_time(j, key, (int64_t)ev->v[f].num);
        break;
    case FL_T_STR:
        fl_json_str(j, key, ev->v[f].str);
        break;
    case FL_T_IP:
        if (ev->v[f].str.len == FL_IP_BYTES)
            fl_json_ip(j, key, ev->v[f].str.ptr);
        else /* hidden in part (logs/mask.h) */
            fl_json_str(j, key, ev->v[f].str);
        break;
    }
}

/* Bytes up to and with the last dot that a and b share. */
static size_t shared_path(const char *a, const char *b)
{
    size_t shared = 0;

    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
        if (a[i] == '.')
            shared = i + 1;
    }
    return shared;
}

/* Close and open objects so that the path of `next` can be written after `last`; returns its key.
 */
static const char *move_to(struct fl_json *j, const char *last, const char *next)
{
    size_t shared = shared_path(last, next);
    const char *dot;

    for (dot = last + shared; (dot = strchr(dot, '.')) != NULL; dot++)
        fl_json_end(j);
    for (next += shared; (dot = strchr(next, '.')) != NULL; next = dot + 1) {
        fl_json_key_span(j, fl_span_of(next, (size_t)(dot - next)));
        fl_json_object(j, NULL);
    }
    return next;
}

static void put_error(struct fl_json *j, const struct fl_event *ev, const char *why)
{
    if ((fl_event_get_num(ev, FL_F_FLAGS) & FL_ROW_UNPARSED) == 0)
        return;
    fl_json_object(j, "error");
    fl_json_text(j, "message",
                 why != NULL && why[0] != '\0' ? why : "no parser understood the line");
    fl_json_end(j);
}

static int put_row(const struct fl_event *ev, bool with_original, const char *why, const char *id,
                   struct fl_buf *out, struct fl_err *err)
{
    struct fl_json j;
    const char *path = "", *key;
    int r = 0;

    fl_json_init(&j, out);
    fl_json_object(&j, NULL);
    for (size_t i = 0; i < FL_LEN(order) && r == 0; i++) {
        enum fl_field f = (enum fl_field)order[i];

        if (f == FL_F_RAW ? !with_original : !fl_event_has(ev, f))
            continue;
        if (f == FL_F_EXTRA && !has_extras(ev))
            continue;
        key = move_to(&j, path, fl_fields[f].ecs);
        path = fl_fields[f].ecs;
        if (f == FL_F_RAW)
            r = put_original(&j, key, ev, err);
        else
            put_value(&j, key, ev, f);
        if (f == FL_F_SEQ && id != NULL)
            fl_json_text(&j, "id", id); /* beside event.sequence */
    }
    if (r < 0)
        return r;
    (void)move_to(&j, path, "");
    put_error(&j, ev, why);
    fl_json_end(&j);
    return fl_buf_status(out, err);
}

int fl_ecs_json(const struct fl_event *ev, bool with_original, struct fl_buf *out,
                struct fl_err *err)
{
    return put_row(ev, with_original, NULL, NULL, out, err);
}

int fl_ecs_json_why(const struct fl_event *ev, bool with_original, const char *why,
                    struct fl_buf *out, struct fl_err *err)
{
    return put_row(ev, with_original, why, NULL, out, err);
}

int fl_ecs_json_id(const struct fl_event *ev, bool with_original, const char *id,
                   struct fl_buf *out, struct fl_err *err)
{
    return put_row(ev, with_original, NULL, id, out, err);
}

/* A cell, quoted where RFC 4180 asks for it, and made harmless for spreadsheets. */
static void put_cell(struct fl_buf *out, struct fl_span s)
{
    bool guard = s.len > 0 && memchr("=+-@\t\r", s.ptr[0], 6) != NULL, quote = false;

    for (size_t i = 0; i < s.len && !quote; i++)
        quote = memchr(",\"\r\n", s.ptr[i], 4) != NULL;
    if (quote)
        fl_buf_put(out, "\"", 1);
    if (guard)
        fl_buf_put(out, "'", 1);
    for (size_t from = 0; from < s.len;) {
        const unsigned char *hit = memchr(s.ptr + from, '"', s.len - from);
        size_t to = hit == NULL ? s.len : (size_t)(hit - s.ptr) + 1;

        fl_buf_put(out, s.ptr + from, to - from);
        if (hit != NULL)
            fl_buf_put(out, "\"", 1);
        from = to;
    }
    if (quote)
        fl_buf_put(out, "\"", 1);
}

static void put_flags_cell(struct fl_buf *out, uint64_t flags)
{
    const char *between = "";

    for (size_t i = 0; fl_row_flag_names[i] != NULL; i++) {
        if ((flags >> i & 1) == 0)
            continue;
        fl_buf_put_str(out, between);
        fl_buf_put_str(out, fl_row_flag_names[i]);
        between = " ";
    }
}

/* The two fields whose text must be made first. */
static void put_made_cell(struct fl_buf *out, const struct fl_event *ev, enum fl_field f)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, 16 * FL_STR_MAX);
    if (f == FL_F_EXTRA) {
        struct fl_json j;

        fl_json_init(&j, &text);
        put_extras(&j, NULL, ev);
    } else if (fl_line_rebuild(ev, &text, NULL) < 0) {
        return;
    }
    if (text.failed == 0)
        put_cell(out, fl_buf_span(&text));
    else if (out->failed == 0)
        out->failed = text.failed;
}

static void put_field_cell(struct fl_buf *out, const struct fl_event *ev, enum fl_field f)
{
    char text[FL_IP_TEXT_BYTES + FL_TIME_TEXT_BYTES];

    if (f == FL_F_FLAGS) {
        put_flags_cell(out, ev->v[f].num);
        return;
    }
    switch (fl_fields[f].type) {
    case FL_T_NUM:
        fl_buf_printf(
            out, "%llu",
            (unsigned long long)(f == FL_F_DURATION ? in_ns(ev->v[f].num) : ev->v[f].num));
        break;
    case FL_T_TIME:
        fl_time_format((int64_t)ev->v[f].num, text);
        fl_buf_put_str(out, text);
        break;
    case FL_T_STR:
        put_cell(out, ev->v[f].str);
        break;
    case FL_T_IP:
        if (ev->v[f].str.len == FL_IP_BYTES)
            put_cell(out, fl_span_of(text, fl_ip_format(ev->v[f].str.ptr, text)));
        else
            put_cell(out, ev->v[f].str);
        break;
    }
}

void fl_ecs_csv_head(const struct fl_fieldset *set, struct fl_buf *out)
{
    const char *between = "";

    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        if (!fl_fieldset_has(set, (enum fl_field)i) || i == FL_F_SHAPE)
            continue;
        fl_buf_put_str(out, between);
        fl_buf_put_str(out, fl_fields[i].ecs);
        between = ",";
    }
    fl_buf_put_str(out, "\r\n");
}

void fl_ecs_csv_row(const struct fl_event *ev, const struct fl_fieldset *set, struct fl_buf *out)
{
    const char *between = "";

    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;

        if (!fl_fieldset_has(set, f) || f == FL_F_SHAPE)
            continue;
        fl_buf_put_str(out, between);
        between = ",";
        if (f == FL_F_RAW || (f == FL_F_EXTRA && has_extras(ev)))
            put_made_cell(out, ev, f);
        else if (f != FL_F_EXTRA && fl_event_has(ev, f))
            put_field_cell(out, ev, f);
    }
    fl_buf_put_str(out, "\r\n");
}
