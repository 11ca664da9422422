/* A simulation's making, and what came out of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "supply/simulate_core.h"

/* ---- making ---- */

static uint32_t hash_of(const char *id)
{
    uint64_t h = fl_span_hash(fl_span_str(id));

    return (uint32_t)(h ^ h >> 32);
}

static int check(const struct fl_sim_spec *spec, struct fl_err *err)
{
    if (spec->years == 0 || spec->years > FL_SIM_YEARS_MAX)
        return fl_err_set(err, FL_E_INVAL, "a simulation has 1 to %u years", FL_SIM_YEARS_MAX);
    if (spec->source_count > FL_SIM_SOURCES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "there are more than %u sources of events",
                          FL_SIM_SOURCES_MAX);
    for (uint32_t i = 0; i < spec->source_count; i++) {
        const struct fl_sim_source *s = &spec->sources[i];

        if (!s->certain && !(s->per_year >= 0 && s->per_year <= 1000))
            return fl_err_set(err, FL_E_INVAL, "%s: 0 to 1000 events a year, not %g", s->id,
                              s->per_year);
        for (uint32_t k = 0; k < s->hit_count; k++)
            if (s->hits[k].site >= spec->net->site_count ||
                !(s->hits[k].probability >= 0 && s->hits[k].probability <= 1))
                return fl_err_set(err, FL_E_INVAL, "%s: hit %u is not one", s->id, k + 1);
    }
    return FL_OK;
}

static int fill_types(struct fl_sim *sim)
{
    for (uint32_t i = 0; i < sim->spec.source_count; i++) {
        const char *type = sim->spec.sources[i].type;
        uint32_t k = 0;

        /* Sources of a type follow each other as a rule. */
        if (i > 0 && strcmp(type, sim->spec.sources[i - 1].type) == 0) {
            sim->type_of[i] = sim->type_of[i - 1];
            continue;
        }
        while (k < sim->type_count && strcmp(sim->types[k], type) != 0)
            k++;
        if (k == sim->type_count) {
            const char **more = realloc((void *)sim->types, (k + 1) * sizeof(*more));

            if (more == NULL)
                return FL_E_NOMEM;
            sim->types = more;
            sim->types[sim->type_count++] = type;
        }
        sim->type_of[i] = k;
    }
    return FL_OK;
}

static int fill(struct fl_sim *sim)
{
    const struct fl_net *net = sim->net;

    sim->streams = calloc(sim->spec.source_count + 1u, sizeof(*sim->streams));
    sim->type_of = calloc(sim->spec.source_count + 1u, sizeof(*sim->type_of));
    sim->items = calloc(net->site_count + 1u, sizeof(*sim->items));
    sim->losses = calloc(sim->spec.years, sizeof(*sim->losses));
    sim->largest = calloc(sim->spec.years, sizeof(*sim->largest));
    if (sim->streams == NULL || sim->type_of == NULL || sim->items == NULL || sim->losses == NULL ||
        sim->largest == NULL || fill_types(sim) < 0)
        return FL_E_NOMEM;
    for (uint32_t i = 0; i < sim->spec.source_count; i++)
        sim->streams[i] = hash_of(sim->spec.sources[i].id);
    for (uint32_t i = 0; i < net->site_count; i++)
        sim->items[i] = hash_of(net->sites[i].id) | 1u; /* 0 is the event itself */
    for (uint32_t i = 0; i < sim->block_count; i++) {
        sim->blocks[i].sites = calloc(net->site_count + 1u, sizeof(*sim->blocks[i].sites));
        sim->blocks[i].types = calloc(sim->type_count + 1u, sizeof(*sim->blocks[i].types));
        if (sim->blocks[i].sites == NULL || sim->blocks[i].types == NULL)
            return FL_E_NOMEM;
    }
    return FL_OK;
}

/* The longest that a curve is asked for, where it has to be exact: two outages, one after the
 * other.
 */
static double longest(const struct fl_sim_spec *spec)
{
    double days = 1;

    for (uint32_t i = 0; i < spec->source_count; i++)
        for (uint32_t k = 0; k < spec->sources[i].hit_count; k++)
            days = fmax(days, spec->sources[i].hits[k].days[2]);
    return fmin(2 * days, FL_SIM_DAYS_MAX);
}

