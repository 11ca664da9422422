/* The writer of columns of version 2: declared in column2.h. */
#include <stdlib.h>
#include <string.h>

#include "logs/column2.h"

enum { IP_BYTES = 16, MAPPED_BYTES = 12, EXCEPTIONS_PART = 32, FIRST_USE_PART = 16 };
enum { NEAR = 4096 /* steps of a counter that is followed */, FEW = 512 };

/* Whose words may tell those of another column, best guess first. No column stands on both sides,
 * so that one step is enough to read any. */
static const struct {
    enum fl_field f, by[2]; /* FL_FIELD_COUNT ends the list */
} functions[] = {
    {FL_F_SITE, {FL_F_DEVICE, FL_FIELD_COUNT}},
    {FL_F_HOST, {FL_F_DEVICE, FL_FIELD_COUNT}},
    {FL_F_VENDOR, {FL_F_DEVICE, FL_F_TAG}},
    {FL_F_PRODUCT, {FL_F_DEVICE, FL_F_TAG}},
    {FL_F_FORMAT, {FL_F_TAG, FL_F_DEVICE}},
    {FL_F_PROGRAM, {FL_F_TAG, FL_FIELD_COUNT}},
    {FL_F_ACTION, {FL_F_TAG, FL_FIELD_COUNT}},
    {FL_F_SHAPE, {FL_F_TAG, FL_FIELD_COUNT}},
    {FL_F_EXTRA, {FL_F_TAG, FL_FIELD_COUNT}},
    {FL_F_SERVICE, {FL_F_TAG, FL_FIELD_COUNT}},
    {FL_F_REASON, {FL_F_TAG, FL_FIELD_COUNT}},
    {FL_F_PROFILE, {FL_F_TAG, FL_FIELD_COUNT}},
    {FL_F_RULE, {FL_F_TAG, FL_FIELD_COUNT}},
    {FL_F_SRC_ZONE, {FL_F_TAG, FL_F_DEVICE}},
    {FL_F_DST_ZONE, {FL_F_TAG, FL_F_DEVICE}},
    {FL_F_IN_IF, {FL_F_TAG, FL_F_DEVICE}},
    {FL_F_OUT_IF, {FL_F_TAG, FL_F_DEVICE}},
    {FL_F_INSTANCE, {FL_F_TAG, FL_F_DEVICE}},
    {FL_F_CATEGORY, {FL_F_APP, FL_FIELD_COUNT}},
    {FL_F_APP_NESTED, {FL_F_APP, FL_FIELD_COUNT}},
    {FL_F_APP_OUTER, {FL_F_APP, FL_FIELD_COUNT}},
    {FL_F_USER, {FL_F_SRC_IP, FL_FIELD_COUNT}},
    {FL_F_ROLES, {FL_F_SRC_IP, FL_FIELD_COUNT}},
    {FL_F_SRC_NAT_IP, {FL_F_DEVICE, FL_F_SRC_IP}},
    {FL_F_DST_NAT_IP, {FL_F_DST_IP, FL_FIELD_COUNT}},
    {FL_F_URL, {FL_F_HOSTNAME, FL_FIELD_COUNT}},
    {FL_F_DOMAIN, {FL_F_HOSTNAME, FL_FIELD_COUNT}},
    {FL_F_URL_CATEGORY, {FL_F_HOSTNAME, FL_FIELD_COUNT}},
};

struct ranks {       /* of a column that others may lean on: the codes as they will be read */
    uint32_t *order; /* order[rank] = the block's code, from rank 1; order[0] = 0 */
    uint32_t used;   /* ranks */
};

struct fl_column2_writer {
    struct fl_series *series;
    const struct fl_kernel *kernel;
    const struct fl_block *block;
    struct {
        uint32_t rows, count, present[FL_FIELD_COUNT];
        uint8_t *bits[FL_FIELD_COUNT];
    } shared;         /* bitmaps of presence */
    uint8_t *bitmaps; /* room for those of all columns */
    uint8_t presence[FL_FIELD_COUNT];
    struct ranks ranks[FL_FIELD_COUNT]; /* order NULL: not known */
    uint64_t v[FL_SERIES_MAX], w[FL_SERIES_MAX];
    uint32_t codes[FL_SERIES_MAX], gap[FL_SERIES_MAX], exception[FL_SERIES_MAX];
    uint32_t *map, *order; /* by code of a column; map is all zero between two uses */
    size_t map_cap, order_cap;
    struct fl_buf words;
};

