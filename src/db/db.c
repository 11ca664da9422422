#include "db/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db_int.h"
#include "db/migrate.h"

/* ---- the tables ---- */

static const struct fl_column fl_tenant_columns[] = {
    COLUMN(fl_tenant, U32, id),
    COLUMN(fl_tenant, TEXT, slug),
    COLUMN(fl_tenant, TEXT, name),
    COLUMN(fl_tenant, U32, keep_days),
    COLUMN(fl_tenant, U64, quota_bytes),
    COLUMN(fl_tenant, BOOL, demo),
    COLUMN(fl_tenant, TEXT, far_zones),
    COLUMN(fl_tenant, TEXT, far_instances),
    COLUMN(fl_tenant, U64, created_us),
    COLUMN(fl_tenant, U64, local_access_us),
    COLUMN(fl_tenant, U32, silent_minutes),
};
static const struct fl_rows tenants = ROWS(fl_tenant, "tenants", 1);

static const struct fl_column fl_tenant_ca_columns[] = {
    COLUMN(fl_tenant_ca, U32, tenant),       COLUMN(fl_tenant_ca, TEXT, pem),
    COLUMN(fl_tenant_ca, HASH, fingerprint), COLUMN(fl_tenant_ca, TEXT, subject),
    COLUMN(fl_tenant_ca, U64, not_after_us), COLUMN(fl_tenant_ca, U64, created_us),
};
static const struct fl_rows tenant_cas = ROWS(fl_tenant_ca, "tenant_cas", 0);

static const struct fl_column fl_site_columns[] = {
    COLUMN(fl_site, U32, id),     COLUMN(fl_site, U32, tenant),   COLUMN(fl_site, TEXT, slug),
    COLUMN(fl_site, TEXT, name),  COLUMN(fl_site, TEXT, country), COLUMN(fl_site, U64, created_us),
    COLUMN(fl_site, TEXT, city),  COLUMN(fl_site, BOOL, place),   COLUMN(fl_site, U64, lat_e6),
    COLUMN(fl_site, U64, lon_e6),
};
static const struct fl_rows sites = ROWS(fl_site, "sites", 1);

static const struct fl_column fl_device_columns[] = {
    COLUMN(fl_device, U32, id),     COLUMN(fl_device, U32, tenant),
    COLUMN(fl_device, TEXT, slug),  COLUMN(fl_device, TEXT, name),
    COLUMN(fl_device, TEXT, site),  COLUMN(fl_device, TEXT, host),
    COLUMN(fl_device, BOOL, relay), COLUMN(fl_device, U64, created_us),
};
static const struct fl_rows devices = ROWS(fl_device, "devices", 1);

static const struct fl_column fl_certificate_columns[] = {
    COLUMN(fl_certificate, U32, id),
    COLUMN(fl_certificate, U32, tenant),
    COLUMN(fl_certificate, TEXT, device),
    COLUMN(fl_certificate, HASH, fingerprint),
    COLUMN(fl_certificate, TEXT, subject),
    COLUMN(fl_certificate, U32, origin),
    COLUMN(fl_certificate, U64, not_before_us),
    COLUMN(fl_certificate, U64, not_after_us),
    COLUMN(fl_certificate, U64, created_us),
    COLUMN(fl_certificate, U64, revoked_us),
};
static const struct fl_rows certificates = ROWS(fl_certificate, "certificates", 1);

static const struct fl_column fl_counters_columns[] = {
    COLUMN(fl_counters, U32, tenant),  COLUMN(fl_counters, TEXT, device),
    COLUMN(fl_counters, U64, boot),    COLUMN(fl_counters, U64S, total),
    COLUMN(fl_counters, U64S, seen),   COLUMN(fl_counters, U64, last_us),
    COLUMN(fl_counters, U64, skew_us), COLUMN(fl_counters, U64, gap_us),
};
static const struct fl_rows counters = ROWS(fl_counters, "counters", 0);

