/* Closed forms against the values of the reference. */
#include <math.h>

#include "supply/draw.h"
#include "supply/rate.h"
#include "tap.h"

static bool near(double got, double want, double share)
{
    bool is = fabs(got - want) <= share * fabs(want);

    if (!is)
        printf("# %.12g, not %.12g\n", got, want);
    return is;
}

static void test_rates(void)
{
    CHECK(near(fl_rate_any(0.12, 3), 0.302324, 2e-6), "rate 0.12 in 3 years");
    CHECK(near(fl_rate_seen(3, 10), 0.35, 1e-12) && isnan(fl_rate_seen(1, 0)),
          "three in ten years, prior Gamma(1/2, 0)");
    CHECK(near(fl_rate_down(0.1, 0.3), 0.25, 1e-12),
          "a site that fails with 0.1, is back with 0.3");
    CHECK(near(fl_rate_sum(2, 5, 28).mean, 10, 1e-12) &&
              near(fl_rate_sum(2, 5, 28).variance, 56, 1e-12),
          "sum of a Poisson number of losses");
    CHECK(near(fl_rate_exceed(2, 0.1), 1 - exp(-0.2), 1e-12), "occurrence exceedance");
}

static void test_magnitudes(void)
{
    double magnitude[20000], a = 0, b = 0;
    struct fl_err err;

    /* b = 1: magnitudes above Mc are exponential with rate ln 10; binned by 0.1. */
    for (uint32_t i = 0; i < 20000; i++) {
        struct fl_draw d = {.seed = 3, .trial = i};

        magnitude[i] = round((4.45 - log10(fl_draw_uniform(&d))) * 10) / 10;
    }
    CHECK(fl_rate_magnitudes(magnitude, 20000, 4.5, 0.1, &a, &b, &err) == FL_OK &&
              fabs(b - 1) < 0.02,
          "b of a Gutenberg-Richter sample");
    CHECK(fabs(a - b * 4.5 - log10(20000)) < 1e-9, "a gives the count at Mc");
    CHECK(fl_rate_magnitudes(magnitude, 20000, 12, 0.1, &a, &b, &err) == FL_E_INVAL,
          "too few magnitudes");
}

static void test_markov(void)
{
    uint32_t down = 0;
    bool up = true;

    for (uint32_t i = 0; i < 200000; i++) {
        struct fl_draw d = {.seed = 5, .trial = i};
        double u = fl_draw_uniform(&d);

        up = up ? u >= 0.1 : u < 0.3;
        down += !up;
    }
    CHECK(fabs(down / 200000.0 - 0.25) < 0.006, "the chain is down a quarter of the time");
}

static void test_stock(void)
{
    struct fl_stock_plan plan = {0};
    struct fl_err err;

    CHECK(fl_stock_order(8, 0.225, 5, 1300, 1.5, 14, &plan, &err) == FL_OK &&
              near(plan.units, 772.8110739983, 1e-7) &&
              near(plan.cost_per_period, 173.9500025732, 1e-11),
          "order quantity with disruptions");
    CHECK(fl_stock_base(0.25, 3, 2000, 0.04, 0.25, -1, &plan, &err) == FL_OK &&
              near(plan.units, 8000, 1e-12) && near(plan.cost_per_period, 2737.0689302470, 1e-7),
          "base stock with disruptions");
    CHECK(fl_stock_base(0.25, 3, 2000, 0.04, 0.25, 1200, &plan, &err) == FL_OK &&
              near(plan.cost_per_period, 5710.3447907, 1e-7),
          "cost of another base stock");
    CHECK(fl_stock_order(8, 0, 5, 1300, 1.5, 14, &plan, &err) == FL_E_INVAL &&
              fl_stock_base(0.25, 3, 2000, 0, 0.25, -1, &plan, &err) == FL_E_INVAL,
          "values that cannot be are refused");
}

int main(void)
{
    test_rates();
    test_magnitudes();
    test_markov();
    test_stock();
    return tap_done();
}
