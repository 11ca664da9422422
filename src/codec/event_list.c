#include "codec/event_list.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/country.h"
#include "codec/csv.h"
#include "codec/feed_int.h"

enum kind {
    KIND_ID,
    KIND_TEXT,
    KIND_LOWER,
    KIND_URL,
    KIND_NUMBER,
    KIND_TIME,
    KIND_LIST,
    KIND_STATUS,
    KIND_MESSAGE
};

#define AT(member) offsetof(struct fl_world_event, member)

/* Our members. a, b: limits of numbers; a: longest text; at and count_at of lists. */
static const struct ours {
    const char *name;
    enum kind kind;
    size_t at, count_at;
    double a, b;
} ours[] = {
    {"id", KIND_ID, 0, 0, 0, 0},
    {"title", KIND_TEXT, AT(title), 0, FL_EVENT_TITLE_MAX, 0},
    {"text", KIND_TEXT, AT(text), 0, FL_EVENT_TEXT_MAX, 0},
    {"place", KIND_TEXT, AT(place), 0, FL_EVENT_TITLE_MAX, 0},
    {"url", KIND_URL, AT(url), 0, 1024, 0},
    {"type", KIND_TEXT, AT(type), 0, 16, 0},
    {"kind", KIND_TEXT, AT(kind), 0, FL_EVENT_TITLE_MAX, 0},
    {"category", KIND_LOWER, AT(category), 0, 32, 0},
    {"status", KIND_STATUS, 0, 0, 0, 0},
    {"message", KIND_MESSAGE, 0, 0, 0, 0},
    {"severity", KIND_LOWER, AT(severity), 0, 32, 0},
    {"urgency", KIND_LOWER, AT(urgency), 0, 32, 0},
    {"certainty", KIND_LOWER, AT(certainty), 0, 32, 0},
    {"issued", KIND_TIME, AT(issued_us), 0, 0, 0},
    {"from", KIND_TIME, AT(from_us), 0, 0, 0},
    {"until", KIND_TIME, AT(until_us), 0, 0, 0},
    {"lat", KIND_NUMBER, AT(lat), 0, -90, 90},
    {"lon", KIND_NUMBER, AT(lon), 0, -180, 180},
    {"radius_km", KIND_NUMBER, AT(radius_km), 0, 0, 20038},
    {"magnitude", KIND_NUMBER, AT(magnitude), 0, -5, 12},
    {"depth_km", KIND_NUMBER, AT(depth_km), 0, -20, 1000},
    {"probability", KIND_NUMBER, AT(probability), 0, 0, 1},
    {"days", KIND_NUMBER, AT(days), 0, 0, 36500},
    {"country", KIND_LIST, AT(countries), AT(country_count), 2, 0},
    {"port", KIND_LIST, AT(ports), AT(port_count), 5, 0},
    {"entity", KIND_LIST, AT(entities), AT(entity_count), FL_EVENT_TITLE_MAX, 0},
};
#define OURS FL_LEN(ours)

struct fl_event_map {
    struct fl_span theirs[OURS]; /* ptr NULL: not mapped */
    bool constant[OURS];
    struct fl_span items;
    struct fl_arena arena;
};

/* --- the mapping --- */

void fl_event_map_free(struct fl_event_map *map)
{
    if (map == NULL)
        return;
    fl_arena_done(&map->arena);
    free(map);
}

static int find_ours(struct fl_span name)
{
    for (size_t i = 0; i < OURS; i++) {
        if (fl_span_eq(name, fl_span_str(ours[i].name)))
            return (int)i;
    }
    return -1;
}

