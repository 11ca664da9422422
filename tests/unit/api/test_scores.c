/* Scores: listed, shown down to rows that give them again, weights, drafts, day by day. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/scores.h"
#include "api/work.h"
#include "db/db_score.h"
#include "db/db_supply.h"
#include "harness.h"
#include "tap.h"

#define T      "/api/v1/tenants"
#define SCORES T "/demo/supply/scores"
#define NOW    INT64_C(1795000000000000)

static const struct {
    enum fl_supply_table table;
    const char *cells; /* apart by '|' */
} network[] = {
    {FL_SUPPLY_SUPPLIERS, "s1|Sendai Micro|JP|1"},
    {FL_SUPPLY_SUPPLIERS, "s2|Elbe Chips|DE|1"},
    {FL_SUPPLY_SITES, "sendai|s1|Sendai fab|38.27|140.87|JP|fab|20|||"},
    {FL_SUPPLY_SITES, "dresden|s2|Dresden fab|51.05|13.74|DE|fab|30|||"},
    {FL_SUPPLY_PARTS, "a|Chip A|chip|50|90"},
    {FL_SUPPLY_PARTS, "b|Chip B|chip|0"},
    {FL_SUPPLY_PARTS, "c|Chip C"},
    {FL_SUPPLY_PART_SITES, "a|sendai|1|yes"},
    {FL_SUPPLY_PART_SITES, "b|sendai|0.5|yes"},
    {FL_SUPPLY_PART_SITES, "b|dresden|0.5|yes"},
    {FL_SUPPLY_PRODUCTS, "box|Router box|production|10|100|300|0|EUR"},
    {FL_SUPPLY_BOM, "box|a|1"},
    {FL_SUPPLY_BOM, "box|b|2"},
    {FL_SUPPLY_BOM, "box|c|1"},
};

static uint32_t tenant_id(struct world *w, const char *slug)
{
    struct fl_tenant t;
    struct fl_err err;

    if (fl_db_tenant_get(w->db, slug, &t, &err) < 0)
        abort();
    return t.id;
}

static void put_row(struct world *w, struct fl_db_supply_change *change, enum fl_supply_table table,
                    const char *cells)
{
    struct fl_supply_row row = {.table = table};
    char key[FL_SUPPLY_KEY_MAX + 1];
    struct fl_buf packed;
    struct fl_err err;
    unsigned column = 0;

    while (*cells != '\0') {
        size_t len = strcspn(cells, "|");

        row.cell[column++] = fl_span_of(cells, len);
        cells += len + (cells[len] == '|');
    }
    fl_buf_init(&packed, 8192);
    fl_supply_pack(&row, &packed);
    fl_supply_key(&row, key);
    if (fl_db_supply_put(w->db, change, table, fl_span_str(key), fl_buf_span(&packed), &err) < 0)
        abort();
    fl_buf_done(&packed);
}

static void put_network(struct world *w, uint32_t tenant)
{
    struct fl_db_supply_change change = {.tenant = tenant, .at_us = NOW};
    struct fl_err err;

    (void)snprintf(change.who, sizeof change.who, "test");
    (void)snprintf(change.kind, sizeof change.kind, "edit");
    while (fl_db_supply_begin(w->db, &change, &err) == FL_E_AGAIN)
        continue;
    for (size_t i = 0; i < FL_LEN(network); i++)
        put_row(w, &change, network[i].table, network[i].cells);
    if (fl_db_supply_publish(w->db, &change, &err) < 0)
        abort();
}

static json_t *answer(const struct world *w)
{
    json_t *root = json_loadb((const char *)w->body.ptr, w->body.len, 0, NULL);

    if (root == NULL) {
        (void)printf("# no JSON: %.*s\n", (int)w->body.len, (const char *)w->body.ptr);
        exit(1);
    }
    return root;
}

static double num(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static const char *text(const json_t *o, const char *key)
{
    const char *v = json_string_value(json_object_get(o, key));

    return v == NULL ? "" : v;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fmax(1, fabs(b));
}

static json_t *with(const json_t *list, const char *key, const char *value)
{
    json_t *o;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)list, i, o)
    {
        if (strcmp(text(o, key), value) == 0)
            return o;
    }
    return NULL;
}

