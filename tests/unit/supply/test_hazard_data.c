/*
 * Real data of ../shared/data/supply: 778 factories against a week of earthquakes, against Tangshan
 * 1976, and against every typhoon of the best track. The counts are those of the reference where it
 * has them (Tangshan, Lekima, Mangkhut), else our own, so that a change is seen.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "codec/csv.h"
#include "codec/feed.h"
#include "supply/geo_index.h"
#include "supply/hazard.h"
#include "supply/wind.h"
#include "tap.h"

enum { SITES_MAX = 1000 };
static struct fl_net_site sites[SITES_MAX];
static struct fl_net net = {.sites = sites};
static struct fl_geo_index *geo_index;
static struct fl_arena arena;

static bool read_file(const char *folder, const char *name, struct fl_buf *out)
{
    char path[1024];
    FILE *in;
    void *room;
    size_t got = 0;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    in = fopen(path, "re");
    if (in == NULL)
        return false;
    do {
        room = fl_buf_reserve(out, 65536);
        got = room == NULL ? 0 : fread(room, 1, 65536, in);
        out->len += got;
    } while (got > 0);
    (void)fclose(in);
    return out->failed == 0;
}

/* Columns: number, supplier, address, lat, lng, ... */
static void read_sites(struct fl_span text)
{
    static struct fl_csv_row row;
    FL_AUTO(fl_csv_done) struct fl_csv csv;

    fl_csv_init(&csv);
    if (fl_csv_feed(&csv, text, true, NULL) < 0)
        return;
    while (fl_csv_next(&csv, &row, NULL) > 0 && net.site_count < SITES_MAX) {
        double lat, lon;

        if (row.count < 5 || row.line == 1)
            continue;
        lat = fl_supply_number(row.cell[3], NAN);
        lon = fl_supply_number(row.cell[4], NAN);
        sites[net.site_count++] = (struct fl_net_site){.id = "x",
                                                       .port = "",
                                                       .supplier = FL_NET_NONE,
                                                       .lat = lat,
                                                       .lon = lon,
                                                       .alternate = FL_NET_NONE};
    }
}

static uint32_t at_least(const struct fl_hits *hits, double value)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < hits->count; i++)
        n += hits->hits[i].value >= value;
    return n;
}

static bool ask(const struct fl_world_event *event, struct fl_hits *ret)
{
    fl_arena_clear(&arena);
    return fl_hazard(event, &net, geo_index, NULL, 0, 0.01, &arena, ret, NULL) == FL_OK;
}

static void test_tangshan(void)
{
    static struct fl_world_event event;
    struct fl_hits hits;

    fl_world_event_init(&event);
    event.lat = 39.605; /* 1976-07-27, M 7.5 */
    event.lon = 117.889;
    event.depth_km = 15;
    event.magnitude = 7.5;
    CHECK(ask(&event, &hits) && at_least(&hits, 5) == 14 && at_least(&hits, 6) == 12,
          "Tangshan 1976: 14 factories at V and above, 12 at VI and above");
}

struct sum {
    uint32_t events, refused, with_hits, likely, most;
    uint32_t lekima, mangkhut; /* by fixes alone */
    uint32_t lekima_radii, mangkhut_radii;
    char most_title[64];
};

static int on_refused(void *ctx, struct fl_span what, const char *why)
{
    struct sum *sum = ctx;

    (void)what;
    (void)why;
    sum->refused++;
    return FL_OK;
}

/* The reference's way: no radii, nothing between the fixes. */
static uint32_t by_fixes(const struct fl_world_event *event)
{
    struct fl_hits hits = {NULL, 0};

    fl_arena_clear(&arena);
    if (fl_hazard_by_fixes(event, &net, geo_index, 0, 0.01, &arena, &hits, NULL) < 0)
        return 0;
    return at_least(&hits, FL_WIND_DAMAGE_MS);
}

static bool named(const struct fl_world_event *event, const char *id)
{
    return event->id_count > 0 && fl_span_eq(event->ids[0], fl_span_str(id));
}

static int on_event(void *ctx, const struct fl_world_event *event)
{
    struct sum *sum = ctx;
    struct fl_hits hits = {NULL, 0};
    uint32_t likely = 0;

    sum->events++;
    if (!ask(event, &hits))
        return FL_E_NOMEM;
    while (likely < hits.count && hits.hits[likely].probability >= 0.5)
        likely++;
    sum->with_hits += likely > 0;
    sum->likely += likely;
    if (likely > sum->most) {
        sum->most = likely;
        (void)snprintf(sum->most_title, sizeof sum->most_title, "%.*s",
                       (int)(event->title.len < 60 ? event->title.len : 60),
                       (const char *)event->title.ptr);
    }
    if (named(event, "jma:201909")) {
        sum->lekima_radii = at_least(&hits, FL_WIND_DAMAGE_MS);
        sum->lekima = by_fixes(event);
    } else if (named(event, "jma:201822")) {
        sum->mangkhut_radii = at_least(&hits, FL_WIND_DAMAGE_MS);
        sum->mangkhut = by_fixes(event);
    }
    return FL_OK;
}

static bool run(const char *folder, const char *name, enum fl_feed_format format, struct sum *sum)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_feed_source source = {.name = FL_SPAN("test"), .format = format};
    struct fl_event_sink sink = {.event = on_event, .refused = on_refused, .ctx = sum};
    struct fl_err err = {.code = 0};

    fl_buf_init(&text, (size_t)64 << 20);
    *sum = (struct sum){.events = 0};
    if (!read_file(folder, name, &text) ||
        fl_feed_read(&source, fl_buf_span(&text), &sink, &err) < 0) {
        printf("# %s: %s\n", name, err.text);
        return false;
    }
    printf("# %s: %u events, %u refused; %u hit a factory more likely than not, %u times in all; "
           "most: %s, %u\n",
           name, sum->events, sum->refused, sum->with_hits, sum->likely, sum->most_title,
           sum->most);
    return true;
}

int main(int argc, char **argv)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *folder = argc > 1 ? argv[1] : "";
    struct sum sum;

    fl_buf_init(&text, (size_t)64 << 20);
    if (!read_file(folder, "sites/apple_suppliers_geocoded.csv", &text)) {
        printf("1..0 # SKIP no ../shared/data/supply\n");
        return 0;
    }
    read_sites(fl_buf_span(&text));
    fl_arena_init(&arena, (size_t)64 << 20);
    CHECK(net.site_count == 778 && fl_geo_index_new(&net, &geo_index, NULL) == FL_OK,
          "778 factories");
    test_tangshan();
    CHECK(run(folder, "earthquakes/usgs_all_week_2018.geojson", FL_FEED_USGS, &sum) &&
              sum.events + sum.refused == 1707,
          "a week of earthquakes");
    CHECK(sum.with_hits == 2 && sum.likely == 3,
          "two of them, off Hualien, reach V at three factories in all");
    CHECK(run(folder, "cyclones/jma_rsmc_tokyo_bst_all.txt", FL_FEED_JMA, &sum), "all typhoons");
    printf("# Lekima: %u by fixes, %u with radii; Mangkhut: %u, %u\n", sum.lekima, sum.lekima_radii,
           sum.mangkhut, sum.mangkhut_radii);
    CHECK(sum.lekima == 128 && sum.mangkhut == 74,
          "gradient wind at the fixes reaches 25.7 m/s at 128 and at 74 factories");
    fl_geo_index_free(geo_index);
    fl_arena_done(&arena);
    return tap_done();
}
