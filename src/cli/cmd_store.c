#include <stdio.h>

#include "cli/house.h"

static void pair_count(struct fl_cli *cli, const char *name, const json_t *object, const char *key)
{
    char text[FL_UNIT_TEXT_BYTES];

    fl_unit_count(fl_js_num(object, key), text);
    fl_cli_pair(cli, name, "%s", text);
}

/* Said where there is something to do. */
static void versions(struct fl_cli *cli, const json_t *versions)
{
    if (fl_js_num(versions, "v1") > 0)
        fl_cli_pair(cli, "of an older format", "%u (see fairlead store upgrade)",
                    (unsigned)fl_js_num(versions, "v1"));
}

static void show(struct fl_cli *cli, const json_t *s)
{
    char text[2 * FL_UNIT_TEXT_BYTES], more[FL_UNIT_TEXT_BYTES];
    uint64_t rows = fl_js_num(s, "rows");

    pair_count(cli, "rows", s, "rows");
    fl_unit_bytes(fl_js_num(s, "segment_bytes"), text);
    fl_cli_pair(cli, "segments", "%u, %s", (unsigned)fl_js_num(s, "segments"), text);
    versions(cli, json_object_get(s, "versions"));
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
    (void)snprintf(text, sizeof text, "%u read, %u written, %u wait to be destroyed",
                   (unsigned)fl_js_num(s, "merged_segments"), (unsigned)fl_js_num(s, "merges"),
                   (unsigned)fl_js_num(s, "retiring_segments"));
    fl_cli_pair(cli, "merged segments", "%s", text);
    if (json_is_integer(json_object_get(s, "free_bytes"))) {
        fl_unit_bytes(fl_js_num(s, "free_bytes"), text);
        fl_cli_pair(cli, "free disk", "%s", text);
    }
    if (fl_js_num(s, "damaged_blocks") > 0)
        fl_cli_pair(cli, "damaged", "%u blocks, %llu rows: fairlead store repair",
                    (unsigned)fl_js_num(s, "damaged_blocks"),
                    (unsigned long long)fl_js_num(s, "damaged_rows"));
    fl_cli_pair(cli, "behind", "%s", fl_js_bool(s, "behind") ? "YES: senders are held back" : "no");
    if (fl_js_text(s, "note")[0] != '\0')
        fl_cli_pair(cli, "note", "%s", fl_js_text(s, "note"));
}

static int by_tenant(struct fl_cli *cli, const json_t *tenants)
{
    static const struct fl_table_column columns[] = {
        {"tenant", false, true, 0},   {"rows", true, false, 0},    {"on disk", true, false, 0},
        {"segments", true, false, 0}, {"oldest", false, false, 0}, {"newest", false, false, 0},
        {"of quota", true, false, 1}, {"taken", true, false, 2},   {"no baseline", true, false, 3},
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
        if (json_is_integer(json_object_get(t, "used_percent")))
            (void)snprintf(text, sizeof text, "%u %%", (unsigned)fl_js_num(t, "used_percent"));
        else
            (void)snprintf(text, sizeof text, "-");
        fl_table_text(table, text);
        (void)snprintf(text, sizeof text, fl_js_num(t, "taken_days") == 0 ? "-" : "%u days",
                       (unsigned)fl_js_num(t, "taken_days"));
        fl_table_text(table, text);
        fl_cli_count(table, fl_js_num(t, "no_baseline"));
    }
    return fl_cli_print(table);
}

static int run_stats(struct fl_cli *cli)
{
    json_t *answer = NULL;
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

#define HOUSE (FL_OPTS_TENANT | FL_OPT_BIT(DAY) | FL_OPT_BIT(FROM) | FL_OPT_BIT(TO))

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
    {"verify",
     "",
     0,
     0,
     HOUSE,
     "read everything that is stored and compare it with what is said of it",
     "Every chunk of every segment, the log, the counters of sessions, keys and files. The store\n"
     "serves meanwhile. A damaged block is named; exit 1 when something is damaged or left over.",
     {"fairlead store verify", "fairlead store verify --tenant acme --day 2026-11-20 --json"},
     fl_store_cli_verify},
    {"repair",
     "",
     0,
     0,
     HOUSE | FL_OPT_BIT(DRY_RUN) | FL_OPT_BIT(YES),
     "write damaged segments anew without what does not open, remove what is left over",
     "Shows what it would do, and asks. Damaged filters and sums are made anew from the rows, and\n"
     "keys without a file are destroyed. What is lost is recorded: fairlead events list.",
     {"fairlead store repair --dry-run", "fairlead store repair --tenant acme --yes"},
     fl_store_cli_repair},
    {"merge",
     "",
     0,
     0,
     HOUSE | FL_OPT_BIT(DRY_RUN),
     "merge small segments of days that are over now, not in the background",
     "The background does it by itself, with a fifth of a core.",
     {"fairlead store merge --dry-run", "fairlead store merge --tenant acme"},
     fl_store_cli_merge},
    {"upgrade",
     "",
     0,
     0,
     FL_OPTS_TENANT | FL_OPT_BIT(DAY) | FL_OPT_BIT(TO) | FL_OPT_BIT(DRY_RUN),
     "write segments of an older format anew, or with --to 1 back",
     "One segment at a time, while the store serves; ended early, it goes on where it stopped. A\n"
     "segment with rows taken out cannot go back to version 1: it is named, with exit 1.",
     {"fairlead store upgrade --dry-run", "fairlead store upgrade --to 1 --tenant acme"},
     fl_store_cli_upgrade},
};
const size_t fl_cmd_store_count = FL_LEN(fl_cmd_store);
