/* The writer of segments: declared in segment.h. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/aead.h"
#include "logs/chunk.h"
#include "logs/column2.h"
#include "logs/segment.h"

#define FLUSH_BYTES ((size_t)1 << 20)
#define SMALL_ROWS  4096 /* a block of fewer has its columns in one chunk */
enum { STORED = 0 };     /* kind of a chunk */

/* One encoder is kept for the next segment: making it costs more than a small segment does. It
 * holds no text and no key. */
static _Atomic(struct fl_column2_writer *) idle;

struct writer {
    const struct fl_files *fs;
    int fd;
    struct fl_segment_id id;
    const struct fl_segment_plan *plan;
    unsigned char key[FL_KEY_BYTES];
    struct fl_aead *aead;
    struct fl_column2_writer *columns;
    struct fl_chunker *chunker;        /* borrowed from columns */
    struct fl_buf payload, plain, out; /* out waits to be written */
    uint64_t written, nonce;           /* written: bytes that went to the file */
    uint64_t next_seq;                 /* version 1: of the next row; 0: any */
    struct fl_segment_foot foot;
};

static void writer_done(struct writer *w)
{
    explicit_bzero(w->key, sizeof w->key);
    fl_aead_free(w->aead);
    if (w->columns != NULL)
        fl_column2_writer_free(atomic_exchange(&idle, fl_column2_rest(w->columns)));
    fl_buf_done(&w->payload);
    fl_buf_done(&w->plain);
    fl_buf_done(&w->out);
    free(w->foot.block);
    fl_files_close(w->fs, w->fd);
}

static int flush(struct writer *w, struct fl_err *err)
{
    int r = fl_buf_status(&w->out, err);

    if (r >= 0)
        r = fl_files_write(w->fs, w->fd, fl_buf_span(&w->out), err);
    if (r < 0)
        return r;
    w->written += w->out.len;
    fl_buf_clear(&w->out);
    return FL_OK;
}

/* A chunk -> ciphertext and tag in out. */
static int seal(struct writer *w, struct fl_span plain, uint32_t block, uint32_t column,
                uint64_t counter, struct fl_segment_place *ret, struct fl_err *err)
{
    unsigned char aad[FL_SEGMENT_AAD_BYTES], nonce[FL_AEAD_NONCE_BYTES], *at;
    int r;

    at = fl_buf_reserve(&w->out, plain.len + FL_AEAD_TAG_BYTES);
    if (at == NULL)
        return fl_buf_status(&w->out, err);
    fl_segment_aad(&w->id, block, column, aad);
    fl_segment_nonce(counter, nonce);
    r = fl_aead_seal(w->aead, w->key, nonce, fl_span_of(aad, sizeof aad), plain, at, at + plain.len,
                     err);
    if (r < 0)
        return r;
    *ret = (struct fl_segment_place){w->written + w->out.len,
                                     (uint32_t)(plain.len + FL_AEAD_TAG_BYTES), counter};
    w->out.len += plain.len + FL_AEAD_TAG_BYTES;
    return w->out.len >= FLUSH_BYTES ? flush(w, err) : FL_OK;
}

/* The payload, compressed where that helps. */
static int put_chunk(struct writer *w, uint32_t block, uint32_t column, uint64_t counter,
                     struct fl_segment_place *ret, struct fl_err *err)
{
    int r = fl_buf_status(&w->payload, err);

    fl_buf_clear(&w->plain);
    if (r >= 0)
        r = fl_chunk_pack(w->chunker, fl_buf_span(&w->payload), &w->plain, err);
    return r < 0 ? r : seal(w, fl_buf_span(&w->plain), block, column, counter, ret, err);
}

static int put_blooms(struct writer *w, const struct fl_block *block, uint32_t no,
                      struct fl_err *err)
{
    fl_buf_clear(&w->payload);
    fl_bloom_encode(block, &w->payload);
    if (w->payload.len == 0)
        return FL_OK;
    return put_chunk(w, no, FL_SEGMENT_COL_BLOOM, ++w->nonce, &w->foot.block[no].bloom, err);
}

