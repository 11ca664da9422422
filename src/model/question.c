#include "model/question.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/time.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- tokens ---- */

void fl_token_write(const unsigned char bytes[FL_TOKEN_BYTES], char ret[FL_TOKEN_TEXT + 1])
{
    size_t bits = 0, at = 0;
    uint32_t hold = 0;

    for (size_t i = 0; i < FL_TOKEN_BYTES; i++) {
        hold = (hold << 8 | bytes[i]) & 0xffffu;
        for (bits += 8; bits >= 6; bits -= 6)
            ret[at++] = digits[hold >> (bits - 6) & 63];
    }
    ret[at++] = digits[hold << (6 - bits) & 63]; /* 256 bits: 4 are left */
    ret[at] = '\0';
}

bool fl_token_read(struct fl_span text, unsigned char ret[FL_TOKEN_BYTES])
{
    unsigned char out[FL_TOKEN_BYTES];
    uint32_t hold = 0;
    size_t bits = 0, at = 0;

    if (text.len != FL_TOKEN_TEXT)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = text.ptr[i] == 0 ? NULL : strchr(digits, text.ptr[i]);

        if (digit == NULL)
            return false;
        hold = (hold << 6 | (uint32_t)(digit - digits)) & 0xffffu;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[at++] = (unsigned char)(hold >> bits);
        }
    }
    if ((hold & ((1u << bits) - 1)) != 0) /* one text for each token */
        return false;
    memcpy(ret, out, sizeof out);
    return true;
}

/* ---- what is set ---- */

static bool is_address(const char *email)
{
    const char *at = strchr(email, '@');

    if (at == NULL || at == email || at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return false;
    for (const char *p = email; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || *p == 127 || *p == '<' || *p == '>' || *p == ',')
            return false;
    return true;
}

int fl_question_check(const struct fl_question *q, struct fl_err *err)
{
    if (q->site[0] == '\0')
        return fl_err_set(err, FL_E_INVAL, "site is missing: a question is about one site");
    if (!fl_language_has(fl_span_str(q->language)))
        return fl_err_set(err, FL_E_INVAL, "language is one of en, de, ja, zh, ko, es, pl, th, vi");
    if (q->to_email[0] != '\0' && !is_address(q->to_email))
        return fl_err_set(err, FL_E_INVAL, "to is an e-mail address, such as ann@example.com");
    if (q->impact >= FL_ANSWER_IMPACTS)
        return fl_err_set(err, FL_E_INVAL, "impact is yes or no");
    if (q->days_m != FL_CASE_UNKNOWN &&
        (q->days_m < 0 || q->days_m > (int64_t)FL_ANSWER_DAYS_MAX * 1000))
        return fl_err_set(err, FL_E_INVAL, "days are 0 to %u", FL_ANSWER_DAYS_MAX);
    return FL_OK;
}

/* ---- schedule ---- */

enum fl_question_due fl_question_due(const struct fl_question *q, const struct fl_clock *clock,
                                     int64_t now_us, int64_t *ret_next_us)
{
    /* The first contact's time is the clock's; a later one's began when he was asked. */
    int64_t from_us = q->escalations == 0 ? clock->started_us : q->sent_us;
    int64_t half_us, due_us = clock->due_us;

    if (from_us < clock->started_us || from_us > due_us)
        from_us = clock->started_us;
    half_us = from_us + (due_us - from_us) / 2;
    *ret_next_us = q->expires_us;
    if (now_us >= q->expires_us)
        return FL_QUESTION_EXPIRE;
    if (clock->paused_us != 0 || clock->stopped_us != 0)
        return FL_QUESTION_WAIT;
    if (now_us > due_us)
        return FL_QUESTION_ESCALATE;
    if (now_us >= half_us && q->reminders <= q->escalations)
        return FL_QUESTION_REMIND;
    *ret_next_us = now_us >= half_us ? due_us + 1 : half_us;
    if (*ret_next_us > q->expires_us)
        *ret_next_us = q->expires_us;
    return FL_QUESTION_WAIT;
}

/* ---- languages ---- */

static bool same_code(struct fl_span a, const char *code)
{
    size_t len = strlen(code);

    if (a.len < len || (a.len > len && a.ptr[len] != '-' && a.ptr[len] != '_'))
        return false;
    for (size_t i = 0; i < len; i++)
        if ((a.ptr[i] | 0x20) != code[i])
            return false;
    return true;
}

bool fl_language_has(struct fl_span code)
{
    for (size_t i = 0; i < fl_languages_count; i++)
        if (same_code(code, fl_languages[i].code))
            return true;
    return false;
}

const struct fl_language *fl_language_find(struct fl_span code)
{
    for (size_t i = 0; i < fl_languages_count; i++)
        if (same_code(code, fl_languages[i].code))
            return &fl_languages[i];
    return &fl_languages[0];
}

const char *fl_language_of(struct fl_span country)
{
    static const char rows[][2][3] = {
        {"JP", "ja"}, {"CN", "zh"}, {"TW", "zh"}, {"HK", "zh"}, {"KR", "ko"}, {"DE", "de"},
        {"AT", "de"}, {"PL", "pl"}, {"TH", "th"}, {"VN", "vi"}, {"ES", "es"}, {"MX", "es"},
        {"AR", "es"}, {"CL", "es"}, {"CO", "es"}, {"PE", "es"}, {"CR", "es"}, {"DO", "es"}};

    for (size_t i = 0; i < FL_LEN(rows); i++)
        if (fl_span_eq(country, fl_span_str(rows[i][0])))
            return rows[i][1];
    return "en";
}

/* ---- filling in ---- */

static void put_number(struct fl_buf *out, int64_t value, int width)
{
    fl_buf_printf(out, "%0*lld", width, (long long)value);
}

void fl_say_date(struct fl_buf *out, const struct fl_language *l, int64_t at_us)
{
    int64_t day = fl_day_of(at_us), minute = (at_us - day * FL_US_PER_DAY) / (60 * FL_US_PER_S);
    int year, month, of_month;

    fl_civil_from_days(day, &year, &month, &of_month);
    for (const char *p = l->date; *p != '\0'; p++) {
        if (p[0] != '{' || p[1] == '\0' || p[2] != '}') {
            fl_buf_put_u8(out, (uint8_t)*p);
            continue;
        }
        if (p[1] == 'd')
            put_number(out, of_month, 1);
        else if (p[1] == 'y')
            put_number(out, year, 4);
        else if (p[1] == 'm' && l->month != NULL)
            fl_buf_put_str(out, l->month[month - 1]);
        else if (p[1] == 'm')
            put_number(out, month, 1);
        else if (p[1] == 't')
            fl_buf_printf(out, "%02d:%02d UTC", (int)(minute / 60), (int)(minute % 60));
        p += 2;
    }
}

/* Which of the three forms goes with n (CLDR: cardinal plural rules). */
static unsigned form_of(const struct fl_language *l, uint32_t n)
{
    if (l->day[1] == NULL)
        return 0;
    if (n == 1)
        return 0;
    if (l->day[2] == NULL)
        return 1;
    return n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 12 || n % 100 > 14) ? 1 : 2; /* pl */
}

