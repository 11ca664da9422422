/*
 * How long the parts of a group can all be made, without a program.
 *
 * What is needed of each part by t is known (exposure_cone.c). Whether sites can make it is a flow:
 * from each part over its arms, over what opens later at a site into what is open before, to the
 * site. Where it does not all pass, the least cut names parts whose needs pass what their sites can
 * give; needs are convex in t and capacities are lines, so the crossing is found by Newton's method
 * from the right, each step with the cut of its time. It ends after finitely many, exactly.
 */
#include <math.h>
#include <stdlib.h>

#include "supply/exposure_int.h"

enum { NEWTON_MAX = 200, FROM = 0, TO = 1, FIRST = 2 };
#define TINY 1e-11 /* of a part's draw, and of its slope */

struct edge { /* edges stand in pairs, there and back */
    uint32_t to, next;
    double room;
    struct fl_line line; /* capacity in units; an INFINITY in base: none */
};

struct flow {
    struct fl_exposure *x;
    struct fl_group *g;
    double lo; /* the piece begins here */
    uint32_t nodes, edge_count;
    struct edge *edges;
    uint32_t *head, *level, *at, *queue, *path;
    double tiny;
};

static const struct fl_line no_limit = {INFINITY, 0};

static double value(struct fl_line line, double t)
{
    return isinf(t) ? line.slope : line.base + line.slope * t;
}

static void join(struct flow *f, uint32_t from, uint32_t to, struct fl_line line)
{
    f->edges[f->edge_count] = (struct edge){to, f->head[from], 0, line};
    f->head[from] = f->edge_count++;
    f->edges[f->edge_count] = (struct edge){from, f->head[to], 0, {0, 0}};
    f->head[to] = f->edge_count++;
}

/* ---- the graph of a piece: parts, then sites, then what opens at sites ---- */

struct opening {
    uint32_t site; /* of the group */
    double bring_up;
};

static int latest_first(const void *a, const void *b)
{
    const struct opening *x = a, *y = b;

    if (x->site != y->site)
        return (x->site > y->site) - (x->site < y->site);
    return (x->bring_up < y->bring_up) - (x->bring_up > y->bring_up);
}

static struct fl_line site_line(const struct flow *f, uint32_t i, double from)
{
    const struct fl_exposure *x = f->x;
    uint32_t site = f->g->sites[i];
    double left = x->site_left[site], until = x->site_until[site];
    double capacity = x->net->sites[site].capacity_per_day;
    struct fl_line line = fl_scene_line(left, until, f->lo);

    line.base -= from > 0 ? fl_scene_time(left, until, from) : 0;
    return (struct fl_line){line.base * capacity, line.slope * capacity};
}

/* What opens at a site at one time flows into what opened before. */
static uint32_t add_openings(struct flow *f, struct opening *o)
{
    uint32_t n = 0, kept = 0, site_node = FIRST + f->g->part_count;

    for (uint32_t i = 0; i < f->g->arm_count; i++) {
        const struct fl_arm *arm = &f->x->arms[f->g->arms[i]];

        if (arm->load > 0 && arm->bring_up > 0 && !fl_arm_closed(f->x, arm, f->lo))
            o[n++] = (struct opening){f->x->site_local[arm->site], arm->bring_up};
    }
    if (n > 1)
        qsort(o, n, sizeof *o, latest_first);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || o[i].site != o[kept - 1].site || o[i].bring_up != o[kept - 1].bring_up)
            o[kept++] = o[i];
    for (uint32_t i = 0; i < kept; i++) {
        bool more = i + 1 < kept && o[i + 1].site == o[i].site;

        join(f, f->nodes + i, more ? f->nodes + i + 1 : site_node + o[i].site,
             site_line(f, o[i].site, o[i].bring_up));
    }
    return kept;
}

static uint32_t way_in(const struct flow *f, const struct fl_arm *arm, const struct opening *o,
                       uint32_t openings)
{
    struct opening key = {f->x->site_local[arm->site], arm->bring_up};
    const struct opening *found;

    if (arm->load == 0)
        return TO;
    if (arm->bring_up == 0)
        return FIRST + f->g->part_count + key.site;
    found = bsearch(&key, o, openings, sizeof *o, latest_first);
    return FIRST + f->g->part_count + f->g->site_count + (uint32_t)(found - o);
}

static struct fl_line arm_line(const struct flow *f, uint32_t arm)
{
    const struct fl_exposure *x = f->x;
    struct fl_line line;
    double capacity;

    if (x->arm_until[arm] == 0 || x->arms[arm].load == 0)
        return no_limit;
    capacity = x->net->sites[x->arms[arm].site].capacity_per_day;
    line = fl_scene_line(x->arm_left[arm], x->arm_until[arm], f->lo);
    return (struct fl_line){line.base * capacity, line.slope * capacity};
}

