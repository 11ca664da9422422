/* fairlead case: open, follow and close cases; ask suppliers, compare plans, send notices. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/case.h"

/* ---- which case ---- */

/* SC-0417, 417 in the list of all, or the id itself. */
static int find_number(struct fl_cli *cli, const char *tenant, const char *number, char ret[24])
{
    struct fl_cli_path path;
    const json_t *item;
    json_t *answer = NULL;
    size_t i;
    int r = fl_cli_list(
        cli, fl_cli_path(&path, "/api/v1/tenants/", tenant, "/cases?state=all", NULL), &answer);

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
    (void)fprintf(stderr,
                  "fairlead: there is no case %s; fairlead case list --state all shows what "
                  "there is\n",
                  number);
    return FL_EXIT_NO;
}

/* The path of the case that the first argument names; rest is appended as it is. */
static int case_path(struct fl_cli *cli, const char *rest, struct fl_buf *ret)
{
    char tenant[64], id[24];
    int r = fl_cli_tenant(cli, tenant);

    if (r != FL_EXIT_OK)
        return r;
    if (strncmp(cli->arg[0], "SC-", 3) == 0)
        r = find_number(cli, tenant, cli->arg[0], id);
    else
        (void)snprintf(id, sizeof id, "%.20s", cli->arg[0]);
    if (r != FL_EXIT_OK)
        return r;
    fl_buf_printf(ret, "/api/v1/tenants/%s/cases/", tenant);
    fl_cli_encode(ret, fl_span_str(id));
    fl_buf_put_str(ret, rest);
    fl_buf_put_u8(ret, 0);
    return FL_EXIT_OK;
}

static int call(struct fl_cli *cli, const char *method, const char *rest, const json_t *body,
                json_t **ret)
{
    FL_AUTO(fl_buf_done) struct fl_buf path;
    int r;

    fl_buf_init(&path, 4096);
    r = case_path(cli, rest, &path);
    return r != FL_EXIT_OK ? r : fl_cli_call(cli, method, (const char *)path.ptr, body, ret);
}

/* A part of the case that a further argument names: "/questions/7/remind". */
static void rest_of(char ret[200], const char *part, const char *id, const char *behind)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, 180);
    fl_cli_encode(&text, fl_span_str(id));
    (void)snprintf(ret, 200, "/%s/%.*s%s", part, (int)text.len,
                   text.len == 0 ? "" : (const char *)text.ptr, behind);
}

/* ---- options into members ---- */

struct member {
    enum fl_opt opt;
    const char *name;
    char kind; /* t: text, n: number, f: flag */
};

static int put_members(struct fl_cli *cli, json_t *body, const struct member *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = cli->opt[list[i].opt];
        char *end = NULL;
        double number;

        if (value == NULL)
            continue;
        if (list[i].kind == 't') {
            (void)json_object_set_new(body, list[i].name, json_string(value));
            continue;
        }
        if (list[i].kind == 'f') {
            (void)json_object_set_new(body, list[i].name, json_boolean(value[0] == 'y'));
            continue;
        }
        number = strtod(value, &end);
        if (end == value || *end != '\0')
            return fl_cli_usage("%s is a number, such as 35", list[i].name);
        (void)json_object_set_new(body, list[i].name,
                                  number == (double)(json_int_t)number
                                      ? json_integer((json_int_t)number)
                                      : json_real(number));
    }
    return FL_EXIT_OK;
}

/* ---- showing ---- */

static void money(struct fl_table *table, const json_t *o, const char *key, const char *currency)
{
    const json_t *value = json_object_get(o, key);
    char text[60] = "";

    if (json_is_number(value))
        (void)snprintf(text, sizeof text, "%.0f %s", json_number_value(value), currency);
    fl_table_text(table, text);
}

static void days(struct fl_table *table, const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    char text[32] = "";

    if (json_is_number(value))
        (void)snprintf(text, sizeof text, "%.3g", json_number_value(value));
    fl_table_text(table, text);
}

