#include "logs/scan.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Bitmaps in use at once: the right side of a node needs one beside the left's. */
static unsigned levels_of(const struct fl_filter *node)
{
    unsigned left, right;

    if (node == NULL)
        return 1;
    left = levels_of(node->left);
    right = node->right == NULL ? 0 : levels_of(node->right) + 1;
    return left > right ? left : right;
}

int fl_scan_init(struct fl_scan *scan, const struct fl_filter *filter, int64_t from_us,
                 int64_t to_us, struct fl_err *err)
{
    *scan = (struct fl_scan){.filter = filter, .from_us = from_us, .to_us = to_us};
    fl_filter_fields(filter, &scan->fields);
    scan->levels = levels_of(filter) + 2; /* two more: the time and the parts of free text */
    scan->bits = calloc(scan->levels, FL_SCAN_WORDS * sizeof *scan->bits);
    if (scan->bits == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to scan");
    return FL_OK;
}

void fl_scan_done(struct fl_scan *scan)
{
    free(scan->bits);
    free(scan->hit);
    *scan = (struct fl_scan){.filter = NULL};
}

/* ---- blocks that need no look ---- */

enum fl_scan_time fl_scan_time(const struct fl_scan *scan, const struct fl_part *part,
                               uint32_t block)
{
    uint64_t min, max;

    if (!fl_part_block_range(part, block, FL_F_TIME, &min, &max))
        return FL_SCAN_PARTLY;
    if ((int64_t)max < scan->from_us || (int64_t)min >= scan->to_us)
        return FL_SCAN_OUTSIDE;
    return (int64_t)min >= scan->from_us && (int64_t)max < scan->to_us ? FL_SCAN_INSIDE
                                                                       : FL_SCAN_PARTLY;
}

static bool may_number(const struct fl_filter *leaf, const struct fl_part *part, uint32_t block)
{
    uint64_t min, max, hi = leaf->op == FL_OP_RANGE ? leaf->num_hi : leaf->num;

    if (!fl_part_block_range(part, block, leaf->field, &min, &max))
        return true;
    if (leaf->op == FL_OP_FLAG)
        return max >= (leaf->num & (~leaf->num + 1));
    if (leaf->op != FL_OP_EQ && leaf->op != FL_OP_RANGE)
        return true;
    if (fl_fields[leaf->field].type == FL_T_TIME)
        return (int64_t)leaf->num <= (int64_t)max && (int64_t)hi >= (int64_t)min;
    return leaf->num <= max && hi >= min;
}

static bool may(const struct fl_filter *node, const struct fl_part *part, uint32_t block)
{
    if (node->op == FL_OP_AND)
        return may(node->left, part, block) && may(node->right, part, block);
    if (node->op == FL_OP_OR)
        return may(node->left, part, block) || may(node->right, part, block);
    if (node->op == FL_OP_NOT || node->op == FL_OP_TEXT)
        return true;
    if (!fl_field_is_str(node->field))
        return may_number(node, part, block);
    if (node->op == FL_OP_EQ || (node->op == FL_OP_NET && node->num == 128))
        return fl_part_block_may_hold(part, block, node->field, node->text);
    return true;
}

bool fl_scan_may(const struct fl_scan *scan, const struct fl_part *part, uint32_t block)
{
    return scan->filter == NULL || may(scan->filter, part, block);
}

/* ---- bitmaps ---- */

static size_t words_of(const struct fl_block *block)
{
    return (block->rows + 63) / 64;
}

static uint64_t tail_mask(uint32_t rows)
{
    return rows % 64 == 0 ? UINT64_MAX : (UINT64_C(1) << (rows % 64)) - 1;
}

static void clear_bits(const struct fl_block *block, uint64_t *out)
{
    memset(out, 0, words_of(block) * sizeof *out);
}

static void all_bits(const struct fl_block *block, uint64_t *out)
{
    size_t n = words_of(block);

    memset(out, 0xff, n * sizeof *out);
    if (n > 0)
        out[n - 1] = tail_mask(block->rows);
}

static bool any_bit(const struct fl_block *block, const uint64_t *bits)
{
    uint64_t any = 0;

    for (size_t w = 0; w < words_of(block); w++)
        any |= bits[w];
    return any != 0;
}

static void and_bits(const struct fl_block *block, uint64_t *out, const uint64_t *other)
{
    for (size_t w = 0; w < words_of(block); w++)
        out[w] &= other[w];
}

static void or_bits(const struct fl_block *block, uint64_t *out, const uint64_t *other)
{
    for (size_t w = 0; w < words_of(block); w++)
        out[w] |= other[w];
}

static void and_present(const struct fl_block *block, const struct fl_col *col, uint64_t *out)
{
    size_t bytes = (block->rows + 7) / 8;

    if (col->has == NULL)
        return;
    for (size_t w = 0; w < words_of(block); w++) {
        uint64_t has = 0;

        for (size_t b = 0; b < 8 && w * 8 + b < bytes; b++)
            has |= (uint64_t)col->has[w * 8 + b] << (8 * b);
        out[w] &= has;
    }
}

/* ---- numbers ---- */

/* lo <= num <= hi; with the subtraction modulo 2^64 this holds for signed ends as well. */
static void range_bits(const struct fl_block *block, const uint64_t *num, uint64_t lo, uint64_t hi,
                       uint64_t *out)
{
    uint64_t span = hi - lo;
    uint32_t rows = block->rows;

    for (uint32_t row = 0; row < rows; row += 64) {
        uint32_t n = rows - row < 64 ? rows - row : 64;
        uint64_t bits = 0;

        for (uint32_t i = 0; i < n; i++)
            bits |= (uint64_t)(num[row + i] - lo <= span) << i;
        out[row / 64] = bits;
    }
}

static void flag_bits(const struct fl_block *block, const uint64_t *num, uint64_t mask,
                      uint64_t *out)
{
    uint32_t rows = block->rows;

    for (uint32_t row = 0; row < rows; row += 64) {
        uint32_t n = rows - row < 64 ? rows - row : 64;
        uint64_t bits = 0;

        for (uint32_t i = 0; i < n; i++)
            bits |= (uint64_t)((num[row + i] & mask) != 0) << i;
        out[row / 64] = bits;
    }
}

static void eval_number(const struct fl_filter *leaf, const struct fl_block *block, uint64_t *out)
{
    const struct fl_col *col = &block->col[leaf->field];

    if (col->present == 0 || col->num == NULL) {
        clear_bits(block, out);
        return;
    }
    if (leaf->op == FL_OP_HAS)
        all_bits(block, out);
    else if (leaf->op == FL_OP_FLAG)
        flag_bits(block, col->num, leaf->num, out);
    else
        range_bits(block, col->num, leaf->num, leaf->op == FL_OP_EQ ? leaf->num : leaf->num_hi,
                   out);
    and_present(block, col, out);
}

/* ---- words ---- */

static void hit_bits(const struct fl_block *block, const uint32_t *code, const unsigned char *hit,
                     uint64_t *out)
{
    uint32_t rows = block->rows;

    for (uint32_t row = 0; row < rows; row += 64) {
        uint32_t n = rows - row < 64 ? rows - row : 64;
        uint64_t bits = 0;

        for (uint32_t i = 0; i < n; i++)
            bits |= (uint64_t)hit[code[row + i]] << i;
        out[row / 64] = bits;
    }
}

/* Bits of 64 codes that are the wanted one. */
static uint64_t same_codes(const uint32_t *code, uint32_t wanted)
{
    uint64_t bits = 0;

#ifdef __SSE2__
    const __m128i want = _mm_set1_epi32((int)wanted);

    for (unsigned i = 0; i < 64; i += 16) {
        __m128i quad[4];

        for (unsigned k = 0; k < 4; k++)
            quad[k] = _mm_cmpeq_epi32(
                _mm_loadu_si128((const __m128i *)(const void *)(code + i + 4 * k)), want);
        quad[0] = _mm_packs_epi32(quad[0], quad[1]);
        quad[2] = _mm_packs_epi32(quad[2], quad[3]);
        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_packs_epi16(quad[0], quad[2])) << i;
    }
#else
    for (unsigned i = 0; i < 64; i++)
        bits |= (uint64_t)(code[i] == wanted) << i;
#endif
    return bits;
}

