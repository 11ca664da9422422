/*
 * Drills through the api: planned, started on today's network, injects by the clock, answers timed,
 * points with their reasons, actions, the script as CAP; nothing of it is real, nothing leaves.
 * Time moves by where the clock is said to have begun, not by waiting.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/drills.h"
#include "codec/cap.h"
#include "db/db_case.h"
#include "db/db_event.h"
#include "db/db_notice.h"
#include "db/db_people.h"
#include "db/db_supply.h"
#include "fake_keys.h"
#include "tap.h"

#define T      "/api/v1/tenants"
#define D      T "/demo/drills"
#define NOW    INT64_C(1795000000000000)
#define MINUTE INT64_C(60000000)

static struct world w;
static struct fake_keys keys;
static struct fl_err err;
static uint32_t demo;

/* `a` is made in Sendai alone, `b` in Sendai and Dresden; 5 days of `a` in stock, none of `b`. */
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
};

static void die(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, err.text);
    abort();
}

static void put_row(struct fl_db_supply_change *change, enum fl_supply_table table,
                    const char *cells)
{
    struct fl_supply_row row = {.table = table};
    char key[FL_SUPPLY_KEY_MAX + 1];
    struct fl_buf packed;
    unsigned column = 0;

    while (*cells != '\0') {
        size_t len = strcspn(cells, "|");

        row.cell[column++] = fl_span_of(cells, len);
        cells += len + (cells[len] == '|');
    }
    fl_buf_init(&packed, 8192);
    fl_supply_pack(&row, &packed);
    fl_supply_key(&row, key);
    if (fl_db_supply_put(w.db, change, table, fl_span_str(key), fl_buf_span(&packed), &err) < 0)
        die(key);
    fl_buf_done(&packed);
}

static void put_network(void)
{
    struct fl_db_supply_change change = {.tenant = demo, .at_us = NOW, .who = "t", .kind = "edit"};

    while (fl_db_supply_begin(w.db, &change, &err) == FL_E_AGAIN)
        continue;
    for (size_t i = 0; i < FL_LEN(network); i++)
        put_row(&change, network[i].table, network[i].cells);
    if (fl_db_supply_publish(w.db, &change, &err) < 0)
        die("publish");
}

static int call(const char *method, const char *path, const char *body)
{
    int status = world_call(&w, method, path, body);

    if (status >= 400)
        printf("# %s %s: %d %.*s\n", method, path, status,
               (int)(w.body.len < 300 ? w.body.len : 300), (const char *)w.body.ptr);
    return status;
}

static int ask(const char *token, const char *method, const char *path, const char *body)
{
    return fake_ask(&keys, &w, token, "", method, path, body);
}

static json_t *answer(void)
{
    json_t *j = json_loadb((const char *)w.body.ptr, w.body.len, JSON_REJECT_DUPLICATES, NULL);

    return j == NULL ? json_object() : j;
}

static uint32_t id_of_answer(void)
{
    json_t *j = answer();
    uint32_t id = (uint32_t)json_integer_value(json_object_get(j, "id"));

    json_decref(j);
    return id;
}

/* A number somewhere in the last answer: path of members, apart by '.', numbers are indexes. */
static double number(const char *path)
{
    json_t *all = answer();
    const json_t *at = all;
    char word[40];
    double value;

    while (*path != '\0') {
        size_t len = strcspn(path, ".");

        (void)snprintf(word, sizeof word, "%.*s", (int)len, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(word, NULL, 10))
                               : json_object_get(at, word);
        path += len + (path[len] == '.');
    }
    value = json_is_number(at) ? json_number_value(at) : -1;
    json_decref(all);
    return value;
}

static char path_of[200];

static const char *in(uint32_t id, const char *rest)
{
    (void)snprintf(path_of, sizeof path_of, D "/%u%s", id, rest);
    return path_of;
}

/* As if the drill had begun so many minutes earlier. */
static void pass(uint32_t id, int minutes)
{
    struct fl_drill d;

    if (fl_db_drill_get(w.db, demo, id, &d, &err) < 0)
        die("drill");
    d.started_us -= minutes * MINUTE;
    if (fl_db_drill_set(w.db, &d, &err) < 0)
        die("drill");
}

