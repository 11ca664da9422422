#include "supply/wind.h"

#include <math.h>

#define RAD          (M_PI / 180.0)
#define OMEGA        7.292e-5 /* turns of the earth, rad/s */
#define GOLDEN_ANGLE 137.50776405003785
#define TAIL_POWER   0.5 /* beyond the outermost radius that is given: about as Holland's tail */

static const double radius_ms[3] = {34 * FL_WIND_KT, 50 * FL_WIND_KT, 64 * FL_WIND_KT};

double fl_wind_rmax_willoughby(double v_ms, double lat)
{
    return 46.4 * exp(-0.0155 * v_ms + 0.0169 * fabs(lat));
}

double fl_wind_rmax_vickery(double dp_hpa, double lat)
{
    return exp(3.015 - 6.291e-5 * dp_hpa * dp_hpa + 0.0337 * fabs(lat));
}

static double clip_b(double b)
{
    return fmax(1, fmin(2.5, b));
}

double fl_wind_b_1980(double v_ms, double dp_hpa)
{
    return dp_hpa > 0 ? clip_b(v_ms * v_ms * FL_WIND_RHO * M_E / (dp_hpa * 100)) : 2.5;
}

double fl_wind_b_2008(double dp_hpa, double dp_dt_hpa_h, double lat, double move_ms)
{
    double x = 0.6 * (1 - dp_hpa / 215);

    return clip_b(-4.4e-5 * dp_hpa * dp_hpa + 0.01 * dp_hpa + 0.03 * dp_dt_hpa_h -
                  0.014 * fabs(lat) + 0.15 * pow(fmax(0, move_ms), x) + 1);
}

static bool has_radii(const struct fl_event_fix *fix)
{
    bool any = false;

    for (unsigned i = 0; i < 12; i++)
        any = any || fix->radius_km[i / 4][i % 4] > 0;
    return any;
}

bool fl_vortex_of(const struct fl_event_fix *fix, unsigned minutes, struct fl_vortex *ret)
{
    double outer = isfinite(fix->outer_hpa) ? fix->outer_hpa : FL_WIND_OUTER_HPA;
    double v = isfinite(fix->wind_ms) ? fmax(0, fl_wind_mean(fix->wind_ms, minutes, 10)) : 0;
    double dp = isfinite(fix->pressure_hpa) ? outer - fix->pressure_hpa : NAN;

    if (!fl_geo_valid(fix->lat, fix->lon) || (!(v > 0) && !has_radii(fix)))
        return false;
    /* Without a pressure: the one that gives this wind with B in the middle of its range. */
    if (isnan(dp))
        dp = v * v * FL_WIND_RHO * M_E / 1.5 / 100;
    *ret = (struct fl_vortex){.lat = fix->lat,
                              .lon = fix->lon,
                              .v_ms = v,
                              .dp_hpa = fmax(0, dp),
                              .rmax_km = fl_wind_rmax_willoughby(v, fix->lat),
                              .b = fl_wind_b_1980(v, dp),
                              .error_km = fix->forecast && fix->error_km > 0 ? fix->error_km : 0,
                              .at = fl_geo_vec(fix->lat, fix->lon)};
    for (unsigned i = 0; i < 12; i++)
        ret->radius_km[i / 4][i % 4] = fix->radius_km[i / 4][i % 4];
    return true;
}

double fl_vortex_gradient(const struct fl_vortex *v, double km)
{
    double r = fmax(0.1, km), spin = r * 1000 * OMEGA * fabs(sin(v->lat * RAD));
    double x = pow(v->rmax_km / r, v->b);

    if (!(v->dp_hpa > 0))
        return 0;
    return sqrt(v->b / FL_WIND_RHO * x * v->dp_hpa * 100 * exp(-x) + spin * spin) - spin;
}

/* Radii of one direction, inside out, as points of a profile. */
static unsigned profile(const struct fl_vortex *v, unsigned quadrant, double km[4], double ms[4])
{
    unsigned n = 0;

    if (v->v_ms > 0) {
        km[n] = v->rmax_km;
        ms[n++] = v->v_ms;
    }
    for (unsigned i = 3; i-- > 0;) {
        double radius = v->radius_km[i][quadrant];

        if (!(radius > 0) || (n > 0 && radius_ms[i] >= ms[n - 1]))
            continue;
        if (n == 1 && v->v_ms > 0 && radius <= km[0]) /* Willoughby's ring is but a mean */
            km[0] = radius * 0.9;
        if (n > 0 && radius <= km[n - 1])
            continue;
        km[n] = radius;
        ms[n++] = radius_ms[i];
    }
    return n;
}

/* Straight in logarithms between the points; level inside the first. */
static double along(const double km[4], const double ms[4], unsigned n, double at)
{
    unsigned i = 0;

    if (at <= km[0])
        return ms[0];
    while (i + 1 < n && at > km[i + 1])
        i++;
    if (i + 1 == n)
        return ms[i] * pow(km[i] / at, TAIL_POWER);
    return ms[i] * pow(ms[i + 1] / ms[i], log(at / km[i]) / log(km[i + 1] / km[i]));
}

