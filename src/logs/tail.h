/*
 * tail.h - a live tail that waits without a thread: a question, a cursor, and the text that was not
 * taken yet.
 *
 * Whoever owns tails gives each a look over an fl_newest of its tenant when rows have come, with as
 * much room as its reader has; what found no room stays in the store until the next look. So each
 * row goes out once and in order, and a reader that is slow costs nothing. One thread at a time.
 */
#ifndef FL_LOGS_TAIL_H
#define FL_LOGS_TAIL_H

#include "logs/query.h"

struct fl_tail;
struct fl_newest;

/* q (kind FL_Q_TAIL) is borrowed for as long as the tail lives. Without a cursor it begins behind
 * the newest row. FL_E_INVAL, FL_E_DENIED with a text for the user. */
int fl_tail_open(struct fl_store *store, const struct fl_query *q, struct fl_tail **ret,
                 struct fl_err *err) FL_MUST_CHECK;
void fl_tail_close(struct fl_tail *tail); /* NULL is allowed */

bool fl_tail_has(const struct fl_tail *tail); /* rows behind the cursor */
/* Add rows to the text until it is room_bytes long or none is left; the last row may go beyond. 1:
 * there are more. Nothing is added while text of an earlier look waits. */
int fl_tail_look(struct fl_tail *tail, struct fl_newest *newest, size_t room_bytes,
                 struct fl_err *err) FL_MUST_CHECK;
/* The reader took nothing for so long: rows of that time are not over the limit per second. */
void fl_tail_excuse(struct fl_tail *tail, int64_t us);
/* Monotonic: when an idle tail is to tell where it is; fl_tail_beat() does so if it is time. */
int64_t fl_tail_beat_us(const struct fl_tail *tail);
void fl_tail_beat(struct fl_tail *tail);

struct fl_span fl_tail_text(const struct fl_tail *tail);
void fl_tail_took(struct fl_tail *tail, size_t bytes);
/* Figures so far; the cursor is behind the last row of which all was taken, or before it. */
void fl_tail_end(const struct fl_tail *tail, struct fl_query_end *ret);

#endif
