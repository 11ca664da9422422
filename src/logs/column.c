#include "logs/column.h"

#include <stdlib.h>
#include <string.h>

enum encoding { ENC_FRAME = 1, ENC_DIFF = 2, ENC_PREDICTED = 3, ENC_DICT = 4, ENC_LIKE = 5 };
enum { ALL_PRESENT = 0, BITMAP = 1, IP_BYTES = 16, MAPPED_BYTES = 12 };

static const unsigned char mapped[MAPPED_BYTES] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* A column as the sum of others in the same row: (sign, unit) per term. */
struct term {
    enum fl_field from;
    int64_t factor; /* 0 ends the list */
};
static const struct {
    enum fl_field f;
    struct term terms[2];
} predictions[] = {
    {FL_F_START, {{FL_F_TIME, 1}, {FL_F_DURATION, -1000000}}},
    {FL_F_BYTES_UP, {{FL_F_OUT_BYTES, 1}}},
    {FL_F_BYTES_DOWN, {{FL_F_BYTES, 1}, {FL_F_BYTES_UP, -1}}},
    {FL_F_PACKETS, {{FL_F_OUT_PACKETS, 1}, {FL_F_IN_PACKETS, 1}}},
    {FL_F_SECONDS, {{FL_F_DURATION, 1}}},
    {FL_F_SRC_NAT_PORT, {{FL_F_SRC_PORT, 1}}},
    {FL_F_DST_NAT_PORT, {{FL_F_DST_PORT, 1}}},
};

/* Words that are often another column's in the same row. No cycles. */
static const struct {
    enum fl_field f, like;
} likes[] = {
    {FL_F_HOST, FL_F_DEVICE},       {FL_F_APP, FL_F_APP_NESTED}, {FL_F_SRC_NAT_IP, FL_F_SRC_IP},
    {FL_F_DST_NAT_IP, FL_F_DST_IP}, {FL_F_HOSTNAME, FL_F_URL},   {FL_F_DOMAIN, FL_F_HOSTNAME},
};

static const struct term *terms_of(enum fl_field f)
{
    for (size_t i = 0; i < FL_LEN(predictions); i++)
        if (predictions[i].f == f)
            return predictions[i].terms;
    return NULL;
}

static bool like_of(enum fl_field f, enum fl_field *ret)
{
    for (size_t i = 0; i < FL_LEN(likes); i++) {
        if (likes[i].f == f) {
            *ret = likes[i].like;
            return true;
        }
    }
    return false;
}

/* ---- numbers: k = (v - base) / scale in byte planes ---- */

struct frame {
    uint64_t base, scale;
    unsigned width; /* planes */
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

static unsigned width_of(uint64_t range)
{
    return range == 0 ? 0 : (unsigned)(71 - __builtin_clzll(range)) / 8;
}

/* is_signed: numbers are ordered as int64_t (times, differences). */
static struct frame frame_of(const uint64_t *v, size_t n, bool is_signed)
{
    const uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0;
    uint64_t least = UINT64_MAX, most = 0, scale = 0;
    struct frame fr = {0, 1, 0};

