#include "logs/store.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "remove_tree.h"
#include "store_rows.h"
#include "tap.h"

enum { TENANT = 3 };
#define NOW_US (INT64_C(1750000000) * FL_US_PER_S) /* 2025-06-15 */

static _Atomic int64_t clock_us = NOW_US;

static int64_t now(void)
{
    return clock_us;
}

/* ---- a file layer that dies, fails or keeps ---- */

static bool dead;               /* as after a crash: nothing reaches the disk any more */
static bool keep_wal;           /* unlinking a log says yes and does not */
static atomic_int fail_in = -1; /* calls of failing_kind until one fails; -1: never */
static atomic_int failing_kind; /* 0 write, 1 sync, 2 rename */

static bool fails(int kind)
{
    return failing_kind == kind && fail_in >= 0 && fail_in-- == 0;
}

static ssize_t test_write(const struct fl_files *fs, int fd, const void *from, size_t len)
{
    if (dead)
        return -EIO;
    if (fails(0)) {
        ssize_t n = fl_files_system.write(fs, fd, from, len / 2); /* half of it lands */

        return n < 0 ? n : -ENOSPC;
    }
    return fl_files_system.write(fs, fd, from, len);
}

static int test_sync(const struct fl_files *fs, int fd)
{
    return dead || fails(1) ? -EIO : fl_files_system.sync(fs, fd);
}

static int test_rename(const struct fl_files *fs, int a, const char *from, int c, const char *to)
{
    return dead || fails(2) ? -EIO : fl_files_system.rename(fs, a, from, c, to);
}

static int test_unlink(const struct fl_files *fs, int dir, const char *name, bool folder)
{
    size_t n = strlen(name);

    if (dead)
        return -EIO;
    if (keep_wal && n > 4 && strcmp(name + n - 4, ".wal") == 0)
        return 0;
    return fl_files_system.unlink(fs, dir, name, folder);
}

static struct fl_files test_files;

struct bench {
    struct memkeys keys;
    struct fl_store_config conf;
    struct fl_store *store;
    char path[64];
    int dir;
    struct fl_buf batch;
};

static void begin(struct bench *b)
{
    memset(b, 0, sizeof *b);
    memkeys_init(&b->keys);
    b->dir = temp_folder(b->path);
    test_files = fl_files_system;
    test_files.write = test_write;
    test_files.sync = test_sync;
    test_files.rename = test_rename;
    test_files.unlink = test_unlink;
    b->conf = (struct fl_store_config){.dir_fd = b->dir,
                                       .files = &test_files,
                                       .keyring = &b->keys.base,
                                       .now_us = now,
                                       .memtable_bytes = 64 << 20,
                                       .seal_rows = 65536,
                                       .seal_s = 300};
    fl_buf_init(&b->batch, 1 << 21);
    clock_us = NOW_US;
}

static void end(struct bench *b)
{
    fl_store_close(b->store);
    fl_buf_done(&b->batch);
    memkeys_done(&b->keys);
    (void)close(b->dir);
    remove_tree(b->path);
}

static void rule(struct fl_store *store, uint32_t tenant, uint32_t keep_days)
{
    struct fl_store_rule rule = {.tenant = tenant, .keep_days = keep_days};

    (void)snprintf(rule.slug, sizeof rule.slug, "tenant%u", (unsigned)tenant);
    if (fl_store_rule(store, &rule, NULL) < 0)
        abort();
}

static void reopen(struct bench *b)
{
    struct fl_err err = {0};

    if (fl_store_open(&b->conf, &b->store, &err) < 0) {
        printf("# open: %s\n", err.text);
        abort();
    }
    rule(b->store, TENANT, 30);
}

/* As a crash would leave it: nothing is committed or sealed any more. */
static void crash_close(struct bench *b)
{
    dead = true;
    fl_store_close(b->store);
    b->store = NULL;
    dead = false;
}

static int append(struct bench *b, uint32_t tenant, uint64_t number, uint64_t first, uint32_t rows)
{
    struct fl_err err = {0};
    uint32_t got = 0;
    int r;

    plain_batch(first, rows, clock_us, &b->batch);
    r = fl_store_append(b->store, tenant, ring_id, number, fl_buf_span(&b->batch), &got, &err);
    return r < 0 ? r : (int)got;
}

static void commit(struct bench *b)
{
    if (fl_store_commit(b->store, NULL) < 0)
        abort();
}