static void check_list(struct world *w)
{
    json_t *root, *items;

    CHECK(world_call(w, "GET", T "/other/supply/scores", NULL) == 404, "without a network: 404");
    CHECK(world_call(w, "GET", SCORES "?kind=what", NULL) == 422 && world_has(w, "component"),
          "another kind is refused with those there are");
    CHECK(world_call(w, "GET", SCORES, NULL) == 200, "components");
    root = answer(w);
    items = json_object_get(root, "items");
    CHECK(num(root, "total") == 3 && json_array_size(items) == 3 &&
              strcmp(text(json_array_get(items, 0), "id"), "a") == 0,
          "all three, the one with one site first");
    CHECK(isnan(num(with(items, "id", "c"), "score")) && num(with(items, "id", "c"), "high") > 50 &&
              num(with(items, "id", "c"), "missing") > 0.5,
          "of what nothing is known there is no score, but a range");
    json_decref(root);
    CHECK(world_call(w, "GET", SCORES "?limit=1&after=1&find=chip", NULL) == 200, "a page");
    root = answer(w);
    CHECK(json_array_size(json_object_get(root, "items")) == 1 &&
              strcmp(text(root, "next"), "2") == 0,
          "goes on where it says");
    json_decref(root);
    for (int k = 0; k < FL_SCORE_KINDS; k++) {
        char path[128];

        (void)snprintf(path, sizeof path, SCORES "?kind=%s", fl_score_kind_names[k]);
        CHECK(world_call(w, "GET", path, NULL) == 200, fl_score_kind_names[k]);
    }
}

/* x of a factor once more, from the inputs that the answer gives. */
static double x_again(const json_t *factor)
{
    const json_t *in = json_object_get(factor, "inputs");
    const char *name = text(factor, "factor");

    if (strcmp(name, "sourcing") == 0)
        return num(with(in, "name", "sites"), "value") == 1 ? 1 : (double)NAN;
    if (strcmp(name, "gap") == 0)
        return fmin(1, fmax(0, num(with(in, "name", "ttr_days"), "value") -
                                   num(with(in, "name", "tts_days"), "value")) /
                           90);
    if (strcmp(name, "hazard") == 0)
        return 1 - exp(-3 * num(with(in, "name", "events_per_year"), "value"));
    if (strcmp(name, "lifecycle") == 0)
        return strcmp(text(with(in, "name", "lifecycle"), "value"), "active") == 0 ? 0 : 1;
    if (strcmp(name, "lead_time") == 0)
        return fmin(1, num(with(in, "name", "lead_days"), "value") / 180);
    if (strcmp(name, "supplier") == 0)
        return fmin(1, num(with(in, "name", "parts"), "value") /
                           num(with(in, "name", "parts_in_demand"), "value") / 0.25);
    if (strcmp(name, "country") == 0)
        return num(with(in, "name", "parts"), "value") /
               num(with(in, "name", "parts_in_demand"), "value");
    if (strcmp(name, "freshness") == 0)
        return strcmp(text(with(in, "name", "age_days"), "value"), "never confirmed") == 0
                   ? 1
                   : (double)NAN;
    if (strcmp(name, "custody") == 0)
        return strcmp(text(with(in, "name", "custody_class"), "value"), "standard") == 0 ? 0 : 1;
    return isnan(num(with(in, "name", "stock_units"), "value")) ? 1 : 0;
}

static void check_shown(struct world *w)
{
    double left = 1;
    json_t *root, *f, *row;
    size_t i;

    CHECK(world_call(w, "GET", SCORES "/component/nobody", NULL) == 404, "no such component");
    CHECK(world_call(w, "GET", SCORES "/component/a", NULL) == 200, "one component");
    root = answer(w);
    json_array_foreach(json_object_get(root, "factors"), i, f)
    {
        CHECK(near(x_again(f), num(f, "x")), text(f, "factor"));
        if (!near(x_again(f), num(f, "x")))
            (void)printf("# %g, not %g\n", num(f, "x"), x_again(f));
        left *= 1 - num(f, "weight") * x_again(f);
    }
    CHECK(i == FL_FACTORS && near(100 * (1 - left), num(root, "score")),
          "its rows give the score again");
    f = with(json_object_get(root, "factors"), "factor", "lead_time");
    row = json_array_get(json_object_get(f, "inputs"), 0);
    CHECK(strcmp(text(row, "table"), "parts") == 0 && strcmp(text(row, "key"), "a") == 0,
          "and say which row they are");
    CHECK(json_array_size(json_object_get(root, "would_change")) > 2 &&
              num(json_array_get(json_object_get(root, "would_change"), 0), "change") < 0,
          "what would change it");
    json_decref(root);
    CHECK(world_call(w, "GET", SCORES "/product/box", NULL) == 200, "one product");
    root = answer(w);
    CHECK(json_array_size(json_object_get(root, "worst")) == 3 && num(root, "members") == 3 &&
              near(num(root, "score"),
                   num(json_array_get(json_object_get(root, "worst"), 0), "score")),
          "a product is its worst component");
    json_decref(root);
    CHECK(world_call(w, "GET", SCORES "/site/sendai", NULL) == 200, "one site");
    CHECK(world_call(w, "GET", SCORES "/supplier/s1", NULL) == 200, "one supplier");
}

