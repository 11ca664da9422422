/* What events in the world mean for a tenant's network: listed, shown, muted, judged. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/supply.h"

#define HOUR_US (3600 * FL_US_PER_S)

/* ---- figures ---- */

/* "12,345,678"; a sum below 100 keeps its cents. */
static void money_text(const json_t *o, const char *key, char ret[FL_UNIT_TEXT_BYTES])
{
    double value = json_number_value(json_object_get(o, key));

    if (value > 0 && value < 100)
        (void)snprintf(ret, FL_UNIT_TEXT_BYTES, "%.2f", value);
    else
        fl_unit_count(value > 0 ? (uint64_t)(value + 0.5) : 0, ret);
}

static void days_text(const json_t *o, const char *key, char ret[32])
{
    const json_t *value = json_object_get(o, key);

    if (json_is_number(value))
        (void)snprintf(ret, 32, "%.1f", json_number_value(value));
    else
        (void)snprintf(ret, 32, "-");
}

static const char *mark_of(const json_t *risk)
{
    const char *verdict = fl_js_text(risk, "verdict");

    if (json_is_object(json_object_get(risk, "muted")))
        return "muted";
    if (verdict[0] != '\0')
        return verdict;
    return strcmp(fl_js_text(risk, "state"), "open") == 0 ? "" : fl_js_text(risk, "state");
}

/* ---- the list ---- */

static void risk_row(struct fl_table *table, const json_t *risk)
{
    const json_t *first = json_object_get(risk, "first");
    char id[24], loss[FL_UNIT_TEXT_BYTES], potential[FL_UNIT_TEXT_BYTES], left[32], chance[16];

    (void)snprintf(id, sizeof id, "%" PRIu64, fl_js_num(risk, "id"));
    (void)snprintf(chance, sizeof chance, "%.0f %%",
                   100 * json_number_value(json_object_get(risk, "probability")));
    money_text(risk, "net_loss", loss);
    money_text(risk, "potential", potential);
    days_text(first, "tts_days", left);
    fl_table_text(table, id);
    fl_table_text(table, loss);
    fl_table_text(table, potential);
    fl_table_text(table, chance);
    fl_table_text(table, left);
    fl_table_text(table, fl_js_text(json_object_get(risk, "event"), "title"));
    fl_table_text(table, mark_of(risk));
    fl_table_text(table, fl_js_text(risk, "why"));
}

static void say_rest(const json_t *answer)
{
    const json_t *rest = json_object_get(answer, "not_shown");
    const char *problem = fl_js_text(answer, "problem");

    (void)printf("%" PRIu64 " events in 24 hours; not shown: %" PRIu64 " touch nothing, %" PRIu64
                 " are small, %" PRIu64 " are muted.\n",
                 fl_js_num(answer, "received_24h"), fl_js_num(rest, "untouched"),
                 fl_js_num(rest, "small"), fl_js_num(rest, "muted"));
    if (fl_js_num(answer, "waiting") > 0)
        (void)printf("%" PRIu64 " events are still to be looked at.\n",
                     fl_js_num(answer, "waiting"));
    if (problem[0] != '\0')
        (void)printf("The network cannot be calculated with: %s\n", problem);
}

static int print_risks(struct fl_cli *cli, const json_t *answer)
{
    static const struct fl_table_column columns[] = {
        {"id", true, 0, 0},     {"net loss", true, 0, 0},  {"revenue", true, 0, 2},
        {"likely", true, 0, 3}, {"days left", true, 0, 0}, {"event", false, 16, 0},
        {"state", false, 0, 1}, {"why", false, 20, 4},
    };
    const json_t *items = json_object_get(answer, "items"), *item;
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    size_t i;
    int r;

    if (json_array_size(items) == 0) {
        fl_table_free(table);
        (void)printf("No risk.\n");
        say_rest(answer);
        return FL_EXIT_OK;
    }
    json_array_foreach(items, i, item)
    {
        if (table != NULL)
            risk_row(table, item);
    }
    r = fl_cli_print(table);
    (void)printf("Amounts in %s.\n", fl_js_text(json_array_get(items, 0), "currency"));
    say_rest(answer);
    return r;
}

