/*
 * wind.h - winds of a tropical cyclone.
 *
 * Holland 1980 (Mon. Wea. Rev. 108) with B of its own or of Holland 2008, radius of the greatest
 * wind by Willoughby et al. 2006 or Vickery, Wadhera 2008; decay over land by Kaplan, DeMaria 1995;
 * damage by Emanuel 2011. Winds in m/s unless the name says knots; pressures in hPa. Where an
 * agency gives radii of winds, they come first. Winds of the profile are those of the gradient
 * level, winds of radii those at 10 m: taken as they are.
 */
#ifndef FL_SUPPLY_WIND_H
#define FL_SUPPLY_WIND_H

#include "supply/geo.h"

#define FL_WIND_KT           (1852.0 / 3600) /* m/s */
#define FL_WIND_RHO          1.15            /* kg/m3 */
#define FL_WIND_OUTER_HPA    1010.0          /* where the fix does not say */
#define FL_WIND_DAMAGE_MS    25.7            /* below it nothing breaks (50 kt) */
#define FL_WIND_HALF_MS      74.7            /* half is destroyed, United States */
#define FL_WIND_10_OF_1      0.93            /* 10-minute mean of a 1-minute mean, at sea (WMO) */
#define FL_WIND_CONE_SHARE   0.70            /* of tracks that stay within a forecast's error_km */
#define FL_WIND_CONE_MEMBERS 32u

double fl_wind_rmax_willoughby(double v_ms, double lat);
double fl_wind_rmax_vickery(double dp_hpa, double lat);
double fl_wind_b_1980(double v_ms, double dp_hpa); /* 1 to 2.5 */
/* dp_dt: how fast the centre deepens, hPa/h; move_ms: of the centre. 1 to 2.5. */
double fl_wind_b_2008(double dp_hpa, double dp_dt_hpa_h, double lat, double move_ms);

/* A cyclone at one moment. */
struct fl_vortex {
    double lat, lon;
    double v_ms, dp_hpa, rmax_km, b;
    double error_km;        /* of a forecast */
    double radius_km[3][4]; /* as in fl_event_fix; NAN: not given */
    struct fl_geo_vec at;
};
/* minutes: of the fix's mean; 1 is brought to 10. False: the fix has neither wind nor radii. */
bool fl_vortex_of(const struct fl_event_fix *fix, unsigned minutes, struct fl_vortex *ret);
double fl_vortex_gradient(const struct fl_vortex *v, double km);
/* By radii where the quadrant of the bearing (from the centre) has any, else the gradient wind.
 * Never rises with distance beyond rmax. */
double fl_vortex_wind(const struct fl_vortex *v, double km, double bearing);
/* Beyond it the wind is below ms. */
double fl_vortex_reach_km(const struct fl_vortex *v, double ms);

/* The fix between two by time: along the great circle, everything else in proportion; what one of
 * them does not know, the other says. */
struct fl_event_fix fl_wind_fix_between(const struct fl_event_fix *a, const struct fl_event_fix *b,
                                        double share);
/* At a time; false before the first and after the last. Fixes stand by time. */
bool fl_wind_fix_at(const struct fl_event_fix *fixes, uint32_t count, int64_t at_us,
                    struct fl_event_fix *ret);

/* Knots that are left of v0 knots at the coast after hours over land. */
double fl_wind_inland_kt(double v0_kt, double hours);
/* Mean over `to` minutes of one over `from`; 1 and 10 are known, anything else is left. */
double fl_wind_mean(double v, unsigned from_minutes, unsigned to_minutes);
/* Share of a building's worth that is lost. */
double fl_wind_damage(double v_ms, double half_ms);

/* A member of the cone: the whole track pushed aside by shift * error_km in a fixed direction.
 * Two-dimensional normal, so that FL_WIND_CONE_SHARE of the members shift by less than 1. */
void fl_wind_member(unsigned i, double *ret_shift, double *ret_bearing);

#endif
