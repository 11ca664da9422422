/* feed_help.h - read a feed and keep what came: each event as JSON, each refusal as text. */
#ifndef FL_TESTS_FEED_HELP_H
#define FL_TESTS_FEED_HELP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/feed.h"
#include "codec/json.h"
#include "tap.h"

struct feed_got {
    struct fl_buf events;  /* one JSON object a line */
    struct fl_buf refused; /* "what: why" a line */
    struct fl_buf links;   /* a URL a line */
    unsigned event_count, refused_count, link_count;
    bool follow; /* take links, else they are refused */
    int code;
    struct fl_err err;
};

static inline int feed_on_event(void *ctx, const struct fl_world_event *event)
{
    struct feed_got *got = ctx;
    struct fl_json json;

    got->event_count++;
    fl_json_init(&json, &got->events);
    fl_world_event_write(event, &json, NULL);
    fl_buf_put_u8(&got->events, '\n');
    return FL_OK;
}

static inline int feed_on_refused(void *ctx, struct fl_span what, const char *why)
{
    struct feed_got *got = ctx;

    got->refused_count++;
    fl_buf_put_span(&got->refused, what);
    fl_buf_printf(&got->refused, ": %s\n", why);
    return FL_OK;
}

static inline int feed_on_link(void *ctx, struct fl_span url)
{
    struct feed_got *got = ctx;

    got->link_count++;
    fl_buf_put_span(&got->links, url);
    fl_buf_put_u8(&got->links, '\n');
    return FL_OK;
}

static inline void feed_got_init(struct feed_got *got)
{
    memset(got, 0, sizeof *got);
    fl_buf_init(&got->events, (size_t)64 << 20);
    fl_buf_init(&got->refused, (size_t)8 << 20);
    fl_buf_init(&got->links, (size_t)8 << 20);
}

static inline void feed_got_done(struct feed_got *got)
{
    fl_buf_done(&got->events);
    fl_buf_done(&got->refused);
    fl_buf_done(&got->links);
}

static inline void feed_read(const struct fl_feed_source *source, struct fl_span bytes,
                             struct feed_got *got)
{
    const struct fl_event_sink sink = {.event = feed_on_event,
                                       .refused = feed_on_refused,
                                       .link = got->follow ? feed_on_link : NULL,
                                       .ctx = got};

    got->code = fl_feed_read(source, bytes, &sink, &got->err);
    fl_buf_put_u8(&got->events, '\0');
    fl_buf_put_u8(&got->refused, '\0');
    fl_buf_put_u8(&got->links, '\0');
}

static inline bool feed_has(const struct fl_buf *buf, const char *text)
{
    return strstr((const char *)buf->ptr, text) != NULL;
}

/* A table of cases: what goes in, how many events and refusals come, and what they say. */
struct feed_case {
    const char *name, *text;
    unsigned events, refused;
    const char *says[6]; /* each stands in the events, the refusals or the error */
};

static inline void feed_cases(enum fl_feed_format format, const struct feed_case *cases,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct fl_feed_source source = {
            .name = FL_SPAN("test"), .format = format, .received_us = INT64_C(1795291471000000)};
        struct feed_got got;
        char label[200];
        bool good;

        feed_got_init(&got);
        feed_read(&source, fl_span_str(cases[i].text), &got);
        good = got.event_count == cases[i].events && got.refused_count == cases[i].refused;
        for (unsigned k = 0; k < FL_LEN(cases[i].says) && cases[i].says[k] != NULL; k++) {
            bool said = feed_has(&got.events, cases[i].says[k]) ||
                        feed_has(&got.refused, cases[i].says[k]) ||
                        (got.code < 0 && strstr(got.err.text, cases[i].says[k]) != NULL);

            if (!said)
                printf("# does not say: %s\n", cases[i].says[k]);
            good = good && said;
        }
        if (!good)
            printf("# %u events %s# %u refused %s# %s\n", got.event_count, (char *)got.events.ptr,
                   got.refused_count, (char *)got.refused.ptr, got.code < 0 ? got.err.text : "");
        (void)snprintf(label, sizeof label, "%s: %s", fl_feed_format_name(format), cases[i].name);
        CHECK(good, label);
        feed_got_done(&got);
    }
}

#endif
