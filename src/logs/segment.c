#include "logs/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "io/aead.h"
#include "logs/chunk.h"
#include "logs/column.h"

enum { DEPTH_MAX = 4 };
#define FOOT_MAX_BYTES   ((size_t)64 << 20)
#define BLOOM_MAX_BYTES  ((size_t)16 << 20)
#define ROLLUP_MAX_BYTES ((size_t)256 << 20)
#define RET_STORED_MAX   ((size_t)600 << 20)

struct fl_segment {
    const struct fl_files *fs;
    int fd;
    struct fl_segment_id id;
    unsigned char key[FL_KEY_BYTES];
    char name[FL_SEGMENT_NAME_BYTES];
    uint64_t bytes;
    struct fl_segment_foot *foot;
    struct fl_aead *aead;
    struct fl_chunker *chunker;
    struct fl_buf stored, scratch;
    struct fl_buf blooms; /* of block blooms_of */
    uint32_t blooms_of;   /* UINT32_MAX: none */
};

/* The clear header; FL_E_CORRUPT unless it is one of a known version. */
static int read_head(const struct fl_files *fs, int fd, struct fl_segment_id *ret,
                     struct fl_err *err)
{
    unsigned char head[FL_SEGMENT_HEAD_BYTES];
    struct fl_cursor cur = fl_cursor_of(fl_span_of(head, sizeof head));
    struct fl_span magic, id;
    uint16_t version;
    int r = fl_files_read(fs, fd, head, sizeof head, 0, err);

    if (r < 0)
        return r;
    magic = fl_cursor_bytes(&cur, 8);
    version = fl_cursor_u16(&cur);
    (void)fl_cursor_u16(&cur);
    ret->tenant = fl_cursor_u32(&cur);
    ret->day = (int32_t)fl_cursor_u32(&cur);
    id = fl_cursor_bytes(&cur, FL_FILE_ID_BYTES);
    memcpy(ret->file_id, id.ptr, id.len);
    (void)fl_cursor_bytes(&cur, 24);
    if (!fl_span_eq(magic, FL_SPAN("FLSEGMT\n")) ||
        fl_cursor_u32(&cur) != fl_crc32c(0, fl_span_of(head, sizeof head - 4)))
        return fl_err_set(err, FL_E_CORRUPT, "the header is damaged");
    if (version != FL_SEGMENT_VERSION)
        return fl_err_set(err, FL_E_INVAL, "version %u is not known here", (unsigned)version);
    return FL_OK;
}

int fl_segment_identify(const struct fl_files *fs, int dir, const char *name,
                        struct fl_segment_id *ret, struct fl_err *err)
{
    int fd, r = fl_files_open(fs, dir, name, FL_FILE_READ, &fd, err);

    if (r < 0)
        return r;
    r = read_head(fs, fd, ret, err);
    fl_files_close(fs, fd);
    return r < 0 && err != NULL ? fl_err_wrap(err, "segment %s", name) : r;
}

/* The payload at a place, borrowed from seg until the next call. */
static int read_chunk(struct fl_segment *seg, const struct fl_segment_place *place, uint32_t block,
                      uint32_t column, size_t max_bytes, struct fl_span *ret, struct fl_err *err)
{
    unsigned char aad[FL_SEGMENT_AAD_BYTES], nonce[FL_AEAD_NONCE_BYTES], *at;
    size_t len;
    int r;

    if (place->bytes < FL_AEAD_TAG_BYTES || place->bytes > seg->bytes)
        return fl_err_set(err, FL_E_CORRUPT, "a chunk of %u bytes", (unsigned)place->bytes);
    fl_buf_clear(&seg->stored);
    at = fl_buf_reserve(&seg->stored, place->bytes);
    if (at == NULL)
        return fl_buf_status(&seg->stored, err);
    r = fl_files_read(seg->fs, seg->fd, at, place->bytes, place->offset, err);
    if (r < 0)
        return r;
    len = place->bytes - FL_AEAD_TAG_BYTES;
    fl_segment_aad(&seg->id, block, column, aad);
    fl_segment_nonce(place->nonce, nonce);
    r = fl_aead_open(seg->aead, seg->key, nonce, fl_span_of(aad, sizeof aad), fl_span_of(at, len),
                     at, at + len, err);
    if (r < 0)
        return r;
    return fl_chunk_unpack(seg->chunker, fl_span_of(at, len), max_bytes, &seg->scratch, ret, err);
}

