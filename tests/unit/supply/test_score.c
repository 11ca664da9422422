/* Scores: the formula by hand, what moves it which way, what is missing, stages, drafts. */
#include <math.h>

#include "net_text.h"
#include "supply/score.h"
#include "tap.h"

#define TODAY 20779 /* 2026-11-22 */

static struct fl_arena arena;

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

static struct fl_risk_score blank(double x)
{
    struct fl_risk_score s = {.score = 0};

    for (unsigned f = 0; f < FL_FACTORS; f++)
        s.x[f] = x;
    return s;
}

/* ---- the formula ---- */

static void test_formula(void)
{
    struct fl_score_rule rule = fl_score_preset;
    struct fl_risk_score s = blank(0);

    s.x[FL_FACTOR_SOURCING] = 1;
    s.x[FL_FACTOR_GAP] = 0.5;
    s.x[FL_FACTOR_LEAD] = 0.4;
    fl_score_of(&rule, 1, &s);
    /* 1 - (1 - 0.35)(1 - 0.40 * 0.5)(1 - 0.15 * 0.4) = 1 - 0.65 * 0.8 * 0.94 */
    CHECK(near(s.score, 51.12), "three factors by hand: 51.12");
    CHECK(near(s.low, s.score) && near(s.high, s.score) && s.missing == 0,
          "all is known: no range, nothing missing");
    fl_score_of(&rule, 2, &s);
    CHECK(near(s.base, 51.12) && near(s.score, 100 * (1 - 0.4888 * 0.4888)),
          "a concept counts twice: 100 (1 - 0.4888^2) = 76.107456");
    s = blank(0);
    fl_score_of(&rule, 1, &s);
    CHECK(s.score == 0, "all at their best: 0");
    s = blank(1);
    fl_score_of(&rule, 1, &s);
    CHECK(s.score > 80 && s.score < 100, "all at their worst: below 100");
}

static void test_missing(void)
{
    struct fl_risk_score s = blank(0), t;

    s.x[FL_FACTOR_SOURCING] = 1;
    t = s;
    s.x[FL_FACTOR_GAP] = NAN;
    fl_score_of(&fl_score_preset, 1, &s);
    CHECK(near(s.missing, 0.40 / 1.90), "the share of the weights that is missing");
    CHECK(near(s.low, 35) && near(s.high, 100 * (1 - 0.65 * 0.6)), "from 35 to 61");
    for (unsigned i = 0; i <= 10; i++) {
        struct fl_risk_score known = t;

        known.x[FL_FACTOR_GAP] = i / 10.0;
        fl_score_of(&fl_score_preset, 1, &known);
        CHECK(known.score >= s.low - 1e-9 && known.score <= s.high + 1e-9,
              "whatever it turns out to be lies within the range");
    }
    for (unsigned f = 0; f < FL_FACTORS; f++)
        if (f != FL_FACTOR_SOURCING)
            s.x[f] = NAN;
    fl_score_of(&fl_score_preset, 1, &s);
    CHECK(isnan(s.score) && near(s.low, 35) && s.high > 80,
          "more than half is missing: no score, only a range");
}

static void test_monotone(void)
{
    uint64_t dice = 7;
    bool rises = true, stays = true;

    for (unsigned n = 0; n < 2000; n++) {
        struct fl_risk_score a = blank(0), b;
        unsigned f = net_dice(&dice, FL_FACTORS);

        for (unsigned k = 0; k < FL_FACTORS; k++)
            a.x[k] = net_dice(&dice, 5) == 0 ? (double)NAN : net_dice(&dice, 1000) / 1000.0;
        if (isnan(a.x[f]))
            continue;
        b = a;
        b.x[f] = fmin(1, a.x[f] + net_dice(&dice, 500) / 1000.0);
        fl_score_of(&fl_score_preset, 1.6, &a);
        fl_score_of(&fl_score_preset, 1.6, &b);
        rises = rises && b.low >= a.low - 1e-12 && b.high >= a.high - 1e-12 &&
                (isnan(a.score) || b.score >= a.score - 1e-12);
        stays = stays && a.low >= 0 && a.high <= 100 && a.low <= a.high + 1e-12;
    }
    CHECK(rises, "a factor that rises never lowers a score, nor its range");
    CHECK(stays, "0 <= low <= high <= 100");
}

/* ---- a network ---- */

