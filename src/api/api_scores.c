/* Scores: the list, one down to its rows, a draft, the weights. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/parts.h"
#include "api/scores.h"
#include "base/time.h"
#include "db/db_score.h"

enum { LIST_PRESET = 200, LIST_MAX = 2000, TREND_DAYS = 90, CHANGES_SHOWN = 24 };
#define DRAFT_NAME_MAX 255u

struct question {
    struct fl_score_ask ask; /* first: question_free() */
    enum fl_score_kind kind;
    char id[FL_SUPPLY_ID_MAX + 1];
    char find[128];
    uint64_t limit, after;
    /* a draft */
    char name[DRAFT_NAME_MAX + 1];
    char *text;
    size_t text_len;
    enum fl_score_stage stage;
};

static void question_free(void *arg)
{
    struct question *q = arg;

    fl_score_ask_done(&q->ask);
    free(q->text);
    free(q);
}

static int question_new(struct fl_req *req, struct question **ret, struct fl_err *err)
{
    struct question *q = calloc(1, sizeof *q);
    int r = q == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for a question")
                      : fl_score_ask_init(req->api, req->tenant.id, &q->ask, err);

    if (r < 0) {
        if (q != NULL)
            question_free(q);
        return r;
    }
    *ret = q;
    return FL_OK;
}

static int run(const struct fl_work_in *in, struct fl_err *err)
{
    struct question *q = in->arg;

    return fl_score_ask_run(in, &q->ask, err);
}

static int ask(struct fl_req *req, struct question *q,
               int (*run_fn)(const struct fl_work_in *in, struct fl_err *err),
               int (*then)(struct fl_req *req, const struct fl_work_in *in, struct fl_err *err),
               struct fl_err *err)
{
    return fl_work_answer(req,
                          &(struct fl_work_ask){.run = run_fn,
                                                .arg = q,
                                                .arg_free = question_free,
                                                .net = true,
                                                .is_long = q->ask.kept == NULL,
                                                .then = then},
                          err);
}

/* ---- one score ---- */

static void put_figures(struct fl_json *json, const struct fl_score_rule *rule,
                        const struct fl_risk_score *s)
{
    fl_json_f64(json, "score", s->score);
    fl_json_f64(json, "low", s->low);
    fl_json_f64(json, "high", s->high);
    fl_json_f64(json, "base", s->base);
    fl_json_f64(json, "missing", s->missing);
    fl_json_f64(json, "mean", s->mean);
    fl_json_text(json, "stage", s->staged ? fl_score_stage_names[s->stage] : NULL);
    fl_json_f64(json, "stage_weight", s->staged ? rule->stage[s->stage] : 1);
    fl_json_u64(json, "members", s->member_count);
}

static int put_day(void *ctx, const struct fl_db_score *row)
{
    struct fl_json *json = ctx;
    char day[16];

    fl_day_format(row->day, day);
    fl_json_object(json, NULL);
    fl_json_text(json, "day", day);
    fl_json_f64(json, "score",
                row->score_milli < 0 ? (double)NAN : (double)row->score_milli / 1000);
    fl_json_f64(json, "high", (double)row->high_milli / 1000);
    fl_json_end(json);
    return FL_OK;
}

static int put_trend(struct fl_req *req, const struct question *q, const char *id,
                     struct fl_err *err)
{
    int r;

    fl_json_array(&req->json, "trend");
    r = fl_db_scores(req->api->db, req->tenant.id, q->kind, id, q->ask.today_day - TREND_DAYS,
                     put_day, &req->json, err);
    fl_json_end(&req->json);
    return r;
}

/* ---- the list ---- */

static bool wanted(const struct fl_score_kept *k, const struct question *q, uint32_t i)
{
    struct fl_span find = fl_span_str(q->find);

    return find.len == 0 ||
           fl_span_find_nocase(fl_span_str(fl_score_id(k->scores, q->kind, i)), find) ||
           fl_span_find_nocase(fl_span_str(fl_score_name(k->scores, q->kind, i)), find);
}

