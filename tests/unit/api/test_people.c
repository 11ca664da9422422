/* Signing in, users, roles, tokens, grants and what protects their requests, against a fake keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "db/db_people.h"
#include "fake_keys.h"
#include "tap.h"
#include "trust/accounts.h"

#define T "/api/v1/tenants"
#define A T "/acme"
#define I "/api/v1/instance"
#define S "/api/v1/session"

static struct world w;
static struct fake_keys keys;
static struct fl_err err;

static int ask(const char *token, const char *method, const char *path, const char *body)
{
    return fake_ask(&keys, &w, token, "", method, path, body);
}

/* As the operator at the machine. */
static int local(const char *method, const char *path, const char *body)
{
    (void)world_call(&w, method, path, body);
    fake_pump(&keys, &w);
    return w.ends > 0 ? w.status : 0;
}

static bool header(const char *text)
{
    return w.headers.len > 0 && memmem(w.headers.ptr, w.headers.len, text, strlen(text)) != NULL;
}

static void show(const char *what)
{
    printf("# %s: %d %.*s\n", what, w.status, (int)(w.body.len < 600 ? w.body.len : 600),
           (const char *)w.body.ptr);
}

static void etag(char ret[80])
{
    const unsigned char *at = memmem(w.headers.ptr, w.headers.len, "ETag: ", 6), *end;

    ret[0] = '\0';
    if (at == NULL)
        return;
    end = memchr(at, '\n', w.headers.len - (size_t)(at - w.headers.ptr));
    (void)snprintf(ret, 80, "%.*s", (int)(end - at - 6), (const char *)at + 6);
}

static uint32_t id_of(uint32_t tenant, const char *name)
{
    struct fl_user user;

    return fl_db_user_get(w.db, tenant, name, &user, &err) < 0 ? 0 : user.id;
}

static uint32_t acme(void)
{
    struct fl_tenant t;

    return fl_db_tenant_get(w.db, "acme", &t, &err) < 0 ? 0 : t.id;
}

static void check_first(void)
{
    CHECK(local("POST", I "/users", "{\"name\":\"admin\",\"roles\":[\"operator-admin\"]}") == 201 &&
              world_has(&w, "\"password\":\"Temporary-Pass-1\"") &&
              world_has(&w, "\"totp_required\":true") && header("no-store"),
          "the first administrator is made at the machine, the password shown once");
    CHECK(keys.last_set.by == 0 && keys.last_set.by_uid == 1000 && keys.last_set.tenant == 0 &&
              keys.last_set.scope == FL_SCOPE_ALL,
          "keys is told what the account may, and who says so");
    CHECK(local("POST", I "/users", "{\"name\":\"admin\",\"roles\":[\"auditor\"]}") == 409,
          "a name is there once");
    CHECK(local("POST", I "/users", "{\"name\":\"Anna B\",\"roles\":[\"auditor\"]}") == 422 &&
              world_has(&w, "begins with a letter"),
          "a name that is none");
    CHECK(local("POST", I "/users", "{\"name\":\"x\",\"roles\":[\"viewer\"]}") == 422 &&
              world_has(&w, "no role 'viewer' here"),
          "a tenant's role is none of the staff's");
    CHECK(local("POST", I "/users",
                "{\"name\":\"x\",\"roles\":[\"auditor\"],\"totp_required\":false}") == 422 &&
              world_has(&w, "second factor"),
          "staff has a second factor");
    CHECK(local("DELETE", I "/users/admin", "") == 409 && world_has(&w, "last_admin"),
          "the last administrator stays");
    CHECK(local("PATCH", I "/users/admin", "{\"disabled\":true}") == 409 &&
              local("PATCH", I "/users/admin", "{\"roles\":[\"auditor\"]}") == 409,
          "... and may not be disabled or lose the role");
    keys.refuse = FL_MSG_ACCOUNT_SET;
    keys.refuse_code = FL_E_DENIED;
    CHECK(local("POST", I "/users", "{\"name\":\"y\",\"roles\":[\"auditor\"]}") == 403 &&
              id_of(0, "y") == 0,
          "what keys refuses is not stored");
    keys.refuse = FL_MSG_ACCOUNT_RESET;
    CHECK(local("POST", I "/users", "{\"name\":\"y\",\"roles\":[\"auditor\"]}") == 403 &&
              id_of(0, "y") == 0 && keys.accounts == 1,
          "... nor the account that got no password, here and there");
    keys.refuse = 0;
}

