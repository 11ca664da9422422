/* From an event to a ranked risk, what people say of it, and the figures of exposure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/desk.h"
#include "api/work.h"
#include "base/time.h"
#include "codec/world_event.h"
#include "db/db_event.h"
#include "db/db_supply.h"
#include "harness.h"
#include "tap.h"

#define T   "/api/v1/tenants"
#define NOW INT64_C(1795000000000000)
#define DAY INT64_C(86400000000)

/* One product of one assembly of two chips: `a` is made in Sendai alone, `b` in Sendai and Dresden.
 * 10 a day, profit 100, revenue 300 each; 50 of `a` in stock (5 days), none of `b`. */
static const struct {
    enum fl_supply_table table;
    const char *cells; /* apart by '|' */
} network[] = {
    {FL_SUPPLY_SUPPLIERS, "s1|Sendai Micro|JP|1"},
    {FL_SUPPLY_SUPPLIERS, "s2|Elbe Chips|DE|1"},
    {FL_SUPPLY_SITES, "sendai|s1|Sendai fab|38.27|140.87|JP|fab|20|||"},
    {FL_SUPPLY_SITES, "dresden|s2|Dresden fab|51.05|13.74|DE|fab|30|||"},
    {FL_SUPPLY_PARTS, "a|Chip A|chip|50"},
    {FL_SUPPLY_PARTS, "b|Chip B|chip|0"},
    {FL_SUPPLY_PART_SITES, "a|sendai|1|yes"},
    {FL_SUPPLY_PART_SITES, "b|sendai|0.5|yes"},
    {FL_SUPPLY_PART_SITES, "b|dresden|0.5|yes"},
    {FL_SUPPLY_PRODUCTS, "box|Router box|production|10|100|300|0|EUR"},
    {FL_SUPPLY_BOM, "box|a|1"},
    {FL_SUPPLY_BOM, "box|b|2"},
    {FL_SUPPLY_REVENUE, "box|2026-Q4|direct|184000|EUR"},  /* 2,000 a day */
    {FL_SUPPLY_REVENUE, "box|2026-11|partners|30000|USD"}, /* 1,000 a day, USD */
    {FL_SUPPLY_RATES, "USD|2026-01-01|0.5"},
    {FL_SUPPLY_RATES, "USD|2026-11-20|0.8"},
};

static uint32_t tenant_id(struct world *w, const char *slug)
{
    struct fl_tenant t;
    struct fl_err err;

    if (fl_db_tenant_get(w->db, slug, &t, &err) < 0)
        abort();
    return t.id;
}

static void die(const char *what, const struct fl_err *err)
{
    (void)fprintf(stderr, "%s: %s\n", what, err->text);
    abort();
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
        die(key, &err);
    fl_buf_done(&packed);
}

static void change_begin(struct world *w, uint32_t tenant, struct fl_db_supply_change *change)
{
    struct fl_err err;

    *change = (struct fl_db_supply_change){.tenant = tenant, .at_us = NOW};
    (void)snprintf(change->who, sizeof change->who, "test");
    (void)snprintf(change->kind, sizeof change->kind, "edit");
    while (fl_db_supply_begin(w->db, change, &err) == FL_E_AGAIN)
        continue;
    if (change->number == 0)
        die("begin", &err);
}

static void put_network(struct world *w, uint32_t tenant)
{
    struct fl_db_supply_change change;
    struct fl_err err;

    change_begin(w, tenant, &change);
    for (size_t i = 0; i < FL_LEN(network); i++)
        put_row(w, &change, network[i].table, network[i].cells);
    if (fl_db_supply_publish(w->db, &change, &err) < 0)
        die("publish", &err);
}

static uint32_t put_event(struct world *w, uint32_t tenant, uint32_t id, const char *json)
{
    struct fl_db_event row = {.id = id, .tenant = tenant};
    struct fl_world_event event;
    struct fl_arena arena;
    struct fl_err err;

    fl_arena_init(&arena, (size_t)4 << 20);
    if (fl_world_event_read(fl_span_str(json), &arena, &event, &err) < 0)
        die("event", &err);
    if (id != 0 && fl_db_event_get(w->db, id, &row, NULL, &err) < 0)
        die("event", &err);
    fl_db_event_fill(&row, &event);
    row.first_us = row.changed_us = NOW;
    row.withdrawn_us = event.message == FL_EVENT_CANCEL ? NOW : 0;
    if (fl_db_begin(w->db, &err) < 0 ||
        fl_db_event_put(w->db, &row, fl_span_str(json), "new", "", "", &err) < 0 ||
        fl_db_commit(w->db, &err) < 0)
        die("event", &err);
    fl_arena_done(&arena);
    fl_api_event_changed(w->api, row.id);
    return row.id;
}

