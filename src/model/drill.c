#include "model/drill.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/time.h"
#include "codec/utf8.h"

const char *const fl_drill_states[FL_DRILL_STATES] = {"planned", "running", "paused", "ended"};
const char *const fl_drill_areas[FL_DRILL_AREAS] = {"detect", "decide", "ask", "tell", "record"};
const char *const fl_drill_area_names[FL_DRILL_AREAS] = {"Detect", "Decide", "Ask suppliers",
                                                         "Tell customers", "Record"};
const char *const fl_drill_grades[FL_GRADES] = {"", "good", "weak", "wrong"};

uint32_t fl_drill_word(const char *const *words, uint32_t count, struct fl_span word)
{
    uint32_t i = 0;

    while (i < count && !fl_span_eq(word, fl_span_str(words[i])))
        i++;
    return i;
}

/* ---- checks ---- */

struct rule {
    const char *name, *value;
    bool needed;
};

static int check_texts(const struct rule *rules, size_t count, struct fl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *v = rules[i].value;

        if (rules[i].needed && v[0] == '\0')
            return fl_err_set(err, FL_E_INVAL, "%s is missing", rules[i].name);
        if (!fl_utf8_valid(fl_span_str(v)))
            return fl_err_set(err, FL_E_INVAL, "%s is no text in UTF-8", rules[i].name);
        for (; *v != '\0'; v++)
            if (((unsigned char)*v < 0x20 && *v != '\n' && *v != '\t') || *v == 0x7f)
                return fl_err_set(err, FL_E_INVAL, "%s holds a control character", rules[i].name);
    }
    return FL_OK;
}

int fl_drill_check(const struct fl_drill *d, struct fl_err *err)
{
    const struct rule rules[] = {{"title", d->title, true}};

    if (d->minutes < 1 || d->minutes > FL_DRILL_MINUTES_MAX)
        return fl_err_set(err, FL_E_INVAL, "minutes, a drill's length, are 1 to %u",
                          FL_DRILL_MINUTES_MAX);
    if (d->draws < FL_DRILL_DRAWS_MIN || d->draws > FL_DRILL_DRAWS_MAX)
        return fl_err_set(err, FL_E_INVAL, "draws are %u to %u", FL_DRILL_DRAWS_MIN,
                          FL_DRILL_DRAWS_MAX);
    if (d->state >= FL_DRILL_STATES)
        return fl_err_set(err, FL_E_INVAL, "state is planned, running, paused or ended");
    return check_texts(rules, FL_LEN(rules), err);
}

int fl_drill_person_check(const struct fl_drill_person *p, struct fl_err *err)
{
    const struct rule rules[] = {{"participants.name", p->name, true},
                                 {"participants.role", p->role, false},
                                 {"participants.user", p->user, false}};

    if (strpbrk(p->name, "\n\t") != NULL || strpbrk(p->role, "\n\t") != NULL)
        return fl_err_set(err, FL_E_INVAL, "names and roles of participants are one line each");
    return check_texts(rules, FL_LEN(rules), err);
}

int fl_drill_inject_check(const struct fl_drill_inject *i, struct fl_err *err)
{
    const struct rule rules[] = {
        {"script.title", i->title, true}, {"script.text", i->text, false}, {"to", i->asked, false}};

    if (i->minute > FL_DRILL_MINUTES_MAX || i->minutes > FL_DRILL_MINUTES_MAX)
        return fl_err_set(err, FL_E_INVAL, "minute and minutes of an inject are 0 to %u",
                          FL_DRILL_MINUTES_MAX);
    if (i->area >= FL_DRILL_AREAS)
        return fl_err_set(err, FL_E_INVAL,
                          "area of an inject is detect, decide, ask, tell or record");
    return check_texts(rules, FL_LEN(rules), err);
}

int fl_drill_answer_check(const struct fl_drill_answer *a, struct fl_err *err)
{
    const struct rule rules[] = {{"text", a->text, true}, {"note", a->note, false}};

    if (a->grade >= FL_GRADES)
        return fl_err_set(err, FL_E_INVAL, "grade is good, weak, wrong or null");
    return check_texts(rules, FL_LEN(rules), err);
}

