/*
 * db_event.h - the control database (db.h): feeds, what they gave, and the events in the world with
 * all that was said of them.
 *
 * An event is one row however many feeds tell of it; its JSON (codec/world_event.h) is what they
 * say together. tenant 0: from feeds, everyone's; else typed by people of that tenant. An event
 * that turned out to be another one keeps its number and points there (merged_into).
 */
#ifndef FL_DB_DB_EVENT_H
#define FL_DB_DB_EVENT_H

#include "codec/world_event.h"
#include "db/db.h"
#include "model/feed.h"

#define FL_DB_REFUSED_PER_FEED 200u   /* the oldest go first */
#define FL_DB_VERSIONS_MAX     400u   /* of one event; beyond, the second oldest goes */
#define FL_DB_EVENTS_TYPED_MAX 20000u /* of a tenant */

/* ---- feeds, by slug ---- */

int fl_db_feed_add(struct fl_db *db, struct fl_feed *feed, struct fl_err *err)
    FL_MUST_CHECK; /* checks; fills id, host */
int fl_db_feed_get(struct fl_db *db, const char *slug, struct fl_feed *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_feed_by_id(struct fl_db *db, uint32_t id, struct fl_feed *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_feed_set(struct fl_db *db, struct fl_feed *feed, struct fl_err *err)
    FL_MUST_CHECK; /* the whole row; checks */
int fl_db_feed_remove(struct fl_db *db, const char *slug, struct fl_err *err) FL_MUST_CHECK;
int fl_db_feeds(struct fl_db *db, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_feed *feed), void *ctx, struct fl_db_list *ret,
                struct fl_err *err) FL_MUST_CHECK;
/* The enabled ones that are due, longest first. */
int fl_db_feeds_due(struct fl_db *db, int64_t now_us, uint32_t limit,
                    int (*fn)(void *ctx, const struct fl_feed *feed), void *ctx, struct fl_err *err)
    FL_MUST_CHECK;
/* No feed of this host is looked at before then. */
int fl_db_feeds_hold(struct fl_db *db, const char *host, int64_t until_us, struct fl_err *err)
    FL_MUST_CHECK;

/* ---- what was refused ---- */

struct fl_db_refused {
    uint32_t id, feed;
    int64_t first_us, at_us;
    uint64_t count;                   /* how often the same came */
    struct fl_span why, source, head; /* of a list: borrowed until fn returns */
    uint64_t bytes;
};
int fl_db_refused_add(struct fl_db *db, const struct fl_db_refused *refused, struct fl_err *err)
    FL_MUST_CHECK;
/* Latest first. */
int fl_db_refused(struct fl_db *db, uint32_t feed, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_db_refused *refused), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- events ---- */

struct fl_db_event {
    uint32_t id, tenant;
    char feed[FL_SLUG_MAX + 1]; /* that told of it first; "" typed by a person */
    char type[16];              /* code of the catalogue, or "" */
    char title[FL_EVENT_TITLE_MAX + 1];
    char severity[16];
    uint32_t status;              /* enum fl_event_status */
    uint32_t version;             /* from 1 */
    int64_t withdrawn_us;         /* 0: it stands */
    int64_t first_us, changed_us; /* when we heard of it first, of its last version */
    int64_t issued_us, from_us, until_us;
    bool placed; /* lat and lon are known */
    int64_t lat_e6, lon_e6;
    uint32_t merged_into; /* 0: it is itself */
};

/* The columns that an event's JSON decides: title, type (of the catalogue), times, place, ...; the
 * rest stays. */
void fl_db_event_fill(struct fl_db_event *row, const struct fl_world_event *event);

/* Adds with version 1, or writes the next version of row->id (row->version is counted up). json is
 * the event from then on; what, who, feed stand in its history. Between begin and commit. */
int fl_db_event_put(struct fl_db *db, struct fl_db_event *row, struct fl_span json,
                    const char *what, const char *who, const char *feed, struct fl_err *err)
    FL_MUST_CHECK;
/* A line of the history that changes nothing: what came too late. */
int fl_db_event_note(struct fl_db *db, struct fl_db_event *row, struct fl_span json,
                     const char *what, const char *feed, int64_t now_us, struct fl_err *err)
    FL_MUST_CHECK;
/* By number, also one that is merged or withdrawn. json (may be NULL) is appended to. */
int fl_db_event_get(struct fl_db *db, uint32_t id, struct fl_db_event *ret, struct fl_buf *json,
                    struct fl_err *err) FL_MUST_CHECK;
/* FL_E_NOENT: nobody called anything so. */
int fl_db_event_by_name(struct fl_db *db, uint32_t tenant, struct fl_span name, uint32_t *ret,
                        struct fl_err *err) FL_MUST_CHECK;
/* The name is this event's from now on; whatever it was before. */
int fl_db_event_name(struct fl_db *db, uint32_t tenant, struct fl_span name, uint32_t event,
                     struct fl_err *err) FL_MUST_CHECK;

/* What a feed said of it last: appended to json. FL_E_NOENT. */
int fl_db_report_get(struct fl_db *db, uint32_t event, const char *feed, struct fl_buf *json,
                     struct fl_err *err) FL_MUST_CHECK;
int fl_db_report_set(struct fl_db *db, uint32_t event, const char *feed, struct fl_span json,
                     int64_t from_us, int64_t now_us, struct fl_err *err) FL_MUST_CHECK;
/* Of all feeds, latest first. */
int fl_db_reports(struct fl_db *db, uint32_t event,
                  int (*fn)(void *ctx, struct fl_span feed, int64_t received_us,
                            struct fl_span json),
                  void *ctx, struct fl_err *err) FL_MUST_CHECK;

/* `from` is the same as `into`: its names and reports go there, it stays as a pointer. */
int fl_db_event_merge(struct fl_db *db, uint32_t from, uint32_t into, int64_t now_us,
                      struct fl_err *err) FL_MUST_CHECK;

/* Candidates for the same event: of tenant 0, placed, within the box, begun within the times; at
 * most limit. */
struct fl_db_event_near {
    int64_t from_us, to_us;
    int64_t south_e6, north_e6;
};
int fl_db_events_near(struct fl_db *db, const struct fl_db_event_near *near, uint32_t limit,
                      int (*fn)(void *ctx, const struct fl_db_event *event), void *ctx,
                      struct fl_err *err) FL_MUST_CHECK;

/* Numbers of those of which this feed tells, begun since. */
int fl_db_events_of_feed(struct fl_db *db, const char *feed, int64_t from_us,
                         int (*fn)(void *ctx, uint32_t id), void *ctx, struct fl_err *err)
    FL_MUST_CHECK;

/* Events of feeds and of the tenant, latest change first; merged ones are left out. */
struct fl_db_event_pick {
    uint32_t tenant;
    int standing;     /* 1: not withdrawn; 0: withdrawn; -1: both */
    int typed;        /* 1: by the tenant's people; 0: by feeds; -1: both */
    const char *type; /* code or its family; NULL: any */
    int64_t since_us; /* changed since */
};
int fl_db_events(struct fl_db *db, const struct fl_db_event_pick *pick, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_db_event *event), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
/* How many were heard of (first) and changed since then, of feeds and the tenant. */
int fl_db_events_count(struct fl_db *db, uint32_t tenant, int64_t since_us, uint64_t *ret_new,
                       uint64_t *ret_changed, struct fl_err *err) FL_MUST_CHECK;
/* How many people of the tenant typed. */
int fl_db_events_typed(struct fl_db *db, uint32_t tenant, uint64_t *ret, struct fl_err *err)
    FL_MUST_CHECK;
/* Numbers of those that stand and are not over at now: for whoever calculates anew. */
int fl_db_events_living(struct fl_db *db, uint32_t tenant, int64_t changed_since_us,
                        int (*fn)(void *ctx, uint32_t id), void *ctx, struct fl_err *err)
    FL_MUST_CHECK;

struct fl_db_version {
    uint32_t event, version;
    int64_t at_us;
    struct fl_span feed, what, who, json; /* borrowed until fn returns */
};
/* Oldest first. */
int fl_db_versions(struct fl_db *db, uint32_t event, struct fl_db_page page,
                   int (*fn)(void *ctx, const struct fl_db_version *version), void *ctx,
                   struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* Those of tenants that were removed. */
int fl_db_events_forget(struct fl_db *db, struct fl_err *err) FL_MUST_CHECK;

#endif
