/*
 * people.h - what needs a password to be hashed: signing in, changing a password, a temporary one.
 *
 * In this order: how often the source tries (throttle), is there room in the pool, is the try
 * allowed (counted in the database, synced), then hashing on a thread, then the result into the
 * database. So a flood is refused before it costs anything, and wrong passwords tried side by side
 * are counted before the first of them is hashed. The loop never waits.
 *
 * Names that are not there, locked and disabled accounts are hashed like others, against a hash
 * that nothing fits, and get the same answer.
 */
#ifndef FL_TRUST_PEOPLE_H
#define FL_TRUST_PEOPLE_H

#include "io/pool.h"
#include "trust/accounts.h"
#include "trust/throttle.h"

#define FL_PEOPLE_QUEUE_PER_THREAD 8u
#define FL_PEOPLE_WAIT_US          (INT64_C(5) * 1000000) /* in the queue */

struct fl_people {
    struct fl_accounts *accounts;
    struct fl_pool *pool;
    struct fl_throttle *throttle;
    int64_t (*now_us)(void);
    int64_t (*mono_us)(void); /* of the throttle */
    uint64_t hashed;          /* passwords verified against a stored hash; for tests and figures */
};

struct fl_people_answer {
    int code; /* 0, or as accounts.h says; then err has the text */
    struct fl_err err;
    uint32_t user;                           /* whose it was */
    bool locked;                             /* this try began a lock */
    struct fl_session session;               /* of signing in and changing */
    struct fl_account account;               /* of a reset */
    char temporary[FL_TEMPORARY_TEXT_BYTES]; /* the password that was made */
};

/* Who waits. done is called once, on the loop, unless the pool ends first: then drop is. */
struct fl_people_wait {
    void *ctx;
    void (*done)(void *ctx, const struct fl_people_answer *answer);
    void (*drop)(void *ctx);
};

/* Each: 0, and the answer comes to `wait`; or a failure at once, and wait stays the caller's. */
int fl_people_sign_in(struct fl_people *people, const struct fl_msg_sign_in *ask,
                      const struct fl_people_wait *wait, struct fl_err *err) FL_MUST_CHECK;
int fl_people_change(struct fl_people *people, const struct fl_msg_session_password *ask,
                     const struct fl_people_wait *wait, struct fl_err *err) FL_MUST_CHECK;
int fl_people_reset(struct fl_people *people, const struct fl_msg_account_reset *ask,
                    const struct fl_people_wait *wait, struct fl_err *err) FL_MUST_CHECK;

#endif
