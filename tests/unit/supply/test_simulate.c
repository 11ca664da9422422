/* Years that might come: closed forms, sets of sites, threads, curves against the program. */
#include <math.h>
#include <pthread.h>

#include "base/attr.h"
#include "net_lines.h"
#include "supply/rate.h"
#include "supply/simulate_curve.h"
#include "supply/simulate_json.h"
#include "tap.h"

static struct fl_arena arena;
static struct fl_err err;

/* One product, 10 a day, 7 each, no stock; x and y each make a part of their own. */
static const struct net_line both_needed[] = {
    {FL_SUPPLY_SITES, "a||A|25|121|TW||30"},
    {FL_SUPPLY_SITES, "b||B|25.2|121|TW||30"},
    {FL_SUPPLY_PARTS, "x|X||0"},
    {FL_SUPPLY_PARTS, "y|Y||0"},
    {FL_SUPPLY_PART_SITES, "x|a||yes"},
    {FL_SUPPLY_PART_SITES, "y|b||yes"},
    {FL_SUPPLY_PRODUCTS, "r||production|10|7|50|0|EUR"},
    {FL_SUPPLY_BOM, "r|x|1"},
    {FL_SUPPLY_BOM, "r|y|1"},
};
/* The same part at both sites. */
static const struct net_line alternates[] = {
    {FL_SUPPLY_SITES, "a||A|25|121|TW||30"},
    {FL_SUPPLY_SITES, "b||B|25.2|121|TW||30"},
    {FL_SUPPLY_PARTS, "x|X||0"},
    {FL_SUPPLY_PART_SITES, "x|a||yes"},
    {FL_SUPPLY_PART_SITES, "x|b||yes"},
    {FL_SUPPLY_PRODUCTS, "r||production|10|7|50|0|EUR"},
    {FL_SUPPLY_BOM, "r|x|1"},
};
/* Two products, one for each site. */
static const struct net_line apart[] = {
    {FL_SUPPLY_SITES, "a||A|25|121|TW||30"},
    {FL_SUPPLY_SITES, "b||B|25.2|121|TW||30"},
    {FL_SUPPLY_PARTS, "x|X||0"},
    {FL_SUPPLY_PARTS, "y|Y||0"},
    {FL_SUPPLY_PART_SITES, "x|a||yes"},
    {FL_SUPPLY_PART_SITES, "y|b||yes"},
    {FL_SUPPLY_PRODUCTS, "r||production|10|7|50|0|EUR"},
    {FL_SUPPLY_PRODUCTS, "q||production|10|7|50|0|EUR"},
    {FL_SUPPLY_BOM, "r|x|1"},
    {FL_SUPPLY_BOM, "q|y|1"},
};

struct runner {
    struct fl_sim *sim;
    struct fl_err err;
    int code;
};

static void *run_thread(void *arg)
{
    struct runner *r = arg;

    r->code = fl_sim_run(r->sim, NULL, &r->err);
    return NULL;
}

static struct fl_sim *run(const struct fl_sim_spec *spec, unsigned threads)
{
    struct fl_sim *sim = NULL;
    pthread_t thread[8];
    struct runner r[8];

