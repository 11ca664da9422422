/* Questions of a case, as people of the tenant handle them. */
#include <stdio.h>
#include <string.h>

#include "api/cases.h"
#include "api/parts.h"
#include "base/time.h"

static void put(char *to, size_t size, const char *from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)size - 1, from);
}

int fl_api_case_questions(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_case c;
    struct fl_json *json;
    int r = fl_case_take(req, &kit, &c, err);

    if (r < 0)
        return r;
    json = fl_req_object(req);
    r = fl_case_put_questions(&kit, &c, json, err);
    fl_json_array(json, "languages");
    for (size_t i = 0; i < fl_languages_count; i++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "code", fl_languages[i].code);
        fl_json_text(json, "name", fl_languages[i].name);
        fl_json_end(json);
    }
    fl_json_end(json);
    if (r == FL_OK)
        fl_req_done(req, 200);
    return r;
}

static int answer_question(struct fl_req *req, const struct fl_case_kit *kit,
                           const struct fl_question *q, const char *link, int status)
{
    struct fl_clock clock;
    int r = fl_db_clock_get(kit->db, q->tenant, q->case_id, q->clock, &clock, NULL);
    struct fl_json *json = fl_req_object(req);

    fl_case_put_question(json, q, r == FL_OK ? &clock : NULL, kit->now_us);
    if (link != NULL && link[0] != '\0') {
        req->secret = true; /* shown once */
        fl_json_text(json, "link", link);
        fl_json_text(json, "link_note",
                     "shown this once, and kept as a hash alone; pass it on to the supplier");
    }
    fl_req_done(req, status);
    return FL_OK;
}

/* ---- asking ---- */

/* Who is asked: what the request says, else the first contact of the supplier. */
static int find_contact(struct fl_req *req, const struct fl_case_kit *kit, struct fl_question *q,
                        bool link, struct fl_err *err)
{
    struct fl_contact contact;
    int r;

    if (q->to_email[0] != '\0' || link)
        return FL_OK;
    r = fl_case_contact(kit, q->supplier, 0, &contact, err);
    if (r < 0) {
        req->field = "to";
        return r == FL_E_NOENT ? fl_err_set(err, FL_E_INVAL,
                                            "to is missing: nobody stands in the table of contacts "
                                            "for this supplier; give an address, or ask with link")
                               : r;
    }
    q->contact = contact.number;
    put(q->to_email, sizeof q->to_email, contact.email);
    if (q->to_name[0] == '\0')
        put(q->to_name, sizeof q->to_name, contact.name);
    if (q->language[0] == '\0' && fl_language_has(fl_span_str(contact.language)))
        put(q->language, sizeof q->language, fl_language_find(fl_span_str(contact.language))->code);
    return FL_OK;
}

/* The site of the case, with what the network knows of it. */
static int take_site(struct fl_req *req, const struct fl_case_kit *kit, const struct fl_case *c,
                     struct fl_question *q, char country[3], struct fl_err *err)
{
    struct fl_case_site site, look;
    int r = fl_req_need(req, "site", q->site, sizeof q->site, err);

    if (r == FL_OK)
        r = fl_db_case_site_find(kit->db, c->id, q->site, &site, err);
    if (r < 0) {
        req->field = "site";
        return r == FL_E_NOENT ? fl_err_set(err, FL_E_INVAL, "site %s is not of this case", q->site)
                               : r;
    }
    memset(&look, 0, sizeof look);
    put(look.site, sizeof look.site, q->site);
    r = fl_case_site_look(kit, &look, country, err);
    if (r < 0 && r != FL_E_NOENT)
        return r;
    put(q->site_name, sizeof q->site_name, site.name);
    put(q->supplier, sizeof q->supplier, site.supplier);
    put(q->supplier_name, sizeof q->supplier_name, site.supplier_name);
    return FL_OK;
}

static int take_question(struct fl_req *req, const struct fl_case_kit *kit, const struct fl_case *c,
                         struct fl_question *q, bool *link, uint64_t *hours, struct fl_err *err)
{
    uint64_t days = FL_QUESTION_DAYS;
    char country[3] = "";
    int r = take_site(req, kit, c, q, country, err);

    if (r == FL_OK)
        r = fl_req_text(req, "to", q->to_email, sizeof q->to_email, err);
    if (r >= 0)
        r = fl_req_text(req, "to_name", q->to_name, sizeof q->to_name, err);
    if (r >= 0)
        r = fl_req_text(req, "language", q->language, sizeof q->language, err);
    if (r >= 0)
        r = fl_req_text(req, "text", q->text, sizeof q->text, err);
    if (r >= 0)
        r = fl_req_bool(req, "link", link, err);
    if (r >= 0)
        r = fl_req_num(req, "hours", 1, 720, hours, err);
    if (r >= 0)
        r = fl_req_num(req, "days", 1, FL_QUESTION_DAYS_MAX, &days, err);
    if (r >= 0)
        r = find_contact(req, kit, q, *link, err);
    if (*link)
        memset(q->to_email, 0, sizeof q->to_email);
    q->expires_us = kit->now_us + (int64_t)days * FL_US_PER_DAY;
    if (r >= 0 && q->language[0] == '\0')
        put(q->language, sizeof q->language, fl_language_of(fl_span_str(country)));
    return r < 0 ? r : fl_question_check(q, err);
}

