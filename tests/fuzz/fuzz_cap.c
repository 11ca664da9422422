/* Alerts in CAP, and what they come in; signatures are looked at, nobody is known. */
#include <stdlib.h>

#include "codec/feed.h"
#include "fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_feed(FL_FEED_CAP, NULL, data, n);
    return 0;
}
