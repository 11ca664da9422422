/* fairlead token: how programs sign in. */
#include <stdio.h>

#include "cli/people.h"

static int list(struct fl_cli *cli, const json_t *answer)
{
    static const struct fl_table_column columns[] = {
        {"token", false, true, 0},    {"of", false, true, 1},         {"roles", false, true, 0},
        {"expires", false, false, 0}, {"last used", false, false, 2},
    };
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[2 * FL_UNIT_TEXT_BYTES], roles[400];
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        if (table == NULL)
            break;
        fl_table_text(table, fl_js_text(item, "name"));
        fl_table_text(table, fl_js_text(item, "user"));
        fl_cli_join(json_object_get(item, "roles"), roles, sizeof roles);
        fl_table_text(table, roles);
        fl_cli_when(cli, item, "expires", false, text);
        fl_table_text(table, text);
        fl_cli_when(cli, item, "last_used", true, text);
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
        r = fl_cli_list(cli, fl_cli_people_path(&whose, "tokens", NULL, "", &path), &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else if (json_array_size(json_object_get(answer, "items")) == 0)
        (void)printf("No token of %s yet. fairlead token add NAME --user USER --role ROLE makes "
                     "one.\n",
                     fl_cli_whose_text(&whose, text));
    else
        r = list(cli, answer);
    json_decref(answer);
    return r;
}

static int run_add(struct fl_cli *cli)
{
    struct fl_cli_whose whose;
    struct fl_cli_path path;
    json_t *body, *token = NULL;
    uint64_t days = 0;
    struct fl_err err;
    int r = fl_cli_whose(cli, cli->arg[0], &whose);

    if (r == FL_EXIT_OK && cli->opt[FL_OPT_ROLE] == NULL)
        r = fl_cli_usage("--role is missing; fairlead role list shows what there is");
    if (r == FL_EXIT_OK && cli->opt[FL_OPT_DAYS] != NULL &&
        fl_args_number("--days", cli->opt[FL_OPT_DAYS], 1, 365, &days, &err) < 0)
        r = fl_cli_fail(&err);
    if (r != FL_EXIT_OK)
        return r;
    body = json_pack("{s:s,s:o}", "name", whose.name, "roles", fl_cli_words(cli->opt[FL_OPT_ROLE]));
    if (cli->opt[FL_OPT_USER] != NULL)
        (void)json_object_set_new(body, "user", json_string(cli->opt[FL_OPT_USER]));
    if (days > 0)
        (void)json_object_set_new(body, "days", json_integer((json_int_t)days));
    r = fl_cli_call(cli, "POST", fl_cli_people_path(&whose, "tokens", NULL, "", &path), body,
                    &token);
    json_decref(body);
    if (r == FL_EXIT_OK && fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(token);
    else if (r == FL_EXIT_OK)
        (void)printf("Token %s is there until %s; it is shown only now:\n%s\n", whose.name,
                     fl_js_text(token, "expires"), fl_js_text(token, "token"));
    json_decref(token);
    return r;
}

static int run_remove(struct fl_cli *cli)
{
    return fl_cli_people_remove(cli, "tokens", "Token", "will not open anything any more.");
}

const struct fl_command fl_cmd_token[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "API tokens of the operator's staff, or of a tenant's users",
     NULL,
     {"fairlead token list", "fairlead token list --tenant acme"},
     run_list},
    {"add",
     "[TENANT/]TOKEN",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(ROLE) | FL_OPT_BIT(USER) | FL_OPT_BIT(DAYS),
     "make an API token; shows it once",
     "It may what its roles say, and never more than its user.",
     {"fairlead token add acme/export --user anna --role viewer --days 30",
      "fairlead token add watch --user admin --role auditor"},
     run_add},
    {"remove",
     "[TENANT/]TOKEN",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(YES),
     "end a token",
     NULL,
     {"fairlead token remove acme/export", "fairlead token remove watch --yes"},
     run_remove},
};
const size_t fl_cmd_token_count = FL_LEN(fl_cmd_token);
