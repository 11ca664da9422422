#include "supply/simulate_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

enum { SLOTS = 1 << 17 };

/* Up to which daily.h is asked. */
static const double daily_days[] = {0,  1,  2,  3,   5,   7,   10,  14,  21,  30,
                                    45, 60, 90, 120, 180, 270, 365, 545, 730, 1095};

struct curve {
    uint32_t count, keys; /* points, beginning with where it leaves 0; sites of the set */
    double until;         /* how far it goes; a set may have several */
    double *day, *cost;
    uint32_t *key;
    double room[];
};

struct fl_sim_curves {
    const struct fl_net *net;
    const struct fl_daily_rule *daily;
    double until, rate;
    bool weak;              /* something is lost with nothing down */
    uint32_t *free_sources; /* of each part: without limit and start */
    bool *useful;           /* of each item: a product that earns stands behind it */
    bool *stands_in;        /* of each site: it is somebody's alternate */
    double *cover;          /* of each part: days that stocks last, its own and behind it */
    _Atomic(struct curve *) *slots;
    atomic_uint_fast64_t count, again;
};

struct fl_sim_finder {
    struct fl_sim_curves *table;
    struct fl_exposure *exposure;
    struct fl_arena arena;
    uint32_t *down_sources;   /* of each part: free ones that are down; 0 between calls */
    struct fl_outage *outage; /* room for every site */
    uint32_t outages;
    double until;
    double *day, *cost; /* the curve in hand: in arena, or of the daily room */
    double daily_day[FL_LEN(daily_days)], daily_cost[FL_LEN(daily_days)];
    uint32_t points;
};

/* ---- the table ---- */

static bool is_free(const struct fl_net *net, const struct fl_net_source *s)
{
    return s->qualified && (s->used || s->bring_up_days == 0) &&
           isinf(net->sites[s->site].capacity_per_day);
}

static void mark_useful(struct fl_sim_curves *c)
{
    const struct fl_net *net = c->net;

    for (uint32_t i = 0; i < net->product_count; i++) {
        const struct fl_net_product *p = &net->products[i];

        c->useful[fl_net_item_of_product(net, i)] = p->demand_per_day > 0 && p->profit_per_unit > 0;
    }
    for (uint32_t i = fl_net_item_count(net); i-- > 0;) {
        uint32_t item = net->order[i];

        for (uint32_t j = net->uses_of_parent.start[item];
             c->useful[item] && j < net->uses_of_parent.start[item + 1]; j++)
            c->useful[net->uses[net->uses_of_parent.list[j]].part] = true;
    }
}

/* Units of each item that must be made within `days` to lose nothing: whoever makes them. */
static void needs(const struct fl_net *net, double days, double *need)
{
    memset(need, 0, fl_net_item_count(net) * sizeof(*need));
    for (uint32_t i = fl_net_item_count(net); i-- > 0;) {
        uint32_t item = net->order[i];
        const struct fl_net_product *p =
            fl_net_is_product(net, item) ? &net->products[item - net->part_count] : NULL;
        double there = fmax(p != NULL ? p->stock_units : net->parts[item].stock_units, 0);
        double make = (p != NULL ? fmax(p->demand_per_day, 0) * days : need[item]) - there;

        need[item] = make; /* below 0: that much is left over */
        for (uint32_t k = net->uses_of_parent.start[item];
             make > 0 && k < net->uses_of_parent.start[item + 1]; k++) {
            const struct fl_net_use *use = &net->uses[net->uses_of_parent.list[k]];

            need[use->part] += fmax(use->quantity, 0) * make;
        }
    }
}

/* Nothing is lost as long as each part that a site made is covered, whatever else is down. Needs
 * are convex in time, so the chord between two days ends it too early, never too late. */
static int fill_cover(struct fl_sim_curves *c)
{
    const struct fl_net *net = c->net;
    size_t items = fl_net_item_count(net) + 1u;
    double *need = calloc(2 * items, sizeof(*need)), *before, last = 0, day = 0.5;

    if (need == NULL)
        return FL_E_NOMEM;
    before = need + items;
    for (uint32_t k = 0; k < net->part_count; k++)
        c->cover[k] = INFINITY;
    needs(net, 0, before);
    while (last < c->until) {
        needs(net, day, need);
        for (uint32_t k = 0; k < net->part_count; k++)
            if (isinf(c->cover[k]) && need[k] > 0)
                c->cover[k] = before[k] >= 0
                                  ? last
                                  : last + (day - last) * -before[k] / (need[k] - before[k]);
        memcpy(before, need, items * sizeof(*need));
        last = day;
        day = day * 1.06 + 0.25;
    }
    free(need);
    return FL_OK;
}