/* Parts are numbered by their place in the group for the walk: in x->part_local. */
static void add_arms(struct flow *f, const struct opening *o, uint32_t openings)
{
    for (uint32_t i = 0; i < f->g->arm_count; i++) {
        const struct fl_arm *arm = &f->x->arms[f->g->arms[i]];

        if (!fl_arm_closed(f->x, arm, f->lo))
            join(f, FIRST + f->x->part_local[arm->part], way_in(f, arm, o, openings),
                 arm_line(f, f->g->arms[i]));
    }
}

static int build(struct flow *f, struct fl_err *err)
{
    const struct fl_group *g = f->g;
    uint32_t nodes = FIRST + g->part_count + g->site_count + g->arm_count, openings;
    size_t edges = 2 * ((size_t)g->part_count + g->site_count + 2 * (size_t)g->arm_count);
    struct opening *o = fl_exposure_get(f->x, g->arm_count, sizeof *o, err);
    uint32_t **const wanted[] = {&f->head, &f->level, &f->at, &f->queue, &f->path};

    f->edges = fl_exposure_get(f->x, edges, sizeof *f->edges, err);
    if (o == NULL || f->edges == NULL)
        return FL_E_NOMEM;
    for (size_t i = 0; i < FL_LEN(wanted); i++)
        if ((*wanted[i] = fl_exposure_get(f->x, nodes, sizeof **wanted[i], err)) == NULL)
            return FL_E_NOMEM;
    for (uint32_t i = 0; i < nodes; i++)
        f->head[i] = FL_NET_NONE;
    for (uint32_t i = 0; i < g->part_count; i++) {
        f->x->part_local[g->parts[i]] = i;
        join(f, FROM, FIRST + i, no_limit); /* edge 2 * i */
    }
    for (uint32_t i = 0; i < g->site_count; i++) {
        f->x->site_local[g->sites[i]] = i;
        join(f, FIRST + g->part_count + i, TO, site_line(f, i, 0));
    }
    f->nodes = FIRST + g->part_count + g->site_count;
    openings = add_openings(f, o);
    f->nodes += openings;
    add_arms(f, o, openings);
    return FL_OK;
}

/* ---- the greatest flow (Dinic) ---- */

static bool levels(struct flow *f)
{
    uint32_t done = 0, n = 0;

    for (uint32_t i = 0; i < f->nodes; i++)
        f->level[i] = FL_NET_NONE;
    f->level[FROM] = 0;
    f->queue[n++] = FROM;
    while (done < n) {
        uint32_t at = f->queue[done++];

        for (uint32_t e = f->head[at]; e != FL_NET_NONE; e = f->edges[e].next) {
            uint32_t to = f->edges[e].to;

            if (f->level[to] != FL_NET_NONE || !(f->edges[e].room > f->tiny))
                continue;
            f->level[to] = f->level[at] + 1;
            f->queue[n++] = to;
        }
    }
    return f->level[TO] != FL_NET_NONE;
}

static void send(struct flow *f, uint32_t length)
{
    double least = INFINITY;

    for (uint32_t i = 0; i < length; i++)
        least = fmin(least, f->edges[f->path[i]].room);
    for (uint32_t i = 0; i < length; i++) {
        f->edges[f->path[i]].room -= least;
        f->edges[f->path[i] ^ 1].room += least;
    }
}

/* All paths of the present levels, one after the other. */
static void block(struct flow *f)
{
    uint32_t length = 0, at = FROM;

    for (uint32_t i = 0; i < f->nodes; i++)
        f->at[i] = f->head[i];
    for (;;) {
        uint32_t e = f->at[at];

        if (at == TO) {
            send(f, length);
            length = 0;
            at = FROM;
        } else if (e == FL_NET_NONE) {
            if (at == FROM)
                return;
            f->level[at] = FL_NET_NONE;
            at = f->edges[f->path[--length] ^ 1].to;
        } else if (f->edges[e].room > f->tiny && f->level[f->edges[e].to] != FL_NET_NONE &&
                   f->level[f->edges[e].to] == f->level[at] + 1) {
            f->path[length++] = e;
            at = f->edges[e].to;
        } else {
            f->at[at] = f->edges[e].next;
        }
    }
}

/* What is needed beyond what can be made, as the line it is at t; its value there is above 0 only
 * where something is short. In the end (t INFINITY) the slopes decide. */
static struct fl_line shortage(struct flow *f, double t)
{
    struct fl_line sum = {0, 0};
    double most = 0;

    for (uint32_t e = 0; e < f->edge_count; e += 2) {
        f->edges[e].room =
            isinf(f->edges[e].line.base) ? INFINITY : fmax(0, value(f->edges[e].line, t));
        f->edges[e + 1].room = 0;
        if (e < 2 * f->g->part_count)
            most = fmax(most, f->edges[e].room);
    }
    f->tiny = most * 1e-14;
    while (levels(f))
        block(f);
    /* levels() reached the near side of the least cut */
    for (uint32_t e = 0; e < f->edge_count; e += 2) {
        uint32_t from = f->edges[e + 1].to;
        bool near = f->level[from] != FL_NET_NONE, far = f->level[f->edges[e].to] == FL_NET_NONE;
        double sign = from == FROM ? (far ? 0 : 1) : (near && far ? -1 : 0);

        if (sign != 0) {
            sum.base += sign * f->edges[e].line.base;
            sum.slope += sign * f->edges[e].line.slope;
        }
    }
    return sum;
}

