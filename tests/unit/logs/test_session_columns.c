/* What rows add, derived from columns, against the same rows one by one (session_oracle.c). */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "random_rows.h"
#include "session_oracle.h"
#include "tap.h"

#define START_US INT64_C(1750000000000000)

static void must(bool ok)
{
    if (!ok)
        abort();
}

static const enum fl_field derived[] = {FL_F_BYTES,   FL_F_BYTES_UP, FL_F_BYTES_DOWN, FL_F_PACKETS,
                                        FL_F_SECONDS, FL_F_SESSIONS, FL_F_FLAGS};

static bool same_number(const struct fl_event *ev, const struct fl_batch_view *view, uint32_t row,
                        enum fl_field f)
{
    const struct fl_batch_col *col = &view->col[f];
    bool has = col->present > 0 && (col->has == NULL || (col->has[row / 8] >> (row % 8) & 1) != 0);

    return has == fl_event_has(ev, f) &&
           (col->present == 0 || col->num[row] == fl_event_get_num(ev, f));
}

static bool same_stats(const struct fl_sessions *s, const struct or_sessions *oracle)
{
    struct fl_sessions_stats a, b;

    fl_sessions_stats(s, &a);
    or_sessions_stats(oracle, &b);
    return a.open == b.open && a.closed == b.closed && a.no_baseline == b.no_baseline &&
           a.copies == b.copies && a.evicted == b.evicted;
}

struct run {
    struct chance chance;
    struct or_sessions *oracle;
    struct fl_sessions *by_row, *by_column;
    int64_t now_us;
    uint64_t rows, differ;
};

/* One batch through all three. */
static void one_batch(struct run *run, uint32_t rows)
{
    struct fl_batch_writer *w;
    struct fl_arena arena;
    struct fl_buf bytes;
    struct fl_batch_view view;
    struct random_row row = {.ev = {.arena = NULL}};
    struct fl_event *kept = calloc(rows, sizeof *kept);
    struct random_mix mix;

    must(kept != NULL && fl_batch_writer_new(&w, NULL) == 0);
    fl_arena_init(&arena, (size_t)64 << 20);
    fl_buf_init(&bytes, FL_BATCH_MAX_BYTES);
    random_mix(&run->chance, run->now_us, &mix);
    mix.percent[FL_F_TIME] = 0;
    for (uint32_t i = 0; i < rows; i++) {
        random_row(&run->chance, &mix, &row);
        random_session(&run->chance, &row);
        fl_event_time(&row.ev, FL_F_TIME,
                      run->now_us + (int64_t)chance_below(&run->chance, 400) * FL_US_PER_S);
        must(fl_batch_add(w, &row.ev, NULL) == 0);
        kept[i] = row.ev;
        or_sessions_row(run->oracle, &kept[i], run->now_us);
        fl_sessions_row(run->by_row, &row.ev, run->now_us);
        for (size_t k = 0; k < FL_LEN(derived); k++)
            run->differ +=
                fl_event_has(&row.ev, derived[k]) != fl_event_has(&kept[i], derived[k]) ||
                fl_event_get_num(&row.ev, derived[k]) != fl_event_get_num(&kept[i], derived[k]);
    }
    must(fl_batch_finish(w, &bytes, NULL) == 0);
    must(fl_batch_view(fl_buf_span(&bytes), &arena, &view, NULL) == 0 && view.rows == rows);
    must(fl_sessions_columns(run->by_column, &view, run->now_us, &arena, NULL) == 0);
    for (uint32_t i = 0; i < rows; i++)
        for (size_t k = 0; k < FL_LEN(derived); k++)
            run->differ += !same_number(&kept[i], &view, i, derived[k]);
    run->rows += rows;
    free(kept);
    fl_buf_done(&bytes);
    fl_arena_done(&arena);
    fl_batch_writer_free(w);
}

static bool same_saved(struct fl_sessions *s, const struct or_sessions *oracle)
{
    struct fl_buf a, b;
    bool same;

    fl_buf_init(&a, (size_t)1 << 24);
    fl_buf_init(&b, (size_t)1 << 24);
    fl_sessions_save(s, &a);
    or_sessions_save(oracle, &b);
    same = fl_span_eq(fl_buf_span(&a), fl_buf_span(&b));
    fl_buf_done(&a);
    fl_buf_done(&b);
    return same;
}

/* max: sessions that are remembered. Times of acceptance are whole seconds, as they are kept. */
static void compare(uint64_t seed, uint32_t max, const char *name)
{
    struct run run = {.chance = {seed}, .now_us = START_US};

    must(or_sessions_new(max, &run.oracle, NULL) == 0 &&
         fl_sessions_new(max, &run.by_row, NULL) == 0 &&
         fl_sessions_new(max, &run.by_column, NULL) == 0);
    for (int i = 0; i < 60; i++) {
        one_batch(&run, 1 + chance_below(&run.chance, 300));
        run.now_us += (int64_t)chance_below(&run.chance, 200) * FL_US_PER_S;
    }
    CHECK(run.differ == 0, name);
    CHECK(run.rows > 5000 && same_stats(run.by_row, run.oracle) &&
              same_stats(run.by_column, run.oracle),
          "the figures are the same");
    CHECK(same_saved(run.by_row, run.oracle) && same_saved(run.by_column, run.oracle),
          "what is remembered is the same");
    or_sessions_free(run.oracle);
    fl_sessions_free(run.by_row);
    fl_sessions_free(run.by_column);
}

