/*
 * checklist.h - what is to be done in a case: each item with its owner, and what shows that it was.
 *
 * An item is open, done (with evidence where it needs some) or not needed (with the reason why). It
 * may be opened again; what was said stays in the case's timeline. Pure.
 */
#ifndef FL_CASES_CHECKLIST_H
#define FL_CASES_CHECKLIST_H

#include <stddef.h>

#include "model/case_row.h"

struct fl_item_row { /* of a kind of case */
    const char *text;
    bool required, needs_evidence;
};

/* Item number n (from 1) as a case begins with it. */
void fl_checklist_item(const struct fl_item_row *row, uint32_t n, struct fl_case_item *ret);

/*
 * Set the state ("open", "done", "not_needed") and owner of an item; NULL: as it is. evidence: what
 * shows it, or why it is not needed. FL_E_INVAL says what is missing; nothing is written then.
 */
struct fl_item_change {
    const char *state, *owner, *evidence; /* NULL: as it is */
    const char *by;
    int64_t at_us;
};
int fl_checklist_set(struct fl_case_item *item, const struct fl_item_change *change,
                     struct fl_err *err) FL_MUST_CHECK;

/* How many required ones are open; *ret_first: the number of the first, 0: none. */
size_t fl_checklist_open(const struct fl_case_item *items, size_t count, uint32_t *ret_first);

#endif
