/*
 * simulate_json.h - a simulation's figures and plans as JSON, the same for the command line and the
 * API; plans and a table of rates of one's own from text.
 */
#ifndef FL_SUPPLY_SIMULATE_JSON_H
#define FL_SUPPLY_SIMULATE_JSON_H

#include "codec/json.h"
#include "supply/plan.h"

/* Members of an object that the caller opened: years, seed, currency, mean, p50 ... cvar95,
 * confidence, exceedance, sites, types, formula, assumptions. */
void fl_sim_write(struct fl_json *json, const struct fl_net *net, const struct fl_sim_spec *spec,
                  const struct fl_sim_result *result);
/* "plans": [...], "by": "program" or "daily". */
void fl_compare_write(struct fl_json *json, const struct fl_compare *c,
                      const struct fl_plan_result *plans, uint32_t count);

/*
 * A table of rates as CSV with the columns of data/event_rates.csv, in any order; lines that begin
 * with '#' first. FL_E_INVAL names line and column. In arena.
 */
int fl_event_rates_read(struct fl_span text, struct fl_arena *arena, struct fl_event_rate **ret,
                        uint32_t *ret_count, struct fl_err *err) FL_MUST_CHECK;

#endif
