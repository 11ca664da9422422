/* score_int.h - inside supply: what the files of score.h share. */
#ifndef FL_SUPPLY_SCORE_INT_H
#define FL_SUPPLY_SCORE_INT_H

#include "supply/score.h"

#define FL_SCORE_COUNTRIES 676u

struct fl_scores {
    const struct fl_net *net;
    struct fl_score_rule rule;
    struct fl_score_facts facts;
    double *events;  /* of each site: a year that put it down, by the table of rates; NAN */
    unsigned *flags; /* of each part, with FL_HIDDEN_HUB */
    double *revenue; /* a day that hangs on each part */
    double *hold;    /* of each site: that hangs on what it makes */
    double *makes;   /* of each supplier: parts in demand that it may deliver */
    double country[FL_SCORE_COUNTRIES]; /* parts in demand that it may deliver */
    double demanded;                    /* parts in demand */
    struct fl_hub *hubs;
    uint32_t hub_count;
    struct fl_risk_score *list[FL_SCORE_KINDS];
    uint32_t *members, *member_start; /* components of each product */
};

/* May it deliver, and is it no distributor's? */
bool fl_score_delivers(const struct fl_net *net, uint32_t source);
/* x of a factor; trace NULL or takes the inputs. */
double fl_score_part_x(const struct fl_scores *s, enum fl_score_factor f, uint32_t part,
                       struct fl_score_trace *trace);
double fl_score_site_x(const struct fl_scores *s, enum fl_score_factor f, uint32_t site,
                       struct fl_score_trace *trace);
/* The worst of its sources: days of recovery and survival; NAN. */
void fl_score_part_gap(const struct fl_scores *s, uint32_t part, double *ret_gap, double *ret_tts,
                       uint32_t *ret_source);
/* Events a year that put each site down; ret has one for each. */
void fl_score_events(const struct fl_net *net, const struct fl_event_rate *rates, uint32_t count,
                     double *ret);
uint32_t fl_score_country(const char code[3]); /* FL_SCORE_COUNTRIES: unknown */
/* Members of a roll-up. */
const uint32_t *fl_score_members(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                                 uint32_t *ret_count);
/* score, mean ... of those scores (already staged) with these weights. */
void fl_score_roll(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                   struct fl_risk_score *ret);
/* A member within the roll-up: a component at the product's stage. */
struct fl_risk_score fl_score_member(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                                     uint32_t member);
double fl_score_member_weight(const struct fl_scores *s, enum fl_score_kind kind, uint32_t member);

#endif
