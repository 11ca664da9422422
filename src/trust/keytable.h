/*
 * keytable.h - the hierarchy of keys on a folder: root wraps epoch wraps tenants wrap days wrap
 * files.
 *
 * FORMAT.md describes the files `table` and `epoch`. Making a key is one synced append. Destroying
 * one renews every key above it and begins a new epoch: once the file `epoch` was replaced, no copy
 * of the table, old or new, opens what was destroyed. In memory only the root key and the epoch key
 * are plain (locked where the system lets us, wiped at the end).
 *
 * Any thread may call (a mutex inside). After a failure that leaves it unknown what is on the disk
 * every further call fails with FL_E_IO: open the table anew.
 */
#ifndef FL_TRUST_KEYTABLE_H
#define FL_TRUST_KEYTABLE_H

#include "trust/keyring.h"
#include "trust/root.h"

struct fl_keytable;

struct fl_keytable_config {
    int dir_fd;           /* the folder; borrowed */
    struct fl_root *root; /* borrowed until free */
    const unsigned char
        *sign_secret; /* Ed25519, 64 bytes, for certificates of destruction; copied */
    int64_t (*now_us)(void);
    /* For tests: called before each step that touches the disk; nonzero stops there, as a crash
     * would, and the table is of no more use. NULL otherwise. */
    int (*step)(void *ctx, const char *what);
    void *step_ctx;
};

/*
 * Open the table, or begin one where the folder holds neither table nor epoch. Removes what an
 * interrupted replacement left. FL_E_EXISTS: another process has it open. FL_E_CORRUPT: damaged, or
 * table and epoch file do not belong together. FL_E_NOENT: one of the two is missing.
 */
int fl_keytable_open(const struct fl_keytable_config *config, struct fl_keytable **ret,
                     struct fl_err *err) FL_MUST_CHECK;
void fl_keytable_free(struct fl_keytable *table); /* NULL is allowed */

struct fl_keyring *fl_keytable_keyring(struct fl_keytable *table); /* lives as long as the table */

/*
 * For another root key (root_change.h): new keys for every tenant and day in a frame of the next
 * epoch, whose key goes into the file `name`, wrapped by root. Once that file is `epoch`, the frame
 * counts; until then a restart drops it. The table takes no more calls: open it anew.
 */
int fl_keytable_renew(struct fl_keytable *table, struct fl_root *root, const char *name,
                      struct fl_err *err) FL_MUST_CHECK;

struct fl_keytable_stat {
    uint32_t epoch;
    uint64_t tenants, days, files;
    uint64_t lost; /* keys found unreadable when they were to be wrapped anew, since opening */
    uint64_t file_bytes; /* of the table */
    uint64_t live_bytes; /* of them in use; the rest goes with the next rewriting */
    char root_kind[16];
};
/* Nothing is known of the disk any more: only a restart helps. */
bool fl_keytable_broken(struct fl_keytable *table);
void fl_keytable_stat(struct fl_keytable *table, struct fl_keytable_stat *ret);

#endif
