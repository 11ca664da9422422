/*
 * drill.h - a drill as it is stored, and what follows from its rows: where its clock stands, which
 * injects are out, who is asked by which.
 *
 * The clock of a drill is nothing that runs: elapsed = (now, or the moment it was paused or ended)
 * - started - pauses. So it stands in four columns, and goes on where it was after any end of the
 * program. An inject is out once the clock has reached its minute, or when somebody sent it before.
 * Pure.
 */
#ifndef FL_MODEL_DRILL_H
#define FL_MODEL_DRILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define FL_DRILL_TITLE_MAX   255u
#define FL_DRILL_TEXT_MAX    2000u
#define FL_DRILL_WHO_MAX     160u
#define FL_DRILL_WORD_MAX    31u
#define FL_DRILL_TO_MAX      600u /* bytes of all whom an inject asks */
#define FL_DRILL_MINUTES_MAX 1440u
#define FL_DRILL_INJECTS_MAX 60u
#define FL_DRILL_PERSONS_MAX 60u
#define FL_DRILL_ACTIONS_MAX 300u
#define FL_DRILL_DRAWS_MIN   100u
#define FL_DRILL_DRAWS_MAX   50000u
#define FL_DRILL_SHIFT_MAX   60.0 /* degrees */
#define FL_DRILL_SCALE_MIN   0.1
#define FL_DRILL_SCALE_MAX   10.0

enum fl_drill_state {
    FL_DRILL_PLANNED,
    FL_DRILL_RUNNING,
    FL_DRILL_PAUSED,
    FL_DRILL_ENDED,
    FL_DRILL_STATES
};
extern const char *const fl_drill_states[FL_DRILL_STATES]; /* "planned", ... */

/* What an inject is about; points are given by it (supply/drill_score.h). */
enum fl_drill_area {
    FL_AREA_DETECT,
    FL_AREA_DECIDE,
    FL_AREA_ASK,
    FL_AREA_TELL,
    FL_AREA_RECORD,
    FL_DRILL_AREAS
};
extern const char *const fl_drill_areas[FL_DRILL_AREAS];      /* "detect", ... */
extern const char *const fl_drill_area_names[FL_DRILL_AREAS]; /* "Ask suppliers", ... */

struct fl_drill {
    uint32_t id, tenant;
    uint32_t number; /* of the tenant: D-031 */
    char title[FL_DRILL_TITLE_MAX + 1];
    char source[FL_DRILL_WORD_MAX + 1]; /* replay, polygon, typed */
    char script[FL_DRILL_WORD_MAX + 1]; /* it was made from; "": none that comes with the program */
    uint32_t world_event;               /* that is replayed; 0: none that is stored */
    uint64_t seed;
    uint32_t draws, minutes;
    uint32_t state; /* enum fl_drill_state */
    bool opens_case;
    uint32_t case_id; /* 0: none */
    int64_t shift_lat_e6, shift_lon_e6, scale_m;
    int64_t created_us;
    char created_by[FL_DRILL_WHO_MAX + 1];
    int64_t started_us, paused_us, pauses_us, ended_us; /* 0: not */
    char ended_by[FL_DRILL_WHO_MAX + 1];
    uint64_t net_version; /* of the calculation; 0: not calculated */
    int64_t computed_us;
};

struct fl_drill_person {
    uint32_t id, tenant, drill;
    char user[FL_DRILL_WHO_MAX + 1]; /* of the tenant; "": somebody without an account */
    char name[FL_DRILL_WHO_MAX + 1];
    char role[FL_DRILL_WHO_MAX + 1];
    int64_t joined_us; /* 0: not seen yet */
};

struct fl_drill_inject {
    uint32_t id, tenant, drill, number; /* from 1, by minute */
    uint32_t minute, minutes;           /* when; minutes for an answer, 0: none is wanted */
    uint32_t area;                      /* enum fl_drill_area */
    char title[FL_DRILL_TITLE_MAX + 1];
    char text[FL_DRILL_TEXT_MAX + 1];
    char asked[FL_DRILL_TO_MAX + 1]; /* roles or names, one a line; "": everybody */
    bool sent;                       /* by hand, before its minute, ... */
    int64_t sent_us;                 /* ... when the clock stood there */
    char sent_by[FL_DRILL_WHO_MAX + 1];
};

enum fl_drill_grade { FL_GRADE_NONE, FL_GRADE_GOOD, FL_GRADE_WEAK, FL_GRADE_WRONG, FL_GRADES };
extern const char *const fl_drill_grades[FL_GRADES]; /* "", "good", "weak", "wrong" */

struct fl_drill_answer { /* one of each person to each inject */
    uint32_t id, tenant, drill, inject, person;
    int64_t at_us;    /* wall clock */
    int64_t clock_us; /* of the drill */
    char text[FL_DRILL_TEXT_MAX + 1];
    char by[FL_DRILL_WHO_MAX + 1]; /* who wrote it down */
    uint32_t grade;                /* what was said of it */
    char note[FL_DRILL_TEXT_MAX + 1];
};

struct fl_drill_action { /* a gap, and what is to be done about it */
    uint32_t id, tenant, drill;
    uint32_t inject; /* its number; 0: of none */
    char text[FL_DRILL_TEXT_MAX + 1];
    char owner[FL_DRILL_WHO_MAX + 1];
    int64_t found_us, due_us, done_us; /* 0: none */
    char note[FL_DRILL_TEXT_MAX + 1];
};

int fl_drill_check(const struct fl_drill *d, struct fl_err *err) FL_MUST_CHECK;
int fl_drill_person_check(const struct fl_drill_person *p, struct fl_err *err) FL_MUST_CHECK;
int fl_drill_inject_check(const struct fl_drill_inject *i, struct fl_err *err) FL_MUST_CHECK;
int fl_drill_answer_check(const struct fl_drill_answer *a, struct fl_err *err) FL_MUST_CHECK;
int fl_drill_action_check(const struct fl_drill_action *a, struct fl_err *err) FL_MUST_CHECK;

/* Index in a table of words; `count`: it is none of them. */
uint32_t fl_drill_word(const char *const *words, uint32_t count, struct fl_span word);

/* Where the clock stands; 0 before the start. Never negative, never backward while now is not. */
int64_t fl_drill_clock_us(const struct fl_drill *d, int64_t now_us);
/* Moves of it. FL_E_DENIED with a sentence where they make no sense now. */
int fl_drill_start(struct fl_drill *d, int64_t now_us, struct fl_err *err) FL_MUST_CHECK;
int fl_drill_pause(struct fl_drill *d, int64_t now_us, struct fl_err *err) FL_MUST_CHECK;
int fl_drill_resume(struct fl_drill *d, int64_t now_us, struct fl_err *err) FL_MUST_CHECK;
int fl_drill_end(struct fl_drill *d, int64_t now_us, const char *who, struct fl_err *err)
    FL_MUST_CHECK;

/* Where the clock stood when it came out, or is going to. */
int64_t fl_drill_inject_us(const struct fl_drill_inject *i);
bool fl_drill_inject_out(const struct fl_drill *d, const struct fl_drill_inject *i, int64_t now_us);
/* Is this person asked by it? */
bool fl_drill_asks(const struct fl_drill_inject *i, const struct fl_drill_person *p);

#define FL_DRILL_NUMBER_MAX 16u
void fl_drill_number(const struct fl_drill *d, char ret[FL_DRILL_NUMBER_MAX]); /* "D-031" */

#endif
