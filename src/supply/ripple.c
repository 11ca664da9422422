#include "supply/ripple.h"

#include <math.h>
#include <string.h>

#define NOT_REACHED UINT32_MAX

static void begin(const struct fl_net *net, const struct fl_outage *outages, size_t count,
                  uint32_t *away)
{
    memset(away, 0xFF, fl_net_item_count(net) * sizeof(*away));
    for (size_t i = 0; i < count; i++) {
        if (outages[i].source < net->source_count)
            away[net->sources[outages[i].source].part] = 0;
        if (outages[i].site >= net->site_count)
            continue;
        for (uint32_t k = net->sources_of_site.start[outages[i].site];
             k < net->sources_of_site.start[outages[i].site + 1]; k++)
            away[net->sources[net->sources_of_site.list[k]].part] = 0;
    }
}

/* Steps by the longest way: each item stands behind all that it is made of. */
static uint32_t spread(const struct fl_net *net, uint32_t *away)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < fl_net_item_count(net); i++) {
        uint32_t item = net->order[i];

        for (uint32_t k = net->uses_of_parent.start[item]; k < net->uses_of_parent.start[item + 1];
             k++) {
            uint32_t part = net->uses[net->uses_of_parent.list[k]].part;

            if (away[part] != NOT_REACHED &&
                (away[item] == NOT_REACHED || away[item] <= away[part]))
                away[item] = away[part] + 1;
        }
        if (away[item] != NOT_REACHED && away[item] > most)
            most = away[item];
    }
    return most;
}

static int fill_steps(const struct fl_net *net, const uint32_t *away, uint32_t most,
                      struct fl_arena *arena, struct fl_ripple *ret, struct fl_err *err)
{
    ret->step_count = most + 1;
    ret->steps = fl_arena_get(arena, ret->step_count * sizeof(*ret->steps));
    if (ret->steps == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for %u steps", ret->step_count);
    memset(ret->steps, 0, ret->step_count * sizeof(*ret->steps));
    for (uint32_t item = 0; item < fl_net_item_count(net); item++)
        if (away[item] != NOT_REACHED) {
            ret->steps[away[item]].items++;
            ret->steps[away[item]].products += fl_net_is_product(net, item);
        }
    return FL_OK;
}

struct business {
    double revenue, profit;
    uint32_t products;
};

static int add_product(const struct fl_net *net, uint32_t product, struct business *to,
                       struct fl_err *err)
{
    const struct fl_net_product *p = &net->products[product];
    double one = 0;

    if (!(p->demand_per_day > 0))
        return FL_OK;
    if (fl_net_convert(net, 1, p->currency, INT32_MAX, &one, err) < 0)
        return fl_err_wrap(err, "product '%s'", p->id);
    to->products++;
    to->revenue += fmax(p->revenue_per_unit, 0) * p->demand_per_day * one;
    to->profit += fmax(p->profit_per_unit, 0) * p->demand_per_day * one;
    return FL_OK;
}

static int count_stopped(const struct fl_net *net, const struct fl_loss *loss, const uint32_t *away,
                         struct fl_ripple *ret, struct fl_err *err)
{
    struct business all = {0}, hit = {0};
    int r = FL_OK;

    ret->first_days = INFINITY;
    ret->all_days = loss->product_count > 0 ? 0 : (double)INFINITY;
    ret->first = FL_NET_NONE;
    for (uint32_t v = 0; v < net->product_count && r == FL_OK; v++) {
        r = add_product(net, v, &all, err);
        ret->reached += net->products[v].demand_per_day > 0 &&
                        away[fl_net_item_of_product(net, v)] != NOT_REACHED;
    }
    for (uint32_t i = 0; i < loss->product_count && r == FL_OK; i++) {
        const struct fl_loss_product *p = &loss->products[i];
        uint32_t steps = away[fl_net_item_of_product(net, p->product)];

        r = add_product(net, p->product, &hit, err);
        if (steps != NOT_REACHED && steps > ret->depth)
            ret->depth = steps;
        ret->all_days = fmax(ret->all_days, p->tts_days);
        if (p->tts_days < ret->first_days) {
            ret->first_days = p->tts_days;
            ret->first = p->product;
        }
    }
    ret->stopped = hit.products;
    ret->reached_share = all.products > 0 ? (double)ret->reached / all.products : 0;
    ret->stopped_share = all.products > 0 ? (double)hit.products / all.products : 0;
    ret->revenue_share = all.revenue > 0 ? hit.revenue / all.revenue : 0;
    ret->profit_share = all.profit > 0 ? hit.profit / all.profit : 0;
    return r;
}

int fl_ripple(struct fl_exposure *x, const struct fl_net *net, const struct fl_outage *outages,
              size_t count, double days, struct fl_arena *arena, struct fl_ripple *ret,
              struct fl_err *err)
{
    uint32_t *away = fl_arena_get(arena, (fl_net_item_count(net) + 1u) * sizeof(*away));
    struct fl_ripple out = {0};
    struct fl_loss loss;
    int r;

    if (away == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for %u items", fl_net_item_count(net));
    r = fl_exposure_loss(x, outages, count, days, arena, &loss, err);
    if (r < 0)
        return r;
    begin(net, outages, count, away);
    r = fill_steps(net, away, spread(net, away), arena, &out, err);
    if (r == FL_OK)
        r = count_stopped(net, &loss, away, &out, err);
    if (r == FL_OK)
        *ret = out;
    return r;
}
