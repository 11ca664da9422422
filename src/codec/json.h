/*
 * json.h - a small streaming JSON writer onto a fl_buf. Reading JSON is jansson's work, not ours.
 *
 * Commas and nesting are kept by the writer; keys are literals of this program. Depth at most 16.
 */
#ifndef FL_CODEC_JSON_H
#define FL_CODEC_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct fl_json {
    struct fl_buf *out; /* borrowed; carries the sticky failure */
    unsigned depth;
    bool comma[17]; /* whether the container at this depth has a member already */
    bool array[17]; /* whether it is an array */
    bool keyed;     /* fl_json_key_span() was called, and its value comes next */
};

void fl_json_init(struct fl_json *j, struct fl_buf *out);
/* key is NULL inside arrays and at the top. */
void fl_json_object(struct fl_json *j, const char *key);
void fl_json_array(struct fl_json *j, const char *key);
void fl_json_end(struct fl_json *j); /* closes the innermost; the writer knows which */
void fl_json_str(struct fl_json *j, const char *key,
                 struct fl_span value); /* escapes; bad UTF-8 -> U+FFFD */
void fl_json_text(struct fl_json *j, const char *key, const char *value); /* NULL writes null */
void fl_json_u64(struct fl_json *j, const char *key, uint64_t value);
void fl_json_i64(struct fl_json *j, const char *key, int64_t value);
void fl_json_f64(struct fl_json *j, const char *key, double value); /* not finite writes null */
void fl_json_bool(struct fl_json *j, const char *key, bool value);
void fl_json_null(struct fl_json *j, const char *key);
void fl_json_time(struct fl_json *j, const char *key, int64_t us); /* RFC 3339 UTC, microseconds */
void fl_json_ip(struct fl_json *j, const char *key,
                const unsigned char ip[16]); /* v4-mapped as a.b.c.d */
void fl_json_key_span(struct fl_json *j,
                      struct fl_span key); /* a key from outside, then one value with key NULL */

#endif
