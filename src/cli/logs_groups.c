/* Answers in groups: top, series, facets, count. */
#include <string.h>

#include "base/time.h"
#include "cli/logs.h"
#include "cli/logs_rows.h"
#include "codec/field.h"

#define HOUR_US      (INT64_C(3600) * FL_US_PER_S)
#define SPARKS_MAX   512u
#define SERIES_LIMIT 8u

enum { METRIC_SESSIONS = 4 }; /* in metrics[] */

/* What --by takes, and how its values are shown. */
static const struct {
    const char *name, *head;
    enum { AS_COUNT, AS_BYTES, AS_SPAN } as;
} metrics[] = {
    {"bytes", "bytes", AS_BYTES},       {"up", "sent", AS_BYTES},
    {"down", "received", AS_BYTES},     {"packets", "packets", AS_COUNT},
    {"sessions", "sessions", AS_COUNT}, {"seconds", "time", AS_SPAN},
    {"rows", "rows", AS_COUNT},
};

static int find_metric(struct fl_cli *cli, size_t *ret)
{
    const char *typed = cli->opt[FL_OPT_BY], *words[FL_LEN(metrics)], *near;

    *ret = 0;
    for (size_t i = 0; typed != NULL && i < FL_LEN(metrics); i++) {
        words[i] = metrics[i].name;
        *ret = i;
        if (strcmp(typed, metrics[i].name) == 0)
            return FL_EXIT_OK;
    }
    if (typed == NULL)
        return FL_EXIT_OK;
    near = fl_args_nearest(typed, words, FL_LEN(words));
    return near != NULL ? fl_cli_usage("no metric '%.60s'; did you mean '%s'?", typed, near)
                        : fl_cli_usage("no metric '%.60s'; there are bytes, up, down, packets, "
                                       "sessions, seconds and rows",
                                       typed);
}

static int check_field(const char *typed)
{
    const char *words[FL_FIELD_COUNT], *near;

    if (fl_field_find(fl_span_str(typed)) != FL_FIELD_COUNT)
        return FL_EXIT_OK;
    for (size_t i = 0; i < FL_FIELD_COUNT; i++)
        words[i] = fl_fields[i].alias;
    near = fl_args_nearest(typed, words, FL_LEN(words));
    return near != NULL ? fl_cli_usage("no field '%.60s'; did you mean '%s'?", typed, near)
                        : fl_cli_usage("no field '%.60s'; app, domain, category, user, site and "
                                       "device are the usual ones",
                                       typed);
}

static void metric_text(size_t metric, double value, char text[FL_UNIT_TEXT_BYTES])
{
    if (!(value > 0))
        value = 0;
    switch (metrics[metric].as) {
    case AS_COUNT:
        fl_unit_count((uint64_t)value, text);
        break;
    case AS_BYTES:
        fl_unit_bytes((uint64_t)value, text);
        break;
    case AS_SPAN:
        fl_unit_span((int64_t)(value * 1e6), text);
        break;
    }
}

/* The member of a counters object that holds a metric. */
static double metric_of(const json_t *counters, size_t metric)
{
    static const char *const keys[] = {"bytes",    "bytes_up", "bytes_down", "packets",
                                       "sessions", "seconds",  "rows"};

    return (double)json_number_value(json_object_get(counters, keys[metric]));
}

static const char *key_text(const json_t *item)
{
    return fl_js_bool(item, "other")                      ? "(others)"
           : json_is_string(json_object_get(item, "key")) ? fl_js_text(item, "key")
                                                          : "(none)";
}

/* One object a line: the answer's item and its key once more under the field's ECS name. */
static void print_items(const json_t *items, const char *by, int64_t from_us, int64_t to_us)
{
    enum fl_field field = fl_field_find(fl_span_str(by));
    char at[FL_TIME_TEXT_BYTES];
    json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        json_t *line = json_object();

        if (field != FL_FIELD_COUNT)
            fl_logrows_put(line, fl_fields[field].ecs, json_incref(json_object_get(item, "key")));
        (void)json_object_update(line, item);
        fl_time_format(from_us, at);
        (void)json_object_set_new(line, "from", json_string(at));
        fl_time_format(to_us, at);
        (void)json_object_set_new(line, "to", json_string(at));
        fl_js_line(line);
        json_decref(line);
    }
}

/* Bars take what names leave. */
static unsigned bar_width(const struct fl_cli *cli)
{
    return cli->term.width == 0 || cli->term.width >= 110 ? 24 : cli->term.width >= 90 ? 14 : 8;
}

