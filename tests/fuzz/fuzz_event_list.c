/* Lists of events: up to the first NUL a mapping, behind it JSON or CSV; without one all is a list.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/event_list.h"
#include "fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum fl_feed_format format_of(const uint8_t *data, size_t n)
{
    return n > 0 && (data[0] == '[' || data[0] == '{') ? FL_FEED_JSON : FL_FEED_CSV;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *end = n == 0 ? NULL : memchr(data, 0, n);
    struct fl_event_map *map = NULL;
    struct fl_err err = {.code = FL_OK};
    size_t front;

    if (end == NULL) {
        fuzz_feed(format_of(data, n), NULL, data, n);
        return 0;
    }
    front = (size_t)(end - data);
    if (fl_event_map_new(fl_span_of(data, front), &map, &err) < 0) {
        fuzz_must(err.text[0] != '\0');
        return 0;
    }
    fuzz_feed(format_of(end + 1, n - front - 1), map, end + 1, n - front - 1);
    fl_event_map_free(map);
    return 0;
}
