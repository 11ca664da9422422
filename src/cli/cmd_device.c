#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/cli.h"
#include "cli/device.h"

const char *fl_device_path(struct fl_cli_path *path, const char *tenant, const char *device)
{
    return device == NULL
               ? fl_cli_path(path, "/api/v1/tenants/", tenant, "/devices", NULL)
               : fl_cli_path(path, "/api/v1/tenants/", tenant, "/devices/", device, NULL);
}

static void put_settings(struct fl_cli *cli, json_t *body)
{
    static const struct {
        enum fl_opt opt;
        const char *member;
    } texts[] = {{FL_OPT_NAME, "name"}, {FL_OPT_SITE, "site"}, {FL_OPT_HOST, "host"}};

    for (size_t i = 0; i < FL_LEN(texts); i++)
        if (cli->opt[texts[i].opt] != NULL)
            (void)json_object_set_new(body, texts[i].member, json_string(cli->opt[texts[i].opt]));
    if (cli->opt[FL_OPT_RELAY] != NULL)
        (void)json_object_set_new(body, "relay", json_boolean(fl_cli_flag(cli, FL_OPT_RELAY)));
}

static void certificate_text(const struct fl_cli *cli, const json_t *device, char *text,
                             size_t size)
{
    const json_t *one;
    unsigned good = 0, revoked = 0, over = 0;
    int64_t until;
    size_t i;

    json_array_foreach(json_object_get(device, "certificates"), i, one)
    {
        if (fl_js_text(one, "revoked_at")[0] != '\0')
            revoked++;
        else if (fl_js_time(one, "not_after", &until) && until <= cli->now_us)
            over++;
        else
            good++;
    }
    if (good > 0)
        (void)snprintf(text, size, "%u", good);
    else
        (void)snprintf(text, size, "%s", over > 0 ? "expired" : revoked > 0 ? "revoked" : "none");
}

static void list_row(struct fl_cli *cli, struct fl_table *table, const json_t *d)
{
    const json_t *live = json_object_get(d, "live");
    char text[2 * FL_UNIT_TEXT_BYTES];
    int64_t at;

    fl_table_text(table, fl_js_text(d, "slug"));
    fl_table_text(table, fl_js_text(d, "name"));
    fl_table_text(table, fl_js_text(d, "site"));
    certificate_text(cli, d, text, sizeof text);
    fl_table_text(table, text);
    fl_cli_count(table, fl_js_num(live, "open"));
    if (fl_js_time(live, "last_at", &at))
        fl_unit_ago(at, cli->now_us, text);
    else
        (void)snprintf(text, sizeof text, "never");
    fl_table_text(table, text);
    fl_cli_count(table, fl_js_num(live, "lines"));
    fl_table_text(table, fl_js_bool(d, "relay") ? "relay" : "");
}

static int run_list(struct fl_cli *cli)
{
    static const struct fl_table_column columns[] = {
        {"device", false, true, 0},       {"name", false, true, 3}, {"site", false, true, 0},
        {"certificates", true, false, 1}, {"open", true, false, 0}, {"last line", true, false, 0},
        {"lines", true, false, 0},        {"", false, false, 2},
    };
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL, *item;
    struct fl_table *table;
    size_t i;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, fl_device_path(&path, tenant, NULL), &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
    } else if (json_array_size(json_object_get(answer, "items")) == 0) {
        (void)printf("Tenant %s has no device yet. fairlead device add %s/DEVICE --site SITE makes "
                     "one.\n",
                     tenant, tenant);
    } else if ((table = fl_table_new(&cli->term, columns, FL_LEN(columns))) != NULL) {
        json_array_foreach(json_object_get(answer, "items"), i, item) list_row(cli, table, item);
        r = fl_cli_print(table);
    }
    json_decref(answer);
    return r;
}

