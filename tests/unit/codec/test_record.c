#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_v1.h"
#include "codec/record.h"
#include "tap.h"

static struct fl_batch_writer *writer;
static struct fl_arena arena;

/* Row number i: every field, or a choice of them. */
static void make_row(struct fl_event *ev, uint64_t i)
{
    static const unsigned char ip[2][16] = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1},
                                            {0x20, 1, 0xd, 0xb8}};
    static const struct fl_span texts[] = {{(const unsigned char *)"", 0},
                                           {(const unsigned char *)"a\0b", 3}};

    fl_event_clear(ev);
    for (int k = 0; k < FL_FIELD_COUNT; k++) {
        enum fl_field f = (enum fl_field)k;

        if (i > 0 && (i * 7 + (uint64_t)k) % 3 == 0)
            continue;
        if (fl_fields[f].type == FL_T_IP)
            fl_event_str(ev, f, fl_span_of(ip[i % 2], 16));
        else if (fl_fields[f].type == FL_T_STR)
            fl_event_str(ev, f, texts[(i + (uint64_t)k) % 2]);
        else
            fl_event_num(ev, f, (i * (uint64_t)k) % 5 == 0 ? UINT64_MAX >> (k % 64) : i);
    }
}

static bool same(const struct fl_event *a, const struct fl_event *b)
{
    if (a->has.bits[0] != b->has.bits[0] || a->has.bits[1] != b->has.bits[1])
        return false;
    for (int k = 0; k < FL_FIELD_COUNT; k++) {
        enum fl_field f = (enum fl_field)k;

        if (!fl_event_has(a, f))
            continue;
        if (fl_field_is_str(f) ? !fl_span_eq(a->v[f].str, b->v[f].str) : a->v[f].num != b->v[f].num)
            return false;
    }
    return true;
}

typedef void make_fn(struct fl_event *ev, uint64_t i);

static bool write_rows(struct fl_buf *out, make_fn *make, uint64_t rows)
{
    struct fl_event in = {.arena = &arena};
    bool all = true;
    size_t most;

    for (uint64_t i = 0; i < rows; i++) {
        make(&in, i);
        all = all && fl_batch_add(writer, &in, NULL) == 0 && fl_batch_rows(writer) == i + 1;
    }
    most = fl_batch_bytes(writer);
    all = all && fl_batch_finish(writer, out, NULL) == 0 && out->len <= most;
    return all && fl_batch_rows(writer) == 0;
}

static bool write_v1(struct fl_buf *out, make_fn *make, uint64_t rows)
{
    struct fl_event in = {.arena = &arena};
    struct v1_writer *v1 = NULL;
    bool all = v1_writer_new(&v1, NULL) == 0;

    for (uint64_t i = 0; i < rows && all; i++) {
        make(&in, i);
        all = v1_add(v1, &in, NULL) == 0 && v1_rows(v1) == i + 1;
    }
    all = all && v1_finish(v1, out, NULL) == 0 && v1_bytes(v1) == 16;
    v1_writer_free(v1);
    return all;
}

static bool rows_come_back(struct fl_span bytes, make_fn *make, uint64_t rows)
{
    struct fl_event in = {.arena = &arena}, back = {.arena = &arena};
    struct fl_batch_reader r;
    bool all = fl_batch_read(&r, bytes, &arena, NULL) == 0 && r.rows_left == rows;

    for (uint64_t i = 0; i < rows && all; i++) {
        make(&in, i);
        all = fl_batch_next(&r, &back, NULL) == 1 && same(&in, &back);
    }
    return all && fl_batch_next(&r, &back, NULL) == 0 && fl_batch_next(&r, &back, NULL) == 0;
}

