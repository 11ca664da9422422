#include "logs/vec.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    SLOTS = 192,
    LEAST_BYTES = 32 * 1024 /* smaller ones are malloc's business */
};

/* Under AddressSanitizer nothing is kept, so that it sees what is used after it was put. */
#if defined(__SANITIZE_ADDRESS__)
#define IDLE_MAX_BYTES ((size_t)0)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IDLE_MAX_BYTES ((size_t)0)
#endif
#endif
#ifndef IDLE_MAX_BYTES
#define IDLE_MAX_BYTES ((size_t)24 << 20)
#endif

#define GONE_BYTES  ((size_t)16 << 20)
#define SPARE_BYTES ((size_t)48 << 20)

static struct {
    pthread_mutex_t mu;
    struct slot {
        void *vec;
        size_t bytes;
    } slot[SLOTS];             /* the latest put last: it is the one in the cache */
    size_t count, idle, least; /* least: idle bytes at any time since the last trim */
} pool = {.mu = PTHREAD_MUTEX_INITIALIZER};

static void *take_slot(size_t i)
{
    void *vec = pool.slot[i].vec;

    pool.idle -= pool.slot[i].bytes;
    pool.count--;
    for (; i < pool.count; i++)
        pool.slot[i] = pool.slot[i + 1];
    if (pool.idle < pool.least)
        pool.least = pool.idle;
    return vec;
}

void *fl_vec_get(size_t bytes)
{
    void *vec = NULL;

    if (bytes < LEAST_BYTES)
        return malloc(bytes);
    pthread_mutex_lock(&pool.mu);
    for (size_t i = pool.count; i-- > 0 && vec == NULL;)
        if (pool.slot[i].bytes >= bytes && pool.slot[i].bytes - bytes <= bytes / 4)
            vec = take_slot(i);
    pthread_mutex_unlock(&pool.mu);
    return vec != NULL ? vec : malloc(bytes);
}

void fl_vec_put(void *vec)
{
    size_t bytes = vec == NULL ? 0 : malloc_usable_size(vec);

    if (bytes >= LEAST_BYTES) {
        pthread_mutex_lock(&pool.mu);
        if (pool.count < SLOTS && bytes <= IDLE_MAX_BYTES - pool.idle) {
            pool.slot[pool.count++] = (struct slot){vec, bytes};
            pool.idle += bytes;
            vec = NULL;
        }
        pthread_mutex_unlock(&pool.mu);
    }
    free(vec);
}

void fl_vec_trim(void)
{
    void *gone[SLOTS];
    size_t count = 0;

    pthread_mutex_lock(&pool.mu);
    for (size_t left = pool.least; pool.count > 0 && pool.slot[0].bytes <= left;) {
        left -= pool.slot[0].bytes;
        gone[count++] = take_slot(0);
    }
    pool.least = pool.idle;
    pthread_mutex_unlock(&pool.mu);
    while (count > 0)
        free(gone[--count]);
}

void fl_vec_gone(size_t bytes)
{
    static atomic_size_t gone;

    if (atomic_fetch_add(&gone, bytes) + bytes < GONE_BYTES)
        return;
    atomic_store(&gone, 0);
    if (mallinfo2().fordblks > SPARE_BYTES)
        (void)malloc_trim(0);
}

size_t fl_vec_idle_bytes(void)
{
    size_t idle;

    pthread_mutex_lock(&pool.mu);
    idle = pool.idle;
    pthread_mutex_unlock(&pool.mu);
    return idle;
}
