/*
 * bench-query: what a question costs, in CPU, over a day of the mix (mix.h).
 *
 *   bench-query DIR ROWS [RUNS [NAME]]
 *
 * DIR is made and filled through the library where it does not exist yet (the lines of the mix,
 * parsed, appended, synced, sealed, encrypted), and used again where it does. Each question is
 * asked of a store that was just opened (cold: nothing is remembered, the kernel may have the
 * files) and then RUNS times more (warm: the best counts). The store decrypts each time, what it
 * remembers of sums apart. One line of NDJSON per question on standard output, a table on standard
 * error. databases.py has the same questions in SQL.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/line.h"
#include "codec/record.h"
#include "logs/enrich.h"
#include "logs/query.h"
#include "logs/store.h"
#include "logs/store_erase.h"
#include "mix.h"
#include "trust/keyring.h"

enum { TENANT = 1, SEED = 7, BATCH_ROWS = 4000, SEAL_ROWS = 65536, DEFAULT_RUNS = 5 };

#define MEMTABLE_BYTES ((uint64_t)64 << 20)
#define COMMIT_BYTES   ((uint64_t)1 << 20)

/* ---- keys that a later run finds again: for measuring only, they protect nothing ---- */

static int key_of(struct fl_keyring *k, uint32_t tenant, int32_t day,
                  const unsigned char file_id[FL_FILE_ID_BYTES],
                  unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
{
    (void)k;
    (void)err;
    for (size_t i = 0; i < FL_KEY_BYTES; i++)
        ret_key[i] =
            (unsigned char)(file_id[i % FL_FILE_ID_BYTES] * 31u + i + tenant + (unsigned)day);
    return FL_OK;
}

static int destroy_key(struct fl_keyring *k, uint32_t tenant, int32_t day,
                       const unsigned char *file_id, const char *why, struct fl_destroyed *ret,
                       struct fl_err *err)
{
    (void)k;
    (void)tenant;
    (void)day;
    (void)file_id;
    (void)why;
    (void)err;
    *ret = (struct fl_destroyed){.epoch = 1};
    return FL_OK;
}

static int destroy_keys(struct fl_keyring *k, uint32_t tenant, const struct fl_key_file *files,
                        uint32_t count, const char *why, struct fl_destroyed *ret,
                        struct fl_err *err)
{
    (void)files;
    (void)count;
    return destroy_key(k, tenant, 0, NULL, why, ret, err);
}

static int no_files(struct fl_keyring *k, uint32_t tenant, struct fl_key_file **ret,
                    uint32_t *ret_count, struct fl_err *err)
{
    (void)k;
    (void)tenant;
    (void)err;
    *ret = NULL;
    *ret_count = 0;
    return FL_OK;
}

static const struct fl_keyring_ops key_ops = {.file_new = key_of,
                                              .file_get = key_of,
                                              .destroy = destroy_key,
                                              .destroy_files = destroy_keys,
                                              .list_files = no_files};
static struct fl_keyring keys = {&key_ops};

/* ---- the store ---- */

static int64_t clock_us = FL_MIX_START_US;

static int64_t now_us(void)
{
    return clock_us;
}

static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void must(int r, const struct fl_err *err, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "bench-query: %s: %s\n", what, err->text);
    exit(1);
}

static struct fl_store *open_store(int dir)
{
    const struct fl_store_config conf = {.dir_fd = dir,
                                         .keyring = &keys,
                                         .now_us = now_us,
                                         .memtable_bytes = MEMTABLE_BYTES,
                                         .seal_rows = SEAL_ROWS,
                                         .seal_s = 3600};
    const struct fl_store_rule rule = {.tenant = TENANT, .slug = "bench", .keep_days = 30};
    struct fl_store *s = NULL;
    struct fl_err err = {0};

    must(fl_store_open(&conf, &s, &err), &err, "opening the store");
    must(fl_store_rule(s, &rule, &err), &err, "the rule");
    return s;
}

struct filler {
    struct fl_store *store;
    struct fl_batch_writer *writer;
    struct fl_buf batch;
    uint64_t number;
    double parse_ms, append_ms, seal_ms;
};

