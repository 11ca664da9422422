/* Published and closed values of the exposure programs, and what is said where there is none. */
#include <math.h>

#include "base/arena.h"
#include "net_text.h"
#include "supply/exposure.h"
#include "tap.h"

static struct fl_arena arena;

static bool near(double a, double b)
{
    return (isinf(a) && isinf(b)) || fabs(a - b) <= 1e-8 * (1 + fabs(b));
}

static uint32_t site(const struct fl_net *net, const char *id)
{
    return fl_net_site_find(net, fl_span_str(id));
}

static struct fl_exposure *expose(const struct fl_net *net)
{
    struct fl_exposure *x = NULL;
    struct fl_err err;

    if (fl_exposure_new(net, &x, &err) < 0) {
        printf("# %s\n", err.text);
        exit(1);
    }
    return x;
}

static struct fl_loss down(struct fl_exposure *x, uint32_t site, double left, double days)
{
    struct fl_outage o = {site, FL_NET_NONE, left, NAN};
    struct fl_loss loss = {.tts_days = NAN};
    struct fl_err err;

    if (fl_exposure_loss(x, &o, 1, days, &arena, &loss, &err) < 0)
        printf("# %s\n", err.text);
    return loss;
}

/* HEC Montreal, problem 1: two assemblies, three suppliers who make both. */
static struct fl_net *hec(void)
{
    struct net_text t = net_text_new();
    static const int capacity[] = {30, 45, 60};

    for (int s = 1; s <= 3; s++)
        net_text_add(&t, "sites|s%d||Supplier %d|||||2|%d", s, s, capacity[s - 1]);
    for (int v = 1; v <= 2; v++) {
        net_text_add(&t, "parts|a%d|Assembly %d", v, v);
        net_text_add(&t, "bom|v%d|a%d|1", v, v);
        for (int s = 1; s <= 3; s++)
            net_text_add(&t, "part_sites|a%d|s%d", v, s);
    }
    net_text_add(&t, "products|v1|Vehicle 1||75|5000||20");
    net_text_add(&t, "products|v2|Vehicle 2||50|6500||25");
    return net_text_done(&t);
}

static void test_hec(bool plain)
{
    static const double cost[] = {0, 125000, 275000}, rei[] = {0, 125000.0 / 275000, 1};
    static const double tts[] = {9.0 / 4, 9.0 / 7, 9.0 / 10};
    struct fl_net *net = hec();
    struct fl_exposure *x = expose(net);
    struct fl_exposed *all;
    struct fl_loss none;
    struct fl_err err;
    uint32_t count = 0;

    fl_exposure_plain(x, plain);
    CHECK(fl_exposure_loss(x, NULL, 0, 2, &arena, &none, &err) == 0 && isinf(none.tts_days) &&
              none.lost_profit == 0,
          "HEC: with nothing down it lasts for ever");
    CHECK(fl_exposure_all(x, FL_PER_SITE, NULL, &arena, &all, &count, &err) == 0 && count == 3,
          "HEC: three suppliers");
    for (uint32_t i = 0; i < count; i++) {
        CHECK(near(all[i].loss.lost_profit, cost[i]), "HEC: cost");
        CHECK(near(all[i].rei, rei[i]), "HEC: risk exposure index");
        CHECK(near(all[i].loss.tts_days, tts[i]), "HEC: time to survive");
        CHECK(near(all[i].loss.gap_days, fmax(0, 2 - tts[i])), "HEC: shortage");
    }
    fl_exposure_free(x);
    fl_net_unref(net);
}

/* One part of one source: stock / draw is the time to survive. */
static void test_single(void)
{
    struct net_text t = net_text_new();
    struct fl_net *net;
    struct fl_exposure *x;
    struct fl_loss loss;
    const uint32_t *missing = NULL;

    net_text_add(&t, "sites|a||Site A|||||30|");
    net_text_add(&t, "sites|b||Site B|||||30|");
    net_text_add(&t, "parts|p|Part||100");
    net_text_add(&t, "parts|raw|Nobody makes it||0");
    net_text_add(&t, "part_sites|p|a|1");
    net_text_add(&t, "products|v|Product||5|7|70|10");
    net_text_add(&t, "bom|v|p|2");
    net_text_add(&t, "bom|p|raw|1");
    net = net_text_done(&t);
    x = expose(net);
    loss = down(x, site(net, "a"), 0, 0);
    CHECK(near(loss.tts_days, 12),
          "single: 10 of the product and 100 / 2 of the part last 12 days");
    CHECK(near(loss.lost_units, 90) && near(loss.lost_profit, 630) && near(loss.lost_revenue, 6300),
          "single: the rest of 30 days is lost");
    CHECK(loss.product_count == 1 && near(loss.products[0].tts_days, 12), "single: its product");
    CHECK(isinf(down(x, site(net, "b"), 0, 0).tts_days), "a site that makes nothing: no exposure");
    CHECK(isinf(down(x, site(net, "a"), 0.5, 0).tts_days),
          "half of a site without a capacity loses nothing");
    CHECK(fl_exposure_missing(x, &missing) == 1 && missing[0] == 1,
          "a part that nobody makes binds nothing and is listed");
    fl_exposure_free(x);
    fl_net_unref(net);
}

