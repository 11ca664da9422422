/*
 * The exposure programs on random small networks: against a solver over fractions that gets the
 * rows of exposure.h as they stand there, against themselves (plain or not), and against what must
 * hold without any oracle.
 */
#include <math.h>

#include "base/arena.h"
#include "exact.h"
#include "net_text.h"
#include "supply/exposure.h"
#include "tap.h"

enum { PARTS = 5, PRODUCTS = 3, SITES = 4, SOURCES = PARTS * SITES, BREAKS = 8 };

/* A network as numbers; 0 in capacity: not limited, in `quantity`: not used. */
struct small {
    int parts, products, sites;
    int stock[PARTS + PRODUCTS], demand[PRODUCTS], profit[PRODUCTS], ttr[SITES], capacity[SITES];
    int takes_over[SITES], bring_up[SITES]; /* site or -1 */
    int quantity[PARTS + PRODUCTS][PARTS];  /* user, part; parts use parts before them */
    bool makes[PARTS][SITES];
    int waits[PARTS][SITES]; /* days until it begins; share 0 */
};

static struct fl_arena arena;

static struct small random_small(uint64_t *dice, bool waiting)
{
    struct small n = {.parts = 2 + (int)net_dice(dice, PARTS - 1),
                      .products = 1 + (int)net_dice(dice, PRODUCTS),
                      .sites = 2 + (int)net_dice(dice, SITES - 1)};

    for (int a = 0; a < n.sites; a++) {
        n.ttr[a] = 1 + (int)net_dice(dice, 12);
        n.capacity[a] = net_dice(dice, 3) == 0 ? 0 : 4 + (int)net_dice(dice, 30);
        n.takes_over[a] = -1;
        if (waiting && net_dice(dice, 2) == 0) {
            n.takes_over[a] = (a + 1) % n.sites;
            n.bring_up[a] = 1 + (int)net_dice(dice, 8);
        }
    }
    for (int k = 0; k < n.parts; k++) {
        n.stock[k] = net_dice(dice, 2) == 0 ? 0 : (int)net_dice(dice, 60);
        for (int a = 0; a < n.sites; a++)
            n.makes[k][a] = net_dice(dice, 3) == 0;
        n.makes[k][net_dice(dice, (uint32_t)n.sites)] |= net_dice(dice, 8) > 0;
        for (int a = 0; a < n.sites && waiting; a++)
            n.waits[k][a] = net_dice(dice, 3) == 0 ? 1 + (int)net_dice(dice, 6) : 0;
        for (int i = 0; i < k; i++)
            n.quantity[k][i] = net_dice(dice, 3) == 0 ? 1 + (int)net_dice(dice, 2) : 0;
    }
    for (int v = 0; v < n.products; v++) {
        n.demand[v] = 1 + (int)net_dice(dice, 6);
        n.profit[v] = (int)net_dice(dice, 20);
        n.stock[n.parts + v] = net_dice(dice, 2) == 0 ? 0 : (int)net_dice(dice, 20);
        for (int k = 0; k < n.parts; k++)
            n.quantity[n.parts + v][k] = net_dice(dice, 2) == 0 ? 1 + (int)net_dice(dice, 2) : 0;
    }
    return n;
}

static struct fl_net *build(const struct small *n)
{
    struct net_text t = net_text_new();

