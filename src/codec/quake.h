/*
 * quake.h - earthquakes of the USGS: GeoJSON summary feeds and the detail of one event.
 *
 * Source: earthquake.usgs.gov/earthquakes/feed/v1.0/geojson.php. Coordinates are lon, lat, depth;
 * times are milliseconds; `ids` is a list in commas of all names that networks gave the event, of
 * which the preferred one changes: they are all names of the event ("usgs:us6000pi9w"). Status
 * "deleted" is a cancel. A magnitude may be null. Of a detail the ShakeMap's grid is named and the
 * largest intensity taken. PAGER's alert becomes severity: green minor, yellow moderate, orange
 * severe, red extreme.
 */
#ifndef FL_CODEC_QUAKE_H
#define FL_CODEC_QUAKE_H

#include "codec/feed.h"

#define FL_QUAKE_EVENTS_MAX 50000u

/* As fl_feed_read(). */
int fl_quake_read(const struct fl_feed_source *source, struct fl_span bytes,
                  const struct fl_event_sink *sink, struct fl_err *err) FL_MUST_CHECK;

#endif
