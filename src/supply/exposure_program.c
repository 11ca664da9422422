/*
 * The programs of a group and of what stands behind its parts, on one piece of time.
 *
 * Columns: made and lost of each product, made of each part that is not of the group (its sources
 * are enough, so one column stands for them), made by each arm of the group, and t where the time
 * to survive is asked. A bound is a line in t: for a given t it is a number, else its slope stands
 * in the column of t.
 */
#include <math.h>
#include <stdlib.h>

#include "supply/exposure_int.h"

/* A product without profit must not be lost for nothing: it costs this share of the dearest. */
#define COST_LEAST 1e-7
/* Days of a product, per day, below which a loss is rounding. */
#define LOST_LEAST 1e-8

struct opening {   /* what is open at a site from bring_up on, together */
    uint32_t site; /* in the group */
    double bring_up;
};

struct program {
    struct fl_exposure *x;
    const struct fl_group *g;
    double lo;      /* the piece begins here */
    bool *of_group; /* items of the cone */
    uint32_t *lost; /* item -> column of what is lost */
    struct opening *openings;
    uint32_t opening_count;
    uint32_t site_row, opening_row, arm_row, rows, columns, time_column;
    struct fl_line *bound;
    bool *at_least; /* rows: the bound is one from below */
    int *start, *row;
    double *term;
    uint32_t terms, room;
    double *cost, *low, *high, *row_low, *row_high;
};

static void put(struct program *p, uint32_t row, double term)
{
    if (term == 0 || p->terms == p->room)
        return;
    p->row[p->terms] = (int)row;
    p->term[p->terms++] = term;
}

static uint32_t column(struct program *p, double low, double high)
{
    uint32_t c = p->columns++;

    p->start[c] = (int)p->terms;
    p->cost[c] = 0;
    p->low[c] = low;
    p->high[c] = high;
    return c;
}

/* Rows are the items of the cone first: demand of a product, pool of a part. */
static void put_made(struct program *p, uint32_t item, double in_own_row)
{
    const struct fl_cone *c = p->g->cone;

    put(p, item, in_own_row);
    for (uint32_t k = c->start[item]; k < c->start[item + 1]; k++)
        put(p, c->to[k], c->weight[k]);
}

/* ---- rows ---- */

static void find_openings(struct program *p)
{
    for (uint32_t i = 0; i < p->g->arm_count; i++) {
        const struct fl_arm *arm = &p->x->arms[p->g->arms[i]];
        uint32_t k = 0;

        if (arm->load == 0 || arm->bring_up == 0)
            continue;
        while (k < p->opening_count && (p->openings[k].site != p->x->site_local[arm->site] ||
                                        p->openings[k].bring_up != arm->bring_up))
            k++;
        if (k == p->opening_count)
            p->openings[p->opening_count++] =
                (struct opening){p->x->site_local[arm->site], arm->bring_up};
    }
}

/* A source that is limited by itself: half of it is left, or it comes back. */
static bool limited_arm(const struct program *p, uint32_t i)
{
    const struct fl_arm *arm = &p->x->arms[p->g->arms[i]];

    return arm->load > 0 && p->x->arm_until[p->g->arms[i]] > 0 && !fl_arm_closed(p->x, arm, p->lo);
}

static void bound(struct program *p, uint32_t row, struct fl_line line, bool at_least)
{
    p->bound[row] = line;
    p->at_least[row] = at_least;
}

static void bound_sites(struct program *p)
{
    const struct fl_exposure *x = p->x;

    for (uint32_t i = 0; i < p->g->site_count; i++) {
        uint32_t site = p->g->sites[i];

        bound(p, p->site_row + i, fl_scene_line(x->site_left[site], x->site_until[site], p->lo),
              false);
    }
    for (uint32_t i = 0; i < p->opening_count; i++) {
        uint32_t site = p->g->sites[p->openings[i].site];
        struct fl_line line = fl_scene_line(x->site_left[site], x->site_until[site], p->lo);

        line.base -=
            fl_scene_time(x->site_left[site], x->site_until[site], p->openings[i].bring_up);
        bound(p, p->opening_row + i,
              p->lo < p->openings[i].bring_up ? (struct fl_line){INFINITY, 0} : line, false);
    }
}

