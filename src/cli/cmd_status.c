#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/cli.h"

#define QUIET_US (INT64_C(15) * 60 * FL_US_PER_S)

static void head(const struct fl_cli *cli, const char *text)
{
    (void)printf("%s%s%s\n", fl_term_on(&cli->term, FL_INK_BOLD), text,
                 fl_term_off(&cli->term, FL_INK_BOLD));
}

/* "no landlock: kernel has none; no seccomp" or what was obtained. */
static void sandbox_text(const json_t *role, char *text, size_t size)
{
    uint64_t abi = fl_js_num(role, "landlock_abi");
    const char *note = fl_js_text(role, "note");
    char landlock[32];

    if (strcmp(fl_js_text(role, "role"), "supervisor") == 0) {
        (void)snprintf(text, size, "takes no input");
        return;
    }
    (void)snprintf(landlock, sizeof landlock, abi > 0 ? "landlock %u" : "no landlock",
                   (unsigned)abi);
    (void)snprintf(text, size, "%s, %s%s%s", fl_js_bool(role, "seccomp") ? "seccomp" : "NO SECCOMP",
                   landlock, note[0] == '\0' ? "" : "; ", note);
}

static int roles(struct fl_cli *cli, const json_t *status)
{
    static const struct fl_table_column columns[] = {
        {"role", false, false, 0},     {"state", false, false, 0}, {"pid", true, false, 0},
        {"restarts", true, false, 0},  {"since", false, false, 3}, {"user", true, false, 4},
        {"confined by", false, 22, 0},
    };
    const json_t *items = json_object_get(status, "roles"), *role;
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[400];
    size_t i;

    json_array_foreach(items, i, role)
    {
        bool up = fl_js_bool(role, "up");

        if (table == NULL)
            break;
        fl_table_text(table, fl_js_text(role, "role"));
        fl_table_text(table, up ? "up" : "DOWN");
        fl_table_ink(table, up ? FL_INK_GOOD : FL_INK_BAD);
        (void)snprintf(text, sizeof text, "%u", (unsigned)fl_js_num(role, "pid"));
        fl_table_text(table, text);
        fl_cli_count(table, fl_js_num(role, "restarts"));
        if (fl_js_num(role, "restarts") > 0)
            fl_table_ink(table, FL_INK_WARN);
        fl_cli_when(cli, role, "since", false, text);
        fl_table_text(table, text);
        (void)snprintf(text, sizeof text, "%u", (unsigned)fl_js_num(role, "uid"));
        fl_table_text(table, text);
        sandbox_text(role, text, sizeof text);
        fl_table_text(table, text);
    }
    return fl_cli_print(table);
}

static void listeners(struct fl_cli *cli, const json_t *status)
{
    const json_t *items = json_object_get(status, "listeners"), *one;
    size_t i;

    json_array_foreach(items, i, one)
    {
        bool weaker = fl_js_bool(one, "weaker");
        const char *tenant = fl_js_text(one, "tenant");
        FL_AUTO(fl_buf_done) struct fl_buf text;

        fl_buf_init(&text, 1024);
        fl_term_clean(&cli->term, fl_span_str(fl_js_text(one, "address")), false, &text);
        (void)printf("  %.*s  %s%s%s%s%s%s\n", (int)text.len, (const char *)text.ptr,
                     fl_js_text(one, "kind"), tenant[0] == '\0' ? "" : ", all as tenant ", tenant,
                     fl_term_on(&cli->term, weaker ? FL_INK_WARN : FL_INK_PLAIN),
                     weaker ? "  WEAKER: senders are not authenticated" : "",
                     fl_term_off(&cli->term, weaker ? FL_INK_WARN : FL_INK_PLAIN));
    }
    if (json_array_size(items) == 0)
        (void)printf("  none\n");
}

static void data_cells(const struct fl_cli *cli, struct fl_table *table, const json_t *t)
{
    const json_t *data = json_object_get(t, "data");
    char text[2 * FL_UNIT_TEXT_BYTES], more[FL_UNIT_TEXT_BYTES];

    (void)cli;
    if (!json_is_object(data)) {
        fl_table_text(table, "?");
        fl_table_text(table, "?");
        fl_table_text(table, "the store does not answer");
        return;
    }
    fl_unit_short(fl_js_num(data, "rows"), text);
    fl_table_text(table, text);
    fl_unit_bytes(fl_js_num(data, "bytes"), text);
    if (fl_js_num(t, "quota_bytes") > 0) {
        fl_unit_bytes(fl_js_num(t, "quota_bytes"), more);
        (void)snprintf(text + strlen(text), sizeof more, " of %.20s", more);
    }
    if (fl_js_num(data, "taken_days") > 0)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), ", %u days taken",
                       (unsigned)fl_js_num(data, "taken_days"));
    fl_table_text(table, text);
    if (fl_js_text(data, "oldest_day")[0] == '\0')
        (void)snprintf(text, sizeof text, "-");
    else
        (void)snprintf(text, sizeof text, "%.10s to %.10s", fl_js_text(data, "oldest_day"),
                       fl_js_text(data, "newest_day"));
    fl_table_text(table, text);
}

