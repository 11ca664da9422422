/* Any bytes as a batch: refused, or rows that can be used and written again. */
#include <stdint.h>
#include <stdlib.h>

#include "codec/ecs.h"
#include "codec/line.h"
#include "codec/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void use(const struct fl_event *ev)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, (size_t)1 << 20);
    if (fl_line_rebuild(ev, &out, NULL) < 0)
        fl_buf_clear(&out);
    if (fl_ecs_json(ev, true, &out, NULL) < 0)
        return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct fl_batch_writer *writer;
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    FL_AUTO(fl_buf_done) struct fl_buf again;
    struct fl_event ev = {.arena = &arena};
    struct fl_batch_reader reader;
    uint32_t rows = 0;
    int r;

    fl_arena_init(&arena, (size_t)1 << 20);
    fl_buf_init(&again, FL_BATCH_MAX_BYTES);
    if (writer == NULL && fl_batch_writer_new(&writer, NULL) < 0)
        abort();
    if (fl_batch_read(&reader, fl_span_of(data, n), &arena, NULL) < 0)
        return 0;
    while ((r = fl_batch_next(&reader, &ev, NULL)) == 1) {
        if (rows < 16)
            use(&ev);
        if (fl_batch_add(writer, &ev, NULL) < 0)
            break;
        rows++;
    }
    if (fl_batch_rows(writer) != rows || fl_batch_finish(writer, &again, NULL) < 0)
        abort();
    fl_arena_done(&arena);
    if (fl_batch_read(&reader, fl_buf_span(&again), &arena, NULL) < 0)
        abort();
    return 0;
}
