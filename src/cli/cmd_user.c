/* fairlead user: who signs in. */
#include <stdio.h>
#include <string.h>

#include "cli/people.h"

/* ---- shared with roles and tokens ---- */

int fl_cli_whose(struct fl_cli *cli, const char *word, struct fl_cli_whose *ret)
{
    const char *slash = word == NULL ? NULL : strchr(word, '/'), *at;
    const char *tenant = cli->opt[FL_OPT_TENANT], *name = word == NULL ? "" : word;
    size_t len, name_len;

    at = slash != NULL || word == NULL ? NULL : strrchr(word, '@');
    name_len = strlen(name);
    if (slash != NULL) {
        tenant = word;
        name = slash + 1;
        name_len = strlen(name);
    } else if (at != NULL) {
        tenant = at + 1;
        name_len = (size_t)(at - word);
    }
    len = tenant == NULL ? 0 : slash != NULL ? (size_t)(slash - word) : strlen(tenant);
    if (len >= sizeof ret->tenant || name_len >= sizeof ret->name)
        return fl_cli_usage("'%.140s' is not a name, nor TENANT/NAME", name);
    (void)snprintf(ret->tenant, sizeof ret->tenant, "%.*s", (int)len, len == 0 ? "" : tenant);
    (void)snprintf(ret->name, sizeof ret->name, "%.*s", (int)name_len, name);
    if (word != NULL && ret->name[0] == '\0')
        return fl_cli_usage("'%.140s' is not a name, nor TENANT/NAME", word);
    if (ret->tenant[0] == '\0')
        (void)fl_cli_path(&ret->base, "/api/v1/instance", NULL);
    else
        (void)fl_cli_path(&ret->base, "/api/v1/tenants/", ret->tenant, NULL);
    return FL_EXIT_OK;
}

const char *fl_cli_people_path(const struct fl_cli_whose *whose, const char *noun, const char *name,
                               const char *more, struct fl_cli_path *ret)
{
    struct fl_cli_path tail;
    char head[32];

    (void)snprintf(head, sizeof head, "%s%s", noun, name == NULL ? "" : "/");
    (void)fl_cli_path(&tail, head, name, more, NULL); /* ends at a name that is NULL */
    (void)snprintf(ret->text, sizeof ret->text, "%.600s/%.600s", whose->base.text, tail.text);
    return ret->text;
}

int fl_cli_people_remove(struct fl_cli *cli, const char *noun, const char *what, const char *then)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *answer = NULL;
    int r = fl_cli_whose(cli, cli->arg[0], &whose);

    if (r != FL_EXIT_OK)
        return r;
    if (!fl_cli_sure(cli, "%s %s %s", what, cli->arg[0], then))
        return FL_EXIT_USAGE;
    r = fl_cli_call(cli, "DELETE", fl_cli_people_path(&whose, noun, whose.name, "", &path), NULL,
                    &answer);
    return fl_cli_done(cli, r, answer, "%s %s is removed.\n", what, cli->arg[0]);
}

const char *fl_cli_whose_text(const struct fl_cli_whose *whose, char text[80])
{
    if (whose->tenant[0] == '\0')
        (void)snprintf(text, 80, "the operator's staff");
    else
        (void)snprintf(text, 80, "tenant %s", whose->tenant);
    return text;
}

json_t *fl_cli_words(const char *list)
{
    json_t *words = json_array();

    while (*list != '\0') {
        size_t len = strcspn(list, ",");

        if (len > 0)
            (void)json_array_append_new(words, json_stringn(list, len));
        list += len + (list[len] == ',');
    }
    return words;
}

void fl_cli_join(const json_t *array, char *text, size_t size)
{
    const json_t *item;
    size_t i, at = 0;

    text[0] = '\0';
    json_array_foreach(array, i, item)
    {
        if (!json_is_string(item) || at >= size)
            continue;
        at += (size_t)snprintf(text + at, size - at, "%s%s", at == 0 ? "" : ",",
                               json_string_value(item));
    }
}

/* ---- list and show ---- */

