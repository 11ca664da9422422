#include "logs/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "io/aead.h"
#include "logs/segment_int.h"

#define FOOT_MAX_BYTES   ((size_t)64 << 20)
#define BLOOM_MAX_BYTES  ((size_t)16 << 20)
#define ROLLUP_MAX_BYTES ((size_t)256 << 20)
#define SHARED_MAX_BYTES ((size_t)256 << 20) /* a row has at most 64 KiB in a column */

struct fl_segment {
    const struct fl_files *fs;
    int fd;
    struct fl_segment_id id;
    unsigned char key[FL_KEY_BYTES];
    char name[FL_SEGMENT_NAME_BYTES];
    uint64_t bytes;
    struct fl_segment_foot *foot;
    struct fl_aead *aead;
    struct fl_tools *tools; /* while something is read */
    struct fl_buf blooms;   /* of block blooms_of */
    uint32_t blooms_of;     /* UINT32_MAX: none */
    struct fl_presences presences;
    uint32_t presences_of; /* block; UINT32_MAX: none */
};

/* The clear header; FL_E_CORRUPT unless it is one of a known version. */
static int read_head(const struct fl_files *fs, int fd, struct fl_segment_id *ret,
                     struct fl_err *err)
{
    unsigned char head[FL_SEGMENT_HEAD_BYTES];
    struct fl_cursor cur = fl_cursor_of(fl_span_of(head, sizeof head));
    struct fl_span magic, id;
    int r = fl_files_read(fs, fd, head, sizeof head, 0, err);

    if (r < 0)
        return r;
    magic = fl_cursor_bytes(&cur, 8);
    ret->version = fl_cursor_u16(&cur);
    (void)fl_cursor_u16(&cur);
    ret->tenant = fl_cursor_u32(&cur);
    ret->day = (int32_t)fl_cursor_u32(&cur);
    id = fl_cursor_bytes(&cur, FL_FILE_ID_BYTES);
    memcpy(ret->file_id, id.ptr, id.len);
    (void)fl_cursor_bytes(&cur, 24);
    if (!fl_span_eq(magic, FL_SPAN("FLSEGMT\n")) ||
        fl_cursor_u32(&cur) != fl_crc32c(0, fl_span_of(head, sizeof head - 4)))
        return fl_err_set(err, FL_E_CORRUPT, "the header is damaged");
    if (ret->version == 0 || ret->version > FL_SEGMENT_VERSION)
        return fl_err_set(err, FL_E_INVAL, "version %u is not known here", (unsigned)ret->version);
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

/* Appended to out. */
static int read_plain(struct fl_segment *seg, const struct fl_segment_place *place, uint32_t block,
                      uint32_t column, struct fl_buf *out, struct fl_err *err)
{
    unsigned char aad[FL_SEGMENT_AAD_BYTES], nonce[FL_AEAD_NONCE_BYTES], *at;
    size_t len;
    int r;

    if (place->bytes < FL_AEAD_TAG_BYTES || place->bytes > seg->bytes)
        return fl_err_set(err, FL_E_CORRUPT, "a chunk of %u bytes", (unsigned)place->bytes);
    at = fl_buf_reserve(out, place->bytes);
    if (at == NULL)
        return fl_buf_status(out, err);
    r = fl_files_read(seg->fs, seg->fd, at, place->bytes, place->offset, err);
    if (r < 0)
        return r;
    len = place->bytes - FL_AEAD_TAG_BYTES;
    fl_segment_aad(&seg->id, block, column, aad);
    fl_segment_nonce(place->nonce, nonce);
    r = fl_aead_open(seg->aead, seg->key, nonce, fl_span_of(aad, sizeof aad), fl_span_of(at, len),
                     at, at + len, err);
    if (r >= 0)
        out->len += len;
    return r;
}

int fl_segment_plain(struct fl_segment *seg, const struct fl_segment_place *place, uint32_t block,
                     uint32_t column, struct fl_buf *out, struct fl_err *err)
{
    struct fl_err local = {0};
    int r = read_plain(seg, place, block, column, out, &local);

    return r < 0 ? fl_err_set(err, r, "segment %s, block %u: %s", seg->name, (unsigned)block,
                              local.text)
                 : r;
}

/* The payload at a place, borrowed from the tools until the next call with that depth. */
static int read_chunk(struct fl_segment *seg, const struct fl_segment_place *place, uint32_t block,
                      uint32_t column, size_t max_bytes, unsigned depth, struct fl_span *ret,
                      struct fl_err *err)
{
    struct fl_buf *stored = &seg->tools->stored[depth];
    int r;

