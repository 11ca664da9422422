#include "trust/keyframe.h"

#include <sodium.h>
#include <string.h>

#include "base/cursor.h"

static const unsigned char table_magic[8] = "FLKEYTAB";
static const unsigned char frame_magic[4] = "KFRM";

enum { VERSION = 1, SUM_BYTES = 8, FRAME_HEAD_BYTES = 12 };
enum kind { KIND_TENANT = 1, KIND_DAY, KIND_FILE, KIND_DROP_TENANT, KIND_DROP_DAY, KIND_DROP_FILE };

static void sum_of(struct fl_span bytes, unsigned char ret[SUM_BYTES])
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    (void)crypto_hash_sha256(hash, bytes.ptr, bytes.len);
    memcpy(ret, hash, SUM_BYTES);
}

void fl_keyframe_header(struct fl_buf *out, uint32_t epoch)
{
    fl_buf_put(out, table_magic, sizeof table_magic);
    fl_buf_put_u32(out, VERSION);
    fl_buf_put_u32(out, epoch);
}

void fl_keyframe_begin(struct fl_buf *out, uint32_t epoch)
{
    fl_buf_put(out, frame_magic, sizeof frame_magic);
    fl_buf_put_u32(out, 0); /* bytes of the records: set at the end */
    fl_buf_put_u32(out, epoch);
}

static void put_head(struct fl_buf *out, enum kind kind, uint32_t tenant)
{
    fl_buf_put_u8(out, (uint8_t)kind);
    fl_buf_put_u32(out, tenant);
}

void fl_keyframe_tenant(struct fl_buf *out, uint32_t tenant, const unsigned char *wrap)
{
    put_head(out, KIND_TENANT, tenant);
    fl_buf_put(out, wrap, FL_WRAP_KEY_BYTES);
}

void fl_keyframe_day(struct fl_buf *out, uint32_t tenant, int32_t day, const unsigned char *wrap)
{
    put_head(out, KIND_DAY, tenant);
    fl_buf_put_u32(out, (uint32_t)day);
    fl_buf_put(out, wrap, FL_WRAP_KEY_BYTES);
}

void fl_keyframe_file(struct fl_buf *out, uint32_t tenant, int32_t day, const unsigned char *id,
                      const unsigned char *wrap)
{
    put_head(out, KIND_FILE, tenant);
    fl_buf_put_u32(out, (uint32_t)day);
    fl_buf_put(out, id, FL_FILE_ID_BYTES);
    fl_buf_put(out, wrap, FL_WRAP_KEY_BYTES);
}

void fl_keyframe_drop(struct fl_buf *out, uint32_t tenant, int32_t day, const unsigned char *id)
{
    if (id == NULL && day == FL_DAY_NONE) {
        put_head(out, KIND_DROP_TENANT, tenant);
        return;
    }
    put_head(out, id == NULL ? KIND_DROP_DAY : KIND_DROP_FILE, tenant);
    fl_buf_put_u32(out, (uint32_t)day);
    if (id != NULL)
        fl_buf_put(out, id, FL_FILE_ID_BYTES);
}

int fl_keyframe_end(struct fl_buf *out, struct fl_err *err)
{
    unsigned char sum[SUM_BYTES];
    uint32_t len;

    if (fl_buf_status(out, err) < 0)
        return fl_err_wrap(err, "frame of the key table");
    len = (uint32_t)(out->len - FRAME_HEAD_BYTES);
    for (int i = 0; i < 4; i++)
        out->ptr[4 + i] = (unsigned char)(len >> (8 * i));
    sum_of(fl_buf_span(out), sum);
    fl_buf_put(out, sum, sizeof sum);
    return fl_buf_status(out, err);
}

static int apply_record(struct fl_cursor *cur, struct fl_keymap *map, struct fl_err *err)
{
    uint8_t kind = fl_cursor_u8(cur);
    uint32_t tenant = fl_cursor_u32(cur);
    bool has_day = kind != KIND_TENANT && kind != KIND_DROP_TENANT;
    bool has_file = kind == KIND_FILE || kind == KIND_DROP_FILE;
    int32_t day = has_day ? (int32_t)fl_cursor_u32(cur) : FL_DAY_NONE;
    struct fl_span id = fl_cursor_bytes(cur, has_file ? FL_FILE_ID_BYTES : 0);
    struct fl_span wrap = fl_cursor_bytes(cur, kind <= KIND_FILE ? FL_WRAP_KEY_BYTES : 0);

    if (cur->failed)
        return fl_err_set(err, FL_E_CORRUPT, "a record is cut short");
    switch (kind) {
    case KIND_TENANT:
        return fl_keymap_put_tenant(map, tenant, wrap.ptr, err);
    case KIND_DAY:
        return fl_keymap_put_day(map, tenant, day, wrap.ptr, err);
    case KIND_FILE:
        return fl_keymap_put_file(map, tenant, day, id.ptr, wrap.ptr, err);
    case KIND_DROP_TENANT:
        (void)fl_keymap_drop_tenant(map, tenant);
        return FL_OK;
    case KIND_DROP_DAY:
        (void)fl_keymap_drop_day(map, tenant, day);
        return FL_OK;
    case KIND_DROP_FILE:
        (void)fl_keymap_drop_file(map, tenant, day, id.ptr);
        return FL_OK;
    default:
        return fl_err_set(err, FL_E_CORRUPT, "a record has the unknown kind %u", kind);
    }
}

