#include "codec/track.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/csv.h"
#include "codec/feed_int.h"

#define KT_MS 0.514444
#define NM_KM 1.852

/* A cyclone under way. why: its first fault, which refuses it as a whole. */
struct cyclone {
    struct fl_feed_run *run;
    struct fl_event_fix fixes[FL_EVENT_FIXES_MAX];
    double wmo_ms[FL_EVENT_FIXES_MAX], wmo_hpa[FL_EVENT_FIXES_MAX]; /* IBTrACS: second choice */
    uint32_t count, announced; /* announced: fixes that its header promises; 0 says nothing */
    bool open;
    uint32_t line;
    int64_t issued_us;       /* of the last revision; 0 it does not say */
    struct fl_span id, name; /* in the run's arena */
    const char *prefix;
    char why[200];
};

static void fault(struct cyclone *c, const char *why)
{
    if (c->why[0] == '\0')
        (void)snprintf(c->why, sizeof c->why, "line %u: %s", (unsigned)c->line, why);
}

static void begin(struct cyclone *c, const char *prefix, struct fl_span id, struct fl_span name)
{
    fl_arena_clear(&c->run->arena);
    c->count = c->announced = 0;
    c->issued_us = 0;
    c->why[0] = '\0';
    c->open = true;
    c->prefix = prefix;
    c->id = fl_event_clean(&c->run->arena, id, 64);
    c->name = fl_event_clean(&c->run->arena, name, 64);
    if (c->id.ptr == NULL || c->name.ptr == NULL || c->id.len == 0)
        fault(c, "its number is missing");
}

/* The next fix, everything unknown; NULL: there are too many. */
static struct fl_event_fix *next_fix(struct cyclone *c)
{
    struct fl_event_fix *fix;

    if (c->count == FL_EVENT_FIXES_MAX) {
        fault(c, "more fixes than 512");
        return NULL;
    }
    c->wmo_ms[c->count] = c->wmo_hpa[c->count] = NAN;
    fix = &c->fixes[c->count++];
    *fix = (struct fl_event_fix){.lat = NAN,
                                 .lon = NAN,
                                 .wind_ms = NAN,
                                 .pressure_hpa = NAN,
                                 .outer_hpa = NAN,
                                 .error_km = NAN};
    for (unsigned i = 0; i < 12; i++)
        fix->radius_km[i / 4][i % 4] = NAN;
    return fix;
}

static struct fl_span title_of(struct cyclone *c)
{
    char text[FL_EVENT_TITLE_MAX];
    int year, month, day;

    fl_civil_from_days(fl_day_of(c->fixes[0].at_us), &year, &month, &day);
    (void)snprintf(text, sizeof text, "Tropical cyclone %.*s (%d)", FL_SPAN_ARG(c->name), year);
    return fl_event_clean(&c->run->arena, fl_span_str(text), FL_EVENT_TITLE_MAX);
}

static void check(struct cyclone *c)
{
    if (c->count == 0)
        fault(c, "it has no fixes");
    if (c->announced != 0 && c->announced != c->count)
        fault(c, "the number of its fixes is not what its header says");
    for (uint32_t i = 1; i < c->count; i++) {
        if (c->fixes[i].at_us < c->fixes[i - 1].at_us)
            fault(c, "its fixes are not in the order of time");
    }
}

/* Give away what is under way. */
static int finish(struct cyclone *c, uint32_t wind_minutes, struct fl_world_event *event)
{
    const struct fl_event_fix *last;

    if (!c->open)
        return FL_OK;
    c->open = false;
    if (c->why[0] == '\0')
        check(c);
    if (c->why[0] != '\0')
        return fl_feed_refuse(c->run, c->id.len > 0 ? c->id : FL_SPAN("cyclone"), "%s", c->why);
    last = &c->fixes[c->count - 1];
    memmove(event->ids + 1, event->ids, event->id_count * sizeof *event->ids);
    event->ids[0] = fl_feed_name(&c->run->arena, c->prefix, c->id);
    event->id_count++;
    event->kind = FL_SPAN("track:tropical cyclone");
    event->category = FL_SPAN("met");
    event->certainty = FL_SPAN("observed");
    event->title = title_of(c);
    event->issued_us = c->issued_us;
    event->from_us = c->fixes[0].at_us;
    event->until_us = last->at_us;
    event->lat = last->lat;
    event->lon = last->lon;
    event->fixes = c->fixes;
    event->fix_count = c->count;
    event->wind_minutes = wind_minutes;
    return fl_feed_emit(c->run, event);
}

