/* Failures that spread: the published error of taking alternates for independent, exact answers
 * against counting all states, sampling against exact ones, diagnosis. */
#include <math.h>

#include "net_text.h"
#include "supply/bayes.h"
#include "tap.h"

static struct fl_arena arena;
static struct fl_err err;

static uint32_t node(struct fl_bayes *b, double own)
{
    uint32_t n = 0;

    if (fl_bayes_node(b, own, &n, &err) < 0)
        printf("# %s\n", err.text);
    return n;
}

static void needs(struct fl_bayes *b, uint32_t n, uint32_t a, uint32_t other, uint32_t count)
{
    const uint32_t of[] = {a, other};

    if (fl_bayes_needs(b, n, of, count, 1, &err) < 0)
        printf("# %s\n", err.text);
}

static struct fl_bayes_answer ask(struct fl_bayes *b, uint32_t n, const struct fl_bayes_seen *seen,
                                  uint32_t count, uint32_t width)
{
    struct fl_bayes_answer a = {.probability = NAN};

    if (fl_bayes_ask(b, n, seen, count, width, 1, &a, &err) < 0)
        printf("# %s\n", err.text);
    return a;
}

static void test_hub(void)
{
    struct fl_bayes *b = NULL;
    struct fl_bayes_answer a;
    struct fl_bayes_seen seen;
    uint32_t hub, first, second, product;

    CHECK(fl_bayes_new(&arena, &b, &err) == 0, "a network");
    hub = node(b, 0.1);
    first = node(b, 0.05);
    second = node(b, 0.05);
    product = node(b, 0);
    needs(b, first, hub, 0, 1);
    needs(b, second, hub, 0, 1);
    needs(b, product, first, second, 2);
    a = ask(b, product, NULL, 0, 20);
    CHECK(a.exact && fabs(a.probability - 0.10225) < 1e-15, "two alternates, one hub: 0.10225");
    a = ask(b, first, NULL, 0, 20);
    CHECK(fabs(a.probability * a.probability - 0.021025) < 1e-15,
          "as if they had nothing in common it would be 0.021025");
    seen = (struct fl_bayes_seen){product, true};
    a = ask(b, hub, &seen, 1, 20);
    CHECK(a.exact && fabs(a.probability - 0.1 / 0.10225) < 1e-12,
          "the product is short: 97.8 % that it is the hub");
    a = ask(b, product, NULL, 0, 0);
    CHECK(!a.exact && a.error > 0 && fabs(a.probability - 0.10225) < 5 * a.error,
          "sampled it is that within five standard errors");
    a = ask(b, hub, &seen, 1, 0);
    CHECK(!a.exact && fabs(a.probability - 0.1 / 0.10225) < 5 * a.error + 1e-9,
          "and the diagnosis too");
    seen = (struct fl_bayes_seen){first, false};
    a = ask(b, product, &seen, 1, 20);
    CHECK(a.probability == 0, "one alternate is seen up: the product is up");
}

static void test_refused(void)
{
    struct fl_bayes *b = NULL;
    struct fl_bayes_seen both[2] = {{0, true}, {0, false}};
    struct fl_bayes_answer a;
    uint32_t n = 0, self = 0;

    if (fl_bayes_new(&arena, &b, &err) < 0)
        return;
    n = node(b, 0.5);
    CHECK(fl_bayes_node(b, 1.5, &n, &err) == FL_E_INVAL, "a probability above 1");
    CHECK(fl_bayes_needs(b, 0, &self, 1, 1, &err) == FL_E_INVAL, "a node that needs itself");
    CHECK(fl_bayes_ask(b, 0, both, 2, 20, 1, &a, &err) == FL_E_INVAL, "up and down at once");
    CHECK(fl_bayes_ask(b, 0, both, 2, 0, 1, &a, &err) == FL_E_INVAL, "the same, sampled");
    CHECK(fl_bayes_ask(b, 7, NULL, 0, 20, 1, &a, &err) == FL_E_INVAL, "no such node");
}

/* ---- against counting all states ---- */

enum { NODES = 10 };

struct known {
    double own[NODES], weight[NODES][2];
    uint32_t of[NODES][2][2], size[NODES][2], groups[NODES];
};

