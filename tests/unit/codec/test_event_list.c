/* Lists of events with a mapping: JSON and CSV. */
#include "codec/event_list.h"
#include "feed_help.h"

static const struct feed_case json[] = {
    {"our own names",
     "[{\"id\":\"7\",\"title\":\"Fire\",\"type\":\"IND-001\",\"lat\":1.5,\"lon\":2,\"entity\":["
     "\"Acme\"],"
     "\"from\":1795291471,\"country\":\"DEU,FR\"}]",
     1,
     0,
     {"\"ids\":[\"test:7\"]", "\"entities\":[\"Acme\"]", "\"countries\":[\"DE\",\"FR\"]",
      "\"from\":\"2026-11-21T", "\"lat\":1.5,\"lon\":2"}},
    {"a bad row is named, the others stand",
     "[{\"id\":1,\"title\":\"a\"},{\"id\":2,\"title\":\"b\",\"lat\":\"north\"},{\"id\":3,\"title\":"
     "\"c\"}]",
     2,
     1,
     {"[1]: lat: 'north': no number within its limits"}},
    {"no id", "[{\"title\":\"x\"}]", 0, 1, {"[0]: id: '': a name is wanted"}},
    {"neither title nor type", "[{\"id\":1}]", 0, 1, {"a title or a type is wanted"}},
    {"half a place",
     "[{\"id\":1,\"title\":\"x\",\"lat\":1}]",
     0,
     1,
     {"latitude and longitude are wanted together"}},
    {"a country that is none",
     "[{\"id\":1,\"title\":\"x\",\"country\":\"QQ\"}]",
     0,
     1,
     {"country: 'QQ': no country of ISO 3166-1"}},
    {"until before from",
     "[{\"id\":1,\"title\":\"x\",\"from\":\"2026-01-02\",\"until\":\"2026-01-01\"}]",
     0,
     1,
     {"until: '': before from"}},
    {"a time that is none",
     "[{\"id\":1,\"title\":\"x\",\"from\":\"soon\"}]",
     0,
     1,
     {"from: 'soon': no time"}},
    {"a cancel of an exercise",
     "[{\"id\":1,\"title\":\"x\",\"message\":\"Cancel\",\"status\":\"Exercise\"}]",
     1,
     0,
     {"\"status\":\"exercise\",\"message\":\"cancel\""}},
    {"an object as a text",
     "[{\"id\":{},\"title\":\"x\"}]",
     0,
     1,
     {"a text or a number is wanted"}},
    {"no array", "{\"a\":1}", 0, 0, {"there is no array of events"}},
};

static const struct feed_case csv[] = {
    {"our own names, any order, others passed over",
     "title,x,id,lat,lon,probability\nFire,1,a,1,2,0.5\nFlood,2,b,,,\n",
     2,
     0,
     {"\"ids\":[\"test:a\"]", "\"probability\":0.5", "\"ids\":[\"test:b\"]"}},
    {"a probability of 5",
     "id,title,probability\na,x,5\n",
     0,
     1,
     {"line 2: probability: '5': no number within its limits"}},
    {"no column id", "title\nx\n", 0, 0, {"line 1: there is no column 'id'"}},
    {"empty", "", 0, 0, {"it is empty"}},
};

static void mapped(enum fl_feed_format format, const char *map_text, const char *text,
                   struct feed_got *got)
{
    struct fl_event_map *map = NULL;
    struct fl_feed_source source = {.name = FL_SPAN("m"), .format = format};
    struct fl_err err;

    CHECK(fl_event_map_new(fl_span_str(map_text), &map, &err) == FL_OK,
          "the mapping is understood");
    source.map = map;
    feed_got_init(got);
    feed_read(&source, fl_span_str(text), got);
    fl_event_map_free(map);
}

static void test_map(void)
{
    struct feed_got got;

    mapped(FL_FEED_JSON,
           "items = data.rows; id = ref\n title=head.en; lat=pos.1; lon=pos.0; type='IND-001'",
           "{\"data\":{\"rows\":[{\"ref\":5,\"head\":{\"en\":\"Fire\"},\"pos\":[7,8]}]}}", &got);
    CHECK(got.event_count == 1 && feed_has(&got.events, "\"ids\":[\"m:5\"]") &&
              feed_has(&got.events, "\"type\":\"IND-001\"") &&
              feed_has(&got.events, "\"lat\":8,\"lon\":7"),
          "paths, places in arrays and constants");
    feed_got_done(&got);
    mapped(FL_FEED_CSV, "id=Ref No; title=Head; type='LAB-001'", "Head;Ref No\nStrike;9\n", &got);
    CHECK(got.event_count == 1 && feed_has(&got.events, "\"ids\":[\"m:9\"]") &&
              feed_has(&got.events, "LAB-001"),
          "columns of a CSV");
    feed_got_done(&got);
    mapped(FL_FEED_CSV, "id=Ref; title=Missing", "Ref\n9\n", &got);
    CHECK(got.code == FL_E_INVAL && strstr(got.err.text, "there is no column 'Missing'") != NULL,
          "a column of the mapping that is not there");
    feed_got_done(&got);
}

static void test_bad_maps(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {{"id", "OURS = THEIRS is wanted"},
               {"colour = x; id = y", "'colour' is no member of an event"},
               {"title = x", "'id' is wanted"},
               {"id = 'a'", "'id' is wanted"},
               {"id =", "what is it called"}};

    for (size_t i = 0; i < FL_LEN(bad); i++) {
        struct fl_event_map *map = NULL;
        struct fl_err err;

        CHECK(fl_event_map_new(fl_span_str(bad[i].text), &map, &err) == FL_E_INVAL &&
                  strstr(err.text, bad[i].says) != NULL,
              bad[i].says);
        fl_event_map_free(map);
    }
}

int main(void)
{
    feed_cases(FL_FEED_JSON, json, FL_LEN(json));
    feed_cases(FL_FEED_CSV, csv, FL_LEN(csv));
    test_map();
    test_bad_maps();
    return tap_done();
}
