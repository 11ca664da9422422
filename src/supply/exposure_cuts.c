/*
 * The curve of a scene over its products alone.
 *
 * What must be made of each part follows from what is made of products, whatever the sources do,
 * and rises with it as a convex function. So a group that falls short says no more than this: a sum
 * of needs, over parts on the near side of a least cut, is within what their sites give. A tangent
 * of that sum is a row over products (a cut) that holds for the whole piece of time, and max profit
 * under the rows so far is a small program that packs (exposure_pack.h). Rows are added until no
 * group is short. Cuts are lines in t, so PI is convex in a piece, and its slope is read from the
 * prices: corners lie where tangents meet.
 */
#include <math.h>
#include <string.h>

#include "supply/exposure_int.h"
#include "supply/exposure_pack.h"

enum { ROUNDS_MAX = 2000, DEEP_MAX = 60 };
#define SHORT_MOST 1e-11 /* of what parts draw until then */
#define SAME       1e-13
#define NEAR       1e-9 /* of what the dearest product earns until then */

struct short_group {
    struct fl_group *group;
    struct fl_flow *flow;
    double *need, draw;
    bool *short_of;
};

struct cuts {
    struct fl_exposure *x;
    struct fl_cone *cone;
    struct short_group *groups;
    uint32_t group_count;
    uint32_t *product;         /* of each column: its place in the cone */
    double most, *gain, *made; /* of items of the cone: made in days */
    double *need, *tangent;    /* of items of the cone */
    double *cap;               /* of columns: rows of that column alone that stand still */
    struct fl_line *room;      /* of rows */
    uint32_t rows_max;
    struct fl_pack pack;
};

struct point {
    double day, loss, slope;
};

/* ---- rows ---- */

/* A longer list with what stood in the old one. */
static void *longer(struct cuts *c, const void *old, size_t had, size_t count, size_t size,
                    struct fl_err *err)
{
    void *more = fl_exposure_get(c->x, count, size, err);

    if (more != NULL && had > 0)
        memcpy(more, old, had * size);
    return more;
}

static int grow(struct cuts *c, struct fl_err *err)
{
    struct fl_pack *p = &c->pack;
    size_t n = p->columns, had = p->rows, rows = c->rows_max == 0 ? 32 : 2 * (size_t)c->rows_max;

    p->use = longer(c, p->use, had * n, rows * n, sizeof *p->use, err);
    c->room = longer(c, c->room, had, rows, sizeof *c->room, err);
    p->room = longer(c, p->room, had, rows, sizeof *p->room, err);
    p->price = longer(c, p->price, had, rows, sizeof *p->price, err);
    p->table = longer(c, p->table, had * n, rows * n, sizeof *p->table, err);
    p->value = longer(c, p->value, had, rows, sizeof *p->value, err);
    p->old_room = longer(c, p->old_room, had, rows, sizeof *p->old_room, err);
    p->basic = longer(c, p->basic, had, rows, sizeof *p->basic, err);
    p->turned = longer(c, p->turned, had == 0 ? 0 : had + n, rows + n, sizeof *p->turned, err);
    if (p->use == NULL || c->room == NULL || p->room == NULL || p->price == NULL ||
        p->table == NULL || p->value == NULL || p->old_room == NULL || p->basic == NULL ||
        p->turned == NULL)
        return FL_E_NOMEM;
    c->rows_max = (uint32_t)rows;
    return FL_OK;
}

/* A row behind the last one stays, unless it says of another one, or of a column, only how much
 * room there is. False: nothing is new. */
static bool keep_row(struct cuts *c, const double *row, struct fl_line room)
{
    uint32_t n = c->pack.columns, filled = 0, last = 0;

    for (uint32_t j = 0; j < n; j++)
        if (row[j] > 0)
            filled++, last = j;
    if (filled == 1 && room.slope == 0) {
        bool lower = room.base < c->cap[last];

        c->cap[last] = fmin(c->cap[last], room.base);
        return lower;
    }
    for (uint32_t i = 0; i < c->pack.rows; i++) {
        const double *other = c->pack.use + (size_t)i * n;
        bool lower = room.base < c->room[i].base;
        uint32_t j = 0;

        while (j < n && fabs(row[j] - other[j]) <= SAME)
            j++;
        if (j < n || room.slope != c->room[i].slope)
            continue;
        c->room[i].base = fmin(c->room[i].base, room.base);
        return lower;
    }
    c->room[c->pack.rows++] = room;
    return true;
}

