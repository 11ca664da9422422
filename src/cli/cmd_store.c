#include <stdio.h>

#include "cli/cli.h"

static void pair_count(struct fl_cli *cli, const char *name, const json_t *object, const char *key)
{
    char text[FL_UNIT_TEXT_BYTES];

    fl_unit_count(fl_js_num(object, key), text);
    fl_cli_pair(cli, name, "%s", text);
}

static void show(struct fl_cli *cli, const json_t *s)
{
    char text[2 * FL_UNIT_TEXT_BYTES], more[FL_UNIT_TEXT_BYTES];
    uint64_t rows = fl_js_num(s, "rows");

    pair_count(cli, "rows", s, "rows");
    fl_unit_bytes(fl_js_num(s, "segment_bytes"), text);
    fl_cli_pair(cli, "segments", "%u, %s", (unsigned)fl_js_num(s, "segments"), text);
    if (rows > fl_js_num(s, "memtable_rows"))
        fl_cli_pair(cli, "bytes a row", "%.1f sealed",
                    (double)fl_js_num(s, "segment_bytes") /
                        (double)(rows - fl_js_num(s, "memtable_rows")));
    fl_unit_bytes(fl_js_num(s, "memtable_bytes"), text);
    fl_unit_count(fl_js_num(s, "memtable_rows"), more);
    fl_cli_pair(cli, "in memory", "%s rows, %s", more, text);
    fl_unit_bytes(fl_js_num(s, "wal_bytes"), text);
    fl_cli_pair(cli, "write-ahead log", "%s in %u files", text,
                (unsigned)fl_js_num(s, "wal_files"));
    pair_count(cli, "syncs", s, "syncs");
    fl_cli_when(cli, s, "last_commit_at", true, text);
    fl_cli_pair(cli, "last commit", "%s", text);
    pair_count(cli, "replayed rows", s, "replayed_rows");
    pair_count(cli, "refused batches", s, "batches_bad");
    pair_count(cli, "refused rows", s, "rows_bad");
    fl_cli_pair(cli, "behind", "%s", fl_js_bool(s, "behind") ? "YES: senders are held back" : "no");
    if (fl_js_text(s, "note")[0] != '\0')
        fl_cli_pair(cli, "note", "%s", fl_js_text(s, "note"));
}

static int by_tenant(struct fl_cli *cli, const json_t *tenants)
{
    static const struct fl_table_column columns[] = {
        {"tenant", false, true, 0},      {"rows", true, false, 0},    {"on disk", true, false, 0},
        {"segments", true, false, 0},    {"oldest", false, false, 0}, {"newest", false, false, 0},
        {"no baseline", true, false, 1},
    };
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[FL_UNIT_TEXT_BYTES];
    const json_t *t;
    size_t i;

    json_array_foreach(tenants, i, t)
    {
        if (table == NULL)
            break;
        fl_table_text(table, fl_js_text(t, "tenant"));
        fl_cli_count(table, fl_js_num(t, "rows"));
        fl_unit_bytes(fl_js_num(t, "bytes"), text);
        fl_table_text(table, text);
        fl_cli_count(table, fl_js_num(t, "segments"));
        fl_table_text(table, fl_js_text(t, "oldest_day"));
        fl_table_text(table, fl_js_text(t, "newest_day"));
        fl_cli_count(table, fl_js_num(t, "no_baseline"));
    }
    return fl_cli_print(table);
}

static int run_stats(struct fl_cli *cli)
{
    json_t *answer;
    int r = fl_cli_call(cli, "GET", "/api/v1/instance/store", NULL, &answer);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(answer);
    } else {
        show(cli, answer);
        if (json_array_size(json_object_get(answer, "tenants")) > 0) {
            (void)printf("\n");
            r = by_tenant(cli, json_object_get(answer, "tenants"));
        }
    }
    json_decref(answer);
    return r;
}

const struct fl_command fl_cmd_store[] = {
    {"stats",
     "",
     0,
     0,
     FL_OPTS_SERVER,
     "what the log store holds, by tenant, and how it fares",
     "no baseline: rows of cumulative counters whose session began unseen; not in sums.",
     {"fairlead store stats", "fairlead store stats --json | jq .tenants"},
     run_stats},
};
const size_t fl_cmd_store_count = FL_LEN(fl_cmd_store);
