#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "fairleadd/outbound.h"

enum { HOSTS = 64, ENTRIES = 16384, STEP_MS = 20 };
#define GAP_US (200 * INT64_C(1000)) /* between two requests to a host */

struct host {
    char name[FL_HOST_LEN + 1];
    int64_t next_us; /* monotonic */
};

struct fl_pace {
    pthread_mutex_t mu;
    struct host host[HOSTS];
    uint64_t known[ENTRIES]; /* by hash, the newest in its place; 0: none */
};

int fl_pace_new(struct fl_pace **ret, struct fl_err *err)
{
    struct fl_pace *pace = calloc(1, sizeof *pace);

    if (pace == NULL || pthread_mutex_init(&pace->mu, NULL) != 0) {
        free(pace);
        return fl_err_set(err, FL_E_NOMEM, "no memory for the pace of requests");
    }
    *ret = pace;
    return FL_OK;
}

void fl_pace_free(struct fl_pace *pace)
{
    if (pace == NULL)
        return;
    pthread_mutex_destroy(&pace->mu);
    free(pace);
}

/* The host's slot, or the one that has been quiet longest. */
static struct host *slot_of(struct fl_pace *pace, const char *name)
{
    struct host *oldest = &pace->host[0];

    for (size_t i = 0; i < HOSTS; i++) {
        if (strcmp(pace->host[i].name, name) == 0)
            return &pace->host[i];
        if (pace->host[i].next_us < oldest->next_us)
            oldest = &pace->host[i];
    }
    memset(oldest, 0, sizeof *oldest);
    (void)snprintf(oldest->name, sizeof oldest->name, "%s", name);
    return oldest;
}

bool fl_pace_wait(struct fl_pace *pace, const char *host, const atomic_bool *stop)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    int64_t now = fl_now_mono_us(), turn;
    struct host *slot;

    pthread_mutex_lock(&pace->mu);
    slot = slot_of(pace, host);
    turn = slot->next_us > now ? slot->next_us : now;
    slot->next_us = turn + GAP_US;
    pthread_mutex_unlock(&pace->mu);
    while (fl_now_mono_us() < turn) {
        if (atomic_load(stop))
            return false;
        (void)nanosleep(&step, NULL);
    }
    return !atomic_load(stop);
}

/* A collision only costs that an entry is not read, or read again: the hash has 64 bits. */
static uint64_t key_of(uint32_t feed, struct fl_span entry)
{
    uint64_t key = fl_span_hash(entry) ^ ((uint64_t)feed + 1) * UINT64_C(0x9e3779b97f4a7c15);

    return key == 0 ? 1 : key;
}

bool fl_pace_knows(struct fl_pace *pace, uint32_t feed, struct fl_span entry)
{
    uint64_t key = key_of(feed, entry);
    bool known;

    pthread_mutex_lock(&pace->mu);
    known = pace->known[key % ENTRIES] == key;
    pthread_mutex_unlock(&pace->mu);
    return known;
}

void fl_pace_learn(struct fl_pace *pace, uint32_t feed, struct fl_span entry)
{
    uint64_t key = key_of(feed, entry);

    pthread_mutex_lock(&pace->mu);
    pace->known[key % ENTRIES] = key;
    pthread_mutex_unlock(&pace->mu);
}

void fl_pace_forget(struct fl_pace *pace)
{
    pthread_mutex_lock(&pace->mu);
    memset(pace->known, 0, sizeof pace->known);
    pthread_mutex_unlock(&pace->mu);
}
