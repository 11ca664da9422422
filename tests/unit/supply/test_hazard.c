/* From events to sites: what each kind of footprint hits, how likely, and that places are but
 * places. */
#include <math.h>

#include "base/attr.h"
#include "base/time.h"
#include "supply/geo_index.h"
#include "supply/hazard.h"
#include "supply/hazard_grid.h"
#include "supply/wind.h"
#include "tap.h"

enum { SITES_MAX = 3000 };

static struct fl_net_site sites[SITES_MAX];
static struct fl_net_supplier suppliers[] = {
    {.id = "s0", .name = "Kitasawa Power Co., Ltd.", .parent = 2},
    {.id = "s1", .name = "Other", .parent = FL_NET_NONE},
    {.id = "s2", .name = "KITASAWA Group Holdings", .parent = FL_NET_NONE},
};
static uint32_t of_start[4], of_list[SITES_MAX];
static struct fl_net net;
static struct fl_arena arena;
static struct fl_hits hits;

static void begin(void)
{
    net = (struct fl_net){.sites = sites,
                          .suppliers = suppliers,
                          .supplier_count = 3,
                          .sites_of_supplier = {of_start, of_list}};
}

static struct fl_net_site *put(double lat, double lon, double radius_km)
{
    struct fl_net_site *s = &sites[net.site_count++];

    *s = (struct fl_net_site){.id = "x",
                              .port = "",
                              .supplier = FL_NET_NONE,
                              .lat = lat,
                              .lon = lon,
                              .radius_km = radius_km,
                              .alternate = FL_NET_NONE};
    return s;
}

static struct fl_world_event *event(void)
{
    static struct fl_world_event e;

    fl_world_event_init(&e);
    return &e;
}

static int ask(const struct fl_world_event *e, const struct fl_geo_index *index, double least)
{
    struct fl_err err = {0};
    int r;

    fl_arena_clear(&arena);
    hits = (struct fl_hits){NULL, 0};
    r = fl_hazard(e, &net, index, NULL, 0, least, &arena, &hits, &err);
    if (r < 0)
        printf("# %s\n", err.text);
    return r;
}

static const struct fl_hit *hit_of(uint32_t site)
{
    for (uint32_t i = 0; i < hits.count; i++) {
        if (hits.hits[i].site == site)
            return &hits.hits[i];
    }
    return NULL;
}

static double p_of(uint32_t site)
{
    return hit_of(site) == NULL ? 0 : hit_of(site)->probability;
}

static bool near(double a, double b, double by)
{
    return fabs(a - b) <= by;
}

static bool sane(void)
{
    for (uint32_t i = 0; i < hits.count; i++) {
        const struct fl_hit *h = &hits.hits[i];
        double sum = 0;

        for (int b = FL_BAND_INSPECT; b < FL_BANDS; b++)
            sum += h->bands[b];
        if (!(h->probability >= 0 && h->probability <= 1) || !isfinite(h->value) ||
            !(h->sigma >= 0) ||
            !near(sum, h->measure == FL_MEASURE_INSIDE ? sum : h->probability, 1e-9) ||
            !(h->down_days[0] <= h->down_days[1] && h->down_days[1] <= h->down_days[2]) ||
            (i > 0 && h->probability > hits.hits[i - 1].probability))
            return false;
    }
    return true;
}

