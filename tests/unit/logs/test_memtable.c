/* Columns of a memtable against the same rows added one by one to a block (block.c). */
#include <stdlib.h>
#include <string.h>

#include "logs/dict.h"
#include "logs/memtable.h"
#include "random_rows.h"
#include "tap.h"

#define START_US INT64_C(1750000000000000)

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool same_value(const struct fl_event *a, const struct fl_event *b, enum fl_field f)
{
    if (fl_event_has(a, f) != fl_event_has(b, f))
        return false;
    if (!fl_event_has(a, f))
        return true;
    return fl_field_is_str(f) ? fl_span_eq(a->v[f].str, b->v[f].str) : a->v[f].num == b->v[f].num;
}

/* Differences between row `at` of the oracle and `row` of a copy. */
static uint64_t differ(const struct fl_block *oracle, uint32_t at, const struct fl_block *copy,
                       uint32_t row)
{
    struct fl_event a = {.arena = NULL}, b = {.arena = NULL};
    uint64_t n = 0;

    fl_block_row(oracle, at, &a);
    fl_block_row(copy, row, &b);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        if (copy->col[f].loaded)
            n += !same_value(&a, &b, (enum fl_field)f);
    return n;
}

/* What readers rely on beyond the rows: 0 where absent, counts, codes that stand for words. */
static bool sound(const struct fl_block *block)
{
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct fl_col *col = &block->col[f];
        uint32_t n = 0;

        for (uint32_t i = 0; i < block->rows && col->present > 0; i++) {
            n += fl_col_has(col, i);
            if (col->num != NULL && !fl_col_has(col, i) && col->num[i] != 0)
                return false;
            if (col->code != NULL && col->code[i] >= col->word_count)
                return false;
        }
        if (n != col->present)
            return false;
    }
    return true;
}

struct pair {
    struct chance chance;
    struct fl_memtable *mt;
    struct fl_block *oracle[2]; /* rows from 0, from 65,536 */
    uint64_t rows;
};

static void pair_init(struct pair *p, uint64_t seed)
{
    *p = (struct pair){.chance = {seed}};
    must(fl_memtable_new(7, 20000, START_US, &p->mt, NULL) == 0);
    for (size_t i = 0; i < 2; i++)
        must(fl_block_new(&p->oracle[i], NULL) == 0);
}

static void pair_done(struct pair *p)
{
    fl_memtable_unref(p->mt);
    for (size_t i = 0; i < 2; i++)
        fl_block_free(p->oracle[i]);
}

/* Some rows of one mix into both. */
static void add(struct pair *p, uint32_t rows)
{
    struct random_row row = {.ev = {.arena = NULL}};
    struct fl_batch_view view;
    struct fl_batch_writer *w;
    struct random_mix mix;
    struct fl_arena arena;
    struct fl_buf bytes;
    uint32_t n = 0;

    must(fl_batch_writer_new(&w, NULL) == 0);
    fl_arena_init(&arena, (size_t)128 << 20);
    fl_buf_init(&bytes, FL_BATCH_MAX_BYTES);
    random_mix(&p->chance, START_US, &mix);
    mix.percent[FL_F_SEQ] = 0;
    mix.percent[FL_F_TIME] = 100;
    while (n < rows) {
        random_row(&p->chance, &mix, &row);
        if (fl_batch_add(w, &row.ev, NULL) < 0)
            break; /* full */
        fl_event_num(&row.ev, FL_F_SEQ, 1000 + p->rows + n);
        must(fl_block_add(p->oracle[(p->rows + n) / FL_BLOCK_MAX_ROWS], &row.ev, NULL) == 0);
        n++;
    }
    must(fl_batch_finish(w, &bytes, NULL) == 0);
    must(fl_batch_view(fl_buf_span(&bytes), &arena, &view, NULL) == 0 && view.rows == n);
    fl_memtable_lock(p->mt);
    must(fl_memtable_add(p->mt, &view, 1000 + p->rows, NULL) == 0);
    fl_memtable_unlock(p->mt);
    p->rows += n;
    fl_buf_done(&bytes);
    fl_arena_done(&arena);
    fl_batch_writer_free(w);
}

/* Differences among the first `visible` rows. */
static uint64_t compare(struct pair *p, uint64_t visible)
{
    struct fl_fieldset all = fl_fieldset_all();
    uint64_t n = 0, seen = 0;

    for (uint32_t b = 0; b < fl_memtable_blocks(p->mt, visible); b++) {
        struct fl_block *copy = NULL;

        must(fl_memtable_load(p->mt, b, visible, &all, &copy, NULL) == 0);
        n += !sound(copy);
        for (uint32_t i = 0; i < copy->rows; i++, seen++)
            n += differ(p->oracle[seen / FL_BLOCK_MAX_ROWS], (uint32_t)(seen % FL_BLOCK_MAX_ROWS),
                        copy, i);
        fl_block_free(copy);
    }
    return n + (seen != visible);
}

/* The same of rows read from somewhere in a block on, and more words than they need. */
static uint64_t compare_ends(struct pair *p, uint64_t visible)
{
    struct fl_fieldset all = fl_fieldset_all();
    uint32_t rows = fl_memtable_block_rows(p->mt, 0, visible);
    uint64_t n = 0;

    for (int i = 0; i < 4; i++) {
        uint32_t from = 1 + (uint32_t)chance_below(&p->chance, rows);
        struct fl_block *end = NULL;

        must(fl_memtable_load_end(p->mt, 0, from, visible, &all, &end, NULL) == 0);
        n += !sound(end);
        n += end->rows != (from < rows ? rows - from : 0);
        for (uint32_t row = 0; row < end->rows; row++)
            n += differ(p->oracle[0], from + row, end, row);
        for (size_t f = 0; f < FL_FIELD_COUNT; f++)
            n += end->col[f].word_count > end->rows + 1;
        fl_block_free(end);
    }
    return n;
}

