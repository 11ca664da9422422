/* Alarms, and searches that are saved and run by themselves. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/watch.h"

#define HOUR_US (3600 * FL_US_PER_S)

/* ---- alarms ---- */

/* "-" as the tenant is the instance itself. */
static int alarms_path(struct fl_cli *cli, struct fl_buf *out)
{
    const char *tenant = cli->opt[FL_OPT_TENANT];
    char slug[64];
    int r;

    if (tenant != NULL && strcmp(tenant, "-") == 0) {
        fl_buf_put_str(out, "/api/v1/instance/alarms");
        return FL_EXIT_OK;
    }
    r = fl_cli_tenant(cli, slug);
    if (r == FL_EXIT_OK)
        fl_buf_printf(out, "/api/v1/tenants/%s/alarms", slug);
    return r;
}

static void add_param(struct fl_buf *out, const char *name, const char *value, bool *first)
{
    if (value == NULL)
        return;
    fl_buf_printf(out, "%c%s=", *first ? '?' : '&', name);
    fl_cli_encode(out, fl_span_str(value));
    *first = false;
}

static const char *mark_of(const json_t *a)
{
    if (json_is_string(json_object_get(a, "cleared")))
        return "cleared";
    if (json_is_string(json_object_get(a, "muted_until")))
        return "muted";
    return fl_js_bool(a, "acknowledged") ? "acknowledged" : "";
}

static void alarm_row(struct fl_cli *cli, struct fl_table *table, const json_t *a)
{
    char when[2 * FL_UNIT_TEXT_BYTES], id[24];

    (void)snprintf(id, sizeof id, "%" PRIu64, fl_js_num(a, "id"));
    fl_cli_when(cli, a, "since", true, when);
    fl_table_text(table, id);
    fl_table_text(table, fl_js_text(a, "severity"));
    fl_table_text(table, fl_js_text(a, "title"));
    fl_table_text(table, fl_js_text(json_object_get(a, "object"), "site"));
    fl_table_text(table, fl_js_text(a, "owner"));
    fl_table_text(table, mark_of(a));
    fl_table_text(table, when);
}

static int print_alarms(struct fl_cli *cli, const json_t *answer)
{
    static const struct fl_table_column columns[] = {
        {"id", true, false, 0},    {"severity", false, false, 0}, {"alarm", false, true, 0},
        {"site", false, true, 2},  {"owner", false, true, 3},     {"state", false, false, 0},
        {"since", false, false, 1}};
    const json_t *items = json_object_get(answer, "items"), *item;
    struct fl_table *table;
    size_t i;

    if (json_array_size(items) == 0) {
        (void)printf("No alarm stands.\n");
        return FL_EXIT_OK;
    }
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(items, i, item)
    {
        if (table != NULL)
            alarm_row(cli, table, item);
    }
    return fl_cli_print(table);
}

static int run_alarm_list(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf path;
    bool first = true;
    json_t *answer = NULL;
    int r;

    fl_buf_init(&path, 4096);
    r = alarms_path(cli, &path);
    if (r != FL_EXIT_OK)
        return r;
    add_param(&path, "state", cli->opt[FL_OPT_STATE], &first);
    add_param(&path, "severity", cli->opt[FL_OPT_SEVERITY], &first);
    add_param(&path, "owner", cli->opt[FL_OPT_USER], &first);
    add_param(&path, "site", cli->opt[FL_OPT_SITE], &first);
    fl_buf_put_u8(&path, 0);
    if (path.failed != 0)
        return fl_cli_usage("the options are too long");
    r = fl_cli_list(cli, (const char *)path.ptr, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else
        r = print_alarms(cli, answer);
    json_decref(answer);
    return r;
}

/* The path of the alarm that the first argument names, with what stands behind it. */
static int alarm_path(struct fl_cli *cli, struct fl_buf *path, const char *behind)
{
    struct fl_err err;
    uint64_t id;
    int r;

    if (fl_args_number("an alarm's id", cli->arg[0], 1, UINT32_MAX, &id, &err) < 0)
        return fl_cli_fail(&err);
    r = alarms_path(cli, path);
    fl_buf_printf(path, "/%" PRIu64 "%s", id, behind);
    fl_buf_put_u8(path, 0);
    return r;
}

static int print_history(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf path;
    const json_t *item;
    json_t *answer = NULL;
    size_t i;
    int r;

    fl_buf_init(&path, 4096);
    r = alarm_path(cli, &path, "/history");
    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, (const char *)path.ptr, &answer);
    if (r != FL_EXIT_OK)
        return r;
    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        char when[2 * FL_UNIT_TEXT_BYTES];

        fl_cli_when(cli, item, "at", false, when);
        fl_cli_pair(cli, fl_js_text(item, "what"), "%s  %s %s", when, fl_js_text(item, "by"),
                    fl_js_text(item, "text"));
    }
    json_decref(answer);
    return FL_EXIT_OK;
}

