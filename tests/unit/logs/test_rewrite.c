#include "logs/store_rewrite.h"

#include <errno.h>

#include "logs/pick.h"
#include "logs/store_swap.h"
#include "powerfs.h"
#include "store_rows.h"
#include "tap.h"

enum { TENANT = 3, SEGS = 6, ROWS = 50 };
#define NOW_US (INT64_C(1750000000) * FL_US_PER_S) /* 2025-06-15 */

static _Atomic int64_t clock_us = NOW_US;

static int64_t now(void)
{
    return clock_us;
}

/* ---- a store on a disk in memory ---- */

struct world {
    struct powerfs *fs;
    struct memkeys keys;
    struct fl_store *store;
};

static void world_done(struct world *w)
{
    fl_store_close(w->store);
    powerfs_free(w->fs);
    memkeys_done(&w->keys);
}

static int world_open(struct world *w)
{
    struct fl_store_config conf = {.dir_fd = powerfs_root(w->fs),
                                   .files = powerfs_files(w->fs),
                                   .keyring = &w->keys.base,
                                   .now_us = now,
                                   .memtable_bytes = 64 << 20,
                                   .seal_rows = 65536,
                                   .seal_s = 300};
    struct fl_store_rule rule = {.tenant = TENANT, .keep_days = 30, .slug = "acme"};
    struct fl_err err = {0};
    int r = fl_store_open(&conf, &w->store, &err);

    if (r < 0) {
        printf("# open: %s\n", err.text);
        w->store = NULL;
        return r;
    }
    w->store->merge_mono_us = INT64_MAX; /* not by itself */
    return fl_store_rule(w->store, &rule, NULL);
}

static void copy_keys(const struct memkeys *from, struct memkeys *to)
{
    memkeys_init(to);
    to->all = malloc((from->count + 1) * sizeof *to->all);
    if (to->all == NULL)
        abort();
    memcpy(to->all, from->all, from->count * sizeof *to->all);
    to->count = from->count;
    to->cap = from->count + 1;
    to->epoch = from->epoch;
}

/* The disk of w as a crash now would leave it (or, LEFT_KINDS: as kill -9 would), with its keys. */
static void world_after(const struct world *w, int left, struct world *ret)
{
    ret->store = NULL;
    ret->fs = left == POWERFS_LEFT_KINDS
                  ? powerfs_copy(w->fs)
                  : powerfs_crash(w->fs, (enum powerfs_left)left, (uint64_t)left);
    copy_keys(&w->keys, &ret->keys);
}

static void add_rows(struct world *w, uint64_t number, uint64_t first, uint32_t rows)
{
    FL_AUTO(fl_buf_done) struct fl_buf batch;
    uint32_t got = 0;

    fl_buf_init(&batch, 1 << 21);
    plain_batch(first, rows, clock_us, &batch);
    if (fl_store_append(w->store, TENANT, ring_id, number, fl_buf_span(&batch), &got, NULL) < 0 ||
        got != rows || fl_store_commit(w->store, NULL) < 0)
        abort();
}

/* SEGS segments of a day that is over. */
static void world_new(struct world *w)
{
    *w = (struct world){.fs = powerfs_new()};
    clock_us = NOW_US;
    memkeys_init(&w->keys);
    if (world_open(w) < 0)
        abort();
    for (uint64_t i = 0; i < SEGS; i++) {
        add_rows(w, i + 1, i * ROWS + 1, ROWS);
        if (fl_store_seal_all(w->store, NULL) < 0)
            abort();
    }
    clock_us += FL_US_PER_DAY;
}

static struct fl_store_day *only_day(struct world *w)
{
    return w->store->tenants[0]->days[0];
}

/* ---- what goes ---- */

static int without_user(void *ctx, const struct fl_block *block, uint8_t *keep, struct fl_err *err)
{
    const struct fl_span *who = ctx;

    (void)err;
    for (uint32_t i = 0; i < block->rows; i++)
        if (fl_span_eq(block->col[FL_F_USER].words[block->col[FL_F_USER].code[i]], *who))
            keep[i / 8] = (uint8_t)(keep[i / 8] & ~(1u << (i % 8)));
    return 0;
}

static int without_all(void *ctx, const struct fl_block *block, uint8_t *keep, struct fl_err *err)
{
    (void)ctx;
    (void)err;
    memset(keep, 0, (block->rows + 7) / 8);
    return 0;
}

