/* The network as a graph, product > class or part > site > supplier: what flows where each day. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/supply_api.h"
#include "api/supply_json.h"
#include "api/work.h"
#include "supply/concentration.h"

#define NODES_MAX     4000u
#define LINKS_MAX     12000u
#define HUB_SHARE     0.25 /* of all parts drawn, or of at least HUB_PARTS parts */
#define HUB_PARTS     8u
#define HUB_PARTS_MAX 20000u /* networks with more: hidden hubs of one product at a time */

struct question {
    char product[FL_SUPPLY_ID_MAX + 1]; /* "": all */
    bool by_part;
};

struct link {
    uint32_t from, to; /* numbers of nodes, before they are given out */
    double value;
};

/* Nodes are numbered product, part (or class), site, supplier, one range behind the other. */
struct graph {
    const struct fl_net *net;
    uint32_t part_base, site_base, supplier_base, count;
    uint32_t *group; /* of parts: the part itself, or the first of its class */
    double *drawn;   /* units of each part a day */
    uint32_t drawn_count;
    bool *is_hub; /* of sites, hidden behind several; NULL: too many parts to look */
    struct link *links;
    size_t link_count, link_cap;
    unsigned char *used;
    struct fl_arena *arena;
};

static int no_room(struct fl_err *err)
{
    return fl_err_set(err, FL_E_LIMIT,
                      "the graph is too large to draw: ask for one product, or fold=class");
}

static int link_add(struct graph *g, uint32_t from, uint32_t to, double value, struct fl_err *err)
{
    if (!(value > 0))
        return FL_OK;
    if (g->link_count == g->link_cap) {
        size_t cap = g->link_cap == 0 ? 1024 : 2 * g->link_cap;
        struct link *more = fl_arena_get(g->arena, cap * sizeof *more);

        if (more == NULL)
            return no_room(err);
        if (g->link_count > 0)
            memcpy(more, g->links, g->link_count * sizeof *more);
        g->links = more;
        g->link_cap = cap;
    }
    g->links[g->link_count++] = (struct link){from, to, value};
    return FL_OK;
}

/* Parts of one class have the number of its first part. */
static int by_class(const void *a, const void *b, void *ctx)
{
    const struct fl_net *net = ctx;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int c = strcmp(net->parts[x].class_name, net->parts[y].class_name);

    return c != 0 ? c : (x > y) - (x < y);
}

static int take_groups(struct graph *g, bool by_part, struct fl_err *err)
{
    const struct fl_net *net = g->net;
    uint32_t *order = fl_arena_get(g->arena, (net->part_count + 1) * sizeof *order);

    g->group = fl_arena_get(g->arena, (net->part_count + 1) * sizeof *g->group);
    if (order == NULL || g->group == NULL)
        return no_room(err);
    for (uint32_t i = 0; i < net->part_count; i++)
        order[i] = g->group[i] = i;
    if (by_part)
        return FL_OK;
    qsort_r(order, net->part_count, sizeof *order, by_class, (void *)(uintptr_t)net);
    for (uint32_t i = 1; i < net->part_count; i++)
        if (net->parts[order[i]].class_name[0] != '\0' &&
            strcmp(net->parts[order[i]].class_name, net->parts[order[i - 1]].class_name) == 0)
            g->group[order[i]] = g->group[order[i - 1]];
    return FL_OK;
}

/* What one product draws of every part a day, through all levels of its bill. */
static int draw(struct graph *g, uint32_t product, double *room, struct fl_err *err)
{
    const struct fl_net *net = g->net;
    double demand = net->products[product].demand_per_day;
    const struct fl_net_index *of = &net->uses_of_parent;
    uint32_t items = fl_net_item_count(net);
    int r = FL_OK;

    memset(room, 0, items * sizeof *room);
    room[fl_net_item_of_product(net, product)] = demand > 0 ? demand : 1;
    for (uint32_t i = items; i-- > 0 && r == FL_OK;) { /* parents before what they are made of */
        uint32_t item = net->order[i];

        for (uint32_t k = of->start[item]; room[item] > 0 && k < of->start[item + 1]; k++) {
            const struct fl_net_use *use = &net->uses[of->list[k]];

            room[use->part] += room[item] * use->quantity;
        }
        if (room[item] > 0 && !fl_net_is_product(net, item)) {
            g->drawn[item] += room[item];
            r = link_add(g, product, g->part_base + g->group[item], room[item], err);
        }
    }
    return r;
}

