/* Years that might come, on all threads there are for it. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "api/parts.h"
#include "api/supply_api.h"
#include "api/supply_json.h"
#include "api/work.h"
#include "base/time.h"
#include "supply/simulate.h"

#define YEARS_PRESET 10000u
#define YEARS_MIN    100u
#define THREADS_MAX  4u
#define SHARES_SHOWN 20u
#define WATCH_NS     100000000L

struct question {
    uint64_t years, seed, threads;
};

struct crew { /* the threads of one simulation */
    struct fl_sim *sim;
    const struct fl_work_in *in;
    int r[THREADS_MAX];
    struct fl_err err[THREADS_MAX];
    atomic_uint next;
};

static void *work(void *ctx)
{
    struct crew *c = ctx;
    unsigned i = atomic_fetch_add(&c->next, 1);

    c->r[i] = fl_sim_run(c->sim, c->in->stop, &c->err[i]);
    return NULL;
}

/* Says how far it is until all are done; this thread only watches. */
static void *watch(void *ctx)
{
    struct crew *c = ctx;
    const struct timespec nap = {.tv_nsec = WATCH_NS};
    double done;

    do {
        done = fl_sim_progress(c->sim);
        atomic_store(c->in->done, (unsigned)(1000 * fmin(1, fmax(0, done))));
        (void)nanosleep(&nap, NULL);
    } while (done < 1 && !atomic_load(c->in->stop) && atomic_load(&c->next) < THREADS_MAX + 1);
    return NULL;
}

static int run_crew(struct crew *c, unsigned threads, struct fl_err *err)
{
    pthread_t thread[THREADS_MAX], watcher;
    unsigned begun = 0;
    bool watched = pthread_create(&watcher, NULL, watch, c) == 0;

    while (begun + 1 < threads && pthread_create(&thread[begun], NULL, work, c) == 0)
        begun++;
    (void)work(c); /* this one as well */
    for (unsigned i = 0; i < begun; i++)
        (void)pthread_join(thread[i], NULL);
    for (unsigned i = 0; i <= begun; i++)
        if (c->r[i] < 0) {
            *err = c->err[i];
            break;
        }
    atomic_store(&c->next, THREADS_MAX + 1); /* the watcher goes */
    if (watched)
        (void)pthread_join(watcher, NULL);
    for (unsigned i = 0; i <= begun; i++)
        if (c->r[i] < 0)
            return c->r[i];
    return FL_OK;
}

static void put_quantile(struct fl_json *json, const char *key, const struct fl_sim_quantile *q)
{
    fl_json_array(json, key);
    fl_json_f64(json, NULL, q->low);
    fl_json_f64(json, NULL, q->high);
    fl_json_end(json);
}

