/* Header, footer and trailer of a segment: declared in segment.h. Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "logs/column.h"
#include "logs/segment.h"

enum { KIND_ROLLUP = 0, KIND_USERS = 1, TAG_BYTES = 16 };

static const unsigned char magic[8] = "FLSEGMT\n";

void fl_segment_aad(const struct fl_segment_id *id, uint32_t block, uint32_t column,
                    unsigned char ret[FL_SEGMENT_AAD_BYTES])
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;

    fl_buf_init(&buf, FL_SEGMENT_AAD_BYTES);
    fl_buf_put(&buf, magic, sizeof magic);
    fl_buf_put_u16(&buf, id->version);
    fl_buf_put_u32(&buf, id->tenant);
    fl_buf_put_u32(&buf, (uint32_t)id->day);
    fl_buf_put(&buf, id->file_id, sizeof id->file_id);
    fl_buf_put_u32(&buf, block);
    fl_buf_put_u32(&buf, column);
    memset(ret, 0, FL_SEGMENT_AAD_BYTES);
    if (buf.len == FL_SEGMENT_AAD_BYTES)
        memcpy(ret, buf.ptr, FL_SEGMENT_AAD_BYTES);
}

void fl_segment_nonce(uint64_t counter, unsigned char ret[12])
{
    memset(ret, 0, 4);
    for (size_t i = 0; i < 8; i++)
        ret[4 + i] = (unsigned char)(counter >> (i * 8));
}

void fl_segment_head(const struct fl_segment_id *id, struct fl_buf *out)
{
    static const unsigned char zero[24];
    size_t at = out->len;

    fl_buf_put(out, magic, sizeof magic);
    fl_buf_put_u16(out, id->version);
    fl_buf_put_u16(out, FL_SEGMENT_HEAD_BYTES);
    fl_buf_put_u32(out, id->tenant);
    fl_buf_put_u32(out, (uint32_t)id->day);
    fl_buf_put(out, id->file_id, sizeof id->file_id);
    fl_buf_put(out, zero, sizeof zero);
    if (out->failed == 0)
        fl_buf_put_u32(out, fl_crc32c(0, fl_span_of(out->ptr + at, FL_SEGMENT_HEAD_BYTES - 4)));
}

void fl_segment_trailer(const struct fl_segment_id *id, uint64_t foot_offset, uint32_t foot_bytes,
                        struct fl_buf *out)
{
    size_t at = out->len;

    fl_buf_put_u64(out, foot_offset);
    fl_buf_put_u32(out, foot_bytes);
    fl_buf_put_u32(out, id->version);
    fl_buf_put(out, id->file_id, sizeof id->file_id);
    if (out->failed == 0)
        fl_buf_put_u32(out, fl_crc32c(0, fl_span_of(out->ptr + at, 32)));
    fl_buf_put(out, "FLSE", 4);
}

void fl_segment_foot_free(struct fl_segment_foot *foot)
{
    if (foot == NULL)
        return;
    free(foot->block);
    free(foot);
}

static void put_place(struct fl_buf *out, const struct fl_segment_place *place)
{
    fl_buf_put_u64(out, place->offset);
    fl_buf_put_u32(out, place->bytes);
    fl_buf_put_u64(out, place->nonce);
}

static void put_block(struct fl_buf *out, const struct fl_segment_block *block)
{
    uint16_t cols = 0;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        cols = (uint16_t)(cols + (block->col[f].place.bytes != 0));
    fl_buf_put_u16(out, block->version);
    fl_buf_put_u32(out, block->rows);
    put_place(out, &block->bloom);
    fl_buf_put_u16(out, cols);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct fl_segment_col *col = &block->col[f];

        if (col->place.bytes == 0)
            continue;
        fl_buf_put_u16(out, (uint16_t)f);
        put_place(out, &col->place);
        fl_buf_put_u32(out, col->present);
        fl_buf_put_u64(out, col->min);
        fl_buf_put_u64(out, col->max);
    }
}

static void put_sum(struct fl_buf *out, uint8_t kind, size_t dim, size_t tier,
                    const struct fl_segment_place *place)
{
    if (place->bytes == 0)
        return;
    fl_buf_put_u8(out, kind);
    fl_buf_put_u8(out, (uint8_t)dim);
    fl_buf_put_u8(out, (uint8_t)tier);
    put_place(out, place);
}

static void put_sums(struct fl_buf *out, const struct fl_segment_foot *foot)
{
    uint16_t count = 0;

    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++) {
        count = (uint16_t)(count + (foot->users[d].bytes != 0));
        for (size_t t = 0; t < FL_ROLLUP_TIERS; t++)
            count = (uint16_t)(count + (foot->rollup[d][t].bytes != 0));
    }
    fl_buf_put_u16(out, count);
    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++) {
        put_sum(out, KIND_USERS, d, 0, &foot->users[d]);
        for (size_t t = 0; t < FL_ROLLUP_TIERS; t++)
            put_sum(out, KIND_ROLLUP, d, t, &foot->rollup[d][t]);
    }
}

void fl_segment_foot_encode(const struct fl_segment_foot *foot, struct fl_buf *out)
{
    if (foot->version != 1) {
        fl_segment_foot2_encode(foot, out);
        return;
    }
    fl_buf_put_u16(out, 1);
    fl_buf_put_u64(out, (uint64_t)foot->created_us);
    fl_buf_put_u64(out, foot->first_seq);
    fl_buf_put_u64(out, foot->last_seq);
    fl_buf_put_u64(out, (uint64_t)foot->min_time_us);
    fl_buf_put_u64(out, (uint64_t)foot->max_time_us);
    fl_buf_put_u32(out, foot->rows);
    fl_buf_put_u32(out, foot->blocks);
    fl_buf_put_u16(out, (uint16_t)foot->marks);
    for (uint32_t i = 0; i < foot->marks; i++) {
        fl_buf_put(out, foot->mark[i].source, sizeof foot->mark[i].source);
        fl_buf_put_u64(out, foot->mark[i].number);
    }
    for (uint32_t b = 0; b < foot->blocks; b++)
        put_block(out, &foot->block[b]);
    put_sums(out, foot);
}

/* ---- reading ---- */

