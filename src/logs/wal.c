/* The writer: wal_read.c reads. */
#include "logs/wal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/aead.h"
#include "logs/segment.h"

enum { FIRST_STREAMS = 8, GONE_MAX = 65536, FEW_STREAMS = 64 };
#define PENDING_MAX_BYTES ((size_t)16 << 20)

struct stream {
    uint32_t tenant;
    int32_t day;
    bool dead;
    bool ended; /* nothing more is written to it; what it holds is still needed */
    uint64_t last_lsn;
    /* of the file that is written */
    unsigned char id[16], key[FL_KEY_BYTES];
    uint64_t counter;
};

struct fl_wal_file {
    struct fl_wal_file *next; /* newer */
    char name[FL_WAL_NAME_BYTES];
    unsigned char id[16];
    uint64_t bytes;
    bool keep;
    struct stream *streams;
    size_t count, cap;
};

struct gone {
    uint32_t tenant;
    struct fl_key_file file;
};

struct fl_wal {
    struct fl_wal_config conf;
    struct fl_wal_file *first, *last; /* last: the one that is written, if fd >= 0 */
    int fd;                           /* -1: the next commit begins a file */
    uint64_t next_number, next_lsn, group, syncs;
    struct fl_marks marks; /* of what is durable */
    struct fl_wal_record *pending;
    size_t pending_count, pending_cap, pending_bytes;
    struct gone *gone; /* streams of files that were taken out */
    size_t gone_count, gone_cap;
    struct fl_buf out;
    struct fl_aead *aead;
};

int fl_wal_new(const struct fl_wal_config *config, uint64_t next_number, struct fl_wal **ret,
               struct fl_err *err)
{
    struct fl_wal *wal = calloc(1, sizeof *wal);
    int r;

