/* Revenue at risk: each product once, all rows, several currencies, what comes later. */
#include <math.h>

#include "net_text.h"
#include "supply/revenue.h"
#include "tap.h"

enum { OCTOBER = 20727 }; /* 2026-10-01 */

static struct fl_arena arena;

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

/* Two parts of one product from one site each; a distributor for one; a second product. */
static struct fl_net *network(const char *share_of_distributor)
{
    struct net_text t = net_text_new();

    net_text_add(&t, "suppliers|m|Maker|JP|2");
    net_text_add(&t, "suppliers|d|Dealer|DE|1|distributor");
    net_text_add(&t, "sites|a|m|Site A|||||20");
    net_text_add(&t, "sites|b|m|Site B|||||20");
    net_text_add(&t, "sites|w|d|Warehouse|||||20");
    net_text_add(&t, "parts|p|P||20");
    net_text_add(&t, "parts|q|Q||5");
    net_text_add(&t, "part_sites|p|a|1");
    net_text_add(&t, "part_sites|q|b|1");
    if (share_of_distributor != NULL)
        net_text_add(&t, "part_sites|q|w|%s", share_of_distributor);
    net_text_add(&t, "products|v|V||2|10|100|0|EUR|0.25");
    net_text_add(&t, "products|u|U||1|10|50|0|USD");
    net_text_add(&t, "products|n|No revenue known||1|1");
    net_text_add(&t, "bom|v|p|1");
    net_text_add(&t, "bom|v|q|1");
    net_text_add(&t, "bom|u|q|0.5");
    net_text_add(&t, "bom|n|q|0.001");
    net_text_add(&t, "revenue|v|2026-Q4|direct|9200");
    net_text_add(&t, "revenue|v|2026-Q4|partners|9200|USD");
    net_text_add(&t, "revenue|v|2026-10|projects|310");
    net_text_add(&t, "rates|USD|2026-01-01|0.5");
    net_text_add(&t, "rates|USD|2026-12-01|0.8");
    return net_text_done(&t);
}

static struct fl_revenue_risk risk(const struct fl_net *net, const char *const *sites, size_t count,
                                   double horizon)
{
    struct fl_exposure *x = NULL;
    struct fl_outage o[4];
    struct fl_revenue_risk r = {.net = NAN};
    struct fl_loss loss = {0};
    struct fl_err err;

    for (size_t i = 0; i < count; i++)
        o[i] =
            (struct fl_outage){fl_net_site_find(net, fl_span_str(sites[i])), FL_NET_NONE, 0, NAN};
    if (fl_exposure_new(net, &x, &err) < 0 ||
        fl_exposure_loss(x, o, count, 0, &arena, &loss, &err) < 0 ||
        fl_revenue_at_risk(net, &loss, OCTOBER, horizon, &arena, &r, &err) < 0)
        printf("# %s\n", err.text);
    fl_exposure_free(x);
    return r;
}

/* Every sum again from the rows it says it used. */
static bool recomputed(const struct fl_revenue_risk *r)
{
    for (uint32_t i = 0; i < r->product_count; i++) {
        const struct fl_revenue_product *p = &r->products[i];
        double sum = 0;

        for (uint32_t k = 0; k < r->used_count; k++)
            if (r->used[k].product == p->product)
                sum += r->used[k].per_day * r->used[k].days;
        if (!near(p->day.covered > 0 ? sum / p->day.covered : 0, p->day.per_day))
            return false;
    }
    return true;
}

static void test_once(void)
{
    static const char *const one[] = {"a"}, *const both[] = {"a", "b"};
    struct fl_net *net = network(NULL);
    struct fl_revenue_risk r = risk(net, one, 1, 0);
    double day =
        100 + 100 * 0.8 + 10; /* of v in October: three rows, one of them at December's rate */

    CHECK(r.product_count == 1 && near(r.products[0].day.per_day, day), "all rows of v count");
    CHECK(r.products[0].day.from == FL_REVENUE_ROWS && r.used_count == 3, "three rows are named");
    CHECK(near(r.gross, 20 * day), "gross: all of it, for the days");
    CHECK(near(r.net, 10 * day), "net: stock of 20 lasts 10 days");
    CHECK(near(r.delayed, 10 * day / 4), "a quarter of it comes later");
    CHECK(near(r.timed, 10 * day), "by the product's own time: 20 - 10 days");
    CHECK(near(risk(net, one, 1, 15).timed, 5 * day), "within a horizon of 15 days: 5");
    CHECK(recomputed(&r), "the rows give the same again");
    r = risk(net, both, 2, 0);
    CHECK(near(r.products[0].gross, 20 * day) && r.product_count == 2,
          "two parts of v are down: its gross is the same as of one");
    fl_net_unref(net);
}

