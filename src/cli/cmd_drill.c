/* fairlead drill: plan, run and score exercises on today's network. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/drill.h"

#define BIT(name) FL_OPT_BIT(name)

/* ---- which drill ---- */

/* D-031 in the list, or the id itself. */
static int find_number(struct fl_cli *cli, const char *tenant, const char *number, char ret[24])
{
    struct fl_cli_path path;
    const json_t *item;
    json_t *answer = NULL;
    size_t i;
    int r =
        fl_cli_list(cli, fl_cli_path(&path, "/api/v1/tenants/", tenant, "/drills", NULL), &answer);

    if (r != FL_EXIT_OK)
        return r;
    ret[0] = '\0';
    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        if (strcmp(fl_js_text(item, "number"), number) == 0)
            (void)snprintf(ret, 24, "%" PRIu64, fl_js_num(item, "id"));
    }
    json_decref(answer);
    if (ret[0] != '\0')
        return FL_EXIT_OK;
    (void)fprintf(stderr, "fairlead: there is no drill %s; fairlead drill list shows them\n",
                  number);
    return FL_EXIT_NO;
}

/* The drill that the first argument names; rest is appended as it is. */
static int call(struct fl_cli *cli, const char *method, const char *rest, const json_t *body,
                json_t **ret)
{
    FL_AUTO(fl_buf_done) struct fl_buf path;
    char tenant[64], id[24];
    int r = fl_cli_tenant(cli, tenant);

    fl_buf_init(&path, 4096);
    if (r == FL_EXIT_OK && strncmp(cli->arg[0], "D-", 2) == 0)
        r = find_number(cli, tenant, cli->arg[0], id);
    else
        (void)snprintf(id, sizeof id, "%.20s", cli->arg[0]);
    if (r != FL_EXIT_OK)
        return r;
    fl_buf_printf(&path, "/api/v1/tenants/%s/drills/", tenant);
    fl_cli_encode(&path, fl_span_str(id));
    fl_buf_put_str(&path, rest);
    fl_buf_put_u8(&path, 0);
    return fl_cli_call(cli, method, (const char *)path.ptr, body, ret);
}

/* ---- showing ---- */

static void put_number(struct fl_table *table, const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    char text[32] = "";

    if (json_is_number(value))
        (void)snprintf(text, sizeof text, "%.4g", json_number_value(value));
    fl_table_text(table, text);
}

static void list_row(struct fl_cli *cli, struct fl_table *table, const json_t *d)
{
    char started[2 * FL_UNIT_TEXT_BYTES], id[24];

    (void)snprintf(id, sizeof id, "%" PRIu64, fl_js_num(d, "id"));
    fl_cli_when(cli, d, "started", true, started);
    fl_table_text(table, id);
    fl_table_text(table, fl_js_text(d, "number"));
    fl_table_text(table, fl_js_text(d, "state"));
    fl_table_text(table, fl_js_text(d, "title"));
    put_number(table, d, "participants");
    put_number(table, d, "injects");
    put_number(table, d, "points");
    fl_table_text(table, started);
}

static int print_list(struct fl_cli *cli, const json_t *items)
{
    static const struct fl_table_column columns[] = {
        {"id", true, false, 0},     {"drill", false, true, 0},  {"state", false, true, 0},
        {"title", false, true, 1},  {"people", true, false, 0}, {"injects", true, false, 0},
        {"points", true, false, 0}, {"started", false, true, 2}};
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        if (table != NULL)
            list_row(cli, table, item);
    }
    return fl_cli_print(table);
}

static int run_list(struct fl_cli *cli)
{
    struct fl_cli_path path;
    json_t *answer = NULL;
    char tenant[64];
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, fl_cli_path(&path, "/api/v1/tenants/", tenant, "/drills", NULL),
                        &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else if (json_array_size(json_object_get(answer, "items")) == 0)
        (void)printf("No drill yet. fairlead drill add tohoku-2011 plans one; fairlead drill "
                     "scripts lists what can be replayed.\n");
    else
        r = print_list(cli, json_object_get(answer, "items"));
    json_decref(answer);
    return r;
}

