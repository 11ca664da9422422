/*
 * What the plans of a case avoid: the event as the case knows it now, drawn many times over the
 * network as it is now, with each plan and without (supply/plan.h), all under the same draws.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cases.h"
#include "api/work.h"
#include "supply/simulate_json.h"

#define DRAWS_PRESET 2000u
#define DRAWS_MIN    100u
#define DRAWS_MAX    100000u
#define SPREAD       0.5 /* of days that nobody confirmed: half to one and a half times */

struct site {
    char id[FL_CASE_ID_MAX + 1];
    double probability, days;
    bool confirmed;
};

struct question { /* a copy of all that the thread needs */
    uint64_t draws, seed;
    struct site site[FL_CASE_SITES_MAX];
    size_t sites;
    struct fl_plan_row plan[FL_PLAN_ROWS_MAX];
    size_t plans;
};

/* ---- on the loop: what the case says ---- */

static double scaled(int64_t value, double by)
{
    return value == FL_CASE_UNKNOWN ? (double)NAN : (double)value / by;
}

static int take_site(void *ctx, const struct fl_case_site *s)
{
    struct question *q = ctx;
    bool confirmed = strcmp(s->status, "confirmed") == 0;
    double probability = scaled(s->probability_m, 1000);

    if ((!confirmed && strcmp(s->status, "potential") != 0) || q->sites == FL_CASE_SITES_MAX)
        return 0;
    (void)snprintf(q->site[q->sites].id, sizeof q->site[0].id, "%s", s->site);
    q->site[q->sites].confirmed = confirmed;
    q->site[q->sites].probability = confirmed || isnan(probability) ? 1 : probability;
    q->site[q->sites].days = scaled(s->down_m, 1000);
    q->sites++;
    return 0;
}

static int take_plan(void *ctx, const struct fl_plan_row *p)
{
    struct question *q = ctx;

    if (strcmp(p->state, "dropped") != 0 && q->plans < FL_PLAN_ROWS_MAX)
        q->plan[q->plans++] = *p;
    return 0;
}

/* ---- on a thread ---- */

struct scene {
    const struct question *q;
    const struct fl_work_in *in;
    struct fl_sim_source source;
    struct fl_plan plan[FL_PLAN_ROWS_MAX];
    char id[FL_PLAN_ROWS_MAX][16];
    const char *first[FL_PLAN_ROWS_MAX][1];
    struct fl_plan_set chosen;
    unsigned unknown; /* sites that the network does not have */
};

static void *room(struct scene *s, size_t bytes)
{
    return fl_arena_get(s->in->arena, bytes);
}

