/* The reader of write-ahead logs: declared in wal.h. Any bytes may come. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "io/aead.h"
#include "logs/segment.h"
#include "logs/wal.h"

enum { RECORD_MIN_BYTES = 109, KIND_BATCH = 1 };

int fl_wal_head_parse(struct fl_span bytes, struct fl_wal_head *ret, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(bytes);
    struct fl_span magic = fl_cursor_bytes(&cur, 8), id;
    uint16_t version = fl_cursor_u16(&cur), len = fl_cursor_u16(&cur);
    struct fl_wal_head head = {.number = fl_cursor_u64(&cur)};

    id = fl_cursor_bytes(&cur, sizeof head.file_id);
    head.created_us = (int64_t)fl_cursor_u64(&cur);
    head.next_lsn = fl_cursor_u64(&cur);
    head.marks = fl_cursor_u16(&cur);
    (void)fl_cursor_bytes(&cur, 6);
    if (fl_cursor_u32(&cur) != (bytes.len < FL_WAL_HEAD_BYTES
                                    ? 0
                                    : fl_crc32c(0, fl_span_of(bytes.ptr, FL_WAL_HEAD_BYTES - 4))) ||
        cur.failed || !fl_span_eq(magic, FL_SPAN("FLWALOG\n")) || len != FL_WAL_HEAD_BYTES)
        return fl_err_set(err, FL_E_CORRUPT, "the header is damaged");
    if (version != FL_WAL_VERSION)
        return fl_err_set(err, FL_E_INVAL, "version %u is not known here", (unsigned)version);
    if (head.marks > FL_MARKS_MAX)
        return fl_err_set(err, FL_E_CORRUPT, "%u marks", (unsigned)head.marks);
    memcpy(head.file_id, id.ptr, id.len);
    *ret = head;
    return FL_OK;
}

static void get_id(struct fl_cursor *cur, unsigned char ret[16])
{
    struct fl_span id = fl_cursor_bytes(cur, 16);

    if (!cur->failed)
        memcpy(ret, id.ptr, id.len);
}

static bool get_record(struct fl_cursor *cur, struct fl_wal_record *rec)
{
    const unsigned char *start = cur->ptr;
    size_t head_len = fl_cursor_u16(cur), body_len;
    uint8_t kind = fl_cursor_u8(cur);

    (void)fl_cursor_u8(cur);
    rec->tenant = fl_cursor_u32(cur);
    rec->day = (int32_t)fl_cursor_u32(cur);
    get_id(cur, rec->stream);
    rec->counter = fl_cursor_u64(cur);
    rec->lsn = fl_cursor_u64(cur);
    get_id(cur, rec->source);
    rec->number = fl_cursor_u64(cur);
    rec->accepted_us = (int64_t)fl_cursor_u64(cur);
    rec->first_seq = fl_cursor_u64(cur);
    rec->rows = fl_cursor_u32(cur);
    body_len = fl_cursor_u32(cur);
    rec->slug = fl_cursor_bytes(cur, fl_cursor_u8(cur));
    if (cur->failed || (size_t)(cur->ptr - start) != head_len || kind != KIND_BATCH ||
        rec->slug.len > FL_WAL_SLUG_MAX || body_len > FL_WAL_BODY_MAX_BYTES)
        return false;
    rec->head = fl_span_of(start, head_len);
    rec->body = fl_cursor_bytes(cur, body_len);
    rec->tag = fl_cursor_bytes(cur, FL_AEAD_TAG_BYTES);
    return !cur->failed;
}

int fl_wal_group_parse(struct fl_span group, bool check_crc, uint64_t *ret_no,
                       struct fl_wal_record **ret, uint32_t *ret_count, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(group);
    struct fl_span magic = fl_cursor_bytes(&cur, 4);
    uint32_t bytes = fl_cursor_u32(&cur), count, crc, want;
    uint64_t no = fl_cursor_u64(&cur);
    struct fl_wal_record *recs;
    bool ok = true;

    count = fl_cursor_u32(&cur);
    want = fl_cursor_u32(&cur);
    if (cur.failed || !fl_span_eq(magic, FL_SPAN("FLWG")) || bytes != group.len ||
        count > FL_WAL_RECORDS_MAX || count > fl_cursor_left(&cur) / RECORD_MIN_BYTES)
        return fl_err_set(err, FL_E_CORRUPT, "the head of a group is damaged");
    recs = calloc(count == 0 ? 1 : count, sizeof *recs);
    if (recs == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for %u records", (unsigned)count);
    crc = fl_crc32c(0, fl_span_of(group.ptr, 20));
    for (uint32_t i = 0; i < count && ok; i++) {
        ok = get_record(&cur, &recs[i]);
        if (ok) {
            crc = fl_crc32c(crc, recs[i].head);
            crc = fl_crc32c(crc, recs[i].tag);
        }
    }
    if (!ok || !fl_cursor_done(&cur) || (check_crc && crc != want)) {
        free(recs);
        return fl_err_set(err, FL_E_CORRUPT, "a group of %u records is damaged", (unsigned)count);
    }
    *ret_no = no;
    *ret = recs;
    *ret_count = count;
    return FL_OK;
}

bool fl_wal_name_parse(const char *name, uint64_t *ret_number)
{
    unsigned char id[16], number[16];
    char hex[33] = "0000000000000000";

    if (strlen(name) != FL_WAL_NAME_BYTES - 3 || name[16] != '-' || !fl_id_parse(name + 17, id) ||
        strcmp(name + 49, ".wal") != 0)
        return false;
    memcpy(hex + 16, name, 16);
    if (!fl_id_parse(hex, number))
        return false;
    *ret_number = 0;
    for (size_t i = 8; i < 16; i++)
        *ret_number = *ret_number << 8 | number[i];
    return true;
}

/* ---- a file ---- */

