/* house.h - inside cli: long work on the store, and days as options. */
#ifndef FL_CLI_HOUSE_H
#define FL_CLI_HOUSE_H

#include <stdlib.h>

#include "cli/cli.h"

/*
 * Have the server do long work (POST, NDJSON lines as logs/store_job.h says): progress on a
 * terminal's stderr, findings through finding (NULL: not shown; with --json every line goes out as
 * it is). FL_EXIT_OK with the result, a new reference; or it has said what went wrong. Ctrl-C ends
 * the work.
 */
int fl_cli_work(struct fl_cli *cli, const char *path, const json_t *body,
                void (*finding)(struct fl_cli *cli, const json_t *finding), json_t **ret_result,
                uint64_t *ret_findings);

/* --day, or --from and --to, as UTC days, both included; "" where not given. FL_EXIT_OK or what was
 * wrong was said. */
int fl_cli_days(struct fl_cli *cli, char from[16], char to[16]);

int fl_store_cli_verify(struct fl_cli *cli);
int fl_store_cli_repair(struct fl_cli *cli);
int fl_store_cli_merge(struct fl_cli *cli);
int fl_store_cli_upgrade(struct fl_cli *cli);

#endif
