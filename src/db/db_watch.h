/* db_watch.h - the control database (db.h): alarms with their history, and saved searches. */
#ifndef FL_DB_DB_WATCH_H
#define FL_DB_DB_WATCH_H

#include "db/db.h"
#include "model/alarm.h"
#include "model/search.h"

/* ---- alarms ---- */

enum fl_alarm_state { FL_ALARMS_OPEN, FL_ALARMS_CLEARED, FL_ALARMS_ALL };

struct fl_db_alarm_pick {
    bool all_tenants; /* else of tenant alone (0: the instance) */
    uint32_t tenant;
    enum fl_alarm_state state;
    int severity;       /* -1: any */
    const char *owner;  /* NULL: any; "": nobody's */
    const char *object; /* NULL: any */
    const char *site;   /* NULL: any */
};

/*
 * Raise: the alarm that stands or was cleared at most FL_ALARM_BACK_US ago comes back, else a new
 * one. Fills *ret. One event each. Between fl_db_begin() and commit, as the two below.
 */
int fl_db_alarm_raise(struct fl_db *db, const struct fl_fact *fact, int64_t now_us,
                      struct fl_alarm *ret, struct fl_err *err) FL_MUST_CHECK;
/* Title, severity and last sighting; an event where the severity changes. */
int fl_db_alarm_change(struct fl_db *db, uint32_t id, const struct fl_fact *fact, int64_t now_us,
                       struct fl_alarm *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_db_alarm_clear(struct fl_db *db, uint32_t id, int64_t now_us, struct fl_alarm *ret,
                      struct fl_err *err) FL_MUST_CHECK;
int fl_db_alarm_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_alarm *ret,
                    struct fl_err *err) FL_MUST_CHECK;
/* What the operator sets; checked. */
int fl_db_alarm_set(struct fl_db *db, const struct fl_alarm *alarm, int64_t now_us,
                    struct fl_err *err) FL_MUST_CHECK;
int fl_db_alarm_note(struct fl_db *db, const struct fl_alarm_event *event, struct fl_err *err)
    FL_MUST_CHECK;
/* Newest first. */
int fl_db_alarms(struct fl_db *db, const struct fl_db_alarm_pick *pick, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_alarm *alarm), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
/* Oldest first. */
int fl_db_alarm_events(struct fl_db *db, uint32_t alarm, struct fl_db_page page,
                       int (*fn)(void *ctx, const struct fl_alarm_event *event), void *ctx,
                       struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
/* How many stand, by severity. */
int fl_db_alarm_counts(struct fl_db *db, uint32_t tenant, uint64_t ret[FL_SEVERITIES],
                       struct fl_err *err) FL_MUST_CHECK;
/* Those that were cleared before, and those of tenants that were removed. */
int fl_db_alarms_forget(struct fl_db *db, int64_t before_us, struct fl_err *err) FL_MUST_CHECK;

/* ---- saved searches ---- */

int fl_db_search_add(struct fl_db *db, struct fl_search *search, struct fl_err *err)
    FL_MUST_CHECK; /* FL_E_LIMIT beyond FL_SEARCHES_MAX */
int fl_db_search_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_search *ret,
                     struct fl_err *err) FL_MUST_CHECK;
int fl_db_search_set(struct fl_db *db, const struct fl_search *search, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_search_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
    FL_MUST_CHECK;
/* By name. */
int fl_db_searches(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                   int (*fn)(void *ctx, const struct fl_search *search), void *ctx,
                   struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
/* The enabled ones that are due, longest first. */
int fl_db_searches_due(struct fl_db *db, int64_t now_us, uint32_t limit,
                       int (*fn)(void *ctx, const struct fl_search *search), void *ctx,
                       struct fl_err *err) FL_MUST_CHECK;
/* The enabled ones of all tenants. */
int fl_db_searches_enabled(struct fl_db *db, int (*fn)(void *ctx, const struct fl_search *search),
                           void *ctx, struct fl_err *err) FL_MUST_CHECK;

#endif