    if (fl_sim_new(spec, &sim, &err) < 0) {
        printf("# %s\n", err.text);
        return NULL;
    }
    for (unsigned i = 0; i < threads; i++) {
        r[i] = (struct runner){.sim = sim};
        (void)pthread_create(&thread[i], NULL, run_thread, &r[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(thread[i], NULL);
        if (r[i].code < 0)
            printf("# %s\n", r[i].err.text);
    }
    return sim;
}

static struct fl_sim_result simulate(const struct fl_net *net, const struct fl_sim_source *sources,
                                     uint32_t count, uint32_t years)
{
    struct fl_sim_spec spec = {
        .net = net, .sources = sources, .source_count = count, .seed = 417, .years = years};
    struct fl_sim_result out = {0};
    struct fl_sim *sim = run(&spec, 1);

    fl_arena_clear(&arena);
    if (sim == NULL || fl_sim_result(sim, &arena, &out, &err) < 0)
        printf("# %s\n", err.text);
    fl_sim_free(sim);
    return out;
}

static bool near(double got, double want, double by)
{
    if (!(fabs(got - want) <= by))
        printf("# %.6f, not %.6f by %.6f\n", got, want, by);
    return fabs(got - want) <= by;
}

static void test_compound(void)
{
    struct fl_net *net = net_of(both_needed, FL_LEN(both_needed));
    struct fl_sim_hit hit = {.site = 0, .probability = 1, .days = {2, 4, 12}};
    struct fl_sim_source source = {
        .id = "e/a", .type = "E", .per_year = 0.05, .hits = &hit, .hit_count = 1};
    /* X = 70 T, T ~ PERT(2,4,12): mean 5, variance 3 */
    struct fl_rate_sum sum = fl_rate_sum(0.05, 350, 70 * 70 * (25 + 3));
    uint32_t years = 200000;
    struct fl_sim_result out = simulate(net, &source, 1, years);
    double wide = sqrt(sum.variance / years);

    CHECK(near(out.mean, sum.mean, 5 * wide), "mean of a compound Poisson sum");
    CHECK(near(out.deviation * out.deviation / sum.variance, 1, 0.06), "its variance");
    CHECK(near(out.any, fl_rate_exceed(0.05, 1), 0.003), "years with a loss");
    CHECK(out.mean_low < sum.mean && sum.mean < out.mean_high, "the mean is within its limits");
    /* P(T > q) at the loss that is exceeded once in a hundred years: 1 - exp(-0.05 P) = 0.01 */
    CHECK(out.points[8].probability == 0.01 && near(out.points[8].largest, 70 * 6.499, 70 * 0.1),
          "single loss exceeded once in a hundred years");
    CHECK(out.site_count == 1 && near(out.sites[0].per_year, out.mean, 1e-6 * out.mean) &&
              near(out.types[0].per_year, out.mean, 1e-6 * out.mean),
          "what sites and types give adds up to the mean");
    fl_net_unref(net);
}

static void test_merge(void)
{
    struct fl_net *net = net_of(both_needed, FL_LEN(both_needed));
    struct fl_sim_hit hit = {.site = 0, .probability = 1, .days = {30, 30, 30}};
    struct fl_sim_source source = {
        .id = "e/a", .type = "E", .per_year = 20, .hits = &hit, .hit_count = 1};
    struct fl_sim_result out = simulate(net, &source, 1, 20000);
    double year = 365.25, speed = 20 / year, ramp = 30 - (1 - exp(-speed * 30)) / speed;
    double down = (year - 30) * (1 - exp(-speed * 30)) + 2 * ramp;

    CHECK(near(out.mean, 70 * down, 70 * 1.5), "outages of a site that overlap count once");
    fl_net_unref(net);
}

static void test_sets(void)
{
    static const struct {
        const char *name;
        const struct net_line *lines;
        size_t count;
        double loss;
    } cases[] = {
        {"one product that waits for two sites is lost once", both_needed, FL_LEN(both_needed),
         2100},
        {"alternates hurt only while both are down", alternates, FL_LEN(alternates), 700},
        {"two products are both lost", apart, FL_LEN(apart), 2800},
    };
    const struct fl_sim_hit hits[] = {{.site = 0, .probability = 1, .days = {10, 10, 10}},
                                      {.site = 1, .probability = 1, .days = {30, 30, 30}}};
    const struct fl_sim_source together = {
        .id = "e", .type = "E", .certain = true, .hits = hits, .hit_count = 2};

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        struct fl_net *net = net_of(cases[i].lines, cases[i].count);
        struct fl_sim_result out = simulate(net, &together, 1, 100);

        CHECK(near(out.mean, cases[i].loss, 1e-3) && out.deviation < 1e-3, cases[i].name);
        fl_net_unref(net);
    }
}

/* The two sources begin on days of their own: all of 0 to 20 days of both. */
static void test_later(void)
{
    const struct fl_sim_hit hits[] = {{.site = 0, .probability = 1, .days = {200, 200, 200}},
                                      {.site = 1, .probability = 1, .days = {200, 200, 200}}};
    const struct fl_sim_source sources[] = {
        {.id = "e/a", .type = "E", .certain = true, .hits = &hits[0], .hit_count = 1},
        {.id = "e/b", .type = "E", .certain = true, .hits = &hits[1], .hit_count = 1}};
    struct fl_net *one = net_of(both_needed, FL_LEN(both_needed));
    struct fl_net *two = net_of(alternates, FL_LEN(alternates));
    struct fl_net *three = net_of(apart, FL_LEN(apart));
    double both = simulate(one, sources, 2, 5000).mean,
           shared = simulate(two, sources, 2, 5000).mean;

    CHECK(near(both + shared, 400 * 70, 0.1), "union and overlap of two outages make up both");
    CHECK(near(simulate(three, sources, 2, 5000).mean, 400 * 70, 0.1),
          "apart, each counts in full");
    fl_net_unref(one);
    fl_net_unref(two);
    fl_net_unref(three);
}

static void test_disc(void)
{
    static const struct fl_event_rate rate = {.type = "T",
                                              .name = "t",
                                              .region = "*",
                                              .reach = FL_REACH_DISC,
                                              .per_year = 0.5,
                                              .radius_km = 60,
                                              .probability = 0.5,
                                              .days = {1, 2, 3}};
    struct fl_net *net = net_of(both_needed, FL_LEN(both_needed)); /* 22 km apart */
    struct fl_arena kept;
    struct fl_sim_source *sources = NULL;
    struct fl_sim_result out;
    uint32_t count = 0;

    fl_arena_init(&kept, 1 << 20);
    CHECK(fl_sim_sources(net, &rate, 1, &kept, &sources, &count, &err) == FL_OK && count == 2 &&
              sources[0].hit_count == 2,
          "each site with a place seeds a disc");
    out = simulate(net, sources, count, 40000);
    CHECK(near(out.outages_per_year, 2 * 0.25, 0.02),
          "each place is reached at the rate it should be");
    CHECK(out.events_per_year < 0.9 && out.events_per_year > 0.55,
          "with fewer events than places, as one event reaches both");
    fl_arena_done(&kept);
    fl_net_unref(net);
}

static void test_threads(void)
{
    static const unsigned threads[] = {1, 2, 5};
    struct fl_net *net = net_by_chance(12);
    struct fl_sim_spec spec = {.net = net, .seed = 7, .years = 3001};
    struct fl_sim_result first = {0};
    struct fl_sim_source *sources = NULL;
    double *losses = calloc(spec.years, sizeof *losses);
    struct fl_arena kept;

    fl_arena_init(&kept, (size_t)64 << 20);
    if (fl_sim_sources(net, fl_event_rates, fl_event_rate_count, &kept, &sources,
                       &spec.source_count, &err) < 0)
        printf("# %s\n", err.text);
    spec.sources = sources;
    for (size_t i = 0; i < FL_LEN(threads); i++) {
        struct fl_sim *sim = run(&spec, threads[i]);
        struct fl_sim_result out = {0};
        char name[60];
        bool same;

        if (sim == NULL || fl_sim_result(sim, &kept, &out, &err) < 0)
            printf("# %s\n", err.text);
        if (i == 0) {
            memcpy(losses, fl_sim_losses(sim), spec.years * sizeof *losses);
            first = out;
        }
        same = memcmp(losses, fl_sim_losses(sim), spec.years * sizeof *losses) == 0 &&
               memcmp(&first.mean, &out.mean, sizeof out.mean) == 0 &&
               first.site_count == out.site_count;
        for (uint32_t k = 0; same && k < out.site_count; k++)
            same = first.sites[k].site == out.sites[k].site &&
                   memcmp(&first.sites[k].per_year, &out.sites[k].per_year, sizeof(double)) == 0;
        snprintf(name, sizeof name, "the same to the byte on %u threads", threads[i]);
        CHECK(same && out.mean > 0, name);
        fl_sim_free(sim);
    }
    spec.seed = 8;
    {
        struct fl_sim *sim = run(&spec, 1);

        CHECK(sim != NULL && memcmp(losses, fl_sim_losses(sim), spec.years * sizeof *losses) != 0,
              "another seed gives other years");
        fl_sim_free(sim);
    }
    free(losses);
    fl_arena_done(&kept);
    fl_net_unref(net);
}

/* ---- curves against the program ---- */

static double all_profit(const struct fl_net *net)
{
    double sum = 0;

    for (uint32_t i = 0; i < net->product_count; i++)
        sum += net->products[i].profit_per_unit * net->products[i].demand_per_day;
    return sum;
}

static double on_line(const struct fl_corners *c, double day)
{
    uint32_t i = 1;

    if (c->count == 0 || day <= c->days[0])
        return c->count > 0 && day == c->days[0] ? c->profit[0] : 0;
    while (i + 1 < c->count && c->days[i] < day)
        i++;
    return c->profit[i - 1] + (c->profit[i] - c->profit[i - 1]) * (day - c->days[i - 1]) /
                                  (c->days[i] - c->days[i - 1]);
}

/* Some sites of the net, not the same twice; some keep a share of themselves. */
static uint32_t some_down(const struct fl_net *net, uint64_t *s, struct fl_outage *ret)
{
    uint32_t count = 1 + net_below(s, net->site_count), first = net_below(s, net->site_count);

    for (uint32_t i = 0; i < count; i++)
        ret[i] = (struct fl_outage){.site = (first + i) % net->site_count,
                                    .source = FL_NET_NONE,
                                    .left = net_below(s, 3) == 0 ? net_below(s, 8) / 8.0 : 0,
                                    .days = NAN};
    return count;
}

struct tally {
    unsigned lost, falls;
    double worst;
};

static void hold_corners(struct fl_exposure *x, struct fl_exposure *plain,
                         const struct fl_outage *o, uint32_t count, double rate, struct tally *t)
{
    struct fl_corners corners;
    struct fl_curve curve;

    fl_arena_clear(&arena);
    if (fl_exposure_corners(x, o, count, 400, &arena, &corners, &err) < 0 ||
        fl_exposure_curve(plain, o, count, 400, 200, &arena, &curve, &err) < 0) {
        printf("# %s\n", err.text);
        abort();
    }
    for (uint32_t i = 0; i < curve.count; i++) {
        t->lost += curve.profit[i] > 0;
        t->worst = fmax(t->worst, fabs(on_line(&corners, curve.days[i]) - curve.profit[i]) / rate);
    }
    for (uint32_t i = 1; i < corners.count; i++)
        t->falls +=
            corners.profit[i] < corners.profit[i - 1] || corners.days[i] <= corners.days[i - 1];
}

static void test_corners(void)
{
    struct tally t = {0};

    for (uint64_t seed = 1; seed <= 120; seed++) {
        struct fl_net *net = net_by_chance(seed);
        struct fl_exposure *x = NULL, *plain = NULL;
        struct fl_outage o[16];
        uint64_t s = seed;

        if (fl_exposure_new(net, &x, &err) < 0 || fl_exposure_new(net, &plain, &err) < 0)
            abort();
        fl_exposure_plain(plain, true);
        for (unsigned i = 0; i < 8; i++) {
            uint32_t count = some_down(net, &s, o);

            hold_corners(x, plain, o, count, all_profit(net), &t);
        }
        fl_exposure_free(x);
        fl_exposure_free(plain);
        fl_net_unref(net);
    }
    printf("# %u days with a loss, off by at most %.2g days of all profit\n", t.lost, t.worst);
    CHECK(t.lost > 50000 && t.worst < 1e-7, "corners are those of the plain program's curve");
    CHECK(t.falls == 0, "corners rise, in days and in what is lost");
}

/* What is kept of a set against the program asked for each day, with no site dropped; a second
 * finder asks in the other order. */
static void hold_set(struct fl_sim_finder *finder, struct fl_exposure *x, const struct fl_outage *o,
                     uint32_t count, double days, double rate, struct tally *t)
{
    uint32_t set[16], kept;
    struct fl_loss loss;
    double got = 0;

    for (uint32_t i = 0; i < count; i++)
        set[i] = fl_sim_down(o[i].site, (uint32_t)lrint(o[i].left * FL_SIM_LEVELS));
    kept = fl_sim_reduce(finder, set, count);
    fl_arena_clear(&arena);
    if (fl_exposure_loss(x, o, count, days, &arena, &loss, &err) < 0 ||
        fl_sim_cost(finder, set, kept, 0, days, &got, &err) < 0) {
        printf("# %s\n", err.text);
        abort();
    }
    t->lost += loss.lost_profit > 0;
    t->worst = fmax(t->worst, fabs(got - loss.lost_profit) / rate);
}

static void test_curves(void)
{
    struct tally t = {0};

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct fl_net *net = net_by_chance(seed);
        struct fl_sim_curves *curves = NULL;
        struct fl_sim_finder *finder = NULL;
        struct fl_exposure *x = NULL;
        struct fl_outage o[16];
        uint64_t s = seed;

        if (fl_sim_curves_new(net, 200, NULL, &curves, &err) < 0 ||
            fl_sim_finder_new(curves, &finder, &err) < 0 || fl_exposure_new(net, &x, &err) < 0) {
            printf("# %s\n", err.text);
            abort();
        }
        for (unsigned i = 0; i < 20; i++) {
            uint32_t count = some_down(net, &s, o);

            hold_set(finder, x, o, count, 1 + net_below(&s, 190), all_profit(net), &t);
        }
        fl_exposure_free(x);
        fl_sim_finder_free(finder);
        fl_sim_curves_free(curves);
        fl_net_unref(net);
    }
    printf("# %u sets with a loss, off by at most %.2g days of all profit\n", t.lost, t.worst);
    CHECK(t.lost > 500 && t.worst < 1e-6, "curves of sets are the program's");
}

