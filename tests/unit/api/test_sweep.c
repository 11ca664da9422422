/*
 * Every route with every role: the answer is what the table of roles says. A route that is added
 * without a right that means something fails here; so does a gate that lets through more, or less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "db/db_people.h"
#include "fake_keys.h"
#include "tap.h"

#define OWN   "own-tenant"
#define OTHER "other-tenant"

static struct world w;
static struct fake_keys keys;
static struct fl_err err;
static uint32_t own, other;

static uint32_t tenant(const char *slug)
{
    struct fl_tenant t = {.keep_days = 7, .created_us = 5};

    (void)snprintf(t.slug, sizeof t.slug, "%s", slug);
    (void)snprintf(t.name, sizeof t.name, "%s", slug);
    if (fl_db_tenant_add(w.db, &t, &err) < 0)
        abort();
    return t.id;
}

static uint32_t user(uint32_t of, const char *name, const char *roles, bool disabled)
{
    struct fl_user u = {.tenant = of, .totp_required = true, .disabled = disabled};

    (void)snprintf(u.name, sizeof u.name, "%s", name);
    (void)snprintf(u.display_name, sizeof u.display_name, "%s", name);
    (void)snprintf(u.roles, sizeof u.roles, "%s", roles);
    if (fl_db_user_add(w.db, &u, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return u.id;
}

static void custom(uint32_t of, const char *name, const char *rights)
{
    struct fl_role_row role = {.tenant = of};

    (void)snprintf(role.name, sizeof role.name, "%s", name);
    (void)snprintf(role.rights, sizeof role.rights, "%s", rights);
    if (fl_db_role_add(w.db, &role, &err) < 0)
        abort();
}

/* ---- what is expected: from the texts of the roles, not from the code that reads them ---- */

/* Is "object:...verb..." in the text of the rights? */
static int text_gives(const char *rights, enum fl_object object, enum fl_verb verb)
{
    char name[40], want[20];
    const char *at = rights, *end;

    (void)snprintf(name, sizeof name, "%s:", fl_object_name(object));
    (void)snprintf(want, sizeof want, "%s", fl_verb_name(verb));
    while ((at = strstr(at, name)) != NULL && at != rights && at[-1] != ' ')
        at++;
    if (at == NULL)
        return 0;
    at += strlen(name);
    end = at + strcspn(at, " ");
    while (at < end) {
        size_t len = strcspn(at, ", ");

        if (len == strlen(want) && strncmp(at, want, len) == 0)
            return 1;
        at += len + (at[len] == ',');
    }
    return 0;
}

enum grant { GRANT_NONE, GRANT_NETWORK, GRANT_DATA, GRANT_SUPPORT, GRANTS };

static const char *const grant_names[GRANTS] = {"no grant", "network", "network with data",
                                                "support"};

struct who {
    const char *name, *token, *rights; /* rights NULL: nobody that may sign in */
    uint32_t of;
};

static int begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* 0: it gets through to the handler. */
static int expected(const struct fl_route *route, const struct who *who, uint32_t path_tenant,
                    enum grant grant)
{
    enum fl_reach reach = fl_object_reach(route->object);
    int open = grant == GRANT_DATA || grant == GRANT_SUPPORT;

    if (route->object == FL_OBJECT_OPEN)
        return 0;
    if (who->rights == NULL)
        return 401;
    if (who->of != 0 && begins(route->path, "/api/v1/instance"))
        return 403;
    if (who->of != 0 && begins(route->path, "/api/v1/tenants/{t}") && path_tenant != who->of)
        return 404;
    if (route->object < FL_OBJECT_FIRST)
        return 0;
    if (!text_gives(who->rights, route->object, route->verb))
        return 403;
    if (who->of != 0 || !begins(route->path, "/api/v1/tenants/{t}") || reach == FL_REACH_FREE)
        return 0;
    if (reach == FL_REACH_SETUP)
        return grant == GRANT_NONE ? 403 : 0;
    return open ? 0 : 403;
}

