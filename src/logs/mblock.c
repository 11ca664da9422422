#include "logs/mblock.h"

#include <stdlib.h>
#include <string.h>

#include "logs/dict.h"
#include "logs/vec.h"

#define WORDS_MAX_BYTES  ((size_t)32 << 20)  /* of one column (FORMAT.md section 9) */
#define BACK_US          (UINT64_C(1) << 30) /* that later rows may be older than the first ones */
#define BATCH_WORD_BYTES ((size_t)8 << 20)   /* more than a batch has in a column */

enum { ROUND_ROWS = 16, INTAKE = 64 };

struct col {
    struct fl_dict *dict; /* of words */
    unsigned char *val;   /* width bytes a row, the value less base; 0 where absent */
    uint8_t *has;         /* of numbers: bitmap; NULL: each of the rows has one */
    uint64_t base;
    uint32_t rows; /* covered; those behind have no value */
    uint32_t cap;
    uint8_t width; /* 0: all are base */
};

struct fl_mblock {
    uint64_t first_seq;
    uint32_t rows;
    int64_t min_time_us, max_time_us;
    size_t bytes;
    struct col col[FL_FIELD_COUNT];
};

int fl_mblock_new(uint64_t first_seq, struct fl_mblock **ret, struct fl_err *err)
{
    struct fl_mblock *mb = calloc(1, sizeof *mb);

    if (mb == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a block");
    mb->first_seq = first_seq;
    mb->min_time_us = INT64_MAX;
    mb->max_time_us = INT64_MIN;
    mb->bytes = sizeof *mb;
    *ret = mb;
    return FL_OK;
}

void fl_mblock_free(struct fl_mblock *mb)
{
    if (mb == NULL)
        return;
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        fl_dict_free(mb->col[f].dict);
        free(mb->col[f].val);
        free(mb->col[f].has);
    }
    free(mb);
}

uint32_t fl_mblock_rows(const struct fl_mblock *mb)
{
    return mb->rows;
}

void fl_mblock_times(const struct fl_mblock *mb, int64_t *ret_min_us, int64_t *ret_max_us)
{
    *ret_min_us = mb->min_time_us;
    *ret_max_us = mb->max_time_us;
}

size_t fl_mblock_bytes(const struct fl_mblock *mb)
{
    return mb->bytes;
}

static bool is_str(size_t f)
{
    return fl_field_is_str((enum fl_field)f);
}

/* ---- bits ---- */

static bool bit(const uint8_t *bits, uint32_t i)
{
    return (bits[i / 8] >> (i % 8) & 1) != 0;
}

static void set_bits(uint8_t *bits, uint32_t from, uint32_t count)
{
    for (; count > 0 && from % 8 != 0; from++, count--)
        bits[from / 8] = (uint8_t)(bits[from / 8] | 1u << (from % 8));
    memset(bits + from / 8, 0xff, count / 8);
    for (from += count / 8 * 8, count %= 8; count > 0; from++, count--)
        bits[from / 8] = (uint8_t)(bits[from / 8] | 1u << (from % 8));
}

/* Eight bits from any place; the last byte may end before. */
static uint8_t bits_at(const uint8_t *bits, uint32_t at, uint32_t end)
{
    unsigned low = bits[at / 8], high = at / 8 + 1 < (end + 7) / 8 ? bits[at / 8 + 1] : 0;

    return (uint8_t)((low | high << 8) >> (at % 8));
}

/* Into zeroed bits. */
static void copy_bits(uint8_t *to, uint32_t to_at, const uint8_t *from, uint32_t from_at,
                      uint32_t count)
{
    uint32_t end = from_at + count;

    for (uint32_t i = 0; i < count; i += 8) {
        unsigned b = bits_at(from, from_at + i, end), left = count - i;

        if (left < 8)
            b &= (1u << left) - 1;
        b <<= (to_at + i) % 8;
        to[(to_at + i) / 8] = (uint8_t)(to[(to_at + i) / 8] | b);
        if (b > 0xff)
            to[(to_at + i) / 8 + 1] = (uint8_t)(b >> 8);
    }
}