static void bound_rows(struct program *p)
{
    const struct fl_exposure *x = p->x;
    const struct fl_cone *c = p->g->cone;
    uint32_t row = p->arm_row;

    for (uint32_t i = 0; i < c->count; i++) {
        bool product = fl_net_is_product(x->net, c->items[i]);
        double stock = x->stock[c->items[i]];

        bound(p, i, product ? (struct fl_line){-stock, 1} : (struct fl_line){stock, 0}, product);
    }
    bound_sites(p);
    for (uint32_t i = 0; i < p->g->arm_count; i++)
        if (limited_arm(p, i)) {
            uint32_t arm = p->g->arms[i];

            bound(p, row++, fl_scene_line(x->arm_left[arm], x->arm_until[arm], p->lo), false);
        }
}

/* ---- columns ---- */

static void put_arm(struct program *p, uint32_t i, uint32_t *arm_row)
{
    const struct fl_exposure *x = p->x;
    const struct fl_arm *arm = &x->arms[p->g->arms[i]];
    uint32_t site = x->site_local[arm->site];

    (void)column(p, 0, fl_arm_closed(x, arm, p->lo) ? 0 : INFINITY);
    put_made(p, x->local[arm->part], -1);
    if (arm->load == 0)
        return;
    put(p, p->site_row + site, arm->load);
    for (uint32_t k = 0; arm->bring_up > 0 && k < p->opening_count; k++)
        if (p->openings[k].site == site && p->openings[k].bring_up <= arm->bring_up)
            put(p, p->opening_row + k, arm->load);
    if (limited_arm(p, i))
        put(p, (*arm_row)++, arm->load);
}

static double cost_scale(const struct program *p, bool *by_profit)
{
    const struct fl_cone *c = p->g->cone;
    const struct fl_exposure *x = p->x;
    double profit = 0, demand = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        if (!fl_net_is_product(x->net, c->items[i]))
            continue;
        profit = fmax(profit, x->profit[c->items[i] - x->net->part_count]);
        demand = fmax(demand, x->demand[c->items[i] - x->net->part_count]);
    }
    *by_profit = profit > 0;
    return profit > 0 ? profit : demand;
}

/* Made and lost of products; without any profit the fewest units are lost. */
static void put_products(struct program *p)
{
    const struct fl_cone *c = p->g->cone;
    const struct fl_exposure *x = p->x;
    bool by_profit;
    double scale = cost_scale(p, &by_profit);

    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t v = c->items[i] - x->net->part_count;

        if (!fl_net_is_product(x->net, c->items[i]))
            continue;
        (void)column(p, 0, INFINITY);
        put_made(p, i, 1);
        p->lost[i] = column(p, 0, INFINITY);
        put(p, i, 1);
        p->cost[p->lost[i]] = fmax((by_profit ? x->profit[v] : x->demand[v]) / scale, COST_LEAST);
    }
}

static void put_time(struct program *p)
{
    p->time_column = column(p, 0, FL_NEVER_DAYS);
    for (uint32_t row = 0; row < p->rows; row++)
        put(p, row, -p->bound[row].slope);
}

static void put_columns(struct program *p, bool with_time)
{
    const struct fl_cone *c = p->g->cone;
    uint32_t arm_row = p->arm_row;

    put_products(p);
    for (uint32_t i = 0; i < c->count; i++)
        if (!fl_net_is_product(p->x->net, c->items[i]) && !p->of_group[i]) {
            (void)column(p, 0, INFINITY);
            put_made(p, i, -1);
        }
    for (uint32_t i = 0; i < p->g->arm_count; i++)
        put_arm(p, i, &arm_row);
    if (with_time)
        put_time(p);
    p->start[p->columns] = (int)p->terms;
}

/* ---- as a whole ---- */

