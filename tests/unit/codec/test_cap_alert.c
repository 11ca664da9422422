/* CAP 1.1 and 1.2: what an alert must have, what it may come in. */
#include "feed_help.h"

#define NS         "urn:oasis:names:tc:emergency:cap:1.2"
#define SENT       "<sent>2026-11-20T10:00:00+01:00</sent>"
#define IDS        "<identifier>A.1</identifier><sender>w@x.example</sender>"
#define HEAD(s, m) IDS SENT "<status>" s "</status><msgType>" m "</msgType><scope>Public</scope>"
#define WORDS                                                                                      \
    "<category>Met</category><event>Flash Flood Warning</event><urgency>Immediate</urgency>"       \
    "<severity>Severe</severity><certainty>Observed</certainty>"
#define INFO(more)   "<info>" WORDS more "</info>"
#define AREA(more)   "<area><areaDesc>Vale</areaDesc>" more "</area>"
#define ALERT(inner) "<alert xmlns=\"" NS "\">" inner "</alert>"
#define GOOD(area)   ALERT(HEAD("Actual", "Alert") INFO(AREA(area)))
#define SQUARE       "<polygon>1,2 1,3 2,3 2,2 1,2</polygon>"

static const struct feed_case cases[] = {
    {"an alert with a polygon and a circle",
     GOOD(SQUARE "<circle>5,6 7.5</circle>"),
     1,
     0,
     {"\"ids\":[\"cap:w@x.example,A.1\"]", "\"issued\":\"2026-11-20T09:00:00.000000Z\"",
      "\"from\":\"2026-11-20T09:00:00.000000Z\"",
      "\"rings\":[{\"points\":[[1,2],[1,3],[2,3],[2,2]]}]", "\"circles\":[[5,6,7.5]]",
      "\"kind\":\"cap:flash flood warning\""}},
    {"CAP 1.1",
     "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.1\">" HEAD("Actual", "Alert")
         INFO("") "</alert>",
     1,
     0,
     {"\"severity\":\"severe\""}},
    {"CAP 1.0 is refused",
     "<alert xmlns=\"http://www.incident.com/cap/1.0\">" HEAD("Actual", "Alert")
         INFO("") "</alert>",
     0,
     1,
     {"A.1: alert: its name space is not"}},
    {"an exercise", ALERT(HEAD("Exercise", "Alert") INFO("")), 1, 0, {"\"status\":\"exercise\""}},
    {"a test", ALERT(HEAD("Test", "Alert") INFO("")), 1, 0, {"\"status\":\"test\""}},
    {"an update with references",
     ALERT(HEAD("Actual", "Update") "<references>w@x.example,A.0,2026-11-20T09:00:00-00:00\n "
                                    "w@x.example,A.9,2026-11-20T09:30:00Z</references>" INFO("")),
     1,
     0,
     {"\"references\":[\"cap:w@x.example,A.0\",\"cap:w@x.example,A.9\"]",
      "\"message\":\"update\""}},
    {"a cancel needs no info",
     ALERT(HEAD("Actual", "Cancel") "<references>w,A.0,2026-11-20T09:00:00-00:00</references>"),
     1,
     0,
     {"\"message\":\"cancel\""}},
    {"a cancel of nothing",
     ALERT(HEAD("Actual", "Cancel")),
     0,
     1,
     {"references: missing, so it does not say what it cancels"}},
    {"a circle of radius 0 is a point",
     GOOD("<circle>12.7,-88.8 0.0</circle>"),
     1,
     0,
     {"\"lat\":12.7,\"lon\":-88.8}"}},
    {"geocodes are kept as text",
     GOOD("<geocode><valueName>SAME</valueName><value>006109</value></geocode>"),
     1,
     0,
     {"\"areas\":\"Vale; SAME 006109\""}},
    {"an AllClear ends it",
     ALERT(HEAD("Actual", "Update") INFO("<responseType>AllClear</responseType>"
                                         "<expires>2026-11-21T10:00:00+01:00</expires>")),
     1,
     0,
     {"\"until\":\"2026-11-20T09:00:00.000000Z\""}},
    {"English before French, and only its areas",
     ALERT(HEAD("Actual", "Alert") "<info><language>fr-CA</language>" WORDS
                                   "<headline>Crue</headline>" AREA(
                                       SQUARE) "</info>"
                                               "<info><language>en-CA</language>" WORDS
                                               "<headline>Flood</headline>" AREA(
                                                   "<circle>1,2 3</circle>") "</info>"),
     1,
     0,
     {"\"title\":\"Flood\"", "\"circles\":[[1,2,3]]}"}},
    {"Very Likely is likely",
     ALERT(HEAD("Actual", "Alert") "<info><category>Met</category><event>x</event>"
                                   "<urgency>Past</urgency><severity>Minor</severity>"
                                   "<certainty>Very Likely</certainty></info>"),
     1,
     0,
     {"\"certainty\":\"likely\""}},
    {"the USGS' number is a name",
     ALERT(HEAD("Actual", "Alert") INFO("<parameter><valueName>EventIDKey</valueName>"
                                        "<value>usB000</value></parameter>")),
     1,
     0,
     {"\"usgs:usb000\""}},
    {"GDACS' number is a name",
     ALERT("<identifier>G1</identifier><sender>info@gdacs.org</sender>" SENT
           "<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>" INFO(
               "<parameter><valueName>eventtype</valueName><value>TC</value></parameter>"
               "<parameter><valueName>eventid</valueName><value>77</value></parameter>"
               "<parameter><valueName>glide</valueName><value>TC-2019-1-PHL</value></parameter>")),
     1,
     0,
     {"\"gdacs:TC77\"", "\"glide:TC-2019-1-PHL\""}},
    /* what is refused, naming the element */
    {"no identifier", ALERT("<sender>x</sender>" SENT), 0, 1, {"identifier: missing in alert"}},
    {"a comma in the sender",
     ALERT("<identifier>A</identifier><sender>a,b</sender>" SENT),
     0,
     1,
     {"sender: 'a,b' has a blank, a comma"}},
    {"no sent", ALERT(IDS), 0, 1, {"sent: missing"}},
    {"sent without its offset",
     ALERT(IDS "<sent>2026-11-20T10:00:00</sent>"),
     0,
     1,
     {"sent: '2026-11-20T10:00:00' is no time with its offset"}},
    {"a status that is none", ALERT(HEAD("Real", "Alert")), 0, 1, {"status: 'Real'"}},
    {"an Ack is no event", ALERT(HEAD("Actual", "Ack")), 0, 1, {"msgType: 'Ack' is no event"}},
    {"no scope",
     ALERT(IDS SENT "<status>Actual</status><msgType>Alert</msgType>"),
     0,
     1,
     {"scope: missing in alert"}},
    {"a reference of two parts",
     ALERT(HEAD("Actual", "Update") "<references>a,b</references>" INFO("")),
     0,
     1,
     {"references: 'a,b'"}},
    {"no info", ALERT(HEAD("Actual", "Alert")), 0, 1, {"info: missing in alert"}},
    {"no event",
     ALERT(HEAD("Actual", "Alert") "<info><category>Met</category></info>"),
     0,
     1,
     {"event: missing in info"}},
    {"a category that is none",
     ALERT(HEAD("Actual", "Alert") "<info><category>Weather</category></info>"),
     0,
     1,
     {"category: 'Weather'"}},
    {"an expiry that is none",
     ALERT(HEAD("Actual", "Alert") INFO("<expires>soon</expires>")),
     0,
     1,
     {"expires: 'soon'"}},
    {"a response that is none",
     ALERT(HEAD("Actual", "Alert") INFO("<responseType>Hide</responseType>")),
     0,
     1,
     {"responseType: 'Hide'"}},
    {"an area without a description",
     ALERT(HEAD("Actual", "Alert") INFO("<area/>")),
     0,
     1,
     {"areaDesc: missing in area"}},
    {"an open polygon", GOOD("<polygon>1,2 1,3 2,3 2,2</polygon>"), 0, 1, {"polygon: not closed"}},
    {"open by its longitude",
     GOOD("<polygon>1,2 1,3 2,3 1,4</polygon>"),
     0,
     1,
     {"polygon: not closed"}},
    {"a polygon of three points",
     GOOD("<polygon>1,2 1,3 1,2</polygon>"),
     0,
     1,
     {"polygon: has 3 points"}},
    {"longitude first",
     GOOD("<polygon>120,20 121,20 121,21 120,20</polygon>"),
     0,
     1,
     {"polygon: point 1 is no latitude,longitude"}},
    {"a circle without a radius", GOOD("<circle>1,2</circle>"), 0, 1, {"circle: "}},
    {"a negative radius", GOOD("<circle>1,2 -3</circle>"), 0, 1, {"circle: "}},
    {"a geocode without a value",
     GOOD("<geocode><valueName>SAME</valueName></geocode>"),
     0,
     1,
     {"geocode: valueName and value are wanted"}},
    /* what it comes in */
    {"Atom with two alerts, one of them bad",
     "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><content>" GOOD(
         SQUARE) "</content></entry><entry><content>" ALERT("") "</content></entry></feed>",
     1,
     1,
     {"identifier: missing"}},
    {"RSS",
     "<rss><channel><item><title>x</title>" GOOD(SQUARE) "</item></channel></rss>",
     1,
     0,
     {"A.1"}},
    {"EDXL-DE",
     "<d:EDXLDistribution xmlns:d=\"urn:oasis:names:tc:emergency:EDXL:DE:1.0\"><d:contentObject>"
     "<d:xmlContent><d:embeddedXMLContent>" GOOD(
         SQUARE) "</d:embeddedXMLContent></d:xmlContent></d:contentObject></d:EDXLDistribution>",
     1,
     0,
     {"A.1"}},
    {"an alert outside of the entries",
     "<feed xmlns=\"http://www.w3.org/2005/Atom\">" GOOD(SQUARE) "</feed>",
     0,
     1,
     {"outside of every entry"}},
    {"an entry with a link only",
     "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><id>e1</id><link "
     "href=\"http://a.example/\"/>"
     "<link type=\"application/cap+xml\" href=\"https://x.example/1.cap\"/></entry></feed>",
     0,
     1,
     {"e1: entry: only a link to its alert, https://x.example/1.cap"}},
    {"an entry with nothing",
     "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry/></feed>",
     0,
     1,
     {"entry: neither an alert nor a link to one"}},
    {"a feed without entries", "<feed xmlns=\"http://www.w3.org/2005/Atom\"/>", 0, 0, {NULL}},
    {"HTML", "<html/>", 0, 0, {"'html' is none of alert, feed, rss"}},
    {"entities",
     "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" GOOD("&x;"),
     0,
     0,
     {"line 1: a document type declaration is not allowed"}},
    {"cut off", "<alert xmlns=\"" NS "\"><identifier>", 0, 0, {"no XML"}},
};