static void hand_over(struct filler *f)
{
    static const unsigned char source[16] = "bench-query";
    struct fl_store_stats stats;
    struct fl_err err = {0};
    uint32_t rows;
    double t = cpu_ms();

    fl_buf_clear(&f->batch);
    must(fl_batch_finish(f->writer, &f->batch, &err), &err, "a batch");
    must(
        fl_store_append(f->store, TENANT, source, ++f->number, fl_buf_span(&f->batch), &rows, &err),
        &err, "appending");
    if (fl_store_pending_bytes(f->store) > COMMIT_BYTES)
        must(fl_store_commit(f->store, &err), &err, "committing");
    f->append_ms += cpu_ms() - t;
    t = cpu_ms();
    fl_store_stats(f->store, &stats);
    if (stats.memtable_rows >= SEAL_ROWS)
        must(fl_store_tick(f->store, &err), &err, "sealing");
    f->seal_ms += cpu_ms() - t;
}

static void add_line(struct filler *f, struct fl_enrich *enrich, struct fl_arena *arena,
                     const struct fl_mix_row *row)
{
    struct fl_event ev = {.arena = arena};
    char line[FL_MIX_LINE_MAX], device[16], site[16];
    struct fl_err err = {0};
    const char *why;
    size_t n = fl_mix_line(row, line);
    double t = cpu_ms();

    (void)snprintf(device, sizeof device, "fw-%03u", (unsigned)row->device);
    (void)snprintf(site, sizeof site, "site-%u", (unsigned)row->device / 4);
    fl_arena_clear(arena);
    fl_line_parse(fl_span_of(line, n), clock_us, &ev, &why);
    fl_event_str(&ev, FL_F_DEVICE, fl_span_str(device));
    fl_event_str(&ev, FL_F_SITE, fl_span_str(site));
    fl_enrich(enrich, &ev);
    if (fl_batch_add(f->writer, &ev, &err) == FL_E_LIMIT) {
        hand_over(f);
        must(fl_batch_add(f->writer, &ev, &err), &err, "a row");
    }
    f->parse_ms += cpu_ms() - t;
}

struct filling {
    double row_bytes, rows_per_cpu_s;
};

static void fill(int dir, uint64_t rows, struct filling *ret)
{
    const struct fl_mix_config conf = {SEED, rows, FL_MIX_START_US, FL_MIX_SPAN_US};
    struct fl_mix *mix = fl_mix_new(&conf);
    struct filler f = {.store = open_store(dir)};
    struct fl_enrich *enrich = NULL;
    struct fl_store_stats stats;
    struct fl_arena arena;
    struct fl_mix_row row;
    struct fl_err err = {0};

    fl_arena_init(&arena, (size_t)1 << 20);
    fl_buf_init(&f.batch, (size_t)1 << 21);
    must(mix == NULL ? FL_E_NOMEM : fl_batch_writer_new(&f.writer, &err), &err, "the mix");
    must(fl_enrich_new(&enrich, &err), &err, "the tables");
    for (uint64_t i = 0; i < rows; i++) {
        fl_mix_next(mix, &row);
        clock_us = FL_MIX_START_US + (int64_t)((double)FL_MIX_SPAN_US * (double)i / (double)rows);
        add_line(&f, enrich, &arena, &row);
        if (fl_batch_rows(f.writer) >= BATCH_ROWS)
            hand_over(&f);
    }
    if (fl_batch_rows(f.writer) > 0)
        hand_over(&f);
    must(fl_store_commit(f.store, &err), &err, "committing");
    must(fl_store_seal_all(f.store, &err), &err, "sealing");
    fl_store_stats(f.store, &stats);
    *ret = (struct filling){(double)stats.segment_bytes / (double)rows,
                            (double)rows * 1e3 / (f.parse_ms + f.append_ms + f.seal_ms)};
    fprintf(stderr,
            "filled: %" PRIu64 " rows, %.1f bytes a row in %" PRIu64
            " segments; CPU s: parse %.1f, append and sync %.1f, seal %.1f\n",
            stats.rows, (double)stats.segment_bytes / (double)rows, stats.segments,
            f.parse_ms / 1e3, f.append_ms / 1e3, f.seal_ms / 1e3);
    fl_store_close(f.store);
    fl_batch_writer_free(f.writer);
    fl_enrich_free(enrich);
    fl_arena_done(&arena);
    fl_buf_done(&f.batch);
    fl_mix_free(mix);
}

