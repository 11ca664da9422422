/*
 * plan.h - what one can do before or during an event, and what it is worth: each plan is a change
 * of the network, simulated under the same draws as the network without it, so that the difference
 * of each single year or event is that plan's, not chance's.
 *
 *   avoided = loss without - loss with, in each trial; its mean, P10 and P90
 *   per money = mean avoided / cost
 *   overlap of a set = sum of what its plans avoid alone - what they avoid together
 *
 * Allocation changes nothing in the program, which shares out perfectly anyway; where a plan of
 * that kind is among them, all are compared day by day (daily.h), and the result says so.
 */
#ifndef FL_SUPPLY_PLAN_H
#define FL_SUPPLY_PLAN_H

#include "supply/simulate.h"

#define FL_PLANS_MAX 24u /* plans and sets together */

enum fl_plan_kind {
    FL_PLAN_BUFFER,        /* units of item (a part or a product) more in stock */
    FL_PLAN_SECOND_SOURCE, /* item (a part) qualified at site, delivers after days */
    FL_PLAN_ALTERNATE,     /* to takes over from site after days */
    FL_PLAN_LAST_TIME_BUY, /* as a buffer; the part is bought out */
    FL_PLAN_ALLOCATION     /* the products of `first` are served first, in this order */
};
const char *fl_plan_kind_name(enum fl_plan_kind kind); /* "second_source" */
int fl_plan_kind_find(struct fl_span name);            /* -1: there is none */

struct fl_plan {
    const char *id, *name;
    enum fl_plan_kind kind;
    const char *item, *site, *to; /* ids; NULL where the kind has none */
    double units, days;
    const char *const *first; /* ids of products */
    uint32_t first_count;
    double cost; /* in the base currency; NAN: of a buffer units times the part's unit cost, else
                    not known */
};

/* The network with these plans carried out; numbers of sites, items and products stay. *ret_rule:
 * how goods are shared out then (first in arena). FL_E_INVAL names the plan and what it lacks. */
int fl_plan_apply(const struct fl_net *net, const struct fl_plan *const *plans, uint32_t count,
                  struct fl_arena *arena, struct fl_net **ret, struct fl_daily_rule *ret_rule,
                  struct fl_err *err) FL_MUST_CHECK;
/* NAN: not known. */
double fl_plan_cost(const struct fl_net *net, const struct fl_plan *plan);

struct fl_plan_set { /* of plans that are carried out together */
    const char *id;
    uint32_t plans[FL_PLANS_MAX];
    uint32_t count;
};

struct fl_compare_spec {
    struct fl_sim_spec sim; /* net, seed, years; daily: NULL unless wanted. Sources: where there are
                               none, they come from rates over each network */
    const struct fl_event_rate *rates;
    uint32_t rate_count;
    const struct fl_plan *plans;
    uint32_t plan_count;
    const struct fl_plan_set *sets;
    uint32_t set_count;
};

struct fl_compare;

/* What spec points to outlives it. */
int fl_compare_new(const struct fl_compare_spec *spec, struct fl_compare **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_compare_free(struct fl_compare *c);
/* As fl_sim_run: any number of threads. */
int fl_compare_run(struct fl_compare *c, const atomic_bool *stop, struct fl_err *err) FL_MUST_CHECK;
double fl_compare_progress(const struct fl_compare *c);
/* The simulation without any plan. */
const struct fl_sim *fl_compare_base(const struct fl_compare *c);
bool fl_compare_daily(const struct fl_compare *c);

struct fl_plan_result {
    const char *id;
    bool set;
    double cost;               /* NAN: not known */
    double loss;               /* mean that stays */
    double avoided, low, high; /* mean, with its 0.95 limits */
    double p10, p90;           /* of the difference in one trial */
    double per_money;          /* NAN where the cost is not known or 0 */
    double overlap;            /* of sets; else 0 */
};
/* Plans, then sets, in their order. In arena. */
int fl_compare_result(const struct fl_compare *c, struct fl_arena *arena,
                      struct fl_plan_result **ret, uint32_t *ret_count, struct fl_err *err)
    FL_MUST_CHECK;

#endif
