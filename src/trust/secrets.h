/*
 * secrets.h - the named secrets of an instance: its own keys, each wrapped by the root key.
 *
 * They live apart from the key table because destroying log keys must not touch them: the file
 * `secrets` stands outside the epochs, may be in a backup, and opens with the root key alone.
 */
#ifndef FL_TRUST_SECRETS_H
#define FL_TRUST_SECRETS_H

#include "base/buf.h"
#include "trust/root.h"

#define FL_SECRETS_FILE      "secrets"
#define FL_SECRET_NAME_MAX   32u
#define FL_SECRET_BYTES_MAX  ((size_t)16 * 1024)
#define FL_SECRETS_COUNT_MAX 64u

struct fl_secrets;

/* An absent file is an empty set. FL_E_CORRUPT. */
int fl_secrets_open(int dir_fd, struct fl_root *root, struct fl_secrets **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_secrets_free(struct fl_secrets *secrets); /* NULL is allowed */

/* Append the secret to out, which the caller wipes. FL_E_NOENT; FL_E_CORRUPT. */
int fl_secrets_get(const struct fl_secrets *secrets, const char *name, struct fl_buf *out,
                   struct fl_err *err) FL_MUST_CHECK;
/* Add or replace, synced when it returns. */
int fl_secrets_put(struct fl_secrets *secrets, const char *name, struct fl_span secret,
                   struct fl_err *err) FL_MUST_CHECK;
/* The same secrets, wrapped by another root key, as the file `name`. */
int fl_secrets_rewrap(const struct fl_secrets *secrets, struct fl_root *root, const char *name,
                      struct fl_err *err) FL_MUST_CHECK;
/* Exactly len bytes; made of random bytes where the name is not known. */
int fl_secrets_random(struct fl_secrets *secrets, const char *name, unsigned char *ret, size_t len,
                      struct fl_err *err) FL_MUST_CHECK;

#endif