static int put_item(struct fl_req *req, const struct question *q, uint32_t i, struct fl_err *err)
{
    const struct fl_score_kept *k = q->ask.kept;
    const struct fl_risk_score *s = fl_score_get(k->scores, q->kind, i);
    enum fl_score_kind of = q->kind == FL_SCORE_PRODUCT ? FL_SCORE_COMPONENT : FL_SCORE_SITE;
    const char *id = fl_score_id(k->scores, q->kind, i);
    int r;

    fl_json_object(&req->json, NULL);
    fl_json_text(&req->json, "id", id);
    fl_json_text(&req->json, "name", fl_score_name(k->scores, q->kind, i));
    put_figures(&req->json, &k->rule, s);
    fl_json_array(&req->json, "worst");
    for (uint32_t n = 0; n < s->worst_count; n++)
        fl_json_text(&req->json, NULL, fl_score_id(k->scores, of, s->worst[n]));
    fl_json_end(&req->json);
    r = put_trend(req, q, id, err);
    fl_json_end(&req->json);
    return r;
}

static void put_about(struct fl_json *json, const struct fl_score_kept *k)
{
    static const char *const texts[] = {
        "Weights and stages are starting values by judgement; each tenant sets its own.",
        "A factor whose inputs are not known is left out: neither 0 nor the average.",
        "low and high are the score with all that is not known at its best and at its worst.",
        "events_per_year is of the table of event rates by country: starting values by judgement.",
        "tts_days is of the linear program, which is a lower bound of the loss.",
    };

    fl_json_time(json, "computed", k->computed_us);
    fl_json_u64(json, "net_version", fl_score_net(k->scores)->version);
    fl_json_text(json, "currency", fl_score_net(k->scores)->base_currency);
    fl_json_u64(json, "events_known", k->events);
    fl_json_array(json, "formula");
    fl_json_text(json, NULL, fl_score_formula);
    fl_json_text(json, NULL, fl_score_stage_formula);
    fl_json_text(json, NULL, fl_score_roll_formula);
    fl_json_end(json);
    fl_json_array(json, "assumptions");
    for (size_t i = 0; i < FL_LEN(texts); i++)
        fl_json_text(json, NULL, texts[i]);
    fl_json_end(json);
}

static int list_then(struct fl_req *req, const struct fl_work_in *in, struct fl_err *err)
{
    struct question *q = in->arg;
    const struct fl_score_kept *k = q->ask.kept;
    uint32_t count = fl_score_count(k->scores, q->kind), total = 0;
    char next[24];
    int r = FL_OK;

    fl_score_ask_keep(req->api, &q->ask);
    fl_req_object(req);
    fl_json_text(&req->json, "kind", fl_score_kind_names[q->kind]);
    fl_json_array(&req->json, "items");
    for (uint32_t n = 0; r == FL_OK && n < count; n++) {
        uint32_t i = k->order[q->kind][n];

        if (!wanted(k, q, i))
            continue;
        if (total >= q->after && total < q->after + q->limit)
            r = put_item(req, q, i, err);
        total++;
    }
    fl_json_end(&req->json);
    if (r < 0)
        return r;
    put_about(&req->json, k);
    fl_json_u64(&req->json, "total", total);
    (void)snprintf(next, sizeof next, "%llu", (unsigned long long)q->after + q->limit);
    fl_json_text(&req->json, "next", q->after + q->limit < total ? next : NULL);
    fl_req_done(req, 200);
    return FL_OK;
}

static int take_kind(struct fl_req *req, struct fl_span name, const char *field,
                     enum fl_score_kind *ret, struct fl_err *err)
{
    int kind = name.ptr == NULL ? FL_SCORE_COMPONENT : fl_score_kind_find(name);

    if (kind < 0) {
        req->field = field;
        return fl_err_set(err, FL_E_INVAL, "kind is component, product, supplier or site");
    }
    *ret = (enum fl_score_kind)kind;
    return FL_OK;
}

int fl_api_scores(struct fl_req *req, struct fl_err *err)
{
    struct fl_span find = fl_req_param(req, "find");
    struct question *q;
    int r = question_new(req, &q, err);

    if (r < 0)
        return r;
    q->limit = LIST_PRESET;
    r = take_kind(req, fl_req_param(req, "kind"), "kind", &q->kind, err);
    if (r >= 0)
        r = fl_req_param_num(req, "limit", 1, LIST_MAX, &q->limit, err);
    if (r >= 0)
        r = fl_req_param_num(req, "after", 0, UINT32_MAX, &q->after, err);
    if (r >= 0 && find.len >= sizeof q->find) {
        req->field = "find";
        r = fl_err_set(err, FL_E_INVAL, "find is a text of at most %zu bytes", sizeof q->find - 1);
    }
    if (r < 0) {
        question_free(q);
        return r;
    }
    if (find.len > 0)
        memcpy(q->find, find.ptr, find.len);
    return ask(req, q, run, list_then, err);
}

/* ---- one, down to its rows ---- */

