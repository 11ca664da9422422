/* Drills as they are planned: what is replayed, by whom, with which script. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/alarms.h"
#include "api/drills.h"
#include "api/parts.h"
#include "base/rand.h"
#include "db/db_event.h"
#include "db/db_people.h"
#include "model/drill_script.h"
#include "model/event_type.h"
#include "supply/drill_event.h"

#define SEED_MAX     ((UINT64_C(1) << 53) - 1) /* what every reader of JSON keeps exactly */
#define SEED_DRAWN   100000000                 /* where none is said: short enough to be read out */
#define DRAWS_PRESET 10000u
#define PLAIN        "plain"

static void put(char *to, size_t size, const char *from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)size - 1, from);
}

/* ---- the scripts that come with the program ---- */

static const struct fl_drill_script *script_find(const char *key)
{
    for (uint32_t i = 0; i < fl_drill_script_count; i++)
        if (strcmp(fl_drill_scripts[i].key, key) == 0)
            return &fl_drill_scripts[i];
    return NULL;
}

static int script_load(struct fl_req *req, const char *key, json_t **ret, struct fl_err *err)
{
    const struct fl_drill_script *script = script_find(key);

    if (script == NULL) {
        req->field = "script";
        return fl_err_set(err, FL_E_INVAL,
                          "there is no script '%.40s'; GET drill-scripts lists them", key);
    }
    *ret = json_loads(script->json, 0, NULL);
    return *ret == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for a script") : FL_OK;
}

int fl_api_drill_scripts(struct fl_req *req, struct fl_err *err)
{
    struct fl_json *json = fl_req_object(req);

    (void)err;
    fl_json_array(json, "items");
    for (uint32_t i = 0; i < fl_drill_script_count; i++) {
        if (i > 0)
            fl_buf_put_u8(json->out, ',');
        fl_buf_put_str(json->out, fl_drill_scripts[i].json);
    }
    fl_json_end(json);
    fl_json_u64(json, "total", fl_drill_script_count);
    fl_json_null(json, "next");
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- lists ---- */

static int list_one(void *ctx, const struct fl_drill *d)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all all = {.person_count = 0};
    struct fl_req *req = ctx;
    int r = fl_drill_load(req->api->db, d->tenant, d->id, req->api->env.now_us(), &all, NULL);

    if (r < 0)
        return r;
    fl_json_object(&req->json, NULL);
    fl_drill_put_head(&req->json, d, all.of.now_us);
    fl_json_u64(&req->json, "participants", all.person_count);
    fl_json_u64(&req->json, "injects", all.inject_count);
    fl_json_f64(&req->json, "points", d->state == FL_DRILL_ENDED ? all.score.points : NAN);
    fl_json_u64(&req->json, "actions", all.action_count);
    fl_json_end(&req->json);
    return FL_OK;
}

int fl_api_drills(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_list list = {.total = 0};
    struct fl_db_page page = {.limit = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_drills(req->api->db, req->tenant.id, page, list_one, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

int fl_api_drill_show(struct fl_req *req, struct fl_err *err)
{
    uint32_t id = 0;
    int r = fl_drill_take(req, &id, err);

    return r < 0 ? r : fl_drill_answer_with(req, id, 200, err);
}

/* ---- members of a plan ---- */

static int wrong(struct fl_req *req, const char *field, struct fl_err *err, const char *text)
{
    req->field = field;
    return fl_err_set(err, FL_E_INVAL, "%s", text);
}

static int take_word(const json_t *object, const char *name, char *ret, size_t size,
                     struct fl_err *err)
{
    const json_t *value = json_object_get(object, name);

    memset(ret, 0, size);
    if (value == NULL || json_is_null(value))
        return FL_OK;
    if (!json_is_string(value) || json_string_length(value) >= size ||
        strlen(json_string_value(value)) != json_string_length(value))
        return fl_err_set(err, FL_E_INVAL, "%s is a text of at most %zu bytes", name, size - 1);
    put(ret, size, json_string_value(value));
    return FL_OK;
}

static int take_minutes(const json_t *object, const char *name, uint32_t *ret, struct fl_err *err)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL)
        return FL_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > FL_DRILL_MINUTES_MAX)
        return fl_err_set(err, FL_E_INVAL, "%s is a number of minutes from 0 to %u", name,
                          FL_DRILL_MINUTES_MAX);
    *ret = (uint32_t)json_integer_value(value);
    return FL_OK;
}