static int run_scripts(struct fl_cli *cli)
{
    struct fl_cli_path path;
    const json_t *item;
    json_t *answer = NULL;
    char tenant[64];
    size_t i;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "GET",
                        fl_cli_path(&path, "/api/v1/tenants/", tenant, "/drill-scripts", NULL),
                        NULL, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else
        json_array_foreach(json_object_get(answer, "items"), i, item)(void)
            printf("%-16s %s\n", fl_js_text(item, "key"), fl_js_text(item, "title"));
    json_decref(answer);
    return FL_EXIT_OK;
}

static void print_cost(const json_t *d)
{
    const json_t *cost = json_object_get(d, "cost"), *today = json_object_get(cost, "today");

    if (!json_is_object(today))
        return;
    (void)printf("What it would cost: P50 %.0f, P95 %.0f, CVaR %.0f %s (seed %" PRIu64
                 "); with 14 days more in stock P95 %.0f\n",
                 json_number_value(json_object_get(today, "p50")),
                 json_number_value(json_object_get(today, "p95")),
                 json_number_value(json_object_get(today, "cvar95")), fl_js_text(cost, "currency"),
                 fl_js_num(d, "seed"),
                 json_number_value(json_object_get(json_object_get(cost, "more"), "p95")));
}

static int print_injects(struct fl_cli *cli, const json_t *d)
{
    static const struct fl_table_column columns[] = {{"no", true, false, 0},
                                                     {"min", true, false, 0},
                                                     {"allowed", true, false, 0},
                                                     {"inject", false, true, 1},
                                                     {"result", false, true, 0}};
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    const json_t *i;
    size_t n;

    json_array_foreach(json_object_get(d, "injects"), n, i)
    {
        if (table == NULL)
            break;
        put_number(table, i, "number");
        put_number(table, i, "minute");
        put_number(table, i, "minutes");
        fl_table_text(table, json_is_true(json_object_get(i, "hidden")) ? "(not out yet)"
                                                                        : fl_js_text(i, "title"));
        fl_table_text(table, fl_js_text(i, "result"));
    }
    return fl_cli_print(table);
}

static void print_reasons(const json_t *area)
{
    const json_t *reason;
    size_t i;

    json_array_foreach(json_object_get(area, "reasons"), i, reason)(void)
        printf("    -%.1f  %s\n", json_number_value(json_object_get(reason, "lost")),
               fl_js_text(reason, "text"));
}

static void print_score(const json_t *d)
{
    const json_t *score = json_object_get(d, "score"), *points = json_object_get(score, "points");
    const json_t *area;
    size_t i;

    if (!json_is_number(points))
        return;
    (void)printf("Score: %.0f of 100\n", json_number_value(points));
    json_array_foreach(json_object_get(score, "areas"), i, area)
    {
        if (fl_js_num(area, "answers") == 0)
            continue;
        (void)printf("  %-15s %5.1f of %2.0f\n", fl_js_text(area, "name"),
                     json_number_value(json_object_get(area, "earned")),
                     json_number_value(json_object_get(area, "weight")));
        print_reasons(area);
    }
}

static int print_drill(struct fl_cli *cli, const json_t *d)
{
    double clock = json_number_value(json_object_get(d, "clock_s"));
    int r;

    (void)printf("EXERCISE %s  %s\n%s, clock at %.0f of %" PRIu64 " min\n", fl_js_text(d, "number"),
                 fl_js_text(d, "title"), fl_js_text(d, "state"), clock / 60,
                 fl_js_num(d, "minutes"));
    print_cost(d);
    r = print_injects(cli, d);
    print_score(d);
    return r;
}

