/* `fairlead supply simulate`: years that might come, on files. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/supply.h"
#include "supply/simulate_json.h"

enum { YEARS = 100000, THREADS_MAX = 64, SHOWN = 10 };

struct job {
    struct fl_cli *cli;
    struct fl_net *net;
    struct fl_compare_spec spec;
    struct fl_compare *compare;
    struct fl_daily_rule even;
    struct fl_plan plans[FL_PLANS_MAX];
    struct fl_plan_set sets[FL_PLANS_MAX];
    struct fl_event_rate *own_rates;
    struct fl_arena arena;
    unsigned threads;
    json_t *file; /* of plans: they borrow from it */
};

/* ---- plans from JSON ---- */

static double number_or(const json_t *object, const char *key, double none)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : none;
}

static int read_first(struct job *job, const json_t *list, struct fl_plan *plan, struct fl_err *err)
{
    const char **ids = fl_arena_get(&job->arena, (json_array_size(list) + 1) * sizeof *ids);
    const json_t *item;
    size_t i;

    if (ids == NULL)
        return fl_err_set(err, FL_E_LIMIT, "plan '%s': too many products", plan->id);
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return fl_err_set(err, FL_E_INVAL, "plan '%s': first is a list of product ids",
                              plan->id);
        ids[i] = json_string_value(item);
    }
    plan->first = ids;
    plan->first_count = (uint32_t)json_array_size(list);
    return FL_OK;
}

static int read_plan(struct job *job, const json_t *item, struct fl_err *err)
{
    const char *id = json_string_value(json_object_get(item, "id"));
    const char *kind = json_string_value(json_object_get(item, "kind"));
    int number = kind == NULL ? -1 : fl_plan_kind_find(fl_span_str(kind));
    struct fl_plan *plan = &job->plans[job->spec.plan_count];

    if (job->spec.plan_count == FL_PLANS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "more than %u plans", FL_PLANS_MAX);
    if (id == NULL || id[0] == '\0')
        return fl_err_set(err, FL_E_INVAL, "plan %u has no id", job->spec.plan_count + 1);
    if (number < 0)
        return fl_err_set(err, FL_E_INVAL,
                          "plan '%s': kind is buffer, second_source, alternate, last_time_buy or "
                          "allocation",
                          id);
    *plan = (struct fl_plan){.id = id,
                             .name = json_string_value(json_object_get(item, "name")),
                             .kind = (enum fl_plan_kind)number,
                             .item = json_string_value(json_object_get(item, "item")),
                             .site = json_string_value(json_object_get(item, "site")),
                             .to = json_string_value(json_object_get(item, "to")),
                             .units = number_or(item, "units", 0),
                             .days = number_or(item, "days", 0),
                             .cost = number_or(item, "cost", (double)NAN)};
    job->spec.plan_count++;
    return read_first(job, json_object_get(item, "first"), plan, err);
}

static int read_set(struct job *job, const json_t *list, struct fl_err *err)
{
    struct fl_plan_set *set = &job->sets[job->spec.set_count];
    char id[256] = "";
    struct fl_span kept;
    const json_t *item;
    size_t i;

    if (job->spec.set_count + job->spec.plan_count >= FL_PLANS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "more than %u plans and sets", FL_PLANS_MAX);
    json_array_foreach(list, i, item)
    {
        const char *one = json_string_value(item);
        uint32_t k = 0;
        size_t at = strlen(id);

        while (k < job->spec.plan_count && (one == NULL || strcmp(job->plans[k].id, one) != 0))
            k++;
        if (k == job->spec.plan_count || set->count == FL_PLANS_MAX)
            return fl_err_set(err, FL_E_INVAL, "set %u: there is no plan '%s'",
                              job->spec.set_count + 1, one == NULL ? "" : one);
        set->plans[set->count++] = k;
        (void)snprintf(id + at, sizeof id - at, "%s%s", at > 0 ? "+" : "", one);
    }
    kept = fl_arena_copy(&job->arena, fl_span_str(id));
    set->id = (const char *)kept.ptr;
    job->spec.set_count++;
    return kept.ptr == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory") : FL_OK;
}

/* {"plans": [{"id", "kind", ...}], "sets": [["a", "b"]]} */
static int read_plans(struct job *job, const char *path, struct fl_err *err)
{
    struct fl_buf text;
    json_error_t wrong;
    const json_t *item;
    size_t i;
    int r;

    fl_buf_init(&text, (size_t)1 << 20);
    r = fl_cli_read(path, &text, err);
    if (r == FL_OK) {
        job->file = json_loadb((const char *)text.ptr, text.len, 0, &wrong);
        if (job->file == NULL)
            r = fl_err_set(err, FL_E_INVAL, "line %d: %s", wrong.line, wrong.text);
    }
    fl_buf_done(&text);
    if (r == FL_OK && json_array_size(json_object_get(job->file, "plans")) == 0)
        r = fl_err_set(err, FL_E_INVAL,
                       "a list \"plans\" is wanted: {\"plans\": [{\"id\": \"b\", \"kind\": "
                       "\"buffer\", \"item\": \"p1\", \"units\": 500}]}");
    if (r == FL_OK)
        json_array_foreach(json_object_get(job->file, "plans"), i, item) if (r == FL_OK) r =
            read_plan(job, item, err);
    if (r == FL_OK)
        json_array_foreach(json_object_get(job->file, "sets"), i, item) if (r == FL_OK) r =
            read_set(job, item, err);
    return r < 0 ? fl_err_wrap(err, "%.200s", path) : FL_OK;
}

