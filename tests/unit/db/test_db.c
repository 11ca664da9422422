/* The control database. `test_db --write-fixture DIR` writes the files of earlier versions anew. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "db/db.h"
#include "db/db_people.h"
#include "db/migrate.h"
#include "tap.h"

static const unsigned char key[FL_SQL_KEY_BYTES] = "fixture key, 32 bytes, no secret";
static struct fl_err err;
static char dir[32];

static struct fl_db *open_db(const char *name)
{
    struct fl_db *db = NULL;

    if (fl_db_open(name, key, 1000, &db, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return db;
}

static struct fl_tenant tenant(const char *slug)
{
    struct fl_tenant t = {.keep_days = 7, .far_zones = "vpn,untrust", .created_us = 5};

    (void)snprintf(t.slug, sizeof t.slug, "%s", slug);
    (void)snprintf(t.name, sizeof t.name, "Tenant %s", slug);
    return t;
}

static struct fl_site site(uint32_t of, const char *slug)
{
    struct fl_site s = {.tenant = of, .country = "DE", .created_us = 6};

    (void)snprintf(s.slug, sizeof s.slug, "%s", slug);
    (void)snprintf(s.name, sizeof s.name, "Site %s", slug);
    return s;
}

static struct fl_device device(uint32_t of, const char *at, const char *slug, const char *host)
{
    struct fl_device d = {.tenant = of, .created_us = 7};

    (void)snprintf(d.slug, sizeof d.slug, "%s", slug);
    (void)snprintf(d.name, sizeof d.name, "Device %s", slug);
    (void)snprintf(d.site, sizeof d.site, "%s", at);
    (void)snprintf(d.host, sizeof d.host, "%s", host);
    return d;
}

static struct fl_certificate certificate(uint32_t of, const char *dev, int n)
{
    struct fl_certificate c = {.tenant = of, .subject = "CN=x", .not_after_us = 99};

    (void)snprintf(c.device, sizeof c.device, "%s", dev);
    memset(c.fingerprint, n, sizeof c.fingerprint);
    return c;
}

static bool says(const char *text)
{
    bool found = strstr(err.text, text) != NULL;

    if (!found)
        printf("# it says: %s\n", err.text);
    return found;
}

static void check_tenants(struct fl_db *db)
{
    struct fl_tenant a = tenant("acme"), b = tenant("beta"), got;

    CHECK(fl_db_tenant_add(db, &a, &err) == 0 && a.id == 1, "a tenant");
    CHECK(fl_db_tenant_add(db, &a, &err) == FL_E_EXISTS && says("tenant 'acme' exists already"),
          "twice is refused");
    b.keep_days = 31;
    CHECK(fl_db_tenant_add(db, &b, &err) == FL_E_INVAL && says("1 to 30"), "a wrong one too");
    b.keep_days = 30;
    b.demo = true;
    b.quota_bytes = UINT64_C(5) << 30;
    CHECK(fl_db_tenant_add(db, &b, &err) == 0, "another");
    CHECK(fl_db_tenant_get(db, "beta", &got, &err) == 0 && got.id == b.id && got.demo &&
              got.quota_bytes == b.quota_bytes && strcmp(got.far_zones, "vpn,untrust") == 0 &&
              strcmp(got.name, "Tenant beta") == 0 && got.created_us == 5,
          "read back");
    CHECK(fl_db_tenant_get(db, "x' OR '1'='1", &got, &err) == FL_E_NOENT &&
              says("there is no tenant 'x' OR"),
          "a name that is not there");
    got.keep_days = 3;
    got.local_access_us = 77;
    CHECK(fl_db_tenant_set(db, &got, &err) == 0 && fl_db_tenant_by_id(db, got.id, &b, &err) == 0 &&
              b.keep_days == 3 && b.local_access_us == 77,
          "changed");
    got.id = 99;
    CHECK(fl_db_tenant_set(db, &got, &err) == FL_E_NOENT, "a number that is not there");
    CHECK(fl_db_tenant_remove(db, "beta", &err) == 0 &&
              fl_db_tenant_remove(db, "beta", &err) == FL_E_NOENT,
          "removed");
    b = tenant("beta");
    CHECK(fl_db_tenant_add(db, &b, &err) == 0 && b.id == 3, "numbers are not used again");
}

struct seen {
    char text[2000];
    struct fl_db *db;
    int stop;
};

static int see(struct seen *s, const char *slug)
{
    size_t len = strlen(s->text);

    (void)snprintf(s->text + len, sizeof s->text - len, "%s ", slug);
    return s->stop != 0 && strlen(s->text) > 20 ? s->stop : 0;
}

static int see_tenant(void *ctx, const struct fl_tenant *t)
{
    return see(ctx, t->slug);
}
static int see_device(void *ctx, const struct fl_device *d)
{
    return see(ctx, d->slug);
}
static int see_certificate(void *ctx, const struct fl_certificate *c)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%02x", c->fingerprint[0]);
    return see(ctx, text);
}
static int see_rogue(void *ctx, const struct fl_rogue *r)
{
    return see(ctx, r->address);
}
static int see_site(void *ctx, const struct fl_site *s)
{
    struct seen *seen = ctx;

    (void)see(ctx, s->slug); /* a list within a list */
    return fl_db_devices(seen->db, s->tenant, (struct fl_db_page){0}, see_device, ctx, NULL, &err);
}