/* The tangent of sum rate * need over the parts in hand (c->tangent, else 0), within this room. */
static int add_row(struct cuts *c, struct fl_line room, bool *ret_new, struct fl_err *err)
{
    const struct fl_exposure *x = c->x;
    const struct fl_cone *cone = c->cone;
    double *row, most = 0;
    int r = c->pack.rows == c->rows_max ? grow(c, err) : FL_OK;

    if (r < 0)
        return r;
    for (uint32_t i = cone->count; i-- > 0;) {
        bool product = fl_net_is_product(x->net, cone->items[i]);

        for (uint32_t k = cone->start[i]; k < cone->start[i + 1]; k++)
            c->tangent[i] += cone->weight[k] * c->tangent[cone->to[k]];
        if (!product && !(c->need[i] > 0))
            c->tangent[i] = 0;
        if (!product)
            room.base += c->tangent[i] * x->stock[cone->items[i]];
    }
    row = c->pack.use + (size_t)c->pack.rows * c->pack.columns;
    for (uint32_t j = 0; j < c->pack.columns; j++)
        most = fmax(most, c->tangent[c->product[j]]);
    for (uint32_t j = 0; most > 0 && j < c->pack.columns; j++)
        row[j] = c->tangent[c->product[j]] / most;
    if (most > 0 && keep_row(c, row, (struct fl_line){room.base / most, room.slope / most}))
        *ret_new = true;
    return FL_OK;
}

/* ---- what groups say to what is made ---- */

static void find_needs(struct cuts *c)
{
    const struct fl_cone *cone = c->cone;

    memset(c->need, 0, cone->count * sizeof *c->need);
    for (uint32_t i = 0; i < cone->count; i++) {
        double need = fl_net_is_product(c->x->net, cone->items[i])
                          ? c->made[i]
                          : c->need[i] - c->x->stock[cone->items[i]];

        c->need[i] = need = fmax(need, 0);
        for (uint32_t k = cone->start[i]; need > 0 && k < cone->start[i + 1]; k++)
            c->need[cone->to[k]] += cone->weight[k] * need;
    }
}

/* A part that nobody makes now has a row of its own: more is said than by their sum. Leaves what is
 * needed of the others, *ret_open: together. */
static int ask_closed(struct cuts *c, struct short_group *g, double t, bool *ret_new,
                      double *ret_open, struct fl_err *err)
{
    const struct fl_exposure *x = c->x;

    *ret_open = 0;
    for (uint32_t i = 0; i < g->group->part_count; i++) {
        uint32_t part = g->group->parts[i];
        int r;

        g->need[i] = c->need[x->local[part]] * x->rate[part];
        if (!fl_flow_closed(g->flow, i)) {
            *ret_open += g->need[i];
            continue;
        }
        if (g->need[i] > SHORT_MOST * x->rate[part] * (1 + t)) {
            memset(c->tangent, 0, c->cone->count * sizeof *c->tangent);
            c->tangent[x->local[part]] = x->rate[part];
            r = add_row(c, (struct fl_line){0, 0}, ret_new, err);
            if (r < 0)
                return r;
        }
        g->need[i] = 0;
    }
    return FL_OK;
}

static int ask(struct cuts *c, struct short_group *g, double t, bool *ret_new, struct fl_err *err)
{
    const struct fl_exposure *x = c->x;
    double least = SHORT_MOST * g->draw * (1 + t), open;
    struct fl_line room;
    int r = ask_closed(c, g, t, ret_new, &open, err);

    if (r < 0 || !(open > least) ||
        !(fl_flow_short(g->flow, g->need, t, g->short_of, &room) > least))
        return r;
    memset(c->tangent, 0, c->cone->count * sizeof *c->tangent);
    for (uint32_t i = 0; i < g->group->part_count; i++)
        if (g->short_of[i])
            c->tangent[x->local[g->group->parts[i]]] = x->rate[g->group->parts[i]];
    return add_row(c, room, ret_new, err);
}

/* ---- one time ---- */

static double loss_of(const struct cuts *c, double t, double *ret_slope)
{
    double loss = 0, slope = 0;

    for (uint32_t j = 0; j < c->pack.columns; j++) {
        double wanted = t - c->x->stock[c->cone->items[c->product[j]]];

        if (!(wanted > 0))
            continue;
        loss += c->gain[j] * (wanted - c->pack.made[j]);
        slope += c->gain[j] - (wanted <= c->cap[j] ? c->pack.worth[j] : 0);
    }
    for (uint32_t i = 0; i < c->pack.rows; i++)
        slope -= c->pack.price[i] * c->room[i].slope;
    *ret_slope = slope * c->most;
    return fmax(0, loss * c->most);
}

