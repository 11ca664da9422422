/*
 * Cases through the api: from opening to the after-action record; questions with links, answers,
 * sharing between customers, silence; exercises. Time moves by the rules of clocks, not by waiting.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cases.h"
#include "api/route.h"
#include "base/attr.h"
#include "db/db_supply.h"
#include "fake_keys.h"
#include "tap.h"

#define A "/api/v1/tenants/acme"
#define B "/api/v1/tenants/corvane"

static struct world w;
static struct fl_err err;

static void tenant(const char *slug, const char *name)
{
    struct fl_tenant t = {.keep_days = 7, .created_us = 5, .demo = true};

    (void)snprintf(t.slug, sizeof t.slug, "%s", slug);
    (void)snprintf(t.name, sizeof t.name, "%s", name);
    if (fl_db_tenant_add(w.db, &t, &err) < 0)
        abort();
}

static json_t *answer(void)
{
    json_t *j = json_loadb((const char *)w.body.ptr, w.body.len, 0, NULL);

    return j == NULL ? json_object() : j;
}

static int call(const char *method, const char *path, const char *body)
{
    int status = world_call(&w, method, path, body);

    if (status >= 400)
        printf("# %s %s: %d %.*s\n", method, path, status,
               (int)(w.body.len < 300 ? w.body.len : 300), (const char *)w.body.ptr);
    return status;
}

static uint32_t id_of_answer(void)
{
    json_t *j = answer();
    uint32_t id = (uint32_t)json_integer_value(json_object_get(j, "id"));

    json_decref(j);
    return id;
}

static uint32_t open_case(const char *base, const char *body)
{
    char path[100];

    (void)snprintf(path, sizeof path, "%s/cases", base);
    CHECK(call("POST", path, body) == 201, "a case is opened");
    return id_of_answer();
}

#define QUAKE                                                                                      \
    "{\"title\":\"Earthquake off Sanriku\",\"severity\":\"high\",\"currency\":\"EUR\",\"event\":"  \
    "{\"type\":\"earthquake\",\"title\":\"M 7.4 off "                                              \
    "Sanriku\",\"at\":\"2026-11-17T22:07:00Z\"},\"sites\":[{\"site\":\"S-011\",\"name\":"          \
    "\"Kitakami\",\"supplier\":\"kitasawa\",\"supplier_name\":\"Kitasawa "                         \
    "Power\",\"measure\":\"mmi\",\"value\":6.3,\"sigma\":0.8,\"down_days\":56,\"stock_days\":19,"  \
    "\"loss\":2370000},{\"site\":\"S-012\",\"name\":\"Ichinoseki\",\"loss\":91000.5}]}"

static char path_of[300];

static const char *in_case(const char *base, uint32_t id, const char *rest)
{
    (void)snprintf(path_of, sizeof path_of, "%s/cases/%u%s", base, id, rest);
    return path_of;
}

static const char *in_part(const char *base, uint32_t id, const char *part, uint32_t n,
                           const char *rest)
{
    (void)snprintf(path_of, sizeof path_of, "%s/cases/%u/%s/%u%s", base, id, part, n, rest);
    return path_of;
}

/* As a browser somewhere outside, without an account. */
static int outside(const char *method, const char *link, const char *body, const char *peer)
{
    const struct fl_call as = {.peer = fl_span_str(peer)};
    const char *token = strstr(link, "/answer/");
    char path[200];

    (void)snprintf(path, sizeof path, "/api/v1/answers/%s",
                   token == NULL ? link : token + strlen("/answer/"));
    return world_ask(&w, &as, method, path, body);
}

/* ---- the whole path of one case ---- */

static void check_opening(void)
{
    uint32_t id = open_case(A, QUAKE);

    CHECK(world_has(&w, "\"number\":\"SC-0001\"") && world_has(&w, "\"state\":\"open\"") &&
              world_has(&w, "\"potential\":2461000.5") && world_has(&w, "\"kind\":\"decide\"") &&
              world_has(&w, "\"due\":\"2026-11-19T"),
          "with number, figures, clocks");
    CHECK(call("GET", in_case(B, id, ""), NULL) == 404, "another tenant has no such case");
    CHECK(call("POST", A "/cases", "{}") == 422 && world_has(&w, "title is missing"), "a title");
    CHECK(call("POST", A "/cases",
               "{\"title\":\"x\",\"sites\":[{\"site\":\"S\"},{\"site\":\"S\"}]}") == 409,
          "a site once");
    CHECK(call("GET", A "/cases", NULL) == 200 && world_has(&w, "\"total\":1"),
          "what failed left nothing");
    CHECK(call("POST", A "/cases", "{\"risk\":99}") == 404, "no such risk");
    CHECK(call("GET", A "/cases?state=over", NULL) == 200 && world_has(&w, "\"total\":0"), "over");
    CHECK(call("PATCH", in_case(A, id, ""), "{\"owner\":\"ann\",\"severity\":\"severe\"}") == 200 &&
              world_has(&w, "\"severe\""),
          "owner and severity");
    CHECK(call("PATCH", in_case(A, id, ""), "{\"state\":\"closed\",\"reason\":\"r\"}") == 409 &&
              world_has(&w, "checklist"),
          "it does not close over its checklist");
    CHECK(call("PATCH", in_case(A, id, ""), "{\"state\":\"asleep\"}") == 422, "no such state");
    CHECK(call("DELETE", in_case(A, id, ""), NULL) == 409, "what runs is not removed");
}

