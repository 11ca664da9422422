/* Winds of cyclones: published values to 1e-4, radii, time between fixes, decay, the cone. */
#include <math.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/time.h"
#include "supply/wind.h"
#include "tap.h"

/* m/s, latitude, hPa below outside; radius of the greatest wind, B; km, m/s there, share lost */
static const double golden[][8] = {
    {33, 22, 25, 40.35, 1.3617, 40.35, 31.9162, 0.002037},
    {33, 22, 25, 40.35, 1.3617, 50, 31.0296, 0.001285},
    {33, 22, 25, 40.35, 1.3617, 100, 22.7781, 0.0},
    {33, 22, 25, 40.35, 1.3617, 200, 12.6693, 0.0},
    {33, 22, 25, 40.35, 1.3617, 300, 7.5443, 0.0},
    {45, 24, 50, 34.654, 1.266, 34.654, 43.9839, 0.049388},
    {45, 24, 50, 34.654, 1.266, 50, 41.5018, 0.032449},
    {45, 24, 50, 34.654, 1.266, 100, 30.451, 0.000911},
    {45, 24, 50, 34.654, 1.266, 200, 17.9816, 0.0},
    {45, 24, 50, 34.654, 1.266, 300, 11.4661, 0.0},
    {60, 22, 80, 26.552, 1.4067, 26.552, 59.2791, 0.24347},
    {60, 22, 80, 26.552, 1.4067, 50, 50.2726, 0.111991},
    {60, 22, 80, 26.552, 1.4067, 100, 33.3973, 0.003861},
    {60, 22, 80, 26.552, 1.4067, 200, 18.3886, 0.0},
    {60, 22, 80, 26.552, 1.4067, 300, 11.2918, 0.0},
};

/* Rows of numbers of a file of the reference; 0 where it is not there. */
static int read_rows(const char *folder, const char *file, double row[][8], int max)
{
    char path[1024], line[512];
    FILE *in;
    int n = 0;

    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    in = fopen(path, "re");
    if (in == NULL)
        return 0;
    while (n < max && fgets(line, sizeof line, in) != NULL) {
        char *at = line, *end;
        int k = 0;

        for (; k < 8; k++) {
            row[n][k] = strtod(at, &end);
            if (end == at)
                break;
            at = *end == ',' ? end + 1 : end;
        }
        n += k >= 2; /* the head has none */
    }
    (void)fclose(in);
    return n;
}

static bool near(double a, double b, double by)
{
    return fabs(a - b) <= by;
}

static struct fl_event_fix fix_of(double ms, double lat, double dp)
{
    struct fl_event_fix fix = {.lat = lat,
                               .lon = 130,
                               .wind_ms = ms,
                               .pressure_hpa = FL_WIND_OUTER_HPA - dp,
                               .outer_hpa = NAN,
                               .error_km = NAN};

    for (int i = 0; i < 12; i++)
        fix.radius_km[i / 4][i % 4] = NAN;
    return fix;
}

static bool golden_row(const double *r)
{
    struct fl_event_fix fix = fix_of(r[0], r[1], r[2]);
    struct fl_vortex v;
    /* The table gives the radius of the greatest wind with three digits behind the point, and where
     * r is that radius so does its column r. */
    return fl_vortex_of(&fix, 10, &v) && near(v.rmax_km, r[3], 5e-4) && near(v.b, r[4], 1e-4) &&
           near(fl_vortex_gradient(&v, r[5]), r[6], 1e-4) &&
           near(fl_wind_damage(r[6], FL_WIND_HALF_MS), r[7], 1e-4);
}

static void test_golden(const char *folder)
{
    static double row[32][8];
    int n, right = 0;

    for (size_t i = 0; i < FL_LEN(golden); i++)
        right += golden_row(golden[i]);
    CHECK(right == (int)FL_LEN(golden), "radius, B, wind and damage");
    n = read_rows(folder, "cyclone_wind_reference.csv", row, 32);
    right = 0;
    for (int i = 0; i < n; i++)
        right += golden_row(row[i]);
    CHECK(n == 0 || (n == (int)FL_LEN(golden) && right == n),
          "every row of the file, if it is here");
}

static void test_relations(void)
{
    CHECK(near(fl_wind_inland_kt(100, 6), 62.50, 0.01) &&
              near(fl_wind_inland_kt(100, 12), 46.95, 0.01) &&
              near(fl_wind_inland_kt(100, 24), 33.18, 0.01),
          "100 kt at the coast, 6, 12 and 24 hours inland");
    CHECK(near(fl_wind_rmax_vickery(50, 24), exp(3.015 - 6.291e-5 * 2500 + 0.0337 * 24), 1e-9) &&
              fl_wind_rmax_vickery(90, 24) < fl_wind_rmax_vickery(50, 24),
          "Vickery and Wadhera: deeper is narrower");
    CHECK(near(fl_wind_b_2008(50, 0, 20, 5),
               -4.4e-5 * 2500 + 0.5 - 0.28 + 0.15 * pow(5, 0.6 * (1 - 50.0 / 215)) + 1, 1e-9),
          "B of 2008");
    CHECK(fl_wind_b_1980(10, 90) == 1 && fl_wind_b_1980(90, 10) == 2.5, "B from 1 to 2.5");
    CHECK(near(fl_wind_mean(50, 1, 10), 46.5, 1e-9) && near(fl_wind_mean(46.5, 10, 1), 50, 1e-9) &&
              fl_wind_mean(50, 10, 10) == 50,
          "means of 1 and of 10 minutes");
    CHECK(fl_wind_damage(25.7, 74.7) == 0 && near(fl_wind_damage(74.7, 74.7), 0.5, 1e-12),
          "nothing breaks below 25.7 m/s, half at the half");
}