static void ago_cell(const struct fl_cli *cli, struct fl_table *table, const json_t *object)
{
    char text[FL_UNIT_TEXT_BYTES];
    int64_t at;

    if (!fl_js_time(object, "last_at", &at)) {
        fl_table_text(table, "never");
        return;
    }
    fl_unit_ago(at, cli->now_us, text);
    fl_table_text(table, text);
    if (cli->now_us - at > QUIET_US)
        fl_table_ink(table, FL_INK_WARN);
}

static void bad_cell(struct fl_table *table, uint64_t count, enum fl_ink ink)
{
    fl_cli_count(table, count);
    if (count > 0)
        fl_table_ink(table, ink);
}

static int tenants(struct fl_cli *cli, const json_t *status)
{
    static const struct fl_table_column columns[] = {
        {"tenant", false, true, 0}, {"senders", true, false, 0}, {"last line", true, false, 0},
        {"rows", true, false, 0},   {"on disk", true, false, 2}, {"days", false, false, 0},
        {"kept", true, false, 3},   {"lost", true, false, 0},
    };
    const json_t *items = json_object_get(status, "tenants"), *t;
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[64];
    size_t i;

    json_array_foreach(items, i, t)
    {
        if (table == NULL)
            break;
        fl_table_text(table, fl_js_text(t, "slug"));
        (void)snprintf(text, sizeof text, "%u of %u", (unsigned)fl_js_num(t, "devices_open"),
                       (unsigned)fl_js_num(t, "devices"));
        fl_table_text(table, text);
        ago_cell(cli, table, t);
        data_cells(cli, table, t);
        (void)snprintf(text, sizeof text, "%u d", (unsigned)fl_js_num(t, "keep_days"));
        fl_table_text(table, text);
        bad_cell(table, fl_js_num(t, "lost") + fl_js_num(t, "dropped"), FL_INK_BAD);
    }
    return fl_cli_print(table);
}

/* Less than a second is the line's way here rather than the clock. */
static void skew_cell(struct fl_table *table, const json_t *live)
{
    int64_t us = fl_js_int(live, "skew_us");
    char text[FL_UNIT_TEXT_BYTES];

    if (fl_js_num(live, "lines") == 0)
        (void)snprintf(text, sizeof text, "-");
    else if (us > -FL_US_PER_S && us < FL_US_PER_S)
        (void)snprintf(text, sizeof text, "<1 s");
    else
        fl_unit_span(us, text);
    fl_table_text(table, text);
    if (us < -FL_US_PER_DAY || us > FL_US_PER_DAY)
        fl_table_ink(table, FL_INK_BAD);
}

static int devices(struct fl_cli *cli, const json_t *status)
{
    static const struct fl_table_column columns[] = {
        {"device", false, 16, 0},      {"site", false, true, 2},     {"open", true, false, 0},
        {"last line", true, false, 0}, {"lines", true, false, 0},    {"behind", true, false, 4},
        {"skew", true, false, 1},      {"unparsed", true, false, 0}, {"gaps", true, false, 3},
        {"lost", true, false, 0},      {"dropped", true, false, 5},
    };
    const json_t *items = json_object_get(status, "devices"), *d;
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[160];
    size_t i;

    json_array_foreach(items, i, d)
    {
        const json_t *live = json_object_get(d, "live");

        if (table == NULL)
            break;
        (void)snprintf(text, sizeof text, "%s/%s", fl_js_text(d, "tenant"), fl_js_text(d, "slug"));
        fl_table_text(table, text);
        fl_table_text(table, fl_js_bool(d, "listed") ? fl_js_text(d, "site") : "(not listed)");
        fl_cli_count(table, fl_js_num(live, "open"));
        ago_cell(cli, table, live);
        fl_cli_count(table, fl_js_num(live, "lines"));
        fl_cli_count(table, fl_js_num(live, "in_flight"));
        skew_cell(table, live);
        bad_cell(table, fl_js_num(live, "unparsed"), FL_INK_WARN);
        bad_cell(table, fl_js_num(live, "gaps"), FL_INK_WARN);
        bad_cell(table, fl_js_num(live, "lost"), FL_INK_BAD);
        bad_cell(table, fl_js_num(live, "dropped"), FL_INK_BAD);
    }
    return fl_cli_print(table);
}

