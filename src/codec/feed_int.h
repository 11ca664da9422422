/* feed_int.h - what the readers of feeds share (feed.c); of use to nobody else. */
#ifndef FL_CODEC_FEED_INT_H
#define FL_CODEC_FEED_INT_H

#include <jansson.h>

#include "codec/feed.h"

#define FL_FEED_ARENA_MAX ((size_t)16 << 20) /* of one event */

/* A reading under way. The arena holds one event and is cleared before the next. */
struct fl_feed_run {
    const struct fl_feed_source *source;
    const struct fl_event_sink *sink;
    struct fl_arena arena;
    struct fl_err *err;
};

/* Hand the event to the sink, after what all readers do: feed, received time, thinning. */
int fl_feed_emit(struct fl_feed_run *run, struct fl_world_event *event) FL_MUST_CHECK;
/* Tell the sink that `what` is refused; the sink's answer. */
int fl_feed_refuse(struct fl_feed_run *run, struct fl_span what, const char *fmt, ...)
    FL_PRINTF(3, 4) FL_MUST_CHECK;

/* "prefix" and text in the arena, at most FL_EVENT_ID_MAX; ptr NULL: too long or no memory. */
struct fl_span fl_feed_name(struct fl_arena *arena, const char *prefix, struct fl_span text);
/* A name of the event; nothing happens with an empty text. */
void fl_feed_add_id(struct fl_arena *arena, struct fl_world_event *event, const char *prefix,
                    struct fl_span text);
struct fl_span fl_feed_lower(struct fl_arena *arena, struct fl_span text);
struct fl_span fl_feed_trim(struct fl_span text);
/* http:// and https:// without blanks; else the empty span. */
struct fl_span fl_feed_url(struct fl_span text);

/* The whole span is one finite decimal number. */
bool fl_feed_number(struct fl_span text, double *ret);
/* RFC 3339, or the same without a zone (UTC). */
bool fl_feed_time(struct fl_span text, int64_t *ret_us);
/* RFC 822 as RSS has it: "Mon, 30 Dec 2019 01:35:11 GMT". */
bool fl_feed_time_822(struct fl_span text, int64_t *ret_us);

/* FL_E_INVAL with line and reason. */
int fl_feed_json(struct fl_span bytes, json_t **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_feed_json_freep(json_t **json); /* fit for FL_AUTO */
/* Members of an object: "" and NAN for what is absent, null or of another kind. */
struct fl_span fl_feed_js_text(const json_t *object, const char *key, struct fl_arena *arena,
                               size_t max);
double fl_feed_js_num(const json_t *object, const char *key);

/* The word's index in a list that ends with NULL, without regard to case; -1: none of them. */
int fl_feed_word(struct fl_span text, const char *const *words);

#endif
