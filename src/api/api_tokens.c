/* API tokens: the secret is keys' and shown once; the name and the roles are kept here. */
#include <stdio.h>
#include <string.h>

#include "api/gate.h"
#include "api/people.h"
#include "base/time.h"

#define DAYS_MAX ((uint64_t)(FL_TOKEN_MAX_US / FL_US_PER_DAY))

static void put_token(struct fl_req *req, const struct fl_token *t)
{
    struct fl_json *json = &req->json;
    struct fl_user user;

    fl_json_u64(json, "id", t->id);
    fl_json_text(json, "name", t->name);
    fl_json_text(json, "user",
                 fl_db_user_by_id(req->api->db, t->user, &user, NULL) == FL_OK ? user.name : NULL);
    fl_people_put_roles(json, t->roles);
    fl_part_time(json, "expires", t->until_us);
    fl_part_time(json, "created", t->created_us);
}

/* ---- the list: keys is asked for each owner when its tokens were last used ---- */

#define OWNERS_MAX 64u /* whose tokens are looked after; others show no last use */
#define USED_MAX   512u

struct used {
    uint32_t owner[OWNERS_MAX];
    size_t owners, count;
    struct {
        uint64_t number;
        int64_t last_us;
    } token[USED_MAX];
};

static int note_owner(void *ctx, const struct fl_token *token)
{
    struct used *used = ctx;

    for (size_t i = 0; i < used->owners; i++)
        if (used->owner[i] == token->user)
            return 0;
    if (used->owners < OWNERS_MAX)
        used->owner[used->owners++] = token->user;
    return 0;
}

static int list_one(void *ctx, const struct fl_token *token)
{
    struct fl_req *req = ctx;
    const struct used *used = req->state;
    int64_t last_us = 0;

    for (size_t i = 0; i < used->count; i++)
        if (used->token[i].number == token->number)
            last_us = used->token[i].last_us;
    fl_json_object(&req->json, NULL);
    put_token(req, token);
    fl_part_time(&req->json, "last_used", last_us);
    fl_json_end(&req->json);
    return 0;
}