    for (size_t i = 0; i < n; i++) {
        uint64_t x = v[i] ^ flip;

        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    if (n == 0)
        return fr;
    fr.base = least ^ flip;
    if (least == most)
        return fr;
    for (size_t i = 0; i < n && scale != 1; i++)
        if (scale == 0 || (v[i] - fr.base) % scale != 0)
            scale = gcd(v[i] - fr.base, scale);
    fr.scale = scale == 0 ? 1 : scale;
    fr.width = width_of((most - least) / fr.scale);
    return fr;
}

static void put_planes(struct fl_buf *out, const uint64_t *v, size_t n, unsigned width)
{
    unsigned char *at = fl_buf_reserve(out, n * width);

    if (at == NULL)
        return;
    for (unsigned p = 0; p < width; p++, at += n)
        for (size_t i = 0; i < n; i++)
            at[i] = (unsigned char)(v[i] >> (p * 8));
    out->len += n * width;
}

/* v becomes k. */
static void put_frame(struct fl_buf *out, uint64_t *v, size_t n, const struct frame *fr)
{
    fl_buf_put_u64(out, fr->base);
    fl_buf_put_u64(out, fr->scale);
    fl_buf_put_u8(out, (uint8_t)fr->width);
    if (fr->width == 0)
        return;
    for (size_t i = 0; i < n; i++)
        v[i] -= fr->base;
    for (size_t i = 0; fr->scale != 1 && i < n; i++)
        v[i] /= fr->scale;
    put_planes(out, v, n, fr->width);
}

static void add_planes(uint64_t *v, size_t n, const unsigned char *planes, unsigned width)
{
    memset(v, 0, n * sizeof *v);
    for (unsigned p = 0; p < width; p++, planes += n) {
        const unsigned shift = p * 8;

        for (size_t i = 0; i < n; i++)
            v[i] |= (uint64_t)planes[i] << shift;
    }
}

/* base, scale, width, planes: to n numbers. */
static bool get_frame(struct fl_cursor *cur, uint64_t *v, size_t n)
{
    uint64_t base = fl_cursor_u64(cur), scale = fl_cursor_u64(cur);
    unsigned width = fl_cursor_u8(cur);
    struct fl_span planes;

    if (cur->failed || width > 8 || scale == 0)
        return false;
    planes = fl_cursor_bytes(cur, width * n);
    if (cur->failed)
        return false;
    add_planes(v, n, planes.ptr, width);
    for (size_t i = 0; i < n; i++)
        v[i] = base + scale * v[i];
    return true;
}

static uint64_t span_of(const uint64_t *v, size_t n, uint64_t base)
{
    uint64_t most = 0;

    for (size_t i = 0; i < n; i++)
        most = v[i] - base > most ? v[i] - base : most;
    return most;
}

void fl_vector_put(struct fl_buf *out, const uint64_t *v, size_t count)
{
    struct frame fr = frame_of(v, count, true);
    unsigned width = count == 0 ? 0 : width_of(fr.width == 0 ? 0 : span_of(v, count, fr.base));
    unsigned char *at;

    fl_buf_put_u64(out, fr.base);
    fl_buf_put_u8(out, (uint8_t)width);
    at = fl_buf_reserve(out, count * width);
    if (at == NULL)
        return;
    for (unsigned p = 0; p < width; p++, at += count)
        for (size_t i = 0; i < count; i++)
            at[i] = (unsigned char)((v[i] - fr.base) >> (p * 8));
    out->len += count * width;
}

bool fl_vector_get(struct fl_cursor *cur, uint64_t *ret, size_t count)
{
    uint64_t base = fl_cursor_u64(cur);
    unsigned width = fl_cursor_u8(cur);
    struct fl_span planes;

    if (cur->failed || width > 8)
        return false;
    planes = fl_cursor_bytes(cur, width * count);
    if (cur->failed)
        return false;
    add_planes(ret, count, planes.ptr, width);
    for (size_t i = 0; i < count; i++)
        ret[i] += base;
    return true;
}

/* ---- encoding of numbers ---- */

static void put_presence(struct fl_buf *out, const struct fl_col *col, uint32_t rows)
{
    size_t bytes = (rows + 7) / 8;

    fl_buf_put_u8(out, col->present == rows ? ALL_PRESENT : BITMAP);
    if (col->present == rows)
        return;
    fl_buf_put(out, col->has, bytes);
    if (rows % 8 != 0 && fl_buf_reserve(out, 0) != NULL) /* padding bits */
        out->ptr[out->len - 1] &= (unsigned char)((1u << (rows % 8)) - 1);
}

static uint64_t predict(const struct fl_block *block, const struct term *terms, uint32_t row)
{
    uint64_t sum = 0;

    for (size_t t = 0; t < 2 && terms[t].factor != 0; t++) {
        const struct fl_col *col = &block->col[terms[t].from];

        if (fl_col_has(col, row))
            sum += col->num[row] * (uint64_t)terms[t].factor;
    }
    return sum;
}

/* Differences from the prediction into to; how many are 0? */
static size_t residuals(const struct fl_block *block, enum fl_field f, const struct term *terms,
                        uint64_t *to)
{
    const struct fl_col *col = &block->col[f];
    size_t n = 0, zero = 0;

    for (uint32_t row = 0; row < block->rows; row++) {
        if (!fl_col_has(col, row))
            continue;
        to[n] = col->num[row] - predict(block, terms, row);
        zero += to[n++] == 0;
    }
    return zero;
}

static size_t gather(const struct fl_col *col, uint32_t rows, uint64_t *to)
{
    size_t n = 0;

    if (col->present == rows) {
        memcpy(to, col->num, rows * sizeof *to);
        return rows;
    }
    for (uint32_t row = 0; row < rows; row++)
        if (fl_col_has(col, row))
            to[n++] = col->num[row];
    return n;
}

static void meta_of(const uint64_t *v, size_t n, bool is_signed, struct fl_column_meta *ret)
{
    const uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0;
    uint64_t least = UINT64_MAX, most = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t x = v[i] ^ flip;

        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    *ret = (struct fl_column_meta){(uint32_t)n, least ^ flip, most ^ flip};
}

static void encode_numbers(const struct fl_block *block, enum fl_field f, uint64_t *v, uint64_t *w,
                           struct fl_buf *out, struct fl_column_meta *ret)
{
    const struct fl_col *col = &block->col[f];
    const struct term *terms = terms_of(f);
    bool is_time = fl_fields[f].type == FL_T_TIME;
    size_t n = gather(col, block->rows, v);
    struct frame direct = frame_of(v, n, is_time), diff;

