/* Roles, rights, users, grants: what is right, and the sentence where it is not. */
#include <stdio.h>
#include <string.h>

#include "model/department.h"
#include "model/grant.h"
#include "model/role.h"
#include "model/user.h"
#include "tap.h"

static struct fl_err err;

static int says(const char *text)
{
    return strstr(err.text, text) != NULL;
}

/* As text, read and written again. */
static int same_text(const char *text)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_rights rights;

    fl_buf_init(&out, 4096);
    if (fl_rights_parse(fl_span_str(text), &rights, &err) < 0)
        return 0;
    fl_rights_write(&rights, &out);
    return fl_span_eq(fl_buf_span(&out), fl_span_str(text));
}

static void check_rights(void)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"site:read", "no object 'site'"},
        {"sites", "no verb behind it"},
        {"sites:", "no verb behind it"},
        {"sites:write", "no right 'write' on sites"},
        {"sites:read,", NULL},
        {"sites:purge", "no right 'purge' on sites"},
        {"sites:read,,set", "no right '' on"},
        {"open:read", "no object 'open'"},
        {"self:read", "no object 'self'"},
        {":read", NULL},
        {"logs:reveal", "no right 'reveal'"},
        {"SITES:read", "no object 'SITES'"},
    };
    struct fl_rights all, tenants, none = {{0}};
    char name[80];

    CHECK(same_text("") && same_text("sites:read,set") &&
              same_text("users:read,add,set,remove logs:read,export,purge personal:reveal"),
          "rights as text and back");
    for (size_t i = 0; i < FL_LEN(bad); i++) {
        struct fl_rights rights;
        int r = fl_rights_parse(fl_span_str(bad[i].text), &rights, &err);

        (void)snprintf(name, sizeof name, "'%s'", bad[i].text);
        CHECK(bad[i].why == NULL ? r == FL_OK || r == FL_E_INVAL
                                 : r == FL_E_INVAL && says(bad[i].why),
              name);
    }
    fl_rights_all(&all, false);
    fl_rights_all(&tenants, true);
    CHECK(fl_rights_within(&tenants, &all) && !fl_rights_within(&all, &tenants) &&
              fl_rights_within(&none, &none) && !fl_rights_within(&tenants, &none),
          "a tenant's rights are a part of all");
    CHECK(!fl_rights_has(&tenants, FL_OBJECT_HEALTH, FL_VERB_READ) &&
              !fl_rights_has(&tenants, FL_OBJECT_EVENTS, FL_VERB_READ) &&
              !fl_rights_has(&all, FL_OBJECT_OPEN, FL_VERB_READ),
          "the operator's objects are none of a tenant's");
}

static void check_builtin(void)
{
    char name[120];

    for (unsigned i = 0; i < fl_roles_builtin_count; i++) {
        const struct fl_role_builtin *role = &fl_roles_builtin[i];
        struct fl_rights rights = {{0}}, most;
        int r = fl_rights_parse(fl_span_str(role->rights), &rights, &err);

        fl_rights_all(&most, role->of_tenant);
        (void)snprintf(name, sizeof name, "%s has rights that there are, and may have", role->name);
        CHECK(r == FL_OK && fl_rights_within(&rights, &most) && role->about[0] != '\0', name);
        if (!role->of_tenant)
            CHECK(!fl_rights_has(&rights, FL_OBJECT_GRANTS, FL_VERB_ADD) &&
                      !fl_rights_has(&rights, FL_OBJECT_LOGS, FL_VERB_PURGE),
                  "... the operator gives itself nothing and destroys no logs");
    }
    CHECK(fl_role_builtin_find(FL_SPAN("viewer"), false) == NULL &&
              fl_role_builtin_find(FL_SPAN("viewer"), true) != NULL,
          "a role is the operator's or a tenant's");
}

static void check_role(void)
{
    struct fl_role_row role = {.tenant = 1, .name = "gate", .rights = "sites:read"};

    CHECK(fl_role_check(&role, &err) == FL_OK, "a role");
    (void)snprintf(role.rights, sizeof role.rights, "health:read");
    CHECK(fl_role_check(&role, &err) == FL_E_INVAL && says("tenant's own objects"),
          "a tenant's role has no right on the operator's");
    role.tenant = 0;
    CHECK(fl_role_check(&role, &err) == FL_OK, "... the operator's has");
    (void)snprintf(role.name, sizeof role.name, "viewer");
    CHECK(fl_role_check(&role, &err) == FL_E_INVAL && says("comes with the program"),
          "a name that is taken");
}

