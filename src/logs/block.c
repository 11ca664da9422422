#include "logs/block.h"

#include <stdlib.h>
#include <string.h>

#include "logs/dict.h"
#include "logs/vec.h"

enum { FIRST_ROWS = 64 };

#define WORDS_MAX_BYTES ((size_t)32 << 20) /* of one column: a row has at most FL_STR_MAX */

int fl_block_new(struct fl_block **ret, struct fl_err *err)
{
    struct fl_block *block = calloc(1, sizeof *block);

    if (block == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a block");
    block->bytes = sizeof *block;
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        block->col[f].loaded = true;
    *ret = block;
    return FL_OK;
}

void fl_block_free(struct fl_block *block)
{
    if (block == NULL)
        return;
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        struct fl_col *col = &block->col[f];

        fl_vec_put(col->num);
        free(col->has);
        fl_vec_put(col->code);
        if (col->dict != NULL)
            fl_dict_free(col->dict); /* its words, too */
        else
            fl_vec_put(col->words);
    }
    free(block);
}

void fl_block_freep(struct fl_block **block)
{
    fl_block_free(*block);
    *block = NULL;
}

static bool is_str(size_t f)
{
    return fl_field_is_str((enum fl_field)f);
}

/* Bytes per row of capacity, without the words. */
static size_t row_bytes(size_t f, size_t cap)
{
    return is_str(f) ? cap * sizeof(uint32_t) : cap * sizeof(uint64_t) + cap / 8;
}

static bool widen(void **at, size_t old_bytes, size_t new_bytes)
{
    unsigned char *grown = realloc(*at, new_bytes);

    if (grown == NULL)
        return false;
    memset(grown + old_bytes, 0, new_bytes - old_bytes);
    *at = grown;
    return true;
}

static bool col_reserve(struct fl_col *col, size_t f, size_t old_cap, size_t new_cap)
{
    void *num = col->num, *has = col->has, *code = col->code;
    bool ok;

    if (is_str(f)) {
        ok = widen(&code, old_cap * sizeof(uint32_t), new_cap * sizeof(uint32_t));
        col->code = code;
        return ok;
    }
    ok = widen(&num, old_cap * sizeof(uint64_t), new_cap * sizeof(uint64_t));
    col->num = num;
    ok = ok && widen(&has, old_cap / 8, new_cap / 8);
    col->has = has;
    return ok;
}

static bool begun(const struct fl_col *col, size_t f)
{
    return is_str(f) ? col->code != NULL : col->has != NULL;
}

/* Columns in use grow together; when one fails, the block keeps its old cap and can try again. */
static int grow_rows(struct fl_block *block, struct fl_err *err)
{
    uint32_t cap = block->cap == 0 ? FIRST_ROWS : block->cap * 2;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        struct fl_col *col = &block->col[f];

        if (!begun(col, f))
            continue;
        if (!col_reserve(col, f, block->cap, cap))
            return fl_err_set(err, FL_E_NOMEM, "no memory for %u rows", (unsigned)cap);
        block->bytes += row_bytes(f, cap) - row_bytes(f, block->cap);
    }
    block->cap = cap;
    return FL_OK;
}

static int begin_col(struct fl_block *block, size_t f, struct fl_err *err)
{
    struct fl_col *col = &block->col[f];

    if (is_str(f) && col->dict == NULL) {
        int r = fl_dict_new(&col->dict, err);

        if (r < 0)
            return r;
    }
    if (!col_reserve(col, f, 0, block->cap))
        return fl_err_set(err, FL_E_NOMEM, "no memory for a column");
    block->bytes += row_bytes(f, block->cap);
    return FL_OK;
}

/* The code of a string; the column exists afterwards. */
static int intern(struct fl_block *block, size_t f, struct fl_span word, uint32_t *ret_code,
                  struct fl_err *err)
{
    struct fl_col *col = &block->col[f];
    size_t before = fl_dict_bytes(col->dict);
    int r;

    if (fl_fields[f].type == FL_T_IP ? word.len != 16 : word.len > FL_STR_MAX)
        return fl_err_set(err, FL_E_INVAL, "%s has %zu bytes", fl_fields[f].ecs, word.len);
    if (before + word.len > WORDS_MAX_BYTES)
        return fl_err_set(err, FL_E_LIMIT, "the words of column %zu are over %zu bytes", f,
                          WORDS_MAX_BYTES);
    r = fl_dict_intern(col->dict, word, ret_code, err);
    block->bytes += fl_dict_bytes(col->dict) - before;
    col->words = fl_dict_words(col->dict, &col->word_count);
    return r;
}

/* Everything that can fail, before the row is written. */
static int prepare(struct fl_block *block, const struct fl_event *ev, uint32_t *codes,
                   struct fl_err *err)
{
    for (size_t w = 0; w < FL_LEN(ev->has.bits); w++) {
        for (uint64_t bits = ev->has.bits[w]; bits != 0; bits &= bits - 1) {
            size_t f = w * 64 + (size_t)__builtin_ctzll(bits);
            int r = 0;

            if (f >= FL_FIELD_COUNT)
                return fl_err_set(err, FL_E_INVAL, "no field has the number %zu", f);
            if (!begun(&block->col[f], f))
                r = begin_col(block, f, err);
            if (r >= 0 && is_str(f))
                r = intern(block, f, ev->v[f].str, &codes[f], err);
            if (r < 0)
                return r;
        }
    }
    return FL_OK;
}