static const char people[] =
    "\"participants\":[{\"user\":\"ann\",\"role\":\"lead\"},{\"name\":\"Bo\",\"role\":"
    "\"sourcing\"}]";
static const char script[] =
    "\"script\":[{\"minute\":30,\"area\":\"tell\",\"title\":\"Third\",\"text\":\"Say it.\",\"to\":["
    "\"lead\"],\"minutes\":10},{\"minute\":5,\"area\":\"detect\",\"title\":\"First\",\"text\":"
    "\"What "
    "is hit?\",\"to\":[],\"minutes\":10},{\"minute\":20,\"area\":\"ask\",\"title\":\"Second\","
    "\"to\":["
    "\"sourcing\"],\"minutes\":15}]";

static uint32_t add(const char *event, const char *more)
{
    char body[3000];

    (void)snprintf(body, sizeof body, "{\"event\":%s,%s,%s%s}", event, people, script, more);
    CHECK(call("POST", D, body) == 201, "a drill is planned");
    return id_of_answer();
}

/* ---- planning ---- */

static void check_refused(void)
{
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"{}", "event is the key"},
        {"{\"event\":\"atlantis\"}", "there is no script"},
        {"{\"event\":\"plain\"}", "no event of its own"},
        {"{\"event\":99}", "there is no event 99"},
        {"{\"event\":\"tohoku-2011\",\"scale\":11}", "scale is"},
        {"{\"event\":\"tohoku-2011\",\"move\":{\"lat\":60}}", "cross a pole"},
        {"{\"event\":\"tohoku-2011\",\"move\":[1]}", "move is an object"},
        {"{\"event\":\"tohoku-2011\",\"seed\":-1}", "seed is a number"},
        {"{\"event\":\"tohoku-2011\",\"script\":[]}", "1 to 60 injects"},
        {"{\"event\":\"tohoku-2011\",\"script\":[{\"minute\":9}]}", "script[0]: script.title"},
        {"{\"event\":\"tohoku-2011\",\"minutes\":9,\"script\":[{\"title\":\"x\",\"minute\":10}]}",
         "beyond the drill's 9"},
        {"{\"event\":\"tohoku-2011\",\"participants\":[{\"user\":\"nobody\"}]}",
         "participants[0]: there is no user"},
        {"{\"event\":\"tohoku-2011\",\"participants\":[{\"name\":\"x\"},{\"name\":\"x\"}]}",
         "participant 'x'"},
        {"{\"event\":{\"title\":\"x\",\"polygon\":[[1,2]]}}", "three or more corners"},
        {"{\"event\":{\"title\":\"x\",\"polygon\":[[91,2],[3,4],[5,6]]}}", "rings[0]"},
        {"{\"event\":{\"title\":\"x\",\"type\":\"ZZZ-001\",\"lat\":1,\"lon\":2}}", "catalogue"},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        int status = world_call(&w, "POST", D, rows[i].body);

        CHECK(status >= 404 && status < 500 && world_has(&w, rows[i].says), rows[i].says);
        if (!world_has(&w, rows[i].says))
            printf("# %.*s\n", (int)w.body.len, (const char *)w.body.ptr);
    }
    CHECK(call("GET", D, NULL) == 200 && world_has(&w, "\"total\":0"), "nothing of it was kept");
}

static void check_plan(void)
{
    uint32_t id = add("\"tohoku-2011\"", ",\"seed\":7,\"draws\":400,\"case\":false");

    CHECK(world_has(&w, "\"number\":\"D-001\"") && world_has(&w, "\"status\":\"exercise\"") &&
              world_has(&w, "\"state\":\"planned\"") && world_has(&w, "\"cost\":null"),
          "it is an exercise, and nothing is calculated yet");
    CHECK(number("injects.0.minute") == 5 && number("injects.2.minute") == 30,
          "injects stand by their minute");
    CHECK(call("POST", in(id, "/pause"), "{}") == 409, "what has not begun is not paused");
    CHECK(call("POST", in(id, "/injects/1/send"), "{}") == 409, "nor are injects sent");
    CHECK(call("PATCH", in(id, ""), "{\"title\":\"Quake\",\"minutes\":60}") == 200 &&
              world_has(&w, "\"title\":\"Quake\"") && world_has(&w, "\"minutes\":60"),
          "a plan can be changed");
    CHECK(call("GET", in(id, "/report"), NULL) == 409, "there is no report yet");
    CHECK(call("GET", T "/other/drills", NULL) == 200 && world_has(&w, "\"total\":0"),
          "another tenant sees nothing");
    (void)snprintf(path_of, sizeof path_of, T "/other/drills/%u", id);
    CHECK(call("GET", path_of, NULL) == 404, "... by its number neither");
    CHECK(call("DELETE", in(id, ""), NULL) == 200 && call("GET", in(id, ""), NULL) == 404,
          "a plan can be removed");
}

