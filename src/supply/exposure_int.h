/*
 * exposure_int.h - what the files of exposure share.
 *
 * Everything is counted in days: of an item, the days of what all products together draw of it
 * (its rate); of a site, the days of its capacity. So the coefficients of the programs lie between
 * 0 and 1, and one tolerance fits all.
 *
 *   pool     sum over its users of weight * made - made by its arms <= stock      each part
 *   site     sum over its arms of load * made <= time there was (left, until)     each limited site
 *   demand   made + lost >= t - stock                                             each product
 *
 * Time is cut where something opens or is back (breaks); within a piece every bound is a line in t.
 * Loss grows with time, so the loss by t is the largest of PI(s) over the breaks s before t and t.
 *
 * What makes it fast. Made at least, to lose nothing, is the same whatever the sources do: a part
 * is needed for (what its users need - stock)+ (exposure_cone.c). Only how parts share sites is
 * open: parts that meet at a limited site form a group (exposure_scene.c). A group that is served
 * in full binds nothing, since less made needs less. So only the groups that an outage touches are
 * looked at, how long they are served is a flow between few (exposure_flow.c), and a program
 * (exposure_program.c) is needed only for those that fall short, and only of the items behind them.
 */
#ifndef FL_SUPPLY_EXPOSURE_INT_H
#define FL_SUPPLY_EXPOSURE_INT_H

#include "supply/exposure.h"
#include "supply/lp.h"

#define FL_NEVER_DAYS 1e6 /* a time to survive beyond 2,700 years is "no exposure" */

struct fl_arm { /* a way to make a part: a source, or the site that takes over from it */
    uint32_t part, site;
    uint32_t source; /* itself, or the one it takes over from */
    double bring_up;
    double load; /* days of the site for a day of the part; 0: the site is not limited */
};

struct fl_exposure {
    const struct fl_net *net;
    bool plain;
    double *rate, *stock;              /* of items */
    double *weight;                    /* of lines of the bills: the share of the part's rate */
    double *demand, *profit, *revenue; /* of products, a day; money in the base currency */
    uint32_t *place;                   /* of items in the net's order */
    struct fl_arm *arms;               /* sources by their number, then those that take over */
    uint32_t arm_count;
    uint32_t *takes_over; /* of sources: arm, or FL_NET_NONE */
    struct fl_net_index arms_of_part, arms_of_site;
    uint32_t *missing, missing_count; /* parts in demand that nobody may make */
    /* Parts of groups that fall short with nothing down, how many such a group has, and how long it
     * is served. */
    uint32_t *weak, *weak_size, weak_count;
    double *weak_days;
    /* The scene in hand. */
    bool *arm_on;
    double *site_left, *site_until, *arm_left, *arm_until; /* 1 and 0: nothing is down */
    uint32_t *hit_sites, hit_site_count, *hit_arms, hit_arm_count;
    uint32_t *seeds, seed_count; /* parts that lost something */
    /* Marks of one walk: equal to `walk` where it has been. */
    uint32_t walk, *item_mark, *site_mark;
    /* Places of items in the cone in hand, of sites and parts in the group in hand. */
    uint32_t *local, *site_local, *part_local;
    const struct fl_cone *cone;
    struct fl_arena work; /* of one question */
    struct fl_lp *lp;
    struct fl_lp_basis lose_basis, survive_basis; /* of the plain program, nothing down */
};

/* In x->work, not zeroed; NULL: err is set. */
void *fl_exposure_get(struct fl_exposure *x, size_t count, size_t size, struct fl_err *err)
    FL_MUST_CHECK;

void fl_exposure_forget(struct fl_exposure *x); /* all of that */

/* ---- the scene (exposure_scene.c) ---- */

/* ret_days: the longest of them. Undo it with fl_scene_clear(), after a failure as well. */
int fl_scene_set(struct fl_exposure *x, const struct fl_outage *outages, size_t count, double days,
                 double *ret_days, struct fl_err *err) FL_MUST_CHECK;
void fl_scene_clear(struct fl_exposure *x);

/* days of availability by t of what has `left` of itself until `until` */
double fl_scene_time(double left, double until, double t);

struct fl_line { /* base + slope * t */
    double base, slope;
};
/* The same as a line, right of lo and up to the next break. */
struct fl_line fl_scene_line(double left, double until, double lo);
/* Does nothing come of it right of lo and up to the next break? */
bool fl_arm_closed(const struct fl_exposure *x, const struct fl_arm *arm, double lo);