/* Today's split; sources whose share is not known take the rest evenly. */
static int split(struct graph *g, uint32_t part, struct fl_err *err)
{
    const struct fl_net *net = g->net;
    const struct fl_net_index *of = &net->sources_of_part;
    double known = 0;
    uint32_t open = 0;

    for (uint32_t k = of->start[part]; k < of->start[part + 1]; k++) {
        const struct fl_net_source *s = &net->sources[of->list[k]];

        if (isfinite(s->share))
            known += s->share;
        else
            open += s->used;
    }
    for (uint32_t k = of->start[part]; k < of->start[part + 1]; k++) {
        const struct fl_net_source *s = &net->sources[of->list[k]];
        double share = isfinite(s->share) ? s->share / fmax(known, open > 0 ? 1 : 1e-9)
                       : s->used          ? fmax(0, 1 - known) / open
                                          : 0;
        uint32_t supplier = net->sites[s->site].supplier;
        int r = link_add(g, g->part_base + g->group[part], g->site_base + s->site,
                         g->drawn[part] * share, err);

        if (r == FL_OK && supplier != FL_NET_NONE)
            r = link_add(g, g->site_base + s->site, g->supplier_base + supplier,
                         g->drawn[part] * share, err);
        if (r < 0)
            return r;
    }
    return FL_OK;
}

static int by_ends(const void *a, const void *b)
{
    const struct link *x = a, *y = b;

    return x->from != y->from ? (x->from < y->from ? -1 : 1)
           : x->to != y->to   ? (x->to < y->to ? -1 : 1)
                              : 0;
}

static void join_links(struct graph *g)
{
    size_t n = 0;

    if (g->link_count == 0)
        return;
    qsort(g->links, g->link_count, sizeof *g->links, by_ends);
    for (size_t i = 1; i < g->link_count; i++) {
        if (by_ends(&g->links[n], &g->links[i]) == 0)
            g->links[n].value += g->links[i].value;
        else
            g->links[++n] = g->links[i];
    }
    g->link_count = n + 1;
}

/* ---- JSON ---- */

static const char *prefix(const struct graph *g, uint32_t node, uint32_t *ret_index, bool by_part)
{
    if (node >= g->supplier_base) {
        *ret_index = node - g->supplier_base;
        return "supplier";
    }
    if (node >= g->site_base) {
        *ret_index = node - g->site_base;
        return "site";
    }
    *ret_index = node >= g->part_base ? node - g->part_base : node;
    return node < g->part_base ? "product" : by_part ? "part" : "class";
}

static void node_id(const struct graph *g, uint32_t node, bool by_part, char *ret, size_t size)
{
    uint32_t i;
    const char *kind = prefix(g, node, &i, by_part), *id;

    id = node >= g->supplier_base                            ? g->net->suppliers[i].id
         : node >= g->site_base                              ? g->net->sites[i].id
         : node < g->part_base                               ? g->net->products[i].id
         : by_part || g->net->parts[i].class_name[0] == '\0' ? g->net->parts[i].id
                                                             : g->net->parts[i].class_name;
    (void)snprintf(ret, size, "%s:%s", kind, id);
}

/* What marks a node: its parts (a site's, or itself) that are drawn, seen from its sources. */
struct marks {
    uint32_t parts, sole;
    unsigned reach; /* enum fl_part_reach */
};

static void look_at(const struct graph *g, const struct fl_net_index *of, uint32_t i,
                    struct marks *ret)
{
    const struct fl_net *net = g->net;

    for (uint32_t k = of->start[i]; k < of->start[i + 1]; k++) {
        const struct fl_net_source *s = &net->sources[of->list[k]];
        uint32_t supplier = net->sites[s->site].supplier;

        if (!(g->drawn[s->part] > 0))
            continue;
        ret->parts++;
        ret->sole += fl_source_is_sole(net, of->list[k]);
        if (s->qualified && (supplier == FL_NET_NONE || !net->suppliers[supplier].distributor))
            ret->reach |= fl_part_reach(net, s->part);
    }
}

