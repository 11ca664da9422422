/* Answers in rows: query, context, export, tail; and purge. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/house.h"
#include "cli/logs.h"
#include "cli/logs_rows.h"

#define DAY_US         (INT64_C(24) * 3600 * FL_US_PER_S)
#define LINE_MAX_BYTES ((size_t)8 << 20)
#define CURSOR_MAX     64u

/* One NDJSON answer on its way to the screen. */
struct stream {
    struct fl_cli *cli;
    struct fl_logs_ask ask;
    struct fl_answer answer;
    struct fl_buf problem, line; /* line: the beginning of one that is not whole yet */
    struct fl_logrows *rows;     /* NULL: pass through */
    bool raw;                    /* pieces go out as they come */
    bool live;                   /* print each piece's rows at once */
    const char *mark;            /* event.id of the row to point at, or NULL */
    uint64_t shown, dropped;
    char cursor[CURSOR_MAX]; /* of the last row, for tails */
    struct fl_err err;
};

static void stream_init(struct stream *s, struct fl_cli *cli)
{
    *s = (struct stream){.cli = cli};
    fl_buf_init(&s->problem, (size_t)64 * 1024);
    fl_buf_init(&s->line, LINE_MAX_BYTES);
    fl_answer_init(&s->answer);
}

static void stream_done(struct stream *s)
{
    fl_logrows_free(s->rows);
    fl_logs_ask_done(&s->ask);
    fl_answer_done(&s->answer);
    fl_buf_done(&s->line);
    fl_buf_done(&s->problem);
}

/* {"fairlead":{"dropped":n,"cursor":"..."}}: where a tail stands, and what it had to leave out. */
static bool take_beat(struct stream *s, const json_t *row)
{
    const json_t *beat = json_object_get(row, "fairlead");
    const char *cursor = fl_js_text(beat, "cursor");

    if (json_object_get(row, "@timestamp") != NULL || json_object_get(row, "event") != NULL ||
        json_object_get(beat, "dropped") == NULL)
        return false;
    if (cursor[0] != '\0')
        (void)snprintf(s->cursor, sizeof s->cursor, "%s", cursor);
    if (fl_js_num(beat, "dropped") > 0) {
        s->dropped += fl_js_num(beat, "dropped");
        fl_cli_note(s->cli,
                    "%" PRIu64 " rows were left out: they came faster than they could be "
                    "shown",
                    fl_js_num(beat, "dropped"));
    }
    return true;
}

static int take_line(struct stream *s, struct fl_span text)
{
    json_t *row;
    const char *id;

    if (text.len == 0)
        return FL_OK;
    row = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    if (!json_is_object(row)) {
        json_decref(row);
        return fl_err_set(&s->err, FL_E_PROTO, "a line of the answer is not a JSON object");
    }
    if (s->live && take_beat(s, row)) {
        json_decref(row);
        return FL_OK;
    }
    id = json_string_value(fl_logrows_at(row, "event.id"));
    if (id != NULL)
        (void)snprintf(s->cursor, sizeof s->cursor, "%s", id);
    s->shown++;
    if (s->rows != NULL)
        fl_logrows_add(s->rows, row,
                       s->mark != NULL && id != NULL && strcmp(id, s->mark) == 0 ? FL_INK_WARN
                                                                                 : FL_INK_PLAIN);
    else
        (void)fwrite(text.ptr, 1, text.len, stdout), (void)fputc('\n', stdout);
    json_decref(row);
    return FL_OK;
}

/* Split off whole lines of piece, joined with what was left of the one before. */
static int take_lines(struct stream *s, struct fl_span piece)
{
    const unsigned char *end;
    int r = FL_OK;

    while (r == FL_OK && piece.len > 0 && (end = memchr(piece.ptr, '\n', piece.len)) != NULL) {
        size_t len = (size_t)(end - piece.ptr);

        if (s->line.len > 0) {
            fl_buf_put(&s->line, piece.ptr, len);
            r = fl_buf_status(&s->line, &s->err);
            if (r == FL_OK)
                r = take_line(s, fl_buf_span(&s->line));
            fl_buf_clear(&s->line);
        } else {
            r = take_line(s, fl_span_of(piece.ptr, len));
        }
        piece = fl_span_of(end + 1, piece.len - len - 1);
    }
    fl_buf_put_span(&s->line, piece);
    return r < 0 ? r : fl_buf_status(&s->line, &s->err);
}

