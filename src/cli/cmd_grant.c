/* fairlead grant: what a tenant lets the operator do. And a tenant's departments. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/people.h"

static int list(struct fl_cli *cli, const json_t *answer)
{
    static const struct fl_table_column columns[] = {
        {"grant", true, false, 0},  {"kind", false, false, 0},  {"logs", false, false, 0},
        {"state", false, false, 0}, {"until", false, false, 1}, {"given by", false, true, 3},
        {"reason", false, true, 2},
    };
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[2 * FL_UNIT_TEXT_BYTES];
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        bool endless = *fl_js_text(item, "until") == '\0';

        if (table == NULL)
            break;
        fl_cli_count(table, fl_js_num(item, "id"));
        fl_table_text(table, fl_js_text(item, "kind"));
        fl_table_text(table, fl_js_bool(item, "data") ? "yes" : "no");
        fl_table_text(table, fl_js_bool(item, "living") ? "living" : "ended");
        fl_cli_when(cli, item, "until", false, text);
        fl_table_text(table, endless ? "it is ended" : text);
        fl_table_text(table, fl_js_text(item, "given_by"));
        fl_table_text(table, fl_js_text(item, "reason"));
    }
    return fl_cli_print(table);
}

static int run_list(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, fl_cli_path(&path, "/api/v1/tenants/", tenant, "/grants", NULL),
                        &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else if (json_array_size(json_object_get(answer, "items")) == 0)
        (void)printf("Tenant %s never let the operator in. fairlead grant add network --tenant %s "
                     "does.\n",
                     tenant, tenant);
    else
        r = list(cli, answer);
    json_decref(answer);
    return r;
}

static int run_add(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *body, *grant = NULL;
    uint64_t hours = 0;
    struct fl_err err;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK && cli->opt[FL_OPT_HOURS] != NULL &&
        fl_args_number("--hours", cli->opt[FL_OPT_HOURS], 1, 168, &hours, &err) < 0)
        r = fl_cli_fail(&err);
    if (r != FL_EXIT_OK)
        return r;
    body = json_pack("{s:s}", "kind", cli->arg[0]);
    if (cli->opt[FL_OPT_DATA] != NULL)
        (void)json_object_set_new(body, "data", json_boolean(fl_cli_flag(cli, FL_OPT_DATA)));
    if (hours > 0)
        (void)json_object_set_new(body, "hours", json_integer((json_int_t)hours));
    if (cli->opt[FL_OPT_REASON] != NULL)
        (void)json_object_set_new(body, "reason", json_string(cli->opt[FL_OPT_REASON]));
    r = fl_cli_call(cli, "POST", fl_cli_path(&path, "/api/v1/tenants/", tenant, "/grants", NULL),
                    body, &grant);
    json_decref(body);
    return fl_cli_done(cli, r, grant,
                       "Grant %u: tenant %s lets the operator in, %s the logs.\n"
                       "It ends by: fairlead grant end %u --tenant %s\n",
                       (unsigned)fl_js_num(grant, "id"), tenant,
                       fl_js_bool(grant, "data") ? "with" : "without",
                       (unsigned)fl_js_num(grant, "id"), tenant);
}

static int run_end(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(
            cli, "DELETE",
            fl_cli_path(&path, "/api/v1/tenants/", tenant, "/grants/", cli->arg[0], NULL), NULL,
            &answer);
    return fl_cli_done(cli, r, answer, "Grant %s of tenant %s has ended.\n", cli->arg[0], tenant);
}

const struct fl_command fl_cmd_grant[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "what a tenant lets the operator do, and what it did",
     NULL,
     {"fairlead grant list --tenant acme", "fairlead grant list --json | jq -r .kind"},
     run_list},
    {"add",
     "network|support",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(DATA) | FL_OPT_BIT(HOURS) | FL_OPT_BIT(REASON),
     "let the operator's staff in",
     "network: sites, devices, people, until it is ended; with --data the logs too.\n"
     "support: sees the logs for some hours, for a reason.",
     {"fairlead grant add network --data --tenant acme",
      "fairlead grant add support --hours 4 --reason T-4711 --tenant acme"},
     run_add},
    {"end",
     "NUMBER",
     1,
     1,
     FL_OPTS_TENANT,
     "end a grant now",
     NULL,
     {"fairlead grant end 3 --tenant acme", "fairlead grant end 3 --json"},
     run_end},
};
const size_t fl_cmd_grant_count = FL_LEN(fl_cmd_grant);

/* ---- departments ---- */

int fl_cli_department_list(struct fl_cli *cli)
{
    static const struct fl_table_column columns[] = {{"department", false, true, 0},
                                                     {"name", false, true, 1}};
    struct fl_cli_path path;
    json_t *answer = NULL, *item;
    struct fl_table *table;
    size_t i;
    int r = fl_cli_list(
        cli, fl_cli_path(&path, "/api/v1/tenants/", cli->arg[0], "/departments", NULL), &answer);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
    } else if (json_array_size(json_object_get(answer, "items")) == 0) {
        (void)printf("Tenant %s has no department yet. fairlead tenant department add %s NAME "
                     "makes one.\n",
                     cli->arg[0], cli->arg[0]);
    } else if ((table = fl_table_new(&cli->term, columns, FL_LEN(columns))) != NULL) {
        json_array_foreach(json_object_get(answer, "items"), i, item)
        {
            fl_table_text(table, fl_js_text(item, "slug"));
            fl_table_text(table, fl_js_text(item, "name"));
        }
        r = fl_cli_print(table);
    }
    json_decref(answer);
    return r;
}

int fl_cli_department_add(struct fl_cli *cli)
{
    struct fl_cli_path path;
    json_t *body = json_pack("{s:s}", "slug", cli->arg[1]), *answer = NULL;
    int r;

    if (cli->opt[FL_OPT_NAME] != NULL)
        (void)json_object_set_new(body, "name", json_string(cli->opt[FL_OPT_NAME]));
    r = fl_cli_call(cli, "POST",
                    fl_cli_path(&path, "/api/v1/tenants/", cli->arg[0], "/departments", NULL), body,
                    &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Department %s of tenant %s is there.\n", cli->arg[1],
                       cli->arg[0]);
}

int fl_cli_department_remove(struct fl_cli *cli)
{
    struct fl_cli_path path;
    json_t *answer = NULL;
    int r = fl_cli_call(
        cli, "DELETE",
        fl_cli_path(&path, "/api/v1/tenants/", cli->arg[0], "/departments/", cli->arg[1], NULL),
        NULL, &answer);

    return fl_cli_done(cli, r, answer, "Department %s of tenant %s is removed.\n", cli->arg[1],
                       cli->arg[0]);
}
