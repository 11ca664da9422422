/* fairlead supply score, draft: how much hangs on what, and a bill before it is released. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/supply.h"
#include "codec/json.h"
#include "supply/score.h"

#define ANSWER_BYTES_MAX ((size_t)2 << 30)
#define SHOWN_MAX        200u
#define CHANGES_SHOWN    8u

/* ---- figures ---- */

static void score_cell(struct fl_table *table, double score)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%.1f", score);
    fl_table_text(table, isfinite(score) ? text : "?");
    if (!isfinite(score))
        fl_table_ink(table, FL_INK_DIM);
}

static void share_cell(struct fl_table *table, double share)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%.0f %%", 100 * share);
    fl_table_text(table, share > 0 ? text : "");
}

static void put_figures(struct fl_json *j, const struct fl_risk_score *s)
{
    fl_json_f64(j, "score", s->score);
    fl_json_f64(j, "low", s->low);
    fl_json_f64(j, "high", s->high);
    fl_json_f64(j, "base", s->base);
    fl_json_f64(j, "missing", s->missing);
    fl_json_f64(j, "mean", s->mean);
    fl_json_text(j, "stage", s->staged ? fl_score_stage_names[s->stage] : NULL);
    fl_json_u64(j, "members", s->member_count);
}

static int print_buf(struct fl_buf *out)
{
    struct fl_err err;

    fl_buf_put_str(out, "\n");
    if (fl_buf_status(out, &err) < 0)
        return fl_cli_fail(&err);
    return fwrite(out->ptr, 1, out->len, stdout) == out->len ? FL_EXIT_OK : FL_EXIT_NO;
}

/* ---- of files ---- */

struct scored {
    struct fl_net *net;
    struct fl_exposure *x;
    struct fl_arena arena;
    struct fl_score_facts facts;
    struct fl_scores *scores;
};

static void scored_done(struct scored *s)
{
    fl_exposure_free(s->x);
    fl_arena_done(&s->arena);
    fl_net_unref(s->net);
}

static int calculate(struct scored *s, struct fl_err *err)
{
    struct fl_exposed *nodes = NULL, *sites = NULL;
    uint32_t count;
    int r = fl_exposure_new(s->net, &s->x, err);

    if (r == FL_OK)
        r = fl_exposure_all(s->x, FL_PER_NODE, NULL, &s->arena, &nodes, &count, err);
    if (r == FL_OK)
        r = fl_exposure_all(s->x, FL_PER_SITE, NULL, &s->arena, &sites, &count, err);
    s->facts = (struct fl_score_facts){.nodes = nodes,
                                       .sites = sites,
                                       .rates = fl_event_rates,
                                       .rate_count = fl_event_rate_count,
                                       .today_day = fl_day_of(fl_now_us())};
    return r < 0 ? r
                 : fl_scores_new(s->net, &fl_score_preset, &s->facts, NULL, &s->arena, &s->scores,
                                 err);
}

static int scored_new(const char *dir, struct scored *s)
{
    struct fl_err err;
    int r;

    *s = (struct scored){0};
    fl_arena_init(&s->arena, ANSWER_BYTES_MAX);
    r = fl_cli_net(dir, 0, &s->net);
    if (r == FL_EXIT_OK && calculate(s, &err) < 0)
        r = fl_cli_fail(&err);
    return r;
}

/* ---- the list ---- */

static int list_json(const struct fl_scores *s, enum fl_score_kind kind, const uint32_t *order)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_json j;

    fl_buf_init(&out, ANSWER_BYTES_MAX);
    fl_json_init(&j, &out);
    fl_json_array(&j, NULL);
    for (uint32_t n = 0; n < fl_score_count(s, kind); n++) {
        fl_json_object(&j, NULL);
        fl_json_text(&j, "id", fl_score_id(s, kind, order[n]));
        fl_json_text(&j, "name", fl_score_name(s, kind, order[n]));
        put_figures(&j, fl_score_get(s, kind, order[n]));
        fl_json_end(&j);
    }
    fl_json_end(&j);
    return print_buf(&out);
}

