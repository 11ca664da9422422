#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/demo.h"
#include "cli/table.h"
#include "codec/event.h"
#include "codec/line.h"

#define LOGS_PATH "/api/v1/tenants/" FL_DEMO_TENANT "/logs/"
#define ROWS      8

static const struct {
    const char *name, *filter;
    enum fl_ink ink;
} kinds[FL_DEMO_KIND_COUNT] = {
    [FL_DEMO_BLOCKED] = {"website blocked", "action:blocked", FL_INK_WARN},
    [FL_DEMO_SLA] = {"link below its SLA", "action:violated", FL_INK_WARN},
    [FL_DEMO_PATH] = {"traffic rerouted", "action:switched", FL_INK_PLAIN},
    [FL_DEMO_ATTACK] = {"attack", "threat:*", FL_INK_BAD},
    [FL_DEMO_LINK] = {"interface", "program:mib2d", FL_INK_PLAIN},
};

/* ---- events ---- */

static void words(const struct fl_event *ev, enum fl_demo_kind kind, char *text, size_t size)
{
    struct fl_span user = fl_event_get_str(ev, FL_F_USER), url = fl_event_get_str(ev, FL_F_URL),
                   threat = fl_event_get_str(ev, FL_F_THREAT),
                   rule = fl_event_get_str(ev, FL_F_SLA_RULE),
                   out = fl_event_get_str(ev, FL_F_OUT_IF);

    text[0] = '\0';
    switch (kind) {
    case FL_DEMO_BLOCKED:
        (void)snprintf(text, size, "%.*s to %.*s", FL_SPAN_ARG(user), FL_SPAN_ARG(url));
        break;
    case FL_DEMO_SLA:
        (void)snprintf(text, size, "%.*s on %.*s, %s %u ms", FL_SPAN_ARG(rule), FL_SPAN_ARG(out),
                       fl_event_get_num(ev, FL_F_VIOLATION) > 0 ? "round trip" : "met again:",
                       (unsigned)(fl_event_get_num(ev, FL_F_RTT_US) / 1000));
        break;
    case FL_DEMO_PATH:
        (void)snprintf(text, size, "to %.*s", FL_SPAN_ARG(out));
        break;
    case FL_DEMO_ATTACK:
        (void)snprintf(text, size, "%.*s", FL_SPAN_ARG(threat));
        break;
    case FL_DEMO_LINK:
    case FL_DEMO_TRAFFIC:
    case FL_DEMO_DENIED:
    case FL_DEMO_SYSTEM:
    case FL_DEMO_KIND_COUNT:
        break;
    }
}

void fl_demo_note(struct fl_demo_run *run, const struct fl_demo_line *line)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_event ev = {.arena = &arena};
    char at[FL_UNIT_TEXT_BYTES], text[100];
    const char *why;

    fl_arena_init(&arena, 1 << 20);
    run->seen[line->kind]++;
    if (kinds[line->kind].name == NULL)
        return;
    fl_line_parse(line->text, line->at_us, &ev, &why);
    words(&ev, line->kind, text, sizeof(text));
    fl_zone_short(line->at_us, at);
    (void)snprintf(run->event[line->kind], sizeof(run->event[0]), "%s  %-18s %-11s %s", at,
                   kinds[line->kind].name, fl_demo_devices[line->device].slug, text);
}

/* ---- progress ---- */

void fl_demo_progress(struct fl_demo_run *run, double part, uint64_t accepted, bool done)
{
    static int last_shown = -10;
    char sent[FL_UNIT_TEXT_BYTES], taken[FL_UNIT_TEXT_BYTES];
    int percent = (int)(part * 100);
    bool tty = isatty(STDOUT_FILENO) == 1;

    fl_unit_count(run->sent, sent);
    fl_unit_count(accepted, taken);
    if (!tty) { /* a line each tenth */
        if (percent / 10 == last_shown / 10 && !done)
            return;
        last_shown = percent;
        (void)printf("back-fill %3d %%  %s lines sent, %s accepted\n", percent, sent, taken);
    } else {
        char bar[31];

        for (int i = 0; i < 30; i++)
            bar[i] = i < (int)(part * 30) ? '=' : ' ';
        bar[30] = '\0';
        (void)printf("\rback-fill [%s] %3d %%  %s lines sent, %s accepted\033[K%s", bar, percent,
                     sent, taken, done ? "\n" : "");
    }
    (void)fflush(stdout);
}

/* ---- the live table ---- */

static int top(struct fl_demo_run *run, const char *by, const char *metric, unsigned limit,
               json_t **ret, struct fl_err *err)
{
    char path[400], from[FL_TIME_TEXT_BYTES], to[FL_TIME_TEXT_BYTES];
    int64_t now_us = fl_now_us();
    int status = 0, rc;

    fl_time_format(now_us - 3600 * FL_US_PER_S, from);
    fl_time_format(now_us, to);
    (void)snprintf(path, sizeof(path), LOGS_PATH "top?by=%s&metric=%s&limit=%u&from=%s&to=%s", by,
                   metric, limit, from, to);
    rc = fl_demo_ask(run, "GET", path, NULL, &status, ret, err);
    if (rc == FL_OK && status >= 300) {
        rc = fl_err_set(err, FL_E_IO, "asking for the top: %s", fl_js_text(*ret, "detail"));
        json_decref(*ret);
        *ret = NULL;
    }
    return rc;
}