static void case_row(struct fl_cli *cli, struct fl_table *table, const json_t *c)
{
    const json_t *figures = json_object_get(c, "figures");
    char opened[2 * FL_UNIT_TEXT_BYTES], id[24];

    (void)snprintf(id, sizeof id, "%" PRIu64, fl_js_num(c, "id"));
    fl_cli_when(cli, c, "opened", true, opened);
    fl_table_text(table, id);
    fl_table_text(table, fl_js_text(c, "number"));
    fl_table_text(table, fl_js_text(c, "state"));
    fl_table_text(table, fl_js_text(c, "severity"));
    fl_table_text(table, fl_js_bool(c, "exercise") ? "EXERCISE" : "");
    fl_table_text(table, fl_js_text(c, "title"));
    fl_table_text(table, fl_js_text(c, "owner"));
    money(table, figures, "confirmed", fl_js_text(c, "currency"));
    money(table, figures, "potential", fl_js_text(c, "currency"));
    fl_table_text(table, opened);
}

static int run_list(struct fl_cli *cli)
{
    static const struct fl_table_column columns[] = {
        {"id", true, false, 0},       {"case", false, true, 0},      {"state", false, true, 0},
        {"severity", false, true, 0}, {"", false, true, 0},          {"title", false, true, 1},
        {"owner", false, true, 2},    {"confirmed", true, false, 0}, {"potential", true, false, 0},
        {"opened", false, true, 2}};
    FL_AUTO(fl_buf_done) struct fl_buf path;
    struct fl_table *table;
    const json_t *item;
    json_t *answer = NULL;
    char tenant[64];
    size_t i;
    int r = fl_cli_tenant(cli, tenant);

    fl_buf_init(&path, 4096);
    fl_buf_printf(&path, "/api/v1/tenants/%s/cases?state=", tenant);
    fl_cli_encode(&path,
                  fl_span_str(cli->opt[FL_OPT_STATE] == NULL ? "running" : cli->opt[FL_OPT_STATE]));
    fl_buf_put_u8(&path, 0);
    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, (const char *)path.ptr, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
    } else if (json_array_size(json_object_get(answer, "items")) == 0) {
        (void)printf("No case is open. fairlead case open 'Fire at a supplier' --site S-1 opens "
                     "one.\n");
    } else {
        table = fl_table_new(&cli->term, columns, FL_LEN(columns));
        json_array_foreach(json_object_get(answer, "items"), i, item)
        {
            if (table != NULL)
                case_row(cli, table, item);
        }
        r = fl_cli_print(table);
    }
    json_decref(answer);
    return r;
}

static int print_sites(struct fl_cli *cli, const json_t *c)
{
    static const struct fl_table_column columns[] = {
        {"site", false, true, 0},   {"name", false, true, 1},      {"supplier", false, true, 2},
        {"status", false, true, 0}, {"days down", true, false, 0}, {"stock days", true, false, 0},
        {"loss", true, false, 0},   {"last word", false, true, 2}};
    const json_t *s, *sites = json_object_get(c, "sites");
    struct fl_table *table;
    size_t i;

    if (json_array_size(sites) == 0) {
        (void)printf("No site is in the case; fairlead case site %s S-1 --add adds one.\n",
                     fl_js_text(c, "number"));
        return FL_EXIT_OK;
    }
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(sites, i, s)
    {
        if (table == NULL)
            break;
        fl_table_text(table, fl_js_text(s, "site"));
        fl_table_text(table, fl_js_text(s, "name"));
        fl_table_text(table, fl_js_text(s, "supplier_name"));
        fl_table_text(table, fl_js_text(s, "status"));
        days(table, s, "down_days");
        days(table, s, "stock_days");
        money(table, s, "loss", fl_js_text(c, "currency"));
        fl_table_text(table, fl_js_text(json_object_get(s, "last_word"), "by"));
    }
    return fl_cli_print(table);
}

