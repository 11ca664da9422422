/* Outages to losses: which groups fall short, what they cost, and all of that for each node. */
#include "supply/exposure.h"

#include <math.h>
#include <stdlib.h>

#include "supply/exposure_int.h"

/* ---- one scene ---- */

struct answer {
    struct fl_group *groups; /* that an outage touches, each with its time */
    uint32_t count;
    struct fl_group together; /* those that fall short within the days */
    double tts_days;
};

static int survive(struct fl_exposure *x, struct fl_group *g, struct fl_err *err)
{
    int r;

    if (g->known)
        return FL_OK;
    if (!x->plain)
        return fl_flow_survive(x, g, FL_NET_NONE, &g->tts_days, err);
    r = fl_cone_new(x, g->parts, g->part_count, &g->cone, err);
    return r < 0 ? r : fl_program_survive(x, g, FL_NET_NONE, &g->tts_days, err);
}

static int find_groups(struct fl_exposure *x, struct answer *a, struct fl_err *err)
{
    struct fl_group *whole;

    if (!x->plain)
        return fl_scene_groups(x, &a->groups, &a->count, err);
    whole = fl_exposure_get(x, 1, sizeof *whole, err);
    if (whole == NULL)
        return FL_E_NOMEM;
    a->groups = whole;
    a->count = 1;
    return fl_scene_whole(x, whole, err);
}

/* Those that fall short within the days, as one: what is lost for one is lost for the others. */
static int join(struct fl_exposure *x, struct answer *a, double days, struct fl_err *err)
{
    uint32_t n = 0;
    struct fl_group *few = fl_exposure_get(x, a->count, sizeof *few, err);
    int r;

    if (few == NULL)
        return FL_E_NOMEM;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->groups[i].tts_days < days)
            few[n++] = a->groups[i];
    a->together = (struct fl_group){0};
    if (n == 0)
        return FL_OK;
    if (n == 1)
        a->together = few[0];
    r = n == 1 ? FL_OK : fl_scene_join(x, few, n, &a->together, err);
    if (r == FL_OK && a->together.cone == NULL)
        r = fl_cone_new(x, a->together.parts, a->together.part_count, &a->together.cone, err);
    return r;
}

static int look(struct fl_exposure *x, double days, struct answer *a, struct fl_err *err)
{
    int r = find_groups(x, a, err);

    a->tts_days = INFINITY;
    for (uint32_t i = 0; r == FL_OK && i < a->count; i++) {
        r = survive(x, &a->groups[i], err);
        a->tts_days = fmin(a->tts_days, a->groups[i].tts_days);
    }
    return r == FL_OK ? join(x, a, days, err) : r;
}

/* ---- products ---- */

static int product_tts(struct fl_exposure *x, const struct answer *a, uint32_t item, double *ret,
                       struct fl_err *err)
{
    double tts = INFINITY, one = INFINITY;

    for (uint32_t i = 0; i < a->count; i++) {
        struct fl_group *g = &a->groups[i];
        int r = FL_OK;

        if (g->tts_days >= tts) /* with less to keep it lasts no shorter */
            continue;
        if (g->cone == NULL)
            r = fl_cone_new(x, g->parts, g->part_count, &g->cone, err);
        if (r < 0)
            return r;
        fl_cone_enter(x, g->cone);
        if (x->local[item] >= g->cone->count || g->cone->items[x->local[item]] != item)
            continue;
        r = x->plain ? fl_program_survive(x, g, x->local[item], &one, err)
                     : fl_flow_survive(x, g, x->local[item], &one, err);
        if (r < 0)
            return r;
        tts = fmin(tts, one);
    }
    *ret = tts;
    return FL_OK;
}

static int worst_first(const void *a, const void *b)
{
    const struct fl_loss_product *x = a, *y = b;

    if (x->lost_profit != y->lost_profit)
        return x->lost_profit < y->lost_profit ? 1 : -1;
    if (x->lost_units != y->lost_units)
        return x->lost_units < y->lost_units ? 1 : -1;
    return (x->product > y->product) - (x->product < y->product);
}

