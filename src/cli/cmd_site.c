#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

static const char *sites(struct fl_cli_path *path, const char *tenant, const char *site)
{
    return site == NULL ? fl_cli_path(path, "/api/v1/tenants/", tenant, "/sites", NULL)
                        : fl_cli_path(path, "/api/v1/tenants/", tenant, "/sites/", site, NULL);
}

/* LAT,LON as numbers; what is none the server refuses with what would be right. */
static int put_place(json_t *body, const char *text)
{
    char *end = NULL;
    double lat = strtod(text, &end), lon = 0;
    bool ok = end != text && *end == ',';

    if (ok) {
        text = end + 1;
        lon = strtod(text, &end);
        ok = end != text && *end == '\0';
    }
    if (!ok)
        return fl_cli_usage("--place is LAT,LON in degrees, such as 52.52,13.405");
    (void)json_object_set_new(body, "lat", json_real(lat));
    (void)json_object_set_new(body, "lon", json_real(lon));
    return FL_EXIT_OK;
}

static int put_settings(struct fl_cli *cli, json_t *body)
{
    if (cli->opt[FL_OPT_NAME] != NULL)
        (void)json_object_set_new(body, "name", json_string(cli->opt[FL_OPT_NAME]));
    if (cli->opt[FL_OPT_COUNTRY] != NULL)
        (void)json_object_set_new(body, "country", json_string(cli->opt[FL_OPT_COUNTRY]));
    if (cli->opt[FL_OPT_CITY] != NULL)
        (void)json_object_set_new(body, "city", json_string(cli->opt[FL_OPT_CITY]));
    return cli->opt[FL_OPT_PLACE] == NULL ? FL_EXIT_OK : put_place(body, cli->opt[FL_OPT_PLACE]);
}

static int list(struct fl_cli *cli, const json_t *answer, const char *tenant)
{
    static const struct fl_table_column columns[] = {
        {"site", false, true, 0},
        {"name", false, true, 1},
        {"country", false, false, 2},
        {"devices", true, false, 0},
    };
    const json_t *items = json_object_get(answer, "items"), *item;
    struct fl_table *table;
    size_t i;

    if (json_array_size(items) == 0) {
        (void)printf("Tenant %s has no site yet. fairlead site add %s/SITE makes one.\n", tenant,
                     tenant);
        return FL_EXIT_OK;
    }
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(items, i, item)
    {
        if (table == NULL)
            break;
        fl_table_text(table, fl_js_text(item, "slug"));
        fl_table_text(table, fl_js_text(item, "name"));
        fl_table_text(table, fl_js_text(item, "country"));
        fl_cli_count(table, fl_js_num(item, "devices"));
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
        r = fl_cli_list(cli, sites(&path, tenant, NULL), &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else
        r = list(cli, answer, tenant);
    json_decref(answer);
    return r;
}

static int run_add(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64], site[64];
    json_t *body, *answer = NULL;
    int r = fl_cli_split(cli, cli->arg[0], tenant, site);

    if (r != FL_EXIT_OK)
        return r;
    body = json_pack("{s:s}", "slug", site);
    r = put_settings(cli, body);
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "POST", sites(&path, tenant, NULL), body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer,
                       "Site %s of tenant %s is there.\n"
                       "Next: fairlead device add %s/DEVICE --site %s\n",
                       site, tenant, tenant, site);
}

static int run_show(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64], site[64], text[2 * FL_UNIT_TEXT_BYTES];
    json_t *s;
    int r = fl_cli_split(cli, cli->arg[0], tenant, site);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "GET", sites(&path, tenant, site), NULL, &s);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(s);
    } else {
        fl_cli_pair(cli, "site", "%s/%s", tenant, fl_js_text(s, "slug"));
        fl_cli_pair(cli, "name", "%s", fl_js_text(s, "name"));
        fl_cli_pair(cli, "country", "%s", fl_js_text(s, "country"));
        fl_cli_pair(cli, "city", "%s", fl_js_text(s, "city"));
        if (json_is_number(json_object_get(s, "lat")))
            fl_cli_pair(cli, "place", "%g,%g", json_number_value(json_object_get(s, "lat")),
                        json_number_value(json_object_get(s, "lon")));
        fl_cli_pair(cli, "devices", "%u", (unsigned)fl_js_num(s, "devices"));
        fl_cli_when(cli, s, "created_at", false, text);
        fl_cli_pair(cli, "since", "%s", text);
    }
    json_decref(s);
    return FL_EXIT_OK;
}

static int run_set(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64], site[64];
    json_t *body = json_object(), *answer = NULL;
    int r = put_settings(cli, body);

    if (r != FL_EXIT_OK)
        ;
    else if (json_object_size(body) == 0)
        r = fl_cli_usage("nothing to set; fairlead site set -h shows what there is");
    else
        r = fl_cli_split(cli, cli->arg[0], tenant, site);
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "PATCH", sites(&path, tenant, site), body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Site %s/%s is changed.\n", tenant, site);
}

static int run_remove(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64], site[64];
    json_t *answer = NULL;
    int r = fl_cli_split(cli, cli->arg[0], tenant, site);

    if (r != FL_EXIT_OK)
        return r;
    if (!fl_cli_sure(cli, "Site %s/%s will be removed; its logs stay.", tenant, site))
        return FL_EXIT_USAGE;
    r = fl_cli_call(cli, "DELETE", sites(&path, tenant, site), NULL, &answer);
    if (r == FL_EXIT_OK && !fl_cli_flag(cli, FL_OPT_JSON))
        (void)printf("Site %s/%s is removed.\n", tenant, site);
    json_decref(answer);
    return r;
}

#define SETTINGS (FL_OPT_BIT(NAME) | FL_OPT_BIT(COUNTRY) | FL_OPT_BIT(CITY) | FL_OPT_BIT(PLACE))

const struct fl_command fl_cmd_site[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "the sites of a tenant",
     NULL,
     {"fairlead site list --tenant acme", "fairlead site list --json | jq -r .slug"},
     run_list},
    {"add",
     "[TENANT/]SITE",
     1,
     1,
     FL_OPTS_TENANT | SETTINGS,
     "make a site",
     NULL,
     {"fairlead site add acme/berlin --name 'Berlin, Alexanderplatz' --country DE",
      "fairlead site add berlin --tenant acme"},
     run_add},
    {"show",
     "[TENANT/]SITE",
     1,
     1,
     FL_OPTS_TENANT,
     "one site",
     NULL,
     {"fairlead site show acme/berlin", "fairlead site show berlin --json"},
     run_show},
    {"set",
     "[TENANT/]SITE",
     1,
     1,
     FL_OPTS_TENANT | SETTINGS,
     "change a site's settings",
     NULL,
     {"fairlead site set acme/berlin --name 'Berlin Mitte'",
      "fairlead site set berlin --country DE"},
     run_set},
    {"remove",
     "[TENANT/]SITE",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(YES),
     "remove a site that has no devices",
     NULL,
     {"fairlead site remove acme/berlin", "fairlead site remove berlin --yes"},
     run_remove},
};
const size_t fl_cmd_site_count = FL_LEN(fl_cmd_site);
