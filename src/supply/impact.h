/*
 * impact.h - what one event costs a network: the sites it hits, what stops and when, and one figure
 * to rank it by.
 *
 *   net loss = sum over levels k of (q_k - q_k+1) x (L_low(S_k) + 4 L_likely(S_k) + L_high(S_k)) /
 * 6
 *
 * q_1 > q_2 > ... are the probabilities of the hits, S_k the sites hit with at least q_k, L_d(S)
 * the lost profit of exposure.h when the sites of S are out together for their low, likely or high
 * days. That is the mean over one shock that takes the likelier sites first (an earthquake that is
 * stronger than thought is so for all). With one probability p for all it is p times the mean loss.
 * More than FL_IMPACT_LEVELS probabilities are joined with their neighbours, at their mean.
 *
 * An event that hits more than FL_IMPACT_SOURCES sources is too large for the programs: then it is
 * traced (trace.h), which leaves out stock and alternates and so is above the loss; `traced` says
 * so.
 */
#ifndef FL_SUPPLY_IMPACT_H
#define FL_SUPPLY_IMPACT_H

#include "supply/exposure.h"
#include "supply/hazard.h"

#define FL_IMPACT_LEVELS   8u
#define FL_IMPACT_ALONE    60u /* sites whose loss alone is calculated, the likeliest first */
#define FL_IMPACT_SOURCES  20000u
#define FL_IMPACT_MIN      0.01 /* hits that are less likely are left out */
#define FL_IMPACT_WHY_MAX  240u
#define FL_IMPACT_DAYS     3u /* low, likely, high */
#define FL_IMPACT_DAY_LONG 90.0

struct fl_impact_site {
    struct fl_hit hit;
    double loss;     /* profit lost if it alone is out for its likely days; NAN: not calculated */
    double tts_days; /* until the first product stops then; INFINITY: none; NAN: not calculated */
    uint32_t parts;  /* it makes */
    uint32_t sole;   /* of them: nobody else may deliver them */
};

struct fl_impact_level {
    double probability;
    uint32_t sites; /* the first so many of `sites` */
    double loss[FL_IMPACT_DAYS];
};

struct fl_impact {
    struct fl_hits hits;          /* all that are hit, also those that make nothing */
    struct fl_impact_site *sites; /* that make something, by probability, falling */
    uint32_t site_count;
    struct fl_impact_level levels[FL_IMPACT_LEVELS];
    uint32_t level_count;
    double net_loss;    /* expected profit lost, as above */
    double probability; /* that any site is hit */
    struct fl_loss all; /* all sites out for their high days */
    uint32_t *parts;    /* that the sites make; by their number */
    uint32_t part_count, sole_parts;
    uint32_t first;        /* product that stops first, or FL_NET_NONE */
    double first_tts_days; /* until then: no longer than all can go on together */
    double ttr_days;       /* until the last site is back, likely */
    double ends_days;      /* until the last site is back at the latest */
    bool traced;           /* the figures are those of trace.h; there are no levels */
    char why[FL_IMPACT_WHY_MAX];
};

/* index may be NULL. stop: FL_E_TIMEOUT. Everything in arena. */
int fl_impact(const struct fl_world_event *event, const struct fl_net *net,
              const struct fl_geo_index *index, struct fl_exposure *x, int64_t now_us,
              const atomic_bool *stop, struct fl_arena *arena, struct fl_impact *ret,
              struct fl_err *err) FL_MUST_CHECK;

/* The parts of `part_count`, and what of it each source is: for lists of rows. */
extern const char fl_impact_formula[], fl_impact_traced_formula[];

#endif
