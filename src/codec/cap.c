#include "codec/cap.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/cap_sign.h"
#include "codec/feed_int.h"
#include "codec/xml_safe.h"

#define CAP_11 "urn:oasis:names:tc:emergency:cap:1.1"
#define CAP_12 "urn:oasis:names:tc:emergency:cap:1.2"

static const char *const statuses[] = {"Actual", "Exercise", "System", "Test", "Draft", NULL};
static const char *const messages[] = {"Alert", "Update", "Cancel", "Ack", "Error", NULL};
static const char *const scopes[] = {"Public", "Restricted", "Private", NULL};
static const char *const categories[] = {"Geo",   "Met",    "Safety", "Security",  "Rescue",
                                         "Fire",  "Health", "Env",    "Transport", "Infra",
                                         "CBRNE", "Other",  NULL};
static const char *const urgencies[] = {"Immediate", "Expected", "Future", "Past", "Unknown", NULL};
static const char *const severities[] = {"Extreme", "Severe", "Moderate", "Minor", "Unknown", NULL};
static const char *const certainties[] = {"Observed", "Likely",      "Possible", "Unlikely",
                                          "Unknown",  "Very Likely", NULL};
static const char *const responses[] = {"Shelter", "Evacuate", "Prepare",  "Execute", "Avoid",
                                        "Monitor", "Assess",   "AllClear", "None",    NULL};

/* One alert under way. The arrays have room for every polygon and circle of the alert. */
struct alert {
    struct fl_feed_run *run;
    const xmlNode *node;
    struct fl_world_event event;
    int64_t sent_us;
    char why[400]; /* why it is refused, naming the element */
    struct fl_buf areas;
};

static bool bad(struct alert *a, const char *fmt, ...) FL_PRINTF(2, 3);

static bool bad(struct alert *a, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(a->why, sizeof a->why, fmt, args);
    va_end(args);
    return false;
}

static struct fl_span text_of(struct alert *a, const xmlNode *parent, const char *name, size_t max)
{
    return fl_xml_child_text(parent, name, &a->run->arena, max);
}

/* The word of a required element; its index in *ret. */
static bool read_word(struct alert *a, const xmlNode *parent, const char *name,
                      const char *const *words, int *ret)
{
    struct fl_span text = text_of(a, parent, name, 64);

    if (fl_xml_child(parent, name, NULL) == NULL)
        return bad(a, "%s: missing in %s", name, (const char *)parent->name);
    *ret = fl_feed_word(text, words);
    return *ret >= 0 || bad(a, "%s: '%.*s' is none of its words", name, FL_SPAN_ARG(text));
}

/* 3.2.1 and 3.3.2: a dateTime with its offset. */
static bool parse_time(struct fl_span text, int64_t *ret)
{
    return text.len > 0 && memchr(text.ptr, 'T', text.len) != NULL && fl_time_parse(text, ret);
}

static bool read_time(struct alert *a, const xmlNode *parent, const char *name, int64_t *ret)
{
    struct fl_span text = text_of(a, parent, name, 64);

    if (text.len == 0)
        return true;
    return parse_time(text, ret) ||
           bad(a, "%s: '%.*s' is no time with its offset", name, FL_SPAN_ARG(text));
}

/* identifier and sender: no blanks, commas, < and & (3.2.1). */
static bool read_name(struct alert *a, const char *name, struct fl_span *ret)
{
    struct fl_span text = text_of(a, a->node, name, FL_EVENT_ID_MAX);

    if (text.len == 0)
        return bad(a, "%s: missing in alert", name);
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(" ,<&", text.ptr[i]) != NULL)
            return bad(a, "%s: '%.*s' has a blank, a comma, < or &", name, FL_SPAN_ARG(text));
    }
    *ret = text;
    return true;
}

