/* What the first screen shows, in one answer. */
#include <stdio.h>
#include <string.h>

#include "api/alarms.h"
#include "api/board.h"
#include "api/figure.h"
#include "api/gate.h"
#include "api/parts.h"
#include "base/time.h"
#include "db/db_watch.h"
#include "logs/query.h"

#define DAY_US FL_US_PER_DAY

enum { SITES_MAX = 5000 };

struct site {
    char slug[FL_SLUG_MAX + 1];
    uint32_t devices, alarms;
    uint32_t worst; /* enum fl_severity; FL_SEVERITIES: nothing is wrong */
};

struct overview {
    struct fl_req *req;
    struct site *site; /* in the request's arena; by slug */
    size_t count;
    uint64_t devices, sending, lost;
};

static int by_slug(const void *a, const void *b)
{
    return strcmp(a, b); /* the slug stands first: a key may be the slug alone */
}

static struct site *find(const struct overview *o, const char *slug)
{
    return o->count == 0 ? NULL : bsearch(slug, o->site, o->count, sizeof *o->site, by_slug);
}

static int take_site(void *ctx, const struct fl_site *site)
{
    struct overview *o = ctx;
    struct site *s;

    if (o->count == SITES_MAX)
        return 1;
    s = &o->site[o->count++];
    *s = (struct site){.worst = FL_SEVERITIES};
    memcpy(s->slug, site->slug, sizeof s->slug);
    return 0;
}

static int take_device(void *ctx, const struct fl_device *d)
{
    struct overview *o = ctx;
    const struct fl_api_env *env = &o->req->api->env;
    const struct fl_live_device *live = fl_live_device(env->live, d->tenant, d->slug);
    const struct fl_board_device *b =
        env->board == NULL ? NULL : fl_board_device(env->board, d->tenant, d->slug);
    struct site *s = find(o, d->site);

    o->devices++;
    if (s != NULL)
        s->devices++;
    if (live != NULL && live->counters.last_us > env->now_us() - 300 * FL_US_PER_S)
        o->sending++;
    if (b != NULL && b->lost_us > env->now_us() - DAY_US)
        o->lost += b->lost;
    return 0;
}

/* Muted alarms are counted, and do not colour the map. */
static int take_alarm(void *ctx, const struct fl_alarm *a)
{
    struct overview *o = ctx;
    struct site *s = find(o, a->site);

    if (s == NULL)
        return 0;
    s->alarms++;
    if (a->muted_us <= o->req->api->env.now_us() && a->severity < s->worst)
        s->worst = a->severity;
    return 0;
}

static void put_degrees(struct fl_json *json, const char *key, const struct fl_site *site,
                        int64_t e6)
{
    if (site->place)
        fl_json_f64(json, key, (double)e6 / 1e6);
    else
        fl_json_null(json, key);
}

static int put_site(void *ctx, const struct fl_site *site)
{
    struct overview *o = ctx;
    const struct site *s = find(o, site->slug);
    struct fl_json *json = &o->req->json;
    const char *state = "never";

    if (s == NULL)
        return 0;
    if (s->worst < FL_SEVERITIES)
        state = fl_severity_name((enum fl_severity)s->worst);
    else if (s->devices > 0)
        state = "ok";
    fl_json_object(json, NULL);
    fl_json_text(json, "id", site->slug);
    fl_json_text(json, "name", site->name);
    fl_json_text(json, "city", site->city);
    fl_json_text(json, "country", site->country);
    put_degrees(json, "lat", site, site->lat_e6);
    put_degrees(json, "lon", site, site->lon_e6);
    fl_json_text(json, "state", state);
    fl_json_u64(json, "devices", s->devices);
    fl_json_u64(json, "alarms", s->alarms);
    fl_json_end(json);
    return 0;
}

