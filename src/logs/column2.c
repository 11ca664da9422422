/* The reader of columns of version 2, and what writer and reader share. */
#include "logs/column2.h"

#include <stdlib.h>
#include <string.h>

#include "logs/column2_words.h"
#include "logs/vec.h"

enum { HEAD_BYTES = 2 };

/* What queries sum up and group by stands for itself; what is rarely asked leans on it. No cycles.
 */
static const struct {
    enum fl_field f;
    struct fl_term terms[FL_TERMS_MAX];
} predictions[] = {
    {FL_F_START, {{FL_F_TIME, 1}, {FL_F_DURATION, -1000000}}},
    {FL_F_BYTES_UP, {{FL_F_OUT_BYTES, 1}}},
    {FL_F_BYTES_DOWN, {{FL_F_BYTES, 1}, {FL_F_BYTES_UP, -1}}},
    {FL_F_IN_BYTES, {{FL_F_BYTES, 1}, {FL_F_OUT_BYTES, -1}}},
    {FL_F_PACKETS, {{FL_F_OUT_PACKETS, 1}, {FL_F_IN_PACKETS, 1}}},
    {FL_F_SECONDS, {{FL_F_DURATION, 1}}},
    {FL_F_SRC_NAT_PORT, {{FL_F_SRC_PORT, 1}}},
    {FL_F_DST_NAT_PORT, {{FL_F_DST_PORT, 1}}},
};

const struct fl_term *fl_column2_terms(enum fl_field f)
{
    for (size_t i = 0; i < FL_LEN(predictions); i++)
        if (predictions[i].f == f)
            return predictions[i].terms;
    return NULL;
}

/* ---- presences ---- */

void fl_presences_done(struct fl_presences *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        free(p->bits[i]);
    free(p->payload);
    memset(p, 0, sizeof *p);
}

int fl_presences_decode(struct fl_span payload, uint32_t rows, struct fl_presences *ret,
                        struct fl_err *err)
{
    struct fl_presences p = {.rows = rows};
    struct fl_cursor cur;
    bool ok;

    p.payload = malloc(payload.len + 1);
    if (p.payload == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for presences");
    memcpy(p.payload, payload.ptr, payload.len);
    cur = fl_cursor_of(fl_span_of(p.payload, payload.len));
    p.count = fl_cursor_u8(&cur);
    ok = !cur.failed && p.count > 0 && p.count <= FL_FIELD_COUNT;
    for (uint32_t i = 0; ok && i < p.count; i++) {
        p.at[i] = cur;
        ok = fl_section_skip(&cur, (rows + 7) / 8);
    }
    if (!ok || !fl_cursor_done(&cur)) {
        free(p.payload);
        return fl_err_set(err, FL_E_CORRUPT, "the presences are malformed");
    }
    *ret = p;
    return FL_OK;
}

static bool make_presence(struct fl_series *s, struct fl_presences *p, uint32_t i)
{
    struct fl_cursor cur = p->at[i];
    size_t bytes = (p->rows + 7) / 8;
    uint32_t present = 0;

    if (p->present[i] > 0)
        return true;
    if (p->bits[i] == NULL)
        p->bits[i] = malloc(bytes);
    if (p->bits[i] == NULL || !fl_section_copy(s, &cur, bytes, p->bits[i]) ||
        (p->rows % 8 != 0 && p->bits[i][bytes - 1] >> (p->rows % 8) != 0))
        return false;
    for (size_t b = 0; b < bytes; b++)
        present += (uint32_t)__builtin_popcount(p->bits[i][b]);
    p->present[i] = present;
    return present > 0;
}

/* ---- reading ---- */

struct fl_fieldset fl_column2_needs(enum fl_field f, struct fl_span payload)
{
    struct fl_cursor cur = fl_cursor_of(payload);
    struct fl_fieldset set = {{0, 0}};
    const struct fl_term *terms = fl_column2_terms(f);
    uint8_t enc = fl_cursor_u8(&cur);