static unsigned given(const struct fl_vortex *v, unsigned quadrant)
{
    unsigned n = 0;

    for (unsigned i = 0; i < 3; i++)
        n += v->radius_km[i][quadrant] > 0;
    return n;
}

double fl_vortex_wind(const struct fl_vortex *v, double km, double bearing)
{
    unsigned quadrant = (unsigned)(bearing / 90) % 4, n;
    double at[4] = {0}, ms[4] = {0};

    if (given(v, quadrant) == 0)
        return fl_vortex_gradient(v, km);
    n = profile(v, quadrant, at, ms);
    /* Within the ring of the greatest wind it falls towards the eye, as Holland's does. */
    if (v->v_ms > 0 && km < at[0])
        return fmin(v->v_ms, fl_vortex_gradient(v, km));
    return along(at, ms, n, km);
}

double fl_vortex_reach_km(const struct fl_vortex *v, double ms)
{
    double low = 0, high = 4000;

    if (!(ms > 0))
        return INFINITY;
    for (unsigned i = 0; i < 24; i++) { /* to the km: from the outside in */
        double mid = (low + high) / 2, most = fl_vortex_gradient(v, fmax(mid, v->rmax_km));

        for (unsigned q = 0; q < 4; q++)
            most = fmax(most, fl_vortex_wind(v, fmax(mid, v->rmax_km), q * 90.0 + 45));
        if (most >= ms)
            low = mid;
        else
            high = mid;
    }
    return high + 1;
}

static double between(double a, double b, double share)
{
    if (isnan(a) || isnan(b))
        return isnan(a) ? b : a;
    return a + share * (b - a);
}

/* None given where the greatest wind is below it anyhow: 0, so that the last one given shrinks. */
static double radius_of(const struct fl_event_fix *fix, unsigned kind, unsigned quadrant)
{
    double km = fix->radius_km[kind][quadrant];

    return isnan(km) && fix->wind_ms < radius_ms[kind] ? 0 : km;
}

struct fl_event_fix fl_wind_fix_between(const struct fl_event_fix *a, const struct fl_event_fix *b,
                                        double share)
{
    struct fl_event_point at = fl_geo_between((struct fl_event_point){a->lat, a->lon},
                                              (struct fl_event_point){b->lat, b->lon}, share);
    struct fl_event_fix fix = {.at_us = a->at_us + (int64_t)((double)(b->at_us - a->at_us) * share),
                               .forecast = share > 0 ? b->forecast : a->forecast,
                               .lat = at.lat,
                               .lon = at.lon,
                               .wind_ms = between(a->wind_ms, b->wind_ms, share),
                               .pressure_hpa = between(a->pressure_hpa, b->pressure_hpa, share),
                               .outer_hpa = between(a->outer_hpa, b->outer_hpa, share)};

    fix.error_km = between(a->forecast ? a->error_km : 0, b->forecast ? b->error_km : 0, share);
    for (unsigned i = 0; i < 12; i++)
        fix.radius_km[i / 4][i % 4] =
            between(radius_of(a, i / 4, i % 4), radius_of(b, i / 4, i % 4), share);
    return fix;
}

bool fl_wind_fix_at(const struct fl_event_fix *fixes, uint32_t count, int64_t at_us,
                    struct fl_event_fix *ret)
{
    uint32_t i = 0;
    double span;

    if (count == 0 || at_us < fixes[0].at_us || at_us > fixes[count - 1].at_us)
        return false;
    while (i + 1 < count && fixes[i + 1].at_us <= at_us)
        i++;
    if (i + 1 == count) {
        *ret = fixes[i];
        return true;
    }
    span = (double)(fixes[i + 1].at_us - fixes[i].at_us);
    *ret = fl_wind_fix_between(&fixes[i], &fixes[i + 1], (double)(at_us - fixes[i].at_us) / span);
    return true;
}

double fl_wind_inland_kt(double v0_kt, double hours)
{
    return 26.7 + (0.9 * v0_kt - 26.7) * exp(-0.095 * hours);
}

double fl_wind_mean(double v, unsigned from_minutes, unsigned to_minutes)
{
    if (from_minutes == 1 && to_minutes == 10)
        return v * FL_WIND_10_OF_1;
    return from_minutes == 10 && to_minutes == 1 ? v / FL_WIND_10_OF_1 : v;
}

double fl_wind_damage(double v_ms, double half_ms)
{
    double v = fmax(0, (v_ms - FL_WIND_DAMAGE_MS) / (half_ms - FL_WIND_DAMAGE_MS));

    return v * v * v / (1 + v * v * v);
}

void fl_wind_member(unsigned i, double *ret_shift, double *ret_bearing)
{
    double u = (i + 0.5) / FL_WIND_CONE_MEMBERS;

    *ret_shift = sqrt(log(1 - u) / log(1 - FL_WIND_CONE_SHARE));
    *ret_bearing = fmod(i * GOLDEN_ANGLE, 360);
}
