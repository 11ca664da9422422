#include <inttypes.h>
#include <string.h>

#include "base/time.h"
#include "cli/logs.h"

void fl_logs_ask_done(struct fl_logs_ask *ask)
{
    fl_buf_done(&ask->path);
}

void fl_logs_param(struct fl_logs_ask *ask, const char *name, const char *value)
{
    bool first = ask->path.len == 0 || memchr(ask->path.ptr, '?', ask->path.len) == NULL;

    if (value == NULL)
        return;
    fl_buf_printf(&ask->path, "%c%s=", first ? '?' : '&', name);
    fl_cli_encode(&ask->path, fl_span_str(value));
}

void fl_logs_param_num(struct fl_logs_ask *ask, const char *name, int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    fl_logs_param(ask, name, text);
}

const char *fl_logs_path(struct fl_logs_ask *ask)
{
    fl_buf_put_u8(&ask->path, 0);
    if (fl_buf_status(&ask->path, NULL) < 0)
        return NULL;
    ask->path.len--;
    return (const char *)ask->path.ptr;
}

/* A whole day in the zone that times are shown in; days of a change of clocks have 23 or 25 h. */
static int take_day(struct fl_cli *cli, struct fl_logs_ask *ask, struct fl_err *err)
{
    int64_t noon;
    char text[40], day[FL_UNIT_TEXT_BYTES];
    int r = fl_zone_parse(cli->opt[FL_OPT_DAY], cli->now_us, &ask->from_us, err);

    if (r < 0)
        return r;
    if (strlen(cli->opt[FL_OPT_DAY]) != 10)
        return fl_err_set(err, FL_E_INVAL, "--day is a date such as 2026-11-20, not '%.60s'",
                          cli->opt[FL_OPT_DAY]);
    noon = ask->from_us + FL_US_PER_DAY + FL_US_PER_DAY / 4;
    fl_zone_time(noon, day);
    (void)snprintf(text, sizeof text, "%.10s", day);
    return fl_zone_parse(text, cli->now_us, &ask->to_us, err);
}

static int take_range(struct fl_cli *cli, int64_t preset_us, struct fl_logs_ask *ask,
                      struct fl_err *err)
{
    const char *from = cli->opt[FL_OPT_FROM], *to = cli->opt[FL_OPT_TO];
    const char *last = cli->opt[FL_OPT_LAST];
    int64_t us = preset_us;
    int r = FL_OK;

    if ((last != NULL) + (from != NULL || to != NULL) + (cli->opt[FL_OPT_DAY] != NULL) > 1)
        return fl_err_set(err, FL_E_INVAL, "--last, --day and --from/--to exclude each other");
    if (cli->opt[FL_OPT_DAY] != NULL)
        return take_day(cli, ask, err);
    if (last != NULL && !fl_duration_parse(fl_span_str(last), &us))
        return fl_err_set(err, FL_E_INVAL, "--last is a time such as 15m, 1h or 7d, not '%.60s'",
                          last);
    ask->to_us = cli->now_us;
    if (to != NULL)
        r = fl_zone_parse(to, cli->now_us, &ask->to_us, err);
    ask->from_us = ask->to_us - us;
    if (r == FL_OK && from != NULL)
        r = fl_zone_parse(from, cli->now_us, &ask->from_us, err);
    if (r == FL_OK && ask->from_us >= ask->to_us && preset_us != 0)
        r = fl_err_set(err, FL_E_INVAL, "the range is empty: it ends before it begins");
    return r;
}

/* The words of the filter as one: "a b" and --where c give "(a b) (c)". */
static int take_filter(struct fl_cli *cli, size_t first, struct fl_logs_ask *ask,
                       struct fl_err *err)
{
    const char *where = cli->opt[FL_OPT_WHERE];
    FL_AUTO(fl_buf_done) struct fl_buf text;
    bool both = where != NULL && where[0] != '\0' && cli->args > first;

    fl_buf_init(&text, sizeof ask->filter - 1);
    if (both)
        fl_buf_put_str(&text, "(");
    for (size_t i = first; i < cli->args; i++)
        fl_buf_printf(&text, "%s%s", i > first ? " " : "", cli->arg[i]);
    if (both)
        fl_buf_put_str(&text, ") (");
    fl_buf_put_str(&text, where == NULL ? "" : where);
    if (both)
        fl_buf_put_str(&text, ")");
    if (fl_buf_status(&text, NULL) < 0)
        return fl_err_set(err, FL_E_INVAL, "the filter is longer than 4096 bytes");
    if (text.len > 0)
        memcpy(ask->filter, text.ptr, text.len);
    ask->filter[text.len] = '\0';
    return FL_OK;
}