static uint32_t count_bits(const uint8_t *bits, uint32_t from, uint32_t count)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i += 8) {
        unsigned b = bits_at(bits, from + i, from + count);

        n += (uint32_t)__builtin_popcount(count - i < 8 ? b & ((1u << (count - i)) - 1) : b);
    }
    return n;
}

/* ---- narrow values ---- */

/* NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in parentheses */
#define NARROW(type)                                                                               \
    do {                                                                                           \
        type *out = (type *)(void *)to;                                                            \
        for (uint32_t i = 0; i < count; i++)                                                       \
            out[i] = (type)(v[i] - base);                                                          \
    } while (0)
/* NOLINTEND(bugprone-macro-parentheses) */

static void narrow(unsigned char *to, unsigned width, const uint64_t *v, uint64_t base,
                   uint32_t count)
{
    if (width == 1)
        NARROW(uint8_t);
    else if (width == 2)
        NARROW(uint16_t);
    else if (width == 4)
        NARROW(uint32_t);
    else if (width == 8)
        NARROW(uint64_t);
}

#define WIDEN(type)                                                                                \
    do {                                                                                           \
        const type *in = (const type *)(const void *)from;                                         \
        for (uint32_t i = 0; i < count; i++)                                                       \
            out[i] = in[i] + base;                                                                 \
    } while (0)

static void widen(uint64_t *out, const unsigned char *from, unsigned width, uint64_t base,
                  uint32_t count)
{
    if (width == 0)
        for (uint32_t i = 0; i < count; i++)
            out[i] = base;
    else if (width == 1)
        WIDEN(uint8_t);
    else if (width == 2)
        WIDEN(uint16_t);
    else if (width == 4)
        WIDEN(uint32_t);
    else
        WIDEN(uint64_t);
}

#define CODES_OUT(type)                                                                            \
    do {                                                                                           \
        const type *in = (const type *)(const void *)from;                                         \
        for (uint32_t i = 0; i < count; i++)                                                       \
            out[i] = in[i];                                                                        \
    } while (0)

static void codes_out(uint32_t *out, const unsigned char *from, unsigned width, uint32_t count)
{
    if (width == 0)
        for (uint32_t i = 0; i < count; i++)
            out[i] = 1;
    else if (width == 1)
        CODES_OUT(uint8_t);
    else if (width == 2)
        CODES_OUT(uint16_t);
    else
        CODES_OUT(uint32_t);
}

/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define CODES_IN(type)                                                                             \
    do {                                                                                           \
        type *out = (type *)(void *)to;                                                            \
        for (uint32_t i = 0; i < count; i++)                                                       \
            out[i] = (type)map[code[i]];                                                           \
    } while (0)
/* NOLINTEND(bugprone-macro-parentheses) */

static void codes_in(unsigned char *to, unsigned width, const uint32_t *code, const uint32_t *map,
                     uint32_t count)
{
    if (to == NULL)
        return;
    if (width == 1)
        CODES_IN(uint8_t);
    else if (width == 2)
        CODES_IN(uint16_t);
    else if (width == 4)
        CODES_IN(uint32_t);
}

/* Numbers that stand where nothing is become 0, as readers find them. */
static void clear_absent(uint64_t *v, const uint8_t *has, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        v[i] &= -(uint64_t)(has[i / 8] >> (i % 8) & 1);
}

/* ---- growing ---- */