int fl_api_case_ask(struct fl_req *req, struct fl_err *err)
{
    char link_text[FL_LINK_MAX] = "";
    uint64_t hours = FL_QUESTION_HOURS, count = 0;
    struct fl_case_kit kit;
    struct fl_question q;
    struct fl_case c;
    bool link = false;
    int r = fl_case_take(req, &kit, &c, err);

    memset(&q, 0, sizeof q);
    if (r == FL_OK)
        r = take_question(req, &kit, &c, &q, &link, &hours, err);
    if (r == FL_OK)
        r = fl_db_question_count(kit.db, c.id, &count, err);
    if (r == FL_OK && count >= FL_DB_CASE_ROWS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a case has at most %u questions", FL_DB_CASE_ROWS_MAX);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_case_ask(&kit, &c, &q, (unsigned)hours, link, link_text, err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return fl_case_conflict(req, r);
    r = answer_question(req, &kit, &q, link_text, 201);
    explicit_bzero(link_text, sizeof link_text);
    return r;
}

/* ---- one question ---- */

/* The path names the question after the case; what is done with it may stand behind. */
static int take_of(struct fl_req *req, struct fl_case_kit *kit, struct fl_case *c,
                   struct fl_question *q, struct fl_err *err)
{
    uint32_t id = 0;
    int r = fl_case_take(req, kit, c, err);

    if (r == FL_OK)
        r = fl_case_take_id(req, "question", &id, err);
    return r < 0 ? r : fl_db_question_get(kit->db, c->tenant, c->id, id, q, err);
}

int fl_api_case_remind(struct fl_req *req, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_question q;
    struct fl_case c;
    int r = take_of(req, &kit, &c, &q, err);

    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, fl_case_remind(&kit, &c, &q, err), err);
    return r < 0 ? fl_case_conflict(req, r) : answer_question(req, &kit, &q, NULL, 200);
}

static int take_impact(struct fl_req *req, uint32_t *ret, struct fl_err *err)
{
    char word[8];
    int r = fl_req_need(req, "impact", word, sizeof word, err);

    if (r < 0)
        return r;
    *ret = strcmp(word, "yes") == 0 ? FL_ANSWER_YES : FL_ANSWER_NO;
    if (*ret == FL_ANSWER_YES || strcmp(word, "no") == 0)
        return FL_OK;
    req->field = "impact";
    return fl_err_set(err, FL_E_INVAL, "impact is yes or no");
}

/* An answer that came by telephone or on paper. */
int fl_api_case_answer(struct fl_req *req, struct fl_err *err)
{
    char text[FL_ANSWER_TEXT_MAX + 1] = "", name[FL_CASE_TITLE_MAX + 1] = "";
    struct fl_case_answer a = {
        .days_m = FL_CASE_UNKNOWN, .text = text, .name = name, .via = "person"};
    struct fl_case_kit kit;
    struct fl_question q;
    struct fl_case c;
    int r = take_of(req, &kit, &c, &q, err);

    if (r == FL_OK)
        r = take_impact(req, &a.impact, err);
    if (r == FL_OK)
        r = fl_case_take_number(req, "days", 0, FL_ANSWER_DAYS_MAX, 1000, &a.days_m, err);
    if (r >= 0)
        r = fl_req_text(req, "text", text, sizeof text, err);
    if (r >= 0)
        r = fl_req_text(req, "name", name, sizeof name, err);
    if (r >= 0 && q.answered_us != 0)
        return fl_req_why(req, 409, "answered", err,
                          "the question is answered already; the site's status can be set by hand");
    if (r >= 0)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, fl_case_answered(&kit, &c, &q, &a, err), err);
    return r < 0 ? fl_case_conflict(req, r) : answer_question(req, &kit, &q, NULL, 200);
}

int fl_api_case_withdraw(struct fl_req *req, struct fl_err *err)
{
    char reason[FL_CASE_TEXT_MAX + 1] = "";
    struct fl_case_kit kit;
    struct fl_question q;
    struct fl_case c;
    int r = take_of(req, &kit, &c, &q, err);

    if (r == FL_OK)
        r = fl_req_text(req, "reason", reason, sizeof reason, err);
    if (r >= 0)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_part_end(req, fl_case_withdraw(&kit, &c, &q, reason, err), err);
    return r < 0 ? fl_case_conflict(req, r) : answer_question(req, &kit, &q, NULL, 200);
}