static void tick(struct bench *b)
{
    if (fl_store_tick(b->store, NULL) < 0)
        abort();
}

static void check_basic(void)
{
    struct bench b;
    struct fl_store_stats stats;
    struct tally t;
    uint32_t rows = 7;

    begin(&b);
    if (fl_store_open(&b.conf, &b.store, NULL) < 0)
        abort();
    CHECK(append(&b, TENANT, 1, 1, 10) == FL_E_NOENT, "no rule, no rows");
    rule(b.store, TENANT, 30);
    CHECK(append(&b, TENANT, 1, 1, 100) == 100 && fl_store_pending_bytes(b.store) > 0,
          "a batch is taken");
    t = tally_of(b.store, TENANT);
    CHECK(t.rows == 0 && fl_store_wait(b.store, TENANT, 0, 0, 1) == 0,
          "rows are not visible before the commit");
    CHECK(fl_store_commit(b.store, NULL) == 0 && fl_store_wait(b.store, TENANT, 0, 0, 1000) == 1,
          "the commit makes them so");
    t = tally_of(b.store, TENANT);
    CHECK(whole(&t, 100) && t.first_seq == 1, "all of them, numbered from 1");
    CHECK(append(&b, TENANT, 1, 1, 100) == 0, "the same delivery again is skipped");
    CHECK(append(&b, TENANT, 2, 101, 50) == 50 && tally_of(b.store, TENANT).rows == 100 &&
              fl_store_commit(b.store, NULL) == 0,
          "the next, again not seen before the commit");
    CHECK(fl_store_append(b.store, TENANT, ring_id, 3, FL_SPAN("FBnonsense"), &rows, NULL) ==
                  FL_E_CORRUPT &&
              rows == 7,
          "nonsense is refused");
    plain_batch(151, 5, clock_us, &b.batch);
    b.batch.len -= 3;
    CHECK(fl_store_append(b.store, TENANT, ring_id, 3, fl_buf_span(&b.batch), &rows, NULL) ==
              FL_E_CORRUPT,
          "a batch that is cut is refused whole");
    CHECK(fl_store_commit(b.store, NULL) == 0, "and the next commit works");
    CHECK(fl_store_seal_all(b.store, NULL) == 0, "sealing");
    t = tally_of(b.store, TENANT);
    CHECK(whole(&t, 150) && t.parts == 1, "sealed rows are the same rows");
    fl_store_stats(b.store, &stats);
    CHECK(stats.rows == 150 && stats.segments == 1 && stats.memtable_rows == 0 &&
              stats.batches_bad == 2 && stats.wal_files == 1 && stats.memtable_bytes == 0,
          "the figures");
    CHECK(append(&b, TENANT, 3, 151, 50) == 50 && fl_store_commit(b.store, NULL) == 0, "more");
    t = tally_of(b.store, TENANT);
    CHECK(whole(&t, 200) && t.parts == 2, "sealed and not sealed together");
    fl_store_close(b.store);
    reopen(&b);
    t = tally_of(b.store, TENANT);
    CHECK(whole(&t, 200), "closed and opened again");
    CHECK(append(&b, TENANT, 3, 151, 50) == 0, "deliveries are known after that");
    end(&b);
}

static void check_replay(void)
{
    struct bench b;
    struct fl_store_stats stats;
    struct tally t;

    begin(&b);
    reopen(&b);
    for (uint64_t n = 0; n < 10; n++)
        CHECK(append(&b, TENANT, n + 1, n * 100 + 1, 100) == 100, "append");
    CHECK(fl_store_commit(b.store, NULL) == 0, "commit");
    CHECK(append(&b, TENANT, 11, 1001, 100) == 100, "and one that is not committed");
    crash_close(&b);
    reopen(&b);
    t = tally_of(b.store, TENANT);
    fl_store_stats(b.store, &stats);
    CHECK(whole(&t, 1000) && stats.replayed_rows == 1000, "what was committed is replayed, once");
    CHECK(stats.segments == 1 && stats.wal_files == 1, "sealed at once, the old log is gone");
    CHECK(append(&b, TENANT, 10, 901, 100) == 0 && append(&b, TENANT, 11, 1001, 100) == 100,
          "deliveries: the committed are known, the lost one is taken");
    CHECK(fl_store_commit(b.store, NULL) == 0, "commit");
    t = tally_of(b.store, TENANT);
    CHECK(whole(&t, 1100), "all there, numbered on");
    end(&b);
}

