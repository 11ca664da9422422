#include "cases/case.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/time.h"

#define HOUR_US    (INT64_C(3600) * FL_US_PER_S)
#define RULE(name) (1u << FL_CLOCK_##name)
#define ANYBODY    (FL_BY_PERSON | FL_BY_SYSTEM)
#define ALL        (FL_BY_PERSON | FL_BY_SYSTEM | FL_BY_SUPPLIER)
#define MACHINE(label, s, m)                                                                       \
    {                                                                                              \
        label, s, FL_LEN(s), m, FL_LEN(m)                                                          \
    }

/* ---- the machines ---- */

static const char *const supply_states[] = {"open", "acting", "watching", "closed", "void"};
static const struct fl_move supply_moves[] = {
    {"open", "acting", ANYBODY, false},         {"open", "watching", FL_BY_PERSON, false},
    {"acting", "watching", ANYBODY, false},     {"watching", "acting", FL_BY_PERSON, false},
    {"acting", "open", FL_BY_PERSON, true},     {"watching", "open", FL_BY_PERSON, true},
    {"open", "closed", FL_BY_PERSON, true},     {"acting", "closed", FL_BY_PERSON, true},
    {"watching", "closed", FL_BY_PERSON, true}, {"open", "void", ANYBODY, true},
    {"acting", "void", FL_BY_PERSON, true},     {"watching", "void", FL_BY_PERSON, true},
    {"closed", "open", FL_BY_PERSON, true},     {"void", "open", FL_BY_PERSON, true},
};
const struct fl_machine fl_machine_supply = MACHINE("case", supply_states, supply_moves);

static const char *const site_states[] = {"potential", "confirmed", "no_impact", "restored"};
static const struct fl_move site_moves[] = {
    {"potential", "confirmed", ALL, false},         {"potential", "no_impact", ALL, false},
    {"confirmed", "restored", ALL, false},          {"confirmed", "no_impact", FL_BY_PERSON, true},
    {"confirmed", "potential", FL_BY_PERSON, true}, {"no_impact", "confirmed", ALL, false},
    {"no_impact", "potential", FL_BY_PERSON, true}, {"restored", "confirmed", ALL, false},
};
const struct fl_machine fl_machine_site = MACHINE("site", site_states, site_moves);

static const char *const question_states[] = {"waiting", "sent",   "opened",    "answered",
                                              "silent",  "failed", "withdrawn", "withheld"};
static const struct fl_move question_moves[] = {
    {"waiting", "sent", FL_BY_SYSTEM, false},
    {"waiting", "failed", FL_BY_SYSTEM, false},
    {"sent", "opened", FL_BY_SUPPLIER, false},
    {"waiting", "opened", FL_BY_SUPPLIER, false},
    {"failed", "sent", FL_BY_SYSTEM, false},
    {"silent", "opened", FL_BY_SUPPLIER, false},
    {"sent", "failed", FL_BY_SYSTEM, false},
    {"sent", "silent", FL_BY_SYSTEM, false},
    {"opened", "silent", FL_BY_SYSTEM, false},
    {"failed", "silent", FL_BY_SYSTEM, false},
    {"waiting", "silent", FL_BY_SYSTEM, false},
    {"waiting", "answered", ALL, false},
    {"sent", "answered", ALL, false},
    {"opened", "answered", ALL, false},
    {"silent", "answered", ALL, false},
    {"failed", "answered", ALL, false},
    {"withheld", "answered", FL_BY_PERSON, false},
    {"waiting", "withdrawn", ANYBODY, false},
    {"sent", "withdrawn", ANYBODY, false},
    {"opened", "withdrawn", ANYBODY, false},
    {"silent", "withdrawn", ANYBODY, false},
    {"failed", "withdrawn", ANYBODY, false},
    {"withheld", "withdrawn", ANYBODY, false},
};
const struct fl_machine fl_machine_question = MACHINE("question", question_states, question_moves);

static const char *const plan_states[] = {"drafted", "chosen", "done", "dropped"};
static const struct fl_move plan_moves[] = {
    {"drafted", "chosen", FL_BY_PERSON, false},  {"chosen", "done", FL_BY_PERSON, false},
    {"drafted", "dropped", FL_BY_PERSON, false}, {"chosen", "dropped", FL_BY_PERSON, true},
    {"chosen", "drafted", FL_BY_PERSON, true},   {"dropped", "drafted", FL_BY_PERSON, false},
    {"done", "chosen", FL_BY_PERSON, true},
};
const struct fl_machine fl_machine_plan = MACHINE("plan", plan_states, plan_moves);