static void check_sign_in(void)
{
    struct fake_session *s;

    CHECK(ask("", "GET", S, "") == 401 && world_has(&w, "\"code\":\"sign_in\""),
          "nobody is signed in");
    CHECK(ask("", "POST", S, "{\"user\":\"admin\",\"password\":\"wrong\"}") == 401 &&
              world_has(&w, "name or password is wrong"),
          "a wrong password");
    CHECK(ask("", "POST", S, "{\"user\":\"nobody\",\"password\":\"right\"}") == 401 &&
              world_has(&w, "name or password is wrong") && keys.seen[FL_MSG_SIGN_IN] == 2,
          "a name that is none: keys is asked all the same, the answer is the same");
    CHECK(ask("", "POST", S, "{\"user\":\"admin@acme\",\"password\":\"right\"}") == 401,
          "a tenant that is none");
    CHECK(ask("", "POST", S, "{\"user\":\"admin\"}") == 422 && world_has(&w, "password is missing"),
          "no password");
    CHECK(fake_ask(&keys, &w, "", "sec-fetch-site: cross-site\n", "POST", S,
                   "{\"user\":\"admin\",\"password\":\"right\"}") == 403 &&
              world_has(&w, "csrf"),
          "another web site does not sign anybody in");
    keys.refuse = FL_MSG_SIGN_IN;
    keys.refuse_code = FL_E_AGAIN;
    CHECK(ask("", "POST", S, "{\"user\":\"admin\",\"password\":\"right\"}") == 429 &&
              header("Retry-After: 3"),
          "too many at once: come again");
    keys.refuse = 0;
    CHECK(ask("", "POST", S, "{\"user\":\"admin\",\"password\":\"right\"}") == 200 &&
              world_has(&w, "\"stage\":\"open\"") && world_has(&w, "\"sign_in\":\"admin\"") &&
              header("Set-Cookie: __Host-fairlead=signed-in; Path=/; Secure; HttpOnly; "
                     "SameSite=Lax\n"),
          "signed in");
    CHECK(ask("signed-in", "GET", S, "") == 200 && world_has(&w, FAKE_CSRF) &&
              world_has(&w, "\"rights\":{\"health\":[\"read\"]") && !header("Set-Cookie"),
          "a session says who, what and how long");
    s = &keys.session[keys.sessions - 1];
    s->stage = FL_STAGE_PASSWORD;
    CHECK(ask("signed-in", "GET", S, "") == 200 && world_has(&w, "\"stage\":\"password\"") &&
              !world_has(&w, "rights"),
          "a session that is not open says what is due, and no more");
    CHECK(ask("signed-in", "GET", I "/users", "") == 403 && world_has(&w, "stage_password"),
          "... and does nothing else");
    CHECK(ask("signed-in", "POST", S "/active", "{}") == 403, "... nor stays awake");
    keys.refuse = FL_MSG_SESSION_PASSWORD;
    keys.refuse_code = FL_E_INVAL;
    CHECK(ask("signed-in", "POST", S "/password", "{\"old\":\"a\",\"new\":\"b\"}") == 422 &&
              world_has(&w, "\"field\":\"new\""),
          "a password against the rules names its field");
    keys.refuse = 0;
    s->stage = FL_STAGE_OPEN;
    CHECK(ask("signed-in", "POST", S "/enrol", "{}") == 200 &&
              world_has(&w, "otpauth://totp/Fairlead:admin?secret=JBSWY3DPEHPK3PXP"),
          "a second factor begins with its secret");
    CHECK(ask("signed-in", "GET", S "/list", "") == 200 && world_has(&w, "\"current\":true"),
          "the list of one's own sessions");
    CHECK(ask("signed-in", "DELETE", S "/list/4711", "") == 404, "another's session is not there");
    CHECK(ask("signed-in", "DELETE", S, "") == 200 && header("Clear-Site-Data") &&
              header("Max-Age=0"),
          "signed out, and the browser forgets");
}

