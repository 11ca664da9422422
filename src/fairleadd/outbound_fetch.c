/* One run of a feed, on a thread: fetch it, read it, follow the entries of an index of alerts. What
 * was found is put into a buffer as messages, which the loop sends when core has room. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/time.h"
#include "codec/event_list.h"
#include "codec/feed.h"
#include "fairleadd/outbound.h"
#include "io/fetch.h"

#define LINKS_BYTES ((size_t)512 * 1024)
#define ONE_MAX     ((size_t)1 << 20) /* of an entry that is followed */
#define PART_BYTES  600u /* of a part that is refused: the same part comes with other neighbours */
#define ACCEPT_CAP                                                                                 \
    "Accept: application/cap+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.1"

enum { HTTP_OK = 200, HTTP_SAME = 304 };

struct run {
    struct fl_outbound_fetch *f;
    const char *from; /* URL of what is read */
    struct fl_span body;
    struct fl_buf json;
    struct fl_buf links; /* lv each, not known before */
    uint32_t link_count, left_out;
    bool incomplete; /* what is there was not all taken: no ETag, so that it comes again */
    struct fl_event_map *map;
};

/* ---- what was found ---- */

static int put(struct run *run, enum fl_msg_type type, const void *msg, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf one;
    int r;

    fl_buf_init(&one, FL_MSG_MAX_BYTES);
    r = fl_msg_encode(type, msg, &one, err);
    if (r < 0)
        return r;
    fl_buf_put_u8(&run->f->found, (uint8_t)type);
    fl_buf_put_lv(&run->f->found, fl_buf_span(&one));
    return fl_buf_status(&run->f->found, err);
}

static struct fl_span head_of(struct fl_span s, size_t max)
{
    return fl_span_of(s.ptr, s.len < max ? s.len : max);
}

static int refuse(struct run *run, struct fl_span head, uint64_t bytes, const char *why,
                  struct fl_err *err)
{
    const struct fl_msg_feed_refused msg = {.feed = run->f->msg.feed,
                                            .why = head_of(fl_span_str(why), FL_MSG_TEXT_MAX),
                                            .from = fl_span_str(run->from),
                                            .head = head_of(head, FL_MSG_HEAD_MAX),
                                            .bytes = bytes};

    run->f->end.refused++;
    if (run->f->end.refused > FL_OUTBOUND_REFUSED)
        return FL_OK;
    return put(run, FL_MSG_FEED_REFUSED, &msg, err);
}

static int on_event(void *ctx, const struct fl_world_event *event)
{
    struct run *run = ctx;
    struct fl_msg_feed_event msg = {.feed = run->f->msg.feed};
    bool thinned = false;
    struct fl_err err;
    int r;

    if (atomic_load(&run->f->out->stop))
        return FL_E_AGAIN;
    if (run->f->end.events == FL_OUTBOUND_EVENTS_MAX) {
        run->incomplete = true;
        return FL_E_LIMIT;
    }
    r = fl_outbound_json(event, FL_MSG_EVENT_MAX, &run->json, &thinned, &err);
    if (r == FL_E_LIMIT)
        return refuse(run, event->title, run->json.len, err.text, &err);
    if (r < 0)
        return r;
    msg.json = fl_buf_span(&run->json);
    msg.thinned = thinned;
    run->f->end.events++;
    return put(run, FL_MSG_FEED_EVENT, &msg, &err);
}

static int on_refused(void *ctx, struct fl_span what, const char *why)
{
    struct run *run = ctx;
    const unsigned char *at = what.len == 0 || run->body.len < what.len
                                  ? NULL
                                  : memmem(run->body.ptr, run->body.len, what.ptr, what.len);
    struct fl_span head = what;

    /* What is refused is named; where the name stands in the file tells more. */
    if (at != NULL && what.len < PART_BYTES)
        head = head_of(fl_span_of(at, (size_t)(run->body.ptr + run->body.len - at)), PART_BYTES);
    return refuse(run, head, run->body.len, why, NULL);
}