/* ---- one pool, several tenants ---- */

static void put_session(struct fl_sessions *s, uint64_t number, int64_t at_us, uint64_t bytes)
{
    struct fl_event ev = {.arena = NULL};

    fl_event_clear(&ev);
    fl_event_time(&ev, FL_F_TIME, at_us);
    fl_event_str(&ev, FL_F_DEVICE, FL_SPAN("fw"));
    fl_event_str(&ev, FL_F_ACTION, FL_SPAN("updated"));
    fl_event_num(&ev, FL_F_SESSION, number);
    fl_event_num(&ev, FL_F_OUT_BYTES, bytes);
    fl_sessions_row(s, &ev, at_us);
}

static struct fl_sessions_stats stats_of(struct fl_sessions *s)
{
    struct fl_sessions_stats st;

    fl_sessions_stats(s, &st);
    return st;
}

static void test_pool(void)
{
    enum { MAX = 1000, SMALL = 8 };
    struct fl_session_pool *pool;
    struct fl_sessions *flood, *flood2, *small[SMALL];
    uint64_t lost = 0, kept = 0;
    size_t bytes;

    must(fl_session_pool_new(MAX, &pool, NULL) == 0 &&
         fl_sessions_new_in(pool, 100000, &flood, NULL) == 0 &&
         fl_sessions_new_in(pool, 100000, &flood2, NULL) == 0);
    for (size_t i = 0; i < SMALL; i++) {
        must(fl_sessions_new_in(pool, 100000, &small[i], NULL) == 0);
        for (uint64_t n = 0; n < 20; n++)
            put_session(small[i], n, START_US, n);
    }
    for (uint64_t n = 0; n < 5000; n++)
        put_session(flood, n, START_US, n);
    CHECK(stats_of(flood).open == MAX - SMALL * 20 && stats_of(flood).evicted > 4000,
          "a tenant that floods takes from itself");
    for (uint64_t n = 0; n < 5000; n++)
        put_session(flood2, n, START_US, n);
    CHECK(stats_of(flood).open + stats_of(flood2).open == MAX - SMALL * 20 &&
              stats_of(flood).open > 400 && stats_of(flood2).open > 400,
          "two that flood share");
    for (size_t i = 0; i < SMALL; i++) {
        lost += stats_of(small[i]).evicted;
        kept += stats_of(small[i]).open;
    }
    CHECK(lost == 0 && kept == SMALL * 20, "the others lose none");
    put_session(small[0], 3, START_US, UINT64_C(1) << 40);
    put_session(small[0], 3, START_US, (UINT64_C(1) << 40) + 5);
    CHECK(stats_of(small[0]).no_baseline == 20 && stats_of(small[0]).open == 20,
          "large counters are remembered, too");
    bytes = fl_session_pool_bytes(pool);
    CHECK(bytes <= MAX * 64 + 2048 * 8 + 1024, "the pool has its size");
    fl_sessions_free(flood);
    for (uint64_t n = 0; n < 5000; n++)
        put_session(flood2, n, START_US, UINT64_C(1) << 50 | n);
    CHECK(stats_of(flood2).open > 400 && stats_of(flood2).open <= MAX / 2 &&
              fl_session_pool_bytes(pool) == bytes,
          "sessions with large counters take two places");
    fl_sessions_free(flood2);
    for (size_t i = 0; i < SMALL; i++)
        fl_sessions_free(small[i]);
    fl_session_pool_free(pool);
}

/* Who had most has nothing any more; who has most now does not ask. */
static void test_other_biggest(void)
{
    enum { MAX = 1000, SMALL = 5 };
    struct fl_session_pool *pool;
    struct fl_sessions *first, *second, *small[SMALL];
    uint64_t lost = 0;

    must(fl_session_pool_new(MAX, &pool, NULL) == 0 &&
         fl_sessions_new_in(pool, MAX, &first, NULL) == 0 &&
         fl_sessions_new_in(pool, MAX, &second, NULL) == 0);
    for (uint64_t n = 0; n < 400; n++)
        put_session(second, n, START_US, n);
    for (uint64_t n = 0; n < 700; n++)
        put_session(first, n, START_US, n);
    fl_sessions_clear(first);
    for (size_t i = 0; i < SMALL; i++) {
        must(fl_sessions_new_in(pool, MAX, &small[i], NULL) == 0);
        for (uint64_t n = 0; n < 130; n++)
            put_session(small[i], n, START_US, n);
        lost += stats_of(small[i]).evicted;
    }
    CHECK(lost == 0 && stats_of(second).open == MAX - SMALL * 130,
          "the one that has most now gives way");
    for (size_t i = 0; i < SMALL; i++)
        fl_sessions_free(small[i]);
    fl_sessions_free(first);
    fl_sessions_free(second);
    fl_session_pool_free(pool);
}

int main(void)
{
    compare(1, 100000, "columns and rows derive the same");
    compare(2, 100000, "so they do with other rows");
    compare(3, 150, "so they do where sessions are forgotten");
    compare(4, 1, "so they do where one is remembered");
    test_pool();
    test_other_biggest();
    return tap_done();
}
