#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "codec/json.h"
#include "codec/world_event.h"
#include "fairleadd/outbound.h"

#define FIRST_DEG  0.0005 /* about 50 m */
#define STEPS      12u    /* each doubles it: the last is about 1 degree */
#define KM_PER_DEG 111.2
#define PI         3.14159265358979323846
#define NOTE_BYTES 200u

static int write_json(const struct fl_world_event *event, struct fl_buf *out, struct fl_err *err)
{
    struct fl_json json;

    fl_buf_clear(out);
    fl_json_init(&json, out);
    fl_world_event_write(event, &json, NULL);
    return fl_buf_status(out, err);
}

/* ---- one ring ---- */

struct thin {
    const struct fl_event_point *p;
    bool *keep;
    double squeeze; /* a degree of longitude against one of latitude, here */
};

static double step_lon(double from, double to)
{
    double d = to - from;

    return d > 180 ? d - 360 : d < -180 ? d + 360 : d; /* the shorter way round */
}

/* Degrees between a point and the line from a to b. */
static double away(const struct thin *t, uint32_t a, uint32_t b, uint32_t i)
{
    double bx = step_lon(t->p[a].lon, t->p[b].lon) * t->squeeze, by = t->p[b].lat - t->p[a].lat;
    double px = step_lon(t->p[a].lon, t->p[i].lon) * t->squeeze, py = t->p[i].lat - t->p[a].lat;
    double len2 = bx * bx + by * by, along = len2 > 0 ? (px * bx + py * by) / len2 : 0;

    along = along < 0 ? 0 : along > 1 ? 1 : along;
    return hypot(px - along * bx, py - along * by);
}

/* Keep the farthest point of each stretch until nothing is farther than `most`. Each stretch splits
 * in two at a point that is kept, so that there are never more of them than points. */
static void douglas_peucker(const struct thin *t, uint32_t count, double most, uint32_t *stack)
{
    uint32_t depth = 0;

    t->keep[0] = t->keep[count / 2] = t->keep[count - 1] = true;
    stack[depth++] = 0;
    stack[depth++] = count / 2;
    stack[depth++] = count / 2;
    stack[depth++] = count - 1;
    while (depth > 0) {
        uint32_t b = stack[--depth], a = stack[--depth], far = 0;
        double farthest = most;

        for (uint32_t i = a + 1; i < b; i++) {
            double d = away(t, a, b, i);

            if (d > farthest) {
                farthest = d;
                far = i;
            }
        }
        if (far == 0)
            continue;
        t->keep[far] = true;
        stack[depth++] = a;
        stack[depth++] = far;
        stack[depth++] = far;
        stack[depth++] = b;
    }
}

static uint32_t thin_ring(const struct fl_event_ring *from, double most, bool *keep,
                          uint32_t *stack, struct fl_event_point *to)
{
    struct thin t = {.p = from->points, .keep = keep};
    uint32_t n = 0;

    t.squeeze = cos(from->points[0].lat * PI / 180);
    memset(keep, 0, from->count * sizeof *keep);
    douglas_peucker(&t, from->count, most, stack);
    for (uint32_t i = 0; i < from->count; i++)
        if (keep[i])
            to[n++] = from->points[i];
    return n;
}

/* ---- the event ---- */

struct room {
    struct fl_arena arena;
    struct fl_event_ring *rings;
    struct fl_event_point *points;
    bool *keep;
    uint32_t *stack;
    char *text;
};

static uint32_t points_of(const struct fl_event_ring *rings, uint32_t count, uint32_t *ret_longest)
{
    uint32_t sum = 0;

    *ret_longest = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += rings[i].count;
        if (rings[i].count > *ret_longest)
            *ret_longest = rings[i].count;
    }
    return sum;
}

