/* Tracks of cyclones; the first bytes tell which kind. */
#include <stdlib.h>

#include "codec/feed.h"
#include "fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    enum fl_feed_format format = FL_FEED_JMA;

    (void)fl_feed_detect(fl_span_of(data, n), &format);
    fuzz_feed(format == FL_FEED_HURDAT2 || format == FL_FEED_IBTRACS ? format : FL_FEED_JMA, NULL,
              data, n);
    return 0;
}
