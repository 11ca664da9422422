/* Queries against the real store: sealed segments and a memtable, read back row by row as the
 * truth. */
#include <inttypes.h>
#include <pthread.h>

#include "codec/record.h"
#include "logs/query_run.h"
#include "logs/store_int.h"
#include "query_oracle.h"
#include "remove_tree.h"
#include "store_help.h"
#include "tap.h"

enum { TENANT = 3, ROWS = 9000 };

static int64_t clock_us;

static int64_t now_us(void)
{
    return __atomic_load_n(&clock_us, __ATOMIC_RELAXED);
}

static void must(int r, const struct fl_err *err)
{
    if (r < 0) {
        printf("# %s\n", err->text);
        abort();
    }
}

/* ---- filling ---- */

struct feed {
    struct fl_batch_writer *writer;
    struct fl_buf batch;
    uint64_t number;
};

static void feed_init(struct feed *f)
{
    *f = (struct feed){.number = 0};
    fl_buf_init(&f->batch, FL_BATCH_MAX_BYTES);
    if (fl_batch_writer_new(&f->writer, NULL) < 0)
        abort();
}

static void feed_done(struct feed *f)
{
    fl_batch_writer_free(f->writer);
    fl_buf_done(&f->batch);
}

static void feed_send(struct feed *f, struct fl_store *store)
{
    static const unsigned char source[16] = "a ring of tests";
    struct fl_err err = {0};
    uint32_t rows;

    fl_buf_clear(&f->batch);
    must(fl_batch_finish(f->writer, &f->batch, &err), &err);
    must(fl_store_append(store, TENANT, source, ++f->number, fl_buf_span(&f->batch), &rows, &err),
         &err);
    must(fl_store_commit(store, &err), &err);
}

static void fill(struct oracle *o, struct feed *f)
{
    struct fl_err err = {0};

    for (size_t i = 0; i < ROWS; i++) {
        struct fl_event *ev;
        int32_t day = oracle_day() + (i >= ROWS / 2);

        ev = oracle_row(o, ROWS, day, 1);
        fl_event_num(ev, FL_F_OUT_BYTES, oracle_random(o, 5000));
        fl_event_num(ev, FL_F_IN_BYTES, oracle_random(o, 900000));
        if (!fl_event_has(ev, FL_F_ACTION) || oracle_random(o, 2) == 0)
            fl_event_str(ev, FL_F_ACTION,
                         oracle_random(o, 2) == 0 ? FL_SPAN("closed") : FL_SPAN("denied"));
        __atomic_store_n(&clock_us, (int64_t)ev->v[FL_F_RECEIVED].num, __ATOMIC_RELAXED);
        must(fl_batch_add(f->writer, ev, &err), &err);
        if (i % 100 == 99)
            feed_send(f, o->store);
        if (i % 2000 == 1999)
            must(fl_store_seal_all(o->store, &err), &err);
    }
    o->count = 0;
}

/* The rows as they were stored: numbered, and with what was derived. */
static void read_back(struct oracle *o)
{
    struct fl_fieldset all = fl_fieldset_all();
    struct fl_err err = {0};
    struct fl_parts *parts;
    uint64_t read = 0;

    o->count = 0;
    must(fl_parts_open(o->store, TENANT, INT64_MIN, INT64_MAX, &parts, &err), &err);
    for (size_t p = 0; p < fl_parts_count(parts); p++) {
        struct fl_part *part = fl_parts_get(parts, p);
        struct fl_part_info info;

        fl_part_info(part, &info);
        for (uint32_t no = 0; no < info.blocks; no++) {
            struct fl_block *block;

            must(fl_part_load(part, no, &all, &block, &read, &err), &err);
            for (uint32_t row = 0; row < block->rows; row++) {
                struct fl_event *ev = &o->row[o->count++];

                fl_block_row(block, row, ev);
                for (int f = 0; f < FL_FIELD_COUNT; f++) {
                    if (fl_field_is_str((enum fl_field)f) && fl_event_has(ev, (enum fl_field)f))
                        ev->v[f].str = fl_arena_copy(&o->arena, ev->v[f].str);
                }
            }
            fl_block_free(block);
        }
    }
    printf("# %zu parts, %zu rows\n", fl_parts_count(parts), o->count);
    fl_parts_free(parts);
}

/* ---- asking ---- */

static struct fl_query question(enum fl_query_kind kind)
{
    int64_t day_us = (int64_t)oracle_day() * FL_US_PER_DAY;

    return (struct fl_query){.tenant = TENANT,
                             .kind = kind,
                             .from_us = day_us - 3 * FL_US_PER_DAY,
                             .to_us = day_us + 5 * FL_US_PER_DAY};
}