/* Other bytes a value, another base: every value that is there is written anew. */
static int change_width(struct fl_mblock *mb, struct col *c, size_t f, unsigned width,
                        uint64_t base, uint32_t cap, struct fl_err *err)
{
    uint64_t some[256];
    unsigned char *val = malloc((size_t)cap * width + 1);

    if (val == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for %u rows", (unsigned)cap);
    for (uint32_t at = 0; at < c->rows; at += FL_LEN(some)) {
        uint32_t n = c->rows - at < FL_LEN(some) ? c->rows - at : (uint32_t)FL_LEN(some);

        widen(some, c->val == NULL ? NULL : c->val + (size_t)at * c->width, c->width,
              is_str(f) && c->width == 0 ? 1 : c->base, n);
        narrow(val + (size_t)at * width, width, some, base, n);
    }
    mb->bytes += (size_t)cap * width - (size_t)c->cap * c->width;
    free(c->val);
    c->val = val;
    c->width = (uint8_t)width;
    c->base = base;
    return FL_OK;
}

static int grow_has(struct fl_mblock *mb, struct col *c, uint32_t cap, struct fl_err *err)
{
    uint8_t *has = realloc(c->has, cap / 8);

    if (has == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for %u rows", (unsigned)cap);
    memset(has + c->cap / 8, 0, cap / 8 - c->cap / 8);
    mb->bytes += cap / 8 - c->cap / 8;
    c->has = has;
    return FL_OK;
}

/* Room for `rows` rows of `width` bytes. */
static int reserve(struct fl_mblock *mb, struct col *c, size_t f, uint32_t rows, unsigned width,
                   uint64_t base, struct fl_err *err)
{
    uint32_t cap = c->cap;
    int r = FL_OK;

    if (rows > cap) {
        cap = rows > cap + cap / 2 ? rows : cap + cap / 2;
        cap = (cap + ROUND_ROWS - 1) / ROUND_ROWS * ROUND_ROWS;
        cap = cap < FL_BLOCK_MAX_ROWS ? cap : FL_BLOCK_MAX_ROWS;
    }
    if (width != c->width || base != c->base) {
        r = change_width(mb, c, f, width, base, cap, err);
    } else if (cap != c->cap && width > 0) {
        unsigned char *val = realloc(c->val, (size_t)cap * width);

        if (val == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for %u rows", (unsigned)cap);
        mb->bytes += (size_t)(cap - c->cap) * width;
        c->val = val;
    }
    if (r >= 0 && c->has != NULL && cap != c->cap)
        r = grow_has(mb, c, cap, err);
    if (r >= 0)
        c->cap = cap;
    return r;
}

/* From "all have one" to a bitmap. */
static int begin_has(struct fl_mblock *mb, struct col *c, struct fl_err *err)
{
    uint32_t cap = c->cap;
    int r;

    if (c->has != NULL)
        return FL_OK;
    c->cap = 0; /* of a bitmap that is not there */
    r = grow_has(mb, c, cap, err);
    c->cap = cap;
    if (r >= 0)
        set_bits(c->has, 0, c->rows);
    return r;
}

/* Rows that came while the column was not told of are absent. There is room. */
static void cover(struct col *c, uint32_t rows)
{
    if (c->width > 0 && rows > c->rows)
        memset(c->val + (size_t)c->rows * c->width, 0, (size_t)(rows - c->rows) * c->width);
    c->rows = rows;
}

/* ---- numbers ---- */

struct need {
    unsigned width;
    uint64_t base;
};

static unsigned width_of(uint64_t most)
{
    return most == 0            ? 0
           : most <= UINT8_MAX  ? 1
           : most <= UINT16_MAX ? 2
           : most <= UINT32_MAX ? 4
                                : 8;
}

static bool all_same(const uint64_t *v, uint32_t count)
{
    uint64_t differ = 0;

    for (uint32_t i = 1; i < count; i++)
        differ |= v[i] ^ v[0];
    return differ == 0;
}

static uint64_t most_over(const uint64_t *v, uint64_t base, uint32_t count)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < count; i++)
        most |= v[i] - base;
    return most;
}

/* Times: near to a base. 8 bytes once they are not, and for good. */
static struct need time_need(const struct col *c, const uint64_t *v, const uint8_t *has,
                             uint32_t from, uint32_t count)
{
    uint32_t end = from + count;
    uint64_t base = c->base;

    while (from < end && has != NULL && !bit(has, from))
        from++;
    if (c->rows == 0 && from < end)
        base = v[from] - BACK_US;
    for (uint32_t i = from; i < end; i++)
        if (v[i] - base > UINT32_MAX && (has == NULL || bit(has, i)))
            return (struct need){8, 0};
    return (struct need){4, base};
}

static struct need number_need(const struct col *c, uint32_t before, const uint64_t *v,
                               const uint8_t *has, size_t f, uint32_t from, uint32_t count)
{
    uint64_t most;

    if (c->width == 8)
        return (struct need){8, 0};
    if (fl_fields[f].type == FL_T_TIME)
        return time_need(c, v, has, from, count);
    if (has == NULL && c->width == 0 && c->has == NULL && c->rows == before &&
        (before == 0 || c->base == v[from]) && all_same(v + from, count))
        return (struct need){0, v[from]};
    most = most_over(v + from, 0, count) | (c->width == 0 ? c->base : 0);
    most = width_of(most | 1);
    return (struct need){most > c->width ? (unsigned)most : c->width, 0};
}

static int add_numbers(struct fl_mblock *mb, size_t f, const struct fl_batch_col *from_col,
                       uint32_t from, uint32_t count, struct fl_err *err)
{
    struct col *c = &mb->col[f];
    const uint8_t *has = from_col->has;
    struct need need = number_need(c, mb->rows, from_col->num, has, f, from, count);
    int r = reserve(mb, c, f, mb->rows + count, need.width, need.base, err);

    if (r >= 0 && (has != NULL || c->rows != mb->rows))
        r = begin_has(mb, c, err);
    if (r < 0)
        return r;
    cover(c, mb->rows);
    narrow(c->val == NULL ? NULL : c->val + (size_t)mb->rows * c->width, c->width,
           from_col->num + from, c->base, count);
    if (has != NULL)
        copy_bits(c->has, mb->rows, has, from, count);
    else if (c->has != NULL)
        set_bits(c->has, mb->rows, count);
    c->rows = mb->rows + count;
    return FL_OK;
}

/* ---- words ---- */

/* Words of a batch on their way to the dictionaries, of all columns. */
struct intake {
    struct fl_dict_item items[INTAKE];
    uint32_t count;
    uint32_t *map[FL_FIELD_COUNT]; /* codes of the view to codes of the block */
    bool absent[FL_FIELD_COUNT];   /* rows without a word are among them */
};

static int flush(struct intake *in, struct fl_err *err)
{
    int r = fl_dict_intern_items(in->items, in->count, err);

    in->count = 0;
    return r;
}

static int take_word(struct intake *in, struct fl_dict *dict, struct fl_span word, uint32_t *to,
                     struct fl_err *err)
{
    in->items[in->count++] = (struct fl_dict_item){.dict = dict, .word = word, .ret_code = to};
    return in->count == INTAKE ? flush(in, err) : FL_OK;
}

/* Words that rows [from, from + count) use, by first use; map[code] becomes not 0. */
static int take_used(struct intake *in, struct fl_dict *dict, const struct fl_batch_col *col,
                     uint32_t from, uint32_t count, uint32_t *map, bool *ret_absent,
                     struct fl_err *err)
{
    int r = FL_OK;

    memset(map, 0, col->word_count * sizeof *map);
    for (uint32_t i = from; i < from + count && r >= 0; i++) {
        uint32_t code = col->code[i];

        if (code == 0) {
            *ret_absent = true;
        } else if (map[code] == 0) {
            map[code] = UINT32_MAX; /* until it has been looked for */
            r = take_word(in, dict, col->words[code], &map[code], err);
        }
    }
    return r;
}

/* A view that is taken whole uses all its words, in that order. */
static int take_words(struct fl_mblock *mb, size_t f, struct intake *in,
                      const struct fl_batch_col *col, uint32_t from, uint32_t count, bool whole,
                      struct fl_err *err)
{
    struct col *c = &mb->col[f];
    uint32_t *map = in->map[f];
    int r = FL_OK;

    if (c->dict == NULL) {
        r = fl_dict_new(&c->dict, err);
        mb->bytes += r < 0 ? 0 : fl_dict_bytes(c->dict);
    }
    if (r < 0)
        return r;
    if (!whole)
        return take_used(in, c->dict, col, from, count, map, &in->absent[f], err);
    in->absent[f] = col->present < count;
    map[0] = 0;
    for (uint32_t w = 1; w < col->word_count && r >= 0; w++)
        r = take_word(in, c->dict, col->words[w], &map[w], err);
    return r;
}

static int add_codes(struct fl_mblock *mb, size_t f, const struct intake *in,
                     const struct fl_batch_col *from_col, uint32_t from, uint32_t count,
                     struct fl_err *err)
{
    struct col *c = &mb->col[f];
    uint32_t word_count;
    unsigned width;
    int r;

    (void)fl_dict_words(c->dict, &word_count);
    width = width_of(word_count - 1);
    if (c->width == 0 && word_count == 2 && !in->absent[f] && c->rows == mb->rows)
        width = 0; /* one word, in every row so far */
    if (width < c->width)
        width = c->width;
    r = reserve(mb, c, f, mb->rows + count, width, 0, err);
    if (r < 0)
        return r;
    cover(c, mb->rows);
    codes_in(c->val == NULL ? NULL : c->val + (size_t)mb->rows * c->width, c->width,
             from_col->code + from, in->map[f], count);
    c->rows = mb->rows + count;
    return FL_OK;
}

/* ---- rows ---- */

static bool words_fit(const struct fl_mblock *mb, const struct fl_batch_view *view)
{
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct fl_batch_col *col = &view->col[f];
        size_t bytes = 0;

        if (!is_str(f) || mb->col[f].dict == NULL || col->present == 0)
            continue;
        if (fl_dict_word_bytes(mb->col[f].dict) + BATCH_WORD_BYTES <= WORDS_MAX_BYTES)
            continue; /* whatever it has */
        for (uint32_t w = 1; w < col->word_count; w++)
            bytes += col->words[w].len;
        if (fl_dict_word_bytes(mb->col[f].dict) + bytes > WORDS_MAX_BYTES)
            return false;
    }
    return true;
}