/* The route's path with the tenant; nothing else that it names is there. */
static void fill(const char *pattern, const char *slug, char ret[200])
{
    size_t at = 0;

    while (*pattern != '\0' && at < 190) {
        if (*pattern != '{') {
            ret[at++] = *pattern++;
            continue;
        }
        at += (size_t)snprintf(ret + at, 200 - at, "%s", pattern[1] == 't' ? slug : "999999");
        pattern += strcspn(pattern, "}") + 1;
    }
    ret[at] = '\0';
}

static int answers_as(int status, int want, const struct fl_route *route, const struct who *who)
{
    int steps = route->object == FL_OBJECT_STEP || route->object == FL_OBJECT_SELF;

    if (want != 0)
        return status == want && w.heads == 1 && w.ends == 1;
    if (status == 403 && steps && begins(who->token, "flt_"))
        return world_has(&w, "\"refused\""); /* a token has no steps of signing in */
    if (status == 403 && route->object == FL_OBJECT_PERSONAL && begins(who->token, "flt_"))
        return world_has(&w, "\"refused\"");
    return status != 401 && status != 403 && (status == 0 || w.ends == 1);
}

static unsigned asked;

/* All routes by one, in one tenant: how many answer otherwise than the table says. */
static unsigned sweep(const struct who *who, const char *slug, uint32_t path_tenant,
                      enum grant grant)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < fl_routes_count; i++) {
        const struct fl_route *route = &fl_routes[i];
        char path[200];
        int want = expected(route, who, path_tenant, grant), status;

        if (path_tenant != own && !begins(route->path, "/api/v1/tenants/{t}"))
            continue; /* asked already */
        fill(route->path, slug, path);
        status = fake_ask(&keys, &w, who->token, "", route->method, path, "");
        asked++;
        if (answers_as(status, want, route, who))
            continue;
        wrong++;
        printf("# %s, %s: %s %s: %d, not %d: %.*s\n", who->name, grant_names[grant], route->method,
               path, status, want, (int)(w.body.len < 200 ? w.body.len : 200),
               (const char *)w.body.ptr);
    }
    return wrong;
}

static void set_grant(enum grant grant)
{
    struct fl_grant g = {.tenant = own,
                         .kind = grant == GRANT_SUPPORT ? FL_TENANT_GRANT_SUPPORT
                                                        : FL_TENANT_GRANT_NETWORK,
                         .data = grant == GRANT_DATA || grant == GRANT_SUPPORT,
                         .until_us = INT64_MAX,
                         .reason = "a test",
                         .created_us = 1};
    static uint32_t last;

    if (last != 0 && fl_db_grant_end(w.db, own, last, 2, &err) < 0)
        abort();
    last = 0;
    if (grant == GRANT_NONE)
        return;
    if (grant == GRANT_SUPPORT)
        g.until_us = INT64_C(1795000001000000); /* a second ahead */
    if (fl_db_grant_add(w.db, &g, &err) < 0)
        abort();
    last = g.id;
}

static void check_builtin(const struct fl_role_builtin *role)
{
    char name[120], token[32];
    uint32_t of = role->of_tenant ? own : 0;
    struct who who = {role->name, token, role->rights, of};

    (void)snprintf(token, sizeof token, "t-%s", role->name);
    (void)snprintf(name, sizeof name, "user-%s", role->name);
    (void)fake_session_add(&keys, token, user(of, name, role->name, false), of);
    for (int grant = 0; grant < GRANTS; grant++) {
        set_grant((enum grant)grant);
        (void)snprintf(name, sizeof name, "%s, %s: each route as the table says", role->name,
                       grant_names[grant]);
        CHECK(sweep(&who, OWN, own, (enum grant)grant) == 0, name);
    }
    if (role->of_tenant) {
        (void)snprintf(name, sizeof name, "%s: another tenant's routes are not there", role->name);
        CHECK(sweep(&who, OTHER, other, GRANT_NONE) == 0, name);
        (void)snprintf(name, sizeof name, "%s: nor those of a tenant that is none", role->name);
        CHECK(sweep(&who, "no-tenant", 99, GRANT_NONE) == 0, name);
    }
}

