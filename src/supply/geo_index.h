/*
 * geo_index.h - sites by place: cells of a degree, so that an event looks only at the sites near
 * it. Immutable once built; any thread may ask. 100,000 sites take 0.7 MB.
 */
#ifndef FL_SUPPLY_GEO_INDEX_H
#define FL_SUPPLY_GEO_INDEX_H

#include "supply/geo.h"
#include "supply/net.h"

struct fl_geo_index;

/* Sites without a position are in no cell. The net is not kept. */
int fl_geo_index_new(const struct fl_net *net, struct fl_geo_index **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_geo_index_free(struct fl_geo_index *index); /* NULL is allowed */
static inline void fl_geo_index_freep(struct fl_geo_index **index)
{
    fl_geo_index_free(*index);
}
uint32_t fl_geo_index_sites(const struct fl_geo_index *index); /* of the net it was made of */

/*
 * Set the bits of all sites whose disc of uncertainty may touch the box, and of some more: those
 * of cells that the box touches. bits has (sites + 63) / 64 words.
 */
void fl_geo_index_mark(const struct fl_geo_index *index, const struct fl_geo_box *box,
                       uint64_t *bits);

#endif