/* Draw 10 a day of p, stock 50; b takes over from a after so many days. */
static struct fl_net *taken_over(const char *bring_up, const char *capacity)
{
    struct net_text t = net_text_new();

    net_text_add(&t, "sites|a||Site A|||||30|20|b|%s", bring_up);
    net_text_add(&t, "sites|b||Site B|||||30|%s", capacity);
    net_text_add(&t, "parts|p|Part||50");
    net_text_add(&t, "part_sites|p|a|1");
    net_text_add(&t, "products|v|Product||10|1");
    net_text_add(&t, "bom|v|p|1");
    return net_text_done(&t);
}

static void test_take_over(bool plain)
{
    static const struct {
        const char *bring_up, *capacity;
        double lost, tts;
    } row[] = {
        {"4", "", 0, INFINITY},   /* ready before the stock ends */
        {"8", "", 30, 5},         /* three days late; then it gives what is asked */
        {"4", "10", 0, INFINITY}, /* enough from then on */
        {"8", "10", 30, 5},       {"10", "5", 150, 5}, /* 250 short of 30 days, 100 of them made */
        {"4", "5", 120, 6},                            /* (t - 4) * 5 + 50 = 10 t */
        {"40", "100", 250, 5},                         /* back before it begins */
        {"10", "100", 50, 5}, /* what was lost by day 10 is not made up for */
    };

    for (size_t i = 0; i < FL_LEN(row); i++) {
        struct fl_net *net = taken_over(row[i].bring_up, row[i].capacity);
        struct fl_exposure *x = expose(net);
        struct fl_loss loss;

        fl_exposure_plain(x, plain);
        loss = down(x, site(net, "a"), 0, 0);
        CHECK(near(loss.lost_units, row[i].lost), "taken over: lost");
        CHECK(near(loss.tts_days, row[i].tts), "taken over: time to survive");
        if (!near(loss.lost_units, row[i].lost) || !near(loss.tts_days, row[i].tts))
            printf("# row %zu: lost %g, tts %g\n", i, loss.lost_units, loss.tts_days);
        fl_exposure_free(x);
        fl_net_unref(net);
    }
}

static void test_curve(void)
{
    struct fl_net *net = taken_over("10", "100");
    struct fl_exposure *x = expose(net);
    struct fl_outage o = {site(net, "a"), FL_NET_NONE, 0, NAN};
    struct fl_curve c = {0};
    struct fl_err err;
    bool same = true;

    CHECK(fl_exposure_curve(x, &o, 1, 30, 30, &arena, &c, &err) == 0 && c.count == 31,
          "curve: a point a day, and the beginning");
    for (uint32_t i = 0; i < c.count; i++)
        same &= near(c.profit[i], fmin(50, fmax(0, 10 * (c.days[i] - 5))));
    CHECK(same && near(c.tts_days, 5), "curve: nothing until day 5, all until day 10, then kept");
    fl_exposure_free(x);
    fl_net_unref(net);
}

