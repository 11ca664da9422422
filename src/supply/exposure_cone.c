/* What stands behind parts, and how much of each must be made at least. */
#include <math.h>
#include <stdlib.h>

#include "supply/exposure_int.h"

/* ---- cones ---- */

struct placed {
    uint32_t place, item;
};

static int backwards(const void *a, const void *b)
{
    uint32_t x = ((const struct placed *)a)->place, y = ((const struct placed *)b)->place;

    return (x < y) - (x > y);
}

/* Items that are made of these, those included, into list; count may be all. */
static int reach(struct fl_exposure *x, const uint32_t *parts, uint32_t count, uint32_t **ret,
                 uint32_t *ret_count, struct fl_err *err)
{
    const struct fl_net *net = x->net;
    const struct fl_net_index *of = &net->uses_of_part;
    uint32_t n = 0, cap = count < 64 ? 64 : count, *list, *more;

    list = fl_exposure_get(x, cap, sizeof *list, err);
    if (list == NULL)
        return FL_E_NOMEM;
    x->walk++;
    for (uint32_t i = 0; i < count; i++) {
        x->item_mark[parts[i]] = x->walk;
        list[n++] = parts[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        if (fl_net_is_product(net, list[i]))
            continue;
        for (uint32_t k = of->start[list[i]]; k < of->start[list[i] + 1]; k++) {
            uint32_t parent = net->uses[of->list[k]].parent;

            if (x->item_mark[parent] == x->walk || !(x->weight[of->list[k]] > 0))
                continue;
            x->item_mark[parent] = x->walk;
            if (n == cap) {
                more = fl_exposure_get(x, 2 * (size_t)cap, sizeof *more, err);
                if (more == NULL)
                    return FL_E_NOMEM;
                for (uint32_t j = 0; j < n; j++)
                    more[j] = list[j];
                list = more;
                cap *= 2;
            }
            list[n++] = parent;
        }
    }
    *ret = list;
    *ret_count = n;
    return FL_OK;
}

static int sort(struct fl_exposure *x, uint32_t *items, uint32_t count, struct fl_err *err)
{
    struct placed *p = fl_exposure_get(x, count, sizeof *p, err);

    if (p == NULL)
        return FL_E_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        p[i] = (struct placed){x->place[items[i]], items[i]};
    qsort(p, count, sizeof *p, backwards);
    for (uint32_t i = 0; i < count; i++)
        items[i] = p[i].item;
    return FL_OK;
}

/* Lines are found from the part's side, since a product may be made of much that is not here, and
 * kept by the user's. */
static int lines(struct fl_exposure *x, struct fl_cone *c, struct fl_err *err)
{
    const struct fl_net *net = x->net;
    const struct fl_net_index *of = &net->uses_of_part;

    c->start = fl_exposure_get(x, (size_t)c->count + 2, sizeof *c->start, err);
    c->need = fl_exposure_get(x, c->count, sizeof *c->need, err);
    if (c->start == NULL || c->need == NULL)
        return FL_E_NOMEM;
    for (uint32_t i = 0; i < c->count + 2; i++)
        c->start[i] = 0;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < c->count; i++) {
            uint32_t part = c->items[i];

            if (fl_net_is_product(net, part))
                continue;
            for (uint32_t k = of->start[part]; k < of->start[part + 1]; k++) {
                uint32_t line = of->list[k], user = net->uses[line].parent, at;

                if (!(x->weight[line] > 0))
                    continue;
                if (pass == 0) {
                    c->start[x->local[user] + 2]++;
                    continue;
                }
                at = c->start[x->local[user] + 1]++;
                c->to[at] = i;
                c->weight[at] = x->weight[line];
            }
        }
        if (pass == 1)
            break;
        for (uint32_t i = 2; i < c->count + 2; i++)
            c->start[i] += c->start[i - 1];
        c->to = fl_exposure_get(x, c->start[c->count + 1], sizeof *c->to, err);
        c->weight = fl_exposure_get(x, c->start[c->count + 1], sizeof *c->weight, err);
        if (c->to == NULL || c->weight == NULL)
            return FL_E_NOMEM;
    }
    return FL_OK;
}

void fl_cone_enter(struct fl_exposure *x, const struct fl_cone *cone)
{
    for (uint32_t i = 0; x->cone != cone && i < cone->count; i++)
        x->local[cone->items[i]] = i;
    x->cone = cone;
}

int fl_cone_new(struct fl_exposure *x, const uint32_t *parts, uint32_t count, struct fl_cone **ret,
                struct fl_err *err)
{
    struct fl_cone *c = fl_exposure_get(x, 1, sizeof *c, err);
    int r;

    if (c == NULL)
        return FL_E_NOMEM;
    *c = (struct fl_cone){0};
    r = reach(x, parts, count, &c->items, &c->count, err);
    if (r == FL_OK)
        r = sort(x, c->items, c->count, err);
    if (r < 0)
        return r;
    fl_cone_enter(x, c);
    r = lines(x, c, err);
    if (r == FL_OK)
        *ret = c;
    return r;
}

/* ---- what is needed at least ---- */

static struct fl_line above_0(struct fl_line need, double t)
{
    bool positive = isinf(t) ? need.slope > 0 || need.base > 0 : need.base + need.slope * t > 0;

    return positive ? need : (struct fl_line){0, 0};
}

void fl_cone_needs(const struct fl_exposure *x, struct fl_cone *c, uint32_t only, double t)
{
    for (uint32_t i = 0; i < c->count; i++)
        c->need[i] = (struct fl_line){0, 0};
    for (uint32_t i = only == FL_NET_NONE ? 0 : only; i < c->count; i++) {
        uint32_t item = c->items[i];
        bool product = fl_net_is_product(x->net, item);
        struct fl_line need = c->need[i];

        if (product)
            need = (struct fl_line){0, only == FL_NET_NONE || only == i};
        if (!(need.slope > 0))
            continue;
        need.base -= x->stock[item];
        need = above_0(need, t);
        c->need[i] = need;
        for (uint32_t k = c->start[i]; need.slope > 0 && k < c->start[i + 1]; k++) {
            c->need[c->to[k]].base += c->weight[k] * need.base;
            c->need[c->to[k]].slope += c->weight[k] * need.slope;
        }
    }
}
