#include "supply/rows.h"

#include <math.h>
#include <string.h>

struct walk {
    const struct fl_net *net;
    unsigned char *item, *site, *source, *use; /* 1: used */
    unsigned char *down, *is_free;             /* of sources, of parts */
    uint32_t *queue, queued, taken;
};

static bool down_at(const struct fl_net *net, const struct fl_outage *o, uint32_t source)
{
    return o->source == source || (o->site != FL_NET_NONE && net->sources[source].site == o->site);
}

static bool source_is_free(const struct walk *w, uint32_t source)
{
    const struct fl_net *net = w->net;
    const struct fl_net_source *s = &net->sources[source];
    const struct fl_net_index *of = &net->uses_of_parent;

    if (w->down[source] != 0 || !s->qualified || !s->used ||
        isfinite(net->sites[s->site].capacity_per_day))
        return false;
    for (uint32_t i = of->start[s->part]; i < of->start[s->part + 1]; i++)
        if (w->is_free[net->uses[of->list[i]].part] == 0)
            return false;
    return true;
}

/* In the net's order a part stands behind all that it is made of. */
static void find_free(struct walk *w)
{
    const struct fl_net *net = w->net;
    const struct fl_net_index *of = &net->sources_of_part;

    for (uint32_t i = 0; i < fl_net_item_count(net); i++) {
        uint32_t part = net->order[i];

        if (fl_net_is_product(net, part))
            continue;
        w->is_free[part] = of->start[part] == of->start[part + 1];
        for (uint32_t k = of->start[part]; k < of->start[part + 1]; k++)
            if (source_is_free(w, of->list[k]))
                w->is_free[part] = 1;
    }
}

static void push(struct walk *w, uint32_t item)
{
    if (w->item[item] != 0)
        return;
    w->item[item] = 1;
    w->queue[w->queued++] = item;
}

/* With the site that takes over from it, and what shares their capacity. */
static void take_site(struct walk *w, uint32_t site)
{
    const struct fl_net *net = w->net;
    const struct fl_net_index *of = &net->sources_of_site;

    while (site != FL_NET_NONE && w->site[site] == 0) {
        w->site[site] = 1;
        for (uint32_t i = of->start[site]; i < of->start[site + 1]; i++)
            if (isfinite(net->sites[site].capacity_per_day))
                push(w, net->sources[of->list[i]].part);
        site = net->sites[site].alternate;
    }
}

static void take_item(struct walk *w, uint32_t item)
{
    const struct fl_net *net = w->net;
    const struct fl_net_index *parent = &net->uses_of_parent, *part = &net->uses_of_part,
                              *made = &net->sources_of_part;

    for (uint32_t i = parent->start[item]; i < parent->start[item + 1]; i++) {
        uint32_t use = parent->list[i];

        if (w->is_free[net->uses[use].part] != 0)
            continue;
        w->use[use] = 1;
        push(w, net->uses[use].part);
    }
    if (fl_net_is_product(net, item) || w->is_free[item] != 0)
        return;
    for (uint32_t i = part->start[item]; i < part->start[item + 1]; i++) {
        w->use[part->list[i]] = 1;
        push(w, net->uses[part->list[i]].parent);
    }
    for (uint32_t i = made->start[item]; i < made->start[item + 1]; i++) {
        w->source[made->list[i]] = 1;
        take_site(w, net->sources[made->list[i]].site);
    }
}

static void begin(struct walk *w, const struct fl_outage *outages, size_t count)
{
    const struct fl_net *net = w->net;
    const struct fl_net_index *of = &net->sources_of_site;

    for (size_t o = 0; o < count; o++) {
        if (outages[o].site == FL_NET_NONE) {
            w->down[outages[o].source] = 1;
            continue;
        }
        for (uint32_t i = of->start[outages[o].site]; i < of->start[outages[o].site + 1]; i++)
            w->down[of->list[i]] = down_at(net, &outages[o], of->list[i]);
    }
    find_free(w);
    for (uint32_t s = 0; s < net->source_count; s++)
        if (w->down[s] != 0)
            push(w, net->sources[s].part);
    while (w->taken < w->queued)
        take_item(w, w->queue[w->taken++]);
}

static int list(const unsigned char *marks, uint32_t count, uint32_t *room, struct fl_arena *arena,
                uint32_t **ret, uint32_t *ret_count, uint32_t *left_out, struct fl_err *err)
{
    uint32_t n = 0, k = 0;

    for (uint32_t i = 0; i < count; i++)
        n += marks[i];
    *left_out += n > *room ? n - *room : 0;
    n = n > *room ? *room : n;
    *room -= n;
    *ret = fl_arena_get(arena, (n + 1) * sizeof **ret);
    if (*ret == NULL)
        return fl_err_set(err, FL_E_LIMIT, "the network is too large to list what is used");
    for (uint32_t i = 0; i < count && k < n; i++)
        if (marks[i] != 0)
            (*ret)[k++] = i;
    *ret_count = n;
    return FL_OK;
}

static unsigned char *marks(struct fl_arena *arena, uint32_t count)
{
    unsigned char *m = fl_arena_get(arena, count + 1);

    if (m != NULL)
        memset(m, 0, count + 1);
    return m;
}

int fl_rows_used(const struct fl_net *net, const struct fl_outage *outages, size_t count,
                 uint32_t max_rows, struct fl_arena *arena, struct fl_rows_used *ret,
                 struct fl_err *err)
{
    uint32_t items = fl_net_item_count(net), room = max_rows;
    struct walk w = {.net = net,
                     .item = marks(arena, items),
                     .site = marks(arena, net->site_count),
                     .source = marks(arena, net->source_count),
                     .use = marks(arena, net->use_count),
                     .down = marks(arena, net->source_count),
                     .is_free = marks(arena, items),
                     .queue = fl_arena_get(arena, (items + 1) * sizeof *w.queue)};
    struct fl_rows_used used = {.items = NULL};
    int r;

    if (w.item == NULL || w.site == NULL || w.source == NULL || w.use == NULL || w.down == NULL ||
        w.is_free == NULL || w.queue == NULL)
        return fl_err_set(err, FL_E_LIMIT, "the network is too large to list what is used");
    begin(&w, outages, count);
    r = list(w.item, items, &room, arena, &used.items, &used.item_count, &used.left_out, err);
    if (r == FL_OK)
        r = list(w.site, net->site_count, &room, arena, &used.sites, &used.site_count,
                 &used.left_out, err);
    if (r == FL_OK)
        r = list(w.source, net->source_count, &room, arena, &used.sources, &used.source_count,
                 &used.left_out, err);
    if (r == FL_OK)
        r = list(w.use, net->use_count, &room, arena, &used.uses, &used.use_count, &used.left_out,
                 err);
    if (r == FL_OK)
        *ret = used;
    return r;
}
