/*
 * trace.h - from the sites that an event hits to sources, parts and products, ranked by revenue at
 * stake: the quick answer, over indexes, that comes before any program is solved.
 *
 *   lost days of a source  = probability x share of capacity lost x likely days down
 *   lost days of a part    = sum over its sources that deliver today of share x lost days
 *   lost days of a product = the largest of any part in its bills of material
 *   revenue at stake       = revenue per day x lost days of the product; each product counts once
 *
 * Sources whose share is not known split evenly what the known ones leave. Stock, alternates and
 * shared capacity are not looked at: that is exposure.h.
 */
#ifndef FL_SUPPLY_TRACE_H
#define FL_SUPPLY_TRACE_H

#include "supply/hazard.h"

struct fl_trace_part {
    uint32_t part;
    uint32_t sources, sources_hit; /* that deliver today */
    double lost_days, lost_share;  /* expected, of its supply */
    bool sole; /* no qualified source outside the event; distributors are none */
};

struct fl_trace_product {
    uint32_t product;
    uint32_t worst_part; /* whose lost days are the product's */
    bool sole;           /* one of them has no other source */
    double lost_days;
    double revenue_per_day; /* base currency; 0: not known */
    double at_stake;
};

struct fl_trace_result {
    struct fl_trace_part *parts;       /* those of the likeliest site first */
    struct fl_trace_product *products; /* by revenue at stake, then lost days, falling */
    uint32_t part_count, product_count, source_count; /* source_count: that are hit */
    double at_stake;                                  /* of all products */
    double gross_per_day;                             /* revenue per day of all products touched */
};

struct fl_trace; /* a net, its links side by side, and room to work in (40 MB for a million links);
                    one thread at a time */

/*
 * Takes a reference. day: revenue is that of the year from this day on, of the rows that overlap
 * it, at its rates of exchange; where there are none, demand x revenue per unit. FL_E_NOENT: a
 * currency without a rate, named.
 */
int fl_trace_new(const struct fl_net *net, int32_t day, struct fl_trace **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_trace_free(struct fl_trace *trace); /* NULL is allowed */
static inline void fl_trace_freep(struct fl_trace **trace)
{
    fl_trace_free(*trace);
}
double fl_trace_revenue(const struct fl_trace *trace, uint32_t product); /* per day */

/* hits: of this net. In arena. */
int fl_trace_run(struct fl_trace *trace, const struct fl_hits *hits, struct fl_arena *arena,
                 struct fl_trace_result *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