/* The newest log, its path below the folder. */
static int newest_log(void *ctx, const char *name, bool folder)
{
    char *best = ctx;

    (void)folder;
    if (strcmp(name, best) > 0)
        (void)snprintf(best, 80, "%s", name);
    return 0;
}

/* The last group loses a byte of its body: it never counted, and must not count later either, when
 * its numbers belong to other rows. */
static void check_torn_twice(void)
{
    struct bench b;
    struct tally t;
    char name[80] = "", path[128];
    struct fl_store_stats stats;
    off_t size;
    int dir, fd;

    begin(&b);
    reopen(&b);
    keep_wal = true;
    for (uint64_t n = 0; n < 4; n++) { /* the third and the fourth are one group */
        if (append(&b, TENANT, n + 1, n * 100 + 1, 100) != 100)
            abort();
        if (n != 2)
            commit(&b);
    }
    crash_close(&b);
    dir = openat(b.dir, "_wal", O_RDONLY | O_DIRECTORY);
    if (fl_files_system.list(&fl_files_system, dir, newest_log, name) < 0)
        abort();
    (void)snprintf(path, sizeof path, "_wal/%s", name);
    fd = openat(b.dir, path, O_RDWR);
    size = lseek(fd, 0, SEEK_END);
    if (pwrite(fd, "torn", 4, size - 200) != 4)
        abort();
    (void)close(fd);
    (void)close(dir);
    reopen(&b);
    t = tally_of(b.store, TENANT);
    fl_store_stats(b.store, &stats);
    CHECK(whole(&t, 200) && stats.torn == 1, "a group with a hole is not there");
    if (append(&b, TENANT, 3, 201, 70) != 70 || append(&b, TENANT, 4, 271, 30) != 30)
        abort();
    commit(&b);
    crash_close(&b);
    reopen(&b);
    t = tally_of(b.store, TENANT);
    CHECK(whole(&t, 300), "its numbers belong to the rows that came after it");
    keep_wal = false;
    end(&b);
}

static void check_seal_crash(void)
{
    struct bench b;
    struct fl_store_stats stats;
    struct tally t;

    begin(&b);
    keep_wal = true;
    b.conf.wal_file_bytes = 1000;
    reopen(&b);
    for (uint64_t n = 0; n < 20; n++) {
        if (append(&b, TENANT, n + 1, n * 50 + 1, 50) != 50 || fl_store_commit(b.store, NULL) < 0)
            abort();
        if (n == 9 && fl_store_seal_all(b.store, NULL) < 0)
            abort();
    }
    crash_close(&b);
    reopen(&b);
    fl_store_stats(b.store, &stats);
    t = tally_of(b.store, TENANT);
    CHECK(whole(&t, 1000) && stats.replayed_rows == 500,
          "rows whose log outlived their segment are not doubled");
    fl_store_close(b.store);
    reopen(&b);
    t = tally_of(b.store, TENANT);
    fl_store_stats(b.store, &stats);
    CHECK(whole(&t, 1000) && stats.replayed_rows == 0 && stats.damaged == 0, "nor the next time");
    keep_wal = false;
    end(&b);
}

/* ---- failing writes ---- */

static void fail_round(int kind, int at)
{
    struct bench b;
    struct tally t;
    uint64_t n = 0;
    bool ok = true;

    begin(&b);
    b.conf.wal_file_bytes = 20000;
    reopen(&b);
    failing_kind = kind;
    fail_in = at;
    for (; n < 12; n++) {
        while (append(&b, TENANT, n + 1, n * 50 + 1, 50) == FL_E_AGAIN)
            ok = ok && fl_store_commit(b.store, NULL) >= 0;
        if (fl_store_commit(b.store, NULL) < 0 && fl_store_commit(b.store, NULL) < 0)
            ok = false;
        if (n == 3 && fl_store_seal_all(b.store, NULL) < 0 && fl_store_seal_all(b.store, NULL) < 0)
            ok = false;
    }
    fail_in = -1;
    t = tally_of(b.store, TENANT);
    ok = ok && whole(&t, 600);
    crash_close(&b);
    reopen(&b);
    t = tally_of(b.store, TENANT);
    if (!ok || !whole(&t, 600))
        printf("# kind %d, call %d: %llu rows\n", kind, at, (unsigned long long)t.rows);
    CHECK(ok && whole(&t, 600), "one failing call loses and doubles nothing");
    end(&b);
}