enum top_column { TOP_KEY, TOP_CATEGORY, TOP_METRIC, TOP_SESSIONS, TOP_USERS, TOP_SHARE, TOP_BAR };

struct top {
    struct fl_cli *cli;
    size_t metric;
    double most;
    unsigned bar_width;
    bool skip[TOP_BAR + 1];
};

static void top_cell(const struct top *top, struct fl_table *table, const json_t *item,
                     enum top_column column)
{
    FL_AUTO(fl_buf_done) struct fl_buf bar;
    char text[FL_UNIT_TEXT_BYTES];

    fl_buf_init(&bar, 256);
    switch (column) {
    case TOP_KEY:
        fl_table_text(table, key_text(item));
        break;
    case TOP_CATEGORY:
        fl_table_text(table, fl_js_text(item, "category"));
        break;
    case TOP_METRIC:
        metric_text(top->metric, metric_of(item, top->metric), text);
        fl_table_text(table, text);
        break;
    case TOP_SESSIONS:
        fl_cli_count(table, fl_js_num(item, "sessions"));
        break;
    case TOP_USERS:
        fl_cli_count(table, fl_js_num(item, "users"));
        break;
    case TOP_SHARE:
        fl_unit_share(json_number_value(json_object_get(item, "share")), text);
        fl_table_text(table, text);
        break;
    case TOP_BAR:
        fl_term_bar(&top->cli->term, metric_of(item, top->metric), top->most, top->bar_width, &bar);
        fl_table_mark(table, fl_buf_span(&bar));
        break;
    }
}

static int top_table(struct top *top, const json_t *answer, const char *by)
{
    const json_t *items = json_object_get(answer, "items"), *item;
    const char *one, *many;
    struct fl_table_column columns[TOP_BAR + 1];
    struct fl_table *table;
    size_t count = 0, i;
    bool users = false;

    fl_logrows_words(by, &one, &many);
    json_array_foreach(items, i, item) users = users || fl_js_num(item, "users") > 0;
    top->skip[TOP_CATEGORY] = strcmp(by, "app") != 0;
    top->skip[TOP_USERS] = strcmp(by, "user") == 0 || !users;
    top->skip[TOP_SESSIONS] = top->metric == METRIC_SESSIONS;
    const struct fl_table_column all[] = {
        {one, false, true, 0},
        {"category", false, true, 2},
        {metrics[top->metric].head, true, false, 0},
        {"sessions", true, false, 3},
        {"users", true, false, 4},
        {"share", true, false, 0},
        {"", false, false, 5},
    };
    for (i = 0; i < FL_LEN(all); i++)
        if (!top->skip[i])
            columns[count++] = all[i];
    table = fl_table_new(&top->cli->term, columns, count);
    json_array_foreach(items, i, item)
    {
        if (i == 0)
            top->most = metric_of(item, top->metric);
        for (int c = TOP_KEY; table != NULL && c <= TOP_BAR; c++)
            if (!top->skip[c])
                top_cell(top, table, item, (enum top_column)c);
    }
    return fl_cli_print(table);
}

/* "12 of 87 applications, 58.9 GB in 214,663 sessions · 0.9 ms from rollups" */
static void top_summary(const struct top *top, const json_t *answer, const char *by,
                        const char *effort)
{
    const json_t *total = json_object_get(answer, "total");
    char shown[FL_UNIT_TEXT_BYTES], keys[FL_UNIT_TEXT_BYTES], sum[FL_UNIT_TEXT_BYTES],
        sessions[FL_UNIT_TEXT_BYTES];
    const char *one, *many;

    fl_logrows_words(by, &one, &many);
    fl_unit_count(json_array_size(json_object_get(answer, "items")), shown);
    fl_unit_count(fl_js_num(total, "keys"), keys);
    metric_text(top->metric, metric_of(total, top->metric), sum);
    fl_unit_count(fl_js_num(total, "sessions"), sessions);
    (void)printf("%s%s of %s %s, ", fl_term_on(&top->cli->term, FL_INK_DIM), shown, keys, many);
    if (top->metric != METRIC_SESSIONS)
        (void)printf("%s%s%s in ", sum, metrics[top->metric].as == AS_COUNT ? " " : "",
                     metrics[top->metric].as == AS_COUNT ? metrics[top->metric].head : "");
    (void)printf("%s sessions%s%s%s\n", sessions, fl_term_dot(&top->cli->term), effort,
                 fl_term_off(&top->cli->term, FL_INK_DIM));
}

