/* Any bytes as a batch: refused, or rows that are the same as columns, can be used, and come back
 * when they are written again. */
#include <stdint.h>
#include <stdlib.h>

#include "codec/ecs.h"
#include "codec/line.h"
#include "codec/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool so)
{
    if (!so)
        abort();
}

static void use(const struct fl_event *ev)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, (size_t)1 << 20);
    if (fl_line_rebuild(ev, &out, NULL) < 0)
        fl_buf_clear(&out);
    if (fl_ecs_json(ev, true, &out, NULL) < 0)
        return;
}

static void check_row(const struct fl_batch_view *view, uint32_t row, const struct fl_event *ev)
{
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        const struct fl_batch_col *col = &view->col[i];
        bool there = fl_event_has(ev, (enum fl_field)i);

        if (col->present == 0) {
            must(!there && col->num == NULL && col->code == NULL && col->has == NULL);
        } else if (fl_field_is_str((enum fl_field)i)) {
            must(col->code[row] < col->word_count && there == (col->code[row] != 0));
            must(!there || fl_span_eq(col->words[col->code[row]], ev->v[i].str));
            must(!there || ev->v[i].str.len <= FL_STR_MAX);
        } else {
            must(there == (col->has == NULL || (col->has[row / 8] >> (row % 8) & 1) != 0));
            must(col->num[row] == (there ? ev->v[i].num : 0));
        }
    }
}

/* Rows and columns of the same bytes: both good or both corrupt. ret: rows, -1 when corrupt. */
static int64_t compare(struct fl_span bytes, struct fl_batch_writer *copy_to, bool *ret_all)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_event ev = {.arena = &arena};
    struct fl_batch_reader reader;
    struct fl_batch_view view;
    int viewed, r;
    uint32_t rows = 0;

    fl_arena_init(&arena, 2 * FL_BATCH_VIEW_MAX_BYTES);
    viewed = fl_batch_view(bytes, &arena, &view, NULL);
    must(viewed == 0 || viewed == FL_E_CORRUPT);
    *ret_all = true;
    r = fl_batch_read(&reader, bytes, &arena, NULL);
    while (r >= 0 && (r = fl_batch_next(&reader, &ev, NULL)) == 1) {
        if (viewed == 0)
            check_row(&view, rows, &ev);
        if (copy_to != NULL && rows < 16)
            use(&ev);
        *ret_all = *ret_all && (copy_to == NULL || fl_batch_add(copy_to, &ev, NULL) == 0);
        rows++;
    }
    must(r == viewed && (r < 0 || view.rows == rows));
    return r < 0 ? -1 : (int64_t)rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct fl_batch_writer *writer;
    FL_AUTO(fl_buf_done) struct fl_buf again, third;
    bool all, all_again;
    int64_t rows;
    size_t most;

    fl_buf_init(&again, FL_BATCH_MAX_BYTES + 8);
    fl_buf_init(&third, FL_BATCH_MAX_BYTES + 8);
    if (writer == NULL && fl_batch_writer_new(&writer, NULL) < 0)
        abort();
    fl_batch_clear(writer);
    rows = compare(fl_span_of(data, n), writer, &all);
    if (rows < 0 || !all)
        return 0;
    most = fl_batch_bytes(writer);
    must(fl_batch_rows(writer) == rows && fl_batch_finish(writer, &again, NULL) == 0);
    must(again.len <= most);
    must(compare(fl_buf_span(&again), writer, &all_again) == rows && all_again);
    must(fl_batch_finish(writer, &third, NULL) == 0); /* the same rows give the same bytes */
    must(fl_span_eq(fl_buf_span(&again), fl_buf_span(&third)));
    return 0;
}