static bool own_name(struct alert *a, struct fl_span sender, struct fl_span identifier,
                     struct fl_span *ret)
{
    char text[2 * FL_EVENT_ID_MAX + 2];
    int n = snprintf(text, sizeof text, "%.*s,%.*s", FL_SPAN_ARG(sender), FL_SPAN_ARG(identifier));

    *ret = fl_feed_name(&a->run->arena, "cap:", fl_span_of(text, (size_t)n));
    return ret->ptr != NULL ||
           bad(a, "identifier: together with sender over %u bytes", FL_EVENT_ID_MAX);
}

/* "sender,identifier,sent", apart by blanks. */
static bool read_reference(struct alert *a, struct fl_span triple)
{
    const unsigned char *one = memchr(triple.ptr, ',', triple.len), *two;
    struct fl_world_event *event = &a->event;
    struct fl_span name, end;
    int64_t sent;

    two = one == NULL ? NULL : memchr(one + 1, ',', (size_t)(triple.ptr + triple.len - one - 1));
    if (two == NULL || one == triple.ptr || two == one + 1)
        return bad(a, "references: '%.*s' is no sender,identifier,sent", FL_SPAN_ARG(triple));
    end = fl_span_of(two + 1, (size_t)(triple.ptr + triple.len - two - 1));
    if (!parse_time(end, &sent))
        return bad(a, "references: '%.*s' is no time with its offset", FL_SPAN_ARG(end));
    if (!own_name(a, fl_span_of(triple.ptr, (size_t)(one - triple.ptr)),
                  fl_span_of(one + 1, (size_t)(two - one - 1)), &name))
        return false;
    if (event->reference_count == FL_EVENT_IDS_MAX) { /* the newest stand last */
        memmove(event->references, event->references + 1,
                (FL_EVENT_IDS_MAX - 1) * sizeof *event->references);
        event->reference_count--;
    }
    fl_event_add(event->references, &event->reference_count, FL_EVENT_IDS_MAX, name);
    return true;
}

static bool read_references(struct alert *a)
{
    struct fl_span all = text_of(a, a->node, "references", 65536);

    while (all.len > 0) {
        const unsigned char *blank = memchr(all.ptr, ' ', all.len);
        size_t len = blank == NULL ? all.len : (size_t)(blank - all.ptr);

        if (!read_reference(a, fl_span_of(all.ptr, len)))
            return false;
        len += blank == NULL ? 0 : 1;
        all = fl_span_of(all.ptr + len, all.len - len);
    }
    return true;
}

static bool read_head(struct alert *a)
{
    struct fl_span identifier, sender, name;
    int status, message, scope;

    if (!read_name(a, "identifier", &identifier) || !read_name(a, "sender", &sender))
        return false;
    if (text_of(a, a->node, "sent", 64).len == 0)
        return bad(a, "sent: missing in alert");
    if (!read_time(a, a->node, "sent", &a->sent_us) ||
        !read_word(a, a->node, "status", statuses, &status) ||
        !read_word(a, a->node, "msgType", messages, &message) ||
        !read_word(a, a->node, "scope", scopes, &scope) || !read_references(a) ||
        !own_name(a, sender, identifier, &name))
        return false;
    if (message > FL_EVENT_CANCEL)
        return bad(a, "msgType: '%s' is no event", messages[message]);
    if (message == FL_EVENT_CANCEL && a->event.reference_count == 0)
        return bad(a, "references: missing, so it does not say what it cancels");
    a->event.ids[0] = name;
    a->event.id_count = 1;
    a->event.sender = sender;
    a->event.issued_us = a->sent_us;
    a->event.status = (enum fl_event_status)status;
    a->event.message = (enum fl_event_message)message;
    return true;
}

/* --- areas --- */

