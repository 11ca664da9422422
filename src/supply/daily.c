#include "supply/daily.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

enum { LEAD_MAX = 365, REFILL_DAYS = 10, QUIET_DAYS = 10, AFTER_DAYS = 30 };

struct arm { /* a source, or the site that takes over from one */
    uint32_t part, site;
    double normal;         /* units a day with nothing down */
    double left;           /* 0..1 while it is down */
    uint32_t opens, until; /* days: delivers from then on; down until then */
    double *extra;         /* what was ordered beyond normal, by day of arrival modulo lead + 1 */
    double planned;        /* today */
};

struct work {
    const struct fl_net *net;
    const struct fl_daily_rule *rule;
    struct fl_arena *arena;
    uint32_t days, lead_max, day;
    double refill;
    /* of items */
    double *want, *made, *stock, *full;
    uint32_t *rank;
    /* of lines of the bills of material */
    double *given;
    uint32_t *by_rank; /* lines of a part, those served first at first */
    /* of parts */
    uint32_t *lead, *first_arm; /* arms of part p: first_arm[p] .. first_arm[p + 1] - 1 */
    uint32_t *short_until;      /* day from which all of a part's arms deliver again */
    bool *unlimited;
    struct arm *arms;
    uint32_t arm_count;
    /* of sites */
    double *site_left, *load;
    uint32_t *site_until;
    double *rate; /* of items: units a day that demand draws */
};

/* ---- memory ---- */

static void *zeroed(struct work *w, size_t count, size_t size)
{
    void *p = fl_arena_get(w->arena, (count + 1) * size);

    if (p != NULL)
        memset(p, 0, (count + 1) * size);
    return p;
}

static int make_room(struct work *w, struct fl_err *err)
{
    const struct fl_net *net = w->net;
    size_t items = fl_net_item_count(net), sites = net->site_count, parts = net->part_count;
    const struct {
        void **to;
        size_t count, size;
    } wanted[] = {
        {(void **)&w->want, items, sizeof(double)},
        {(void **)&w->made, items, sizeof(double)},
        {(void **)&w->stock, items, sizeof(double)},
        {(void **)&w->full, items, sizeof(double)},
        {(void **)&w->rate, items, sizeof(double)},
        {(void **)&w->rank, items, sizeof(uint32_t)},
        {(void **)&w->given, net->use_count, sizeof(double)},
        {(void **)&w->by_rank, net->use_count, sizeof(uint32_t)},
        {(void **)&w->lead, parts, sizeof(uint32_t)},
        {(void **)&w->first_arm, parts + 1, sizeof(uint32_t)},
        {(void **)&w->unlimited, parts, sizeof(bool)},
        {(void **)&w->short_until, parts, sizeof(uint32_t)},
        {(void **)&w->arms, 2 * (size_t)net->source_count, sizeof(struct arm)},
        {(void **)&w->site_left, sites, sizeof(double)},
        {(void **)&w->load, sites, sizeof(double)},
        {(void **)&w->site_until, sites, sizeof(uint32_t)},
    };

    for (size_t i = 0; i < FL_LEN(wanted); i++)
        if ((*wanted[i].to = zeroed(w, wanted[i].count, wanted[i].size)) == NULL)
            return fl_err_set(err, FL_E_LIMIT, "no room for %zu items day by day", items);
    return FL_OK;
}

/* ---- the start ---- */

static double above_0(double value)
{
    return value > 0 ? value : 0;
}

static uint32_t whole_days(double days, uint32_t max)
{
    return !(days > 0) ? 0 : days >= max ? max : (uint32_t)ceil(days);
}

