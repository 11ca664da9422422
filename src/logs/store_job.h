/*
 * store_job.h - long work on the store that somebody asked for: verify, repair, merge, upgrade,
 * erase. One table row (store_job.c) and one function per kind; the transport is the same for all:
 *
 *   fairlead store verify   POST /api/v1/instance/store/verify      api/api_jobs.c
 *        -> FL_MSG_STORE_JOB (core -> store, codec/msg.h)           fairleadd/store_query.c
 *        -> fl_store_job() in a thread of its own, here
 *        <- RESULT*: NDJSON, one object a line; QUERY_END           (credit and CANCEL as of
 * queries)
 *
 * Lines that every kind writes, each an object with one member that says what it is:
 *   {"progress":{"done":n,"total":n,"unit":"segments","at":"acme/2026-11-20"}}  at most 4 a second
 *   {"finding":{...}}   what a person should see: a damaged block, an orphan; members of the kind
 *   {"result":{...}}    last, once, also when nothing was found; "dry_run" and counts of the kind
 * A job that fails ends with an error instead of a result; one that was cancelled says
 * "cancelled":true in its result, and what it did until then stands.
 *
 * To add a kind: a number below, a row in store_job.c, a route in api/routes.c (whose last segment
 * is the kind's name), a command. To write: fl_job_line() around the members.
 *
 * Jobs hold `maint` (store_int.h) for short pieces only, so that sealing and retention go on; and
 * they yield to the writer with fl_job_pause().
 */
#ifndef FL_LOGS_STORE_JOB_H
#define FL_LOGS_STORE_JOB_H

#include "codec/json.h"
#include "logs/query.h"
#include "logs/store.h"

enum fl_job_kind { /* numbers travel in messages: append only */
                   FL_JOB_VERIFY = 1,
                   FL_JOB_REPAIR = 2,
                   FL_JOB_MERGE = 3,
                   FL_JOB_UPGRADE = 4,
                   FL_JOB_ERASE = 5,
                   FL_JOB_KINDS
};

struct fl_job_ask {
    enum fl_job_kind kind;
    uint32_t tenant;          /* 0: all; of kinds that need a capability, the capability's */
    int32_t from_day, to_day; /* days of receipt, both included; INT32_MIN, INT32_MAX: all */
    bool dry;
    struct fl_span args; /* the kind's own, at most FL_JOB_ARGS_MAX bytes; borrowed */
};
#define FL_JOB_ARGS_MAX 8192u

struct fl_job {
    struct fl_store *store;
    const struct fl_job_ask *ask;
    const struct fl_query_sink *sink;
    struct fl_buf text;
    struct fl_json json;
    int64_t told_mono_us; /* when progress was last written */
    int failed;           /* what the sink gave */
    bool cancelled;
};

struct fl_job_row {
    const char *name;
    uint32_t need; /* bits of enum fl_cap_scope that its capability must have; 0: needs none */
    /* Negative only when nothing sensible can be said any more. */
    int (*run)(struct fl_job *job, struct fl_err *err);
};
/* NULL: no such kind. */
const struct fl_job_row *fl_job_row(enum fl_job_kind kind);
/* 0: there is none of this name. */
enum fl_job_kind fl_job_kind(struct fl_span name);

/* Run it in the calling thread, lines to the sink. FL_E_INVAL with a text for the user. */
int fl_store_job(struct fl_store *store, const struct fl_job_ask *ask,
                 const struct fl_query_sink *sink, struct fl_err *err) FL_MUST_CHECK;

/* ---- for the kinds ---- */

/* Begin a line {"what":{ ; members go to the writer; fl_job_end() closes and writes it. */
struct fl_json *fl_job_line(struct fl_job *job, const char *what);
void fl_job_end(struct fl_job *job);
void fl_job_progress(struct fl_job *job, uint64_t done, uint64_t total, const char *unit,
                     const char *at);
/* Nobody wants it any more: end soon, with a result. */
bool fl_job_cancelled(struct fl_job *job);
/* Low priority: sleep for as long as was worked since the last pause (at most 50 ms), longer while
 * the writer is behind. No lock may be held. */
void fl_job_pause(struct fl_job *job, int64_t worked_us);
/* Is the tenant, or the day, one that was asked for? */
bool fl_job_wants(const struct fl_job *job, uint32_t tenant, int32_t day);

/* The kinds. */
int fl_store_verify(struct fl_job *job, struct fl_err *err);
int fl_store_repair(struct fl_job *job, struct fl_err *err);
int fl_store_merge_now(struct fl_job *job, struct fl_err *err);
/* args: the version to bring segments to, in digits; empty: the current one. store_upgrade.c */
int fl_store_upgrade(struct fl_job *job, struct fl_err *err);

#endif
