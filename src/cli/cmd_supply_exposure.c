/* fairlead supply exposure: what it costs when each site, or each part at a site, is down alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/supply.h"
#include "codec/json.h"
#include "supply/concentration.h"
#include "supply/exposure.h"

#define ANSWER_BYTES_MAX ((size_t)2 << 30)

struct shown {
    const struct fl_net *net;
    const struct fl_exposed *all;
    uint32_t count;
};

static const char *node_id(const struct fl_net *net, const struct fl_exposed *e,
                           char text[FL_SUPPLY_KEY_MAX + 1])
{
    const struct fl_net_source *s;

    if (e->source == FL_NET_NONE)
        return net->sites[e->site].id;
    s = &net->sources[e->source];
    (void)snprintf(text, FL_SUPPLY_KEY_MAX + 1, "%s@%s", net->parts[s->part].id,
                   net->sites[s->site].id);
    return text;
}

/* ---- JSON ---- */

static void node_json(struct fl_json *j, const struct fl_net *net, const struct fl_exposed *e)
{
    char id[FL_SUPPLY_KEY_MAX + 1];

    fl_json_object(j, NULL);
    fl_json_text(j, "id", node_id(net, e, id));
    fl_json_f64(j, "ttr_days", e->loss.days);
    fl_json_f64(j, "tts_days", e->loss.tts_days); /* INFINITY is null: no exposure */
    fl_json_f64(j, "lost_profit", e->loss.lost_profit);
    fl_json_f64(j, "lost_units", e->loss.lost_units);
    fl_json_f64(j, "rei", e->rei);
    fl_json_f64(j, "gap_days", e->loss.gap_days);
    fl_json_array(j, "products");
    for (uint32_t i = 0; i < e->loss.product_count; i++)
        fl_json_text(j, NULL, net->products[e->loss.products[i].product].id);
    fl_json_end(j);
    fl_json_end(j);
}

static int print_json(const struct shown *s)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_json j;
    struct fl_err err;

    fl_buf_init(&out, ANSWER_BYTES_MAX);
    fl_json_init(&j, &out);
    fl_json_array(&j, NULL);
    for (uint32_t i = 0; i < s->count; i++)
        node_json(&j, s->net, &s->all[i]);
    fl_json_end(&j);
    fl_buf_put_str(&out, "\n");
    if (fl_buf_status(&out, &err) < 0)
        return fl_cli_fail(&err);
    return fwrite(out.ptr, 1, out.len, stdout) == out.len ? FL_EXIT_OK : FL_EXIT_NO;
}

/* ---- for people ---- */

static void days_cell(struct fl_table *table, double days)
{
    char text[FL_UNIT_TEXT_BYTES];

    if (isfinite(days)) {
        (void)snprintf(text, sizeof text, days == floor(days) ? "%.0f d" : "%.1f d", days);
        fl_table_text(table, text);
        return;
    }
    fl_table_text(table, isnan(days) ? "?" : "no exposure");
    fl_table_ink(table, FL_INK_DIM);
}

static void note_cell(struct fl_table *table, const struct fl_net *net, const struct fl_exposed *e)
{
    uint32_t site = e->source == FL_NET_NONE ? e->site : net->sources[e->source].site;
    uint32_t sole = fl_sole_parts_of_site(net, site);
    char text[200] = "";

    if (e->source != FL_NET_NONE && fl_source_is_sole(net, e->source))
        (void)snprintf(text, sizeof text, "sole source");
    else if (e->source == FL_NET_NONE && sole > 0)
        (void)snprintf(text, sizeof text, "sole source of %u part%s", sole, sole == 1 ? "" : "s");
    fl_table_text(table, text);
}

static void node_row(struct fl_table *table, const struct fl_net *net, const struct fl_exposed *e)
{
    char id[FL_SUPPLY_KEY_MAX + 1], text[FL_UNIT_TEXT_BYTES];

    fl_table_text(table, node_id(net, e, id));
    days_cell(table, e->loss.days);
    days_cell(table, e->loss.tts_days);
    if (isinf(e->loss.tts_days))
        fl_table_text(table, "");
    else
        days_cell(table, e->loss.gap_days);
    if (e->loss.lost_profit >= 0 && e->loss.lost_profit < 1e18) {
        fl_unit_count((uint64_t)llround(e->loss.lost_profit), text);
        fl_table_text(table, text);
    } else {
        fl_table_text(table, isnan(e->loss.lost_profit) ? "?" : "over 10^18");
    }
    (void)snprintf(text, sizeof text, "%.3f", e->rei);
    fl_table_text(table, isnan(e->loss.lost_profit) ? "?" : text);
    note_cell(table, net, e);
}

