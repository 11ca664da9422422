/*
 * cases.h - inside api: what the files about cases share.
 *
 * A change of a case is made by a kit: who, when, in whose name, for which tenant. Requests and the
 * program's own clock use the same functions, so a case behaves alike whoever moves it. All of them
 * write within a transaction that the caller began.
 */
#ifndef FL_API_CASES_H
#define FL_API_CASES_H

#include "api/route.h"
#include "cases/case.h"
#include "db/db_case.h"
#include "db/db_notice.h"
#include "db/db_risk.h"

struct fl_case_kit {
    struct fl_db *db;
    struct fl_audit *audit;
    const struct fl_conf *conf;
    struct fl_tenant tenant;
    int64_t now_us;
    unsigned by;                     /* FL_BY_PERSON, ... */
    char who[FL_CASE_WHO_MAX + 1];   /* as timelines show it */
    char actor[FL_CASE_WHO_MAX + 1]; /* as the record of events has it */
};

/* Of a request, whose tenant the path names. */
void fl_case_kit_of(const struct fl_req *req, struct fl_case_kit *ret);
/* The program by itself, for this tenant. FL_E_NOENT: it is gone. */
int fl_case_kit_system(struct fl_api *api, uint32_t tenant, struct fl_case_kit *ret,
                       struct fl_err *err) FL_MUST_CHECK;

/* ---- case_kit.c ---- */

int fl_case_note(const struct fl_case_kit *kit, const struct fl_case *c, const char *what,
                 struct fl_err *err, const char *fmt, ...) FL_PRINTF(5, 6) FL_MUST_CHECK;
int fl_case_record(const struct fl_case_kit *kit, const struct fl_case *c, const char *event,
                   const char *detail, struct fl_err *err) FL_MUST_CHECK;
/* A new case of supply with its clocks and checklist; c has title, severity, event, ... */
int fl_case_open(const struct fl_case_kit *kit, struct fl_case *c, struct fl_err *err)
    FL_MUST_CHECK;
/* Another affected site of it; name and supplier may be empty. */
int fl_case_add_site(const struct fl_case_kit *kit, const struct fl_case *c,
                     struct fl_case_site *site, struct fl_err *err) FL_MUST_CHECK;
/* What is said about a site, with what follows from it. */
int fl_case_say(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_case_site *site,
                const char *status, int64_t days_m, const char *note, struct fl_err *err)
    FL_MUST_CHECK;
/* Begin a clock of the case; a step of one that runs. */
int fl_case_clock_begin(const struct fl_case_kit *kit, const struct fl_case *c, const char *kind,
                        const char *object, int64_t span_us, struct fl_clock *ret,
                        struct fl_err *err) FL_MUST_CHECK;
int fl_case_clock_step(const struct fl_case_kit *kit, const struct fl_case *c,
                       struct fl_clock *clock, enum fl_clock_rule rule, int64_t value_us,
                       const char *reason, struct fl_err *err) FL_MUST_CHECK;
/* Stop it if it is there and runs. */
int fl_case_clock_end(const struct fl_case_kit *kit, const struct fl_case *c, const char *kind,
                      const char *object, const char *reason, struct fl_err *err) FL_MUST_CHECK;
int fl_case_change_state(const struct fl_case_kit *kit, struct fl_case *c, const char *state,
                         const char *reason, struct fl_err *err) FL_MUST_CHECK;
/* Fill c and its sites from a risk as the desk keeps it; opened by a person or a rule. */
int fl_case_open_risk(const struct fl_case_kit *kit, const struct fl_risk *risk, struct fl_case *c,
                      struct fl_err *err) FL_MUST_CHECK;
/* The desk has a risk that is new or changed: rules of the tenant may open a case for it. */
void fl_case_rules_run(struct fl_api *api, const struct fl_risk *risk);

/* ---- case_ask.c: questions ---- */

struct fl_contact {
    uint32_t number;
    char name[FL_CASE_TITLE_MAX + 1], email[FL_EMAIL_MAX + 1];
    char language[FL_LANGUAGE_MAX + 1];
};
/* The supplier's next contact behind this number (0: the first). FL_E_NOENT: there is none. */
int fl_case_contact(const struct fl_case_kit *kit, const char *supplier, uint32_t after,
                    struct fl_contact *ret, struct fl_err *err) FL_MUST_CHECK;
