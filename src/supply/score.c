#include "supply/score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supply/revenue.h"
#include "supply/score_int.h"

enum { REVENUE_DAYS = 365 };

const char *const fl_score_kind_names[FL_SCORE_KINDS] = {"component", "product", "supplier",
                                                         "site"};
const char *const fl_score_stage_names[FL_STAGES] = {"concept", "design", "prototype", "production",
                                                     "end_of_life"};
const char fl_score_formula[] =
    "base = 100 (1 - product over the known factors k of (1 - w_k x_k)); low and high: with the "
    "missing factors at x = 0 and x = 1; no score where more than half of the weights is missing";
const char fl_score_stage_formula[] = "score = 100 (1 - (1 - base / 100) ^ stage_weight)";
const char fl_score_roll_formula[] =
    "score = the worst member; mean = sum of score * revenue a day that hangs on it / sum of "
    "revenue; each counts the same where no revenue is known";

const struct fl_score_rule fl_score_preset = {
    .weight = {[FL_FACTOR_SOURCING] = 0.35,
               [FL_FACTOR_GAP] = 0.40,
               [FL_FACTOR_HAZARD] = 0.25,
               [FL_FACTOR_LIFECYCLE] = 0.25,
               [FL_FACTOR_LEAD] = 0.15,
               [FL_FACTOR_SUPPLIER] = 0.10,
               [FL_FACTOR_COUNTRY] = 0.10,
               [FL_FACTOR_FRESH] = 0.10,
               [FL_FACTOR_CUSTODY] = 0.10,
               [FL_FACTOR_STOCK] = 0.10},
    .stage = {[FL_STAGE_CONCEPT] = 2.0,
              [FL_STAGE_DESIGN] = 1.6,
              [FL_STAGE_PROTOTYPE] = 1.3,
              [FL_STAGE_PRODUCTION] = 1.0,
              [FL_STAGE_END_OF_LIFE] = 1.2},
};

int fl_score_kind_find(struct fl_span name)
{
    for (int k = 0; k < FL_SCORE_KINDS; k++)
        if (fl_span_eq(name, fl_span_str(fl_score_kind_names[k])))
            return k;
    return -1;
}

/* ---- the formula ---- */

static double staged(double base, double weight)
{
    return 100 * (1 - pow(1 - base / 100, weight));
}

void fl_score_of(const struct fl_score_rule *rule, double stage_weight, struct fl_risk_score *ret)
{
    double known = 1, best = 1, worst = 1, all = 0, missing = 0;

    for (unsigned f = 0; f < FL_FACTORS; f++) {
        double w = rule->weight[f];

        all += w;
        if (isnan(ret->x[f])) {
            missing += w;
            worst *= 1 - w;
            continue;
        }
        known *= 1 - w * ret->x[f];
    }
    best = known;
    worst *= known;
    ret->missing = all > 0 ? missing / all : 1;
    ret->base = 100 * (1 - known);
    ret->low = staged(100 * (1 - best), stage_weight);
    ret->high = staged(100 * (1 - worst), stage_weight);
    ret->score =
        ret->missing > FL_SCORE_MISSING_MAX ? (double)NAN : staged(ret->base, stage_weight);
    ret->mean = NAN;
}

/* ---- roll-ups ---- */

const uint32_t *fl_score_members(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                                 uint32_t *ret_count)
{
    const struct fl_net_index *of = &s->net->sites_of_supplier;

    if (kind == FL_SCORE_PRODUCT) {
        *ret_count = s->member_start[i + 1] - s->member_start[i];
        return s->members + s->member_start[i];
    }
    if (kind != FL_SCORE_SUPPLIER) {
        *ret_count = 0;
        return NULL;
    }
    *ret_count = of->start[i + 1] - of->start[i];
    return of->list + of->start[i];
}

struct fl_risk_score fl_score_member(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                                     uint32_t member)
{
    struct fl_risk_score ret;

    if (kind != FL_SCORE_PRODUCT)
        return s->list[FL_SCORE_SITE][member];
    ret = s->list[FL_SCORE_COMPONENT][member];
    fl_score_of(&s->rule, s->rule.stage[s->list[kind][i].stage], &ret);
    return ret;
}

