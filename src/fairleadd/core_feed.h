/* core_feed.h - inside core: what becomes of an event that a feed told of. */
#ifndef FL_FAIRLEADD_CORE_FEED_H
#define FL_FAIRLEADD_CORE_FEED_H

#include "codec/world_event.h"
#include "db/db_event.h"

#define FL_EVENT_FOUND_MAX 16u

struct fl_event_taken {
    uint32_t event;                      /* its number */
    bool changed;                        /* another version of it stands */
    int64_t from_us;                     /* of the incoming */
    uint32_t merged[FL_EVENT_FOUND_MAX]; /* those that turned out to be the same */
    unsigned merged_count;
};

/*
 * One event of a feed, between begin and commit: found again by its names, by what it refers to, or
 * near in place and time (supply/identity.h); what all feeds say of it put together; stored as a
 * version where that says something new. FL_E_INVAL: it is no event.
 */
int fl_event_take(struct fl_db *db, const char *feed, struct fl_span json, int64_t now_us,
                  struct fl_event_taken *ret, struct fl_err *err) FL_MUST_CHECK;

/*
 * The feed does not list it any more, and it is one of those that say so by silence: its report
 * becomes a cancel. *ret_changed false: it is none such.
 */
int fl_event_silent(struct fl_db *db, const char *feed, uint32_t event, int64_t oldest_us,
                    int64_t now_us, bool *ret_changed, struct fl_err *err) FL_MUST_CHECK;

#endif