/* "lat,lon" at the front of *text, which moves on. */
static bool read_pair(struct fl_span *text, struct fl_event_point *ret)
{
    const unsigned char *blank = memchr(text->ptr, ' ', text->len),
                        *comma = memchr(text->ptr, ',', text->len);
    size_t len = blank == NULL ? text->len : (size_t)(blank - text->ptr);
    double lon;

    if (comma == NULL || comma >= text->ptr + len ||
        !fl_feed_number(fl_span_of(text->ptr, (size_t)(comma - text->ptr)), &ret->lat) ||
        !fl_feed_number(fl_span_of(comma + 1, (size_t)(text->ptr + len - comma - 1)), &lon) ||
        !fl_event_degrees(ret->lat, lon, &ret->lon))
        return false;
    len += blank == NULL ? 0 : 1;
    *text = fl_span_of(text->ptr + len, text->len - len);
    return true;
}

static bool read_polygon(struct alert *a, const xmlNode *node)
{
    struct fl_span text = fl_xml_text(node, &a->run->arena, (size_t)1 << 20);
    struct fl_event_ring *ring = &a->event.rings[a->event.ring_count];
    size_t room = 1, n = 0;

    for (size_t i = 0; i < text.len; i++)
        room += text.ptr[i] == ' ' ? 1 : 0;
    ring->hole = false;
    ring->points = fl_arena_get(&a->run->arena, room * sizeof *ring->points);
    if (ring->points == NULL)
        return bad(a, "polygon: too large");
    while (text.len > 0) {
        if (!read_pair(&text, &ring->points[n]))
            return bad(a, "polygon: point %zu is no latitude,longitude", n + 1);
        n++;
    }
    if (n < 4)
        return bad(a, "polygon: has %zu points, four or more are wanted", n);
    if (ring->points[0].lat != ring->points[n - 1].lat ||
        ring->points[0].lon != ring->points[n - 1].lon)
        return bad(a, "polygon: not closed, the last point is not the first");
    ring->count = (uint32_t)n - 1;
    a->event.ring_count++;
    return true;
}

static bool read_circle(struct alert *a, const xmlNode *node)
{
    struct fl_span text = fl_xml_text(node, &a->run->arena, 255);
    struct fl_world_event *event = &a->event;
    struct fl_event_point at;
    double km;

    if (!read_pair(&text, &at) || !fl_feed_number(text, &km) || !(km >= 0 && km <= 20038))
        return bad(a, "circle: 'latitude,longitude radius' in degrees and km is wanted");
    if (km == 0 && isnan(event->lat)) {
        event->lat = at.lat;
        event->lon = at.lon;
    } else {
        event->circles[event->circle_count++] = (struct fl_event_circle){at.lat, at.lon, km};
    }
    return true;
}

static void note_area(struct alert *a, struct fl_span name, struct fl_span value)
{
    if (a->areas.len + name.len + value.len + 4 > FL_EVENT_TEXT_MAX)
        return;
    if (a->areas.len > 0)
        fl_buf_put_str(&a->areas, "; ");
    fl_buf_put_span(&a->areas, name);
    if (name.len > 0 && value.len > 0)
        fl_buf_put_u8(&a->areas, ' ');
    fl_buf_put_span(&a->areas, value);
}

static bool read_area(struct alert *a, const xmlNode *area)
{
    struct fl_span desc = text_of(a, area, "areaDesc", FL_EVENT_TEXT_MAX);
    const xmlNode *node;

    if (fl_xml_child(area, "areaDesc", NULL) == NULL)
        return bad(a, "areaDesc: missing in area");
    note_area(a, FL_SPAN(""), desc);
    if (a->event.place.len == 0)
        a->event.place = fl_event_clean(&a->run->arena, desc, FL_EVENT_TITLE_MAX);
    for (node = fl_xml_next(area, NULL); node != NULL; node = fl_xml_next(area, node)) {
        struct fl_span name = text_of(a, node, "valueName", 255);

        if (fl_xml_is(node, "polygon", NULL) && !read_polygon(a, node))
            return false;
        if (fl_xml_is(node, "circle", NULL) && !read_circle(a, node))
            return false;
        if (!fl_xml_is(node, "geocode", NULL))
            continue;
        if (name.len == 0 || fl_xml_child(node, "value", NULL) == NULL)
            return bad(a, "geocode: valueName and value are wanted");
        note_area(a, name, text_of(a, node, "value", 255));
    }
    return true;
}