int fl_logs_begin(struct fl_cli *cli, const char *kind, size_t first, int64_t preset_us,
                  struct fl_logs_ask *ask)
{
    char at[FL_TIME_TEXT_BYTES];
    struct fl_cli_path path;
    struct fl_err err;
    int r;

    fl_buf_init(&ask->path, FL_LOGS_PATH_MAX);
    if (take_range(cli, preset_us, ask, &err) < 0 || take_filter(cli, first, ask, &err) < 0)
        return fl_cli_fail(&err);
    r = fl_cli_tenant(cli, ask->tenant);
    if (r != FL_EXIT_OK)
        return r;
    fl_buf_put_str(&ask->path,
                   fl_cli_path(&path, "/api/v1/tenants/", ask->tenant, "/logs/", kind, NULL));
    if (preset_us != 0) {
        fl_time_format(ask->from_us, at);
        fl_logs_param(ask, "from", at);
        fl_time_format(ask->to_us, at);
        fl_logs_param(ask, "to", at);
    }
    if (ask->filter[0] != '\0')
        fl_logs_param(ask, "where", ask->filter);
    return FL_EXIT_OK;
}

struct document {
    struct fl_buf text;
};

static int gather(void *ctx, const struct fl_answer *answer, struct fl_span piece)
{
    struct document *doc = ctx;

    (void)answer;
    fl_buf_put_span(&doc->text, piece);
    return fl_buf_status(&doc->text, NULL);
}

static int run(struct fl_cli *cli, const char *path, struct document *doc, struct fl_answer *answer)
{
    FL_AUTO(fl_buf_done) struct fl_buf problem;
    struct fl_client_ops ops = {gather, doc};
    struct fl_err err;
    bool begun;

    fl_buf_init(&problem, (size_t)64 * 1024);
    if (fl_client_run(cli->opt[FL_OPT_SERVER], "GET", path, FL_SPAN(""), &ops, answer, &problem,
                      &begun, &err) < 0) {
        int code = fl_cli_fail(&err);

        return err.code == FL_E_NOENT ? FL_EXIT_REACH : code;
    }
    return fl_cli_status(answer->status, &problem);
}

int fl_logs_call(struct fl_cli *cli, struct fl_logs_ask *ask, json_t **ret, json_t **ret_trailer)
{
    const char *path = fl_logs_path(ask);
    FL_AUTO(fl_answer_done) struct fl_answer answer;
    struct document doc;
    int r;

    *ret = *ret_trailer = NULL;
    fl_buf_init(&doc.text, (size_t)64 << 20);
    fl_answer_init(&answer);
    r = path == NULL ? fl_cli_usage("the question is too long") : run(cli, path, &doc, &answer);
    if (r == FL_EXIT_OK) {
        *ret = json_loadb((const char *)doc.text.ptr, doc.text.len, 0, NULL);
        *ret_trailer = json_loadb((const char *)answer.trailer.ptr, answer.trailer.len, 0, NULL);
        if (*ret == NULL) {
            fl_cli_note(cli, "the answer is not whole; ask again");
            json_decref(*ret_trailer);
            *ret_trailer = NULL;
            r = FL_EXIT_REACH;
        }
    }
    fl_buf_done(&doc.text);
    return r;
}

int fl_logs_effort(const struct fl_cli *cli, const json_t *trailer, char text[160])
{
    char rows[FL_UNIT_TEXT_BYTES], time[FL_UNIT_TEXT_BYTES];
    bool partial = fl_js_bool(trailer, "partial");

    text[0] = '\0';
    if (trailer == NULL)
        return FL_EXIT_OK;
    fl_unit_span(fl_js_int(trailer, "elapsed_us"), time);
    fl_unit_short(fl_js_num(trailer, "rows_scanned"), rows);
    if (fl_js_bool(trailer, "from_rollups"))
        (void)snprintf(text, 160, "%s from rollups%s", time, partial ? ", partial" : "");
    else
        (void)snprintf(text, 160, "scanned %s rows in %s, %s", rows, time,
                       partial ? "partial" : "complete");
    if (!partial)
        return FL_EXIT_OK;
    fl_cli_note(cli, "the answer is partial: %s",
                fl_js_text(trailer, "why")[0] != '\0' ? fl_js_text(trailer, "why")
                                                      : "its budget ran out");
    return FL_EXIT_PARTIAL;
}

int fl_logs_limit(struct fl_cli *cli, uint64_t preset, uint64_t most, uint64_t *ret)
{
    struct fl_err err;

    *ret = preset;
    if (cli->opt[FL_OPT_LIMIT] == NULL ||
        fl_args_number("--limit", cli->opt[FL_OPT_LIMIT], 1, most, ret, &err) == FL_OK)
        return FL_EXIT_OK;
    return fl_cli_fail(&err);
}