int fl_column2_writer_new(struct fl_column2_writer **ret, struct fl_err *err)
{
    struct fl_column2_writer *w = calloc(1, sizeof *w);
    int r;

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to encode columns");
    fl_buf_init(&w->words, FL_WORDS_MAX_BYTES);
    w->bitmaps = malloc((size_t)FL_FIELD_COUNT * FL_BLOCK_MAX_ROWS / 8);
    r = w->bitmaps == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory to encode columns")
                           : fl_series_new(&w->series, err);
    if (r < 0) {
        fl_column2_writer_free(w);
        return r;
    }
    w->kernel = fl_series_kernel(w->series);
    *ret = w;
    return FL_OK;
}

static void forget_ranks(struct fl_column2_writer *w)
{
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        free(w->ranks[f].order);
        w->ranks[f] = (struct ranks){NULL, 0};
    }
}

void fl_column2_writer_free(struct fl_column2_writer *w)
{
    if (w == NULL)
        return;
    forget_ranks(w);
    fl_series_free(w->series);
    fl_buf_done(&w->words);
    free(w->bitmaps);
    free(w->map);
    free(w->order);
    free(w);
}

struct fl_column2_writer *fl_column2_rest(struct fl_column2_writer *w)
{
    forget_ranks(w);
    w->block = NULL;
    fl_buf_done(&w->words);
    return w;
}

struct fl_series *fl_column2_series(struct fl_column2_writer *w)
{
    return w->series;
}

/* ---- presences ---- */

/* The column's bitmap at the end of those that are shared already; joins an equal one. */
static void share_presence(struct fl_column2_writer *w, const struct fl_col *col, size_t f)
{
    const uint32_t rows = w->shared.rows;
    size_t bytes = (rows + 7) / 8;
    uint8_t *bits = w->bitmaps + w->shared.count * bytes;

    if (col->code != NULL)
        (void)w->kernel->bits32(bits, col->code, rows);
    else
        memcpy(bits, col->has, bytes);
    if (rows % 8 != 0) /* padding bits */
        bits[bytes - 1] &= (uint8_t)((1u << (rows % 8)) - 1);
    for (uint32_t i = 0; i < w->shared.count; i++) {
        if (w->shared.present[i] == col->present && memcmp(w->shared.bits[i], bits, bytes) == 0) {
            w->presence[f] = (uint8_t)(i + 1);
            return;
        }
    }
    w->shared.bits[w->shared.count] = bits;
    w->shared.present[w->shared.count++] = col->present;
    w->presence[f] = (uint8_t)w->shared.count;
}

static bool grow(uint32_t **at, size_t *cap, size_t count)
{
    if (count <= *cap)
        return true;
    free(*at);
    *at = calloc(count, sizeof **at);
    *cap = *at == NULL ? 0 : count;
    return *at != NULL;
}

int fl_column2_begin(struct fl_column2_writer *w, const struct fl_block *block, struct fl_err *err)
{
    size_t words = 1;

    w->block = block;
    w->shared.rows = block->rows;
    w->shared.count = 0;
    forget_ranks(w);
    memset(w->presence, 0, sizeof w->presence);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct fl_col *col = &block->col[f];

        if (col->present > 0 && col->present < block->rows)
            share_presence(w, col, f);
        if (col->present > 0 && col->word_count > words)
            words = col->word_count;
    }
    if (!grow(&w->map, &w->map_cap, words) || !grow(&w->order, &w->order_cap, words + 1))
        return fl_err_set(err, FL_E_NOMEM, "no memory to encode columns");
    return FL_OK;
}