    (void)fl_cursor_u8(&cur);
    if (enc == FL_ENC2_FUNCTION) {
        uint16_t other = fl_cursor_u16(&cur);

        if (!cur.failed && other < FL_FIELD_COUNT && other != (uint16_t)f)
            fl_fieldset_add(&set, (enum fl_field)other);
    }
    if (enc == FL_ENC2_FOLLOWS && f != FL_FOLLOWS_BY)
        fl_fieldset_add(&set, FL_FOLLOWS_BY);
    for (size_t t = 0; enc == FL_ENC2_PREDICTED && terms != NULL && t < FL_TERMS_MAX; t++)
        if (terms[t].factor != 0)
            fl_fieldset_add(&set, terms[t].from);
    return set;
}

bool fl_column2_needs_presences(struct fl_span payload)
{
    return payload.len >= HEAD_BYTES && payload.ptr[1] != 0;
}

struct reader {
    struct fl_series *s;
    const struct fl_kernel *kernel;
    struct fl_cursor cur;
    enum fl_field f;
    struct fl_block *block;
    struct fl_col *col;
    const uint8_t *has; /* NULL: every row */
    uint32_t rows, present;
    const uint32_t *pick; /* the rows that are wanted; NULL: all */
    uint32_t picks;
    bool again; /* words of the other column are missing that are needed */
};

static bool copy_has(struct reader *r)
{
    size_t bytes = (r->rows + 7) / 8;

    if (r->has == NULL)
        return true;
    r->col->has = malloc(bytes);
    if (r->col->has == NULL)
        return false;
    memcpy(r->col->has, r->has, bytes);
    return true;
}

static void sum_up(uint64_t *v, size_t n, uint64_t first)
{
    uint64_t at = first;

    for (size_t i = 0; i < n; i++) { /* v[i] holds the step behind value i */
        uint64_t step = v[i];

        v[i] = at;
        at += step;
    }
}

/* present values into to. */
static bool read_values(struct reader *r, enum fl_column2_encoding enc, uint64_t *to)
{
    uint64_t first = enc == FL_ENC2_DIFF ? fl_cursor_u64(&r->cur) : 0;
    uint64_t base = fl_cursor_u64(&r->cur), scale = fl_cursor_varint(&r->cur);

    if (r->cur.failed || scale == 0)
        return false;
    if (enc != FL_ENC2_DIFF)
        return fl_series_get(r->s, &r->cur, r->present, base, scale, to);
    if (!fl_series_get(r->s, &r->cur, r->present - 1, base, scale, to))
        return false;
    to[r->present - 1] = 0;
    sum_up(to, r->present, first);
    return true;
}

static void add_prediction(struct reader *r, const struct fl_term *terms)
{
    for (size_t t = 0; t < FL_TERMS_MAX && terms[t].factor != 0; t++) {
        const struct fl_col *from = &r->block->col[terms[t].from];

        if (from->num != NULL) /* 0 where absent */
            r->kernel->add_times(r->col->num, from->num, (uint64_t)terms[t].factor, r->rows);
    }
    if (r->has != NULL)
        r->kernel->mask64(r->col->num, r->has, r->rows);
}

/* The value before in a row with the same word. */
static bool add_followed(struct reader *r)
{
    const struct fl_col *by = &r->block->col[FL_FOLLOWS_BY];
    uint64_t *last = calloc((size_t)by->word_count + 1, sizeof *last);
    uint64_t *v = r->col->num;

    if (last == NULL)
        return false;
    for (uint32_t row = 0; row < r->rows; row++) {
        uint64_t *at = &last[by->code == NULL ? 0 : by->code[row]];

        if (r->has != NULL && (r->has[row / 8] >> (row % 8) & 1) == 0)
            continue;
        *at += v[row];
        v[row] = *at;
    }
    free(last);
    return true;
}

/* ---- some rows ---- */

struct picked {         /* those of them that have a value */
    uint32_t *row, *at; /* at: place among the values */
    uint64_t *value;
    uint32_t count;
};

/* Without an instruction of its own on every machine this beats a call per byte. */
static uint32_t bits_of(uint64_t v)
{
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(v * UINT64_C(0x0101010101010101) >> 56);
}

/* Of the 64 rows from at on, which is a multiple of 8 and whose bytes are all there. */
static uint32_t eight_of(const uint8_t *has, uint32_t at)
{
    uint64_t v;

    memcpy(&v, has + at / 8, sizeof v);
    return bits_of(v);
}

static bool find_picked(const struct reader *r, struct picked *p)
{
    size_t each = sizeof *p->value + 2 * sizeof *p->row;
    uint32_t rank = 0, done = 0; /* rows before done are counted in rank */

    *p = (struct picked){.value = malloc((r->picks + 1) * each)};
    if (p->value == NULL)
        return false;
    p->row = (uint32_t *)(void *)(p->value + r->picks + 1);
    p->at = p->row + r->picks + 1;
    for (uint32_t i = 0; i < r->picks; i++) {
        uint32_t row = r->pick[i];

        p->row[p->count] = p->at[p->count] = row;
        if (r->has == NULL) {
            p->count++;
            continue;
        }
        for (; row - done >= 64; done += 64)
            rank += eight_of(r->has, done);
        for (; row - done >= 8; done += 8)
            rank += bits_of(r->has[done / 8]);
        if ((r->has[row / 8] >> (row % 8) & 1) != 0)
            p->at[p->count++] = rank + bits_of(r->has[row / 8] & ((1u << (row % 8)) - 1));
    }
    return true;
}

/* Steps that are all the same need no adding up. */
static bool has_even_steps(struct fl_cursor cur)
{
    (void)fl_cursor_u64(&cur);
    (void)fl_cursor_u64(&cur);
    (void)fl_cursor_varint(&cur);
    return fl_cursor_u8(&cur) == 0 && fl_cursor_done(&cur);
}

static bool pick_even(struct reader *r, struct picked *p)
{
    uint64_t first = fl_cursor_u64(&r->cur), step = fl_cursor_u64(&r->cur);
    uint64_t scale = fl_cursor_varint(&r->cur);

    for (uint32_t i = 0; i < p->count; i++)
        p->value[i] = first + step * p->at[i];
    return scale != 0 && fl_cursor_u8(&r->cur) == 0;
}

static bool pick_values(struct reader *r, enum fl_column2_encoding enc, struct picked *p)
{
    uint64_t base, scale;

    if (enc == FL_ENC2_DIFF)
        return pick_even(r, p);
    base = fl_cursor_u64(&r->cur);
    scale = fl_cursor_varint(&r->cur);
    return !r->cur.failed && scale != 0 &&
           fl_series_pick(r->s, &r->cur, r->present, base, scale, p->at, p->count, p->value);
}

static void put_picked(struct reader *r, const struct fl_term *terms, const struct picked *p)
{
    for (uint32_t i = 0; i < r->picks; i++)
        r->col->num[r->pick[i]] = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        uint64_t value = p->value[i];

        for (size_t t = 0; terms != NULL && t < FL_TERMS_MAX && terms[t].factor != 0; t++) {
            const struct fl_col *from = &r->block->col[terms[t].from];

            if (from->num != NULL)
                value += (uint64_t)terms[t].factor * from->num[p->row[i]];
        }
        r->col->num[p->row[i]] = value;
    }
}