    for (int a = 0; a < n->sites; a++) {
        char capacity[16] = "", over[40] = "|";

        if (n->capacity[a] > 0)
            (void)snprintf(capacity, sizeof capacity, "%d", n->capacity[a]);
        if (n->takes_over[a] >= 0)
            (void)snprintf(over, sizeof over, "a%d|%d", n->takes_over[a], n->bring_up[a]);
        net_text_add(&t, "sites|a%d||Site|||||%d|%s|%s", a, n->ttr[a], capacity, over);
    }
    for (int k = 0; k < n->parts; k++) {
        net_text_add(&t, "parts|p%d|Part||%d", k, n->stock[k]);
        for (int a = 0; a < n->sites; a++)
            if (n->makes[k][a] && n->waits[k][a] > 0)
                net_text_add(&t, "part_sites|p%d|a%d|0|yes|||%d", k, a, n->waits[k][a]);
            else if (n->makes[k][a])
                net_text_add(&t, "part_sites|p%d|a%d", k, a);
    }
    for (int v = 0; v < n->products; v++)
        net_text_add(&t, "products|v%d|Product||%d|%d||%d", v, n->demand[v], n->profit[v],
                     n->stock[n->parts + v]);
    for (int u = 0; u < n->parts + n->products; u++)
        for (int k = 0; k < n->parts; k++)
            if (n->quantity[u][k] > 0)
                net_text_add(&t, "bom|%c%d|p%d|%d", u < n->parts ? 'p' : 'v',
                             u < n->parts ? u : u - n->parts, k, n->quantity[u][k]);
    return net_text_done(&t);
}

/* ---- the oracle: the rows of exposure.h, in units ---- */

struct arm {
    int part, site, wait;
};

static bool made_by_somebody(const struct small *n, int part)
{
    for (int a = 0; a < n->sites; a++)
        if (n->makes[part][a])
            return true;
    return false;
}

/* What can make something while `down` is down for good. */
static int arms_of(const struct small *n, int down, struct arm arms[2 * SOURCES])
{
    int count = 0;

    for (int k = 0; k < n->parts; k++) {
        if (!made_by_somebody(n, k)) /* somebody does, whom nobody knows: it binds nothing */
            arms[count++] = (struct arm){k, -1, 0};
        for (int a = 0; a < n->sites; a++) {
            int over = n->takes_over[a];

            if (!n->makes[k][a])
                continue;
            if (a != down)
                arms[count++] = (struct arm){k, a, n->waits[k][a]};
            else if (over >= 0 && over != a && (!n->makes[k][over] || n->waits[k][over] > 0))
                arms[count++] = (struct arm){k, over, n->bring_up[a]};
        }
    }
    return count;
}

struct rows {
    struct exact_program p;
    int time; /* column of t, or -1: then t is a number */
    long t;
};

/* a new row: ... <= base + slope * t */
static struct exact_number *row(struct rows *r, long base, long slope)
{
    struct exact_number *a = r->p.a[r->p.rows];

    for (int k = 0; k < EXACT_COLUMNS; k++)
        a[k] = exact_of(0, 1);
    r->p.b[r->p.rows++] = exact_of(base + (r->time < 0 ? slope * r->t : 0), 1);
    if (r->time >= 0)
        a[r->time] = exact_of(-slope, 1);
    return a;
}

/* Columns: arms, made of products, lost of products, t. lo: what is open is what opened by then. */
static void set_up(const struct small *n, const struct arm *arms, int count, long lo,
                   struct rows *r)
{
    int made = count, lost = made + n->products;

    r->p.rows = 0;
    r->p.columns = lost + n->products + (r->time >= 0);
    for (int k = 0; k < EXACT_COLUMNS; k++)
        r->p.cost[k] = exact_of(0, 1);
    for (int k = 0; k < n->parts; k++) {
        struct exact_number *a = row(r, n->stock[k], 0);

        for (int i = 0; i < count; i++)
            a[i] = exact_of(n->quantity[arms[i].part][k] - (arms[i].part == k), 1);
        for (int v = 0; v < n->products; v++)
            a[made + v] = exact_of(n->quantity[n->parts + v][k], 1);
    }
    for (int v = 0; v < n->products; v++) {
        struct exact_number *a = row(r, n->stock[n->parts + v], -n->demand[v]);

        a[made + v] = a[lost + v] = exact_of(-1, 1);
    }
    for (int i = 0; i < count; i++) {
        struct exact_number *a;
        int capacity = arms[i].site < 0 ? 0 : n->capacity[arms[i].site], wait = arms[i].wait;

        if (wait > lo)
            row(r, 0, 0)[i] = exact_of(1, 1);
        else if (capacity > 0) { /* all that begin there then or later */
            a = row(r, -(long)capacity * wait, capacity);
            for (int k = 0; k < count; k++)
                a[k] = exact_of(arms[k].site == arms[i].site && arms[k].wait >= wait, 1);
        }
    }
}

