/* Clocks: each rule's arithmetic, who may apply it, and that time never runs backward. */
#include <string.h>

#include "base/time.h"
#include "cases/clock.h"
#include "tap.h"

#define H         (INT64_C(3600) * FL_US_PER_S)
#define T0        (INT64_C(20000) * FL_US_PER_DAY) /* 2024-10-04 */
#define ALL_RULES 0x3fu

static const struct fl_clock_kind plain = {"plain",   "",        24 * H, 100 * H, 0,
                                           ALL_RULES, ALL_RULES, 2,      10 * H,  false};
static const struct fl_clock_kind late = {"late",    "",        24 * H, 0,        0,
                                          ALL_RULES, ALL_RULES, 9,      1000 * H, true};
static const struct fl_clock_kind month = {"month",   "",        0, 0,        1,
                                           ALL_RULES, ALL_RULES, 1, 2000 * H, false};
static const struct fl_clock_kind strict = {
    "strict", "", 24 * H, 0, 0, 1u << FL_CLOCK_REDATE, 1u << FL_CLOCK_START | 1u << FL_CLOCK_STOP,
    0,        0,  false};

struct move { /* hours after T0 */
    enum fl_clock_rule rule;
    int at_h, value_h; /* value of a re-dating: hours after T0 */
};

struct row {
    const char *name;
    const struct fl_clock_kind *kind;
    struct move moves[8];
    size_t count;
    int due_h, now_h; /* as it is then, and when it is looked at */
    enum fl_clock_state state;
    int left_h;
    int first_h;
};

#define START(h, v)                                                                                \
    {                                                                                              \
        FL_CLOCK_START, h, v                                                                       \
    }
static const struct row rows[] = {
    {"preset span", &plain, {START(0, 0)}, 1, 24, 1, FL_CLOCK_RUNS, 23, 0},
    {"a span of its own", &plain, {START(0, 6)}, 1, 6, 7, FL_CLOCK_LATE, -1, 0},
    {"at its very due it is not late", &plain, {START(0, 0)}, 1, 24, 24, FL_CLOCK_RUNS, 0, 0},
    {"re-dated to earlier",
     &plain,
     {START(10, 0), {FL_CLOCK_REDATE, 11, 2}},
     2,
     26,
     12,
     FL_CLOCK_RUNS,
     14,
     10},
    {"re-dated to later",
     &plain,
     {START(0, 0), {FL_CLOCK_REDATE, 9, 8}},
     2,
     32,
     9,
     FL_CLOCK_RUNS,
     23,
     0},
    {"re-dated twice: the last counts",
     &plain,
     {START(10, 0), {FL_CLOCK_REDATE, 11, 2}, {FL_CLOCK_REDATE, 12, 5}},
     3,
     29,
     12,
     FL_CLOCK_RUNS,
     17,
     10},
    {"re-dated into lateness",
     &plain,
     {START(30, 0), {FL_CLOCK_REDATE, 31, 1}},
     2,
     25,
     31,
     FL_CLOCK_LATE,
     -6,
     30},
    {"a pause that lasts",
     &plain,
     {START(0, 0), {FL_CLOCK_PAUSE, 4, 0}},
     2,
     24,
     10,
     FL_CLOCK_PAUSED,
     20,
     0},
    {"a pause that is over",
     &plain,
     {START(0, 0), {FL_CLOCK_PAUSE, 4, 0}, {FL_CLOCK_RESUME, 10, 0}},
     3,
     30,
     11,
     FL_CLOCK_RUNS,
     19,
     0},
    {"two pauses",
     &plain,
     {START(0, 0),
      {FL_CLOCK_PAUSE, 4, 0},
      {FL_CLOCK_RESUME, 10, 0},
      {FL_CLOCK_PAUSE, 12, 0},
      {FL_CLOCK_RESUME, 13, 0}},
     5,
     31,
     13,
     FL_CLOCK_RUNS,
     18,
     0},
    {"a pause over the due time",
     &plain,
     {START(0, 0), {FL_CLOCK_PAUSE, 23, 0}, {FL_CLOCK_RESUME, 100, 0}},
     3,
     101,
     100,
     FL_CLOCK_RUNS,
     1,
     0},
    {"extended", &plain, {START(0, 0), {FL_CLOCK_EXTEND, 5, 4}}, 2, 28, 5, FL_CLOCK_RUNS, 23, 0},
    {"extended twice",
     &plain,
     {START(0, 0), {FL_CLOCK_EXTEND, 5, 4}, {FL_CLOCK_EXTEND, 6, 6}},
     3,
     34,
     6,
     FL_CLOCK_RUNS,
     28,
     0},
    {"extended while paused past its due",
     &plain,
     {START(0, 0), {FL_CLOCK_PAUSE, 20, 0}, {FL_CLOCK_EXTEND, 40, 4}, {FL_CLOCK_RESUME, 41, 0}},
     4,
     49,
     41,
     FL_CLOCK_RUNS,
     8,
     0},
    {"extended, paused and re-dated: all stay",
     &plain,
     {START(5, 0),
      {FL_CLOCK_EXTEND, 6, 4},
      {FL_CLOCK_PAUSE, 7, 0},
      {FL_CLOCK_RESUME, 9, 0},
      {FL_CLOCK_REDATE, 10, 3}},
     5,
     33,
     10,
     FL_CLOCK_RUNS,
     23,
     5},
    {"kept", &plain, {START(0, 0), {FL_CLOCK_STOP, 24, 0}}, 2, 24, 900, FL_CLOCK_KEPT, 0, 0},
    {"missed by an hour",
     &plain,
     {START(0, 0), {FL_CLOCK_STOP, 25, 0}},
     2,
     24,
     900,
     FL_CLOCK_MISSED,
     -1,
     0},
    {"stopped while paused: kept",
     &plain,
     {START(0, 0), {FL_CLOCK_PAUSE, 20, 0}, {FL_CLOCK_STOP, 50, 0}},
     3,
     54,
     900,
     FL_CLOCK_KEPT,
     4,
     0},
    {"extended late, where the kind allows it",
     &late,
     {START(0, 0), {FL_CLOCK_EXTEND, 30, 24}},
     2,
     48,
     30,
     FL_CLOCK_RUNS,
     18,
     0},
    {"by a civil month: 4 October to 4 November",
     &month,
     {START(0, 0)},
     1,
     31 * 24,
     0,
     FL_CLOCK_RUNS,
     31 * 24,
     0},
};