double fl_score_member_weight(const struct fl_scores *s, enum fl_score_kind kind, uint32_t member)
{
    return kind == FL_SCORE_PRODUCT ? s->revenue[member] : s->hold[member];
}

/* By score, those without one by what they may be. */
static int compare(const struct fl_risk_score *a, const struct fl_risk_score *b)
{
    double x = isnan(a->score) ? -1 : a->score, y = isnan(b->score) ? -1 : b->score;

    if (x != y)
        return x < y ? 1 : -1;
    return a->high < b->high ? 1 : a->high > b->high ? -1 : 0;
}

static void among_worst(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                        struct fl_risk_score *ret, uint32_t member, const struct fl_risk_score *m)
{
    uint32_t at = ret->worst_count;

    while (at > 0) {
        struct fl_risk_score other = fl_score_member(s, kind, i, ret->worst[at - 1]);

        if (compare(m, &other) >= 0)
            break;
        at--;
    }
    if (at == FL_SCORE_WORST)
        return;
    if (ret->worst_count < FL_SCORE_WORST)
        ret->worst_count++;
    memmove(&ret->worst[at + 1], &ret->worst[at], (ret->worst_count - at - 1) * sizeof *ret->worst);
    ret->worst[at] = member;
}

struct sums {
    double weight, score, missing, even, even_score, even_missing;
    uint32_t scored, count;
};

static void add(struct sums *sum, const struct fl_risk_score *m, double weight)
{
    sum->count++;
    sum->even_missing += m->missing;
    sum->missing += weight * m->missing;
    sum->even += weight;
    if (isnan(m->score))
        return;
    sum->scored++;
    sum->weight += weight;
    sum->score += weight * m->score;
    sum->even_score += m->score;
}

static double mean_of(const struct sums *sum)
{
    if (sum->weight > 0)
        return sum->score / sum->weight;
    return sum->scored > 0 ? sum->even_score / sum->scored : NAN;
}

void fl_score_roll(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                   struct fl_risk_score *ret)
{
    uint32_t count;
    const uint32_t *members = fl_score_members(s, kind, i, &count);
    struct sums sum = {0};

    ret->score = NAN;
    ret->low = ret->high = 0;
    ret->worst_count = 0;
    ret->member_count = count;
    for (unsigned f = 0; f < FL_FACTORS; f++)
        ret->x[f] = NAN;
    for (uint32_t k = 0; k < count; k++) {
        struct fl_risk_score m = fl_score_member(s, kind, i, members[k]);

        ret->score = fmax(ret->score, m.score); /* fmax passes NAN over */
        ret->low = fmax(ret->low, m.low);
        ret->high = fmax(ret->high, m.high);
        add(&sum, &m, fl_score_member_weight(s, kind, members[k]));
        among_worst(s, kind, i, ret, members[k], &m);
    }
    if (count == 0)
        ret->high = 100;
    ret->base = ret->score;
    ret->mean = mean_of(&sum);
    ret->missing = sum.even > 0    ? sum.missing / sum.even
                   : sum.count > 0 ? sum.even_missing / sum.count
                                   : 1;
}

/* ---- what is there ---- */

static void *get(struct fl_arena *arena, size_t count, size_t size, struct fl_err *err)
{
    void *p = fl_arena_get(arena, (count + 1) * size);

    if (p == NULL)
        (void)fl_err_set(err, FL_E_LIMIT, "the network is too large for scores");
    else
        memset(p, 0, (count + 1) * size);
    return p;
}

static enum fl_score_stage stage_of(const char *word)
{
    for (unsigned i = 0; i < FL_STAGES; i++)
        if (strcmp(fl_score_stage_names[i], word) == 0)
            return (enum fl_score_stage)i;
    return FL_STAGE_PRODUCTION;
}

