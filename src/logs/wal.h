/*
 * wal.h - the write-ahead log: batches of all tenants, encrypted, in groups made durable together
 * (FORMAT.md section 5).
 *
 * Writing: put records, then commit; a commit that fails leaves them pending, and the next one
 * writes them to a new file. One thread at a time. Reading takes any bytes.
 */
#ifndef FL_LOGS_WAL_H
#define FL_LOGS_WAL_H

#include "base/buf.h"
#include "logs/files.h"
#include "logs/marks.h"
#include "trust/keyring.h"

#define FL_WAL_VERSION         1
#define FL_WAL_HEAD_BYTES      64
#define FL_WAL_GROUP_BYTES     24 /* head of a group */
#define FL_WAL_GROUP_MAX_BYTES ((size_t)64 << 20)
#define FL_WAL_BODY_MAX_BYTES  ((size_t)2 << 20)
#define FL_WAL_RECORDS_MAX     65536u
#define FL_WAL_SLUG_MAX        63
#define FL_WAL_NAME_BYTES      56 /* "<16 hex>-<32 hex>.wal" and NUL */

struct fl_wal_record {
    uint32_t tenant;
    int32_t day;
    unsigned char stream[16];
    uint64_t counter; /* nonce in the stream */
    uint64_t lsn;     /* number of the record over all files */
    unsigned char source[16];
    uint64_t number; /* of the delivery */
    int64_t accepted_us;
    uint64_t first_seq;
    uint32_t rows;
    struct fl_span slug;
    struct fl_span body;      /* the batch; as read from a file: its ciphertext */
    struct fl_span head, tag; /* as read from a file */
};

/* ---- writing ---- */

struct fl_wal;

struct fl_wal_config {
    const struct fl_files *fs; /* borrowed, as all here */
    int dir;                   /* the folder _wal */
    struct fl_keyring *keys;
    int64_t (*now_us)(void);
    uint64_t file_bytes; /* a file that has more is followed by a new one */
};

/* No file is made before the first commit. */
int fl_wal_new(const struct fl_wal_config *config, uint64_t next_number, struct fl_wal **ret,
               struct fl_err *err) FL_MUST_CHECK;
void fl_wal_free(struct fl_wal *wal); /* what is pending is lost; NULL is allowed */

/*
 * Add a record to the pending group: copies body and slug, gives it the next lsn (*ret_lsn).
 * stream, counter, head and tag are ignored. FL_E_AGAIN: the group is full, commit first.
 */
int fl_wal_put(struct fl_wal *wal, const struct fl_wal_record *record, uint64_t *ret_lsn,
               struct fl_err *err) FL_MUST_CHECK;
size_t fl_wal_pending_bytes(const struct fl_wal *wal);
/* Write and sync what is pending; nothing pending: begins the first file if there is none. */
int fl_wal_commit(struct fl_wal *wal, struct fl_err *err) FL_MUST_CHECK;
const struct fl_marks *fl_wal_marks(const struct fl_wal *wal); /* of what is durable */
uint64_t fl_wal_lsn(const struct fl_wal *wal);                 /* last given; 0: none */
/* After the files of the last run were read; before the first put. */
void fl_wal_resume(struct fl_wal *wal, uint64_t next_lsn, const struct fl_marks *marks);

/* Streams of the tenant's days [from, to] are of no more use: their keys are being destroyed. What
 * is pending of them is dropped. */
void fl_wal_forget(struct fl_wal *wal, uint32_t tenant, int32_t from_day, int32_t to_day);

/* What comes of the tenant from now on goes to new streams with new keys. Those before stay needed
 * as they were. */
void fl_wal_turn(struct fl_wal *wal, uint32_t tenant);
/* The streams of the tenant that are being written. */
void fl_wal_each_stream(const struct fl_wal *wal, uint32_t tenant,
                        void (*fn)(void *ctx, int32_t day, const unsigned char id[16]), void *ctx);

