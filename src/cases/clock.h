/*
 * clock.h - clocks that nobody can move: when something is due, by steps that are only added.
 *
 * A clock is its steps. The first says when it began and how much time is allowed; that one stays
 * as it is. What is due changes by a named rule alone, each with actor, reason and time:
 *
 *   redate   it counts from another moment than was known (the first start stays beside it)
 *   pause    it stands still from then on; resume: it goes on, due so much later
 *   extend   more time, as often and as much as the kind allows
 *   stop     what it waited for has happened: kept or missed is settled for good
 *
 * due = (start + months + span) + extensions + pauses that are over. Calendar hours, UTC: a day is
 * 24 hours, weekends count; months are civil ones (31 January + 1 month is the last of February).
 * Time never runs backward: a step is not before the one before it. Pure: no clock, no I/O.
 */
#ifndef FL_CASES_CLOCK_H
#define FL_CASES_CLOCK_H

#include "model/case_row.h"

struct fl_clock_kind {
    const char *name;    /* "answer" */
    const char *about;   /* what it waits for, for people */
    int64_t span_us;     /* preset */
    int64_t span_max_us; /* a start may allow so much; 0: the preset alone */
    unsigned months;     /* added before the span */
    unsigned people;     /* bits 1 << enum fl_clock_rule that a person may apply */
    unsigned system;     /* ... the program by itself */
    unsigned extends_max;
    int64_t extend_max_us; /* together */
    bool late;             /* may be extended when it is due already */
};

enum fl_clock_by { FL_CLOCK_BY_PERSON, FL_CLOCK_BY_SYSTEM };

/*
 * Apply a step: *clock as it is then. The first step of a clock that is all zeros is a start.
 * FL_E_DENIED: the kind, or who asks, does not allow this rule. FL_E_INVAL: it makes no sense now,
 * or the reason is missing. Nothing is written on failure.
 */
int fl_clock_apply(const struct fl_clock_kind *kind, struct fl_clock *clock, enum fl_clock_by by,
                   const struct fl_clock_step *step, struct fl_err *err) FL_MUST_CHECK;

enum fl_clock_state {
    FL_CLOCK_RUNS,
    FL_CLOCK_PAUSED,
    FL_CLOCK_LATE,
    FL_CLOCK_KEPT,
    FL_CLOCK_MISSED
};
extern const char *const fl_clock_states[]; /* "runs", ... */
enum fl_clock_state fl_clock_state(const struct fl_clock *clock, int64_t now_us);
/* When it is due, were it to go on from now: later by the pause that lasts. */
int64_t fl_clock_due(const struct fl_clock *clock, int64_t now_us);
/* Time left (negative: over); of a clock that was stopped, what was left then. */
int64_t fl_clock_left(const struct fl_clock *clock, int64_t now_us);

/* A moment so many civil months later; the day is at most the month's last. */
int64_t fl_clock_months(int64_t at_us, unsigned months);

#endif