static void test_rates(void)
{
    static const char *const b[] = {"b"};
    struct fl_net *net = network(NULL);
    struct fl_revenue_risk r = risk(net, b, 1, 0);
    const struct fl_revenue_product *u = NULL;

    for (uint32_t i = 0; i < r.product_count; i++)
        if (strcmp(net->products[r.products[i].product].id, "u") == 0)
            u = &r.products[i];
    CHECK(u != NULL && u->day.from == FL_REVENUE_RATE && near(u->day.per_day, 50 * 0.5),
          "no rows: demand times price, at the rate of that day");
    CHECK(recomputed(&r), "and said as a row of its own");
    fl_net_unref(net);
}

static void test_days(void)
{
    struct fl_net *net = network(NULL);
    struct fl_revenue_day d[3];
    struct fl_revenue_used *used;
    struct fl_err err;
    uint32_t n;

    CHECK(fl_revenue_days(net, NULL, OCTOBER + 82, 20, &arena, d, &used, &n, &err) == 0 &&
              d[0].from == FL_REVENUE_ROWS && near(d[0].covered, 10) &&
              near(d[0].per_day, 100 + 80),
          "days after the last row are taken like those before");
    CHECK(d[2].from == FL_REVENUE_NOT && d[2].per_day == 0, "nothing is known of n, and said");
    CHECK(fl_revenue_days(net, NULL, OCTOBER + 400, 20, &arena, d, &used, &n, &err) == 0 &&
              d[0].from == FL_REVENUE_RATE && near(d[0].per_day, 200),
          "without rows of those days demand times price");
    CHECK(fl_revenue_days(net, NULL, OCTOBER, 0, &arena, d, &used, &n, &err) == FL_E_INVAL,
          "no days at all");
    fl_net_unref(net);
}

static void test_nearest(void)
{
    struct net_text t = net_text_new();
    struct fl_revenue_day d[1];
    struct fl_revenue_used *used;
    struct fl_net *net;
    struct fl_err err;
    uint32_t n;

    net_text_add(&t, "products|v|V||2|10");
    net_text_add(&t, "revenue|v|2025||36500");
    net_text_add(&t, "revenue|v|2028||73200");
    net = net_text_done(&t);
    CHECK(fl_revenue_days(net, NULL, OCTOBER, 30, &arena, d, &used, &n, &err) == 0 &&
              d[0].from == FL_REVENUE_NEAREST && near(d[0].per_day, 100) && n == 1,
          "rows of the last year that has any");
    CHECK(fl_revenue_days(net, NULL, OCTOBER - 2000, 30, &arena, d, &used, &n, &err) == 0 &&
              near(d[0].per_day, 100),
          "before all rows: the first");
    fl_net_unref(net);
}

static void test_no_rate(void)
{
    struct net_text t = net_text_new();
    struct fl_revenue_day d[1];
    struct fl_revenue_used *used;
    struct fl_net *net;
    struct fl_err err = {0};
    uint32_t n;

    net_text_add(&t, "products|v|V||2|10");
    net_text_add(&t, "revenue|v|2026||365|JPY");
    net = net_text_done(&t);
    CHECK(fl_revenue_days(net, NULL, OCTOBER, 30, &arena, d, &used, &n, &err) == FL_E_NOENT &&
              strstr(err.text, "'v'") != NULL,
          "a currency without a rate names the product");
    fl_net_unref(net);
}

int main(void)
{
    fl_arena_init(&arena, 1 << 22);
    test_once();
    test_rates();
    test_days();
    test_nearest();
    test_no_rate();
    fl_arena_done(&arena);
    return tap_done();
}
