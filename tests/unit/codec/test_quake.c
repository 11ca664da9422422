/* The USGS' GeoJSON: what is read, what is refused and with which words. */
#include "feed_help.h"

#define PROPS(more)                                                                                \
    "{\"mag\":6.1,\"place\":\"10km N of X\",\"time\":1736211916824,\"updated\":1736442321636,"     \
    "\"type\":\"earthquake\",\"title\":\"M 6.1\"" more "}"
#define FEATURE(id, props, at)                                                                     \
    "{\"type\":\"Feature\",\"id\":\"" id "\",\"properties\":" props                                \
    ",\"geometry\":{\"type\":\"Point\",\"coordinates\":" at "}}"
#define ALL(features) "{\"type\":\"FeatureCollection\",\"features\":[" features "]}"

static const struct feed_case cases[] = {
    {"a feature",
     ALL(FEATURE("us1", PROPS(""), "[87.36,28.64,10]")),
     1,
     0,
     {"\"ids\":[\"usgs:us1\"]", "\"lat\":28.64", "\"lon\":87.36", "\"depth_km\":10",
      "\"magnitude\":6.1", "\"from\":\"2025-01-07T01:05:16.824000Z\""}},
    {"the detail of one event",
     FEATURE(
         "us1",
         PROPS(",\"products\":{\"shakemap\":[{\"properties\":{\"maxmmi\":\"7.5\"},\"contents\":{"
               "\"download/grid.xml\":{\"url\":\"https://x.example/grid.xml\"}}}]}"),
         "[1,2,3]"),
     1,
     0,
     {"\"mmi\":7.5", "\"grid\":\"https://x.example/grid.xml\""}},
    {"all names, the preferred one first, in lower case",
     ALL(FEATURE("US1", PROPS(",\"ids\":\",nn7,us1,ci9,\""), "[1,2,3]")),
     1,
     0,
     {"\"ids\":[\"usgs:us1\",\"usgs:nn7\",\"usgs:ci9\"]"}},
    {"deleted is a cancel",
     ALL(FEATURE("us1", PROPS(",\"status\":\"deleted\""), "[1,2,3]")),
     1,
     0,
     {"\"message\":\"cancel\""}},
    {"automatic is likely",
     ALL(FEATURE("us1", PROPS(",\"status\":\"automatic\",\"alert\":\"orange\""), "[1,2,3]")),
     1,
     0,
     {"\"certainty\":\"likely\"", "\"severity\":\"severe\""}},
    {"an unknown depth is left out, longitudes come into range",
     ALL(FEATURE("us1", PROPS(""), "[181.5,2,null]")),
     1,
     0,
     {"\"lon\":-178.5,\"magnitude\""}},
    {"no magnitude",
     ALL(FEATURE("us1", "{\"mag\":null,\"time\":1736211916824}", "[1,2,3]")),
     1,
     0,
     {"\"lat\":2"}},
    {"one that is bad does not spoil the others",
     ALL(FEATURE("us1", PROPS(""), "[1,2,3]") "," FEATURE("us2", PROPS(""), "[1,91,3]") "," FEATURE(
         "us3", PROPS(""), "[1,2,3]")),
     2,
     1,
     {"us2: geometry.coordinates: no degrees"}},
    {"latitude as text",
     ALL(FEATURE("us1", PROPS(""), "[1,\"2\",3]")),
     0,
     1,
     {"us1: geometry.coordinates: longitude and latitude are wanted"}},
    {"a depth of 5000 km", ALL(FEATURE("us1", PROPS(""), "[1,2,5000]")), 0, 1, {"coordinates[2]"}},
    {"no id",
     ALL("{\"type\":\"Feature\",\"properties\":{}}"),
     0,
     1,
     {"features[0]: id: a name is wanted"}},
    {"no properties", ALL("{\"id\":\"us1\"}"), 0, 1, {"us1: properties"}},
    {"no time", ALL(FEATURE("us1", "{\"mag\":1}", "[1,2,3]")), 0, 1, {"us1: properties.time"}},
    {"a magnitude of 40",
     ALL(FEATURE("us1", "{\"mag\":40,\"time\":1736211916824}", "[1,2,3]")),
     0,
     1,
     {"properties.mag"}},
    {"a web address that is none",
     ALL(FEATURE("us1", PROPS(",\"url\":\"javascript:x\""), "[1,2,3]")),
     1,
     0,
     {"\"title\":\"M 6.1\",\"place\":\"10km N of X\",\"urgency\""}},
    {"no features", ALL(""), 0, 0, {NULL}},
    {"another document", "{\"type\":\"Topology\"}", 0, 0, {"no GeoJSON of the USGS"}},
    {"no JSON", "{\"type\":", 0, 0, {"no JSON: line 1"}},
};

int main(void)
{
    feed_cases(FL_FEED_USGS, cases, FL_LEN(cases));
    return tap_done();
}
