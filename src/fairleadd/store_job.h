/*
 * store_job.h - inside the store role: a question while it is answered, and what goes out for it.
 *
 * Jobs stand in fl_store_role.jobs until the loop has sent the last reply. Who answers one (a
 * thread of the pool, its own, a worker of the tails) posts replies from any thread; after the last
 * (fl_store_reply_end, fl_store_reply_purged) it must not touch the job any more.
 */
#ifndef FL_FAIRLEADD_STORE_JOB_H
#define FL_FAIRLEADD_STORE_JOB_H

#include "fairleadd/store.h"
#include "fairleadd/store_turn.h"
#include "logs/mask.h"
#include "logs/tail.h"

#define FL_STORE_PIECE_BYTES ((size_t)64 * 1024)
#define FL_STORE_RIGHT_ENDED "the right to read these logs has ended"

/* A live tail; the worker that has its tenant alone looks at it, others under mu once the tenant is
 * free again. Monotonic times. */
struct fl_store_tail {
    struct fl_tail *tail;           /* NULL: not opened yet */
    uint64_t seen;                  /* of fl_store_role.commits */
    int64_t looked_us, beat_us;     /* beat_us: when it is to tell where it is */
    bool waits;                     /* text, or rows that found no room */
    bool ended;                     /* its last reply was posted */
    int64_t starved_us, excused_us; /* mu. Without credit since (0: it has some); for so long */
};

struct fl_store_job {
    struct fl_store_job *next;
    struct fl_store_role *s;
    uint32_t id;
    bool running, cancelled, is_purge; /* mu */
    struct fl_job_ask ask;             /* kind 0: it is a question or a purge */
    int64_t credit;                    /* mu */
    int64_t not_after_us;              /* of the capability that it came with */
    struct fl_query query;
    struct fl_turn turn; /* of the thread that runs it */
    struct fl_msg_purge purge;
    char why[128];
    unsigned char *texts; /* of the query; owned */
    unsigned char names_key[FL_MASK_KEY_BYTES];
    struct fl_store_tail live;
};

static inline bool fl_store_job_is_tail(const struct fl_store_job *job)
{
    return job->ask.kind == 0 && !job->is_purge && job->query.kind == FL_Q_TAIL;
}

void fl_store_job_free(struct fl_store_job *job);
bool fl_store_job_cancelled(const struct fl_store_job *job);
/* A capability that ends while its question runs ends the question: a tail would go on for days. */
bool fl_store_job_over(const struct fl_store_job *job);
/* The key of pseudonyms, where the answer or the question has some. */
int fl_store_job_names(struct fl_store_job *job, struct fl_err *err) FL_MUST_CHECK;

/* A piece of the answer; credit was taken for it. Nothing of it only says that the answer has
 * begun. False: no memory. */
bool fl_store_reply_rows(struct fl_store_job *job, struct fl_span bytes);
void fl_store_reply_end(struct fl_store_job *job, int code, const struct fl_query_end *end,
                        const char *text);
void fl_store_reply_purged(struct fl_store_job *job, int code, const struct fl_purge_result *res,
                           const struct fl_err *err);
/* Loop thread: the last word on a question that is no job. */
void fl_store_send_last(struct fl_store_role *s, enum fl_msg_type type, uint32_t id,
                        const void *msg);
/* Is so much on its way to core that tails should wait? Any thread; asks the loop when it is. */
bool fl_store_reply_jam(struct fl_store_role *s);

/* ---- store_tail.c ---- */

/* mu held: the tail's credit, or whether it is to go on, has changed. */
void fl_store_tail_credit(struct fl_store_job *job, int64_t before);

#endif