void fl_column2_presences(struct fl_column2_writer *w, struct fl_buf *out)
{
    if (w->shared.count == 0)
        return;
    fl_buf_put_u8(out, (uint8_t)w->shared.count);
    for (uint32_t i = 0; i < w->shared.count; i++)
        fl_section_put(w->series, fl_span_of(w->shared.bits[i], (w->shared.rows + 7) / 8), out);
}

static const uint8_t *has_of(const struct fl_column2_writer *w, enum fl_field f)
{
    return w->presence[f] == 0 ? NULL : w->shared.bits[w->presence[f] - 1];
}

static void put_head(const struct fl_column2_writer *w, enum fl_column2_encoding enc,
                     enum fl_field f, struct fl_buf *out)
{
    fl_buf_put_u8(out, (uint8_t)enc);
    fl_buf_put_u8(out, w->presence[f]);
}

/* ---- numbers ---- */

struct frame {
    uint64_t base, scale, most; /* most: of (v - base) / scale */
};

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* x with x * odd = 1 modulo 2^64 (Newton; each step doubles the bits that are right). */
static uint64_t inverse_of(uint64_t odd)
{
    uint64_t x = odd * 3 ^ 2;

    for (unsigned i = 0; i < 4; i++)
        x *= 2 - odd * x;
    return x;
}

struct divisor { /* exact division by multiplication (Warren, "Hacker's Delight" 10-16) */
    uint64_t inverse, most;
    unsigned shift;
};

static struct divisor divisor_of(uint64_t scale)
{
    unsigned shift = (unsigned)__builtin_ctzll(scale);

    return (struct divisor){inverse_of(scale >> shift), UINT64_MAX / scale, shift};
}

/* v - base is a multiple of what d stands for where this is not more than d->most. */
static uint64_t quotient(const struct divisor *d, uint64_t x)
{
    uint64_t q = x * d->inverse;

    return d->shift == 0 ? q : q >> d->shift | q << (64 - d->shift);
}

/* The greatest number that divides all v - base, which are not all 0. */
static uint64_t scale_of(const uint64_t *v, size_t n, uint64_t base)
{
    uint64_t scale = 0;
    struct divisor d = {0, 0, 0};

    for (size_t i = 0; i < n && scale != 1; i++) {
        if (scale != 0 && quotient(&d, v[i] - base) <= d.most)
            continue;
        scale = gcd(v[i] - base, scale);
        if (scale != 0)
            d = divisor_of(scale);
    }
    return scale == 0 ? 1 : scale;
}

/* is_signed: numbers are ordered as int64_t (times, differences). */
static struct frame frame_of(const struct fl_column2_writer *w, const uint64_t *v, size_t n,
                             bool is_signed)
{
    const uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0;
    uint64_t least, most;
    struct frame fr = {0, 1, 0};

    if (n == 0)
        return fr;
    w->kernel->range64(v, n, flip, &least, &most);
    fr.base = least ^ flip;
    if (least == most)
        return fr;
    fr.scale = scale_of(v, n, fr.base);
    fr.most = (most - least) / fr.scale;
    return fr;
}

static unsigned bytes_of(const struct frame *fr)
{
    return fr->most == 0 ? 0 : (unsigned)(71 - __builtin_clzll(fr->most)) / 8;
}

/* v becomes k. */
static void put_frame(struct fl_column2_writer *w, struct fl_buf *out, uint64_t *v, size_t n,
                      const struct frame *fr)
{
    struct divisor d = divisor_of(fr->scale);

    fl_buf_put_u64(out, fr->base);
    fl_buf_put_varint(out, fr->scale);
    for (size_t i = 0; i < n; i++)
        v[i] -= fr->base;
    for (size_t i = 0; fr->scale != 1 && i < n; i++)
        v[i] = quotient(&d, v[i]);
    fl_series_put(w->series, v, n, out);
}

/* Values of rows that have one to the front; to may be from. */
static size_t gather(const struct fl_column2_writer *w, const uint64_t *from, const uint8_t *has,
                     uint64_t *to)
{
    if (has != NULL)
        return w->kernel->gather64(to, from, has, w->block->rows);
    memcpy(to, from, w->block->rows * sizeof *to);
    return w->block->rows;
}