static int on_link(void *ctx, struct fl_span url)
{
    struct run *run = ctx;

    if (fl_pace_knows(run->f->out->pace, run->f->msg.feed, url))
        return FL_OK;
    if (run->link_count == FL_OUTBOUND_LINKS_MAX) {
        run->left_out++;
        return FL_OK;
    }
    run->link_count++;
    fl_buf_put_lv(&run->links, url);
    return run->links.failed != 0 ? FL_E_LIMIT : FL_OK;
}

/* ---- reading ---- */

static int read_body(struct run *run, struct fl_span body, const char *from, bool follow,
                     struct fl_err *err)
{
    const struct fl_event_sink sink = {
        .event = on_event, .refused = on_refused, .link = follow ? on_link : NULL, .ctx = run};
    struct fl_feed_source source = {.name = run->f->msg.name,
                                    .map = run->map,
                                    .trust = run->f->out->trust,
                                    .received_us = fl_now_us()};

    if (!fl_feed_format_find(run->f->msg.kind, &source.format))
        return fl_err_set(err, FL_E_INVAL, "there is no reader for feeds of the kind %.*s",
                          FL_SPAN_ARG(run->f->msg.kind));
    run->body = body;
    run->from = from;
    return fl_feed_read(&source, body, &sink, err);
}

static int get(struct run *run, struct fl_span url, bool first, struct fl_buf *body,
               struct fl_fetch_got *got, struct fl_err *err)
{
    static const char *const accept_cap[] = {ACCEPT_CAP, NULL};
    const struct fl_msg_fetch *msg = &run->f->msg;
    struct fl_outbound *out = run->f->out;
    const struct fl_fetch_ask ask = {.url = url,
                                     .plain = msg->plain != 0,
                                     .etag = first ? msg->etag : FL_SPAN(""),
                                     .modified = first ? msg->modified : FL_SPAN(""),
                                     .headers =
                                         fl_span_eq(msg->kind, FL_SPAN("cap")) ? accept_cap : NULL,
                                     .timeout_ms = msg->timeout_ms,
                                     .to = &out->to,
                                     .stop = &out->stop};
    struct fl_url parsed;
    int r = fl_url_parse(url, msg->plain != 0, &parsed, err);

    memset(got, 0, sizeof *got);
    if (r < 0)
        return r;
    if (!fl_pace_wait(out->pace, parsed.host, &out->stop))
        return fl_err_set(err, FL_E_AGAIN, "the program is stopping");
    r = fl_fetch(&ask, body, got, err);
    run->f->end.bytes += got->wire_bytes;
    if (got->status != 0)
        run->f->end.status = (uint16_t)got->status;
    if (got->retry_after_s > run->f->end.retry_after_s)
        run->f->end.retry_after_s = got->retry_after_s;
    return r;
}

/* ---- the entries of an index ---- */

static bool same_host(struct fl_span a, struct fl_span b)
{
    struct fl_url ua, ub;

    return fl_url_parse(a, true, &ua, NULL) == FL_OK && fl_url_parse(b, true, &ub, NULL) == FL_OK &&
           strcmp(ua.host, ub.host) == 0 && ua.port == ub.port && ua.tls == ub.tls;
}

/* An alert that is only refused is known as well: it does not become better by itself. */
static int follow_one(struct run *run, struct fl_span link, struct fl_span base, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf url;
    FL_AUTO(fl_buf_done) struct fl_buf body;
    struct fl_fetch_got got;
    struct fl_err why;
    int r;

    fl_buf_init(&url, FL_URL_MAX);
    fl_buf_init(&body, ONE_MAX);
    run->from = (const char *)base.ptr;
    r = fl_url_join(base, link, &url, &why);
    if (r == FL_OK && !same_host(base, fl_buf_span(&url))) {
        fl_pace_learn(run->f->out->pace, run->f->msg.feed, link);
        return refuse(run, link, link.len,
                      "the entry links to another host, which is not followed; make a feed of it "
                      "where it is meant",
                      err);
    }
    if (r == FL_OK)
        r = get(run, fl_buf_span(&url), false, &body, &got, &why);
    if (r == FL_E_AGAIN)
        return fl_err_set(err, r, "%s", why.text);
    if (r == FL_OK && got.status != HTTP_OK)
        r = fl_err_set(&why, FL_E_IO, "the entry answers %d", got.status);
    if (r < 0) {
        run->incomplete = true;
        return refuse(run, link, link.len, why.text, err);
    }
    r = read_body(run, fl_buf_span(&body), got.url, false, &why);
    if (r == FL_E_INVAL || r == FL_E_LIMIT)
        r = refuse(run, fl_buf_span(&body), body.len, why.text, err);
    if (r == FL_OK)
        fl_pace_learn(run->f->out->pace, run->f->msg.feed, link);
    return r;
}

