/* fairlead store verify, repair, merge, upgrade: long work on the store, with its progress. */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/house.h"

enum { LINE_MAX_BYTES = 256 * 1024 };

struct work {
    struct fl_cli *cli;
    struct fl_answer answer;
    struct fl_buf problem, line;
    json_t *result; /* owned */
    uint64_t findings;
    bool shown; /* a progress line stands on the terminal */
    void (*finding)(struct fl_cli *cli, const json_t *finding);
    struct fl_err err;
};

/* ---- lines ---- */

static void clear_progress(struct work *w)
{
    if (w->shown)
        (void)fputs("\r\033[K", stderr);
    w->shown = false;
}

static void show_progress(struct work *w, const json_t *p)
{
    FL_AUTO(fl_buf_done) struct fl_buf at;
    uint64_t done = fl_js_num(p, "done"), total = fl_js_num(p, "total");

    fl_buf_init(&at, 4096);
    if (!w->cli->term.tty || fl_cli_flag(w->cli, FL_OPT_JSON))
        return;
    fl_term_clean(&w->cli->term, fl_span_str(fl_js_text(p, "at")), false, &at);
    (void)fprintf(stderr, "\r\033[K%llu of %llu %s  %.*s", (unsigned long long)done,
                  (unsigned long long)total, fl_js_text(p, "unit"), FL_SPAN_ARG(fl_buf_span(&at)));
    (void)fflush(stderr);
    w->shown = true;
}

static void take_object(struct work *w, const json_t *line)
{
    const json_t *progress = json_object_get(line, "progress");
    json_t *finding = json_object_get(line, "finding"), *result = json_object_get(line, "result");

    if (progress != NULL)
        show_progress(w, progress);
    else
        clear_progress(w);
    if (fl_cli_flag(w->cli, FL_OPT_JSON))
        fl_js_line(line);
    else if (finding != NULL && w->finding != NULL)
        w->finding(w->cli, finding);
    w->findings += finding != NULL;
    if (result != NULL) {
        json_decref(w->result);
        w->result = json_incref(result);
    }
}

static int take_line(struct work *w, struct fl_span text)
{
    json_t *line = json_loadb((const char *)text.ptr, text.len, 0, NULL);

    if (!json_is_object(line)) {
        json_decref(line);
        return fl_err_set(&w->err, FL_E_PROTO, "a line of the answer is not a JSON object");
    }
    take_object(w, line);
    json_decref(line);
    return FL_OK;
}

static int on_body(void *ctx, const struct fl_answer *answer, struct fl_span piece)
{
    struct work *w = ctx;
    int r = FL_OK;

    (void)answer;
    for (size_t i = 0; i < piece.len && r >= 0; i++) {
        if (piece.ptr[i] != '\n') {
            fl_buf_put_u8(&w->line, piece.ptr[i]);
            continue;
        }
        r = fl_buf_status(&w->line, &w->err);
        if (r >= 0)
            r = take_line(w, fl_buf_span(&w->line));
        fl_buf_clear(&w->line);
    }
    return r;
}

/* ---- the request ---- */

static int outcome(struct work *w)
{
    json_t *trailer =
        json_loadb((const char *)w->answer.trailer.ptr, w->answer.trailer.len, 0, NULL);
    const char *why = fl_js_text(trailer, "why");
    int r = fl_cli_status(w->answer.status, &w->problem);

    if (r == FL_EXIT_OK && fl_js_bool(trailer, "partial")) {
        (void)fl_err_set(&w->err, FL_E_IO, "the work broke off: %.300s", why);
        r = fl_cli_fail(&w->err);
    } else if (r == FL_EXIT_OK && w->result == NULL) {
        (void)fl_err_set(&w->err, FL_E_IO, "the answer ended without a result");
        r = fl_cli_fail(&w->err);
    }
    json_decref(trailer);
    return r;
}