int fl_block_add(struct fl_block *block, const struct fl_event *ev, struct fl_err *err)
{
    uint32_t codes[FL_FIELD_COUNT], row = block->rows;
    int r;

    if (row == FL_BLOCK_MAX_ROWS)
        return fl_err_set(err, FL_E_LIMIT, "the block is full");
    if (row == block->cap) {
        r = grow_rows(block, err);
        if (r < 0)
            return r;
    }
    r = prepare(block, ev, codes, err);
    if (r < 0)
        return r;
    for (size_t w = 0; w < FL_LEN(ev->has.bits); w++) {
        for (uint64_t bits = ev->has.bits[w]; bits != 0; bits &= bits - 1) {
            size_t f = w * 64 + (size_t)__builtin_ctzll(bits);
            struct fl_col *col = &block->col[f];

            col->present++;
            if (is_str(f)) {
                col->code[row] = codes[f];
                continue;
            }
            col->num[row] = ev->v[f].num;
            col->has[row / 8] = (uint8_t)(col->has[row / 8] | 1u << (row % 8));
        }
    }
    block->rows++;
    return FL_OK;
}

void fl_block_row(const struct fl_block *block, uint32_t row, struct fl_event *ev)
{
    fl_event_clear(ev);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct fl_col *col = &block->col[f];

        if (!col->loaded || !fl_col_has(col, row))
            continue;
        if (is_str(f))
            fl_event_str(ev, (enum fl_field)f, col->words[col->code[row]]);
        else
            fl_event_num(ev, (enum fl_field)f, col->num[row]);
    }
}

static uint32_t count_codes(const uint32_t *code, uint32_t rows)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < rows; i++)
        n += code[i] != 0;
    return n;
}

static uint32_t count_bits(const uint8_t *has, uint32_t rows)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < rows / 8; i++)
        n += (uint32_t)__builtin_popcount(has[i]);
    if (rows % 8 != 0)
        n += (uint32_t)__builtin_popcount(has[rows / 8] & ((1u << (rows % 8)) - 1));
    return n;
}

/* One allocation: the spans, then the bytes they point to. */
struct fl_span *fl_words_copy(const struct fl_span *words, uint32_t count, size_t *ret_bytes)
{
    size_t bytes = count * sizeof *words;
    unsigned char *at;
    struct fl_span *copy;

    for (uint32_t i = 0; i < count; i++)
        bytes += words[i].len;
    copy = malloc(bytes == 0 ? 1 : bytes);
    if (copy == NULL)
        return NULL;
    at = (unsigned char *)(copy + count);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = fl_span_of(at, words[i].len);
        if (words[i].len > 0)
            memcpy(at, words[i].ptr, words[i].len);
        at += words[i].len;
    }
    *ret_bytes = bytes;
    return copy;
}

static void *dup_bytes(const void *bytes, size_t len)
{
    void *copy = malloc(len == 0 ? 1 : len);

    if (copy != NULL && len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

static bool copy_col(const struct fl_col *from, size_t f, uint32_t rows, struct fl_block *to)
{
    struct fl_col *col = &to->col[f];
    size_t bytes = 0;

    if (is_str(f)) {
        col->present = from->code == NULL ? 0 : count_codes(from->code, rows);
        if (col->present == 0)
            return true;
        col->code = dup_bytes(from->code, rows * sizeof *col->code);
        col->words = fl_words_copy(from->words, from->word_count, &bytes);
        col->word_count = from->word_count;
        to->bytes += rows * sizeof *col->code + bytes;
        return col->code != NULL && col->words != NULL;
    }
    if (from->num == NULL)
        return true;
    col->present = from->has == NULL ? rows : count_bits(from->has, rows);
    if (col->present == 0)
        return true;
    col->num = dup_bytes(from->num, rows * sizeof *col->num);
    if (col->present < rows)
        col->has = dup_bytes(from->has, (rows + 7) / 8);
    to->bytes += rows * sizeof *col->num + (rows + 7) / 8;
    return col->num != NULL && (col->has != NULL || col->present == rows);
}

int fl_block_copy_rows(const struct fl_block *block, uint32_t rows,
                       const struct fl_fieldset *fields, struct fl_block **ret, struct fl_err *err)
{
    FL_AUTO(fl_block_freep) struct fl_block *copy = NULL;
    int r = fl_block_new(&copy, err);

    if (copy == NULL)
        return r;
    copy->rows = rows < block->rows ? rows : block->rows;
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        copy->col[f].loaded = block->col[f].loaded && fl_fieldset_has(fields, (enum fl_field)f);
        if (!copy->col[f].loaded)
            continue;
        if (!copy_col(&block->col[f], f, copy->rows, copy))
            return fl_err_set(err, FL_E_NOMEM, "no memory to copy a block of %u rows",
                              (unsigned)copy->rows);
    }
    *ret = copy;
    copy = NULL;
    return FL_OK;
}

int fl_block_copy(const struct fl_block *block, const struct fl_fieldset *fields,
                  struct fl_block **ret, struct fl_err *err)
{
    return fl_block_copy_rows(block, block->rows, fields, ret, err);
}