static void say_nothing(const struct fl_cli *cli, const struct fl_logs_ask *ask)
{
    char from[FL_UNIT_TEXT_BYTES], to[FL_UNIT_TEXT_BYTES];

    fl_zone_time(ask->from_us, from);
    fl_zone_time(ask->to_us, to);
    (void)printf("Nothing%s%s%s between %s and %s in tenant %s.\n",
                 ask->filter[0] == '\0' ? "" : " that matches ", ask->filter, "", from, to,
                 ask->tenant);
    (void)cli;
}

int fl_logs_top(struct fl_cli *cli)
{
    FL_AUTO(fl_logs_ask_done) struct fl_logs_ask ask = {.from_us = 0};
    struct top top = {.cli = cli, .bar_width = bar_width(cli)};
    json_t *answer, *trailer;
    char effort[160];
    uint64_t limit;
    int r = check_field(cli->arg[0]), partial;

    if (r == FL_EXIT_OK)
        r = find_metric(cli, &top.metric);
    if (r == FL_EXIT_OK)
        r = fl_logs_limit(cli, 12, 10000, &limit);
    if (r == FL_EXIT_OK)
        r = fl_logs_begin(cli, "top", 1, HOUR_US, &ask);
    if (r != FL_EXIT_OK)
        return r;
    fl_logs_param(&ask, "by", cli->arg[0]);
    fl_logs_param(&ask, "metric", metrics[top.metric].name);
    fl_logs_param_num(&ask, "limit", (int64_t)limit);
    r = fl_logs_call(cli, &ask, &answer, &trailer);
    if (r != FL_EXIT_OK)
        return r;
    partial = fl_logs_effort(cli, trailer, effort);
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        print_items(json_object_get(answer, "items"), cli->arg[0], ask.from_us, ask.to_us);
    } else if (json_array_size(json_object_get(answer, "items")) == 0) {
        say_nothing(cli, &ask);
    } else {
        r = top_table(&top, answer, cli->arg[0]);
        top_summary(&top, answer, cli->arg[0], effort);
    }
    json_decref(answer);
    json_decref(trailer);
    return r == FL_EXIT_OK ? partial : r;
}

/* The values of a series as width columns, each the mean of those that fall into it. */
static void squeeze(const json_t *values, unsigned width, double *ret, double *ret_sum,
                    double *ret_most)
{
    size_t count = json_array_size(values);

    *ret_sum = *ret_most = 0;
    for (size_t i = 0; i < count; i++) {
        double value = json_number_value(json_array_get(values, i));

        *ret_sum += value;
        *ret_most = value > *ret_most ? value : *ret_most;
    }
    for (size_t column = 0; column < width; column++) {
        size_t from = column * count / width, to = (column + 1) * count / width;

        ret[column] = 0;
        for (size_t i = from; i < to; i++)
            ret[column] += json_number_value(json_array_get(values, i)) / (double)(to - from);
    }
}

/* Columns that are left for the marks beside key, sum and peak. */
static unsigned chart_width(const struct fl_cli *cli, size_t points)
{
    unsigned width = cli->term.width == 0 ? 120 : cli->term.width;

    width = width > 62 ? width - 46 : 16;
    if (width > SPARKS_MAX)
        width = SPARKS_MAX;
    return points < width ? (unsigned)points : width;
}

static void chart_row(struct fl_cli *cli, struct fl_table *table, const json_t *one, size_t metric,
                      unsigned width)
{
    FL_AUTO(fl_buf_done) struct fl_buf marks;
    double values[SPARKS_MAX], sum, most, high = 0;
    char text[FL_UNIT_TEXT_BYTES];

    fl_buf_init(&marks, 4096);
    squeeze(json_object_get(one, "values"), width, values, &sum, &most);
    for (size_t i = 0; i < width; i++)
        high = values[i] > high ? values[i] : high;
    for (size_t i = 0; i < width; i++)
        fl_term_spark(&cli->term, values[i], high, &marks);
    fl_table_text(table, key_text(one));
    metric_text(metric, sum, text);
    fl_table_text(table, text);
    fl_table_mark(table, fl_buf_span(&marks));
    metric_text(metric, most, text);
    fl_table_text(table, text);
}

static bool is_nothing(const json_t *one)
{
    const json_t *value;
    size_t i;

    json_array_foreach(json_object_get(one, "values"), i, value)
    {
        if (json_number_value(value) > 0)
            return false;
    }
    return true;
}