int fl_cli_work(struct fl_cli *cli, const char *path, const json_t *body,
                void (*finding)(struct fl_cli *cli, const json_t *finding), json_t **ret_result,
                uint64_t *ret_findings)
{
    struct work w = {.cli = cli, .finding = finding};
    struct fl_client_ops ops = {on_body, &w};
    char *dump = json_dumps(body, JSON_COMPACT);
    struct fl_err err = {0};
    bool begun = false;
    int r;

    fl_buf_init(&w.problem, (size_t)64 * 1024);
    fl_buf_init(&w.line, LINE_MAX_BYTES);
    fl_answer_init(&w.answer);
    r = fl_client_run(cli->opt[FL_OPT_SERVER], "POST", path, fl_span_str(dump), &ops, &w.answer,
                      &w.problem, &begun, &err);
    free(dump);
    clear_progress(&w);
    r = r < 0 ? fl_cli_fail(w.err.code != 0 ? &w.err : &err) : outcome(&w);
    if (r == FL_EXIT_OK) {
        *ret_result = json_incref(w.result);
        *ret_findings = w.findings;
    }
    json_decref(w.result);
    fl_answer_done(&w.answer);
    fl_buf_done(&w.line);
    fl_buf_done(&w.problem);
    return r;
}

/* ---- what may be said ---- */

static int day_of(const char *text, const char *option, char ret[16])
{
    int32_t day;

    if (!fl_day_parse(fl_span_str(text), &day))
        return fl_cli_usage("%s is a UTC day of receipt such as 2026-11-20, not '%.60s'", option,
                            text);
    fl_day_format(day, ret);
    return FL_EXIT_OK;
}

int fl_cli_days(struct fl_cli *cli, char from[16], char to[16])
{
    const char *day = cli->opt[FL_OPT_DAY], *first = cli->opt[FL_OPT_FROM],
               *last = cli->opt[FL_OPT_TO];
    int r = FL_EXIT_OK;

    from[0] = to[0] = '\0';
    if (day != NULL && (first != NULL || last != NULL))
        return fl_cli_usage("--day is one day; --from and --to are a range: give one or the other");
    if (day != NULL) {
        r = day_of(day, "--day", from);
        (void)snprintf(to, 16, "%s", from);
        return r;
    }
    if (first != NULL)
        r = day_of(first, "--from", from);
    if (r == FL_EXIT_OK && last != NULL)
        r = day_of(last, "--to", to);
    if (r == FL_EXIT_OK && first != NULL && last != NULL && strcmp(from, to) > 0)
        return fl_cli_usage("--to %s is before --from %s; both are included", to, from);
    return r;
}

/* tenant, from_day, to_day as far as they were given. */
static int make_body(struct fl_cli *cli, json_t **ret)
{
    char from[16], to[16];
    int r = fl_cli_days(cli, from, to);

    if (r != FL_EXIT_OK)
        return r;
    *ret = json_object();
    if (cli->opt[FL_OPT_TENANT] != NULL)
        (void)json_object_set_new(*ret, "tenant", json_string(cli->opt[FL_OPT_TENANT]));
    if (from[0] != '\0')
        (void)json_object_set_new(*ret, "from_day", json_string(from));
    if (to[0] != '\0')
        (void)json_object_set_new(*ret, "to_day", json_string(to));
    return FL_EXIT_OK;
}

static void count(const json_t *object, const char *key, char text[FL_UNIT_TEXT_BYTES])
{
    fl_unit_count(fl_js_num(object, key), text);
}

/* ---- verify ---- */

static void say_finding(struct fl_cli *cli, const json_t *f)
{
    FL_AUTO(fl_buf_done) struct fl_buf why;
    const json_t *block = json_object_get(f, "block");
    const char *kind = fl_js_text(f, "kind"), *tenant = fl_js_text(f, "tenant");

    fl_buf_init(&why, 8192);
    fl_term_clean(&cli->term, fl_span_str(fl_js_text(f, "why")), false, &why);
    for (const char *c = kind; *c != '\0'; c++)
        (void)fputc(*c == '_' ? ' ' : *c, stdout);
    if (tenant[0] != '\0')
        (void)printf(": %s/%s", tenant, fl_js_text(f, "day"));
    (void)printf(" %s", fl_js_text(f, "file"));
    if (json_is_integer(block))
        (void)printf(", block %lld", (long long)json_integer_value(block));
    if (fl_js_text(f, "column")[0] != '\0')
        (void)printf(", column %s", fl_js_text(f, "column"));
    if (json_object_get(f, "first_row") != NULL)
        (void)printf(", rows %llu to %llu", (unsigned long long)fl_js_num(f, "first_row"),
                     (unsigned long long)fl_js_num(f, "last_row"));
    (void)printf(": %.*s\n", FL_SPAN_ARG(fl_buf_span(&why)));
}