static int refuse(void *ctx, const struct fl_block *block, uint8_t *keep, struct fl_err *err)
{
    (void)ctx;
    (void)block;
    (void)keep;
    return fl_err_set(err, FL_E_IO, "no");
}

static struct fl_span user3 = {(const unsigned char *)"user3", 5};

/* The last row that there is. */
static int without_last(void *ctx, const struct fl_block *block, uint8_t *keep, struct fl_err *err)
{
    (void)ctx;
    (void)err;
    for (uint32_t i = 0; i < block->rows; i++)
        if (block->col[FL_F_SEQ].num[i] == SEGS * ROWS)
            keep[i / 8] = (uint8_t)(keep[i / 8] & ~(1u << (i % 8)));
    return 0;
}

static int rewrite(struct world *w, uint32_t from, uint32_t count,
                   int (*keep)(void *, const struct fl_block *, uint8_t *, struct fl_err *),
                   struct fl_retired *retired, struct fl_rewrite_result *res, struct fl_err *err)
{
    struct fl_rewrite rw = {.tenant = w->store->tenants[0],
                            .day = only_day(w),
                            .old = only_day(w)->segs + from,
                            .old_count = count,
                            .keep = keep,
                            .ctx = &user3};
    int r;

    pthread_mutex_lock(&w->store->maint);
    r = fl_store_rewrite(w->store, &rw, retired, res, err);
    pthread_mutex_unlock(&w->store->maint);
    return r;
}

static int retire(struct world *w, struct fl_retired *retired, struct fl_destroyed *gone)
{
    int r;

    pthread_mutex_lock(&w->store->maint);
    r = fl_store_retire(w->store, retired, "test", gone, NULL);
    pthread_mutex_unlock(&w->store->maint);
    return r;
}

struct files {
    unsigned seg, swap, tmp;
};

static void count_file(void *ctx, const char *path, uint64_t bytes)
{
    struct files *f = ctx;
    size_t n = strlen(path);

    (void)bytes;
    f->seg += n > 4 && strcmp(path + n - 4, ".seg") == 0;
    f->swap += n > 5 && strcmp(path + n - 5, ".swap") == 0;
    f->tmp += n > 4 && strcmp(path + n - 4, ".tmp") == 0;
}

static struct files files_of(const struct world *w)
{
    struct files f = {0, 0, 0};

    powerfs_each(w->fs, count_file, &f);
    return f;
}

