#include <stdlib.h>
#include <string.h>

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

static void check_round_trip(void)
{
    enum { ROWS = 300 };
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_batch_reader r;
    struct fl_event in = {.arena = &arena}, back = {.arena = &arena};
    bool all = true, counted = true;
    size_t bytes;

    fl_buf_init(&out, FL_BATCH_MAX_BYTES);
    for (uint64_t i = 0; i < ROWS; i++) {
        make_row(&in, i);
        all = all && fl_batch_add(writer, &in, NULL) == 0;
        counted = counted && fl_batch_rows(writer) == i + 1;
    }
    bytes = fl_batch_bytes(writer);
    CHECK(all && counted, "rows of every kind are taken");
    CHECK(fl_batch_finish(writer, &out, NULL) == 0 && out.len == bytes &&
              fl_batch_rows(writer) == 0,
          "the size is known before");
    CHECK(fl_batch_read(&r, fl_buf_span(&out), &arena, NULL) == 0 && r.rows_left == ROWS &&
              r.shapes == 2,
          "equal shapes are written once");
    for (uint64_t i = 0; i < ROWS && all; i++) {
        make_row(&in, i);
        all = fl_batch_next(&r, &back, NULL) == 1 && same(&in, &back);
    }
    CHECK(all && fl_batch_next(&r, &back, NULL) == 0 && fl_batch_next(&r, &back, NULL) == 0,
          "and every row comes back");
}

/* A batch that is cut anywhere is refused, and so is one with a byte more. */
static void check_cut(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_event ev = {.arena = &arena};
    bool refused = true;
    size_t n;

    fl_buf_init(&out, FL_BATCH_MAX_BYTES);
    make_row(&ev, 0);
    if (fl_batch_add(writer, &ev, NULL) < 0 || fl_batch_finish(writer, &out, NULL) < 0)
        abort();
    n = out.len;
    fl_buf_put_u8(&out, 0);
    for (size_t len = 0; len <= out.len; len++) {
        struct fl_batch_reader r;
        struct fl_err err = {0};
        int code = fl_batch_read(&r, fl_span_of(out.ptr, len), &arena, &err);

        while (code >= 0 && (code = fl_batch_next(&r, &ev, &err)) > 0)
            ;
        refused = refused && (len == n ? code == 0 : code == FL_E_CORRUPT && err.code == code);
    }
    CHECK(refused, "a batch cut anywhere, or with a byte behind it, is corrupt");
}

#define HEAD(version, rows, shapes, table)                                                         \
    "FB" version "\0" rows "\0\0\0" shapes "\0\0\0" table "\0\0\0"
#define BYTES(lit)                                                                                 \
    {                                                                                              \
        (const unsigned char *)(lit), sizeof(lit) - 1                                              \
    }
#define ROW "\x01\x01\x02" /* one byte of field set: FL_F_RECEIVED, 1 us */

static const struct {
    const char *name;
    struct fl_span bytes;
    int rows; /* that come out before the end or the refusal */
    bool ok;
} batches[] = {
    {"no row", BYTES(HEAD("\1", "\0", "\0", "\0")), 0, true},
    {"one row", BYTES(HEAD("\1", "\1", "\0", "\0") ROW), 1, true},
    {"a later version", BYTES(HEAD("\2", "\1", "\0", "\0") ROW), 0, false},
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
};
_Static_assert(FL_F_SEQ == 2 && FL_F_SITE == 4 && FL_F_SRC_IP == 15 && FL_F_SHAPE == 70,
               "the field sets above name these");

static void check_batches(void)
{
    for (size_t i = 0; i < FL_LEN(batches); i++) {
        struct fl_batch_reader r;
        struct fl_event ev = {.arena = &arena};
        int rows = 0, code = fl_batch_read(&r, batches[i].bytes, &arena, NULL);

        while (code >= 0 && (code = fl_batch_next(&r, &ev, NULL)) > 0)
            rows++;
        CHECK(rows == batches[i].rows && (code == 0) == batches[i].ok &&
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
    fl_buf_init(&tight, 100);
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
              fl_batch_bytes(writer) == 16,
          "a row that no batch can hold is refused");

    fl_event_clear(&ev);
    fl_event_str(&ev, FL_F_SHAPE, fl_span_of(big, 60000));
    fl_event_str(&ev, FL_F_URL, fl_span_of(big, FL_STR_MAX));
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
    CHECK(fl_batch_finish(writer, &out, NULL) == 0 && out.len == before &&
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

int main(void)
{
    fl_arena_init(&arena, (size_t)1 << 24);
    if (fl_batch_writer_new(&writer, NULL) < 0)
        abort();
    check_round_trip();
    check_cut();
    check_batches();
    check_limits();
    check_many_shapes();
    fl_batch_writer_free(writer);
    fl_batch_writer_free(NULL);
    fl_arena_done(&arena);
    return tap_done();
}
