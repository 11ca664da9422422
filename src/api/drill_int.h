/* drill_int.h - inside the calculation of a drill: what its thread and the loop share. (Impact as
 * figures and impact as a supplier's answer are two things of one name, hence two files.) */
#ifndef FL_API_DRILL_INT_H
#define FL_API_DRILL_INT_H

#include "api/work.h"
#include "model/case_row.h"

#define FL_DRILL_CASE_SITES  60u
#define FL_DRILL_CASE_LIKELY 0.05 /* sites that are hit less likely do not join the case */

struct fl_drill_job { /* the argument of the work */
    uint32_t drill;
    bool begin;
    uint64_t seed;
    uint32_t draws;
    struct fl_buf event; /* JSON */
    /* what came out, for the case */
    uint64_t net_version;
    struct fl_case c;
    struct fl_case_site site[FL_DRILL_CASE_SITES];
    uint32_t sites;
};

/* On a thread: the figures as JSON, and the job's case. */
int fl_drill_job_run(const struct fl_work_in *in, struct fl_err *err) FL_MUST_CHECK;

#endif