/* The components of each product, each once. */
static int find_members(struct fl_scores *s, struct fl_arena *arena, struct fl_err *err)
{
    const struct fl_net *net = s->net;
    const struct fl_net_index *in = &net->uses_of_parent;
    uint32_t *mark = get(arena, net->part_count, sizeof *mark, err), count = 0, cap = 1024;
    uint32_t *list = malloc(cap * sizeof *list);

    s->member_start = get(arena, (size_t)net->product_count + 1, sizeof *s->member_start, err);
    if (mark == NULL || s->member_start == NULL || list == NULL) {
        free(list);
        return fl_err_set(err, FL_E_LIMIT, "the network is too large for scores");
    }
    for (uint32_t v = 0; v < net->product_count; v++) {
        uint32_t item = fl_net_item_of_product(net, v), at = count;

        s->member_start[v] = count;
        for (;;) { /* what was found is looked into in turn */
            for (uint32_t k = in->start[item]; k < in->start[item + 1]; k++) {
                uint32_t part = net->uses[in->list[k]].part;

                if (mark[part] == v + 1)
                    continue;
                mark[part] = v + 1;
                if (count == cap) {
                    uint32_t *more =
                        cap > UINT32_MAX / 4 ? NULL : realloc(list, 2 * (size_t)cap * sizeof *list);

                    if (more == NULL) {
                        free(list);
                        return fl_err_set(err, FL_E_LIMIT, "the network is too large for scores");
                    }
                    list = more;
                    cap *= 2;
                }
                list[count++] = part;
            }
            if (at == count)
                break;
            item = list[at++];
        }
    }
    s->member_start[net->product_count] = count;
    s->members = get(arena, count, sizeof *s->members, err);
    if (s->members != NULL && count > 0)
        memcpy(s->members, list, count * sizeof *list);
    free(list);
    return s->members == NULL ? FL_E_LIMIT : FL_OK;
}

/* Revenue that hangs on parts and on sites, and the stage of parts: the heaviest of the products.
 */
static int find_weights(struct fl_scores *s, struct fl_arena *arena, struct fl_err *err)
{
    const struct fl_net *net = s->net;
    struct fl_revenue_day *day = get(arena, net->product_count, sizeof *day, err);
    struct fl_revenue_used *used = NULL;
    struct fl_err none;
    uint32_t n = 0;

    if (day == NULL)
        return FL_E_LIMIT;
    if (fl_revenue_days(net, NULL, s->facts.today_day, REVENUE_DAYS, arena, day, &used, &n, &none) <
        0) /* a currency without a rate: they count the same */
        memset(day, 0, net->product_count * sizeof *day);
    for (uint32_t v = 0; v < net->product_count; v++) {
        enum fl_score_stage stage = stage_of(net->products[v].stage);
        uint32_t count;
        const uint32_t *m;

        s->list[FL_SCORE_PRODUCT][v].stage = stage;
        s->list[FL_SCORE_PRODUCT][v].staged = true;
        m = fl_score_members(s, FL_SCORE_PRODUCT, v, &count);
        for (uint32_t k = 0; k < count; k++) {
            struct fl_risk_score *c = &s->list[FL_SCORE_COMPONENT][m[k]];

            s->revenue[m[k]] += day[v].per_day;
            if (!c->staged || s->rule.stage[stage] > s->rule.stage[c->stage])
                c->stage = stage;
            c->staged = true;
        }
    }
    for (uint32_t i = 0; i < net->source_count; i++)
        if (net->sources[i].qualified)
            s->hold[net->sources[i].site] += s->revenue[net->sources[i].part];
    return FL_OK;
}

/* Parts in demand that each supplier and each country may deliver; a part counts once in each. */
static void find_hands(struct fl_scores *s)
{
    const struct fl_net *net = s->net;
    const struct fl_net_index *of = &net->sources_of_part;

    for (uint32_t p = 0; p < net->part_count; p++) {
        if (!s->list[FL_SCORE_COMPONENT][p].staged || of->start[p] == of->start[p + 1])
            continue;
        s->demanded++;
        for (uint32_t i = of->start[p]; i < of->start[p + 1]; i++) {
            const struct fl_net_site *site = &net->sites[net->sources[of->list[i]].site];
            uint32_t c = fl_score_country(site->country);
            bool supplier = site->supplier != FL_NET_NONE, country = c < FL_SCORE_COUNTRIES;

            if (!fl_score_delivers(net, of->list[i]))
                continue;
            for (uint32_t k = of->start[p]; k < i; k++) {
                const struct fl_net_site *o = &net->sites[net->sources[of->list[k]].site];

                if (!fl_score_delivers(net, of->list[k]))
                    continue;
                supplier = supplier && o->supplier != site->supplier;
                country = country && fl_score_country(o->country) != c;
            }
            if (supplier)
                s->makes[site->supplier]++;
            if (country)
                s->country[c]++;
        }
    }
}

