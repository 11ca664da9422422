/*
 * grants.h - which tenants' data may be read from the local socket, until when: kept by the keys
 * role itself.
 *
 * The file `grants` is replaced at each change and sealed under the root key. An entry that is over
 * its time is dropped at the next change.
 */
#ifndef FL_TRUST_GRANTS_H
#define FL_TRUST_GRANTS_H

#include "trust/root.h"

#define FL_GRANTS_FILE "grants"
#define FL_GRANTS_MAX  100000u

struct fl_grants;

/* An absent file is an empty set. FL_E_CORRUPT. */
int fl_grants_open(int dir_fd, struct fl_root *root, struct fl_grants **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_grants_free(struct fl_grants *grants); /* NULL is allowed */

/* until_us: when it ends (INT64_MAX: never, the demonstration tenant); at or before now_us: it is
 * taken back. Synced when it returns. */
int fl_grants_set(struct fl_grants *grants, uint32_t tenant, int64_t until_us, int64_t now_us,
                  struct fl_err *err) FL_MUST_CHECK;

/* The same list, sealed by another root key, as the file `name`. */
int fl_grants_rewrap(const struct fl_grants *grants, struct fl_root *root, const char *name,
                     struct fl_err *err) FL_MUST_CHECK;

/* When the tenant's grant ends, or 0 where none is alive at now_us. */
int64_t fl_grants_until(const struct fl_grants *grants, uint32_t tenant, int64_t now_us);

#endif
