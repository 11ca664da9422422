/*
 * intensity.h - how strongly an earthquake is felt at a distance: Modified Mercalli Intensity.
 *
 * Allen, Wald, Worden 2012 (J. Seismology 16), active crust, with its scatter; Bakun, Wentworth
 * 1997 as a second opinion (California); Worden et al. 2012 between ground motion and intensity,
 * as the USGS ShakeMap code has it. Magnitudes above FL_QUAKE_MAG_MAX count as that: the relation
 * was fitted below it and no longer falls with distance far above.
 */
#ifndef FL_SUPPLY_INTENSITY_H
#define FL_SUPPLY_INTENSITY_H

#include "base/attr.h"

#define FL_QUAKE_MAG_MAX  9.5
#define FL_QUAKE_DEPTH_KM 10.0 /* where it is not known */

struct fl_intensity {
    double mmi, sigma;
};
/* km: to the hypocentre; to the rupture. */
struct fl_intensity fl_mmi_hypo(double mag, double km);
struct fl_intensity fl_mmi_rupture(double mag, double km);
double fl_mmi_bakun_wentworth(double mag, double km);

/* Peak ground acceleration in cm/s2, velocity in cm/s; intensities from 1 to 10. */
double fl_mmi_of_pga(double cm_s2);
double fl_mmi_of_pgv(double cm_s);
double fl_pga_of_mmi(double mmi);
double fl_pgv_of_mmi(double mmi);

/* From the epicentre, where the intensity falls to mmi; 0 where it is nowhere so high. By
 * bisection on fl_mmi_hypo(). */
double fl_mmi_radius_km(double mag, double depth_km, double mmi);

/*
 * How badly a site is hit. Of shaking: below V people notice it (watch), V-VI tools stop and are
 * checked, VI-VII some damage, VII-VIII weeks of repair, above VIII the building itself.
 */
enum fl_band {
    FL_BAND_WATCH,
    FL_BAND_INSPECT,
    FL_BAND_SHORT,
    FL_BAND_LONG,
    FL_BAND_STRUCTURAL,
    FL_BANDS
};
const char *fl_band_name(enum fl_band band); /* "watch" */
extern const double fl_mmi_bands[FL_BANDS];  /* where each begins; the first at -INFINITY */

/* Standard normal distribution function. */
double fl_normal(double z);
/* The band of a value, and of a value with normal scatter the probability of each; they add up to
 * 1. sigma 0: all of it in one. */
enum fl_band fl_band_of(const double begins[FL_BANDS], double value);
void fl_band_shares(const double begins[FL_BANDS], double value, double sigma,
                    double ret[FL_BANDS]);

#endif
