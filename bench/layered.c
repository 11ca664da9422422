#include "layered.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

enum { LAYERS = 5, AT_A_SITE = 4, ALTERNATES_OF = 10, DEGREE_MAX = 200 };

struct made {
    uint32_t site, second; /* second: site, or FL_NET_NONE */
    double flow, stock_days;
};

struct layered {
    uint64_t dice;
    uint32_t parts, products, sites, first[LAYERS + 1]; /* parts by layer */
    struct made *part;
    uint32_t *from, *to; /* arcs */
    double *quantity;
    uint32_t arcs;
    double *need, *demand; /* of sites, of products */
    struct fl_net_builder *b;
    struct fl_err *err;
    int failed;
};

static uint32_t dice(struct layered *l, uint32_t below)
{
    l->dice = l->dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((l->dice >> 33) % below);
}

static double between(struct layered *l, double low, double high)
{
    return low + (high - low) * dice(l, 1000001) / 1e6;
}

static FL_PRINTF(2, 3) void add(struct layered *l, const char *fmt, ...)
{
    char text[512], *at = text, *end;
    struct fl_supply_row row = {0};
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    end = at + strcspn(at, "|");
    row.table = (enum fl_supply_table)fl_supply_table_find(fl_span_of(at, (size_t)(end - at)));
    for (unsigned i = 0; *end == '|' && i < FL_SUPPLY_COLUMNS_MAX; i++) {
        at = end + 1;
        end = at + strcspn(at, "|");
        row.cell[i] = fl_span_of(at, (size_t)(end - at));
    }
    if (l->failed == 0)
        l->failed = fl_net_put(l->b, &row, l->err);
}

/* P(degree) ~ 1 / degree^1.6 */
static uint32_t zipf(struct layered *l, const double *sums, uint32_t most)
{
    double u = between(l, 0, sums[most]);
    uint32_t k = 1;

    while (k < most && sums[k] < u)
        k++;
    return k;
}

static uint32_t layer_size(const struct layered *l, uint32_t layer)
{
    return l->first[layer + 1] - l->first[layer];
}

static void arc(struct layered *l, uint32_t from, uint32_t to)
{
    l->from[l->arcs] = from;
    l->to[l->arcs] = to;
    l->quantity[l->arcs++] = 1 + dice(l, 3);
}

static int by_arc(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Some parts get as many users as the law says, until there are enough arcs. */
static void draw(struct layered *l, const double *sums, uint64_t *seen, uint32_t *n,
                 uint32_t wanted)
{
    while (*n < wanted) {
        uint32_t p = dice(l, l->first[LAYERS - 1]), layer = 0, most, degree;

        while (p >= l->first[layer + 1])
            layer++;
        most = layer_size(l, layer + 1) < DEGREE_MAX ? layer_size(l, layer + 1) : DEGREE_MAX;
        degree = zipf(l, sums, most);
        for (uint32_t k = 0; k < degree && *n < wanted; k++)
            seen[(*n)++] =
                (uint64_t)p << 32 | (l->first[layer + 1] + dice(l, layer_size(l, layer + 1)));
    }
}

static uint32_t unique(uint64_t *seen, uint32_t n)
{
    uint32_t kept = 0;

    qsort(seen, n, sizeof *seen, by_arc);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || seen[i] != seen[kept - 1])
            seen[kept++] = seen[i];
    return kept;
}

/* Each part has a user; the rest by Zipf's law. Arcs that are there already are drawn again. */
static int connect(struct layered *l, uint32_t arcs)
{
    double sums[DEGREE_MAX + 1] = {0};
    uint64_t *seen = calloc((size_t)arcs * 2, sizeof *seen);
    uint32_t n = 0, wanted = arcs - l->products;

    if (seen == NULL)
        return FL_E_NOMEM;
    for (uint32_t k = 1; k <= DEGREE_MAX; k++)
        sums[k] = sums[k - 1] + pow(k, -1.6);
    for (uint32_t layer = 0; layer + 1 < LAYERS; layer++)
        for (uint32_t p = l->first[layer]; p < l->first[layer + 1]; p++)
            seen[n++] =
                (uint64_t)p << 32 | (l->first[layer + 1] + dice(l, layer_size(l, layer + 1)));
    while (n < wanted) {
        draw(l, sums, seen, &n, wanted);
        n = unique(seen, n);
    }
    for (uint32_t i = 0; i < n; i++)
        arc(l, (uint32_t)(seen[i] >> 32), (uint32_t)seen[i]);
    for (uint32_t v = 0; v < l->products; v++)
        arc(l, l->first[LAYERS - 1] + v, l->parts + v);
    free(seen);
    return FL_OK;
}

