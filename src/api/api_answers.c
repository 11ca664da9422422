/*
 * Answers of suppliers, without an account. GET reads as often as somebody likes, so that scanners
 * of mail use nothing up; POST answers, once. A link is known by its hash. Whoever holds it sees
 * the question and, where it came into a mailbox, what other customers ask this same mailbox:
 * nothing else of any tenant.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/cases.h"
#include "api/parts.h"
#include "base/time.h"
#include "trust/throttle.h"

#define OTHERS_MAX   20u
#define HANDLE_BYTES 12u
#define HANDLE_TEXT  (2 * HANDLE_BYTES + 1)

static const char no_link[] =
    "this link is not known here: ask your customer for a new one, and copy it whole";

/* ---- how often ---- */

static int need_throttles(struct fl_api *api, struct fl_err *err)
{
    int r = FL_OK;

    if (api->answer_sources == NULL)
        r = fl_throttle_new(&api->answer_sources, err);
    if (r == FL_OK && api->answer_links == NULL)
        r = fl_throttle_new(&api->answer_links, err);
    return r;
}

void fl_api_answers_free(struct fl_api *api)
{
    fl_throttle_free(api->answer_sources);
    fl_throttle_free(api->answer_links);
    api->answer_sources = api->answer_links = NULL;
}

/* Per source, so that nobody tries links; per link, so that one is not used to keep us busy. */
static int throttle(struct fl_req *req, struct fl_err *err)
{
    int64_t now_us = fl_now_mono_us();
    int r = need_throttles(req->api, err);

    if (r < 0)
        return r;
    if (fl_throttle_take(req->api->answer_sources, req->call.peer, now_us) &&
        fl_throttle_take(req->api->answer_links, req->arg[0], now_us))
        return FL_OK;
    fl_req_header(req, "Retry-After", "%d", (int)(FL_THROTTLE_FILL_US / FL_US_PER_S));
    return fl_req_why(req, 429, "too_many", err, "too many requests: try again in a few seconds");
}

/* ---- the question behind a link ---- */

struct asked {
    struct fl_question_token token;
    struct fl_question q;
    struct fl_case c;
    struct fl_clock clock;
    struct fl_case_kit kit; /* in the name of the supplier */
};

static int supplier_kit(struct fl_req *req, const struct fl_question *q, struct fl_case_kit *ret,
                        struct fl_err *err)
{
    int r = fl_case_kit_system(req->api, q->tenant, ret, err);

    ret->by = FL_BY_SUPPLIER;
    (void)snprintf(ret->who, sizeof ret->who, "%.100s",
                   q->supplier_name[0] == '\0' ? "the supplier" : q->supplier_name);
    (void)snprintf(ret->actor, sizeof ret->actor, "question:%u", q->id);
    return r;
}

static int no_such(struct fl_req *req, int r, struct fl_err *err)
{
    return r == FL_E_NOENT ? fl_req_why(req, 404, "not_found", err, "%s", no_link) : r;
}

static int find(struct fl_req *req, struct asked *a, struct fl_err *err)
{
    unsigned char token[FL_TOKEN_BYTES], hash[32];
    int r = FL_E_NOENT;

    if (fl_token_read(req->arg[0], token)) {
        fl_case_token_hash(token, hash);
        explicit_bzero(token, sizeof token);
        r = fl_db_question_token_get(req->api->db, hash, &a->token, err);
    }
    if (r == FL_OK)
        r = supplier_kit(req, &(struct fl_question){.tenant = a->token.tenant}, &a->kit, err);
    return no_such(req, r, err);
}

static int load(struct fl_req *req, struct asked *a, struct fl_err *err)
{
    int r = fl_db_question_by_id(a->kit.db, a->token.question, &a->q, err);

    if (r == FL_OK)
        r = supplier_kit(req, &a->q, &a->kit, err);
    if (r == FL_OK)
        r = fl_db_case_get(a->kit.db, a->q.tenant, a->q.case_id, &a->c, err);
    if (r == FL_OK)
        r = fl_db_clock_get(a->kit.db, a->q.tenant, a->q.case_id, a->q.clock, &a->clock, err);
    return no_such(req, r, err);
}

static int take_asked(struct fl_req *req, struct asked *a, struct fl_err *err)
{
    int r = throttle(req, err);

    if (r == FL_OK)
        r = find(req, a, err);
    if (r == FL_OK)
        r = load(req, a, err);
    if (r == FL_OK && (a->token.expires_us <= a->kit.now_us || a->q.expires_us <= a->kit.now_us))
        return fl_req_why(req, 410, "expired", err,
                          "this link has expired: ask your customer for a new one");
    if (r == FL_OK && strcmp(a->q.state, "withdrawn") == 0)
        return fl_req_why(req, 410, "withdrawn", err,
                          "your customer does not need this answer any more");
    return r;
}