static enum exact_result lost_at(const struct small *n, const struct arm *arms, int count, long lo,
                                 long t, double *ret)
{
    static struct rows r;

    r.time = -1;
    r.t = t;
    set_up(n, arms, count, lo, &r);
    for (int v = 0; v < n->products; v++)
        r.p.cost[count + n->products + v] = exact_of(n->profit[v], 1);
    return exact_solve(&r.p, ret);
}

static enum exact_result survive_from(const struct small *n, const struct arm *arms, int count,
                                      long lo, long hi, double *ret)
{
    static struct rows r;
    int time = count + 2 * n->products;
    double cost = 0;
    enum exact_result result;

    r.time = time;
    set_up(n, arms, count, lo, &r);
    r.p.cost[time] = exact_of(-1, 1);
    for (int v = 0; v < n->products; v++)
        row(&r, 0, 0)[count + n->products + v] = exact_of(1, 1);
    if (hi > 0)
        row(&r, hi, 0)[time] = exact_of(1, 1);
    result = exact_solve(&r.p, &cost);
    *ret = -cost;
    return result;
}

static int breaks_of(const struct arm *arms, int count, long v[2 * SOURCES])
{
    int n = 0;

    for (long day = 1; day < 20; day++)
        for (int i = 0; i < count; i++)
            if (arms[i].wait == day) {
                v[n++] = day;
                break;
            }
    return n;
}

struct truth {
    double lost, tts;
};

/* False: a number did not fit. */
static bool oracle(const struct small *n, int down, struct truth *ret)
{
    struct arm arms[2 * SOURCES];
    long breaks[2 * SOURCES], lo = 0, ttr = n->ttr[down];
    int count = arms_of(n, down, arms), cuts = breaks_of(arms, count, breaks);
    double value = 0;
    bool found = false;

    *ret = (struct truth){0, INFINITY};
    for (int i = 0; i <= cuts; i++) {
        long hi = i < cuts ? breaks[i] : 0;
        enum exact_result r;

        if (lo < ttr) {
            if (lost_at(n, arms, count, lo, hi > 0 && hi < ttr ? hi : ttr, &value) != EXACT_OPTIMAL)
                return false;
            ret->lost = fmax(ret->lost, value);
        }
        r = found ? EXACT_UNBOUNDED : survive_from(n, arms, count, lo, hi, &value);
        if (r == EXACT_OVERFLOW || r == EXACT_INFEASIBLE)
            return false;
        if (r == EXACT_OPTIMAL && !found && (hi == 0 || value < (double)hi)) {
            ret->tts = value;
            found = true;
        }
        lo = hi;
    }
    return true;
}

/* ---- comparisons ---- */

static bool near(double a, double b)
{
    return (isinf(a) && isinf(b)) || fabs(a - b) <= 2e-7 * (1 + fabs(b));
}

static struct fl_exposed *all_of(struct fl_exposure *x, enum fl_exposure_per per, uint32_t *count)
{
    struct fl_exposed *all = NULL;
    struct fl_err err;

