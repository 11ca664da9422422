#include "codec/shakemap.h"

#include <math.h>
#include <stdlib.h>

#define NUMBER_MAX 48u

enum column { COL_LON, COL_LAT, COL_MMI, COL_STD, COL_PGV, COL_PGA, COLS };
static const char *const column_names[COLS] = {"LON", "LAT", "MMI", "STDMMI", "PGV", "PGA"};

struct reader {
    const unsigned char *ptr, *end;
    unsigned line;
    struct fl_arena *arena;
    struct fl_shakemap map;
    double dlon, dlat;
    unsigned fields;       /* declared so far */
    int place[COLS];       /* which number of a line; -1 none */
    bool grid, data, root; /* what was seen */
    struct fl_err *err;
};

static bool blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip(struct reader *r, const unsigned char *to)
{
    for (; r->ptr < to; r->ptr++)
        r->line += *r->ptr == '\n';
}

static int wrong(struct reader *r, const char *what)
{
    return fl_err_set(r->err, FL_E_INVAL, "line %u: %s", r->line, what);
}

static const unsigned char *find(const struct reader *r, const char *what)
{
    size_t len = strlen(what);

    return memmem(r->ptr, (size_t)(r->end - r->ptr), what, len);
}

/* Finite, of at most so many characters: else false. */
static bool number(struct fl_span s, double *ret)
{
    char text[NUMBER_MAX];
    char *end;
    double value;

    if (s.len == 0 || s.len >= sizeof text || memchr(s.ptr, 'x', s.len) != NULL)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    value = strtod(text, &end);
    if (end != text + s.len || !isfinite(value))
        return false;
    *ret = value;
    return true;
}

/* The value of an attribute within a tag; empty: there is none. */
static struct fl_span attribute(struct fl_span tag, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i + len + 2 < tag.len; i++) {
        const unsigned char *p = tag.ptr + i;
        const unsigned char *close;

        if (i == 0 || !blank(p[-1]) || memcmp(p, name, len) != 0 || p[len] != '=' ||
            (p[len + 1] != '"' && p[len + 1] != '\''))
            continue;
        close = memchr(p + len + 2, p[len + 1], tag.len - i - len - 2);
        if (close != NULL)
            return fl_span_of(p + len + 2, (size_t)(close - p) - len - 2);
    }
    return FL_SPAN("");
}

static double attribute_number(struct fl_span tag, const char *name)
{
    double value;

    return number(attribute(tag, name), &value) ? value : NAN;
}

static int read_root(struct reader *r, struct fl_span tag)
{
    struct fl_span id = attribute(tag, "event_id");

    r->root = true;
    r->map.event_id = fl_arena_copy(r->arena, fl_span_of(id.ptr, id.len > 64 ? 64 : id.len));
    return r->map.event_id.ptr == NULL ? fl_err_set(r->err, FL_E_NOMEM, "no memory for a grid")
                                       : FL_OK;
}

static int read_event(struct reader *r, struct fl_span tag)
{
    r->map.magnitude = attribute_number(tag, "magnitude");
    r->map.depth_km = attribute_number(tag, "depth");
    r->map.lat = attribute_number(tag, "lat");
    r->map.lon = attribute_number(tag, "lon");
    return FL_OK;
}

static bool whole(double value, double least, double most)
{
    return value >= least && value <= most && (double)(int64_t)value == value;
}

static bool degrees(double value, double max)
{
    return isfinite(value) && fabs(value) <= max;
}