/* ---- other customers who asked the same mailbox ---- */

struct others {
    const struct asked *of;
    struct fl_question q[OTHERS_MAX];
    size_t count;
};

static int take_other(void *ctx, const struct fl_question *q)
{
    struct others *o = ctx;

    o->q[o->count++] = *q;
    return o->count == OTHERS_MAX ? 1 : 0;
}

static int find_others(const struct asked *a, struct others *ret, struct fl_err *err)
{
    ret->of = a;
    ret->count = 0;
    if (a->token.email[0] == '\0')
        return FL_OK;
    return fl_db_questions_of_mailbox(a->kit.db, a->token.email, a->q.id, a->kit.now_us, take_other,
                                      ret, err);
}

/* Names another question for this link alone; it tells nothing of numbers elsewhere. */
static void handle_of(const struct asked *a, const struct fl_question *other, char ret[HANDLE_TEXT])
{
    unsigned char in[32 + 8], hash[HANDLE_BYTES + 4];

    memcpy(in, a->token.hash, 32);
    memcpy(in + 32, &other->id, 4);
    memcpy(in + 36, &other->tenant, 4);
    (void)crypto_generichash(hash, sizeof hash, in, sizeof in, NULL, 0);
    fl_part_hex(hash, HANDLE_BYTES, ret);
}

static int put_others(struct fl_req *req, const struct asked *a, struct fl_err *err)
{
    struct others *o = fl_arena_get(&req->arena, sizeof *o);
    int r;

    if (o == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    r = find_others(a, o, err);
    fl_json_array(&req->json, "others");
    for (size_t i = 0; r == FL_OK && i < o->count; i++) {
        char handle[HANDLE_TEXT];
        struct fl_tenant tenant;
        struct fl_case c;

        if (fl_db_tenant_by_id(a->kit.db, o->q[i].tenant, &tenant, NULL) < 0 ||
            fl_db_case_get(a->kit.db, o->q[i].tenant, o->q[i].case_id, &c, NULL) < 0)
            continue;
        handle_of(a, &o->q[i], handle);
        fl_json_object(&req->json, NULL);
        fl_json_text(&req->json, "id", handle);
        fl_json_text(&req->json, "customer", tenant.name);
        fl_json_text(&req->json, "site",
                     o->q[i].site_name[0] == '\0' ? o->q[i].site : o->q[i].site_name);
        fl_json_text(&req->json, "event", c.event_title[0] == '\0' ? c.title : c.event_title);
        fl_json_end(&req->json);
    }
    fl_json_end(&req->json);
    return r;
}

/* ---- reading ---- */

static void put_words(struct fl_req *req, const struct asked *a, const struct fl_language *l)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *event = a->c.event_title[0] == '\0' ? a->c.title : a->c.event_title;
    const struct fl_say_fill fill = {.customer = a->kit.tenant.name,
                                     .site = a->q.site_name[0] == '\0' ? a->q.site : a->q.site_name,
                                     .event = event,
                                     .name = a->q.to_name,
                                     .due_us = a->clock.due_us,
                                     .expires_us = a->q.expires_us,
                                     .asked_us = a->q.asked_us,
                                     .answered_us = a->q.answered_us};

    fl_buf_init(&text, 8192);
    fl_json_object(&req->json, "texts");
    for (int say = 0; say < FL_SAYS; say++) {
        fl_buf_clear(&text);
        fl_say_put(&text, l, (enum fl_say)say, &fill);
        fl_json_str(&req->json, fl_say_names[say], fl_buf_span(&text));
    }
    fl_json_end(&req->json);
    fl_json_array(&req->json, "choices");
    for (int yes = 1; yes >= 0; yes--) {
        fl_json_object(&req->json, NULL);
        fl_json_text(&req->json, "impact", yes ? "yes" : "no");
        fl_json_text(&req->json, "label", l->say[yes ? FL_SAY_YES : FL_SAY_NO]);
        fl_json_bool(&req->json, "days", yes);
        fl_json_end(&req->json);
    }
    fl_json_end(&req->json);
    fl_json_array(&req->json, "languages");
    for (size_t i = 0; i < fl_languages_count; i++) {
        fl_json_object(&req->json, NULL);
        fl_json_text(&req->json, "code", fl_languages[i].code);
        fl_json_text(&req->json, "name", fl_languages[i].name);
        fl_json_end(&req->json);
    }
    fl_json_end(&req->json);
}

