/*
 * case_row.h - a case as it is stored: the case itself, its clocks with their steps, its checklist,
 * its timeline, the sites it is about, its actions.
 *
 * Cases are general (alarms, mitigation, corrective actions, requests, breaches): `kind` names the
 * row of cases/case.h that says which states, clocks and items there are. Sites and money belong to
 * those of the kind "supply". Money is in hundredths of the currency, days and measures in
 * thousandths; FL_CASE_UNKNOWN where nobody knows. Pure.
 */
#ifndef FL_MODEL_CASE_ROW_H
#define FL_MODEL_CASE_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "model/slug.h"

#define FL_CASE_UNKNOWN   INT64_MIN
#define FL_CASE_TITLE_MAX 255u
#define FL_CASE_TEXT_MAX  2000u
#define FL_CASE_WHO_MAX   160u
#define FL_CASE_WORD_MAX  31u  /* a state, a kind, a rule */
#define FL_CASE_ID_MAX    63u  /* an id of the network of supply */
#define FL_CASE_SITES_MAX 500u /* of a case */
#define FL_CASE_ITEMS_MAX 60u

enum fl_case_severity {
    FL_CASE_LOW,
    FL_CASE_MEDIUM,
    FL_CASE_HIGH,
    FL_CASE_SEVERE,
    FL_CASE_SEVERITIES
};
extern const char *const fl_case_severities[FL_CASE_SEVERITIES]; /* "low", ... */

struct fl_case {
    uint32_t id, tenant;
    uint32_t number; /* of the tenant: SC-0417 */
    char kind[FL_CASE_WORD_MAX + 1];
    char title[FL_CASE_TITLE_MAX + 1];
    char state[FL_CASE_WORD_MAX + 1];
    uint32_t severity; /* enum fl_case_severity */
    char owner[FL_CASE_WHO_MAX + 1];
    bool exercise; /* of a drill: nothing of it leaves; set once, at opening */
    uint32_t risk; /* that it was opened from; 0: none */
    uint32_t rule; /* that opened it; 0: somebody did */
    char opened_by[FL_CASE_WHO_MAX + 1];
    int64_t opened_us, closed_us;     /* 0: it is open */
    char event[FL_CASE_WORD_MAX + 1]; /* type, "" */
    char event_title[FL_CASE_TITLE_MAX + 1];
    char event_place[FL_CASE_TITLE_MAX + 1];
    int64_t event_us;
    char currency[4];
    int64_t net_loss_c, confirmed_c, potential_c; /* when it was opened */
    char first_product[FL_CASE_TITLE_MAX + 1];    /* that stops first */
    int64_t first_m;                              /* ... after so many days */
    char close_reason[FL_CASE_TEXT_MAX + 1];
    char summary[FL_CASE_TEXT_MAX + 1]; /* the after-action record, by people */
    char worked[FL_CASE_TEXT_MAX + 1], failed[FL_CASE_TEXT_MAX + 1];
};

struct fl_case_site {
    uint32_t id, tenant, case_id;
    char site[FL_CASE_ID_MAX + 1];
    char name[FL_CASE_TITLE_MAX + 1];
    char supplier[FL_CASE_ID_MAX + 1];
    char supplier_name[FL_CASE_TITLE_MAX + 1];
    char status[FL_CASE_WORD_MAX + 1];
    char measure[FL_CASE_WORD_MAX + 1];          /* "mmi", "wind_ms" */
    int64_t value_m, sigma_m, probability_m;     /* of the hit */
    int64_t down_m, stock_m, loss_c;             /* days down, days of stock, loss at stake */
    int64_t since_us, confirmed_us, restored_us; /* 0: not */
    char word_by[FL_CASE_WHO_MAX + 1];           /* whose word is the last */
    int64_t word_us;                             /* 0: nobody said anything */
    char note[FL_CASE_TEXT_MAX + 1];
};

enum fl_clock_rule {
    FL_CLOCK_START,  /* value: the time allowed (0: the kind's); at: when it began */
    FL_CLOCK_REDATE, /* value: the moment it counts from, as is known now */
    FL_CLOCK_PAUSE,
    FL_CLOCK_RESUME,
    FL_CLOCK_EXTEND, /* value: by so much */
    FL_CLOCK_STOP,   /* what it waits for has happened */
    FL_CLOCK_RULES
};
extern const char *const fl_clock_rules[FL_CLOCK_RULES]; /* "start", "redate", ... */

