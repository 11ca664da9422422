/*
 * destroyed.h - the certificate of a destruction: what the keys role signs, and its check.
 *
 * The text is "fairlead destruction v1", u32 tenant, i32 day, u8 whether one file is meant, 16
 * bytes file id (zeros when not), u64 keys, u32 epoch, i64 time in microseconds UTC, then root kind
 * and reason as varint length and bytes; integers are little-endian. The signature is Ed25519
 * (RFC 8032) over it.
 *
 * Several files destroyed in one epoch have one certificate: "fairlead destruction v2", u32 tenant,
 * u32 count, SHA-256 over the files asked for (each i32 day, 16 bytes id; by day, then id; none
 * twice), then from u64 keys on as above.
 */
#ifndef FL_TRUST_DESTROYED_H
#define FL_TRUST_DESTROYED_H

#include "base/buf.h"
#include "trust/keyring.h"

#define FL_DESTROYED_WHY_MAX 255u

/* Append the text that is signed; why may be NULL. FL_E_LIMIT. */
int fl_destroyed_text(uint32_t tenant, int32_t day, const unsigned char *file_id, const char *why,
                      const struct fl_destroyed *d, struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;

/* Fill d->signature. secret: Ed25519, 64 bytes. */
int fl_destroyed_sign(uint32_t tenant, int32_t day, const unsigned char *file_id, const char *why,
                      const unsigned char *secret, struct fl_destroyed *d, struct fl_err *err)
    FL_MUST_CHECK;

/* FL_E_DENIED: not signed by that key (32 bytes) over exactly this. */
int fl_destroyed_verify(uint32_t tenant, int32_t day, const unsigned char *file_id, const char *why,
                        const struct fl_destroyed *d, const unsigned char *public_key,
                        struct fl_err *err) FL_MUST_CHECK;

/* The same for a list of files, which may come in any order and name one twice. */
int fl_destroyed_files_text(uint32_t tenant, const struct fl_key_file *files, uint32_t count,
                            const char *why, const struct fl_destroyed *d, struct fl_buf *out,
                            struct fl_err *err) FL_MUST_CHECK;
int fl_destroyed_files_sign(uint32_t tenant, const struct fl_key_file *files, uint32_t count,
                            const char *why, const unsigned char *secret, struct fl_destroyed *d,
                            struct fl_err *err) FL_MUST_CHECK;
int fl_destroyed_files_verify(uint32_t tenant, const struct fl_key_file *files, uint32_t count,
                              const char *why, const struct fl_destroyed *d,
                              const unsigned char *public_key, struct fl_err *err) FL_MUST_CHECK;

/* Bring a list into the order of the certificate, without repetitions; the count that is left. */
uint32_t fl_destroyed_files_sort(struct fl_key_file *files, uint32_t count);
int fl_destroyed_files_cmp(const void *a, const void *b); /* of two struct fl_key_file */

#endif