static const char *state_of(const json_t *user)
{
    if (fl_js_bool(user, "disabled"))
        return "disabled";
    if (*fl_js_text(user, "locked_until") != '\0')
        return "locked";
    if (fl_js_bool(user, "temporary"))
        return "temporary password";
    return "";
}

static int list(struct fl_cli *cli, const json_t *answer)
{
    static const struct fl_table_column columns[] = {
        {"user", false, true, 0},        {"name", false, true, 2},
        {"roles", false, true, 0},       {"state", false, false, 1},
        {"2nd factor", false, false, 3}, {"last sign-in", false, false, 4},
    };
    const json_t *items = json_object_get(answer, "items"), *item;
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[2 * FL_UNIT_TEXT_BYTES], roles[400];
    size_t i;

    json_array_foreach(items, i, item)
    {
        if (table == NULL)
            break;
        fl_table_text(table, fl_js_text(item, "sign_in"));
        fl_table_text(table, fl_js_text(item, "display_name"));
        fl_cli_join(json_object_get(item, "roles"), roles, sizeof roles);
        fl_table_text(table, roles);
        fl_table_text(table, state_of(item));
        fl_table_text(table, fl_js_bool(item, "totp")            ? "yes"
                             : fl_js_bool(item, "totp_required") ? "due"
                                                                 : "no");
        fl_cli_when(cli, item, "last_sign_in", true, text);
        fl_table_text(table, text);
    }
    return fl_cli_print(table);
}

static int run_list(struct fl_cli *cli)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    char text[80];
    json_t *answer = NULL;
    int r = fl_cli_whose(cli, NULL, &whose);

    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, fl_cli_people_path(&whose, "users", NULL, "", &path), &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else if (json_array_size(json_object_get(answer, "items")) == 0)
        (void)printf("No user of %s yet. fairlead user add %sNAME --role %s makes one.\n",
                     fl_cli_whose_text(&whose, text), whose.tenant[0] == '\0' ? "" : "TENANT/",
                     whose.tenant[0] == '\0' ? "operator-admin" : "tenant-admin");
    else
        r = list(cli, answer);
    json_decref(answer);
    return r;
}

static void show(struct fl_cli *cli, const json_t *user)
{
    static const char *const times[][2] = {{"password ends", "password_expires"},
                                           {"locked until", "locked_until"},
                                           {"last sign-in", "last_sign_in"},
                                           {"since", "created"}};
    char text[2 * FL_UNIT_TEXT_BYTES], roles[400];

    fl_cli_join(json_object_get(user, "roles"), roles, sizeof roles);
    fl_cli_pair(cli, "user", "%s", fl_js_text(user, "sign_in"));
    fl_cli_pair(cli, "name", "%s", fl_js_text(user, "display_name"));
    fl_cli_pair(cli, "e-mail", "%s", fl_js_text(user, "email"));
    fl_cli_pair(cli, "department", "%s", fl_js_text(user, "department"));
    fl_cli_pair(cli, "roles", "%s", roles);
    fl_cli_pair(cli, "state", "%s", *state_of(user) == '\0' ? "open" : state_of(user));
    fl_cli_pair(cli, "second factor", "%s%s", fl_js_bool(user, "totp") ? "set up" : "none",
                fl_js_bool(user, "totp_required") ? ", required" : "");
    fl_cli_pair(cli, "sessions", "%u", (unsigned)fl_js_num(user, "sessions"));
    for (size_t i = 0; i < FL_LEN(times); i++) {
        fl_cli_when(cli, user, times[i][1], false, text);
        fl_cli_pair(cli, times[i][0], "%s", text);
    }
}

static int run_show(struct fl_cli *cli)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *user = NULL;
    int r = fl_cli_whose(cli, cli->arg[0], &whose);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "GET", fl_cli_people_path(&whose, "users", whose.name, "", &path),
                        NULL, &user);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(user);
    else
        show(cli, user);
    json_decref(user);
    return FL_EXIT_OK;
}

/* ---- changes ---- */

