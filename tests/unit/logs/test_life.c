/*
 * A store lives on a clock of its own: rows arrive each minute, days roll, retention and the end of
 * keys come at midnight, closed days are merged, now and then the process begins anew. After every
 * minute what must be so is looked at; every hour all rows are read.
 *
 *   test_logs_life          a week of some tenants, in seconds
 *   test_logs_life full     eight hours of many tenants, and forty days: minutes (make soak)
 */
#include <dirent.h>
#include <malloc.h>
#include <sodium.h>
#include <time.h>

#include "remove_tree.h"
#include "store_rows.h"
#include "tap.h"
#include "trust/keytable.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif
enum { TENANTS_MAX = 64, DAYS_MAX = 64, OLD_KEYS = 256 };
#define DAY_US   FL_US_PER_DAY
#define MINUTE   (60 * FL_US_PER_S)
#define START_US (INT64_C(20240) * DAY_US)

static int64_t sim_us;

static int64_t now(void)
{
    return sim_us;
}

struct plan {
    const char *name;
    uint32_t tenants, keep_days; /* of tenant t: keep_days + t % 3 */
    int64_t from_us, to_us, step_us;
    uint32_t batches, rows; /* of each tenant and step */
    uint32_t restart_steps; /* between two restarts */
};

struct day_sum {
    uint64_t rows, sum; /* sum of the numbers of its rows */
};

struct old_key {
    uint32_t tenant;
    int32_t day;
    unsigned char id[FL_FILE_ID_BYTES];
};

struct world {
    const struct plan *plan;
    char path[64];
    int store_fd, keys_fd;
    struct fl_root *root;
    struct fl_keytable *table;
    struct fl_store *store;
    struct fl_buf batch;
    uint64_t number, next_row[TENANTS_MAX], steps, full_reads, rows;
    struct day_sum day[TENANTS_MAX][DAYS_MAX];
    struct old_key old[OLD_KEYS];
    size_t old_count, old_dead;
    size_t heap_first, heap_last; /* at the ends of the first and the last whole day */
    unsigned fds_most, segments_most;
    uint64_t keys_most, wal_most, memtable_most, merges;
    char wrong[300];
};

static uint32_t keep_of(const struct plan *p, uint32_t tenant)
{
    return p->keep_days + tenant % 3;
}

static size_t day_at(int64_t us)
{
    return (size_t)(fl_day_of(us) - fl_day_of(START_US)) % DAYS_MAX;
}

static void complain(struct world *w, const char *what, uint64_t got, uint64_t want)
{
    int64_t minutes = (sim_us - w->plan->from_us) / MINUTE;

    if (w->wrong[0] == '\0')
        (void)snprintf(w->wrong, sizeof w->wrong, "%s, minute %lld (day %lld): %s: %llu, not %llu",
                       w->plan->name, (long long)minutes, (long long)(sim_us - START_US) / DAY_US,
                       what, (unsigned long long)got, (unsigned long long)want);
}

/* ---- beginning ---- */

static void open_store(struct world *w)
{
    struct fl_store_config conf = {.dir_fd = w->store_fd,
                                   .keyring = fl_keytable_keyring(w->table),
                                   .now_us = now,
                                   .memtable_bytes = 32 << 20,
                                   .seal_rows = 65536,
                                   .seal_s = 300,
                                   .wal_file_bytes = 4 << 20,
                                   .wal_max_bytes = 64 << 20,
                                   .baseline_s = 60};
    struct fl_err err = {.text = ""};

    if (fl_store_open(&conf, &w->store, &err) < 0) {
        printf("# %s\n", err.text);
        abort();
    }
    for (uint32_t t = 0; t < w->plan->tenants; t++) {
        struct fl_store_rule rule = {.tenant = t + 1, .keep_days = keep_of(w->plan, t)};

        (void)snprintf(rule.slug, sizeof rule.slug, "tenant%u", (unsigned)t);
        if (fl_store_rule(w->store, &rule, NULL) < 0)
            abort();
    }
}

