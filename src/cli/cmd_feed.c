/* Feeds of events in the world: where they are heard from, how that goes, what was refused. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/feed.h"

#define FEEDS "/api/v1/instance/feeds"

#define FEED_OPTS                                                                                  \
    (FL_OPTS_SERVER | FL_OPT_BIT(NAME) | FL_OPT_BIT(KIND) | FL_OPT_BIT(EVERY) |                    \
     FL_OPT_BIT(PLAIN) | FL_OPT_BIT(MAP) | FL_OPT_BIT(ENABLED))

static const char *feed_path(struct fl_cli_path *path, const char *feed, const char *behind)
{
    return fl_cli_path(path, FEEDS "/", feed, behind, NULL);
}

/* ---- showing ---- */

static void feed_row(struct fl_cli *cli, struct fl_table *table, const json_t *f)
{
    char when[2 * FL_UNIT_TEXT_BYTES];

    fl_cli_when(cli, f, "last_good", true, when);
    fl_table_text(table, fl_js_text(f, "feed"));
    fl_table_text(table, fl_js_text(f, "kind"));
    fl_table_text(table, fl_js_text(f, "state"));
    fl_table_text(table, when);
    fl_cli_count(table, fl_js_num(f, "events"));
    fl_cli_count(table, fl_js_num(f, "changes"));
    fl_cli_count(table, fl_js_num(f, "refused"));
    fl_table_text(table, fl_js_text(f, "problem")[0] != '\0' ? fl_js_text(f, "problem")
                                                             : fl_js_text(f, "name"));
}

static int print_feeds(struct fl_cli *cli, const json_t *answer)
{
    static const struct fl_table_column columns[] = {
        {"feed", false, true, 0},    {"kind", false, false, 1},  {"state", false, false, 0},
        {"read", false, false, 1},   {"events", true, false, 2}, {"versions", true, false, 2},
        {"refused", true, false, 1}, {"about", false, true, 1}};
    const json_t *items = json_object_get(answer, "items"), *item;
    struct fl_table *table;
    size_t i;

    if (json_array_size(items) == 0) {
        (void)printf("There is no feed. fairlead feed add FEED URL --kind KIND makes one.\n");
        return FL_EXIT_OK;
    }
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(items, i, item)
    {
        if (table != NULL)
            feed_row(cli, table, item);
    }
    return fl_cli_print(table);
}

static int run_list(struct fl_cli *cli)
{
    json_t *answer = NULL;
    int r = fl_cli_list(cli, FEEDS, &answer);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else
        r = print_feeds(cli, answer);
    json_decref(answer);
    return r;
}

static int run_show(struct fl_cli *cli)
{
    char when[2 * FL_UNIT_TEXT_BYTES];
    struct fl_cli_path path;
    json_t *f;
    int r = fl_cli_call(cli, "GET", feed_path(&path, cli->arg[0], NULL), NULL, &f);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(f);
        json_decref(f);
        return FL_EXIT_OK;
    }
    fl_cli_pair(cli, "feed", "%s", fl_js_text(f, "feed"));
    fl_cli_pair(cli, "name", "%s", fl_js_text(f, "name"));
    fl_cli_pair(cli, "kind", "%s", fl_js_text(f, "kind"));
    fl_cli_pair(cli, "address", "%s", fl_js_text(f, "url"));
    fl_cli_pair(cli, "state", "%s", fl_js_text(f, "state"));
    if (fl_js_text(f, "problem")[0] != '\0')
        fl_cli_pair(cli, "problem", "%s", fl_js_text(f, "problem"));
    fl_cli_pair(cli, "every", "%" PRIu64 " s", fl_js_num(f, "every_seconds"));
    fl_cli_when(cli, f, "last_good", true, when);
    fl_cli_pair(cli, "read", "%s", when);
    fl_cli_when(cli, f, "next_run", false, when);
    fl_cli_pair(cli, "next", "%s", when);
    fl_cli_pair(cli, "events", "%" PRIu64 " read, %" PRIu64 " new or changed, %" PRIu64 " refused",
                fl_js_num(f, "events"), fl_js_num(f, "changes"), fl_js_num(f, "refused"));
    fl_cli_pair(cli, "runs", "%" PRIu64 ", of which %" PRIu64 " unchanged; %" PRIu64 " bytes",
                fl_js_num(f, "runs"), fl_js_num(f, "unchanged"), fl_js_num(f, "bytes"));
    json_decref(f);
    return FL_EXIT_OK;
}