int fl_supply_run_risks(struct fl_cli *cli)
{
    const char *state = cli->opt[FL_OPT_STATE];
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    int r = fl_cli_tenant(cli, tenant);

    if (r != FL_EXIT_OK)
        return r;
    if (state == NULL)
        (void)fl_cli_path(&path, "/api/v1/tenants/", tenant, "/risks", NULL);
    else
        (void)fl_cli_path(&path, "/api/v1/tenants/", tenant, "/risks?state=", state, NULL);
    r = fl_cli_list(cli, path.text, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else
        r = print_risks(cli, answer);
    json_decref(answer);
    return r;
}

/* ---- one ---- */

static int call_risk(struct fl_cli *cli, const char *method, json_t *body, json_t **ret)
{
    char tenant[64], number[24];
    struct fl_cli_path path;
    struct fl_err err;
    uint64_t id;
    int r;

    if (fl_args_number("a risk's id", cli->arg[0], 1, UINT32_MAX, &id, &err) < 0)
        return fl_cli_fail(&err);
    r = fl_cli_tenant(cli, tenant);
    if (r != FL_EXIT_OK)
        return r;
    (void)snprintf(number, sizeof number, "%" PRIu64, id);
    return fl_cli_call(cli, method,
                       fl_cli_path(&path, "/api/v1/tenants/", tenant, "/risks/", number, NULL),
                       body, ret);
}

static int print_hits(struct fl_cli *cli, const json_t *hits)
{
    static const struct fl_table_column columns[] = {
        {"site", false, 0, 0},    {"name", false, 12, 2},     {"measure", false, 0, 3},
        {"value", true, 0, 3},    {"likely", true, 0, 0},     {"band", false, 0, 1},
        {"out days", true, 0, 0}, {"loss alone", true, 0, 0},
    };
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    const json_t *hit;
    size_t i;

    json_array_foreach(hits, i, hit)
    {
        const json_t *days = json_object_get(hit, "down_days");
        char value[32], chance[16], out[48], loss[FL_UNIT_TEXT_BYTES];

        if (table == NULL)
            break;
        days_text(hit, "value", value);
        (void)snprintf(chance, sizeof chance, "%.0f %%",
                       100 * json_number_value(json_object_get(hit, "probability")));
        (void)snprintf(
            out, sizeof out, "%.0f-%.0f-%.0f", json_number_value(json_array_get(days, 0)),
            json_number_value(json_array_get(days, 1)), json_number_value(json_array_get(days, 2)));
        money_text(hit, "loss", loss);
        fl_table_text(table, fl_js_text(hit, "site"));
        fl_table_text(table, fl_js_text(hit, "name"));
        fl_table_text(table, fl_js_text(hit, "measure"));
        fl_table_text(table, value);
        fl_table_text(table, chance);
        fl_table_text(table, fl_js_text(hit, "band"));
        fl_table_text(table, out);
        fl_table_text(table, loss);
    }
    return fl_cli_print(table);
}

static void print_products(const struct fl_cli *cli, const json_t *products)
{
    const json_t *p;
    size_t i;

    json_array_foreach(products, i, p)
    {
        char left[32], loss[FL_UNIT_TEXT_BYTES];

        days_text(p, "tts_days", left);
        money_text(p, "loss", loss);
        fl_cli_pair(cli, i == 0 ? "products" : "", "%s: %s days left, loses %s",
                    fl_js_text(p, "name"), left, loss);
    }
}

static int print_risk(struct fl_cli *cli, const json_t *risk)
{
    const json_t *event = json_object_get(risk, "event"), *muted = json_object_get(risk, "muted");
    const char *currency = fl_js_text(risk, "currency");
    char loss[FL_UNIT_TEXT_BYTES], potential[FL_UNIT_TEXT_BYTES], when[2 * FL_UNIT_TEXT_BYTES];

    money_text(risk, "net_loss", loss);
    money_text(risk, "potential", potential);
    fl_cli_pair(cli, "event", "%s%s", fl_js_text(event, "title"),
                fl_js_bool(risk, "exercise") ? " (Exercise)" : "");
    fl_cli_pair(cli, "where", "%s", fl_js_text(event, "place"));
    fl_cli_when(cli, event, "from", true, when);
    fl_cli_pair(cli, "since", "%s", when);
    fl_cli_pair(cli, "net loss", "%s %s expected", loss, currency);
    fl_cli_pair(cli, "revenue", "%s %s at worst: every site is hit, for its high days", potential,
                currency);
    fl_cli_pair(cli, "why", "%s", fl_js_text(risk, "why"));
    if (fl_js_text(risk, "failure")[0] != '\0')
        fl_cli_pair(cli, "failure", "%s", fl_js_text(risk, "failure"));
    if (json_is_object(muted))
        fl_cli_pair(cli, "muted", "until %s by %s: %s", fl_js_text(muted, "until"),
                    fl_js_text(muted, "by"), fl_js_text(muted, "reason"));
    if (fl_js_text(risk, "verdict")[0] != '\0')
        fl_cli_pair(cli, "verdict", "%s, by %s", fl_js_text(risk, "verdict"),
                    fl_js_text(risk, "verdict_by"));
    print_products(cli, json_object_get(risk, "products"));
    (void)printf("\n");
    return print_hits(cli, json_object_get(risk, "hits"));
}

int fl_supply_run_risk(struct fl_cli *cli)
{
    json_t *risk = NULL;
    int r = call_risk(cli, "GET", NULL, &risk);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(risk);
    else
        r = print_risk(cli, risk);
    json_decref(risk);
    return r;
}

/* ---- what people say ---- */

static int patch(struct fl_cli *cli, json_t *body, const char *said)
{
    json_t *answer = NULL;
    int r = call_risk(cli, "PATCH", body, &answer);

    json_decref(body);
    return fl_cli_done(cli, r, answer, "Risk %s is %s.\n", cli->arg[0], said);
}

int fl_supply_run_mute(struct fl_cli *cli)
{
    uint64_t hours = 24;
    struct fl_err err;
    char until[FL_TIME_TEXT_BYTES];

    if (cli->opt[FL_OPT_REASON] == NULL)
        return fl_cli_usage("say why: --reason 'second source is under way, ticket 4711'");
    if (cli->opt[FL_OPT_HOURS] != NULL &&
        fl_args_number("--hours", cli->opt[FL_OPT_HOURS], 1, 24 * 365, &hours, &err) < 0)
        return fl_cli_fail(&err);
    fl_time_format(fl_now_us() + (int64_t)hours * HOUR_US, until);
    return patch(
        cli, json_pack("{s:s, s:s}", "muted_until", until, "mute_reason", cli->opt[FL_OPT_REASON]),
        "muted");
}

int fl_supply_run_unmute(struct fl_cli *cli)
{
    return patch(cli, json_pack("{s:n}", "muted_until"), "not muted any more");
}

int fl_supply_run_judge(struct fl_cli *cli)
{
    return patch(cli, json_pack("{s:s}", "verdict", cli->arg[1]), cli->arg[1]);
}
