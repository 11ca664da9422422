/*
 * drill_cost.h - what the event of a drill would cost today's network: draws of which of the sites
 * that it hits are down, and for how long, each priced by the joint curve of exposure.h; and the
 * same draws with more in stock.
 *
 * Sites are down independently of each other with the probability of their hit, days by PERT
 * (low, likely, high). The same event, network and seed give the same figures to the bit; more
 * stock is 14 days of demand of each product that loses (at most FL_PLANS_MAX, the worst first).
 */
#ifndef FL_SUPPLY_DRILL_COST_H
#define FL_SUPPLY_DRILL_COST_H

#include "supply/impact.h"
#include "supply/simulate.h"

#define FL_DRILL_STEPS     60u  /* of the curve */
#define FL_DRILL_MORE_DAYS 14.0 /* of demand, on top of what is in stock */

struct fl_drill_curve {
    double mean, any; /* any: share of draws that lose something */
    struct fl_sim_quantile p50, p95;
    double cvar95;
    double above[FL_DRILL_STEPS + 1]; /* share of draws that lose more than step x loss_step */
};

struct fl_drill_cost {
    struct fl_impact impact;
    uint32_t draws;
    double loss_step;
    struct fl_drill_curve today, more;
    uint32_t more_products;
    double more_units; /* of all of them */
};

struct fl_drill_cost_of {
    const struct fl_world_event *event;
    const struct fl_net *net;
    const struct fl_geo_index *index; /* NULL: none */
    struct fl_exposure *x;            /* of net */
    uint64_t seed;
    uint32_t draws;
    const atomic_bool *stop; /* NULL */
    atomic_uint *done;       /* parts of 1,000; NULL */
};

/* In arena. FL_E_TIMEOUT: stopped. */
int fl_drill_cost(const struct fl_drill_cost_of *of, struct fl_arena *arena,
                  struct fl_drill_cost *ret, struct fl_err *err) FL_MUST_CHECK;

extern const char fl_drill_cost_formula[];

#endif