static void put_marks(struct fl_json *json, const struct graph *g, uint32_t node, bool by_part)
{
    struct marks m = {0};
    bool site = node >= g->site_base && node < g->supplier_base, hub;
    uint32_t i;

    if (strcmp(prefix(g, node, &i, by_part), "part") == 0)
        look_at(g, &g->net->sources_of_part, i, &m);
    if (site)
        look_at(g, &g->net->sources_of_site, i, &m);
    hub = site && ((m.parts >= HUB_PARTS && m.parts > HUB_SHARE * g->drawn_count) ||
                   (g->is_hub != NULL && g->is_hub[i]));
    fl_json_array(json, "marks");
    if (m.sole > 0)
        fl_json_text(json, NULL, "sole");
    if (hub)
        fl_json_text(json, NULL, "hub");
    if ((m.reach & FL_REACH_QUAKE) != 0)
        fl_json_text(json, NULL, "quake");
    if ((m.reach & FL_REACH_WIND) != 0)
        fl_json_text(json, NULL, "wind");
    fl_json_end(json);
}

static void put_node(struct fl_json *json, const struct graph *g, uint32_t node, bool by_part)
{
    char id[FL_SUPPLY_CELL_MAX + 16];
    const char *kind, *name;
    uint32_t i;

    kind = prefix(g, node, &i, by_part);
    node_id(g, node, by_part, id, sizeof id);
    name = node >= g->supplier_base                            ? g->net->suppliers[i].name
           : node >= g->site_base                              ? g->net->sites[i].name
           : node < g->part_base                               ? g->net->products[i].name
           : by_part || g->net->parts[i].class_name[0] == '\0' ? g->net->parts[i].name
                                                               : g->net->parts[i].class_name;
    fl_json_object(json, NULL);
    fl_json_text(json, "id", id);
    fl_json_text(json, "kind", kind);
    fl_json_text(json, "name", name);
    if (strcmp(kind, "site") == 0)
        fl_json_text(json, "country", g->net->sites[i].country);
    put_marks(json, g, node, by_part);
    fl_json_end(json);
}

