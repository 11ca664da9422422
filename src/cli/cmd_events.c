#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static int show(struct fl_cli *cli, const json_t *answer)
{
    static const struct fl_table_column columns[] = {
        {"n", true, false, 2},      {"time", false, false, 0}, {"event", false, false, 0},
        {"tenant", false, true, 1}, {"actor", false, true, 0}, {"object", false, true, 0},
        {"detail", false, true, 3},
    };
    const json_t *item;
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[2 * FL_UNIT_TEXT_BYTES];
    size_t i;

    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        const json_t *detail = json_object_get(item, "detail");
        char *dump = json_is_object(detail) && json_object_size(detail) > 0
                         ? json_dumps(detail, JSON_COMPACT)
                         : NULL;

        if (table != NULL) {
            fl_cli_count(table, fl_js_num(item, "n"));
            fl_cli_when(cli, item, "at", false, text);
            fl_table_text(table, text);
            fl_table_text(table, fl_js_text(item, "event"));
            fl_table_text(table, fl_js_text(item, "tenant"));
            fl_table_text(table, fl_js_text(item, "actor"));
            fl_table_text(table, fl_js_text(item, "object"));
            fl_table_text(table, dump);
        }
        free(dump);
    }
    return fl_cli_print(table);
}

static int run_list(struct fl_cli *cli)
{
    uint64_t limit = 50, after = 0;
    struct fl_err err;
    char path[120];
    json_t *answer = NULL;
    int r;

    if (cli->opt[FL_OPT_LIMIT] != NULL &&
        fl_args_number("--limit", cli->opt[FL_OPT_LIMIT], 1, 1000, &limit, &err) < 0)
        return fl_cli_fail(&err);
    if (cli->opt[FL_OPT_CURSOR] != NULL &&
        fl_args_number("--cursor", cli->opt[FL_OPT_CURSOR], 0, INT64_MAX, &after, &err) < 0)
        return fl_cli_fail(&err);
    (void)snprintf(path, sizeof path, "/api/v1/instance/events?limit=%" PRIu64, limit);
    if (cli->opt[FL_OPT_CURSOR] != NULL)
        (void)snprintf(path + strlen(path), 40, "&after=%" PRIu64, after);
    r = fl_cli_call(cli, "GET", path, NULL, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_items(answer);
    else
        r = show(cli, answer);
    if (!fl_cli_flag(cli, FL_OPT_JSON) && json_is_string(json_object_get(answer, "next")))
        (void)printf("next: --cursor %s\n", fl_js_text(answer, "next"));
    json_decref(answer);
    return r;
}

const struct fl_command fl_cmd_events[] = {
    {"list",
     "",
     0,
     0,
     FL_OPTS_SERVER | FL_OPT_BIT(LIMIT) | FL_OPT_BIT(CURSOR),
     "the record of security events, newest last",
     "Without --cursor the newest; --cursor 0 begins with the first. Actors are pseudonyms: "
     "the\nsame actor has the same one. The record is append-only.",
     {"fairlead events list", "fairlead events list --limit 500 --json | jq -r .event"},
     run_list},
};
const size_t fl_cmd_events_count = FL_LEN(fl_cmd_events);
