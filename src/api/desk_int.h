/* desk_int.h - inside desk: what its files share. */
#ifndef FL_API_DESK_INT_H
#define FL_API_DESK_INT_H

#include "api/desk.h"
#include "api/work.h"
#include "db/db_event.h"
#include "model/case_row.h"

#define FL_DESK_BATCH   8u
#define FL_DESK_WAITING 65536u /* events of one tenant; beyond, the network is swept again */

struct fl_desk_word { /* a site that its supplier, or somebody here, says is down */
    char site[FL_CASE_ID_MAX + 1];
    double days; /* NAN: not said */
};

struct fl_desk_item { /* one event for one tenant */
    struct fl_db_event event;
    struct fl_buf json;         /* of the event */
    int64_t told_us;            /* monotonic */
    uint64_t turn;              /* of what was said in its case (db_risk.h) */
    struct fl_desk_word *words; /* the item's; FL_CASE_SITES_MAX of them, or NULL */
    size_t word_count;
    struct fl_risk figure; /* what came out: only the figures are set */
    struct fl_buf details;
    int64_t ends_us;
    int r;
    struct fl_err err;
};

struct fl_desk_batch { /* the argument of a job */
    uint32_t tenant;
    int64_t small_cents;
    unsigned count;
    struct fl_desk_item items[FL_DESK_BATCH];
};
void fl_desk_batch_free(void *arg);

/* On a thread: each item's figure and details. */
int fl_desk_run(const struct fl_work_in *in, struct fl_err *err) FL_MUST_CHECK;

#endif