/* ---- the same seed, the same figures ---- */

static char *cost_of(uint32_t id)
{
    struct fl_buf text;
    char *ret;

    fl_buf_init(&text, FL_DB_DRILL_TEXT_MAX + 1);
    if (fl_db_drill_text(w.db, id, "cost", &text, &err) < 0)
        die("cost");
    fl_buf_put_u8(&text, 0);
    ret = strdup((const char *)text.ptr);
    fl_buf_done(&text);
    if (ret == NULL)
        abort();
    return ret;
}

static char *cost(const char *event, const char *more, double *ret_p95, double *ret_more)
{
    uint32_t id = add(event, more);

    CHECK(call("POST", in(id, "/cost"), "{}") == 200, "what it would cost is calculated");
    *ret_p95 = number("cost.today.p95");
    *ret_more = number("cost.more.p95");
    return cost_of(id);
}

static void check_replay(void)
{
    static const char stored[] =
        "{\"ids\":[\"test:1\"],\"type\":\"IND-001\",\"title\":\"Fire in Sendai\",\"probability\":"
        "0.5,\"days\":30,\"lat\":38.27,\"lon\":140.87,\"radius_km\":20}";
    struct fl_db_event row = {.first_us = NOW, .changed_us = NOW};
    char event[20];
    double p95, more, other;
    char *a = cost("\"tohoku-2011\"", ",\"seed\":7,\"draws\":400", &p95, &more);
    char *b = cost("\"tohoku-2011\"", ",\"seed\":7,\"draws\":400", &p95, &more);
    char *c = cost("\"tohoku-2011\"", ",\"seed\":8,\"draws\":400", &other, &other);

    CHECK(strcmp(a, b) == 0, "the same seed gives the same drill to the byte");
    CHECK(strcmp(a, c) != 0, "another seed another one");
    CHECK(p95 > 0 && more < p95 && more >= 0, "14 days more in stock cost less");
    free(b);
    free(c);
    b = cost("\"tohoku-2011\"", ",\"seed\":7,\"draws\":400,\"move\":{\"lat\":-30}", &p95, &more);
    CHECK(p95 == 0 && strcmp(a, b) != 0, "moved away it costs nothing");
    free(b);
    b = cost("\"tohoku-2011\"", ",\"seed\":7,\"draws\":400,\"scale\":0.1", &other, &more);
    CHECK(strstr(b, "\"seed\":7") != NULL && strcmp(a, b) != 0, "weaker is another drill");
    free(b);
    b = cost("{\"title\":\"Area\",\"type\":\"IND-001\",\"days\":30,\"probability\":1,\"severity\":"
             "\"extreme\",\"polygon\":[[37,139],[37,142],[40,142],[40,139]]}",
             ",\"seed\":7,\"draws\":400", &p95, &more);
    CHECK(p95 > 0 && strstr(b, "\"Sendai fab\"") != NULL && strstr(b, "Dresden") == NULL,
          "a polygon hits what lies in it");
    free(b);
    if (fl_db_begin(w.db, &err) < 0 ||
        fl_db_event_put(w.db, &row, fl_span_str(stored), "new", "", "", &err) < 0 ||
        fl_db_commit(w.db, &err) < 0)
        die("event");
    (void)snprintf(event, sizeof event, "%u", row.id);
    b = cost(event, ",\"seed\":7,\"draws\":400", &p95, &more);
    CHECK(p95 > 0, "an event that is stored is replayed");
    free(b);
    free(a);
}

/* ---- one drill from start to end ---- */

