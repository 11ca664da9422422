/* A net made ready for exposure: rates, shares, money a day, arms. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "supply/exposure_int.h"

enum { WORK_KEPT = 1 << 20 };
#define WORK_MAX ((size_t)2 << 30)

void *fl_exposure_get(struct fl_exposure *x, size_t count, size_t size, struct fl_err *err)
{
    void *p = count > WORK_MAX / size ? NULL : fl_arena_get(&x->work, (count + 1) * size);

    if (p == NULL)
        (void)fl_err_set(err, FL_E_LIMIT,
                         "what stands behind these sites needs more than %zu MiB to calculate",
                         WORK_MAX >> 20);
    return p;
}

void fl_exposure_forget(struct fl_exposure *x)
{
    fl_arena_clear(&x->work);
    x->cone = NULL;
}

void fl_exposure_free(struct fl_exposure *x)
{
    if (x == NULL)
        return;
    void *const owned[] = {x->rate,
                           x->stock,
                           x->weight,
                           x->demand,
                           x->profit,
                           x->revenue,
                           x->place,
                           x->arms,
                           x->takes_over,
                           x->missing,
                           x->weak,
                           x->weak_days,
                           x->weak_size,
                           x->arm_on,
                           x->site_left,
                           x->site_until,
                           x->arm_left,
                           x->arm_until,
                           x->hit_sites,
                           x->hit_arms,
                           x->seeds,
                           x->item_mark,
                           x->site_mark,
                           x->local,
                           x->site_local,
                           x->part_local,
                           x->arms_of_part.start,
                           x->arms_of_part.list,
                           x->arms_of_site.start,
                           x->arms_of_site.list};

    for (size_t i = 0; i < FL_LEN(owned); i++)
        free(owned[i]);
    fl_arena_done(&x->work);
    fl_lp_basis_done(&x->lose_basis);
    fl_lp_basis_done(&x->survive_basis);
    fl_lp_free(x->lp);
    fl_net_unref((struct fl_net *)(uintptr_t)x->net);
    free(x);
}

static int room(struct fl_exposure *x, struct fl_err *err)
{
    const struct fl_net *net = x->net;
    size_t items = fl_net_item_count(net), sites = net->site_count, arms = 2 * net->source_count;
    const struct {
        void **to;
        size_t bytes;
    } wanted[] = {
        {(void **)&x->rate, items * sizeof(double)},
        {(void **)&x->stock, items * sizeof(double)},
        {(void **)&x->weight, net->use_count * sizeof(double)},
        {(void **)&x->demand, net->product_count * sizeof(double)},
        {(void **)&x->profit, net->product_count * sizeof(double)},
        {(void **)&x->revenue, net->product_count * sizeof(double)},
        {(void **)&x->place, items * sizeof(uint32_t)},
        {(void **)&x->arms, arms * sizeof(struct fl_arm)},
        {(void **)&x->takes_over, arms * sizeof(uint32_t)},
        {(void **)&x->missing, net->part_count * sizeof(uint32_t)},
        {(void **)&x->weak, net->part_count * sizeof(uint32_t)},
        {(void **)&x->weak_size, net->part_count * sizeof(uint32_t)},
        {(void **)&x->weak_days, net->part_count * sizeof(double)},
        {(void **)&x->arm_on, arms * sizeof(bool)},
        {(void **)&x->site_left, sites * sizeof(double)},
        {(void **)&x->site_until, sites * sizeof(double)},
        {(void **)&x->arm_left, arms * sizeof(double)},
        {(void **)&x->arm_until, arms * sizeof(double)},
        {(void **)&x->hit_sites, sites * sizeof(uint32_t)},
        {(void **)&x->hit_arms, arms * sizeof(uint32_t)},
        {(void **)&x->seeds, net->part_count * sizeof(uint32_t)},
        {(void **)&x->item_mark, items * sizeof(uint32_t)},
        {(void **)&x->site_mark, sites * sizeof(uint32_t)},
        {(void **)&x->local, items * sizeof(uint32_t)},
        {(void **)&x->site_local, sites * sizeof(uint32_t)},
        {(void **)&x->part_local, net->part_count * sizeof(uint32_t)},
    };

    for (size_t i = 0; i < FL_LEN(wanted); i++)
        if ((*wanted[i].to = calloc(1, wanted[i].bytes + 1)) == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for the exposure of %u sources",
                              net->source_count);
    for (size_t i = 0; i < sites; i++)
        x->site_left[i] = 1;
    for (size_t i = 0; i < arms; i++)
        x->arm_left[i] = 1;
    return FL_OK;
}

static double above_0(double value)
{
    return value > 0 ? value : 0; /* not known counts as none */
}