static void check_sites(uint32_t id)
{
    CHECK(call("PATCH", in_case(A, id, "/sites/S-012"), "{\"status\":\"restored\"}") == 409,
          "what was never down is not restored");
    CHECK(call("PATCH", in_case(A, id, "/sites/S-012"),
               "{\"status\":\"confirmed\",\"days\":9.5,\"note\":\"furnace\"}") == 200 &&
              world_has(&w, "\"down_days\":9.5") && world_has(&w, "\"confirmed\":91000.5"),
          "confirmed: how long, and what it comes to");
    CHECK(call("PATCH", in_case(A, id, "/sites/S-012"), "{\"status\":\"no_impact\"}") == 422 &&
              world_has(&w, "reason is missing"),
          "taken back with a reason alone");
    CHECK(call("PATCH", in_case(A, id, "/sites/S-012"), "{\"status\":\"restored\"}") == 200 &&
              world_has(&w, "\"was_down_days\""),
          "restored, after how long");
    CHECK(call("PATCH", in_case(A, id, "/sites/S-999"), "{\"status\":\"confirmed\"}") == 404,
          "no such site");
    CHECK(call("POST", in_case(A, id, "/sites"), "{\"site\":\"S-013\",\"loss\":1}") == 201 &&
              world_has(&w, "S-013"),
          "one more site");
    CHECK(call("PATCH", in_case(A, id, "/sites/S-013"), "{\"days\":\"many\"}") == 422, "a number");
}

static void check_plans(uint32_t id)
{
    uint32_t plan;

    CHECK(call("POST", in_case(A, id, "/plans"), "{\"kind\":\"buffer\",\"title\":\"Brokers\"}") ==
                  422 &&
              world_has(&w, "part is missing"),
          "what a kind needs");
    CHECK(call("POST", in_case(A, id, "/plans"),
               "{\"kind\":\"alternate\",\"title\":\"Yonezawa makes 4 "
               "parts\",\"site\":\"S-011\",\"to\":\"S-015\",\"cost\":180000,\"owner\":\"bob\","
               "\"ready\":\"2026-12-13T"
               "00:00:00Z\"}") == 201 &&
              world_has(&w, "\"cost\":180000") && world_has(&w, "\"EUR\""),
          "a plan with cost, owner, date");
    plan = id_of_answer();
    CHECK(call("PATCH", in_part(A, id, "plans", plan, ""), "{\"state\":\"done\"}") == 409,
          "first chosen, then done");
    CHECK(call("PATCH", in_part(A, id, "plans", plan, ""), "{\"state\":\"chosen\"}") == 200 &&
              world_has(&w, "\"chosen\":true"),
          "chosen");
    CHECK(call("DELETE", in_part(A, id, "plans", plan, ""), NULL) == 409, "then it is not removed");
    CHECK(call("GET", in_case(A, id, ""), NULL) == 200 && world_has(&w, "\"state\":\"acting\"") &&
              world_has(&w, "\"kept\""),
          "the case acts, its clock of deciding was kept");
    CHECK(call("GET", in_case(A, id, "/plans"), NULL) == 200 && world_has(&w, "\"to\":\"S-015\""),
          "plans");
    CHECK(call("GET", in_case(A, id, "/plans/compare"), NULL) >= 400 && world_has(&w, "network"),
          "what they avoid is not made up: without a network there is no figure");
    CHECK(call("GET", in_part(B, id, "plans", plan, ""), NULL) == 405 &&
              call("PATCH", in_part(B, id, "plans", plan, ""), "{\"title\":\"x\"}") == 404,
          "another tenant's plan");
}

static uint32_t clock_of(const char *base, uint32_t id, const char *kind)
{
    uint32_t found = 0;
    json_t *j, *clock;
    size_t i;

    (void)call("GET", in_case(base, id, "/clocks"), NULL);
    j = answer();
    json_array_foreach(json_object_get(j, "clocks"), i, clock)
    {
        if (strcmp(json_string_value(json_object_get(clock, "kind")), kind) == 0)
            found = (uint32_t)json_integer_value(json_object_get(clock, "id"));
    }
    json_decref(j);
    return found;
}

