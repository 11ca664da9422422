#include "api/desk.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cases.h"
#include "api/desk_int.h"
#include "api/supply_api.h"
#include "base/time.h"

enum { EXPIRE_ROWS = 200, SWEEP_DAYS = 60, NEWS_PERCENT = 20 };
#define FORGET_US (400 * FL_US_PER_DAY)
#define SAID_MAX  256u /* risks of a tenant, each second */

struct waiting {
    uint32_t event;
    int64_t told_us; /* monotonic */
};

struct tenant { /* with a network, or that had one */
    struct tenant *next;
    struct fl_api *api;
    uint32_t id;
    bool there;            /* in this round of looking */
    uint64_t version;      /* of the network whose risks are calculated or wait */
    struct waiting *waits; /* the newest last */
    size_t count, cap;
    bool sweep;                    /* all living events are to be looked at */
    struct fl_work_job *job;       /* NULL: none runs */
    struct fl_desk_batch *batch;   /* of the job; the job's */
    char problem[FL_RISK_WHY_MAX]; /* why the network cannot be calculated with; "" */
    uint64_t problem_version;
};

struct fl_desk {
    struct tenant *tenants;
    struct fl_desk_stat stat;
    unsigned ticks;
};

static struct fl_desk *desk_of(struct fl_api *api)
{
    if (api->desk == NULL)
        api->desk = calloc(1, sizeof *api->desk);
    return api->desk;
}

static struct tenant *find(struct fl_api *api, uint32_t id)
{
    struct tenant *t = api->desk == NULL ? NULL : api->desk->tenants;

    while (t != NULL && t->id != id)
        t = t->next;
    return t;
}

/* ---- what waits ---- */

static void begin(struct tenant *t);

/* Again behind the others when it waits already: it is looked at once, as it is then. */
static void wait_for(struct tenant *t, uint32_t event, int64_t told_us)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->waits[i].event != event)
            continue;
        told_us = t->waits[i].told_us;
        memmove(&t->waits[i], &t->waits[i + 1], (t->count - i - 1) * sizeof *t->waits);
        t->count--;
        break;
    }
    if (t->count >= FL_DESK_WAITING) {
        t->sweep = true;
        return;
    }
    if (t->count == t->cap) {
        size_t cap = t->cap == 0 ? 64 : 2 * t->cap;
        struct waiting *more = realloc(t->waits, cap * sizeof *more);

        if (more == NULL) {
            t->sweep = true; /* later */
            return;
        }
        t->waits = more;
        t->cap = cap;
    }
    t->waits[t->count++] = (struct waiting){.event = event, .told_us = told_us};
}

void fl_api_event_changed(struct fl_api *api, uint32_t event)
{
    struct fl_db_event row;
    struct fl_err err;

    if (api->db == NULL || desk_of(api) == NULL ||
        fl_db_event_get(api->db, event, &row, NULL, &err) < 0)
        return;
    for (struct tenant *t = api->desk->tenants; t != NULL; t = t->next) {
        if (row.tenant != 0 && row.tenant != t->id)
            continue;
        wait_for(t, event, fl_now_mono_us());
        begin(t);
    }
}

/* ---- rows ---- */

static int note(struct fl_api *api, const struct fl_risk *risk, const char *what, const char *text,
                struct fl_err *err)
{
    struct fl_risk_note n = {.risk = risk->id, .at_us = api->env.now_us()};

    (void)snprintf(n.what, sizeof n.what, "%s", what);
    (void)snprintf(n.text, sizeof n.text, "%s", text);
    return fl_db_risk_note(api->db, &n, err);
}

/* The event is over, withdrawn, or another one: what we know stays, it is not shown any more. */
static int end_risk(struct fl_api *api, uint32_t tenant, const struct fl_db_event *event,
                    const char **ret_what, struct fl_risk *ret, struct fl_err *err)
{
    struct fl_risk risk;
    int r = fl_db_risk_of(api->db, tenant, event->id, &risk, err);

    if (r == FL_E_NOENT)
        return FL_OK;
    if (r < 0 || risk.state == FL_RISK_ENDED)
        return r;
    risk.state = FL_RISK_ENDED;
    risk.computed_us = api->env.now_us();
    r = fl_db_risk_put(api->db, &risk, err);
    if (r == FL_OK)
        r = note(api, &risk, "ended",
                 event->merged_into != 0    ? "it is the same as another event"
                 : event->withdrawn_us != 0 ? "the event was withdrawn"
                                            : "its time is over",
                 err);
    *ret_what = "ended";
    *ret = risk;
    return r;
}

