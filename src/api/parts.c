#include "api/parts.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

/* A path argument as a NUL-terminated text; longer ones name nothing. */
static bool arg_text(const struct fl_req *req, size_t i, char *ret)
{
    if (req->arg[i].len == 0 || req->arg[i].len > FL_SLUG_MAX)
        return false;
    memcpy(ret, req->arg[i].ptr, req->arg[i].len);
    ret[req->arg[i].len] = '\0';
    return true;
}

/* FL_E_NOENT with where to look; other failures as they are. */
static int look_in(struct fl_err *err, int r, const char *what, struct fl_span name,
                   const char *list)
{
    if (r != FL_E_NOENT)
        return r;
    return fl_err_set(err, FL_E_NOENT, "there is no %s '%.*s'; fairlead %s shows what there is",
                      what, (int)(name.len < 80 ? name.len : 80), (const char *)name.ptr, list);
}

int fl_part_site(struct fl_req *req, struct fl_site *ret, struct fl_err *err)
{
    char slug[FL_SLUG_MAX + 1];
    int r = FL_E_NOENT;

    if (arg_text(req, 1, slug))
        r = fl_db_site_get(req->api->db, req->tenant.id, slug, ret, err);
    return look_in(err, r, "site", req->arg[1], "site list");
}

int fl_part_device(struct fl_req *req, struct fl_device *ret, struct fl_err *err)
{
    char slug[FL_SLUG_MAX + 1];
    int r = FL_E_NOENT;

    if (arg_text(req, 1, slug))
        r = fl_db_device_get(req->api->db, req->tenant.id, slug, ret, err);
    return look_in(err, r, "device", req->arg[1], "device list");
}

int fl_part_page(struct fl_req *req, struct fl_db_page *ret, struct fl_err *err)
{
    struct fl_span after = fl_req_param(req, "after");
    uint64_t limit = 100;
    int r = fl_req_param_num(req, "limit", 1, FL_LIST_LIMIT_MAX, &limit, err);

    if (r < 0)
        return r;
    ret->limit = (uint32_t)limit;
    ret->after = after.ptr == NULL ? NULL : (const char *)after.ptr; /* decoded: has its NUL */
    return FL_OK;
}

int fl_part_list_begin(struct fl_req *req, struct fl_db_page *ret, struct fl_err *err)
{
    int r = fl_part_page(req, ret, err);

    if (r == FL_OK)
        fl_json_array(fl_req_object(req), "items");
    return r;
}

int fl_part_list_end(struct fl_req *req, int r, const struct fl_db_list *list)
{
    if (r < 0)
        return r;
    fl_json_end(&req->json);
    fl_json_u64(&req->json, "total", list->total);
    fl_json_text(&req->json, "next", list->next[0] == '\0' ? NULL : list->next);
    fl_req_done(req, 200);
    return FL_OK;
}

void fl_part_changed(struct fl_req *req, unsigned what)
{
    req->api->env.changed(req->api->env.ctx, what);
}

int fl_part_begin(struct fl_req *req, struct fl_err *err)
{
    return fl_db_begin(req->api->db, err);
}

int fl_part_end(struct fl_req *req, int r, struct fl_err *err)
{
    if (r == FL_OK)
        return fl_db_commit(req->api->db, err);
    fl_db_rollback(req->api->db);
    return r;
}

int fl_part_record(struct fl_req *req, const char *event, const char *tenant, const char *object,
                   const char *detail, struct fl_err *err)
{
    int r = fl_part_begin(req, err);

    if (r == FL_OK)
        r = fl_part_end(req, fl_part_audit(req, event, tenant, object, detail, err), err);
    return r;
}

int fl_part_match(struct fl_req *req, const void *row, size_t size, struct fl_err *err)
{
    struct fl_span want = fl_req_header_in(req, "if-match");
    char tag[FL_ETAG_TEXT];

    fl_part_etag_text(row, size, tag);
    if (want.len == 0 || fl_span_eq(want, FL_SPAN("*")) || fl_span_eq(want, fl_span_str(tag)))
        return FL_OK;
    return fl_req_why(req, 412, "changed", err,
                      "somebody changed this meanwhile: read it again, then decide again");
}

void fl_part_etag(struct fl_req *req, const void *row, size_t size)
{
    char tag[FL_ETAG_TEXT];

    fl_part_etag_text(row, size, tag);
    fl_req_header(req, "ETag", "%s", tag);
}