static void check_others(void)
{
    static const char few[] = "sites:read,set devices:read";
    struct who rows[] = {
        {"nobody", "", NULL, 0},
        {"a cookie that is none", "made-up", NULL, 0},
        {"a token that is none", "flt_made-up", NULL, 0},
        {"a disabled user", "t-disabled", NULL, own},
        {"a user that is gone", "t-gone", NULL, own},
        {"a custom role of a tenant", "t-custom", few, own},
        {"a custom role of the operator", "t-staff", few, 0},
        {"a token of an administrator with less", "flt_viewer", NULL, own},
        {"a token without its row", "flt_orphan", NULL, own},
        {"a token with more than its owner", "flt_more", few, own},
    };
    uint32_t admin, custom_user;
    char name[120];

    custom(own, "few", few);
    custom(0, "few", few);
    (void)fake_session_add(&keys, "t-disabled", user(own, "left", "tenant-admin", true), own);
    (void)fake_session_add(&keys, "t-gone", 4711, own);
    custom_user = user(own, "custom", "few", false);
    (void)fake_session_add(&keys, "t-custom", custom_user, own);
    (void)fake_session_add(&keys, "t-staff", user(0, "staff", "few", false), 0);
    admin = user(own, "token-admin", "tenant-admin", false);
    (void)fake_session_add(&keys, "flt_viewer", admin, own);
    (void)fake_session_add(&keys, "flt_orphan", admin, own);
    (void)fake_session_add(&keys, "flt_more", custom_user, own);
    for (size_t i = 0; i < keys.sessions; i++) {
        struct fl_token token = {.tenant = own,
                                 .user = keys.session[i].user,
                                 .number = keys.session[i].number,
                                 .until_us = INT64_MAX};
        bool more = strcmp(keys.session[i].token, "flt_more") == 0;

        if (!more && strcmp(keys.session[i].token, "flt_viewer") != 0)
            continue;
        (void)snprintf(token.name, sizeof token.name, "token%zu", i);
        (void)snprintf(token.roles, sizeof token.roles, "%s", more ? "tenant-admin" : "viewer");
        if (fl_db_token_add(w.db, &token, &err) < 0)
            abort();
    }
    rows[7].rights = fl_role_builtin_find(FL_SPAN("viewer"), true)->rights;
    set_grant(GRANT_DATA);
    for (size_t i = 0; i < FL_LEN(rows); i++) {
        (void)snprintf(name, sizeof name, "%s: each route as it should", rows[i].name);
        CHECK(sweep(&rows[i], OWN, own, GRANT_DATA) == 0, name);
    }
}

/* The rows themselves: a right that means something, and what is open to all is named here. */
static void check_rows(void)
{
    for (size_t i = 0; i < fl_routes_count; i++) {
        const struct fl_route *r = &fl_routes[i];
        char name[160];

        (void)snprintf(name, sizeof name, "%s %s names a right", r->method, r->path);
        if (r->object == FL_OBJECT_OPEN)
            CHECK((strcmp(r->path, "/api/v1/session") == 0 && strcmp(r->method, "POST") == 0) ||
                      strcmp(r->path, "/api/v1/answers/{k}") == 0,
                  name);
        else if (r->object < FL_OBJECT_FIRST)
            CHECK(begins(r->path, "/api/v1/session"), name);
        else
            CHECK(fl_object_has(r->object, r->verb), name);
    }
}

