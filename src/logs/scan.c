#include "logs/scan.h"

#include <stdlib.h>

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

static void code_bits(const struct fl_block *block, const uint32_t *code, uint32_t wanted,
                      uint64_t *out)
{
    uint32_t rows = block->rows;

    for (uint32_t row = 0; row < rows; row += 64) {
        uint32_t n = rows - row < 64 ? rows - row : 64;
        uint64_t bits = 0;

        for (uint32_t i = 0; i < n; i++)
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

static int eval_words(struct fl_scan *scan, const struct fl_filter *leaf, enum fl_field field,
                      const struct fl_block *block, uint64_t *out, struct fl_err *err)
{
    const struct fl_col *col = &block->col[field];
    uint32_t hits = 0, last = 0;
    int r;

    clear_bits(block, out);
    if (col->present == 0 || col->code == NULL)
        return FL_OK;
    r = reserve_hits(scan, col->word_count, err);
    if (r < 0)
        return r;
    scan->hit[0] = 0;
    for (uint32_t w = 1; w < col->word_count; w++) {
        bool hit = fl_filter_word(leaf, col->words[w]);

        scan->hit[w] = hit;
        hits += hit;
        last = hit ? w : last;
    }
    if (hits == 1)
        code_bits(block, col->code, last, out);
    else if (hits > 1)
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
    *ret_count = count;
    return FL_OK;
}
