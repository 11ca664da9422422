#include "cases/clock.h"

#include <stdio.h>

#include "base/time.h"

#define FAR_US (INT64_C(36500) * FL_US_PER_DAY) /* no clock is further from its start */

const char *const fl_clock_states[] = {"runs", "paused", "late", "kept", "missed"};

/* ---- arithmetic ---- */

int64_t fl_clock_months(int64_t at_us, unsigned months)
{
    int64_t day = fl_day_of(at_us), rest = at_us - day * FL_US_PER_DAY;
    int year, month, of_month;

    fl_civil_from_days(day, &year, &month, &of_month);
    month += (int)(months % 1200);
    year += (month - 1) / 12;
    month = (month - 1) % 12 + 1;
    while (!fl_civil_valid(year, month, of_month))
        of_month--;
    return fl_days_from_civil(year, month, of_month) * FL_US_PER_DAY + rest;
}

static void set_due(const struct fl_clock_kind *kind, struct fl_clock *c)
{
    c->due_us =
        fl_clock_months(c->started_us, kind->months) + c->span_us + c->extended_us + c->pauses_us;
}

int64_t fl_clock_due(const struct fl_clock *c, int64_t now_us)
{
    if (c->paused_us == 0 || c->stopped_us != 0 || now_us < c->paused_us)
        return c->due_us;
    return c->due_us + (now_us - c->paused_us);
}

int64_t fl_clock_left(const struct fl_clock *c, int64_t now_us)
{
    return c->stopped_us != 0 ? c->due_us - c->stopped_us : fl_clock_due(c, now_us) - now_us;
}

enum fl_clock_state fl_clock_state(const struct fl_clock *c, int64_t now_us)
{
    if (c->stopped_us != 0)
        return c->stopped_us <= c->due_us ? FL_CLOCK_KEPT : FL_CLOCK_MISSED;
    if (c->paused_us != 0)
        return FL_CLOCK_PAUSED;
    return now_us > c->due_us ? FL_CLOCK_LATE : FL_CLOCK_RUNS;
}

/* ---- the rules ---- */

typedef int rule_fn(const struct fl_clock_kind *kind, struct fl_clock *c,
                    const struct fl_clock_step *step, struct fl_err *err);

static int do_start(const struct fl_clock_kind *kind, struct fl_clock *c,
                    const struct fl_clock_step *step, struct fl_err *err)
{
    int64_t span_us = step->value_us == 0 ? kind->span_us : step->value_us;

    if (c->last_us != 0)
        return fl_err_set(err, FL_E_INVAL,
                          "this clock began already; its start stays as it is, and re-dating says "
                          "what else is known");
    if (span_us < 0 || (step->value_us != 0 && span_us > kind->span_max_us))
        return fl_err_set(err, FL_E_INVAL, "a clock '%s' allows at most %lld hours", kind->name,
                          (long long)(kind->span_max_us / (3600 * FL_US_PER_S)));
    c->first_us = c->started_us = step->at_us;
    c->span_us = span_us;
    return FL_OK;
}

static int do_redate(const struct fl_clock_kind *kind, struct fl_clock *c,
                     const struct fl_clock_step *step, struct fl_err *err)
{
    (void)kind;
    if (step->value_us <= 0 || step->value_us > step->at_us)
        return fl_err_set(err, FL_E_INVAL,
                          "a clock counts from a moment that has been, not from one to come");
    if (step->value_us < c->first_us - FAR_US)
        return fl_err_set(err, FL_E_INVAL, "a clock cannot count from a hundred years ago");
    c->started_us = step->value_us;
    return FL_OK;
}

static int do_pause(const struct fl_clock_kind *kind, struct fl_clock *c,
                    const struct fl_clock_step *step, struct fl_err *err)
{
    (void)kind;
    if (c->paused_us != 0)
        return fl_err_set(err, FL_E_INVAL, "the clock is paused already");
    if (step->at_us > c->due_us)
        return fl_err_set(err, FL_E_INVAL, "the time is over; pausing does not bring it back");
    c->paused_us = step->at_us;
    return FL_OK;
}

