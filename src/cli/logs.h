/* logs.h - what the files of `fairlead logs` share: the question's path, its range, its trailer. */
#ifndef FL_CLI_LOGS_H
#define FL_CLI_LOGS_H

#include "cli/cli.h"

#define FL_LOGS_PATH_MAX ((size_t)16 * 1024)

/* A question: the path with its parameters, and what it says for the summary. */
struct fl_logs_ask {
    char tenant[64];
    struct fl_buf path; /* NUL-terminated by fl_logs_path() */
    int64_t from_us, to_us;
    char filter[4100];
};

void fl_logs_ask_done(struct fl_logs_ask *ask);
/*
 * Tenant, range (--last, --from, --to, --day; else the last preset_us; 0: none at all) and filter
 * (arguments from `first` on, and --where). kind: "top", ... FL_EXIT_OK or an exit code.
 */
int fl_logs_begin(struct fl_cli *cli, const char *kind, size_t first, int64_t preset_us,
                  struct fl_logs_ask *ask);
void fl_logs_param(struct fl_logs_ask *ask, const char *name, const char *value); /* NULL: none */
void fl_logs_param_num(struct fl_logs_ask *ask, const char *name, int64_t value);
const char *fl_logs_path(struct fl_logs_ask *ask);

/* Ask for one JSON document; *ret and *ret_trailer are new references, the trailer may be NULL. */
int fl_logs_call(struct fl_cli *cli, struct fl_logs_ask *ask, json_t **ret, json_t **ret_trailer);
/* "scanned 10.2 M rows in 131 ms, complete" or "0.9 ms from rollups"; says on stderr why an answer
 * is partial. Returns FL_EXIT_OK or FL_EXIT_PARTIAL. */
int fl_logs_effort(const struct fl_cli *cli, const json_t *trailer, char text[160]);
/* --limit within 1..most, or preset. */
int fl_logs_limit(struct fl_cli *cli, uint64_t preset, uint64_t most, uint64_t *ret);

int fl_logs_parse(struct fl_cli *cli);
int fl_logs_top(struct fl_cli *cli);
int fl_logs_series(struct fl_cli *cli);
int fl_logs_facets(struct fl_cli *cli);
int fl_logs_count(struct fl_cli *cli);
int fl_logs_query(struct fl_cli *cli);
int fl_logs_context(struct fl_cli *cli);
int fl_logs_tail(struct fl_cli *cli);
int fl_logs_export(struct fl_cli *cli);
int fl_logs_purge(struct fl_cli *cli);
int fl_logs_erase(struct fl_cli *cli);
int fl_logs_receipts(struct fl_cli *cli);
int fl_logs_receipts_verify(struct fl_cli *cli);

#endif
