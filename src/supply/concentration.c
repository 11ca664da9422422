#include "supply/concentration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "supply/geo.h"

enum { COUNTRIES = 26 * 26 };
#define KM_PER_DEGREE 111.195

/* ---- single parts ---- */

static const char *const flag_names[] = {"sole_source", "single_source", "single_site",
                                         "same_hazard", "hidden_hub"};

const char *fl_source_flag_name(enum fl_source_flag flag)
{
    for (size_t i = 0; i < FL_LEN(flag_names); i++)
        if (1u << i == (unsigned)flag)
            return flag_names[i];
    return NULL;
}

const char *fl_level_name(enum fl_level level)
{
    static const char *const names[FL_LEVELS] = {"supplier", "site", "cluster", "country"};

    return (unsigned)level < FL_LEVELS ? names[level] : NULL;
}

static bool counts(const struct fl_net *net, uint32_t source)
{
    const struct fl_net_source *s = &net->sources[source];
    uint32_t supplier = net->sites[s->site].supplier;

    return s->qualified && (supplier == FL_NET_NONE || !net->suppliers[supplier].distributor);
}

static bool same_supplier(const struct fl_net *net, uint32_t a, uint32_t b)
{
    uint32_t x = net->sources[a].site, y = net->sources[b].site;

    return x == y || (net->sites[x].supplier != FL_NET_NONE &&
                      net->sites[x].supplier == net->sites[y].supplier);
}

/* Suppliers among the sources that count; used: among those that deliver today. */
static uint32_t suppliers(const struct fl_net *net, uint32_t part, bool used)
{
    const struct fl_net_index *of = &net->sources_of_part;
    uint32_t n = 0;

    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++) {
        uint32_t s = of->list[i];
        bool seen = !counts(net, s) || (used && !net->sources[s].used);

        for (uint32_t k = of->start[part]; k < i && !seen; k++)
            seen = counts(net, of->list[k]) && (!used || net->sources[of->list[k]].used) &&
                   same_supplier(net, s, of->list[k]);
        n += !seen;
    }
    return n;
}

uint32_t fl_part_suppliers(const struct fl_net *net, uint32_t part)
{
    return suppliers(net, part, false);
}

static bool in_cyclone_belt(const struct fl_net_site *s)
{
    return fabs(s->lat) >= 5 && fabs(s->lat) <= 45;
}

/* What of usual size reaches both. Unknown positions: not known, hence not said. */
static unsigned one_reach(const struct fl_net_site *a, const struct fl_net_site *b)
{
    double km;

    if (!fl_geo_valid(a->lat, a->lon) || !fl_geo_valid(b->lat, b->lon))
        return 0;
    km = fl_geo_km(a->lat, a->lon, b->lat, b->lon);
    return (km <= FL_QUAKE_REACH_KM ? FL_REACH_QUAKE : 0u) |
           (km <= FL_CYCLONE_REACH_KM && in_cyclone_belt(a) && in_cyclone_belt(b) ? FL_REACH_WIND
                                                                                  : 0u);
}

unsigned fl_part_reach(const struct fl_net *net, uint32_t part)
{
    const struct fl_net_index *of = &net->sources_of_part;
    unsigned all = FL_REACH_QUAKE | FL_REACH_WIND;
    uint32_t sites = 0;

    for (uint32_t i = of->start[part]; i < of->start[part + 1] && all != 0; i++) {
        if (!counts(net, of->list[i]))
            continue;
        sites++;
        for (uint32_t k = of->start[part]; k < i; k++)
            if (counts(net, of->list[k]))
                all &= one_reach(&net->sites[net->sources[of->list[i]].site],
                                 &net->sites[net->sources[of->list[k]].site]);
    }
    return sites > 1 ? all : 0;
}

