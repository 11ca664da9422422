/* How far an outage spreads, by hand and on random networks. */
#include <math.h>

#include "base/attr.h"
#include "net_lines.h"
#include "supply/ripple.h"
#include "tap.h"

/* die -> chip -> board -> r, q; q has stock for longer; s takes nothing of it. */
static const struct net_line line[] = {
    {FL_SUPPLY_SITES, "fab||Fab|||||60"},
    {FL_SUPPLY_SITES, "ems||Ems|||||10"},
    {FL_SUPPLY_PARTS, "die|Die||200"},
    {FL_SUPPLY_PARTS, "chip|Chip||0"},
    {FL_SUPPLY_PARTS, "board|Board||0"},
    {FL_SUPPLY_PARTS, "box|Box||0"},
    {FL_SUPPLY_PART_SITES, "die|fab||yes"},
    {FL_SUPPLY_PART_SITES, "chip|ems||yes"},
    {FL_SUPPLY_PART_SITES, "board|ems||yes"},
    {FL_SUPPLY_PART_SITES, "box|ems||yes"},
    {FL_SUPPLY_PRODUCTS, "r||production|10|5|100|0|EUR"},
    {FL_SUPPLY_PRODUCTS, "q||production|10|9|200|900|EUR"},
    {FL_SUPPLY_PRODUCTS, "s||production|10|1|100|0|EUR"},
    {FL_SUPPLY_BOM, "chip|die|1"},
    {FL_SUPPLY_BOM, "board|chip|1"},
    {FL_SUPPLY_BOM, "r|board|1"},
    {FL_SUPPLY_BOM, "q|board|1"},
    {FL_SUPPLY_BOM, "s|box|1"},
};

int main(void)
{
    struct fl_net *net = net_of(line, FL_LEN(line));
    struct fl_outage fab = {
        .site = fl_net_site_find(net, FL_SPAN("fab")), .source = FL_NET_NONE, .days = 60};
    struct fl_exposure *x = NULL;
    struct fl_ripple out = {0};
    struct fl_arena arena;
    struct fl_err err;

    fl_arena_init(&arena, 1 << 24);
    if (fl_exposure_new(net, &x, &err) < 0)
        printf("# %s\n", err.text);
    CHECK(fl_ripple(x, net, &fab, 1, 0, &arena, &out, &err) == FL_OK, "an outage of 60 days");
    CHECK(out.reached == 2 && out.stopped == 1, "two products take of it, one stops");
    CHECK(out.first == 0 && fabs(out.first_days - 20) < 1e-6 && fabs(out.all_days - 20) < 1e-6,
          "the first after stock for 20 days");
    CHECK(out.depth == 3 && out.step_count == 4 && out.steps[0].items == 1 &&
              out.steps[3].products == 2,
          "three steps of the bills of material away");
    CHECK(fabs(out.stopped_share - 1 / 3.0) < 1e-12 && fabs(out.revenue_share - 0.25) < 1e-12 &&
              fabs(out.profit_share - 5 / 15.0) < 1e-12,
          "shares of products, revenue, profit");
    CHECK(fl_ripple(x, net, &fab, 1, 15, &arena, &out, &err) == FL_OK && out.stopped == 0 &&
              out.first == FL_NET_NONE && isinf(out.first_days) && isinf(out.all_days) &&
              out.depth == 0 && out.reached == 2,
          "fifteen days stop nothing");
    CHECK(fl_ripple(x, net, &fab, 1, 200, &arena, &out, &err) == FL_OK && out.stopped == 2 &&
              out.all_days > out.first_days,
          "two hundred days stop both, one after the other");
    fl_exposure_free(x);
    fl_arena_done(&arena);
    fl_net_unref(net);
    return tap_done();
}