/* Everything in a circle around Sendai, for certain: the fab is out for ten days. */
#define QUAKE                                                                                      \
    "{\"ids\":[\"test:1\"],\"type\":\"IND-001\",\"title\":\"Fire in Sendai\",\"status\":"          \
    "\"actual\",\"message\":\"alert\",\"issued\":\"2026-11-18T00:00:00Z\",\"from\":"               \
    "\"2026-11-18T00:00:00Z\",\"probability\":0.8,\"days\":10,\"lat\":38.27,\"lon\":140.87,"       \
    "\"radius_km\":20}"

static double number(const struct world *w, const char *name)
{
    char key[64];
    const char *at;

    (void)snprintf(key, sizeof key, "\"%s\":", name);
    at = memmem(w->body.ptr, w->body.len, key, strlen(key));
    return at == NULL ? NAN : strtod(at + strlen(key), NULL);
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fmax(1, fabs(b));
}

static json_t *answer(const struct world *w)
{
    return json_loadb((const char *)w->body.ptr, w->body.len, JSON_REJECT_DUPLICATES, NULL);
}

static double member(const json_t *o, const char *name)
{
    return json_is_number(json_object_get(o, name)) ? json_number_value(json_object_get(o, name))
                                                    : NAN;
}

static const json_t *first_item(const json_t *list)
{
    return json_array_get(json_object_get(list, "items"), 0);
}

/* ---- a network is loaded, and questions to it ---- */

static void check_exposure(struct world *w)
{
    json_t *a;
    const json_t *top;

    CHECK(world_call(w, "GET", T "/demo/supply/exposure?per=site", "") == 200, "exposure is told");
    a = answer(w);
    top = first_item(a);
    CHECK(strcmp(json_string_value(json_object_get(top, "id")), "sendai") == 0 &&
              near(member(top, "tts_days"), 5) && near(member(top, "lost_profit"), 15000) &&
              near(member(top, "gap_days"), 15) && near(member(top, "rei"), 1),
          "the site without which nothing is made comes first: 15 days at 1,000");
    CHECK(world_has(w, "\"flags\":[\"sole\",\"single_site\",\"gap\"]"),
          "... what is made there alone, and nowhere else, is flagged");
    json_decref(a);
    CHECK(world_call(w, "GET", T "/demo/supply/exposure?per=site", "") == 200 &&
              number(w, "net_version") == 1,
          "the same question again is answered from what was kept");
    CHECK(world_call(w, "GET", T "/demo/supply/exposure?per=node", "") == 200 &&
              world_has(w, "\"a@sendai\"") && world_has(w, "\"b@dresden\""),
          "per node: parts at sites");
    CHECK(world_call(w, "GET", T "/demo/supply/exposure?per=roof", "") == 422 &&
              world_has(w, "per is site or node"),
          "another grouping is refused");
    CHECK(world_call(w, "GET", T "/demo/supply/exposure/curve?sites=sendai&until=20", "") == 200,
          "the curve of a site");
    a = answer(w);
    CHECK(near(member(a, "tts_days"), 5) && near(member(a, "ttr_days"), 20) &&
              near(member(a, "lost_profit"), 15000),
          "... has its time to survive and its loss");
    CHECK(json_array_size(json_object_get(a, "days")) ==
                  json_array_size(json_object_get(a, "profit")) &&
              json_array_size(json_object_get(a, "days")) ==
                  json_array_size(json_object_get(a, "upper")),
          "... days, profit and upper side belong together");
    CHECK(world_has(w, "\"table\":\"parts\",\"key\":\"a\"") &&
              world_has(w, "\"table\":\"part_sites\",\"key\":\"a@sendai\"") &&
              world_has(w, "\"table\":\"products\",\"key\":\"box\"") &&
              !world_has(w, "\"key\":\"b@dresden\""),
          "... and the rows that bind, no others");
    json_decref(a);
    CHECK(world_call(w, "GET", T "/demo/supply/exposure/curve?sites=nowhere", "") == 422 &&
              world_has(w, "there is no site 'nowhere'"),
          "a site that is not there is named");
    CHECK(world_call(w, "GET", T "/demo/supply/exposure/curve", "") == 422,
          "nothing down: refused");
    CHECK(world_call(w, "GET", T "/demo/supply/exposure/curve?nodes=b@dresden", "") == 200 &&
              world_has(w, "\"tts_days\":null"),
          "a node that another replaces has no exposure: null");
}

