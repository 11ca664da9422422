/* work_int.h - inside work: what its files share. */
#ifndef FL_API_WORK_INT_H
#define FL_API_WORK_INT_H

#include "api/work.h"
#include "io/pool.h"

struct fl_work_answer { /* kept; newest first */
    struct fl_work_answer *next;
    uint32_t tenant;
    uint64_t version;
    char *question; /* owned, as the bytes are */
    unsigned char *bytes;
    size_t len;
};

struct fl_work_slot; /* a tenant's network: work_net.c */

struct fl_work {
    struct fl_loop *loop; /* NULL: everything within the call */
    struct fl_pool *quick, *slow;
    struct fl_db *db;
    int64_t (*now_us)(void);
    struct fl_work_job *jobs; /* all that are not ended */
    unsigned job_count;
    struct fl_work_answer *answers;
    size_t answer_bytes;
    unsigned answer_count;
    struct fl_work_slot *slots;
    struct fl_work_slot *loading; /* the one whose rows are read or built now */
    struct fl_watch *turn;        /* goes on reading */
    int64_t load_us;
};

struct fl_work_job {
    struct fl_pool_job pool; /* first */
    struct fl_work *work;
    struct fl_work_job *next;
    struct fl_work_ask ask;
    char *question; /* owned */
    struct fl_work_in in;
    atomic_bool stop;
    atomic_uint done_parts;
    struct fl_arena arena;
    struct fl_buf out;
    bool waits_net, dropped;
    int r;
    struct fl_err err;
    void (*end)(void *ctx, const struct fl_work_in *in, int r, const struct fl_err *err);
    void *ctx;
};

/* ---- work_net.c ---- */

/* 1: *ret is a reference to the network as it is now; 0: it is being loaded, and
 * fl_work_net_ready() comes for the tenant's jobs that wait. */
int fl_work_net_get(struct fl_work *work, uint32_t tenant, struct fl_work_net **ret,
                    struct fl_err *err) FL_MUST_CHECK;
void fl_work_nets_tick(struct fl_work *work);
void fl_work_nets_free(struct fl_work *work);
void fl_work_nets_close(struct fl_work *work); /* the database goes */

/* ---- work_exposure.c ---- */

void fl_work_exposure_drop(struct fl_work_net *net); /* the spare one */

/* ---- work_rows.c: the rows of a network as they stand in the database ---- */

/* 0: the tenant has no network. */
int fl_work_rows_version(struct fl_db *db, uint32_t tenant, uint64_t *ret, struct fl_err *err)
    FL_MUST_CHECK;

struct fl_work_cursor {
    unsigned table; /* enum fl_supply_table; FL_SUPPLY_TABLES: all is read */
    char after[FL_SUPPLY_KEY_MAX + 1];
};
/* Up to limit rows of that version behind the cursor, each as a byte for its table and its packed
 * text with the length before it. */
int fl_work_rows_read(struct fl_db *db, uint32_t tenant, uint64_t version,
                      struct fl_work_cursor *cursor, uint32_t limit, struct fl_buf *rows,
                      struct fl_err *err) FL_MUST_CHECK;

/* ---- work.c ---- */

/* The tenant's network came (net: borrowed), or r < 0 says why not. */
void fl_work_net_ready(struct fl_work *work, uint32_t tenant, struct fl_work_net *net, int r,
                       const struct fl_err *err);
/* Hand a job to a pool, or do it here where there is none. */
int fl_work_submit(struct fl_work *work, struct fl_pool *pool, struct fl_pool_job *job,
                   struct fl_err *err) FL_MUST_CHECK;

/* ---- work_cache.c ---- */

const struct fl_work_answer *fl_work_cache_find(struct fl_work *work, uint32_t tenant,
                                                uint64_t version, const char *question);
/* Answers of older versions of the tenant's network go. No memory: it is not kept. */
void fl_work_cache_keep(struct fl_work *work, uint32_t tenant, uint64_t version,
                        const char *question, struct fl_span bytes);
void fl_work_cache_forget(struct fl_work *work, uint32_t tenant, uint64_t version); /* but this */
void fl_work_cache_free(struct fl_work *work);

#endif