static void say_checked(const json_t *r)
{
    char segments[FL_UNIT_TEXT_BYTES], rows[FL_UNIT_TEXT_BYTES], bytes[FL_UNIT_TEXT_BYTES],
        lost[FL_UNIT_TEXT_BYTES];

    count(r, "segments", segments);
    count(r, "rows", rows);
    count(r, "lost_rows", lost);
    fl_unit_bytes(fl_js_num(r, "bytes"), bytes);
    (void)printf("%s segments with %s rows, %s, and %u log files were read: ", segments, rows,
                 bytes, (unsigned)fl_js_num(r, "log_files"));
    if (fl_js_bool(r, "ok"))
        (void)printf("all is sound.");
    else
        (void)printf("%u damaged blocks in %u segments, %s rows lost.",
                     (unsigned)fl_js_num(r, "damaged_blocks"),
                     (unsigned)fl_js_num(r, "damaged_segments"), lost);
    if (fl_js_num(r, "files_left_over") > 0)
        (void)printf(" %u files are left over.", (unsigned)fl_js_num(r, "files_left_over"));
    (void)printf("\n");
}

static int finish(struct fl_cli *cli, const json_t *result, int r)
{
    if (fl_js_bool(result, "cancelled")) {
        fl_cli_note(cli, "ended early; what was done stands");
        return FL_EXIT_PARTIAL;
    }
    return r;
}

int fl_store_cli_verify(struct fl_cli *cli)
{
    json_t *body = NULL, *result = NULL;
    uint64_t findings = 0;
    int r = make_body(cli, &body);

    if (r == FL_EXIT_OK)
        r = fl_cli_work(cli, "/api/v1/instance/store/verify", body, say_finding, &result,
                        &findings);
    json_decref(body);
    if (r != FL_EXIT_OK)
        return r;
    if (!fl_cli_flag(cli, FL_OPT_JSON))
        say_checked(result);
    r = finish(cli, result,
               fl_js_bool(result, "ok") && fl_js_num(result, "files_left_over") == 0 ? FL_EXIT_OK
                                                                                     : FL_EXIT_NO);
    json_decref(result);
    return r;
}

/* ---- repair ---- */

static void say_repaired(const json_t *r)
{
    char lost[FL_UNIT_TEXT_BYTES], kept[FL_UNIT_TEXT_BYTES], keys[FL_UNIT_TEXT_BYTES];

    if (fl_js_bool(r, "dry_run")) {
        (void)printf("%u things would be put in order, with %llu rows left behind; %llu keys have "
                     "no file. Nothing was changed.\n",
                     (unsigned)fl_js_num(r, "to_repair"),
                     (unsigned long long)fl_js_num(r, "lost_rows"),
                     (unsigned long long)fl_js_num(r, "keys_without_file"));
        return;
    }
    count(r, "rows_left_behind", lost);
    count(r, "rows_kept", kept);
    count(r, "keys_destroyed", keys);
    (void)printf("%u segments were written anew: %s rows kept, %s left behind. %u files removed, "
                 "%s keys destroyed.\n",
                 (unsigned)fl_js_num(r, "segments_rewritten"), kept, lost,
                 (unsigned)fl_js_num(r, "files_removed"), keys);
}

/* Look, show what would be done, ask, do it. */
static int repair(struct fl_cli *cli, json_t *body, bool dry, json_t **ret)
{
    uint64_t findings = 0;

    (void)json_object_set_new(body, "dry_run", json_boolean(dry));
    return fl_cli_work(cli, "/api/v1/instance/store/repair", body, say_finding, ret, &findings);
}

int fl_store_cli_repair(struct fl_cli *cli)
{
    bool dry = fl_cli_flag(cli, FL_OPT_DRY_RUN), ask = !dry && !fl_cli_flag(cli, FL_OPT_YES);
    json_t *body = NULL, *result = NULL;
    int r = make_body(cli, &body);

    if (r == FL_EXIT_OK && ask && !cli->term.tty)
        r = fl_cli_usage("repair destroys what does not open any more: say --yes, or --dry-run");
    if (r == FL_EXIT_OK)
        r = repair(cli, body, dry || ask, &result);
    if (r == FL_EXIT_OK && ask) {
        say_repaired(result);
        if (fl_js_num(result, "to_repair") + fl_js_num(result, "keys_without_file") > 0) {
            if (!fl_cli_sure(cli, "What is named above will be put in order; what does not open "
                                  "is destroyed."))
                r = FL_EXIT_USAGE;
            json_decref(result);
            result = NULL;
            if (r == FL_EXIT_OK)
                r = repair(cli, body, false, &result);
        }
    }
    if (r == FL_EXIT_OK && !fl_cli_flag(cli, FL_OPT_JSON))
        say_repaired(result);
    if (r == FL_EXIT_OK)
        r = finish(cli, result,
                   fl_js_bool(result, "dry_run") && fl_js_num(result, "to_repair") > 0
                       ? FL_EXIT_NO
                       : FL_EXIT_OK);
    json_decref(body);
    json_decref(result);
    return r;
}

