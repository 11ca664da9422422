/* supply_json.h - inside api: how things of a network of supply look in JSON. Any thread. */
#ifndef FL_API_SUPPLY_JSON_H
#define FL_API_SUPPLY_JSON_H

#include "codec/json.h"
#include "supply/exposure.h"
#include "supply/impact.h"
#include "supply/rows.h"

#define FL_SUPPLY_ROWS_SHOWN 4000u

/* INFINITY (no exposure) and NAN are null. */
void fl_supply_json_days(struct fl_json *json, const char *key, double days);

/* Arrays `rows_used` [{table, key, ...cells}], `rows_missing` [{text}], and rows_left_out. */
int fl_supply_json_rows(struct fl_json *json, const struct fl_net *net,
                        const struct fl_outage *outages, size_t count, struct fl_arena *arena,
                        struct fl_err *err) FL_MUST_CHECK;
/* Array `assumptions` of the programs. */
void fl_supply_json_assumptions(struct fl_json *json);
/* Array `products` of a loss: {id, name, per_day, tts_days, lost_days, lost_units, loss, revenue}.
 */
void fl_supply_json_products(struct fl_json *json, const struct fl_net *net,
                             const struct fl_loss *loss);
/* Members of an impact: hits, levels, products, formula, footprint is the caller's. */
void fl_supply_json_impact(struct fl_json *json, const struct fl_net *net,
                           const struct fl_impact *im);
/* Object of revenue at risk (revenue.h) when the outages of a loss begin on from_day, with
 * products, formula and the rows it stands on. What cannot be calculated (a currency without a
 * rate) is null, and `problem` says why. arena: for working. */
void fl_supply_json_revenue(struct fl_json *json, const char *key, const struct fl_net *net,
                            const struct fl_loss *loss, int32_t from_day, struct fl_arena *arena);
/* GeoJSON FeatureCollection of where the event is. */
void fl_supply_json_footprint(struct fl_json *json, const char *key,
                              const struct fl_world_event *event);

#endif