static int collect(struct overview *o, struct fl_err *err)
{
    const struct fl_db_page all = {NULL, 0};
    const struct fl_db_alarm_pick pick = {
        .tenant = o->req->tenant.id, .state = FL_ALARMS_OPEN, .severity = -1};
    struct fl_db *db = o->req->api->db;
    int r;

    o->site = fl_arena_get(&o->req->arena, SITES_MAX * sizeof *o->site);
    if (o->site == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the sites");
    r = fl_db_sites(db, o->req->tenant.id, all, take_site, o, NULL, err);
    if (r >= 0)
        r = fl_db_devices(db, o->req->tenant.id, all, take_device, o, NULL, err);
    if (r >= 0)
        r = fl_db_alarms(db, &pick, all, take_alarm, o, NULL, err);
    return r < 0 ? r : FL_OK;
}

static void put_lines(const struct fl_req *req, struct fl_json *json)
{
    const struct fl_api_env *env = &req->api->env;
    int64_t now_us = env->now_us(), slot = now_us / FL_BOARD_SLOT_US;
    uint64_t lines[FL_ALARM_SLOTS] = {0};

    if (env->board != NULL)
        fl_board_tenant_lines(env->board, req->tenant.id, now_us, lines);
    fl_json_array(json, "lines_per_s");
    for (uint32_t i = 0; i < FL_ALARM_SLOTS; i++) {
        int64_t at = (slot - (int64_t)FL_ALARM_SLOTS + 1 + i) * FL_BOARD_SLOT_US;
        int64_t span = i + 1 < FL_ALARM_SLOTS ? FL_BOARD_SLOT_US : now_us - at;

        fl_json_array(json, NULL);
        fl_json_time(json, NULL, at);
        fl_json_f64(json, NULL, span <= 0 ? 0 : (double)lines[i] * 1e6 / (double)span);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_f64(json, "lines_per_s_now",
                env->board == NULL ? 0 : fl_board_rate(env->board, req->tenant.id));
    fl_json_i64(json, "lag_ms",
                env->board == NULL ? 0
                                   : fl_board_lag_us(env->board, req->tenant.id, now_us) / 1000);
}

static int put_alarms(struct fl_req *req, struct fl_json *json, struct fl_err *err)
{
    uint64_t counts[FL_SEVERITIES];
    int r = fl_db_alarm_counts(req->api->db, req->tenant.id, counts, err);

    if (r < 0)
        return r;
    fl_json_object(json, "alarms");
    for (int s = 0; s < FL_SEVERITIES; s++)
        fl_json_u64(json, fl_severity_name((enum fl_severity)s), counts[s]);
    fl_json_end(json);
    return FL_OK;
}

/* {"buckets":[t...],"series":[{"values":[n...]}]} to [[t,n]...]. */
static void put_traffic(struct fl_json *json, struct fl_span result, const char *problem)
{
    json_t *root =
        problem != NULL ? NULL : json_loadb((const char *)result.ptr, result.len, 0, NULL);
    const json_t *at = json_object_get(root, "buckets");
    const json_t *values =
        json_object_get(json_array_get(json_object_get(root, "series"), 0), "values");

    if (problem == NULL && !json_is_array(values))
        problem = "the store gave an answer that is not one";
    if (problem != NULL)
        fl_json_null(json, "traffic");
    else
        fl_json_array(json, "traffic");
    for (size_t i = 0; problem == NULL && i < json_array_size(at); i++) {
        const json_t *value = json_array_get(values, i);

        fl_json_array(json, NULL);
        fl_json_text(json, NULL, json_string_value(json_array_get(at, i)));
        fl_json_i64(json, NULL, json_is_integer(value) ? json_integer_value(value) : 0);
        fl_json_end(json);
    }
    if (problem == NULL)
        fl_json_end(json);
    fl_json_text(json, "traffic_problem", problem);
    json_decref(root);
}

static void on_traffic(struct fl_req *req, struct fl_span result, const char *problem, void *ctx)
{
    struct overview *o = ctx;
    struct fl_json *json = fl_req_object(req);
    struct fl_err err;
    int r;

    fl_part_time(json, "at", req->api->env.now_us());
    fl_json_array(json, "sites");
    r = fl_db_sites(req->api->db, req->tenant.id, (struct fl_db_page){NULL, 0}, put_site, o, NULL,
                    &err);
    fl_json_end(json);
    if (r >= 0)
        r = put_alarms(req, json, &err);
    if (r < 0) {
        fl_req_fail(req, &err);
        return;
    }
    fl_json_u64(json, "devices", o->devices);
    fl_json_u64(json, "devices_sending", o->sending);
    put_lines(req, json);
    fl_json_u64(json, "dropped", o->lost);
    put_traffic(json, result, problem);
    fl_req_done(req, 200);
}

int fl_api_overview(struct fl_req *req, struct fl_err *err)
{
    int64_t to_us = (req->api->env.now_us() / FL_BOARD_SLOT_US + 1) * FL_BOARD_SLOT_US;
    const struct fl_msg_query msg = {.kind = FL_Q_SERIES,
                                     .from_us = to_us - DAY_US,
                                     .to_us = to_us,
                                     .metric = FL_SPAN("bytes"),
                                     .step_us = FL_BOARD_SLOT_US};
    struct overview *o = fl_arena_get(&req->arena, sizeof *o);
    int r;

    if (o == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *o = (struct overview){.req = req};
    r = collect(o, err);
    if (r < 0)
        return r;
    if (fl_gate_may(req, FL_OBJECT_LOGS, FL_VERB_READ))
        return fl_figure_ask(req, &msg, on_traffic, o, err);
    on_traffic(req, FL_SPAN(""), "reading logs needs the right logs:read", o);
    return FL_OK;
}