static int make_room(const struct fl_world_event *e, struct room *room, struct fl_err *err)
{
    uint32_t longest, points = points_of(e->rings, e->ring_count, &longest);

    room->rings = fl_arena_get(&room->arena, e->ring_count * sizeof *room->rings);
    room->points = fl_arena_get(&room->arena, ((size_t)points + 1) * sizeof *room->points);
    room->keep = fl_arena_get(&room->arena, (size_t)longest + 1);
    room->stack = fl_arena_get(&room->arena, (4 * (size_t)longest + 8) * sizeof *room->stack);
    room->text = fl_arena_get(&room->arena, FL_EVENT_TEXT_MAX + NOTE_BYTES);
    if (room->rings == NULL || room->points == NULL || room->keep == NULL || room->stack == NULL ||
        room->text == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an outline");
    return FL_OK;
}

/* The outlines with at most so many degrees of deviation; a hole that vanishes is left out, an
 * outside keeps three points. */
static uint32_t thin_all(const struct fl_world_event *e, double most, struct room *room,
                         uint32_t *ret_points)
{
    struct fl_event_point *to = room->points;
    uint32_t rings = 0, points = 0;

    for (uint32_t i = 0; i < e->ring_count; i++) {
        const struct fl_event_ring *from = &e->rings[i];
        uint32_t n;

        if (from->count < 4) {
            room->rings[rings++] = *from;
            points += from->count;
            continue;
        }
        n = thin_ring(from, most, room->keep, room->stack, to);
        if (n < 3 && from->hole)
            continue;
        room->rings[rings++] = (struct fl_event_ring){.points = to, .count = n, .hole = from->hole};
        to += n;
        points += n;
    }
    *ret_points = points;
    return rings;
}

static void say(struct fl_world_event *e, struct room *room, uint32_t before, uint32_t after,
                double most)
{
    char note[NOTE_BYTES];
    size_t cut = FL_EVENT_TEXT_MAX;
    int len = snprintf(note, sizeof note,
                       "%s[The outline was thinned from %u to %u points; it is at most %.1f km "
                       "off.]",
                       e->text.len > 0 ? " " : "", before, after, most * KM_PER_DEG);

    cut -= (size_t)len;
    cut = cut < e->text.len ? cut : e->text.len;
    while (cut > 0 && cut < e->text.len && (e->text.ptr[cut] & 0xc0) == 0x80)
        cut--;
    if (cut > 0)
        memcpy(room->text, e->text.ptr, cut);
    memcpy(room->text + cut, note, (size_t)len);
    e->text = fl_span_of(room->text, cut + (size_t)len);
}

static int thin_to(const struct fl_world_event *event, size_t max, struct room *room,
                   struct fl_buf *out, struct fl_err *err)
{
    uint32_t longest, before = points_of(event->rings, event->ring_count, &longest), after = 0;
    int r = make_room(event, room, err);

    for (unsigned step = 0; r == FL_OK && step < STEPS; step++) {
        const double most = FIRST_DEG * (double)(1u << step);
        struct fl_world_event e = *event;

        e.ring_count = thin_all(event, most, room, &after);
        e.rings = room->rings;
        say(&e, room, before, after, most);
        r = write_json(&e, out, err);
        if (r == FL_OK && out->len <= max)
            return FL_OK;
    }
    if (r == FL_OK)
        r = fl_err_set(err, FL_E_LIMIT,
                       "the event has %zu bytes even with its outline thinned; it takes %zu",
                       out->len, max);
    return r;
}

int fl_outbound_json(const struct fl_world_event *event, size_t max, struct fl_buf *out,
                     bool *ret_thinned, struct fl_err *err)
{
    struct room room;
    int r = write_json(event, out, err);

    *ret_thinned = false;
    if (r < 0 || out->len <= max)
        return r;
    if (event->ring_count == 0)
        return fl_err_set(err, FL_E_LIMIT, "the event has %zu bytes; it takes %zu", out->len, max);
    fl_arena_init(&room.arena, (size_t)8 << 20);
    r = thin_to(event, max, &room, out, err);
    fl_arena_done(&room.arena);
    *ret_thinned = r == FL_OK;
    return r;
}
