#include "supply/identity.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "model/event_type.h"
#include "supply/geo.h"

static const char *const same_names[] = {"no", "name", "reference", "near"};
static const char *const incoming_names[] = {"new", "update", "cancel", "unchanged", "old"};

const char *fl_same_name(enum fl_same same)
{
    return same_names[same];
}

const char *fl_incoming_name(enum fl_incoming incoming)
{
    return incoming_names[incoming];
}

/* --- near in place and time --- */

/* What is the same when it is so near. from, to: numbers within the family. magnitude: how far
 * apart at most; 0 does not matter. */
static const struct closeness {
    const char *family;
    unsigned from, to;
    double km;
    int64_t us;
    double magnitude;
} closenesses[] = {
    {"GEO", 1, 4, 100, 60 * FL_US_PER_S, 0.7},     /* earthquakes */
    {"GEO", 7, 8, 500, FL_US_PER_DAY / 2, 0},      /* tsunami */
    {"GEO", 9, 14, 30, 14 * FL_US_PER_DAY, 0},     /* volcanoes */
    {"GEO", 15, 18, 10, 2 * FL_US_PER_DAY, 0},     /* slides */
    {"MET", 1, 4, 300, 6 * 3600 * FL_US_PER_S, 0}, /* cyclones: at the same hour */
    {"MET", 5, 28, 100, FL_US_PER_DAY, 0},         /* other weather */
    {"HYD", 1, 13, 150, 7 * FL_US_PER_DAY, 0},     /* floods */
    {"CLI", 1, 4, 30, 7 * FL_US_PER_DAY, 0},       /* fires */
    {"CLI", 5, 9, 400, 60 * FL_US_PER_DAY, 0},     /* droughts */
    {"IND", 1, 30, 3, 2 * FL_US_PER_DAY, 0},       {"UTL", 1, 20, 20, FL_US_PER_DAY, 0},
    {"TRN", 1, 36, 5, 2 * FL_US_PER_DAY, 0},
};
#define ENTITY_US     (3 * FL_US_PER_DAY) /* same type of same supplier */
#define EXTENT_MAX_KM 200

static const struct closeness *closeness_of(const struct fl_world_event *event)
{
    const struct fl_event_type *type = fl_event_type_of(event);
    uint64_t number = 0;

    if (type == NULL || !fl_span_u64(fl_span_str(type->code + 4), &number))
        return NULL;
    for (size_t i = 0; i < FL_LEN(closenesses); i++) {
        const struct closeness *c = &closenesses[i];

        if (strncmp(c->family, type->code, 3) == 0 && number >= c->from && number <= c->to)
            return c;
    }
    return NULL;
}

struct extent {
    double lat0, lat1, lon, west, east; /* west, east: from lon */
    bool any;
};

static void stretch(struct extent *x, double lat, double lon)
{
    double off;

    if (!x->any)
        *x = (struct extent){.lat0 = lat, .lat1 = lat, .lon = lon, .any = true};
    off = remainder(lon - x->lon, 360);
    x->lat0 = fmin(x->lat0, lat);
    x->lat1 = fmax(x->lat1, lat);
    x->west = fmin(x->west, off);
    x->east = fmax(x->east, off);
}

/* Where it is, and how far from there it reaches; false: nowhere by place. */
static bool anchor(const struct fl_world_event *event, struct fl_event_point *ret, double *ret_km)
{
    struct extent x = {.any = false};

    *ret_km = 0;
    if (!isnan(event->lat)) {
        *ret = (struct fl_event_point){event->lat, event->lon};
        return true;
    }
    for (uint32_t i = 0; i < event->ring_count; i++) {
        for (uint32_t k = 0; k < event->rings[i].count; k++)
            stretch(&x, event->rings[i].points[k].lat, event->rings[i].points[k].lon);
    }
    for (uint32_t i = 0; i < event->circle_count; i++) {
        stretch(&x, event->circles[i].lat, event->circles[i].lon);
        *ret_km = fmax(*ret_km, event->circles[i].radius_km);
    }
    if (!x.any)
        return false;
    ret->lat = (x.lat0 + x.lat1) / 2;
    ret->lon = remainder(x.lon + (x.west + x.east) / 2, 360);
    *ret_km += fl_geo_km(ret->lat, ret->lon, x.lat0, x.lon + x.west);
    *ret_km = fmin(*ret_km, EXTENT_MAX_KM);
    return true;
}

