/* Shares, flags, clusters, and hubs behind several sources. */
#include <math.h>

#include "net_text.h"
#include "supply/concentration.h"
#include "tap.h"

static struct fl_arena arena;

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

static uint32_t item(const struct fl_net *net, const char *id)
{
    return fl_net_item_find(net, fl_span_str(id));
}

static void test_hhi(void)
{
    const double shares[] = {0.5, 0.3, 0.2}, money[] = {500, 300, 200};

    CHECK(near(fl_hhi(shares, 3), 3800), "shares of .5 .3 .2: 3800");
    CHECK(near(1e4 / fl_hhi(money, 3), 1 / 0.38), "the effective number is 2.6316, of weights too");
    CHECK(fl_hhi(shares, 0) == 0, "of nothing: 0");
}

/* Kumamoto and Fukuoka are 90 km apart, Kaohsiung and Tainan 40, Dresden stands alone. */
static struct fl_net *network(void)
{
    struct net_text t = net_text_new();

    net_text_add(&t, "suppliers|jp|J|JP|1");
    net_text_add(&t, "suppliers|tw|T|TW|2");
    net_text_add(&t, "suppliers|de|G|DE|2");
    net_text_add(&t, "suppliers|dist|D|DE|1|distributor");
    net_text_add(&t, "sites|kuma|jp|Kumamoto|32.80|130.71|JP||30");
    net_text_add(&t, "sites|fuku|jp|Fukuoka|33.59|130.40|JP||30");
    net_text_add(&t, "sites|kao|tw|Kaohsiung|22.63|120.30|TW||30");
    net_text_add(&t, "sites|tai|de|Tainan|22.99|120.21|TW||30");
    net_text_add(&t, "sites|dre|de|Dresden|51.05|13.74|DE||30");
    net_text_add(&t, "sites|ware|dist|Warehouse|50.1|8.7|DE||30");
    net_text_add(&t, "sites|lost|tw|Somewhere||||||30");
    net_text_add(&t, "parts|sole|one supplier, two sites");
    net_text_add(&t, "parts|split|.5 .3 .2");
    net_text_add(&t, "parts|pair|two suppliers, 40 km apart");
    net_text_add(&t, "parts|single|one used, two qualified");
    net_text_add(&t, "parts|dealt|one maker and a dealer");
    net_text_add(&t, "parts|none|nobody");
    net_text_add(&t, "part_sites|sole|kuma|0.5");
    net_text_add(&t, "part_sites|sole|fuku|0.5");
    net_text_add(&t, "part_sites|split|kuma|0.5");
    net_text_add(&t, "part_sites|split|kao|0.3");
    net_text_add(&t, "part_sites|split|dre|0.2");
    net_text_add(&t, "part_sites|pair|kao");
    net_text_add(&t, "part_sites|pair|tai");
    net_text_add(&t, "part_sites|single|kao|1");
    net_text_add(&t, "part_sites|single|dre|0");
    net_text_add(&t, "part_sites|dealt|dre|0.2");
    net_text_add(&t, "part_sites|dealt|ware|0.8");
    net_text_add(&t, "products|v|V||1|1");
    net_text_add(&t, "products|w|W||1|1");
    net_text_add(&t, "bom|v|split|1");
    net_text_add(&t, "bom|split|pair|2");
    net_text_add(&t, "bom|w|sole|1");
    net_text_add(&t, "bom|w|none|1");
    net_text_add(&t, "bom|w|dealt|1");
    return net_text_done(&t);
}

static void test_flags(void)
{
    static const struct {
        const char *part;
        unsigned flags, suppliers;
    } row[] = {
        {"sole", FL_SOLE_SOURCE | FL_SAME_HAZARD, 1}, /* 90 km, within a cyclone */
        {"split", 0, 3},
        {"pair", FL_SAME_HAZARD, 2},
        {"single", FL_SINGLE_SOURCE, 2},
        {"dealt", FL_SOLE_SOURCE | FL_SINGLE_SITE, 1},
        {"none", 0, 0},
    };
    struct fl_net *net = network();

    for (size_t i = 0; i < FL_LEN(row); i++) {
        CHECK(fl_part_flags(net, item(net, row[i].part)) == row[i].flags, row[i].part);
        CHECK(fl_part_suppliers(net, item(net, row[i].part)) == row[i].suppliers, "its suppliers");
    }
    CHECK(fl_sole_parts_of_site(net, fl_net_site_find(net, FL_SPAN("dre"))) == 1,
          "Dresden is the only source of what a dealer sells too");
    CHECK(fl_sole_parts_of_site(net, fl_net_site_find(net, FL_SPAN("ware"))) == 0,
          "the dealer of nothing");
    CHECK(fl_part_reach(net, item(net, "pair")) == (FL_REACH_QUAKE | FL_REACH_WIND) &&
              fl_part_reach(net, item(net, "sole")) == FL_REACH_WIND &&
              fl_part_reach(net, item(net, "dealt")) == 0,
          "what reaches both: 40 km earthquake and cyclone, 90 km a cyclone, one site nothing");
    CHECK(strcmp(fl_source_flag_name(FL_HIDDEN_HUB), "hidden_hub") == 0, "flags have names");
    fl_net_unref(net);
}

