#include "io/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/time.h"

enum { NICE = 10 };

struct list {
    struct fl_pool_job *first, **end;
    unsigned count;
};

struct fl_pool {
    struct fl_loop *loop;
    unsigned queue_max, threads;
    pthread_mutex_t mu;
    pthread_cond_t changed;
    struct list waiting, finished; /* mu */
    bool stopping, rung, freed;    /* mu; rung: the loop will call on_bell() */
    pthread_t thread[FL_POOL_THREADS_MAX];
};

static void push(struct list *list, struct fl_pool_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
    list->count++;
}

static struct fl_pool_job *pop(struct list *list)
{
    struct fl_pool_job *job = list->first;

    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->end = &list->first;
    list->count--;
    return job;
}

static void destroy(struct fl_pool *pool)
{
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mu);
    free(pool);
}

/* Loop thread. */
static void on_bell(void *ctx)
{
    struct fl_pool *pool = ctx;
    struct fl_pool_job *job;
    bool freed;

    pthread_mutex_lock(&pool->mu);
    pool->rung = false;
    while ((job = pop(&pool->finished)) != NULL) {
        pthread_mutex_unlock(&pool->mu);
        job->done(job);
        pthread_mutex_lock(&pool->mu);
    }
    freed = pool->freed;
    pthread_mutex_unlock(&pool->mu);
    if (freed)
        destroy(pool);
}

static void *run(void *ctx)
{
    struct fl_pool *pool = ctx;

    (void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread; best effort */
    pthread_mutex_lock(&pool->mu);
    for (;;) {
        struct fl_pool_job *job;

        while (!pool->stopping && pool->waiting.first == NULL)
            pthread_cond_wait(&pool->changed, &pool->mu);
        if (pool->stopping)
            break;
        job = pop(&pool->waiting);
        pthread_mutex_unlock(&pool->mu);
        job->ran = fl_now_mono_us() <= job->not_after_us;
        if (job->ran)
            job->work(job);
        pthread_mutex_lock(&pool->mu);
        push(&pool->finished, job);
        if (!pool->rung && !pool->stopping)
            pool->rung = fl_loop_post(pool->loop, on_bell, pool) == FL_OK;
    }
    pthread_mutex_unlock(&pool->mu);
    return NULL;
}

int fl_pool_new(struct fl_loop *loop, unsigned threads, unsigned queue_max, struct fl_pool **ret,
                struct fl_err *err)
{
    struct fl_pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    pool->loop = loop;
    pool->queue_max = queue_max;
    pool->waiting.end = &pool->waiting.first;
    pool->finished.end = &pool->finished.first;
    (void)pthread_mutex_init(&pool->mu, NULL);
    (void)pthread_cond_init(&pool->changed, NULL);
    while (pool->threads < threads && pool->threads < FL_POOL_THREADS_MAX) {
        int e = pthread_create(&pool->thread[pool->threads], NULL, run, pool);

        if (e != 0) {
            fl_pool_free(pool);
            return fl_err_sys(err, FL_E_NOMEM, e, "start a thread for passwords");
        }
        pool->threads++;
    }
    *ret = pool;
    return FL_OK;
}

void fl_pool_free(struct fl_pool *pool)
{
    struct fl_pool_job *job;
    bool rung;

    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->mu);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mu);
    for (unsigned i = 0; i < pool->threads; i++)
        (void)pthread_join(pool->thread[i], NULL);
    while ((job = pop(&pool->waiting)) != NULL || (job = pop(&pool->finished)) != NULL)
        job->drop(job);
    pthread_mutex_lock(&pool->mu); /* a bell that was rung comes once more */
    pool->freed = true;
    rung = pool->rung;
    pthread_mutex_unlock(&pool->mu);
    if (!rung)
        destroy(pool);
}

bool fl_pool_has_room(struct fl_pool *pool)
{
    bool room;

    pthread_mutex_lock(&pool->mu);
    room = pool->waiting.count < pool->queue_max;
    pthread_mutex_unlock(&pool->mu);
    return room;
}

int fl_pool_submit(struct fl_pool *pool, struct fl_pool_job *job, struct fl_err *err)
{
    if (!fl_pool_has_room(pool))
        return fl_err_set(err, FL_E_AGAIN,
                          "too many people are signing in at this moment; try again shortly");
    pthread_mutex_lock(&pool->mu);
    push(&pool->waiting, job);
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->mu);
    return FL_OK;
}