static void span_of(const struct fl_world_event *event, int64_t *from, int64_t *until)
{
    *from = event->from_us != 0 ? event->from_us : event->issued_us;
    *until = event->until_us > *from ? event->until_us : *from;
}

/* Between the two spans of time; 0: they meet. */
static int64_t apart_us(const struct fl_world_event *a, const struct fl_world_event *b)
{
    int64_t a0, a1, b0, b1;

    span_of(a, &a0, &a1);
    span_of(b, &b0, &b1);
    if (a1 < b0)
        return b0 - a1;
    return b1 < a0 ? a0 - b1 : 0;
}

/* Do two tracks, or a track and a point, stand near each other at the same hour? */
static bool fixes_near(const struct fl_world_event *a, const struct fl_world_event *b,
                       const struct closeness *c)
{
    for (uint32_t i = 0; i < a->fix_count; i++) {
        const struct fl_event_fix *p = &a->fixes[i];

        for (uint32_t k = 0; k < b->fix_count; k++) {
            const struct fl_event_fix *q = &b->fixes[k];

            if (llabs(p->at_us - q->at_us) <= c->us &&
                fl_geo_km(p->lat, p->lon, q->lat, q->lon) <= c->km)
                return true;
        }
    }
    return false;
}

static bool entity_near(const struct fl_world_event *a, const struct fl_world_event *b)
{
    if (fl_event_type_of(a) == NULL || fl_event_type_of(a) != fl_event_type_of(b) ||
        apart_us(a, b) > ENTITY_US)
        return false;
    for (uint32_t i = 0; i < a->entity_count; i++) {
        for (uint32_t k = 0; k < b->entity_count; k++) {
            if (a->entities[i].len == b->entities[k].len &&
                fl_span_find_nocase(a->entities[i], b->entities[k]))
                return true;
        }
    }
    return false;
}

static bool is_near(const struct fl_world_event *a, const struct fl_world_event *b)
{
    const struct closeness *c = closeness_of(a);
    struct fl_event_point pa, pb;
    double ka, kb;

    if (fl_span_eq(a->feed, b->feed))
        return false;
    if (entity_near(a, b))
        return true;
    if (c == NULL || c != closeness_of(b))
        return false;
    if (a->fix_count > 0 && b->fix_count > 0)
        return fixes_near(a, b, c);
    if (apart_us(a, b) > c->us || !anchor(a, &pa, &ka) || !anchor(b, &pb, &kb))
        return false;
    if (c->magnitude > 0 && fabs(a->magnitude - b->magnitude) > c->magnitude)
        return false; /* an unknown one does not part them */
    return fl_geo_km(pa.lat, pa.lon, pb.lat, pb.lon) <= c->km + ka + kb;
}

/* --- names --- */

static bool shares(const struct fl_span *a, uint32_t a_count, const struct fl_span *b,
                   uint32_t b_count)
{
    for (uint32_t i = 0; i < a_count; i++) {
        for (uint32_t k = 0; k < b_count; k++) {
            if (fl_span_eq(a[i], b[k]))
                return true;
        }
    }
    return false;
}