static int fill_products(struct fl_exposure *x, const struct answer *a, const double *lost,
                         struct fl_arena *arena, struct fl_loss *ret, struct fl_err *err)
{
    const struct fl_cone *c = a->together.cone;
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->count; i++)
        n += lost[i] > 0;
    ret->products = fl_arena_get(arena, (n + 1) * sizeof *ret->products);
    if (ret->products == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for %u products", n);
    for (uint32_t i = 0; i < c->count; i++) {
        struct fl_loss_product *p = &ret->products[ret->product_count];
        uint32_t v = c->items[i] - x->net->part_count;
        int r;

        if (!(lost[i] > 0))
            continue;
        *p = (struct fl_loss_product){v, lost[i] * x->demand[v], lost[i] * x->profit[v],
                                      lost[i] * x->revenue[v], INFINITY};
        r = product_tts(x, a, c->items[i], &p->tts_days, err);
        if (r < 0)
            return r;
        ret->lost_units += p->lost_units;
        ret->lost_profit += p->lost_profit;
        ret->lost_revenue += p->lost_revenue;
        ret->product_count++;
    }
    qsort(ret->products, ret->product_count, sizeof *ret->products, worst_first);
    return FL_OK;
}

static int loss_of_scene(struct fl_exposure *x, double days, struct fl_arena *arena,
                         struct fl_loss *ret, struct fl_err *err)
{
    struct answer a = {0};
    struct fl_loss loss = {.days = days};
    const double *lost = NULL;
    int r = look(x, days, &a, err);

    if (r < 0)
        return r;
    loss.tts_days = a.tts_days;
    loss.gap_days = fmax(0, days - a.tts_days);
    if (a.together.part_count > 0 && a.together.cone != NULL) {
        loss.by_program = true;
        r = fl_program_lose(x, &a.together, days, &lost, err);
        if (r == FL_OK)
            r = fill_products(x, &a, lost, arena, &loss, err);
    }
    if (r == FL_OK)
        *ret = loss;
    return r;
}

int fl_exposure_loss(struct fl_exposure *x, const struct fl_outage *outages, size_t count,
                     double days, struct fl_arena *arena, struct fl_loss *ret, struct fl_err *err)
{
    double longest = 0;
    int r = fl_scene_set(x, outages, count, days, &longest, err);

    if (r == FL_OK)
        r = loss_of_scene(x, longest, arena, ret, err);
    fl_scene_clear(x);
    fl_exposure_forget(x);
    return r;
}

/* ---- unknown duration ---- */

static int curve_of_scene(struct fl_exposure *x, struct fl_curve *c, struct fl_err *err)
{
    double until = c->days[c->count - 1];
    struct answer a = {0};
    uint32_t first = 0;
    int r = look(x, until, &a, err);

    if (r < 0)
        return r;
    c->tts_days = a.tts_days;
    while (first < c->count && c->days[first] <= a.tts_days)
        first++;
    if (first == c->count || a.together.part_count == 0)
        return FL_OK;
    return fl_program_curve(x, &a.together, c->days + first, c->count - first, c->profit + first,
                            c->revenue + first, err);
}

static int curve_room(struct fl_arena *arena, double until_days, uint32_t steps, struct fl_curve *c,
                      struct fl_err *err)
{
    size_t bytes = ((size_t)steps + 1) * sizeof(double);

    if (!(until_days > 0) || isinf(until_days) || steps == 0)
        return fl_err_set(err, FL_E_INVAL, "a curve needs at least one step and a last day");
    *c = (struct fl_curve){fl_arena_get(arena, bytes), fl_arena_get(arena, bytes),
                           fl_arena_get(arena, bytes), steps + 1, INFINITY};
    if (c->days == NULL || c->profit == NULL || c->revenue == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for a curve of %u steps", steps);
    for (uint32_t i = 0; i <= steps; i++) {
        c->days[i] = until_days * i / steps;
        c->profit[i] = c->revenue[i] = 0;
    }
    return FL_OK;
}

int fl_exposure_curve(struct fl_exposure *x, const struct fl_outage *outages, size_t count,
                      double until_days, uint32_t steps, struct fl_arena *arena,
                      struct fl_curve *ret, struct fl_err *err)
{
    struct fl_curve curve;
    double longest = 0;
    int r = curve_room(arena, until_days, steps, &curve, err);