static int on_body(void *ctx, const struct fl_answer *answer, struct fl_span piece)
{
    struct stream *s = ctx;
    int r = FL_OK;

    (void)answer;
    if (s->raw)
        (void)fwrite(piece.ptr, 1, piece.len, stdout);
    else
        r = take_lines(s, piece);
    if (r == FL_OK && s->live && s->rows != NULL)
        r = fl_logrows_print(s->rows, &s->err);
    if (s->live && fflush(stdout) != 0)
        return FL_E_IO;
    return r == FL_OK && ferror(stdout) ? FL_E_IO : r;
}

/* FL_OK: an answer was taken whole; else err of the transport. */
static int run(struct stream *s, bool *ret_begun, struct fl_err *err)
{
    struct fl_client_ops ops = {on_body, s};
    const char *path = fl_logs_path(&s->ask);
    int r;

    fl_buf_clear(&s->line);
    s->err.code = 0;
    if (path == NULL)
        return fl_err_set(err, FL_E_INVAL, "the question is too long");
    r = fl_client_run(s->cli->opt[FL_OPT_SERVER], "GET", path, FL_SPAN(""), &ops, &s->answer,
                      &s->problem, ret_begun, err);
    if (r < 0 && s->err.code != 0)
        *err = s->err;
    return r;
}

/* Run once and say what went wrong; FL_EXIT_OK or an exit code. */
static int run_once(struct stream *s)
{
    struct fl_err err;
    bool begun;

    if (run(s, &begun, &err) < 0) {
        int code = fl_cli_fail(&err);

        return err.code == FL_E_NOENT ? FL_EXIT_REACH : code;
    }
    return fl_cli_status(s->answer.status, &s->problem);
}

static json_t *trailer_of(const struct stream *s)
{
    return json_loadb((const char *)s->answer.trailer.ptr, s->answer.trailer.len, 0, NULL);
}

static int make_rows(struct stream *s, bool hours)
{
    const char *columns = s->cli->opt[FL_OPT_COLUMNS];
    struct fl_err err;

    if (fl_cli_flag(s->cli, FL_OPT_JSON))
        return FL_EXIT_OK;
    if (columns == NULL && fl_cli_flag(s->cli, FL_OPT_ORIGINAL))
        columns = "time,device,raw";
    if (fl_logrows_new(s->cli, columns, s->live, hours, &s->rows, &err) < 0)
        return fl_cli_fail(&err);
    return FL_EXIT_OK;
}

/* "3 of 1,204 rows shown · scanned ... · next: --cursor ..." */
static int query_summary(struct stream *s)
{
    const struct fl_cli *cli = s->cli;
    char shown[FL_UNIT_TEXT_BYTES], matched[FL_UNIT_TEXT_BYTES], effort[160];
    json_t *trailer = trailer_of(s);
    const char *cursor = fl_js_text(trailer, "cursor");
    int partial = fl_logs_effort(cli, trailer, effort);

    fl_unit_count(s->shown, shown);
    fl_unit_count(fl_js_num(trailer, "rows_matched"), matched);
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        if (cursor[0] != '\0' && cli->term.tty)
            fl_cli_note(cli, "more: --cursor %s", cursor);
    } else {
        (void)printf("%s%s", fl_term_on(&cli->term, FL_INK_DIM), shown);
        if (fl_js_num(trailer, "rows_matched") > s->shown)
            (void)printf(" of %s%s", cursor[0] != '\0' ? "at least " : "", matched);
        (void)printf(" row%s shown%s%s", s->shown == 1 ? "" : "s", fl_term_dot(&cli->term), effort);
        if (cursor[0] != '\0')
            (void)printf("%snext: --cursor %s", fl_term_dot(&cli->term), cursor);
        (void)printf("%s\n", fl_term_off(&cli->term, FL_INK_DIM));
    }
    json_decref(trailer);
    return partial;
}

