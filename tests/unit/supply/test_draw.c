/* Random numbers by their place: published vectors, distributions, independence of order. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/attr.h"
#include "supply/draw.h"
#include "tap.h"

/* Random123, kat_vectors: philox4x32, 10 rounds. */
static const struct {
    uint32_t counter[4], key[2], out[4];
} vectors[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void test_vectors(void)
{
    for (size_t i = 0; i < FL_LEN(vectors); i++) {
        uint32_t out[4];
        char name[40];

        fl_philox(vectors[i].counter, vectors[i].key, out);
        snprintf(name, sizeof name, "published vector %zu", i + 1);
        CHECK(memcmp(out, vectors[i].out, sizeof out) == 0, name);
    }
}

static void test_quantile(void)
{
    /* Wichura 1988, table of the paper's check values. */
    CHECK(fabs(fl_normal_quantile(0.25) + 0.67448975019608171) < 1e-15, "quantile of 0.25");
    CHECK(fabs(fl_normal_quantile(0.001) + 3.0902323061678132) < 1e-14, "quantile of 0.001");
    CHECK(fabs(fl_normal_quantile(1e-20) + 9.2623400897984076) < 1e-13, "quantile of 1e-20");
}

enum law {
    UNIFORM,
    NORMAL,
    POISSON,
    POISSON_MANY,
    GAMMA,
    GAMMA_SMALL,
    BETA,
    PERT,
    LOGNORMAL,
    GEOMETRIC
};

static double one(enum law law, struct fl_draw *d)
{
    switch (law) {
    case UNIFORM:
        return fl_draw_uniform(d);
    case NORMAL:
        return fl_draw_normal(d);
    case POISSON:
        return fl_draw_poisson(d, 0.12);
    case POISSON_MANY:
        return fl_draw_poisson(d, 1200);
    case GAMMA:
        return fl_draw_gamma(d, 2.5, 3);
    case GAMMA_SMALL:
        return fl_draw_gamma(d, 0.5, 1);
    case BETA:
        return fl_draw_beta(d, 1.8, 4.2);
    case PERT:
        return fl_draw_pert(d, 2, 4, 12);
    case LOGNORMAL:
        return fl_draw_lognormal(d, 10, 40);
    case GEOMETRIC:
        return fl_draw_geometric(d, 0.25);
    }
    return NAN;
}

/* Closed forms; PERT(2,4,12) has mean 5 and Beta(1.8, 4.2). */
static const struct {
    enum law law;
    const char *name;
    double mean, variance;
} laws[] = {
    {UNIFORM, "uniform", 0.5, 1 / 12.0},
    {NORMAL, "normal", 0, 1},
    {POISSON, "Poisson 0.12", 0.12, 0.12},
    {POISSON_MANY, "Poisson 1200", 1200, 1200},
    {GAMMA, "Gamma(2.5, 3)", 7.5, 22.5},
    {GAMMA_SMALL, "Gamma(0.5, 1)", 0.5, 0.5},
    {BETA, "Beta(1.8, 4.2)", 0.3, 0.03},
    {PERT, "PERT(2, 4, 12)", 5, 3},
    {LOGNORMAL, "lognormal 10, 40", 14.2644, 210.54},
    {GEOMETRIC, "geometric 1/4", 4, 12},
};

static void test_laws(void)
{
    enum { DRAWS = 200000 };

    for (size_t i = 0; i < FL_LEN(laws); i++) {
        double sum = 0, square = 0, mean, variance, wide;
        char name[80];

        for (uint32_t n = 0; n < DRAWS; n++) {
            struct fl_draw d = {.seed = 42, .stream = 7, .trial = n, .item = (uint32_t)i};
            double x = one(laws[i].law, &d);

            sum += x;
            square += x * x;
        }
        mean = sum / DRAWS;
        variance = square / DRAWS - mean * mean;
        wide = 5 * sqrt(laws[i].variance / DRAWS);
        snprintf(name, sizeof name, "%s: mean %.4f of %.4f, variance %.4f of %.4f", laws[i].name,
                 mean, laws[i].mean, variance, laws[i].variance);
        CHECK(fabs(mean - laws[i].mean) < wide &&
                  fabs(variance / laws[i].variance - 1) < (laws[i].law == LOGNORMAL ? 0.06 : 0.03),
              name);
    }
}

static void test_place(void)
{
    struct fl_draw a = {.seed = 1, .stream = 2, .trial = 3, .item = 4}, b = a, c = a;
    double first = fl_draw_uniform(&a), second = fl_draw_uniform(&a);
    bool rising = true;

    b.index = 1;
    CHECK(fl_draw_uniform(&b) == second, "a draw is found by its place alone");
    c.seed = UINT64_C(1) << 32 | 1;
    CHECK(fl_draw_uniform(&c) != first, "the upper half of the seed counts");
    for (uint32_t i = 0; i < 2000; i++) {
        struct fl_draw low = {.seed = 9, .trial = i}, high = low;

        rising &= fl_draw_poisson(&low, 1.1) <= fl_draw_poisson(&high, 1.3);
    }
    CHECK(rising, "a larger rate never gives fewer events at the same place");
    CHECK(fl_draw_poisson(&a, 0) == 0 && fl_draw_poisson(&a, NAN) == 0, "no rate, no event");
    CHECK(fl_draw_pert(&a, 5, 5, 5) == 5, "a PERT without width is its likely value");
}

int main(void)
{
    test_vectors();
    test_quantile();
    test_laws();
    test_place();
    return tap_done();
}