static int folder(const char *path, const char *name)
{
    char full[80];

    (void)snprintf(full, sizeof full, "%s/%s", path, name);
    if (mkdir(full, 0700) < 0)
        abort();
    return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void begin(struct world *w, const struct plan *plan)
{
    struct fl_keytable_config keys = {.now_us = now};
    unsigned char public[32], secret[64];

    memset(w, 0, sizeof *w);
    w->plan = plan;
    sim_us = plan->from_us;
    (void)snprintf(w->path, sizeof w->path, "/dev/shm/fl-life-XXXXXX"); /* thousands of syncs */
    if (mkdtemp(w->path) == NULL)
        (void)close(temp_folder(w->path));
    w->store_fd = folder(w->path, "store");
    w->keys_fd = folder(w->path, "keys");
    if (crypto_sign_keypair(public, secret) != 0 ||
        fl_root_file_open(w->keys_fd, true, &w->root, NULL) < 0)
        abort();
    keys.dir_fd = w->keys_fd;
    keys.root = w->root;
    keys.sign_secret = secret;
    if (fl_keytable_open(&keys, &w->table, NULL) < 0)
        abort();
    fl_buf_init(&w->batch, 1 << 21);
    for (uint32_t t = 0; t < plan->tenants; t++)
        w->next_row[t] = 1;
    open_store(w);
}

static void end(struct world *w)
{
    fl_store_close(w->store);
    fl_keytable_free(w->table);
    fl_root_free(w->root);
    fl_buf_done(&w->batch);
    (void)close(w->store_fd);
    (void)close(w->keys_fd);
    remove_tree(w->path);
}

/* ---- a minute ---- */

static void arrive(struct world *w)
{
    for (uint32_t b = 0; b < w->plan->batches; b++) {
        for (uint32_t t = 0; t < w->plan->tenants; t++) {
            /* some tenants are quiet for hours */
            uint32_t rows = (w->steps / 40 + t) % 5 == 0 ? 0 : w->plan->rows, taken = 0;
            struct day_sum *day = &w->day[t][day_at(sim_us)];
            int r;

            if (rows == 0)
                continue;
            plain_batch(w->next_row[t], rows, sim_us, &w->batch);
            r = fl_store_append(w->store, t + 1, ring_id, ++w->number, fl_buf_span(&w->batch),
                                &taken, NULL);
            if (r < 0 || taken != rows)
                complain(w, "rows taken", taken, rows);
            for (uint64_t k = 0; k < rows; k++)
                day->sum += w->next_row[t] + k;
            day->rows += rows;
            w->rows += rows;
            w->next_row[t] += rows;
        }
        if (fl_store_commit(w->store, NULL) < 0)
            complain(w, "a commit fails", 0, 0);
    }
}

/* Days that retention has taken by now are empty. */
static void forget_days(struct world *w)
{
    for (uint32_t t = 0; t < w->plan->tenants; t++) {
        int32_t today = fl_day_of(sim_us), first = fl_day_of(START_US);

        for (int32_t d = first; d < today - (int32_t)keep_of(w->plan, t); d++)
            if (d > today - DAYS_MAX)
                w->day[t][(size_t)(d - first) % DAYS_MAX] = (struct day_sum){0, 0};
    }
}

static void sum_days(const struct world *w, uint32_t t, struct day_sum *ret)
{
    *ret = (struct day_sum){0, 0};
    for (size_t d = 0; d < DAYS_MAX; d++) {
        ret->rows += w->day[t][d].rows;
        ret->sum += w->day[t][d].sum;
    }
}

/* ---- what must be so ---- */

static void look_tenant(void *ctx, const struct fl_store_tenant_stats *t)
{
    struct world *w = ctx;
    struct day_sum want;
    uint32_t at = t->tenant - 1;
    int32_t oldest = fl_day_of(sim_us) - (int32_t)keep_of(w->plan, at);

    sum_days(w, at, &want);
    if (t->rows != want.rows)
        complain(w, "rows of a tenant", t->rows, want.rows);
    if (t->rows > 0 && t->oldest_day < oldest)
        complain(w, "the oldest day", (uint64_t)t->oldest_day, (uint64_t)oldest);
}

static unsigned open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        (void)closedir(dir);
    return n;
}

