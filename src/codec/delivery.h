/*
 * delivery.h - what ingest puts into the ring for store: one batch of one tenant, and which rows of
 * which connections it holds, so that store can tell ingest what was accepted.
 *
 * Layout, little-endian: u8 version (1), u32 tenant, u16 count, count x (u64 conn, u64 upto),
 * batch (codec/record.h) to the end.
 */
#ifndef FL_CODEC_DELIVERY_H
#define FL_CODEC_DELIVERY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define FL_DELIVERY_MAX_CONNS 1024u
#define FL_DELIVERY_MAX_BYTES                                                                      \
    (((size_t)1 << 20) + 32 * 1024) /* FL_BATCH_MAX_BYTES and the head                             \
                                     */

struct fl_delivery_conn {
    uint64_t conn; /* number of the connection, unique for the life of the ring */
    uint64_t upto; /* this batch ends at this row of it, counted from 1 */
};

void fl_delivery_put(uint32_t tenant, const struct fl_delivery_conn *conns, uint16_t count,
                     struct fl_span batch, struct fl_buf *out);

struct fl_delivery {
    uint32_t tenant;
    uint16_t count;
    struct fl_delivery_conn conns[FL_DELIVERY_MAX_CONNS];
    struct fl_span batch; /* borrowed; not yet checked */
};

/* FL_E_CORRUPT when the bytes do not fit the layout. */
int fl_delivery_get(struct fl_span bytes, struct fl_delivery *ret, struct fl_err *err)
    FL_MUST_CHECK;

#endif