/* A set's cost is the same to the byte whatever was asked before it. */
static void test_order(void)
{
    struct fl_net *net = net_by_chance(12);
    struct fl_sim_curves *curves[2] = {NULL, NULL};
    struct fl_sim_finder *finder[2] = {NULL, NULL};
    double cost[2][64] = {{0}};
    bool same = true, some = false;

    for (unsigned k = 0; k < 2; k++) {
        if (fl_sim_curves_new(net, 200, NULL, &curves[k], &err) < 0 ||
            fl_sim_finder_new(curves[k], &finder[k], &err) < 0)
            abort();
        for (unsigned i = 0; i < 64; i++) {
            unsigned bits = k == 0 ? i : 63 - i;
            uint32_t set[6], count = 0;

            for (uint32_t site = 0; site < 6 && site < net->site_count; site++)
                if ((bits >> site & 1) != 0)
                    set[count++] = fl_sim_down(site, 0);
            count = fl_sim_reduce(finder[k], set, count);
            if (fl_sim_cost(finder[k], set, count, 3, 20 + bits * 2, &cost[k][bits], &err) < 0)
                abort();
        }
        fl_sim_finder_free(finder[k]);
        fl_sim_curves_free(curves[k]);
    }
    for (unsigned i = 0; i < 64; i++) {
        same = same && memcmp(&cost[0][i], &cost[1][i], sizeof(double)) == 0;
        some = some || cost[0][i] > 0;
    }
    CHECK(same && some, "a set costs the same to the byte in whichever order sets come up");
    fl_net_unref(net);
}