static void check_clocks(uint32_t id)
{
    uint32_t clock = clock_of(A, id, "assess");

    CHECK(clock != 0 && world_has(&w, "\"steps\":[{"), "clocks with their steps");
    CHECK(call("POST", in_part(A, id, "clocks", clock, ""),
               "{\"rule\":\"extend\",\"minutes\":60}") == 422 &&
              world_has(&w, "reason is missing"),
          "a rule needs its reason");
    CHECK(call("POST", in_part(A, id, "clocks", clock, ""),
               "{\"rule\":\"start\",\"reason\":\"r\"}") == 422,
          "nobody starts it again");
    CHECK(call("POST", in_part(A, id, "clocks", clock, ""),
               "{\"rule\":\"extend\",\"minutes\":60,\"reason\":\"roads closed\"}") == 200 &&
              world_has(&w, "\"extended_s\":3600"),
          "extended");
    CHECK(call("POST", in_part(A, id, "clocks", clock, ""),
               "{\"rule\":\"pause\",\"reason\":\"curfew\"}") == 200 &&
              world_has(&w, "\"paused\""),
          "paused");
    CHECK(call("POST", in_part(A, id, "clocks", clock, ""),
               "{\"rule\":\"redate\",\"from\":\"2026-11-18T00:00:00Z\",\"reason\":\"first "
               "report\"}") == 200 &&
              world_has(&w, "\"counts_from\":\"2026-11-18T00:00:00"),
          "re-dated");
    CHECK(call("POST", in_part(A, id, "clocks", clock, ""),
               "{\"rule\":\"redate\",\"from\":\"2030-01-01T00:00:00Z\",\"reason\":\"x\"}") == 422,
          "not to what is to come");
}

static void check_record(uint32_t id)
{
    char body[200];

    for (unsigned n = 1; n <= 8; n++) {
        (void)snprintf(body, sizeof body, "{\"state\":\"done\",\"evidence\":\"sheet %u\"}", n);
        CHECK(call("PATCH", in_part(A, id, "checklist", n, ""), body) == 200, "an item");
    }
    CHECK(call("PATCH", in_part(A, id, "checklist", 9, ""), "{\"state\":\"done\"}") == 404,
          "no such item");
    CHECK(call("POST", in_case(A, id, "/actions"), "{\"text\":\"Second source for P-7\"}") == 201,
          "an action");
    CHECK(call("PATCH", in_part(A, id, "actions", id_of_answer(), ""), "{\"done\":true}") == 422 &&
              world_has(&w, "note is missing"),
          "done with a word about it");
    CHECK(call("PATCH", in_case(A, id, "/after-action"),
               "{\"summary\":\"Nine days.\",\"failed\":\"Late.\"}") == 200 &&
              world_has(&w, "\"were_down\":1") && world_has(&w, "\"loss_feared\":2461001.5"),
          "after-action record with figures");
    CHECK(call("PATCH", in_case(A, id, ""), "{\"state\":\"closed\",\"reason\":\"over\"}") == 200 &&
              world_has(&w, "\"closed\":\"2026"),
          "closed");
    CHECK(call("GET", in_case(A, id, "/export"), NULL) == 200 && world_has(&w, "fairlead-case/1") &&
              world_has(&w, "roads closed") && world_has(&w, "Second source"),
          "the whole as one document");
    CHECK(call("GET", in_case(A, id, "/timeline?limit=2"), NULL) == 200 &&
              world_has(&w, "\"what\":\"opened\"") && !world_has(&w, "\"next\":null"),
          "timeline, page by page");
    CHECK(call("DELETE", in_case(A, id, ""), NULL) == 200, "removed");
}

/* ---- questions ---- */

static char link_text[FL_LINK_MAX];

static uint32_t ask_by_link(const char *base, uint32_t id, const char *more)
{
    char body[400];
    uint32_t q;
    json_t *j;

    (void)snprintf(body, sizeof body, "{\"site\":\"S-011\",\"link\":true%s}", more);
    CHECK(call("POST", in_case(base, id, "/questions"), body) == 201, "asked by a link");
    j = answer();
    (void)snprintf(link_text, sizeof link_text, "%s",
                   json_is_string(json_object_get(j, "link"))
                       ? json_string_value(json_object_get(j, "link"))
                       : "");
    q = (uint32_t)json_integer_value(json_object_get(j, "id"));
    json_decref(j);
    return q;
}

static void check_link(uint32_t id)
{
    uint32_t q = ask_by_link(A, id, ",\"language\":\"de\",\"text\":\"Ofen 2?\"");
    unsigned good = 0;

    CHECK(strstr(link_text, "https://") == link_text, "a link");
    CHECK(call("GET", in_case(A, id, "/questions"), NULL) == 200 && !world_has(&w, "/answer/"),
          "shown once");
    for (int i = 0; i < 10; i++)
        good += outside("GET", link_text, NULL, "192.0.2.1") == 200;
    CHECK(good == 10 && world_has(&w, "\"customer\":\"Acme Networks\"") &&
              world_has(&w, "\"site\":\"Kitakami\"") && world_has(&w, "\"answered\":null") &&
              world_has(&w, "Sind Produktion oder Lieferung") && world_has(&w, "Ofen 2?"),
          "read ten times, in German: nothing is used up");
    CHECK(outside("GET", link_text, NULL, "192.0.2.1") == 200 && !world_has(&w, "acme/") &&
              !world_has(&w, "2370000") && !world_has(&w, "S-012") && !world_has(&w, "Ichinoseki"),
          "and nothing else of the tenant");
    CHECK(outside("POST", link_text, "{\"impact\":\"perhaps\"}", "192.0.2.1") == 422, "yes or no");
    CHECK(outside("POST", link_text, "{\"impact\":\"yes\",\"share_with\":[\"abc\"]}",
                  "192.0.2.1") == 422,
          "shared with nobody that waits");
    CHECK(outside("POST", link_text,
                  "{\"impact\":\"yes\",\"days\":56,\"text\":\"Line 2\",\"name\":\"M. Sakurada\"}",
                  "192.0.2.1") == 200 &&
              world_has(&w, "\"days\":56"),
          "answered");
    CHECK(outside("POST", link_text, "{\"impact\":\"no\"}", "192.0.2.1") == 409 &&
              world_has(&w, "\"answered\""),
          "once");
    CHECK(outside("GET", link_text, NULL, "192.0.2.1") == 200 && world_has(&w, "M. Sakurada"),
          "it can still be read");
    CHECK(call("GET", in_case(A, id, ""), NULL) == 200 &&
              world_has(&w, "\"status\":\"confirmed\"") &&
              world_has(&w, "M. Sakurada, Kitasawa Power"),
          "the site has its word");
    CHECK(call("POST", in_part(A, id, "questions", q, "/answer"), "{\"impact\":\"no\"}") == 409,
          "nor is it answered by hand then");
}