static double score_of_a(struct world *w)
{
    json_t *root;
    double score;

    (void)world_call(w, "GET", SCORES "/component/a", NULL);
    root = answer(w);
    score = num(root, "score");
    json_decref(root);
    return score;
}

static void check_settings(struct world *w)
{
    double before = score_of_a(w);

    CHECK(world_call(w, "GET", SCORES "/settings", NULL) == 200 && world_has(w, "judgement"),
          "the weights, said to be judgement");
    CHECK(world_call(w, "PATCH", SCORES "/settings", "{\"weights\":{\"sourcing\":2}}") == 422,
          "a weight above 0.95 is refused");
    CHECK(world_call(w, "PATCH", SCORES "/settings", "{\"weights\":{\"luck\":0.2}}") == 422,
          "so is a factor that there is not");
    CHECK(world_call(w, "PATCH", SCORES "/settings",
                     "{\"weights\":{\"sourcing\":0.9},\"stages\":{\"production\":1.5}}") == 200,
          "weights are set");
    CHECK(score_of_a(w) > before, "and count at once");
    CHECK(world_call(w, "PATCH", SCORES "/settings",
                     "{\"weights\":{\"sourcing\":null},\"stages\":{\"production\":null}}") == 200 &&
              near(score_of_a(w), before),
          "null is the preset again");
}

static void check_draft(struct world *w)
{
    json_t *root, *items;

    CHECK(world_call(w, "POST", SCORES "/draft", "{\"name\":\"x.csv\"}") == 422,
          "a draft without a text");
    CHECK(world_call(w, "POST", SCORES "/draft", "{\"text\":\"part\\nx\",\"stage\":\"some\"}") ==
              422,
          "a stage that there is not");
    CHECK(world_call(w, "POST", SCORES "/draft",
                     "{\"text\":\"part,quantity\\na,-2\\n\",\"name\":\"x.csv\"}") == 422 &&
              world_has(w, "line 2, quantity"),
          "a wrong line is named");
    CHECK(world_call(w, "POST", SCORES "/draft",
                     "{\"text\":\"part,quantity,site,lifecycle\\na,1,,\\nnew,1,sendai,obsolete\\n"
                     "who,2,,\\n\",\"name\":\"x.csv\"}") == 200,
          "a draft is scored");
    root = answer(w);
    items = json_object_get(root, "items");
    CHECK(json_array_size(items) == 3 && num(root, "unknown") == 1 && num(root, "proposed") == 1 &&
              strcmp(text(with(items, "id", "new"), "lifecycle"), "obsolete") == 0,
          "with what is new, unknown, at its end");
    CHECK(near(num(with(items, "id", "a"), "score"), 100 * (1 - pow(1 - score_of_a(w) / 100, 2))),
          "at the stage of a concept");
    json_decref(root);
    (void)world_call(w, "GET", SCORES "?find=new", NULL);
    CHECK(world_has(w, "\"total\":0"), "nothing of it is stored");
}

static int count_days(void *ctx, const struct fl_db_score *row)
{
    uint32_t *count = ctx;

    (*count)++;
    return row->score_milli > 0 ? FL_OK : FL_E_CORRUPT;
}

static void check_days(struct world *w, uint32_t tenant)
{
    struct fl_db_score_state state;
    struct fl_err err;
    uint32_t count = 0;

    for (unsigned i = 0; i < 40; i++)
        fl_api_scores_tick(w->api);
    CHECK(fl_db_scores(w->db, tenant, FL_SCORE_COMPONENT, "a", 0, count_days, &count, &err) ==
                  FL_OK &&
              count == 1,
          "today's score is stored");
    CHECK(fl_db_score_state(w->db, tenant, &state, &err) == FL_OK && state.day > 0,
          "and which day it was");
    (void)world_call(w, "GET", SCORES "/component/a", NULL);
    CHECK(world_has(w, "\"trend\":[{\"day\":\""), "it is the trend");
    for (unsigned i = 0; i < 80; i++)
        fl_api_scores_tick(w->api);
    count = 0;
    CHECK(fl_db_scores(w->db, tenant, FL_SCORE_COMPONENT, "a", 0, count_days, &count, &err) ==
                  FL_OK &&
              count == 1,
          "once a day");
}

int main(void)
{
    static struct world w;
    uint32_t demo;

    world_init(&w, 1);
    (void)world_call(&w, "POST", T, "{\"slug\":\"demo\",\"name\":\"Demo\",\"demo\":true}");
    (void)world_call(&w, "POST", T, "{\"slug\":\"other\",\"name\":\"Other\",\"demo\":true}");
    demo = tenant_id(&w, "demo");
    put_network(&w, demo);
    check_list(&w);
    check_shown(&w);
    check_settings(&w);
    check_draft(&w);
    check_days(&w, demo);
    world_done(&w);
    return tap_done();
}
