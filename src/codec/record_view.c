#include <string.h>

#include "codec/ip.h"
#include "codec/record_form.h"

/* Rows that have a column, shared by all columns whose rows are the same. */
struct rows {
    uint64_t kinds; /* bit k: rows of kind k; only where there are at most 64 kinds */
    uint32_t count;
    const uint8_t *has;   /* NULL: all rows */
    const uint16_t *list; /* their numbers, count of them */
};

struct parse {
    struct fl_cursor cur;
    struct fl_arena *arena;
    struct fl_batch_view *view;
    uint32_t kinds;
    struct fl_fieldset *set;   /* of each kind */
    uint32_t *kind_rows;       /* rows of each kind */
    const unsigned char *kind; /* of each row, kind_width bytes each; NULL: kind 0 */
    unsigned kind_width;
    uint32_t row_sets;
    struct rows rows[FL_FIELD_COUNT];
    unsigned char *block; /* room for the vectors */
};

static int corrupt(struct fl_err *err, const char *what)
{
    return fl_err_set(err, FL_E_CORRUPT, "batch: %s", what);
}

static int no_memory(struct fl_err *err)
{
    return fl_err_set(err, FL_E_NOMEM, "no memory for the columns of a batch");
}

static size_t aligned(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

static uint32_t load16(const unsigned char *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t unzigzag(uint64_t v)
{
    return v >> 1 ^ ((uint64_t)0 - (v & 1));
}

/* ---- kinds of rows ---- */

static bool get_set(struct fl_cursor *cur, struct fl_fieldset *ret)
{
    struct fl_fieldset known = fl_fieldset_all();
    uint8_t n = fl_cursor_u8(cur);
    struct fl_span bytes = fl_cursor_bytes(cur, n);

    *ret = (struct fl_fieldset){{0, 0}};
    if (cur->failed || n == 0 || n > FL_BATCH_SET_BYTES)
        return false;
    for (size_t i = 0; i < n; i++)
        ret->bits[i / 8] |= (uint64_t)bytes.ptr[i] << (i % 8 * 8);
    return (ret->bits[0] & ~known.bits[0]) == 0 && (ret->bits[1] & ~known.bits[1]) == 0;
}

static uint32_t kind_of(const struct parse *p, uint32_t row)
{
    return p->kind_width == 0   ? 0
           : p->kind_width == 1 ? p->kind[row]
                                : load16(p->kind + 2 * (size_t)row);
}

static int count_kinds(struct parse *p, struct fl_err *err)
{
    uint32_t rows = p->view->rows;
    struct fl_span codes;

    p->kind_width = p->kinds <= 1 ? 0 : p->kinds <= 256 ? 1 : 2;
    codes = fl_cursor_bytes(&p->cur, (size_t)rows * p->kind_width);
    if (p->cur.failed)
        return corrupt(err, "the kinds of the rows reach beyond the end");
    p->kind = codes.ptr;
    if (p->kind_width == 0)
        p->kind_rows[0] = rows;
    for (uint32_t row = 0; row < rows && p->kind_width > 0; row++) {
        uint32_t kind = kind_of(p, row);

        if (kind >= p->kinds)
            return corrupt(err, "a row of a kind that there is not");
        p->kind_rows[kind]++;
    }
    return FL_OK;
}

static int get_kinds(struct parse *p, struct fl_fieldset *ret_any, struct fl_err *err)
{
    uint64_t rows = fl_cursor_varint(&p->cur), kinds = fl_cursor_varint(&p->cur);
    size_t bytes = ((size_t)kinds + 1) * sizeof *p->kind_rows;

    if (p->cur.failed || rows > FL_BATCH_MAX_ROWS || kinds > FL_BATCH_MAX_ROWS ||
        (kinds == 0 && rows > 0))
        return corrupt(err, "more rows or kinds of rows than there can be");
    p->view->rows = (uint32_t)rows;
    p->kinds = (uint32_t)kinds;
    p->set = fl_arena_get(p->arena, ((size_t)kinds + 1) * sizeof *p->set);
    p->kind_rows = fl_arena_get(p->arena, bytes);
    if (p->set == NULL || p->kind_rows == NULL)
        return no_memory(err);
    memset(p->kind_rows, 0, bytes);
    *ret_any = (struct fl_fieldset){{0, 0}};
    for (uint32_t k = 0; k < p->kinds; k++) {
        if (!get_set(&p->cur, &p->set[k]))
            return corrupt(err, "rows with fields that there are not");
        ret_any->bits[0] |= p->set[k].bits[0];
        ret_any->bits[1] |= p->set[k].bits[1];
    }
    return count_kinds(p, err);
}

/* ---- which rows have a field ---- */

static bool list_rows(struct parse *p, enum fl_field f, struct rows *set)
{
    uint32_t rows = p->view->rows, n = 0;
    uint8_t *there = fl_arena_get(p->arena, (size_t)p->kinds + 1);
    uint8_t *has = fl_arena_get(p->arena, ((size_t)rows + 7) / 8);
    uint16_t *list = fl_arena_get(p->arena, ((size_t)rows + 1) * sizeof *list);

    if (there == NULL || has == NULL || list == NULL)
        return false;
    for (uint32_t k = 0; k < p->kinds; k++)
        there[k] = fl_fieldset_has(&p->set[k], f);
    memset(has, 0, ((size_t)rows + 7) / 8);
    for (uint32_t row = 0; row < rows; row++) {
        uint8_t bit = there[kind_of(p, row)];

        has[row / 8] |= (uint8_t)(bit << (row % 8));
        list[n] = (uint16_t)row;
        n += bit;
    }
    set->has = has;
    set->list = list;
    return true;
}

/* NULL: no memory. */
static const struct rows *rows_of(struct parse *p, enum fl_field f)
{
    struct rows *set = &p->rows[p->row_sets];
    uint64_t kinds = 0;
    uint32_t count = 0;

    for (uint32_t k = 0; k < p->kinds; k++) {
        if (!fl_fieldset_has(&p->set[k], f))
            continue;
        kinds |= p->kinds <= 64 ? UINT64_C(1) << k : 0;
        count += p->kind_rows[k];
    }
    for (uint32_t i = 0; i < p->row_sets && p->kinds <= 64; i++) {
        if (p->rows[i].kinds == kinds)
            return &p->rows[i];
    }
    *set = (struct rows){.kinds = kinds, .count = count};
    if (count < p->view->rows && !list_rows(p, f, set))
        return NULL;
    p->row_sets++;
    return set;
}

/* ---- numbers ---- */

static uint64_t load_width(const unsigned char *at, unsigned width)
{
    uint64_t v = 0;

    memcpy(&v, at, width);
    return v;
}

/* Values that fill the front of ret: n of width bytes, with what they were reduced by. */
static void get_values(const unsigned char *at, uint32_t n, unsigned width, uint64_t scale,
                       uint64_t least, uint64_t *ret)
{
    uint64_t mask = width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
    uint32_t i = 0, whole = n < 8 ? 0 : n - 8; /* of these, eight bytes can be loaded */

    switch (width) {
    case 0:
        for (; i < n; i++)
            ret[i] = least;
        return;
    case 1:
        for (; i < n; i++)
            ret[i] = at[i] * scale + least;
        return;
    case 2:
        for (; i < n; i++)
            ret[i] = load16(at + 2 * (size_t)i) * scale + least;
        return;
    default:
        for (; i < whole; i++)
            ret[i] = (load_width(at + width * (size_t)i, 8) & mask) * scale + least;
        for (; i < n; i++)
            ret[i] = load_width(at + width * (size_t)i, width) * scale + least;
    }
}

/* The values stand at the front of v; each goes to its row. From the back, because a row's number
 * is at least its value's. */
static void spread_numbers(uint64_t *v, uint32_t rows, const struct rows *set)
{
    uint32_t row = rows;

    for (uint32_t i = set->count; i-- > 0;) {
        uint64_t one = v[i];

        while (row > set->list[i] + 1u)
            v[--row] = 0;
        v[--row] = one;
    }
    while (row > 0)
        v[--row] = 0;
}

static int get_numbers(struct parse *p, enum fl_field f, const struct rows *set, struct fl_err *err)
{
    struct fl_batch_col *col = &p->view->col[f];
    const uint64_t *time = p->view->col[FL_F_TIME].num;
    uint8_t form = fl_cursor_u8(&p->cur);
    unsigned width = form & FL_BATCH_WIDTH_MASK, scale = form >> FL_BATCH_SCALE_SHIFT;
    uint64_t least = unzigzag(fl_cursor_varint(&p->cur));
    struct fl_span bytes;
    uint64_t *v;

    if (width > 8 || scale >= FL_BATCH_SCALES)
        return corrupt(err, "numbers of a form that is not known");
    bytes = fl_cursor_bytes(&p->cur, (size_t)set->count * width);
    if (p->cur.failed)
        return corrupt(err, "numbers reach beyond the end");
    v = (uint64_t *)(void *)p->block;
    p->block += aligned(p->view->rows * sizeof *v);
    get_values(bytes.ptr, set->count, width, fl_batch_scale[scale], least, v);
    if (set->count < p->view->rows)
        spread_numbers(v, p->view->rows, set);
    if (fl_batch_from_time(f) && time != NULL) {
        for (uint32_t row = 0; row < p->view->rows; row++)
            v[row] += set->has == NULL || (set->has[row / 8] >> (row % 8) & 1) != 0 ? time[row] : 0;
    }
    col->num = v;
    col->has = set->has;
    return FL_OK;
}

/* ---- words ---- */

static int get_addresses(struct parse *p, struct fl_span *words, uint32_t count, bool v4,
                         struct fl_err *err)
{
    static const unsigned char front[FL_IP_BYTES - 4] = {[10] = 0xff, [11] = 0xff};
    size_t width = v4 ? 4 : FL_IP_BYTES;
    struct fl_span bytes = fl_cursor_bytes(&p->cur, count * width);
    const unsigned char *at = bytes.ptr;
    unsigned char *to;

    if (p->cur.failed)
        return corrupt(err, "addresses reach beyond the end");
    for (uint32_t k = 1; k <= count && !v4; k++, at += FL_IP_BYTES)
        words[k] = fl_span_of(at, FL_IP_BYTES);
    if (!v4)
        return FL_OK;
    to = fl_arena_get(p->arena, count * (size_t)FL_IP_BYTES + 1);
    if (to == NULL)
        return no_memory(err);
    for (uint32_t k = 1; k <= count; k++, at += 4, to += FL_IP_BYTES) {
        memcpy(to, front, sizeof front);
        memcpy(to + sizeof front, at, 4);
        words[k] = fl_span_of(to, FL_IP_BYTES);
    }
    return FL_OK;
}

static int get_strings(struct parse *p, struct fl_span *words, uint32_t count, unsigned len_form,
                       struct fl_err *err)
{
    size_t width = (size_t)1 << len_form, total = 0;
    struct fl_span lens = fl_cursor_bytes(&p->cur, count * width), bytes;
    const unsigned char *at;

    if (p->cur.failed)
        return corrupt(err, "lengths of words reach beyond the end");
    for (uint32_t k = 1; k <= count; k++) {
        size_t len = (size_t)load_width(lens.ptr + (k - 1) * width, (unsigned)width);

        if (len > FL_STR_MAX)
            return corrupt(err, "a word over the limit");
        words[k].len = len;
        total += len;
    }
    bytes = fl_cursor_bytes(&p->cur, total);
    if (p->cur.failed)
        return corrupt(err, "words reach beyond the end");
    at = bytes.ptr;
    for (uint32_t k = 1; k <= count; k++) {
        words[k].ptr = at;
        at += words[k].len;
    }
    return FL_OK;
}

/* Codes are words from 0 in the bytes, from 1 in the view; true: all are below count. */
static bool get_codes(const unsigned char *at, uint32_t n, unsigned form, uint32_t count,
                      uint32_t *ret)
{
    uint32_t most = 0, i;

    if (form == FL_BATCH_CODE_OWN) {
        for (i = 0; i < n; i++)
            ret[i] = i + 1;
        return n <= count;
    }
    for (i = 0; i < n && form == 0; i++)
        ret[i] = 1;
    for (i = 0; i < n && form == 1; i++) {
        most = at[i] > most ? at[i] : most;
        ret[i] = at[i] + 1u;
    }
    for (i = 0; i < n && form == 2; i++) {
        uint32_t code = load16(at + 2 * (size_t)i);

        most = code > most ? code : most;
        ret[i] = code + 1;
    }
    return n == 0 || most < count;
}

static void spread_codes(uint32_t *v, uint32_t rows, const struct rows *set)
{
    uint32_t row = rows;

    for (uint32_t i = set->count; i-- > 0;) {
        uint32_t one = v[i];

        while (row > set->list[i] + 1u)
            v[--row] = 0;
        v[--row] = one;
    }
    while (row > 0)
        v[--row] = 0;
}

static int get_words(struct parse *p, enum fl_field f, const struct rows *set, struct fl_err *err)
{
    struct fl_batch_col *col = &p->view->col[f];
    bool ip = fl_fields[f].type == FL_T_IP;
    uint8_t form = fl_cursor_u8(&p->cur);
    uint64_t count = fl_cursor_varint(&p->cur);
    unsigned codes = form & FL_BATCH_CODE_MASK;
    unsigned len_form = form >> FL_BATCH_LEN_SHIFT & FL_BATCH_LEN_MASK;
    struct fl_span *words, bytes;
    uint32_t *v;
    int r;

    if (p->cur.failed || count > FL_BATCH_MAX_ROWS || len_form > 2 || form >= 2 * FL_BATCH_V4 ||
        (form >= FL_BATCH_V4 && !ip) || (ip && len_form > 0))
        return corrupt(err, "words of a form that is not known");
    words = fl_arena_get(p->arena, ((size_t)count + 1) * sizeof *words);
    if (words == NULL)
        return no_memory(err);
    words[0] = (struct fl_span){NULL, 0};
    r = ip ? get_addresses(p, words, (uint32_t)count, form >= FL_BATCH_V4, err)
           : get_strings(p, words, (uint32_t)count, len_form, err);
    if (r < 0)
        return r;
    bytes = fl_cursor_bytes(&p->cur, codes == FL_BATCH_CODE_OWN ? 0 : (size_t)set->count * codes);
    v = (uint32_t *)(void *)p->block;
    p->block += aligned(p->view->rows * sizeof *v);
    if (p->cur.failed || !get_codes(bytes.ptr, set->count, codes, (uint32_t)count, v))
        return corrupt(err, "a word that there is not");
    if (set->count < p->view->rows)
        spread_codes(v, p->view->rows, set);
    col->code = v;
    col->words = words;
    col->word_count = (uint32_t)count + 1;
    return FL_OK;
}

/* ---- whole ---- */

static int get_column(struct parse *p, enum fl_field f, struct fl_err *err)
{
    const struct rows *set = rows_of(p, f);
    int r;

    if (set == NULL)
        return no_memory(err);
    r = fl_field_is_str(f) ? get_words(p, f, set, err) : get_numbers(p, f, set, err);
    if (r < 0)
        return r;
    p->view->col[f].present = set->count;
    if (set->count == 0) /* of a kind that no row has */
        p->view->col[f] = (struct fl_batch_col){.present = 0};
    return FL_OK;
}

/* One piece of memory for the vectors of all columns. */
static bool get_block(struct parse *p, const struct fl_fieldset *any)
{
    size_t bytes = 16;

    for (int f = 0; f < FL_FIELD_COUNT; f++) {
        if (fl_fieldset_has(any, (enum fl_field)f))
            bytes += aligned((size_t)p->view->rows * (fl_field_is_str((enum fl_field)f) ? 4 : 8));
    }
    p->block = fl_arena_get(p->arena, bytes);
    return p->block != NULL;
}

int fl_batch_columns(struct fl_span bytes, struct fl_arena *arena, struct fl_batch_view *ret,
                     struct fl_err *err)
{
    struct parse p = {.cur = fl_cursor_of(bytes), .arena = arena, .view = ret};
    struct fl_fieldset any;
    int r;

    *ret = (struct fl_batch_view){.rows = 0};
    (void)fl_cursor_u32(&p.cur); /* magic and version */
    r = get_kinds(&p, &any, err);
    if (r == FL_OK && !get_block(&p, &any))
        r = no_memory(err);
    for (int f = 0; f < FL_FIELD_COUNT && r == FL_OK; f++) {
        if (fl_fieldset_has(&any, (enum fl_field)f))
            r = get_column(&p, (enum fl_field)f, err);
    }
    if (r == FL_OK && !fl_cursor_done(&p.cur))
        r = corrupt(err, "bytes behind the last column");
    return r;
}

int fl_batch_view(struct fl_span bytes, struct fl_arena *arena, struct fl_batch_view *ret,
                  struct fl_err *err)
{
    struct fl_batch_view view;
    int version = fl_batch_version(bytes, err), r;

    if (version < 0)
        return version;
    r = version == 1 ? fl_batch_gather(bytes, arena, &view, err)
                     : fl_batch_columns(bytes, arena, &view, err);
    if (r == FL_OK)
        *ret = view;
    return r;
}
