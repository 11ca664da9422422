/*
 * line_head.h - the header of a line as RFC 5424 has it, read quickly; for codec/line_reader.c.
 *
 * Only what is as usual is taken: <PRI>1, single blanks, an ISO time that fl_stamp_format() gives
 * back, and structured data. fl_syslog_head() then finds the same. Everything else is refused.
 */
#ifndef FL_CODEC_LINE_HEAD_H
#define FL_CODEC_LINE_HEAD_H

#include "codec/scan.h"
#include "codec/shape.h"

enum {
    FL_LINE_OFFSET_BIAS = 0x8000, /* of the offset in stamp_sig */
    FL_LINE_HEAD_MIN = 64,        /* bytes of the shortest line that is looked at */
    FL_LINE_STAMPS = 32           /* minutes, with the way they are written, that are remembered */
};

/* A time up to its minute, and the form of what stands behind. */
struct fl_line_stamp {
    unsigned char minute[16]; /* 2026-11-21T20:04 */
    uint64_t zone, zone_care; /* the last eight bytes of the text, as far as they are the zone */
    uint64_t fraction_care;   /* the first digits of eight */
    int64_t base_us;          /* of the minute */
    uint8_t len, digits;      /* of the whole text; 0: the slot is empty */
    unsigned char sig[4];     /* style, digits, offset as fl_shape_stamp() has them */
};

struct fl_line_token {
    uint16_t at, len;
};

struct fl_line_head {
    uint64_t pri;
    int64_t us;
    unsigned char stamp_sig[4];
    struct fl_line_token time;                       /* the PRI ends three bytes before it */
    struct fl_line_token host, program, procid, tag; /* not empty; "-" is absent, but the tag */
};

/* Behind the tag of a header that is taken stand eight bytes or more. line.len is within
 * FL_LINE_HEAD_MIN and FL_SCAN_MAX_BYTES; scan is of this line. */
bool fl_line_head_read(struct fl_line_stamp cache[FL_LINE_STAMPS], struct fl_span line,
                       const struct fl_scan *scan, int64_t received_us, struct fl_line_head *ret);

#endif
