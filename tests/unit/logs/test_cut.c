/* A segment written again without few of its rows: blocks, columns and sums are those of the rows
 * that stay, which are put together one by one here. */
#include <inttypes.h>

#include "logs/column.h"
#include "logs/pick.h"
#include "logs/segment.h"
#include "logs/store_rewrite_cut.h"
#include "random_rows.h"
#include "remove_tree.h"
#include "store_help.h"
#include "tap.h"

#if defined(__SANITIZE_THREAD__)
enum { ROUNDS = 4 }; /* one thread: all are run without it */
#else
enum { ROUNDS = 16 };
#endif
enum { BLOCKS_MAX = 4 };
#define START_US (INT64_C(1750000000) * FL_US_PER_S)

static const uint32_t sizes[] = {300, 9000, 5000, 70, 12000, 4096};

struct world {
    char path[64];
    int dir;
    struct memkeys keys;
    struct fl_block *block[BLOCKS_MAX], *left[BLOCKS_MAX]; /* before; what must be left */
    uint8_t keep[BLOCKS_MAX][FL_BLOCK_MAX_ROWS / 8];
    uint32_t blocks, lefts, gone, asked;
    bool lies; /* say that sums have other rows than they do */
};

/* ---- rows ---- */

/* Few sites, applications and users, so that sums are worth it; a person of whom every row goes, in
 * some rounds, and an application that only some that go have. */
static void put_sums(struct chance *c, struct random_row *row, bool goes, unsigned round)
{
    static const enum fl_field sums[] = {FL_F_SESSIONS, FL_F_BYTES_UP, FL_F_BYTES_DOWN,
                                         FL_F_PACKETS, FL_F_SECONDS};

    fl_event_time(&row->ev, FL_F_TIME, START_US + chance_below(c, 3000) * FL_US_PER_S);
    (void)snprintf(row->text[FL_F_SITE], RANDOM_TEXT, "site-%u", (unsigned)chance_below(c, 2));
    if (chance_below(c, 9) != 0)
        fl_event_str(&row->ev, FL_F_SITE, fl_span_str(row->text[FL_F_SITE]));
    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++) {
        enum fl_field f = fl_rollup_dim_field[d];

        (void)snprintf(row->text[f], RANDOM_TEXT, "%zu-%u", d,
                       (unsigned)chance_below(c, d == FL_BY_USER ? 12 : 4));
        if (goes && chance_below(c, 2) == 0)
            (void)snprintf(row->text[f], RANDOM_TEXT, d == FL_BY_USER ? "person" : "only-gone");
        else if (d == FL_BY_USER && round % 2 == 0 && chance_below(c, 500) == 0)
            (void)snprintf(row->text[f], RANDOM_TEXT, "person");
        if (chance_below(c, 12) != 0)
            fl_event_str(&row->ev, f, fl_span_str(row->text[f]));
    }
    for (size_t i = 0; i < FL_LEN(sums); i++)
        if (chance_below(c, 4) != 0)
            fl_event_num(&row->ev, sums[i], chance_below(c, 100000));
}

/* Which rows go: none, one in so many, the first and the last, a run, all. */
static bool goes_at(struct chance *c, unsigned how, uint32_t row, uint32_t rows)
{
    switch (how) {
    case 0:
        return false;
    case 1:
        return chance_below(c, 400) == 0;
    case 2:
        return row == 0 || row + 1 == rows;
    case 3:
        return row >= rows / 3 && row < rows / 3 + 41;
    case 4:
        return rows < 1000; /* all */
    default:
        return chance_below(c, 40) == 0;
    }
}

static void add(struct fl_block **block, const struct fl_event *ev)
{
    if ((*block == NULL && fl_block_new(block, NULL) < 0) || fl_block_add(*block, ev, NULL) < 0)
        abort();
}

static void make_rows(struct world *w, unsigned round)
{
    static struct random_row row;
    struct chance c = {round * 7919 + 11};
    struct random_mix mix;
    uint64_t seq = 1;

    w->blocks = 1 + round % BLOCKS_MAX;
    w->lefts = w->gone = 0;
    random_mix(&c, START_US, &mix);
    for (uint32_t b = 0; b < w->blocks; b++) {
        uint32_t rows = sizes[(round + b) % FL_LEN(sizes)];
        unsigned how = (round / 2 + b) % 6;

        w->block[b] = w->left[b] = NULL;
        memset(w->keep[b], 0xff, sizeof w->keep[b]);
        for (uint32_t i = 0; i < rows; i++) {
            bool goes = goes_at(&c, how, i, rows) && (w->blocks > 1 || i > 0);

            random_row(&c, &mix, &row);
            fl_event_num(&row.ev, FL_F_SEQ, seq++);
            put_sums(&c, &row, goes, round);
            add(&w->block[b], &row.ev);
            if (goes)
                w->keep[b][i / 8] = (uint8_t)(w->keep[b][i / 8] & ~(1u << (i % 8)));
            else
                add(&w->left[w->lefts], &row.ev);
            w->gone += goes;
        }
        w->lefts += w->left[w->lefts] != NULL;
        if (w->lefts < BLOCKS_MAX)
            w->left[w->lefts] = NULL;
    }
}