static int pass_tenant(void *ctx, const struct fl_tenant *t)
{
    (void)ctx;
    (void)t;
    return 0;
}

/* The same list within itself. */
static int see_nested(void *ctx, const struct fl_tenant *t)
{
    struct seen *seen = ctx;

    (void)see(ctx, t->slug);
    return fl_db_tenants(seen->db, (struct fl_db_page){NULL, 0}, pass_tenant, NULL, NULL, &err);
}

static void check_places(struct fl_db *db)
{
    struct fl_site berlin = site(1, "berlin"), paris = site(1, "paris"), other = site(3, "berlin");
    struct fl_device fw = device(1, "berlin", "fw-1", "FW1"), sw = device(1, "paris", "sw-1", ""),
                     got;
    struct fl_site s;
    uint64_t stand = 9;
    struct seen seen = {.db = db};
    struct fl_db_list list;

    CHECK(fl_db_site_add(db, &berlin, &err) == 0 && fl_db_site_add(db, &paris, &err) == 0 &&
              fl_db_site_add(db, &other, &err) == 0,
          "sites; another tenant's may have the same name");
    CHECK(fl_db_site_add(db, &berlin, &err) == FL_E_EXISTS && says("site 'berlin'"),
          "but not twice");
    s = site(99, "x");
    CHECK(fl_db_site_add(db, &s, &err) == FL_E_NOENT && says("tenant number 99"), "no such tenant");
    CHECK(fl_db_device_add(db, &fw, &err) == 0 && fl_db_device_add(db, &sw, &err) == 0, "devices");
    got = device(1, "rome", "x", "");
    CHECK(fl_db_device_add(db, &got, &err) == FL_E_NOENT && says("no site 'rome'"), "no such site");
    got = device(3, "paris", "x", "");
    CHECK(fl_db_device_add(db, &got, &err) == FL_E_NOENT, "another tenant's site is none");
    got = device(1, "paris", "fw-1", "");
    CHECK(fl_db_device_add(db, &got, &err) == FL_E_EXISTS && says("device 'fw-1' exists"),
          "its slug");
    got = device(1, "paris", "fw-2", "FW1");
    CHECK(fl_db_device_add(db, &got, &err) == FL_E_EXISTS && says("host name 'FW1' belongs to"),
          "its host");
    got = device(3, "berlin", "fw-1", "FW1");
    CHECK(fl_db_device_add(db, &got, &err) == 0, "both free in another tenant");
    CHECK(fl_db_device_get(db, 1, "fw-1", &got, &err) == 0 && got.id == fw.id &&
              strcmp(got.site, "berlin") == 0 && !got.relay,
          "read back");
    got.relay = true;
    (void)snprintf(got.site, sizeof got.site, "paris");
    CHECK(fl_db_device_set(db, &got, &err) == 0 &&
              fl_db_device_get(db, 1, "fw-1", &fw, &err) == 0 && fw.relay &&
              strcmp(fw.site, "paris") == 0,
          "moved");
    (void)snprintf(got.site, sizeof got.site, "rome");
    CHECK(fl_db_device_set(db, &got, &err) == FL_E_NOENT && says("no site 'rome'"), "to nowhere");
    CHECK(fl_db_site_remove(db, 1, "paris", &err) == FL_E_EXISTS && says("2 devices stand at"),
          "a site with devices stays");
    CHECK(fl_db_site_devices(db, 1, "paris", &stand, &err) == 0 && stand == 2 &&
              fl_db_site_devices(db, 3, "berlin", &stand, &err) == 0 && stand == 1 &&
              fl_db_site_devices(db, 1, "rome", &stand, &err) == 0 && stand == 0,
          "devices of a site are counted");
    CHECK(fl_db_site_get(db, 1, "paris", &s, &err) == 0, "really");
    (void)snprintf(s.slug, sizeof s.slug, "lyon");
    CHECK(fl_db_site_set(db, &s, &err) == 0 && fl_db_device_get(db, 1, "sw-1", &got, &err) == 0 &&
              strcmp(got.site, "lyon") == 0,
          "a renamed site takes its devices along");
    CHECK(fl_db_sites(db, 1, (struct fl_db_page){0}, see_site, &seen, &list, &err) == 0 &&
              strcmp(seen.text, "berlin fw-1 sw-1 lyon fw-1 sw-1 ") == 0 && list.total == 2,
          "lists within lists");
    CHECK(fl_db_device_remove(db, 1, "sw-1", &err) == 0 &&
              fl_db_device_remove(db, 1, "sw-1", &err) == FL_E_NOENT &&
              fl_db_site_remove(db, 1, "berlin", &err) == 0 &&
              fl_db_site_remove(db, 1, "berlin", &err) == FL_E_NOENT,
          "removed");
}

