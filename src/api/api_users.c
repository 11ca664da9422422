/* Users of the operator and of tenants: core keeps who they are, keys how they sign in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/gate.h"
#include "api/people.h"

/* ---- a user in JSON, with what keys knows of the account ---- */

static void put_account(struct fl_json *json, const struct fl_msg_account *a)
{
    bool own = a->has_password != 0 && a->temporary == 0;

    fl_json_bool(json, "totp", a->totp != 0);
    fl_json_bool(json, "temporary", a->temporary != 0);
    fl_part_time(json, "locked_until", a->locked_us);
    fl_part_time(json, "password_expires", own ? a->changed_us + FL_PASSWORD_AGE_US : 0);
    fl_part_time(json, "last_sign_in", a->last_us);
    fl_json_u64(json, "sessions", a->sessions);
}

static void put_user(struct fl_req *req, const struct fl_user *u, const struct fl_msg_account *a)
{
    struct fl_json *json = &req->json;
    char name[2 * FL_SLUG_MAX + 2];

    fl_people_sign_in_name(u, req->tenant.slug, name, sizeof name);
    fl_json_u64(json, "id", u->id);
    fl_json_text(json, "name", u->name);
    fl_json_text(json, "sign_in", name);
    fl_json_text(json, "display_name", u->display_name);
    fl_json_text(json, "email", u->email);
    fl_json_text(json, "department", u->department[0] == '\0' ? NULL : u->department);
    fl_people_put_roles(json, u->roles);
    fl_json_bool(json, "disabled", u->disabled);
    fl_json_bool(json, "totp_required", u->totp_required);
    fl_part_time(json, "created", u->created_us);
    put_account(json, a);
}

static const struct fl_msg_account no_account;

/* ---- the list: a page of users with the accounts that keys tells of ---- */

struct listing {
    struct fl_req *req;
    struct fl_msg_account *account; /* owned */
    size_t count, room;
};

static void listing_free(void *state)
{
    struct listing *l = state;

    if (l != NULL)
        free(l->account);
    free(l);
}

static void note_account(struct listing *l, const struct fl_msg_account *account)
{
    struct fl_msg_account *grown;
    size_t room = l->room == 0 ? 64 : 2 * l->room;

    if (l->count == l->room) {
        grown = l->room >= FL_ACCOUNTS_MAX ? NULL : realloc(l->account, room * sizeof *grown);
        if (grown == NULL)
            return; /* that user is shown without what keys knows */
        l->account = grown;
        l->room = room;
    }
    l->account[l->count] = *account;
    l->account[l->count++].password = FL_SPAN("");
}

static const struct fl_msg_account *account_of(const struct listing *l, uint32_t user)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->account[i].user == user)
            return &l->account[i];
    return &no_account;
}

static int list_one(void *ctx, const struct fl_user *user)
{
    struct listing *l = ctx;

    fl_json_object(&l->req->json, NULL);
    put_user(l->req, user, account_of(l, user->id));
    fl_json_end(&l->req->json);
    return 0;
}

static int put_list(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_users(req->api->db, req->tenant.id, page, list_one, req->state, &list, err);
    return fl_part_list_end(req, r, &list);
}

static bool on_accounts(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_account account;
    struct fl_err err;

    if (in->type == FL_MSG_ACCOUNT) {
        if (fl_msg_decode(in->type, in->payload, &account, NULL) == FL_OK &&
            account.tenant == req->tenant.id)
            note_account(req->state, &account);
        return true;
    }
    if (in->type == FL_MSG_NONE)
        fl_req_fail(req, in->err);
    else if (put_list(req, &err) < 0)
        fl_req_fail(req, &err);
    return false;
}

int fl_api_users(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_account_ask ask = {.user = 0};
    struct listing *l = calloc(1, sizeof *l);

    if (l == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    l->req = req;
    req->state = l;
    req->state_free = listing_free;
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_ACCOUNT_ASK, &ask, FL_ASK_MS, on_accounts, NULL, err);
}

/* ---- one ---- */

/* A user in work: as it is, as it shall be; in the request's arena. */
struct change {
    struct fl_user was, user;
};

static int find_user(struct fl_req *req, struct fl_user *ret, struct fl_err *err)
{
    char name[FL_SLUG_MAX + 1];
    int r = fl_people_arg(req, "user", name, err);

    return r < 0 ? r : fl_db_user_get(req->api->db, req->tenant.id, name, ret, err);
}

