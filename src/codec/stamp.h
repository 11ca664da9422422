/*
 * stamp.h - the time stamps that devices write, and how each was spelled.
 *
 * A stamp is its instant (UTC microseconds) and its style; style and instant give back the text.
 * A text without a zone counts as UTC. A text without a year gets the one that brings it nearest to
 * the time of receipt.
 */
#ifndef FL_CODEC_STAMP_H
#define FL_CODEC_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* These characters are part of the stored format (codec/shape.h): append only. */
enum fl_stamp_style {
    FL_STAMP_Z = 'Z',      /* 2026-11-21T20:04:31Z */
    FL_STAMP_OFFSET = 'o', /* 2026-11-21T20:04:31+05:30 */
    FL_STAMP_PACKED = 'p', /* 2026-11-21T20:04:31+0530 */
    FL_STAMP_SHORT = 'h',  /* 2026-11-21T20:04:31+5:30 */
    FL_STAMP_BARE = 'n',   /* 2026-11-21T20:04:31 */
    FL_STAMP_SPACE = 's',  /* 2026-11-21 20:04:31 */
    FL_STAMP_BSD = 'b',    /* Nov  1 20:04:31 (RFC 3164) */
    FL_STAMP_BSD_ZERO =
        'B',             /* Nov 01 20:04:31; from the tenth on the same as above, and named so */
    FL_STAMP_YEAR = 'y', /* Nov  1 2026 20:04:31 */
    FL_STAMP_LAST_YEAR = 'Y', /* Nov  1 20:04:31 2026 */
    FL_STAMP_MS = 'm',        /* 1795291471000: milliseconds since 1970 */
    FL_STAMP_S = 'e'          /* 1795291471: seconds since 1970 */
};

struct fl_stamp {
    enum fl_stamp_style style;
    unsigned digits; /* of the fraction, 0..6 */
    int offset_min;  /* east of UTC, for the three styles that say it; -1439..1439 */
    bool exact;      /* fl_stamp_format() gives back the text: no seventh digit, no -00:00, ... */
    bool year_guessed;
};

/*
 * Read a stamp at the front of text; *ret_len is how much of it. Styles MS and S are not tried
 * here. False when there is none.
 */
bool fl_stamp_parse(struct fl_span text, int64_t received_us, struct fl_stamp *ret, int64_t *ret_us,
                    size_t *ret_len);

#define FL_STAMP_TEXT_BYTES 64
/* Writes no NUL; returns the length. The year is kept within 0..9999. */
size_t fl_stamp_format(int64_t us, const struct fl_stamp *stamp, char text[FL_STAMP_TEXT_BYTES]);

#endif