static int print_rows(struct stream *s)
{
    struct fl_err err;

    if (s->rows == NULL || s->shown == 0)
        return FL_EXIT_OK;
    return fl_logrows_print(s->rows, &err) < 0 ? fl_cli_fail(&err) : FL_EXIT_OK;
}

/* Is the range within a day, so that hours alone tell the time? */
static bool is_short(const struct fl_cli *cli)
{
    int64_t us = DAY_US;

    if (cli->opt[FL_OPT_LAST] != NULL &&
        !fl_duration_parse(fl_span_str(cli->opt[FL_OPT_LAST]), &us))
        return false;
    return us <= DAY_US && cli->opt[FL_OPT_FROM] == NULL && cli->opt[FL_OPT_TO] == NULL;
}

int fl_logs_query(struct fl_cli *cli)
{
    struct stream s;
    uint64_t limit;
    int r = fl_logs_limit(cli, 20, 10000, &limit);

    if (r != FL_EXIT_OK)
        return r;
    stream_init(&s, cli);
    r = make_rows(&s, is_short(cli));
    if (r == FL_EXIT_OK)
        r = fl_logs_begin(cli, "rows", 0, DAY_US, &s.ask);
    if (r == FL_EXIT_OK) {
        fl_logs_param_num(&s.ask, "limit", (int64_t)limit);
        fl_logs_param(&s.ask, "cursor", cli->opt[FL_OPT_CURSOR]);
        fl_logs_param(&s.ask, "original", fl_cli_flag(cli, FL_OPT_ORIGINAL) ? "yes" : NULL);
        r = run_once(&s);
    }
    if (r == FL_EXIT_OK)
        r = print_rows(&s);
    if (r == FL_EXIT_OK)
        r = query_summary(&s);
    stream_done(&s);
    return r;
}

int fl_logs_context(struct fl_cli *cli)
{
    struct stream s;
    uint64_t limit;
    int r = fl_logs_limit(cli, 5, 1000, &limit);

    if (r != FL_EXIT_OK)
        return r;
    stream_init(&s, cli);
    s.mark = cli->arg[0];
    r = make_rows(&s, true);
    if (r == FL_EXIT_OK)
        r = fl_logs_begin(cli, "context", 1, 0, &s.ask);
    if (r == FL_EXIT_OK) {
        fl_logs_param(&s.ask, "cursor", cli->arg[0]);
        fl_logs_param_num(&s.ask, "limit", (int64_t)limit);
        fl_logs_param(&s.ask, "original", fl_cli_flag(cli, FL_OPT_ORIGINAL) ? "yes" : NULL);
        r = run_once(&s);
    }
    if (r == FL_EXIT_OK)
        r = print_rows(&s);
    if (r == FL_EXIT_OK && s.shown == 0)
        fl_cli_note(cli, "no such row");
    r = r == FL_EXIT_OK && s.shown == 0 ? FL_EXIT_NO : r;
    stream_done(&s);
    return r;
}

static int export_summary(struct stream *s)
{
    char rows[FL_UNIT_TEXT_BYTES], effort[160];
    json_t *trailer = trailer_of(s);
    int partial = fl_logs_effort(s->cli, trailer, effort);

    fl_unit_count(fl_js_num(trailer, "rows_matched"), rows);
    if (isatty(STDERR_FILENO) == 1)
        (void)fprintf(stderr, "%s rows exported%s%s\n", rows, fl_term_dot(&s->cli->term), effort);
    if (partial != FL_EXIT_OK && fl_js_text(trailer, "cursor")[0] != '\0')
        fl_cli_note(s->cli, "the rest: the same with --cursor %s", fl_js_text(trailer, "cursor"));
    json_decref(trailer);
    return partial;
}