static int begin(struct fl_req *req, struct change **ret, struct fl_err *err)
{
    struct change *c = fl_arena_get(&req->arena, sizeof *c);

    if (c == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    memset(c, 0, sizeof *c); /* all of it: rows are hashed */
    req->state = c;
    *ret = c;
    return FL_OK;
}

/* ... with the user whom the path names, and whom the caller may change. */
static int begin_change(struct fl_req *req, struct change **ret, struct fl_err *err)
{
    int r = begin(req, ret, err);

    if (r == FL_OK)
        r = find_user(req, &(*ret)->was, err);
    if (r < 0)
        return r;
    memcpy(&(*ret)->user, &(*ret)->was, sizeof(*ret)->user);
    return fl_people_may_change(req, &(*ret)->was, err);
}

/* The user as the database has it now, with the account; password only where one was made. */
static int answer(struct fl_req *req, const struct fl_msg_account *a, int status,
                  struct fl_err *err)
{
    const struct change *c = req->state;
    struct fl_user user;
    int r = fl_db_user_by_id(req->api->db, c->user.id, &user, err);

    if (r < 0)
        return r;
    fl_part_etag(req, &user, sizeof user);
    (void)fl_req_object(req);
    put_user(req, &user, a);
    if (a->password.len > 0) {
        req->secret = true;
        fl_req_header(req, "Cache-Control", "no-store");
        fl_json_str(&req->json, "password", a->password);
    }
    fl_req_done(req, status);
    return FL_OK;
}

/* 0 and *ret when keys answered with the account; else the request is answered. */
static int take_account(struct fl_req *req, const struct fl_answer_in *in,
                        struct fl_msg_account *ret)
{
    struct fl_err err;
    int r = fl_answer_take(in, FL_MSG_ACCOUNT, ret, &err);

    if (r < 0)
        fl_req_fail(req, &err);
    return r;
}

static bool on_shown(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_account account;
    struct fl_err err;

    if (in->type == FL_MSG_DONE) /* behind the account */
        return false;
    if (in->type == FL_MSG_NONE && in->err->code == FL_E_NOENT) {
        if (answer(req, &no_account, 200, &err) < 0)
            fl_req_fail(req, &err);
    } else if (take_account(req, in, &account) == FL_OK && answer(req, &account, 200, &err) < 0) {
        fl_req_fail(req, &err);
    }
    return false;
}

int fl_api_user_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_account_ask ask;
    struct change *c = NULL;
    int r = begin(req, &c, err);

    if (r == FL_OK)
        r = find_user(req, &c->user, err);
    if (r < 0)
        return r;
    ask.user = c->user.id;
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_ACCOUNT_ASK, &ask, FL_ASK_MS, on_shown, NULL, err);
}

/* ---- what a body may change ---- */

static int check_department(struct fl_req *req, const struct fl_user *u, struct fl_err *err)
{
    struct fl_department department;
    int r;

    if (u->department[0] == '\0')
        return FL_OK;
    r = fl_db_department_get(req->api->db, u->tenant, u->department, &department, err);
    if (r == FL_E_NOENT) {
        req->field = "department";
        return fl_err_set(err, FL_E_INVAL,
                          "there is no department '%s'; fairlead tenant "
                          "department shows what there is",
                          u->department);
    }
    return r;
}

static int take_fields(struct fl_req *req, struct fl_user *u, struct fl_err *err)
{
    int roles, r = fl_req_text(req, "display_name", u->display_name, sizeof u->display_name, err);

    if (r >= 0)
        r = fl_req_text(req, "email", u->email, sizeof u->email, err);
    if (r >= 0)
        r = fl_req_text(req, "department", u->department, sizeof u->department, err);
    if (r >= 0)
        r = fl_req_bool(req, "disabled", &u->disabled, err);
    if (r >= 0)
        r = fl_req_bool(req, "totp_required", &u->totp_required, err);
    if (r < 0)
        return r;
    roles = fl_people_take_list(req, "roles", u->roles, sizeof u->roles, err);
    r = roles < 0 ? roles : fl_user_check(u, err);
    if (r == FL_OK)
        r = check_department(req, u, err);
    if (r == FL_OK && roles > 0)
        r = fl_people_may_give(req, u->tenant, u->roles, err);
    return r;
}

/* ---- keys first: what it refuses is not stored ---- */

