/* Distances, directions, areas with holes, over the antimeridian and round a pole. */
#include <math.h>

#include "base/attr.h"
#include "supply/geo.h"
#include "tap.h"

static bool near(double a, double b, double by)
{
    return fabs(a - b) <= by;
}

static void test_distances(void)
{
    double quarter = FL_EARTH_KM * M_PI / 2;
    struct fl_event_point p = fl_geo_go(52.5, 13.4, 77, 1234);

    CHECK(near(fl_geo_km(0, 0, 0, 90), quarter, 1e-6), "a quarter of the equator");
    CHECK(near(fl_geo_km(90, 17, 0, -120), quarter, 1e-6), "from the pole to the equator");
    CHECK(near(fl_geo_km(10, 20, -10, -160), 2 * quarter, 1e-3), "antipodes");
    CHECK(near(fl_geo_km(52.52, 13.405, 48.8566, 2.3522), 877.5, 1), "Berlin to Paris");
    CHECK(near(fl_geo_km(10, 179.9, 10, -179.9), fl_geo_km(10, -0.1, 10, 0.1), 1e-9),
          "the antimeridian is a meridian as others");
    CHECK(near(fl_geo_km(52.5, 13.4, p.lat, p.lon), 1234, 1e-6), "as far as one went");
    CHECK(near(fl_geo_bearing(52.5, 13.4, p.lat, p.lon), 77, 1e-6), "in the direction one went");
    CHECK(fl_geo_bearing(5, 5, 5, 5) == 0 && near(fl_geo_bearing(0, 0, -1, 0), 180, 1e-9) &&
              near(fl_geo_bearing(0, 0, 0, -1), 270, 1e-9),
          "no direction is north; south is 180, west 270");
    CHECK(near(fl_geo_vec_km(fl_geo_vec(10, 20), fl_geo_vec(10.00001, 20)),
               fl_geo_km(10, 20, 10.00001, 20), 1e-7),
          "by vectors as by angles, also a metre away");
    CHECK(fl_geo_lon(180) == -180 && fl_geo_lon(-540) == -180 && near(fl_geo_lon(361), 1, 1e-9),
          "longitudes are brought into one turn");
    p = fl_geo_between((struct fl_event_point){0, 170}, (struct fl_event_point){0, -170}, 0.75);
    CHECK(near(p.lat, 0, 1e-9) && near(p.lon, -175, 1e-9), "half-way over the antimeridian");
}

static void test_boxes(void)
{
    struct fl_geo_box box = fl_geo_box_round(0, 179.5, 200);
    bool all = true;

    CHECK(box.west > box.east && fl_geo_box_has(&box, 1, -179.5) && !fl_geo_box_has(&box, 1, 0),
          "a box over the antimeridian");
    box = fl_geo_box_round(88, 0, 500);
    CHECK(fl_geo_box_has(&box, 89, 180) && box.north == 90, "a box with the pole in it");
    for (int lat = -85; lat <= 85; lat += 17) {
        for (int b = 0; b < 360; b += 9) {
            struct fl_event_point p = fl_geo_go(lat, 174, b, 799.9);

            box = fl_geo_box_round(lat, 174, 800);
            all = all && fl_geo_box_has(&box, p.lat, p.lon);
            box = fl_geo_box_widened((struct fl_geo_box){lat, lat, 174, 174}, 800);
            all = all && fl_geo_box_has(&box, p.lat, p.lon);
        }
    }
    CHECK(all, "whatever is within 800 km is in the box of 800 km");
    box = fl_geo_box_widened((struct fl_geo_box){10, 70, 0, 0}, 500);
    CHECK(fl_geo_box_has(&box, 70, fl_geo_go(70, 0, 90, 495).lon),
          "a box is widened as its end nearer to a pole needs it");
}

static struct fl_geo_area *area_of(struct fl_arena *arena, const struct fl_event_ring *rings,
                                   uint32_t count)
{
    struct fl_geo_area *area = NULL;

    CHECK(fl_geo_area_new(rings, count, arena, &area, NULL) == FL_OK, "an area");
    return area;
}