/* --- info --- */

struct info_words {
    int category, urgency, severity, certainty;
};

static bool check_info(struct alert *a, const xmlNode *info, struct info_words *ret)
{
    const xmlNode *node = NULL;
    int response;

    if (!read_word(a, info, "category", categories, &ret->category))
        return false;
    if (text_of(a, info, "event", FL_EVENT_TITLE_MAX).len == 0)
        return bad(a, "event: missing in info");
    while ((node = fl_xml_child(info, "responseType", node)) != NULL) {
        struct fl_span word = fl_xml_text(node, &a->run->arena, 64);

        response = fl_feed_word(word, responses);
        if (response < 0)
            return bad(a, "responseType: '%.*s' is none of its words", FL_SPAN_ARG(word));
    }
    return read_word(a, info, "urgency", urgencies, &ret->urgency) &&
           read_word(a, info, "severity", severities, &ret->severity) &&
           read_word(a, info, "certainty", certainties, &ret->certainty);
}

static struct fl_span language_of(struct alert *a, const xmlNode *info)
{
    struct fl_span language = text_of(a, info, "language", 32);

    return language.len == 0 ? FL_SPAN("en-US") : language;
}

static bool is_english(struct fl_span language)
{
    return language.len >= 2 && (language.ptr[0] | 0x20) == 'e' && (language.ptr[1] | 0x20) == 'n';
}

/* The info whose words become the event's: the first in English, else the first. */
static const xmlNode *choose_info(struct alert *a)
{
    const xmlNode *first = fl_xml_child(a->node, "info", NULL), *node;

    for (node = first; node != NULL; node = fl_xml_child(a->node, "info", node)) {
        if (is_english(language_of(a, node)))
            return node;
    }
    return first;
}

static bool all_clear(struct alert *a, const xmlNode *info)
{
    const xmlNode *node = NULL;

    while ((node = fl_xml_child(info, "responseType", node)) != NULL) {
        if (fl_span_eq(fl_xml_text(node, &a->run->arena, 64), FL_SPAN("AllClear")))
            return true;
    }
    return false;
}

static bool read_times(struct alert *a, const xmlNode *info)
{
    int64_t effective = 0, onset = 0, expires = 0, from;

    if (!read_time(a, info, "effective", &effective) || !read_time(a, info, "onset", &onset) ||
        !read_time(a, info, "expires", &expires))
        return false;
    from = onset != 0 ? onset : effective != 0 ? effective : a->sent_us; /* 3.2.2, effective */
    if (a->event.from_us == 0 || from < a->event.from_us)
        a->event.from_us = from;
    if (all_clear(a, info))
        expires = a->sent_us;
    if (expires > a->event.until_us)
        a->event.until_us = expires;
    return true;
}

static double leading_number(struct fl_span text)
{
    size_t len = 0;
    double value;

    while (len < text.len && strchr("0123456789.-", text.ptr[len]) != NULL)
        len++;
    return fl_feed_number(fl_span_of(text.ptr, len), &value) ? value : NAN;
}

/* What GDACS, the USGS and others say beyond CAP. */
static void read_parameter(struct alert *a, struct fl_span name, struct fl_span value,
                           struct fl_span *type, struct fl_span *id)
{
    struct fl_world_event *event = &a->event;
    struct fl_arena *arena = &a->run->arena;
    double number = leading_number(value);

