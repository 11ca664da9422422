/* GDACS: RSS and JSON. */
#include "feed_help.h"

#define RSS(items)                                                                                 \
    "<rss version=\"2.0\" xmlns:geo=\"http://www.w3.org/2003/01/geo/wgs84_pos#\" "                 \
    "xmlns:gdacs=\"http://www.gdacs.org\"><channel>" items "</channel></rss>"
#define ITEM(type, more)                                                                           \
    "<item><title>T</title><guid>" type "7</guid>"                                                 \
    "<geo:Point><geo:lat>-19.4</geo:lat><geo:long>59.8</geo:long></geo:Point>"                     \
    "<gdacs:fromdate>Sun, 29 Dec 2019 12:00:00 GMT</gdacs:fromdate>"                               \
    "<gdacs:todate>Mon, 30 Dec 2019 12:00:00 GMT</gdacs:todate>"                                   \
    "<pubDate>Mon, 30 Dec 2019 13:00:00 +0100</pubDate>"                                           \
    "<gdacs:eventtype>" type "</gdacs:eventtype><gdacs:eventid>7</gdacs:eventid>" more "</item>"

static const struct feed_case rss[] = {
    {"a cyclone",
     RSS(ITEM("TC", "<gdacs:severity unit=\"km/h\" value=\"180\"/><gdacs:iso3>MUS</gdacs:iso3>"
                    "<gdacs:glide>TC-2019-000176-PHL</gdacs:glide>"
                    "<gdacs:alertlevel>Orange</gdacs:alertlevel>")),
     1,
     0,
     {"\"ids\":[\"gdacs:TC7\",\"glide:TC-2019-000176-PHL\"]", "\"countries\":[\"MU\"]",
      "\"wind_ms\":50", "\"severity\":\"severe\"", "\"wind_minutes\":1",
      "\"issued\":\"2019-12-30T12:00:00.000000Z\""}},
    {"an earthquake with its depth",
     RSS(ITEM("EQ", "<gdacs:severity unit=\"M\" value=\"5.3\">Magnitude 5.3M, "
                    "Depth:33.5km</gdacs:severity>")),
     1,
     0,
     {"\"magnitude\":5.3", "\"depth_km\":33.5"}},
    {"the box is lonmin lonmax latmin latmax",
     RSS(ITEM("DR", "<gdacs:bbox>55 64 -24 -15</gdacs:bbox>")),
     1,
     0,
     {"\"rings\":[{\"points\":[[-24,55],[-24,64],[-15,64],[-15,55]]}]"}},
    {"a box in the other order does not hold the point, and is none",
     RSS(ITEM("DR", "<gdacs:bbox>55 -24 64 -15</gdacs:bbox>")),
     1,
     0,
     {"\"lon\":59.8}"}},
    {"nor does one beside it",
     RSS(ITEM("DR", "<gdacs:bbox>61 64 -24 -15</gdacs:bbox>")),
     1,
     0,
     {"\"lon\":59.8}"}},
    {"of an earthquake the box is a map's window",
     RSS(ITEM("EQ", "<gdacs:bbox>55 64 -24 -15</gdacs:bbox>")),
     1,
     0,
     {"\"lon\":59.8}"}},
    {"a box with a word", RSS(ITEM("FL", "<gdacs:bbox>55 x -24 -15</gdacs:bbox>")), 1, 0, {"FL7"}},
    {"a type that is none", RSS(ITEM("XX", "")), 0, 1, {"XX7: eventtype: none of"}},
    {"no point",
     RSS("<item><guid>A</guid></item>"),
     0,
     1,
     {"A: geo:Point: geo:lat and geo:long in degrees are wanted"}},
    {"a time of another kind",
     RSS("<item><guid>A</guid><geo:Point><geo:lat>1</geo:lat><geo:long>2</geo:long></geo:Point>"
         "<gdacs:fromdate>2019-12-29</gdacs:fromdate></item>"),
     0,
     1,
     {"A: gdacs:fromdate: a time of RFC 822 is wanted"}},
    {"an id that is no number",
     RSS("<item><geo:Point><geo:lat>1</geo:lat><geo:long>2</geo:long></geo:Point>"
         "<gdacs:eventtype>EQ</gdacs:eventtype><gdacs:eventid>x</gdacs:eventid></item>"),
     0,
     1,
     {"eventid: a number is wanted"}},
    {"no RSS", "<feed/>", 0, 0, {"no RSS"}},
    {"a document type", "<!DOCTYPE rss []><rss/>", 0, 0, {"document type declaration"}},
};

