/*
 * cap.h - capabilities: who may ask `store` for what, until when. Minted by keys (Ed25519), checked
 * by store.
 *
 * Layout, little-endian: u8 version (1), u32 tenant, u32 scope, i64 not_after_us, u64 number,
 * u8 purpose length + purpose, 64 bytes Ed25519 signature over all before it with the context
 * "fairlead capability v1". The verifier holds only the public key of the running keys process: a
 * restart of keys ends all.
 */
#ifndef FL_TRUST_CAP_H
#define FL_TRUST_CAP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum fl_cap_scope {
    FL_CAP_READ = 1 << 0,   /* top, series, latest, facets, context, tail */
    FL_CAP_EXPORT = 1 << 1, /* export with raw lines */
    FL_CAP_PURGE = 1 << 2,  /* purge ranges, erase persons */
    FL_CAP_REVEAL = 1 << 3, /* see names and addresses of persons, which are masked otherwise */
};

#define FL_CAP_MAX_BYTES    256
#define FL_CAP_PURPOSE_MAX  32
#define FL_CAP_PUBLIC_BYTES 32
#define FL_CAP_SECRET_BYTES 64

struct fl_cap {
    uint32_t tenant;
    uint32_t scope; /* bits of enum fl_cap_scope */
    int64_t not_after_us;
    uint64_t number; /* of this capability, for the audit */
    char purpose[FL_CAP_PURPOSE_MAX + 1];
};

void fl_cap_keypair(unsigned char ret_public[FL_CAP_PUBLIC_BYTES],
                    unsigned char ret_secret[FL_CAP_SECRET_BYTES]);
int fl_cap_mint(const struct fl_cap *cap, const unsigned char secret[FL_CAP_SECRET_BYTES],
                struct fl_buf *out, struct fl_err *err) FL_MUST_CHECK;
/* FL_E_DENIED with the reason: not signed by that key, over its time, or lacks a bit of need. */
int fl_cap_check(struct fl_span bytes, const unsigned char public_key[FL_CAP_PUBLIC_BYTES],
                 int64_t now_us, uint32_t need, struct fl_cap *ret, struct fl_err *err)
    FL_MUST_CHECK;

#endif