static void take_figure(struct fl_risk *risk, const struct fl_risk *f)
{
    struct fl_risk was = *risk;

    *risk = *f;
    risk->id = was.id;
    risk->tenant = was.tenant;
    risk->event = was.event;
    risk->first_us = was.first_us;
    risk->shown_us = was.shown_us;
    risk->muted_us = was.muted_us;
    memcpy(risk->mute_reason, was.mute_reason, sizeof was.mute_reason);
    memcpy(risk->mute_by, was.mute_by, sizeof was.mute_by);
    risk->mute_ppm = was.mute_ppm;
    risk->verdict = was.verdict;
    risk->verdict_us = was.verdict_us;
    memcpy(risk->verdict_by, was.verdict_by, sizeof was.verdict_by);
    risk->case_id = was.case_id;
}

static uint32_t state_of(const struct fl_risk *risk, int64_t small_cents, int64_t now_us)
{
    if (risk->ends_us != 0 && risk->ends_us <= now_us)
        return FL_RISK_ENDED;
    if (risk->sites == 0)
        return FL_RISK_UNTOUCHED;
    return risk->net_loss_cents < small_cents ? FL_RISK_SMALL : FL_RISK_OPEN;
}

static void money(int64_t cents, const char *currency, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%" PRId64 " %s", (cents + 50) / 100, currency);
}

/* The line of its history, and the word for listeners; NULL: nothing to say. */
static const char *news(const struct fl_risk *was, const struct fl_risk *is, char *text,
                        size_t size)
{
    int64_t moved = llabs(is->net_loss_cents - was->net_loss_cents);
    char before[48], after[48];

    money(was->net_loss_cents, is->currency, before, sizeof before);
    money(is->net_loss_cents, is->currency, after, sizeof after);
    if (was->id == 0) {
        (void)snprintf(text, size, "%s: net loss %s", fl_risk_state_name(is->state), after);
        return "new";
    }
    if (was->state != is->state) {
        (void)snprintf(text, size, "%s, was %s: net loss %s, was %s", fl_risk_state_name(is->state),
                       fl_risk_state_name(was->state), after, before);
        return is->state == FL_RISK_ENDED ? "ended" : "changed";
    }
    if (moved * 100 > was->net_loss_cents * NEWS_PERCENT && moved > 0) {
        (void)snprintf(text, size, "net loss %s, was %s", after, before);
        return "changed";
    }
    return NULL;
}

/* A mute holds as long as it is not more likely than whoever muted it knew. */
static int check_mute(struct fl_api *api, struct fl_risk *risk, struct fl_err *err)
{
    char text[160];

    if (risk->muted_us == 0 || risk->probability_ppm <= risk->mute_ppm)
        return FL_OK;
    (void)snprintf(text, sizeof text, "the probability is %.0f %%, above the %.0f %% of the mute",
                   (double)risk->probability_ppm / 1e4, (double)risk->mute_ppm / 1e4);
    risk->muted_us = 0;
    return note(api, risk, "unmuted", text, err);
}

static int keep_item(struct fl_api *api, const struct fl_desk_batch *batch,
                     struct fl_desk_item *item, const char **ret_what, struct fl_risk *ret,
                     struct fl_err *err)
{
    int64_t now_us = api->env.now_us();
    struct fl_risk risk = {.id = 0}, was;
    char text[FL_RISK_TEXT_MAX];
    const char *what;
    int r = fl_db_risk_of(api->db, batch->tenant, item->event.id, &risk, err);