static void check_pages(struct fl_db *db)
{
    static const char all[] = "acme beta t00 t01 t02 t03 t04 t05 t06 t07 t08 t09 t10 t11 t12 ";
    struct fl_db_list list = {0};
    struct seen seen = {0};
    int pages = 0;

    for (int i = 12; i >= 0; i--) {
        char slug[8];
        struct fl_tenant t;

        (void)snprintf(slug, sizeof slug, "t%02d", i);
        t = tenant(slug);
        if (fl_db_tenant_add(db, &t, &err) < 0)
            abort();
    }
    do {
        struct fl_db_page page = {list.next, 4};
        char after[FL_SLUG_MAX + 1];

        (void)snprintf(after, sizeof after, "%s", list.next);
        page.after = after;
        if (fl_db_tenants(db, page, see_tenant, &seen, &list, &err) < 0)
            abort();
        pages++;
    } while (list.next[0] != '\0' && pages < 10);
    CHECK(pages == 4 && list.count == 3 && list.total == 15 && strcmp(seen.text, all) == 0,
          "four pages, in order, nothing twice");
    seen = (struct seen){0};
    CHECK(fl_db_tenants(db, (struct fl_db_page){NULL, 15}, see_tenant, &seen, &list, &err) == 0 &&
              list.next[0] == '\0' && list.count == 15,
          "a page that ends with the list has no next");
    seen = (struct seen){.db = db};
    CHECK(fl_db_tenants(db, (struct fl_db_page){NULL, 0}, see_nested, &seen, &list, &err) == 0 &&
              strcmp(seen.text, all) == 0,
          "a list within itself");
    seen = (struct seen){.stop = FL_E_LIMIT};
    CHECK(fl_db_tenants(db, (struct fl_db_page){0}, see_tenant, &seen, &list, &err) == FL_E_LIMIT,
          "the caller may stop");
}

