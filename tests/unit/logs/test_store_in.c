/* What fl_store_append() makes of rows, against what is written of it in store.h, row by row:
 * clocks, numbers, derived counters; before sealing, after it, and after a restart from the log. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "random_rows.h"
#include "remove_tree.h"
#include "session_oracle.h"
#include "store_rows.h"
#include "tap.h"

static int64_t clock_us = INT64_C(1750000000000000);

static int64_t now(void)
{
    return clock_us;
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* ---- what must come out ---- */

struct expected {
    struct or_sessions *sessions;
    struct fl_event *ev;
    unsigned char *text; /* of their words: FL_FIELD_COUNT * RANDOM_TEXT bytes a row */
    uint64_t count, cap;
};

#define YEAR_1_US     (INT64_C(-62135596800) * FL_US_PER_S)
#define YEAR_10000_US (INT64_C(253402300800) * FL_US_PER_S)

/* store.h, fl_store_append(), in its words. */
static void settle(struct fl_event *ev, uint64_t seq)
{
    int64_t received = (int64_t)fl_event_get_num(ev, FL_F_RECEIVED);
    int64_t time = (int64_t)fl_event_get_num(ev, FL_F_TIME);

    if (!fl_event_has(ev, FL_F_RECEIVED) || received < clock_us - FL_US_PER_DAY ||
        received > clock_us + FL_US_PER_DAY)
        received = clock_us;
    fl_event_time(ev, FL_F_RECEIVED, received);
    if (!fl_event_has(ev, FL_F_TIME) || time < YEAR_1_US || time >= YEAR_10000_US) {
        fl_event_time(ev, FL_F_TIME, received);
        fl_event_flag(ev, FL_ROW_NO_TIME);
    }
    fl_event_num(ev, FL_F_SEQ, seq);
}

static void expect(struct expected *e, const struct random_row *row)
{
    struct fl_event *ev;

    must(e->count < e->cap);
    ev = &e->ev[e->count];
    *ev = row->ev;
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        unsigned char *text = e->text + (e->count * FL_FIELD_COUNT + f) * RANDOM_TEXT;

        if (!fl_field_is_str((enum fl_field)f) || !fl_event_has(ev, (enum fl_field)f))
            continue;
        memcpy(text, ev->v[f].str.ptr, ev->v[f].str.len);
        ev->v[f].str = fl_span_of(text, ev->v[f].str.len);
    }
    settle(ev, ++e->count);
    or_sessions_row(e->sessions, ev, clock_us);
}

static void expected_init(struct expected *e, uint64_t cap)
{
    *e = (struct expected){.cap = cap};
    e->ev = calloc(cap, sizeof *e->ev);
    e->text = malloc(cap * FL_FIELD_COUNT * RANDOM_TEXT);
    must(e->ev != NULL && e->text != NULL && or_sessions_new(300, &e->sessions, NULL) == 0);
}

static void expected_done(struct expected *e)
{
    or_sessions_free(e->sessions);
    free(e->ev);
    free(e->text);
}

/* Rows of tenant 1 that are not as expected. */
static uint64_t compare(struct fl_store *store, const struct expected *e)
{
    struct fl_fieldset all = fl_fieldset_all();
    struct fl_event ev = {.arena = NULL};
    struct fl_parts *parts;
    uint64_t n = 0, wrong = 0, read = 0;

    must(fl_parts_open(store, 1, INT64_MIN, INT64_MAX, &parts, NULL) == 0);
    for (size_t i = 0; i < fl_parts_count(parts); i++) {
        struct fl_part *part = fl_parts_get(parts, i);
        struct fl_part_info info;

        fl_part_info(part, &info);
        for (uint32_t b = 0; b < info.blocks; b++) {
            struct fl_block *block = NULL;

            must(fl_part_load(part, b, &all, &block, &read, NULL) == 0);
            for (uint32_t row = 0; row < block->rows; row++, n++) {
                fl_block_row(block, row, &ev);
                wrong += n >= e->count || !same_event(&ev, &e->ev[n]);
            }
            fl_block_free(block);
        }
    }
    fl_parts_free(parts);
    return wrong + (n != e->count);
}

/* ---- */

struct bed {
    struct memkeys keys;
    char path[64];
    int dir;
    struct fl_store_config conf;
    struct fl_store *store;
    struct fl_batch_writer *w;
    struct fl_buf batch;
    struct chance chance;
    uint64_t number;
};

static void open_store(struct bed *bed)
{
    const struct fl_store_rule rule = {.tenant = 1, .slug = "one", .keep_days = 30};

    must(fl_store_open(&bed->conf, &bed->store, NULL) == 0 &&
         fl_store_rule(bed->store, &rule, NULL) == 0);
}

static void bed_init(struct bed *bed, uint64_t seed)
{
    *bed = (struct bed){.chance = {seed}};
    memkeys_init(&bed->keys);
    bed->dir = temp_folder(bed->path);
    bed->conf = (struct fl_store_config){.dir_fd = bed->dir,
                                         .keyring = &bed->keys.base,
                                         .now_us = now,
                                         .memtable_bytes = (uint64_t)64 << 20,
                                         .seal_rows = 65536,
                                         .seal_s = 300,
                                         .sessions_max = 300,
                                         .sessions_all = 100000};
    must(fl_batch_writer_new(&bed->w, NULL) == 0);
    fl_buf_init(&bed->batch, FL_BATCH_MAX_BYTES);
    open_store(bed);
}

