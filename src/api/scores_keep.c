/* Scores between questions, and their trend from day to day. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/scores.h"
#include "base/time.h"
#include "db/db_risk.h"
#include "db/db_score.h"

enum { LOOK_TICKS = 30, ROWS_PER_TICK = 400 };

struct storing { /* one tenant's scores on their way to the database */
    struct fl_api *api;
    uint32_t tenant;
    struct fl_work_job *job;    /* NULL: it is calculated */
    struct fl_score_kept *kept; /* NULL: it could not be */
    int32_t today_day;
    uint64_t net_version;
    unsigned kind;
    uint32_t at;
    bool noted;
};

struct fl_score_store {
    struct fl_score_kept *kept; /* newest first */
    struct storing *storing;    /* NULL: none */
    unsigned ticks;
};

static struct fl_score_store *store_of(struct fl_api *api)
{
    if (api->scores == NULL)
        api->scores = calloc(1, sizeof *api->scores);
    return api->scores;
}

static void unref(struct fl_score_kept *k)
{
    if (k == NULL || atomic_fetch_sub(&k->refs, 1) > 1)
        return;
    fl_work_net_unref(k->net);
    fl_arena_done(&k->arena);
    free(k);
}

/* ---- what a question needs ---- */

struct gather {
    struct fl_score_ask *ask;
    uint32_t id[FL_SCORES_RISKS_MAX];
    uint32_t count;
    uint64_t signature;
};

static int note_risk(void *ctx, const struct fl_risk *risk)
{
    struct gather *g = ctx;
    const uint64_t is[] = {risk->id, (uint64_t)risk->computed_us};

    if (risk->exercise || g->count == FL_SCORES_RISKS_MAX)
        return FL_OK;
    g->id[g->count++] = risk->id;
    g->signature = g->signature * 31 + fl_span_hash(fl_span_of(is, sizeof is));
    return FL_OK;
}

static int read_risks(struct fl_api *api, const struct gather *g, struct fl_err *err)
{
    for (uint32_t i = 0; i < g->count; i++) {
        struct fl_buf *text = &g->ask->risk[g->ask->risks];
        int r;

        fl_buf_init(text, FL_RISK_DETAILS_MAX + 1);
        g->ask->risks++;
        r = fl_db_risk_details(api->db, g->id[i], text, err);
        if (r < 0 && r != FL_E_NOENT)
            return r;
    }
    return FL_OK;
}

static struct fl_score_kept *find(struct fl_api *api, uint32_t tenant, uint64_t signature)
{
    struct fl_score_kept *k = store_of(api) == NULL ? NULL : api->scores->kept;

    while (k != NULL && (k->tenant != tenant || k->signature != signature))
        k = k->next;
    if (k != NULL)
        atomic_fetch_add(&k->refs, 1);
    return k;
}

int fl_score_ask_init(struct fl_api *api, uint32_t tenant, struct fl_score_ask *ask,
                      struct fl_err *err)
{
    struct gather g = {.ask = ask};
    struct fl_db_list list;
    struct fl_db_score_state state;
    int64_t now_us = api->env.now_us();
    uint64_t version = 0;
    int r;

    *ask = (struct fl_score_ask){.today_day = fl_day_of(now_us)};
    r = fl_db_score_state(api->db, tenant, &state, err);
    if (r == FL_OK)
        r = fl_score_rule_read(state.rule, &ask->rule, err);
    if (r == FL_OK)
        r = fl_work_version(api->env.work, tenant, &version, err);
    if (r == FL_OK)
        r = fl_db_risks(api->db, tenant, FL_RISKS_OPEN, now_us,
                        (struct fl_db_page){.limit = FL_SCORES_RISKS_MAX}, note_risk, &g, &list,
                        err);
    if (r < 0)
        return r;
    ask->signature = g.signature ^ fl_span_hash(fl_span_str(state.rule)) ^
                     (version * UINT64_C(0x9e3779b97f4a7c15)) ^
                     ((uint64_t)(uint32_t)ask->today_day << 32);
    ask->kept = find(api, tenant, ask->signature);
    return ask->kept != NULL ? FL_OK : read_risks(api, &g, err);
}

void fl_score_ask_done(struct fl_score_ask *ask)
{
    for (uint32_t i = 0; i < ask->risks; i++)
        fl_buf_done(&ask->risk[i]);
    ask->risks = 0;
    unref(ask->kept);
    ask->kept = NULL;
}

/* ---- on a thread ---- */

/* The chance that any of the events that are known hits a site. */
static void add_known(const struct fl_net *net, struct fl_span text, double *known)
{
    json_t *root = json_loadb((const char *)text.ptr, text.len, 0, NULL), *hit;
    size_t i;

    json_array_foreach(json_object_get(root, "hits"), i, hit)
    {
        const char *site = json_string_value(json_object_get(hit, "site"));
        double p = json_number_value(json_object_get(hit, "probability"));
        uint32_t at = site == NULL ? FL_NET_NONE : fl_net_site_find(net, fl_span_str(site));

        if (at != FL_NET_NONE && p > 0 && p <= 1)
            known[at] = 1 - (1 - known[at]) * (1 - p);
    }
    json_decref(root);
}

