/*
 * gdacs.h - GDACS (gdacs.org): its RSS feed and the JSON of its API. Its CAP is read by cap.h.
 *
 * The bbox of the RSS is "lonmin lonmax latmin latmax", that of the JSON lonmin, latmin, lonmax,
 * latmax. It is the window of a map and becomes the area only of droughts, floods and wildfires,
 * where it holds the point. iso3 is one country of several. Times without a zone are UTC.
 * Names: "gdacs:EQ1200043", "glide:TC-2019-000176-PHL", and of earthquakes whose source is the NEIC
 * "usgs:us6000pi9w". An alert level becomes severity: green minor, orange severe, red extreme.
 * A collection of the API (an event and its geometry) becomes one event per event id; polygons of
 * class Poly_Cones (where the centre may go) are left out, those too fine are thinned.
 */
#ifndef FL_CODEC_GDACS_H
#define FL_CODEC_GDACS_H

#include "codec/feed.h"

#define FL_GDACS_EVENTS_MAX 5000u

/* As fl_feed_read(). */
int fl_gdacs_rss_read(const struct fl_feed_source *source, struct fl_span bytes,
                      const struct fl_event_sink *sink, struct fl_err *err) FL_MUST_CHECK;
int fl_gdacs_json_read(const struct fl_feed_source *source, struct fl_span bytes,
                       const struct fl_event_sink *sink, struct fl_err *err) FL_MUST_CHECK;

#endif
