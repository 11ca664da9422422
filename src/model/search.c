#include "model/search.h"

#include "base/attr.h"
#include "base/time.h"

#define PRESET_US (24 * INT64_C(3600) * FL_US_PER_S)
#define MAX_US    (40 * FL_US_PER_DAY)

const char *const fl_search_ops[FL_SEARCH_OPS] = {">", ">=", "<", "<="};
const char *const fl_search_views[] = {"logs", "applications", "websites", "users", NULL};

enum fl_search_op fl_search_op_find(struct fl_span text)
{
    int op = 0;

    while (op < FL_SEARCH_OPS && !fl_span_eq(text, fl_span_str(fl_search_ops[op])))
        op++;
    return (enum fl_search_op)op;
}

static bool is_view(struct fl_span name)
{
    for (size_t i = 0; fl_search_views[i] != NULL; i++)
        if (fl_span_eq(fl_span_str(fl_search_views[i]), name))
            return true;
    return false;
}

int fl_search_range(const struct fl_search *s, int64_t now_us, int64_t *ret_from_us,
                    int64_t *ret_to_us, struct fl_err *err)
{
    struct fl_span from = fl_span_str(s->from_text), to = fl_span_str(s->to_text);
    int64_t span_us, to_us = now_us, from_us;

    if (to.len > 0 && !fl_time_parse(to, &to_us))
        return fl_err_set(err, FL_E_INVAL,
                          "to is a time such as 2026-11-21T08:00:00Z, or empty for now");
    if (from.len == 0)
        from_us = to_us - (s->every_minutes == 0 ? PRESET_US
                                                 : (int64_t)s->every_minutes * 60 * FL_US_PER_S);
    else if (fl_duration_parse(from, &span_us))
        from_us = to_us - (span_us < MAX_US ? span_us : MAX_US);
    else if (!fl_time_parse(from, &from_us))
        return fl_err_set(err, FL_E_INVAL,
                          "from is a span before the end such as 15m or 24h, or a time");
    if (from_us >= to_us)
        return fl_err_set(err, FL_E_INVAL, "from must be before to");
    *ret_from_us = from_us;
    *ret_to_us = to_us;
    return FL_OK;
}

static int check_schedule(const struct fl_search *s, struct fl_err *err)
{
    if (s->every_minutes > FL_SEARCH_EVERY_MAX)
        return fl_err_set(err, FL_E_INVAL, "every_minutes is at most %u, a week",
                          FL_SEARCH_EVERY_MAX);
    if (s->enabled && s->every_minutes == 0)
        return fl_err_set(err, FL_E_INVAL,
                          "every_minutes is missing: a search that runs by itself needs 1 or more");
    if (s->enabled && s->to_text[0] != '\0')
        return fl_err_set(err, FL_E_INVAL,
                          "to must be empty: a search that runs by itself looks at what is new");
    return FL_OK;
}

int fl_search_check(const struct fl_search *s, struct fl_err *err)
{
    int64_t from, to;
    int r = fl_name_check(fl_span_str(s->name), "name", err);

    if (r < 0)
        return r;
    if (!is_view(fl_span_str(s->view)))
        return fl_err_set(err, FL_E_INVAL, "view is logs, applications, websites or users");
    if (s->op >= FL_SEARCH_OPS)
        return fl_err_set(err, FL_E_INVAL, "op is one of > >= < <=");
    if (s->severity >= FL_SEVERITIES)
        return fl_err_set(err, FL_E_INVAL, "severity is critical, major, minor or warning");
    r = check_schedule(s, err);
    return r < 0 ? r : fl_search_range(s, FL_US_PER_DAY * 365 * 100, &from, &to, err);
}

bool fl_search_over(const struct fl_search *s, uint64_t value)
{
    switch (s->op) {
    case FL_SEARCH_GT:
        return value > s->threshold;
    case FL_SEARCH_GE:
        return value >= s->threshold;
    case FL_SEARCH_LT:
        return value < s->threshold;
    default:
        return value <= s->threshold;
    }
}
