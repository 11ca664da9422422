#include "codec/feed.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/cap.h"
#include "codec/event_list.h"
#include "codec/feed_int.h"
#include "codec/gdacs.h"
#include "codec/quake.h"
#include "codec/track.h"

typedef int read_fn(const struct fl_feed_source *source, struct fl_span bytes,
                    const struct fl_event_sink *sink, struct fl_err *err);

static const struct {
    const char *name;
    read_fn *read;
} formats[FL_FEED_FORMATS] = {
    [FL_FEED_USGS] = {"usgs", fl_quake_read},
    [FL_FEED_GDACS] = {"gdacs", fl_gdacs_rss_read},
    [FL_FEED_GDACS_JSON] = {"gdacs-json", fl_gdacs_json_read},
    [FL_FEED_CAP] = {"cap", fl_cap_read},
    [FL_FEED_JMA] = {"jma", fl_track_read},
    [FL_FEED_HURDAT2] = {"hurdat2", fl_track_read},
    [FL_FEED_IBTRACS] = {"ibtracs", fl_track_read},
    [FL_FEED_JSON] = {"list-json", fl_event_list_read},
    [FL_FEED_CSV] = {"list-csv", fl_event_list_read},
};

const char *fl_feed_format_name(enum fl_feed_format format)
{
    return formats[format].name;
}

bool fl_feed_format_find(struct fl_span name, enum fl_feed_format *ret)
{
    for (int i = 0; i < FL_FEED_FORMATS; i++) {
        if (fl_span_eq(name, fl_span_str(formats[i].name))) {
            *ret = (enum fl_feed_format)i;
            return true;
        }
    }
    return false;
}

static bool has(struct fl_span text, const char *word)
{
    return text.ptr != NULL && memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

/* HURDAT2's first line: "AL012014, ..." */
static bool is_hurdat(struct fl_span text)
{
    if (text.len < 9 || text.ptr[8] != ',')
        return false;
    for (size_t i = 0; i < 8; i++) {
        unsigned char c = text.ptr[i];

        if (i < 2 ? c < 'A' || c > 'Z' : c < '0' || c > '9')
            return false;
    }
    return true;
}

static enum fl_feed_format json_format(struct fl_span head)
{
    if (has(head, "earthquake.usgs.gov") || (has(head, "\"magType\"") && has(head, "\"ids\"")))
        return FL_FEED_USGS;
    return has(head, "\"eventtype\"") && has(head, "\"eventid\"") ? FL_FEED_GDACS_JSON
                                                                  : FL_FEED_JSON;
}

bool fl_feed_detect(struct fl_span bytes, enum fl_feed_format *ret)
{
    struct fl_span head;

    if (bytes.len >= 3 && memcmp(bytes.ptr, "\xef\xbb\xbf", 3) == 0)
        bytes = fl_span_of(bytes.ptr + 3, bytes.len - 3);
    head = fl_feed_trim(fl_span_of(bytes.ptr, bytes.len < 8192 ? bytes.len : 8192));
    if (head.len == 0)
        return false;
    if (head.ptr[0] == '<')
        *ret = has(head, "http://www.gdacs.org\"") ? FL_FEED_GDACS : FL_FEED_CAP;
    else if (head.ptr[0] == '{' || head.ptr[0] == '[')
        *ret = json_format(head);
    else if (head.len > 6 && memcmp(head.ptr, "66666 ", 6) == 0)
        *ret = FL_FEED_JMA;
    else if (is_hurdat(head))
        *ret = FL_FEED_HURDAT2;
    else if (head.len > 11 && memcmp(head.ptr, "SID,SEASON,", 11) == 0)
        *ret = FL_FEED_IBTRACS;
    else if (memchr(head.ptr, ',', head.len) != NULL || memchr(head.ptr, ';', head.len) != NULL ||
             memchr(head.ptr, '\t', head.len) != NULL)
        *ret = FL_FEED_CSV;
    else
        return false;
    return true;
}

int fl_feed_read(const struct fl_feed_source *source, struct fl_span bytes,
                 const struct fl_event_sink *sink, struct fl_err *err)
{
    if (bytes.len > FL_FEED_MAX)
        return fl_err_set(err, FL_E_LIMIT, "%zu bytes are over the limit of %zu", bytes.len,
                          FL_FEED_MAX);
    if (source->format == FL_FEED_GDACS && fl_feed_trim(bytes).len > 0 &&
        fl_feed_trim(bytes).ptr[0] == '{')
        return fl_gdacs_json_read(source, bytes, sink, err);
    return formats[source->format].read(source, bytes, sink, err);
}

/* --- what readers share --- */

int fl_feed_emit(struct fl_feed_run *run, struct fl_world_event *event)
{
    double km;

    event->feed = run->source->name;
    if (event->issued_us == 0)
        event->issued_us = run->source->received_us;
    fl_event_thin(event, &km);
    return run->sink->event(run->sink->ctx, event);
}

int fl_feed_refuse(struct fl_feed_run *run, struct fl_span what, const char *fmt, ...)
{
    char why[400];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return run->sink->refused(run->sink->ctx, what, why);
}

struct fl_span fl_feed_name(struct fl_arena *arena, const char *prefix, struct fl_span text)
{
    struct fl_span clean = fl_event_clean(arena, text, FL_EVENT_ID_MAX + 1);
    size_t front = strlen(prefix), len = front + clean.len;
    unsigned char *out;

    if (clean.ptr == NULL || clean.len == 0 || len > FL_EVENT_ID_MAX)
        return (struct fl_span){NULL, 0};
    out = fl_arena_get(arena, len + 1);
    if (out == NULL)
        return (struct fl_span){NULL, 0};
    memcpy(out, prefix, front);
    memcpy(out + front, clean.ptr, clean.len);
    out[len] = '\0';
    return fl_span_of(out, len);
}

void fl_feed_add_id(struct fl_arena *arena, struct fl_world_event *event, const char *prefix,
                    struct fl_span text)
{
    if (text.len > 0)
        fl_event_add(event->ids, &event->id_count, FL_EVENT_IDS_MAX,
                     fl_feed_name(arena, prefix, text));
}

struct fl_span fl_feed_lower(struct fl_arena *arena, struct fl_span text)
{
    unsigned char *out = fl_arena_get(arena, text.len + 1);

    if (out == NULL)
        return (struct fl_span){NULL, 0};
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i];

        out[i] = c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
    }
    return fl_span_of(out, text.len);
}