    if (r < 0 && r != FL_E_NOENT)
        return r;
    if (r == FL_E_NOENT)
        risk =
            (struct fl_risk){.tenant = batch->tenant, .event = item->event.id, .first_us = now_us};
    was = risk;
    if (item->r == FL_OK) {
        take_figure(&risk, &item->figure);
    } else {
        (void)snprintf(risk.title, sizeof risk.title, "%s", item->event.title);
        (void)snprintf(risk.failure, sizeof risk.failure, "%.200s", item->err.text);
        risk.net_version = item->figure.net_version;
    }
    risk.computed_us = now_us;
    risk.state = item->r == FL_OK ? state_of(&risk, batch->small_cents, now_us) : risk.state;
    if (risk.state == FL_RISK_OPEN && risk.shown_us == 0)
        risk.shown_us = now_us;
    what = news(&was, &risk, text, sizeof text);
    r = fl_db_risk_put(api->db, &risk, err); /* a note needs its number */
    if (r == FL_OK && item->r == FL_OK)
        r = fl_db_risk_details_set(api->db, risk.id, fl_buf_span(&item->details), err);
    if (r == FL_OK)
        r = fl_db_risk_case_done(api->db, batch->tenant, item->event.id, item->turn, err);
    if (r == FL_OK && what != NULL)
        r = note(api, &risk, what, text, err);
    if (r == FL_OK && risk.muted_us != 0) {
        r = check_mute(api, &risk, err);
        if (r == FL_OK)
            r = fl_db_risk_put(api->db, &risk, err);
    }
    *ret_what = what == NULL ? "changed" : what;
    *ret = risk;
    return r;
}

/* ---- a batch comes back ---- */

struct told {
    const char *what; /* NULL: nobody is told */
    struct fl_risk risk;
};

static int keep_batch(struct fl_api *api, struct fl_desk_batch *batch, struct told *told,
                      struct fl_err *err)
{
    int r = fl_db_begin(api->db, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < batch->count && r == FL_OK; i++)
        r = keep_item(api, batch, &batch->items[i], &told[i].what, &told[i].risk, err);
    if (r == FL_OK)
        r = fl_db_commit(api->db, err);
    if (r < 0)
        fl_db_rollback(api->db);
    return r;
}

static void measure(struct fl_desk *desk, const struct fl_desk_batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++) {
        desk->stat.last_us = fl_now_mono_us() - batch->items[i].told_us;
        if (desk->stat.last_us > desk->stat.worst_us)
            desk->stat.worst_us = desk->stat.last_us;
        desk->stat.done++;
    }
}

static void set_problem(struct tenant *t, const char *text)
{
    (void)snprintf(t->problem, sizeof t->problem, "%.200s", text);
    t->problem_version = t->version;
}

static void on_batch(void *ctx, const struct fl_work_in *in, int r, const struct fl_err *err)
{
    struct tenant *t = ctx;
    struct fl_api *api = t->api;
    struct fl_desk_batch *batch = in->arg;
    struct told *told = calloc(FL_DESK_BATCH, sizeof *told);
    struct fl_err why = {.code = 0};

    t->job = NULL;
    if (r == FL_OK && told != NULL && api->db != NULL)
        r = keep_batch(api, batch, told, &why);
    else if (r < 0)
        why = *err;
    if (r < 0) {
        api->desk->stat.failed += batch->count;
        if (r == FL_E_AGAIN || r == FL_E_NOMEM) /* the same again, in a second */
            for (unsigned i = 0; i < batch->count; i++)
                wait_for(t, batch->items[i].event.id, batch->items[i].told_us);
        else
            set_problem(t, why.text);
    } else {
        t->problem[0] = '\0';
        measure(api->desk, batch);
        for (unsigned i = 0; i < batch->count && told != NULL; i++)
            if (told[i].what != NULL) {
                fl_api_risk_changed(api, &told[i].risk, told[i].what);
                fl_case_rules_run(api, &told[i].risk);
            }
    }
    free(told);
    if (r != FL_E_AGAIN && r != FL_E_NOMEM)
        begin(t);
}

/* ---- a batch goes out ---- */

