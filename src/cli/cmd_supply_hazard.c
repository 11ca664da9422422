/* `fairlead supply hazard`: what an event does to sites; files only, so that a number can be
 * checked anywhere. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/supply.h"
#include "codec/feed.h"
#include "codec/json.h"
#include "supply/geo_index.h"
#include "supply/hazard.h"
#include "supply/hazard_grid.h"

#define EVENT_BYTES_MAX ((size_t)1 << 30) /* of working memory for one event */
#define OUT_BYTES_MAX   ((size_t)1 << 30)
#define SHOWN_LEAST     0.01 /* probability; of one event as JSON every site is given */

struct task {
    struct fl_cli *cli;
    struct fl_net *net;
    struct fl_geo_index *index;
    struct fl_grid *grid;
    struct fl_arena arena; /* of one event */
    struct fl_buf out;
    struct fl_json json;
    struct fl_table *table;
    bool counting;
    uint32_t events, refused, hits, sites_hit;
    struct fl_err *err;
};

static struct fl_span event_id(const struct fl_world_event *event)
{
    return event->id_count > 0 ? event->ids[0] : event->title;
}

static void put_json(struct task *t, const struct fl_world_event *event, const struct fl_hit *hit)
{
    fl_json_object(&t->json, NULL);
    if (t->events > 1)
        fl_json_str(&t->json, "event", event_id(event));
    fl_json_text(&t->json, "site_id", t->net->sites[hit->site].id);
    fl_json_f64(&t->json, "distance_km", hit->distance_km);
    fl_json_text(&t->json, "measure", fl_measure_name(hit->measure));
    fl_json_f64(&t->json, "value", hit->value);
    fl_json_f64(&t->json, "probability", hit->probability);
    fl_json_text(&t->json, "band", hit->band);
    fl_json_f64(&t->json, "sigma", hit->sigma);
    fl_json_array(&t->json, "down_days");
    for (int i = 0; i < 3; i++)
        fl_json_f64(&t->json, NULL, hit->down_days[i]);
    fl_json_end(&t->json);
    fl_json_end(&t->json);
}

static void cell(struct fl_table *table, const char *before, int digits, double value,
                 const char *unit)
{
    char text[48];

    (void)snprintf(text, sizeof text, "%s%.*f%s", before, digits, value, unit);
    fl_table_text(table, isnan(value) ? "" : text);
}

static void put_row(struct task *t, const struct fl_world_event *event, const struct fl_hit *hit)
{
    const struct fl_net_site *site = &t->net->sites[hit->site];
    char text[FL_UNIT_TEXT_BYTES];

    if (t->events > 1)
        fl_table_cell(t->table, event_id(event));
    fl_table_text(t->table, site->id);
    fl_table_text(t->table, site->name);
    cell(t->table, "", 0, hit->distance_km, " km");
    if (hit->measure == FL_MEASURE_MMI)
        cell(t->table, "MMI ", 1, hit->value, "");
    else if (hit->measure == FL_MEASURE_WIND)
        cell(t->table, "", 0, hit->value, " m/s");
    else
        cell(t->table, "", 0, hit->value * 100, " % inside");
    fl_unit_share(hit->probability, text);
    fl_table_text(t->table, text);
    fl_table_text(t->table, hit->band);
    (void)snprintf(text, sizeof text, "%.3g-%.3g", hit->down_days[0], hit->down_days[2]);
    fl_table_text(t->table, text);
}

static int on_event(void *ctx, const struct fl_world_event *event)
{
    struct task *t = ctx;
    bool json = fl_cli_flag(t->cli, FL_OPT_JSON);
    double least = json && t->events == 1 ? 0 : SHOWN_LEAST;
    struct fl_hits hits = {NULL, 0};
    int r;

    if (t->counting) {
        t->events++;
        return FL_OK;
    }
    fl_arena_clear(&t->arena);
    r = fl_cli_flag(t->cli, FL_OPT_FIXES_ONLY)
            ? fl_hazard_by_fixes(event, t->net, t->index, t->cli->now_us, least, &t->arena, &hits,
                                 t->err)
            : fl_hazard(event, t->net, t->index, t->grid, t->cli->now_us, least, &t->arena, &hits,
                        t->err);
    for (uint32_t i = 0; r == FL_OK && i < hits.count; i++) {
        t->hits += hits.hits[i].probability >= 0.5;
        t->sites_hit += hits.hits[i].probability >= SHOWN_LEAST;
        if (json)
            put_json(t, event, &hits.hits[i]);
        else
            put_row(t, event, &hits.hits[i]);
    }
    return r == FL_OK ? fl_buf_status(&t->out, t->err) : r;
}

static int on_refused(void *ctx, struct fl_span what, const char *why)
{
    struct task *t = ctx;

    if (t->counting)
        fl_cli_note(t->cli, "refused: %.*s: %s", (int)(what.len < 60 ? what.len : 60),
                    (const char *)what.ptr, why);
    t->refused += t->counting;
    return FL_OK;
}