/* `old`: one site, last buy; the same in a concept (`idea`) and in a product that is made (`box`).
 * `two`: two suppliers, both fed by `hub` at one site. */
static struct fl_net *network(void)
{
    struct net_text t = net_text_new();

    net_text_add(&t, "suppliers|s1|S1|JP|1");
    net_text_add(&t, "suppliers|s2|S2|DE|1");
    net_text_add(&t, "suppliers|s3|S3|US|2");
    net_text_add(&t, "sites|a|s1|A|38.27|140.87|JP||60|||||||2026-11-01");
    net_text_add(&t, "sites|b|s2|B|51.05|13.74|DE||30");
    net_text_add(&t, "sites|c|s3|C|40.7|-74|US||30|||||||2026-11-01");
    net_text_add(&t, "sites|d|s2|D|48.1|11.6|||||");
    net_text_add(&t, "parts|sole|Sole||0|90||||active||");
    net_text_add(&t, "parts|idea_sole|Sole in a concept||0|90||||active||");
    net_text_add(&t, "parts|two|Two||0|90");
    net_text_add(&t, "parts|hub|Hub|||18");
    net_text_add(&t, "parts|gone|Nobody");
    net_text_add(&t, "part_sites|sole|a|1|yes||2026-11-01");
    net_text_add(&t, "part_sites|idea_sole|a|1|yes||2026-11-01");
    net_text_add(&t, "part_sites|two|b|0.5|yes||2026-11-01");
    net_text_add(&t, "part_sites|two|c|0.5|yes||2025-11-22");
    net_text_add(&t, "part_sites|hub|a|1|yes||2026-11-01");
    net_text_add(&t, "products|box|Box|production|10|100|300");
    net_text_add(&t, "products|idea|Idea|concept|10|100|300");
    net_text_add(&t, "bom|box|sole|1");
    net_text_add(&t, "bom|box|two|1");
    net_text_add(&t, "bom|box|gone|1");
    net_text_add(&t, "bom|two|hub|1");
    net_text_add(&t, "bom|idea|idea_sole|1");
    return net_text_done(&t);
}

struct made {
    struct fl_net *net;
    struct fl_scores *s;
};

static struct made make(void)
{
    struct made m = {.net = network()};
    struct fl_score_facts facts = {
        .rates = fl_event_rates, .rate_count = fl_event_rate_count, .today_day = TODAY};
    struct fl_exposed *nodes = NULL, *sites = NULL;
    struct fl_exposure *x = NULL;
    struct fl_err err = {0};
    uint32_t n;

    if (fl_exposure_new(m.net, &x, &err) < 0 ||
        fl_exposure_all(x, FL_PER_NODE, NULL, &arena, &nodes, &n, &err) < 0 ||
        fl_exposure_all(x, FL_PER_SITE, NULL, &arena, &sites, &n, &err) < 0) {
        printf("# %s\n", err.text);
        exit(1);
    }
    facts.nodes = nodes;
    facts.sites = sites;
    if (fl_scores_new(m.net, &fl_score_preset, &facts, NULL, &arena, &m.s, &err) < 0) {
        printf("# %s\n", err.text);
        exit(1);
    }
    fl_exposure_free(x);
    return m;
}

static const struct fl_risk_score *of(const struct made *m, enum fl_score_kind kind, const char *id)
{
    uint32_t i = fl_score_find(m->s, kind, fl_span_str(id));

    if (i == FL_NET_NONE) {
        printf("# there is no '%s'\n", id);
        exit(1);
    }
    return fl_score_get(m->s, kind, i);
}

