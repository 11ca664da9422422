/* net_text.h - networks for tests, written as lines: "sites|a||Site A|||||30|100". */
#ifndef FL_TESTS_NET_TEXT_H
#define FL_TESTS_NET_TEXT_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "supply/net.h"

struct net_text {
    struct fl_net_builder *b;
    struct fl_err err;
    int failed;
};

static inline struct net_text net_text_new(void)
{
    struct net_text t = {0};

    t.failed = fl_net_builder_new((size_t)256 << 20, "EUR", &t.b, &t.err);
    return t;
}

/* The table's name, then its cells, apart by '|'. */
static inline FL_PRINTF(2, 3) void net_text_add(struct net_text *t, const char *fmt, ...)
{
    char text[512], *at = text, *end;
    struct fl_supply_row row = {0};
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    end = at + strcspn(at, "|");
    row.table = (enum fl_supply_table)fl_supply_table_find(fl_span_of(at, (size_t)(end - at)));
    for (unsigned i = 0; *end == '|' && i < fl_supply_schemas[row.table].count; i++) {
        at = end + 1;
        end = at + strcspn(at, "|");
        row.cell[i] = fl_span_of(at, (size_t)(end - at));
    }
    if (t->failed == 0)
        t->failed = fl_net_put(t->b, &row, &t->err);
}

static inline struct fl_net *net_text_done(struct net_text *t)
{
    struct fl_net *net = NULL;

    if (t->failed == 0)
        t->failed = fl_net_build(t->b, &net, &t->err);
    else
        fl_net_builder_free(t->b);
    if (t->failed < 0) {
        printf("# the network was refused: %s\n", t->err.text);
        exit(1);
    }
    return net;
}

/* A small generator of numbers, so that a seed gives the same network everywhere. */
static inline uint32_t net_dice(uint64_t *state, uint32_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

#endif