static void put_settings(struct fl_cli *cli, json_t *body)
{
    static const struct {
        enum fl_opt opt;
        const char *member;
        char kind; /* t text, l list, b yes or no */
    } rows[] = {
        {FL_OPT_NAME, "display_name", 't'},     {FL_OPT_EMAIL, "email", 't'},
        {FL_OPT_DEPARTMENT, "department", 't'}, {FL_OPT_ROLE, "roles", 'l'},
        {FL_OPT_DISABLED, "disabled", 'b'},     {FL_OPT_TOTP, "totp_required", 'b'},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        const char *value = cli->opt[rows[i].opt];
        json_t *json;

        if (value == NULL)
            continue;
        json = rows[i].kind == 't'   ? json_string(value)
               : rows[i].kind == 'l' ? fl_cli_words(value)
                                     : json_boolean(value[0] == 'y');
        (void)json_object_set_new(body, rows[i].member, json);
    }
}

/* The password stands alone on its line: to be told, once. */
static void say_password(const json_t *user)
{
    const char *password = fl_js_text(user, "password");

    if (*password != '\0')
        (void)printf("Sign in as %s with this password, within a day; it is shown only now:\n%s\n",
                     fl_js_text(user, "sign_in"), password);
}

static int run_add(struct fl_cli *cli)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *body = NULL, *user = NULL;
    int r = fl_cli_whose(cli, cli->arg[0], &whose);

    if (r == FL_EXIT_OK && cli->opt[FL_OPT_ROLE] == NULL)
        r = fl_cli_usage("--role is missing; fairlead role list shows what there is");
    if (r != FL_EXIT_OK)
        return r;
    body = json_pack("{s:s}", "name", whose.name);
    put_settings(cli, body);
    r = fl_cli_call(cli, "POST", fl_cli_people_path(&whose, "users", NULL, "", &path), body, &user);
    json_decref(body);
    if (r == FL_EXIT_OK && fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(user);
    else if (r == FL_EXIT_OK)
        say_password(user);
    json_decref(user);
    return r;
}

static int run_set(struct fl_cli *cli)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *body = json_object(), *user = NULL;
    int r = FL_EXIT_OK;

    put_settings(cli, body);
    if (json_object_size(body) == 0)
        r = fl_cli_usage("nothing to set; fairlead user set -h shows what there is");
    if (r == FL_EXIT_OK)
        r = fl_cli_whose(cli, cli->arg[0], &whose);
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "PATCH", fl_cli_people_path(&whose, "users", whose.name, "", &path),
                        body, &user);
    json_decref(body);
    return fl_cli_done(cli, r, user, "User %s is changed.\n", fl_js_text(user, "sign_in"));
}

static int run_remove(struct fl_cli *cli)
{
    return fl_cli_people_remove(cli, "users", "User", "will be removed; sessions and tokens end.");
}

static int reset(struct fl_cli *cli, const struct fl_cli_whose *whose, json_t *what)
{
    struct fl_cli_path path;
    json_t *body = json_pack("{s:o}", "what", what), *user = NULL;
    int r = fl_cli_call(
        cli, "POST", fl_cli_people_path(whose, "users", whose->name, "/reset", &path), body, &user);

    json_decref(body);
    if (r == FL_EXIT_OK && fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(user);
    } else if (r == FL_EXIT_OK) {
        (void)printf("User %s is reset.\n", fl_js_text(user, "sign_in"));
        say_password(user);
    }
    json_decref(user);
    return r;
}

static int run_reset(struct fl_cli *cli)
{
    struct fl_cli_whose whose;
    json_t *what = json_array();
    int r = fl_cli_whose(cli, cli->arg[0], &whose);

    if (r != FL_EXIT_OK) {
        json_decref(what);
        return r;
    }
    for (size_t i = 1; i < cli->args; i++)
        (void)json_array_append_new(what, json_string(cli->arg[i]));
    if (cli->args == 1)
        (void)json_array_append_new(what, json_string("password"));
    return reset(cli, &whose, what);
}