static double joint(const struct known *k, uint32_t state)
{
    double p = 1;

    for (uint32_t i = 0; i < NODES; i++) {
        double up = 1 - k->own[i];

        for (uint32_t g = 0; g < k->groups[i]; g++) {
            bool all = true;

            for (uint32_t m = 0; m < k->size[i][g]; m++)
                all &= state >> k->of[i][g][m] & 1;
            up *= all ? 1 - k->weight[i][g] : 1;
        }
        p *= state >> i & 1 ? 1 - up : up;
    }
    return p;
}

static double counted(const struct known *k, uint32_t asked, struct fl_bayes_seen seen)
{
    double hit = 0, all = 0;

    for (uint32_t state = 0; state < 1u << NODES; state++) {
        double p = (state >> seen.node & 1) == (seen.down ? 1u : 0u) ? joint(k, state) : 0;

        all += p;
        hit += state >> asked & 1 ? p : 0;
    }
    return hit / all;
}

static struct fl_bayes *random_network(uint64_t *dice, struct known *k)
{
    struct fl_bayes *b = NULL;

    if (fl_bayes_new(&arena, &b, &err) < 0)
        exit(1);
    for (uint32_t i = 0; i < NODES; i++) {
        k->own[i] = (1 + net_dice(dice, 40)) / 100.0;
        k->groups[i] = i == 0 ? 0 : net_dice(dice, 3);
        (void)node(b, k->own[i]);
        for (uint32_t g = 0; g < k->groups[i]; g++) {
            k->size[i][g] = 1 + net_dice(dice, 2);
            k->weight[i][g] = (50 + net_dice(dice, 51)) / 100.0;
            for (uint32_t m = 0; m < 2; m++)
                k->of[i][g][m] = net_dice(dice, i);
            if (fl_bayes_needs(b, i, k->of[i][g], k->size[i][g], k->weight[i][g], &err) < 0)
                printf("# %s\n", err.text);
        }
    }
    return b;
}

static void test_random(void)
{
    unsigned wrong = 0, far = 0, asked = 0;

    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t dice = seed;
        struct known k = {0};
        struct fl_bayes *b = random_network(&dice, &k);
        struct fl_bayes_seen seen = {net_dice(&dice, NODES), net_dice(&dice, 2) == 0};
        uint32_t target = net_dice(&dice, NODES);
        double truth = counted(&k, target, seen);
        struct fl_bayes_answer a = ask(b, target, &seen, 1, 20);

        asked++;
        if (!a.exact || fabs(a.probability - truth) > 1e-12)
            wrong++;
        if (seed % 20 == 0) {
            a = ask(b, target, &seen, 1, 0);
            far += fabs(a.probability - truth) > 5 * a.error + 1e-9;
        }
        fl_arena_clear(&arena);
    }
    printf("# %u networks\n", asked);
    CHECK(wrong == 0, "exact answers are those of counting all states");
    CHECK(far == 0, "sampled ones are within five standard errors");
}

/* A grid of nodes that need two before them: wide, so it is sampled under a narrow limit. */
static void test_wide(void)
{
    struct fl_bayes *b = NULL;
    struct fl_bayes_answer wide, narrow;
    enum { SIDE = 8 };

    if (fl_bayes_new(&arena, &b, &err) < 0)
        return;
    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        uint32_t n = node(b, 0.1);

        if (i >= SIDE)
            needs(b, n, i - SIDE, i % SIDE == 0 ? i - SIDE : i - SIDE - 1, 2);
    }
    wide = ask(b, SIDE * SIDE - 1, NULL, 0, 20);
    narrow = ask(b, SIDE * SIDE - 1, NULL, 0, 2);
    CHECK(wide.exact && wide.width > 2, "a grid is eliminated within the limit");
    CHECK(!narrow.exact && fabs(narrow.probability - wide.probability) < 5 * narrow.error,
          "under a narrower limit it is sampled, to the same");
}

int main(void)
{
    fl_arena_init(&arena, (size_t)64 << 20);
    test_hub();
    test_refused();
    test_random();
    test_wide();
    fl_arena_done(&arena);
    return tap_done();
}
