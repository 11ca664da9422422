/*
 * wallclock.h - what counts as now, where the machine's clock may be wrong: data must not be
 * destroyed, or filed under a day that ends too soon, because somebody set the clock.
 *
 * The wall clock is compared with one that only runs forward. A step of more than a day is odd: for
 * as long as it is, time goes on from where it was. What stays steady for an hour is believed,
 * so that a clock that was wrong and is put right needs nobody. After a start there is nothing to
 * compare with but the newest stored data: a wall clock behind it by more than a day is odd; one
 * ahead of it is taken (the machine may have been off), but nothing is destroyed by it for an hour.
 * Pure; the caller gives both clocks.
 */
#ifndef FL_LOGS_WALLCLOCK_H
#define FL_LOGS_WALLCLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define FL_CLOCK_STEP_US   (INT64_C(86400) * 1000000)
#define FL_CLOCK_STEADY_US (INT64_C(3600) * 1000000)

struct fl_wallclock {
    int64_t wall_us, mono_us; /* when they last agreed */
    int64_t odd_by_us;        /* how far the wall clock is off; 0: it agrees */
    int64_t odd_mono_us;      /* since when by that much */
    int64_t hold_mono_us;     /* until when nothing is destroyed by it */
};

enum fl_clock_news { FL_CLOCK_QUIET, FL_CLOCK_ODD, FL_CLOCK_BELIEVED };

/* newest_us: of the stored data; INT64_MIN: there is none. */
void fl_wallclock_init(struct fl_wallclock *c, int64_t wall_us, int64_t mono_us, int64_t newest_us);
/* What counts as now; *news tells of a change, once. */
int64_t fl_wallclock_now(struct fl_wallclock *c, int64_t wall_us, int64_t mono_us,
                         enum fl_clock_news *news);
/* May data be destroyed because its time is over? Of the state after the last fl_wallclock_now().
 */
bool fl_wallclock_is_sure(const struct fl_wallclock *c, int64_t mono_us);

#endif
