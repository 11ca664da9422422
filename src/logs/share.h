/*
 * share.h - who has more than its share of the disk. Pure.
 *
 * The share of a tenant is the largest amount that all could have at once: nobody gets more than it
 * uses or its own quota, and what is left is divided evenly among those who want more (max-min
 * fairness). So where all together are over the limit, somebody is over its share, and whoever
 * uses little never is.
 */
#ifndef FL_LOGS_SHARE_H
#define FL_LOGS_SHARE_H

#include <stddef.h>
#include <stdint.h>

struct fl_share {
    uint64_t used, quota; /* bytes; quota 0: none */
    uint64_t share;       /* computed */
};

/* Fill share of each; scratch has room for count numbers. */
void fl_shares(struct fl_share *t, size_t count, uint64_t limit, uint64_t *scratch);
static inline uint64_t fl_share_excess(const struct fl_share *t)
{
    return t->used > t->share ? t->used - t->share : 0;
}

#endif