/* What filling took stands in a file beside the store, for runs that use it again. */
static void note_filling(const char *note, const struct filling *f)
{
    FILE *out = fopen(note, "we");

    if (out == NULL || fprintf(out, "%.3f %.0f\n", f->row_bytes, f->rows_per_cpu_s) < 0 ||
        fclose(out) != 0) {
        fprintf(stderr, "bench-query: %s cannot be written\n", note);
        exit(1);
    }
}

static void tell_filling(const char *note, uint64_t rows)
{
    FILE *in = fopen(note, "re");
    struct filling f;

    if (in != NULL && fscanf(in, "%lf %lf", &f.row_bytes, &f.rows_per_cpu_s) == 2)
        printf("{\"name\":\"fill\",\"rows\":%" PRIu64
               ",\"row_bytes\":%.3f,\"rows_per_cpu_s\":%.0f}\n",
               rows, f.row_bytes, f.rows_per_cpu_s);
    if (in != NULL)
        (void)fclose(in);
}

static int folder_of(const char *path, uint64_t rows)
{
    char done[512];
    int fd;

    (void)snprintf(done, sizeof done, "%s/filled-%" PRIu64, path, rows);
    if (access(done, F_OK) != 0) {
        struct filling filling;

        if (mkdir(path, 0700) != 0) {
            fprintf(stderr, "bench-query: %s is there already, or cannot be made\n", path);
            exit(1);
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fill(fd, rows, &filling);
        (void)close(fd);
        note_filling(done, &filling);
    }
    tell_filling(done, rows);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- questions ---- */

struct question {
    const char *name;
    enum fl_query_kind kind;
    const char *filter, *by, *metric;
    uint32_t limit;
    int64_t step_us;
    bool rows_only, no_users;
};

#define FIVE_MIN_US (300 * FL_US_PER_S)
#define HOUR_US     (3600 * FL_US_PER_S)

static const struct question questions[] = {
    {"top10_app_5m_rows", FL_Q_SERIES, "", "app", "bytes", 10, FIVE_MIN_US, true, false},
    {"top10_app_5m_rollup", FL_Q_SERIES, "", "app", "bytes", 10, FIVE_MIN_US, false, false},
    {"top_app_rows", FL_Q_TOP, "", "app", "bytes", 10, 0, true, false},
    {"top_app_rollup", FL_Q_TOP, "", "app", "bytes", 10, 0, false, true},
    {"top_app_users", FL_Q_TOP, "", "app", "bytes", 10, 0, false, false},
    {"top_category_rollup", FL_Q_TOP, "", "category", "bytes", 10, 0, false, true},
    {"top_domain_rows", FL_Q_TOP, "", "domain", "sessions", 10, 0, true, true},
    {"top_domain_rollup", FL_Q_TOP, "", "domain", "sessions", 10, 0, false, true},
    {"top_user_rollup", FL_Q_TOP, "", "user", "bytes", 10, 0, false, true},
    {"total_1h_rollup", FL_Q_SERIES, "", "", "bytes", 0, HOUR_US, false, false},
    {"site_app_5m", FL_Q_SERIES, "site:site-7", "app", "bytes", 10, FIVE_MIN_US, false, false},
    {"src_count_bytes", FL_Q_COUNT, "src:10.7.0.13", "", "bytes", 0, 0, false, false},
    {"src_all_columns", FL_Q_EXPORT, "src:10.7.0.13", "", "", 0, 0, false, false},
    {"url_substring", FL_Q_COUNT, "url~\"play-gram42\"", "", "", 0, 0, false, false},
    {"latest100_device", FL_Q_LATEST, "device:fw-123", "", "", 100, 0, false, false},
    {"facets", FL_Q_FACETS, "", "", "", 10, 0, false, false},
};

struct sum_sink {
    uint64_t bytes, hash;
};

static int take_piece(void *ctx, struct fl_span piece)
{
    struct sum_sink *sum = ctx;

    sum->bytes += piece.len;
    for (size_t i = 0; i < piece.len; i++)
        sum->hash = (sum->hash ^ piece.ptr[i]) * UINT64_C(0x100000001b3);
    return FL_OK;
}

static double ask(struct fl_store *s, const struct question *q, struct fl_query_end *ret_end,
                  struct sum_sink *ret_sum)
{
    const struct fl_query query = {.tenant = TENANT,
                                   .kind = q->kind,
                                   .from_us = FL_MIX_START_US - FIVE_MIN_US,
                                   .to_us = FL_MIX_START_US + FL_US_PER_DAY + FIVE_MIN_US,
                                   .filter = fl_span_str(q->filter),
                                   .by = fl_span_str(q->by),
                                   .metric = fl_span_str(q->metric),
                                   .limit = q->limit,
                                   .step_us = q->step_us,
                                   .rows_only = q->rows_only,
                                   .no_users = q->no_users};
    const struct fl_query_sink sink = {take_piece, NULL, ret_sum};
    struct fl_err err = {0};
    double t = cpu_ms();

    *ret_sum = (struct sum_sink){0, UINT64_C(0xcbf29ce484222325)};
    must(fl_query_run(s, &query, &sink, ret_end, &err), &err, q->name);
    return cpu_ms() - t;
}

static long rss_kib(void)
{
    struct rusage ru;

    (void)getrusage(RUSAGE_SELF, &ru);
    return ru.ru_maxrss;
}

static void measure(int dir, const struct question *q, uint64_t rows, unsigned runs)
{
    struct fl_store *s = open_store(dir);
    struct fl_query_end end;
    struct sum_sink sum;
    double cold = ask(s, q, &end, &sum), warm = cold;
    uint64_t cold_bytes = end.bytes_read;

    for (unsigned i = 0; i < runs; i++) {
        double ms = ask(s, q, &end, &sum);

        if (ms < warm)
            warm = ms;
    }
    fl_store_close(s);
    fprintf(stderr,
            "%-22s cold %8.2f warm %8.2f ms CPU; found %9" PRIu64
            ", read %7.2f MB cold %7.2f warm%s%s\n",
            q->name, cold, warm, end.rows_matched, (double)cold_bytes / 1e6,
            (double)end.bytes_read / 1e6, end.from_rollups ? ", rollups" : "",
            end.partial ? ", PARTIAL" : "");
    printf("{\"name\":\"query_%s\",\"rows\":%" PRIu64
           ",\"cold_cpu_ms\":%.2f,\"warm_cpu_ms\":%.2f,\"matched\":%" PRIu64
           ",\"from_rollups\":%s,\"answer_bytes\":%" PRIu64 ",\"answer_hash\":\"%016" PRIx64
           "\",\"rss_kib\":%ld}\n",
           q->name, rows, cold, warm, end.rows_matched, end.from_rollups ? "true" : "false",
           sum.bytes, sum.hash, rss_kib());
    (void)fflush(stdout);
}

/* ---- erasing one address, in a copy ---- */

static struct {
    size_t from_len;
    const char *to;
} copying;

static int copy_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    char to[1024];
    int in, out, r = 0;

    (void)at;
    (void)snprintf(to, sizeof to, "%s%s", copying.to, path + copying.from_len);
    if (kind == FTW_D)
        return mkdir(to, 0700);
    in = open(path, O_RDONLY | O_CLOEXEC);
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    for (off_t left = st->st_size; in >= 0 && out >= 0 && left > 0 && r == 0;) {
        ssize_t n = copy_file_range(in, NULL, out, NULL, (size_t)left, 0);

        r = n <= 0 ? -1 : 0;
        left -= n;
    }
    r = in < 0 || out < 0 ? -1 : r;
    if (in >= 0)
        (void)close(in);
    if (out >= 0)
        (void)close(out);
    return r;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

/* after: ask what is left, too */
static void measure_erasing(const char *path, uint64_t rows, bool after)
{
    static const unsigned char ip[16] = {[10] = 0xff, [11] = 0xff, 10, 7, 0, 13};
    const struct fl_erase_rule rule = {.tenant = TENANT,
                                       .slug = FL_SPAN("bench"),
                                       .from_us = INT64_MIN,
                                       .to_us = INT64_MAX,
                                       .moment_us = INT64_MAX,
                                       .ip = fl_span_of(ip, sizeof ip)};
    struct fl_erase_result res = {0};
    struct fl_err err = {0};
    struct fl_store *s;
    char copy[512];
    double ms;
    int dir;

    (void)snprintf(copy, sizeof copy, "%s-erase", path);
    copying.from_len = strlen(path);
    copying.to = copy;
    (void)nftw(copy, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    must(nftw(path, copy_one, 16, FTW_PHYS) == 0 ? FL_OK : FL_E_IO, &err, "copying the store");
    dir = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s = open_store(dir);
    ms = cpu_ms();
    must(fl_store_erase(s, &rule, false, NULL, &res, &err), &err, "erasing");
    ms = cpu_ms() - ms;
    fl_store_close(s);
    fprintf(stderr, "erased %" PRIu64 " rows in %" PRIu64 " of %" PRIu64 " segments: %.0f ms CPU\n",
            res.rows, res.segments, res.searched, ms);
    printf("{\"name\":\"query_erase\",\"rows\":%" PRIu64
           ",\"cold_cpu_ms\":%.2f,\"warm_cpu_ms\":%.2f,\"matched\":%" PRIu64 ",\"rss_kib\":%ld}\n",
           rows, ms, ms, res.rows, rss_kib());
    (void)fflush(stdout);
    for (size_t i = 0; after && i < FL_LEN(questions); i++)
        measure(dir, &questions[i], rows, 0);
    (void)close(dir);
    (void)nftw(copy, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- what receiving loses while questions are asked ---- */

enum { ASKERS = 2, BATCHES = 160, BEHIND = 13 /* the nice value of fairleadd/store_turn.c */ };

struct asker {
    struct fl_store *store;
    atomic_bool *over;
};

static void *ask_on(void *ctx)
{
    struct asker *a = ctx;
    struct fl_query_end end;
    struct sum_sink sum;

    (void)setpriority(PRIO_PROCESS, 0, BEHIND);
    while (!atomic_load(a->over))
        (void)ask(a->store, &questions[0], &end, &sum);
    return NULL;
}

/* What this thread has computed, and waited for a processor; not what it waited for the disk. */
struct spent {
    uint64_t cpu_ns, waited_ns, rows;
};

static struct spent spent_now(void)
{
    struct spent now = {0, 0, 0};
    FILE *f = fopen("/proc/thread-self/schedstat", "re");

    if (f == NULL || fscanf(f, "%" SCNu64 " %" SCNu64, &now.cpu_ns, &now.waited_ns) != 2) {
        (void)fputs("bench-query: no /proc/thread-self/schedstat\n", stderr);
        exit(1);
    }
    (void)fclose(f);
    return now;
}

static struct spent receive(struct fl_store *s, struct fl_buf *batch, uint64_t *number)
{
    static const unsigned char source[16] = "bench-receive";
    struct spent before = spent_now(), after;
    struct fl_store_stats stats;
    struct fl_err err = {0};
    uint64_t rows = 0;
    uint32_t n;

    for (uint64_t i = 0; i < BATCHES; i++) {
        must(fl_store_append(s, TENANT, source, ++*number, fl_buf_span(&batch[i]), &n, &err), &err,
             "appending");
        rows += n;
        if (fl_store_pending_bytes(s) > COMMIT_BYTES)
            must(fl_store_commit(s, &err), &err, "committing");
        fl_store_stats(s, &stats);
        if (stats.memtable_rows >= SEAL_ROWS)
            must(fl_store_tick(s, &err), &err, "sealing");
    }
    after = spent_now();
    return (struct spent){after.cpu_ns - before.cpu_ns, after.waited_ns - before.waited_ns, rows};
}

static void make_batches(struct fl_buf batch[BATCHES])
{
    const struct fl_mix_config conf = {SEED + 1, (uint64_t)BATCHES * BATCH_ROWS, FL_MIX_START_US,
                                       FL_MIX_SPAN_US};
    struct fl_mix *mix = fl_mix_new(&conf);
    struct filler f = {.store = NULL};
    struct fl_enrich *enrich = NULL;
    struct fl_arena arena;
    struct fl_mix_row row;
    struct fl_err err = {0};

    fl_arena_init(&arena, (size_t)1 << 20);
    must(mix == NULL ? FL_E_NOMEM : fl_batch_writer_new(&f.writer, &err), &err, "the mix");
    must(fl_enrich_new(&enrich, &err), &err, "the tables");
    for (size_t b = 0; b < BATCHES; b++) {
        fl_buf_init(&batch[b], (size_t)1 << 21);
        while (fl_batch_rows(f.writer) < BATCH_ROWS / 2) { /* stays below the size of a batch */
            fl_mix_next(mix, &row);
            add_line(&f, enrich, &arena, &row);
        }
        must(fl_batch_finish(f.writer, &batch[b], &err), &err, "a batch");
    }
    fl_batch_writer_free(f.writer);
    fl_enrich_free(enrich);
    fl_arena_done(&arena);
    fl_mix_free(mix);
}

static double ns_a_row(const struct spent *s)
{
    return (double)(s->cpu_ns + s->waited_ns) / (double)s->rows;
}

static struct spent receive_beside(struct fl_store *s, struct fl_buf *batch, uint64_t *number)
{
    atomic_bool over = false;
    struct asker asker = {s, &over};
    pthread_t thread[ASKERS];
    struct spent spent;

    for (size_t i = 0; i < ASKERS; i++)
        if (pthread_create(&thread[i], NULL, ask_on, &asker) != 0)
            exit(1);
    spent = receive(s, batch, number);
    atomic_store(&over, true);
    for (size_t i = 0; i < ASKERS; i++)
        (void)pthread_join(thread[i], NULL);
    return spent;
}

/* On one core, where they are in each other's way most; alone, beside questions, and again. */
static void measure_receiving(const char *path)
{
    static struct fl_buf batch[BATCHES];
    double alone = 0, beside = 0;
    uint64_t number = 0;
    struct fl_store *s;
    struct spent spent;
    char copy[512];
    cpu_set_t one;
    int dir;

    (void)snprintf(copy, sizeof copy, "%s-receive", path);
    if (mkdir(copy, 0700) != 0 || (dir = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        fprintf(stderr, "bench-query: %s is there already, or cannot be made\n", copy);
        return;
    }
    CPU_ZERO(&one);
    CPU_SET((unsigned)sched_getcpu(), &one);
    (void)sched_setaffinity(0, sizeof one, &one);
    make_batches(batch);
    s = open_store(dir);
    (void)receive(s, batch, &number); /* something to ask for */
    for (int i = 0; i < 3; i++) {
        spent = receive(s, batch, &number);
        alone += ns_a_row(&spent) / 3;
        spent = receive_beside(s, batch, &number);
        beside += ns_a_row(&spent) / 3;
    }
    fprintf(stderr,
            "receiving on one core: %.0f ns a row alone, %.0f beside %d questions at once\n", alone,
            beside, ASKERS);
    printf("{\"name\":\"receive_while_asking\",\"alone_ns\":%.0f,\"beside_ns\":%.0f,"
           "\"slower\":%.4f}\n",
           alone, beside, 1 - alone / beside);
    fl_store_close(s);
    for (size_t b = 0; b < BATCHES; b++)
        fl_buf_done(&batch[b]);
    (void)close(dir);
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    unsigned runs = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : DEFAULT_RUNS;
    const char *only = argc > 4 ? argv[4] : "";
    int dir;

    if (rows == 0) {
        (void)fputs("usage: bench-query DIR ROWS [RUNS [NAME]]\n", stderr);
        return 2;
    }
    dir = folder_of(argv[1], rows);
    clock_us = FL_MIX_START_US + FL_US_PER_DAY;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        if (strstr(questions[i].name, only) != NULL)
            measure(dir, &questions[i], rows, runs);
    if (strstr("erase", only) != NULL)
        measure_erasing(argv[1], rows, strcmp(only, "erase") == 0);
    if (strcmp(only, "receive") == 0)
        measure_receiving(argv[1]);
    fprintf(stderr, "largest RSS %ld MiB\n", rss_kib() / 1024);
    (void)close(dir);
    return 0;
}