static void expire(uint32_t id, uint32_t case_id)
{
    struct fl_question q;
    struct fl_tenant t;

    if (fl_db_tenant_get(w.db, "acme", &t, &err) < 0 ||
        fl_db_question_get(w.db, t.id, case_id, id, &q, &err) < 0)
        abort();
    q.expires_us = INT64_C(1795000000000000); /* it works before, not at that moment */
    if (fl_db_question_set(w.db, &q, &err) < 0)
        abort();
}

static void check_wrong_links(uint32_t id)
{
    uint32_t q;

    CHECK(outside("GET", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL, "192.0.2.2") == 404,
          "a token that is none");
    CHECK(outside("GET", "short", NULL, "192.0.2.2") == 404 &&
              outside("POST", "short", "{\"impact\":\"yes\"}", "192.0.2.2") == 404,
          "nor a short one");
    q = ask_by_link(A, id, "");
    CHECK(call("POST", in_part(A, id, "questions", q, "/withdraw"), "{\"reason\":\"known\"}") ==
              200,
          "withdrawn");
    CHECK(outside("GET", link_text, NULL, "192.0.2.2") == 410, "its link is over");
    expire(ask_by_link(A, id, ""), id);
    CHECK(outside("GET", link_text, NULL, "192.0.2.2") == 410 && world_has(&w, "\"expired\"") &&
              outside("POST", link_text, "{\"impact\":\"no\"}", "192.0.2.2") == 410,
          "one that has expired is neither read nor answered");
    (void)ask_by_link(A, id, "");
    link_text[strlen(link_text) - 2] ^= 1;
    CHECK(outside("GET", link_text, NULL, "192.0.2.2") == 404, "one letter off");
}

static void check_throttle(uint32_t id)
{
    int status = 0, tries = 0;

    (void)ask_by_link(A, id, "");
    while (tries < 40 && (status = outside("GET", link_text, NULL, "192.0.2.77")) == 200)
        tries++;
    CHECK(status == 429 && tries >= 10, "a source that asks too often waits");
    CHECK(outside("GET", link_text, NULL, "192.0.2.78") == 429, "so does a link");
    (void)ask_by_link(A, id, "");
    CHECK(outside("GET", link_text, NULL, "192.0.2.79") == 200, "others do not");
}

/* ---- mails: what the queue would hand over ---- */

struct newest {
    struct fl_notice notice;
};

static int take_newest(void *ctx, const struct fl_notice *notice)
{
    struct newest *n = ctx;

    if (notice->id > n->notice.id)
        n->notice = *notice;
    return 0;
}

/* The newest mail of the queue with its link, as it would leave; *ret is its address. */
static const char *hand_over(struct fl_buf *body)
{
    static struct newest n;
    const char *at;

    memset(&n, 0, sizeof n);
    fl_buf_clear(body);
    if (fl_db_notices_due(w.db, INT64_MAX, 0, take_newest, &n, &err) < 0 || n.notice.id == 0 ||
        fl_db_notice_body(w.db, n.notice.id, body, &err) < 0)
        return "";
    CHECK(memmem(body->ptr, body->len, "/answer/", 8) == NULL, "no link is stored");
    if (fl_case_link_fill(w.api, &n.notice, body, &err) < 0)
        return "";
    fl_buf_put_u8(body, 0);
    at = strstr((const char *)body->ptr, "https://");
    (void)snprintf(link_text, sizeof link_text, "%.*s", (int)(at == NULL ? 0 : strcspn(at, "\n")),
                   at == NULL ? "" : at);
    n.notice.state = FL_NOTICE_SENT;
    n.notice.done_us = w.api == NULL ? 0 : INT64_C(1795000000000000);
    (void)snprintf(n.notice.answer, sizeof n.notice.answer, "250 2.0.0 queued");
    (void)!fl_db_notice_set(w.db, &n.notice, &err);
    fl_api_cases_tick(w.api);
    return n.notice.target;
}