static void parts(struct fl_cli *cli, const json_t *status)
{
    const json_t *store = json_object_get(status, "store"), *keys = json_object_get(status, "keys");
    char rows[FL_UNIT_TEXT_BYTES], bytes[FL_UNIT_TEXT_BYTES], wal[FL_UNIT_TEXT_BYTES];
    const char *problem = fl_js_text(store, "problem");

    if (problem[0] != '\0') {
        fl_cli_pair(cli, "store", "%s", problem);
    } else {
        fl_unit_short(fl_js_num(store, "rows"), rows);
        fl_unit_bytes(fl_js_num(store, "segment_bytes"), bytes);
        fl_unit_bytes(fl_js_num(store, "wal_bytes"), wal);
        fl_cli_pair(cli, "store", "%s rows, %s in %u segments, %s in the write-ahead log%s", rows,
                    bytes, (unsigned)fl_js_num(store, "segments"), wal,
                    fl_js_bool(store, "behind") ? "; BEHIND: senders are held back" : "");
    }
    if (fl_js_text(keys, "problem")[0] != '\0')
        fl_cli_pair(cli, "keys", "%s", fl_js_text(keys, "problem"));
    else
        fl_cli_pair(cli, "keys", "epoch %u, root: %s", (unsigned)fl_js_num(keys, "epoch"),
                    fl_js_text(keys, "root_kind"));
    if (fl_js_num(status, "rogues") > 0)
        fl_cli_pair(cli, "rogues", "%u refused sender%s seen; fairlead device rogues",
                    (unsigned)fl_js_num(status, "rogues"),
                    fl_js_num(status, "rogues") == 1 ? "" : "s");
}

/* All roles up and answering: 0; else 1, so that a script can ask. */
static int verdict(const json_t *status)
{
    const json_t *role;
    size_t i;

    json_array_foreach(json_object_get(status, "roles"), i, role)
    {
        if (!fl_js_bool(role, "up"))
            return FL_EXIT_NO;
    }
    if (fl_js_text(json_object_get(status, "store"), "problem")[0] != '\0' ||
        fl_js_text(json_object_get(status, "keys"), "problem")[0] != '\0' ||
        !fl_js_bool(status, "database"))
        return FL_EXIT_NO;
    return FL_EXIT_OK;
}

static int show(struct fl_cli *cli, const json_t *status)
{
    int r = roles(cli, status);

    (void)printf("\n");
    parts(cli, status);
    (void)printf("\n");
    head(cli, "listeners");
    listeners(cli, status);
    (void)printf("\n");
    if (json_array_size(json_object_get(status, "tenants")) == 0)
        (void)printf("No tenant yet. fairlead tenant add NAME makes one.\n");
    else if (r == FL_EXIT_OK)
        r = tenants(cli, status);
    if (r == FL_EXIT_OK && json_array_size(json_object_get(status, "devices")) > 0) {
        (void)printf("\n");
        r = devices(cli, status);
    }
    if (fl_js_num(status, "devices_more") > 0)
        (void)printf("and %u more; fairlead device list shows a tenant's\n",
                     (unsigned)fl_js_num(status, "devices_more"));
    return r;
}

static int run_status(struct fl_cli *cli)
{
    json_t *status;
    int r = fl_cli_call(cli, "GET", "/api/v1/instance/status", NULL, &status);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(status);
    else
        r = show(cli, status);
    if (r == FL_EXIT_OK)
        r = verdict(status);
    json_decref(status);
    return r;
}

const struct fl_command fl_cmd_status[] = {
    {"",
     "",
     0,
     0,
     FL_OPTS_SERVER,
     "how everything is: roles, stores, tenants, devices",
     "behind: lines received and not yet synced. skew: device's clock minus ours. lost: received\n"
     "but not accepted when a connection or a role ended. dropped: datagrams the kernel dropped.\n"
     "Exit code 1 when a role is down or does not answer yet.",
     {"fairlead status", "fairlead status --json | jq '.roles[] | select(.up | not)'"},
     run_status},
};
const size_t fl_cmd_status_count = FL_LEN(fl_cmd_status);
