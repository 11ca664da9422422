/* Rows themselves: the latest, those around one, all of them. */
#include "logs/query_emit.h"

enum { LATEST_LIMIT = 100, CONTEXT_LIMIT = 20, MAX_LIMIT = 100000 };

struct rows {
    struct fl_emit emit;
    uint32_t left; /* how many more; UINT32_MAX never ends */
    struct fl_pos last;
};

static uint32_t limit_of(const struct fl_run *run, uint32_t normal)
{
    uint32_t limit = run->q->limit == 0 ? normal : run->q->limit;

    return limit > MAX_LIMIT ? MAX_LIMIT : limit;
}

static int read_cursor(const struct fl_run *run, struct fl_pos *ret, bool *ret_given,
                       struct fl_err *err)
{
    *ret_given = run->q->cursor.len > 0;
    if (*ret_given && !fl_pos_parse(run->q->cursor, ret))
        return fl_err_set(err, FL_E_INVAL, "a cursor is DAY.NUMBER, like 2026-11-21.4711");
    return FL_OK;
}

static int emit_row(struct fl_run *run, const struct fl_run_block *block, uint32_t row,
                    struct fl_pos pos, void *ctx, struct fl_err *err)
{
    struct rows *rows = ctx;
    int r = fl_emit_row(&rows->emit, run, &block->view, row, pos, err);

    rows->last = pos;
    if (r == FL_OK && rows->left != UINT32_MAX)
        rows->left--;
    return r < 0 ? r : rows->left == 0;
}

/* ---- latest ---- */

int fl_query_latest(struct fl_run *run, struct fl_err *err)
{
    struct rows rows = {.left = limit_of(run, LATEST_LIMIT)};
    struct fl_walk walk = {.down = true, .row = emit_row, .ctx = &rows};
    int r = read_cursor(run, &walk.start, &walk.bounded, err);

    if (r < 0)
        return r;
    walk.last = walk.start;
    r = fl_emit_init(&rows.emit, run, err);
    walk.fields = rows.emit.load;
    if (r == FL_OK)
        r = fl_run_walk(run, &walk, err);
    fl_emit_done(&rows.emit);
    if (r == FL_OK && (rows.left == 0 || run->stopped)) { /* there may be more before it */
        bool moved = walk.last.day != 0 || walk.last.seq != 0;

        if (moved)
            fl_pos_format(walk.last, run->end->cursor);
    }
    return r;
}

/* ---- export ---- */

int fl_query_export(struct fl_run *run, struct fl_err *err)
{
    struct rows rows = {.left = UINT32_MAX};
    struct fl_walk walk = {.row = emit_row, .ctx = &rows};
    int r = read_cursor(run, &walk.start, &walk.bounded, err);

    if (r < 0)
        return r;
    r = fl_emit_init(&rows.emit, run, err);
    walk.fields = rows.emit.load;
    if (r == FL_OK)
        r = fl_run_walk(run, &walk, err);
    fl_emit_done(&rows.emit);
    if (r == FL_OK && run->end->rows_matched > 0)
        fl_pos_format(rows.last, run->end->cursor);
    return r;
}

/* ---- context ---- */

struct found {
    bool found;
    struct fl_pos pos;
    struct fl_span device; /* in the arena of the run; empty: the row has none */
};

static int take_device(struct fl_run *run, const struct fl_run_block *block, uint32_t row,
                       struct fl_pos pos, void *ctx, struct fl_err *err)
{
    struct found *found = ctx;
    const struct fl_col *col = &block->view.col[FL_F_DEVICE];

    if (fl_pos_cmp(pos, found->pos) != 0)
        return 1; /* the walk began right before it, so it is not there */
    found->found = true;
    if (!fl_col_has(col, row))
        return 1;
    found->device = fl_arena_copy(&run->arena, col->words[col->code[row]]);
    if (found->device.ptr == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the name of a device");
    return 1;
}

static int find_row(struct fl_run *run, struct found *found, struct fl_err *err)
{
    struct fl_walk walk = {.bounded = true,
                           .start = {found->pos.day, found->pos.seq - 1},
                           .row = take_device,
                           .ctx = found};
    int r;

    fl_fieldset_add(&walk.fields, FL_F_DEVICE);
    r = fl_run_walk(run, &walk, err);
    if (r == FL_OK && !found->found && !run->stopped)
        return fl_err_set(err, FL_E_NOENT, "there is no row %.*s", FL_SPAN_ARG(run->q->cursor));
    return r;
}

static int set_filter(struct fl_run *run, const struct fl_filter *filter, struct fl_err *err)
{
    fl_scan_done(&run->scan);
    return fl_scan_init(&run->scan, filter, INT64_MIN, INT64_MAX, err);
}

/* Of the same device, or likewise of none, and what the query asks for. */
static int filter_device(struct fl_run *run, const struct found *found, struct fl_filter **ret,
                         struct fl_err *err)
{
    struct fl_filter *node = fl_arena_get(&run->arena, 3 * sizeof *node), *all;

