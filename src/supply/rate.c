#include "supply/rate.h"

#include <math.h>

double fl_rate_seen(double n, double years)
{
    return years > 0 && n >= 0 ? (n + 0.5) / years : NAN;
}

double fl_rate_any(double per_year, double years)
{
    return -expm1(-per_year * years);
}

double fl_rate_down(double a, double b)
{
    return a + b > 0 ? a / (a + b) : 0;
}

int fl_rate_magnitudes(const double *magnitudes, uint32_t count, double mc, double dm,
                       double *ret_a, double *ret_b, struct fl_err *err)
{
    double sum = 0, edge = mc - dm / 2, b;
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++)
        if (magnitudes[i] >= edge) {
            sum += magnitudes[i];
            n++;
        }
    if (n < 2 || !(sum / n > edge))
        return fl_err_set(err, FL_E_INVAL, "two magnitudes from %.1f on are needed, here are %u",
                          mc, n);
    b = 0.43429448190325182765 / (sum / n - edge);
    *ret_a = log10(n) + b * mc;
    *ret_b = b;
    return FL_OK;
}

struct fl_rate_sum fl_rate_sum(double per_year, double mean, double mean_square)
{
    return (struct fl_rate_sum){.mean = per_year * mean, .variance = per_year * mean_square};
}

double fl_rate_exceed(double per_year, double above)
{
    return -expm1(-per_year * above);
}

/* ---- stock against disruption ---- */

struct order {
    double fixed, hold, shortage, demand, fail, repair;
};

static double order_cost(const struct order *o, double q)
{
    double both = o->fail + o->repair, psi = o->fail / both * -expm1(-both * q / o->demand);

    return (o->fixed + o->hold * q * q / (2 * o->demand) +
            o->shortage * o->demand * psi / o->repair) /
           (q / o->demand + psi / o->repair);
}

int fl_stock_order(double fixed, double hold, double shortage, double demand, double fail,
                   double repair, struct fl_stock_plan *ret, struct fl_err *err)
{
    const double golden = 0.61803398874989484820;
    struct order o = {fixed, hold, shortage, demand, fail, repair};
    double low = 0, high;

    if (!(fixed > 0 && hold > 0 && shortage > 0 && demand > 0 && fail > 0 && repair > 0))
        return fl_err_set(err, FL_E_INVAL, "costs, demand and rates must be above 0");
    /* g falls, then rises: double until it rises, then close in. */
    for (high = sqrt(2 * fixed * demand / hold); order_cost(&o, 2 * high) < order_cost(&o, high);)
        high *= 2;
    high *= 2;
    for (unsigned i = 0; i < 200 && high - low > high * 1e-12; i++) {
        double a = high - golden * (high - low), b = low + golden * (high - low);

        if (order_cost(&o, a) < order_cost(&o, b))
            high = b;
        else
            low = a;
    }
    *ret = (struct fl_stock_plan){(low + high) / 2, order_cost(&o, (low + high) / 2)};
    return FL_OK;
}

/* What S units of base stock cost a period; the sum ends where the rest no longer counts. */
static double base_cost(double hold, double shortage, double demand, double a, double b, double s)
{
    double p = b / (a + b), cost = 0;

    for (uint32_t n = 0; n < 100000; n++) {
        double over = s - (n + 1.0) * demand;

        cost += p * (over > 0 ? hold * over : -shortage * over);
        p = n == 0 ? a * b / (a + b) : p * (1 - b);
        if (over < 0 && n > 0 && p * n < 1e-17)
            break;
    }
    return cost;
}

int fl_stock_base(double hold, double shortage, double demand, double a, double b, double units,
                  struct fl_stock_plan *ret, struct fl_err *err)
{
    double want, down;
    uint32_t n = 0;

    if (!(hold > 0 && shortage > 0 && demand > 0 && a > 0 && a < 1 && b > 0 && b < 1))
        return fl_err_set(err, FL_E_INVAL,
                          "costs and demand must be above 0, a and b between 0 and 1");
    want = shortage / (shortage + hold);
    for (down = a / (a + b); 1 - down < want && n < 100000; n++)
        down *= 1 - b;
    if (units < 0)
        units = demand * (n + 1.0);
    *ret = (struct fl_stock_plan){units, base_cost(hold, shortage, demand, a, b, units)};
    return FL_OK;
}
