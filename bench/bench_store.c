/*
 * bench-store: what taking rows in costs the store, and the memory it takes.
 *
 *   bench-store [ROWS]
 *
 * The lines of the mix (mix.h) are parsed into batches first, into a file. Then, in a process of
 * its own for each number of tenants, one thread appends and commits as fast as it can while
 * another seals, as in the role `store`. CPU seconds are those of the threads. One line of NDJSON
 * per figure on standard output.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/time.h"
#include "codec/line.h"
#include "codec/record.h"
#include "logs/enrich.h"
#include "logs/store.h"
#include "mix.h"
#include "trust/keyring.h"

enum { SEED = 7, ROWS_AT_ONCE = 8000, ROWS_LEAST = 20, WAIT_US = 2000 };

#define MEMTABLE_BYTES ((uint64_t)96 << 20) /* memtable_bytes, as shipped */
#define COMMIT_BYTES   ((uint64_t)1 << 20)
#define ARENA_BYTES    ((size_t)1 << 20)

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench-store: %s failed\n", what);
    exit(1);
}

static void check(int r, const struct fl_err *err, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "bench-store: %s: %s\n", what, err->text);
    exit(1);
}

/* ---- keys: for measuring only, nothing is read again ---- */

static int new_key(struct fl_keyring *k, uint32_t tenant, int32_t day,
                   const unsigned char id[FL_FILE_ID_BYTES], unsigned char ret_key[FL_KEY_BYTES],
                   struct fl_err *err)
{
    (void)k, (void)tenant, (void)day, (void)id, (void)err;
    fl_random(ret_key, FL_KEY_BYTES);
    return FL_OK;
}

static int destroy(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *id,
                   const char *why, struct fl_destroyed *ret, struct fl_err *err)
{
    (void)k, (void)tenant, (void)day, (void)id, (void)why, (void)err;
    *ret = (struct fl_destroyed){.epoch = 1};
    return FL_OK;
}

static int destroy_files(struct fl_keyring *k, uint32_t tenant, const struct fl_key_file *files,
                         uint32_t count, const char *why, struct fl_destroyed *ret,
                         struct fl_err *err)
{
    (void)files, (void)count;
    return destroy(k, tenant, 0, NULL, why, ret, err);
}

static const struct fl_keyring_ops key_ops = {
    .file_new = new_key, .file_get = new_key, .destroy = destroy, .destroy_files = destroy_files};
static struct fl_keyring keys = {&key_ops};

/* ---- batches, in a file: u32 length, bytes ---- */

static void put_batch(FILE *file, struct fl_batch_writer *w, struct fl_buf *out)
{
    struct fl_err err = {0};
    uint32_t len;

    fl_buf_clear(out);
    check(fl_batch_finish(w, out, &err), &err, "a batch");
    len = (uint32_t)out->len;
    must(fwrite(&len, sizeof len, 1, file) == 1 && fwrite(out->ptr, 1, len, file) == len,
         "writing batches");
}

static void read_row(struct fl_mix *mix, struct fl_enrich *enrich, struct fl_event *ev,
                     char device[16], char site[16], char line[FL_MIX_LINE_MAX])
{
    struct fl_mix_row row;
    const char *why;
    size_t n;

    fl_mix_next(mix, &row);
    n = fl_mix_line(&row, line);
    (void)snprintf(device, 16, "fw-%03u", (unsigned)row.device);
    (void)snprintf(site, 16, "site-%u", (unsigned)row.device / 4);
    fl_arena_clear(ev->arena);
    fl_line_parse(fl_span_of(line, n), FL_MIX_START_US, ev, &why);
    fl_event_time(ev, FL_F_RECEIVED, FL_MIX_START_US + (int64_t)row.number * 2);
    fl_event_str(ev, FL_F_DEVICE, fl_span_str(device));
    fl_event_str(ev, FL_F_SITE, fl_span_str(site));
    fl_enrich(enrich, ev);
}