static int print_case(struct fl_cli *cli, json_t *c)
{
    const json_t *clock, *figures = json_object_get(c, "figures");
    const char *currency = fl_js_text(c, "currency");
    char when[2 * FL_UNIT_TEXT_BYTES];
    size_t i;
    int r;

    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(c);
        json_decref(c);
        return FL_EXIT_OK;
    }
    if (fl_js_bool(c, "exercise"))
        (void)printf("EXERCISE: nothing of this case leaves.\n");
    fl_cli_pair(cli, "case", "%s  %s", fl_js_text(c, "number"), fl_js_text(c, "title"));
    fl_cli_pair(cli, "state", "%s, %s", fl_js_text(c, "state"), fl_js_text(c, "severity"));
    if (fl_js_text(c, "owner")[0] != '\0')
        fl_cli_pair(cli, "owner", "%s", fl_js_text(c, "owner"));
    fl_cli_when(cli, c, "opened", true, when);
    fl_cli_pair(cli, "opened", "%s by %s", when, fl_js_text(c, "opened_by"));
    fl_cli_pair(cli, "confirmed", "%.0f %s",
                json_number_value(json_object_get(figures, "confirmed")), currency);
    fl_cli_pair(cli, "potential", "%.0f %s",
                json_number_value(json_object_get(figures, "potential")), currency);
    json_array_foreach(json_object_get(c, "clocks"), i, clock)
    {
        if (fl_js_text(clock, "object")[0] != '\0')
            continue; /* those of questions stand with them */
        fl_cli_when(cli, clock, "due", true, when);
        fl_cli_pair(cli, fl_js_text(clock, "kind"), "%s, due %s (clock %" PRIu64 ")",
                    fl_js_text(clock, "state"), when, fl_js_num(clock, "id"));
    }
    r = print_sites(cli, c);
    json_decref(c);
    return r;
}

static int run_show(struct fl_cli *cli)
{
    json_t *answer = NULL;
    int r = call(cli, "GET", "", NULL, &answer);

    return r != FL_EXIT_OK ? r : print_case(cli, answer);
}

/* ---- opening and changing ---- */

static json_t *site_list(const char *text)
{
    json_t *list = json_array();

    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, ",");

        if (len > 0)
            (void)json_array_append_new(list, json_stringn(text, len));
        text += len + (text[len] == ',');
    }
    return list;
}

static int run_open(struct fl_cli *cli)
{
    static const struct member members[] = {{FL_OPT_SEVERITY, "severity", 't'},
                                            {FL_OPT_OWNER, "owner", 't'},
                                            {FL_OPT_EXERCISE, "exercise", 'f'},
                                            {FL_OPT_RISK, "risk", 'n'}};
    json_t *body = json_object(), *answer = NULL;
    struct fl_cli_path path;
    char tenant[64];
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK && cli->args == 0 && cli->opt[FL_OPT_RISK] == NULL)
        r = fl_cli_usage("say what it is about: fairlead case open TITLE, or --risk N");
    if (cli->args > 0)
        (void)json_object_set_new(body, "title", json_string(cli->arg[0]));
    if (cli->opt[FL_OPT_SITE] != NULL)
        (void)json_object_set_new(body, "sites", site_list(cli->opt[FL_OPT_SITE]));
    if (r == FL_EXIT_OK)
        r = put_members(cli, body, members, FL_LEN(members));
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "POST", fl_cli_path(&path, "/api/v1/tenants/", tenant, "/cases", NULL),
                        body, &answer);
    json_decref(body);
    return r != FL_EXIT_OK ? r : print_case(cli, answer);
}

static int run_set(struct fl_cli *cli)
{
    static const struct member members[] = {{FL_OPT_NAME, "title", 't'},
                                            {FL_OPT_SEVERITY, "severity", 't'},
                                            {FL_OPT_OWNER, "owner", 't'},
                                            {FL_OPT_STATE, "state", 't'},
                                            {FL_OPT_REASON, "reason", 't'}};
    json_t *body = json_object(), *answer = NULL;
    int r = put_members(cli, body, members, FL_LEN(members));

    if (r == FL_EXIT_OK && json_object_size(body) == 0)
        r = fl_cli_usage("nothing to set; fairlead case set -h shows what there is");
    if (r == FL_EXIT_OK)
        r = call(cli, "PATCH", "", body, &answer);
    json_decref(body);
    return r != FL_EXIT_OK ? r : print_case(cli, answer);
}