static void check_csrf(void)
{
    struct fl_call call = {.cookie = FL_SPAN("signed-in")};
    const char *body = "{\"slug\":\"x\"}";

    (void)world_ask(&w, &call, "POST", T, body);
    fake_pump(&keys, &w);
    CHECK(w.status == 403 && world_has(&w, "X-CSRF-Token"), "a change without the CSRF header");
    call.headers = FL_SPAN("x-csrf-token: csrf-of-the-sessioN\n");
    (void)world_ask(&w, &call, "POST", T, body);
    fake_pump(&keys, &w);
    CHECK(w.status == 403, "... with another one");
    call.headers = FL_SPAN("x-csrf-token:\n");
    (void)world_ask(&w, &call, "POST", T, body);
    fake_pump(&keys, &w);
    CHECK(w.status == 403, "... with an empty one");
    CHECK(fake_ask(&keys, &w, "signed-in", "sec-fetch-site: cross-site\n", "POST", T, body) == 403,
          "... from another web site");
    CHECK(fake_ask(&keys, &w, "signed-in", "sec-fetch-site: same-site\n", "POST", T, body) == 403,
          "... from a neighbour's");
    call.headers = FL_SPAN("");
    (void)world_ask(&w, &call, "GET", T, "");
    fake_pump(&keys, &w);
    CHECK(w.status == 200 && keys.last_active == 0, "reading needs none, and is no activity");
    CHECK(fake_ask(&keys, &w, "signed-in", "fairlead-activity: user\n", "GET", T, "") == 200 &&
              keys.last_active == 1,
          "what a person does moves the idle clock");
    call.cookie = FL_SPAN("");
    call.bearer = FL_SPAN("signed-in");
    (void)world_ask(&w, &call, "GET", T, "");
    fake_pump(&keys, &w);
    CHECK(w.status == 401, "a cookie's session is none as a bearer token");
}

static void check_tenants(void)
{
    CHECK(ask("signed-in", "POST", T, "{\"slug\":\"acme\",\"name\":\"Acme\"}") == 201, "a tenant");
    fl_api_people_check(w.api);
    fake_pump(&keys, &w);
    CHECK(keys.seen[FL_MSG_TENANT_GRANT] == 2, "keys hears of its grants");
    CHECK(ask("signed-in", "GET", A "/grants", "") == 200 && world_has(&w, "\"total\":1") &&
              world_has(&w, "\"kind\":\"network\",\"data\":false,\"living\":true") &&
              world_has(&w, "\"given_by\":\"admin\""),
          "it lets the operator set it up, from the start, and sees that");
    CHECK(ask("signed-in", "POST", A "/users",
              "{\"name\":\"boss\",\"roles\":[\"tenant-admin\"],\"display_name\":\"Bo Ss\"}") ==
                  201 &&
              world_has(&w, "\"sign_in\":\"boss@acme\"") && keys.last_set.by >= 100,
          "the operator makes the tenant's first administrator");
    (void)fake_session_add(&keys, "boss", id_of(acme(), "boss"), acme());
    CHECK(ask("boss", "GET", S, "") == 200 && world_has(&w, "\"tenant\":\"acme\""), "who can look");
    CHECK(ask("boss", "GET", T, "") == 200 && world_has(&w, "\"total\":1") && world_has(&w, "acme"),
          "a tenant sees itself among the tenants");
    CHECK(ask("boss", "PATCH", A, "{\"keep_days\":3}") == 200 && header("ETag"),
          "it decides how long logs are kept");
    CHECK(ask("boss", "PATCH", A, "{\"quota_bytes\":0}") == 403 &&
              world_has(&w, "\"field\":\"quota_bytes\""),
          "... but not its quota");
}

