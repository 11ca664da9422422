/* Mail and webhooks of a tenant: what became of them, and the key that webhooks are signed with. */
#include <string.h>

#include "api/world.h"
#include "base/rand.h"
#include "db/db_notice.h"

#define TEXT_BYTES 8000u

static void put_notice(struct fl_json *json, const struct fl_notice *n)
{
    fl_json_u64(json, "id", n->id);
    fl_json_text(json, "kind", n->kind == FL_NOTICE_MAIL ? "mail" : "webhook");
    fl_json_text(json, "about", n->about);
    fl_json_text(json, "to", n->target);
    fl_json_text(json, "subject", n->subject);
    fl_json_text(json, "state", fl_notice_state_name((enum fl_notice_state)n->state));
    fl_part_time(json, "created", n->created_us);
    fl_part_time(json, "next_try", n->state == FL_NOTICE_WAITS ? n->next_us : 0);
    fl_part_time(json, "done", n->done_us);
    fl_json_u64(json, "tries", n->tries);
    fl_json_text(json, "answer", n->answer[0] == '\0' ? NULL : n->answer);
}

static int list_notice(void *ctx, const struct fl_notice *n)
{
    struct fl_req *req = ctx;

    fl_json_object(&req->json, NULL);
    put_notice(&req->json, n);
    fl_json_end(&req->json);
    return 0;
}

/* ---- one of one's own: whether mail and webhooks arrive ---- */

/* What a webhook gets: JSON with the same words. */
static int write_hook(const struct fl_req *req, const struct fl_notice *n, const char *text,
                      struct fl_buf *out, struct fl_err *err)
{
    struct fl_json json;

    fl_json_init(&json, out);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "about", n->about);
    fl_json_text(&json, "tenant", req->tenant.slug);
    fl_json_text(&json, "subject", n->subject);
    fl_json_text(&json, "text", text);
    fl_json_time(&json, "at", n->created_us);
    fl_json_end(&json);
    return fl_buf_status(out, err);
}

static int take_notice(struct fl_req *req, struct fl_notice *n, struct fl_buf *body,
                       struct fl_err *err)
{
    char kind[16], *text = fl_arena_get(&req->arena, TEXT_BYTES);
    int r = text == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for a request")
                         : fl_req_need(req, "kind", kind, sizeof kind, err);

    if (r == FL_OK)
        r = fl_req_need(req, "to", n->target, sizeof n->target, err);
    if (r == FL_OK)
        r = fl_req_need(req, "subject", n->subject, sizeof n->subject, err);
    if (r == FL_OK)
        r = fl_req_need(req, "text", text, TEXT_BYTES, err);
    if (r < 0)
        return r;
    n->kind = strcmp(kind, "mail") == 0      ? FL_NOTICE_MAIL
              : strcmp(kind, "webhook") == 0 ? FL_NOTICE_WEBHOOK
                                             : FL_NOTICE_KINDS;
    if (n->kind == FL_NOTICE_KINDS) {
        req->field = "kind";
        return fl_err_set(err, FL_E_INVAL, "kind is mail or webhook");
    }
    if (n->kind == FL_NOTICE_WEBHOOK)
        return write_hook(req, n, text, body, err);
    fl_buf_put_str(body, text);
    return fl_buf_status(body, err);
}

int fl_api_notice_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_notice n = {
        .tenant = req->tenant.id, .about = "person", .created_us = req->api->env.now_us()};
    FL_AUTO(fl_buf_done) struct fl_buf body;
    int r;

    fl_buf_init(&body, FL_MSG_NOTICE_MAX);
    r = take_notice(req, &n, &body, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_notice_add(req->api->db, &n, fl_buf_span(&body), err);
    if (r == FL_OK)
        r = fl_part_audit(req, "notice.add", req->tenant.slug, n.target, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    put_notice(fl_req_object(req), &n);
    fl_req_done(req, 201);
    return FL_OK;
}

/* ---- what became of them ---- */

int fl_api_notices(struct fl_req *req, struct fl_err *err)
{
    struct fl_span about = fl_req_param(req, "about");
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    struct fl_span word = {NULL, 0};
    int r = fl_part_list_begin(req, &page, err);

    if (about.ptr != NULL)
        word = fl_arena_copy(&req->arena, about);
    if (r == FL_OK)
        r = fl_db_notices(req->api->db, req->tenant.id, (const char *)word.ptr, page, list_notice,
                          req, &list, err);
    return fl_part_list_end(req, r, &list);
}

int fl_api_webhook_key(struct fl_req *req, struct fl_err *err)
{
    char secret[FL_NOTICE_SECRET_LEN + 1] = "";
    int64_t created_us = 0;
    int r = fl_db_webhook_key(req->api->db, req->tenant.id, secret, &created_us, err);

    explicit_bzero(secret, sizeof secret);
    if (r < 0 && r != FL_E_NOENT)
        return r;
    fl_part_time(fl_req_object(req), "created", created_us);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_webhook_key_new(struct fl_req *req, struct fl_err *err)
{
    unsigned char bytes[FL_NOTICE_SECRET_LEN / 2];
    char secret[FL_NOTICE_SECRET_LEN + 1];
    int64_t now_us = req->api->env.now_us();
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    fl_random(bytes, sizeof bytes);
    fl_part_hex(bytes, sizeof bytes, secret);
    r = fl_db_webhook_key_set(req->api->db, req->tenant.id, secret, now_us, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "webhook.key", req->tenant.slug, "", "", err);
    r = fl_part_end(req, r, err);
    if (r == FL_OK) {
        struct fl_json *json = fl_req_object(req);

        req->secret = true;
        fl_part_time(json, "created", now_us);
        fl_json_text(json, "secret", secret);
        fl_req_done(req, 201);
    }
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(secret, sizeof secret);
    return r;
}