/* ---- options ---- */

static int number_of(const struct fl_cli *cli, enum fl_opt opt, const char *what, uint64_t low,
                     uint64_t high, uint64_t none, uint64_t *ret, struct fl_err *err)
{
    *ret = none;
    return cli->opt[opt] == NULL ? FL_OK : fl_args_number(what, cli->opt[opt], low, high, ret, err);
}

static int read_rates(struct job *job, const char *path, struct fl_err *err)
{
    struct fl_buf text;
    int r;

    fl_buf_init(&text, (size_t)1 << 20);
    r = fl_cli_read(path, &text, err);
    if (r == FL_OK)
        r = fl_event_rates_read(fl_span_of(text.ptr, text.len), &job->arena, &job->own_rates,
                                &job->spec.rate_count, err);
    fl_buf_done(&text);
    if (r < 0)
        return fl_err_wrap(err, "%.200s", path);
    job->spec.rates = job->own_rates;
    return FL_OK;
}

static int options(struct job *job, struct fl_err *err)
{
    struct fl_cli *cli = job->cli;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t years = 0, threads = 1;
    int r = number_of(cli, FL_OPT_YEARS, "--years", 1, FL_SIM_YEARS_MAX, YEARS, &years, err);

    if (r == FL_OK)
        r = number_of(cli, FL_OPT_SEED, "--seed", 0, UINT64_MAX, 1, &job->spec.sim.seed, err);
    if (r == FL_OK)
        r = number_of(cli, FL_OPT_THREADS, "--threads", 1, THREADS_MAX,
                      processors < 1             ? 1
                      : processors > THREADS_MAX ? THREADS_MAX
                                                 : (uint64_t)processors,
                      &threads, err);
    if (r < 0)
        return r;
    job->spec.sim.years = (uint32_t)years;
    job->threads = (unsigned)threads;
    job->spec.rates = fl_event_rates;
    job->spec.rate_count = fl_event_rate_count;
    if (fl_cli_flag(cli, FL_OPT_DAILY))
        job->spec.sim.daily = &job->even;
    if (cli->opt[FL_OPT_RATES] != NULL)
        r = read_rates(job, cli->opt[FL_OPT_RATES], err);
    if (r == FL_OK && cli->opt[FL_OPT_PLAN] != NULL)
        r = read_plans(job, cli->opt[FL_OPT_PLAN], err);
    job->spec.plans = job->plans;
    job->spec.sets = job->sets;
    return r;
}

/* ---- run ---- */

struct worker {
    struct fl_compare *compare;
    struct fl_err err;
    pthread_t thread;
    int code;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    w->code = fl_compare_run(w->compare, NULL, &w->err);
    return NULL;
}

