/* The JSON form of an event: there and back, and what is refused. */
#include "codec/world_event.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/feed.h"
#include "codec/feed_int.h"
#include "tap.h"

static const char whole[] =
    "{\"ids\":[\"usgs:us1\",\"glide:EQ-2025-000001-CHN\"],\"references\":[\"cap:a,b\"],"
    "\"countries\":[\"CN\",\"NP\"],\"ports\":[\"CNSHA\"],\"entities\":[\"Acme \\\"Co\\\"\"],"
    "\"feed\":\"usgs\",\"type\":\"GEO-001\",\"kind\":\"usgs:earthquake\",\"category\":\"geo\","
    "\"title\":\"M 7.1\",\"text\":\"x\",\"place\":\"Tibet\",\"url\":\"https://x.example/\","
    "\"grid\":\"https://x.example/"
    "g\",\"sender\":\"s\",\"urgency\":\"past\",\"severity\":\"extreme\","
    "\"certainty\":\"observed\",\"areas\":\"a\",\"status\":\"exercise\",\"message\":\"update\","
    "\"issued\":\"2025-01-09T17:05:21.636000Z\",\"from\":\"2025-01-07T01:05:16.824000Z\","
    "\"until\":\"2025-01-08T00:00:00.000000Z\",\"signature\":true,\"verified\":true,"
    "\"probability\":0.25,\"days\":30,\"lat\":28.639,\"lon\":87.3608,\"depth_km\":10,"
    "\"magnitude\":7.1,\"mmi\":9.212,\"radius_km\":100,"
    "\"rings\":[{\"points\":[[1,2],[3,4],[5,6]]},{\"hole\":true,\"points\":[[1,2],[2,3],[2,1]]}],"
    "\"circles\":[[1,2,3.5]],\"fixes\":[{\"at\":\"2025-01-07T00:00:00.000000Z\",\"lat\":1,\"lon\":"
    "2,"
    "\"wind_ms\":50,\"radius_km\":[[1,2,3,4],[null,null,null,null],[0,0,0,0]]},"
    "{\"at\":\"2025-01-07T06:00:00.000000Z\",\"forecast\":true,\"lat\":1,\"lon\":2,\"error_km\":90}"
    "],"
    "\"wind_minutes\":10}";

static int read_text(const char *text, struct fl_buf *out, struct fl_err *err)
{
    static struct fl_world_event event;
    struct fl_arena arena;
    struct fl_json json;
    int r;

    fl_arena_init(&arena, (size_t)4 << 20);
    r = fl_world_event_read(fl_span_str(text), &arena, &event, err);
    if (r == FL_OK) {
        fl_json_init(&json, out);
        fl_world_event_write(&event, &json, NULL);
    }
    fl_arena_done(&arena);
    return r;
}

static void test_round(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_err err;

    fl_buf_init(&out, FL_EVENT_JSON_MAX);
    CHECK(read_text(whole, &out, &err) == FL_OK &&
              fl_span_eq(fl_buf_span(&out), fl_span_str(whole)),
          "an event with every member goes there and back");
    fl_buf_clear(&out);
    CHECK(read_text("{\"ids\":[\"a\"]}", &out, &err) == FL_OK &&
              fl_span_eq(fl_buf_span(&out),
                         FL_SPAN("{\"ids\":[\"a\"],\"status\":\"actual\",\"message\":\"alert\"}")),
          "unknown members are left out");
}