static int room(struct program *p, struct fl_err *err)
{
    struct fl_exposure *x = p->x;
    const struct fl_cone *c = p->g->cone;
    size_t lines = c->start[c->count], arms = p->g->arm_count, rows = p->rows;
    size_t columns = 2 * (size_t)c->count + arms + 1, terms = lines + 2 * columns + rows;

    for (uint32_t i = 0; i < p->g->arm_count; i++) {
        uint32_t item = x->local[x->arms[p->g->arms[i]].part];

        terms += c->start[item + 1] - c->start[item] + 2 +
                 (x->arms[p->g->arms[i]].bring_up > 0 ? p->opening_count : 0);
    }
    if (columns > FL_LP_SIZE_MAX || rows > FL_LP_SIZE_MAX || terms > FL_LP_TERMS_MAX)
        return fl_err_set(
            err, FL_E_LIMIT,
            "the program for these sites would have up to %zu rows, %zu columns and "
            "%zu terms; %u, %u and %u are the limits: calculate a part of the network",
            rows, columns, terms, FL_LP_SIZE_MAX, FL_LP_SIZE_MAX, FL_LP_TERMS_MAX);
    p->room = (uint32_t)terms;
    p->lost = fl_exposure_get(x, c->count, sizeof *p->lost, err);
    p->bound = fl_exposure_get(x, rows, sizeof *p->bound, err);
    p->at_least = fl_exposure_get(x, rows, sizeof *p->at_least, err);
    p->start = fl_exposure_get(x, columns + 1, sizeof *p->start, err);
    p->row = fl_exposure_get(x, terms, sizeof *p->row, err);
    p->term = fl_exposure_get(x, terms, sizeof *p->term, err);
    p->cost = fl_exposure_get(x, columns, sizeof *p->cost, err);
    p->low = fl_exposure_get(x, columns, sizeof *p->low, err);
    p->high = fl_exposure_get(x, columns, sizeof *p->high, err);
    p->row_low = fl_exposure_get(x, rows, sizeof *p->row_low, err);
    p->row_high = fl_exposure_get(x, rows, sizeof *p->row_high, err);
    if (p->lost == NULL || p->bound == NULL || p->at_least == NULL || p->start == NULL ||
        p->row == NULL || p->term == NULL || p->cost == NULL || p->low == NULL || p->high == NULL ||
        p->row_low == NULL || p->row_high == NULL)
        return FL_E_NOMEM;
    return FL_OK;
}

static int build(struct fl_exposure *x, const struct fl_group *g, double lo, bool with_time,
                 struct program *ret, struct fl_err *err)
{
    struct program p = {.x = x, .g = g, .lo = lo};
    int r;

    fl_cone_enter(x, g->cone);
    for (uint32_t i = 0; i < g->site_count; i++)
        x->site_local[g->sites[i]] = i;
    p.openings = fl_exposure_get(x, g->arm_count, sizeof *p.openings, err);
    p.of_group = fl_exposure_get(x, g->cone->count, sizeof *p.of_group, err);
    if (p.openings == NULL || p.of_group == NULL)
        return FL_E_NOMEM;
    for (uint32_t i = 0; i < g->cone->count; i++)
        p.of_group[i] = false;
    for (uint32_t i = 0; i < g->part_count; i++)
        p.of_group[x->local[g->parts[i]]] = true;
    find_openings(&p);
    p.site_row = g->cone->count;
    p.opening_row = p.site_row + g->site_count;
    p.arm_row = p.rows = p.opening_row + p.opening_count;
    for (uint32_t i = 0; i < g->arm_count; i++)
        p.rows += limited_arm(&p, i);
    r = room(&p, err);
    if (r < 0)
        return r;
    bound_rows(&p);
    put_columns(&p, with_time);
    *ret = p;
    return FL_OK;
}

/* The bounds of rows as numbers: at t, or without what the column of t says. */
static void fix_rows(struct program *p, double t)
{
    for (uint32_t i = 0; i < p->rows; i++) {
        double at = p->bound[i].base + p->bound[i].slope * t;

        p->row_low[i] = p->at_least[i] ? at : -INFINITY;
        p->row_high[i] = p->at_least[i] ? INFINITY : at;
    }
}

static int load(struct program *p, struct fl_err *err)
{
    struct fl_lp_problem problem = {p->rows, p->columns, p->start, p->row,     p->term,
                                    p->cost, p->low,     p->high,  p->row_low, p->row_high};

    return fl_lp_load(p->x->lp, &problem, err);
}

/* The plain programs begin from where they stood with nothing, or the first thing, down. */
static int solve(struct program *p, struct fl_lp_basis *basis, enum fl_lp_method method,
                 const double **ret, struct fl_err *err)
{
    double cost;
    int r;

    if (p->x->plain)
        fl_lp_begin(p->x->lp, basis);
    r = fl_lp_solve(p->x->lp, method, ret, &cost, err);
    if (r == FL_OK && p->x->plain && basis->status == NULL)
        r = fl_lp_keep(p->x->lp, basis, err);
    return r;
}

/* ---- what is lost ---- */

struct losses {
    double *days; /* of items of the cone */
    double profit, revenue, units;
};

