#include "api/supply_json.h"

#include <math.h>
#include <stdio.h>

#include "base/attr.h"
#include "supply/intensity.h"

#define CIRCLE_POINTS 48
#define KM_PER_DEGREE 111.195
#define POINTS_SHOWN  4000u /* of all rings; longer ones are thinned */

void fl_supply_json_days(struct fl_json *json, const char *key, double days)
{
    fl_json_f64(json, key, days); /* not finite writes null */
}

/* ---- rows ---- */

static void begin_row(struct fl_json *json, enum fl_supply_table table, const char *a,
                      const char *b)
{
    char key[FL_SUPPLY_KEY_MAX + 1];

    (void)snprintf(key, sizeof key, b == NULL ? "%s" : "%s@%s", a, b);
    fl_json_object(json, NULL);
    fl_json_text(json, "table", fl_supply_schemas[table].name);
    fl_json_text(json, "key", key);
}

static void put_item(struct fl_json *json, const struct fl_net *net, uint32_t item)
{
    if (!fl_net_is_product(net, item)) {
        const struct fl_net_part *p = &net->parts[item];

        begin_row(json, FL_SUPPLY_PARTS, p->id, NULL);
        fl_json_text(json, "name", p->name);
        fl_json_f64(json, "stock_units", p->stock_units);
        fl_json_bool(json, "stock_known", p->stock_known);
    } else {
        const struct fl_net_product *p = &net->products[item - net->part_count];

        begin_row(json, FL_SUPPLY_PRODUCTS, p->id, NULL);
        fl_json_text(json, "name", p->name);
        fl_json_f64(json, "demand_per_day", p->demand_per_day);
        fl_json_f64(json, "profit_per_unit", p->profit_per_unit);
        fl_json_f64(json, "revenue_per_unit", p->revenue_per_unit);
        fl_json_f64(json, "stock_units", p->stock_units);
        fl_json_text(json, "currency", p->currency);
    }
    fl_json_end(json);
}

static void put_site(struct fl_json *json, const struct fl_net *net, uint32_t site)
{
    const struct fl_net_site *s = &net->sites[site];

    begin_row(json, FL_SUPPLY_SITES, s->id, NULL);
    fl_json_text(json, "name", s->name);
    fl_json_text(json, "supplier_id",
                 s->supplier == FL_NET_NONE ? NULL : net->suppliers[s->supplier].id);
    fl_json_f64(json, "ttr_days", s->ttr_days);
    fl_json_f64(json, "capacity_per_day", s->capacity_per_day);
    fl_json_text(json, "alternate_site_id",
                 s->alternate == FL_NET_NONE ? NULL : net->sites[s->alternate].id);
    fl_json_f64(json, "bring_up_days", s->bring_up_days);
    fl_json_end(json);
}

static void put_source(struct fl_json *json, const struct fl_net *net, uint32_t source)
{
    const struct fl_net_source *s = &net->sources[source];

    begin_row(json, FL_SUPPLY_PART_SITES, net->parts[s->part].id, net->sites[s->site].id);
    fl_json_f64(json, "share", s->share);
    fl_json_bool(json, "qualified", s->qualified);
    fl_json_f64(json, "bring_up_days", s->bring_up_days);
    fl_json_end(json);
}

static void put_use(struct fl_json *json, const struct fl_net *net, uint32_t use)
{
    const struct fl_net_use *u = &net->uses[use];

    begin_row(json, FL_SUPPLY_BOM, fl_net_item_id(net, u->parent), net->parts[u->part].id);
    fl_json_f64(json, "quantity", u->quantity);
    fl_json_end(json);
}

static void put_missing(struct fl_json *json, const struct fl_net *net,
                        const struct fl_rows_used *used)
{
    uint32_t stock = 0, demand = 0;

    for (uint32_t i = 0; i < used->item_count; i++) {
        uint32_t item = used->items[i];

        if (!fl_net_is_product(net, item))
            stock += !net->parts[item].stock_known;
        else
            demand += !(net->products[item - net->part_count].demand_per_day > 0);
    }
    fl_json_array(json, "rows_missing");
    for (int kind = 0; kind < 2; kind++) {
        uint32_t count = kind == 0 ? stock : demand;
        char text[160];

        if (count == 0)
            continue;
        (void)snprintf(text, sizeof text,
                       kind == 0 ? "%u parts have no stock given: 0 is taken"
                                 : "%u products have no demand given: they lose nothing",
                       count);
        fl_json_object(json, NULL);
        fl_json_text(json, "text", text);
        fl_json_end(json);
    }
    fl_json_end(json);
}

