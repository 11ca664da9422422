/*
 * Sites behind several sources: without them none of the sources delivers.
 *
 * Without which sites a part stops: those of each of its inputs, and its own where it has one only.
 * For each part that has several, the chance that it stops is asked of a network of failures
 * (bayes.h), beside what it would be if its sources had nothing in common.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "supply/bayes.h"
#include "supply/concentration.h"

enum { HUBS_MAX = 10000 };
#define DOWN_USUALLY 0.05

struct hubs {
    const struct fl_net *net;
    const double *down;
    struct fl_arena work;
    bool *wanted;     /* items of the product */
    uint32_t **needs; /* part -> sites, rising, without which it stops */
    uint32_t *count;  /* of those */
    double *apart;    /* chance that a part stops as if nothing were common */
    uint32_t *mark, round;
    uint32_t *site_node, *part_node;
    struct fl_hub *hubs;
    uint32_t hub_count, hub_cap;
    bool *is_hub; /* of sites, instead of hubs */
};

static void *get(struct hubs *h, size_t count, size_t size, struct fl_err *err)
{
    void *p = fl_arena_get(&h->work, (count + 1) * size);

    if (p == NULL)
        (void)fl_err_set(err, FL_E_LIMIT, "the network is too large to look for hidden hubs");
    return p;
}

static double down_of(const struct hubs *h, uint32_t site)
{
    return h->down == NULL ? DOWN_USUALLY : h->down[site];
}

static bool delivers(const struct fl_net *net, uint32_t source)
{
    uint32_t supplier = net->sites[net->sources[source].site].supplier;

    return net->sources[source].qualified &&
           (supplier == FL_NET_NONE || !net->suppliers[supplier].distributor);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Sites below a part: what any input cannot do without. */
static int sites_below(struct hubs *h, uint32_t part, struct fl_err *err)
{
    const struct fl_net *net = h->net;
    const struct fl_net_index *in = &net->uses_of_parent, *of = &net->sources_of_part;
    uint32_t n = 0, own = 0, only = 0, *list;
    size_t most = 1;

    for (uint32_t i = in->start[part]; i < in->start[part + 1]; i++)
        most += h->count[net->uses[in->list[i]].part];
    list = get(h, most, sizeof *list, err);
    if (list == NULL)
        return FL_E_LIMIT;
    h->round++;
    for (uint32_t i = in->start[part]; i < in->start[part + 1]; i++) {
        uint32_t input = net->uses[in->list[i]].part;

        for (uint32_t k = 0; k < h->count[input]; k++)
            if (h->mark[h->needs[input][k]] != h->round) {
                h->mark[h->needs[input][k]] = h->round;
                list[n++] = h->needs[input][k];
            }
    }
    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++)
        if (delivers(net, of->list[i])) {
            own++;
            only = net->sources[of->list[i]].site;
        }
    if (own == 1 && h->mark[only] != h->round)
        list[n++] = only;
    if (n > 1)
        qsort(list, n, sizeof *list, by_number);
    h->needs[part] = list;
    h->count[part] = n;
    return FL_OK;
}

/* As if nothing were common: each source fails by itself or by any of its inputs. */
static double apart(const struct hubs *h, uint32_t part)
{
    const struct fl_net *net = h->net;
    const struct fl_net_index *in = &net->uses_of_parent, *of = &net->sources_of_part;
    double inputs = 1, all = 1;
    uint32_t own = 0;

    for (uint32_t i = in->start[part]; i < in->start[part + 1]; i++)
        inputs *= 1 - h->apart[net->uses[in->list[i]].part];
    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++)
        if (delivers(net, of->list[i])) {
            all *= 1 - (1 - down_of(h, net->sources[of->list[i]].site)) * inputs;
            own++;
        }
    return own > 0 ? all : 1 - inputs;
}

/* ---- how likely ---- */

static int site_node(struct hubs *h, struct fl_bayes *b, uint32_t site, uint32_t *ret,
                     struct fl_err *err)
{
    if (h->site_node[site] == FL_NET_NONE) {
        int r = fl_bayes_node(b, down_of(h, site), &h->site_node[site], err);

        if (r < 0)
            return r;
    }
    *ret = h->site_node[site];
    return FL_OK;
}