static void ask_by_mail(const char *base, uint32_t id, const char *to)
{
    char body[300];

    (void)snprintf(body, sizeof body,
                   "{\"site\":\"S-011\",\"to\":\"%s\",\"language\":\"ja\",\"hours\":24}", to);
    CHECK(call("POST", in_case(base, id, "/questions"), body) == 201 &&
              world_has(&w, "\"waiting\"") && !world_has(&w, "/answer/"),
          "asked by mail: nobody here sees the link");
}

static void check_sharing(uint32_t a, uint32_t b)
{
    FL_AUTO(fl_buf_done) struct fl_buf body;
    char handle[64] = "", post[200];
    json_t *j;

    fl_buf_init(&body, 100000);
    ask_by_mail(B, b, "M.Sakurada@kitasawa.example");
    CHECK(strcmp(hand_over(&body), "M.Sakurada@kitasawa.example") == 0, "B's mail");
    ask_by_mail(A, a, "m.sakurada@kitasawa.example");
    (void)hand_over(&body);
    CHECK(call("GET", in_case(A, a, "/questions"), NULL) == 200 && world_has(&w, "\"sent\""),
          "sent");
    CHECK(outside("GET", link_text, NULL, "192.0.2.9") == 200, "the page");
    j = answer();
    CHECK(json_array_size(json_object_get(j, "others")) == 1 && world_has(&w, "Corvane"),
          "the mailbox sees who else asked it");
    if (json_array_size(json_object_get(j, "others")) == 1)
        (void)snprintf(handle, sizeof handle, "%s",
                       json_string_value(
                           json_object_get(json_array_get(json_object_get(j, "others"), 0), "id")));
    json_decref(j);
    (void)snprintf(post, sizeof post,
                   "{\"impact\":\"yes\",\"days\":35,\"name\":\"R. Ono\",\"share_with\":[\"%s\"]}",
                   handle);
    CHECK(outside("POST", link_text, post, "192.0.2.9") == 200, "answered for both");
    CHECK(call("GET", in_case(B, b, "/questions"), NULL) == 200 && world_has(&w, "\"shared\"") &&
              world_has(&w, "\"days\":35"),
          "the other has its own copy");
    CHECK(call("GET", in_case(B, b, ""), NULL) == 200 && world_has(&w, "\"down_days\":35") &&
              !world_has(&w, "Acme"),
          "and nothing of the first customer");
    ask_by_mail(A, a, "m.sakurada@kitasawa.example");
    (void)hand_over(&body);
    CHECK(outside("GET", link_text, NULL, "192.0.2.11") == 200 && world_has(&w, "\"others\":[]"),
          "whoever was answered does not wait any more");
    (void)ask_by_link(A, a, "");
    ask_by_mail(B, b, "m.sakurada@kitasawa.example");
    (void)hand_over(&body);
    (void)ask_by_link(A, a, "");
    CHECK(outside("GET", link_text, NULL, "192.0.2.10") == 200 && !world_has(&w, "Corvane"),
          "whoever holds a link that was shown here sees no other customer");
}

static void check_silence(uint32_t id)
{
    FL_AUTO(fl_buf_done) struct fl_buf body;
    uint32_t clock;

    fl_buf_init(&body, 100000);
    ask_by_mail(A, id, "r.ono@minato.example");
    (void)hand_over(&body);
    clock = clock_of(A, id, "answer"); /* the newest stands last */
    CHECK(call("POST", in_part(A, id, "clocks", clock, ""),
               "{\"rule\":\"redate\",\"from\":\"2026-11-17T22:00:00Z\",\"reason\":\"sent by "
               "telephone first\"}") == 200,
          "more than half of the time is over");
    fl_api_cases_tick(w.api);
    CHECK(call("GET", in_case(A, id, "/questions"), NULL) == 200 &&
              world_has(&w, "\"reminders\":1"),
          "a reminder");
    CHECK(strcmp(hand_over(&body), "r.ono@minato.example") == 0 &&
              strstr((const char *)body.ptr, "no answer yet") != NULL,
          "to the same contact");
    CHECK(call("POST", in_part(A, id, "clocks", clock, ""),
               "{\"rule\":\"redate\",\"from\":\"2026-11-16T00:00:00Z\",\"reason\":\"older\"}") ==
              200,
          "all of it is over");
    fl_api_cases_tick(w.api);
    CHECK(call("GET", in_case(A, id, "/questions"), NULL) == 200 && world_has(&w, "\"silent\""),
          "nobody is left to ask");
    CHECK(call("GET", in_case(A, id, "/timeline?limit=200"), NULL) == 200 &&
              world_has(&w, "somebody has to telephone"),
          "which is said");
    CHECK(outside("GET", link_text, NULL, "192.0.2.30") == 200 &&
              outside("POST", link_text, "{\"impact\":\"no\"}", "192.0.2.30") == 200,
          "a late answer is an answer");
}

/* ---- with a network of supply: contacts, and what plans avoid ---- */