static int run_add(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64], device[64];
    json_t *body, *answer = NULL;
    int r;

    if (cli->opt[FL_OPT_SITE] == NULL)
        return fl_cli_usage("--site is missing: at which site does it stand? fairlead site list "
                            "shows them");
    r = fl_cli_split(cli, cli->arg[0], tenant, device);
    if (r != FL_EXIT_OK)
        return r;
    body = json_pack("{s:s}", "slug", device);
    put_settings(cli, body);
    r = fl_cli_call(cli, "POST", fl_device_path(&path, tenant, NULL), body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer,
                       "Device %s of tenant %s is there.\n"
                       "Next: fairlead device cert issue %s/%s --out %s\n",
                       device, tenant, tenant, device, device);
}

static void pair_count(struct fl_cli *cli, const char *name, const json_t *live, const char *key,
                       const char *meaning)
{
    char text[FL_UNIT_TEXT_BYTES];

    fl_unit_count(fl_js_num(live, key), text);
    fl_cli_pair(cli, name, "%s%s%s", text, meaning[0] == '\0' ? "" : "  ", meaning);
}

static void show_live(struct fl_cli *cli, const json_t *live)
{
    char text[2 * FL_UNIT_TEXT_BYTES], lines[FL_UNIT_TEXT_BYTES];

    fl_cli_when(cli, live, "last_at", true, text);
    fl_cli_pair(cli, "last line", "%s", text);
    if (fl_js_num(live, "lines") == 0)
        return;
    fl_unit_span(fl_js_int(live, "skew_us") / 1000 * 1000, text);
    fl_cli_pair(cli, "clock skew", "%s%s", text,
                fl_js_int(live, "skew_us") < 0 ? "  its clock is behind ours" : "");
    fl_unit_count(fl_js_num(live, "lines"), lines);
    fl_unit_bytes(fl_js_num(live, "bytes"), text);
    fl_cli_pair(cli, "lines", "%s, %s", lines, text);
    pair_count(cli, "accepted", live, "accepted", "synced to disk");
    pair_count(cli, "behind", live, "in_flight", "received, not yet synced");
    pair_count(cli, "lost", live, "lost", "received, never accepted: a connection or a role ended");
    pair_count(cli, "dropped", live, "dropped", "datagrams the kernel dropped");
    pair_count(cli, "unparsed", live, "unparsed", "kept whole, not understood");
    pair_count(cli, "kept raw", live, "raw_kept", "understood, kept whole as well");
    pair_count(cli, "framing repaired", live, "repaired", "wrong, missing or split counts");
    pair_count(cli, "truncated", live, "truncated", "longer than line_max");
    pair_count(cli, "clock off", live, "clock_off", "device time over a day from ours");
    pair_count(cli, "connects", live, "connects", "");
    fl_unit_span(fl_js_int(live, "gap_us"), text);
    fl_unit_count(fl_js_num(live, "gaps"), lines);
    fl_cli_pair(cli, "gaps", "%s, longest silence %s", lines, text);
}

static int show_connections(struct fl_cli *cli, const json_t *device)
{
    static const struct fl_table_column columns[] = {
        {"connection from", false, true, 0}, {"listener", false, false, 1},
        {"since", false, false, 0},          {"received", true, false, 0},
        {"accepted", true, false, 0},
    };
    const json_t *items = json_object_get(device, "connections"), *one;
    char text[2 * FL_UNIT_TEXT_BYTES];
    struct fl_table *table;
    size_t i;

    if (json_array_size(items) == 0)
        return FL_EXIT_OK;
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(items, i, one)
    {
        if (table == NULL)
            break;
        fl_table_text(table, fl_js_text(one, "address"));
        fl_table_text(table, fl_js_text(one, "listener"));
        fl_cli_when(cli, one, "since", false, text);
        fl_table_text(table, text);
        fl_cli_count(table, fl_js_num(one, "received"));
        fl_cli_count(table, fl_js_num(one, "accepted"));
    }
    (void)printf("\n");
    return fl_cli_print(table);
}

static void certificate_row(struct fl_cli *cli, struct fl_table *table, const json_t *one)
{
    char text[2 * FL_UNIT_TEXT_BYTES];
    int64_t until;
    bool over = fl_js_time(one, "not_after", &until) && until <= cli->now_us;
    bool revoked = fl_js_text(one, "revoked_at")[0] != '\0';

    fl_table_text(table, fl_js_text(one, "fingerprint"));
    fl_table_text(table, revoked ? "revoked" : over ? "expired" : "good");
    fl_table_ink(table, revoked || over ? FL_INK_WARN : FL_INK_GOOD);
    fl_table_text(table, fl_js_text(one, "origin"));
    fl_cli_when(cli, one, "not_after", false, text);
    fl_table_text(table, text);
}