#define PROPS                                                                                      \
    "\"properties\":{\"eventtype\":\"FL\",\"eventid\":9,\"glide\":\"FL-2024-000199-ESP\","         \
    "\"name\":\"Flood\",\"alertlevel\":\"Red\",\"fromdate\":\"2024-10-27T15:00:00\","              \
    "\"todate\":\"2024-11-04T11:00:00\",\"datemodified\":\"2024-11-08T11:10:45.7\","               \
    "\"iso3\":\"ESP\",\"affectedcountries\":[{\"iso3\":\"ESP\"},{\"iso3\":\"PRT\"}],\"Class\":"
#define FEATURE(class, geometry)                                                                   \
    "{\"type\":\"Feature\"," PROPS "\"" class "\"},\"geometry\":" geometry "}"
#define POINT  "{\"type\":\"Point\",\"coordinates\":[-3.4,38.6]}"
#define SQUARE "[[-4,38],[-3,38],[-3,39],[-4,39],[-4,38]]"
#define HOLE   "[[-3.6,38.4],[-3.4,38.4],[-3.4,38.6],[-3.6,38.4]]"

static const struct feed_case json[] = {
    {"an event",
     FEATURE("Point_Centroid", POINT),
     1,
     0,
     {"\"ids\":[\"gdacs:FL9\",\"glide:FL-2024-000199-ESP\"]", "\"countries\":[\"ES\",\"PT\"]",
      "\"severity\":\"extreme\"", "\"issued\":\"2024-11-08T11:10:45.700000Z\"", "\"lat\":38.6"}},
    {"event and geometry are one",
     "{\"features\":[" FEATURE("Point_Centroid", POINT) "," FEATURE(
         "Poly_Affected", "{\"type\":\"Polygon\",\"coordinates\":[" SQUARE "," HOLE "]}") "]}",
     1,
     0,
     {"\"points\":[[38,-4],[38,-3],[39,-3],[39,-4]]", "{\"hole\":true,\"points\":[[38.4,-3.6]"}},
    {"the cone of a forecast is no area",
     "{\"features\":[" FEATURE("Point_Centroid", POINT) "," FEATURE(
         "Poly_Cones", "{\"type\":\"Polygon\",\"coordinates\":[" SQUARE "]}") "]}",
     1,
     0,
     {"\"lon\":-3.4}"}},
    {"no geometry",
     FEATURE("Poly_Affected", "null"),
     0,
     1,
     {"9: geometry: a point or a polygon is wanted"}},
    {"a ring of three points",
     FEATURE("Poly_Affected", "{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[2,3],[1,2]]]}"),
     0,
     1,
     {"a ring of four points or more"}},
    {"latitude 95",
     FEATURE("Poly_Affected",
             "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[1,95],[2,3],[4,5],[1,95]]]]}"),
     0,
     1,
     {"geometry: a point is no degrees"}},
    {"no times",
     "{\"properties\":{\"eventtype\":\"FL\",\"eventid\":9},\"geometry\":" POINT "}",
     0,
     1,
     {"properties.fromdate"}},
    {"an array", "[]", 0, 0, {"no GeoJSON of GDACS"}},
};

int main(void)
{
    feed_cases(FL_FEED_GDACS, rss, FL_LEN(rss));
    feed_cases(FL_FEED_GDACS_JSON, json, FL_LEN(json));
    feed_cases(FL_FEED_GDACS, json, 1); /* told from its first byte */
    return tap_done();
}