static bool any_in(const struct fl_batch_col *col, size_t f, uint32_t from, uint32_t count)
{
    if (!is_str(f))
        return col->has == NULL || count_bits(col->has, from, count) > 0;
    for (uint32_t i = from; i < from + count; i++)
        if (col->code[i] != 0)
            return true;
    return false;
}

static void note_times(struct fl_mblock *mb, const uint64_t *time, uint32_t count)
{
    int64_t least = mb->min_time_us, most = mb->max_time_us;

    for (uint32_t i = 0; i < count; i++) {
        int64_t us = (int64_t)time[i];

        least = us < least ? us : least;
        most = us > most ? us : most;
    }
    mb->min_time_us = least;
    mb->max_time_us = most;
}

/* One allocation for the maps of all columns. */
static uint32_t *make_maps(const struct fl_batch_view *view, struct intake *in)
{
    size_t words = 0;
    uint32_t *maps;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        if (is_str(f) && view->col[f].present > 0)
            words += view->col[f].word_count;
    maps = malloc((words + 1) * sizeof *maps);
    words = 0;
    for (size_t f = 0; f < FL_FIELD_COUNT && maps != NULL; f++) {
        if (!is_str(f) || view->col[f].present == 0)
            continue;
        in->map[f] = maps + words;
        words += view->col[f].word_count;
    }
    return maps;
}

