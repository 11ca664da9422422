/* Drills: the clock, who is asked, points with their reasons, an event moved and scaled. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "supply/drill_event.h"
#include "supply/drill_score.h"
#include "tap.h"

#define MINUTE INT64_C(60000000)
#define START  INT64_C(1795000000000000)

static struct fl_err err;

/* ---- the clock ---- */

static void check_clock(void)
{
    struct fl_drill d = {.title = "t", .minutes = 60, .draws = 100};
    struct fl_drill_inject i = {.minute = 10};

    CHECK(fl_drill_clock_us(&d, START) == 0 && !fl_drill_inject_out(&d, &i, START), "not begun");
    CHECK(fl_drill_pause(&d, START, &err) == FL_E_DENIED, "what stands is not paused");
    CHECK(fl_drill_start(&d, START, &err) == FL_OK, "start");
    CHECK(!fl_drill_inject_out(&d, &i, START + 10 * MINUTE - 1) &&
              fl_drill_inject_out(&d, &i, START + 10 * MINUTE),
          "an inject is out at its minute");
    CHECK(fl_drill_pause(&d, START + 5 * MINUTE, &err) == FL_OK &&
              fl_drill_clock_us(&d, START + 50 * MINUTE) == 5 * MINUTE,
          "a pause stops the clock");
    CHECK(fl_drill_start(&d, START + 25 * MINUTE, &err) == FL_OK &&
              fl_drill_clock_us(&d, START + 26 * MINUTE) == 6 * MINUTE,
          "it goes on where it was");
    i.sent = true;
    i.sent_us = 6 * MINUTE;
    CHECK(fl_drill_inject_us(&i) == 6 * MINUTE && fl_drill_inject_out(&d, &i, START + 26 * MINUTE),
          "sent by hand it is out before");
    CHECK(fl_drill_end(&d, START + 27 * MINUTE, "ann", &err) == FL_OK &&
              fl_drill_clock_us(&d, START + 99 * MINUTE) == 7 * MINUTE,
          "the end stops it for good");
    CHECK(fl_drill_start(&d, START + 30 * MINUTE, &err) == FL_E_DENIED, "for good");
    CHECK(fl_drill_clock_us(&d, START - MINUTE) == 7 * MINUTE, "whatever the time is");
}

static void check_asks(void)
{
    static const struct {
        const char *asked, *name, *role;
        bool is;
    } rows[] = {{"", "Ann", "lead", true},
                {"lead\n", "Ann", "Lead", true},
                {"sales\nlead\n", "Ann", "lead", true},
                {"ann\n", "Ann", "", true},
                {"lea\n", "Ann", "lead", false},
                {"leader\n", "Ann", "lead", false},
                {"sales\n", "Ann", "", false}};

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        struct fl_drill_inject inject = {.minute = 1};
        struct fl_drill_person p = {.id = 1};

        (void)snprintf(inject.asked, sizeof inject.asked, "%s", rows[i].asked);
        (void)snprintf(p.name, sizeof p.name, "%s", rows[i].name);
        (void)snprintf(p.role, sizeof p.role, "%s", rows[i].role);
        CHECK(fl_drill_asks(&inject, &p) == rows[i].is, rows[i].asked);
    }
}

/* ---- points ---- */

/* One inject at minute 10 with 10 minutes, one participant: when it was answered (-1: not), how it
 * was judged, where the clock stands, whether the drill has ended. */
