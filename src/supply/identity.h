/*
 * identity.h - is this event one that is known? And what several feeds say of one event, put
 * together.
 *
 * The same event, in this order: a name in common (of ids, which USGS, GDACS, GLIDE, ATCF share);
 * a reference of CAP to a name of it; else, between different feeds only, the same family of types
 * and near in place and time (table in identity.c: earthquakes 100 km and 60 s with magnitudes
 * within 0.7, cyclones 300 km at the same hour, floods 150 km and 7 days, ...). An exercise is
 * never the same as what is actual; System, Test and Draft neither.
 *
 * Which feed wins: every member is taken from the feed that ranks highest for the family among
 * those that say it (earthquakes USGS, GDACS, CAP; cyclones track, CAP, GDACS; all else CAP, GDACS,
 * list; a person's own word before all), so the result does not depend on the order of arrival.
 * Names, countries, ports and entities are united. Severity is the worst said.
 */
#ifndef FL_SUPPLY_IDENTITY_H
#define FL_SUPPLY_IDENTITY_H

#include "codec/world_event.h"

enum fl_same {
    FL_SAME_NO,
    FL_SAME_NAME,      /* a name in common */
    FL_SAME_REFERENCE, /* one refers to the other */
    FL_SAME_NEAR       /* same family, near in place and time */
};
const char *fl_same_name(enum fl_same same); /* "no", "name", "reference", "near" */

enum fl_same fl_identity_same(const struct fl_world_event *a, const struct fl_world_event *b);

/* What an incoming event is to what its own feed said of it last (NULL: nothing yet). */
enum fl_incoming {
    FL_INCOMING_NEW,
    FL_INCOMING_UPDATE, /* a newer version: replaces */
    FL_INCOMING_CANCEL, /* ends it; a cancel of what is not known is kept, so that what comes late
                           does not rise */
    FL_INCOMING_UNCHANGED, /* the same version, or one that says nothing new */
    FL_INCOMING_OLD        /* older than what is there: kept in the history, changes nothing */
};
const char *fl_incoming_name(enum fl_incoming incoming); /* "new" */
enum fl_incoming fl_identity_incoming(const struct fl_world_event *before,
                                      const struct fl_world_event *event);

/*
 * Has its feed withdrawn an event that it does not list any more? Only feeds that list everything
 * of a window of time say so by silence (the USGS' summaries), and only of what falls into the
 * window: oldest_us is the earliest from_us of the answer. Others withdraw by a cancel.
 */
bool fl_identity_withdrawn(const struct fl_world_event *event, int64_t oldest_us);

/*
 * Windows within which candidates for fl_identity_same() must be looked for, around an event: so
 * many degrees of latitude and microseconds of from_us at most.
 */
double fl_identity_reach_km(const struct fl_world_event *event);
int64_t fl_identity_reach_us(const struct fl_world_event *event);

/*
 * One event out of what each feed said last. events[i] are current versions, one per feed, none
 * withdrawn; count 1 to FL_IDENTITY_FEEDS_MAX. The result borrows from them. It is a cancel only
 * when all are.
 */
#define FL_IDENTITY_FEEDS_MAX 16u
void fl_identity_merge(const struct fl_world_event *const *events, unsigned count,
                       struct fl_world_event *ret);

#endif
