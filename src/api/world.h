/* world.h - inside api: feeds and the events that they, and people, tell of. */
#ifndef FL_API_WORLD_H
#define FL_API_WORLD_H

#include "api/parts.h"
#include "db/db_event.h"

/* ---- api_feeds.c ---- */
int fl_api_feeds(struct fl_req *req, struct fl_err *err);
int fl_api_feed_add(struct fl_req *req, struct fl_err *err);
int fl_api_feed_show(struct fl_req *req, struct fl_err *err);
int fl_api_feed_set(struct fl_req *req, struct fl_err *err);
int fl_api_feed_remove(struct fl_req *req, struct fl_err *err);
int fl_api_feed_run(struct fl_req *req, struct fl_err *err);
int fl_api_feed_refused(struct fl_req *req, struct fl_err *err);
int fl_api_tenant_feeds(struct fl_req *req, struct fl_err *err); /* state alone */

/* ---- api_events_world.c ---- */
int fl_api_event_types(struct fl_req *req, struct fl_err *err);
int fl_api_world_events(struct fl_req *req, struct fl_err *err);
int fl_api_world_event_add(struct fl_req *req, struct fl_err *err);
int fl_api_world_event_show(struct fl_req *req, struct fl_err *err);
int fl_api_world_event_set(struct fl_req *req, struct fl_err *err);
int fl_api_world_event_withdraw(struct fl_req *req, struct fl_err *err);
int fl_api_world_event_history(struct fl_req *req, struct fl_err *err);

/* ---- api_notices.c ---- */
int fl_api_notices(struct fl_req *req, struct fl_err *err);
int fl_api_notice_add(struct fl_req *req, struct fl_err *err);
int fl_api_webhook_key(struct fl_req *req, struct fl_err *err);
int fl_api_webhook_key_new(struct fl_req *req, struct fl_err *err); /* shown once */

#endif