static void read_losses(const struct program *p, const double *values, double t, struct losses *ret)
{
    const struct fl_exposure *x = p->x;
    const struct fl_cone *c = p->g->cone;

    ret->profit = ret->revenue = ret->units = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t v = c->items[i] - x->net->part_count;

        ret->days[i] = 0;
        if (!fl_net_is_product(x->net, c->items[i]) || !(values[p->lost[i]] > LOST_LEAST * (1 + t)))
            continue;
        ret->days[i] = values[p->lost[i]];
        ret->profit += ret->days[i] * x->profit[v];
        ret->revenue += ret->days[i] * x->revenue[v];
        ret->units += ret->days[i] * x->demand[v];
    }
}

static bool worse(const struct losses *a, const struct losses *b)
{
    return a->profit > b->profit || (a->profit == b->profit && a->units > b->units);
}

static int lose_at(struct program *p, double t, struct losses *ret, struct fl_err *err)
{
    const double *values;
    int r;

    fix_rows(p, t);
    fl_lp_rows(p->x->lp, p->row_low, p->row_high);
    r = solve(p, &p->x->lose_basis, FL_LP_DUAL, &values, err);
    if (r == FL_OK)
        read_losses(p, values, t, ret);
    return r;
}

static int open_piece(struct fl_exposure *x, const struct fl_group *g, double lo,
                      struct program *ret, struct fl_err *err)
{
    int r = build(x, g, lo, false, ret, err);

    if (r < 0)
        return r;
    fix_rows(ret, lo);
    return load(ret, err);
}

int fl_program_lose(struct fl_exposure *x, const struct fl_group *g, double days,
                    const double **ret_lost, struct fl_err *err)
{
    struct losses now = {.days = fl_exposure_get(x, g->cone->count, sizeof(double), err)};
    struct losses worst = {.days = fl_exposure_get(x, g->cone->count, sizeof(double), err)};
    struct program p;
    double lo = 0;
    int r = now.days == NULL || worst.days == NULL ? FL_E_NOMEM : FL_OK;

    for (uint32_t i = 0; r == FL_OK && i < g->cone->count; i++)
        worst.days[i] = 0;
    for (uint32_t i = 0; r == FL_OK && i <= g->break_count && lo < days; i++) {
        double hi = i < g->break_count ? fmin(g->breaks[i], days) : days;

        r = open_piece(x, g, lo, &p, err);
        if (r == FL_OK)
            r = lose_at(&p, hi, &now, err);
        if (r == FL_OK && worse(&now, &worst)) {
            struct losses swap = worst;

            worst = now;
            now = swap;
        }
        lo = hi;
    }
    *ret_lost = worst.days;
    return r;
}

/* ---- the curve ---- */

struct curve {
    struct program *p;
    const double *days;
    double *profit, *revenue;
    struct losses scratch;
};

static int curve_at(struct curve *c, uint32_t i, struct fl_err *err)
{
    int r = lose_at(c->p, c->days[i], &c->scratch, err);

    c->profit[i] = c->scratch.profit;
    c->revenue[i] = c->scratch.revenue;
    return r;
}

static bool near(double a, double b, double scale)
{
    return fabs(a - b) <= 1e-9 * scale;
}

static double between(const struct curve *c, const double *v, uint32_t a, uint32_t b, uint32_t i)
{
    return v[a] + (v[b] - v[a]) * (c->days[i] - c->days[a]) / (c->days[b] - c->days[a]);
}

/* What is convex and meets its chord once between the ends is the chord. */
static int curve_fill(struct curve *c, uint32_t a, uint32_t b, struct fl_err *err)
{
    uint32_t m = a + (b - a) / 2;
    int r;

    if (b - a < 2)
        return FL_OK;
    r = curve_at(c, m, err);
    if (r < 0)
        return r;
    if (near(c->profit[m], between(c, c->profit, a, b, m), c->profit[b]) &&
        near(c->revenue[m], between(c, c->revenue, a, b, m), c->revenue[b])) {
        for (uint32_t i = a + 1; i < b; i++) {
            c->profit[i] = between(c, c->profit, a, b, i);
            c->revenue[i] = between(c, c->revenue, a, b, i);
        }
        return FL_OK;
    }
    r = curve_fill(c, a, m, err);
    return r < 0 ? r : curve_fill(c, m, b, err);
}