static int run_site(struct fl_cli *cli)
{
    static const struct member members[] = {
        {FL_OPT_STATE, "status", 't'}, {FL_OPT_DAYS, "days", 'n'}, {FL_OPT_TEXT, "note", 't'}};
    json_t *body = json_object(), *answer = NULL;
    char rest[200];
    int r = FL_EXIT_OK;

    rest_of(rest, "sites", cli->arg[1], "");
    if (fl_cli_flag(cli, FL_OPT_ADD)) {
        (void)json_object_set_new(body, "site", json_string(cli->arg[1]));
        r = call(cli, "POST", "/sites", body, &answer);
    } else {
        r = put_members(cli, body, members, FL_LEN(members));
        if (r == FL_EXIT_OK && json_object_size(body) == 0)
            r = fl_cli_usage(
                "say what is known: --state confirmed --days 35 --text '...', or --add");
        if (r == FL_EXIT_OK)
            r = call(cli, "PATCH", rest, body, &answer);
    }
    json_decref(body);
    return r != FL_EXIT_OK ? r : print_case(cli, answer);
}

/* ---- questions ---- */

static int print_questions(struct fl_cli *cli, const json_t *answer)
{
    static const struct fl_table_column columns[] = {
        {"id", true, false, 0},    {"site", false, true, 0},  {"to", false, true, 1},
        {"state", false, true, 0}, {"asked", false, true, 2}, {"due", false, true, 2},
        {"answer", false, true, 1}};
    const json_t *q, *list = json_object_get(answer, "questions");
    struct fl_table *table;
    size_t i;

    if (json_array_size(list) == 0) {
        (void)printf("Nobody was asked. fairlead case ask %s SITE asks a supplier.\n", cli->arg[0]);
        return FL_EXIT_OK;
    }
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(list, i, q)
    {
        const json_t *a = json_object_get(q, "answer");
        char id[24], asked[2 * FL_UNIT_TEXT_BYTES], due[2 * FL_UNIT_TEXT_BYTES], text[200] = "";

        if (table == NULL)
            break;
        (void)snprintf(id, sizeof id, "%" PRIu64, fl_js_num(q, "id"));
        fl_cli_when(cli, q, "asked", true, asked);
        fl_cli_when(cli, json_object_get(q, "clock"), "due", true, due);
        if (json_is_object(a) && json_is_number(json_object_get(a, "days")))
            (void)snprintf(text, sizeof text, "%s, %.3g days  %.150s", fl_js_text(a, "impact"),
                           json_number_value(json_object_get(a, "days")), fl_js_text(a, "text"));
        else if (json_is_object(a))
            (void)snprintf(text, sizeof text, "%s  %.150s", fl_js_text(a, "impact"),
                           fl_js_text(a, "text"));
        fl_table_text(table, id);
        fl_table_text(table, fl_js_text(q, "site_name"));
        fl_table_text(table, fl_js_text(q, "to"));
        fl_table_text(table, fl_js_text(q, "state"));
        fl_table_text(table, asked);
        fl_table_text(table, json_is_object(a) ? "" : due);
        fl_table_text(table, text);
    }
    return fl_cli_print(table);
}

static int run_questions(struct fl_cli *cli)
{
    json_t *answer = NULL;
    int r = call(cli, "GET", "/questions", NULL, &answer);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(answer);
    else
        r = print_questions(cli, answer);
    json_decref(answer);
    return r;
}