struct reader {
    const struct fl_files *fs;
    int fd;
    bool newest;
    struct fl_keyring *keys;
    int (*fn)(void *ctx, const struct fl_wal_record *record, struct fl_err *err);
    void *ctx;
    struct fl_aead *aead;
    struct fl_wal_reading *sum;
    struct fl_buf group, aad;
    /* the key used last: streams come in runs */
    unsigned char key_of[16], key[FL_KEY_BYTES];
    int key_state; /* 0: none yet; 1: key; FL_E_NOENT: destroyed */
};

static int find_key(struct reader *rd, const struct fl_wal_record *rec, struct fl_err *err)
{
    int r;

    if (rd->key_state != 0 && memcmp(rd->key_of, rec->stream, 16) == 0)
        return rd->key_state;
    r = rd->keys->ops->file_get(rd->keys, rec->tenant, rec->day, rec->stream, rd->key, err);
    if (r < 0 && r != FL_E_NOENT)
        return r;
    memcpy(rd->key_of, rec->stream, 16);
    rd->key_state = r < 0 ? FL_E_NOENT : 1;
    return rd->key_state;
}

/* In place. 1: open; FL_E_NOENT: no key; FL_E_CORRUPT; others end the reading. */
static int open_record(struct reader *rd, uint64_t group, struct fl_wal_record *rec,
                       struct fl_err *err)
{
    unsigned char nonce[FL_AEAD_NONCE_BYTES];
    unsigned char *body = rd->group.ptr + (rec->body.ptr - rd->group.ptr);
    int r = find_key(rd, rec, err);

    if (r < 0)
        return r;
    fl_wal_aad(rd->sum->head.file_id, group, rec->head, &rd->aad);
    fl_segment_nonce(rec->counter, nonce);
    r = fl_aead_open(rd->aead, rd->key, nonce, fl_buf_span(&rd->aad), rec->body, body, rec->tag.ptr,
                     err);
    return r < 0 ? r : 1;
}

