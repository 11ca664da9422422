/* fairlead supply import: files to the server in pieces, its report, applying. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/supply.h"

#define PIECE_BYTES ((size_t)240 * 1024)

struct import {
    struct fl_cli *cli;
    char tenant[64];
    const char *id;
};

static int no_answer(void *ctx, const struct fl_answer *answer, struct fl_span piece)
{
    (void)ctx;
    (void)answer;
    (void)piece;
    return FL_OK;
}

static int put_piece(const struct import *im, const char *file, size_t offset, struct fl_span piece)
{
    FL_AUTO(fl_buf_done) struct fl_buf problem;
    FL_AUTO(fl_answer_done) struct fl_answer answer;
    const struct fl_client_ops ops = {no_answer, NULL};
    struct fl_cli_path path;
    char whole[4200];
    struct fl_err err;
    bool begun;
    int r;

    fl_buf_init(&problem, (size_t)64 << 10);
    fl_answer_init(&answer);
    (void)snprintf(whole, sizeof whole, "%s?offset=%zu",
                   fl_cli_path(&path, "/api/v1/tenants/", im->tenant, "/supply/imports/", im->id,
                               "/files/", file, NULL),
                   offset);
    r = fl_client_run(im->cli->opt[FL_OPT_SERVER], "PUT", whole, piece, &ops, &answer, &problem,
                      &begun, &err);
    return r < 0 ? fl_cli_fail(&err) : fl_cli_status(answer.status, &problem);
}

static int put_files(const struct import *im, const struct fl_cli_files *files)
{
    int r = FL_EXIT_OK;

    for (unsigned i = 0; i < files->count && r == FL_EXIT_OK; i++) {
        struct fl_span text = files->file[i].text;
        size_t at = 0;

        do {
            size_t len = text.len - at > PIECE_BYTES ? PIECE_BYTES : text.len - at;

            r = put_piece(im, files->name[i], at, fl_span_of(text.ptr + at, len));
            at += len;
        } while (r == FL_EXIT_OK && at < text.len);
    }
    return r;
}

/* Ask again until the state is not `busy`. */
static int until_done(const struct import *im, const char *what, const json_t *body,
                      const char *busy, json_t **ret)
{
    struct fl_cli_path path;
    const json_t *said = body;
    int r;

    for (;;) {
        r = fl_cli_call(im->cli, "POST",
                        fl_cli_path(&path, "/api/v1/tenants/", im->tenant, "/supply/imports/",
                                    im->id, what, NULL),
                        said, ret);
        if (r != FL_EXIT_OK || strcmp(fl_js_text(*ret, "state"), busy) != 0)
            break;
        if (isatty(STDERR_FILENO))
            (void)fprintf(stderr, "\r%s %3.0f %% ", busy,
                          100 * json_number_value(json_object_get(*ret, "done")));
        json_decref(*ret);
        *ret = NULL;
        said = NULL;
    }
    if (isatty(STDERR_FILENO) && said == NULL)
        (void)fprintf(stderr, "\r                 \r");
    return r;
}

/* --map 'Werk=site_id,Dauer=ttr_days*7,=28=ttr_days': for every file that is given. */
static int read_map(const struct fl_cli *cli, const struct fl_cli_files *files, json_t *body)
{
    const char *at = cli->opt[FL_OPT_MAP];
    json_t *columns = json_object(), *one = json_object();
    size_t len;

    for (; at != NULL && *at != '\0'; at += len + (at[len] == ',')) {
        char pair[256], *equals;

        len = strcspn(at, ",");
        (void)snprintf(pair, sizeof pair, "%.*s", (int)(len > 255 ? 255 : len), at);
        equals = strrchr(pair, '=');
        if (equals == NULL || equals == pair) {
            json_decref(columns);
            json_decref(one);
            return fl_cli_usage(
                "--map is 'Heading=column,Heading=column*7,Heading=-,=28=ttr_days'");
        }
        *equals = '\0';
        (void)json_object_set_new(one, pair, json_string(equals + 1));
    }
    for (unsigned i = 0; i < files->count && json_object_size(one) > 0; i++)
        (void)json_object_set(columns, files->name[i], one);
    if (json_object_size(columns) > 0)
        (void)json_object_set(body, "columns", columns);
    json_decref(columns);
    json_decref(one);
    return FL_EXIT_OK;
}