static const struct fl_column fl_rogue_columns[] = {
    COLUMN(fl_rogue, U64, id),       COLUMN(fl_rogue, U64, first_us),
    COLUMN(fl_rogue, U64, at_us),    COLUMN(fl_rogue, HASH, fingerprint),
    COLUMN(fl_rogue, TEXT, subject), COLUMN(fl_rogue, TEXT, address),
    COLUMN(fl_rogue, TEXT, reason),  COLUMN(fl_rogue, TEXT, listener),
    COLUMN(fl_rogue, U64, count),
};
static const struct fl_rows rogues = ROWS(fl_rogue, "rogues", 1);

struct setting {
    char name[64];
    char value[FL_DB_SETTING_MAX + 1];
};
static const struct fl_column setting_columns[] = {
    COLUMN(setting, TEXT, name),
    COLUMN(setting, TEXT, value),
};
static const struct fl_rows settings = ROWS(setting, "settings", 0);

struct actor {
    char pseudonym[FL_DB_PSEUDONYM_MAX + 1];
    char clear[FL_DB_CLEAR_MAX + 1];
    int64_t created_us;
};
static const struct fl_column actor_columns[] = {
    COLUMN(actor, TEXT, pseudonym),
    COLUMN(actor, TEXT, clear),
    COLUMN(actor, U64, created_us),
};
static const struct fl_rows actors = ROWS(actor, "actors", 0);

/* ---- the connection ---- */

int fl_db_open(const char *path, const unsigned char key[FL_SQL_KEY_BYTES], int64_t now_us,
               struct fl_db **ret, struct fl_err *err)
{
    struct fl_db *db = calloc(1, sizeof *db);
    int r;