static int put_list(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_tokens(req->api->db, req->tenant.id, page, list_one, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

static void one_less(struct fl_req *req)
{
    struct fl_err err;

    if (--req->waiting == 0 && put_list(req, &err) < 0)
        fl_req_fail(req, &err);
}

static bool on_used(struct fl_req *req, const struct fl_answer_in *in)
{
    struct used *used = req->state;
    struct fl_msg_session s;

    if (in->type == FL_MSG_SESSION) {
        if (fl_msg_decode(in->type, in->payload, &s, NULL) == FL_OK && s.is_token != 0 &&
            used->count < USED_MAX) {
            used->token[used->count].number = s.number;
            used->token[used->count++].last_us = s.last_us;
        }
        return true;
    }
    one_less(req); /* a failure too: the list is there without it */
    return false;
}

int fl_api_tokens(struct fl_req *req, struct fl_err *err)
{
    struct used *used = fl_arena_get(&req->arena, sizeof *used);
    struct fl_db_page page = {.limit = 0};
    struct fl_err why;
    int r = fl_part_page(req, &page, err);

    if (r < 0)
        return r;
    if (used == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    used->owners = used->count = 0;
    r = fl_db_tokens(req->api->db, req->tenant.id, page, note_owner, used, NULL, err);
    if (r < 0)
        return r;
    req->state = used;
    req->waiting = 1;
    for (size_t i = 0; i < used->owners; i++) {
        struct fl_msg_sessions_ask ask = {.user = used->owner[i]};

        if (fl_ask(req, FL_ROLE_KEYS, FL_MSG_SESSIONS_ASK, &ask, FL_ASK_MS, on_used, NULL, &why) ==
            FL_OK)
            req->waiting++;
    }
    one_less(req);
    return FL_OK;
}

/* ---- another ---- */

static int take_owner(struct fl_req *req, uint32_t *ret, struct fl_err *err)
{
    char name[FL_SLUG_MAX + 1];
    struct fl_user user;
    int r = fl_req_text(req, "user", name, sizeof name, err);

    if (r < 0)
        return r;
    if (r == 0 && (req->caller.local || req->caller.tenant != req->tenant.id))
        return fl_req_missing(req, "user", err);
    if (r == 0) {
        *ret = req->caller.user;
        return FL_OK;
    }
    r = fl_db_user_get(req->api->db, req->tenant.id, name, &user, err);
    if (r < 0) {
        req->field = "user";
        return r;
    }
    *ret = user.id;
    if (req->caller.local || user.id == req->caller.user ||
        fl_gate_may(req, FL_OBJECT_USERS, FL_VERB_SET))
        return FL_OK;
    return fl_req_why(req, 403, "right", err,
                      "a token for somebody else needs the right to change "
                      "users");
}

static int take_end(struct fl_req *req, int64_t *ret_us, struct fl_err *err)
{
    int64_t now_us = req->api->env.now_us();
    char text[64];
    uint64_t days = (uint64_t)(FL_TOKEN_US / FL_US_PER_DAY);
    int r = fl_req_num(req, "days", 1, DAYS_MAX, &days, err);

    *ret_us = now_us + (int64_t)days * FL_US_PER_DAY;
    if (r != 0)
        return r < 0 ? r : FL_OK;
    r = fl_req_text(req, "expires", text, sizeof text, err);
    if (r <= 0)
        return r;
    if (fl_time_parse(fl_span_str(text), ret_us) && *ret_us > now_us &&
        *ret_us <= now_us + FL_TOKEN_MAX_US)
        return FL_OK;
    req->field = "expires";
    return fl_err_set(err, FL_E_INVAL,
                      "expires is a time within the next %llu days, such as 2027-01-31T00:00:00Z",
                      (unsigned long long)DAYS_MAX);
}

static int store(struct fl_req *req, struct fl_token *t, struct fl_err *err)
{
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_db_token_add(req->api->db, t, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "token.add", req->tenant.slug, t->name, "", err);
    return fl_part_end(req, r, err);
}

/* Without a name it is nobody's: keys forgets it. */
static void take_back(struct fl_req *req, uint64_t number)
{
    struct fl_msg_session_end msg = {.by_uid = UINT32_MAX, .number = number};

    (void)fl_api_send(req->api, FL_ROLE_KEYS, FL_MSG_SESSION_END, FL_API_ID_FIRST, &msg);
}

static void answer_new(struct fl_req *req, const struct fl_token *t, struct fl_span secret)
{
    req->secret = true;
    fl_req_header(req, "Cache-Control", "no-store");
    (void)fl_req_object(req);
    put_token(req, t);
    fl_json_null(&req->json, "last_used");
    fl_json_str(&req->json, "token", secret);
    fl_req_done(req, 201);
}

static bool on_new(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_token *t = req->state;
    struct fl_msg_session s;
    struct fl_err err;

    if (fl_answer_take(in, FL_MSG_SESSION, &s, &err) < 0) {
        fl_req_fail(req, &err);
        return false;
    }
    t->number = s.number;
    t->until_us = s.until_us;
    if (store(req, t, &err) == FL_OK) {
        answer_new(req, t, s.token);
    } else {
        take_back(req, s.number);
        fl_req_fail(req, &err);
    }
    return false;
}

/* The name is looked for before keys makes a secret; the table's own rule holds in the end. */
static int check_name(struct fl_req *req, const struct fl_token *t, struct fl_err *err)
{
    struct fl_token other;
    int r = fl_user_name_check(fl_span_str(t->name), err);

    if (r < 0) {
        req->field = "name";
        return r;
    }
    r = fl_db_token_get(req->api->db, t->tenant, t->name, &other, NULL);
    if (r == FL_OK)
        return fl_err_set(err, FL_E_EXISTS, "the token '%s' exists already", t->name);
    return r == FL_E_NOENT ? FL_OK : fl_err_set(err, r, "the control database does not answer");
}

int fl_api_token_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_token *t = fl_arena_get(&req->arena, sizeof *t);
    struct fl_msg_token_new msg = {.by = req->caller.session, .by_uid = req->caller.uid};
    int r;

    if (t == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    memset(t, 0, sizeof *t);
    t->tenant = req->tenant.id;
    t->created_us = req->api->env.now_us();
    req->state = t;
    if (req->caller.is_token) /* else one that is known to somebody would never end */
        return fl_req_why(req, 403, "refused", err, "a token does not make tokens");
    r = fl_req_need(req, "name", t->name, sizeof t->name, err);
    if (r == FL_OK)
        r = check_name(req, t, err);
    if (r == FL_OK)
        r = fl_people_take_list(req, "roles", t->roles, sizeof t->roles, err);
    if (r == 0)
        r = fl_req_missing(req, "roles", err);
    if (r > 0)
        r = fl_people_may_give(req, t->tenant, t->roles, err);
    if (r == FL_OK)
        r = take_owner(req, &t->user, err);
    if (r == FL_OK)
        r = take_end(req, &t->until_us, err);
    if (r < 0)
        return r;
    msg.user = t->user;
    msg.tenant = t->tenant;
    msg.scope = fl_people_scope_of(req->api->db, t->tenant, t->roles) & ~FL_SCOPE_GRANT;
    msg.until_us = t->until_us;
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_TOKEN_NEW, &msg, FL_ASK_MS, on_new, NULL, err);
}

/* ---- an end ---- */

static int removed(struct fl_req *req, struct fl_err *err)
{
    const struct fl_token *t = req->state;
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_db_token_remove(req->api->db, t->id, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "token.remove", req->tenant.slug, t->name, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_text(fl_req_object(req), "removed", t->name);
    fl_req_done(req, 200);
    return FL_OK;
}

/* One that is over already is not there at keys any more. */
static bool on_end(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_err err;

    if (in->type == FL_MSG_NONE && in->err->code != FL_E_NOENT)
        fl_req_fail(req, in->err);
    else if (removed(req, &err) < 0)
        fl_req_fail(req, &err);
    return false;
}

int fl_api_token_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_token *t = fl_arena_get(&req->arena, sizeof *t);
    struct fl_msg_session_end msg = {.by = req->caller.session, .by_uid = req->caller.uid};
    char name[FL_SLUG_MAX + 1];
    int r;

    if (t == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    r = fl_people_arg(req, "token", name, err);
    if (r == FL_OK)
        r = fl_db_token_get(req->api->db, req->tenant.id, name, t, err);
    if (r < 0)
        return r;
    req->state = t;
    msg.number = t->number;
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_SESSION_END, &msg, FL_ASK_MS, on_end, NULL, err);
}
