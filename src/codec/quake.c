#include "codec/quake.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/feed_int.h"

static const char *const alerts[] = {"green", "yellow", "orange", "red", NULL};
static const char *const severities[] = {"minor", "moderate", "severe", "extreme"};

/* ",us6000pi9w,usc000abcd," */
static void add_ids(struct fl_feed_run *run, struct fl_span ids, struct fl_world_event *event)
{
    while (ids.len > 0) {
        const unsigned char *comma = memchr(ids.ptr, ',', ids.len);
        size_t len = comma == NULL ? ids.len : (size_t)(comma - ids.ptr);

        fl_feed_add_id(&run->arena, event,
                       "usgs:", fl_feed_lower(&run->arena, fl_span_of(ids.ptr, len)));
        len += comma == NULL ? 0 : 1;
        ids = fl_span_of(ids.ptr + len, ids.len - len);
    }
}

/* A time in milliseconds; false when there is none that can be. */
static bool time_of(const json_t *props, const char *key, int64_t *ret_us)
{
    double ms = fl_feed_js_num(props, key);

    if (!(ms > -62135596800e3 && ms < 253402300800e3)) /* years 1 to 9999 */
        return false;
    *ret_us = (int64_t)ms * 1000;
    return true;
}

static const char *read_place(const json_t *feature, struct fl_world_event *event)
{
    const json_t *at = json_object_get(json_object_get(feature, "geometry"), "coordinates");
    const json_t *lon = json_array_get(at, 0), *lat = json_array_get(at, 1),
                 *depth = json_array_get(at, 2);

    if (!json_is_number(lon) || !json_is_number(lat))
        return "geometry.coordinates: longitude and latitude are wanted";
    event->lat = json_number_value(lat);
    if (!fl_event_degrees(event->lat, json_number_value(lon), &event->lon))
        return "geometry.coordinates: no degrees";
    if (json_is_number(depth))
        event->depth_km = json_number_value(depth);
    if (!isnan(event->depth_km) && !(event->depth_km >= -20 && event->depth_km <= 1000))
        return "geometry.coordinates[2]: a depth of -20 to 1000 km is wanted";
    return NULL;
}

static const char *read_numbers(const json_t *props, struct fl_world_event *event)
{
    event->magnitude = fl_feed_js_num(props, "mag");
    if (!isnan(event->magnitude) && !(event->magnitude >= -5 && event->magnitude <= 12))
        return "properties.mag: -5 to 12 is wanted";
    event->mmi = fl_feed_js_num(props, "mmi");
    if (!isnan(event->mmi) && !(event->mmi >= 0 && event->mmi <= 12))
        return "properties.mmi: 0 to 12 is wanted";
    if (!time_of(props, "time", &event->from_us))
        return "properties.time: milliseconds since 1970 are wanted";
    if (json_object_get(props, "updated") != NULL && !time_of(props, "updated", &event->issued_us))
        return "properties.updated: milliseconds since 1970 are wanted";
    return NULL;
}

static void read_words(struct fl_feed_run *run, const json_t *props, struct fl_world_event *event)
{
    struct fl_span status = fl_feed_js_text(props, "status", &run->arena, 32),
                   alert = fl_feed_js_text(props, "alert", &run->arena, 32);
    int level = fl_feed_word(alert, alerts);

    event->title = fl_feed_js_text(props, "title", &run->arena, FL_EVENT_TITLE_MAX);
    event->place = fl_feed_js_text(props, "place", &run->arena, FL_EVENT_TITLE_MAX);
    event->url = fl_feed_url(fl_feed_js_text(props, "url", &run->arena, 1024));
    event->kind =
        fl_feed_name(&run->arena, "usgs:", fl_feed_js_text(props, "type", &run->arena, 64));
    event->category = FL_SPAN("geo");
    event->urgency = FL_SPAN("past");
    event->certainty =
        fl_span_eq(status, FL_SPAN("automatic")) ? FL_SPAN("likely") : FL_SPAN("observed");
    if (level >= 0)
        event->severity = fl_span_str(severities[level]);
    if (fl_feed_js_num(props, "tsunami") == 1)
        event->text = FL_SPAN("The tsunami flag is set.");
    if (fl_span_eq(status, FL_SPAN("deleted")))
        event->message = FL_EVENT_CANCEL;
}

