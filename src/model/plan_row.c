#include "model/plan_row.h"

#include <string.h>

#include "base/attr.h"

const char *const fl_plan_row_kinds[FL_PLAN_ROW_KINDS] = {"buffer", "second_source", "alternate",
                                                          "last_time_buy", "allocation"};

enum fl_plan_kind_row fl_plan_row_kind(struct fl_span word)
{
    int i = 0;

    while (i < FL_PLAN_ROW_KINDS && !fl_span_eq(word, fl_span_str(fl_plan_row_kinds[i])))
        i++;
    return (enum fl_plan_kind_row)i;
}

/* What a kind cannot do without. */
static const struct need {
    bool part, site, to, product, units;
} needs[FL_PLAN_ROW_KINDS] = {
    [FL_PLAN_ROW_BUFFER] = {.part = true, .units = true},
    [FL_PLAN_ROW_SECOND_SOURCE] = {.part = true, .site = true},
    [FL_PLAN_ROW_ALTERNATE] = {.site = true, .to = true},
    [FL_PLAN_ROW_LAST_TIME_BUY] = {.part = true, .units = true},
    [FL_PLAN_ROW_ALLOCATION] = {.product = true},
};

static int check_needs(const struct fl_plan_row *p, const struct need *need, struct fl_err *err)
{
    const char *missing = NULL;

    if (need->part && p->part[0] == '\0')
        missing = "part";
    else if (need->site && p->site[0] == '\0')
        missing = "site";
    else if (need->to && p->to_site[0] == '\0')
        missing = "to";
    else if (need->product && p->product[0] == '\0')
        missing = "product";
    else if (need->units && p->units_m <= 0)
        missing = "units";
    return missing == NULL ? FL_OK
                           : fl_err_set(err, FL_E_INVAL,
                                        "%s is missing: a plan of the kind %s "
                                        "needs it",
                                        missing, p->kind);
}

static int in_range(int64_t value, int64_t high, const char *what, struct fl_err *err)
{
    if (value == FL_CASE_UNKNOWN || (value >= 0 && value <= high))
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL, "%s is 0 or more, and less than a trillion", what);
}

int fl_plan_row_check(const struct fl_plan_row *p, struct fl_err *err)
{
    const int64_t high = INT64_C(1000000000000) * 100;
    enum fl_plan_kind_row kind = fl_plan_row_kind(fl_span_str(p->kind));
    int r;

    if (kind == FL_PLAN_ROW_KINDS)
        return fl_err_set(err, FL_E_INVAL,
                          "kind is buffer, second_source, alternate, last_time_buy or allocation");
    if (p->title[0] == '\0')
        return fl_err_set(err, FL_E_INVAL, "title is missing");
    r = in_range(p->cost_c, high, "cost", err);
    if (r == FL_OK)
        r = in_range(p->units_m, high * 10, "units", err);
    if (r == FL_OK)
        r = in_range(p->capacity_m, high * 10, "capacity", err);
    if (r == FL_OK)
        r = in_range(p->bring_up_m, INT64_C(36500) * 1000, "bring_up_days", err);
    return r < 0 ? r : check_needs(p, &needs[kind], err);
}
