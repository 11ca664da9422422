/* The JSON form of an event: what is read is written the same each time, and stays within limits.
 */
#include <math.h>
#include <stdlib.h>

#include "fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct fl_world_event event;
    struct fl_arena arena;
    struct fl_err err = {.code = FL_OK};

    fl_arena_init(&arena, (size_t)16 << 20);
    if (fl_world_event_read(fl_span_of(data, n), &arena, &event, &err) == FL_OK) {
        fuzz_must(isnan(event.lat) || fabs(event.lat) <= 90);
        fuzz_must(event.ring_count <= FL_EVENT_RINGS_MAX && event.fix_count <= FL_EVENT_FIXES_MAX);
        (void)fuzz_on_event(NULL, &event);
    } else {
        fuzz_must(err.code < 0 && err.text[0] != '\0');
    }
    fl_arena_done(&arena);
    return 0;
}