    if (db == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    r = fl_sql_open(path, key, &db->sql, err);
    if (r == 0)
        r = fl_migrate(db->sql, fl_migration_count, now_us, err);
    if (r == 0)
        r = fl_migrate_version(db->sql, &db->version, err);
    if (r < 0) {
        fl_db_close(db);
        return r;
    }
    *ret = db;
    return FL_OK;
}

void fl_db_close(struct fl_db *db)
{
    if (db == NULL)
        return;
    fl_sql_close(db->sql);
    free(db);
}

unsigned fl_db_version(const struct fl_db *db)
{
    return db->version;
}

int fl_db_begin(struct fl_db *db, struct fl_err *err)
{
    return fl_sql_run(db->sql, "BEGIN IMMEDIATE", err);
}

int fl_db_commit(struct fl_db *db, struct fl_err *err)
{
    return fl_sql_run(db->sql, "COMMIT", err);
}

void fl_db_rollback(struct fl_db *db)
{
    (void)!fl_sql_run(db->sql, "ROLLBACK", NULL);
}

/* ---- errors that name the thing ---- */

int fl_db_named(int r, struct fl_err *err, const char *noun, const char *name)
{
    if (r == FL_E_NOENT)
        return fl_err_set(err, r, "there is no %s '%s'", noun, name);
    if (r == FL_E_EXISTS)
        return fl_err_set(err, r, "the %s '%s' exists already", noun, name);
    return r;
}

int fl_db_no_number(int r, struct fl_err *err, const char *noun, uint32_t id)
{
    return r == FL_E_NOENT ? fl_err_set(err, r, "there is no %s number %u", noun, id) : r;
}

/* ---- lists ---- */

/* One row more than asked for tells whether there is a next page. */
static int list_one(void *ctx)
{
    struct fl_listing *l = ctx;
    int r;

    if (l->limit != 0 && l->list.count == l->limit) {
        memcpy(l->list.next, l->last, sizeof l->last);
        return 1;
    }
    l->cursor(l->obj, l->last, sizeof l->last);
    l->list.count++;
    r = l->fn(l->ctx, l->obj);
    return r < 0 ? r : 0;
}

int fl_listing_all(struct fl_listing *l, struct fl_db_list *ret, struct fl_err *err)
{
    int r = fl_row_count(l->sql, l->rows, &l->all, &l->list.total, err);

    if (r == 0)
        r = fl_row_each(l->sql, l->rows, &l->rest, l->order,
                        l->limit == 0 ? 0 : (uint64_t)l->limit + 1, l->obj, list_one, l, err);
    if (r < 0)
        return r;
    if (ret != NULL)
        *ret = l->list;
    return FL_OK;
}

const char *fl_listing_after(struct fl_db_page page)
{
    return page.after == NULL ? "" : page.after;
}

static struct fl_listing in_order(struct fl_db *db, const struct fl_rows *rows, uint32_t tenant,
                                  struct fl_db_page page, const char *order, const char *rest)
{
    return (struct fl_listing){
        .sql = db->sql,
        .rows = rows,
        .all = OF_TENANT(tenant),
        .rest = {rest, {FL_VALUE_I64(tenant), FL_VALUE_TEXT(fl_listing_after(page))}, 2},
        .order = order,
        .limit = page.limit};
}

struct fl_listing fl_listing_by_slug(struct fl_db *db, const struct fl_rows *rows, uint32_t tenant,
                                     struct fl_db_page page)
{
    return in_order(db, rows, tenant, page, "slug", "tenant = ?1 AND slug > ?2");
}

struct fl_listing fl_listing_by_name(struct fl_db *db, const struct fl_rows *rows, uint32_t tenant,
                                     struct fl_db_page page)
{
    return in_order(db, rows, tenant, page, "name", "tenant = ?1 AND name > ?2");
}

/* A cursor of a list in order of ids. */
int fl_listing_after_id(struct fl_db_page page, uint64_t start, uint64_t *ret, struct fl_err *err)
{
    const char *after = fl_listing_after(page);

    *ret = start;
    if (*after != '\0' && (!fl_span_u64(fl_span_str(after), ret) || *ret > INT64_MAX))
        return fl_err_set(err, FL_E_INVAL, "'%.32s' is not a place in this list", after);
    return FL_OK;
}

/* ---- tenants ---- */

#define BY_SLUG(slug)                                                                              \
    {                                                                                              \
        "slug = ?1", {FL_VALUE_TEXT(slug)}, 1                                                      \
    }

int fl_db_tenant_add(struct fl_db *db, struct fl_tenant *t, struct fl_err *err)
{
    int r = fl_tenant_check(t, err);

    return r < 0
               ? r
               : fl_db_named(fl_row_insert(db->sql, &tenants, t, "", err), err, "tenant", t->slug);
}

int fl_db_tenant_get(struct fl_db *db, const char *slug, struct fl_tenant *ret, struct fl_err *err)
{
    const struct fl_where where = BY_SLUG(slug);

    return fl_db_named(fl_row_get(db->sql, &tenants, &where, ret, err), err, "tenant", slug);
}

int fl_db_tenant_by_id(struct fl_db *db, uint32_t id, struct fl_tenant *ret, struct fl_err *err)
{
    const struct fl_where where = {"id = ?1", {FL_VALUE_I64(id)}, 1};
    int r = fl_row_get(db->sql, &tenants, &where, ret, err);

    return fl_db_no_number(r, err, "tenant", id);
}

int fl_db_tenant_set(struct fl_db *db, const struct fl_tenant *t, struct fl_err *err)
{
    int r = fl_tenant_check(t, err);

    return r < 0 ? r
                 : fl_db_named(fl_row_update(db->sql, &tenants, t, err), err, "tenant", t->slug);
}

static int remove_named(struct fl_db *db, const struct fl_rows *rows, const struct fl_where *where,
                        const char *noun, const char *name, struct fl_err *err)
{
    int64_t n = 0;
    int r = fl_row_remove(db->sql, rows, where, &n, err);

    return r == 0 && n == 0 ? fl_db_named(FL_E_NOENT, err, noun, name) : r;
}

int fl_db_tenant_remove(struct fl_db *db, const char *slug, struct fl_err *err)
{
    const struct fl_where where = BY_SLUG(slug);

    return remove_named(db, &tenants, &where, "tenant", slug, err);
}

static void tenant_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", ((const struct fl_tenant *)obj)->slug);
}

/* The caller's function has the row's type; this keeps the call well-defined. */
TYPED(fl_tenant)

int fl_db_tenants(struct fl_db *db, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_tenant *tenant), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_tenant_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l = {.sql = db->sql,
                           .rows = &tenants,
                           .all = {.text = "1"},
                           .rest = {"slug > ?1", {FL_VALUE_TEXT(fl_listing_after(page))}, 1},
                           .order = "slug",
                           .obj = &call.row,
                           .cursor = tenant_cursor,
                           .fn = call_fl_tenant,
                           .ctx = &call,
                           .limit = page.limit};

    return fl_listing_all(&l, ret, err);
}

