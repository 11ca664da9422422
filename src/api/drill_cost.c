/* On a thread: what the event of a drill would cost, and the case that it opens. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/drill_int.h"
#include "api/supply_json.h"
#include "supply/drill_cost.h"

static void put(char *to, size_t size, const char *from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)size - 1, from);
}

static void put_span(char *to, size_t size, struct fl_span from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)(from.len < size ? from.len : size - 1), from.ptr);
}

static int64_t scaled(double value, double by)
{
    return isfinite(value) ? (int64_t)llround(value * by) : FL_CASE_UNKNOWN;
}

static void put_quantile(struct fl_json *json, const char *key, const struct fl_sim_quantile *q)
{
    fl_json_array(json, key);
    fl_json_f64(json, NULL, q->low);
    fl_json_f64(json, NULL, q->high);
    fl_json_end(json);
}

static void put_curve(struct fl_json *json, const char *key, const struct fl_drill_curve *c,
                      double step)
{
    fl_json_object(json, key);
    fl_json_f64(json, "mean", c->mean);
    fl_json_f64(json, "any", c->any);
    fl_json_f64(json, "p50", c->p50.value);
    fl_json_f64(json, "p95", c->p95.value);
    fl_json_f64(json, "cvar95", c->cvar95);
    fl_json_object(json, "confidence");
    put_quantile(json, "p50", &c->p50);
    put_quantile(json, "p95", &c->p95);
    fl_json_end(json);
    fl_json_array(json, "exceedance");
    for (uint32_t k = 0; k <= FL_DRILL_STEPS; k++) {
        fl_json_array(json, NULL);
        fl_json_f64(json, NULL, k * step);
        fl_json_f64(json, NULL, c->above[k]);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_end(json);
}

static void put_assumptions(struct fl_json *json)
{
    static const char *const texts[] = {
        "The event is as it was, moved and scaled as the drill says; the network is today's.",
        "Sites are down independently of each other.",
        "Days that a site is down are starting values by judgement, by how badly it is hit.",
        "Losses are those of the program: a lower bound, with perfect allocation.",
        "The same event, network and seed give the same figures to the byte."};

    fl_json_array(json, "assumptions");
    for (size_t i = 0; i < FL_LEN(texts); i++)
        fl_json_text(json, NULL, texts[i]);
    fl_json_end(json);
}

static int put_cost(const struct fl_work_in *in, const struct fl_world_event *event,
                    const struct fl_drill_cost *c, struct fl_err *err)
{
    const struct fl_drill_job *j = in->arg;
    const struct fl_net *net = in->net->net;
    struct fl_json json;

    fl_json_init(&json, in->out);
    fl_json_object(&json, NULL);
    fl_json_u64(&json, "seed", j->seed);
    fl_json_u64(&json, "draws", c->draws);
    fl_json_u64(&json, "net_version", net->version);
    fl_json_text(&json, "currency", net->base_currency);
    fl_json_u64(&json, "sites", c->impact.site_count);
    put_curve(&json, "today", &c->today, c->loss_step);
    put_curve(&json, "more", &c->more, c->loss_step);
    fl_json_f64(&json, "more_days", FL_DRILL_MORE_DAYS);
    fl_json_u64(&json, "more_products", c->more_products);
    fl_json_f64(&json, "more_units", c->more_units);
    fl_json_text(&json, "cost_formula", fl_drill_cost_formula);
    fl_supply_json_footprint(&json, "footprint", event);
    fl_supply_json_impact(&json, net, &c->impact);
    fl_json_f64(&json, "net_loss", c->impact.net_loss);
    fl_json_f64(&json, "lost_profit", c->impact.all.lost_profit);
    fl_json_f64(&json, "lost_revenue", c->impact.all.lost_revenue);
    put_assumptions(&json);
    fl_json_end(&json);
    return fl_buf_status(in->out, err);
}

static void take_site(const struct fl_net *net, const struct fl_impact_site *from,
                      struct fl_case_site *to)
{
    const struct fl_net_site *s = &net->sites[from->hit.site];

    memset(to, 0, sizeof *to);
    put(to->site, sizeof to->site, s->id);
    put(to->name, sizeof to->name, s->name);
    if (s->supplier != FL_NET_NONE) {
        put(to->supplier, sizeof to->supplier, net->suppliers[s->supplier].id);
        put(to->supplier_name, sizeof to->supplier_name, net->suppliers[s->supplier].name);
    }
    put(to->measure, sizeof to->measure, fl_measure_name(from->hit.measure));
    to->value_m = scaled(from->hit.value, 1000);
    to->sigma_m = scaled(from->hit.sigma, 1000);
    to->probability_m = scaled(from->hit.probability, 1000);
    to->down_m = scaled(from->hit.down_days[1], 1000);
    to->stock_m = FL_CASE_UNKNOWN;
    to->loss_c = scaled(from->loss, 100);
}

/* The case that the drill opens, should it. */
static void take_case(struct fl_drill_job *j, const struct fl_net *net,
                      const struct fl_world_event *event, const struct fl_impact *im)
{
    struct fl_case *c = &j->c;

    c->exercise = true;
    c->severity = FL_CASE_HIGH;
    c->event_us = event->from_us;
    c->net_loss_c = scaled(im->net_loss, 100);
    c->confirmed_c = 0;
    c->potential_c = scaled(im->all.lost_revenue, 100);
    c->first_m = scaled(im->first_tts_days, 1000);
    put_span(c->event, sizeof c->event, event->type);
    put_span(c->event_title, sizeof c->event_title, event->title);
    put_span(c->event_place, sizeof c->event_place, event->place);
    put(c->currency, sizeof c->currency, net->base_currency);
    if (im->first != FL_NET_NONE)
        put(c->first_product, sizeof c->first_product, net->products[im->first].name);
    for (uint32_t i = 0; i < im->site_count && j->sites < FL_DRILL_CASE_SITES; i++)
        if (im->sites[i].hit.probability >= FL_DRILL_CASE_LIKELY)
            take_site(net, &im->sites[i], &j->site[j->sites++]);
}

int fl_drill_job_run(const struct fl_work_in *in, struct fl_err *err)
{
    struct fl_drill_job *j = in->arg;
    struct fl_drill_cost_of of = {.net = in->net->net,
                                  .index = in->net->index,
                                  .seed = j->seed,
                                  .draws = j->draws,
                                  .stop = in->stop,
                                  .done = in->done};
    struct fl_drill_cost *cost = fl_arena_get(in->arena, sizeof *cost);
    struct fl_world_event *event = fl_arena_get(in->arena, sizeof *event);
    int r;

    if (cost == NULL || event == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a calculation");
    of.event = event;
    r = fl_world_event_read(fl_buf_span(&j->event), in->arena, event, err);
    if (r == FL_OK)
        r = fl_work_exposure(in->net, &of.x, err);
    if (r < 0)
        return r;
    r = fl_drill_cost(&of, in->arena, cost, err);
    fl_work_exposure_back(in->net, of.x);
    if (r < 0)
        return r;
    j->net_version = in->net->net->version;
    take_case(j, in->net->net, event, &cost->impact);
    return put_cost(in, event, cost, err);
}
