/*
 * bayes.h - how failures spread: a Bayesian network of things that are down or not.
 *
 * A node fails by itself with probability `own`, or because all of a group that it needs has failed
 * (alternates), and then with probability `weight`:
 *
 *   P(X = 1 | parents) = 1 - (1 - own) * prod over groups g of (1 - weight_g * prod over s in g of
 * X_s)
 *
 * (supply.md 2.2; with groups of one and weights below 1 it is the leaky noisy-or.) Answers are
 * exact, by variable elimination, while no step needs more than 2^FL_BAYES_WIDTH_MAX numbers, else
 * by likelihood-weighted sampling, with its standard error.
 */
#ifndef FL_SUPPLY_BAYES_H
#define FL_SUPPLY_BAYES_H

#include "base/arena.h"
#include "base/err.h"

#define FL_BAYES_WIDTH_MAX 20u
#define FL_BAYES_SAMPLES   200000u
#define FL_BAYES_NODES_MAX 4096u /* what an answer may depend on exactly; more is sampled */

struct fl_bayes;

/* Lives in the arena, as all that is added. */
int fl_bayes_new(struct fl_arena *arena, struct fl_bayes **ret, struct fl_err *err) FL_MUST_CHECK;
/* Nodes are numbered as they come. */
int fl_bayes_node(struct fl_bayes *b, double own, uint32_t *ret, struct fl_err *err) FL_MUST_CHECK;
/* node needs one of these, all numbered below it. FL_E_INVAL: they are not, or weight is not in
 * 0..1. */
int fl_bayes_needs(struct fl_bayes *b, uint32_t node, const uint32_t *one_of, uint32_t count,
                   double weight, struct fl_err *err) FL_MUST_CHECK;

struct fl_bayes_seen {
    uint32_t node;
    bool down;
};
struct fl_bayes_answer {
    double probability; /* that the node is down, given what was seen */
    bool exact;
    double error;   /* standard error where it was sampled */
    uint32_t width; /* of the elimination */
};

/* width: at most FL_BAYES_WIDTH_MAX; 0 is always sampled. FL_E_INVAL: what was seen cannot be. */
int fl_bayes_ask(struct fl_bayes *b, uint32_t node, const struct fl_bayes_seen *seen,
                 uint32_t count, uint32_t width, uint64_t seed, struct fl_bayes_answer *ret,
                 struct fl_err *err) FL_MUST_CHECK;

#endif