/* Users come later, so flows are summed from the end. */
static void flows(struct layered *l)
{
    for (uint32_t v = 0; v < l->products; v++)
        l->demand[v] = 1 + dice(l, 40);
    for (uint32_t i = l->arcs; i-- > 0;) {
        uint32_t to = l->to[i];

        if (to >= l->parts)
            l->part[l->from[i]].flow += l->quantity[i] * l->demand[to - l->parts];
    }
    for (uint32_t i = l->arcs; i-- > 0;) /* arcs are by `from`, rising */
        if (l->to[i] < l->parts)
            l->part[l->from[i]].flow += l->quantity[i] * l->part[l->to[i]].flow;
    for (uint32_t p = 0; p < l->parts; p++)
        l->need[l->part[p].site] += l->part[p].flow;
}

static void write_rows(struct layered *l)
{
    for (uint32_t s = 0; s < l->sites; s++) {
        char over[32] = "|";

        if (dice(l, 2 * ALTERNATES_OF) == 0)
            (void)snprintf(over, sizeof over, "s%u|%u", dice(l, l->sites), 5 + dice(l, 40));
        add(l, "sites|s%u||Site %u|||||%u|%.17g|%s", s, s, 7 + dice(l, 174),
            l->need[s] * between(l, 1.1, 1.6) + 1e-3, over);
    }
    for (uint32_t p = 0; p < l->parts; p++) {
        double days = dice(l, 4) == 0 ? 0 : between(l, 0, 60);

        add(l, "parts|p%u|Part %u||%.17g", p, p, l->part[p].flow * days);
        add(l, "part_sites|p%u|s%u|1", p, l->part[p].site);
        if (l->part[p].second != FL_NET_NONE && l->part[p].second != l->part[p].site)
            add(l, "part_sites|p%u|s%u|0", p, l->part[p].second);
    }
    for (uint32_t v = 0; v < l->products; v++)
        add(l, "products|v%u|Product %u||%.17g|%u||%.17g", v, v, l->demand[v], 10 + dice(l, 990),
            l->demand[v] * between(l, 0, 20));
    for (uint32_t i = 0; i < l->arcs; i++)
        add(l, "bom|%c%u|p%u|%g", l->to[i] < l->parts ? 'p' : 'v',
            l->to[i] < l->parts ? l->to[i] : l->to[i] - l->parts, l->from[i], l->quantity[i]);
}

static int fill(struct layered *l, uint32_t nodes, uint32_t arcs)
{
    l->parts = nodes - nodes / (2 * ALTERNATES_OF);
    l->sites = nodes / AT_A_SITE;
    for (uint32_t i = 0; i <= LAYERS; i++)
        l->first[i] = (uint32_t)((uint64_t)l->parts * i / LAYERS);
    l->products = layer_size(l, LAYERS - 1);
    l->part = calloc(l->parts, sizeof *l->part);
    l->need = calloc(l->sites, sizeof *l->need);
    l->demand = calloc(l->products, sizeof *l->demand);
    l->from = calloc((size_t)arcs * 2, sizeof *l->from);
    l->to = calloc((size_t)arcs * 2, sizeof *l->to);
    l->quantity = calloc((size_t)arcs * 2, sizeof *l->quantity);
    if (l->part == NULL || l->need == NULL || l->demand == NULL || l->from == NULL ||
        l->to == NULL || l->quantity == NULL || connect(l, arcs) < 0)
        return fl_err_set(l->err, FL_E_NOMEM, "no memory for %u nodes", nodes);
    for (uint32_t p = 0; p < l->parts; p++) {
        l->part[p].site = dice(l, l->sites);
        l->part[p].second = FL_NET_NONE;
    }
    for (uint32_t i = 0; i < nodes - l->parts; i++)
        l->part[dice(l, l->parts)].second = dice(l, l->sites);
    flows(l);
    write_rows(l);
    return l->failed;
}

struct fl_net *bench_layered(uint32_t nodes, uint32_t arcs, uint64_t seed, struct fl_err *err)
{
    struct layered l = {.dice = seed, .err = err};
    struct fl_net *net = NULL;

    l.failed = fl_net_builder_new((size_t)1 << 31, "EUR", &l.b, err);
    if (l.failed == 0 && fill(&l, nodes, arcs) == FL_OK) {
        if (fl_net_build(l.b, &net, err) < 0)
            net = NULL;
    } else {
        fl_net_builder_free(l.b);
    }
    free(l.part);
    free(l.need);
    free(l.demand);
    free(l.from);
    free(l.to);
    free(l.quantity);
    return net;
}
