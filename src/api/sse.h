/*
 * sse.h - inside api: event streams (text/event-stream), as browsers read them: `id:`, `event:`,
 * `data:` and comments as heartbeats.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
#ifndef FL_API_SSE_H
#define FL_API_SSE_H

#include "api/route.h"

#define FL_SSE_TYPE    "text/event-stream"
#define FL_SSE_BEAT_US (INT64_C(15) * 1000000)

/* Does the caller ask for one? */
bool fl_sse_wanted(const struct fl_req *req);
/* Head of the stream, with how long a browser waits before it comes again. */
void fl_sse_begin(struct fl_req *req);
/* One event; id or name "" are left out. data is one line. */
void fl_sse_event(struct fl_req *req, struct fl_span id, const char *name, struct fl_span data);
void fl_sse_beat(struct fl_req *req);
/* The event `end` with its reason (and whether coming again makes sense), then the end. */
void fl_sse_end(struct fl_req *req, const char *code, const char *reason, bool again);

#endif