static int run_alarm_show(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf path;
    char when[2 * FL_UNIT_TEXT_BYTES];
    json_t *a;
    int r;

    fl_buf_init(&path, 4096);
    r = alarm_path(cli, &path, "");
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "GET", (const char *)path.ptr, NULL, &a);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(a);
        json_decref(a);
        return FL_EXIT_OK;
    }
    fl_cli_pair(cli, "alarm", "%s", fl_js_text(a, "title"));
    fl_cli_pair(cli, "severity", "%s %s", fl_js_text(a, "severity"), mark_of(a));
    fl_cli_pair(cli, "what to do", "%s", fl_js_text(a, "text"));
    fl_cli_when(cli, a, "since", true, when);
    fl_cli_pair(cli, "since", "%s", when);
    fl_cli_pair(cli, "owner", "%s", fl_js_text(a, "owner"));
    if (fl_js_text(a, "where")[0] != '\0')
        fl_cli_pair(cli, "lines", "fairlead logs query '%s'", fl_js_text(a, "where"));
    if (fl_js_text(a, "mute_reason")[0] != '\0')
        fl_cli_pair(cli, "muted", "until %s: %s", fl_js_text(a, "muted_until"),
                    fl_js_text(a, "mute_reason"));
    json_decref(a);
    return print_history(cli);
}

static int patch_alarm(struct fl_cli *cli, json_t *body, const char *said)
{
    FL_AUTO(fl_buf_done) struct fl_buf path;
    json_t *answer = NULL;
    int r;

    fl_buf_init(&path, 4096);
    r = alarm_path(cli, &path, "");
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "PATCH", (const char *)path.ptr, body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Alarm %s is %s.\n", cli->arg[0], said);
}

static int run_ack(struct fl_cli *cli)
{
    return patch_alarm(cli, json_pack("{s:b}", "acknowledged", 1), "acknowledged");
}

static int run_assign(struct fl_cli *cli)
{
    return patch_alarm(cli, json_pack("{s:s}", "owner", cli->arg[1]), "assigned");
}

static int run_mute(struct fl_cli *cli)
{
    uint64_t hours = 24;
    struct fl_err err;
    char until[FL_TIME_TEXT_BYTES];

    if (cli->opt[FL_OPT_REASON] == NULL)
        return fl_cli_usage("say why: --reason 'repair until Friday, ticket 4711'");
    if (cli->opt[FL_OPT_HOURS] != NULL &&
        fl_args_number("--hours", cli->opt[FL_OPT_HOURS], 1, 24 * 90, &hours, &err) < 0)
        return fl_cli_fail(&err);
    fl_time_format(fl_now_us() + (int64_t)hours * HOUR_US, until);
    return patch_alarm(
        cli, json_pack("{s:s, s:s}", "muted_until", until, "mute_reason", cli->opt[FL_OPT_REASON]),
        "muted");
}

static int run_unmute(struct fl_cli *cli)
{
    return patch_alarm(cli, json_pack("{s:n}", "muted_until"), "not muted any more");
}

