#include "logs/baseline.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cursor.h"
#include "io/aead.h"
#include "logs/chunk.h"

enum { VERSION = 1, HEAD_BYTES = 88 };
#define STATE_MAX_BYTES ((size_t)8 + (size_t)1000000 * 80)

void fl_baseline_name(const unsigned char file_id[16], char ret[FL_BASELINE_NAME_BYTES])
{
    char hex[33];

    fl_id_format(file_id, hex);
    (void)snprintf(ret, FL_BASELINE_NAME_BYTES, "%s.base", hex);
}

static void put_head(const struct fl_baseline *head, const unsigned char nonce[FL_AEAD_NONCE_BYTES],
                     struct fl_buf *out)
{
    static const unsigned char zero[20];

    fl_buf_put(out, "FLBASES\n", 8);
    fl_buf_put_u16(out, VERSION);
    fl_buf_put_u16(out, HEAD_BYTES);
    fl_buf_put_u32(out, head->tenant);
    fl_buf_put_u32(out, (uint32_t)head->day);
    fl_buf_put(out, head->file_id, sizeof head->file_id);
    fl_buf_put(out, nonce, FL_AEAD_NONCE_BYTES);
    fl_buf_put_u64(out, (uint64_t)head->written_us);
    fl_buf_put_u64(out, head->lsn);
    fl_buf_put(out, zero, sizeof zero);
    if (out->failed == 0)
        fl_buf_put_u32(out, fl_crc32c(0, fl_buf_span(out)));
}

int fl_baseline_write(const struct fl_files *fs, int dir, const struct fl_baseline *head,
                      const unsigned char key[FL_KEY_BYTES], struct fl_span state,
                      struct fl_err *err)
{
    FL_AUTO(fl_chunker_freep) struct fl_chunker *chunker = NULL;
    FL_AUTO(fl_aead_freep) struct fl_aead *aead = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf plain, out;
    unsigned char nonce[FL_AEAD_NONCE_BYTES], *at;
    char name[FL_BASELINE_NAME_BYTES];
    int r = fl_chunker_new(&chunker, err);

