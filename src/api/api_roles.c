/* Roles: those that come with the program, and those that are made of one's own rights. */
#include <stdio.h>
#include <string.h>

#include "api/gate.h"
#include "api/people.h"

static void put_builtin(struct fl_json *json, const struct fl_role_builtin *role)
{
    struct fl_rights rights = {{0}};

    if (fl_rights_parse(fl_span_str(role->rights), &rights, NULL) < 0)
        return; /* the tests see to it that it parses */
    fl_json_text(json, "id", role->name);
    fl_json_text(json, "name", role->name);
    fl_json_bool(json, "builtin", true);
    fl_json_text(json, "about", role->about);
    fl_people_put_rights(json, &rights);
}

static void put_role(struct fl_json *json, const struct fl_role_row *role)
{
    struct fl_rights rights = {{0}};

    fl_json_text(json, "id", role->name);
    fl_json_text(json, "name", role->name);
    fl_json_bool(json, "builtin", false);
    fl_json_null(json, "about");
    if (fl_rights_parse(fl_span_str(role->rights), &rights, NULL) == FL_OK)
        fl_people_put_rights(json, &rights);
    fl_part_time(json, "created", role->created_us);
}

static int list_one(void *ctx, const struct fl_role_row *role)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    put_role(json, role);
    fl_json_end(json);
    return 0;
}

/* Those of the program stand on the first page, beside its limit. */
int fl_api_roles(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    bool of_tenant = req->tenant.id != 0;
    struct fl_db_list list = {.total = 0};
    struct fl_json *json = &req->json;
    uint64_t builtins = 0;
    int r = fl_part_list_begin(req, &page, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < fl_roles_builtin_count; i++) {
        if (fl_roles_builtin[i].of_tenant != of_tenant)
            continue;
        builtins++;
        if (page.after != NULL && *page.after != '\0')
            continue;
        fl_json_object(json, NULL);
        put_builtin(json, &fl_roles_builtin[i]);
        fl_json_end(json);
    }
    r = fl_db_roles(req->api->db, req->tenant.id, page, list_one, json, &list, err);
    list.total += builtins;
    return fl_part_list_end(req, r, &list);
}

int fl_api_role_show(struct fl_req *req, struct fl_err *err)
{
    const struct fl_role_builtin *builtin;
    char name[FL_SLUG_MAX + 1];
    struct fl_role_row role;
    int r = fl_people_arg(req, "role", name, err);

    if (r < 0)
        return r;
    builtin = fl_role_builtin_find(fl_span_str(name), req->tenant.id != 0);
    if (builtin == NULL)
        r = fl_db_role_get(req->api->db, req->tenant.id, name, &role, err);
    if (r < 0)
        return r;
    if (builtin == NULL)
        fl_part_etag(req, &role, sizeof role);
    (void)fl_req_object(req);
    if (builtin != NULL)
        put_builtin(&req->json, builtin);
    else
        put_role(&req->json, &role);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- rights of a body: {"sites": ["read", "set"], ...} ---- */

static int not_rights(struct fl_req *req, struct fl_err *err)
{
    req->field = "rights";
    return fl_err_set(err, FL_E_INVAL,
                      "rights is an object of lists, such as {\"sites\": [\"read\", \"set\"]}");
}

static void put_word(struct fl_buf *text, const char *before, const char *word)
{
    fl_buf_put_str(text, before);
    for (size_t i = 0; word[i] != '\0'; i++) /* what parts the words is in none of them */
        fl_buf_put_u8(text, strchr(" :,", word[i]) != NULL ? '?' : (unsigned char)word[i]);
}

/* As text, so that one reader names what is wrong with it. */
static int take_rights(struct fl_req *req, struct fl_rights *ret, struct fl_err *err)
{
    json_t *object = json_object_get(req->body, "rights"), *verbs, *verb;
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *name;
    size_t i;
    int r;

    fl_buf_init(&text, 4 * FL_RIGHTS_TEXT_MAX);
    if (object == NULL)
        return 0;
    if (!json_is_object(object))
        return not_rights(req, err);
    json_object_foreach(object, name, verbs)
    {
        if (!json_is_array(verbs))
            return not_rights(req, err);
        json_array_foreach(verbs, i, verb)
        {
            if (!json_is_string(verb))
                return not_rights(req, err);
            put_word(&text, i == 0 ? " " : ",", i == 0 ? name : json_string_value(verb));
            if (i == 0)
                put_word(&text, ":", json_string_value(verb));
        }
    }
    r = fl_buf_status(&text, err);
    if (r == FL_OK)
        r = fl_rights_parse(fl_buf_span(&text), ret, err);
    if (r < 0)
        req->field = "rights";
    return r < 0 ? r : 1;
}

/* Nobody makes a role that may more than he. */
static int check_own(struct fl_req *req, const struct fl_rights *rights, struct fl_err *err)
{
    if (req->caller.local || fl_rights_within(rights, &req->caller.rights))
        return FL_OK;
    return fl_req_why(req, 403, "right", err,
                      "the role may more than you: leave out the rights that you do not have");
}

static int put_rights_text(struct fl_role_row *role, const struct fl_rights *rights,
                           struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, FL_RIGHTS_TEXT_MAX);
    fl_rights_write(rights, &text);
    r = fl_buf_status(&text, err);
    memset(role->rights, 0, sizeof role->rights);
    if (r == FL_OK && text.len > 0)
        memcpy(role->rights, text.ptr, text.len);
    return r;
}

