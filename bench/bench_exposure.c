/*
 * bench-exposure [SEED]: the exposure of each node of random layered networks (layered.h), on one
 * core: recovery and survival programs both.
 *
 * 2,000 nodes and 5,400 arcs first: all nodes, 200 of them again by the plain program, which must
 * say the same, and the recovery programs of 100 by GLPK where libglpk.so.40 is found
 * (LD_LIBRARY_PATH): its time for all is that of 100, times 20. It gets its dual simplex method
 * with presolve, the fastest of its ways here, ten times that of a start from the last solution.
 * Then the growth with size. NDJSON on standard output; times are CPU seconds.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/arena.h"
#include "layered.h"
#include "supply/exposure.h"

enum { NODES = 2000, ARCS = 5400, PLAIN = 200, PEER = 100 };

static double cpu_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int r, const struct fl_err *err, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "bench-exposure: %s: %s\n", what, err->text);
    exit(1);
}

static long rss_bytes(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss * 1024;
}

static void figure(const char *name, double value, const char *unit, double cpu)
{
    (void)printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"cpu_s\":%.6g,"
                 "\"rss_bytes\":%ld,\"better\":\"less\"}\n",
                 name, value, unit, cpu, rss_bytes());
    (void)fflush(stdout);
}

static bool same(double a, double b)
{
    return (isinf(a) && isinf(b)) || fabs(a - b) <= 1e-6 * (1 + fabs(b));
}

/* ---- the network in hand ---- */

struct run {
    struct fl_net *net;
    struct fl_exposure *x;
    struct fl_arena arena;
    struct fl_exposed *all;
    uint32_t count, lose, programs;
    double cpu;
};

static void begin(struct run *run, uint32_t nodes, uint32_t arcs, uint64_t seed)
{
    struct fl_err err = {0};
    double start;

    *run = (struct run){.net = bench_layered(nodes, arcs, seed, &err)};
    must(run->net == NULL ? -1 : 0, &err, "the network");
    fl_arena_init(&run->arena, (size_t)2 << 30);
    start = cpu_s();
    must(fl_exposure_new(run->net, &run->x, &err), &err, "new");
    must(fl_exposure_all(run->x, FL_PER_NODE, NULL, &run->arena, &run->all, &run->count, &err),
         &err, "all");
    run->cpu = cpu_s() - start;
    for (uint32_t i = 0; i < run->count; i++) {
        run->lose += run->all[i].loss.lost_profit > 0;
        run->programs += run->all[i].loss.by_program;
    }
    fprintf(stderr,
            "%u nodes, %u arcs, %u sites, %u products: %.3f s; %u lose profit, %u programs\n",
            run->count, run->net->use_count, run->net->site_count, run->net->product_count,
            run->cpu, run->lose, run->programs);
    if (4 * run->lose < run->count)
        must(-1, &(struct fl_err){.text = "fewer than a quarter of the nodes lose anything"},
             "the network");
}

static void end(struct run *run)
{
    fl_exposure_free(run->x);
    fl_net_unref(run->net);
    fl_arena_done(&run->arena);
}

/* ---- the plain program says the same ---- */

static double plain(struct run *run)
{
    struct fl_err err = {0};
    double start = cpu_s();

    fl_exposure_plain(run->x, true);
    for (uint32_t k = 0; k < PLAIN; k++) {
        uint32_t node = (uint32_t)((uint64_t)k * run->count / PLAIN);
        struct fl_outage o = {FL_NET_NONE, node, 0, NAN};
        struct fl_loss loss = {0};

        must(fl_exposure_loss(run->x, &o, 1, 0, &run->arena, &loss, &err), &err, "plain");
        if (same(loss.lost_profit, run->all[node].loss.lost_profit) &&
            same(loss.tts_days, run->all[node].loss.tts_days))
            continue;
        fprintf(stderr, "bench-exposure: node %u: lost %.9g, survives %.9g; plain %.9g, %.9g\n",
                node, run->all[node].loss.lost_profit, run->all[node].loss.tts_days,
                loss.lost_profit, loss.tts_days);
        exit(1);
    }
    fl_exposure_plain(run->x, false);
    return cpu_s() - start;
}

/* ---- GLPK, whose functions are found at run time ---- */

enum { GLP_FR = 1, GLP_LO, GLP_UP, GLP_DB, GLP_FX, GLP_DUALP = 2, GLP_SF_AUTO = 0x80 };