static struct fl_event_point outer[] = {{0, 0}, {0, 10}, {10, 10}, {10, 0}};
static struct fl_event_point hole[] = {{4, 4}, {4, 6}, {6, 6}, {6, 4}};
static struct fl_event_point over[] = {{3, 3}, {3, 7}, {7, 7}, {7, 3}};
static struct fl_event_point dateline[] = {{-10, 170}, {-10, -170}, {10, -170}, {10, 170}};
static struct fl_event_point unrolled[] = {{-10, 170}, {-10, 190}, {10, 190}, {10, 170}};
static struct fl_event_point polar[] = {{70, 0}, {70, 90}, {70, 180}, {70, -90}};
static struct fl_event_point south[] = {{-70, 0}, {-60, -90}, {-70, 180}, {-60, 90}};
static struct fl_event_point bow[] = {{0, 0}, {10, 10}, {10, 0}, {0, 10}};

static const struct {
    const char *what;
    struct fl_event_ring rings[3];
    uint32_t count;
    double lat, lon;
    bool inside;
} inside_rows[] = {
    {"in a square", {{outer, 4, false}}, 1, 5, 9, true},
    {"east of it", {{outer, 4, false}}, 1, 5, 11, false},
    {"the same a turn on", {{outer, 4, false}}, 1, 5, 369, true},
    {"in its hole", {{outer, 4, false}, {hole, 4, true}}, 2, 5, 5, false},
    {"beside its hole", {{outer, 4, false}, {hole, 4, true}}, 2, 5, 3, true},
    {"in the hole, which another polygon covers",
     {{outer, 4, false}, {hole, 4, true}, {over, 4, false}},
     3,
     5,
     5,
     true},
    {"a hole of another polygon does not cut",
     {{over, 4, false}, {outer, 4, false}, {hole, 4, true}},
     3,
     5,
     5,
     true},
    {"over the antimeridian, west of it", {{dateline, 4, false}}, 1, 0, 175, true},
    {"over the antimeridian, east of it", {{dateline, 4, false}}, 1, 0, -175, true},
    {"over the antimeridian, not the rest of the world", {{dateline, 4, false}}, 1, 0, 0, false},
    {"written beyond 180", {{unrolled, 4, false}}, 1, 0, -175, true},
    {"round the north pole", {{polar, 4, false}}, 1, 85, 45, true},
    {"the pole itself", {{polar, 4, false}}, 1, 90, 0, true},
    {"south of the ring round the pole", {{polar, 4, false}}, 1, 60, 45, false},
    {"round the south pole, westward", {{south, 4, false}}, 1, -80, 45, true},
    {"north of that", {{south, 4, false}}, 1, -50, 45, false},
    {"in a bow tie's wing", {{bow, 4, false}}, 1, 9, 5, true},
    {"beside a bow tie's knot", {{bow, 4, false}}, 1, 5, 1, false},
    {"a line has no inside", {{outer, 2, false}}, 1, 0, 5, false},
};

static void test_inside(void)
{
    for (size_t i = 0; i < FL_LEN(inside_rows); i++) {
        FL_AUTO(fl_arena_done) struct fl_arena arena;
        struct fl_geo_area *area;

        fl_arena_init(&arena, 1 << 20);
        area = area_of(&arena, inside_rows[i].rings, inside_rows[i].count);
        CHECK(fl_geo_area_has(area, inside_rows[i].lat, inside_rows[i].lon) ==
                  inside_rows[i].inside,
              inside_rows[i].what);
    }
}

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A jagged star of many edges: the bands against every edge looked at. */
static bool slow_has(const struct fl_event_point *p, uint32_t n, double lat, double lon)
{
    bool in = false;

    for (uint32_t i = 0, j = n - 1; i < n; j = i++) {
        if ((p[i].lat > lat) != (p[j].lat > lat) &&
            lon < (p[j].lon - p[i].lon) * (lat - p[i].lat) / (p[j].lat - p[i].lat) + p[i].lon)
            in = !in;
    }
    return in;
}

