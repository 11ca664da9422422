/*
 * db.h - the control database: tenants, sites, devices, certificates, settings, what was observed.
 *
 * One connection, one thread (core's loop). Every call is one transaction, synced when it returns;
 * fl_db_begin() joins several. What is stored was checked by its fl_*_check() first, here.
 *
 * Errors name the thing: FL_E_NOENT "there is no site 'berlin'", FL_E_EXISTS, FL_E_INVAL from the
 * check. Lists are in a stable order and paged: `after` is the `next` of the page before ("" or
 * NULL: from the beginning), limit 0 means all. A list calls fn for each row, which may call other
 * functions here; a negative answer ends the list and is returned.
 */
#ifndef FL_DB_DB_H
#define FL_DB_DB_H

#include "db/sql.h"
#include "model/device.h"
#include "model/rogue.h"
#include "model/site.h"
#include "model/tenant.h"

#define FL_DB_ROGUES_MAX    1000u /* the oldest go first */
#define FL_DB_SETTING_MAX   4096u /* bytes of a value */
#define FL_DB_PSEUDONYM_MAX 64u
#define FL_DB_CLEAR_MAX     1024u

struct fl_db;

struct fl_db_page {
    const char *after;
    uint32_t limit;
};

struct fl_db_list {
    uint64_t total;             /* over all pages */
    uint32_t count;             /* in this one */
    char next[FL_SLUG_MAX + 1]; /* "" = this was the last page */
};

/*
 * Open or make the database, and bring it to the newest version (db/migrate.h). path is a file name
 * in the working folder, or absolute; beside it stands its write-ahead log. FL_E_DENIED: wrong key.
 * FL_E_EXISTS: open in another process. FL_E_INVAL: written by a newer program.
 */