    if (fl_span_eq(name, FL_SPAN("eventtype")))
        *type = value;
    else if (fl_span_eq(name, FL_SPAN("eventid")))
        *id = value;
    else if (fl_span_eq(name, FL_SPAN("glide")))
        fl_feed_add_id(arena, event, "glide:", value);
    else if (fl_span_eq(name, FL_SPAN("EventIDKey")))
        fl_feed_add_id(arena, event, "usgs:", fl_feed_lower(arena, value));
    else if (fl_span_eq(name, FL_SPAN("Magnitude")) && number >= -5 && number <= 12)
        event->magnitude = number;
    else if (fl_span_eq(name, FL_SPAN("Depth")) && number >= -20 && number <= 1000)
        event->depth_km = number;
}

static void read_parameters(struct alert *a, const xmlNode *info)
{
    struct fl_span type = FL_SPAN(""), id = FL_SPAN("");
    const xmlNode *node = NULL;
    char prefix[16];

    while ((node = fl_xml_child(info, "parameter", node)) != NULL)
        read_parameter(a, text_of(a, node, "valueName", 255), text_of(a, node, "value", 255), &type,
                       &id);
    if (type.len == 2 && id.len > 0 && fl_span_find_nocase(a->event.sender, FL_SPAN("gdacs"))) {
        (void)snprintf(prefix, sizeof prefix, "gdacs:%.*s", FL_SPAN_ARG(type));
        fl_feed_add_id(&a->run->arena, &a->event, prefix, id);
    }
}

static void take_words(struct alert *a, const xmlNode *info, const struct info_words *words)
{
    static const char *const certainty[] = {"observed", "likely", "possible",
                                            "unlikely", "",       "likely"};
    struct fl_world_event *event = &a->event;
    struct fl_arena *arena = &a->run->arena;
    struct fl_span kind = text_of(a, info, "event", FL_EVENT_TITLE_MAX - 4);

    event->kind = fl_feed_name(arena, "cap:", fl_feed_lower(arena, kind));
    event->category = fl_feed_lower(arena, fl_span_str(categories[words->category]));
    if (words->urgency != 4)
        event->urgency = fl_feed_lower(arena, fl_span_str(urgencies[words->urgency]));
    if (words->severity != 4)
        event->severity = fl_feed_lower(arena, fl_span_str(severities[words->severity]));
    event->certainty = fl_span_str(certainty[words->certainty]);
    event->title = text_of(a, info, "headline", FL_EVENT_TITLE_MAX);
    if (event->title.len == 0)
        event->title = kind;
    event->text = text_of(a, info, "description", FL_EVENT_TEXT_MAX);
    event->url = fl_feed_url(text_of(a, info, "web", 1024));
    if (text_of(a, info, "senderName", 255).len > 0)
        event->sender = text_of(a, info, "senderName", FL_EVENT_TITLE_MAX);
}

static bool read_info(struct alert *a, const xmlNode *info, bool chosen)
{
    const xmlNode *area = NULL;
    struct info_words words = {0};

    if (!check_info(a, info, &words))
        return false;
    if (chosen)
        take_words(a, info, &words);
    if (!read_times(a, info))
        return false;
    read_parameters(a, info);
    while ((area = fl_xml_child(info, "area", area)) != NULL) {
        if (!read_area(a, area))
            return false;
    }
    return true;
}

/* Room for as many polygons and circles as there are in the alert. */
static bool make_room(struct alert *a)
{
    size_t polygons = 0, circles = 0;
    const xmlNode *info = NULL, *area, *node;

    while ((info = fl_xml_child(a->node, "info", info)) != NULL) {
        for (area = fl_xml_child(info, "area", NULL); area != NULL;
             area = fl_xml_child(info, "area", area)) {
            for (node = fl_xml_next(area, NULL); node != NULL; node = fl_xml_next(area, node)) {
                polygons += fl_xml_is(node, "polygon", NULL) ? 1 : 0;
                circles += fl_xml_is(node, "circle", NULL) ? 1 : 0;
            }
        }
    }
    if (circles > FL_EVENT_POINTS_MAX)
        return bad(a, "circle: more than %u", FL_EVENT_POINTS_MAX);
    a->event.rings = fl_arena_get(&a->run->arena, (polygons + 1) * sizeof *a->event.rings);
    a->event.circles = fl_arena_get(&a->run->arena, (circles + 1) * sizeof *a->event.circles);
    return (a->event.rings != NULL && a->event.circles != NULL) || bad(a, "area: too large");
}

