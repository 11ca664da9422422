/* Any event that our reader takes, against a fixed set of sites: every figure finite, in its range,
 * and the same with an index as without. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "supply/geo_index.h"
#include "supply/hazard.h"

#define SITES 60u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct fl_net_site sites[SITES];
static struct fl_net_supplier suppliers[2] = {{.id = "s0", .name = "Kitasawa Ltd.", .parent = 1},
                                              {.id = "s1", .name = "Group", .parent = 0}};
static uint32_t start[3] = {0, SITES / 2, SITES}, list[SITES];
static const struct fl_net net = {.sites = sites,
                                  .site_count = SITES,
                                  .suppliers = suppliers,
                                  .supplier_count = 2,
                                  .sites_of_supplier = {start, list}};

static void make_sites(void)
{
    for (uint32_t i = 0; i < SITES; i++) {
        sites[i] = (struct fl_net_site){.id = "x",
                                        .port = i == 3 ? "TWKHH" : "",
                                        .supplier = i * 2 / SITES,
                                        .lat = i == 5 ? (double)NAN : 90 - i * 180.0 / (SITES - 1),
                                        .lon = i * 47 % 360 - 180.0,
                                        .radius_km = i % 4 == 0 ? i * 5.0 : 0,
                                        .country = {i % 2 == 0 ? 'J' : 'T', i % 2 == 0 ? 'P' : 'W'},
                                        .alternate = FL_NET_NONE};
        list[i] = i;
    }
}

static void check(const struct fl_hits *hits)
{
    for (uint32_t i = 0; i < hits->count; i++) {
        const struct fl_hit *h = &hits->hits[i];

        if (h->site >= SITES || !isfinite(h->value) || !isfinite(h->sigma) || h->sigma < 0 ||
            !(h->probability >= 0 && h->probability <= 1) || isinf(h->distance_km) ||
            !(h->down_days[0] <= h->down_days[1] && h->down_days[1] <= h->down_days[2]))
            abort();
        for (int b = 0; b < FL_BANDS; b++) {
            if (!(h->bands[b] >= 0 && h->bands[b] <= 1 + 1e-9))
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct fl_geo_index *index;
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_hits plain, indexed, all;
    struct fl_world_event event;

    if (index == NULL) { /* once; it lives as long as the program */
        make_sites();
        if (fl_geo_index_new(&net, &index, NULL) < 0)
            abort();
    }
    fl_arena_init(&arena, (size_t)64 << 20);
    if (fl_world_event_read(fl_span_of(data, n), &arena, &event, NULL) < 0)
        return 0;
    if (fl_hazard(&event, &net, NULL, NULL, 0, 0.01, &arena, &plain, NULL) < 0 ||
        fl_hazard(&event, &net, index, NULL, 0, 0.01, &arena, &indexed, NULL) < 0 ||
        fl_hazard(&event, &net, NULL, NULL, event.issued_us, 0, &arena, &all, NULL) < 0)
        return 0;
    check(&plain);
    check(&indexed);
    check(&all);
    if (plain.count != indexed.count)
        abort();
    return 0;
}
