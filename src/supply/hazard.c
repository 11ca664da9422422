#include "supply/hazard.h"

#include <math.h>
#include <stdlib.h>

#include "supply/hazard_int.h"

const char *fl_measure_name(enum fl_measure measure)
{
    static const char *const names[] = {"inside", "mmi", "wind_ms"};

    return (unsigned)measure < FL_LEN(names) ? names[measure] : "";
}

/* The first that fits an event says how it meets sites. */
static const struct {
    bool (*fits)(const struct fl_hazard_job *job);
    int (*run)(struct fl_hazard_job *job, struct fl_err *err);
} footprints[] = {
    {fl_hazard_is_quake, fl_hazard_quake},   {fl_hazard_is_wind, fl_hazard_wind},
    {fl_hazard_is_entity, fl_hazard_entity}, {fl_hazard_is_port, fl_hazard_port},
    {fl_hazard_is_place, fl_hazard_place},   {fl_hazard_is_country, fl_hazard_country},
    {fl_hazard_is_global, fl_hazard_global},
};

struct word {
    const char *word;
    double value;
};
static const struct word certainty[] = {
    {"observed", 1}, {"likely", 0.75}, {"possible", 0.4}, {"unlikely", 0.05}, {"unknown", 0.5},
};
static const struct word severity[] = {
    {"extreme", 0.9}, {"severe", 0.7}, {"moderate", 0.4}, {"minor", 0.15}, {"unknown", 0.4},
};
/* Days out by CAP's severity, where neither event nor type says them. */
static const struct word severity_days[] = {
    {"extreme", 45},
    {"severe", 14},
    {"moderate", 3},
    {"minor", 1},
};
#define DAYS_UNKNOWN 7.0

static double look_up(const struct word *table, size_t count, struct fl_span word, double none)
{
    for (size_t i = 0; i < count; i++) {
        if (fl_span_eq(word, fl_span_str(table[i].word)))
            return table[i].value;
    }
    return none;
}

static double own_probability(const struct fl_world_event *event)
{
    if (isfinite(event->probability))
        return fmax(0, fmin(1, event->probability));
    return look_up(certainty, FL_LEN(certainty), event->certainty, 1);
}

bool fl_hazard_placed(const struct fl_net_site *site)
{
    return fl_geo_valid(site->lat, site->lon);
}

void fl_hazard_mark_all(struct fl_hazard_job *job)
{
    for (uint32_t i = 0; i < job->net->site_count; i++)
        job->marked[i / 64] |= UINT64_C(1) << (i % 64);
}

void fl_hazard_mark(struct fl_hazard_job *job, const struct fl_geo_box *box)
{
    if (job->index == NULL || fl_geo_index_sites(job->index) != job->net->site_count)
        fl_hazard_mark_all(job);
    else
        fl_geo_index_mark(job->index, box, job->marked);
}

uint32_t fl_hazard_next(const struct fl_hazard_job *job, uint32_t after)
{
    uint32_t i = after == FL_NET_NONE ? 0 : after + 1;

    while (i < job->net->site_count) {
        uint64_t rest = job->marked[i / 64] >> (i % 64);

        if (rest != 0)
            return i + (uint32_t)__builtin_ctzll(rest);
        i = (i / 64 + 1) * 64;
    }
    return FL_NET_NONE;
}

int fl_hazard_ready(struct fl_hazard_job *job, struct fl_err *err)
{
    uint32_t words = (job->net->site_count + 63) / 64;

    for (uint32_t i = 0; i < words; i++)
        job->room += (uint32_t)__builtin_popcountll(job->marked[i]);
    job->hits = fl_arena_get(job->arena, ((size_t)job->room + 1) * sizeof *job->hits);
    return job->hits == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for the sites of an event")
                             : FL_OK;
}

static const double band_days[FL_BANDS][3] = {
    {0, 1, 3}, {0, 1, 3}, {3, 7, 14}, {14, 30, 90}, {90, 180, 365},
};

static void put(struct fl_hazard_job *job, const struct fl_hit *hit, const double days[3])
{
    double said = job->event->days;

    if (hit->probability < job->min_probability || job->count == job->room)
        return;
    job->hits[job->count] = *hit;
    for (int i = 0; i < 3; i++)
        job->hits[job->count].down_days[i] = days[i];
    if (isfinite(said) && said >= 0) {
        job->hits[job->count].down_days[0] = said / 2;
        job->hits[job->count].down_days[1] = said;
        job->hits[job->count].down_days[2] = said * 2;
    }
    job->count++;
}

void fl_hazard_put_value(struct fl_hazard_job *job, struct fl_hit hit,
                         const double shares[FL_BANDS], enum fl_band band)
{
    hit.probability = 0;
    for (int i = FL_BANDS - 1; i >= 0; i--) {
        hit.bands[i] = shares[i] * job->happens;
        hit.probability += i > 0 ? hit.bands[i] : 0;
    }
    hit.probability = fmin(1, hit.probability);
    hit.band = fl_band_name(band);
    hit.down_share = 1;
    put(job, &hit, band_days[band]);
}

