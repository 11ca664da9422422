/* Any filter text: what parses prints, the print parses to the same print and matches the same
 * rows. */
#include <stdlib.h>
#include <string.h>

#include "codec/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A row out of the text itself, so that words of the filter are found in it. */
static void make_row(const uint8_t *data, size_t n, unsigned turn, struct fl_event *ev)
{
    size_t at = turn;

    fl_event_clear(ev);
    for (int f = 0; f < FL_FIELD_COUNT && n > 0; f++) {
        size_t left = n - at % n, len = (data[at % n] ^ turn) % 23;

        if (fl_fields[f].type == FL_T_IP && left >= 16)
            fl_event_str(ev, (enum fl_field)f, fl_span_of(data + at % n, 16));
        else if (fl_fields[f].type == FL_T_STR)
            fl_event_str(ev, (enum fl_field)f, fl_span_of(data + at % n, len < left ? len : left));
        else if (fl_fields[f].type != FL_T_IP)
            fl_event_num(ev, (enum fl_field)f, len % 2 == 0 ? len : ((uint64_t)len << 44) - 5000);
        at += 3;
    }
}

static void must(int ok)
{
    if (!ok)
        abort();
}

static void same_matches(const struct fl_filter *a, const struct fl_filter *b, const uint8_t *data,
                         size_t n)
{
    struct fl_event ev;

    for (unsigned turn = 0; turn < 4; turn++) {
        make_row(data, n, turn, &ev);
        must(fl_filter_match(a, &ev) == fl_filter_match(b, &ev));
    }
    fl_event_clear(&ev);
    must(fl_filter_match(a, &ev) == fl_filter_match(b, &ev));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    FL_AUTO(fl_buf_done) struct fl_buf first, second;
    struct fl_filter *a, *b;
    struct fl_fieldset fa = {{0, 0}}, fb = {{0, 0}};
    struct fl_err err = {0};
    int r;

    fl_arena_init(&arena, 1 << 18);
    fl_buf_init(&first, FL_FILTER_MAX_BYTES);
    fl_buf_init(&second, FL_FILTER_MAX_BYTES);
    r = fl_filter_parse(fl_span_of(data, n), &arena, &a, &err);
    if (r < 0) {
        must(r == FL_E_INVAL && strncmp(err.text, "column ", 7) == 0);
        return 0;
    }
    fl_filter_print(a, &first);
    must(fl_buf_status(&first, &err) == 0);
    must(fl_filter_parse(fl_buf_span(&first), &arena, &b, &err) == 0);
    fl_filter_print(b, &second);
    must(fl_span_eq(fl_buf_span(&first), fl_buf_span(&second)));
    fl_filter_fields(a, &fa);
    fl_filter_fields(b, &fb);
    must(fa.bits[0] == fb.bits[0] && fa.bits[1] == fb.bits[1]);
    same_matches(a, b, data, n);
    return 0;
}