static int read_grid(struct reader *r, struct fl_span tag)
{
    struct fl_shakemap *m = &r->map;
    double columns = attribute_number(tag, "nlon"), rows = attribute_number(tag, "nlat");

    m->lon_min = attribute_number(tag, "lon_min");
    m->lon_max = attribute_number(tag, "lon_max");
    m->lat_min = attribute_number(tag, "lat_min");
    m->lat_max = attribute_number(tag, "lat_max");
    if (!degrees(m->lon_min, 360) || !degrees(m->lon_max, 540) || !degrees(m->lat_min, 90) ||
        !degrees(m->lat_max, 90) || m->lat_max <= m->lat_min || m->lon_max <= m->lon_min ||
        m->lon_max - m->lon_min > 360)
        return wrong(r,
                     "grid_specification: lat_min, lat_max, lon_min, lon_max do not span a grid");
    if (!whole(columns, 2, 1e9) || !whole(rows, 2, 1e9))
        return wrong(r, "grid_specification: nlon and nlat must be whole numbers from 2");
    if (columns * rows > FL_SHAKEMAP_MAX_NODES)
        return fl_err_set(r->err, FL_E_LIMIT, "line %u: a grid of over %u nodes", r->line,
                          FL_SHAKEMAP_MAX_NODES);
    m->columns = (uint32_t)columns;
    m->rows = (uint32_t)rows;
    r->dlon = (m->lon_max - m->lon_min) / (columns - 1);
    r->dlat = (m->lat_max - m->lat_min) / (rows - 1);
    r->grid = true;
    return FL_OK;
}

static int read_field(struct reader *r, struct fl_span tag)
{
    struct fl_span name = attribute(tag, "name");
    double index = attribute_number(tag, "index");

    if (!whole(index, 1, FL_SHAKEMAP_MAX_FIELDS))
        return wrong(r, "grid_field: index must be a number from 1 to 32");
    if (index > r->fields)
        r->fields = (unsigned)index;
    for (int c = 0; c < COLS; c++) {
        if (fl_span_eq(name, fl_span_str(column_names[c])))
            r->place[c] = (int)index - 1;
    }
    return FL_OK;
}

static float *nodes(struct reader *r)
{
    size_t n = (size_t)r->map.rows * r->map.columns;
    float *list = fl_arena_get(r->arena, n * sizeof *list);

    for (size_t i = 0; list != NULL && i < n; i++)
        list[i] = NAN;
    return list;
}

static int make_nodes(struct reader *r)
{
    float **lists[COLS] = {NULL, NULL, &r->map.mmi, &r->map.std, &r->map.pgv, &r->map.pga};

    for (int c = COL_MMI; c < COLS; c++) {
        if (r->place[c] < 0)
            continue;
        *lists[c] = nodes(r);
        if (*lists[c] == NULL)
            return fl_err_set(r->err, FL_E_NOMEM, "no memory for a grid");
    }
    return FL_OK;
}

/* Up to the end of the line; how many numbers, or negative. */
static int read_line(struct reader *r, const unsigned char *end, double value[])
{
    unsigned n = 0;

    while (r->ptr < end && *r->ptr != '\n') {
        const unsigned char *from = r->ptr;

        if (blank(*r->ptr)) {
            r->ptr++;
            continue;
        }
        while (r->ptr < end && !blank(*r->ptr))
            r->ptr++;
        if (n == FL_SHAKEMAP_MAX_FIELDS)
            return wrong(r, "too many numbers");
        /* "NaN" stands where a map has nothing to say. */
        if (!number(fl_span_of(from, (size_t)(r->ptr - from)), &value[n]))
            value[n] = NAN;
        n++;
    }
    return (int)n;
}

static float narrow(double value)
{
    return fabs(value) <= 1e9 ? (float)value : NAN;
}

static void put_node(struct reader *r, const double value[])
{
    const struct fl_shakemap *m = &r->map;
    double lon = value[r->place[COL_LON]], lat = value[r->place[COL_LAT]];
    double column, row;
    float *const lists[COLS] = {NULL, NULL, m->mmi, m->std, m->pgv, m->pga};
    size_t at;

    if (isnan(lon) || isnan(lat))
        return;
    if (lon < m->lon_min - r->dlon / 2)
        lon += 360;
    column = (lon - m->lon_min) / r->dlon + 0.5; /* to the nearest */
    row = (m->lat_max - lat) / r->dlat + 0.5;
    if (!(column >= 0 && column < m->columns && row >= 0 && row < m->rows))
        return;
    at = (size_t)row * m->columns + (size_t)column;
    for (int c = COL_MMI; c < COLS; c++) {
        if (lists[c] != NULL)
            lists[c][at] = narrow(value[r->place[c]]);
    }
}

