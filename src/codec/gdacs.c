#include "codec/gdacs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/country.h"
#include "codec/feed_int.h"
#include "codec/xml_safe.h"

static const char *const types[] = {"EQ", "TC", "FL", "VO", "DR", "WF", "TS", NULL};
static const char *const categories[] = {"geo", "met", "met", "geo", "met", "fire", "geo"};
static const char *const levels[] = {"green", "orange", "red", NULL};
static const char *const severities[] = {"minor", "severe", "extreme"};

/* An event as either form tells it; empty and NAN what is not told. */
struct told {
    struct fl_span type, id, glide, level, unit,
        measure; /* measure: "Magnitude 5.3M, Depth:10km" */
    double severity;
    double box[4]; /* lonmin, lonmax, latmin, latmax; NAN first: none */
};

static void read_depth(struct fl_span measure, struct fl_world_event *event)
{
    const char word[] = "Depth:";
    const unsigned char *at = memmem(measure.ptr, measure.len, word, sizeof word - 1);
    size_t len = 0, left;
    double km;

    if (at == NULL)
        return;
    at += sizeof word - 1;
    left = (size_t)(measure.ptr + measure.len - at);
    while (len < left && ((at[len] >= '0' && at[len] <= '9') || at[len] == '.'))
        len++;
    if (fl_feed_number(fl_span_of(at, len), &km) && km <= 1000)
        event->depth_km = km;
}

/* A cyclone's wind as one fix, so that it is more than a point. GDACS gives 1-minute means. */
static void add_fix(struct fl_feed_run *run, const struct told *told, struct fl_world_event *event)
{
    double ms = told->severity / 3.6;
    struct fl_event_fix *fix;

    if (!fl_span_eq(told->unit, FL_SPAN("km/h")) || !(ms > 0 && ms <= 150) || isnan(event->lat))
        return;
    fix = fl_arena_get(&run->arena, sizeof *fix);
    if (fix == NULL)
        return;
    *fix = (struct fl_event_fix){.at_us = event->until_us != 0 ? event->until_us : event->from_us,
                                 .lat = event->lat,
                                 .lon = event->lon,
                                 .wind_ms = ms,
                                 .pressure_hpa = NAN,
                                 .outer_hpa = NAN,
                                 .error_km = NAN};
    for (unsigned i = 0; i < 12; i++)
        fix->radius_km[i / 4][i % 4] = NAN;
    event->fixes = fix;
    event->fix_count = 1;
    event->wind_minutes = 1;
}

static bool box_holds(const struct told *told, const struct fl_world_event *event)
{
    const double *b = told->box;

    return b[0] >= -180 && b[0] < b[1] && b[1] <= 180 && b[2] >= -90 && b[2] < b[3] && b[3] <= 90 &&
           event->lon >= b[0] && event->lon <= b[1] && event->lat >= b[2] && event->lat <= b[3];
}

static void add_box(struct fl_feed_run *run, const struct told *told, struct fl_world_event *event)
{
    const double *b = told->box;
    struct fl_event_ring *ring;

    if (!box_holds(told, event))
        return;
    ring = fl_arena_get(&run->arena, sizeof *ring + 4 * sizeof *ring->points);
    if (ring == NULL)
        return;
    *ring = (struct fl_event_ring){.points = (struct fl_event_point *)(ring + 1), .count = 4};
    ring->points[0] = (struct fl_event_point){b[2], b[0]};
    ring->points[1] = (struct fl_event_point){b[2], b[1]};
    ring->points[2] = (struct fl_event_point){b[3], b[1]};
    ring->points[3] = (struct fl_event_point){b[3], b[0]};
    event->rings = ring;
    event->ring_count = 1;
}

/* Type, names, severity, measure. Why it is refused, or NULL. */
static const char *take(struct fl_feed_run *run, const struct told *told,
                        struct fl_world_event *event)
{
    int type = fl_feed_word(told->type, types), level = fl_feed_word(told->level, levels);
    char prefix[16];
    uint64_t number;