/* 300 sites that make a part of their own for a product of their own each, all down at once. */
static void test_many(void)
{
    enum { SITES = 300 };
    struct fl_net_builder *b = net_begin();
    struct fl_sim_hit hits[SITES];
    struct fl_sim_source source = {
        .id = "e", .type = "E", .certain = true, .hits = hits, .hit_count = SITES};
    struct fl_net *net;
    char text[100];

    for (unsigned i = 0; i < SITES; i++) {
        hits[i] = (struct fl_sim_hit){.site = i, .probability = 1, .days = {10, 10, 10}};
        snprintf(text, sizeof text, "f%u||Plant %u|25|121|TW||30", i, i);
        net_put(b, FL_SUPPLY_SITES, text);
        snprintf(text, sizeof text, "p%u|Part %u||0", i, i);
        net_put(b, FL_SUPPLY_PARTS, text);
        snprintf(text, sizeof text, "p%u|f%u||yes", i, i);
        net_put(b, FL_SUPPLY_PART_SITES, text);
        snprintf(text, sizeof text, "r%u||production|10|7|50|0|EUR", i);
        net_put(b, FL_SUPPLY_PRODUCTS, text);
        snprintf(text, sizeof text, "r%u|p%u|1", i, i);
        net_put(b, FL_SUPPLY_BOM, text);
    }
    net = net_end(b);
    CHECK(near(simulate(net, &source, 1, 3).mean, SITES * 700.0, 1e-3),
          "any number of sites may be down together");
    fl_net_unref(net);
}