/* A joint footprint, different times, one source of a site. */
static void test_scenes(void)
{
    struct net_text t = net_text_new();
    struct fl_outage both[2] = {{0, FL_NET_NONE, 0, 4}, {1, FL_NET_NONE, 0, 20}}, one;
    struct fl_loss loss = {0};
    struct fl_net *net;
    struct fl_exposure *x;
    struct fl_err err;

    net_text_add(&t, "sites|a||Site A|||||30|10");
    net_text_add(&t, "sites|b||Site B|||||30|10");
    net_text_add(&t, "parts|p|P");
    net_text_add(&t, "parts|q|Q");
    net_text_add(&t, "part_sites|p|a");
    net_text_add(&t, "part_sites|p|b");
    net_text_add(&t, "part_sites|q|b");
    net_text_add(&t, "products|v|V||8|1");
    net_text_add(&t, "products|w|W||4|5");
    net_text_add(&t, "bom|v|p|1");
    net_text_add(&t, "bom|w|q|1");
    net = net_text_done(&t);
    x = expose(net);
    loss = down(x, 0, 0, 10);
    CHECK(near(loss.lost_profit, 20) && near(loss.tts_days, 0),
          "a down: b makes 10 of the 12; the cheap one gives way");
    loss = down(x, 0, 0.5, 10);
    CHECK(near(loss.lost_profit, 0) && isinf(loss.tts_days), "half of a is enough");
    CHECK(fl_exposure_loss(x, both, 2, 0, &arena, &loss, &err) == 0 && near(loss.days, 20) &&
              near(loss.lost_profit, 4 * 5 * 20) && near(loss.tts_days, 0),
          "both down, one comes back: with perfect timing it makes up for its days");
    one = (struct fl_outage){FL_NET_NONE, fl_net_source_find(net, 1, 1), 0, 10};
    CHECK(fl_exposure_loss(x, &one, 1, 0, &arena, &loss, &err) == 0 &&
              near(loss.lost_profit, 4 * 5 * 10) && loss.product_count == 1,
          "one part of a site down: the other is made");
    one.left = 0.25;
    CHECK(fl_exposure_loss(x, &one, 1, 0, &arena, &loss, &err) == 0 &&
              near(loss.lost_profit, (4 - 2.5) * 5 * 10),
          "a quarter of the site's capacity is left for it");
    fl_exposure_free(x);
    fl_net_unref(net);
}

/* What brings no profit gives way first, but no more of it than must. */
static void test_no_profit(void)
{
    struct net_text t = net_text_new();
    struct fl_net *net;
    struct fl_exposure *x;
    struct fl_loss loss;

    net_text_add(&t, "sites|a||Site A|||||30|9");
    net_text_add(&t, "parts|p|P");
    net_text_add(&t, "part_sites|p|a");
    net_text_add(&t, "products|v|V||4|5");
    net_text_add(&t, "products|z|Z||1|0");
    net_text_add(&t, "bom|v|p|1");
    net_text_add(&t, "bom|z|p|1");
    net = net_text_done(&t);
    x = expose(net);
    loss = down(x, 0, 0.5, 10);
    CHECK(near(loss.lost_profit, 0) && near(loss.lost_units, 5) && loss.product_count == 1 &&
              near(loss.tts_days, 0),
          "4.5 of 5 a day are left: half of what brings nothing is lost, not all of it");
    fl_exposure_free(x);
    fl_net_unref(net);
}

static void test_refused(void)
{
    struct fl_net *net = hec();
    struct fl_exposure *x = expose(net);
    struct fl_outage o = {FL_NET_NONE, FL_NET_NONE, 0, 1};
    atomic_bool stop = true;
    struct fl_exposed *all;
    struct fl_loss loss;
    struct fl_curve c;
    struct fl_err err;
    uint32_t n;

    CHECK(fl_exposure_loss(x, &o, 1, 0, &arena, &loss, &err) == FL_E_INVAL, "an outage of nothing");
    o = (struct fl_outage){0, FL_NET_NONE, 2, 1};
    CHECK(fl_exposure_loss(x, &o, 1, 0, &arena, &loss, &err) == FL_E_INVAL, "more than all left");
    o = (struct fl_outage){0, FL_NET_NONE, 0, INFINITY};
    CHECK(fl_exposure_loss(x, &o, 1, 0, &arena, &loss, &err) == FL_E_INVAL, "for ever");
    CHECK(fl_exposure_curve(x, &o, 1, 0, 3, &arena, &c, &err) == FL_E_INVAL, "a curve of no days");
    CHECK(fl_exposure_all(x, FL_PER_NODE, &stop, &arena, &all, &n, &err) == FL_E_TIMEOUT,
          "stopped");
    CHECK(near(down(x, 2, 0, 0).tts_days, 0.9), "and after all that it answers as before");
    fl_exposure_free(x);
    fl_net_unref(net);
}

int main(void)
{
    fl_arena_init(&arena, 1 << 20);
    test_hec(false);
    test_hec(true);
    test_single();
    test_take_over(false);
    test_take_over(true);
    test_curve();
    test_scenes();
    test_no_profit();
    test_refused();
    fl_arena_done(&arena);
    return tap_done();
}