#define LIST_COLUMNS(noun)                                                                         \
    {                                                                                              \
        {noun, false, 8, 0}, {"score", true, 0, 0}, {"up to", true, 0, 1},                         \
            {"not known", true, 0, 2}, {"mean", true, 0, 3}, {"name", false, 12, 4},               \
    }

/* The table borrows its columns. */
static struct fl_table *list_table(const struct fl_cli *cli, enum fl_score_kind kind)
{
    static const struct fl_table_column columns[FL_SCORE_KINDS][6] = {
        LIST_COLUMNS("component"), LIST_COLUMNS("product"), LIST_COLUMNS("supplier"),
        LIST_COLUMNS("site")};

    return fl_table_new(&cli->term, columns[kind], FL_LEN(columns[kind]));
}

static int list_files(const struct fl_cli *cli, const struct fl_scores *s, enum fl_score_kind kind,
                      const uint32_t *order)
{
    struct fl_table *table = list_table(cli, kind);
    uint32_t count = fl_score_count(s, kind);
    int r;

    if (table == NULL)
        return fl_cli_usage("no memory");
    for (uint32_t n = 0; n < count && n < SHOWN_MAX; n++) {
        const struct fl_risk_score *is = fl_score_get(s, kind, order[n]);

        fl_table_text(table, fl_score_id(s, kind, order[n]));
        score_cell(table, is->score);
        score_cell(table, is->high);
        share_cell(table, is->missing);
        if (isnan(is->mean))
            fl_table_text(table, "");
        else
            score_cell(table, is->mean);
        fl_table_text(table, fl_score_name(s, kind, order[n]));
    }
    r = fl_cli_print(table);
    if (count == 0)
        (void)printf("no %ss in these files\n", fl_score_kind_names[kind]);
    else
        (void)printf("%u of %u %ss, worst first; weights are starting values by judgement\n",
                     count < SHOWN_MAX ? count : SHOWN_MAX, count, fl_score_kind_names[kind]);
    return r;
}

/* ---- one ---- */

static void one_json(struct fl_json *j, const struct fl_scores *s, enum fl_score_kind kind,
                     uint32_t i)
{
    const struct fl_risk_score *is = fl_score_get(s, kind, i);
    struct fl_score_change list[FL_SCORE_CHANGES_MAX];
    uint32_t count = fl_score_changes(s, kind, i, list);

    fl_json_object(j, NULL);
    fl_json_text(j, "id", fl_score_id(s, kind, i));
    fl_json_text(j, "name", fl_score_name(s, kind, i));
    put_figures(j, is);
    fl_json_array(j, "factors");
    for (unsigned f = 0; f < FL_FACTORS && kind != FL_SCORE_PRODUCT && kind != FL_SCORE_SUPPLIER;
         f++) {
        fl_json_object(j, NULL);
        fl_json_text(j, "factor", fl_score_factors[f].name);
        fl_json_f64(j, "weight", fl_score_preset.weight[f]);
        fl_json_f64(j, "x", is->x[f]);
        fl_json_text(j, "formula", fl_score_factors[f].formula);
        fl_json_end(j);
    }
    fl_json_end(j);
    fl_json_text(j, "formula", fl_score_formula);
    fl_json_array(j, "would_change");
    for (uint32_t n = 0; n < count; n++) {
        fl_json_object(j, NULL);
        fl_json_text(j, "what", list[n].what);
        fl_json_bool(j, "action", list[n].action);
        fl_json_f64(j, "score", list[n].score);
        fl_json_f64(j, "mean", list[n].mean);
        fl_json_end(j);
    }
    fl_json_end(j);
    fl_json_end(j);
}

