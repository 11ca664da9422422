/*
 * rate.h - how often things happen, and what follows from it: the closed forms beside simulate.h.
 * Rates are per year, probabilities 0..1, money in one currency.
 */
#ifndef FL_SUPPLY_RATE_H
#define FL_SUPPLY_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Events per year seen n times in so many years, with the prior Gamma(1/2, 0): (n + 1/2) / years.
 * NAN where years is not above 0. */
double fl_rate_seen(double n, double years);
/* Within so many years at least one: 1 - exp(-rate years). */
double fl_rate_any(double per_year, double years);
/* Down, of a site that fails with a and comes back with b in each period: a / (a + b). */
double fl_rate_down(double a, double b);

/*
 * b of log10 N(>= M) = a - b M from magnitudes binned by dm that are complete from mc on (Aki 1965
 * with Utsu's correction); *ret_a: of the count itself. FL_E_INVAL: fewer than two at or above mc.
 */
int fl_rate_magnitudes(const double *magnitudes, uint32_t count, double mc, double dm,
                       double *ret_a, double *ret_b, struct fl_err *err) FL_MUST_CHECK;

/* A year's sum of losses, each with this mean and mean square: E = rate m, Var = rate m2. */
struct fl_rate_sum {
    double mean, variance;
};
struct fl_rate_sum fl_rate_sum(double per_year, double mean, double mean_square);
/* That the largest loss of a year is above x, where one loss is with `above`: 1 - exp(-rate above)
 */
double fl_rate_exceed(double per_year, double above);

struct fl_stock_plan {
    double units, cost_per_period;
};
/*
 * Order quantity where the supplier is up and down by turns (exponential, rates fail and repair per
 * period; Berk, Arreola-Risa 1994): order K = fixed, hold h, short p per unit and period, demand d:
 *   psi = fail/(fail+repair) (1 - exp(-(fail+repair) Q/d))
 *   g(Q) = (K + h Q^2/(2 d) + p d psi/repair) / (Q/d + psi/repair)
 */
int fl_stock_order(double fixed, double hold, double shortage, double demand, double fail,
                   double repair, struct fl_stock_plan *ret, struct fl_err *err) FL_MUST_CHECK;
/*
 * Base stock where demand is even and the source fails with a and comes back with b per period
 * (Tomlin 2006): after n periods of outage the shortage is (n + 1) d - S, and P(n) is geometric.
 * units < 0: the best, else the cost of that many.
 */
int fl_stock_base(double hold, double shortage, double demand, double a, double b, double units,
                  struct fl_stock_plan *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
