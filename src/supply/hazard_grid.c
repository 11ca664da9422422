#include "supply/hazard_grid.h"

#include <math.h>

struct fl_grid {
    double lat_max, lon_min, lat_min, lon_max, dlat, dlon;
    uint32_t rows, columns;
    const float *mmi, *std;
};

/* Velocity says more of damage than acceleration, so it comes first. */
static const float *of_motion(const struct fl_shakemap *map, struct fl_arena *arena)
{
    size_t n = (size_t)map->rows * map->columns;
    float *mmi = fl_arena_get(arena, n * sizeof *mmi);

    for (size_t i = 0; mmi != NULL && i < n; i++) {
        double pgv = map->pgv == NULL ? NAN : (double)map->pgv[i];
        double pga = map->pga == NULL ? NAN : (double)map->pga[i] * 9.80665; /* %g to cm/s2 */

        if (!isnan(pgv))
            mmi[i] = (float)fl_mmi_of_pgv(pgv);
        else
            mmi[i] = isnan(pga) ? NAN : (float)fl_mmi_of_pga(pga);
    }
    return mmi;
}

int fl_grid_new(const struct fl_shakemap *map, struct fl_arena *arena, struct fl_grid **ret,
                struct fl_err *err)
{
    struct fl_grid *grid = fl_arena_get(arena, sizeof *grid);
    const float *mmi = map->mmi == NULL ? of_motion(map, arena) : map->mmi;

    if (grid == NULL || mmi == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a grid");
    *grid = (struct fl_grid){.lat_max = map->lat_max,
                             .lat_min = map->lat_min,
                             .lon_min = map->lon_min,
                             .lon_max = map->lon_max,
                             .dlat = (map->lat_max - map->lat_min) / (map->rows - 1),
                             .dlon = (map->lon_max - map->lon_min) / (map->columns - 1),
                             .rows = map->rows,
                             .columns = map->columns,
                             .mmi = mmi,
                             .std = map->std};
    *ret = grid;
    return FL_OK;
}

struct fl_geo_box fl_grid_box(const struct fl_grid *grid)
{
    struct fl_geo_box box = {grid->lat_min, grid->lat_max, -180, 180};

    if (grid->lon_max - grid->lon_min < 360) {
        box.west = fl_geo_lon(grid->lon_min);
        box.east = fl_geo_lon(grid->lon_max);
    }
    return box;
}

/* NAN where a corner that has a weight is not known. */
static double blend(const struct fl_grid *grid, const float *list, double row, double column)
{
    uint32_t r = (uint32_t)row, c = (uint32_t)column;
    uint32_t r2 = r + 1 < grid->rows ? r + 1 : r, c2 = c + 1 < grid->columns ? c + 1 : c;
    double y = row - r, x = column - c;
    double north = (double)list[(size_t)r * grid->columns + c] * (1 - x);
    double south = (double)list[(size_t)r2 * grid->columns + c] * (1 - x);

    if (x > 0) {
        north += (double)list[(size_t)r * grid->columns + c2] * x;
        south += (double)list[(size_t)r2 * grid->columns + c2] * x;
    }
    return y > 0 ? north * (1 - y) + south * y : north;
}

bool fl_grid_at(const struct fl_grid *grid, double lat, double lon, struct fl_intensity *ret)
{
    double east = lon + 360 * ceil((grid->lon_min - lon) / 360);
    double row = (grid->lat_max - lat) / grid->dlat, column = (east - grid->lon_min) / grid->dlon;
    double mmi, sigma = NAN;

    if (!(row >= 0 && row <= grid->rows - 1 && column >= 0 && column <= grid->columns - 1))
        return false;
    mmi = blend(grid, grid->mmi, row, column);
    if (grid->std != NULL)
        sigma = blend(grid, grid->std, row, column);
    if (isnan(mmi))
        return false;
    *ret = (struct fl_intensity){mmi, sigma > 0 ? fmin(sigma, 3) : FL_GRID_SIGMA};
    return true;
}
