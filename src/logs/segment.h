/*
 * segment.h - sealed rows as a file: written once, whole, under a key of its own; then only read.
 * FORMAT.md sections 4 describes the bytes.
 *
 * The writer leaves nothing behind when it fails. The reader takes any bytes: what does not fit is
 * FL_E_CORRUPT with the file and the block in the text, and the other blocks stay readable.
 * One fl_segment belongs to one thread at a time.
 */
#ifndef FL_LOGS_SEGMENT_H
#define FL_LOGS_SEGMENT_H

#include "base/buf.h"
#include "base/cursor.h"
#include "logs/block.h"
#include "logs/files.h"
#include "logs/rollup.h"
#include "trust/keyring.h"

#define FL_SEGMENT_VERSION    2 /* the current one; all versions up to it are read and written */
#define FL_SEGMENT_MAX_BLOCKS 4096u
#define FL_MARKS_MAX          256u
#define FL_SEGMENT_NAME_BYTES 40 /* "<32 hex>.seg" and NUL */

struct fl_mark { /* deliveries of a source up to this number are contained, or were dealt with */
    unsigned char source[16];
    uint64_t number;
};

struct fl_segment_id {
    uint32_t tenant;
    int32_t day;
    unsigned char file_id[FL_FILE_ID_BYTES];
    uint16_t version; /* what the header says, or will; set by all who read or write one */
};

struct fl_segment_place { /* of a chunk */
    uint64_t offset;
    uint32_t bytes; /* stored, with the tag; 0: there is none */
    uint64_t nonce;
};

struct fl_segment_col {
    struct fl_segment_place place;
    uint32_t at, len; /* where in the payload of its chunk it stands; len 0: all of it */
    uint32_t present;
    uint64_t min, max;
};

struct fl_segment_block {
    uint16_t version;
    uint32_t rows;
    struct fl_segment_place bloom;
    struct fl_segment_place presence;          /* bitmaps that columns share; from version 2 on */
    struct fl_segment_place shared;            /* the one chunk of all columns of a small block */
    struct fl_segment_col col[FL_FIELD_COUNT]; /* place.bytes 0: no row has it */
};

struct fl_segment_foot {
    uint16_t version; /* of the segment */
    int64_t created_us;
    uint64_t first_seq, last_seq;
    int64_t min_time_us, max_time_us;
    uint32_t rows, blocks, marks;
    struct fl_mark mark[FL_MARKS_MAX];
    struct fl_segment_place rollup[FL_ROLLUP_DIMS][FL_ROLLUP_TIERS], users[FL_ROLLUP_DIMS];
    struct fl_segment_block *block; /* blocks of them */
};

void fl_segment_foot_free(struct fl_segment_foot *foot);
/* Pure; the reader takes any bytes and checks every place against file_bytes. */
void fl_segment_foot_encode(const struct fl_segment_foot *foot, struct fl_buf *out);
int fl_segment_foot_decode(struct fl_span payload, uint64_t file_bytes,
                           struct fl_segment_foot **ret, struct fl_err *err) FL_MUST_CHECK;

struct fl_segment_plan { /* what a segment says beyond its rows */
    const struct fl_mark *marks;
    uint32_t mark_count;
    int64_t now_us;
    /* The numbers that it answers for: at least those of its rows. What is missing in between was
     * taken out (an erased person, a damaged block). 0, 0: those of the rows. */
    uint64_t first_seq, last_seq;
    uint16_t version; /* 0: the current one */
    /* Where `blocks` is NULL: makes one at a time, freed before the next, so that one is in memory.
     * It may end before count blocks by giving NULL; FL_E_NOENT when it gave none at all. */
    int (*load)(void *ctx, uint32_t block, struct fl_block **ret, struct fl_err *err);
    void *ctx;
    /* Rows taken out of one segment: load() may give n + 1 and no block for block n of `from`, of
     * the version that is written, whose chunks are then copied under the new key; sums() hands
     * over what is known of all rows. NULL: sums are made of the rows that load() gave. */
    struct fl_segment *from;
    int (*sums)(void *ctx, fl_rollups_put *put, void *put_ctx, struct fl_err *err);
};

/*
 * Write the blocks (at least one, none empty, FL_F_SEQ and FL_F_TIME in every row) as
 * "<file id>.seg" in the folder: new key, .tmp, sync, rename, sync of the folder. id->file_id is
 * chosen here where it is all zeros, and the key comes back.
 */
int fl_segment_write_as(const struct fl_files *fs, int dir, struct fl_keyring *keys,
                        struct fl_segment_id *id, struct fl_block *const *blocks, uint32_t count,
                        const struct fl_segment_plan *plan, uint64_t *ret_bytes,
                        unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err) FL_MUST_CHECK;
