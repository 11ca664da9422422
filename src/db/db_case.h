/*
 * db_case.h - the control database (db.h): cases and all that belongs to them.
 *
 * What moves from one state to another is decided above (cases/case.h); here rows are kept. Every
 * row of a case has its tenant, and is found by tenant and number alone. What is listed of a case
 * is bounded by FL_DB_CASE_ROWS_MAX. A function given to a list must not write to the database.
 */
#ifndef FL_DB_DB_CASE_H
#define FL_DB_DB_CASE_H

#include "db/db.h"
#include "model/case_notice.h"
#include "model/case_row.h"
#include "model/plan_row.h"
#include "model/question.h"

#define FL_DB_CASE_ROWS_MAX 500u

/* ---- cases ---- */

struct fl_db_case_pick {
    uint32_t tenant;
    int over;          /* 0: those that run, 1: those that are over, -1: all */
    int exercise;      /* 0, 1, -1: either */
    const char *owner; /* NULL: anybody's */
    uint32_t risk;     /* 0: any */
};

/* Gives it the tenant's next number. */
int fl_db_case_add(struct fl_db *db, struct fl_case *c, struct fl_err *err) FL_MUST_CHECK;
int fl_db_case_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_case *ret,
                   struct fl_err *err) FL_MUST_CHECK;
int fl_db_case_set(struct fl_db *db, const struct fl_case *c, struct fl_err *err) FL_MUST_CHECK;
/* With all that belongs to it. */
int fl_db_case_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
    FL_MUST_CHECK;
/* Newest first. */
int fl_db_cases(struct fl_db *db, const struct fl_db_case_pick *pick, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_case *c), void *ctx, struct fl_db_list *ret,
                struct fl_err *err) FL_MUST_CHECK;
int fl_db_case_count(struct fl_db *db, const struct fl_db_case_pick *pick, uint64_t *ret,
                     struct fl_err *err) FL_MUST_CHECK;
/* The case that runs for this risk; FL_E_NOENT. */
int fl_db_case_of_risk(struct fl_db *db, uint32_t tenant, uint32_t risk, struct fl_case *ret,
                       struct fl_err *err) FL_MUST_CHECK;

/* ---- what belongs to a case: in the order of their numbers ---- */

#define FL_DB_CASE_PART(s, word)                                                                   \
    int fl_db_##word##_add(struct fl_db *db, struct s *row, struct fl_err *err) FL_MUST_CHECK;     \
    int fl_db_##word##_get(struct fl_db *db, uint32_t tenant, uint32_t case_id, uint32_t id,       \
                           struct s *ret, struct fl_err *err) FL_MUST_CHECK;                       \
    int fl_db_##word##_set(struct fl_db *db, const struct s *row, struct fl_err *err)              \
        FL_MUST_CHECK;                                                                             \
    int fl_db_##word##_remove(struct fl_db *db, uint32_t tenant, uint32_t case_id, uint32_t id,    \
                              struct fl_err *err) FL_MUST_CHECK;                                   \
    int fl_db_##word##_each(struct fl_db *db, uint32_t case_id,                                    \
                            int (*fn)(void *ctx, const struct s *row), void *ctx,                  \
                            struct fl_err *err) FL_MUST_CHECK;                                     \
    int fl_db_##word##_count(struct fl_db *db, uint32_t case_id, uint64_t *ret,                    \
                             struct fl_err *err) FL_MUST_CHECK

FL_DB_CASE_PART(fl_case_site, case_site);
FL_DB_CASE_PART(fl_case_item, case_item);
FL_DB_CASE_PART(fl_case_action, case_action);
FL_DB_CASE_PART(fl_clock, clock);
FL_DB_CASE_PART(fl_question, question);
FL_DB_CASE_PART(fl_plan_row, plan);
FL_DB_CASE_PART(fl_case_notice, case_notice); /* fl_db_case_notice_send() lets it out */

/* By the id of the network. FL_E_NOENT. */
int fl_db_case_site_find(struct fl_db *db, uint32_t case_id, const char *site,
                         struct fl_case_site *ret, struct fl_err *err) FL_MUST_CHECK;
/* By its number within the case. FL_E_NOENT. */
int fl_db_case_item_find(struct fl_db *db, uint32_t case_id, uint32_t number,
                         struct fl_case_item *ret, struct fl_err *err) FL_MUST_CHECK;