static void check_users(void)
{
    char tag[80], match[100];

    CHECK(ask("boss", "POST", A "/departments", "{\"slug\":\"it\",\"name\":\"IT\"}") == 201,
          "a department");
    CHECK(ask("boss", "POST", A "/users",
              "{\"name\":\"anna\",\"roles\":[\"viewer\"],\"department\":\"it\","
              "\"email\":\"anna@example.org\"}") == 201,
          "a user of a tenant");
    CHECK(keys.last_set.scope == FL_CAP_READ && keys.last_set.totp_required == 0,
          "a viewer's account may read");
    CHECK(ask("boss", "POST", A "/users",
              "{\"name\":\"b\",\"roles\":[\"viewer\"],\"department\":\"hr\"}") == 422 &&
              world_has(&w, "no department 'hr'"),
          "a department that is none");
    CHECK(ask("boss", "POST", A "/users", "{\"name\":\"b\",\"roles\":[]}") == 422 &&
              ask("boss", "POST", A "/users", "{\"name\":\"b\"}") == 422 &&
              ask("boss", "POST", A "/users", "{\"name\":\"b\",\"roles\":\"viewer\"}") == 422 &&
              ask("boss", "POST", A "/users",
                  "{\"name\":\"b\",\"roles\":[\"viewer\",\"viewer\"]}") == 422 &&
              ask("boss", "POST", A "/users",
                  "{\"name\":\"b\",\"roles\":[\"viewer\"],\"email\":\"b\"}") == 422,
          "roles and addresses that are none");
    CHECK(ask("boss", "DELETE", A "/departments/it", "") == 409 &&
              world_has(&w, "1 users belong to"),
          "a department with people stays");
    CHECK(ask("boss", "GET", A "/users", "") == 200 && world_has(&w, "\"total\":2"), "the list");
    CHECK(ask("boss", "GET", A "/users?limit=1", "") == 200 && world_has(&w, "\"next\":\"anna\""),
          "page by page");
    CHECK(ask("boss", "GET", A "/users/anna", "") == 200 && world_has(&w, "\"sessions\":0"),
          "one user");
    etag(tag);
    (void)snprintf(match, sizeof match, "if-match: %s\n", tag);
    CHECK(tag[0] == '"' && fake_ask(&keys, &w, "boss", match, "PATCH", A "/users/anna",
                                    "{\"display_name\":\"Anna\"}") == 200,
          "a change of what was read");
    etag(tag);
    CHECK(fake_ask(&keys, &w, "boss", match, "PATCH", A "/users/anna",
                   "{\"display_name\":\"Anne\"}") == 412,
          "a change of what is not so any more");
    (void)snprintf(match, sizeof match, "if-match: %s\n", tag);
    CHECK(fake_ask(&keys, &w, "boss", match, "PATCH", A "/users/anna",
                   "{\"roles\":[\"analyst\"]}") == 200 &&
              keys.last_set.scope == (FL_CAP_READ | FL_CAP_EXPORT | FL_CAP_REVEAL),
          "the answer of a change has the next ETag; another role, another scope");
    CHECK(ask("boss", "POST", A "/users/anna/reset", "{\"what\":[\"password\",\"totp\"]}") == 200 &&
              world_has(&w, "Temporary-Pass-1"),
          "a reset shows a password once");
    CHECK(ask("boss", "POST", A "/users/anna/reset", "{\"what\":[\"name\"]}") == 422 &&
              ask("boss", "POST", A "/users/anna/reset", "{}") == 422,
          "a reset of nothing");
    CHECK(ask("boss", "DELETE", A "/users/anna/sessions", "") == 200, "all sessions of a user end");
    CHECK(ask("boss", "DELETE", A "/users/boss", "") == 409, "the last administrator stays");
    CHECK(ask("boss", "GET", A "/users/admin", "") == 404 &&
              ask("boss", "DELETE", A "/users/1", "") == 404,
          "the operator's people are not there, by name or by number");
    CHECK(ask("boss", "DELETE", A "/users/anna", "") == 200 &&
              ask("boss", "GET", A "/users/anna", "") == 404 && keys.accounts == 2,
          "a user leaves, here and at keys");
}

static void check_again(void)
{
    const char *one = "{\"name\":\"cara\",\"roles\":[\"viewer\"]}";
    const char *site = "{\"slug\":\"berlin\",\"name\":\"Berlin\"}";

    CHECK(fake_ask(&keys, &w, "boss", "idempotency-key: k1\n", "POST", A "/sites", site) == 201,
          "a creation with a key");
    CHECK(fake_ask(&keys, &w, "boss", "idempotency-key: k1\n", "POST", A "/sites", site) == 201 &&
              header("Idempotency-Replayed: true") && world_has(&w, "Berlin"),
          "the same again: done once, answered twice");
    CHECK(ask("boss", "POST", A "/sites", site) == 409, "without the key it is another request");
    CHECK(fake_ask(&keys, &w, "boss", "idempotency-key: k1\n", "POST", A "/sites",
                   "{\"slug\":\"bonn\"}") == 422 &&
              world_has(&w, "key_reused"),
          "the key with another request");
    CHECK(fake_ask(&keys, &w, "boss", "idempotency-key: k2\n", "POST", A "/sites",
                   "{\"slug\":\"-\"}") == 422 &&
              fake_ask(&keys, &w, "boss", "idempotency-key: k2\n", "POST", A "/sites",
                       "{\"slug\":\"bonn\"}") == 201,
          "what failed may be tried again");
    CHECK(fake_ask(&keys, &w, "boss", "idempotency-key: k3\n", "POST", A "/users", one) == 201 &&
              fake_ask(&keys, &w, "boss", "idempotency-key: k3\n", "POST", A "/users", one) ==
                  409 &&
              world_has(&w, "shown_once"),
          "a password is not kept to be shown again");
    CHECK(fake_ask(&keys, &w, "boss", "idempotency-key: a b\n", "POST", A "/sites", site) == 422,
          "a key that is none");
    CHECK(fake_ask(&keys, &w, "signed-in", "idempotency-key: k1\n", "POST", T,
                   "{\"slug\":\"other\"}") == 201,
          "keys are each caller's own");
}