static int worst_first(const void *a, const void *b)
{
    const struct fl_loss *x = &((const struct fl_exposed *)a)->loss;
    const struct fl_loss *y = &((const struct fl_exposed *)b)->loss;

    if (x->lost_profit != y->lost_profit)
        return x->lost_profit < y->lost_profit || isnan(x->lost_profit) ? 1 : -1;
    return (x->tts_days > y->tts_days) - (x->tts_days < y->tts_days);
}

static void say_missing(const struct fl_cli *cli, const struct fl_net *net,
                        const struct fl_exposure *x)
{
    const uint32_t *parts;
    uint32_t n = fl_exposure_missing(x, &parts);

    if (n > 0)
        fl_cli_note(cli,
                    "%u part%s no source that may deliver, '%s' first: what they lack is not "
                    "counted; add them to part_sites.csv",
                    n, n == 1 ? " has" : "s have", net->parts[parts[0]].id);
}

static int print_table(const struct fl_cli *cli, const struct shown *s, struct fl_exposed *sorted,
                       const char *noun)
{
    static const char *const profit[] = {"lost profit"};
    const struct fl_table_column columns[] = {
        {noun, false, 12, 0},    {"TTR", true, 0, 0}, {"TTS", true, 0, 0}, {"gap", true, 0, 2},
        {profit[0], true, 0, 0}, {"REI", true, 0, 1}, {"", false, 10, 3},
    };
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    uint32_t lose = 0;
    int r;

    if (table == NULL)
        return fl_cli_usage("no memory");
    qsort(sorted, s->count, sizeof *sorted, worst_first);
    for (uint32_t i = 0; i < s->count; i++) {
        node_row(table, s->net, &sorted[i]);
        lose += sorted[i].loss.lost_profit > 0;
    }
    r = fl_cli_print(table);
    if (s->count == 0)
        (void)printf("no %ss in these files\n", noun);
    else
        (void)printf(
            "%u of %u %s%s lose profit within their time to recover%sin %s%sa lower bound: "
            "no transit, best allocation\n",
            lose, s->count, noun, s->count == 1 ? "" : "s", fl_term_dot(&cli->term),
            s->net->base_currency, fl_term_dot(&cli->term));
    return r;
}

/* ---- the command ---- */

static int calculate(const struct fl_cli *cli, const struct fl_net *net, enum fl_exposure_per per,
                     struct fl_exposure *x, struct fl_arena *arena)
{
    struct fl_exposed *all = NULL;
    struct shown shown = {.net = net};
    struct fl_err err;

    if (fl_exposure_all(x, per, NULL, arena, &all, &shown.count, &err) < 0)
        return fl_cli_fail(&err);
    shown.all = all;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        return print_json(&shown);
    say_missing(cli, net, x);
    return print_table(cli, &shown, all, per == FL_PER_SITE ? "site" : "node");
}

static int per_of(const struct fl_cli *cli, enum fl_exposure_per *ret)
{
    const char *per = cli->opt[FL_OPT_PER];

    *ret = per != NULL && strcmp(per, "node") == 0 ? FL_PER_NODE : FL_PER_SITE;
    if (per != NULL && *ret == FL_PER_SITE && strcmp(per, "site") != 0)
        return fl_cli_usage("--per is site or node, not '%s'", per);
    return FL_EXIT_OK;
}

int fl_supply_run_exposure(struct fl_cli *cli)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena = {0};
    struct fl_net *net = NULL;
    struct fl_exposure *x = NULL;
    enum fl_exposure_per per;
    struct fl_err err;
    int r = per_of(cli, &per);

    if (r != FL_EXIT_OK)
        return r;
    fl_arena_init(&arena, ANSWER_BYTES_MAX);
    r = fl_cli_net(cli->arg[0], 0, &net);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_exposure_new(net, &x, &err) < 0)
        r = fl_cli_fail(&err);
    else
        r = calculate(cli, net, per, x, &arena);
    fl_exposure_free(x);
    fl_net_unref(net);
    return r;
}