static void check_graph(struct world *w)
{
    CHECK(world_call(w, "GET", T "/demo/supply/graph?fold=none", "") == 200 &&
              world_has(w, "{\"from\":\"product:box\",\"to\":\"part:b\",\"value\":20,") &&
              world_has(w, "{\"from\":\"part:b\",\"to\":\"site:dresden\",\"value\":10,") &&
              world_has(w, "{\"from\":\"site:sendai\",\"to\":\"supplier:s1\",\"value\":20,"),
          "the graph has what flows a day");
    CHECK(world_call(w, "GET", T "/demo/supply/graph?product=box", "") == 200 &&
              world_has(w, "{\"from\":\"product:box\",\"to\":\"class:chip\",\"value\":30,"),
          "... folded by class");
    CHECK(world_call(w, "GET", T "/demo/supply/graph?product=sock", "") == 404,
          "... of a product that is there");
}

static void check_concentration(struct world *w)
{
    CHECK(world_call(w, "GET", T "/demo/supply/concentration?product=box", "") == 200 &&
              world_has(w, "\"level\":\"site\"") &&
              world_has(w, "{\"part\":\"a\",\"name\":\"Chip A\",\"class\":\"chip\",\"suppliers\":1,"
                           "\"flags\":[\"sole_source\""),
          "concentration names the part that one supplier alone makes");
    CHECK(world_call(w, "GET", T "/demo/supply/concentration?product=sock", "") == 404,
          "... of a product that is there");
}

static void check_simulation(struct world *w)
{
    struct fl_buf once;

    fl_buf_init(&once, (size_t)1 << 20);
    CHECK(world_call(w, "POST", T "/demo/supply/simulate", "{\"years\":500,\"seed\":7}") == 200 &&
              world_has(w, "\"p95\":") && world_has(w, "\"exceedance\":[["),
          "years are simulated");
    fl_buf_put_span(&once, fl_buf_span(&w->body));
    CHECK(world_call(w, "POST", T "/demo/supply/simulate",
                     "{\"years\":500,\"seed\":7,\"threads\":3}") == 200,
          "... on three threads");
    {
        json_t *a = json_loadb((const char *)once.ptr, once.len, 0, NULL), *b = answer(w);

        (void)json_object_del(a, "elapsed_ms");
        (void)json_object_del(b, "elapsed_ms");
        CHECK(a != NULL && json_equal(a, b), "... with the same answer");
        json_decref(a);
        json_decref(b);
    }
    CHECK(world_call(w, "POST", T "/demo/supply/simulate", "{\"years\":5}") == 422,
          "five years are too few");
    fl_buf_done(&once);
}

/* ---- the pipeline ---- */

static uint32_t check_new(struct world *w, uint32_t *ret_event)
{
    json_t *a;
    const json_t *top;
    uint32_t id;

    *ret_event = put_event(w, 0, 0, QUAKE);
    CHECK(world_call(w, "GET", T "/demo/risks", "") == 200 && number(w, "total") == 1,
          "an event that hits the network is a risk at once");
    a = answer(w);
    top = first_item(a);
    id = (uint32_t)member(top, "id");
    CHECK(member(top, "rank") == 1 && near(member(top, "probability"), 0.8) &&
              member(top, "sites") == 1 && member(top, "parts") == 2 &&
              member(top, "sole_parts") == 1,
          "... with its rank, probability, sites and parts");
    CHECK(strcmp(json_string_value(json_object_get(json_object_get(top, "first"), "product")),
                 "box") == 0 &&
              near(member(json_object_get(top, "first"), "tts_days"), 5),
          "... what stops first, and after how many days");
    CHECK(world_has(w, "Router box lasts 5.0 days") && world_has(w, "no other source"),
          "... and why, in one line");
    json_decref(a);
    return id;
}