static int set_account(struct fl_req *req, const struct fl_user *u,
                       bool (*fn)(struct fl_req *req, const struct fl_answer_in *in),
                       struct fl_err *err)
{
    char words[FL_PEOPLE_WORDS_MAX];
    struct fl_msg_account_set msg = {
        .by = req->caller.session,
        .by_uid = req->caller.uid,
        .user = u->id,
        .tenant = u->tenant,
        .scope = fl_people_scope_of(req->api->db, u->tenant, u->roles),
        .totp_required = u->totp_required,
        .disabled = u->disabled,
    };

    fl_people_words(u, words);
    msg.words = fl_span_str(words);
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_ACCOUNT_SET, &msg, FL_ASK_MS, fn, NULL, err);
}

static int reset_account(struct fl_req *req, uint8_t what,
                         bool (*fn)(struct fl_req *req, const struct fl_answer_in *in),
                         struct fl_err *err)
{
    const struct change *c = req->state;
    struct fl_msg_account_reset msg = {
        .by = req->caller.session, .by_uid = req->caller.uid, .user = c->user.id, .what = what};

    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_ACCOUNT_RESET, &msg, FL_ASK_HASH_MS, fn, NULL, err);
}

/* ---- another user ---- */

static void take_back(struct fl_req *req)
{
    const struct change *c = req->state;

    if (req->api->db != NULL) /* one that stays has no password, and can be removed */
        (void)!fl_db_user_remove(req->api->db, c->user.id, NULL);
    fl_people_check(req->api);
}

static bool on_added(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_account account;
    struct fl_err err;

    if (take_account(req, in, &account) < 0)
        take_back(req);
    else if (answer(req, &account, 201, &err) < 0)
        fl_req_fail(req, &err);
    return false;
}

static bool on_made(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_account account;
    struct fl_err err;

    if (take_account(req, in, &account) < 0) {
        take_back(req);
    } else if (reset_account(req, FL_RESET_PASSWORD, on_added, &err) < 0) {
        take_back(req);
        fl_req_fail(req, &err);
    }
    return false;
}

static int store_new(struct fl_req *req, struct fl_user *u, struct fl_err *err)
{
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_db_user_add(req->api->db, u, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "user.add", req->tenant.slug, u->name, "", err);
    return fl_part_end(req, r, err);
}

int fl_api_user_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_user *u;
    struct change *c = NULL;
    int r = begin(req, &c, err);

    if (r < 0)
        return r;
    u = &c->user;
    u->tenant = req->tenant.id;
    u->created_us = req->api->env.now_us();
    u->totp_required = u->tenant == 0;
    r = fl_req_need(req, "name", u->name, sizeof u->name, err);
    (void)snprintf(u->display_name, sizeof u->display_name, "%s", u->name);
    if (r == FL_OK)
        r = take_fields(req, u, err);
    if (r == FL_OK)
        r = store_new(req, u, err);
    if (r < 0)
        return r;
    r = set_account(req, u, on_made, err);
    if (r < 0)
        take_back(req);
    return r;
}

/* ---- a change ---- */

/* Between the question to keys and its answer somebody else may have changed the same user. */
static int check_same(struct fl_req *req, const struct change *c, struct fl_err *err)
{
    char was[FL_ETAG_TEXT], is[FL_ETAG_TEXT];
    struct fl_user now;
    int r = fl_db_user_by_id(req->api->db, c->was.id, &now, err);

    if (r < 0)
        return r;
    fl_part_etag_text(&c->was, sizeof c->was, was);
    fl_part_etag_text(&now, sizeof now, is);
    if (strcmp(was, is) == 0)
        return FL_OK;
    return fl_req_why(req, 409, "changed", err, "somebody changed this user at the same time");
}

static int check_admin(struct fl_req *req, const struct change *c, struct fl_err *err)
{
    bool was = fl_people_is_admin(&c->was) && !c->was.disabled;
    bool is = fl_people_is_admin(&c->user) && !c->user.disabled;

    return was && !is ? fl_people_check_last(req, &c->was, err) : FL_OK;
}

