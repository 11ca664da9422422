/* fairlead supply events: files of events in the world, what they hold and what is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "cli/supply.h"
#include "codec/cap_sign.h"
#include "codec/event_list.h"
#include "codec/feed.h"
#include "model/event_type.h"

#define REFUSED_BYTES ((size_t)8 << 20)

static const struct fl_table_column columns[] = {
    {"type", false, 0, 0},   {"event", false, 24, 0}, {"from", false, 0, 3},
    {"place", false, 12, 4}, {"area", false, 10, 2},  {"severity", false, 0, 5},
    {"status", false, 0, 6}, {"name", false, 12, 1},
};

struct listing {
    struct fl_cli *cli;
    const char *file;
    struct fl_table *table;
    struct fl_buf line, refused;
    unsigned events, bad, bad_files;
};

static const char *type_code(const struct fl_world_event *event)
{
    const struct fl_event_type *type = fl_event_type_of(event);

    return type == NULL ? "" : type->code;
}

/* One object a line: the event in the form in which it is kept, beside its file and type. */
static int put_json(struct listing *l, const struct fl_world_event *event)
{
    const struct fl_event_type *type = fl_event_type_of(event);
    struct fl_err err;
    struct fl_json json;

    fl_buf_clear(&l->line);
    fl_json_init(&json, &l->line);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "file", l->file);
    fl_json_text(&json, "type", type == NULL ? NULL : type->code);
    fl_json_text(&json, "type_name", type == NULL ? NULL : type->name);
    fl_world_event_write(event, &json, "event");
    fl_json_end(&json);
    fl_buf_put_u8(&l->line, '\n');
    if (fl_buf_status(&l->line, &err) < 0)
        return err.code;
    return fwrite(l->line.ptr, 1, l->line.len, stdout) == l->line.len ? FL_OK : FL_E_IO;
}

static void put_area(struct fl_table *table, const struct fl_world_event *event)
{
    char text[64] = "";

    if (event->fix_count > 1)
        (void)snprintf(text, sizeof text, "track, %u fixes", (unsigned)event->fix_count);
    else if (event->ring_count + event->circle_count > 0)
        (void)snprintf(text, sizeof text, "%u polygons, %u circles", (unsigned)event->ring_count,
                       (unsigned)event->circle_count);
    else if (!isnan(event->lat))
        (void)snprintf(text, sizeof text, "%.2f,%.2f", event->lat, event->lon);
    fl_table_text(table, text);
}

static void put_row(struct listing *l, const struct fl_world_event *event)
{
    char when[FL_UNIT_TEXT_BYTES] = "", status[64];

    if (event->from_us != 0)
        fl_day_format(fl_day_of(event->from_us), when);
    (void)snprintf(status, sizeof status, "%s %s%s", fl_event_status_name(event->status),
                   fl_event_message_name(event->message),
                   event->verified    ? ", verified"
                   : event->signature ? ", signature not verified"
                                      : "");
    fl_table_text(l->table, type_code(event));
    fl_table_cell(l->table, event->title);
    fl_table_text(l->table, when);
    fl_table_cell(l->table, event->place);
    put_area(l->table, event);
    fl_table_cell(l->table, event->severity);
    fl_table_text(l->table, status);
    fl_table_cell(l->table, event->ids[0]);
}

static int on_event(void *ctx, const struct fl_world_event *event)
{
    struct listing *l = ctx;

    l->events++;
    if (fl_cli_flag(l->cli, FL_OPT_JSON))
        return put_json(l, event);
    put_row(l, event);
    return FL_OK;
}

static void put_refused(struct listing *l, struct fl_span what, const char *why)
{
    struct fl_json json;

    if (!fl_cli_flag(l->cli, FL_OPT_JSON)) {
        fl_buf_put_str(&l->refused, l->file);
        if (what.len > 0)
            fl_buf_put_str(&l->refused, ": ");
        fl_buf_put_span(&l->refused, what);
        fl_buf_printf(&l->refused, ": refused: %s\n", why);
        return;
    }
    fl_buf_clear(&l->line);
    fl_json_init(&json, &l->line);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "file", l->file);
    fl_json_str(&json, "refused", what);
    fl_json_text(&json, "why", why);
    fl_json_end(&json);
    fl_buf_put_u8(&l->line, '\n');
    (void)fwrite(l->line.ptr, 1, l->line.len, stdout);
}

static int on_refused(void *ctx, struct fl_span what, const char *why)
{
    struct listing *l = ctx;

    l->bad++;
    put_refused(l, what, why);
    return FL_OK;
}

