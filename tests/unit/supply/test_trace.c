/* From hit sites to products: worked by hand, and against the plain way on networks made at
 * random. */
#include <math.h>
#include <stdlib.h>

#include "base/attr.h"
#include "supply/trace.h"
#include "tap.h"

#define DAY 20454 /* 2026-01-01 */

static void put(struct fl_net_builder *b, enum fl_supply_table table, const char *cells)
{
    struct fl_supply_row row = {.table = table};
    const char *at = cells;
    struct fl_err err = {0};

    for (unsigned i = 0; at != NULL && i < fl_supply_schemas[table].count; i++) {
        size_t len = strcspn(at, "|");

        row.cell[i] = fl_span_of(at, len);
        at = at[len] == '|' ? at + len + 1 : NULL;
    }
    if (fl_net_put(b, &row, &err) < 0) {
        printf("# %s: %s\n", cells, err.text);
        exit(1);
    }
}

static struct fl_net *build(struct fl_net_builder *b)
{
    struct fl_net *net = NULL;
    struct fl_err err = {0};

    if (fl_net_build(b, &net, &err) < 0) {
        printf("# %s\n", err.text);
        exit(1);
    }
    return net;
}

static struct fl_net_builder *start(void)
{
    struct fl_net_builder *b = NULL;

    if (fl_net_builder_new((size_t)64 << 20, "EUR", &b, NULL) < 0)
        exit(1);
    return b;
}

static const struct {
    enum fl_supply_table table;
    const char *cells;
} router[] = {
    {FL_SUPPLY_SUPPLIERS, "s1|Maker|JP|2|||"},
    {FL_SUPPLY_SUPPLIERS, "s2|Broker|DE|1|distributor||"},
    {FL_SUPPLY_SITES, "a|s1|A|1|1|JP||10"},
    {FL_SUPPLY_SITES, "b|s1|B|2|2|JP||10"},
    {FL_SUPPLY_SITES, "c|s2|C|3|3|DE||10"},
    {FL_SUPPLY_PARTS, "chip|Chip"},
    {FL_SUPPLY_PARTS, "board|Board"},
    {FL_SUPPLY_PARTS, "case|Case"},
    {FL_SUPPLY_PART_SITES, "chip|a|0.6|yes|"},
    {FL_SUPPLY_PART_SITES, "chip|b|0.4|yes|"},
    {FL_SUPPLY_PART_SITES, "board|b||yes|"},
    {FL_SUPPLY_PART_SITES, "case|a||yes|"},
    {FL_SUPPLY_PART_SITES, "case|c||yes|"},
    {FL_SUPPLY_PRODUCTS, "p1|One||10|1|100||EUR"},
    {FL_SUPPLY_PRODUCTS, "p2|Two||2|1|300||USD"},
    {FL_SUPPLY_PRODUCTS, "p3|Three||1|1|1||EUR"},
    {FL_SUPPLY_BOM, "board|chip|4"},
    {FL_SUPPLY_BOM, "p1|board|1"},
    {FL_SUPPLY_BOM, "p2|board|1"},
    {FL_SUPPLY_BOM, "p2|case|1"},
    {FL_SUPPLY_REVENUE, "p1|2026|x|73000|EUR"},
    {FL_SUPPLY_REVENUE, "p1|2026-Q1|y|36500|EUR"},
    {FL_SUPPLY_REVENUE, "p1|2020|z|99999|EUR"},
    {FL_SUPPLY_RATES, "USD|2026-01-01|0.5"},
};

static struct fl_hit hit_at(uint32_t site, double p, double days)
{
    return (struct fl_hit){.site = site,
                           .probability = p,
                           .down_share = 1,
                           .down_days = {days / 2, days, days * 2},
                           .band = "short"};
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fmax(1, fabs(b)); /* weights are single precision */
}