static const char *const notice_states[] = {"draft", "queued", "withheld"};
static const struct fl_move notice_moves[] = {
    {"draft", "queued", ANYBODY, false},
    {"draft", "withheld", FL_BY_SYSTEM, false},
};
const struct fl_machine fl_machine_notice = MACHINE("notice", notice_states, notice_moves);

/* ---- a case of supply ---- */

/* A question's clock is the supplier's: the program extends it when the next contact is asked. */
static const struct fl_clock_kind supply_clocks[] = {
    {"assess", "all sites have a word: confirmed, no impact or restored", 24 * HOUR_US,
     720 * HOUR_US, 0,
     RULE(START) | RULE(REDATE) | RULE(PAUSE) | RULE(RESUME) | RULE(EXTEND) | RULE(STOP),
     RULE(START) | RULE(STOP), 3, 168 * HOUR_US, false},
    {"decide", "a plan is chosen, or it is said that none is needed", 72 * HOUR_US, 2160 * HOUR_US,
     0, RULE(START) | RULE(REDATE) | RULE(PAUSE) | RULE(RESUME) | RULE(EXTEND) | RULE(STOP),
     RULE(START) | RULE(STOP), 3, 720 * HOUR_US, false},
    {"answer", "the supplier answers", 24 * HOUR_US, 720 * HOUR_US, 0,
     RULE(REDATE) | RULE(PAUSE) | RULE(RESUME) | RULE(EXTEND),
     RULE(START) | RULE(EXTEND) | RULE(STOP), 12, 2160 * HOUR_US, true},
};

static const struct fl_item_row supply_items[] = {
    {"The sites that the event touches are right, and none is missing", true, false},
    {"Every supplier of an affected site was asked", true, false},
    {"Stock and orders on the way of the parts at risk were counted", true, true},
    {"Allocation of scarce parts is decided", false, true},
    {"A mitigation plan is chosen, with owner and date, or none is needed", true, true},
    {"Sales and customers who are affected were told", false, true},
    {"The network of supply holds what was learnt (recovery times, sources)", true, false},
    {"The after-action record is written", true, false},
};

const struct fl_case_kind fl_case_kinds[] = {
    {"supply", "SC", &fl_machine_supply, supply_clocks, FL_LEN(supply_clocks), supply_items,
     FL_LEN(supply_items), "closed", "void"},
};
const size_t fl_case_kinds_count = FL_LEN(fl_case_kinds);

const struct fl_case_kind *fl_case_kind_find(const char *name)
{
    for (size_t i = 0; i < fl_case_kinds_count; i++)
        if (strcmp(fl_case_kinds[i].name, name) == 0)
            return &fl_case_kinds[i];
    return NULL;
}

const struct fl_clock_kind *fl_case_clock_find(const struct fl_case_kind *kind, const char *clock)
{
    for (size_t i = 0; i < kind->clock_count; i++)
        if (strcmp(kind->clocks[i].name, clock) == 0)
            return &kind->clocks[i];
    return NULL;
}

bool fl_case_is_over(const struct fl_case_kind *kind, const char *state)
{
    return strcmp(state, kind->closed) == 0 || strcmp(state, kind->void_) == 0;
}

/* ---- moving ---- */

bool fl_machine_has(const struct fl_machine *m, const char *state)
{
    for (size_t i = 0; i < m->state_count; i++)
        if (strcmp(m->states[i], state) == 0)
            return true;
    return false;
}

const char *fl_machine_next(const struct fl_machine *m, const char *from, unsigned by, size_t *at)
{
    while (*at < m->move_count) {
        const struct fl_move *move = &m->moves[(*at)++];

        if ((move->by & by) != 0 && strcmp(move->from, from) == 0)
            return move->to;
    }
    return NULL;
}

