/*
 * throttle.h - how often one source may try: a bucket of tries per source, which fills up again.
 *
 * The table has a fixed size: sources that fall into the same slot (by a keyed hash that nobody
 * outside can compute) share a bucket. An IPv6 source is its /64; what is no address is one as a
 * whole.
 */
#ifndef FL_TRUST_THROTTLE_H
#define FL_TRUST_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define FL_THROTTLE_BURST   20u                    /* tries at once */
#define FL_THROTTLE_FILL_US (INT64_C(3) * 1000000) /* then one in so much time */

struct fl_throttle;

int fl_throttle_new(struct fl_throttle **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_throttle_free(struct fl_throttle *throttle); /* NULL is allowed */

/* Take a try; false: there is none now. now_mono_us never goes back. */
bool fl_throttle_take(struct fl_throttle *throttle, struct fl_span peer, int64_t now_mono_us);

#endif