static void put_meta(struct fl_segment_col *col, const struct fl_column_meta *meta)
{
    col->present = meta->present;
    col->min = meta->min;
    col->max = meta->max;
}

/* ---- a block of version 1 ---- */

/* What the first version promises to its readers. */
static int check_numbers(struct writer *w, const struct fl_block *block, struct fl_err *err)
{
    const uint64_t *seq = block->col[FL_F_SEQ].num;

    for (uint32_t row = 0; row < block->rows; row++) {
        if (w->next_seq != 0 && seq[row] != w->next_seq)
            return fl_err_set(err, FL_E_INVAL, "version 1 cannot leave out rows: %llu follows %llu",
                              (unsigned long long)seq[row], (unsigned long long)w->next_seq - 1);
        w->next_seq = seq[row] + 1;
    }
    return FL_OK;
}

static int put_block1(struct writer *w, const struct fl_block *block, uint32_t no,
                      struct fl_err *err)
{
    struct fl_segment_block *to = &w->foot.block[no];
    struct fl_column_meta meta = {0, 0, 0};
    int r = check_numbers(w, block, err);

    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++) {
        if (block->col[f].present == 0)
            continue;
        fl_buf_clear(&w->payload);
        r = fl_column_encode(block, (enum fl_field)f, &w->payload, &meta, err);
        put_meta(&to->col[f], &meta);
        if (r >= 0)
            r = put_chunk(w, no, (uint32_t)f, ++w->nonce, &to->col[f].place, err);
    }
    return r < 0 ? r : put_blooms(w, block, no, err);
}

/* ---- a block of version 2 ---- */

/* A chunk that says of each of its parts whether it is compressed is none itself. */
static void begin_stored(struct writer *w)
{
    fl_buf_clear(&w->payload);
    fl_buf_put_u8(&w->payload, STORED);
}

static int put_presences(struct writer *w, uint32_t no, struct fl_err *err)
{
    int r;

    begin_stored(w);
    fl_column2_presences(w->columns, &w->payload);
    r = fl_buf_status(&w->payload, err);
    if (r < 0 || w->payload.len == 1)
        return r;
    return seal(w, fl_buf_span(&w->payload), no, FL_SEGMENT_COL_PRESENCE, ++w->nonce,
                &w->foot.block[no].presence, err);
}

static int put_columns(struct writer *w, const struct fl_block *block, uint32_t no,
                       struct fl_err *err)
{
    struct fl_segment_col *col = w->foot.block[no].col;
    struct fl_column_meta meta = {0, 0, 0};
    int r = FL_OK;

    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++) {
        if (block->col[f].present == 0)
            continue;
        begin_stored(w);
        r = fl_column2_encode(w->columns, (enum fl_field)f, &w->payload, &meta, err);
        put_meta(&col[f], &meta);
        if (r >= 0)
            r = seal(w, fl_buf_span(&w->payload), no, (uint32_t)f, ++w->nonce, &col[f].place, err);
    }
    return r;
}

/* All columns as one chunk. */
static int put_shared(struct writer *w, const struct fl_block *block, uint32_t no,
                      struct fl_err *err)
{
    struct fl_segment_block *to = &w->foot.block[no];
    struct fl_column_meta meta = {0, 0, 0};
    int r = FL_OK;

    fl_buf_clear(&w->payload);
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++) {
        if (block->col[f].present == 0)
            continue;
        to->col[f].at = (uint32_t)w->payload.len;
        r = fl_column2_encode(w->columns, (enum fl_field)f, &w->payload, &meta, err);
        to->col[f].len = (uint32_t)w->payload.len - to->col[f].at;
        put_meta(&to->col[f], &meta);
    }
    if (r >= 0)
        r = put_chunk(w, no, FL_SEGMENT_COL_SHARED, ++w->nonce, &to->shared, err);
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++)
        if (block->col[f].present > 0)
            to->col[f].place = to->shared;
    return r;
}