struct fl_wal_stats {
    uint64_t files, bytes, syncs;
};
void fl_wal_stats(const struct fl_wal *wal, struct fl_wal_stats *ret);

/* A file found at start, of which streams are noted by fl_wal_note_stream(). */
struct fl_wal_file;
int fl_wal_note_file(struct fl_wal *wal, const char *name, uint64_t bytes, struct fl_wal_file **ret,
                     struct fl_err *err) FL_MUST_CHECK;
void fl_wal_note_size(struct fl_wal_file *file, uint64_t bytes);
void fl_wal_note_keep(struct fl_wal_file *file); /* damaged: it is never taken out */
int fl_wal_note_stream(struct fl_wal_file *file, uint32_t tenant, int32_t day,
                       const unsigned char id[16], uint64_t lsn, struct fl_err *err) FL_MUST_CHECK;

/*
 * Calls needed(ctx, tenant, day, last_lsn) for the streams of files that are not written any more:
 * is a record up to last_lsn still needed? Files of which no stream is are taken out; their names,
 * up to max, go to ret_names for the caller to unlink. Returns how many.
 */
size_t fl_wal_take_done(struct fl_wal *wal,
                        bool (*needed)(void *ctx, uint32_t tenant, int32_t day, uint64_t last_lsn),
                        void *ctx, size_t max, char (*ret_names)[FL_WAL_NAME_BYTES]);
/*
 * Streams of files that were taken out, whose keys are of no more use: of the tenant whose turn it
 * is, up to max, the oldest first. Returns how many. The latest 65,536 are remembered; the others'
 * keys go with their day. fl_wal_gone_done(): the first count of that tenant were destroyed.
 */
uint32_t fl_wal_gone(const struct fl_wal *wal, uint32_t max, uint32_t *ret_tenant,
                     struct fl_key_file *ret);
void fl_wal_gone_done(struct fl_wal *wal, uint32_t tenant, uint32_t count);

/* ---- reading ---- */

struct fl_wal_head {
    uint64_t number, next_lsn;
    unsigned char file_id[16];
    int64_t created_us;
    uint16_t marks;
};

/* Pure; take any bytes. */
int fl_wal_head_parse(struct fl_span bytes, struct fl_wal_head *ret, struct fl_err *err)
    FL_MUST_CHECK;
/* One whole group: its records in order, spans borrowed; free(*ret). The crc is checked when
 * asked. */
int fl_wal_group_parse(struct fl_span group, bool check_crc, uint64_t *ret_no,
                       struct fl_wal_record **ret, uint32_t *ret_count, struct fl_err *err)
    FL_MUST_CHECK;
bool fl_wal_name_parse(const char *name, uint64_t *ret_number);

struct fl_wal_reading {
    uint64_t groups, records;
    uint64_t no_key;  /* records whose key is destroyed */
    uint64_t damaged; /* groups and records lost */
    uint64_t torn;    /* 1: the last group was not whole */
    uint64_t bytes;   /* of the file */
    struct fl_wal_head head;
};

/* Only the header. */
int fl_wal_peek(const struct fl_files *fs, int dir, const char *name, struct fl_wal_head *ret,
                struct fl_err *err) FL_MUST_CHECK;

/*
 * Read one file. fn gets each record with its body decrypted, and those without a key with an empty
 * body and rows as the head says; negative ends the reading with that code. Its marks are merged
 * into marks.
 */
int fl_wal_read(const struct fl_files *fs, int dir, const char *name, bool newest,
                struct fl_keyring *keys,
                int (*fn)(void *ctx, const struct fl_wal_record *record, struct fl_err *err),
                void *ctx, struct fl_marks *marks, struct fl_wal_reading *ret, struct fl_err *err)
    FL_MUST_CHECK;

/* Shared by writer and reader. */
void fl_wal_aad(const unsigned char file_id[16], uint64_t group, struct fl_span head,
                struct fl_buf *out);

#endif