/* Where the columns end is far away, each for itself: ask for all before the first is written. */
static void ask_ends(const struct fl_mblock *mb)
{
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct col *c = &mb->col[f];

        if (c->val != NULL)
            __builtin_prefetch(c->val + (size_t)c->rows * c->width, 1);
        if (c->has != NULL)
            __builtin_prefetch(c->has + c->rows / 8, 1);
        if (c->dict != NULL)
            __builtin_prefetch(c->dict, 1);
    }
}

static size_t dict_bytes(const struct fl_mblock *mb)
{
    size_t bytes = 0;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        if (mb->col[f].dict != NULL)
            bytes += fl_dict_bytes(mb->col[f].dict);
    return bytes;
}

struct piece {
    const struct fl_batch_view *view;
    uint32_t from, count;
    bool whole;
    bool has[FL_FIELD_COUNT]; /* columns that its rows have */
};

static int add_all_words(struct fl_mblock *mb, const struct piece *p, struct intake *in,
                         struct fl_err *err)
{
    size_t before = dict_bytes(mb), made = mb->bytes;
    int r = FL_OK;

    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++)
        if (p->has[f] && is_str(f))
            r = take_words(mb, f, in, &p->view->col[f], p->from, p->count, p->whole, err);
    if (r >= 0)
        r = flush(in, err);
    made = mb->bytes - made; /* of new dictionaries: counted already */
    mb->bytes += dict_bytes(mb) - before - made;
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++)
        if (p->has[f] && is_str(f))
            r = add_codes(mb, f, in, &p->view->col[f], p->from, p->count, err);
    return r;
}

