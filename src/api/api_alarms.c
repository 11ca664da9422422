#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/alarms.h"
#include "api/parts.h"
#include "api/sse.h"
#include "api/watch.h"
#include "base/time.h"
#include "db/db_people.h"
#include "db/db_watch.h"

#define STREAM_US                                                                                  \
    (300 * FL_US_PER_S) /* then the browser comes again, and shows who it is again                 \
                         */
#define STREAMS_MAX  512u
#define STREAM_BYTES ((uint64_t)256 * 1024) /* that may wait for somebody who does not read */

struct fl_stream {
    struct fl_stream *next;
    struct fl_req *req;
    uint32_t tenant;
    int64_t begun_us, beat_us; /* monotonic */
    uint64_t waiting;          /* bytes not taken */
};

/* ---- one alarm ---- */

void fl_alarm_put(struct fl_json *json, const char *key, const struct fl_alarm *a,
                  const char *tenant)
{
    enum fl_alarm_kind kind = fl_alarm_find(fl_span_str(a->kind));
    const struct fl_alarm_row *row = kind == FL_ALARM_KINDS ? NULL : &fl_alarm_rows[kind];
    const char *type = row == NULL ? "other" : row->object;

    if (a->tenant == 0 && strcmp(type, "tenant") == 0)
        type = "instance";
    fl_json_object(json, key);
    fl_json_u64(json, "id", a->id);
    fl_json_text(json, "tenant", tenant);
    fl_json_text(json, "kind", a->kind);
    fl_json_text(json, "severity", fl_severity_name((enum fl_severity)a->severity));
    fl_json_object(json, "object");
    fl_json_text(json, "type", type);
    fl_json_text(json, "id", a->object);
    fl_json_text(json, "name", a->name);
    fl_json_text(json, "site", a->site[0] == '\0' ? NULL : a->site);
    fl_json_end(json);
    fl_json_text(json, "title", a->title);
    fl_json_text(json, "text", row == NULL ? "" : row->text);
    fl_part_time(json, "since", a->since_us);
    fl_part_time(json, "last", a->last_us);
    fl_part_time(json, "cleared", a->cleared_us);
    fl_json_u64(json, "raises", a->raises);
    fl_json_text(json, "owner", a->owner[0] == '\0' ? NULL : a->owner);
    fl_json_bool(json, "acknowledged", a->acked_us != 0);
    fl_part_time(json, "acknowledged_at", a->acked_us);
    fl_json_text(json, "acknowledged_by", a->acked_us == 0 ? NULL : a->acked_by);
    fl_part_time(json, "muted_until", a->muted_us);
    fl_json_text(json, "mute_reason", a->muted_us == 0 ? NULL : a->mute_reason);
    fl_json_text(json, "where", a->where_text[0] == '\0' ? NULL : a->where_text);
    fl_json_end(json);
}

static const char *slug_of(const struct fl_req *req)
{
    return req->tenant.id == 0 ? NULL : req->tenant.slug;
}

static int list_one(void *ctx, const struct fl_alarm *alarm)
{
    struct fl_req *req = ctx;

    fl_alarm_put(&req->json, NULL, alarm, slug_of(req));
    return 0;
}

/* A parameter as text with its NUL, or NULL. */
static const char *param_text(const struct fl_req *req, const char *name)
{
    struct fl_span text = fl_req_param(req, name);

    return text.ptr == NULL ? NULL : (const char *)text.ptr;
}

