#include "supply/geo.h"

#include <math.h>

#define RAD          (M_PI / 180.0)
#define KM_PER_DEG   (FL_EARTH_KM * RAD)
#define GOLDEN_ANGLE 2.399963229728653 /* pi (3 - sqrt 5) */

static double square(double x)
{
    return x * x;
}

double fl_geo_km(double lat1, double lon1, double lat2, double lon2)
{
    double h = square(sin((lat2 - lat1) * RAD / 2)) +
               cos(lat1 * RAD) * cos(lat2 * RAD) * square(sin((lon2 - lon1) * RAD / 2));

    return 2 * FL_EARTH_KM * asin(sqrt(fmin(1, h)));
}

double fl_geo_bearing(double lat1, double lon1, double lat2, double lon2)
{
    double east = (lon2 - lon1) * RAD;
    double y = sin(east) * cos(lat2 * RAD);
    double x = cos(lat1 * RAD) * sin(lat2 * RAD) - sin(lat1 * RAD) * cos(lat2 * RAD) * cos(east);
    double deg = atan2(y, x) / RAD;

    if (deg < 0)
        deg += 360;
    return deg >= 360 ? 0 : deg;
}

double fl_geo_lon(double lon)
{
    double turned = fmod(lon + 180, 360);

    if (turned < 0)
        turned += 360;
    return turned >= 360 ? -180 : turned - 180;
}

bool fl_geo_valid(double lat, double lon)
{
    return isfinite(lat) && isfinite(lon) && fabs(lat) <= 90 && fabs(lon) <= 360;
}

struct fl_event_point fl_geo_go(double lat, double lon, double bearing, double km)
{
    double a = km / FL_EARTH_KM, b = bearing * RAD;
    double s = sin(lat * RAD) * cos(a) + cos(lat * RAD) * sin(a) * cos(b);
    double y = sin(b) * sin(a) * cos(lat * RAD), x = cos(a) - sin(lat * RAD) * s;

    return (struct fl_event_point){asin(fmax(-1, fmin(1, s))) / RAD,
                                   fl_geo_lon(lon + atan2(y, x) / RAD)};
}

struct fl_geo_vec fl_geo_vec(double lat, double lon)
{
    double c = cos(lat * RAD);

    return (struct fl_geo_vec){c * cos(lon * RAD), c * sin(lon * RAD), sin(lat * RAD)};
}

/* By the chord: no loss of digits at short distances, as the arc cosine has. */
double fl_geo_vec_km(struct fl_geo_vec a, struct fl_geo_vec b)
{
    double chord = sqrt(square(a.x - b.x) + square(a.y - b.y) + square(a.z - b.z));

    return 2 * FL_EARTH_KM * asin(fmin(1, chord / 2));
}

struct fl_event_point fl_geo_between(struct fl_event_point a, struct fl_event_point b, double share)
{
    struct fl_geo_vec u = fl_geo_vec(a.lat, a.lon), v = fl_geo_vec(b.lat, b.lon), w;
    double angle = fl_geo_vec_km(u, v) / FL_EARTH_KM, s = sin(angle);
    double p = s < 1e-12 ? 1 - share : sin((1 - share) * angle) / s;
    double q = s < 1e-12 ? share : sin(share * angle) / s;

    w = (struct fl_geo_vec){p * u.x + q * v.x, p * u.y + q * v.y, p * u.z + q * v.z};
    return (struct fl_event_point){atan2(w.z, hypot(w.x, w.y)) / RAD, atan2(w.y, w.x) / RAD};
}

struct fl_geo_box fl_geo_box_round(double lat, double lon, double km)
{
    double deg = km / KM_PER_DEG, wide;

    if (!(lat + deg < 90) || !(lat - deg > -90)) /* a pole is inside, or everything */
        return (struct fl_geo_box){fmax(-90, lat - deg), fmin(90, lat + deg), -180, 180};
    wide = asin(fmin(1, sin(deg * RAD) / cos(lat * RAD))) / RAD;
    return (struct fl_geo_box){lat - deg, lat + deg, fl_geo_lon(lon - wide),
                               fl_geo_lon(lon + wide)};
}

static double box_width(const struct fl_geo_box *box)
{
    return box->east >= box->west ? box->east - box->west : box->east + 360 - box->west;
}

struct fl_geo_box fl_geo_box_widened(struct fl_geo_box box, double km)
{
    double deg = km / KM_PER_DEG, south = box.south - deg, north = box.north + deg, wide;

    if (south <= -90 || north >= 90)
        return (struct fl_geo_box){fmax(-90, south), fmin(90, north), -180, 180};
    wide = asin(fmin(1, sin(deg * RAD) / cos(fmax(fabs(box.south), fabs(box.north)) * RAD))) / RAD;
    if (box_width(&box) + 2 * wide >= 360)
        return (struct fl_geo_box){south, north, -180, 180};
    return (struct fl_geo_box){south, north, fl_geo_lon(box.west - wide),
                               fl_geo_lon(box.east + wide)};
}

bool fl_geo_box_has(const struct fl_geo_box *box, double lat, double lon)
{
    if (!(lat >= box->south && lat <= box->north))
        return false;
    if (box->west == -180 && box->east == 180)
        return true;
    lon = fl_geo_lon(lon);
    return box->west <= box->east ? lon >= box->west && lon <= box->east
                                  : lon >= box->west || lon <= box->east;
}

/* The lens of two circles on a plane: discs of positions are small against the globe. */
double fl_geo_disc_in_circle(double km, double disc_km, double circle_km)
{
    double r = disc_km, c = circle_km, a, b, lens, kite;

    if (!(r > 0))
        return km <= c ? 1 : 0;
    if (!(c > 0) || km >= r + c)
        return 0;
    if (km <= fabs(c - r))
        return c >= r ? 1 : square(c / r);
    a = fmax(-1, fmin(1, (square(km) + square(r) - square(c)) / (2 * km * r)));
    b = fmax(-1, fmin(1, (square(km) + square(c) - square(r)) / (2 * km * c)));
    kite = (r + c - km) * (km + r - c) * (km - r + c) * (km + r + c);
    lens = square(r) * acos(a) + square(c) * acos(b) - 0.5 * sqrt(fmax(0, kite));
    return fmax(0, fmin(1, lens / (M_PI * square(r))));
}

struct fl_event_point fl_geo_disc_point(double lat, double lon, double radius_km, unsigned i)
{
    double r = radius_km * sqrt((i + 0.5) / FL_GEO_DISC_POINTS);

    return fl_geo_go(lat, lon, fmod(i * GOLDEN_ANGLE / RAD, 360), r);
}