static int run_ask(struct fl_cli *cli)
{
    static const struct member members[] = {
        {FL_OPT_TO, "to", 't'},     {FL_OPT_LANGUAGE, "language", 't'}, {FL_OPT_TEXT, "text", 't'},
        {FL_OPT_LINK, "link", 'f'}, {FL_OPT_HOURS, "hours", 'n'},       {FL_OPT_DAYS, "days", 'n'}};
    json_t *body = json_pack("{s:s}", "site", cli->arg[1]), *answer = NULL;
    int r = put_members(cli, body, members, FL_LEN(members));

    if (r == FL_EXIT_OK)
        r = call(cli, "POST", "/questions", body, &answer);
    json_decref(body);
    if (r == FL_EXIT_OK && fl_js_text(answer, "link")[0] != '\0' &&
        !fl_cli_flag(cli, FL_OPT_JSON)) {
        (void)printf("%s\n", fl_js_text(answer, "link"));
        fl_cli_note(cli, "this link is shown once; pass it on to the supplier");
        json_decref(answer);
        return FL_EXIT_OK;
    }
    return fl_cli_done(cli, r, answer, "Question %" PRIu64 " to %s: %s.\n", fl_js_num(answer, "id"),
                       fl_js_text(answer, "to"), fl_js_text(answer, "state"));
}

static int run_remind(struct fl_cli *cli)
{
    json_t *body = json_object(), *answer = NULL;
    char rest[200];
    int r;

    rest_of(rest, "questions", cli->arg[1], "/remind");
    r = call(cli, "POST", rest, body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "%s is reminded.\n", fl_js_text(answer, "to"));
}

static int run_answer(struct fl_cli *cli)
{
    static const struct member members[] = {
        {FL_OPT_DAYS, "days", 'n'}, {FL_OPT_TEXT, "text", 't'}, {FL_OPT_NAME, "name", 't'}};
    json_t *body = json_pack("{s:s}", "impact", cli->arg[2]), *answer = NULL;
    char rest[200];
    int r = put_members(cli, body, members, FL_LEN(members));

    rest_of(rest, "questions", cli->arg[1], "/answer");
    if (r == FL_EXIT_OK)
        r = call(cli, "POST", rest, body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Question %" PRIu64 " is answered: %s.\n",
                       fl_js_num(answer, "id"), cli->arg[2]);
}

/* ---- plans ---- */

static void plan_row(struct fl_table *table, const json_t *p, const json_t *compared)
{
    const json_t *c, *found = NULL;
    char id[24], text[40] = "";
    size_t i;

    (void)snprintf(id, sizeof id, "%" PRIu64, fl_js_num(p, "id"));
    json_array_foreach(json_object_get(compared, "plans"), i, c)
    {
        if (strcmp(fl_js_text(c, "id"), id) == 0)
            found = c;
    }
    fl_table_text(table, id);
    fl_table_text(table, fl_js_text(p, "title"));
    fl_table_text(table, fl_js_text(p, "kind"));
    fl_table_text(table, fl_js_text(p, "state"));
    money(table, p, "cost", fl_js_text(p, "currency"));
    money(table, found, "avoids", fl_js_text(compared, "currency"));
    if (json_is_number(json_object_get(found, "per_money")))
        (void)snprintf(text, sizeof text, "%.2f",
                       json_number_value(json_object_get(found, "per_money")));
    fl_table_text(table, text);
    fl_table_text(table, fl_js_text(p, "owner"));
}

static int print_plans(struct fl_cli *cli, const json_t *answer, const json_t *compared)
{
    static const struct fl_table_column columns[] = {
        {"id", true, false, 0},        {"plan", false, true, 1}, {"kind", false, true, 2},
        {"state", false, true, 0},     {"cost", true, false, 0}, {"avoids", true, false, 0},
        {"per money", true, false, 0}, {"owner", false, true, 2}};
    const json_t *p, *list = json_object_get(answer, "plans");
    struct fl_table *table;
    size_t i;

    if (json_array_size(list) == 0) {
        (void)printf("There is no plan. fairlead case plan %s 'Buy ahead' --kind buffer --part P-7 "
                     "--units 1000 drafts one.\n",
                     cli->arg[0]);
        return FL_EXIT_OK;
    }
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(list, i, p)
    {
        if (table != NULL)
            plan_row(table, p, compared);
    }
    return fl_cli_print(table);
}