static int put_block2(struct writer *w, const struct fl_block *block, uint32_t no,
                      struct fl_err *err)
{
    bool small = block->rows < SMALL_ROWS;
    int r = fl_column2_begin(w->columns, block, err);

    fl_series_plain(fl_column2_series(w->columns), small);
    if (r >= 0)
        r = put_presences(w, no, err);
    if (r >= 0)
        r = small ? put_shared(w, block, no, err) : put_columns(w, block, no, err);
    return r < 0 ? r : put_blooms(w, block, no, err);
}

static int put_block(struct writer *w, const struct fl_block *block, uint32_t no,
                     struct fl_err *err)
{
    w->foot.block[no].version = w->id.version;
    w->foot.block[no].rows = block->rows;
    return w->id.version == 1 ? put_block1(w, block, no, err) : put_block2(w, block, no, err);
}

/* ---- a block as it is ---- */

static int copy_chunk(struct writer *w, const struct fl_segment_place *from, uint32_t from_no,
                      uint32_t no, uint32_t column, struct fl_segment_place *ret,
                      struct fl_err *err)
{
    int r;

    *ret = (struct fl_segment_place){0, 0, 0};
    if (from->bytes == 0)
        return FL_OK;
    fl_buf_clear(&w->plain);
    r = fl_segment_plain(w->plan->from, from, from_no, column, &w->plain, err);
    return r < 0 ? r : seal(w, fl_buf_span(&w->plain), no, column, ++w->nonce, ret, err);
}

/* Columns of a later version would be lost from between those that are known. */
static bool is_known(const struct fl_segment_block *block)
{
    uint32_t at = 0;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        if (block->col[f].place.bytes == 0)
            continue;
        if (block->col[f].at != at)
            return false;
        at += block->col[f].len;
    }
    return true;
}

static int copy_block(struct writer *w, uint32_t from_no, uint32_t no, struct fl_err *err)
{
    const struct fl_segment_block *from = &fl_segment_foot(w->plan->from)->block[from_no];
    struct fl_segment_block *to = &w->foot.block[no];
    int r;

    *to = *from;
    if (from->version != w->id.version || !is_known(from))
        return fl_err_set(err, FL_E_CORRUPT, "block %u is of another version", (unsigned)from_no);
    r = copy_chunk(w, &from->presence, from_no, no, FL_SEGMENT_COL_PRESENCE, &to->presence, err);
    if (r >= 0)
        r = copy_chunk(w, &from->shared, from_no, no, FL_SEGMENT_COL_SHARED, &to->shared, err);
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++) {
        if (from->shared.bytes != 0 && from->col[f].place.bytes != 0)
            to->col[f].place = to->shared;
        else
            r = copy_chunk(w, &from->col[f].place, from_no, no, (uint32_t)f, &to->col[f].place,
                           err);
    }
    if (r >= 0)
        r = copy_chunk(w, &from->bloom, from_no, no, FL_SEGMENT_COL_BLOOM, &to->bloom, err);
    return r;
}

static int put_sum(void *ctx, bool users, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                   struct fl_span payload, struct fl_err *err)
{
    struct writer *w = ctx;
    uint32_t column = users ? FL_SEGMENT_COL_USERS + (uint32_t)dim
                            : FL_SEGMENT_COL_ROLLUP + 16 * (uint32_t)dim + (uint32_t)tier;

    fl_buf_clear(&w->payload);
    fl_buf_put_span(&w->payload, payload);
    return put_chunk(w, FL_SEGMENT_WHOLE, column, ++w->nonce,
                     users ? &w->foot.users[dim] : &w->foot.rollup[dim][tier], err);
}

/* A block of the caller's, or one that is made for the moment. 1: there is none any more. */
static int put_one(struct writer *w, struct fl_block *const *blocks, uint32_t no,
                   struct fl_rollups *sums, struct fl_err *err)
{
    FL_AUTO(fl_block_freep) struct fl_block *made = NULL;
    const struct fl_block *block = blocks == NULL ? NULL : blocks[no];
    int r = FL_OK;