/* What is lost stays lost: the curve never falls, also where more than is drawn opens. */
static void keep_lost(struct curve *c, uint32_t from, uint32_t to, struct losses *worst)
{
    for (uint32_t i = from; i < to; i++) {
        if (c->profit[i] < worst->profit) {
            c->profit[i] = worst->profit;
            c->revenue[i] = worst->revenue;
        }
        worst->profit = c->profit[i];
        worst->revenue = c->revenue[i];
    }
}

static int curve_piece(struct curve *c, uint32_t from, uint32_t to, double hi, struct losses *worst,
                       struct fl_err *err)
{
    int r = FL_OK;

    if (from < to)
        r = curve_at(c, from, err);
    if (r == FL_OK && to - from > 1)
        r = curve_at(c, to - 1, err);
    if (r == FL_OK && to > from)
        r = curve_fill(c, from, to - 1, err);
    keep_lost(c, from, to, worst);
    if (r == FL_OK && !isinf(hi)) {
        r = lose_at(c->p, hi, &c->scratch, err);
        if (r == FL_OK && c->scratch.profit > worst->profit) {
            worst->profit = c->scratch.profit;
            worst->revenue = c->scratch.revenue;
        }
    }
    return r;
}

int fl_program_curve(struct fl_exposure *x, const struct fl_group *g, const double *days,
                     uint32_t count, double *profit, double *revenue, struct fl_err *err)
{
    struct program p;
    struct curve c = {.p = &p, .days = days, .profit = profit, .revenue = revenue};
    struct losses worst = {0};
    uint32_t from = 0, to;
    double lo = 0;
    int r = FL_OK;

    c.scratch.days = fl_exposure_get(x, g->cone->count, sizeof(double), err);
    if (c.scratch.days == NULL)
        return FL_E_NOMEM;
    for (uint32_t i = 0; r == FL_OK && i <= g->break_count && from < count; i++) {
        double hi = i < g->break_count ? g->breaks[i] : INFINITY;

        for (to = from; to < count && days[to] <= hi; to++)
            ;
        r = open_piece(x, g, lo, &p, err);
        if (r == FL_OK)
            r = curve_piece(&c, from, to, hi, &worst, err);
        from = to;
        lo = hi;
    }
    return r;
}

/* ---- time to survive ---- */

static void keep_products(struct program *p, uint32_t only)
{
    const struct fl_cone *c = p->g->cone;

    for (uint32_t i = 0; i < c->count; i++) {
        if (!fl_net_is_product(p->x->net, c->items[i]))
            continue;
        p->cost[p->lost[i]] = 0;
        if (only == FL_NET_NONE || only == i)
            p->high[p->lost[i]] = 0;
    }
    p->cost[p->time_column] = -1;
}

static int survive_piece(struct program *p, double hi, uint32_t only, double *ret,
                         struct fl_err *err)
{
    struct fl_lp_basis none = {0}, *basis = only == FL_NET_NONE ? &p->x->survive_basis : &none;
    const double *values;
    int r;

    keep_products(p, only);
    p->high[p->time_column] = fmin(hi, FL_NEVER_DAYS);
    fix_rows(p, 0);
    r = load(p, err);
    if (r == FL_OK)
        r = solve(p, basis, FL_LP_PRIMAL, &values, err);
    if (r == FL_OK)
        *ret = values[p->time_column];
    else if (r == FL_E_INVAL) /* the piece begins where the last one ended, by a rounding */
        *ret = p->lo;
    fl_lp_basis_done(&none);
    return r == FL_E_INVAL ? FL_OK : r;
}

int fl_program_survive(struct fl_exposure *x, const struct fl_group *g, uint32_t only,
                       double *ret_days, struct fl_err *err)
{
    double lo = 0, end = 0;
    int r = FL_OK;

    for (uint32_t i = 0; r == FL_OK && i <= g->break_count; i++) {
        double hi = i < g->break_count ? g->breaks[i] : INFINITY;
        struct program p;

        r = build(x, g, lo, true, &p, err);
        if (r == FL_OK)
            r = survive_piece(&p, hi, only, &end, err);
        if (r < 0 || end < hi * (1 - FL_LP_TOLERANCE))
            break;
        lo = hi;
    }
    *ret_days = end >= FL_NEVER_DAYS * (1 - FL_LP_TOLERANCE) ? INFINITY : fmax(end, lo);
    return r;
}