static int take_word(void *ctx, const struct fl_case_site *site)
{
    struct fl_desk_item *item = ctx;

    if (strcmp(site->status, "confirmed") != 0 || item->word_count >= FL_CASE_SITES_MAX)
        return 0;
    memcpy(item->words[item->word_count].site, site->site, sizeof site->site);
    item->words[item->word_count++].days =
        site->down_m == FL_CASE_UNKNOWN ? NAN : (double)site->down_m / 1000;
    return 0;
}

/* What the risk's case has as confirmed, unless the case was void. */
static int take_words(struct tenant *t, struct fl_desk_item *item, struct fl_err *err)
{
    struct fl_db *db = t->api->db;
    struct fl_risk risk = {.case_id = 0};
    struct fl_case c = {.id = 0};
    int r = fl_db_risk_of(db, t->id, item->event.id, &risk, err);

    if (r == FL_E_NOENT || (r == FL_OK && risk.case_id == 0))
        return FL_OK;
    if (r == FL_OK)
        r = fl_db_case_get(db, t->id, risk.case_id, &c, err);
    if (r < 0 || strcmp(c.state, "void") == 0)
        return r == FL_E_NOENT ? FL_OK : r;
    item->words = calloc(FL_CASE_SITES_MAX, sizeof *item->words);
    if (item->words == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for what was confirmed");
    return fl_db_case_site_each(db, c.id, take_word, item, err);
}

/* 1: it is to be calculated; 0: there is nothing to do any more. */
static int pick_event(struct tenant *t, struct fl_desk_item *item, struct fl_err *err)
{
    struct fl_api *api = t->api;
    const char *what = NULL;
    struct fl_risk risk;
    int r;

    r = fl_db_event_get(api->db, item->event.id, &item->event, &item->json, err);
    if (r < 0)
        return r == FL_E_NOENT ? 0 : r;
    if (item->event.tenant != 0 && item->event.tenant != t->id)
        return 0;
    if (item->event.withdrawn_us == 0 && item->event.merged_into == 0 &&
        (item->event.status == FL_EVENT_ACTUAL || item->event.status == FL_EVENT_EXERCISE))
        return 1;
    r = end_risk(api, t->id, &item->event, &what, &risk, err);
    if (r == FL_OK && what != NULL)
        fl_api_risk_changed(api, &risk, what);
    if (item->event.merged_into != 0)
        wait_for(t, item->event.merged_into, fl_now_mono_us());
    return r;
}

static int pick_item(struct tenant *t, struct fl_desk_item *item, struct fl_err *err)
{
    int r = fl_db_risk_case_turn(t->api->db, t->id, item->event.id, &item->turn, err);

    if (r == FL_OK)
        r = take_words(t, item, err);
    if (r == FL_OK)
        r = pick_event(t, item, err);
    if (r == 0)
        (void)!fl_db_risk_case_done(t->api->db, t->id, item->event.id, item->turn, err);
    return r;
}

static struct fl_desk_batch *fill_batch(struct tenant *t, struct fl_err *err)
{
    struct fl_desk_batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL) {
        (void)fl_err_set(err, FL_E_NOMEM, "no memory for risks");
        return NULL;
    }
    batch->tenant = t->id;
    if (fl_db_risk_small(t->api->db, t->id, &batch->small_cents, err) < 0)
        batch->small_cents = FL_RISK_SMALL_PRESET;
    while (batch->count < FL_DESK_BATCH && t->count > 0) {
        struct waiting w = t->waits[--t->count];
        struct fl_desk_item *item = &batch->items[batch->count];
        int r;

        *item = (struct fl_desk_item){.event = {.id = w.event}, .told_us = w.told_us};
        fl_buf_init(&item->json, FL_EVENT_JSON_MAX + 1);
        fl_buf_init(&item->details, FL_RISK_DETAILS_MAX);
        r = pick_item(t, item, err);
        if (r == 1) {
            batch->count++;
        } else {
            fl_buf_done(&item->json);
            fl_buf_done(&item->details);
            free(item->words);
        }
    }
    return batch;
}

