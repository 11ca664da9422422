/* verify and repair: what is damaged is found, named, left behind; nothing else changes. */
#include "house.h"
#include "logs/store_job.h"
#include "logs/store_rewrite.h"
#include "tap.h"

enum { A = 1, B = 2, ROWS = 40 };
#define DAY FL_US_PER_DAY

static struct lines out;

static int run(struct house *h, enum fl_job_kind kind, uint32_t tenant, bool dry)
{
    const struct fl_query_sink sink = {lines_write, lines_cancelled, &out};
    struct fl_job_ask ask = {
        .kind = kind, .tenant = tenant, .from_day = INT32_MIN, .to_day = INT32_MAX, .dry = dry};
    struct fl_err err = {0};
    int r;

    out.len = 0;
    out.count = 0;
    out.text[0] = '\0';
    r = fl_store_job(h->store, &ask, &sink, &err);
    if (r < 0)
        printf("# %s\n", err.text);
    return r;
}

static bool says(const char *what)
{
    return strstr(out.text, what) != NULL;
}

static void fill(struct house *h)
{
    house_begin(h);
    h->store->merge_mono_us = INT64_MAX;
    house_rule(h, A, 30, 0);
    house_rule(h, B, 30, 0);
    for (int i = 0; i < 4; i++) {
        house_fill(h, A, ROWS, true);
        house_fill(h, B, ROWS, true);
    }
}

static struct fl_store_seg *seg_of(struct house *h, uint32_t tenant, uint32_t no)
{
    return fl_store_find(h->store, tenant)->days[0]->segs[no];
}

static void path_of(const struct fl_store_seg *seg, char path[160])
{
    char name[FL_SEGMENT_NAME_BYTES], dir[FL_STORE_PATH_BYTES];

    fl_segment_name(seg->id.file_id, name);
    fl_store_path(seg->slug, seg->id.day, dir);
    (void)snprintf(path, 160, "%.110s/%.40s", dir, name);
}

/* A byte of the place of something in a segment. */
static void hit(struct house *h, const struct fl_store_seg *seg, uint64_t at)
{
    char path[160];

    path_of(seg, path);
    if (powerfs_damage(h->fs, path, at, 0x10) < 0)
        abort();
}

static struct fl_segment *open_seg(struct house *h, struct fl_store_seg *seg)
{
    struct fl_segment *open = NULL;
    char dir[FL_STORE_PATH_BYTES];
    int fd;

    fl_store_path(seg->slug, seg->id.day, dir);
    if (fl_files_open(&h->files, h->conf.dir_fd, dir, FL_FILE_FOLDER, &fd, NULL) < 0 ||
        fl_segment_open(&h->files, fd, &seg->id, seg->key, &open, NULL) < 0)
        abort();
    fl_files_close(&h->files, fd);
    return open;
}

static void check_sound(void)
{
    struct house h;

    house_wal_bytes = 4000;
    fill(&h);
    house_wal_bytes = 0;
    house_fill(&h, A, 7, false);
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"ok\":true") && says("\"segments\":8") &&
              says("\"rows\":320") && says("\"blocks\":8") && !says("finding") &&
              says("\"log_files\":") && says("\"baselines\":2") && !says("\"keys_without_file\":0"),
          "a store that is sound, with keys of log files that are gone");
    CHECK(says("{\"progress\":{\"done\":0,\"total\":8,\"unit\":\"segments\","
               "\"at\":\"tenant1/2025-06-15\"}}"),
          "progress is told");
    CHECK(run(&h, FL_JOB_VERIFY, B, false) == 0 && says("\"segments\":4"), "one tenant");
    out.cancel_after = 1;
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"cancelled\":true"), "cancelled");
    out.cancel_after = 0;
    CHECK(run(&h, FL_JOB_REPAIR, 0, false) == 0 && says("\"to_repair\":0") &&
              tally_of(h.store, A).rows == 167 && h.events == 0,
          "there is nothing to repair");
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"ok\":true") &&
              says("\"keys_without_file\":0"),
          "keys of log files that are gone went, others did not");
    house_reopen(&h);
    CHECK(tally_of(h.store, A).rows == 167 && tally_of(h.store, A).failed == 0,
          "rows that only the log has are still there");
    house_end(&h);
}

