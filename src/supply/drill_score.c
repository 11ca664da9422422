#include "supply/drill_score.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

#define MINUTE_US (60 * FL_US_PER_S)

const double fl_drill_weights[FL_DRILL_AREAS] = {20, 30, 20, 15, 15};

const char fl_drill_score_formula[] =
    "worth of an answer = weight of its area / answers wanted in that area; earned = worth x 1 in "
    "time, 1/2 late (within twice the time), 1/4 later, 0 missing, and x 1/2 where it was judged "
    "weak, 0 where wrong; points = 100 x earned / weights of the areas that were tested; so far = "
    "100 x earned / (earned + lost)";

const char *const fl_slot_states[FL_SLOT_STATES] = {
    "pending", "open", "overdue", "in_time", "late", "very_late", "missing", "not_counted"};

static const double time_factor[FL_SLOT_STATES] = {
    [FL_SLOT_IN_TIME] = 1, [FL_SLOT_LATE] = 0.5, [FL_SLOT_VERY_LATE] = 0.25};
static const double grade_factor[FL_GRADES] = {
    [FL_GRADE_NONE] = 1, [FL_GRADE_GOOD] = 1, [FL_GRADE_WEAK] = 0.5, [FL_GRADE_WRONG] = 0};

static uint32_t answer_of(const struct fl_score_of *of, uint32_t inject, uint32_t person)
{
    for (uint32_t i = 0; i < of->answer_count; i++)
        if (of->answers[i].inject == of->injects[inject].id &&
            of->answers[i].person == of->persons[person].id)
            return i;
    return FL_SLOT_NOBODY;
}

static enum fl_slot_state state_of(const struct fl_score_of *of, const struct fl_score_slot *slot)
{
    const struct fl_drill_inject *i = &of->injects[slot->inject];
    bool over = of->drill->state == FL_DRILL_ENDED;
    int64_t allowed_us = (int64_t)i->minutes * MINUTE_US;

    if (!fl_drill_inject_out(of->drill, i, of->now_us))
        return over ? FL_SLOT_VOID : FL_SLOT_PENDING;
    if (slot->answer == FL_SLOT_NOBODY && slot->after_us <= allowed_us)
        return over ? FL_SLOT_VOID : FL_SLOT_OPEN;
    if (slot->answer == FL_SLOT_NOBODY)
        return over || slot->person == FL_SLOT_NOBODY ? FL_SLOT_MISSING : FL_SLOT_OVERDUE;
    return slot->after_us <= allowed_us       ? FL_SLOT_IN_TIME
           : slot->after_us <= 2 * allowed_us ? FL_SLOT_LATE
                                              : FL_SLOT_VERY_LATE;
}

static void add_slot(const struct fl_score_of *of, uint32_t inject, uint32_t person,
                     struct fl_score *s)
{
    const struct fl_drill_inject *i = &of->injects[inject];
    struct fl_score_slot *slot = &s->slots[s->slot_count++];
    int64_t until_us = fl_drill_clock_us(of->drill, of->now_us);

    *slot = (struct fl_score_slot){.inject = inject, .person = person, .answer = FL_SLOT_NOBODY};
    if (person != FL_SLOT_NOBODY)
        slot->answer = answer_of(of, inject, person);
    if (slot->answer != FL_SLOT_NOBODY)
        until_us = of->answers[slot->answer].clock_us;
    slot->after_us = until_us > fl_drill_inject_us(i) ? until_us - fl_drill_inject_us(i) : 0;
    slot->state = state_of(of, slot);
    s->area[i->area].slots += slot->state != FL_SLOT_VOID;
}

static void add_slots(const struct fl_score_of *of, struct fl_score *s)
{
    for (uint32_t i = 0; i < of->inject_count; i++) {
        uint32_t before = s->slot_count;

        if (of->injects[i].minutes == 0)
            continue;
        for (uint32_t p = 0; p < of->person_count; p++)
            if (fl_drill_asks(&of->injects[i], &of->persons[p]))
                add_slot(of, i, p, s);
        if (s->slot_count == before)
            add_slot(of, i, FL_SLOT_NOBODY, s);
    }
}