static int find_flags(struct fl_scores *s, struct fl_arena *arena, struct fl_err *err)
{
    int r = fl_hubs(s->net, FL_NET_NONE, NULL, arena, &s->hubs, &s->hub_count, err);

    if (r < 0)
        return r;
    for (uint32_t p = 0; p < s->net->part_count; p++)
        s->flags[p] = fl_part_flags(s->net, p);
    for (uint32_t i = 0; i < s->hub_count; i++)
        s->flags[s->hubs[i].part] |= FL_HIDDEN_HUB;
    return FL_OK;
}

static int room(struct fl_scores *s, struct fl_arena *arena, struct fl_err *err)
{
    const struct fl_net *net = s->net;

    s->events = get(arena, net->site_count, sizeof *s->events, err);
    s->hold = get(arena, net->site_count, sizeof *s->hold, err);
    s->flags = get(arena, net->part_count, sizeof *s->flags, err);
    s->revenue = get(arena, net->part_count, sizeof *s->revenue, err);
    s->makes = get(arena, net->supplier_count, sizeof *s->makes, err);
    if (s->events == NULL || s->hold == NULL || s->flags == NULL || s->revenue == NULL ||
        s->makes == NULL)
        return FL_E_LIMIT;
    for (int k = 0; k < FL_SCORE_KINDS; k++) {
        s->list[k] = get(arena, fl_score_count(s, (enum fl_score_kind)k), sizeof *s->list[k], err);
        if (s->list[k] == NULL)
            return FL_E_LIMIT;
        for (uint32_t i = 0; i < fl_score_count(s, (enum fl_score_kind)k); i++)
            s->list[k][i].stage = FL_STAGE_PRODUCTION;
    }
    return FL_OK;
}

static void factored(struct fl_scores *s, enum fl_score_kind kind,
                     double (*x)(const struct fl_scores *, enum fl_score_factor, uint32_t,
                                 struct fl_score_trace *))
{
    for (uint32_t i = 0; i < fl_score_count(s, kind); i++) {
        struct fl_risk_score *c = &s->list[kind][i];

        for (unsigned f = 0; f < FL_FACTORS; f++)
            c->x[f] = x(s, (enum fl_score_factor)f, i, NULL);
        fl_score_of(&s->rule, c->staged ? s->rule.stage[c->stage] : 1, c);
    }
}

static int stopped(const atomic_bool *stop, struct fl_err *err)
{
    return stop != NULL && atomic_load(stop)
               ? fl_err_set(err, FL_E_TIMEOUT, "nobody waits for it any more")
               : FL_OK;
}

int fl_scores_new(const struct fl_net *net, const struct fl_score_rule *rule,
                  const struct fl_score_facts *facts, const atomic_bool *stop,
                  struct fl_arena *arena, struct fl_scores **ret, struct fl_err *err)
{
    struct fl_scores *s = get(arena, 1, sizeof *s, err);
    int r;

    if (s == NULL)
        return FL_E_LIMIT;
    *s = (struct fl_scores){.net = net, .rule = *rule, .facts = *facts};
    r = room(s, arena, err);
    if (r == FL_OK)
        r = find_members(s, arena, err);
    if (r == FL_OK)
        r = find_weights(s, arena, err);
    if (r == FL_OK)
        r = find_flags(s, arena, err);
    if (r == FL_OK)
        r = stopped(stop, err);
    if (r < 0)
        return r;
    fl_score_events(net, facts->rates, facts->rate_count, s->events);
    find_hands(s);
    factored(s, FL_SCORE_COMPONENT, fl_score_part_x);
    factored(s, FL_SCORE_SITE, fl_score_site_x);
    for (uint32_t i = 0; i < net->product_count; i++)
        fl_score_roll(s, FL_SCORE_PRODUCT, i, &s->list[FL_SCORE_PRODUCT][i]);
    for (uint32_t i = 0; i < net->supplier_count; i++)
        fl_score_roll(s, FL_SCORE_SUPPLIER, i, &s->list[FL_SCORE_SUPPLIER][i]);
    *ret = s;
    return stopped(stop, err);
}

/* ---- reading ---- */