static int do_resume(const struct fl_clock_kind *kind, struct fl_clock *c,
                     const struct fl_clock_step *step, struct fl_err *err)
{
    (void)kind;
    if (c->paused_us == 0)
        return fl_err_set(err, FL_E_INVAL, "the clock runs; there is nothing to resume");
    c->pauses_us += step->at_us - c->paused_us;
    c->paused_us = 0;
    return FL_OK;
}

static int do_extend(const struct fl_clock_kind *kind, struct fl_clock *c,
                     const struct fl_clock_step *step, struct fl_err *err)
{
    if (step->value_us <= 0)
        return fl_err_set(err, FL_E_INVAL, "a clock is extended by some time; nothing shortens it");
    if (c->extends >= kind->extends_max)
        return fl_err_set(err, FL_E_INVAL,
                          "the clock '%s' was extended %u times, as often as it "
                          "may be",
                          kind->name, c->extends);
    if (step->value_us > kind->extend_max_us - c->extended_us)
        return fl_err_set(err, FL_E_INVAL,
                          "the clock '%s' is extended by at most %lld hours altogether", kind->name,
                          (long long)(kind->extend_max_us / (3600 * FL_US_PER_S)));
    if (!kind->late && fl_clock_due(c, step->at_us) < step->at_us)
        return fl_err_set(err, FL_E_INVAL, "the time is over; it is extended before, not after");
    c->extends++;
    c->extended_us += step->value_us;
    return FL_OK;
}

/* A pause that lasts ends with the clock. */
static int do_stop(const struct fl_clock_kind *kind, struct fl_clock *c,
                   const struct fl_clock_step *step, struct fl_err *err)
{
    (void)kind;
    (void)err;
    if (c->paused_us != 0)
        c->pauses_us += step->at_us - c->paused_us;
    c->paused_us = 0;
    c->stopped_us = step->at_us;
    return FL_OK;
}

static rule_fn *const rules[FL_CLOCK_RULES] = {
    [FL_CLOCK_START] = do_start,   [FL_CLOCK_REDATE] = do_redate, [FL_CLOCK_PAUSE] = do_pause,
    [FL_CLOCK_RESUME] = do_resume, [FL_CLOCK_EXTEND] = do_extend, [FL_CLOCK_STOP] = do_stop,
};

static int check_step(const struct fl_clock_kind *kind, const struct fl_clock *c,
                      enum fl_clock_by by, const struct fl_clock_step *step, struct fl_err *err)
{
    unsigned may = by == FL_CLOCK_BY_SYSTEM ? kind->system : kind->people;

    if (step->rule >= FL_CLOCK_RULES)
        return fl_err_set(err, FL_E_INVAL, "rule is redate, pause, resume, extend or stop");
    if ((may >> step->rule & 1) == 0)
        return fl_err_set(err, FL_E_DENIED, "the clock '%s' does not know the rule '%s'",
                          kind->name, fl_clock_rules[step->rule]);
    if (step->reason[0] == '\0' || step->actor[0] == '\0')
        return fl_err_set(err, FL_E_INVAL, "reason is missing: each change of a clock says why");
    if (step->at_us <= 0 || step->at_us < c->last_us)
        return fl_err_set(
            err, FL_E_INVAL,
            "the machine's time is before the clock's last change; set it right first");
    if (c->stopped_us != 0)
        return fl_err_set(err, FL_E_INVAL, "the clock has stopped; its result stays");
    if (c->last_us == 0 && step->rule != FL_CLOCK_START)
        return fl_err_set(err, FL_E_INVAL, "the clock has not begun");
    return FL_OK;
}

int fl_clock_apply(const struct fl_clock_kind *kind, struct fl_clock *clock, enum fl_clock_by by,
                   const struct fl_clock_step *step, struct fl_err *err)
{
    struct fl_clock next = *clock;
    int r = check_step(kind, clock, by, step, err);

    if (r == FL_OK)
        r = rules[step->rule](kind, &next, step, err);
    if (r < 0)
        return r;
    set_due(kind, &next);
    if (clock->last_us == 0)
        (void)snprintf(next.kind, sizeof next.kind, "%s", kind->name);
    next.last_us = step->at_us;
    *clock = next;
    return FL_OK;
}