static void look(struct world *w)
{
    struct fl_store_stats s;
    struct fl_keytable_stat keys;
    unsigned fds = open_fds();
    uint64_t days = 0;

    fl_store_stats(w->store, &s);
    fl_keytable_stat(w->table, &keys);
    fl_store_each_tenant(w->store, look_tenant, w);
    if (s.unreadable + s.damaged + s.torn > 0)
        complain(w, "files that do not open", s.unreadable + s.damaged + s.torn, 0);
    if (s.wal_bytes > 2 * (UINT64_C(64) << 20))
        complain(w, "bytes of the log", s.wal_bytes, UINT64_C(64) << 20);
    if (s.memtable_bytes > 2 * (UINT64_C(32) << 20))
        complain(w, "bytes in memory", s.memtable_bytes, UINT64_C(32) << 20);
    for (uint32_t t = 0; t < w->plan->tenants; t++)
        days += keep_of(w->plan, t) + 1;
    if (keys.days > days)
        complain(w, "days with keys", keys.days, days);
    w->keys_most = keys.files > w->keys_most ? keys.files : w->keys_most;
    w->fds_most = fds > w->fds_most ? fds : w->fds_most;
    w->wal_most = s.wal_bytes > w->wal_most ? s.wal_bytes : w->wal_most;
    w->memtable_most = s.memtable_bytes > w->memtable_most ? s.memtable_bytes : w->memtable_most;
    w->segments_most = s.segments > w->segments_most ? (unsigned)s.segments : w->segments_most;
}

/* Every row of every tenant, by its number; the sums of sessions too. */
static void read_all(struct world *w)
{
    for (uint32_t t = 0; t < w->plan->tenants; t++) {
        struct tally got = tally_of(w->store, t + 1);
        struct day_sum want;

        sum_days(w, t, &want);
        if (got.rows != want.rows || got.session_sum != want.sum)
            complain(w, "sum of all rows", got.session_sum, want.sum);
        if (got.bytes != want.sum * 11 || got.sessions != want.rows)
            complain(w, "bytes of all rows", got.bytes, want.sum * 11);
        if (got.gaps + got.failed > 0)
            complain(w, "gaps and blocks that do not open", got.gaps + got.failed, 0);
    }
    w->full_reads++;
}

/* Some keys of today, to be asked for when the day is gone. */
static void note_keys(struct world *w)
{
    struct fl_keyring *ring = fl_keytable_keyring(w->table);

    for (uint32_t t = 0; t < w->plan->tenants && w->old_count < OLD_KEYS; t++) {
        struct fl_key_file *files = NULL;
        uint32_t count = 0;

        if (ring->ops->list_files(ring, t + 1, &files, &count, NULL) < 0)
            abort();
        for (uint32_t i = 0; i < count && w->old_count < OLD_KEYS; i++)
            if (files[i].day == fl_day_of(sim_us) && i % 7 == 0) {
                struct old_key *k = &w->old[w->old_count++];

                k->tenant = t + 1;
                k->day = files[i].day;
                memcpy(k->id, files[i].file_id, sizeof k->id);
            }
        free(files);
    }
}

static void ask_old_keys(struct world *w)
{
    struct fl_keyring *ring = fl_keytable_keyring(w->table);
    size_t kept = 0;

    for (size_t i = 0; i < w->old_count; i++) {
        const struct old_key *k = &w->old[i];
        unsigned char key[FL_KEY_BYTES];

        if (k->day >= fl_day_of(sim_us) - (int32_t)keep_of(w->plan, k->tenant - 1)) {
            w->old[kept++] = *k;
            continue;
        }
        if (ring->ops->file_get(ring, k->tenant, k->day, k->id, key, NULL) != FL_E_NOENT)
            complain(w, "a key outlives its day", (uint64_t)k->day, 0);
        w->old_dead++;
    }
    w->old_count = kept;
}

static void end_of_day(struct world *w)
{
    note_keys(w);
    if (fl_store_seal_all(w->store, NULL) < 0)
        complain(w, "sealing fails", 0, 0);
    (void)malloc_trim(0);
    w->heap_last = mallinfo2().uordblks;
    if (w->heap_first == 0 && sim_us - w->plan->from_us > (w->plan->keep_days + 2) * DAY_US)
        w->heap_first = w->heap_last;
}