int fl_supply_json_rows(struct fl_json *json, const struct fl_net *net,
                        const struct fl_outage *outages, size_t count, struct fl_arena *arena,
                        struct fl_err *err)
{
    struct fl_rows_used used = {.items = NULL};
    int r = fl_rows_used(net, outages, count, FL_SUPPLY_ROWS_SHOWN, arena, &used, err);

    if (r < 0)
        return r;
    fl_json_array(json, "rows_used");
    for (uint32_t i = 0; i < used.item_count; i++)
        put_item(json, net, used.items[i]);
    for (uint32_t i = 0; i < used.site_count; i++)
        put_site(json, net, used.sites[i]);
    for (uint32_t i = 0; i < used.source_count; i++)
        put_source(json, net, used.sources[i]);
    for (uint32_t i = 0; i < used.use_count; i++)
        put_use(json, net, used.uses[i]);
    fl_json_end(json);
    fl_json_u64(json, "rows_left_out", used.left_out);
    put_missing(json, net, &used);
    return FL_OK;
}

void fl_supply_json_assumptions(struct fl_json *json)
{
    static const char *const texts[] = {
        "The program adds up over the whole outage: no transit times, perfect allocation. It is a "
        "lower bound of the loss.",
        "The share of each source is today's split and does not bind: every qualified source may "
        "deliver up to the capacity of its site.",
        "A part that nobody makes in this network binds nothing.",
        "Stock of a part is shared by all that use it; stock that is not known is 0.",
    };

    fl_json_array(json, "assumptions");
    for (size_t i = 0; i < FL_LEN(texts); i++)
        fl_json_text(json, NULL, texts[i]);
    fl_json_end(json);
}

void fl_supply_json_products(struct fl_json *json, const struct fl_net *net,
                             const struct fl_loss *loss)
{
    fl_json_array(json, "products");
    for (uint32_t i = 0; i < loss->product_count; i++) {
        const struct fl_loss_product *l = &loss->products[i];
        const struct fl_net_product *p = &net->products[l->product];

        fl_json_object(json, NULL);
        fl_json_text(json, "id", p->id);
        fl_json_text(json, "name", p->name);
        fl_json_f64(json, "per_day", p->demand_per_day);
        fl_supply_json_days(json, "tts_days", l->tts_days);
        fl_json_f64(json, "lost_days",
                    p->demand_per_day > 0 ? l->lost_units / p->demand_per_day : NAN);
        fl_json_f64(json, "lost_units", l->lost_units);
        fl_json_f64(json, "loss", l->lost_profit);
        fl_json_f64(json, "revenue", l->lost_revenue);
        fl_json_end(json);
    }
    fl_json_end(json);
}

/* ---- an impact ---- */

static void put_hit(struct fl_json *json, const struct fl_net *net, const struct fl_impact_site *s)
{
    const struct fl_net_site *site = &net->sites[s->hit.site];

    fl_json_object(json, NULL);
    fl_json_text(json, "site", site->id);
    fl_json_text(json, "name", site->name);
    fl_json_text(json, "city", site->city);
    fl_json_text(json, "country", site->country[0] == '\0' ? NULL : site->country);
    fl_json_text(json, "supplier",
                 site->supplier == FL_NET_NONE ? NULL : net->suppliers[site->supplier].id);
    fl_json_text(json, "supplier_name",
                 site->supplier == FL_NET_NONE ? NULL : net->suppliers[site->supplier].name);
    fl_json_f64(json, "lat", site->lat);
    fl_json_f64(json, "lon", site->lon);
    fl_json_f64(json, "distance_km", s->hit.distance_km);
    fl_json_text(json, "measure", fl_measure_name(s->hit.measure));
    fl_json_f64(json, "value", s->hit.value);
    fl_json_f64(json, "sigma", s->hit.sigma);
    fl_json_f64(json, "probability", s->hit.probability);
    fl_json_text(json, "band", s->hit.band);
    fl_json_array(json, "down_days");
    for (unsigned d = 0; d < FL_IMPACT_DAYS; d++)
        fl_json_f64(json, NULL, s->hit.down_days[d]);
    fl_json_end(json);
    fl_json_f64(json, "down_share", s->hit.down_share);
    fl_json_u64(json, "parts", s->parts);
    fl_json_u64(json, "sole_parts", s->sole);
    fl_json_f64(json, "loss", s->loss);
    fl_supply_json_days(json, "stock_days", s->tts_days);
    fl_json_end(json);
}

