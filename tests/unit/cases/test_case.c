/* Kinds of cases: every pair of states by every hand against a written list; closing; sites. */
#include <string.h>

#include "base/attr.h"
#include "base/time.h"
#include "cases/case.h"
#include "tap.h"

static const struct fl_machine *const machines[] = {&fl_machine_supply, &fl_machine_site,
                                                    &fl_machine_question, &fl_machine_plan,
                                                    &fl_machine_notice};

/* What is written down beside the tables: "from>to" by a person, by the program, by a supplier. */
static const struct {
    const struct fl_machine *machine;
    const char *person, *system, *supplier;
} written[] = {
    {&fl_machine_supply,
     " open>acting open>watching acting>watching watching>acting acting>open watching>open "
     "open>closed acting>closed watching>closed open>void acting>void watching>void closed>open "
     "void>open ",
     " open>acting acting>watching open>void ", " "},
    {&fl_machine_site,
     " potential>confirmed potential>no_impact confirmed>restored confirmed>no_impact "
     "confirmed>potential no_impact>confirmed no_impact>potential restored>confirmed ",
     " potential>confirmed potential>no_impact confirmed>restored no_impact>confirmed "
     "restored>confirmed ",
     " potential>confirmed potential>no_impact confirmed>restored no_impact>confirmed "
     "restored>confirmed "},
    {&fl_machine_plan,
     " drafted>chosen chosen>done drafted>dropped chosen>dropped chosen>drafted dropped>drafted "
     "done>chosen ",
     " ", " "},
    {&fl_machine_notice, " draft>queued ", " draft>queued draft>withheld ", " "},
};

static int may(const char *list, const char *from, const char *to)
{
    char word[80];

    (void)snprintf(word, sizeof word, " %s>%s ", from, to);
    return strcmp(from, to) == 0 || strstr(list, word) != NULL;
}

static void sweep(size_t i)
{
    static const unsigned by[] = {FL_BY_PERSON, FL_BY_SYSTEM, FL_BY_SUPPLIER};
    const char *const lists[] = {written[i].person, written[i].system, written[i].supplier};
    const struct fl_machine *m = written[i].machine;
    unsigned wrong = 0;
    char name[80];

    for (size_t from = 0; from < m->state_count; from++)
        for (size_t to = 0; to < m->state_count; to++)
            for (size_t k = 0; k < FL_LEN(by); k++) {
                int r = fl_machine_move(m, m->states[from], m->states[to], by[k], "why", NULL);

                if ((r == FL_OK) != (may(lists[k], m->states[from], m->states[to]) != 0) ||
                    (r != FL_OK && r != FL_E_DENIED)) {
                    printf("# %s: %s > %s by %u: %d\n", m->name, m->states[from], m->states[to],
                           by[k], r);
                    wrong++;
                }
            }
    (void)snprintf(name, sizeof name, "%s: every pair of states by every hand", m->name);
    CHECK(wrong == 0, name);
}

/* Tables that name what is not there would be found by nobody. */
static void check_tables(void)
{
    struct fl_err err;

    for (size_t i = 0; i < FL_LEN(machines); i++)
        for (size_t k = 0; k < machines[i]->move_count; k++) {
            const struct fl_move *move = &machines[i]->moves[k];

            CHECK(fl_machine_has(machines[i], move->from) &&
                      fl_machine_has(machines[i], move->to) && strcmp(move->from, move->to) != 0 &&
                      move->by != 0,
                  "a move is between states");
        }
    CHECK(fl_machine_move(&fl_machine_site, "potential", "gone", FL_BY_PERSON, "", &err) ==
              FL_E_INVAL,
          "no such state");
    CHECK(fl_machine_move(&fl_machine_site, "confirmed", "no_impact", FL_BY_PERSON, "", &err) ==
                  FL_E_INVAL &&
              strstr(err.text, "reason") != NULL,
          "a reason is asked for");
    CHECK(fl_machine_move(&fl_machine_question, "answered", "sent", FL_BY_SYSTEM, "", &err) ==
              FL_E_DENIED,
          "what is answered stays so");
    for (size_t i = 0; i < fl_case_kinds_count; i++) {
        const struct fl_case_kind *kind = &fl_case_kinds[i];

        CHECK(fl_machine_has(kind->machine, kind->closed) &&
                  fl_machine_has(kind->machine, kind->void_) &&
                  kind->item_count <= FL_CASE_ITEMS_MAX && fl_case_kind_find(kind->name) == kind,
              "a kind of case");
    }
    CHECK(fl_case_kind_find("none") == NULL, "no such kind");
}

