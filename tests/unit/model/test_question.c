/* Questions: tokens, the schedule of reminders, words in nine languages, plans, rules. */
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/time.h"
#include "codec/utf8.h"
#include "model/case_notice.h"
#include "model/plan_row.h"
#include "model/question.h"
#include "tap.h"

#define H (INT64_C(3600) * FL_US_PER_S)

static void check_tokens(void)
{
    unsigned char in[FL_TOKEN_BYTES], out[FL_TOKEN_BYTES];
    char text[FL_TOKEN_TEXT + 1];
    unsigned wrong = 0;

    for (int round = 0; round < 300; round++) {
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = (unsigned char)(round * 31 + (int)i * 7 + round / 3);
        fl_token_write(in, text);
        if (strlen(text) != FL_TOKEN_TEXT || !fl_token_read(fl_span_str(text), out) ||
            memcmp(in, out, sizeof in) != 0)
            wrong++;
    }
    CHECK(wrong == 0, "a token is read as it was written");
    memset(in, 0xff, sizeof in);
    fl_token_write(in, text);
    CHECK(strcmp(text, "__________________________________________8") == 0,
          "base64url (RFC 4648, 5)");
    text[42] = '9';
    CHECK(!fl_token_read(fl_span_str(text), out), "bits that mean nothing are refused");
    text[42] = '8';
    text[10] = '/';
    CHECK(!fl_token_read(fl_span_str(text), out), "no other alphabet");
    CHECK(!fl_token_read(FL_SPAN("short"), out) && !fl_token_read(FL_SPAN(""), out), "nor length");
}

static void check_schedule(void)
{
    struct fl_question q = {.asked_us = 100 * H, .sent_us = 100 * H, .expires_us = 900 * H};
    struct fl_clock clock = {.started_us = 100 * H, .due_us = 124 * H, .last_us = 100 * H};
    int64_t next;

    CHECK(fl_question_due(&q, &clock, 101 * H, &next) == FL_QUESTION_WAIT && next == 112 * H,
          "first there is half of the time");
    CHECK(fl_question_due(&q, &clock, 112 * H, &next) == FL_QUESTION_REMIND, "then a reminder");
    q.reminders = 1;
    CHECK(fl_question_due(&q, &clock, 113 * H, &next) == FL_QUESTION_WAIT && next == 124 * H + 1,
          "one alone");
    CHECK(fl_question_due(&q, &clock, 124 * H, &next) == FL_QUESTION_WAIT, "due is not late");
    CHECK(fl_question_due(&q, &clock, 124 * H + 1, &next) == FL_QUESTION_ESCALATE,
          "then the next contact");
    q.escalations = 1;
    q.sent_us = 125 * H;
    clock.due_us = 149 * H;
    CHECK(fl_question_due(&q, &clock, 136 * H, &next) == FL_QUESTION_WAIT && next == 137 * H,
          "whose own half counts");
    CHECK(fl_question_due(&q, &clock, 137 * H, &next) == FL_QUESTION_REMIND, "his reminder");
    clock.paused_us = 130 * H;
    CHECK(fl_question_due(&q, &clock, 500 * H, &next) == FL_QUESTION_WAIT && next == 900 * H,
          "a paused clock waits");
    CHECK(fl_question_due(&q, &clock, 900 * H, &next) == FL_QUESTION_EXPIRE, "but not for ever");
}