/* ---- merge ---- */

int fl_store_cli_merge(struct fl_cli *cli)
{
    char before[FL_UNIT_TEXT_BYTES], after[FL_UNIT_TEXT_BYTES], rows[FL_UNIT_TEXT_BYTES];
    json_t *body = NULL, *result = NULL;
    uint64_t findings = 0;
    int r = make_body(cli, &body);

    if (r != FL_EXIT_OK)
        return r;
    (void)json_object_set_new(body, "dry_run", json_boolean(fl_cli_flag(cli, FL_OPT_DRY_RUN)));
    r = fl_cli_work(cli, "/api/v1/instance/store/merge", body, say_finding, &result, &findings);
    json_decref(body);
    if (r != FL_EXIT_OK)
        return r;
    fl_unit_bytes(fl_js_num(result, "bytes_before"), before);
    fl_unit_bytes(fl_js_num(result, "bytes_after"), after);
    count(result, "rows", rows);
    if (fl_cli_flag(cli, FL_OPT_JSON))
        ;
    else if (fl_js_bool(result, "dry_run"))
        (void)printf("%u days have small segments, %u in all. Nothing was changed.\n",
                     (unsigned)fl_js_num(result, "days"),
                     (unsigned)fl_js_num(result, "segments_before"));
    else
        (void)printf("%u segments became %u: %s rows, %s before, %s after.\n",
                     (unsigned)fl_js_num(result, "segments_before"),
                     (unsigned)fl_js_num(result, "merges"), rows, before, after);
    r = finish(cli, result, FL_EXIT_OK);
    json_decref(result);
    return r;
}

/* ---- upgrade ---- */

static void say_upgraded(const json_t *r)
{
    char before[FL_UNIT_TEXT_BYTES], after[FL_UNIT_TEXT_BYTES], rows[FL_UNIT_TEXT_BYTES];
    uint64_t left = fl_js_num(r, "refused") + fl_js_num(r, "damaged");

    fl_unit_bytes(fl_js_num(r, "bytes_before"), before);
    fl_unit_bytes(fl_js_num(r, "bytes_after"), after);
    count(r, "rows", rows);
    if (fl_js_bool(r, "dry_run")) {
        (void)printf("%u segments, %s, have another version than %u. Nothing was changed.\n",
                     (unsigned)fl_js_num(r, "segments"), before, (unsigned)fl_js_num(r, "to"));
        return;
    }
    (void)printf("%u segments have version %u now: %s rows, %s before, %s after.\n",
                 (unsigned)fl_js_num(r, "segments"), (unsigned)fl_js_num(r, "to"), rows, before,
                 after);
    if (left > 0)
        (void)printf("%llu stay as they are, named above.\n", (unsigned long long)left);
}

int fl_store_cli_upgrade(struct fl_cli *cli)
{
    const char *to = cli->opt[FL_OPT_TO];
    json_t *body = NULL, *result = NULL;
    uint64_t findings = 0, version = 0;
    int r;

    cli->opt[FL_OPT_TO] = NULL; /* no day */
    r = make_body(cli, &body);
    if (r == FL_EXIT_OK && to != NULL && !fl_span_u64(fl_span_str(to), &version))
        r = fl_cli_usage("--to is a version of the format such as 1 or 2, not '%.60s'", to);
    if (r == FL_EXIT_OK) {
        (void)json_object_set_new(body, "dry_run", json_boolean(fl_cli_flag(cli, FL_OPT_DRY_RUN)));
        if (to != NULL)
            (void)json_object_set_new(body, "to", json_integer((json_int_t)version));
        r = fl_cli_work(cli, "/api/v1/instance/store/upgrade", body, say_finding, &result,
                        &findings);
    }
    json_decref(body);
    if (r != FL_EXIT_OK)
        return r;
    if (!fl_cli_flag(cli, FL_OPT_JSON))
        say_upgraded(result);
    r = finish(cli, result,
               fl_js_num(result, "refused") + fl_js_num(result, "damaged") > 0 ? FL_EXIT_NO
                                                                               : FL_EXIT_OK);
    json_decref(result);
    return r;
}
