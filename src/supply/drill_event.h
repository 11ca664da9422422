/*
 * drill_event.h - an event that happened, as a drill replays it: marked as an exercise, perhaps
 * somewhere else, perhaps stronger or weaker.
 *
 * Scale s is its strength: an earthquake has s times the energy (magnitude + 2/3 log10 s); of a
 * cyclone the winds and their radii are s times as large and the fall of pressure s^2 times; areas
 * grow from their middle and radii are s times as large.
 */
#ifndef FL_SUPPLY_DRILL_EVENT_H
#define FL_SUPPLY_DRILL_EVENT_H

#include "codec/world_event.h"

struct fl_drill_change {
    double lat, lon; /* degrees that everything moves by, north and east */
    double scale;    /* 1: as strong as it was */
};

/* In place: points, rings, circles and fixes of event are its owner's to write. What ties it to the
 * real one (names, references, address, measured grid, signature) goes; id is its only name then,
 * and outlives it. FL_E_INVAL: it would cross a pole, or the change is out of range. */
int fl_drill_event(struct fl_world_event *event, const struct fl_drill_change *change,
                   const char *id, struct fl_err *err) FL_MUST_CHECK;

#endif