/* A part stops when an input stops, or when all its sites are down. Inputs come before it. */
static int add_part(struct hubs *h, struct fl_bayes *b, uint32_t part, struct fl_err *err)
{
    const struct fl_net *net = h->net;
    const struct fl_net_index *in = &net->uses_of_parent, *of = &net->sources_of_part;
    uint32_t own = of->start[part + 1] - of->start[part], n = 0, node = 0;
    uint32_t *sites = get(h, own, sizeof *sites, err);
    int r = sites == NULL ? FL_E_LIMIT : FL_OK;

    for (uint32_t i = of->start[part]; r == FL_OK && i < of->start[part + 1]; i++)
        if (delivers(net, of->list[i]))
            r = site_node(h, b, net->sources[of->list[i]].site, &sites[n++], err);
    if (r == FL_OK)
        r = fl_bayes_node(b, 0, &node, err);
    if (r == FL_OK && n > 0)
        r = fl_bayes_needs(b, node, sites, n, 1, err);
    for (uint32_t i = in->start[part]; r == FL_OK && i < in->start[part + 1]; i++)
        r = fl_bayes_needs(b, node, &h->part_node[net->uses[in->list[i]].part], 1, 1, err);
    h->part_node[part] = node;
    return r;
}

static int build(struct hubs *h, struct fl_bayes **ret, struct fl_err *err)
{
    const struct fl_net *net = h->net;
    struct fl_bayes *b = NULL;
    int r = fl_bayes_new(&h->work, &b, err);

    for (uint32_t i = 0; i < net->site_count; i++)
        h->site_node[i] = FL_NET_NONE;
    for (uint32_t i = 0; r == FL_OK && i < fl_net_item_count(net); i++)
        if (!fl_net_is_product(net, net->order[i]) && h->wanted[net->order[i]])
            r = add_part(h, b, net->order[i], err);
    *ret = b;
    return r;
}

static int ask(struct hubs *h, struct fl_bayes *b, struct fl_err *err)
{
    for (uint32_t i = 0; i < h->hub_count; i++) {
        struct fl_hub *hub = &h->hubs[i];
        struct fl_bayes_answer a = {0};
        int r;

        if (i > 0 && h->hubs[i - 1].part == hub->part) {
            hub->probability = h->hubs[i - 1].probability;
            hub->exact = h->hubs[i - 1].exact;
            continue;
        }
        r = fl_bayes_ask(b, h->part_node[hub->part], NULL, 0, FL_BAYES_WIDTH_MAX, 1, &a, err);
        if (r < 0)
            return r;
        hub->probability = a.probability;
        hub->exact = a.exact;
    }
    return FL_OK;
}

/* ---- all of it ---- */

/* Items that the product is made of. */
static void mark_wanted(struct hubs *h, uint32_t product)
{
    const struct fl_net *net = h->net;
    const struct fl_net_index *in = &net->uses_of_parent;

    for (uint32_t i = fl_net_item_count(net); i-- > 0;) {
        uint32_t item = net->order[i];

        if (fl_net_is_product(net, item))
            h->wanted[item] = product == FL_NET_NONE || item == net->part_count + product;
        for (uint32_t k = in->start[item]; h->wanted[item] && k < in->start[item + 1]; k++)
            h->wanted[net->uses[in->list[k]].part] = true;
    }
}

/* A part with one source has no hidden hub: that it hangs on one is plain to see. */
static uint32_t several(const struct fl_net *net, uint32_t part)
{
    const struct fl_net_index *of = &net->sources_of_part;
    uint32_t n = 0;

    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++)
        n += delivers(net, of->list[i]);
    return n;
}

static void collect(struct hubs *h, uint32_t part)
{
    for (uint32_t k = 0; k < h->count[part] && several(h->net, part) > 1; k++)
        if (h->is_hub != NULL)
            h->is_hub[h->needs[part][k]] = true;
        else if (h->hub_count < h->hub_cap)
            h->hubs[h->hub_count++] =
                (struct fl_hub){part, h->needs[part][k], 0, h->apart[part], false};
}

