/* A drill as it is read, and as it looks in JSON to whoever asks. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/drills.h"
#include "api/gate.h"
#include "api/parts.h"
#include "base/time.h"

#define COST_MAX (FL_DB_DRILL_TEXT_MAX + 1)

/* ---- reading ---- */

struct rows { /* that grow in an arena */
    struct fl_arena *arena;
    void *list;
    size_t size;
    uint32_t count, room;
};

static int keep(struct rows *rows, const void *row)
{
    if (rows->count == rows->room) {
        uint32_t room = rows->room == 0 ? 16 : 2 * rows->room;
        void *list = fl_arena_get(rows->arena, room * rows->size);

        if (list == NULL)
            return FL_E_NOMEM;
        if (rows->count > 0)
            memcpy(list, rows->list, rows->count * rows->size);
        rows->list = list;
        rows->room = room;
    }
    memcpy((char *)rows->list + rows->count * rows->size, row, rows->size);
    rows->count++;
    return 0;
}

static int keep_person(void *ctx, const struct fl_drill_person *row)
{
    return keep(ctx, row);
}

static int keep_inject(void *ctx, const struct fl_drill_inject *row)
{
    return keep(ctx, row);
}

static int keep_answer(void *ctx, const struct fl_drill_answer *row)
{
    return keep(ctx, row);
}

static int keep_action(void *ctx, const struct fl_drill_action *row)
{
    return keep(ctx, row);
}

static int load_rows(struct fl_db *db, struct fl_drill_all *all, struct fl_err *err)
{
    struct rows persons = {.arena = &all->arena, .size = sizeof *all->persons};
    struct rows injects = {.arena = &all->arena, .size = sizeof *all->injects};
    struct rows answers = {.arena = &all->arena, .size = sizeof *all->answers};
    struct rows actions = {.arena = &all->arena, .size = sizeof *all->actions};
    int r = fl_db_drill_persons(db, all->d.id, keep_person, &persons, err);

    if (r >= 0)
        r = fl_db_drill_injects(db, all->d.id, keep_inject, &injects, err);
    if (r >= 0)
        r = fl_db_drill_answers(db, all->d.id, keep_answer, &answers, err);
    if (r >= 0)
        r = fl_db_drill_actions(db, all->d.id, keep_action, &actions, err);
    if (r == FL_E_NOMEM)
        return fl_err_set(err, r, "no memory for a drill");
    all->persons = persons.list;
    all->injects = injects.list;
    all->answers = answers.list;
    all->actions = actions.list;
    all->person_count = persons.count;
    all->inject_count = injects.count;
    all->answer_count = answers.count;
    all->action_count = actions.count;
    return r < 0 ? r : FL_OK;
}

int fl_drill_load(struct fl_db *db, uint32_t tenant, uint32_t id, int64_t now_us,
                  struct fl_drill_all *all, struct fl_err *err)
{
    int r;

    memset(all, 0, sizeof *all);
    fl_arena_init(&all->arena, FL_DRILL_ARENA_MAX);
    r = fl_db_drill_get(db, tenant, id, &all->d, err);
    if (r == FL_OK)
        r = load_rows(db, all, err);
    all->of = (struct fl_score_of){.drill = &all->d,
                                   .injects = all->injects,
                                   .persons = all->persons,
                                   .answers = all->answers,
                                   .inject_count = all->inject_count,
                                   .person_count = all->person_count,
                                   .answer_count = all->answer_count,
                                   .now_us = now_us};
    return r < 0 ? r : fl_drill_score(&all->of, &all->arena, &all->score, err);
}

void fl_drill_done(struct fl_drill_all *all)
{
    fl_arena_done(&all->arena);
}