static int fill_rate(struct fl_sim_curves *c, struct fl_err *err)
{
    const struct fl_net *net = c->net;

    for (uint32_t i = 0; i < net->product_count; i++) {
        const struct fl_net_product *p = &net->products[i];
        double profit = 0;
        int r = fl_net_convert(net, p->profit_per_unit, p->currency, INT32_MAX, &profit, err);

        if (r < 0)
            return r;
        c->rate += profit * p->demand_per_day;
    }
    return FL_OK;
}

/* Is something lost with nothing down? Then nothing is sure to be covered. */
static int fill_weak(struct fl_sim_curves *c, struct fl_err *err)
{
    struct fl_exposure *x = NULL;
    struct fl_arena arena;
    struct fl_curve curve;
    int r;

    fl_arena_init(&arena, (size_t)256 << 20);
    r = fl_exposure_new(c->net, &x, err);
    if (r == FL_OK)
        r = fl_exposure_curve(x, NULL, 0, c->until, 1, &arena, &curve, err);
    c->weak = r == FL_OK && curve.profit[1] > 0;
    fl_exposure_free(x);
    fl_arena_done(&arena);
    return r;
}

int fl_sim_curves_new(const struct fl_net *net, double until_days,
                      const struct fl_daily_rule *daily, struct fl_sim_curves **ret,
                      struct fl_err *err)
{
    struct fl_sim_curves *c = calloc(1, sizeof(*c));
    int r;

    if (c == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a simulation");
    c->net = net;
    c->daily = daily;
    c->until = until_days;
    c->free_sources = calloc(net->part_count + 1u, sizeof(*c->free_sources));
    c->useful = calloc(fl_net_item_count(net) + 1u, sizeof(*c->useful));
    c->stands_in = calloc(net->site_count + 1u, sizeof(*c->stands_in));
    c->slots = calloc(SLOTS, sizeof(*c->slots));
    c->cover = calloc(net->part_count + 1u, sizeof(*c->cover));
    if (c->cover == NULL || c->free_sources == NULL || c->useful == NULL || c->stands_in == NULL ||
        c->slots == NULL) {
        fl_sim_curves_free(c);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a simulation");
    }
    r = fill_rate(c, err);
    if (r == FL_OK)
        r = fill_weak(c, err);
    if (r == FL_OK && fill_cover(c) < 0)
        r = fl_err_set(err, FL_E_NOMEM, "no memory for a simulation");
    if (r < 0) {
        fl_sim_curves_free(c);
        return r;
    }
    for (uint32_t i = 0; i < net->source_count; i++)
        c->free_sources[net->sources[i].part] += is_free(net, &net->sources[i]);
    for (uint32_t i = 0; i < net->site_count; i++)
        if (net->sites[i].alternate != FL_NET_NONE)
            c->stands_in[net->sites[i].alternate] = true;
    mark_useful(c);
    *ret = c;
    return FL_OK;
}

void fl_sim_curves_free(struct fl_sim_curves *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; c->slots != NULL && i < SLOTS; i++)
        free(atomic_load_explicit(&c->slots[i], memory_order_relaxed));
    free(c->slots);
    free(c->free_sources);
    free(c->useful);
    free(c->stands_in);
    free(c->cover);
    free(c);
}

uint64_t fl_sim_curves_count(const struct fl_sim_curves *c)
{
    return atomic_load(&c->count);
}

uint64_t fl_sim_curves_again(const struct fl_sim_curves *c)
{
    return atomic_load(&c->again);
}

double fl_sim_curves_rate(const struct fl_sim_curves *c)
{
    return c->rate;
}