int fl_logs_export(struct fl_cli *cli)
{
    const char *format = cli->opt[FL_OPT_FORMAT] == NULL ? "ndjson" : cli->opt[FL_OPT_FORMAT];
    struct stream s;
    int r;

    if (strcmp(format, "ndjson") != 0 && strcmp(format, "csv") != 0)
        return fl_cli_usage("--format is ndjson or csv, not '%.60s'", format);
    if (fl_cli_flag(cli, FL_OPT_JSON) && strcmp(format, "csv") == 0)
        return fl_cli_usage("--json and --format csv exclude each other");
    stream_init(&s, cli);
    s.raw = true;
    r = fl_logs_begin(cli, "export", 0, DAY_US, &s.ask);
    if (r == FL_EXIT_OK) {
        fl_logs_param(&s.ask, "format", format);
        fl_logs_param(&s.ask, "columns", cli->opt[FL_OPT_COLUMNS]);
        fl_logs_param(&s.ask, "cursor", cli->opt[FL_OPT_CURSOR]);
        fl_logs_param(&s.ask, "original", fl_cli_flag(cli, FL_OPT_ORIGINAL) ? "yes" : NULL);
        r = run_once(&s);
    }
    if (r == FL_EXIT_OK)
        r = export_summary(&s);
    stream_done(&s);
    return r;
}

/* May a tail that ended be taken up again? After a refusal or a wrong question it may not. */
static bool may_resume(const struct stream *s, int r, const struct fl_err *err)
{
    if (r < 0)
        return err->code == FL_E_IO || err->code == FL_E_NOENT;
    return s->answer.status == 200 || s->answer.status == 502 || s->answer.status == 503;
}

static int tail_path(struct fl_cli *cli, struct stream *s)
{
    int r;

    fl_logs_ask_done(&s->ask);
    r = fl_logs_begin(cli, "tail", 0, 0, &s->ask);
    if (r == FL_EXIT_OK) {
        fl_logs_param(&s->ask, "cursor", s->cursor[0] == '\0' ? NULL : s->cursor);
        fl_logs_param(&s->ask, "original", fl_cli_flag(cli, FL_OPT_ORIGINAL) ? "yes" : NULL);
    }
    return r;
}

/* Tail until Ctrl-C; goes on behind the last row after the server or a part of it was away. */
static int tail_loop(struct fl_cli *cli, struct stream *s)
{
    int64_t wait_ms = 500;
    bool ever = false, told = false;

    for (;;) {
        struct fl_err err;
        bool begun = false;
        uint64_t before = s->shown;
        int r = run(s, &begun, &err);

        if (fl_client_interrupted())
            return FL_EXIT_OK;
        begun = begun && s->answer.status == 200;
        if (!may_resume(s, r, &err) || (!ever && !begun)) {
            if (r == FL_OK)
                return fl_cli_status(s->answer.status, &s->problem);
            (void)fl_cli_fail(&err);
            return err.code == FL_E_DENIED ? FL_EXIT_REFUSED : FL_EXIT_REACH;
        }
        ever = true;
        told = told && !begun;
        wait_ms = begun ? 500 : wait_ms < 8000 ? wait_ms * 2 : 8000;
        if (!told)
            fl_cli_note(cli, "the connection was lost; trying again");
        told = true;
        (void)before;
        if (fl_client_pause(wait_ms))
            return FL_EXIT_OK;
        if (s->cursor[0] != '\0') {
            int path = tail_path(cli, s);

            if (path != FL_EXIT_OK)
                return path;
        }
    }
}

int fl_logs_tail(struct fl_cli *cli)
{
    struct stream s;
    int r;

    stream_init(&s, cli);
    s.live = true;
    if (cli->opt[FL_OPT_CURSOR] != NULL)
        (void)snprintf(s.cursor, sizeof s.cursor, "%s", cli->opt[FL_OPT_CURSOR]);
    r = make_rows(&s, true);
    if (r == FL_EXIT_OK)
        r = tail_path(cli, &s);
    if (r == FL_EXIT_OK)
        r = tail_loop(cli, &s);
    stream_done(&s);
    return r;
}