    if (fl_exposure_all(x, per, NULL, &arena, &all, count, &err) < 0) {
        printf("# %s\n", err.text);
        exit(1);
    }
    return all;
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

static void against_oracle(bool waiting, unsigned wanted, const char *name)
{
    unsigned asked = 0, wrong = 0, skipped = 0, lossy = 0, finite = 0, programs = 0;

    for (uint64_t seed = 1; seed <= wanted; seed++) {
        uint64_t dice = seed * 2 + waiting;
        struct small n = random_small(&dice, waiting);
        struct fl_net *net = build(&n);
        struct fl_exposure *x = expose(net);
        uint32_t count;
        const struct fl_exposed *all = all_of(x, FL_PER_SITE, &count);

        for (uint32_t i = 0; i < count; i++) {
            struct truth t;
            int site = atoi(net->sites[i].id + 1);

            if (!oracle(&n, site, &t)) {
                skipped++;
                continue;
            }
            asked++;
            lossy += t.lost > 0;
            finite += !isinf(t.tts);
            programs += all[i].loss.by_program;
            if (near(all[i].loss.lost_profit, t.lost) && near(all[i].loss.tts_days, t.tts))
                continue;
            if (wrong++ < 5)
                printf("# seed %d site %d: lost %.12g tts %.12g; truth %.12g %.12g\n", (int)seed,
                       site, all[i].loss.lost_profit, all[i].loss.tts_days, t.lost, t.tts);
        }
        fl_exposure_free(x);
        fl_net_unref(net);
        fl_arena_clear(&arena);
    }
    printf("# %s: %u asked, %u too large for the oracle, %u lose, %u finite, %u by program\n", name,
           asked, skipped, lossy, finite, programs);
    CHECK(wrong == 0, name);
    CHECK(asked > 9 * skipped && lossy > asked / 4, "the networks say something");
}

static void against_plain(void)
{
    unsigned wrong = 0, asked = 0;

    for (uint64_t seed = 1000; seed < 1800; seed++) {
        uint64_t dice = seed;
        struct small n = random_small(&dice, seed % 2 == 0);
        struct fl_net *net = build(&n);
        struct fl_exposure *x = expose(net);
        uint32_t count;
        const struct fl_exposed *fast = all_of(x, FL_PER_NODE, &count), *plain;

        fl_exposure_plain(x, true);
        plain = all_of(x, FL_PER_NODE, &count);
        for (uint32_t i = 0; i < count; i++) {
            const struct fl_loss *a = &fast[i].loss, *b = &plain[i].loss;
            bool same = near(a->lost_profit, b->lost_profit) && near(a->tts_days, b->tts_days);

            for (uint32_t k = 0; same && k < a->product_count && k < b->product_count; k++)
                if (a->products[k].product == b->products[k].product)
                    same = near(a->products[k].tts_days, b->products[k].tts_days);
            asked++;
            if (!same && wrong++ < 5)
                printf("# seed %d node %u: lost %g tts %g; plain %g %g\n", (int)seed, i,
                       a->lost_profit, a->tts_days, b->lost_profit, b->tts_days);
        }
        fl_exposure_free(x);
        fl_net_unref(net);
        fl_arena_clear(&arena);
    }
    printf("# %u nodes\n", asked);
    CHECK(wrong == 0, "the plain program says the same, down to the products' times");
}

/* Two or three sites and sources at once, some with a share left, for different times. */
static void against_plain_together(void)
{
    unsigned wrong = 0, lossy = 0;

    for (uint64_t seed = 20000; seed < 20600; seed++) {
        uint64_t dice = seed;
        struct small n = random_small(&dice, seed % 2 == 0);
        struct fl_net *net = build(&n);
        struct fl_exposure *x = expose(net);
        struct fl_outage o[3];
        struct fl_loss a = {0}, b = {0};
        struct fl_err err;
        uint32_t count = 2 + net_dice(&dice, 2);

        for (uint32_t i = 0; i < count; i++) {
            bool site = net->source_count == 0 || net_dice(&dice, 2) == 0;

            o[i] = (struct fl_outage){site ? net_dice(&dice, net->site_count) : FL_NET_NONE,
                                      site ? FL_NET_NONE : net_dice(&dice, net->source_count),
                                      net_dice(&dice, 2) == 0 ? 0 : net_dice(&dice, 4) / 4.0,
                                      1 + net_dice(&dice, 15)};
        }
        if (fl_exposure_loss(x, o, count, 0, &arena, &a, &err) < 0)
            printf("# %s\n", err.text);
        fl_exposure_plain(x, true);
        if (fl_exposure_loss(x, o, count, 0, &arena, &b, &err) < 0)
            printf("# %s\n", err.text);
        lossy += b.lost_profit > 0;
        if ((!near(a.lost_profit, b.lost_profit) || !near(a.tts_days, b.tts_days)) && wrong++ < 5)
            printf("# seed %d: lost %g tts %g; plain %g %g\n", (int)seed, a.lost_profit, a.tts_days,
                   b.lost_profit, b.tts_days);
        fl_exposure_free(x);
        fl_net_unref(net);
        fl_arena_clear(&arena);
    }
    printf("# %u of 600 scenes lose\n", lossy);
    CHECK(wrong == 0 && lossy > 150, "several outages at once, as the plain program says");
}

/* ---- what must hold ---- */

static struct fl_curve curve_of(const struct fl_net *net, uint32_t site, double scale)
{
    struct fl_exposure *x = expose(net);
    struct fl_outage o = {site, FL_NET_NONE, 0, NAN};
    struct fl_curve c = {0};
    struct fl_err err;

