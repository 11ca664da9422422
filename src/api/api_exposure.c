#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/parts.h"
#include "api/supply_api.h"
#include "api/supply_json.h"
#include "api/work.h"
#include "base/time.h"
#include "supply/concentration.h"
#include "supply/daily.h"

#define DOWN_MAX     200u /* sites or nodes that are named */
#define UNTIL_MAX    1095.0
#define STEPS_MAX    120u
#define UPPER_POINTS 16u /* of the day-by-day simulation */
/* Networks with more parts: hidden hubs are looked for in one product at a time (concentration). */
#define HUB_PARTS_MAX 20000u

/* ---- every site, or node, down alone ---- */

struct all_question {
    enum fl_exposure_per per;
};

static const char *what_is_missing(const struct fl_net_site *s)
{
    return isfinite(s->ttr_days) ? NULL : "no time to recover";
}

/* What is said of sites and parts because others are like them; NULL: not looked for. */
struct flags {
    const struct fl_net *net;
    unsigned char *of_part; /* fl_part_flags */
    bool *is_hub;           /* of sites */
};

static int take_flags(const struct fl_net *net, struct fl_arena *arena, struct flags *ret,
                      struct fl_err *err)
{
    struct flags f = {.net = net, .of_part = fl_arena_get(arena, net->part_count + 1)};

    if (f.of_part == NULL)
        return fl_err_set(err, FL_E_LIMIT, "the network is too large to look at its parts");
    for (uint32_t part = 0; part < net->part_count; part++)
        f.of_part[part] = (unsigned char)fl_part_flags(net, part);
    *ret = f;
    if (net->part_count > HUB_PARTS_MAX)
        return FL_OK;
    return fl_hub_sites(net, FL_NET_NONE, arena, &ret->is_hub, err);
}

/* Of one source: what its part has and this source has a share in. */
static unsigned flags_of(const struct flags *f, uint32_t source)
{
    const struct fl_net_source *s = &f->net->sources[source];
    uint32_t supplier = f->net->sites[s->site].supplier;
    bool counts =
        s->qualified && (supplier == FL_NET_NONE || !f->net->suppliers[supplier].distributor);

    return !counts   ? 0
           : s->used ? f->of_part[s->part]
                     : f->of_part[s->part] & ~(unsigned)FL_SINGLE_SOURCE;
}

static void put_flags(struct fl_json *json, const struct flags *f, const struct fl_exposed *e)
{
    static const struct {
        unsigned flag;
        const char *word;
    } words[] = {{FL_SINGLE_SOURCE, "single_source"},
                 {FL_SINGLE_SITE, "single_site"},
                 {FL_SAME_HAZARD, "same_hazard"}};
    const struct fl_net *net = f->net;
    uint32_t site = e->site != FL_NET_NONE ? e->site : net->sources[e->source].site, sole = 0;
    const struct fl_net_index *of = &net->sources_of_site;
    unsigned flags = 0;

    for (uint32_t i = of->start[site]; i < of->start[site + 1]; i++)
        if (e->source == FL_NET_NONE || of->list[i] == e->source) {
            sole += fl_source_is_sole(net, of->list[i]);
            flags |= flags_of(f, of->list[i]);
        }
    fl_json_array(json, "flags");
    if (sole > 0)
        fl_json_text(json, NULL, "sole");
    if (f->is_hub != NULL && f->is_hub[site])
        fl_json_text(json, NULL, "hub");
    for (size_t i = 0; i < FL_LEN(words); i++)
        if ((flags & words[i].flag) != 0)
            fl_json_text(json, NULL, words[i].word);
    if (!isfinite(net->sites[site].lat) || !isfinite(net->sites[site].lon))
        fl_json_text(json, NULL, "no_place");
    if (e->loss.gap_days > 0 && isfinite(e->loss.gap_days))
        fl_json_text(json, NULL, "gap");
    fl_json_end(json);
}