unsigned fl_part_flags(const struct fl_net *net, uint32_t part)
{
    const struct fl_net_index *of = &net->sources_of_part;
    uint32_t qualified = suppliers(net, part, false), used = suppliers(net, part, true);
    uint32_t sites = 0;
    bool near = true;
    unsigned flags = 0;

    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++) {
        if (!counts(net, of->list[i]))
            continue;
        sites++; /* a part's sources stand at different sites */
        for (uint32_t k = of->start[part]; k < i && near; k++)
            if (counts(net, of->list[k]))
                near = one_reach(&net->sites[net->sources[of->list[i]].site],
                                 &net->sites[net->sources[of->list[k]].site]) != 0;
    }
    if (qualified == 1)
        flags |= FL_SOLE_SOURCE;
    if (qualified > 1 && used == 1)
        flags |= FL_SINGLE_SOURCE;
    if (sites == 1)
        flags |= FL_SINGLE_SITE;
    if (sites > 1 && near)
        flags |= FL_SAME_HAZARD;
    return flags;
}

bool fl_source_is_sole(const struct fl_net *net, uint32_t source)
{
    const struct fl_net_index *of = &net->sources_of_part;
    uint32_t part = net->sources[source].part;

    if (!counts(net, source))
        return false;
    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++)
        if (of->list[i] != source && counts(net, of->list[i]))
            return false;
    return true;
}

uint32_t fl_sole_parts_of_site(const struct fl_net *net, uint32_t site)
{
    const struct fl_net_index *of = &net->sources_of_site;
    uint32_t n = 0;

    for (uint32_t i = of->start[site]; i < of->start[site + 1]; i++)
        n += fl_source_is_sole(net, of->list[i]);
    return n;
}

/* ---- clusters ---- */

static uint32_t root(uint32_t *of, uint32_t i)
{
    while (of[i] != i) {
        of[i] = of[of[i]];
        i = of[i];
    }
    return i;
}

struct by_lat {
    double lat;
    uint32_t site;
    struct fl_geo_vec at;
};

static int by_latitude(const void *a, const void *b)
{
    const struct by_lat *x = a, *y = b;

    return (x->lat > y->lat) - (x->lat < y->lat);
}

/* Sites nearer than km are of one cluster, named by the first of them; of[i] NONE: no position. */
static int clusters(const struct fl_net *net, double km, struct fl_arena *work, uint32_t *of,
                    struct fl_err *err)
{
    struct by_lat *s = fl_arena_get(work, ((size_t)net->site_count + 1) * sizeof *s);
    uint32_t n = 0;

    if (s == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for %u sites", net->site_count);
    for (uint32_t i = 0; i < net->site_count; i++) {
        of[i] = FL_NET_NONE;
        if (!fl_geo_valid(net->sites[i].lat, net->sites[i].lon))
            continue;
        of[i] = i;
        s[n++] =
            (struct by_lat){net->sites[i].lat, i, fl_geo_vec(net->sites[i].lat, net->sites[i].lon)};
    }
    if (n > 1)
        qsort(s, n, sizeof *s, by_latitude);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = i + 1; k < n && (s[k].lat - s[i].lat) * KM_PER_DEGREE <= km; k++)
            if (fl_geo_vec_km(s[i].at, s[k].at) <= km) {
                uint32_t a = root(of, s[i].site), b = root(of, s[k].site);

                of[a > b ? a : b] = a > b ? b : a;
            }
    for (uint32_t i = 0; i < net->site_count; i++)
        if (of[i] != FL_NET_NONE)
            of[i] = root(of, i);
    return FL_OK;
}

/* ---- shares ---- */

double fl_hhi(const double *shares, uint32_t count)
{
    double sum = 0, squares = 0;

    for (uint32_t i = 0; i < count; i++) {
        sum += shares[i];
        squares += shares[i] * shares[i];
    }
    return sum > 0 ? 1e4 * squares / (sum * sum) : 0;
}

struct spreading {
    const struct fl_net *net;
    uint32_t *cluster;
    double *direct, *below; /* weight of each part */
    double *hands;          /* of the level in hand */
    double *share;          /* of sources */
};

/* How much of each part is drawn a day: by products themselves, and by other parts. */
static void draws(struct spreading *s, uint32_t product)
{
    const struct fl_net *net = s->net;
    const struct fl_net_index *of = &net->uses_of_parent;

    for (uint32_t i = fl_net_item_count(net); i-- > 0;) {
        uint32_t item = net->order[i], v = item - net->part_count;
        bool is = fl_net_is_product(net, item);
        double rate;

        if (is && product != FL_NET_NONE && product != v)
            continue;
        rate = !is                                   ? s->direct[item] + s->below[item]
               : net->products[v].demand_per_day > 0 ? net->products[v].demand_per_day
               : product != FL_NET_NONE              ? 1
                                                     : 0;
        for (uint32_t k = of->start[item]; rate > 0 && k < of->start[item + 1]; k++) {
            const struct fl_net_use *use = &net->uses[of->list[k]];

            (is ? s->direct : s->below)[use->part] += rate * use->quantity;
        }
    }
}

