/*
 * concentration.h - how few hands things are in: shares, flags, and what hangs on one site behind
 * several sources.
 *
 * HHI = sum of (100 * share)^2, 10,000 = one hand; effective number = 1 / sum of share^2. A part
 * weighs what it costs at the rate it is drawn (unit_cost * rate) where every part's cost is known,
 * else each part the same. Within a part today's split counts (share), equal where any of it is not
 * known. A distributor or warehouse is no source: what comes only from one is not known.
 *
 * 'Direct' are the lines of a product's own bill, 'below' what parts are made of; a part that is
 * both weighs in both.
 */
#ifndef FL_SUPPLY_CONCENTRATION_H
#define FL_SUPPLY_CONCENTRATION_H

#include "base/arena.h"
#include "supply/net.h"

/* ---- single parts ---- */

enum fl_source_flag {
    FL_SOLE_SOURCE = 1,   /* one qualified supplier */
    FL_SINGLE_SOURCE = 2, /* one used supplier, more are qualified */
    FL_SINGLE_SITE = 4,   /* all that is qualified stands at one site */
    FL_SAME_HAZARD = 8,   /* several sites, and one earthquake or cyclone reaches all */
    FL_HIDDEN_HUB = 16    /* several sites, and all hang on one site below them */
};
/* Their words: "sole_source". NULL: no such flag. */
const char *fl_source_flag_name(enum fl_source_flag flag);

#define FL_QUAKE_REACH_KM   75.0  /* MMI VI of magnitude 7, 10 km deep */
#define FL_CYCLONE_REACH_KM 200.0 /* between 5 and 45 degrees of latitude */

/* Without FL_HIDDEN_HUB. 0 also for a part that nobody makes. */
unsigned fl_part_flags(const struct fl_net *net, uint32_t part);
/* What reaches all sites of a part that has several: FL_REACH_QUAKE, FL_REACH_WIND. */
enum fl_part_reach { FL_REACH_QUAKE = 1, FL_REACH_WIND = 2 };
unsigned fl_part_reach(const struct fl_net *net, uint32_t part);
/* Qualified suppliers that are no distributors; sites of which none is known count one each. */
uint32_t fl_part_suppliers(const struct fl_net *net, uint32_t part);
/* Is this the only source of its part that may deliver, distributors left out? */
bool fl_source_is_sole(const struct fl_net *net, uint32_t source);
uint32_t fl_sole_parts_of_site(const struct fl_net *net, uint32_t site);

/* ---- shares ---- */

double fl_hhi(const double *shares, uint32_t count); /* of weights, which need not add up to 1 */

enum fl_level {
    FL_LEVEL_SUPPLIER,
    FL_LEVEL_SITE,
    FL_LEVEL_CLUSTER, /* sites that are nearer than cluster_km, in chains */
    FL_LEVEL_COUNTRY,
    FL_LEVELS
};
const char *fl_level_name(enum fl_level level);

struct fl_spread {
    uint32_t parts;        /* whose place at this level is known */
    uint32_t unknown;      /* parts whose is not, or that nobody makes */
    uint32_t hands;        /* suppliers, sites ... that have a share */
    double hhi, effective; /* 0 without parts */
    double top_share;
    const char *top;   /* id of the largest: supplier, site, a cluster's first site, country */
    uint32_t one_only; /* parts that come from one hand alone */
};

struct fl_concentration {
    struct fl_spread direct[FL_LEVELS], below[FL_LEVELS];
    enum fl_level worst; /* the highest HHI of all; ties: as listed */
    bool worst_below;
};

/* product FL_NET_NONE: of all products. cluster_km: 50 to 100 is usual. Texts are the net's. */
int fl_concentration(const struct fl_net *net, uint32_t product, double cluster_km,
                     struct fl_arena *work, struct fl_concentration *ret, struct fl_err *err)
    FL_MUST_CHECK;

/* ---- hidden hubs ---- */

struct fl_hub {
    uint32_t part;                   /* has several sites */
    uint32_t site;                   /* without which none of them delivers */
    double probability, independent; /* that the part stops: as it is, and as if its sources had
                                        nothing in common */
    bool exact;                      /* else by sampling */
};

/* Parts below the product (FL_NET_NONE: of all) that several sites deliver and one site stops.
 * down: the chance that a site is down by itself; NULL: 0.05 each. Worst first. In arena. */
int fl_hubs(const struct fl_net *net, uint32_t product, const double *down, struct fl_arena *arena,
            struct fl_hub **ret, uint32_t *ret_count, struct fl_err *err) FL_MUST_CHECK;
/* Only which sites they are, without the chances: true in ret[site]. In arena. */
int fl_hub_sites(const struct fl_net *net, uint32_t product, struct fl_arena *arena, bool **ret,
                 struct fl_err *err) FL_MUST_CHECK;

#endif