static void put_number(struct fl_json *json, const char *key, double value, const char *text)
{
    if (isnan(value) && text != NULL)
        fl_json_text(json, key, text);
    else
        fl_json_f64(json, key, value); /* not finite: null */
}

static void put_inputs(struct fl_json *json, const struct fl_net *net,
                       const struct fl_score_trace *t, unsigned f)
{
    char key[FL_SUPPLY_KEY_MAX + 1];

    fl_json_array(json, "inputs");
    for (uint32_t i = 0; i < t->count; i++) {
        const struct fl_score_input *in = &t->input[i];

        if ((unsigned)in->factor != f)
            continue;
        fl_score_row_key(net, in->table, in->row, key);
        fl_json_object(json, NULL);
        fl_json_text(json, "name", in->name);
        put_number(json, "value", in->value, in->text);
        fl_json_text(json, "note", isnan(in->value) ? NULL : in->text);
        fl_json_text(json, "table", in->table < 0 ? NULL : fl_supply_schemas[in->table].name);
        fl_json_text(json, "key", in->table < 0 ? NULL : key);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static void put_factors(struct fl_json *json, const struct fl_score_kept *k,
                        const struct fl_risk_score *s, const struct fl_score_trace *t)
{
    fl_json_array(json, "factors");
    for (unsigned f = 0; f < FL_FACTORS; f++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "factor", fl_score_factors[f].name);
        fl_json_text(json, "title", fl_score_factors[f].title);
        fl_json_f64(json, "weight", k->rule.weight[f]);
        fl_json_f64(json, "x", s->x[f]);
        fl_json_text(json, "formula", fl_score_factors[f].formula);
        put_inputs(json, fl_score_net(k->scores), t, f);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_u64(json, "inputs_left_out", t->left_out);
    fl_json_array(json, "missing_factors");
    for (unsigned f = 0; f < FL_FACTORS; f++)
        if (isnan(s->x[f]))
            fl_json_text(json, NULL, fl_score_factors[f].name);
    fl_json_end(json);
}

static const char *title_of(const char *what)
{
    for (unsigned f = 0; f < FL_FACTORS; f++)
        if (strcmp(fl_score_factors[f].name, what) == 0)
            return fl_score_factors[f].title;
    return what;
}

static void put_changes(struct fl_json *json, const struct question *q, uint32_t i)
{
    const struct fl_score_kept *k = q->ask.kept;
    enum fl_score_kind of = q->kind == FL_SCORE_PRODUCT ? FL_SCORE_COMPONENT : FL_SCORE_SITE;
    const struct fl_risk_score *is = fl_score_get(k->scores, q->kind, i);
    struct fl_score_change list[FL_SCORE_CHANGES_MAX];
    uint32_t count = fl_score_changes(k->scores, q->kind, i, list);

    fl_json_array(json, "would_change");
    for (uint32_t n = 0; n < count && n < CHANGES_SHOWN; n++) {
        const struct fl_score_change *c = &list[n];

        fl_json_object(json, NULL);
        fl_json_text(json, "what", c->what);
        fl_json_bool(json, "action", c->action);
        fl_json_text(json, "title", c->action ? fl_score_action_text(c->what) : title_of(c->what));
        fl_json_text(json, "member",
                     c->member == FL_NET_NONE ? NULL : fl_score_id(k->scores, of, c->member));
        fl_json_text(json, "member_name",
                     c->member == FL_NET_NONE ? NULL : fl_score_name(k->scores, of, c->member));
        fl_json_f64(json, "score", c->score);
        fl_json_f64(json, "mean", c->mean);
        fl_json_f64(json, "change", c->score - is->score);
        fl_json_f64(json, "mean_change", c->mean - is->mean);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static void put_worst(struct fl_json *json, const struct question *q, uint32_t i)
{
    const struct fl_score_kept *k = q->ask.kept;
    enum fl_score_kind of = q->kind == FL_SCORE_PRODUCT ? FL_SCORE_COMPONENT : FL_SCORE_SITE;
    const struct fl_risk_score *s = fl_score_get(k->scores, q->kind, i);

    fl_json_array(json, "worst");
    for (uint32_t n = 0; n < s->worst_count; n++) {
        const struct fl_risk_score *m = fl_score_get(k->scores, of, s->worst[n]);
        struct fl_risk_score at = *m;

        if (q->kind == FL_SCORE_PRODUCT) /* at this product's stage */
            fl_score_of(&k->rule, k->rule.stage[s->stage], &at);
        fl_json_object(json, NULL);
        fl_json_text(json, "kind", fl_score_kind_names[of]);
        fl_json_text(json, "id", fl_score_id(k->scores, of, s->worst[n]));
        fl_json_text(json, "name", fl_score_name(k->scores, of, s->worst[n]));
        fl_json_f64(json, "score", at.score);
        fl_json_f64(json, "low", at.low);
        fl_json_f64(json, "high", at.high);
        fl_json_f64(json, "missing", at.missing);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static int show_then(struct fl_req *req, const struct fl_work_in *in, struct fl_err *err)
{
    struct question *q = in->arg;
    const struct fl_score_kept *k = q->ask.kept;
    uint32_t i = fl_score_find(k->scores, q->kind, fl_span_str(q->id));
    const struct fl_risk_score *s;
    struct fl_score_trace trace;
    int r;

    fl_score_ask_keep(req->api, &q->ask);
    if (i == FL_NET_NONE)
        return fl_err_set(err, FL_E_NOENT, "there is no %s '%s'", fl_score_kind_names[q->kind],
                          q->id);
    s = fl_score_get(k->scores, q->kind, i);
    fl_score_explain(k->scores, q->kind, i, &trace);
    fl_req_object(req);
    fl_json_text(&req->json, "kind", fl_score_kind_names[q->kind]);
    fl_json_text(&req->json, "id", q->id);
    fl_json_text(&req->json, "name", fl_score_name(k->scores, q->kind, i));
    put_figures(&req->json, &k->rule, s);
    if (q->kind == FL_SCORE_COMPONENT || q->kind == FL_SCORE_SITE)
        put_factors(&req->json, k, s, &trace);
    put_worst(&req->json, q, i);
    put_changes(&req->json, q, i);
    r = put_trend(req, q, q->id, err);
    if (r < 0)
        return r;
    put_about(&req->json, k);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_score_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_span id = req->arg[2];
    enum fl_score_kind kind = FL_SCORE_COMPONENT;
    struct question *q;
    int r = take_kind(req, req->arg[1], "kind", &kind, err);

    if (r < 0)
        return r;
    if (id.len == 0 || id.len > FL_SUPPLY_ID_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no %s of this id", fl_score_kind_names[kind]);
    r = question_new(req, &q, err);
    if (r < 0)
        return r;
    q->kind = kind;
    memcpy(q->id, id.ptr, id.len);
    return ask(req, q, run, show_then, err);
}

/* ---- a draft ---- */

static void put_line(struct fl_json *json, const struct fl_score_rule *rule,
                     const struct fl_draft_line *l)
{
    fl_json_object(json, NULL);
    fl_json_text(json, "id", l->part);
    fl_json_text(json, "name", l->name);
    fl_json_f64(json, "quantity", l->quantity);
    fl_json_bool(json, "direct", l->direct);
    fl_json_text(json, "lifecycle", l->lifecycle);
    fl_json_text(json, "custody", l->custody);
    fl_json_u64(json, "suppliers", l->suppliers);
    fl_json_u64(json, "sites", l->sites);
    put_figures(json, rule, &l->score);
    fl_json_array(json, "flags");
    for (unsigned bit = 1; bit < 1u << FL_DRAFT_FLAGS; bit <<= 1)
        if (l->flags & bit)
            fl_json_text(json, NULL, fl_draft_flag_name(bit));
    fl_json_end(json);
    fl_json_end(json);
}

static void put_spreads(struct fl_json *json, const struct fl_draft *d)
{
    fl_json_array(json, "concentration");
    for (int level = 0; level < FL_LEVELS; level++)
        for (int below = 0; below < 2; below++) {
            const struct fl_spread *s =
                below ? &d->concentration.below[level] : &d->concentration.direct[level];

            fl_json_object(json, NULL);
            fl_json_text(json, "level", fl_level_name((enum fl_level)level));
            fl_json_bool(json, "below", below);
            fl_json_u64(json, "parts", s->parts);
            fl_json_u64(json, "unknown", s->unknown);
            fl_json_u64(json, "hands", s->hands);
            fl_json_f64(json, "hhi", s->hhi);
            fl_json_text(json, "top", s->top);
            fl_json_f64(json, "top_share", s->top_share);
            fl_json_u64(json, "one_only", s->one_only);
            fl_json_end(json);
        }
    fl_json_end(json);
}

static void put_draft(struct fl_json *json, const struct question *q, const struct fl_draft *d)
{
    const struct fl_score_kept *k = q->ask.kept;

    fl_json_text(json, "name", q->name);
    fl_json_text(json, "title", d->title);
    put_figures(json, &k->rule, &d->score);
    fl_json_u64(json, "unknown", d->unknown);
    fl_json_u64(json, "proposed", d->proposed);
    fl_json_array(json, "items");
    for (uint32_t i = 0; i < d->line_count; i++)
        put_line(json, &k->rule, &d->lines[i]);
    fl_json_end(json);
    fl_json_array(json, "hubs");
    for (uint32_t i = 0; i < d->hub_count; i++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "part", d->hubs[i].part);
        fl_json_text(json, "site", d->hubs[i].site);
        fl_json_text(json, "site_name", d->hubs[i].site_name);
        fl_json_f64(json, "probability", d->hubs[i].probability);
        fl_json_f64(json, "independent", d->hubs[i].independent);
        fl_json_bool(json, "exact", d->hubs[i].exact);
        fl_json_end(json);
    }
    fl_json_end(json);
    put_spreads(json, d);
    put_about(json, k);
    fl_json_bool(json, "stored", false);
}

static int run_draft(const struct fl_work_in *in, struct fl_err *err)
{
    struct question *q = in->arg;
    struct fl_draft d = {.title = NULL};
    struct fl_json json;
    int r = fl_score_ask_run(in, &q->ask, err);

    if (r == FL_OK)
        r = fl_draft_score(q->ask.kept->scores, fl_span_of(q->text, q->text_len), q->stage,
                           in->arena, &d, err);
    if (r < 0)
        return r;
    fl_json_init(&json, in->out);
    fl_json_object(&json, NULL);
    put_draft(&json, q, &d);
    fl_json_end(&json);
    return FL_OK;
}

static int draft_then(struct fl_req *req, const struct fl_work_in *in, struct fl_err *err)
{
    struct question *q = in->arg;

    (void)err;
    fl_score_ask_keep(req->api, &q->ask);
    fl_req_head(req, 200, "application/json");
    fl_req_piece(req, fl_buf_span(in->out));
    fl_req_end(req);
    return FL_OK;
}

static int take_draft(struct fl_req *req, struct question *q, struct fl_err *err)
{
    const json_t *text = json_object_get(req->body, "text");
    char stage[24] = "concept";
    int r = fl_req_text(req, "name", q->name, sizeof q->name, err);

    if (r >= 0)
        r = fl_req_text(req, "stage", stage, sizeof stage, err);
    if (r < 0)
        return r;
    if (!json_is_string(text)) {
        req->field = "text";
        return fl_err_set(err, FL_E_INVAL, "text is the bill of material as CSV");
    }
    q->stage = FL_STAGES;
    for (unsigned i = 0; i < FL_STAGES; i++)
        if (strcmp(stage, fl_score_stage_names[i]) == 0)
            q->stage = (enum fl_score_stage)i;
    if (q->stage == FL_STAGES) {
        req->field = "stage";
        return fl_err_set(err, FL_E_INVAL,
                          "stage is concept, design, prototype, production or end_of_life");
    }
    q->text_len = json_string_length(text);
    q->text = malloc(q->text_len + 1);
    if (q->text == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a draft");
    memcpy(q->text, json_string_value(text), q->text_len);
    return FL_OK;
}

int fl_api_score_draft(struct fl_req *req, struct fl_err *err)
{
    struct question *q;
    int r = question_new(req, &q, err);

    if (r < 0)
        return r;
    r = take_draft(req, q, err);
    if (r < 0) {
        question_free(q);
        return r;
    }
    return ask(req, q, run_draft, draft_then, err);
}

/* ---- weights and stages ---- */

static int take_number(const json_t *value, const char *name, double low, double high,
                       double preset, double *ret, struct fl_err *err)
{
    double is = json_number_value(value);

    if (json_is_null(value)) {
        *ret = preset;
        return FL_OK;
    }
    if (!json_is_number(value) || !(is >= low) || is > high)
        return fl_err_set(err, FL_E_INVAL, "%s is a number from %g to %g, or null for the preset",
                          name, low, high);
    *ret = is;
    return FL_OK;
}

static int take_rule(const json_t *from, struct fl_score_rule *rule, struct fl_err *err)
{
    const json_t *weights = json_object_get(from, "weights"),
                 *stages = json_object_get(from, "stages"), *value;
    size_t known = 0;
    int r = FL_OK;

    for (unsigned f = 0; r == FL_OK && f < FL_FACTORS; f++)
        if ((value = json_object_get(weights, fl_score_factors[f].name)) != NULL && ++known > 0)
            r = take_number(value, fl_score_factors[f].name, 0, 0.95, fl_score_preset.weight[f],
                            &rule->weight[f], err);
    for (unsigned i = 0; r == FL_OK && i < FL_STAGES; i++)
        if ((value = json_object_get(stages, fl_score_stage_names[i])) != NULL && ++known > 0)
            r = take_number(value, fl_score_stage_names[i], 0.1, 10, fl_score_preset.stage[i],
                            &rule->stage[i], err);
    if (r == FL_OK && known != json_object_size(weights) + json_object_size(stages))
        r = fl_err_set(err, FL_E_INVAL,
                       "weights has members sourcing, gap, hazard, lifecycle, lead_time, supplier, "
                       "country, freshness, custody, stock_unknown; stages: concept, design, "
                       "prototype, production, end_of_life");
    return r;
}

int fl_score_rule_read(const char *json, struct fl_score_rule *ret, struct fl_err *err)
{
    struct fl_score_rule rule = fl_score_preset;
    json_t *root;
    int r;

    if (json[0] != '\0') {
        root = json_loads(json, 0, NULL);
        r = root == NULL ? fl_err_set(err, FL_E_CORRUPT, "the weights of scores cannot be read")
                         : take_rule(root, &rule, err);
        json_decref(root);
        if (r < 0)
            return r;
    }
    *ret = rule;
    return FL_OK;
}

void fl_score_rule_write(struct fl_json *json, const struct fl_score_rule *rule)
{
    fl_json_object(json, "weights");
    for (unsigned f = 0; f < FL_FACTORS; f++)
        fl_json_f64(json, fl_score_factors[f].name, rule->weight[f]);
    fl_json_end(json);
    fl_json_object(json, "stages");
    for (unsigned i = 0; i < FL_STAGES; i++)
        fl_json_f64(json, fl_score_stage_names[i], rule->stage[i]);
    fl_json_end(json);
}

static void put_settings(struct fl_req *req, const struct fl_score_rule *rule)
{
    fl_req_object(req);
    fl_score_rule_write(&req->json, rule);
    fl_json_object(&req->json, "preset");
    fl_score_rule_write(&req->json, &fl_score_preset);
    fl_json_end(&req->json);
    fl_json_text(&req->json, "note", "Starting values by judgement, not a finding.");
    fl_req_done(req, 200);
}

int fl_api_score_settings(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_score_state state;
    struct fl_score_rule rule;
    int r = fl_db_score_state(req->api->db, req->tenant.id, &state, err);

    if (r == FL_OK)
        r = fl_score_rule_read(state.rule, &rule, err);
    if (r == FL_OK)
        put_settings(req, &rule);
    return r;
}

static int rule_text(const struct fl_score_rule *rule, char ret[FL_DB_SCORE_RULE_MAX + 1],
                     struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_json json;

    fl_buf_init(&text, FL_DB_SCORE_RULE_MAX);
    fl_json_init(&json, &text);
    fl_json_object(&json, NULL);
    fl_score_rule_write(&json, rule);
    fl_json_end(&json);
    if (fl_buf_status(&text, err) < 0)
        return err->code;
    memcpy(ret, text.ptr, text.len);
    ret[text.len] = '\0';
    return FL_OK;
}

int fl_api_score_settings_set(struct fl_req *req, struct fl_err *err)
{
    const json_t *weights = json_object_get(req->body, "weights"),
                 *stages = json_object_get(req->body, "stages");
    struct fl_db_score_state state;
    struct fl_score_rule rule;
    int r = fl_db_score_state(req->api->db, req->tenant.id, &state, err);

    if (r == FL_OK)
        r = fl_score_rule_read(state.rule, &rule, err);
    if (r < 0)
        return r;
    req->field = weights != NULL ? "weights" : "stages";
    if ((weights != NULL && !json_is_object(weights)) ||
        (stages != NULL && !json_is_object(stages)))
        return fl_err_set(err, FL_E_INVAL, "weights and stages are objects of numbers");
    r = take_rule(req->body, &rule, err);
    if (r == FL_OK)
        r = rule_text(&rule, state.rule, err);
    if (r < 0)
        return r;
    req->field = NULL;
    state.day = 0; /* today's scores again */
    r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_score_state_set(req->api->db, req->tenant.id, &state, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "score.settings", req->tenant.slug, "scores", state.rule, err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    put_settings(req, &rule);
    return FL_OK;
}
