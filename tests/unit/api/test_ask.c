/* Requests that wait for other roles: capabilities, queries, purges, certificates, losses. */
#include <string.h>

#include "harness.h"
#include "logs/query.h"
#include "tap.h"
#include "trust/cap.h"

#define T "/api/v1/tenants"

static void fail_with(struct world *w, int code, const char *text)
{
    struct fl_msg_fail fail = {.code = code, .text = fl_span_str(text)};

    world_answer(w, FL_MSG_FAIL, &fail);
}

static void give_cap(struct world *w)
{
    struct fl_msg_cap cap = {.cap = FL_SPAN("capability")};

    world_answer(w, FL_MSG_CAP, &cap);
}

/* The message before the newest one (a credit follows each query). */
static const struct sent *sent_before(const struct world *w)
{
    return &w->sent[(w->sent_count + SENT_MAX - 2) % SENT_MAX];
}

static void check_grant(struct world *w)
{
    CHECK(world_call(w, "GET", T "/acme/logs/top?by=app", "") == 0 &&
              world_last(w)->to == FL_ROLE_KEYS && world_last(w)->type == FL_MSG_CAP_ASK,
          "a question asks keys for a capability");
    fail_with(w, FL_E_DENIED, "no grant");
    CHECK(w->status == 403 && world_has(w, "fairlead tenant set acme --local-access 8h") &&
              world_has(w, "\"code\":\"no_grant\""),
          "a refusal tells how the grant is given");
    CHECK(world_call(w, "POST", T "/acme/local-access", "{\"hours\":8}") == 0 &&
              world_last(w)->type == FL_MSG_GRANT,
          "local access asks keys");
    world_answer(w, FL_MSG_DONE, NULL);
    CHECK(w->status == 200 && world_has(w, "\"local_access_until\":\"2026-"), "local access is on");
    CHECK(world_call(w, "POST", T "/acme/local-access", "{\"hours\":0}") == 0, "taking it back");
    world_answer(w, FL_MSG_DONE, NULL);
    CHECK(w->status == 200 && world_has(w, "\"local_access_until\":null"), "local access is off");
}

static void check_query(struct world *w)
{
    struct fl_msg_result result = {FL_SPAN("{\"items\":[]}")};
    struct fl_msg_query_end end = {
        .rows_scanned = 10, .partial = 1, .text = FL_SPAN("out of time"), .cursor = FL_SPAN("c")};
    struct fl_msg_query q;
    struct fl_msg_credit credit;
    struct sent query;

    (void)world_call(w, "GET", T "/acme/logs/rows?where=app%3Ayou+tube&limit=7&cursor=x", "");
    give_cap(w);
    query = *sent_before(w);
    CHECK(query.type == FL_MSG_QUERY && world_last(w)->type == FL_MSG_CREDIT &&
              fl_msg_decode(FL_MSG_QUERY, fl_buf_span(&query.payload), &q, NULL) == 0,
          "the capability goes to store with the question, and credit");
    CHECK(q.kind == FL_Q_LATEST && q.limit == 7 && fl_span_eq(q.filter, FL_SPAN("app:you tube")) &&
              fl_span_eq(q.cap, FL_SPAN("capability")) && q.to_us - q.from_us == 86400000000,
          "the question is what was asked");
    world_answer(w, FL_MSG_RESULT, &result);
    CHECK(w->status == 200 && strcmp(w->type, "application/x-ndjson") == 0 && w->ends == 0,
          "rows go on as they come");
    fl_req_taken(w->req, 12);
    CHECK(world_last(w)->type == FL_MSG_CREDIT && world_last(w)->id == query.id &&
              fl_msg_decode(FL_MSG_CREDIT, fl_buf_span(&world_last(w)->payload), &credit, NULL) ==
                  0 &&
              credit.bytes == 12,
          "what the caller took is given back as credit");
    world_answer(w, FL_MSG_QUERY_END, &end);
    CHECK(w->ends == 1 && w->trailer.len > 0 &&
              memmem(w->trailer.ptr, w->trailer.len, "\"partial\":true", 14) != NULL &&
              memmem(w->trailer.ptr, w->trailer.len, "out of time", 11) != NULL,
          "the trailer tells that it is partial, and why");
}

static void check_query_ends(struct world *w)
{
    struct fl_msg_result result = {FL_SPAN("row\n")};
    struct fl_msg_query_end bad = {.code = FL_E_INVAL, .text = FL_SPAN("column 3: no field")};
    size_t before;

    (void)world_call(w, "GET", T "/acme/logs/count", "");
    give_cap(w);
    world_answer(w, FL_MSG_QUERY_END, &bad);
    CHECK(w->status == 422 && world_has(w, "column 3: no field"), "a wrong filter is the caller's");

    (void)world_call(w, "GET", T "/acme/logs/tail", "");
    give_cap(w);
    fl_req_free(w->req);
    w->req = NULL;
    CHECK(world_last(w)->type == FL_MSG_CANCEL, "a caller who goes cancels the query");

    (void)world_call(w, "GET", T "/acme/logs/export", "");
    give_cap(w);
    world_answer(w, FL_MSG_RESULT, &result);
    before = w->sent_count;
    fl_api_lost(w->api, FL_ROLE_STORE);
    CHECK(w->status == 200 && w->ends == 1 &&
              memmem(w->trailer.ptr, w->trailer.len, "\"partial\":true", 14) != NULL,
          "store lost amid the rows: the answer ends and says that it is partial");
    fl_req_free(w->req);
    w->req = NULL;
    CHECK(w->sent_count == before, "nobody is told to cancel what is over");
}