/* w->w -= factor * the other column's value, where the row has one. */
static void take_term(struct fl_column2_writer *w, const struct fl_term *term)
{
    const struct fl_col *from = &w->block->col[term->from];
    const uint8_t *has = has_of(w, term->from);
    const uint64_t factor = (uint64_t)term->factor;

    if (from->present == 0)
        return;
    if (has == NULL)
        w->kernel->add_times(w->w, from->num, UINT64_C(0) - factor, w->block->rows);
    else
        w->kernel->add_times_has(w->w, from->num, UINT64_C(0) - factor, has, w->block->rows);
}

/* What the prediction leaves, in w->w. Is it right for most rows? */
static bool predicts(struct fl_column2_writer *w, enum fl_field f, size_t n)
{
    const struct fl_term *terms = fl_column2_terms(f);
    size_t right = 0;

    if (terms == NULL)
        return false;
    (void)gather(w, w->block->col[f].num, NULL, w->w);
    for (size_t t = 0; t < FL_TERMS_MAX && terms[t].factor != 0; t++)
        take_term(w, &terms[t]);
    if (has_of(w, f) != NULL)
        (void)gather(w, w->w, has_of(w, f), w->w);
    for (size_t i = 0; i < n; i++)
        right += w->w[i] == 0;
    return right > n / 2;
}

/* The steps from the value before in a row with the same device, in w->w. Are most of them small?
 */
static bool follows(struct fl_column2_writer *w, enum fl_field f, size_t n)
{
    const struct fl_col *by = &w->block->col[FL_FOLLOWS_BY], *col = &w->block->col[f];
    const uint8_t *has = has_of(w, f);
    uint64_t *last;
    size_t k = 0, near = 0;

    if (f != FL_F_SESSION || by->present == 0)
        return false;
    last = calloc(by->word_count, sizeof *last);
    for (uint32_t row = 0; last != NULL && row < w->block->rows; row++) {
        uint64_t *at = &last[by->code[row]];

        if (has != NULL && (has[row / 8] >> (row % 8) & 1) == 0)
            continue;
        w->w[k] = col->num[row] - *at;
        near += w->w[k++] < NEAR;
        *at = col->num[row];
    }
    free(last);
    return near > n - n / 8;
}

/* Are the steps between values, in w->w, narrower than the values? The first ones tell mostly. */
static bool steps_are_less(struct fl_column2_writer *w, size_t n, const struct frame *direct,
                           struct frame *ret)
{
    size_t some = n < FEW ? n : FEW;

    while (n > 1) {
        for (size_t i = 1; i < some; i++)
            w->w[i - 1] = w->v[i] - w->v[i - 1];
        *ret = frame_of(w, w->w, some - 1, true);
        if (bytes_of(ret) >= bytes_of(direct))
            return false;
        if (some == n)
            return true;
        some = n;
    }
    return false;
}

static void encode_numbers(struct fl_column2_writer *w, enum fl_field f, struct fl_buf *out,
                           struct fl_column_meta *ret)
{
    const struct fl_col *col = &w->block->col[f];
    size_t n = gather(w, col->num, has_of(w, f), w->v);
    struct frame direct = frame_of(w, w->v, n, fl_fields[f].type == FL_T_TIME), other;

    *ret =
        (struct fl_column_meta){(uint32_t)n, direct.base, direct.base + direct.scale * direct.most};
    if (direct.most > 0 && (predicts(w, f, n) || follows(w, f, n))) {
        other = frame_of(w, w->w, n, true);
        put_head(w, f == FL_F_SESSION ? FL_ENC2_FOLLOWS : FL_ENC2_PREDICTED, f, out);
        put_frame(w, out, w->w, n, &other);
    } else if (steps_are_less(w, n, &direct, &other)) {
        put_head(w, FL_ENC2_DIFF, f, out);
        fl_buf_put_u64(out, w->v[0]);
        put_frame(w, out, w->w, n - 1, &other);
    } else {
        put_head(w, FL_ENC2_FRAME, f, out);
        put_frame(w, out, w->v, n, &direct);
    }
}

