/* demo.h - the parts of `fairlead demo`: setting up, sending, showing. */
#ifndef FL_CLI_DEMO_H
#define FL_CLI_DEMO_H

#include "cli/cli.h"
#include "cli/demo_model.h"
#include "cli/send.h"

#define FL_DEMO_TENANT "demo"

/* What the store has taken over from the demonstration's devices, by core's counters. */
struct fl_demo_counts {
    uint64_t lines, accepted, lost;         /* of all devices */
    uint64_t device_lines[FL_DEMO_DEVICES]; /* of each */
    uint64_t device_accepted[FL_DEMO_DEVICES];
};

struct fl_demo_run {
    struct fl_cli *cli;
    char folder[512]; /* certificates and the time up to which lines were invented */
    char to[160];     /* "host:port" of the listener */
    char fingerprint[128];
    bool fresh; /* the tenant was made by this run */
    struct fl_demo_supply *supply;
    struct fl_tls_ctx *tls[FL_DEMO_DEVICES];
    struct fl_sender *sender[FL_DEMO_DEVICES];
    int64_t again_us[FL_DEMO_DEVICES];   /* monotonic: not connected, try then */
    uint64_t sent;                       /* lines handed to connections */
    uint64_t missed;                     /* invented while not connected */
    uint64_t seen[FL_DEMO_KIND_COUNT];   /* since somebody watches */
    char event[FL_DEMO_KIND_COUNT][160]; /* the last of a kind, in words */
    struct fl_demo_counts before;        /* when this run began */
    bool interrupted;                    /* Ctrl-C */
};

/* ---- demo_setup.c ---- */

/* One request without words on stderr: *ret_status as in HTTP; *ret is a new reference or NULL.
 * FL_E_*: not reached. */
int fl_demo_send(struct fl_demo_run *run, const char *method, const char *path, struct fl_span body,
                 int *ret_status, json_t **ret, struct fl_err *err) FL_MUST_CHECK;
/* ... with a body in JSON; NULL: none. */
int fl_demo_ask(struct fl_demo_run *run, const char *method, const char *path, const json_t *body,
                int *ret_status, json_t **ret, struct fl_err *err) FL_MUST_CHECK;
/* Make what is not there: tenant, sites, devices, certificates; find the listener. */
int fl_demo_setup(struct fl_demo_run *run, struct fl_err *err) FL_MUST_CHECK;
int fl_demo_counts(struct fl_demo_run *run, struct fl_demo_counts *ret, struct fl_err *err)
    FL_MUST_CHECK;
/* The time up to which an earlier run has invented lines; 0 = none. */
int64_t fl_demo_last(const struct fl_demo_run *run);
void fl_demo_keep_last(const struct fl_demo_run *run, int64_t at_us);

/* ---- demo_show.c ---- */

/* Note a line for the table of events. */
void fl_demo_note(struct fl_demo_run *run, const struct fl_demo_line *line);
/* "back-fill [=====     ] 43 %  36,120 lines sent, 35,904 accepted" on one line. */
void fl_demo_progress(struct fl_demo_run *run, double part, uint64_t accepted, bool done);
/* The live table. */
int fl_demo_show(struct fl_demo_run *run, const struct fl_demo_counts *now, double lines_per_s,
                 struct fl_err *err) FL_MUST_CHECK;

#endif