/* ---- Newton ---- */

static double draw(const struct flow *f)
{
    double sum = 0;

    for (uint32_t i = 0; i < f->g->part_count; i++)
        sum += f->x->rate[f->g->parts[i]];
    return sum;
}

/* The needs at t become the capacities of the first edges. */
static struct fl_line look(struct flow *f, uint32_t only, double t)
{
    const struct fl_exposure *x = f->x;
    struct fl_cone *cone = f->g->cone;

    fl_cone_needs(x, cone, only, t);
    for (uint32_t i = 0; i < f->g->part_count; i++) {
        uint32_t part = f->g->parts[i];
        struct fl_line need = cone->need[x->local[part]];

        f->edges[2 * i].line =
            (struct fl_line){need.base * x->rate[part], need.slope * x->rate[part]};
    }
    return shortage(f, t);
}

/* In the end each part is needed all day: where that fits, it did so before, since needs turn
 * upwards only, and the piece began well. No cone is needed to see that. */
static bool endures(struct flow *f)
{
    for (uint32_t i = 0; i < f->g->part_count; i++)
        f->edges[2 * i].line = (struct fl_line){0, f->x->rate[f->g->parts[i]]};
    return shortage(f, INFINITY).slope <= TINY * draw(f);
}

/* The last time in (lo, hi] up to which nothing is short; hi where nothing is. */
static double piece_end(struct flow *f, double hi, uint32_t only)
{
    double t = hi, whole = draw(f);
    struct fl_line line = look(f, only, hi);

    if (isinf(hi)) {
        if (line.slope <= TINY * whole)
            return hi;
        t = fmax(f->lo, -line.base / line.slope);
        if (t > FL_NEVER_DAYS)
            return hi;
        line = look(f, only, t);
    }
    for (int i = 0; i < NEWTON_MAX && t > f->lo && line.slope > 0; i++) {
        if (value(line, t) <= TINY * whole * (1 + t))
            break;
        t = fmax(f->lo, t - value(line, t) / line.slope);
        line = look(f, only, t);
    }
    return t;
}

int fl_flow_survive(struct fl_exposure *x, struct fl_group *g, uint32_t only, double *ret_days,
                    struct fl_err *err)
{
    double lo = 0, hi, end = INFINITY;

    for (uint32_t i = 0; i <= g->break_count; i++) {
        struct flow f = {.x = x, .g = g, .lo = lo};
        int r = build(&f, err);

        if (r < 0)
            return r;
        hi = i < g->break_count ? g->breaks[i] : INFINITY;
        end = hi;
        if (isinf(hi) && endures(&f))
            break;
        if (g->cone == NULL)
            r = fl_cone_new(x, g->parts, g->part_count, &g->cone, err);
        if (r < 0)
            return r;
        fl_cone_enter(x, g->cone);
        end = piece_end(&f, hi, only);
        if (end < hi)
            break;
        lo = hi;
    }
    *ret_days = end > FL_NEVER_DAYS ? INFINITY : end;
    return FL_OK;
}

/* ---- cuts for exposure_cuts.c ---- */

struct fl_flow {
    struct flow f;
};

int fl_flow_new(struct fl_exposure *x, struct fl_group *g, double lo, struct fl_flow **ret,
                struct fl_err *err)
{
    struct fl_flow *flow = fl_exposure_get(x, 1, sizeof *flow, err);
    int r;

    if (flow == NULL)
        return FL_E_NOMEM;
    flow->f = (struct flow){.x = x, .g = g, .lo = lo};
    r = build(&flow->f, err);
    if (r == FL_OK)
        *ret = flow;
    return r;
}

bool fl_flow_closed(const struct fl_flow *flow, uint32_t i)
{
    return flow->f.head[FIRST + i] == 2 * i + 1; /* nothing but the way back */
}

double fl_flow_short(struct fl_flow *flow, const double *need, double t, bool *short_of,
                     struct fl_line *ret_room)
{
    struct flow *f = &flow->f;
    struct fl_line line;
    double needed = 0;

    for (uint32_t i = 0; i < f->g->part_count; i++)
        f->edges[2 * i].line = (struct fl_line){need[i], 0};
    line = shortage(f, t);
    for (uint32_t i = 0; i < f->g->part_count; i++) {
        short_of[i] = f->level[FIRST + i] != FL_NET_NONE;
        needed += short_of[i] ? need[i] : 0;
    }
    *ret_room = (struct fl_line){needed - line.base, -line.slope};
    return value(line, t);
}
