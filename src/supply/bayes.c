#include "supply/bayes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "supply/draw.h"

enum { FACTOR_VARS = 3, GROUPS_MAX = 65536 };
#define NONE UINT32_MAX

struct group {
    uint32_t *nodes, count;
    double weight;
    struct group *next;
};

struct node {
    double own;
    struct group *groups;
};

struct fl_bayes {
    struct fl_arena *arena;
    struct node *nodes;
    uint32_t count, cap;
};

static void *get(struct fl_arena *arena, size_t count, size_t size, struct fl_err *err)
{
    void *p = fl_arena_get(arena, (count + 1) * size);

    if (p == NULL)
        (void)fl_err_set(err, FL_E_LIMIT, "no room for a network of failures");
    return p;
}

int fl_bayes_new(struct fl_arena *arena, struct fl_bayes **ret, struct fl_err *err)
{
    struct fl_bayes *b = get(arena, 1, sizeof *b, err);

    if (b == NULL)
        return FL_E_LIMIT;
    *b = (struct fl_bayes){.arena = arena};
    *ret = b;
    return FL_OK;
}

int fl_bayes_node(struct fl_bayes *b, double own, uint32_t *ret, struct fl_err *err)
{
    uint32_t cap = b->cap == 0 ? 64 : 2 * b->cap;
    struct node *more;

    if (!(own >= 0 && own <= 1))
        return fl_err_set(err, FL_E_INVAL, "a probability must be 0 to 1");
    if (b->count == b->cap) {
        more = get(b->arena, cap, sizeof *more, err);
        if (more == NULL)
            return FL_E_LIMIT;
        if (b->count > 0)
            memcpy(more, b->nodes, b->count * sizeof *more);
        b->nodes = more;
        b->cap = cap;
    }
    b->nodes[b->count] = (struct node){.own = own};
    *ret = b->count++;
    return FL_OK;
}

int fl_bayes_needs(struct fl_bayes *b, uint32_t node, const uint32_t *one_of, uint32_t count,
                   double weight, struct fl_err *err)
{
    struct group *g;

    if (node >= b->count || count == 0 || count > GROUPS_MAX || !(weight >= 0 && weight <= 1))
        return fl_err_set(err, FL_E_INVAL, "a node needs something, with a weight of 0 to 1");
    for (uint32_t i = 0; i < count; i++)
        if (one_of[i] >= node)
            return fl_err_set(err, FL_E_INVAL, "a node needs only what was there before it");
    g = get(b->arena, 1, sizeof *g, err);
    if (g == NULL || (g->nodes = get(b->arena, count, sizeof *g->nodes, err)) == NULL)
        return FL_E_LIMIT;
    memcpy(g->nodes, one_of, count * sizeof *one_of);
    g->count = count;
    g->weight = weight;
    g->next = b->nodes[node].groups;
    b->nodes[node].groups = g;
    return FL_OK;
}

/* What an answer depends on: what is asked, what was seen, and all above them. */
static bool *relevant(const struct fl_bayes *b, struct fl_arena *work, uint32_t node,
                      const struct fl_bayes_seen *seen, uint32_t count, struct fl_err *err)
{
    bool *on = get(work, b->count, sizeof *on, err);

    if (on == NULL)
        return NULL;
    memset(on, 0, b->count);
    on[node] = true;
    for (uint32_t i = 0; i < count; i++)
        on[seen[i].node] = true;
    for (uint32_t i = b->count; i-- > 0;)
        for (const struct group *g = on[i] ? b->nodes[i].groups : NULL; g != NULL; g = g->next)
            for (uint32_t k = 0; k < g->count; k++)
                on[g->nodes[k]] = true;
    return on;
}

/* ---- exactly ---- */

struct factor {
    uint32_t vars[FL_BAYES_WIDTH_MAX + 2], count; /* rising; bit i of the index is vars[i] */
    double *table;
    bool gone;
};

struct place { /* a factor that speaks of a variable */
    uint32_t factor;
    struct place *next;
};

struct elimination {
    struct fl_arena *arena;
    struct place **places; /* of variables; NULL: not yet */
    struct factor *factors;
    uint32_t factor_count, factor_cap, vars, widest, limit;
    bool *summed;
    uint32_t *mark, round;
};

static struct factor *new_factor(struct elimination *e, const uint32_t *vars, uint32_t count,
                                 struct fl_err *err)
{
    struct factor *f;