static int find_facts(const struct fl_work_in *in, const struct fl_score_ask *ask,
                      struct fl_score_kept *k, struct fl_err *err)
{
    const struct fl_net *net = in->net->net;
    double *known = fl_arena_get(&k->arena, (net->site_count + 1u) * sizeof *known);
    struct fl_exposed *nodes = NULL, *sites = NULL;
    struct fl_exposure *x = NULL;
    uint32_t count;
    int r = known == NULL ? fl_err_set(err, FL_E_LIMIT, "the network is too large for scores")
                          : fl_work_exposure(in->net, &x, err);

    if (r < 0)
        return r;
    memset(known, 0, (net->site_count + 1u) * sizeof *known);
    for (uint32_t i = 0; i < ask->risks; i++)
        add_known(net, fl_buf_span(&ask->risk[i]), known);
    r = fl_exposure_all(x, FL_PER_NODE, in->stop, &k->arena, &nodes, &count, err);
    if (r == FL_OK)
        r = fl_exposure_all(x, FL_PER_SITE, in->stop, &k->arena, &sites, &count, err);
    fl_work_exposure_back(in->net, x);
    k->events = ask->risks;
    k->facts = (struct fl_score_facts){.nodes = nodes,
                                       .sites = sites,
                                       .rates = fl_event_rates,
                                       .rate_count = fl_event_rate_count,
                                       .known = known,
                                       .today_day = ask->today_day};
    return r;
}