static void test_factors(const struct made *m)
{
    const struct fl_risk_score *sole = of(m, FL_SCORE_COMPONENT, "sole");
    const struct fl_risk_score *two = of(m, FL_SCORE_COMPONENT, "two");
    const struct fl_risk_score *gone = of(m, FL_SCORE_COMPONENT, "gone");

    CHECK(sole->x[FL_FACTOR_SOURCING] == 1, "one site: 1");
    CHECK(near(two->x[FL_FACTOR_SOURCING], 0.6), "two suppliers behind one hub: 0.6");
    CHECK(near(sole->x[FL_FACTOR_GAP], 60 / 90.0), "no stock, 60 days: 60 / 90");
    CHECK(near(sole->x[FL_FACTOR_LEAD], 0.5), "90 days of 180: 0.5");
    CHECK(near(of(m, FL_SCORE_COMPONENT, "hub")->x[FL_FACTOR_LEAD], 0.1), "18 of 180: 0.1");
    CHECK(sole->x[FL_FACTOR_FRESH] == 0, "confirmed three weeks ago: 0");
    CHECK(near(two->x[FL_FACTOR_FRESH], 0), "a site that was confirmed confirms its sources");
    CHECK(sole->x[FL_FACTOR_STOCK] == 0 && gone->x[FL_FACTOR_STOCK] == 1,
          "stock of 0 is known, an empty cell is not");
    CHECK(isnan(gone->x[FL_FACTOR_SOURCING]) && isnan(gone->x[FL_FACTOR_GAP]) &&
              isnan(gone->x[FL_FACTOR_HAZARD]) && isnan(gone->score),
          "nobody makes it: not known, and no score");
    CHECK(sole->x[FL_FACTOR_HAZARD] > two->x[FL_FACTOR_HAZARD], "Japan shakes more");
    /* parts in demand with a source: sole, idea_sole, two, hub */
    CHECK(near(sole->x[FL_FACTOR_COUNTRY], 3 / 4.0), "three of four parts come from Japan");
    CHECK(near(two->x[FL_FACTOR_COUNTRY], 1 / 4.0), "the mean of its sources by share");
    CHECK(sole->x[FL_FACTOR_SUPPLIER] == 1, "three of four from one supplier: 1");
    CHECK(isnan(of(m, FL_SCORE_SITE, "d")->x[FL_FACTOR_HAZARD]), "a site of no country: not known");
}

static void test_stages(const struct made *m)
{
    const struct fl_risk_score *made = of(m, FL_SCORE_COMPONENT, "sole");
    const struct fl_risk_score *idea = of(m, FL_SCORE_COMPONENT, "idea_sole");
    uint32_t *order;
    struct fl_err err;

    CHECK(near(made->base, idea->base), "the same part twice: the same base");
    CHECK(idea->score > made->score, "it weighs more in a concept than in production");
    CHECK(near(idea->score, 100 * (1 - pow(1 - idea->base / 100, 2))), "by the formula");
    CHECK(fl_score_order(m->s, FL_SCORE_COMPONENT, &arena, &order, &err) == FL_OK &&
              fl_score_get(m->s, FL_SCORE_COMPONENT, order[0]) == idea,
          "and stands first");
}

static void test_rolls(const struct made *m)
{
    const struct fl_risk_score *box = of(m, FL_SCORE_PRODUCT, "box");
    const struct fl_risk_score *sole = of(m, FL_SCORE_COMPONENT, "sole");
    const struct fl_risk_score *two = of(m, FL_SCORE_COMPONENT, "two");
    const struct fl_risk_score *hub = of(m, FL_SCORE_COMPONENT, "hub");

    CHECK(box->member_count == 4 && near(box->score, fmax(sole->score, hub->score)),
          "a product is its worst component, on all levels");
    CHECK(near(box->mean, (sole->score + two->score + hub->score) / 3),
          "the mean by revenue leaves out what has no score");
    CHECK(box->worst_count == 4 &&
              isnan(fl_score_get(m->s, FL_SCORE_COMPONENT, box->worst[3])->score),
          "the worst first, what has no score last");
    CHECK(near(of(m, FL_SCORE_SUPPLIER, "s1")->score, of(m, FL_SCORE_SITE, "a")->score),
          "a supplier is its worst site");
    CHECK(of(m, FL_SCORE_SITE, "a")->x[FL_FACTOR_SOURCING] == 1,
          "a site is as badly sourced as the worst it makes");
}

