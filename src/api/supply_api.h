/* supply_api.h - inside api: what the files about risks and exposure share; their handlers. */
#ifndef FL_API_SUPPLY_API_H
#define FL_API_SUPPLY_API_H

#include "api/route.h"
#include "db/db_risk.h"

/* One risk as lists have it. */
void fl_risk_put(struct fl_req *req, struct fl_json *json, const char *key,
                 const struct fl_risk *risk);
void fl_risk_streams_tick(struct fl_api *api);

int fl_api_risks(struct fl_req *req, struct fl_err *err);
int fl_api_risk_show(struct fl_req *req, struct fl_err *err);
int fl_api_risk_set(struct fl_req *req, struct fl_err *err);
int fl_api_risk_stream(struct fl_req *req, struct fl_err *err);
int fl_api_risk_precision(struct fl_req *req, struct fl_err *err);
int fl_api_risk_settings(struct fl_req *req, struct fl_err *err);
int fl_api_risk_settings_set(struct fl_req *req, struct fl_err *err);

int fl_api_exposure(struct fl_req *req, struct fl_err *err);
int fl_api_exposure_curve(struct fl_req *req, struct fl_err *err);
int fl_api_supply_graph(struct fl_req *req, struct fl_err *err);
int fl_api_concentration(struct fl_req *req, struct fl_err *err);
int fl_api_simulate(struct fl_req *req, struct fl_err *err);

#endif