int fl_drill_take(struct fl_req *req, uint32_t *ret, struct fl_err *err)
{
    uint64_t id = 0;

    if (req->args < 2 || !fl_span_u64(req->arg[1], &id) || id == 0 || id > UINT32_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no such drill; its id is in the list");
    *ret = (uint32_t)id;
    return FL_OK;
}

int fl_drill_take_all(struct fl_req *req, struct fl_drill_all *all, struct fl_err *err)
{
    uint32_t id = 0;
    int r;

    memset(all, 0, sizeof *all);
    fl_arena_init(&all->arena, FL_DRILL_ARENA_MAX);
    r = fl_drill_take(req, &id, err);
    return r < 0
               ? r
               : fl_drill_load(req->api->db, req->tenant.id, id, req->api->env.now_us(), all, err);
}

const struct fl_drill_person *fl_drill_me(const struct fl_req *req, const struct fl_drill_all *all)
{
    size_t len = strcspn(req->caller.name, "@");

    if (req->caller.local || req->caller.is_token || req->caller.tenant != req->tenant.id)
        return NULL;
    for (uint32_t i = 0; len > 0 && i < all->person_count; i++)
        if (strlen(all->persons[i].user) == len &&
            memcmp(all->persons[i].user, req->caller.name, len) == 0)
            return &all->persons[i];
    return NULL;
}

static bool may_see(const struct fl_req *req, const struct fl_drill_all *all,
                    const struct fl_drill_inject *i)
{
    return all->d.state == FL_DRILL_ENDED || fl_drill_inject_out(&all->d, i, all->of.now_us) ||
           fl_gate_may(req, FL_OBJECT_DRILLS, FL_VERB_RUN);
}

int fl_drill_find_inject(const struct fl_req *req, const struct fl_drill_all *all, uint32_t number,
                         struct fl_drill_inject **ret, struct fl_err *err)
{
    for (uint32_t i = 0; i < all->inject_count; i++) {
        if (all->injects[i].number != number || !may_see(req, all, &all->injects[i]))
            continue;
        *ret = &all->injects[i];
        return FL_OK;
    }
    return fl_err_set(err, FL_E_NOENT, "there is no inject %" PRIu32 " that is out", number);
}

/* ---- writing ---- */

static double seconds(int64_t us)
{
    return floor((double)us / 1e5) / 10;
}

static void put_or_null(struct fl_json *json, const char *key, const char *text)
{
    fl_json_text(json, key, text[0] == '\0' ? NULL : text);
}

static void put_id(struct fl_json *json, const char *key, uint32_t id)
{
    if (id == 0)
        fl_json_null(json, key);
    else
        fl_json_u64(json, key, id);
}

void fl_drill_put_head(struct fl_json *json, const struct fl_drill *d, int64_t now_us)
{
    char number[FL_DRILL_NUMBER_MAX];

    fl_drill_number(d, number);
    fl_json_u64(json, "id", d->id);
    fl_json_text(json, "number", number);
    fl_json_text(json, "title", d->title);
    fl_json_bool(json, "exercise", true);
    fl_json_text(json, "status", "Exercise");
    fl_json_text(json, "state", fl_drill_states[d->state]);
    fl_json_text(json, "source", d->source);
    put_or_null(json, "script", d->script);
    put_id(json, "world_event", d->world_event);
    fl_json_u64(json, "seed", d->seed);
    fl_json_u64(json, "draws", d->draws);
    fl_json_u64(json, "minutes", d->minutes);
    fl_json_object(json, "move");
    fl_json_f64(json, "lat", (double)d->shift_lat_e6 / 1e6);
    fl_json_f64(json, "lon", (double)d->shift_lon_e6 / 1e6);
    fl_json_end(json);
    fl_json_f64(json, "scale", (double)d->scale_m / 1000);
    fl_json_bool(json, "opens_case", d->opens_case);
    put_id(json, "case", d->case_id);
    fl_part_time(json, "created", d->created_us);
    fl_json_text(json, "created_by", d->created_by);
    fl_part_time(json, "started", d->started_us);
    fl_part_time(json, "paused", d->paused_us);
    fl_part_time(json, "ended", d->ended_us);
    put_or_null(json, "ended_by", d->ended_by);
    fl_part_time(json, "now", now_us);
    fl_json_f64(json, "clock_s", seconds(fl_drill_clock_us(d, now_us)));
    fl_part_time(json, "computed", d->computed_us);
}

static void put_persons(struct fl_json *json, const struct fl_drill_all *all)
{
    fl_json_array(json, "participants");
    for (uint32_t i = 0; i < all->person_count; i++) {
        const struct fl_drill_person *p = &all->persons[i];

        fl_json_object(json, NULL);
        fl_json_u64(json, "id", p->id);
        fl_json_text(json, "name", p->name);
        put_or_null(json, "user", p->user);
        put_or_null(json, "role", p->role);
        fl_part_time(json, "joined", p->joined_us);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static void put_lines(struct fl_json *json, const char *key, const char *lines)
{
    fl_json_array(json, key);
    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");

        fl_json_str(json, NULL, fl_span_of(lines, len));
        lines += len + (lines[len] == '\n');
    }
    fl_json_end(json);
}

/* The worst of its slots, in a word; of none at all "information". */
static const char *result_of(const struct fl_drill_all *all, uint32_t inject)
{
    static const enum fl_slot_state worst[] = {FL_SLOT_MISSING,   FL_SLOT_OVERDUE, FL_SLOT_OPEN,
                                               FL_SLOT_VERY_LATE, FL_SLOT_LATE,    FL_SLOT_PENDING,
                                               FL_SLOT_VOID,      FL_SLOT_IN_TIME};

    for (size_t w = 0; w < FL_LEN(worst); w++)
        for (uint32_t i = 0; i < all->score.slot_count; i++)
            if (all->score.slots[i].inject == inject && all->score.slots[i].state == worst[w])
                return fl_slot_states[worst[w]];
    return "information";
}

static void put_inject(struct fl_req *req, const struct fl_drill_all *all, uint32_t n)
{
    const struct fl_drill_inject *i = &all->injects[n];
    struct fl_json *json = &req->json;
    bool out = fl_drill_inject_out(&all->d, i, all->of.now_us), seen = may_see(req, all, i);

    fl_json_object(json, NULL);
    fl_json_u64(json, "number", i->number);
    fl_json_u64(json, "minute", i->minute);
    fl_json_u64(json, "minutes", i->minutes);
    fl_json_bool(json, "out", out);
    fl_json_bool(json, "hidden", !seen);
    fl_json_f64(json, "at_s", seconds(fl_drill_inject_us(i)));
    fl_json_bool(json, "sent_by_hand", i->sent);
    fl_json_text(json, "area", seen ? fl_drill_areas[i->area] : NULL);
    fl_json_text(json, "title", seen ? i->title : NULL);
    fl_json_text(json, "text", seen ? i->text : NULL);
    put_lines(json, "to", seen ? i->asked : "");
    fl_json_text(json, "result",
                 out || all->d.state == FL_DRILL_ENDED ? result_of(all, n) : "pending");
    fl_json_end(json);
}

static void put_slot(struct fl_req *req, const struct fl_drill_all *all,
                     const struct fl_score_slot *s, const struct fl_drill_person *me)
{
    const struct fl_drill_answer *a = s->answer == FL_SLOT_NOBODY ? NULL : &all->answers[s->answer];
    uint32_t person = s->person == FL_SLOT_NOBODY ? 0 : all->persons[s->person].id;
    bool words = a != NULL && (all->d.state == FL_DRILL_ENDED || (me != NULL && me->id == person) ||
                               fl_gate_may(req, FL_OBJECT_DRILLS, FL_VERB_RUN));
    struct fl_json *json = &req->json;

    fl_json_object(json, NULL);
    fl_json_u64(json, "inject", all->injects[s->inject].number);
    put_id(json, "person", person);
    fl_json_text(json, "state", fl_slot_states[s->state]);
    fl_json_f64(json, "after_s", seconds(s->after_us));
    fl_json_f64(json, "worth", s->worth);
    fl_json_f64(json, "earned", s->earned);
    fl_json_f64(json, "lost", s->lost);
    put_id(json, "answer", a == NULL ? 0 : a->id);
    fl_json_text(json, "text", words ? a->text : NULL);
    fl_json_text(json, "by", words ? a->by : NULL);
    fl_part_time(json, "at", a == NULL ? 0 : a->at_us);
    fl_json_text(json, "grade", words && a->grade != 0 ? fl_drill_grades[a->grade] : NULL);
    fl_json_text(json, "note", words && a->note[0] != '\0' ? a->note : NULL);
    fl_json_end(json);
}

static void put_reasons(struct fl_json *json, const struct fl_drill_all *all, uint32_t area)
{
    char text[FL_SCORE_REASON_MAX];

    fl_json_array(json, "reasons");
    for (uint32_t i = 0; i < all->score.slot_count; i++) {
        const struct fl_score_slot *s = &all->score.slots[i];

        if (all->injects[s->inject].area != area || !(s->lost > 0))
            continue;
        fl_drill_score_reason(&all->of, s, text);
        fl_json_object(json, NULL);
        fl_json_u64(json, "inject", all->injects[s->inject].number);
        put_id(json, "person", s->person == FL_SLOT_NOBODY ? 0 : all->persons[s->person].id);
        fl_json_f64(json, "lost", s->lost);
        fl_json_text(json, "text", text);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static void put_score(struct fl_json *json, const struct fl_drill_all *all)
{
    fl_json_object(json, "score");
    fl_json_f64(json, "points", all->score.points);
    fl_json_f64(json, "so_far", all->score.so_far);
    fl_json_f64(json, "tested", all->score.tested);
    fl_json_f64(json, "earned", all->score.earned);
    fl_json_f64(json, "lost", all->score.lost);
    fl_json_text(json, "formula", fl_drill_score_formula);
    fl_json_array(json, "areas");
    for (uint32_t a = 0; a < FL_DRILL_AREAS; a++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "area", fl_drill_areas[a]);
        fl_json_text(json, "name", fl_drill_area_names[a]);
        fl_json_f64(json, "weight", all->score.area[a].weight);
        fl_json_u64(json, "answers", all->score.area[a].slots);
        fl_json_f64(json, "earned", all->score.area[a].earned);
        fl_json_f64(json, "lost", all->score.area[a].lost);
        put_reasons(json, all, a);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_end(json);
}

void fl_drill_put_action(struct fl_json *json, const struct fl_drill_action *a)
{
    fl_json_object(json, NULL);
    fl_json_u64(json, "id", a->id);
    put_id(json, "inject", a->inject);
    fl_json_text(json, "text", a->text);
    put_or_null(json, "owner", a->owner);
    fl_part_time(json, "found", a->found_us);
    fl_part_time(json, "due", a->due_us);
    fl_part_time(json, "done", a->done_us);
    put_or_null(json, "note", a->note);
    fl_json_end(json);
}

static void put_next(struct fl_json *json, const struct fl_drill_all *all)
{
    int64_t clock_us = fl_drill_clock_us(&all->d, all->of.now_us);

    for (uint32_t i = 0; i < all->inject_count && all->d.state != FL_DRILL_ENDED; i++) {
        if (fl_drill_inject_out(&all->d, &all->injects[i], all->of.now_us))
            continue;
        fl_json_object(json, "next");
        fl_json_u64(json, "number", all->injects[i].number);
        fl_json_u64(json, "minute", all->injects[i].minute);
        fl_json_f64(json, "in_s", seconds(fl_drill_inject_us(&all->injects[i]) - clock_us));
        fl_json_end(json);
        return;
    }
    fl_json_null(json, "next");
}

/* The drill before, to compare with. */
static int put_before(struct fl_req *req, const struct fl_drill_all *all, struct fl_err *err)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all before = {.person_count = 0};
    struct fl_json *json = &req->json;
    char number[FL_DRILL_NUMBER_MAX];
    struct fl_drill d;
    int r = fl_db_drill_before(req->api->db, &all->d, &d, err);

    if (r == FL_E_NOENT) {
        fl_json_null(json, "before");
        return FL_OK;
    }
    if (r == FL_OK)
        r = fl_drill_load(req->api->db, d.tenant, d.id, all->of.now_us, &before, err);
    if (r < 0)
        return r;
    fl_drill_number(&d, number);
    fl_json_object(json, "before");
    fl_json_u64(json, "id", d.id);
    fl_json_text(json, "number", number);
    fl_part_time(json, "ended", d.ended_us);
    fl_json_f64(json, "points", before.score.points);
    fl_json_end(json);
    return FL_OK;
}

/* A member that is JSON already. */
static int put_text(struct fl_req *req, const struct fl_drill *d, const char *kind,
                    struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, COST_MAX);
    r = fl_db_drill_text(req->api->db, d->id, kind, &text, err);
    if (r == FL_E_NOENT) {
        fl_json_null(&req->json, kind);
        return FL_OK;
    }
    if (r == FL_OK) {
        fl_json_null(&req->json, kind); /* writes the key; its value is put in place of it */
        req->json.out->len -= strlen("null");
        fl_buf_put(req->json.out, text.ptr, text.len);
    }
    return r;
}

int fl_drill_put_all(struct fl_req *req, const struct fl_drill_all *all, struct fl_err *err)
{
    const struct fl_drill_person *me = fl_drill_me(req, all);
    struct fl_json *json = &req->json;
    int r;

    fl_drill_put_head(json, &all->d, all->of.now_us);
    fl_json_bool(json, "may_run", fl_gate_may(req, FL_OBJECT_DRILLS, FL_VERB_RUN));
    put_id(json, "me", me == NULL ? 0 : me->id);
    put_next(json, all);
    put_persons(json, all);
    fl_json_array(json, "injects");
    for (uint32_t i = 0; i < all->inject_count; i++)
        put_inject(req, all, i);
    fl_json_end(json);
    fl_json_array(json, "answers");
    for (uint32_t i = 0; i < all->score.slot_count; i++)
        put_slot(req, all, &all->score.slots[i], me);
    fl_json_end(json);
    put_score(json, all);
    fl_json_array(json, "actions");
    for (uint32_t i = 0; i < all->action_count; i++)
        fl_drill_put_action(json, &all->actions[i]);
    fl_json_end(json);
    r = put_before(req, all, err);
    if (r == FL_OK)
        r = put_text(req, &all->d, "event", err);
    return r < 0 ? r : put_text(req, &all->d, "cost", err);
}

int fl_drill_answer_with(struct fl_req *req, uint32_t id, int status, struct fl_err *err)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all all = {.person_count = 0};
    int r = fl_drill_load(req->api->db, req->tenant.id, id, req->api->env.now_us(), &all, err);

    if (r < 0)
        return r;
    fl_part_etag(req, &all.d, sizeof all.d);
    (void)fl_req_object(req);
    r = fl_drill_put_all(req, &all, err);
    if (r == FL_OK)
        fl_req_done(req, status);
    return r;
}
