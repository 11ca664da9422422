/*
 * score.h - how much hangs on a component, a product, a supplier, a site: 0 to 100, from a table of
 * factors, each of which can be shown down to its rows.
 *
 *   base  = 100 (1 - product over the factors k that are known of (1 - w_k x_k)), x_k in 0..1
 *   score = 100 (1 - (1 - base / 100) ^ stage)
 *
 * The stage multiplies what is at stake (-ln(1 - base/100)), so that the same part weighs more
 * while a product is still drawn, and never more than 100. A factor whose inputs are not known is
 * left out: `missing` is its share of the weights, `low` and `high` are what the score would be
 * with all such factors at their best and at their worst. Where more than half of the weights is
 * missing there is no score (NAN), only the range.
 *
 * Components and sites have factors; those of a site are its own, or the worst of what it makes. A
 * product rolls its components up, a supplier its sites: the score is the worst of them, `mean` the
 * mean weighted by revenue a day that hangs on each. Weights and stages are starting values by
 * judgement.
 */
#ifndef FL_SUPPLY_SCORE_H
#define FL_SUPPLY_SCORE_H

#include "supply/concentration.h"
#include "supply/exposure.h"
#include "supply/simulate.h"

#define FL_SCORE_FRESH_DAYS  90.0  /* a map confirmed within them is fresh */
#define FL_SCORE_STALE_DAYS  365.0 /* as old as can be */
#define FL_SCORE_GAP_DAYS    90.0
#define FL_SCORE_LEAD_DAYS   180.0
#define FL_SCORE_YEARS       3.0 /* of the chance of an event */
#define FL_SCORE_STOCK_DAYS  14.0
#define FL_SCORE_START_DAYS  30.0 /* until an alternate site delivers */
#define FL_SCORE_MISSING_MAX 0.5
#define FL_SCORE_WORST       5u
#define FL_SCORE_INPUTS_MAX  96u
#define FL_SCORE_CHANGES_MAX 64u

enum fl_score_kind {
    FL_SCORE_COMPONENT,
    FL_SCORE_PRODUCT,
    FL_SCORE_SUPPLIER,
    FL_SCORE_SITE,
    FL_SCORE_KINDS
};
enum fl_score_factor {
    FL_FACTOR_SOURCING,
    FL_FACTOR_GAP,
    FL_FACTOR_HAZARD,
    FL_FACTOR_LIFECYCLE,
    FL_FACTOR_LEAD,
    FL_FACTOR_SUPPLIER,
    FL_FACTOR_COUNTRY,
    FL_FACTOR_FRESH,
    FL_FACTOR_CUSTODY,
    FL_FACTOR_STOCK,
    FL_FACTORS
};
enum fl_score_stage { /* in the words of products.stage */
                      FL_STAGE_CONCEPT,
                      FL_STAGE_DESIGN,
                      FL_STAGE_PROTOTYPE,
                      FL_STAGE_PRODUCTION,
                      FL_STAGE_END_OF_LIFE,
                      FL_STAGES
};

struct fl_score_factor_info {
    const char *name, *title;
    const char *formula; /* of x */
};
extern const struct fl_score_factor_info fl_score_factors[FL_FACTORS];
extern const char *const fl_score_kind_names[FL_SCORE_KINDS]; /* "component" */
extern const char *const fl_score_stage_names[FL_STAGES];
extern const char fl_score_formula[], fl_score_stage_formula[], fl_score_roll_formula[];
/* By name; -1: there is none. */
int fl_score_kind_find(struct fl_span name);

struct fl_score_rule {
    double weight[FL_FACTORS]; /* 0..1 */
    double stage[FL_STAGES];   /* above 0, up to 10 */
};
extern const struct fl_score_rule fl_score_preset; /* by judgement */

/* What a score rests on beside the net; all but today_day may be NULL: what needs it is missing. */
struct fl_score_facts {
    const struct fl_exposed *nodes; /* each source down alone, in the net's order (exposure.h) */
    const struct fl_exposed *sites;
    const struct fl_event_rate *rates;
    uint32_t rate_count;
    const double *known; /* of each site: the chance that an event that is known now hits it */
    int32_t today_day;   /* since 1970-01-01 */
};

struct fl_risk_score {
    double score, low, high; /* 0..100; score NAN: too little is known */
    double base;             /* before the stage */
    double missing;          /* share of the weights, 0..1 */
    double mean;             /* rolled up; NAN otherwise, or where no member has a score */
    enum fl_score_stage stage;
    bool staged;                        /* components that some product needs, and products */
    double x[FL_FACTORS];               /* NAN: not known. Components and sites */
    uint32_t worst[FL_SCORE_WORST];     /* components of a product, sites of a supplier */
    uint32_t worst_count, member_count; /* 0: nothing is mapped, no score */
};

struct fl_scores;

/* Everything of a net; in arena, immutable then. stop: NULL, or ends it early (FL_E_TIMEOUT). */
int fl_scores_new(const struct fl_net *net, const struct fl_score_rule *rule,
                  const struct fl_score_facts *facts, const atomic_bool *stop,
                  struct fl_arena *arena, struct fl_scores **ret, struct fl_err *err) FL_MUST_CHECK;