    if (wal == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a write-ahead log");
    wal->conf = *config;
    wal->fd = -1;
    wal->next_number = next_number;
    wal->next_lsn = 1;
    fl_buf_init(&wal->out, FL_WAL_GROUP_MAX_BYTES);
    r = fl_aead_new(&wal->aead, err);
    if (r < 0) {
        fl_wal_free(wal);
        return r;
    }
    *ret = wal;
    return FL_OK;
}

void fl_wal_resume(struct fl_wal *wal, uint64_t next_lsn, const struct fl_marks *marks)
{
    wal->next_lsn = next_lsn;
    wal->marks = *marks;
}

static void free_file(struct fl_wal_file *file)
{
    if (file->streams != NULL)
        explicit_bzero(file->streams, file->cap * sizeof *file->streams);
    free(file->streams);
    free(file);
}

static void free_record(struct fl_wal_record *rec)
{
    free((void *)(uintptr_t)rec->slug.ptr); /* slug and body: one allocation, made here */
}

static void drop_pending(struct fl_wal *wal)
{
    for (size_t i = 0; i < wal->pending_count; i++)
        free_record(&wal->pending[i]);
    wal->pending_count = 0;
    wal->pending_bytes = 0;
}

void fl_wal_free(struct fl_wal *wal)
{
    if (wal == NULL)
        return;
    drop_pending(wal);
    free(wal->pending);
    free(wal->gone);
    while (wal->first != NULL) {
        struct fl_wal_file *next = wal->first->next;

        free_file(wal->first);
        wal->first = next;
    }
    fl_files_close(wal->conf.fs, wal->fd);
    fl_buf_done(&wal->out);
    fl_aead_free(wal->aead);
    free(wal);
}

/* ---- the pending group ---- */

static int grow_pending(struct fl_wal *wal, struct fl_err *err)
{
    size_t cap = wal->pending_cap == 0 ? 64 : wal->pending_cap * 2;
    struct fl_wal_record *grown = realloc(wal->pending, cap * sizeof *grown);

    if (grown == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the pending group");
    wal->pending = grown;
    wal->pending_cap = cap;
    return FL_OK;
}

int fl_wal_put(struct fl_wal *wal, const struct fl_wal_record *record, uint64_t *ret_lsn,
               struct fl_err *err)
{
    struct fl_wal_record *to;
    unsigned char *bytes;
    int r = 0;

    if (record->slug.len > FL_WAL_SLUG_MAX || record->body.len > FL_WAL_BODY_MAX_BYTES)
        return fl_err_set(err, FL_E_INVAL, "a record of %zu bytes", record->body.len);
    if (wal->pending_bytes + record->body.len > PENDING_MAX_BYTES ||
        wal->pending_count == FL_WAL_RECORDS_MAX)
        return fl_err_set(err, FL_E_AGAIN, "the pending group is full");
    if (wal->pending_count == wal->pending_cap)
        r = grow_pending(wal, err);
    if (r < 0)
        return r;
    bytes = malloc(record->slug.len + record->body.len + 1);
    if (bytes == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a record");
    to = &wal->pending[wal->pending_count++];
    *to = *record;
    to->slug = fl_span_of(bytes, record->slug.len);
    to->body = fl_span_of(bytes + record->slug.len, record->body.len);
    memcpy(bytes, record->slug.ptr, record->slug.len);
    memcpy(bytes + record->slug.len, record->body.ptr, record->body.len);
    to->lsn = wal->next_lsn++;
    wal->pending_bytes += record->body.len;
    *ret_lsn = to->lsn;
    return FL_OK;
}

size_t fl_wal_pending_bytes(const struct fl_wal *wal)
{
    return wal->pending_bytes;
}

const struct fl_marks *fl_wal_marks(const struct fl_wal *wal)
{
    return &wal->marks;
}

uint64_t fl_wal_lsn(const struct fl_wal *wal)
{
    return wal->next_lsn - 1;
}

/* ---- files ---- */

static struct stream *add_stream(struct fl_wal_file *file, uint32_t tenant, int32_t day)
{
    struct stream *to;

    if (file->count == file->cap) {
        size_t cap = file->cap == 0 ? FIRST_STREAMS : file->cap * 2;
        struct stream *grown = calloc(cap, sizeof *grown); /* not realloc: old keys are wiped */

        if (grown == NULL)
            return NULL;
        if (file->count > 0) {
            memcpy(grown, file->streams, file->count * sizeof *grown);
            explicit_bzero(file->streams, file->cap * sizeof *file->streams);
        }
        free(file->streams);
        file->streams = grown;
        file->cap = cap;
    }
    to = &file->streams[file->count++];
    *to = (struct stream){.tenant = tenant, .day = day};
    return to;
}

static struct fl_wal_file *add_file(struct fl_wal *wal, const char *name)
{
    struct fl_wal_file *file = calloc(1, sizeof *file);

    if (file == NULL)
        return NULL;
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    if (wal->last == NULL)
        wal->first = file;
    else
        wal->last->next = file;
    wal->last = file;
    return file;
}

static void put_head(struct fl_wal *wal, const unsigned char id[16])
{
    static const unsigned char zero[6];
    struct fl_buf *out = &wal->out;

    fl_buf_clear(out);
    fl_buf_put(out, "FLWALOG\n", 8);
    fl_buf_put_u16(out, FL_WAL_VERSION);
    fl_buf_put_u16(out, FL_WAL_HEAD_BYTES);
    fl_buf_put_u64(out, wal->next_number);
    fl_buf_put(out, id, 16);
    fl_buf_put_u64(out, (uint64_t)wal->conf.now_us());
    fl_buf_put_u64(out, wal->pending_count > 0 ? wal->pending[0].lsn : wal->next_lsn);
    fl_buf_put_u16(out, (uint16_t)wal->marks.count);
    fl_buf_put(out, zero, sizeof zero);
    if (out->failed == 0)
        fl_buf_put_u32(out, fl_crc32c(0, fl_buf_span(out)));
    for (uint32_t i = 0; i < wal->marks.count; i++) {
        fl_buf_put(out, wal->marks.mark[i].source, 16);
        fl_buf_put_u64(out, wal->marks.mark[i].number);
    }
    if (out->failed == 0)
        fl_buf_put_u32(out, fl_crc32c(0, fl_span_of(out->ptr + FL_WAL_HEAD_BYTES,
                                                    out->len - FL_WAL_HEAD_BYTES)));
}

static void end_file(struct fl_wal *wal)
{
    fl_files_close(wal->conf.fs, wal->fd);
    wal->fd = -1;
    for (size_t i = 0; wal->last != NULL && i < wal->last->count; i++)
        explicit_bzero(wal->last->streams[i].key, FL_KEY_BYTES);
}

static int begin_file(struct fl_wal *wal, struct fl_err *err)
{
    const struct fl_files *fs = wal->conf.fs;
    char name[FL_WAL_NAME_BYTES], hex[33];
    unsigned char id[16];
    int fd = -1, r = fl_id_new(id, err);

    if (r < 0)
        return r;
    fl_id_format(id, hex);
    (void)snprintf(name, sizeof name, "%016llx-%s.wal", (unsigned long long)wal->next_number, hex);
    put_head(wal, id);
    r = fl_buf_status(&wal->out, err);
    if (r >= 0)
        r = fl_files_open(fs, wal->conf.dir, name, FL_FILE_CREATE, &fd, err);
    if (r >= 0)
        wal->next_number++; /* also if this fails below, and the file cannot be taken away again */
    if (r >= 0)
        r = fl_files_write(fs, fd, fl_buf_span(&wal->out), err);
    if (r >= 0)
        r = fl_files_sync(fs, fd, err);
    if (r >= 0)
        r = fl_files_sync_dir(fs, wal->conf.dir, err);
    if (r >= 0 && add_file(wal, name) == NULL)
        r = fl_err_set(err, FL_E_NOMEM, "no memory for a file");
    if (r < 0) {
        fl_files_close(fs, fd);
        (void)fs->unlink(fs, wal->conf.dir, name, false);
        return r;
    }
    memcpy(wal->last->id, id, sizeof id);
    wal->last->bytes = wal->out.len;
    wal->fd = fd;
    wal->group = 0;
    return FL_OK;
}

/* The living stream of (tenant, day) in the file that is written, made at first use. */
static int stream_of(struct fl_wal *wal, uint32_t tenant, int32_t day, struct stream **ret,
                     struct fl_err *err)
{
    struct fl_wal_file *file = wal->last;
    unsigned char id[16], key[FL_KEY_BYTES];
    struct fl_keyring *keys = wal->conf.keys;
    struct stream *s = NULL;
    int r;

    for (size_t i = file->count; i-- > 0;) {
        s = &file->streams[i];
        if (s->tenant == tenant && s->day == day && !s->dead && !s->ended) {
            *ret = s;
            return FL_OK;
        }
    }
    r = fl_id_new(id, err);
    if (r >= 0)
        r = keys->ops->file_new(keys, tenant, day, id, key, err);
    if (r < 0)
        return r;
    s = add_stream(file, tenant, day);
    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a stream");
    memcpy(s->id, id, sizeof id);
    memcpy(s->key, key, sizeof key);
    explicit_bzero(key, sizeof key);
    *ret = s;
    return FL_OK;
}

/* ---- commit ---- */

void fl_wal_aad(const unsigned char file_id[16], uint64_t group, struct fl_span head,
                struct fl_buf *out)
{
    fl_buf_clear(out);
    fl_buf_put(out, "FLWALOG\n", 8);
    fl_buf_put_u16(out, FL_WAL_VERSION);
    fl_buf_put(out, file_id, 16);
    fl_buf_put_u64(out, group);
    fl_buf_put_span(out, head);
}

static void put_record_head(struct fl_buf *out, const struct fl_wal_record *rec,
                            const struct stream *s)
{
    size_t at = out->len;

    fl_buf_put_u16(out, 0); /* bytes of the head, below */
    fl_buf_put_u8(out, 1);
    fl_buf_put_u8(out, 0);
    fl_buf_put_u32(out, rec->tenant);
    fl_buf_put_u32(out, (uint32_t)rec->day);
    fl_buf_put(out, s->id, sizeof s->id);
    fl_buf_put_u64(out, s->counter);
    fl_buf_put_u64(out, rec->lsn);
    fl_buf_put(out, rec->source, sizeof rec->source);
    fl_buf_put_u64(out, rec->number);
    fl_buf_put_u64(out, (uint64_t)rec->accepted_us);
    fl_buf_put_u64(out, rec->first_seq);
    fl_buf_put_u32(out, rec->rows);
    fl_buf_put_u32(out, (uint32_t)rec->body.len);
    fl_buf_put_u8(out, (uint8_t)rec->slug.len);
    fl_buf_put_span(out, rec->slug);
    if (out->failed == 0)
        out->ptr[at] = (unsigned char)(out->len - at); /* under 256 */
}

static int put_record(struct fl_wal *wal, const struct fl_wal_record *rec, uint32_t *crc,
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf aad;
    unsigned char nonce[FL_AEAD_NONCE_BYTES], *at;
    struct fl_buf *out = &wal->out;
    size_t head_at = out->len, head_len;
    struct stream *s = NULL;
    int r = stream_of(wal, rec->tenant, rec->day, &s, err);

    fl_buf_init(&aad, 1024);
    if (s == NULL)
        return r;
    s->counter++; /* never used again, also when this group is not written */
    put_record_head(out, rec, s);
    head_len = out->len - head_at;
    at = fl_buf_reserve(out, rec->body.len + FL_AEAD_TAG_BYTES);
    if (at == NULL)
        return fl_buf_status(out, err);
    fl_wal_aad(wal->last->id, wal->group + 1, fl_span_of(out->ptr + head_at, head_len), &aad);
    fl_segment_nonce(s->counter, nonce);
    r = fl_aead_seal(wal->aead, s->key, nonce, fl_buf_span(&aad), rec->body, at, at + rec->body.len,
                     err);
    if (r < 0)
        return r;
    out->len += rec->body.len + FL_AEAD_TAG_BYTES;
    *crc = fl_crc32c(*crc, fl_span_of(out->ptr + head_at, head_len));
    *crc = fl_crc32c(*crc, fl_span_of(at + rec->body.len, FL_AEAD_TAG_BYTES));
    s->last_lsn = rec->lsn;
    return FL_OK;
}

static void store_u32(unsigned char *at, uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (unsigned char)(v >> (i * 8));
}

/* The group's bytes into wal->out. Its crc covers its head first, so the length must be known: each
 * record's is. */
static int build_group(struct fl_wal *wal, struct fl_err *err)
{
    struct fl_buf *out = &wal->out;
    size_t bytes = FL_WAL_GROUP_BYTES;
    uint32_t crc;
    int r = 0;

    for (size_t i = 0; i < wal->pending_count; i++)
        bytes += 4 + 8 + 16 + 16 + 16 + 8 + 8 + 8 + 4 + 4 + 1 + wal->pending[i].slug.len +
                 wal->pending[i].body.len + FL_AEAD_TAG_BYTES;
    fl_buf_clear(out);
    fl_buf_put(out, "FLWG", 4);
    fl_buf_put_u32(out, (uint32_t)bytes);
    fl_buf_put_u64(out, wal->group + 1);
    fl_buf_put_u32(out, (uint32_t)wal->pending_count);
    fl_buf_put_u32(out, 0);
    if (fl_buf_status(out, err) < 0)
        return out->failed;
    crc = fl_crc32c(0, fl_span_of(out->ptr, 20));
    for (size_t i = 0; i < wal->pending_count && r >= 0; i++)
        r = put_record(wal, &wal->pending[i], &crc, err);
    if (r < 0)
        return r;
    store_u32(out->ptr + 20, crc);
    if (out->len != bytes)
        return fl_err_set(err, FL_E_INVAL, "a group has %zu bytes, not %zu", out->len, bytes);
    return FL_OK;
}

/* A new file costs each of its streams a key: with many of them it comes later. */
static uint64_t enough_bytes(const struct fl_wal *wal)
{
    uint64_t many = wal->last->count <= FEW_STREAMS ? 0 : wal->last->count - FEW_STREAMS;

    return wal->conf.file_bytes + wal->conf.file_bytes / 256 * (many < 768 ? many : 768);
}

int fl_wal_commit(struct fl_wal *wal, struct fl_err *err)
{
    int r = 0;

    if (wal->fd >= 0 && wal->pending_count > 0 && wal->last->bytes >= enough_bytes(wal))
        end_file(wal);
    if (wal->fd < 0)
        r = begin_file(wal, err);
    if (r < 0 || wal->pending_count == 0)
        return r;
    r = build_group(wal, err);
    if (r < 0)
        return r; /* nothing was written: the file goes on */
    r = fl_files_write(wal->conf.fs, wal->fd, fl_buf_span(&wal->out), err);
    if (r >= 0)
        r = fl_files_sync(wal->conf.fs, wal->fd, err);
    wal->last->bytes += wal->out.len;
    if (r < 0) { /* what the file holds now is not known */
        end_file(wal);
        return r;
    }
    wal->group++;
    wal->syncs++;
    for (size_t i = 0; i < wal->pending_count; i++)
        fl_marks_raise(&wal->marks, wal->pending[i].source, wal->pending[i].number);
    drop_pending(wal);
    return FL_OK;
}

/* ---- what is still needed ---- */

void fl_wal_forget(struct fl_wal *wal, uint32_t tenant, int32_t from_day, int32_t to_day)
{
    size_t kept = 0;

    for (struct fl_wal_file *file = wal->first; file != NULL; file = file->next) {
        for (size_t i = 0; i < file->count; i++) {
            struct stream *s = &file->streams[i];

            if (s->tenant != tenant || s->day < from_day || s->day > to_day)
                continue;
            s->dead = true;
            explicit_bzero(s->key, sizeof s->key);
        }
    }
    for (size_t i = 0; i < wal->pending_count; i++) {
        struct fl_wal_record *rec = &wal->pending[i];

        if (rec->tenant == tenant && rec->day >= from_day && rec->day <= to_day) {
            wal->pending_bytes -= rec->body.len;
            free_record(rec);
        } else {
            wal->pending[kept++] = *rec;
        }
    }
    wal->pending_count = kept;
}

void fl_wal_turn(struct fl_wal *wal, uint32_t tenant)
{
    for (struct fl_wal_file *file = wal->first; file != NULL; file = file->next) {
        for (size_t i = 0; i < file->count; i++) {
            struct stream *s = &file->streams[i];

            if (s->tenant != tenant)
                continue;
            s->ended = true;
            explicit_bzero(s->key, sizeof s->key);
        }
    }
}

void fl_wal_each_stream(const struct fl_wal *wal, uint32_t tenant,
                        void (*fn)(void *ctx, int32_t day, const unsigned char id[16]), void *ctx)
{
    for (const struct fl_wal_file *file = wal->first; file != NULL; file = file->next)
        for (size_t i = 0; i < file->count; i++)
            if (file->streams[i].tenant == tenant && !file->streams[i].dead &&
                !file->streams[i].ended)
                fn(ctx, file->streams[i].day, file->streams[i].id);
}

void fl_wal_stats(const struct fl_wal *wal, struct fl_wal_stats *ret)
{
    *ret = (struct fl_wal_stats){.syncs = wal->syncs};
    for (const struct fl_wal_file *file = wal->first; file != NULL; file = file->next) {
        ret->files++;
        ret->bytes += file->bytes;
    }
}

int fl_wal_note_file(struct fl_wal *wal, const char *name, uint64_t bytes, struct fl_wal_file **ret,
                     struct fl_err *err)
{
    struct fl_wal_file *file = add_file(wal, name);

    if (file == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a file");
    file->bytes = bytes;
    *ret = file;
    return FL_OK;
}

void fl_wal_note_size(struct fl_wal_file *file, uint64_t bytes)
{
    file->bytes = bytes;
}

void fl_wal_note_keep(struct fl_wal_file *file)
{
    file->keep = true;
}

int fl_wal_note_stream(struct fl_wal_file *file, uint32_t tenant, int32_t day,
                       const unsigned char id[16], uint64_t lsn, struct fl_err *err)
{
    struct stream *s = NULL;

    for (size_t i = 0; i < file->count && s == NULL; i++)
        if (file->streams[i].tenant == tenant && file->streams[i].day == day &&
            memcmp(file->streams[i].id, id, sizeof s->id) == 0)
            s = &file->streams[i];
    if (s == NULL)
        s = add_stream(file, tenant, day);
    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a stream");
    memcpy(s->id, id, sizeof s->id);
    if (lsn > s->last_lsn)
        s->last_lsn = lsn;
    return FL_OK;
}

static bool file_needed(const struct fl_wal_file *file,
                        bool (*needed)(void *ctx, uint32_t tenant, int32_t day, uint64_t last_lsn),
                        void *ctx)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct stream *s = &file->streams[i];

        if (!s->dead && needed(ctx, s->tenant, s->day, s->last_lsn))
            return true;
    }
    return file->keep;
}

static bool gone_room(struct fl_wal *wal)
{
    size_t cap = wal->gone_cap == 0 ? 64 : wal->gone_cap * 2;
    struct gone *grown;

    if (wal->gone_count < wal->gone_cap)
        return true;
    if (wal->gone_count == GONE_MAX) { /* the oldest: their days end first */
        wal->gone_count -= GONE_MAX / 4;
        memmove(wal->gone, wal->gone + GONE_MAX / 4, wal->gone_count * sizeof *wal->gone);
        return true;
    }
    grown = realloc(wal->gone, cap * sizeof *grown);
    if (grown == NULL)
        return false;
    wal->gone = grown;
    wal->gone_cap = cap;
    return true;
}

static void note_gone(struct fl_wal *wal, const struct fl_wal_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct stream *s = &file->streams[i];
        struct gone *to;

        if (s->dead || !gone_room(wal))
            continue; /* dead: with the key of its day */
        to = &wal->gone[wal->gone_count++];
        *to = (struct gone){.tenant = s->tenant, .file = {.day = s->day}};
        memcpy(to->file.file_id, s->id, sizeof s->id);
    }
}

uint32_t fl_wal_gone(const struct fl_wal *wal, uint32_t max, uint32_t *ret_tenant,
                     struct fl_key_file *ret)
{
    uint32_t n = 0;