static void begin(struct tenant *t)
{
    struct fl_work_ask ask = {.run = fl_desk_run, .arg_free = fl_desk_batch_free, .net = true};
    struct fl_err err;
    struct fl_desk_batch *batch;

    if (t->job != NULL || t->count == 0 || t->api->db == NULL)
        return;
    batch = fill_batch(t, &err);
    if (batch == NULL)
        return;
    if (batch->count == 0) {
        fl_desk_batch_free(batch);
        return;
    }
    ask.arg = batch;
    t->batch = batch;
    if (fl_work_start(t->api->env.work, t->id, &ask, on_batch, t, &t->job, &err) < 0) {
        t->job = NULL; /* the batch is gone; what was in it is found by the next sweep */
        t->sweep = true;
        if (err.code != FL_E_AGAIN)
            set_problem(t, err.text);
    }
}

/* ---- sweeps: after a change of the network, and at the beginning ---- */

struct sweep {
    struct tenant *tenant;
    uint32_t *ids;
    size_t count, cap;
};

static int collect(void *ctx, uint32_t event)
{
    struct sweep *s = ctx;

    if (s->count >= FL_DESK_WAITING)
        return FL_OK;
    if (s->count == s->cap) {
        size_t cap = s->cap == 0 ? 256 : 2 * s->cap;
        uint32_t *more = realloc(s->ids, cap * sizeof *more);

        if (more == NULL)
            return FL_E_NOMEM;
        s->ids = more;
        s->cap = cap;
    }
    s->ids[s->count++] = event;
    return FL_OK;
}

/* Was it calculated with this network, after it changed last? */
static bool is_done(struct tenant *t, uint32_t event)
{
    struct fl_risk risk;
    struct fl_db_event row;
    struct fl_err err;

    if (fl_db_risk_of(t->api->db, t->id, event, &risk, &err) < 0)
        return false;
    if (fl_db_event_get(t->api->db, event, &row, NULL, &err) < 0)
        return true;
    if (risk.state == FL_RISK_ENDED)
        return risk.computed_us >= row.changed_us;
    return risk.net_version == t->version && risk.computed_us >= row.changed_us &&
           row.withdrawn_us == 0 && row.merged_into == 0;
}

static void sweep(struct tenant *t)
{
    struct fl_api *api = t->api;
    int64_t since_us = api->env.now_us() - SWEEP_DAYS * FL_US_PER_DAY, now_us = fl_now_mono_us();
    struct sweep s = {.tenant = t};
    struct fl_err err;
    int r = fl_db_events_living(api->db, t->id, since_us, collect, &s, &err);

    if (r == FL_OK) /* also what is not living: it may have been withdrawn meanwhile */
        r = fl_db_risks_stale(api->db, t->id, t->version, 0, FL_DESK_WAITING, collect, &s, &err);
    for (size_t i = 0; i < s.count; i++)
        if (!is_done(t, s.ids[i]))
            wait_for(t, s.ids[i], now_us);
    free(s.ids);
    t->sweep = r < 0;
}

/* What people said in cases since. */
static int hear(void *ctx, uint32_t event)
{
    wait_for(ctx, event, fl_now_mono_us());
    return 0;
}

static void listen_to_cases(struct tenant *t)
{
    struct fl_err err;

    (void)!fl_db_risks_said(t->api->db, t->id, SAID_MAX, hear, t, &err);
}

void fl_api_desk_again(struct fl_api *api, uint32_t tenant)
{
    struct tenant *t = find(api, tenant);
    struct sweep s = {.tenant = t};
    struct fl_err err;

    if (t == NULL || api->db == NULL)
        return;
    if (fl_db_risks_stale(api->db, tenant, UINT64_MAX, 0, FL_DESK_WAITING, collect, &s, &err) ==
        FL_OK)
        for (size_t i = 0; i < s.count; i++)
            wait_for(t, s.ids[i], fl_now_mono_us());
    free(s.ids);
    begin(t);
}

/* ---- which tenants ---- */