static int take_to(const json_t *inject, struct fl_drill_inject *ret, struct fl_err *err)
{
    const json_t *to = json_object_get(inject, "to"), *word;
    size_t len = 0, i;

    if (to != NULL && !json_is_array(to))
        return fl_err_set(err, FL_E_INVAL, "to is an array of roles or names; empty: everybody");
    json_array_foreach(to, i, word)
    {
        size_t n = json_is_string(word) ? json_string_length(word) : 0;

        if (n == 0 || strpbrk(json_string_value(word), "\n\t") != NULL ||
            len + n + 2 > sizeof ret->asked)
            return fl_err_set(err, FL_E_INVAL,
                              "to is an array of roles or names, together at most %u bytes",
                              FL_DRILL_TO_MAX);
        memcpy(ret->asked + len, json_string_value(word), n);
        len += n;
        ret->asked[len++] = '\n';
    }
    return FL_OK;
}

static int take_inject(const json_t *from, struct fl_drill_inject *ret, struct fl_err *err)
{
    char area[FL_DRILL_WORD_MAX + 1];
    int r;

    memset(ret, 0, sizeof *ret);
    if (!json_is_object(from))
        return fl_err_set(err, FL_E_INVAL,
                          "an inject is an object {minute, title, text, to, minutes, area}");
    r = take_word(from, "title", ret->title, sizeof ret->title, err);
    if (r == FL_OK)
        r = take_word(from, "text", ret->text, sizeof ret->text, err);
    if (r == FL_OK)
        r = take_word(from, "area", area, sizeof area, err);
    if (r == FL_OK)
        r = take_minutes(from, "minute", &ret->minute, err);
    if (r == FL_OK)
        r = take_minutes(from, "minutes", &ret->minutes, err);
    if (r == FL_OK)
        r = take_to(from, ret, err);
    if (r < 0)
        return r;
    ret->area = area[0] == '\0' ? FL_AREA_DECIDE
                                : fl_drill_word(fl_drill_areas, FL_DRILL_AREAS, fl_span_str(area));
    return fl_drill_inject_check(ret, err);
}