static void test_refused(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "line 1"},
        {"[]", "an object is wanted"},
        {"{}", "ids: a name is wanted"},
        {"{\"ids\":[]}", "ids: an array that is not empty"},
        {"{\"ids\":[\"a\"],\"ids\":[\"b\"]}", "duplicate"},
        {"{\"ids\":[1]}", "ids[0]: a text is wanted"},
        {"{\"ids\":[\"a\"],\"colour\":1}", "there is no member 'colour'"},
        {"{\"ids\":[\"a\"],\"title\":\"\"}", "title: 1 to 255 bytes"},
        {"{\"ids\":[\"a\"],\"title\":\"x\\u0007y\"}", "title: control characters"},
        {"{\"ids\":[\"a\"],\"lat\":91,\"lon\":0}", "lat: a number from -90 to 90"},
        {"{\"ids\":[\"a\"],\"lat\":1}", "lat, lon: one is there without the other"},
        {"{\"ids\":[\"a\"],\"from\":\"now\"}", "from: a time of RFC 3339"},
        {"{\"ids\":[\"a\"],\"status\":\"real\"}", "status: none of its words"},
        {"{\"ids\":[\"a\"],\"verified\":true}", "verified: there is no signature"},
        {"{\"ids\":[\"a\"],\"verified\":1}", "verified: true or false"},
        {"{\"ids\":[\"a\"],\"countries\":[\"de\"]}", "countries[0]: two capital letters"},
        {"{\"ids\":[\"a\"],\"rings\":[{\"points\":[[1,2],[3,4]]}]}", "rings[0]: points (three"},
        {"{\"ids\":[\"a\"],\"rings\":[{\"points\":[[1,2],[3,400],[5,6]]}]}",
         "rings[0]: points[1]: "},
        {"{\"ids\":[\"a\"],\"rings\":[{\"hole\":true,\"points\":[[1,2],[3,4],[5,6]]}]}",
         "rings[0]: a hole needs an outside"},
        {"{\"ids\":[\"a\"],\"circles\":[[1,2]]}", "circles[0]: [lat, lon, km]"},
        {"{\"ids\":[\"a\"],\"wind_minutes\":3}", "wind_minutes: 1 or 10"},
        {"{\"ids\":[\"a\"],\"fixes\":[{\"lat\":1,\"lon\":2}],\"wind_minutes\":1}",
         "fixes[0]: at, lat"},
        {"{\"ids\":[\"a\"],\"wind_minutes\":1,\"fixes\":[{\"at\":\"2025-01-07T00:00:00Z\",\"lat\":"
         "1,\"lon\":2},"
         "{\"at\":\"2025-01-06T00:00:00Z\",\"lat\":1,\"lon\":2}]}",
         "fixes[1]: at: before the one in front"},
        {"{\"ids\":[\"a\"],\"fixes\":[{\"at\":\"2025-01-07T00:00:00Z\",\"lat\":1,\"lon\":2}]}",
         "wind_minutes: wanted with fixes"},
    };

    for (size_t i = 0; i < FL_LEN(bad); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf out;
        struct fl_err err = {.text = ""};
        bool good;

        fl_buf_init(&out, FL_EVENT_JSON_MAX);
        good = read_text(bad[i].text, &out, &err) < 0 && strstr(err.text, bad[i].says) != NULL;
        if (!good)
            printf("# %s\n", err.text);
        CHECK(good, bad[i].says);
    }
}

static void test_clean(void)
{
    static const struct {
        const char *text, *clean;
        size_t max;
    } rows[] = {{"  a \t\n b  ", "a b", 99},
                {"a\x01\x7f\xc2\x85z", "a z", 99},
                {"\xff\xfe", "", 99},
                {"Usulut\xc3\xa1n", "Usulut\xc3\xa1n", 99},
                {"Usulut\xc3\xa1n", "Usulut", 7},
                {"ab", "a", 1}};
    struct fl_arena arena;

    fl_arena_init(&arena, 4096);
    for (size_t i = 0; i < FL_LEN(rows); i++)
        CHECK(fl_span_eq(fl_event_clean(&arena, fl_span_str(rows[i].text), rows[i].max),
                         fl_span_str(rows[i].clean)),
              "text is cleaned");
    fl_arena_done(&arena);
}

