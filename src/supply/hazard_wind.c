/*
 * Cyclones: the greatest wind at each site while the centre passes.
 *
 * The track is cut into moments some 10 km apart. Of a forecast the track also runs as a set of
 * members, each pushed aside as far as forecasts of that age err; a site's probability is the mean
 * over them. The value is that of the track as given.
 */
#include <math.h>

#include "base/time.h"
#include "supply/hazard_int.h"
#include "supply/wind.h"

#define STEP_KM        10.0
#define STEPS_MAX      4096u
#define SEGMENT_MAX    128u
#define SIGMA_SHARE    0.15 /* of the profile's wind; a starting value */
#define SIGMA_LEAST_MS 1.0
#define CALM_MS        10.0 /* of no interest, whatever probability is asked for */
#define SHIFT_MOST     1.9  /* of fl_wind_member() */
#define MEMBER_STRIDE  3u   /* members err by far more than three moments lie apart */
#define RINGS          48u
#define RINGS_KM       2000.0 /* where the last one begins, or at the reach */

static const double bands[FL_BANDS] = {-INFINITY, FL_WIND_DAMAGE_MS, 33, 43, 58};

struct moment {
    struct fl_vortex v;
    double reach_km, ring_km;
    struct fl_geo_vec *members; /* NULL: the centre is known */
    double most[RINGS];         /* wind anywhere from so many ring_km on outward */
};

struct track {
    struct moment *moments;
    uint32_t count;
    bool forecast; /* some moment has members */
};

bool fl_hazard_is_wind(const struct fl_hazard_job *job)
{
    return job->event->fix_count > 0;
}

/* Superseded by what was observed later, or so old that nobody stands for it. */
static bool believed(const struct fl_hazard_job *job, uint32_t i, int64_t observed_us)
{
    const struct fl_event_fix *fix = &job->event->fixes[i];

    if (!fl_geo_valid(fix->lat, fix->lon))
        return false;
    return !fix->forecast || (fix->at_us > observed_us &&
                              (job->now_us == 0 || fix->at_us >= job->now_us - FL_US_PER_DAY));
}

static int64_t last_observed(const struct fl_world_event *event)
{
    int64_t us = INT64_MIN;

    for (uint32_t i = 0; i < event->fix_count; i++) {
        if (!event->fixes[i].forecast && event->fixes[i].at_us > us)
            us = event->fixes[i].at_us;
    }
    return us;
}

static double track_km(const struct fl_world_event *event)
{
    double km = 0;

    for (uint32_t i = 1; i < event->fix_count; i++) {
        const struct fl_event_fix *a = &event->fixes[i - 1], *b = &event->fixes[i];

        if (fl_geo_valid(a->lat, a->lon) && fl_geo_valid(b->lat, b->lon))
            km += fl_geo_km(a->lat, a->lon, b->lat, b->lon);
    }
    return km;
}

/* No ring blows harder than its inner edge, whatever the direction; the innermost takes the eye. */
static void set_rings(struct moment *m)
{
    m->ring_km = fmin(m->reach_km, RINGS_KM) / RINGS;
    for (unsigned i = 0; i < RINGS; i++) {
        double km = fmax(i * m->ring_km, m->v.rmax_km), most = fl_vortex_gradient(&m->v, km);

        for (unsigned q = 0; q < 4; q++)
            most = fmax(most, fl_vortex_wind(&m->v, km, q * 90.0 + 45));
        m->most[i] = i * m->ring_km <= m->v.rmax_km ? INFINITY : most;
    }
}

static void put_moment(struct track *track, const struct fl_hazard_job *job,
                       const struct fl_event_fix *fix, double reach_ms)
{
    struct moment *m = &track->moments[track->count];

    if (track->count == STEPS_MAX || !fl_vortex_of(fix, job->event->wind_minutes, &m->v))
        return;
    for (unsigned i = 0; job->fixes_only && i < 12; i++)
        m->v.radius_km[i / 4][i % 4] = NAN;
    m->members = NULL;
    m->reach_km = fl_vortex_reach_km(&m->v, reach_ms);
    set_rings(m);
    track->count++;
}

