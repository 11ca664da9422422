/*
 * draw.h - random numbers that have an address: Philox4x32-10 (Salmon, Moraes, Dror, Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011), which makes a number out of its place.
 *
 * A draw's place is (seed, stream, trial, item, index). Nothing is kept between draws but the
 * index, so whoever knows the place gets the same number, on any thread and in any order. The same
 * place in two networks gives the same number: that is what "common random numbers" are.
 */
#ifndef FL_SUPPLY_DRAW_H
#define FL_SUPPLY_DRAW_H

#include <stdint.h>

#define FL_DRAW_POISSON_MAX 64000.0 /* largest mean; it takes 128 numbers then, else one */

/* One block: 128 bits of place and 64 bits of key to 128 bits. */
void fl_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret[4]);

struct fl_draw {
    uint64_t seed;
    uint32_t stream, trial, item;
    uint32_t index; /* of the next one; each function below moves it on */
};

double fl_draw_uniform(struct fl_draw *draw); /* within (0, 1), 53 bits */
double fl_draw_normal(struct fl_draw *draw);  /* mean 0, deviation 1, by inversion */
/* Number of events; 0 where mean is not above 0. By inversion, so that a larger mean never gives
 * fewer events at the same place. At most FL_DRAW_POISSON_MAX counts. */
uint32_t fl_draw_poisson(struct fl_draw *draw, double mean);
/* Marsaglia, Tsang 2000. Both above 0. */
double fl_draw_gamma(struct fl_draw *draw, double shape, double scale);
double fl_draw_beta(struct fl_draw *draw, double a, double b);
/* Beta(1 + 4 (m-a)/(b-a), 1 + 4 (b-m)/(b-a)) between low and high; likely where they are equal. */
double fl_draw_pert(struct fl_draw *draw, double low, double likely, double high);
/* By its median and its 0.95 quantile; the median where that is not above it. */
double fl_draw_lognormal(struct fl_draw *draw, double median, double p95);
/* Days until a site that comes back with this probability each day is back: 1, 2, ... */
double fl_draw_geometric(struct fl_draw *draw, double probability);

/* Inverse of the normal distribution (Wichura 1988, AS 241): to 1e-15 within (0, 1). */
double fl_normal_quantile(double p);

#endif