struct glpk {
    void *(*create_prob)(void);
    void (*delete_prob)(void *);
    int (*add_rows)(void *, int), (*add_cols)(void *, int);
    void (*set_row_bnds)(void *, int, int, double, double);
    void (*set_col_bnds)(void *, int, int, double, double);
    void (*set_obj_coef)(void *, int, double);
    void (*load_matrix)(void *, int, const int *, const int *, const double *);
    void (*scale_prob)(void *, int);
    int (*init_smcp)(void *), (*simplex)(void *, const void *), (*term_out)(int);
    double (*get_obj_val)(void *);
    const char *(*version)(void);
};

static bool find_glpk(struct glpk *g)
{
    void *lib = dlopen("libglpk.so.40", RTLD_NOW);
    const struct {
        const char *name;
        void *to;
    } functions[] = {{"glp_create_prob", &g->create_prob},   {"glp_delete_prob", &g->delete_prob},
                     {"glp_add_rows", &g->add_rows},         {"glp_add_cols", &g->add_cols},
                     {"glp_set_row_bnds", &g->set_row_bnds}, {"glp_set_col_bnds", &g->set_col_bnds},
                     {"glp_set_obj_coef", &g->set_obj_coef}, {"glp_load_matrix", &g->load_matrix},
                     {"glp_scale_prob", &g->scale_prob},     {"glp_init_smcp", &g->init_smcp},
                     {"glp_simplex", &g->simplex},           {"glp_term_out", &g->term_out},
                     {"glp_get_obj_val", &g->get_obj_val},   {"glp_version", &g->version}};

    if (lib == NULL)
        return false;
    for (size_t i = 0; i < FL_LEN(functions); i++) {
        void *found = dlsym(lib, functions[i].name);

        if (found == NULL)
            return false;
        memcpy(functions[i].to, &found, sizeof found);
    }
    return true;
}

/* The recovery program in units, as exposure.h writes it. Rows: parts, sites, products; columns:
 * sources, made and lost of products; all from 1. */
struct peer {
    const struct glpk *g;
    const struct fl_net *net;
    void *problem;
    int *row, *column, terms;
    double *term;
    struct { /* the beginning of glp_smcp of GLPK 4.65 and 5.0 */
        int msg_lev, meth, pricing, r_test;
        double tolerances[5];
        int limits[4], presolve;
        double rest[64];
    } options;
};

static void put(struct peer *p, uint32_t row, uint32_t column, double term)
{
    p->terms++;
    p->row[p->terms] = (int)row + 1;
    p->column[p->terms] = (int)column + 1;
    p->term[p->terms] = term;
}

static void peer_matrix(struct peer *p)
{
    const struct fl_net *net = p->net;
    uint32_t sources = net->source_count, products = net->product_count;

    for (uint32_t i = 0; i < sources; i++) {
        put(p, net->sources[i].part, i, -1);
        put(p, net->part_count + net->sources[i].site, i, 1);
    }
    for (uint32_t k = 0; k < net->use_count; k++) {
        const struct fl_net_use *use = &net->uses[k];
        const struct fl_net_index *of = &net->sources_of_part;

        if (fl_net_is_product(net, use->parent)) {
            put(p, use->part, sources + use->parent - net->part_count, use->quantity);
            continue;
        }
        for (uint32_t i = of->start[use->parent]; i < of->start[use->parent + 1]; i++)
            put(p, use->part, of->list[i], use->quantity);
    }
    for (uint32_t v = 0; v < products; v++) {
        put(p, net->part_count + net->site_count + v, sources + v, 1);
        put(p, net->part_count + net->site_count + v, sources + products + v, 1);
    }
}

static void peer_time(struct peer *p, double t)
{
    const struct fl_net *net = p->net;

    for (uint32_t a = 0; a < net->site_count; a++)
        p->g->set_row_bnds(p->problem, (int)(net->part_count + a) + 1, GLP_UP, 0,
                           net->sites[a].capacity_per_day * t);
    for (uint32_t v = 0; v < net->product_count; v++)
        p->g->set_row_bnds(p->problem, (int)(net->part_count + net->site_count + v) + 1, GLP_LO,
                           net->products[v].demand_per_day * t - net->products[v].stock_units, 0);
}

