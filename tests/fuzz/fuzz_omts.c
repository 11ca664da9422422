/* Graphs of supply from outside. */
#include "codec/omts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_buf csv[FL_OMTS_TABLES];
    struct fl_err err;
    unsigned left;

    for (int i = 0; i < FL_OMTS_TABLES; i++)
        fl_buf_init(&csv[i], (size_t)1 << 16);
    (void)!fl_omts_read(fl_span_of(data, size), csv, &left, &err);
    for (int i = 0; i < FL_OMTS_TABLES; i++)
        fl_buf_done(&csv[i]);
    return 0;
}
