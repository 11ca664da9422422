/*
 * demo_model.h - a working day of two invented companies, as log lines of their firewalls.
 *
 * One has three sites (an office that keeps German hours, one that keeps French ones, a plant in
 * Portugal that works in three shifts), six devices, some seventy people; the other, a tenant of
 * its own, has a shop with one device. Both have applications and websites with the weights of an
 * office network; link troubles, an attack, blocked websites, and the small deviations from RFC
 * 5424 that real devices show. Names of people and addresses are invented; public addresses are of
 * the documentation ranges (RFC 5737).
 *
 * Pure: the same seed and times give the same bytes. No clock, no I/O; memory is bounded
 * (FL_DEMO_SESSIONS_MAX sessions at once).
 */
#ifndef FL_CLI_DEMO_MODEL_H
#define FL_CLI_DEMO_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_DEMO_TENANTS      2
#define FL_DEMO_SITES        4
#define FL_DEMO_DEVICES      7
#define FL_DEMO_REPLAY       5 /* the device that sends no sessions: recorded lines go through it */
#define FL_DEMO_SESSIONS_MAX 4096

struct fl_demo_tenant {
    const char *slug, *name;
};

struct fl_demo_site {
    const char *slug, *name, *city, *country;
    double lat, lon;  /* degrees */
    int utc_offset_h; /* standard time, all year */
    unsigned tenant;
};

struct fl_demo_device {
    const char *slug, *name;
    unsigned site;
};

extern const struct fl_demo_tenant fl_demo_tenants[FL_DEMO_TENANTS];
extern const struct fl_demo_site fl_demo_sites[FL_DEMO_SITES];
extern const struct fl_demo_device fl_demo_devices[FL_DEMO_DEVICES];

/* Settings that make the tenant leave out the far site's copies of sessions between sites. */
#define FL_DEMO_FAR_ZONES     "from-wan"
#define FL_DEMO_FAR_INSTANCES "LAN-*"

enum fl_demo_kind {
    FL_DEMO_TRAFFIC,
    FL_DEMO_BLOCKED, /* a website that the policy forbids */
    FL_DEMO_DENIED,
    FL_DEMO_SLA,    /* a link does not keep its promise, or does again */
    FL_DEMO_PATH,   /* traffic took another link */
    FL_DEMO_ATTACK, /* intrusion detection or a screen */
    FL_DEMO_LINK,   /* up, down */
    FL_DEMO_SYSTEM,
    FL_DEMO_KIND_COUNT
};

struct fl_demo_line {
    int64_t at_us; /* the time in the line */
    unsigned device;
    enum fl_demo_kind kind;
    bool odd;            /* deviates from RFC 5424 as real devices do, and can be understood */
    struct fl_span text; /* borrowed until the next call */
};

struct fl_demo;

/* Time begins at from_us. */
int fl_demo_new(uint64_t seed, int64_t from_us, struct fl_demo **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_demo_free(struct fl_demo *d);

/* 1 and the next line in order of time, or 0 when it would be at until_us or later. */
int fl_demo_next(struct fl_demo *d, int64_t until_us, struct fl_demo_line *ret);

/*
 * From at_us on somebody is watching: about lines_per_s lines whatever the hour, and within the
 * first minute, then every ten, a blocked website, a link that breaks its promise, an attack.
 */
void fl_demo_watched(struct fl_demo *d, int64_t at_us, double lines_per_s);

/* Sessions that are open now. */
size_t fl_demo_open(const struct fl_demo *d);
/* No further session begins; those that are open close in their time. */
void fl_demo_wind_down(struct fl_demo *d);

#endif