static int run_plans(struct fl_cli *cli)
{
    json_t *answer = NULL, *compared = NULL;
    int r = call(cli, "GET", "/plans", NULL, &answer);

    if (r == FL_EXIT_OK && fl_cli_flag(cli, FL_OPT_COMPARE))
        r = call(cli, "GET", "/plans/compare", NULL, &compared);
    if (r == FL_EXIT_OK && fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(compared != NULL ? compared : answer);
    else if (r == FL_EXIT_OK)
        r = print_plans(cli, answer, compared);
    json_decref(answer);
    json_decref(compared);
    return r;
}

static int run_plan(struct fl_cli *cli)
{
    static const struct member members[] = {
        {FL_OPT_KIND, "kind", 't'},      {FL_OPT_PART, "part", 't'},
        {FL_OPT_SITE, "site", 't'},      {FL_OPT_TO, "to", 't'},
        {FL_OPT_UNITS, "units", 'n'},    {FL_OPT_COST, "cost", 'n'},
        {FL_OPT_OWNER, "owner", 't'},    {FL_OPT_STATE, "state", 't'},
        {FL_OPT_REASON, "reason", 't'},  {FL_OPT_DAYS, "bring_up_days", 'n'},
        {FL_OPT_PRODUCT, "product", 't'}};
    json_t *body = json_object(), *answer = NULL;
    bool change = strspn(cli->arg[1], "0123456789") == strlen(cli->arg[1]);
    char rest[200];
    int r = put_members(cli, body, members, FL_LEN(members));

    rest_of(rest, "plans", cli->arg[1], "");
    if (!change)
        (void)json_object_set_new(body, "title", json_string(cli->arg[1]));
    if (r == FL_EXIT_OK)
        r = call(cli, change ? "PATCH" : "POST", change ? rest : "/plans", body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Plan %" PRIu64 " (%s) is %s.\n", fl_js_num(answer, "id"),
                       fl_js_text(answer, "title"), fl_js_text(answer, "state"));
}

/* ---- notices, clocks, timeline, export ---- */

static int run_notice(struct fl_cli *cli)
{
    static const struct member members[] = {
        {FL_OPT_TO, "to", 't'}, {FL_OPT_SUBJECT, "subject", 't'}, {FL_OPT_TEXT, "body", 't'}};
    json_t *body = json_object(), *answer = NULL;
    const char *to = cli->opt[FL_OPT_TO];
    int r = put_members(cli, body, members, FL_LEN(members));

    if (to == NULL || cli->opt[FL_OPT_SUBJECT] == NULL || cli->opt[FL_OPT_TEXT] == NULL)
        r = fl_cli_usage("a notice needs --to, --subject and --text");
    else if (strncmp(to, "https://", 8) == 0)
        (void)json_object_set_new(body, "channel", json_string("webhook"));
    if (r == FL_EXIT_OK)
        r = call(cli, "POST", "/notices", body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Notice %" PRIu64 " to %s: %s.\n", fl_js_num(answer, "id"),
                       fl_js_text(answer, "to"), fl_js_text(answer, "state"));
}

static int run_clock(struct fl_cli *cli)
{
    json_t *body = json_pack("{s:s}", "rule", cli->arg[2]), *answer = NULL;
    char rest[200], when[2 * FL_UNIT_TEXT_BYTES];
    int64_t us = 0;
    int r = FL_EXIT_OK;

    rest_of(rest, "clocks", cli->arg[1], "");
    if (strcmp(cli->arg[2], "extend") == 0) {
        if (cli->args < 4 || !fl_duration_parse(fl_span_str(cli->arg[3]), &us) ||
            us < 60 * FL_US_PER_S)
            r = fl_cli_usage(
                "extend by how much? fairlead case clock CASE CLOCK extend 2h --reason "
                "...");
        (void)json_object_set_new(body, "minutes",
                                  json_integer((json_int_t)(us / (60 * FL_US_PER_S))));
    } else if (cli->args > 3) {
        (void)json_object_set_new(body, "from", json_string(cli->arg[3]));
    }
    if (cli->opt[FL_OPT_REASON] != NULL)
        (void)json_object_set_new(body, "reason", json_string(cli->opt[FL_OPT_REASON]));
    if (r == FL_EXIT_OK)
        r = call(cli, "POST", rest, body, &answer);
    json_decref(body);
    if (r == FL_EXIT_OK)
        fl_cli_when(cli, answer, "due", true, when);
    return fl_cli_done(cli, r, answer, "The clock is due %s.\n", r == FL_EXIT_OK ? when : "");
}

static int run_timeline(struct fl_cli *cli)
{
    static const struct fl_table_column columns[] = {{"at", false, true, 0},
                                                     {"what", false, true, 0},
                                                     {"who", false, true, 2},
                                                     {"text", false, true, 1}};
    FL_AUTO(fl_buf_done) struct fl_buf path;
    struct fl_table *table;
    const json_t *item;
    json_t *answer = NULL;
    size_t i;
    int r;

    fl_buf_init(&path, 4096);
    r = case_path(cli, "/timeline", &path);
    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, (const char *)path.ptr, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
        json_decref(answer);
        return FL_EXIT_OK;
    }
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        char when[2 * FL_UNIT_TEXT_BYTES];

        if (table == NULL)
            break;
        fl_cli_when(cli, item, "at", false, when);
        fl_table_text(table, when);
        fl_table_text(table, fl_js_text(item, "what"));
        fl_table_text(table, fl_js_text(item, "who"));
        fl_table_text(table, fl_js_text(item, "text"));
    }
    r = fl_cli_print(table);
    json_decref(answer);
    return r;
}

