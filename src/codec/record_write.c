#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codec/ip.h"
#include "codec/record.h"
#include "codec/record_form.h"
#include "codec/record_put.h"

/*
 * Values go into their columns as rows are added; strings are interned there, so that store meets
 * each distinct string of a batch once. Everything grows with use, and a writer that holds ten rows
 * touches some cache lines per column that the rows have, and nothing of the others.
 *
 * A column in which nearly every row had a string of its own gains nothing from that: for some
 * batches its strings are put one behind the other, as they come, and then it is looked at again.
 */
enum {
    CAP_FIRST = 16,   /* values, words */
    SLOTS_FIRST = 32, /* a power of two */
    BYTES_FIRST = 128,
    SHAPES = 64,        /* remembered by number: a power of two */
    PLAIN_VALUES = 256, /* fewer say nothing about a column */
    PLAIN_BATCHES = 32, /* until it is looked at again */
    ROW_BYTES = 2,      /* of the row's kind */
    FRONT_BYTES = 32,
    SLACK_BYTES = 8
};

/* What tells most strings apart without a look at their bytes: the whole of one with up to 16, else
 * its front. */
struct head {
    uint64_t a, b;
};

struct word {
    uint32_t at, len; /* in the column's bytes */
    uint32_t hash;
    struct head head;
};

struct slot {
    uint16_t tag;  /* the upper half of the hash; the lower says where the slot is */
    uint16_t word; /* from 1; 0: free */
};

struct dict {
    struct word *words;
    struct slot *slots;
    unsigned char *bytes;
    uint32_t count, cap; /* words */
    uint32_t mask;       /* slots in use - 1; at most slot_cap - 1 */
    uint32_t slot_cap;
    uint32_t bytes_len, bytes_cap;
    uint32_t last; /* word that came last: often the next one too */
    uint32_t last_len;
    struct head last_head;
    uint32_t plain; /* not 0: each value is a word, without codes; batches for which that stays */
};

struct column {
    uint32_t count, cap;
    union {
        uint64_t *num;
        uint16_t *code; /* words from 0 */
    } v;
    struct dict dict;
};

/* Rows with the same fields: what is the same for all of them. */
struct kind {
    struct fl_fieldset set;
    uint32_t cost;              /* bytes of a row at most, without new words */
    uint8_t numbers, ips, strs; /* how many of each stand in field[], in this order */
    uint8_t field[FL_FIELD_COUNT];
};

struct fl_batch_writer {
    uint64_t seed[2];
    uint32_t rows;
    size_t bound;  /* bytes that finishing gives at most */
    size_t memory; /* allocated */
    uint32_t kind_cap;
    struct kind *kinds; /* as many as kind.dict has words, whose bytes are the field sets */
    struct kind fresh;  /* of a row whose like was not here before */
    struct column kind; /* of each row */
    uint64_t serial;    /* of the batch, from 1 */
    struct {
        uint64_t serial;
        uint32_t number, word;
    } shape[SHAPES];
    bool stray; /* words or kinds are in no row */
    struct fl_fieldset known;
    struct column col[FL_FIELD_COUNT];
};

int fl_batch_writer_new(struct fl_batch_writer **ret, struct fl_err *err)
{
    struct fl_batch_writer *w = calloc(1, sizeof *w);

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a batch of rows");
    w->memory = sizeof *w;
    w->bound = FRONT_BYTES;
    w->serial = 1;
    w->known = fl_fieldset_all();
    fl_batch_writer_seed(w, 0);
    *ret = w;
    return FL_OK;
}