void fl_say_days(struct fl_buf *out, const struct fl_language *l, uint32_t days)
{
    const char *text = l->day[form_of(l, days)];

    for (; *text != '\0'; text++)
        if (strncmp(text, "{n}", 3) == 0) {
            put_number(out, days, 1);
            text += 2;
        } else {
            fl_buf_put_u8(out, (uint8_t)*text);
        }
}

static void put_word(struct fl_buf *out, const struct fl_language *l, struct fl_span word,
                     const struct fl_say_fill *fill)
{
    const struct {
        const char *word, *text;
        int64_t at_us;
    } rows[] = {
        {"customer", fill->customer, 0}, {"site", fill->site, 0},
        {"event", fill->event, 0},       {"name", fill->name, 0},
        {"due", NULL, fill->due_us},     {"expires", NULL, fill->expires_us},
        {"asked", NULL, fill->asked_us}, {"answered", NULL, fill->answered_us},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        if (!fl_span_eq(word, fl_span_str(rows[i].word)))
            continue;
        if (rows[i].at_us != 0)
            fl_say_date(out, l, rows[i].at_us);
        else if (rows[i].text != NULL)
            fl_buf_put_str(out, rows[i].text);
    }
}

void fl_say_put(struct fl_buf *out, const struct fl_language *l, enum fl_say say,
                const struct fl_say_fill *fill)
{
    const char *p = l->say[say];

    while (*p != '\0') {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;

        if (end == NULL) {
            fl_buf_put_u8(out, (uint8_t)*p++);
            continue;
        }
        put_word(out, l, fl_span_of(p + 1, (size_t)(end - p - 1)), fill);
        p = end + 1;
    }
}

/* ---- the mail ---- */

static struct fl_say_fill fill_of(const struct fl_question_mail *m)
{
    const struct fl_question *q = m->question;

    return (struct fl_say_fill){.customer = m->customer,
                                .site = q->site_name[0] != '\0' ? q->site_name : q->site,
                                .event = m->event,
                                .name = q->to_name[0] != '\0' ? q->to_name : q->supplier_name,
                                .due_us = m->due_us,
                                .expires_us = q->expires_us,
                                .asked_us = q->asked_us};
}

void fl_question_subject(const struct fl_question_mail *m, struct fl_buf *out)
{
    const struct fl_language *l = fl_language_find(fl_span_str(m->question->language));
    struct fl_say_fill fill = fill_of(m);

    fl_say_put(out, l, m->reminder ? FL_SAY_REMINDER : FL_SAY_SUBJECT, &fill);
}

static void paragraph(struct fl_buf *out, const struct fl_language *l, enum fl_say say,
                      const struct fl_say_fill *fill)
{
    fl_say_put(out, l, say, fill);
    fl_buf_put_str(out, "\n\n");
}

static void put_language(const struct fl_question_mail *m, const struct fl_language *l,
                         struct fl_buf *out)
{
    struct fl_say_fill fill = fill_of(m);

    if (m->exercise)
        paragraph(out, l, FL_SAY_EXERCISE, &fill);
    paragraph(out, l, FL_SAY_HELLO, &fill);
    if (m->reminder)
        paragraph(out, l, FL_SAY_AGAIN, &fill);
    paragraph(out, l, FL_SAY_ASK, &fill);
    if (m->question->text[0] != '\0') {
        fl_buf_put_str(out, m->question->text);
        fl_buf_put_str(out, "\n\n");
    }
    paragraph(out, l, FL_SAY_HOW, &fill);
    fl_buf_printf(out, "%s\n\n", m->link);
    paragraph(out, l, FL_SAY_SAFE, &fill);
}

/* In the supplier's language; and in English below, for whoever it is passed on to. */
void fl_question_body(const struct fl_question_mail *m, struct fl_buf *out)
{
    const struct fl_language *l = fl_language_find(fl_span_str(m->question->language));

    put_language(m, l, out);
    if (l != &fl_languages[0]) {
        fl_buf_put_str(out, "--------\n\n");
        put_language(m, &fl_languages[0], out);
    }
    fl_buf_put_str(out, m->customer);
    fl_buf_put_str(out, "\n");
}