static int run_refused(struct fl_cli *cli)
{
    char when[2 * FL_UNIT_TEXT_BYTES];
    struct fl_cli_path path;
    const json_t *item;
    json_t *answer = NULL;
    size_t i;
    int r = fl_cli_list(cli, feed_path(&path, cli->arg[0], "/refused"), &answer);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
        json_decref(answer);
        return FL_EXIT_OK;
    }
    if (json_array_size(json_object_get(answer, "items")) == 0)
        (void)printf("Nothing of this feed was refused.\n");
    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        fl_cli_when(cli, item, "last", false, when);
        fl_cli_pair(cli, when, "%s", fl_js_text(item, "why"));
        fl_cli_pair(cli, "", "%" PRIu64 " times, %" PRIu64 " bytes, %s", fl_js_num(item, "count"),
                    fl_js_num(item, "bytes"), fl_js_text(item, "from"));
        fl_cli_pair(cli, "", "%.200s", fl_js_text(item, "head"));
    }
    json_decref(answer);
    return FL_EXIT_OK;
}

/* ---- changing ---- */

static int put_every(struct fl_cli *cli, json_t *body)
{
    int64_t us;

    if (cli->opt[FL_OPT_EVERY] == NULL)
        return FL_EXIT_OK;
    if (!fl_duration_parse(fl_span_str(cli->opt[FL_OPT_EVERY]), &us) || us % FL_US_PER_S != 0)
        return fl_cli_usage("--every is a time such as 5m or 3h");
    (void)json_object_set_new(body, "every_seconds", json_integer(us / FL_US_PER_S));
    return FL_EXIT_OK;
}

static int put_settings(struct fl_cli *cli, json_t *body)
{
    static const struct {
        enum fl_opt opt;
        const char *name;
    } texts[] = {{FL_OPT_NAME, "name"}, {FL_OPT_KIND, "kind"}, {FL_OPT_MAP, "columns"}},
      flags[] = {{FL_OPT_PLAIN, "plain"}, {FL_OPT_ENABLED, "enabled"}};

    for (size_t i = 0; i < FL_LEN(texts); i++)
        if (cli->opt[texts[i].opt] != NULL)
            (void)json_object_set_new(body, texts[i].name, json_string(cli->opt[texts[i].opt]));
    for (size_t i = 0; i < FL_LEN(flags); i++)
        if (cli->opt[flags[i].opt] != NULL)
            (void)json_object_set_new(body, flags[i].name,
                                      json_boolean(fl_cli_flag(cli, flags[i].opt)));
    return put_every(cli, body);
}

static int run_add(struct fl_cli *cli)
{
    json_t *body = json_pack("{s:s, s:s}", "feed", cli->arg[0], "url", cli->arg[1]);
    json_t *answer = NULL;
    int r = put_settings(cli, body);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "POST", FEEDS, body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Feed %s is there%s\n", cli->arg[0],
                       fl_cli_flag(cli, FL_OPT_ENABLED)
                           ? ", and is read."
                           : ", switched off.\nNext: fairlead feed set FEED --enabled");
}

static int run_set(struct fl_cli *cli)
{
    struct fl_cli_path path;
    json_t *body = json_object(), *answer = NULL;
    int r = put_settings(cli, body);

    if (cli->args > 1)
        (void)json_object_set_new(body, "url", json_string(cli->arg[1]));
    if (r == FL_EXIT_OK && json_object_size(body) == 0)
        r = fl_cli_usage("say what is to change, such as --enabled or --every 10m");
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "PATCH", feed_path(&path, cli->arg[0], NULL), body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Feed %s is changed.\n", cli->arg[0]);
}

