/*
 * store_swap.h - the bytes of a .swap file (FORMAT.md section 4a): which segments another one
 * replaces. Pure; the reader takes any bytes.
 */
#ifndef FL_LOGS_STORE_SWAP_H
#define FL_LOGS_STORE_SWAP_H

#include "base/buf.h"
#include "trust/keyring.h"

#define FL_SWAP_OLD_MAX    1024u
#define FL_SWAP_NAME_BYTES 40 /* "<32 hex>.swap" and NUL */

struct fl_swap {
    uint32_t tenant;
    int32_t day;
    bool nothing; /* no row was left: there is no new segment */
    uint32_t count;
    unsigned char id[FL_FILE_ID_BYTES]; /* of the new segment */
    unsigned char old[FL_SWAP_OLD_MAX][FL_FILE_ID_BYTES];
};

void fl_swap_encode(const struct fl_swap *swap, struct fl_buf *out);
int fl_swap_decode(struct fl_span bytes, struct fl_swap *ret, struct fl_err *err) FL_MUST_CHECK;
void fl_swap_name(const unsigned char id[FL_FILE_ID_BYTES], char ret[FL_SWAP_NAME_BYTES]);
#define FL_SWAP_MAX_BYTES (44u + FL_FILE_ID_BYTES * FL_SWAP_OLD_MAX)

#endif