static int by_minute(const void *a, const void *b)
{
    const struct fl_drill_inject *x = a, *y = b;

    if (x->minute != y->minute)
        return x->minute > y->minute ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

static int set_script(struct fl_req *req, const struct fl_drill *d, const json_t *script,
                      struct fl_err *err)
{
    size_t count = json_array_size(script);
    struct fl_drill_inject *list;
    int r;

    if (!json_is_array(script) || count == 0 || count > FL_DRILL_INJECTS_MAX)
        return wrong(req, "script", err, "script is an array of 1 to 60 injects, or a key");
    list = fl_arena_get(&req->arena, count * sizeof *list);
    if (list == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a script");
    for (size_t i = 0; i < count; i++) {
        r = take_inject(json_array_get(script, i), &list[i], err);
        if (r == FL_OK && list[i].minute > d->minutes)
            r = fl_err_set(err, FL_E_INVAL, "minute is beyond the drill's %" PRIu32, d->minutes);
        if (r < 0) {
            req->field = "script";
            return fl_err_wrap(err, "script[%zu]", i);
        }
        list[i].number = (uint32_t)i;
    }
    qsort(list, count, sizeof *list, by_minute);
    r = fl_db_drill_injects_clear(req->api->db, d->id, err);
    for (size_t i = 0; r == FL_OK && i < count; i++) {
        list[i].tenant = d->tenant;
        list[i].drill = d->id;
        list[i].number = (uint32_t)i + 1;
        r = fl_db_drill_inject_add(req->api->db, &list[i], err);
    }
    return r;
}

static int take_person(struct fl_req *req, const json_t *from, struct fl_drill_person *ret,
                       struct fl_err *err)
{
    struct fl_user user;
    int r;

    memset(ret, 0, sizeof *ret);
    if (!json_is_object(from))
        return fl_err_set(err, FL_E_INVAL, "a participant is an object {user or name, role}");
    r = take_word(from, "user", ret->user, sizeof ret->user, err);
    if (r == FL_OK)
        r = take_word(from, "name", ret->name, sizeof ret->name, err);
    if (r == FL_OK)
        r = take_word(from, "role", ret->role, sizeof ret->role, err);
    if (r < 0)
        return r;
    if (ret->user[0] != '\0')
        r = fl_db_user_get(req->api->db, req->tenant.id, ret->user, &user, err);
    else if (fl_db_user_get(req->api->db, req->tenant.id, ret->name, &user, NULL) == FL_OK)
        put(ret->user, sizeof ret->user, user.name); /* somebody who has an account after all */
    if (r == FL_OK && ret->user[0] != '\0' &&
        (ret->name[0] == '\0' || strcmp(ret->name, user.name) == 0))
        put(ret->name, sizeof ret->name,
            user.display_name[0] == '\0' ? user.name : user.display_name);
    return r < 0 ? r : fl_drill_person_check(ret, err);
}

static int set_persons(struct fl_req *req, const struct fl_drill *d, const json_t *list,
                       struct fl_err *err)
{
    struct fl_drill_person p;
    int r;

    if (!json_is_array(list) || json_array_size(list) > FL_DRILL_PERSONS_MAX)
        return wrong(req, "participants", err,
                     "participants is an array of at most 60 objects {user or name, role}");
    r = fl_db_drill_persons_clear(req->api->db, d->id, err);
    for (size_t i = 0; r == FL_OK && i < json_array_size(list); i++) {
        r = take_person(req, json_array_get(list, i), &p, err);
        p.tenant = d->tenant;
        p.drill = d->id;
        if (r == FL_OK)
            r = fl_db_drill_person_add(req->api->db, &p, err);
        if (r < 0) {
            req->field = "participants";
            (void)fl_err_wrap(err, "participants[%zu]", i);
            return r == FL_E_NOENT ? FL_E_INVAL : r; /* it is the body that is wrong */
        }
    }
    return r;
}

/* Title, seed, draws, minutes, case: 0, or FL_E_INVAL. */
static int take_plain(struct fl_req *req, struct fl_drill *d, struct fl_err *err)
{
    uint64_t draws = d->draws, minutes = d->minutes;
    int r = fl_req_text(req, "title", d->title, sizeof d->title, err);

    if (r >= 0)
        r = fl_req_num(req, "seed", 0, SEED_MAX, &d->seed, err);
    if (r >= 0)
        r = fl_req_num(req, "draws", FL_DRILL_DRAWS_MIN, FL_DRILL_DRAWS_MAX, &draws, err);
    if (r >= 0)
        r = fl_req_num(req, "minutes", 1, FL_DRILL_MINUTES_MAX, &minutes, err);
    if (r >= 0)
        r = fl_req_bool(req, "case", &d->opens_case, err);
    d->draws = (uint32_t)draws;
    d->minutes = (uint32_t)minutes;
    return r < 0 ? r : FL_OK;
}

/* ---- the event ---- */

static int take_change(struct fl_req *req, struct fl_drill_change *ret, struct fl_err *err)
{
    const json_t *move = json_object_get(req->body, "move");
    const json_t *lat = json_object_get(move, "lat"), *lon = json_object_get(move, "lon");
    const json_t *scale = json_object_get(req->body, "scale");

    *ret = (struct fl_drill_change){.scale = 1};
    if ((move != NULL && !json_is_object(move)) || (lat != NULL && !json_is_number(lat)) ||
        (lon != NULL && !json_is_number(lon)))
        return wrong(req, "move", err, "move is an object {lat, lon} of degrees");
    if (scale != NULL && !json_is_number(scale))
        return wrong(req, "scale", err, "scale is a number, 1 leaves the event as it was");
    ret->lat = lat == NULL ? 0 : json_number_value(lat);
    ret->lon = lon == NULL ? 0 : json_number_value(lon);
    ret->scale = scale == NULL ? 1 : json_number_value(scale);
    if (!(ret->scale >= FL_DRILL_SCALE_MIN) || !(ret->scale <= FL_DRILL_SCALE_MAX))
        return wrong(req, "scale", err, "scale is 0.1 to 10, 1 leaves the event as it was");
    return FL_OK;
}

static int stored_event(struct fl_req *req, uint64_t id, struct fl_drill *d, json_t **ret,
                        struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_db_event row = {.tenant = 0};
    int r = FL_E_NOENT;

    fl_buf_init(&text, FL_EVENT_JSON_MAX);
    if (id <= UINT32_MAX)
        r = fl_db_event_get(req->api->db, (uint32_t)id, &row, &text, err);
    if (r < 0 || (row.tenant != 0 && row.tenant != req->tenant.id)) {
        req->field = "event";
        return fl_err_set(err, FL_E_NOENT, "there is no event %" PRIu64 "; GET events lists them",
                          id);
    }
    d->world_event = (uint32_t)id;
    *ret = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    return *ret == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for an event") : FL_OK;
}

static int typed_event(struct fl_req *req, const json_t *from, struct fl_drill *d, json_t **ret,
                       struct fl_err *err)
{
    json_t *event = json_copy((json_t *)(uintptr_t)from), *polygon;
    json_t *rings;

    if (event == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
    *ret = event;
    polygon = json_object_get(event, "polygon");
    put(d->source, sizeof d->source, polygon == NULL ? "typed" : "polygon");
    if (json_object_get(event, "title") == NULL)
        (void)json_object_set_new(event, "title", json_string(d->title));
    if (polygon == NULL)
        return FL_OK;
    if (!json_is_array(polygon) || json_array_size(polygon) < 3)
        return wrong(req, "event", err, "polygon is an array of three or more corners [lat, lon]");
    rings = json_pack("[{s:O}]", "points", polygon);
    if (rings == NULL || json_object_set_new(event, "rings", rings) < 0)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
    (void)json_object_del(event, "polygon");
    return FL_OK;
}

/* Which event, and of a replay its script; both new. */
static int take_event(struct fl_req *req, struct fl_drill *d, json_t **ret_event,
                      json_t **ret_script, struct fl_err *err)
{
    const json_t *event = json_object_get(req->body, "event");
    json_t *inner;
    int r;

    put(d->source, sizeof d->source, "replay");
    if (json_is_object(event))
        return typed_event(req, event, d, ret_event, err);
    if (json_is_integer(event) && json_integer_value(event) > 0)
        return stored_event(req, (uint64_t)json_integer_value(event), d, ret_event, err);
    if (!json_is_string(event))
        return wrong(req, "event", err,
                     "event is the key of a script, the number of an event that is stored, or an "
                     "object {title, polygon, ...}");
    r = script_load(req, json_string_value(event), ret_script, err);
    if (r < 0) {
        req->field = "event";
        return r;
    }
    inner = json_object_get(*ret_script, "event");
    if (!json_is_object(inner))
        return wrong(req, "event", err, "this script has no event of its own: say which");
    put(d->script, sizeof d->script, json_string_value(event));
    *ret_event = json_incref(inner);
    return FL_OK;
}

/* With a name, which our reader wants of every event; the drill's own takes its place. */
static char *event_text(const json_t *from)
{
    json_t *event = json_copy((json_t *)(uintptr_t)from);
    char *text = NULL;

    if (json_object_set_new(event, "ids", json_pack("[s]", "exercise")) == 0)
        text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    return text;
}

/* Read, moved, marked as an exercise, written as our own writer writes it. */
static int settle_event(struct fl_req *req, const struct fl_drill *d, const json_t *from,
                        struct fl_buf *out, struct fl_err *err)
{
    struct fl_world_event *event = fl_arena_get(&req->arena, sizeof *event);
    char *text = event_text(from), id[FL_DRILL_NUMBER_MAX + 12];
    char number[FL_DRILL_NUMBER_MAX];
    struct fl_drill_change change;
    struct fl_span copy = {.ptr = NULL};
    struct fl_json json;
    int r = take_change(req, &change, err);

    if (text != NULL)
        copy = fl_arena_copy(&req->arena, fl_span_str(text));
    free(text);
    if (r == FL_OK && (event == NULL || copy.ptr == NULL))
        r = fl_err_set(err, FL_E_LIMIT, "the event is too large");
    if (r < 0)
        return r;
    fl_drill_number(d, number);
    (void)snprintf(id, sizeof id, "exercise:%s", number);
    r = fl_world_event_read(copy, &req->arena, event, err);
    if (r == FL_OK && event->type.len > 0 && fl_event_type_find(event->type) == NULL)
        r = fl_err_set(err, FL_E_INVAL,
                       "type is none of the catalogue; GET event-types lists them");
    if (r == FL_OK)
        r = fl_drill_event(event, &change, id, err);
    if (r < 0) {
        req->field = req->field == NULL ? "event" : req->field;
        return r;
    }
    fl_json_init(&json, out);
    fl_world_event_write(event, &json, NULL);
    return fl_buf_status(out, err);
}

static int store_event(struct fl_req *req, struct fl_drill *d, const json_t *from,
                       struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    int r;

    fl_buf_init(&out, FL_EVENT_JSON_MAX);
    r = settle_event(req, d, from, &out, err);
    return r < 0 ? r : fl_db_drill_text_set(req->api->db, d->id, "event", fl_buf_span(&out), err);
}

/* ---- adding ---- */

static int audit(struct fl_req *req, const struct fl_drill *d, const char *event,
                 struct fl_err *err)
{
    char number[FL_DRILL_NUMBER_MAX];

    fl_drill_number(d, number);
    return fl_part_audit(req, event, req->tenant.slug, number, "{\"exercise\":true}", err);
}

/* What the plan does not say, from the script that it has. */
static int fill(struct fl_req *req, struct fl_drill *d, json_t **script, struct fl_err *err)
{
    const json_t *wanted = json_object_get(req->body, "script");
    struct fl_drill_change change;
    int r = take_change(req, &change, err);

    if (r == FL_OK && *script == NULL)
        r = script_load(req, json_is_string(wanted) ? json_string_value(wanted) : PLAIN, script,
                        err);
    if (r < 0)
        return r;
    d->minutes = (uint32_t)json_integer_value(json_object_get(*script, "minutes"));
    put(d->title, sizeof d->title, json_string_value(json_object_get(*script, "title")));
    d->shift_lat_e6 = (int64_t)llround(fmin(360, fmax(-360, change.lat)) * 1e6);
    d->shift_lon_e6 = (int64_t)llround(fmin(360, fmax(-360, change.lon)) * 1e6);
    d->scale_m = (int64_t)llround(fmin(1000, fmax(0, change.scale)) * 1000);
    return take_plain(req, d, err);
}

static int add_parts(struct fl_req *req, struct fl_drill *d, const json_t *event,
                     const json_t *script, struct fl_err *err)
{
    const json_t *own = json_object_get(req->body, "script");
    const json_t *persons = json_object_get(req->body, "participants");
    int r = fl_db_drill_add(req->api->db, d, err);

    if (r == FL_OK)
        r = store_event(req, d, event, err);
    if (r == FL_OK)
        r = set_script(req, d, json_is_array(own) ? own : json_object_get(script, "script"), err);
    if (r == FL_OK && persons != NULL)
        r = set_persons(req, d, persons, err);
    return r < 0 ? r : audit(req, d, "drill.add", err);
}

static int add(struct fl_req *req, struct fl_drill *d, json_t **event, json_t **script,
               struct fl_err *err)
{
    int r = take_event(req, d, event, script, err);

    if (r == FL_OK)
        r = fill(req, d, script, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    return r < 0 ? r : fl_part_end(req, add_parts(req, d, *event, *script, err), err);
}

int fl_api_drill_add(struct fl_req *req, struct fl_err *err)
{
    json_t *event = NULL, *script = NULL;
    struct fl_drill d;
    int r;

    memset(&d, 0, sizeof d);
    d.tenant = req->tenant.id;
    d.created_us = req->api->env.now_us();
    d.seed = fl_random_u64() % SEED_DRAWN;
    d.draws = DRAWS_PRESET;
    d.opens_case = true;
    fl_alarm_who(req, d.created_by, sizeof d.created_by);
    r = add(req, &d, &event, &script, err);
    json_decref(event);
    json_decref(script);
    return r < 0 ? r : fl_drill_answer_with(req, d.id, 201, err);
}

/* ---- changing, removing ---- */

static int change(struct fl_req *req, struct fl_drill *d, struct fl_err *err)
{
    const json_t *script = json_object_get(req->body, "script");
    const json_t *persons = json_object_get(req->body, "participants");
    int r = take_plain(req, d, err);

    if (r == FL_OK)
        r = fl_db_drill_set(req->api->db, d, err);
    if (r == FL_OK && script != NULL)
        r = set_script(req, d, script, err);
    if (r == FL_OK && persons != NULL)
        r = set_persons(req, d, persons, err);
    return r < 0 ? r : audit(req, d, "drill.set", err);
}

static int take_drill(struct fl_req *req, struct fl_drill *d, struct fl_err *err)
{
    uint32_t id = 0;
    int r = fl_drill_take(req, &id, err);

    if (r == FL_OK)
        r = fl_db_drill_get(req->api->db, req->tenant.id, id, d, err);
    return r < 0 ? r : fl_part_match(req, d, sizeof *d, err);
}

int fl_api_drill_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_drill d;
    int r = take_drill(req, &d, err);

    if (r == FL_OK && d.state != FL_DRILL_PLANNED)
        return fl_req_why(req, 409, "state", err,
                          "the drill has begun: its plan stays as it is; add another drill");
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, change(req, &d, err), err);
    return r < 0 ? r : fl_drill_answer_with(req, d.id, 200, err);
}

int fl_api_drill_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_drill d;
    int r = take_drill(req, &d, err);

    if (r == FL_OK && (d.state == FL_DRILL_RUNNING || d.state == FL_DRILL_PAUSED))
        return fl_req_why(req, 409, "state", err, "the drill runs: end it before it is removed");
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_drill_remove(req->api->db, d.tenant, d.id, err);
    if (r == FL_OK)
        r = audit(req, &d, "drill.remove", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_u64(fl_req_object(req), "removed", d.id);
    fl_req_done(req, 200);
    return FL_OK;
}