struct cells {
    enum fl_supply_table table;
    const char *cell[FL_SUPPLY_COLUMNS_MAX];
};

static const struct cells network[] = {
    {FL_SUPPLY_SUPPLIERS, {"kitasawa", "Kitasawa Power", "JP"}},
    {FL_SUPPLY_SITES, {"S-011", "kitasawa", "Kitakami", "39.3", "141.1", "JP", "", "56"}},
    {FL_SUPPLY_SITES, {"S-015", "kitasawa", "Yonezawa", "37.9", "140.1", "JP", "", "56"}},
    {FL_SUPPLY_SITES, {"S-001", "kitasawa", "Assembly", "52.5", "13.4", "DE", "", "30"}},
    {FL_SUPPLY_PARTS, {"P-7", "Converter", "", "1900"}},
    {FL_SUPPLY_PARTS, {"A-1", "Tern assembly", ""}},
    {FL_SUPPLY_PART_SITES, {"P-7", "S-011", "1", "yes"}},
    {FL_SUPPLY_PART_SITES, {"A-1", "S-001", "1", "yes"}},
    {FL_SUPPLY_PRODUCTS, {"tern", "Tern 60", "production", "100", "50", "90", "0"}},
    {FL_SUPPLY_BOM, {"tern", "A-1", "1"}},
    {FL_SUPPLY_BOM, {"A-1", "P-7", "1"}},
    {FL_SUPPLY_CONTACTS, {"kitasawa", "10", "Third", "third@kitasawa.example", "en"}},
    {FL_SUPPLY_CONTACTS, {"kitasawa", "2", "Second", "second@kitasawa.example", "de"}},
    {FL_SUPPLY_CONTACTS, {"kitasawa", "1", "First", "first@kitasawa.example", ""}},
    {FL_SUPPLY_CONTACTS, {"kitasawa2", "1", "Other", "other@else.example", ""}},
};

static int put_cells(struct fl_db_supply_change *change, const struct cells *c)
{
    FL_AUTO(fl_buf_done) struct fl_buf packed;
    struct fl_supply_row row = {.table = c->table};
    char key[FL_SUPPLY_KEY_MAX + 1];

    fl_buf_init(&packed, 4096);
    for (unsigned i = 0; i < fl_supply_schemas[c->table].count; i++)
        row.cell[i] = fl_span_str(c->cell[i]);
    fl_supply_key(&row, key);
    fl_supply_pack(&row, &packed);
    return fl_db_supply_put(w.db, change, c->table, fl_span_str(key), fl_buf_span(&packed), &err);
}

static void put_network(const char *slug)
{
    struct fl_db_supply_change change = {.at_us = 5, .who = "ann", .kind = "import", .title = "t"};
    struct fl_tenant t;
    int r = fl_db_tenant_get(w.db, slug, &t, &err);

    change.tenant = t.id;
    if (r == FL_OK)
        r = fl_db_supply_begin(w.db, &change, &err);
    for (size_t i = 0; r >= 0 && i < FL_LEN(network); i++)
        r = put_cells(&change, &network[i]);
    if (r >= 0)
        r = fl_db_supply_publish(w.db, &change, &err);
    if (r < 0)
        printf("# %s\n", err.text);
    CHECK(r >= 0, "a network of supply");
}

static void redate(uint32_t id, uint32_t clock, const char *from)
{
    char body[120];

    (void)snprintf(body, sizeof body, "{\"rule\":\"redate\",\"from\":\"%s\",\"reason\":\"r\"}",
                   from);
    CHECK(call("POST", in_part(A, id, "clocks", clock, ""), body) == 200, "re-dated");
    fl_api_cases_tick(w.api);
}

/* From the first contact to the next, in the order of their numbers, each in his language. */
static void check_contacts(uint32_t id)
{
    FL_AUTO(fl_buf_done) struct fl_buf body;
    uint32_t clock;

    fl_buf_init(&body, 100000);
    CHECK(call("POST", in_case(A, id, "/questions"), "{\"site\":\"S-011\"}") == 201 &&
              world_has(&w, "first@kitasawa.example") && world_has(&w, "\"language\":\"ja\""),
          "the first contact, in the language of the site's country");
    CHECK(strcmp(hand_over(&body), "first@kitasawa.example") == 0, "his mail");
    clock = clock_of(A, id, "answer");
    redate(id, clock, "2026-11-16T00:00:00Z");
    CHECK(call("GET", in_case(A, id, "/questions"), NULL) == 200 &&
              world_has(&w, "second@kitasawa.example") && world_has(&w, "\"escalations\":1") &&
              world_has(&w, "contact 2 is asked") == 0,
          "then the second");
    CHECK(strcmp(hand_over(&body), "second@kitasawa.example") == 0 &&
              strstr((const char *)body.ptr, "Bitte antworten Sie bis") != NULL,
          "in German, as the table of contacts says");
    CHECK(call("GET", in_case(A, id, "/clocks"), NULL) == 200 &&
              world_has(&w, "contact 2 is asked") && world_has(&w, "\"rule\":\"extend\""),
          "with time of his own, by a step that says why");
    redate(id, clock, "2026-11-10T00:00:00Z");
    CHECK(strcmp(hand_over(&body), "third@kitasawa.example") == 0, "then the third: 10 after 2");
    redate(id, clock, "2026-10-01T00:00:00Z");
    CHECK(call("GET", in_case(A, id, "/questions"), NULL) == 200 && world_has(&w, "\"silent\"") &&
              !world_has(&w, "other@else.example"),
          "then nobody, and nobody else's");
}