    fl_buf_clear(stored);
    r = read_plain(seg, place, block, column, stored, err);
    if (r < 0) {
        if (stored->cap >= place->bytes)
            stored->len = place->bytes; /* to be wiped: it may hold what was decrypted */
        return r;
    }
    return fl_chunk_unpack(fl_series_chunker(seg->tools->series), fl_buf_span(stored), max_bytes,
                           &seg->tools->scratch[depth], ret, err);
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
        !fl_span_eq(fl_cursor_bytes(&cur, 4), FL_SPAN("FLSE")) || version != seg->id.version ||
        memcmp(id.ptr, seg->id.file_id, id.len) != 0 || place.offset > seg->bytes ||
        place.bytes != seg->bytes - sizeof trailer - place.offset)
        return fl_err_set(err, FL_E_CORRUPT, "the trailer is damaged");
    r = read_chunk(seg, &place, FL_SEGMENT_WHOLE, FL_SEGMENT_COL_FOOT, FOOT_MAX_BYTES, 0, &payload,
                   err);
    if (r < 0)
        return fl_err_wrap(err, "footer");
    r = fl_segment_foot_decode(payload, seg->bytes, &seg->foot, err);
    if (r >= 0 && seg->foot->version != seg->id.version)
        return fl_err_set(err, FL_E_CORRUPT, "the footer is of another version");
    return r;
}

static void rest(struct fl_segment *seg)
{
    fl_tools_give(seg->tools);
    seg->tools = NULL;
}

