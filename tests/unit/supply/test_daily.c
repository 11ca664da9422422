/* Day by day: known cases, and never below the program on random networks. */
#include <math.h>

#include "net_lines.h"
#include "supply/daily.h"
#include "tap.h"

static const struct net_line chain[] = {
    {FL_SUPPLY_SITES, "a||A|||||30"},
    {FL_SUPPLY_SITES, "b||B|||||30"},
    {FL_SUPPLY_PARTS, "chip|Chip||100|5"},
    {FL_SUPPLY_PARTS, "case|Case||0|0"},
    {FL_SUPPLY_PART_SITES, "chip|a||yes"},
    {FL_SUPPLY_PART_SITES, "case|b||yes"},
    {FL_SUPPLY_PRODUCTS, "r||production|10|7|50|0|EUR"},
    {FL_SUPPLY_PRODUCTS, "q||production|10|1|50|0|EUR"},
    {FL_SUPPLY_BOM, "r|chip|1"},
    {FL_SUPPLY_BOM, "q|chip|1"},
    {FL_SUPPLY_BOM, "r|case|1"},
};

static const struct fl_daily_rule even, by_profit = {.allocation = FL_ALLOCATE_PROFIT};

static struct fl_daily run(const struct fl_net *net, uint32_t site, double days,
                           const struct fl_daily_rule *rule, struct fl_arena *arena)
{
    struct fl_outage outage = {.site = site, .source = FL_NET_NONE, .days = days};
    struct fl_daily out = {0};
    struct fl_err err;

    if (fl_daily_run(net, &outage, site == FL_NET_NONE ? 0 : 1, 0, rule, arena, &out, &err) < 0)
        printf("# %s\n", err.text);
    return out;
}

static void test_chain(void)
{
    struct fl_net *net = net_of(chain, sizeof chain / sizeof chain[0]);
    struct fl_daily_rule no_lead = {.no_lead = true}, first = {.allocation = FL_ALLOCATE_LIST};
    uint32_t a = fl_net_site_find(net, FL_SPAN("a")), q = 1;
    struct fl_daily d;
    struct fl_arena arena;

    fl_arena_init(&arena, 64 << 20);
    d = run(net, FL_NET_NONE, 0, &even, &arena);
    CHECK(d.lost_units == 0, "with nothing down nothing is lost");
    d = run(net, a, 12, &no_lead, &arena);
    CHECK(fabs(d.lost_units - (12 * 20 - 100)) < 1e-6 && d.first_day == 5,
          "without lead time: what stock does not cover");
    d = run(net, a, 12, &even, &arena);
    CHECK(fabs(d.lost_units - (17 * 20 - 100)) < 1e-6,
          "with a lead time of 5 days: those 5 days more");
    CHECK(fabs(d.products[0].lost_units - d.products[1].lost_units) < 1e-6, "shared out evenly");
    d = run(net, a, 12, &by_profit, &arena);
    CHECK(fabs(d.products[0].lost_units - 70) < 1e-6 && fabs(d.products[1].lost_units - 170) < 1e-6,
          "what earns more is served first");
    first.first = &q;
    first.first_count = 1;
    d = run(net, a, 12, &first, &arena);
    CHECK(d.products[1].lost_units < d.products[0].lost_units,
          "what the list names is served first");
    d = run(net, fl_net_site_find(net, FL_SPAN("b")), 3, &even, &arena);
    CHECK(fabs(d.lost_units - 30) < 1e-6 && d.products[1].lost_units == 0,
          "a part that one product alone takes");
    fl_arena_done(&arena);
    fl_net_unref(net);
}

/* The program's loss at the same days is never above. */
static void test_program(void)
{
    unsigned cases = 0, above = 0, lost = 0;
    double worst = 0;

    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct fl_net *net = net_by_chance(seed);
        struct fl_exposure *x = NULL;
        uint64_t s = seed * 77;
        struct fl_arena arena;
        struct fl_err err;

        fl_arena_init(&arena, (size_t)256 << 20);
        if (fl_exposure_new(net, &x, &err) < 0) {
            printf("# %s\n", err.text);
            above++;
        }
        for (unsigned i = 0; x != NULL && i < 8; i++) {
            struct fl_daily_rule rule = {
                .allocation = i % 2 ? FL_ALLOCATE_PROFIT : FL_ALLOCATE_EVEN, .no_lead = i % 3 == 0};
            struct fl_outage o[3];
            size_t n = 1 + net_below(&s, 3);
            struct fl_daily daily;
            struct fl_loss loss;

            for (size_t k = 0; k < n; k++)
                o[k] = (struct fl_outage){.site = (uint32_t)(net_below(&s, 100) + 31 * k) %
                                                  net->site_count,
                                          .source = FL_NET_NONE,
                                          .left = net_below(&s, 3) == 0 ? 0.5 : 0,
                                          .days = 1 + net_below(&s, 90)};
            if (n > 1 && (o[0].site == o[1].site ||
                          (n > 2 && (o[0].site == o[2].site || o[1].site == o[2].site))))
                n = 1;
            if (fl_exposure_loss(x, o, n, 0, &arena, &loss, &err) < 0 ||
                fl_daily_run(net, o, n, 0, &rule, &arena, &daily, &err) < 0) {
                printf("# seed %u: %s\n", (unsigned)seed, err.text);
                above++;
                continue;
            }
            cases++;
            lost += loss.lost_profit > 0;
            if (loss.lost_profit > daily.lost_profit * (1 + 1e-6) + 1e-6) {
                if (above++ < 5)
                    printf("# seed %u case %u: program %.6f, daily %.6f\n", (unsigned)seed, i,
                           loss.lost_profit, daily.lost_profit);
                worst = fmax(worst, loss.lost_profit - daily.lost_profit);
            }
        }
        fl_exposure_free(x);
        fl_arena_done(&arena);
        fl_net_unref(net);
    }
    printf("# %u cases, %u with a loss by the program, %u above by at most %.6f\n", cases, lost,
           above, worst);
    CHECK(above == 0 && cases == 3200, "never below the program on 3,200 random cases");
    CHECK(lost > 800, "of which many cost something");
}

int main(void)
{
    test_chain();
    test_program();
    return tap_done();
}