    if (type < 0)
        return "eventtype: none of EQ, TC, FL, VO, DR, WF, TS";
    if (!fl_span_u64(told->id, &number))
        return "eventid: a number is wanted";
    (void)snprintf(prefix, sizeof prefix, "gdacs:%s", types[type]);
    fl_feed_add_id(&run->arena, event, prefix, told->id);
    fl_feed_add_id(&run->arena, event, "glide:", told->glide);
    event->kind = fl_feed_name(&run->arena, "gdacs:", fl_span_str(types[type]));
    event->category = fl_span_str(categories[type]);
    event->certainty = FL_SPAN("observed");
    if (level >= 0)
        event->severity = fl_span_str(severities[level]);
    if (event->from_us == 0)
        return "fromdate: a time is wanted";
    if (event->until_us != 0 && event->until_us < event->from_us)
        return "todate: before fromdate";
    if (type == 0 && told->severity >= 0 && told->severity <= 12)
        event->magnitude = told->severity;
    if (type == 0)
        read_depth(told->measure, event);
    if (type == 1)
        add_fix(run, told, event);
    return event->id_count == 0 ? "eventid: no room for it" : NULL;
}

/* --- RSS --- */

static const char *read_point(const xmlNode *item, struct fl_arena *arena,
                              struct fl_world_event *event)
{
    const xmlNode *point = fl_xml_child(item, "Point", NULL);
    struct fl_span lat = fl_xml_child_text(point, "lat", arena, 32),
                   lon = fl_xml_child_text(point, "long", arena, 32);
    double degrees;

    if (!fl_feed_number(lat, &event->lat) || !fl_feed_number(lon, &degrees) ||
        !fl_event_degrees(event->lat, degrees, &event->lon))
        return "geo:Point: geo:lat and geo:long in degrees are wanted";
    return NULL;
}

static void read_box(struct fl_span text, struct told *told)
{
    for (unsigned i = 0; i < 4; i++) {
        const unsigned char *blank = memchr(text.ptr, ' ', text.len);
        size_t len = blank == NULL ? text.len : (size_t)(blank - text.ptr);

        if ((blank == NULL) != (i == 3) ||
            !fl_feed_number(fl_span_of(text.ptr, len), &told->box[i])) {
            told->box[0] = NAN;
            return;
        }
        text = fl_span_of(text.ptr + len + (i < 3 ? 1 : 0), text.len - len - (i < 3 ? 1 : 0));
    }
}

static const char *read_times(const xmlNode *item, struct fl_arena *arena,
                              struct fl_world_event *event)
{
    static const struct {
        const char *name, *why;
        size_t at;
    } rows[] = {
        {"fromdate", "gdacs:fromdate: a time of RFC 822 is wanted",
         offsetof(struct fl_world_event, from_us)},
        {"todate", "gdacs:todate: a time of RFC 822 is wanted",
         offsetof(struct fl_world_event, until_us)},
        {"pubDate", "pubDate: a time of RFC 822 is wanted",
         offsetof(struct fl_world_event, issued_us)},
        {"datemodified", "gdacs:datemodified: a time of RFC 822 is wanted",
         offsetof(struct fl_world_event, issued_us)},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        struct fl_span text = fl_xml_child_text(item, rows[i].name, arena, 64);
        int64_t *us = (int64_t *)(void *)((unsigned char *)event + rows[i].at);

        if (text.len > 0 && !fl_feed_time_822(text, us))
            return rows[i].why;
    }
    return NULL;
}

static void read_item_words(const xmlNode *item, struct fl_arena *arena, struct told *told,
                            struct fl_world_event *event)
{
    const xmlNode *severity = fl_xml_child(item, "severity", NULL);

    told->type = fl_xml_child_text(item, "eventtype", arena, 8);
    told->id = fl_xml_child_text(item, "eventid", arena, 24);
    told->glide = fl_xml_child_text(item, "glide", arena, 64);
    told->level = fl_xml_child_text(item, "alertlevel", arena, 16);
    told->unit = fl_xml_attr(severity, "unit", arena, 16);
    told->measure = fl_xml_text(severity, arena, 255);
    if (!fl_feed_number(fl_xml_attr(severity, "value", arena, 32), &told->severity))
        told->severity = NAN;
    read_box(fl_xml_child_text(item, "bbox", arena, 255), told);
    event->title = fl_xml_child_text(item, "title", arena, FL_EVENT_TITLE_MAX);
    event->text = fl_xml_child_text(item, "description", arena, FL_EVENT_TEXT_MAX);
    event->place = fl_xml_child_text(item, "country", arena, FL_EVENT_TITLE_MAX);
    event->url = fl_feed_url(fl_xml_child_text(item, "link", arena, 1024));
    fl_event_add(event->countries, &event->country_count, FL_EVENT_LIST_MAX,
                 fl_country_iso2(fl_xml_child_text(item, "iso3", arena, 8)));
}

