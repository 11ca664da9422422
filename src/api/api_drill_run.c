/* Drills as they run: the clock, injects, answers, what is said of them, actions, the report. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/alarms.h"
#include "api/cases.h"
#include "api/drills.h"
#include "api/gate.h"
#include "api/parts.h"
#include "base/time.h"

#define RAISE_DAYS     14u
#define RAISE_DAYS_MAX 366u
#define CAP_MAX        ((size_t)64 << 10)

static int audit(struct fl_req *req, const struct fl_drill *d, const char *event,
                 struct fl_err *err)
{
    char number[FL_DRILL_NUMBER_MAX];

    fl_drill_number(d, number);
    return fl_part_audit(req, event, req->tenant.slug, number, "{\"exercise\":true}", err);
}

static int state_conflict(struct fl_req *req, struct fl_err *err, const char *text)
{
    return fl_req_why(req, 409, "state", err, "%s", text);
}

static int take_row(struct fl_req *req, struct fl_drill *d, struct fl_err *err)
{
    uint32_t id = 0;
    int r = fl_drill_take(req, &id, err);

    return r < 0 ? r : fl_db_drill_get(req->api->db, req->tenant.id, id, d, err);
}

/* ---- the clock ---- */

int fl_api_drill_cost(struct fl_req *req, struct fl_err *err)
{
    struct fl_drill d;
    int r = take_row(req, &d, err);

    if (r == FL_OK && d.state != FL_DRILL_PLANNED)
        return state_conflict(req, err,
                              "the drill has begun: its figures are those that it began with");
    return r < 0 ? r : fl_drill_compute(req, &d, false, err);
}

static int keep(struct fl_req *req, struct fl_drill *d, const char *event, struct fl_err *err)
{
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_db_drill_set(req->api->db, d, err);
    if (r == FL_OK)
        r = audit(req, d, event, err);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : fl_drill_answer_with(req, d->id, 200, err);
}

/* From its plan, with today's network; or on, after a pause. */
int fl_api_drill_start(struct fl_req *req, struct fl_err *err)
{
    struct fl_drill d, next;
    int r = take_row(req, &d, err);

    if (r < 0)
        return r;
    next = d;
    r = fl_case_conflict(req, fl_drill_start(&next, req->api->env.now_us(), err));
    if (r < 0)
        return r;
    return d.state == FL_DRILL_PAUSED ? keep(req, &next, "drill.resume", err)
                                      : fl_drill_compute(req, &d, true, err);
}

int fl_api_drill_pause(struct fl_req *req, struct fl_err *err)
{
    struct fl_drill d;
    int r = take_row(req, &d, err);

    if (r == FL_OK)
        r = fl_case_conflict(req, fl_drill_pause(&d, req->api->env.now_us(), err));
    return r < 0 ? r : keep(req, &d, "drill.pause", err);
}

int fl_api_drill_end(struct fl_req *req, struct fl_err *err)
{
    char who[FL_DRILL_WHO_MAX + 1];
    struct fl_drill d;
    int r = take_row(req, &d, err);

    fl_alarm_who(req, who, sizeof who);
    if (r == FL_OK)
        r = fl_case_conflict(req, fl_drill_end(&d, req->api->env.now_us(), who, err));
    return r < 0 ? r : keep(req, &d, "drill.end", err);
}

/* ---- participants ---- */

/* A participant is there: seen for the first time. */
static int joined(struct fl_req *req, const struct fl_drill_all *all,
                  const struct fl_drill_person *person, struct fl_err *err)
{
    struct fl_drill_person p = *person;

    if (p.joined_us != 0 || all->d.state == FL_DRILL_ENDED)
        return FL_OK;
    p.joined_us = all->of.now_us;
    return fl_db_drill_person_set(req->api->db, &p, err);
}

int fl_api_drill_join(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all all = {.person_count = 0};
    const struct fl_drill_person *me;
    int r = fl_drill_take_all(req, &all, err);

    if (r < 0)
        return r;
    me = fl_drill_me(req, &all);
    if (me == NULL)
        return fl_req_why(req, 403, "right", err, "you are no participant of this drill");
    r = fl_part_begin(req, err);
    if (r == FL_OK)
        r = fl_part_end(req, joined(req, &all, me, err), err);
    return r < 0 ? r : fl_drill_answer_with(req, all.d.id, 200, err);
}

/* ---- injects ---- */

