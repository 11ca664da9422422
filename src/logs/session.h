/*
 * session.h - what a row adds: from cumulative counters of sessions to FL_F_BYTES, BYTES_UP,
 * BYTES_DOWN, PACKETS, SECONDS and SESSIONS.
 *
 * Pure: state and a row in, derived columns and flags out; the same rows in the same order give the
 * same result. A session is known by device and session number; its five-tuple tells a reused
 * number apart. The state is bounded: beyond `max` sessions those that closed longest ago, then
 * those not heard of for longest are forgotten and counted.
 *
 *   row                                    | known as         | adds                | row flag
 *   FL_ROW_FAR_END                         | any              | nothing, not looked at
 *   created                                | any              | nothing; baseline 0 |
 *   updated                                | open             | the difference      |
 *   updated, a counter is smaller          | open             | nothing             | COPY
 *   updated                                | not              | nothing; baseline   | NO_BASELINE
 *   updated, within 120 s or not larger    | closed           | nothing             | COPY
 *   closed                                 | open             | the difference, 1   |
 *   closed, its time is shorter            | open             | its counters, 1     |
 *   closed                                 | not              | its counters, 1     |
 *   closed, within 120 s of the close      | closed           | nothing             | COPY
 *   closed, later                          | closed           | its counters, 1     |
 *   permitted, with counters               | not              | its counters, 1     |
 *   permitted, with counters               | open             | the difference      | (COPY:
 * smaller) any other action, no session number    | -                | its counters        |
 *
 * Times here are the device's. "not" includes a known one with another five-tuple. "created",
 * "updated", "closed" and "permitted" are FL_F_ACTION; permitted rows with counters are what other
 * makers write at the end of a session or now and then while it lasts.
 */
#ifndef FL_LOGS_SESSION_H
#define FL_LOGS_SESSION_H

#include "base/buf.h"
#include "codec/event.h"

#define FL_SESSIONS_MAX 200000u

struct fl_sessions;

int fl_sessions_new(uint32_t max, struct fl_sessions **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_sessions_free(struct fl_sessions *s); /* NULL is allowed */
void fl_sessions_clear(struct fl_sessions *s);

/*
 * Derive the columns of one row; what it carries of them from outside is dropped first. accepted_us
 * orders what is forgotten. Without memory for a new session the row counts as described and the
 * session is not remembered.
 */
void fl_sessions_row(struct fl_sessions *s, struct fl_event *ev, int64_t accepted_us);

struct fl_sessions_stats {
    uint32_t open, closed;
    uint64_t no_baseline, copies, evicted;
    uint64_t changes; /* of the state, so that a snapshot can be left out */
};
void fl_sessions_stats(const struct fl_sessions *s, struct fl_sessions_stats *ret);

/* FORMAT.md section 6. Loading takes any bytes and replaces the state; FL_E_CORRUPT leaves it
 * empty. */
void fl_sessions_save(const struct fl_sessions *s, struct fl_buf *out);
int fl_sessions_load(struct fl_sessions *s, struct fl_span bytes, struct fl_err *err) FL_MUST_CHECK;

#endif
