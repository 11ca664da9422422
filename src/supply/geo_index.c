#include "supply/geo_index.h"

#include <math.h>
#include <stdlib.h>

#define ROWS 180
#define COLS 360
/* Boxes are widened by the largest uncertainty of a site; the few above this are always looked at.
 */
#define REACH_MAX_KM 100.0

struct fl_geo_index {
    double reach_km;
    uint32_t sites, wide_count;
    uint32_t start[ROWS * COLS + 1];
    uint32_t *list, *wide;
};

static int clamp(double at, int count)
{
    return at < 0 ? 0 : at >= count ? count - 1 : (int)at;
}

static size_t cell_of(double lat, double lon)
{
    return (size_t)clamp(lat + 90, ROWS) * COLS + (size_t)clamp(fl_geo_lon(lon) + 180, COLS);
}

static bool placed(const struct fl_net_site *site)
{
    return fl_geo_valid(site->lat, site->lon);
}

static void fill(struct fl_geo_index *index, const struct fl_net *net)
{
    uint32_t all;

    for (uint32_t i = 0; i < net->site_count; i++) {
        const struct fl_net_site *site = &net->sites[i];

        if (!placed(site))
            continue;
        index->start[cell_of(site->lat, site->lon) + 1]++;
        if (site->radius_km > REACH_MAX_KM)
            index->wide[index->wide_count++] = i;
        else
            index->reach_km = fmax(index->reach_km, site->radius_km);
    }
    for (size_t c = 0; c < ROWS * COLS; c++)
        index->start[c + 1] += index->start[c];
    all = index->start[ROWS * COLS];
    for (uint32_t i = net->site_count; i-- > 0;) {
        const struct fl_net_site *site = &net->sites[i];

        if (placed(site))
            index->list[--index->start[cell_of(site->lat, site->lon) + 1]] = i;
    }
    /* Filling from behind left in start[c + 1] where cell c begins. */
    for (size_t c = 0; c < ROWS * COLS; c++)
        index->start[c] = index->start[c + 1];
    index->start[ROWS * COLS] = all;
}

int fl_geo_index_new(const struct fl_net *net, struct fl_geo_index **ret, struct fl_err *err)
{
    struct fl_geo_index *index = calloc(1, sizeof *index);

    if (index == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the index of sites");
    index->sites = net->site_count;
    index->list = malloc(((size_t)net->site_count + 1) * sizeof *index->list);
    index->wide = malloc(((size_t)net->site_count + 1) * sizeof *index->wide);
    if (index->list == NULL || index->wide == NULL) {
        fl_geo_index_free(index);
        return fl_err_set(err, FL_E_NOMEM, "no memory for the index of sites");
    }
    fill(index, net);
    *ret = index;
    return FL_OK;
}

void fl_geo_index_free(struct fl_geo_index *index)
{
    if (index == NULL)
        return;
    free(index->list);
    free(index->wide);
    free(index);
}

uint32_t fl_geo_index_sites(const struct fl_geo_index *index)
{
    return index->sites;
}

static void set(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static void mark_cells(const struct fl_geo_index *index, int row, int from, int to, uint64_t *bits)
{
    size_t first = (size_t)row * COLS + (size_t)from, last = (size_t)row * COLS + (size_t)to;

    for (uint32_t i = index->start[first]; i < index->start[last + 1]; i++)
        set(bits, index->list[i]);
}

void fl_geo_index_mark(const struct fl_geo_index *index, const struct fl_geo_box *box,
                       uint64_t *bits)
{
    struct fl_geo_box b = fl_geo_box_widened(*box, index->reach_km);
    int west = clamp(floor(b.west + 180), COLS), east = clamp(floor(b.east + 180), COLS);

    for (int row = clamp(b.south + 90, ROWS); row <= clamp(b.north + 90, ROWS); row++) {
        if (west <= east && !(b.west > b.east)) {
            mark_cells(index, row, west, east, bits);
        } else {
            mark_cells(index, row, west, COLS - 1, bits);
            mark_cells(index, row, 0, east, bits);
        }
    }
    for (uint32_t i = 0; i < index->wide_count; i++)
        set(bits, index->wide[i]);
}