static void check_compare(uint32_t id)
{
    json_t *j, *plan;
    double without, avoids;

    CHECK(call("GET", in_case(A, id, "/plans/compare"), NULL) == 422 && world_has(&w, "no plan"),
          "without a plan there is nothing to compare");
    (void)call(
        "POST", in_case(A, id, "/plans"),
        "{\"kind\":\"buffer\",\"title\":\"Brokers\",\"part\":\"P-7\",\"units\":1000,\"cost\":"
        "10000}");
    (void)call("PATCH", in_case(A, id, "/sites/S-011"), "{\"status\":\"confirmed\",\"days\":56}");
    CHECK(call("GET", in_case(A, id, "/plans/compare?draws=100&seed=7"), NULL) == 200, "compared");
    j = answer();
    plan = json_array_get(json_object_get(j, "plans"), 0);
    without = json_number_value(json_object_get(j, "loss_without"));
    avoids = json_number_value(json_object_get(plan, "avoids"));
    /* 56 days of 100 a day less 1,900 in stock at a profit of 50; 1,000 more units avoid 50,000. */
    CHECK(without > 184999 && without < 185001, "the loss as it can be reckoned by hand");
    CHECK(avoids > 49999 && avoids < 50001 &&
              json_number_value(json_object_get(plan, "per_money")) > 4.99,
          "what a buffer avoids, per money");
    if (avoids < 1)
        printf("# %.*s\n", (int)w.body.len, (const char *)w.body.ptr);
    json_decref(j);
}

static void check_exercise(void)
{
    struct newest before = {.notice = {.id = 0}}, after = {.notice = {.id = 0}};
    uint32_t id;

    (void)!fl_db_notices_due(w.db, INT64_MAX, 0, take_newest, &before, &err);
    id = open_case(A, "{\"title\":\"Drill\",\"exercise\":true,\"sites\":[{\"site\":\"S-011\"}]}");
    CHECK(call("POST", in_case(A, id, "/questions"), "{\"site\":\"S-011\",\"to\":\"m@x.jp\"}") ==
                  201 &&
              world_has(&w, "\"withheld\""),
          "a question of an exercise is withheld");
    CHECK(call("POST", in_case(A, id, "/questions"), "{\"site\":\"S-011\",\"link\":true}") == 201 &&
              world_has(&w, "\"withheld\"") && !world_has(&w, "/answer/"),
          "nor is there a link");
    CHECK(call("POST", in_case(A, id, "/notices"),
               "{\"to\":\"m@x.jp\",\"subject\":\"s\",\"body\":\"b\"}") == 201 &&
              world_has(&w, "\"withheld\""),
          "nor a notice");
    fl_api_cases_tick(w.api);
    (void)!fl_db_notices_due(w.db, INT64_MAX, 0, take_newest, &after, &err);
    CHECK(before.notice.id == after.notice.id, "nothing of it stands in the queue");
    CHECK(call("POST", in_part(A, id, "questions", 1, "/remind"), "{}") >= 400, "nor is reminded");
}

static void check_notices(uint32_t id)
{
    uint32_t n;

    CHECK(call("POST", in_case(A, id, "/notices"),
               "{\"to\":\"sales@example.com\",\"subject\":\"Tern 60\",\"body\":\"Hold 31 "
               "lines\",\"draft\":true}") == 201 &&
              world_has(&w, "\"draft\""),
          "a draft");
    n = id_of_answer();
    CHECK(call("PATCH", in_part(A, id, "notices", n, ""), "{\"state\":\"queued\"}") == 200 &&
              world_has(&w, "\"queued\""),
          "sent");
    CHECK(call("PATCH", in_part(A, id, "notices", n, ""), "{\"state\":\"queued\"}") == 409, "once");
    CHECK(call("POST", in_case(A, id, "/notices"),
               "{\"to\":\"sales@example.com\",\"subject\":\"a\\nBcc: b\",\"body\":\"b\"}") == 422,
          "a subject of one line");
    CHECK(call("GET", in_case(B, id, "/notices"), NULL) == 404, "not another tenant's");
}

static void check_case_rules(void)
{
    CHECK(call("POST", A "/case-rules", "{\"name\":\"everything\"}") == 422, "a rule says when");
    CHECK(call("POST", A "/case-rules",
               "{\"name\":\"large\",\"min_net_loss\":100000,\"owner\":\"ann\"}") == 201,
          "a rule");
    CHECK(call("POST", A "/case-rules", "{\"name\":\"large\",\"min_net_loss\":1}") == 409, "once");
    CHECK(call("GET", B "/case-rules", NULL) == 200 && world_has(&w, "\"items\":[]"), "A's own");
}

