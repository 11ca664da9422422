/*
 * pool.h - a few threads for work that takes too long for the loop: hashing passwords (a tenth of a
 * second, tens of megabytes each), calculations. What waits is bounded, in number and in time, so
 * that a flood of requests costs no more memory than the threads have, and the loop goes on
 * answering.
 *
 * The threads run at a lower priority than the loop: requests of people who wait go first.
 */
#ifndef FL_IO_POOL_H
#define FL_IO_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

#define FL_POOL_THREADS_MAX 16u

struct fl_pool;

/* The first member of what somebody wants done; whoever submitted it owns it again at done. */
struct fl_pool_job {
    struct fl_pool_job *next;
    int64_t not_after_us; /* of fl_now_mono_us(): one that has not begun by then does not begin */
    bool ran;             /* for done: false when its time was over */
    void (*work)(struct fl_pool_job *job); /* on a thread of the pool */
    void (*done)(struct fl_pool_job *job); /* on the loop */
    void (*drop)(struct fl_pool_job *job); /* the pool ends: free it, answer nobody */
};

/* queue_max: jobs that wait, beside those that run. */
int fl_pool_new(struct fl_loop *loop, unsigned threads, unsigned queue_max, struct fl_pool **ret,
                struct fl_err *err) FL_MUST_CHECK;
/* Waits for the jobs that run; every job that is not done is dropped. NULL is allowed. */
void fl_pool_free(struct fl_pool *pool);

/* Is there room for one more? Only the loop's thread adds, so the answer holds until it does. */
bool fl_pool_has_room(struct fl_pool *pool);
/* FL_E_AGAIN: no room; the job stays the caller's. */
int fl_pool_submit(struct fl_pool *pool, struct fl_pool_job *job, struct fl_err *err) FL_MUST_CHECK;

#endif