static int open_inner(struct fl_segment *seg, int dir, struct fl_err *err)
{
    struct fl_segment_id id;
    int r = fl_aead_new(&seg->aead, err);

    if (r >= 0)
        r = fl_tools_take(&seg->tools, err);
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
    seg->id.version = id.version;
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
    seg->presences_of = UINT32_MAX;
    memcpy(seg->key, key, sizeof seg->key);
    fl_segment_name(id->file_id, seg->name);
    fl_buf_init(&seg->blooms, BLOOM_MAX_BYTES);
    r = open_inner(seg, dir, &local);
    rest(seg);
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
    fl_buf_done(&seg->blooms);
    fl_presences_done(&seg->presences);
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

/* ---- columns ---- */

struct load {
    struct fl_segment *seg;
    uint32_t no;
    struct fl_block *block;
    uint64_t *bytes_read;
    struct fl_buf shared; /* the payload of all columns of a small block, once it was read */
    const uint32_t *rows; /* that are wanted; NULL: all */
    uint32_t row_count;
};

/* Bitmaps of the block, read once. */
static int load_presences(struct load *l, struct fl_err *err)
{
    struct fl_segment *seg = l->seg;
    const struct fl_segment_block *from = &seg->foot->block[l->no];
    struct fl_span payload = {NULL, 0};
    int r;

    if (seg->presences_of == l->no)
        return FL_OK;
    fl_presences_done(&seg->presences);
    seg->presences_of = UINT32_MAX;
    if (from->presence.bytes == 0)
        return fl_err_set(err, FL_E_CORRUPT, "there are no presences");
    r = read_chunk(seg, &from->presence, l->no, FL_SEGMENT_COL_PRESENCE,
                   fl_column_max_bytes(from->rows), FL_TOOLS_DEPTH - 1, &payload, err);
    if (r >= 0)
        r = fl_presences_decode(payload, from->rows, &seg->presences, err);
    if (r < 0)
        return r;
    *l->bytes_read += from->presence.bytes;
    seg->presences_of = l->no;
    return FL_OK;
}

static int load_shared(struct load *l, struct fl_err *err)
{
    const struct fl_segment_block *from = &l->seg->foot->block[l->no];
    struct fl_span payload = {NULL, 0};
    int r;

    if (l->shared.len > 0)
        return FL_OK;
    r = read_chunk(l->seg, &from->shared, l->no, FL_SEGMENT_COL_SHARED, SHARED_MAX_BYTES, 0,
                   &payload, err);
    if (r < 0)
        return r;
    *l->bytes_read += from->shared.bytes;
    fl_buf_put_span(&l->shared, payload);
    return fl_buf_status(&l->shared, err);
}

/* The payload of a column, borrowed. */
static int load_payload(struct load *l, enum fl_field f, unsigned depth, struct fl_span *ret,
                        struct fl_err *err)
{
    const struct fl_segment_block *from = &l->seg->foot->block[l->no];
    const struct fl_segment_col *col = &from->col[f];
    int r;

    if (from->shared.bytes == 0) {
        *l->bytes_read += col->place.bytes;
        return read_chunk(l->seg, &col->place, l->no, (uint32_t)f, fl_column_max_bytes(from->rows),
                          depth, ret, err);
    }
    r = load_shared(l, err);
    if (r < 0)
        return r;
    if (col->at > l->shared.len || col->len > l->shared.len - col->at)
        return fl_err_set(err, FL_E_CORRUPT, "column %s has no place", fl_fields[f].ecs);
    *ret = fl_span_of(l->shared.ptr + col->at, col->len);
    return FL_OK;
}

static int decode(struct load *l, enum fl_field f, struct fl_span payload, struct fl_err *err)
{
    bool v1 = l->seg->id.version == 1;
    int r = FL_OK;

    if (!v1 && fl_column2_needs_presences(payload))
        r = load_presences(l, err);
    if (r < 0)
        return r;
    return v1 ? fl_column_decode(1, f, payload, l->block, err)
              : fl_column2_pick(l->seg->tools->series, &l->seg->presences, f, payload, l->rows,
                                l->row_count, l->block, err);
}

static int load_column(struct load *l, enum fl_field f, unsigned depth, struct fl_err *err);

/* The columns of a set; whole: with all rows and words, also where they are there for some rows. */
static int load_needs(struct load *l, struct fl_fieldset needs, bool whole, unsigned depth,
                      struct fl_err *err)
{
    const uint32_t *rows = l->rows;
    int r = FL_OK;

    if (whole)
        l->rows = NULL;
    for (size_t w = 0; w < FL_LEN(needs.bits); w++)
        for (uint64_t bits = needs.bits[w]; bits != 0 && r >= 0; bits &= bits - 1) {
            enum fl_field f = (enum fl_field)(w * 64 + (size_t)__builtin_ctzll(bits));

            if (whole)
                fl_column2_forget(&l->block->col[f]);
            r = load_column(l, f, depth, err);
        }
    l->rows = rows;
    return r;
}

/* Decode column f, and before it those that it leans on. */
static int load_column(struct load *l, enum fl_field f, unsigned depth, struct fl_err *err)
{
    const struct fl_segment_col *from = &l->seg->foot->block[l->no].col[f];
    struct fl_fieldset needs;
    struct fl_span payload = {NULL, 0};
    int r;

    if (from->place.bytes == 0 || l->block->col[f].num != NULL || l->block->col[f].code != NULL)
        return FL_OK;
    if (depth == FL_TOOLS_DEPTH - 1)
        return fl_err_set(err, FL_E_CORRUPT, "columns depend on each other");
    r = load_payload(l, f, depth, &payload, err);
    if (r < 0)
        return r;
    needs = l->seg->id.version == 1 ? fl_column_needs(f, payload) : fl_column2_needs(f, payload);
    r = load_needs(l, needs, false, depth + 1, err);
    if (r >= 0)
        r = decode(l, f, payload, err);
    if (r == FL_E_AGAIN) {
        r = load_needs(l, needs, true, depth + 1, err);
        if (r >= 0)
            r = decode(l, f, payload, err);
    }
    if (r >= 0 && l->block->col[f].present != from->present)
        r = fl_err_set(err, FL_E_CORRUPT, "column %s and the footer differ", fl_fields[f].ecs);
    return r;
}

static int load_columns(struct load *l, const struct fl_fieldset *fields, struct fl_err *err)
{
    const uint32_t *rows = l->rows;
    int r = fl_tools_take(&l->seg->tools, err);

    fl_buf_init(&l->shared, SHARED_MAX_BYTES);
    l->rows = NULL;
    if (r >= 0 && rows != NULL) /* what follows it counts from the first row on */
        r = load_column(l, FL_FOLLOWS_BY, 0, err);
    l->rows = rows;
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++) {
        l->block->col[f].loaded = fl_fieldset_has(fields, (enum fl_field)f);
        if (l->block->col[f].loaded)
            r = load_column(l, (enum fl_field)f, 0, err);
    }
    rest(l->seg);
    fl_buf_done(&l->shared);
    return r;
}