static const struct {
    const char *name;
    int answered;
    enum fl_drill_grade grade;
    int now;
    bool ended;
    enum fl_slot_state state;
    double earned, lost;
} slots[] = {
    {"not out yet", -1, FL_GRADE_NONE, 5, false, FL_SLOT_PENDING, 0, 0},
    {"waits", -1, FL_GRADE_NONE, 20, false, FL_SLOT_OPEN, 0, 0},
    {"overdue is not lost yet", -1, FL_GRADE_NONE, 21, false, FL_SLOT_OVERDUE, 0, 0},
    {"in time, to the second", 20, FL_GRADE_NONE, 30, false, FL_SLOT_IN_TIME, 20, 0},
    {"good is no more than in time", 15, FL_GRADE_GOOD, 30, false, FL_SLOT_IN_TIME, 20, 0},
    {"late is half", 30, FL_GRADE_NONE, 31, false, FL_SLOT_LATE, 10, 10},
    {"very late is a quarter", 31, FL_GRADE_NONE, 40, false, FL_SLOT_VERY_LATE, 5, 15},
    {"weak is half", 15, FL_GRADE_WEAK, 30, false, FL_SLOT_IN_TIME, 10, 10},
    {"late and weak a quarter", 25, FL_GRADE_WEAK, 30, false, FL_SLOT_LATE, 5, 15},
    {"wrong is nothing", 15, FL_GRADE_WRONG, 30, false, FL_SLOT_IN_TIME, 0, 20},
    {"missing at the end", -1, FL_GRADE_NONE, 30, true, FL_SLOT_MISSING, 0, 20},
    {"ended within its time", -1, FL_GRADE_NONE, 15, true, FL_SLOT_VOID, 0, 0},
    {"ended before it was out", -1, FL_GRADE_NONE, 5, true, FL_SLOT_VOID, 0, 0},
};

static void check_slot(size_t n)
{
    struct fl_drill d = {.started_us = START, .state = FL_DRILL_RUNNING};
    struct fl_drill_inject inject = {
        .id = 7, .number = 1, .minute = 10, .minutes = 10, .area = FL_AREA_DETECT};
    struct fl_drill_person person = {.id = 3, .name = "Ann"};
    struct fl_drill_answer answer = {.inject = 7, .person = 3, .grade = slots[n].grade};
    struct fl_score_of of = {.drill = &d,
                             .injects = &inject,
                             .persons = &person,
                             .answers = &answer,
                             .inject_count = 1,
                             .person_count = 1,
                             .answer_count = slots[n].answered >= 0,
                             .now_us = START + slots[n].now * MINUTE};
    char reason[FL_SCORE_REASON_MAX];
    struct fl_arena arena;
    struct fl_score s;

    answer.clock_us = slots[n].answered * MINUTE;
    if (slots[n].ended) {
        d.state = FL_DRILL_ENDED;
        d.ended_us = of.now_us;
    }
    fl_arena_init(&arena, 1 << 20);
    CHECK(fl_drill_score(&of, &arena, &s, &err) == FL_OK && s.slot_count == 1 &&
              s.slots[0].state == slots[n].state && fabs(s.earned - slots[n].earned) < 1e-12 &&
              fabs(s.lost - slots[n].lost) < 1e-12,
          slots[n].name);
    fl_drill_score_reason(&of, &s.slots[0], reason);
    CHECK((reason[0] != '\0') == (slots[n].lost > 0), "... with a reason for what is lost");
    CHECK(slots[n].state == FL_SLOT_VOID ? isnan(s.points) : !isnan(s.points), "... points");
    fl_arena_done(&arena);
}

/* Areas share their weight; what nobody could answer is lost; an untested area is left out. */
static void check_areas(void)
{
    struct fl_drill d = {
        .started_us = START, .state = FL_DRILL_ENDED, .ended_us = START + 100 * MINUTE};
    struct fl_drill_inject injects[] = {
        {.id = 1, .number = 1, .minute = 0, .minutes = 10, .area = FL_AREA_DECIDE},
        {.id = 2,
         .number = 2,
         .minute = 0,
         .minutes = 10,
         .area = FL_AREA_DECIDE,
         .asked = "lead\n"},
        {.id = 3,
         .number = 3,
         .minute = 0,
         .minutes = 10,
         .area = FL_AREA_TELL,
         .asked = "sales\n"},
        {.id = 4, .number = 4, .minute = 0, .minutes = 0, .area = FL_AREA_RECORD}};
    struct fl_drill_person persons[] = {{.id = 1, .name = "Ann", .role = "lead"},
                                        {.id = 2, .name = "Bo", .role = "sourcing"}};
    struct fl_drill_answer answers[] = {{.inject = 1, .person = 1, .clock_us = MINUTE},
                                        {.inject = 2, .person = 1, .clock_us = 15 * MINUTE}};
    const struct fl_score_of of = {.drill = &d,
                                   .injects = injects,
                                   .persons = persons,
                                   .answers = answers,
                                   .inject_count = 4,
                                   .person_count = 2,
                                   .answer_count = 2,
                                   .now_us = START + 200 * MINUTE};
    char reason[FL_SCORE_REASON_MAX];
    struct fl_arena arena;
    struct fl_score s;

    fl_arena_init(&arena, 1 << 20);
    CHECK(fl_drill_score(&of, &arena, &s, &err) == FL_OK && s.slot_count == 4, "four answers");
    CHECK(fabs(s.area[FL_AREA_DECIDE].earned - 15) < 1e-9 &&
              fabs(s.area[FL_AREA_DECIDE].lost - 15) < 1e-9,
          "decide: 10 in time, 5 late, 10 missing, of 30");
    CHECK(fabs(s.area[FL_AREA_TELL].lost - 15) < 1e-9, "what nobody could answer is lost");
    CHECK(fabs(s.tested - 45) < 1e-9 && fabs(s.points - 100.0 * 15 / 45) < 1e-9,
          "of what was tested");
    fl_drill_score_reason(&of, &s.slots[3], reason);
    CHECK(strstr(reason, "nobody took part") != NULL, "... for a reason");
    fl_arena_done(&arena);
}

