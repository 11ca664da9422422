/* fairlead supply rows, show, set, remove, history, changes, undo, findings, decisions, decide,
 * reverse, export. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/supply.h"
#include "model/supply.h"
#include "trust/share.h"

#define PATH(p, tenant, ...) fl_cli_path(p, "/api/v1/tenants/", tenant, __VA_ARGS__, NULL)

/* A path with parameters: "name", value pairs; those without a value are left out. */
static const char *with(struct fl_buf *out, const char *path, const char *const *pairs)
{
    char mark = strchr(path, '?') == NULL ? '?' : '&';

    fl_buf_put_str(out, path);
    for (; pairs[0] != NULL; pairs += 2)
        if (pairs[1] != NULL) {
            fl_buf_printf(out, "%c%s=", mark, pairs[0]);
            fl_cli_encode(out, fl_span_str(pairs[1]));
            mark = '&';
        }
    fl_buf_put_u8(out, 0);
    return fl_buf_status(out, NULL) < 0 ? path : (const char *)out->ptr;
}

static void print_cells(const struct fl_cli *cli, const json_t *cells)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)cells, name, value)
        fl_cli_pair(cli, name, "%s", json_string_value(value));
}

static int list_rows(struct fl_cli *cli, const json_t *answer, const char *table)
{
    static const struct fl_table_column columns[] = {{"key", false, true, 0},
                                                     {"name", false, true, 1},
                                                     {"since", true, false, 0},
                                                     {"by", false, true, 2}};
    const json_t *items = json_object_get(answer, "items"), *item;
    struct fl_table *out;
    size_t i;

    if (json_array_size(items) == 0) {
        (void)printf("No rows of %s. fairlead supply import DIR brings some.\n", table);
        return FL_EXIT_OK;
    }
    out = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(items, i, item)
    {
        if (out == NULL)
            break;
        fl_table_text(out, fl_js_text(item, "key"));
        fl_table_text(out, fl_js_text(json_object_get(item, "cells"), "name"));
        fl_cli_count(out, fl_js_num(item, "since"));
        fl_table_text(out, fl_js_text(item, "by"));
    }
    return fl_cli_print(out);
}

int fl_supply_run_rows(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *const pairs[] = {"at", cli->opt[FL_OPT_AT], "find", cli->opt[FL_OPT_FIND], NULL};
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    int r = fl_cli_tenant(cli, tenant);

    fl_buf_init(&text, 8192);
    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, with(&text, PATH(&path, tenant, "/supply/rows/", cli->arg[0]), pairs),
                        &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else
        r = list_rows(cli, answer, cli->arg[0]);
    json_decref(answer);
    return r;
}

int fl_supply_run_show(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *const pairs[] = {"at", cli->opt[FL_OPT_AT], NULL};
    struct fl_cli_path path;
    char tenant[64];
    json_t *row = NULL;
    int r = fl_cli_tenant(cli, tenant);

    fl_buf_init(&text, 8192);
    if (r == FL_EXIT_OK)
        r = fl_cli_call(
            cli, "GET",
            with(&text, PATH(&path, tenant, "/supply/rows/", cli->arg[0], "/", cli->arg[1]), pairs),
            NULL, &row);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(row);
    } else {
        print_cells(cli, json_object_get(row, "cells"));
        fl_cli_pair(cli, "since", "change %llu, %s, by %s",
                    (unsigned long long)fl_js_num(row, "since"), fl_js_text(row, "at"),
                    fl_js_text(row, "by"));
    }
    json_decref(row);
    return FL_EXIT_OK;
}

int fl_supply_run_history(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    const json_t *item;
    size_t i;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(
            cli, "GET",
            PATH(&path, tenant, "/supply/rows/", cli->arg[0], "/", cli->arg[1], "/history"), NULL,
            &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_items(answer);
    } else {
        json_array_foreach(json_object_get(answer, "items"), i, item)
        {
            (void)printf("%schange %llu, %s, by %s\n", i > 0 ? "\n" : "",
                         (unsigned long long)fl_js_num(item, "since"), fl_js_text(item, "at"),
                         fl_js_text(item, "by"));
            print_cells(cli, json_object_get(item, "cells"));
        }
    }
    json_decref(answer);
    return FL_EXIT_OK;
}

/* The row as it stands, with what is set; a row that is not there begins with its key. */
static int merged_cells(struct fl_cli *cli, const char *path, json_t *cells)
{
    json_t *row = NULL;
    int r = fl_cli_call(cli, "GET", path, NULL, &row);

    if (r == FL_EXIT_OK)
        (void)json_object_update(cells, json_object_get(row, "cells"));
    json_decref(row);
    for (size_t i = 2; i < cli->args; i++) {
        const char *equals = strchr(cli->arg[i], '=');
        char name[128];

        if (equals == NULL || equals == cli->arg[i] || equals - cli->arg[i] > 120)
            return fl_cli_usage("'%s' is no COLUMN=VALUE", cli->arg[i]);
        (void)snprintf(name, sizeof name, "%.*s", (int)(equals - cli->arg[i]), cli->arg[i]);
        (void)json_object_set_new(cells, name, json_string(equals + 1));
    }
    return FL_EXIT_OK;
}

