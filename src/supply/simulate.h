/*
 * simulate.h - years that might come: events at their rates, the sites they put down, how long, and
 * what the joint set of sites that are down costs.
 *
 * A trial is a year. Each source of events has N ~ Poisson(per_year) of them, on even days; each
 * site within reach is down with the hit's probability, for a length of its own. Outages of one
 * site that overlap are one, with the smaller share left. What is down at the same time costs by
 * the curves PI_S(t) of exposure.h: with sets S1 < S2 < ... of sites that are down, in the order in
 * which they went down, and e_j days since then, each piece of time without a change costs sum_j
 * max(0, dPI_Sj(e_j) - dPI_Sj-1(e_j)),  at most all profit of these days, so one product that waits
 * for two sites is lost once, two products are both lost, and two alternates hurt only while both
 * are down. A year's loss is that of the outages which begin in it. Like the program it is a lower
 * bound; spec.daily takes the curves of daily.h instead.
 *
 * Every number is drawn at (seed, hash of the source's id, trial, hash of the site's id), so the
 * same years happen to two networks with the same ids (plan.h), and threads do not matter: any
 * number of them call fl_sim_run at the same time, the answer is the same to the byte.
 */
#ifndef FL_SUPPLY_SIMULATE_H
#define FL_SUPPLY_SIMULATE_H

#include <stdatomic.h>

#include "supply/daily.h"
#include "supply/hazard.h"

#define FL_SIM_YEARS_MAX   1000000u
#define FL_SIM_SOURCES_MAX 2000000u
#define FL_SIM_DAYS_MAX    1095.0 /* longest outage; longer ones are cut */
#define FL_SIM_OUTAGES_MAX 20000u /* of one trial; those beyond it are left out and counted */

enum fl_sim_length {
    FL_LENGTH_PERT,      /* days: low, likely, high */
    FL_LENGTH_LOGNORMAL, /* days: -, median, 0.95 quantile */
    FL_LENGTH_MARKOV     /* days: -, mean, -: back with probability 1 / mean each day */
};

struct fl_sim_hit {
    uint32_t site;
    double probability; /* that it is down, where the event is there */
    double days[3];
    double left;       /* share of capacity that is left; kept in eighths */
    double x_km, y_km; /* from the source's middle; where it has a radius */
};

/* Something that happens and puts sites down. With radius_km above 0 its middle lies anywhere in
 * that circle around the seed at (0, 0), it reaches the hits within radius_km of the middle, and
 * happens only one time in as many as there are hits: as each of them has such a source, each place
 * is reached at the rate that it should be. */
struct fl_sim_source {
    const char *id;   /* distinct: "NAT-QUAKE/tw-hsinchu" */
    const char *type; /* what it counts under */
    double per_year;
    bool certain; /* exactly once in each trial instead */
    double radius_km;
    enum fl_sim_length length;
    const struct fl_sim_hit *hits;
    uint32_t hit_count;
};

struct fl_sim_spec {
    const struct fl_net *net;
    const struct fl_sim_source *sources; /* they and what they point to outlive the simulation */
    uint32_t source_count;
    uint64_t seed;
    uint32_t years;
    const struct fl_daily_rule *daily; /* NULL: by the program */
};

struct fl_sim;

int fl_sim_new(const struct fl_sim_spec *spec, struct fl_sim **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_sim_free(struct fl_sim *sim);
/* Take trials until none is left. Any number of threads at once; stop: NULL, or ends it early with
 * FL_E_TIMEOUT. When all have come back with FL_OK the simulation is done. */
int fl_sim_run(struct fl_sim *sim, const atomic_bool *stop, struct fl_err *err) FL_MUST_CHECK;
/* 0..1; any thread. */
double fl_sim_progress(const struct fl_sim *sim);

/* ---- what came out ---- */

struct fl_sim_quantile {
    double value, low, high; /* 0.95 limits by order statistics */
};
struct fl_sim_point {
    double probability;    /* in a year */
    double total, largest; /* sum of a year, largest single loss of a year: above this with it */
};
struct fl_sim_share {
    uint32_t site;    /* or FL_NET_NONE */
    const char *type; /* or NULL */
    double per_year, outages_per_year;
};
#define FL_SIM_POINTS 12u

struct fl_sim_result {
    uint32_t years;
    double mean, mean_low, mean_high, deviation;
    struct fl_sim_quantile p50, p90, p95, p99;
    double cvar95; /* mean of the worst twentieth */
    double any;    /* share of years with a loss */
    struct fl_sim_point points[FL_SIM_POINTS];
    double events_per_year, outages_per_year;
    struct fl_sim_share *sites, *types; /* what is not 0, largest first */
    uint32_t site_count, type_count;
    uint64_t sets,
        curves_again; /* curves of sets of down sites; those that were not kept for want of room */
    uint64_t outages_left_out;
};
/* When it is done. In arena. */
int fl_sim_result(const struct fl_sim *sim, struct fl_arena *arena, struct fl_sim_result *ret,
                  struct fl_err *err) FL_MUST_CHECK;
const struct fl_sim_spec *fl_sim_spec(const struct fl_sim *sim);
const double *fl_sim_losses(const struct fl_sim *sim); /* of each trial; lives as long as sim */

/* Of any sample: sorted rising. p within 0..1: the least value that so many are not above. */
struct fl_sim_quantile fl_sim_quantile(const double *sorted, uint32_t count, double p);
double fl_sim_cvar(const double *sorted, uint32_t count, double p);

/* ---- sources ---- */

enum fl_rate_reach { FL_REACH_SITE, FL_REACH_SUPPLIER, FL_REACH_COUNTRY, FL_REACH_DISC };

/* A row of data/event_rates.csv: starting values by judgement, to be replaced by one's own. */
struct fl_event_rate {
    const char *type;   /* code of the catalogue, "GEO-001" */
    const char *name;   /* for people */
    const char *region; /* ISO 3166-1 alpha-2, a continent by its name ("Asia"), "*" */
    enum fl_rate_reach reach;
    double per_year; /* for each site, supplier, country; disc: at each place */
    double radius_km;
    double probability; /* of each site within reach */
    enum fl_sim_length length;
    bool of_ttr; /* days are multiples of the site's time to recover */
    double days[3];
    double left;
};
extern const struct fl_event_rate fl_event_rates[];
extern const uint32_t fl_event_rate_count;
extern const char fl_event_rates_version[];
/* Of the rows of its type: is this the one that holds in a country (alpha-2, "" unknown)? The
 * country's wins over the continent's, that over "*". */
bool fl_event_rate_holds(const struct fl_event_rate *rates, uint32_t count,
                         const struct fl_event_rate *rate, const char *country);

/* Every rate over every site, supplier and country of the net; of one type the row of the country
 * wins over the continent's, that over "*". In arena. */
int fl_sim_sources(const struct fl_net *net, const struct fl_event_rate *rates, uint32_t count,
                   struct fl_arena *arena, struct fl_sim_source **ret, uint32_t *ret_count,
                   struct fl_err *err) FL_MUST_CHECK;
/* One event with the hits that hazard.h found: per_year times a year, or NAN: certain. */
int fl_sim_source_of_hits(const char *id, const char *type, double per_year,
                          const struct fl_hits *hits, struct fl_arena *arena,
                          struct fl_sim_source *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