    if (node == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the filter");
    node[0] = (struct fl_filter){.op = found->device.len > 0 ? FL_OP_EQ : FL_OP_HAS,
                                 .field = FL_F_DEVICE,
                                 .text = found->device};
    node[1] = (struct fl_filter){.op = FL_OP_NOT, .field = FL_FIELD_COUNT, .left = &node[0]};
    all = found->device.len > 0 ? &node[0] : &node[1];
    if (run->filter != NULL) {
        node[2] = (struct fl_filter){
            .op = FL_OP_AND, .field = FL_FIELD_COUNT, .left = all, .right = run->filter};
        all = &node[2];
    }
    *ret = all;
    return FL_OK;
}

struct before {
    uint32_t left;
    struct fl_pos first; /* the oldest row to show */
};

static int count_back(struct fl_run *run, const struct fl_run_block *block, uint32_t row,
                      struct fl_pos pos, void *ctx, struct fl_err *err)
{
    struct before *before = ctx;

    (void)run;
    (void)block;
    (void)row;
    (void)err;
    before->first = pos;
    return --before->left == 0;
}

/* Rows behind a position that meet the filter, at most so many. */
static int show_rows(struct fl_run *run, struct rows *rows, const struct fl_filter *filter,
                     struct fl_pos behind, uint32_t count, struct fl_err *err)
{
    struct fl_walk walk = {
        .bounded = true, .start = behind, .fields = rows->emit.load, .row = emit_row, .ctx = rows};
    int r = count == 0 ? FL_OK : set_filter(run, filter, err);

    if (r < 0 || count == 0)
        return r;
    rows->left = count;
    return fl_run_walk(run, &walk, err);
}

/* The row itself is shown whatever the filter says. */
static int show_context(struct fl_run *run, const struct found *found,
                        const struct fl_filter *filter, uint32_t limit, struct fl_err *err)
{
    struct before before = {limit, found->pos};
    struct rows rows = {.left = 0};
    struct fl_walk back = {
        .down = true, .bounded = true, .start = found->pos, .row = count_back, .ctx = &before};
    struct fl_pos here = {found->pos.day, found->pos.seq - 1};
    int r = set_filter(run, filter, err);

    if (r == FL_OK)
        r = fl_run_walk(run, &back, err);
    if (r == FL_OK)
        r = fl_emit_init(&rows.emit, run, err);
    if (r < 0)
        return r;
    before.first.seq--; /* numbers count from 1 */
    r = show_rows(run, &rows, filter, before.first, limit - before.left, err);
    if (r == FL_OK)
        r = show_rows(run, &rows, NULL, here, 1, err);
    if (r == FL_OK)
        r = show_rows(run, &rows, filter, found->pos, limit, err);
    fl_emit_done(&rows.emit);
    return r;
}

int fl_query_context(struct fl_run *run, struct fl_err *err)
{
    struct found found = {.found = false};
    struct fl_filter *filter = NULL;
    uint32_t limit = limit_of(run, CONTEXT_LIMIT);
    bool given;
    int r = read_cursor(run, &found.pos, &given, err);

    if (r == FL_OK && (!given || found.pos.seq == 0))
        return fl_err_set(err, FL_E_INVAL, "context needs a row: cursor=DAY.NUMBER");
    if (r == FL_OK)
        r = fl_run_parts(run, INT64_MIN, INT64_MAX, err);
    if (r < 0)
        return r;
    r = set_filter(run, NULL, err);
    if (r == FL_OK)
        r = find_row(run, &found, err);
    if (r < 0 || !found.found)
        return r;
    r = filter_device(run, &found, &filter, err);
    return r < 0 ? r : show_context(run, &found, filter, limit, err);
}