static int look(struct hubs *h, uint32_t product, struct fl_err *err)
{
    const struct fl_net *net = h->net;
    struct fl_bayes *b = NULL;
    int r = FL_OK;

    mark_wanted(h, product);
    for (uint32_t i = 0; r == FL_OK && i < fl_net_item_count(net); i++) {
        uint32_t item = net->order[i];

        if (fl_net_is_product(net, item) || !h->wanted[item])
            continue;
        r = sites_below(h, item, err);
        h->apart[item] = apart(h, item);
        if (r == FL_OK)
            collect(h, item);
    }
    if (r == FL_OK && h->hub_count > 0)
        r = build(h, &b, err);
    return r == FL_OK && b != NULL ? ask(h, b, err) : r;
}

static int room(struct hubs *h, struct fl_err *err)
{
    const struct fl_net *net = h->net;
    size_t items = fl_net_item_count(net);

    h->wanted = get(h, items, sizeof *h->wanted, err);
    h->needs = get(h, items, sizeof *h->needs, err);
    h->count = get(h, items, sizeof *h->count, err);
    h->apart = get(h, items, sizeof *h->apart, err);
    h->mark = get(h, net->site_count, sizeof *h->mark, err);
    h->site_node = get(h, net->site_count, sizeof *h->site_node, err);
    h->part_node = get(h, items, sizeof *h->part_node, err);
    if (h->wanted == NULL || h->needs == NULL || h->count == NULL || h->apart == NULL ||
        h->mark == NULL || h->site_node == NULL || h->part_node == NULL)
        return FL_E_LIMIT;
    memset(h->wanted, 0, items * sizeof *h->wanted);
    memset(h->count, 0, items * sizeof *h->count);
    memset(h->mark, 0, net->site_count * sizeof *h->mark);
    return FL_OK;
}

static int worst_first(const void *a, const void *b)
{
    const struct fl_hub *x = a, *y = b;

    if (x->probability - x->independent != y->probability - y->independent)
        return x->probability - x->independent < y->probability - y->independent ? 1 : -1;
    if (x->part != y->part)
        return x->part > y->part ? 1 : -1;
    return (x->site > y->site) - (x->site < y->site);
}

int fl_hubs(const struct fl_net *net, uint32_t product, const double *down, struct fl_arena *arena,
            struct fl_hub **ret, uint32_t *ret_count, struct fl_err *err)
{
    struct hubs h = {.net = net, .down = down, .hub_cap = HUBS_MAX};
    int r;

    if (product != FL_NET_NONE && product >= net->product_count)
        return fl_err_set(err, FL_E_INVAL, "there is no product %u", product);
    h.hubs = fl_arena_get(arena, HUBS_MAX * sizeof *h.hubs);
    if (h.hubs == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for hidden hubs");
    fl_arena_init(&h.work, (size_t)1 << 30);
    r = room(&h, err);
    if (r == FL_OK)
        r = look(&h, product, err);
    fl_arena_done(&h.work);
    if (r < 0)
        return r;
    qsort(h.hubs, h.hub_count, sizeof *h.hubs, worst_first);
    *ret = h.hubs;
    *ret_count = h.hub_count;
    return FL_OK;
}

int fl_hub_sites(const struct fl_net *net, uint32_t product, struct fl_arena *arena, bool **ret,
                 struct fl_err *err)
{
    struct hubs h = {.net = net};
    int r;

    if (product != FL_NET_NONE && product >= net->product_count)
        return fl_err_set(err, FL_E_INVAL, "there is no product %u", product);
    h.is_hub = fl_arena_get(arena, net->site_count + 1);
    if (h.is_hub == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for hidden hubs");
    memset(h.is_hub, 0, net->site_count + 1);
    fl_arena_init(&h.work, (size_t)1 << 30);
    r = room(&h, err);
    if (r == FL_OK)
        r = look(&h, product, err);
    fl_arena_done(&h.work);
    if (r == FL_OK)
        *ret = h.is_hub;
    return r;
}