/* ---- words ---- */

static bool is_mapped(struct fl_span ip)
{
    static const unsigned char mapped[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};

    return memcmp(ip.ptr, mapped, MAPPED_BYTES) == 0;
}

static void put_section(struct fl_column2_writer *w, struct fl_buf *out)
{
    fl_section_put(w->series, fl_buf_span(&w->words), out);
    fl_buf_clear(&w->words);
}

static void put_ips(struct fl_column2_writer *w, const struct fl_span *words, const uint32_t *order,
                    uint32_t count, struct fl_buf *out)
{
    struct fl_buf *buf = &w->words;
    uint32_t sixes = 0;
    uint8_t bits = 0;

    fl_buf_clear(buf);
    for (uint32_t i = 0; i < count; i++) {
        bool six = !is_mapped(words[order[i]]);

        sixes += six;
        bits = (uint8_t)(bits | (unsigned)six << (i % 8));
        if (i % 8 == 7 || i + 1 == count) {
            fl_buf_put_u8(buf, bits);
            bits = 0;
        }
    }
    put_section(w, out);
    for (uint32_t i = 0; i < count && sixes > 0; i++)
        if (!is_mapped(words[order[i]]))
            fl_buf_put_span(buf, words[order[i]]);
    if (sixes > 0)
        put_section(w, out);
    for (size_t p = MAPPED_BYTES; p < IP_BYTES && sixes < count; p++) {
        for (uint32_t i = 0; i < count; i++)
            if (is_mapped(words[order[i]]))
                fl_buf_put_u8(buf, words[order[i]].ptr[p]);
        put_section(w, out);
    }
}

static void put_strings(struct fl_column2_writer *w, const struct fl_span *words,
                        const uint32_t *order, uint32_t count, struct fl_buf *out)
{
    fl_buf_clear(&w->words);
    for (uint32_t i = 0; i < count; i++) {
        w->gap[i] = (uint32_t)words[order[i]].len;
        fl_buf_put_span(&w->words, words[order[i]]);
    }
    fl_series_put32(w->series, w->gap, count, out);
    if (w->words.len > 0)
        put_section(w, out);
}

static void put_words(struct fl_column2_writer *w, enum fl_field f, const uint32_t *order,
                      uint32_t count, struct fl_buf *out)
{
    const struct fl_span *words = w->block->col[f].words;

    if (fl_fields[f].type == FL_T_IP)
        put_ips(w, words, order, count, out);
    else
        put_strings(w, words, order, count, out);
    if (w->words.failed != 0 && out->failed == 0)
        out->failed = w->words.failed;
}

/* As rank_words() where the codes are in order of first use already, which those of a memtable
 * are; UINT32_MAX: they are not. */
static uint32_t ranked_already(struct fl_column2_writer *w, const struct fl_col *col,
                               uint32_t *order, uint32_t *ret_n)
{
    uint32_t used = 0, n = 0;
    bool ok = true;

    for (uint32_t row = 0; row < w->block->rows && ok; row++) {
        uint32_t code = col->code[row], is_new = code == used + 1;

        used += is_new;
        ok = code <= used;
        w->codes[n] = is_new ? 0 : code;
        n += code != 0;
    }
    for (uint32_t rank = 1; rank <= used && ok; rank++)
        order[rank] = rank;
    *ret_n = n;
    return ok ? used : UINT32_MAX;
}

/*
 * Rank the words by first use: what drops words that no row uses. codes[] gets those of the rows
 * that have one, 0 for a word's first row; order[rank] its code, from rank 1.
 */
static uint32_t rank_words(struct fl_column2_writer *w, const struct fl_col *col, uint32_t *order,
                           uint32_t *ret_n)
{
    uint32_t used = ranked_already(w, col, order, ret_n), n = 0;

    if (used != UINT32_MAX)
        return used;
    used = 0;
    for (uint32_t row = 0; row < w->block->rows; row++) {
        uint32_t code = col->code[row], rank = w->map[code];

        if (code == 0)
            continue;
        w->codes[n++] = rank;
        if (rank == 0) {
            order[++used] = code;
            w->map[code] = used;
        }
    }
    memset(w->map, 0, col->word_count * sizeof *w->map);
    *ret_n = n;
    return used;
}