int fl_segment_load(struct fl_segment *seg, uint32_t block, const struct fl_fieldset *fields,
                    struct fl_block **ret, uint64_t *bytes_read, struct fl_err *err)
{
    return fl_segment_load_rows(seg, block, fields, NULL, 0, ret, bytes_read, err);
}

int fl_segment_load_rows(struct fl_segment *seg, uint32_t block, const struct fl_fieldset *fields,
                         const uint32_t *rows, uint32_t count, struct fl_block **ret,
                         uint64_t *bytes_read, struct fl_err *err)
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
    r = load_columns(&(struct load){.seg = seg,
                                    .no = block,
                                    .block = made,
                                    .bytes_read = bytes_read,
                                    .rows = rows,
                                    .row_count = count},
                     fields, &local);
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
        r = fl_tools_take(&seg->tools, err);
        if (r >= 0)
            r = read_chunk(seg, &seg->foot->block[block].bloom, block, FL_SEGMENT_COL_BLOOM,
                           BLOOM_MAX_BYTES, 0, &payload, err);
        fl_buf_clear(&seg->blooms);
        if (r >= 0)
            fl_buf_put_span(&seg->blooms, payload);
        rest(seg);
        if (r >= 0)
            r = fl_buf_status(&seg->blooms, err);
        if (r < 0)
            return r;
        seg->blooms_of = block;
    }
    *ret = fl_buf_span(&seg->blooms);
    return FL_OK;
}

/* Borrowed from the tools, which the caller gives back. */
static int read_sum(struct fl_segment *seg, const struct fl_segment_place *place, uint32_t column,
                    struct fl_span *ret, uint64_t *bytes_read, struct fl_err *err)
{
    int r;

    if (place->bytes == 0)
        return fl_err_set(err, FL_E_NOENT, "segment %s: this sum is not stored", seg->name);
    r = fl_tools_take(&seg->tools, err);
    if (r >= 0)
        r = read_chunk(seg, place, FL_SEGMENT_WHOLE, column, ROLLUP_MAX_BYTES, 0, ret, err);
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

    if (r >= 0)
        r = fl_rollup_decode(payload, tier, seg->foot->rows, ret, err);
    rest(seg);
    return r;
}

int fl_segment_rollup_users(struct fl_segment *seg, enum fl_rollup_dim dim,
                            struct fl_rollup_users **ret, uint64_t *bytes_read, struct fl_err *err)
{
    struct fl_span payload = {NULL, 0};
    int r = read_sum(seg, &seg->foot->users[dim], FL_SEGMENT_COL_USERS + (uint32_t)dim, &payload,
                     bytes_read, err);

    if (r >= 0)
        r = fl_rollup_users_decode(payload, seg->foot->rows, ret, err);
    rest(seg);
    return r;
}