static int show(struct fl_cli *cli, int r, json_t *answer)
{
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(answer);
    else
        r = print_drill(cli, answer);
    json_decref(answer);
    return r;
}

static int run_show(struct fl_cli *cli)
{
    json_t *answer = NULL;
    int r = call(cli, "GET", "", NULL, &answer);

    return show(cli, r, answer);
}

/* ---- planning ---- */

/* A key, a number, or a file with the whole plan as POST drills takes it. */
static int plan_of(const char *what, json_t **ret)
{
    json_error_t error;
    char *end = NULL;
    unsigned long number = strtoul(what, &end, 10);

    if (strchr(what, '.') != NULL || strchr(what, '/') != NULL) {
        *ret = json_load_file(what, 0, &error);
        if (!json_is_object(*ret))
            return fl_cli_usage("%s: %s", what,
                                *ret == NULL ? error.text : "a plan is one JSON object");
        return FL_EXIT_OK;
    }
    *ret = *end == '\0' && end != what ? json_pack("{s:I}", "event", (json_int_t)number)
                                       : json_pack("{s:s}", "event", what);
    return FL_EXIT_OK;
}

static int run_add(struct fl_cli *cli)
{
    struct fl_cli_path path;
    json_t *body = NULL, *answer = NULL;
    char tenant[64], *end = NULL;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = plan_of(cli->arg[0], &body);
    if (r == FL_EXIT_OK && cli->opt[FL_OPT_NAME] != NULL)
        (void)json_object_set_new(body, "title", json_string(cli->opt[FL_OPT_NAME]));
    if (r == FL_EXIT_OK && cli->opt[FL_OPT_SEED] != NULL) {
        json_int_t seed = strtoll(cli->opt[FL_OPT_SEED], &end, 10);

        if (*end != '\0' || end == cli->opt[FL_OPT_SEED])
            r = fl_cli_usage("--seed is a number, such as 20261119");
        (void)json_object_set_new(body, "seed", json_integer(seed));
    }
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "POST",
                        fl_cli_path(&path, "/api/v1/tenants/", tenant, "/drills", NULL), body,
                        &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Drill %s is planned: %s.\n", fl_js_text(answer, "number"),
                       fl_js_text(answer, "title"));
}

/* ---- running ---- */

static int post(struct fl_cli *cli, const char *rest)
{
    json_t *body = json_object(), *answer = NULL;
    int r = call(cli, "POST", rest, body, &answer);

    json_decref(body);
    return show(cli, r, answer);
}

static int run_start(struct fl_cli *cli)
{
    return post(cli, "/start");
}

static int run_pause(struct fl_cli *cli)
{
    return post(cli, "/pause");
}

static int run_end(struct fl_cli *cli)
{
    return post(cli, "/end");
}

static int run_inject(struct fl_cli *cli)
{
    char rest[80];

    (void)snprintf(rest, sizeof rest, "/injects/%.10s/send", cli->arg[1]);
    if (strspn(cli->arg[1], "0123456789") != strlen(cli->arg[1]))
        return fl_cli_usage("an inject is named by its number");
    return post(cli, rest);
}

/* The id of a participant by name. */
static int find_person(struct fl_cli *cli, const char *name, json_int_t *ret)
{
    json_t *answer = NULL;
    const json_t *person;
    size_t i;
    int r = call(cli, "GET", "", NULL, &answer);

    if (r != FL_EXIT_OK)
        return r;
    *ret = 0;
    json_array_foreach(json_object_get(answer, "participants"), i, person)
    {
        if (strcmp(fl_js_text(person, "name"), name) == 0 ||
            strcmp(fl_js_text(person, "user"), name) == 0)
            *ret = (json_int_t)fl_js_num(person, "id");
    }
    json_decref(answer);
    if (*ret != 0)
        return FL_EXIT_OK;
    (void)fprintf(stderr, "fairlead: nobody called '%s' takes part\n", name);
    return FL_EXIT_NO;
}

