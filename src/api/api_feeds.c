#include <stdio.h>
#include <string.h>

#include "api/world.h"
#include "codec/event_list.h"

#define PRESET_EVERY_S 900u
#define HEAD_SHOWN     4096u

/* ---- what is shown ---- */

/* "ok", "failing", "waiting" (never looked), "off", "blocked" (the process does not run). */
static const char *state_of(const struct fl_req *req, const struct fl_feed *feed)
{
    const struct fl_conf *conf = req->api->env.conf;

    if (!feed->enabled)
        return "off";
    if (fl_conf_str(conf, FL_SET_OUTBOUND_ALLOW)[0] == '\0')
        return "blocked";
    if (feed->failures > 0)
        return "failing";
    return feed->ok_us == 0 ? "waiting" : "ok";
}

static void put_state(const struct fl_req *req, struct fl_json *json, const struct fl_feed *feed)
{
    const char *state = state_of(req, feed);

    fl_json_text(json, "feed", feed->slug);
    fl_json_text(json, "name", feed->name);
    fl_json_text(json, "kind", feed->kind);
    fl_json_bool(json, "enabled", feed->enabled);
    fl_json_text(json, "state", state);
    fl_json_u64(json, "every_seconds", feed->every_s);
    fl_part_time(json, "last_run", feed->last_us);
    fl_part_time(json, "last_good", feed->ok_us);
    fl_part_time(json, "next_run", feed->enabled ? feed->next_us : 0);
    fl_part_time(json, "failing_since", feed->failing_us);
    fl_json_u64(json, "failures", feed->failures);
    fl_json_text(json, "problem",
                 strcmp(state, "blocked") == 0
                     ? "outbound_allow in fairlead.conf is empty: nothing may be connected to"
                 : feed->problem[0] == '\0' ? NULL
                                            : feed->problem);
}

static void put_feed(const struct fl_req *req, struct fl_json *json, const struct fl_feed *feed)
{
    put_state(req, json, feed);
    fl_json_text(json, "url", feed->url);
    fl_json_bool(json, "plain", feed->plain);
    fl_json_text(json, "columns", feed->columns);
    fl_json_u64(json, "status", feed->status);
    fl_json_u64(json, "runs", feed->runs);
    fl_json_u64(json, "unchanged", feed->unchanged);
    fl_json_u64(json, "events", feed->events);
    fl_json_u64(json, "changes", feed->changes);
    fl_json_u64(json, "refused", feed->refused);
    fl_json_u64(json, "bytes", feed->bytes);
    fl_part_time(json, "created", feed->created_us);
}

/* What an edit must not overlook; runs come and go. */
static struct fl_feed version_of(const struct fl_feed *feed)
{
    struct fl_feed v;

    memset(&v, 0, sizeof v);
    memcpy(v.slug, feed->slug, sizeof v.slug);
    memcpy(v.name, feed->name, sizeof v.name);
    memcpy(v.kind, feed->kind, sizeof v.kind);
    memcpy(v.url, feed->url, sizeof v.url);
    memcpy(v.columns, feed->columns, sizeof v.columns);
    v.plain = feed->plain;
    v.enabled = feed->enabled;
    v.every_s = feed->every_s;
    return v;
}

static void answer(struct fl_req *req, const struct fl_feed *feed, int status)
{
    struct fl_feed v = version_of(feed);

    fl_part_etag(req, &v, sizeof v);
    put_feed(req, fl_req_object(req), feed);
    fl_req_done(req, status);
}

static int list_feed(void *ctx, const struct fl_feed *feed)
{
    struct fl_req *req = ctx;

    fl_json_object(&req->json, NULL);
    put_feed(req, &req->json, feed);
    fl_json_end(&req->json);
    return 0;
}

static int list_state(void *ctx, const struct fl_feed *feed)
{
    struct fl_req *req = ctx;

    fl_json_object(&req->json, NULL);
    put_state(req, &req->json, feed);
    fl_json_end(&req->json);
    return 0;
}

