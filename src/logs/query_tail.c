/* Rows as they are accepted: what a tail is (tail.h), and one that has a thread to itself. */
#include "logs/tail.h"

#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "logs/newest.h"
#include "logs/query_emit.h"
#include "logs/store.h"

enum {
    MAX_BEHIND = 10000, /* rows; older ones are skipped and counted */
    DEFAULT_PER_S = 1000,
    MAX_PER_S = 100000,
    WAIT_MS = 200, /* how soon a cancellation is seen */
    PAUSE_MS = 50, /* between two looks: not every single row is worth one */
    ROOM_BYTES = 64 * 1024,
    KEEP_BYTES = 4096, /* of the text's memory, while it is empty */
    HEARTBEAT_S = 5
};

#define TEXT_MAX_BYTES ((size_t)65 << 20) /* one row, with every byte escaped, and the room */

struct fl_tail {
    struct fl_store *store;
    const struct fl_query *q;
    struct fl_query_end end;
    struct fl_buf text;
    struct fl_pos pos;    /* everything up to here was looked at */
    struct fl_pos before; /* the same before the text was made */
    uint64_t dropped;     /* since it was last told */
    uint32_t per_s, sent; /* in the second that began at window_us */
    uint32_t excused;     /* rows that may go out beside */
    int64_t begin_us, window_us, told_us;
};

/* One look: the tail with what it needs for it. */
struct look {
    struct fl_tail *tail;
    struct fl_emit emit;
    size_t room;
    uint32_t rows;
    bool dropped, full;
};