/* Row number row of the view is as in says. */
static bool same_in_view(const struct fl_batch_view *view, uint32_t row, const struct fl_event *in)
{
    for (int k = 0; k < FL_FIELD_COUNT; k++) {
        const struct fl_batch_col *col = &view->col[k];
        bool there = fl_event_has(in, (enum fl_field)k);

        if (col->present == 0) {
            if (there || col->num != NULL || col->has != NULL || col->code != NULL)
                return false;
        } else if (fl_field_is_str((enum fl_field)k)) {
            if (there != (col->code[row] != 0) || col->code[row] >= col->word_count ||
                (there && !fl_span_eq(col->words[col->code[row]], in->v[k].str)))
                return false;
        } else {
            bool has = col->has == NULL || (col->has[row / 8] >> (row % 8) & 1) != 0;

            if (there != has || col->num[row] != (there ? in->v[k].num : 0))
                return false;
        }
    }
    return true;
}

/* Each word once or each value a word of its own, in order of first use, and as many values as the
 * column says. */
static bool in_order(const struct fl_batch_view *view, const struct fl_batch_col *col)
{
    uint32_t next = 1, present = 0;

    for (uint32_t row = 0; row < view->rows && col->code != NULL; row++) {
        if (col->code[row] > next)
            return false;
        next += col->code[row] == next;
        present += col->code[row] != 0;
    }
    for (uint32_t a = 1; a < col->word_count && col->word_count != col->present + 1; a++)
        for (uint32_t b = 1; b < a; b++)
            if (fl_span_eq(col->words[a], col->words[b]))
                return false;
    return col->code == NULL ||
           (next == col->word_count && present == col->present && col->words[0].len == 0);
}

static bool columns_come_back(struct fl_span bytes, make_fn *make, uint64_t rows)
{
    struct fl_event in = {.arena = &arena};
    struct fl_batch_view view;
    bool all = fl_batch_view(bytes, &arena, &view, NULL) == 0 && view.rows == rows;

    for (uint32_t i = 0; i < rows && all; i++) {
        make(&in, i);
        all = same_in_view(&view, i, &in);
    }
    for (int k = 0; k < FL_FIELD_COUNT && all; k++)
        all = in_order(&view, &view.col[k]);
    return all;
}

/* Numbers of every width, at the edges of each, as times and as counts; every third row without. */
static void make_widths(struct fl_event *ev, uint64_t i)
{
    static const enum fl_field nums[] = {FL_F_SRC_PORT, FL_F_DST_PORT, FL_F_PRI,
                                         FL_F_PROTO,    FL_F_DURATION, FL_F_SESSION,
                                         FL_F_IN_BYTES, FL_F_OUT_BYTES};

    fl_event_clear(ev);
    for (size_t k = 0; k < FL_LEN(nums); k++) {
        uint64_t most = UINT64_MAX >> (56 - 8 * k);

        if (i % 3 != 1 || k % 2 == 0)
            fl_event_num(ev, nums[k], 1000 * k + (i % 2 == 0 ? most : i * most / 97));
    }
    fl_event_time(ev, FL_F_RECEIVED, INT64_MAX - (int64_t)i);
    if (i % 7 != 3)
        fl_event_time(ev, FL_F_TIME, (int64_t)(i * 1000 * (i % 5)) - 3000000);
    fl_event_time(ev, FL_F_START, -(int64_t)(i * 1000000));
}

/* More than 256 words, more than 256 kinds of rows, and words of any length. */
static void make_many(struct fl_event *ev, uint64_t i)
{
    static const char text[600] = "x";
    static uint64_t number;

    fl_event_clear(ev);
    number = i % 700;
    fl_event_str(ev, FL_F_USER, fl_span_of(&number, sizeof number));
    fl_event_str(ev, FL_F_MESSAGE, fl_span_of(text, i * 7 % 600));
    for (int k = 0; k < 9; k++) {
        if ((i >> k & 1) != 0)
            fl_event_num(ev, (enum fl_field)(FL_F_OUT_BYTES + k), i);
    }
}