static void make_batches(FILE *file, uint64_t rows, uint32_t at_once)
{
    const struct fl_mix_config conf = {SEED, rows, FL_MIX_START_US, FL_MIX_SPAN_US};
    struct fl_mix *mix = fl_mix_new(&conf);
    struct fl_batch_writer *w = NULL;
    struct fl_enrich *enrich = NULL;
    struct fl_arena arena;
    struct fl_event ev = {.arena = &arena};
    char device[16], site[16], line[FL_MIX_LINE_MAX];
    struct fl_err err = {0};
    struct fl_buf out;

    fl_arena_init(&arena, ARENA_BYTES);
    fl_buf_init(&out, FL_BATCH_MAX_BYTES * 2);
    must(mix != NULL, "the mix");
    check(fl_enrich_new(&enrich, &err), &err, "the tables");
    check(fl_batch_writer_new(&w, &err), &err, "a batch");
    for (uint64_t i = 0; i < rows; i++) {
        read_row(mix, enrich, &ev, device, site, line);
        if (fl_batch_rows(w) == at_once)
            put_batch(file, w, &out);
        if (fl_batch_add(w, &ev, &err) == FL_E_LIMIT) {
            put_batch(file, w, &out);
            check(fl_batch_add(w, &ev, &err), &err, "a row");
        }
    }
    put_batch(file, w, &out);
    must(fflush(file) == 0, "writing batches");
    fl_batch_writer_free(w);
    fl_enrich_free(enrich);
    fl_buf_done(&out);
    fl_arena_done(&arena);
    fl_mix_free(mix);
}

/* ---- the store ---- */

static _Atomic int64_t clock_us = FL_MIX_START_US + 60 * FL_US_PER_S;

static int64_t now_us(void)
{
    return atomic_load(&clock_us);
}

static double thread_cpu_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct run {
    struct fl_store *store;
    atomic_bool over;
    double append_s, commit_s, seal_s;
    uint64_t rows, waited, log_bytes, batch_bytes;
};

static void *seal(void *ctx)
{
    struct run *run = ctx;
    struct fl_err err = {0};

    while (!atomic_load(&run->over)) {
        (void)fl_store_work(run->store, 100);
        check(fl_store_tick(run->store, &err), &err, "sealing");
    }
    run->seal_s = thread_cpu_s();
    return NULL;
}

static void commit(struct run *run)
{
    struct fl_err err = {0};
    double t = thread_cpu_s();

    check(fl_store_commit(run->store, &err), &err, "committing");
    run->commit_s += thread_cpu_s() - t;
    atomic_fetch_add(&clock_us, 20000);
}

static void append(struct run *run, uint32_t tenant, uint64_t number, struct fl_span batch)
{
    static const unsigned char source[16] = "bench-store";
    struct fl_err err = {0};
    uint32_t rows = 0;
    double t = thread_cpu_s(), commit_s = run->commit_s;
    int r;

    while ((r = fl_store_append(run->store, tenant, source, number, batch, &rows, &err)) ==
           FL_E_AGAIN) {
        commit(run);
        fl_store_poke(run->store);
        usleep(WAIT_US);
        run->waited++;
    }
    check(r, &err, "appending");
    run->append_s += thread_cpu_s() - t - (run->commit_s - commit_s);
    run->rows += rows;
    run->batch_bytes += batch.len;
    if (fl_store_pending_bytes(run->store) >= COMMIT_BYTES)
        commit(run);
}

static void write_all(struct run *run, FILE *file, uint32_t tenants)
{
    unsigned char *bytes = malloc(FL_BATCH_MAX_BYTES);
    uint64_t number = 0;
    uint32_t len;

    must(bytes != NULL, "memory");
    while (fread(&len, sizeof len, 1, file) == 1) {
        must(len <= FL_BATCH_MAX_BYTES && fread(bytes, 1, len, file) == len, "reading batches");
        append(run, 1 + (uint32_t)(number % tenants), number + 1, fl_span_of(bytes, len));
        number++;
    }
    commit(run);
    free(bytes);
}

static void add_rules(struct fl_store *store, uint32_t tenants)
{
    struct fl_err err = {0};

    for (uint32_t i = 1; i <= tenants; i++) {
        struct fl_store_rule rule = {.tenant = i, .keep_days = 30};

        (void)snprintf(rule.slug, sizeof rule.slug, "tenant-%u", (unsigned)i);
        check(fl_store_rule(store, &rule, &err), &err, "a rule");
    }
}

static void figure(const char *name, uint32_t tenants, double value, const char *unit, double cpu_s,
                   const char *better)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    printf("{\"name\":\"store: %s, %u tenant%s\",\"value\":%.2f,\"unit\":\"%s\",\"cpu_s\":%.3f,"
           "\"rss_bytes\":%ld,\"better\":\"%s\"}\n",
           name, (unsigned)tenants, tenants == 1 ? "" : "s", value, unit, cpu_s,
           used.ru_maxrss * 1024, better);
}

