/* GDACS, as RSS and as JSON. */
#include <stdlib.h>

#include "codec/feed.h"
#include "fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 0)
        fuzz_feed(data[0] == '<' ? FL_FEED_GDACS : FL_FEED_GDACS_JSON, NULL, data, n);
    return 0;
}
