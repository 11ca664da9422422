/* Plans: the network they make, and what they avoid under the same draws. */
#include <math.h>

#include "base/attr.h"
#include "net_lines.h"
#include "supply/plan.h"
#include "tap.h"

static struct fl_arena arena;
static struct fl_err err;

static const struct net_line line[] = {
    {FL_SUPPLY_SUPPLIERS, "k|Kitasawa|JP|2|"},
    {FL_SUPPLY_SITES, "fab|k|Fab|39.29|141.11|JP||40"},
    {FL_SUPPLY_SITES, "ems||Ems|31|121|CN||10"},
    {FL_SUPPLY_PARTS, "chip|Chip|asic|100||2.5|USD"},
    {FL_SUPPLY_PARTS, "box|Box||0"},
    {FL_SUPPLY_PART_SITES, "chip|fab||yes"},
    {FL_SUPPLY_PART_SITES, "box|ems||yes"},
    {FL_SUPPLY_PRODUCTS, "r|Heron|production|10|5|100|0|EUR"},
    {FL_SUPPLY_PRODUCTS, "q|Tern|production|10|9|200|0|EUR"},
    {FL_SUPPLY_BOM, "r|chip|1"},
    {FL_SUPPLY_BOM, "q|chip|1"},
    {FL_SUPPLY_BOM, "q|box|2"},
    {FL_SUPPLY_RATES, "USD|2026-01-01|0.8"},
};

/* The chip's plant is down 25 days, for sure: 500 are wanted, 100 are there and go to q, which
 * earns more: 150 of q and 250 of r are lost, 2600. */
static const struct fl_sim_hit hits[] = {{.site = 0, .probability = 1, .days = {25, 25, 25}}};
static const struct fl_sim_source event = {
    .id = "quake", .type = "GEO-001", .certain = true, .hits = hits, .hit_count = 1};

static const char *const heron[] = {"r"};
static const struct fl_plan plans[] = {
    {.id = "buffer", .kind = FL_PLAN_BUFFER, .item = "chip", .units = 200, .cost = NAN},
    {.id = "source",
     .kind = FL_PLAN_SECOND_SOURCE,
     .item = "chip",
     .site = "ems",
     .days = 10,
     .cost = 700},
    {.id = "alternate",
     .kind = FL_PLAN_ALTERNATE,
     .site = "fab",
     .to = "ems",
     .days = 15,
     .cost = 1000},
    {.id = "buy", .kind = FL_PLAN_LAST_TIME_BUY, .item = "chip", .units = 100, .cost = 500},
    {.id = "first", .kind = FL_PLAN_ALLOCATION, .first = heron, .first_count = 1, .cost = 10},
};

static uint32_t compare(const struct fl_net *net, const struct fl_plan *list, uint32_t count,
                        const struct fl_plan_set *sets, uint32_t set_count,
                        struct fl_plan_result **ret, bool *ret_daily)
{
    struct fl_compare_spec spec = {
        .sim = {.net = net, .sources = &event, .source_count = 1, .seed = 417, .years = 200},
        .plans = list,
        .plan_count = count,
        .sets = sets,
        .set_count = set_count};
    struct fl_compare *c = NULL;
    uint32_t n = 0;

    if (fl_compare_new(&spec, &c, &err) < 0 || fl_compare_run(c, NULL, &err) < 0 ||
        fl_compare_result(c, &arena, ret, &n, &err) < 0)
        printf("# %s\n", err.text);
    *ret_daily = c != NULL && fl_compare_daily(c);
    fl_compare_free(c);
    return n;
}

static bool near(double got, double want)
{
    if (!(fabs(got - want) < 1e-3))
        printf("# %.6f, not %.6f\n", got, want);
    return fabs(got - want) < 1e-3;
}