/* Shapes with and without a number; the same bytes under two, two numbers in one place. */
static void make_shapes(struct fl_event *ev, uint64_t i)
{
    static const struct fl_span shapes[] = {{(const unsigned char *)"abc", 3},
                                            {(const unsigned char *)"abd", 3},
                                            {(const unsigned char *)"abc", 3}};

    static const struct {
        uint32_t number;
        size_t shape;
    } rows[] = {{1, 0}, {2, 1}, {0, 0}, {2, 1}, {0, 0}, {65, 2}, {1, 0}, {66, 1}, {0, 1}, {2, 1}};

    fl_event_clear(ev);
    ev->shape_no = rows[i % FL_LEN(rows)].number;
    fl_event_str(ev, FL_F_SHAPE, shapes[rows[i % FL_LEN(rows)].shape]);
}

/* Addresses of IPv4 alone, then of both kinds. */
static void make_v4(struct fl_event *ev, uint64_t i)
{
    static unsigned char ip[16] = {[10] = 0xff, [11] = 0xff, [12] = 10};

    fl_event_clear(ev);
    ip[14] = (unsigned char)(i >> 8);
    ip[15] = (unsigned char)i;
    fl_event_str(ev, FL_F_SRC_IP, fl_span_of(ip, 16));
}

static void make_both(struct fl_event *ev, uint64_t i)
{
    static const unsigned char six[16] = {0x20, 1, 0xd, 0xb8, [11] = 0xff};

    make_v4(ev, i);
    if (i % 100 == 99)
        fl_event_str(ev, FL_F_SRC_IP, fl_span_of(six, 16));
}

static void make_nothing(struct fl_event *ev, uint64_t i)
{
    (void)i;
    fl_event_clear(ev);
}

static const struct {
    const char *name;
    make_fn *make;
    uint64_t rows;
} trips[] = {
    {"no row", make_row, 0},
    {"one row", make_row, 1},
    {"every field, or a choice of them", make_row, 300},
    {"a small batch behind a large one", make_row, 7},
    {"numbers of every width", make_widths, 200},
    {"two rows of them", make_widths, 2},
    {"many words and kinds of rows", make_many, 3000},
    {"shapes with numbers", make_shapes, 50},
    {"addresses of IPv4", make_v4, 1000},
    {"addresses of both kinds", make_both, 1000},
    {"rows without a field", make_nothing, 5},
};

static void check_trips(void)
{
    char name[100];

    for (size_t i = 0; i < FL_LEN(trips); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf out, v1;

        fl_arena_clear(&arena);
        fl_buf_init(&out, FL_BATCH_MAX_BYTES);
        fl_buf_init(&v1, FL_BATCH_MAX_BYTES);
        (void)snprintf(name, sizeof name, "written: %s", trips[i].name);
        CHECK(write_rows(&out, trips[i].make, trips[i].rows), name);
        (void)snprintf(name, sizeof name, "rows come back: %s", trips[i].name);
        CHECK(rows_come_back(fl_buf_span(&out), trips[i].make, trips[i].rows), name);
        (void)snprintf(name, sizeof name, "and as columns: %s", trips[i].name);
        CHECK(columns_come_back(fl_buf_span(&out), trips[i].make, trips[i].rows), name);
        (void)snprintf(name, sizeof name, "and from version 1: %s", trips[i].name);
        CHECK(write_v1(&v1, trips[i].make, trips[i].rows) &&
                  rows_come_back(fl_buf_span(&v1), trips[i].make, trips[i].rows) &&
                  columns_come_back(fl_buf_span(&v1), trips[i].make, trips[i].rows),
              name);
    }
}

