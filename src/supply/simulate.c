#include "supply/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "supply/draw.h"
#include "supply/simulate_core.h"

#define YEAR_DAYS         365.25
#define FL_SIM_EVENTS_MAX (1u << 24) /* of a group of years */

/* An outage of a site in this trial. */
struct outage {
    double from, to;
    uint32_t site, source;
    uint8_t eighths;
};

struct event {
    uint32_t source, number; /* of the source in this group */
    uint32_t year;           /* of the group */
};

struct trial {
    struct fl_sim *sim;
    struct event *events;   /* of a group, by year, then source */
    struct event *unsorted; /* as they are drawn */
    uint32_t event_count, event_cap;
    uint32_t first_event[FL_SIM_GROUP + 1]; /* of each year */
    struct fl_sim_finder *finder;
    struct outage *outages;
    uint32_t count, cap;
    double *times;          /* of an episode: when something changes */
    uint32_t *set, *before; /* down; without those who came last; room for every site */
    uint32_t set_count, before_count;
    uint32_t number;
    struct fl_sim_block *block;
    double largest;
};

/* ---- what happens in the year ---- */

static int add(struct trial *t, uint32_t site, uint32_t source, double from, double days,
               double left, struct fl_err *err)
{
    long eighths = lrint(left * FL_SIM_LEVELS);

    if (!(days > 0) || eighths >= (long)FL_SIM_LEVELS)
        return FL_OK;
    if (t->count >= FL_SIM_OUTAGES_MAX) {
        t->block->left_out++;
        return FL_OK;
    }
    if (t->count == t->cap) {
        uint32_t cap = t->cap == 0 ? 64 : t->cap * 2;
        void *more = realloc(t->outages, cap * sizeof(*t->outages));

        if (more == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for a trial");
        t->outages = more;
        more = realloc(t->times, 2 * (size_t)cap * sizeof(*t->times));
        if (more == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for a trial");
        t->times = more;
        t->cap = cap;
    }
    t->outages[t->count++] = (struct outage){.from = from,
                                             .to = from + fmin(days, FL_SIM_DAYS_MAX),
                                             .site = site,
                                             .source = source,
                                             .eighths = (uint8_t)(eighths < 0 ? 0 : eighths)};
    t->block->sites[site].outages++;
    return FL_OK;
}

static double length_of(const struct fl_sim_source *s, const struct fl_sim_hit *hit,
                        struct fl_draw *draw)
{
    switch (s->length) {
    case FL_LENGTH_PERT:
        return fl_draw_pert(draw, hit->days[0], hit->days[1], hit->days[2]);
    case FL_LENGTH_LOGNORMAL:
        return fl_draw_lognormal(draw, hit->days[1], hit->days[2]);
    case FL_LENGTH_MARKOV:
        return fl_draw_geometric(draw, 1 / fmax(hit->days[1], 1));
    }
    return 0;
}

/* Where the event's middle lies; false: it is another source's turn (simulate.h). */
static bool place(const struct fl_sim_source *s, struct fl_draw *draw, double *ret_x, double *ret_y)
{
    double r = s->radius_km * sqrt(fl_draw_uniform(draw));
    double angle = 2 * M_PI * fl_draw_uniform(draw);
    uint32_t within = 0;

    *ret_x = r * cos(angle);
    *ret_y = r * sin(angle);
    for (uint32_t i = 0; i < s->hit_count; i++)
        within += hypot(s->hits[i].x_km - *ret_x, s->hits[i].y_km - *ret_y) <= s->radius_km;
    return fl_draw_uniform(draw) * within < 1;
}

static struct fl_draw draw_of(const struct trial *t, uint32_t source, uint32_t event)
{
    return (struct fl_draw){.seed = t->sim->spec.seed,
                            .stream = t->sim->streams[source],
                            .trial = t->number / FL_SIM_GROUP,
                            .index = (event + 1) << 8};
}

static int happen(struct trial *t, const struct event *event, struct fl_err *err)
{
    const struct fl_sim_source *s = &t->sim->spec.sources[event->source];
    struct fl_draw draw = draw_of(t, event->source, event->number);
    double from, x = 0, y = 0;
    int r = FL_OK;

    draw.index++; /* the first said which year */
    from = fl_draw_uniform(&draw) * YEAR_DAYS;
    if (s->radius_km > 0 && !place(s, &draw, &x, &y))
        return FL_OK;
    t->block->events++;
    for (uint32_t i = 0; i < s->hit_count && r == FL_OK; i++) {
        const struct fl_sim_hit *hit = &s->hits[i];

        if (s->radius_km > 0 && hypot(hit->x_km - x, hit->y_km - y) > s->radius_km)
            continue;
        draw.item = t->sim->items[hit->site];
        draw.index = (event->number + 1) << 8;
        if (fl_draw_uniform(&draw) < hit->probability)
            r = add(t, hit->site, event->source, from, length_of(s, hit, &draw), hit->left, err);
    }
    return r;
}

static int add_event(struct trial *t, uint32_t source, uint32_t number, uint32_t year,
                     struct fl_err *err)
{
    if (t->event_count == t->event_cap) {
        uint32_t cap = t->event_cap == 0 ? 1024 : t->event_cap * 2;
        struct event *more =
            cap > FL_SIM_EVENTS_MAX ? NULL : realloc(t->unsorted, cap * sizeof(*more));
        struct event *sorted = more == NULL ? NULL : realloc(t->events, cap * sizeof(*sorted));

        t->unsorted = more != NULL ? more : t->unsorted;
        t->events = sorted != NULL ? sorted : t->events;
        if (sorted == NULL)
            return fl_err_set(err, FL_E_LIMIT,
                              "too many events: the rates come to more than %u a year",
                              FL_SIM_EVENTS_MAX / FL_SIM_GROUP);
        t->event_cap = cap;
    }
    t->unsorted[t->event_count++] =
        (struct event){.source = source, .number = number, .year = year};
    t->first_event[year + 1]++;
    return FL_OK;
}

/* The events of the group that begins with this trial. */
static int draw_group(struct trial *t, struct fl_err *err)
{
    uint32_t at[FL_SIM_GROUP];
    int r = FL_OK;

    t->event_count = 0;
    memset(t->first_event, 0, sizeof(t->first_event));
    for (uint32_t i = 0; i < t->sim->spec.source_count; i++) {
        const struct fl_sim_source *s = &t->sim->spec.sources[i];
        struct fl_draw draw = draw_of(t, i, 0);
        uint32_t events;

        draw.index = 0;
        events = s->certain ? FL_SIM_GROUP : fl_draw_poisson(&draw, s->per_year * FL_SIM_GROUP);
        for (uint32_t e = 0; e < events && r == FL_OK; e++) {
            draw.index = (e + 1) << 8;
            r = add_event(t, i, e,
                          s->certain ? e : (uint32_t)(fl_draw_uniform(&draw) * FL_SIM_GROUP), err);
        }
        if (r < 0)
            return r;
    }
    for (uint32_t y = 0; y < FL_SIM_GROUP; y++)
        t->first_event[y + 1] += at[y] = t->first_event[y];
    for (uint32_t i = 0; i < t->event_count; i++)
        t->events[at[t->unsorted[i].year]++] = t->unsorted[i];
    return FL_OK;
}

static int year(struct trial *t, struct fl_err *err)
{
    uint32_t of = t->number % FL_SIM_GROUP;
    int r = of == 0 ? draw_group(t, err) : FL_OK;

    t->count = 0;
    for (uint32_t i = t->first_event[of]; r == FL_OK && i < t->first_event[of + 1]; i++)
        r = happen(t, &t->events[i], err);
    return r;
}

/* ---- what it costs ---- */

static int by_site(const void *a, const void *b)
{
    const struct outage *x = a, *y = b;

    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

static int by_time(const void *a, const void *b)
{
    const struct outage *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Outages of one site that overlap become one. */
static void merge(struct trial *t)
{
    uint32_t n = 0;

    qsort(t->outages, t->count, sizeof(*t->outages), by_site);
    for (uint32_t i = 0; i < t->count; i++) {
        struct outage *o = &t->outages[i], *last = n > 0 ? &t->outages[n - 1] : NULL;

        if (last == NULL || last->site != o->site || o->from >= last->to) {
            t->outages[n++] = *o;
            continue;
        }
        last->to = fmax(last->to, o->to);
        if (o->eighths < last->eighths) {
            last->eighths = o->eighths;
            last->source = o->source;
        }
    }
    t->count = n;
    qsort(t->outages, t->count, sizeof(*t->outages), by_time);
}

static bool in_set(const struct trial *t, uint32_t site)
{
    for (uint32_t i = 0; i < t->set_count; i++)
        if (t->set[i] >> 4 == site)
            return true;
    return false;
}

/* What one step of the sum adds, shared evenly by those that went down at its beginning and
 * matter. */
static void credit(struct trial *t, const struct outage *o, uint32_t count, double from,
                   double cost)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++)
        n += o[i].from == from && in_set(t, o[i].site);
    for (uint32_t i = 0; i < count; i++)
        if (o[i].from == from && in_set(t, o[i].site)) {
            t->block->sites[o[i].site].cost += cost / n;
            t->block->types[t->sim->type_of[o[i].source]] += cost / n;
        }
}

/* Those that are down until end, of the first count of o; of one site there is one at a time. */
static void down_set(struct trial *t, const struct outage *o, uint32_t count, double end)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (o[i].to < end)
            continue;
        t->set[n++] = fl_sim_down(o[i].site, o[i].eighths);
    }
    t->set_count = fl_sim_reduce(t->finder, t->set, n);
}

