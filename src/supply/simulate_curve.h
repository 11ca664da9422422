/*
 * simulate_curve.h - what a set of sites costs after t days, kept for every set that has come up.
 *
 * PI_S(t) is piecewise linear in t, and convex between the days on which an alternate starts, so
 * its corners (exposure.h) say all. A site that cannot matter within a set is dropped before the
 * set is looked up: one whose parts all have another source that is up, needs no start and has no
 * limit. Threads share the table without a lock: what two find at the same time is the same to the
 * byte, since a curve is found from nothing each time.
 */
#ifndef FL_SUPPLY_SIMULATE_CURVE_H
#define FL_SUPPLY_SIMULATE_CURVE_H

#include "supply/daily.h"

#define FL_SIM_LEVELS 8u /* of what is left of a capacity */

struct fl_sim_curves; /* the table; shared */
struct fl_sim_finder; /* one for each thread */

int fl_sim_curves_new(const struct fl_net *net, double until_days,
                      const struct fl_daily_rule *daily, struct fl_sim_curves **ret,
                      struct fl_err *err) FL_MUST_CHECK;
void fl_sim_curves_free(struct fl_sim_curves *c);
uint64_t fl_sim_curves_count(const struct fl_sim_curves *c);
uint64_t fl_sim_curves_again(const struct fl_sim_curves *c);
double fl_sim_curves_rate(const struct fl_sim_curves *c); /* all profit of a day */

int fl_sim_finder_new(struct fl_sim_curves *c, struct fl_sim_finder **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_sim_finder_free(struct fl_sim_finder *f);

/* A site that is down, and how much of it is left: site << 4 | eighths. */
static inline uint32_t fl_sim_down(uint32_t site, uint32_t eighths)
{
    return site << 4 | eighths;
}

/* Sorts set, drops what cannot matter, and answers how many stay. */
uint32_t fl_sim_reduce(struct fl_sim_finder *f, uint32_t *set, uint32_t count);
/* PI(to) - PI(from) of a set as fl_sim_reduce left it. */
int fl_sim_cost(struct fl_sim_finder *f, const uint32_t *set, uint32_t count, double from_days,
                double to_days, double *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
