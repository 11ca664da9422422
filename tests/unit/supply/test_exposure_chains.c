/*
 * Real multi-echelon chains (the folder is the argument): each stage a part at a site of its own,
 * with stated assumptions, since the chains have no stock, capacity or profit of their own: stock =
 * flow * ceil(lead time / 2), capacity = 1.25 * flow, profit = half of the cumulative cost, 28 days
 * to recover. Against a solver over fractions and the plain program; figures are printed.
 */
#include <math.h>

#include "base/arena.h"
#include "exact.h"
#include "net_text.h"
#include "supply/exposure.h"
#include "tap.h"

enum { STAGES = 40, UPS = 12, TTR = 28 };

struct stage {
    char id[64];
    double lead, cost, mean, flow, whole; /* whole: cumulative cost of one */
    int up[UPS], quantity[UPS], ups;
};

struct chain {
    struct stage stage[STAGES];
    int count, order[STAGES]; /* inputs first */
};

static struct fl_arena arena;

static int find(const struct chain *c, const char *id)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->stage[i].id, id) == 0)
            return i;
    return -1;
}

static char *cell(char **at)
{
    char *begin = *at, *end = begin + strcspn(begin, ",\r\n");

    *at = *end == ',' ? end + 1 : end;
    *end = '\0';
    return begin;
}

/* id, lead time, service time, cost, pool, mean, deviation, threshold, then pairs of input and
 * quantity; two passes, as stages come in any order. */
static bool read_chain(const char *path, struct chain *c)
{
    *c = (struct chain){.count = 0};
    for (int pass = 0; pass < 2; pass++) {
        FILE *f = fopen(path, "re");
        char line[1024];

        if (f == NULL)
            return false;
        for (int row = 0; fgets(line, sizeof line, f) != NULL; row++) {
            char *at = line, *word[8], *id;
            struct stage *s;

            for (int i = 0; i < 8; i++)
                word[i] = cell(&at);
            if (row == 0 || word[0][0] == '\0' || c->count == STAGES)
                continue;
            if (pass == 0) {
                s = &c->stage[c->count++];
                (void)snprintf(s->id, sizeof s->id, "%.63s", word[0]);
                s->lead = strtod(word[1], NULL);
                s->cost = strtod(word[3], NULL);
                s->mean = strtod(word[5], NULL);
                continue;
            }
            s = &c->stage[find(c, word[0])];
            while (*(id = cell(&at)) != '\0' && s->ups < UPS) {
                s->up[s->ups] = find(c, id);
                s->quantity[s->ups++] = (int)strtol(cell(&at), NULL, 10);
            }
        }
        (void)fclose(f);
    }
    return c->count > 0;
}

static void sort(struct chain *c)
{
    bool done[STAGES] = {false};

    for (int n = 0; n < c->count;)
        for (int i = 0; i < c->count; i++) {
            bool ready = !done[i];

            for (int k = 0; k < c->stage[i].ups; k++)
                ready &= done[c->stage[i].up[k]];
            if (ready) {
                done[i] = true;
                c->order[n++] = i;
            }
        }
}

static void flows(struct chain *c)
{
    sort(c);
    for (int n = 0; n < c->count; n++) {
        struct stage *s = &c->stage[c->order[n]];

        s->whole = s->cost;
        for (int k = 0; k < s->ups; k++)
            s->whole += s->quantity[k] * c->stage[s->up[k]].whole;
    }
    for (int n = c->count; n-- > 0;) {
        struct stage *s = &c->stage[c->order[n]];

        s->flow += s->mean;
        for (int k = 0; k < s->ups; k++)
            c->stage[s->up[k]].flow += s->quantity[k] * s->flow;
    }
}

static struct fl_net *build(const struct chain *c)
{
    struct net_text t = net_text_new();

    for (int i = 0; i < c->count; i++) {
        const struct stage *s = &c->stage[i];

        net_text_add(&t, "sites|at_%s||Site|||||%d|%.9g", s->id, TTR, 1.25 * s->flow);
        net_text_add(&t, "parts|%s|Stage||%.9g", s->id, s->flow * ceil(s->lead / 2));
        net_text_add(&t, "part_sites|%s|at_%s|1", s->id, s->id);
        for (int k = 0; k < s->ups; k++)
            net_text_add(&t, "bom|%s|%s|%d", s->id, c->stage[s->up[k]].id, s->quantity[k]);
        if (s->mean > 0) {
            net_text_add(&t, "products|sold_%s|Product||%.9g|%.12g", s->id, s->mean, s->whole / 2);
            net_text_add(&t, "bom|sold_%s|%s|1", s->id, s->id);
        }
    }
    return net_text_done(&t);
}

/* ---- the solver over fractions ---- */

static struct exact_number fraction(double x)
{
    return exact_of(lround(x * 1000), 1000);
}

static struct exact_program program;

static struct exact_number *row(double bound)
{
    struct exact_number *a = program.a[program.rows];

    for (int i = 0; i < EXACT_COLUMNS; i++)
        a[i] = exact_of(0, 1);
    program.b[program.rows++] = fraction(bound);
    return a;
}