static void test_thin(void)
{
    static struct fl_event_point points[60000];
    struct fl_event_ring rings[3] = {
        {points, 50000, false}, {points + 50000, 5, false}, {points + 50005, 5, true}};
    static struct fl_world_event event;
    double km;

    for (unsigned i = 0; i < 50000; i++)
        points[i] = (struct fl_event_point){sin(i * 2 * M_PI / 50000), cos(i * 2 * M_PI / 50000)};
    for (unsigned i = 50000; i < 50010; i++)
        points[i] = (struct fl_event_point){1e-5 * (i % 5), 1e-5 * (i % 3)};
    fl_world_event_init(&event);
    event.rings = rings;
    event.ring_count = 3;
    fl_event_thin(&event, &km);
    CHECK(event.ring_count == 1 && event.rings[0].count <= FL_EVENT_POINTS_MAX &&
              event.rings[0].count > 5000,
          "a ring that is too fine is thinned, and what is smaller than the tolerance goes");
    CHECK(km > 0 && km < 0.5, "by as little as is needed");
    fl_event_thin(&event, &km);
    CHECK(km == 0, "what fits is left alone");
    rings[1] = (struct fl_event_ring){points, 2, false};
    rings[2] = (struct fl_event_ring){points + 50005, 5, true};
    event.ring_count = 3;
    fl_event_thin(&event, &km);
    CHECK(event.ring_count == 1, "a hole goes with its outside");
}

static void test_times(void)
{
    static const struct {
        const char *text;
        const char *iso; /* NULL: none */
    } rows[] = {{"Mon, 30 Dec 2019 01:35:11 GMT", "2019-12-30T01:35:11Z"},
                {"30 Dec 2019 01:35:11 +0100", "2019-12-30T00:35:11Z"},
                {"Mon, 30 Dec 2019 01:35:11 -0530", "2019-12-30T07:05:11Z"},
                {"Mon, 31 Feb 2019 01:35:11 GMT", NULL},
                {"Mon, 30 Dec 2019 25:35:11 GMT", NULL},
                {"Mon, 30 Dec 2019 01:35:11 CET", NULL},
                {"2019-12-30", NULL}};
    int64_t us, wanted;

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        bool read = fl_feed_time_822(fl_span_str(rows[i].text), &us);

        CHECK(rows[i].iso == NULL
                  ? !read
                  : read && fl_time_parse(fl_span_str(rows[i].iso), &wanted) && us == wanted,
              rows[i].text);
    }
    CHECK(fl_feed_time(FL_SPAN("2024-10-27T15:00:00"), &us) &&
              fl_time_parse(FL_SPAN("2024-10-27T15:00:00Z"), &wanted) && us == wanted,
          "a time without a zone is UTC");
    CHECK(fl_feed_time(FL_SPAN("2024-10-27 15:00:00.7"), &us) && us == wanted + 700000,
          "with a blank and a fraction");
    CHECK(!fl_feed_time(FL_SPAN("2024-10-27T15:00"), &us), "but with its seconds");
}

static void test_detect(void)
{
    static const struct {
        const char *text;
        int format; /* -1: not known */
    } rows[] = {
        {"{\"type\":\"FeatureCollection\",\"metadata\":{\"url\":\"https://earthquake.usgs.gov/x\"}",
         FL_FEED_USGS},
        {"{\"properties\":{\"eventtype\":\"FL\",\"eventid\":1}}", FL_FEED_GDACS_JSON},
        {" [{\"id\":1}]", FL_FEED_JSON},
        {"\xef\xbb\xbf<?xml?><rss xmlns:gdacs=\"http://www.gdacs.org\">", FL_FEED_GDACS},
        {"<alert/>", FL_FEED_CAP},
        {"66666 1501  032", FL_FEED_JMA},
        {"AL012014,  ARTHUR, 47,", FL_FEED_HURDAT2},
        {"SID,SEASON,NUMBER,BASIN", FL_FEED_IBTRACS},
        {"id;title\n1;x", FL_FEED_CSV},
        {"hello", -1},
        {"", -1}};

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        enum fl_feed_format format;
        bool known = fl_feed_detect(fl_span_str(rows[i].text), &format);

        CHECK(rows[i].format < 0 ? !known : known && (int)format == rows[i].format,
              "a format is told from its first bytes");
    }
}

int main(void)
{
    test_round();
    test_refused();
    test_clean();
    test_thin();
    test_times();
    test_detect();
    return tap_done();
}