/* FL_E_NOENT. */
int fl_db_clock_find(struct fl_db *db, uint32_t case_id, const char *kind, const char *object,
                     struct fl_clock *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- steps and entries: only ever added ---- */

int fl_db_clock_step_add(struct fl_db *db, struct fl_clock_step *step, struct fl_err *err)
    FL_MUST_CHECK;
/* Oldest first. */
int fl_db_clock_steps(struct fl_db *db, uint32_t clock,
                      int (*fn)(void *ctx, const struct fl_clock_step *step), void *ctx,
                      struct fl_err *err) FL_MUST_CHECK;
int fl_db_case_entry_add(struct fl_db *db, struct fl_case_entry *entry, struct fl_err *err)
    FL_MUST_CHECK;
/* Oldest first. */
int fl_db_case_entries(struct fl_db *db, uint32_t case_id, struct fl_db_page page,
                       int (*fn)(void *ctx, const struct fl_case_entry *entry), void *ctx,
                       struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- rules ---- */

int fl_db_case_rule_add(struct fl_db *db, struct fl_case_rule *rule, struct fl_err *err)
    FL_MUST_CHECK; /* FL_E_LIMIT beyond FL_CASE_RULES_MAX */
int fl_db_case_rule_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_case_rule *ret,
                        struct fl_err *err) FL_MUST_CHECK;
int fl_db_case_rule_set(struct fl_db *db, const struct fl_case_rule *rule, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_case_rule_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_case_rules(struct fl_db *db, uint32_t tenant,
                     int (*fn)(void *ctx, const struct fl_case_rule *rule), void *ctx,
                     struct fl_err *err) FL_MUST_CHECK;

/* ---- questions over all cases ---- */

/* Of any tenant. FL_E_NOENT. */
int fl_db_question_by_id(struct fl_db *db, uint32_t id, struct fl_question *ret, struct fl_err *err)
    FL_MUST_CHECK;

/* Those that are to be looked at, longest first. */
int fl_db_questions_due(struct fl_db *db, int64_t now_us, uint32_t limit,
                        int (*fn)(void *ctx, const struct fl_question *q), void *ctx,
                        struct fl_err *err) FL_MUST_CHECK;
int fl_db_question_token_add(struct fl_db *db, struct fl_question_token *token, struct fl_err *err)
    FL_MUST_CHECK;
/* FL_E_NOENT. */
int fl_db_question_token_get(struct fl_db *db, const unsigned char hash[32],
                             struct fl_question_token *ret, struct fl_err *err) FL_MUST_CHECK;
/* Questions without an answer that went to this mailbox (lower case) and whose links still work,
 * of all tenants; without this one and those of exercises. */
int fl_db_questions_of_mailbox(struct fl_db *db, const char *email, uint32_t without,
                               int64_t now_us, int (*fn)(void *ctx, const struct fl_question *q),
                               void *ctx, struct fl_err *err) FL_MUST_CHECK;

/* Questions whose first mail has left, or will not. */
int fl_db_questions_told(struct fl_db *db, uint32_t limit,
                         int (*fn)(void *ctx, const struct fl_question *q), void *ctx,
                         struct fl_err *err) FL_MUST_CHECK;

/* Look at the questions of this clock (0: all of the case) again. */
int fl_db_questions_wake(struct fl_db *db, uint32_t case_id, uint32_t clock, int64_t now_us,
                         struct fl_err *err) FL_MUST_CHECK;
int fl_db_questions_put_off(struct fl_db *db, uint32_t id, int64_t until_us, struct fl_err *err)
    FL_MUST_CHECK;

/* ---- the one door outwards ---- */

/* The notice that stands in the queue under this number. FL_E_NOENT. */
int fl_db_case_notice_of(struct fl_db *db, uint32_t out, struct fl_case_notice *ret,
                         struct fl_err *err) FL_MUST_CHECK;

/*
 * Let a notice out: it is stored (id 0: as a new row) and put into the queue; *ret `state` and
 * `out` say what became of it. Where its case is an exercise it becomes `withheld`, whatever was
 * asked for: nothing of a drill leaves. Nothing else of cases adds to the queue.
 */
int fl_db_case_notice_send(struct fl_db *db, struct fl_case_notice *notice, struct fl_err *err)
    FL_MUST_CHECK;

#endif