int fl_sim_finder_new(struct fl_sim_curves *c, struct fl_sim_finder **ret, struct fl_err *err)
{
    struct fl_sim_finder *f = calloc(1, sizeof(*f));
    int r;

    if (f == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a simulation");
    f->table = c;
    fl_arena_init(&f->arena, (size_t)256 << 20);
    f->down_sources = calloc(c->net->part_count + 1u, sizeof(*f->down_sources));
    f->outage = calloc(c->net->site_count + 1u, sizeof(*f->outage));
    r = f->down_sources == NULL || f->outage == NULL
            ? fl_err_set(err, FL_E_NOMEM, "no memory for a simulation")
            : FL_OK;
    if (r == FL_OK && c->daily == NULL)
        r = fl_exposure_new(c->net, &f->exposure, err);
    if (r < 0) {
        fl_sim_finder_free(f);
        return r;
    }
    *ret = f;
    return FL_OK;
}

void fl_sim_finder_free(struct fl_sim_finder *f)
{
    if (f == NULL)
        return;
    fl_exposure_free(f->exposure);
    fl_arena_done(&f->arena);
    free(f->down_sources);
    free(f->outage);
    free(f);
}

/* ---- sets ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void count_down(struct fl_sim_finder *f, uint32_t site, bool down)
{
    const struct fl_net *net = f->table->net;

    for (uint32_t i = net->sources_of_site.start[site]; i < net->sources_of_site.start[site + 1];
         i++) {
        const struct fl_net_source *s = &net->sources[net->sources_of_site.list[i]];

        if (!is_free(net, s))
            continue;
        if (down)
            f->down_sources[s->part]++;
        else
            f->down_sources[s->part]--;
    }
}

static bool matters(const struct fl_sim_finder *f, uint32_t site)
{
    const struct fl_sim_curves *c = f->table;
    const struct fl_net *net = c->net;

    if (c->stands_in[site])
        return true;
    for (uint32_t i = net->sources_of_site.start[site]; i < net->sources_of_site.start[site + 1];
         i++) {
        const struct fl_net_source *s = &net->sources[net->sources_of_site.list[i]];

        if (s->qualified && c->useful[s->part] &&
            c->free_sources[s->part] == f->down_sources[s->part])
            return true;
    }
    return false;
}

uint32_t fl_sim_reduce(struct fl_sim_finder *f, uint32_t *set, uint32_t count)
{
    const struct fl_net *net = f->table->net;
    uint32_t kept = 0, stay = 0;

    if (count > 1)
        qsort(set, count, sizeof(*set), by_number);
    for (uint32_t i = 0; i < count; i++) /* unlimited, and something is left: as if it were up */
        if ((set[i] & 15u) == 0 || !isinf(net->sites[set[i] >> 4].capacity_per_day))
            set[kept++] = set[i];
    if (f->table->daily != NULL) /* there, another source has to speed up first */
        return kept;
    for (uint32_t i = 0; i < kept; i++)
        count_down(f, set[i] >> 4, true);
    /* Which stay is known before any count goes back. */
    for (uint32_t i = 0; i < kept; i++)
        if (matters(f, set[i] >> 4)) {
            uint32_t keep = set[i];

            set[i] = set[stay];
            set[stay++] = keep;
        }
    for (uint32_t i = 0; i < kept; i++)
        count_down(f, set[i] >> 4, false);
    if (stay > 1)
        qsort(set, stay, sizeof(*set), by_number);
    return stay;
}

/* ---- one curve ---- */

static int find_program(struct fl_sim_finder *f, struct fl_err *err)
{
    struct fl_corners corners;
    int r;

    fl_arena_clear(&f->arena);
    r = fl_exposure_corners(f->exposure, f->outage, f->outages, f->until, &f->arena, &corners, err);
    if (r < 0)
        return r;
    f->day = corners.days;
    f->cost = corners.profit;
    f->points = corners.count;
    return FL_OK;
}

/* Loss begins at once only where stock covers less than the first step. */
static int find_daily(struct fl_sim_finder *f, struct fl_err *err)
{
    double worst = 0;
    bool last = false;

    f->day = f->daily_day;
    f->cost = f->daily_cost;
    f->points = 0;
    for (size_t i = 0; i < FL_LEN(daily_days) && !last; i++) {
        struct fl_daily daily = {0};
        int r = FL_OK;

        last = daily_days[i] >= f->table->until;
        fl_arena_clear(&f->arena);
        if (i > 0)
            r = fl_daily_run(f->table->net, f->outage, f->outages, daily_days[i], f->table->daily,
                             &f->arena, &daily, err);
        if (r < 0)
            return r;
        if (i == 1 && daily.lost_profit <= 0)
            f->points = 0;
        worst = fmax(worst, daily.lost_profit);
        f->day[f->points] = daily_days[i];
        f->cost[f->points++] = worst;
    }
    return FL_OK;
}

static struct curve *pack(const struct fl_sim_finder *f, const uint32_t *set, uint32_t count)
{
    size_t points = f->points;
    struct curve *curve =
        malloc(sizeof(*curve) + 2 * points * sizeof(double) + count * sizeof(*set));

    if (curve == NULL)
        return NULL;
    curve->count = f->points;
    curve->keys = count;
    curve->until = f->until;
    curve->day = curve->room;
    curve->cost = curve->room + points;
    curve->key = (uint32_t *)(void *)(curve->room + 2 * points);
    memcpy(curve->day, f->day, points * sizeof(double));
    memcpy(curve->cost, f->cost, points * sizeof(double));
    memcpy(curve->key, set, count * sizeof(*set));
    return curve;
}