static void check_block(void)
{
    struct house h;
    struct fl_segment *open;
    struct fl_store_seg *seg;
    char name[FL_SEGMENT_NAME_BYTES];
    struct tally t;

    fill(&h);
    seg = seg_of(&h, A, 1);
    fl_segment_name(seg->id.file_id, name);
    open = open_seg(&h, seg);
    hit(&h, seg, 64 + 5); /* the first chunk */
    fl_segment_close(open);
    t = tally_of(h.store, A);
    CHECK(t.rows == 3 * ROWS && t.failed == 1, "a damaged block is lost alone, the rest is served");
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"ok\":false") &&
              says("\"damaged_blocks\":1") && says("\"lost_rows\":40") &&
              says("\"damaged_segments\":1"),
          "it is found");
    CHECK(says("\"kind\":\"damaged_block\",\"tenant\":\"tenant1\",\"day\":\"2025-06-15\"") &&
              says(name) && says("\"block\":0") &&
              says("\"rows\":40,\"first_row\":41,"
                   "\"last_row\":80") &&
              says("\"column\":\""),
          "with tenant, day, file, block, column and rows");
    CHECK(events_named(&h, "store.damage") == 1 && seg_of(&h, A, 1) == seg, "told, not touched");
    CHECK(run(&h, FL_JOB_REPAIR, 0, true) == 0 && says("\"dry_run\":true") &&
              says("\"to_repair\":1") && says("\"segments_rewritten\":0") &&
              seg_of(&h, A, 1) == seg,
          "a dry run says what it would do");
    CHECK(run(&h, FL_JOB_REPAIR, 0, false) == 0 && says("\"segments_rewritten\":1") &&
              says("\"rows_left_behind\":40") && says("\"kind\":\"left_behind\"") &&
              events_named(&h, "store.repair") == 1,
          "repair leaves it behind, and says so");
    t = tally_of(h.store, A);
    CHECK(t.rows == 3 * ROWS && t.failed == 0 && tally_of(h.store, B).rows == 4 * ROWS,
          "what opens is as it was");
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"ok\":true") && !says("finding"),
          "then all is sound");
    house_reopen(&h);
    t = tally_of(h.store, A);
    CHECK(whole(&t, 4 * ROWS), "a start finds the lost rows in the log, where it still has them");
    house_end(&h);
}

/* What kill -9 would leave: disk and keys as they are now. */
static void kill_house(struct house *h)
{
    struct powerfs *after = powerfs_copy(h->fs);
    struct memkeys keys = h->keys;

    keys.all = malloc(keys.count * sizeof *keys.all);
    if (keys.all == NULL)
        abort();
    memcpy(keys.all, h->keys.all, keys.count * sizeof *keys.all);
    keys.cap = keys.count;
    fl_store_close(h->store);
    powerfs_free(h->fs);
    free(h->keys.all);
    h->fs = after;
    h->keys = keys;
    h->files = *powerfs_files(h->fs);
    h->files.space = house_free;
    h->conf.dir_fd = powerfs_root(h->fs);
    house_open(h);
}

/* A segment in the midst is left behind, rows behind it are in the log only: both come back. */
static void check_hole(void)
{
    struct house h;
    struct tally t;

    fill(&h);
    hit(&h, seg_of(&h, A, 1), 70);
    CHECK(run(&h, FL_JOB_REPAIR, 0, false) == 0 && says("\"rows_left_behind\":40"), "a hole");
    pass(DAY);
    CHECK(run(&h, FL_JOB_MERGE, A, false) == 0 && says("\"merges\":1") &&
              fl_store_find(h.store, A)->days[0]->seg_count == 2,
          "merging does not close it: nothing answers for those numbers");
    pass(-DAY);
    house_fill(&h, A, 30, false);
    kill_house(&h);
    t = tally_of(h.store, A);
    CHECK(whole(&t, 4 * ROWS + 30), "a log is replayed into the hole and behind it");
    house_reopen(&h);
    t = tally_of(h.store, A);
    CHECK(whole(&t, 4 * ROWS + 30) && run(&h, FL_JOB_VERIFY, 0, false) == 0 &&
              says("\"ok\":true") && !says("finding"),
          "and stays so");
    house_end(&h);
}

