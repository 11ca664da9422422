/*
 * drill_score.h - points of a drill, and why each one was lost.
 *
 * Every answer that is wanted is a slot: an inject that allows minutes, and a participant whom it
 * asks (nobody at all: one slot that nobody can fill). Each area has a weight; its slots share it
 * evenly. What a slot earns is a table of factors times its worth:
 *
 *   in time 1, late (within twice the time) 1/2, very late 1/4, missing at the end 0;
 *   times 1, or 1/2 where the answer was judged weak, 0 where it was judged wrong.
 *
 * What was not out when the drill ended, or still within its time, counts for nothing. Areas
 * without a slot were not tested, and their weight is left out:
 *
 *   points = 100 x sum of earned / sum of the weights of tested areas
 */
#ifndef FL_SUPPLY_DRILL_SCORE_H
#define FL_SUPPLY_DRILL_SCORE_H

#include "base/arena.h"
#include "model/drill.h"

extern const double fl_drill_weights[FL_DRILL_AREAS]; /* together 100 */
extern const char fl_drill_score_formula[];

enum fl_slot_state {
    FL_SLOT_PENDING, /* the inject is not out yet */
    FL_SLOT_OPEN,    /* waits, within its time */
    FL_SLOT_OVERDUE, /* waits, beyond it */
    FL_SLOT_IN_TIME,
    FL_SLOT_LATE,
    FL_SLOT_VERY_LATE,
    FL_SLOT_MISSING,
    FL_SLOT_VOID, /* the drill ended before */
    FL_SLOT_STATES
};
extern const char *const fl_slot_states[FL_SLOT_STATES]; /* "pending", ... */

#define FL_SLOT_NOBODY UINT32_MAX

struct fl_score_slot {
    uint32_t inject, person, answer; /* indexes; FL_SLOT_NOBODY */
    enum fl_slot_state state;
    int64_t after_us;           /* answered, or waited so far, after the inject came out */
    double worth, earned, lost; /* what is still to be had is the rest */
};

struct fl_score_area {
    double weight, earned, lost;
    uint32_t slots; /* that count */
};

struct fl_score {
    struct fl_score_area area[FL_DRILL_AREAS];
    struct fl_score_slot *slots; /* by inject, then person */
    uint32_t slot_count;
    double tested, earned, lost; /* weights, points of them */
    double points;               /* of 100, what is not decided not earned; NAN: nothing tested */
    double so_far;               /* of 100, over what is decided; NAN: nothing is */
};

struct fl_score_of {
    const struct fl_drill *drill;
    const struct fl_drill_inject *injects;
    const struct fl_drill_person *persons;
    const struct fl_drill_answer *answers;
    uint32_t inject_count, person_count, answer_count;
    int64_t now_us;
};

/* In arena. */
int fl_drill_score(const struct fl_score_of *of, struct fl_arena *arena, struct fl_score *ret,
                   struct fl_err *err) FL_MUST_CHECK;

/* Why the slot lost what it lost, as a sentence; "" where it lost nothing. */
#define FL_SCORE_REASON_MAX 700u
void fl_drill_score_reason(const struct fl_score_of *of, const struct fl_score_slot *slot,
                           char ret[FL_SCORE_REASON_MAX]);

#endif