    if (e->factor_count == e->factor_cap) {
        uint32_t cap = e->factor_cap == 0 ? 256 : 2 * e->factor_cap;
        struct factor *more = get(e->arena, cap, sizeof *more, err);

        if (more == NULL)
            return NULL;
        if (e->factor_count > 0)
            memcpy(more, e->factors, e->factor_count * sizeof *more);
        e->factors = more;
        e->factor_cap = cap;
    }
    f = &e->factors[e->factor_count];
    f->table = get(e->arena, (size_t)1 << count, sizeof *f->table, err);
    if (f->table == NULL)
        return NULL;
    memcpy(f->vars, vars, count * sizeof *vars);
    f->count = count;
    f->gone = false;
    e->factor_count++;
    return f;
}

static int place_factor(struct elimination *e, uint32_t k, struct fl_err *err)
{
    for (uint32_t i = 0; i < e->factors[k].count; i++) {
        struct place *p = get(e->arena, 1, sizeof *p, err);

        if (p == NULL)
            return FL_E_LIMIT;
        *p = (struct place){k, e->places[e->factors[k].vars[i]]};
        e->places[e->factors[k].vars[i]] = p;
    }
    return FL_OK;
}

/* P(child | a, b) by a table of P(child = 1) for (0,0) (1,0) (0,1) (1,1); a, b may be NONE. */
static int conditional(struct elimination *e, uint32_t child, uint32_t a, uint32_t b,
                       const double down[4], struct fl_err *err)
{
    uint32_t vars[FACTOR_VARS], count = 0;
    struct factor *f;

    if (a == b)
        b = NONE;
    if (a != NONE)
        vars[count++] = a;
    if (b != NONE)
        vars[count++] = b;
    vars[count++] = child; /* order does not matter, only the bits do */
    f = new_factor(e, vars, count, err);
    if (f == NULL)
        return FL_E_LIMIT;
    for (uint32_t i = 0; i < 1u << count; i++) {
        uint32_t state = a == NONE ? 0 : b == NONE ? (i & 1) * 3 : i & 3;
        double p = down[state];

        f->table[i] = i >> (count - 1) & 1 ? p : 1 - p;
    }
    return FL_OK;
}

/* All of a group down, as a chain of pairs; the variable that says so. */
static int all_down(struct elimination *e, const struct group *g, const uint32_t *var,
                    uint32_t *ret, struct fl_err *err)
{
    static const double both[] = {0, 0, 0, 1};
    uint32_t at = var[g->nodes[0]];

    for (uint32_t k = 1; k < g->count; k++) {
        uint32_t next = e->vars++;

        if (conditional(e, next, at, var[g->nodes[k]], both, err) < 0)
            return FL_E_LIMIT;
        at = next;
    }
    *ret = at;
    return FL_OK;
}

/* A node as a chain: down by itself or by the first group, or by the second, ... */
static int add_node(struct elimination *e, const struct node *n, uint32_t *var, uint32_t i,
                    struct fl_err *err)
{
    const double alone[] = {n->own, n->own, n->own, n->own};
    uint32_t before = NONE, all = NONE;

    if (n->groups == NULL) {
        var[i] = e->vars++;
        return conditional(e, var[i], NONE, NONE, alone, err);
    }
    for (const struct group *g = n->groups; g != NULL; g = g->next) {
        double w = g->weight, first = 1 - (1 - n->own) * (1 - w);
        const double chain[] = {0, 1, w, 1}, begin[] = {n->own, first, first, first};
        int r = all_down(e, g, var, &all, err);

        if (r < 0)
            return r;
        var[i] = e->vars++;
        r = before == NONE ? conditional(e, var[i], all, NONE, begin, err)
                           : conditional(e, var[i], before, all, chain, err);
        if (r < 0)
            return r;
        before = var[i];
    }
    return FL_OK;
}

static bool has(const struct factor *f, uint32_t var)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (f->vars[i] == var)
            return true;
    return false;
}

/* Variables that meet `var` in some factor, itself included, into ret; NONE: more than fit. */
static uint32_t together(struct elimination *e, uint32_t var, uint32_t *ret)
{
    uint32_t count = 0;

    e->round++;
    for (const struct place *p = e->places[var]; p != NULL; p = p->next) {
        const struct factor *f = &e->factors[p->factor];

        for (uint32_t i = 0; !f->gone && i < f->count; i++) {
            if (e->mark[f->vars[i]] == e->round)
                continue;
            e->mark[f->vars[i]] = e->round;
            if (count > e->limit)
                return NONE;
            ret[count++] = f->vars[i];
        }
    }
    return count;
}

static uint32_t index_in(const struct factor *f, const uint32_t *vars, uint32_t count,
                         uint32_t state)
{
    uint32_t index = 0;

    for (uint32_t i = 0; i < f->count; i++)
        for (uint32_t k = 0; k < count; k++)
            if (f->vars[i] == vars[k])
                index |= (state >> k & 1) << i;
    return index;
}