static void test_links(void)
{
    static const char text[] =
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><link href=\"https://x.example/1\"/>"
        "</entry><entry><link href=\"ftp://x.example/2\"/></entry></feed>";
    const struct fl_feed_source source = {.name = FL_SPAN("t"), .format = FL_FEED_CAP};
    struct feed_got got;

    feed_got_init(&got);
    got.follow = true;
    feed_read(&source, fl_span_str(text), &got);
    CHECK(got.link_count == 1 && feed_has(&got.links, "https://x.example/1\n"),
          "links go to who follows them");
    CHECK(got.refused_count == 1, "but only those of the web");
    feed_got_done(&got);
}

static void test_depth(void)
{
    const struct fl_feed_source source = {.name = FL_SPAN("t"), .format = FL_FEED_CAP};
    struct feed_got got;
    char text[1024];
    size_t n = 0;

    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "<a>");
    feed_got_init(&got);
    feed_read(&source, fl_span_of(text, n), &got);
    CHECK(got.code == FL_E_INVAL && strstr(got.err.text, "nested too deep") != NULL,
          "XML that is nested too deep is refused");
    feed_got_done(&got);
}

int main(void)
{
    feed_cases(FL_FEED_CAP, cases, FL_LEN(cases));
    test_links();
    test_depth();
    return tap_done();
}