/* The writer's tables are told old from new by a number of 16 bits: it comes round. */
static void check_reuse(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_batch_reader r;
    struct fl_event ev = {.arena = &arena};
    bool all = true;
    size_t memory = 0;

    fl_buf_init(&out, FL_BATCH_MAX_BYTES);
    for (uint32_t i = 0; i < 140000 && all; i++) {
        uint32_t word = i % 3;

        fl_arena_clear(&arena);
        fl_buf_clear(&out);
        fl_event_clear(&ev);
        if (i % 1000 != 0)
            fl_event_str(&ev, FL_F_USER, fl_span_of(&word, sizeof word));
        fl_event_num(&ev, FL_F_PRI, i);
        all = fl_batch_add(writer, &ev, NULL) == 0 && fl_batch_add(writer, &ev, NULL) == 0 &&
              fl_batch_finish(writer, &out, NULL) == 0 &&
              fl_batch_read(&r, fl_buf_span(&out), &arena, NULL) == 0 &&
              (i % 1000 == 0 || r.view->col[FL_F_USER].word_count == 2) &&
              fl_batch_next(&r, &ev, NULL) == 1 && ev.v[FL_F_PRI].num == i &&
              (i % 1000 == 0 || fl_span_eq(ev.v[FL_F_USER].str, fl_span_of(&word, sizeof word)));
        memory = i == 1 ? fl_batch_memory(writer) : memory;
    }
    CHECK(all, "a writer is used 140,000 times");
    CHECK(fl_batch_memory(writer) == memory, "and takes no more memory for it");
    fl_event_clear(&ev);
    fl_event_num(&ev, FL_F_PRI, 1);
    CHECK(fl_batch_add(writer, &ev, NULL) == 0 && fl_batch_rows(writer) == 1, "a row is there");
    fl_batch_clear(writer);
    fl_buf_clear(&out);
    CHECK(fl_batch_rows(writer) == 0 && fl_batch_finish(writer, &out, NULL) == 0 && out.len == 6 &&
              memcmp(out.ptr, "FB\2\0\0\0", 6) == 0,
          "and forgotten");
}

/* A batch that is cut anywhere is refused, and so is one with a byte more. */
static bool refused_when_cut(struct fl_buf *bytes)
{
    struct fl_event ev = {.arena = &arena};
    bool refused = true;
    size_t n = bytes->len;

    fl_buf_put_u8(bytes, 0);
    for (size_t len = 0; len <= bytes->len; len++) {
        struct fl_batch_view view = {.rows = 77};
        struct fl_batch_reader r;
        struct fl_err err = {0};
        struct fl_span part = fl_span_of(bytes->ptr, len);
        int code;

        fl_arena_clear(&arena);
        code = fl_batch_read(&r, part, &arena, &err);
        while (code >= 0 && (code = fl_batch_next(&r, &ev, &err)) > 0)
            ;
        refused = refused && (len == n ? code == 0 : code == FL_E_CORRUPT && err.code == code);
        code = fl_batch_view(part, &arena, &view, &err);
        refused = refused && (len == n ? code == 0 : code == FL_E_CORRUPT && view.rows == 77);
    }
    return refused;
}

static void check_cut(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf out, v1;

    fl_buf_init(&out, FL_BATCH_MAX_BYTES);
    fl_buf_init(&v1, FL_BATCH_MAX_BYTES);
    if (!write_rows(&out, make_row, 20) || !write_v1(&v1, make_row, 20))
        abort();
    CHECK(refused_when_cut(&out), "a batch cut anywhere, or with a byte behind it, is corrupt");
    CHECK(refused_when_cut(&v1), "and so is one of version 1");
}

#define HEAD(version, rows, shapes, table)                                                         \
    "FB" version "\0" rows "\0\0\0" shapes "\0\0\0" table "\0\0\0"
#define BYTES(lit)                                                                                 \
    {                                                                                              \
        (const unsigned char *)(lit), sizeof(lit) - 1                                              \
    }
#define V2  "FB\2\0"       /* behind it rows and kinds, field sets, kinds of rows, columns */
#define ROW "\x01\x01\x02" /* one byte of field set: FL_F_RECEIVED, 1 us */

