/* Alarms' words, what counts as silent, saved searches. */
#include <string.h>

#include "base/attr.h"
#include "base/time.h"
#include "model/alarm.h"
#include "model/search.h"
#include "tap.h"

#define MINUTE (60 * FL_US_PER_S)

static void check_table(void)
{
    bool whole = true, apart = true;

    for (int k = 0; k < FL_ALARM_KINDS; k++) {
        const struct fl_alarm_row *row = &fl_alarm_rows[k];

        whole = whole && row->name != NULL && row->object != NULL && strlen(row->text) > 40 &&
                row->text[strlen(row->text) - 1] == '.';
        apart = apart && fl_alarm_find(fl_span_str(row->name)) == (enum fl_alarm_kind)k;
    }
    CHECK(whole, "each kind says what to do");
    CHECK(apart, "names are unlike");
    CHECK(fl_alarm_find(FL_SPAN("nothing")) == FL_ALARM_KINDS, "an unknown word");
    CHECK(fl_severity_find(FL_SPAN("minor")) == FL_SEVERITY_MINOR &&
              fl_severity_find(FL_SPAN("")) == FL_SEVERITIES,
          "severities");
}

static void check_silent(void)
{
    uint32_t slots[FL_ALARM_SLOTS];

    memset(slots, 0, sizeof slots);
    for (size_t i = 0; i < FL_ALARM_SLOTS; i++)
        slots[i] = 5;
    CHECK(fl_alarm_silent_us(15, slots, FL_ALARM_SLOTS, 0) == 15 * MINUTE, "a busy device: as set");
    for (size_t i = 20; i < 80; i++)
        slots[i] = 0;
    CHECK(fl_alarm_silent_us(15, slots, FL_ALARM_SLOTS, 0) == 15 * MINUTE,
          "one outage is no habit");
    for (size_t i = 100; i < 112; i++)
        slots[i] = 0;
    CHECK(fl_alarm_silent_us(15, slots, FL_ALARM_SLOTS, 0) == 90 * MINUTE,
          "an hour of quiet beside it is one");
    for (size_t i = 280; i < FL_ALARM_SLOTS; i++)
        slots[i] = 0;
    CHECK(fl_alarm_silent_us(15, slots, FL_ALARM_SLOTS, 0) == 90 * MINUTE,
          "the silence that goes on does not count");
    CHECK(fl_alarm_silent_us(15, slots, 12, 40 * MINUTE) == 60 * MINUTE,
          "with little known the longest gap stands in");
    CHECK(fl_alarm_silent_us(15, slots, 12, 9000 * MINUTE) == 360 * MINUTE, "up to six hours");
}

static void check_ends(void)
{
    enum fl_severity severity = FL_SEVERITIES;
    char text[FL_ALARM_SPAN_BYTES];

    CHECK(!fl_alarm_grade_end(30 * FL_US_PER_DAY + 1, &severity), "longer than a month");
    CHECK(fl_alarm_grade_end(30 * FL_US_PER_DAY, &severity) && severity == FL_SEVERITY_WARNING,
          "a month");
    CHECK(fl_alarm_grade_end(7 * FL_US_PER_DAY, &severity) && severity == FL_SEVERITY_MINOR,
          "a week");
    CHECK(fl_alarm_grade_end(0, &severity) && severity == FL_SEVERITY_MAJOR, "over");
    fl_alarm_span_text(119 * FL_US_PER_S, text);
    CHECK(strcmp(text, "119 s") == 0, "seconds");
    fl_alarm_span_text(3 * FL_US_PER_DAY, text);
    CHECK(strcmp(text, "3 days") == 0, "days");
}

static void check_mute(void)
{
    struct fl_alarm a = {.id = 1};
    int64_t now = 1000 * MINUTE;

    CHECK(fl_alarm_check(&a, now, NULL) == 0, "not muted");
    a.muted_us = now + MINUTE;
    CHECK(fl_alarm_check(&a, now, NULL) == FL_E_INVAL, "without a reason");
    (void)snprintf(a.mute_reason, sizeof a.mute_reason, "repair");
    CHECK(fl_alarm_check(&a, now, NULL) == 0, "with one");
    a.muted_us = now;
    CHECK(fl_alarm_check(&a, now, NULL) == FL_E_INVAL, "past");
    a.muted_us = now + FL_ALARM_MUTE_US + 1;
    CHECK(fl_alarm_check(&a, now, NULL) == FL_E_INVAL, "for too long");
}

static struct fl_search search(void)
{
    struct fl_search s = {.every_minutes = 5, .enabled = true, .threshold = 10};

    (void)snprintf(s.name, sizeof s.name, "Denied");
    (void)snprintf(s.view, sizeof s.view, "logs");
    return s;
}

static void check_search(void)
{
    struct fl_search s = search();
    int64_t from, to, now = 100000 * MINUTE;

    CHECK(fl_search_check(&s, NULL) == 0, "a search");
    CHECK(fl_search_range(&s, now, &from, &to, NULL) == 0 && to == now && from == now - 5 * MINUTE,
          "by itself: what came since");
    (void)snprintf(s.from_text, sizeof s.from_text, "2h");
    CHECK(fl_search_range(&s, now, &from, &to, NULL) == 0 && from == now - 120 * MINUTE, "a span");
    (void)snprintf(s.to_text, sizeof s.to_text, "2026-11-21");
    CHECK(fl_search_check(&s, NULL) == FL_E_INVAL, "by itself it looks at now");
    s.enabled = false;
    CHECK(fl_search_check(&s, NULL) == 0, "by hand anywhere");
    (void)snprintf(s.from_text, sizeof s.from_text, "2026-11-22");
    CHECK(fl_search_check(&s, NULL) == FL_E_INVAL, "backwards");
    (void)snprintf(s.from_text, sizeof s.from_text, "soon");
    CHECK(fl_search_check(&s, NULL) == FL_E_INVAL, "no time");
    s = search();
    s.every_minutes = 0;
    CHECK(fl_search_check(&s, NULL) == FL_E_INVAL, "by itself needs how often");
    s.every_minutes = FL_SEARCH_EVERY_MAX + 1;
    CHECK(fl_search_check(&s, NULL) == FL_E_INVAL, "too seldom");
    s = search();
    s.view[0] = 'x';
    CHECK(fl_search_check(&s, NULL) == FL_E_INVAL, "a view that is none");
    s = search();
    CHECK(!fl_search_over(&s, 10) && fl_search_over(&s, 11), ">");
    s.op = fl_search_op_find(FL_SPAN(">="));
    CHECK(fl_search_over(&s, 10) && !fl_search_over(&s, 9), ">=");
    s.op = fl_search_op_find(FL_SPAN("<"));
    CHECK(fl_search_over(&s, 9) && !fl_search_over(&s, 10), "<");
    s.op = fl_search_op_find(FL_SPAN("<="));
    CHECK(fl_search_over(&s, 10) && !fl_search_over(&s, 11), "<=");
    CHECK(fl_search_op_find(FL_SPAN("=")) == FL_SEARCH_OPS, "no such sign");
}

int main(void)
{
    check_table();
    check_silent();
    check_ends();
    check_mute();
    check_search();
    return tap_done();
}
