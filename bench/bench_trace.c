/*
 * bench-trace [SITES [LINKS [ROUNDS]]]: one earthquake against a network of that size, from the
 * event to products ranked by revenue at stake, on one core. bench-trace dump FOLDER [SITES
 * [LINKS]]: the same network as TSV for other programs, and the event. NDJSON on standard output;
 * the median of ROUNDS, each with another epicentre.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "supply/geo_index.h"
#include "supply/trace.h"

#define DAY       20454 /* 2026-01-01 */
#define LINKS_PER 5u    /* sources of a part */
#define MAGNITUDE 7.2

/* Where factories are: a few hundred places, the larger the more sites. */
#define PLACES 300u

struct plan {
    uint32_t sites, parts, products;
    struct fl_event_point place[PLACES];
    uint64_t state;
};

static uint32_t draw(struct plan *p, uint32_t below)
{
    p->state = p->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((p->state >> 33) % below);
}

static double within(struct plan *p, double low, double high)
{
    return low + (high - low) * draw(p, 1000003) / 1000003;
}

static void make_plan(struct plan *p, uint32_t sites, uint32_t links)
{
    static const double box[4][4] = {/* East Asia, South-East Asia, Europe, North America */
                                     {22, 40, 105, 141},
                                     {1, 20, 99, 121},
                                     {41, 58, -5, 27},
                                     {26, 46, -122, -72}};

    *p = (struct plan){.sites = sites, .parts = links / LINKS_PER, .state = 42};
    p->products = p->parts / 100 + 1;
    for (uint32_t i = 0; i < PLACES; i++) {
        const double *b = box[draw(p, 10) < 6 ? 0 : 1 + draw(p, 3)];

        p->place[i] = (struct fl_event_point){within(p, b[0], b[1]), within(p, b[2], b[3])};
    }
}

/* Rows go to a sink: the builder, or the files of dump. */
struct sink {
    struct fl_net_builder *builder;
    FILE *sites, *links;
    struct fl_err err;
};

static void row(struct sink *s, enum fl_supply_table table, unsigned count,
                const char *const *cells)
{
    struct fl_supply_row r = {.table = table};

    for (unsigned i = 0; i < count; i++)
        r.cell[i] = fl_span_str(cells[i] == NULL ? "" : cells[i]);
    if (s->builder != NULL && fl_net_put(s->builder, &r, &s->err) < 0) {
        (void)fprintf(stderr, "bench-trace: %s\n", s->err.text);
        exit(1);
    }
}

static void put_sites(struct plan *p, struct sink *s)
{
    char id[16], lat[24], lon[24];

    for (uint32_t i = 0; i < p->sites; i++) {
        uint32_t at = draw(p, PLACES);
        const struct fl_event_point *place = &p->place[draw(p, at + 1)]; /* the first are larger */

        (void)snprintf(id, sizeof id, "s%u", i);
        (void)snprintf(lat, sizeof lat, "%.5f", place->lat + within(p, -0.6, 0.6));
        (void)snprintf(lon, sizeof lon, "%.5f", place->lon + within(p, -0.6, 0.6));
        row(s, FL_SUPPLY_SITES, FL_SITE_TTR + 1,
            (const char *[]){id, "", id, lat, lon, "CN", "", "30"});
        if (s->sites != NULL)
            (void)fprintf(s->sites, "%s\t%s\t%s\n", id, lat, lon);
    }
}

static void link_to(struct sink *s, const char *from, const char *to)
{
    if (s->links != NULL)
        (void)fprintf(s->links, "%s\t%s\n", from, to);
}

static void put_parts(struct plan *p, struct sink *s)
{
    char id[16], site[16], part[16];

    for (uint32_t i = 0; i < p->parts; i++) {
        uint32_t first = draw(p, p->sites), step = 1 + draw(p, p->sites / 8 + 1);

        (void)snprintf(id, sizeof id, "t%u", i);
        row(s, FL_SUPPLY_PARTS, 2, (const char *[]){id, id});
        for (uint32_t k = 0; k < LINKS_PER; k++) {
            (void)snprintf(site, sizeof site, "s%u",
                           (uint32_t)((first + (uint64_t)k * step) % p->sites));
            row(s, FL_SUPPLY_PART_SITES, 4, (const char *[]){id, site, "0.2", "yes"});
            link_to(s, site, id);
        }
        /* One part in five is put together from four of lower numbers. */
        for (uint32_t k = 0; i >= 1000 && i % 5 == 0 && k < 4; k++) {
            (void)snprintf(part, sizeof part, "t%u", i / 4 * k + draw(p, i / 4));
            row(s, FL_SUPPLY_BOM, 3, (const char *[]){id, part, "1"});
            link_to(s, part, id);
        }
    }
}

static void put_products(struct plan *p, struct sink *s)
{
    char id[16], part[16], demand[16];

    for (uint32_t i = 0; i < p->products; i++) {
        uint32_t lines = 60, each = p->parts / lines;

        (void)snprintf(id, sizeof id, "p%u", i);
        (void)snprintf(demand, sizeof demand, "%u", 1 + draw(p, 500));
        row(s, FL_SUPPLY_PRODUCTS, FL_PRODUCT_CURRENCY + 1,
            (const char *[]){id, id, "", demand, "20", "100", "", "EUR"});
        link_to(s, demand, id); /* read as the revenue of a product: it begins with a digit */
        for (uint32_t k = 0; each > 0 && k < lines; k++) {
            (void)snprintf(part, sizeof part, "t%u", k * each + draw(p, each));
            row(s, FL_SUPPLY_BOM, 3, (const char *[]){id, part, "1"});
            link_to(s, part, id);
        }
    }
}