enum fl_same fl_identity_same(const struct fl_world_event *a, const struct fl_world_event *b)
{
    if (a->status != b->status)
        return FL_SAME_NO;
    if (shares(a->ids, a->id_count, b->ids, b->id_count))
        return FL_SAME_NAME;
    if (shares(a->references, a->reference_count, b->ids, b->id_count) ||
        shares(b->references, b->reference_count, a->ids, a->id_count) ||
        shares(a->references, a->reference_count, b->references, b->reference_count))
        return FL_SAME_REFERENCE;
    return is_near(a, b) ? FL_SAME_NEAR : FL_SAME_NO;
}

double fl_identity_reach_km(const struct fl_world_event *event)
{
    const struct closeness *c = closeness_of(event);
    struct fl_event_point at;
    double km;

    return c == NULL || !anchor(event, &at, &km) ? 0 : c->km + km + EXTENT_MAX_KM;
}

int64_t fl_identity_reach_us(const struct fl_world_event *event)
{
    const struct closeness *c = closeness_of(event);

    return c != NULL && c->us > ENTITY_US ? c->us : ENTITY_US;
}

/* --- versions --- */

/* The members of an event, for comparing and merging. */
#define AT(member) offsetof(struct fl_world_event, member)

static const size_t texts[] = {AT(type),     AT(kind),      AT(category), AT(title),  AT(text),
                               AT(place),    AT(url),       AT(grid),     AT(sender), AT(urgency),
                               AT(severity), AT(certainty), AT(areas)};
static const size_t numbers[] = {AT(probability), AT(days),      AT(lat), AT(lon),
                                 AT(depth_km),    AT(magnitude), AT(mmi), AT(radius_km)};
static const struct {
    size_t at, count_at;
    uint32_t max;
} lists[] = {
    {AT(ids), AT(id_count), FL_EVENT_IDS_MAX},
    {AT(references), AT(reference_count), FL_EVENT_IDS_MAX},
    {AT(countries), AT(country_count), FL_EVENT_LIST_MAX},
    {AT(ports), AT(port_count), FL_EVENT_LIST_MAX},
    {AT(entities), AT(entity_count), FL_EVENT_LIST_MAX},
};

static const struct fl_span *text_at(const struct fl_world_event *event, size_t at)
{
    return (const struct fl_span *)(const void *)((const unsigned char *)event + at);
}

static double number_at(const struct fl_world_event *event, size_t at)
{
    return *(const double *)(const void *)((const unsigned char *)event + at);
}

static uint32_t count_at(const struct fl_world_event *event, size_t at)
{
    return *(const uint32_t *)(const void *)((const unsigned char *)event + at);
}

static bool same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

static bool same_lists(const struct fl_world_event *a, const struct fl_world_event *b)
{
    for (size_t i = 0; i < FL_LEN(lists); i++) {
        uint32_t n = count_at(a, lists[i].count_at);

        if (n != count_at(b, lists[i].count_at))
            return false;
        for (uint32_t k = 0; k < n; k++) {
            if (!fl_span_eq(text_at(a, lists[i].at)[k], text_at(b, lists[i].at)[k]))
                return false;
        }
    }
    return true;
}

static bool same_area(const struct fl_world_event *a, const struct fl_world_event *b)
{
    if (a->ring_count != b->ring_count || a->circle_count != b->circle_count)
        return false;
    for (uint32_t i = 0; i < a->ring_count; i++) {
        const struct fl_event_ring *p = &a->rings[i], *q = &b->rings[i];

        if (p->count != q->count || p->hole != q->hole)
            return false;
        for (uint32_t k = 0; k < p->count; k++) {
            if (p->points[k].lat != q->points[k].lat || p->points[k].lon != q->points[k].lon)
                return false;
        }
    }
    for (uint32_t i = 0; i < a->circle_count; i++) {
        const struct fl_event_circle *p = &a->circles[i], *q = &b->circles[i];

        if (p->lat != q->lat || p->lon != q->lon || p->radius_km != q->radius_km)
            return false;
    }
    return true;
}

