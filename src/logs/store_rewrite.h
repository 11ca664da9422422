/*
 * store_rewrite.h - sealed segments of one day replaced by new ones: for merging, for erasing a
 * person, for another version of the format, for leaving damaged blocks behind. Inside the store;
 * the caller holds `maint` during each call, and may let go of it between them.
 *
 * Crash safety: before a new segment gets its name, "<new id>.swap" beside it lists the ids of the
 * segments it replaces (FORMAT.md section 4a). A start that finds it goes forward where the new
 * segment opens (the old ones do not count any more, and are retired), and back where it does not.
 * Queries that hold the old segments go on until those are retired, then count as partial.
 *
 * What the new segment answers for (first and last sequence number, marks) is what the old ones
 * answered for together, whatever rows went: so the log is not replayed over it, and numbers are
 * not given again. When no row is left there is no new segment, and a log that still holds the rows
 * would bring them back: whoever takes rows away has the tenant's WAL streams destroyed as well.
 */
#ifndef FL_LOGS_STORE_REWRITE_H
#define FL_LOGS_STORE_REWRITE_H

#include "logs/store_int.h"

/* Segments that were replaced, and whose keys and bytes are to go. */
struct fl_retired {
    struct fl_retired_seg {
        uint32_t tenant;
        int32_t day;
        unsigned char file_id[FL_FILE_ID_BYTES]; /* the old one */
        unsigned char by[FL_FILE_ID_BYTES];      /* the new one; zeros: no row was left */
        unsigned char swap[FL_FILE_ID_BYTES];    /* names the .swap file */
        char slug[64];
        uint64_t bytes;
        struct fl_store_seg *seg; /* what queries may still hold; NULL: of an earlier run */
    } * seg;
    size_t count, cap;
};
/* Room for so many more. */
int fl_retired_reserve(struct fl_retired *r, size_t more, struct fl_err *err) FL_MUST_CHECK;
void fl_retired_done(struct fl_retired *r); /* forgets them: a start finds the .swap files */

struct fl_rewrite {
    struct fl_store_tenant *tenant;
    struct fl_store_day *day;
    struct fl_store_seg *const *old; /* neighbours in day->segs, ascending */
    uint32_t old_count;              /* 1..FL_REWRITE_MAX */
    uint16_t version;                /* of the segment to write; 0: the current one */
    /* Clear in keep (a bitmap of the block's rows, lowest bit first, all set) the rows that go;
     * all columns are loaded. NULL: all stay. A negative fl_code ends the rewrite. */
    int (*keep)(void *ctx, const struct fl_block *block, uint8_t *keep, struct fl_err *err);
    /* A block that does not open (FL_E_CORRUPT, FL_E_IO) is left behind where this is set and gives
     * 0; NULL: the rewrite fails. block FL_SEGMENT_WHOLE: nothing of old[seg] opens. */
    int (*lost)(void *ctx, uint32_t seg, uint32_t block, uint32_t rows, const struct fl_err *why);
    /*
     * NULL, or with one old segment: clear in keep (as above) the rows of a block that go, told
     * without reading it. A block whose rows all stay is copied as it is; of the others `keep` is
     * asked with those bits clear already. Sums are those of the old segment less the rows. Worth
     * it where few rows go; what does not come out so is written as without it.
     */
    void (*known)(void *ctx, uint32_t block, uint32_t rows, uint8_t *keep);
    void *ctx;
};
#define FL_REWRITE_MAX 1024u

struct fl_rewrite_result {
    uint64_t rows_in, rows_out, rows_lost, bytes_in, bytes_out; /* rows_in without the lost ones */
    uint32_t blocks_in, blocks_out, lost_blocks;
};

/*
 * Write what stays, synced, and let it take the place of the old segments for every query that
 * begins from now on. Nothing is destroyed yet: the old ones are appended to retired. On failure
 * nothing has changed. Three blocks are in memory at a time, however large the segments are; at
 * most 4,096 blocks in all.
 */
int fl_store_rewrite(struct fl_store *s, const struct fl_rewrite *rw, struct fl_retired *retired,
                     struct fl_rewrite_result *ret, struct fl_err *err) FL_MUST_CHECK;

/*
 * Destroy the keys of all of them, a tenant's in one epoch (4096 at a time), then unlink bytes and
 * .swap files. ret sums up: keys of all, the rest of the last destruction. What fails is finished
 * by later ticks. retired is empty afterwards.
 */
int fl_store_retire(struct fl_store *s, struct fl_retired *retired, const char *why,
                    struct fl_destroyed *ret, struct fl_err *err) FL_MUST_CHECK;

/* The same in the background, when no query holds them any more, or after a minute. */
int fl_store_retire_later(struct fl_store *s, struct fl_retired *retired, struct fl_err *err)
    FL_MUST_CHECK;
int fl_store_retire_due(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK; /* of a tick */
/* A file of a write that failed could not be taken away, and its key lives: both go later. Else it
 * would count at the next start, with rows that may have been erased since. */
void fl_store_stray(struct fl_store *s, const struct fl_segment_id *id, const char *slug);

/* Start: read the .swap files of a day's folder, before its segments are taken; what is to be
 * retired waits for ticks. */
int fl_store_swaps(struct fl_store *s, int dir, const char *slug, int32_t day, struct fl_err *err)
    FL_MUST_CHECK;
/* Was this segment replaced? */
bool fl_store_is_retired(const struct fl_store *s, const unsigned char file_id[FL_FILE_ID_BYTES]);

#endif