static void test_quake(void)
{
    struct fl_world_event *e = event();
    bool falls = true;

    begin();
    e->lat = 10;
    e->lon = 179;
    e->magnitude = 7;
    e->depth_km = 10;
    for (int i = 0; i < 200; i++) {
        struct fl_event_point p = fl_geo_go(10, 179, 77, i * 5);

        put(p.lat, p.lon, 0);
    }
    CHECK(ask(e, NULL, 0) == FL_OK && hits.count == 200 && sane(), "every site has an intensity");
    for (uint32_t i = 1; i < 200; i++)
        falls = falls && p_of(i) <= p_of(i - 1);
    CHECK(falls, "the probability falls with distance, over the antimeridian too");
    CHECK(near(hit_of(10)->value, fl_mmi_hypo(7, hypot(50, 10)).mmi, 1e-9) &&
              near(hit_of(10)->distance_km, 50, 1e-6),
          "the intensity of the relation at 50 km");
    CHECK(near(p_of(10), fl_normal((hit_of(10)->value - 5) / hit_of(10)->sigma), 1e-12),
          "probability: that V is reached");
    CHECK(ask(e, NULL, 0.5) == FL_OK && hits.count == 34, "above a half within 165.95 km");
    CHECK(hits.hits[0].site == 0 && strcmp(hits.hits[0].band, "structural") == 0 &&
              hits.hits[0].down_days[1] == 180,
          "at the epicentre the building itself");
    e->probability = 0.25;
    CHECK(ask(e, NULL, 0) == FL_OK && p_of(0) < 0.25 && p_of(0) > 0.24, "the event's own is in it");
    e->days = 6;
    CHECK(ask(e, NULL, 0) == FL_OK && hit_of(0)->down_days[0] == 3 && hit_of(0)->down_days[2] == 12,
          "days as the event says");
    e->message = FL_EVENT_CANCEL;
    CHECK(ask(e, NULL, 0) == FL_OK && hits.count == 0, "a cancelled event hits nothing");
}

static void test_uncertain(void)
{
    struct fl_world_event *e = event();

    begin();
    put(10, 21.5, 0);
    put(10, 21.5, 30);
    put(10, 21.5, 60);
    put(NAN, NAN, 0);
    e->lat = 10;
    e->lon = 20;
    e->magnitude = 6.2;
    CHECK(ask(e, NULL, 0) == FL_OK && hits.count == 3, "without a position no intensity");
    CHECK(hit_of(0)->sigma < hit_of(1)->sigma && hit_of(1)->sigma < hit_of(2)->sigma,
          "an uncertain position widens the scatter");
    CHECK(hit_of(0)->value < 5 && p_of(2) > p_of(1) && p_of(1) > p_of(0),
          "... and with it the chance of a site outside");
    e = event();
    e->lat = 10;
    e->lon = 20;
    e->radius_km = 150;
    CHECK(ask(e, NULL, 0) == FL_OK && p_of(0) == 0 && p_of(1) > 0 && p_of(1) < 0.5 &&
              p_of(2) > p_of(1),
          "just outside of a circle: the share of the disc that is inside");
    e->radius_km = 200;
    CHECK(ask(e, NULL, 0) == FL_OK && p_of(0) == 1 && p_of(1) == 1 && p_of(2) < 1,
          "just inside: what reaches out is lost");
}

static struct fl_event_point square[] = {{-10, 170}, {-10, -170}, {10, -170}, {10, 170}};
static struct fl_event_point cut[] = {{-2, 178}, {-2, -178}, {2, -178}, {2, 178}};

static void test_areas(void)
{
    struct fl_world_event *e = event();
    struct fl_event_ring rings[] = {{square, 4, false}, {cut, 4, true}};
    struct fl_event_circle circle = {0, 0, 100};

    begin();
    put(0, 172, 0);
    put(0, 179.9, 0); /* in the hole */
    put(0, -171, 0);
    put(0, -169.9, 20); /* its disc reaches in */
    put(0, 0.5, 0);
    put(40, 40, 0);
    e->rings = rings;
    e->ring_count = 2;
    e->circles = &circle;
    e->circle_count = 1;
    CHECK(ask(e, NULL, 0) == FL_OK && sane(), "a polygon with a hole, and a circle");
    CHECK(p_of(0) == 1 && p_of(2) == 1 && p_of(1) == 0, "inside on both sides, not in the hole");
    CHECK(p_of(3) > 0 && p_of(3) < 0.5 && near(hit_of(3)->distance_km, 11.1, 0.1),
          "a disc that an edge cuts");
    CHECK(p_of(4) == 1 && hit_of(4)->distance_km == 0 && p_of(5) == 0, "in the circle; nowhere");
    CHECK(hit_of(0)->measure == FL_MEASURE_INSIDE && hit_of(0)->distance_km == 0,
          "inside is at no distance");
    e->severity = FL_SPAN("severe");
    e->certainty = FL_SPAN("possible");
    CHECK(ask(e, NULL, 0) == FL_OK && near(p_of(0), 0.7 * 0.4, 1e-12), "CAP's words as numbers");
    CHECK(near(hit_of(0)->bands[0] + hit_of(0)->probability, 0.4, 1e-12),
          "what happens and does not disrupt is to be watched");
    e->probability = 0.5;
    CHECK(ask(e, NULL, 0) == FL_OK && near(p_of(0), 0.35, 1e-12),
          "a probability that is said wins");
}

