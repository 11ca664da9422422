/* simulate_core.h - what a simulation keeps; for simulate.c and simulate_result.c alone. */
#ifndef FL_SUPPLY_SIMULATE_CORE_H
#define FL_SUPPLY_SIMULATE_CORE_H

#include "supply/simulate.h"
#include "supply/simulate_curve.h"

/* Sums of trials that follow each other. They are added up in their order at the end, whichever
 * thread made which: sums of doubles depend on order. */
struct fl_sim_block {
    struct {
        double cost;
        uint64_t outages;
    } * sites;
    double *types;
    uint64_t events, left_out;
};

#define FL_SIM_BLOCKS 64u
#define FL_SIM_GROUP  64u /* years whose events are drawn together */

struct fl_sim {
    struct fl_sim_spec spec;
    struct fl_net *net; /* a reference */
    struct fl_sim_curves *curves;
    uint32_t *streams, *items; /* of each source, of each site: hash of its id */
    uint32_t *type_of;         /* of each source: its number in types */
    const char **types;
    uint32_t type_count;
    double *losses, *largest; /* of each trial */
    struct fl_sim_block blocks[FL_SIM_BLOCKS];
    uint32_t block_count, block_years;
    atomic_uint next, done; /* blocks */
};

#endif