/* From what is drawn to what it weighs. */
static void weigh(struct spreading *s)
{
    bool costs = true;
    struct fl_err ignored;

    for (uint32_t k = 0; k < s->net->part_count && costs; k++)
        costs = s->direct[k] + s->below[k] <= 0 || s->net->parts[k].unit_cost > 0;
    for (uint32_t k = 0; k < s->net->part_count; k++) {
        double cost = 0, whole = s->direct[k] + s->below[k];

        if (whole <= 0)
            continue;
        if (costs && fl_net_convert(s->net, s->net->parts[k].unit_cost, s->net->parts[k].currency,
                                    INT32_MAX, &cost, &ignored) == FL_OK) {
            s->direct[k] *= cost;
            s->below[k] *= cost;
        } else {
            s->direct[k] = s->direct[k] > 0;
            s->below[k] = s->below[k] > 0;
        }
    }
}

/* Today's split of each part over the sources that count. */
static void split(struct spreading *s, uint32_t part)
{
    const struct fl_net_index *of = &s->net->sources_of_part;
    double sum = 0;
    uint32_t used = 0, all = 0;
    bool known = true;

    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++) {
        const struct fl_net_source *src = &s->net->sources[of->list[i]];

        if (!counts(s->net, of->list[i]))
            continue;
        all++;
        used += src->used;
        known &= !isnan(src->share);
        sum += src->share > 0 ? src->share : 0;
    }
    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++) {
        const struct fl_net_source *src = &s->net->sources[of->list[i]];
        double *share = &s->share[of->list[i]];

        *share = 0;
        if (!counts(s->net, of->list[i]))
            continue;
        if (known && sum > 0)
            *share = src->share / sum;
        else if (used > 0)
            *share = src->used ? 1.0 / used : 0;
        else
            *share = 1.0 / all;
    }
}

static uint32_t hand_count(const struct fl_net *net, enum fl_level level)
{
    return level == FL_LEVEL_SUPPLIER  ? net->supplier_count
           : level == FL_LEVEL_COUNTRY ? COUNTRIES
                                       : net->site_count;
}

static uint32_t hand_of(const struct spreading *s, enum fl_level level, uint32_t source)
{
    uint32_t site = s->net->sources[source].site;
    const char *country = s->net->sites[site].country;

    switch (level) {
    case FL_LEVEL_SUPPLIER:
        return s->net->sites[site].supplier;
    case FL_LEVEL_SITE:
        return site;
    case FL_LEVEL_CLUSTER:
        return s->cluster[site];
    case FL_LEVEL_COUNTRY:
    case FL_LEVELS:
        break;
    }
    if (country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' || country[1] > 'Z')
        return FL_NET_NONE;
    return (uint32_t)(country[0] - 'A') * 26 + (uint32_t)(country[1] - 'A');
}

static void add_part(struct spreading *s, enum fl_level level, uint32_t part, double weight,
                     struct fl_spread *ret)
{
    const struct fl_net_index *of = &s->net->sources_of_part;
    uint32_t first = FL_NET_NONE;
    bool one = true, known = of->start[part] < of->start[part + 1];
    double sum = 0;

    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++) {
        uint32_t hand = hand_of(s, level, of->list[i]);

        if (!(s->share[of->list[i]] > 0))
            continue;
        known &= hand != FL_NET_NONE;
        one &= first == FL_NET_NONE || hand == first;
        first = hand;
        sum += s->share[of->list[i]];
    }
    if (!known || sum <= 0) {
        ret->unknown++;
        return;
    }
    ret->parts++;
    ret->one_only += one;
    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++)
        if (s->share[of->list[i]] > 0)
            s->hands[hand_of(s, level, of->list[i])] += weight * s->share[of->list[i]];
}

