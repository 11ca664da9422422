/*
 * idset.h - a set of small numbers (users seen with one application): a hash while it is sparse, a
 * bitmap once that is smaller. Numbers count from 0 and are handed out densely.
 */
#ifndef FL_LOGS_IDSET_H
#define FL_LOGS_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct fl_idset { /* all zero is the empty set */
    uint32_t count;
    uint32_t cap;    /* hash: slots, a power of two; bitmap: 64-bit words */
    uint32_t *slots; /* id + 1, 0 = free */
    uint64_t *bits;  /* instead of slots */
};

/* Add id, which is below universe. False when memory is out; the set is as it was. */
bool fl_idset_add(struct fl_idset *set, uint32_t id, uint32_t universe) FL_MUST_CHECK;
bool fl_idset_has(const struct fl_idset *set, uint32_t id);
/* Add all of other. */
bool fl_idset_join(struct fl_idset *set, const struct fl_idset *other, uint32_t universe)
    FL_MUST_CHECK;
size_t fl_idset_bytes(const struct fl_idset *set);
void fl_idset_done(struct fl_idset *set);

#endif
