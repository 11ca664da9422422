/* net_lines.h - networks for tests: from lines of cells apart by '|', and random ones by a seed. */
#ifndef FL_TESTS_NET_LINES_H
#define FL_TESTS_NET_LINES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supply/net.h"

struct net_line {
    enum fl_supply_table table;
    const char *cells;
};

static inline void net_put(struct fl_net_builder *b, enum fl_supply_table table, const char *cells)
{
    struct fl_supply_row row = {.table = table};
    const char *at = cells;
    struct fl_err err;

    for (unsigned i = 0; at != NULL && i < fl_supply_schemas[table].count; i++) {
        size_t len = strcspn(at, "|");

        row.cell[i] = fl_span_of(at, len);
        at = at[len] == '|' ? at + len + 1 : NULL;
    }
    if (fl_net_put(b, &row, &err) < 0) {
        printf("# %s\n", err.text);
        abort();
    }
}

static inline struct fl_net *net_end(struct fl_net_builder *b)
{
    struct fl_net *net = NULL;
    struct fl_err err;

    if (fl_net_build(b, &net, &err) < 0) {
        printf("# %s\n", err.text);
        abort();
    }
    return net;
}

static inline struct fl_net_builder *net_begin(void)
{
    struct fl_net_builder *b = NULL;
    struct fl_err err;

    if (fl_net_builder_new((size_t)64 << 20, "EUR", &b, &err) < 0)
        abort();
    return b;
}

static inline struct fl_net *net_of(const struct net_line *lines, size_t count)
{
    struct fl_net_builder *b = net_begin();

    for (size_t i = 0; i < count; i++)
        net_put(b, lines[i].table, lines[i].cells);
    return net_end(b);
}

static inline uint64_t net_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static inline unsigned net_below(uint64_t *state, unsigned n)
{
    return (unsigned)(net_random(state) % n);
}

/* Two layers of parts over a few sites: shared parts, limits, alternates, sources that start. */
static inline struct fl_net *net_by_chance(uint64_t seed)
{
    uint64_t s = seed;
    unsigned sites = 3 + net_below(&s, 5), parts = 4 + net_below(&s, 8);
    unsigned products = 1 + net_below(&s, 4), boards = 1 + net_below(&s, parts / 2);
    struct fl_net_builder *b = net_begin();
    char text[200];

    for (unsigned i = 0; i < sites; i++) {
        char capacity[16] = "", alternate[24] = "|";

        if (net_below(&s, 3) == 0)
            snprintf(capacity, sizeof capacity, "%u", 20 + net_below(&s, 400));
        if (net_below(&s, 4) == 0 && i > 0)
            snprintf(alternate, sizeof alternate, "f%u|%u", net_below(&s, i), net_below(&s, 30));
        snprintf(text, sizeof text, "f%u||Plant %u|||||%u|%s|%s", i, i, 5 + net_below(&s, 60),
                 capacity, alternate);
        net_put(b, FL_SUPPLY_SITES, text);
    }
    for (unsigned i = 0; i < parts; i++) {
        unsigned first = net_below(&s, sites);

        snprintf(text, sizeof text, "p%u|Part %u||%u|%u", i, i, net_below(&s, 1500),
                 net_below(&s, 20));
        net_put(b, FL_SUPPLY_PARTS, text);
        snprintf(text, sizeof text, "p%u|f%u||yes", i, first);
        net_put(b, FL_SUPPLY_PART_SITES, text);
        if (net_below(&s, 2) == 0) {
            snprintf(text, sizeof text, "p%u|f%u|%s|%s|||%u", i, (first + 1) % sites,
                     net_below(&s, 2) == 0 ? "0" : "0.4", net_below(&s, 5) == 0 ? "no" : "yes",
                     net_below(&s, 25));
            net_put(b, FL_SUPPLY_PART_SITES, text);
        }
    }
    for (unsigned i = 0; i < products; i++) {
        snprintf(text, sizeof text, "r%u|Product %u||%u|%u|%u|%u|EUR", i, i, 1 + net_below(&s, 20),
                 10 + net_below(&s, 300), 1000, net_below(&s, 100));
        net_put(b, FL_SUPPLY_PRODUCTS, text);
        for (unsigned k = 0; k < boards; k++)
            if (k == i % boards || net_below(&s, 3) == 0) {
                snprintf(text, sizeof text, "r%u|p%u|%u", i, k, 1 + net_below(&s, 2));
                net_put(b, FL_SUPPLY_BOM, text);
            }
    }
    for (unsigned k = 0; k < boards; k++)
        for (unsigned i = boards; i < parts; i++)
            if (net_below(&s, 2) == 0) {
                snprintf(text, sizeof text, "p%u|p%u|%u", k, i, 1 + net_below(&s, 4));
                net_put(b, FL_SUPPLY_BOM, text);
            }
    return net_end(b);
}

#endif
