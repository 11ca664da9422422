/*
 * feed.h - a file of events in the world, of whichever format: told from its first bytes, given to
 * its reader. The one entrance for whoever fetched something.
 */
#ifndef FL_CODEC_FEED_H
#define FL_CODEC_FEED_H

#include "codec/world_event.h"

#define FL_FEED_MAX ((size_t)32 << 20) /* bytes of one file */

enum fl_feed_format {
    FL_FEED_USGS,       /* GeoJSON summary feeds and event detail: quake.h */
    FL_FEED_GDACS,      /* RSS, or JSON where it begins so: gdacs.h */
    FL_FEED_GDACS_JSON, /* geteventdata, getgeometry, geteventlist: gdacs.h */
    FL_FEED_CAP,        /* CAP 1.1 and 1.2, alone, in Atom, RSS or EDXL-DE: cap.h */
    FL_FEED_JMA,        /* RSMC Tokyo best track: track.h */
    FL_FEED_HURDAT2,
    FL_FEED_IBTRACS,
    FL_FEED_JSON, /* anything with a mapping: event_list.h */
    FL_FEED_CSV,
    FL_FEED_FORMATS
};

struct fl_event_map; /* event_list.h */
struct fl_cap_trust; /* cap_sign.h */

struct fl_feed_source {
    struct fl_span name; /* of the feed; stands in each event */
    enum fl_feed_format format;
    const struct fl_event_map *map;   /* of FL_FEED_JSON and FL_FEED_CSV; NULL: our own names */
    const struct fl_cap_trust *trust; /* of FL_FEED_CAP; NULL: no certificate is known */
    int64_t received_us; /* issued_us of events that do not say when they were issued; 0 unknown */
};

/* "usgs", "gdacs", "gdacs-json", "cap", "jma", "hurdat2", "ibtracs", "list-json", "list-csv" */
const char *fl_feed_format_name(enum fl_feed_format format);
bool fl_feed_format_find(struct fl_span name, enum fl_feed_format *ret);

/* From the first bytes; false: nothing that is known. */
bool fl_feed_detect(struct fl_span bytes, enum fl_feed_format *ret);

/*
 * Every event and every refusal goes to the sink. FL_E_INVAL: the file as a whole is none of its
 * format; FL_E_LIMIT: it is over a stated limit; or what the sink answered.
 */
int fl_feed_read(const struct fl_feed_source *source, struct fl_span bytes,
                 const struct fl_event_sink *sink, struct fl_err *err) FL_MUST_CHECK;

#endif