/* Sums are stored of larger segments; they, too, are read. */
static void check_sums(void)
{
    struct house h;
    struct fl_store_seg *seg;
    struct fl_segment *open;
    struct fl_segment_place at = {0, 0, 0};

    house_begin(&h);
    h.store->merge_mono_us = INT64_MAX;
    house_rule(&h, A, 30, 0);
    house_fill(&h, A, 4000, true);
    seg = seg_of(&h, A, 0);
    open = open_seg(&h, seg);
    for (unsigned d = 0; d < FL_ROLLUP_DIMS; d++)
        for (unsigned t = 0; t < FL_ROLLUP_TIERS; t++)
            if (fl_segment_foot(open)->rollup[d][t].bytes != 0)
                at = fl_segment_foot(open)->rollup[d][t];
    fl_segment_close(open);
    CHECK(at.bytes > 0, "sums are stored");
    hit(&h, seg, at.offset + 3);
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"kind\":\"damaged_sums\"") &&
              says("\"lost_rows\":0") && says("\"damaged_sums\":1") && says("\"ok\":false"),
          "damaged ones are found");
    CHECK(run(&h, FL_JOB_REPAIR, 0, false) == 0 && says("\"segments_rewritten\":1") &&
              says("\"rows_left_behind\":0") && says("\"rows_kept\":4000") &&
              run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"ok\":true"),
          "and made anew from the rows");
    house_end(&h);
}

/* A segment that opens, and whose rows are in the wrong order: some program wrote it so. */
static void check_order(void)
{
    struct house h;
    struct fl_segment_id id = {.tenant = A};
    const struct fl_segment_plan plan = {.now_us = HOUSE_NOW_US};
    unsigned char key[FL_KEY_BYTES];
    struct fl_block *block;
    struct fl_event ev = {.arena = NULL};
    char text[3][48], dir[FL_STORE_PATH_BYTES];
    uint64_t bytes;
    int fd;

    fill(&h);
    id.day = fl_day_of(wall_us);
    fl_store_path("tenant1", id.day, dir);
    if (fl_block_new(&block, NULL) < 0 ||
        fl_files_open(&h.files, h.conf.dir_fd, dir, FL_FILE_FOLDER, &fd, NULL) < 0)
        abort();
    for (uint64_t i = 0; i < 5; i++) {
        plain_event(200 + i, wall_us, &ev, text);
        fl_event_num(&ev, FL_F_SEQ, i == 3 ? 201 : 200 + i + (i > 0)); /* 200 202 203 201 205 */
        if (fl_block_add(block, &ev, NULL) < 0)
            abort();
    }
    if (fl_segment_write_as(&h.files, fd, &h.keys.base, &id, &block, 1, &plan, &bytes, key, NULL) <
        0)
        abort();
    fl_block_free(block);
    fl_files_close(&h.files, fd);
    house_reopen(&h);
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"kind\":\"wrong_block\"") &&
              says("out of order") && says("\"ok\":false") && says("\"lost_rows\":0"),
          "a segment whose rows are out of order");
    house_end(&h);
}

static void check_foot(void)
{
    struct house h;
    struct tally t;

    fill(&h);
    hit(&h, seg_of(&h, B, 3), seg_of(&h, B, 3)->bytes - 60); /* in the footer */
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"kind\":\"damaged_segment\"") &&
              says("\"lost_rows\":40"),
          "a damaged footer loses the segment");
    house_reopen(&h);
    h.store->merge_mono_us = INT64_MAX;
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"kind\":\"left_over_file\"") &&
              says("it did not open when the store began") && says("\"files_left_over\":1"),
          "after a start it is a file that the store does not know");
    CHECK(run(&h, FL_JOB_REPAIR, A, false) == 0 && says("\"files_removed\":0"),
          "another tenant's is not touched");
    CHECK(run(&h, FL_JOB_REPAIR, 0, false) == 0 && says("\"files_removed\":1"), "it goes");
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && !says("finding"), "and is gone");
    t = tally_of(h.store, B);
    CHECK(whole(&t, 4 * ROWS) && t.parts == 4, "the rows came back from the log at the start");
    house_end(&h);
}

static void check_missing(void)
{
    struct house h;
    struct fl_store_seg *seg;
    struct fl_destroyed gone;
    char path[160], *slash;
    int fd;

    fill(&h);
    path_of(seg_of(&h, A, 0), path);
    slash = strrchr(path, '/');
    *slash = '\0';
    if (fl_files_open(&h.files, h.conf.dir_fd, path, FL_FILE_FOLDER, &fd, NULL) < 0 ||
        fl_files_unlink(&h.files, fd, slash + 1, false, NULL) < 0)
        abort();
    fl_files_close(&h.files, fd);
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"kind\":\"missing_file\"") &&
              says("\"files_missing\":1") && says("\"ok\":false"),
          "a file that somebody took away");
    seg = seg_of(&h, A, 2);
    if (h.keys.base.ops->destroy(&h.keys.base, A, seg->id.day, seg->id.file_id, "test", &gone,
                                 NULL) < 0)
        abort();
    CHECK(run(&h, FL_JOB_REPAIR, 0, false) == 0 && says("\"segments_rewritten\":2") &&
              says("\"block\":\"all\"") && tally_of(h.store, A).failed == 0,
          "and a segment whose key is gone: both are left behind");
    house_reopen(&h);
    CHECK(tally_of(h.store, A).rows >= 2 * ROWS && tally_of(h.store, A).failed == 0 &&
              run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"ok\":true"),
          "all is sound then");
    house_end(&h);
}