static int take_pick(struct fl_req *req, struct fl_db_alarm_pick *pick, struct fl_err *err)
{
    static const char *const states[] = {
        [FL_ALARMS_OPEN] = "open", [FL_ALARMS_CLEARED] = "cleared", [FL_ALARMS_ALL] = "all"};
    struct fl_span state = fl_req_param(req, "state"), severity = fl_req_param(req, "severity");
    size_t s = 0;

    *pick = (struct fl_db_alarm_pick){.tenant = req->tenant.id, .severity = -1};
    while (state.ptr != NULL && s < FL_LEN(states) && !fl_span_eq(state, fl_span_str(states[s])))
        s++;
    if (s == FL_LEN(states)) {
        req->field = "state";
        return fl_err_set(err, FL_E_INVAL, "state is open, cleared or all");
    }
    pick->state = (enum fl_alarm_state)s;
    if (severity.ptr != NULL)
        pick->severity = (int)fl_severity_find(severity);
    if (pick->severity == FL_SEVERITIES) {
        req->field = "severity";
        return fl_err_set(err, FL_E_INVAL, "severity is critical, major, minor or warning");
    }
    pick->owner = param_text(req, "owner");
    if (pick->owner != NULL && strcmp(pick->owner, "none") == 0)
        pick->owner = "";
    pick->object = param_text(req, "object");
    pick->site = param_text(req, "site");
    return FL_OK;
}