static int one_files(const struct fl_cli *cli, const struct fl_scores *s, enum fl_score_kind kind,
                     uint32_t i)
{
    static const struct fl_table_column columns[] = {{"factor", false, 12, 0},
                                                     {"weight", true, 0, 0},
                                                     {"x", true, 0, 0},
                                                     {"of x", false, 20, 1}};
    const struct fl_risk_score *is = fl_score_get(s, kind, i);
    struct fl_score_change list[FL_SCORE_CHANGES_MAX];
    uint32_t count = fl_score_changes(s, kind, i, list);
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[24];
    int r = FL_EXIT_OK;

    (void)printf("%s  %s: %.1f (%.1f to %.1f), %.0f %% of the weights not known\n",
                 fl_score_id(s, kind, i), fl_score_name(s, kind, i), is->score, is->low, is->high,
                 100 * is->missing);
    if (table == NULL)
        return fl_cli_usage("no memory");
    if (is->member_count == 0 && kind != FL_SCORE_PRODUCT && kind != FL_SCORE_SUPPLIER) {
        for (unsigned f = 0; f < FL_FACTORS; f++) {
            fl_table_text(table, fl_score_factors[f].title);
            (void)snprintf(text, sizeof text, "%.2f", fl_score_preset.weight[f]);
            fl_table_text(table, text);
            (void)snprintf(text, sizeof text, "%.3f", is->x[f]);
            fl_table_text(table, isnan(is->x[f]) ? "left out" : text);
            fl_table_text(table, fl_score_factors[f].formula);
        }
        r = fl_cli_print(table);
        (void)printf("%s\n", fl_score_formula);
    } else {
        fl_table_free(table);
    }
    for (uint32_t n = 0; n < count && n < CHANGES_SHOWN; n++)
        (void)printf("%5.1f  %s%s%s\n", list[n].score,
                     list[n].action ? fl_score_action_text(list[n].what) : list[n].what,
                     list[n].action ? "" : " at its best: 0",
                     list[n].member == FL_NET_NONE ? "" : ", of one of its worst");
    return r;
}

static int show_files(struct fl_cli *cli, struct scored *s, enum fl_score_kind kind)
{
    const char *id = cli->opt[FL_OPT_ID];
    uint32_t *order = NULL, i;
    struct fl_err err;

    if (id == NULL) {
        if (fl_score_order(s->scores, kind, &s->arena, &order, &err) < 0)
            return fl_cli_fail(&err);
        return fl_cli_flag(cli, FL_OPT_JSON) ? list_json(s->scores, kind, order)
                                             : list_files(cli, s->scores, kind, order);
    }
    i = fl_score_find(s->scores, kind, fl_span_str(id));
    if (i == FL_NET_NONE) {
        (void)fl_err_set(&err, FL_E_NOENT, "there is no %s '%s'", fl_score_kind_names[kind], id);
        return fl_cli_fail(&err);
    }
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        FL_AUTO(fl_buf_done) struct fl_buf out;
        struct fl_json j;

        fl_buf_init(&out, ANSWER_BYTES_MAX);
        fl_json_init(&j, &out);
        one_json(&j, s->scores, kind, i);
        return print_buf(&out);
    }
    return one_files(cli, s->scores, kind, i);
}

/* ---- of a tenant ---- */

static double number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static int list_tenant(const struct fl_cli *cli, enum fl_score_kind kind, const json_t *answer)
{
    const json_t *items = json_object_get(answer, "items"), *item;
    struct fl_table *table = list_table(cli, kind);
    size_t i;
    int r;

    if (table == NULL)
        return fl_cli_usage("no memory");
    json_array_foreach(items, i, item)
    {
        fl_table_text(table, fl_js_text(item, "id"));
        score_cell(table, number_of(item, "score"));
        score_cell(table, number_of(item, "high"));
        share_cell(table, number_of(item, "missing"));
        if (isnan(number_of(item, "mean")))
            fl_table_text(table, "");
        else
            score_cell(table, number_of(item, "mean"));
        fl_table_text(table, fl_js_text(item, "name"));
    }
    r = fl_cli_print(table);
    (void)printf("%zu %ss, worst first\n", json_array_size(items), fl_score_kind_names[kind]);
    return r;
}

