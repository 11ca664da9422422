/* Is it the same event, is it newer, and what do several feeds say together? */
#include "supply/identity.h"

#include <math.h>
#include <string.h>

#include "base/time.h"
#include "tap.h"

#define HOUR (3600 * FL_US_PER_S)
#define T0   (INT64_C(1736211916) * FL_US_PER_S)

static struct fl_world_event pool[24];
static unsigned pool_used;

static struct fl_world_event *event(const char *feed, const char *id, const char *kind, double lat,
                                    double lon, int64_t from_us)
{
    struct fl_world_event *e = &pool[pool_used++ % FL_LEN(pool)];

    fl_world_event_init(e);
    e->ids[0] = fl_span_str(id);
    e->id_count = 1;
    e->feed = fl_span_str(feed);
    e->kind = fl_span_str(kind);
    e->lat = lat;
    e->lon = lon;
    e->from_us = from_us;
    e->issued_us = from_us;
    return e;
}

static struct fl_world_event *quake(const char *feed, const char *id, double lat, double lon,
                                    int64_t from_us, double magnitude)
{
    struct fl_world_event *e = event(feed, id, "usgs:earthquake", lat, lon, from_us);

    if (strcmp(feed, "gdacs") == 0)
        e->kind = FL_SPAN("gdacs:EQ");
    e->magnitude = magnitude;
    return e;
}

static void test_names(void)
{
    struct fl_world_event *a = quake("usgs", "usgs:us1", 10, 20, T0, 6),
                          *b = quake("usgs", "usgs:ci7", 10, 20, T0, 6);

    CHECK(fl_identity_same(a, b) == FL_SAME_NO, "two names of one feed are two events");
    b->ids[b->id_count++] = FL_SPAN("usgs:us1");
    CHECK(fl_identity_same(a, b) == FL_SAME_NAME, "renumbered: the old name is still among them");
    b->status = FL_EVENT_EXERCISE;
    CHECK(fl_identity_same(a, b) == FL_SAME_NO, "an exercise is never the same as what is actual");
    a = event("x", "cap:w,A.1", "cap:flood", 1, 2, T0);
    b = event("x", "cap:w,A.2", "cap:flood", 1, 2, T0);
    CHECK(fl_identity_same(a, b) == FL_SAME_NO, "two alerts are two");
    b->references[b->reference_count++] = FL_SPAN("cap:w,A.1");
    CHECK(fl_identity_same(a, b) == FL_SAME_REFERENCE &&
              fl_identity_same(b, a) == FL_SAME_REFERENCE,
          "until one refers to the other, either way round");
    a = event("x", "cap:w,A.3", "cap:flood", 1, 2, T0);
    a->references[a->reference_count++] = FL_SPAN("cap:w,A.1");
    CHECK(fl_identity_same(a, b) == FL_SAME_REFERENCE, "or both to a third");
    CHECK(strcmp(fl_same_name(FL_SAME_REFERENCE), "reference") == 0, "its word");
}

static void test_near(void)
{
    static const struct {
        const char *name;
        double lat, lon, magnitude;
        int64_t later_us;
        enum fl_same same;
    } rows[] = {
        {"the same place and time", 10, 20, 6, 0, FL_SAME_NEAR},
        {"99 km off", 10.89, 20, 6, 0, FL_SAME_NEAR},
        {"112 km off", 11.01, 20, 6, 0, FL_SAME_NO},
        {"a minute later", 10, 20, 6, 60 * FL_US_PER_S, FL_SAME_NEAR},
        {"a minute and a second later", 10, 20, 6, 61 * FL_US_PER_S, FL_SAME_NO},
        {"of magnitude 6.7", 10, 20, 6.69, 0, FL_SAME_NEAR},
        {"of magnitude 6.8", 10, 20, 6.8, 0, FL_SAME_NO},
        {"of unknown magnitude", 10, 20, NAN, 0, FL_SAME_NEAR},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        struct fl_world_event *a = quake("usgs", "usgs:us1", 10, 20, T0, 6),
                              *b = quake("gdacs", "gdacs:EQ1", rows[i].lat, rows[i].lon,
                                         T0 + rows[i].later_us, rows[i].magnitude);

        CHECK(fl_identity_same(a, b) == rows[i].same && fl_identity_same(b, a) == rows[i].same,
              rows[i].name);
    }
    CHECK(fl_identity_same(quake("usgs", "usgs:us1", 0, 179.9, T0, 6),
                           quake("gdacs", "gdacs:EQ1", 0, -179.9, T0, 6)) == FL_SAME_NEAR,
          "over the antimeridian");
    CHECK(fl_identity_same(quake("usgs", "usgs:us1", 10, 20, T0, 6),
                           event("gdacs", "gdacs:FL1", "gdacs:FL", 10, 20, T0)) == FL_SAME_NO,
          "a flood is no earthquake");
}