static void check_hidden(uint32_t id)
{
    CHECK(ask("ann", "GET", in(id, ""), NULL) == 200, "a participant looks");
    CHECK(!world_has(&w, "Second") && !world_has(&w, "First"),
          "what is not out is not told to participants");
    CHECK(world_has(&w, "\"may_run\":false") && number("me") > 0, "... who know who they are");
    CHECK(ask("ann", "GET", in(id, "/injects/1/cap"), NULL) == 404, "... nor as CAP");
    CHECK(ask("ann", "POST", in(id, "/injects/1/answer"), "{\"text\":\"x\"}") == 404,
          "... nor answered");
    CHECK(ask("ann", "POST", in(id, "/end"), "{}") == 403, "nor do they run it");
    CHECK(ask("cid", "GET", in(id, ""), NULL) == 200 && number("me") == -1, "another may look");
    CHECK(ask("cid", "POST", in(id, "/join"), "{}") == 403, "... but takes no part");
    CHECK(call("GET", in(id, ""), NULL) == 200 && world_has(&w, "Second"),
          "whoever runs it sees all");
}

static void check_answers(uint32_t id)
{
    pass(id, 8);
    CHECK(ask("ann", "GET", in(id, ""), NULL) == 200 && world_has(&w, "First") &&
              !world_has(&w, "Second"),
          "what is due is out, by the clock");
    CHECK(ask("ann", "POST", in(id, "/join"), "{}") == 200, "she is there");
    CHECK(ask("ann", "POST", in(id, "/injects/1/answer"), "{\"text\":\"Sendai, chip A\"}") == 201 &&
              world_has(&w, "\"state\":\"in_time\""),
          "an answer in time");
    CHECK(ask("ann", "POST", in(id, "/injects/1/answer"), "{\"text\":\"again\"}") == 409, "once");
    CHECK(ask("ann", "POST", in(id, "/injects/1/answer"), "{\"text\":\"x\",\"person\":2}") >= 400,
          "for oneself alone");
    CHECK(ask("cid", "POST", in(id, "/injects/1/answer"), "{\"text\":\"x\"}") == 403,
          "who takes no part does not answer");
    pass(id, 12); /* minute 20 */
    CHECK(call("GET", in(id, ""), NULL) == 200 && world_has(&w, "\"state\":\"overdue\""),
          "who waits too long is overdue");
    CHECK(call("POST", in(id, "/injects/1/answer"), "{\"text\":\"late\"}") == 403,
          "for whom, is to be said");
}

static uint32_t person(const char *name)
{
    uint32_t id = 0;
    json_t *j;
    const json_t *p;
    size_t i;

    j = answer();
    json_array_foreach(json_object_get(j, "participants"), i, p)
    {
        if (strcmp(json_string_value(json_object_get(p, "name")), name) == 0)
            id = (uint32_t)json_integer_value(json_object_get(p, "id"));
    }
    json_decref(j);
    return id;
}

static void check_pause_and_send(uint32_t id)
{
    char body[100];
    double clock;
    uint32_t bo;

    (void)call("GET", in(id, ""), NULL);
    bo = person("Bo");
    (void)snprintf(body, sizeof body, "{\"text\":\"Asked the second contact\",\"person\":%u}", bo);
    CHECK(call("POST", in(id, "/injects/1/answer"), body) == 201 &&
              world_has(&w, "\"state\":\"late\""),
          "for somebody without an account, late");
    CHECK(call("POST", in(id, "/pause"), "{}") == 200, "the clock is stopped");
    clock = number("clock_s");
    CHECK(call("POST", in(id, "/injects/1/answer"), body) == 409 &&
              call("POST", in(id, "/injects/3/send"), "{}") == 409,
          "... nothing is sent or answered then");
    CHECK(call("POST", in(id, "/start"), "{}") == 200 && number("clock_s") == clock, "it goes on");
    CHECK(call("POST", in(id, "/injects/3/send"), "{}") == 200 && number("injects.2.at_s") == clock,
          "an inject is sent before its minute");
    CHECK(call("POST", in(id, "/injects/3/send"), "{}") == 409, "once");
    CHECK(call("POST", in(id, "/injects/3/answer"), body) == 409, "it does not ask Bo");
}

