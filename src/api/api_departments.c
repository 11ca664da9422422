#include <string.h>

#include "api/people.h"

static void put_department(struct fl_json *json, const struct fl_department *d)
{
    fl_json_text(json, "slug", d->slug);
    fl_json_text(json, "name", d->name);
    fl_part_time(json, "created", d->created_us);
}

static int list_one(void *ctx, const struct fl_department *department)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    put_department(json, department);
    fl_json_end(json);
    return 0;
}

int fl_api_departments(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_departments(req->api->db, req->tenant.id, page, list_one, &req->json, &list, err);
    return fl_part_list_end(req, r, &list);
}

static void answer(struct fl_req *req, const struct fl_department *department, int status)
{
    fl_part_etag(req, department, sizeof *department);
    put_department(fl_req_object(req), department);
    fl_req_done(req, status);
}

static int store(struct fl_req *req, struct fl_department *d, const char *event,
                 int (*write)(struct fl_db *db, struct fl_department *d, struct fl_err *err),
                 struct fl_err *err)
{
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = write(req->api->db, d, err);
    if (r == FL_OK)
        r = fl_part_audit(req, event, req->tenant.slug, d->slug, "", err);
    return fl_part_end(req, r, err);
}

int fl_api_department_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_department d;
    int r;

    memset(&d, 0, sizeof d); /* all of it: the row is hashed */
    d.tenant = req->tenant.id;
    d.created_us = req->api->env.now_us();
    r = fl_req_need(req, "slug", d.slug, sizeof d.slug, err);
    memcpy(d.name, d.slug, sizeof d.slug);
    if (r == FL_OK)
        r = fl_req_text(req, "name", d.name, sizeof d.name, err);
    if (r >= 0)
        r = store(req, &d, "department.add", fl_db_department_add, err);
    if (r < 0)
        return r;
    answer(req, &d, 201);
    return FL_OK;
}

static int get(struct fl_req *req, struct fl_department *ret, struct fl_err *err)
{
    char slug[FL_SLUG_MAX + 1];
    int r = fl_people_arg(req, "department", slug, err);

    return r < 0 ? r : fl_db_department_get(req->api->db, req->tenant.id, slug, ret, err);
}

int fl_api_department_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_department d;
    int r = get(req, &d, err);

    if (r < 0)
        return r;
    answer(req, &d, 200);
    return FL_OK;
}

static int write_set(struct fl_db *db, struct fl_department *d, struct fl_err *err)
{
    return fl_db_department_set(db, d, err);
}

int fl_api_department_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_department d;
    int r = get(req, &d, err);

    if (r == FL_OK)
        r = fl_part_match(req, &d, sizeof d, err);
    if (r == FL_OK)
        r = fl_req_text(req, "name", d.name, sizeof d.name, err);
    if (r >= 0)
        r = store(req, &d, "department.set", write_set, err);
    if (r < 0)
        return r;
    answer(req, &d, 200);
    return FL_OK;
}

static int write_remove(struct fl_db *db, struct fl_department *d, struct fl_err *err)
{
    return fl_db_department_remove(db, d->tenant, d->slug, err);
}

int fl_api_department_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_department d;
    int r = get(req, &d, err);

    if (r == FL_OK)
        r = fl_part_match(req, &d, sizeof d, err);
    if (r == FL_OK)
        r = store(req, &d, "department.remove", write_remove, err);
    if (r < 0)
        return r;
    fl_json_text(fl_req_object(req), "removed", d.slug);
    fl_req_done(req, 200);
    return FL_OK;
}