static void random_question(struct oracle *o, struct fl_query *q, struct fl_buf *text)
{
    int64_t day_us = (int64_t)oracle_day() * FL_US_PER_DAY;

    fl_buf_init(text, 4096);
    oracle_filter(o, 3, text);
    q->filter = fl_buf_span(text);
    if (oracle_random(o, 2) == 0) {
        q->from_us = day_us + (int64_t)oracle_random(o, 86400 * 2) * FL_US_PER_S;
        q->to_us = q->from_us + 1 + (int64_t)oracle_random(o, 86400 * 2) * FL_US_PER_S;
    }
}

static void check_filters(struct oracle *o, int rounds, const char *name)
{
    int bad = 0;

    for (int i = 0; i < rounds; i++) {
        FL_AUTO(fl_buf_done) struct fl_buf text;
        struct fl_query q = question(FL_Q_TOP);
        struct fl_filter *filter = NULL;
        uint64_t rows = 0, bytes = 0;
        struct asked a;
        json_t *root, *total;

        random_question(o, &q, &text);
        q.by = FL_SPAN("domain");
        if (fl_filter_parse(q.filter, &o->arena, &filter, NULL) < 0)
            abort();
        for (size_t k = 0; k < o->count; k++) {
            if (oracle_takes(&q, filter, &o->row[k])) {
                rows++;
                bytes += oracle_metric(&o->row[k], "bytes");
            }
        }
        ask(o, &q, &a);
        must(a.code, &a.err);
        root = asked_json(&a);
        total = json_object_get(root, "total");
        if (a.end.partial || a.end.rows_matched != rows ||
            (uint64_t)json_integer_value(json_object_get(total, "rows")) != rows ||
            (uint64_t)json_integer_value(json_object_get(total, "bytes")) != bytes) {
            printf("# where %.*s: %" PRIu64 " rows, not %" PRIu64 " %s\n", FL_SPAN_ARG(q.filter),
                   a.end.rows_matched, rows, a.end.why);
            bad++;
        }
        json_decref(root);
        asked_done(&a);
    }
    CHECK(bad == 0, name);
}

static void check_rollups(struct oracle *o)
{
    static const char *const pairs[][2] = {
        {"", "seq:* or -seq:*"},
        {"site:SITE-2", "site:site-2 (seq:* or -seq:*)"},
        {"-site:site-2", "-site:site-2 (seq:* or -seq:*)"},
    };
    static const char *const by[] = {"app", "domain", "category", "user"};
    static const int64_t steps_s[] = {300, 3600, 86400};
    int bad = 0, used = 0;

    for (size_t i = 0; i < 4 * FL_LEN(pairs) * FL_LEN(by); i++) {
        struct fl_query q = question(i % 4 == 0 ? FL_Q_TOP : FL_Q_SERIES);
        struct asked a, b;

        q.by = fl_span_str(by[i / 4 % FL_LEN(by)]);
        q.step_us = i % 4 == 0 ? 0 : steps_s[i % 4 - 1] * FL_US_PER_S;
        if (q.step_us == 300 * FL_US_PER_S)
            q.to_us = q.from_us + 6 * FL_US_PER_DAY;
        q.filter = fl_span_str(pairs[i / 4 / FL_LEN(by)][0]);
        ask(o, &q, &a);
        q.filter = fl_span_str(pairs[i / 4 / FL_LEN(by)][1]);
        ask(o, &q, &b);
        bad += a.code < 0 || b.code < 0 || strcmp(a.text, b.text) != 0 || b.end.from_rollups;
        used += a.end.from_rollups;
        asked_done(&a);
        asked_done(&b);
    }
    CHECK(bad == 0, "rollups of segments and rows give the same answers, byte by byte");
    CHECK(used > 10, "rollups were used where they are stored");
}

/* Random questions that rollups may answer, against the same from rows: twice, so that the second
 * is answered from what was remembered. */