static int find(struct fl_sim_finder *f, const uint32_t *set, uint32_t count, struct curve **ret,
                struct fl_err *err)
{
    int r;

    f->outages = count;
    for (uint32_t i = 0; i < count; i++)
        f->outage[i] = (struct fl_outage){.site = set[i] >> 4,
                                          .source = FL_NET_NONE,
                                          .left = (set[i] & 15u) / (double)FL_SIM_LEVELS,
                                          .days = NAN};
    r = f->table->daily != NULL ? find_daily(f, err) : find_program(f, err);
    if (r < 0)
        return r;
    *ret = pack(f, set, count);
    return *ret == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for a curve") : FL_OK;
}

static double curve_at(const struct curve *c, double day)
{
    uint32_t low = 0, high = c->count;

    if (c->count == 0 || day <= c->day[0])
        return 0;
    if (c->count == 1)
        return c->cost[0];
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;

        if (c->day[middle] <= day)
            low = middle;
        else
            high = middle;
    }
    if (low == c->count - 1)
        low--; /* behind the last corner it goes on as it was */
    return c->cost[low] + (c->cost[low + 1] - c->cost[low]) * (day - c->day[low]) /
                              (c->day[low + 1] - c->day[low]);
}

static size_t slot_of(const uint32_t *set, uint32_t count)
{
    uint64_t h = 0x9E3779B97F4A7C15u ^ count;

    for (uint32_t i = 0; i < count; i++) {
        h = (h ^ set[i]) * 0xBF58476D1CE4E5B9u;
        h ^= h >> 29;
    }
    return (size_t)(h & (SLOTS - 1));
}

/* Until when a curve is found: of a large network most sets come up once, and few for long. By the
 * day in hand alone, so that it makes no difference which thread was first. */
static double horizon(const struct fl_sim_curves *c, double day)
{
    static const double steps[] = {45, 150};

    for (size_t i = 0; c->daily == NULL && i < FL_LEN(steps); i++)
        if (day <= steps[i] && steps[i] < c->until)
            return steps[i];
    return c->until;
}

/* A day until which the set surely costs nothing. */
static double covered(const struct fl_sim_finder *f, const uint32_t *set, uint32_t count)
{
    const struct fl_net *net = f->table->net;
    double days = INFINITY;

    for (uint32_t i = 0; i < count; i++) {
        const struct fl_net_index *of = &net->sources_of_site;

        for (uint32_t k = of->start[set[i] >> 4]; k < of->start[(set[i] >> 4) + 1]; k++)
            days = fmin(days, f->table->cover[net->sources[of->list[k]].part]);
    }
    return days;
}

int fl_sim_cost(struct fl_sim_finder *f, const uint32_t *set, uint32_t count, double from_days,
                double to_days, double *ret, struct fl_err *err)
{
    struct fl_sim_curves *c = f->table;
    double until = horizon(c, to_days);
    size_t at = slot_of(set, count);
    struct curve *curve;
    bool full = atomic_load_explicit(&c->count, memory_order_relaxed) > SLOTS / 2;
    int r;

    *ret = 0;
    if (!f->table->weak && to_days <= covered(f, set, count))
        return FL_OK;
    for (;; at = (at + 1) & (SLOTS - 1)) {
        curve = atomic_load_explicit(&c->slots[at], memory_order_acquire);
        if (curve == NULL)
            break;
        if (curve->until == until && curve->keys == count &&
            memcmp(curve->key, set, count * sizeof(*set)) == 0) {
            *ret = curve_at(curve, to_days) - curve_at(curve, from_days);
            return FL_OK;
        }
    }
    f->until = until;
    r = find(f, set, count, &curve, err);
    if (r < 0)
        return r;
    *ret = curve_at(curve, to_days) - curve_at(curve, from_days);
    for (; !full; at = (at + 1) & (SLOTS - 1)) {
        struct curve *there = NULL;

        if (atomic_compare_exchange_strong(&c->slots[at], &there, curve)) {
            atomic_fetch_add(&c->count, 1);
            return FL_OK;
        }
        if (there->until == until && there->keys == count &&
            memcmp(there->key, set, count * sizeof(*set)) == 0)
            break; /* another thread was first, with the same */
    }
    if (full)
        atomic_fetch_add(&c->again, 1);
    free(curve);
    return FL_OK;
}