/* ---- a tenant's CA ---- */

int fl_db_tenant_ca_get(struct fl_db *db, uint32_t tenant, struct fl_tenant_ca *ret,
                        struct fl_err *err)
{
    const struct fl_where where = OF_TENANT(tenant);
    int r = fl_row_get(db->sql, &tenant_cas, &where, ret, err);

    return r == FL_E_NOENT
               ? fl_err_set(err, r, "the tenant has no certificate authority of its own")
               : r;
}

int fl_db_tenant_ca_set(struct fl_db *db, const struct fl_tenant_ca *ca, struct fl_err *err)
{
    struct fl_tenant_ca copy = *ca;
    int r = fl_row_insert(db->sql, &tenant_cas, &copy,
                          "ON CONFLICT (tenant) DO UPDATE SET pem = excluded.pem, fingerprint = "
                          "excluded.fingerprint, subject = excluded.subject, not_after_us = "
                          "excluded.not_after_us, created_us = excluded.created_us",
                          err);

    return fl_db_no_number(r, err, "tenant", ca->tenant);
}

int fl_db_tenant_ca_remove(struct fl_db *db, uint32_t tenant, struct fl_err *err)
{
    const struct fl_where where = OF_TENANT(tenant);
    int64_t n = 0;
    int r = fl_row_remove(db->sql, &tenant_cas, &where, &n, err);

    return r == 0 && n == 0
               ? fl_err_set(err, FL_E_NOENT, "the tenant has no certificate authority of its own")
               : r;
}

/* ---- sites ---- */

int fl_db_site_add(struct fl_db *db, struct fl_site *s, struct fl_err *err)
{
    int r = fl_site_check(s, err);

    if (r < 0)
        return r;
    r = fl_row_insert(db->sql, &sites, s, "", err);
    return r == FL_E_NOENT ? fl_err_set(err, r, "there is no tenant number %u", s->tenant)
                           : fl_db_named(r, err, "site", s->slug);
}

int fl_db_site_get(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_site *ret,
                   struct fl_err *err)
{
    const struct fl_where where = BY_TENANT_SLUG(tenant, slug);

    return fl_db_named(fl_row_get(db->sql, &sites, &where, ret, err), err, "site", slug);
}

int fl_db_site_set(struct fl_db *db, const struct fl_site *s, struct fl_err *err)
{
    int r = fl_site_check(s, err);

    return r < 0 ? r : fl_db_named(fl_row_update(db->sql, &sites, s, err), err, "site", s->slug);
}

int fl_db_site_devices(struct fl_db *db, uint32_t tenant, const char *slug, uint64_t *ret,
                       struct fl_err *err)
{
    const struct fl_where there = {
        "tenant = ?1 AND site = ?2", {FL_VALUE_I64(tenant), FL_VALUE_TEXT(slug)}, 2};

    return fl_row_count(db->sql, &devices, &there, ret, err);
}

int fl_db_site_remove(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_err *err)
{
    const struct fl_where where = BY_TENANT_SLUG(tenant, slug);
    uint64_t n = 0;
    int r = fl_db_site_devices(db, tenant, slug, &n, err);

    if (r == 0 && n > 0)
        return fl_err_set(err, FL_E_EXISTS,
                          "%llu devices stand at site '%s': move or remove them first",
                          (unsigned long long)n, slug);
    return r < 0 ? r : remove_named(db, &sites, &where, "site", slug, err);
}

static void site_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", ((const struct fl_site *)obj)->slug);
}

TYPED(fl_site)

int fl_db_sites(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_site *site), void *ctx, struct fl_db_list *ret,
                struct fl_err *err)
{
    struct fl_site_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l = fl_listing_by_slug(db, &sites, tenant, page);

    l.obj = &call.row;
    l.cursor = site_cursor;
    l.fn = call_fl_site;
    l.ctx = &call;
    return fl_listing_all(&l, ret, err);
}

/* ---- devices ---- */