/* splitmix64 */
static uint64_t stir(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void fl_batch_writer_seed(struct fl_batch_writer *w, uint64_t seed)
{
    w->seed[0] = stir(&seed);
    w->seed[1] = stir(&seed);
}

static void column_free(struct column *col, bool number)
{
    if (number)
        free(col->v.num);
    else
        free(col->v.code);
    free(col->dict.words);
    free(col->dict.slots);
    free(col->dict.bytes);
}

void fl_batch_writer_free(struct fl_batch_writer *w)
{
    if (w == NULL)
        return;
    for (int f = 0; f < FL_FIELD_COUNT; f++)
        column_free(&w->col[f], !fl_field_is_str((enum fl_field)f));
    column_free(&w->kind, false);
    free(w->kinds);
    free(w);
}

uint32_t fl_batch_rows(const struct fl_batch_writer *w)
{
    return w->rows;
}

size_t fl_batch_bytes(const struct fl_batch_writer *w)
{
    return w->bound;
}

size_t fl_batch_memory(const struct fl_batch_writer *w)
{
    return w->memory;
}

/* ---- growing ---- */

/* Room for one more than count items; *at and *cap grow. */
static bool grow(struct fl_batch_writer *w, void *at, uint32_t *cap, size_t item, uint32_t need,
                 uint32_t first)
{
    uint32_t to = *cap == 0 ? first : *cap;
    void *old, *grown;

    while (to < need)
        to *= 2;
    memcpy(&old, at, sizeof old);
    grown = realloc(old, to * item);
    if (grown == NULL)
        return false;
    memcpy(at, &grown, sizeof grown);
    w->memory += (to - *cap) * item;
    *cap = to;
    return true;
}

static inline bool room_for_value(struct fl_batch_writer *w, struct column *col, bool number)
{
    return col->count < col->cap ||
           grow(w, &col->v, &col->cap, number ? sizeof *col->v.num : sizeof *col->v.code,
                col->count + 1, CAP_FIRST);
}

/* ---- interning ---- */

static inline uint64_t load64(const unsigned char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load32(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline struct head head_of(const unsigned char *p, size_t n)
{
    if (n >= 8)
        return (struct head){load64(p), load64(n <= 16 ? p + n - 8 : p + 8)};
    if (n >= 4)
        return (struct head){load32(p), load32(p + n - 4)};
    if (n == 0)
        return (struct head){0, 0};
    return (struct head){(uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1], 0};
}

/* In the manner of wyhash: multiply wide, fold. The seed is secret, so that nobody who sends lines
 * can make words collide. */
static inline uint32_t hash_of(const uint64_t seed[2], struct fl_span s, struct head head)
{
    uint64_t state = mix(head.a ^ seed[0], head.b ^ seed[1] ^ s.len);
    size_t i = 16;

    for (; i + 16 < s.len; i += 16)
        state = mix(load64(s.ptr + i) ^ seed[0], load64(s.ptr + i + 8) ^ state);
    if (s.len > 16)
        state = mix(load64(s.ptr + s.len - 16) ^ seed[0], load64(s.ptr + s.len - 8) ^ state);
    return (uint32_t)(state >> 16);
}

/* Equal behind the heads, which are equal, as the lengths are? */
static inline bool same_rest(const struct dict *d, uint32_t at, struct fl_span s)
{
    return s.len <= 16 || memcmp(d->bytes + at + 16, s.ptr + 16, s.len - 16) == 0;
}

static inline bool is_word(const struct dict *d, uint32_t word, struct fl_span s, struct head head)
{
    const struct word *have = &d->words[word];

    return ((have->head.a ^ head.a) | (have->head.b ^ head.b) | (have->len ^ s.len)) == 0 &&
           same_rest(d, have->at, s);
}

static inline bool is_last(const struct dict *d, struct fl_span s, struct head head)
{
    return ((d->last_head.a ^ head.a) | (d->last_head.b ^ head.b) | (d->last_len ^ s.len)) == 0 &&
           d->count > 0 && same_rest(d, d->words[d->last].at, s);
}

/* The slot of the word, or the free one where it belongs. */
static inline struct slot *slot_of(const struct dict *d, struct fl_span s, struct head head,
                                   uint32_t hash)
{
    uint32_t i = hash & d->mask, tag = hash >> 16;

    while (d->slots[i].word != 0 &&
           (d->slots[i].tag != tag || !is_word(d, d->slots[i].word - 1u, s, head)))
        i = (i + 1) & d->mask;
    return &d->slots[i];
}

/* Twice the slots, or the first ones. */
static bool widen(struct fl_batch_writer *w, struct dict *d)
{
    uint32_t slots = d->slot_cap == 0 ? SLOTS_FIRST : (d->mask + 1) * 2;

    if (slots > d->slot_cap && !grow(w, &d->slots, &d->slot_cap, sizeof *d->slots, slots, slots))
        return false;
    d->mask = slots - 1;
    memset(d->slots, 0, slots * sizeof *d->slots);
    for (uint32_t k = 0; k < d->count; k++) {
        uint32_t i = d->words[k].hash & d->mask;

        while (d->slots[i].word != 0)
            i = (i + 1) & d->mask;
        d->slots[i] = (struct slot){(uint16_t)(d->words[k].hash >> 16), (uint16_t)(k + 1)};
    }
    return true;
}

/* Room for one more word. */
static inline bool room_for_word(struct fl_batch_writer *w, struct dict *d, size_t len)
{
    if (d->count == d->cap &&
        !grow(w, &d->words, &d->cap, sizeof *d->words, d->count + 1, CAP_FIRST))
        return false;
    return d->bytes_cap - d->bytes_len >= len ||
           grow(w, &d->bytes, &d->bytes_cap, 1, d->bytes_len + (uint32_t)len, BYTES_FIRST);
}

/* At most half of the slots are taken, so that chains stay short. */
static bool add_word(struct fl_batch_writer *w, struct dict *d, struct fl_span s, struct head head,
                     uint32_t hash)
{
    if ((d->slot_cap == 0 || d->count * 2 > d->mask) && !widen(w, d))
        return false;
    if (!room_for_word(w, d, s.len))
        return false;
    *slot_of(d, s, head, hash) = (struct slot){(uint16_t)(hash >> 16), (uint16_t)(d->count + 1)};
    d->words[d->count++] = (struct word){d->bytes_len, (uint32_t)s.len, hash, head};
    if (s.len > 0)
        memcpy(d->bytes + d->bytes_len, s.ptr, s.len);
    d->bytes_len += (uint32_t)s.len;
    w->bound += s.len + FL_BATCH_WORD_BYTES;
    return true;
}

/* Makes it d->last; false: no memory. */
static inline bool intern(struct fl_batch_writer *w, struct dict *d, struct fl_span s)
{
    struct head head = head_of(s.ptr, s.len);
    const struct slot *slot = NULL;
    uint32_t hash;

    if (is_last(d, s, head))
        return true;
    hash = hash_of(w->seed, s, head);
    if (d->slot_cap > 0)
        slot = slot_of(d, s, head, hash);
    if (slot != NULL && slot->word != 0)
        d->last = slot->word - 1u;
    else if (add_word(w, d, s, head, hash))
        d->last = d->count - 1;
    else
        return false;
    d->last_head.a = head.a; /* one by one: the processor forwards what it stored just now */
    d->last_head.b = head.b;
    d->last_len = (uint32_t)s.len;
    return true;
}

/* ---- rows ---- */

static void put_set(const struct fl_fieldset *set, unsigned char ret[FL_BATCH_SET_BYTES])
{
    for (size_t i = 0; i < FL_BATCH_SET_BYTES; i++)
        ret[i] = (unsigned char)(set->bits[i / 8] >> (i % 8 * 8));
}

static void kind_make(struct kind *kind, const struct fl_fieldset *set)
{
    *kind = (struct kind){.set = *set, .cost = ROW_BYTES};
    for (int pass = 0; pass < 3; pass++) {
        uint8_t n = 0, from = (uint8_t)(kind->numbers + kind->ips);

        for (int i = 0; i < FL_FIELD_COUNT; i++) {
            enum fl_type type = fl_fields[i].type;
            int turn = type == FL_T_IP ? 1 : type == FL_T_STR ? 2 : 0;

            if (turn != pass || !fl_fieldset_has(set, (enum fl_field)i))
                continue;
            kind->field[from + n++] = (uint8_t)i;
            kind->cost += pass == 0 ? 8 : 2;
        }
        *(pass == 0 ? &kind->numbers : pass == 1 ? &kind->ips : &kind->strs) = n;
    }
}

static bool same_set(const struct fl_fieldset *a, const struct fl_fieldset *b)
{
    return ((a->bits[0] ^ b->bits[0]) | (a->bits[1] ^ b->bits[1])) == 0;
}

/* The kind of rows with these fields, if there was one; it becomes the last. */
static const struct kind *kind_find(struct fl_batch_writer *w, const struct fl_fieldset *set)
{
    struct dict *d = &w->kind.dict;
    unsigned char bytes[FL_BATCH_SET_BYTES];
    struct fl_span s = fl_span_of(bytes, sizeof bytes);
    struct head head;

    if (d->count == 0)
        return NULL;
    if (same_set(&w->kinds[d->last].set, set))
        return &w->kinds[d->last];
    put_set(set, bytes);
    head = head_of(bytes, sizeof bytes);
    if (slot_of(d, s, head, hash_of(w->seed, s, head))->word == 0)
        return NULL;
    (void)intern(w, d, s); /* it is there */
    return &w->kinds[d->last];
}

static const struct kind *kind_add(struct fl_batch_writer *w, const struct kind *fresh)
{
    struct dict *d = &w->kind.dict;
    unsigned char bytes[FL_BATCH_SET_BYTES];

    put_set(&fresh->set, bytes);
    if (d->count == w->kind_cap &&
        !grow(w, &w->kinds, &w->kind_cap, sizeof *w->kinds, d->count + 1, 4))
        return NULL;
    if (!intern(w, d, fl_span_of(bytes, sizeof bytes)))
        return NULL;
    w->kinds[d->last] = *fresh;
    for (int i = 0; i < fresh->numbers + fresh->ips + fresh->strs; i++)
        w->bound += w->col[fresh->field[i]].count == 0 ? FL_BATCH_COLUMN_BYTES : 0;
    return &w->kinds[d->last];
}

/* What the row adds at most, new words included. */
static int cost_of(const struct fl_event *ev, const struct kind *kind, size_t *ret_bytes,
                   struct fl_err *err)
{
    const uint8_t *f = kind->field + kind->numbers;
    size_t strings = (size_t)kind->ips + kind->strs, longest = 0;
    size_t bytes = kind->cost + FL_BATCH_SET_BYTES + FL_BATCH_WORD_BYTES +
                   (kind->numbers + strings) * (FL_BATCH_WORD_BYTES + FL_BATCH_COLUMN_BYTES);

    for (size_t k = 0; k < strings; k++) {
        size_t len = ev->v[f[k]].str.len;

        if (k < kind->ips && len != FL_IP_BYTES)
            return fl_err_set(err, FL_E_INVAL, "%s has %zu bytes, not %d", fl_fields[f[k]].ecs, len,
                              FL_IP_BYTES);
        bytes += len;
        longest = len > longest ? len : longest;
    }
    if (longest > FL_STR_MAX)
        return fl_err_set(err, FL_E_INVAL, "a string of %zu bytes, more than %zu", longest,
                          FL_STR_MAX);
    *ret_bytes = bytes;
    return FL_OK;
}

static int full(const struct fl_batch_writer *w, struct fl_err *err)
{
    if (w->rows == 0)
        return fl_err_set(err, FL_E_INVAL, "the row is larger than a batch of %zu bytes",
                          FL_BATCH_MAX_BYTES);
    return fl_err_set(err, FL_E_LIMIT, "the batch is full with %" PRIu32 " rows", w->rows);
}

/* Where the shape's number was here before, no byte of it is looked at. */
static bool add_shape(struct fl_batch_writer *w, const struct fl_event *ev, struct dict *d)
{
    uint32_t at = ev->shape_no % SHAPES;

    if (ev->shape_no != 0 && w->shape[at].number == ev->shape_no &&
        w->shape[at].serial == w->serial) {
        if (d->last != w->shape[at].word)
            d->last_len = UINT32_MAX; /* its head was not looked at: no string has this length */
        d->last = w->shape[at].word;
        return true;
    }
    if (!intern(w, d, ev->v[FL_F_SHAPE].str))
        return false;
    w->shape[at].serial = w->serial;
    w->shape[at].number = ev->shape_no;
    w->shape[at].word = d->last;
    return true;
}

static inline bool add_plain(struct fl_batch_writer *w, struct column *col, struct fl_span s)
{
    struct dict *d = &col->dict;

    if (!room_for_word(w, d, s.len))
        return false;
    d->words[d->count].at = d->bytes_len;
    d->words[d->count++].len = (uint32_t)s.len;
    if (s.len == FL_IP_BYTES) /* without a call */
        memcpy(d->bytes + d->bytes_len, s.ptr, FL_IP_BYTES);
    else if (s.len > 0)
        memcpy(d->bytes + d->bytes_len, s.ptr, s.len);
    d->bytes_len += (uint32_t)s.len;
    w->bound += s.len + FL_BATCH_WORD_BYTES;
    col->count++;
    return true;
}

static inline bool add_string(struct fl_batch_writer *w, const struct fl_event *ev, unsigned f)
{
    struct column *col = &w->col[f];

    if (col->dict.plain != 0)
        return add_plain(w, col, ev->v[f].str);
    if (f == FL_F_SHAPE ? !add_shape(w, ev, &col->dict) : !intern(w, &col->dict, ev->v[f].str))
        return false;
    if (!room_for_value(w, col, false))
        return false;
    col->v.code[col->count++] = (uint16_t)col->dict.last;
    return true;
}

static inline bool add_number(struct fl_batch_writer *w, const struct fl_event *ev, unsigned f)
{
    struct column *col = &w->col[f];

    if (!room_for_value(w, col, true))
        return false;
    col->v.num[col->count++] =
        ev->v[f].num - (fl_batch_from_time((enum fl_field)f) ? fl_event_get_num(ev, FL_F_TIME) : 0);
    return true;
}

static bool add_values(struct fl_batch_writer *w, const struct fl_event *ev,
                       const struct kind *kind, int *ret_done)
{
    int i = 0, numbers = kind->numbers, all = numbers + kind->ips + kind->strs;

    for (; i < numbers; i++) {
        if (!add_number(w, ev, kind->field[i]))
            break;
    }
    for (; i >= numbers && i < all; i++) {
        if (!add_string(w, ev, kind->field[i]))
            break;
    }
    *ret_done = i;
    return i == all;
}

/* The value that was added last; its word stays where it is a shared one. */
static void take_back(struct column *col)
{
    col->count--;
    if (col->dict.plain != 0)
        col->dict.bytes_len -= col->dict.words[--col->dict.count].len;
}

static int no_memory(struct fl_batch_writer *w, struct fl_err *err)
{
    w->stray = true;
    return fl_err_set(err, FL_E_NOMEM, "no memory for a row");
}

int fl_batch_add(struct fl_batch_writer *w, const struct fl_event *ev, struct fl_err *err)
{
    struct fl_fieldset set = {
        {ev->has.bits[0] & w->known.bits[0], ev->has.bits[1] & w->known.bits[1]}};
    const struct kind *kind = kind_find(w, &set);
    struct column *rows = &w->kind;
    size_t cost = 0;
    int r, done = 0;

    if (kind == NULL)
        kind_make(&w->fresh, &set);
    r = cost_of(ev, kind == NULL ? &w->fresh : kind, &cost, err);
    if (r < 0)
        return r;
    if (w->rows == FL_BATCH_MAX_ROWS || w->bound + cost > FL_BATCH_MAX_BYTES)
        return full(w, err);
    if (kind == NULL)
        kind = kind_add(w, &w->fresh);
    if (kind == NULL || !room_for_value(w, rows, false))
        return no_memory(w, err);
    if (!add_values(w, ev, kind, &done)) {
        while (done-- > 0)
            take_back(&w->col[kind->field[done]]);
        return no_memory(w, err);
    }
    rows->v.code[rows->count++] = (uint16_t)rows->dict.last;
    w->bound += kind->cost;
    w->rows++;
    return FL_OK;
}

/* ---- bytes ---- */

static unsigned char *put_numbers(unsigned char *p, struct column *col, enum fl_type type)
{
    uint64_t *v = col->v.num, flip = type == FL_T_TIME ? UINT64_C(1) << 63 : 0;
    uint64_t least = UINT64_MAX, most = 0, range;
    unsigned scale = 0, width;

    for (uint32_t i = 0; i < col->count; i++) { /* flip: signed order */
        uint64_t at = v[i] ^ flip;

        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    range = col->count == 0 ? 0 : most - least;
    least = col->count == 0 ? 0 : least ^ flip;
    if (type == FL_T_TIME && range > UINT16_MAX)
        scale = scale_of(v, col->count, least);
    width = bytes_of(range / fl_batch_scale[scale]);
    *p++ = (unsigned char)(width | scale << FL_BATCH_SCALE_SHIFT);
    p = put_varint(p, zigzag(least));
    if (scale > 0) {
        for (uint32_t i = 0; i < col->count; i++)
            v[i] = (v[i] - least) / fl_batch_scale[scale];
        least = 0;
    }
    return put_values(p, v, col->count, least, width);
}

static unsigned char *put_codes(unsigned char *p, const struct column *col, unsigned width)
{
    if (width == 1) {
        for (uint32_t i = 0; i < col->count; i++)
            p[i] = (unsigned char)col->v.code[i];
    } else if (width == 2 && col->count > 0) {
        memcpy(p, col->v.code, col->count * sizeof *col->v.code);
    }
    return p + width * (size_t)col->count;
}

static bool all_v4(const struct dict *d)
{
    static const unsigned char front[FL_IP_BYTES - 4] = {[10] = 0xff, [11] = 0xff};

    for (uint32_t k = 0; k < d->count; k++) {
        if (memcmp(d->bytes + d->words[k].at, front, sizeof front) != 0)
            return false;
    }
    return true;
}

static unsigned char *put_addresses(unsigned char *p, const struct dict *d, bool v4)
{
    if (!v4) {
        if (d->bytes_len > 0)
            memcpy(p, d->bytes, d->bytes_len);
        return p + d->bytes_len;
    }
    for (uint32_t k = 0; k < d->count; k++, p += 4)
        memcpy(p, d->bytes + d->words[k].at + FL_IP_BYTES - 4, 4);
    return p;
}

static unsigned char *put_lengths(unsigned char *p, const struct dict *d, unsigned width)
{
    for (uint32_t k = 0; k < d->count; k++, p += width)
        memcpy(p, &d->words[k].len, sizeof d->words[k].len);
    return p;
}

static unsigned char *put_strings(unsigned char *p, const struct dict *d, unsigned len_form)
{
    p = put_lengths(p, d, 1u << len_form);
    if (d->bytes_len > 0)
        memcpy(p, d->bytes, d->bytes_len);
    return p + d->bytes_len;
}

static unsigned char *put_words(unsigned char *p, const struct column *col, enum fl_type type,
                                bool stray)
{
    const struct dict *d = &col->dict;
    unsigned width = d->count <= 1 ? 0 : d->count <= 256 ? 1 : 2, len_form;
    bool own = d->count == col->count && d->count > 1 && (!stray || d->plain != 0);
    unsigned form = own ? FL_BATCH_CODE_OWN : width;
    uint32_t longest = 0;

    if (type == FL_T_IP) {
        bool v4 = all_v4(d);

        *p++ = (unsigned char)(form | (v4 ? FL_BATCH_V4 : 0));
        p = put_addresses(put_varint(p, d->count), d, v4);
    } else {
        for (uint32_t k = 0; k < d->count; k++)
            longest = d->words[k].len > longest ? d->words[k].len : longest;
        len_form = longest <= UINT8_MAX ? 0 : longest <= UINT16_MAX ? 1 : 2;
        *p++ = (unsigned char)(form | len_form << FL_BATCH_LEN_SHIFT);
        p = put_strings(put_varint(p, d->count), d, len_form);
    }
    return own ? p : put_codes(p, col, width);
}

static unsigned char *put_kinds(const struct fl_batch_writer *w, unsigned char *p,
                                struct fl_fieldset *ret_any)
{
    uint32_t kinds = w->kind.dict.count;

    *ret_any = (struct fl_fieldset){{0, 0}};
    p = put_varint(p, kinds);
    for (uint32_t k = 0; k < kinds; k++) {
        const struct fl_fieldset *set = &w->kinds[k].set;
        size_t n = FL_BATCH_SET_BYTES;

        put_set(set, p + 1);
        while (n > 1 && p[n] == 0)
            n--;
        *p = (unsigned char)n;
        p += 1 + n;
        ret_any->bits[0] |= set->bits[0];
        ret_any->bits[1] |= set->bits[1];
    }
    return put_codes(p, &w->kind, kinds <= 1 ? 0 : kinds <= 256 ? 1 : 2);
}

/* How the next batch does it. */
static void plan(struct column *col, bool addresses)
{
    struct dict *d = &col->dict;

    if (d->plain != 0)
        d->plain--;
    else if (col->count >= PLAIN_VALUES &&
             d->count > (addresses ? col->count / 2 : col->count / 4 * 3))
        d->plain = PLAIN_BATCHES;
}

static void column_clear(struct column *col)
{
    struct dict *d = &col->dict;
    uint32_t slots = SLOTS_FIRST;

    col->count = 0;
    d->bytes_len = d->last = 0;
    if (d->slot_cap == 0 || d->plain != 0) {
        d->count = 0;
        return;
    }
    while (slots <= d->count * 2 && slots < d->slot_cap)
        slots *= 2; /* the next batch will hold as many */
    d->mask = slots - 1;
    memset(d->slots, 0, slots * sizeof *d->slots);
    d->count = 0;
}

void fl_batch_clear(struct fl_batch_writer *w)
{
    for (int f = 0; f < FL_FIELD_COUNT; f++) {
        if (w->col[f].count == 0 && !w->stray)
            continue;
        plan(&w->col[f], fl_fields[f].type == FL_T_IP);
        column_clear(&w->col[f]);
    }
    column_clear(&w->kind);
    w->rows = 0;
    w->bound = FRONT_BYTES;
    w->serial++;
    w->stray = false;
}

int fl_batch_finish(struct fl_batch_writer *w, struct fl_buf *out, struct fl_err *err)
{
    unsigned char *start = fl_buf_reserve(out, w->bound + SLACK_BYTES), *p = start;
    struct fl_fieldset any;

    if (start == NULL) /* the rows are still here for another try */
        return fl_buf_status(out, err);
    memcpy(p, "FB\2\0", 4);
    p = put_kinds(w, put_varint(p + 4, w->rows), &any);
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;

        if (!fl_fieldset_has(&any, f))
            continue;
        p = fl_field_is_str(f) ? put_words(p, &w->col[i], fl_fields[i].type, w->stray)
                               : put_numbers(p, &w->col[i], fl_fields[i].type);
    }
    assert((size_t)(p - start) <= w->bound);
    out->len += (size_t)(p - start);
    fl_batch_clear(w);
    return FL_OK;
}
