/* Any bytes as a delivery of the ring: no crash, and what is taken writes the same bytes again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/delivery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct fl_delivery got; /* large */
    struct fl_buf again;

    if (fl_delivery_get(fl_span_of(data, n), &got, NULL) < 0)
        return 0;
    fl_buf_init(&again, n);
    fl_delivery_put(got.tenant, got.conns, got.count, got.batch, &again);
    if (fl_buf_status(&again, NULL) < 0 || !fl_span_eq(fl_buf_span(&again), fl_span_of(data, n)))
        abort();
    fl_buf_done(&again);
    return 0;
}
