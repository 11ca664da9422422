/* A grid from outside: refused or read; whatever is read can be asked for anywhere. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "supply/hazard_grid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_shakemap map;
    struct fl_grid *grid = NULL;
    struct fl_intensity at;

    fl_arena_init(&arena, (size_t)8 << 20);
    if (fl_shakemap_read(fl_span_of(data, n), &arena, &map, NULL) < 0 ||
        fl_grid_new(&map, &arena, &grid, NULL) < 0)
        return 0;
    for (int lat = -90; lat <= 90; lat += 15) {
        for (int lon = -180; lon <= 180; lon += 15) {
            if (fl_grid_at(grid, lat, lon, &at) && (!isfinite(at.mmi) || !(at.sigma > 0)))
                abort();
        }
    }
    for (int i = 0; i <= 8; i++) {
        double lat = map.lat_min + (map.lat_max - map.lat_min) * i / 8;
        double lon = map.lon_min + (map.lon_max - map.lon_min) * i / 8;

        if (fl_grid_at(grid, lat, lon, &at) && (!isfinite(at.mmi) || !(at.sigma > 0)))
            abort();
    }
    return 0;
}
