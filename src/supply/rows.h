/*
 * rows.h - the rows of a network that a figure rests on: those with which the programs of
 * exposure.h give the same loss as with the whole network.
 *
 * Beginning with what is down, everything that may bind is followed both ways: who uses a part,
 * what it is made of, who makes it, what else their sites with a capacity make. A part is free, and
 * ends the way, when nobody makes it, or when a source that is up has no capacity and only free
 * inputs: then there is always enough of it.
 */
#ifndef FL_SUPPLY_ROWS_H
#define FL_SUPPLY_ROWS_H

#include "supply/exposure.h"

struct fl_rows_used {
    uint32_t *items, *sites, *sources, *uses; /* rising; items: parts, then products */
    uint32_t item_count, site_count, source_count, use_count;
    uint32_t left_out; /* rows beyond max_rows */
};

/* In arena. */
int fl_rows_used(const struct fl_net *net, const struct fl_outage *outages, size_t count,
                 uint32_t max_rows, struct fl_arena *arena, struct fl_rows_used *ret,
                 struct fl_err *err) FL_MUST_CHECK;

#endif