/* Every figure again from what it rests on. */
static void check_recomputed(struct world *w, uint32_t id)
{
    char path[100];
    json_t *a;
    const json_t *levels, *hit;
    double sum = 0;

    (void)snprintf(path, sizeof path, T "/demo/risks/%u", id);
    CHECK(world_call(w, "GET", path, "") == 200, "a risk opens");
    a = answer(w);
    levels = json_object_get(a, "levels");
    for (size_t k = 0; k < json_array_size(levels); k++) {
        const json_t *level = json_array_get(levels, k), *next = json_array_get(levels, k + 1);
        double q = member(level, "probability") - (next == NULL ? 0 : member(next, "probability"));

        sum += q * (member(level, "low") + 4 * member(level, "likely") + member(level, "high")) / 6;
    }
    CHECK(json_array_size(levels) > 0 && fabs(sum - member(a, "net_loss")) < 0.01,
          "... its net loss is the formula's of its levels");
    hit = json_array_get(json_object_get(a, "hits"), 0);
    CHECK(near(member(json_array_get(levels, 0), "likely"),
               1000 *
                   fmax(0, json_number_value(json_array_get(json_object_get(hit, "down_days"), 1)) -
                               5)),
          "... the likely loss is 1,000 for each day without stock");
    CHECK(world_has(w, "\"footprint\":{\"type\":\"FeatureCollection\"") &&
              world_has(w, "\"versions\":[{") && world_has(w, "\"rows_used\":[{") &&
              world_has(w, "\"history\":[{"),
          "... with footprint, versions, rows and history");
    json_decref(a);
}

static double revenue_of_row(const json_t *row)
{
    int32_t from = 0, to = 0;
    bool dated =
        fl_day_parse(fl_span_str(json_string_value(json_object_get(row, "from"))), &from) &&
        fl_day_parse(fl_span_str(json_string_value(json_object_get(row, "to"))), &to);

    return dated ? member(row, "amount") * member(row, "rate") / (to - from) : NAN;
}

/* Revenue at risk again from its rows alone, for a network with one product. */
static void check_revenue(const json_t *r, double days, double lost_days, double per_day)
{
    const json_t *rows = json_object_get(r, "rows_used");
    const json_t *product = json_array_get(json_object_get(r, "products"), 0);
    double sum = 0;

    for (size_t i = 0; i < json_array_size(rows); i++)
        sum += revenue_of_row(json_array_get(rows, i)) * member(json_array_get(rows, i), "days");
    sum /= member(product, "covered_days");
    CHECK(json_array_size(rows) == 2 && near(sum, per_day),
          "revenue a day: all rows, each at the rate of its own date");
    CHECK(near(member(r, "horizon_days"), days) && near(member(r, "gross"), sum * days),
          "... gross: all of it, once, for the days");
    CHECK(near(member(r, "net"), sum * lost_days) && near(member(r, "timed"), sum * lost_days),
          "... net: of the days that stock does not last");
    CHECK(near(member(r, "delayed"), member(r, "net") * member(product, "backlog_share")) &&
              json_is_null(json_object_get(r, "problem")),
          "... delayed: the share of backlog");
}

static void check_revenues(struct world *w, uint32_t id)
{
    char path[100];
    double high;
    json_t *a;

    (void)snprintf(path, sizeof path, T "/demo/risks/%u", id);
    CHECK(world_call(w, "GET", path, "") == 200, "a risk has its revenue");
    a = answer(w);
    high = json_number_value(json_array_get(
        json_object_get(json_array_get(json_object_get(a, "hits"), 0), "down_days"), 2));
    /* partners' sales end with November: the 13 days from the 18th on */
    check_revenue(json_object_get(a, "revenue"), high, high - 5,
                  2000 + 800 * fmin(13, ceil(high)) / ceil(high));
    json_decref(a);
    CHECK(world_call(w, "GET", T "/demo/supply/exposure/curve?sites=sendai", "") == 200,
          "... and so has a site that is down");
    a = answer(w);
    check_revenue(json_object_get(a, "revenue_at_risk"), 20, 15, 2000 + 800 * 13 / 20.0);
    json_decref(a);
}