static bool same_fix(const struct fl_event_fix *a, const struct fl_event_fix *b)
{
    bool same = a->at_us == b->at_us && a->forecast == b->forecast && a->lat == b->lat &&
                a->lon == b->lon && same_number(a->wind_ms, b->wind_ms) &&
                same_number(a->pressure_hpa, b->pressure_hpa) &&
                same_number(a->outer_hpa, b->outer_hpa) && same_number(a->error_km, b->error_km);

    for (unsigned i = 0; same && i < 12; i++)
        same = same_number(a->radius_km[i / 4][i % 4], b->radius_km[i / 4][i % 4]);
    return same;
}

/* All but the time of issue. */
static bool same_content(const struct fl_world_event *a, const struct fl_world_event *b)
{
    bool same = a->status == b->status && a->message == b->message && a->from_us == b->from_us &&
                a->until_us == b->until_us && a->verified == b->verified &&
                a->fix_count == b->fix_count && a->wind_minutes == b->wind_minutes &&
                same_lists(a, b) && same_area(a, b);

    for (size_t i = 0; same && i < FL_LEN(texts); i++)
        same = fl_span_eq(*text_at(a, texts[i]), *text_at(b, texts[i]));
    for (size_t i = 0; same && i < FL_LEN(numbers); i++)
        same = same_number(number_at(a, numbers[i]), number_at(b, numbers[i]));
    for (uint32_t i = 0; same && i < a->fix_count; i++)
        same = same_fix(&a->fixes[i], &b->fixes[i]);
    return same;
}

enum fl_incoming fl_identity_incoming(const struct fl_world_event *before,
                                      const struct fl_world_event *event)
{
    bool cancel = event->message == FL_EVENT_CANCEL;

    if (before == NULL)
        return cancel ? FL_INCOMING_CANCEL : FL_INCOMING_NEW;
    if (event->issued_us != 0 && before->issued_us != 0 && event->issued_us < before->issued_us)
        return FL_INCOMING_OLD;
    if (cancel && before->message == FL_EVENT_CANCEL)
        return FL_INCOMING_UNCHANGED;
    if (cancel)
        return FL_INCOMING_CANCEL;
    return same_content(before, event) ? FL_INCOMING_UNCHANGED : FL_INCOMING_UPDATE;
}

bool fl_identity_withdrawn(const struct fl_world_event *event, int64_t oldest_us)
{
    static const char prefix[] = "usgs:";
    bool window = event->kind.len >= sizeof prefix - 1 &&
                  memcmp(event->kind.ptr, prefix, sizeof prefix - 1) == 0;

    return window && event->message != FL_EVENT_CANCEL && event->from_us >= oldest_us;
}

/* --- merging --- */

enum origin { PERSON, USGS, GDACS, CAP, TRACK, LIST, ORIGINS };

static enum origin origin_of(const struct fl_world_event *event)
{
    static const struct {
        const char *prefix;
        enum origin origin;
    } rows[] = {{"usgs:", USGS}, {"gdacs:", GDACS}, {"cap:", CAP}, {"track:", TRACK}};

    if (event->feed.len == 0)
        return PERSON;
    for (size_t i = 0; i < FL_LEN(rows); i++) {
        size_t n = strlen(rows[i].prefix);

        if (event->kind.len >= n && memcmp(event->kind.ptr, rows[i].prefix, n) == 0)
            return rows[i].origin;
    }
    return LIST;
}

static const unsigned char ranks[3][ORIGINS] = {
    /* earthquakes */
    {[PERSON] = 0, [USGS] = 1, [GDACS] = 2, [CAP] = 3, [TRACK] = 4, [LIST] = 5},
    /* cyclones */
    {[PERSON] = 0, [TRACK] = 1, [CAP] = 2, [GDACS] = 3, [USGS] = 4, [LIST] = 5},
    /* all else */
    {[PERSON] = 0, [CAP] = 1, [GDACS] = 2, [USGS] = 3, [TRACK] = 4, [LIST] = 5},
};

