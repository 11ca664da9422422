/* fairlead role: what users may. */
#include <stdio.h>
#include <string.h>

#include "cli/people.h"

void fl_cli_rights(const json_t *rights, struct fl_buf *out)
{
    const char *object;
    json_t *verbs;
    char text[200];
    bool first = true;

    json_object_foreach((json_t *)(uintptr_t)rights, object, verbs)
    {
        fl_cli_join(verbs, text, sizeof text);
        fl_buf_printf(out, "%s%s:%s", first ? "" : " ", object, text);
        first = false;
    }
}

static void put_rights(struct fl_table *table, const json_t *role)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, 8192);
    fl_cli_rights(json_object_get(role, "rights"), &text);
    fl_table_cell(table, fl_buf_span(&text));
}

static int run_list(struct fl_cli *cli)
{
    static const struct fl_table_column columns[] = {
        {"role", false, false, 0}, {"comes with", false, false, 2}, {"rights", false, 20, 0}};
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *answer = NULL, *item;
    struct fl_table *table = NULL;
    size_t i;
    int r = fl_cli_whose(cli, NULL, &whose);

    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, fl_cli_people_path(&whose, "roles", NULL, "", &path), &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
    } else if ((table = fl_table_new(&cli->term, columns, FL_LEN(columns))) != NULL) {
        json_array_foreach(json_object_get(answer, "items"), i, item)
        {
            fl_table_text(table, fl_js_text(item, "name"));
            fl_table_text(table, fl_js_bool(item, "builtin") ? "Fairlead" : "");
            put_rights(table, item);
        }
        r = fl_cli_print(table);
    }
    json_decref(answer);
    return r;
}

static int run_show(struct fl_cli *cli)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *role = NULL, *verbs;
    const char *object;
    char text[200];
    int r = fl_cli_whose(cli, cli->arg[0], &whose);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "GET", fl_cli_people_path(&whose, "roles", whose.name, "", &path),
                        NULL, &role);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(role);
    } else {
        fl_cli_pair(cli, "role", "%s", fl_js_text(role, "name"));
        fl_cli_pair(cli, "about", "%s", fl_js_text(role, "about"));
        json_object_foreach(json_object_get(role, "rights"), object, verbs)
        {
            fl_cli_join(verbs, text, sizeof text);
            fl_cli_pair(cli, object, "%s", text);
        }
    }
    json_decref(role);
    return FL_EXIT_OK;
}

/* Arguments "sites:read,set" from the second on. NULL: wrong use, said. */
static json_t *take_rights(const struct fl_cli *cli)
{
    json_t *rights = json_object();

    for (size_t i = 1; i < cli->args; i++) {
        const char *colon = strchr(cli->arg[i], ':');

        if (colon == NULL || colon == cli->arg[i] || colon[1] == '\0') {
            (void)fl_cli_usage("'%.60s' is not a right, such as sites:read,set", cli->arg[i]);
            json_decref(rights);
            return NULL;
        }
        (void)json_object_setn_new(rights, cli->arg[i], (size_t)(colon - cli->arg[i]),
                                   fl_cli_words(colon + 1));
    }
    return rights;
}

static int store(struct fl_cli *cli, bool add)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *body, *rights = take_rights(cli), *role = NULL;
    int r = rights == NULL ? (int)FL_EXIT_USAGE : fl_cli_whose(cli, cli->arg[0], &whose);

    if (r != FL_EXIT_OK) {
        json_decref(rights);
        return r;
    }
    body = json_pack("{s:o}", "rights", rights);
    if (add)
        (void)json_object_set_new(body, "name", json_string(whose.name));
    r = fl_cli_call(cli, add ? "POST" : "PATCH",
                    fl_cli_people_path(&whose, "roles", add ? NULL : whose.name, "", &path), body,
                    &role);
    json_decref(body);
    return fl_cli_done(cli, r, role, "Role %s is %s.\n", cli->arg[0], add ? "there" : "changed");
}

static int run_add(struct fl_cli *cli)
{
    return store(cli, true);
}

static int run_set(struct fl_cli *cli)
{
    return store(cli, false);
}

static int run_remove(struct fl_cli *cli)
{
    return fl_cli_people_remove(cli, "roles", "Role", "will be removed.");
}

#define RIGHTS                                                                                     \
    "A right is OBJECT:VERB[,VERB...]; fairlead role show tenant-admin --tenant TENANT shows "     \
    "the\n"                                                                                        \
    "objects and verbs."

const struct fl_command fl_cmd_role[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "the roles of the operator's staff, or of a tenant",
     NULL,
     {"fairlead role list", "fairlead role list --tenant acme"},
     run_list},
    {"add",
     "[TENANT/]ROLE RIGHT...",
     2,
     32,
     FL_OPTS_TENANT,
     "make a role",
     RIGHTS,
     {"fairlead role add acme/sites sites:read,set devices:read",
      "fairlead role add watch health:read metrics:read"},
     run_add},
    {"show",
     "[TENANT/]ROLE",
     1,
     1,
     FL_OPTS_TENANT,
     "what a role may",
     NULL,
     {"fairlead role show operator-admin", "fairlead role show acme/viewer --json"},
     run_show},
    {"set",
     "[TENANT/]ROLE RIGHT...",
     2,
     32,
     FL_OPTS_TENANT,
     "give a role these rights instead",
     RIGHTS,
     {"fairlead role set acme/sites sites:read", "fairlead role set watch health:read"},
     run_set},
    {"remove",
     "[TENANT/]ROLE",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(YES),
     "remove a role that nobody has",
     NULL,
     {"fairlead role remove acme/sites", "fairlead role remove watch --yes"},
     run_remove},
};
const size_t fl_cmd_role_count = FL_LEN(fl_cmd_role);