static bool pick_numbers(struct reader *r, enum fl_column2_encoding enc)
{
    const struct fl_term *terms = enc == FL_ENC2_PREDICTED ? fl_column2_terms(r->f) : NULL;
    struct picked p = {.value = NULL};
    bool ok;

    r->col->num = fl_vec_get(r->rows * sizeof *r->col->num);
    ok = r->col->num != NULL && copy_has(r) && find_picked(r, &p) && pick_values(r, enc, &p) &&
         fl_cursor_done(&r->cur);
    if (ok)
        put_picked(r, terms, &p);
    free(p.value);
    return ok;
}

/* Are single values to be had without all before them? */
static bool can_pick(const struct reader *r, enum fl_column2_encoding enc)
{
    return r->pick != NULL && (enc == FL_ENC2_FRAME || enc == FL_ENC2_PREDICTED ||
                               (enc == FL_ENC2_DIFF && has_even_steps(r->cur)));
}

/* ---- */

static bool read_numbers(struct reader *r, enum fl_column2_encoding enc)
{
    const struct fl_term *terms = fl_column2_terms(r->f);
    uint64_t *front = NULL;
    bool ok;

    if (fl_field_is_str(r->f) || (enc == FL_ENC2_PREDICTED && terms == NULL))
        return false;
    if (can_pick(r, enc))
        return pick_numbers(r, enc);
    r->col->num = fl_vec_get(r->rows * sizeof *r->col->num);
    if (r->col->num == NULL || !copy_has(r))
        return false;
    if (r->has != NULL) /* one more: spread64 looks at the value behind the last */
        front = fl_vec_get(((size_t)r->present + 1) * sizeof *front);
    if (r->has != NULL && front == NULL)
        return false;
    ok = read_values(r, enc, front == NULL ? r->col->num : front) && fl_cursor_done(&r->cur);
    if (ok && front != NULL) {
        front[r->present] = 0;
        r->kernel->spread64(r->col->num, front, r->has, r->rows);
    }
    fl_vec_put(front);
    if (ok && enc == FL_ENC2_PREDICTED)
        add_prediction(r, terms);
    return ok && (enc != FL_ENC2_FOLLOWS || add_followed(r));
}