static void test_near_areas(void)
{
    struct fl_event_point points[] = {{10, 20}, {10, 21}, {11, 21}, {11, 20}};
    struct fl_event_ring ring = {points, 4, false};
    struct fl_world_event *a = event("met", "cap:w,1", "cap:flood warning", NAN, NAN, T0),
                          *b = event("gdacs", "gdacs:FL1", "gdacs:FL", 10.5, 21.5, T0);

    a->rings = &ring;
    a->ring_count = 1;
    CHECK(fl_identity_same(a, b) == FL_SAME_NEAR, "a polygon and a point beside it");
    b->lon = 30;
    CHECK(fl_identity_same(a, b) == FL_SAME_NO, "and one that is far");
    b->lon = 21;
    b->from_us = T0 + 8 * FL_US_PER_DAY;
    CHECK(fl_identity_same(a, b) == FL_SAME_NO, "a flood of another week");
    a->until_us = T0 + 2 * FL_US_PER_DAY;
    CHECK(fl_identity_same(a, b) == FL_SAME_NEAR, "unless the first lasted until then");
    CHECK(fl_identity_reach_km(a) > 150 && fl_identity_reach_us(a) == 7 * FL_US_PER_DAY,
          "how far candidates are looked for");
    a = event("news", "news:1", "", NAN, NAN, T0);
    b = event("wire", "wire:9", "", NAN, NAN, T0 + FL_US_PER_DAY);
    a->type = b->type = FL_SPAN("IND-001");
    a->entities[a->entity_count++] = FL_SPAN("Acme Corp");
    b->entities[b->entity_count++] = FL_SPAN("ACME corp");
    CHECK(fl_identity_same(a, b) == FL_SAME_NEAR, "the same kind of fire at the same supplier");
    b->type = FL_SPAN("LAB-001");
    CHECK(fl_identity_same(a, b) == FL_SAME_NO, "a strike there is something else");
}

static void test_near_tracks(void)
{
    struct fl_event_fix one[2] = {{.at_us = T0, .lat = 10, .lon = 130},
                                  {.at_us = T0 + 12 * HOUR, .lat = 12, .lon = 127}};
    struct fl_event_fix two[1] = {{.at_us = T0 + 13 * HOUR, .lat = 12.5, .lon = 126.5}};
    struct fl_world_event *a = event("jma", "jma:201822", "track:tropical cyclone", 12, 127, T0),
                          *b = event("gdacs", "gdacs:TC7", "gdacs:TC", 12.5, 126.5, T0);

    a->fixes = one;
    a->fix_count = 2;
    b->fixes = two;
    b->fix_count = 1;
    CHECK(fl_identity_same(a, b) == FL_SAME_NEAR, "two tracks that meet at the same hour");
    two[0].at_us = T0;
    CHECK(fl_identity_same(a, b) == FL_SAME_NO, "not where the other was only later");
}

static void test_incoming(void)
{
    struct fl_world_event *a = quake("usgs", "usgs:us1", 10, 20, T0, 6),
                          *b = quake("usgs", "usgs:us1", 10, 20, T0, 6);

    CHECK(fl_identity_incoming(NULL, a) == FL_INCOMING_NEW, "nothing before it: new");
    CHECK(fl_identity_incoming(a, b) == FL_INCOMING_UNCHANGED, "the same again");
    b->issued_us++;
    CHECK(fl_identity_incoming(a, b) == FL_INCOMING_UNCHANGED, "issued again, nothing new in it");
    b->magnitude = 6.3;
    CHECK(fl_identity_incoming(a, b) == FL_INCOMING_UPDATE, "a newer version");
    CHECK(fl_identity_incoming(b, a) == FL_INCOMING_OLD, "an older one that comes late");
    b->issued_us = a->issued_us;
    CHECK(fl_identity_incoming(a, b) == FL_INCOMING_UPDATE, "changed without a new time of issue");
    b->issued_us = a->issued_us + 2;
    b->message = FL_EVENT_CANCEL;
    CHECK(fl_identity_incoming(a, b) == FL_INCOMING_CANCEL, "a cancel");
    CHECK(fl_identity_incoming(b, b) == FL_INCOMING_UNCHANGED, "which comes again");
    CHECK(fl_identity_incoming(b, a) == FL_INCOMING_OLD, "and what was before it does not rise");
    CHECK(fl_identity_incoming(NULL, b) == FL_INCOMING_CANCEL, "a cancel of what is not known");
    a->issued_us = b->issued_us + 1;
    CHECK(fl_identity_incoming(b, a) == FL_INCOMING_UPDATE, "but a newer version does rise again");
    CHECK(strcmp(fl_incoming_name(FL_INCOMING_OLD), "old") == 0, "its word");
    CHECK(fl_identity_withdrawn(a, T0 - HOUR) && !fl_identity_withdrawn(a, T0 + HOUR),
          "gone from a feed that covers its time: withdrawn; out of the window: not");
    a->kind = FL_SPAN("cap:earthquake");
    CHECK(!fl_identity_withdrawn(a, T0 - HOUR), "other feeds do not say it by silence");
}