/* states[i]: what open_record() gave. False: a record does not open. */
static int open_group(struct reader *rd, uint64_t no, struct fl_wal_record *recs, uint32_t count,
                      int *states, uint32_t *ret_bad, struct fl_err *err)
{
    *ret_bad = 0;
    for (uint32_t i = 0; i < count; i++) {
        states[i] = open_record(rd, no, &recs[i], err);
        if (states[i] < 0 && states[i] != FL_E_NOENT && states[i] != FL_E_CORRUPT)
            return states[i];
        *ret_bad += states[i] == FL_E_CORRUPT;
    }
    return FL_OK;
}

static int give_group(struct reader *rd, struct fl_wal_record *recs, uint32_t count,
                      const int *states, struct fl_err *err)
{
    rd->sum->groups++;
    for (uint32_t i = 0; i < count; i++) {
        int r;

        if (states[i] == FL_E_CORRUPT) {
            rd->sum->damaged++;
            continue;
        }
        if (states[i] == FL_E_NOENT) {
            rd->sum->no_key++;
            recs[i].body = fl_span_of(NULL, 0);
        }
        rd->sum->records++;
        r = rd->fn(rd->ctx, &recs[i], err);
        if (r < 0)
            return r;
    }
    return FL_OK;
}

static int take_group(struct reader *rd, bool last, struct fl_err *err)
{
    struct fl_wal_record *recs = NULL;
    int *states = NULL;
    uint32_t count = 0, bad = 0;
    uint64_t no = 0;
    int r = fl_wal_group_parse(fl_buf_span(&rd->group), true, &no, &recs, &count, err);

    if (r == FL_E_CORRUPT) {
        rd->sum->torn += last;
        rd->sum->damaged += !last;
        return FL_OK;
    }
    if (r < 0)
        return r;
    states = calloc(count == 0 ? 1 : count, sizeof *states);
    if (states == NULL)
        r = fl_err_set(err, FL_E_NOMEM, "no memory for a group");
    if (r >= 0)
        r = open_group(rd, no, recs, count, states, &bad, err);
    if (r >= 0 && bad > 0 && last && rd->newest)
        rd->sum->torn = 1;
    else if (r >= 0)
        r = give_group(rd, recs, count, states, err);
    free(states);
    free(recs);
    return r;
}

/* The length that stands at offset; 0: no group begins there. */
static int group_at(struct reader *rd, uint64_t offset, uint32_t *ret_len, struct fl_err *err)
{
    unsigned char head[8];
    struct fl_cursor cur = fl_cursor_of(fl_span_of(head, sizeof head));
    int r;

    *ret_len = 0;
    if (rd->sum->bytes - offset < FL_WAL_GROUP_BYTES)
        return FL_OK;
    r = fl_files_read(rd->fs, rd->fd, head, sizeof head, offset, err);
    if (r < 0)
        return r;
    if (fl_span_eq(fl_cursor_bytes(&cur, 4), FL_SPAN("FLWG"))) {
        uint32_t len = fl_cursor_u32(&cur);

        if (len >= FL_WAL_GROUP_BYTES && len <= FL_WAL_GROUP_MAX_BYTES &&
            len <= rd->sum->bytes - offset)
            *ret_len = len;
    }
    return FL_OK;
}

static int read_groups(struct reader *rd, uint64_t offset, struct fl_err *err)
{
    while (offset < rd->sum->bytes) {
        uint32_t len, next = 0;
        void *at;
        int r = group_at(rd, offset, &len, err);

        if (r < 0)
            return r;
        if (len == 0) {
            rd->sum->torn = 1;
            return FL_OK;
        }
        if (offset + len < rd->sum->bytes)
            r = group_at(rd, offset + len, &next, err);
        fl_buf_clear(&rd->group);
        at = fl_buf_reserve(&rd->group, len);
        if (at == NULL)
            return fl_buf_status(&rd->group, err);
        if (r >= 0)
            r = fl_files_read(rd->fs, rd->fd, at, len, offset, err);
        rd->group.len = len;
        if (r >= 0)
            r = take_group(rd, next == 0, err);
        if (r < 0)
            return r;
        offset += len;
    }
    return FL_OK;
}

