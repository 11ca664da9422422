/*
 * batch_v1.h - the writer of batches of version 1 (codec/record.h), which nothing but tests needs:
 * WAL files that hold them stay readable.
 */
#ifndef TESTS_BATCH_V1_H
#define TESTS_BATCH_V1_H

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codec/ip.h"
#include "codec/record.h"

enum {
    HEADER_BYTES = 16,
    SLOTS = 32768, /* of the shape index: a power of two, twice what a batch may hold */
    SET_BYTES = 16
};
_Static_assert(SLOTS >= 2 * FL_BATCH_MAX_ROWS, "the shape index never fills up");

struct shape {
    uint32_t at, len; /* in shapes */
};

struct v1_writer {
    struct fl_buf shapes; /* the shape table as it will stand */
    struct fl_buf rows;
    uint32_t row_count, shape_count;
    struct shape shape[FL_BATCH_MAX_ROWS];
    struct {
        uint32_t hash;
        uint32_t number; /* of the shape, from 1; 0: free */
    } slot[SLOTS];
};

static int v1_writer_new(struct v1_writer **ret, struct fl_err *err)
{
    struct v1_writer *w = calloc(1, sizeof *w);

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a batch of rows");
    fl_buf_init(&w->shapes, FL_BATCH_MAX_BYTES);
    fl_buf_init(&w->rows, FL_BATCH_MAX_BYTES);
    *ret = w;
    return FL_OK;
}

static void v1_writer_free(struct v1_writer *w)
{
    if (w == NULL)
        return;
    fl_buf_done(&w->shapes);
    fl_buf_done(&w->rows);
    free(w);
}

static uint32_t v1_rows(const struct v1_writer *w)
{
    return w->row_count;
}

static size_t v1_bytes(const struct v1_writer *w)
{
    return HEADER_BYTES + w->shapes.len + w->rows.len;
}

/* Eight bytes at a time; shapes come from outside, but a batch bounds how many can collide. */
static uint32_t hash_of(struct fl_span s)
{
    uint64_t hash = s.len, word;
    size_t i = 0;

    for (; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.ptr + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    word = 0;
    if (i < s.len)
        memcpy(&word, s.ptr + i, s.len - i);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash >> 32);
}

static uint64_t zigzag(uint64_t v)
{
    return v << 1 ^ ((uint64_t)0 - (v >> 63));
}

/* The shape's number in this batch, from 0; new ones are appended. */
static uint32_t shape_number(struct v1_writer *w, struct fl_span s)
{
    uint32_t hash = hash_of(s), i = hash % SLOTS;

    for (; w->slot[i].number != 0; i = (i + 1) % SLOTS) {
        const struct shape *have = &w->shape[w->slot[i].number - 1];

        if (w->slot[i].hash == hash &&
            fl_span_eq(s, fl_span_of(w->shapes.ptr + have->at, have->len)))
            return w->slot[i].number - 1;
    }
    fl_buf_put_lv(&w->shapes, s);
    if (w->shapes.failed != 0)
        return 0;
    w->shape[w->shape_count] = (struct shape){(uint32_t)(w->shapes.len - s.len), (uint32_t)s.len};
    w->slot[i].hash = hash;
    w->slot[i].number = ++w->shape_count;
    return w->shape_count - 1;
}

/* Take back the newest shape. */
static void drop_shape(struct v1_writer *w)
{
    const struct shape *last = &w->shape[w->shape_count - 1];
    uint32_t i = hash_of(fl_span_of(w->shapes.ptr + last->at, last->len)) % SLOTS;

    while (w->slot[i].number != w->shape_count)
        i = (i + 1) % SLOTS;
    w->slot[i].number = 0; /* the newest is the last of its chain, so no hole is left */
    w->shape_count--;
}

static void put_set(struct fl_buf *out, const struct fl_fieldset *set)
{
    unsigned char bytes[1 + SET_BYTES];
    size_t n = SET_BYTES;

    for (size_t i = 0; i < SET_BYTES; i++)
        bytes[1 + i] = (unsigned char)(set->bits[i / 8] >> (i % 8 * 8));
    while (n > 1 && bytes[n] == 0)
        n--;
    bytes[0] = (unsigned char)n;
    fl_buf_put(out, bytes, 1 + n);
}