static void test_levels(void)
{
    struct fl_net *net = network();
    struct fl_concentration c;
    struct fl_err err;
    uint32_t v = item(net, "v") - net->part_count, w = item(net, "w") - net->part_count;

    CHECK(fl_concentration(net, v, 75, &arena, &c, &err) == 0, "of v");
    CHECK(near(c.direct[FL_LEVEL_SITE].hhi, 3800) && c.direct[FL_LEVEL_SITE].hands == 3 &&
              near(c.direct[FL_LEVEL_SITE].effective, 1 / 0.38),
          "its part comes from three sites: 3800");
    CHECK(near(c.below[FL_LEVEL_SITE].hhi, 5000) && near(c.below[FL_LEVEL_SUPPLIER].hhi, 5000),
          "below it two sites and two suppliers share: 5000");
    CHECK(near(c.below[FL_LEVEL_CLUSTER].hhi, 10000) && c.below[FL_LEVEL_CLUSTER].one_only == 1 &&
              near(c.below[FL_LEVEL_COUNTRY].hhi, 10000) &&
              strcmp(c.below[FL_LEVEL_COUNTRY].top, "TW") == 0,
          "which stand in one cluster and one country: 10,000");
    CHECK(c.worst == FL_LEVEL_CLUSTER && c.worst_below, "the worst is that cluster, below");
    CHECK(fl_concentration(net, v, 20, &arena, &c, &err) == 0 &&
              near(c.below[FL_LEVEL_CLUSTER].hhi, 5000),
          "clusters of 20 km keep them apart");
    CHECK(fl_concentration(net, w, 75, &arena, &c, &err) == 0 &&
              c.direct[FL_LEVEL_SUPPLIER].unknown == 1 && c.direct[FL_LEVEL_SUPPLIER].parts == 2 &&
              c.direct[FL_LEVEL_SUPPLIER].one_only == 2,
          "of w one part's source is not known; the dealer is none");
    CHECK(fl_concentration(net, FL_NET_NONE, 75, &arena, &c, &err) == 0 &&
              c.direct[FL_LEVEL_SITE].parts == 3,
          "of all products together");
    CHECK(fl_concentration(net, 99, 75, &arena, &c, &err) == FL_E_INVAL, "of none there is");
    fl_net_unref(net);
}

/* On one latitude, but half the world apart; and three in a chain of 60 km steps. */
static void test_clusters(void)
{
    struct net_text t = net_text_new();
    struct fl_concentration c;
    struct fl_net *net;
    struct fl_err err;

    net_text_add(&t, "sites|a||A|22.6|120.3|TW||30");
    net_text_add(&t, "sites|b||B|22.6|-100|MX||30");
    net_text_add(&t, "sites|c||C|23.14|120.3|TW||30");
    net_text_add(&t, "sites|d||D|23.68|120.3|TW||30");
    net_text_add(&t, "parts|p|P");
    for (const char *s = "abcd"; *s != '\0'; s++)
        net_text_add(&t, "part_sites|p|%c", *s);
    net_text_add(&t, "products|v|V||1|1");
    net_text_add(&t, "bom|v|p|1");
    net = net_text_done(&t);
    CHECK(fl_concentration(net, 0, 75, &arena, &c, &err) == 0 &&
              c.direct[FL_LEVEL_CLUSTER].hands == 2 &&
              near(c.direct[FL_LEVEL_CLUSTER].top_share, 0.75) &&
              strcmp(c.direct[FL_LEVEL_CLUSTER].top, "a") == 0,
          "a chain is one cluster, the other side of the world another");
    fl_net_unref(net);
}

/* Alternates a and b, both made of what the hub alone makes. */
static void test_hub(void)
{
    struct net_text t = net_text_new();
    struct fl_net *net;
    struct fl_hub *hubs = NULL;
    bool *is_hub = NULL;
    struct fl_err err;
    double down[3] = {0};
    uint32_t n = 0;

    net_text_add(&t, "sites|a||A|||||30");
    net_text_add(&t, "sites|b||B|||||30");
    net_text_add(&t, "sites|hub||Hub|||||30");
    net_text_add(&t, "parts|p|P");
    net_text_add(&t, "parts|wafer|W");
    net_text_add(&t, "part_sites|p|a");
    net_text_add(&t, "part_sites|p|b");
    net_text_add(&t, "part_sites|wafer|hub");
    net_text_add(&t, "products|v|V||1|1");
    net_text_add(&t, "bom|v|p|1");
    net_text_add(&t, "bom|p|wafer|1");
    net = net_text_done(&t);
    for (uint32_t i = 0; i < 3; i++)
        down[i] = strcmp(net->sites[i].id, "hub") == 0 ? 0.1 : 0.05;
    CHECK(fl_hubs(net, 0, down, &arena, &hubs, &n, &err) == 0 && n == 1, "one hidden hub");
    if (n == 1) {
        CHECK(strcmp(net->sites[hubs[0].site].id, "hub") == 0 &&
                  strcmp(net->parts[hubs[0].part].id, "p") == 0,
              "the wafer's maker, behind p");
        CHECK(hubs[0].exact && near(hubs[0].probability, 0.10225), "p stops with 0.10225");
        CHECK(near(hubs[0].independent, 0.021025),
              "and with 0.021025 if its sources had nothing in common");
    }
    CHECK(fl_hub_sites(net, FL_NET_NONE, &arena, &is_hub, &err) == 0 &&
              is_hub[fl_net_site_find(net, FL_SPAN("hub"))] &&
              !is_hub[fl_net_site_find(net, FL_SPAN("a"))] &&
              !is_hub[fl_net_site_find(net, FL_SPAN("b"))],
          "its site alone is told, without chances");
    CHECK(fl_hubs(net, 7, NULL, &arena, &hubs, &n, &err) == FL_E_INVAL, "of no product");
    fl_net_unref(net);
}

int main(void)
{
    fl_arena_init(&arena, 1 << 22);
    test_hhi();
    test_flags();
    test_levels();
    test_clusters();
    test_hub();
    fl_arena_done(&arena);
    return tap_done();
}