uint32_t fl_score_count(const struct fl_scores *s, enum fl_score_kind kind);
const struct fl_risk_score *fl_score_get(const struct fl_scores *s, enum fl_score_kind kind,
                                         uint32_t i);
const char *fl_score_id(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i);
const char *fl_score_name(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i);
/* FL_NET_NONE: there is none. */
uint32_t fl_score_find(const struct fl_scores *s, enum fl_score_kind kind, struct fl_span id);
/* Of each kind, worst first: by score, those without one by what they may be. In arena. */
int fl_score_order(const struct fl_scores *s, enum fl_score_kind kind, struct fl_arena *arena,
                   uint32_t **ret, struct fl_err *err) FL_MUST_CHECK;
const struct fl_net *fl_score_net(const struct fl_scores *s);
/* Hidden hubs behind components, worst first (concentration.h). */
uint32_t fl_score_hubs(const struct fl_scores *s, const struct fl_hub **ret);

/* The formula alone: fills score, low, high, base, missing of ret from its x and stage weight. */
void fl_score_of(const struct fl_score_rule *rule, double stage_weight, struct fl_risk_score *ret);

/* ---- how it comes about ---- */

struct fl_score_input {
    enum fl_score_factor factor;
    const char *name; /* "suppliers" */
    double value;     /* NAN where text says it, or it is not known */
    const char *text; /* or NULL */
    int table;        /* of the row it is from, enum fl_supply_table, or -1 */
    uint32_t row;     /* of the net's table */
};
struct fl_score_trace {
    struct fl_score_input input[FL_SCORE_INPUTS_MAX];
    uint32_t count, left_out;
};
/* Of a component or a site: what each factor stands on. */
void fl_score_explain(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                      struct fl_score_trace *ret);
/* The key of a row ("part@site"); ret holds FL_SUPPLY_KEY_MAX + 1 bytes. */
void fl_score_row_key(const struct fl_net *net, int table, uint32_t row, char *ret);

/* ---- what would change it ---- */

struct fl_score_change {
    const char
        *what;       /* "second_source", "stock", "alternate_site", "confirm", or a factor's name */
    bool action;     /* else: this factor at its best */
    uint32_t member; /* of a roll-up: which component or site; FL_NET_NONE */
    double score, mean; /* after it */
};
const char *fl_score_action_text(const char *what); /* what it supposes; NULL: no action */
/* Ranked, the largest change first; ret has FL_SCORE_CHANGES_MAX. What changes nothing is left out.
 * Returns how many. */
uint32_t fl_score_changes(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                          struct fl_score_change *ret);

/* ---- a bill of material before it is released ---- */

#define FL_DRAFT_LINES_MAX 5000u

enum fl_draft_flag {
    FL_DRAFT_UNKNOWN = 1,     /* not in the network, and no source is proposed */
    FL_DRAFT_PROPOSED = 2,    /* not in the network: scored by what the file says */
    FL_DRAFT_SINGLE_SITE = 4, /* one site makes it */
    FL_DRAFT_SOLE = 8,        /* one supplier */
    FL_DRAFT_HUB = 16,        /* several sites, and all hang on one */
    FL_DRAFT_SAME_HAZARD = 32,
    FL_DRAFT_ENDS = 64,    /* last buy, end of life, obsolete, not recommended */
    FL_DRAFT_CUSTODY = 128 /* of a class that has rules of its own */
};
#define FL_DRAFT_FLAGS 8u
const char *fl_draft_flag_name(unsigned bit);

struct fl_draft_line {
    const char *part, *name, *lifecycle, *custody;
    double quantity; /* in one of what is drafted; over all levels */
    unsigned flags;
    bool direct;                /* on the draft itself, not below something else */
    struct fl_risk_score score; /* at the draft's stage */
    uint32_t suppliers, sites;
};
struct fl_draft_hub {
    const char *part, *site, *site_name;
    double probability, independent;
    bool exact;
};
struct fl_draft {
    const char *title; /* what is drafted: the item that nothing else takes */
    enum fl_score_stage stage;
    struct fl_risk_score score; /* as of a product, but for `worst`: lines[0] is the worst */
    struct fl_draft_line *lines;
    uint32_t line_count;
    struct fl_draft_hub *hubs;
    uint32_t hub_count;
    struct fl_concentration concentration; /* texts live in arena */
    uint32_t unknown, proposed;
};

/*
 * A bill as CSV. Columns (other headings are understood as in imports): part, quantity, parent, and
 * for parts that are proposed: supplier, site, country, lat, lon, lifecycle, custody, lead_days,
 * stock; a part with several proposed sources has several lines. s: scores of the network the draft
 * is held against. Nothing is kept. FL_E_INVAL names line and column.
 */
int fl_draft_score(const struct fl_scores *s, struct fl_span csv, enum fl_score_stage stage,
                   struct fl_arena *arena, struct fl_draft *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
