#include "logs/chunk.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/cursor.h"

enum { STORED = 0, ZSTD = 1, ZSTD_HEAD = 5, LEVEL = 1, SMALL_BYTES = 64 };

struct fl_chunker {
    ZSTD_CCtx *in;
    ZSTD_DCtx *out;
};

int fl_chunker_new(struct fl_chunker **ret, struct fl_err *err)
{
    struct fl_chunker *c = calloc(1, sizeof *c);

    if (c == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a compressor");
    c->in = ZSTD_createCCtx();
    c->out = ZSTD_createDCtx();
    if (c->in == NULL || c->out == NULL) {
        fl_chunker_free(c);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a compressor");
    }
    *ret = c;
    return FL_OK;
}

void fl_chunker_free(struct fl_chunker *c)
{
    if (c == NULL)
        return;
    (void)ZSTD_freeCCtx(c->in);
    (void)ZSTD_freeDCtx(c->out);
    free(c);
}

void fl_chunker_freep(struct fl_chunker **c)
{
    fl_chunker_free(*c);
    *c = NULL;
}

static int pack_stored(struct fl_span payload, struct fl_buf *out, struct fl_err *err)
{
    fl_buf_put_u8(out, STORED);
    fl_buf_put_span(out, payload);
    return fl_buf_status(out, err);
}

int fl_chunk_pack(struct fl_chunker *c, struct fl_span payload, struct fl_buf *out,
                  struct fl_err *err)
{
    size_t bound = ZSTD_compressBound(payload.len), packed;
    unsigned char *at;

    if (payload.len > FL_CHUNK_MAX_BYTES)
        return fl_err_set(err, FL_E_LIMIT, "a chunk of %zu bytes is over %zu", payload.len,
                          FL_CHUNK_MAX_BYTES);
    if (payload.len < SMALL_BYTES)
        return pack_stored(payload, out, err);
    at = fl_buf_reserve(out, ZSTD_HEAD + bound);
    if (at == NULL)
        return fl_buf_status(out, err);
    packed = ZSTD_compressCCtx(c->in, at + ZSTD_HEAD, bound, payload.ptr, payload.len, LEVEL);
    if (ZSTD_isError(packed) || packed + ZSTD_HEAD > payload.len)
        return pack_stored(payload, out, err);
    fl_buf_put_u8(out, ZSTD);
    fl_buf_put_u32(out, (uint32_t)payload.len);
    out->len += packed;
    return FL_OK;
}

int fl_chunk_unpack(struct fl_chunker *c, struct fl_span plain, size_t max_bytes,
                    struct fl_buf *scratch, struct fl_span *ret, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(plain);
    uint8_t kind = fl_cursor_u8(&cur);
    size_t len, got;
    void *at;

    if (!cur.failed && kind == STORED && fl_cursor_left(&cur) <= max_bytes) {
        *ret = fl_cursor_bytes(&cur, fl_cursor_left(&cur));
        return FL_OK;
    }
    len = fl_cursor_u32(&cur);
    if (cur.failed || kind != ZSTD || len > max_bytes || len > FL_CHUNK_MAX_BYTES)
        return fl_err_set(err, FL_E_CORRUPT, "a chunk of %zu bytes is malformed or too large",
                          plain.len);
    fl_buf_clear(scratch);
    at = fl_buf_reserve(scratch, len);
    if (at == NULL)
        return fl_buf_status(scratch, err);
    got = ZSTD_decompressDCtx(c->out, at, len, cur.ptr, fl_cursor_left(&cur));
    if (ZSTD_isError(got) || got != len)
        return fl_err_set(err, FL_E_CORRUPT, "a chunk of %zu bytes does not decompress", plain.len);
    scratch->len = len;
    *ret = fl_buf_span(scratch);
    return FL_OK;
}

size_t fl_chunk_zip(struct fl_chunker *c, struct fl_span in, void *out, size_t room)
{
    size_t packed = ZSTD_compressCCtx(c->in, out, room, in.ptr, in.len, LEVEL);

    return ZSTD_isError(packed) ? 0 : packed;
}

bool fl_chunk_unzip(struct fl_chunker *c, struct fl_span in, void *out, size_t bytes)
{
    return ZSTD_decompressDCtx(c->out, out, bytes, in.ptr, in.len) == bytes;
}