static void check_roles(void)
{
    char tag[80], match[100];

    CHECK(ask("boss", "POST", A "/roles",
              "{\"name\":\"sites\",\"rights\":{\"sites\":[\"read\",\"set\"]}}") == 201 &&
              world_has(&w, "\"rights\":{\"sites\":[\"read\",\"set\"]}"),
          "a role of one's own rights");
    etag(tag);
    (void)snprintf(match, sizeof match, "if-match: %s\n", tag);
    CHECK(ask("boss", "POST", A "/roles",
              "{\"name\":\"more\",\"rights\":{\"personal\":[\"reveal\"]}}") == 403 &&
              world_has(&w, "may more than you"),
          "nobody makes a role that may more than he");
    CHECK(ask("boss", "POST", A "/roles",
              "{\"name\":\"more\",\"rights\":{\"health\":[\"read\"]}}") == 422,
          "... or what is the operator's");
    CHECK(ask("boss", "POST", A "/roles", "{\"name\":\"viewer\",\"rights\":{}}") == 422 &&
              ask("boss", "PATCH", A "/roles/viewer", "{\"rights\":{}}") == 409,
          "those of the program stay");
    CHECK(ask("boss", "POST", A "/roles",
              "{\"name\":\"x\",\"rights\":{\"sites\":[\"read set\"]}}") == 422 &&
              ask("boss", "POST", A "/roles",
                  "{\"name\":\"x\",\"rights\":{\"sites:read logs\":[\"read\"]}}") == 422 &&
              ask("boss", "POST", A "/roles", "{\"name\":\"x\",\"rights\":{\"a\":[\"read\"]}}") ==
                  422 &&
              ask("boss", "POST", A "/roles", "{\"name\":\"x\",\"rights\":[\"read\"]}") == 422 &&
              ask("boss", "POST", A "/roles", "{\"name\":\"x\"}") == 422,
          "rights that are none");
    CHECK(ask("boss", "PATCH", A "/users/cara", "{\"roles\":[\"sites\"]}") == 200 &&
              keys.last_set.scope == FL_SCOPE_SETUP,
          "a user has it");
    CHECK(ask("boss", "DELETE", A "/roles/sites", "") == 409, "... so it stays");
    CHECK(ask("boss", "POST", A "/roles",
              "{\"name\":\"help-desk\",\"rights\":{\"users\":[\"read\",\"set\"]}}") == 201 &&
              ask("boss", "POST", A "/users", "{\"name\":\"desk\",\"roles\":[\"help-desk\"]}") ==
                  201,
          "a role that changes users");
    (void)fake_session_add(&keys, "desk", id_of(acme(), "desk"), acme());
    CHECK(ask("desk", "POST", A "/users/boss/reset", "{\"what\":[\"password\"]}") == 403 &&
              world_has(&w, "may more than you") &&
              ask("desk", "PATCH", A "/users/boss", "{\"display_name\":\"x\"}") == 403 &&
              ask("desk", "DELETE", A "/users/boss/sessions", "") == 403 &&
              ask("desk", "PATCH", A "/users/desk", "{\"roles\":[\"tenant-admin\"]}") == 403 &&
              ask("desk", "PATCH", A "/users/desk", "{\"display_name\":\"Desk\"}") == 200,
          "... does not become who may more");
    CHECK(fake_ask(&keys, &w, "boss", match, "PATCH", A "/roles/sites",
                   "{\"rights\":{\"sites\":[\"read\"]}}") == 200,
          "it loses a right");
    CHECK(fake_account(&keys, id_of(acme(), "cara"))->scope == 0,
          "... and keys hears it of everybody who has it");
    CHECK(ask("boss", "GET", A "/roles", "") == 200 && world_has(&w, "\"total\":7") &&
              world_has(&w, "\"name\":\"privacy-officer\",\"builtin\":true"),
          "the list has both");
}

