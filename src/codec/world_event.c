#include "codec/world_event.h"

#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/utf8.h"

static const char *const status_names[] = {"actual", "exercise", "system", "test", "draft"};
static const char *const message_names[] = {"alert", "update", "cancel"};

const char *fl_event_status_name(enum fl_event_status status)
{
    return status_names[status];
}

const char *fl_event_message_name(enum fl_event_message message)
{
    return message_names[message];
}

void fl_world_event_init(struct fl_world_event *event)
{
    memset(event, 0, sizeof *event);
    event->probability = event->days = event->lat = event->lon = NAN;
    event->depth_km = event->magnitude = event->mmi = event->radius_km = NAN;
}

/* Members of one kind are rows: name, where it stands, its limits. */
struct text_row {
    const char *name;
    size_t at, max;
};
struct number_row {
    const char *name;
    size_t at;
    double low, high;
};
struct place_row {
    const char *name;
    size_t at;
};

#define AT(member) offsetof(struct fl_world_event, member)

static const struct text_row texts[] = {
    {"feed", AT(feed), FL_EVENT_TITLE_MAX},
    {"type", AT(type), 16},
    {"kind", AT(kind), FL_EVENT_TITLE_MAX},
    {"category", AT(category), 32},
    {"title", AT(title), FL_EVENT_TITLE_MAX},
    {"text", AT(text), FL_EVENT_TEXT_MAX},
    {"place", AT(place), FL_EVENT_TITLE_MAX},
    {"url", AT(url), 1024},
    {"grid", AT(grid), 1024},
    {"sender", AT(sender), FL_EVENT_TITLE_MAX},
    {"urgency", AT(urgency), 32},
    {"severity", AT(severity), 32},
    {"certainty", AT(certainty), 32},
    {"areas", AT(areas), FL_EVENT_TEXT_MAX},
};

static const struct number_row numbers[] = {
    {"probability", AT(probability), 0, 1},
    {"days", AT(days), 0, 36500},
    {"lat", AT(lat), -90, 90},
    {"lon", AT(lon), -180, 180},
    {"depth_km", AT(depth_km), -20, 1000},
    {"magnitude", AT(magnitude), -5, 12},
    {"mmi", AT(mmi), 0, 12},
    {"radius_km", AT(radius_km), 0, 20038},
};

static const struct place_row times[] = {
    {"issued", AT(issued_us)}, {"from", AT(from_us)}, {"until", AT(until_us)}};

static const struct place_row flags[] = {{"signature", AT(signature)}, {"verified", AT(verified)}};

static const struct list_row {
    const char *name;
    size_t at, count_at;
    uint32_t max;
    size_t text_max;
} lists[] = {
    {"ids", AT(ids), AT(id_count), FL_EVENT_IDS_MAX, FL_EVENT_ID_MAX},
    {"references", AT(references), AT(reference_count), FL_EVENT_IDS_MAX, FL_EVENT_ID_MAX},
    {"countries", AT(countries), AT(country_count), FL_EVENT_LIST_MAX, 2},
    {"ports", AT(ports), AT(port_count), FL_EVENT_LIST_MAX, 5},
    {"entities", AT(entities), AT(entity_count), FL_EVENT_LIST_MAX, FL_EVENT_TITLE_MAX},
};

#define FIX(member) offsetof(struct fl_event_fix, member)

static const struct number_row fix_numbers[] = {
    {"lat", FIX(lat), -90, 90},
    {"lon", FIX(lon), -180, 180},
    {"wind_ms", FIX(wind_ms), 0, 150},
    {"pressure_hpa", FIX(pressure_hpa), 800, 1100},
    {"outer_hpa", FIX(outer_hpa), 800, 1100},
    {"error_km", FIX(error_km), 0, 20038},
};

static void *member_of(void *base, size_t at)
{
    return (unsigned char *)base + at;
}

static const void *member(const void *base, size_t at)
{
    return (const unsigned char *)base + at;
}

/* --- helpers of the readers --- */