static bool is_root(enum fl_field f)
{
    for (size_t i = 0; i < FL_LEN(functions); i++)
        for (size_t k = 0; k < FL_LEN(functions[i].by); k++)
            if (functions[i].by[k] == f)
                return true;
    return false;
}

static int keep_ranks(struct fl_column2_writer *w, enum fl_field f, uint32_t used,
                      struct fl_err *err)
{
    struct ranks *ranks = &w->ranks[f];

    if (!is_root(f) || ranks->order != NULL)
        return FL_OK;
    ranks->order = malloc(((size_t)used + 1) * sizeof *ranks->order);
    if (ranks->order == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to encode columns");
    w->order[0] = 0;
    memcpy(ranks->order, w->order, ((size_t)used + 1) * sizeof *ranks->order);
    ranks->used = used;
    return FL_OK;
}

static int encode_direct(struct fl_column2_writer *w, enum fl_field f, struct fl_buf *out,
                         struct fl_column_meta *ret, struct fl_err *err)
{
    const struct fl_col *col = &w->block->col[f];
    uint32_t n, used = rank_words(w, col, w->order, &n);
    bool first_use = used > n / FIRST_USE_PART;

    if (!first_use) {
        (void)w->kernel->first_use(w->codes, n);
        for (uint32_t i = 0; i < n; i++)
            w->codes[i]--;
    }
    put_head(w, FL_ENC2_WORDS, f, out);
    fl_buf_put_u32(out, used);
    fl_buf_put_u8(out, first_use);
    fl_series_put32(w->series, w->codes, n, out);
    put_words(w, f, w->order + 1, used, out);
    *ret = (struct fl_column_meta){col->present, 0, used};
    return keep_ranks(w, f, used, err);
}

/* ---- functions of another column ---- */

/* Ranks of a column that was not encoded yet. */
static int ranks_of(struct fl_column2_writer *w, enum fl_field f, struct fl_err *err)
{
    uint32_t n, used;

    if (w->ranks[f].order != NULL)
        return FL_OK;
    used = rank_words(w, &w->block->col[f], w->order, &n);
    return keep_ranks(w, f, used, err);
}

/*
 * map[code of by] becomes the code of f that the first row with it has; gap[] and exception[] get
 * the rows that have another. How many, or UINT32_MAX: too many. f absent counts for nothing.
 */
static uint32_t find_function(struct fl_column2_writer *w, const struct fl_col *col,
                              const struct fl_col *by)
{
    const uint32_t limit = col->present / EXCEPTIONS_PART, rows = w->block->rows;
    uint32_t n = 0, next = 0, row = 0;

    for (;; row++) {
        row = (uint32_t)w->kernel->mismatch(col->code, w->map, by->code, row, rows);
        if (row == rows)
            return n;
        if (w->map[by->code[row]] == 0) {
            w->map[by->code[row]] = col->code[row];
            continue;
        }
        if (n == limit)
            return UINT32_MAX;
        w->gap[n] = row - next;
        w->exception[n++] = col->code[row];
        next = row + 1;
    }
}

/* The map as it is written, in codes[]: numbers words by the reader's order. rank[code] must be 0
 * and becomes the reader's code; order[] gets the words to store. */
static void write_map(struct fl_column2_writer *w, enum fl_field f, enum fl_field by,
                      uint32_t *rank, uint32_t *ret_words, uint32_t *ret_used)
{
    const struct fl_col *col = &w->block->col[f], *other = &w->block->col[by];
    const struct ranks *ranks = &w->ranks[by];
    bool same_type = fl_fields[f].type == fl_fields[by].type;
    uint32_t used = 0, words = 0;

    for (uint32_t oc = 0; oc <= ranks->used; oc++) {
        uint32_t raw = ranks->order[oc], code = w->map[raw];

        if (code == 0) {
            w->codes[oc] = FL_FUNCTION_NONE;
        } else if (rank[code] != 0) {
            w->codes[oc] = FL_FUNCTION_NEW + rank[code];
        } else {
            bool twin = same_type && oc != 0 && fl_span_eq(col->words[code], other->words[raw]);

            rank[code] = ++used;
            w->codes[oc] = twin ? FL_FUNCTION_TWIN : FL_FUNCTION_NEW;
            if (!twin)
                w->order[words++] = code;
        }
    }
    *ret_words = words;
    *ret_used = used;
}

static void write_function(struct fl_column2_writer *w, enum fl_field f, enum fl_field by,
                           uint32_t exceptions, uint32_t words, uint32_t *rank, uint32_t *used,
                           struct fl_buf *out)
{
    for (uint32_t i = 0; i < exceptions; i++) {
        uint32_t code = w->exception[i];

        w->exception[i] = rank[code];
        if (rank[code] == 0) {
            rank[code] = ++*used;
            w->order[words++] = code;
        }
    }
    put_head(w, FL_ENC2_FUNCTION, f, out);
    fl_buf_put_u16(out, (uint16_t)by);
    fl_buf_put_u32(out, words);
    fl_series_put32(w->series, w->codes, (size_t)w->ranks[by].used + 1, out);
    fl_buf_put_varint(out, exceptions);
    if (exceptions > 0) {
        fl_series_put32(w->series, w->gap, exceptions, out);
        fl_series_put32(w->series, w->exception, exceptions, out);
    }
    if (words > 0)
        put_words(w, f, w->order, words, out);
}

/* 1: written; 0: it is no function of that column, or not worth it. */
static int try_function(struct fl_column2_writer *w, enum fl_field f, enum fl_field by,
                        struct fl_buf *out, struct fl_column_meta *ret, struct fl_err *err)
{
    const struct fl_col *col = &w->block->col[f], *other = &w->block->col[by];
    uint32_t exceptions, words = 0, used = 0, *rank;
    int r = ranks_of(w, by, err);
    bool worth;

