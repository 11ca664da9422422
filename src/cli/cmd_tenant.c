#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/people.h"

#define TENANTS "/api/v1/tenants"

/* Options that become members of the request, by kind. */
static int put_settings(struct fl_cli *cli, json_t *body)
{
    struct fl_err err;
    uint64_t number;

    if (cli->opt[FL_OPT_NAME] != NULL)
        (void)json_object_set_new(body, "name", json_string(cli->opt[FL_OPT_NAME]));
    if (cli->opt[FL_OPT_FAR_ZONES] != NULL)
        (void)json_object_set_new(body, "far_zones", json_string(cli->opt[FL_OPT_FAR_ZONES]));
    if (cli->opt[FL_OPT_FAR_INSTANCES] != NULL)
        (void)json_object_set_new(body, "far_instances",
                                  json_string(cli->opt[FL_OPT_FAR_INSTANCES]));
    if (cli->opt[FL_OPT_DEMO] != NULL)
        (void)json_object_set_new(body, "demo", json_boolean(fl_cli_flag(cli, FL_OPT_DEMO)));
    if (cli->opt[FL_OPT_KEEP_DAYS] != NULL) {
        if (fl_args_number("--keep-days", cli->opt[FL_OPT_KEEP_DAYS], 1, 30, &number, &err) < 0)
            return fl_cli_fail(&err);
        (void)json_object_set_new(body, "keep_days", json_integer((json_int_t)number));
    }
    if (cli->opt[FL_OPT_QUOTA] != NULL) {
        if (!fl_unit_parse_bytes(fl_span_str(cli->opt[FL_OPT_QUOTA]), &number) ||
            number > INT64_MAX)
            return fl_cli_usage("--quota is a size such as 20G or 500M (0 = no limit), not '%.60s'",
                                cli->opt[FL_OPT_QUOTA]);
        (void)json_object_set_new(body, "quota_bytes", json_integer((json_int_t)number));
    }
    return FL_EXIT_OK;
}

static void quota_text(const json_t *tenant, char text[FL_UNIT_TEXT_BYTES])
{
    uint64_t quota = fl_js_num(tenant, "quota_bytes");

    if (quota == 0)
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "none");
    else
        fl_unit_bytes(quota, text);
}

/* "demo", "until 2026-11-21 20:04:31", or "off". */
static void access_text(const struct fl_cli *cli, const json_t *tenant, char *text, size_t size)
{
    char at[FL_UNIT_TEXT_BYTES];
    int64_t until;

    if (fl_js_bool(tenant, "demo")) {
        (void)snprintf(text, size, "open (demonstration)");
    } else if (fl_js_time(tenant, "local_access_until", &until) && until > cli->now_us) {
        fl_zone_time(until, at);
        (void)snprintf(text, size, "until %s", at);
    } else {
        (void)snprintf(text, size, "off");
    }
}

static int run_list(struct fl_cli *cli)
{
    static const struct fl_table_column columns[] = {
        {"tenant", false, true, 0},       {"name", false, true, 3}, {"sites", true, false, 0},
        {"devices", true, false, 0},      {"kept", true, false, 0}, {"quota", true, false, 2},
        {"local access", false, true, 1},
    };
    char text[2 * FL_UNIT_TEXT_BYTES];
    json_t *answer = NULL, *item;
    struct fl_table *table;
    size_t i;
    int r = fl_cli_list(cli, TENANTS, &answer);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
    } else if (json_array_size(json_object_get(answer, "items")) == 0) {
        (void)printf("No tenant yet. fairlead tenant add NAME makes one.\n");
    } else if ((table = fl_table_new(&cli->term, columns, FL_LEN(columns))) != NULL) {
        json_array_foreach(json_object_get(answer, "items"), i, item)
        {
            fl_table_text(table, fl_js_text(item, "slug"));
            fl_table_text(table, fl_js_text(item, "name"));
            fl_cli_count(table, fl_js_num(item, "sites"));
            fl_cli_count(table, fl_js_num(item, "devices"));
            (void)snprintf(text, sizeof text, "%u d", (unsigned)fl_js_num(item, "keep_days"));
            fl_table_text(table, text);
            quota_text(item, text);
            fl_table_text(table, text);
            access_text(cli, item, text, sizeof text);
            fl_table_text(table, text);
        }
        r = fl_cli_print(table);
    }
    json_decref(answer);
    return r;
}

