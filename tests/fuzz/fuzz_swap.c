/* Any bytes as a .swap file: what is taken is written back as it was. */
#include <stdlib.h>
#include <string.h>

#include "logs/store_swap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fl_swap swap;
    struct fl_buf out;

    if (fl_swap_decode(fl_span_of(data, size), &swap, NULL) < 0)
        return 0;
    fl_buf_init(&out, FL_SWAP_MAX_BYTES);
    fl_swap_encode(&swap, &out);
    /* unknown flags are not kept */
    if (out.len != size || memcmp(out.ptr, data, 10) != 0 ||
        memcmp(out.ptr + 12, data + 12, size - 16) != 0)
        abort();
    fl_buf_done(&out);
    return 0;
}
