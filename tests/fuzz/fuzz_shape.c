/* A row whose shape and texts come from a damaged store: rebuilt or refused, never a crash. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "codec/ecs.h"
#include "codec/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void count(void *ctx, struct fl_span name, struct fl_span value)
{
    size_t *bytes = ctx;

    for (size_t i = 0; i < name.len; i++)
        *bytes += name.ptr[i];
    for (size_t i = 0; i < value.len; i++)
        *bytes += value.ptr[i];
}

static void fill(struct fl_event *ev, struct fl_span text)
{
    static const unsigned char ip[16] = {0x20, 1, 0x0d, 0xb8};

    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;

        if (f == FL_F_RAW || f == FL_F_SHAPE || f == FL_F_EXTRA || i % 7 == 5)
            continue;
        if (fl_fields[f].type == FL_T_IP)
            fl_event_str(ev, f, fl_span_of(ip, sizeof ip));
        else if (fl_fields[f].type == FL_T_STR)
            fl_event_str(ev, f, text);
        else
            fl_event_num(ev, f, text.len == 0 ? (uint64_t)INT64_MIN : UINT64_MAX / text.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_event ev = {.arena = &arena};
    size_t extra, bytes = 0;
    json_t *json;

    fl_arena_init(&arena, (size_t)1 << 20);
    fl_buf_init(&out, (size_t)1 << 22);
    if (n < 1)
        return 0;
    extra = data[0] < n - 1 ? data[0] : n - 1;
    fill(&ev, fl_span_of(data + 1, extra < 8 ? extra : 8));
    fl_event_str(&ev, FL_F_EXTRA, fl_span_of(data + 1, extra));
    fl_event_str(&ev, FL_F_SHAPE, fl_span_of(data + 1 + extra, n - 1 - extra));
    if (fl_line_rebuild(&ev, &out, NULL) == 0 && out.failed != 0)
        abort();
    fl_line_extras(&ev, count, &bytes);
    fl_buf_clear(&out);
    if (fl_ecs_json(&ev, false, &out, NULL) == 0) {
        json = json_loadb((const char *)out.ptr, out.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
                          NULL);
        if (!json_is_object(json))
            abort();
        json_decref(json);
    }
    return 0;
}
