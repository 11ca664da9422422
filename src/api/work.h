/*
 * work.h - calculations beside the loop, over a tenant's network of supply as it is now.
 *
 * A handler says which function is to run, and whether it needs the network; the function runs on a
 * thread, writes one JSON object, and that is the answer:
 *
 *     static int run(const struct fl_work_in *in, struct fl_err *err)      // on a thread
 *     {
 *         const struct question *q = in->arg;
 *         struct fl_json json;
 *
 *         fl_json_init(&json, in->out);
 *         fl_json_object(&json, NULL);
 *         ... in->net->net, fl_work_exposure(), in->arena, *in->stop ...
 *         fl_json_end(&json);
 *         return FL_OK;                 // or a code with err: answered as a problem
 *     }
 *
 *     int fl_api_thing(struct fl_req *req, struct fl_err *err)             // on the loop
 *     {
 *         struct question *q = calloc(1, sizeof *q);                       // no pointer into req
 *         ...
 *         const struct fl_work_ask ask = {.run = run, .net = true, .arg = q, .arg_free = free};
 *         return fl_work_answer(req, &ask, err);
 *     }
 *
 * What a thread is given is immutable or its own: the network (a reference is held), `arg` (owned
 * by the work from the call on), an arena, a buffer. Nothing of the request, the api or the
 * database may be touched there. Where the request goes away, *in->stop becomes true: long work
 * looks at it now and then and returns FL_E_TIMEOUT.
 *
 * Networks are loaded from the database in slices of a few milliseconds, built on a thread, kept by
 * their version, and dropped when nobody asked for FL_WORK_IDLE_US or together they are larger
 * than FL_WORK_NETS_BYTES. A job takes the version that stands when it is asked for.
 *
 * A program that has no loop (unit tests) gets everything done within the call.
 */
#ifndef FL_API_WORK_H
#define FL_API_WORK_H

#include <stdatomic.h>

#include "api/route.h"
#include "io/loop.h"
#include "supply/exposure.h"
#include "supply/net.h"

#define FL_WORK_THREADS_MAX 4u
#define FL_WORK_QUEUE_MAX   256u                    /* short jobs that wait */
#define FL_WORK_LONG_MAX    8u                      /* long ones */
#define FL_WORK_WAIT_US     (INT64_C(30) * 1000000) /* not begun by then: 503 */
#define FL_WORK_OUT_MAX     ((size_t)32 << 20)      /* bytes of an answer */
#define FL_WORK_ARENA_MAX   ((size_t)512 << 20)     /* bytes a job may take from its arena */
#define FL_WORK_NET_BYTES   ((size_t)1 << 30)       /* of one network */
#define FL_WORK_NETS_BYTES  ((size_t)1536 << 20)    /* of all that are kept; the newest stays */
#define FL_WORK_IDLE_US     (INT64_C(900) * 1000000)
#define FL_WORK_CACHE_BYTES ((size_t)64 << 20) /* of answers that are kept */

struct fl_work;
struct fl_geo_index;

/* A network and what makes questions about it cheap; shared between threads, immutable but for the
 * spare program. */
struct fl_work_net {
    const struct fl_net *net;
    const struct fl_geo_index *index; /* NULL: none */
    uint32_t tenant;
    size_t size_bytes;
    atomic_uint refs;
    _Atomic(struct fl_exposure *) spare; /* fl_work_exposure() */
};
struct fl_work_net *fl_work_net_ref(struct fl_work_net *net); /* any thread */
void fl_work_net_unref(struct fl_work_net *net);              /* any thread; NULL is allowed */

/* What is kept of the programs between questions: yours until it is given back. */
int fl_work_exposure(struct fl_work_net *net, struct fl_exposure **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_work_exposure_back(struct fl_work_net *net, struct fl_exposure *x); /* NULL is allowed */

struct fl_work_in {
    uint32_t tenant;
    struct fl_work_net *net; /* NULL where not asked for */
    void *arg;
    int64_t now_us;          /* wall clock when it was asked */
    const atomic_bool *stop; /* nobody waits any more */
    atomic_uint *done;       /* parts of 1,000 that are done, for whoever watches */
    struct fl_arena *arena;
    struct fl_buf *out; /* empty; one JSON object, on one line */
};

struct fl_work_ask {
    int (*run)(const struct fl_work_in *in, struct fl_err *err); /* on a thread */
    void *arg;
    void (*arg_free)(void *arg); /* also where the call fails; NULL: nothing to free */
    bool net;                    /* FL_E_NOENT where the tenant has none */
    bool is_long;                /* more than a second: waits among its like */
    /* The question in words ("exposure per=site"): the answer is kept and given again for the same
     * tenant, version of the network and question. Needs net. NULL: it is not kept. Copied. */
    const char *question;
    /* On the loop, instead of answering 200 with `out`: look at in->arg and in->out, answer. */
    int (*then)(struct fl_req *req, const struct fl_work_in *in, struct fl_err *err);
};

/*
 * Run it and answer; the handler is done with the request then (FL_OK), or err says what is wrong.
 * A caller that accepts text/event-stream gets events `progress` {"done": 0..1}, then `result` (the
 * object) or `problem`. The request's state is taken.
 */
int fl_work_answer(struct fl_req *req, const struct fl_work_ask *ask, struct fl_err *err)
    FL_MUST_CHECK;

/* ---- for the program, and for work that no request asked for ---- */

struct fl_work_job;

/* done: on the loop, exactly once, unless the job is dropped before; r < 0: err says why. The job
 * is gone when it returns. *ret is written before it can be called: it may come within the call
 * (an answer that was kept). A negative answer: done is not called. */
int fl_work_start(struct fl_work *work, uint32_t tenant, const struct fl_work_ask *ask,
                  void (*done)(void *ctx, const struct fl_work_in *in, int r,
                               const struct fl_err *err),
                  void *ctx, struct fl_work_job **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_work_drop(struct fl_work_job *job); /* nobody waits for it; done is not called */
unsigned fl_work_progress(const struct fl_work_job *job); /* parts of 1,000 */

/* loop NULL: everything is done within the call. now_us: wall clock. */
int fl_work_new(struct fl_loop *loop, unsigned threads, int64_t (*now_us)(void),
                struct fl_work **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_work_free(struct fl_work *work); /* the requests must be freed before; NULL is allowed */
void fl_work_open(struct fl_work *work, struct fl_db *db); /* NULL: it is closed */
void fl_work_tick(struct fl_work *work);                   /* about once a second */

/* The version of the tenant's network in the database; 0: it has none. */
int fl_work_version(struct fl_work *work, uint32_t tenant, uint64_t *ret, struct fl_err *err)
    FL_MUST_CHECK;

struct fl_work_stat {
    unsigned nets, jobs, answers; /* networks in memory, jobs that wait or run, answers kept */
    size_t net_bytes, answer_bytes;
    int64_t load_us; /* of the last network: from the first slice to ready */
};
void fl_work_stat(const struct fl_work *work, struct fl_work_stat *ret);

#endif