    meta_of(v, n, is_time, ret);
    if (terms != NULL && direct.width > 0 && residuals(block, f, terms, w) > n / 2) {
        diff = frame_of(w, n, true);
        fl_buf_put_u8(out, ENC_PREDICTED);
        put_presence(out, col, block->rows);
        put_frame(out, w, n, &diff);
        return;
    }
    for (size_t i = 1; i < n; i++)
        w[i - 1] = v[i] - v[i - 1];
    diff = frame_of(w, n - 1, true);
    if (diff.width < direct.width) {
        fl_buf_put_u8(out, ENC_DIFF);
        put_presence(out, col, block->rows);
        fl_buf_put_u64(out, v[0]);
        put_frame(out, w, n - 1, &diff);
        return;
    }
    fl_buf_put_u8(out, ENC_FRAME);
    put_presence(out, col, block->rows);
    put_frame(out, v, n, &direct);
}

/* ---- encoding of words ---- */

/*
 * Which of the column's words are, in every row that has them, the other column's word of that row?
 * twin[code] becomes the other's code of such a word, NONE of the others. How many rows have one?
 */
#define NONE UINT32_MAX
static uint32_t find_twins(const struct fl_col *col, const struct fl_col *other, uint32_t rows,
                           uint32_t *twin)
{
    uint32_t n = 0;

    if (other->present == 0)
        return 0;
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t code = col->code[row], oc = other->code[row];

        if (code == 0 || twin[code] == NONE)
            continue;
        if (twin[code] == 0 && oc != 0 && fl_span_eq(col->words[code], other->words[oc]))
            twin[code] = oc;
        else if (twin[code] != oc || oc == 0)
            twin[code] = NONE;
    }
    for (uint32_t row = 0; row < rows; row++)
        n += col->code[row] != 0 && twin[col->code[row]] != NONE;
    return n;
}

/*
 * Code by first use: what the format wants, and what drops words that no row uses. to[row] is the
 * code on disk; order[] gets the words used. twin: of words that are left to the other column, or
 * NULL; codes are one higher then.
 */
static uint32_t renumber(const struct fl_col *col, uint32_t rows, const uint32_t *twin,
                         uint32_t *map, uint32_t *order, uint32_t *to)
{
    uint32_t used = 0, step = twin != NULL;

    for (uint32_t row = 0; row < rows; row++) {
        uint32_t code = col->code[row];

        if (code == 0) {
            to[row] = 0;
        } else if (twin != NULL && twin[code] != NONE) {
            to[row] = 1;
        } else if (map[code] == 0) {
            order[used++] = code;
            map[code] = used;
            to[row] = 1 + step;
        } else {
            to[row] = map[code] + 1 + step;
        }
    }
    return used;
}

static void put_codes(struct fl_buf *out, const uint32_t *codes, uint32_t rows, unsigned width)
{
    unsigned char *at = fl_buf_reserve(out, (size_t)rows * width);

    if (at == NULL)
        return;
    for (unsigned p = 0; p < width; p++, at += rows)
        for (uint32_t i = 0; i < rows; i++)
            at[i] = (unsigned char)(codes[i] >> (p * 8));
    out->len += (size_t)rows * width;
}

static bool is_mapped(struct fl_span ip)
{
    return memcmp(ip.ptr, mapped, MAPPED_BYTES) == 0;
}

static void put_ips(struct fl_buf *out, const struct fl_span *words, const uint32_t *order,
                    uint32_t used)
{
    uint8_t bits = 0;

    for (uint32_t i = 0; i < used; i++) {
        bits = (uint8_t)(bits | (is_mapped(words[order[i]]) ? 0 : 1u << (i % 8)));
        if (i % 8 == 7 || i + 1 == used) {
            fl_buf_put_u8(out, bits);
            bits = 0;
        }
    }
    for (unsigned p = 0; p < IP_BYTES - MAPPED_BYTES; p++)
        for (uint32_t i = 0; i < used; i++)
            if (is_mapped(words[order[i]]))
                fl_buf_put_u8(out, words[order[i]].ptr[MAPPED_BYTES + p]);
    for (uint32_t i = 0; i < used; i++)
        if (!is_mapped(words[order[i]]))
            fl_buf_put_span(out, words[order[i]]);
}

static void put_words(struct fl_buf *out, const struct fl_span *words, const uint32_t *order,
                      uint32_t used)
{
    for (uint32_t i = 0; i < used; i++)
        fl_buf_put_varint(out, words[order[i]].len);
    for (uint32_t i = 0; i < used; i++)
        fl_buf_put_span(out, words[order[i]]);
}

static void encode_words(const struct fl_block *block, enum fl_field f, uint32_t *scratch,
                         struct fl_buf *out, struct fl_column_meta *ret)
{
    const struct fl_col *col = &block->col[f];
    uint32_t *map = scratch, *order = map + col->word_count, *twin = order + col->word_count;
    uint32_t *codes = twin + col->word_count, used, most;
    enum fl_field other;
    bool like = like_of(f, &other) &&
                find_twins(col, &block->col[other], block->rows, twin) > col->present / 2;
    unsigned width;

