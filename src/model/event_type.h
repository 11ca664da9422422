/*
 * event_type.h - the catalogue of destabilizing events: 365 types in 19 families, shipped as
 * data/event_types.csv and made into C. Severity, days, radius and half-life are starting values by
 * judgement, to be shown as such.
 */
#ifndef FL_MODEL_EVENT_TYPE_H
#define FL_MODEL_EVENT_TYPE_H

#include "codec/world_event.h"

#define FL_EVENT_TYPES    365u
#define FL_EVENT_FAMILIES 19u

enum fl_footprint {
    FL_FOOTPRINT_POINT,
    FL_FOOTPRINT_RADIUS,
    FL_FOOTPRINT_REGION,
    FL_FOOTPRINT_COUNTRY,
    FL_FOOTPRINT_GLOBAL
};

/* How it meets sites: by place (point, circle, polygon, track), by the supplier's name, by country,
 * by port, all of them. */
enum fl_event_match {
    FL_MATCH_PLACE,
    FL_MATCH_ENTITY,
    FL_MATCH_COUNTRY,
    FL_MATCH_PORT,
    FL_MATCH_GLOBAL
};

/* Who tells of it; a type may have several. */
enum fl_detection {
    FL_DETECT_USGS = 1,
    FL_DETECT_GDACS = 2,
    FL_DETECT_CAP = 4,
    FL_DETECT_TRACK = 8,
    FL_DETECT_LIST = 16,
    FL_DETECT_PERSON = 32
};

struct fl_event_type {
    const char *code; /* "GEO-001"; the family is its first three letters */
    const char *name, *description, *source;
    const char *cap_category; /* "geo", lower case */
    const char *drill;        /* name of the drill script that fits: "earthquake" */
    double radius_km;         /* of a point event that does not say its own; 0: none by place */
    double days;              /* how long a site that is hit is out, typically */
    double half_life_days;    /* of an alert's weight in a score */
    unsigned char family;     /* index of fl_event_families */
    unsigned char severity;   /* 1 to 5 */
    unsigned char footprint;  /* enum fl_footprint */
    unsigned char match;      /* enum fl_event_match */
    unsigned char detection;  /* bits of enum fl_detection */
};

struct fl_event_family {
    const char *code, *name; /* "GEO", "Geophysical" */
    unsigned first, count;   /* of fl_event_types */
};

extern const struct fl_event_type fl_event_types[FL_EVENT_TYPES]; /* by family, then code */
extern const struct fl_event_family fl_event_families[FL_EVENT_FAMILIES];
extern const char fl_event_types_version[];

const char *fl_footprint_name(enum fl_footprint footprint); /* "point" */
const char *fl_event_match_name(enum fl_event_match match); /* "place" */

const struct fl_event_type *fl_event_type_find(struct fl_span code); /* NULL: there is none */

/*
 * The type an event belongs to: its own code where the catalogue has it, else from `kind` (what the
 * feed calls it), with magnitude and wind, else from CAP's category. NULL: it cannot be told.
 */
const struct fl_event_type *fl_event_type_of(const struct fl_world_event *event);

#endif