/* ---- events ---- */

static void check_event(void)
{
    struct fl_event_point points[] = {{10, 179}, {10, -179}, {12, -179}, {12, 179}};
    struct fl_event_ring ring = {.points = points, .count = 4};
    struct fl_event_fix fix = {
        .lat = 15, .lon = 120, .wind_ms = 40, .pressure_hpa = 950, .outer_hpa = 1010};
    struct fl_event_circle circle = {20, 20, 50};
    struct fl_drill_change change = {.lat = 1.5, .lon = 3, .scale = 1};
    struct fl_world_event e;

    fl_world_event_init(&e);
    e.magnitude = 7;
    e.lat = 38;
    e.lon = 179;
    e.rings = &ring;
    e.fixes = &fix;
    e.circles = &circle;
    e.ring_count = e.fix_count = e.circle_count = 1;
    e.verified = true;
    e.status = FL_EVENT_ACTUAL;
    CHECK(fl_drill_event(&e, &change, "exercise:D-001", &err) == FL_OK, "moved");
    CHECK(e.status == FL_EVENT_EXERCISE && !e.verified && e.id_count == 1, "an exercise");
    CHECK(fabs(e.lat - 39.5) < 1e-12 && fabs(e.lon + 178) < 1e-9, "... over the antimeridian");
    CHECK(fabs(points[0].lon + 178) < 1e-9 && fabs(fix.lat - 16.5) < 1e-12, "... with all of it");
    change = (struct fl_drill_change){.scale = 2};
    CHECK(fl_drill_event(&e, &change, "exercise:D-001", &err) == FL_OK, "scaled");
    CHECK(fabs(e.magnitude - (7 + 2.0 / 3 * log10(2))) < 1e-12, "twice the energy");
    CHECK(fabs(fix.wind_ms - 80) < 1e-12 && fabs(fix.pressure_hpa - 800) < 1e-9,
          "twice the wind, four times the fall, not below what there is");
    CHECK(fabs(circle.radius_km - 100) < 1e-12, "circles grow");
    CHECK(fabs(points[2].lat - points[0].lat - 4) < 1e-9 &&
              fabs(remainder(points[1].lon - points[0].lon, 360) - 4) < 1e-9,
          "a ring grows from its middle, over the antimeridian");
    change.scale = 0.01;
    CHECK(fl_drill_event(&e, &change, "x", &err) == FL_E_INVAL, "not out of all proportion");
    change = (struct fl_drill_change){.lat = 60, .scale = 1};
    CHECK(fl_drill_event(&e, &change, "x", &err) == FL_E_INVAL, "not over a pole");
    change = (struct fl_drill_change){.lat = NAN, .scale = 1};
    CHECK(fl_drill_event(&e, &change, "x", &err) == FL_E_INVAL, "nor nowhere");
}

int main(void)
{
    check_clock();
    check_asks();
    for (size_t i = 0; i < FL_LEN(slots); i++)
        check_slot(i);
    check_areas();
    check_event();
    return tap_done();
}