static void test_no_place(void)
{
    struct fl_world_event *e = event();

    begin();
    for (int i = 0; i < 6; i++) {
        struct fl_net_site *s = put(NAN, NAN, 0);

        memcpy(s->country, i % 2 == 0 ? "JP" : "TW", 3);
        s->port = i == 4 ? "TWKHH" : "";
        s->supplier = (uint32_t)i / 2;
        of_list[i] = (uint32_t)i;
    }
    for (uint32_t i = 0; i < 4; i++)
        of_start[i] = i * 2;
    e->countries[e->country_count++] = FL_SPAN("JP");
    CHECK(ask(e, NULL, 0) == FL_OK && hits.count == 3 && p_of(2) == 1 &&
              isnan(hits.hits[0].distance_km),
          "a country");
    e->entities[e->entity_count++] = FL_SPAN("kitasawa power");
    CHECK(ask(e, NULL, 0) == FL_OK && hits.count == 1 && p_of(0) == 1,
          "a supplier by its name without legal form, in that country");
    e->country_count = 0;
    e->entities[0] = FL_SPAN("Kitasawa-Group");
    CHECK(ask(e, NULL, 0) == FL_OK && hits.count == 4 && p_of(2) == 0, "a group and all it owns");
    e->entities[0] = FL_SPAN("s1");
    CHECK(ask(e, NULL, 0) == FL_OK && hits.count == 2 && p_of(2) == 1, "a supplier by its id");
    e->entities[0] = FL_SPAN("kitasawa");
    CHECK(ask(e, NULL, 0) == FL_OK && hits.count == 0, "half a name is none");
    e->entity_count = 0;
    e->ports[e->port_count++] = FL_SPAN("TWKHH");
    CHECK(ask(e, NULL, 0) == FL_OK && hits.count == 1 && p_of(4) == 1, "a port");
    CHECK(ask(event(), NULL, 0) == FL_OK && hits.count == 0,
          "an event without a where hits nothing");
}

static struct fl_event_fix fixes[3];

static struct fl_world_event *cyclone(double shift)
{
    struct fl_world_event *e = event();

    for (int i = 0; i < 3; i++) {
        fixes[i] = (struct fl_event_fix){.at_us = i * 6 * 3600 * FL_US_PER_S + 1,
                                         .lat = 20 + i,
                                         .lon = fl_geo_lon(-1.5 + 1.5 * i + shift),
                                         .wind_ms = 45,
                                         .pressure_hpa = 950,
                                         .outer_hpa = NAN,
                                         .error_km = NAN};
        for (int k = 0; k < 12; k++)
            fixes[i].radius_km[k / 4][k % 4] = NAN;
    }
    e->fixes = fixes;
    e->fix_count = 3;
    e->wind_minutes = 10;
    return e;
}

static void around(double shift)
{
    begin();
    for (int i = -8; i <= 8; i++) {
        for (int k = -8; k <= 8; k++)
            put(21 + i * 0.5, fl_geo_lon(shift + k * 0.5), 0);
    }
}