static void check_tokens(void)
{
    CHECK(ask("boss", "POST", A "/tokens", "{\"name\":\"ci\",\"roles\":[\"viewer\"]}") == 201 &&
              world_has(&w, "\"token\":\"flt_made-"),
          "a token, shown once");
    CHECK(ask("boss", "GET", A "/tokens", "") == 200 && world_has(&w, "\"name\":\"ci\"") &&
              world_has(&w, "\"user\":\"boss\"") && !world_has(&w, "flt_"),
          "the list does not show it");
    CHECK(ask(keys.session[keys.sessions - 1].token, "GET", A "/sites", "") == 200 &&
              ask(keys.session[keys.sessions - 1].token, "POST", A "/sites", "{}") == 403,
          "it may what its roles say");
    CHECK(ask(keys.session[keys.sessions - 1].token, "POST", S "/enrol", "{}") == 403,
          "it is not a person");
    CHECK(
        ask("boss", "POST", A "/tokens",
            "{\"name\":\"ci2\",\"roles\":[\"viewer\"],\"days\":366}") == 422 &&
            ask("boss", "POST", A "/tokens",
                "{\"name\":\"ci2\",\"roles\":[\"viewer\"],\"expires\":\"2020-01-01T00:00:00Z\"}") ==
                422,
        "an end that is none");
    CHECK(local("POST", A "/tokens", "{\"name\":\"ci3\",\"roles\":[\"viewer\"]}") == 422 &&
              world_has(&w, "user is missing") &&
              local("POST", A "/tokens",
                    "{\"name\":\"ci3\",\"roles\":[\"viewer\"],\"user\":\"boss\"}") == 201,
          "at the machine it is said whose it is");
    CHECK(ask("boss", "POST", A "/tokens", "{\"name\":\"ci\",\"roles\":[\"viewer\"]}") == 409,
          "its name is there once");
    CHECK(ask("boss", "DELETE", A "/tokens/ci", "") == 200 &&
              ask("boss", "DELETE", A "/tokens/ci", "") == 404,
          "it ends");
}

static void check_grants(void)
{
    CHECK(ask("signed-in", "POST", A "/grants", "{\"kind\":\"network\",\"data\":true}") == 403,
          "the operator gives itself nothing");
    CHECK(ask("boss", "POST", A "/grants", "{\"kind\":\"support\",\"hours\":4}") == 422 &&
              world_has(&w, "reason") &&
              ask("boss", "POST", A "/grants", "{\"kind\":\"support\",\"reason\":\"T-1\"}") == 422,
          "support has a reason and an end");
    CHECK(ask("boss", "POST", A "/grants",
              "{\"kind\":\"support\",\"hours\":4,\"reason\":\"T-1\"}") == 201 &&
              keys.last_grant.kind == FL_GRANT_SUPPORT &&
              keys.last_grant.scope == (FL_CAP_READ | FL_CAP_EXPORT | FL_CAP_REVEAL),
          "support");
    CHECK(ask("boss", "DELETE", A "/grants/1", "") == 200 && keys.last_grant.until_us == 0,
          "the operator's grant ends");
    CHECK(ask("signed-in", "GET", A "/sites", "") == 200 &&
              ask("boss", "DELETE", A "/grants/3", "") == 200 &&
              ask("signed-in", "GET", A "/sites", "") == 403 && world_has(&w, "no_grant"),
          "... and with the last one the operator is out");
    CHECK(ask("boss", "DELETE", A "/grants/1", "") == 409 &&
              ask("boss", "DELETE", A "/grants/99", "") == 404 &&
              ask("boss", "DELETE", A "/grants/2", "") == 404,
          "one that is over, one that is none, another tenant's");
    CHECK(ask("boss", "POST", A "/grants", "{\"kind\":\"network\",\"data\":true}") == 201 &&
              keys.last_grant.scope == (FL_SCOPE_SETUP | FL_CAP_READ | FL_CAP_EXPORT) &&
              ask("signed-in", "GET", A "/sites", "") == 200,
          "given again, with the logs");
}