/* Parts that meet at limited sites, with their arms (those that ever open), and those sites. */
struct fl_group {
    uint32_t *parts, *arms, *sites;
    uint32_t part_count, arm_count, site_count;
    double *breaks; /* rising, above 0 */
    uint32_t break_count;
    double tts_days;
    bool known;           /* no outage touches it: tts_days is that of nothing down */
    struct fl_cone *cone; /* NULL: was not needed yet */
};

/* The groups of the parts that lost something or are weak. */
int fl_scene_groups(struct fl_exposure *x, struct fl_group **ret, uint32_t *ret_count,
                    struct fl_err *err) FL_MUST_CHECK;
/* The groups of all parts, and all of them as one. */
int fl_scene_all_groups(struct fl_exposure *x, struct fl_group **ret, uint32_t *ret_count,
                        struct fl_err *err) FL_MUST_CHECK;
int fl_scene_whole(struct fl_exposure *x, struct fl_group *ret, struct fl_err *err) FL_MUST_CHECK;
/* Two or more as one. */
int fl_scene_join(struct fl_exposure *x, const struct fl_group *groups, uint32_t count,
                  struct fl_group *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- what stands behind parts (exposure_cone.c) ---- */

struct fl_cone {
    uint32_t count, *items; /* each behind all that is made of it */
    uint32_t *start, *to;   /* item -> its lines: the parts in the cone it is made of */
    double *weight;         /* of lines */
    struct fl_line *need;   /* scratch of count */
};
int fl_cone_new(struct fl_exposure *x, const uint32_t *parts, uint32_t count, struct fl_cone **ret,
                struct fl_err *err) FL_MUST_CHECK;

/* Makes x->local that of this cone again. */
void fl_cone_enter(struct fl_exposure *x, const struct fl_cone *cone);

/* What must be made of each item by t to lose nothing, as the line that it is there (INFINITY: in
 * the end): (t - stock)+ of a product, (sum of weight * need of its users - stock)+ of a part. It
 * is convex. only: a product's place in the cone whose needs alone count, or FL_NET_NONE. */
void fl_cone_needs(const struct fl_exposure *x, struct fl_cone *cone, uint32_t only, double t);

/* ---- who is served (exposure_flow.c) ---- */

/* How long the group's parts can all be made. Makes its cone where that is needed. */
int fl_flow_survive(struct fl_exposure *x, struct fl_group *group, uint32_t only, double *ret_days,
                    struct fl_err *err) FL_MUST_CHECK;

/* The flow of a piece that begins at lo, to be asked with needs of the caller's. */
struct fl_flow;
int fl_flow_new(struct fl_exposure *x, struct fl_group *group, double lo, struct fl_flow **ret,
                struct fl_err *err) FL_MUST_CHECK;
/* Does nobody make the group's part i in this piece? */
bool fl_flow_closed(const struct fl_flow *flow, uint32_t i);
/* What is short at t when so much is needed of the group's parts, in units: that of the parts
 * short_of, less what their sites can give them by any time of the piece. */
double fl_flow_short(struct fl_flow *flow, const double *need, double t, bool *short_of,
                     struct fl_line *ret_room);

/* ---- the curve's corners (exposure_cuts.c) ---- */

/* Of the groups that fall short within until_days, their cone being that of them all. ret's arrays
 * have room for FL_CORNERS_MAX. */
int fl_cuts_corners(struct fl_exposure *x, struct fl_group *groups, uint32_t group_count,
                    const struct fl_group *together, double until_days, struct fl_corners *ret,
                    struct fl_err *err) FL_MUST_CHECK;

/* ---- the programs (exposure_program.c) ---- */

/* Days that each product of the cone loses by `days`, in work. */
int fl_program_lose(struct fl_exposure *x, const struct fl_group *group, double days,
                    const double **ret_lost, struct fl_err *err) FL_MUST_CHECK;
/* Profit and revenue lost by each of these times, which rise. */
int fl_program_curve(struct fl_exposure *x, const struct fl_group *group, const double *days,
                     uint32_t count, double *profit, double *revenue, struct fl_err *err)
    FL_MUST_CHECK;
/* only: as fl_cone_survive(). */
int fl_program_survive(struct fl_exposure *x, const struct fl_group *group, uint32_t only,
                       double *ret_days, struct fl_err *err) FL_MUST_CHECK;

#endif