static int read_data(struct reader *r, struct fl_span tag)
{
    const unsigned char *end = find(r, "<");
    double value[FL_SHAKEMAP_MAX_FIELDS];
    int n = FL_OK;

    (void)tag;
    if (!r->grid || r->place[COL_LON] < 0 || r->place[COL_LAT] < 0 || r->data)
        return wrong(r, "grid_data must stand once, behind grid_specification and the fields LON "
                        "and LAT");
    if (r->place[COL_MMI] < 0 && r->place[COL_PGV] < 0 && r->place[COL_PGA] < 0)
        return wrong(r, "the grid has neither MMI nor PGV nor PGA");
    if (end == NULL)
        return wrong(r, "grid_data has no end; the file is cut");
    r->data = true;
    n = make_nodes(r);
    while (n >= 0 && r->ptr < end) {
        n = read_line(r, end, value);
        if (n > 0 && (unsigned)n != r->fields)
            return fl_err_set(r->err, FL_E_INVAL, "line %u: %d numbers instead of %u", r->line, n,
                              r->fields);
        if (n > 0)
            put_node(r, value);
        if (n >= 0 && r->ptr < end)
            skip(r, r->ptr + 1);
    }
    return n < 0 ? n : FL_OK;
}

static const struct {
    const char *name;
    int (*read)(struct reader *r, struct fl_span tag);
} elements[] = {
    {"shakemap_grid", read_root}, {"event", read_event},    {"grid_specification", read_grid},
    {"grid_field", read_field},   {"grid_data", read_data},
};

/* A tag stands between < and >; what is no element of ours is passed over. */
static int read_tag(struct reader *r)
{
    const unsigned char *close = memchr(r->ptr, '>', (size_t)(r->end - r->ptr));
    struct fl_span tag;
    size_t name = 0;

    if (close == NULL)
        return wrong(r, "a tag has no end; the file is cut");
    tag = fl_span_of(r->ptr, (size_t)(close - r->ptr));
    skip(r, close + 1);
    while (name < tag.len && !blank(tag.ptr[name]) && tag.ptr[name] != '/')
        name++;
    for (size_t i = 0; i < FL_LEN(elements); i++) {
        if (fl_span_eq(fl_span_of(tag.ptr, name), fl_span_str(elements[i].name)))
            return elements[i].read(r, tag);
    }
    return FL_OK;
}

static int read_markup(struct reader *r)
{
    const char *close = NULL;
    const unsigned char *end;

    r->ptr++; /* the < */
    if (r->ptr < r->end && *r->ptr == '?')
        close = "?>";
    else if (r->end - r->ptr >= 3 && memcmp(r->ptr, "!--", 3) == 0)
        close = "-->";
    else if (r->ptr < r->end && *r->ptr == '!')
        return wrong(r, "a document type declaration is not allowed");
    if (close == NULL)
        return read_tag(r);
    end = find(r, close);
    if (end == NULL)
        return wrong(r, "a comment has no end; the file is cut");
    skip(r, end + strlen(close));
    return FL_OK;
}

int fl_shakemap_read(struct fl_span text, struct fl_arena *arena, struct fl_shakemap *ret,
                     struct fl_err *err)
{
    struct reader r = {.ptr = text.ptr,
                       .end = text.ptr == NULL ? NULL : text.ptr + text.len,
                       .line = 1,
                       .arena = arena,
                       .map = {.magnitude = NAN, .depth_km = NAN, .lat = NAN, .lon = NAN},
                       .place = {-1, -1, -1, -1, -1, -1},
                       .err = err};
    int code = FL_OK;

    if (text.len > FL_SHAKEMAP_MAX_BYTES)
        return fl_err_set(err, FL_E_LIMIT, "a grid of over %zu MB", FL_SHAKEMAP_MAX_BYTES >> 20);
    while (code == FL_OK && r.ptr < r.end) {
        const unsigned char *open = find(&r, "<");

        skip(&r, open == NULL ? r.end : open);
        if (open != NULL)
            code = read_markup(&r);
    }
    if (code == FL_OK && (!r.root || !r.data))
        code = fl_err_set(err, FL_E_INVAL, "this is no ShakeMap grid: there is no %s",
                          r.root ? "grid_data" : "shakemap_grid");
    if (code == FL_OK)
        *ret = r.map;
    return code;
}