static int show_certificates(struct fl_cli *cli, const json_t *device)
{
    static const struct fl_table_column columns[] = {
        {"certificate (SHA-256)", false, true, 0},
        {"state", false, false, 0},
        {"origin", false, false, 2},
        {"until", false, false, 1},
    };
    const json_t *items = json_object_get(device, "certificates"), *one;
    struct fl_table *table;
    size_t i;

    if (json_array_size(items) == 0) {
        (void)printf("\nNo certificate yet: it cannot connect. fairlead device cert issue -h\n");
        return FL_EXIT_OK;
    }
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(items, i, one)
    {
        if (table != NULL)
            certificate_row(cli, table, one);
    }
    (void)printf("\n");
    return fl_cli_print(table);
}

static int run_show(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64], device[64];
    json_t *d;
    int r = fl_cli_split(cli, cli->arg[0], tenant, device);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "GET", fl_device_path(&path, tenant, device), NULL, &d);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(d);
    } else {
        const char *host = fl_js_text(d, "host");

        fl_cli_pair(cli, "device", "%s/%s", tenant, fl_js_text(d, "slug"));
        fl_cli_pair(cli, "name", "%s", fl_js_text(d, "name"));
        fl_cli_pair(cli, "site", "%s", fl_js_text(d, "site"));
        fl_cli_pair(cli, "HOSTNAME", "%s", host[0] == '\0' ? fl_js_text(d, "slug") : host);
        if (fl_js_bool(d, "relay"))
            fl_cli_pair(cli, "relay", "yes: HOSTNAME of a line chooses the device");
        show_live(cli, json_object_get(d, "live"));
        r = show_connections(cli, d);
        if (r == FL_EXIT_OK)
            r = show_certificates(cli, d);
    }
    json_decref(d);
    return r;
}

static int run_set(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64], device[64];
    json_t *body = json_object(), *answer = NULL;
    int r;

    put_settings(cli, body);
    if (json_object_size(body) == 0)
        r = fl_cli_usage("nothing to set; fairlead device set -h shows what there is");
    else
        r = fl_cli_split(cli, cli->arg[0], tenant, device);
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "PATCH", fl_device_path(&path, tenant, device), body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Device %s/%s is changed.\n", tenant, device);
}

static int run_remove(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64], device[64];
    json_t *answer = NULL;
    int r = fl_cli_split(cli, cli->arg[0], tenant, device);

    if (r != FL_EXIT_OK)
        return r;
    if (!fl_cli_sure(cli,
                     "Device %s/%s will be removed, its certificates refused, its connections "
                     "ended; its logs stay.",
                     tenant, device))
        return FL_EXIT_USAGE;
    r = fl_cli_call(cli, "DELETE", fl_device_path(&path, tenant, device), NULL, &answer);
    if (r == FL_EXIT_OK && !fl_cli_flag(cli, FL_OPT_JSON))
        (void)printf("Device %s/%s is removed.\n", tenant, device);
    json_decref(answer);
    return r;
}

static void rogue_row(struct fl_cli *cli, struct fl_table *table, const json_t *one)
{
    char text[2 * FL_UNIT_TEXT_BYTES];

    fl_cli_when(cli, one, "at", false, text);
    fl_table_text(table, text);
    fl_table_text(table, fl_js_text(one, "address"));
    fl_table_text(table, fl_js_text(one, "subject"));
    fl_table_text(table, fl_js_text(one, "reason"));
    fl_cli_count(table, fl_js_num(one, "count"));
    fl_table_text(table, fl_js_text(one, "fingerprint"));
}