static struct fl_clock_step step_of(const struct move *m)
{
    struct fl_clock_step step = {.at_us = T0 + m->at_h * H, .rule = m->rule};

    step.value_us = m->value_h * H + (m->rule == FL_CLOCK_REDATE ? T0 : 0);
    (void)snprintf(step.actor, sizeof step.actor, "ann");
    (void)snprintf(step.reason, sizeof step.reason, "because");
    return step;
}

static int play(const struct fl_clock_kind *kind, const struct move *moves, size_t count,
                struct fl_clock *ret, struct fl_err *err)
{
    int r = FL_OK;

    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; r == FL_OK && i < count; i++) {
        struct fl_clock_step step = step_of(&moves[i]);

        r = fl_clock_apply(kind, ret, FL_CLOCK_BY_PERSON, &step, err);
    }
    return r;
}

static void check_rows(void)
{
    for (size_t i = 0; i < FL_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct fl_err err = {0};
        struct fl_clock c;
        int r = play(row->kind, row->moves, row->count, &c, &err);
        int64_t now_us = T0 + row->now_h * H;

        CHECK(r == FL_OK && c.due_us == T0 + row->due_h * H &&
                  fl_clock_state(&c, now_us) == row->state &&
                  fl_clock_left(&c, now_us) == row->left_h * H &&
                  c.first_us == T0 + row->first_h * H,
              row->name);
        if (r < 0)
            printf("# %s\n", err.text);
    }
}

struct refused {
    const char *name;
    const struct fl_clock_kind *kind;
    struct move moves[5]; /* the last one is refused */
    size_t count;
    int code;
};

static const struct refused refusals[] = {
    {"a second start", &plain, {START(0, 0), START(1, 0)}, 2, FL_E_INVAL},
    {"a first step that is no start", &plain, {{FL_CLOCK_EXTEND, 0, 1}}, 1, FL_E_INVAL},
    {"more time than a start may allow", &plain, {START(0, 101)}, 1, FL_E_INVAL},
    {"a step before the one before", &plain, {START(5, 0), {FL_CLOCK_EXTEND, 4, 1}}, 2, FL_E_INVAL},
    {"a re-dating to what is to come",
     &plain,
     {START(0, 0), {FL_CLOCK_REDATE, 1, 2}},
     2,
     FL_E_INVAL},
    {"a pause within a pause",
     &plain,
     {START(0, 0), {FL_CLOCK_PAUSE, 1, 0}, {FL_CLOCK_PAUSE, 2, 0}},
     3,
     FL_E_INVAL},
    {"a pause when it is over", &plain, {START(0, 0), {FL_CLOCK_PAUSE, 25, 0}}, 2, FL_E_INVAL},
    {"going on without a pause", &plain, {START(0, 0), {FL_CLOCK_RESUME, 1, 0}}, 2, FL_E_INVAL},
    {"extended by nothing", &plain, {START(0, 0), {FL_CLOCK_EXTEND, 1, 0}}, 2, FL_E_INVAL},
    {"made shorter", &plain, {START(0, 0), {FL_CLOCK_EXTEND, 1, -4}}, 2, FL_E_INVAL},
    {"extended by too much", &plain, {START(0, 0), {FL_CLOCK_EXTEND, 1, 11}}, 2, FL_E_INVAL},
    {"extended too often",
     &plain,
     {START(0, 0), {FL_CLOCK_EXTEND, 1, 1}, {FL_CLOCK_EXTEND, 2, 1}, {FL_CLOCK_EXTEND, 3, 1}},
     4,
     FL_E_INVAL},
    {"extended when it is over", &plain, {START(0, 0), {FL_CLOCK_EXTEND, 25, 1}}, 2, FL_E_INVAL},
    {"anything after the stop",
     &plain,
     {START(0, 0), {FL_CLOCK_STOP, 1, 0}, {FL_CLOCK_EXTEND, 2, 1}},
     3,
     FL_E_INVAL},
    {"a start by a person, where it is the program's", &strict, {START(0, 0)}, 1, FL_E_DENIED},
};