int fl_api_alarms(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_alarm_pick pick;
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = take_pick(req, &pick, err);

    if (r == FL_OK)
        r = fl_part_list_begin(req, &page, err);
    if (r == FL_OK)
        r = fl_db_alarms(req->api->db, &pick, page, list_one, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

static int take_alarm(struct fl_req *req, struct fl_alarm *ret, struct fl_err *err)
{
    uint64_t id = 0;

    if (!fl_span_u64(req->arg[req->args - 1], &id) || id == 0 || id > UINT32_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no such alarm; its number is in the list");
    return fl_db_alarm_get(req->api->db, req->tenant.id, (uint32_t)id, ret, err);
}

/* What an edit must not overlook; sightings come all the time. */
static struct fl_alarm version_of(const struct fl_alarm *alarm)
{
    struct fl_alarm v;

    memset(&v, 0, sizeof v); /* also what lies between the members */
    v.id = alarm->id;
    v.severity = alarm->severity;
    v.cleared_us = alarm->cleared_us;
    v.acked_us = alarm->acked_us;
    v.muted_us = alarm->muted_us;
    (void)snprintf(v.owner, sizeof v.owner, "%s", alarm->owner);
    (void)snprintf(v.mute_reason, sizeof v.mute_reason, "%s", alarm->mute_reason);
    return v;
}

static void answer(struct fl_req *req, const struct fl_alarm *alarm)
{
    struct fl_alarm v = version_of(alarm);
    struct fl_json json;

    fl_part_etag(req, &v, sizeof v);
    fl_buf_clear(&req->out);
    fl_json_init(&json, &req->out);
    fl_alarm_put(&json, NULL, alarm, slug_of(req));
    if (req->out.failed != 0) {
        fl_req_problem(req, 503, "no_memory", "no memory for the answer");
        return;
    }
    fl_req_head(req, 200, "application/json");
    fl_req_piece(req, fl_buf_span(&req->out));
    fl_req_end(req);
}

int fl_api_alarm_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_alarm alarm;
    int r = take_alarm(req, &alarm, err);

    if (r == FL_OK)
        answer(req, &alarm);
    return r;
}

/* ---- what an operator says ---- */

void fl_alarm_who(const struct fl_req *req, char *ret, size_t size)
{
    if (req->caller.local)
        (void)snprintf(ret, size, "uid:%" PRIu32, req->caller.uid);
    else
        (void)snprintf(ret, size, "%s", req->caller.name);
}

static int note(struct fl_req *req, const struct fl_alarm *a, const char *what, const char *text,
                struct fl_err *err)
{
    struct fl_alarm_event event = {.alarm = a->id,
                                   .tenant = a->tenant,
                                   .at_us = req->api->env.now_us(),
                                   .severity = a->severity};

    (void)snprintf(event.what, sizeof event.what, "%s", what);
    (void)snprintf(event.text, sizeof event.text, "%s", text);
    fl_alarm_who(req, event.who, sizeof event.who);
    return fl_db_alarm_note(req->api->db, &event, err);
}

/* Somebody who can look after it: of the tenant, or of the operator's staff. */
static int check_owner(struct fl_req *req, struct fl_alarm *a, struct fl_err *err)
{
    struct fl_user user;

    if (strcmp(a->owner, "me") == 0)
        fl_alarm_who(req, a->owner, sizeof a->owner);
    if (a->owner[0] == '\0' || req->caller.local || strcmp(a->owner, req->caller.name) == 0 ||
        fl_db_user_get(req->api->db, req->tenant.id, a->owner, &user, NULL) == FL_OK ||
        fl_db_user_get(req->api->db, 0, a->owner, &user, NULL) == FL_OK)
        return FL_OK;
    req->field = "owner";
    return fl_err_set(err, FL_E_INVAL, "owner: there is no user '%s' here", a->owner);
}

static int take_mute(struct fl_req *req, struct fl_alarm *a, struct fl_err *err)
{
    const json_t *until = json_object_get(req->body, "muted_until");
    char text[48];
    int r = fl_req_text(req, "mute_reason", a->mute_reason, sizeof a->mute_reason, err);

    if (r < 0 || until == NULL)
        return r < 0 ? r : FL_OK;
    if (json_is_null(until)) {
        a->muted_us = 0;
        a->mute_reason[0] = '\0';
        return FL_OK;
    }
    r = fl_req_text(req, "muted_until", text, sizeof text, err);
    if (r > 0 && !fl_time_parse(fl_span_str(text), &a->muted_us)) {
        req->field = "muted_until";
        r = fl_err_set(err, FL_E_INVAL,
                       "muted_until is a time such as 2026-11-22T08:00:00Z, or null");
    }
    return r < 0 ? r : FL_OK;
}

static int take_edit(struct fl_req *req, struct fl_alarm *a, struct fl_err *err)
{
    bool acked = a->acked_us != 0;
    int r = fl_req_bool(req, "acknowledged", &acked, err);

    if (r >= 0 && json_is_null(json_object_get(req->body, "owner")))
        a->owner[0] = '\0';
    else if (r >= 0)
        r = fl_req_text(req, "owner", a->owner, sizeof a->owner, err);
    if (r >= 0)
        r = check_owner(req, a, err);
    if (r >= 0)
        r = take_mute(req, a, err);
    if (r < 0)
        return r;
    if (acked && a->acked_us == 0) {
        a->acked_us = req->api->env.now_us();
        fl_alarm_who(req, a->acked_by, sizeof a->acked_by);
    } else if (!acked) {
        a->acked_us = 0;
        a->acked_by[0] = '\0';
    }
    return FL_OK;
}

/* Each thing that was said is an event of its own. */
static int note_edit(struct fl_req *req, const struct fl_alarm *was, const struct fl_alarm *is,
                     struct fl_err *err)
{
    int r = FL_OK;

    if ((was->acked_us != 0) != (is->acked_us != 0))
        r = note(req, is, is->acked_us != 0 ? "acknowledged" : "unacknowledged", "", err);
    if (r == FL_OK && strcmp(was->owner, is->owner) != 0)
        r = note(req, is, "assigned", is->owner, err);
    if (r == FL_OK &&
        (was->muted_us != is->muted_us || strcmp(was->mute_reason, is->mute_reason) != 0))
        r = note(req, is, is->muted_us != 0 ? "muted" : "unmuted", is->mute_reason, err);
    return r;
}

int fl_api_alarm_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_alarm was, is, v;
    char number[16];
    int r = take_alarm(req, &was, err);

    if (r < 0)
        return r;
    v = version_of(&was);
    r = fl_part_match(req, &v, sizeof v, err);
    is = was;
    if (r == FL_OK)
        r = take_edit(req, &is, err);
    if (r == FL_OK)
        r = fl_alarm_check(&is, req->api->env.now_us(), err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    (void)snprintf(number, sizeof number, "%" PRIu32, is.id);
    r = fl_db_alarm_set(req->api->db, &is, req->api->env.now_us(), err);
    if (r == FL_OK)
        r = note_edit(req, &was, &is, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "alarm.set", req->tenant.slug, number, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_api_alarm_changed(req->api, &is, "set");
    answer(req, &is);
    return FL_OK;
}

static int put_event(void *ctx, const struct fl_alarm_event *event)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    fl_json_u64(json, "id", event->id);
    fl_part_time(json, "at", event->at_us);
    fl_json_text(json, "what", event->what);
    fl_json_text(json, "severity", fl_severity_name((enum fl_severity)event->severity));
    fl_json_text(json, "by", event->who[0] == '\0' ? NULL : event->who);
    fl_json_text(json, "text", event->text);
    fl_json_end(json);
    return 0;
}

int fl_api_alarm_history(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_alarm alarm;
    struct fl_db_list list = {.total = 0};
    int r = take_alarm(req, &alarm, err);

    if (r == FL_OK)
        r = fl_part_list_begin(req, &page, err);
    if (r == FL_OK)
        r = fl_db_alarm_events(req->api->db, alarm.id, page, put_event, &req->json, &list, err);
    return fl_part_list_end(req, r, &list);
}

/* ---- streams ---- */

static void stream_gone(void *state)
{
    struct fl_stream *s = state, **at = &s->req->api->streams;

    while (*at != NULL && *at != s)
        at = &(*at)->next;
    if (*at == s)
        *at = s->next;
}

static void stream_taken(struct fl_req *req, uint64_t bytes)
{
    struct fl_stream *s = req->state;

    s->waiting -= bytes < s->waiting ? bytes : s->waiting;
}

int fl_api_alarm_stream(struct fl_req *req, struct fl_err *err)
{
    struct fl_stream *s = fl_arena_get(&req->arena, sizeof *s);
    unsigned count = 0;

    for (const struct fl_stream *other = req->api->streams; other != NULL; other = other->next)
        count++;
    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    if (count >= STREAMS_MAX)
        return fl_err_set(err, FL_E_AGAIN, "%u listen to alarms already; try again later", count);
    *s = (struct fl_stream){.next = req->api->streams,
                            .req = req,
                            .tenant = req->tenant.id,
                            .begun_us = fl_now_mono_us(),
                            .beat_us = fl_now_mono_us()};
    req->state = s;
    req->state_free = stream_gone;
    req->taken = stream_taken;
    req->api->streams = s;
    fl_sse_begin(req);
    if (fl_req_header_in(req, "last-event-id").len > 0) /* what was in between is in the list */
        fl_sse_event(req, FL_SPAN(""), "reload", FL_SPAN("{}"));
    return FL_OK;
}

static void leave(struct fl_stream *s, const char *code, const char *reason)
{
    stream_gone(s);
    fl_sse_end(s->req, code, reason, true);
}

void fl_api_alarm_changed(struct fl_api *api, const struct fl_alarm *alarm, const char *what)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_stream *next;
    char id[24];

    fl_buf_init(&text, 16384);
    (void)snprintf(id, sizeof id, "%" PRId64, api->env.now_us());
    for (struct fl_stream *s = api->streams; s != NULL; s = next) {
        struct fl_json json;

        next = s->next;
        if (s->tenant != alarm->tenant)
            continue;
        fl_buf_clear(&text);
        fl_json_init(&json, &text);
        fl_json_object(&json, NULL);
        fl_json_text(&json, "what", what);
        fl_alarm_put(&json, "alarm", alarm, slug_of(s->req));
        fl_json_end(&json);
        if (text.failed != 0 || s->waiting + text.len > STREAM_BYTES) {
            leave(s, "slow", "too much waited to be read; read the list again");
            continue;
        }
        s->waiting += text.len;
        fl_sse_event(s->req, fl_span_str(id), "alarm", fl_buf_span(&text));
    }
}

void fl_alarms_tick(struct fl_api *api)
{
    int64_t now_us = fl_now_mono_us();
    struct fl_stream *next;

    for (struct fl_stream *s = api->streams; s != NULL; s = next) {
        next = s->next;
        if (now_us - s->begun_us >= STREAM_US) {
            leave(s, "again", "the stream goes on when you come again");
        } else if (now_us - s->beat_us >= FL_SSE_BEAT_US) {
            s->beat_us = now_us;
            fl_sse_beat(s->req);
        }
    }
}

void fl_api_watch_tick(struct fl_api *api)
{
    fl_alarms_tick(api);
    fl_firsts_tick(api);
}
