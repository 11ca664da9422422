/*
 * core.h - inside the core role: what its files share.
 *
 * role_core.c links, opens the control database and keeps time; core_client.c serves the local
 * socket; core_table.c tells ingest and store who may send and what is kept; core_note.c writes
 * down what the other roles report. All on one loop; nothing here blocks but the database.
 */
#ifndef FL_FAIRLEADD_CORE_H
#define FL_FAIRLEADD_CORE_H

#include "api/api.h"
#include "api/board.h"
#include "base/buf.h"
#include "db/db.h"
#include "fairleadd/role.h"
#include "model/rogue.h"
#include "trust/audit.h"

#define FL_CORE_CLIENTS_MAX 128u
#define FL_CORE_ROGUES_MAX  256u /* that wait for the database */
#define FL_CORE_EVENTS_MAX  256u

struct fl_core_client;

struct fl_core_event { /* reported before the record was open */
    enum fl_role from;
    struct fl_buf payload;
};

struct fl_core {
    struct fl_role_env *env;
    struct fl_api *api;
    struct fl_live *live;
    struct fl_board *board;
    struct fl_core_alarms *alarms;     /* core_alarm.c */
    struct fl_core_searches *searches; /* core_search.c */
    struct fl_work *work;              /* core_supply.c: threads, networks of supply */
    struct fl_core_feeds *feeds;       /* core_feed.c */
    struct fl_core_notices *notices;   /* core_notice.c */
    struct fl_db *db;                  /* NULL until keys gave its key */
    struct fl_audit *audit;            /* likewise */
    struct fl_imsg *link[FL_ROLE_COUNT];
    struct fl_watch *tick, *tell;
    char open_problem[400]; /* said already */
    bool key_asked;

    struct fl_watch *accept[FL_ROLE_MAX_LISTENERS];
    int accept_fd[FL_ROLE_MAX_LISTENERS]; /* the environment's */
    size_t accepts;
    struct fl_core_web *web;        /* what web forwards; core_web.c */
    struct fl_core_client *clients; /* list */
    size_t client_count;

    uint64_t generation;  /* of the table of senders */
    unsigned tell_what;   /* bits of enum fl_changed that wait for the timer */
    size_t table_devices; /* rows of the last table */

    struct fl_rogue rogues[FL_CORE_ROGUES_MAX];
    size_t rogue_count;
    uint64_t rogues_skipped;
    struct fl_core_event events[FL_CORE_EVENTS_MAX];
    size_t event_count;
    uint64_t events_skipped;
    unsigned ticks;
};

/* Ids of core's own questions; those of the api begin at FL_API_ID_FIRST. */
enum {
    FL_CORE_ID_DB_KEY = 1,
    FL_CORE_ID_GRANT = 2,
    FL_CORE_ID_HEALTH = 3,
    FL_CORE_ID_ALARM_STORE = 16,
    FL_CORE_ID_ALARM_ROLES = 17,
    FL_CORE_ID_SEARCH = 32, /* and some behind it */
    FL_CORE_ID_FEED = 0x1000,
    FL_CORE_ID_NOTICE = 0x2000
};

/* ---- core_client.c ---- */

int fl_core_listen(struct fl_core *core, struct fl_err *err) FL_MUST_CHECK;
void fl_core_clients_tick(struct fl_core *core); /* ends idle ones */
void fl_core_clients_free(struct fl_core *core);

/* ---- core_web.c ---- */

int fl_core_web_new(struct fl_core *core, struct fl_err *err) FL_MUST_CHECK;
void fl_core_web_free(struct fl_core *core);
void fl_core_web_link(struct fl_core *core, int fd);
void fl_core_web_tick(struct fl_core *core);
/* True: it was the answer to a question of health. */
bool fl_core_web_health(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in);

/* ---- core_alarm.c: what is wrong ---- */

int fl_core_alarms_new(struct fl_core *core, struct fl_err *err) FL_MUST_CHECK;
void fl_core_alarms_free(struct fl_core *core);
void fl_core_alarms_tick(struct fl_core *core); /* every second */
/* True: it was the answer to a question of its own. */
bool fl_core_alarms_message(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in);
void fl_core_alarms_lost(struct fl_core *core, enum fl_role role);

/* ---- core_search.c: saved searches that run by themselves ---- */

int fl_core_searches_new(struct fl_core *core, struct fl_err *err) FL_MUST_CHECK;
void fl_core_searches_free(struct fl_core *core);
void fl_core_searches_tick(struct fl_core *core); /* every second */
bool fl_core_searches_message(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in);
void fl_core_searches_lost(struct fl_core *core, enum fl_role role);

/* ---- core_feed.c: events in the world, from feeds ---- */

int fl_core_feeds_new(struct fl_core *core, struct fl_err *err) FL_MUST_CHECK;
void fl_core_feeds_free(struct fl_core *core);
void fl_core_feeds_tick(struct fl_core *core); /* every second */
bool fl_core_feeds_message(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in);
void fl_core_feeds_lost(struct fl_core *core, enum fl_role role);

/* ---- core_notice.c: mail and webhooks that wait (db/db_notice.h) ---- */

void fl_core_notices_tick(struct fl_core *core); /* every second */
bool fl_core_notices_message(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in);
void fl_core_notices_lost(struct fl_core *core, enum fl_role role);
int fl_core_notices_new(struct fl_core *core, struct fl_err *err) FL_MUST_CHECK;
void fl_core_notices_free(struct fl_core *core);

/* ---- core_supply.c: calculations, and what events mean for tenants ---- */

int fl_core_supply_new(struct fl_core *core, struct fl_err *err) FL_MUST_CHECK;
void fl_core_supply_free(struct fl_core *core);
void fl_core_supply_tick(struct fl_core *core); /* every second */
/* The event (db/db_event.h) is new or another version of it stands, or it was withdrawn; called
 * behind the commit, once per event of a batch. */
void fl_core_event_changed(struct fl_core *core, uint32_t event);

/* ---- core_table.c ---- */

/* Soon (on a later turn of the loop) tell the roles that are linked. */
void fl_core_tell_later(struct fl_core *core, unsigned what);
void fl_core_tell(struct fl_core *core, unsigned what);

/* ---- core_note.c ---- */

void fl_core_take_stat(struct fl_core *core, struct fl_span payload);
void fl_core_take_conn(struct fl_core *core, struct fl_span payload);
void fl_core_take_rogue(struct fl_core *core, struct fl_span payload);
void fl_core_take_event(struct fl_core *core, enum fl_role from, struct fl_span payload);
/* Counters of all devices into core->live. */
int fl_core_load_counters(struct fl_core *core, struct fl_err *err) FL_MUST_CHECK;
void fl_core_store_counters(struct fl_core *core); /* those that changed, in one transaction */
void fl_core_store_rogues(struct fl_core *core);
void fl_core_store_events(struct fl_core *core); /* that waited for the record to open */
void fl_core_notes_free(struct fl_core *core);

#endif