static int add_piece(struct fl_mblock *mb, const struct piece *p, struct fl_err *err)
{
    struct intake in;
    uint32_t *maps;
    int r;

    in.count = 0;
    memset(in.absent, 0, sizeof in.absent);
    maps = make_maps(p->view, &in);
    if (maps == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for words");
    r = add_all_words(mb, p, &in, err);
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++)
        if (p->has[f] && !is_str(f))
            r = add_numbers(mb, f, &p->view->col[f], p->from, p->count, err);
    free(maps);
    return r;
}

int fl_mblock_add(struct fl_mblock *mb, const struct fl_batch_view *view, uint32_t from,
                  uint32_t count, struct fl_err *err)
{
    struct piece p = {view, from, count, from == 0 && count == view->rows, {false}};
    int r;

    ask_ends(mb);
    if (count > FL_BLOCK_MAX_ROWS - mb->rows)
        return fl_err_set(err, FL_E_LIMIT, "the block is full");
    if (!words_fit(mb, view) && mb->rows > 0)
        return fl_err_set(err, FL_E_LIMIT, "the words of a column are over %zu bytes",
                          WORDS_MAX_BYTES);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        p.has[f] = f != FL_F_SEQ && view->col[f].present > 0 &&
                   (p.whole || any_in(&view->col[f], f, from, count));
    r = add_piece(mb, &p, err);
    if (r < 0)
        return r;
    note_times(mb, view->col[FL_F_TIME].num + from, count);
    mb->rows += count;
    return FL_OK;
}

/* ---- reading ---- */

static bool copy_words(const struct col *c, uint32_t rows, struct fl_col *to, size_t *bytes)
{
    uint32_t covered = c->rows < rows ? c->rows : rows, n = 0;
    const struct fl_span *words;
    size_t word_bytes = 0;

    if (c->dict == NULL || covered == 0)
        return true;
    to->code = fl_vec_get(rows * sizeof *to->code);
    if (to->code == NULL)
        return false;
    codes_out(to->code, c->val, c->width, covered);
    memset(to->code + covered, 0, (rows - covered) * sizeof *to->code);
    for (uint32_t i = 0; i < covered; i++)
        n += to->code[i] != 0;
    to->present = n;
    if (n == 0) {
        free(to->code);
        to->code = NULL;
        return true;
    }
    words = fl_dict_words(c->dict, &to->word_count);
    to->words = fl_words_copy(words, to->word_count, &word_bytes);
    *bytes += rows * sizeof *to->code + word_bytes;
    return to->words != NULL;
}