static void check_certificates(struct fl_db *db)
{
    struct fl_certificate a = certificate(1, "fw-1", 1), b = certificate(1, "fw-1", 2), got;
    struct fl_tenant_ca ca = {.tenant = 1, .pem = "PEM", .subject = "CN=ca"}, ca_got;
    struct seen seen = {0};
    struct fl_db_list list;

    CHECK(fl_db_certificate_add(db, &a, &err) == 0 && fl_db_certificate_add(db, &b, &err) == 0,
          "two certificates");
    got = certificate(3, "fw-1", 1);
    CHECK(fl_db_certificate_add(db, &got, &err) == FL_E_EXISTS && says("belongs to a device"),
          "one certificate, one device, over all tenants");
    got = certificate(1, "none", 3);
    CHECK(fl_db_certificate_add(db, &got, &err) == FL_E_NOENT && says("no device 'none'"),
          "no such device");
    CHECK(fl_db_certificate_get(db, 0, a.fingerprint, &got, &err) == 0 && got.tenant == 1 &&
              fl_db_certificate_get(db, 3, a.fingerprint, &got, &err) == FL_E_NOENT,
          "found in any tenant, or in its own");
    CHECK(fl_db_certificate_revoke(db, 1, "other", a.fingerprint, 50, &err) == FL_E_NOENT &&
              fl_db_certificate_revoke(db, 3, "fw-1", a.fingerprint, 50, &err) == FL_E_NOENT &&
              fl_db_certificate_revoke(db, 1, "fw-1", a.fingerprint, 50, &err) == 0 &&
              fl_db_certificate_revoke(db, 1, "fw-1", a.fingerprint, 60, &err) == FL_E_EXISTS,
          "revoked once, by its owner");
    CHECK(fl_db_certificate_get(db, 1, a.fingerprint, &got, &err) == 0 && got.revoked_us == 50,
          "and it stays known as revoked");
    CHECK(fl_db_certificates(db, 1, "fw-1", (struct fl_db_page){NULL, 1}, see_certificate, &seen,
                             &list, &err) == 0 &&
              list.total == 2 && list.next[0] != '\0' &&
              fl_db_certificates(db, 1, NULL, (struct fl_db_page){list.next, 1}, see_certificate,
                                 &seen, &list, &err) == 0 &&
              strcmp(seen.text, "01 02 ") == 0 && list.next[0] == '\0',
          "listed in pages");
    CHECK(fl_db_certificates(db, 1, NULL, (struct fl_db_page){"x", 1}, see_certificate, &seen,
                             &list, &err) == FL_E_INVAL,
          "a wrong place is refused");
    CHECK(fl_db_tenant_ca_get(db, 1, &ca_got, &err) == FL_E_NOENT &&
              fl_db_tenant_ca_set(db, &ca, &err) == 0,
          "a tenant's CA");
    (void)snprintf(ca.pem, sizeof ca.pem, "PEM2");
    CHECK(fl_db_tenant_ca_set(db, &ca, &err) == 0 &&
              fl_db_tenant_ca_get(db, 1, &ca_got, &err) == 0 && strcmp(ca_got.pem, "PEM2") == 0,
          "replaced");
    ca.tenant = 99;
    CHECK(fl_db_tenant_ca_set(db, &ca, &err) == FL_E_NOENT, "of no tenant");
    CHECK(fl_db_tenant_ca_remove(db, 1, &err) == 0 &&
              fl_db_tenant_ca_remove(db, 1, &err) == FL_E_NOENT,
          "removed");
    CHECK(fl_db_device_remove(db, 1, "fw-1", &err) == 0 &&
              fl_db_certificate_get(db, 0, b.fingerprint, &got, &err) == FL_E_NOENT,
          "certificates go with their device");
}

static void check_settings(struct fl_db *db)
{
    static char value[FL_DB_SETTING_MAX + 1], big[FL_DB_SETTING_MAX + 2];

    memset(big, 'x', sizeof big - 1);
    CHECK(fl_db_setting_get(db, "a", value, &err) == FL_E_NOENT && says("setting 'a'"), "not set");
    CHECK(fl_db_setting_set(db, "a", "1", &err) == 0 &&
              fl_db_setting_set(db, "a", "22", &err) == 0 &&
              fl_db_setting_get(db, "a", value, &err) == 0 && strcmp(value, "22") == 0,
          "set, set again");
    CHECK(fl_db_setting_set(db, "a", big, &err) == FL_E_LIMIT, "too long");
    CHECK(fl_db_setting_set(db, "a", NULL, &err) == 0 &&
              fl_db_setting_get(db, "a", value, &err) == FL_E_NOENT,
          "removed");
}