/* Name, supplier and country of a site as the network has it. FL_E_NOENT. */
int fl_case_site_look(const struct fl_case_kit *kit, struct fl_case_site *site, char country[3],
                      struct fl_err *err) FL_MUST_CHECK;

#define FL_LINK_MAX 600u
/* Ask. hours: until the next contact is asked. link: made and written to ret_link (shown once), not
 * mailed; else ret_link is "". */
int fl_case_ask(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                unsigned hours, bool link, char ret_link[FL_LINK_MAX], struct fl_err *err)
    FL_MUST_CHECK;
int fl_case_remind(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                   struct fl_err *err) FL_MUST_CHECK;
int fl_case_withdraw(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                     const char *reason, struct fl_err *err) FL_MUST_CHECK;

struct fl_case_answer {
    uint32_t impact; /* enum fl_answer_impact */
    int64_t days_m;
    const char *text, *name, *via; /* via: link, shared, person */
};
int fl_case_answered(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                     const struct fl_case_answer *answer, struct fl_err *err) FL_MUST_CHECK;

/* When a question's clock moved: it is looked at again. */
int fl_case_question_again(const struct fl_case_kit *kit, uint32_t clock, uint32_t case_id,
                           struct fl_err *err) FL_MUST_CHECK;
/* Hash of a link's token, as it is stored. */
void fl_case_token_hash(const unsigned char token[FL_TOKEN_BYTES], unsigned char ret[32]);

/* ---- case_json.c ---- */

void fl_case_put_number(struct fl_json *json, const char *key, int64_t scaled, double by);
void fl_case_put(struct fl_json *json, const char *key, const struct fl_case *c);
void fl_case_put_site(struct fl_json *json, const struct fl_case_site *s, int64_t now_us);
void fl_case_put_clock(struct fl_json *json, const struct fl_clock *clock, int64_t now_us);
void fl_case_put_step(struct fl_json *json, const struct fl_clock_step *step);
void fl_case_put_item(struct fl_json *json, const struct fl_case_item *item);
void fl_case_put_entry(struct fl_json *json, const struct fl_case_entry *entry);
void fl_case_put_action(struct fl_json *json, const struct fl_case_action *a, int64_t now_us);
void fl_case_put_question(struct fl_json *json, const struct fl_question *q,
                          const struct fl_clock *clock, int64_t now_us);
void fl_case_put_plan(struct fl_json *json, const struct fl_plan_row *p);
/* out: its row in the queue, or NULL. */
void fl_case_put_notice(struct fl_json *json, const struct fl_case_notice *n,
                        const struct fl_notice *out);
void fl_case_put_rule(struct fl_json *json, const struct fl_case_rule *rule);
/* Arrays of all there is of a case, as members of the object that is open. */
int fl_case_put_sites(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_json *json,
                      struct fl_err *err) FL_MUST_CHECK;
int fl_case_put_clocks(const struct fl_case_kit *kit, const struct fl_case *c, bool steps,
                       struct fl_json *json, struct fl_err *err) FL_MUST_CHECK;
int fl_case_put_items(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_json *json,
                      struct fl_err *err) FL_MUST_CHECK;
int fl_case_put_actions(const struct fl_case_kit *kit, const struct fl_case *c,
                        struct fl_json *json, struct fl_err *err) FL_MUST_CHECK;
int fl_case_put_questions(const struct fl_case_kit *kit, const struct fl_case *c,
                          struct fl_json *json, struct fl_err *err) FL_MUST_CHECK;
int fl_case_put_plans(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_json *json,
                      struct fl_err *err) FL_MUST_CHECK;
int fl_case_put_notices(const struct fl_case_kit *kit, const struct fl_case *c,
                        struct fl_json *json, struct fl_err *err) FL_MUST_CHECK;

/* ---- what handlers share ---- */

/* The case that the path names, and the kit. */
int fl_case_take(struct fl_req *req, struct fl_case_kit *kit, struct fl_case *ret,
                 struct fl_err *err) FL_MUST_CHECK;
/* The number that stands last in the path. */
int fl_case_take_id(struct fl_req *req, const char *noun, uint32_t *ret, struct fl_err *err)
    FL_MUST_CHECK;