static const struct {
    const char *name;
    struct fl_span bytes;
    int rows; /* that come out before the end or the refusal */
    bool ok;
} batches[] = {
    {"no row", BYTES(HEAD("\1", "\0", "\0", "\0")), 0, true},
    {"one row", BYTES(HEAD("\1", "\1", "\0", "\0") ROW), 1, true},
    {"a later version", BYTES(HEAD("\3", "\1", "\0", "\0") ROW), 0, false},
    {"version 0", BYTES(HEAD("\0", "\1", "\0", "\0") ROW), 0, false},
    {"other magic", BYTES("FC\1\0\1\0\0\0\0\0\0\0\0\0\0\0" ROW), 0, false},
    {"more shapes than rows", BYTES(HEAD("\1", "\1", "\2", "\2") "\0\0" ROW), 0, false},
    {"a shape table beyond the end", BYTES(HEAD("\1", "\1", "\1", "\x7f") "\0" ROW), 0, false},
    {"a shape table that is not full", BYTES(HEAD("\1", "\1", "\1", "\2") "\0\0" ROW), 0, false},
    {"too many rows", BYTES("FB\1\0\1\x40\0\0\0\0\0\0\0\0\0\0" ROW), 0, false},
    {"more rows said than there are", BYTES(HEAD("\1", "\2", "\0", "\0") ROW), 1, false},
    {"more rows than said", BYTES(HEAD("\1", "\1", "\0", "\0") ROW ROW), 1, false},
    {"no field set", BYTES(HEAD("\1", "\1", "\0", "\0") "\0"), 0, false},
    {"a long field set",
     BYTES(HEAD("\1", "\1", "\0", "\0") "\x11\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"), 0, false},
    {"a field set with a nought behind", BYTES(HEAD("\1", "\1", "\0", "\0") "\2\1\0\2"), 0, false},
    {"a field that is not",
     BYTES(HEAD("\1", "\1", "\0", "\0") "\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), 0, false},
    {"a shape that is not", BYTES(HEAD("\1", "\1", "\0", "\0") "\x09\0\0\0\0\0\0\0\0\x40\0"), 0,
     false},
    {"a number over 64 bits",
     BYTES(HEAD("\1", "\1", "\0", "\0") "\1\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 0, false},
    {"a string longer than the batch", BYTES(HEAD("\1", "\1", "\0", "\0") "\1\x10\x7f"), 0, false},
    {"a string over the limit", BYTES(HEAD("\1", "\1", "\0", "\0") "\1\x10\x81\x80\4"), 0, false},
    {"half an address", BYTES(HEAD("\1", "\1", "\0", "\0") "\2\0\x80\1\2\3\4"), 0, false},
    {"2: a row",
     BYTES(V2 "\1\1"
              "\1\1"
              "\0\4"),
     1, true},
    {"2: a row without a field",
     BYTES(V2 "\1\1"
              "\1\0"),
     1, true},
    {"2: two rows of two kinds",
     BYTES(V2 "\2\2"
              "\1\1\1\4"
              "\0\1"
              "\0\4"
              "\0\4"),
     2, true},
    {"2: too many rows",
     BYTES(V2 "\x81\x80\1\1"
              "\1\0"),
     0, false},
    {"2: too many kinds",
     BYTES(V2 "\1\x81\x80\1"
              "\1\0"),
     0, false},
    {"2: rows without a kind", BYTES(V2 "\1\0"), 0, false},
    {"2: a kind that is not",
     BYTES(V2 "\1\2"
              "\1\1\1\4"
              "\2"
              "\0\4"
              "\0\4"),
     0, false},
    {"2: a kind of no row",
     BYTES(V2 "\1\2"
              "\1\1\1\4"
              "\0"
              "\0\4"
              "\0\4"),
     1, true},
    {"2: no field set",
     BYTES(V2 "\1\1"
              "\0"
              "\0\4"),
     0, false},
    {"2: a field that is not",
     BYTES(V2 "\1\1"
              "\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
              "\0\4"),
     0, false},
    {"2: numbers of 9 bytes",
     BYTES(V2 "\1\1"
              "\1\1"
              "\x09\0\0\0\0\0\0\0\0\0\0"),
     0, false},
    {"2: a scale that is not",
     BYTES(V2 "\1\1"
              "\1\1"
              "\x30\4"),
     0, false},
    {"2: a number over 64 bits",
     BYTES(V2 "\1\1"
              "\1\1"
              "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
     0, false},
    {"2: a site",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\0\1"
              "\1"
              "x"),
     1, true},
    {"2: no word",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\0\0"),
     0, false},
    {"2: no word of its own",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\3\0"),
     0, false},
    {"2: a word that is not",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\1\2"
              "\0\0"
              "\2"),
     0, false},
    {"2: a word that is not, in two bytes",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\2\2"
              "\0\0"
              "\2\0"),
     0, false},
    {"2: a word in no row",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\1\2"
              "\0\0"
              "\1"),
     1, true},
    {"2: too many words",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\0\x81\x80\1"),
     0, false},
    {"2: a word over the limit",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\x08\1"
              "\1\0\1\0"),
     0, false},
    {"2: a word of 4 GiB",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\x08\1"
              "\xff\xff\xff\xff"),
     0, false},
    {"2: a length of 8 bytes",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\x0c\1"
              "\0\0\0\0\0\0\0\0"),
     0, false},
    {"2: an unknown form",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\x20\1"
              "\1"
              "x"),
     0, false},
    {"2: text as an address",
     BYTES(V2 "\1\1"
              "\1\x10"
              "\x10\1"
              "\1\1\1\1"),
     0, false},
    {"2: an address",
     BYTES(V2 "\1\1"
              "\2\0\x80"
              "\x10\1"
              "\1\1\1\1"),
     1, true},
    {"2: an address with a length",
     BYTES(V2 "\1\1"
              "\2\0\x80"
              "\x14\1"
              "\1\1\1\1"),
     0, false},
};
_Static_assert(FL_F_SEQ == 2 && FL_F_SITE == 4 && FL_F_SRC_IP == 15 && FL_F_SHAPE == 70,
               "the field sets above name these");