    if (fl_exposure_curve(x, &o, 1, 24 * scale, 48, &arena, &c, &err) < 0) {
        printf("# %s\n", err.text);
        exit(1);
    }
    fl_exposure_free(x);
    return c;
}

static struct fl_curve changed(struct small n, int site, void (*change)(struct small *n))
{
    struct fl_net *net;
    struct fl_curve c;
    char id[16];

    if (change != NULL)
        change(&n);
    net = build(&n);
    (void)snprintf(id, sizeof id, "a%d", site);
    c = curve_of(net, fl_net_site_find(net, fl_span_str(id)), 1);
    fl_net_unref(net);
    return c;
}

static void more_stock(struct small *n)
{
    for (int i = 0; i < n->parts + n->products; i++)
        n->stock[i] += 3;
}

static void more_capacity(struct small *n)
{
    for (int a = 0; a < n->sites; a++)
        n->capacity[a] += n->capacity[a] > 0 ? 3 : 0;
}

static void more_sources(struct small *n)
{
    for (int k = 0; k < n->parts; k++)
        if (made_by_somebody(n, k))
            n->makes[k][(k + 1) % n->sites] = true;
}

static void twice_the_profit(struct small *n)
{
    for (int v = 0; v < n->products; v++)
        n->profit[v] *= 2;
}

/* Half of the demand and capacity a day: everything takes twice as long. */
static void slower(struct small *n)
{
    for (int i = 0; i < n->parts + n->products; i++)
        n->stock[i] *= 2;
}

static bool below(const struct fl_curve *a, const struct fl_curve *b)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (a->profit[i] > b->profit[i] + 1e-6 * (1 + b->profit[i]))
            return false;
    return isinf(a->tts_days) || a->tts_days >= b->tts_days - 1e-7 * (1 + b->tts_days);
}

static bool shaped(const struct fl_curve *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        double tiny = 1e-6 * (1 + c->profit[i]);

        if (i > 0 && c->profit[i] < c->profit[i - 1] - tiny)
            return false;
        if (i > 1 && c->profit[i] - 2 * c->profit[i - 1] + c->profit[i - 2] < -3 * tiny)
            return false;
        if (c->days[i] <= c->tts_days && c->profit[i] > 0)
            return false;
    }
    return true;
}

static bool times(const struct fl_curve *a, const struct fl_curve *b, double factor)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (!near(a->profit[i] * factor, b->profit[i]))
            return false;
    return true;
}