static bool copy_numbers(const struct col *c, size_t f, uint32_t rows, struct fl_col *to,
                         size_t *bytes)
{
    uint32_t covered = c->rows < rows ? c->rows : rows;

    to->present = c->has == NULL ? covered : count_bits(c->has, 0, covered);
    if (to->present == 0)
        return true;
    to->num = fl_vec_get(rows * sizeof *to->num);
    if (to->present < rows)
        to->has = calloc(1, ((size_t)rows + 7) / 8);
    if (to->num == NULL || (to->has == NULL && to->present < rows))
        return false;
    widen(to->num, c->val, c->width, c->base, covered);
    memset(to->num + covered, 0, (rows - covered) * sizeof *to->num);
    if (c->has != NULL && fl_fields[f].type == FL_T_TIME) /* less base, 0 was something else */
        clear_absent(to->num, c->has, covered);
    if (to->has != NULL && c->has != NULL)
        copy_bits(to->has, 0, c->has, 0, covered);
    else if (to->has != NULL)
        set_bits(to->has, 0, covered);
    *bytes += rows * sizeof *to->num + (to->has == NULL ? 0 : rows / 8);
    return true;
}

static bool copy_seq(const struct fl_mblock *mb, uint32_t rows, struct fl_col *to, size_t *bytes)
{
    to->num = fl_vec_get(rows * sizeof *to->num);
    if (to->num == NULL)
        return false;
    to->present = rows;
    for (uint32_t i = 0; i < rows; i++)
        to->num[i] = mb->first_seq + i;
    *bytes += rows * sizeof *to->num;
    return true;
}

int fl_mblock_copy(const struct fl_mblock *mb, uint32_t rows, const struct fl_fieldset *fields,
                   struct fl_block **ret, struct fl_err *err)
{
    FL_AUTO(fl_block_freep) struct fl_block *copy = NULL;
    bool ok = true;
    int r = fl_block_new(&copy, err);

    if (copy == NULL)
        return r;
    copy->rows = rows < mb->rows ? rows : mb->rows;
    for (size_t f = 0; f < FL_FIELD_COUNT && ok; f++) {
        struct fl_col *to = &copy->col[f];

        to->loaded = fl_fieldset_has(fields, (enum fl_field)f);
        if (!to->loaded || copy->rows == 0)
            continue;
        if (f == FL_F_SEQ)
            ok = copy_seq(mb, copy->rows, to, &copy->bytes);
        else
            ok = is_str(f) ? copy_words(&mb->col[f], copy->rows, to, &copy->bytes)
                           : copy_numbers(&mb->col[f], f, copy->rows, to, &copy->bytes);
    }
    if (!ok)
        return fl_err_set(err, FL_E_NOMEM, "no memory to copy a block of %u rows",
                          (unsigned)copy->rows);
    *ret = copy;
    copy = NULL;
    return FL_OK;
}

/* ---- reading the newest rows ---- */

/* Codes of some rows: counted from 1 anew, with the words that they need. */
static bool own_words(struct fl_col *to, uint32_t rows, const struct fl_span *words, size_t *bytes)
{
    struct fl_span *used = calloc((size_t)rows + 1, sizeof *used);
    uint32_t slots = 16, n = 0, at;
    uint32_t(*slot)[2];
    size_t word_bytes = 0;

    while (slots < 2 * rows)
        slots *= 2;
    slot = calloc(slots, sizeof *slot);
    for (uint32_t i = 0; used != NULL && slot != NULL && i < rows; i++) {
        uint32_t code = to->code[i];

        if (code == 0)
            continue;
        for (at = code * 2654435761u & (slots - 1); slot[at][0] != 0 && slot[at][0] != code;)
            at = (at + 1) & (slots - 1);
        if (slot[at][0] == 0) {
            slot[at][0] = code;
            slot[at][1] = ++n;
            used[n] = words[code];
        }
        to->code[i] = slot[at][1];
    }
    to->word_count = n + 1;
    to->words =
        used == NULL || slot == NULL ? NULL : fl_words_copy(used, to->word_count, &word_bytes);
    *bytes += word_bytes;
    free(slot);
    free(used);
    return to->words != NULL;
}