    used = renumber(col, block->rows, like ? twin : NULL, map, order, codes);
    most = used + 1 + like;
    width = most <= UINT8_MAX ? 1 : most <= UINT16_MAX ? 2 : 4;
    if (used + like == 1 && col->present == block->rows)
        width = 0;
    fl_buf_put_u8(out, like ? ENC_LIKE : ENC_DICT);
    if (like)
        fl_buf_put_u16(out, (uint16_t)other);
    fl_buf_put_u32(out, used);
    fl_buf_put_u8(out, (uint8_t)width);
    put_codes(out, codes, block->rows, width);
    if (fl_fields[f].type == FL_T_IP)
        put_ips(out, col->words, order, used);
    else
        put_words(out, col->words, order, used);
    *ret = (struct fl_column_meta){col->present, 0, used};
}

int fl_column_encode(const struct fl_block *block, enum fl_field f, struct fl_buf *out,
                     struct fl_column_meta *ret, struct fl_err *err)
{
    const struct fl_col *col = &block->col[f];
    size_t bytes = fl_field_is_str(f)
                       ? ((size_t)col->word_count * 3 + block->rows) * sizeof(uint32_t)
                       : (size_t)block->rows * 2 * sizeof(uint64_t);
    void *scratch = calloc(1, bytes);

    if (scratch == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to encode a column");
    if (fl_field_is_str(f))
        encode_words(block, f, scratch, out, ret);
    else
        encode_numbers(block, f, scratch, (uint64_t *)scratch + block->rows, out, ret);
    free(scratch);
    return fl_buf_status(out, err);
}

/* ---- decoding ---- */

struct fl_fieldset fl_column_needs(enum fl_field f, struct fl_span payload)
{
    const struct term *terms = terms_of(f);
    struct fl_fieldset set = {{0, 0}};
    enum fl_field other;

