/*
 * store_turn.h - who may compute now: a few turns over the questions of all tenants.
 *
 * A question computes while it has a turn, and looks after each block whether somebody else is due.
 * Due is the tenant that has had the least processor time lately (halved every second), within a
 * tenant the question that waits longest: so a long export of one tenant costs another's short
 * question some milliseconds, not its whole length. A question that waits for its reader gives its
 * turn away. Any thread.
 */
#ifndef FL_FAIRLEADD_STORE_TURN_H
#define FL_FAIRLEADD_STORE_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct fl_turns; /* of one pool */

struct fl_turn { /* of one question; zeroed before the first use */
    uint32_t tenant;
    bool has;
    int64_t cpu_us;       /* of its thread when time was last counted */
    int64_t since_us;     /* the same when it got the turn */
    struct fl_turn *next; /* among those that wait */
};

int fl_turns_new(unsigned count, struct fl_turns **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_turns_free(struct fl_turns *turns); /* nobody has or waits for one; NULL is allowed */

/* Wait for a turn; nothing is done when it has one. */
void fl_turn_take(struct fl_turns *turns, struct fl_turn *turn);
/* Between two pieces of work: lets others go first where they are due. */
void fl_turn_look(struct fl_turns *turns, struct fl_turn *turn);
void fl_turn_give(struct fl_turns *turns, struct fl_turn *turn);

/* The calling thread stands behind those that receive: its nice value rises. False: not allowed. */
bool fl_turn_behind(void);

#endif