static void put_exposed(struct fl_json *json, const struct flags *f, const struct fl_exposed *e)
{
    const struct fl_net *net = f->net;
    uint32_t at = e->site != FL_NET_NONE ? e->site : net->sources[e->source].site;
    const struct fl_net_site *site = &net->sites[at];
    char id[FL_SUPPLY_KEY_MAX + 1];

    if (e->site != FL_NET_NONE)
        (void)snprintf(id, sizeof id, "%s", site->id);
    else
        (void)snprintf(id, sizeof id, "%s@%s", net->parts[net->sources[e->source].part].id,
                       site->id);
    fl_json_object(json, NULL);
    fl_json_text(json, "id", id);
    fl_json_text(json, "name",
                 e->site != FL_NET_NONE ? site->name
                                        : net->parts[net->sources[e->source].part].name);
    fl_json_text(json, "site", site->id);
    fl_json_text(json, "site_name", site->name);
    fl_json_text(json, "country", site->country[0] == '\0' ? NULL : site->country);
    fl_json_text(json, "supplier",
                 site->supplier == FL_NET_NONE ? NULL : net->suppliers[site->supplier].id);
    fl_json_text(json, "supplier_name",
                 site->supplier == FL_NET_NONE ? NULL : net->suppliers[site->supplier].name);
    fl_supply_json_days(json, "ttr_days", e->loss.days);
    fl_supply_json_days(json, "tts_days", e->loss.tts_days);
    fl_json_f64(json, "lost_profit", e->loss.lost_profit);
    fl_json_f64(json, "lost_revenue", e->loss.lost_revenue);
    fl_json_f64(json, "lost_units", e->loss.lost_units);
    fl_json_f64(json, "rei", e->rei);
    fl_supply_json_days(json, "gap_days", e->loss.gap_days);
    fl_json_array(json, "products");
    for (uint32_t i = 0; i < e->loss.product_count; i++)
        fl_json_text(json, NULL, net->products[e->loss.products[i].product].id);
    fl_json_end(json);
    put_flags(json, f, e);
    fl_json_end(json);
}

static int by_loss(const void *a, const void *b)
{
    const struct fl_exposed *x = a, *y = b;

    if (x->loss.lost_profit != y->loss.lost_profit)
        return x->loss.lost_profit < y->loss.lost_profit ? 1 : -1;
    return x->site != y->site       ? (x->site < y->site ? -1 : 1)
           : x->source == y->source ? 0
           : x->source < y->source  ? -1
                                    : 1;
}

static void put_missing(struct fl_json *json, const struct fl_net *net)
{
    fl_json_array(json, "missing");
    for (uint32_t i = 0, n = 0; i < net->site_count && n < 200; i++) {
        const char *what = what_is_missing(&net->sites[i]);

        if (what == NULL)
            continue;
        fl_json_object(json, NULL);
        fl_json_text(json, "table", "sites");
        fl_json_text(json, "key", net->sites[i].id);
        fl_json_text(json, "text", what);
        fl_json_end(json);
        n++;
    }
    fl_json_end(json);
}

static int run_all(const struct fl_work_in *in, struct fl_err *err)
{
    const struct all_question *q = in->arg;
    const struct fl_net *net = in->net->net;
    int64_t begun_us = fl_now_mono_us();
    struct fl_exposed *list = NULL;
    struct fl_exposure *x = NULL;
    struct flags flags;
    struct fl_json json;
    uint32_t count = 0;
    int r = fl_work_exposure(in->net, &x, err);

    if (r < 0)
        return r;
    r = fl_exposure_all(x, q->per, in->stop, in->arena, &list, &count, err);
    fl_work_exposure_back(in->net, x);
    if (r >= 0)
        r = take_flags(net, in->arena, &flags, err);
    if (r < 0)
        return r;
    qsort(list, count, sizeof *list, by_loss);
    fl_json_init(&json, in->out);
    fl_json_object(&json, NULL);
    fl_json_time(&json, "computed", in->now_us);
    fl_json_u64(&json, "elapsed_ms", (uint64_t)(fl_now_mono_us() - begun_us) / 1000);
    fl_json_u64(&json, "net_version", net->version);
    fl_json_text(&json, "currency", net->base_currency);
    fl_json_text(&json, "per", q->per == FL_PER_SITE ? "site" : "node");
    fl_json_array(&json, "items");
    for (uint32_t i = 0; i < count; i++)
        put_exposed(&json, &flags, &list[i]);
    fl_json_end(&json);
    put_missing(&json, net);
    fl_json_text(
        &json, "formula",
        "lost_profit = PI(ttr_days): min sum f l of the program for time to recover; rei = "
        "lost_profit / the largest of all; gap_days = max(0, ttr_days - tts_days)");
    fl_supply_json_assumptions(&json);
    fl_json_u64(&json, "total", count);
    fl_json_null(&json, "next");
    fl_json_end(&json);
    return FL_OK;
}