/* FIRST-DAY [LAST-DAY], or the options. */
static int purge_days(struct fl_cli *cli, char from[16], char to[16])
{
    const char *last = cli->args == 0 ? NULL : cli->arg[cli->args - 1];
    int32_t from_day, to_day;
    int r = fl_cli_days(cli, from, to);

    if (r != FL_EXIT_OK)
        return r;
    if ((last != NULL) == (from[0] != '\0' || to[0] != '\0'))
        return fl_cli_usage("which days? fairlead logs purge --day 2026-11-20, or --from and --to "
                            "(both included), or FIRST-DAY [LAST-DAY]");
    if (last == NULL)
        return from[0] != '\0' && to[0] != '\0'
                   ? FL_EXIT_OK
                   : fl_cli_usage("a range has --from and --to, both included");
    if (!fl_day_parse(fl_span_str(cli->arg[0]), &from_day) ||
        !fl_day_parse(fl_span_str(last), &to_day))
        return fl_cli_usage("days are written 2026-11-20; usage: fairlead logs purge FIRST-DAY "
                            "[LAST-DAY]");
    if (to_day < from_day)
        return fl_cli_usage("the last day %s is before the first, %s", last, cli->arg[0]);
    fl_day_format(from_day, from);
    fl_day_format(to_day, to);
    return FL_EXIT_OK;
}

/* What there is, or was: "1,204 rows, 3.1 MB in 5 segments of 2 days, 9 keys". */
static void purge_counts(const json_t *answer, char *text, size_t size)
{
    char rows[FL_UNIT_TEXT_BYTES], bytes[FL_UNIT_TEXT_BYTES], keys[FL_UNIT_TEXT_BYTES];

    fl_unit_count(fl_js_num(answer, "rows"), rows);
    fl_unit_bytes(fl_js_num(answer, "bytes"), bytes);
    fl_unit_count(fl_js_num(answer, "keys"), keys);
    (void)snprintf(text, size, "%s rows, %s in %u segments of %u days, %s keys", rows, bytes,
                   (unsigned)fl_js_num(answer, "segments"), (unsigned)fl_js_num(answer, "days"),
                   keys);
}

static void purge_receipt(const json_t *answer, const char *tenant, const char *counts)
{
    (void)printf("Destroyed: logs of tenant %s received from %s to %s (UTC days, both included): "
                 "%s.\n",
                 tenant, fl_js_text(answer, "from_day"), fl_js_text(answer, "to_day"), counts);
    (void)printf("%u keys destroyed, with key epoch %u (root: %s); %u files unlinked.\n",
                 (unsigned)fl_js_num(answer, "keys"), (unsigned)fl_js_num(answer, "epoch"),
                 fl_js_text(answer, "root_kind"), (unsigned)fl_js_num(answer, "files"));
}

static int purge_call(struct fl_cli *cli, const char *tenant, const char *from, const char *to,
                      bool dry, json_t **ret)
{
    json_t *body = json_pack("{s:s,s:s,s:b}", "from_day", from, "to_day", to, "dry_run", dry);
    struct fl_cli_path path;
    int r =
        fl_cli_call(cli, "POST",
                    fl_cli_path(&path, "/api/v1/tenants/", tenant, "/logs/purge", NULL), body, ret);

    json_decref(body);
    return r;
}

/* Counted first, so that whoever is asked knows what goes. */
int fl_logs_purge(struct fl_cli *cli)
{
    bool dry = fl_cli_flag(cli, FL_OPT_DRY_RUN);
    char tenant[64], from[16], to[16], counts[200];
    json_t *answer = NULL;
    int r = purge_days(cli, from, to);

    if (r == FL_EXIT_OK)
        r = fl_cli_tenant(cli, tenant);
    if (r == FL_EXIT_OK)
        r = purge_call(cli, tenant, from, to, true, &answer);
    if (r != FL_EXIT_OK)
        return r;
    purge_counts(answer, counts, sizeof counts);
    if (!dry) {
        json_decref(answer);
        answer = NULL;
        if (!fl_cli_sure(cli,
                         "All logs of tenant %s received from %s to %s (UTC days, both included) "
                         "will be destroyed: %s.",
                         tenant, from, to, counts))
            return FL_EXIT_USAGE;
        r = purge_call(cli, tenant, from, to, false, &answer);
        if (r == FL_EXIT_OK)
            purge_counts(answer, counts, sizeof counts);
    }
    if (r == FL_EXIT_OK && fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(answer);
    else if (r == FL_EXIT_OK && dry)
        (void)printf("%s. Nothing was changed; run without --dry-run to purge.\n", counts);
    else if (r == FL_EXIT_OK)
        purge_receipt(answer, tenant, counts);
    json_decref(answer);
    return r;
}
