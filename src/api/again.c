#include "api/again.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "base/time.h"
#include "db/db_people.h"

#define KEY_MAX_BYTES 128u

static bool is_key(struct fl_span key)
{
    for (size_t i = 0; i < key.len; i++)
        if (key.ptr[i] <= 0x20 || key.ptr[i] > 0x7e)
            return false;
    return key.len > 0 && key.len <= KEY_MAX_BYTES;
}

static void name_caller(const struct fl_req *req, char *ret, size_t size)
{
    const struct fl_caller *c = &req->caller;

    if (c->local)
        (void)snprintf(ret, size, "uid:%" PRIu32, c->uid);
    else if (c->is_token)
        (void)snprintf(ret, size, "token:%" PRIu64, c->session);
    else
        (void)snprintf(ret, size, "user:%" PRIu32, c->user);
}

static void hash_request(const struct fl_req *req, unsigned char ret[32])
{
    const struct fl_span parts[] = {req->call.method, req->call.path, req->call.body};
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, 32);
    for (size_t i = 0; i < FL_LEN(parts); i++) {
        uint64_t len = parts[i].len;

        (void)crypto_generichash_update(&state, (const unsigned char *)&len, sizeof len);
        (void)crypto_generichash_update(&state, parts[i].ptr, parts[i].len);
    }
    (void)crypto_generichash_final(&state, ret, 32);
}

static void fill(const struct fl_req *req, struct fl_again *ret)
{
    struct fl_span key = fl_req_header_in(req, "idempotency-key");

    *ret = (struct fl_again){.at_us = req->api->env.now_us()};
    name_caller(req, ret->caller, sizeof ret->caller);
    (void)snprintf(ret->name, sizeof ret->name, "%.*s", FL_SPAN_ARG(key));
    hash_request(req, ret->request);
}

static int give_again(struct fl_req *req, const struct fl_again *asked, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf body;
    struct fl_again had;
    int r;

    fl_buf_init(&body, FL_DB_AGAIN_MAX_BYTES + 1);
    r = fl_db_again_get(req->api->db, asked->caller, asked->name, &had, &body, err);
    if (r < 0)
        return r;
    if (sodium_memcmp(had.request, asked->request, sizeof had.request) != 0)
        return fl_req_why(req, 422, "key_reused", err,
                          "this Idempotency-Key belongs to another request: take a new one");
    if (had.status == 0)
        return fl_req_why(req, 409, "in_work", err,
                          "the first request with this Idempotency-Key is still in work");
    if (had.secret)
        return fl_req_why(req, 409, "shown_once", err,
                          "this was done, and what it showed is not kept: read what is there, "
                          "and reset or replace what you missed");
    fl_req_header(req, "Idempotency-Replayed", "true");
    fl_req_head(req, (int)had.status, had.type);
    fl_req_piece(req, fl_buf_span(&body));
    fl_req_end(req);
    return 1;
}

int fl_again_begin(struct fl_req *req, struct fl_err *err)
{
    struct fl_span key = fl_req_header_in(req, "idempotency-key");
    struct fl_again again;
    int r;

    if (req->route->verb != FL_VERB_ADD || req->route->object < FL_OBJECT_FIRST ||
        key.ptr == NULL || req->api->db == NULL)
        return 0;
    if (!is_key(key)) {
        req->field = "Idempotency-Key";
        return fl_err_set(err, FL_E_INVAL,
                          "an Idempotency-Key has 1 to %u printable characters without blanks",
                          KEY_MAX_BYTES);
    }
    fill(req, &again);
    r = fl_db_again_begin(req->api->db, &again, again.at_us - FL_US_PER_DAY, err);
    if (r == FL_E_EXISTS)
        return give_again(req, &again, err);
    req->keeps = r == FL_OK;
    return r;
}

void fl_again_end(struct fl_req *req)
{
    struct fl_again again;
    struct fl_err err;

    if (!req->keeps)
        return;
    if (req->kept_status < 200 || req->kept_status > 299 || req->kept.failed != 0) {
        fl_again_drop(req);
        return;
    }
    req->keeps = false;
    fill(req, &again);
    again.status = (uint32_t)req->kept_status;
    again.secret = req->secret;
    (void)snprintf(again.type, sizeof again.type, "%s", req->kept_type);
    if (req->api->db != NULL &&
        fl_db_again_end(req->api->db, &again, fl_buf_span(&req->kept), &err) < 0)
        (void)!fl_db_again_drop(req->api->db, again.caller, again.name, NULL);
}

void fl_again_drop(struct fl_req *req)
{
    struct fl_again again;

    if (!req->keeps)
        return;
    req->keeps = false;
    fill(req, &again);
    if (req->api->db != NULL) /* one that stays goes after a day */
        (void)!fl_db_again_drop(req->api->db, again.caller, again.name, NULL);
}

void fl_again_start(struct fl_api *api)
{
    (void)!fl_db_again_drop(api->db, NULL, NULL, NULL);
}