static int money(struct fl_exposure *x, struct fl_err *err)
{
    for (uint32_t v = 0; v < x->net->product_count; v++) {
        const struct fl_net_product *p = &x->net->products[v];
        double one = 0;

        x->demand[v] = above_0(p->demand_per_day);
        if (fl_net_convert(x->net, 1, p->currency, INT32_MAX, &one, err) < 0)
            return fl_err_wrap(err, "product '%s'", p->id);
        x->profit[v] = x->demand[v] * above_0(p->profit_per_unit) * one;
        x->revenue[v] = x->demand[v] * above_0(p->revenue_per_unit) * one;
    }
    return FL_OK;
}

/* Users stand behind what they use, so backwards each item's rate is whole before it is passed on.
 */
static void rates(struct fl_exposure *x)
{
    const struct fl_net *net = x->net;
    const struct fl_net_index *of = &net->uses_of_parent;
    uint32_t items = fl_net_item_count(net);

    for (uint32_t i = items; i-- > 0;) {
        uint32_t item = net->order[i];
        bool product = fl_net_is_product(net, item);
        double stock = product ? net->products[item - net->part_count].stock_units
                               : net->parts[item].stock_units;

        x->place[item] = i;
        if (product)
            x->rate[item] = x->demand[item - net->part_count];
        x->stock[item] = x->rate[item] > 0 ? above_0(stock) / x->rate[item] : 0;
        for (uint32_t k = of->start[item]; k < of->start[item + 1]; k++) {
            const struct fl_net_use *use = &net->uses[of->list[k]];

            x->rate[use->part] += above_0(use->quantity) * x->rate[item];
        }
    }
    for (uint32_t k = 0; k < net->use_count; k++) {
        const struct fl_net_use *use = &net->uses[k];
        double whole = x->rate[use->part];

        x->weight[k] = whole > 0 ? above_0(use->quantity) * x->rate[use->parent] / whole : 0;
    }
}

static struct fl_arm arm_at(const struct fl_exposure *x, uint32_t source, uint32_t site,
                            double bring_up)
{
    uint32_t part = x->net->sources[source].part;
    double capacity = x->net->sites[site].capacity_per_day;

    return (struct fl_arm){part, site, source, above_0(bring_up),
                           isfinite(capacity) ? x->rate[part] / capacity : 0};
}

/* A site without any capacity, and a source that may not deliver, never open. */
static bool can_open(const struct fl_exposure *x, const struct fl_arm *arm)
{
    return x->rate[arm->part] > 0 && x->net->sites[arm->site].capacity_per_day > 0;
}

/* The site that takes over gives what it does not make at once already. */
static bool makes_at_once(const struct fl_net *net, uint32_t part, uint32_t site)
{
    uint32_t s = fl_net_source_find(net, part, site);

    return s != FL_NET_NONE && net->sources[s].qualified && net->sources[s].used;
}

static void find_arms(struct fl_exposure *x)
{
    const struct fl_net *net = x->net;

    x->arm_count = net->source_count;
    for (uint32_t i = 0; i < net->source_count; i++) {
        const struct fl_net_source *s = &net->sources[i];
        uint32_t other = net->sites[s->site].alternate;

        x->arms[i] = arm_at(x, i, s->site, s->used ? 0 : s->bring_up_days);
        x->arm_on[i] = s->qualified && can_open(x, &x->arms[i]);
        x->takes_over[i] = FL_NET_NONE;
        if (!x->arm_on[i] || other == FL_NET_NONE || other == s->site ||
            makes_at_once(net, s->part, other))
            continue;
        x->arms[x->arm_count] = arm_at(x, i, other, net->sites[s->site].bring_up_days);
        if (can_open(x, &x->arms[x->arm_count]))
            x->takes_over[i] = x->arm_count++;
    }
    for (uint32_t i = net->source_count; i < x->arm_count; i++)
        x->takes_over[i] = FL_NET_NONE;
}