static int store_change(struct fl_req *req, const struct change *c, struct fl_err *err)
{
    int r = check_same(req, c, err);

    if (r == FL_OK)
        r = check_admin(req, c, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_user_set(req->api->db, &c->user, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "user.set", req->tenant.slug, c->user.name, "", err);
    return fl_part_end(req, r, err);
}

static bool on_changed(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_account account;
    struct fl_err err;
    int r;

    if (take_account(req, in, &account) < 0)
        return false;
    r = store_change(req, req->state, &err);
    if (r < 0)
        fl_people_check(req->api); /* the account goes back to what is stored */
    if (r == FL_OK)
        r = answer(req, &account, 200, &err);
    if (r < 0)
        fl_req_fail(req, &err);
    return false;
}

int fl_api_user_set(struct fl_req *req, struct fl_err *err)
{
    struct change *c = NULL;
    int r = begin_change(req, &c, err);

    if (r == FL_OK)
        r = fl_part_match(req, &c->was, sizeof c->was, err);
    if (r == FL_OK)
        r = take_fields(req, &c->user, err);
    if (r == FL_OK)
        r = check_admin(req, c, err);
    return r < 0 ? r : set_account(req, &c->user, on_changed, err);
}

/* ---- a user leaves ---- */

static int removed(struct fl_req *req, struct fl_err *err)
{
    const struct change *c = req->state;
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = fl_db_user_remove(req->api->db, c->was.id, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "user.remove", req->tenant.slug, c->was.name, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0) {
        fl_people_check(req->api);
        return r;
    }
    fl_json_text(fl_req_object(req), "removed", c->was.name);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_user_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_account_remove msg = {.by = req->caller.session, .by_uid = req->caller.uid};
    struct change *c = NULL;
    int r = begin_change(req, &c, err);

    if (r == FL_OK)
        r = fl_part_match(req, &c->was, sizeof c->was, err);
    if (r < 0)
        return r;
    c->user.disabled = true; /* who leaves is no administrator any more */
    r = check_admin(req, c, err);
    if (r < 0)
        return r;
    msg.user = c->was.id;
    return fl_people_tell(req, FL_MSG_ACCOUNT_REMOVE, &msg, FL_ASK_MS, removed, err);
}

/* ---- a password that was forgotten, a telephone that was lost ---- */

static int take_what(struct fl_req *req, uint8_t *ret, struct fl_err *err)
{
    static const struct {
        const char *name;
        uint8_t bit;
    } words[] = {{"password", FL_RESET_PASSWORD}, {"totp", FL_RESET_TOTP}, {"lock", FL_RESET_LOCK}};
    char list[64];
    struct fl_span rest, word;
    int r = fl_people_take_list(req, "what", list, sizeof list, err);

    if (r <= 0)
        return r < 0 ? r : fl_req_missing(req, "what", err);
    for (rest = fl_span_str(list); fl_user_role_next(&rest, &word);) {
        size_t i = 0;

        while (i < FL_LEN(words) && !fl_span_eq(word, fl_span_str(words[i].name)))
            i++;
        if (i == FL_LEN(words)) {
            req->field = "what";
            return fl_err_set(err, FL_E_INVAL, "what is a list of password, totp, lock");
        }
        *ret |= words[i].bit;
    }
    return *ret != 0 ? FL_OK : fl_req_missing(req, "what", err);
}

static bool on_reset(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_account account;
    struct fl_err err;

    if (take_account(req, in, &account) == FL_OK && answer(req, &account, 200, &err) < 0)
        fl_req_fail(req, &err);
    return false;
}

int fl_api_user_reset(struct fl_req *req, struct fl_err *err)
{
    struct change *c = NULL;
    uint8_t what = 0;
    char detail[32];
    int r = begin_change(req, &c, err);

    if (r == FL_OK)
        r = take_what(req, &what, err);
    if (r < 0)
        return r;
    (void)snprintf(detail, sizeof detail, "{\"what\":%u}", what);
    r = fl_part_record(req, "user.reset", req->tenant.slug, c->user.name, detail, err);
    return r < 0 ? r : reset_account(req, what, on_reset, err);
}

static int sessions_ended(struct fl_req *req, struct fl_err *err)
{
    const struct change *c = req->state;

    (void)err;
    fl_json_text(fl_req_object(req), "signed_out", c->user.name);
    fl_req_done(req, 200);
    return FL_OK;
}

int fl_api_user_sign_out(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_session_end msg = {.by = req->caller.session, .by_uid = req->caller.uid};
    struct change *c = NULL;
    int r = begin_change(req, &c, err);

    if (r == FL_OK)
        r = fl_part_record(req, "user.sign_out", req->tenant.slug, c->user.name, "", err);
    if (r < 0)
        return r;
    msg.user = c->user.id;
    return fl_people_tell(req, FL_MSG_SESSION_END, &msg, FL_ASK_MS, sessions_ended, err);
}