static void put_value(struct v1_writer *w, const struct fl_event *ev, enum fl_field f)
{
    uint64_t base = f == FL_F_RECEIVED ? 0 : fl_event_get_num(ev, FL_F_RECEIVED);

    if (f == FL_F_SHAPE) {
        fl_buf_put_varint(&w->rows, shape_number(w, ev->v[f].str));
        return;
    }
    switch (fl_fields[f].type) {
    case FL_T_NUM:
        fl_buf_put_varint(&w->rows, ev->v[f].num);
        break;
    case FL_T_TIME:
        fl_buf_put_varint(&w->rows, zigzag(ev->v[f].num - base));
        break;
    case FL_T_STR:
        fl_buf_put_lv(&w->rows, ev->v[f].str);
        break;
    case FL_T_IP:
        fl_buf_put_span(&w->rows, ev->v[f].str);
        break;
    }
}

static int check_row(const struct fl_event *ev, struct fl_err *err)
{
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;

        if (!fl_event_has(ev, f))
            continue;
        if (fl_fields[f].type == FL_T_IP && ev->v[f].str.len != FL_IP_BYTES)
            return fl_err_set(err, FL_E_INVAL, "%s has %zu bytes, not %d", fl_fields[f].ecs,
                              ev->v[f].str.len, FL_IP_BYTES);
        if (fl_fields[f].type == FL_T_STR && ev->v[f].str.len > FL_STR_MAX)
            return fl_err_set(err, FL_E_INVAL, "%s has %zu bytes, more than %zu", fl_fields[f].ecs,
                              ev->v[f].str.len, FL_STR_MAX);
    }
    return FL_OK;
}

static int v1_add(struct v1_writer *w, const struct fl_event *ev, struct fl_err *err)
{
    size_t rows_len = w->rows.len, shapes_len = w->shapes.len;
    uint32_t shapes = w->shape_count;
    int r = check_row(ev, err);

    if (r < 0)
        return r;
    if (w->row_count == FL_BATCH_MAX_ROWS)
        return fl_err_set(err, FL_E_LIMIT, "the batch has %u rows", FL_BATCH_MAX_ROWS);
    put_set(&w->rows, &ev->has);
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        if (fl_event_has(ev, (enum fl_field)i))
            put_value(w, ev, (enum fl_field)i);
    }
    r = w->rows.failed != 0 ? w->rows.failed : w->shapes.failed;
    if (r == 0 && v1_bytes(w) > FL_BATCH_MAX_BYTES)
        r = FL_E_LIMIT;
    if (r == 0) {
        w->row_count++;
        return FL_OK;
    }
    if (w->shape_count > shapes)
        drop_shape(w);
    w->rows.len = rows_len;
    w->shapes.len = shapes_len;
    w->rows.failed = w->shapes.failed = 0;
    if (r == FL_E_NOMEM)
        return fl_err_set(err, r, "no memory for a row");
    if (w->row_count == 0)
        return fl_err_set(err, FL_E_INVAL, "the row is larger than a batch of %zu bytes",
                          FL_BATCH_MAX_BYTES);
    return fl_err_set(err, FL_E_LIMIT, "the batch is full with %" PRIu32 " rows", w->row_count);
}

static int v1_finish(struct v1_writer *w, struct fl_buf *out, struct fl_err *err)
{
    size_t len = out->len;
    int r;

    fl_buf_put(out, "FB", 2);
    fl_buf_put_u8(out, 1);
    fl_buf_put_u8(out, 0);
    fl_buf_put_u32(out, w->row_count);
    fl_buf_put_u32(out, w->shape_count);
    fl_buf_put_u32(out, (uint32_t)w->shapes.len);
    fl_buf_put_span(out, fl_buf_span(&w->shapes));
    fl_buf_put_span(out, fl_buf_span(&w->rows));
    r = fl_buf_status(out, err);
    if (r < 0) { /* the rows are still here for another try */
        out->len = len;
        return r;
    }
    fl_buf_clear(&w->shapes);
    fl_buf_clear(&w->rows);
    w->row_count = w->shape_count = 0;
    memset(w->slot, 0, sizeof w->slot);
    return FL_OK;
}

#endif