static void test_wind(void)
{
    struct fl_vortex v;
    double between, p[289], most = 0;
    bool same = true;

    around(0);
    CHECK(ask(cyclone(0), NULL, 0) == FL_OK && hits.count == 289 && sane(), "a cyclone");
    for (uint32_t i = 0; i < 289; i++) {
        p[i] = p_of(i);
        most = fmax(most, hit_of(i)->value);
    }
    CHECK(fl_vortex_of(&fixes[1], 10, &v) && most <= fl_vortex_gradient(&v, v.rmax_km) * 1.01,
          "nowhere stronger than the profile's greatest");
    around(180);
    CHECK(ask(cyclone(180), NULL, 0) == FL_OK, "the same over the antimeridian");
    for (uint32_t i = 0; i < 289; i++)
        same = same && near(p[i], p_of(i), 1e-9);
    CHECK(same, "is the same");
    begin();
    put(20.5, -0.75 + 0.3, 0); /* between two fixes, beside the track */
    CHECK(ask(cyclone(0), NULL, 0) == FL_OK, "a site between fixes");
    between = hit_of(0)->value;
    (void)cyclone(0);
    fl_vortex_of(&fixes[0], 10, &v);
    CHECK(between > fl_vortex_gradient(&v, fl_geo_km(20, -1.5, 20.5, -0.45)) + 1,
          "the centre is also where no fix stands");
    CHECK(hit_of(0)->distance_km < 40, "the nearest point of the track");
}

static void test_forecast(void)
{
    struct fl_world_event *e = cyclone(0);
    double on, off;

    begin();
    put(21, 0, 0);
    put(23, -2.5, 0); /* 300 km aside */
    CHECK(ask(e, NULL, 0) == FL_OK, "a track");
    on = p_of(0);
    off = p_of(1);
    for (int i = 0; i < 3; i++) {
        fixes[i].forecast = true;
        fixes[i].error_km = 250;
    }
    CHECK(ask(e, NULL, 0) == FL_OK && sane(), "a forecast");
    CHECK(p_of(0) < on - 0.1 && p_of(1) > off + 0.01,
          "on the track less sure, beside it more likely");
    fl_arena_clear(&arena);
    CHECK(fl_hazard(e, &net, NULL, NULL, 3 * FL_US_PER_DAY, 0, &arena, &hits, NULL) == FL_OK &&
              hits.count == 0,
          "days later nobody stands for it");
    fixes[2].forecast = false;
    CHECK(fl_hazard(e, &net, NULL, NULL, 3 * FL_US_PER_DAY, 0, &arena, &hits, NULL) == FL_OK &&
              hits.count == 2 && hit_of(0)->distance_km > 100,
          "what was observed later stands in its place");
    CHECK(ask(e, NULL, 0) == FL_OK && hit_of(0)->distance_km > 100, "... at any time");
}

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static double within(uint32_t *state, double low, double high)
{
    return low + (high - low) * (double)(draw(state) % 1000003) / 1000003;
}

/* 60 events of all kinds, near poles and the antimeridian too: with an index as without. */
static void test_index(void)
{
    FL_AUTO(fl_geo_index_freep) struct fl_geo_index *index = NULL;
    uint32_t state = 3, wrong = 0, any = 0;
    struct fl_world_event *e2;
    struct fl_hits first;

    begin();
    for (int i = 0; i < SITES_MAX; i++)
        put(within(&state, -90, 90), within(&state, -180, 180),
            i % 50 == 0 ? within(&state, 0, 400) : within(&state, 0, 20));
    CHECK(fl_geo_index_new(&net, &index, NULL) == FL_OK, "an index");
    for (int i = 0; i < 60; i++) {
        double at = within(&state, -180, 180), lat = within(&state, -89, 89);
        struct fl_event_point box[4] = {
            {lat, at}, {lat, fl_geo_lon(at + 15)}, {lat / 2, fl_geo_lon(at + 15)}, {lat / 2, at}};
        struct fl_event_ring ring = {box, 4, false};
        struct fl_world_event *e = i % 3 == 0 ? cyclone(at) : event();
        FL_AUTO(fl_arena_done) struct fl_arena own;

        for (int k = 1; k < 3 && i % 6 == 0; k++) {
            fixes[k].forecast = true;
            fixes[k].error_km = within(&state, 100, 900);
        }
        e->lat = lat;
        e->lon = at;
        if (i % 3 == 1)
            e->magnitude = within(&state, 5, 9);
        else if (i % 6 == 2)
            e->radius_km = within(&state, 10, 3000);
        e->rings = &ring;
        e->ring_count = i % 6 == 5;
        fl_arena_init(&own, (size_t)4 << 20);
        if (fl_hazard(e, &net, NULL, NULL, 0, 0.001, &own, &first, NULL) < 0 ||
            ask(e, index, 0.001) < 0 || !sane()) {
            wrong++;
            continue;
        }
        any += hits.count > 0;
        wrong += hits.count != first.count;
        for (uint32_t k = 0; k < hits.count && k < first.count; k++)
            wrong += memcmp(&hits.hits[k], &first.hits[k], sizeof first.hits[k]) != 0 &&
                     (hits.hits[k].site != first.hits[k].site ||
                      hits.hits[k].probability != first.hits[k].probability);
    }
    CHECK(wrong == 0 && any > 30, "an index leaves out nothing that is hit");
    fl_geo_index_freep(&index);
    begin();
    put(30, 30, 600); /* its disc reaches over many cells */
    put(30, 34, 0);
    CHECK(fl_geo_index_new(&net, &index, NULL) == FL_OK, "an index of two");
    e2 = event();
    e2->lat = 30;
    e2->lon = 34;
    e2->radius_km = 20;
    CHECK(ask(e2, index, 0.0001) == FL_OK && hits.count == 2, "a wide disc far from an event");
    fl_geo_index_freep(&index);
    begin();
    put(3, -178.5, 0);
    put(3, 178.5, 0);
    CHECK(fl_geo_index_new(&net, &index, NULL) == FL_OK, "an index of two again");
    e2->lat = 3;
    e2->lon = 179.9;
    e2->radius_km = 220;
    CHECK(ask(e2, index, 0.01) == FL_OK && hits.count == 2, "on both sides of the antimeridian");
}