static bool read_infos(struct alert *a)
{
    const xmlNode *chosen = choose_info(a), *info = NULL;
    struct fl_span language;
    struct info_words words = {0};

    if (chosen == NULL && a->event.message != FL_EVENT_CANCEL)
        return bad(a, "info: missing in alert");
    if (!make_room(a))
        return false;
    language = chosen == NULL ? FL_SPAN("") : language_of(a, chosen);
    while ((info = fl_xml_child(a->node, "info", info)) != NULL) {
        if (!fl_span_eq(language_of(a, info), language)) {
            if (!check_info(a, info, &words))
                return false;
        } else if (!read_info(a, info, info == chosen)) {
            return false;
        }
    }
    a->event.areas = fl_event_clean(&a->run->arena, fl_buf_span(&a->areas), FL_EVENT_TEXT_MAX);
    return true;
}

static bool read_signature(struct alert *a)
{
    enum fl_cap_signed state = FL_CAP_UNSIGNED;
    struct fl_err err;
    xmlNode *node = fl_xml_child(a->node, "Signature", NULL);

    if (node == NULL)
        return true;
    if (fl_cap_signature(node->parent, a->sent_us, a->run->source->trust, &state, &err) < 0)
        return bad(a, "Signature: %.300s", err.text);
    if (state == FL_CAP_FAILED)
        return bad(a, "Signature: names a signer who is known, but is not as that one signed it");
    a->event.signature = state != FL_CAP_UNSIGNED;
    a->event.verified = state == FL_CAP_VERIFIED;
    return true;
}

static int read_alert(struct fl_feed_run *run, const xmlNode *node)
{
    struct alert *a;
    struct fl_span what;

    fl_arena_clear(&run->arena);
    a = fl_arena_get(&run->arena, sizeof *a);
    if (a == NULL)
        return fl_err_set(run->err, FL_E_NOMEM, "no memory for an alert");
    a->run = run;
    a->node = node;
    a->sent_us = 0;
    a->why[0] = '\0';
    fl_world_event_init(&a->event);
    fl_buf_init(&a->areas, FL_EVENT_TEXT_MAX);
    what = fl_xml_child_text(node, "identifier", &run->arena, FL_EVENT_ID_MAX);
    if (!fl_xml_is(node, "alert", CAP_11) && !fl_xml_is(node, "alert", CAP_12))
        (void)bad(a, "alert: its name space is not that of CAP 1.1 or 1.2");
    else if (read_head(a) && read_infos(a))
        (void)read_signature(a);
    fl_buf_done(&a->areas);
    if (a->why[0] != '\0')
        return fl_feed_refuse(run, what.len > 0 ? what : FL_SPAN("alert"), "%s", a->why);
    return fl_feed_emit(run, &a->event);
}

/* --- what alerts come in --- */

struct walk {
    struct fl_feed_run *run;
    unsigned alerts;
};

/* The alerts within node, itself included; they do not nest. Depth is limited by the parser. */
static int read_within(struct walk *walk, const xmlNode *node)
{
    const xmlNode *child;
    int r = FL_OK;

    if (fl_xml_is(node, "alert", NULL)) {
        if (++walk->alerts > FL_CAP_ALERTS_MAX)
            return fl_err_set(walk->run->err, FL_E_LIMIT, "more than %u alerts", FL_CAP_ALERTS_MAX);
        return read_alert(walk->run, node);
    }
    for (child = fl_xml_next(node, NULL); r >= 0 && child != NULL; child = fl_xml_next(node, child))
        r = read_within(walk, child);
    return r;
}

