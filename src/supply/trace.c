#include "supply/trace.h"

#include <math.h>
#include <stdlib.h>

#define YEAR_DAYS 365

/*
 * The net's rows are wide and lie in another order than an event asks for them, and fetching them
 * is all the time it takes. So what a trace needs of them stands here once more, side by side.
 */
struct link { /* a site delivers a part */
    uint32_t part;
    float weight;      /* share of the part's supply that comes from here today; 0: none */
    bool used, second; /* second: counts as somebody else who could deliver */
};

struct state { /* of an item; all 0 between runs */
    double lost_days;
    float lost_share;
    uint32_t worst;        /* part whose lost days these are */
    uint16_t hit, seconds; /* sources that deliver today; that could, of those hit */
    bool touched, seen, sole;
};

struct part {               /* of the net */
    uint16_t used, seconds; /* sources */
};

struct walk { /* a place in the depth-first walk upwards */
    uint32_t item, next;
};

struct fl_trace {
    struct fl_net *net;
    double *revenue;           /* per product and day */
    const uint32_t *site_from; /* links of a site: of the net's index */
    struct link *links;        /* by site */
    const uint32_t *up_from;   /* parents of a part: of the net's index */
    uint32_t *parents;         /* by part */
    struct part *parts;
    struct state *state;
    uint32_t *touched; /* parts that sites which are hit deliver */
    uint32_t *reached; /* those and what is above them, each behind what takes it */
    struct walk *stack;
    uint32_t touched_count, reached_count;
};

/* Days of a row that lie within the year. */
static double overlap(const struct fl_net_revenue *row, int32_t day)
{
    int64_t from = row->from_day > day ? row->from_day : day;
    int64_t to = (int64_t)day + YEAR_DAYS;

    to = row->to_day < to ? row->to_day : to;
    return to > from ? (double)(to - from) : 0;
}

static int by_rows(struct fl_trace *t, int32_t day, bool *has, struct fl_err *err)
{
    for (uint32_t i = 0; i < t->net->revenue_count; i++) {
        const struct fl_net_revenue *row = &t->net->revenue[i];
        double days = overlap(row, day), amount;
        int r;

        if (!(days > 0))
            continue;
        r = fl_net_convert(t->net, row->amount, row->currency, day, &amount, err);
        if (r < 0)
            return fl_err_wrap(err, "revenue of '%s'", t->net->products[row->product].id);
        t->revenue[row->product] += amount * days / (row->to_day - row->from_day) / YEAR_DAYS;
        has[row->product] = true;
    }
    return FL_OK;
}

static int by_units(struct fl_trace *t, int32_t day, const bool *has, struct fl_err *err)
{
    for (uint32_t i = 0; i < t->net->product_count; i++) {
        const struct fl_net_product *p = &t->net->products[i];
        int r;

        if (has[i])
            continue;
        r = fl_net_convert(t->net, p->demand_per_day * p->revenue_per_unit, p->currency, day,
                           &t->revenue[i], err);
        if (r < 0)
            return fl_err_wrap(err, "revenue of '%s'", p->id);
        if (!isfinite(t->revenue[i]))
            t->revenue[i] = 0;
    }
    return FL_OK;
}