static int look(struct cuts *c, double t, struct point *ret, struct fl_err *err)
{
    struct fl_pack *p = &c->pack;
    bool more = true;
    int r = c->rows_max == 0 ? grow(c, err) : FL_OK;

    for (uint32_t round = 0; r == FL_OK && more; round++) {
        for (uint32_t j = 0; j < p->columns; j++)
            p->top[j] = fmax(0, fmin(t - c->x->stock[c->cone->items[c->product[j]]], c->cap[j]));
        for (uint32_t i = 0; i < p->rows; i++)
            p->room[i] = fmax(0, c->room[i].base + c->room[i].slope * t);
        if (round == ROUNDS_MAX || !fl_pack_solve(p))
            return fl_err_set(err, FL_E_CORRUPT, "a curve's corners cannot be found");
        for (uint32_t j = 0; j < p->columns; j++)
            c->made[c->product[j]] = p->made[j];
        find_needs(c);
        more = false;
        for (uint32_t i = 0; r == FL_OK && i < c->group_count; i++)
            r = ask(c, &c->groups[i], t, &more, err);
    }
    *ret = (struct point){.day = t};
    ret->loss = loss_of(c, t, &ret->slope);
    return r;
}

/* ---- corners ---- */

static bool meets(const struct cuts *c, const struct point *at, const struct point *other)
{
    double line = at->loss + at->slope * (other->day - at->day);

    return fabs(line - other->loss) <= NEAR * c->most * (1 + other->day);
}

static void keep(struct fl_corners *ret, const struct point *p)
{
    if (ret->count < FL_CORNERS_MAX) {
        ret->days[ret->count] = p->day;
        ret->profit[ret->count++] = p->loss;
    }
}

/* The corners between two points of a convex piece. */
static int between(struct cuts *c, const struct point *a, const struct point *b, unsigned deep,
                   struct fl_corners *ret, struct fl_err *err)
{
    double day, line;
    struct point m;
    int r;

    if (deep == DEEP_MAX || meets(c, a, b) || meets(c, b, a) || !(b->slope > a->slope))
        return FL_OK;
    day = (b->day * b->slope - a->day * a->slope - (b->loss - a->loss)) / (b->slope - a->slope);
    if (!(day > a->day && day < b->day))
        return FL_OK;
    line = a->loss + a->slope * (day - a->day);
    r = look(c, day, &m, err);
    if (r < 0)
        return r;
    if (fabs(m.loss - line) <= NEAR * c->most * (1 + day)) {
        keep(ret, &m);
        return FL_OK;
    }
    r = between(c, a, &m, deep + 1, ret, err);
    if (r == FL_OK)
        keep(ret, &m);
    return r == FL_OK ? between(c, &m, b, deep + 1, ret, err) : r;
}

/* ---- pieces ---- */

static int open_piece(struct cuts *c, double lo, struct fl_err *err)
{
    c->pack.rows = c->pack.known = 0;
    for (uint32_t j = 0; j < c->pack.columns; j++)
        c->cap[j] = INFINITY;
    for (uint32_t i = 0; i < c->group_count; i++) {
        int r = fl_flow_new(c->x, c->groups[i].group, lo, &c->groups[i].flow, err);

        if (r < 0)
            return r;
    }
    return FL_OK;
}

static int piece(struct cuts *c, double lo, double from, double to, struct fl_corners *ret,
                 struct fl_err *err)
{
    struct point a = {0}, b = {0};
    int r = open_piece(c, lo, err);

    if (r == FL_OK)
        r = look(c, from, &a, err);
    if (r == FL_OK)
        r = look(c, to, &b, err);
    if (r < 0)
        return r;
    keep(ret, &a); /* it may lie below the end of the last piece: a source without limit opens */
    r = between(c, &a, &b, 0, ret, err);
    if (r == FL_OK)
        keep(ret, &b);
    return r;
}

/* Where the curve would fall it stays; where it rises again it goes on from there. */
static void never_fall(struct fl_corners *c)
{
    double worst = 0, day = 0, last = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        double begin = day, from = last;

        day = c->days[i];
        last = c->profit[i];
        if (n > 0 && (last < worst || day <= c->days[n - 1]) && i + 1 < c->count)
            continue;
        if (n > 0 && from < worst && last > worst) { /* in the place of one that is left out */
            c->days[n] = begin + (day - begin) * (worst - from) / (last - from);
            c->profit[n++] = worst;
        }
        worst = fmax(worst, last);
        c->days[n] = day;
        c->profit[n++] = worst;
    }
    c->count = n > 0 && worst > 0 ? n : 0;
}

