#include "supply/drill_cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supply/plan.h"

const char fl_drill_cost_formula[] =
    "in each draw every site that is hit is down with its probability, for days by PERT(low, "
    "likely, high); the loss of a draw is that of the joint curve PI(t) of the sites that are "
    "down; P50 and P95 are quantiles of the draws, CVaR the mean of the worst twentieth; with more "
    "stock: the same draws with 14 more days of demand in stock of each product that loses";

struct run {        /* one network, all draws */
    double *losses; /* sorted, rising */
    uint32_t count;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void say_done(const struct fl_drill_cost_of *of, unsigned parts)
{
    if (of->done != NULL)
        atomic_store(of->done, parts);
}

static int simulate(const struct fl_drill_cost_of *of, const struct fl_net *net,
                    const struct fl_sim_source *source, struct fl_arena *arena, struct run *ret,
                    struct fl_err *err)
{
    const struct fl_sim_spec spec = {
        .net = net, .sources = source, .source_count = 1, .seed = of->seed, .years = of->draws};
    struct fl_sim *sim = NULL;
    int r = fl_sim_new(&spec, &sim, err);

    if (r == FL_OK)
        r = fl_sim_run(sim, of->stop, err);
    if (r == FL_OK) {
        ret->count = of->draws;
        ret->losses = fl_arena_get(arena, of->draws * sizeof *ret->losses);
        if (ret->losses == NULL)
            r = fl_err_set(err, FL_E_NOMEM, "no memory for %u draws", of->draws);
    }
    if (r == FL_OK) {
        memcpy(ret->losses, fl_sim_losses(sim), of->draws * sizeof *ret->losses);
        qsort(ret->losses, of->draws, sizeof *ret->losses, by_value);
    }
    fl_sim_free(sim);
    return r;
}

static void take_curve(const struct run *run, double step, struct fl_drill_curve *ret)
{
    uint32_t at = 0, lose = 0;

    for (uint32_t i = 0; i < run->count; i++) {
        ret->mean += run->losses[i] / run->count;
        lose += run->losses[i] > 0;
    }
    ret->any = (double)lose / run->count;
    ret->p50 = fl_sim_quantile(run->losses, run->count, 0.5);
    ret->p95 = fl_sim_quantile(run->losses, run->count, 0.95);
    ret->cvar95 = fl_sim_cvar(run->losses, run->count, 0.95);
    for (uint32_t k = 0; k <= FL_DRILL_STEPS; k++) {
        while (at < run->count && run->losses[at] <= k * step)
            at++;
        ret->above[k] = (double)(run->count - at) / run->count;
    }
}

/* The network with more of the products that lose; NULL where none does. */
static int stock_more(const struct fl_drill_cost_of *of, struct fl_arena *arena,
                      struct fl_drill_cost *c, struct fl_net **ret, struct fl_err *err)
{
    const struct fl_plan *list[FL_PLANS_MAX];
    struct fl_plan plans[FL_PLANS_MAX];
    struct fl_daily_rule rule;
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->impact.all.product_count && count < FL_PLANS_MAX; i++) {
        const struct fl_net_product *p = &of->net->products[c->impact.all.products[i].product];
        double units = p->demand_per_day * FL_DRILL_MORE_DAYS;

        if (!(units > 0))
            continue;
        plans[count] = (struct fl_plan){
            .id = p->id, .kind = FL_PLAN_BUFFER, .item = p->id, .units = units, .cost = NAN};
        list[count] = &plans[count];
        c->more_units += units;
        count++;
    }
    c->more_products = count;
    *ret = NULL;
    return count == 0 ? FL_OK : fl_plan_apply(of->net, list, count, arena, ret, &rule, err);
}

static int draw(const struct fl_drill_cost_of *of, struct fl_arena *arena, struct fl_drill_cost *c,
                struct fl_err *err)
{
    struct run today = {.count = 0}, more = {.count = 0};
    struct fl_sim_source source;
    struct fl_net *net = NULL;
    int r = fl_sim_source_of_hits("drill", "drill", NAN, &c->impact.hits, arena, &source, err);

    if (r == FL_OK)
        r = simulate(of, of->net, &source, arena, &today, err);
    say_done(of, 500);
    if (r == FL_OK)
        r = stock_more(of, arena, c, &net, err);
    if (r == FL_OK && net != NULL)
        r = simulate(of, net, &source, arena, &more, err);
    fl_net_unref(net);
    if (r != FL_OK)
        return r;
    c->loss_step = today.losses[today.count - 1] / FL_DRILL_STEPS;
    take_curve(&today, c->loss_step, &c->today);
    take_curve(more.count == 0 ? &today : &more, c->loss_step, &c->more);
    return FL_OK;
}

int fl_drill_cost(const struct fl_drill_cost_of *of, struct fl_arena *arena,
                  struct fl_drill_cost *ret, struct fl_err *err)
{
    struct fl_drill_cost *c = fl_arena_get(arena, sizeof *c);
    int r;

    if (c == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a calculation");
    memset(c, 0, sizeof *c);
    c->draws = of->draws;
    r = fl_impact(of->event, of->net, of->index, of->x, 0, of->stop, arena, &c->impact, err);
    say_done(of, 100);
    if (r == FL_OK)
        r = draw(of, arena, c, err);
    if (r == FL_OK)
        *ret = *c;
    return r;
}