/* Our own JSON of one event, else a file of a feed. */
static int read_events(struct task *t, struct fl_span text)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_feed_source source = {.name = FL_SPAN("file")};
    struct fl_event_sink sink = {.event = on_event, .refused = on_refused, .ctx = t};
    struct fl_world_event event;
    struct fl_err own;

    fl_arena_init(&arena, FL_EVENT_JSON_MAX * 16);
    if (!fl_feed_detect(text, &source.format))
        return fl_err_set(t->err, FL_E_INVAL,
                          "no event is found in it; formats are those of fairlead supply events");
    if (source.format != FL_FEED_JSON)
        return fl_feed_read(&source, text, &sink, t->err);
    if (fl_world_event_read(text, &arena, &event, t->err) == FL_OK)
        return on_event(t, &event);
    if (fl_feed_read(&source, text, &sink, &own) == FL_OK && t->events + t->refused > 0)
        return FL_OK;
    return FL_E_INVAL; /* as our own reader says it */
}

static int read_grid(struct task *t, struct fl_arena *arena, const char *path)
{
    struct fl_cli_files *files = calloc(1, sizeof *files);
    struct fl_shakemap map;
    int r;

    if (files == NULL)
        return fl_cli_usage("no memory");
    r = fl_cli_files(&path, 1, ".xml", files);
    if (r == FL_EXIT_OK && (fl_shakemap_read(files->file[0].text, arena, &map, t->err) < 0 ||
                            fl_grid_new(&map, arena, &t->grid, t->err) < 0)) {
        (void)fl_err_wrap(t->err, "%.200s", path);
        r = fl_cli_fail(t->err);
    }
    fl_cli_files_done(files);
    free(files);
    return r;
}

static const struct fl_table_column columns[] = {
    {"event", false, 8, 3},   {"site", false, 0, 0},    {"name", false, 12, 2},
    {"distance", true, 0, 0}, {"strength", true, 0, 0}, {"probability", true, 0, 0},
    {"band", false, 0, 0},    {"days out", true, 0, 1},
};

static int answer(struct task *t)
{
    if (fl_cli_flag(t->cli, FL_OPT_JSON)) {
        fl_json_end(&t->json);
        fl_buf_put_u8(&t->out, '\n');
        if (fl_buf_status(&t->out, t->err) < 0)
            return fl_cli_fail(t->err);
        return fwrite(t->out.ptr, 1, t->out.len, stdout) == t->out.len ? FL_EXIT_OK : FL_EXIT_NO;
    }
    if (t->sites_hit == 0) {
        fl_table_free(t->table);
        (void)printf("None of %u sites is hit with a probability of 1 %% or more.\n",
                     t->net->site_count);
        return FL_EXIT_OK;
    }
    (void)fl_cli_print(t->table);
    (void)printf("%u of %u sites may be hit (1 %% or more), %u of them more likely than not\n",
                 t->sites_hit, t->net->site_count, t->hits);
    return FL_EXIT_OK;
}

/* Once to count the events, then to place them. */
static int place(struct task *t, struct fl_span text, const char *path)
{
    bool one;
    int r;

    t->counting = true;
    r = read_events(t, text);
    if (r == FL_OK && t->events == 0)
        r = fl_err_set(t->err, FL_E_INVAL, "there is no event in it");
    one = t->events <= 1;
    t->counting = false;
    t->table = fl_table_new(&t->cli->term, columns + one, FL_LEN(columns) - one);
    if (t->table == NULL)
        return fl_cli_usage("no memory");
    fl_json_init(&t->json, &t->out);
    fl_json_array(&t->json, NULL);
    if (r == FL_OK)
        r = fl_geo_index_new(t->net, &t->index, t->err);
    if (r == FL_OK)
        r = read_events(t, text);
    if (r == FL_OK)
        return answer(t);
    fl_table_free(t->table);
    (void)fl_err_wrap(t->err, "%.200s", path);
    return fl_cli_fail(t->err);
}

static int with_files(struct task *t, const char *event, const char *sites, const char *grid)
{
    FL_AUTO(fl_arena_done) struct fl_arena kept;
    struct fl_cli_files *files = calloc(1, sizeof *files);
    int r;

    fl_arena_init(&kept, EVENT_BYTES_MAX);
    if (files == NULL)
        return fl_cli_usage("no memory");
    r = fl_cli_net(sites, FL_NET_FILES_SITES_ONLY, &t->net);
    if (r == FL_EXIT_OK && grid != NULL)
        r = read_grid(t, &kept, grid);
    if (r == FL_EXIT_OK)
        r = fl_cli_files(&event, 1, "", files);
    if (r == FL_EXIT_OK)
        r = place(t, files->file[0].text, event);
    fl_geo_index_free(t->index);
    fl_net_unref(t->net);
    fl_cli_files_done(files);
    free(files);
    return r;
}

int fl_supply_run_hazard(struct fl_cli *cli)
{
    const char *event = cli->opt[FL_OPT_EVENT], *sites = cli->opt[FL_OPT_SITES];
    struct fl_err err = {.code = 0};
    struct task t = {.cli = cli, .err = &err};
    int r;

    if (event == NULL || sites == NULL)
        return fl_cli_usage("which event, which sites? fairlead supply hazard --event FILE --sites "
                            "CSV");
    fl_arena_init(&t.arena, EVENT_BYTES_MAX);
    fl_buf_init(&t.out, OUT_BYTES_MAX);
    r = with_files(&t, event, sites, cli->opt[FL_OPT_GRID]);
    fl_arena_done(&t.arena);
    fl_buf_done(&t.out);
    return r;
}
