/* Rows taken out of a decoded block in place: declared in pick.h. */
#include <stdlib.h>
#include <string.h>

#include "logs/pick.h"

enum { FEW_WORDS = 8, SEARCH_ROWS = 256 };

struct drop {
    struct fl_block *block;
    uint32_t rows, gone, left; /* rows before, taken out, and after */
    uint32_t *row;             /* those that go, rising; row[gone] = rows */
    uint32_t *word;            /* of a column: codes that they had, distinct */
    uint32_t words;
    uint32_t *map; /* by code; all zero between two uses */
    size_t map_cap;
};

static void drop_done(struct drop *d)
{
    free(d->row);
    free(d->word);
    free(d->map);
}

uint32_t fl_pick_count(const uint8_t *keep, uint32_t rows)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < rows / 8; i++)
        n += (uint32_t)__builtin_popcount(keep[i]);
    if (rows % 8 != 0)
        n += (uint32_t)__builtin_popcount(keep[rows / 8] & ((1u << (rows % 8)) - 1));
    return n;
}

static bool find_rows(struct drop *d, const uint8_t *keep)
{
    uint32_t n = 0;

    d->left = fl_pick_count(keep, d->rows);
    d->gone = d->rows - d->left;
    d->row = calloc((size_t)d->gone + 1, sizeof *d->row);
    d->word = calloc((size_t)d->gone + 1, sizeof *d->word);
    if (d->row == NULL || d->word == NULL)
        return false;
    for (uint32_t i = 0; i < d->rows; i++)
        if ((keep[i / 8] >> (i % 8) & 1) == 0)
            d->row[n++] = i;
    d->row[n] = d->rows;
    return true;
}

/* ---- what stays moves down ---- */

/* Elements of each bytes. */
static void move_values(const struct drop *d, void *values, size_t each)
{
    unsigned char *at = values;
    uint32_t to = d->row[0];

    for (uint32_t i = 0; i < d->gone; i++) {
        uint32_t from = d->row[i] + 1, count = d->row[i + 1] - from;

        memmove(at + to * each, at + from * each, count * each);
        to += count;
    }
}

static bool get_bit(const uint8_t *bits, uint32_t at)
{
    return (bits[at / 8] >> (at % 8) & 1) != 0;
}

static void move_bit(uint8_t *bits, uint32_t to, uint32_t from)
{
    uint8_t mask = (uint8_t)(1u << (to % 8));

    bits[to / 8] = (uint8_t)(get_bit(bits, from) ? bits[to / 8] | mask : bits[to / 8] & ~mask);
}

/* to is before from. */
static void move_bits(uint8_t *bits, uint32_t to, uint32_t from, uint32_t count)
{
    for (; count > 0 && to % 8 != 0; count--)
        move_bit(bits, to++, from++);
    for (; count >= 8; count -= 8, to += 8, from += 8) {
        unsigned shift = from % 8, v = (unsigned)bits[from / 8] >> shift;

        if (shift != 0)
            v |= (unsigned)bits[from / 8 + 1] << (8 - shift);
        bits[to / 8] = (uint8_t)v;
    }
    for (; count > 0; count--)
        move_bit(bits, to++, from++);
}

static void move_presence(const struct drop *d, uint8_t *has)
{
    uint32_t to = d->row[0];

    for (uint32_t i = 0; i < d->gone; i++) {
        uint32_t from = d->row[i] + 1, count = d->row[i + 1] - from;

        move_bits(has, to, from, count);
        to += count;
    }
    if (d->left % 8 != 0) /* padding bits */
        has[d->left / 8] &= (uint8_t)((1u << (d->left % 8)) - 1);
}

static void drop_numbers(const struct drop *d, struct fl_col *col)
{
    for (uint32_t i = 0; i < d->gone; i++)
        col->present -= fl_col_has(col, d->row[i]);
    if (col->num != NULL)
        move_values(d, col->num, sizeof *col->num);
    if (col->has != NULL)
        move_presence(d, col->has);
}

/* ---- words ---- */