static void test_grid(void)
{
    static const char text[] =
        "<?xml version=\"1.0\"?>\n<!-- ours --><shakemap_grid event_id=\"us1\">\n"
        "<event magnitude=\"7.0\" depth=\"10\" lat=\"1\" lon=\"1\" />\n"
        "<grid_specification lon_min=\"0\" lat_min=\"0\" lon_max=\"2\" lat_max=\"2\" nlon=\"2\" "
        "nlat=\"2\"/>\n"
        "<grid_field index=\"1\" name=\"LON\"/><grid_field index=\"2\" name=\"LAT\"/>\n"
        "<grid_field index=\"3\" name=\"MMI\"/>\n<grid_data>\n0 2 4\n2 2 6\n0 0 6\n2 0 "
        "8\n</grid_data>\n"
        "</shakemap_grid>\n";
    FL_AUTO(fl_arena_done) struct fl_arena own;
    struct fl_shakemap map;
    struct fl_grid *grid = NULL;
    struct fl_world_event *e = event();
    struct fl_err err = {0};

    fl_arena_init(&own, 1 << 20);
    CHECK(fl_shakemap_read(FL_SPAN(""), &own, &map, &err) == FL_E_INVAL, "nothing is no grid");
    CHECK(fl_shakemap_read(fl_span_str(text), &own, &map, &err) == FL_OK &&
              fl_grid_new(&map, &own, &grid, &err) == FL_OK,
          "a grid");
    begin();
    put(1, 1, 0);
    put(2, 0, 0);
    put(1, -359, 0);
    put(1, 2.1, 0);
    put(1.5, 1, 0);
    e->lat = 1;
    e->lon = 1;
    e->magnitude = 7;
    CHECK(fl_hazard(e, &net, NULL, grid, 0, 0, &own, &hits, &err) == FL_OK && hits.count == 5,
          "an earthquake with a grid");
    CHECK(near(hit_of(0)->value, 6, 1e-6) && near(hit_of(1)->value, 4, 1e-6) &&
              near(hit_of(2)->value, 6, 1e-6) && near(hit_of(4)->value, 5.5, 1e-6) &&
              hit_of(0)->sigma == FL_GRID_SIGMA,
          "where it reaches, by the grid, straight between nodes");
    CHECK(near(hit_of(3)->value, fl_mmi_hypo(7, hypot(hit_of(3)->distance_km, 10)).mmi, 1e-9),
          "beyond it by the relation");
}

int main(void)
{
    fl_arena_init(&arena, (size_t)64 << 20);
    test_quake();
    test_uncertain();
    test_areas();
    test_no_place();
    test_wind();
    test_forecast();
    test_index();
    test_grid();
    fl_arena_done(&arena);
    return tap_done();
}