static void check_observed(struct fl_db *db)
{
    struct fl_device d = device(3, "berlin", "counted", "");
    struct fl_counters c;
    struct fl_rogue rogue = {.subject = "CN=x", .reason = "unknown", .listener = "tls"};
    struct fl_db_list list;
    struct seen seen = {0};
    char clear[FL_DB_CLEAR_MAX + 1];

    if (fl_db_device_add(db, &d, &err) < 0)
        abort();
    CHECK(fl_db_counters_get(db, 3, "counted", &c, &err) == 0 && c.total[0] == 0 &&
              strcmp(c.device, "counted") == 0,
          "no counters yet: zeros");
    c.total[FL_COUNT_LINES] = 12;
    c.total[FL_COUNT_GAPS] = UINT64_MAX;
    c.seen[FL_COUNT_BYTES] = 1 << 20;
    c.boot = UINT64_MAX - 5;
    c.skew_us = -7;
    CHECK(fl_db_counters_set(db, &c, &err) == 0 && fl_db_counters_set(db, &c, &err) == 0, "stored");
    memset(&c, 0, sizeof c);
    CHECK(fl_db_counters_get(db, 3, "counted", &c, &err) == 0 && c.total[FL_COUNT_LINES] == 12 &&
              c.total[FL_COUNT_GAPS] == UINT64_MAX && c.seen[FL_COUNT_BYTES] == 1 << 20 &&
              c.boot == UINT64_MAX - 5 && c.skew_us == -7,
          "read back");
    (void)snprintf(c.device, sizeof c.device, "none");
    CHECK(fl_db_counters_set(db, &c, &err) == FL_E_NOENT, "of no device");
    for (int i = 0; i < 5; i++) {
        rogue.at_us = 100 + i;
        (void)snprintf(rogue.address, sizeof rogue.address, "10.0.0.%d", i % 3);
        if (fl_db_rogue_note(db, &rogue, &err) < 0)
            abort();
    }
    CHECK(fl_db_rogues(db, (struct fl_db_page){NULL, 2}, see_rogue, &seen, &list, &err) == 0 &&
              list.total == 3 &&
              fl_db_rogues(db, (struct fl_db_page){list.next, 2}, see_rogue, &seen, &list, &err) ==
                  0 &&
              strcmp(seen.text, "10.0.0.1 10.0.0.0 10.0.0.2 ") == 0,
          "rogues: latest first, one row a peer");
    if (fl_db_begin(db, &err) < 0)
        abort();
    for (int i = 0; i < 1100; i++) {
        rogue.at_us = 1000 + i;
        (void)snprintf(rogue.address, sizeof rogue.address, "2001:db8::%d", i);
        if (fl_db_rogue_note(db, &rogue, &err) < 0)
            abort();
    }
    CHECK(fl_db_commit(db, &err) == 0 &&
              fl_db_rogues(db, (struct fl_db_page){NULL, 1}, see_rogue, &seen, &list, &err) == 0 &&
              list.total == FL_DB_ROGUES_MAX,
          "at most so many rogues");
    CHECK(fl_db_actor_note(db, "a-1", "uid:1000", 5, &err) == 0 &&
              fl_db_actor_note(db, "a-1", "uid:1000", 6, &err) == 0 &&
              fl_db_actor_get(db, "a-1", clear, &err) == 0 && strcmp(clear, "uid:1000") == 0,
          "an actor");
    CHECK(fl_db_actor_forget(db, "a-1", &err) == 0 &&
              fl_db_actor_get(db, "a-1", clear, &err) == FL_E_NOENT &&
              fl_db_actor_forget(db, "a-1", &err) == FL_E_NOENT,
          "forgotten");
}

static void check_transactions(struct fl_db *db)
{
    struct fl_tenant t = tenant("rolled-back"), got;

    CHECK(fl_db_begin(db, &err) == 0 && fl_db_tenant_add(db, &t, &err) == 0, "begun");
    fl_db_rollback(db);
    CHECK(fl_db_tenant_get(db, "rolled-back", &got, &err) == FL_E_NOENT, "rolled back");
    CHECK(fl_db_tenant_get(db, "acme", &got, &err) == 0, "the rest stays");
}

/* Tenant and all below it go at once. */
static void check_cascade(struct fl_db *db)
{
    struct fl_certificate c = certificate(3, "counted", 9), got;
    struct fl_site s;

    CHECK(fl_db_certificate_add(db, &c, &err) == 0 && fl_db_tenant_remove(db, "beta", &err) == 0 &&
              fl_db_certificate_get(db, 0, c.fingerprint, &got, &err) == FL_E_NOENT &&
              fl_db_site_get(db, 3, "berlin", &s, &err) == FL_E_NOENT,
          "a tenant goes with its sites, devices, certificates");
}