static int run_export(struct fl_cli *cli)
{
    json_t *answer = NULL;
    int r = call(cli, "GET", "/export", NULL, &answer);

    if (r != FL_EXIT_OK)
        return r;
    (void)json_dumpf(answer, stdout, JSON_INDENT(2));
    (void)printf("\n");
    json_decref(answer);
    return FL_EXIT_OK;
}

#define BIT(name) FL_OPT_BIT(name)

const struct fl_command fl_cmd_case[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_TENANT | BIT(STATE),
     "the cases of a tenant",
     "--state is running (default), over or all.",
     {"fairlead case list --tenant acme", "fairlead case list --state over"},
     run_list},
    {"show",
     "CASE",
     1,
     1,
     FL_OPTS_TENANT,
     "one case with its sites and clocks",
     "CASE is its id or its number, such as SC-0417.",
     {"fairlead case show SC-0417", NULL},
     run_show},
    {"open",
     "[TITLE]",
     0,
     1,
     FL_OPTS_TENANT | BIT(SEVERITY) | BIT(OWNER) | BIT(SITE) | BIT(RISK) | BIT(EXERCISE),
     "open a case",
     "--site is a comma list of sites of the network of supply. --severity is low, medium, high or "
     "severe. With --exercise nothing of the case ever leaves.",
     {"fairlead case open 'Fire at Kitakami' --site S-011 --severity high",
      "fairlead case open --risk 12"},
     run_open},
    {"set",
     "CASE",
     1,
     1,
     FL_OPTS_TENANT | BIT(NAME) | BIT(SEVERITY) | BIT(OWNER) | BIT(STATE) | BIT(REASON),
     "change a case, close it, open it again",
     "--state is open, acting, watching, closed or void.",
     {"fairlead case set SC-0417 --owner ann", "fairlead case set 3 --state closed --reason done"},
     run_set},
    {"site",
     "CASE SITE",
     2,
     2,
     FL_OPTS_TENANT | BIT(STATE) | BIT(DAYS) | BIT(TEXT) | BIT(ADD),
     "what is known about an affected site",
     "--state is potential, confirmed, no_impact or restored; --days how long it is down.",
     {"fairlead case site SC-0417 S-011 --state confirmed --days 56",
      "fairlead case site SC-0417 S-013 --add"},
     run_site},
    {"ask",
     "CASE SITE",
     2,
     2,
     FL_OPTS_TENANT | BIT(TO) | BIT(LANGUAGE) | BIT(TEXT) | BIT(LINK) | BIT(HOURS) | BIT(DAYS),
     "ask the supplier of a site, who needs no account",
     "Without --to the first of the table of contacts is asked by mail; with --link the link is "
     "shown once instead. --hours: then the next contact is asked. --days: the link works so long.",
     {"fairlead case ask SC-0417 S-011", "fairlead case ask 3 S-011 --to ann@example.com"},
     run_ask},
    {"questions",
     "CASE",
     1,
     1,
     FL_OPTS_TENANT,
     "whom one asked, and what they said",
     NULL,
     {"fairlead case questions SC-0417", NULL},
     run_questions},
    {"remind",
     "CASE QUESTION",
     2,
     2,
     FL_OPTS_TENANT,
     "remind a supplier now",
     NULL,
     {"fairlead case remind SC-0417 7", NULL},
     run_remind},
    {"answer",
     "CASE QUESTION yes|no",
     3,
     3,
     FL_OPTS_TENANT | BIT(DAYS) | BIT(TEXT) | BIT(NAME),
     "note an answer that came by telephone",
     NULL,
     {"fairlead case answer SC-0417 7 yes --days 35 --name 'R. Ono'", NULL},
     run_answer},
    {"plans",
     "CASE",
     1,
     1,
     FL_OPTS_TENANT | BIT(COMPARE),
     "mitigation plans; with --compare what each avoids",
     NULL,
     {"fairlead case plans SC-0417 --compare", NULL},
     run_plans},
    {"plan",
     "CASE TITLE|PLAN",
     2,
     2,
     FL_OPTS_TENANT | BIT(KIND) | BIT(PART) | BIT(SITE) | BIT(TO) | BIT(UNITS) | BIT(COST) |
         BIT(OWNER) | BIT(STATE) | BIT(REASON) | BIT(DAYS) | BIT(PRODUCT),
     "draft a plan, or change the plan of this id",
     "--kind is buffer, second_source, alternate, last_time_buy or allocation; --state is drafted, "
     "chosen, done or dropped; --days until it helps.",
     {"fairlead case plan SC-0417 'Buy ahead' --kind buffer --part P-7 --units 1000 --cost 15000",
      "fairlead case plan SC-0417 4 --state chosen"},
     run_plan},
    {"notice",
     "CASE",
     1,
     1,
     FL_OPTS_TENANT | BIT(TO) | BIT(SUBJECT) | BIT(TEXT),
     "send a notice by mail, or to a webhook",
     NULL,
     {"fairlead case notice SC-0417 --to sales@example.com --subject 'Tern 60' --text 'Hold 31 "
      "lines'",
      NULL},
     run_notice},
    {"clock",
     "CASE CLOCK RULE [TIME]",
     3,
     4,
     FL_OPTS_TENANT | BIT(REASON),
     "change when something is due, by a named rule",
     "RULE is extend (TIME: by how much), redate (TIME: it counts from then), pause, resume or "
     "stop. Each needs --reason.",
     {"fairlead case clock SC-0417 9 extend 12h --reason 'roads are closed'", NULL},
     run_clock},
    {"timeline",
     "CASE",
     1,
     1,
     FL_OPTS_TENANT,
     "all that happened, oldest first",
     NULL,
     {"fairlead case timeline SC-0417", NULL},
     run_timeline},
    {"export",
     "CASE",
     1,
     1,
     FL_OPTS_TENANT,
     "the whole case as one JSON document",
     NULL,
     {"fairlead case export SC-0417 > SC-0417.json", NULL},
     run_export},
};
const size_t fl_cmd_case_count = FL_LEN(fl_cmd_case);
