/*
 * session_table.h - the sessions that are remembered, of all tenants: one table with one limit.
 *
 * Each tenant has its own lists (open, closed; by last use) and a limit of its own. Where the table
 * is full, the tenant with most sessions gives one up: its oldest closed one, else its oldest open
 * one. One thread at a time. Read by session.c only.
 */
#ifndef FL_LOGS_SESSION_TABLE_H
#define FL_LOGS_SESSION_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "logs/session.h"

enum { FL_SESSION_COUNTERS = 5 };
#define FL_SESSION_NONE UINT32_C(0x7fffffff)

struct fl_session_entry { /* one cache line */
    uint64_t device;      /* FNV-1a 64 of its name, and the tenant's salt */
    uint64_t session, tuple;
    int64_t time_us;
    uint32_t counter[FL_SESSION_COUNTERS]; /* wide: [0] is the place where they are */
    uint32_t accepted_s;
    uint32_t older : 31, closed : 1;
    uint32_t newer : 31, wide : 1;
};

union fl_session_place {
    struct fl_session_entry entry;
    uint64_t wide[FL_SESSION_COUNTERS]; /* counters of 2^32 and more */
    uint32_t next_free;
};

struct fl_session_slot {
    uint32_t tag;
    uint32_t at; /* place + 1; 0: free */
};

struct fl_session_pool {
    union fl_session_place *places;
    struct fl_session_slot *slots; /* open addressing */
    uint32_t cap, used, free, in_use, max, slot_count;
    uint64_t seeds[2];
    struct fl_sessions *owners, *biggest; /* biggest: probably the one with most */
    uint32_t owner_count;
    uint32_t until_look; /* evictions before `biggest` is looked for again */
};

struct fl_session_list {
    uint32_t oldest, newest, count;
};

struct fl_sessions { /* of one tenant */
    struct fl_session_pool *pool;
    bool own_pool;
    uint64_t salt;
    uint32_t max;
    struct fl_session_list lists[2]; /* open, closed: by last use */
    struct fl_sessions_stats sum;
    struct fl_sessions *next;
};

static inline struct fl_session_entry *fl_session_at(struct fl_sessions *s, uint32_t at)
{
    return &s->pool->places[at].entry;
}

/* device: without the salt, here and below. */
uint32_t fl_session_tag(const struct fl_sessions *s, uint64_t device, uint64_t session);
/* FL_SESSION_NONE: not known. */
uint32_t fl_session_find(const struct fl_sessions *s, uint32_t tag, uint64_t device,
                         uint64_t session);
/* A new one at the end of its list, all counters 0. FL_SESSION_NONE: no memory. */
uint32_t fl_session_insert(struct fl_sessions *s, uint32_t tag, uint64_t device, uint64_t session,
                           bool closed);
void fl_session_forget(struct fl_sessions *s, uint32_t at);
/* To the end of that list. */
void fl_session_touch(struct fl_sessions *s, uint32_t at, bool closed);

void fl_session_counters(const struct fl_sessions *s, uint32_t at,
                         uint64_t ret[FL_SESSION_COUNTERS]);
/* False: there was no place for them; nothing changed. */
bool fl_session_set_counters(struct fl_sessions *s, uint32_t at,
                             const uint64_t v[FL_SESSION_COUNTERS]);

/* What find() will look at: first one, and some rows later the other. Inlined at all costs: gcc 12
 * takes a function that only asks for memory for one without effect, and leaves the call out. */
__attribute__((always_inline)) static inline void fl_session_ask_slot(const struct fl_sessions *s,
                                                                      uint32_t tag)
{
    if (s->pool->slot_count > 0)
        __builtin_prefetch(&s->pool->slots[tag & (s->pool->slot_count - 1)], 1);
}

__attribute__((always_inline)) static inline void fl_session_ask_entry(const struct fl_sessions *s,
                                                                       uint32_t tag)
{
    const struct fl_session_slot *slot;

    if (s->pool->slot_count == 0)
        return;
    slot = &s->pool->slots[tag & (s->pool->slot_count - 1)];
    if (slot->tag == tag && slot->at != 0)
        __builtin_prefetch(&s->pool->places[slot->at - 1]);
}

#endif
