/*
 * world_event.h - an event in the world, as every feed's reader gives it and as it is kept: what,
 * where, when, how sure, from whom. And its JSON form, the one in which it travels between
 * processes, stands in the database and goes out of the API.
 *
 * Readers of feeds (quake.h, gdacs.h, cap.h, track.h, ...) are pure: bytes in, events out, in an
 * arena. Text comes from outside: lengths are limited, control characters are blanks.
 * Coordinates are degrees, WGS 84; lon from -180 to 180. Unknown numbers are NAN, unknown times 0.
 */
#ifndef FL_CODEC_WORLD_EVENT_H
#define FL_CODEC_WORLD_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "codec/json.h"

#define FL_EVENT_IDS_MAX    24u    /* names of one event, over all feeds */
#define FL_EVENT_POINTS_MAX 20000u /* of all rings together */
#define FL_EVENT_RINGS_MAX  512u
#define FL_EVENT_FIXES_MAX  512u
#define FL_EVENT_LIST_MAX   256u /* countries, ports, entities */
#define FL_EVENT_TITLE_MAX  255u
#define FL_EVENT_TEXT_MAX   4096u
#define FL_EVENT_JSON_MAX   ((size_t)1 << 20)

/* CAP 1.2, 3.2.1 alert.status and alert.msgType; other feeds are brought to the same words. */
enum fl_event_status {
    FL_EVENT_ACTUAL,
    FL_EVENT_EXERCISE,
    FL_EVENT_SYSTEM,
    FL_EVENT_TEST,
    FL_EVENT_DRAFT
};
enum fl_event_message { FL_EVENT_ALERT, FL_EVENT_UPDATE, FL_EVENT_CANCEL };

struct fl_event_point {
    double lat, lon;
};

/* One ring, closed (the last point is not repeated). Rings of a polygon follow each other: the
 * first is its outside, those with `hole` behind it are cut out. A ring may cross the antimeridian:
 * each step then is the shorter way round. */
struct fl_event_ring {
    struct fl_event_point *points;
    uint32_t count;
    bool hole;
};

struct fl_event_circle {
    double lat, lon, radius_km;
};

/* A position of a cyclone's centre. Winds are 1- or 10-minute means, as wind_minutes says. */
struct fl_event_fix {
    int64_t at_us;
    bool forecast;
    double lat, lon;
    double wind_ms, pressure_hpa, outer_hpa;
    double error_km;        /* of a forecast: radius of the cone */
    double radius_km[3][4]; /* of 34, 50, 64 kt; NE, SE, SW, NW */
};

struct fl_world_event {
    struct fl_span ids[FL_EVENT_IDS_MAX]; /* "usgs:us6000pi9w", "gdacs:EQ1102983", "glide:EQ-...";
                                             the first is the feed's own */
    uint32_t id_count;
    struct fl_span references[FL_EVENT_IDS_MAX]; /* of CAP: what it updates or cancels */
    uint32_t reference_count;
    struct fl_span feed; /* name of the feed it came from; "" typed by a person */
    struct fl_span type; /* code of the catalogue, "GEO-001"; "" not known */
    struct fl_span kind; /* what the feed calls it, from which model/event_type.h makes the type:
                            "usgs:quarry blast", "gdacs:TC", "cap:flash flood warning" */
    struct fl_span category; /* CAP's, lower case: "met"; "" unknown */
    struct fl_span title, text, place, url, sender;
    struct fl_span grid; /* address of an earthquake's ShakeMap grid.xml; "" there is none */
    enum fl_event_status status;
    enum fl_event_message message;
    struct fl_span urgency, severity, certainty; /* CAP's words, lower case; "" unknown */
    int64_t issued_us;                           /* of this version */
    int64_t from_us, until_us;                   /* of the event; 0 unknown, open */
    double probability;       /* that it happens or happened; NAN: as certainty says */
    double days;              /* how long a site that is hit is expected to be down; NAN: by type */
    bool signature, verified; /* CAP: has one; it was checked against a known certificate */

    /* Where. Any of these; none: by country or entity alone. */
    double lat, lon;            /* epicentre, port, address */
    double depth_km, magnitude; /* earthquakes */
    double mmi;                 /* largest reported */
    double radius_km;           /* of a point event; NAN: by type */
    struct fl_event_ring *rings;
    uint32_t ring_count;
    struct fl_event_circle *circles;
    uint32_t circle_count;
    struct fl_event_fix *fixes; /* by time */
    uint32_t fix_count;
    uint32_t wind_minutes;                       /* 1 or 10 */
    struct fl_span countries[FL_EVENT_LIST_MAX]; /* ISO 3166-1 alpha-2 */
    uint32_t country_count;
    struct fl_span ports[FL_EVENT_LIST_MAX]; /* UN/LOCODE */
    uint32_t port_count;
    struct fl_span entities[FL_EVENT_LIST_MAX]; /* names or ids of suppliers */
    uint32_t entity_count;
    struct fl_span areas; /* CAP's areaDesc and geocodes that could not be placed; for people */
};

/* Names of one event, over all feeds, are at most so long. */
#define FL_EVENT_ID_MAX 255u

/* Everything unknown. */
void fl_world_event_init(struct fl_world_event *event);

/* One object; members that are unknown are left out. */
void fl_world_event_write(const struct fl_world_event *event, struct fl_json *json,
                          const char *key);

/* Everything is checked and copied into arena. FL_E_INVAL names the member ("rings[2]: ..."). */
int fl_world_event_read(struct fl_span text, struct fl_arena *arena, struct fl_world_event *ret,
                        struct fl_err *err) FL_MUST_CHECK;

/*
 * For readers. Text from outside as it may stand in an event: well-formed UTF-8, control characters
 * and runs of blanks one blank, trimmed, cut at max bytes on a character. ptr NULL: no memory.
 */
struct fl_span fl_event_clean(struct fl_arena *arena, struct fl_span text, size_t max);
/* Append when it is new and there is room. */
void fl_event_add(struct fl_span *list, uint32_t *count, uint32_t max, struct fl_span item);
/* lon brought into -180..180; false when they are no degrees. */
bool fl_event_degrees(double lat, double lon, double *ret_lon);
/* Rings and circles in place, brought within FL_EVENT_POINTS_MAX and FL_EVENT_RINGS_MAX: points
 * nearer than a rising tolerance to their neighbour go, then rings that are smaller than it.
 * *ret_km: the tolerance that was needed, 0 none. */
void fl_event_thin(struct fl_world_event *event, double *ret_km);

const char *fl_event_status_name(enum fl_event_status status);    /* "actual" */
const char *fl_event_message_name(enum fl_event_message message); /* "alert" */

/*
 * What a reader of a feed calls: once per event in the file (the event lives until the call
 * returns), and once per part that is refused, with the reason. A negative answer ends the reading.
 */
struct fl_event_sink {
    int (*event)(void *ctx, const struct fl_world_event *event);
    int (*refused)(void *ctx, struct fl_span what, const char *why);
    /* An entry that only links to its alert, which is to be fetched. NULL: it is refused, saying
     * so. */
    int (*link)(void *ctx, struct fl_span url);
    void *ctx;
};

#endif