/* Of a detail: the preferred ShakeMap is the first. */
static void read_shakemap(struct fl_feed_run *run, const json_t *props,
                          struct fl_world_event *event)
{
    const json_t *map =
        json_array_get(json_object_get(json_object_get(props, "products"), "shakemap"), 0);
    const json_t *grid = json_object_get(json_object_get(map, "contents"), "download/grid.xml");
    struct fl_span mmi =
        fl_feed_js_text(json_object_get(map, "properties"), "maxmmi", &run->arena, 32);
    double value;

    event->grid = fl_feed_url(fl_feed_js_text(grid, "url", &run->arena, 1024));
    if (isnan(event->mmi) && fl_feed_number(mmi, &value) && value >= 0 && value <= 12)
        event->mmi = value;
}

static int read_feature(struct fl_feed_run *run, const json_t *feature, size_t number)
{
    const json_t *props = json_object_get(feature, "properties");
    struct fl_world_event event;
    struct fl_span id;
    const char *why;
    char place[32];

    fl_arena_clear(&run->arena);
    fl_world_event_init(&event);
    id = fl_feed_js_text(feature, "id", &run->arena, 64);
    (void)snprintf(place, sizeof place, "features[%zu]", number);
    if (id.len == 0)
        return fl_feed_refuse(run, fl_span_str(place), "id: a name is wanted");
    if (!json_is_object(props))
        return fl_feed_refuse(run, id, "properties: an object is wanted");
    why = read_place(feature, &event);
    if (why == NULL)
        why = read_numbers(props, &event);
    if (why != NULL)
        return fl_feed_refuse(run, id, "%s", why);
    fl_feed_add_id(&run->arena, &event, "usgs:", fl_feed_lower(&run->arena, id));
    add_ids(run, fl_feed_js_text(props, "ids", &run->arena, 2048), &event);
    read_words(run, props, &event);
    read_shakemap(run, props, &event);
    if (event.id_count == 0)
        return fl_feed_refuse(run, id, "id: no room for it");
    return fl_feed_emit(run, &event);
}

static int read_document(struct fl_feed_run *run, const json_t *doc)
{
    const json_t *features = json_object_get(doc, "features");
    struct fl_span type = fl_feed_js_text(doc, "type", &run->arena, 32);
    int r = FL_OK;

    if (fl_span_eq(type, FL_SPAN("Feature")))
        return read_feature(run, doc, 0);
    if (!fl_span_eq(type, FL_SPAN("FeatureCollection")) || !json_is_array(features))
        return fl_err_set(run->err, FL_E_INVAL,
                          "no GeoJSON of the USGS: a Feature or a FeatureCollection is wanted");
    if (json_array_size(features) > FL_QUAKE_EVENTS_MAX)
        return fl_err_set(run->err, FL_E_LIMIT, "%zu earthquakes are more than %u",
                          json_array_size(features), FL_QUAKE_EVENTS_MAX);
    for (size_t i = 0; r >= 0 && i < json_array_size(features); i++)
        r = read_feature(run, json_array_get(features, i), i);
    return r < 0 ? r : FL_OK;
}

int fl_quake_read(const struct fl_feed_source *source, struct fl_span bytes,
                  const struct fl_event_sink *sink, struct fl_err *err)
{
    struct fl_feed_run run = {.source = source, .sink = sink, .err = err};
    FL_AUTO(fl_feed_json_freep) json_t *doc = NULL;
    int r = fl_feed_json(bytes, &doc, err);

    if (r < 0)
        return r;
    fl_arena_init(&run.arena, FL_FEED_ARENA_MAX);
    r = read_document(&run, doc);
    fl_arena_done(&run.arena);
    return r;
}