static int take_number(struct fl_req *req, const char *noun, uint32_t *ret, struct fl_err *err)
{
    uint64_t n = 0;

    if (req->args < 3 || !fl_span_u64(req->arg[2], &n) || n == 0 || n > UINT32_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no such %s", noun);
    *ret = (uint32_t)n;
    return FL_OK;
}

/* The drill and one of its injects. */
static int take_inject(struct fl_req *req, struct fl_drill_all *all, struct fl_drill_inject **ret,
                       struct fl_err *err)
{
    uint32_t number = 0;
    int r = fl_drill_take_all(req, all, err);

    if (r == FL_OK)
        r = take_number(req, "inject", &number, err);
    return r < 0 ? r : fl_drill_find_inject(req, all, number, ret, err);
}

static int send_now(struct fl_req *req, const struct fl_drill_all *all, struct fl_drill_inject *i,
                    struct fl_err *err)
{
    i->sent = true;
    i->sent_us = fl_drill_clock_us(&all->d, all->of.now_us);
    fl_alarm_who(req, i->sent_by, sizeof i->sent_by);
    return fl_db_drill_inject_set(req->api->db, i, err);
}

int fl_api_drill_inject(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all all = {.person_count = 0};
    struct fl_drill_inject *i = NULL;
    int r = take_inject(req, &all, &i, err);

    if (r < 0)
        return r;
    if (all.d.state != FL_DRILL_RUNNING)
        return state_conflict(req, err, "injects are sent while the drill runs");
    if (fl_drill_inject_out(&all.d, i, all.of.now_us))
        return state_conflict(req, err, "this inject is out already");
    r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = send_now(req, &all, i, err);
    if (r == FL_OK)
        r = audit(req, &all.d, "drill.inject", err);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : fl_drill_answer_with(req, all.d.id, 200, err);
}

/* ---- answers ---- */

static const struct fl_drill_person *person_find(const struct fl_drill_all *all, uint64_t id)
{
    for (uint32_t i = 0; i < all->person_count; i++)
        if (all->persons[i].id == id)
            return &all->persons[i];
    return NULL;
}

/* As whom: oneself, or, by whoever runs the drill, for somebody without an account. */
static int take_answerer(struct fl_req *req, const struct fl_drill_all *all,
                         const struct fl_drill_person **ret, struct fl_err *err)
{
    const struct fl_drill_person *me = fl_drill_me(req, all);
    uint64_t id = 0;
    int r = fl_req_num(req, "person", 1, UINT32_MAX, &id, err);

    if (r < 0)
        return r;
    *ret = r == 0 ? me : person_find(all, id);
    if (r == 0 && me == NULL)
        return fl_req_why(req, 403, "right", err,
                          "you are no participant of this drill; whoever runs it can answer for a "
                          "participant by saying which (person)");
    if (*ret == NULL) {
        req->field = "person";
        return fl_err_set(err, FL_E_INVAL, "person is the id of a participant of this drill");
    }
    if (*ret != me && !fl_gate_may(req, FL_OBJECT_DRILLS, FL_VERB_RUN))
        return fl_req_why(req, 403, "right", err, "one answers for oneself");
    return FL_OK;
}

static int check_answer(struct fl_req *req, const struct fl_drill_all *all,
                        const struct fl_drill_inject *i, const struct fl_drill_person *p,
                        struct fl_err *err)
{
    if (all->d.state != FL_DRILL_RUNNING)
        return state_conflict(req, err, "answers are taken while the drill's clock runs");
    if (!fl_drill_inject_out(&all->d, i, all->of.now_us))
        return state_conflict(req, err, "this inject is not out yet");
    if (i->minutes == 0)
        return state_conflict(req, err, "this inject wants no answer");
    if (!fl_drill_asks(i, p))
        return state_conflict(req, err, "this inject does not ask this participant");
    return FL_OK;
}

int fl_api_drill_answer(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all all = {.person_count = 0};
    const struct fl_drill_person *person = NULL;
    struct fl_drill_inject *i = NULL;
    struct fl_drill_answer a;
    int r = take_inject(req, &all, &i, err);

    memset(&a, 0, sizeof a);
    if (r == FL_OK)
        r = take_answerer(req, &all, &person, err);
    if (r == FL_OK)
        r = check_answer(req, &all, i, person, err);
    if (r == FL_OK)
        r = fl_req_need(req, "text", a.text, sizeof a.text, err);
    if (r < 0)
        return r;
    if (person == NULL)
        return fl_err_set(err, FL_E_INVAL, "person is the id of a participant of this drill");
    a.tenant = all.d.tenant;
    a.drill = all.d.id;
    a.inject = i->id;
    a.person = person->id;
    a.at_us = all.of.now_us;
    a.clock_us = fl_drill_clock_us(&all.d, all.of.now_us);
    fl_alarm_who(req, a.by, sizeof a.by);
    r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_drill_answer_add(req->api->db, &a, err);
    if (r == FL_OK)
        r = joined(req, &all, person, err);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : fl_drill_answer_with(req, all.d.id, 201, err);
}

static struct fl_drill_answer *answer_find(const struct fl_drill_all *all, uint32_t id)
{
    for (uint32_t i = 0; i < all->answer_count; i++)
        if (all->answers[i].id == id)
            return &all->answers[i];
    return NULL;
}

static int take_grade(struct fl_req *req, struct fl_drill_answer *a, struct fl_err *err)
{
    char word[FL_DRILL_WORD_MAX + 1] = "";
    int r = fl_req_text(req, "grade", word, sizeof word, err);

    if (r > 0 || json_is_null(json_object_get(req->body, "grade")))
        a->grade = fl_drill_word(fl_drill_grades, FL_GRADES, fl_span_str(word));
    if (a->grade >= FL_GRADES) {
        req->field = "grade";
        return fl_err_set(err, FL_E_INVAL, "grade is good, weak, wrong or null");
    }
    if (r >= 0)
        r = fl_req_text(req, "note", a->note, sizeof a->note, err);
    return r < 0 ? r : FL_OK;
}

int fl_api_drill_grade(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all all = {.person_count = 0};
    struct fl_drill_answer *a = NULL;
    uint32_t id = 0;
    int r = fl_drill_take_all(req, &all, err);

    if (r == FL_OK)
        r = take_number(req, "answer", &id, err);
    if (r == FL_OK)
        a = answer_find(&all, id);
    if (r == FL_OK && a == NULL)
        r = fl_err_set(err, FL_E_NOENT, "there is no answer %" PRIu32, id);
    if (r == FL_OK)
        r = take_grade(req, a, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_drill_answer_set(req->api->db, a, err);
    if (r == FL_OK)
        r = audit(req, &all.d, "drill.grade", err);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : fl_drill_answer_with(req, all.d.id, 200, err);
}

/* ---- gaps and actions ---- */

static int take_done(struct fl_req *req, struct fl_drill_action *a, struct fl_err *err)
{
    bool done = a->done_us != 0;
    int r = fl_req_bool(req, "done", &done, err);

    if (r > 0 && done != (a->done_us != 0))
        a->done_us = done ? req->api->env.now_us() : 0;
    return r < 0 ? r : FL_OK;
}

static int take_action(struct fl_req *req, struct fl_drill_action *a, struct fl_err *err)
{
    uint64_t inject = a->inject;
    int r = fl_req_text(req, "text", a->text, sizeof a->text, err);

    if (r >= 0)
        r = fl_req_text(req, "owner", a->owner, sizeof a->owner, err);
    if (r >= 0)
        r = fl_req_text(req, "note", a->note, sizeof a->note, err);
    if (r >= 0)
        r = fl_req_num(req, "inject", 0, FL_DRILL_INJECTS_MAX, &inject, err);
    if (r >= 0)
        r = fl_case_take_time(req, "due", &a->due_us, err);
    a->inject = (uint32_t)inject;
    return r < 0 ? r : take_done(req, a, err);
}

int fl_api_drill_action_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_drill_action a;
    struct fl_drill d;
    int r = take_row(req, &d, err);

    memset(&a, 0, sizeof a);
    if (r == FL_OK)
        r = take_action(req, &a, err);
    if (r == FL_OK && a.text[0] == '\0')
        r = fl_req_missing(req, "text", err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    a.tenant = d.tenant;
    a.drill = d.id;
    a.found_us = req->api->env.now_us();
    r = fl_db_drill_action_add(req->api->db, &a, err);
    if (r == FL_OK)
        r = audit(req, &d, "drill.action", err);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : fl_drill_answer_with(req, d.id, 201, err);
}

static bool raised(const struct fl_drill_all *all, uint32_t inject, const char *text)
{
    for (uint32_t i = 0; i < all->action_count; i++)
        if (all->actions[i].inject == inject && strcmp(all->actions[i].text, text) == 0)
            return true;
    return false;
}

/* One action from each reason for points lost that has none yet. */
static int raise_all(struct fl_req *req, const struct fl_drill_all *all, const char *owner,
                     int64_t due_us, struct fl_err *err)
{
    char text[FL_SCORE_REASON_MAX];
    struct fl_drill_action a;
    int r = FL_OK;

    for (uint32_t i = 0; r == FL_OK && i < all->score.slot_count; i++) {
        const struct fl_score_slot *s = &all->score.slots[i];
        uint32_t inject = all->injects[s->inject].number;
        const char *who = s->person == FL_SLOT_NOBODY ? "" : all->persons[s->person].name;

        fl_drill_score_reason(&all->of, s, text);
        if (text[0] == '\0' || raised(all, inject, text))
            continue;
        memset(&a, 0, sizeof a);
        a.tenant = all->d.tenant;
        a.drill = all->d.id;
        a.inject = inject;
        a.found_us = all->of.now_us;
        a.due_us = due_us;
        (void)snprintf(a.text, sizeof a.text, "%s", text);
        (void)snprintf(a.owner, sizeof a.owner, "%s", owner[0] == '\0' ? who : owner);
        r = fl_db_drill_action_add(req->api->db, &a, err);
    }
    return r;
}

int fl_api_drill_actions_raise(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all all = {.person_count = 0};
    char owner[FL_DRILL_WHO_MAX + 1] = "";
    uint64_t days = RAISE_DAYS;
    int r = fl_drill_take_all(req, &all, err);

    if (r == FL_OK)
        r = fl_req_text(req, "owner", owner, sizeof owner, err);
    if (r >= 0)
        r = fl_req_num(req, "days", 1, RAISE_DAYS_MAX, &days, err);
    if (r >= 0)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = raise_all(req, &all, owner, all.of.now_us + (int64_t)days * FL_US_PER_DAY, err);
    if (r == FL_OK)
        r = audit(req, &all.d, "drill.action", err);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : fl_drill_answer_with(req, all.d.id, 201, err);
}

static int take_known(struct fl_req *req, struct fl_drill *d, struct fl_drill_action *a,
                      struct fl_err *err)
{
    uint32_t id = 0;
    int r = take_row(req, d, err);

    if (r == FL_OK)
        r = take_number(req, "action", &id, err);
    return r < 0 ? r : fl_db_drill_action_get(req->api->db, d->id, id, a, err);
}

int fl_api_drill_action_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_drill_action a;
    struct fl_drill d;
    int r = take_known(req, &d, &a, err);

    if (r == FL_OK)
        r = take_action(req, &a, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_drill_action_set(req->api->db, &a, err);
    if (r == FL_OK)
        r = audit(req, &d, "drill.action", err);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : fl_drill_answer_with(req, d.id, 200, err);
}

int fl_api_drill_action_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_drill_action a;
    struct fl_drill d;
    int r = take_known(req, &d, &a, err);

    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_drill_action_remove(req->api->db, d.id, a.id, err);
    if (r == FL_OK)
        r = audit(req, &d, "drill.action", err);
    r = fl_part_end(req, r, err);
    return r < 0 ? r : fl_drill_answer_with(req, d.id, 200, err);
}

/* ---- what is taken away ---- */

int fl_api_drill_report(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all all = {.person_count = 0};
    char number[FL_DRILL_NUMBER_MAX];
    int r = fl_drill_take_all(req, &all, err);

    if (r == FL_OK && all.d.state != FL_DRILL_ENDED)
        return state_conflict(req, err, "a report is there once the drill has ended");
    if (r < 0)
        return r;
    fl_drill_number(&all.d, number);
    fl_req_header(req, "Content-Disposition", "attachment; filename=\"EXERCISE-%s.json\"", number);
    (void)fl_req_object(req);
    r = fl_drill_put_all(req, &all, err);
    if (r == FL_OK)
        fl_req_done(req, 200);
    return r;
}

int fl_api_drill_cap(struct fl_req *req, struct fl_err *err)
{
    FL_AUTO(fl_drill_done) struct fl_drill_all all = {.person_count = 0};
    FL_AUTO(fl_buf_done) struct fl_buf out;
    char number[FL_DRILL_NUMBER_MAX];
    struct fl_drill_inject *i = NULL;
    int r = take_inject(req, &all, &i, err);

    fl_buf_init(&out, CAP_MAX);
    if (r < 0)
        return r;
    fl_drill_cap(&all.d, i, req->tenant.slug, all.of.now_us, &out);
    r = fl_buf_status(&out, err);
    if (r < 0)
        return r;
    fl_drill_number(&all.d, number);
    fl_req_header(req, "Content-Disposition",
                  "attachment; filename=\"EXERCISE-%s-%" PRIu32 ".xml\"", number, i->number);
    fl_req_head(req, 200, "application/cap+xml");
    fl_req_piece(req, fl_buf_span(&out));
    fl_req_end(req);
    return FL_OK;
}