static void check_random_rollups(struct oracle *o, int rounds)
{
    static const char *const by[] = {"app", "domain", "category", "user", ""};
    static const char *const metrics[] = {"bytes", "sessions", "packets", "seconds", "rows", "up"};
    static const char *const filters[] = {
        "", "", "", "site:site-1", "-site:site-2", "site:(site-1,site-3)", "not site:*"};
    static const int64_t steps_s[] = {300, 600, 3600, 7200, 86400};
    int64_t day_us = (int64_t)oracle_day() * FL_US_PER_DAY;
    int bad = 0, used = 0, partly = 0;

    for (int i = 0; i < rounds; i++) {
        struct fl_query q = question(oracle_random(o, 2) == 0 ? FL_Q_TOP : FL_Q_SERIES);
        int64_t edge_us = oracle_random(o, 3) == 0 ? 1 : steps_s[oracle_random(o, 5)] * FL_US_PER_S;
        struct asked a, b, c;

        q.by = fl_span_str(by[oracle_random(o, q.kind == FL_Q_TOP ? 4 : 5)]);
        q.metric = fl_span_str(metrics[oracle_random(o, FL_LEN(metrics))]);
        q.filter = fl_span_str(filters[oracle_random(o, FL_LEN(filters))]);
        q.limit = (uint32_t)oracle_random(o, 20);
        q.no_users = oracle_random(o, 2) == 0;
        q.from_us = day_us + (int64_t)oracle_random(o, 86400 * 2) * FL_US_PER_S / edge_us * edge_us;
        q.to_us = q.from_us + edge_us +
                  (int64_t)oracle_random(o, 86400) * FL_US_PER_S / edge_us * edge_us;
        q.step_us = steps_s[oracle_random(o, FL_LEN(steps_s))] * FL_US_PER_S;
        ask(o, &q, &a);
        ask(o, &q, &b);
        q.rows_only = true;
        ask(o, &q, &c);
        used += a.end.from_rollups;
        partly += a.end.from_rollups && a.end.rows_scanned > 0;
        if (a.code < 0 || c.code < 0 || strcmp(a.text, c.text) != 0 ||
            strcmp(b.text, c.text) != 0 || c.end.from_rollups ||
            a.end.rows_matched != c.end.rows_matched || b.end.rows_matched != c.end.rows_matched) {
            printf("# %s by %.*s where %.*s: %s\n# %s\n", q.kind == FL_Q_TOP ? "top" : "series",
                   FL_SPAN_ARG(q.by), FL_SPAN_ARG(q.filter), a.text, c.text);
            bad++;
        }
        asked_done(&a);
        asked_done(&b);
        asked_done(&c);
    }
    printf("# %d of %d from rollups, %d of them partly\n", used, rounds, partly);
    CHECK(bad == 0, "random questions: rollups, remembered rollups and rows give the same bytes");
    CHECK(used > rounds / 12 && partly > 0, "rollups were used, alone and beside rows");
}

static void check_forgetting(struct oracle *o, bool purged)
{
    struct fl_query q = question(FL_Q_SERIES);
    struct asked a, b;

    q.by = FL_SPAN("app");
    q.step_us = FL_US_PER_DAY;
    if (purged)
        CHECK(o->store->sums != NULL && fl_sumcache_bytes(o->store->sums) == 0,
              "destruction leaves nothing that queries remember");
    ask(o, &q, &a);
    q.rows_only = true;
    ask(o, &q, &b);
    CHECK(strcmp(a.text, b.text) == 0 && a.end.from_rollups, "sums are those of the rows that are");
    if (!purged)
        CHECK(fl_sumcache_bytes(o->store->sums) > 1000, "something is remembered");
    asked_done(&a);
    asked_done(&b);
}

static void check_pages(struct oracle *o)
{
    struct fl_query q = question(FL_Q_LATEST);
    char cursor[64] = "";
    uint64_t rows = 0, want = 0;
    size_t pages = 0;

    q.filter = FL_SPAN("app:youtube");
    q.limit = 97;
    for (size_t i = 0; i < o->count; i++)
        want += fl_event_has(&o->row[i], FL_F_APP) &&
                (fl_span_eq(o->row[i].v[FL_F_APP].str, FL_SPAN("youtube")) ||
                 fl_span_eq(o->row[i].v[FL_F_APP].str, FL_SPAN("YouTube")));
    do {
        struct asked a;

        q.cursor = fl_span_str(cursor);
        ask(o, &q, &a);
        must(a.code, &a.err);
        rows += a.end.rows_matched;
        (void)snprintf(cursor, sizeof cursor, "%s", a.end.cursor);
        asked_done(&a);
    } while (cursor[0] != '\0' && ++pages < 1000);
    CHECK(rows == want && pages > 10, "pages walk the store");
    q = question(FL_Q_CONTEXT);
    q.cursor = FL_SPAN("2026-11-21.1");
    q.limit = 3;
    {
        struct asked a;

        ask(o, &q, &a);
        CHECK(a.code == 0 && a.end.rows_matched == 7 &&
                  strstr(a.text, "\"id\":\"2026-11-21.1\"") != NULL &&
                  strstr(a.text, "\"id\":\"2026-11-20.") != NULL,
              "context reaches into the day before");
        asked_done(&a);
    }
}

static void check_export(struct oracle *o)
{
    struct fl_query q = question(FL_Q_EXPORT);
    size_t at = 0, lines = 0;
    struct asked a;
    int bad = 0;

    ask(o, &q, &a);
    must(a.code, &a.err);
    for (const char *line = a.text; *line != '\0'; line = strchr(line, '\n') + 1, lines++) {
        char id[64];

        if (lines >= o->count)
            break;
        (void)snprintf(id, sizeof id, ".%" PRIu64 "\"", o->row[at++].v[FL_F_SEQ].num);
        bad += strstr(line, id) == NULL;
    }
    CHECK(lines == o->count && bad == 0 && !a.end.partial, "an export gives every row, in order");
    asked_done(&a);
}