/* The character at text[at], or 0 for what counts as a blank; *ret_len: how long it is. */
static bool is_blank(struct fl_span text, size_t at, size_t *ret_len)
{
    const unsigned char *p = text.ptr + at;

    *ret_len = fl_utf8_at(p, text.len - at);
    if (*ret_len == 0) {
        *ret_len = 1;
        return true;
    }
    if (*ret_len == 1)
        return *p <= 0x20 || *p == 0x7f;
    return *ret_len == 2 && p[0] == 0xc2 && p[1] <= 0xa0; /* C1 controls and the hard blank */
}

struct fl_span fl_event_clean(struct fl_arena *arena, struct fl_span text, size_t max)
{
    size_t room = text.len < max ? text.len : max, n = 0, len;
    unsigned char *out = fl_arena_get(arena, room + 1);
    bool blank = false;

    if (out == NULL)
        return (struct fl_span){NULL, 0};
    for (size_t at = 0; at < text.len; at += len) {
        if (is_blank(text, at, &len)) {
            blank = n > 0;
            continue;
        }
        if (n + len + (blank ? 1 : 0) > room)
            break;
        if (blank)
            out[n++] = ' ';
        blank = false;
        memcpy(out + n, text.ptr + at, len);
        n += len;
    }
    out[n] = '\0';
    return fl_span_of(out, n);
}

void fl_event_add(struct fl_span *list, uint32_t *count, uint32_t max, struct fl_span item)
{
    if (item.ptr == NULL || item.len == 0 || *count == max)
        return;
    for (uint32_t i = 0; i < *count; i++) {
        if (fl_span_eq(list[i], item))
            return;
    }
    list[(*count)++] = item;
}

bool fl_event_degrees(double lat, double lon, double *ret_lon)
{
    if (!(lat >= -90 && lat <= 90 && lon >= -540 && lon <= 540))
        return false;
    if (lon < -180)
        lon += 360;
    *ret_lon = lon > 180 ? lon - 360 : lon;
    return true;
}

/* Near enough for thinning: a degree is as long as at a's latitude. */
static double near_km(const struct fl_event_point *a, const struct fl_event_point *b)
{
    double dlon = remainder(a->lon - b->lon, 360), dlat = a->lat - b->lat;

    dlon *= cos(a->lat * (M_PI / 180));
    return 111.195 * sqrt(dlat * dlat + dlon * dlon);
}

static void thin_ring(struct fl_event_ring *ring, double km)
{
    uint32_t kept = 1;

    for (uint32_t i = 1; i < ring->count; i++) {
        if (near_km(&ring->points[kept - 1], &ring->points[i]) >= km)
            ring->points[kept++] = ring->points[i];
    }
    while (kept > 1 && near_km(&ring->points[kept - 1], &ring->points[0]) < km)
        kept--;
    ring->count = kept;
}

/* Rings of less than three points go, and the holes of those that went. */
static void drop_rings(struct fl_world_event *event)
{
    uint32_t kept = 0;
    bool outside_gone = false;

    for (uint32_t i = 0; i < event->ring_count; i++) {
        const struct fl_event_ring *ring = &event->rings[i];
        bool gone = ring->count < 3 || (ring->hole && outside_gone);

        if (!ring->hole)
            outside_gone = gone;
        if (!gone)
            event->rings[kept++] = *ring;
    }
    event->ring_count = kept;
}

static bool is_thin(const struct fl_world_event *event)
{
    size_t points = 0;

    for (uint32_t i = 0; i < event->ring_count; i++)
        points += event->rings[i].count;
    return points <= FL_EVENT_POINTS_MAX && event->ring_count <= FL_EVENT_RINGS_MAX;
}

void fl_event_thin(struct fl_world_event *event, double *ret_km)
{
    double km = 0;

    drop_rings(event);
    while (!is_thin(event) && km < 5000) {
        km = km == 0 ? 0.05 : km * 2;
        for (uint32_t i = 0; i < event->ring_count; i++)
            thin_ring(&event->rings[i], km);
        drop_rings(event);
    }
    *ret_km = km;
}

/* --- writing --- */