static int run_add(struct fl_cli *cli)
{
    json_t *body = json_object(), *answer = NULL;
    const char *slug = cli->arg[0];
    int r = put_settings(cli, body);

    (void)json_object_set_new(body, "slug", json_string(slug));
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "POST", TENANTS, body, &answer);
    if (r == FL_EXIT_OK && fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(answer);
    else if (r == FL_EXIT_OK)
        (void)printf("Tenant %s is there; its logs are kept for %u days.\n"
                     "Next: fairlead site add %s/SITE, then fairlead device add %s/DEVICE --site "
                     "SITE\n",
                     slug, (unsigned)fl_js_num(answer, "keep_days"), slug, slug);
    json_decref(answer);
    json_decref(body);
    return r;
}

static void show_data(struct fl_cli *cli, const json_t *tenant)
{
    const json_t *data = json_object_get(tenant, "data");
    char rows[FL_UNIT_TEXT_BYTES], bytes[FL_UNIT_TEXT_BYTES];

    if (!json_is_object(data)) {
        fl_cli_pair(cli, "data", "not known: the log store does not answer");
        return;
    }
    fl_unit_count(fl_js_num(data, "rows"), rows);
    fl_unit_bytes(fl_js_num(data, "bytes"), bytes);
    if (fl_js_num(data, "rows") == 0)
        fl_cli_pair(cli, "data", "none yet");
    else
        fl_cli_pair(cli, "data", "%s rows, %s on disk, %s to %s", rows, bytes,
                    fl_js_text(data, "oldest_day"), fl_js_text(data, "newest_day"));
    if (json_is_integer(json_object_get(data, "used_percent")))
        fl_cli_pair(cli, "of the quota", "%u %%", (unsigned)fl_js_num(data, "used_percent"));
    if (fl_js_num(data, "taken_days") > 0) {
        fl_unit_bytes(fl_js_num(data, "taken_bytes"), bytes);
        fl_cli_pair(cli, "taken", "%u days, %s, since the store began; the latest %s",
                    (unsigned)fl_js_num(data, "taken_days"), bytes, fl_js_text(data, "taken_day"));
    }
}

static int run_show(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char text[2 * FL_UNIT_TEXT_BYTES];
    json_t *t;
    int r = fl_cli_call(cli, "GET", fl_cli_path(&path, TENANTS "/", cli->arg[0], NULL), NULL, &t);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(t);
    } else {
        fl_cli_pair(cli, "tenant", "%s", fl_js_text(t, "slug"));
        fl_cli_pair(cli, "name", "%s", fl_js_text(t, "name"));
        fl_cli_pair(cli, "sites, devices", "%u, %u", (unsigned)fl_js_num(t, "sites"),
                    (unsigned)fl_js_num(t, "devices"));
        fl_cli_pair(cli, "logs kept", "%u days", (unsigned)fl_js_num(t, "keep_days"));
        quota_text(t, text);
        fl_cli_pair(cli, "quota", "%s", text);
        show_data(cli, t);
        access_text(cli, t, text, sizeof text);
        fl_cli_pair(cli, "local access", "%s", text);
        fl_cli_pair(cli, "own CA", "%s", fl_js_bool(t, "ca") ? "yes" : "no");
        if (fl_js_text(t, "far_zones")[0] != '\0')
            fl_cli_pair(cli, "far zones", "%s", fl_js_text(t, "far_zones"));
        if (fl_js_text(t, "far_instances")[0] != '\0')
            fl_cli_pair(cli, "far instances", "%s", fl_js_text(t, "far_instances"));
        fl_cli_when(cli, t, "created_at", false, text);
        fl_cli_pair(cli, "since", "%s", text);
    }
    json_decref(t);
    return FL_EXIT_OK;
}

