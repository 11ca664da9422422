/*
 * geo.h - places on the globe: distances, directions, what is inside what.
 *
 * Degrees, WGS 84; distances in km on a sphere of the earth's mean radius (IUGG, 6371.0088 km).
 * Edges of areas are straight in latitude and longitude, as maps and alerts mean them; each step
 * of a ring is the shorter way round, so a ring may cross the antimeridian; one that goes round
 * the globe contains the pole that is nearer to its points.
 */
#ifndef FL_SUPPLY_GEO_H
#define FL_SUPPLY_GEO_H

#include "base/arena.h"
#include "codec/world_event.h"

#define FL_EARTH_KM        6371.0088
#define FL_GEO_DISC_POINTS 256u /* of the fixed set that stands for a disc */

/* Great circle (haversine). */
double fl_geo_km(double lat1, double lon1, double lat2, double lon2);
/* Direction at the first point, 0 north, 90 east, below 360; 0 where the points are the same. */
double fl_geo_bearing(double lat1, double lon1, double lat2, double lon2);
/* Where one comes to from a point in that direction. */
struct fl_event_point fl_geo_go(double lat, double lon, double bearing, double km);
/* On the great circle between two points: 0 the first, 1 the second. */
struct fl_event_point fl_geo_between(struct fl_event_point a, struct fl_event_point b,
                                     double share);
double fl_geo_lon(double lon); /* brought to -180 <= lon < 180 */
bool fl_geo_valid(double lat, double lon);

/* Unit vectors: distances between many points at the price of a product and a root. */
struct fl_geo_vec {
    double x, y, z;
};
struct fl_geo_vec fl_geo_vec(double lat, double lon);
double fl_geo_vec_km(struct fl_geo_vec a, struct fl_geo_vec b);

/* From west eastward to east; west > east: over the antimeridian. */
struct fl_geo_box {
    double south, north, west, east;
};
/* All within km of the point; poles and antimeridian considered. */
struct fl_geo_box fl_geo_box_round(double lat, double lon, double km);
struct fl_geo_box fl_geo_box_widened(struct fl_geo_box box, double km);
bool fl_geo_box_has(const struct fl_geo_box *box, double lat, double lon);

/* Share of a disc (by area, 0..1) that lies within a circle whose centre is km away. A disc of
 * radius 0 is its centre. */
double fl_geo_disc_in_circle(double km, double disc_km, double circle_km);

/* The i-th of FL_GEO_DISC_POINTS points that fill a disc evenly (a sunflower's spiral). */
struct fl_event_point fl_geo_disc_point(double lat, double lon, double radius_km, unsigned i);

struct fl_geo_area; /* a set of rings, ready for many questions; lives in the arena */

/* Even-odd over each ring; holes are cut out of the ring before them; polygons add up. Rings of
 * fewer than three points are left out. FL_E_NOMEM, FL_E_LIMIT of the arena. */
int fl_geo_area_new(const struct fl_event_ring *rings, uint32_t count, struct fl_arena *arena,
                    struct fl_geo_area **ret, struct fl_err *err) FL_MUST_CHECK;
struct fl_geo_box fl_geo_area_box(const struct fl_geo_area *area);
bool fl_geo_area_has(const struct fl_geo_area *area, double lat, double lon);
/* To the nearest edge of any ring, from either side; INFINITY when it is over limit_km. */
double fl_geo_area_edge_km(const struct fl_geo_area *area, double lat, double lon, double limit_km);
/* Share of the disc that is inside, by the fixed set of points; 0 or 1 for a radius of 0. */
double fl_geo_area_share(const struct fl_geo_area *area, double lat, double lon, double radius_km);

#endif