const struct fl_net *fl_score_net(const struct fl_scores *s)
{
    return s->net;
}

uint32_t fl_score_hubs(const struct fl_scores *s, const struct fl_hub **ret)
{
    *ret = s->hubs;
    return s->hub_count;
}

uint32_t fl_score_count(const struct fl_scores *s, enum fl_score_kind kind)
{
    const uint32_t counts[FL_SCORE_KINDS] = {s->net->part_count, s->net->product_count,
                                             s->net->supplier_count, s->net->site_count};

    return counts[kind];
}

const struct fl_risk_score *fl_score_get(const struct fl_scores *s, enum fl_score_kind kind,
                                         uint32_t i)
{
    return &s->list[kind][i];
}

const char *fl_score_id(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i)
{
    const struct fl_net *net = s->net;

    return kind == FL_SCORE_COMPONENT  ? net->parts[i].id
           : kind == FL_SCORE_PRODUCT  ? net->products[i].id
           : kind == FL_SCORE_SUPPLIER ? net->suppliers[i].id
                                       : net->sites[i].id;
}

const char *fl_score_name(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i)
{
    const struct fl_net *net = s->net;

    return kind == FL_SCORE_COMPONENT  ? net->parts[i].name
           : kind == FL_SCORE_PRODUCT  ? net->products[i].name
           : kind == FL_SCORE_SUPPLIER ? net->suppliers[i].name
                                       : net->sites[i].name;
}

uint32_t fl_score_find(const struct fl_scores *s, enum fl_score_kind kind, struct fl_span id)
{
    uint32_t item;

    if (kind == FL_SCORE_SUPPLIER)
        return fl_net_supplier_find(s->net, id);
    if (kind == FL_SCORE_SITE)
        return fl_net_site_find(s->net, id);
    item = fl_net_item_find(s->net, id);
    if (item == FL_NET_NONE || fl_net_is_product(s->net, item) != (kind == FL_SCORE_PRODUCT))
        return FL_NET_NONE;
    return kind == FL_SCORE_PRODUCT ? item - s->net->part_count : item;
}

struct ranked {
    const struct fl_risk_score *score;
    uint32_t i;
};

static int worst_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int c = compare(x->score, y->score);

    return c != 0 ? c : x->i < y->i ? -1 : x->i > y->i;
}

int fl_score_order(const struct fl_scores *s, enum fl_score_kind kind, struct fl_arena *arena,
                   uint32_t **ret, struct fl_err *err)
{
    uint32_t count = fl_score_count(s, kind), *list = get(arena, count, sizeof *list, err);
    struct ranked *ranked = get(arena, count, sizeof *ranked, err);

    if (list == NULL || ranked == NULL)
        return FL_E_LIMIT;
    for (uint32_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){&s->list[kind][i], i};
    qsort(ranked, count, sizeof *ranked, worst_first);
    for (uint32_t i = 0; i < count; i++)
        list[i] = ranked[i].i;
    *ret = list;
    return FL_OK;
}

void fl_score_explain(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                      struct fl_score_trace *ret)
{
    ret->count = ret->left_out = 0;
    for (unsigned f = 0; f < FL_FACTORS; f++) {
        if (kind == FL_SCORE_COMPONENT)
            (void)fl_score_part_x(s, (enum fl_score_factor)f, i, ret);
        if (kind == FL_SCORE_SITE)
            (void)fl_score_site_x(s, (enum fl_score_factor)f, i, ret);
    }
}

void fl_score_row_key(const struct fl_net *net, int table, uint32_t row, char *ret)
{
    const size_t size = FL_SUPPLY_KEY_MAX + 1;

    ret[0] = '\0';
    if (table == FL_SUPPLY_SUPPLIERS)
        (void)snprintf(ret, size, "%s", net->suppliers[row].id);
    if (table == FL_SUPPLY_SITES)
        (void)snprintf(ret, size, "%s", net->sites[row].id);
    if (table == FL_SUPPLY_PARTS)
        (void)snprintf(ret, size, "%s", net->parts[row].id);
    if (table == FL_SUPPLY_PART_SITES)
        (void)snprintf(ret, size, "%s@%s", net->parts[net->sources[row].part].id,
                       net->sites[net->sources[row].site].id);
}