static int put_pair(struct fl_event_map *map, struct fl_span pair, struct fl_err *err)
{
    const unsigned char *equals = memchr(pair.ptr, '=', pair.len);
    struct fl_span name, theirs;
    bool constant;
    int which;

    if (equals == NULL)
        return fl_err_set(err, FL_E_INVAL, "'%.*s': OURS = THEIRS is wanted",
                          (int)(pair.len < 60 ? pair.len : 60), (const char *)pair.ptr);
    name = fl_feed_trim(fl_span_of(pair.ptr, (size_t)(equals - pair.ptr)));
    theirs = fl_feed_trim(fl_span_of(equals + 1, (size_t)(pair.ptr + pair.len - equals - 1)));
    constant = theirs.len >= 2 && theirs.ptr[0] == '\'' && theirs.ptr[theirs.len - 1] == '\'';
    if (constant)
        theirs = fl_span_of(theirs.ptr + 1, theirs.len - 2);
    theirs = fl_arena_copy(&map->arena, theirs);
    if (theirs.ptr == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a mapping");
    if (fl_span_eq(name, FL_SPAN("items"))) {
        map->items = theirs;
        return FL_OK;
    }
    which = find_ours(name);
    if (which < 0)
        return fl_err_set(err, FL_E_INVAL, "'%.*s' is no member of an event",
                          (int)(name.len < 60 ? name.len : 60), (const char *)name.ptr);
    if (theirs.len == 0)
        return fl_err_set(err, FL_E_INVAL, "'%s': what is it called in the source?",
                          ours[which].name);
    map->theirs[which] = theirs;
    map->constant[which] = constant;
    return FL_OK;
}

int fl_event_map_new(struct fl_span text, struct fl_event_map **ret, struct fl_err *err)
{
    FL_AUTO(fl_event_map_freep) struct fl_event_map *map = calloc(1, sizeof *map);

    if (map == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a mapping");
    fl_arena_init(&map->arena, 4 * FL_EVENT_MAP_MAX);
    if (text.len > FL_EVENT_MAP_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a mapping of %zu bytes is over %u", text.len,
                          FL_EVENT_MAP_MAX);
    while (text.len > 0) {
        size_t len = 0;
        struct fl_span pair;

        while (len < text.len && text.ptr[len] != ';' && text.ptr[len] != '\n')
            len++;
        pair = fl_feed_trim(fl_span_of(text.ptr, len));
        len += len < text.len ? 1 : 0;
        text = fl_span_of(text.ptr + len, text.len - len);
        if (pair.len > 0) {
            int r = put_pair(map, pair, err);

            if (r < 0)
                return r;
        }
    }
    if (map->theirs[0].ptr == NULL || map->constant[0])
        return fl_err_set(err, FL_E_INVAL, "'id' is wanted: what names an event in the source?");
    *ret = map;
    map = NULL;
    return FL_OK;
}

/* --- one row --- */

struct row {
    struct fl_feed_run *run;
    struct fl_world_event event;
    char why[200];
};

static bool bad(struct row *row, const struct ours *our, struct fl_span value, const char *wanted)
{
    (void)snprintf(row->why, sizeof row->why, "%s: '%.*s': %s", our->name,
                   (int)(value.len < 60 ? value.len : 60), (const char *)value.ptr, wanted);
    return false;
}

static bool put_time(struct row *row, const struct ours *our, struct fl_span value, int64_t *ret)
{
    uint64_t number;

    if (fl_span_u64(value, &number) && value.len >= 9) {
        if (number < UINT64_C(100000000000))
            number *= 1000; /* seconds; else they are milliseconds */
        if (number > UINT64_C(253402300799000))
            return bad(row, our, value, "after the year 9999");
        *ret = (int64_t)number * 1000;
        return true;
    }
    return fl_feed_time(value, ret) || fl_feed_time_822(value, ret) ||
           bad(row, our, value, "no time, such as 2026-11-21T20:04:31Z");
}

static bool put_list(struct row *row, const struct ours *our, struct fl_span value)
{
    struct fl_span *list = (struct fl_span *)(void *)((unsigned char *)&row->event + our->at);
    uint32_t *count = (uint32_t *)(void *)((unsigned char *)&row->event + our->count_at);

    while (value.len > 0) {
        size_t len = 0;
        struct fl_span item;

        while (len < value.len && value.ptr[len] != ';' &&
               (value.ptr[len] != ',' || our->at == AT(entities)))
            len++;
        item = fl_event_clean(&row->run->arena, fl_span_of(value.ptr, len), (size_t)our->a + 1);
        if (our->at == AT(countries)) {
            item = fl_country_iso2(fl_feed_trim(fl_span_of(value.ptr, len)));
            if (item.len == 0)
                return bad(row, our, fl_span_of(value.ptr, len), "no country of ISO 3166-1");
        }
        if (item.len > (size_t)our->a)
            return bad(row, our, item, "too long");
        fl_event_add(list, count, FL_EVENT_LIST_MAX, item);
        len += len < value.len ? 1 : 0;
        value = fl_span_of(value.ptr + len, value.len - len);
    }
    return true;
}

static bool put_word(struct row *row, const struct ours *our, struct fl_span value)
{
    struct fl_span word = fl_feed_lower(&row->run->arena, value);

    for (int i = FL_EVENT_ACTUAL; our->kind == KIND_STATUS && i <= FL_EVENT_DRAFT; i++) {
        if (fl_span_eq(word, fl_span_str(fl_event_status_name((enum fl_event_status)i)))) {
            row->event.status = (enum fl_event_status)i;
            return true;
        }
    }
    for (int i = FL_EVENT_ALERT; our->kind == KIND_MESSAGE && i <= FL_EVENT_CANCEL; i++) {
        if (fl_span_eq(word, fl_span_str(fl_event_message_name((enum fl_event_message)i)))) {
            row->event.message = (enum fl_event_message)i;
            return true;
        }
    }
    return bad(row, our, value, "none of its words");
}

static bool put_text(struct row *row, const struct ours *our, struct fl_span value)
{
    struct fl_span *text = (struct fl_span *)(void *)((unsigned char *)&row->event + our->at);
    struct fl_arena *arena = &row->run->arena;

    value = fl_event_clean(arena, value, (size_t)our->a);
    if (our->kind == KIND_LOWER)
        value = fl_feed_lower(arena, value);
    if (our->kind == KIND_URL)
        value = fl_feed_url(value);
    if (value.ptr == NULL)
        return bad(row, our, FL_SPAN(""), "too large");
    *text = value;
    return true;
}

static bool put_member(struct row *row, const struct ours *our, struct fl_span value)
{
    void *member = (unsigned char *)&row->event + our->at;
    double number;

    value = fl_feed_trim(value);
    if (value.len == 0)
        return true;
    switch (our->kind) {
    case KIND_ID:
        fl_event_add(row->event.ids, &row->event.id_count, FL_EVENT_IDS_MAX,
                     fl_feed_name(&row->run->arena, "", value));
        return row->event.id_count > 0 || bad(row, our, value, "too long");
    case KIND_TEXT:
    case KIND_LOWER:
    case KIND_URL:
        return put_text(row, our, value);
    case KIND_NUMBER:
        if (!fl_feed_number(value, &number) || !(number >= our->a && number <= our->b))
            return bad(row, our, value, "no number within its limits");
        *(double *)member = number;
        return true;
    case KIND_TIME:
        return put_time(row, our, value, member);
    case KIND_LIST:
        return put_list(row, our, value);
    case KIND_STATUS:
    case KIND_MESSAGE:
        return put_word(row, our, value);
    }
    return true;
}

static bool check(struct row *row)
{
    struct fl_world_event *e = &row->event;

    if (e->id_count == 0)
        return bad(row, &ours[0], FL_SPAN(""), "a name is wanted");
    if (isnan(e->lat) != isnan(e->lon))
        return bad(row, &ours[find_ours(FL_SPAN("lat"))], FL_SPAN(""),
                   "latitude and longitude are wanted together");
    if (e->title.len == 0 && e->type.len == 0)
        return bad(row, &ours[1], FL_SPAN(""), "a title or a type is wanted");
    if (e->until_us != 0 && e->until_us < e->from_us)
        return bad(row, &ours[find_ours(FL_SPAN("until"))], FL_SPAN(""), "before from");
    return true;
}

static void begin(struct row *row, struct fl_feed_run *run)
{
    fl_arena_clear(&run->arena);
    row->run = run;
    row->why[0] = '\0';
    fl_world_event_init(&row->event);
}

/* "feed:id" is the name: what two lists call 17 is not the same. */
static int finish(struct row *row, bool good, const char *where)
{
    struct fl_world_event *e = &row->event;

    if (good && check(row)) {
        struct fl_span feed = row->run->source->name;
        char prefix[FL_EVENT_ID_MAX];

        (void)snprintf(prefix, sizeof prefix, "%.*s:", (int)(feed.len < 60 ? feed.len : 60),
                       (const char *)(feed.len == 0 ? (const unsigned char *)"list" : feed.ptr));
        if (feed.len == 0)
            (void)snprintf(prefix, sizeof prefix, "list:");
        e->ids[0] = fl_feed_name(&row->run->arena, prefix, e->ids[0]);
        if (e->ids[0].ptr != NULL)
            return fl_feed_emit(row->run, e);
        (void)bad(row, &ours[0], FL_SPAN(""), "too long");
    }
    return fl_feed_refuse(row->run, fl_span_str(where), "%s", row->why);
}

/* --- JSON --- */

/* "a.b.0" from value. */
static const json_t *walk(const json_t *value, struct fl_span path)
{
    while (path.len > 0 && value != NULL) {
        const unsigned char *dot = memchr(path.ptr, '.', path.len);
        size_t len = dot == NULL ? path.len : (size_t)(dot - path.ptr);
        char name[128];
        uint64_t at;

        if (len >= sizeof name)
            return NULL;
        memcpy(name, path.ptr, len);
        name[len] = '\0';
        if (json_is_array(value))
            value = fl_span_u64(fl_span_of(path.ptr, len), &at) ? json_array_get(value, at) : NULL;
        else
            value = json_object_get(value, name);
        len += dot == NULL ? 0 : 1;
        path = fl_span_of(path.ptr + len, path.len - len);
    }
    return value;
}

static bool put_json(struct row *row, const struct ours *our, const json_t *value)
{
    char text[40];

    if (value == NULL || json_is_null(value))
        return true;
    if (json_is_string(value))
        return put_member(row, our,
                          fl_span_of(json_string_value(value), json_string_length(value)));
    if (json_is_integer(value)) {
        (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        return put_member(row, our, fl_span_str(text));
    }
    if (json_is_real(value)) {
        (void)snprintf(text, sizeof text, "%.17g", json_real_value(value));
        return put_member(row, our, fl_span_str(text));
    }
    if (json_is_array(value) && our->kind == KIND_LIST) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            const json_t *item = json_array_get(value, i);

            if (!json_is_string(item) || !put_json(row, our, item))
                return json_is_string(item) ? false
                                            : bad(row, our, FL_SPAN(""), "texts are wanted");
        }
        return true;
    }
    return bad(row, our, FL_SPAN(""), "a text or a number is wanted");
}

static int read_json_row(struct fl_feed_run *run, const json_t *item, size_t number)
{
    const struct fl_event_map *map = run->source->map;
    struct row row;
    char where[32];
    bool good = true;

    begin(&row, run);
    (void)snprintf(where, sizeof where, "[%zu]", number);
    for (size_t i = 0; good && i < OURS; i++) {
        if (map == NULL)
            good = put_json(&row, &ours[i], json_object_get(item, ours[i].name));
        else if (map->constant[i])
            good = put_member(&row, &ours[i], map->theirs[i]);
        else if (map->theirs[i].ptr != NULL)
            good = put_json(&row, &ours[i], walk(item, map->theirs[i]));
    }
    return finish(&row, good, where);
}

static int read_json(struct fl_feed_run *run, struct fl_span bytes)
{
    const struct fl_event_map *map = run->source->map;
    FL_AUTO(fl_feed_json_freep) json_t *doc = NULL;
    const json_t *items;
    int r = fl_feed_json(bytes, &doc, run->err);

    if (r < 0)
        return r;
    items = map == NULL ? doc : walk(doc, map->items);
    if (!json_is_array(items))
        return fl_err_set(run->err, FL_E_INVAL,
                          "there is no array of events; `items = ...` of the mapping says where");
    if (json_array_size(items) > FL_EVENT_ROWS_MAX)
        return fl_err_set(run->err, FL_E_LIMIT, "%zu events are more than %u",
                          json_array_size(items), FL_EVENT_ROWS_MAX);
    for (size_t i = 0; r >= 0 && i < json_array_size(items); i++)
        r = read_json_row(run, json_array_get(items, i), i);
    return r;
}

/* --- CSV --- */

struct table {
    struct fl_feed_run *run;
    int column[OURS];
};

static int read_head(struct table *t, const struct fl_csv_row *row)
{
    const struct fl_event_map *map = t->run->source->map;

    for (size_t k = 0; k < OURS; k++) {
        struct fl_span name = map == NULL ? fl_span_str(ours[k].name) : map->theirs[k];

        t->column[k] = -1;
        for (unsigned i = 0; i < row->count && name.ptr != NULL; i++) {
            if (fl_span_eq(fl_feed_trim(row->cell[i]), name))
                t->column[k] = (int)i;
        }
        if (t->column[k] < 0 && (k == 0 || (map != NULL && name.ptr != NULL && !map->constant[k])))
            return fl_err_set(t->run->err, FL_E_INVAL, "line %u: there is no column '%.*s'",
                              (unsigned)row->line, (int)(name.len < 60 ? name.len : 60),
                              (const char *)name.ptr);
    }
    return FL_OK;
}

static int read_csv_row(struct table *t, const struct fl_csv_row *cells)
{
    const struct fl_event_map *map = t->run->source->map;
    struct row row;
    char where[32];
    bool good = true;

    begin(&row, t->run);
    (void)snprintf(where, sizeof where, "line %u", (unsigned)cells->line);
    for (size_t i = 0; good && i < OURS; i++) {
        int at = t->column[i];

        if (map != NULL && map->constant[i])
            good = put_member(&row, &ours[i], map->theirs[i]);
        else if (at >= 0 && (unsigned)at < cells->count)
            good = put_member(&row, &ours[i], cells->cell[at]);
    }
    return finish(&row, good, where);
}

static int read_csv(struct fl_feed_run *run, struct fl_span bytes)
{
    FL_AUTO(fl_csv_done) struct fl_csv csv;
    struct table t = {.run = run};
    struct fl_csv_row row;
    unsigned rows = 0;
    int r;

    fl_csv_init(&csv);
    r = fl_csv_feed(&csv, bytes, true, run->err);
    while (r >= 0 && (r = fl_csv_next(&csv, &row, run->err)) == 1) {
        if (rows > FL_EVENT_ROWS_MAX)
            return fl_err_set(run->err, FL_E_LIMIT, "more than %u events", FL_EVENT_ROWS_MAX);
        r = rows == 0 ? read_head(&t, &row) : read_csv_row(&t, &row);
        rows++;
    }
    if (r == 0 && rows == 0)
        return fl_err_set(run->err, FL_E_INVAL, "it is empty");
    return r;
}

int fl_event_list_read(const struct fl_feed_source *source, struct fl_span bytes,
                       const struct fl_event_sink *sink, struct fl_err *err)
{
    struct fl_feed_run run = {.source = source, .sink = sink, .err = err};
    int r;

    fl_arena_init(&run.arena, FL_FEED_ARENA_MAX);
    r = source->format == FL_FEED_CSV ? read_csv(&run, bytes) : read_json(&run, bytes);
    fl_arena_done(&run.arena);
    return r < 0 ? r : FL_OK;
}