/* What is said in the case of a risk is in its figures a tick later. */
static void check_case(struct world *w, uint32_t id)
{
    char path[100], body[64], site[120], risk[100];
    json_t *a;

    (void)snprintf(risk, sizeof risk, T "/demo/risks/%u", id);
    (void)snprintf(body, sizeof body, "{\"risk\":%u}", id);
    CHECK(world_call(w, "POST", T "/demo/cases", body) == 201, "a case of a risk");
    (void)snprintf(path, sizeof path, T "/demo/cases/%.0f", number(w, "id"));
    (void)snprintf(site, sizeof site, "%s/sites/sendai", path);
    fl_api_desk_tick(w->api);
    CHECK(world_call(w, "GET", risk, "") == 200 && number(w, "confirmed") == 0 &&
              near(number(w, "case"), strtod(strrchr(path, '/') + 1, NULL)),
          "... is named there; nothing is confirmed");
    CHECK(world_call(w, "PATCH", site, "{\"status\":\"confirmed\",\"days\":8}") == 200,
          "its site is confirmed to be down for 8 days");
    fl_api_desk_tick(w->api);
    CHECK(world_call(w, "GET", risk, "") == 200 && near(number(w, "confirmed"), 3 * 10 * 300.0),
          "... revenue of 3 days is: stock lasts 5");
    a = answer(w);
    CHECK(near(member(json_array_get(json_object_get(json_object_get(a, "confirmed_from"), "sites"),
                                     0),
                      "days"),
               8),
          "... which says from what");
    json_decref(a);
    CHECK(world_call(w, "PATCH", site, "{\"status\":\"restored\"}") == 200, "it is restored");
    fl_api_desk_tick(w->api);
    CHECK(world_call(w, "GET", risk, "") == 200 && number(w, "confirmed") == 0,
          "... and no more is confirmed");
    CHECK(world_call(w, "PATCH", path, "{\"state\":\"void\",\"reason\":\"a test\"}") == 200,
          "the case is void");
    fl_api_desk_tick(w->api);
    CHECK(world_call(w, "GET", risk, "") == 200 && world_has(w, "\"case\":null"),
          "... the risk has none");
}

static void check_mute(struct world *w, uint32_t id, uint32_t event)
{
    char path[100];

    (void)snprintf(path, sizeof path, T "/demo/risks/%u", id);
    CHECK(world_call(w, "PATCH", path, "{\"muted_until\":\"2026-12-01T00:00:00Z\"}") == 422 &&
              world_has(w, "mute_reason"),
          "a mute needs its reason");
    CHECK(world_call(w, "PATCH", path,
                     "{\"muted_until\":\"2020-12-01T00:00:00Z\",\"mute_reason\":\"x\"}") == 422,
          "... and a time to come");
    CHECK(world_call(w, "PATCH", path,
                     "{\"muted_until\":\"2026-12-01T00:00:00Z\",\"mute_reason\":\"known\","
                     "\"mute_above\":0.85}") == 200 &&
              world_has(w, "\"reason\":\"known\",\"by\":\"uid:1000\",\"above\":0.85"),
          "muted, with who and why");
    CHECK(world_call(w, "GET", T "/demo/risks", "") == 200 && number(w, "total") == 0 &&
              number(w, "muted") == 1,
          "what is muted is counted, not shown");
    CHECK(world_call(w, "GET", T "/demo/risks?state=muted", "") == 200 && number(w, "total") == 1,
          "... and has a list of its own");
    (void)put_event(w, 0, event,
                    "{\"ids\":[\"test:1\"],\"type\":\"IND-001\",\"title\":\"Fire in Sendai\","
                    "\"status\":\"actual\",\"message\":\"update\",\"issued\":\"2026-11-18T01:00:00Z"
                    "\",\"from\":\"2026-11-18T00:00:00Z\",\"probability\":0.95,\"days\":10,"
                    "\"lat\":38.27,\"lon\":140.87,\"radius_km\":20}");
    CHECK(world_call(w, "GET", T "/demo/risks", "") == 200 && number(w, "total") == 1,
          "a probability above that of the mute ends it");
    CHECK(world_call(w, "GET", path, "") == 200 && world_has(w, "\"what\":\"unmuted\"") &&
              world_has(w, "95 %, above the 85 %"),
          "... which its history tells");
}

