/* The footer of a segment of version 2: declared in segment.h. Pure. Chunks stand one behind the
 * other in the order of the footer, so that it says only how long each is. */
#include <stdlib.h>
#include <string.h>

#include "logs/segment.h"

enum {
    KIND_ROLLUP = 0,
    KIND_USERS = 1,
    TAG_BYTES = 16,
    SHARED = 1,
    BLOCK_MIN_BYTES = 5,
    COLUMNS_MAX = 1024
};

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (UINT64_C(0) - (v & 1)));
}

/* ---- writing ---- */

/* Of strings 0 and the number of words. */
static void put_range(struct fl_buf *out, enum fl_field f, const struct fl_segment_col *col)
{
    fl_buf_put_varint(out, fl_fields[f].type == FL_T_TIME ? zigzag((int64_t)col->min) : col->min);
    fl_buf_put_varint(out, col->max - col->min);
}

static void put_block(struct fl_buf *out, const struct fl_segment_block *block)
{
    bool shared = block->shared.bytes != 0;
    unsigned cols = 0;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        cols += block->col[f].place.bytes != 0;
    fl_buf_put_varint(out, block->rows);
    fl_buf_put_u8(out, shared ? SHARED : 0);
    fl_buf_put_varint(out, block->presence.bytes);
    if (shared)
        fl_buf_put_varint(out, block->shared.bytes);
    fl_buf_put_varint(out, cols);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct fl_segment_col *col = &block->col[f];

        if (col->place.bytes == 0)
            continue;
        fl_buf_put_varint(out, f);
        fl_buf_put_varint(out, shared ? col->len : col->place.bytes);
        fl_buf_put_varint(out, block->rows - col->present);
        put_range(out, (enum fl_field)f, col);
    }
    fl_buf_put_varint(out, block->bloom.bytes);
}

struct sum {
    uint8_t kind, dim, tier;
    struct fl_segment_place place;
};
enum { SUMS_MAX = FL_ROLLUP_DIMS * (FL_ROLLUP_TIERS + 1) };

static int by_place(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;

    return (x->place.nonce > y->place.nonce) - (x->place.nonce < y->place.nonce);
}

static void put_sums(struct fl_buf *out, const struct fl_segment_foot *foot)
{
    struct sum sum[SUMS_MAX];
    size_t n = 0;

    for (unsigned d = 0; d < FL_ROLLUP_DIMS; d++) {
        if (foot->users[d].bytes != 0)
            sum[n++] = (struct sum){KIND_USERS, (uint8_t)d, 0, foot->users[d]};
        for (unsigned t = 0; t < FL_ROLLUP_TIERS; t++)
            if (foot->rollup[d][t].bytes != 0)
                sum[n++] = (struct sum){KIND_ROLLUP, (uint8_t)d, (uint8_t)t, foot->rollup[d][t]};
    }
    qsort(sum, n, sizeof *sum, by_place);
    fl_buf_put_varint(out, n);
    for (size_t i = 0; i < n; i++) {
        fl_buf_put_u8(out, sum[i].kind);
        fl_buf_put_u8(out, sum[i].dim);
        fl_buf_put_u8(out, sum[i].tier);
        fl_buf_put_varint(out, sum[i].place.bytes);
    }
}

void fl_segment_foot2_encode(const struct fl_segment_foot *foot, struct fl_buf *out)
{
    fl_buf_put_u16(out, 2);
    fl_buf_put_varint(out, zigzag(foot->created_us));
    fl_buf_put_varint(out, foot->first_seq);
    fl_buf_put_varint(out, foot->last_seq - foot->first_seq);
    fl_buf_put_varint(out, zigzag(foot->min_time_us));
    fl_buf_put_varint(out, (uint64_t)foot->max_time_us - (uint64_t)foot->min_time_us);
    fl_buf_put_varint(out, foot->rows);
    fl_buf_put_varint(out, foot->blocks);
    fl_buf_put_varint(out, foot->marks);
    for (uint32_t i = 0; i < foot->marks; i++) {
        fl_buf_put(out, foot->mark[i].source, sizeof foot->mark[i].source);
        fl_buf_put_varint(out, foot->mark[i].number);
    }
    for (uint32_t b = 0; b < foot->blocks; b++)
        put_block(out, &foot->block[b]);
    put_sums(out, foot);
}

/* ---- reading ---- */

struct reader {
    struct fl_cursor *cur;
    uint64_t offset, nonce, limit; /* of the next chunk; bytes of the file */
};

static uint64_t get_upto(struct fl_cursor *cur, uint64_t most)
{
    uint64_t v = fl_cursor_varint(cur);

    if (v > most)
        cur->failed = true;
    return cur->failed ? 0 : v;
}

static struct fl_segment_place get_place(struct reader *r)
{
    struct fl_segment_place place = {.bytes = (uint32_t)get_upto(r->cur, UINT32_MAX)};

    if (place.bytes == 0)
        return place;
    if (place.bytes < TAG_BYTES || place.bytes > r->limit - r->offset)
        r->cur->failed = true;
    place.offset = r->offset;
    place.nonce = r->nonce++;
    r->offset += r->cur->failed ? 0 : place.bytes;
    return place;
}