static void put_answer(struct fl_json *json, const struct fl_question *q)
{
    if (q->answered_us == 0) {
        fl_json_null(json, "answered");
        return;
    }
    fl_json_object(json, "answered");
    fl_part_time(json, "at", q->answered_us);
    fl_json_text(json, "impact", q->impact == FL_ANSWER_YES ? "yes" : "no");
    fl_case_put_number(json, "days", q->days_m, 1000);
    fl_json_text(json, "text", q->answer[0] == '\0' ? NULL : q->answer);
    fl_json_text(json, "name", q->answered_by[0] == '\0' ? NULL : q->answered_by);
    fl_json_end(json);
}

static int answer_page(struct fl_req *req, const struct asked *a, int status, struct fl_err *err)
{
    struct fl_span asked_for = fl_req_param(req, "language");
    const struct fl_language *l =
        fl_language_find(asked_for.ptr == NULL ? fl_span_str(a->q.language) : asked_for);
    struct fl_json *json = fl_req_object(req);
    int r;

    fl_req_header(req, "Cache-Control", "no-store");
    fl_json_text(json, "customer", a->kit.tenant.name);
    fl_json_text(json, "supplier", a->q.supplier_name[0] == '\0' ? NULL : a->q.supplier_name);
    fl_json_text(json, "site", a->q.site_name[0] == '\0' ? a->q.site : a->q.site_name);
    fl_json_text(json, "event", a->c.event_title[0] == '\0' ? a->c.title : a->c.event_title);
    fl_json_text(json, "event_place", a->c.event_place[0] == '\0' ? NULL : a->c.event_place);
    fl_part_time(json, "event_at", a->c.event_us);
    fl_json_bool(json, "exercise", a->c.exercise);
    fl_json_text(json, "text", a->q.text[0] == '\0' ? NULL : a->q.text);
    fl_part_time(json, "asked", a->q.asked_us);
    fl_part_time(json, "due", fl_clock_due(&a->clock, a->kit.now_us));
    fl_part_time(json, "expires", a->q.expires_us);
    fl_json_text(json, "language", l->code);
    put_answer(json, &a->q);
    put_words(req, a, l);
    if (a->q.answered_us == 0)
        r = put_others(req, a, err);
    else {
        fl_json_array(json, "others");
        fl_json_end(json);
        r = FL_OK;
    }
    if (r == FL_OK)
        fl_req_done(req, status);
    return r;
}

/* Somebody, or something, looked: that is noted, and changes nothing else. */
static int note_open(struct fl_req *req, struct asked *a, struct fl_err *err)
{
    bool moves = a->q.answered_us == 0 && strcmp(a->q.state, "opened") != 0 &&
                 fl_machine_move(&fl_machine_question, a->q.state, "opened", FL_BY_SUPPLIER, "",
                                 err) == FL_OK;
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    a->q.opens++;
    if (a->q.opened_us == 0)
        a->q.opened_us = a->kit.now_us;
    if (moves && strcmp(a->q.state, "silent") != 0) {
        memset(a->q.state, 0, sizeof a->q.state);
        (void)snprintf(a->q.state, sizeof a->q.state, "opened");
        r = fl_case_note(&a->kit, &a->c, "opened", err, "the link about %s was opened",
                         a->q.site_name[0] == '\0' ? a->q.site : a->q.site_name);
    }
    if (r == FL_OK)
        r = fl_db_question_set(a->kit.db, &a->q, err);
    return fl_part_end(req, r, err);
}

static struct asked *new_asked(struct fl_req *req, struct fl_err *err)
{
    struct asked *a = fl_arena_get(&req->arena, sizeof *a);

    if (a == NULL)
        (void)fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    else
        memset(a, 0, sizeof *a);
    return a;
}

int fl_api_answer_show(struct fl_req *req, struct fl_err *err)
{
    struct asked *a = new_asked(req, err);
    int r = a == NULL ? FL_E_NOMEM : take_asked(req, a, err);

    if (r == FL_OK)
        r = note_open(req, a, err);
    return r < 0 ? r : answer_page(req, a, 200, err);
}

/* ---- answering ---- */

struct given {
    struct fl_case_answer answer;
    char text[FL_ANSWER_TEXT_MAX + 1], name[FL_CASE_TITLE_MAX + 1];
    struct others others;
    bool ticked[OTHERS_MAX];
};