static bool room_for_words(struct drop *d, uint32_t words)
{
    if (d->map != NULL && words <= d->map_cap)
        return true;
    free(d->map);
    d->map_cap = 0;
    d->map = calloc(words, sizeof *d->map);
    if (d->map != NULL)
        d->map_cap = words;
    return d->map != NULL;
}

/* The words of the rows that go; they are marked in the map. */
static void find_words(struct drop *d, const struct fl_col *col)
{
    d->words = 0;
    for (uint32_t i = 0; i < d->gone; i++) {
        uint32_t code = col->code[d->row[i]];

        if (code == 0 || d->map[code] != 0)
            continue;
        d->map[code] = 1;
        d->word[d->words++] = code;
    }
}

static bool has_code(const uint32_t *codes, uint32_t rows, uint32_t code)
{
    uint32_t at = 0;

    for (; at + SEARCH_ROWS <= rows; at += SEARCH_ROWS) {
        uint32_t any = 0;

        for (uint32_t i = 0; i < SEARCH_ROWS; i++)
            any |= codes[at + i] == code;
        if (any != 0)
            return true;
    }
    for (; at < rows; at++)
        if (codes[at] == code)
            return true;
    return false;
}

/* Those that a row still has leave the list, and the map. */
static void keep_used(struct drop *d, const struct fl_col *col)
{
    uint32_t n = 0;

    if (d->words > FEW_WORDS) {
        for (uint32_t row = 0; row < d->left; row++)
            d->map[col->code[row]] = 0;
    } else {
        for (uint32_t i = 0; i < d->words; i++)
            if (has_code(col->code, d->left, d->word[i]))
                d->map[d->word[i]] = 0;
    }
    for (uint32_t i = 0; i < d->words; i++)
        if (d->map[d->word[i]] != 0)
            d->word[n++] = d->word[i];
    d->words = n;
}

static void lower_codes(uint32_t *codes, uint32_t rows, uint32_t above)
{
    for (uint32_t i = 0; i < rows; i++)
        codes[i] -= codes[i] > above;
}

/* The words that are marked go; what is left of the map is all zero. */
static void drop_words(struct drop *d, struct fl_col *col)
{
    uint32_t to = 0, count = col->word_count;

    if (d->words == 0)
        return;
    if (d->words == 1) {
        lower_codes(col->code, d->left, d->word[0]);
    } else {
        for (uint32_t w = 0, less = 0; w < count; w++) {
            less += d->map[w] != 0;
            d->map[w] = d->map[w] != 0 ? UINT32_MAX : w - less;
        }
        for (uint32_t row = 0; row < d->left; row++)
            col->code[row] = d->map[col->code[row]];
        for (uint32_t w = 0; w < count; w++)
            d->map[w] = d->map[w] == UINT32_MAX;
    }
    for (uint32_t w = 0; w < count; w++)
        if (d->map[w] == 0)
            col->words[to++] = col->words[w];
    col->word_count = to;
    for (uint32_t i = 0; i < d->words; i++)
        d->map[d->word[i]] = 0;
}

static bool drop_codes(struct drop *d, struct fl_col *col)
{
    if (!room_for_words(d, col->word_count))
        return false;
    for (uint32_t i = 0; i < d->gone; i++)
        col->present -= col->code[d->row[i]] != 0;
    find_words(d, col);
    move_values(d, col->code, sizeof *col->code);
    keep_used(d, col);
    drop_words(d, col);
    return true;
}

int fl_pick_drop(struct fl_block *block, const uint8_t *keep, struct fl_err *err)
{
    struct drop d = {.block = block, .rows = block->rows};
    bool ok = find_rows(&d, keep);

    for (size_t f = 0; f < FL_FIELD_COUNT && ok && d.gone > 0; f++) {
        struct fl_col *col = &block->col[f];

        if (col->present == 0)
            continue;
        if (col->code != NULL)
            ok = drop_codes(&d, col);
        else
            drop_numbers(&d, col);
    }
    drop_done(&d);
    if (!ok)
        return fl_err_set(err, FL_E_NOMEM, "no memory to take rows out");
    block->rows = d.left;
    block->cap = 0;
    return FL_OK;
}
