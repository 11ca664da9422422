/* watch.h - for the program around the api: alarms that changed, and answers that wait for news. */
#ifndef FL_API_WATCH_H
#define FL_API_WATCH_H

#include "api/api.h"
#include "model/alarm.h"

/* An alarm changed; what: "raised", "severity", "changed", "cleared", "set". Listeners are told. */
void fl_api_alarm_changed(struct fl_api *api, const struct fl_alarm *alarm, const char *what);
/* About every second: heartbeats of event streams, and devices that somebody waits for. */
void fl_api_watch_tick(struct fl_api *api);

#endif