static void print_report(const struct fl_cli *cli, const json_t *report)
{
    const json_t *list = json_object_get(report, "files"),
                 *would = json_object_get(report, "would"), *item, *column;
    size_t i, k;

    json_array_foreach(list, i, item)
    {
        fl_cli_pair(cli, fl_js_text(item, "name"), "%s, %llu rows, %s", fl_js_text(item, "table"),
                    (unsigned long long)fl_js_num(item, "rows"), fl_js_text(item, "encoding"));
        json_array_foreach(json_object_get(item, "columns"), k,
                           column) if (fl_js_text(column, "note")[0] != '\0')(void)
            printf("    %s: %s%s%s\n", fl_js_text(column, "theirs"), fl_js_text(column, "ours"),
                   fl_js_text(column, "ours")[0] == '\0' ? "" : ", ", fl_js_text(column, "note"));
    }
    list = json_object_get(report, "findings");
    json_array_foreach(list, i, item)(void)
        printf("%s: %s:%llu: %s%s%s%s%s\n", fl_js_text(item, "kind"), fl_js_text(item, "file"),
               (unsigned long long)fl_js_num(item, "line"), fl_js_text(item, "column"),
               fl_js_text(item, "column")[0] == '\0' ? "" : ": ", fl_js_text(item, "text"),
               fl_js_text(item, "fix")[0] == '\0' ? "" : "; fix: ", fl_js_text(item, "fix"));
    list = json_object_get(report, "proposals");
    json_array_foreach(list, i, item)(void)
        printf("proposal %s %s: %s\n", fl_js_text(item, "kind"), fl_js_text(item, "subject"),
               fl_js_text(item, "text"));
    fl_cli_pair(cli, "would", "%llu new, %llu changed, %llu the same, %llu removed",
                (unsigned long long)fl_js_num(would, "new"),
                (unsigned long long)fl_js_num(would, "changed"),
                (unsigned long long)fl_js_num(would, "same"),
                (unsigned long long)fl_js_num(would, "removed"));
}

static int check_and_apply(const struct import *im, const json_t *body)
{
    struct fl_cli *cli = im->cli;
    json_t *report = NULL, *done = NULL, *mode;
    bool dry = fl_cli_flag(cli, FL_OPT_DRY_RUN), json = fl_cli_flag(cli, FL_OPT_JSON);
    int r = until_done(im, "/check", body, "checking", &report);

    if (r != FL_EXIT_OK)
        return r;
    if (json && (dry || fl_js_num(report, "errors") > 0))
        fl_js_line(report);
    else if (!json)
        print_report(cli, report);
    if (fl_js_num(report, "errors") > 0) {
        (void)fprintf(stderr, "fairlead: nothing is imported: %llu errors\n",
                      (unsigned long long)fl_js_num(report, "errors"));
        r = FL_EXIT_NO;
    }
    mode = json_pack("{s:s}", "mode", fl_js_text(report, "mode"));
    json_decref(report);
    if (r == FL_EXIT_OK && !dry) {
        r = until_done(im, "/apply", mode, "applying", &done);
        r = fl_cli_done(cli, r, done, "Imported as change %llu.\n",
                        (unsigned long long)fl_js_num(done, "change"));
    }
    json_decref(mode);
    return r;
}

static int import(struct import *im, const struct fl_cli_files *files)
{
    struct fl_cli *cli = im->cli;
    struct fl_cli_path path;
    json_t *body =
               json_pack("{s:s}", "mode", fl_cli_flag(cli, FL_OPT_REPLACE) ? "replace" : "merge"),
           *made = NULL, *name = json_pack("{s:s}", "name", cli->arg[0]), *gone = NULL;
    int r = read_map(cli, files, body), kept;

    if (cli->opt[FL_OPT_LAYOUT] != NULL)
        (void)json_object_set_new(body, "layout", json_string(cli->opt[FL_OPT_LAYOUT]));
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "POST",
                        fl_cli_path(&path, "/api/v1/tenants/", im->tenant, "/supply/imports", NULL),
                        name, &made);
    if (r == FL_EXIT_OK) {
        im->id = fl_js_text(made, "id");
        r = put_files(im, files);
        if (r == FL_EXIT_OK)
            r = check_and_apply(im, body);
        if (r != FL_EXIT_OK || fl_cli_flag(cli, FL_OPT_DRY_RUN)) { /* nothing of it stays */
            kept = fl_cli_call(cli, "DELETE",
                               fl_cli_path(&path, "/api/v1/tenants/", im->tenant,
                                           "/supply/imports/", im->id, NULL),
                               NULL, &gone);
            r = r == FL_EXIT_OK ? kept : r;
        }
    }
    json_decref(gone);
    json_decref(made);
    json_decref(name);
    json_decref(body);
    return r;
}

int fl_supply_run_import(struct fl_cli *cli)
{
    struct fl_cli_files *files = malloc(sizeof *files);
    struct import im = {.cli = cli};
    int r;

    if (files == NULL)
        return fl_cli_usage("no memory");
    r = fl_cli_files(cli->arg, cli->args, ".csv", files);
    if (r == FL_EXIT_OK)
        r = fl_cli_tenant(cli, im.tenant);
    if (r == FL_EXIT_OK)
        r = import(&im, files);
    fl_cli_files_done(files);
    free(files);
    return r;
}
