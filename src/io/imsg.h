/*
 * imsg.h - messages (codec/msg.h) over a socketpair or the local socket, on a loop.
 *
 * Frame, little-endian: u32 length of the whole frame, u16 type, u16 reserved (0), u32 id, payload.
 * A descriptor may ride with a frame (SCM_RIGHTS, at most one) where the type is one of LINK, RING,
 * WAKE, LISTEN, DIR; any other is closed at once. Each received message is checked against the
 * table of rights (fl_msg_allowed) and its length before the handler sees it; a violation closes
 * the channel.
 */
#ifndef FL_IO_IMSG_H
#define FL_IO_IMSG_H

#include <stdint.h>

#include "codec/msg.h"
#include "io/loop.h"

struct fl_imsg; /* one end, non-blocking, on a loop */

struct fl_imsg_in {
    enum fl_msg_type type;
    uint32_t id;            /* of the request; answers carry it back */
    struct fl_span payload; /* borrowed until the handler returns */
    int fd;                 /* the handler's to keep and close, or -1 */
};

struct fl_imsg_ops {
    void (*message)(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in);
    void (*closed)(void *ctx, struct fl_imsg *chan, const char *why); /* free it here or later */
    void (*drained)(void *ctx,
                    struct fl_imsg *chan); /* output fell below half its limit; may be NULL */
};

/* fd becomes the channel's, also on failure. out_max_bytes bounds what may wait for a slow peer. */
int fl_imsg_new(struct fl_loop *loop, int fd, enum fl_role self, enum fl_role peer,
                size_t out_max_bytes, const struct fl_imsg_ops *ops, void *ctx,
                struct fl_imsg **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_imsg_free(struct fl_imsg *chan); /* allowed inside its callbacks */

/*
 * Queue one message. fd (or -1) is duplicated. FL_E_AGAIN when the output limit is reached: nothing
 * was queued. FL_E_IO when the channel is closed; FL_E_DENIED when self may not send this type to
 * peer. An empty queue takes one message of any size. Writing happens on the loop's next turn.
 */
int fl_imsg_send(struct fl_imsg *chan, enum fl_msg_type type, uint32_t id, const void *msg, int fd,
                 struct fl_err *err) FL_MUST_CHECK;
int fl_imsg_fail(struct fl_imsg *chan, uint32_t id,
                 const struct fl_err *why);            /* sends FL_MSG_FAIL */
int fl_imsg_flush(struct fl_imsg *chan);               /* write now what the socket takes */
size_t fl_imsg_queued(const struct fl_imsg *chan);     /* bytes waiting */
void fl_imsg_pause(struct fl_imsg *chan, int paused);  /* stop or go on reading */
uint32_t fl_imsg_peer_uid(const struct fl_imsg *chan); /* SO_PEERCRED */

/*
 * rpc: the other way to use a link: calls that wait for their answer, from any thread of the role
 * (a mutex inside). For short work of `keys` only.
 */
struct fl_rpc;
int fl_rpc_new(enum fl_role self, enum fl_role peer, struct fl_rpc **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_rpc_free(struct fl_rpc *rpc);
/* The link, at start and after the peer came back; -1: the peer is gone. fd becomes the rpc's. */
void fl_rpc_relink(struct fl_rpc *rpc, int fd);

/*
 * Send `type`/msg, wait for `answer` and decode it into *ret; its spans point into reply, which the
 * caller owns. Waits for a missing link too. FL_MSG_FAIL from the peer becomes its code and text.
 * FL_E_TIMEOUT, FL_E_IO (link lost while waiting), FL_E_PROTO. One call runs at a time; others wait
 * their turn within their own time limit. The supervisor sends the next link by fl_rpc_relink().
 */
int fl_rpc_call(struct fl_rpc *rpc, enum fl_msg_type type, const void *msg, enum fl_msg_type answer,
                void *ret, struct fl_buf *reply, int64_t timeout_ms, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * Wait for a message that the peer sends unasked (id 0), such as FL_MSG_CAP_KEY at link-up. The
 * latest one that arrived during a call on the same link is kept for this.
 */
int fl_rpc_expect(struct fl_rpc *rpc, enum fl_msg_type type, void *ret, struct fl_buf *reply,
                  int64_t timeout_ms, struct fl_err *err) FL_MUST_CHECK;

#endif