static void put_parts(struct fl_json *json, const struct fl_net *net, const struct fl_impact *im)
{
    fl_json_array(json, "parts_hit");
    for (uint32_t i = 0; i < im->part_count && i < 1000; i++) {
        const struct fl_net_part *p = &net->parts[im->parts[i]];

        fl_json_object(json, NULL);
        fl_json_text(json, "id", p->id);
        fl_json_text(json, "name", p->name);
        fl_json_text(json, "class", p->class_name);
        fl_json_f64(json, "stock_units", p->stock_known ? p->stock_units : NAN);
        fl_json_end(json);
    }
    fl_json_end(json);
}

void fl_supply_json_impact(struct fl_json *json, const struct fl_net *net,
                           const struct fl_impact *im)
{
    fl_json_array(json, "hits");
    for (uint32_t i = 0; i < im->site_count; i++)
        put_hit(json, net, &im->sites[i]);
    fl_json_end(json);
    fl_json_u64(json, "hits_without_parts", im->hits.count - im->site_count);
    fl_json_array(json, "levels");
    for (uint32_t k = 0; k < im->level_count; k++) {
        const struct fl_impact_level *level = &im->levels[k];

        fl_json_object(json, NULL);
        fl_json_f64(json, "probability", level->probability);
        fl_json_u64(json, "sites", level->sites);
        fl_json_f64(json, "low", level->loss[0]);
        fl_json_f64(json, "likely", level->loss[1]);
        fl_json_f64(json, "high", level->loss[2]);
        fl_json_end(json);
    }
    fl_json_end(json);
    put_parts(json, net, im);
    fl_supply_json_products(json, net, &im->all);
    fl_json_bool(json, "traced", im->traced);
    fl_json_text(json, "formula", im->traced ? fl_impact_traced_formula : fl_impact_formula);
}

/* ---- footprint ---- */

static void put_point(struct fl_json *json, double lat, double lon)
{
    fl_json_array(json, NULL);
    fl_json_f64(json, NULL, lon);
    fl_json_f64(json, NULL, lat);
    fl_json_end(json);
}

static void begin_labelled(struct fl_json *json, const char *kind, const char *label,
                           unsigned level, const char *shape)
{
    fl_json_object(json, NULL);
    fl_json_text(json, "type", "Feature");
    fl_json_object(json, "properties");
    fl_json_text(json, "kind", kind);
    if (label != NULL) {
        fl_json_text(json, "label", label);
        fl_json_u64(json, "level", level);
    }
    fl_json_end(json);
    fl_json_object(json, "geometry");
    fl_json_text(json, "type", shape);
}

static void begin_feature(struct fl_json *json, const char *kind, const char *shape)
{
    begin_labelled(json, kind, NULL, 0, shape);
}

static void end_feature(struct fl_json *json)
{
    fl_json_end(json);
    fl_json_end(json);
}

static void put_ring(struct fl_json *json, const struct fl_event_ring *ring, uint32_t step)
{
    fl_json_array(json, NULL);
    for (uint32_t i = 0; i < ring->count; i += step)
        put_point(json, ring->points[i].lat, ring->points[i].lon);
    if (ring->count > 0)
        put_point(json, ring->points[0].lat, ring->points[0].lon);
    fl_json_end(json);
}

