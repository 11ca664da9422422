/*
 * keymap.h - the key table in memory: tenants, their days, the days' files, each with its wrapped
 * key.
 *
 * Only wrapped keys are held here; the plain ones exist for as long as one call of keytable.h
 * takes. No cryptography, no files. Pointers into the map are borrowed until its next change.
 */
#ifndef FL_TRUST_KEYMAP_H
#define FL_TRUST_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "trust/keyring.h"
#include "trust/wrap.h"

#define FL_KEYMAP_TENANTS_MAX   100000u
#define FL_KEYMAP_DAYS_MAX      4096u           /* of one tenant */
#define FL_KEYMAP_DAY_FILES_MAX 262144u         /* of one day of one tenant */
#define FL_KEYMAP_FILES_MAX     (4u * 1000000u) /* of all */

struct fl_keymap_file {
    unsigned char id[FL_FILE_ID_BYTES];
    unsigned char wrap[FL_WRAP_KEY_BYTES]; /* under the day's key */
    bool used;
};

struct fl_keymap_day {
    int32_t day;
    unsigned char wrap[FL_WRAP_KEY_BYTES]; /* under the tenant's key */
    struct fl_keymap_file *slots;          /* owned; open addressing; unused ones are zero */
    size_t cap, files;
};

struct fl_keymap_tenant {
    uint32_t tenant;
    unsigned char wrap[FL_WRAP_KEY_BYTES]; /* under the epoch key */
    struct fl_keymap_day *days;            /* owned; in order of arrival */
    size_t cap, day_count;
};

struct fl_keymap {
    struct fl_keymap_tenant *tenants; /* owned; by number */
    size_t cap, tenant_count;
    uint64_t days, files;   /* over all tenants */
    unsigned char seed[16]; /* so that nobody can choose ids that collide */
};

void fl_keymap_init(struct fl_keymap *map);
void fl_keymap_done(struct fl_keymap *map); /* fit for FL_AUTO */

/* NULL when there is none. */
struct fl_keymap_tenant *fl_keymap_tenant(const struct fl_keymap *map, uint32_t tenant);
struct fl_keymap_day *fl_keymap_day(const struct fl_keymap_tenant *tenant, int32_t day);
struct fl_keymap_file *fl_keymap_file(const struct fl_keymap *map, const struct fl_keymap_day *day,
                                      const unsigned char id[FL_FILE_ID_BYTES]);

/* Add it, or give it another wrapped key. FL_E_LIMIT, FL_E_NOMEM; FL_E_NOENT: no such parent. */
int fl_keymap_put_tenant(struct fl_keymap *map, uint32_t tenant, const unsigned char *wrap,
                         struct fl_err *err) FL_MUST_CHECK;
int fl_keymap_put_day(struct fl_keymap *map, uint32_t tenant, int32_t day,
                      const unsigned char *wrap, struct fl_err *err) FL_MUST_CHECK;
int fl_keymap_put_file(struct fl_keymap *map, uint32_t tenant, int32_t day,
                       const unsigned char id[FL_FILE_ID_BYTES], const unsigned char *wrap,
                       struct fl_err *err) FL_MUST_CHECK;

/* Remove it with all below it; what is not there is no error. The number of files that went. */
uint64_t fl_keymap_drop_tenant(struct fl_keymap *map, uint32_t tenant);
uint64_t fl_keymap_drop_day(struct fl_keymap *map, uint32_t tenant, int32_t day);
uint64_t fl_keymap_drop_file(struct fl_keymap *map, uint32_t tenant, int32_t day,
                             const unsigned char id[FL_FILE_ID_BYTES]);

#endif