int fl_sim_new(const struct fl_sim_spec *spec, struct fl_sim **ret, struct fl_err *err)
{
    struct fl_sim *sim;
    int r = check(spec, err);

    if (r < 0)
        return r;
    sim = calloc(1, sizeof(*sim));
    if (sim == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a simulation");
    sim->spec = *spec;
    sim->net = fl_net_ref(spec->net);
    sim->block_years = (spec->years + FL_SIM_BLOCKS - 1) / FL_SIM_BLOCKS;
    sim->block_years = (sim->block_years + FL_SIM_GROUP - 1) / FL_SIM_GROUP * FL_SIM_GROUP;
    sim->block_count = (spec->years + sim->block_years - 1) / sim->block_years;
    r = fill(sim);
    if (r < 0)
        fl_err_set(err, r, "no memory for %u years", spec->years);
    if (r == FL_OK)
        r = fl_sim_curves_new(sim->net, longest(spec), spec->daily, &sim->curves, err);
    if (r < 0) {
        fl_sim_free(sim);
        return r;
    }
    *ret = sim;
    return FL_OK;
}

void fl_sim_free(struct fl_sim *sim)
{
    if (sim == NULL)
        return;
    for (uint32_t i = 0; i < FL_SIM_BLOCKS; i++) {
        free(sim->blocks[i].sites);
        free(sim->blocks[i].types);
    }
    fl_sim_curves_free(sim->curves);
    free(sim->streams);
    free(sim->items);
    free(sim->type_of);
    free((void *)sim->types);
    free(sim->losses);
    free(sim->largest);
    fl_net_unref(sim->net);
    free(sim);
}

double fl_sim_progress(const struct fl_sim *sim)
{
    return (double)atomic_load(&sim->done) / sim->block_count;
}

const struct fl_sim_spec *fl_sim_spec(const struct fl_sim *sim)
{
    return &sim->spec;
}

const double *fl_sim_losses(const struct fl_sim *sim)
{
    return sim->losses;
}

/* ---- samples ---- */

static uint32_t rank_of(double rank, uint32_t count)
{
    return rank < 1 ? 0 : rank >= count ? count - 1 : (uint32_t)ceil(rank) - 1;
}

struct fl_sim_quantile fl_sim_quantile(const double *sorted, uint32_t count, double p)
{
    double rank = p * count, half = 1.959963984540054 * sqrt(rank * (1 - p));

    if (count == 0)
        return (struct fl_sim_quantile){NAN, NAN, NAN};
    /* A product such as 0.95 * 100 may come out a hair above the rank that is meant. */
    return (struct fl_sim_quantile){.value = sorted[rank_of(rank - 1e-9 * count, count)],
                                    .low = sorted[rank_of(floor(rank - half), count)],
                                    .high = sorted[rank_of(ceil(rank + half) + 1, count)]};
}

double fl_sim_cvar(const double *sorted, uint32_t count, double p)
{
    double tail = (1 - p) * count, left = tail, sum = 0;

    for (uint32_t i = count; i-- > 0 && left > 0;) {
        sum += sorted[i] * fmin(left, 1);
        left--;
    }
    return tail > 0 ? sum / tail : NAN;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double *sorted_copy(const double *values, uint32_t count, struct fl_arena *arena)
{
    double *copy = fl_arena_get(arena, count * sizeof(*copy));

    if (copy != NULL) {
        memcpy(copy, values, count * sizeof(*copy));
        qsort(copy, count, sizeof(*copy), rising);
    }
    return copy;
}

/* ---- results ---- */

static int by_share(const void *a, const void *b)
{
    const struct fl_sim_share *x = a, *y = b;

    if (x->per_year != y->per_year)
        return x->per_year > y->per_year ? -1 : 1;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    return x->type == NULL ? 0 : strcmp(x->type, y->type);
}

static int shares(const struct fl_sim *sim, struct fl_arena *arena, struct fl_sim_result *ret)
{
    uint32_t sites = sim->net->site_count, n = 0;

    ret->sites = fl_arena_get(arena, (sites + 1u) * sizeof(*ret->sites));
    ret->types = fl_arena_get(arena, (sim->type_count + 1u) * sizeof(*ret->types));
    if (ret->sites == NULL || ret->types == NULL)
        return FL_E_NOMEM;
    for (uint32_t i = 0; i < sites + sim->type_count; i++) {
        struct fl_sim_share s = {.site = i < sites ? i : FL_NET_NONE,
                                 .type = i < sites ? NULL : sim->types[i - sites]};

        for (uint32_t b = 0; b < sim->block_count; b++) {
            s.per_year +=
                i < sites ? sim->blocks[b].sites[i].cost : sim->blocks[b].types[i - sites];
            if (i < sites)
                s.outages_per_year += (double)sim->blocks[b].sites[i].outages;
        }
        s.per_year /= sim->spec.years;
        s.outages_per_year /= sim->spec.years;
        ret->outages_per_year += s.outages_per_year;
        if (i == sites)
            n = 0;
        if (s.per_year > 0)
            *(i < sites ? &ret->sites[n] : &ret->types[n]) = s, n++;
        *(i < sites ? &ret->site_count : &ret->type_count) = n;
    }
    qsort(ret->sites, ret->site_count, sizeof(*ret->sites), by_share);
    qsort(ret->types, ret->type_count, sizeof(*ret->types), by_share);
    return FL_OK;
}

static void moments(const struct fl_sim *sim, struct fl_sim_result *ret)
{
    double sum = 0, square = 0, half;
    uint32_t n = sim->spec.years, any = 0;

    for (uint32_t i = 0; i < n; i++) {
        sum += sim->losses[i];
        any += sim->losses[i] > 0;
    }
    ret->mean = sum / n;
    for (uint32_t i = 0; i < n; i++)
        square += (sim->losses[i] - ret->mean) * (sim->losses[i] - ret->mean);
    ret->deviation = n > 1 ? sqrt(square / (n - 1)) : 0;
    half = 1.959963984540054 * ret->deviation / sqrt(n);
    ret->mean_low = ret->mean - half;
    ret->mean_high = ret->mean + half;
    ret->any = (double)any / n;
}

int fl_sim_result(const struct fl_sim *sim, struct fl_arena *arena, struct fl_sim_result *ret,
                  struct fl_err *err)
{
    static const double years[FL_SIM_POINTS] = {1.25, 1.5, 2,   3,   5,   10,
                                                20,   50,  100, 200, 500, 1000};
    uint32_t n = sim->spec.years;
    double *total = sorted_copy(sim->losses, n, arena);
    double *largest = sorted_copy(sim->largest, n, arena);
    struct fl_sim_result out = {.years = n,
                                .sets = fl_sim_curves_count(sim->curves),
                                .curves_again = fl_sim_curves_again(sim->curves)};

    if (atomic_load(&sim->done) < sim->block_count)
        return fl_err_set(err, FL_E_AGAIN, "the simulation is not done");
    if (total == NULL || largest == NULL || shares(sim, arena, &out) < 0)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the figures of %u years", n);
    moments(sim, &out);
    out.p50 = fl_sim_quantile(total, n, 0.5);
    out.p90 = fl_sim_quantile(total, n, 0.9);
    out.p95 = fl_sim_quantile(total, n, 0.95);
    out.p99 = fl_sim_quantile(total, n, 0.99);
    out.cvar95 = fl_sim_cvar(total, n, 0.95);
    for (unsigned i = 0; i < FL_SIM_POINTS; i++) {
        double p = 1 - 1 / years[i];

        out.points[i] = (struct fl_sim_point){.probability = 1 / years[i],
                                              .total = fl_sim_quantile(total, n, p).value,
                                              .largest = fl_sim_quantile(largest, n, p).value};
    }
    for (uint32_t i = 0; i < sim->block_count; i++) {
        out.events_per_year += (double)sim->blocks[i].events / n;
        out.outages_left_out += sim->blocks[i].left_out;
    }
    *ret = out;
    return FL_OK;
}
