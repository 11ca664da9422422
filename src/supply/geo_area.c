/* Areas: rings unrolled over the antimeridian, their edges sorted into bands of latitude. */
#include <math.h>

#include "supply/geo.h"

#define RAD       (M_PI / 180.0)
#define BANDS_MAX 2048u
/* A long jagged edge stands in many bands; as many places in lists as that an edge on average. */
#define SPREAD_MAX 8u

struct edge { /* longitudes unrolled: they may lie beyond 180 */
    double lat1, lon1, lat2, lon2;
    uint32_t ring;
    bool seam; /* ours, between the ring and a pole: no border */
};

struct ring {
    bool hole;
    uint32_t polygon;
    double west, east; /* unrolled */
};

struct fl_geo_area {
    struct ring *rings;
    struct edge *edges;
    uint32_t ring_count, edge_count, bands;
    uint32_t *start, *list; /* of the edges that touch a band */
    struct fl_geo_box box;
    double band_deg;
};

static double step(double from, double to)
{
    double d = fmod(to - from, 360);

    return d > 180 ? d - 360 : d < -180 ? d + 360 : d;
}

static void put_edge(struct fl_geo_area *a, double lat1, double lon1, double lat2, double lon2,
                     bool seam)
{
    struct ring *ring = &a->rings[a->ring_count];

    a->edges[a->edge_count++] = (struct edge){lat1, lon1, lat2, lon2, a->ring_count, seam};
    ring->west = fmin(ring->west, fmin(lon1, lon2));
    ring->east = fmax(ring->east, fmax(lon1, lon2));
}

/* Round the globe: up to the pole, along it and down again. */
static void over_pole(struct fl_geo_area *a, const struct fl_event_point *first, double end_lon,
                      double mean_lat)
{
    double pole = mean_lat >= 0 ? 90 : -90;

    put_edge(a, first->lat, end_lon, pole, end_lon, true);
    put_edge(a, pole, end_lon, pole, first->lon, true);
    put_edge(a, pole, first->lon, first->lat, first->lon, true);
}

static void put_ring(struct fl_geo_area *a, const struct fl_event_ring *in, uint32_t polygon)
{
    double lon = in->points[0].lon, sum = 0;

    a->rings[a->ring_count] = (struct ring){in->hole, polygon, lon, lon};
    for (uint32_t i = 0; i < in->count; i++) {
        const struct fl_event_point *p = &in->points[i], *q = &in->points[(i + 1) % in->count];
        double next = lon + step(p->lon, q->lon);

        put_edge(a, p->lat, lon, q->lat, next, false);
        lon = next;
        sum += p->lat;
    }
    if (fabs(lon - in->points[0].lon) > 180)
        over_pole(a, &in->points[0], lon, sum / in->count);
    a->ring_count++;
}

static void find_box(struct fl_geo_area *a)
{
    double west = INFINITY, east = -INFINITY;

    a->box = (struct fl_geo_box){90, -90, -180, 180};
    for (uint32_t i = 0; i < a->edge_count; i++) {
        const struct edge *e = &a->edges[i];

        a->box.south = fmin(a->box.south, fmin(e->lat1, e->lat2));
        a->box.north = fmax(a->box.north, fmax(e->lat1, e->lat2));
    }
    for (uint32_t i = 0; i < a->ring_count; i++) {
        west = fmin(west, a->rings[i].west);
        east = fmax(east, a->rings[i].east);
    }
    /* Rings on both sides of the antimeridian, each for itself, give a box round the globe. */
    if (a->ring_count > 0 && east - west < 360) {
        a->box.west = fl_geo_lon(west);
        a->box.east = fl_geo_lon(east);
    }
}

static uint32_t band_of(const struct fl_geo_area *a, double lat)
{
    double at = (lat - a->box.south) / a->band_deg;

    return at <= 0 ? 0 : at >= a->bands ? a->bands - 1 : (uint32_t)at;
}

/* Places in the lists that so many bands need; stops counting above limit. */
static size_t set_bands(struct fl_geo_area *a, uint32_t bands, size_t limit)
{
    size_t places = 0;

    a->bands = bands;
    a->band_deg = fmax(1e-9, (a->box.north - a->box.south) / bands);
    for (uint32_t i = 0; i < a->edge_count && places <= limit; i++) {
        const struct edge *e = &a->edges[i];

        places += band_of(a, fmax(e->lat1, e->lat2)) - band_of(a, fmin(e->lat1, e->lat2)) + 1;
    }
    return places;
}