int fl_supply_run_set(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *cells = json_object(), *body, *answer = NULL;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = merged_cells(cli, PATH(&path, tenant, "/supply/rows/", cli->arg[0], "/", cli->arg[1]),
                         cells);
    body = json_pack("{s:o}", "cells", cells);
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "PUT", path.text, body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "%s %s is set.\n", cli->arg[0], cli->arg[1]);
}

int fl_supply_run_remove(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    int r = fl_cli_tenant(cli, tenant);

    if (r != FL_EXIT_OK)
        return r;
    if (!fl_cli_sure(cli, "%s %s will be removed; its history stays.", cli->arg[0], cli->arg[1]))
        return FL_EXIT_USAGE;
    r = fl_cli_call(cli, "DELETE",
                    PATH(&path, tenant, "/supply/rows/", cli->arg[0], "/", cli->arg[1]), NULL,
                    &answer);
    return fl_cli_done(cli, r, answer, "%s %s is removed.\n", cli->arg[0], cli->arg[1]);
}

/* ---- changes ---- */

int fl_supply_run_changes(struct fl_cli *cli)
{
    static const struct fl_table_column columns[] = {
        {"change", true, false, 0}, {"at", false, false, 0},      {"by", false, true, 2},
        {"what", false, true, 0},   {"new", true, false, 1},      {"changed", true, false, 1},
        {"gone", true, false, 1},   {"undone by", true, false, 3}};
    struct fl_cli_path path;
    struct fl_table *out = NULL;
    char tenant[64];
    json_t *answer = NULL;
    const json_t *item;
    size_t i;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_list(cli, PATH(&path, tenant, "/supply/changes"), &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else
        out = fl_table_new(&cli->term, columns, FL_LEN(columns));
    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        if (out == NULL)
            break;
        fl_cli_count(out, fl_js_num(item, "number"));
        fl_table_text(out, fl_js_text(item, "at"));
        fl_table_text(out, fl_js_text(item, "by"));
        fl_table_text(out, fl_js_text(item, "title"));
        fl_cli_count(out, fl_js_num(item, "added"));
        fl_cli_count(out, fl_js_num(item, "changed"));
        fl_cli_count(out, fl_js_num(item, "removed"));
        if (fl_js_num(item, "undone_by") > 0)
            fl_cli_count(out, fl_js_num(item, "undone_by"));
        else
            fl_table_text(out, "");
    }
    json_decref(answer);
    return out == NULL ? r : fl_cli_print(out);
}

int fl_supply_run_undo(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL, *body = json_object();
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "POST", PATH(&path, tenant, "/supply/changes/", cli->arg[0], "/undo"),
                        body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Change %s is undone by change %llu.\n", cli->arg[0],
                       (unsigned long long)fl_js_num(answer, "number"));
}

/* ---- findings, decisions ---- */

int fl_supply_run_findings(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    const json_t *item;
    size_t i;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "GET", PATH(&path, tenant, "/supply/findings"), NULL, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else if (fl_js_num(answer, "total") == 0)
        (void)printf("Nothing is wrong with the network.\n");
    else
        json_array_foreach(json_object_get(answer, "items"), i, item)(void)
            printf("%s %s: %s\n", fl_js_text(item, "kind"), fl_js_text(item, "what"),
                   fl_js_text(item, "text"));
    json_decref(answer);
    return FL_EXIT_OK;
}

int fl_supply_run_decisions(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    const json_t *item;
    size_t i;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "GET", PATH(&path, tenant, "/supply/decisions"), NULL, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else
        json_array_foreach(json_object_get(answer, "items"), i, item)(void)
            printf("%llu  %s %s: %s, %s, by %s%s\n", (unsigned long long)fl_js_num(item, "number"),
                   fl_js_text(item, "kind"), fl_js_text(item, "subject"),
                   fl_js_text(item, "answer"), fl_js_text(item, "at"), fl_js_text(item, "by"),
                   json_is_null(json_object_get(item, "reversed")) ? "" : " (reversed)");
    json_decref(answer);
    return FL_EXIT_OK;
}

int fl_supply_run_decide(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL, *body = json_pack("{s:s,s:s,s:s}", "kind", cli->arg[0], "subject",
                                             cli->arg[1], "answer", cli->arg[2]);
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "POST", PATH(&path, tenant, "/supply/decisions"), body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Decision %llu stands.\n",
                       (unsigned long long)fl_js_num(answer, "number"));
}

int fl_supply_run_reverse(struct fl_cli *cli)
{
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    int r = fl_cli_tenant(cli, tenant);

    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "DELETE", PATH(&path, tenant, "/supply/decisions/", cli->arg[0]), NULL,
                        &answer);
    return fl_cli_done(cli, r, answer, "Decision %s is reversed.\n", cli->arg[0]);
}

/* ---- export ---- */