/* --local-access 8h|off: a request of its own, because it is a grant and not a setting. */
static int set_access(struct fl_cli *cli)
{
    const char *typed = cli->opt[FL_OPT_LOCAL_ACCESS];
    struct fl_cli_path path;
    char text[2 * FL_UNIT_TEXT_BYTES];
    json_t *body, *answer = NULL;
    int64_t us = 0;
    int r;

    if (strcmp(typed, "off") != 0 &&
        (!fl_duration_parse(fl_span_str(typed), &us) || us < 60 * FL_US_PER_S))
        return fl_cli_usage("--local-access is a time of at least 1m, such as 8h, or off; not "
                            "'%.60s'",
                            typed);
    body = json_pack("{s:f}", "hours", (double)us / 3.6e9);
    r = fl_cli_call(cli, "POST",
                    fl_cli_path(&path, TENANTS "/", cli->arg[0], "/local-access", NULL), body,
                    &answer);
    json_decref(body);
    if (r != FL_EXIT_OK)
        return r;
    access_text(cli, answer, text, sizeof text);
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(answer);
    else
        (void)printf("Local access to the logs of %s: %s. The tenant's record shows it.\n",
                     cli->arg[0], text);
    json_decref(answer);
    return FL_EXIT_OK;
}

static int run_set(struct fl_cli *cli)
{
    json_t *body = json_object(), *answer = NULL;
    struct fl_cli_path path;
    int r = put_settings(cli, body);

    if (r == FL_EXIT_OK && json_object_size(body) == 0 && cli->opt[FL_OPT_LOCAL_ACCESS] == NULL)
        r = fl_cli_usage("nothing to set; fairlead tenant set -h shows what there is");
    if (r == FL_EXIT_OK && json_object_size(body) > 0) {
        r = fl_cli_call(cli, "PATCH", fl_cli_path(&path, TENANTS "/", cli->arg[0], NULL), body,
                        &answer);
        if (r == FL_EXIT_OK && fl_cli_flag(cli, FL_OPT_JSON))
            fl_js_line(answer);
        else if (r == FL_EXIT_OK)
            (void)printf("Tenant %s is changed.\n", cli->arg[0]);
    }
    if (r == FL_EXIT_OK && cli->opt[FL_OPT_LOCAL_ACCESS] != NULL)
        r = set_access(cli);
    json_decref(answer);
    json_decref(body);
    return r;
}

static int run_remove(struct fl_cli *cli)
{
    const char *slug = cli->arg[0];
    struct fl_cli_path path;
    json_t *answer = NULL;
    int r;

    if (!fl_cli_sure(cli,
                     "Tenant %.63s, its sites, devices and certificates, and ALL its logs will be "
                     "destroyed; no backup opens them afterwards.",
                     slug))
        return FL_EXIT_USAGE;
    r = fl_cli_call(cli, "DELETE", fl_cli_path(&path, TENANTS "/", slug, "?confirm=", slug, NULL),
                    NULL, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(answer);
    } else {
        char rows[FL_UNIT_TEXT_BYTES];

        fl_unit_count(fl_js_num(answer, "rows"), rows);
        (void)printf("Tenant %s is removed: %s rows in %u files, %u keys destroyed (epoch %u).\n",
                     slug, rows, (unsigned)fl_js_num(answer, "files"),
                     (unsigned)fl_js_num(answer, "keys"), (unsigned)fl_js_num(answer, "epoch"));
    }
    json_decref(answer);
    return FL_EXIT_OK;
}

static int run_ca_set(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf pem;
    struct fl_cli_path path;
    struct fl_err err;
    json_t *body, *answer = NULL;
    int r;

    fl_buf_init(&pem, (size_t)64 * 1024);
    if (fl_cli_read(cli->arg[1], &pem, &err) < 0)
        return fl_cli_fail(&err);
    body = json_pack("{s:s%}", "ca_pem", pem.ptr == NULL ? "" : (const char *)pem.ptr, pem.len);
    if (body == NULL)
        return fl_cli_usage("%.200s is not PEM text", cli->arg[1]);
    r = fl_cli_call(cli, "PUT", fl_cli_path(&path, TENANTS "/", cli->arg[0], "/ca", NULL), body,
                    &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer,
                       "Certificates of this CA are now accepted as senders of tenant %s.\n",
                       cli->arg[0]);
}

