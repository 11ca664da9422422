#include "codec/record.h"

#include "codec/ip.h"
#include "codec/record_form.h"

static uint64_t unzigzag(uint64_t v)
{
    return v >> 1 ^ ((uint64_t)0 - (v & 1));
}

static int corrupt(struct fl_err *err, const char *what)
{
    return fl_err_set(err, FL_E_CORRUPT, "batch: %s", what);
}

static int read_shapes(struct fl_batch_reader *r, size_t table_bytes, struct fl_arena *arena,
                       struct fl_err *err)
{
    struct fl_cursor table = fl_cursor_of(fl_cursor_bytes(&r->cur, table_bytes));

    if (r->cur.failed)
        return corrupt(err, "the shape table reaches beyond the end");
    r->shape_at = table.ptr;
    r->shape = fl_arena_get(arena, (r->shapes == 0 ? 1 : r->shapes) * sizeof *r->shape);
    if (r->shape == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the shapes of a batch");
    for (uint32_t i = 0; i < r->shapes; i++)
        r->shape[i] = fl_cursor_lv(&table, FL_STR_MAX);
    if (!fl_cursor_done(&table))
        return corrupt(err, "the shape table does not hold what it says");
    return FL_OK;
}

int fl_batch_version(struct fl_span bytes, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(bytes);
    struct fl_span magic = fl_cursor_bytes(&cur, 2);
    uint8_t version = fl_cursor_u8(&cur), zero = fl_cursor_u8(&cur);

    if (cur.failed || bytes.len > FL_BATCH_MAX_BYTES || !fl_span_eq(magic, FL_SPAN("FB")))
        return corrupt(err, "not the front of one");
    if (version == 0 || version > FL_BATCH_VERSION || zero != 0)
        return fl_err_set(err, FL_E_CORRUPT, "batch: version %u, where %d is the newest known",
                          version, FL_BATCH_VERSION);
    return version;
}

static int read_columns(struct fl_batch_reader *ret, struct fl_span bytes, struct fl_arena *arena,
                        struct fl_err *err)
{
    struct fl_batch_reader r = {.cur = fl_cursor_of((struct fl_span){NULL, 0})};
    struct fl_batch_view *view = fl_arena_get(arena, sizeof *view);
    int code;

    if (view == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the columns of a batch");
    code = fl_batch_columns(bytes, arena, view, err);
    if (code < 0)
        return code;
    r.view = view;
    r.rows_left = view->rows;
    if (view->col[FL_F_SHAPE].present > 0)
        r.shapes = view->col[FL_F_SHAPE].word_count - 1;
    *ret = r;
    return FL_OK;
}

static int read_rows(struct fl_batch_reader *ret, struct fl_span bytes, struct fl_arena *arena,
                     struct fl_err *err)
{
    struct fl_batch_reader r = {.cur = fl_cursor_of(bytes)};
    uint32_t table_bytes;
    int code;

    (void)fl_cursor_u32(&r.cur); /* magic and version */
    r.rows_left = fl_cursor_u32(&r.cur);
    r.shapes = fl_cursor_u32(&r.cur);
    table_bytes = fl_cursor_u32(&r.cur);
    if (r.cur.failed)
        return corrupt(err, "not the front of one");
    if (r.rows_left > FL_BATCH_MAX_ROWS || r.shapes > r.rows_left)
        return corrupt(err, "more rows or shapes than there can be");
    code = read_shapes(&r, table_bytes, arena, err);
    if (code < 0)
        return code;
    *ret = r;
    return FL_OK;
}

int fl_batch_read(struct fl_batch_reader *ret, struct fl_span bytes, struct fl_arena *arena,
                  struct fl_err *err)
{
    int version = fl_batch_version(bytes, err);

    if (version < 0)
        return version;
    return version == 1 ? read_rows(ret, bytes, arena, err) : read_columns(ret, bytes, arena, err);
}

static bool get_set(struct fl_cursor *cur, struct fl_fieldset *ret)
{
    struct fl_fieldset known = fl_fieldset_all();
    uint8_t n = fl_cursor_u8(cur);
    struct fl_span bytes = fl_cursor_bytes(cur, n);

    *ret = (struct fl_fieldset){{0, 0}};
    if (cur->failed || n == 0 || n > FL_BATCH_SET_BYTES || (n > 1 && bytes.ptr[n - 1] == 0))
        return false;
    for (size_t i = 0; i < n; i++)
        ret->bits[i / 8] |= (uint64_t)bytes.ptr[i] << (i % 8 * 8);
    return (ret->bits[0] & ~known.bits[0]) == 0 && (ret->bits[1] & ~known.bits[1]) == 0;
}

static void get_value(struct fl_batch_reader *r, struct fl_event *ev, enum fl_field f)
{
    uint64_t base = f == FL_F_RECEIVED ? 0 : fl_event_get_num(ev, FL_F_RECEIVED), n;

    if (f == FL_F_SHAPE) {
        n = fl_cursor_varint(&r->cur);
        r->cur.failed = r->cur.failed || n >= r->shapes;
        if (!r->cur.failed)
            ev->v[f].str = r->shape[n];
        return;
    }
    switch (fl_fields[f].type) {
    case FL_T_NUM:
        ev->v[f].num = fl_cursor_varint(&r->cur);
        break;
    case FL_T_TIME:
        ev->v[f].num = unzigzag(fl_cursor_varint(&r->cur)) + base;
        break;
    case FL_T_STR:
        ev->v[f].str = fl_cursor_lv(&r->cur, FL_STR_MAX);
        break;
    case FL_T_IP:
        ev->v[f].str = fl_cursor_bytes(&r->cur, FL_IP_BYTES);
        break;
    }
}

/* Row number view->rows - rows_left. */
static void next_of_view(struct fl_batch_reader *r, struct fl_event *ev)
{
    uint32_t row = r->view->rows - r->rows_left--;

    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        const struct fl_batch_col *col = &r->view->col[i];
        enum fl_field f = (enum fl_field)i;

        if (col->present == 0)
            continue;
        if (col->code != NULL && col->code[row] != 0)
            fl_event_str(ev, f, col->words[col->code[row]]);
        else if (col->num != NULL &&
                 (col->has == NULL || (col->has[row / 8] >> (row % 8) & 1) != 0))
            fl_event_num(ev, f, col->num[row]);
    }
}

int fl_batch_next(struct fl_batch_reader *r, struct fl_event *ev, struct fl_err *err)
{
    struct fl_fieldset set;

    fl_event_clear(ev);
    if (r->view != NULL && r->rows_left > 0) {
        next_of_view(r, ev);
        return 1;
    }
    if (r->rows_left == 0)
        return fl_cursor_done(&r->cur) ? 0 : corrupt(err, "bytes behind the last row");
    if (!get_set(&r->cur, &set)) {
        r->cur.failed = true;
        return corrupt(err, "a row with fields that there are not");
    }
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;

        if (!fl_fieldset_has(&set, f))
            continue;
        get_value(r, ev, f);
        fl_fieldset_add(&ev->has, f);
    }
    if (r->cur.failed) {
        fl_event_clear(ev);
        return corrupt(err, "a row ends in the middle or has a bad value");
    }
    r->rows_left--;
    return 1;
}
