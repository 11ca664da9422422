/* Rows as they are accepted, until the reader goes away. */
#include <stdio.h>
#include <time.h>

#include "base/time.h"
#include "logs/query_emit.h"
#include "logs/store.h"

enum {
    MAX_BEHIND = 10000, /* rows; older ones are skipped and counted */
    DEFAULT_PER_S = 1000,
    MAX_PER_S = 100000,
    WAIT_MS = 200, /* how soon a cancellation is seen */
    PAUSE_MS = 50, /* between two looks: a memtable is not copied for every single row */
    HEARTBEAT_S = 5
};

struct tail {
    struct fl_emit emit;
    struct fl_pos pos;    /* everything up to here was looked at */
    uint64_t dropped;     /* since it was last told */
    uint32_t per_s, sent; /* in the second that began at window_us */
    int64_t window_us, told_us;
};

static int start(struct fl_run *run, struct tail *tail, struct fl_err *err)
{
    struct fl_part_info info;
    size_t count;
    int r;

    if (run->q->cursor.len > 0) {
        if (fl_pos_parse(run->q->cursor, &tail->pos))
            return FL_OK;
        return fl_err_set(err, FL_E_INVAL, "a cursor is DAY.NUMBER, like 2026-11-21.4711");
    }
    r = fl_run_parts(run, INT64_MIN, INT64_MAX, err);
    count = r < 0 ? 0 : fl_parts_count(run->parts);
    if (count > 0) {
        fl_part_info(fl_parts_get(run->parts, count - 1), &info);
        tail->pos = (struct fl_pos){info.day, info.last_seq};
    }
    return r;
}

static int tell(struct fl_run *run, struct tail *tail, struct fl_err *err)
{
    struct fl_json j;

    fl_pos_format(tail->pos, run->end->cursor);
    fl_json_init(&j, &run->out);
    fl_json_object(&j, NULL);
    fl_json_object(&j, "fairlead");
    fl_json_u64(&j, "dropped", tail->dropped);
    fl_json_text(&j, "cursor", run->end->cursor);
    fl_json_end(&j);
    fl_json_end(&j);
    fl_buf_put_u8(&run->out, '\n');
    tail->dropped = 0;
    tail->told_us = fl_now_mono_us();
    return fl_run_flush(run, true, err);
}

/* ---- falling behind ---- */

/* Rows of a part that lie behind pos; they are numbered without gaps. */
static uint64_t rows_behind(const struct fl_part_info *info, struct fl_pos pos)
{
    if (fl_pos_cmp((struct fl_pos){info->day, info->last_seq}, pos) <= 0)
        return 0;
    if (info->day == pos.day && pos.seq >= info->first_seq)
        return info->last_seq - pos.seq;
    return info->rows;
}

/* Jump ahead so that MAX_BEHIND rows are left. */
static void skip_backlog(struct fl_run *run, struct tail *tail)
{
    size_t count = fl_parts_count(run->parts);
    uint64_t behind = 0, kept = 0;
    struct fl_part_info info;

    for (size_t i = 0; i < count; i++) {
        fl_part_info(fl_parts_get(run->parts, i), &info);
        behind += rows_behind(&info, tail->pos);
    }
    if (behind <= MAX_BEHIND)
        return;
    for (size_t i = count; i-- > 0;) {
        uint64_t rows;

        fl_part_info(fl_parts_get(run->parts, i), &info);
        rows = rows_behind(&info, tail->pos);
        if (kept + rows >= MAX_BEHIND) {
            tail->pos = (struct fl_pos){info.day, info.last_seq - (MAX_BEHIND - kept)};
            break;
        }
        kept += rows;
    }
    tail->dropped += behind - MAX_BEHIND;
}

/* ---- looking ---- */

static bool over_rate(struct tail *tail)
{
    int64_t now_us = fl_now_mono_us();

    if (now_us - tail->window_us >= FL_US_PER_S) {
        tail->window_us = now_us;
        tail->sent = 0;
    }
    return tail->sent >= tail->per_s;
}

static int show_row(struct fl_run *run, const struct fl_run_block *block, uint32_t row,
                    struct fl_pos pos, void *ctx, struct fl_err *err)
{
    struct tail *tail = ctx;

    if (over_rate(tail)) {
        tail->dropped++;
        return FL_OK;
    }
    tail->sent++;
    tail->told_us = fl_now_mono_us();
    return fl_emit_row(&tail->emit, run, &block->view, row, pos, err);
}

static int look(struct fl_run *run, struct tail *tail, struct fl_err *err)
{
    struct fl_walk walk = {
        .bounded = true, .fields = tail->emit.load, .row = show_row, .ctx = tail};
    int r = fl_run_parts(run, INT64_MIN, INT64_MAX, err);

    if (r < 0)
        return r;
    skip_backlog(run, tail);
    walk.start = walk.last = tail->pos;
    r = fl_run_walk(run, &walk, err);
    if (fl_pos_cmp(walk.last, tail->pos) > 0)
        tail->pos = walk.last;
    fl_pos_format(tail->pos, run->end->cursor);
    fl_parts_free(run->parts); /* held no longer than needed: they may be purged */
    run->parts = NULL;
    if (r == FL_OK)
        r = fl_run_flush(run, true, err);
    return r;
}

static void pause_ms(long ms)
{
    struct timespec ts = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&ts, NULL);
}

static int follow(struct fl_run *run, struct tail *tail, struct fl_err *err)
{
    int r = FL_OK;

    while (r == FL_OK && fl_run_goes_on(run)) {
        int more = fl_store_wait(run->store, run->q->tenant, tail->pos.day, tail->pos.seq, WAIT_MS);

        if (more < 0)
            return fl_err_set(err, more, "waiting for rows failed");
        if (more > 0)
            r = look(run, tail, err);
        if (r == FL_OK && !run->stopped &&
            (tail->dropped > 0 || fl_now_mono_us() - tail->told_us >= HEARTBEAT_S * FL_US_PER_S))
            r = tell(run, tail, err);
        if (more > 0)
            pause_ms(PAUSE_MS);
    }
    return r;
}

int fl_query_tail(struct fl_run *run, struct fl_err *err)
{
    struct tail tail = {.per_s = run->q->limit == 0 ? DEFAULT_PER_S : run->q->limit};
    int r = start(run, &tail, err);

    if (r < 0)
        return r;
    if (tail.per_s > MAX_PER_S)
        tail.per_s = MAX_PER_S;
    tail.told_us = fl_now_mono_us();
    r = fl_emit_init(&tail.emit, run, err);
    fl_pos_format(tail.pos, run->end->cursor);
    if (r == FL_OK)
        r = fl_run_flush(run, true, err);
    if (r == FL_OK)
        r = follow(run, &tail, err);
    fl_emit_done(&tail.emit);
    return r;
}