/* ---- as a whole ---- */

static int take_products(struct cuts *c, struct fl_err *err)
{
    const struct fl_exposure *x = c->x;
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->cone->count; i++) {
        uint32_t v = c->cone->items[i] - x->net->part_count;

        if (!fl_net_is_product(x->net, c->cone->items[i]) || !(x->profit[v] > 0))
            continue;
        c->product[n] = i;
        c->gain[n++] = x->profit[v];
        c->most = fmax(c->most, x->profit[v]);
    }
    for (uint32_t j = 0; j < n; j++)
        c->gain[j] /= c->most;
    c->pack.columns = n;
    c->pack.gain = c->gain;
    c->pack.top = fl_exposure_get(c->x, n, sizeof(double), err);
    c->pack.old_top = fl_exposure_get(c->x, n, sizeof(double), err);
    c->pack.off = fl_exposure_get(c->x, n, sizeof(double), err);
    c->pack.made = fl_exposure_get(c->x, n, sizeof(double), err);
    c->pack.worth = fl_exposure_get(c->x, n, sizeof(double), err);
    c->pack.other = fl_exposure_get(c->x, n, sizeof(uint32_t), err);
    return c->pack.top == NULL || c->pack.old_top == NULL || c->pack.off == NULL ||
                   c->pack.made == NULL || c->pack.worth == NULL || c->pack.other == NULL
               ? FL_E_NOMEM
               : FL_OK;
}

static int take_groups(struct cuts *c, struct fl_group *groups, uint32_t count, double until,
                       struct fl_err *err)
{
    c->groups = fl_exposure_get(c->x, count, sizeof *c->groups, err);
    if (c->groups == NULL)
        return FL_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct short_group *g = &c->groups[c->group_count];

        if (!(groups[i].tts_days < until))
            continue;
        *g = (struct short_group){.group = &groups[i]};
        g->need = fl_exposure_get(c->x, groups[i].part_count, sizeof *g->need, err);
        g->short_of = fl_exposure_get(c->x, groups[i].part_count, sizeof *g->short_of, err);
        if (g->need == NULL || g->short_of == NULL)
            return FL_E_NOMEM;
        for (uint32_t k = 0; k < groups[i].part_count; k++)
            g->draw += c->x->rate[groups[i].parts[k]];
        c->group_count++;
    }
    return FL_OK;
}

static int take(struct cuts *c, struct fl_err *err)
{
    uint32_t items = c->cone->count;

    c->product = fl_exposure_get(c->x, items, sizeof *c->product, err);
    c->gain = fl_exposure_get(c->x, items, sizeof *c->gain, err);
    c->cap = fl_exposure_get(c->x, items, sizeof *c->cap, err);
    c->made = fl_exposure_get(c->x, items, sizeof *c->made, err);
    c->need = fl_exposure_get(c->x, items, sizeof *c->need, err);
    c->tangent = fl_exposure_get(c->x, items, sizeof *c->tangent, err);
    if (c->product == NULL || c->gain == NULL || c->cap == NULL || c->made == NULL ||
        c->need == NULL || c->tangent == NULL)
        return FL_E_NOMEM;
    memset(c->made, 0, items * sizeof *c->made);
    return take_products(c, err);
}

int fl_cuts_corners(struct fl_exposure *x, struct fl_group *groups, uint32_t group_count,
                    const struct fl_group *together, double until, struct fl_corners *ret,
                    struct fl_err *err)
{
    struct cuts c = {.x = x, .cone = together->cone};
    double lo = 0, tts = INFINITY;
    int r = take(&c, err);

    if (r == FL_OK)
        r = take_groups(&c, groups, group_count, until, err);
    if (r < 0 || c.pack.columns == 0)
        return r;
    for (uint32_t i = 0; i < c.group_count; i++)
        tts = fmin(tts, c.groups[i].group->tts_days);
    fl_cone_enter(x, together->cone);
    for (uint32_t i = 0; r == FL_OK && i <= together->break_count && lo < until; i++) {
        double hi = i < together->break_count ? fmin(together->breaks[i], until) : until;

        if (hi > tts)
            r = piece(&c, lo, fmax(lo, tts), hi, ret, err);
        lo = hi;
    }
    never_fall(ret);
    return r;
}