static void give_points(const struct fl_score_of *of, struct fl_score *s)
{
    for (uint32_t i = 0; i < s->slot_count; i++) {
        struct fl_score_slot *slot = &s->slots[i];
        struct fl_score_area *area = &s->area[of->injects[slot->inject].area];

        if (slot->state == FL_SLOT_VOID)
            continue;
        slot->worth = area->weight / area->slots;
        if (slot->state < FL_SLOT_IN_TIME)
            continue;
        if (slot->answer != FL_SLOT_NOBODY)
            slot->earned = slot->worth * time_factor[slot->state] *
                           grade_factor[of->answers[slot->answer].grade];
        slot->lost = slot->worth - slot->earned;
        area->earned += slot->earned;
        area->lost += slot->lost;
    }
}

int fl_drill_score(const struct fl_score_of *of, struct fl_arena *arena, struct fl_score *ret,
                   struct fl_err *err)
{
    size_t most = (size_t)of->inject_count * (of->person_count + 1) + 1;
    struct fl_score s;

    memset(&s, 0, sizeof s);
    s.slots = fl_arena_get(arena, most * sizeof *s.slots);
    if (s.slots == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a score");
    for (unsigned a = 0; a < FL_DRILL_AREAS; a++)
        s.area[a].weight = fl_drill_weights[a];
    add_slots(of, &s);
    give_points(of, &s);
    for (unsigned a = 0; a < FL_DRILL_AREAS; a++) {
        s.tested += s.area[a].slots > 0 ? s.area[a].weight : 0;
        s.earned += s.area[a].earned;
        s.lost += s.area[a].lost;
    }
    s.points = s.tested > 0 ? 100 * s.earned / s.tested : NAN;
    s.so_far = s.earned + s.lost > 0 ? 100 * s.earned / (s.earned + s.lost) : NAN;
    *ret = s;
    return FL_OK;
}

void fl_drill_score_reason(const struct fl_score_of *of, const struct fl_score_slot *slot,
                           char ret[FL_SCORE_REASON_MAX])
{
    const struct fl_drill_inject *i = &of->injects[slot->inject];
    const char *who = slot->person == FL_SLOT_NOBODY ? "" : of->persons[slot->person].name;
    uint32_t grade = slot->answer == FL_SLOT_NOBODY ? 0 : of->answers[slot->answer].grade;
    int64_t minutes = (slot->after_us + MINUTE_US - 1) / MINUTE_US;
    int n = 0;

    ret[0] = '\0';
    if (!(slot->lost > 0))
        return;
    if (slot->person == FL_SLOT_NOBODY)
        n = snprintf(ret, FL_SCORE_REASON_MAX,
                     "inject %" PRIu32 ": nobody took part as whom it asks", i->number);
    else if (slot->state == FL_SLOT_MISSING)
        n = snprintf(ret, FL_SCORE_REASON_MAX, "inject %" PRIu32 ": %s did not answer", i->number,
                     who);
    else if (slot->state != FL_SLOT_IN_TIME)
        n = snprintf(ret, FL_SCORE_REASON_MAX,
                     "inject %" PRIu32 ": %s answered after %" PRId64 " min, %" PRIu32
                     " were allowed",
                     i->number, who, minutes, i->minutes);
    else
        n = snprintf(ret, FL_SCORE_REASON_MAX, "inject %" PRIu32 ": %s answered in time", i->number,
                     who);
    if (grade >= FL_GRADE_WEAK && n > 0 && (size_t)n < FL_SCORE_REASON_MAX)
        (void)snprintf(ret + n, FL_SCORE_REASON_MAX - (size_t)n, "; the answer was judged %s",
                       fl_drill_grades[grade]);
}