static void test_by_hand(void)
{
    struct fl_net_builder *b = start();
    FL_AUTO(fl_trace_freep) struct fl_trace *trace = NULL;
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_trace_result r;
    struct fl_net *net;
    struct fl_hit hits[2];
    struct fl_hits one = {hits, 1}, two = {hits, 2};
    uint32_t chip, p1, p2;

    fl_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < FL_LEN(router); i++)
        put(b, router[i].table, router[i].cells);
    net = build(b);
    chip = fl_net_item_find(net, FL_SPAN("chip"));
    p1 = fl_net_item_find(net, FL_SPAN("p1")) - net->part_count;
    p2 = fl_net_item_find(net, FL_SPAN("p2")) - net->part_count;
    CHECK(fl_trace_new(net, DAY, &trace, NULL) == FL_OK, "a trace");
    CHECK(near(fl_trace_revenue(trace, p1), 300) && near(fl_trace_revenue(trace, p2), 300),
          "revenue of all rows within the year, else demand by price, at the rate");
    fl_trace_freep(&trace);
    CHECK(fl_trace_new(net, DAY + 181, &trace, NULL) == FL_OK &&
              near(fl_trace_revenue(trace, p1), 73000.0 * 184 / 365 / 365),
          "of rows that began before, the part behind that day");
    fl_trace_freep(&trace);
    CHECK(fl_trace_new(net, DAY, &trace, NULL) == FL_OK, "a trace from the first day on");
    hits[0] = hit_at(fl_net_site_find(net, FL_SPAN("a")), 0.5, 10);
    CHECK(fl_trace_run(trace, &one, &arena, &r, NULL) == FL_OK && r.part_count == 2 &&
              r.product_count == 2 && r.source_count == 2,
          "site a: two parts, two products, each once");
    CHECK(r.parts[0].part == chip && near(r.parts[0].lost_days, 0.6 * 0.5 * 10) &&
              !r.parts[0].sole && r.parts[0].sources == 2 && r.parts[0].sources_hit == 1,
          "six tenths of the chips");
    CHECK(near(r.parts[1].lost_days, 0.5 * 0.5 * 10) && r.parts[1].sole,
          "half of the cases; a broker is no second source");
    CHECK(near(r.products[0].lost_days, 3) && r.products[0].worst_part == chip &&
              near(r.products[0].at_stake, 900) && near(r.at_stake, 1800) &&
              near(r.gross_per_day, 600),
          "the worst part counts for a product");
    CHECK(r.products[0].product == p1 && !r.products[0].sole && r.products[1].product == p2 &&
              r.products[1].sole,
          "one part without another source is enough");
    hits[1] = hit_at(fl_net_site_find(net, FL_SPAN("b")), 1, 4);
    CHECK(fl_trace_run(trace, &two, &arena, &r, NULL) == FL_OK && r.part_count == 3 &&
              near(r.products[0].lost_days, 4.6) && r.products[0].sole,
          "both sites: chips 3 + 1.6 days, boards 4; nobody else makes them");
    CHECK(fl_trace_run(trace, &one, &arena, &r, NULL) == FL_OK && near(r.at_stake, 1800),
          "nothing stays of an event before");
    CHECK(fl_trace_run(trace, &(struct fl_hits){NULL, 0}, &arena, &r, NULL) == FL_OK &&
              r.product_count == 0,
          "no hit, no product");
    fl_net_unref(net);
}

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

enum { SITES = 40, PARTS = 120, PRODUCTS = 25 };

static struct fl_net *random_net(uint32_t *state)
{
    struct fl_net_builder *b = start();
    char cells[128];

    for (int i = 0; i < SITES; i++) {
        (void)snprintf(cells, sizeof cells, "s%d||S|1|1|JP||10", i);
        put(b, FL_SUPPLY_SITES, cells);
    }
    for (int i = 0; i < PARTS; i++) {
        uint32_t first = draw(state, SITES), n = 1 + draw(state, 4);

        (void)snprintf(cells, sizeof cells, "t%d|T", i);
        put(b, FL_SUPPLY_PARTS, cells);
        for (uint32_t k = 0; k < n; k++) {
            (void)snprintf(cells, sizeof cells, "t%d|s%u|%s|%s|", i, (first + k * 7) % SITES,
                           draw(state, 3) == 0   ? ""
                           : draw(state, 4) == 0 ? "0"
                                                 : "0.3",
                           draw(state, 6) == 0 ? "no" : "yes");
            put(b, FL_SUPPLY_PART_SITES, cells);
        }
    }
    for (int i = 0; i < PRODUCTS; i++) {
        (void)snprintf(cells, sizeof cells, "p%d|P||%u|1|7||EUR", i, 1 + draw(state, 50));
        put(b, FL_SUPPLY_PRODUCTS, cells);
    }
    for (int i = 0; i < PARTS + PRODUCTS; i++) {
        uint32_t step = 1 + draw(state, 9);

        /* A part is made of parts with lower numbers only. */
        for (uint32_t k = draw(state, 3); i > 0 && k < 3; k++) {
            uint32_t top = i < PARTS ? (uint32_t)i : PARTS;

            if (k * step >= top)
                continue;
            (void)snprintf(cells, sizeof cells, "%c%d|t%u|1", i < PARTS ? 't' : 'p',
                           i < PARTS ? i : i - PARTS, top - 1 - k * step);
            put(b, FL_SUPPLY_BOM, cells);
        }
    }
    return build(b);
}