    if (block == NULL) {
        r = w->plan->load(w->plan->ctx, no, &made, err);
        block = made;
    }
    if (r >= 0 && block == NULL && (r == 0 || w->plan->from == NULL))
        return no > 0 ? 1 : fl_err_set(err, FL_E_NOENT, "there is no row to write");
    if (r >= 0)
        r = block == NULL ? copy_block(w, (uint32_t)r - 1, no, err) : put_block(w, block, no, err);
    if (r >= 0)
        w->foot.rows += w->foot.block[no].rows;
    if (r >= 0 && sums != NULL)
        r = fl_rollups_add(sums, block, err);
    return r < 0 ? r : FL_OK;
}

static int put_blocks(struct writer *w, struct fl_block *const *blocks, uint32_t count,
                      struct fl_err *err)
{
    bool known = w->plan->from != NULL;
    struct fl_rollups *sums = NULL;
    uint32_t done = 0;
    int r = known ? FL_OK : fl_rollups_new(&sums, err);

    while (r == FL_OK && done < count) {
        r = put_one(w, blocks, done, sums, err);
        done += r == FL_OK;
    }
    w->foot.blocks = done;
    if (r >= 0)
        r = known ? w->plan->sums(w->plan->ctx, put_sum, w, err)
                  : fl_rollups_finish(sums, put_sum, w, err);
    fl_rollups_free(sums);
    return r;
}

static int put_foot(struct writer *w, struct fl_err *err)
{
    struct fl_segment_place place = {0};
    uint64_t offset;
    int r = flush(w, err);

    if (r < 0)
        return r;
    offset = w->written;
    fl_buf_clear(&w->payload);
    fl_segment_foot_encode(&w->foot, &w->payload);
    r = put_chunk(w, FL_SEGMENT_WHOLE, FL_SEGMENT_COL_FOOT, 0, &place, err);
    if (r < 0)
        return r;
    fl_segment_trailer(&w->id, offset, place.bytes, &w->out);
    return flush(w, err);
}

static int sum_up(struct writer *w, struct fl_err *err)
{
    struct fl_segment_foot *foot = &w->foot;

    foot->first_seq = UINT64_MAX;
    foot->min_time_us = INT64_MAX;
    foot->max_time_us = INT64_MIN;
    for (uint32_t b = 0; b < foot->blocks; b++) {
        const struct fl_segment_col *seq = &foot->block[b].col[FL_F_SEQ];
        const struct fl_segment_col *time = &foot->block[b].col[FL_F_TIME];

        if (seq->min < foot->first_seq)
            foot->first_seq = seq->min;
        if (seq->max > foot->last_seq)
            foot->last_seq = seq->max;
        if ((int64_t)time->min < foot->min_time_us)
            foot->min_time_us = (int64_t)time->min;
        if ((int64_t)time->max > foot->max_time_us)
            foot->max_time_us = (int64_t)time->max;
    }
    if (w->plan->last_seq != 0) {
        if (w->id.version == 1 &&
            (foot->first_seq != w->plan->first_seq || foot->last_seq != w->plan->last_seq))
            return fl_err_set(err, FL_E_INVAL, "version 1 cannot leave out rows at its ends");
        foot->first_seq = w->plan->first_seq;
        foot->last_seq = w->plan->last_seq;
    }
    return FL_OK;
}

static int writer_init(struct writer *w, struct fl_err *err)
{
    int r = fl_aead_new(&w->aead, err);

    fl_buf_init(&w->payload, FL_CHUNK_MAX_BYTES);
    fl_buf_init(&w->plain, FL_CHUNK_MAX_BYTES + FLUSH_BYTES * 8);
    fl_buf_init(&w->out, FL_CHUNK_MAX_BYTES + FLUSH_BYTES * 16);
    w->columns = atomic_exchange(&idle, NULL);
    if (r >= 0 && w->columns == NULL)
        r = fl_column2_writer_new(&w->columns, err);
    if (r >= 0)
        w->chunker = fl_series_chunker(fl_column2_series(w->columns));
    w->foot.block = calloc(w->foot.blocks, sizeof *w->foot.block);
    if (r >= 0 && w->foot.block == NULL)
        r = fl_err_set(err, FL_E_NOMEM, "no memory for a segment");
    return r;
}