static void peer_begin(struct peer *p)
{
    const struct fl_net *net = p->net;
    uint32_t columns = net->source_count + 2 * net->product_count;
    size_t most = 2 * (size_t)net->source_count + 3 * (size_t)net->use_count +
                  2 * (size_t)net->product_count + 1;

    p->problem = p->g->create_prob();
    p->row = calloc(most, sizeof *p->row);
    p->column = calloc(most, sizeof *p->column);
    p->term = calloc(most, sizeof *p->term);
    if (p->row == NULL || p->column == NULL || p->term == NULL)
        exit(1);
    (void)p->g->add_rows(p->problem, (int)(net->part_count + net->site_count + net->product_count));
    (void)p->g->add_cols(p->problem, (int)columns);
    for (uint32_t k = 0; k < net->part_count; k++)
        p->g->set_row_bnds(p->problem, (int)k + 1, GLP_UP, 0, net->parts[k].stock_units);
    for (uint32_t i = 0; i < columns; i++)
        p->g->set_col_bnds(p->problem, (int)i + 1, GLP_LO, 0, 0);
    for (uint32_t v = 0; v < net->product_count; v++)
        p->g->set_obj_coef(p->problem, (int)(net->source_count + net->product_count + v) + 1,
                           net->products[v].profit_per_unit);
    peer_matrix(p);
    p->g->load_matrix(p->problem, p->terms, p->row, p->column, p->term);
    p->g->scale_prob(p->problem, GLP_SF_AUTO);
    (void)p->g->init_smcp(&p->options);
    p->options.msg_lev = 0;
    p->options.meth = GLP_DUALP;
    p->options.presolve = 1;
}

/* Nodes whose site has another that takes over are left out: the program there is another one. */
static double peer_all(struct run *run, const struct glpk *g)
{
    struct peer p = {.g = g, .net = run->net};
    uint32_t asked = 0, apart = 0;
    double start, used;

    (void)g->term_out(0);
    peer_begin(&p);
    start = cpu_s();
    for (uint32_t k = 0; asked < PEER && k < run->count; k++) {
        uint32_t node = (uint32_t)((uint64_t)k * 997 % run->count);
        const struct fl_net_site *site = &run->net->sites[run->net->sources[node].site];

        if (site->alternate != FL_NET_NONE)
            continue;
        g->set_col_bnds(p.problem, (int)node + 1, GLP_FX, 0, 0);
        peer_time(&p, site->ttr_days);
        (void)g->simplex(p.problem, &p.options);
        apart += !same(g->get_obj_val(p.problem), run->all[node].loss.lost_profit);
        g->set_col_bnds(p.problem, (int)node + 1, GLP_LO, 0, 0);
        asked++;
    }
    used = cpu_s() - start;
    g->delete_prob(p.problem);
    free(p.row);
    free(p.column);
    free(p.term);
    fprintf(stderr, "GLPK %s: %u recovery programs in %.3f s, %u with another loss\n", g->version(),
            asked, used, apart);
    if (apart > 0)
        exit(1);
    return used / asked * run->count;
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {500, 1000, 2000, 4000, 8000};
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    struct glpk g;
    struct run run;
    char name[100], peer[80] = "";
    double used;

    begin(&run, NODES, ARCS, seed);
    if (find_glpk(&g))
        (void)snprintf(peer, sizeof peer,
                       "\"peer\":\"GLPK %s, recovery only\",\"peer_value\":%.6g,", g.version(),
                       peer_all(&run, &g));
    else
        fprintf(stderr, "GLPK (libglpk.so.40) was not found: no figure of it\n");
    (void)printf("{\"name\":\"exposure of all of 2,000 nodes, 5,400 arcs\",\"value\":%.6g,"
                 "\"unit\":\"CPU s\",\"cpu_s\":%.6g,\"rss_bytes\":%ld,%s\"better\":\"less\"}\n",
                 run.cpu, run.cpu, rss_bytes(), peer);
    used = plain(&run);
    figure("the plain program, one node of these", used / PLAIN, "CPU s", used);
    end(&run);
    for (size_t i = 0; i < FL_LEN(sizes); i++) {
        begin(&run, sizes[i], sizes[i] * 27 / 10, seed);
        (void)snprintf(name, sizeof name, "growth: exposure of all of %u nodes", sizes[i]);
        figure(name, run.cpu, "CPU s", run.cpu);
        end(&run);
    }
    return 0;
}