static void put_all(struct plan *p, struct sink *s)
{
    put_sites(p, s);
    put_parts(p, s);
    put_products(p, s);
}

static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct answer {
    double whole_ms, hazard_ms;
    uint32_t hits, sources, products;
};

static int ask(const struct fl_net *net, const struct fl_geo_index *index, struct fl_trace *trace,
               struct fl_event_point at, struct fl_arena *arena, struct answer *ret,
               struct fl_err *err)
{
    static struct fl_world_event event;
    struct fl_trace_result result;
    struct fl_hits hits;
    double begin, middle;
    int r;

    fl_world_event_init(&event);
    event.lat = at.lat;
    event.lon = at.lon;
    event.magnitude = MAGNITUDE;
    event.depth_km = 12;
    fl_arena_clear(arena);
    begin = cpu_ms();
    r = fl_hazard(&event, net, index, NULL, 0, 0.05, arena, &hits, err);
    middle = cpu_ms();
    if (r == FL_OK)
        r = fl_trace_run(trace, &hits, arena, &result, err);
    if (r == FL_OK)
        *ret = (struct answer){cpu_ms() - begin, middle - begin, hits.count, result.source_count,
                               result.product_count};
    return r;
}

static void print(const struct plan *p, uint32_t links, const double *ms, unsigned long rounds,
                  const struct answer *worst, const struct answer *most)
{
    printf(
        "{\"name\":\"trace_%u_sites_%u_links\",\"value\":%.3f,\"unit\":\"CPU ms\",\"cpu_s\":%.6f,"
        "\"better\":\"less\",\"worst_ms\":%.3f,\"worst_hazard_ms\":%.3f,\"most_sites\":%u,"
        "\"most_links\":%u,\"most_products\":%u}\n",
        p->sites, links, ms[rounds / 2], ms[rounds / 2] / 1e3, worst->whole_ms, worst->hazard_ms,
        most->hits, most->sources, most->products);
}

static int measure(struct plan *p, uint32_t links, unsigned long rounds, struct fl_err *err)
{
    struct sink s = {.builder = NULL};
    struct fl_net *net = NULL;
    struct fl_geo_index *index = NULL;
    struct fl_trace *trace = NULL;
    struct fl_arena arena;
    struct answer one, worst = {0, 0, 0, 0, 0}, most = {0, 0, 0, 0, 0};
    double *ms = calloc(rounds, sizeof *ms);
    int r = fl_net_builder_new((size_t)8 << 30, "EUR", &s.builder, err);

    fl_arena_init(&arena, (size_t)256 << 20);
    if (ms == NULL || r < 0)
        return -1;
    put_all(p, &s);
    r = fl_net_build(s.builder, &net, err);
    if (r == FL_OK)
        r = fl_geo_index_new(net, &index, err);
    if (r == FL_OK)
        r = fl_trace_new(net, DAY, &trace, err);
    for (unsigned long i = 0; r == FL_OK && i < rounds; i++) { /* the end of the program frees */
        r = ask(net, index, trace, p->place[i % PLACES], &arena, &one, err);
        ms[i] = one.whole_ms;
        worst = one.whole_ms > worst.whole_ms ? one : worst;
        most.hits = one.hits > most.hits ? one.hits : most.hits;
        most.sources = one.sources > most.sources ? one.sources : most.sources;
        most.products = one.products > most.products ? one.products : most.products;
    }
    if (r < 0)
        return r;
    qsort(ms, rounds, sizeof *ms, rising);
    print(p, links, ms, rounds, &worst, &most);
    return FL_OK;
}

static int dump(struct plan *p, const char *folder)
{
    char path[2][1024];
    struct sink s = {.builder = NULL};

    (void)snprintf(path[0], sizeof path[0], "%s/sites.tsv", folder);
    (void)snprintf(path[1], sizeof path[1], "%s/links.tsv", folder);
    s.sites = fopen(path[0], "we");
    s.links = fopen(path[1], "we");
    if (s.sites == NULL || s.links == NULL)
        return 1;
    put_all(p, &s);
    for (uint32_t i = 0; i < PLACES; i++)
        printf("%.6f\t%.6f\t%.1f\n", p->place[i].lat, p->place[i].lon, MAGNITUDE);
    return fclose(s.sites) != 0 || fclose(s.links) != 0;
}

int main(int argc, char **argv)
{
    int dumps = argc > 2 && strcmp(argv[1], "dump") == 0 ? 2 : 0;
    unsigned long sites = argc > 1 + dumps ? strtoul(argv[1 + dumps], NULL, 10) : 100000;
    unsigned long links = argc > 2 + dumps ? strtoul(argv[2 + dumps], NULL, 10) : 1000000;
    unsigned long rounds = argc > 3 + dumps ? strtoul(argv[3 + dumps], NULL, 10) : 300;
    struct fl_err err = {.code = 0};
    struct plan plan;

    if (sites < 100 || sites > 10000000 || links < 5000 || links > 100000000 || rounds == 0)
        return 2;
    make_plan(&plan, (uint32_t)sites, (uint32_t)links);
    if (dumps)
        return dump(&plan, argv[2]);
    if (measure(&plan, (uint32_t)links, rounds, &err) < 0) {
        (void)fprintf(stderr, "bench-trace: %s\n", err.text);
        return 1;
    }
    return 0;
}