static int write_all(struct writer *w, struct fl_block *const *blocks, uint32_t count,
                     struct fl_err *err)
{
    int r;

    fl_segment_head(&w->id, &w->out);
    r = put_blocks(w, blocks, count, err);
    if (r >= 0)
        r = sum_up(w, err);
    if (r >= 0)
        r = put_foot(w, err);
    return r < 0 ? r : fl_files_sync(w->fs, w->fd, err);
}

void fl_segment_name(const unsigned char file_id[16], char ret[FL_SEGMENT_NAME_BYTES])
{
    char hex[33];

    fl_id_format(file_id, hex);
    (void)snprintf(ret, FL_SEGMENT_NAME_BYTES, "%s.seg", hex);
}

static bool plan_ok(const struct fl_segment_plan *plan, uint32_t count)
{
    return count > 0 && count <= FL_SEGMENT_MAX_BLOCKS && plan->mark_count <= FL_MARKS_MAX &&
           plan->version <= FL_SEGMENT_VERSION;
}

int fl_segment_write_as(const struct fl_files *fs, int dir, struct fl_keyring *keys,
                        struct fl_segment_id *id, struct fl_block *const *blocks, uint32_t count,
                        const struct fl_segment_plan *plan, uint64_t *ret_bytes,
                        unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
{
    static const unsigned char none[FL_FILE_ID_BYTES];
    struct writer w = {.fs = fs, .fd = -1, .foot = {.created_us = plan->now_us, .blocks = count}};
    char name[FL_SEGMENT_NAME_BYTES], tmp[FL_SEGMENT_NAME_BYTES + 4];
    int r = FL_OK;

    if (!plan_ok(plan, count))
        return fl_err_set(err, FL_E_INVAL, "a segment of %u blocks", (unsigned)count);
    if (memcmp(id->file_id, none, sizeof none) == 0)
        r = fl_id_new(id->file_id, err);
    if (r < 0)
        return r;
    id->version = plan->version == 0 ? FL_SEGMENT_VERSION : plan->version;
    w.id = *id;
    w.foot.version = id->version;
    w.plan = plan;
    w.foot.marks = plan->mark_count;
    if (plan->mark_count > 0)
        memcpy(w.foot.mark, plan->marks, plan->mark_count * sizeof *plan->marks);
    fl_segment_name(id->file_id, name);
    (void)snprintf(tmp, sizeof tmp, "%s.tmp", name);
    r = writer_init(&w, err);
    if (r >= 0)
        r = keys->ops->file_new(keys, id->tenant, id->day, id->file_id, w.key, err);
    if (r >= 0)
        r = fl_files_open(fs, dir, tmp, FL_FILE_CREATE, &w.fd, err);
    if (r >= 0)
        r = write_all(&w, blocks, count, err);
    if (r >= 0)
        r = fl_files_rename(fs, dir, tmp, name, err);
    if (r >= 0) {
        *ret_bytes = w.written;
        memcpy(ret_key, w.key, sizeof w.key);
    }
    if (r < 0) {
        (void)fs->unlink(fs, dir, tmp, false);
        (void)fs->unlink(fs, dir, name, false); /* renamed, but maybe not durably */
        if (err != NULL)
            (void)fl_err_wrap(err, "segment %s", name);
    }
    writer_done(&w);
    return r;
}

int fl_segment_write(const struct fl_files *fs, int dir, struct fl_keyring *keys,
                     struct fl_segment_id *id, struct fl_block *const *blocks, uint32_t count,
                     const struct fl_mark *marks, uint32_t mark_count, int64_t now_us,
                     uint64_t *ret_bytes, unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
{
    const struct fl_segment_plan plan = {
        .marks = marks, .mark_count = mark_count, .now_us = now_us};

    return fl_segment_write_as(fs, dir, keys, id, blocks, count, &plan, ret_bytes, ret_key, err);
}