static void check_failing(void)
{
    for (int kind = 0; kind < 3; kind++)
        for (int at = 0; at < 30; at++)
            fail_round(kind, at);
}

/* ---- baselines ---- */

/* Session 7 has sent so much. */
static void update(struct bench *b, uint64_t number, uint64_t bytes)
{
    struct fl_batch_writer *w;
    struct fl_event ev = {0};
    uint32_t rows;

    fl_event_time(&ev, FL_F_TIME, clock_us);
    fl_event_str(&ev, FL_F_DEVICE, FL_SPAN("fw1"));
    fl_event_str(&ev, FL_F_ACTION, FL_SPAN("updated"));
    fl_event_num(&ev, FL_F_SESSION, 7);
    fl_event_num(&ev, FL_F_OUT_BYTES, bytes);
    fl_buf_clear(&b->batch);
    if (fl_batch_writer_new(&w, NULL) < 0 || fl_batch_add(w, &ev, NULL) < 0 ||
        fl_batch_finish(w, &b->batch, NULL) < 0 ||
        fl_store_append(b->store, TENANT, ring_id, number, fl_buf_span(&b->batch), &rows, NULL) < 0)
        abort();
    fl_batch_writer_free(w);
    commit(b);
}

static void check_baselines(void)
{
    struct bench b;
    struct fl_store_stats stats;

    begin(&b);
    b.conf.baseline_s = 4000000; /* only where it must be */
    b.conf.wal_file_bytes = 1;   /* a file for each commit, so that files can go */
    reopen(&b);
    update(&b, 1, 1000);
    CHECK(tally_of(b.store, TENANT).bytes == 0, "the first counters are the baseline");
    update(&b, 2, 1010);
    crash_close(&b);
    reopen(&b);
    CHECK(tally_of(b.store, TENANT).bytes == 10, "replayed rows have the same differences");
    update(&b, 3, 1030);
    CHECK(tally_of(b.store, TENANT).bytes == 30, "and the next one goes on from them");
    if (fl_store_seal_all(b.store, NULL) < 0)
        abort();
    update(&b, 4, 1060);
    crash_close(&b);
    reopen(&b);
    update(&b, 5, 1100);
    CHECK(tally_of(b.store, TENANT).bytes == 100, "after a seal and a crash");
    fl_store_close(b.store);
    reopen(&b);
    update(&b, 6, 1150);
    CHECK(tally_of(b.store, TENANT).bytes == 150, "after a restart without a log to replay");
    clock_us += FL_US_PER_DAY;
    update(&b, 7, 1151);
    clock_us += 400 * FL_US_PER_S;
    tick(&b); /* seals by age, without a new baseline file */
    fl_store_stats(b.store, &stats);
    CHECK(stats.memtable_rows == 0, "sealed by age");
    update(&b, 8, 1153);
    tick(&b); /* the log of the sealed row is still needed */
    crash_close(&b);
    reopen(&b);
    update(&b, 9, 1157);
    fl_store_stats(b.store, &stats);
    CHECK(tally_of(b.store, TENANT).bytes == 157 && stats.no_baseline == 0,
          "sealed rows in the log that the baseline does not know are passed over it again");
    end(&b);
}

/* ---- kill -9 ---- */

struct shared {
    _Atomic uint64_t committed; /* rows that fl_store_commit() acknowledged */
};

static void victim(struct bench *b, struct shared *shared, uint64_t first, struct rnd *r)
{
    uint64_t next = first;

    if (fl_store_open(&b->conf, &b->store, NULL) < 0)
        _exit(1);
    rule(b->store, TENANT, 30);
    for (;;) {
        for (uint64_t k = rnd_below(r, 4); k > 0; k--) {
            uint32_t rows = 1 + (uint32_t)rnd_below(r, 60);

            /* the delivery number is the number of its last row: the ring's stand-in */
            if (append(b, TENANT, next + rows - 1, next, rows) != (int)rows)
                _exit(2);
            next += rows;
        }
        if (fl_store_commit(b->store, NULL) < 0)
            _exit(3);
        shared->committed = next - 1;
        if (rnd_below(r, 5) == 0 && fl_store_tick(b->store, NULL) < 0)
            _exit(4);
    }
}

