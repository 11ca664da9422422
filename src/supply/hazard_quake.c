/* Earthquakes: intensity at each site, by the grid where it reaches, else by distance. */
#include <math.h>

#include "supply/hazard_int.h"

/* Scatter near the epicentre, and of a position that is not sure: for how far to look. */
#define SIGMA_MOST 1.3

bool fl_hazard_is_quake(const struct fl_hazard_job *job)
{
    const struct fl_world_event *e = job->event;

    return isfinite(e->magnitude) && fl_geo_valid(e->lat, e->lon) && e->fix_count == 0;
}

static double depth_of(const struct fl_world_event *event)
{
    return isfinite(event->depth_km) ? fmax(0, fmin(800, event->depth_km)) : FL_QUAKE_DEPTH_KM;
}

/* How many sigma below its threshold a value may lie and still have this probability. */
static double sigmas(double probability)
{
    double low = 0, high = 8;

    for (int i = 0; i < 40; i++) {
        double mid = (low + high) / 2;

        if (fl_normal(-mid) > probability)
            low = mid;
        else
            high = mid;
    }
    return high;
}

static void mark(struct fl_hazard_job *job)
{
    const struct fl_world_event *e = job->event;
    double p = job->min_probability / fmax(1e-9, job->happens), km;
    struct fl_geo_box box;

    if (!(p > 0)) {
        fl_hazard_mark_all(job);
        return;
    }
    km = fl_mmi_radius_km(e->magnitude, depth_of(e),
                          fl_mmi_bands[FL_BAND_INSPECT] - SIGMA_MOST * sigmas(p));
    box = fl_geo_box_round(e->lat, e->lon, km + 1);
    fl_hazard_mark(job, &box);
    if (job->grid != NULL) {
        box = fl_grid_box(job->grid);
        fl_hazard_mark(job, &box);
    }
}

static double sum_of_squares(double a, double b)
{
    return a * a + b * b;
}

/* A disc's mean distance from its middle along any line is half its radius. */
static struct fl_intensity by_distance(const struct fl_world_event *e, double km, double radius_km)
{
    double depth = depth_of(e);
    struct fl_intensity at = fl_mmi_hypo(e->magnitude, hypot(km, depth));

    if (radius_km > 0) {
        double near = fl_mmi_hypo(e->magnitude, hypot(fmax(0, km - radius_km / 2), depth)).mmi;
        double far = fl_mmi_hypo(e->magnitude, hypot(km + radius_km / 2, depth)).mmi;

        at.sigma = sqrt(sum_of_squares(at.sigma, (near - far) / 2));
    }
    return at;
}

static bool by_grid(const struct fl_hazard_job *job, const struct fl_net_site *site,
                    struct fl_intensity *ret)
{
    double sum = 0;

    if (job->grid == NULL || !fl_grid_at(job->grid, site->lat, site->lon, ret))
        return false;
    for (unsigned i = 0; site->radius_km > 0 && i < 4; i++) {
        struct fl_event_point p =
            fl_geo_go(site->lat, site->lon, i * 90.0, site->radius_km / M_SQRT2);
        struct fl_intensity there;

        if (fl_grid_at(job->grid, p.lat, p.lon, &there))
            sum += (there.mmi - ret->mmi) * (there.mmi - ret->mmi) / 4;
    }
    ret->sigma = sqrt(sum_of_squares(ret->sigma, sqrt(sum)));
    return true;
}

int fl_hazard_quake(struct fl_hazard_job *job, struct fl_err *err)
{
    const struct fl_world_event *e = job->event;
    int r;

    mark(job);
    r = fl_hazard_ready(job, err);
    if (r < 0)
        return r;
    for (uint32_t i = fl_hazard_next(job, FL_NET_NONE); i != FL_NET_NONE;
         i = fl_hazard_next(job, i)) {
        const struct fl_net_site *site = &job->net->sites[i];
        struct fl_intensity at;
        double shares[FL_BANDS], km;

        if (!fl_hazard_placed(site))
            continue;
        km = fl_geo_km(e->lat, e->lon, site->lat, site->lon);
        if (!by_grid(job, site, &at))
            at = by_distance(e, km, site->radius_km);
        fl_band_shares(fl_mmi_bands, at.mmi, at.sigma, shares);
        fl_hazard_put_value(job,
                            (struct fl_hit){.site = i,
                                            .distance_km = km,
                                            .measure = FL_MEASURE_MMI,
                                            .value = at.mmi,
                                            .sigma = at.sigma},
                            shares, fl_band_of(fl_mmi_bands, at.mmi));
    }
    return FL_OK;
}
