/* Merging, verify and repair while one thread writes and others read: every snapshot is whole, and
 * verify never finds what is not so. Run it under TSan. */
#include <stdatomic.h>

#include "logs/store_int.h"
#include "logs/store_job.h"
#include "remove_tree.h"
#include "store_rows.h"
#include "tap.h"

enum {
    TENANT = 3,
    DAYS = 4,
    SEGS = 24,
    SEG_ROWS = 40,
    BATCHES = 60,
    BATCH_ROWS = 100,
    READERS = 2
};
#define NOW_US (INT64_C(1750000000) * FL_US_PER_S)

static struct fl_store *store;
static _Atomic int64_t clock_us = NOW_US;
static atomic_bool over;
static atomic_uint torn, snapshots, failures, jobs, wrong;

static int64_t now(void)
{
    return clock_us;
}

static void add(uint64_t number, uint64_t first, uint32_t count)
{
    FL_AUTO(fl_buf_done) struct fl_buf batch;
    uint32_t rows;

    fl_buf_init(&batch, 1 << 21);
    plain_batch(first, count, clock_us, &batch);
    while (fl_store_append(store, TENANT, ring_id, number, fl_buf_span(&batch), &rows, NULL) < 0)
        (void)usleep(1000);
    if (fl_store_commit(store, NULL) < 0)
        failures++;
}

/* Days of small segments. */
static uint64_t prepare(uint64_t *number)
{
    uint64_t rows = 0;

    for (unsigned d = 0; d < DAYS; d++, clock_us += FL_US_PER_DAY)
        for (unsigned i = 0; i < SEGS; i++, rows += SEG_ROWS) {
            add(++*number, rows + 1, SEG_ROWS);
            if (fl_store_seal_all(store, NULL) < 0)
                abort();
        }
    return rows;
}

static uint64_t first_number, first_row;

static void *write_rows(void *unused)
{
    (void)unused;
    for (uint64_t n = 0; n < BATCHES; n++)
        add(first_number + n, first_row + n * BATCH_ROWS, BATCH_ROWS);
    return NULL;
}

static void *read_rows(void *unused)
{
    (void)unused;
    while (!over) {
        struct tally t = tally_of(store, TENANT);

        snapshots++;
        if (!whole(&t, t.rows))
            torn++;
    }
    return NULL;
}

static void *keep_house(void *unused)
{
    (void)unused;
    while (!over) {
        (void)fl_store_work(store, 5);
        if (fl_store_tick(store, NULL) < 0)
            failures++;
    }
    return NULL;
}

static int take_line(void *ctx, struct fl_span line)
{
    (void)ctx;
    if (memmem(line.ptr, line.len, "\"finding\"", 9) != NULL) {
        printf("# %.*s", FL_SPAN_ARG(line));
        wrong++;
    }
    return 0;
}

static int is_over(void *ctx)
{
    (void)ctx;
    return 0;
}

static void *work(void *unused)
{
    static const enum fl_job_kind kinds[] = {FL_JOB_VERIFY, FL_JOB_MERGE, FL_JOB_REPAIR};
    const struct fl_query_sink sink = {take_line, is_over, NULL};

    (void)unused;
    for (unsigned i = 0; !over || i < 6; i++) {
        struct fl_job_ask ask = {.kind = kinds[i % 3], .from_day = INT32_MIN, .to_day = INT32_MAX};

        if (fl_store_job(store, &ask, &sink, NULL) < 0)
            failures++;
        jobs++;
    }
    return NULL;
}

int main(void)
{
    struct fl_store_rule rule = {.tenant = TENANT, .slug = "one", .keep_days = 30};
    struct fl_store_config conf = {.now_us = now,
                                   .memtable_bytes = 16 << 20,
                                   .seal_rows = 1000,
                                   .seal_s = 300,
                                   .wal_file_bytes = 100000,
                                   .baseline_s = 1};
    pthread_t writer, keeper, worker, readers[READERS];
    struct fl_store_stats st;
    struct memkeys keys;
    struct tally t;
    uint64_t number = 0, rows;
    char path[64];

    memkeys_init(&keys);
    conf.dir_fd = temp_folder(path);
    conf.keyring = &keys.base;
    if (fl_store_open(&conf, &store, NULL) < 0 || fl_store_rule(store, &rule, NULL) < 0)
        abort();
    rows = prepare(&number);
    first_number = number + 1;
    first_row = rows + 1;
    (void)pthread_create(&keeper, NULL, keep_house, NULL);
    (void)pthread_create(&worker, NULL, work, NULL);
    for (size_t i = 0; i < READERS; i++)
        (void)pthread_create(&readers[i], NULL, read_rows, NULL);
    (void)pthread_create(&writer, NULL, write_rows, NULL);
    (void)pthread_join(writer, NULL);
    over = true;
    (void)pthread_join(worker, NULL);
    (void)pthread_join(keeper, NULL);
    for (size_t i = 0; i < READERS; i++)
        (void)pthread_join(readers[i], NULL);
    rows += (uint64_t)BATCHES * BATCH_ROWS;
    printf("# %u snapshots, %u jobs\n", snapshots, jobs);
    CHECK(snapshots > 0 && torn == 0, "each snapshot is a whole beginning");
    CHECK(failures == 0 && jobs >= 6, "nothing failed");
    CHECK(wrong == 0, "verify finds nothing");
    fl_store_stats(store, &st);
    CHECK(st.merges >= DAYS, "days were merged meanwhile");
    clock_us += 61 * FL_US_PER_S;
    CHECK(fl_store_tick(store, NULL) == 0, "tick");
    fl_store_stats(store, &st);
    t = tally_of(store, TENANT);
    CHECK(st.retiring == 0 && whole(&t, rows), "in the end all are there");
    fl_store_close(store);
    if (fl_store_open(&conf, &store, NULL) < 0)
        abort();
    t = tally_of(store, TENANT);
    CHECK(whole(&t, rows), "also after a restart");
    fl_store_close(store);
    memkeys_done(&keys);
    (void)close(conf.dir_fd);
    remove_tree(path);
    return tap_done();
}
