/*
 * vigil.h - which alarms stand: conditions that hold now against alarms that were raised.
 *
 * Every few seconds the program begins a round, says each condition that holds, and ends it:
 *
 *   fl_vigil_begin(now) -> fl_vigil_say() ... -> fl_vigil_end(kinds)
 *
 * A condition raises its alarm once it has held for the kind's time, and clears it once it has been
 * gone for the kind's other time (model/alarm.h); a greater severity counts at once, a lesser one
 * only after that time. Kinds that could not be looked at in this round are left as they are. What
 * changes is told through ops, which write it down; what cannot be written is told again in the
 * next round. Pure: no clock, no I/O. One thread.
 */
#ifndef FL_CASES_VIGIL_H
#define FL_CASES_VIGIL_H

#include "model/alarm.h"

#define FL_VIGIL_MAX 20000u
#define FL_VIGIL_LAST_US                                                                           \
    (INT64_C(60) * 1000000) /* between two notes of an alarm's last sighting                       \
                             */

struct fl_vigil;

/* Each gives 0, or a negative code: then it is tried again. */
struct fl_vigil_ops {
    int (*raise)(void *ctx, const struct fl_fact *fact, int64_t now_us, uint32_t *ret_id);
    /* Title, severity or last sighting; worse or better when severity differs. */
    int (*change)(void *ctx, uint32_t id, const struct fl_fact *fact, enum fl_severity before,
                  int64_t now_us);
    int (*clear)(void *ctx, uint32_t id, const struct fl_fact *fact, int64_t now_us);
};

int fl_vigil_new(const struct fl_vigil_ops *ops, void *ctx, struct fl_vigil **ret,
                 struct fl_err *err) FL_MUST_CHECK;
void fl_vigil_free(struct fl_vigil *vigil); /* NULL is allowed */

/* An alarm that stands, from before this program began. FL_E_LIMIT, FL_E_NOMEM. */
int fl_vigil_load(struct fl_vigil *vigil, const struct fl_alarm *alarm, int64_t now_us,
                  struct fl_err *err) FL_MUST_CHECK;

void fl_vigil_begin(struct fl_vigil *vigil, int64_t now_us);
/* Beyond FL_VIGIL_MAX conditions the rest is counted (fl_vigil_skipped). */
void fl_vigil_say(struct fl_vigil *vigil, const struct fl_fact *fact);
/* kinds: bits 1 << enum fl_alarm_kind that this round looked at. */
void fl_vigil_end(struct fl_vigil *vigil, unsigned kinds);
uint64_t fl_vigil_skipped(const struct fl_vigil *vigil);

#endif
