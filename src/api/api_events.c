#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/parts.h"
#include "trust/audit.h"

int fl_part_audit(struct fl_req *req, const char *event, const char *tenant, const char *object,
                  const char *detail, struct fl_err *err)
{
    char actor[32];
    struct fl_audit_event entry = {
        .at_us = req->api->env.now_us(),
        .event = fl_span_str(event),
        .tenant = fl_span_str(tenant),
        .object = fl_span_str(object),
        .detail = fl_span_str(detail),
    };
    int r;

    if (req->caller.is_token)
        (void)snprintf(actor, sizeof actor, "token:%" PRIu64, req->caller.session);
    else
        (void)snprintf(actor, sizeof actor, "%s:%" PRIu32, req->caller.local ? "uid" : "user",
                       req->caller.local ? req->caller.uid : req->caller.user);
    entry.actor = fl_span_str(actor);
    if (req->api->audit == NULL)
        return fl_err_set(err, FL_E_AGAIN, "the record of security events is not open");
    r = fl_audit_record(req->api->audit, &entry, NULL, err);
    return r < 0 ? fl_err_wrap(err, "this could not be recorded, so it was not done") : FL_OK;
}

/* ---- security events ---- */

struct lines {
    struct fl_buf *out;
    uint64_t count;
};

/* Entries are JSON objects already; they go out as they stand, hash and all. */
static int put_line(void *ctx, uint64_t number, struct fl_span line)
{
    struct lines *l = ctx;

    (void)number;
    if (l->count++ > 0)
        fl_buf_put_u8(l->out, ',');
    fl_buf_put_span(l->out, line);
    return 0;
}

int fl_api_events(struct fl_req *req, struct fl_err *err)
{
    unsigned char hash[FL_AUDIT_HASH_BYTES];
    struct fl_audit *audit = req->api->audit;
    struct lines lines = {.out = &req->out};
    uint64_t limit = 100, after = 0, last, next = 0;
    struct fl_json *json;
    char text[24];
    int r, given;

    if (audit == NULL)
        return fl_err_set(err, FL_E_AGAIN, "the record of security events is not open");
    last = fl_audit_last(audit, hash);
    r = fl_req_param_num(req, "limit", 1, FL_LIST_LIMIT_MAX, &limit, err);
    if (r < 0)
        return r;
    given = fl_req_param_num(req, "after", 0, UINT64_MAX, &after, err);
    if (given < 0)
        return given;
    if (given == 0) /* the newest */
        after = last > limit ? last - limit : 0;
    json = fl_req_object(req);
    fl_json_array(json, "items");
    r = fl_audit_read(audit, after, (uint32_t)limit, put_line, &lines, &next, err);
    if (r < 0)
        return r;
    fl_json_end(json);
    fl_json_u64(json, "total", last);
    (void)snprintf(text, sizeof text, "%" PRIu64, next);
    fl_json_text(json, "next", next == 0 ? NULL : text);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- refused senders ---- */

static int put_rogue(void *ctx, const struct fl_rogue *rogue)
{
    static const unsigned char none[sizeof rogue->fingerprint];
    struct fl_json *json = ctx;
    char hex[65];

    fl_part_hex(rogue->fingerprint, sizeof rogue->fingerprint, hex);
    fl_json_object(json, NULL);
    fl_part_time(json, "at", rogue->at_us);
    fl_part_time(json, "first_at", rogue->first_us);
    fl_json_text(json, "fingerprint",
                 memcmp(rogue->fingerprint, none, sizeof none) == 0 ? NULL : hex);
    fl_json_text(json, "subject", rogue->subject);
    fl_json_text(json, "address", rogue->address);
    fl_json_text(json, "reason", rogue->reason);
    fl_json_text(json, "listener", rogue->listener);
    fl_json_u64(json, "count", rogue->count);
    fl_json_end(json);
    return 0;
}

int fl_api_rogues(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_rogues(req->api->db, page, put_rogue, &req->json, &list, err);
    return fl_part_list_end(req, r, &list);
}