/* Keys of the child are in shared memory: a keyring that outlives it. */
struct shared_keys {
    struct fl_keyring base;
    pthread_mutex_t mu;
    uint32_t count;
    struct memkey all[20000];
};

static int shared_new(struct fl_keyring *base, uint32_t tenant, int32_t day,
                      const unsigned char *id, unsigned char *ret_key, struct fl_err *err)
{
    struct shared_keys *k = (struct shared_keys *)(void *)base;
    struct memkey *key = &k->all[k->count];

    (void)err;
    if (k->count >= FL_LEN(k->all))
        abort();
    key->tenant = tenant;
    key->day = day;
    memcpy(key->id, id, 16);
    if (getrandom(key->key, 32, 0) != 32)
        abort();
    memcpy(ret_key, key->key, 32);
    k->count++;
    return 0;
}

static int shared_get(struct fl_keyring *base, uint32_t tenant, int32_t day,
                      const unsigned char *id, unsigned char *ret_key, struct fl_err *err)
{
    struct shared_keys *k = (struct shared_keys *)(void *)base;

    for (uint32_t i = k->count; i-- > 0;) {
        if (k->all[i].tenant == tenant && k->all[i].day == day &&
            memcmp(k->all[i].id, id, 16) == 0) {
            memcpy(ret_key, k->all[i].key, 32);
            return 0;
        }
    }
    return fl_err_set(err, FL_E_NOENT, "no such key");
}

static int shared_destroy(struct fl_keyring *base, uint32_t tenant, int32_t day,
                          const unsigned char *id, const char *why, struct fl_destroyed *ret,
                          struct fl_err *err)
{
    (void)base, (void)tenant, (void)day, (void)id, (void)why, (void)err;
    memset(ret, 0, sizeof *ret);
    return 0;
}

static int shared_destroy_files(struct fl_keyring *base, uint32_t tenant,
                                const struct fl_key_file *files, uint32_t count, const char *why,
                                struct fl_destroyed *ret, struct fl_err *err)
{
    (void)files, (void)count;
    return shared_destroy(base, tenant, 0, NULL, why, ret, err);
}

static const struct fl_keyring_ops shared_ops = {.file_new = shared_new,
                                                 .file_get = shared_get,
                                                 .destroy = shared_destroy,
                                                 .destroy_files = shared_destroy_files};

static void check_kill(void)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct shared_keys *keys =
        mmap(NULL, sizeof *keys, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct rnd r = {42};
    struct bench b;
    uint64_t have = 0, replayed = 0;

    if (shared == MAP_FAILED || keys == MAP_FAILED)
        abort();
    begin(&b);
    keys->base.ops = &shared_ops;
    b.conf.keyring = &keys->base;
    b.conf.seal_rows = 300;
    b.conf.wal_file_bytes = 100000;
    for (int round = 0; round < 20; round++) {
        uint64_t wait_us = 1000 + rnd_below(&r, 20000);
        struct tally t;
        struct fl_store_stats stats;
        pid_t pid;
        int status = 0;

        shared->committed = have;
        (void)fflush(stdout);
        pid = fork();
        if (pid == 0) {
            struct rnd child = {(uint64_t)round};

            victim(&b, shared, have + 1, &child);
        }
        while (shared->committed < have + 50 + rnd_below(&r, 1000) &&
               waitpid(pid, &status, WNOHANG) == 0)
            (void)usleep(200);
        (void)usleep((useconds_t)wait_us);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        if (fl_store_open(&b.conf, &b.store, NULL) < 0)
            abort();
        t = tally_of(b.store, TENANT);
        fl_store_stats(b.store, &stats);
        replayed += stats.replayed_rows;
        if (!(WIFSIGNALED(status) && whole(&t, t.rows) && t.rows >= shared->committed))
            printf("# round %d: status %d, %llu rows, %llu committed, %llu gaps\n", round, status,
                   (unsigned long long)t.rows, (unsigned long long)shared->committed,
                   (unsigned long long)t.gaps);
        CHECK(WIFSIGNALED(status) && whole(&t, t.rows) && t.rows >= shared->committed,
              "after kill -9 every committed row is there, once");
        have = t.rows;
        fl_store_close(b.store);
        b.store = NULL;
    }
    printf("# %llu rows, %llu of them replayed\n", (unsigned long long)have,
           (unsigned long long)replayed);
    CHECK(replayed > 0, "something was replayed");
    end(&b);
    (void)munmap(shared, sizeof *shared);
    (void)munmap(keys, sizeof *keys);
}

