/*
 * import_net.h - what a network as a whole lacks: parts that nobody is known to make, shares over
 * 1, what nobody confirmed for long, and how much of the revenue is mapped.
 */
#ifndef FL_SUPPLY_IMPORT_NET_H
#define FL_SUPPLY_IMPORT_NET_H

#include "supply/import.h"
#include "supply/net.h"

#define FL_STALE_DAYS 90

/*
 * Mapped share of revenue: of each product the bought parts (those without a bill of material of
 * their own, at any depth; of a product without one the product counts as one unmapped part) that
 * have a source, weighed by the product's revenue (its rows of revenue, else demand_per_day x
 * revenue_per_unit, else 1 for all products). Confirmed: a source that the customer or the supplier
 * named, verified within FL_STALE_DAYS.
 */
struct fl_net_mapped {
    double confirmed, inferred, none; /* sum 1; all 0 where there is no product */
    uint32_t parts, mapped;           /* bought parts, those of them with a source */
    uint32_t stale;                   /* rows that should be confirmed again */
};
/* today: days since 1970-01-01. findings may be NULL. */
int fl_net_check(const struct fl_net *net, int32_t today, struct fl_findings *findings,
                 struct fl_net_mapped *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