/* The first and the last time over the marks, as much of them as there is room for. */
static void axis_text(int64_t from_us, int64_t to_us, unsigned width, char axis[SPARKS_MAX + 64])
{
    char from[FL_UNIT_TEXT_BYTES], to[FL_UNIT_TEXT_BYTES];
    unsigned skip = width >= 36 ? 0 : width >= 26 ? 5 : 11, len = 16 - skip;

    fl_zone_time(from_us, from);
    fl_zone_time(to_us, to);
    (void)snprintf(axis, SPARKS_MAX + 64, "%.*s%*s%.*s", (int)len, from + skip,
                   width > 2 * len ? (int)(width - 2 * len) : 1, "", (int)len, to + skip);
}

static int chart(struct fl_cli *cli, const json_t *answer, const char *by, size_t metric)
{
    const json_t *series = json_object_get(answer, "series"), *one;
    size_t points = json_array_size(json_object_get(answer, "buckets")), i;
    char peak[64], step[FL_UNIT_TEXT_BYTES], axis[SPARKS_MAX + 64];
    const char *word, *many;
    unsigned width = chart_width(cli, points);
    int64_t from_us = cli->now_us, to_us = cli->now_us;
    struct fl_table *table;

    fl_logrows_words(by, &word, &many);
    (void)fl_js_time(answer, "from", &from_us);
    (void)fl_js_time(answer, "to", &to_us);
    axis_text(from_us, to_us, width, axis);
    fl_unit_span(fl_js_int(answer, "step_us"), step);
    (void)snprintf(peak, sizeof peak, "peak in %s", step);
    struct fl_table_column columns[] = {{word, false, true, 0},
                                        {metrics[metric].head, true, false, 0},
                                        {axis, false, false, 0},
                                        {peak, true, false, 1}};
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(series, i, one)
    {
        if (table != NULL && width > 0 && !(fl_js_bool(one, "other") && is_nothing(one)))
            chart_row(cli, table, one, metric, width);
    }
    return fl_cli_print(table);
}

static void print_series(const json_t *answer, const char *by)
{
    const json_t *buckets = json_object_get(answer, "buckets"), *one;
    enum fl_field field = fl_field_find(fl_span_str(by));
    size_t i, b;

    json_array_foreach(json_object_get(answer, "series"), i, one)
    {
        for (b = 0; b < json_array_size(buckets); b++) {
            json_t *line = json_object();

            (void)json_object_set(line, "@timestamp", json_array_get(buckets, b));
            if (field != FL_FIELD_COUNT)
                fl_logrows_put(line, fl_fields[field].ecs,
                               json_incref(json_object_get(one, "key")));
            (void)json_object_set(line, "key", json_object_get(one, "key"));
            (void)json_object_set_new(line, "other", json_boolean(fl_js_bool(one, "other")));
            (void)json_object_set(line, "metric", json_object_get(answer, "metric"));
            (void)json_object_set(line, "value", json_array_get(json_object_get(one, "values"), b));
            fl_js_line(line);
            json_decref(line);
        }
    }
}

static int take_step(struct fl_cli *cli, struct fl_logs_ask *ask)
{
    int64_t us;

    if (cli->opt[FL_OPT_STEP] == NULL)
        return FL_EXIT_OK;
    if (!fl_duration_parse(fl_span_str(cli->opt[FL_OPT_STEP]), &us))
        return fl_cli_usage("--step is a time such as 5m or 1h, not '%.60s'",
                            cli->opt[FL_OPT_STEP]);
    fl_logs_param(ask, "step", cli->opt[FL_OPT_STEP]);
    return FL_EXIT_OK;
}

int fl_logs_series(struct fl_cli *cli)
{
    FL_AUTO(fl_logs_ask_done) struct fl_logs_ask ask = {.from_us = 0};
    json_t *answer, *trailer;
    size_t metric;
    char effort[160];
    uint64_t limit;
    int r = check_field(cli->arg[0]), partial;

    if (r == FL_EXIT_OK)
        r = find_metric(cli, &metric);
    if (r == FL_EXIT_OK)
        r = fl_logs_limit(cli, SERIES_LIMIT, 100, &limit);
    if (r == FL_EXIT_OK)
        r = fl_logs_begin(cli, "series", 1, 24 * HOUR_US, &ask);
    if (r == FL_EXIT_OK)
        r = take_step(cli, &ask);
    if (r != FL_EXIT_OK)
        return r;
    fl_logs_param(&ask, "by", cli->arg[0]);
    fl_logs_param(&ask, "metric", metrics[metric].name);
    fl_logs_param_num(&ask, "limit", (int64_t)limit);
    r = fl_logs_call(cli, &ask, &answer, &trailer);
    if (r != FL_EXIT_OK)
        return r;
    partial = fl_logs_effort(cli, trailer, effort);
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        print_series(answer, cli->arg[0]);
    } else if (json_array_size(json_object_get(answer, "series")) == 0) {
        say_nothing(cli, &ask);
    } else {
        r = chart(cli, answer, cli->arg[0], metric);
        (void)printf("%s%s%s\n", fl_term_on(&cli->term, FL_INK_DIM), effort,
                     fl_term_off(&cli->term, FL_INK_DIM));
    }
    json_decref(answer);
    json_decref(trailer);
    return r == FL_EXIT_OK ? partial : r;
}

