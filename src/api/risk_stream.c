/* Who listens to risks as they change. */
#include <inttypes.h>
#include <stdio.h>

#include "api/desk.h"
#include "api/sse.h"
#include "api/supply_api.h"
#include "base/time.h"

#define STREAM_US                                                                                  \
    (300 * FL_US_PER_S) /* then the browser comes again, and shows who it is again                 \
                         */
#define STREAMS_MAX  512u
#define STREAM_BYTES ((uint64_t)256 * 1024) /* that may wait for somebody who does not read */

struct fl_risk_stream {
    struct fl_risk_stream *next;
    struct fl_req *req;
    uint32_t tenant;
    int64_t begun_us, beat_us; /* monotonic */
    uint64_t waiting;          /* bytes not taken */
};

static void stream_gone(void *state)
{
    struct fl_risk_stream *s = state, **at = &s->req->api->risk_streams;

    while (*at != NULL && *at != s)
        at = &(*at)->next;
    if (*at == s)
        *at = s->next;
}

static void stream_taken(struct fl_req *req, uint64_t bytes)
{
    struct fl_risk_stream *s = req->state;

    s->waiting -= bytes < s->waiting ? bytes : s->waiting;
}

int fl_api_risk_stream(struct fl_req *req, struct fl_err *err)
{
    struct fl_risk_stream *s = fl_arena_get(&req->arena, sizeof *s);
    unsigned count = 0;

    for (const struct fl_risk_stream *other = req->api->risk_streams; other != NULL;
         other = other->next)
        count++;
    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    if (count >= STREAMS_MAX)
        return fl_err_set(err, FL_E_AGAIN, "%u listen to risks already; try again later", count);
    *s = (struct fl_risk_stream){.next = req->api->risk_streams,
                                 .req = req,
                                 .tenant = req->tenant.id,
                                 .begun_us = fl_now_mono_us(),
                                 .beat_us = fl_now_mono_us()};
    req->state = s;
    req->state_free = stream_gone;
    req->taken = stream_taken;
    req->api->risk_streams = s;
    fl_sse_begin(req);
    if (fl_req_header_in(req, "last-event-id").len > 0) /* what was in between is in the list */
        fl_sse_event(req, FL_SPAN(""), "reload", FL_SPAN("{}"));
    return FL_OK;
}

static void leave(struct fl_risk_stream *s, const char *code, const char *reason)
{
    stream_gone(s);
    fl_sse_end(s->req, code, reason, true);
}

void fl_api_risk_changed(struct fl_api *api, const struct fl_risk *risk, const char *what)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_risk_stream *next;
    char id[24];

    fl_buf_init(&text, 32768);
    (void)snprintf(id, sizeof id, "%" PRId64, api->env.now_us());
    for (struct fl_risk_stream *s = api->risk_streams; s != NULL; s = next) {
        struct fl_json json;

        next = s->next;
        if (s->tenant != risk->tenant)
            continue;
        fl_buf_clear(&text);
        fl_json_init(&json, &text);
        fl_json_object(&json, NULL);
        fl_json_text(&json, "what", what);
        fl_risk_put(s->req, &json, "risk", risk);
        fl_json_end(&json);
        if (text.failed != 0 || s->waiting + text.len > STREAM_BYTES) {
            leave(s, "slow", "too much waited to be read; read the list again");
            continue;
        }
        s->waiting += text.len;
        fl_sse_event(s->req, fl_span_str(id), "risk", fl_buf_span(&text));
    }
}

void fl_risk_streams_tick(struct fl_api *api)
{
    int64_t now_us = fl_now_mono_us();
    struct fl_risk_stream *next;

    for (struct fl_risk_stream *s = api->risk_streams; s != NULL; s = next) {
        next = s->next;
        if (now_us - s->begun_us >= STREAM_US) {
            leave(s, "again", "the stream goes on when you come again");
        } else if (now_us - s->beat_us >= FL_SSE_BEAT_US) {
            s->beat_us = now_us;
            fl_sse_beat(s->req);
        }
    }
}