static int follow_all(struct run *run, const char *base, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(fl_buf_span(&run->links));
    int r = FL_OK;

    while (r == FL_OK && fl_cursor_left(&cur) > 0) {
        struct fl_span link = fl_cursor_lv(&cur, FL_MSG_URL_MAX);

        if (cur.failed)
            return fl_err_set(err, FL_E_INVAL, "an entry's link is longer than %u bytes",
                              FL_MSG_URL_MAX);
        r = follow_one(run, link, fl_span_str(base), err);
    }
    if (run->left_out > 0)
        run->incomplete = true;
    return r;
}

/* ---- the run ---- */

static int take_answer(struct run *run, const struct fl_fetch_got *got, struct fl_buf *body,
                       struct fl_err *err)
{
    int r;

    if (got->status == HTTP_SAME && (run->f->msg.etag.len > 0 || run->f->msg.modified.len > 0)) {
        run->f->end.not_modified = 1;
        return FL_OK;
    }
    if (got->status != HTTP_OK)
        return fl_err_set(err, FL_E_IO, "it answers %d", got->status);
    r = read_body(run, fl_buf_span(body), got->url, true, err);
    if (r == FL_E_INVAL || r == FL_E_LIMIT) {
        struct fl_err told;

        if (refuse(run, fl_buf_span(body), body->len, err->text, &told) < 0)
            *err = told;
        return r;
    }
    return r < 0 ? r : follow_all(run, got->url, err);
}

static void keep_text(char *ret, struct fl_span *span, const char *text)
{
    (void)snprintf(ret, FL_MSG_TEXT_MAX + 1, "%s", text);
    *span = fl_span_str(ret);
}

static int run_feed(struct run *run, struct fl_fetch_got *got, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf body;
    const struct fl_msg_fetch *msg = &run->f->msg;
    int r = FL_OK;

    fl_buf_init(&body, msg->max_bytes < FL_FEED_MAX ? (size_t)msg->max_bytes : FL_FEED_MAX);
    if (msg->columns.len > 0)
        r = fl_event_map_new(msg->columns, &run->map, err);
    if (r == FL_OK)
        r = get(run, msg->url, true, &body, got, err);
    if (r == FL_OK)
        r = take_answer(run, got, &body, err);
    fl_event_map_free(run->map);
    return r;
}

void fl_outbound_fetch(struct fl_outbound_fetch *f)
{
    struct run run = {.f = f, .from = ""};
    int64_t begin_us = fl_now_mono_us();
    struct fl_fetch_got got = {.status = 0};
    struct fl_err err = {.code = 0, .text = ""};
    int r;

    fl_buf_init(&run.json, FL_EVENT_JSON_MAX);
    fl_buf_init(&run.links, LINKS_BYTES);
    f->end.feed = f->msg.feed;
    r = run_feed(&run, &got, &err);
    f->end.code = r;
    keep_text(f->text, &f->end.text, r < 0 ? err.text : "");
    /* Without these the next run gets everything again. */
    if (r == FL_OK && f->end.not_modified) {
        f->end.etag = f->msg.etag;
        f->end.modified = f->msg.modified;
    } else if (r == FL_OK && !run.incomplete) {
        keep_text(f->etag, &f->end.etag, got.etag);
        keep_text(f->modified, &f->end.modified, got.modified);
    }
    f->end.elapsed_ms = (uint32_t)((fl_now_mono_us() - begin_us) / 1000);
    fl_buf_done(&run.json);
    fl_buf_done(&run.links);
}
