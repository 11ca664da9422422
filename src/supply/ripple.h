/*
 * ripple.h - how far an outage spreads: which products it reaches and which it stops, how many
 * steps of the bills of material away, how soon, and what share of the business that is.
 *
 * Reached is a product that takes something, through any number of parts, from what is down;
 * stopped is one that loses units within the days (exposure.h).
 */
#ifndef FL_SUPPLY_RIPPLE_H
#define FL_SUPPLY_RIPPLE_H

#include "supply/exposure.h"

struct fl_ripple_step { /* so many steps away from what is down */
    uint32_t items;     /* parts and products reached at this distance, by the longest way */
    uint32_t products;  /* of which products */
};

struct fl_ripple {
    uint32_t reached, stopped; /* products */
    double reached_share;      /* of all products that are in demand */
    double stopped_share;
    double revenue_share; /* of the revenue of a day, of those that are stopped */
    double profit_share;
    uint32_t depth;               /* steps from what is down to the farthest product stopped */
    double first_days;            /* until the first product stops; INFINITY: none does */
    uint32_t first;               /* that product; FL_NET_NONE */
    double all_days;              /* until all that are stopped have stopped; INFINITY: none is */
    struct fl_ripple_step *steps; /* from 0: the parts that are made where it is down */
    uint32_t step_count;
};

/* days as in exposure.h. In arena. */
int fl_ripple(struct fl_exposure *x, const struct fl_net *net, const struct fl_outage *outages,
              size_t count, double days, struct fl_arena *arena, struct fl_ripple *ret,
              struct fl_err *err) FL_MUST_CHECK;

#endif
