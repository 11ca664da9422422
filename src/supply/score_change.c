/* What would change a score most: each factor at its best, and what people can do about it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "supply/score_int.h"

enum { ACTION_SECOND, ACTION_STOCK, ACTION_ALTERNATE, ACTION_CONFIRM, ACTIONS };
static const struct {
    const char *name, *text;
} actions[ACTIONS] = {
    [ACTION_SECOND] = {"second_source",
                       "a further supplier elsewhere is qualified, takes an even part of the split "
                       "and can deliver all of it when another stops"},
    [ACTION_STOCK] = {"stock", "14 more days of stock, counted"},
    [ACTION_ALTERNATE] = {"alternate_site",
                          "another site of the same supplier takes over within 30 days"},
    [ACTION_CONFIRM] = {"confirm", "the supplier confirms the map today"},
};

const char *fl_score_action_text(const char *what)
{
    for (size_t i = 0; i < ACTIONS; i++)
        if (strcmp(actions[i].name, what) == 0)
            return actions[i].text;
    return NULL;
}

/* ---- one score after an action ---- */

static void recovery(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                     double *ret_gap, double *ret_tts)
{
    uint32_t source;

    if (kind == FL_SCORE_COMPONENT) {
        fl_score_part_gap(s, i, ret_gap, ret_tts, &source);
        return;
    }
    *ret_tts = s->facts.sites == NULL ? NAN : s->facts.sites[i].loss.tts_days;
    *ret_gap = fmax(0, s->net->sites[i].ttr_days - *ret_tts);
}

static bool is_single(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i)
{
    return kind == FL_SCORE_COMPONENT && (s->flags[i] & FL_SINGLE_SITE) != 0;
}

static void second_source(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                          struct fl_risk_score *c)
{
    double hands = kind == FL_SCORE_COMPONENT ? fl_part_suppliers(s->net, i) + 1.0 : 2;

    if (isnan(c->x[FL_FACTOR_SOURCING]))
        return;
    c->x[FL_FACTOR_SOURCING] = fmin(c->x[FL_FACTOR_SOURCING], 0.5 / hands);
    if (!isnan(c->x[FL_FACTOR_GAP]))
        c->x[FL_FACTOR_GAP] = 0;
}

static void apply(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i, unsigned action,
                  struct fl_risk_score *c)
{
    double gap, tts;

    recovery(s, kind, i, &gap, &tts);
    if (action == ACTION_SECOND)
        second_source(s, kind, i, c);
    if (action == ACTION_STOCK) {
        if (!isnan(c->x[FL_FACTOR_GAP]))
            c->x[FL_FACTOR_GAP] = fmin(1, fmax(0, gap - FL_SCORE_STOCK_DAYS) / FL_SCORE_GAP_DAYS);
        c->x[FL_FACTOR_STOCK] = 0;
    }
    if (action == ACTION_ALTERNATE) {
        if (is_single(s, kind, i))
            c->x[FL_FACTOR_SOURCING] = 0.8;
        if (!isnan(c->x[FL_FACTOR_GAP]))
            c->x[FL_FACTOR_GAP] =
                fmin(c->x[FL_FACTOR_GAP],
                     isinf(tts) ? 0 : fmax(0, FL_SCORE_START_DAYS - tts) / FL_SCORE_GAP_DAYS);
    }
    if (action == ACTION_CONFIRM && !isnan(c->x[FL_FACTOR_FRESH]))
        c->x[FL_FACTOR_FRESH] = 0;
}

/* ---- all of them ---- */

struct changes {
    struct fl_score_change *list;
    uint32_t count;
    double score, mean; /* as it is */
};

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) < 1e-9;
}

static void keep(struct changes *c, const struct fl_score_change *change)
{
    if (c->count < FL_SCORE_CHANGES_MAX &&
        !(same(change->score, c->score) && same(change->mean, c->mean)))
        c->list[c->count++] = *change;
}

static void of_factored(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                        struct changes *c)
{
    const struct fl_risk_score *is = &s->list[kind][i];
    double stage = is->staged ? s->rule.stage[is->stage] : 1;

    for (unsigned a = 0; a < ACTIONS + FL_FACTORS; a++) {
        struct fl_risk_score after = *is;

        if (a < ACTIONS)
            apply(s, kind, i, a, &after);
        else if (!isnan(after.x[a - ACTIONS]))
            after.x[a - ACTIONS] = 0;
        fl_score_of(&s->rule, stage, &after);
        keep(c, &(struct fl_score_change){.what = a < ACTIONS ? actions[a].name
                                                              : fl_score_factors[a - ACTIONS].name,
                                          .action = a < ACTIONS,
                                          .member = FL_NET_NONE,
                                          .score = after.score,
                                          .mean = NAN});
    }
}

/* The roll-up with one member changed. */
static void rolled(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i, uint32_t member,
                   double after, struct fl_score_change *ret)
{
    uint32_t count, scored = 0;
    const uint32_t *members = fl_score_members(s, kind, i, &count);
    double weight = 0, sum = 0, even = 0;

    ret->score = NAN;
    for (uint32_t k = 0; k < count; k++) {
        double w = fl_score_member_weight(s, kind, members[k]);
        double score = members[k] == member ? after : fl_score_member(s, kind, i, members[k]).score;

        if (isnan(score))
            continue;
        ret->score = fmax(ret->score, score);
        weight += w;
        sum += w * score;
        even += score;
        scored++;
    }
    ret->mean = weight > 0 ? sum / weight : scored > 0 ? even / scored : NAN;
}

static void of_rolled(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                      struct changes *c)
{
    enum fl_score_kind of = kind == FL_SCORE_PRODUCT ? FL_SCORE_COMPONENT : FL_SCORE_SITE;
    const struct fl_risk_score *is = &s->list[kind][i];
    double stage = kind == FL_SCORE_PRODUCT ? s->rule.stage[is->stage] : 1;

    for (uint32_t k = 0; k < is->worst_count; k++)
        for (unsigned a = 0; a < ACTIONS; a++) {
            struct fl_score_change change = {
                .what = actions[a].name, .action = true, .member = is->worst[k]};
            struct fl_risk_score after = s->list[of][is->worst[k]];

            apply(s, of, is->worst[k], a, &after);
            fl_score_of(&s->rule, stage, &after);
            rolled(s, kind, i, is->worst[k], after.score, &change);
            keep(c, &change);
        }
}

static int largest_first(const void *a, const void *b)
{
    const struct fl_score_change *x = a, *y = b;
    double p = isnan(x->score) ? 101 : x->score, q = isnan(y->score) ? 101 : y->score;
    double m = isnan(x->mean) ? 101 : x->mean, n = isnan(y->mean) ? 101 : y->mean;

    if (p != q)
        return p < q ? -1 : 1;
    if (m != n)
        return m < n ? -1 : 1;
    if (x->action != y->action)
        return x->action ? -1 : 1;
    if (x->member != y->member)
        return x->member < y->member ? -1 : 1;
    return strcmp(x->what, y->what);
}

uint32_t fl_score_changes(const struct fl_scores *s, enum fl_score_kind kind, uint32_t i,
                          struct fl_score_change *ret)
{
    struct changes c = {
        .list = ret, .score = s->list[kind][i].score, .mean = s->list[kind][i].mean};

    if (kind == FL_SCORE_COMPONENT || kind == FL_SCORE_SITE)
        of_factored(s, kind, i, &c);
    else
        of_rolled(s, kind, i, &c);
    qsort(ret, c.count, sizeof *ret, largest_first);
    return c.count;
}
