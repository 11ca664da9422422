/*
 * search.h - a search that is saved: what is looked for, and whether it is run by itself and what
 * is told then.
 *
 * A schedule asks every so many minutes for one figure: the metric over the range, or that of the
 * largest group where there is a `by`. Over (or under) its threshold it raises an alarm. Personal
 * data is hidden from what runs by itself (logs/mask.h). Pure.
 */
#ifndef FL_MODEL_SEARCH_H
#define FL_MODEL_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/alarm.h"

#define FL_SEARCH_WHERE_MAX  1000u
#define FL_SEARCH_RANGE_MAX  40u
#define FL_SEARCH_EVERY_MAX  10080u /* minutes: a week */
#define FL_SEARCHES_MAX      500u   /* of a tenant */
#define FL_SEARCH_RIGHT_DAYS 365    /* of the right that a schedule runs with */

enum fl_search_op { FL_SEARCH_GT, FL_SEARCH_GE, FL_SEARCH_LT, FL_SEARCH_LE, FL_SEARCH_OPS };
extern const char *const fl_search_ops[FL_SEARCH_OPS]; /* ">", ">=", "<", "<=" */
extern const char *const fl_search_views[];            /* NULL-terminated: "logs", ... */

struct fl_search {
    uint32_t id;
    uint32_t tenant;
    char name[FL_NAME_MAX + 1];
    char view[FL_SLUG_MAX + 1];               /* where the screen shows it */
    char where_text[FL_SEARCH_WHERE_MAX + 1]; /* filter */
    char from_text[FL_SEARCH_RANGE_MAX + 1];  /* "24h" before now, or a time, or "" */
    char to_text[FL_SEARCH_RANGE_MAX + 1];    /* a time, or "": now */
    char group_by[FL_SLUG_MAX + 1], metric[FL_SLUG_MAX + 1];
    uint32_t every_minutes; /* 0: not by itself */
    uint32_t op;            /* enum fl_search_op */
    uint64_t threshold;
    uint32_t severity; /* enum fl_severity of its alarm */
    bool enabled;      /* runs by itself */
    char owner[FL_ALARM_OWNER_MAX + 1];
    uint32_t owner_user; /* number; 0: made at the machine */
    uint64_t right_no;   /* keys' number of the right that it runs with; 0: the machine's own */
    int64_t created_us, last_us, next_us;
    bool has_value;
    uint64_t last_value;
    char last_key[FL_NAME_MAX + 1];      /* of the largest group */
    char failure[FL_ALARM_TEXT_MAX + 1]; /* of the last run; "": it went well */
    int64_t failing_us;                  /* since when */
};

/* FL_E_INVAL: names the field and what would be right. The filter itself is not looked at. */
int fl_search_check(const struct fl_search *search, struct fl_err *err) FL_MUST_CHECK;
/* The range of a run at now; a schedule without a `from` looks at what came since the last run. */
int fl_search_range(const struct fl_search *search, int64_t now_us, int64_t *ret_from_us,
                    int64_t *ret_to_us, struct fl_err *err) FL_MUST_CHECK;
bool fl_search_over(const struct fl_search *search, uint64_t value);
/* FL_SEARCH_OPS: no such sign. */
enum fl_search_op fl_search_op_find(struct fl_span text);

#endif