static void fill_bands(struct fl_geo_area *a)
{
    for (uint32_t b = 0; b <= a->bands; b++)
        a->start[b] = 0;
    for (uint32_t i = 0; i < a->edge_count; i++) {
        const struct edge *e = &a->edges[i];
        uint32_t low = band_of(a, fmin(e->lat1, e->lat2));

        for (uint32_t b = low; b <= band_of(a, fmax(e->lat1, e->lat2)); b++)
            a->start[b + 1]++;
    }
    for (uint32_t b = 0; b < a->bands; b++)
        a->start[b + 1] += a->start[b];
    for (uint32_t i = a->edge_count; i-- > 0;) { /* from behind: start[] becomes the starts again */
        const struct edge *e = &a->edges[i];
        uint32_t low = band_of(a, fmin(e->lat1, e->lat2));

        for (uint32_t b = low; b <= band_of(a, fmax(e->lat1, e->lat2)); b++)
            a->list[--a->start[b + 1]] = i;
    }
    for (uint32_t b = 0; b < a->bands; b++)
        a->start[b] = a->start[b + 1];
}

static int sort_edges(struct fl_geo_area *a, struct fl_arena *arena, struct fl_err *err)
{
    size_t limit = (size_t)SPREAD_MAX * (a->edge_count + 1), places;
    uint32_t bands = a->edge_count / 2 + 1;

    bands = bands > BANDS_MAX ? BANDS_MAX : bands;
    while ((places = set_bands(a, bands, limit)) > limit && bands > 1)
        bands /= 2;
    a->start = fl_arena_get(arena, (bands + 2) * sizeof *a->start);
    a->list = fl_arena_get(arena, (places + 1) * sizeof *a->list);
    if (a->start == NULL || a->list == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the area of an event");
    fill_bands(a);
    a->start[bands] = (uint32_t)places;
    return FL_OK;
}

int fl_geo_area_new(const struct fl_event_ring *rings, uint32_t count, struct fl_arena *arena,
                    struct fl_geo_area **ret, struct fl_err *err)
{
    struct fl_geo_area *a = fl_arena_get(arena, sizeof *a);
    size_t edges = 0;
    uint32_t polygon = 0;
    int r;

    for (uint32_t i = 0; i < count; i++)
        edges += (size_t)rings[i].count + 3;
    if (a == NULL || edges > UINT32_MAX / SPREAD_MAX - 1)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the area of an event");
    *a = (struct fl_geo_area){.rings = fl_arena_get(arena, (count + 1) * sizeof *a->rings),
                              .edges = fl_arena_get(arena, (edges + 1) * sizeof *a->edges)};
    if (a->rings == NULL || a->edges == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the area of an event");
    for (uint32_t i = 0; i < count; i++) {
        polygon += !rings[i].hole;
        if (rings[i].count >= 3)
            put_ring(a, &rings[i], polygon);
    }
    find_box(a);
    r = sort_edges(a, arena, err);
    if (r == FL_OK)
        *ret = a;
    return r;
}

struct fl_geo_box fl_geo_area_box(const struct fl_geo_area *area)
{
    return area->box;
}

/* Does a ray to the east from the point cross the edge? Its lower end belongs to it, not the upper.
 */
static bool crosses(const struct edge *e, double lat, double lon)
{
    if ((e->lat1 <= lat) == (e->lat2 <= lat))
        return false;
    return lon < e->lon1 + (lat - e->lat1) / (e->lat2 - e->lat1) * (e->lon2 - e->lon1);
}

/* Even-odd for the point and its images a turn away; edges of a band stand ring by ring. */
static bool in_ring(const struct fl_geo_area *a, uint32_t from, uint32_t to, double lat, double lon)
{
    const struct ring *ring = &a->rings[a->edges[a->list[from]].ring];
    double image = lon + 360 * ceil((ring->west - lon) / 360);

    while (image <= ring->east) {
        unsigned n = 0;

        for (uint32_t i = from; i < to; i++)
            n += crosses(&a->edges[a->list[i]], lat, image);
        if (n % 2 == 1)
            return true;
        image += 360;
    }
    return false;
}

/* Within an outer ring and none of the holes behind it. */
bool fl_geo_area_has(const struct fl_geo_area *area, double lat, double lon)
{
    uint32_t polygon = UINT32_MAX, band, end;

    lat = fmax(-90 + 1e-9, fmin(90 - 1e-9, lat));
    if (area->edge_count == 0 || !(lat >= area->box.south && lat <= area->box.north))
        return false;
    band = band_of(area, lat);
    end = area->start[band + 1];
    for (uint32_t i = area->start[band], to; i < end; i = to) {
        uint32_t number = area->edges[area->list[i]].ring;
        const struct ring *ring = &area->rings[number];

        for (to = i; to < end && area->edges[area->list[to]].ring == number;)
            to++;
        if (polygon != UINT32_MAX && polygon != ring->polygon)
            return true;
        if (ring->hole ? polygon == ring->polygon : polygon == UINT32_MAX)
            polygon = in_ring(area, i, to, lat, lon) == ring->hole ? UINT32_MAX : ring->polygon;
    }
    return polygon != UINT32_MAX;
}

static struct fl_geo_vec cross(struct fl_geo_vec a, struct fl_geo_vec b)
{
    return (struct fl_geo_vec){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static double dot(struct fl_geo_vec a, struct fl_geo_vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

/* To the great circle between two points, or to the nearer of them. */
static double arc_km(struct fl_geo_vec p, struct fl_geo_vec a, struct fl_geo_vec b)
{
    struct fl_geo_vec n = cross(a, b);
    double len = sqrt(dot(n, n));

    if (len > 1e-12 && dot(cross(n, a), p) > 0 && dot(cross(b, n), p) > 0)
        return FL_EARTH_KM * asin(fmin(1, fabs(dot(n, p)) / len));
    return fmin(fl_geo_vec_km(p, a), fl_geo_vec_km(p, b));
}

/* Straight in degrees is not a great circle: long edges are looked at degree by degree. */
static double edge_km(const struct edge *e, struct fl_geo_vec p)
{
    unsigned n = (unsigned)fmin(64, ceil(fmax(fabs(e->lat2 - e->lat1), fabs(e->lon2 - e->lon1))));
    struct fl_geo_vec a = fl_geo_vec(e->lat1, e->lon1), b;
    double best = INFINITY;

    n = n == 0 ? 1 : n;
    for (unsigned i = 1; i <= n; i++) {
        double s = (double)i / n;

        b = fl_geo_vec(e->lat1 + s * (e->lat2 - e->lat1), e->lon1 + s * (e->lon2 - e->lon1));
        best = fmin(best, arc_km(p, a, b));
        a = b;
    }
    return best;
}

/* Could the edge be within deg of the point? Near the poles longitude says nothing. */
static bool may_touch(const struct edge *e, double lat, double lon, double deg)
{
    double wide = fabs(lat) + deg < 80 ? deg * 6 : 360, mid = (e->lon1 + e->lon2) / 2;

    return fmin(e->lat1, e->lat2) - deg <= lat && fmax(e->lat1, e->lat2) + deg >= lat &&
           fabs(step(mid, lon)) <= fabs(e->lon1 - e->lon2) / 2 + wide;
}

double fl_geo_area_edge_km(const struct fl_geo_area *area, double lat, double lon, double limit_km)
{
    double deg = fmin(180, limit_km / (FL_EARTH_KM * RAD)), best = INFINITY;
    struct fl_geo_vec p = fl_geo_vec(lat, lon);
    uint32_t low, high;

    if (area->edge_count == 0)
        return INFINITY;
    low = band_of(area, lat - deg);
    high = band_of(area, lat + deg);
    for (uint32_t i = area->start[low]; i < area->start[high + 1]; i++) {
        const struct edge *e = &area->edges[area->list[i]];

        if (!e->seam && may_touch(e, lat, lon, deg))
            best = fmin(best, edge_km(e, p));
    }
    return best <= limit_km ? best : INFINITY;
}

double fl_geo_area_share(const struct fl_geo_area *area, double lat, double lon, double radius_km)
{
    unsigned n = 0;

    if (!(radius_km > 0))
        return fl_geo_area_has(area, lat, lon) ? 1 : 0;
    for (unsigned i = 0; i < FL_GEO_DISC_POINTS; i++) {
        struct fl_event_point p = fl_geo_disc_point(lat, lon, radius_km, i);

        n += fl_geo_area_has(area, p.lat, p.lon);
    }
    return (double)n / FL_GEO_DISC_POINTS;
}