static void test_changes(const struct made *m)
{
    struct fl_score_change list[FL_SCORE_CHANGES_MAX];
    uint32_t i = fl_score_find(m->s, FL_SCORE_COMPONENT, FL_SPAN("sole"));
    const struct fl_risk_score *is = fl_score_get(m->s, FL_SCORE_COMPONENT, i);
    uint32_t n = fl_score_changes(m->s, FL_SCORE_COMPONENT, i, list);
    struct fl_risk_score after = *is;
    bool rising = true, stock = false;

    after.x[FL_FACTOR_SOURCING] = 0.25;
    after.x[FL_FACTOR_GAP] = 0;
    fl_score_of(&fl_score_preset, 1, &after);
    CHECK(n > 3 && strcmp(list[0].what, "second_source") == 0 && near(list[0].score, after.score),
          "a second source changes it most, as calculated");
    after = *is;
    after.x[FL_FACTOR_GAP] = (60 - 14) / 90.0;
    fl_score_of(&fl_score_preset, 1, &after);
    for (uint32_t k = 0; k < n; k++) {
        rising = rising && (k == 0 || list[k].score >= list[k - 1].score);
        stock = stock || (strcmp(list[k].what, "stock") == 0 && near(list[k].score, after.score));
    }
    CHECK(rising && stock, "ranked; 14 days of stock shorten the gap by 14 days");
    i = fl_score_find(m->s, FL_SCORE_PRODUCT, FL_SPAN("box"));
    n = fl_score_changes(m->s, FL_SCORE_PRODUCT, i, list);
    CHECK(n > 0 && list[0].member != FL_NET_NONE &&
              list[0].score <= fl_score_get(m->s, FL_SCORE_PRODUCT, i)->score,
          "of a product: what can be done about its worst components");
}

/* What a factor stands on is enough to calculate it again. */
static void test_explain(const struct made *m)
{
    struct fl_score_trace t;
    uint32_t i = fl_score_find(m->s, FL_SCORE_COMPONENT, FL_SPAN("sole"));
    const struct fl_risk_score *is = fl_score_get(m->s, FL_SCORE_COMPONENT, i);
    char key[FL_SUPPLY_KEY_MAX + 1] = "";
    double gap = NAN, lead = NAN;

    fl_score_explain(m->s, FL_SCORE_COMPONENT, i, &t);
    for (uint32_t k = 0; k < t.count; k++) {
        if (strcmp(t.input[k].name, "gap_days") == 0)
            gap = t.input[k].value;
        if (strcmp(t.input[k].name, "lead_days") == 0)
            lead = t.input[k].value;
        if (strcmp(t.input[k].name, "source") == 0)
            fl_score_row_key(m->net, t.input[k].table, t.input[k].row, key);
    }
    CHECK(near(is->x[FL_FACTOR_GAP], gap / 90) && near(is->x[FL_FACTOR_LEAD], lead / 180),
          "inputs give x again");
    CHECK(strcmp(key, "sole@a") == 0, "and name their rows");
}

/* An event that is under way at a site adds to its hazard. */
static void test_known(const struct made *m)
{
    double known[4] = {0.5, 0, 0, 0};
    struct fl_score_facts facts = {.rates = fl_event_rates,
                                   .rate_count = fl_event_rate_count,
                                   .known = known,
                                   .today_day = TODAY};
    struct fl_scores *s = NULL;
    struct fl_err err;
    uint32_t a = fl_net_site_find(m->net, FL_SPAN("a")), b = fl_net_site_find(m->net, FL_SPAN("b"));
    double was = fl_score_get(m->s, FL_SCORE_SITE, a)->x[FL_FACTOR_HAZARD];

    CHECK(a == 0 &&
              fl_scores_new(m->net, &fl_score_preset, &facts, NULL, &arena, &s, &err) == FL_OK,
          "scores with an event that is known");
    CHECK(near(1 - fl_score_get(s, FL_SCORE_SITE, a)->x[FL_FACTOR_HAZARD], (1 - was) * 0.5),
          "half of what was safe is not");
    CHECK(fl_score_get(s, FL_SCORE_SITE, b)->x[FL_FACTOR_HAZARD] ==
              fl_score_get(m->s, FL_SCORE_SITE, b)->x[FL_FACTOR_HAZARD],
          "other sites stay");
    CHECK(isnan(fl_score_get(s, FL_SCORE_SITE, a)->x[FL_FACTOR_GAP]),
          "without exposures the gap is not known");
}

/* ---- drafts ---- */

static int draft(const struct made *m, const char *csv, struct fl_draft *ret, struct fl_err *err)
{
    return fl_draft_score(m->s, fl_span_str(csv), FL_STAGE_CONCEPT, &arena, ret, err);
}

static const struct fl_draft_line *line(const struct fl_draft *d, const char *part)
{
    for (uint32_t i = 0; i < d->line_count; i++)
        if (strcmp(d->lines[i].part, part) == 0)
            return &d->lines[i];
    printf("# no line '%s'\n", part);
    exit(1);
}