int fl_keyframe_apply(struct fl_span frame, struct fl_keymap *map, struct fl_err *err)
{
    struct fl_cursor cur;

    if (frame.len < FL_KEYFRAME_EXTRA_BYTES)
        return fl_err_set(err, FL_E_CORRUPT, "a frame of %zu bytes is none", frame.len);
    cur =
        fl_cursor_of(fl_span_of(frame.ptr + FRAME_HEAD_BYTES, frame.len - FL_KEYFRAME_EXTRA_BYTES));
    while (fl_cursor_left(&cur) > 0) {
        int r = apply_record(&cur, map, err);

        if (r < 0)
            return r;
    }
    return FL_OK;
}

/* Is there a whole, sound frame at the beginning of bytes? */
static bool frame_at(struct fl_span bytes, struct fl_span *ret_frame, uint32_t *ret_epoch)
{
    struct fl_cursor cur = fl_cursor_of(bytes);
    struct fl_span magic = fl_cursor_bytes(&cur, sizeof frame_magic);
    uint32_t len = fl_cursor_u32(&cur), epoch = fl_cursor_u32(&cur);
    struct fl_span records = fl_cursor_bytes(&cur, len);
    struct fl_span sum = fl_cursor_bytes(&cur, SUM_BYTES);
    unsigned char want[SUM_BYTES];

    if (cur.failed || len > FL_KEYFRAME_MAX_BYTES ||
        memcmp(magic.ptr, frame_magic, sizeof frame_magic) != 0)
        return false;
    sum_of(fl_span_of(bytes.ptr, FRAME_HEAD_BYTES + records.len), want);
    if (memcmp(want, sum.ptr, SUM_BYTES) != 0)
        return false;
    *ret_frame = fl_span_of(bytes.ptr, FL_KEYFRAME_EXTRA_BYTES + records.len);
    *ret_epoch = epoch;
    return true;
}

/* A torn append is the last thing in the file; sound frames behind it mean damage. */
static bool frame_behind(struct fl_span bytes)
{
    struct fl_span frame;
    uint32_t epoch;

    for (size_t i = 1; i + FL_KEYFRAME_EXTRA_BYTES <= bytes.len; i++) {
        const unsigned char *hit =
            memmem(bytes.ptr + i, bytes.len - i, frame_magic, sizeof frame_magic);

        if (hit == NULL)
            return false;
        i = (size_t)(hit - bytes.ptr);
        if (frame_at(fl_span_of(hit, bytes.len - i), &frame, &epoch))
            return true;
    }
    return false;
}

static int read_header(struct fl_span table, uint32_t *ret_epoch, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(table);
    struct fl_span magic = fl_cursor_bytes(&cur, sizeof table_magic);
    uint32_t version = fl_cursor_u32(&cur), epoch = fl_cursor_u32(&cur);

    if (cur.failed || memcmp(magic.ptr, table_magic, sizeof table_magic) != 0)
        return fl_err_set(err, FL_E_CORRUPT, "the file is not a key table");
    if (version != VERSION)
        return fl_err_set(err, FL_E_CORRUPT, "the key table has version %u; this program reads %d",
                          version, VERSION);
    *ret_epoch = epoch;
    return FL_OK;
}

static int check_epoch(const struct fl_keyframe_report *report, uint32_t epoch, bool newer,
                       struct fl_err *err)
{
    if (newer || report->epoch > epoch)
        return fl_err_set(err, FL_E_CORRUPT,
                          "the epoch file is of epoch %u, older than the key table: put back the "
                          "epoch file that belongs to it",
                          epoch);
    if (report->epoch < epoch)
        return fl_err_set(err, FL_E_CORRUPT,
                          "the key table is of epoch %u, the epoch file of epoch %u: an old copy "
                          "opens nothing; put back the table that belongs to it",
                          report->epoch, epoch);
    return FL_OK;
}

static int frame_error(struct fl_err *err, int code, size_t at)
{
    if (err == NULL)
        return code == FL_E_NOMEM ? code : FL_E_CORRUPT;
    if (code != FL_E_NOMEM)
        err->code = FL_E_CORRUPT; /* a day without its tenant, too many days: all are damage here */
    return fl_err_wrap(err, "the frame at byte %zu of the key table", at);
}

int fl_keyframe_replay(struct fl_span table, uint32_t epoch, struct fl_keymap *map,
                       struct fl_keyframe_report *ret, struct fl_err *err)
{
    struct fl_keyframe_report report = {.good_bytes = FL_KEYFRAME_HEADER_BYTES};
    bool newer = false;
    int r = read_header(table, &report.epoch, err);

    if (r < 0)
        return r;
    while (report.good_bytes < table.len) {
        struct fl_span rest =
            fl_span_of(table.ptr + report.good_bytes, table.len - report.good_bytes);
        struct fl_span frame;
        uint32_t of;

        if (!frame_at(rest, &frame, &of)) {
            if (frame_behind(rest))
                return fl_err_set(err, FL_E_CORRUPT, "the key table is damaged at byte %zu",
                                  report.good_bytes);
            report.torn_bytes = rest.len;
            break;
        }
        if (of < report.epoch || of - report.epoch > 1)
            return fl_err_set(err, FL_E_CORRUPT, "epoch %u follows %u at byte %zu", of,
                              report.epoch, report.good_bytes);
        if (of > epoch) { /* the epoch file was not replaced: nothing may have followed */
            report.uncommitted = true;
            newer = frame.len < rest.len || report.epoch != epoch;
            break;
        }
        r = fl_keyframe_apply(frame, map, err);
        if (r < 0)
            return frame_error(err, r, report.good_bytes);
        report.epoch = of;
        report.good_bytes += frame.len;
        report.frames++;
    }
    r = check_epoch(&report, epoch, newer, err);
    if (r < 0)
        return r;
    *ret = report;
    return FL_OK;
}