/* Without the noise behind the sixth decimal that converting brings. */
static double rounded(double value)
{
    return round(value * 1e6) / 1e6;
}

/* The next line without its end; false: there is none. */
static bool next_line(struct fl_span *text, struct fl_span *ret)
{
    const unsigned char *end;
    size_t len;

    if (text->len == 0)
        return false;
    end = memchr(text->ptr, '\n', text->len);
    len = end == NULL ? text->len : (size_t)(end - text->ptr);
    *ret = fl_span_of(text->ptr, len);
    if (ret->len > 0 && ret->ptr[ret->len - 1] == '\r')
        ret->len--;
    len += end == NULL ? 0 : 1;
    *text = fl_span_of(text->ptr + len, text->len - len);
    return true;
}

/* Columns from..from+len-1, trimmed; empty where the line is too short. */
static struct fl_span columns(struct fl_span line, size_t from, size_t len)
{
    if (line.len <= from)
        return FL_SPAN("");
    return fl_feed_trim(fl_span_of(line.ptr + from, line.len - from < len ? line.len - from : len));
}

static bool number_in(struct fl_span text, double low, double high, double *ret)
{
    double value;

    if (!fl_feed_number(text, &value) || !(value >= low && value <= high))
        return false;
    *ret = value;
    return true;
}

static bool set_place(struct fl_event_fix *fix, double lat, double lon)
{
    fix->lat = lat;
    return fl_event_degrees(lat, lon, &fix->lon);
}

/* "20140628" or "140628", and hour and minute. */
static bool set_time(struct fl_event_fix *fix, uint64_t year, uint64_t month_day,
                     uint64_t hour_minute)
{
    int month = (int)(month_day / 100), day = (int)(month_day % 100);

    if (hour_minute / 100 > 23 || hour_minute % 100 > 59 || year < 1 || year > 9999 ||
        month_day > 1231 || !fl_civil_valid((int)year, month, day))
        return false;
    fix->at_us = (fl_days_from_civil((int)year, month, day) * 1440 +
                  (int64_t)(hour_minute / 100 * 60 + hour_minute % 100)) *
                 60 * FL_US_PER_S;
    return true;
}

static uint64_t full_year(uint64_t two_digits)
{
    return two_digits + (two_digits >= 51 ? 1900 : 2000);
}

/* --- RSMC Tokyo --- */

/* A circle out of centre: longest radius towards direction (1 NE .. 8 N, 9 all round), shortest on
 * the other side; its edge at NE, SE, SW, NW. */
static void set_jma_radii(struct fl_span line, size_t at, double radius_km[4])
{
    double direction, longest, shortest, size, off;

    if (!number_in(columns(line, at, 1), 0, 9, &direction) ||
        !number_in(columns(line, at + 1, 4), 0, 2000, &longest) ||
        !number_in(columns(line, at + 6, 4), 0, 2000, &shortest))
        return;
    if (direction == 9 || direction == 0 || shortest > longest)
        shortest = longest;
    size = (longest + shortest) / 2 * NM_KM;
    off = (longest - shortest) / 2 * NM_KM;
    for (unsigned q = 0; q < 4; q++) {
        double turn = (45.0 + 90.0 * q - 45.0 * direction) * (M_PI / 180), side = off * sin(turn);

        radius_km[q] = rounded(off * cos(turn) + sqrt(size * size - side * side));
    }
}

static bool set_jma_time(struct fl_event_fix *fix, struct fl_span line)
{
    uint64_t value;

    if (line.len < 8 || !fl_span_u64(fl_span_of(line.ptr, 8), &value))
        return false;
    return set_time(fix, full_year(value / 1000000), value / 100 % 10000, value % 100 * 100);
}

static void read_jma_line(struct cyclone *c, struct fl_span line)
{
    struct fl_event_fix *fix = next_fix(c);
    double lat, lon, value;

    if (fix == NULL)
        return;
    if (!set_jma_time(fix, line)) {
        fault(c, "the time must be YYMMDDHH");
    } else if (!number_in(columns(line, 15, 3), -900, 900, &lat) ||
               !number_in(columns(line, 19, 4), 0, 3600, &lon) ||
               !set_place(fix, lat / 10, lon / 10)) {
        fault(c, "latitude and longitude must be tenths of degrees");
    }
    if (number_in(columns(line, 24, 4), 800, 1100, &value))
        fix->pressure_hpa = value;
    if (number_in(columns(line, 33, 3), 1, 250, &value))
        fix->wind_ms = rounded(value * KT_MS);
    set_jma_radii(line, 41, fix->radius_km[1]);
    set_jma_radii(line, 52, fix->radius_km[0]);
}