/* ---- words ---- */

static bool read_words(struct reader *r, uint32_t words)
{
    return fl_words_read(r->s, &r->cur, fl_fields[r->f].type == FL_T_IP, words, r->col);
}

/* Of the rows that are picked: their codes, rising, and the words. */
struct wanted {
    uint32_t *code, *at; /* at: among the stored ones, of those that are stored */
    struct fl_span *word, *stored;
    uint32_t count, stored_count;
    void *room; /* what stored words are borrowed from */
};

static void wanted_done(struct wanted *w)
{
    free(w->word);
    fl_vec_put(w->room);
}

static int by_code(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static bool find_wanted(const struct reader *r, struct wanted *ret)
{
    size_t room = (size_t)r->picks + 1;
    uint32_t n = 0, distinct = 0;

    *ret = (struct wanted){.word = calloc(room, 2 * (sizeof *ret->word + sizeof *ret->code))};
    if (ret->word == NULL)
        return false;
    ret->stored = ret->word + room;
    ret->code = (uint32_t *)(void *)(ret->stored + room);
    ret->at = ret->code + room;
    for (uint32_t i = 0; i < r->picks; i++)
        if (r->col->code[r->pick[i]] != 0)
            ret->code[n++] = r->col->code[r->pick[i]];
    qsort(ret->code, n, sizeof *ret->code, by_code);
    for (uint32_t i = 0; i < n; i++)
        if (distinct == 0 || ret->code[distinct - 1] != ret->code[i])
            ret->code[distinct++] = ret->code[i];
    ret->count = distinct;
    return true;
}

/* The column has those words, at their codes, and no others. */
static bool keep_wanted(struct reader *r, const struct wanted *w, uint32_t words)
{
    size_t spans = ((size_t)words + 1) * sizeof *r->col->words, bytes = 0;
    unsigned char *at;

    for (uint32_t i = 0; i < w->count; i++)
        bytes += w->word[i].len;
    r->col->words = fl_vec_get(spans + bytes + 1);
    if (r->col->words == NULL)
        return false;
    memset(r->col->words, 0, spans);
    at = (unsigned char *)r->col->words + spans;
    for (uint32_t i = 0; i < w->count; i++) {
        struct fl_span word = w->word[i];

        if (word.len > 0)
            memcpy(at, word.ptr, word.len);
        r->col->words[w->code[i]] = fl_span_of(at, word.len);
        at += word.len;
    }
    r->col->word_count = words + 1;
    r->col->some_words = true;
    return true;
}

static bool pick_stored(struct reader *r, struct wanted *w, uint32_t words)
{
    return fl_words_pick(r->s, &r->cur, fl_fields[r->f].type == FL_T_IP, words, w->at,
                         w->stored_count, w->stored, &w->room);
}

/* All words, or those that picked rows have. */
static bool get_words(struct reader *r, uint32_t words)
{
    struct wanted w;
    bool ok;

    if (r->pick == NULL)
        return read_words(r, words);
    ok = find_wanted(r, &w);
    if (ok && w.count > 0 && w.code[w.count - 1] > words)
        ok = false;
    if (ok) {
        memcpy(w.at, w.code, w.count * sizeof *w.at);
        w.stored_count = w.count;
        ok = pick_stored(r, &w, words);
    }
    if (ok) {
        memcpy(w.word, w.stored, w.count * sizeof *w.word);
        ok = keep_wanted(r, &w, words);
    }
    wanted_done(&w);
    return ok;
}

/* Codes of the rows picked, where they do not count the words. */
static bool pick_codes(struct reader *r, uint32_t words)
{
    struct picked p = {.value = NULL};
    bool ok = fl_cursor_u8(&r->cur) == 0 && find_picked(r, &p) &&
              fl_series_pick(r->s, &r->cur, r->present, 1, 1, p.at, p.count, p.value);

    for (uint32_t i = 0; i < r->picks && ok; i++)
        r->col->code[r->pick[i]] = 0;
    for (uint32_t i = 0; i < p.count && ok; i++) {
        ok = p.value[i] > 0 && p.value[i] <= words;
        r->col->code[p.row[i]] = (uint32_t)p.value[i];
    }
    free(p.value);
    return ok;
}

/* Codes of the present rows: 1..words. */
static bool read_codes(struct reader *r, uint32_t words, uint32_t *to)
{
    uint8_t first_use = fl_cursor_u8(&r->cur);

    if (r->cur.failed || first_use > 1 ||
        !fl_series_get32(r->s, &r->cur, r->present, first_use ? 0 : 1, to))
        return false;
    if (first_use)
        return r->kernel->first_use(to, r->present) == words &&
               r->kernel->max32(to, r->present) <= words;
    return r->kernel->max32(to, r->present) <= words &&
           r->kernel->count32(to, r->present) == r->present;
}

static bool read_direct(struct reader *r)
{
    uint32_t words = fl_cursor_u32(&r->cur), *front = NULL;
    bool ok;

    if (r->cur.failed || !fl_field_is_str(r->f) || words == 0 || words > r->present)
        return false;
    r->col->code = fl_vec_get(r->rows * sizeof *r->col->code);
    if (r->col->code != NULL && r->pick != NULL && r->cur.ptr < r->cur.end && *r->cur.ptr == 0)
        return pick_codes(r, words) && get_words(r, words) && fl_cursor_done(&r->cur);
    if (r->has != NULL)
        front = fl_vec_get(((size_t)r->present + 1) * sizeof *front);
    ok = r->col->code != NULL && (r->has == NULL || front != NULL) &&
         read_codes(r, words, front == NULL ? r->col->code : front);
    if (ok && front != NULL) {
        front[r->present] = 0;
        r->kernel->spread32(r->col->code, front, r->has, r->rows);
    }
    fl_vec_put(front);
    return ok && get_words(r, words) && fl_cursor_done(&r->cur);
}

/* ---- functions of another column ---- */

struct function {
    const struct fl_col *other;
    uint32_t *map;  /* by code of the other: the code here */
    uint32_t *from; /* by code here: 0 the next word that is stored, else the other's code */
    uint32_t words; /* stored */
    uint32_t count; /* of codes, 0 not counted */
    uint32_t limit; /* codes that from has room for */
    bool twins;     /* words of the same type can be the same */
};

static bool next_code(struct function *fn, uint32_t from, uint32_t *ret)
{
    if (fn->count == fn->limit)
        return false;
    fn->from[++fn->count] = from;
    *ret = fn->count;
    return true;
}

/* From what the map says to codes, in place. */
static bool number_map(struct function *fn)
{
    bool ok = true;

    for (uint32_t oc = 0; oc < fn->other->word_count && ok; oc++) {
        uint32_t k = fn->map[oc];

        if (k == FL_FUNCTION_TWIN)
            ok = fn->twins && oc != 0 && next_code(fn, oc, &fn->map[oc]);
        else if (k == FL_FUNCTION_NEW)
            ok = next_code(fn, 0, &fn->map[oc]);
        else if (k > FL_FUNCTION_NEW)
            ok = (fn->map[oc] = k - FL_FUNCTION_NEW) <= fn->count;
    }
    return ok;
}

/* Rows where the map is not right: gaps between them, and their codes (0: the next word). */
static bool read_exceptions(struct reader *r, struct function *fn)
{
    uint64_t n = fl_cursor_varint(&r->cur), row = 0;
    uint32_t *gap, *code;
    bool ok;

    if (r->cur.failed || n > r->rows)
        return false;
    gap = malloc((n + 1) * 2 * sizeof *gap);
    if (gap == NULL)
        return false;
    code = gap + n + 1;
    ok = n == 0 ||
         (fl_series_get32(r->s, &r->cur, n, 0, gap) && fl_series_get32(r->s, &r->cur, n, 0, code));
    for (uint64_t i = 0; i < n && ok; i++, row++) {
        uint32_t at = code[i];

        row += gap[i];
        ok = row < r->rows && (at == 0 ? next_code(fn, 0, &at) : at <= fn->count);
        if (ok)
            r->col->code[row] = at;
    }
    free(gap);
    return ok;
}

/* The words that are stored, and the other's twins between them, as one allocation. */
static bool join_words(struct reader *r, const struct function *fn)
{
    struct fl_span *all = calloc((size_t)fn->count + 1, sizeof *all), *copy = NULL;
    uint32_t stored = 0;
    size_t bytes;

    if (all == NULL)
        return false;
    for (uint32_t code = 1; code <= fn->count; code++) {
        if (fn->from[code] != 0)
            all[code] = fn->other->words[fn->from[code]];
        else if (++stored <= fn->words)
            all[code] = r->col->words[stored];
    }
    if (stored == fn->words)
        copy = fl_words_copy(all, fn->count + 1, &bytes);
    free(all);
    fl_vec_put(r->col->words);
    r->col->words = copy;
    r->col->word_count = copy == NULL ? 0 : fn->count + 1;
    return copy != NULL;
}

/* The same for picked rows. A word of the other column that none of them has there may be missing:
 * then r->again. */
static bool pick_joined(struct reader *r, const struct function *fn)
{
    uint32_t code = 0, stored = 0;
    struct wanted w;
    bool ok = find_wanted(r, &w);

    for (uint32_t i = 0; ok && i < w.count; i++) {
        for (; code < w.code[i]; code++)
            stored += fn->from[code + 1] == 0;
        if (fn->from[code] == 0)
            w.at[w.stored_count++] = stored;
        else if (fn->other->some_words && fn->other->words[fn->from[code]].ptr == NULL)
            r->again = true;
    }
    for (; ok && code < fn->count; code++)
        stored += fn->from[code + 1] == 0;
    ok =
        ok && !r->again && stored == fn->words && (fn->words == 0 || pick_stored(r, &w, fn->words));
    stored = 0;
    for (uint32_t i = 0; ok && i < w.count; i++) {
        uint32_t from = fn->from[w.code[i]];

        w.word[i] = from == 0 ? w.stored[stored++] : fn->other->words[from];
    }
    ok = ok && keep_wanted(r, &w, fn->count);
    wanted_done(&w);
    return ok;
}

static void map_picked(struct reader *r, const struct function *fn)
{
    for (uint32_t i = 0; i < r->picks; i++) {
        uint32_t row = r->pick[i];
        bool has = r->has == NULL || (r->has[row / 8] >> (row % 8) & 1) != 0;

        r->col->code[row] = has ? fn->map[fn->other->code[row]] : 0;
    }
}

static bool read_mapped(struct reader *r, struct function *fn)
{
    const struct fl_col *other = fn->other;

    if (!fl_series_get32(r->s, &r->cur, other->word_count, 0, fn->map) || !number_map(fn))
        return false;
    if (r->pick != NULL) {
        map_picked(r, fn);
    } else {
        r->kernel->lookup(r->col->code, fn->map, other->code, r->rows);
        if (r->has != NULL)
            r->kernel->mask32(r->col->code, r->has, r->rows);
    }
    if (!read_exceptions(r, fn))
        return false;
    if (r->pick != NULL)
        return pick_joined(r, fn) && fl_cursor_done(&r->cur);
    return r->kernel->count32(r->col->code, r->rows) == r->present &&
           (fn->words == 0 || read_words(r, fn->words)) && fl_cursor_done(&r->cur) &&
           join_words(r, fn);
}

static bool read_function(struct reader *r)
{
    uint16_t field = fl_cursor_u16(&r->cur);
    uint32_t words = fl_cursor_u32(&r->cur);
    struct function fn = {.words = words};
    bool ok = false;

    if (r->cur.failed || !fl_field_is_str(r->f) || field >= FL_FIELD_COUNT ||
        field == (uint16_t)r->f || words > r->rows)
        return false;
    fn.other = &r->block->col[field];
    if (fn.other->code == NULL || fn.other->word_count == 0)
        return false;
    fn.twins = fl_fields[field].type == fl_fields[r->f].type;
    fn.limit = r->rows;
    fn.map = fl_vec_get(((size_t)fn.other->word_count + fn.limit + 1) * sizeof *fn.map);
    r->col->code = fl_vec_get(r->rows * sizeof *r->col->code);
    if (fn.map != NULL && r->col->code != NULL) {
        fn.from = fn.map + fn.other->word_count;
        ok = read_mapped(r, &fn);
    }
    fl_vec_put(fn.map);
    return ok;
}

/* ---- */

static bool read_column(struct reader *r, struct fl_presences *p)
{
    enum fl_column2_encoding enc = (enum fl_column2_encoding)fl_cursor_u8(&r->cur);
    uint8_t presence = fl_cursor_u8(&r->cur);

    if (r->cur.failed || (presence > 0 && (p == NULL || presence > p->count || p->rows != r->rows ||
                                           !make_presence(r->s, p, presence - 1u))))
        return false;
    r->has = presence == 0 ? NULL : p->bits[presence - 1];
    r->present = presence == 0 ? r->rows : p->present[presence - 1];
    r->col->present = r->present;
    switch (enc) {
    case FL_ENC2_FRAME:
    case FL_ENC2_DIFF:
    case FL_ENC2_PREDICTED:
    case FL_ENC2_FOLLOWS:
        return read_numbers(r, enc);
    case FL_ENC2_WORDS:
        return read_direct(r);
    case FL_ENC2_FUNCTION:
        return read_function(r);
    }
    return false;
}

void fl_column2_forget(struct fl_col *col)
{
    bool loaded = col->loaded;

    free(col->num);
    free(col->has);
    free(col->code);
    free(col->words);
    *col = (struct fl_col){.loaded = loaded};
}

int fl_column2_decode(struct fl_series *s, struct fl_presences *p, enum fl_field f,
                      struct fl_span payload, struct fl_block *block, struct fl_err *err)
{
    return fl_column2_pick(s, p, f, payload, NULL, 0, block, err);
}

int fl_column2_pick(struct fl_series *s, struct fl_presences *p, enum fl_field f,
                    struct fl_span payload, const uint32_t *rows, uint32_t count,
                    struct fl_block *block, struct fl_err *err)
{
    struct fl_col *col = &block->col[f];
    struct reader r = {.s = s,
                       .kernel = fl_series_kernel(s),
                       .cur = fl_cursor_of(payload),
                       .f = f,
                       .block = block,
                       .col = col,
                       .rows = block->rows,
                       .pick = rows,
                       .picks = count};

    if (!read_column(&r, p)) {
        fl_column2_forget(col);
        if (r.again)
            return fl_err_set(err, FL_E_AGAIN, "column %s needs all words", fl_fields[f].ecs);
        return fl_err_set(err, FL_E_CORRUPT, "column %s is malformed", fl_fields[f].ecs);
    }
    block->bytes += block->rows * (col->num != NULL ? sizeof *col->num : sizeof *col->code);
    for (uint32_t i = 0; i < col->word_count; i++)
        block->bytes += sizeof *col->words + col->words[i].len;
    return FL_OK;
}