static void put_polygons(struct fl_json *json, const struct fl_world_event *event)
{
    uint32_t points = 0, step;

    for (uint32_t i = 0; i < event->ring_count; i++)
        points += event->rings[i].count;
    step = 1 + points / POINTS_SHOWN;
    for (uint32_t i = 0; i < event->ring_count;) {
        begin_feature(json, "area", "Polygon");
        fl_json_array(json, "coordinates");
        do
            put_ring(json, &event->rings[i++], step);
        while (i < event->ring_count && event->rings[i].hole);
        fl_json_end(json);
        end_feature(json);
    }
}

static void put_circle_ring(struct fl_json *json, double lat, double lon, double radius_km)
{
    double wide = cos(lat * M_PI / 180);

    fl_json_array(json, "coordinates");
    fl_json_array(json, NULL);
    for (int i = 0; i <= CIRCLE_POINTS; i++) {
        double angle = 2 * M_PI * (i % CIRCLE_POINTS) / CIRCLE_POINTS;
        double north = radius_km / KM_PER_DEGREE * cos(angle);
        double east = radius_km / KM_PER_DEGREE * sin(angle) / fmax(wide, 0.05);

        put_point(json, fmax(-90, fmin(90, lat + north)), lon + east);
    }
    fl_json_end(json);
    fl_json_end(json);
}

static void put_circle(struct fl_json *json, const char *kind, double lat, double lon,
                       double radius_km)
{
    begin_feature(json, kind, "Polygon");
    put_circle_ring(json, lat, lon, radius_km);
    end_feature(json);
}

/* Where the shaking of an earthquake is estimated to reach V, VI, VII and VIII. */
static void put_shaking(struct fl_json *json, const struct fl_world_event *event)
{
    static const char *const labels[] = {"V", "VI", "VII", "VIII"};
    double depth_km = isfinite(event->depth_km) ? event->depth_km : FL_QUAKE_DEPTH_KM;

    if (!isfinite(event->magnitude) || event->fix_count > 0)
        return;
    for (unsigned i = 0; i < FL_LEN(labels); i++) {
        double km = fl_mmi_radius_km(event->magnitude, depth_km, 5 + i);

        if (km <= 0)
            break;
        begin_labelled(json, "band", labels[i], i, "Polygon");
        put_circle_ring(json, event->lat, event->lon, km);
        end_feature(json);
    }
}

static void put_track(struct fl_json *json, const struct fl_world_event *event, bool forecast)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < event->fix_count; i++)
        count += event->fixes[i].forecast == forecast;
    if (count == 0)
        return;
    begin_feature(json, forecast ? "forecast" : "track", "LineString");
    fl_json_array(json, "coordinates");
    for (uint32_t i = 0; i < event->fix_count; i++) {
        bool joins = forecast && !event->fixes[i].forecast && i + 1 < event->fix_count &&
                     event->fixes[i + 1].forecast;

        if (event->fixes[i].forecast == forecast || joins)
            put_point(json, event->fixes[i].lat, event->fixes[i].lon);
    }
    fl_json_end(json);
    end_feature(json);
    for (uint32_t i = 0; forecast && i < event->fix_count; i++)
        if (event->fixes[i].forecast && event->fixes[i].error_km > 0)
            put_circle(json, "cone", event->fixes[i].lat, event->fixes[i].lon,
                       event->fixes[i].error_km);
}

void fl_supply_json_footprint(struct fl_json *json, const char *key,
                              const struct fl_world_event *event)
{
    fl_json_object(json, key);
    fl_json_text(json, "type", "FeatureCollection");
    fl_json_array(json, "features");
    put_polygons(json, event);
    for (uint32_t i = 0; i < event->circle_count; i++)
        put_circle(json, "circle", event->circles[i].lat, event->circles[i].lon,
                   event->circles[i].radius_km);
    put_track(json, event, false);
    put_track(json, event, true);
    if (isfinite(event->lat) && isfinite(event->lon)) {
        if (event->radius_km > 0)
            put_circle(json, "circle", event->lat, event->lon, event->radius_km);
        put_shaking(json, event);
        begin_feature(json, "centre", "Point");
        fl_json_array(json, "coordinates");
        fl_json_f64(json, NULL, event->lon);
        fl_json_f64(json, NULL, event->lat);
        fl_json_end(json);
        end_feature(json);
    }
    fl_json_end(json);
    fl_json_end(json);
}