    if (payload.len > 0 && payload.ptr[0] == ENC_LIKE && like_of(f, &other))
        fl_fieldset_add(&set, other);
    if (terms == NULL || payload.len == 0 || payload.ptr[0] != ENC_PREDICTED)
        return set;
    for (size_t t = 0; t < 2 && terms[t].factor != 0; t++)
        fl_fieldset_add(&set, terms[t].from);
    return set;
}

size_t fl_column_max_bytes(uint32_t rows)
{
    return (size_t)rows * 13 + ((size_t)40 << 20);
}

/* Reads the bitmap, if any, into col->has; counts. */
static bool get_presence(struct fl_cursor *cur, uint32_t rows, struct fl_col *col)
{
    uint8_t kind = fl_cursor_u8(cur);
    struct fl_span bits;

    col->present = rows;
    if (kind == ALL_PRESENT)
        return !cur->failed;
    bits = fl_cursor_bytes(cur, (rows + 7) / 8);
    if (cur->failed || kind != BITMAP)
        return false;
    if (rows % 8 != 0 && bits.ptr[bits.len - 1] >> (rows % 8) != 0)
        return false;
    col->has = malloc(bits.len);
    if (col->has == NULL)
        return false;
    memcpy(col->has, bits.ptr, bits.len);
    col->present = 0;
    for (size_t i = 0; i < bits.len; i++)
        col->present += (uint32_t)__builtin_popcount(bits.ptr[i]);
    return col->present > 0;
}

static void undo_diff(uint64_t *v, size_t n, uint64_t first)
{
    uint64_t at = first;

    for (size_t i = 0; i < n; i++) { /* v[i] holds the step behind value i */
        uint64_t step = v[i];

        v[i] = at;
        at += step;
    }
}

/* From the front to the places that have a value; the rest becomes 0. */
static void spread(uint64_t *v, const uint8_t *has, uint32_t rows, uint32_t present)
{
    for (uint32_t row = rows; row-- > 0;) {
        bool here = (has[row / 8] >> (row % 8) & 1) != 0;

        v[row] = here ? v[--present] : 0;
    }
}

static bool decode_numbers(enum fl_field f, struct fl_cursor *cur, enum encoding enc,
                           struct fl_block *block)
{
    struct fl_col *col = &block->col[f];
    const struct term *terms = terms_of(f);
    uint64_t first;
    bool ok;