static int refuse(const struct fl_machine *m, const char *from, const char *to, unsigned by,
                  struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *next;
    size_t at = 0;

    fl_buf_init(&text, 300);
    while ((next = fl_machine_next(m, from, by, &at)) != NULL)
        fl_buf_printf(&text, "%s%s", text.len == 0 ? "" : ", ", next);
    return fl_err_set(err, FL_E_DENIED,
                      "a %s that is '%s' does not become '%s'; it may become: %.*s", m->name, from,
                      to, text.len == 0 ? 7 : (int)text.len,
                      text.len == 0 ? "nothing" : (const char *)text.ptr);
}

int fl_machine_move(const struct fl_machine *m, const char *from, const char *to, unsigned by,
                    const char *reason, struct fl_err *err)
{
    if (!fl_machine_has(m, to))
        return fl_err_set(err, FL_E_INVAL, "a %s has no state '%.40s'", m->name, to);
    if (strcmp(from, to) == 0)
        return FL_OK;
    for (size_t i = 0; i < m->move_count; i++) {
        const struct fl_move *move = &m->moves[i];

        if ((move->by & by) == 0 || strcmp(move->from, from) != 0 || strcmp(move->to, to) != 0)
            continue;
        if (move->reason && (reason == NULL || reason[0] == '\0'))
            return fl_err_set(err, FL_E_INVAL,
                              "reason is missing: from '%s' to '%s' it is said why", from, to);
        return FL_OK;
    }
    return refuse(m, from, to, by, err);
}

int fl_case_move(const struct fl_case_kind *kind, struct fl_case *c,
                 const struct fl_case_change *ch, struct fl_err *err)
{
    uint32_t first = 0;
    size_t open;
    int r = fl_machine_move(kind->machine, c->state, ch->state, ch->by, ch->reason, err);

    if (r < 0)
        return r;
    open = fl_checklist_open(ch->items, ch->item_count, &first);
    if (strcmp(ch->state, kind->closed) == 0 && open > 0)
        return fl_err_set(
            err, FL_E_DENIED,
            "%zu required item%s of the checklist %s open, the first is number %u: do "
            "%s, or say why %s not needed",
            open, open == 1 ? "" : "s", open == 1 ? "is" : "are", first, open == 1 ? "it" : "them",
            open == 1 ? "it is" : "they are");
    if (fl_case_is_over(kind, ch->state) != (c->closed_us != 0))
        c->closed_us = fl_case_is_over(kind, ch->state) ? ch->now_us : 0;
    if (ch->reason != NULL && strcmp(c->state, ch->state) != 0) {
        memset(c->close_reason, 0, sizeof c->close_reason);
        (void)snprintf(c->close_reason, sizeof c->close_reason, "%s", ch->reason);
    }
    memset(c->state, 0, sizeof c->state);
    (void)snprintf(c->state, sizeof c->state, "%s", ch->state);
    return FL_OK;
}

/* ---- what is said about a site ---- */

static void set_times(struct fl_case_site *site, const char *status, int64_t now_us)
{
    if (strcmp(status, "confirmed") == 0 && strcmp(site->status, "confirmed") != 0)
        site->confirmed_us = now_us;
    site->restored_us = strcmp(status, "restored") != 0 ? 0
                        : site->restored_us != 0        ? site->restored_us
                                                        : now_us;
}

int fl_case_site_say(struct fl_case_site *site, const struct fl_site_word *word, struct fl_err *err)
{
    struct fl_case_site next;
    int r =
        fl_machine_move(&fl_machine_site, site->status, word->status, word->by, word->note, err);

    if (r < 0)
        return r;
    memcpy(&next, site, sizeof next);
    set_times(&next, word->status, word->now_us);
    if (word->days_m != FL_CASE_UNKNOWN)
        next.down_m = word->days_m;
    r = fl_case_site_check(&next, err);
    if (r < 0)
        return r;
    memset(next.status, 0, sizeof next.status);
    (void)snprintf(next.status, sizeof next.status, "%s", word->status);
    memset(next.word_by, 0, sizeof next.word_by);
    (void)snprintf(next.word_by, sizeof next.word_by, "%s", word->who);
    next.word_us = word->now_us;
    if (word->note != NULL && word->note[0] != '\0') {
        memset(next.note, 0, sizeof next.note);
        (void)snprintf(next.note, sizeof next.note, "%s", word->note);
    }
    memcpy(site, &next, sizeof next);
    return FL_OK;
}