static void check_batches(void)
{
    for (size_t i = 0; i < FL_LEN(batches); i++) {
        struct fl_batch_reader r;
        struct fl_event ev = {.arena = &arena};
        struct fl_batch_view view;
        int rows = 0, viewed, code = fl_batch_read(&r, batches[i].bytes, &arena, NULL);

        while (code >= 0 && (code = fl_batch_next(&r, &ev, NULL)) > 0)
            rows++;
        viewed = fl_batch_view(batches[i].bytes, &arena, &view, NULL);
        CHECK((viewed == 0) == batches[i].ok && (viewed == 0 || viewed == FL_E_CORRUPT) &&
                  rows == batches[i].rows && (code == 0) == batches[i].ok &&
                  (code == 0 || code == FL_E_CORRUPT),
              batches[i].name);
    }
}

static void check_limits(void)
{
    static unsigned char big[FL_STR_MAX + 1];
    FL_AUTO(fl_buf_done) struct fl_buf out, tight;
    struct fl_event ev = {.arena = &arena};
    struct fl_batch_reader r;
    struct fl_err err = {0};
    uint32_t rows = 0;
    size_t before;
    int code;

    fl_buf_init(&out, FL_BATCH_MAX_BYTES);
    fl_buf_init(&tight, 100000);
    memset(big, 'x', sizeof big);
    fl_event_str(&ev, FL_F_URL, fl_span_of(big, sizeof big));
    CHECK(fl_batch_add(writer, &ev, &err) == FL_E_INVAL && fl_batch_rows(writer) == 0,
          "a string over the limit is refused");
    fl_event_clear(&ev);
    fl_event_str(&ev, FL_F_SRC_IP, fl_span_of(big, 4));
    CHECK(fl_batch_add(writer, &ev, &err) == FL_E_INVAL, "an address of four bytes is refused");
    fl_event_clear(&ev);
    for (int k = 0; k < FL_FIELD_COUNT; k++) {
        if (fl_fields[k].type == FL_T_STR)
            fl_event_str(&ev, (enum fl_field)k, fl_span_of(big, FL_STR_MAX));
    }
    CHECK(fl_batch_add(writer, &ev, &err) == FL_E_INVAL && fl_batch_rows(writer) == 0 &&
              fl_batch_bytes(writer) < 100,
          "a row that no batch can hold is refused");

    fl_event_clear(&ev);
    fl_event_str(&ev, FL_F_SHAPE, fl_span_of(big, 60000));
    fl_event_str(&ev, FL_F_RAW, fl_span_of(big, FL_STR_MAX));
    while ((code = fl_batch_add(writer, &ev, &err)) == 0) {
        rows++;
        big[0]++; /* another shape each time */
    }
    before = fl_batch_bytes(writer);
    CHECK(code == FL_E_LIMIT && rows == 8 && fl_batch_rows(writer) == rows &&
              fl_batch_add(writer, &ev, NULL) == FL_E_LIMIT && fl_batch_bytes(writer) == before,
          "a full batch is unchanged");
    CHECK(fl_batch_finish(writer, &tight, NULL) == FL_E_LIMIT && tight.len == 0 &&
              fl_batch_rows(writer) == rows,
          "a batch that does not fit stays with the writer");
    CHECK(fl_batch_finish(writer, &out, NULL) == 0 && out.len <= before &&
              fl_batch_read(&r, fl_buf_span(&out), &arena, NULL) == 0 && r.shapes == rows,
          "and the full one reads back");

    fl_event_clear(&ev);
    fl_event_num(&ev, FL_F_PRI, 1);
    for (rows = 0; fl_batch_add(writer, &ev, NULL) == 0; rows++)
        ;
    CHECK(rows == FL_BATCH_MAX_ROWS, "the number of rows is limited");
    fl_buf_clear(&out);
    if (fl_batch_finish(writer, &out, NULL) < 0)
        abort();
}

