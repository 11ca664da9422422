/* The writer of segments: declared in segment.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/aead.h"
#include "logs/chunk.h"
#include "logs/column.h"
#include "logs/segment.h"

#define FLUSH_BYTES ((size_t)1 << 20)

struct writer {
    const struct fl_files *fs;
    int fd;
    struct fl_segment_id id;
    unsigned char key[FL_KEY_BYTES];
    struct fl_aead *aead;
    struct fl_chunker *chunker;
    struct fl_buf payload, plain, out; /* out waits to be written */
    uint64_t written, nonce;           /* written: bytes that went to the file */
    struct fl_segment_foot foot;
};

static void writer_done(struct writer *w)
{
    explicit_bzero(w->key, sizeof w->key);
    fl_aead_free(w->aead);
    fl_chunker_free(w->chunker);
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

/* payload -> chunk -> ciphertext and tag in out. */
static int put_chunk(struct writer *w, uint32_t block, uint32_t column, uint64_t counter,
                     struct fl_segment_place *ret, struct fl_err *err)
{
    unsigned char aad[FL_SEGMENT_AAD_BYTES], nonce[FL_AEAD_NONCE_BYTES], *at;
    int r = fl_buf_status(&w->payload, err);

    fl_buf_clear(&w->plain);
    if (r >= 0)
        r = fl_chunk_pack(w->chunker, fl_buf_span(&w->payload), &w->plain, err);
    if (r < 0)
        return r;
    at = fl_buf_reserve(&w->out, w->plain.len + FL_AEAD_TAG_BYTES);
    if (at == NULL)
        return fl_buf_status(&w->out, err);
    fl_segment_aad(&w->id, block, column, aad);
    fl_segment_nonce(counter, nonce);
    r = fl_aead_seal(w->aead, w->key, nonce, fl_span_of(aad, sizeof aad), fl_buf_span(&w->plain),
                     at, at + w->plain.len, err);
    if (r < 0)
        return r;
    *ret = (struct fl_segment_place){w->written + w->out.len,
                                     (uint32_t)(w->plain.len + FL_AEAD_TAG_BYTES), counter};
    w->out.len += w->plain.len + FL_AEAD_TAG_BYTES;
    return w->out.len >= FLUSH_BYTES ? flush(w, err) : FL_OK;
}

static int put_column(struct writer *w, const struct fl_block *block, uint32_t no, enum fl_field f,
                      struct fl_err *err)
{
    struct fl_segment_col *col = &w->foot.block[no].col[f];
    struct fl_column_meta meta;
    int r;

    fl_buf_clear(&w->payload);
    r = fl_column_encode(block, f, &w->payload, &meta, err);
    if (r >= 0)
        r = put_chunk(w, no, (uint32_t)f, ++w->nonce, &col->place, err);
    if (r < 0)
        return r;
    col->present = meta.present;
    col->min = meta.min;
    col->max = meta.max;
    return FL_OK;
}

static int put_block(struct writer *w, const struct fl_block *block, uint32_t no,
                     struct fl_err *err)
{
    struct fl_segment_block *to = &w->foot.block[no];
    int r = 0;

    to->version = FL_BLOCK_VERSION;
    to->rows = block->rows;
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++)
        if (block->col[f].present > 0)
            r = put_column(w, block, no, (enum fl_field)f, err);
    fl_buf_clear(&w->payload);
    fl_bloom_encode(block, &w->payload);
    if (r >= 0 && w->payload.len > 0)
        r = put_chunk(w, no, FL_SEGMENT_COL_BLOOM, ++w->nonce, &to->bloom, err);
    return r;
}

/* More entries than this are not worth their bytes: the reader makes them from the columns. */
static size_t worth(const struct writer *w)
{
    return w->foot.rows / 4;
}

static int put_rollup(struct writer *w, const struct fl_rollup *r, size_t dim, size_t tier,
                      struct fl_err *err)
{
    fl_buf_clear(&w->payload);
    fl_rollup_encode(r, (enum fl_rollup_tier)tier, &w->payload);
    return put_chunk(w, FL_SEGMENT_WHOLE, (uint32_t)(FL_SEGMENT_COL_ROLLUP + 16 * dim + tier),
                     ++w->nonce, &w->foot.rollup[dim][tier], err);
}

/* From the finer tier, or (finer NULL) from the columns; FL_E_LIMIT: not worth it. */
static int make_rollup(struct writer *w, struct fl_block *const *blocks, uint32_t count, size_t dim,
                       size_t tier, const struct fl_rollup *finer, struct fl_rollup **ret,
                       struct fl_err *err)
{
    if (finer != NULL)
        return fl_rollup_coarsen(finer, (enum fl_rollup_tier)tier, ret, err);
    return fl_rollup_build_upto(blocks, count, (enum fl_rollup_dim)dim, (enum fl_rollup_tier)tier,
                                worth(w), ret, err);
}