static void bed_done(struct bed *bed)
{
    fl_store_close(bed->store);
    fl_batch_writer_free(bed->w);
    fl_buf_done(&bed->batch);
    memkeys_done(&bed->keys);
    remove_tree(bed->path);
}

static void append(struct bed *bed, struct expected *e, uint32_t rows)
{
    struct random_row row = {.ev = {.arena = NULL}};
    struct random_mix mix;
    uint32_t n = 0, taken = 0;

    random_mix(&bed->chance, clock_us, &mix);
    fl_buf_clear(&bed->batch);
    for (; n < rows; n++) {
        random_row(&bed->chance, &mix, &row);
        random_session(&bed->chance, &row);
        if (fl_batch_add(bed->w, &row.ev, NULL) < 0)
            break;
        expect(e, &row);
    }
    must(fl_batch_finish(bed->w, &bed->batch, NULL) == 0);
    must(fl_store_append(bed->store, 1, ring_id, ++bed->number, fl_buf_span(&bed->batch), &taken,
                         NULL) == 0 &&
         taken == n);
    must(fl_store_append(bed->store, 1, ring_id, bed->number, fl_buf_span(&bed->batch), &taken,
                         NULL) == 0 &&
         taken == 0); /* the same delivery again: nothing */
}

static void corrupt(struct bed *bed)
{
    struct fl_store_stats before, after;
    uint32_t rows = 0;
    uint64_t refused = 0;

    fl_store_stats(bed->store, &before);
    for (size_t cut = 0; cut < bed->batch.len; cut += 1 + bed->batch.len / 40)
        refused += fl_store_append(bed->store, 1, ring_id, bed->number + 1,
                                   fl_span_of(bed->batch.ptr, cut), &rows, NULL) == FL_E_CORRUPT;
    fl_store_stats(bed->store, &after);
    CHECK(refused > 30 && after.batches_bad == before.batches_bad + refused &&
              after.memtable_bytes == before.memtable_bytes &&
              fl_store_pending_bytes(bed->store) == 0,
          "a batch that is cut is not taken, nor anything of it");
}

static void one_life(uint64_t seed)
{
    struct expected e;
    struct bed bed;

    bed_init(&bed, seed);
    expected_init(&e, 40000);
    for (int i = 0; i < 40; i++) {
        append(&bed, &e, 1 + chance_below(&bed.chance, i % 7 == 0 ? 1500 : 60));
        must(fl_store_commit(bed.store, NULL) == 0);
        clock_us += (int64_t)chance_below(&bed.chance, 100) * FL_US_PER_S;
    }
    CHECK(compare(bed.store, &e) == 0, "rows in memory are as store.h says");
    corrupt(&bed);
    must(fl_store_seal_all(bed.store, NULL) == 0);
    CHECK(compare(bed.store, &e) == 0, "sealed rows, too");
    for (int i = 0; i < 20; i++)
        append(&bed, &e, 1 + chance_below(&bed.chance, 200));
    must(fl_store_commit(bed.store, NULL) == 0);
    CHECK(compare(bed.store, &e) == 0, "some sealed, some in memory");
    fl_store_close(bed.store);
    open_store(&bed);
    append(&bed, &e, 100);
    must(fl_store_commit(bed.store, NULL) == 0);
    CHECK(compare(bed.store, &e) == 0, "after a restart, and what comes then");
    expected_done(&e);
    bed_done(&bed);
}

/* Keys of log files that are unlinked go after an hour, and no other key. */
static void check_sweep(void)
{
    struct fl_store_stats stats;
    struct expected e;
    struct bed bed;
    size_t keys;

    bed_init(&bed, 77);
    fl_store_close(bed.store);
    bed.conf.wal_file_bytes = 1000;
    open_store(&bed);
    expected_init(&e, 4000);
    for (int i = 0; i < 10; i++) {
        append(&bed, &e, 30);
        must(fl_store_commit(bed.store, NULL) == 0);
        if (i == 4)
            must(fl_store_seal_all(bed.store, NULL) == 0);
    }
    fl_store_close(bed.store); /* seals: what is noted of the files must last */
    open_store(&bed);
    append(&bed, &e, 30);
    must(fl_store_commit(bed.store, NULL) == 0 && fl_store_seal_all(bed.store, NULL) == 0);
    append(&bed, &e, 30);
    must(fl_store_commit(bed.store, NULL) == 0);
    keys = bed.keys.count;
    must(fl_store_tick(bed.store, NULL) == 0);
    CHECK(bed.keys.count == keys, "within the hour keys stay");
    clock_us += 3600 * FL_US_PER_S;
    must(fl_store_seal_all(bed.store, NULL) == 0 && fl_store_tick(bed.store, NULL) == 0);
    fl_store_stats(bed.store, &stats);
    CHECK(stats.wal_files == 1 && bed.keys.count < keys, "then those of unlinked log files go");
    append(&bed, &e, 30);
    must(fl_store_commit(bed.store, NULL) == 0);
    CHECK(compare(bed.store, &e) == 0, "and no other: rows are read");
    fl_store_close(bed.store);
    open_store(&bed);
    CHECK(compare(bed.store, &e) == 0, "after a restart, too");
    expected_done(&e);
    bed_done(&bed);
}

int main(void)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        one_life(seed);
    check_sweep();
    return tap_done();
}