static void check_refusals(void)
{
    for (size_t i = 0; i < FL_LEN(refusals); i++) {
        const struct refused *row = &refusals[i];
        struct fl_clock_step step = step_of(&row->moves[row->count - 1]);
        struct fl_err err = {0};
        struct fl_clock c, before;
        int r = play(row->kind, row->moves, row->count - 1, &c, &err);

        memcpy(&before, &c, sizeof before);
        CHECK(r == FL_OK &&
                  fl_clock_apply(row->kind, &c, FL_CLOCK_BY_PERSON, &step, &err) == row->code &&
                  memcmp(&before, &c, sizeof c) == 0,
              row->name);
    }
}

static void check_words(void)
{
    struct fl_clock_step step = step_of(&(struct move){FL_CLOCK_START, 0, 0});
    struct fl_clock c = {0};
    struct fl_err err;

    step.reason[0] = '\0';
    CHECK(fl_clock_apply(&plain, &c, FL_CLOCK_BY_PERSON, &step, &err) == FL_E_INVAL &&
              strstr(err.text, "reason") != NULL,
          "no step without a reason");
    step = step_of(&(struct move){FL_CLOCK_START, 0, 0});
    step.actor[0] = '\0';
    CHECK(fl_clock_apply(&plain, &c, FL_CLOCK_BY_PERSON, &step, &err) == FL_E_INVAL,
          "nor without an actor");
    step = step_of(&(struct move){FL_CLOCK_START, 0, 0});
    CHECK(fl_clock_apply(&strict, &c, FL_CLOCK_BY_SYSTEM, &step, &err) == FL_OK,
          "the program starts its own");
    step = step_of(&(struct move){FL_CLOCK_REDATE, 1, 0});
    CHECK(fl_clock_apply(&strict, &c, FL_CLOCK_BY_SYSTEM, &step, &err) == FL_E_DENIED,
          "and does not re-date it");
}

static void check_months(void)
{
    static const struct {
        int y, m, d, months, ty, tm, td;
    } dates[] = {{2026, 1, 31, 1, 2026, 2, 28},  {2024, 1, 31, 1, 2024, 2, 29},
                 {2026, 12, 15, 1, 2027, 1, 15}, {2026, 11, 30, 3, 2027, 2, 28},
                 {2026, 5, 31, 1, 2026, 6, 30},  {2026, 2, 28, 12, 2027, 2, 28}};

    for (size_t i = 0; i < FL_LEN(dates); i++) {
        int64_t from = fl_days_from_civil(dates[i].y, dates[i].m, dates[i].d) * FL_US_PER_DAY + 5;
        int64_t to = fl_days_from_civil(dates[i].ty, dates[i].tm, dates[i].td) * FL_US_PER_DAY + 5;

        CHECK(fl_clock_months(from, (unsigned)dates[i].months) == to, "civil months");
    }
}

/* Whatever order pauses come in, the time that ran until the stop plus what was left is what was
 * allowed. */
static void check_property(void)
{
    unsigned seed = 1, wrong = 0;

    for (int round = 0; round < 500; round++) {
        struct move moves[8] = {START(0, 0)};
        size_t count = 1;
        int at = 0, ran = 0;
        struct fl_clock c;
        struct fl_err err;

        for (; count < 7; count++) {
            int by = 1 + (int)((seed = seed * 1103515245u + 12345u) >> 16) % 3;

            at += by;
            ran += count % 2 == 1 ? by : 0;
            moves[count] = (struct move){count % 2 == 1 ? FL_CLOCK_PAUSE : FL_CLOCK_RESUME, at, 0};
        }
        if (play(&plain, moves, count, &c, &err) != FL_OK ||
            ran * H + fl_clock_left(&c, T0 + at * H) != 24 * H)
            wrong++;
    }
    CHECK(wrong == 0, "what ran and what is left are what was allowed, over 500 random pauses");
}

int main(void)
{
    check_rows();
    check_refusals();
    check_words();
    check_months();
    check_property();
    return tap_done();
}