static int run(struct job *job, struct fl_err *err)
{
    struct worker *workers = calloc(job->threads, sizeof *workers);
    unsigned begun = 0;
    int r = FL_OK;

    if (workers == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for %u threads", job->threads);
    for (unsigned i = 0; i < job->threads; i++)
        workers[i].compare = job->compare;
    /* The first is this thread; those that do not start are not needed. */
    for (unsigned i = 1; i < job->threads; i++, begun++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            break;
    (void)work(&workers[0]);
    for (unsigned i = 0; i <= begun; i++) {
        if (i > 0)
            (void)pthread_join(workers[i].thread, NULL);
        if (workers[i].code < 0 && r == FL_OK) {
            *err = workers[i].err;
            r = workers[i].code;
        }
    }
    free(workers);
    return r;
}

/* ---- answer ---- */

static void money(const struct job *job, const char *name, double value, const char *more)
{
    char text[FL_UNIT_TEXT_BYTES];

    fl_unit_count(value > 0 ? (uint64_t)llround(value) : 0, text);
    fl_cli_pair(job->cli, name, "%s %s%s", text, job->net->base_currency, more);
}

static void amount(struct fl_table *table, double value)
{
    char text[FL_UNIT_TEXT_BYTES + 1] = "";

    if (!isnan(value)) {
        text[0] = value <= -0.5 ? '-' : ' ';
        fl_unit_count((uint64_t)llround(fabs(value)), text + 1);
    }
    fl_table_text(table, text[0] == ' ' ? text + 1 : text);
}

static const struct fl_table_column site_columns[] = {
    {"site", false, 0, 0}, {"name", false, 12, 1}, {"loss a year", true, 0, 0}};
static const struct fl_table_column plan_columns[] = {
    {"plan", false, 12, 0}, {"cost", true, 0, 0}, {"avoids", true, 0, 0},
    {"P10", true, 0, 1},    {"P90", true, 0, 1},  {"per money", true, 0, 0}};

static int show_sites(const struct job *job, const struct fl_sim_result *out)
{
    struct fl_table *table = fl_table_new(&job->cli->term, site_columns, FL_LEN(site_columns));

    if (table == NULL)
        return fl_cli_usage("no memory");
    for (uint32_t i = 0; i < out->site_count && i < SHOWN; i++) {
        const struct fl_net_site *site = &job->net->sites[out->sites[i].site];

        fl_table_text(table, site->id);
        fl_table_text(table, site->name);
        amount(table, out->sites[i].per_year);
    }
    return fl_cli_print(table);
}

static int show_plans(const struct job *job, const struct fl_plan_result *plans, uint32_t count)
{
    struct fl_table *table = fl_table_new(&job->cli->term, plan_columns, FL_LEN(plan_columns));
    char text[32];

    if (table == NULL)
        return fl_cli_usage("no memory");
    for (uint32_t i = 0; i < count; i++) {
        fl_table_text(table, plans[i].id);
        amount(table, plans[i].cost);
        amount(table, plans[i].avoided);
        amount(table, plans[i].p10);
        amount(table, plans[i].p90);
        (void)snprintf(text, sizeof text, "%.2f", plans[i].per_money);
        fl_table_text(table, isnan(plans[i].per_money) ? "" : text);
    }
    return fl_cli_print(table);
}

static int show(const struct job *job, const struct fl_sim_result *out,
                const struct fl_plan_result *plans, uint32_t count)
{
    char any[FL_UNIT_TEXT_BYTES];
    int r;

    fl_unit_share(out->any, any);
    fl_cli_pair(job->cli, "years", "%u, with a loss in %s of them", out->years, any);
    money(job, "mean", out->mean, " a year");
    money(job, "1 year in 10", out->p90.value, " or more");
    money(job, "1 year in 20", out->p95.value, " or more");
    money(job, "1 year in 100", out->p99.value, " or more");
    money(job, "worst 5 %", out->cvar95, " on average");
    fl_cli_pair(job->cli, "rates", "%s",
                job->own_rates != NULL ? "of your own" : fl_event_rates_version);
    (void)printf("\n");
    r = out->site_count > 0 ? show_sites(job, out) : FL_EXIT_OK;
    if (r == FL_EXIT_OK && count > 0) {
        (void)printf("\n");
        r = show_plans(job, plans, count);
    }
    return r;
}

static int write_json(const struct job *job, const struct fl_sim_result *out,
                      const struct fl_plan_result *plans, uint32_t count, struct fl_err *err)
{
    struct fl_buf text;
    struct fl_json json;
    int r;

    fl_buf_init(&text, (size_t)256 << 20);
    fl_json_init(&json, &text);
    fl_json_object(&json, NULL);
    fl_sim_write(&json, job->net, fl_sim_spec(fl_compare_base(job->compare)), out);
    fl_compare_write(&json, job->compare, plans, count);
    fl_json_end(&json);
    fl_buf_put_u8(&text, '\n');
    r = fl_buf_status(&text, err);
    if (r == FL_OK)
        (void)fwrite(text.ptr, 1, text.len, stdout);
    fl_buf_done(&text);
    return r;
}

static int simulate(struct job *job)
{
    struct fl_plan_result *plans = NULL;
    struct fl_sim_result out;
    struct fl_err err = {.code = 0};
    uint32_t count = 0;
    int r = options(job, &err);

    job->spec.sim.net = job->net;
    if (r == FL_OK)
        r = fl_compare_new(&job->spec, &job->compare, &err);
    if (r == FL_OK)
        r = run(job, &err);
    if (r == FL_OK)
        r = fl_sim_result(fl_compare_base(job->compare), &job->arena, &out, &err);
    if (r == FL_OK)
        r = fl_compare_result(job->compare, &job->arena, &plans, &count, &err);
    if (r == FL_OK && fl_cli_flag(job->cli, FL_OPT_JSON))
        r = write_json(job, &out, plans, count, &err);
    else if (r == FL_OK)
        return show(job, &out, plans, count);
    return r < 0 ? fl_cli_fail(&err) : FL_EXIT_OK;
}

int fl_supply_run_simulate(struct fl_cli *cli)
{
    struct job *job = calloc(1, sizeof *job);
    int r;

    if (job == NULL)
        return fl_cli_usage("no memory");
    job->cli = cli;
    fl_arena_init(&job->arena, (size_t)2 << 30);
    r = fl_cli_net(cli->arg[0], 0, &job->net);
    if (r == FL_EXIT_OK)
        r = simulate(job);
    fl_compare_free(job->compare);
    fl_net_unref(job->net);
    fl_arena_done(&job->arena);
    json_decref(job->file);
    free(job);
    return r;
}