/* "20150217": when this track was last revised. */
static void set_jma_revision(struct cyclone *c, struct fl_span text)
{
    struct fl_event_fix day = {.at_us = 0};
    uint64_t date;

    if (text.len == 8 && fl_span_u64(text, &date) && set_time(&day, date / 10000, date % 10000, 0))
        c->issued_us = day.at_us;
}

static void begin_jma(struct cyclone *c, struct fl_span line)
{
    struct fl_span number = columns(line, 6, 4);
    uint64_t value, count;
    char id[16];

    if (number.len != 4 || !fl_span_u64(number, &value)) {
        begin(c, "jma:", number, FL_SPAN(""));
        fault(c, "the number must have four digits");
        return;
    }
    (void)snprintf(id, sizeof id, "%u%02u", (unsigned)full_year(value / 100),
                   (unsigned)(value % 100));
    begin(c, "jma:", fl_span_str(id), columns(line, 30, 20));
    set_jma_revision(c, columns(line, 64, 8));
    if (fl_span_u64(columns(line, 12, 3), &count) && count <= 9999)
        c->announced = (uint32_t)count;
    else
        fault(c, "the number of lines is missing");
}

static int read_jma(struct cyclone *c, struct fl_span bytes)
{
    struct fl_world_event event;
    struct fl_span line;
    int r = FL_OK;

    fl_world_event_init(&event);
    while (r >= 0 && next_line(&bytes, &line)) {
        bool head = line.len >= 6 && memcmp(line.ptr, "66666 ", 6) == 0;

        c->line++;
        if (head) {
            r = finish(c, 10, &event);
            fl_world_event_init(&event);
            begin_jma(c, line);
        } else if (!c->open && fl_feed_trim(line).len > 0) {
            return fl_err_set(c->run->err, FL_E_INVAL, "line %u: a header (66666) is wanted",
                              (unsigned)c->line);
        } else if (fl_feed_trim(line).len > 0) {
            read_jma_line(c, line);
        }
    }
    return r < 0 ? r : finish(c, 10, &event);
}

/* --- HURDAT2 --- */

#define HURDAT_CELLS 24

static unsigned split(struct fl_span line, struct fl_span cell[HURDAT_CELLS])
{
    unsigned n = 0;

    while (n < HURDAT_CELLS) {
        const unsigned char *comma = memchr(line.ptr, ',', line.len);
        size_t len = comma == NULL ? line.len : (size_t)(comma - line.ptr);

        cell[n++] = fl_feed_trim(fl_span_of(line.ptr, len));
        if (comma == NULL)
            break;
        line = fl_span_of(line.ptr + len + 1, line.len - len - 1);
    }
    return n;
}

/* "32.0N", "78.2W" */
static bool degrees(struct fl_span text, const char *signs, double *ret)
{
    double value;

    if (text.len < 2 || !fl_feed_number(fl_span_of(text.ptr, text.len - 1), &value) || value < 0 ||
        (text.ptr[text.len - 1] != (unsigned char)signs[0] &&
         text.ptr[text.len - 1] != (unsigned char)signs[1]))
        return false;
    *ret = text.ptr[text.len - 1] == (unsigned char)signs[1] ? -value : value;
    return true;
}

static void read_hurdat_line(struct cyclone *c, const struct fl_span *cell, unsigned n)
{
    struct fl_event_fix *fix = next_fix(c);
    uint64_t date, hour;
    double lat, lon, value;

    if (fix == NULL)
        return;
    if (n < 8) {
        fault(c, "eight cells or more are wanted");
        return;
    }
    if (!fl_span_u64(cell[0], &date) || !fl_span_u64(cell[1], &hour) ||
        !set_time(fix, date / 10000, date % 10000, hour))
        fault(c, "the time must be YYYYMMDD, HHMM");
    else if (!degrees(cell[4], "NS", &lat) || !degrees(cell[5], "EW", &lon) ||
             !set_place(fix, lat, lon))
        fault(c, "latitude and longitude must be like 32.0N, 78.2W");
    if (number_in(cell[6], 1, 250, &value))
        fix->wind_ms = rounded(value * KT_MS);
    if (number_in(cell[7], 800, 1100, &value))
        fix->pressure_hpa = value;
    for (unsigned i = 0; i < 12 && 8 + i < n; i++) {
        if (number_in(cell[8 + i], 0, 2000, &value))
            fix->radius_km[i / 4][i % 4] = rounded(value * NM_KM);
    }
}