static int has_word(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

/* Each text in each language has the words that the English one has, and is UTF-8. */
static void check_languages(void)
{
    static const char *const words[] = {"{customer}", "{site}",    "{event}", "{name}",
                                        "{due}",      "{expires}", "{asked}", "{answered}"};

    CHECK(fl_languages_count == 9, "nine languages");
    for (size_t i = 0; i < fl_languages_count; i++) {
        const struct fl_language *l = &fl_languages[i];
        unsigned wrong = 0;

        for (int say = 0; say < FL_SAYS; say++) {
            if (l->say[say] == NULL || l->say[say][0] == '\0') {
                printf("# %s lacks %s\n", l->code, fl_say_names[say]);
                wrong++;
                continue;
            }
            for (size_t k = 0; k < FL_LEN(words); k++)
                if (has_word(l->say[say], words[k]) !=
                    has_word(fl_languages[0].say[say], words[k])) {
                    printf("# %s, %s: %s\n", l->code, fl_say_names[say], words[k]);
                    wrong++;
                }
            wrong += !fl_utf8_valid(fl_span_str(l->say[say]));
        }
        CHECK(wrong == 0, l->name);
    }
    CHECK(strcmp(fl_language_find(FL_SPAN("de-AT"))->code, "de") == 0 &&
              strcmp(fl_language_find(FL_SPAN("JA"))->code, "ja") == 0 &&
              strcmp(fl_language_find(FL_SPAN("xx"))->code, "en") == 0 &&
              !fl_language_has(FL_SPAN("dex")) && fl_language_has(FL_SPAN("zh_TW")),
          "found by code");
    CHECK(strcmp(fl_language_of(FL_SPAN("TW")), "zh") == 0 &&
              strcmp(fl_language_of(FL_SPAN("US")), "en") == 0,
          "preset of a country");
}

static const char *text_of(struct fl_buf *buf)
{
    fl_buf_put_u8(buf, 0);
    return (const char *)buf->ptr;
}

static void check_dates(void)
{
    static const struct {
        const char *code, *date;
    } rows[] = {{"en", "22 November 2026, 14:05 UTC"},
                {"de", "22. November 2026, 14:05 UTC"},
                {"ja", "2026年11月22日 14:05 UTC"},
                {"zh", "2026年11月22日 14:05 UTC"},
                {"ko", "2026년 11월 22일 14:05 UTC"},
                {"es", "22 de noviembre de 2026, 14:05 UTC"},
                {"pl", "22 listopada 2026, 14:05 UTC"},
                {"th", "22 พฤศจิกายน ค.ศ. 2026 เวลา 14:05 UTC"},
                {"vi", "14:05 UTC, ngày 22 tháng 11 năm 2026"}};
    int64_t at =
        fl_days_from_civil(2026, 11, 22) * FL_US_PER_DAY + (14 * 60 + 5) * 60 * FL_US_PER_S;

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf buf;

        fl_buf_init(&buf, 200);
        fl_say_date(&buf, fl_language_find(fl_span_str(rows[i].code)), at);
        CHECK(strcmp(text_of(&buf), rows[i].date) == 0, rows[i].date);
    }
}

static void check_plurals(void)
{
    static const struct {
        const char *code;
        uint32_t n;
        const char *text;
    } rows[] = {
        {"en", 1, "1 day"},  {"en", 0, "0 days"}, {"en", 21, "21 days"}, {"de", 1, "1 Tag"},
        {"de", 2, "2 Tage"}, {"es", 1, "1 día"},  {"es", 30, "30 días"}, {"pl", 1, "1 dzień"},
        {"pl", 3, "3 dni"},  {"pl", 5, "5 dni"},  {"pl", 21, "21 dni"},  {"ja", 3, "3日"},
        {"zh", 1, "1天"},    {"ko", 2, "2일"},    {"th", 9, "9 วัน"},     {"vi", 4, "4 ngày"}};

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf buf;

        fl_buf_init(&buf, 100);
        fl_say_days(&buf, fl_language_find(fl_span_str(rows[i].code)), rows[i].n);
        CHECK(strcmp(text_of(&buf), rows[i].text) == 0, rows[i].text);
    }
}

static void check_mail(void)
{
    struct fl_question q = {.site = "S-011",
                            .site_name = "Kitakami",
                            .to_name = "M. {due} Sakurada",
                            .language = "ja",
                            .asked_us = 1,
                            .expires_us = 30 * FL_US_PER_DAY};
    struct fl_question_mail m = {.question = &q,
                                 .customer = "Corvane {site}",
                                 .event = "Earthquake",
                                 .link = "https://x/answer/T",
                                 .due_us = FL_US_PER_DAY};
    FL_AUTO(fl_buf_done) struct fl_buf body;
    const char *text;

    fl_buf_init(&body, 10000);
    fl_question_body(&m, &body);
    text = text_of(&body);
    CHECK(has_word(text, "Corvane {site}") && has_word(text, "M. {due} Sakurada"),
          "a value brings no words of its own");
    CHECK(has_word(text, "ご回答ください") && has_word(text, "Please answer by"),
          "in the supplier's language, and in English below");
    CHECK(has_word(text, "https://x/answer/T") && !has_word(text, "EXERCISE"), "with its link");
    fl_buf_clear(&body);
    m.exercise = m.reminder = true;
    fl_question_body(&m, &body);
    text = text_of(&body);
    CHECK(has_word(text, "訓練") && has_word(text, "EXERCISE") && has_word(text, "no answer yet"),
          "an exercise says so; a reminder too");
}

