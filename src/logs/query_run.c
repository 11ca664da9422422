#include "logs/query_run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "logs/newest.h"

enum { FLUSH_BYTES = 32 * 1024, WIDE = 4, FEW_OF = 8 };

/* ---- positions ---- */

bool fl_pos_parse(struct fl_span text, struct fl_pos *ret)
{
    const unsigned char *dot = text.len == 0 ? NULL : memchr(text.ptr, '.', text.len);
    struct fl_pos pos;
    size_t n;

    if (dot == NULL)
        return false;
    n = (size_t)(dot - text.ptr);
    if (!fl_day_parse(fl_span_of(text.ptr, n), &pos.day) ||
        !fl_span_u64(fl_span_of(dot + 1, text.len - n - 1), &pos.seq))
        return false;
    *ret = pos;
    return true;
}

void fl_pos_format(struct fl_pos pos, char text[64])
{
    char day[16];

    fl_day_format(pos.day, day);
    (void)snprintf(text, 64, "%s.%" PRIu64, day, pos.seq);
}

/* ---- budgets ---- */

void fl_run_partial(struct fl_run *run, const char *fmt, ...)
{
    char *why = run->end->why;
    size_t room = why[0] == '\0' ? sizeof run->end->why : 0;
    va_list ap;

    run->end->partial = true;
    va_start(ap, fmt);
    (void)vsnprintf(why, room, fmt, ap);
    va_end(ap);
}

static void cancel(struct fl_run *run)
{
    run->stopped = run->cancelled = true;
    fl_run_partial(run, "cancelled");
}

bool fl_run_goes_on(struct fl_run *run)
{
    if (run->stopped)
        return false;
    if (run->sink->cancelled != NULL && run->sink->cancelled(run->sink->ctx) != 0) {
        cancel(run);
    } else if (run->looked && run->deadline_us != INT64_MAX &&
               fl_now_mono_us() >= run->deadline_us) {
        run->stopped = true;
        fl_run_partial(run, "the time budget of %" PRIu32 " ms ran out", run->q->budget_ms);
    }
    return !run->stopped;
}

int fl_run_flush(struct fl_run *run, bool now, struct fl_err *err)
{
    int r = fl_buf_status(&run->out, err);

    if (r < 0 || run->out.len == 0 || (!now && run->out.len < FLUSH_BYTES))
        return r;
    if (!run->cancelled && run->sink->write(run->sink->ctx, fl_buf_span(&run->out)) < 0)
        cancel(run);
    fl_buf_clear(&run->out);
    return FL_OK;
}

/* ---- blocks ---- */

int fl_run_parts(struct fl_run *run, int64_t from_us, int64_t to_us, struct fl_err *err)
{
    fl_parts_free(run->parts);
    run->parts = NULL;
    return fl_parts_open(run->store, run->q->tenant, from_us, to_us, &run->parts, err);
}

/* A block that cannot be read is lost alone: the rest is answered, and the answer is partial. */
static int load(struct fl_run *run, const struct fl_run_block *at, struct fl_part *part,
                uint32_t no, const struct fl_fieldset *fields, const uint32_t *rows,
                struct fl_block **ret, bool *ret_lent, struct fl_err *err)
{
    struct fl_err why = {0};
    char day[16];
    int r;

    if (run->newest != NULL && !at->info.sealed)
        r = fl_newest_load(run->newest, part, no, run->after, fields, ret, ret_lent, &why);
    else
        r = fl_part_load_rows(part, no, fields, rows, at->count, ret, &run->end->bytes_read, &why);
    if (r >= 0)
        return 1;
    if (r == FL_E_NOMEM || r == FL_E_LIMIT) {
        if (err != NULL)
            *err = why;
        return r;
    }
    fl_day_format(at->info.day, day);
    if (r == FL_E_NOENT)
        fl_run_partial(run, "rows of %s were purged while they were read", day);
    else
        fl_run_partial(run, "block %" PRIu32 " of %s cannot be read: %.120s", no, day, why.text);
    return 0;
}

static bool is_empty(const struct fl_fieldset *set)
{
    return set->bits[0] == 0 && set->bits[1] == 0;
}