static int read_head(struct reader *rd, struct fl_marks *marks, uint64_t *ret_offset,
                     struct fl_err *err)
{
    unsigned char head[FL_WAL_HEAD_BYTES], raw[FL_MARKS_MAX * 24 + 4];
    struct fl_cursor cur;
    size_t len;
    int r = fl_files_size(rd->fs, rd->fd, &rd->sum->bytes, err);

    if (r >= 0)
        r = fl_files_read(rd->fs, rd->fd, head, sizeof head, 0, err);
    if (r >= 0)
        r = fl_wal_head_parse(fl_span_of(head, sizeof head), &rd->sum->head, err);
    if (r < 0)
        return r;
    len = (size_t)rd->sum->head.marks * 24;
    r = fl_files_read(rd->fs, rd->fd, raw, len + 4, sizeof head, err);
    if (r < 0)
        return r;
    cur = fl_cursor_of(fl_span_of(raw, len + 4));
    for (uint16_t i = 0; i < rd->sum->head.marks; i++) {
        struct fl_span source = fl_cursor_bytes(&cur, 16);

        if (fl_crc32c(0, fl_span_of(raw, len)) ==
            ((uint32_t)raw[len] | (uint32_t)raw[len + 1] << 8 | (uint32_t)raw[len + 2] << 16 |
             (uint32_t)raw[len + 3] << 24))
            fl_marks_raise(marks, source.ptr, fl_cursor_u64(&cur));
        else
            return fl_err_set(err, FL_E_CORRUPT, "the marks are damaged");
    }
    *ret_offset = sizeof head + len + 4;
    return FL_OK;
}

int fl_wal_peek(const struct fl_files *fs, int dir, const char *name, struct fl_wal_head *ret,
                struct fl_err *err)
{
    unsigned char head[FL_WAL_HEAD_BYTES];
    int fd = -1, r = fl_files_open(fs, dir, name, FL_FILE_READ, &fd, err);

    if (r < 0)
        return r;
    r = fl_files_read(fs, fd, head, sizeof head, 0, err);
    fl_files_close(fs, fd);
    return r < 0 ? r : fl_wal_head_parse(fl_span_of(head, sizeof head), ret, err);
}

int fl_wal_read(const struct fl_files *fs, int dir, const char *name, bool newest,
                struct fl_keyring *keys,
                int (*fn)(void *ctx, const struct fl_wal_record *record, struct fl_err *err),
                void *ctx, struct fl_marks *marks, struct fl_wal_reading *ret, struct fl_err *err)
{
    struct reader rd = {.fs = fs, .fd = -1, .newest = newest, .keys = keys, .fn = fn, .ctx = ctx};
    uint64_t offset = 0;
    int r = fl_aead_new(&rd.aead, err);

    *ret = (struct fl_wal_reading){0};
    rd.sum = ret;
    fl_buf_init(&rd.group, FL_WAL_GROUP_MAX_BYTES);
    fl_buf_init(&rd.aad, 1024);
    if (r >= 0)
        r = fl_files_open(fs, dir, name, FL_FILE_READ, &rd.fd, err);
    if (r >= 0)
        r = read_head(&rd, marks, &offset, err);
    if (r >= 0)
        r = read_groups(&rd, offset, err);
    explicit_bzero(rd.key, sizeof rd.key);
    fl_buf_done(&rd.group);
    fl_buf_done(&rd.aad);
    fl_aead_free(rd.aead);
    fl_files_close(fs, rd.fd);
    return r < 0 && err != NULL ? fl_err_wrap(err, "log %s", name) : r;
}
