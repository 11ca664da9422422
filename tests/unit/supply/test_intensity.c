/* Intensities by distance, by ground motion, and how far they reach: published values to 1e-4. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/attr.h"
#include "supply/intensity.h"
#include "tap.h"

/* magnitude, km; by rupture, by hypocentre, Bakun and Wentworth */
static const double intensity[][5] = {
    {5.0, 5, 6.665, 6.8802, 5.007},    {5.0, 10, 5.9481, 5.9736, 4.904},
    {5.0, 20, 5.1942, 5.0191, 4.698},  {5.0, 50, 4.1837, 3.7394, 4.08},
    {5.0, 100, 3.4169, 2.8224, 3.05},  {5.0, 150, 2.9681, 2.2857, 2.02},
    {5.0, 200, 2.6497, 1.9048, 0.99},  {5.0, 300, 2.2009, 1.368, -1.07},
    {6.0, 5, 7.4553, 7.8628, 6.687},   {6.0, 10, 6.8248, 7.2488, 6.584},
    {6.0, 20, 6.0976, 6.4047, 6.378},  {6.0, 50, 5.0951, 5.1604, 5.76},
    {6.0, 100, 4.3295, 4.2486, 4.73},  {6.0, 150, 3.881, 3.7129, 3.7},
    {6.0, 200, 3.5626, 3.3324, 2.67},  {6.0, 300, 3.1138, 2.7958, 0.61},
    {7.0, 5, 7.9579, 8.2206, 8.367},   {7.0, 10, 7.5709, 8.0344, 8.264},
    {7.0, 20, 6.9606, 7.5722, 8.058},  {7.0, 50, 5.9996, 6.5369, 7.44},
    {7.0, 100, 5.2404, 5.6633, 6.41},  {7.0, 150, 4.793, 5.1349, 5.38},
    {7.0, 200, 4.4751, 4.757, 4.35},   {7.0, 300, 4.0266, 4.2223, 2.29},
    {7.6, 5, 8.0537, 8.2792, 9.375},   {7.6, 10, 7.8491, 8.214, 9.272},
    {7.6, 20, 7.4036, 8.0009, 9.066},  {7.6, 50, 6.5275, 7.2704, 8.448},
    {7.6, 100, 5.783, 6.4851, 7.418},  {7.6, 150, 5.3385, 5.9758, 6.388},
    {7.6, 200, 5.0216, 5.6048, 5.358}, {7.6, 300, 4.5738, 5.0751, 3.298},
    {8.0, 5, 8.0521, 8.2988, 10.047},  {8.0, 10, 7.9373, 8.2683, 9.944},
    {8.0, 20, 7.6277, 8.1583, 9.738},  {8.0, 50, 6.8606, 7.6665, 9.12},
    {8.0, 100, 6.1397, 6.9987, 8.09},  {8.0, 150, 5.6999, 6.5197, 7.06},
    {8.0, 200, 5.3846, 6.1603, 6.03},  {8.0, 300, 4.9381, 5.6392, 3.97},
};

/* magnitude, depth; epicentral km of V, VI, VII, VIII */
static const double radius[][6] = {
    {5, 10, 17.64, 0.0, 0.0, 0.0},
    {5, 50, 0.0, 0.0, 0.0, 0.0},
    {5.5, 10, 32.216, 12.871, 0.0, 0.0},
    {5.5, 50, 0.0, 0.0, 0.0, 0.0},
    {6, 10, 55.621, 25.195, 7.4, 0.0},
    {6, 50, 26.337, 0.0, 0.0, 0.0},
    {6.5, 10, 96.41, 43.974, 18.1, 0.0},
    {6.5, 50, 83.035, 0.0, 0.0, 0.0},
    {7, 10, 165.95, 76.285, 32.927, 4.018},
    {7, 50, 158.554, 58.475, 0.0, 0.0},
    {7.5, 10, 284.984, 131.721, 56.987, 15.04},
    {7.5, 50, 280.742, 122.272, 29.113, 0.0},
    {8, 10, 489.013, 226.591, 99.378, 28.692},
    {8, 50, 486.553, 221.231, 86.464, 0.0},
    {8.5, 10, 838.879, 389.278, 172.074, 50.455},
    {8.5, 50, 837.448, 386.183, 164.953, 12.07},
};

/* cm/s2, MMI */
static const double by_pga[][2] = {
    {0.5, 1.0839}, {1, 1.71},  {5, 2.8634},   {10, 3.33},    {37, 4.2107},
    {50, 4.6862},  {100, 5.8}, {200, 6.9138}, {400, 8.0276}, {800, 9.1414},
};