    if (r < 0)
        return r;
    rank = calloc(col->word_count, sizeof *rank);
    if (rank == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to encode columns");
    exceptions = find_function(w, col, other);
    if (exceptions != UINT32_MAX)
        write_map(w, f, by, rank, &words, &used);
    memset(w->map, 0, other->word_count * sizeof *w->map);
    /* A map that has as many entries as the column has rows says no more than the rows do. */
    worth = exceptions != UINT32_MAX &&
            (w->ranks[by].used <= col->present / 2 || used >= w->ranks[by].used / 2);
    if (worth) {
        write_function(w, f, by, exceptions, words, rank, &used, out);
        *ret = (struct fl_column_meta){col->present, 0, used};
    }
    free(rank);
    return worth;
}

static int encode_words(struct fl_column2_writer *w, enum fl_field f, struct fl_buf *out,
                        struct fl_column_meta *ret, struct fl_err *err)
{
    const struct fl_col *col = &w->block->col[f];
    int r = 0;

    for (size_t i = 0; i < FL_LEN(functions) && col->word_count > 2; i++) {
        if (functions[i].f != f)
            continue;
        for (size_t k = 0; k < FL_LEN(functions[i].by) && r == 0; k++) {
            enum fl_field by = functions[i].by[k];

            if (by != FL_FIELD_COUNT && w->block->col[by].present > 0)
                r = try_function(w, f, by, out, ret, err);
        }
    }
    return r != 0 ? r : encode_direct(w, f, out, ret, err);
}

int fl_column2_encode(struct fl_column2_writer *w, enum fl_field f, struct fl_buf *out,
                      struct fl_column_meta *ret, struct fl_err *err)
{
    int r = FL_OK;

    if (fl_field_is_str(f))
        r = encode_words(w, f, out, ret, err);
    else
        encode_numbers(w, f, out, ret);
    return r < 0 ? r : fl_buf_status(out, err);
}