const struct fl_command fl_cmd_alarm[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT | FL_OPT_BIT(STATE) | FL_OPT_BIT(SEVERITY) | FL_OPT_BIT(USER) |
         FL_OPT_BIT(SITE),
     "what is wrong",
     "--tenant - shows the alarms of the instance itself.",
     {"fairlead alarm list --tenant acme", "fairlead alarm list --tenant - --state all"},
     run_alarm_list},
    {"show",
     "ID",
     1,
     1,
     FL_OPTS_TENANT,
     "one alarm, what to do about it, its history",
     NULL,
     {"fairlead alarm show 17", NULL},
     run_alarm_show},
    {"ack",
     "ID",
     1,
     1,
     FL_OPTS_TENANT,
     "say that it was seen",
     NULL,
     {"fairlead alarm ack 17", NULL},
     run_ack},
    {"assign",
     "ID USER",
     2,
     2,
     FL_OPTS_TENANT,
     "say who looks after it",
     NULL,
     {"fairlead alarm assign 17 m.weber", NULL},
     run_assign},
    {"mute",
     "ID",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(HOURS) | FL_OPT_BIT(REASON),
     "keep it quiet for a while",
     "Without --hours for a day.",
     {"fairlead alarm mute 17 --hours 8 --reason 'repair, ticket 4711'", NULL},
     run_mute},
    {"unmute",
     "ID",
     1,
     1,
     FL_OPTS_TENANT,
     "let it speak again",
     NULL,
     {"fairlead alarm unmute 17", NULL},
     run_unmute},
};
const size_t fl_cmd_alarm_count = FL_LEN(fl_cmd_alarm);

/* ---- saved searches ---- */

static int searches_path(struct fl_cli *cli, struct fl_buf *path, bool one, const char *behind)
{
    char tenant[64];
    struct fl_err err;
    uint64_t id = 0;
    int r;

    if (one && fl_args_number("a search's id", cli->arg[0], 1, UINT32_MAX, &id, &err) < 0)
        return fl_cli_fail(&err);
    r = fl_cli_tenant(cli, tenant);
    if (r != FL_EXIT_OK)
        return r;
    fl_buf_printf(path, "/api/v1/tenants/%s/searches", tenant);
    if (one)
        fl_buf_printf(path, "/%" PRIu64 "%s", id, behind);
    fl_buf_put_u8(path, 0);
    return FL_EXIT_OK;
}

static int call_search(struct fl_cli *cli, const char *method, bool one, const char *behind,
                       const json_t *body, json_t **ret)
{
    FL_AUTO(fl_buf_done) struct fl_buf path;
    int r;

    fl_buf_init(&path, 4096);
    r = searches_path(cli, &path, one, behind);
    return r != FL_EXIT_OK ? r : fl_cli_call(cli, method, (const char *)path.ptr, body, ret);
}

/* --threshold '>100M': the sign, and a number with K, M, G. */
static int put_threshold(json_t *body, const char *text)
{
    size_t sign = strspn(text, "<>=");
    char op[4];
    uint64_t value, factor = 1;
    struct fl_span number = fl_span_str(text + sign);

    if (number.len > 0 && strchr("KMG", number.ptr[number.len - 1]) != NULL) {
        char unit = (char)number.ptr[--number.len];

        factor = unit == 'K' ? 1000 : unit == 'M' ? 1000000 : 1000000000;
    }
    if (sign == 0 || sign > 2 || !fl_span_u64(number, &value) || value > INT64_MAX / factor)
        return fl_cli_usage("--threshold is a sign and a number, such as '>100' or '<5M'");
    (void)snprintf(op, sizeof op, "%.*s", (int)sign, text);
    (void)json_object_set_new(body, "op", json_string(op));
    (void)json_object_set_new(body, "threshold",
                              json_integer((json_int_t)value * (json_int_t)factor));
    return FL_EXIT_OK;
}

static int put_every(json_t *body, const char *text)
{
    int64_t us = 0;
    bool off = strcmp(text, "off") == 0;

    if (!off && (!fl_duration_parse(fl_span_str(text), &us) || us < 60 * FL_US_PER_S ||
                 us % (60 * FL_US_PER_S) != 0))
        return fl_cli_usage("--every is a time of whole minutes such as 5m or 1h, or off");
    (void)json_object_set_new(body, "every_minutes",
                              json_integer((json_int_t)(us / (60 * FL_US_PER_S))));
    (void)json_object_set_new(body, "enabled", json_boolean(!off));
    return FL_EXIT_OK;
}