static int read_foot(struct fl_segment *seg, struct fl_err *err)
{
    unsigned char trailer[FL_SEGMENT_TRAIL_BYTES];
    struct fl_cursor cur = fl_cursor_of(fl_span_of(trailer, sizeof trailer));
    struct fl_segment_place place = {0, 0, 0};
    struct fl_span id, payload;
    uint32_t version;
    int r;

    if (seg->bytes < FL_SEGMENT_HEAD_BYTES + FL_SEGMENT_TRAIL_BYTES)
        return fl_err_set(err, FL_E_CORRUPT, "it has only %llu bytes",
                          (unsigned long long)seg->bytes);
    r = fl_files_read(seg->fs, seg->fd, trailer, sizeof trailer, seg->bytes - sizeof trailer, err);
    if (r < 0)
        return r;
    place.offset = fl_cursor_u64(&cur);
    place.bytes = fl_cursor_u32(&cur);
    version = fl_cursor_u32(&cur);
    id = fl_cursor_bytes(&cur, FL_FILE_ID_BYTES);
    if (fl_cursor_u32(&cur) != fl_crc32c(0, fl_span_of(trailer, 32)) ||
        !fl_span_eq(fl_cursor_bytes(&cur, 4), FL_SPAN("FLSE")) || version != FL_SEGMENT_VERSION ||
        memcmp(id.ptr, seg->id.file_id, id.len) != 0 || place.offset > seg->bytes ||
        place.bytes != seg->bytes - sizeof trailer - place.offset)
        return fl_err_set(err, FL_E_CORRUPT, "the trailer is damaged");
    r = read_chunk(seg, &place, FL_SEGMENT_WHOLE, FL_SEGMENT_COL_FOOT, FOOT_MAX_BYTES, &payload,
                   err);
    if (r < 0)
        return fl_err_wrap(err, "footer");
    return fl_segment_foot_decode(payload, seg->bytes, &seg->foot, err);
}

static int open_inner(struct fl_segment *seg, int dir, struct fl_err *err)
{
    struct fl_segment_id id;
    int r = fl_aead_new(&seg->aead, err);

    if (r >= 0)
        r = fl_chunker_new(&seg->chunker, err);
    if (r >= 0)
        r = fl_files_open(seg->fs, dir, seg->name, FL_FILE_READ, &seg->fd, err);
    if (r >= 0)
        r = read_head(seg->fs, seg->fd, &id, err);
    if (r >= 0)
        r = fl_files_size(seg->fs, seg->fd, &seg->bytes, err);
    if (r < 0)
        return r;
    if (id.tenant != seg->id.tenant || id.day != seg->id.day ||
        memcmp(id.file_id, seg->id.file_id, sizeof id.file_id) != 0)
        return fl_err_set(err, FL_E_CORRUPT, "it is another segment");
    return read_foot(seg, err);
}

int fl_segment_open(const struct fl_files *fs, int dir, const struct fl_segment_id *id,
                    const unsigned char key[FL_KEY_BYTES], struct fl_segment **ret,
                    struct fl_err *err)
{
    struct fl_segment *seg = calloc(1, sizeof *seg);
    struct fl_err local = {0};
    int r;

    if (seg == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a segment");
    seg->fs = fs;
    seg->fd = -1;
    seg->id = *id;
    seg->blooms_of = UINT32_MAX;
    memcpy(seg->key, key, sizeof seg->key);
    fl_segment_name(id->file_id, seg->name);
    fl_buf_init(&seg->stored, RET_STORED_MAX);
    fl_buf_init(&seg->scratch, FL_CHUNK_MAX_BYTES);
    fl_buf_init(&seg->blooms, BLOOM_MAX_BYTES);
    r = open_inner(seg, dir, &local);
    if (r < 0) {
        r = fl_err_set(err, r, "segment %s: %s", seg->name, local.text);
        fl_segment_close(seg);
        return r;
    }
    *ret = seg;
    return FL_OK;
}

void fl_segment_close(struct fl_segment *seg)
{
    if (seg == NULL)
        return;
    explicit_bzero(seg->key, sizeof seg->key);
    fl_files_close(seg->fs, seg->fd);
    fl_segment_foot_free(seg->foot);
    fl_aead_free(seg->aead);
    fl_chunker_free(seg->chunker);
    fl_buf_done(&seg->stored);
    fl_buf_done(&seg->scratch);
    fl_buf_done(&seg->blooms);
    free(seg);
}

const struct fl_segment_foot *fl_segment_foot(const struct fl_segment *seg)
{
    return seg->foot;
}

uint64_t fl_segment_bytes(const struct fl_segment *seg)
{
    return seg->bytes;
}

/* Decode column f, and before it those that it is predicted from (no cycles: column.c). */
static int load_column(struct fl_segment *seg, uint32_t no, enum fl_field f, unsigned depth,
                       struct fl_block *block, uint64_t *bytes_read, struct fl_err *err)
{
    const struct fl_segment_block *from = &seg->foot->block[no];
    const struct fl_segment_place *place = &from->col[f].place;
    FL_AUTO(fl_buf_done) struct fl_buf kept;
    struct fl_fieldset needs;
    struct fl_span payload = {NULL, 0};
    int r;