/* Which of the two unique names was it? */
static int device_named(struct fl_db *db, int r, const struct fl_device *d, struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND host = ?2 AND host <> '' AND id <> ?3",
        {FL_VALUE_I64(d->tenant), FL_VALUE_TEXT(d->host), FL_VALUE_I64(d->id)},
        3};
    uint64_t n = 0;

    if (r == FL_E_NOENT)
        return fl_err_set(err, r, "there is no site '%s'", d->site);
    if (r == FL_E_EXISTS && fl_row_count(db->sql, &devices, &where, &n, NULL) == 0 && n > 0)
        return fl_err_set(err, r, "the host name '%s' belongs to another device", d->host);
    return fl_db_named(r, err, "device", d->slug);
}

int fl_db_device_add(struct fl_db *db, struct fl_device *d, struct fl_err *err)
{
    int r = fl_device_check(d, err);

    return r < 0 ? r : device_named(db, fl_row_insert(db->sql, &devices, d, "", err), d, err);
}

int fl_db_device_get(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_device *ret,
                     struct fl_err *err)
{
    const struct fl_where where = BY_TENANT_SLUG(tenant, slug);

    return fl_db_named(fl_row_get(db->sql, &devices, &where, ret, err), err, "device", slug);
}

int fl_db_device_set(struct fl_db *db, const struct fl_device *d, struct fl_err *err)
{
    const struct fl_where where = {"id = ?1", {FL_VALUE_I64(d->id)}, 1};
    uint64_t n = 0;
    int r = fl_device_check(d, err);

    if (r == 0)
        r = fl_row_count(db->sql, &devices, &where, &n, err);
    if (r == 0 && n == 0)
        return fl_db_named(FL_E_NOENT, err, "device", d->slug);
    return r < 0 ? r : device_named(db, fl_row_update(db->sql, &devices, d, err), d, err);
}

int fl_db_device_remove(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_err *err)
{
    const struct fl_where where = BY_TENANT_SLUG(tenant, slug);

    return remove_named(db, &devices, &where, "device", slug, err);
}

static void device_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", ((const struct fl_device *)obj)->slug);
}

TYPED(fl_device)

int fl_db_devices(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_device *device), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_device_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l = fl_listing_by_slug(db, &devices, tenant, page);

    l.obj = &call.row;
    l.cursor = device_cursor;
    l.fn = call_fl_device;
    l.ctx = &call;
    return fl_listing_all(&l, ret, err);
}

/* ---- certificates ---- */

int fl_db_certificate_add(struct fl_db *db, struct fl_certificate *c, struct fl_err *err)
{
    int r = fl_row_insert(db->sql, &certificates, c, "", err);

    if (r == FL_E_EXISTS)
        return fl_err_set(err, r, "the certificate belongs to a device already");
    return fl_db_named(r, err, "device", c->device);
}

int fl_db_certificate_get(struct fl_db *db, uint32_t tenant, const unsigned char fingerprint[32],
                          struct fl_certificate *ret, struct fl_err *err)
{
    const struct fl_where where = {"fingerprint = ?1 AND (?2 = 0 OR tenant = ?2)",
                                   {FL_VALUE_HASH(fingerprint), FL_VALUE_I64(tenant)},
                                   2};
    int r = fl_row_get(db->sql, &certificates, &where, ret, err);

    return r == FL_E_NOENT ? fl_err_set(err, r, "there is no certificate with this fingerprint")
                           : r;
}

int fl_db_certificate_revoke(struct fl_db *db, uint32_t tenant, const char *device,
                             const unsigned char fingerprint[32], int64_t at_us, struct fl_err *err)
{
    struct fl_certificate cert;
    int r = fl_db_certificate_get(db, tenant, fingerprint, &cert, err);

    if (r < 0)
        return r;
    if (strcmp(cert.device, device) != 0)
        return fl_err_set(err, FL_E_NOENT, "device '%s' has no certificate with this fingerprint",
                          device);
    if (cert.revoked_us != 0)
        return fl_err_set(err, FL_E_EXISTS, "the certificate is revoked already");
    cert.revoked_us = at_us;
    return fl_row_update(db->sql, &certificates, &cert, err);
}