/* The highest delivery that a segment says it contains. */
static uint64_t foot_marks(struct world *w, const struct fl_store_seg *seg)
{
    struct fl_segment *open = NULL;
    char path[FL_STORE_PATH_BYTES];
    uint64_t most = 0;
    int fd;

    fl_store_path(seg->slug, seg->id.day, path);
    if (fl_files_open(powerfs_files(w->fs), powerfs_root(w->fs), path, FL_FILE_FOLDER, &fd, NULL) <
            0 ||
        fl_segment_open(powerfs_files(w->fs), fd, &seg->id, seg->key, &open, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < fl_segment_foot(open)->marks; i++)
        if (fl_segment_foot(open)->mark[i].number > most)
            most = fl_segment_foot(open)->mark[i].number;
    fl_segment_close(open);
    fl_files_close(powerfs_files(w->fs), fd);
    return most;
}

/* ---- the plain way ---- */

static void check_merge(void)
{
    struct world w;
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    struct fl_destroyed gone = {0};
    struct fl_err err = {0};
    struct tally t;
    struct files f;

    world_new(&w);
    CHECK(rewrite(&w, 1, SEGS - 2, NULL, &retired, &res, &err) == 0, "segments in the middle");
    t = tally_of(w.store, TENANT);
    CHECK(whole(&t, SEGS * ROWS) && t.parts == 3 && only_day(&w)->segs[1]->blocks == 1,
          "are one, and every row is there once");
    CHECK(res.rows_in == 200 && res.rows_out == 200 && res.blocks_in == 4 && res.blocks_out == 1 &&
              res.bytes_out > 0 && res.bytes_out < res.bytes_in && retired.count == SEGS - 2,
          "as it says");
    f = files_of(&w);
    CHECK(f.seg == SEGS + 1 && f.swap == 1 && f.tmp == 0, "the old ones are there until retired");
    CHECK(foot_marks(&w, only_day(&w)->segs[1]) == SEGS - 1, "it has the marks of all");
    CHECK(retire(&w, &retired, &gone) == 0 && gone.keys == SEGS - 2 && retired.count == 0,
          "their keys go in one epoch");
    f = files_of(&w);
    CHECK(f.seg == 3 && f.swap == 0 && w.keys.count >= 3, "and their bytes");
    fl_store_close(w.store);
    w.store = NULL;
    CHECK(world_open(&w) == 0, "opens again");
    t = tally_of(w.store, TENANT);
    CHECK(whole(&t, SEGS * ROWS) && t.parts == 3, "the same rows");
    CHECK(fl_marks_get(&w.store->taken, ring_id) == SEGS, "deliveries are known after that");
    world_done(&w);
}

/* Words of a column in all segments of the day. */
static bool has_word(struct world *w, enum fl_field f, struct fl_span word)
{
    const struct fl_fieldset all = fl_fieldset_all();
    struct fl_parts *parts;
    uint64_t read = 0;
    bool found = false;

    if (fl_parts_open(w->store, TENANT, INT64_MIN, INT64_MAX, &parts, NULL) < 0)
        abort();
    for (size_t i = 0; i < fl_parts_count(parts); i++) {
        struct fl_block *block;

        if (fl_part_load(fl_parts_get(parts, i), 0, &all, &block, &read, NULL) < 0)
            abort();
        for (uint32_t k = 1; k < block->col[f].word_count; k++)
            found = found || fl_span_eq(block->col[f].words[k], word);
        fl_block_free(block);
    }
    fl_parts_free(parts);
    return found;
}

enum { KEPT = SEGS * ROWS - 18 }; /* 1..300 without those that leave 3 after division by 17 */

static void check_erase(void)
{
    struct world w;
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    struct fl_destroyed gone = {0};
    struct tally t;
    bool ok = true;

    world_new(&w);
    t = tally_of(w.store, TENANT);
    CHECK(whole(&t, SEGS * ROWS) && has_word(&w, FL_F_USER, user3), "a person is there");
    for (uint32_t i = 0; i < SEGS; i++)
        ok = ok && rewrite(&w, i, 1, without_user, &retired, &res, NULL) == 0 &&
             res.rows_in == ROWS && res.rows_out >= ROWS - 3 && res.rows_out < ROWS;
    t = tally_of(w.store, TENANT);
    CHECK(ok && t.rows == KEPT && t.gaps > 0 && t.parts == SEGS, "without the person's rows");
    CHECK(!has_word(&w, FL_F_USER, user3), "nor is the name left among the words");
    CHECK(retire(&w, &retired, &gone) == 0 && gone.keys == SEGS, "all old keys in one epoch");
    fl_store_close(w.store);
    CHECK(world_open(&w) == 0 && tally_of(w.store, TENANT).rows == KEPT, "they do not come back");
    CHECK(only_day(&w)->next_seq == SEGS * ROWS + 1 && only_day(&w)->segs[0]->first_seq == 1,
          "numbers are not given again");
    CHECK(rewrite(&w, SEGS - 1, 1, without_last, &retired, &res, NULL) == 0 &&
              only_day(&w)->segs[SEGS - 1]->last_seq == SEGS * ROWS &&
              tally_of(w.store, TENANT).last_seq < SEGS * ROWS,
          "a segment answers for numbers that went at its end");
    CHECK(rewrite(&w, 0, SEGS, without_all, &retired, &res, NULL) == 0 && res.rows_out == 0 &&
              res.rows_in == KEPT - 1 && only_day(&w)->seg_count == 0,
          "all rows of all segments");
    CHECK(files_of(&w).swap == 2 && tally_of(w.store, TENANT).rows == 0, "leave no segment");
    CHECK(retire(&w, &retired, &gone) == 0 && files_of(&w).seg == 0 && files_of(&w).swap == 0,
          "and no file");
    world_done(&w);
}

static int note_swap(void *ctx, const char *name, bool folder)
{
    size_t n = strlen(name);

    if (!folder && n > 5 && strcmp(name + n - 5, ".swap") == 0)
        (void)snprintf(ctx, 64, "%s", name);
    return 0;
}

/* Somebody lost the .swap file: no row is seen twice. */
static void check_no_swap(void)
{
    struct world w;
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    char path[FL_STORE_PATH_BYTES], name[64] = "";
    struct tally t;
    int fd;

    world_new(&w);
    if (rewrite(&w, 1, SEGS - 2, NULL, &retired, &res, NULL) < 0)
        abort();
    fl_retired_done(&retired);
    fl_store_path("acme", only_day(&w)->day, path);
    if (fl_files_open(powerfs_files(w.fs), powerfs_root(w.fs), path, FL_FILE_FOLDER, &fd, NULL) <
            0 ||
        powerfs_files(w.fs)->list(powerfs_files(w.fs), fd, note_swap, name) < 0 ||
        fl_files_unlink(powerfs_files(w.fs), fd, name, false, NULL) < 0)
        abort();
    fl_files_close(powerfs_files(w.fs), fd);
    fl_store_close(w.store);
    CHECK(name[0] != '\0' && files_of(&w).seg == SEGS + 1 && world_open(&w) == 0, "opens");
    t = tally_of(w.store, TENANT);
    CHECK(whole(&t, SEGS * ROWS) && files_of(&w).seg == t.parts,
          "where segments hold the same rows, one of them counts");
    world_done(&w);
}

/* A block that is full is written anew when a row of it goes. */
static void check_large(void)
{
    struct world w = {.fs = powerfs_new()};
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    struct tally t;

    clock_us = NOW_US;
    memkeys_init(&w.keys);
    if (world_open(&w) < 0)
        abort();
    for (uint64_t i = 0; i < 11; i++)
        add_rows(&w, i + 1, i * 5000 + 1, 5000);
    if (fl_store_seal_all(w.store, NULL) < 0 || rewrite(&w, 0, 1, NULL, &retired, &res, NULL) < 0)
        abort();
    t = tally_of(w.store, TENANT);
    CHECK(whole(&t, 55000) && res.blocks_in == 1 && res.blocks_out == 1, "a full block goes over");
    CHECK(rewrite(&w, 0, 1, without_user, &retired, &res, NULL) == 0 &&
              tally_of(w.store, TENANT).rows == 55000 - 3236 && !has_word(&w, FL_F_USER, user3),
          "and without a person's rows");
    fl_retired_done(&retired);
    world_done(&w);
}

static void check_refused(void)
{
    struct world w;
    struct fl_store_seg *apart[2];
    struct fl_rewrite rw = {.old = apart, .old_count = 2};
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    struct tally t;
    int r;

    world_new(&w);
    apart[0] = only_day(&w)->segs[0];
    apart[1] = only_day(&w)->segs[2];
    rw.tenant = w.store->tenants[0];
    rw.day = only_day(&w);
    pthread_mutex_lock(&w.store->maint);
    r = fl_store_rewrite(w.store, &rw, &retired, &res, NULL);
    pthread_mutex_unlock(&w.store->maint);
    CHECK(r == FL_E_INVAL && retired.count == 0, "segments that are no neighbours");
    CHECK(rewrite(&w, 0, 0, NULL, &retired, &res, NULL) == FL_E_INVAL, "no segment");
    CHECK(rewrite(&w, 0, 3, refuse, &retired, &res, NULL) == FL_E_IO, "the caller's own failure");
    t = tally_of(w.store, TENANT);
    CHECK(whole(&t, SEGS * ROWS) && t.parts == SEGS && files_of(&w).swap == 0 &&
              retired.count == 0 && w.keys.count >= SEGS,
          "change nothing");
    fl_retired_done(&retired);
    world_done(&w);
}

/* A query that began before goes on, until the old segments are retired. */
static void check_held(void)
{
    const struct fl_fieldset all = fl_fieldset_all();
    struct world w;
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    struct fl_parts *parts;
    struct fl_block *block = NULL;
    uint64_t read = 0;

    world_new(&w);
    if (fl_parts_open(w.store, TENANT, INT64_MIN, INT64_MAX, &parts, NULL) < 0 ||
        rewrite(&w, 0, SEGS, NULL, &retired, &res, NULL) < 0)
        abort();
    CHECK(fl_part_load(fl_parts_get(parts, 0), 0, &all, &block, &read, NULL) == 0 &&
              block->rows == ROWS,
          "an old segment is readable");
    fl_block_free(block);
    pthread_mutex_lock(&w.store->maint);
    CHECK(fl_store_retire_later(w.store, &retired, NULL) == 0 && retired.count == 0 &&
              w.store->retiring->count == SEGS,
          "later");
    clock_us += 11 * FL_US_PER_S;
    CHECK(fl_store_retire_due(w.store, NULL) == 0 && w.store->retiring->count == SEGS,
          "not while a query holds them");
    CHECK(fl_store_is_retired(w.store, w.store->retiring->seg[3].file_id) &&
              !fl_store_is_retired(w.store, only_day(&w)->segs[0]->id.file_id),
          "they are known until then");
    clock_us += 50 * FL_US_PER_S;
    CHECK(fl_store_retire_due(w.store, NULL) == 0 && w.store->retiring->count == 0 &&
              files_of(&w).seg == 1,
          "a minute is enough");
    pthread_mutex_unlock(&w.store->maint);
    CHECK(fl_part_load(fl_parts_get(parts, 1), 0, &all, &block, &read, NULL) == FL_E_NOENT,
          "then their rows are gone for it");
    CHECK(fl_part_load(fl_parts_get(parts, 0), 0, &all, &block, &read, NULL) == FL_E_NOENT,
          "also those that it had read before");
    fl_parts_free(parts);
    if (fl_store_purge(w.store, TENANT, 0, INT32_MAX, false, "purge", &(struct fl_purge_result){0},
                       NULL) < 0)
        abort();
    CHECK(files_of(&w).seg == 0, "a purge takes the new one");
    world_done(&w);
}

/* ---- crashes ---- */

enum { SNAPS_MAX = 2048 };

struct snaps {
    struct world *w, snap[SNAPS_MAX];
    bool done[SNAPS_MAX]; /* the rewrite had been acknowledged */
    unsigned count, calls;
    bool acknowledged;
};

/* Every disk that a crash before this call could leave. */
static int snap(void *ctx, struct powerfs *fs, const struct powerfs_call *call)
{
    struct snaps *s = ctx;

    (void)fs;
    if (call->op < POWERFS_CREATE)
        return POWERFS_DO;
    s->calls++;
    for (int left = 0; left <= POWERFS_LEFT_KINDS && s->count < SNAPS_MAX; left++) {
        s->done[s->count] = s->acknowledged;
        world_after(s->w, left, &s->snap[s->count++]);
    }
    return POWERFS_DO;
}

/* Whether the rewrite was done or not, no row is left half. */
static void check_crashes_of_nothing(void)
{
    struct world w, after;
    struct snaps *s = calloc(1, sizeof *s);
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    struct fl_destroyed gone = {0};
    unsigned bad = 0, none = 0;

    world_new(&w);
    if (s == NULL)
        abort();
    s->w = &w;
    powerfs_hook(w.fs, snap, s);
    if (rewrite(&w, 1, SEGS - 2, without_all, &retired, &res, NULL) < 0)
        abort();
    world_after(&w, POWERFS_LEFT_NOTHING, &after);
    CHECK(world_open(&after) == 0 && after.store->sum.replayed_rows == (SEGS - 2) * ROWS &&
              after.store->retiring->count == SEGS - 1,
          "no row left: the old ones do not count from then on, the log does");
    world_done(&after);
    s->acknowledged = true;
    if (retire(&w, &retired, &gone) < 0)
        abort();
    powerfs_hook(w.fs, NULL, NULL);
    for (unsigned i = 0; i < s->count; i++) {
        struct world *c = &s->snap[i];
        struct tally t = {0};
        uint64_t sealed = 0;
        bool ok = world_open(c) == 0;

        for (uint32_t k = 0; ok && k < only_day(c)->seg_count; k++)
            sealed += only_day(c)->segs[k]->rows;
        t = tally_of(c->store, TENANT);
        ok = ok && t.failed == 0 && whole(&t, t.rows == 2 * ROWS ? SEGS * ROWS : t.rows);
        none += c->store->retiring->count > 0;
        bad += !ok && t.rows != 2 * ROWS;
        bad += s->done[i] && sealed != 2 * ROWS && c->store->sum.replayed_rows == 0;
        world_done(c);
    }
    CHECK(bad == 0 && none > 0, "a crash when no row is left: the old ones do not count");
    free(s);
    world_done(&w);
}

static void check_crashes(bool erase)
{
    struct world w;
    struct snaps *s = calloc(1, sizeof *s);
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    struct fl_destroyed gone = {0};
    unsigned bad = 0, before = 0, after = 0, left = 0;

    world_new(&w);
    if (s == NULL)
        abort();
    s->w = &w;
    powerfs_hook(w.fs, snap, s);
    if (rewrite(&w, 1, SEGS - 2, erase ? without_user : NULL, &retired, &res, NULL) < 0)
        abort();
    s->acknowledged = true;
    if (retire(&w, &retired, &gone) < 0)
        abort();
    powerfs_hook(w.fs, NULL, NULL);
    for (unsigned i = 0; i < s->count; i++) {
        struct world *c = &s->snap[i];
        struct tally t = {0};
        bool ok = world_open(c) == 0;

        if (ok) {
            t = tally_of(c->store, TENANT);
            ok = t.failed == 0 &&
                 (erase ? t.rows == SEGS * ROWS || t.rows == KEPT + 6 : whole(&t, SEGS * ROWS));
            before += t.parts == SEGS;
            after += t.parts == 3;
            ok = ok && (t.parts == SEGS || t.parts == 3) && (t.parts == 3 || !s->done[i]) &&
                 c->store->sum.damaged == 0;
            if (erase)
                ok = ok && (t.rows == SEGS * ROWS) == (t.parts == SEGS);
            clock_us += 120 * FL_US_PER_S;
            ok = ok && fl_store_tick(c->store, NULL) == 0;
            left += files_of(c).swap + files_of(c).tmp;
            ok = ok && files_of(c).seg == t.parts;
            clock_us -= 120 * FL_US_PER_S;
            fl_store_close(c->store);
            c->store = NULL;
            if (ok && world_open(c) == 0) {
                struct tally again = tally_of(c->store, TENANT);

                ok = again.rows == t.rows && again.parts == t.parts && again.failed == 0;
            }
        }
        if (!ok)
            printf("# disk %u of %u: %llu rows in %llu parts, %u segments, done %d\n", i, s->count,
                   (unsigned long long)t.rows, (unsigned long long)t.parts, files_of(c).seg,
                   s->done[i]);
        bad += !ok;
        world_done(c);
    }
    CHECK(bad == 0 && s->calls > 12 && s->count < SNAPS_MAX,
          erase ? "no crash leaves half an erasure" : "no crash loses or doubles a row of a merge");
    CHECK(before > 0 && after > 0 && left == 0, "old or new, and nothing is left lying about");
    free(s);
    world_done(&w);
}

/* ---- failures ---- */

struct trouble {
    unsigned calls, at; /* the at-th changing call fails */
    bool lasts;         /* and all after it */
    int what;
};

static int fail(void *ctx, struct powerfs *fs, const struct powerfs_call *call)
{
    struct trouble *t = ctx;

    (void)fs;
    if (call->op < POWERFS_CREATE)
        return POWERFS_DO;
    t->calls++;
    return t->calls == t->at || (t->lasts && t->calls > t->at) ? t->what : POWERFS_DO;
}

static void check_failures(bool lasts)
{
    unsigned bad = 0, rounds = 0;
    bool reached = true;

    for (unsigned at = 1; reached; at++) {
        struct world w, after;
        struct fl_retired retired = {0};
        struct fl_rewrite_result res = {0};
        struct fl_destroyed gone = {0};
        struct trouble t = {.at = at, .lasts = lasts, .what = at % 2 == 0 ? -ENOSPC : -EIO};
        struct tally sum;
        int r;
        bool ok;

        world_new(&w);
        powerfs_hook(w.fs, fail, &t);
        r = rewrite(&w, 1, SEGS - 2, NULL, &retired, &res, NULL);
        if (r == 0)
            r = retire(&w, &retired, &gone);
        reached = t.calls >= at;
        powerfs_hook(w.fs, NULL, NULL);
        sum = tally_of(w.store, TENANT);
        ok =
            whole(&sum, SEGS * ROWS) && (reached ? r < 0 || w.store->retiring->count == 0 : r == 0);
        world_after(&w, POWERFS_LEFT_ALL, &after); /* the power goes now */
        ok = ok && world_open(&after) == 0;
        sum = tally_of(after.store, TENANT);
        ok = ok && whole(&sum, SEGS * ROWS);
        clock_us += 120 * FL_US_PER_S;
        ok = ok && fl_store_tick(w.store, NULL) == 0;
        if (lasts) { /* what could not be taken back is, at the next start */
            fl_store_close(w.store);
            ok = ok && world_open(&w) == 0 && fl_store_tick(w.store, NULL) == 0;
        }
        sum = tally_of(w.store, TENANT);
        ok = ok && whole(&sum, SEGS * ROWS) && files_of(&w).seg == sum.parts &&
             files_of(&w).swap + files_of(&w).tmp == 0;
        if (!ok)
            printf("# call %u failed: %d, %llu rows in %llu parts\n", at, r,
                   (unsigned long long)sum.rows, (unsigned long long)sum.parts);
        bad += !ok;
        rounds++;
        fl_retired_done(&retired);
        world_done(&after);
        world_done(&w);
    }
    CHECK(bad == 0 && rounds > 12,
          lasts ? "a disk that fails from some call on" : "one failing call, any of them");
}

static void check_keys_away(void)
{
    struct world w;
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    struct fl_destroyed gone = {0};
    struct tally t;

    world_new(&w);
    w.keys.fail = 1;
    CHECK(rewrite(&w, 0, SEGS, NULL, &retired, &res, NULL) == FL_E_IO && retired.count == 0,
          "no key, no new segment");
    t = tally_of(w.store, TENANT);
    CHECK(whole(&t, SEGS * ROWS) && t.parts == SEGS && files_of(&w).swap == 0, "all as it was");
    CHECK(rewrite(&w, 0, SEGS, NULL, &retired, &res, NULL) == 0 && retire(&w, &retired, &gone) == 0,
          "then it works");
    t = tally_of(w.store, TENANT);
    CHECK(whole(&t, SEGS * ROWS) && t.parts == 1, "all rows in one");
    world_done(&w);
}

/* ---- damage ---- */

struct first_seg {
    char path[128];
    uint64_t bytes;
};

static void find_seg(void *ctx, const char *path, uint64_t bytes)
{
    struct first_seg *f = ctx;
    size_t n = strlen(path);

    if (f->path[0] != '\0' || n < 5 || strcmp(path + n - 4, ".seg") != 0)
        return;
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    f->bytes = bytes;
}

struct losses {
    uint32_t count, seg, block, rows;
    int give;
};

static int note_loss(void *ctx, uint32_t seg, uint32_t block, uint32_t rows,
                     const struct fl_err *why)
{
    struct losses *l = ctx;

    l->count++;
    l->seg = seg;
    l->block = block;
    l->rows = rows;
    return why->code == FL_E_CORRUPT ? l->give : FL_E_IO;
}

static void check_damage(void)
{
    struct world w;
    struct first_seg f = {.path = ""};
    struct losses lost = {.give = -1};
    struct fl_retired retired = {0};
    struct fl_rewrite_result res = {0};
    struct fl_rewrite rw = {.old_count = SEGS, .lost = note_loss, .ctx = &lost};
    uint64_t first;
    int r[3];

    world_new(&w);
    rw.tenant = w.store->tenants[0];
    rw.day = only_day(&w);
    rw.old = only_day(&w)->segs;
    powerfs_each(w.fs, find_seg, &f);
    if (powerfs_damage(w.fs, f.path, 70, 1) < 0)
        abort();
    CHECK(rewrite(&w, 0, SEGS, NULL, &retired, &res, NULL) == FL_E_CORRUPT,
          "a damaged block ends a rewrite");
    pthread_mutex_lock(&w.store->maint);
    r[0] = fl_store_rewrite(w.store, &rw, &retired, &res, NULL);
    lost.give = 0;
    first = only_day(&w)->segs[0]->first_seq;
    r[1] = fl_store_rewrite(w.store, &rw, &retired, &res, NULL);
    pthread_mutex_unlock(&w.store->maint);
    CHECK(r[0] == FL_E_CORRUPT && r[1] == 0 && lost.count == 2 && lost.block == 0 &&
              lost.rows == ROWS,
          "unless it may be left behind");
    CHECK(res.lost_blocks == 1 && res.rows_lost == ROWS && res.rows_out == (SEGS - 1) * ROWS &&
              only_day(&w)->seg_count == 1 && only_day(&w)->segs[0]->first_seq == first &&
              tally_of(w.store, TENANT).rows == (SEGS - 1) * ROWS,
          "the rest is there");
    fl_retired_done(&retired);
    world_done(&w);
}

/* ---- gathering ---- */

static void check_gather(void)
{
    struct fl_pick *g;
    struct fl_arena arena;
    struct fl_block *in[3], *out[8];
    struct rnd r = {7};
    uint32_t rows[3] = {40000, 40000, 9}, made = 0, next = 0;
    uint8_t keep[FL_BLOCK_MAX_ROWS / 8];
    struct fl_event ev = {.arena = NULL}, want = {.arena = NULL};
    bool ok = fl_pick_new(&g, NULL) == 0;

    fl_arena_init(&arena, 64 << 20);
    for (uint32_t i = 0, seq = 1; i < 3; i++) {
        if (fl_block_new(&in[i], NULL) < 0)
            abort();
        for (uint32_t k = 0; k < rows[i]; k++) {
            any_event(&r, seq++, &arena, &ev);
            if (fl_block_add(in[i], &ev, NULL) < 0)
                abort();
            if (k % 1024 == 0)
                fl_arena_clear(&arena);
        }
    }
    for (uint32_t i = 0; i < 3; i++) { /* every third row goes */
        memset(keep, 0, sizeof keep);
        for (uint32_t k = 0; k < rows[i]; k++)
            keep[k / 8] = (uint8_t)(keep[k / 8] | (k % 3 != 0) << (k % 8));
        for (uint32_t at = 0; ok && at < in[i]->rows;) {
            ok = fl_pick_add(g, in[i], i == 1 ? NULL : keep, &at, NULL) == 0;
            if (at < in[i]->rows)
                out[made++] = fl_pick_take(g);
        }
    }
    out[made++] = fl_pick_take(g);
    CHECK(ok && made == 2 && out[0]->rows == FL_BLOCK_MAX_ROWS && fl_pick_rows(g) == 0,
          "blocks are filled");
    for (uint32_t i = 0, row = 0, b = 0; i < 3; i++) {
        for (uint32_t k = 0; k < rows[i]; k++) {
            if (i != 1 && k % 3 == 0)
                continue;
            if (row == out[b]->rows) {
                row = 0;
                b++;
            }
            fl_block_row(in[i], k, &want);
            fl_block_row(out[b], row++, &ev);
            ok = ok && same_event(&want, &ev);
            next++;
        }
    }
    CHECK(ok && next == out[0]->rows + out[1]->rows, "with the rows that were picked, in order");
    for (uint32_t i = 0; i < 3; i++)
        fl_block_free(in[i]);
    for (uint32_t i = 0; i < made; i++)
        fl_block_free(out[i]);
    fl_pick_free(g);
    fl_arena_done(&arena);
}

/* ---- the file ---- */

static void check_swap_bytes(void)
{
    static struct fl_swap in, out;
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    char name[FL_SWAP_NAME_BYTES];
    bool ok = true;

    fl_buf_init(&buf, FL_SWAP_MAX_BYTES);
    in = (struct fl_swap){.tenant = 7, .day = -3, .nothing = true, .count = FL_SWAP_OLD_MAX};
    memset(in.id, 0xab, sizeof in.id);
    for (uint32_t i = 0; i < in.count; i++)
        memset(in.old[i], (int)i, sizeof in.old[i]);
    fl_swap_encode(&in, &buf);
    CHECK(buf.failed == 0 && buf.len == FL_SWAP_MAX_BYTES &&
              fl_swap_decode(fl_buf_span(&buf), &out, NULL) == 0 &&
              memcmp(&in, &out, sizeof in) == 0,
          "a .swap file is read as it was written");
    for (size_t i = 0; i < buf.len; i += i < 60 ? 1 : 997) {
        buf.ptr[i] ^= 0x20;
        ok = ok && fl_swap_decode(fl_buf_span(&buf), &out, NULL) < 0;
        buf.ptr[i] ^= 0x20;
        ok = ok && fl_swap_decode(fl_span_of(buf.ptr, i), &out, NULL) < 0;
    }
    CHECK(ok, "a damaged or a short one is not");
    fl_swap_name(in.id, name);
    CHECK(strcmp(name, "abababababababababababababababab.swap") == 0, "its name");
}

int main(void)
{
    check_merge();
    check_erase();
    check_no_swap();
    check_large();
    check_refused();
    check_held();
    check_crashes(false);
    check_crashes(true);
    check_crashes_of_nothing();
    check_failures(false);
    check_failures(true);
    check_keys_away();
    check_damage();
    check_gather();
    check_swap_bytes();
    return tap_done();
}
