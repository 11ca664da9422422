/*
 * Any line: it rebuilds to the same bytes, survives a batch unchanged, and its JSON is JSON.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "codec/ecs.h"
#include "codec/line.h"
#include "codec/record.h"
#include "codec/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define RECEIVED_US INT64_C(1795305600000000) /* 2026-11-22 */

static void must(int ok)
{
    if (!ok)
        abort();
}

static void check_fields(const struct fl_event *ev)
{
    must(fl_event_has(ev, FL_F_TIME) && fl_event_has(ev, FL_F_RECEIVED));
    must(fl_event_has(ev, FL_F_RAW) != fl_event_has(ev, FL_F_SHAPE));
    must(fl_event_has(ev, FL_F_FORMAT) ==
         ((fl_event_get_num(ev, FL_F_FLAGS) & FL_ROW_UNPARSED) == 0));
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;

        if (fl_fields[f].type == FL_T_IP)
            must(!fl_event_has(ev, f) || ev->v[f].str.len == 16);
        if (fl_fields[f].type == FL_T_STR)
            must(fl_event_get_str(ev, f).len <= FL_STR_MAX);
    }
}

static void check_rebuild(const struct fl_event *ev, struct fl_span line)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, 2 * FL_LINE_MAX_BYTES);
    must(fl_line_rebuild(ev, &out, NULL) == 0 && fl_span_eq(fl_buf_span(&out), line));
}

static void check_json(const struct fl_event *ev)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_fieldset all = fl_fieldset_all();
    json_t *json;

    fl_buf_init(&out, (size_t)1 << 24);
    must(fl_ecs_json(ev, true, &out, NULL) == 0);
    json =
        json_loadb((const char *)out.ptr, out.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    must(json_is_object(json));
    json_decref(json);
    fl_buf_clear(&out);
    fl_ecs_csv_row(ev, &all, &out);
    must(out.failed == 0 && out.len > 2);
}

static void check_same(const struct fl_event *a, const struct fl_event *b)
{
    must(a->has.bits[0] == b->has.bits[0] && a->has.bits[1] == b->has.bits[1]);
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;

        if (!fl_event_has(a, f))
            continue;
        if (fl_field_is_str(f))
            must(fl_span_eq(a->v[f].str, b->v[f].str));
        else
            must(a->v[f].num == b->v[f].num);
    }
}

static void check_batch(const struct fl_event *ev, struct fl_span line)
{
    static struct fl_batch_writer *writer; /* large: made once */
    FL_AUTO(fl_buf_done) struct fl_buf out;
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_event back = {.arena = &arena};
    struct fl_batch_reader reader;

    fl_buf_init(&out, FL_BATCH_MAX_BYTES);
    fl_arena_init(&arena, (size_t)1 << 20);
    if (writer == NULL)
        must(fl_batch_writer_new(&writer, NULL) == 0);
    must(fl_batch_add(writer, ev, NULL) == 0 && fl_batch_add(writer, ev, NULL) == 0);
    must(fl_batch_finish(writer, &out, NULL) == 0);
    must(fl_batch_read(&reader, fl_buf_span(&out), &arena, NULL) == 0 && reader.shapes < 2);
    for (int i = 0; i < 2; i++) {
        must(fl_batch_next(&reader, &back, NULL) == 1);
        check_same(ev, &back);
    }
    must(fl_batch_next(&reader, &back, NULL) == 0);
    must(reader.rows_left == 0);
    (void)line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_event ev = {.arena = &arena};
    struct fl_span line = fl_span_of(data, n);
    const char *why;

    if (n > FL_LINE_MAX_BYTES)
        return 0;
    fl_arena_init(&arena, (size_t)1 << 22);
    fl_line_parse(line, RECEIVED_US, &ev, &why);
    check_fields(&ev);
    check_rebuild(&ev, line);
    check_json(&ev);
    check_batch(&ev, line);
    if (fl_syslog_is_strict_5424(line))
        must(fl_event_has(&ev, FL_F_PRI)); /* what is strictly right is understood */
    return 0;
}