static int none(void *ctx, const struct fl_case *c)
{
    *(struct fl_case *)ctx = *c;
    return 0;
}

static void check_rule_asks(struct fl_risk *risk)
{
    static const char details[] = "{\"hits\":[{\"site\":\"S-011\"},{\"site\":\"S-404\"}]}";
    struct fl_db_case_pick pick = {.tenant = risk->tenant, .over = -1, .exercise = -1};
    struct fl_db_list list;
    struct fl_case c;

    CHECK(call("PATCH", A "/case-rules/1", "{\"ask\":true}") == 200 &&
              world_has(&w, "\"ask\":true"),
          "a rule that asks");
    risk->id = 0;
    risk->event++;
    CHECK(fl_db_risk_put(w.db, risk, &err) == 0 &&
              fl_db_risk_details_set(w.db, risk->id, fl_span_str(details), &err) == 0,
          "another risk");
    pick.risk = risk->id;
    fl_case_rules_run(w.api, risk);
    CHECK(fl_db_cases(w.db, &pick, (struct fl_db_page){NULL, 0}, none, &c, &list, &err) == 0 &&
              list.total == 1 && call("GET", in_case(A, c.id, "/questions"), NULL) == 200 &&
              world_has(&w, "first@kitasawa.example") && world_has(&w, "Kitakami"),
          "asks the first contact of each supplier");
    CHECK(call("GET", in_case(A, c.id, "/timeline"), NULL) == 200 &&
              world_has(&w, "nobody to ask about S-404"),
          "and says whom nobody can ask");
}

static void check_by_rule(void)
{
    static const char details[] =
        "{\"hits\":[{\"site\":\"S-020\",\"name\":\"Aizu\",\"measure\":\"mmi\",\"value\":5.1,"
        "\"probability\":0.7,\"down_days\":49,\"loss\":235000}]}";
    struct fl_risk risk = {.event = 7,
                           .state = FL_RISK_OPEN,
                           .first_us = 1,
                           .net_loss_cents = 9999999,
                           .title = "M 6.1",
                           .severity = "severe",
                           .currency = "EUR",
                           .tts_mdays = FL_RISK_NONE,
                           .ttr_mdays = FL_RISK_NONE};
    struct fl_db_case_pick pick = {.over = -1, .exercise = -1};
    struct fl_tenant t;
    struct fl_case c;
    struct fl_db_list list;
    uint64_t n = 99;

    if (fl_db_tenant_get(w.db, "acme", &t, &err) < 0)
        abort();
    risk.tenant = pick.tenant = t.id;
    CHECK(fl_db_risk_put(w.db, &risk, &err) == 0 &&
              fl_db_risk_details_set(w.db, risk.id, fl_span_str(details), &err) == 0,
          "a risk");
    pick.risk = risk.id;
    fl_case_rules_run(w.api, &risk);
    CHECK(fl_db_case_count(w.db, &pick, &n, &err) == 0 && n == 0, "below what the rule asks for");
    risk.net_loss_cents = 10000000;
    fl_case_rules_run(w.api, &risk);
    fl_case_rules_run(w.api, &risk);
    CHECK(fl_db_cases(w.db, &pick, (struct fl_db_page){NULL, 0}, none, &c, &list, &err) == 0 &&
              list.total == 1 && c.rule != 0 && strcmp(c.opened_by, "rule large") == 0 &&
              strcmp(c.owner, "ann") == 0 && c.severity == FL_CASE_HIGH,
          "the rule opens one case");
    CHECK(call("GET", in_case(A, c.id, ""), NULL) == 200 && world_has(&w, "\"Aizu\"") &&
              world_has(&w, "\"loss\":235000"),
          "with the sites that are hit");
    CHECK(call("PATCH", in_case(A, c.id, ""), "{\"state\":\"void\",\"reason\":\"a test\"}") == 200,
          "void");
    fl_case_rules_run(w.api, &risk);
    CHECK(fl_db_case_count(w.db, &pick, &n, &err) == 0 && n == 1, "it is not opened again");
    (void)snprintf(path_of, sizeof path_of, "{\"risk\":%u}", risk.id);
    CHECK(call("POST", A "/cases", path_of) == 201 && world_has(&w, "\"Aizu\""), "but by hand");
    CHECK(call("POST", A "/cases", path_of) == 409, "once at a time");
    check_rule_asks(&risk);
}

int main(void)
{
    uint32_t a, b;

    world_init(&w, 1);
    tenant("acme", "Acme Networks");
    tenant("corvane", "Corvane");
    check_opening();
    check_sites(1);
    check_plans(1);
    check_clocks(1);
    check_record(1);
    a = open_case(A, QUAKE);
    b = open_case(B, QUAKE);
    check_link(a);
    check_wrong_links(a);
    check_throttle(a);
    check_sharing(a, b);
    check_silence(a);
    put_network("acme");
    a = open_case(A, QUAKE);
    check_contacts(a);
    check_compare(a);
    check_exercise();
    check_notices(a);
    check_case_rules();
    check_by_rule();
    world_done(&w);
    return tap_done();
}