static int index_arms(struct fl_exposure *x, bool by_site, struct fl_net_index *ret,
                      struct fl_err *err)
{
    uint32_t groups = by_site ? x->net->site_count : x->net->part_count;
    uint32_t *start = calloc((size_t)groups + 2, sizeof *start);
    uint32_t *list = calloc((size_t)x->arm_count + 1, sizeof *list);

    ret->start = start;
    ret->list = list;
    if (start == NULL || list == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for %u sources", x->arm_count);
    for (uint32_t i = 0; i < x->arm_count; i++)
        start[(by_site ? x->arms[i].site : x->arms[i].part) + 2]++;
    for (uint32_t i = 2; i < groups + 2; i++)
        start[i] += start[i - 1];
    for (uint32_t i = 0; i < x->arm_count; i++)
        list[start[(by_site ? x->arms[i].site : x->arms[i].part) + 1]++] = i;
    return FL_OK;
}

/* Made by nobody who may, while products draw it: it binds nothing, and is said. Parts that are
 * raw, and whose sources are not known at all, are among them. */
static void find_missing(struct fl_exposure *x)
{
    const struct fl_net_index *of = &x->net->sources_of_part;

    for (uint32_t part = 0; part < x->net->part_count; part++) {
        bool made = false;

        for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++)
            made |= x->net->sources[of->list[i]].qualified;
        if (!made && x->rate[part] > 0)
            x->missing[x->missing_count++] = part;
    }
}

/* What falls short with nothing down falls short in every scene. */
static int find_weak(struct fl_exposure *x, struct fl_err *err)
{
    struct fl_group *groups;
    uint32_t count;
    int r = fl_scene_all_groups(x, &groups, &count, err);

    for (uint32_t i = 0; r == FL_OK && i < count; i++) {
        struct fl_group *g = &groups[i];

        r = fl_flow_survive(x, g, FL_NET_NONE, &g->tts_days, err);
        for (uint32_t k = 0; r == FL_OK && !isinf(g->tts_days) && k < g->part_count; k++) {
            x->weak_days[x->weak_count] = g->tts_days;
            x->weak_size[x->weak_count] = g->part_count;
            x->weak[x->weak_count++] = g->parts[k];
        }
    }
    return r;
}

static int make(struct fl_exposure *x, struct fl_err *err)
{
    int r = room(x, err);

    if (r == FL_OK)
        r = fl_lp_new(&x->lp, err);
    if (r == FL_OK && fl_exposure_get(x, WORK_KEPT, 1, err) == NULL)
        r = FL_E_NOMEM;
    if (r == FL_OK)
        r = money(x, err);
    if (r < 0)
        return r;
    rates(x);
    find_arms(x);
    find_missing(x);
    r = index_arms(x, false, &x->arms_of_part, err);
    if (r == FL_OK)
        r = index_arms(x, true, &x->arms_of_site, err);
    if (r == FL_OK)
        r = find_weak(x, err);
    fl_exposure_forget(x);
    return r;
}

int fl_exposure_new(const struct fl_net *net, struct fl_exposure **ret, struct fl_err *err)
{
    struct fl_exposure *x = calloc(1, sizeof *x);
    int r;

    if (x == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an exposure");
    x->net = fl_net_ref(net);
    fl_arena_init(&x->work, WORK_MAX);
    r = make(x, err);
    if (r < 0) {
        fl_exposure_free(x);
        return r;
    }
    *ret = x;
    return FL_OK;
}

void fl_exposure_plain(struct fl_exposure *x, bool on)
{
    x->plain = on;
}

uint32_t fl_exposure_missing(const struct fl_exposure *x, const uint32_t **ret_parts)
{
    *ret_parts = x->missing;
    return x->missing_count;
}