static bool same_merge(const struct fl_world_event *const *events, unsigned count,
                       const struct fl_world_event *merged)
{
    static struct fl_world_event again;
    const struct fl_world_event *turned[FL_IDENTITY_FEEDS_MAX];

    for (unsigned i = 0; i < count; i++)
        turned[i] = events[count - 1 - i];
    fl_identity_merge(turned, count, &again);
    return fl_span_eq(again.title, merged->title) && again.magnitude == merged->magnitude &&
           again.lat == merged->lat && again.id_count == merged->id_count &&
           fl_span_eq(again.ids[0], merged->ids[0]) && again.issued_us == merged->issued_us;
}

static void test_merge(void)
{
    struct fl_world_event *u = quake("usgs", "usgs:us1", 10, 20, T0, 6.1),
                          *g = quake("gdacs", "gdacs:EQ1", 10.2, 20.1, T0 + FL_US_PER_S, 6.0),
                          *c = event("cap", "cap:w,1", "cap:earthquake", NAN, NAN, T0 + HOUR);
    const struct fl_world_event *all[] = {c, g, u};
    struct fl_event_circle circle = {10, 20, 50};
    static struct fl_world_event merged;

    u->severity = FL_SPAN("minor");
    g->severity = FL_SPAN("extreme");
    g->title = FL_SPAN("GDACS title");
    g->countries[g->country_count++] = FL_SPAN("TR");
    c->title = FL_SPAN("CAP title");
    c->circles = &circle;
    c->circle_count = 1;
    fl_identity_merge(all, 3, &merged);
    CHECK(merged.magnitude == 6.1 && merged.lat == 10,
          "of an earthquake the USGS tells where and how");
    CHECK(fl_span_eq(merged.title, FL_SPAN("GDACS title")),
          "what it does not say the next one tells");
    CHECK(fl_span_eq(merged.severity, FL_SPAN("extreme")), "the worst severity counts");
    CHECK(merged.id_count == 3 && merged.country_count == 1 && merged.circle_count == 1,
          "names, countries and areas come together");
    CHECK(merged.issued_us == T0 + HOUR, "issued when the newest was");
    CHECK(same_merge(all, 3, &merged), "in any order the same");
    u->message = FL_EVENT_CANCEL;
    fl_identity_merge(all, 3, &merged);
    CHECK(merged.message == FL_EVENT_ALERT, "one feed's cancel does not end what others still say");
    g->message = c->message = FL_EVENT_CANCEL;
    fl_identity_merge(all, 3, &merged);
    CHECK(merged.message == FL_EVENT_CANCEL, "that of all does");
}

static void test_merge_person(void)
{
    struct fl_world_event *u = quake("usgs", "usgs:us1", 10, 20, T0, 6.1),
                          *p = quake("", "typed:1", NAN, NAN, T0, 5.5);
    const struct fl_world_event *both[] = {u, p};
    static struct fl_world_event merged;

    p->title = FL_SPAN("As we see it");
    fl_identity_merge(both, 2, &merged);
    CHECK(merged.magnitude == 5.5 && merged.lat == 10 && merged.lon == 20,
          "a person's word stands before all, the rest is filled up");
}

int main(void)
{
    test_names();
    test_near();
    test_near_areas();
    test_near_tracks();
    test_incoming();
    test_merge();
    test_merge_person();
    return tap_done();
}