/* Multiply all factors with var and sum it out. var is vars[0] then. */
static int sum_out(struct elimination *e, uint32_t var, uint32_t *vars, uint32_t count,
                   struct fl_err *err)
{
    struct factor *f;

    for (uint32_t i = 0; i < count; i++)
        if (vars[i] == var) {
            vars[i] = vars[0];
            vars[0] = var;
        }
    f = new_factor(e, vars + 1, count - 1, err);
    if (f == NULL)
        return FL_E_LIMIT;
    for (uint32_t rest = 0; rest < 1u << (count - 1); rest++) {
        double sum = 0;

        for (uint32_t bit = 0; bit < 2; bit++) {
            double product = 1;

            for (const struct place *p = e->places[var]; p != NULL && product > 0; p = p->next) {
                const struct factor *one = &e->factors[p->factor];

                if (!one->gone)
                    product *= one->table[index_in(one, vars, count, rest << 1 | bit)];
            }
            sum += product;
        }
        f->table[rest] = sum;
    }
    for (const struct place *p = e->places[var]; p != NULL; p = p->next)
        e->factors[p->factor].gone = true;
    e->widest = e->widest > count ? e->widest : count;
    e->summed[var] = true;
    return place_factor(e, e->factor_count - 1, err);
}

/* The variable with the fewest neighbours first. FL_E_LIMIT with no text: too wide. */
static int eliminate(struct elimination *e, uint32_t keep, struct fl_err *err)
{
    uint32_t vars[FL_BAYES_WIDTH_MAX + 2], best[FL_BAYES_WIDTH_MAX + 2];

    e->summed[keep] = true;
    for (uint32_t done = 1; done < e->vars; done++) {
        uint32_t chosen = NONE, fewest = NONE;
        int r;

        for (uint32_t v = 0; v < e->vars && fewest > 2; v++) {
            uint32_t n = e->summed[v] ? NONE : together(e, v, vars);

            if (n >= fewest)
                continue;
            fewest = n;
            chosen = v;
            memcpy(best, vars, n * sizeof *vars);
        }
        if (chosen == NONE || fewest == 0 || fewest > FL_BAYES_WIDTH_MAX + 1)
            return FL_E_AGAIN;
        r = sum_out(e, chosen, best, fewest, err);
        if (r < 0)
            return r;
    }
    return FL_OK;
}

/* Each factor that is left speaks of `keep` alone, or of nothing. */
static int read_answer(const struct elimination *e, uint32_t keep, double *ret, struct fl_err *err)
{
    double p[2] = {1, 1};

    for (uint32_t k = 0; k < e->factor_count; k++)
        for (uint32_t s = 0; s < 2 && !e->factors[k].gone; s++)
            p[s] *= e->factors[k].table[has(&e->factors[k], keep) ? s : 0];
    if (!(p[0] + p[1] > 0))
        return fl_err_set(err, FL_E_INVAL, "what was seen cannot be");
    *ret = p[1] / (p[0] + p[1]);
    return FL_OK;
}

static int exactly(const struct fl_bayes *b, const bool *on, uint32_t node,
                   const struct fl_bayes_seen *seen, uint32_t count, uint32_t width,
                   struct fl_arena *work, struct fl_bayes_answer *ret, struct fl_err *err)
{
    struct elimination e = {.arena = work, .limit = width};
    uint32_t *var = get(work, b->count, sizeof *var, err);
    int r = var == NULL ? FL_E_LIMIT : FL_OK;

    for (uint32_t i = 0; r == FL_OK && i < b->count; i++)
        if (on[i])
            r = add_node(&e, &b->nodes[i], var, i, err);
    for (uint32_t i = 0; r == FL_OK && i < count; i++) {
        const double fixed[] = {seen[i].down, seen[i].down, seen[i].down, seen[i].down};

        r = conditional(&e, var[seen[i].node], NONE, NONE, fixed, err);
    }
    if (r < 0)
        return r;
    if (e.vars > FL_BAYES_NODES_MAX)
        return FL_E_AGAIN;
    e.summed = get(work, e.vars, sizeof *e.summed, err);
    e.mark = get(work, e.vars, sizeof *e.mark, err);
    e.places = get(work, e.vars, sizeof(struct place *), err);
    if (e.summed == NULL || e.mark == NULL || e.places == NULL)
        return FL_E_LIMIT;
    memset(e.places, 0, e.vars * sizeof(struct place *));
    for (uint32_t k = 0; r == FL_OK && k < e.factor_count; k++)
        r = place_factor(&e, k, err);
    if (r < 0)
        return r;
    memset(e.summed, 0, e.vars * sizeof *e.summed);
    memset(e.mark, 0, e.vars * sizeof *e.mark);
    r = eliminate(&e, var[node], err);
    if (r == FL_OK)
        r = read_answer(&e, var[node], &ret->probability, err);
    ret->width = e.widest;
    ret->exact = true;
    ret->error = 0;
    return r;
}