static void check_keys(void)
{
    unsigned char wrong[FL_SQL_KEY_BYTES] = {1};
    struct fl_db *db = NULL, *second = NULL;
    struct fl_buf bytes;
    struct stat st;
    bool plain;

    CHECK(fl_db_open("a.db", wrong, 1, &db, &err) == FL_E_DENIED &&
              says("does not open with this key"),
          "a wrong key");
    fl_buf_init(&bytes, 1 << 24);
    if (fl_file_read(AT_FDCWD, "a.db", &bytes, &err) < 0)
        abort();
    plain = memmem(bytes.ptr, bytes.len, "tenants", 7) != NULL ||
            memmem(bytes.ptr, bytes.len, "acme", 4) != NULL || memcmp(bytes.ptr, "SQLite", 6) == 0;
    CHECK(!plain, "nothing in the file is plain");
    bytes.ptr[4096 + 100] ^= 1; /* one bit in the second page */
    if (fl_file_write(AT_FDCWD, "b.db", fl_buf_span(&bytes), 0600, &err) < 0)
        abort();
    CHECK(fl_db_open("b.db", key, 1, &db, &err) < 0, "a changed page is refused, not read");
    fl_buf_done(&bytes);
    if (fl_file_write(AT_FDCWD, "c.db", FL_SPAN("this is no database, but it is long enough"), 0600,
                      &err) < 0)
        abort();
    CHECK(fl_db_open("c.db", key, 1, &db, &err) < 0, "another file is refused");
    db = open_db("a.db");
    CHECK(fl_db_open("a.db", key, 1, &second, &err) == FL_E_EXISTS && says("another process"),
          "open twice is refused");
    CHECK(stat("a.db-shm", &st) != 0, "no shared index beside it");
    CHECK(stat("a.db", &st) == 0 && (st.st_mode & 0777) == 0600 && stat("a.db-wal", &st) == 0 &&
              (st.st_mode & 0777) == 0600,
          "its owner's only");
    fl_db_close(db);
    CHECK(fl_db_open("no/such/folder/x.db", key, 1, &db, &err) == FL_E_IO,
          "a path that is not there");
}

/* ---- migrations ---- */

static void fill_v1(struct fl_sql *sql)
{
    static const char rows[] =
        "INSERT INTO tenants VALUES (5, 'old', 'Old tenant', 7, 0, 0, 'vpn', '', 1);"
        "INSERT INTO sites VALUES (1, 5, 'berlin', 'Berlin', 'DE', 2);"
        "INSERT INTO devices VALUES (1, 5, 'fw-1', 'Firewall', 'berlin', 'FW1', 1, 3);"
        "INSERT INTO certificates VALUES (1, 5, 'fw-1', zeroblob(32), 'CN=fw-1', 1, 4, 5, 6, 0);"
        "INSERT INTO settings VALUES ('x', 'y');";

    if (fl_sql_run(sql, rows, &err) < 0)
        abort();
}