/* Rows without the field have no key: they are passed over. */
static const json_t *item(const json_t *answer, size_t n)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(answer, "items"), i, one)
    {
        if (fl_js_text(one, "key")[0] != '\0' && n-- == 0)
            return one;
    }
    return NULL;
}

static void put_bytes(struct fl_table *table, const json_t *one)
{
    char text[FL_UNIT_TEXT_BYTES];

    fl_unit_bytes(fl_js_num(one, "bytes"), text);
    fl_table_text(table, one == NULL ? "" : text);
}

static void put_count(struct fl_table *table, const json_t *one, const char *key)
{
    if (one == NULL)
        fl_table_text(table, "");
    else
        fl_cli_count(table, fl_js_num(one, key));
}

static void put_share(struct fl_demo_run *run, struct fl_table *table, const json_t *one)
{
    FL_AUTO(fl_buf_done) struct fl_buf bar;

    fl_buf_init(&bar, 256);
    fl_term_bar(&run->cli->term, json_number_value(json_object_get(one, "share")), 0.5, 12, &bar);
    fl_table_mark(table, fl_buf_span(&bar));
}

static int show_tops(struct fl_demo_run *run, const json_t *apps, const json_t *sites_visited)
{
    static const struct fl_table_column columns[] = {
        {"application", false, true, 0}, {"category", false, true, 1}, {"bytes", true, false, 0},
        {"", false, false, 2},           {"website", false, true, 0},  {"requests", true, false, 0},
        {"users", true, false, 2},
    };
    struct fl_table *table = fl_table_new(&run->cli->term, columns, FL_LEN(columns));

    for (size_t i = 0; i < ROWS && table != NULL; i++) {
        const json_t *app = item(apps, i), *site = item(sites_visited, i);

        if (app == NULL && site == NULL)
            break;
        fl_table_text(table, fl_js_text(app, "key"));
        fl_table_text(table, fl_js_text(app, "category"));
        put_bytes(table, app);
        put_share(run, table, app);
        fl_table_text(table, fl_js_text(site, "key"));
        put_count(table, site, "rows");
        put_count(table, site, "users");
    }
    return fl_cli_print(table);
}

static int show_sites(struct fl_demo_run *run, const json_t *sites)
{
    static const struct fl_table_column columns[] = {
        {"site", false, true, 0},  {"rows", true, false, 0},  {"sessions", true, false, 0},
        {"users", true, false, 1}, {"bytes", true, false, 0},
    };
    struct fl_table *table = fl_table_new(&run->cli->term, columns, FL_LEN(columns));

    for (size_t i = 0; i < FL_DEMO_SITES && table != NULL && item(sites, i) != NULL; i++) {
        const json_t *one = item(sites, i);

        fl_table_text(table, fl_js_text(one, "key"));
        fl_cli_count(table, fl_js_num(one, "rows"));
        fl_cli_count(table, fl_js_num(one, "sessions"));
        fl_cli_count(table, fl_js_num(one, "users"));
        put_bytes(table, one);
    }
    return fl_cli_print(table);
}

static void show_events(struct fl_demo_run *run)
{
    const struct fl_term *term = &run->cli->term;

    for (size_t i = 0; i < FL_DEMO_KIND_COUNT; i++) {
        if (run->event[i][0] == '\0')
            continue;
        (void)printf("%s%s%s\n", fl_term_on(term, kinds[i].ink), run->event[i],
                     fl_term_off(term, kinds[i].ink));
        (void)printf("          %sfairlead logs query '%s' --last 1h --tenant " FL_DEMO_TENANT
                     "%s\n",
                     fl_term_on(term, FL_INK_DIM), kinds[i].filter, fl_term_off(term, FL_INK_DIM));
    }
}

static void show_head(struct fl_demo_run *run, const struct fl_demo_counts *now, double lines_per_s)
{
    const struct fl_term *term = &run->cli->term;
    char at[FL_UNIT_TEXT_BYTES], accepted[FL_UNIT_TEXT_BYTES], lost[FL_UNIT_TEXT_BYTES];

    fl_zone_short(fl_now_us(), at);
    fl_unit_count(now->accepted - run->before.accepted, accepted);
    fl_unit_count(now->lost - run->before.lost, lost);
    (void)printf("%sFairlead demonstration%s  %s%s%s lines stored, %.0f a second, %s lost%s"
                 "last hour%sCtrl-C ends\n\n",
                 fl_term_on(term, FL_INK_BOLD), fl_term_off(term, FL_INK_BOLD), at,
                 fl_term_dot(term), accepted, lines_per_s, lost, fl_term_dot(term),
                 fl_term_dot(term));
}

int fl_demo_show(struct fl_demo_run *run, const struct fl_demo_counts *now, double lines_per_s,
                 struct fl_err *err)
{
    json_t *apps = NULL, *domains = NULL, *sites = NULL;
    int rc = top(run, "app", "bytes", ROWS, &apps, err);

    if (rc == FL_OK)
        rc = top(run, "domain", "rows", ROWS + 1, &domains, err);
    if (rc == FL_OK)
        rc = top(run, "site", "bytes", FL_DEMO_SITES, &sites, err);
    if (rc == FL_OK) {
        (void)printf("%s", run->cli->term.tty ? "\033[H\033[J" : "\n");
        show_head(run, now, lines_per_s);
        (void)show_tops(run, apps, domains);
        (void)printf("\n");
        (void)show_sites(run, sites);
        (void)printf("\n");
        show_events(run);
        (void)fflush(stdout);
    }
    json_decref(apps);
    json_decref(domains);
    json_decref(sites);
    return rc;
}