static void test_draft(const struct made *m)
{
    struct fl_draft d;
    struct fl_err err = {0};
    int r = draft(m,
                  "parent,part,quantity,supplier,site,country,lifecycle,custody\n"
                  "new box,sole,1,,,,,\n"
                  "new box,chip,2,s1,a,JP,last_buy,A\n"
                  "new box,module,1,s2,b,DE,,\n"
                  "new box,module,1,s3,c,US,,\n"
                  "module,hub,3,,,,,\n"
                  "new box,mystery,1,,,,,\n",
                  &d, &err);

    CHECK(r == FL_OK, "a draft is read");
    if (r < 0) {
        printf("# %s\n", err.text);
        return;
    }
    CHECK(strcmp(d.title, "new box") == 0 && d.line_count == 5 && d.unknown == 1 && d.proposed == 2,
          "five parts, two proposed, one of which nothing is known");
    CHECK(line(&d, "mystery")->flags == FL_DRAFT_UNKNOWN && isnan(line(&d, "mystery")->score.score),
          "that has no score");
    CHECK(line(&d, "chip")->flags == (FL_DRAFT_PROPOSED | FL_DRAFT_SINGLE_SITE | FL_DRAFT_SOLE |
                                      FL_DRAFT_ENDS | FL_DRAFT_CUSTODY),
          "single site, end of life and class are told of proposed parts");
    CHECK((line(&d, "module")->flags & FL_DRAFT_HUB) != 0 && d.hub_count == 1 &&
              strcmp(d.hubs[0].site, "a") == 0,
          "two proposed sources fed by one site: a hub");
    CHECK(line(&d, "hub")->quantity == 3 && !line(&d, "hub")->direct, "quantities over levels");
    CHECK(near(line(&d, "sole")->score.score, of(m, FL_SCORE_COMPONENT, "idea_sole")->score),
          "a part of the network counts as it does there, at the draft's stage");
    CHECK(near(d.score.score, d.lines[0].score.score), "the draft is its worst part");
    CHECK(d.concentration.direct[FL_LEVEL_SUPPLIER].parts == 3, "and how concentrated it is");
}

/* Two alternates (own 0.05) fed by one tier-2 hub (0.10), as a draft of three lines. */
static void test_hub_error(const struct made *m)
{
    struct fl_draft d;
    struct fl_err err = {0};

    CHECK(draft(m,
                "parent,part,supplier,site,country\nx,alt,n1,p1,DE\nx,alt,n2,p2,US\n"
                "alt,base,n3,p3,TW\n",
                &d, &err) == FL_OK &&
              d.hub_count == 1,
          "a hub among parts that are all new");
    /* with 0.05 everywhere: 0.05 + 0.95 * 0.05^2, against (1 - 0.95^2)^2 */
    CHECK(near(d.hubs[0].probability, 0.05 + 0.95 * 0.0025) &&
              near(d.hubs[0].independent, 0.0975 * 0.0975),
          "as it is 0.052375, as if they were apart 0.00950625");
}

static void test_refused(const struct made *m)
{
    static const struct {
        const char *csv, *says;
    } row[] = {
        {"", "no lines"},
        {"part,quantity\n", "no lines"},
        {"what,quantity\nx,1\n", "no column 'part'"},
        {"part,quantity\nx,-1\n", "line 2, quantity"},
        {"part,quantity\n,1\n", "line 2, part"},
        {"part,country\nx,Nowhere\n", "line 2, country"},
        {"parent,part\nx,x\n", "made of itself"},
        {"parent,part\na1,b1\nb1,a1\n", "b1"},
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fl_draft d;
        struct fl_err err = {0};
        int r = draft(m, row[i].csv, &d, &err);

        CHECK(r < 0 && strstr(err.text, row[i].says) != NULL, row[i].says);
        if (r == FL_OK || strstr(err.text, row[i].says) == NULL)
            printf("# %d: %s\n", r, err.text);
    }
}

int main(void)
{
    struct made m;

    fl_arena_init(&arena, (size_t)512 << 20);
    test_formula();
    test_missing();
    test_monotone();
    m = make();
    test_factors(&m);
    test_stages(&m);
    test_rolls(&m);
    test_changes(&m);
    test_explain(&m);
    test_known(&m);
    test_draft(&m);
    test_hub_error(&m);
    test_refused(&m);
    fl_net_unref(m.net);
    fl_arena_done(&arena);
    return tap_done();
}