    if (r < 0)
        return r;
    r = fl_scene_set(x, outages, count, until_days, &longest, err);
    if (r == FL_OK)
        r = curve_of_scene(x, &curve, err);
    fl_scene_clear(x);
    fl_exposure_forget(x);
    if (r == FL_OK)
        *ret = curve;
    return r;
}

static int corners_of_scene(struct fl_exposure *x, double until, struct fl_corners *c,
                            struct fl_err *err)
{
    struct answer a = {0};
    int r = look(x, until, &a, err);

    if (r < 0)
        return r;
    c->tts_days = a.tts_days;
    if (a.together.part_count == 0)
        return FL_OK;
    return fl_cuts_corners(x, a.groups, a.count, &a.together, until, c, err);
}

int fl_exposure_corners(struct fl_exposure *x, const struct fl_outage *outages, size_t count,
                        double until_days, struct fl_arena *arena, struct fl_corners *ret,
                        struct fl_err *err)
{
    size_t bytes = FL_CORNERS_MAX * sizeof(double);
    struct fl_corners c = {fl_arena_get(arena, bytes), fl_arena_get(arena, bytes), 0, INFINITY};
    double longest = 0;
    int r;

    if (c.days == NULL || c.profit == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for a curve");
    if (!(until_days > 0) || isinf(until_days))
        return fl_err_set(err, FL_E_INVAL, "a curve needs a last day");
    r = fl_scene_set(x, outages, count, until_days, &longest, err);
    if (r == FL_OK)
        r = corners_of_scene(x, until_days, &c, err);
    fl_scene_clear(x);
    fl_exposure_forget(x);
    if (r == FL_OK)
        *ret = c;
    return r;
}

/* ---- each alone ---- */

static int expose(struct fl_exposure *x, bool site, uint32_t i, struct fl_arena *arena,
                  struct fl_exposed *ret, struct fl_err *err)
{
    const struct fl_net *net = x->net;
    double ttr = net->sites[site ? i : net->sources[i].site].ttr_days;
    struct fl_outage outage = {site ? i : FL_NET_NONE, site ? FL_NET_NONE : i, 0,
                               isnan(ttr) ? 0 : ttr};
    int r = fl_exposure_loss(x, &outage, 1, 0, arena, &ret->loss, err);

    ret->site = outage.site;
    ret->source = outage.source;
    ret->rei = 0;
    if (r == FL_OK && isnan(ttr))
        ret->loss.days = ret->loss.lost_profit = ret->loss.lost_units = ret->loss.lost_revenue =
            ret->loss.gap_days = NAN;
    return r;
}

static void set_rei(struct fl_exposed *all, uint32_t count)
{
    double most = 0;

    for (uint32_t i = 0; i < count; i++)
        most = fmax(most, all[i].loss.lost_profit); /* NAN does not count */
    for (uint32_t i = 0; i < count; i++)
        if (!(all[i].loss.lost_profit <= 0))
            all[i].rei = all[i].loss.lost_profit / most;
}

int fl_exposure_all(struct fl_exposure *x, enum fl_exposure_per per, const atomic_bool *stop,
                    struct fl_arena *arena, struct fl_exposed **ret, uint32_t *ret_count,
                    struct fl_err *err)
{
    bool site = per == FL_PER_SITE;
    uint32_t count = site ? x->net->site_count : x->net->source_count;
    struct fl_exposed *all = fl_arena_get(arena, ((size_t)count + 1) * sizeof *all);

    if (all == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for the exposures of %u %s", count,
                          site ? "sites" : "nodes");
    for (uint32_t i = 0; i < count; i++) {
        int r;

        if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed))
            return fl_err_set(err, FL_E_TIMEOUT, "stopped after %u of %u", i, count);
        r = expose(x, site, i, arena, &all[i], err);
        if (r < 0)
            return r;
    }
    set_rei(all, count);
    *ret = all;
    *ret_count = count;
    return FL_OK;
}