static void test_quantiles(void)
{
    double sorted[100];
    struct fl_sim_quantile q;

    for (int i = 0; i < 100; i++)
        sorted[i] = i + 1;
    q = fl_sim_quantile(sorted, 100, 0.95);
    CHECK(q.value == 95 && q.low == 90 && q.high == 100,
          "a quantile by nearest rank, and its limits");
    CHECK(fl_sim_quantile(sorted, 100, 0.5).value == 50, "the median");
    CHECK(near(fl_sim_cvar(sorted, 100, 0.95), 98, 1e-9), "the mean of the worst five");
    CHECK(near(fl_sim_cvar(sorted, 10, 0.75), (10 + 9 + 8 * 0.5) / 2.5, 1e-9),
          "a part of a year counts in part");
}

static void test_refused(void)
{
    struct fl_net *net = net_of(alternates, FL_LEN(alternates));
    struct fl_sim_hit hit = {.site = 9, .probability = 1};
    struct fl_sim_source source = {.id = "e/x", .type = "E", .per_year = -1};
    struct fl_sim_spec spec = {.net = net, .sources = &source, .source_count = 1, .years = 10};
    struct fl_sim *sim = NULL;

    CHECK(fl_sim_new(&spec, &sim, &err) == FL_E_INVAL && strstr(err.text, "e/x") != NULL,
          "a rate below 0 is named");
    source = (struct fl_sim_source){.id = "e/x", .type = "E", .hits = &hit, .hit_count = 1};
    CHECK(fl_sim_new(&spec, &sim, &err) == FL_E_INVAL, "a hit of no site");
    spec.years = 0;
    CHECK(fl_sim_new(&spec, &sim, &err) == FL_E_INVAL, "no years");
    fl_net_unref(net);
}