static struct fl_segment_place get_place(struct fl_cursor *cur, uint64_t file_bytes)
{
    struct fl_segment_place place = {.offset = fl_cursor_u64(cur)};

    place.bytes = fl_cursor_u32(cur);
    place.nonce = fl_cursor_u64(cur);
    if (place.bytes != 0 && (place.bytes < TAG_BYTES || place.bytes > file_bytes ||
                             place.offset > file_bytes - place.bytes || place.nonce == 0))
        cur->failed = true;
    return place;
}

static void get_block(struct fl_cursor *cur, uint64_t file_bytes, struct fl_segment_block *block)
{
    uint16_t cols;

    block->version = fl_cursor_u16(cur);
    block->rows = fl_cursor_u32(cur);
    block->bloom = get_place(cur, file_bytes);
    cols = fl_cursor_u16(cur);
    if (block->rows == 0 || block->rows > FL_BLOCK_MAX_ROWS)
        cur->failed = true;
    for (uint16_t i = 0; i < cols && !cur->failed; i++) {
        uint16_t f = fl_cursor_u16(cur);
        struct fl_segment_col col = {.place = get_place(cur, file_bytes)};

        col.present = fl_cursor_u32(cur);
        col.min = fl_cursor_u64(cur);
        col.max = fl_cursor_u64(cur);
        if (col.place.bytes == 0 || col.present == 0 || col.present > block->rows ||
            (f < FL_FIELD_COUNT && block->col[f].place.bytes != 0))
            cur->failed = true;
        else if (f < FL_FIELD_COUNT) /* others: a later version wrote them */
            block->col[f] = col;
    }
}

static void get_sums(struct fl_cursor *cur, uint64_t file_bytes, struct fl_segment_foot *foot)
{
    uint16_t count = fl_cursor_u16(cur);

    for (uint16_t i = 0; i < count && !cur->failed; i++) {
        uint8_t kind = fl_cursor_u8(cur), dim = fl_cursor_u8(cur), tier = fl_cursor_u8(cur);
        struct fl_segment_place place = get_place(cur, file_bytes);

        if (dim >= FL_ROLLUP_DIMS || tier >= FL_ROLLUP_TIERS)
            continue;
        if (kind == KIND_ROLLUP)
            foot->rollup[dim][tier] = place;
        else if (kind == KIND_USERS)
            foot->users[dim] = place;
    }
}

static void get_top(struct fl_cursor *cur, struct fl_segment_foot *foot)
{
    foot->created_us = (int64_t)fl_cursor_u64(cur);
    foot->first_seq = fl_cursor_u64(cur);
    foot->last_seq = fl_cursor_u64(cur);
    foot->min_time_us = (int64_t)fl_cursor_u64(cur);
    foot->max_time_us = (int64_t)fl_cursor_u64(cur);
    foot->rows = fl_cursor_u32(cur);
    foot->blocks = fl_cursor_u32(cur);
    foot->marks = fl_cursor_u16(cur);
    if (foot->blocks == 0 || foot->blocks > FL_SEGMENT_MAX_BLOCKS || foot->marks > FL_MARKS_MAX ||
        foot->first_seq > foot->last_seq || foot->last_seq - foot->first_seq != foot->rows - 1 ||
        foot->rows == 0)
        cur->failed = true;
    for (uint32_t i = 0; i < foot->marks && !cur->failed; i++) {
        struct fl_span source = fl_cursor_bytes(cur, sizeof foot->mark[i].source);

        if (!cur->failed)
            memcpy(foot->mark[i].source, source.ptr, source.len);
        foot->mark[i].number = fl_cursor_u64(cur);
    }
}

static bool get_foot(struct fl_cursor *cur, uint64_t file_bytes, struct fl_segment_foot *foot)
{
    uint64_t rows = 0;

    get_top(cur, foot);
    /* A block takes at least 28 bytes, so that a lie about their number does not allocate much. */
    if (!cur->failed && fl_cursor_left(cur) / 28 >= foot->blocks)
        foot->block = calloc(foot->blocks, sizeof *foot->block);
    if (foot->block == NULL)
        cur->failed = true;
    for (uint32_t b = 0; b < foot->blocks && !cur->failed; b++) {
        get_block(cur, file_bytes, &foot->block[b]);
        rows += foot->block[b].rows;
        if (foot->block[b].version != 1)
            cur->failed = true;
    }
    get_sums(cur, file_bytes, foot);
    return fl_cursor_done(cur) && rows == foot->rows;
}

int fl_segment_foot_decode(struct fl_span payload, uint64_t file_bytes,
                           struct fl_segment_foot **ret, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(payload);
    struct fl_segment_foot *foot;
    uint16_t version = fl_cursor_u16(&cur);

    if (version != 1 && version != 2)
        return fl_err_set(err, FL_E_CORRUPT, "the footer has version %u", (unsigned)version);
    foot = calloc(1, sizeof *foot);
    if (foot == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a footer");
    foot->version = version;
    if (version == 1 ? !get_foot(&cur, file_bytes, foot)
                     : !fl_segment_foot2_decode(&cur, file_bytes, foot)) {
        fl_segment_foot_free(foot);
        return fl_err_set(err, FL_E_CORRUPT, "the footer is malformed");
    }
    *ret = foot;
    return FL_OK;
}