int fl_api_exposure(struct fl_req *req, struct fl_err *err)
{
    struct fl_span per = fl_req_param(req, "per");
    bool node = fl_span_eq(per, FL_SPAN("node"));
    struct all_question *q;

    if (per.ptr != NULL && !node && !fl_span_eq(per, FL_SPAN("site"))) {
        req->field = "per";
        return fl_err_set(err, FL_E_INVAL, "per is site or node (a part at a site)");
    }
    q = calloc(1, sizeof *q);
    if (q == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a question");
    q->per = node ? FL_PER_NODE : FL_PER_SITE;

    const struct fl_work_ask ask = {.run = run_all,
                                    .arg = q,
                                    .arg_free = free,
                                    .net = true,
                                    .is_long = true,
                                    .question = node ? "exposure per=node" : "exposure per=site"};
    return fl_work_answer(req, &ask, err);
}

/* ---- some together, over time ---- */

struct curve_question {
    char names[FL_API_PATH_MAX]; /* comma list */
    bool nodes;
    double until_days, left; /* until 0: preset */
};

/* "part@site", or the site's id. */
static int find_down(const struct fl_net *net, const struct curve_question *q, struct fl_span name,
                     struct fl_outage *ret, struct fl_err *err)
{
    const unsigned char *at = memchr(name.ptr, '@', name.len);
    uint32_t part, site;

    *ret = (struct fl_outage){
        .site = FL_NET_NONE, .source = FL_NET_NONE, .left = q->left, .days = NAN};
    if (!q->nodes) {
        ret->site = fl_net_site_find(net, name);
        return ret->site != FL_NET_NONE
                   ? FL_OK
                   : fl_err_set(err, FL_E_INVAL, "sites: there is no site '%.*s'",
                                FL_SPAN_ARG(name));
    }
    if (at != NULL) {
        size_t len = (size_t)(at - name.ptr);

        part = fl_net_item_find(net, fl_span_of(name.ptr, len));
        site = fl_net_site_find(net, fl_span_of(at + 1, name.len - len - 1));
        if (part != FL_NET_NONE && !fl_net_is_product(net, part) && site != FL_NET_NONE)
            ret->source = fl_net_source_find(net, part, site);
    }
    return ret->source != FL_NET_NONE
               ? FL_OK
               : fl_err_set(err, FL_E_INVAL, "nodes: there is no source '%.*s' (part@site)",
                            FL_SPAN_ARG(name));
}

static int find_all_down(const struct fl_net *net, const struct curve_question *q,
                         struct fl_outage *ret, size_t *ret_count, struct fl_err *err)
{
    const char *at = q->names;
    size_t n = 0;

    while (*at != '\0') {
        size_t len = strcspn(at, ",");
        int r;

        if (len > 0) {
            if (n == DOWN_MAX)
                return fl_err_set(err, FL_E_INVAL, "at most %u can be down at once", DOWN_MAX);
            r = find_down(net, q, fl_span_of(at, len), &ret[n++], err);
            if (r < 0)
                return r;
        }
        at += len + (at[len] == ',');
    }
    *ret_count = n;
    return n > 0 ? FL_OK
                 : fl_err_set(err, FL_E_INVAL,
                              "say what is down: sites=ID,ID or nodes=part@site,...");
}

static double upper_at(const struct fl_daily *points, const double *days, uint32_t count, double t)
{
    for (uint32_t i = 1; i < count; i++)
        if (t <= days[i]) {
            double part = (t - days[i - 1]) / (days[i] - days[i - 1]);

            return points[i - 1].lost_profit +
                   part * (points[i].lost_profit - points[i - 1].lost_profit);
        }
    return points[count - 1].lost_profit;
}

/* The upper side, at a few lengths; straight between them. */
static int put_upper(struct fl_json *json, const struct fl_work_in *in,
                     const struct fl_outage *outages, size_t count, const struct fl_curve *curve,
                     struct fl_err *err)
{
    static const struct fl_daily_rule rule = {.allocation = FL_ALLOCATE_PROFIT};
    struct fl_daily points[UPPER_POINTS + 1] = {{.days = 0}};
    double days[UPPER_POINTS + 1] = {0}, until = curve->days[curve->count - 1];

    for (uint32_t i = 1; i <= UPPER_POINTS; i++) {
        int r;

        days[i] = until * i / UPPER_POINTS;
        if (atomic_load(in->stop))
            return fl_err_set(err, FL_E_TIMEOUT, "nobody waits for it any more");
        r = fl_daily_run(in->net->net, outages, count, days[i], &rule, in->arena, &points[i], err);
        if (r < 0)
            return r;
    }
    fl_json_array(json, "upper");
    for (uint32_t i = 0; i < curve->count; i++)
        fl_json_f64(
            json, NULL,
            fmax(curve->profit[i], upper_at(points, days, UPPER_POINTS + 1, curve->days[i])));
    fl_json_end(json);
    return FL_OK;
}

static void put_series(struct fl_json *json, const char *key, const double *values, uint32_t count)
{
    fl_json_array(json, key);
    for (uint32_t i = 0; i < count; i++)
        fl_json_f64(json, NULL, values[i]);
    fl_json_end(json);
}

static void put_stops(struct fl_json *json, const struct fl_net *net, const struct fl_loss *loss)
{
    fl_json_array(json, "stops");
    for (uint32_t i = 0; i < loss->product_count; i++) {
        const struct fl_loss_product *p = &loss->products[i];

        if (!isfinite(p->tts_days))
            continue;
        fl_json_object(json, NULL);
        fl_json_text(json, "product", net->products[p->product].id);
        fl_json_text(json, "name", net->products[p->product].name);
        fl_json_f64(json, "day", p->tts_days);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static void put_curve_formula(struct fl_json *json)
{
    static const char *const lines[] = {
        "profit(t) = PI(t) = min sum over products v of f_v l_v",
        "bill: sum over users j of quantity_kj u_j - sum over sources i of k of u_i <= stock_k",
        "capacity: sum of u_i at a site <= capacity x share left x t",
        "demand: l_v + u_v >= demand_v t - stock_v; u = 0 for what is down; l, u >= 0",
        "tts_days = max t with all l = 0; null: no exposure",
        // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): a long text goes over two lines
        "upper(t): the same outage day by day; who was down delivers again a lead time after it is "
        "back, so its standstill is t and a lead time",
    };

    fl_json_array(json, "formula");
    for (size_t i = 0; i < FL_LEN(lines); i++)
        fl_json_text(json, NULL, lines[i]);
    fl_json_end(json);
}

static void put_down(struct fl_json *json, const struct fl_net *net,
                     const struct fl_outage *outages, size_t count)
{
    fl_json_array(json, "down");
    for (size_t i = 0; i < count; i++) {
        uint32_t site =
            outages[i].site != FL_NET_NONE ? outages[i].site : net->sources[outages[i].source].site;

        fl_json_object(json, NULL);
        fl_json_text(json, "site", net->sites[site].id);
        fl_json_text(json, "part",
                     outages[i].source == FL_NET_NONE
                         ? NULL
                         : net->parts[net->sources[outages[i].source].part].id);
        fl_json_text(json, "name", net->sites[site].name);
        fl_json_f64(json, "left", outages[i].left);
        fl_supply_json_days(json, "ttr_days", net->sites[site].ttr_days);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static int write_curve(const struct fl_work_in *in, const struct fl_outage *outages, size_t count,
                       const struct fl_loss *loss, const struct fl_curve *curve, struct fl_err *err)
{
    const struct fl_net *net = in->net->net;
    struct fl_json json;
    int r;

    fl_json_init(&json, in->out);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "currency", net->base_currency);
    fl_json_u64(&json, "net_version", net->version);
    put_down(&json, net, outages, count);
    put_series(&json, "days", curve->days, curve->count);
    put_series(&json, "profit", curve->profit, curve->count);
    put_series(&json, "revenue", curve->revenue, curve->count);
    r = put_upper(&json, in, outages, count, curve, err);
    if (r < 0)
        return r;
    fl_supply_json_days(&json, "tts_days", loss->tts_days);
    fl_supply_json_days(&json, "ttr_days", loss->days);
    fl_json_f64(&json, "lost_profit", loss->lost_profit);
    fl_json_f64(&json, "lost_revenue", loss->lost_revenue);
    fl_json_f64(&json, "lost_units", loss->lost_units);
    fl_supply_json_days(&json, "gap_days", loss->gap_days);
    fl_supply_json_revenue(&json, "revenue_at_risk", net, loss, fl_day_of(in->now_us), in->arena);
    put_stops(&json, net, loss);
    fl_supply_json_products(&json, net, loss);
    put_curve_formula(&json);
    r = fl_supply_json_rows(&json, net, outages, count, in->arena, err);
    fl_supply_json_assumptions(&json);
    fl_json_end(&json);
    return r;
}

static int calculate(const struct fl_work_in *in, struct fl_exposure *x,
                     const struct fl_outage *outages, size_t count, double until_days,
                     struct fl_loss *loss, struct fl_curve *curve, struct fl_err *err)
{
    int r = fl_exposure_loss(x, outages, count, 0, in->arena, loss, err);
    uint32_t steps;

    if (r < 0)
        return r;
    if (!(until_days > 0))
        until_days = fmin(UNTIL_MAX, fmax(30, ceil(1.5 * loss->days)));
    steps = until_days <= STEPS_MAX ? (uint32_t)ceil(until_days) : STEPS_MAX;
    return fl_exposure_curve(x, outages, count, until_days, steps, in->arena, curve, err);
}

static int run_curve(const struct fl_work_in *in, struct fl_err *err)
{
    const struct curve_question *q = in->arg;
    struct fl_outage *outages = fl_arena_get(in->arena, DOWN_MAX * sizeof *outages);
    struct fl_exposure *x = NULL;
    struct fl_curve curve;
    struct fl_loss loss;
    size_t count = 0;
    int r;

    if (outages == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a question");
    r = find_all_down(in->net->net, q, outages, &count, err);
    if (r == FL_OK)
        r = fl_work_exposure(in->net, &x, err);
    if (r < 0)
        return r;
    r = calculate(in, x, outages, count, q->until_days, &loss, &curve, err);
    fl_work_exposure_back(in->net, x);
    return r < 0 ? r : write_curve(in, outages, count, &loss, &curve, err);
}

static int take_number(struct fl_req *req, const char *name, double low, double high, double *ret,
                       struct fl_err *err)
{
    struct fl_span text = fl_req_param(req, name);
    char *end;
    double value;

    if (text.ptr == NULL)
        return FL_OK;
    value = strtod((const char *)text.ptr, &end); /* decoded: has its NUL */
    if (text.len == 0 || end != (const char *)text.ptr + text.len || !(value >= low) ||
        value > high) {
        req->field = name;
        return fl_err_set(err, FL_E_INVAL, "%s is a number from %g to %g", name, low, high);
    }
    *ret = value;
    return FL_OK;
}

int fl_api_exposure_curve(struct fl_req *req, struct fl_err *err)
{
    struct fl_span sites = fl_req_param(req, "sites"), nodes = fl_req_param(req, "nodes");
    struct fl_span names = nodes.ptr != NULL ? nodes : sites;
    struct curve_question *q;
    int r;

    if (names.ptr == NULL || (nodes.ptr != NULL && sites.ptr != NULL)) {
        req->field = "sites";
        return fl_err_set(err, FL_E_INVAL, "say what is down: sites=ID,ID or nodes=part@site,...");
    }
    q = calloc(1, sizeof *q);
    if (q == NULL || names.len >= sizeof q->names) {
        free(q);
        return fl_err_set(err, FL_E_LIMIT, "the list of what is down is too long");
    }
    memcpy(q->names, names.ptr, names.len);
    q->nodes = nodes.ptr != NULL;
    r = take_number(req, "until", 1, UNTIL_MAX, &q->until_days, err);
    if (r == FL_OK)
        r = take_number(req, "left", 0, 1, &q->left, err);
    if (r < 0) {
        free(q);
        return r;
    }

    const struct fl_work_ask ask = {.run = run_curve, .arg = q, .arg_free = free, .net = true};
    return fl_work_answer(req, &ask, err);
}
