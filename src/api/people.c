#include "api/people.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/gate.h"

_Static_assert(FL_TENANT_GRANT_NETWORK == (int)FL_GRANT_NETWORK, "one number in both");
_Static_assert(FL_TENANT_GRANT_SUPPORT == (int)FL_GRANT_SUPPORT, "one number in both");

/* ---- who ---- */

void fl_people_sign_in_name(const struct fl_user *user, const char *slug, char *ret, size_t size)
{
    bool of_tenant = user->tenant != 0;

    (void)snprintf(ret, size, "%s%s%s", user->name, of_tenant ? "@" : "", of_tenant ? slug : "");
}

void fl_people_caller_name(const struct fl_req *req, char *ret, size_t size)
{
    if (req->caller.local)
        (void)snprintf(ret, size, "uid:%" PRIu32, req->caller.uid);
    else
        (void)snprintf(ret, size, "%s", req->caller.name);
}

/* The owner of a token, or nobody: one that has left lends it nothing. */
static int take_user(struct fl_req *req, uint32_t id, struct fl_user *ret, struct fl_err *err)
{
    int r = fl_db_user_by_id(req->api->db, id, ret, err);

    return r == FL_OK && ret->disabled ? fl_err_set(err, FL_E_NOENT, "the user is disabled") : r;
}

static int meet_token(struct fl_req *req, const struct fl_user *user, struct fl_err *err)
{
    struct fl_token token;
    struct fl_rights rights;
    int r = fl_db_token_by_number(req->api->db, req->caller.session, &token, err);

    if (r == FL_OK)
        r = fl_db_rights_of(req->api->db, user->tenant, token.roles, &rights, err);
    if (r == FL_OK)
        fl_rights_meet(&req->caller.rights, &rights);
    return r;
}

int fl_people_caller(struct fl_req *req, const struct fl_msg_session *session, struct fl_err *err)
{
    struct fl_caller *c = &req->caller;
    struct fl_tenant tenant = {.id = 0};
    struct fl_user user;
    int r = take_user(req, session->user, &user, err);

    if (r == FL_OK && user.tenant != session->tenant)
        r = fl_err_set(err, FL_E_NOENT, "the account is another tenant's");
    if (r == FL_OK && user.tenant != 0)
        r = fl_db_tenant_by_id(req->api->db, user.tenant, &tenant, err);
    if (r < 0)
        return r;
    *c = (struct fl_caller){.session = session->number,
                            .is_token = session->is_token != 0,
                            .user = user.id,
                            .tenant = user.tenant,
                            .scope = session->scope,
                            .reveal_us = session->reveal_us,
                            .reveal_tenant = session->reveal_tenant};
    fl_people_sign_in_name(&user, tenant.slug, c->name, sizeof c->name);
    r = fl_db_rights_of(req->api->db, user.tenant, user.roles, &c->rights, err);
    return r == FL_OK && c->is_token ? meet_token(req, &user, err) : r;
}

int fl_people_arg(struct fl_req *req, const char *noun, char ret[FL_SLUG_MAX + 1],
                  struct fl_err *err)
{
    struct fl_span arg = req->arg[req->args - 1];

    if (arg.len == 0 || arg.len > FL_SLUG_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no %s '%.*s'", noun,
                          (int)(arg.len < 80 ? arg.len : 80), (const char *)arg.ptr);
    memcpy(ret, arg.ptr, arg.len);
    ret[arg.len] = '\0';
    return FL_OK;
}

/* ---- scope: what keys lets an account have ---- */

