#include "fairleadd/web_events.h"

#include <inttypes.h>
#include <string.h>

void fl_web_events_init(struct fl_web_events *e)
{
    memset(e, 0, sizeof *e);
    fl_buf_init(&e->part, FL_WEB_EVENT_MAX);
}

void fl_web_events_done(struct fl_web_events *e)
{
    fl_buf_done(&e->part);
}

void fl_web_events_tell(struct fl_web_events *e, size_t queued, struct fl_buf *out)
{
    if (e->dropped == 0 || queued + out->len > FL_WEB_EVENTS_MAX / 2)
        return;
    fl_buf_printf(out, "event: dropped\ndata: {\"events\":%" PRIu64 "}\n\n", e->dropped);
    e->dropped = 0;
}

static void drop(struct fl_web_events *e)
{
    e->dropped++;
    e->dropped_all++;
}

static void pass(struct fl_web_events *e, struct fl_span event, size_t queued, struct fl_buf *out)
{
    bool comment = event.len > 0 && event.ptr[0] == ':';

    fl_web_events_tell(e, queued, out);
    if (e->dropped > 0 || queued + out->len + event.len > FL_WEB_EVENTS_MAX) {
        if (!comment) /* a heartbeat is no loss */
            drop(e);
        return;
    }
    fl_buf_put_span(out, event);
    e->sent_all += !comment;
}

/* How many bytes of piece belong to the event that is open, its end included; 0: the end is not in
 * it. before: the byte in front of piece, 0 when there is none. */
static size_t end_of_event(struct fl_span piece, unsigned char before)
{
    for (size_t i = 0; i < piece.len; i++) {
        if (piece.ptr[i] == '\n' && before == '\n')
            return i + 1;
        before = piece.ptr[i];
    }
    return 0;
}

static unsigned char last_byte(const struct fl_web_events *e)
{
    if (e->skipping)
        return e->last;
    return e->part.len == 0 ? 0 : e->part.ptr[e->part.len - 1];
}

static void keep_part(struct fl_web_events *e, struct fl_span piece)
{
    if (!e->skipping)
        fl_buf_put_span(&e->part, piece);
    if (e->part.failed != 0) {
        drop(e);
        e->skipping = true;
        fl_buf_clear(&e->part);
    }
    e->last = piece.ptr[piece.len - 1];
}

void fl_web_events_take(struct fl_web_events *e, struct fl_span piece, size_t queued,
                        struct fl_buf *out)
{
    while (piece.len > 0) {
        size_t n = end_of_event(piece, last_byte(e));
        struct fl_span head = fl_span_of(piece.ptr, n == 0 ? piece.len : n);

        if (n == 0 || e->part.len > 0 || e->skipping)
            keep_part(e, head);
        if (n > 0 && !e->skipping)
            pass(e, e->part.len > 0 ? fl_buf_span(&e->part) : head, queued, out);
        if (n > 0) {
            e->skipping = false;
            fl_buf_clear(&e->part);
        }
        piece = fl_span_of(piece.ptr + head.len, piece.len - head.len);
    }
    if (e->part.len == 0 && e->part.cap > 4096)
        fl_buf_done(&e->part);
}
