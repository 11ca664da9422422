/*
 * exposure.h - what it costs when sites are down: the programs for time to recover and time to
 * survive (Simchi-Levi et al., Interfaces 45(5), 2015), with pooled flows:
 *
 *   PI(t) = min sum_v f_v l_v
 *     sum_{j uses k} r_kj u_j - sum_{i makes k} u_i <= s_k     each part k that somebody makes
 *     sum_{i at a} u_i <= c_a (share that is left) t           each site a with a capacity
 *     u_i <= c_a (t - b)                                       an alternate that starts after b
 *     l_v + u_v >= d_v t - s_v                                 each product v
 *     u_i = 0                                                  each source that is down
 *   TTS = max t with all l = 0; not bounded: "no exposure", given as INFINITY
 *   REI = PI / max PI
 *
 * It adds up over the whole outage, so it is a lower bound (no transit, perfect allocation);
 * daily.h gives the upper side. A part that nobody makes binds nothing, and is counted.
 */
#ifndef FL_SUPPLY_EXPOSURE_H
#define FL_SUPPLY_EXPOSURE_H

#include <stdatomic.h>

#include "supply/net.h"

/* What is down. Any source of a site that is listed, or a single source. */
struct fl_outage {
    uint32_t site;   /* or FL_NET_NONE */
    uint32_t source; /* or FL_NET_NONE: this part at its site alone */
    double left;     /* share of capacity that is left, 0 = all down. A site without a capacity that
                        has some left loses nothing */
    double days;     /* until it is back; NAN: its site's ttr_days */
};

struct fl_loss_product {
    uint32_t product;
    double lost_units, lost_profit, lost_revenue;
    double tts_days; /* of this product alone; INFINITY */
};

struct fl_loss {
    double days;     /* the time calculated for: the longest of the outages */
    double tts_days; /* INFINITY: no exposure */
    double lost_profit, lost_units, lost_revenue;
    double gap_days;                  /* max(0, days - tts_days) */
    struct fl_loss_product *products; /* those that lose something, worst first */
    uint32_t product_count;
    bool by_program; /* false: the fast path was enough */
};

struct fl_exposure; /* what is kept for a net between questions: base programs, cones; one thread */

int fl_exposure_new(const struct fl_net *net, struct fl_exposure **ret, struct fl_err *err)
    FL_MUST_CHECK; /* takes a reference */
void fl_exposure_free(struct fl_exposure *x);
/* Use the plain program always: what the fast paths are held against. */
void fl_exposure_plain(struct fl_exposure *x, bool on);

/* Parts in demand that nobody may make: they bind nothing, while what they are made of is drawn for
 * them as for others, so that a gap in the map hides nothing below it. Borrowed from x. */
uint32_t fl_exposure_missing(const struct fl_exposure *x, const uint32_t **ret_parts);

/*
 * Loss grows with time: the loss by t is the largest PI(s) over the times s at which something
 * opens or comes back, and t itself; a site that takes over with more than is drawn does not undo a
 * loss that was there before. With one time for all, and nothing that takes over, that is PI(t). A
 * bound is met within 1e-9 of an item's daily draw; a loss below 1e-8 of it counts as none, a time
 * to survive above 1,000,000 days as no exposure. Where products have no profit the fewest units
 * are lost. FL_E_LIMIT: the program would be too large, with a sentence.
 */

/* The outages together. days > 0 replaces each outage's own time. In arena. */
int fl_exposure_loss(struct fl_exposure *x, const struct fl_outage *outages, size_t count,
                     double days, struct fl_arena *arena, struct fl_loss *ret, struct fl_err *err)
    FL_MUST_CHECK;

struct fl_curve {
    double *days, *profit, *revenue; /* at `count` times */
    uint32_t count;
    double tts_days;
};
/* PI(t) at each step up to until_days. */
int fl_exposure_curve(struct fl_exposure *x, const struct fl_outage *outages, size_t count,
                      double until_days, uint32_t steps, struct fl_arena *arena,
                      struct fl_curve *ret, struct fl_err *err) FL_MUST_CHECK;

/* PI(t) up to a day as a line from corner to corner, the first where it leaves 0, the last that
 * day; exact to 1e-9 of what is earned. No corner: nothing is lost until then. As this counts
 * profit alone, products without any lose what they may. */
#define FL_CORNERS_MAX 1024u
struct fl_corners {
    double *days, *profit;
    uint32_t count;
    double tts_days;
};
/* Depends on nothing that was asked of x before, to the byte. In arena. */
int fl_exposure_corners(struct fl_exposure *x, const struct fl_outage *outages, size_t count,
                        double until_days, struct fl_arena *arena, struct fl_corners *ret,
                        struct fl_err *err) FL_MUST_CHECK;

struct fl_exposed {
    uint32_t site, source; /* one of them FL_NET_NONE */
    struct fl_loss loss;   /* NAN, but for tts_days, where the site's ttr_days is not known */
    double rei;
};
enum fl_exposure_per { FL_PER_SITE, FL_PER_NODE };
/* Each site, or each node, down alone for its recovery time; in the net's order. stop: may end it
 * early (FL_E_TIMEOUT); NULL. */
int fl_exposure_all(struct fl_exposure *x, enum fl_exposure_per per, const atomic_bool *stop,
                    struct fl_arena *arena, struct fl_exposed **ret, uint32_t *ret_count,
                    struct fl_err *err) FL_MUST_CHECK;

#endif
