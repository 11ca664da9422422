/*
 * loop.h - the event loop of a role: descriptors, timers, signals, and a doorbell for its threads.
 *
 * A thin cover of libevent: no other folder includes it. One loop, one thread; only fl_loop_post()
 * may be called from other threads. Callbacks must not block.
 */
#ifndef FL_IO_LOOP_H
#define FL_IO_LOOP_H

#include <stdint.h>

#include "base/err.h"

struct fl_loop;
struct fl_watch; /* one registered descriptor, timer or signal; owned by who made it */

enum fl_loop_on { FL_ON_READ = 1, FL_ON_WRITE = 2 };

int fl_loop_new(struct fl_loop **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_loop_free(struct fl_loop *loop); /* free the watches first */
void fl_loop_run(struct fl_loop *loop);  /* until fl_loop_stop() */
void fl_loop_stop(struct fl_loop *loop);

/* Call fn while fd is ready for `on` (bits of enum fl_loop_on; level-triggered). fd stays the
 * caller's. */
int fl_watch_fd(struct fl_loop *loop, int fd, int on, void (*fn)(void *ctx, int ready), void *ctx,
                struct fl_watch **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_watch_change(struct fl_watch *watch, int on); /* 0 pauses */

/* Call fn after delay_ms (negative: not before a rearm); again every delay_ms when repeat. */
int fl_watch_timer(struct fl_loop *loop, int64_t delay_ms, int repeat, void (*fn)(void *ctx),
                   void *ctx, struct fl_watch **ret, struct fl_err *err) FL_MUST_CHECK;
/* From now; a repeating timer keeps the new interval. Negative: stop it until the next rearm. */
void fl_watch_rearm(struct fl_watch *timer, int64_t delay_ms);

int fl_watch_signal(struct fl_loop *loop, int signo, void (*fn)(void *ctx), void *ctx,
                    struct fl_watch **ret, struct fl_err *err) FL_MUST_CHECK;

void fl_watch_free(struct fl_watch *watch); /* allowed inside its own callback; NULL is allowed */

/* From any thread: have fn(ctx) run once in the loop's thread, soon, in order of posting. */
int fl_loop_post(struct fl_loop *loop, void (*fn)(void *ctx), void *ctx) FL_MUST_CHECK;

#endif