/* A refused move is a conflict (409), not a lack of rights. Returns r. */
int fl_case_conflict(struct fl_req *req, int r);
/* Numbers of the body, scaled: 1 and *ret, 0 absent, FL_E_INVAL. null: FL_CASE_UNKNOWN. */
int fl_case_take_number(struct fl_req *req, const char *name, double low, double high, double by,
                        int64_t *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_case_take_time(struct fl_req *req, const char *name, int64_t *ret, struct fl_err *err)
    FL_MUST_CHECK;
/* The same for a member of an object within the body. */
int fl_case_json_number(const json_t *object, const char *name, double low, double high, double by,
                        int64_t *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_case_json_text(const json_t *object, const char *name, char *ret, size_t size,
                      struct fl_err *err) FL_MUST_CHECK;

/* ---- for the program ---- */

/* About every second: what became of mails, reminders, the next contact, expired links. */
void fl_api_cases_tick(struct fl_api *api);
void fl_api_answers_free(struct fl_api *api);
/* Before a notice of the queue is handed over: put a new link where FL_QUESTION_LINK stands.
 * FL_E_NOENT: it is not to be sent any more (text says why). */
int fl_case_link_fill(struct fl_api *api, const struct fl_notice *out, struct fl_buf *body,
                      struct fl_err *err) FL_MUST_CHECK;

/* ---- handlers ---- */

int fl_api_cases(struct fl_req *req, struct fl_err *err);
int fl_api_case_add(struct fl_req *req, struct fl_err *err);
int fl_api_case_show(struct fl_req *req, struct fl_err *err);
int fl_api_case_set(struct fl_req *req, struct fl_err *err);
int fl_api_case_remove(struct fl_req *req, struct fl_err *err);
int fl_api_case_timeline(struct fl_req *req, struct fl_err *err);
int fl_api_case_timeline_add(struct fl_req *req, struct fl_err *err);
int fl_api_case_checklist(struct fl_req *req, struct fl_err *err);
int fl_api_case_item_set(struct fl_req *req, struct fl_err *err);
int fl_api_case_clocks(struct fl_req *req, struct fl_err *err);
int fl_api_case_clock_step(struct fl_req *req, struct fl_err *err);
int fl_api_case_site_add(struct fl_req *req, struct fl_err *err);
int fl_api_case_site_set(struct fl_req *req, struct fl_err *err);
int fl_api_case_questions(struct fl_req *req, struct fl_err *err);
int fl_api_case_ask(struct fl_req *req, struct fl_err *err);
int fl_api_case_remind(struct fl_req *req, struct fl_err *err);
int fl_api_case_answer(struct fl_req *req, struct fl_err *err);
int fl_api_case_withdraw(struct fl_req *req, struct fl_err *err);
int fl_api_case_plans(struct fl_req *req, struct fl_err *err);
int fl_api_case_compare(struct fl_req *req, struct fl_err *err);
int fl_api_case_plan_add(struct fl_req *req, struct fl_err *err);
int fl_api_case_plan_set(struct fl_req *req, struct fl_err *err);
int fl_api_case_plan_remove(struct fl_req *req, struct fl_err *err);
int fl_api_case_notices(struct fl_req *req, struct fl_err *err);
int fl_api_case_notice_add(struct fl_req *req, struct fl_err *err);
int fl_api_case_notice_send(struct fl_req *req, struct fl_err *err);
int fl_api_case_after(struct fl_req *req, struct fl_err *err);
int fl_api_case_after_set(struct fl_req *req, struct fl_err *err);
int fl_api_case_action_add(struct fl_req *req, struct fl_err *err);
int fl_api_case_action_set(struct fl_req *req, struct fl_err *err);
int fl_api_case_export(struct fl_req *req, struct fl_err *err);
int fl_api_case_rules(struct fl_req *req, struct fl_err *err);
int fl_api_case_rule_add(struct fl_req *req, struct fl_err *err);
int fl_api_case_rule_set(struct fl_req *req, struct fl_err *err);
int fl_api_case_rule_remove(struct fl_req *req, struct fl_err *err);
int fl_api_answer_show(struct fl_req *req, struct fl_err *err);
int fl_api_answer_give(struct fl_req *req, struct fl_err *err);

#endif