/* More different shapes than the index has room for neighbours: all are found again. */
static void check_many_shapes(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_event ev = {.arena = &arena};
    struct fl_batch_reader r;
    bool all = true;

    fl_buf_init(&out, FL_BATCH_MAX_BYTES);
    for (uint32_t i = 0; i < FL_BATCH_MAX_ROWS; i++) {
        uint32_t shape = i % 9000;

        fl_event_clear(&ev);
        fl_event_str(&ev, FL_F_SHAPE, fl_span_of(&shape, sizeof shape));
        all = all && fl_batch_add(writer, &ev, NULL) == 0;
    }
    all = all && fl_batch_finish(writer, &out, NULL) == 0 &&
          fl_batch_read(&r, fl_buf_span(&out), &arena, NULL) == 0 && r.shapes == 9000;
    for (uint32_t i = 0; i < FL_BATCH_MAX_ROWS && all; i++) {
        uint32_t shape = i % 9000;

        all = fl_batch_next(&r, &ev, NULL) == 1 &&
              fl_span_eq(ev.v[FL_F_SHAPE].str, fl_span_of(&shape, sizeof shape));
    }
    CHECK(all, "nine thousand shapes in a batch");
}

/* Row i of a batch: addresses and user names differ as the batch has it, hosts and messages never
 * and always do. */
