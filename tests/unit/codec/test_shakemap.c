/* Grids of ShakeMap: what is read of one, and what is said of bad ones. */
#include <math.h>
#include <stdio.h>

#include "codec/shakemap.h"
#include "tap.h"

#define HEAD "<shakemap_grid event_id='us7'><event magnitude=\"6.5\" lat=\"1\" lon=\"2\"/>\n"
#define SPEC                                                                                       \
    "<grid_specification lon_min=\"170\" lat_min=\"-1\" lon_max=\"190\" lat_max=\"1\" nlon=\"3\" " \
    "nlat=\"2\"/>\n"
#define FIELDS                                                                                     \
    "<grid_field index=\"1\" name=\"LON\"/><grid_field index=\"2\" name=\"LAT\"/>"                 \
    "<grid_field index=\"3\" name=\"PGV\"/><grid_field index=\"4\" name=\"MMI\"/>\n"
#define TAIL "</grid_data></shakemap_grid>"

static const struct {
    const char *what, *text;
    int code;
    const char *says;
} bad[] = {
    {"nothing", "", FL_E_INVAL, "no shakemap_grid"},
    {"no data", HEAD SPEC FIELDS "</shakemap_grid>", FL_E_INVAL, "no grid_data"},
    {"a document type", "<!DOCTYPE a>" HEAD, FL_E_INVAL, "line 1: a document type"},
    {"an entity", "<!ENTITY a 'b'>", FL_E_INVAL, "document type"},
    {"a tag that is cut", HEAD "<grid_spec", FL_E_INVAL, "line 2: a tag has no end"},
    {"a comment that is cut", HEAD "<!-- ", FL_E_INVAL, "comment has no end"},
    {"data that are cut", HEAD SPEC FIELDS "<grid_data>\n170 1 2 3\n", FL_E_INVAL,
     "the file is cut"},
    {"data before fields", HEAD SPEC "<grid_data>" TAIL, FL_E_INVAL, "behind grid_specification"},
    {"data twice", HEAD SPEC FIELDS "<grid_data></grid_data><grid_data>" TAIL, FL_E_INVAL, "once"},
    {"a short line", HEAD SPEC FIELDS "<grid_data>\n170 1 2 3\n180 1 2\n" TAIL, FL_E_INVAL,
     "line 6: 3 numbers instead of 4"},
    {"too many nodes",
     HEAD
     "<grid_specification lon_min=\"0\" lat_min=\"0\" lon_max=\"1\" lat_max=\"1\" nlon=\"9999\" "
     "nlat=\"9999\"/>",
     FL_E_LIMIT, "over 2000000 nodes"},
    {"half a node",
     HEAD
     "<grid_specification lon_min=\"0\" lat_min=\"0\" lon_max=\"1\" lat_max=\"1\" nlon=\"2.5\" "
     "nlat=\"2\"/>",
     FL_E_INVAL, "whole numbers"},
    {"no span",
     HEAD "<grid_specification lon_min=\"1\" lat_min=\"0\" lon_max=\"1\" lat_max=\"1\" nlon=\"2\" "
          "nlat=\"2\"/>",
     FL_E_INVAL, "do not span"},
    {"field 0", HEAD SPEC "<grid_field index=\"0\" name=\"LON\"/>", FL_E_INVAL, "from 1 to 32"},
    {"nothing to take",
     HEAD SPEC "<grid_field index=\"1\" name=\"LON\"/><grid_field index=\"2\" name=\"LAT\"/>"
               "<grid_data>" TAIL,
     FL_E_INVAL, "neither MMI"},
};

static void test_bad(void)
{
    for (size_t i = 0; i < FL_LEN(bad); i++) {
        FL_AUTO(fl_arena_done) struct fl_arena arena;
        struct fl_shakemap map;
        struct fl_err err = {.code = 0};
        int r;

        fl_arena_init(&arena, 1 << 20);
        r = fl_shakemap_read(fl_span_str(bad[i].text), &arena, &map, &err);
        CHECK(r == bad[i].code && strstr(err.text, bad[i].says) != NULL, bad[i].what);
        if (r != bad[i].code || strstr(err.text, bad[i].says) == NULL)
            printf("# %d: %s\n", r, err.text);
    }
}

static void test_good(void)
{
    static const char text[] = "\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a > b -->" HEAD SPEC FIELDS
                               "<grid_data>\n170 1 0.5 3.5\r\n180 1 1 4\n\n-170 1 1 4.5\n"
                               "170 -1 NaN 5\n180 -1 1 -\n 190 -1 1e99 6\n200 0 1 9\n" TAIL;
    FL_AUTO(fl_arena_done) struct fl_arena arena, small;
    struct fl_shakemap map = {.rows = 0};
    struct fl_err err = {.code = 0};

    fl_arena_init(&arena, 1 << 20);
    fl_arena_init(&small, 16);
    CHECK(fl_shakemap_read(fl_span_str(text), &arena, &map, &err) == FL_OK, "a grid");
    CHECK(map.rows == 2 && map.columns == 3 && fl_span_eq(map.event_id, FL_SPAN("us7")) &&
              map.magnitude == 6.5 && map.lat == 1 && map.lon == 2 && isnan(map.depth_km),
          "its size and event");
    CHECK(map.mmi != NULL && map.pgv != NULL && map.pga == NULL && map.std == NULL,
          "only the fields that there are");
    CHECK(map.mmi[0] == 3.5F && map.mmi[1] == 4 && map.mmi[2] == 4.5F && map.mmi[3] == 5 &&
              isnan(map.mmi[4]) && map.mmi[5] == 6,
          "nodes by place, -170 as 190 too; no number is none");
    CHECK(isnan(map.pgv[3]) && isnan(map.pgv[5]), "neither is one beyond all measure");
    CHECK(fl_shakemap_read(fl_span_str(text), &small, &map, &err) == FL_E_NOMEM, "no memory");
}

int main(void)
{
    test_bad();
    test_good();
    return tap_done();
}