static void check_rules(void)
{
    struct fl_case_rule rule = {.name = "big",
                                .enabled = true,
                                .min_loss_c = 1000,
                                .min_severity = FL_CASE_HIGH,
                                .sites = "S1, S2"};
    struct fl_err err;

    CHECK(fl_case_rule_check(&rule, &err) == FL_OK, "a rule");
    CHECK(fl_case_rule_meets(&rule, FL_CASE_HIGH, 1000, "S9,S2"), "all that it says");
    CHECK(!fl_case_rule_meets(&rule, FL_CASE_MEDIUM, 1000, "S2"), "less severe");
    CHECK(!fl_case_rule_meets(&rule, FL_CASE_SEVERE, 999, "S2"), "less loss");
    CHECK(!fl_case_rule_meets(&rule, FL_CASE_SEVERE, FL_CASE_UNKNOWN, "S2"), "loss not known");
    CHECK(!fl_case_rule_meets(&rule, FL_CASE_SEVERE, 5000, "S22,S"), "other sites");
    rule.enabled = false;
    CHECK(!fl_case_rule_meets(&rule, FL_CASE_SEVERE, 5000, "S1"), "switched off");
    rule = (struct fl_case_rule){.name = "all"};
    CHECK(fl_case_rule_check(&rule, &err) == FL_E_INVAL, "a rule for everything is none");
}

static void check_plans(void)
{
    static const struct {
        struct fl_plan_row plan;
        const char *missing; /* NULL: right */
    } rows[] = {
        {{.kind = "buffer", .title = "t", .part = "P", .units_m = 5000}, NULL},
        {{.kind = "buffer", .title = "t", .part = "P"}, "units"},
        {{.kind = "second_source", .title = "t", .part = "P"}, "site"},
        {{.kind = "alternate", .title = "t", .site = "S", .to_site = "T"}, NULL},
        {{.kind = "alternate", .title = "t", .site = "S"}, "to"},
        {{.kind = "last_time_buy", .title = "t", .units_m = 1}, "part"},
        {{.kind = "allocation", .title = "t"}, "product"},
        {{.kind = "prayer", .title = "t"}, "kind"},
        {{.kind = "alternate", .site = "S"}, "title"},
        {{.kind = "alternate", .title = "t", .site = "S", .to_site = "T", .cost_c = -1}, "cost"},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        struct fl_err err = {0};
        int r = fl_plan_row_check(&rows[i].plan, &err);

        CHECK(rows[i].missing == NULL ? r == FL_OK
                                      : r == FL_E_INVAL && has_word(err.text, rows[i].missing),
              rows[i].plan.kind);
    }
}

static void check_notices(void)
{
    struct fl_case_notice n = {
        .kind = FL_NOTICE_MAIL, .to_addr = "ann@example.com", .subject = "s", .body = "b"};
    struct fl_err err;

    CHECK(fl_case_notice_check(&n, &err) == FL_OK, "a notice");
    (void)snprintf(n.to_addr, sizeof n.to_addr, "a@b.c, d@e.f");
    CHECK(fl_case_notice_check(&n, &err) == FL_E_INVAL, "one address, not two");
    (void)snprintf(n.to_addr, sizeof n.to_addr, "ann@example.com");
    (void)snprintf(n.subject, sizeof n.subject, "s\r\nBcc: x@y.z");
    CHECK(fl_case_notice_check(&n, &err) == FL_E_INVAL, "a subject of one line");
    (void)snprintf(n.subject, sizeof n.subject, "s");
    n.kind = FL_NOTICE_WEBHOOK;
    CHECK(fl_case_notice_check(&n, &err) == FL_E_INVAL, "a webhook has a URL");
    (void)snprintf(n.to_addr, sizeof n.to_addr, "http://x.example");
    CHECK(fl_case_notice_check(&n, &err) == FL_E_INVAL, "with https");
}

int main(void)
{
    check_tokens();
    check_schedule();
    check_languages();
    check_dates();
    check_plurals();
    check_mail();
    check_rules();
    check_plans();
    check_notices();
    return tap_done();
}