static bool same_sets(const struct trial *t)
{
    return t->set_count == t->before_count &&
           memcmp(t->set, t->before, t->set_count * sizeof(*t->set)) == 0;
}

/* A piece of time without a change; o in the order in which they went down. */
static int piece(struct trial *t, const struct outage *o, uint32_t count, double begin, double end,
                 double *total, struct fl_err *err)
{
    double left = fl_sim_curves_rate(t->sim->curves) * (end - begin);

    t->before_count = 0;
    for (uint32_t i = 0; i < count && o[i].from <= begin; i++) {
        double from = begin - o[i].from, to = end - o[i].from, with = 0, without = 0, more;
        int r;

        if (i + 1 < count && o[i + 1].from == o[i].from)
            continue; /* all that went down at this moment together */
        down_set(t, o, i + 1, end);
        if (same_sets(t))
            continue;
        r = fl_sim_cost(t->finder, t->set, t->set_count, from, to, &with, err);
        if (r == FL_OK)
            r = fl_sim_cost(t->finder, t->before, t->before_count, from, to, &without, err);
        if (r < 0)
            return r;
        more = fmin(with - without, left);
        if (more > 0) {
            credit(t, o, i + 1, o[i].from, more);
            *total += more;
            left -= more;
        }
        memcpy(t->before, t->set, t->set_count * sizeof(*t->set));
        t->before_count = t->set_count;
    }
    return FL_OK;
}

