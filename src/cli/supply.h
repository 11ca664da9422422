/*
 * supply.h - the noun `supply`: what its commands share. The table of verbs is in cmd_supply.c, one
 * row each; a command's function is declared here and stands in a file of its own.
 */
#ifndef FL_CLI_SUPPLY_H
#define FL_CLI_SUPPLY_H

#include "cli/cli.h"
#include "supply/net_files.h"

extern const struct fl_command fl_cmd_supply[];
extern const size_t fl_cmd_supply_count;

#define FL_CLI_SUPPLY_BYTES_MAX ((size_t)4 << 30) /* of a network in memory */
#define FL_CLI_FILE_BYTES_MAX   ((size_t)1 << 30) /* of one file */

/* Files of a folder ("*.csv", in order of their names), or the files named themselves; whole. */
struct fl_cli_files {
    struct fl_net_file file[FL_IMPORT_FILES_MAX];
    struct fl_buf text[FL_IMPORT_FILES_MAX];
    char name[FL_IMPORT_FILES_MAX][FL_IMPORT_FILE_NAME_MAX + 1];
    unsigned count;
};
/* FL_EXIT_OK, or has said what went wrong. */
int fl_cli_files(const char *const *paths, size_t count, const char *ending,
                 struct fl_cli_files *ret);
void fl_cli_files_done(struct fl_cli_files *files); /* fit for FL_AUTO */

/* The network in a folder's CSV files (or in one file), or everything that is wrong with it on
 * stderr. flags of supply/net_files.h. */
int fl_cli_net(const char *dir, unsigned flags, struct fl_net **ret);
/* Findings on stderr, one a line: "sites.csv:3: ttr_days: ..."; warnings only where wanted. */
void fl_cli_findings(const struct fl_cli *cli, const struct fl_findings *findings, bool warnings);

int fl_supply_run_check(struct fl_cli *cli);
int fl_supply_run_import(struct fl_cli *cli);
int fl_supply_run_export(struct fl_cli *cli);
int fl_supply_run_share(struct fl_cli *cli);
int fl_supply_run_verify(struct fl_cli *cli);
int fl_supply_run_rows(struct fl_cli *cli);
int fl_supply_run_show(struct fl_cli *cli);
int fl_supply_run_history(struct fl_cli *cli);
int fl_supply_run_set(struct fl_cli *cli);
int fl_supply_run_remove(struct fl_cli *cli);
int fl_supply_run_changes(struct fl_cli *cli);
int fl_supply_run_undo(struct fl_cli *cli);
int fl_supply_run_findings(struct fl_cli *cli);
int fl_supply_run_decisions(struct fl_cli *cli);
int fl_supply_run_decide(struct fl_cli *cli);
int fl_supply_run_reverse(struct fl_cli *cli);
int fl_supply_run_hazard(struct fl_cli *cli);
int fl_supply_run_risks(struct fl_cli *cli);
int fl_supply_run_risk(struct fl_cli *cli);
int fl_supply_run_mute(struct fl_cli *cli);
int fl_supply_run_unmute(struct fl_cli *cli);
int fl_supply_run_judge(struct fl_cli *cli);
int fl_supply_run_events(struct fl_cli *cli);
int fl_supply_run_exposure(struct fl_cli *cli);
int fl_supply_run_simulate(struct fl_cli *cli);
int fl_supply_run_score(struct fl_cli *cli);
int fl_supply_run_draft(struct fl_cli *cli);

#endif