static int take_given(struct fl_req *req, struct given *g, struct fl_err *err)
{
    char word[8];
    int r = fl_req_need(req, "impact", word, sizeof word, err);

    if (r < 0)
        return r;
    g->answer = (struct fl_case_answer){
        .days_m = FL_CASE_UNKNOWN, .text = g->text, .name = g->name, .via = "link"};
    g->answer.impact = strcmp(word, "yes") == 0 ? FL_ANSWER_YES : FL_ANSWER_NO;
    if (g->answer.impact == FL_ANSWER_NO && strcmp(word, "no") != 0) {
        req->field = "impact";
        return fl_err_set(err, FL_E_INVAL, "impact is yes or no");
    }
    r = fl_case_take_number(req, "days", 0, FL_ANSWER_DAYS_MAX, 1000, &g->answer.days_m, err);
    if (g->answer.impact == FL_ANSWER_NO)
        g->answer.days_m = FL_CASE_UNKNOWN;
    if (r >= 0)
        r = fl_req_text(req, "text", g->text, sizeof g->text, err);
    if (r >= 0)
        r = fl_req_text(req, "name", g->name, sizeof g->name, err);
    return r < 0 ? r : FL_OK;
}

/* Which of the others the supplier ticked; a handle that names none of them is refused, so that
 * nobody thinks an answer was given that was not. */
static int take_ticks(struct fl_req *req, const struct asked *a, struct given *g,
                      struct fl_err *err)
{
    const json_t *list = json_object_get(req->body, "share_with"), *item;
    size_t i;
    int r = find_others(a, &g->others, err);

    if (r < 0 || list == NULL || json_is_null(list))
        return r;
    req->field = "share_with";
    if (!json_is_array(list) || json_array_size(list) > OTHERS_MAX)
        return fl_err_set(err, FL_E_INVAL, "share_with is an array of ids of the member others");
    json_array_foreach(list, i, item)
    {
        bool found = false;

        for (size_t k = 0; k < g->others.count; k++) {
            char handle[HANDLE_TEXT];

            handle_of(a, &g->others.q[k], handle);
            if (json_is_string(item) && strcmp(json_string_value(item), handle) == 0)
                found = g->ticked[k] = true;
        }
        if (!found)
            return fl_err_set(err, FL_E_INVAL,
                              "one of these customers does not wait for an answer any more: load "
                              "the page again");
    }
    req->field = NULL;
    return FL_OK;
}

/* Each of the others gets a copy of its own, in its own case. */
static int give_copy(struct fl_req *req, const struct given *g, size_t k, struct fl_err *err)
{
    struct fl_case_answer answer = g->answer;
    struct fl_question q = g->others.q[k];
    struct fl_case_kit kit;
    struct fl_case c;
    int r = supplier_kit(req, &q, &kit, err);

    answer.via = "shared";
    if (r == FL_OK)
        r = fl_db_case_get(kit.db, q.tenant, q.case_id, &c, err);
    return r < 0 ? r : fl_case_answered(&kit, &c, &q, &answer, err);
}

static int give(struct fl_req *req, struct asked *a, const struct given *g, struct fl_err *err)
{
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_case_answered(&a->kit, &a->c, &a->q, &g->answer, err);
    for (size_t k = 0; r == FL_OK && k < g->others.count; k++)
        if (g->ticked[k])
            r = give_copy(req, g, k, err);
    return fl_part_end(req, r, err);
}

int fl_api_answer_give(struct fl_req *req, struct fl_err *err)
{
    struct asked *a = new_asked(req, err);
    struct given *g = fl_arena_get(&req->arena, sizeof *g);
    int r = a == NULL ? FL_E_NOMEM : take_asked(req, a, err);

    if (g == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    memset(g, 0, sizeof *g);
    if (r == FL_OK && a->q.answered_us != 0)
        return fl_req_why(req, 409, "answered", err,
                          "this question is answered already; to change the answer, ask your "
                          "customer for a new link");
    if (r == FL_OK && a->c.closed_us != 0)
        return fl_req_why(req, 410, "closed", err,
                          "your customer has closed this case; the answer is not needed any more");
    if (r == FL_OK)
        r = take_given(req, g, err);
    if (r == FL_OK)
        r = take_ticks(req, a, g, err);
    if (r == FL_OK)
        r = give(req, a, g, err);
    return r < 0 ? fl_case_conflict(req, r) : answer_page(req, a, 200, err);
}