static void tell(const struct run *run, uint32_t tenants)
{
    double in_s = run->append_s + run->commit_s, all_s = in_s + run->seal_s;
    double rows = (double)run->rows;
    struct fl_store_stats stats;
    struct rusage used;

    fl_store_stats(run->store, &stats);
    (void)getrusage(RUSAGE_SELF, &used);
    figure("append", tenants, rows / run->append_s, "rows/CPU-s", run->append_s, "more");
    figure("append and commit", tenants, rows / in_s, "rows/CPU-s", in_s, "more");
    figure("append, commit and seal", tenants, rows / all_s, "rows/CPU-s", all_s, "more");
    figure("log", tenants, (double)run->batch_bytes / rows, "bytes a row", in_s, "less");
    figure("segments", tenants, (double)stats.segment_bytes / rows, "bytes a row", run->seal_s,
           "less");
    figure("memory", tenants, (double)used.ru_maxrss / 1024, "MiB", all_s, "less");
    fprintf(stderr,
            "%u tenants: %.0f rows, append %.2f s, commit %.2f s (%" PRIu64 " syncs), seal %.2f s "
            "into %" PRIu64 " segments, waited %" PRIu64 " times, %ld MiB\n",
            (unsigned)tenants, rows, run->append_s, run->commit_s, stats.syncs, run->seal_s,
            stats.segments, run->waited, used.ru_maxrss / 1024);
}

static void measure(int dir, FILE *file, uint32_t tenants)
{
    const struct fl_store_config conf = {.dir_fd = dir,
                                         .keyring = &keys,
                                         .now_us = now_us,
                                         .memtable_bytes = MEMTABLE_BYTES,
                                         .seal_rows = 65536,
                                         .seal_s = 300};
    struct run run = {.append_s = 0};
    struct fl_err err = {0};
    pthread_t sealer;

    check(fl_store_open(&conf, &run.store, &err), &err, "opening the store");
    add_rules(run.store, tenants);
    must(pthread_create(&sealer, NULL, seal, &run) == 0, "a thread");
    write_all(&run, file, tenants);
    atomic_store(&run.over, true);
    fl_store_poke(run.store);
    must(pthread_join(sealer, NULL) == 0, "a thread");
    if (run.rows > 0) { /* what is left, so that all rows are sealed */
        double t = thread_cpu_s();

        check(fl_store_seal_all(run.store, &err), &err, "sealing");
        run.seal_s += thread_cpu_s() - t;
    }
    tell(&run, tenants);
    fl_store_close(run.store);
}

/* In a process of its own, so that its memory is its own. */
static void apart(const char *folder, FILE *file, uint32_t tenants)
{
    char path[128];
    int status = 0, dir;
    pid_t pid;

    (void)snprintf(path, sizeof path, "%.100s/%u", folder, (unsigned)tenants);
    must(mkdir(path, 0700) == 0, "a folder");
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(dir >= 0, "a folder");
    (void)fflush(NULL);
    pid = fork();
    must(pid >= 0, "a process");
    if (pid == 0) {
        rewind(file);
        measure(dir, file, tenants);
        (void)fflush(NULL);
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid && status == 0, "measuring");
    (void)close(dir);
}

static void make_apart(FILE *file, uint64_t rows, uint32_t at_once)
{
    int status = 0;
    pid_t pid;

    rewind(file);
    must(ftruncate(fileno(file), 0) == 0, "writing batches");
    (void)fflush(NULL);
    pid = fork();
    must(pid >= 0, "a process");
    if (pid == 0) {
        make_batches(file, rows, at_once);
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid && status == 0, "making batches");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

int main(int argc, char **argv)
{
    static const uint32_t tenants[] = {1, 50, 500};
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
    const char *tmp = getenv("TMPDIR");
    char folder[128];
    FILE *file = tmpfile();

    (void)snprintf(folder, sizeof folder, "%.80s/bench-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    must(rows > 0 && file != NULL && mkdtemp(folder) != NULL, "a folder");
    for (size_t i = 0; i < sizeof tenants / sizeof *tenants; i++) {
        uint32_t at_once = ROWS_AT_ONCE / tenants[i];

        make_apart(file, rows, at_once < ROWS_LEAST ? ROWS_LEAST : at_once);
        apart(folder, file, tenants[i]);
    }
    (void)fclose(file);
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