/* The plain way: again over all lines until nothing changes. */
static void plain(const struct fl_net *net, const struct fl_hits *hits, double *lost, bool *above)
{
    bool changes = true;

    for (uint32_t p = 0; p < net->part_count; p++) {
        double known = 0, unknown = 0, sum = 0;

        lost[p] = 0;
        for (uint32_t i = 0; i < net->source_count; i++) {
            const struct fl_net_source *s = &net->sources[i];

            if (s->part != p || !s->used)
                continue;
            unknown += isnan(s->share);
            known += isnan(s->share) ? 0 : s->share;
        }
        for (uint32_t i = 0; i < net->source_count; i++) {
            const struct fl_net_source *s = &net->sources[i];
            double rest = unknown > 0 ? fmax(0, 1 - known) / unknown : 0;

            for (uint32_t h = 0; h < hits->count && s->part == p && s->used; h++) {
                if (hits->hits[h].site != s->site)
                    continue;
                above[p] = true;
                sum += (isnan(s->share) ? rest : s->share) / fmax(1e-9, known + rest * unknown) *
                       hits->hits[h].probability * hits->hits[h].down_days[1];
            }
        }
        lost[p] = sum;
    }
    while (changes) {
        changes = false;
        for (uint32_t i = 0; i < net->use_count; i++) {
            const struct fl_net_use *u = &net->uses[i];

            if (lost[u->part] > lost[u->parent] || (above[u->part] && !above[u->parent])) {
                lost[u->parent] = fmax(lost[u->part], lost[u->parent]);
                above[u->parent] = true;
                changes = true;
            }
        }
    }
}

static uint32_t qualified_outside(const struct fl_net *net, const struct fl_hits *hits,
                                  uint32_t part)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < net->source_count; i++) {
        const struct fl_net_source *s = &net->sources[i];
        bool hit = s->part != part || !s->qualified;

        for (uint32_t h = 0; h < hits->count; h++)
            hit = hit || hits->hits[h].site == s->site;
        n += !hit;
    }
    return n;
}

static bool same(const struct fl_net *net, const struct fl_hits *hits,
                 const struct fl_trace_result *r, const double *lost, const bool *above)
{
    uint32_t expected = 0;
    bool right = true;

    for (uint32_t i = 0; i < r->part_count; i++)
        right = right && r->parts[i].sole == (qualified_outside(net, hits, r->parts[i].part) == 0);
    for (uint32_t i = 0; i < net->product_count; i++)
        expected += above[net->part_count + i];
    for (uint32_t i = 0; i < r->product_count; i++) {
        const struct fl_trace_product *p = &r->products[i];

        right = right && near(p->lost_days, lost[net->part_count + p->product]) &&
                near(p->at_stake, p->lost_days * p->revenue_per_day) &&
                (i == 0 || p->at_stake <= r->products[i - 1].at_stake);
    }
    return right && expected == r->product_count;
}

static void test_random(void)
{
    uint32_t state = 11, right = 0, products = 0;

    for (int round = 0; round < 40; round++) {
        FL_AUTO(fl_trace_freep) struct fl_trace *trace = NULL;
        FL_AUTO(fl_arena_done) struct fl_arena arena;
        struct fl_net *net = random_net(&state);

        fl_arena_init(&arena, 1 << 20);
        if (fl_trace_new(net, DAY, &trace, NULL) < 0)
            continue;
        for (int again = 0; again < 3; again++) { /* what one event leaves behind meets the next */
            double lost[PARTS + PRODUCTS] = {0};
            bool above[PARTS + PRODUCTS] = {false};
            struct fl_hit list[6];
            struct fl_hits hits = {list, 1 + draw(&state, 6)};
            struct fl_trace_result r = {.product_count = 0};

            for (uint32_t i = 0; i < hits.count; i++)
                list[i] = hit_at((i * 5 + draw(&state, 5)) % SITES, (1 + draw(&state, 10)) / 10.0,
                                 1 + draw(&state, 60));
            plain(net, &hits, lost, above);
            if (fl_trace_run(trace, &hits, &arena, &r, NULL) == FL_OK)
                right += same(net, &hits, &r, lost, above);
            products += r.product_count;
        }
        fl_net_unref(net);
    }
    CHECK(right == 120 && products > 300, "40 networks: as if every line were looked at");
}

int main(void)
{
    test_by_hand();
    test_random();
    return tap_done();
}