struct fl_clock_step { /* never changed, never removed while its case is there */
    uint32_t id, tenant, clock;
    int64_t at_us;
    uint32_t rule; /* enum fl_clock_rule */
    int64_t value_us;
    char actor[FL_CASE_WHO_MAX + 1];
    char reason[FL_CASE_TEXT_MAX + 1];
};

struct fl_clock { /* what its steps come to (cases/clock.h), stored so that it can be asked for */
    uint32_t id, tenant, case_id;
    char kind[FL_CASE_WORD_MAX + 1];
    char object[FL_CASE_WORD_MAX + 1]; /* what of the case: "question 7", or "" */
    int64_t first_us;                  /* of the first step: append-only, it never moves */
    int64_t started_us;                /* it counts from, by the latest re-dating */
    int64_t span_us;                   /* allowed */
    int64_t due_us;                    /* stored; changed by a step alone */
    int64_t paused_us;                 /* since; 0: it runs */
    int64_t pauses_us, extended_us;    /* together */
    uint32_t extends;
    int64_t last_us;    /* of the latest step */
    int64_t stopped_us; /* 0: not */
};

struct fl_case_item { /* of the checklist */
    uint32_t id, tenant, case_id;
    uint32_t number; /* from 1 */
    char text[FL_CASE_TITLE_MAX + 1];
    bool needs_evidence, required;
    char state[FL_CASE_WORD_MAX + 1]; /* open, done, not_needed */
    char owner[FL_CASE_WHO_MAX + 1];
    char evidence[FL_CASE_TEXT_MAX + 1]; /* what shows it, or why it is not needed */
    int64_t at_us;
    char by[FL_CASE_WHO_MAX + 1];
};

struct fl_case_entry { /* of the timeline: only ever added */
    uint32_t id, tenant, case_id;
    int64_t at_us;
    char what[FL_CASE_WORD_MAX + 1]; /* "opened", "site", "answer", ... */
    char who[FL_CASE_WHO_MAX + 1];
    char text[FL_CASE_TEXT_MAX + 1];
};

struct fl_case_action { /* what is to be done differently */
    uint32_t id, tenant, case_id;
    char text[FL_CASE_TEXT_MAX + 1];
    char owner[FL_CASE_WHO_MAX + 1];
    int64_t due_us, done_us; /* 0: none */
    char note[FL_CASE_TEXT_MAX + 1];
};

#define FL_CASE_RULES_MAX  50u
#define FL_CASE_RULE_SITES 2000u
struct fl_case_rule { /* opens a case by itself */
    uint32_t id, tenant;
    char name[FL_NAME_MAX + 1];
    bool enabled;
    int64_t min_loss_c;                 /* net loss at least; 0: any */
    uint32_t min_severity;              /* enum fl_case_severity at least */
    char sites[FL_CASE_RULE_SITES + 1]; /* comma list: one of them is hit; "": any */
    char owner[FL_CASE_WHO_MAX + 1];
    bool ask; /* questions to the suppliers go out with it */
    int64_t created_us;
};

/* FL_E_INVAL: names the field and what would be right. */
int fl_case_check(const struct fl_case *c, struct fl_err *err) FL_MUST_CHECK;
int fl_case_site_check(const struct fl_case_site *site, struct fl_err *err) FL_MUST_CHECK;
int fl_case_rule_check(const struct fl_case_rule *rule, struct fl_err *err) FL_MUST_CHECK;
/* Does it open a case for a risk of this severity and loss that hits these sites (comma list)? */
bool fl_case_rule_meets(const struct fl_case_rule *rule, uint32_t severity, int64_t net_loss_c,
                        const char *sites);
/* FL_CASE_SEVERITIES: no such word. */
enum fl_case_severity fl_case_severity_find(struct fl_span word);
/* "SC-0417". */
void fl_case_number(const struct fl_case *c, char ret[16]);

#endif