static void test_bands(void)
{
    enum { N = 3000 };
    static struct fl_event_point star[N];
    struct fl_event_ring ring = {star, N, false};
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_geo_area *area;
    uint32_t state = 7, wrong = 0, in = 0;

    for (int i = 0; i < N; i++) {
        double r = 5 + 20.0 * (draw(&state) % 1000) / 1000, a = 2 * M_PI * i / N;

        star[i] = (struct fl_event_point){r * sin(a), 40 + r * cos(a)};
    }
    fl_arena_init(&arena, 8 << 20);
    area = area_of(&arena, &ring, 1);
    for (int i = 0; i < 20000; i++) {
        double lat = 60.0 * (draw(&state) % 100000) / 1e5 - 30;
        double lon = 40 + 60.0 * (draw(&state) % 100000) / 1e5 - 30;
        bool has = fl_geo_area_has(area, lat, lon);

        wrong += has != slow_has(star, N, lat, lon);
        in += has;
    }
    CHECK(wrong == 0 && in > 2000, "3,000 edges: as if each were looked at");
}

static void test_edges(void)
{
    struct fl_event_ring ring = {outer, 4, false}, round_pole = {polar, 4, false};
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_geo_area *area;
    double degree = FL_EARTH_KM * M_PI / 180;

    fl_arena_init(&arena, 1 << 20);
    area = area_of(&arena, &ring, 1);
    CHECK(near(fl_geo_area_edge_km(area, -1, 5, 500), degree, 1e-6), "a degree south of an edge");
    CHECK(near(fl_geo_area_edge_km(area, 1, 5, 500), degree, 1e-6), "a degree north of it");
    CHECK(near(fl_geo_area_edge_km(area, -3, -4, 900), fl_geo_km(-3, -4, 0, 0), 1e-6),
          "a corner is the nearest");
    CHECK(isinf(fl_geo_area_edge_km(area, -5, 5, 100)), "over the limit");
    CHECK(near(fl_geo_area_share(area, 0, 5, 50), 0.5, 0.02), "half of a disc on an edge");
    CHECK(near(fl_geo_area_share(area, 0, 0, 50), 0.25, 0.02), "a quarter of it on a corner");
    CHECK(fl_geo_area_share(area, 5, 5, 50) == 1 && fl_geo_area_share(area, 5, 20, 50) == 0,
          "all of it, none of it");
    CHECK(fl_geo_area_share(area, 5, 5, 0) == 1, "an exact position is in or not");
    area = area_of(&arena, &round_pole, 1);
    CHECK(fl_geo_area_edge_km(area, 89, 0, 2500) > 1500, "no border runs to the pole");
}

static void test_circles(void)
{
    double last = 2;
    bool falls = true, agrees = true;
    struct fl_event_point p[FL_GEO_DISC_POINTS];

    for (unsigned i = 0; i < FL_GEO_DISC_POINTS; i++)
        p[i] = fl_geo_disc_point(47, 178, 30, i);
    for (int km = 0; km < 200; km++) {
        struct fl_event_point c = fl_geo_go(47, 178, 123, km);
        double share = fl_geo_disc_in_circle(km, 30, 80), n = 0;

        for (unsigned i = 0; i < FL_GEO_DISC_POINTS; i++)
            n += fl_geo_km(c.lat, c.lon, p[i].lat, p[i].lon) <= 80;
        falls = falls && share <= last;
        agrees = agrees && near(share, n / FL_GEO_DISC_POINTS, 0.02);
        last = share;
    }
    CHECK(falls, "a disc leaves a circle steadily");
    CHECK(agrees, "the lens agrees with the points");
    CHECK(near(fl_geo_disc_in_circle(0, 100, 10), 0.01, 1e-12), "a small circle in a large disc");
    CHECK(fl_geo_disc_in_circle(10, 0, 10) == 1 && fl_geo_disc_in_circle(10.1, 0, 10) == 0,
          "a point");
}

int main(void)
{
    test_distances();
    test_boxes();
    test_inside();
    test_bands();
    test_edges();
    test_circles();
    return tap_done();
}