/* A few that are written down: the table of roles itself may be wrong. */
static void check_written(void)
{
    static const struct {
        const char *token, *method, *path;
        enum grant grant;
        int refused; /* 0: it gets through */
    } rows[] = {
        {"t-viewer", "GET", "/api/v1/tenants/" OWN "/logs/top", GRANT_NONE, 0},
        {"t-viewer", "GET", "/api/v1/tenants/" OWN "/logs/export", GRANT_NONE, 403},
        {"t-viewer", "POST", "/api/v1/tenants/" OWN "/sites", GRANT_NONE, 403},
        {"t-viewer", "GET", "/api/v1/tenants/" OWN "/users", GRANT_NONE, 403},
        {"t-viewer", "POST", "/api/v1/tenants/" OWN "/reveals", GRANT_NONE, 403},
        {"t-viewer", "GET", "/api/v1/tenants/" OTHER "/logs/top", GRANT_NONE, 404},
        {"t-viewer", "GET", "/api/v1/instance/status", GRANT_NONE, 403},
        {"t-analyst", "POST", "/api/v1/tenants/" OWN "/reveals", GRANT_NONE, 0},
        {"t-analyst", "POST", "/api/v1/tenants/" OWN "/logs/purge", GRANT_NONE, 403},
        {"t-privacy-officer", "POST", "/api/v1/tenants/" OWN "/logs/purge", GRANT_NONE, 0},
        {"t-privacy-officer", "POST", "/api/v1/tenants/" OWN "/users", GRANT_NONE, 403},
        {"t-supply-manager", "GET", "/api/v1/tenants/" OWN "/logs/top", GRANT_NONE, 403},
        {"t-tenant-admin", "POST", "/api/v1/tenants/" OWN "/users", GRANT_NONE, 0},
        {"t-tenant-admin", "DELETE", "/api/v1/tenants/" OWN, GRANT_NONE, 403},
        {"t-tenant-admin", "POST", "/api/v1/tenants", GRANT_NONE, 403},
        {"t-tenant-admin", "POST", "/api/v1/tenants/" OWN "/grants", GRANT_NONE, 0},
        {"t-operator-admin", "POST", "/api/v1/tenants/" OWN "/grants", GRANT_DATA, 403},
        {"t-operator-admin", "GET", "/api/v1/tenants/" OWN "/logs/top", GRANT_DATA, 403},
        {"t-operator-admin", "POST", "/api/v1/tenants", GRANT_NONE, 0},
        {"t-operator-admin", "GET", "/api/v1/tenants/" OWN "/sites", GRANT_NONE, 403},
        {"t-network", "GET", "/api/v1/tenants/" OWN "/sites", GRANT_NETWORK, 0},
        {"t-network", "GET", "/api/v1/tenants/" OWN "/logs/top", GRANT_NETWORK, 403},
        {"t-network", "GET", "/api/v1/tenants/" OWN "/logs/top", GRANT_DATA, 0},
        {"t-support", "GET", "/api/v1/tenants/" OWN "/logs/top", GRANT_NONE, 403},
        {"t-support", "GET", "/api/v1/tenants/" OWN "/logs/top", GRANT_SUPPORT, 0},
        {"t-support", "POST", "/api/v1/tenants/" OWN "/sites", GRANT_SUPPORT, 403},
        {"t-auditor", "GET", "/api/v1/instance/events", GRANT_NONE, 0},
        {"t-auditor", "GET", "/api/v1/tenants/" OWN "/logs/top", GRANT_DATA, 403},
        {"t-auditor", "POST", "/api/v1/instance/users", GRANT_NONE, 403},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        char name[160];
        int status;

        set_grant(rows[i].grant);
        status = fake_ask(&keys, &w, rows[i].token, "", rows[i].method, rows[i].path, "");
        (void)snprintf(name, sizeof name, "%s %s %s, %s", rows[i].token, rows[i].method,
                       rows[i].path, grant_names[rows[i].grant]);
        CHECK(rows[i].refused != 0 ? status == rows[i].refused : status != 401 && status != 403,
              name);
    }
}

int main(void)
{
    world_init(&w, 1);
    own = tenant(OWN);
    other = tenant(OTHER);
    check_rows();
    for (unsigned i = 0; i < fl_roles_builtin_count; i++)
        check_builtin(&fl_roles_builtin[i]);
    check_others();
    check_written();
    printf("# %u requests of %zu routes\n", asked, fl_routes_count);
    world_done(&w);
    return tap_done();
}