    if (!get_presence(cur, block->rows, col))
        return false;
    col->num = malloc(block->rows * sizeof *col->num);
    if (col->num == NULL)
        return false;
    if (enc == ENC_DIFF) {
        first = fl_cursor_u64(cur);
        ok = get_frame(cur, col->num, col->present - 1);
        col->num[col->present - 1] = 0;
        undo_diff(col->num, col->present, first);
    } else {
        ok = get_frame(cur, col->num, col->present);
    }
    if (!ok || !fl_cursor_done(cur) || (enc == ENC_PREDICTED && terms == NULL))
        return false;
    if (col->has != NULL)
        spread(col->num, col->has, block->rows, col->present);
    for (uint32_t row = 0; enc == ENC_PREDICTED && row < block->rows; row++)
        if (fl_col_has(col, row))
            col->num[row] += predict(block, terms, row);
    return true;
}

static void add_code_planes(uint32_t *code, uint32_t rows, const unsigned char *planes,
                            unsigned width)
{
    memset(code, 0, rows * sizeof *code);
    for (unsigned p = 0; p < width; p++, planes += rows)
        for (uint32_t i = 0; i < rows; i++)
            code[i] |= (uint32_t)planes[i] << (p * 8);
}

/* The codes as they stand on the disk. */
static bool get_codes(struct fl_cursor *cur, uint32_t rows, uint32_t *code)
{
    unsigned width = fl_cursor_u8(cur);
    struct fl_span planes;

    if (cur->failed || (width != 0 && width != 1 && width != 2 && width != 4))
        return false;
    planes = fl_cursor_bytes(cur, (size_t)rows * width);
    if (cur->failed)
        return false;
    add_code_planes(code, rows, planes.ptr, width);
    for (uint32_t row = 0; width == 0 && row < rows; row++)
        code[row] = row == 0 ? 1 : 2; /* the first word, then the same again */
    return true;
}

/* From codes by first use to codes of words. False: they do not name each of the words. */
static bool number_words(struct fl_col *col, uint32_t rows, uint32_t words)
{
    uint32_t next = 1;

    for (uint32_t row = 0; row < rows; row++) {
        uint32_t code = col->code[row];

        if (code == 1)
            code = next++;
        else if (code > 1)
            code = code - 1;
        if (code >= next || next - 1 > words)
            return false;
        col->code[row] = code;
        col->present += code != 0;
    }
    return next - 1 == words;
}

/* words spans, then their bytes, in one allocation. */
static bool make_words(struct fl_col *col, uint32_t words, size_t bytes, unsigned char **ret_bytes)
{
    col->words = malloc(((size_t)words + 1) * sizeof *col->words + bytes);
    if (col->words == NULL)
        return false;
    col->words[0] = fl_span_of(NULL, 0);
    col->word_count = words + 1;
    *ret_bytes = (unsigned char *)(col->words + words + 1);
    return true;
}

static bool get_words(struct fl_cursor *cur, uint32_t words, struct fl_col *col)
{
    unsigned char *at;
    struct fl_cursor lens = *cur;
    size_t total = 0;

    for (uint32_t i = 0; i < words; i++) {
        uint64_t len = fl_cursor_varint(cur);

        if (cur->failed || len > FL_STR_MAX)
            return false;
        total += len;
    }
    if (fl_cursor_left(cur) != total || !make_words(col, words, total, &at))
        return false;
    if (total > 0)
        memcpy(at, cur->ptr, total);
    (void)fl_cursor_bytes(cur, total);
    for (uint32_t i = 1; i <= words; i++) {
        col->words[i] = fl_span_of(at, (size_t)fl_cursor_varint(&lens));
        at += col->words[i].len;
    }
    return true;
}

static bool get_ips(struct fl_cursor *cur, uint32_t words, struct fl_col *col)
{
    struct fl_span bits = fl_cursor_bytes(cur, (words + 7) / 8), v4, v6;
    uint32_t six = 0, four = 0;
    unsigned char *at;

    for (uint32_t i = 0; i < words && !cur->failed; i++)
        six += bits.ptr[i / 8] >> (i % 8) & 1;
    v4 = fl_cursor_bytes(cur, (size_t)(words - six) * (IP_BYTES - MAPPED_BYTES));
    v6 = fl_cursor_bytes(cur, (size_t)six * IP_BYTES);
    if (!fl_cursor_done(cur) || !make_words(col, words, (size_t)words * IP_BYTES, &at))
        return false;
    for (uint32_t i = 0, n6 = 0; i < words; i++, at += IP_BYTES) {
        col->words[i + 1] = fl_span_of(at, IP_BYTES);
        if ((bits.ptr[i / 8] >> (i % 8) & 1) != 0) {
            memcpy(at, v6.ptr + (size_t)n6++ * IP_BYTES, IP_BYTES);
            continue;
        }
        memcpy(at, mapped, MAPPED_BYTES);
        for (size_t p = 0; p < IP_BYTES - MAPPED_BYTES; p++)
            at[MAPPED_BYTES + p] = v4.ptr[p * (words - six) + four];
        four++;
    }
    return true;
}

static bool decode_words(enum fl_field f, struct fl_cursor *cur, struct fl_block *block)
{
    struct fl_col *col = &block->col[f];
    uint32_t words = fl_cursor_u32(cur);

    if (cur->failed || words == 0 || words > block->rows)
        return false;
    col->code = malloc(block->rows * sizeof *col->code);
    if (col->code == NULL || !get_codes(cur, block->rows, col->code) ||
        !number_words(col, block->rows, words))
        return false;
    return fl_fields[f].type == FL_T_IP ? get_ips(cur, words, col) : get_words(cur, words, col);
}

/* ---- words of another column ---- */

/*
 * Codes with 1 = the other column's word of the row. map[oc] becomes the code here of the other's
 * word oc, from first_twin on, in order of first use. How many there are; NONE: malformed.
 */
static uint32_t number_likes(struct fl_col *col, const struct fl_col *other, uint32_t rows,
                             uint32_t words, uint32_t *map)
{
    uint32_t next = 1, twins = 0;

    for (uint32_t row = 0; row < rows; row++) {
        uint32_t code = col->code[row];

        if (code == 1) {
            uint32_t oc = other->present == 0 ? 0 : other->code[row];

            if (oc == 0)
                return NONE;
            if (map[oc] == 0)
                map[oc] = words + ++twins;
            code = map[oc];
        } else if (code > 1) {
            code = code == 2 ? next++ : code - 2;
            if (code >= next || next - 1 > words)
                return NONE;
        }
        col->code[row] = code;
        col->present += code != 0;
    }
    return next - 1 == words && col->present > 0 ? twins : NONE;
}

/* The words read so far and the other's twins behind them, as one allocation. */
static bool join_words(struct fl_col *col, const struct fl_col *other, const uint32_t *map,
                       uint32_t words, uint32_t twins)
{
    uint32_t count = words + twins + 1;
    struct fl_span *all = calloc(count, sizeof *all), *copy;
    size_t bytes;

    if (all == NULL)
        return false;
    if (words > 0)
        memcpy(all, col->words, ((size_t)words + 1) * sizeof *all);
    for (uint32_t oc = 1; twins > 0 && oc < other->word_count; oc++)
        if (map[oc] != 0)
            all[map[oc]] = other->words[oc];
    copy = fl_words_copy(all, count, &bytes);
    free(all);
    free(col->words);
    col->words = copy;
    col->word_count = count;
    return copy != NULL;
}

static bool decode_like(enum fl_field f, struct fl_cursor *cur, struct fl_block *block)
{
    struct fl_col *col = &block->col[f];
    enum fl_field field = FL_FIELD_COUNT;
    bool known = like_of(f, &field) && fl_cursor_u16(cur) == (uint16_t)field;
    const struct fl_col *other = known ? &block->col[field] : NULL;
    uint32_t words = fl_cursor_u32(cur), twins, *map;
    bool ok;

    if (!known || cur->failed || words > block->rows)
        return false;
    col->code = malloc(block->rows * sizeof *col->code);
    if (col->code == NULL || cur->ptr == cur->end)
        return false;
    if (*cur->ptr == 0) { /* width 0: the other's word in every row */
        (void)fl_cursor_u8(cur);
        for (uint32_t row = 0; row < block->rows; row++)
            col->code[row] = 1;
    } else if (!get_codes(cur, block->rows, col->code)) {
        return false;
    }
    map = calloc((size_t)other->word_count + 1, sizeof *map);
    twins = map == NULL ? NONE : number_likes(col, other, block->rows, words, map);
    ok = twins != NONE;
    if (ok && words > 0)
        ok = fl_fields[f].type == FL_T_IP ? get_ips(cur, words, col) : get_words(cur, words, col);
    ok = ok && fl_cursor_done(cur) && join_words(col, other, map, words, twins);
    free(map);
    return ok;
}

static bool decode_v1(enum fl_field f, struct fl_span payload, struct fl_block *block)
{
    struct fl_cursor cur = fl_cursor_of(payload);
    enum encoding enc = (enum encoding)fl_cursor_u8(&cur);

    if (cur.failed)
        return false;
    switch (enc) {
    case ENC_FRAME:
    case ENC_DIFF:
    case ENC_PREDICTED:
        return !fl_field_is_str(f) && decode_numbers(f, &cur, enc, block);
    case ENC_DICT:
        return fl_field_is_str(f) && decode_words(f, &cur, block);
    case ENC_LIKE:
        return fl_field_is_str(f) && decode_like(f, &cur, block);
    }
    return false;
}

/* By version of the block: an old one stays readable for as long as its row stands here. */
static bool (*const decoders[])(enum fl_field f, struct fl_span payload, struct fl_block *block) = {
    [1] = decode_v1,
};

static void empty_col(struct fl_col *col)
{
    bool loaded = col->loaded;

    free(col->num);
    free(col->has);
    free(col->code);
    free(col->words);
    *col = (struct fl_col){.loaded = loaded};
}

int fl_column_decode(unsigned version, enum fl_field f, struct fl_span payload,
                     struct fl_block *block, struct fl_err *err)
{
    struct fl_col *col = &block->col[f];

    if (version >= FL_LEN(decoders) || decoders[version] == NULL)
        return fl_err_set(err, FL_E_INVAL, "blocks of version %u are not known here", version);
    if (!decoders[version](f, payload, block)) {
        empty_col(col);
        return fl_err_set(err, FL_E_CORRUPT, "column %s is malformed", fl_fields[f].ecs);
    }
    block->bytes += block->rows * (col->num != NULL ? sizeof *col->num : sizeof *col->code);
    for (uint32_t i = 0; i < col->word_count; i++)
        block->bytes += sizeof *col->words + col->words[i].len;
    return FL_OK;
}