static int set_format(struct fl_cli *cli, struct fl_span bytes, struct fl_feed_source *source,
                      struct fl_err *err)
{
    const char *format = cli->opt[FL_OPT_FORMAT];

    if (format == NULL && fl_feed_detect(bytes, &source->format))
        return FL_OK;
    if (format == NULL)
        return fl_err_set(err, FL_E_INVAL, "it is of no known format; --format says which");
    return FL_OK;
}

static void read_file(struct listing *l, struct fl_feed_source *source)
{
    const struct fl_event_sink sink = {.event = on_event, .refused = on_refused, .ctx = l};
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_err err;
    int r;

    fl_buf_init(&bytes, FL_FEED_MAX);
    r = fl_cli_read(l->file, &bytes, &err);
    if (r == FL_OK)
        r = set_format(l->cli, fl_buf_span(&bytes), source, &err);
    if (r == FL_OK)
        r = fl_feed_read(source, fl_buf_span(&bytes), &sink, &err);
    if (r < 0) {
        l->bad_files++;
        put_refused(l, FL_SPAN(""), err.text);
    }
}

/* --signers and --map. FL_EXIT_OK, or has said what is wrong. */
static int read_options(struct fl_cli *cli, struct fl_cap_trust **trust, struct fl_event_map **map)
{
    const char *signers = cli->opt[FL_OPT_SIGNERS], *columns_map = cli->opt[FL_OPT_MAP];
    FL_AUTO(fl_buf_done) struct fl_buf pem;
    struct fl_err err;
    int r = FL_OK;

    fl_buf_init(&pem, (size_t)1 << 20);
    if (signers != NULL) {
        r = fl_cli_read(signers, &pem, &err);
        if (r == FL_OK && fl_cap_trust_new(fl_buf_span(&pem), trust, &err) < 0)
            r = fl_err_wrap(&err, "%s", signers);
    }
    if (r == FL_OK && columns_map != NULL &&
        fl_event_map_new(fl_span_str(columns_map), map, &err) < 0)
        r = fl_err_wrap(&err, "--map");
    return r < 0 ? fl_cli_fail(&err) : FL_EXIT_OK;
}

static int print(struct listing *l)
{
    FL_AUTO(fl_buf_done) struct fl_buf clean;

    fl_buf_init(&clean, 4 * REFUSED_BYTES);
    if (fl_cli_flag(l->cli, FL_OPT_JSON))
        return FL_EXIT_OK;
    if (l->events > 0) {
        int r = fl_cli_print(l->table);

        l->table = NULL; /* it is freed */
        if (r != FL_EXIT_OK)
            return r;
    }
    fl_term_clean(&l->cli->term, fl_buf_span(&l->refused), true, &clean);
    if (clean.len > 0)
        (void)fwrite(clean.ptr, 1, clean.len, stdout);
    (void)printf("%u events, %u refused, %u files could not be read\n", l->events, l->bad,
                 l->bad_files);
    return FL_EXIT_OK;
}

static int list(struct listing *l, const struct fl_cap_trust *trust, const struct fl_event_map *map)
{
    const char *format = l->cli->opt[FL_OPT_FORMAT];
    struct fl_feed_source source = {
        .name = FL_SPAN("file"), .trust = trust, .map = map, .received_us = l->cli->now_us};
    int r;

    if (format != NULL && !fl_feed_format_find(fl_span_str(format), &source.format))
        return fl_cli_usage(
            "--format: usgs, gdacs, gdacs-json, cap, jma, hurdat2, ibtracs, list-json "
            "or list-csv is wanted");
    for (size_t i = 0; i < l->cli->args; i++) {
        l->file = l->cli->arg[i];
        read_file(l, &source);
    }
    r = print(l);
    return r != FL_EXIT_OK ? r : l->bad + l->bad_files > 0 ? FL_EXIT_NO : FL_EXIT_OK;
}

int fl_supply_run_events(struct fl_cli *cli)
{
    FL_AUTO(fl_cap_trust_freep) struct fl_cap_trust *trust = NULL;
    FL_AUTO(fl_event_map_freep) struct fl_event_map *map = NULL;
    struct listing l = {.cli = cli};
    int r = read_options(cli, &trust, &map);

    if (r != FL_EXIT_OK)
        return r;
    l.table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    if (l.table == NULL)
        return fl_cli_usage("no memory");
    fl_buf_init(&l.line, FL_EVENT_JSON_MAX + 4096);
    fl_buf_init(&l.refused, REFUSED_BYTES);
    r = list(&l, trust, map);
    fl_buf_done(&l.line);
    fl_buf_done(&l.refused);
    fl_table_free(l.table);
    return r;
}