/* ---- destruction ---- */

static void copy_tree(const char *from, const char *to)
{
    char command[256];
    pid_t pid = fork();
    int status;

    (void)snprintf(command, sizeof command, "%s/.", from);
    if (pid == 0) {
        (void)execl("/bin/cp", "cp", "-a", command, to, (char *)NULL);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        abort();
}

static void fill_days(struct bench *b, int days, uint32_t rows)
{
    static uint64_t number = 1000;

    for (int d = 0; d < days; d++) {
        clock_us = NOW_US + d * FL_US_PER_DAY;
        if (append(b, TENANT, ++number, 1, rows) != (int)rows ||
            fl_store_commit(b->store, NULL) < 0)
            abort();
        if (d + 1 < days && fl_store_seal_all(b->store, NULL) < 0)
            abort();
    }
}

static struct fl_store_tenant_stats seen;

static void see(void *ctx, const struct fl_store_tenant_stats *t)
{
    (void)ctx;
    seen = *t;
}

static void check_retention(void)
{
    struct bench b;
    struct tally t;
    int32_t first = fl_day_of(NOW_US);
    size_t keys;

    begin(&b);
    reopen(&b);
    fill_days(&b, 5, 10);
    rule(b.store, TENANT, 3);
    CHECK(fl_store_tick(b.store, NULL) == 0, "tick");
    t = tally_of(b.store, TENANT);
    fl_store_each_tenant(b.store, see, NULL);
    CHECK(t.rows == 40 && seen.oldest_day == first + 1 && seen.newest_day == first + 4,
          "on day 4 with 3 days kept, day 0 is gone and day 1 is there");
    keys = b.keys.count;
    clock_us = NOW_US - NOW_US % FL_US_PER_DAY + 5 * FL_US_PER_DAY - 1;
    CHECK(fl_store_tick(b.store, NULL) == 0 && tally_of(b.store, TENANT).rows == 40,
          "a microsecond before midnight nothing more goes");
    clock_us++;
    CHECK(fl_store_tick(b.store, NULL) == 0 && tally_of(b.store, TENANT).rows == 30 &&
              b.keys.count < keys,
          "at midnight the next day goes, with its keys");
    clock_us += 40 * FL_US_PER_DAY;
    CHECK(fl_store_tick(b.store, NULL) == 0 && tally_of(b.store, TENANT).rows == 0,
          "later all are gone, sealed or not");
    fl_store_close(b.store);
    reopen(&b);
    CHECK(tally_of(b.store, TENANT).rows == 0, "also for the next start");
    end(&b);
}

static void check_purge(bool whole_tenant)
{
    struct bench b;
    struct fl_purge_result res = {0};
    struct fl_parts *held;
    struct fl_block *block = NULL;
    struct fl_fieldset all = fl_fieldset_all();
    char copy[64];
    int copy_fd = temp_folder(copy);
    int32_t first = fl_day_of(NOW_US), from = whole_tenant ? INT32_MIN : first + 1;
    int32_t to = whole_tenant ? INT32_MAX : first + 4;
    uint64_t read = 0, kept = whole_tenant ? 0 : 10;

    begin(&b);
    reopen(&b);
    fill_days(&b, 5, 10); /* the last day stands in the log and a memtable only */
    copy_tree(b.path, copy);
    CHECK(fl_store_purge(b.store, 99, from, to, false, "purge", &res, NULL) == FL_E_NOENT,
          "an unknown tenant");
    CHECK(fl_store_purge(b.store, TENANT, from, to, true, "purge", &res, NULL) == 0 &&
              res.rows == 50 - kept && res.keys > 0 && tally_of(b.store, TENANT).rows == 50,
          "a dry run counts and keeps");
    if (fl_parts_open(b.store, TENANT, INT64_MIN, INT64_MAX, &held, NULL) < 0)
        abort();
    CHECK(fl_store_purge(b.store, TENANT, from, to, false, "purge", &res, NULL) == 0 &&
              res.rows == 50 - kept && res.keys > 0 && res.files >= 3 && res.epoch > 0 &&
              strcmp(res.root_kind, "memory") == 0,
          "a purge says what it did");
    CHECK(tally_of(b.store, TENANT).rows == kept, "the rows are gone");
    CHECK(fl_part_load(fl_parts_get(held, 3), 0, &all, &block, &read, NULL) == FL_E_NOENT &&
              fl_part_load(fl_parts_get(held, 4), 0, &all, &block, &read, NULL) == FL_E_NOENT,
          "also for a query that had them");
    fl_parts_free(held);
    if (whole_tenant)
        rule(b.store, TENANT, 30);
    CHECK(append(&b, TENANT, 999999, 1, 7) == 7 && fl_store_commit(b.store, NULL) == 0 &&
              tally_of(b.store, TENANT).rows == kept + 7,
          "new rows of today are taken");
    crash_close(&b);
    reopen(&b);
    CHECK(tally_of(b.store, TENANT).rows == kept + 7, "nothing comes back with the log");
    fl_store_close(b.store);
    (void)close(b.dir);
    remove_tree(b.path);
    (void)snprintf(b.path, sizeof b.path, "%s", copy);
    b.dir = b.conf.dir_fd = copy_fd;
    reopen(&b);
    CHECK(tally_of(b.store, TENANT).rows == kept,
          "a copy of the folder from before opens only what was kept");
    end(&b);
}

/* The keys are away while a purge runs: it is finished later, and nothing shows meanwhile. */
static int destroy_fails(struct fl_keyring *base, uint32_t tenant, int32_t day,
                         const unsigned char *id, const char *why, struct fl_destroyed *ret,
                         struct fl_err *err)
{
    (void)base, (void)tenant, (void)day, (void)id, (void)why, (void)ret;
    return fl_err_set(err, FL_E_IO, "keys are away");
}

static int destroy_files_fails(struct fl_keyring *base, uint32_t tenant,
                               const struct fl_key_file *files, uint32_t count, const char *why,
                               struct fl_destroyed *ret, struct fl_err *err)
{
    (void)files, (void)count;
    return destroy_fails(base, tenant, 0, NULL, why, ret, err);
}

static void check_purge_later(bool with_crash)
{
    const struct fl_keyring_ops away = {memkeys_new, memkeys_get, destroy_fails,
                                        destroy_files_fails, memkeys_list_files};
    struct fl_purge_result res = {0};
    struct bench b;
    int32_t first = fl_day_of(NOW_US);

    begin(&b);
    reopen(&b);
    fill_days(&b, 3, 10);
    b.keys.base.ops = &away;
    CHECK(fl_store_purge(b.store, TENANT, first + 1, first + 2, false, "purge", &res, NULL) ==
              FL_E_IO,
          "without keys a purge fails");
    CHECK(tally_of(b.store, TENANT).rows == 10, "but the rows do not show any more");
    CHECK(append(&b, TENANT, 999999, 1, 7) == FL_E_AGAIN,
          "and nothing of today is accepted until it is finished");
    if (with_crash) {
        crash_close(&b);
        CHECK(fl_store_open(&b.conf, &b.store, NULL) == FL_E_IO, "a start waits for the keys");
        b.keys.base.ops = &memkeys_ops;
        reopen(&b);
    } else {
        CHECK(fl_store_tick(b.store, NULL) == FL_E_IO, "a tick tries again");
        b.keys.base.ops = &memkeys_ops;
        CHECK(fl_store_tick(b.store, NULL) == 0, "and again");
    }
    CHECK(tally_of(b.store, TENANT).rows == 10 && append(&b, TENANT, 999999, 1, 7) == 7 &&
              fl_store_commit(b.store, NULL) == 0 && tally_of(b.store, TENANT).rows == 17,
          "then it is done and rows are taken again");
    end(&b);
}

/* ---- sums ---- */

static void check_rollups(void)
{
    struct bench b;
    struct fl_parts *parts;
    struct fl_part *part;
    uint64_t read = 0;
    struct fl_rollup_users *users = NULL;
    bool same = true;

    begin(&b);
    reopen(&b);
    for (uint64_t n = 0; n < 8; n++) {
        clock_us = NOW_US + (int64_t)n * 1000 * FL_US_PER_S;
        if (append(&b, TENANT, n + 1, n * 500 + 1, 500) != 500)
            abort();
    }
    if (fl_store_commit(b.store, NULL) < 0 || fl_store_seal_all(b.store, NULL) < 0 ||
        fl_parts_open(b.store, TENANT, INT64_MIN, INT64_MAX, &parts, NULL) < 0)
        abort();
    part = fl_parts_get(parts, 0);
    for (int dim = 0; dim < FL_ROLLUP_DIMS; dim++) {
        for (int tier = 0; tier < FL_ROLLUP_TIERS; tier++) {
            struct fl_rollup *r = NULL;
            uint64_t rows = 0, up = 0, down = 0, sessions = 0, packets = 0, seconds = 0, want = 0;

            if (fl_part_rollup(part, (enum fl_rollup_dim)dim, (enum fl_rollup_tier)tier, &r, &read,
                               NULL) < 0)
                abort();
            for (size_t i = 0; i < r->count; i++) {
                rows += r->entries[i].rows;
                up += r->entries[i].bytes_up;
                down += r->entries[i].bytes_down;
                sessions += r->entries[i].sessions;
                packets += r->entries[i].packets;
                seconds += r->entries[i].seconds;
                same = same && r->entries[i].bucket_us % fl_rollup_tier_us[tier] == 0;
            }
            for (uint64_t n = 1; n <= 4000; n++)
                want += n % 60;
            same = same && rows == 4000 && up == 4000 * 4001 / 2 && down == up * 10 &&
                   sessions == 4000 && packets == 12000 && seconds == want;
            same = same && (tier != FL_TIER_1D || dim != FL_BY_APP || r->count == 6);
            fl_rollup_free(r);
        }
    }
    CHECK(same, "sums of all dimensions and tiers are those of the rows");
    CHECK(fl_part_rollup_users(part, FL_BY_APP, &users, &read, NULL) == 0 && users->count == 102 &&
              users->user_count == 18,
          "users per site and application");
    fl_rollup_users_free(users);
    fl_parts_free(parts);
    end(&b);
}

/* ---- sealing by age, size and memory; many tenants ---- */

static void check_due(void)
{
    struct bench b;
    struct fl_store_stats stats;

    begin(&b);
    b.conf.seal_rows = 100;
    b.conf.memtable_bytes = 3 << 20;
    b.conf.wal_file_bytes = 50000;
    reopen(&b);
    for (uint32_t t = 10; t < 40; t++)
        rule(b.store, t, 30);
    (void)append(&b, TENANT, 1, 1, 99);
    commit(&b);
    CHECK(fl_store_work(b.store, 1) == 0 && fl_store_tick(b.store, NULL) == 0, "99 of 100 rows");
    fl_store_stats(b.store, &stats);
    CHECK(stats.segments == 0 && stats.memtable_rows == 99, "are not sealed");
    (void)append(&b, TENANT, 2, 100, 1);
    commit(&b);
    CHECK(fl_store_work(b.store, 1000) == 1 && fl_store_tick(b.store, NULL) == 0, "the 100th");
    fl_store_stats(b.store, &stats);
    CHECK(stats.segments == 1 && stats.memtable_rows == 0, "seals them");
    (void)append(&b, TENANT, 3, 101, 5);
    commit(&b);
    clock_us += 299 * FL_US_PER_S;
    tick(&b);
    fl_store_stats(b.store, &stats);
    CHECK(stats.segments == 1, "five rows wait");
    clock_us += FL_US_PER_S;
    tick(&b);
    fl_store_stats(b.store, &stats);
    CHECK(stats.segments == 2, "five minutes");
    for (uint32_t t = 10; t < 40; t++)
        if (append(&b, t, 100 + t, 1, t == 25 ? 90 : 10) < 0 || fl_store_commit(b.store, NULL) < 0)
            abort();
    tick(&b);
    fl_store_stats(b.store, &stats);
    CHECK(stats.memtable_bytes <= 3 << 20, "memory stays within the budget");
    CHECK(tally_of(b.store, 25).rows == 90 && tally_of(b.store, 39).rows == 10,
          "and every tenant has its rows");
    end(&b);
}

int main(void)
{
    check_basic();
    check_replay();
    check_seal_crash();
    check_torn_twice();
    check_failing();
    check_baselines();
    check_kill();
    check_retention();
    check_purge(false);
    check_purge(true);
    check_purge_later(false);
    check_purge_later(true);
    check_rollups();
    check_due();
    return tap_done();
}