static int keep_text(void *ctx, struct fl_span piece)
{
    struct fl_tail *tail = ctx;

    fl_buf_put_span(&tail->text, piece);
    return FL_OK;
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
static void skip_backlog(struct fl_tail *tail, const struct fl_parts *parts)
{
    struct fl_pos to = tail->pos;
    struct fl_part_info info;
    uint64_t behind = 0, rows = 1;

    for (size_t i = fl_parts_count(parts); i-- > 0 && rows > 0; behind += rows) {
        fl_part_info(fl_parts_get(parts, i), &info);
        rows = rows_behind(&info, tail->pos);
        if (behind < MAX_BEHIND && behind + rows >= MAX_BEHIND)
            to = (struct fl_pos){info.day, info.last_seq - (MAX_BEHIND - behind)};
    }
    if (behind <= MAX_BEHIND)
        return;
    tail->pos = to;
    tail->dropped += behind - MAX_BEHIND;
}

/* ---- the limit per second ---- */

static void turn_window(struct fl_tail *tail)
{
    int64_t now_us = fl_now_mono_us();

    if (now_us - tail->window_us < FL_US_PER_S)
        return;
    tail->window_us = now_us;
    tail->sent = 0;
}

static bool over_rate(struct fl_tail *tail)
{
    turn_window(tail);
    if (tail->sent < tail->per_s)
        tail->sent++;
    else if (tail->excused > 0)
        tail->excused--;
    else
        return true;
    return false;
}

void fl_tail_excuse(struct fl_tail *tail, int64_t us)
{
    int64_t s = us < MAX_BEHIND * FL_US_PER_S ? (us + FL_US_PER_S - 1) / FL_US_PER_S : MAX_BEHIND;
    uint64_t rows = (uint64_t)s * tail->per_s + tail->excused;

    tail->excused = rows < MAX_BEHIND ? (uint32_t)rows : MAX_BEHIND;
}

/* ---- looking ---- */

static int show_row(struct fl_run *run, const struct fl_run_block *block, uint32_t row,
                    struct fl_pos pos, void *ctx, struct fl_err *err)
{
    struct look *look = ctx;
    struct fl_tail *tail = look->tail;
    int r;

    if (over_rate(tail)) {
        tail->dropped++;
        look->dropped = true;
        return FL_OK;
    }
    look->rows++;
    tail->told_us = fl_now_mono_us();
    r = fl_emit_row(&look->emit, run, &block->view, row, pos, err);
    look->full = tail->text.len + run->out.len >= look->room;
    return r < 0 ? r : look->full;
}

static int walk(struct fl_run *run, struct look *look, struct fl_err *err)
{
    struct fl_tail *tail = look->tail;
    struct fl_walk walk = {.bounded = true,
                           .start = tail->pos,
                           .last = tail->pos,
                           .fields = look->emit.load,
                           .row = show_row,
                           .ctx = look};
    int r;

    run->after = tail->pos;
    r = fl_run_walk(run, &walk, err);
    if (fl_pos_cmp(walk.last, tail->pos) > 0)
        tail->pos = walk.last;
    return r;
}

static int look_around(struct look *look, struct fl_newest *newest, struct fl_err *err)
{
    struct fl_tail *tail = look->tail;
    const struct fl_query_sink sink = {keep_text, NULL, tail};
    struct fl_run run;
    int r = fl_run_begin(&run, tail->store, tail->q, &sink, &tail->end, err);

    if (r >= 0)
        r = fl_emit_init(&look->emit, &run, err);
    fl_buf_clear(&run.out); /* the head of CSV went out when the tail was opened */
    run.newest = newest;
    run.parts = fl_newest_parts(newest);
    if (r >= 0)
        r = walk(&run, look, err);
    run.parts = NULL;
    if (r >= 0)
        r = fl_run_flush(&run, true, err);
    fl_emit_done(&look->emit);
    fl_run_finish(&run);
    return r < 0 ? r : fl_buf_status(&tail->text, err);
}

/* Another tail asked the same from the same place just before. 0: none did, or it cannot be used.
 */
static bool repeat(struct look *look, const struct fl_newest *newest, int *ret)
{
    struct fl_tail *tail = look->tail;
    const struct fl_newest_look *found = fl_newest_find(newest, tail->q, tail->pos);

    if (found == NULL || found->text.len > look->room + ROOM_BYTES)
        return false;
    turn_window(tail);
    if (found->rows > tail->per_s - tail->sent)
        return false;
    fl_buf_put_span(&tail->text, fl_buf_span(&found->text));
    if (tail->text.failed != 0) {
        fl_buf_done(&tail->text);
        return false;
    }
    tail->pos = found->to;
    tail->sent += found->rows;
    tail->end.rows_matched += found->rows;
    tail->end.rows_scanned += found->scanned;
    if (found->rows > 0)
        tail->told_us = fl_now_mono_us();
    *ret = found->more;
    return true;
}

static void tell(struct fl_tail *tail)
{
    struct fl_json j;
    char cursor[64];

    fl_pos_format(tail->pos, cursor);
    fl_json_init(&j, &tail->text);
    fl_json_object(&j, NULL);
    fl_json_object(&j, "fairlead");
    fl_json_u64(&j, "dropped", tail->dropped);
    fl_json_text(&j, "cursor", cursor);
    fl_json_end(&j);
    fl_json_end(&j);
    fl_buf_put_u8(&tail->text, '\n');
    tail->dropped = 0;
    tail->told_us = fl_now_mono_us();
}

int fl_tail_look(struct fl_tail *tail, struct fl_newest *newest, size_t room_bytes,
                 struct fl_err *err)
{
    struct look look = {.tail = tail, .room = room_bytes};
    uint64_t scanned = tail->end.rows_scanned;
    struct fl_newest_look found;
    int r;

    if (tail->text.len > 0)
        return 1;
    skip_backlog(tail, fl_newest_parts(newest));
    tail->before = tail->pos;
    if (!repeat(&look, newest, &r)) {
        r = look_around(&look, newest, err);
        if (r < 0)
            return r;
        found = (struct fl_newest_look){.q = tail->q,
                                        .from = tail->before,
                                        .to = tail->pos,
                                        .rows = look.rows,
                                        .scanned = tail->end.rows_scanned - scanned,
                                        .more = look.full};
        if (!look.dropped && !tail->end.partial)
            fl_newest_keep(newest, &found, fl_buf_span(&tail->text));
        r = look.full;
    }
    if (tail->dropped > 0)
        tell(tail);
    return r;
}

/* ---- life ---- */

static int start(struct fl_run *run, struct fl_tail *tail, struct fl_err *err)
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

/* What is wrong with the question is found here, once. */
static int check(struct fl_tail *tail, struct fl_err *err)
{
    const struct fl_query_sink sink = {keep_text, NULL, tail};
    struct fl_emit emit = {.csv = false};
    struct fl_run run;
    int r = fl_run_begin(&run, tail->store, tail->q, &sink, &tail->end, err);

    if (r >= 0)
        r = start(&run, tail, err);
    if (r >= 0)
        r = fl_emit_init(&emit, &run, err);
    if (r >= 0)
        r = fl_run_flush(&run, true, err);
    fl_emit_done(&emit);
    fl_run_finish(&run);
    return r < 0 ? r : fl_buf_status(&tail->text, err);
}

int fl_tail_open(struct fl_store *store, const struct fl_query *q, struct fl_tail **ret,
                 struct fl_err *err)
{
    struct fl_tail *tail = calloc(1, sizeof *tail);
    int r;

    if (tail == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a live tail");
    tail->store = store;
    tail->q = q;
    tail->per_s = q->limit == 0 ? DEFAULT_PER_S : q->limit < MAX_PER_S ? q->limit : MAX_PER_S;
    tail->begin_us = tail->told_us = fl_now_mono_us();
    fl_buf_init(&tail->text, TEXT_MAX_BYTES);
    r = check(tail, err);
    if (r < 0) {
        fl_tail_close(tail);
        return r;
    }
    tail->before = tail->pos;
    *ret = tail;
    return FL_OK;
}

void fl_tail_close(struct fl_tail *tail)
{
    if (tail == NULL)
        return;
    fl_buf_done(&tail->text);
    free(tail);
}

bool fl_tail_has(const struct fl_tail *tail)
{
    return fl_store_wait(tail->store, tail->q->tenant, tail->pos.day, tail->pos.seq, 0) > 0;
}

int64_t fl_tail_beat_us(const struct fl_tail *tail)
{
    return tail->told_us + HEARTBEAT_S * FL_US_PER_S;
}

void fl_tail_beat(struct fl_tail *tail)
{
    if (tail->text.len == 0 && fl_now_mono_us() >= fl_tail_beat_us(tail)) {
        tail->before = tail->pos;
        tell(tail);
    }
}

struct fl_span fl_tail_text(const struct fl_tail *tail)
{
    return fl_buf_span(&tail->text);
}

void fl_tail_took(struct fl_tail *tail, size_t bytes)
{
    fl_buf_consume(&tail->text, bytes);
    if (tail->text.len == 0 && tail->text.cap > KEEP_BYTES)
        fl_buf_done(&tail->text);
}

void fl_tail_end(const struct fl_tail *tail, struct fl_query_end *ret)
{
    *ret = tail->end;
    fl_pos_format(tail->text.len > 0 ? tail->before : tail->pos, ret->cursor);
    ret->elapsed_us = (uint64_t)(fl_now_mono_us() - tail->begin_us);
}

/* ---- with a thread to itself ---- */

static int pass(struct fl_run *run, struct fl_tail *tail, struct fl_err *err)
{
    fl_buf_put_span(&run->out, fl_buf_span(&tail->text));
    fl_tail_took(tail, tail->text.len);
    return fl_run_flush(run, true, err);
}

static int look_alone(struct fl_tail *tail, struct fl_err *err)
{
    struct fl_newest *newest = NULL;
    int r = fl_newest_new(tail->store, tail->q->tenant, &newest, err);

    if (r >= 0)
        r = fl_tail_look(tail, newest, ROOM_BYTES, err);
    fl_newest_free(newest); /* held no longer than needed: its rows may be purged */
    return r;
}

static int follow(struct fl_run *run, struct fl_tail *tail, struct fl_err *err)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    int r = pass(run, tail, err);

    while (r >= 0 && fl_run_goes_on(run)) {
        int more = fl_store_wait(run->store, run->q->tenant, tail->pos.day, tail->pos.seq, WAIT_MS);

        if (more < 0)
            return fl_err_set(err, more, "waiting for rows failed");
        r = more > 0 ? look_alone(tail, err) : FL_OK;
        if (r < 0)
            return r;
        fl_tail_beat(tail);
        if (more > 0 && r == 0)
            (void)nanosleep(&pause, NULL);
        r = pass(run, tail, err);
    }
    return r;
}

int fl_query_tail(struct fl_run *run, struct fl_err *err)
{
    struct fl_query_end ours;
    struct fl_tail *tail = NULL;
    int r = fl_tail_open(run->store, run->q, &tail, err);

    if (r < 0)
        return r;
    r = follow(run, tail, err);
    ours = *run->end;
    fl_tail_end(tail, run->end);
    if (ours.partial) {
        run->end->partial = true;
        memcpy(run->end->why, ours.why, sizeof run->end->why);
    }
    fl_tail_close(tail);
    return r;
}