#define HEADS                                                                                      \
    "type,name,region,reach,per_year,radius_km,probability,length,unit,low,likely,high,left\n"

static void test_own_rates(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {HEADS "X,y,*,site,0.1,,1,pert,days,5,4,6,0\n", "line 2: low, likely and high must rise"},
        {HEADS "X,y,*,moon,0.1,,1,pert,days,1,2,3,0\n", "line 2, reach: 'moon'"},
        {HEADS "X,y,*,disc,0.1,,1,pert,days,1,2,3,0\n", "line 2: a disc has a radius_km"},
        {HEADS "X,y,*,site,0.1,,2,pert,days,1,2,3,0\n", "line 2, probability"},
        {"type,name\nX,y\n", "there is no column 'region'"},
        {HEADS, "there is no rate"},
    };
    struct fl_event_rate *rates = NULL;
    uint32_t count = 0;

    fl_arena_clear(&arena);
    CHECK(fl_event_rates_read(fl_span_str("# version mine\n" HEADS
                                          "X-1,Fire,DE,site,0.25,,1,pert,ttr,0.5,1,2,0.5\n"),
                              &arena, &rates, &count, &err) == FL_OK &&
              count == 1 && rates[0].per_year == 0.25 && rates[0].of_ttr && rates[0].left == 0.5 &&
              strcmp(rates[0].region, "DE") == 0,
          "rates of one's own");
    for (size_t i = 0; i < FL_LEN(bad); i++) {
        bool said =
            fl_event_rates_read(fl_span_str(bad[i].text), &arena, &rates, &count, &err) < 0 &&
            strstr(err.text, bad[i].says) != NULL;

        if (!said)
            printf("# %s\n", err.text);
        CHECK(said, bad[i].says);
    }
}

int main(void)
{
    fl_arena_init(&arena, (size_t)256 << 20);
    test_quantiles();
    test_compound();
    test_merge();
    test_sets();
    test_later();
    test_disc();
    test_threads();
    test_corners();
    test_curves();
    test_order();
    test_many();
    test_refused();
    test_own_rates();
    fl_arena_done(&arena);
    return tap_done();
}