static void check_losses(struct world *w)
{
    (void)world_call(w, "GET", T "/acme/logs/top", "");
    fl_api_lost(w->api, FL_ROLE_KEYS);
    CHECK(w->status == 503 && world_has(w, "the keys role does not answer"), "keys lost: 503");
    (void)world_call(w, "GET", T "/acme/logs/top", "");
    give_cap(w);
    fl_api_lost(w->api, FL_ROLE_STORE);
    CHECK(w->status == 503 && world_has(w, "the store role does not answer"),
          "store lost before a row: 503");
    w->down = 1u << FL_ROLE_KEYS;
    CHECK(world_call(w, "GET", T "/acme/logs/top", "") == 503, "keys away: 503 at once");
    CHECK(world_call(w, "GET", T, "") == 200, "the rest works");
    w->down = 0;
    CHECK(world_call(w, "GET", T "/acme/logs/top", "") == 0, "keys back: it goes on");
    CHECK(!fl_api_message(w->api, FL_ROLE_STORE, FL_MSG_DONE, 1, FL_SPAN("")) &&
              fl_api_message(w->api, FL_ROLE_STORE, FL_MSG_DONE, FL_API_ID_FIRST, FL_SPAN("")),
          "late answers are taken and dropped; others are not ours");
}

static void check_purge(struct world *w)
{
    struct fl_msg_purged purged = {
        .rows = 591, .files = 4, .keys = 4, .root_kind = FL_SPAN("file")};
    struct fl_msg_purge p;
    struct fl_msg_cap_ask ask;

    (void)world_call(w, "POST", T "/acme/logs/purge",
                     "{\"from_day\":\"2026-11-01\",\"to_day\":\"2026-11-02\",\"dry_run\":true}");
    (void)!fl_msg_decode(FL_MSG_CAP_ASK, fl_buf_span(&world_last(w)->payload), &ask, NULL);
    CHECK(ask.scope == FL_CAP_READ, "a dry run asks to read only");
    give_cap(w);
    (void)!fl_msg_decode(FL_MSG_PURGE, fl_buf_span(&world_last(w)->payload), &p, NULL);
    CHECK(p.dry == 1 && p.from_day == 20758 && p.to_day == 20759, "days and dry run");
    world_answer(w, FL_MSG_PURGED, &purged);
    CHECK(w->status == 200 && world_has(w, "\"rows\":591") && world_has(w, "\"dry_run\":true"),
          "what a purge would do");
    (void)world_call(w, "DELETE", T "/acme?confirm=acme", "");
    give_cap(w);
    (void)!fl_msg_decode(FL_MSG_PURGE, fl_buf_span(&world_last(w)->payload), &p, NULL);
    CHECK(p.from_day == INT32_MIN && p.to_day == INT32_MAX && p.dry == 0,
          "removing a tenant purges it whole first");
    fail_with(w, FL_E_IO, "disk");
    CHECK(w->status == 500 && world_call(w, "GET", T "/acme/sites", "") == 200,
          "a purge that fails leaves the tenant");
    (void)world_call(w, "DELETE", T "/acme?confirm=acme", "");
    give_cap(w);
    world_answer(w, FL_MSG_PURGED, &purged);
    CHECK(w->status == 200 && world_has(w, "\"removed\":\"acme\"") &&
              world_call(w, "GET", T "/acme", "") == 404,
          "then the tenant goes");
}

static void check_status(struct world *w)
{
    struct fl_msg_device_stat stat = {
        .tenant = 1, .device = FL_SPAN("fw1"), .boot = 1, .lines = 10, .accepted = 7, .open = 1};

    (void)world_call(w, "POST", T "/acme/sites", "{\"slug\":\"s\"}");
    (void)world_call(w, "POST", T "/acme/devices", "{\"slug\":\"fw1\",\"site\":\"s\"}");
    fl_live_stat(w->live, &stat);
    w->down = 1u << FL_ROLE_STORE | 1u << FL_ROLE_KEYS | 1u << FL_ROLE_SUPERVISOR;
    CHECK(world_call(w, "GET", "/api/v1/instance/status", "") == 200 &&
              world_has(w, "\"devices_open\":1") && world_has(w, "\"in_flight\":3") &&
              world_has(w, "\"data\":null"),
          "status shows devices and what is in flight, store or not");
    w->down = 0;
    CHECK(world_call(w, "GET", "/api/v1/instance/store", "") == 0, "store statistics ask store");
    fl_api_lost(w->api, FL_ROLE_STORE);
    CHECK(w->status == 503, "store statistics without store: 503");
}

int main(void)
{
    struct world w;

    world_init(&w, 1);
    (void)world_call(&w, "POST", T, "{\"slug\":\"acme\"}");
    check_grant(&w);
    check_query(&w);
    check_query_ends(&w);
    check_losses(&w);
    check_status(&w);
    check_purge(&w);
    world_done(&w);
    return tap_done();
}
