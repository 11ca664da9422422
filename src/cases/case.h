/*
 * case.h - kinds of cases: their states and allowed moves, clocks and checklist, as tables.
 *
 * The engine knows tables alone. Whoever brings another kind (alarms that are handled, corrective
 * actions, requests of data subjects, breach notices) adds a row to fl_case_kinds with its tables.
 * The same machines of states serve what stands within a case: sites, questions, plans. Pure.
 */
#ifndef FL_CASES_CASE_H
#define FL_CASES_CASE_H

#include "cases/checklist.h"
#include "cases/clock.h"

/* Who makes a move; a row names all that may. */
enum {
    FL_BY_PERSON = 1,   /* whoever has the right to change cases */
    FL_BY_SYSTEM = 2,   /* the program: a rule, a clock, a receipt */
    FL_BY_SUPPLIER = 4, /* somebody outside, with a link */
};

struct fl_move {
    const char *from, *to;
    unsigned by;
    bool reason; /* it must be said why */
};

struct fl_machine {
    const char *name;          /* "case", "site": for sentences */
    const char *const *states; /* the first is where it begins */
    size_t state_count;
    const struct fl_move *moves;
    size_t move_count;
};

/* May it move so? FL_E_INVAL: no such state. FL_E_DENIED: not from there, or not by this one (with
 * what may follow). FL_E_INVAL: the reason is missing. To stay is no move: FL_OK. */
int fl_machine_move(const struct fl_machine *machine, const char *from, const char *to, unsigned by,
                    const char *reason, struct fl_err *err) FL_MUST_CHECK;
bool fl_machine_has(const struct fl_machine *machine, const char *state);
/* The states that may follow by hand, one by one from *at = 0; NULL at the end. */
const char *fl_machine_next(const struct fl_machine *machine, const char *from, unsigned by,
                            size_t *at);

extern const struct fl_machine fl_machine_supply, /* a case of supply */
    fl_machine_site, fl_machine_question, fl_machine_plan, fl_machine_notice;

struct fl_case_kind {
    const char *name, *prefix; /* "supply", "SC" */
    const struct fl_machine *machine;
    const struct fl_clock_kind *clocks;
    size_t clock_count;
    const struct fl_item_row *items;
    size_t item_count;
    const char *closed; /* in this state, and the next one, it is over ... */
    const char *void_;  /* ... this one as if it had not been: items may be left open */
};
extern const struct fl_case_kind fl_case_kinds[];
extern const size_t fl_case_kinds_count;

/* NULL: there is none. */
const struct fl_case_kind *fl_case_kind_find(const char *name);
const struct fl_clock_kind *fl_case_clock_find(const struct fl_case_kind *kind, const char *clock);
bool fl_case_is_over(const struct fl_case_kind *kind, const char *state);

/*
 * Move a case: the machine's rule, and that no required item is open where it closes. On success
 * state, closed_us and close_reason are set.
 */
struct fl_case_change {
    const char *state, *reason;
    unsigned by;
    int64_t now_us;
    const struct fl_case_item *items;
    size_t item_count;
};
int fl_case_move(const struct fl_case_kind *kind, struct fl_case *c,
                 const struct fl_case_change *change, struct fl_err *err) FL_MUST_CHECK;

/* What a site says now: its status by the machine, and the times that go with it. days_m:
 * thousandths of days down, FL_CASE_UNKNOWN: nobody said. Confirmed needs no number of days. */
struct fl_site_word {
    const char *status, *note, *who;
    int64_t days_m, now_us;
    unsigned by;
};
int fl_case_site_say(struct fl_case_site *site, const struct fl_site_word *word, struct fl_err *err)
    FL_MUST_CHECK;

#endif
