/*
 * web_events.h - inside web: server-sent events on their way to a reader that may be slow. Pure.
 *
 * core's pieces are cut into whole events (WHATWG HTML, 9.2.6: a blank line ends one). While more
 * than FL_WEB_EVENTS_MAX waits for the reader, events are dropped and counted; when half of it has
 * been taken, an event `dropped` with {"events":N} tells how many are missing. Nothing is ever cut
 * within an event.
 */
#ifndef FL_FAIRLEADD_WEB_EVENTS_H
#define FL_FAIRLEADD_WEB_EVENTS_H

#include "base/buf.h"

#define FL_WEB_EVENTS_MAX ((size_t)256 * 1024) /* bytes that may wait for one reader */
#define FL_WEB_EVENT_MAX  ((size_t)160 * 1024) /* bytes of one event */

struct fl_web_events {
    struct fl_buf part; /* of an event whose end has not come */
    bool skipping;      /* the rest of an event that was over FL_WEB_EVENT_MAX */
    unsigned char last; /* byte before, while skipping */
    uint64_t dropped;   /* that the reader was not told of */
    uint64_t dropped_all, sent_all;
};

void fl_web_events_init(struct fl_web_events *e);
void fl_web_events_done(struct fl_web_events *e);

/* Take a piece; what may go to the reader is appended to out. queued: bytes that wait already. */
void fl_web_events_take(struct fl_web_events *e, struct fl_span piece, size_t queued,
                        struct fl_buf *out);
/* The reader took something: say what is missing, when there is room again. */
void fl_web_events_tell(struct fl_web_events *e, size_t queued, struct fl_buf *out);

#endif
