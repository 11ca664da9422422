/*
 * plan_row.h - a mitigation plan of a case: what would be done, what it costs, who does it, by
 * when.
 *
 * What a plan avoids is calculated (supply/plan.h) and not kept with it: it depends on the network
 * as it is when somebody asks. Money in hundredths, days in thousandths. Pure.
 */
#ifndef FL_MODEL_PLAN_ROW_H
#define FL_MODEL_PLAN_ROW_H

#include "model/case_row.h"

#define FL_PLAN_ROWS_MAX 20u /* of a case: they are compared together */

enum fl_plan_kind_row {
    FL_PLAN_ROW_BUFFER,
    FL_PLAN_ROW_SECOND_SOURCE,
    FL_PLAN_ROW_ALTERNATE,
    FL_PLAN_ROW_LAST_TIME_BUY,
    FL_PLAN_ROW_ALLOCATION,
    FL_PLAN_ROW_KINDS
};
extern const char *const fl_plan_row_kinds[FL_PLAN_ROW_KINDS]; /* "buffer", ... */

struct fl_plan_row {
    uint32_t id, tenant, case_id;
    char kind[FL_CASE_WORD_MAX + 1];
    char title[FL_CASE_TITLE_MAX + 1];
    char part[FL_CASE_ID_MAX + 1], site[FL_CASE_ID_MAX + 1], product[FL_CASE_ID_MAX + 1];
    char to_site[FL_CASE_ID_MAX + 1]; /* alternate: that takes over from site */
    int64_t units_m;                  /* buffer, last-time buy, allocation */
    int64_t capacity_m;               /* units a day that a source adds */
    int64_t bring_up_m;               /* days until it helps */
    int64_t cost_c;
    char currency[4];
    char owner[FL_CASE_WHO_MAX + 1];
    int64_t ready_us; /* when it must be in place; 0: not said */
    int64_t start_us; /* the latest start; 0: not said */
    char state[FL_CASE_WORD_MAX + 1];
    char note[FL_CASE_TEXT_MAX + 1];
    int64_t created_us, chosen_us, done_us;
    char chosen_by[FL_CASE_WHO_MAX + 1];
};

/* FL_E_INVAL: names the field and what would be right for a plan of this kind. */
int fl_plan_row_check(const struct fl_plan_row *plan, struct fl_err *err) FL_MUST_CHECK;
/* FL_PLAN_ROW_KINDS: no such kind. */
enum fl_plan_kind_row fl_plan_row_kind(struct fl_span word);

#endif