uint32_t fl_people_scope(const struct fl_rights *rights)
{
    static const struct {
        enum fl_object object;
        uint16_t verbs;
        uint32_t scope;
    } rows[] = {
        {FL_OBJECT_LOGS, 1 << FL_VERB_READ, FL_CAP_READ},
        {FL_OBJECT_LOGS, 1 << FL_VERB_EXPORT, FL_CAP_EXPORT},
        {FL_OBJECT_LOGS, 1 << FL_VERB_PURGE, FL_CAP_READ | FL_CAP_PURGE},
        {FL_OBJECT_PERSONAL, 1 << FL_VERB_REVEAL, FL_CAP_REVEAL},
        {FL_OBJECT_GRANTS, 1 << FL_VERB_ADD | 1 << FL_VERB_REMOVE, FL_SCOPE_GRANT},
        {FL_OBJECT_SITES, 1 << FL_VERB_ADD | 1 << FL_VERB_SET, FL_SCOPE_SETUP},
        {FL_OBJECT_DEVICES, 1 << FL_VERB_ADD | 1 << FL_VERB_SET, FL_SCOPE_SETUP},
        {FL_OBJECT_USERS, 1 << FL_VERB_ADD | 1 << FL_VERB_SET | 1 << FL_VERB_REMOVE, FL_SCOPE_ALL},
        {FL_OBJECT_TOKENS, 1 << FL_VERB_ADD | 1 << FL_VERB_REMOVE, FL_SCOPE_PEOPLE},
    };
    uint32_t scope = 0;

    for (size_t i = 0; i < FL_LEN(rows); i++)
        if ((rights->may[rows[i].object] & rows[i].verbs) != 0)
            scope |= rows[i].scope;
    return scope;
}

uint32_t fl_people_scope_of(struct fl_db *db, uint32_t tenant, const char *roles)
{
    struct fl_rights rights;

    return fl_db_rights_of(db, tenant, roles, &rights, NULL) < 0 ? 0 : fl_people_scope(&rights);
}

uint32_t fl_people_grant_scope(const struct fl_grant *grant, bool demo)
{
    if (grant->kind == FL_TENANT_GRANT_SUPPORT)
        return FL_CAP_READ | FL_CAP_EXPORT | FL_CAP_REVEAL;
    if (!grant->data)
        return FL_SCOPE_SETUP;
    return FL_SCOPE_SETUP | (demo ? FL_SCOPE_DATA : FL_CAP_READ | FL_CAP_EXPORT);
}

/* ---- roles and rights in JSON ---- */

void fl_people_put_roles(struct fl_json *json, const char *roles)
{
    struct fl_span rest = fl_span_str(roles), role;

    fl_json_array(json, "roles");
    while (fl_user_role_next(&rest, &role))
        fl_json_str(json, NULL, role);
    fl_json_end(json);
}

void fl_people_put_rights(struct fl_json *json, const struct fl_rights *rights)
{
    fl_json_object(json, "rights");
    for (int i = FL_OBJECT_FIRST; i < FL_OBJECT_COUNT; i++) {
        if (rights->may[i] == 0)
            continue;
        fl_json_array(json, fl_object_name((enum fl_object)i));
        for (int v = 0; v < FL_VERB_COUNT; v++)
            if (fl_rights_has(rights, (enum fl_object)i, (enum fl_verb)v))
                fl_json_text(json, NULL, fl_verb_name((enum fl_verb)v));
        fl_json_end(json);
    }
    fl_json_end(json);
}

static int not_a_list(struct fl_req *req, const char *name, struct fl_err *err)
{
    req->field = name;
    return fl_err_set(err, FL_E_INVAL, "%s is a list of names, such as [\"viewer\"]", name);
}

int fl_people_take_list(struct fl_req *req, const char *name, char *ret, size_t size,
                        struct fl_err *err)
{
    const json_t *list = json_object_get(req->body, name), *item;
    size_t at = 0, i;