    fl_buf_init(&kept, FL_CHUNK_MAX_BYTES);
    if (place->bytes == 0 || block->col[f].num != NULL || block->col[f].code != NULL)
        return FL_OK;
    if (depth == DEPTH_MAX)
        return fl_err_set(err, FL_E_CORRUPT, "columns depend on each other");
    r = read_chunk(seg, place, no, (uint32_t)f, fl_column_max_bytes(from->rows), &payload, err);
    if (r < 0)
        return r;
    *bytes_read += place->bytes;
    needs = fl_column_needs(f, payload);
    if ((needs.bits[0] | needs.bits[1]) != 0) { /* the payload is borrowed: keep it */
        fl_buf_put_span(&kept, payload);
        payload = fl_buf_span(&kept);
        r = fl_buf_status(&kept, err);
    }
    for (size_t n = 0; n < FL_FIELD_COUNT && r >= 0; n++)
        if (fl_fieldset_has(&needs, (enum fl_field)n))
            r = load_column(seg, no, (enum fl_field)n, depth + 1, block, bytes_read, err);
    if (r >= 0)
        r = fl_column_decode(from->version, f, payload, block, err);
    if (r >= 0 && block->col[f].present != from->col[f].present)
        r = fl_err_set(err, FL_E_CORRUPT, "column %s and the footer differ", fl_fields[f].ecs);
    return r;
}

int fl_segment_load(struct fl_segment *seg, uint32_t block, const struct fl_fieldset *fields,
                    struct fl_block **ret, uint64_t *bytes_read, struct fl_err *err)
{
    FL_AUTO(fl_block_freep) struct fl_block *made = NULL;
    struct fl_err local = {0};
    int r;

    if (block >= seg->foot->blocks)
        return fl_err_set(err, FL_E_INVAL, "segment %s has no block %u", seg->name,
                          (unsigned)block);
    r = fl_block_new(&made, err);
    if (r < 0)
        return r;
    made->rows = seg->foot->block[block].rows;
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++) {
        made->col[f].loaded = fl_fieldset_has(fields, (enum fl_field)f);
        if (made->col[f].loaded)
            r = load_column(seg, block, (enum fl_field)f, 0, made, bytes_read, &local);
    }
    if (r < 0)
        return fl_err_set(err, r, "segment %s, block %u: %s", seg->name, (unsigned)block,
                          local.text);
    *ret = made;
    made = NULL;
    return FL_OK;
}

int fl_segment_blooms(struct fl_segment *seg, uint32_t block, struct fl_span *ret,
                      struct fl_err *err)
{
    struct fl_span payload = {NULL, 0};
    int r;

    if (block >= seg->foot->blocks || seg->foot->block[block].bloom.bytes == 0)
        return fl_err_set(err, FL_E_NOENT, "segment %s, block %u has no filters", seg->name,
                          (unsigned)block);
    if (seg->blooms_of != block) {
        seg->blooms_of = UINT32_MAX;
        r = read_chunk(seg, &seg->foot->block[block].bloom, block, FL_SEGMENT_COL_BLOOM,
                       BLOOM_MAX_BYTES, &payload, err);
        if (r < 0)
            return r;
        fl_buf_clear(&seg->blooms);
        fl_buf_put_span(&seg->blooms, payload);
        r = fl_buf_status(&seg->blooms, err);
        if (r < 0)
            return r;
        seg->blooms_of = block;
    }
    *ret = fl_buf_span(&seg->blooms);
    return FL_OK;
}

static int read_sum(struct fl_segment *seg, const struct fl_segment_place *place, uint32_t column,
                    struct fl_span *ret, uint64_t *bytes_read, struct fl_err *err)
{
    int r;

    if (place->bytes == 0)
        return fl_err_set(err, FL_E_NOENT, "segment %s: this sum is not stored", seg->name);
    r = read_chunk(seg, place, FL_SEGMENT_WHOLE, column, ROLLUP_MAX_BYTES, ret, err);
    if (r >= 0)
        *bytes_read += place->bytes;
    return r;
}

int fl_segment_rollup(struct fl_segment *seg, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                      struct fl_rollup **ret, uint64_t *bytes_read, struct fl_err *err)
{
    struct fl_span payload = {NULL, 0};
    int r = read_sum(seg, &seg->foot->rollup[dim][tier],
                     FL_SEGMENT_COL_ROLLUP + 16 * (uint32_t)dim + (uint32_t)tier, &payload,
                     bytes_read, err);

    return r < 0 ? r : fl_rollup_decode(payload, tier, seg->foot->rows, ret, err);
}

int fl_segment_rollup_users(struct fl_segment *seg, enum fl_rollup_dim dim,
                            struct fl_rollup_users **ret, uint64_t *bytes_read, struct fl_err *err)
{
    struct fl_span payload = {NULL, 0};
    int r = read_sum(seg, &seg->foot->users[dim], FL_SEGMENT_COL_USERS + (uint32_t)dim, &payload,
                     bytes_read, err);

    return r < 0 ? r : fl_rollup_users_decode(payload, seg->foot->rows, ret, err);
}
