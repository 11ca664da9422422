/*
 * layered.h - random layered networks of supply, the same for a seed everywhere.
 *
 * Nodes (a part at a site) in 5 layers; what a node gives goes to nodes of the next layer, to as
 * many as Zipf's law says, 2.7 on average; what the last layer makes are products. 4 nodes share a
 * site with 1.1 to 1.6 times the capacity that their flow needs; a tenth of the parts have a second
 * source or a site that takes over; stock of 0 to 60 days, 7 to 180 days to recover.
 */
#ifndef FL_BENCH_LAYERED_H
#define FL_BENCH_LAYERED_H

#include "supply/net.h"

/* arcs: lines of the bills, those to products included. NULL: err is set. */
struct fl_net *bench_layered(uint32_t nodes, uint32_t arcs, uint64_t seed, struct fl_err *err);

#endif