/* Which row of ranks. */
static unsigned ranking_of(const struct fl_world_event *const *events, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct closeness *c = closeness_of(events[i]);

        if (c == &closenesses[0])
            return 0;
        if (c == &closenesses[4])
            return 1;
    }
    return 2;
}

static int compare_spans(struct fl_span a, struct fl_span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int r = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

    return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}

static bool goes_before(const struct fl_world_event *a, const struct fl_world_event *b,
                        unsigned ranking)
{
    int ra = ranks[ranking][origin_of(a)], rb = ranks[ranking][origin_of(b)], r;

    if (ra != rb)
        return ra < rb;
    r = compare_spans(a->feed, b->feed);
    if (r == 0 && a->id_count > 0 && b->id_count > 0)
        r = compare_spans(a->ids[0], b->ids[0]);
    return r < 0;
}

static int worst(struct fl_span severity)
{
    static const char *const words[] = {"minor", "moderate", "severe", "extreme"};

    for (int i = 0; i < 4; i++) {
        if (fl_span_eq(severity, fl_span_str(words[i])))
            return i;
    }
    return -1;
}

/* What `ret` does not say yet, from event. */
static void fill_up(struct fl_world_event *ret, const struct fl_world_event *event)
{
    bool placed = !isnan(ret->lat), shaped = ret->ring_count > 0 || ret->circle_count > 0;

    for (size_t i = 0; i < FL_LEN(texts); i++) {
        struct fl_span *own = (struct fl_span *)(void *)((unsigned char *)ret + texts[i]);

        if (own->len == 0)
            *own = *text_at(event, texts[i]);
    }
    for (size_t i = 0; i < FL_LEN(numbers); i++) {
        double *own = (double *)(void *)((unsigned char *)ret + numbers[i]);
        bool place = numbers[i] == AT(lat) || numbers[i] == AT(lon);

        if (isnan(*own) && !(place && placed))
            *own = number_at(event, numbers[i]);
    }
    for (size_t i = 0; i < FL_LEN(lists); i++) {
        struct fl_span *own = (struct fl_span *)(void *)((unsigned char *)ret + lists[i].at);
        uint32_t *n = (uint32_t *)(void *)((unsigned char *)ret + lists[i].count_at);

        for (uint32_t k = 0; k < count_at(event, lists[i].count_at); k++)
            fl_event_add(own, n, lists[i].max, text_at(event, lists[i].at)[k]);
    }
    if (!shaped) {
        ret->rings = event->rings;
        ret->ring_count = event->ring_count;
        ret->circles = event->circles;
        ret->circle_count = event->circle_count;
    }
    if (ret->fix_count == 0) {
        ret->fixes = event->fixes;
        ret->fix_count = event->fix_count;
        ret->wind_minutes = event->wind_minutes;
    }
    ret->from_us = ret->from_us != 0 ? ret->from_us : event->from_us;
    ret->until_us = ret->until_us != 0 ? ret->until_us : event->until_us;
    ret->issued_us = event->issued_us > ret->issued_us ? event->issued_us : ret->issued_us;
    if (worst(event->severity) > worst(ret->severity))
        ret->severity = event->severity;
    if (event->message != FL_EVENT_CANCEL && ret->message == FL_EVENT_CANCEL)
        ret->message = event->message;
}

void fl_identity_merge(const struct fl_world_event *const *events, unsigned count,
                       struct fl_world_event *ret)
{
    const struct fl_world_event *order[FL_IDENTITY_FEEDS_MAX];
    unsigned ranking = ranking_of(events, count), n = 0;

    for (unsigned i = 0; i < count && i < FL_IDENTITY_FEEDS_MAX; i++) {
        unsigned at = n++;

        while (at > 0 && goes_before(events[i], order[at - 1], ranking)) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = events[i];
    }
    if (n == 0)
        return;
    *ret = *order[0];
    for (unsigned i = 1; i < n; i++)
        fill_up(ret, order[i]);
}