static int one_tenant(const struct fl_cli *cli, const json_t *is)
{
    const json_t *o;
    size_t i;

    (void)cli;
    (void)printf("%s  %s: %.1f (%.1f to %.1f), %.0f %% of the weights not known\n",
                 fl_js_text(is, "id"), fl_js_text(is, "name"), number_of(is, "score"),
                 number_of(is, "low"), number_of(is, "high"), 100 * number_of(is, "missing"));
    json_array_foreach(json_object_get(is, "factors"), i, o)
    {
        if (isnan(number_of(o, "x")))
            (void)printf("  %-24s %.2f x left out\n", fl_js_text(o, "title"),
                         number_of(o, "weight"));
        else
            (void)printf("  %-24s %.2f x %.3f\n", fl_js_text(o, "title"), number_of(o, "weight"),
                         number_of(o, "x"));
    }
    json_array_foreach(json_object_get(is, "worst"), i, o)
    {
        (void)printf("  %5.1f  %s %s\n", number_of(o, "score"), fl_js_text(o, "id"),
                     fl_js_text(o, "name"));
    }
    (void)printf("What would change it most:\n");
    json_array_foreach(json_object_get(is, "would_change"), i, o)
    {
        if (i < CHANGES_SHOWN)
            (void)printf("  %5.1f  %s %s\n", number_of(o, "score"), fl_js_text(o, "title"),
                         fl_js_text(o, "member"));
    }
    return FL_EXIT_OK;
}

static int of_tenant(struct fl_cli *cli, enum fl_score_kind kind)
{
    const char *id = cli->opt[FL_OPT_ID], *name = fl_score_kind_names[kind];
    struct fl_cli_path path;
    char tenant[64];
    json_t *answer = NULL;
    int r = fl_cli_tenant(cli, tenant);

    if (r != FL_EXIT_OK)
        return r;
    if (id == NULL) {
        (void)fl_cli_path(&path, "/api/v1/tenants/", tenant, "/supply/scores?kind=", name, NULL);
        r = fl_cli_list(cli, path.text, &answer);
    } else {
        (void)fl_cli_path(&path, "/api/v1/tenants/", tenant, "/supply/scores/", name, "/", id,
                          NULL);
        r = fl_cli_call(cli, "GET", path.text, NULL, &answer);
    }
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON) && id == NULL)
        fl_js_items(answer);
    else if (fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(answer);
    else
        r = id == NULL ? list_tenant(cli, kind, answer) : one_tenant(cli, answer);
    json_decref(answer);
    return r;
}

int fl_supply_run_score(struct fl_cli *cli)
{
    const char *name = cli->opt[FL_OPT_KIND];
    int kind = name == NULL ? FL_SCORE_COMPONENT : fl_score_kind_find(fl_span_str(name)), r;
    struct scored s;

    if (kind < 0)
        return fl_cli_usage("--kind is component, product, supplier or site, not '%s'", name);
    if (cli->args == 0)
        return of_tenant(cli, (enum fl_score_kind)kind);
    r = scored_new(cli->arg[0], &s);
    if (r == FL_EXIT_OK)
        r = show_files(cli, &s, (enum fl_score_kind)kind);
    scored_done(&s);
    return r;
}

/* ---- a draft ---- */

static void flags_text(unsigned flags, char *ret, size_t size)
{
    size_t len = 0;

    ret[0] = '\0';
    for (unsigned bit = 1; bit < 1u << FL_DRAFT_FLAGS && len < size; bit <<= 1)
        if (flags & bit)
            len += (size_t)snprintf(ret + len, size - len, "%s%s", len > 0 ? ", " : "",
                                    fl_draft_flag_name(bit));
}