/* From one believed fix to the next, the first included, the last not. */
static void put_segment(struct track *track, const struct fl_hazard_job *job,
                        const struct fl_event_fix *a, const struct fl_event_fix *b, double step_km,
                        double reach_ms)
{
    double km = fl_geo_km(a->lat, a->lon, b->lat, b->lon);
    unsigned n = job->fixes_only ? 1 : (unsigned)fmin(SEGMENT_MAX, ceil(km / step_km));

    for (unsigned i = 0; i < (n == 0 ? 1 : n); i++) {
        struct fl_event_fix fix = fl_wind_fix_between(a, b, n == 0 ? 0 : (double)i / n);

        put_moment(track, job, &fix, reach_ms);
    }
}

static int make_moments(struct track *track, const struct fl_hazard_job *job, double reach_ms,
                        struct fl_err *err)
{
    const struct fl_world_event *event = job->event;
    double step_km = fmax(STEP_KM, track_km(event) / (STEPS_MAX - 2.0 * FL_EVENT_FIXES_MAX));
    int64_t observed_us = last_observed(event);
    const struct fl_event_fix *last = NULL;

    *track =
        (struct track){.moments = fl_arena_get(job->arena, STEPS_MAX * sizeof *track->moments)};
    if (track->moments == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a track");
    for (uint32_t i = 0; i < event->fix_count; i++) {
        if (!believed(job, i, observed_us))
            continue;
        if (last != NULL)
            put_segment(track, job, last, &event->fixes[i], step_km, reach_ms);
        last = &event->fixes[i];
    }
    if (last != NULL)
        put_moment(track, job, last, reach_ms);
    return FL_OK;
}

static int make_members(struct track *track, struct fl_arena *arena, struct fl_err *err)
{
    for (uint32_t i = 0; i < track->count; i++) {
        struct moment *m = &track->moments[i];

        if (!(m->v.error_km > 0))
            continue;
        m->members = fl_arena_get(arena, FL_WIND_CONE_MEMBERS * sizeof *m->members);
        if (m->members == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for a forecast");
        for (unsigned k = 0; k < FL_WIND_CONE_MEMBERS; k++) {
            double shift, bearing;
            struct fl_event_point p;

            fl_wind_member(k, &shift, &bearing);
            p = fl_geo_go(m->v.lat, m->v.lon, bearing, shift * m->v.error_km);
            m->members[k] = fl_geo_vec(p.lat, p.lon);
        }
        track->forecast = true;
    }
    return FL_OK;
}

static void mark(struct fl_hazard_job *job, const struct track *track)
{
    for (uint32_t i = 0; i < track->count; i++) {
        const struct fl_vortex *v = &track->moments[i].v;
        double km = track->moments[i].reach_km + SHIFT_MOST * v->error_km;
        struct fl_geo_box box;

        if (!(km < 20000)) {
            fl_hazard_mark_all(job);
            return;
        }
        box = fl_geo_box_round(v->lat, v->lon, km);
        fl_hazard_mark(job, &box);
    }
}

struct gust {              /* at one site */
    double ms, km, spread; /* greatest wind, where the centre was then, scatter by position */
    double nearest_km;
};

/* Radii differ by quadrant: the direction is needed only where there are any. */
static double wind_at(const struct fl_vortex *v, const struct fl_net_site *site, double km)
{
    return fl_vortex_wind(v, km, fl_geo_bearing(v->lat, v->lon, site->lat, site->lon));
}

static double chord2(struct fl_geo_vec a, struct fl_geo_vec b)
{
    double x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;

    return x * x + y * y + z * z;
}

/* member FL_WIND_CONE_MEMBERS: the track as given. */
static struct fl_geo_vec centre(const struct moment *m, unsigned member)
{
    return member < FL_WIND_CONE_MEMBERS && m->members != NULL ? m->members[member] : m->v.at;
}

static uint32_t stride_of(unsigned member)
{
    return member < FL_WIND_CONE_MEMBERS ? MEMBER_STRIDE : 1;
}

static uint32_t nearest(const struct track *track, struct fl_geo_vec at, unsigned member)
{
    double least = INFINITY;
    uint32_t best = 0;

    for (uint32_t i = 0; i < track->count; i += stride_of(member)) {
        double c = chord2(at, centre(&track->moments[i], member));

        if (c < least) {
            least = c;
            best = i;
        }
    }
    return best;
}

static bool may_beat(const struct moment *m, double km, double ms)
{
    double ring = km / m->ring_km;

    return m->most[ring < RINGS ? (unsigned)ring : RINGS - 1] > ms;
}

/* The nearest moment first: most others then need no second look. */
static struct gust strongest(const struct track *track, const struct fl_net_site *site,
                             struct fl_geo_vec at, unsigned member)
{
    const struct moment *best = &track->moments[nearest(track, at, member)];
    double km = fl_geo_vec_km(at, centre(best, member));
    double radius = site->radius_km > 0 ? site->radius_km : 0;
    struct gust gust = {wind_at(&best->v, site, km), km, 0, km};

    for (uint32_t i = 0; i < track->count; i += stride_of(member)) {
        const struct moment *m = &track->moments[i];
        double ms;

        /* The chord is no longer than the arc, so nothing is passed over that could be stronger. */
        if (!may_beat(m, FL_EARTH_KM * sqrt(chord2(at, centre(m, member))), gust.ms))
            continue;
        km = fl_geo_vec_km(at, centre(m, member));
        ms = wind_at(&m->v, site, km);
        if (ms > gust.ms) {
            gust.ms = ms;
            gust.km = km;
            best = m;
        }
    }
    if (radius > 0)
        gust.spread = fabs(wind_at(&best->v, site, fmax(best->v.rmax_km, gust.km - radius / 2)) -
                           wind_at(&best->v, site, fmax(best->v.rmax_km, gust.km + radius / 2))) /
                      2;
    return gust;
}

static double sigma_of(const struct gust *gust)
{
    double own = fmax(SIGMA_LEAST_MS, SIGMA_SHARE * gust->ms);

    return sqrt(own * own + gust->spread * gust->spread);
}

/* Mean over the members; also how far their winds scatter about the track's. */
static double over_members(const struct track *track, const struct fl_net_site *site,
                           struct fl_geo_vec at, double value, double shares[FL_BANDS])
{
    double square = 0;

    for (int b = 0; b < FL_BANDS; b++)
        shares[b] = 0;
    for (unsigned k = 0; k < FL_WIND_CONE_MEMBERS; k++) {
        struct gust gust = strongest(track, site, at, k);
        double own[FL_BANDS];

        fl_band_shares(bands, gust.ms, sigma_of(&gust), own);
        for (int b = 0; b < FL_BANDS; b++)
            shares[b] += own[b] / FL_WIND_CONE_MEMBERS;
        square += (gust.ms - value) * (gust.ms - value) / FL_WIND_CONE_MEMBERS;
    }
    return sqrt(square);
}

static void look_at(struct fl_hazard_job *job, const struct track *track, uint32_t i)
{
    const struct fl_net_site *site = &job->net->sites[i];
    struct fl_geo_vec at = fl_geo_vec(site->lat, site->lon);
    struct gust gust = strongest(track, site, at, FL_WIND_CONE_MEMBERS);
    double sigma = sigma_of(&gust), shares[FL_BANDS];

    if (track->forecast)
        sigma = hypot(sigma, over_members(track, site, at, gust.ms, shares));
    else
        fl_band_shares(bands, gust.ms, sigma, shares);
    fl_hazard_put_value(job,
                        (struct fl_hit){.site = i,
                                        .distance_km = gust.nearest_km,
                                        .measure = FL_MEASURE_WIND,
                                        .value = gust.ms,
                                        .sigma = sigma},
                        shares, fl_band_of(bands, gust.ms));
}

int fl_hazard_wind(struct fl_hazard_job *job, struct fl_err *err)
{
    /* Below it even the scatter does not bring a site to the least probability asked for. */
    double reach_ms = job->min_probability > 0 ? CALM_MS : 0;
    struct track track;
    int r = make_moments(&track, job, reach_ms, err);

    if (r == FL_OK)
        r = make_members(&track, job->arena, err);
    if (r < 0 || track.count == 0)
        return r;
    mark(job, &track);
    r = fl_hazard_ready(job, err);
    for (uint32_t i = fl_hazard_next(job, FL_NET_NONE); r == FL_OK && i != FL_NET_NONE;
         i = fl_hazard_next(job, i)) {
        if (fl_hazard_placed(&job->net->sites[i]))
            look_at(job, &track, i);
    }
    return r;
}
