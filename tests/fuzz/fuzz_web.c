/* What web makes of a request for core, and how it cuts events: fields are one line each, events
 * are never torn, and what may wait is bounded. */
#include <stdlib.h>
#include <string.h>

#include "fairleadd/web_events.h"
#include "fairleadd/web_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool fine)
{
    if (!fine)
        abort();
}

static void try_request(struct fl_span bytes)
{
    FL_AUTO(fl_buf_done) struct fl_buf headers;
    FL_AUTO(fl_buf_done) struct fl_buf message;
    struct fl_msg_request msg, back;
    struct fl_http_head head;
    size_t lines = 0;
    int status;

    fl_buf_init(&headers, FL_WEB_HEADERS_MAX);
    fl_buf_init(&message, FL_MSG_MAX_BYTES);
    if (fl_http_read(bytes, 0, &head, &status, NULL) <= 0 ||
        fl_web_request(&head, "192.0.2.1", &headers, &msg, NULL) < 0)
        return;
    for (size_t i = 0; i < msg.headers.len; i++)
        lines += msg.headers.ptr[i] == '\n';
    need(lines <= 16 && (msg.headers.len == 0 || msg.headers.ptr[msg.headers.len - 1] == '\n'));
    need(!fl_span_eq(msg.method, FL_SPAN("HEAD")));
    /* whatever was let through fits the message */
    need(fl_msg_encode(FL_MSG_REQUEST, &msg, &message, NULL) == FL_OK);
    need(fl_msg_decode(FL_MSG_REQUEST, fl_buf_span(&message), &back, NULL) == FL_OK);
    (void)fl_web_place_of(head.path);
}

static void try_events(struct fl_span bytes)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_web_events events;
    size_t at = 0, queued = 0;

    fl_buf_init(&out, FL_WEB_EVENTS_MAX + FL_WEB_EVENT_MAX);
    fl_web_events_init(&events);
    while (at + 1 < bytes.len) {
        size_t len = bytes.ptr[at] % 61;

        queued = (size_t)bytes.ptr[at] * 1100; /* up to 274 KiB */
        at++;
        if (len > bytes.len - at)
            len = bytes.len - at;
        fl_buf_clear(&out);
        fl_web_events_take(&events, fl_span_of(bytes.ptr + at, len), queued, &out);
        at += len;
        need(out.failed == 0);
        need(out.len == 0 || queued + out.len <= FL_WEB_EVENTS_MAX + 128);
        need(out.len < 2 || (out.ptr[out.len - 1] == '\n' && out.ptr[out.len - 2] == '\n') ||
             out.len == 1);
    }
    fl_web_events_done(&events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_span bytes = fl_span_of(data, size);

    try_request(bytes);
    try_events(bytes);
    (void)fl_web_type_of(bytes);
    (void)fl_web_is_hashed(bytes);
    (void)fl_web_flow_of(bytes);
    return 0;
}
