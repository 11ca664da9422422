/* The key table's reader, on whole files (even first byte) and on records in a sound frame (odd).
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "trust/keyframe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(struct fl_span table, uint32_t epoch)
{
    struct fl_keyframe_report report, again;
    struct fl_keymap map, second;
    struct fl_err err;
    int r;

    fl_keymap_init(&map);
    fl_keymap_init(&second);
    r = fl_keyframe_replay(table, epoch, &map, &report, &err);
    assert(r == 0 || r == FL_E_CORRUPT || r == FL_E_NOMEM);
    if (r == 0) {
        assert(report.epoch == epoch && report.good_bytes + report.torn_bytes <= table.len);
        /* The part that counts, alone, gives the same keys. */
        r = fl_keyframe_replay(fl_span_of(table.ptr, report.good_bytes), epoch, &second, &again,
                               &err);
        assert(r == 0 && again.torn_bytes == 0 && !again.uncommitted);
        assert(map.files == second.files && map.days == second.days &&
               map.tenant_count == second.tenant_count);
    }
    fl_keymap_done(&map);
    fl_keymap_done(&second);
}

static void wrapped(struct fl_span records, uint32_t epoch)
{
    struct fl_buf table, frame;
    struct fl_err err;

    fl_buf_init(&table, FL_KEYFRAME_MAX_BYTES);
    fl_buf_init(&frame, FL_KEYFRAME_MAX_BYTES);
    fl_keyframe_header(&table, epoch);
    fl_keyframe_begin(&frame, epoch);
    fl_buf_put_span(&frame, records);
    if (fl_keyframe_end(&frame, &err) == 0) {
        fl_buf_put_span(&table, fl_buf_span(&frame));
        replay(fl_buf_span(&table), epoch);
    }
    fl_buf_done(&table);
    fl_buf_done(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_span rest;

    if (size == 0)
        return 0;
    rest = fl_span_of(data + 1, size - 1);
    if ((data[0] & 1) != 0)
        wrapped(rest, data[0] >> 1);
    else
        replay(rest, data[0] >> 1);
    return 0;
}
