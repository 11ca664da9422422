/*
 * scan.h - which rows of a block a filter finds, as a bitmap; and which blocks need no look at all.
 *
 * A condition on text is decided once per word of the dictionary, not per row; one on numbers runs
 * over the vector. Zone maps and blooms of the part leave blocks out before anything is decoded.
 */
#ifndef FL_LOGS_SCAN_H
#define FL_LOGS_SCAN_H

#include "codec/filter.h"
#include "logs/part.h"

#define FL_SCAN_WORDS (FL_BLOCK_MAX_ROWS / 64)

struct fl_scan {                    /* of one thread; reused from block to block */
    const struct fl_filter *filter; /* borrowed; NULL finds all */
    int64_t from_us, to_us;         /* event time, half open */
    struct fl_fieldset fields;      /* that the filter looks at */
    uint64_t *bits;                 /* levels bitmaps of FL_SCAN_WORDS; the first is the result */
    unsigned levels;
    unsigned char *hit; /* one byte per word of a dictionary */
    size_t hit_cap;
    bool all; /* the latest evaluation found every row */
};

int fl_scan_init(struct fl_scan *scan, const struct fl_filter *filter, int64_t from_us,
                 int64_t to_us, struct fl_err *err) FL_MUST_CHECK;
void fl_scan_done(struct fl_scan *scan);

enum fl_scan_time { FL_SCAN_OUTSIDE, FL_SCAN_PARTLY, FL_SCAN_INSIDE };

/* Does the block lie in [from_us, to_us)? PARTLY where no zone map says so. */
enum fl_scan_time fl_scan_time(const struct fl_scan *scan, const struct fl_part *part,
                               uint32_t block);
/* false: no row of the block can meet the filter. */
bool fl_scan_may(const struct fl_scan *scan, const struct fl_part *part, uint32_t block);

/*
 * Evaluate over a block that has the filter's fields loaded, and FL_F_TIME where check_time is set.
 * scan->bits holds the rows found (bits from block->rows on are 0); *ret_count says how many.
 */
int fl_scan_eval(struct fl_scan *scan, const struct fl_block *block, bool check_time,
                 uint32_t *ret_count, struct fl_err *err) FL_MUST_CHECK;

#endif