struct fl_span fl_feed_trim(struct fl_span text)
{
    while (text.len > 0 && text.ptr[0] <= ' ') {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && text.ptr[text.len - 1] <= ' ')
        text.len--;
    return text;
}

struct fl_span fl_feed_url(struct fl_span text)
{
    bool web = (text.len > 7 && memcmp(text.ptr, "http://", 7) == 0) ||
               (text.len > 8 && memcmp(text.ptr, "https://", 8) == 0);

    for (size_t i = 0; web && i < text.len; i++)
        web = text.ptr[i] > ' ' && text.ptr[i] < 0x7f && text.ptr[i] != '"' && text.ptr[i] != '<' &&
              text.ptr[i] != '>';
    return web && text.len <= 1024 ? text : FL_SPAN("");
}

bool fl_feed_number(struct fl_span text, double *ret)
{
    char copy[64], *end;
    double value;

    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    for (size_t i = 0; i < text.len; i++) { /* strtod knows more: hexadecimal, "inf", blanks */
        unsigned char c = text.ptr[i];

        if (!((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'))
            return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    value = strtod(copy, &end);
    if (end != copy + text.len || !isfinite(value))
        return false;
    *ret = value;
    return true;
}

bool fl_feed_time(struct fl_span text, int64_t *ret_us)
{
    char copy[48];
    size_t at = 19;

    if (fl_time_parse(text, ret_us))
        return true;
    if (text.len < 19 || text.len > 40)
        return false;
    memcpy(copy, text.ptr, text.len);
    if (copy[10] == ' ')
        copy[10] = 'T';
    while (at < text.len && (copy[at] == '.' || (copy[at] >= '0' && copy[at] <= '9')))
        at++;
    if (at == text.len && at < 27)
        copy[at++] = 'Z';
    return fl_time_parse(fl_span_of(copy, at == text.len ? text.len : text.len + 1), ret_us);
}

/* The next word, up to a blank; *text moves on. */
static struct fl_span next_word(struct fl_span *text)
{
    size_t len = 0;
    struct fl_span word;

    *text = fl_feed_trim(*text);
    while (len < text->len && text->ptr[len] != ' ')
        len++;
    word = fl_span_of(text->ptr, len);
    *text = fl_span_of(text->ptr + len, text->len - len);
    return word;
}

/* Decimal digits, at most so many, low..high; -1: none such. */
static int digits(struct fl_span text, size_t most, int low, int high)
{
    uint64_t value;

    if (text.len == 0 || text.len > most || !fl_span_u64(text, &value) || (int)value < low ||
        (int)value > high)
        return -1;
    return (int)value;
}

static int month_of(struct fl_span name)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
                                         "Aug", "Sep", "Oct", "Nov", "Dec", NULL};

    return fl_feed_word(name, months) + 1;
}

/* Minutes east of UTC of "GMT", "UT", "UTC", "Z", "+hhmm". */
static bool zone_of(struct fl_span zone, int *ret_min)
{
    static const char *const utc[] = {"GMT", "UT", "UTC", "Z", NULL};
    int hours, minutes;

    *ret_min = 0;
    if (fl_feed_word(zone, utc) >= 0)
        return true;
    if (zone.len != 5 || (zone.ptr[0] != '+' && zone.ptr[0] != '-'))
        return false;
    hours = digits(fl_span_of(zone.ptr + 1, 2), 2, 0, 23);
    minutes = digits(fl_span_of(zone.ptr + 3, 2), 2, 0, 59);
    *ret_min = (zone.ptr[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return hours >= 0 && minutes >= 0;
}

/* "01:35:11" in seconds; -1: none. */
static int clock_of(struct fl_span text)
{
    int h, m, s;

    if (text.len != 8 || text.ptr[2] != ':' || text.ptr[5] != ':')
        return -1;
    h = digits(fl_span_of(text.ptr, 2), 2, 0, 23);
    m = digits(fl_span_of(text.ptr + 3, 2), 2, 0, 59);
    s = digits(fl_span_of(text.ptr + 6, 2), 2, 0, 60);
    return h < 0 || m < 0 || s < 0 ? -1 : h * 3600 + m * 60 + s;
}

bool fl_feed_time_822(struct fl_span text, int64_t *ret_us)
{
    const unsigned char *comma = text.len == 0 ? NULL : memchr(text.ptr, ',', text.len);
    int day, month, year, second, east;

    if (comma != NULL) /* the name of the day */
        text = fl_span_of(comma + 1, (size_t)(text.ptr + text.len - comma - 1));
    day = digits(next_word(&text), 2, 1, 31);
    month = month_of(next_word(&text));
    year = digits(next_word(&text), 4, 1900, 9999);
    second = clock_of(next_word(&text));
    if (!zone_of(next_word(&text), &east) || fl_feed_trim(text).len > 0 || year < 0 || second < 0 ||
        !fl_civil_valid(year, month, day))
        return false;
    *ret_us =
        (fl_days_from_civil(year, month, day) * 86400 + second - (int64_t)east * 60) * FL_US_PER_S;
    return true;
}

int fl_feed_json(struct fl_span bytes, json_t **ret, struct fl_err *err)
{
    json_error_t where;
    json_t *json;

    if (bytes.len >= 3 && memcmp(bytes.ptr, "\xef\xbb\xbf", 3) == 0)
        bytes = fl_span_of(bytes.ptr + 3, bytes.len - 3);
    json = json_loadb((const char *)bytes.ptr, bytes.len, 0, &where);
    if (json == NULL)
        return fl_err_set(err, FL_E_INVAL, "no JSON: line %d, column %d: %.120s", where.line,
                          where.column, where.text);
    *ret = json;
    return FL_OK;
}

void fl_feed_json_freep(json_t **json)
{
    json_decref(*json);
}

struct fl_span fl_feed_js_text(const json_t *object, const char *key, struct fl_arena *arena,
                               size_t max)
{
    const json_t *value = json_object_get(object, key);
    struct fl_span text = {NULL, 0};

    if (json_is_string(value))
        text = fl_event_clean(arena,
                              fl_span_of(json_string_value(value), json_string_length(value)), max);
    return text.ptr == NULL ? FL_SPAN("") : text;
}

double fl_feed_js_num(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

int fl_feed_word(struct fl_span text, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strlen(words[i]) == text.len &&
            strncasecmp(words[i], (const char *)text.ptr, text.len) == 0)
            return i;
    }
    return -1;
}