static int set_revenue(struct fl_trace *t, int32_t day, struct fl_err *err)
{
    bool *has = calloc((size_t)t->net->product_count + 1, sizeof *has);
    int r;

    if (has == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for revenue");
    r = by_rows(t, day, has, err);
    if (r == FL_OK)
        r = by_units(t, day, has, err);
    free(has);
    return r;
}

static bool distributes(const struct fl_net *net, const struct fl_net_source *s)
{
    uint32_t supplier = net->sites[s->site].supplier;

    return supplier != FL_NET_NONE && net->suppliers[supplier].distributor;
}

/* How the sources of a part that deliver today share it. */
struct split {
    double known, rest; /* sum of known shares; of each whose share is not known */
};

static struct split split_of(const struct fl_net *net, uint32_t from, uint32_t to)
{
    struct split s = {0, 0};
    uint32_t unknown = 0;

    for (uint32_t k = from; k < to; k++) {
        const struct fl_net_source *source = &net->sources[net->sources_of_part.list[k]];

        if (source->used && isnan(source->share))
            unknown++;
        else if (source->used)
            s.known += source->share;
    }
    if (unknown > 0)
        s.rest = fmax(0, 1 - s.known) / unknown;
    s.known = fmax(s.known + s.rest * unknown, 1e-9);
    return s;
}

static uint16_t more(uint16_t n)
{
    return n < UINT16_MAX ? (uint16_t)(n + 1) : n;
}

/* Each source's weight, into the place that it has among its site's links. */
static void fill_links(struct fl_trace *t, float *weight)
{
    const struct fl_net *net = t->net;

    for (uint32_t p = 0; p < net->part_count; p++) {
        uint32_t from = net->sources_of_part.start[p], to = net->sources_of_part.start[p + 1];
        struct split split = split_of(net, from, to);

        for (uint32_t k = from; k < to; k++) {
            uint32_t number = net->sources_of_part.list[k];
            const struct fl_net_source *s = &net->sources[number];
            double share = isnan(s->share) ? split.rest : s->share;

            weight[number] = s->used ? (float)(share / split.known) : 0;
            if (s->used)
                t->parts[p].used = more(t->parts[p].used);
            if (s->qualified && !distributes(net, s))
                t->parts[p].seconds = more(t->parts[p].seconds);
        }
    }
    for (uint32_t k = 0; k < net->source_count; k++) {
        uint32_t number = net->sources_of_site.list[k];
        const struct fl_net_source *s = &net->sources[number];

        t->links[k] =
            (struct link){s->part, weight[number], s->used, s->qualified && !distributes(net, s)};
    }
    for (uint32_t k = 0; k < net->use_count; k++)
        t->parents[k] = net->uses[net->uses_of_part.list[k]].parent;
}

static int set_links(struct fl_trace *t, struct fl_err *err)
{
    float *weight = calloc((size_t)t->net->source_count + 1, sizeof *weight);

    if (weight == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a trace");
    t->site_from = t->net->sources_of_site.start;
    t->up_from = t->net->uses_of_part.start;
    fill_links(t, weight);
    free(weight);
    return FL_OK;
}

int fl_trace_new(const struct fl_net *net, int32_t day, struct fl_trace **ret, struct fl_err *err)
{
    struct fl_trace *t = calloc(1, sizeof *t);
    size_t items = (size_t)fl_net_item_count(net) + 1;
    int r = FL_OK;

    if (t == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a trace");
    t->net = fl_net_ref(net);
    t->revenue = calloc((size_t)net->product_count + 1, sizeof *t->revenue);
    t->links = calloc((size_t)net->source_count + 1, sizeof *t->links);
    t->parents = calloc((size_t)net->use_count + 1, sizeof *t->parents);
    t->parts = calloc(items, sizeof *t->parts);
    t->state = calloc(items, sizeof *t->state);
    t->touched = calloc(items, sizeof *t->touched);
    t->reached = calloc(items, sizeof *t->reached);
    t->stack = calloc(items, sizeof *t->stack);
    if (t->revenue == NULL || t->links == NULL || t->parents == NULL || t->parts == NULL ||
        t->state == NULL || t->touched == NULL || t->reached == NULL || t->stack == NULL)
        r = fl_err_set(err, FL_E_NOMEM, "no memory for a trace");
    if (r == FL_OK)
        r = set_links(t, err);
    if (r == FL_OK)
        r = set_revenue(t, day, err);
    if (r < 0)
        fl_trace_free(t);
    else
        *ret = t;
    return r;
}

void fl_trace_free(struct fl_trace *trace)
{
    if (trace == NULL)
        return;
    fl_net_unref(trace->net);
    free(trace->revenue);
    free(trace->links);
    free(trace->parents);
    free(trace->parts);
    free(trace->state);
    free(trace->touched);
    free(trace->reached);
    free(trace->stack);
    free(trace);
}

double fl_trace_revenue(const struct fl_trace *trace, uint32_t product)
{
    return trace->revenue[product];
}

/* What a site that is hit delivers; how many of it deliver today. */
static uint32_t take_site(struct fl_trace *t, const struct fl_hit *hit)
{
    double share = hit->probability * hit->down_share, days = share * hit->down_days[1];
    uint32_t used = 0;

    for (uint32_t k = t->site_from[hit->site]; k < t->site_from[hit->site + 1]; k++) {
        const struct link *link = &t->links[k];
        struct state *s = &t->state[link->part];

        if (link->second)
            s->seconds = more(s->seconds);
        if (!s->touched) {
            s->touched = true;
            t->touched[t->touched_count++] = link->part;
        }
        if (!link->used)
            continue;
        used++;
        s->hit = more(s->hit);
        s->lost_days += (double)link->weight * days;
        s->lost_share += link->weight * (float)share;
    }
    return used;
}

/* What is above an item, each put behind what takes it: read backwards every item comes before
 * what takes it. Bills of material have no loop. */
static void climb(struct fl_trace *t, uint32_t from)
{
    uint32_t depth = 0;

    if (t->state[from].seen)
        return;
    t->state[from].seen = true;
    t->stack[depth++] = (struct walk){from, t->up_from[from]};
    while (depth > 0) {
        struct walk *w = &t->stack[depth - 1];

        if (fl_net_is_product(t->net, w->item) || w->next == t->up_from[w->item + 1]) {
            t->reached[t->reached_count++] = w->item;
            depth--;
            continue;
        }
        from = t->parents[w->next++];
        if (t->state[from].seen)
            continue;
        t->state[from].seen = true;
        t->stack[depth++] =
            (struct walk){from, fl_net_is_product(t->net, from) ? 0 : t->up_from[from]};
    }
}

static void lift(struct fl_trace *t)
{
    for (uint32_t i = t->reached_count; i-- > 0;) {
        uint32_t item = t->reached[i];
        const struct state *s = &t->state[item];

        if (fl_net_is_product(t->net, item))
            continue;
        for (uint32_t k = t->up_from[item]; k < t->up_from[item + 1]; k++) {
            struct state *up = &t->state[t->parents[k]];

            if (up->worst == 0 || s->lost_days > up->lost_days) {
                up->lost_days = s->lost_days;
                up->worst = s->worst;
            }
            up->sole = up->sole || s->sole;
        }
    }
}

/* Parts that deliver something today; what is above starts from them. */
static int take_parts(struct fl_trace *t, struct fl_arena *arena, struct fl_trace_result *ret,
                      struct fl_err *err)
{
    ret->parts = fl_arena_get(arena, ((size_t)t->touched_count + 1) * sizeof *ret->parts);
    if (ret->parts == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the parts of an event");
    for (uint32_t i = 0; i < t->touched_count; i++) {
        uint32_t part = t->touched[i];
        struct state *s = &t->state[part];

        if (s->hit == 0)
            continue;
        s->sole = s->seconds == t->parts[part].seconds;
        s->worst = part + 1;
        ret->parts[ret->part_count++] = (struct fl_trace_part){.part = part,
                                                               .sources = t->parts[part].used,
                                                               .sources_hit = s->hit,
                                                               .lost_days = s->lost_days,
                                                               .lost_share = (double)s->lost_share,
                                                               .sole = s->sole};
        climb(t, part);
    }
    return FL_OK;
}

static int take_products(struct fl_trace *t, struct fl_arena *arena, struct fl_trace_result *ret,
                         struct fl_err *err)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < t->reached_count; i++)
        count += fl_net_is_product(t->net, t->reached[i]);
    ret->products = fl_arena_get(arena, ((size_t)count + 1) * sizeof *ret->products);
    if (ret->products == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the products of an event");
    for (uint32_t i = 0; i < t->reached_count; i++) {
        uint32_t item = t->reached[i], product = item - t->net->part_count;
        const struct state *s = &t->state[item];

        if (!fl_net_is_product(t->net, item))
            continue;
        ret->products[ret->product_count++] =
            (struct fl_trace_product){.product = product,
                                      .worst_part = s->worst - 1,
                                      .sole = s->sole,
                                      .lost_days = s->lost_days,
                                      .revenue_per_day = t->revenue[product],
                                      .at_stake = t->revenue[product] * s->lost_days};
        ret->at_stake += t->revenue[product] * s->lost_days;
        ret->gross_per_day += t->revenue[product];
    }
    return FL_OK;
}

static int falling(double a, double b)
{
    return (a < b) - (a > b);
}

static int by_stake(const void *a, const void *b)
{
    const struct fl_trace_product *x = a, *y = b;
    int order = falling(x->at_stake, y->at_stake);

    if (order == 0)
        order = falling(x->lost_days, y->lost_days);
    return order == 0 ? (x->product > y->product) - (x->product < y->product) : order;
}

/* Only what was touched is put back: an event of ten sites costs ten sites. */
static void put_back(struct fl_trace *t)
{
    for (uint32_t i = 0; i < t->touched_count; i++)
        t->state[t->touched[i]] = (struct state){.seen = false};
    for (uint32_t i = 0; i < t->reached_count; i++)
        t->state[t->reached[i]] = (struct state){.seen = false};
    t->touched_count = 0;
    t->reached_count = 0;
}

int fl_trace_run(struct fl_trace *trace, const struct fl_hits *hits, struct fl_arena *arena,
                 struct fl_trace_result *ret, struct fl_err *err)
{
    struct fl_trace_result result = {.part_count = 0};
    int r;

    for (uint32_t h = 0; h < hits->count; h++)
        result.source_count += take_site(trace, &hits->hits[h]);
    r = take_parts(trace, arena, &result, err);
    if (r == FL_OK) {
        lift(trace);
        r = take_products(trace, arena, &result, err);
    }
    put_back(trace);
    if (r < 0)
        return r;
    qsort(result.products, result.product_count, sizeof *result.products, by_stake);
    *ret = result;
    return FL_OK;
}