static int write_piece(void *ctx, const struct fl_answer *answer, struct fl_span piece)
{
    (void)answer;
    return fwrite(piece.ptr, 1, piece.len, ctx) == piece.len ? FL_OK : FL_E_IO;
}

static int fetch(struct fl_cli *cli, const char *method, const char *path, const json_t *body,
                 FILE *out)
{
    FL_AUTO(fl_buf_done) struct fl_buf problem;
    FL_AUTO(fl_answer_done) struct fl_answer answer;
    const struct fl_client_ops ops = {write_piece, out};
    struct fl_err err;
    char *dump = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    bool begun;
    int r;

    fl_buf_init(&problem, (size_t)64 << 10);
    fl_answer_init(&answer);
    r = fl_client_run(cli->opt[FL_OPT_SERVER], method, path, fl_span_str(dump), &ops, &answer,
                      &problem, &begun, &err);
    free(dump);
    return r < 0 ? fl_cli_fail(&err) : fl_cli_status(answer.status, &problem);
}

static int export_table(struct fl_cli *cli, const char *tenant, const char *table)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *const pairs[] = {"at", cli->opt[FL_OPT_AT], "redact", cli->opt[FL_OPT_REDACT],
                                 NULL};
    char name[64], file[4200];
    struct fl_cli_path path;
    struct fl_err err;
    FILE *out;
    int r;

    fl_buf_init(&text, 8192);
    (void)snprintf(name, sizeof name, "%s.csv", table);
    (void)snprintf(file, sizeof file, "%s/%s", cli->arg[0], name);
    out = fopen(file, "wxe");
    if (out == NULL) {
        (void)fl_err_sys(&err, FL_E_IO, errno, "%s", file);
        return fl_cli_fail(&err);
    }
    r = fetch(cli, "GET", with(&text, PATH(&path, tenant, "/supply/export/", name), pairs), NULL,
              out);
    if (fclose(out) != 0 && r == FL_EXIT_OK) {
        (void)fl_err_sys(&err, FL_E_IO, errno, "%s", file);
        r = fl_cli_fail(&err);
    }
    if (r != FL_EXIT_OK)
        (void)unlink(file);
    return r;
}

int fl_supply_run_export(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *const pairs[] = {
        "at",     cli->opt[FL_OPT_AT],     "redact", cli->opt[FL_OPT_REDACT],
        "format", cli->opt[FL_OPT_FORMAT], NULL};
    struct fl_cli_path path;
    char tenant[64];
    int r = fl_cli_tenant(cli, tenant);

    fl_buf_init(&text, 8192);
    if (r != FL_EXIT_OK)
        return r;
    if (cli->args == 0)
        return fetch(cli, "GET", with(&text, PATH(&path, tenant, "/supply/export"), pairs), NULL,
                     stdout);
    if (mkdir(cli->arg[0], 0700) < 0 && errno != EEXIST) {
        struct fl_err err;

        (void)fl_err_sys(&err, FL_E_IO, errno, "%s", cli->arg[0]);
        return fl_cli_fail(&err);
    }
    for (unsigned t = 0; t < FL_SUPPLY_TABLES && r == FL_EXIT_OK; t++)
        r = export_table(cli, tenant, fl_supply_schemas[t].name);
    return r;
}

int fl_supply_run_share(struct fl_cli *cli)
{
    json_t *body = json_object();
    struct fl_cli_path path;
    char tenant[64];
    int r = fl_cli_tenant(cli, tenant);

    if (cli->opt[FL_OPT_REDACT] != NULL)
        (void)json_object_set_new(body, "redact", json_string(cli->opt[FL_OPT_REDACT]));
    if (r == FL_EXIT_OK)
        r = fetch(cli, "POST", PATH(&path, tenant, "/supply/shares"), body, stdout);
    json_decref(body);
    return r;
}

static int verified(const struct fl_cli *cli, struct fl_span text)
{
    unsigned char public[32];
    struct fl_span line = {NULL, 0};
    struct fl_err err;
    json_t *said;
    int r = fl_share_verify(text, public, &line, &err);

    if (r < 0) {
        (void)fl_cli_fail(&err);
        return FL_EXIT_NO;
    }
    said = json_loadb((const char *)line.ptr, line.len, 0, NULL);
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(said);
    } else {
        fl_cli_pair(cli, "share of", "%s", fl_js_text(said, "share"));
        fl_cli_pair(cli, "given", "%s", fl_js_text(said, "at"));
        fl_cli_pair(cli, "key", "%s", fl_js_text(said, "key"));
        (void)printf("Nothing was changed. Compare the key with what the giver's status shows.\n");
    }
    json_decref(said);
    return FL_EXIT_OK;
}

int fl_supply_run_verify(struct fl_cli *cli)
{
    struct fl_cli_files *files = malloc(sizeof *files);
    int r;

    if (files == NULL)
        return fl_cli_usage("no memory");
    r = fl_cli_files(cli->arg, 1, ".ndjson", files);
    if (r == FL_EXIT_OK)
        r = verified(cli, files->file[0].text);
    fl_cli_files_done(files);
    free(files);
    return r;
}