int fl_score_ask_run(const struct fl_work_in *in, struct fl_score_ask *ask, struct fl_err *err)
{
    struct fl_score_kept *k;
    int r;

    if (ask->kept != NULL)
        return FL_OK;
    k = calloc(1, sizeof *k);
    if (k == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for scores");
    fl_arena_init(&k->arena, FL_WORK_ARENA_MAX);
    atomic_init(&k->refs, 1);
    k->tenant = in->tenant;
    k->signature = ask->signature;
    k->rule = ask->rule;
    k->computed_us = in->now_us;
    k->net = fl_work_net_ref(in->net);
    r = find_facts(in, ask, k, err);
    if (r == FL_OK)
        r = fl_scores_new(in->net->net, &k->rule, &k->facts, in->stop, &k->arena, &k->scores, err);
    for (int kind = 0; r == FL_OK && kind < FL_SCORE_KINDS; kind++)
        r = fl_score_order(k->scores, (enum fl_score_kind)kind, &k->arena, &k->order[kind], err);
    if (r < 0) {
        unref(k);
        return r;
    }
    ask->kept = k;
    return FL_OK;
}

void fl_score_ask_keep(struct fl_api *api, struct fl_score_ask *ask)
{
    struct fl_score_store *store = store_of(api);
    struct fl_score_kept *k = ask->kept, **at;
    unsigned n = 0;

    if (store == NULL || k == NULL)
        return;
    for (struct fl_score_kept *is = store->kept; is != NULL; is = is->next)
        if (is == k)
            return;
    k->next = store->kept;
    store->kept = k;
    atomic_fetch_add(&k->refs, 1);
    for (at = &k->next; *at != NULL;) { /* older ones of this tenant, and too many */
        struct fl_score_kept *old = *at;

        if (old->tenant != k->tenant && ++n < FL_SCORES_KEPT_MAX) {
            at = &old->next;
            continue;
        }
        *at = old->next;
        old->next = NULL;
        unref(old);
    }
}

/* ---- day by day ---- */

static void storing_free(struct storing *s)
{
    if (s == NULL)
        return;
    fl_work_drop(s->job);
    unref(s->kept);
    free(s);
}

static void storing_end(struct fl_api *api)
{
    struct storing *s = api->scores->storing;

    api->scores->storing = NULL;
    storing_free(s);
}

static int run_storing(const struct fl_work_in *in, struct fl_err *err)
{
    return fl_score_ask_run(in, in->arg, err);
}

static void ask_free(void *arg)
{
    fl_score_ask_done(arg);
    free(arg);
}

/* Where it failed it is tried again tomorrow, or with another network. */
static void calculated(void *ctx, const struct fl_work_in *in, int r, const struct fl_err *err)
{
    struct storing *s = ctx;
    struct fl_score_ask *ask = in->arg;

    (void)err;
    s->job = NULL;
    if (r < 0)
        return;
    s->net_version = in->net->net->version;
    s->kept = ask->kept;
    atomic_fetch_add(&s->kept->refs, 1);
    fl_score_ask_keep(s->api, ask);
}

static int64_t milli(double score)
{
    return isnan(score) ? FL_DB_SCORE_NONE : llround(1000 * score);
}

static int put_some(struct storing *s, struct fl_err *err)
{
    const struct fl_score_kept *k = s->kept;

    for (unsigned n = 0; n < ROWS_PER_TICK && s->kind < FL_SCORE_KINDS;) {
        enum fl_score_kind kind = (enum fl_score_kind)s->kind;
        uint32_t count = fl_score_count(k->scores, kind), i;
        const struct fl_risk_score *score;
        int r;

        if (s->at == count || s->at == FL_SCORES_STORED) {
            s->kind++;
            s->at = 0;
            continue;
        }
        i = k->order[kind][s->at++];
        score = fl_score_get(k->scores, kind, i);
        r = fl_db_score_put(s->api->db, s->tenant,
                            &(struct fl_db_score){.kind = s->kind,
                                                  .id = fl_score_id(k->scores, kind, i),
                                                  .day = s->today_day,
                                                  .score_milli = milli(score->score),
                                                  .high_milli = milli(score->high)},
                            err);
        if (r < 0)
            return r;
        n++;
    }
    return FL_OK;
}

/* What the rows are of is noted before they are written, also where that fails: once a day is
 * enough. */
static int note_day(struct storing *s, struct fl_err *err)
{
    struct fl_db_score_state state;
    int r = fl_db_score_state(s->api->db, s->tenant, &state, err);

    if (r < 0)
        return r;
    state.day = s->today_day;
    state.net_version = s->net_version;
    r = fl_db_score_state_set(s->api->db, s->tenant, &state, err);
    return r < 0 ? r
                 : fl_db_scores_forget(s->api->db, s->tenant, s->today_day - FL_DB_SCORE_DAYS, err);
}

static void store_some(struct fl_api *api)
{
    struct storing *s = api->scores->storing;
    struct fl_err err;
    int r;

    if (s->job != NULL)
        return;
    r = fl_db_begin(api->db, &err);
    if (r < 0)
        return;
    if (!s->noted)
        r = note_day(s, &err);
    s->noted = true;
    if (s->kept == NULL)
        s->kind = FL_SCORE_KINDS;
    else if (r == FL_OK)
        r = put_some(s, &err);
    if (r < 0) {
        fl_db_rollback(api->db);
        s->kind = FL_SCORE_KINDS;
    } else if (fl_db_commit(api->db, &err) < 0) {
        s->kind = FL_SCORE_KINDS;
    }
    if (s->kind >= FL_SCORE_KINDS)
        storing_end(api);
}

static int begin_storing(struct storing *s, struct fl_err *err)
{
    struct fl_score_ask *ask = calloc(1, sizeof *ask);
    int r = ask == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for scores")
                        : fl_score_ask_init(s->api, s->tenant, ask, err);

    if (r < 0) {
        if (ask != NULL)
            ask_free(ask);
        return r;
    }
    s->today_day = ask->today_day;
    return fl_work_start(
        s->api->env.work, s->tenant,
        &(struct fl_work_ask){
            .run = run_storing, .arg = ask, .arg_free = ask_free, .net = true, .is_long = true},
        calculated, s, &s->job, err);
}

/* The first tenant whose rows are of another day or of another network. */
static int look_at(void *ctx, const struct fl_tenant *row)
{
    struct fl_api *api = ctx;
    struct fl_db_score_state state;
    uint64_t version = 0;
    struct storing *s;
    struct fl_err err;

    if (api->scores->storing != NULL ||
        fl_work_version(api->env.work, row->id, &version, &err) < 0 || version == 0 ||
        fl_db_score_state(api->db, row->id, &state, &err) < 0 ||
        (state.day == fl_day_of(api->env.now_us()) && state.net_version == version))
        return FL_OK;
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return FL_OK;
    s->api = api;
    s->tenant = row->id;
    s->net_version = version;
    api->scores->storing = s;
    if (begin_storing(s, &err) < 0)
        storing_end(api);
    return FL_OK;
}

void fl_api_scores_tick(struct fl_api *api)
{
    struct fl_err err;

    if (api->db == NULL || store_of(api) == NULL)
        return;
    if (api->scores->storing != NULL)
        store_some(api);
    else if (api->scores->ticks++ % LOOK_TICKS == 0)
        (void)!fl_db_tenants(api->db, (struct fl_db_page){.limit = 0}, look_at, api, NULL, &err);
}

void fl_api_scores_free(struct fl_api *api)
{
    struct fl_score_store *store = api->scores;

    if (store == NULL)
        return;
    storing_free(store->storing);
    while (store->kept != NULL) {
        struct fl_score_kept *k = store->kept;

        store->kept = k->next;
        unref(k);
    }
    free(store);
    api->scores = NULL;
}
