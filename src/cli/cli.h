/*
 * cli.h - what the commands of `fairlead` share: the nouns, errors on stderr, requests, answers.
 */
#ifndef FL_CLI_CLI_H
#define FL_CLI_CLI_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/table.h"
#include "cli/units.h"

extern const struct fl_command fl_cmd_tenant[], fl_cmd_site[], fl_cmd_device[], fl_cmd_logs[],
    fl_cmd_store[], fl_cmd_conf[], fl_cmd_status[], fl_cmd_ca[], fl_cmd_events[], fl_cmd_keys[];
extern const size_t fl_cmd_tenant_count, fl_cmd_site_count, fl_cmd_device_count, fl_cmd_logs_count,
    fl_cmd_store_count, fl_cmd_conf_count, fl_cmd_status_count, fl_cmd_ca_count,
    fl_cmd_events_count, fl_cmd_keys_count;

/* Print "fairlead: text" on stderr; returns the exit code that goes with err->code. */
int fl_cli_fail(const struct fl_err *err);
/* Wrong use: text and exit code 2. */
int fl_cli_usage(const char *fmt, ...) FL_PRINTF(1, 2);
/* A remark on stderr that does not belong to the answer. */
void fl_cli_note(const struct fl_cli *cli, const char *fmt, ...) FL_PRINTF(2, 3);

/*
 * Send one request and take its whole answer. body NULL: none. *ret is a new reference when the
 * answer is JSON, else NULL. Returns FL_EXIT_OK, or has said what went wrong and returns the exit
 * code.
 */
int fl_cli_call(struct fl_cli *cli, const char *method, const char *path, const json_t *body,
                json_t **ret);
/* All pages of a list as one answer. */
int fl_cli_list(struct fl_cli *cli, const char *path, json_t **ret);
/* FL_EXIT_OK for a 2xx status; else says what the problem document says, and its exit code. */
int fl_cli_status(int status, const struct fl_buf *problem);
/* Append "%-encoded text" of one path segment or query value. */
void fl_cli_encode(struct fl_buf *out, struct fl_span text);

/* A path put together from literals and encoded words: fl_cli_path(&p, "/api/v1/tenants/", slug,
 * "/sites", NULL): every second piece is encoded. */
struct fl_cli_path {
    char text[4096];
};
const char *fl_cli_path(struct fl_cli_path *path, ...) __attribute__((sentinel));

/* The whole of a small file (at most 1 MiB); "-" is standard input. */
int fl_cli_read(const char *file, struct fl_buf *out, struct fl_err *err) FL_MUST_CHECK;

/* The tenant: --tenant, FAIRLEAD_TENANT, or the only one there is. FL_EXIT_OK or an exit code. */
int fl_cli_tenant(struct fl_cli *cli, char ret_tenant[64]);
/* "TENANT/THING" or "THING" of that tenant. */
int fl_cli_split(struct fl_cli *cli, const char *word, char ret_tenant[64], char ret_thing[64]);

/* Ask "text [y/N]" on the terminal; true with --yes. Without a terminal: says that --yes is
 * needed. */
bool fl_cli_sure(const struct fl_cli *cli, const char *fmt, ...) FL_PRINTF(2, 3);

/* Members of a JSON object, with a value for those absent. Strings are borrowed. */
const char *fl_js_text(const json_t *object, const char *key);        /* "" when absent */
uint64_t fl_js_num(const json_t *object, const char *key);            /* 0 when absent */
int64_t fl_js_int(const json_t *object, const char *key);             /* 0 when absent */
bool fl_js_bool(const json_t *object, const char *key);               /* false when absent */
bool fl_js_time(const json_t *object, const char *key, int64_t *ret); /* RFC 3339 */
/* One JSON object a line on stdout. */
void fl_js_line(const json_t *object);
/* Each of answer's "items" on a line. */
void fl_js_items(const json_t *answer);

/* What a change comes to, when r is FL_EXIT_OK: with --json the answer, else the sentence. Frees
 * the answer and returns r. */
int fl_cli_done(const struct fl_cli *cli, int r, json_t *answer, const char *fmt, ...)
    FL_PRINTF(4, 5);

/* Print the table and free it; FL_EXIT_OK or FL_EXIT_NO. */
int fl_cli_print(struct fl_table *table);
int fl_cli_print_plain(struct fl_table *table); /* without its head */
/* A cell of a number with thousands marks. */
void fl_cli_count(struct fl_table *table, uint64_t value);

/* A table of "name  value" lines: name in bold, value cleaned. */
void fl_cli_pair(const struct fl_cli *cli, const char *name, const char *fmt, ...) FL_PRINTF(3, 4);
/* A time with how long ago it was; "never" for an absent member. */
void fl_cli_when(const struct fl_cli *cli, const json_t *object, const char *key, bool ago,
                 char text[2 * FL_UNIT_TEXT_BYTES]);

#endif