static void check_closing(void)
{
    const struct fl_case_kind *kind = fl_case_kind_find("supply");
    struct fl_case_item items[2];
    struct fl_case c = {.state = "open"};
    struct fl_case_change ch = {.state = "closed",
                                .reason = "it is over",
                                .by = FL_BY_PERSON,
                                .now_us = 100,
                                .items = items,
                                .item_count = 2};
    struct fl_item_change done = {.state = "done", .by = "ann", .at_us = 9};
    struct fl_err err;

    fl_checklist_item(&(struct fl_item_row){"required", true, true}, 1, &items[0]);
    fl_checklist_item(&(struct fl_item_row){"optional", false, false}, 2, &items[1]);
    CHECK(fl_case_move(kind, &c, &ch, &err) == FL_E_DENIED &&
              strstr(err.text, "number 1") != NULL && c.closed_us == 0 &&
              strcmp(c.state, "open") == 0,
          "it does not close over an open item");
    CHECK(fl_checklist_set(&items[0], &done, &err) == FL_E_INVAL &&
              strstr(err.text, "evidence") != NULL && strcmp(items[0].state, "open") == 0,
          "done needs what shows it");
    done.evidence = "sheet 7";
    CHECK(fl_checklist_set(&items[0], &done, &err) == FL_OK && items[0].at_us == 9, "done");
    CHECK(fl_checklist_set(&items[1], &(struct fl_item_change){.state = "not_needed", .by = "ann"},
                           &err) == FL_E_INVAL,
          "not needed says why");
    CHECK(fl_case_move(kind, &c, &ch, &err) == FL_OK && c.closed_us == 100 &&
              strcmp(c.close_reason, "it is over") == 0,
          "closed");
    ch.state = "open";
    ch.reason = "";
    CHECK(fl_case_move(kind, &c, &ch, &err) == FL_E_INVAL, "opened again with a reason alone");
    ch.reason = "another shock";
    CHECK(fl_case_move(kind, &c, &ch, &err) == FL_OK && c.closed_us == 0, "opened again");
    ch.state = "void";
    fl_checklist_item(&(struct fl_item_row){"required", true, true}, 1, &items[0]);
    CHECK(fl_case_move(kind, &c, &ch, &err) == FL_OK && c.closed_us == 100, "void needs no list");
}

static void check_site(void)
{
    struct fl_case_site s = {.site = "S1",
                             .status = "potential",
                             .down_m = FL_CASE_UNKNOWN,
                             .stock_m = FL_CASE_UNKNOWN,
                             .since_us = 10};
    struct fl_site_word w = {
        .status = "confirmed", .who = "M. S.", .days_m = 56000, .now_us = 50, .by = FL_BY_SUPPLIER};
    struct fl_err err;

    CHECK(fl_case_site_say(&s, &w, &err) == FL_OK && s.confirmed_us == 50 && s.down_m == 56000 &&
              s.word_us == 50,
          "confirmed, with how long");
    w.now_us = 60;
    w.days_m = 35000;
    CHECK(fl_case_site_say(&s, &w, &err) == FL_OK && s.confirmed_us == 50 && s.down_m == 35000,
          "confirmed again with another number: since when stays");
    w.days_m = -5;
    CHECK(fl_case_site_say(&s, &w, &err) == FL_E_INVAL && s.down_m == 35000, "no days below zero");
    w = (struct fl_site_word){.status = "restored",
                              .who = "x",
                              .days_m = FL_CASE_UNKNOWN,
                              .now_us = 90,
                              .by = FL_BY_PERSON};
    CHECK(fl_case_site_say(&s, &w, &err) == FL_OK && s.restored_us == 90 && s.down_m == 35000,
          "restored");
    w.status = "confirmed";
    CHECK(fl_case_site_say(&s, &w, &err) == FL_OK && s.restored_us == 0 && s.confirmed_us == 90,
          "down again");
}

int main(void)
{
    for (size_t i = 0; i < FL_LEN(written); i++)
        sweep(i);
    check_tables();
    check_closing();
    check_site();
    return tap_done();
}