static void code_bits(const struct fl_block *block, const uint32_t *code, uint32_t wanted,
                      uint64_t *out)
{
    uint32_t rows = block->rows, row = 0;

    for (; row + 64 <= rows; row += 64)
        out[row / 64] = same_codes(code + row, wanted);
    if (row < rows) {
        uint64_t bits = 0;

        for (uint32_t i = 0; i < rows - row; i++)
            bits |= (uint64_t)(code[row + i] == wanted) << i;
        out[row / 64] = bits;
    }
}

static int reserve_hits(struct fl_scan *scan, size_t words, struct fl_err *err)
{
    unsigned char *grown;

    if (words <= scan->hit_cap)
        return FL_OK;
    grown = realloc(scan->hit, words);
    if (grown == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to scan %zu words", words);
    scan->hit = grown;
    scan->hit_cap = words;
    return FL_OK;
}

struct hits {
    uint32_t count, last;
};

static unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static bool same_folded(const unsigned char *word, const unsigned char *folded, size_t len)
{
    size_t i = 0;

    while (i < len && fold(word[i]) == folded[i])
        i++;
    return i == len;
}

static void hit_word(struct fl_scan *scan, uint32_t w, struct hits *hits)
{
    hits->count += scan->hit[w] == 0;
    hits->last = w;
    scan->hit[w] = 1;
}

#ifdef __SSE2__
/* Decoded words stand behind each other: one search over all of them is one search per block. */
static bool stand_together(const struct fl_col *col)
{
    for (uint32_t w = 1; w + 1 < col->word_count; w++)
        if (col->words[w].ptr + col->words[w].len != col->words[w + 1].ptr)
            return false;
    return col->dict == NULL && col->word_count > 1;
}

/* 0x20 for letters: what makes both cases one. */
static unsigned char case_bit(unsigned char folded)
{
    return folded >= 'a' && folded <= 'z' ? 0x20 : 0;
}

/* 16 places where the first and the last byte fit, without case. */
static unsigned may_begin(const unsigned char *at, const unsigned char *folded, size_t len)
{
    __m128i head = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i tail = _mm_loadu_si128((const __m128i *)(const void *)(at + len - 1));

    head = _mm_or_si128(head, _mm_set1_epi8((char)case_bit(folded[0])));
    tail = _mm_or_si128(tail, _mm_set1_epi8((char)case_bit(folded[len - 1])));
    head = _mm_cmpeq_epi8(head, _mm_set1_epi8((char)folded[0]));
    tail = _mm_cmpeq_epi8(tail, _mm_set1_epi8((char)folded[len - 1]));
    return (unsigned)_mm_movemask_epi8(_mm_and_si128(head, tail));
}

/* The first place from `at` on where folded stands; end - at is at least 0. */
static const unsigned char *find_folded(const unsigned char *at, const unsigned char *end,
                                        const unsigned char *folded, size_t len)
{
    for (; (size_t)(end - at) >= len + 15; at += 16) {
        for (unsigned mask = may_begin(at, folded, len); mask != 0; mask &= mask - 1) {
            const unsigned char *here = at + __builtin_ctz(mask);

            if (same_folded(here, folded, len))
                return here;
        }
    }
    for (; (size_t)(end - at) >= len; at++)
        if (same_folded(at, folded, len))
            return at;
    return NULL;
}

static bool search_words(struct fl_scan *scan, const struct fl_filter *leaf,
                         const struct fl_col *col, struct hits *hits)
{
    unsigned char folded[FL_FILTER_MAX_BYTES];
    const unsigned char *at, *end;
    size_t len = leaf->text.len;
    uint32_t w = 1;

    if (len == 0 || len > sizeof folded || !stand_together(col))
        return false;
    for (size_t i = 0; i < len; i++)
        folded[i] = fold(leaf->text.ptr[i]);
    memset(scan->hit, 0, col->word_count);
    at = col->words[1].ptr;
    end = col->words[col->word_count - 1].ptr + col->words[col->word_count - 1].len;
    while (at != NULL && (at = find_folded(at, end, folded, len)) != NULL) {
        while (col->words[w].ptr + col->words[w].len <= at)
            w++;
        if (at + len <= col->words[w].ptr + col->words[w].len) {
            hit_word(scan, w, hits);
            at = col->words[w].ptr + col->words[w].len; /* once per word */
        } else {
            at++; /* it goes over the end of its word */
        }
    }
    return true;
}
#endif

static void equal_words(struct fl_scan *scan, const struct fl_filter *leaf,
                        const struct fl_col *col, bool is_ip, struct hits *hits)
{
    size_t len = leaf->text.len;

    memset(scan->hit, 0, col->word_count);
    for (uint32_t w = 1; w < col->word_count; w++) {
        const struct fl_span *word = &col->words[w];

        if (word->len != len || len == 0)
            continue;
        if (is_ip ? memcmp(word->ptr, leaf->text.ptr, 16) == 0 : fl_filter_word(leaf, *word))
            hit_word(scan, w, hits);
    }
}

/* Which words of the dictionary meet the condition: scan->hit. */
static struct hits try_words(struct fl_scan *scan, const struct fl_filter *leaf,
                             enum fl_field field, const struct fl_col *col)
{
    struct hits hits = {0, 0};
    bool is_ip = fl_fields[field].type == FL_T_IP && leaf->text.len == 16;

    if (leaf->op == FL_OP_EQ || (leaf->op == FL_OP_NET && leaf->num == 128 && is_ip)) {
        equal_words(scan, leaf, col, is_ip, &hits);
        return hits;
    }
#ifdef __SSE2__
    if ((leaf->op == FL_OP_CONTAINS || leaf->op == FL_OP_TEXT) &&
        search_words(scan, leaf, col, &hits))
        return hits;
#endif
    memset(scan->hit, 0, col->word_count);
    for (uint32_t w = 1; w < col->word_count; w++)
        if (fl_filter_word(leaf, col->words[w]))
            hit_word(scan, w, &hits);
    return hits;
}

static int eval_words(struct fl_scan *scan, const struct fl_filter *leaf, enum fl_field field,
                      const struct fl_block *block, uint64_t *out, struct fl_err *err)
{
    const struct fl_col *col = &block->col[field];
    struct hits hits;
    int r;

    clear_bits(block, out);
    if (col->present == 0 || col->code == NULL)
        return FL_OK;
    r = reserve_hits(scan, col->word_count, err);
    if (r < 0)
        return r;
    hits = try_words(scan, leaf, field, col);
    if (hits.count == 1)
        code_bits(block, col->code, hits.last, out);
    else if (hits.count > 0 && hits.count + 1 == col->word_count && col->present == block->rows)
        all_bits(block, out);
    else if (hits.count > 0)
        hit_bits(block, col->code, scan->hit, out);
    return FL_OK;
}

static int eval_text(struct fl_scan *scan, const struct fl_filter *leaf,
                     const struct fl_block *block, uint64_t *out, struct fl_err *err)
{
    struct fl_fieldset fields = {{0, 0}};
    int r = FL_OK;

    fl_filter_fields(leaf, &fields);
    clear_bits(block, out);
    for (int f = 0; r == FL_OK && f < FL_FIELD_COUNT; f++) {
        if (!fl_fieldset_has(&fields, (enum fl_field)f))
            continue;
        r = eval_words(scan, leaf, (enum fl_field)f, block, out + FL_SCAN_WORDS, err);
        if (r == FL_OK)
            or_bits(block, out, out + FL_SCAN_WORDS);
    }
    return r;
}

/* ---- the tree ---- */

/* out is a bitmap of scan->bits; those behind it are free for use. */
static int eval(struct fl_scan *scan, const struct fl_filter *node, const struct fl_block *block,
                uint64_t *out, struct fl_err *err)
{
    int r;

    if (node->op == FL_OP_TEXT)
        return eval_text(scan, node, block, out, err);
    if (node->op != FL_OP_AND && node->op != FL_OP_OR && node->op != FL_OP_NOT) {
        if (fl_field_is_str(node->field))
            return eval_words(scan, node, node->field, block, out, err);
        eval_number(node, block, out);
        return FL_OK;
    }
    r = eval(scan, node->left, block, out, err);
    if (r < 0)
        return r;
    if (node->op == FL_OP_NOT) {
        for (size_t w = 0; w < words_of(block); w++)
            out[w] = ~out[w];
        if (block->rows > 0)
            out[words_of(block) - 1] &= tail_mask(block->rows);
        return FL_OK;
    }
    if (node->op == FL_OP_AND && !any_bit(block, out))
        return FL_OK;
    r = eval(scan, node->right, block, out + FL_SCAN_WORDS, err);
    if (r == FL_OK && node->op == FL_OP_AND)
        and_bits(block, out, out + FL_SCAN_WORDS);
    else if (r == FL_OK)
        or_bits(block, out, out + FL_SCAN_WORDS);
    return r;
}

static void and_time(struct fl_scan *scan, const struct fl_block *block)
{
    const struct fl_filter leaf = {.op = FL_OP_RANGE,
                                   .field = FL_F_TIME,
                                   .num = (uint64_t)scan->from_us,
                                   .num_hi = (uint64_t)scan->to_us - 1};

    if (scan->from_us >= scan->to_us) {
        clear_bits(block, scan->bits);
        return;
    }
    eval_number(&leaf, block, scan->bits + FL_SCAN_WORDS);
    and_bits(block, scan->bits, scan->bits + FL_SCAN_WORDS);
}

int fl_scan_eval(struct fl_scan *scan, const struct fl_block *block, bool check_time,
                 uint32_t *ret_count, struct fl_err *err)
{
    uint32_t count = 0;
    int r = FL_OK;

    if (scan->filter == NULL)
        all_bits(block, scan->bits);
    else
        r = eval(scan, scan->filter, block, scan->bits, err);
    if (r < 0)
        return r;
    if (check_time)
        and_time(scan, block);
    for (size_t w = 0; w < words_of(block); w++)
        count += (uint32_t)__builtin_popcountll(scan->bits[w]);
    scan->all = count == block->rows;
    *ret_count = count;
    return FL_OK;
}