static void take_columns(struct fl_run_block *to, const struct fl_block *from)
{
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        if (from->col[f].loaded)
            to->view.col[f] = from->col[f];
    }
}

static bool is_wide(const struct fl_fieldset *set)
{
    return __builtin_popcountll(set->bits[0]) + __builtin_popcountll(set->bits[1]) >= WIDE;
}

/* The rows found, where they are so few that it pays to decode many columns for them alone; else
 * NULL. Borrowed from the run. */
static const uint32_t *few_rows(struct fl_run *run, const struct fl_run_block *block,
                                const struct fl_fieldset *fields)
{
    uint32_t n = 0;

    if (block->count > FL_RUN_FEW || block->count > block->view.rows / FEW_OF || !is_wide(fields))
        return NULL;
    for (uint32_t w = 0; w * 64 < block->view.rows; w++)
        for (uint64_t bits = run->scan.bits[w]; bits != 0; bits &= bits - 1)
            run->few[n++] = w * 64 + (uint32_t)__builtin_ctzll(bits);
    return run->few;
}

/* What the filter needs is loaded first; the rest only where it found something. */
static int load_and_scan(struct fl_run *run, struct fl_part *part, uint32_t no, bool check_time,
                         const struct fl_fieldset *fields, struct fl_run_block *ret,
                         struct fl_err *err)
{
    struct fl_fieldset need = run->scan.fields, rest = *fields;
    int r;

    if (check_time)
        fl_fieldset_add(&need, FL_F_TIME);
    if (is_empty(&need))
        need = *fields;
    rest.bits[0] &= ~need.bits[0];
    rest.bits[1] &= ~need.bits[1];
    ret->view.rows = fl_part_block_rows(part, no);
    if (!is_empty(&need)) {
        r = load(run, ret, part, no, &need, NULL, &ret->first, &ret->first_lent, err);
        if (r <= 0)
            return r;
        if (ret->first->rows < ret->view.rows)
            ret->view.rows = ret->first->rows;
        take_columns(ret, ret->first);
    }
    run->end->rows_scanned += ret->view.rows;
    r = fl_scan_eval(&run->scan, &ret->view, check_time, &ret->count, err);
    if (r < 0 || ret->count == 0)
        return r;
    if (!is_empty(&rest)) {
        r = load(run, ret, part, no, &rest, few_rows(run, ret, &rest), &ret->second,
                 &ret->second_lent, err);
        if (r <= 0)
            return r;
        if (ret->second->rows < ret->view.rows)
            return fl_err_set(err, FL_E_CORRUPT, "a block changed while it was read");
        take_columns(ret, ret->second);
    }
    return 1;
}

int fl_run_block(struct fl_run *run, struct fl_part *part, uint32_t block,
                 const struct fl_fieldset *fields, struct fl_run_block *ret, struct fl_err *err)
{
    enum fl_scan_time when = fl_scan_time(&run->scan, part, block);
    int r;

    run->looked = true;
    if (when == FL_SCAN_OUTSIDE || !fl_scan_may(&run->scan, part, block))
        return 0;
    *ret = (struct fl_run_block){.part = part, .no = block};
    fl_part_info(part, &ret->info);
    r = load_and_scan(run, part, block, when == FL_SCAN_PARTLY, fields, ret, err);
    if (r <= 0) {
        fl_run_block_done(ret);
        return r;
    }
    ret->bits = run->scan.bits;
    return 1;
}

void fl_run_block_done(struct fl_run_block *block)
{
    if (!block->first_lent)
        fl_block_free(block->first);
    if (!block->second_lent)
        fl_block_free(block->second);
    block->first = block->second = NULL;
}

int fl_run_part(struct fl_run *run, struct fl_part *part, const struct fl_fieldset *fields,
                fl_run_block_fn *fn, void *ctx, struct fl_err *err)
{
    struct fl_part_info info;
    int r = FL_OK;

    fl_part_info(part, &info);
    for (uint32_t no = 0; r == FL_OK && no < info.blocks && fl_run_goes_on(run); no++) {
        struct fl_run_block block;

        r = fl_run_block(run, part, no, fields, &block, err);
        if (r <= 0)
            continue;
        r = fn(run, &block, ctx, err);
        fl_run_block_done(&block);
    }
    return r;
}