static void certificate_cursor(const void *obj, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%u", ((const struct fl_certificate *)obj)->id);
}

TYPED(fl_certificate)

int fl_db_certificates(struct fl_db *db, uint32_t tenant, const char *device,
                       struct fl_db_page page,
                       int (*fn)(void *ctx, const struct fl_certificate *cert), void *ctx,
                       struct fl_db_list *ret, struct fl_err *err)
{
    const char *of = device == NULL ? "" : device;
    struct fl_certificate_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l = {.sql = db->sql,
                           .rows = &certificates,
                           .all = {"tenant = ?1 AND (?2 = '' OR device = ?2)",
                                   {FL_VALUE_I64(tenant), FL_VALUE_TEXT(of)},
                                   2},
                           .order = "id",
                           .obj = &call.row,
                           .cursor = certificate_cursor,
                           .fn = call_fl_certificate,
                           .ctx = &call,
                           .limit = page.limit};
    uint64_t after;
    int r = fl_listing_after_id(page, 0, &after, err);

    if (r < 0)
        return r;
    l.rest = (struct fl_where){"tenant = ?1 AND (?2 = '' OR device = ?2) AND id > ?3",
                               {FL_VALUE_I64(tenant), FL_VALUE_TEXT(of), FL_VALUE_I64(after)},
                               3};
    return fl_listing_all(&l, ret, err);
}

/* ---- settings ---- */

int fl_db_setting_get(struct fl_db *db, const char *name, char *ret, struct fl_err *err)
{
    const struct fl_where where = {"name = ?1", {FL_VALUE_TEXT(name)}, 1};
    struct setting row;
    int r = fl_row_get(db->sql, &settings, &where, &row, err);

    if (r == 0)
        memcpy(ret, row.value, sizeof row.value);
    return fl_db_named(r, err, "setting", name);
}

int fl_db_setting_set(struct fl_db *db, const char *name, const char *value, struct fl_err *err)
{
    const struct fl_where where = {"name = ?1", {FL_VALUE_TEXT(name)}, 1};
    struct setting row = {0};
    int64_t n;

    if (value == NULL)
        return fl_row_remove(db->sql, &settings, &where, &n, err);
    if (*name == '\0' || strlen(name) >= sizeof row.name || strlen(value) >= sizeof row.value)
        return fl_err_set(err, FL_E_LIMIT, "setting '%.64s': the name or the value is too long",
                          name);
    (void)snprintf(row.name, sizeof row.name, "%s", name);
    (void)snprintf(row.value, sizeof row.value, "%s", value);
    return fl_row_insert(db->sql, &settings, &row,
                         "ON CONFLICT (name) DO UPDATE SET value = excluded.value", err);
}

/* ---- what was observed ---- */

int fl_db_counters_get(struct fl_db *db, uint32_t tenant, const char *device,
                       struct fl_counters *ret, struct fl_err *err)
{
    const struct fl_where where = {
        "tenant = ?1 AND device = ?2", {FL_VALUE_I64(tenant), FL_VALUE_TEXT(device)}, 2};
    struct fl_counters none = {.tenant = tenant};
    int r = fl_row_get(db->sql, &counters, &where, ret, err);

    if (r != FL_E_NOENT)
        return r;
    (void)snprintf(none.device, sizeof none.device, "%s", device);
    *ret = none;
    return FL_OK;
}

int fl_db_counters_set(struct fl_db *db, const struct fl_counters *c, struct fl_err *err)
{
    struct fl_counters copy = *c;

    return fl_db_named(
        fl_row_insert(db->sql, &counters, &copy,
                      "ON CONFLICT (tenant, device) DO UPDATE SET boot = excluded.boot, "
                      "total = excluded.total, seen = excluded.seen, last_us = "
                      "excluded.last_us, skew_us = excluded.skew_us, gap_us = "
                      "excluded.gap_us",
                      err),
        err, "device", c->device);
}