static void properties(void)
{
    unsigned bad[7] = {0};
    static const char *const names[] = {"PI is convex, never falls, and is 0 up to the TTS",
                                        "more stock: no more loss",
                                        "more capacity: no more loss",
                                        "a further source: no more loss",
                                        "twice the profit: twice the loss, the same TTS",
                                        "twice the stock: the curve at twice the time",
                                        "two sites down: no less than one"};

    for (uint64_t seed = 5000; seed < 5150; seed++) {
        uint64_t dice = seed;
        struct small n = random_small(&dice, false);
        struct fl_curve base = changed(n, 0, NULL), more;
        struct fl_net *net = build(&n);
        struct fl_exposure *x = expose(net);
        struct fl_outage two[2] = {{0, FL_NET_NONE, 0, 12}, {1, FL_NET_NONE, 0, 12}};
        struct fl_loss one = {0}, both = {0};
        struct fl_err err;

        bad[0] += !shaped(&base);
        more = changed(n, 0, more_stock);
        bad[1] += !below(&more, &base);
        more = changed(n, 0, more_capacity);
        bad[2] += !below(&more, &base);
        more = changed(n, 0, more_sources);
        bad[3] += !below(&more, &base);
        more = changed(n, 0, twice_the_profit);
        bad[4] += !times(&base, &more, 2) || !near(base.tts_days, more.tts_days);
        {
            struct small slow = n;
            struct fl_net *other;

            slower(&slow);
            other = build(&slow);
            more = curve_of(other, fl_net_site_find(other, FL_SPAN("a0")), 2);
            bad[5] += !times(&base, &more, 2) || !near(2 * base.tts_days, more.tts_days);
            fl_net_unref(other);
        }
        if (fl_exposure_loss(x, two, 1, 0, &arena, &one, &err) < 0 ||
            fl_exposure_loss(x, two, 2, 0, &arena, &both, &err) < 0 ||
            both.lost_profit < one.lost_profit - 1e-6 * (1 + one.lost_profit) ||
            both.tts_days > one.tts_days + 1e-7)
            bad[6]++;
        fl_exposure_free(x);
        fl_net_unref(net);
        fl_arena_clear(&arena);
    }
    for (int i = 0; i < 7; i++)
        CHECK(bad[i] == 0, names[i]);
}

/* With what takes over it is not convex, but it never falls and is 0 exactly up to the TTS. */
static void curves_that_wait(void)
{
    unsigned bad = 0;

    for (uint64_t seed = 8000; seed < 8150; seed++) {
        uint64_t dice = seed;
        struct small n = random_small(&dice, true);
        struct fl_net *net = build(&n);
        struct fl_exposure *x = expose(net);
        struct fl_curve c = curve_of(net, 0, 1);

        for (uint32_t i = 1; i < c.count; i++) {
            struct fl_outage o = {0, FL_NET_NONE, 0, NAN};
            struct fl_loss loss = {0};
            struct fl_err err;

            if (fl_exposure_loss(x, &o, 1, c.days[i], &arena, &loss, &err) < 0 ||
                !near(loss.lost_profit, c.profit[i]) || c.profit[i] < c.profit[i - 1] - 1e-9) {
                if (bad++ < 5)
                    printf("# seed %d day %g: curve %g, alone %g\n", (int)seed, c.days[i],
                           c.profit[i], loss.lost_profit);
            }
        }
        fl_exposure_free(x);
        fl_net_unref(net);
        fl_arena_clear(&arena);
    }
    CHECK(bad == 0, "a curve is the loss of each of its days, and never falls");
}

int main(void)
{
    fl_arena_init(&arena, (size_t)256 << 20);
    against_oracle(false, 300, "300 random networks as the solver over fractions says");
    against_oracle(true, 300, "300 with sources that wait and sites that take over");
    against_plain();
    against_plain_together();
    properties();
    curves_that_wait();
    fl_arena_done(&arena);
    return tap_done();
}