/* Of which the box says the area. */
static bool is_area(struct fl_span type)
{
    return fl_span_eq(type, FL_SPAN("DR")) || fl_span_eq(type, FL_SPAN("FL")) ||
           fl_span_eq(type, FL_SPAN("WF"));
}

static int read_item(struct fl_feed_run *run, const xmlNode *item)
{
    struct told told = {.severity = NAN, .box = {NAN}};
    struct fl_world_event event;
    struct fl_span what;
    const char *why;

    fl_arena_clear(&run->arena);
    fl_world_event_init(&event);
    read_item_words(item, &run->arena, &told, &event);
    what = fl_xml_child_text(item, "guid", &run->arena, 64);
    if (what.len == 0)
        what = event.title.len > 0 ? event.title : FL_SPAN("item");
    why = read_point(item, &run->arena, &event);
    if (why == NULL)
        why = read_times(item, &run->arena, &event);
    if (why == NULL)
        why = take(run, &told, &event);
    if (why != NULL)
        return fl_feed_refuse(run, what, "%s", why);
    if (is_area(told.type))
        add_box(run, &told, &event);
    return fl_feed_emit(run, &event);
}

int fl_gdacs_rss_read(const struct fl_feed_source *source, struct fl_span bytes,
                      const struct fl_event_sink *sink, struct fl_err *err)
{
    struct fl_feed_run run = {.source = source, .sink = sink, .err = err};
    FL_AUTO(fl_xml_freep) xmlDocPtr doc = NULL;
    const xmlNode *root, *channel, *item = NULL;
    unsigned count = 0;
    int r = fl_xml_parse(bytes, FL_FEED_MAX, &doc, err);

    if (r < 0)
        return r;
    root = xmlDocGetRootElement(doc);
    channel = fl_xml_child(root, "channel", NULL);
    if (!fl_xml_is(root, "rss", NULL) || channel == NULL)
        return fl_err_set(err, FL_E_INVAL, "no RSS: rss.channel is wanted");
    fl_arena_init(&run.arena, FL_FEED_ARENA_MAX);
    while (r >= 0 && (item = fl_xml_child(channel, "item", item)) != NULL) {
        r = ++count > FL_GDACS_EVENTS_MAX
                ? fl_err_set(err, FL_E_LIMIT, "more than %u items", FL_GDACS_EVENTS_MAX)
                : read_item(&run, item);
    }
    fl_arena_done(&run.arena);
    return r < 0 ? r : FL_OK;
}

/* --- JSON --- */

static struct fl_span id_text(const json_t *props, struct fl_arena *arena)
{
    const json_t *id = json_object_get(props, "eventid");
    char text[24];

    if (json_is_string(id))
        return fl_feed_js_text(props, "eventid", arena, 24);
    if (!json_is_integer(id))
        return FL_SPAN("");
    (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(id));
    return fl_event_clean(arena, fl_span_str(text), sizeof text);
}

static const char *read_json_times(const json_t *props, struct fl_arena *arena,
                                   struct fl_world_event *event)
{
    struct fl_span from = fl_feed_js_text(props, "fromdate", arena, 40),
                   to = fl_feed_js_text(props, "todate", arena, 40),
                   changed = fl_feed_js_text(props, "datemodified", arena, 40);

    if (!fl_feed_time(from, &event->from_us))
        return "properties.fromdate: a time is wanted";
    if (to.len > 0 && !fl_feed_time(to, &event->until_us))
        return "properties.todate: a time is wanted";
    if (changed.len > 0 && !fl_feed_time(changed, &event->issued_us))
        return "properties.datemodified: a time is wanted";
    return NULL;
}

static void read_json_words(const json_t *props, struct fl_arena *arena, struct told *told,
                            struct fl_world_event *event)
{
    const json_t *severity = json_object_get(props, "severitydata"),
                 *affected = json_object_get(props, "affectedcountries");
    struct fl_span source = fl_feed_js_text(props, "source", arena, 32);