/* ---- a tail while rows are committed and sealed ---- */

struct reader {
    struct fl_store *store;
    uint64_t rows, bad, last; /* of the one thread that runs the tail */
    _Atomic uint64_t seen;
};

static int take(void *ctx, struct fl_span piece)
{
    struct reader *reader = ctx;
    const char *at = (const char *)piece.ptr, *end = at + piece.len;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        const char *seq = memmem(at, (size_t)(line_end - at), "\"sequence\":", 11);
        uint64_t number = seq == NULL ? 0 : strtoull(seq + 11, NULL, 10);

        if (seq != NULL) {
            reader->rows++;
            reader->bad += reader->last != 0 && number != reader->last + 1;
            reader->last = number;
        }
        at = line_end + 1;
    }
    reader->seen = reader->rows;
    return 0;
}

static int enough(void *ctx)
{
    struct reader *reader = ctx;

    return reader->seen >= 2000;
}

static void *follow(void *arg)
{
    struct reader *reader = arg;
    struct fl_query_sink sink = {take, enough, reader};
    struct fl_query q = {.tenant = TENANT, .kind = FL_Q_TAIL, .cursor = FL_SPAN("2026-11-21.4000")};
    struct fl_query_end end;

    q.limit = 100000;
    if (fl_query_run(reader->store, &q, &sink, &end, NULL) < 0)
        reader->bad++;
    return NULL;
}

static void check_tail(struct oracle *o, struct feed *f)
{
    struct reader reader = {.store = o->store};
    struct fl_err err = {0};
    pthread_t thread;

    o->count = 0;
    if (pthread_create(&thread, NULL, follow, &reader) != 0)
        abort();
    for (size_t i = 0; i < 1500; i++) { /* 500 are there already */
        must(fl_batch_add(f->writer, oracle_row(o, ROWS * 4, oracle_day() + 1, 1), &err), &err);
        if (i % 50 == 49)
            feed_send(f, o->store);
        if (i % 500 == 499)
            must(fl_store_seal_all(o->store, &err), &err);
    }
    (void)pthread_join(thread, NULL);
    CHECK(reader.rows == 2000 && reader.bad == 0,
          "a tail sees each row once while rows are committed and sealed");
}

static void check_purge(struct oracle *o)
{
    struct fl_query q = question(FL_Q_COUNT);
    struct fl_purge_result result;
    struct fl_err err = {0};
    struct asked a;

    must(fl_store_purge(o->store, TENANT, oracle_day(), oracle_day(), false, "test", &result, &err),
         &err);
    q.filter = FL_SPAN("seq:*");
    ask(o, &q, &a);
    CHECK(a.code == 0 && a.end.rows_matched == ROWS / 2 + 1500, "purged rows are gone");
    asked_done(&a);
    q.tenant = 99;
    ask(o, &q, &a);
    CHECK(a.code < 0 || a.end.rows_matched == 0, "another tenant has none of it");
    asked_done(&a);
}

int main(void)
{
    static struct oracle o;
    struct fl_store_rule rule = {.tenant = TENANT, .slug = "tenant", .keep_days = 30};
    struct fl_store_config conf = {.memtable_bytes = 64 << 20, .seal_rows = 65536, .seal_s = 300};
    struct memkeys keys;
    struct feed feed;
    struct fl_err err = {0};
    char path[64];

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    memkeys_init(&keys);
    feed_init(&feed);
    conf.dir_fd = temp_folder(path);
    conf.keyring = &keys.base;
    conf.now_us = now_us;
    clock_us = (int64_t)oracle_day() * FL_US_PER_DAY;
    oracle_begin(&o, 11, ROWS);
    must(fl_store_open(&conf, &o.store, &err), &err);
    must(fl_store_rule(o.store, &rule, &err), &err);
    fill(&o, &feed);
    read_back(&o);
    CHECK(o.count == ROWS, "all rows are there");
    check_filters(&o, 150, "random filters over segments and a memtable");
    check_rollups(&o);
    check_random_rollups(&o, 300);
    check_pages(&o);
    check_export(&o);
    check_tail(&o, &feed);
    check_forgetting(&o, false);
    check_purge(&o);
    check_forgetting(&o, true);
    fl_store_close(o.store);
    oracle_done(&o);
    feed_done(&feed);
    memkeys_done(&keys);
    (void)close(conf.dir_fd);
    remove_tree(path);
    return tap_done();
}