/* NAN is null. The sum turns -0, which no reader keeps, into 0. */
static void put_any(struct fl_json *json, const char *key, double value)
{
    fl_json_f64(json, key, value + 0.0);
}

static void put_number(struct fl_json *json, const char *key, double value)
{
    if (!isnan(value))
        put_any(json, key, value);
}

static void write_rings(const struct fl_world_event *event, struct fl_json *json)
{
    fl_json_array(json, "rings");
    for (uint32_t i = 0; i < event->ring_count; i++) {
        const struct fl_event_ring *ring = &event->rings[i];

        fl_json_object(json, NULL);
        if (ring->hole)
            fl_json_bool(json, "hole", true);
        fl_json_array(json, "points");
        for (uint32_t k = 0; k < ring->count; k++) {
            fl_json_array(json, NULL);
            put_any(json, NULL, ring->points[k].lat);
            put_any(json, NULL, ring->points[k].lon);
            fl_json_end(json);
        }
        fl_json_end(json);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static void write_circles(const struct fl_world_event *event, struct fl_json *json)
{
    fl_json_array(json, "circles");
    for (uint32_t i = 0; i < event->circle_count; i++) {
        fl_json_array(json, NULL);
        put_any(json, NULL, event->circles[i].lat);
        put_any(json, NULL, event->circles[i].lon);
        put_any(json, NULL, event->circles[i].radius_km);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static bool has_radii(const struct fl_event_fix *fix)
{
    for (unsigned w = 0; w < 3; w++) {
        for (unsigned q = 0; q < 4; q++) {
            if (!isnan(fix->radius_km[w][q]))
                return true;
        }
    }
    return false;
}

static void write_fixes(const struct fl_world_event *event, struct fl_json *json)
{
    fl_json_array(json, "fixes");
    for (uint32_t i = 0; i < event->fix_count; i++) {
        const struct fl_event_fix *fix = &event->fixes[i];

        fl_json_object(json, NULL);
        fl_json_time(json, "at", fix->at_us);
        if (fix->forecast)
            fl_json_bool(json, "forecast", true);
        for (size_t k = 0; k < FL_LEN(fix_numbers); k++)
            put_number(json, fix_numbers[k].name, *(const double *)member(fix, fix_numbers[k].at));
        if (has_radii(fix)) {
            fl_json_array(json, "radius_km");
            for (unsigned w = 0; w < 3; w++) {
                fl_json_array(json, NULL);
                for (unsigned q = 0; q < 4; q++)
                    put_any(json, NULL, fix->radius_km[w][q]);
                fl_json_end(json);
            }
            fl_json_end(json);
        }
        fl_json_end(json);
    }
    fl_json_end(json);
    if (event->wind_minutes != 0)
        fl_json_u64(json, "wind_minutes", event->wind_minutes);
}

static void write_lists(const struct fl_world_event *event, struct fl_json *json)
{
    for (size_t i = 0; i < FL_LEN(lists); i++) {
        const struct fl_span *list = member(event, lists[i].at);
        uint32_t count = *(const uint32_t *)member(event, lists[i].count_at);

        if (count == 0)
            continue;
        fl_json_array(json, lists[i].name);
        for (uint32_t k = 0; k < count; k++)
            fl_json_str(json, NULL, list[k]);
        fl_json_end(json);
    }
}

void fl_world_event_write(const struct fl_world_event *event, struct fl_json *json, const char *key)
{
    fl_json_object(json, key);
    write_lists(event, json);
    for (size_t i = 0; i < FL_LEN(texts); i++) {
        const struct fl_span *text = member(event, texts[i].at);

        if (text->len > 0)
            fl_json_str(json, texts[i].name, *text);
    }
    fl_json_text(json, "status", fl_event_status_name(event->status));
    fl_json_text(json, "message", fl_event_message_name(event->message));
    for (size_t i = 0; i < FL_LEN(times); i++) {
        int64_t us = *(const int64_t *)member(event, times[i].at);

        if (us != 0)
            fl_json_time(json, times[i].name, us);
    }
    for (size_t i = 0; i < FL_LEN(flags); i++) {
        if (*(const bool *)member(event, flags[i].at))
            fl_json_bool(json, flags[i].name, true);
    }
    for (size_t i = 0; i < FL_LEN(numbers); i++)
        put_number(json, numbers[i].name, *(const double *)member(event, numbers[i].at));
    if (event->ring_count > 0)
        write_rings(event, json);
    if (event->circle_count > 0)
        write_circles(event, json);
    if (event->fix_count > 0)
        write_fixes(event, json);
    fl_json_end(json);
}

/* --- reading --- */

struct reading {
    struct fl_arena *arena;
    struct fl_world_event *event;
    struct fl_err *err;
};

static int read_text(struct reading *r, const json_t *value, size_t max, struct fl_span *ret)
{
    struct fl_span clean, text;

    if (!json_is_string(value))
        return fl_err_set(r->err, FL_E_INVAL, "a text is wanted");
    text = fl_span_of(json_string_value(value), json_string_length(value));
    if (text.len == 0 || text.len > max)
        return fl_err_set(r->err, FL_E_INVAL, "1 to %zu bytes are wanted", max);
    clean = fl_event_clean(r->arena, text, max);
    if (clean.ptr == NULL)
        return fl_err_set(r->err, FL_E_NOMEM, "no room for the event");
    if (!fl_span_eq(clean, text))
        return fl_err_set(r->err, FL_E_INVAL, "control characters or needless blanks");
    *ret = clean;
    return FL_OK;
}

static int read_number(struct reading *r, const json_t *value, double low, double high, double *ret)
{
    double number = json_is_number(value) ? json_number_value(value) : NAN;

    if (!(number >= low && number <= high))
        return fl_err_set(r->err, FL_E_INVAL, "a number from %g to %g is wanted", low, high);
    *ret = number;
    return FL_OK;
}

static int read_time(struct reading *r, const json_t *value, int64_t *ret)
{
    if (!json_is_string(value) ||
        !fl_time_parse(fl_span_of(json_string_value(value), json_string_length(value)), ret))
        return fl_err_set(r->err, FL_E_INVAL, "a time of RFC 3339 is wanted");
    return FL_OK;
}

static int read_flag(struct reading *r, const json_t *value, bool *ret)
{
    if (!json_is_boolean(value))
        return fl_err_set(r->err, FL_E_INVAL, "true or false is wanted");
    *ret = json_is_true(value);
    return FL_OK;
}

static int read_word(struct reading *r, const json_t *value, const char *const *words, size_t count,
                     unsigned *ret)
{
    for (size_t i = 0; json_is_string(value) && i < count; i++) {
        if (strcmp(json_string_value(value), words[i]) == 0) {
            *ret = (unsigned)i;
            return FL_OK;
        }
    }
    return fl_err_set(r->err, FL_E_INVAL, "none of its words");
}

/* The array's length, 1 to max, or an error. */
static int array_size(struct reading *r, const json_t *value, size_t max)
{
    size_t n = json_array_size(value);

    if (!json_is_array(value) || n == 0)
        return fl_err_set(r->err, FL_E_INVAL, "an array that is not empty is wanted");
    if (n > max)
        return fl_err_set(r->err, FL_E_LIMIT, "%zu are more than %zu", n, max);
    return (int)n;
}

static void *get(struct reading *r, size_t bytes)
{
    void *ptr = fl_arena_get(r->arena, bytes);

    if (ptr == NULL)
        (void)fl_err_set(r->err, FL_E_NOMEM, "no room for the event");
    return ptr;
}

static int read_pair(struct reading *r, const json_t *value, double *lat, double *lon)
{
    int code = read_number(r, json_array_get(value, 0), -90, 90, lat);

    return code < 0 ? code : read_number(r, json_array_get(value, 1), -180, 180, lon);
}

static int read_ring(struct reading *r, const json_t *value, size_t *left,
                     struct fl_event_ring *ring)
{
    const json_t *points = json_object_get(value, "points"), *hole = json_object_get(value, "hole");
    size_t known = 1 + (hole != NULL ? 1u : 0u);
    int n = array_size(r, points, *left);

    if (n < 0)
        return fl_err_wrap(r->err, "points");
    if (n < 3 || json_object_size(value) != known)
        return fl_err_set(r->err, FL_E_INVAL, "points (three or more) and hole are wanted");
    ring->hole = false;
    if (hole != NULL && read_flag(r, hole, &ring->hole) < 0)
        return fl_err_wrap(r->err, "hole");
    ring->points = get(r, (size_t)n * sizeof *ring->points);
    if (ring->points == NULL)
        return FL_E_NOMEM;
    ring->count = (uint32_t)n;
    *left -= (size_t)n;
    for (int i = 0; i < n; i++) {
        const json_t *pair = json_array_get(points, (size_t)i);

        if (json_array_size(pair) != 2)
            return fl_err_set(r->err, FL_E_INVAL, "points[%d]: [lat, lon] is wanted", i);
        if (read_pair(r, pair, &ring->points[i].lat, &ring->points[i].lon) < 0)
            return fl_err_wrap(r->err, "points[%d]", i);
    }
    return FL_OK;
}

static int read_rings(struct reading *r, const json_t *value)
{
    size_t left = FL_EVENT_POINTS_MAX;
    int n = array_size(r, value, FL_EVENT_RINGS_MAX);

    if (n < 0)
        return fl_err_wrap(r->err, "rings");
    r->event->rings = get(r, (size_t)n * sizeof *r->event->rings);
    if (r->event->rings == NULL)
        return FL_E_NOMEM;
    for (int i = 0; i < n; i++) {
        if (read_ring(r, json_array_get(value, (size_t)i), &left, &r->event->rings[i]) < 0)
            return fl_err_wrap(r->err, "rings[%d]", i);
    }
    if (r->event->rings[0].hole)
        return fl_err_set(r->err, FL_E_INVAL, "rings[0]: a hole needs an outside before it");
    r->event->ring_count = (uint32_t)n;
    return FL_OK;
}

static int read_circles(struct reading *r, const json_t *value)
{
    int n = array_size(r, value, FL_EVENT_POINTS_MAX);

    if (n < 0)
        return fl_err_wrap(r->err, "circles");
    r->event->circles = get(r, (size_t)n * sizeof *r->event->circles);
    if (r->event->circles == NULL)
        return FL_E_NOMEM;
    for (int i = 0; i < n; i++) {
        struct fl_event_circle *circle = &r->event->circles[i];
        const json_t *triple = json_array_get(value, (size_t)i);

        if (json_array_size(triple) != 3)
            return fl_err_set(r->err, FL_E_INVAL, "circles[%d]: [lat, lon, km] is wanted", i);
        if (read_pair(r, triple, &circle->lat, &circle->lon) < 0 ||
            read_number(r, json_array_get(triple, 2), 0, 20038, &circle->radius_km) < 0)
            return fl_err_wrap(r->err, "circles[%d]", i);
    }
    r->event->circle_count = (uint32_t)n;
    return FL_OK;
}

static int read_radii(struct reading *r, const json_t *value, struct fl_event_fix *fix)
{
    if (json_array_size(value) != 3)
        return fl_err_set(r->err, FL_E_INVAL, "three rows (34, 50, 64 kt) are wanted");
    for (size_t w = 0; w < 3; w++) {
        const json_t *row = json_array_get(value, w);

        if (json_array_size(row) != 4)
            return fl_err_set(r->err, FL_E_INVAL, "[%zu]: NE, SE, SW, NW are wanted", w);
        for (size_t q = 0; q < 4; q++) {
            const json_t *cell = json_array_get(row, q);

            if (!json_is_null(cell) && read_number(r, cell, 0, 5000, &fix->radius_km[w][q]) < 0)
                return fl_err_wrap(r->err, "[%zu][%zu]", w, q);
        }
    }
    return FL_OK;
}

static void fix_init(struct fl_event_fix *fix)
{
    memset(fix, 0, sizeof *fix);
    for (size_t k = 0; k < FL_LEN(fix_numbers); k++)
        *(double *)member_of(fix, fix_numbers[k].at) = NAN;
    for (unsigned i = 0; i < 12; i++)
        fix->radius_km[i / 4][i % 4] = NAN;
}

static int read_fix_member(struct reading *r, const char *name, const json_t *value,
                           struct fl_event_fix *fix)
{
    if (strcmp(name, "at") == 0)
        return read_time(r, value, &fix->at_us);
    if (strcmp(name, "forecast") == 0)
        return read_flag(r, value, &fix->forecast);
    if (strcmp(name, "radius_km") == 0)
        return read_radii(r, value, fix);
    for (size_t k = 0; k < FL_LEN(fix_numbers); k++) {
        const struct number_row *row = &fix_numbers[k];

        if (strcmp(name, row->name) == 0)
            return read_number(r, value, row->low, row->high, member_of(fix, row->at));
    }
    return fl_err_set(r->err, FL_E_INVAL, "there is no such member");
}

static int read_fix(struct reading *r, json_t *value, struct fl_event_fix *fix)
{
    const char *name;
    json_t *item;

    fix_init(fix);
    json_object_foreach(value, name, item)
    {
        if (read_fix_member(r, name, item, fix) < 0)
            return fl_err_wrap(r->err, "%.40s", name);
    }
    if (json_object_get(value, "at") == NULL || isnan(fix->lat) || isnan(fix->lon))
        return fl_err_set(r->err, FL_E_INVAL, "at, lat and lon are wanted");
    return FL_OK;
}

static int read_fixes(struct reading *r, const json_t *value)
{
    int n = array_size(r, value, FL_EVENT_FIXES_MAX);

    if (n < 0)
        return fl_err_wrap(r->err, "fixes");
    r->event->fixes = get(r, (size_t)n * sizeof *r->event->fixes);
    if (r->event->fixes == NULL)
        return FL_E_NOMEM;
    for (int i = 0; i < n; i++) {
        struct fl_event_fix *fix = &r->event->fixes[i];

        if (read_fix(r, json_array_get(value, (size_t)i), fix) < 0)
            return fl_err_wrap(r->err, "fixes[%d]", i);
        if (i > 0 && fix->at_us < fix[-1].at_us)
            return fl_err_set(r->err, FL_E_INVAL, "fixes[%d]: at: before the one in front", i);
    }
    r->event->fix_count = (uint32_t)n;
    return FL_OK;
}

static int read_list(struct reading *r, const struct list_row *row, const json_t *value)
{
    struct fl_span *list = member_of(r->event, row->at);
    int n = array_size(r, value, row->max);

    if (n < 0)
        return fl_err_wrap(r->err, "%s", row->name);
    for (int i = 0; i < n; i++) {
        if (read_text(r, json_array_get(value, (size_t)i), row->text_max, &list[i]) < 0)
            return fl_err_wrap(r->err, "%s[%d]", row->name, i);
    }
    *(uint32_t *)member_of(r->event, row->count_at) = (uint32_t)n;
    return FL_OK;
}

/* 1 of what was read, the code with the member's name of what was not. */
static int took(struct reading *r, const char *name, int code)
{
    return code < 0 ? fl_err_wrap(r->err, "%s", name) : 1;
}

/* 1: it is a member of one kind, and read. 0: it is none of them. */
static int read_plain(struct reading *r, const char *name, const json_t *value)
{
    struct fl_world_event *event = r->event;

    for (size_t i = 0; i < FL_LEN(texts); i++) {
        if (strcmp(name, texts[i].name) == 0)
            return took(r, name, read_text(r, value, texts[i].max, member_of(event, texts[i].at)));
    }
    for (size_t i = 0; i < FL_LEN(numbers); i++) {
        const struct number_row *row = &numbers[i];

        if (strcmp(name, row->name) == 0)
            return took(r, name,
                        read_number(r, value, row->low, row->high, member_of(event, row->at)));
    }
    for (size_t i = 0; i < FL_LEN(times); i++) {
        if (strcmp(name, times[i].name) == 0)
            return took(r, name, read_time(r, value, member_of(event, times[i].at)));
    }
    for (size_t i = 0; i < FL_LEN(flags); i++) {
        if (strcmp(name, flags[i].name) == 0)
            return took(r, name, read_flag(r, value, member_of(event, flags[i].at)));
    }
    return 0;
}

static int read_special(struct reading *r, const char *name, const json_t *value)
{
    double minutes = 0;
    unsigned word = 0;
    int code;

    if (strcmp(name, "rings") == 0)
        return read_rings(r, value);
    if (strcmp(name, "circles") == 0)
        return read_circles(r, value);
    if (strcmp(name, "fixes") == 0)
        return read_fixes(r, value);
    if (strcmp(name, "status") == 0) {
        code = read_word(r, value, status_names, FL_LEN(status_names), &word);
        r->event->status = (enum fl_event_status)word;
    } else if (strcmp(name, "message") == 0) {
        code = read_word(r, value, message_names, FL_LEN(message_names), &word);
        r->event->message = (enum fl_event_message)word;
    } else if (strcmp(name, "wind_minutes") == 0) {
        code = read_number(r, value, 1, 10, &minutes);
        r->event->wind_minutes = (uint32_t)minutes;
        if (code == FL_OK && minutes != 1 && minutes != 10)
            code = fl_err_set(r->err, FL_E_INVAL, "1 or 10 is wanted");
    } else {
        return fl_err_set(r->err, FL_E_INVAL, "there is no member '%.40s'", name);
    }
    return code < 0 ? fl_err_wrap(r->err, "%s", name) : FL_OK;
}

static int read_member(struct reading *r, const char *name, const json_t *value)
{
    int code;

    for (size_t i = 0; i < FL_LEN(lists); i++) {
        if (strcmp(name, lists[i].name) == 0)
            return read_list(r, &lists[i], value);
    }
    code = read_plain(r, name, value);
    return code != 0 ? (code < 0 ? code : FL_OK) : read_special(r, name, value);
}

static int check_whole(struct reading *r)
{
    const struct fl_world_event *event = r->event;

    if (event->id_count == 0)
        return fl_err_set(r->err, FL_E_INVAL, "ids: a name is wanted");
    if (isnan(event->lat) != isnan(event->lon))
        return fl_err_set(r->err, FL_E_INVAL, "lat, lon: one is there without the other");
    if (event->verified && !event->signature)
        return fl_err_set(r->err, FL_E_INVAL, "verified: there is no signature");
    if (event->fix_count > 0 && event->wind_minutes == 0)
        return fl_err_set(r->err, FL_E_INVAL, "wind_minutes: wanted with fixes");
    for (uint32_t i = 0; i < event->country_count; i++) {
        const unsigned char *c = event->countries[i].ptr;

        if (event->countries[i].len != 2 || c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z')
            return fl_err_set(r->err, FL_E_INVAL, "countries[%u]: two capital letters are wanted",
                              (unsigned)i);
    }
    return FL_OK;
}

static int read_object(struct reading *r, json_t *object)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return fl_err_set(r->err, FL_E_INVAL, "an object is wanted");
    json_object_foreach(object, name, value)
    {
        int code = read_member(r, name, value);

        if (code < 0)
            return code;
    }
    return check_whole(r);
}

int fl_world_event_read(struct fl_span text, struct fl_arena *arena, struct fl_world_event *ret,
                        struct fl_err *err)
{
    struct reading r = {.arena = arena, .err = err};
    struct fl_err own;
    json_error_t where;
    json_t *object;
    int code;

    if (err == NULL)
        r.err = &own; /* contexts are put in front of it */
    if (text.len > FL_EVENT_JSON_MAX)
        return fl_err_set(err, FL_E_LIMIT, "an event of %zu bytes is over %zu", text.len,
                          FL_EVENT_JSON_MAX);
    r.event = get(&r, sizeof *r.event);
    if (r.event == NULL)
        return FL_E_NOMEM;
    fl_world_event_init(r.event);
    object = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &where);
    if (object == NULL)
        return fl_err_set(err, FL_E_INVAL, "line %d: %.120s", where.line, where.text);
    code = read_object(&r, object);
    json_decref(object);
    if (code == FL_OK)
        *ret = *r.event;
    return code;
}