static const char *hand_name(const struct spreading *s, enum fl_level level, uint32_t hand)
{
    const struct fl_net *net = s->net;

    if (level == FL_LEVEL_SUPPLIER)
        return net->suppliers[hand].id;
    if (level != FL_LEVEL_COUNTRY)
        return net->sites[hand].id;
    for (uint32_t i = 0; i < net->site_count; i++) {
        const char *c = net->sites[i].country;

        if (c[0] == (char)('A' + hand / 26) && c[1] == (char)('A' + hand % 26))
            return c;
    }
    return "";
}

static void spread(struct spreading *s, enum fl_level level, const double *weight,
                   struct fl_spread *ret)
{
    uint32_t count = hand_count(s->net, level), top = FL_NET_NONE;
    double sum = 0;

    *ret = (struct fl_spread){.top = ""};
    for (uint32_t i = 0; i < count; i++)
        s->hands[i] = 0;
    for (uint32_t part = 0; part < s->net->part_count; part++)
        if (weight[part] > 0)
            add_part(s, level, part, weight[part], ret);
    for (uint32_t i = 0; i < count; i++) {
        ret->hands += s->hands[i] > 0;
        sum += s->hands[i];
        if (s->hands[i] > 0 && (top == FL_NET_NONE || s->hands[i] > s->hands[top]))
            top = i;
    }
    if (top == FL_NET_NONE)
        return;
    ret->hhi = fl_hhi(s->hands, count);
    ret->effective = 1e4 / ret->hhi;
    ret->top_share = s->hands[top] / sum;
    ret->top = hand_name(s, level, top);
}

static int room(struct spreading *s, struct fl_arena *work, struct fl_err *err)
{
    const struct fl_net *net = s->net;
    size_t hands = COUNTRIES;

    hands = net->supplier_count > hands ? net->supplier_count : hands;
    hands = net->site_count > hands ? net->site_count : hands;
    s->cluster = fl_arena_get(work, ((size_t)net->site_count + 1) * sizeof *s->cluster);
    s->direct = fl_arena_get(work, ((size_t)net->part_count + 1) * sizeof *s->direct);
    s->below = fl_arena_get(work, ((size_t)net->part_count + 1) * sizeof *s->below);
    s->hands = fl_arena_get(work, hands * sizeof *s->hands);
    s->share = fl_arena_get(work, ((size_t)net->source_count + 1) * sizeof *s->share);
    if (s->cluster == NULL || s->direct == NULL || s->below == NULL || s->hands == NULL ||
        s->share == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for the shares of %u parts", net->part_count);
    memset(s->direct, 0, net->part_count * sizeof *s->direct);
    memset(s->below, 0, net->part_count * sizeof *s->below);
    return FL_OK;
}

int fl_concentration(const struct fl_net *net, uint32_t product, double cluster_km,
                     struct fl_arena *work, struct fl_concentration *ret, struct fl_err *err)
{
    struct spreading s = {.net = net};
    struct fl_concentration c = {.worst = FL_LEVEL_SUPPLIER};
    double worst = 0;
    int r;

    if (product != FL_NET_NONE && product >= net->product_count)
        return fl_err_set(err, FL_E_INVAL, "there is no product %u", product);
    if (!(cluster_km >= 0 && cluster_km <= 1000))
        return fl_err_set(err, FL_E_INVAL, "a cluster's distance must be 0 to 1,000 km");
    r = room(&s, work, err);
    if (r == FL_OK)
        r = clusters(net, cluster_km, work, s.cluster, err);
    if (r < 0)
        return r;
    draws(&s, product);
    weigh(&s);
    for (uint32_t part = 0; part < net->part_count; part++)
        split(&s, part);
    for (unsigned level = 0; level < FL_LEVELS; level++) {
        spread(&s, (enum fl_level)level, s.direct, &c.direct[level]);
        spread(&s, (enum fl_level)level, s.below, &c.below[level]);
        for (int below = 0; below < 2; below++) {
            double hhi = below ? c.below[level].hhi : c.direct[level].hhi;

            if (hhi > worst) {
                worst = hhi;
                c.worst = (enum fl_level)level;
                c.worst_below = below;
            }
        }
    }
    *ret = c;
    return FL_OK;
}
