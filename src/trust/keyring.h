/*
 * keyring.h - keys of stored files, as `store` sees them: made, looked up, destroyed by name.
 *
 * The hierarchy behind it (DESIGN "Keys", FORMAT.md) lives in the keys role: root wraps epoch wraps
 * tenant wraps day wraps file keys; all random, none derived. Two implementations of this
 * interface: trust/keytable.h on a folder (keys role, tests, offline tools), and
 * trust/keyring_rpc.c over the link to the keys role (store role). Calls may block for a short time
 * and come from any thread.
 */
#ifndef FL_TRUST_KEYRING_H
#define FL_TRUST_KEYRING_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define FL_KEY_BYTES     32
#define FL_FILE_ID_BYTES 16
#define FL_DAY_NONE      INT32_MIN /* a file that is not bound to a day */

struct fl_destroyed {
    uint64_t keys;               /* file keys that ceased to exist */
    uint32_t epoch;              /* that began with the destruction */
    int64_t at_us;               /* when it was done, UTC */
    char root_kind[16];          /* "file", later "pkcs11", "tpm" */
    unsigned char signature[64]; /* Ed25519 by the keys role; trust/destroyed.h says over what */
};

struct fl_key_file {
    int32_t day;
    unsigned char file_id[FL_FILE_ID_BYTES];
};
#define FL_KEY_FILES_MAX 4096u /* in one call */

struct fl_keyring; /* interface; the first member of each implementation */

struct fl_keyring_ops {
    /* A fresh random key for a new file. FL_E_EXISTS when the id is known already. */
    int (*file_new)(struct fl_keyring *k, uint32_t tenant, int32_t day,
                    const unsigned char file_id[FL_FILE_ID_BYTES],
                    unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err);
    /* FL_E_NOENT: never made, or destroyed. */
    int (*file_get)(struct fl_keyring *k, uint32_t tenant, int32_t day,
                    const unsigned char file_id[FL_FILE_ID_BYTES],
                    unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err);
    /* file_id NULL: the whole day; with day FL_DAY_NONE too: the whole tenant. On success no copy
     * of the key table, old or new, opens what was destroyed. Destroying what is not there succeeds
     * with 0 keys. */
    int (*destroy)(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *file_id,
                   const char *why, struct fl_destroyed *ret, struct fl_err *err);
    /* The same for several files of a tenant, in one epoch: ids[count] with their days. */
    int (*destroy_files)(struct fl_keyring *k, uint32_t tenant, const struct fl_key_file *files,
                         uint32_t count, const char *why, struct fl_destroyed *ret,
                         struct fl_err *err);
    /* The files of a tenant that have keys, by day, then id: free(*ret). Those of files that are no
     * longer there too (log files that were unlinked): an old copy of them would still open. */
    int (*list_files)(struct fl_keyring *k, uint32_t tenant, struct fl_key_file **ret,
                      uint32_t *ret_count, struct fl_err *err);
};

struct fl_keyring {
    const struct fl_keyring_ops *ops;
};

#endif