/* cm/s, MMI */
static const double by_pgv[][2] = {
    {0.02, 1},  {0.1, 2.31},  {1, 3.78},    {3, 4.4814}, {5, 5.0987},
    {10, 6.05}, {20, 7.0013}, {50, 8.2587}, {100, 9.21},
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

static bool intensity_row(const double *r)
{
    return near(fl_mmi_rupture(r[0], r[1]).mmi, r[2], 1e-4) &&
           near(fl_mmi_hypo(r[0], r[1]).mmi, r[3], 1e-4) &&
           near(fl_mmi_bakun_wentworth(r[0], r[1]), r[4], 1e-4);
}

static bool radius_row(const double *r)
{
    bool right = true;

    for (int i = 0; i < 4; i++) /* three digits behind the point */
        right = right && near(fl_mmi_radius_km(r[0], r[1], 5 + i), r[2 + i], 6e-4);
    return right;
}

static void test_golden(void)
{
    int right = 0;

    for (size_t i = 0; i < FL_LEN(intensity); i++)
        right += intensity_row(intensity[i]);
    CHECK(right == (int)FL_LEN(intensity), "intensity by magnitude and distance, three relations");
    right = 0;
    for (size_t i = 0; i < FL_LEN(radius); i++)
        right += radius_row(radius[i]);
    CHECK(right == (int)FL_LEN(radius), "how far V, VI, VII and VIII reach");
    right = 0;
    for (size_t i = 0; i < FL_LEN(by_pga); i++)
        right += near(fl_mmi_of_pga(by_pga[i][0]), by_pga[i][1], 1e-4);
    for (size_t i = 0; i < FL_LEN(by_pgv); i++)
        right += near(fl_mmi_of_pgv(by_pgv[i][0]), by_pgv[i][1], 1e-4);
    CHECK(right == (int)(FL_LEN(by_pga) + FL_LEN(by_pgv)), "intensity by ground motion");
    CHECK(near(fl_mmi_hypo(6, 22.9).sigma, 0.82 + 0.37 / 2, 1e-12) &&
              near(fl_mmi_rupture(6, 44.7).sigma, 0.72 + 0.23 / 2, 1e-12),
          "scatter is larger near the source");
}

static void test_files(const char *folder)
{
    static double row[64][8];
    int n = read_rows(folder, "intensity_reference.csv", row, 64), right = 0;

    if (n == 0) {
        CHECK(true, "the reference is not here # SKIP");
        return;
    }
    for (int i = 0; i < n; i++)
        right += intensity_row(row[i]);
    CHECK(n == (int)FL_LEN(intensity) && right == n, "every row of the file of intensities");
    n = read_rows(folder, "quake_impact_radius_reference.csv", row, 64);
    right = 0;
    for (int i = 0; i < n; i++)
        right += radius_row(row[i]);
    CHECK(n == (int)FL_LEN(radius) && right == n, "every row of the file of radii");
}

static void test_motion_both_ways(void)
{
    bool same = true, rises = true;

    for (double mmi = 1.5; mmi < 9.95; mmi += 0.01) {
        same = same && near(fl_mmi_of_pga(fl_pga_of_mmi(mmi)), mmi, 0.006) &&
               near(fl_mmi_of_pgv(fl_pgv_of_mmi(mmi)), mmi, 0.03);
        rises = rises && fl_pga_of_mmi(mmi + 0.01) > fl_pga_of_mmi(mmi) * 0.99;
    }
    CHECK(same, "to ground motion and back, but for the seams of the three lines");
    CHECK(rises, "stronger shaking is felt more");
    CHECK(fl_mmi_of_pga(0) == 1 && fl_mmi_of_pga(-3) == 1 && fl_mmi_of_pga(NAN) == 1 &&
              fl_mmi_of_pgv(1e9) == 10,
          "from I to X");
}

static void test_falls(void)
{
    bool falls = true;

    for (double mag = 3; mag <= 12; mag += 0.25) {
        for (double km = 0; km < 20000; km = km * 1.02 + 0.5)
            falls = falls && fl_mmi_hypo(mag, km * 1.02 + 0.5).mmi <= fl_mmi_hypo(mag, km).mmi;
    }
    CHECK(falls, "it never rises with distance, at any magnitude");
    CHECK(fl_mmi_radius_km(7, NAN, 5) == fl_mmi_radius_km(7, 10, 5), "10 km deep, if not known");
    CHECK(fl_mmi_radius_km(3, 10, 8) == 0, "a small one nowhere reaches VIII");
}

static void test_bands(void)
{
    double p[FL_BANDS], sum = 0, expect = 0.5 * erfc((6 - 5.7) / 0.8 / M_SQRT2);

    fl_band_shares(fl_mmi_bands, 5.7, 0.8, p);
    for (int i = 0; i < FL_BANDS; i++)
        sum += p[i];
    CHECK(near(sum, 1, 1e-12), "bands add up to 1");
    CHECK(near(p[2] + p[3] + p[4], expect, 1e-12), "what exceeds VI, by the normal distribution");
    CHECK(near(fl_normal(1.959963984540054), 0.975, 1e-12), "the normal distribution");
    fl_band_shares(fl_mmi_bands, 7, 0, p);
    CHECK(p[FL_BAND_LONG] == 1 && p[FL_BAND_SHORT] == 0, "without scatter all is in one");
    CHECK(fl_band_of(fl_mmi_bands, 5) == FL_BAND_INSPECT &&
              fl_band_of(fl_mmi_bands, -9) == FL_BAND_WATCH &&
              fl_band_of(fl_mmi_bands, NAN) == FL_BAND_WATCH,
          "a band begins at its number");
}

int main(int argc, char **argv)
{
    test_golden();
    test_files(argc > 1 ? argv[1] : "");
    test_motion_both_ways();
    test_falls();
    test_bands();
    return tap_done();
}