/* What demand draws of each item, and the stock of the first day. */
static void fill_items(struct work *w)
{
    const struct fl_net *net = w->net;

    for (uint32_t i = fl_net_item_count(net); i-- > 0;) {
        uint32_t item = net->order[i];
        bool product = fl_net_is_product(net, item);
        const struct fl_net_product *p = product ? &net->products[item - net->part_count] : NULL;

        w->full[item] = above_0(product ? p->stock_units : net->parts[item].stock_units);
        w->stock[item] = w->full[item];
        if (product)
            w->rate[item] = above_0(p->demand_per_day);
        for (uint32_t k = net->uses_of_parent.start[item]; k < net->uses_of_parent.start[item + 1];
             k++) {
            const struct fl_net_use *use = &net->uses[net->uses_of_parent.list[k]];

            w->rate[use->part] += above_0(use->quantity) * w->rate[item];
        }
        if (!product && w->rate[item] > 0 && !w->rule->no_lead)
            w->lead[item] = whole_days(net->parts[item].lead_days, LEAD_MAX);
        if (!product && w->lead[item] > w->lead_max)
            w->lead_max = w->lead[item];
    }
}

struct ranked {
    double key; /* rising */
    uint32_t index;
};

static int by_key(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* An item counts as the first of the products that it goes into. */
static int fill_ranks(struct work *w, struct fl_err *err)
{
    const struct fl_net *net = w->net;
    uint32_t most = net->product_count > net->use_count ? net->product_count : net->use_count;
    struct ranked *list = zeroed(w, most, sizeof(*list));

    if (list == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for %u lines day by day", most);
    memset(w->rank, 0xFF, fl_net_item_count(net) * sizeof(*w->rank));
    for (uint32_t i = 0; i < net->product_count; i++)
        list[i] = (struct ranked){-above_0(net->products[i].profit_per_unit), i};
    for (uint32_t i = 0; w->rule->allocation == FL_ALLOCATE_LIST && i < w->rule->first_count; i++)
        if (w->rule->first[i] < net->product_count)
            list[w->rule->first[i]].key = -1e30 * (w->rule->first_count - i);
    qsort(list, net->product_count, sizeof(*list), by_key);
    for (uint32_t i = 0; i < net->product_count; i++)
        w->rank[fl_net_item_of_product(net, list[i].index)] = i;
    for (uint32_t i = fl_net_item_count(net); i-- > 0;) {
        uint32_t item = net->order[i];

        for (uint32_t k = net->uses_of_parent.start[item]; k < net->uses_of_parent.start[item + 1];
             k++) {
            uint32_t part = net->uses[net->uses_of_parent.list[k]].part;

            if (w->rank[item] < w->rank[part])
                w->rank[part] = w->rank[item];
        }
    }
    for (uint32_t p = 0; p < net->part_count; p++) {
        uint32_t first = net->uses_of_part.start[p], n = net->uses_of_part.start[p + 1] - first;

        for (uint32_t k = 0; k < n; k++) {
            uint32_t line = net->uses_of_part.list[first + k];

            list[k] = (struct ranked){w->rank[net->uses[line].parent], line};
        }
        qsort(list, n, sizeof(*list), by_key);
        for (uint32_t k = 0; k < n; k++)
            w->by_rank[first + k] = list[k].index;
    }
    return FL_OK;
}

struct down { /* of a source: both may be down at once */
    double left;
    uint32_t until;
};

static struct down down_of(const struct work *w, uint32_t source, const struct fl_outage *outages,
                           size_t count, double days)
{
    const struct fl_net_source *s = &w->net->sources[source];
    struct down d = {w->site_until[s->site] > 0 ? w->site_left[s->site] : 1,
                     w->site_until[s->site]};

    for (size_t i = 0; i < count; i++)
        if (outages[i].source == source) {
            double own = days > 0 ? days : outages[i].days;
            uint32_t until =
                whole_days(isnan(own) ? w->net->sites[s->site].ttr_days : own, FL_DAILY_DAYS_MAX);

            d.left = fmin(d.left, outages[i].left);
            d.until = until > d.until ? until : d.until;
        }
    return d;
}

static int add_arm(struct work *w, uint32_t part, uint32_t site, double opens, struct down down,
                   struct fl_err *err)
{
    struct arm *arm = &w->arms[w->arm_count++];
    bool limited = isfinite(w->net->sites[site].capacity_per_day);

    /* Without a limit, whatever is left is enough. */
    if (down.left > 0 && !limited)
        down.until = 0;
    *arm = (struct arm){.part = part,
                        .site = site,
                        .left = down.left,
                        .opens = whole_days(opens, FL_DAILY_DAYS_MAX),
                        .until = down.until};
    if (down.until > 0 && down.until + w->lead[part] > w->short_until[part])
        w->short_until[part] = down.until + w->lead[part];
    arm->extra = zeroed(w, w->lead[part] + 1u, sizeof(double));
    return arm->extra == NULL ? fl_err_set(err, FL_E_LIMIT, "no room for orders") : FL_OK;
}

/* Arms of all parts, in their order; sources that may not deliver are none. */
static int fill_arms(struct work *w, const struct fl_outage *outages, size_t count, double days,
                     struct fl_err *err)
{
    const struct fl_net *net = w->net;
    int r = FL_OK;

    for (uint32_t p = 0; p < net->part_count && r == FL_OK; p++) {
        bool any = false;

        w->first_arm[p] = w->arm_count;
        for (uint32_t k = net->sources_of_part.start[p];
             k < net->sources_of_part.start[p + 1] && r == FL_OK; k++) {
            uint32_t i = net->sources_of_part.list[k];
            const struct fl_net_source *s = &net->sources[i];
            const struct fl_net_site *site = &net->sites[s->site];
            struct down down = down_of(w, i, outages, count, days);
            uint32_t other = site->alternate, own;

            any |= s->qualified;
            if (!s->qualified || !(site->capacity_per_day > 0))
                continue;
            r = add_arm(w, p, s->site, s->used ? 0 : s->bring_up_days, down, err);
            own = other == FL_NET_NONE ? FL_NET_NONE : fl_net_source_find(net, p, other);
            if (r < 0 || down.until == 0 || other == FL_NET_NONE || other == s->site ||
                !(net->sites[other].capacity_per_day > 0) ||
                (own != FL_NET_NONE && net->sources[own].qualified && net->sources[own].used))
                continue;
            r = add_arm(w, p, other, fmax(site->bring_up_days, 0),
                        (struct down){w->site_until[other] > 0 ? w->site_left[other] : 1,
                                      w->site_until[other]},
                        err);
        }
        w->unlimited[p] = !any;
    }
    w->first_arm[net->part_count] = w->arm_count;
    return r;
}

/* Today's split: by share, unknown ones evenly; what a site cannot do, others take over. */
static void fill_normal(struct work *w)
{
    const struct fl_net *net = w->net;

    for (uint32_t p = 0; p < net->part_count; p++) {
        double missing = w->rate[p];

        for (unsigned pass = 0; pass < 4 && missing > 1e-12 * w->rate[p]; pass++) {
            double weight = 0, begun = missing;

            for (int put = 0; put < 2; put++)
                for (uint32_t i = w->first_arm[p]; i < w->first_arm[p + 1]; i++) {
                    struct arm *arm = &w->arms[i];
                    uint32_t s = fl_net_source_find(net, p, arm->site);
                    double room = net->sites[arm->site].capacity_per_day - w->load[arm->site];
                    double share, take;

                    if (s == FL_NET_NONE || !net->sources[s].used || arm->opens > 0 || room <= 0)
                        continue;
                    share = isnan(net->sources[s].share) ? 0.5 : fmax(net->sources[s].share, 1e-6);
                    if (put == 0) {
                        weight += share;
                        continue;
                    }
                    take = fmin(begun * share / weight, room);
                    arm->normal += take;
                    w->load[arm->site] += take;
                    missing -= take;
                }
            if (weight <= 0)
                break;
        }
    }
}

static int set_down(struct work *w, const struct fl_outage *outages, size_t count, double days,
                    struct fl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t site = outages[i].site, until;
        double own = days > 0 ? days : outages[i].days;

        if (site == FL_NET_NONE && outages[i].source < w->net->source_count)
            site = w->net->sources[outages[i].source].site;
        if (site >= w->net->site_count)
            return fl_err_set(err, FL_E_INVAL, "outage %zu names no site and no source", i + 1);
        until = whole_days(isnan(own) ? w->net->sites[site].ttr_days : own, FL_DAILY_DAYS_MAX);
        w->days = until > w->days ? until : w->days;
        if (outages[i].site == FL_NET_NONE)
            continue;
        w->site_left[site] =
            w->site_until[site] > 0 ? fmin(w->site_left[site], outages[i].left) : outages[i].left;
        w->site_until[site] = until > w->site_until[site] ? until : w->site_until[site];
    }
    return FL_OK;
}

/* ---- one day ---- */

/* Delivered without an order beyond the normal. */
static double normal_on(const struct work *w, const struct arm *arm, uint32_t day)
{
    if (day < arm->until)
        return arm->normal * arm->left;
    if (arm->until > 0 && arm->left <= 0 && day < arm->until + w->lead[arm->part])
        return 0; /* its pipeline has run dry */
    return arm->normal;
}

static bool is_up(const struct arm *arm, uint32_t day)
{
    return day >= arm->opens && (day >= arm->until || arm->left > 0);
}

static double *extra_on(const struct work *w, struct arm *arm, uint32_t day)
{
    return &arm->extra[day % (w->lead[arm->part] + 1)];
}

/* What each item should be made of today, users first. */
static void wants(struct work *w)
{
    const struct fl_net *net = w->net;

    memset(w->want, 0, fl_net_item_count(net) * sizeof(*w->want));
    for (uint32_t i = fl_net_item_count(net); i-- > 0;) {
        uint32_t item = net->order[i];

        if (w->rate[item] <= 0)
            continue;
        if (fl_net_is_product(net, item))
            w->want[item] = w->rate[item];
        w->want[item] = above_0(w->want[item] + (w->full[item] - w->stock[item]) / w->refill);
        for (uint32_t k = net->uses_of_parent.start[item]; k < net->uses_of_parent.start[item + 1];
             k++) {
            const struct fl_net_use *use = &net->uses[net->uses_of_parent.list[k]];

            w->want[use->part] += above_0(use->quantity) * w->want[item];
        }
    }
}

/* Ordered today for a lead time from now: what normal deliveries of that day will not cover. */
static void order(struct work *w, uint32_t part)
{
    uint32_t then = w->day + w->lead[part], first = w->first_arm[part],
             end = w->first_arm[part + 1];
    double gap = w->want[part], weight = 0, capacity;

    for (uint32_t i = first; i < end; i++)
        gap -= normal_on(w, &w->arms[i], then);
    for (int put = 0; put < 2; put++)
        for (uint32_t i = first; i < end; i++) {
            struct arm *arm = &w->arms[i];
            double room;

            capacity = w->net->sites[arm->site].capacity_per_day;
            room =
                isinf(capacity) ? fmax(w->rate[part], 1e-9) * 1e3 : fmax(capacity - arm->normal, 0);
            if (put == 0)
                *extra_on(w, arm, then) = 0; /* the room of yesterday's */
            if (gap <= 1e-12 * w->rate[part] || !is_up(arm, w->day))
                continue;
            if (put == 0)
                weight += room;
            else if (weight > 0)
                *extra_on(w, arm, then) = fmin(gap * room / weight, room);
        }
}

/* What each arm would make, before inputs: as far as its site's capacity goes. */
static void plan_arms(struct work *w)
{
    const struct fl_net *net = w->net;

    memset(w->load, 0, net->site_count * sizeof(*w->load));
    for (uint32_t p = 0; p < net->part_count; p++) {
        double all = 0, scale;

        if (w->rate[p] <= 0)
            continue;
        for (uint32_t i = w->first_arm[p]; i < w->first_arm[p + 1]; i++) {
            struct arm *arm = &w->arms[i];

            arm->planned =
                is_up(arm, w->day) ? normal_on(w, arm, w->day) + *extra_on(w, arm, w->day) : 0;
            if (w->day < arm->until) /* a part of the site, or of this line of it */
                arm->planned =
                    fmin(arm->planned, arm->left * net->sites[arm->site].capacity_per_day);
            all += arm->planned;
        }
        scale = all > w->want[p] ? w->want[p] / all : 1;
        for (uint32_t i = w->first_arm[p]; i < w->first_arm[p + 1]; i++) {
            w->arms[i].planned *= scale;
            w->load[w->arms[i].site] += w->arms[i].planned;
        }
    }
    for (uint32_t i = 0; i < w->arm_count; i++) {
        struct arm *arm = &w->arms[i];
        double capacity = net->sites[arm->site].capacity_per_day;

        if (w->day < w->site_until[arm->site] && isfinite(capacity))
            capacity *= w->site_left[arm->site];
        if (w->load[arm->site] > capacity)
            arm->planned *= capacity / w->load[arm->site];
    }
}

/* Lines in their order, each as much as is left. While the part is short, what those in front will
 * need until it is not is kept for them. */
static void serve_in_order(struct work *w, uint32_t part, double there)
{
    const struct fl_net *net = w->net;
    double front = 0, left = w->short_until[part] > w->day ? w->short_until[part] - w->day - 1 : 0;

    for (uint32_t k = net->uses_of_part.start[part]; k < net->uses_of_part.start[part + 1]; k++) {
        double *given = &w->given[w->by_rank[k]], want = *given;
        double kept = above_0(front - w->made[part]) * left;

        *given = fmin(want, above_0(there - kept));
        there -= *given;
        front += want;
    }
}

/* What there is of a part, shared out to the lines that take it. */
static void share_out(struct work *w, uint32_t part)
{
    const struct fl_net *net = w->net;
    double there = w->stock[part] + w->made[part], asked = 0;
    uint32_t first = net->uses_of_part.start[part], end = net->uses_of_part.start[part + 1];

    for (uint32_t k = first; k < end; k++) {
        const struct fl_net_use *use = &net->uses[w->by_rank[k]];

        w->given[w->by_rank[k]] = above_0(use->quantity) * w->want[use->parent];
        asked += w->given[w->by_rank[k]];
    }
    if (w->unlimited[part])
        return;
    if (w->rule->allocation != FL_ALLOCATE_EVEN)
        serve_in_order(w, part, there);
    else
        for (uint32_t k = first; asked > there && k < end; k++)
            w->given[w->by_rank[k]] *= there / asked;
}

/* Parts before what is made of them. */
static void make(struct work *w)
{
    const struct fl_net *net = w->net;

    for (uint32_t i = 0; i < fl_net_item_count(net); i++) {
        uint32_t item = net->order[i];
        double most = 0;

        if (w->rate[item] <= 0)
            continue;
        if (fl_net_is_product(net, item) || w->unlimited[item])
            most = w->want[item];
        else
            for (uint32_t k = w->first_arm[item]; k < w->first_arm[item + 1]; k++)
                most += w->arms[k].planned;
        for (uint32_t k = net->uses_of_parent.start[item]; k < net->uses_of_parent.start[item + 1];
             k++) {
            uint32_t line = net->uses_of_parent.list[k];
            double quantity = above_0(net->uses[line].quantity);

            if (quantity > 0)
                most = fmin(most, w->given[line] / quantity);
        }
        w->made[item] = most;
        if (!fl_net_is_product(net, item))
            share_out(w, item);
    }
}

/* Stock after the day, and what was not sold. */
static void settle(struct work *w, struct fl_daily *out)
{
    const struct fl_net *net = w->net;

    for (uint32_t item = 0; item < net->part_count; item++)
        if (w->rate[item] > 0 && !w->unlimited[item])
            w->stock[item] += w->made[item];
    for (uint32_t k = 0; k < net->use_count; k++) {
        const struct fl_net_use *use = &net->uses[k];

        if (w->rate[use->part] > 0 && !w->unlimited[use->part])
            w->stock[use->part] =
                above_0(w->stock[use->part] - above_0(use->quantity) * w->made[use->parent]);
    }
    for (uint32_t v = 0; v < net->product_count; v++) {
        uint32_t item = fl_net_item_of_product(net, v);
        double there = w->stock[item] + w->made[item], sold = fmin(there, w->rate[item]);
        double lost = w->rate[item] - sold;

        w->stock[item] = there - sold;
        if (lost <= 1e-9 * w->rate[item])
            continue;
        out->products[v].lost_units += lost;
        if (isinf(out->products[v].first_day))
            out->products[v].first_day = w->day;
        out->profit_by_day[w->day] += lost; /* any loss at all; money below */
    }
}

/* Units of the day to money, product by product at the end of it. */
struct price {
    double profit, revenue;
};

static int prices(struct work *w, struct price **ret, struct fl_err *err)
{
    struct price *p = zeroed(w, w->net->product_count, sizeof(*p));

    if (p == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for prices");
    for (uint32_t v = 0; v < w->net->product_count; v++) {
        const struct fl_net_product *product = &w->net->products[v];
        double one = 0;

        if (fl_net_convert(w->net, 1, product->currency, INT32_MAX, &one, err) < 0)
            return fl_err_wrap(err, "product '%s'", product->id);
        p[v].profit = above_0(product->profit_per_unit) * one;
        p[v].revenue = above_0(product->revenue_per_unit) * one;
    }
    *ret = p;
    return FL_OK;
}

static void sum_up(const struct work *w, const struct price *price, struct fl_daily *out)
{
    out->first_day = INFINITY;
    for (uint32_t v = 0; v < w->net->product_count; v++) {
        struct fl_daily_product *p = &out->products[v];

        p->lost_profit = p->lost_units * price[v].profit;
        p->lost_revenue = p->lost_units * price[v].revenue;
        out->lost_units += p->lost_units;
        out->lost_profit += p->lost_profit;
        out->lost_revenue += p->lost_revenue;
        out->first_day = fmin(out->first_day, p->first_day);
    }
}

static double profit_so_far(const struct work *w, const struct price *price,
                            const struct fl_daily *out)
{
    double sum = 0;

    for (uint32_t v = 0; v < w->net->product_count; v++)
        sum += out->products[v].lost_units * price[v].profit;
    return sum;
}

static void run(struct work *w, const struct price *price, uint32_t horizon, struct fl_daily *out)
{
    double before = 0;
    uint32_t quiet = 0;

    for (w->day = 0; w->day < horizon; w->day++) {
        bool lost;

        wants(w);
        for (uint32_t p = 0; p < w->net->part_count; p++)
            if (w->rate[p] > 0 && !w->unlimited[p])
                order(w, p);
        plan_arms(w);
        make(w);
        settle(w, out);
        lost = out->profit_by_day[w->day] > 0;
        out->profit_by_day[w->day] = profit_so_far(w, price, out) - before;
        before += out->profit_by_day[w->day];
        quiet = lost ? 0 : quiet + 1;
        out->days = w->day + 1;
        if (w->day >= w->days + w->lead_max && quiet >= QUIET_DAYS)
            break;
    }
}

int fl_daily_run(const struct fl_net *net, const struct fl_outage *outages, size_t count,
                 double days, const struct fl_daily_rule *rule, struct fl_arena *arena,
                 struct fl_daily *ret, struct fl_err *err)
{
    struct work w = {.net = net, .rule = rule, .arena = arena};
    struct fl_daily out = {0};
    struct price *price = NULL;
    uint32_t horizon;
    int r = make_room(&w, err);

    w.refill = rule->refill_days > 0 ? fmax(rule->refill_days, 1) : REFILL_DAYS;
    if (r == FL_OK)
        r = set_down(&w, outages, count, days, err);
    if (r < 0)
        return r;
    fill_items(&w);
    r = fill_ranks(&w, err);
    if (r == FL_OK)
        r = fill_arms(&w, outages, count, days, err);
    if (r == FL_OK)
        r = prices(&w, &price, err);
    if (r != FL_OK)
        return r;
    fill_normal(&w);
    horizon = w.days + 2 * w.lead_max + AFTER_DAYS;
    horizon = horizon > FL_DAILY_DAYS_MAX ? FL_DAILY_DAYS_MAX : horizon;
    out.profit_by_day = zeroed(&w, horizon, sizeof(double));
    out.products = zeroed(&w, net->product_count, sizeof(*out.products));
    if (out.profit_by_day == NULL || out.products == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for %u days", horizon);
    for (uint32_t v = 0; v < net->product_count; v++)
        out.products[v].first_day = INFINITY;
    run(&w, price, horizon, &out);
    sum_up(&w, price, &out);
    *ret = out;
    return FL_OK;
}
