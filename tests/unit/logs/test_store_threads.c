/* One writer, readers, housekeeping, a purge of another tenant: every snapshot must be a whole
 * beginning of what was committed. Run it under TSan. */
#include <stdatomic.h>

#include "remove_tree.h"
#include "store_rows.h"
#include "tap.h"

enum { TENANT = 3, OTHER = 4, BATCHES = 120, BATCH_ROWS = 150, READERS = 2 };
#define NOW_US (INT64_C(1750000000) * FL_US_PER_S)

static struct fl_store *store;
static atomic_bool over;
static atomic_uint torn_snapshots, snapshots, failures;
static _Atomic uint64_t committed;

static int64_t now(void)
{
    return NOW_US;
}

static void *write_rows(void *unused)
{
    FL_AUTO(fl_buf_done) struct fl_buf batch;
    uint32_t rows;

    (void)unused;
    fl_buf_init(&batch, 1 << 21);
    for (uint64_t n = 0; n < BATCHES; n++) {
        uint64_t number = n * 2 + 1;

        plain_batch(n * BATCH_ROWS + 1, BATCH_ROWS, NOW_US, &batch);
        while (fl_store_append(store, TENANT, ring_id, number, fl_buf_span(&batch), &rows, NULL) <
               0)
            (void)usleep(1000);
        while (fl_store_append(store, OTHER, ring_id, number + 1, fl_buf_span(&batch), &rows,
                               NULL) < 0)
            (void)usleep(1000);
        if (n % 3 != 0)
            continue;
        if (fl_store_commit(store, NULL) < 0)
            failures++;
        committed = (n + 1) * BATCH_ROWS;
    }
    if (fl_store_commit(store, NULL) < 0)
        failures++;
    committed = (uint64_t)BATCHES * BATCH_ROWS;
    return NULL;
}

static void *read_rows(void *unused)
{
    uint64_t before = 0;

    (void)unused;
    while (!over) {
        uint64_t least = committed;
        struct tally t = tally_of(store, TENANT);

        snapshots++;
        if (!whole(&t, t.rows) || t.rows < least || t.rows < before)
            torn_snapshots++;
        before = t.rows;
        (void)fl_store_wait(store, TENANT, fl_day_of(NOW_US), before, 5);
    }
    return NULL;
}

static void *keep_house(void *unused)
{
    struct fl_store_stats stats;

    (void)unused;
    while (!over) {
        (void)fl_store_work(store, 5);
        if (fl_store_tick(store, NULL) < 0)
            failures++;
        fl_store_stats(store, &stats);
    }
    return NULL;
}

static void *purge_other(void *unused)
{
    struct fl_store_rule rule = {.tenant = OTHER, .slug = "other", .keep_days = 3};
    struct fl_purge_result res;

    (void)unused;
    while (!over) {
        struct tally t = tally_of(store, OTHER);

        (void)t;
        if (fl_store_purge(store, OTHER, 0, INT32_MAX, false, "purge", &res, NULL) < 0 ||
            fl_store_rule(store, &rule, NULL) < 0)
            failures++;
        (void)usleep(20000);
    }
    return NULL;
}

int main(void)
{
    struct fl_store_rule rule = {.tenant = TENANT, .slug = "one", .keep_days = 3};
    struct fl_store_config conf = {.now_us = now,
                                   .memtable_bytes = 8 << 20,
                                   .seal_rows = 2000,
                                   .seal_s = 300,
                                   .wal_file_bytes = 300000,
                                   .baseline_s = 1};
    pthread_t writer, keeper, purger, readers[READERS];
    struct memkeys keys;
    struct tally t;
    char path[64];

    memkeys_init(&keys);
    conf.dir_fd = temp_folder(path);
    conf.keyring = &keys.base;
    if (fl_store_open(&conf, &store, NULL) < 0 || fl_store_rule(store, &rule, NULL) < 0)
        abort();
    rule = (struct fl_store_rule){.tenant = OTHER, .slug = "other", .keep_days = 3};
    if (fl_store_rule(store, &rule, NULL) < 0)
        abort();
    (void)pthread_create(&keeper, NULL, keep_house, NULL);
    (void)pthread_create(&purger, NULL, purge_other, NULL);
    for (size_t i = 0; i < READERS; i++)
        (void)pthread_create(&readers[i], NULL, read_rows, NULL);
    (void)pthread_create(&writer, NULL, write_rows, NULL);
    (void)pthread_join(writer, NULL);
    over = true;
    (void)pthread_join(keeper, NULL);
    (void)pthread_join(purger, NULL);
    for (size_t i = 0; i < READERS; i++)
        (void)pthread_join(readers[i], NULL);
    printf("# %u snapshots\n", snapshots);
    CHECK(snapshots > 0 && torn_snapshots == 0, "each snapshot is a whole beginning, and none less "
                                                "than was committed before it");
    CHECK(failures == 0, "nothing failed");
    t = tally_of(store, TENANT);
    CHECK(whole(&t, (uint64_t)BATCHES * BATCH_ROWS), "in the end all are there");
    fl_store_close(store);
    if (fl_store_open(&conf, &store, NULL) < 0)
        abort();
    t = tally_of(store, TENANT);
    CHECK(whole(&t, (uint64_t)BATCHES * BATCH_ROWS), "also after a restart");
    fl_store_close(store);
    memkeys_done(&keys);
    (void)close(conf.dir_fd);
    remove_tree(path);
    return tap_done();
}
