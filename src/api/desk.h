/*
 * desk.h - from an event in the world to a risk in each tenant's list, without anybody asking.
 *
 * Whoever stores an event, a version of it or its withdrawal says so (after the commit); a changed
 * network is seen within a second. What is to be calculated waits in a bounded queue per tenant,
 * each event once, the newest first; a few at a time go to a thread (work.h) and come back as rows
 * (db_risk.h). What was not done when the process ended is found again when it begins: an event
 * that changed after its risk was calculated, or a risk of another version of the network.
 */
#ifndef FL_API_DESK_H
#define FL_API_DESK_H

#include "api/route.h"
#include "db/db_risk.h"

/* An event (db_event.h) is new, changed, withdrawn or merged. */
void fl_api_event_changed(struct fl_api *api, uint32_t event);

/* A risk changed: "new", "changed", "ended", "muted", "unmuted", "verdict", "case". Listeners of
 * GET /risks/stream are told. */
void fl_api_risk_changed(struct fl_api *api, const struct fl_risk *risk, const char *what);

/* What the tenant wants to see has changed: all its risks are looked at again. */
void fl_api_desk_again(struct fl_api *api, uint32_t tenant);

/* About every second: changed networks, the queue, mutes and risks whose time is over. */
void fl_api_desk_tick(struct fl_api *api);
void fl_api_desk_free(struct fl_api *api);

struct fl_desk_stat {
    unsigned waiting, running; /* events of tenants */
    uint64_t done, failed;
    int64_t last_us, worst_us; /* from being told to the row: of the last, of the slowest */
};
void fl_api_desk_stat(const struct fl_api *api, struct fl_desk_stat *ret);
/* Why the tenant's network cannot be calculated with, or NULL. */
const char *fl_api_desk_problem(const struct fl_api *api, uint32_t tenant);
/* Events that are still to be looked at for the tenant. */
unsigned fl_api_desk_waiting(const struct fl_api *api, uint32_t tenant);

#endif
