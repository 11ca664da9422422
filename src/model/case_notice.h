/*
 * case_notice.h - what a case tells others by mail or webhook.
 *
 * One row for each notice that somebody writes, and for the mails of questions, reminders and
 * escalations. What is to leave goes into the queue of notices (db/db_notice.h), which sends it,
 * tries again and keeps the receipt; `out` is its number there. A question's link is not in the
 * body: FL_QUESTION_LINK stands for it, and is replaced when the mail is handed over, so that no
 * link is ever stored. What belongs to an exercise is `withheld` and stays so. Pure.
 */
#ifndef FL_MODEL_CASE_NOTICE_H
#define FL_MODEL_CASE_NOTICE_H

#include "codec/msg.h"
#include "model/case_row.h"
#include "model/user.h"

#define FL_CASE_NOTICE_BODY_MAX 12000u
#define FL_CASE_NOTICE_TO_MAX   1000u /* an address of mail, or a URL */
#define FL_QUESTION_LINK        "{answer-link}"

extern const char *const fl_notice_kinds[FL_NOTICE_KINDS]; /* "mail", "webhook" */

struct fl_case_notice {
    uint32_t id, tenant, case_id;
    uint32_t question;               /* 0: a notice that somebody wrote */
    char what[FL_CASE_WORD_MAX + 1]; /* notice, question, reminder, escalation */
    uint32_t kind;                   /* enum fl_notice_kind */
    char to_name[FL_CASE_TITLE_MAX + 1];
    char to_addr[FL_CASE_NOTICE_TO_MAX + 1];
    char subject[FL_CASE_TITLE_MAX + 1];
    char body[FL_CASE_NOTICE_BODY_MAX + 1];
    char state[FL_CASE_WORD_MAX + 1]; /* draft, queued, withheld; once queued, `out` knows more */
    uint32_t out;                     /* in the queue; 0: it is not there */
    int64_t created_us;
    char by[FL_CASE_WHO_MAX + 1];
};

/* FL_E_INVAL: names the field and what would be right. The queue checks addresses once more. */
int fl_case_notice_check(const struct fl_case_notice *n, struct fl_err *err) FL_MUST_CHECK;
/* FL_NOTICE_KINDS: no such word. */
enum fl_notice_kind fl_notice_kind_find(struct fl_span word);

#endif