static void free_rows(struct world *w)
{
    for (uint32_t b = 0; b < w->blocks; b++)
        fl_block_free(w->block[b]);
    for (uint32_t b = 0; b < w->lefts; b++)
        fl_block_free(w->left[b]);
}

/* ---- without them ---- */

static void known(void *ctx, uint32_t block, uint32_t rows, uint8_t *keep)
{
    struct world *w = ctx;

    memcpy(keep, w->keep[block], (rows + 7) / 8);
}

static int keep(void *ctx, const struct fl_block *block, uint8_t *bits, struct fl_err *err)
{
    struct world *w = ctx;

    (void)err;
    w->asked++;
    if (w->lies) /* as if sums and rows were not of one segment */
        for (uint32_t i = 0; i < block->rows; i++)
            block->col[FL_F_TIME].num[i] += 90 * FL_US_PER_DAY;
    return fl_pick_count(bits, block->rows) < block->rows ? 0 : FL_E_INVAL;
}

/* All blocks as they are in w->block, then without the rows that go. */
static int write_both(struct world *w, struct fl_segment **ret, struct fl_err *err)
{
    const struct fl_rewrite rw = {.known = known, .keep = keep, .ctx = w, .old_count = 1};
    struct fl_segment_plan plan = {.now_us = 1};
    struct fl_segment_id id = {.tenant = 3, .day = 20000}, cut_id = id;
    unsigned char key[FL_KEY_BYTES], cut_key[FL_KEY_BYTES];
    struct fl_segment *seg = NULL;
    struct fl_cutter *cutter = NULL;
    uint64_t bytes;
    int r = fl_segment_write_as(&fl_files_system, w->dir, &w->keys.base, &id, w->block, w->blocks,
                                &plan, &bytes, key, err);

    if (r >= 0)
        r = fl_segment_open(&fl_files_system, w->dir, &id, key, &seg, err);
    if (r >= 0)
        r = fl_cutter_new(seg, &rw, &cutter, err);
    if (r < 0)
        return r;
    plan.first_seq = 1;
    plan.last_seq = fl_segment_foot(seg)->last_seq;
    fl_cutter_plan(cutter, &plan);
    w->asked = 0;
    r = fl_segment_write_as(&fl_files_system, w->dir, &w->keys.base, &cut_id, NULL, w->blocks,
                            &plan, &bytes, cut_key, err);
    fl_cutter_free(cutter);
    if (r >= 0)
        r = fl_segment_open(&fl_files_system, w->dir, &cut_id, cut_key, ret, err);
    return r;
}

/* ---- what is in it ---- */

static bool same_blooms(struct fl_segment *seg, uint32_t no, const struct fl_block *want)
{
    FL_AUTO(fl_buf_done) struct fl_buf blooms;
    struct fl_span got = {NULL, 0};

    fl_buf_init(&blooms, 1 << 24);
    fl_bloom_encode(want, &blooms);
    return fl_segment_blooms(seg, no, &got, NULL) == (blooms.len > 0 ? 0 : FL_E_NOENT) &&
           fl_span_eq(got, fl_buf_span(&blooms));
}

static bool same_rows(struct fl_segment *seg, uint32_t no, const struct fl_block *want)
{
    const struct fl_fieldset all = fl_fieldset_all();
    struct fl_block *got = NULL;
    uint64_t read = 0;
    bool ok = fl_segment_load(seg, no, &all, &got, &read, NULL) == 0 && got->rows == want->rows;

    for (uint32_t i = 0; ok && i < want->rows; i++) {
        struct fl_event x, y;

        fl_block_row(want, i, &x);
        fl_block_row(got, i, &y);
        ok = same_event(&x, &y);
    }
    for (size_t f = 0; ok && f < FL_FIELD_COUNT; f++) /* no word but theirs; the ranges fit */
        ok = got->col[f].present == want->col[f].present &&
             (got->col[f].present == 0 || !fl_field_is_str((enum fl_field)f) ||
              got->col[f].word_count == want->col[f].word_count);
    fl_block_free(got);
    return ok && same_blooms(seg, no, want);
}

static uint64_t mix_bytes(uint64_t h, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001b3);
    return (h ^ len) * UINT64_C(0x9e3779b97f4a7c15);
}

/* The same for the same entries in any order, whatever the codes of words. */
static uint64_t hash_sums(const struct fl_rollup *r)
{
    uint64_t all = r->count + r->site_count * UINT64_C(1000003) + r->key_count * UINT64_C(7919);

    for (size_t i = 0; i < r->count; i++) {
        const struct fl_rollup_entry *e = &r->entries[i];
        const uint64_t v[] = {(uint64_t)e->bucket_us,
                              e->rows,
                              e->sessions,
                              e->bytes_up,
                              e->bytes_down,
                              e->packets,
                              e->seconds,
                              e->site != 0,
                              e->key != 0};
        uint64_t h = mix_bytes(1, v, sizeof v);

        h = mix_bytes(h, r->sites[e->site].ptr, r->sites[e->site].len);
        all += mix_bytes(h, r->keys[e->key].ptr, r->keys[e->key].len);
    }
    return all;
}

