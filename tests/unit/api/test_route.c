#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "harness.h"
#include "tap.h"

#define T "/api/v1/tenants"

static const struct {
    const char *method, *path, *body;
    int status;
    const char *text; /* in the body */
} calls[] = {
    /* paths */
    {"GET", "", "", 404, "no such address"},
    {"GET", "api/v1/tenants", "", 404, "no such address"},
    {"GET", "/", "", 404, "no such address"},
    {"GET", "/api/v1", "", 404, "no such address"},
    {"GET", "/api/v1/tenantsx", "", 404, "no such address"},
    {"GET", T "/", "", 404, "tenant ''"},
    {"GET", T "/a/b/c/d/e/f/g/h/i/j/k/l/m", "", 404, "deep"},
    {"PUT", T, "", 405, "does not take the method PUT"},
    {"GET", T "/%zz", "", 400, "%-encoded"},
    {"GET", T "/a%", "", 400, "%-encoded"},
    {"GET", T "/a%4", "", 400, "%-encoded"},
    {"GET", T "/a%00b", "", 400, "%-encoded"},
    {"GET", T "/no-such", "", 404, "there is no tenant 'no-such'; fairlead tenant list"},
    {"GET", T "/no%2Dsuch", "", 404, "no-such"},
    {"GET", T "/no-such/users", "", 404, "there is no tenant 'no-such'"},
    {"POST", T "/no-such/roles", "{\"name\":\"a\",\"rights\":{}}", 404, "there is no tenant"},
    {"GET", T "/a%2fb", "", 404, "a/b"},
    /* parameters */
    {"GET", T "?limit=0", "", 422, "limit is a number from 1 to 1000"},
    {"GET", T "?limit=x", "", 422, "\"field\":\"limit\""},
    {"GET", T "?limit=1001", "", 422, "limit"},
    {"GET", T "?color=red", "", 400, "no parameter 'color' here; there are limit,after"},
    {"GET", T "?limit=5&limit=%35", "", 200, "\"items\":[]"},
    {"GET", T "?&&", "", 200, "\"total\":0"},
    /* bodies */
    {"POST", T, "", 422, "slug is missing"},
    {"POST", T, "[]", 400, "not a JSON object"},
    {"POST", T, "{", 400, "not JSON: line 1"},
    {"POST", T, "{\"slug\":\"a\",\"slug\":\"b\"}", 400, "not JSON"},
    {"POST", T, "{\"slug\":\"a\",\"sulg\":1}", 422, "no field 'sulg' here; there are slug,name"},
    {"POST", T, "{\"slug\":5}", 422, "slug is a string"},
    {"POST", T, "{\"slug\":\"Not A Slug\"}", 422, "\"code\":\"invalid\""},
    {"POST", T, "{\"slug\":\"a\",\"keep_days\":31}", 422, "keep_days is a number from 1 to 30"},
    {"POST", T, "{\"slug\":\"a\",\"keep_days\":-1}", 422, "\"field\":\"keep_days\""},
    {"POST", T, "{\"slug\":\"a\",\"keep_days\":1.5}", 422, "keep_days"},
    {"POST", T, "{\"slug\":\"a\",\"demo\":1}", 422, "demo is true or false"},
    {"POST", T, "{\"slug\":\"a\\u0000b\"}", 400, "not JSON"},
    {"POST", T, "{\"slug\":\"a\",\"name\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", 400, "deeper"},
    {"GET", T, "{}", 400, "takes no body"},
    /* the life of a tenant */
    {"POST", T, "{\"slug\":\"acme\",\"name\":\"Acme Ltd\",\"keep_days\":14}", 201,
     "\"keep_days\":14"},
    {"POST", T, "{\"slug\":\"acme\"}", 409, "exists"},
    {"GET", T "/acme/sites", "", 200, "\"items\":[]"},
    {"POST", T "/acme/sites", "{\"slug\":\"berlin\",\"country\":\"DE\"}", 201,
     "\"name\":\"berlin\""},
    {"POST", T "/acme/sites", "{\"slug\":\"x\",\"country\":\"XX\"}", 422, "country"},
    {"POST", T "/acme/devices", "{\"slug\":\"fw1\"}", 422, "site is missing"},
    {"POST", T "/acme/devices", "{\"slug\":\"fw1\",\"site\":\"rome\"}", 404, "rome"},
    {"POST", T "/acme/devices", "{\"slug\":\"fw1\",\"site\":\"berlin\"}", 201,
     "\"certificates\":[]"},
    {"GET", T "/acme/devices/fw1", "", 200, "\"lines\":0"},
    {"PATCH", T "/acme/devices/fw1", "{\"relay\":true}", 200, "\"relay\":true"},
    {"PATCH", T "/acme", "{\"quota_bytes\":20000000000}", 200, "\"quota_bytes\":20000000000"},
    {"DELETE", T "/acme/sites/berlin", "", 409, "berlin"},
    {"DELETE", T "/acme/devices/fw1/certificates/12", "", 422, "64 hex digits"},
    {"DELETE", T "/acme/devices/fw1", "", 200, "\"removed\":\"fw1\""},
    {"DELETE", T "/acme/sites/berlin", "", 200, "\"removed\":\"berlin\""},
    {"DELETE", T "/acme", "", 422, "confirm=acme"},
    {"POST", T "/acme/local-access", "{\"hours\":169}", 422, "hours is a number"},
    {"POST", T "/acme/local-access", "{}", 422, "hours is missing"},
    /* questions that are refused before anybody is asked */
    {"GET", T "/acme/logs/top?from=yesterday", "", 422, "RFC 3339"},
    {"GET", T "/acme/logs/top?from=2026-11-21&to=2026-11-20", "", 422, "from must be before to"},
    {"GET", T "/acme/logs/series?step=often", "", 422, "step is a span"},
    {"GET", T "/acme/logs/nothing", "", 404, "no such address"},
    {"POST", T "/acme/logs/purge", "{\"from_day\":\"2026-11-02\",\"to_day\":\"2026-11-01\"}", 422,
     "must not be before"},
    {"POST", T "/acme/logs/purge", "{\"from_day\":\"1st\",\"to_day\":\"2026-11-01\"}", 422,
     "UTC day"},
    {"GET", "/api/v1/instance/events", "", 200, "tenant.add"},
    {"GET", "/api/v1/instance/events?after=0&limit=1", "", 200, "\"next\":\"1\""},
    {"GET", "/api/v1/instance/rogues", "", 200, "\"total\":0"},
};

