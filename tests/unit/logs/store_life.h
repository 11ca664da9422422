/*
 * store_life.h - a scripted life of a store on a powerfs, and what must be true of the rows at any
 * moment of it: after a power loss, a kill, an error.
 *
 * Every row is told by its tenant and number (MESSAGE is "row N ..."), so that it can be compared
 * with what was handed over, byte by byte. Sessions go over many rows with counters that only grow:
 * a row that is lost, taken twice or summed against a wrong baseline shows in the derived columns.
 */
#ifndef FL_TESTS_STORE_LIFE_H
#define FL_TESTS_STORE_LIFE_H

#include "logs/store.h"
#include "logs/store_erase.h"
#include "powerfs.h"
#include "store_help.h"

#define LIFE_NOW_US (INT64_C(1750000000) * FL_US_PER_S) /* 2025-06-15, 15:06 */

enum { LIFE_TENANTS = 3, LIFE_BATCHES_MAX = 256, LIFE_STEPS_MAX = 512, LIFE_ROWS_MAX = 2048 };

enum life_do {
    LIFE_RULE,   /* tenant keeps a days */
    LIFE_APPEND, /* batch a */
    LIFE_COMMIT,
    LIFE_TICK,
    LIFE_SEAL,
    LIFE_PURGE,  /* tenant, days a..b from the first; a INT32_MIN: the whole tenant */
    LIFE_ERASE,  /* tenant, user a */
    LIFE_KILL,   /* the process ends as with kill -9 and another begins */
    LIFE_RESTART /* it ends in order, and another begins */
};

struct life_step {
    enum life_do what;
    uint32_t tenant;
    int32_t a, b;
    int64_t now_us;
};

enum life_state { LIFE_NOT, LIFE_PENDING, LIFE_COMMITTED, LIFE_GONE };

struct life_batch {
    uint32_t tenant, rows;
    uint64_t first; /* number of its first row */
    int64_t at_us;
    int32_t day;
    enum life_state state;
    bool dying;   /* its day is being destroyed */
    uint64_t seq; /* of its first row, as seen once it was committed; 0: not seen */
};

enum { LIFE_USERS = 5 };

struct life_erased { /* of one user: rows up to this number */
    uint64_t upto;
    bool begun, done; /* begun: the ledger has it, the next start ends it */
};

/* A ledger in memory, which is durable at once. */
struct life_ledger {
    struct fl_ledger_link link;
    struct life_ledger_item {
        unsigned char rule[512];
        size_t len;
        bool done;
    } item[4];
    uint64_t count;
};

struct life_script {
    struct life_step step[LIFE_STEPS_MAX];
    uint32_t steps;
    struct life_batch batch[LIFE_BATCHES_MAX];
    uint32_t batches;
    uint64_t next_row[LIFE_TENANTS + 1];
    int64_t now_us; /* while it is written */
};

struct life {
    const struct life_script *script;
    struct powerfs *fs;
    struct memkeys *keys;
    struct fl_store *store;
    uint32_t at; /* the step to do next */
    struct life_batch batch[LIFE_BATCHES_MAX];
    uint32_t keep_days[LIFE_TENANTS + 1]; /* 0: no rule */
    struct life_erased erased[LIFE_TENANTS + 1][LIFE_USERS];
    struct life_ledger *ledger;
    bool purged[LIFE_TENANTS + 1]; /* counters may begin anew: a delta is right or absent */
    uint64_t wal_max_bytes;
    struct fl_buf bytes;
    bool damaged;    /* files were: rows may be missing, but those that are there are right */
    char wrong[256]; /* a step found that something is not as it must be */
};

extern int64_t life_clock_us;
extern bool life_looks; /* the test itself reads: no time for faults */
/* Asked before each call of the keyring: 0, or it fails with FL_E_IO: 1 before, 2 after it did what
 * it was asked. */
extern int (*life_key_fault)(void);

/* The long one uses everything; the short one is for runs once per call. */
void life_write(struct life_script *script, bool full);

/* fs and keys are taken over. */
void life_begin(struct life *l, const struct life_script *script, struct powerfs *fs,
                struct memkeys *keys);
void life_end(struct life *l);     /* closes in order */
void life_abandon(struct life *l); /* as killed; frees fs and keys */
/* The same moment on another disk, which is taken over; its keys and its ledger are copies. */
void life_branch(const struct life *from, struct powerfs *fs, struct life *ret);
struct memkeys *life_keys_new(void);
struct life_ledger *life_ledger_new(const struct life_ledger *from); /* a copy; NULL: empty */
struct memkeys *life_keys_copy(const struct memkeys *keys);

/* Opens the store and gives it its rules. */
int life_open(struct life *l, struct fl_err *err);
void life_kill(struct life *l); /* the process ends; nothing more reaches the disk */
/* After life_open() of a store that did not end in order: what is pending is there whole, or is
 * handed over again as the ring does. Call life_check() before. */
int life_resend(struct life *l, struct fl_err *err);
int life_step(struct life *l, struct fl_err *err); /* does the step `at`; at++ when it succeeds */

/*
 * Is every committed row there once, with its bytes and its number; no purged row; of what is
 * pending whole batches or nothing; of a day that is being destroyed all or nothing? NULL, or what
 * is wrong (static). final: nothing is pending or dying any more.
 */
const char *life_check(struct life *l, bool final);

#endif
