#include "codec/line.h"

#include "codec/cef.h"
#include "codec/derive.h"
#include "codec/fortigate.h"
#include "codec/junos.h"
#include "codec/sd.h"
#include "codec/shape.h"
#include "codec/syslog.h"

/*
 * The formats. The first that takes the body has it; what parse() did is undone when it returns
 * false. Junos is first because its structured data is its own; other elements are taken off the
 * body before the rest look at it. A further vendor is one row.
 */
static const struct fl_body_parser {
    const char *name; /* FL_F_FORMAT */
    bool (*parse)(struct fl_parse *p);
} parsers[] = {
    {"junos", fl_junos_parse},
    {"rtflow", fl_rtflow_parse},
    {"cef", fl_cef_parse},
    {"fortigate", fl_fortigate_parse},
};

/* Structured data of anybody but Junos: kept by name; the body is what stands behind it. */
static void read_data(struct fl_parse *p)
{
    const struct fl_parse_mark mark = fl_parse_mark(p);
    bool whole;
    size_t end;

    if (!p->structured || p->body == p->line.len || p->line.ptr[p->body] != '[')
        return;
    end = fl_sd_parse(p, p->body, NULL, &whole);
    if (!whole) { /* no structured data after all */
        fl_parse_back(p, &mark);
        return;
    }
    while (end < p->line.len && p->line.ptr[end] == ' ')
        end++;
    p->body = end;
}

static bool parse_body(struct fl_parse *p)
{
    for (size_t i = 0; i < FL_LEN(parsers); i++) {
        const struct fl_parse_mark mark = fl_parse_mark(p);

        if (parsers[i].parse(p)) {
            fl_event_str(p->ev, FL_F_FORMAT, fl_span_str(parsers[i].name));
            return true;
        }
        fl_parse_back(p, &mark);
        if (i == 0)
            read_data(p);
    }
    if (!p->has_header)
        return false;
    fl_value_message(p, p->body, p->line.len);
    fl_event_str(p->ev, FL_F_FORMAT, FL_SPAN("syslog"));
    return true;
}

static void keep_whole(struct fl_parse *p)
{
    fl_event_clear(p->ev);
    fl_event_time(p->ev, FL_F_RECEIVED, p->received_us);
    fl_event_time(p->ev, FL_F_TIME, p->received_us);
    fl_event_flag(p->ev, FL_ROW_UNPARSED | FL_ROW_NO_TIME);
    fl_event_str(p->ev, FL_F_RAW, p->line);
}

void fl_line_parse(struct fl_span line, int64_t received_us, struct fl_event *ev,
                   const char **ret_why)
{
    struct fl_parse p = {.line = line, .received_us = received_us, .ev = ev};
    const char *why = "";

    fl_event_clear(ev);
    fl_event_time(ev, FL_F_RECEIVED, received_us);
    *ret_why = "";
    if (line.len == 0 || line.len > FL_LINE_MAX_BYTES) {
        *ret_why = line.len == 0 ? "the line is empty" : "the line is over 64 KiB";
        keep_whole(&p);
        return;
    }
    fl_shape_begin(&p.shape, line, ev->arena);
    (void)fl_syslog_head(&p, &why);
    if (!parse_body(&p)) {
        *ret_why = why;
        keep_whole(&p);
        return;
    }
    if (!fl_shape_end(&p.shape, ev) || !fl_shape_check(ev, line)) {
        fl_fieldset_drop(&ev->has, FL_F_SHAPE);
        fl_fieldset_drop(&ev->has, FL_F_EXTRA);
        fl_event_str(ev, FL_F_RAW, line);
        fl_event_flag(ev, FL_ROW_RAW_KEPT);
    }
    fl_derive(&p);
}

int fl_line_rebuild(const struct fl_event *ev, struct fl_buf *out, struct fl_err *err)
{
    if (fl_event_has(ev, FL_F_RAW)) {
        fl_buf_put_span(out, ev->v[FL_F_RAW].str);
        return fl_buf_status(out, err);
    }
    return fl_shape_rebuild(ev, out, err);
}

void fl_line_extras(const struct fl_event *ev,
                    void (*fn)(void *ctx, struct fl_span name, struct fl_span value), void *ctx)
{
    fl_shape_extras(ev, fn, ctx);
}