/* One event that is there for certain, with the sites of the case. */
static int make_source(struct scene *s, struct fl_err *err)
{
    const struct fl_net *net = s->in->net->net;
    struct fl_sim_hit *hits = room(s, (s->q->sites + 1) * sizeof *hits);
    uint32_t count = 0;

    if (hits == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to compare plans");
    for (size_t i = 0; i < s->q->sites; i++) {
        const struct site *site = &s->q->site[i];
        uint32_t at = fl_net_site_find(net, fl_span_str(site->id));
        double days = site->days, spread = site->confirmed ? 0 : SPREAD;

        if (at == FL_NET_NONE) {
            s->unknown++;
            continue;
        }
        if (isnan(days))
            days = net->sites[at].ttr_days;
        if (isnan(days) || days <= 0)
            continue; /* back at once */
        hits[count++] =
            (struct fl_sim_hit){.site = at,
                                .probability = site->probability,
                                .days = {days * (1 - spread), days, days * (1 + spread)}};
    }
    s->source = (struct fl_sim_source){.id = "case",
                                       .type = "case",
                                       .certain = true,
                                       .length = FL_LENGTH_PERT,
                                       .hits = hits,
                                       .hit_count = count};
    return count > 0 ? FL_OK
                     : fl_err_set(err, FL_E_INVAL,
                                  "no site of the case is down or may be: there is nothing that a "
                                  "plan could avoid");
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void make_plans(struct scene *s)
{
    s->chosen.id = "chosen";
    for (size_t i = 0; i < s->q->plans; i++) {
        const struct fl_plan_row *row = &s->q->plan[i];
        bool is_first = strcmp(row->kind, "allocation") == 0;

        (void)snprintf(s->id[i], sizeof s->id[i], "%u", row->id);
        s->first[i][0] = row->product;
        s->plan[i] = (struct fl_plan){
            .id = s->id[i],
            .name = row->title,
            .kind = (enum fl_plan_kind)fl_plan_kind_find(fl_span_str(row->kind)),
            .item = or_null(row->part[0] != '\0' ? row->part
                            : is_first           ? ""
                                                 : row->product),
            .site = or_null(row->site),
            .to = or_null(row->to_site),
            .units = row->units_m == FL_CASE_UNKNOWN ? 0 : (double)row->units_m / 1000,
            .days = row->bring_up_m == FL_CASE_UNKNOWN ? 0 : (double)row->bring_up_m / 1000,
            .first = is_first ? s->first[i] : NULL,
            .first_count = is_first ? 1 : 0,
            .cost = scaled(row->cost_c, 100)};
        if (strcmp(row->state, "chosen") == 0 || strcmp(row->state, "done") == 0)
            s->chosen.plans[s->chosen.count++] = (uint32_t)i;
    }
}

static void put_words(struct fl_json *json, const struct scene *s)
{
    fl_json_text(json, "formula",
                 "avoids = mean over draws of (loss without - loss with); p10, p90 of the same; "
                 "per_money = avoids / cost; overlap of the chosen set = sum of what its plans "
                 "avoid alone - what they avoid together");
    fl_json_array(json, "assumptions");
    fl_json_text(json, NULL,
                 "Confirmed sites are down for certain, for the days that were said; without days "
                 "for their time to recover.");
    fl_json_text(
        json, NULL,
        "Potential sites are down with their probability (1 where none is known), for half "
        "to one and a half times their days (PERT).");
    fl_json_text(json, NULL, "Every plan sees the same draws; the network is the one of now.");
    fl_json_end(json);
    fl_json_array(json, "rows_used");
    for (size_t i = 0; i < s->q->sites; i++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "site", s->q->site[i].id);
        fl_json_f64(json, "probability", s->q->site[i].probability);
        fl_json_f64(json, "days", s->q->site[i].days);
        fl_json_bool(json, "confirmed", s->q->site[i].confirmed);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_u64(json, "sites_not_in_network", s->unknown);
}

static int write(struct scene *s, const struct fl_compare *c, struct fl_err *err)
{
    struct fl_plan_result *plans = NULL;
    struct fl_sim_result base = {.years = 0};
    struct fl_json json;
    uint32_t count = 0;
    int r = fl_compare_result(c, s->in->arena, &plans, &count, err);

    if (r == FL_OK)
        r = fl_sim_result(fl_compare_base(c), s->in->arena, &base, err);
    if (r < 0)
        return r;
    fl_json_init(&json, s->in->out);
    fl_json_object(&json, NULL);
    fl_json_u64(&json, "draws", s->q->draws);
    fl_json_u64(&json, "seed", s->q->seed);
    fl_json_text(&json, "currency", s->in->net->net->base_currency);
    fl_json_u64(&json, "net_version", s->in->net->net->version);
    fl_json_f64(&json, "loss_without", base.mean);
    fl_compare_write(&json, c, plans, count);
    put_words(&json, s);
    fl_json_end(&json);
    return FL_OK;
}

static int compare(struct scene *s, struct fl_err *err)
{
    struct fl_compare_spec spec = {.sim = {.net = s->in->net->net,
                                           .sources = &s->source,
                                           .source_count = 1,
                                           .seed = s->q->seed,
                                           .years = (uint32_t)s->q->draws},
                                   .plans = s->plan,
                                   .plan_count = (uint32_t)s->q->plans,
                                   .sets = &s->chosen,
                                   .set_count = s->chosen.count > 1 ? 1 : 0};
    struct fl_compare *c = NULL;
    int r = fl_compare_new(&spec, &c, err);

    if (r < 0)
        return r;
    r = fl_compare_run(c, s->in->stop, err);
    if (r == FL_OK)
        r = write(s, c, err);
    fl_compare_free(c);
    return r;
}

static int run(const struct fl_work_in *in, struct fl_err *err)
{
    struct scene *s = calloc(1, sizeof *s);
    int r;

    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to compare plans");
    s->q = in->arg;
    s->in = in;
    r = make_source(s, err);
    make_plans(s);
    if (r == FL_OK)
        r = compare(s, err);
    free(s);
    return r;
}

/* ---- the request ---- */

static int fill(struct fl_req *req, struct question *q, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case c;
    int r = fl_case_take(req, &kit, &c, err);

    q->draws = DRAWS_PRESET;
    q->seed = c.number;
    if (r == FL_OK)
        r = fl_req_param_num(req, "draws", DRAWS_MIN, DRAWS_MAX, &q->draws, err);
    if (r >= 0)
        r = fl_req_param_num(req, "seed", 0, INT64_MAX, &q->seed, err);
    if (r >= 0)
        r = fl_db_case_site_each(kit.db, c.id, take_site, q, err);
    if (r >= 0)
        r = fl_db_plan_each(kit.db, c.id, take_plan, q, err);
    if (r == FL_OK && q->plans == 0)
        return fl_err_set(err, FL_E_INVAL, "the case has no plan to compare; draft one first");
    return r;
}

int fl_api_case_compare(struct fl_req *req, struct fl_err *err)
{
    struct question *q = calloc(1, sizeof *q);
    int r;

    if (q == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to compare plans");
    r = fill(req, q, err);
    if (r < 0) {
        free(q);
        return r;
    }
    return fl_work_answer(
        req,
        &(struct fl_work_ask){.run = run, .arg = q, .arg_free = free, .net = true, .is_long = true},
        err);
}