int fl_db_open(const char *path, const unsigned char key[FL_SQL_KEY_BYTES], int64_t now_us,
               struct fl_db **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_db_close(struct fl_db *db); /* NULL is allowed */
unsigned fl_db_version(const struct fl_db *db);

int fl_db_begin(struct fl_db *db, struct fl_err *err) FL_MUST_CHECK;
int fl_db_commit(struct fl_db *db, struct fl_err *err) FL_MUST_CHECK;
void fl_db_rollback(struct fl_db *db);

/* ---- tenants, by slug ---- */

int fl_db_tenant_add(struct fl_db *db, struct fl_tenant *tenant, struct fl_err *err)
    FL_MUST_CHECK; /* fills id */
int fl_db_tenant_get(struct fl_db *db, const char *slug, struct fl_tenant *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_tenant_by_id(struct fl_db *db, uint32_t id, struct fl_tenant *ret, struct fl_err *err)
    FL_MUST_CHECK;
/* The whole row, found by id. */
int fl_db_tenant_set(struct fl_db *db, const struct fl_tenant *tenant, struct fl_err *err)
    FL_MUST_CHECK;
/* With its sites, devices, certificates, counters and CA. */
int fl_db_tenant_remove(struct fl_db *db, const char *slug, struct fl_err *err) FL_MUST_CHECK;
int fl_db_tenants(struct fl_db *db, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_tenant *tenant), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- a tenant's own CA ---- */

int fl_db_tenant_ca_get(struct fl_db *db, uint32_t tenant, struct fl_tenant_ca *ret,
                        struct fl_err *err) FL_MUST_CHECK;
int fl_db_tenant_ca_set(struct fl_db *db, const struct fl_tenant_ca *ca, struct fl_err *err)
    FL_MUST_CHECK; /* adds or replaces */
int fl_db_tenant_ca_remove(struct fl_db *db, uint32_t tenant, struct fl_err *err) FL_MUST_CHECK;

/* ---- sites of a tenant, by slug ---- */

int fl_db_site_add(struct fl_db *db, struct fl_site *site, struct fl_err *err) FL_MUST_CHECK;
int fl_db_site_get(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_site *ret,
                   struct fl_err *err) FL_MUST_CHECK;
int fl_db_site_set(struct fl_db *db, const struct fl_site *site, struct fl_err *err) FL_MUST_CHECK;
/* FL_E_EXISTS: devices stand there still. */
int fl_db_site_remove(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_err *err)
    FL_MUST_CHECK;
/* How many devices stand there; 0 also where there is no such site. */
int fl_db_site_devices(struct fl_db *db, uint32_t tenant, const char *slug, uint64_t *ret,
                       struct fl_err *err) FL_MUST_CHECK;
int fl_db_sites(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_site *site), void *ctx, struct fl_db_list *ret,
                struct fl_err *err) FL_MUST_CHECK;

/* ---- devices of a tenant, by slug ---- */

/* FL_E_NOENT: no such site. FL_E_EXISTS: the slug, or the host, belongs to another device. */
int fl_db_device_add(struct fl_db *db, struct fl_device *device, struct fl_err *err) FL_MUST_CHECK;
int fl_db_device_get(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_device *ret,
                     struct fl_err *err) FL_MUST_CHECK;
int fl_db_device_set(struct fl_db *db, const struct fl_device *device, struct fl_err *err)
    FL_MUST_CHECK;
/* With its certificates and counters. */
int fl_db_device_remove(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_devices(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_device *device), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- certificates ---- */

/* FL_E_EXISTS: the certificate is known already, here or in another tenant. */
int fl_db_certificate_add(struct fl_db *db, struct fl_certificate *cert, struct fl_err *err)
    FL_MUST_CHECK;
/* tenant 0: in any. */
int fl_db_certificate_get(struct fl_db *db, uint32_t tenant, const unsigned char fingerprint[32],
                          struct fl_certificate *ret, struct fl_err *err) FL_MUST_CHECK;
/* FL_E_EXISTS: revoked already. */
int fl_db_certificate_revoke(struct fl_db *db, uint32_t tenant, const char *device,
                             const unsigned char fingerprint[32], int64_t at_us, struct fl_err *err)
    FL_MUST_CHECK;
/* Oldest first. device NULL: of all devices of the tenant. */
int fl_db_certificates(struct fl_db *db, uint32_t tenant, const char *device,
                       struct fl_db_page page,
                       int (*fn)(void *ctx, const struct fl_certificate *cert), void *ctx,
                       struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- settings: small texts of the instance ---- */

/* FL_E_NOENT when it was never set. ret holds FL_DB_SETTING_MAX + 1 bytes. */
int fl_db_setting_get(struct fl_db *db, const char *name, char *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_setting_set(struct fl_db *db, const char *name, const char *value, struct fl_err *err)
    FL_MUST_CHECK; /* NULL removes it */

/* ---- what was observed ---- */

/* All zero where nothing was stored yet. */
int fl_db_counters_get(struct fl_db *db, uint32_t tenant, const char *device,
                       struct fl_counters *ret, struct fl_err *err) FL_MUST_CHECK;
/* FL_E_NOENT: no such device. */
int fl_db_counters_set(struct fl_db *db, const struct fl_counters *counters, struct fl_err *err)
    FL_MUST_CHECK;

/* A refused peer: a new row, or one more sighting of the same fingerprint, address, reason and
 * listener. id, first_us and count of the argument do not matter. */
int fl_db_rogue_note(struct fl_db *db, const struct fl_rogue *rogue, struct fl_err *err)
    FL_MUST_CHECK;
/* Latest sighting first. */
int fl_db_rogues(struct fl_db *db, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_rogue *rogue), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* Who is behind a pseudonym of the event log (trust/audit.h). Noting it again changes nothing. */
int fl_db_actor_note(struct fl_db *db, const char *pseudonym, const char *clear, int64_t at_us,
                     struct fl_err *err) FL_MUST_CHECK;
/* ret holds FL_DB_CLEAR_MAX + 1 bytes. */
int fl_db_actor_get(struct fl_db *db, const char *pseudonym, char *ret, struct fl_err *err)
    FL_MUST_CHECK;
/* Erase the link for good: nothing of it is left in the database's files. Not between begin and
 * commit. */
int fl_db_actor_forget(struct fl_db *db, const char *pseudonym, struct fl_err *err) FL_MUST_CHECK;

#endif