/* The same with the numbers of the rows and the current version. */
int fl_segment_write(const struct fl_files *fs, int dir, struct fl_keyring *keys,
                     struct fl_segment_id *id, struct fl_block *const *blocks, uint32_t count,
                     const struct fl_mark *marks, uint32_t mark_count, int64_t now_us,
                     uint64_t *ret_bytes, unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
    FL_MUST_CHECK;

void fl_segment_name(const unsigned char file_id[16], char ret[FL_SEGMENT_NAME_BYTES]);

/* Only the clear header: whose segment is it? */
int fl_segment_identify(const struct fl_files *fs, int dir, const char *name,
                        struct fl_segment_id *ret, struct fl_err *err) FL_MUST_CHECK;

struct fl_segment;
int fl_segment_open(const struct fl_files *fs, int dir, const struct fl_segment_id *id,
                    const unsigned char key[FL_KEY_BYTES], struct fl_segment **ret,
                    struct fl_err *err) FL_MUST_CHECK;
void fl_segment_close(struct fl_segment *seg); /* wipes the key; NULL is allowed */
const struct fl_segment_foot *fl_segment_foot(const struct fl_segment *seg);
uint64_t fl_segment_bytes(const struct fl_segment *seg);

/* The plaintext of a chunk, appended: what is sealed again as it is. */
int fl_segment_plain(struct fl_segment *seg, const struct fl_segment_place *place, uint32_t block,
                     uint32_t column, struct fl_buf *out, struct fl_err *err) FL_MUST_CHECK;
int fl_segment_load(struct fl_segment *seg, uint32_t block, const struct fl_fieldset *fields,
                    struct fl_block **ret, uint64_t *bytes_read, struct fl_err *err) FL_MUST_CHECK;
/* The same, of which only some rows (count of them, rising) will be looked at: values and codes of
 * others may be undefined, and their words missing. */
int fl_segment_load_rows(struct fl_segment *seg, uint32_t block, const struct fl_fieldset *fields,
                         const uint32_t *rows, uint32_t count, struct fl_block **ret,
                         uint64_t *bytes_read, struct fl_err *err) FL_MUST_CHECK;
/* The bloom filters of a block (column.h), borrowed until the next call; FL_E_NOENT: none. */
int fl_segment_blooms(struct fl_segment *seg, uint32_t block, struct fl_span *ret,
                      struct fl_err *err) FL_MUST_CHECK;
/* What is stored; FL_E_NOENT: make it from the finer tier or the columns. */
int fl_segment_rollup(struct fl_segment *seg, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                      struct fl_rollup **ret, uint64_t *bytes_read, struct fl_err *err)
    FL_MUST_CHECK;
int fl_segment_rollup_users(struct fl_segment *seg, enum fl_rollup_dim dim,
                            struct fl_rollup_users **ret, uint64_t *bytes_read, struct fl_err *err)
    FL_MUST_CHECK;

/* The footer of version 2: segment_foot2.c; the cursor stands behind its version. */
void fl_segment_foot2_encode(const struct fl_segment_foot *foot, struct fl_buf *out);
bool fl_segment_foot2_decode(struct fl_cursor *cur, uint64_t file_bytes,
                             struct fl_segment_foot *foot);

/* Shared by writer and reader. */
#define FL_SEGMENT_HEAD_BYTES  64
#define FL_SEGMENT_TRAIL_BYTES 40
#define FL_SEGMENT_AAD_BYTES   42
#define FL_SEGMENT_WHOLE       UINT32_MAX /* "block" of what belongs to the whole segment */
enum {
    FL_SEGMENT_COL_FOOT = 0,
    FL_SEGMENT_COL_BLOOM = 0xfff0,
    FL_SEGMENT_COL_PRESENCE = 0xfff1,
    FL_SEGMENT_COL_SHARED = 0xfff2,
    FL_SEGMENT_COL_ROLLUP = 0x100, /* + 16 * dim + tier */
    FL_SEGMENT_COL_USERS = 0x200   /* + dim */
};
/* All by id->version. */
void fl_segment_aad(const struct fl_segment_id *id, uint32_t block, uint32_t column,
                    unsigned char ret[FL_SEGMENT_AAD_BYTES]);
void fl_segment_nonce(uint64_t counter, unsigned char ret[12]);
void fl_segment_head(const struct fl_segment_id *id, struct fl_buf *out);
void fl_segment_trailer(const struct fl_segment_id *id, uint64_t foot_offset, uint32_t foot_bytes,
                        struct fl_buf *out);

#endif