/* Of an entry or item without an alert: the address of one, CAP's own type before all. */
static struct fl_span link_of(struct fl_feed_run *run, const xmlNode *entry)
{
    struct fl_span found = FL_SPAN("");
    const xmlNode *node = NULL;

    while ((node = fl_xml_child(entry, "link", node)) != NULL) {
        struct fl_span href = fl_xml_attr(node, "href", &run->arena, 1024),
                       type = fl_xml_attr(node, "type", &run->arena, 64);

        if (href.len == 0)
            href = fl_xml_text(node, &run->arena, 1024);
        if (fl_span_eq(type, FL_SPAN("application/cap+xml")))
            return fl_feed_url(href);
        if (found.len == 0)
            found = fl_feed_url(href);
    }
    return found;
}

static int read_entry(struct walk *walk, const xmlNode *entry)
{
    struct fl_feed_run *run = walk->run;
    unsigned before = walk->alerts;
    struct fl_span what, url;
    int r = read_within(walk, entry);

    if (r < 0 || walk->alerts > before)
        return r;
    fl_arena_clear(&run->arena);
    what = fl_xml_child_text(entry, "id", &run->arena, FL_EVENT_ID_MAX);
    if (what.len == 0)
        what = fl_xml_child_text(entry, "guid", &run->arena, FL_EVENT_ID_MAX);
    if (what.len == 0)
        what = FL_SPAN("entry");
    url = link_of(run, entry);
    if (url.len == 0)
        return fl_feed_refuse(run, what, "entry: neither an alert nor a link to one");
    if (run->sink->link != NULL)
        return run->sink->link(run->sink->ctx, url);
    return fl_feed_refuse(run, what, "entry: only a link to its alert, %.*s", FL_SPAN_ARG(url));
}

static int read_entries(struct walk *walk, const xmlNode *parent, const char *name)
{
    const xmlNode *node = NULL;
    int r = FL_OK;

    while (r >= 0 && (node = fl_xml_next(parent, node)) != NULL) {
        if (fl_xml_is(node, name, NULL))
            r = read_entry(walk, node);
        else if (fl_xml_is(node, "alert", NULL))
            r = fl_feed_refuse(walk->run, FL_SPAN("alert"),
                               "alert: stands outside of every %s, where it is no part of the feed",
                               name);
    }
    return r;
}

static int read_root(struct walk *walk, const xmlNode *root)
{
    if (fl_xml_is(root, "alert", NULL))
        return read_within(walk, root);
    if (fl_xml_is(root, "feed", "http://www.w3.org/2005/Atom"))
        return read_entries(walk, root, "entry");
    if (fl_xml_is(root, "rss", NULL) && fl_xml_child(root, "channel", NULL) != NULL)
        return read_entries(walk, fl_xml_child(root, "channel", NULL), "item");
    if (fl_xml_is(root, "EDXLDistribution", "urn:oasis:names:tc:emergency:EDXL:DE:1.0"))
        return read_entries(walk, root, "contentObject");
    return fl_err_set(walk->run->err, FL_E_INVAL,
                      "'%.60s' is none of alert, feed, rss and EDXLDistribution",
                      root == NULL ? "" : (const char *)root->name);
}

int fl_cap_read(const struct fl_feed_source *source, struct fl_span bytes,
                const struct fl_event_sink *sink, struct fl_err *err)
{
    struct fl_feed_run run = {.source = source, .sink = sink, .err = err};
    struct walk walk = {.run = &run};
    FL_AUTO(fl_xml_freep) xmlDocPtr doc = NULL;
    int r = fl_xml_parse(bytes, FL_FEED_MAX, &doc, err);

    if (r < 0)
        return r;
    fl_arena_init(&run.arena, FL_FEED_ARENA_MAX);
    r = read_root(&walk, xmlDocGetRootElement(doc));
    fl_arena_done(&run.arena);
    return r < 0 ? r : FL_OK;
}