static void make_plain(struct fl_event *ev, uint32_t batch, uint32_t i, char text[3][32])
{
    static unsigned char ip[FL_IP_BYTES] = {[10] = 0xff, [11] = 0xff};
    uint32_t who = batch % 7 == 0 ? i % 5 : batch * 1000 + i;

    memcpy(ip + 12, &who, sizeof who);
    (void)snprintf(text[0], 32, "user%u", (unsigned)who);
    (void)snprintf(text[1], 32, "fw-%u", (unsigned)(i % 3));
    (void)snprintf(text[2], 32, "%.*s%u", (int)(i % 20), "....................", (unsigned)i);
    fl_event_clear(ev);
    if (i % 4 != 3)
        fl_event_str(ev, FL_F_SRC_IP, fl_span_of(ip, sizeof ip));
    fl_event_str(ev, FL_F_USER, fl_span_str(text[0]));
    fl_event_str(ev, FL_F_HOST, fl_span_str(text[1]));
    fl_event_str(ev, FL_F_MESSAGE, fl_span_str(text[2]));
}

static bool plain_trip(uint32_t batch, uint32_t rows, struct fl_buf *out)
{
    struct fl_event in = {.arena = &arena}, ev = {.arena = &arena};
    struct fl_batch_reader r;
    char text[3][32];
    size_t most;
    bool all = true;

    for (uint32_t i = 0; i < rows; i++) {
        make_plain(&in, batch, i, text);
        all = all && fl_batch_add(writer, &in, NULL) == 0;
    }
    most = fl_batch_bytes(writer);
    fl_buf_clear(out);
    fl_arena_clear(&arena);
    all = all && fl_batch_finish(writer, out, NULL) == 0 && out->len <= most &&
          fl_batch_read(&r, fl_buf_span(out), &arena, NULL) == 0;
    for (uint32_t i = 0; i < rows && all; i++) {
        make_plain(&in, batch, i, text);
        all = fl_batch_next(&r, &ev, NULL) == 1 && same(&in, &ev);
    }
    return all && fl_batch_next(&r, &ev, NULL) == 0;
}

/* Columns of which nearly all values differed are written without being interned for a while. */
static void check_plain(void)
{
    enum { ROWS = 400, BATCHES = 400 };
    static const uint32_t odd[] = {1, 2, 0, 3, ROWS};
    struct fl_batch_view view;
    struct fl_buf out;
    uint32_t repeated = 0, wrong = 0, shared = 0;

    fl_buf_init(&out, FL_BATCH_MAX_BYTES);
    for (uint32_t b = 1; b <= BATCHES; b++) {
        wrong += !plain_trip(b, ROWS, &out);
        fl_arena_clear(&arena);
        if (fl_batch_view(fl_buf_span(&out), &arena, &view, NULL) < 0)
            continue;
        repeated += b % 7 == 0 && view.col[FL_F_USER].word_count == ROWS + 1 &&
                    view.col[FL_F_SRC_IP].word_count == ROWS / 4 * 3 + 1;
        shared += view.col[FL_F_HOST].word_count == 4;
    }
    CHECK(wrong == 0, "batches of columns that are interned or not, by turns, come back");
    CHECK(repeated > 0 && repeated < BATCHES / 7,
          "where nearly all differed words are not looked for, and later are again");
    CHECK(shared == BATCHES, "where few do they always are");
    wrong = 0;
    for (size_t i = 0; i < FL_LEN(odd); i++)
        wrong += !plain_trip(2, odd[i], &out);
    CHECK(wrong == 0, "so do batches of one row, of two and of none");
    fl_buf_done(&out);
}

int main(void)
{
    fl_arena_init(&arena, FL_BATCH_VIEW_MAX_BYTES);
    if (fl_batch_writer_new(&writer, NULL) < 0)
        abort();
    fl_batch_writer_seed(writer, 42);
    check_trips();
    check_reuse();
    check_cut();
    check_batches();
    check_limits();
    check_many_shapes();
    check_plain();
    fl_batch_writer_free(writer);
    fl_batch_writer_free(NULL);
    fl_arena_done(&arena);
    return tap_done();
}
