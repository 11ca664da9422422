#include "supply/drill_event.h"

#include <math.h>

#include "model/drill.h"

#define LAT_MAX   89.0
#define OUTER_HPA 1013.0

struct mover {
    const struct fl_drill_change *change;
    bool off; /* something would cross a pole */
};

static void move_point(struct mover *m, double *lat, double *lon)
{
    double to = *lon;

    if (isnan(*lat) || isnan(*lon))
        return;
    *lat += m->change->lat;
    m->off = m->off || fabs(*lat) > LAT_MAX;
    to = fmod(*lon + m->change->lon + 540, 360);
    *lon = (to < 0 ? to + 360 : to) - 180;
}

/* Around the mean of its points; longitudes are taken the shorter way from the first. */
static void scale_ring(const struct fl_event_ring *ring, const struct fl_event_point *about,
                       double scale)
{
    for (uint32_t i = 0; i < ring->count; i++) {
        struct fl_event_point *p = &ring->points[i];
        double lon = about->lon + scale * remainder(p->lon - about->lon, 360);

        p->lat = fmin(LAT_MAX, fmax(-LAT_MAX, about->lat + scale * (p->lat - about->lat)));
        p->lon = remainder(lon, 360);
    }
}

static void scale_rings(struct fl_world_event *e, double scale)
{
    struct fl_event_point about = {0, 0};

    for (uint32_t r = 0; r < e->ring_count; r++) {
        const struct fl_event_ring *ring = &e->rings[r];
        double first = ring->count > 0 ? ring->points[0].lon : 0;

        if (!ring->hole && ring->count > 0) { /* holes go with the ring that they are in */
            about = (struct fl_event_point){0, 0};
            for (uint32_t i = 0; i < ring->count; i++) {
                about.lat += ring->points[i].lat / ring->count;
                about.lon += (first + remainder(ring->points[i].lon - first, 360)) / ring->count;
            }
        }
        scale_ring(ring, &about, scale);
    }
}

static void scale_fix(struct fl_event_fix *fix, double scale)
{
    double outer = isnan(fix->outer_hpa) ? OUTER_HPA : fix->outer_hpa;

    fix->wind_ms *= scale;
    if (!isnan(fix->pressure_hpa))
        fix->pressure_hpa = fmax(800, outer - (outer - fix->pressure_hpa) * scale * scale);
    for (unsigned k = 0; k < 3; k++)
        for (unsigned q = 0; q < 4; q++)
            fix->radius_km[k][q] *= scale;
}

static void move_all(struct fl_world_event *e, struct mover *m)
{
    move_point(m, &e->lat, &e->lon);
    for (uint32_t r = 0; r < e->ring_count; r++)
        for (uint32_t i = 0; i < e->rings[r].count; i++)
            move_point(m, &e->rings[r].points[i].lat, &e->rings[r].points[i].lon);
    for (uint32_t i = 0; i < e->circle_count; i++)
        move_point(m, &e->circles[i].lat, &e->circles[i].lon);
    for (uint32_t i = 0; i < e->fix_count; i++)
        move_point(m, &e->fixes[i].lat, &e->fixes[i].lon);
}

static void scale_all(struct fl_world_event *e, double scale)
{
    e->magnitude += 2 * log10(scale) / 3; /* NAN stays */
    e->radius_km *= scale;
    scale_rings(e, scale);
    for (uint32_t i = 0; i < e->circle_count; i++)
        e->circles[i].radius_km *= scale;
    for (uint32_t i = 0; i < e->fix_count; i++)
        scale_fix(&e->fixes[i], scale);
}

int fl_drill_event(struct fl_world_event *event, const struct fl_drill_change *change,
                   const char *id, struct fl_err *err)
{
    struct mover m = {.change = change};

    if (!(fabs(change->lat) <= FL_DRILL_SHIFT_MAX) || !(fabs(change->lon) <= 180))
        return fl_err_set(err, FL_E_INVAL, "an event moves by at most %g degrees north or south",
                          FL_DRILL_SHIFT_MAX);
    if (!(change->scale >= FL_DRILL_SCALE_MIN) || !(change->scale <= FL_DRILL_SCALE_MAX))
        return fl_err_set(err, FL_E_INVAL, "scale is %g to %g, 1 leaves it as strong as it was",
                          FL_DRILL_SCALE_MIN, FL_DRILL_SCALE_MAX);
    move_all(event, &m);
    if (m.off)
        return fl_err_set(err, FL_E_INVAL, "moved so far, the event would cross a pole");
    if (change->scale < 1 || change->scale > 1)
        scale_all(event, change->scale);
    event->status = FL_EVENT_EXERCISE;
    event->message = FL_EVENT_ALERT;
    event->signature = event->verified = false;
    event->mmi = NAN;
    event->reference_count = 0;
    event->grid = event->url = event->feed = event->sender = fl_span_of("", 0);
    event->ids[0] = fl_span_str(id);
    event->id_count = 1;
    return FL_OK;
}