static int draft_json(const struct fl_draft *d)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_json j;

    fl_buf_init(&out, ANSWER_BYTES_MAX);
    fl_json_init(&j, &out);
    fl_json_object(&j, NULL);
    fl_json_text(&j, "title", d->title);
    put_figures(&j, &d->score);
    fl_json_array(&j, "items");
    for (uint32_t i = 0; i < d->line_count; i++) {
        const struct fl_draft_line *l = &d->lines[i];

        fl_json_object(&j, NULL);
        fl_json_text(&j, "id", l->part);
        fl_json_f64(&j, "quantity", l->quantity);
        put_figures(&j, &l->score);
        fl_json_array(&j, "flags");
        for (unsigned bit = 1; bit < 1u << FL_DRAFT_FLAGS; bit <<= 1)
            if (l->flags & bit)
                fl_json_text(&j, NULL, fl_draft_flag_name(bit));
        fl_json_end(&j);
        fl_json_end(&j);
    }
    fl_json_end(&j);
    fl_json_array(&j, "hubs");
    for (uint32_t i = 0; i < d->hub_count; i++) {
        fl_json_object(&j, NULL);
        fl_json_text(&j, "part", d->hubs[i].part);
        fl_json_text(&j, "site", d->hubs[i].site);
        fl_json_f64(&j, "probability", d->hubs[i].probability);
        fl_json_f64(&j, "independent", d->hubs[i].independent);
        fl_json_end(&j);
    }
    fl_json_end(&j);
    fl_json_end(&j);
    return print_buf(&out);
}

static int draft_table(const struct fl_cli *cli, const struct fl_draft *d)
{
    static const struct fl_table_column columns[] = {{"part", false, 8, 0},
                                                     {"score", true, 0, 0},
                                                     {"up to", true, 0, 1},
                                                     {"not known", true, 0, 2},
                                                     {"", false, 20, 3}};
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[160];
    int r;

    if (table == NULL)
        return fl_cli_usage("no memory");
    for (uint32_t i = 0; i < d->line_count && i < SHOWN_MAX; i++) {
        const struct fl_draft_line *l = &d->lines[i];

        fl_table_text(table, l->part);
        score_cell(table, l->score.score);
        score_cell(table, l->score.high);
        share_cell(table, l->score.missing);
        flags_text(l->flags, text, sizeof text);
        fl_table_text(table, text);
    }
    r = fl_cli_print(table);
    for (uint32_t i = 0; i < d->hub_count && i < CHANGES_SHOWN; i++)
        (void)printf("%s: all its sites hang on '%s'; it stops with %.4f, not %.4f\n",
                     d->hubs[i].part, d->hubs[i].site, d->hubs[i].probability,
                     d->hubs[i].independent);
    (void)printf(
        "%s at stage %s: %.1f, %u parts, %u of which nothing is known; nothing is stored\n",
        d->title[0] == '\0' ? "The draft" : d->title, fl_score_stage_names[d->stage],
        d->score.score, d->line_count, d->unknown);
    return r;
}

static int stage_of(const struct fl_cli *cli, enum fl_score_stage *ret)
{
    const char *name = cli->opt[FL_OPT_STAGE];

    *ret = FL_STAGE_CONCEPT;
    if (name == NULL)
        return FL_EXIT_OK;
    for (unsigned i = 0; i < FL_STAGES; i++)
        if (strcmp(fl_score_stage_names[i], name) == 0) {
            *ret = (enum fl_score_stage)i;
            return FL_EXIT_OK;
        }
    return fl_cli_usage(
        "--stage is concept, design, prototype, production or end_of_life, not '%s'", name);
}

int fl_supply_run_draft(struct fl_cli *cli)
{
    const char *file = cli->opt[FL_OPT_BOM];
    static struct fl_cli_files files;
    enum fl_score_stage stage;
    struct scored s;
    struct fl_draft d;
    struct fl_err err;
    int r = stage_of(cli, &stage);

    if (r != FL_EXIT_OK)
        return r;
    if (file == NULL)
        return fl_cli_usage("--bom FILE is wanted: the bill of material as CSV");
    r = fl_cli_files(&file, 1, ".csv", &files);
    if (r != FL_EXIT_OK)
        return r;
    r = scored_new(cli->arg[0], &s);
    if (r == FL_EXIT_OK &&
        fl_draft_score(s.scores, files.file[0].text, stage, &s.arena, &d, &err) < 0)
        r = fl_cli_fail(&err);
    else if (r == FL_EXIT_OK)
        r = fl_cli_flag(cli, FL_OPT_JSON) ? draft_json(&d) : draft_table(cli, &d);
    scored_done(&s);
    fl_cli_files_done(&files);
    return r;
}
