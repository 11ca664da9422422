#include "supply/import_net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum state { NOT_MAPPED, INFERRED, CONFIRMED };

struct check {
    const struct fl_net *net;
    int32_t today;
    struct fl_findings *findings;
    unsigned char *state; /* enum state of each part */
    uint32_t *seen;       /* item was seen for product number + 1 */
    uint32_t *stack;
    double *worth; /* of each product */
};

static void warn(const struct check *c, const char *kind, const char *file, const char *column,
                 const char *value, const char *text)
{
    const struct fl_finding item = {.warning = true,
                                    .kind = kind,
                                    .file = file,
                                    .column = column,
                                    .value = value,
                                    .text = text,
                                    .fix = ""};

    if (c->findings != NULL)
        fl_findings_add(c->findings, &item);
}

static bool is_stale(const struct check *c, int32_t day)
{
    return day == INT32_MIN || day < c->today - FL_STALE_DAYS;
}

static enum state state_of(const struct check *c, uint32_t part)
{
    const struct fl_net *net = c->net;
    const struct fl_net_index *of = &net->sources_of_part;
    enum state best = NOT_MAPPED;

    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++) {
        const struct fl_net_source *s = &net->sources[of->list[i]];
        bool named = strcmp(s->origin, "inferred") != 0 && strcmp(s->origin, "public") != 0;

        if (named && !is_stale(c, s->verified_day))
            return CONFIRMED;
        best = INFERRED;
    }
    return best;
}

static bool is_bought(const struct fl_net *net, uint32_t item)
{
    return net->uses_of_parent.start[item] == net->uses_of_parent.start[item + 1];
}

static void check_parts(const struct check *c, struct fl_net_mapped *ret)
{
    const struct fl_net *net = c->net;
    char text[200];

    for (uint32_t p = 0; p < net->part_count; p++) {
        c->state[p] = (unsigned char)state_of(c, p);
        if (!is_bought(net, p))
            continue;
        ret->parts++;
        if (c->state[p] != NOT_MAPPED) {
            ret->mapped++;
            continue;
        }
        (void)snprintf(text, sizeof text,
                       "nobody is known to make part %s: add a row of part_sites",
                       net->parts[p].id);
        warn(c, "unmapped", "parts", "part_id", net->parts[p].id, text);
    }
}

static void check_shares(const struct check *c)
{
    const struct fl_net *net = c->net;
    const struct fl_net_index *of = &net->sources_of_part;
    char text[200], value[32];

    for (uint32_t p = 0; p < net->part_count; p++) {
        double sum = 0;

        for (uint32_t i = of->start[p]; i < of->start[p + 1]; i++)
            sum += isnan(net->sources[of->list[i]].share) ? 0 : net->sources[of->list[i]].share;
        if (sum <= 1.0005)
            continue;
        (void)snprintf(value, sizeof value, "%g", sum);
        (void)snprintf(text, sizeof text,
                       "the shares of part %s sum to %g; together they are at most 1",
                       net->parts[p].id, sum);
        warn(c, "share", "part_sites", "share", value, text);
    }
}

static void check_stale(const struct check *c, struct fl_net_mapped *ret)
{
    const struct fl_net *net = c->net;
    char text[240], key[2 * FL_SUPPLY_ID_MAX + 2];

    for (uint32_t i = 0; i < net->source_count; i++) {
        const struct fl_net_source *s = &net->sources[i];

        if (!is_stale(c, s->verified_day))
            continue;
        ret->stale++;
        (void)snprintf(key, sizeof key, "%s@%s", net->parts[s->part].id, net->sites[s->site].id);
        (void)snprintf(text, sizeof text,
                       s->verified_day == INT32_MIN
                           ? "%s was never confirmed; ask the supplier"
                           : "%s was confirmed more than 90 days ago; ask the supplier again",
                       key);
        warn(c, "stale", "part_sites", "verified_on", key, text);
    }
}

/* ---- revenue ---- */

/* Of each product, in the base currency; true: one of them is above 0. */
static bool worths(const struct fl_net *net, double *worth)
{
    bool any = false;
    double amount;

    for (uint32_t i = 0; i < net->revenue_count; i++) {
        const struct fl_net_revenue *row = &net->revenue[i];

        if (fl_net_convert(net, row->amount, row->currency, row->from_day, &amount, NULL) == FL_OK)
            worth[row->product] += amount;
    }
    for (uint32_t i = 0; i < net->product_count; i++) {
        const struct fl_net_product *p = &net->products[i];

        if (worth[i] <= 0 && fl_net_convert(net, p->demand_per_day * p->revenue_per_unit,
                                            p->currency, INT32_MAX, &amount, NULL) == FL_OK)
            worth[i] = amount;
        worth[i] = worth[i] > 0 ? worth[i] : 0;
        any = any || worth[i] > 0;
    }
    return any;
}

/* Bought parts of one product, each once, by their state. */
static void count_parts(const struct check *c, uint32_t product, uint32_t count[3])
{
    const struct fl_net *net = c->net;
    uint32_t top = 0, item = fl_net_item_of_product(net, product);

    c->stack[top++] = item;
    c->seen[item] = product + 1;
    while (top > 0) {
        item = c->stack[--top];
        if (is_bought(net, item)) {
            count[fl_net_is_product(net, item) ? NOT_MAPPED : c->state[item]]++;
            continue;
        }
        for (uint32_t i = net->uses_of_parent.start[item]; i < net->uses_of_parent.start[item + 1];
             i++) {
            uint32_t part = net->uses[net->uses_of_parent.list[i]].part;

            if (c->seen[part] == product + 1)
                continue;
            c->seen[part] = product + 1;
            c->stack[top++] = part;
        }
    }
}

static void check_revenue(const struct check *c, struct fl_net_mapped *ret)
{
    const struct fl_net *net = c->net;
    double sum[3] = {0}, all = 0;
    bool any = worths(net, c->worth);

    for (uint32_t p = 0; p < net->product_count; p++) {
        double weight = any ? c->worth[p] : 1;
        uint32_t count[3] = {0}, parts;

        count_parts(c, p, count);
        parts = count[0] + count[1] + count[2];
        for (int k = 0; k < 3; k++)
            sum[k] += weight * count[k] / (parts == 0 ? 1 : parts);
        all += weight;
    }
    if (all <= 0)
        return;
    ret->none = sum[NOT_MAPPED] / all;
    ret->inferred = sum[INFERRED] / all;
    ret->confirmed = sum[CONFIRMED] / all;
}

int fl_net_check(const struct fl_net *net, int32_t today, struct fl_findings *findings,
                 struct fl_net_mapped *ret, struct fl_err *err)
{
    uint32_t items = fl_net_item_count(net) + 1;
    struct check c = {.net = net,
                      .today = today,
                      .findings = findings,
                      .state = calloc(items, 1),
                      .seen = calloc(items, sizeof(uint32_t)),
                      .stack = calloc(items, sizeof(uint32_t)),
                      .worth = calloc(items, sizeof(double))};
    struct fl_net_mapped mapped = {0};
    int r = FL_OK;

    if (c.state == NULL || c.seen == NULL || c.stack == NULL || c.worth == NULL) {
        r = fl_err_set(err, FL_E_NOMEM, "no memory to check a network");
    } else {
        check_parts(&c, &mapped);
        check_shares(&c);
        check_stale(&c, &mapped);
        check_revenue(&c, &mapped);
        *ret = mapped;
    }
    free(c.state);
    free(c.seen);
    free(c.stack);
    free(c.worth);
    return r;
}