    if (list == NULL || json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return not_a_list(req, name, err);
    memset(ret, 0, size);
    json_array_foreach(list, i, item)
    {
        struct fl_span text = fl_span_of(json_string_value(item), json_string_length(item));

        if (!json_is_string(item) || fl_slug_check(text, name, NULL) < 0 ||
            text.len + 2 > size - at)
            return not_a_list(req, name, err);
        if (at > 0)
            ret[at++] = ',';
        memcpy(ret + at, text.ptr, text.len);
        at += text.len;
    }
    return 1;
}

/* ---- what may be given, and what must stay ---- */

static int may_give(struct fl_req *req, uint32_t tenant, struct fl_span role, struct fl_err *err)
{
    char name[FL_SLUG_MAX + 1];
    struct fl_rights rights;
    int r;

    (void)snprintf(name, sizeof name, "%.*s", FL_SPAN_ARG(role));
    r = fl_db_rights_of(req->api->db, tenant, name, &rights, err);
    if (r == FL_E_NOENT) {
        req->field = "roles";
        return fl_err_set(err, FL_E_INVAL,
                          "there is no role '%s' here; fairlead role list shows "
                          "what there is",
                          name);
    }
    if (r < 0 || req->caller.local || fl_rights_within(&rights, &req->caller.rights) ||
        (fl_role_builtin_find(role, tenant != 0) != NULL &&
         fl_gate_may(req, FL_OBJECT_ROLES, FL_VERB_SET)))
        return r;
    return fl_req_why(req, 403, "right", err,
                      "the role '%s' may more than you: somebody who has its rights can give it",
                      name);
}

int fl_people_may_give(struct fl_req *req, uint32_t tenant, const char *roles, struct fl_err *err)
{
    struct fl_span rest = fl_span_str(roles), role;
    int r = fl_user_roles_check(roles, err);

    if (r < 0)
        req->field = "roles";
    while (r == FL_OK && fl_user_role_next(&rest, &role))
        r = may_give(req, tenant, role, err);
    return r;
}

int fl_people_may_change(struct fl_req *req, const struct fl_user *user, struct fl_err *err)
{
    struct fl_span rest = fl_span_str(user->roles), role;
    int r = FL_OK;

    if (user->id == req->caller.user)
        return FL_OK;
    while (r == FL_OK && fl_user_role_next(&rest, &role))
        r = may_give(req, user->tenant, role, err);
    if (r == FL_E_DENIED)
        return fl_req_why(req, 403, "right", err,
                          "%s may more than you: somebody who has the same rights can do this",
                          user->name);
    return r;
}

void fl_people_words(const struct fl_user *user, char ret[FL_PEOPLE_WORDS_MAX])
{
    (void)snprintf(ret, FL_PEOPLE_WORDS_MAX, "%s\n%s\n%s", user->name, user->display_name,
                   user->email);
}

bool fl_people_is_admin(const struct fl_user *user)
{
    struct fl_span rest = fl_span_str(user->roles), role;

    while (fl_user_role_next(&rest, &role)) {
        const struct fl_role_builtin *builtin = fl_role_builtin_find(role, user->tenant != 0);

        if (builtin != NULL && builtin->admin)
            return true;
    }
    return false;
}

struct others {
    uint32_t but;
    unsigned admins;
};

static int count_other(void *ctx, const struct fl_user *user)
{
    struct others *o = ctx;

    o->admins += user->id != o->but && !user->disabled && fl_people_is_admin(user);
    return 0;
}

int fl_people_check_last(struct fl_req *req, const struct fl_user *user, struct fl_err *err)
{
    struct others o = {.but = user->id};
    int r = fl_db_users(req->api->db, user->tenant, (struct fl_db_page){NULL, 0}, count_other, &o,
                        NULL, err);

    if (r < 0 || o.admins > 0)
        return r;
    return fl_req_why(req, 409, "last_admin", err,
                      "%s is the last administrator here: make somebody else one first",
                      user->name);
}

/* ---- asking keys ---- */

static bool on_told(struct fl_req *req, const struct fl_answer_in *in)
{
    int (*then)(struct fl_req * req, struct fl_err * err) = req->then;
    struct fl_err err;

    if ((in->type != FL_MSG_ACCOUNT && fl_answer_take(in, FL_MSG_DONE, NULL, &err) < 0) ||
        then(req, &err) < 0)
        fl_req_fail(req, &err);
    return false;
}

int fl_people_tell(struct fl_req *req, enum fl_msg_type type, const void *msg, int64_t timeout_ms,
                   int (*then)(struct fl_req *req, struct fl_err *err), struct fl_err *err)
{
    req->then = then;
    return fl_ask(req, FL_ROLE_KEYS, type, msg, timeout_ms, on_told, NULL, err);
}