static void test_ends(void)
{
    uint64_t wrong = 0;

    for (uint64_t seed = 101; seed <= 130; seed++) {
        struct pair p;

        pair_init(&p, seed);
        for (int i = 0; i < 6; i++)
            add(&p, 1 + chance_below(&p.chance, 300));
        wrong += compare_ends(&p, p.rows) + compare_ends(&p, (p.rows + 1) / 2);
        pair_done(&p);
    }
    CHECK(wrong == 0, "the newest rows alone are what they are among all, with their own words");
}

static void test_rows(void)
{
    uint64_t wrong = 0, rows = 0;
    struct fl_memtable_info info;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct pair p;

        pair_init(&p, seed);
        for (int i = 0; i < 12; i++)
            add(&p, 1 + chance_below(&p.chance, seed % 3 == 0 ? 8 : 500));
        wrong += compare(&p, p.rows) + compare(&p, 1) + compare(&p, p.rows / 2);
        fl_memtable_info(p.mt, &info);
        wrong += info.rows != p.rows || info.first_seq != 1000;
        rows += p.rows;
        pair_done(&p);
    }
    CHECK(wrong == 0 && rows > 20000, "columns hold what rows held, whole and in part");
}

static void test_blocks(void)
{
    struct fl_memtable_info info;
    struct pair p;

    pair_init(&p, 99);
    while (p.rows < FL_BLOCK_MAX_ROWS + 5000)
        add(&p, 3000);
    CHECK(compare(&p, p.rows) == 0 && fl_memtable_blocks(p.mt, p.rows) == 2,
          "a batch that crosses the end of a block is in both");
    CHECK(fl_memtable_block_rows(p.mt, 0, p.rows) == FL_BLOCK_MAX_ROWS &&
              fl_memtable_block_rows(p.mt, 1, p.rows) == p.rows - FL_BLOCK_MAX_ROWS,
          "the first one is full");
    fl_memtable_info(p.mt, &info);
    CHECK(info.bytes < p.oracle[0]->bytes + p.oracle[1]->bytes,
          "narrow columns take less memory than wide ones");
    pair_done(&p);
}

static void test_time(void)
{
    struct fl_memtable_info info;
    struct pair p;
    int64_t least = INT64_MAX, most = INT64_MIN;

    pair_init(&p, 5);
    for (int i = 0; i < 5; i++)
        add(&p, 200);
    for (uint32_t i = 0; i < p.oracle[0]->rows; i++) {
        int64_t us = (int64_t)p.oracle[0]->col[FL_F_TIME].num[i];

        least = us < least ? us : least;
        most = us > most ? us : most;
    }
    fl_memtable_info(p.mt, &info);
    CHECK(info.min_time_us == least && info.max_time_us == most, "least and greatest time");
    fl_memtable_void(p.mt);
    CHECK(fl_memtable_load(p.mt, 0, 1, &(struct fl_fieldset){{1, 0}}, &(struct fl_block *){NULL},
                           NULL) == FL_E_NOENT,
          "purged rows are not given");
    pair_done(&p);
}

/* ---- words ---- */

static void test_dict(void)
{
    enum { WORDS = 30000 };
    struct chance chance = {3};
    struct fl_dict_item items[100];
    struct fl_dict *one, *all;
    struct fl_span *words = calloc(WORDS, sizeof *words);
    uint32_t *codes = calloc(WORDS, sizeof *codes), code, count;
    uint64_t wrong = 0;
    char(*text)[RANDOM_TEXT] = calloc(WORDS, RANDOM_TEXT);

    must(words != NULL && codes != NULL && text != NULL && fl_dict_new(&one, NULL) == 0 &&
         fl_dict_new(&all, NULL) == 0);
    for (size_t i = 0; i < WORDS; i++) {
        int len = snprintf(text[i], RANDOM_TEXT, "%.*s%u", (int)(i % 41),
                           "a prefix that many of the words have in common",
                           (unsigned)chance_below(&chance, 5000));

        words[i] = fl_span_of((unsigned char *)text[i], i % 1000 == 0 ? 0 : (size_t)len);
    }
    for (uint32_t i = 0, n; i < WORDS; i += n) { /* some at a time, and one by one */
        n = 1 + chance_below(&chance, 100);
        n = n < WORDS - i ? n : WORDS - i;
        for (uint32_t k = 0; k < n; k++)
            items[k] =
                (struct fl_dict_item){.dict = all, .word = words[i + k], .ret_code = &codes[i + k]};
        must(fl_dict_intern_items(items, n, NULL) == 0);
    }
    for (uint32_t i = 0; i < WORDS; i++) {
        must(fl_dict_intern(one, words[i], &code, NULL) == 0);
        wrong += code != codes[i] || fl_dict_find(all, words[i]) != code ||
                 !fl_span_eq(fl_dict_words(all, &count)[code], words[i]);
    }
    CHECK(wrong == 0, "many words at once have the codes that they have one by one");
    CHECK(fl_dict_find(all, FL_SPAN("not among them")) == 0, "what is not there has no code");
    CHECK(fl_dict_bytes(all) < (size_t)count * 120 && count > 10000, "the memory is told");
    fl_dict_free(one);
    fl_dict_free(all);
    free(words);
    free(codes);
    free(text);
}

int main(void)
{
    test_rows();
    test_ends();
    test_blocks();
    test_time();
    test_dict();
    return tap_done();
}