static void check_reveal(void)
{
    uint32_t t = acme();

    CHECK(ask("boss", "POST", A "/users", "{\"name\":\"dan\",\"roles\":[\"analyst\"]}") == 201,
          "an analyst");
    (void)fake_session_add(&keys, "dan", id_of(t, "dan"), t);
    CHECK(ask("dan", "POST", A "/reveals", "{\"purpose\":\"fun\"}") == 422 &&
              ask("dan", "POST", A "/reveals", "{\"purpose\":\"abuse\",\"minutes\":61}") == 422 &&
              ask("dan", "POST", A "/reveals", "{}") == 422,
          "personal data needs a purpose, for at most an hour");
    CHECK(ask("dan", "POST", A "/reveals",
              "{\"purpose\":\"abuse\",\"ticket\":\"T-2\",\"minutes\":5}") == 201 &&
              strcmp(keys.last_purpose, "abuse") == 0 && keys.last_reveal.tenant == t,
          "it is shown, and keys knows");
    CHECK(ask("boss", "GET", A "/reveals", "") == 200 && world_has(&w, "\"user\":\"dan@acme\"") &&
              world_has(&w, "\"living\":true") && world_has(&w, "T-2"),
          "whoever is responsible sees it");
    CHECK(ask("dan", "DELETE", A "/reveals", "") == 200 && keys.last_reveal.until_us == 0 &&
              ask("boss", "GET", A "/reveals", "") == 200 && world_has(&w, "\"living\":false"),
          "it ends");
    CHECK(local("POST", A "/reveals", "{\"purpose\":\"abuse\"}") == 403,
          "the local socket is no person");
}

/* What was changed behind the back of one side is as the database says after a check. */
static void check_repair(void)
{
    uint32_t boss = id_of(acme(), "boss");
    unsigned before;

    keys.account[0].scope = 0;
    keys.account[keys.accounts++] = (struct fl_msg_account){.user = 4711, .tenant = 9};
    for (size_t i = 0; i < keys.accounts; i++)
        if (keys.account[i].user == boss)
            keys.account[i] = keys.account[--keys.accounts];
    fl_api_people_check(w.api);
    fake_pump(&keys, &w);
    CHECK(fake_account(&keys, 4711) == NULL, "an account without a user goes");
    CHECK(fake_account(&keys, boss) != NULL && fake_account(&keys, boss)->scope == FL_SCOPE_ALL &&
              keys.last_set.by_uid == UINT32_MAX,
          "a user without an account gets one");
    before = keys.seen[FL_MSG_ACCOUNT_SET];
    fl_api_people_check(w.api);
    fl_api_people_check(w.api);
    fake_pump(&keys, &w);
    CHECK(keys.seen[FL_MSG_ACCOUNT_SET] == before, "what is equal is left alone");
    w.down = 1u << FL_ROLE_KEYS;
    fl_api_people_check(w.api);
    CHECK(ask("boss", "GET", A "/sites", "") == 503 && world_has(&w, "keys role does not answer"),
          "without keys nobody is let in");
    w.down = 0;
}

static void check_events(void)
{
    static const char *const events[] = {"user.add",   "user.set",        "user.remove",
                                         "user.reset", "role.add",        "role.set",
                                         "token.add",  "token.remove",    "grant.add",
                                         "grant.end",  "personal.reveal", "department.add"};

    CHECK(local("GET", I "/events?limit=1000", "") == 200, "the record of events");
    for (size_t i = 0; i < FL_LEN(events); i++)
        CHECK(world_has(&w, events[i]), events[i]);
    CHECK(!world_has(&w, "Temporary-Pass-1") && !world_has(&w, "flt_"), "it has no secret");
}

/* A tenant that goes takes its people along. */
static void check_end(void)
{
    uint32_t t = acme(), boss = id_of(t, "boss");

    if (fl_db_tenant_remove(w.db, "acme", &err) < 0)
        show("remove");
    fl_api_people_check(w.api);
    fake_pump(&keys, &w);
    CHECK(id_of(t, "boss") == 0 && fake_account(&keys, boss) == NULL,
          "a tenant that goes takes its people along");
    CHECK(ask("boss", "GET", S, "") == 401, "... at once");
}

int main(void)
{
    world_init(&w, 1);
    check_first();
    check_sign_in();
    check_csrf();
    check_tenants();
    check_users();
    check_again();
    check_roles();
    check_tokens();
    check_grants();
    check_reveal();
    check_repair();
    check_events();
    check_end();
    world_done(&w);
    return tap_done();
}
