/*
 * hazard.h - from an event to the sites it may hit, each with a probability and a band.
 *
 * The measure is MMI for earthquakes (Allen, Wald, Worden 2012; a ShakeMap grid where there is
 * one), gradient wind in m/s for cyclones (radii where given, else Holland 1980 with Willoughby's
 * radius), and "inside" for polygons, circles, points with a radius, countries, ports and entities.
 * A site's uncertain position (radius_km) and the scatter of the relation widen the probability.
 */
#ifndef FL_SUPPLY_HAZARD_H
#define FL_SUPPLY_HAZARD_H

#include "codec/world_event.h"
#include "supply/intensity.h" /* bands */
#include "supply/net.h"

enum fl_measure { FL_MEASURE_INSIDE, FL_MEASURE_MMI, FL_MEASURE_WIND };
const char *fl_measure_name(enum fl_measure measure); /* "inside", "mmi", "wind_ms" */

struct fl_hit {
    uint32_t site;
    double distance_km; /* to the epicentre, the point, the nearest point of the track, the area's
                           edge (0 inside); NAN: not by place */
    enum fl_measure measure;
    double value;           /* MMI, m/s; the share of the site's disc inside */
    double sigma;           /* of value */
    double probability;     /* that the site is disrupted at all, 0..1, the event's own included */
    const char *band;       /* "watch", "inspect", "short", "long", "structural": how badly */
    double down_days[3];    /* low, likely, high: how long it is out if it is hit */
    double down_share;      /* of its capacity that is lost then, 0..1 */
    double bands[FL_BANDS]; /* probability of each band, the event's own included; those from
                               "inspect" up add up to probability */
};

struct fl_hits {
    struct fl_hit *hits; /* by probability, then value, falling */
    uint32_t count;
};

struct fl_grid;      /* ShakeMap grid, hazard_grid.h */
struct fl_geo_index; /* sites by place, geo_index.h; makes 100,000 sites cheap */

/*
 * What the event does to the net's sites. index NULL: each site is looked at. grid NULL: none.
 * now_us: forecasts over a day before it that no observation replaced are no longer believed; 0:
 * all are. Hits below min_probability are left out; 0 keeps every site that has an intensity or a
 * wind, however small. In arena: 300 bytes a site that is looked at. A cancelled event hits
 * nothing.
 *
 * How it meets sites is one table (hazard.c), the first that fits: earthquake (magnitude and
 * place), cyclone (fixes), entity, port, place (polygons, circles, a point with the event's or its
 * type's radius), country, the whole world. Entities are suppliers by id or by name without case,
 * signs and legal form; a group's name stands for all that belong to it; countries narrow them.
 *
 * The event's own probability is what it says, else by CAP's certainty: observed 1, likely 0.75,
 * possible 0.4, unlikely 0.05, unknown 0.5, none 1. For what is inside (not for intensity or wind)
 * CAP's severity says how likely a site within is disrupted: extreme 0.9, severe 0.7, moderate 0.4,
 * minor 0.15, unknown 0.4, none 1. Days a site is out, unless the event says them: by band
 * (inspect 0-1-3, short 3-7-14, long 14-30-90, structural 90-180-365), of areas by the type's days
 * and their half and double. All of these are starting values by judgement, to be shown as such.
 */
int fl_hazard(const struct fl_world_event *event, const struct fl_net *net,
              const struct fl_geo_index *index, const struct fl_grid *grid, int64_t now_us,
              double min_probability, struct fl_arena *arena, struct fl_hits *ret,
              struct fl_err *err) FL_MUST_CHECK;

/* As above, but of cyclones the wind of the profile at the fixes alone: no radii, nothing between.
 * To check against figures that were made so. */
int fl_hazard_by_fixes(const struct fl_world_event *event, const struct fl_net *net,
                       const struct fl_geo_index *index, int64_t now_us, double min_probability,
                       struct fl_arena *arena, struct fl_hits *ret, struct fl_err *err)
    FL_MUST_CHECK;

#endif