    for (size_t i = 0; i < wal->gone_count && n < max; i++)
        if (wal->gone[i].tenant == wal->gone[0].tenant)
            ret[n++] = wal->gone[i].file;
    if (n > 0)
        *ret_tenant = wal->gone[0].tenant;
    return n;
}

void fl_wal_gone_done(struct fl_wal *wal, uint32_t tenant, uint32_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < wal->gone_count; i++) {
        if (count > 0 && wal->gone[i].tenant == tenant)
            count--;
        else
            wal->gone[kept++] = wal->gone[i];
    }
    wal->gone_count = kept;
}

size_t fl_wal_take_done(struct fl_wal *wal,
                        bool (*needed)(void *ctx, uint32_t tenant, int32_t day, uint64_t last_lsn),
                        void *ctx, size_t max, char (*ret_names)[FL_WAL_NAME_BYTES])
{
    struct fl_wal_file **at = &wal->first, *file, *last = NULL;
    size_t n = 0;

    while ((file = *at) != NULL) {
        bool written = file == wal->last; /* the newest stays: it holds the marks */

        if (written || n == max || file_needed(file, needed, ctx)) {
            last = file;
            at = &file->next;
            continue;
        }
        memcpy(ret_names[n++], file->name, FL_WAL_NAME_BYTES);
        note_gone(wal, file);
        *at = file->next;
        free_file(file);
    }
    wal->last = last;
    return n;
}