static void get_col(struct reader *r, struct fl_segment_block *block, uint32_t *at)
{
    struct fl_segment_col col = {.place = block->shared};
    uint64_t f = fl_cursor_varint(r->cur), least, more;

    if (block->shared.bytes != 0) {
        col.at = *at;
        col.len = (uint32_t)get_upto(r->cur, UINT32_MAX - *at);
        *at += col.len;
    } else {
        col.place = get_place(r);
    }
    col.present = block->rows - (uint32_t)get_upto(r->cur, block->rows - 1);
    least = fl_cursor_varint(r->cur);
    more = fl_cursor_varint(r->cur);
    if (col.place.bytes == 0 || (block->shared.bytes != 0 && col.len == 0))
        r->cur->failed = true;
    if (r->cur->failed || f >= FL_FIELD_COUNT) /* a field of a later time: its chunk is passed */
        return;
    col.min = fl_fields[f].type == FL_T_TIME ? (uint64_t)unzigzag(least) : least;
    col.max = col.min + more;
    if (block->col[f].place.bytes != 0)
        r->cur->failed = true;
    block->col[f] = col;
}

static void get_block(struct reader *r, struct fl_segment_block *block)
{
    uint64_t cols;
    uint32_t at = 0;
    uint8_t flags;

    block->version = 2;
    block->rows = (uint32_t)get_upto(r->cur, FL_BLOCK_MAX_ROWS);
    flags = fl_cursor_u8(r->cur);
    if (block->rows == 0 || flags > SHARED)
        r->cur->failed = true;
    block->presence = get_place(r);
    if (flags == SHARED) {
        block->shared = get_place(r);
        if (block->shared.bytes == 0)
            r->cur->failed = true;
    }
    cols = get_upto(r->cur, COLUMNS_MAX);
    for (uint64_t i = 0; i < cols && !r->cur->failed; i++)
        get_col(r, block, &at);
    block->bloom = get_place(r);
}

static void get_sums(struct reader *r, struct fl_segment_foot *foot)
{
    uint64_t count = fl_cursor_varint(r->cur);

    for (uint64_t i = 0; i < count && !r->cur->failed; i++) {
        uint8_t kind = fl_cursor_u8(r->cur), dim = fl_cursor_u8(r->cur);
        uint8_t tier = fl_cursor_u8(r->cur);
        struct fl_segment_place place = get_place(r);

        if (place.bytes == 0)
            r->cur->failed = true;
        if (r->cur->failed || dim >= FL_ROLLUP_DIMS || tier >= FL_ROLLUP_TIERS)
            continue; /* of a later time */
        if (kind == KIND_ROLLUP)
            foot->rollup[dim][tier] = place;
        else if (kind == KIND_USERS)
            foot->users[dim] = place;
    }
}

static void get_top(struct fl_cursor *cur, struct fl_segment_foot *foot)
{
    uint64_t more;

    foot->created_us = unzigzag(fl_cursor_varint(cur));
    foot->first_seq = fl_cursor_varint(cur);
    more = get_upto(cur, UINT64_MAX - foot->first_seq);
    foot->last_seq = foot->first_seq + more;
    foot->min_time_us = unzigzag(fl_cursor_varint(cur));
    foot->max_time_us = (int64_t)((uint64_t)foot->min_time_us + fl_cursor_varint(cur));
    foot->rows = (uint32_t)get_upto(cur, FL_SEGMENT_MAX_BLOCKS * FL_BLOCK_MAX_ROWS);
    foot->blocks = (uint32_t)get_upto(cur, FL_SEGMENT_MAX_BLOCKS);
    foot->marks = (uint32_t)get_upto(cur, FL_MARKS_MAX);
    if (foot->blocks == 0 || foot->rows == 0 || more < foot->rows - 1 ||
        foot->max_time_us < foot->min_time_us)
        cur->failed = true;
    for (uint32_t i = 0; i < foot->marks && !cur->failed; i++) {
        struct fl_span source = fl_cursor_bytes(cur, sizeof foot->mark[i].source);

        if (!cur->failed)
            memcpy(foot->mark[i].source, source.ptr, source.len);
        foot->mark[i].number = fl_cursor_varint(cur);
    }
}

bool fl_segment_foot2_decode(struct fl_cursor *cur, uint64_t file_bytes,
                             struct fl_segment_foot *foot)
{
    struct reader r = {cur, FL_SEGMENT_HEAD_BYTES, 1, file_bytes};
    uint64_t rows = 0;

    get_top(cur, foot);
    if (!cur->failed && fl_cursor_left(cur) / BLOCK_MIN_BYTES >= foot->blocks &&
        file_bytes >= FL_SEGMENT_HEAD_BYTES)
        foot->block = calloc(foot->blocks, sizeof *foot->block);
    if (foot->block == NULL)
        return false;
    for (uint32_t b = 0; b < foot->blocks && !cur->failed; b++) {
        get_block(&r, &foot->block[b]);
        rows += foot->block[b].rows;
    }
    get_sums(&r, foot);
    return fl_cursor_done(cur) && rows == foot->rows;
}