static int run_rogues(struct fl_cli *cli)
{
    static const struct fl_table_column columns[] = {
        {"last seen", false, false, 0},  {"from", false, true, 0},  {"certificate", false, true, 2},
        {"why refused", false, true, 0}, {"times", true, false, 0}, {"SHA-256", false, true, 3},
    };
    json_t *answer = NULL, *item;
    struct fl_table *table;
    size_t i;
    int r = fl_cli_list(cli, "/api/v1/instance/rogues", &answer);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
    } else if (json_array_size(json_object_get(answer, "items")) == 0) {
        (void)printf("No sender was refused.\n");
    } else if ((table = fl_table_new(&cli->term, columns, FL_LEN(columns))) != NULL) {
        json_array_foreach(json_object_get(answer, "items"), i, item) rogue_row(cli, table, item);
        r = fl_cli_print(table);
    }
    json_decref(answer);
    return r;
}

#define SETTINGS (FL_OPT_BIT(NAME) | FL_OPT_BIT(SITE) | FL_OPT_BIT(HOST) | FL_OPT_BIT(RELAY))

const struct fl_command fl_cmd_device[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "the devices of a tenant, and when each was last heard of",
     NULL,
     {"fairlead device list --tenant acme", "fairlead device list --json | jq -r .slug"},
     run_list},
    {"add",
     "[TENANT/]DEVICE --site SITE",
     1,
     1,
     FL_OPTS_TENANT | SETTINGS,
     "make a device",
     "A certificate lets it connect: fairlead device cert issue.",
     {"fairlead device add acme/br-0421 --site berlin",
      "fairlead device add acme/hub-relay --site berlin --relay"},
     run_add},
    {"show",
     "[TENANT/]DEVICE",
     1,
     1,
     FL_OPTS_TENANT,
     "one device: last line, skew, counters, connections, certificates",
     NULL,
     {"fairlead device show acme/br-0421", "fairlead device show br-0421 --json | jq .live"},
     run_show},
    {"set",
     "[TENANT/]DEVICE",
     1,
     1,
     FL_OPTS_TENANT | SETTINGS,
     "change a device's settings",
     NULL,
     {"fairlead device set acme/br-0421 --site hamburg",
      "fairlead device set br-0421 --host BR0421.acme.example --relay=no"},
     run_set},
    {"remove",
     "[TENANT/]DEVICE",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(YES),
     "remove a device; its certificates are refused from then on",
     NULL,
     {"fairlead device remove acme/br-0421", "fairlead device remove br-0421 --yes"},
     run_remove},
    {"cert issue",
     "[TENANT/]DEVICE --out FOLDER",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(OUT) | FL_OPT_BIT(DAYS),
     "make a key here, have a certificate signed for it, write key.pem, cert.pem, ca.pem",
     "The private key is made on this machine and goes nowhere else. FOLDER is made when absent;\n"
     "nothing in it is overwritten. P-256.",
     {"fairlead device cert issue acme/br-0421 --out ./br-0421",
      "fairlead device cert issue br-0421 --out ./br-0421 --days 365"},
     fl_device_cert_issue},
    {"cert revoke",
     "[TENANT/]DEVICE FINGERPRINT",
     2,
     2,
     FL_OPTS_TENANT | FL_OPT_BIT(YES),
     "refuse a certificate from now on and end its connections",
     "FINGERPRINT: SHA-256 in hex, or its first 8 or more digits.",
     {"fairlead device cert revoke acme/br-0421 3f9a0c21",
      "fairlead device cert revoke br-0421 3f9a0c21 --yes"},
     fl_device_cert_revoke},
    {"cert pin",
     "[TENANT/]DEVICE FILE",
     2,
     2,
     FL_OPTS_TENANT,
     "accept a certificate that was made elsewhere",
     "FILE: PEM, or - for standard input.",
     {"fairlead device cert pin acme/br-0421 br-0421.pem",
      "fairlead device cert pin br-0421 - < cert.pem"},
     fl_device_cert_pin},
    {"rogues",
     "",
     0,
     0,
     FL_OPTS_SERVER,
     "senders that were refused lately, and why",
     NULL,
     {"fairlead device rogues", "fairlead device rogues --json | jq -r .fingerprint"},
     run_rogues},
};
const size_t fl_cmd_device_count = FL_LEN(fl_cmd_device);
