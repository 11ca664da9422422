#include "supply/intensity.h"

#include <math.h>

#define FAR_KM 20100.0 /* half round the globe */

const double fl_mmi_bands[FL_BANDS] = {-INFINITY, 5, 6, 7, 8};

static const char *const names[FL_BANDS] = {"watch", "inspect", "short", "long", "structural"};

static double square(double x)
{
    return x * x;
}

struct fl_intensity fl_mmi_hypo(double mag, double km)
{
    double m = fmin(mag, FL_QUAKE_MAG_MAX), r = fmax(0, km);
    double rm = -0.209 + 2.042 * exp(m - 5);
    double mmi = 2.085 + 1.428 * m - 1.402 * log(sqrt(square(r) + square(rm)));

    if (r > 50)
        mmi += 0.078 * log(r / 50);
    return (struct fl_intensity){mmi, 0.82 + 0.37 / (1 + square(r / 22.9))};
}

struct fl_intensity fl_mmi_rupture(double mag, double km)
{
    double m = fmin(mag, FL_QUAKE_MAG_MAX), r = fmax(0, km);
    double near = 1 + 0.813 * exp(m - 5);

    return (struct fl_intensity){3.950 + 0.913 * m - 1.107 * log(sqrt(square(r) + square(near))),
                                 0.72 + 0.23 / (1 + square(r / 44.7))};
}

double fl_mmi_bakun_wentworth(double mag, double km)
{
    return 1.68 * mag - 3.29 - 0.0206 * km;
}

/* Three straight lines over log10 of the motion. */
struct gmice {
    double low, knee; /* of log10: below it the tail, above it the steep line */
    double tail[2], flat[2], steep[2];
};
static const struct gmice pga = {0.14, 1.57, {1.71, 2.08}, {1.78, 1.55}, {-1.60, 3.70}};
static const struct gmice pgv = {-1.21, 0.53, {4.62, 2.17}, {3.78, 1.47}, {2.89, 3.16}};

static double mmi_of(const struct gmice *g, double motion)
{
    double x, mmi;

    if (!(motion > 0))
        return 1;
    x = log10(motion);
    if (x < g->low)
        mmi = g->tail[0] + g->tail[1] * x;
    else if (x <= g->knee)
        mmi = g->flat[0] + g->flat[1] * x;
    else
        mmi = g->steep[0] + g->steep[1] * x;
    return fmax(1, fmin(10, mmi));
}

/* The lines do not quite meet: each takes what lies on its side of the flat one's ends. */
static double motion_of(const struct gmice *g, double mmi)
{
    const double *line = g->flat;

    mmi = fmax(1, fmin(10, mmi));
    if (mmi < g->flat[0] + g->flat[1] * g->low)
        line = g->tail;
    else if (mmi > g->flat[0] + g->flat[1] * g->knee)
        line = g->steep;
    return pow(10, (mmi - line[0]) / line[1]);
}

double fl_mmi_of_pga(double cm_s2)
{
    return mmi_of(&pga, cm_s2);
}

double fl_mmi_of_pgv(double cm_s)
{
    return mmi_of(&pgv, cm_s);
}

double fl_pga_of_mmi(double mmi)
{
    return motion_of(&pga, mmi);
}

double fl_pgv_of_mmi(double mmi)
{
    return motion_of(&pgv, mmi);
}

double fl_mmi_radius_km(double mag, double depth_km, double mmi)
{
    double depth = isfinite(depth_km) ? fmax(0, depth_km) : FL_QUAKE_DEPTH_KM;
    double low = 0, high = FAR_KM;

    if (!(fl_mmi_hypo(mag, depth).mmi > mmi))
        return 0;
    for (int i = 0; i < 60; i++) {
        double mid = (low + high) / 2;

        if (fl_mmi_hypo(mag, hypot(mid, depth)).mmi > mmi)
            low = mid;
        else
            high = mid;
    }
    return low;
}

const char *fl_band_name(enum fl_band band)
{
    return (unsigned)band < FL_BANDS ? names[band] : "";
}

double fl_normal(double z)
{
    return 0.5 * erfc(-z / M_SQRT2);
}

enum fl_band fl_band_of(const double begins[FL_BANDS], double value)
{
    int band = FL_BANDS - 1;

    while (band > 0 && !(value >= begins[band]))
        band--;
    return (enum fl_band)band;
}

void fl_band_shares(const double begins[FL_BANDS], double value, double sigma, double ret[FL_BANDS])
{
    double above = 1; /* probability that it is at least where the band begins */

    for (int i = 0; i < FL_BANDS; i++) {
        double next = 0;

        if (i + 1 < FL_BANDS)
            next = sigma > 0 ? fl_normal((value - begins[i + 1]) / sigma) : value >= begins[i + 1];
        ret[i] = fmax(0, above - next);
        above = next;
    }
}