static void check_calls(struct world *w)
{
    char name[200];

    for (size_t i = 0; i < FL_LEN(calls); i++) {
        int status = world_call(w, calls[i].method, calls[i].path, calls[i].body);

        (void)snprintf(name, sizeof name, "%s %.60s %.60s", calls[i].method, calls[i].path,
                       calls[i].body);
        CHECK(status == calls[i].status && world_has(w, calls[i].text) && w->heads == 1 &&
                  w->ends == 1,
              name);
        if (status != calls[i].status || !world_has(w, calls[i].text))
            printf("# %d %.*s\n", status, (int)w->body.len, (const char *)w->body.ptr);
    }
}

static void check_no_database(void)
{
    struct world w;
    int refused = 1;

    world_init(&w, 0);
    for (size_t i = 0; i < fl_routes_count; i++)
        if (fl_routes[i].needs_db)
            refused = refused &&
                      world_call(&w, fl_routes[i].method, fl_routes[i].path, "") == 503 &&
                      world_has(&w, "control database is not open yet");
    CHECK(refused, "without the database, all that needs it answers 503");
    w.down = ~0u;
    CHECK(world_call(&w, "GET", "/api/v1/instance/status", "") == 200 &&
              world_has(&w, "\"database\":false") &&
              world_has(&w, "the store role does not answer"),
          "status answers with nobody there");
    world_done(&w);
}

static void check_limits(struct world *w)
{
    char *big = malloc(FL_API_BODY_MAX + 2), *path = malloc(FL_API_PATH_MAX + 2);
    char params[600] = "/api/v1/tenants?limit=1";

    memset(big, ' ', FL_API_BODY_MAX + 1);
    big[FL_API_BODY_MAX + 1] = '\0';
    CHECK(world_call(w, "POST", T, big) == 413, "a body over the limit");
    memset(path, '/', FL_API_PATH_MAX + 1);
    path[FL_API_PATH_MAX + 1] = '\0';
    CHECK(world_call(w, "GET", path, "") == 414, "a path over the limit");
    for (int i = 0; i < 32; i++)
        (void)snprintf(params + strlen(params), 20, "&limit=%d", i + 1);
    CHECK(world_call(w, "GET", params, "") == 400 && world_has(w, "more than 32"),
          "parameters over the limit");
    free(big);
    free(path);
}

int main(void)
{
    struct world w;

    world_init(&w, 1);
    check_calls(&w);
    check_limits(&w);
    CHECK((w.changed & FL_CHANGED_SENDERS) != 0 && (w.changed & FL_CHANGED_RULES) != 0,
          "ingest and store are told of changes");
    world_done(&w);
    check_no_database();
    CHECK(fl_route_listed("a,bc,d", FL_SPAN("bc")) && !fl_route_listed("a,bc,d", FL_SPAN("b")) &&
              !fl_route_listed(NULL, FL_SPAN("b")) && !fl_route_listed("a", FL_SPAN("")),
          "comma lists");
    return tap_done();
}
