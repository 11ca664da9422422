/*
 * again.h - inside api: a creation that is asked for twice with one Idempotency-Key is done once.
 *
 * The first answer (status 200 to 299) is kept for a day under the caller and the key, in the
 * control database, and given again with the header Idempotency-Replayed. The same key with another
 * request is 422; while the first is in work, 409. An answer that showed a secret is not kept: 409
 * `shown_once`. What failed is not kept.
 */
#ifndef FL_API_AGAIN_H
#define FL_API_AGAIN_H

#include "api/route.h"

/* 1: was answered; 0: go on; negative: err is answered as a problem. */
int fl_again_begin(struct fl_req *req, struct fl_err *err) FL_MUST_CHECK;
void fl_again_end(struct fl_req *req);   /* the answer is complete */
void fl_again_drop(struct fl_req *req);  /* it never will be */
void fl_again_start(struct fl_api *api); /* what a process before left in work may be tried again */

#endif
