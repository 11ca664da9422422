/*
 * question.h - questions to suppliers that are answered without an account, and in which words.
 *
 * A question goes to one contact after another until somebody answers or nobody is left. Each mail
 * has a link of its own; of the link only the hash of its token is kept (BLAKE2b of 32 random
 * bytes), with the mailbox it was sent to. A link that was shown to the asker instead has no
 * mailbox: whoever holds it need not be the supplier, so no other customer is named to him. Pure.
 */
#ifndef FL_MODEL_QUESTION_H
#define FL_MODEL_QUESTION_H

#include "base/buf.h"
#include "model/case_row.h"
#include "model/user.h"

#define FL_TOKEN_BYTES       32u
#define FL_TOKEN_TEXT        43u /* base64url without padding */
#define FL_LANGUAGE_MAX      8u
#define FL_QUESTION_HOURS    24u /* until the next contact is asked; preset */
#define FL_QUESTION_DAYS     30u /* that a link works; preset */
#define FL_QUESTION_DAYS_MAX 90u
#define FL_ANSWER_TEXT_MAX   2000u
#define FL_ANSWER_DAYS_MAX   3650u

enum fl_answer_impact { FL_ANSWER_NO, FL_ANSWER_YES, FL_ANSWER_IMPACTS };

struct fl_question {
    uint32_t id, tenant, case_id;
    char site[FL_CASE_ID_MAX + 1];
    char site_name[FL_CASE_TITLE_MAX + 1];
    char supplier[FL_CASE_ID_MAX + 1];
    char supplier_name[FL_CASE_TITLE_MAX + 1];
    char to_name[FL_CASE_TITLE_MAX + 1]; /* who is asked now */
    char to_email[FL_EMAIL_MAX + 1];     /* "": by a link that the asker passes on */
    uint32_t contact;                    /* number of the contact; 0: typed */
    char language[FL_LANGUAGE_MAX + 1];
    char text[FL_CASE_TEXT_MAX + 1]; /* more than the set words; "" */
    char state[FL_CASE_WORD_MAX + 1];
    char asked_by[FL_CASE_WHO_MAX + 1];
    uint32_t clock;
    uint32_t out;                                      /* its latest mail in the queue; 0: none */
    int64_t asked_us, sent_us, opened_us, answered_us; /* 0: not; opened: the first time */
    uint32_t opens, reminders, escalations;
    int64_t next_us; /* to be looked at then; 0: not any more */
    int64_t expires_us;
    uint32_t impact; /* of the answer; enum fl_answer_impact */
    int64_t days_m;
    char answered_by[FL_CASE_TITLE_MAX + 1]; /* the name that was given */
    char answer[FL_ANSWER_TEXT_MAX + 1];
    char via[FL_CASE_WORD_MAX + 1]; /* link, shared, person */
};

struct fl_question_token {
    uint32_t question, tenant;
    unsigned char hash[32];
    char email[FL_EMAIL_MAX + 1]; /* mailbox it went to, in lower case; "": shown to the asker */
    int64_t made_us, expires_us;
};

/* FL_E_INVAL: names the field and what would be right. */
int fl_question_check(const struct fl_question *q, struct fl_err *err) FL_MUST_CHECK;

/* ---- tokens ---- */

/* 43 characters and a NUL for 32 bytes. */
void fl_token_write(const unsigned char bytes[FL_TOKEN_BYTES], char ret[FL_TOKEN_TEXT + 1]);
bool fl_token_read(struct fl_span text, unsigned char ret[FL_TOKEN_BYTES]);

/* ---- schedule: pure arithmetic on the question and its clock ---- */

enum fl_question_due {
    FL_QUESTION_WAIT,
    FL_QUESTION_REMIND,
    FL_QUESTION_ESCALATE,
    FL_QUESTION_EXPIRE
};

/*
 * What is due at now, and when to look again. Half of the clock's time is over: a reminder to the
 * same contact, once for each contact. All of it: the next contact. The link's end: nothing more.
 * A clock that is paused waits.
 */
enum fl_question_due fl_question_due(const struct fl_question *q, const struct fl_clock *clock,
                                     int64_t now_us, int64_t *ret_next_us);

/* ---- words ---- */

enum fl_say {
    FL_SAY_SUBJECT,  /* {customer} {site} {event} */
    FL_SAY_REMINDER, /* subject of a reminder, the same */
    FL_SAY_HELLO,    /* {name} */
    FL_SAY_ASK,      /* {customer} {site} {event} */
    FL_SAY_HOW,      /* before the link; {due} */
    FL_SAY_SAFE,     /* opening the link answers nothing; {expires} */
    FL_SAY_AGAIN,    /* {asked}: we asked, no answer yet */
    FL_SAY_TITLE,    /* of the page */
    FL_SAY_QUESTION, /* of the page; {site} */
    FL_SAY_YES,
    FL_SAY_NO,
    FL_SAY_DAYS,   /* label: how many days until normal */
    FL_SAY_MORE,   /* label: anything else */
    FL_SAY_NAME,   /* label: your name */
    FL_SAY_SHARE,  /* label: give the same answer to */
    FL_SAY_SEND,   /* button */
    FL_SAY_THANKS, /* {answered} */
    FL_SAY_UNTIL,  /* {due} */
    FL_SAY_EXPIRED,
    FL_SAY_EXERCISE,
    FL_SAYS
};
extern const char *const fl_say_names[FL_SAYS]; /* "subject", ... */

struct fl_language {
    const char *code, *name; /* "de", "Deutsch" */
    const char *say[FL_SAYS];
    const char *date;         /* {d} {m} (name or number) {y} {t} */
    const char *const *month; /* 12 names, or NULL: numbers */
    const char *day[3];       /* "{n} day", "{n} days", and a third form where there is one */
};
extern const struct fl_language fl_languages[];
extern const size_t fl_languages_count; /* the first is English */

/* "de", "de-AT", "DE": the language; English where there is none of it. */
const struct fl_language *fl_language_find(struct fl_span code);
bool fl_language_has(struct fl_span code);
/* Preset of a country (ISO 3166-1 alpha-2): "JP" -> "ja". "en" where it is not known. */
const char *fl_language_of(struct fl_span country);

struct fl_say_fill { /* what stands in place of {words}; NULL: nothing */
    const char *customer, *site, *event, *name;
    int64_t due_us, expires_us, asked_us, answered_us;
};
/* The text with {words} filled in. A value cannot bring words of its own. */
void fl_say_put(struct fl_buf *out, const struct fl_language *language, enum fl_say say,
                const struct fl_say_fill *fill);
/* "22. November 2026, 14:05 UTC". */
void fl_say_date(struct fl_buf *out, const struct fl_language *language, int64_t at_us);
/* "1 Tag", "5 dni", in the form that goes with the number. */
void fl_say_days(struct fl_buf *out, const struct fl_language *language, uint32_t days);

/* The whole mail, in the language: subject on one line, then body with the link. */
struct fl_question_mail {
    const struct fl_question *question;
    const char *customer, *event, *link;
    bool reminder, exercise;
    int64_t due_us;
};
void fl_question_subject(const struct fl_question_mail *mail, struct fl_buf *out);
void fl_question_body(const struct fl_question_mail *mail, struct fl_buf *out);

#endif