static void put_shares(struct fl_json *json, const char *key, const struct fl_net *net,
                       const struct fl_sim_share *list, uint32_t count)
{
    fl_json_array(json, key);
    for (uint32_t i = 0; i < count && i < SHARES_SHOWN; i++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "id",
                     list[i].site != FL_NET_NONE ? net->sites[list[i].site].id : list[i].type);
        fl_json_text(json, "name",
                     list[i].site != FL_NET_NONE ? net->sites[list[i].site].name : list[i].type);
        fl_json_f64(json, "per_year", list[i].per_year);
        fl_json_f64(json, "outages_per_year", list[i].outages_per_year);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static void put_result(struct fl_json *json, const struct fl_net *net,
                       const struct fl_sim_result *s)
{
    fl_json_f64(json, "mean", s->mean);
    fl_json_f64(json, "deviation", s->deviation);
    fl_json_f64(json, "p50", s->p50.value);
    fl_json_f64(json, "p90", s->p90.value);
    fl_json_f64(json, "p95", s->p95.value);
    fl_json_f64(json, "p99", s->p99.value);
    fl_json_f64(json, "cvar95", s->cvar95);
    fl_json_f64(json, "any", s->any);
    fl_json_object(json, "confidence");
    fl_json_array(json, "mean");
    fl_json_f64(json, NULL, s->mean_low);
    fl_json_f64(json, NULL, s->mean_high);
    fl_json_end(json);
    put_quantile(json, "p50", &s->p50);
    put_quantile(json, "p90", &s->p90);
    put_quantile(json, "p95", &s->p95);
    put_quantile(json, "p99", &s->p99);
    fl_json_end(json);
    fl_json_array(json, "exceedance");
    for (unsigned i = 0; i < FL_SIM_POINTS; i++) {
        fl_json_array(json, NULL);
        fl_json_f64(json, NULL, s->points[i].total);
        fl_json_f64(json, NULL, s->points[i].probability);
        fl_json_f64(json, NULL, s->points[i].largest);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_f64(json, "events_per_year", s->events_per_year);
    fl_json_f64(json, "outages_per_year", s->outages_per_year);
    fl_json_u64(json, "outages_left_out", s->outages_left_out);
    put_shares(json, "sites", net, s->sites, s->site_count);
    put_shares(json, "types", net, s->types, s->type_count);
}

static void put_assumptions(struct fl_json *json)
{
    static const char *const texts[] = {
        "Each source of events happens Poisson distributed at its rate; the rates are starting "
        "values by judgement.",
        "A year's loss is that of the outages that begin in it, by the joint curve of what is down "
        "at the same time: a lower bound.",
        "Every number is drawn at (seed, source, year, site): the same seed gives the same answer "
        "on any number of threads.",
        "confidence: 0.95 limits, of quantiles by order statistics. exceedance: [loss of a year, "
        "probability, largest single loss].",
    };

    fl_json_array(json, "assumptions");
    for (size_t i = 0; i < FL_LEN(texts); i++)
        fl_json_text(json, NULL, texts[i]);
    fl_json_end(json);
}

static int answer(const struct fl_work_in *in, const struct question *q, const struct fl_sim *sim,
                  int64_t begun_us, struct fl_err *err)
{
    const struct fl_net *net = in->net->net;
    struct fl_sim_result s;
    struct fl_json json;
    int r = fl_sim_result(sim, in->arena, &s, err);

    if (r < 0)
        return r;
    fl_json_init(&json, in->out);
    fl_json_object(&json, NULL);
    fl_json_u64(&json, "years", s.years);
    fl_json_u64(&json, "seed", q->seed);
    fl_json_text(&json, "currency", net->base_currency);
    fl_json_u64(&json, "net_version", net->version);
    fl_json_u64(&json, "elapsed_ms", (uint64_t)(fl_now_mono_us() - begun_us) / 1000);
    fl_json_text(&json, "rates_version", fl_event_rates_version);
    put_result(&json, net, &s);
    put_assumptions(&json);
    fl_json_end(&json);
    return FL_OK;
}

static int run(const struct fl_work_in *in, struct fl_err *err)
{
    const struct question *q = in->arg;
    struct fl_sim_spec spec = {.net = in->net->net, .seed = q->seed, .years = (uint32_t)q->years};
    struct crew crew = {.in = in};
    struct fl_sim_source *sources = NULL;
    int64_t begun_us = fl_now_mono_us();
    int r = fl_sim_sources(spec.net, fl_event_rates, fl_event_rate_count, in->arena, &sources,
                           &spec.source_count, err);

    spec.sources = sources;
    if (r == FL_OK)
        r = fl_sim_new(&spec, &crew.sim, err);
    if (r < 0)
        return r;
    r = run_crew(&crew, (unsigned)q->threads, err);
    if (r == FL_OK)
        r = answer(in, q, crew.sim, begun_us, err);
    fl_sim_free(crew.sim);
    return r;
}

int fl_api_simulate(struct fl_req *req, struct fl_err *err)
{
    struct question *q = calloc(1, sizeof *q);
    int r;

    if (q == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a question");
    *q = (struct question){.years = YEARS_PRESET, .seed = 1, .threads = 2};
    r = fl_req_num(req, "years", YEARS_MIN, FL_SIM_YEARS_MAX, &q->years, err);
    if (r >= 0)
        r = fl_req_num(req, "seed", 0, INT64_MAX, &q->seed, err);
    if (r >= 0)
        r = fl_req_num(req, "threads", 1, THREADS_MAX, &q->threads, err);
    if (r < 0) {
        free(q);
        return r;
    }
    return fl_work_answer(
        req,
        &(struct fl_work_ask){.run = run, .arg = q, .arg_free = free, .net = true, .is_long = true},
        err);
}