/* Columns: made of each stage, sold of each, lost of each, t last. time: t is asked. */
static bool oracle(const struct chain *c, int down, bool time, double *ret)
{
    int sold[STAGES], lost[STAGES], columns = c->count, t;
    enum exact_result r;

    for (int i = 0; i < c->count; i++)
        if (c->stage[i].mean > 0) {
            sold[i] = columns++;
            lost[i] = columns++;
        }
    t = columns++;
    if (columns > EXACT_COLUMNS)
        return false;
    program.rows = 0;
    program.columns = columns;
    for (int i = 0; i < columns; i++)
        program.cost[i] = exact_of(time && i == t ? -1 : 0, 1);
    for (int i = 0; i < c->count; i++) {
        const struct stage *s = &c->stage[i];
        struct exact_number *a = row(s->flow * ceil(s->lead / 2)); /* its pool */

        a[i] = exact_of(-1, 1);
        if (s->mean > 0)
            a[sold[i]] = exact_of(1, 1);
        for (int j = 0; j < c->count; j++)
            for (int k = 0; k < c->stage[j].ups; k++)
                if (c->stage[j].up[k] == i)
                    a[j] = exact_of(c->stage[j].quantity[k], 1);
        a = row(i == down || time ? 0 : 1.25 * s->flow * TTR); /* its site */
        a[i] = exact_of(1, 1);
        if (time && i != down)
            a[t] = fraction(-1.25 * s->flow);
        if (!(s->mean > 0))
            continue;
        a = row(time ? 0 : -s->mean * TTR); /* its demand */
        a[sold[i]] = exact_of(-1, 1);
        if (time)
            a[t] = fraction(s->mean);
        else
            a[lost[i]] = exact_of(-1, 1);
        program.cost[lost[i]] = time ? exact_of(0, 1) : fraction(s->whole / 2);
        if (program.rows > EXACT_ROWS - 3)
            return false;
    }
    r = exact_solve(&program, ret);
    if (time)
        *ret = r == EXACT_UNBOUNDED ? INFINITY : -*ret;
    return r == EXACT_OPTIMAL || (time && r == EXACT_UNBOUNDED);
}

static bool near(double a, double b)
{
    return (isinf(a) && isinf(b)) || fabs(a - b) <= 1e-7 * (1 + fabs(b));
}

static void report(const char *name, const struct fl_net *net, const struct fl_exposed *all,
                   uint32_t count)
{
    uint32_t lose = 0, worst = 0, first = 0;

    for (uint32_t i = 0; i < count; i++) {
        lose += all[i].loss.lost_profit > 0;
        worst = all[i].loss.lost_profit > all[worst].loss.lost_profit ? i : worst;
        first = all[i].loss.tts_days < all[first].loss.tts_days ? i : first;
    }
    printf(
        "# %s: %u stages, %u lose within %d days; worst %s: %.2f, TTS %.3f; first %s: TTS %.3f\n",
        name, count, lose, TTR, net->sites[worst].id, all[worst].loss.lost_profit,
        all[worst].loss.tts_days, net->sites[first].id, all[first].loss.tts_days);
}

static void test_chain(const char *folder, const char *name)
{
    char path[600], text[200];
    struct chain c;
    struct fl_net *net;
    struct fl_exposure *x = NULL;
    struct fl_exposed *all = NULL, *plain = NULL;
    struct fl_err err;
    uint32_t count = 0;
    unsigned wrong = 0, unlike = 0, asked = 0;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!read_chain(path, &c)) {
        printf("ok %d - %s # SKIP the file is not there\n", ++tap_run, name);
        return;
    }
    flows(&c);
    net = build(&c);
    if (fl_exposure_new(net, &x, &err) < 0 ||
        fl_exposure_all(x, FL_PER_SITE, NULL, &arena, &all, &count, &err) < 0)
        exit(1);
    fl_exposure_plain(x, true);
    if (fl_exposure_all(x, FL_PER_SITE, NULL, &arena, &plain, &count, &err) < 0)
        exit(1);
    for (uint32_t i = 0; i < count; i++) {
        double lost, tts;
        int stage = find(&c, net->sites[i].id + 3);

        unlike += !near(all[i].loss.lost_profit, plain[i].loss.lost_profit) ||
                  !near(all[i].loss.tts_days, plain[i].loss.tts_days);
        if (!oracle(&c, stage, false, &lost) || !oracle(&c, stage, true, &tts))
            continue;
        asked++;
        if (near(all[i].loss.lost_profit, lost) && near(all[i].loss.tts_days, tts))
            continue;
        wrong++;
        printf("# %s: lost %.9g, TTS %.9g; exactly %.9g, %.9g\n", net->sites[i].id,
               all[i].loss.lost_profit, all[i].loss.tts_days, lost, tts);
    }
    report(name, net, all, count);
    (void)snprintf(text, sizeof text, "%s: as the solver over fractions says, %u of %u stages",
                   name, asked, count);
    CHECK(wrong == 0 && 2 * asked >= count, text);
    CHECK(unlike == 0, "and as the plain program says");
    fl_exposure_free(x);
    fl_net_unref(net);
    fl_arena_clear(&arena);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"bulldozer.txt",
                                        "bulldozer_small_convergent.txt",
                                        "bulldozer_small_linear.txt",
                                        "digital_camera.txt",
                                        "food.txt",
                                        "semiconductors.txt"};

    fl_arena_init(&arena, (size_t)64 << 20);
    for (size_t i = 0; argc > 1 && i < FL_LEN(names); i++)
        test_chain(argv[1], names[i]);
    fl_arena_done(&arena);
    return tap_done();
}