static void check_grade(uint32_t id)
{
    json_t *j;
    uint32_t first;

    (void)call("GET", in(id, ""), NULL);
    j = answer();
    first = (uint32_t)json_integer_value(
        json_object_get(json_array_get(json_object_get(j, "answers"), 0), "answer"));
    json_decref(j);
    (void)snprintf(path_of, sizeof path_of, D "/%u/answers/%u", id, first);
    CHECK(call("PATCH", path_of, "{\"grade\":\"superb\"}") == 422, "grades are words");
    CHECK(call("PATCH", path_of, "{\"grade\":\"weak\",\"note\":\"no list\"}") == 200 &&
              world_has(&w, "judged weak"),
          "an answer is judged, which is a reason");
    CHECK(ask("ann", "PATCH", path_of, "{\"grade\":\"good\"}") == 403, "not by who gave it");
}

static void check_score(uint32_t id)
{
    pass(id, 30); /* minute 50: all is out, the second one unanswered */
    CHECK(call("POST", in(id, "/end"), "{}") == 200 && world_has(&w, "\"state\":\"ended\""), "end");
    /* detect 20: ann weak 10 x 1/2, Bo late 10 x 1/2; ask 20: missing; tell 15: missing */
    CHECK(number("score.areas.0.earned") == 10 && number("score.areas.2.lost") == 20 &&
              number("score.tested") == 55,
          "points by area; what was not tested does not count");
    CHECK(number("score.points") > 18.18 && number("score.points") < 18.19, "... of 100");
    CHECK(world_has(&w, "inject 2: Bo did not answer") && world_has(&w, "were allowed"),
          "with the reasons");
    CHECK(call("POST", in(id, "/start"), "{}") == 409, "what has ended does not begin again");
    CHECK(call("GET", in(id, "/report"), NULL) == 200 && world_has(&w, "\"exercise\":true"),
          "the report");
}

static void check_actions(uint32_t id)
{
    json_t *j;
    uint32_t n;

    CHECK(call("POST", in(id, "/actions"),
               "{\"text\":\"No second contact at night\",\"inject\":2,\"owner\":\"ann\",\"due\":"
               "\"2026-12-01T00:00:00Z\"}") == 201,
          "a gap becomes an action");
    CHECK(call("POST", in(id, "/actions/raise"), "{\"days\":7}") == 201 &&
              world_has(&w, "\"owner\":\"Bo\"") && world_has(&w, "\"due\":\"2026-11-25T"),
          "each point lost becomes one, with owner and date");
    j = answer();
    n = (uint32_t)json_array_size(json_object_get(j, "actions"));
    json_decref(j);
    CHECK(n == 5, "one for each reason");
    CHECK(call("POST", in(id, "/actions/raise"), "{}") == 201, "again");
    j = answer();
    CHECK(json_array_size(json_object_get(j, "actions")) == n, "... nothing twice");
    (void)snprintf(path_of, sizeof path_of, D "/%u/actions/%u", id,
                   (uint32_t)json_integer_value(
                       json_object_get(json_array_get(json_object_get(j, "actions"), 0), "id")));
    json_decref(j);
    CHECK(call("PATCH", path_of, "{\"done\":true,\"note\":\"named\"}") == 200 &&
              world_has(&w, "\"note\":\"named\""),
          "done");
    CHECK(call("DELETE", path_of, NULL) == 200 && !world_has(&w, "at night"), "removed");
    CHECK(call("DELETE", path_of, NULL) == 404, "once");
}

/* ---- nothing of it is real ---- */

static int read_alert(void *ctx, const struct fl_world_event *event)
{
    struct fl_world_event *ret = ctx;

    *ret = *event;
    return 0;
}

static int refuse_alert(void *ctx, struct fl_span what, const char *why)
{
    (void)ctx;
    printf("# refused %.*s: %s\n", FL_SPAN_ARG(what), why);
    return FL_E_INVAL;
}

static void check_cap(uint32_t id)
{
    const struct fl_feed_source source = {.name = FL_SPAN("test"), .format = FL_FEED_CAP};
    static struct fl_world_event event;
    const struct fl_event_sink sink = {.event = read_alert, .refused = refuse_alert, .ctx = &event};

    CHECK(call("GET", in(id, "/injects/2/cap"), NULL) == 200 &&
              strcmp(w.type, "application/cap+xml") == 0,
          "an inject as CAP");
    CHECK(fl_cap_read(&source, fl_buf_span(&w.body), &sink, &err) >= 0 &&
              event.status == FL_EVENT_EXERCISE,
          "... which our own reader takes, as an exercise");
    CHECK(world_has(&w, "<status>Exercise</status>") && world_has(&w, "<scope>Restricted</scope>"),
          "... as its letter says");
}