/* Outages that overlap, one after the other: count of them. */
static int episode(struct trial *t, const struct outage *o, uint32_t count, double *total,
                   struct fl_err *err)
{
    double cost = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        t->times[n++] = o[i].from;
        t->times[n++] = o[i].to;
    }
    qsort(t->times, n, sizeof(*t->times), by_value);
    for (uint32_t i = 0; i + 1 < n; i++) {
        int r = t->times[i + 1] > t->times[i]
                    ? piece(t, o, count, t->times[i], t->times[i + 1], &cost, err)
                    : FL_OK;

        if (r < 0)
            return r;
    }
    *total += cost;
    t->largest = fmax(t->largest, cost);
    return FL_OK;
}

static int trial_run(struct trial *t, struct fl_err *err)
{
    double total = 0;
    int r = year(t, err);

    t->largest = 0;
    if (r == FL_OK && t->count > 1)
        merge(t);
    for (uint32_t i = 0, next; i < t->count && r == FL_OK; i = next) {
        double until = t->outages[i].to;

        for (next = i + 1; next < t->count && t->outages[next].from < until; next++)
            until = fmax(until, t->outages[next].to);
        r = episode(t, &t->outages[i], next - i, &total, err);
    }
    t->sim->losses[t->number] = total;
    t->sim->largest[t->number] = t->largest;
    return r;
}

/* ---- blocks of trials ---- */

static int block_run(struct trial *t, uint32_t number, const atomic_bool *stop, struct fl_err *err)
{
    struct fl_sim *sim = t->sim;
    uint32_t first = number * sim->block_years, end = first + sim->block_years;

    t->block = &sim->blocks[number];
    for (t->number = first; t->number < end && t->number < sim->spec.years; t->number++) {
        int r = trial_run(t, err);

        if (r < 0)
            return fl_err_wrap(err, "year %u", t->number + 1);
        if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed))
            return fl_err_set(err, FL_E_TIMEOUT, "the simulation was stopped");
    }
    atomic_fetch_add(&sim->done, 1);
    return FL_OK;
}

int fl_sim_run(struct fl_sim *sim, const atomic_bool *stop, struct fl_err *err)
{
    struct trial *t = calloc(1, sizeof(*t));
    uint32_t number;
    int r;

    if (t == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a trial");
    t->sim = sim;
    t->set = calloc(2 * ((size_t)sim->net->site_count + 1), sizeof(*t->set));
    r = t->set == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for a trial") : FL_OK;
    if (r == FL_OK) {
        t->before = t->set + sim->net->site_count + 1;
        r = fl_sim_finder_new(sim->curves, &t->finder, err);
    }
    while (r == FL_OK && (number = atomic_fetch_add(&sim->next, 1)) < sim->block_count)
        r = block_run(t, number, stop, err);
    fl_sim_finder_free(t->finder);
    free(t->events);
    free(t->unsorted);
    free(t->outages);
    free(t->times);
    free(t->set);
    free(t);
    return r;
}