int fl_db_rogue_note(struct fl_db *db, const struct fl_rogue *rogue, struct fl_err *err)
{
    const struct fl_value keep[] = {FL_VALUE_I64(FL_DB_ROGUES_MAX)};
    struct fl_rogue row = *rogue;
    int r;

    row.first_us = row.at_us;
    row.count = 1;
    r = fl_row_insert(db->sql, &rogues, &row,
                      "ON CONFLICT (fingerprint, address, reason, listener) DO UPDATE SET at_us = "
                      "excluded.at_us, subject = excluded.subject, count = count + 1",
                      err);
    if (r < 0)
        return r;
    return fl_row_run(db->sql,
                      "DELETE FROM rogues WHERE id IN (SELECT id FROM rogues ORDER BY at_us DESC, "
                      "id DESC LIMIT -1 OFFSET ?1)",
                      keep, FL_LEN(keep), err);
}

/* By time, then id: both stand in the cursor. */
static void rogue_cursor(const void *obj, char *ret, size_t size)
{
    const struct fl_rogue *rogue = obj;

    (void)snprintf(ret, size, "%lld.%llu", (long long)rogue->at_us, (unsigned long long)rogue->id);
}

TYPED(fl_rogue)

static int after_rogue(struct fl_db_page page, uint64_t *ret_at, uint64_t *ret_id,
                       struct fl_err *err)
{
    const char *after = fl_listing_after(page), *dot = strchr(after, '.');

    *ret_at = INT64_MAX;
    *ret_id = INT64_MAX;
    if (*after == '\0')
        return FL_OK;
    if (dot == NULL || !fl_span_u64(fl_span_of(after, (size_t)(dot - after)), ret_at) ||
        !fl_span_u64(fl_span_str(dot + 1), ret_id) || *ret_at > INT64_MAX || *ret_id > INT64_MAX)
        return fl_err_set(err, FL_E_INVAL, "'%.32s' is not a place in this list", after);
    return FL_OK;
}

int fl_db_rogues(struct fl_db *db, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_rogue *rogue), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err)
{
    struct fl_rogue_fn call = {.fn = fn, .ctx = ctx};
    struct fl_listing l = {.sql = db->sql,
                           .rows = &rogues,
                           .all = {.text = "1"},
                           .order = "at_us DESC, id DESC",
                           .obj = &call.row,
                           .cursor = rogue_cursor,
                           .fn = call_fl_rogue,
                           .ctx = &call,
                           .limit = page.limit};
    uint64_t at, id;
    int r = after_rogue(page, &at, &id, err);

    if (r < 0)
        return r;
    l.rest = (struct fl_where){"(at_us, id) < (?1, ?2)", {FL_VALUE_I64(at), FL_VALUE_I64(id)}, 2};
    return fl_listing_all(&l, ret, err);
}

int fl_db_actor_note(struct fl_db *db, const char *pseudonym, const char *clear, int64_t at_us,
                     struct fl_err *err)
{
    struct actor row = {.created_us = at_us};

    if (strlen(pseudonym) >= sizeof row.pseudonym || strlen(clear) >= sizeof row.clear)
        return fl_err_set(err, FL_E_LIMIT, "the name of an actor is too long");
    (void)snprintf(row.pseudonym, sizeof row.pseudonym, "%s", pseudonym);
    (void)snprintf(row.clear, sizeof row.clear, "%s", clear);
    return fl_row_insert(db->sql, &actors, &row, "ON CONFLICT (pseudonym) DO NOTHING", err);
}

int fl_db_actor_get(struct fl_db *db, const char *pseudonym, char *ret, struct fl_err *err)
{
    const struct fl_where where = {"pseudonym = ?1", {FL_VALUE_TEXT(pseudonym)}, 1};
    struct actor row;
    int r = fl_row_get(db->sql, &actors, &where, &row, err);

    if (r == 0)
        memcpy(ret, row.clear, sizeof row.clear);
    return fl_db_named(r, err, "actor", pseudonym);
}

int fl_db_actor_forget(struct fl_db *db, const char *pseudonym, struct fl_err *err)
{
    const struct fl_where where = {"pseudonym = ?1", {FL_VALUE_TEXT(pseudonym)}, 1};
    int r = remove_named(db, &actors, &where, "actor", pseudonym, err);

    return r < 0 ? r : fl_sql_settle(db->sql, err);
}