static int store(struct fl_req *req, struct fl_role_row *role, const char *event,
                 int (*write)(struct fl_db *db, struct fl_role_row *role, struct fl_err *err),
                 struct fl_err *err)
{
    char detail[FL_RIGHTS_TEXT_MAX + 32];
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    (void)snprintf(detail, sizeof detail, "{\"rights\":\"%s\"}", role->rights);
    r = write(req->api->db, role, err);
    if (r == FL_OK)
        r = fl_part_audit(req, event, req->tenant.slug, role->name, detail, err);
    return fl_part_end(req, r, err);
}

static void answer(struct fl_req *req, const struct fl_role_row *role, int status)
{
    fl_part_etag(req, role, sizeof *role);
    (void)fl_req_object(req);
    put_role(&req->json, role);
    fl_req_done(req, status);
}

int fl_api_role_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_role_row role;
    struct fl_rights rights;
    int r;

    memset(&role, 0, sizeof role); /* all of it: the row is hashed */
    role.tenant = req->tenant.id;
    role.created_us = req->api->env.now_us();
    r = fl_req_need(req, "name", role.name, sizeof role.name, err);
    if (r == FL_OK)
        r = take_rights(req, &rights, err);
    if (r == 0)
        r = fl_req_missing(req, "rights", err);
    if (r > 0)
        r = put_rights_text(&role, &rights, err);
    if (r == FL_OK)
        r = fl_role_check(&role, err);
    if (r == FL_OK)
        r = check_own(req, &rights, err);
    if (r == FL_OK)
        r = store(req, &role, "role.add", fl_db_role_add, err);
    if (r < 0)
        return r;
    answer(req, &role, 201);
    return FL_OK;
}

static int get_made(struct fl_req *req, struct fl_role_row *ret, struct fl_err *err)
{
    char name[FL_SLUG_MAX + 1];
    int r = fl_people_arg(req, "role", name, err);

    if (r < 0)
        return r;
    if (fl_role_builtin_find(fl_span_str(name), req->tenant.id != 0) != NULL)
        return fl_req_why(req, 409, "builtin", err,
                          "the role '%s' comes with the program and stays as it is; make one of "
                          "your own",
                          name);
    r = fl_db_role_get(req->api->db, req->tenant.id, name, ret, err);
    return r < 0 ? r : fl_part_match(req, ret, sizeof *ret, err);
}

static int write_set(struct fl_db *db, struct fl_role_row *role, struct fl_err *err)
{
    return fl_db_role_set(db, role, err);
}

int fl_api_role_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_role_row role;
    struct fl_rights rights;
    int r = get_made(req, &role, err);

    if (r == FL_OK)
        r = take_rights(req, &rights, err);
    if (r > 0)
        r = check_own(req, &rights, err);
    else if (r == 0)
        r = fl_req_missing(req, "rights", err);
    if (r == FL_OK)
        r = put_rights_text(&role, &rights, err);
    if (r == FL_OK)
        r = fl_role_check(&role, err);
    if (r == FL_OK)
        r = store(req, &role, "role.set", write_set, err);
    if (r < 0)
        return r;
    fl_people_check(req->api); /* accounts that have it may more or less now */
    answer(req, &role, 200);
    return FL_OK;
}

static int write_remove(struct fl_db *db, struct fl_role_row *role, struct fl_err *err)
{
    return fl_db_role_remove(db, role->tenant, role->name, err);
}

int fl_api_role_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_role_row role;
    int r = get_made(req, &role, err);

    if (r == FL_OK)
        r = store(req, &role, "role.remove", write_remove, err);
    if (r < 0)
        return r;
    fl_json_text(fl_req_object(req), "removed", role.name);
    fl_req_done(req, 200);
    return FL_OK;
}