static int count_one(void *ctx, const struct fl_notice *notice)
{
    (void)notice;
    (*(unsigned *)ctx)++;
    return 0;
}

static unsigned notices(void)
{
    unsigned count = 0;

    if (fl_db_notices_due(w.db, INT64_MAX, 0, count_one, &count, &err) < 0)
        die("notices");
    return count;
}

static void check_case(uint32_t id)
{
    char path[120];
    uint32_t c;

    (void)call("GET", in(id, ""), NULL);
    c = (uint32_t)number("case");
    (void)snprintf(path, sizeof path, T "/demo/cases/%u", c);
    CHECK(call("GET", path, NULL) == 200 && world_has(&w, "\"exercise\":true") &&
              world_has(&w, "Sendai fab") && world_has(&w, "\"status\":\"potential\""),
          "the drill opened a case, which is an exercise");
    (void)snprintf(path, sizeof path, T "/demo/cases/%u/questions", c);
    CHECK(call("POST", path,
               "{\"site\":\"sendai\",\"to\":\"x@example.com\",\"to_name\":\"X\",\"text\":\"?\"}") <
              300,
          "a question in it");
    CHECK(world_has(&w, "withheld"), "... is written down and kept back");
    (void)snprintf(path, sizeof path, T "/demo/cases/%u/notices", c);
    CHECK(call("POST", path,
               "{\"channel\":\"mail\",\"to\":\"x@example.com\",\"subject\":\"s\",\"body\":\"b\"}") <
              300,
          "a notice");
    CHECK(notices() == 0, "nothing stands in the queue of what leaves");
    CHECK(call("GET", T "/demo/risks?state=all", NULL) == 200 && world_has(&w, "\"total\":0") &&
              call("GET", T "/demo/events", NULL) == 200 && !world_has(&w, "Honshu"),
          "no event, no risk came of it");
}

static void user_add(const char *name, const char *roles)
{
    struct fl_user u = {.tenant = demo, .created_us = 5};

    (void)snprintf(u.name, sizeof u.name, "%s", name);
    (void)snprintf(u.display_name, sizeof u.display_name, "%s", name);
    (void)snprintf(u.roles, sizeof u.roles, "%s", roles);
    if (fl_db_user_add(w.db, &u, &err) < 0)
        die(name);
    (void)fake_session_add(&keys, name, u.id, demo);
}

int main(void)
{
    struct fl_tenant t;
    uint32_t id;

    world_init(&w, 1);
    (void)call("POST", T, "{\"slug\":\"demo\",\"name\":\"Demo\",\"demo\":true}");
    (void)call("POST", T, "{\"slug\":\"other\",\"name\":\"Other\",\"demo\":true}");
    if (fl_db_tenant_get(w.db, "demo", &t, &err) < 0)
        die("demo");
    demo = t.id;
    user_add("ann", "viewer");
    user_add("cid", "viewer");
    CHECK(call("GET", T "/demo/drill-scripts", NULL) == 200 && world_has(&w, "tohoku-2011") &&
              world_has(&w, "mangkhut-2018") && world_has(&w, "\"total\":3"),
          "scripts come with the program");
    check_refused();
    check_plan();
    id = add("\"tohoku-2011\"", ",\"seed\":7,\"draws\":400,\"minutes\":60");
    CHECK(call("POST", in(id, "/start"), "{}") == 404 && world_has(&w, "network"),
          "without a network there is nothing to drill on");
    put_network();
    CHECK(call("POST", in(id, "/start"), "{}") == 200 && world_has(&w, "\"state\":\"running\"") &&
              number("cost.today.p95") > 0,
          "it starts, on today's network");
    check_hidden(id);
    check_answers(id);
    check_pause_and_send(id);
    check_grade(id);
    CHECK(call("DELETE", in(id, ""), NULL) == 409, "what runs is not removed");
    check_score(id);
    check_actions(id);
    check_cap(id);
    check_case(id);
    check_replay();
    world_done(&w);
    return tap_done();
}