/* ---- by sampling ---- */

static double chance(const struct node *n, const bool *down)
{
    double up = 1 - n->own;

    for (const struct group *g = n->groups; g != NULL; g = g->next) {
        bool all = true;

        for (uint32_t k = 0; k < g->count && all; k++)
            all = down[g->nodes[k]];
        up *= all ? 1 - g->weight : 1;
    }
    return 1 - up;
}

/* What was seen is not drawn; its chance weighs the sample. */
static int sampled(const struct fl_bayes *b, const bool *on, uint32_t node,
                   const signed char *fixed, uint64_t seed, bool *down, struct fl_bayes_answer *ret,
                   struct fl_err *err)
{
    double whole = 0, hit = 0, squares = 0, hit_squares = 0;

    for (uint32_t trial = 0; trial < FL_BAYES_SAMPLES; trial++) {
        struct fl_draw draw = {.seed = seed, .trial = trial};
        double weight = 1;

        for (uint32_t i = 0; i < b->count; i++) {
            double p = on[i] ? chance(&b->nodes[i], down) : 0;

            if (!on[i])
                continue;
            draw.item = i;
            draw.index = 0;
            down[i] = fixed[i] >= 0 ? fixed[i] : fl_draw_uniform(&draw) < p;
            if (fixed[i] >= 0)
                weight *= fixed[i] ? p : 1 - p;
        }
        whole += weight;
        hit += down[node] ? weight : 0;
        squares += weight * weight;
        hit_squares += down[node] ? weight * weight : 0;
    }
    if (!(whole > 0))
        return fl_err_set(err, FL_E_INVAL, "what was seen came up in none of %u samples",
                          FL_BAYES_SAMPLES);
    ret->probability = hit / whole;
    ret->error = sqrt(fmax(0, hit_squares * (1 - 2 * ret->probability) +
                                  squares * ret->probability * ret->probability)) /
                 whole;
    ret->exact = false;
    return FL_OK;
}

static int sample(const struct fl_bayes *b, const bool *on, uint32_t node,
                  const struct fl_bayes_seen *seen, uint32_t count, uint64_t seed,
                  struct fl_arena *work, struct fl_bayes_answer *ret, struct fl_err *err)
{
    bool *down = get(work, b->count, sizeof *down, err);
    signed char *fixed = get(work, b->count, sizeof *fixed, err);

    if (down == NULL || fixed == NULL)
        return FL_E_LIMIT;
    memset(down, 0, b->count * sizeof *down);
    memset(fixed, -1, b->count);
    for (uint32_t i = 0; i < count; i++) {
        if (fixed[seen[i].node] >= 0 && fixed[seen[i].node] != (seen[i].down ? 1 : 0))
            return fl_err_set(err, FL_E_INVAL, "what was seen cannot be");
        fixed[seen[i].node] = seen[i].down ? 1 : 0;
    }
    return sampled(b, on, node, fixed, seed, down, ret, err);
}

int fl_bayes_ask(struct fl_bayes *b, uint32_t node, const struct fl_bayes_seen *seen,
                 uint32_t count, uint32_t width, uint64_t seed, struct fl_bayes_answer *ret,
                 struct fl_err *err)
{
    FL_AUTO(fl_arena_done) struct fl_arena work = {0};
    struct fl_bayes_answer answer = {0};
    const bool *on;
    int r = FL_E_AGAIN;

    if (node >= b->count || width > FL_BAYES_WIDTH_MAX)
        return fl_err_set(err, FL_E_INVAL, "there is no node %u, or %u is too wide", node, width);
    for (uint32_t i = 0; i < count; i++)
        if (seen[i].node >= b->count)
            return fl_err_set(err, FL_E_INVAL, "there is no node %u", seen[i].node);
    fl_arena_init(&work, (size_t)512 << 20);
    on = relevant(b, &work, node, seen, count, err);
    if (on == NULL)
        return FL_E_LIMIT;
    if (width > 0)
        r = exactly(b, on, node, seen, count, width, &work, &answer, err);
    if (r == FL_E_AGAIN || r == FL_E_LIMIT) /* too wide, or no room for it */
        r = sample(b, on, node, seen, count, seed, &work, &answer, err);
    if (r == FL_OK)
        *ret = answer;
    return r;
}