static double days_of(const struct fl_hazard_job *job)
{
    double days = look_up(severity_days, FL_LEN(severity_days), job->event->severity, DAYS_UNKNOWN);

    if (job->type != NULL && job->type->days > 0)
        days = job->type->days;
    return isfinite(job->event->days) && job->event->days >= 0 ? job->event->days : days;
}

void fl_hazard_put_inside(struct fl_hazard_job *job, uint32_t site, double distance_km,
                          double share)
{
    static const double begins[FL_BANDS] = {-INFINITY, 0, 3.5, 14.5, 90.5};
    double days = days_of(job);
    enum fl_band band = fl_band_of(begins, days);
    struct fl_hit hit = {.site = site,
                         .distance_km = distance_km,
                         .measure = FL_MEASURE_INSIDE,
                         .value = share,
                         .probability = share * job->happens * job->disrupts,
                         .band = fl_band_name(band),
                         .down_share = 1};

    if (!(hit.probability > 0))
        return;
    hit.bands[FL_BAND_WATCH] = share * job->happens - hit.probability;
    hit.bands[band] += hit.probability;
    put(job, &hit, (const double[3]){days / 2, days, days * 2});
}

/* Hits are wide: their keys are sorted, then each is put in its place once. */
struct key {
    double probability, value;
    uint32_t site, at;
};

static int more_first(double a, double b)
{
    return (a < b) - (a > b);
}

static int by_rank(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = more_first(x->probability, y->probability);

    if (order == 0)
        order = more_first(x->value, y->value);
    return order == 0 ? (x->site > y->site) - (x->site < y->site) : order;
}

static int rank(struct fl_hazard_job *job, struct fl_err *err)
{
    struct key *keys = fl_arena_get(job->arena, ((size_t)job->count + 1) * sizeof *keys);
    struct fl_hit *hits = fl_arena_get(job->arena, ((size_t)job->count + 1) * sizeof *hits);

    if (keys == NULL || hits == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the sites of an event");
    for (uint32_t i = 0; i < job->count; i++)
        keys[i] = (struct key){job->hits[i].probability, job->hits[i].value, job->hits[i].site, i};
    qsort(keys, job->count, sizeof *keys, by_rank);
    for (uint32_t i = 0; i < job->count; i++)
        hits[i] = job->hits[keys[i].at];
    job->hits = hits;
    return FL_OK;
}

static int run(struct fl_hazard_job *job, struct fl_err *err)
{
    size_t words = (job->net->site_count + 63) / 64;

    job->marked = fl_arena_get(job->arena, (words + 1) * sizeof *job->marked);
    if (job->marked == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the sites of an event");
    memset(job->marked, 0, words * sizeof *job->marked);
    for (size_t i = 0; i < FL_LEN(footprints); i++) {
        if (footprints[i].fits(job))
            return footprints[i].run(job, err);
    }
    return FL_OK;
}

static int start(struct fl_hazard_job *job, struct fl_hits *ret, struct fl_err *err)
{
    const struct fl_world_event *event = job->event;
    int r;

    job->type = fl_event_type_of(event);
    job->min_probability = fmax(0, job->min_probability);
    job->happens = own_probability(event);
    job->disrupts = look_up(severity, FL_LEN(severity), event->severity, 1);
    r = event->message == FL_EVENT_CANCEL ? FL_OK : run(job, err);
    if (r == FL_OK && job->count > 1)
        r = rank(job, err);
    if (r == FL_OK)
        *ret = (struct fl_hits){job->hits, job->count};
    return r;
}

int fl_hazard(const struct fl_world_event *event, const struct fl_net *net,
              const struct fl_geo_index *index, const struct fl_grid *grid, int64_t now_us,
              double min_probability, struct fl_arena *arena, struct fl_hits *ret,
              struct fl_err *err)
{
    struct fl_hazard_job job = {.event = event,
                                .net = net,
                                .index = index,
                                .grid = grid,
                                .now_us = now_us,
                                .min_probability = min_probability,
                                .arena = arena};

    return start(&job, ret, err);
}

int fl_hazard_by_fixes(const struct fl_world_event *event, const struct fl_net *net,
                       const struct fl_geo_index *index, int64_t now_us, double min_probability,
                       struct fl_arena *arena, struct fl_hits *ret, struct fl_err *err)
{
    struct fl_hazard_job job = {.event = event,
                                .net = net,
                                .index = index,
                                .now_us = now_us,
                                .fixes_only = true,
                                .min_probability = min_probability,
                                .arena = arena};

    return start(&job, ret, err);
}