static void put_links(struct fl_json *json, const struct graph *g, bool by_part)
{
    fl_json_array(json, "links");
    for (size_t k = 0, from = 0; k < g->link_count; k++) {
        char id[FL_SUPPLY_CELL_MAX + 16];
        double all = 0;

        if (g->links[from].from != g->links[k].from)
            from = k;
        for (size_t j = from; j < g->link_count && g->links[j].from == g->links[k].from; j++)
            all += g->links[j].value;
        fl_json_object(json, NULL);
        node_id(g, g->links[k].from, by_part, id, sizeof id);
        fl_json_text(json, "from", id);
        node_id(g, g->links[k].to, by_part, id, sizeof id);
        fl_json_text(json, "to", id);
        fl_json_f64(json, "value", g->links[k].value);
        fl_json_f64(json, "share", g->links[k].value / all);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static int write_graph(const struct fl_work_in *in, struct graph *g, bool by_part,
                       struct fl_err *err)
{
    struct fl_json json;
    uint32_t nodes = 0;

    g->used = fl_arena_get(in->arena, g->count + 1);
    if (g->used == NULL)
        return no_room(err);
    memset(g->used, 0, g->count + 1);
    for (size_t k = 0; k < g->link_count; k++)
        g->used[g->links[k].from] = g->used[g->links[k].to] = 1;
    for (uint32_t n = 0; n < g->count; n++)
        nodes += g->used[n];
    if (nodes > NODES_MAX || g->link_count > LINKS_MAX)
        return no_room(err);
    fl_json_init(&json, in->out);
    fl_json_object(&json, NULL);
    fl_json_u64(&json, "net_version", g->net->version);
    fl_json_text(&json, "fold", by_part ? "none" : "class");
    fl_json_text(&json, "unit", "units/day");
    fl_json_array(&json, "nodes");
    for (uint32_t n = 0; n < g->count; n++)
        if (g->used[n] != 0)
            put_node(&json, g, n, by_part);
    fl_json_end(&json);
    put_links(&json, g, by_part);
    fl_json_text(&json, "formula",
                 "value: units a day. Of a part: demand x quantity through all levels of the bill "
                 "(a product without a demand counts as 1 a day); of a site: that x its share");
    fl_json_end(&json);
    return FL_OK;
}

static int begin_graph(const struct fl_work_in *in, struct graph *g, bool by_part,
                       struct fl_err *err)
{
    const struct fl_net *net = in->net->net;

    *g = (struct graph){.net = net,
                        .arena = in->arena,
                        .part_base = net->product_count,
                        .site_base = net->product_count + net->part_count,
                        .supplier_base = net->product_count + net->part_count + net->site_count,
                        .count = net->product_count + net->part_count + net->site_count +
                                 net->supplier_count};
    g->drawn = fl_arena_get(in->arena, (net->part_count + 1) * sizeof *g->drawn);
    if (g->drawn == NULL)
        return no_room(err);
    memset(g->drawn, 0, (net->part_count + 1) * sizeof *g->drawn);
    return take_groups(g, by_part, err);
}

static int run(const struct fl_work_in *in, struct fl_err *err)
{
    const struct question *q = in->arg;
    const struct fl_net *net = in->net->net;
    uint32_t only = FL_NET_NONE;
    struct graph g;
    double *room = fl_arena_get(in->arena, (fl_net_item_count(net) + 1) * sizeof *room);
    int r;

    if (q->product[0] != '\0') {
        only = fl_net_item_find(net, fl_span_str(q->product));
        if (only == FL_NET_NONE || !fl_net_is_product(net, only))
            return fl_err_set(err, FL_E_NOENT, "there is no product '%s'", q->product);
        only -= net->part_count;
    }
    r = room == NULL ? no_room(err) : begin_graph(in, &g, q->by_part, err);
    for (uint32_t p = 0; p < net->product_count && r == FL_OK; p++)
        if (only == FL_NET_NONE || only == p)
            r = atomic_load(in->stop) ? fl_err_set(err, FL_E_TIMEOUT, "nobody waits any more")
                                      : draw(&g, p, room, err);
    for (uint32_t p = 0; p < net->part_count && r == FL_OK; p++)
        if (g.drawn[p] > 0)
            r = split(&g, p, err);
    for (uint32_t p = 0; p < net->part_count && r == FL_OK; p++)
        g.drawn_count += g.drawn[p] > 0;
    if (r == FL_OK && (only != FL_NET_NONE || net->part_count <= HUB_PARTS_MAX))
        r = fl_hub_sites(net, only, in->arena, &g.is_hub, err);
    if (r < 0)
        return r;
    join_links(&g);
    return write_graph(in, &g, q->by_part, err);
}

int fl_api_supply_graph(struct fl_req *req, struct fl_err *err)
{
    struct fl_span product = fl_req_param(req, "product"), fold = fl_req_param(req, "fold");
    struct question *q;
    char text[sizeof q->product + 32];

    if (fold.ptr != NULL && !fl_span_eq(fold, FL_SPAN("class")) &&
        !fl_span_eq(fold, FL_SPAN("none"))) {
        req->field = "fold";
        return fl_err_set(err, FL_E_INVAL, "fold is class or none");
    }
    q = calloc(1, sizeof *q);
    if (q == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a question");
    q->by_part = fold.ptr != NULL && fl_span_eq(fold, FL_SPAN("none"));
    if (product.len >= sizeof q->product) {
        free(q);
        return fl_err_set(err, FL_E_NOENT, "there is no such product");
    }
    if (product.len > 0)
        memcpy(q->product, product.ptr, product.len);
    (void)snprintf(text, sizeof text, "graph %s %s", q->by_part ? "part" : "class", q->product);

    const struct fl_work_ask ask = {
        .run = run, .arg = q, .arg_free = free, .net = true, .question = text};
    return fl_work_answer(req, &ask, err);
}
