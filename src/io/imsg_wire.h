/* imsg_wire.h - the frame of imsg.h, shared by its two users: imsg.c (on a loop) and rpc.c. */
#ifndef FL_IO_IMSG_WIRE_H
#define FL_IO_IMSG_WIRE_H

#include <stdbool.h>

#include "codec/msg.h"

#define FL_IMSG_HEAD_BYTES 12u
#define FL_IMSG_MAX_BYTES  (FL_IMSG_HEAD_BYTES + FL_MSG_MAX_BYTES)

struct fl_imsg_head {
    uint32_t len; /* of the whole frame */
    uint16_t type;
    uint32_t id;
};

/* Append one frame. On failure out is as it was. FL_E_DENIED when self may not send it to peer. */
int fl_imsg_put(struct fl_buf *out, enum fl_role self, enum fl_role peer, enum fl_msg_type type,
                uint32_t id, const void *msg, struct fl_err *err) FL_MUST_CHECK;

/*
 * Read the head of the frame at the front of bytes: 1, or 0 when fewer than a head are there.
 * FL_E_PROTO when the length is out of range, the type unknown or not peer's to send to self.
 */
int fl_imsg_get(struct fl_span bytes, enum fl_role self, enum fl_role peer,
                struct fl_imsg_head *ret, struct fl_err *err) FL_MUST_CHECK;

/* Does this type carry a descriptor? */
bool fl_imsg_has_fd(enum fl_msg_type type);

#endif