static int facet(struct fl_cli *cli, const json_t *one)
{
    static const struct fl_table_column columns[] = {
        {"", false, true, 0}, {"rows", true, false, 0}, {"", false, false, 1}};
    const json_t *values = json_object_get(one, "values"), *value;
    char distinct[FL_UNIT_TEXT_BYTES];
    struct fl_table *table;
    double most = 0;
    size_t i;

    fl_unit_count(fl_js_num(one, "distinct"), distinct);
    (void)printf("%s%s%s (%s different)\n", fl_term_on(&cli->term, FL_INK_BOLD),
                 fl_js_text(one, "field"), fl_term_off(&cli->term, FL_INK_BOLD), distinct);
    table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(values, i, value)
    {
        FL_AUTO(fl_buf_done) struct fl_buf bar;
        double rows = (double)fl_js_num(value, "rows");

        fl_buf_init(&bar, 256);
        most = i == 0 ? rows : most;
        fl_term_bar(&cli->term, rows, most, bar_width(cli), &bar);
        if (table == NULL)
            break;
        fl_table_text(table, json_is_string(json_object_get(value, "value"))
                                 ? fl_js_text(value, "value")
                                 : "(none)");
        fl_cli_count(table, fl_js_num(value, "rows"));
        fl_table_mark(table, fl_buf_span(&bar));
    }
    return fl_cli_print_plain(table);
}

int fl_logs_facets(struct fl_cli *cli)
{
    FL_AUTO(fl_logs_ask_done) struct fl_logs_ask ask = {.from_us = 0};
    json_t *answer, *trailer, *one;
    char effort[160], rows[FL_UNIT_TEXT_BYTES];
    uint64_t limit;
    size_t i;
    int r = fl_logs_limit(cli, 5, 100, &limit), partial;

    if (r == FL_EXIT_OK)
        r = fl_logs_begin(cli, "facets", 0, HOUR_US, &ask);
    if (r != FL_EXIT_OK)
        return r;
    fl_logs_param(&ask, "by", cli->opt[FL_OPT_COLUMNS]);
    fl_logs_param_num(&ask, "limit", (int64_t)limit);
    r = fl_logs_call(cli, &ask, &answer, &trailer);
    if (r != FL_EXIT_OK)
        return r;
    partial = fl_logs_effort(cli, trailer, effort);
    json_array_foreach(json_object_get(answer, "facets"), i, one)
    {
        if (fl_cli_flag(cli, FL_OPT_JSON))
            fl_js_line(one);
        else if (r == FL_EXIT_OK)
            r = facet(cli, one);
        if (!fl_cli_flag(cli, FL_OPT_JSON))
            (void)printf("\n");
    }
    fl_unit_count(fl_js_num(answer, "rows"), rows);
    if (!fl_cli_flag(cli, FL_OPT_JSON))
        (void)printf("%s%s rows%s%s%s\n", fl_term_on(&cli->term, FL_INK_DIM), rows,
                     fl_term_dot(&cli->term), effort, fl_term_off(&cli->term, FL_INK_DIM));
    json_decref(answer);
    json_decref(trailer);
    return r == FL_EXIT_OK ? partial : r;
}

int fl_logs_count(struct fl_cli *cli)
{
    FL_AUTO(fl_logs_ask_done) struct fl_logs_ask ask = {.from_us = 0};
    json_t *answer, *trailer;
    char effort[160], rows[FL_UNIT_TEXT_BYTES];
    int r = fl_logs_begin(cli, "count", 0, 24 * HOUR_US, &ask), partial;

    if (r == FL_EXIT_OK)
        r = fl_logs_call(cli, &ask, &answer, &trailer);
    if (r != FL_EXIT_OK)
        return r;
    partial = fl_logs_effort(cli, trailer, effort);
    fl_unit_count(fl_js_num(answer, "rows"), rows);
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(answer);
    else
        (void)printf("%s rows%s%s\n", rows, fl_term_dot(&cli->term), effort);
    json_decref(answer);
    json_decref(trailer);
    return partial;
}