    told->type = fl_feed_js_text(props, "eventtype", arena, 8);
    told->id = id_text(props, arena);
    told->glide = fl_feed_js_text(props, "glide", arena, 64);
    told->level = fl_feed_js_text(props, "alertlevel", arena, 16);
    told->unit = fl_feed_js_text(severity, "severityunit", arena, 16);
    told->measure = fl_feed_js_text(severity, "severitytext", arena, 255);
    told->severity = fl_feed_js_num(severity, "severity");
    event->title = fl_feed_js_text(props, "name", arena, FL_EVENT_TITLE_MAX);
    event->text = fl_feed_js_text(props, "htmldescription", arena, FL_EVENT_TEXT_MAX);
    event->place = fl_feed_js_text(props, "country", arena, FL_EVENT_TITLE_MAX);
    event->url = fl_feed_url(fl_feed_js_text(json_object_get(props, "url"), "report", arena, 1024));
    fl_event_add(event->countries, &event->country_count, FL_EVENT_LIST_MAX,
                 fl_country_iso2(fl_feed_js_text(props, "iso3", arena, 8)));
    for (size_t i = 0; i < json_array_size(affected); i++)
        fl_event_add(
            event->countries, &event->country_count, FL_EVENT_LIST_MAX,
            fl_country_iso2(fl_feed_js_text(json_array_get(affected, i), "iso3", arena, 8)));
    if (fl_span_eq(source, FL_SPAN("NEIC")) || fl_span_eq(source, FL_SPAN("USGS")))
        fl_feed_add_id(arena, event, "usgs:",
                       fl_feed_lower(arena, fl_feed_js_text(props, "sourceid", arena, 64)));
}

/* One ring of GeoJSON ([lon, lat], the last point the first again). */
static const char *read_ring(const json_t *points, struct fl_arena *arena,
                             struct fl_event_ring *ring)
{
    size_t n = json_array_size(points);

    if (n < 4)
        return "geometry: a ring of four points or more is wanted";
    ring->points = fl_arena_get(arena, n * sizeof *ring->points);
    if (ring->points == NULL)
        return "geometry: too large";
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(points, i);
        const json_t *lon = json_array_get(pair, 0), *lat = json_array_get(pair, 1);
        struct fl_event_point *p = &ring->points[i];

        if (!json_is_number(lon) || !json_is_number(lat))
            return "geometry: a point has no longitude and latitude";
        p->lat = round(json_number_value(lat) * 1e5) / 1e5; /* a metre */
        if (!fl_event_degrees(p->lat, round(json_number_value(lon) * 1e5) / 1e5, &p->lon))
            return "geometry: a point is no degrees";
    }
    ring->count = (uint32_t)n - 1;
    return NULL;
}

#define GDACS_RINGS_MAX 20000u /* before they are thinned */

static const char *read_polygon(const json_t *polygon, struct fl_arena *arena,
                                struct fl_world_event *event)
{
    for (size_t i = 0; i < json_array_size(polygon); i++) {
        struct fl_event_ring *ring = &event->rings[event->ring_count];
        const char *why;

        if (event->ring_count == GDACS_RINGS_MAX)
            return "geometry: more than 20000 rings";
        ring->hole = i > 0;
        why = read_ring(json_array_get(polygon, i), arena, ring);
        if (why != NULL)
            return why;
        event->ring_count++;
    }
    return NULL;
}

static const char *read_geometry(const json_t *feature, struct fl_arena *arena,
                                 struct fl_world_event *event)
{
    const json_t *geometry = json_object_get(feature, "geometry"),
                 *at = json_object_get(geometry, "coordinates");
    struct fl_span type = fl_feed_js_text(geometry, "type", arena, 32);
    struct fl_span class =
        fl_feed_js_text(json_object_get(feature, "properties"), "Class", arena, 64);
    const char *why = NULL;