static void begin_hurdat(struct cyclone *c, const struct fl_span *cell, unsigned n)
{
    uint64_t count = 0;

    begin(c, "atcf:", cell[0], n > 1 ? cell[1] : FL_SPAN(""));
    if (n > 2 && fl_span_u64(cell[2], &count) && count > 0 && count <= 9999)
        c->announced = (uint32_t)count;
    else
        fault(c, "the number of lines is missing");
}

static int read_hurdat(struct cyclone *c, struct fl_span bytes)
{
    struct fl_span line, cell[HURDAT_CELLS];
    struct fl_world_event event;
    int r = FL_OK;

    fl_world_event_init(&event);
    while (r >= 0 && next_line(&bytes, &line)) {
        unsigned n = split(line, cell);

        c->line++;
        if (fl_feed_trim(line).len == 0)
            continue;
        if (cell[0].len == 8 && cell[0].ptr[0] >= 'A' && cell[0].ptr[0] <= 'Z') {
            r = finish(c, 1, &event);
            fl_world_event_init(&event);
            begin_hurdat(c, cell, n);
        } else if (!c->open) {
            return fl_err_set(c->run->err, FL_E_INVAL,
                              "line %u: a header (AL012014, NAME, lines) is wanted",
                              (unsigned)c->line);
        } else {
            read_hurdat_line(c, cell, n);
        }
    }
    return r < 0 ? r : finish(c, 1, &event);
}

/* --- IBTrACS --- */

enum {
    IB_SID,
    IB_NAME,
    IB_TIME,
    IB_LAT,
    IB_LON,
    IB_WMO_WIND,
    IB_WMO_PRES,
    IB_ATCF,
    IB_USA_WIND,
    IB_USA_PRES,
    IB_POCI,
    IB_TYPE,
    IB_R34 /* and the eleven behind it */
};
#define IB_COLUMNS (IB_R34 + 12)

static const char *const ib_names[IB_COLUMNS] = {
    "SID",        "NAME",        "ISO_TIME",   "LAT",        "LON",        "WMO_WIND",
    "WMO_PRES",   "USA_ATCF_ID", "USA_WIND",   "USA_PRES",   "USA_POCI",   "TRACK_TYPE",
    "USA_R34_NE", "USA_R34_SE",  "USA_R34_SW", "USA_R34_NW", "USA_R50_NE", "USA_R50_SE",
    "USA_R50_SW", "USA_R50_NW",  "USA_R64_NE", "USA_R64_SE", "USA_R64_SW", "USA_R64_NW"};

struct ib {
    struct cyclone *c;
    int column[IB_COLUMNS]; /* -1: the file has none */
    struct fl_world_event event;
};

static struct fl_span ib_cell(const struct ib *ib, const struct fl_csv_row *row, int which)
{
    int at = ib->column[which];

    return at < 0 || (unsigned)at >= row->count ? FL_SPAN("") : fl_feed_trim(row->cell[at]);
}

static int ib_header(struct ib *ib, const struct fl_csv_row *row, struct fl_err *err)
{
    for (int k = 0; k < IB_COLUMNS; k++) {
        ib->column[k] = -1;
        for (unsigned i = 0; i < row->count; i++) {
            if (fl_span_eq(fl_feed_trim(row->cell[i]), fl_span_str(ib_names[k])))
                ib->column[k] = (int)i;
        }
        if (k <= IB_LON && ib->column[k] < 0)
            return fl_err_set(err, FL_E_INVAL, "line 1: there is no column %s", ib_names[k]);
    }
    return FL_OK;
}

/* The USA columns of all fixes where one has a wind there, else WMO's. */
static int ib_finish(struct ib *ib)
{
    struct cyclone *c = ib->c;
    bool usa = false;
    int r;

    for (uint32_t i = 0; i < c->count; i++)
        usa = usa || !isnan(c->fixes[i].wind_ms);
    for (uint32_t i = 0; i < c->count; i++) {
        if (!usa)
            c->fixes[i].wind_ms = c->wmo_ms[i];
        if (isnan(c->fixes[i].pressure_hpa))
            c->fixes[i].pressure_hpa = c->wmo_hpa[i];
    }
    r = finish(c, usa ? 1 : 10, &ib->event);
    fl_world_event_init(&ib->event);
    return r;
}