static int put_search(struct fl_cli *cli, json_t *body)
{
    static const struct {
        enum fl_opt opt;
        const char *name;
    } texts[] = {{FL_OPT_NAME, "name"},
                 {FL_OPT_WHERE, "where"},
                 {FL_OPT_LAST, "from"},
                 {FL_OPT_BY, "metric"},
                 {FL_OPT_SEVERITY, "severity"}};
    int r = FL_EXIT_OK;

    for (size_t i = 0; i < FL_LEN(texts); i++)
        if (cli->opt[texts[i].opt] != NULL)
            (void)json_object_set_new(body, texts[i].name, json_string(cli->opt[texts[i].opt]));
    if (cli->opt[FL_OPT_THRESHOLD] != NULL)
        r = put_threshold(body, cli->opt[FL_OPT_THRESHOLD]);
    if (r == FL_EXIT_OK && cli->opt[FL_OPT_EVERY] != NULL)
        r = put_every(body, cli->opt[FL_OPT_EVERY]);
    return r;
}

static void search_row(struct fl_cli *cli, struct fl_table *table, const json_t *s)
{
    char id[24], when[2 * FL_UNIT_TEXT_BYTES], limit[48], every[32];

    (void)snprintf(id, sizeof id, "%" PRIu64, fl_js_num(s, "id"));
    (void)snprintf(limit, sizeof limit, "%s %" PRIu64, fl_js_text(s, "op"),
                   fl_js_num(s, "threshold"));
    (void)snprintf(every, sizeof every, "%" PRIu64 " min", fl_js_num(s, "every_minutes"));
    fl_cli_when(cli, s, "last_run", true, when);
    fl_table_text(table, id);
    fl_table_text(table, fl_js_text(s, "name"));
    fl_table_text(table, fl_js_text(s, "where"));
    fl_table_text(table, fl_js_bool(s, "enabled") ? every : "");
    fl_table_text(table, fl_js_bool(s, "enabled") ? limit : "");
    if (json_is_integer(json_object_get(s, "last_value")))
        fl_cli_count(table, fl_js_num(s, "last_value"));
    else
        fl_table_text(table, "");
    fl_table_text(table, fl_js_text(s, "problem")[0] != '\0' ? fl_js_text(s, "problem") : when);
}

static int run_search_list(struct fl_cli *cli)
{
    static const struct fl_table_column columns[] = {
        {"id", true, false, 0},      {"name", false, true, 0},      {"where", false, true, 1},
        {"every", true, false, 0},   {"threshold", true, false, 0}, {"last value", true, false, 0},
        {"last run", false, true, 2}};
    FL_AUTO(fl_buf_done) struct fl_buf path;
    struct fl_table *table;
    const json_t *item;
    json_t *answer = NULL;
    size_t i;
    int r;

    fl_buf_init(&path, 4096);
    r = searches_path(cli, &path, false, "");
    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, (const char *)path.ptr, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
    } else if (json_array_size(json_object_get(answer, "items")) == 0) {
        (void)printf("No search is saved. fairlead search add 'Denied' --where action:denied makes "
                     "one.\n");
    } else {
        table = fl_table_new(&cli->term, columns, FL_LEN(columns));
        json_array_foreach(json_object_get(answer, "items"), i, item)
        {
            if (table != NULL)
                search_row(cli, table, item);
        }
        r = fl_cli_print(table);
    }
    json_decref(answer);
    return r;
}

static int print_search(struct fl_cli *cli, json_t *s)
{
    static const char *const texts[] = {"name",   "view",  "where",  "from",
                                        "metric", "owner", "problem"};
    char when[2 * FL_UNIT_TEXT_BYTES];

    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(s);
        json_decref(s);
        return FL_EXIT_OK;
    }
    fl_cli_pair(cli, "search", "%" PRIu64, fl_js_num(s, "id"));
    for (size_t i = 0; i < FL_LEN(texts); i++)
        if (fl_js_text(s, texts[i])[0] != '\0')
            fl_cli_pair(cli, texts[i], "%s", fl_js_text(s, texts[i]));
    if (fl_js_bool(s, "enabled"))
        fl_cli_pair(cli, "runs", "every %" PRIu64 " min, alarm (%s) at %s %" PRIu64,
                    fl_js_num(s, "every_minutes"), fl_js_text(s, "severity"), fl_js_text(s, "op"),
                    fl_js_num(s, "threshold"));
    fl_cli_when(cli, s, "last_run", true, when);
    fl_cli_pair(cli, "last run", "%s", when);
    if (json_is_integer(json_object_get(s, "last_value")))
        fl_cli_pair(cli, "last value", "%" PRIu64 " %s", fl_js_num(s, "last_value"),
                    fl_js_text(s, "last_key"));
    json_decref(s);
    return FL_EXIT_OK;
}