static int run_ca_remove(struct fl_cli *cli)
{
    struct fl_cli_path path;
    json_t *answer = NULL;
    int r;

    if (!fl_cli_sure(cli,
                     "Senders of tenant %.63s that only its own CA vouches for will be cut "
                     "off.",
                     cli->arg[0]))
        return FL_EXIT_USAGE;
    r = fl_cli_call(cli, "DELETE", fl_cli_path(&path, TENANTS "/", cli->arg[0], "/ca", NULL), NULL,
                    &answer);
    if (r == FL_EXIT_OK && !fl_cli_flag(cli, FL_OPT_JSON))
        (void)printf("Tenant %s has no CA of its own any more.\n", cli->arg[0]);
    json_decref(answer);
    return r;
}

#define SETTINGS                                                                                   \
    (FL_OPT_BIT(NAME) | FL_OPT_BIT(KEEP_DAYS) | FL_OPT_BIT(QUOTA) | FL_OPT_BIT(DEMO) |             \
     FL_OPT_BIT(FAR_ZONES) | FL_OPT_BIT(FAR_INSTANCES))

const struct fl_command fl_cmd_tenant[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_SERVER,
     "the tenants: whose logs are kept, and for how long",
     NULL,
     {"fairlead tenant list", "fairlead tenant list --json | jq -r .slug"},
     run_list},
    {"add",
     "TENANT",
     1,
     1,
     FL_OPTS_SERVER | SETTINGS,
     "make a tenant",
     "TENANT is its id everywhere: lower-case letters, digits and '-'; it stays.",
     {"fairlead tenant add acme --name 'Acme Ltd' --keep-days 14",
      "fairlead tenant add lab --demo --quota 2G"},
     run_add},
    {"show",
     "TENANT",
     1,
     1,
     FL_OPTS_SERVER,
     "one tenant, with what is stored of it",
     NULL,
     {"fairlead tenant show acme", "fairlead tenant show acme --json | jq .data"},
     run_show},
    {"set",
     "TENANT",
     1,
     1,
     FL_OPTS_SERVER | SETTINGS | FL_OPT_BIT(LOCAL_ACCESS),
     "change settings; grant or end local access",
     "--local-access lets the operator at this machine read the tenant's logs for so long. It is\n"
     "recorded. Fewer days kept means that older days are destroyed at once.",
     {"fairlead tenant set acme --local-access 8h",
      "fairlead tenant set acme --keep-days 30 --quota 50G"},
     run_set},
    {"remove",
     "TENANT",
     1,
     1,
     FL_OPTS_SERVER | FL_OPT_BIT(YES),
     "remove a tenant and destroy its logs",
     NULL,
     {"fairlead tenant remove acme", "fairlead tenant remove lab --yes"},
     run_remove},
    {"ca set",
     "TENANT FILE",
     2,
     2,
     FL_OPTS_SERVER,
     "accept senders by the tenant's own CA",
     NULL,
     {"fairlead tenant ca set acme acme-ca.pem", "fairlead tenant ca set acme - < ca.pem"},
     run_ca_set},
    {"ca remove",
     "TENANT",
     1,
     1,
     FL_OPTS_SERVER | FL_OPT_BIT(YES),
     "accept its own CA no longer",
     NULL,
     {"fairlead tenant ca remove acme", "fairlead tenant ca remove acme --yes"},
     run_ca_remove},
    {"department list",
     "TENANT",
     1,
     1,
     FL_OPTS_SERVER,
     "the departments of a tenant",
     NULL,
     {"fairlead tenant department list acme", "fairlead tenant department list acme --json"},
     fl_cli_department_list},
    {"department add",
     "TENANT DEPARTMENT",
     2,
     2,
     FL_OPTS_SERVER | FL_OPT_BIT(NAME),
     "make a department",
     NULL,
     {"fairlead tenant department add acme it --name 'Information technology'",
      "fairlead tenant department add acme sales"},
     fl_cli_department_add},
    {"department remove",
     "TENANT DEPARTMENT",
     2,
     2,
     FL_OPTS_SERVER,
     "remove a department that nobody belongs to",
     NULL,
     {"fairlead tenant department remove acme it",
      "fairlead tenant department remove acme sales --json"},
     fl_cli_department_remove},
};
const size_t fl_cmd_tenant_count = FL_LEN(fl_cmd_tenant);