static void ib_fix(struct ib *ib, const struct fl_csv_row *row)
{
    struct fl_event_fix *fix = next_fix(ib->c);
    uint32_t at = ib->c->count - 1;
    double lat, lon, value;

    if (fix == NULL)
        return;
    if (!fl_feed_time(ib_cell(ib, row, IB_TIME), &fix->at_us))
        fault(ib->c, "ISO_TIME must be a time");
    else if (!fl_feed_number(ib_cell(ib, row, IB_LAT), &lat) ||
             !fl_feed_number(ib_cell(ib, row, IB_LON), &lon) || !set_place(fix, lat, lon))
        fault(ib->c, "LAT and LON must be degrees");
    if (number_in(ib_cell(ib, row, IB_USA_WIND), 1, 250, &value))
        fix->wind_ms = rounded(value * KT_MS);
    if (number_in(ib_cell(ib, row, IB_WMO_WIND), 1, 250, &value))
        ib->c->wmo_ms[at] = rounded(value * KT_MS);
    if (number_in(ib_cell(ib, row, IB_USA_PRES), 800, 1100, &value))
        fix->pressure_hpa = value;
    if (number_in(ib_cell(ib, row, IB_WMO_PRES), 800, 1100, &value))
        ib->c->wmo_hpa[at] = value;
    if (number_in(ib_cell(ib, row, IB_POCI), 800, 1100, &value))
        fix->outer_hpa = value;
    for (int i = 0; i < 12; i++) {
        if (number_in(ib_cell(ib, row, IB_R34 + i), 0, 2000, &value))
            fix->radius_km[i / 4][i % 4] = rounded(value * NM_KM);
    }
}

static int ib_row(struct ib *ib, const struct fl_csv_row *row)
{
    struct fl_span sid = ib_cell(ib, row, IB_SID);
    int r = FL_OK;

    ib->c->line = row->line;
    if (sid.len == 0 || fl_span_eq(ib_cell(ib, row, IB_TYPE), FL_SPAN("spur")))
        return FL_OK;
    if (!ib->c->open || !fl_span_eq(sid, ib->c->id)) {
        r = ib_finish(ib);
        if (r < 0)
            return r;
        begin(ib->c, "ibtracs:", sid, ib_cell(ib, row, IB_NAME));
    }
    if (ib->event.id_count < 4)
        fl_feed_add_id(&ib->c->run->arena, &ib->event, "atcf:", ib_cell(ib, row, IB_ATCF));
    ib_fix(ib, row);
    return FL_OK;
}

static int read_ibtracs(struct cyclone *c, struct fl_span bytes)
{
    FL_AUTO(fl_csv_done) struct fl_csv csv;
    struct ib ib = {.c = c};
    struct fl_csv_row row;
    unsigned rows = 0;
    int r;

    fl_world_event_init(&ib.event);
    fl_csv_init(&csv);
    r = fl_csv_feed(&csv, bytes, true, c->run->err);
    while (r >= 0 && (r = fl_csv_next(&csv, &row, c->run->err)) == 1) {
        if (rows == 0)
            r = ib_header(&ib, &row, c->run->err);
        else if (rows > 1 || !fl_span_eq(ib_cell(&ib, &row, IB_LAT), FL_SPAN("degrees_north")))
            r = ib_row(&ib, &row); /* the second line has the units */
        rows++;
    }
    if (r < 0)
        return r;
    return rows == 0 ? fl_err_set(c->run->err, FL_E_INVAL, "it is empty") : ib_finish(&ib);
}

int fl_track_read(const struct fl_feed_source *source, struct fl_span bytes,
                  const struct fl_event_sink *sink, struct fl_err *err)
{
    struct fl_feed_run run = {.source = source, .sink = sink, .err = err};
    struct cyclone *c = calloc(1, sizeof *c);
    int r;

    if (c == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a track");
    fl_arena_init(&run.arena, FL_FEED_ARENA_MAX);
    c->run = &run;
    if (source->format == FL_FEED_JMA)
        r = read_jma(c, bytes);
    else if (source->format == FL_FEED_HURDAT2)
        r = read_hurdat(c, bytes);
    else
        r = read_ibtracs(c, bytes);
    fl_arena_done(&run.arena);
    free(c);
    return r < 0 ? r : FL_OK;
}
