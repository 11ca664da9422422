#include "supply/simulate_json.h"

#include <math.h>
#include <string.h>

#include "base/attr.h"

/* ---- out ---- */

static void limits(struct fl_json *json, const char *key, double low, double high)
{
    fl_json_array(json, key);
    fl_json_f64(json, NULL, low);
    fl_json_f64(json, NULL, high);
    fl_json_end(json);
}

static void write_confidence(struct fl_json *json, const struct fl_sim_result *r)
{
    fl_json_object(json, "confidence");
    fl_json_f64(json, "level", 0.95);
    limits(json, "mean", r->mean_low, r->mean_high);
    limits(json, "p50", r->p50.low, r->p50.high);
    limits(json, "p90", r->p90.low, r->p90.high);
    limits(json, "p95", r->p95.low, r->p95.high);
    limits(json, "p99", r->p99.low, r->p99.high);
    fl_json_end(json);
}

static void write_curve(struct fl_json *json, const char *key, const struct fl_sim_result *r,
                        bool largest)
{
    fl_json_array(json, key);
    for (unsigned i = 0; i < FL_SIM_POINTS; i++) {
        const struct fl_sim_point *p = &r->points[i];

        if (p->probability * r->years >= 1) /* seen once at least */
            limits(json, NULL, largest ? p->largest : p->total, p->probability);
    }
    fl_json_end(json);
}

static void write_shares(struct fl_json *json, const struct fl_net *net,
                         const struct fl_sim_result *r)
{
    fl_json_array(json, "sites");
    for (uint32_t i = 0; i < r->site_count; i++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "id", net->sites[r->sites[i].site].id);
        fl_json_text(json, "name", net->sites[r->sites[i].site].name);
        fl_json_f64(json, "loss", r->sites[i].per_year);
        fl_json_f64(json, "outages", r->sites[i].outages_per_year);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_array(json, "types");
    for (uint32_t i = 0; i < r->type_count; i++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "type", r->types[i].type);
        fl_json_f64(json, "loss", r->types[i].per_year);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static void write_words(struct fl_json *json, const struct fl_sim_spec *spec)
{
    static const char *const assumed[] = {
        "rates are starting values by judgement unless a table of one's own was given",
        "events are independent of each other and even over the year",
        "a year's loss is that of the outages that begin in it, to their end",
        "outages of a site that overlap are one, with the smaller share left"};

    fl_json_array(json, "formula");
    fl_json_text(json, NULL,
                 "events of a source in a year ~ Poisson(rate); days out ~ PERT, "
                 "lognormal or geometric");
    fl_json_text(json, NULL,
                 "loss = sum over times without a change of sum_j max(0, dPI_Sj - "
                 "dPI_Sj-1), S1 < S2 < ... by when they went down");
    fl_json_text(json, NULL, "cvar95 = mean of the worst twentieth of the years");
    fl_json_end(json);
    fl_json_array(json, "assumptions");
    for (size_t i = 0; i < FL_LEN(assumed); i++)
        fl_json_text(json, NULL, assumed[i]);
    fl_json_text(json, NULL,
                 spec->daily != NULL
                     ? "day by day, with lead times and allocation: an upper side"
                     : "PI by the program, without transit and with perfect allocation: a lower "
                       "bound");
    fl_json_end(json);
}

void fl_sim_write(struct fl_json *json, const struct fl_net *net, const struct fl_sim_spec *spec,
                  const struct fl_sim_result *r)
{
    fl_json_u64(json, "years", r->years);
    fl_json_u64(json, "seed", spec->seed);
    fl_json_text(json, "currency", net->base_currency);
    fl_json_f64(json, "mean", r->mean);
    fl_json_f64(json, "deviation", r->deviation);
    fl_json_f64(json, "p50", r->p50.value);
    fl_json_f64(json, "p90", r->p90.value);
    fl_json_f64(json, "p95", r->p95.value);
    fl_json_f64(json, "p99", r->p99.value);
    fl_json_f64(json, "cvar95", r->cvar95);
    fl_json_f64(json, "years_with_loss", r->any);
    write_confidence(json, r);
    write_curve(json, "exceedance", r, false);
    write_curve(json, "exceedance_single", r, true);
    fl_json_f64(json, "events_per_year", r->events_per_year);
    fl_json_f64(json, "outages_per_year", r->outages_per_year);
    fl_json_u64(json, "outages_left_out", r->outages_left_out);
    fl_json_u64(json, "sources", spec->source_count);
    write_shares(json, net, r);
    write_words(json, spec);
}

void fl_compare_write(struct fl_json *json, const struct fl_compare *c,
                      const struct fl_plan_result *plans, uint32_t count)
{
    fl_json_text(json, "by", fl_compare_daily(c) ? "daily" : "program");
    fl_json_array(json, "plans");
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_plan_result *p = &plans[i];

        fl_json_object(json, NULL);
        fl_json_text(json, "id", p->id);
        fl_json_bool(json, "set", p->set);
        fl_json_f64(json, "cost", p->cost);
        fl_json_f64(json, "avoids", p->avoided);
        limits(json, "confidence", p->low, p->high);
        fl_json_f64(json, "p10", p->p10);
        fl_json_f64(json, "p90", p->p90);
        fl_json_f64(json, "per_money", p->per_money);
        fl_json_f64(json, "loss", p->loss);
        fl_json_f64(json, "overlap", p->set ? p->overlap : (double)NAN);
        fl_json_end(json);
    }
    fl_json_end(json);
}