static int look_at(void *ctx, const struct fl_tenant *row)
{
    struct fl_api *api = ctx;
    struct tenant *t = find(api, row->id);
    uint64_t version = 0;
    struct fl_err err;

    if (fl_work_version(api->env.work, row->id, &version, &err) < 0)
        return FL_OK;
    if (t == NULL && version == 0)
        return FL_OK;
    if (t == NULL) {
        t = calloc(1, sizeof *t);
        if (t == NULL)
            return FL_OK;
        t->id = row->id;
        t->api = api;
        t->next = api->desk->tenants;
        api->desk->tenants = t;
    }
    t->there = version != 0 || t->job != NULL;
    if (t->version != version && version != 0) {
        t->version = version;
        t->sweep = true;
        t->problem[0] = '\0';
    }
    return FL_OK;
}

static void tenant_free(struct tenant *t)
{
    fl_work_drop(t->job);
    free(t->waits);
    free(t);
}

static void look_around(struct fl_api *api)
{
    struct tenant **at = &api->desk->tenants;
    struct fl_err err;

    for (struct tenant *t = api->desk->tenants; t != NULL; t = t->next)
        t->there = false;
    if (fl_db_tenants(api->db, (struct fl_db_page){.limit = 0}, look_at, api, NULL, &err) < 0)
        return;
    while (*at != NULL) {
        struct tenant *t = *at;

        if (t->there) {
            at = &t->next;
        } else {
            *at = t->next;
            tenant_free(t);
        }
    }
}

struct expired {
    struct fl_risk *risks;
    size_t count;
};

static int keep_expired(void *ctx, const struct fl_risk *risk)
{
    struct expired *e = ctx;

    if (e->count < EXPIRE_ROWS)
        e->risks[e->count++] = *risk;
    return FL_OK;
}

static void expire(struct fl_api *api)
{
    int64_t now_us = api->env.now_us();
    struct expired e = {.risks = calloc(EXPIRE_ROWS, sizeof *e.risks)};
    struct fl_err err;

    if (e.risks != NULL &&
        fl_db_risks_expire(api->db, now_us, EXPIRE_ROWS, keep_expired, &e, &err) == FL_OK)
        for (size_t i = 0; i < e.count; i++) {
            e.risks[i].state = FL_RISK_ENDED;
            fl_api_risk_changed(api, &e.risks[i], "ended");
        }
    free(e.risks);
    (void)!fl_db_risks_forget(api->db, now_us - FORGET_US, &err);
}

void fl_api_desk_tick(struct fl_api *api)
{
    if (api->db == NULL || desk_of(api) == NULL)
        return;
    fl_risk_streams_tick(api);
    look_around(api);
    for (struct tenant *t = api->desk->tenants; t != NULL; t = t->next) {
        if (t->sweep && t->job == NULL && t->problem_version != t->version)
            sweep(t);
        if (t->job == NULL && t->problem_version != t->version)
            listen_to_cases(t);
        begin(t);
    }
    if (api->desk->ticks++ % 60 == 0)
        expire(api);
}

void fl_api_desk_free(struct fl_api *api)
{
    struct fl_desk *desk = api->desk;

    while (desk != NULL && desk->tenants != NULL) {
        struct tenant *t = desk->tenants;

        desk->tenants = t->next;
        tenant_free(t);
    }
    free(desk);
    api->desk = NULL;
}

void fl_api_desk_stat(const struct fl_api *api, struct fl_desk_stat *ret)
{
    *ret = (struct fl_desk_stat){.waiting = 0};
    if (api->desk == NULL)
        return;
    *ret = api->desk->stat;
    for (const struct tenant *t = api->desk->tenants; t != NULL; t = t->next) {
        ret->waiting += (unsigned)t->count;
        ret->running += t->job == NULL ? 0 : t->batch->count;
    }
}

const char *fl_api_desk_problem(const struct fl_api *api, uint32_t tenant)
{
    const struct tenant *t = api->desk == NULL ? NULL : api->desk->tenants;

    while (t != NULL && t->id != tenant)
        t = t->next;
    return t == NULL || t->problem[0] == '\0' ? NULL : t->problem;
}

unsigned fl_api_desk_waiting(const struct fl_api *api, uint32_t tenant)
{
    const struct tenant *t = api->desk == NULL ? NULL : api->desk->tenants;

    while (t != NULL && t->id != tenant)
        t = t->next;
    return t == NULL ? 0 : (unsigned)t->count + (t->job == NULL ? 0 : t->batch->count);
}