static void check_verdict(struct world *w, uint32_t id)
{
    char path[100];

    (void)snprintf(path, sizeof path, T "/demo/risks/%u", id);
    CHECK(world_call(w, "GET", T "/demo/risks/precision?weeks=2", "") == 200 &&
              world_has(w, "\"confirmed\":0,\"false\":0,\"total\":1,\"share\":null"),
          "nothing judged: no share");
    CHECK(world_call(w, "PATCH", path, "{\"verdict\":\"perhaps\"}") == 422,
          "perhaps is no verdict");
    CHECK(world_call(w, "PATCH", path, "{\"verdict\":\"confirmed\"}") == 200 &&
              world_has(w, "\"verdict\":\"confirmed\",\"verdict_by\":\"uid:1000\""),
          "confirmed, by whom");
    CHECK(world_call(w, "GET", T "/demo/risks/precision?weeks=2", "") == 200 &&
              world_has(w, "\"confirmed\":1,\"false\":0,\"total\":1,\"share\":1"),
          "... and counted in its week");
}

static void check_not_shown(struct world *w, uint32_t id)
{
    uint32_t far = put_event(
        w, 0, 0,
        "{\"ids\":[\"test:2\"],\"type\":\"IND-001\",\"title\":\"Fire in "
        "Lima\",\"status\":\"actual\""
        ",\"message\":\"alert\",\"issued\":\"2026-11-18T00:00:00Z\",\"from\":\"2026-11-18T00:00:00Z"
        "\",\"probability\":1,\"days\":10,\"lat\":-12.05,\"lon\":-77.04,\"radius_km\":20}");

    CHECK(world_call(w, "GET", T "/demo/risks?state=untouched", "") == 200 &&
              number(w, "total") == 1 && world_has(w, "no site within reach"),
          "an event elsewhere touches nothing, and says so");
    CHECK(world_call(w, "GET", T "/demo/risks", "") == 200 && number(w, "total") == 1 &&
              number(w, "received_24h") == 2 && number(w, "untouched") == 1,
          "... it is received, and not shown");
    CHECK(world_call(w, "PATCH", T "/demo/risks/settings", "{\"small\":1e9}") == 200,
          "what is small is a setting");
    CHECK(world_call(w, "GET", T "/demo/risks", "") == 200 && number(w, "total") == 0 &&
              world_has(w, "\"small\":1,"),
          "... that counts at once");
    CHECK(world_call(w, "PATCH", T "/demo/risks/settings", "{\"small\":-1}") == 422,
          "... from 0 on");
    CHECK(world_call(w, "PATCH", T "/demo/risks/settings", "{\"small\":0}") == 200 &&
              number(w, "small") == 0 && number(w, "alarm_above") == 100000,
          "none is small; an alarm is as it was");
    CHECK(world_call(w, "PATCH", T "/demo/risks/settings", "{\"alarm_above\":2500.5}") == 200 &&
              world_call(w, "GET", T "/demo/risks/settings", "") == 200 &&
              number(w, "small") == 0 && number(w, "alarm_above") == 2500.5,
          "what is an alarm is a setting of its own");
    CHECK(world_call(w, "PATCH", T "/demo/risks/settings", "{\"alarm_above\":null}") == 200 &&
              world_has(w, "\"alarm_above\":null"),
          "none is");
    CHECK(world_call(w, "PATCH", T "/demo/risks/settings", "{\"alarm_above\":\"x\"}") == 422 &&
              world_has(w, "alarm_above is an amount"),
          "an amount or null");
    (void)id;
    (void)far;
}

static void check_change(struct world *w, uint32_t tenant, uint32_t id)
{
    struct fl_db_supply_change change;
    struct fl_err err;
    char path[100];

    (void)snprintf(path, sizeof path, T "/demo/risks/%u", id);
    change_begin(w, tenant, &change);
    put_row(w, &change, FL_SUPPLY_PARTS, "a|Chip A|chip|1000");
    if (fl_db_supply_publish(w->db, &change, &err) < 0)
        die("publish", &err);
    fl_api_desk_tick(w->api);
    CHECK(world_call(w, "GET", path, "") == 200 && number(w, "net_version") == 2 &&
              near(number(w, "net_loss"), 0) && world_has(w, "stock and other sources last"),
          "more stock in the network: the risk is calculated again");
}