static struct fl_user user(uint32_t tenant)
{
    return (struct fl_user){.tenant = tenant,
                            .name = "anna",
                            .display_name = "Anna",
                            .roles = "viewer",
                            .totp_required = tenant == 0};
}

static void check_user(void)
{
    static const struct {
        const char *field, *value, *why;
    } bad[] = {
        {"name", "", "1 to 63"},
        {"name", "Anna", "begins with a letter"},
        {"name", "7", "begins with a letter"},
        {"name", "a@b", "character 2"},
        {"email", "anna", "looks like"},
        {"email", "@b", "looks like"},
        {"email", "a b@c", "looks like"},
        {"email", "a@", "looks like"},
        {"roles", "", "1 to 16"},
        {"roles", "viewer,viewer", "named twice"},
        {"roles", "a,,b", "roles"},
        {"department", "-it", "department"},
        {"display_name", " ", "display_name"},
        {"roles", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "1 to 16"},
    };
    struct fl_user u = user(1);
    char name[120];

    CHECK(fl_user_check(&u, &err) == FL_OK, "a user");
    for (size_t i = 0; i < FL_LEN(bad); i++) {
        const char *f = bad[i].field;

        u = user(1);
        if (strcmp(f, "name") == 0)
            (void)snprintf(u.name, sizeof u.name, "%s", bad[i].value);
        else if (strcmp(f, "email") == 0)
            (void)snprintf(u.email, sizeof u.email, "%s", bad[i].value);
        else if (strcmp(f, "roles") == 0)
            (void)snprintf(u.roles, sizeof u.roles, "%s", bad[i].value);
        else if (strcmp(f, "department") == 0)
            (void)snprintf(u.department, sizeof u.department, "%s", bad[i].value);
        else
            (void)snprintf(u.display_name, sizeof u.display_name, "%s", bad[i].value);
        (void)snprintf(name, sizeof name, "%s '%s'", f, bad[i].value);
        CHECK(fl_user_check(&u, &err) == FL_E_INVAL && says(bad[i].why), name);
    }
    u = user(0);
    u.totp_required = false;
    CHECK(fl_user_check(&u, &err) == FL_E_INVAL && says("second factor"),
          "the operator's staff has a second factor");
    CHECK(fl_reveal_purpose(FL_SPAN("abuse")) && !fl_reveal_purpose(FL_SPAN("abus")) &&
              !fl_reveal_purpose(FL_SPAN("")),
          "purposes");
}

static void check_grant(void)
{
    struct fl_grant g = {.kind = FL_TENANT_GRANT_SUPPORT, .until_us = 10, .reason = "T-1"};
    struct fl_department d = {.slug = "it", .name = "IT"};
    uint32_t kind = 0;

    CHECK(fl_grant_check(&g, &err) == FL_OK, "support");
    CHECK(fl_grant_lives(&g, 9) && !fl_grant_lives(&g, 10), "it lives until its end");
    g.ended_us = 5;
    CHECK(!fl_grant_lives(&g, 6), "... or until it is ended");
    g.until_us = INT64_MAX;
    CHECK(fl_grant_check(&g, &err) == FL_E_INVAL && says("hours"), "support without an end");
    g.until_us = 10;
    g.reason[0] = '\0';
    CHECK(fl_grant_check(&g, &err) == FL_E_INVAL && says("reason"), "support without a reason");
    g.kind = FL_TENANT_GRANT_NETWORK;
    CHECK(fl_grant_check(&g, &err) == FL_OK, "network needs none");
    g.kind = 0;
    CHECK(fl_grant_check(&g, &err) == FL_E_INVAL, "a kind that is none");
    CHECK(fl_grant_kind_find(FL_SPAN("support"), &kind) && kind == FL_TENANT_GRANT_SUPPORT &&
              !fl_grant_kind_find(FL_SPAN("all"), &kind),
          "kinds by name");
    CHECK(fl_department_check(&d, &err) == FL_OK, "a department");
    d.slug[0] = 'I';
    CHECK(fl_department_check(&d, &err) == FL_E_INVAL && says("slug"), "... whose slug is none");
}

int main(void)
{
    check_rights();
    check_builtin();
    check_role();
    check_user();
    check_grant();
    return tap_done();
}