static void test_radii(void)
{
    struct fl_event_fix fix = fix_of(45, 25, 60);
    struct fl_vortex v;
    bool falls = true;
    double last = 1e9;

    fix.radius_km[0][0] = 300; /* north-east only */
    fix.radius_km[1][0] = 150;
    CHECK(fl_vortex_of(&fix, 10, &v), "a cyclone with radii");
    CHECK(near(fl_vortex_wind(&v, 150, 45), 50 * FL_WIND_KT, 1e-9) &&
              near(fl_vortex_wind(&v, 300, 45), 34 * FL_WIND_KT, 1e-9),
          "at a radius it blows as the agency says");
    CHECK(fl_vortex_wind(&v, 150, 225) == fl_vortex_gradient(&v, 150),
          "where a quadrant has none, by the profile");
    for (double km = v.rmax_km; km < 2000; km += 3) {
        double ms = fl_vortex_wind(&v, km, 45);

        falls = falls && ms <= last && isfinite(ms);
        last = ms;
    }
    CHECK(falls, "it never rises outward");
    fix.wind_ms = NAN;
    CHECK(fl_vortex_of(&fix, 10, &v) && near(fl_vortex_wind(&v, 150, 45), 50 * FL_WIND_KT, 1e-9),
          "radii alone will do");
    fix = fix_of(NAN, 25, 60);
    CHECK(!fl_vortex_of(&fix, 10, &v), "neither wind nor radii: no cyclone");
    fix = fix_of(45, 25, NAN);
    CHECK(fl_vortex_of(&fix, 1, &v) && near(v.v_ms, 45 * 0.93, 1e-9) && v.dp_hpa > 20 &&
              fl_vortex_gradient(&v, v.rmax_km) > 35,
          "without a pressure it is told from the wind; minutes are brought to ten");
    CHECK(fl_vortex_gradient(&v, fl_vortex_reach_km(&v, 20)) < 20 &&
              fl_vortex_gradient(&v, fl_vortex_reach_km(&v, 20) - 3) > 19.5,
          "beyond the reach it blows less");
}

static void test_time(void)
{
    struct fl_event_fix fixes[2] = {fix_of(30, 20, 30), fix_of(50, 24, 70)}, at;

    fixes[0].lon = 179;
    fixes[1].lon = -177;
    fixes[1].at_us = 6 * 3600 * FL_US_PER_S;
    fixes[1].forecast = true;
    fixes[1].error_km = 80;
    CHECK(fl_wind_fix_at(fixes, 2, fixes[1].at_us / 2, &at) && near(at.wind_ms, 40, 1e-9) &&
              at.forecast && near(at.error_km, 40, 1e-9),
          "half-way in time: half of everything");
    CHECK(near(fabs(at.lon), 179, 0.1) && at.lon < 0 && near(at.lat, 22, 0.1),
          "over the antimeridian");
    CHECK(fl_wind_fix_at(fixes, 2, fixes[1].at_us, &at) && at.wind_ms == 50, "the last fix");
    fixes[0].pressure_hpa = NAN;
    fixes[0].radius_km[0][1] = 200;
    fixes[0].radius_km[2][1] = 90;
    CHECK(fl_wind_fix_at(fixes, 2, fixes[1].at_us / 2, &at) &&
              at.pressure_hpa == fixes[1].pressure_hpa && at.radius_km[0][1] == 200,
          "what one of them does not know the other says");
    fixes[1].wind_ms = 30; /* below 64 kt */
    CHECK(fl_wind_fix_at(fixes, 2, fixes[1].at_us / 2, &at) && near(at.radius_km[2][1], 45, 1e-9),
          "a radius shrinks to nothing where its wind is not reached any more");
    CHECK(!fl_wind_fix_at(fixes, 2, -1, &at) && !fl_wind_fix_at(fixes, 2, fixes[1].at_us + 1, &at),
          "not before the first, nor after the last");
}

static void test_cone(void)
{
    unsigned within = 0;
    double north = 0, east = 0;

    for (unsigned i = 0; i < FL_WIND_CONE_MEMBERS; i++) {
        double shift, bearing;

        fl_wind_member(i, &shift, &bearing);
        within += shift < 1;
        north += shift * cos(bearing * M_PI / 180);
        east += shift * sin(bearing * M_PI / 180);
    }
    CHECK(near((double)within / FL_WIND_CONE_MEMBERS, FL_WIND_CONE_SHARE, 0.03),
          "seven in ten stay within the cone");
    CHECK(fabs(north) / FL_WIND_CONE_MEMBERS < 0.05 && fabs(east) / FL_WIND_CONE_MEMBERS < 0.05,
          "to no side more than to another");
}

int main(int argc, char **argv)
{
    test_golden(argc > 1 ? argv[1] : "");
    test_relations();
    test_radii();
    test_time();
    test_cone();
    return tap_done();
}