static uint64_t hash_users(const struct fl_rollup_users *u)
{
    uint64_t all = u->count;

    for (size_t i = 0; i < u->count; i++) {
        struct fl_span site = u->sites[u->pairs[i].site], key = u->keys[u->pairs[i].key];
        struct fl_span user = u->users[u->pairs[i].user];

        all += mix_bytes(mix_bytes(mix_bytes(1, site.ptr, site.len), key.ptr, key.len), user.ptr,
                         user.len);
    }
    return all;
}

/* Is there a name that no pair has any more? */
static bool has_idle_user(const struct fl_rollup_users *u)
{
    bool idle = false;

    for (uint32_t n = 1; n < u->user_count && !idle; n++) {
        size_t i = 0;

        while (i < u->count && u->pairs[i].user != n)
            i++;
        idle = i == u->count;
    }
    return idle;
}

struct sums {
    unsigned stored, wrong, users, users_wrong;
};

static void check_sums(struct world *w, struct fl_segment *seg, struct sums *s)
{
    const struct fl_segment_foot *foot = fl_segment_foot(seg);
    uint64_t read = 0;

    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++) {
        struct fl_rollup_users *users = NULL, *all_users = NULL;

        for (size_t t = 0; t < FL_ROLLUP_TIERS; t++) {
            struct fl_rollup *got = NULL, *want = NULL;

            if (foot->rollup[d][t].bytes == 0)
                continue;
            s->stored++;
            s->wrong += fl_segment_rollup(seg, (enum fl_rollup_dim)d, (enum fl_rollup_tier)t, &got,
                                          &read, NULL) < 0 ||
                        fl_rollup_build(w->left, w->lefts, (enum fl_rollup_dim)d,
                                        (enum fl_rollup_tier)t, &want, NULL) < 0 ||
                        hash_sums(got) != hash_sums(want);
            fl_rollup_free(got);
            fl_rollup_free(want);
        }
        if (foot->users[d].bytes == 0)
            continue;
        s->users++;
        s->users_wrong +=
            fl_segment_rollup_users(seg, (enum fl_rollup_dim)d, &users, &read, NULL) < 0 ||
            fl_rollup_users_build(w->left, w->lefts, (enum fl_rollup_dim)d, &all_users, NULL) < 0 ||
            hash_users(users) != hash_users(all_users) || has_idle_user(users);
        fl_rollup_users_free(users);
        fl_rollup_users_free(all_users);
    }
}

static bool one_round(struct world *w, unsigned round, struct sums *sums, uint32_t *ret_copied)
{
    struct fl_segment *seg = NULL;
    struct fl_err err = {0};
    uint32_t rows = 0;
    bool ok;

    make_rows(w, round);
    ok = write_both(w, &seg, &err) >= 0 && fl_segment_foot(seg)->blocks == w->lefts;
    if (!ok)
        printf("# round %u: %s\n", round, err.text);
    for (uint32_t b = 0; ok && b < w->lefts; b++) {
        ok = same_rows(seg, b, w->left[b]);
        rows += w->left[b]->rows;
        if (!ok)
            printf("# round %u: block %u differs\n", round, (unsigned)b);
    }
    ok = ok && fl_segment_foot(seg)->rows == rows;
    if (ok)
        check_sums(w, seg, sums);
    *ret_copied += w->blocks - w->asked;
    fl_segment_close(seg);
    free_rows(w);
    return ok;
}

static void check_cut(struct world *w)
{
    struct sums sums = {0};
    uint32_t copied = 0, good = 0;

    for (unsigned round = 0; round < ROUNDS; round++)
        good += one_round(w, round, &sums, &copied);
    printf("# %u sums and %u lists of users; %u blocks were copied as they are\n", sums.stored,
           sums.users, (unsigned)copied);
    CHECK(good == ROUNDS, "rows that stay are there, as they were, and no others");
    CHECK(copied > ROUNDS / 2, "blocks without a row that goes are not read");
    CHECK(sums.stored > ROUNDS && sums.wrong == 0, "sums are those of the rows that stay");
    CHECK(sums.users > ROUNDS / 2 && sums.users_wrong == 0,
          "users are those of the rows that stay");
}

static void check_refused(struct world *w)
{
    struct fl_segment *seg = NULL;
    struct fl_err err = {0};

    make_rows(w, 3);
    w->lies = true;
    CHECK(w->gone > 0 && write_both(w, &seg, &err) == FL_E_CORRUPT && seg == NULL,
          "sums that do not have the rows are not believed");
    w->lies = false;
    free_rows(w);
}

int main(void)
{
    static struct world w;

    memkeys_init(&w.keys);
    w.dir = temp_folder(w.path);
    check_cut(&w);
    check_refused(&w);
    memkeys_done(&w.keys);
    (void)close(w.dir);
    remove_tree(w.path);
    return tap_done();
}