void fl_part_etag_text(const void *row, size_t size, char ret[FL_ETAG_TEXT])
{
    unsigned char hash[FL_ETAG_BYTES];

    (void)crypto_generichash(hash, sizeof hash, row, size, NULL, 0);
    ret[0] = '"';
    fl_part_hex(hash, sizeof hash, ret + 1);
    ret[2 * FL_ETAG_BYTES + 1] = '"';
    ret[2 * FL_ETAG_BYTES + 2] = '\0';
}

void fl_part_hex(const unsigned char *bytes, size_t len, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * len] = '\0';
}

void fl_part_time(struct fl_json *json, const char *key, int64_t us)
{
    if (us == 0)
        fl_json_null(json, key);
    else
        fl_json_time(json, key, us);
}

void fl_part_day(struct fl_json *json, const char *key, int32_t day)
{
    char text[16];

    if (day == INT32_MIN) {
        fl_json_null(json, key);
        return;
    }
    fl_day_format(day, text);
    fl_json_text(json, key, text);
}

void fl_part_purged(struct fl_json *json, const struct fl_msg_purged *purged)
{
    fl_json_u64(json, "rows", purged->rows);
    fl_json_u64(json, "bytes", purged->bytes);
    fl_json_u64(json, "segments", purged->segments);
    fl_json_u64(json, "days", purged->days);
    fl_json_u64(json, "files", purged->files);
    fl_json_u64(json, "keys", purged->keys);
    fl_json_u64(json, "epoch", purged->epoch);
    fl_json_str(json, "root_kind", purged->root_kind);
}

void fl_part_live(struct fl_req *req, struct fl_json *json, uint32_t tenant, const char *device)
{
    const struct fl_live_device *live = fl_live_device(req->api->env.live, tenant, device);
    static const struct fl_live_device never = {.open = 0};
    const struct fl_counters *c;
    uint64_t done;

    if (live == NULL)
        live = &never;
    c = &live->counters;
    done = c->total[FL_COUNT_ACCEPTED] + c->total[FL_COUNT_LOST];
    fl_json_object(json, "live");
    fl_part_time(json, "last_at", c->last_us);
    if (c->last_us == 0)
        fl_json_null(json, "lag_us");
    else
        fl_json_i64(json, "lag_us", req->api->env.now_us() - c->last_us);
    fl_json_i64(json, "skew_us", c->skew_us);
    fl_json_u64(json, "open", live->open);
    fl_json_u64(
        json, "in_flight",
        live->open == 0 || c->total[FL_COUNT_LINES] < done ? 0 : c->total[FL_COUNT_LINES] - done);
    for (int i = 0; i < FL_COUNTS; i++)
        fl_json_u64(json, fl_count_name((enum fl_count)i), c->total[i]);
    fl_json_i64(json, "gap_us", c->gap_us);
    fl_json_end(json);
}

/* ---- capabilities ---- */

static const char how_to_grant[] =
    "the logs of tenant %.63s are not open to the operator at this machine; the tenant's grant is "
    "given by: fairlead tenant set %.63s --local-access 8h";

static bool on_cap(struct fl_req *req, const struct fl_answer_in *in)
{
    const char *slug = req->tenant.slug;
    struct fl_msg_cap msg;
    struct fl_err err;

    int r = fl_answer_take(in, FL_MSG_CAP, &msg, &err);

    if (r == FL_E_DENIED && req->caller.local)
        fl_req_problem(req, 403, "no_grant", how_to_grant, slug, slug);
    else if (r == FL_E_DENIED)
        fl_req_problem(req, 403, "no_grant", "%s", err.text);
    else if (r < 0 || req->with_cap(req, msg.cap, &err) < 0)
        fl_req_fail(req, &err);
    return false;
}

int fl_part_cap(struct fl_req *req, uint32_t scope, const char *purpose,
                int (*then)(struct fl_req *req, struct fl_span cap, struct fl_err *err),
                struct fl_err *err)
{
    struct fl_msg_cap_ask ask = {.tenant = req->tenant.id,
                                 .scope = scope,
                                 .purpose = fl_span_str(purpose),
                                 .uid = req->caller.uid,
                                 .session = req->caller.session};

    req->with_cap = then;
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_CAP_ASK, &ask, FL_ASK_MS, on_cap, NULL, err);
}