static void write_fixture(const char *path)
{
    struct fl_sql *sql = NULL;

    (void)unlink(path);
    if (fl_sql_open(path, key, &sql, &err) < 0 || fl_migrate(sql, 1, 1, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    fill_v1(sql);
    fl_sql_close(sql);
}

/* The file of version 1 as the first program wrote it (tests/unit/db/v1.db). */
static void check_from_v1(const char *fixtures)
{
    struct fl_db *db;
    struct fl_tenant t;
    struct fl_device d;
    struct fl_counters c;
    struct fl_certificate cert;
    struct fl_buf bytes;
    char path[4096];
    bool setup = false, data = true;

    (void)snprintf(path, sizeof path, "%s/v1.db", fixtures);
    fl_buf_init(&bytes, 1 << 20);
    if (fl_file_read(AT_FDCWD, path, &bytes, &err) < 0 ||
        fl_file_write(AT_FDCWD, "v1.db", fl_buf_span(&bytes), 0600, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    fl_buf_done(&bytes);
    db = open_db("v1.db");
    CHECK(fl_db_version(db) == fl_migration_count && fl_migration_count >= 2,
          "version 1 was brought to the newest");
    CHECK(fl_db_tenant_get(db, "old", &t, &err) == 0 && t.id == 5 && t.keep_days == 7 &&
              t.local_access_us == 0,
          "its tenant, with the new column");
    CHECK(fl_db_device_get(db, 5, "fw-1", &d, &err) == 0 && d.relay && strcmp(d.host, "FW1") == 0,
          "its device");
    CHECK(fl_db_certificate_get(db, 5, (const unsigned char[32]){0}, &cert, &err) == 0,
          "its certificate");
    CHECK(fl_db_grants_open(db, 5, 1, &setup, &data, &err) == 0 && setup && !data,
          "it lets the operator go on, without its logs");
    CHECK(fl_db_counters_get(db, 5, "fw-1", &c, &err) == 0 && fl_db_counters_set(db, &c, &err) == 0,
          "the new table takes rows of it");
    t = tenant("new");
    CHECK(fl_db_tenant_add(db, &t, &err) == 0 && t.id == 6, "numbers go on");
    fl_db_close(db);
    db = open_db("v1.db");
    CHECK(fl_db_version(db) == fl_migration_count, "opened again: nothing to do");
    fl_db_close(db);
}

static void check_newer(void)
{
    struct fl_sql *sql = NULL;
    struct fl_db *db = NULL;

    if (fl_sql_open("newer.db", key, &sql, &err) < 0 ||
        fl_migrate(sql, fl_migration_count, 1, &err) < 0 ||
        fl_sql_run(sql, "INSERT INTO migrations VALUES (999, 'future', 1)", &err) < 0)
        abort();
    fl_sql_close(sql);
    CHECK(fl_db_open("newer.db", key, 1, &db, &err) == FL_E_INVAL &&
              says("is of version 999, this program knows versions up to"),
          "a newer database is refused with a clear sentence");
}

/* A migration that fails leaves the database as it was. */
static void check_failing(void)
{
    struct fl_sql *sql = NULL;
    unsigned version = 99;

    if (fl_sql_open("failing.db", key, &sql, &err) < 0 || fl_migrate(sql, 1, 1, &err) < 0 ||
        fl_sql_run(sql, "CREATE TABLE actors (x)", &err) < 0) /* in the way of migration 2 */
        abort();
    CHECK(fl_migrate(sql, 2, 1, &err) < 0 && says("migration 2 (observed)"), "it says which one");
    CHECK(fl_migrate_version(sql, &version, &err) == 0 && version == 1 &&
              fl_sql_run(sql, "SELECT local_access_us FROM tenants", &err) < 0,
          "and nothing of it stays");
    CHECK(fl_sql_run(sql, "DROP TABLE actors", &err) == 0 && fl_migrate(sql, 2, 1, &err) == 0,
          "then it can be tried again");
    fl_sql_close(sql);
}

/* A process that dies in the middle of its work: what it committed is there, the rest is not. */
static void check_killed(void)
{
    struct fl_tenant t;
    struct fl_db *db;
    int status = 0;
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        db = open_db("killed.db");
        t = tenant("kept");
        if (fl_db_tenant_add(db, &t, &err) < 0 || fl_db_begin(db, &err) < 0)
            _exit(2);
        t = tenant("lost");
        _exit(fl_db_tenant_add(db, &t, &err) < 0 ? 3 : 0); /* no commit, no close */
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "a process that just ends");
    db = open_db("killed.db");
    CHECK(fl_db_tenant_get(db, "kept", &t, &err) == 0 &&
              fl_db_tenant_get(db, "lost", &t, &err) == FL_E_NOENT,
          "committed is kept, the rest is gone");
    fl_db_close(db);
}

static void clean_up(void)
{
    static const char *const names[] = {"a", "b", "c", "v1", "newer", "failing", "killed"};

    for (size_t i = 0; i < FL_LEN(names); i++)
        for (int k = 0; k < 2; k++) {
            char path[64];

            (void)snprintf(path, sizeof path, "%s.db%s", names[i], k == 0 ? "" : "-wal");
            (void)unlink(path);
        }
    if (chdir("/") == 0)
        (void)rmdir(dir);
}

int main(int argc, char **argv)
{
    struct fl_db *db;

    if (argc == 3 && strcmp(argv[1], "--write-fixture") == 0) {
        char path[4096];

        (void)snprintf(path, sizeof path, "%s/v1.db", argv[2]);
        write_fixture(path);
        return 0;
    }
    (void)snprintf(dir, sizeof dir, "/tmp/fl-test-XXXXXX");
    if (argc != 2 || mkdtemp(dir) == NULL || chdir(dir) < 0) {
        printf("Bail out! usage: test_db FOLDER-OF-FIXTURES\n");
        return 1;
    }
    db = open_db("a.db");
    check_tenants(db);
    check_places(db);
    check_pages(db);
    check_certificates(db);
    check_settings(db);
    check_observed(db);
    check_transactions(db);
    check_cascade(db);
    fl_db_close(db);
    check_keys();
    check_from_v1(argv[1]);
    check_newer();
    check_failing();
    check_killed();
    clean_up();
    return tap_done();
}