static int list_with(struct fl_req *req, int (*fn)(void *ctx, const struct fl_feed *feed),
                     struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_feeds(req->api->db, page, fn, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

int fl_api_feeds(struct fl_req *req, struct fl_err *err)
{
    return list_with(req, list_feed, err);
}

/* Addresses may hold names of a customer, or keys: they are the operator's to see. */
int fl_api_tenant_feeds(struct fl_req *req, struct fl_err *err)
{
    return list_with(req, list_state, err);
}

/* ---- one feed ---- */

static int take_feed(struct fl_req *req, struct fl_feed *ret, struct fl_err *err)
{
    char slug[FL_SLUG_MAX + 1];

    memset(ret, 0, sizeof *ret);
    if (req->arg[0].len >= sizeof slug)
        return fl_err_set(err, FL_E_NOENT, "there is no such feed");
    (void)snprintf(slug, sizeof slug, "%.*s", FL_SPAN_ARG(req->arg[0]));
    return fl_db_feed_get(req->api->db, slug, ret, err);
}

int fl_api_feed_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_feed feed;
    int r = take_feed(req, &feed, err);

    if (r == FL_OK)
        answer(req, &feed, 200);
    return r;
}

static int check_columns(struct fl_req *req, const struct fl_feed *feed, struct fl_err *err)
{
    struct fl_event_map *map = NULL;
    int r;

    if (feed->columns[0] == '\0')
        return FL_OK;
    r = fl_event_map_new(fl_span_str(feed->columns), &map, err);
    fl_event_map_free(map);
    if (r < 0) {
        req->field = "columns";
        return fl_err_wrap(err, "columns");
    }
    return FL_OK;
}

static int take_settings(struct fl_req *req, struct fl_feed *feed, struct fl_err *err)
{
    uint64_t every = feed->every_s;
    int r = fl_req_text(req, "name", feed->name, sizeof feed->name, err);

    if (r >= 0)
        r = fl_req_text(req, "kind", feed->kind, sizeof feed->kind, err);
    if (r >= 0)
        r = fl_req_text(req, "url", feed->url, sizeof feed->url, err);
    if (r >= 0)
        r = fl_req_text(req, "columns", feed->columns, sizeof feed->columns, err);
    if (r >= 0)
        r = fl_req_bool(req, "plain", &feed->plain, err);
    if (r >= 0)
        r = fl_req_bool(req, "enabled", &feed->enabled, err);
    if (r >= 0)
        r = fl_req_num(req, "every_seconds", FL_FEED_EVERY_MIN_S, FL_FEED_EVERY_MAX_S, &every, err);
    feed->every_s = (uint32_t)every;
    return r < 0 ? r : check_columns(req, feed, err);
}

/* Hosts are allowed in the settings of the machine, not here: say so at once, not in the night. */
static int check_host(struct fl_req *req, struct fl_feed *feed, struct fl_err *err)
{
    struct fl_span allow = fl_span_str(fl_conf_str(req->api->env.conf, FL_SET_OUTBOUND_ALLOW));
    struct fl_url url = {.port = 0};
    int r = fl_feed_check(feed, err);

    if (r == FL_OK)
        r = fl_url_parse(fl_span_str(feed->url), feed->plain, &url, err);
    if (r < 0 || !feed->enabled || fl_hosts_match(allow, url.host, url.port, url.tls ? 443 : 80))
        return r;
    req->field = "url";
    return fl_err_set(
        err, FL_E_INVAL,
        "%s:%u may not be connected to: add it to outbound_allow in fairlead.conf and "
        "start fairleadd again, then enable the feed",
        url.host, (unsigned)url.port);
}

int fl_api_feed_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_feed feed = {.every_s = PRESET_EVERY_S, .created_us = req->api->env.now_us()};
    int r = fl_req_need(req, "feed", feed.slug, sizeof feed.slug, err);

    (void)snprintf(feed.name, sizeof feed.name, "%s", feed.slug);
    if (r == FL_OK)
        r = take_settings(req, &feed, err);
    if (r == FL_OK)
        r = check_host(req, &feed, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_feed_add(req->api->db, &feed, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "feed.add", "", feed.slug,
                          feed.enabled ? "{\"enabled\":true}" : "{\"enabled\":false}", err);
    r = fl_part_end(req, r, err);
    if (r == FL_OK)
        answer(req, &feed, 201);
    return r;
}

/* Another address or reader: what was found out about the old one does not hold. */
static void begin_anew(struct fl_feed *feed, const struct fl_feed *was)
{
    if (strcmp(feed->url, was->url) == 0 && strcmp(feed->kind, was->kind) == 0 &&
        strcmp(feed->columns, was->columns) == 0 && (!feed->enabled || was->enabled))
        return;
    feed->etag[0] = feed->modified[0] = feed->problem[0] = '\0';
    feed->failures = 0;
    feed->failing_us = feed->next_us = 0;
}

int fl_api_feed_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_feed feed, was, v;
    int r = take_feed(req, &feed, err);

    if (r < 0)
        return r;
    was = feed;
    v = version_of(&feed);
    r = fl_part_match(req, &v, sizeof v, err);
    if (r == FL_OK)
        r = take_settings(req, &feed, err);
    if (r == FL_OK)
        r = check_host(req, &feed, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    begin_anew(&feed, &was);
    r = fl_db_feed_set(req->api->db, &feed, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "feed.set", "", feed.slug,
                          feed.enabled ? "{\"enabled\":true}" : "{\"enabled\":false}", err);
    r = fl_part_end(req, r, err);
    if (r == FL_OK)
        answer(req, &feed, 200);
    return r;
}

int fl_api_feed_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_feed feed, v;
    int r = take_feed(req, &feed, err);

    if (r < 0)
        return r;
    v = version_of(&feed);
    r = fl_part_match(req, &v, sizeof v, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_feed_remove(req->api->db, feed.slug, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "feed.remove", "", feed.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_text(fl_req_object(req), "removed", feed.slug);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_feed_run(struct fl_req *req, struct fl_err *err)
{
    struct fl_feed feed;
    int r = take_feed(req, &feed, err);

    if (r < 0)
        return r;
    if (!feed.enabled)
        return fl_req_why(
            req, 409, "feed_off", err,
            "the feed %s is switched off; enable it first, so that it may be connected "
            "to",
            feed.slug);
    r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    feed.next_us = 0;
    r = fl_db_feed_set(req->api->db, &feed, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "feed.run", "", feed.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r == FL_OK)
        answer(req, &feed, 202);
    return r;
}

/* ---- what was refused ---- */

/* What came as it can be shown: control characters are points. */
static struct fl_span shown(struct fl_span head, unsigned char room[HEAD_SHOWN])
{
    size_t len = head.len < HEAD_SHOWN ? head.len : HEAD_SHOWN;

    for (size_t i = 0; i < len; i++)
        room[i] =
            head.ptr[i] < 0x20 && head.ptr[i] != '\n' && head.ptr[i] != '\t' ? '.' : head.ptr[i];
    return fl_span_of(room, len);
}

static int list_refused(void *ctx, const struct fl_db_refused *refused)
{
    struct fl_req *req = ctx;
    unsigned char room[HEAD_SHOWN];

    fl_json_object(&req->json, NULL);
    fl_json_u64(&req->json, "id", refused->id);
    fl_part_time(&req->json, "first", refused->first_us);
    fl_part_time(&req->json, "last", refused->at_us);
    fl_json_u64(&req->json, "count", refused->count);
    fl_json_str(&req->json, "why", refused->why);
    fl_json_str(&req->json, "from", refused->source);
    fl_json_str(&req->json, "head", shown(refused->head, room));
    fl_json_u64(&req->json, "bytes", refused->bytes);
    fl_json_end(&req->json);
    return 0;
}

int fl_api_feed_refused(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    struct fl_feed feed;
    int r = take_feed(req, &feed, err);

    if (r < 0)
        return r;
    r = fl_part_list_begin(req, &page, err);
    if (r == FL_OK)
        r = fl_db_refused(req->api->db, feed.id, page, list_refused, req, &list, err);
    return fl_part_list_end(req, r, &list);
}
