/*
 * daily.h - the same outage day by day: orders, stock, lead times, capacity, allocation. The upper
 * side of what exposure.h bounds from below.
 *
 * Each day, for each pool of a part, what its users want is asked for (and what is missing from its
 * stock, over refill_days), the sources that deliver today make it as far as their inputs, their
 * site's capacity and their own rate allow, and what there is, is shared out. A source delivers at
 * its normal rate (today's split of normal demand); more than that was ordered a lead time earlier;
 * one that was down, or starts as an alternate, delivers a lead time after it is back. Goods count
 * as made on the day they arrive. Demand that is not met is lost. Where products have an order,
 * what the first will need of a part until it is no longer short is kept for them.
 *
 * On any case the sold units of the outage's days are a point of the program of exposure.h, and
 * what is lost later comes on top: so the loss is never below PI of it (held by a test).
 */
#ifndef FL_SUPPLY_DAILY_H
#define FL_SUPPLY_DAILY_H

#include "supply/exposure.h"

#define FL_DAILY_DAYS_MAX 4000u

enum fl_daily_allocation {
    FL_ALLOCATE_EVEN,   /* all users the same share of what they want */
    FL_ALLOCATE_PROFIT, /* first the product with the most profit per unit */
    FL_ALLOCATE_LIST /* first the products of the list, in its order; then the others by profit */
};

struct fl_daily_rule {
    enum fl_daily_allocation allocation;
    const uint32_t *first; /* products */
    uint32_t first_count;
    double refill_days; /* stock that is missing is made up in so many days; 0: 10 */
    bool no_lead;       /* lead times are 0: what lead times cost is the difference */
};

struct fl_daily_product {
    double lost_units, lost_profit, lost_revenue;
    double first_day; /* of a shortage; INFINITY: none */
};

struct fl_daily {
    uint32_t days; /* simulated: the outage, then until all is as before */
    double lost_profit, lost_units, lost_revenue;
    double first_day;
    double *profit_by_day;             /* lost; days of them */
    struct fl_daily_product *products; /* one for each of the net's */
};

/* All outages begin on day 0; days as in exposure.h (days > 0 replaces each one's own). In arena.
 */
int fl_daily_run(const struct fl_net *net, const struct fl_outage *outages, size_t count,
                 double days, const struct fl_daily_rule *rule, struct fl_arena *arena,
                 struct fl_daily *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