static const unsigned char *val_at(const struct col *c, uint32_t row)
{
    return c->val == NULL ? NULL : c->val + (size_t)row * c->width;
}

static bool end_of_words(const struct col *c, uint32_t from, uint32_t rows, struct fl_col *to,
                         size_t *bytes)
{
    uint32_t covered = c->rows < from + rows ? c->rows - from : rows, count;

    to->code = calloc(rows, sizeof *to->code);
    if (to->code == NULL)
        return false;
    codes_out(to->code, val_at(c, from), c->width, covered);
    for (uint32_t i = 0; i < covered; i++)
        to->present += to->code[i] != 0;
    *bytes += rows * sizeof *to->code;
    if (to->present > 0)
        return own_words(to, rows, fl_dict_words(c->dict, &count), bytes);
    free(to->code);
    to->code = NULL;
    return true;
}

static bool end_of_numbers(const struct col *c, size_t f, uint32_t from, uint32_t rows,
                           struct fl_col *to, size_t *bytes)
{
    uint32_t covered = c->rows < from + rows ? c->rows - from : rows;

    to->present = c->has == NULL ? covered : count_bits(c->has, from, covered);
    if (to->present == 0)
        return true;
    to->num = calloc(rows, sizeof *to->num);
    if (to->present < rows)
        to->has = calloc(1, ((size_t)rows + 7) / 8 + 1);
    if (to->num == NULL || (to->has == NULL && to->present < rows))
        return false;
    widen(to->num, val_at(c, from), c->width, c->base, covered);
    if (to->has != NULL && c->has != NULL)
        copy_bits(to->has, 0, c->has, from, covered);
    else if (to->has != NULL)
        set_bits(to->has, 0, covered);
    if (to->has != NULL && fl_fields[f].type == FL_T_TIME)
        clear_absent(to->num, to->has, covered);
    *bytes += rows * sizeof *to->num;
    return true;
}

static bool end_of_seq(const struct fl_mblock *mb, uint32_t from, struct fl_col *to, uint32_t rows)
{
    to->num = calloc(rows, sizeof *to->num);
    to->present = rows;
    for (uint32_t i = 0; to->num != NULL && i < rows; i++)
        to->num[i] = mb->first_seq + from + i;
    return to->num != NULL;
}

int fl_mblock_copy_end(const struct fl_mblock *mb, uint32_t from, uint32_t rows,
                       const struct fl_fieldset *fields, struct fl_block **ret, struct fl_err *err)
{
    FL_AUTO(fl_block_freep) struct fl_block *copy = NULL;
    bool ok = true;
    int r = fl_block_new(&copy, err);

    if (copy == NULL)
        return r;
    rows = rows < mb->rows ? rows : mb->rows;
    copy->rows = from < rows ? rows - from : 0;
    for (size_t f = 0; f < FL_FIELD_COUNT && ok; f++) {
        const struct col *c = &mb->col[f];
        struct fl_col *to = &copy->col[f];

        to->loaded = fl_fieldset_has(fields, (enum fl_field)f);
        if (!to->loaded || copy->rows == 0)
            continue;
        if (f == FL_F_SEQ)
            ok = end_of_seq(mb, from, to, copy->rows);
        else if (c->rows > from && is_str(f))
            ok = c->dict == NULL || end_of_words(c, from, copy->rows, to, &copy->bytes);
        else if (c->rows > from)
            ok = end_of_numbers(c, f, from, copy->rows, to, &copy->bytes);
    }
    if (!ok)
        return fl_err_set(err, FL_E_NOMEM, "no memory to copy %u rows", (unsigned)copy->rows);
    *ret = copy;
    copy = NULL;
    return FL_OK;
}
