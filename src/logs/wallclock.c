#include "logs/wallclock.h"

#define JITTER_US (INT64_C(60) * 1000000) /* that an odd clock may move and still be steady */

void fl_wallclock_init(struct fl_wallclock *c, int64_t wall_us, int64_t mono_us, int64_t newest_us)
{
    *c = (struct fl_wallclock){.wall_us = wall_us, .mono_us = mono_us, .hold_mono_us = mono_us};
    if (newest_us == INT64_MIN)
        return;
    if (wall_us < newest_us - FL_CLOCK_STEP_US)
        c->wall_us = newest_us; /* the first look finds it odd */
    else if (wall_us > newest_us + FL_CLOCK_STEP_US)
        c->hold_mono_us = mono_us + FL_CLOCK_STEADY_US;
}

static void agree(struct fl_wallclock *c, int64_t wall_us, int64_t mono_us)
{
    c->wall_us = wall_us;
    c->mono_us = mono_us;
    c->odd_by_us = 0;
}

int64_t fl_wallclock_now(struct fl_wallclock *c, int64_t wall_us, int64_t mono_us,
                         enum fl_clock_news *news)
{
    int64_t expected_us = c->wall_us + (mono_us - c->mono_us), by_us = wall_us - expected_us;
    bool steady =
        c->odd_by_us != 0 && by_us - c->odd_by_us < JITTER_US && by_us - c->odd_by_us > -JITTER_US;

    *news = FL_CLOCK_QUIET;
    if (by_us <= FL_CLOCK_STEP_US && by_us >= -FL_CLOCK_STEP_US) {
        if (c->odd_by_us != 0)
            *news = FL_CLOCK_BELIEVED; /* it came back by itself */
        agree(c, wall_us, mono_us);
        return wall_us;
    }
    if (!steady) {
        c->odd_by_us = by_us;
        c->odd_mono_us = mono_us;
        *news = FL_CLOCK_ODD;
        return expected_us;
    }
    if (mono_us - c->odd_mono_us < FL_CLOCK_STEADY_US)
        return expected_us;
    agree(c, wall_us, mono_us);
    *news = FL_CLOCK_BELIEVED;
    return wall_us;
}

bool fl_wallclock_is_sure(const struct fl_wallclock *c, int64_t mono_us)
{
    return c->odd_by_us == 0 && mono_us >= c->hold_mono_us;
}