int fl_run_each(struct fl_run *run, const struct fl_fieldset *fields, fl_run_block_fn *fn,
                void *ctx, struct fl_err *err)
{
    int r = FL_OK;

    for (size_t i = 0; r == FL_OK && i < fl_parts_count(run->parts) && !run->stopped; i++)
        r = fl_run_part(run, fl_parts_get(run->parts, i), fields, fn, ctx, err);
    return r;
}

/* ---- row by row, in order of receipt ---- */

static bool beyond(const struct fl_walk *walk, struct fl_pos pos)
{
    int c = walk->bounded ? fl_pos_cmp(pos, walk->start) : walk->down ? -1 : 1;

    return walk->down ? c < 0 : c > 0;
}

/* May rows with these first and last numbers lie beyond the start? */
static bool may_lie_beyond(const struct fl_walk *walk, int32_t day, uint64_t first, uint64_t last)
{
    return beyond(walk, (struct fl_pos){day, walk->down ? first : last});
}

static int walk_bits(struct fl_run *run, struct fl_walk *walk, const struct fl_run_block *block,
                     struct fl_err *err)
{
    uint32_t words = (block->view.rows + 63) / 64;
    int r = FL_OK;

    for (uint32_t i = 0; i < words; i++) {
        uint32_t w = walk->down ? words - 1 - i : i;
        uint64_t bits = block->bits[w];

        while (bits != 0 && r == FL_OK && !run->stopped) {
            unsigned bit =
                walk->down ? 63 - (unsigned)__builtin_clzll(bits) : (unsigned)__builtin_ctzll(bits);
            uint32_t row = w * 64 + bit;
            struct fl_pos pos = {block->info.day, 0};

            bits &= ~(UINT64_C(1) << bit);
            if (fl_col_has(&block->view.col[FL_F_SEQ], row))
                pos.seq = block->view.col[FL_F_SEQ].num[row];
            if (!beyond(walk, pos))
                continue;
            walk->last = pos;
            r = walk->row(run, block, row, pos, walk->ctx, err);
        }
    }
    return r;
}

static int walk_part(struct fl_run *run, struct fl_walk *walk, struct fl_part *part,
                     const struct fl_part_info *info, struct fl_err *err)
{
    int r = FL_OK;

    for (uint32_t i = 0; r == FL_OK && i < info->blocks && fl_run_goes_on(run); i++) {
        uint32_t no = walk->down ? info->blocks - 1 - i : i;
        struct fl_run_block block;
        uint64_t first, last;
        bool known = fl_part_block_range(part, no, FL_F_SEQ, &first, &last);

        if (known && !may_lie_beyond(walk, info->day, first, last))
            continue;
        r = fl_run_block(run, part, no, &walk->fields, &block, err);
        if (r > 0) {
            r = walk_bits(run, walk, &block, err);
            fl_run_block_done(&block);
        }
        if (r == FL_OK && known && !run->stopped)
            walk->last = (struct fl_pos){info->day, walk->down ? first : last};
    }
    return r;
}

int fl_run_walk(struct fl_run *run, struct fl_walk *walk, struct fl_err *err)
{
    size_t count = fl_parts_count(run->parts);
    int r = FL_OK;

    fl_fieldset_add(&walk->fields, FL_F_SEQ);
    for (size_t i = 0; r == FL_OK && i < count && fl_run_goes_on(run); i++) {
        struct fl_part *part = fl_parts_get(run->parts, walk->down ? count - 1 - i : i);
        struct fl_part_info info;

        fl_part_info(part, &info);
        if (!may_lie_beyond(walk, info.day, info.first_seq, info.last_seq))
            continue;
        r = walk_part(run, walk, part, &info, err);
        if (r == FL_OK && !run->stopped)
            walk->last = (struct fl_pos){info.day, walk->down ? info.first_seq : info.last_seq};
    }
    return r < 0 ? r : FL_OK;
}