static int put_rollups(struct writer *w, struct fl_block *const *blocks, uint32_t count, size_t dim,
                       struct fl_err *err)
{
    struct fl_rollup *finer = NULL, *sums = NULL;
    int r = 0;

    for (size_t tier = 0; r >= 0 && tier < FL_ROLLUP_TIERS; tier++) {
        struct fl_err local = {0};

        r = make_rollup(w, blocks, count, dim, tier, finer, &sums, &local);
        if (r == FL_E_LIMIT) {
            r = FL_OK;
            continue;
        }
        if (r < 0)
            (void)fl_err_set(err, r, "%s", local.text);
        if (r >= 0 && (finer == NULL || sums->count <= finer->count / 2))
            r = put_rollup(w, sums, dim, tier, err);
        fl_rollup_free(finer);
        finer = r >= 0 ? sums : NULL;
    }
    fl_rollup_free(finer);
    return r;
}

static int put_users(struct writer *w, struct fl_block *const *blocks, uint32_t count, size_t dim,
                     struct fl_err *err)
{
    struct fl_rollup_users *users = NULL;
    struct fl_err local = {0};
    int r = fl_rollup_users_build_upto(blocks, count, (enum fl_rollup_dim)dim, worth(w), &users,
                                       &local);

    if (r < 0)
        return r == FL_E_LIMIT ? FL_OK : fl_err_set(err, r, "%s", local.text);
    fl_buf_clear(&w->payload);
    fl_rollup_users_encode(users, &w->payload);
    r = put_chunk(w, FL_SEGMENT_WHOLE, (uint32_t)(FL_SEGMENT_COL_USERS + dim), ++w->nonce,
                  &w->foot.users[dim], err);
    fl_rollup_users_free(users);
    return r;
}

static int put_sums(struct writer *w, struct fl_block *const *blocks, uint32_t count,
                    struct fl_err *err)
{
    int r = 0;

    for (size_t dim = 0; dim < FL_ROLLUP_DIMS && r >= 0; dim++) {
        r = put_rollups(w, blocks, count, dim, err);
        if (r >= 0 && dim != FL_BY_USER)
            r = put_users(w, blocks, count, dim, err);
    }
    return r;
}

static int put_foot(struct writer *w, struct fl_err *err)
{
    struct fl_segment_place place;
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

static void sum_up(struct writer *w)
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
}

static int writer_init(struct writer *w, struct fl_err *err)
{
    int r = fl_aead_new(&w->aead, err);

    fl_buf_init(&w->payload, FL_CHUNK_MAX_BYTES);
    fl_buf_init(&w->plain, FL_CHUNK_MAX_BYTES + FLUSH_BYTES * 8);
    fl_buf_init(&w->out, FL_CHUNK_MAX_BYTES + FLUSH_BYTES * 16);
    if (r >= 0)
        r = fl_chunker_new(&w->chunker, err);
    w->foot.block = calloc(w->foot.blocks, sizeof *w->foot.block);
    if (r >= 0 && w->foot.block == NULL)
        r = fl_err_set(err, FL_E_NOMEM, "no memory for a segment");
    return r;
}

static int write_all(struct writer *w, struct fl_block *const *blocks, uint32_t count,
                     struct fl_err *err)
{
    int r = 0;

    fl_segment_head(&w->id, &w->out);
    for (uint32_t b = 0; b < count && r >= 0; b++) {
        r = put_block(w, blocks[b], b, err);
        w->foot.rows += blocks[b]->rows;
    }
    sum_up(w);
    if (r >= 0)
        r = put_sums(w, blocks, count, err);
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

int fl_segment_write(const struct fl_files *fs, int dir, struct fl_keyring *keys,
                     struct fl_segment_id *id, struct fl_block *const *blocks, uint32_t count,
                     const struct fl_mark *marks, uint32_t mark_count, int64_t now_us,
                     uint64_t *ret_bytes, unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
{
    struct writer w = {.fs = fs, .fd = -1, .foot = {.created_us = now_us, .blocks = count}};
    char name[FL_SEGMENT_NAME_BYTES], tmp[FL_SEGMENT_NAME_BYTES + 4];
    int r = fl_id_new(id->file_id, err);

    if (r >= 0 && (count == 0 || count > FL_SEGMENT_MAX_BLOCKS || mark_count > FL_MARKS_MAX))
        r = fl_err_set(err, FL_E_INVAL, "a segment of %u blocks", (unsigned)count);
    if (r < 0)
        return r;
    w.id = *id;
    w.foot.marks = mark_count;
    if (mark_count > 0)
        memcpy(w.foot.mark, marks, mark_count * sizeof *marks);
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
