/* fairlead supply check, import, export, rows, show, set, remove, changes, undo, findings,
 * decisions: the network itself. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/supply.h"

/* ---- check: files only ---- */

static json_t *finding_json(const struct fl_finding *f)
{
    return json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:s,s:s}", "kind", f->warning ? "warning" : "error",
                     "what", f->kind, "file", f->file, "line", (json_int_t)f->line, "column",
                     f->column, "value", f->value, "text", f->text, "fix", f->fix);
}

static json_t *counts_json(const struct fl_net *net)
{
    return json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "suppliers", (int)net->supplier_count,
                     "sites", (int)net->site_count, "parts", (int)net->part_count, "part_sites",
                     (int)net->source_count, "products", (int)net->product_count, "bom",
                     (int)net->use_count, "revenue", (int)net->revenue_count, "rates",
                     (int)net->rate_count);
}

static void check_json(const struct fl_net *net, const struct fl_findings *findings)
{
    json_t *list = json_array(), *answer;

    for (unsigned i = 0; i < findings->count; i++)
        (void)json_array_append_new(list, finding_json(&findings->list[i]));
    answer = json_pack("{s:b,s:I,s:I,s:o,s:o}", "ok", net != NULL, "errors",
                       (json_int_t)findings->errors, "warnings", (json_int_t)findings->warnings,
                       "counts", net == NULL ? json_null() : counts_json(net), "findings", list);
    fl_js_line(answer);
    json_decref(answer);
}

static void check_text(const struct fl_cli *cli, const struct fl_net *net,
                       const struct fl_findings *findings, const struct fl_err *err)
{
    fl_cli_findings(cli, findings, true);
    if (net == NULL && findings->errors == 0)
        (void)fl_cli_fail(err);
    if (net == NULL)
        return;
    fl_cli_pair(cli, "suppliers", "%u", net->supplier_count);
    fl_cli_pair(cli, "sites", "%u", net->site_count);
    fl_cli_pair(cli, "parts", "%u", net->part_count);
    fl_cli_pair(cli, "sources", "%u", net->source_count);
    fl_cli_pair(cli, "products", "%u", net->product_count);
    fl_cli_pair(cli, "lines of bills of material", "%u", net->use_count);
    fl_cli_pair(cli, "currency", "%s", net->base_currency);
}

static int check(const struct fl_cli *cli, const struct fl_cli_files *files)
{
    FL_AUTO(fl_findings_done) struct fl_findings findings = {.list = NULL};
    struct fl_net *net = NULL;
    struct fl_err err;
    int r = fl_findings_init(&findings, &err);

    if (r == FL_OK)
        r = fl_net_files_read(files->file, files->count, 0, FL_CLI_SUPPLY_BYTES_MAX, "", &net,
                              &findings, &err);
    if (fl_cli_flag(cli, FL_OPT_JSON))
        check_json(net, &findings);
    else
        check_text(cli, net, &findings, &err);
    fl_net_unref(net);
    return r == FL_OK ? FL_EXIT_OK : FL_EXIT_NO;
}

int fl_supply_run_check(struct fl_cli *cli)
{
    struct fl_cli_files *files = malloc(sizeof *files);
    int r;

    if (files == NULL)
        return fl_cli_usage("no memory");
    r = fl_cli_files(cli->arg, cli->args, ".csv", files);
    if (r == FL_EXIT_OK)
        r = check(cli, files);
    fl_cli_files_done(files);
    free(files);
    return r;
}
