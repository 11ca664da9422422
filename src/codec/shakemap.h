/*
 * shakemap.h - the grid of a USGS ShakeMap (grid.xml): intensity by place, with what measured
 * stations added to the relation.
 *
 * Source: ShakeMap manual, "Grid XML": elements event, grid_specification, grid_field and
 * grid_data, whose text is one line of numbers per node, in the order of the fields. Read with a
 * reader of its own, since the text of one element is up to 64 MB and nothing else is needed; a
 * document type is refused. Taken are LON, LAT and MMI, or else PGV (cm/s) and PGA (%g), which the
 * caller brings to intensity; STDMMI where there is one. Pure.
 */
#ifndef FL_CODEC_SHAKEMAP_H
#define FL_CODEC_SHAKEMAP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define FL_SHAKEMAP_MAX_BYTES  ((size_t)64 << 20)
#define FL_SHAKEMAP_MAX_NODES  2000000u
#define FL_SHAKEMAP_MAX_FIELDS 32u

struct fl_shakemap {
    struct fl_span event_id;              /* in arena */
    double magnitude, depth_km, lat, lon; /* NAN: not said */
    double lat_min, lat_max, lon_min, lon_max;
    uint32_t rows, columns;       /* from north to south, from west to east */
    float *mmi, *std, *pgv, *pga; /* rows * columns in arena; NAN where the grid has no node; NULL:
                                     there is no such field */
};

/* FL_E_INVAL says what and where ("line 40: 7 numbers instead of 8"); FL_E_LIMIT; FL_E_NOMEM of the
 * arena: a node takes up to 16 bytes. */
int fl_shakemap_read(struct fl_span text, struct fl_arena *arena, struct fl_shakemap *ret,
                     struct fl_err *err) FL_MUST_CHECK;

#endif