static int run_search_add(struct fl_cli *cli)
{
    json_t *body = json_pack("{s:s}", "name", cli->arg[0]), *answer = NULL;
    int r = put_search(cli, body);

    if (r == FL_EXIT_OK)
        r = call_search(cli, "POST", false, "", body, &answer);
    json_decref(body);
    return r != FL_EXIT_OK ? r : print_search(cli, answer);
}

static int run_search_show(struct fl_cli *cli)
{
    json_t *answer = NULL;
    int r = call_search(cli, "GET", true, "", NULL, &answer);

    return r != FL_EXIT_OK ? r : print_search(cli, answer);
}

static int run_search_set(struct fl_cli *cli)
{
    json_t *body = json_object(), *answer = NULL;
    int r = put_search(cli, body);

    if (r == FL_EXIT_OK && json_object_size(body) == 0)
        r = fl_cli_usage("nothing to set; fairlead search set -h shows what there is");
    if (r == FL_EXIT_OK)
        r = call_search(cli, "PATCH", true, "", body, &answer);
    json_decref(body);
    return r != FL_EXIT_OK ? r : print_search(cli, answer);
}

static int run_search_remove(struct fl_cli *cli)
{
    json_t *answer = NULL;
    int r;

    if (!fl_cli_sure(cli, "Search %s will be removed.", cli->arg[0]))
        return FL_EXIT_USAGE;
    r = call_search(cli, "DELETE", true, "", NULL, &answer);
    if (r == FL_EXIT_OK && !fl_cli_flag(cli, FL_OPT_JSON))
        (void)printf("Search %s is removed.\n", cli->arg[0]);
    json_decref(answer);
    return r;
}

static int run_search_run(struct fl_cli *cli)
{
    json_t *body = json_object(), *answer = NULL;
    int r = call_search(cli, "POST", true, "/run", body, &answer);

    json_decref(body);
    return fl_cli_done(cli, r, answer, "%" PRIu64 "%s%s%s\n", fl_js_num(answer, "value"),
                       fl_js_text(answer, "key")[0] == '\0' ? "" : " of ",
                       fl_js_text(answer, "key"),
                       fl_js_bool(answer, "over") ? "  over its threshold" : "");
}

#define SEARCH_SETTINGS                                                                            \
    (FL_OPTS_TENANT | FL_OPT_BIT(WHERE) | FL_OPT_BIT(LAST) | FL_OPT_BIT(BY) |                      \
     FL_OPT_BIT(SEVERITY) | FL_OPT_BIT(THRESHOLD) | FL_OPT_BIT(EVERY))

const struct fl_command fl_cmd_search[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "the searches that are saved",
     NULL,
     {"fairlead search list --tenant acme", NULL},
     run_search_list},
    {"add",
     "NAME",
     1,
     1,
     SEARCH_SETTINGS,
     "save a search",
     "With --every it runs by itself, and raises an alarm while its figure meets --threshold.",
     {"fairlead search add 'Denied in Berlin' --where 'action:denied site:berlin'",
      "fairlead search add Uploads --by up --last 1h --every 5m --threshold '>10G'"},
     run_search_add},
    {"show",
     "ID",
     1,
     1,
     FL_OPTS_TENANT,
     "one search, and what it found last",
     NULL,
     {"fairlead search show 3", NULL},
     run_search_show},
    {"set",
     "ID",
     1,
     1,
     SEARCH_SETTINGS | FL_OPT_BIT(NAME),
     "change a search",
     NULL,
     {"fairlead search set 3 --every 15m", "fairlead search set 3 --every off"},
     run_search_set},
    {"remove",
     "ID",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(YES),
     "forget a search",
     NULL,
     {"fairlead search remove 3", NULL},
     run_search_remove},
    {"run",
     "ID",
     1,
     1,
     FL_OPTS_TENANT,
     "run a search now",
     NULL,
     {"fairlead search run 3", NULL},
     run_search_run},
};
const size_t fl_cmd_search_count = FL_LEN(fl_cmd_search);
