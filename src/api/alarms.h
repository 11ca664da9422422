/* alarms.h - inside api: what the files about alarms, searches and the overview share. */
#ifndef FL_API_ALARMS_H
#define FL_API_ALARMS_H

#include "api/route.h"
#include "model/alarm.h"

/* One alarm; tenant: its slug, NULL: the instance. */
void fl_alarm_put(struct fl_json *json, const char *key, const struct fl_alarm *alarm,
                  const char *tenant);
/* The caller's name, as histories show it. */
void fl_alarm_who(const struct fl_req *req, char *ret, size_t size);
void fl_alarms_tick(struct fl_api *api); /* heartbeats of streams */
void fl_firsts_tick(struct fl_api *api); /* api_first.c: devices that somebody waits for */

int fl_api_alarms(struct fl_req *req, struct fl_err *err);
int fl_api_alarm_show(struct fl_req *req, struct fl_err *err);
int fl_api_alarm_set(struct fl_req *req, struct fl_err *err);
int fl_api_alarm_history(struct fl_req *req, struct fl_err *err);
int fl_api_alarm_stream(struct fl_req *req, struct fl_err *err);
int fl_api_searches(struct fl_req *req, struct fl_err *err);
int fl_api_search_add(struct fl_req *req, struct fl_err *err);
int fl_api_search_show(struct fl_req *req, struct fl_err *err);
int fl_api_search_set(struct fl_req *req, struct fl_err *err);
int fl_api_search_remove(struct fl_req *req, struct fl_err *err);
int fl_api_search_run(struct fl_req *req, struct fl_err *err);
int fl_api_overview(struct fl_req *req, struct fl_err *err);
int fl_api_device_first(struct fl_req *req, struct fl_err *err);

#endif