static int run_answer(struct fl_cli *cli)
{
    json_t *body = json_pack("{s:s}", "text", cli->arg[2]), *answer = NULL;
    json_int_t person = 0;
    char rest[80];
    int r = FL_EXIT_OK;

    (void)snprintf(rest, sizeof rest, "/injects/%.10s/answer", cli->arg[1]);
    if (strspn(cli->arg[1], "0123456789") != strlen(cli->arg[1]))
        r = fl_cli_usage("an inject is named by its number");
    if (r == FL_EXIT_OK && cli->opt[FL_OPT_NAME] != NULL)
        r = find_person(cli, cli->opt[FL_OPT_NAME], &person);
    if (r == FL_EXIT_OK && person != 0)
        (void)json_object_set_new(body, "person", json_integer(person));
    if (r == FL_EXIT_OK)
        r = call(cli, "POST", rest, body, &answer);
    json_decref(body);
    return show(cli, r, answer);
}

static int run_report(struct fl_cli *cli)
{
    json_t *answer = NULL;
    int r = call(cli, "GET", "/report", NULL, &answer);

    if (r != FL_EXIT_OK)
        return r;
    fl_js_line(answer);
    json_decref(answer);
    return FL_EXIT_OK;
}

const struct fl_command fl_cmd_drill[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "drills, the newest first",
     NULL,
     {"fairlead drill list --tenant corvane", NULL},
     run_list},
    {"scripts",
     "",
     0,
     0,
     FL_OPTS_TENANT,
     "what can be replayed, with a script that comes with the program",
     NULL,
     {"fairlead drill scripts --tenant corvane", NULL},
     run_scripts},
    {"add",
     "EVENT",
     1,
     1,
     FL_OPTS_TENANT | BIT(NAME) | BIT(SEED),
     "plan a drill",
     "EVENT is the key of a script, the number of an event that is stored, or a file with the "
     "whole plan as JSON: event, script, participants, move, scale, seed.",
     {"fairlead drill add tohoku-2011 --seed 20261119", "fairlead drill add plan.json"},
     run_add},
    {"show",
     "DRILL",
     1,
     1,
     FL_OPTS_TENANT,
     "clock, injects, score with the reasons",
     NULL,
     {"fairlead drill show D-003", NULL},
     run_show},
    {"start",
     "DRILL",
     1,
     1,
     FL_OPTS_TENANT,
     "start it on today's network, or go on after a pause",
     NULL,
     {"fairlead drill start D-003", NULL},
     run_start},
    {"pause",
     "DRILL",
     1,
     1,
     FL_OPTS_TENANT,
     "stop its clock for a while",
     NULL,
     {"fairlead drill pause D-003", NULL},
     run_pause},
    {"answer",
     "DRILL INJECT TEXT",
     3,
     3,
     FL_OPTS_TENANT | BIT(NAME),
     "answer an inject; with --name for a participant without an account",
     NULL,
     {"fairlead drill answer D-003 4 'Hold 31 lines' --name 'J. Castellan'", NULL},
     run_answer},
    {"inject",
     "DRILL INJECT",
     2,
     2,
     FL_OPTS_TENANT,
     "send an inject now, before its minute",
     NULL,
     {"fairlead drill inject D-003 7", NULL},
     run_inject},
    {"end",
     "DRILL",
     1,
     1,
     FL_OPTS_TENANT,
     "end it; what is open then counts as missing once its time is over",
     NULL,
     {"fairlead drill end D-003", NULL},
     run_end},
    {"report",
     "DRILL",
     1,
     1,
     FL_OPTS_TENANT,
     "the whole drill as one JSON document, once it has ended",
     NULL,
     {"fairlead drill report D-003 > D-003.json", NULL},
     run_report},
};
const size_t fl_cmd_drill_count = FL_LEN(fl_cmd_drill);