static void live(struct world *w)
{
    const struct plan *p = w->plan;
    int32_t day = fl_day_of(sim_us);
    struct fl_store_stats s;

    for (; sim_us < p->to_us && w->wrong[0] == '\0'; sim_us += p->step_us, w->steps++) {
        if (fl_day_of(sim_us) != day) {
            sim_us -= p->step_us;
            end_of_day(w);
            sim_us += p->step_us;
        }
        arrive(w);
        if (fl_store_tick(w->store, NULL) < 0)
            complain(w, "a tick fails", 0, 0);
        forget_days(w);
        look(w);
        if (fl_day_of(sim_us) != day)
            ask_old_keys(w);
        day = fl_day_of(sim_us);
        if (w->steps % (uint64_t)(60 * MINUTE / p->step_us) == 0)
            read_all(w);
        if (w->steps % p->restart_steps == p->restart_steps - 1) {
            fl_store_stats(w->store, &s);
            w->merges += s.merges;
            fl_store_close(w->store);
            open_store(w);
        }
    }
    read_all(w);
    fl_store_stats(w->store, &s);
    w->merges += s.merges;
}

static void check_life(const struct plan *plan)
{
    static struct world w;
    char name[120];
    int64_t kept_us = plan->to_us - plan->from_us - (plan->keep_days + 2) * DAY_US;

    begin(&w, plan);
    live(&w);
    printf("# %s: %llu minutes in %llu steps, %llu rows, %llu times all read, %u segments at most, "
           "%llu merges, %llu keys at most, log at most %llu bytes, memtables at most %llu, %u "
           "descriptors, %zu keys seen dead\n",
           plan->name, (unsigned long long)((plan->to_us - plan->from_us) / MINUTE),
           (unsigned long long)w.steps, (unsigned long long)w.rows,
           (unsigned long long)w.full_reads, w.segments_most, (unsigned long long)w.merges,
           (unsigned long long)w.keys_most, (unsigned long long)w.wal_most,
           (unsigned long long)w.memtable_most, w.fds_most, w.old_dead);
    if (w.wrong[0] != '\0')
        printf("# %s\n", w.wrong);
    (void)snprintf(name, sizeof name, "%s: at every step all is as it must be", plan->name);
    CHECK(w.wrong[0] == '\0', name);
    (void)snprintf(name, sizeof name, "%s: descriptors are not used up", plan->name);
    CHECK(w.fds_most < 64, name);
    if (kept_us > 0) {
        (void)snprintf(name, sizeof name, "%s: retention took days, and their keys died",
                       plan->name);
        CHECK(w.old_dead > 0, name);
        (void)snprintf(name, sizeof name, "%s: closed days are merged", plan->name);
        CHECK(w.merges > 0, name);
    }
    if (!SANITIZED && kept_us > 2 * DAY_US) {
        printf(
            "# heap at the end of the first day that retention ended, and of the last: %zu, %zu\n",
            w.heap_first, w.heap_last);
        (void)snprintf(name, sizeof name, "%s: memory stays flat", plan->name);
        CHECK(w.heap_last < w.heap_first + w.heap_first / 4 + (1 << 20), name);
    }
    end(&w);
}

int main(int argc, char **argv)
{
    static const struct plan quick = {"a week",
                                      8,
                                      1,
                                      START_US + 20 * 60 * MINUTE,
                                      START_US + 7 * DAY_US + 20 * 60 * MINUTE,
                                      10 * MINUTE,
                                      2,
                                      12,
                                      150};
    static const struct plan hours = {
        "eight hours", 24, 1, START_US + 20 * 60 * MINUTE, START_US + 28 * 60 * MINUTE, MINUTE, 5,
        150,           97};
    static const struct plan weeks = {
        "forty days", 12, 3, START_US + 13 * MINUTE, START_US + 40 * DAY_US, 10 * MINUTE, 2,
        60,           500};

    if (sodium_init() < 0)
        abort();
    if (argc > 1 && strcmp(argv[1], "full") == 0) {
        check_life(&hours);
        check_life(&weeks);
    } else {
        check_life(&quick);
    }
    return tap_done();
}
