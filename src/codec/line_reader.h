/*
 * line_reader.h - fl_line_parse() with a memory: the same rows, several times as fast.
 *
 * A line of structured Junos data whose like was seen before is read along what was learned then
 * (codec/line_program.h): the names are compared, not looked up, the values are found by the quotes
 * and converted in a form that proves that their text comes back, and the shape is not built but
 * found. Every other line goes through fl_line_parse(), and may be learned from.
 *
 * Memory is bounded (FL_LINE_READER_MAX_BYTES), whatever comes. A sender whose lines are never
 * alike costs little more than fl_line_parse() alone: he runs out of credit for learning, and then
 * out of attempts.
 *
 * One reader serves one thread. Pure like codec/line.h: what was read before changes only
 * shape_no and the time it takes.
 */
#ifndef FL_CODEC_LINE_READER_H
#define FL_CODEC_LINE_READER_H

#include "base/err.h"
#include "codec/event.h"
#include "codec/scan.h"

#define FL_LINE_READER_MAX_BYTES ((size_t)16 << 20)

/* What a reader remembers of one sender; all zero at first, owned by the caller. */
struct fl_line_source {
    int32_t credit;  /* for learning, in 1/32: each hit earns one */
    uint16_t misses; /* attempts that failed; a hit halves them */
    uint16_t skip;   /* lines to go without an attempt */
    uint32_t slow;   /* lines that went through fl_line_parse() */
};

struct fl_line_reader_stats {
    uint64_t lines;
    uint64_t hits;    /* read along a program; the others went through fl_line_parse() */
    uint64_t careful; /* of the hits, those with a value that the quick loops do not know */
    uint64_t skipped; /* not even tried */
    uint64_t programs, variants; /* learned in all */
};

struct fl_line_reader;

/* With the widest form of the inner loops that the machine has. */
int fl_line_reader_new(struct fl_line_reader **ret, struct fl_err *err) FL_MUST_CHECK;
/* With the given one, which the machine must have: FL_E_UNSUPPORTED. For tests and figures. */
int fl_line_reader_new_kind(enum fl_scan_kind kind, struct fl_line_reader **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_line_reader_free(struct fl_line_reader *reader);
void fl_line_reader_freep(struct fl_line_reader **reader);

/*
 * What fl_line_parse() does, to the last field. ev->shape_no is not 0 where the shape is known; the
 * bytes of FL_F_SHAPE then are the reader's and stay until its next call. source may be NULL: then
 * all such calls share one.
 */
void fl_line_read(struct fl_line_reader *reader, struct fl_line_source *source, struct fl_span line,
                  int64_t received_us, struct fl_event *ev, const char **ret_why);

void fl_line_reader_stats(const struct fl_line_reader *reader, struct fl_line_reader_stats *ret);

#endif
