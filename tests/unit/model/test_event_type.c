/* The shipped catalogue of events, and which type an event is of. */
#include "model/event_type.h"

#include <math.h>
#include <string.h>

#include "tap.h"

static void test_catalogue(void)
{
    bool ordered = true, found = true, sane = true, covered = true;
    unsigned next = 0;

    for (unsigned i = 0; i < FL_EVENT_TYPES; i++) {
        const struct fl_event_type *t = &fl_event_types[i];

        ordered = ordered && (i == 0 || t->family > t[-1].family ||
                              (t->family == t[-1].family && strcmp(t[-1].code, t->code) < 0));
        found = found && fl_event_type_find(fl_span_str(t->code)) == t;
        sane = sane && t->severity >= 1 && t->severity <= 5 && t->days > 0 &&
               t->half_life_days > 0 && t->detection != 0 && t->name[0] != '\0' &&
               t->drill[0] != '\0' && (t->match != FL_MATCH_PLACE || t->radius_km > 0);
    }
    for (unsigned f = 0; f < FL_EVENT_FAMILIES; f++) {
        covered = covered && fl_event_families[f].first == next && fl_event_families[f].count > 0;
        next += fl_event_families[f].count;
    }
    CHECK(ordered, "types stand by family and code");
    CHECK(found, "each is found by its code");
    CHECK(sane, "each has severity, days, half-life, detection, drill, and by place a radius");
    CHECK(covered && next == 365, "19 families cover exactly 365 types");
    CHECK(fl_event_type_find(FL_SPAN("GEO-999")) == NULL &&
              fl_event_type_find(FL_SPAN("XXX-001")) == NULL &&
              fl_event_type_find(FL_SPAN("")) == NULL,
          "a code that is none is not found");
    CHECK(strcmp(fl_event_families[0].name, "Geophysical") == 0 &&
              strcmp(fl_footprint_name(FL_FOOTPRINT_REGION), "region") == 0 &&
              strcmp(fl_event_match_name(FL_MATCH_PORT), "port") == 0,
          "names");
}

static void test_mapping(void)
{
    static const struct {
        const char *type, *kind, *title, *category, *severity;
        double magnitude;
        const char *code; /* NULL: cannot be told */
    } rows[] = {
        {"LAB-005", "usgs:earthquake", "", "", "", 7, "LAB-005"},
        {"LAB-999", "usgs:earthquake", "", "", "", 7, "GEO-001"},
        {"", "usgs:earthquake", "", "", "", 4.9, "GEO-002"},
        {"", "usgs:earthquake", "", "", "", NAN, "GEO-001"},
        {"", "usgs:quarry blast", "", "geo", "", 2, NULL},
        {"", "usgs:volcanic eruption", "", "", "", NAN, "GEO-009"},
        {"", "gdacs:EQ", "", "", "", 6, "GEO-001"},
        {"", "gdacs:TC", "", "", "severe", NAN, "MET-001"},
        {"", "gdacs:TC", "", "", "minor", NAN, "MET-002"},
        {"", "gdacs:FL", "", "", "", NAN, "HYD-001"},
        {"", "gdacs:DR", "", "", "", NAN, "CLI-005"},
        {"", "gdacs:WF", "", "", "", NAN, "CLI-001"},
        {"", "gdacs:VO", "", "", "minor", NAN, "GEO-014"},
        {"", "gdacs:XX", "", "", "", NAN, NULL},
        {"", "track:tropical cyclone", "", "", "", NAN, "MET-001"},
        {"", "cap:flash flood warning", "", "met", "", NAN, "HYD-002"},
        {"", "cap:flood watch", "", "met", "", NAN, "HYD-001"},
        {"", "cap:tsunami warning", "", "geo", "", NAN, "GEO-007"},
        {"", "cap:earthquake", "", "geo", "", 4.6, "GEO-002"},
        {"", "cap:other", "Old Mill Bush Fire", "fire", "", NAN, "CLI-001"},
        {"", "cap:other", "Something", "fire", "", NAN, "CLI-001"},
        {"", "cap:other", "Something", "rescue", "", NAN, NULL},
        {"", "cap:train delays", "Train", "", "", NAN, NULL}, /* no rain in it */
        {"", "", "Strike at Acme", "", "", NAN, "LAB-001"},
        {"", "", "", "", "", NAN, NULL},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        static struct fl_world_event event;
        const struct fl_event_type *type;

        fl_world_event_init(&event);
        event.type = fl_span_str(rows[i].type);
        event.kind = fl_span_str(rows[i].kind);
        event.title = fl_span_str(rows[i].title);
        event.category = fl_span_str(rows[i].category);
        event.severity = fl_span_str(rows[i].severity);
        event.magnitude = rows[i].magnitude;
        type = fl_event_type_of(&event);
        CHECK(rows[i].code == NULL ? type == NULL
                                   : type != NULL && strcmp(type->code, rows[i].code) == 0,
              rows[i].kind[0] == '\0' ? "by its title" : rows[i].kind);
    }
}

int main(void)
{
    test_catalogue();
    test_mapping();
    return tap_done();
}
