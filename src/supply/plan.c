#include "supply/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct variant { /* a network, with none, one or several plans */
    struct fl_net *net;
    struct fl_sim *sim;
    struct fl_daily_rule rule;
};

struct fl_compare {
    struct fl_compare_spec spec;
    struct fl_arena arena;                    /* sources, rules */
    struct variant variant[FL_PLANS_MAX + 1]; /* the first is without any plan */
    uint32_t count;
    bool daily;
};

static int sources(struct fl_compare *c, struct fl_sim_spec *sim, struct fl_err *err)
{
    struct fl_sim_source *list;
    int r;

    if (c->spec.sim.source_count > 0)
        return FL_OK;
    r = fl_sim_sources(sim->net, c->spec.rates, c->spec.rate_count, &c->arena, &list,
                       &sim->source_count, err);
    if (r == FL_OK)
        sim->sources = list;
    return r;
}

static int add(struct fl_compare *c, const struct fl_plan *const *plans, uint32_t count,
               struct fl_err *err)
{
    struct variant *v = &c->variant[c->count];
    struct fl_sim_spec sim = c->spec.sim;
    int r = FL_OK;

    if (sim.daily != NULL)
        v->rule = *sim.daily;
    if (count == 0)
        v->net = fl_net_ref(sim.net);
    else
        r = fl_plan_apply(c->spec.sim.net, plans, count, &c->arena, &v->net, &v->rule, err);
    if (r < 0)
        return r;
    c->count++;
    sim.net = v->net;
    sim.daily = c->daily ? &v->rule : NULL;
    r = sources(c, &sim, err);
    return r < 0 ? r : fl_sim_new(&sim, &v->sim, err);
}

static int add_all(struct fl_compare *c, struct fl_err *err)
{
    const struct fl_plan *some[FL_PLANS_MAX];
    int r = add(c, NULL, 0, err);

    for (uint32_t i = 0; i < c->spec.plan_count && r == FL_OK; i++) {
        some[0] = &c->spec.plans[i];
        r = add(c, some, 1, err);
    }
    for (uint32_t i = 0; i < c->spec.set_count && r == FL_OK; i++) {
        const struct fl_plan_set *set = &c->spec.sets[i];

        for (uint32_t k = 0; k < set->count; k++) {
            if (k >= FL_PLANS_MAX || set->plans[k] >= c->spec.plan_count)
                return fl_err_set(err, FL_E_INVAL, "set '%s' names a plan that is not there",
                                  set->id);
            some[k] = &c->spec.plans[set->plans[k]];
        }
        r = add(c, some, set->count, err);
    }
    return r;
}

int fl_compare_new(const struct fl_compare_spec *spec, struct fl_compare **ret, struct fl_err *err)
{
    struct fl_compare *c;
    int r;

    if (spec->plan_count + spec->set_count > FL_PLANS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "at most %u plans and sets are compared at once",
                          FL_PLANS_MAX);
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a comparison");
    c->spec = *spec;
    c->daily = spec->sim.daily != NULL;
    for (uint32_t i = 0; i < spec->plan_count; i++)
        c->daily |= spec->plans[i].kind == FL_PLAN_ALLOCATION;
    fl_arena_init(&c->arena, (size_t)1 << 30);
    r = add_all(c, err);
    if (r < 0) {
        fl_compare_free(c);
        return r;
    }
    *ret = c;
    return FL_OK;
}

void fl_compare_free(struct fl_compare *c)
{
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->count; i++) {
        fl_sim_free(c->variant[i].sim);
        fl_net_unref(c->variant[i].net);
    }
    fl_arena_done(&c->arena);
    free(c);
}

int fl_compare_run(struct fl_compare *c, const atomic_bool *stop, struct fl_err *err)
{
    int r = FL_OK;

    for (uint32_t i = 0; i < c->count && r == FL_OK; i++)
        r = fl_sim_run(c->variant[i].sim, stop, err);
    return r;
}

double fl_compare_progress(const struct fl_compare *c)
{
    double sum = 0;

    for (uint32_t i = 0; i < c->count; i++)
        sum += fl_sim_progress(c->variant[i].sim);
    return sum / c->count;
}

const struct fl_sim *fl_compare_base(const struct fl_compare *c)
{
    return c->variant[0].sim;
}

bool fl_compare_daily(const struct fl_compare *c)
{
    return c->daily;
}

/* ---- results ---- */

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* with: losses under the plan; difference: room for as many numbers. */
static void differ(const double *without, const double *with, uint32_t count, double *difference,
                   struct fl_plan_result *ret)
{
    double square = 0, half;

    for (uint32_t i = 0; i < count; i++) {
        difference[i] = without[i] - with[i];
        ret->avoided += difference[i] / count;
        ret->loss += with[i] / count;
    }
    for (uint32_t i = 0; i < count; i++)
        square += (difference[i] - ret->avoided) * (difference[i] - ret->avoided);
    half = count > 1 ? 1.959963984540054 * sqrt(square / (count - 1) / count) : 0;
    ret->low = ret->avoided - half;
    ret->high = ret->avoided + half;
    qsort(difference, count, sizeof(*difference), rising);
    ret->p10 = fl_sim_quantile(difference, count, 0.1).value;
    ret->p90 = fl_sim_quantile(difference, count, 0.9).value;
}

static void add_costs(const struct fl_compare *c, uint32_t i, struct fl_plan_result *all)
{
    const struct fl_plan_set *set = NULL;
    struct fl_plan_result *p = &all[i];

    if (i < c->spec.plan_count) {
        p->id = c->spec.plans[i].id;
        p->cost = fl_plan_cost(c->spec.sim.net, &c->spec.plans[i]);
    } else {
        set = &c->spec.sets[i - c->spec.plan_count];
        p->id = set->id;
        p->set = true;
        p->overlap = -p->avoided;
        for (uint32_t k = 0; k < set->count; k++) {
            p->cost += all[set->plans[k]].cost;
            p->overlap += all[set->plans[k]].avoided;
        }
    }
    p->per_money = p->cost > 0 ? p->avoided / p->cost : (double)NAN;
}

int fl_compare_result(const struct fl_compare *c, struct fl_arena *arena,
                      struct fl_plan_result **ret, uint32_t *ret_count, struct fl_err *err)
{
    uint32_t years = c->spec.sim.years, count = c->count - 1;
    double *room = fl_arena_get(arena, years * sizeof(*room));
    struct fl_plan_result *all = fl_arena_get(arena, (count + 1u) * sizeof(*all));

    if (room == NULL || all == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for the figures of %u plans", count);
    if (fl_compare_progress(c) < 1)
        return fl_err_set(err, FL_E_AGAIN, "the simulations are not done");
    memset(all, 0, (count + 1u) * sizeof(*all));
    for (uint32_t i = 0; i < count; i++) {
        differ(fl_sim_losses(c->variant[0].sim), fl_sim_losses(c->variant[i + 1].sim), years, room,
               &all[i]);
        add_costs(c, i, all);
    }
    *ret = all;
    *ret_count = count;
    return FL_OK;
}