/* Every chunk of a segment, hit in turn: verify never passes over one. */
static void check_every_byte(void)
{
    struct house h;
    uint64_t bytes;
    unsigned found = 0, tried = 0;

    fill(&h);
    bytes = seg_of(&h, A, 0)->bytes;
    for (uint64_t at = 64; at < bytes; at += 29) {
        hit(&h, seg_of(&h, A, 0), at);
        tried++;
        found += run(&h, FL_JOB_VERIFY, A, false) == 0 && says("\"ok\":false") && says("finding");
        hit(&h, seg_of(&h, A, 0), at); /* and back */
    }
    CHECK(tried > 20 && found == tried, "a flipped bit anywhere is found");
    CHECK(run(&h, FL_JOB_VERIFY, A, false) == 0 && says("\"ok\":true"), "and nothing else");
    house_end(&h);
}

struct wal_path {
    char path[128];
    uint64_t bytes;
};

static void find_wal(void *ctx, const char *path, uint64_t bytes)
{
    struct wal_path *w = ctx;
    size_t n = strlen(path);

    if (n > 4 && strcmp(path + n - 4, ".wal") == 0) {
        (void)snprintf(w->path, sizeof w->path, "%s", path);
        w->bytes = bytes;
    }
}

static void check_log(void)
{
    struct house h;
    struct wal_path w = {.path = ""};

    fill(&h);
    house_fill(&h, A, 9, false);
    house_fill(&h, A, 9, false);
    powerfs_each(h.fs, find_wal, &w);
    if (powerfs_damage(h.fs, w.path, 120, 1) < 0)
        abort();
    CHECK(run(&h, FL_JOB_VERIFY, 0, false) == 0 && says("\"kind\":\"damaged_log\"") &&
              says("\"damaged_logs\":1"),
          "a damaged group of the log");
    CHECK(run(&h, FL_JOB_REPAIR, 0, false) == 0 && tally_of(h.store, A).rows == 4 * ROWS + 18,
          "repair keeps the rows, which are in memory");
    house_end(&h);
}

static int fails(void *ctx, struct powerfs *fs, const struct powerfs_call *call)
{
    unsigned *left = ctx;

    (void)fs;
    return call->op >= POWERFS_CREATE && (*left)-- == 1 ? -5 : POWERFS_DO;
}

static void check_repair_fails(void)
{
    unsigned bad = 0, rounds = 0;

    for (unsigned at = 1; at < 40; at++) {
        struct house h;
        unsigned left = at;
        struct tally t;
        int r;

        fill(&h);
        hit(&h, seg_of(&h, A, 1), 70);
        powerfs_hook(h.fs, fails, &left);
        r = run(&h, FL_JOB_REPAIR, 0, false);
        powerfs_hook(h.fs, NULL, NULL);
        if (left > 0 && left <= at) { /* it was not reached */
            house_end(&h);
            break;
        }
        rounds++;
        bad += tally_of(h.store, A).rows != 3 * ROWS || tally_of(h.store, B).rows != 4 * ROWS;
        r = run(&h, FL_JOB_REPAIR, 0, false);
        bad += r < 0 || tally_of(h.store, A).failed != 0 || tally_of(h.store, A).rows != 3 * ROWS;
        house_reopen(&h);
        t = tally_of(h.store, A);
        bad += !whole(&t, 4 * ROWS) || tally_of(h.store, B).rows != 4 * ROWS; /* of the log */
        house_end(&h);
    }
    CHECK(bad == 0 && rounds > 8, "a repair that fails at any call loses nothing more");
}

int main(void)
{
    check_sound();
    check_block();
    check_hole();
    check_sums();
    check_order();
    check_foot();
    check_missing();
    check_every_byte();
    check_log();
    check_repair_fails();
    return tap_done();
}
