/* fuzz_feed.h - read a feed; each event it gives must be one that the strict reader of its JSON
 * takes, and that comes out of it the same. */
#ifndef FL_TESTS_FUZZ_FEED_H
#define FL_TESTS_FUZZ_FEED_H

#include <stdlib.h>

#include "codec/feed.h"
#include "codec/json.h"

static inline void fuzz_must(int good)
{
    if (!good)
        abort();
}

static inline void fuzz_write(const struct fl_world_event *event, struct fl_buf *out)
{
    struct fl_json json;

    fl_buf_init(out, (size_t)16 << 20);
    fl_json_init(&json, out);
    fl_world_event_write(event, &json, NULL);
}

static inline int fuzz_on_event(void *ctx, const struct fl_world_event *event)
{
    static struct fl_world_event back;
    struct fl_buf first, second;
    struct fl_arena arena;

    (void)ctx;
    fuzz_must(event->id_count > 0 && event->ids[0].len > 0);
    fuzz_write(event, &first);
    if (first.len <= FL_EVENT_JSON_MAX) {
        fl_arena_init(&arena, (size_t)16 << 20);
        fuzz_must(fl_world_event_read(fl_buf_span(&first), &arena, &back, NULL) == FL_OK);
        fuzz_write(&back, &second);
        fuzz_must(fl_span_eq(fl_buf_span(&first), fl_buf_span(&second)));
        fl_buf_done(&second);
        fl_arena_done(&arena);
    }
    fl_buf_done(&first);
    return FL_OK;
}

static inline int fuzz_on_refused(void *ctx, struct fl_span what, const char *why)
{
    (void)ctx;
    fuzz_must(what.len > 0 && why[0] != '\0');
    return FL_OK;
}

static inline void fuzz_feed(enum fl_feed_format format, const struct fl_event_map *map,
                             const uint8_t *data, size_t n)
{
    const struct fl_event_sink sink = {.event = fuzz_on_event, .refused = fuzz_on_refused};
    const struct fl_feed_source source = {.name = FL_SPAN("fuzz"),
                                          .format = format,
                                          .map = map,
                                          .received_us = INT64_C(1795291471000000)};
    struct fl_err err = {.code = FL_OK};

    if (fl_feed_read(&source, fl_span_of(data, n), &sink, &err) < 0)
        fuzz_must(err.code < 0 && err.text[0] != '\0');
}

#endif
