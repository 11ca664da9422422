/*
 * hazard_grid.h - a ShakeMap grid as intensities that can be asked for anywhere within it.
 *
 * Bilinear between the nodes; ground motion is brought to intensity by Worden et al. 2012 where the
 * grid has no MMI of its own. Immutable; any thread may ask.
 */
#ifndef FL_SUPPLY_HAZARD_GRID_H
#define FL_SUPPLY_HAZARD_GRID_H

#include "codec/shakemap.h"
#include "supply/geo.h"
#include "supply/intensity.h"

#define FL_GRID_SIGMA 0.6 /* where the grid does not say its own */

struct fl_grid;

/* The map's lists are borrowed and must live as long; the grid itself is in arena. FL_E_NOMEM. */
int fl_grid_new(const struct fl_shakemap *map, struct fl_arena *arena, struct fl_grid **ret,
                struct fl_err *err) FL_MUST_CHECK;
struct fl_geo_box fl_grid_box(const struct fl_grid *grid);
/* False: outside, or between nodes of which one is not known. */
bool fl_grid_at(const struct fl_grid *grid, double lat, double lon, struct fl_intensity *ret);

#endif