static void check_end(struct world *w, uint32_t id, uint32_t event)
{
    char path[100];

    (void)snprintf(path, sizeof path, T "/demo/risks/%u", id);
    (void)put_event(w, 0, event,
                    "{\"ids\":[\"test:1\"],\"type\":\"IND-001\",\"title\":\"Fire in Sendai\","
                    "\"status\":\"actual\",\"message\":\"cancel\",\"issued\":\"2026-11-18T02:00:00Z"
                    "\",\"probability\":0.95,\"lat\":38.27,\"lon\":140.87,\"radius_km\":20}");
    CHECK(world_call(w, "GET", path, "") == 200 && world_has(w, "\"state\":\"ended\"") &&
              world_has(w, "the event was withdrawn"),
          "an event that is withdrawn ends its risk, which stays readable");
}

static void check_others(struct world *w, uint32_t id)
{
    char path[100];

    (void)snprintf(path, sizeof path, T "/other/risks/%u", id);
    CHECK(world_call(w, "GET", T "/other/risks", "") == 200 && number(w, "total") == 0,
          "another tenant has no risks");
    CHECK(world_call(w, "GET", path, "") == 404, "... and does not see this one");
    CHECK(world_call(w, "GET", T "/other/supply/exposure", "") == 404 &&
              world_has(w, "no network of supply yet"),
          "without a network there is no exposure, and it says what to do");
    CHECK(world_call(w, "GET", T "/shut/risks", "") == 403 && world_has(w, "--local-access"),
          "the machine's socket sees no tenant that has not let it");
}

static void check_restart(struct world *w, uint32_t tenant)
{
    struct fl_err err;
    struct fl_api *api = w->api;
    struct fl_db *db = w->db;
    uint32_t id;

    /* An event that came while nobody calculated: as after a crash. */
    fl_api_desk_free(api);
    id = put_event(w, 0, 0,
                   "{\"ids\":[\"test:3\"],\"type\":\"IND-001\",\"title\":\"Fire in Dresden\","
                   "\"status\":\"actual\",\"message\":\"alert\",\"issued\":\"2026-11-18T00:00:00Z"
                   "\",\"from\":\"2026-11-18T00:00:00Z\",\"probability\":1,\"days\":10,\"lat\":"
                   "51.05,\"lon\":13.74,\"radius_km\":20}");
    {
        struct fl_risk risk;

        CHECK(fl_db_risk_of(db, tenant, id, &risk, &err) == FL_E_NOENT, "nobody calculated it");
        fl_api_desk_tick(api);
        CHECK(fl_db_risk_of(db, tenant, id, &risk, &err) == FL_OK, "the next beginning does");
        fl_api_desk_free(api);
        (void)put_event(w, 0, id,
                        "{\"ids\":[\"test:3\"],\"type\":\"IND-001\",\"title\":\"Fire in Dresden\","
                        "\"status\":\"actual\",\"message\":\"cancel\",\"issued\":"
                        "\"2026-11-18T03:00:00Z\",\"lat\":51.05,\"lon\":13.74}");
        fl_api_desk_tick(api);
        CHECK(fl_db_risk_of(db, tenant, id, &risk, &err) == FL_OK && risk.state == FL_RISK_ENDED,
              "... and ends what was withdrawn meanwhile");
    }
}

int main(void)
{
    static struct world w;
    uint32_t demo, event = 0, id;

    world_init(&w, 1);
    (void)world_call(&w, "POST", T, "{\"slug\":\"demo\",\"name\":\"Demo\",\"demo\":true}");
    (void)world_call(&w, "POST", T, "{\"slug\":\"other\",\"name\":\"Other\",\"demo\":true}");
    (void)world_call(&w, "POST", T, "{\"slug\":\"shut\",\"name\":\"Shut\"}");
    demo = tenant_id(&w, "demo");
    put_network(&w, demo);
    fl_api_desk_tick(w.api);
    check_exposure(&w);
    check_graph(&w);
    check_concentration(&w);
    check_simulation(&w);
    id = check_new(&w, &event);
    check_recomputed(&w, id);
    check_revenues(&w, id);
    check_case(&w, id);
    check_mute(&w, id, event);
    check_verdict(&w, id);
    check_not_shown(&w, id);
    check_others(&w, id);
    check_change(&w, demo, id);
    check_end(&w, id, event);
    check_restart(&w, demo);
    world_done(&w);
    return tap_done();
}