static int run_remove(struct fl_cli *cli)
{
    struct fl_cli_path path;
    json_t *answer = NULL;
    int r;

    if (!fl_cli_sure(cli, "Remove the feed %s? Events that it told of stay.", cli->arg[0]))
        return FL_EXIT_NO;
    r = fl_cli_call(cli, "DELETE", feed_path(&path, cli->arg[0], NULL), NULL, &answer);
    return fl_cli_done(cli, r, answer, "Feed %s is removed.\n", cli->arg[0]);
}

static int run_run(struct fl_cli *cli)
{
    struct fl_cli_path path;
    json_t *body = json_object(), *answer = NULL;
    int r = fl_cli_call(cli, "POST", feed_path(&path, cli->arg[0], "/run"), body, &answer);

    json_decref(body);
    return fl_cli_done(cli, r, answer,
                       "Feed %s is read now. fairlead feed show %s tells how it went.\n",
                       cli->arg[0], cli->arg[0]);
}

/* Shown once: there is no way to see it again. */
static int run_webhook_key(struct fl_cli *cli)
{
    struct fl_cli_path path;
    json_t *body, *answer = NULL;
    char tenant[64];
    int r = fl_cli_tenant(cli, tenant);

    if (r != FL_EXIT_OK)
        return r;
    body = json_object();
    r = fl_cli_call(cli, "POST",
                    fl_cli_path(&path, "/api/v1/tenants/", tenant, "/webhook-key", NULL), body,
                    &answer);
    json_decref(body);
    if (r != FL_EXIT_OK || fl_cli_flag(cli, FL_OPT_JSON))
        return fl_cli_done(cli, r, answer, "%s", "");
    fl_cli_pair(cli, "key", "%s", fl_js_text(answer, "secret"));
    (void)printf("Webhooks of %s are signed with it from now on. It is not shown again.\n", tenant);
    json_decref(answer);
    return FL_EXIT_OK;
}

const struct fl_command fl_cmd_feed[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_SERVER,
     "feeds, and how reading them goes",
     "Feeds that come with the program are switched off: nothing is connected to before you say "
     "so.",
     {"fairlead feed list", NULL},
     run_list},
    {"show",
     "FEED",
     1,
     1,
     FL_OPTS_SERVER,
     "one feed",
     NULL,
     {"fairlead feed show usgs", NULL},
     run_show},
    {"add",
     "FEED URL",
     2,
     2,
     FEED_OPTS,
     "another feed",
     "Its host must stand in outbound_allow of fairlead.conf. Kinds: usgs, gdacs, cap, jma, "
     "hurdat2, "
     "ibtracs, list-json, list-csv; of the last two --map names the columns.",
     {"fairlead feed add dwd https://alerts.example.org/index.atom --kind cap --every 5m --enabled",
      "fairlead feed add strikes https://hr.example.org/list.csv --kind list-csv --map "
      "'id=No;title=What;from=Begin'"},
     run_add},
    {"set",
     "FEED [URL]",
     1,
     2,
     FEED_OPTS,
     "switch a feed on or off, change it",
     NULL,
     {"fairlead feed set usgs --enabled", "fairlead feed set usgs --enabled=no"},
     run_set},
    {"remove",
     "FEED",
     1,
     1,
     FL_OPTS_SERVER | FL_OPT_BIT(YES),
     "remove a feed; events that it told of stay",
     NULL,
     {"fairlead feed remove strikes", NULL},
     run_remove},
    {"run",
     "FEED",
     1,
     1,
     FL_OPTS_SERVER,
     "read a feed now",
     NULL,
     {"fairlead feed run usgs", NULL},
     run_run},
    {"refused",
     "FEED",
     1,
     1,
     FL_OPTS_SERVER,
     "what of a feed was refused, and why",
     "The first bytes of each are kept, and how often it came.",
     {"fairlead feed refused nws", NULL},
     run_refused},
    {"webhook-key",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "make the key that a tenant's webhooks are signed with",
     "A new one takes the place of the one before. Receivers check X-Fairlead-Signature with it: "
     "HMAC-SHA-256 of the seconds in it, a point, and the body.",
     {"fairlead feed webhook-key --tenant acme", NULL},
     run_webhook_key},
};
const size_t fl_cmd_feed_count = FL_LEN(fl_cmd_feed);
