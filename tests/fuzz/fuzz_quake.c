/* Earthquakes of the USGS. */
#include <stdlib.h>

#include "codec/feed.h"
#include "fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_feed(FL_FEED_USGS, NULL, data, n);
    return 0;
}
