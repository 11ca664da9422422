/*
 * marks.h - which deliveries were taken: the highest number of each source, the latest 256 sources.
 *
 * A source is a ring (io/ring.h) that numbers its entries without gaps and is read in order, so one
 * number says it all.
 */
#ifndef FL_LOGS_MARKS_H
#define FL_LOGS_MARKS_H

#include "logs/segment.h"

struct fl_marks {
    struct fl_mark mark[FL_MARKS_MAX]; /* least recently raised first */
    uint32_t count;
};

/* 0 when the source is not known. */
uint64_t fl_marks_get(const struct fl_marks *m, const unsigned char source[16]);
void fl_marks_raise(struct fl_marks *m, const unsigned char source[16], uint64_t number);
void fl_marks_merge(struct fl_marks *m, const struct fl_mark *marks, uint32_t count);

#endif