    if (fl_span_eq(type, FL_SPAN("Point"))) {
        const json_t *lon = json_array_get(at, 0), *lat = json_array_get(at, 1);

        if (!isnan(event->lat))
            return NULL;
        if (!json_is_number(lon) || !json_is_number(lat) ||
            !fl_event_degrees(json_number_value(lat), json_number_value(lon), &event->lon))
            return "geometry: a point is no degrees";
        event->lat = json_number_value(lat);
        return NULL;
    }
    if (class.len >= 9 && memcmp(class.ptr, "Poly_Cone", 9) == 0)
        return NULL;
    if (event->rings == NULL) {
        event->rings = fl_arena_get(arena, GDACS_RINGS_MAX * sizeof *event->rings);
        if (event->rings == NULL)
            return "geometry: too large";
    }
    if (fl_span_eq(type, FL_SPAN("Polygon")))
        return read_polygon(at, arena, event);
    if (fl_span_eq(type, FL_SPAN("MultiPolygon"))) {
        for (size_t i = 0; why == NULL && i < json_array_size(at); i++)
            why = read_polygon(json_array_get(at, i), arena, event);
    }
    return why;
}

/* Do two features speak of the same event? */
static bool same_event(const json_t *a, const json_t *b, struct fl_arena *arena)
{
    const json_t *pa = json_object_get(a, "properties"), *pb = json_object_get(b, "properties");

    return fl_span_eq(id_text(pa, arena), id_text(pb, arena)) &&
           fl_span_eq(fl_feed_js_text(pa, "eventtype", arena, 8),
                      fl_feed_js_text(pb, "eventtype", arena, 8));
}

/* The event of features[first], with the geometry of all of its features. */
static int read_features(struct fl_feed_run *run, const json_t *features, size_t first, size_t end)
{
    struct fl_arena *arena = &run->arena;
    const json_t *props = json_object_get(json_array_get(features, first), "properties");
    struct told told = {.severity = NAN, .box = {NAN}};
    struct fl_world_event event;
    const char *why;

    fl_arena_clear(arena);
    fl_world_event_init(&event);
    read_json_words(props, arena, &told, &event);
    why = read_json_times(props, arena, &event);
    for (size_t i = first; why == NULL && i < end; i++)
        why = read_geometry(json_array_get(features, i), arena, &event);
    if (why == NULL)
        why = take(run, &told, &event);
    if (why == NULL && isnan(event.lat) && event.ring_count == 0)
        why = "geometry: a point or a polygon is wanted";
    if (why != NULL)
        return fl_feed_refuse(run, told.id.len > 0 ? told.id : FL_SPAN("event"), "%s", why);
    /* The event's own name stands first, before that of its source. */
    for (uint32_t i = 1; i < event.id_count; i++) {
        if (event.ids[i].len > 6 && memcmp(event.ids[i].ptr, "gdacs:", 6) == 0) {
            struct fl_span own = event.ids[i];

            event.ids[i] = event.ids[0];
            event.ids[0] = own;
        }
    }
    return fl_feed_emit(run, &event);
}

static int read_collection(struct fl_feed_run *run, const json_t *features)
{
    size_t n = json_array_size(features), first = 0, end;
    int r = FL_OK;

    if (n > FL_GDACS_EVENTS_MAX)
        return fl_err_set(run->err, FL_E_LIMIT, "%zu features are more than %u", n,
                          FL_GDACS_EVENTS_MAX);
    while (r >= 0 && first < n) {
        fl_arena_clear(&run->arena);
        end = first + 1;
        while (end < n && same_event(json_array_get(features, first), json_array_get(features, end),
                                     &run->arena))
            end++;
        r = read_features(run, features, first, end);
        first = end;
    }
    return r < 0 ? r : FL_OK;
}

int fl_gdacs_json_read(const struct fl_feed_source *source, struct fl_span bytes,
                       const struct fl_event_sink *sink, struct fl_err *err)
{
    struct fl_feed_run run = {.source = source, .sink = sink, .err = err};
    FL_AUTO(fl_feed_json_freep) json_t *doc = NULL;
    FL_AUTO(fl_feed_json_freep) json_t *alone = NULL;
    const json_t *features;
    int r = fl_feed_json(bytes, &doc, err);

    if (r < 0)
        return r;
    features = json_object_get(doc, "features");
    if (features == NULL && json_is_object(json_object_get(doc, "properties"))) {
        alone = json_array();
        if (alone == NULL || json_array_append(alone, doc) < 0)
            return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
        features = alone;
    }
    if (!json_is_array(features))
        return fl_err_set(err, FL_E_INVAL,
                          "no GeoJSON of GDACS: a Feature or a FeatureCollection is wanted");
    fl_arena_init(&run.arena, FL_FEED_ARENA_MAX);
    r = read_collection(&run, features);
    fl_arena_done(&run.arena);
    return r;
}