/* An administrator who lost everything: may sign in again, with the administrator's role. */
static int run_recover(struct fl_cli *cli)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *user = NULL, *body = NULL, *roles, *role;
    const char *admin;
    size_t i;
    bool has = false;
    int r = fl_cli_whose(cli, cli->arg[0], &whose);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "GET", fl_cli_people_path(&whose, "users", whose.name, "", &path),
                        NULL, &user);
    if (r != FL_EXIT_OK)
        return r;
    admin = whose.tenant[0] == '\0' ? "operator-admin" : "tenant-admin";
    roles = json_object_get(user, "roles");
    json_array_foreach(roles, i, role) has = has || strcmp(json_string_value(role), admin) == 0;
    if (!has)
        (void)json_array_append_new(roles, json_string(admin));
    body = json_pack("{s:b,s:O}", "disabled", 0, "roles", roles);
    json_decref(user);
    user = NULL;
    r = fl_cli_call(cli, "PATCH", path.text, body, &user);
    json_decref(body);
    json_decref(user);
    return r != FL_EXIT_OK ? r
                           : reset(cli, &whose, json_pack("[s,s,s]", "password", "totp", "lock"));
}

static int run_sign_out(struct fl_cli *cli)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *answer = NULL;
    int r = fl_cli_whose(cli, cli->arg[0], &whose);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "DELETE",
                        fl_cli_people_path(&whose, "users", whose.name, "/sessions", &path), NULL,
                        &answer);
    return fl_cli_done(cli, r, answer, "User %s is signed out everywhere.\n", cli->arg[0]);
}

#define SETTINGS                                                                                   \
    (FL_OPT_BIT(NAME) | FL_OPT_BIT(EMAIL) | FL_OPT_BIT(DEPARTMENT) | FL_OPT_BIT(ROLE) |            \
     FL_OPT_BIT(DISABLED) | FL_OPT_BIT(TOTP))
#define WHOSE                                                                                      \
    "A user of a tenant is TENANT/USER, or USER with --tenant; USER alone is the operator's "      \
    "staff."

const struct fl_command fl_cmd_user[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "the operator's staff, or a tenant's users",
     NULL,
     {"fairlead user list", "fairlead user list --tenant acme --json | jq -r .sign_in"},
     run_list},
    {"add",
     "[TENANT/]USER",
     1,
     1,
     FL_OPTS_TENANT | SETTINGS,
     "make a user; shows a temporary password once",
     WHOSE,
     {"fairlead user add admin --role operator-admin",
      "fairlead user add acme/anna --role analyst,viewer --name 'Anna Berg'"},
     run_add},
    {"show",
     "[TENANT/]USER",
     1,
     1,
     FL_OPTS_TENANT,
     "one user",
     WHOSE,
     {"fairlead user show admin", "fairlead user show acme/anna --json"},
     run_show},
    {"set",
     "[TENANT/]USER",
     1,
     1,
     FL_OPTS_TENANT | SETTINGS,
     "change a user",
     WHOSE,
     {"fairlead user set acme/anna --role viewer", "fairlead user set acme/anna --disabled"},
     run_set},
    {"remove",
     "[TENANT/]USER",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(YES),
     "remove a user",
     WHOSE,
     {"fairlead user remove acme/anna", "fairlead user remove acme/anna --yes"},
     run_remove},
    {"reset",
     "[TENANT/]USER [password] [totp] [lock]",
     1,
     4,
     FL_OPTS_TENANT,
     "another temporary password; forget the second factor; unlock",
     WHOSE,
     {"fairlead user reset acme/anna", "fairlead user reset acme/anna totp lock"},
     run_reset},
    {"recover",
     "[TENANT/]USER",
     1,
     1,
     FL_OPTS_TENANT,
     "let an administrator who lost everything sign in again",
     "Enables the user, gives the administrator's role, and resets password, second factor and\n"
     "lock. It is recorded.",
     {"fairlead user recover admin", "fairlead user recover acme/anna"},
     run_recover},
    {"signout",
     "[TENANT/]USER",
     1,
     1,
     FL_OPTS_TENANT,
     "end all sessions of a user",
     WHOSE,
     {"fairlead user signout admin", "fairlead user signout acme/anna"},
     run_sign_out},
};
const size_t fl_cmd_user_count = FL_LEN(fl_cmd_user);