static void test_avoid(struct fl_net *net)
{
    const struct fl_plan_set set = {.id = "both", .plans = {0, 1}, .count = 2};
    struct fl_plan_result *r = NULL;
    bool daily = true;

    CHECK(compare(net, plans, 4, &set, 1, &r, &daily) == 5 && !daily, "four plans and a set");
    CHECK(near(r[0].avoided, 2600 - 200 * 5) && near(r[0].cost, 200 * 2.5 * 0.8) &&
              near(r[0].per_money, 1600 / 400.0),
          "a buffer, its cost from the part's in another currency");
    CHECK(near(r[1].avoided, 2100) && near(r[1].loss, 100 * 5), "a second source after 10 days");
    CHECK(near(r[2].loss, 50 * 9 + 150 * 5), "an alternate site after 15 days");
    CHECK(near(r[3].avoided, 100 * 9) && near(r[3].p10, 900) && near(r[3].p90, 900),
          "a last buy; without chance P10 is P90");
    CHECK(r[4].set && near(r[4].avoided, 2600) && near(r[4].overlap, 1600 + 2100 - 2600) &&
              near(r[4].cost, 1100),
          "together they avoid less than apart");
}

static void test_allocation(struct fl_net *net)
{
    struct fl_plan_result *r = NULL;
    bool daily = false;

    CHECK(compare(net, plans + 4, 1, NULL, 0, &r, &daily) == 1 && daily,
          "allocation is compared day by day");
    /* To Heron goes all of 100 chips: what Tern would have got of it earns more. */
    CHECK(r[0].avoided < 0, "stock to what earns less loses more, and it is said");
}

/* The network is the same but for the plan. */
static void test_network(struct fl_net *net)
{
    const struct fl_plan *one[] = {&plans[1]};
    struct fl_daily_rule rule = {0};
    struct fl_net *with = NULL;
    uint32_t s;

    CHECK(fl_plan_apply(net, one, 1, &arena, &with, &rule, &err) == FL_OK, "a plan carried out");
    CHECK(with->source_count == net->source_count + 1 && with->use_count == net->use_count &&
              with->rate_count == 1 && strcmp(with->sites[0].id, net->sites[0].id) == 0 &&
              with->sites[0].lat == net->sites[0].lat &&
              with->suppliers[0].tier == net->suppliers[0].tier &&
              with->parts[0].unit_cost == net->parts[0].unit_cost &&
              isnan(with->parts[1].unit_cost) && isinf(with->sites[0].capacity_per_day),
          "rows are as they were");
    s = fl_net_source_find(with, 0, 1);
    CHECK(s != FL_NET_NONE && with->sources[s].qualified && !with->sources[s].used &&
              with->sources[s].bring_up_days == 10,
          "and the new source starts after its days");
    fl_net_unref(with);
}

static void test_refused(struct fl_net *net)
{
    static const struct {
        struct fl_plan plan;
        const char *says;
    } bad[] = {
        {{.id = "a", .kind = FL_PLAN_BUFFER, .item = "chap", .units = 5},
         "there is no part 'chap'"},
        {{.id = "b", .kind = FL_PLAN_BUFFER, .item = "chip"}, "needs units above 0"},
        {{.id = "c", .kind = FL_PLAN_SECOND_SOURCE, .item = "chip"}, "needs site"},
        {{.id = "d", .kind = FL_PLAN_ALTERNATE, .site = "fab", .to = "moon"}, "'moon'"},
        {{.id = "e", .kind = FL_PLAN_LAST_TIME_BUY, .item = "r", .units = 5}, "no part 'r'"},
    };
    struct fl_daily_rule rule = {0};
    struct fl_net *with = NULL;

    for (size_t i = 0; i < FL_LEN(bad); i++) {
        const struct fl_plan *one[] = {&bad[i].plan};
        bool said = fl_plan_apply(net, one, 1, &arena, &with, &rule, &err) == FL_E_INVAL &&
                    strstr(err.text, bad[i].says) != NULL;

        if (!said)
            printf("# %s\n", err.text);
        CHECK(said, bad[i].says);
    }
    CHECK(fl_plan_kind_find(FL_SPAN("second_source")) == FL_PLAN_SECOND_SOURCE &&
              fl_plan_kind_find(FL_SPAN("hope")) == -1,
          "kinds by name");
}

int main(void)
{
    struct fl_net *net = net_of(line, FL_LEN(line));

    fl_arena_init(&arena, (size_t)64 << 20);
    test_avoid(net);
    test_allocation(net);
    test_network(net);
    test_refused(net);
    fl_arena_done(&arena);
    fl_net_unref(net);
    return tap_done();
}