    fl_buf_init(&plain, STATE_MAX_BYTES * 2);
    fl_buf_init(&out, STATE_MAX_BYTES * 2 + HEAD_BYTES);
    if (r >= 0)
        r = fl_aead_new(&aead, err);
    if (r >= 0)
        r = fl_chunk_pack(chunker, state, &plain, err);
    if (r < 0)
        return r;
    if (getrandom(nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
        return fl_err_set(err, FL_E_IO, "no random bytes");
    put_head(head, nonce, &out);
    at = fl_buf_reserve(&out, plain.len + FL_AEAD_TAG_BYTES);
    if (at == NULL)
        return fl_buf_status(&out, err);
    r = fl_aead_seal(aead, key, nonce, fl_span_of(out.ptr, HEAD_BYTES), fl_buf_span(&plain), at,
                     at + plain.len, err);
    if (r < 0)
        return r;
    out.len += plain.len + FL_AEAD_TAG_BYTES;
    fl_baseline_name(head->file_id, name);
    return fl_files_replace(fs, dir, name, fl_buf_span(&out), err);
}

static int parse_head(struct fl_span bytes, struct fl_baseline *ret,
                      unsigned char nonce[FL_AEAD_NONCE_BYTES], struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(bytes);
    struct fl_span magic = fl_cursor_bytes(&cur, 8), id, salt;
    uint16_t version = fl_cursor_u16(&cur), len = fl_cursor_u16(&cur);
    struct fl_baseline head = {.tenant = fl_cursor_u32(&cur)};

    head.day = (int32_t)fl_cursor_u32(&cur);
    id = fl_cursor_bytes(&cur, sizeof head.file_id);
    salt = fl_cursor_bytes(&cur, FL_AEAD_NONCE_BYTES);
    head.written_us = (int64_t)fl_cursor_u64(&cur);
    head.lsn = fl_cursor_u64(&cur);
    (void)fl_cursor_bytes(&cur, 20);
    if (cur.failed || !fl_span_eq(magic, FL_SPAN("FLBASES\n")) || len != HEAD_BYTES ||
        fl_cursor_u32(&cur) != fl_crc32c(0, fl_span_of(bytes.ptr, HEAD_BYTES - 4)))
        return fl_err_set(err, FL_E_CORRUPT, "the header is damaged");
    if (version != VERSION)
        return fl_err_set(err, FL_E_INVAL, "version %u is not known here", (unsigned)version);
    memcpy(head.file_id, id.ptr, id.len);
    memcpy(nonce, salt.ptr, salt.len);
    *ret = head;
    return FL_OK;
}

static int read_file(const struct fl_files *fs, int dir, const char *name, size_t max,
                     struct fl_buf *out, struct fl_err *err)
{
    uint64_t size = 0;
    void *at;
    int fd = -1, r = fl_files_open(fs, dir, name, FL_FILE_READ, &fd, err);

    if (r >= 0)
        r = fl_files_size(fs, fd, &size, err);
    if (r >= 0) {
        size = size < max ? size : max;
        at = fl_buf_reserve(out, (size_t)size);
        r = at == NULL ? fl_buf_status(out, err) : fl_files_read(fs, fd, at, (size_t)size, 0, err);
        out->len = r < 0 ? 0 : (size_t)size;
    }
    fl_files_close(fs, fd);
    return r;
}

int fl_baseline_identify(const struct fl_files *fs, int dir, const char *name,
                         struct fl_baseline *ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf head;
    unsigned char nonce[FL_AEAD_NONCE_BYTES];
    int r;

    fl_buf_init(&head, HEAD_BYTES);
    r = read_file(fs, dir, name, HEAD_BYTES, &head, err);
    return r < 0 ? r : parse_head(fl_buf_span(&head), ret, nonce, err);
}

static int open_state(struct fl_buf *file, const unsigned char key[FL_KEY_BYTES],
                      const unsigned char nonce[FL_AEAD_NONCE_BYTES], struct fl_sessions *sessions,
                      struct fl_err *err)
{
    FL_AUTO(fl_chunker_freep) struct fl_chunker *chunker = NULL;
    FL_AUTO(fl_aead_freep) struct fl_aead *aead = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf scratch;
    unsigned char *body = file->ptr + HEAD_BYTES;
    struct fl_span state;
    size_t len;
    int r = fl_chunker_new(&chunker, err);

    fl_buf_init(&scratch, STATE_MAX_BYTES);
    if (r >= 0)
        r = fl_aead_new(&aead, err);
    if (r < 0)
        return r;
    if (file->len < HEAD_BYTES + FL_AEAD_TAG_BYTES)
        return fl_err_set(err, FL_E_CORRUPT, "it has only %zu bytes", file->len);
    len = file->len - HEAD_BYTES - FL_AEAD_TAG_BYTES;
    r = fl_aead_open(aead, key, nonce, fl_span_of(file->ptr, HEAD_BYTES), fl_span_of(body, len),
                     body, body + len, err);
    if (r >= 0)
        r = fl_chunk_unpack(chunker, fl_span_of(body, len), STATE_MAX_BYTES, &scratch, &state, err);
    return r < 0 ? r : fl_sessions_load(sessions, state, err);
}

int fl_baseline_read(const struct fl_files *fs, int dir, const char *name,
                     const unsigned char key[FL_KEY_BYTES], struct fl_sessions *sessions,
                     struct fl_baseline *ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    unsigned char nonce[FL_AEAD_NONCE_BYTES];
    int r;

    fl_buf_init(&file, STATE_MAX_BYTES * 2 + HEAD_BYTES);
    r = read_file(fs, dir, name, STATE_MAX_BYTES * 2, &file, err);
    if (r >= 0)
        r = parse_head(fl_buf_span(&file), ret, nonce, err);
    if (r >= 0)
        r = open_state(&file, key, nonce, sessions, err);
    return r < 0 && err != NULL ? fl_err_wrap(err, "baseline %s", name) : r;
}
