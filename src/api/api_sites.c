#include <stdio.h>
#include <string.h>

#include "api/parts.h"

static void put_degrees(struct fl_json *json, const char *key, const struct fl_site *site,
                        int64_t e6)
{
    if (site->place)
        fl_json_f64(json, key, (double)e6 / 1e6);
    else
        fl_json_null(json, key);
}

static void put_site(struct fl_req *req, struct fl_json *json, const struct fl_site *site)
{
    uint64_t devices = 0;

    if (fl_db_site_devices(req->api->db, site->tenant, site->slug, &devices, NULL) < 0)
        devices = 0;
    fl_json_text(json, "slug", site->slug);
    fl_json_text(json, "name", site->name);
    fl_json_text(json, "country", site->country);
    fl_json_text(json, "city", site->city);
    put_degrees(json, "lat", site, site->lat_e6);
    put_degrees(json, "lon", site, site->lon_e6);
    fl_json_u64(json, "devices", devices);
    fl_part_time(json, "created_at", site->created_us);
}

static int list_one(void *ctx, const struct fl_site *site)
{
    struct fl_req *req = ctx;

    fl_json_object(&req->json, NULL);
    put_site(req, &req->json, site);
    fl_json_end(&req->json);
    return 0;
}

int fl_api_sites(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_sites(req->api->db, req->tenant.id, page, list_one, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

/* 1 and *ret_e6; 0: absent, or null (*ret_null). */
static int take_degrees(struct fl_req *req, const char *name, double most, int64_t *ret_e6,
                        bool *ret_null, struct fl_err *err)
{
    const json_t *value = json_object_get(req->body, name);
    double degrees = json_number_value(value);

    *ret_null = json_is_null(value);
    if (value == NULL || *ret_null)
        return 0;
    if (!json_is_number(value) || !(degrees >= -most && degrees <= most)) {
        req->field = name;
        return fl_err_set(err, FL_E_INVAL, "%s is a number of degrees from -%g to %g, such as %s",
                          name, most, most, most > 90 ? "13.405" : "52.52");
    }
    *ret_e6 = (int64_t)(degrees * 1e6 + (degrees < 0 ? -0.5 : 0.5));
    return 1;
}

/* Both, or neither: half a place is none. */
static int take_place(struct fl_req *req, struct fl_site *site, struct fl_err *err)
{
    bool no_lat, no_lon;
    int lat = take_degrees(req, "lat", 90, &site->lat_e6, &no_lat, err), lon;

    if (lat < 0)
        return lat;
    lon = take_degrees(req, "lon", 180, &site->lon_e6, &no_lon, err);
    if (lon < 0)
        return lon;
    if (no_lat && no_lon) {
        site->place = false;
        site->lat_e6 = site->lon_e6 = 0;
    } else if (lat > 0 && lon > 0) {
        site->place = true;
    } else if (no_lat || no_lon || (lat != lon && !site->place)) {
        req->field = lat > 0 ? "lon" : "lat";
        return fl_err_set(err, FL_E_INVAL, "lat and lon go together");
    }
    return FL_OK;
}

static int take_settings(struct fl_req *req, struct fl_site *site, struct fl_err *err)
{
    int r = fl_req_text(req, "name", site->name, sizeof site->name, err);

    if (r >= 0)
        r = fl_req_text(req, "country", site->country, sizeof site->country, err);
    if (r >= 0)
        r = fl_req_text(req, "city", site->city, sizeof site->city, err);
    return r < 0 ? r : take_place(req, site, err);
}

static void answer(struct fl_req *req, const struct fl_site *site, int status)
{
    put_site(req, fl_req_object(req), site);
    fl_req_done(req, status);
}

int fl_api_site_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_site site = {.created_us = req->api->env.now_us()};
    int r = fl_req_need(req, "slug", site.slug, sizeof site.slug, err);

    if (r == FL_OK) {
        site.tenant = req->tenant.id;
        (void)snprintf(site.name, sizeof site.name, "%s", site.slug);
        r = take_settings(req, &site, err);
    }
    if (r == FL_OK)
        r = fl_site_check(&site, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_site_add(req->api->db, &site, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "site.add", req->tenant.slug, site.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r == FL_OK)
        answer(req, &site, 201);
    return r;
}

int fl_api_site_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_site site = {.id = 0};
    int r = fl_part_site(req, &site, err);

    if (r < 0)
        return r;
    fl_part_etag(req, &site, sizeof site);
    answer(req, &site, 200);
    return FL_OK;
}

int fl_api_site_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_site site = {.id = 0};
    int r = fl_part_site(req, &site, err);

    if (r == FL_OK)
        r = fl_part_match(req, &site, sizeof site, err);
    if (r == FL_OK)
        r = take_settings(req, &site, err);
    if (r == FL_OK)
        r = fl_site_check(&site, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_site_set(req->api->db, &site, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "site.set", req->tenant.slug, site.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_part_etag(req, &site, sizeof site);
    answer(req, &site, 200);
    return FL_OK;
}

int fl_api_site_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_site site = {.id = 0};
    int r = fl_part_site(req, &site, err);

    if (r == FL_OK)
        r = fl_part_match(req, &site, sizeof site, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_site_remove(req->api->db, req->tenant.id, site.slug, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "site.remove", req->tenant.slug, site.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_json_text(fl_req_object(req), "removed", site.slug);
    fl_req_done(req, 200);
    return FL_OK;
}