int fl_drill_action_check(const struct fl_drill_action *a, struct fl_err *err)
{
    const struct rule rules[] = {
        {"text", a->text, true}, {"owner", a->owner, false}, {"note", a->note, false}};

    return check_texts(rules, FL_LEN(rules), err);
}

/* ---- the clock ---- */

int64_t fl_drill_clock_us(const struct fl_drill *d, int64_t now_us)
{
    int64_t until_us = d->ended_us != 0 ? d->ended_us : d->paused_us != 0 ? d->paused_us : now_us;
    int64_t clock_us = until_us - d->started_us - d->pauses_us;

    return d->started_us == 0 || clock_us < 0 ? 0 : clock_us;
}

static int refuse(const struct fl_drill *d, const char *what, struct fl_err *err)
{
    return fl_err_set(err, FL_E_DENIED, "a drill that is %s cannot be %s",
                      fl_drill_states[d->state], what);
}

int fl_drill_start(struct fl_drill *d, int64_t now_us, struct fl_err *err)
{
    if (d->state == FL_DRILL_PAUSED)
        return fl_drill_resume(d, now_us, err);
    if (d->state != FL_DRILL_PLANNED)
        return refuse(d, "started", err);
    d->state = FL_DRILL_RUNNING;
    d->started_us = now_us;
    d->paused_us = d->pauses_us = d->ended_us = 0;
    return FL_OK;
}

int fl_drill_pause(struct fl_drill *d, int64_t now_us, struct fl_err *err)
{
    if (d->state != FL_DRILL_RUNNING)
        return refuse(d, "paused", err);
    d->state = FL_DRILL_PAUSED;
    d->paused_us = now_us;
    return FL_OK;
}

int fl_drill_resume(struct fl_drill *d, int64_t now_us, struct fl_err *err)
{
    if (d->state != FL_DRILL_PAUSED)
        return refuse(d, "resumed", err);
    if (now_us > d->paused_us)
        d->pauses_us += now_us - d->paused_us;
    d->state = FL_DRILL_RUNNING;
    d->paused_us = 0;
    return FL_OK;
}

int fl_drill_end(struct fl_drill *d, int64_t now_us, const char *who, struct fl_err *err)
{
    if (d->state != FL_DRILL_RUNNING && d->state != FL_DRILL_PAUSED)
        return refuse(d, "ended", err);
    d->ended_us = d->state == FL_DRILL_PAUSED ? d->paused_us : now_us;
    d->state = FL_DRILL_ENDED;
    (void)snprintf(d->ended_by, sizeof d->ended_by, "%s", who);
    return FL_OK;
}

/* ---- injects ---- */

int64_t fl_drill_inject_us(const struct fl_drill_inject *i)
{
    int64_t due_us = (int64_t)i->minute * 60 * FL_US_PER_S;

    return i->sent && i->sent_us < due_us ? i->sent_us : due_us;
}

bool fl_drill_inject_out(const struct fl_drill *d, const struct fl_drill_inject *i, int64_t now_us)
{
    return d->started_us != 0 && (i->sent || fl_drill_clock_us(d, now_us) >= fl_drill_inject_us(i));
}

static bool names(const char *line, size_t len, const char *word)
{
    return strlen(word) == len && len > 0 && strncasecmp(line, word, len) == 0;
}

bool fl_drill_asks(const struct fl_drill_inject *i, const struct fl_drill_person *p)
{
    const char *at = i->asked;

    if (i->asked[0] == '\0')
        return true;
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");

        if (names(at, len, p->role) || names(at, len, p->name) || names(at, len, p->user))
            return true;
        at += len + (at[len] == '\n');
    }
    return false;
}

void fl_drill_number(const struct fl_drill *d, char ret[FL_DRILL_NUMBER_MAX])
{
    (void)snprintf(ret, FL_DRILL_NUMBER_MAX, "D-%03" PRIu32, d->number % 100000000);
}
