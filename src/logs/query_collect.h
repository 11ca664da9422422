/*
 * query_collect.h - what top and series share: fill groups from rollups where a part lies wholly in
 * the time range and the filter looks at nothing but the site; from rows everywhere else. Inside
 * logs.
 */
#ifndef FL_LOGS_QUERY_COLLECT_H
#define FL_LOGS_QUERY_COLLECT_H

#include "logs/query_run.h"

struct fl_collect {
    struct fl_groups *groups;
    enum fl_rollup_tier tier;
    bool rollups; /* false: rows only */
    /* One entry of a rollup that the filter takes, with the group of its key. */
    int (*entry)(void *ctx, uint32_t id, const struct fl_rollup_entry *e, struct fl_err *err);
    fl_run_block_fn *block;
    struct fl_fieldset fields; /* that block() reads */
    void *ctx;
};

int fl_collect(struct fl_run *run, const struct fl_collect *how, struct fl_err *err) FL_MUST_CHECK;
void fl_collect_sums(const struct fl_rollup_entry *e, struct fl_sums *add_to);
/* Mark the result as partial where the groups had to give something up. */
void fl_collect_tell(struct fl_run *run, const struct fl_groups *groups);
/* The short name of a field, else its ECS name. */
const char *fl_collect_name(enum fl_field field);

#endif
