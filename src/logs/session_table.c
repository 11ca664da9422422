#include "logs/session_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_CAP = 64, AHEAD = 8, LOOK_EVERY = 32 };
#define NONE FL_SESSION_NONE

_Static_assert(sizeof(union fl_session_place) == 64, "an entry is one cache line");

/* ---- the pool ---- */

static void random_bytes(void *to, size_t len)
{
    const void *place = to;

    if (getrandom(to, len, 0) != (ssize_t)len)
        memcpy(to, &place, sizeof place); /* early boot only: the table works, less guarded */
}

int fl_session_pool_new(uint32_t max, struct fl_session_pool **ret, struct fl_err *err)
{
    struct fl_session_pool *p = calloc(1, sizeof *p);

    if (p == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for sessions");
    p->max = max < NONE ? max : NONE - 1;
    p->free = NONE;
    random_bytes(p->seeds, sizeof p->seeds);
    *ret = p;
    return FL_OK;
}

void fl_session_pool_free(struct fl_session_pool *p)
{
    if (p == NULL)
        return;
    free(p->places);
    free(p->slots);
    free(p);
}

size_t fl_session_pool_bytes(const struct fl_session_pool *p)
{
    return sizeof *p + (size_t)p->cap * sizeof *p->places + p->slot_count * sizeof *p->slots;
}

static uint32_t tag_of(const struct fl_session_pool *p, uint64_t salted, uint64_t session)
{
    __extension__ typedef unsigned __int128 wide;
    wide n = (wide)(salted ^ p->seeds[0]) * (session ^ p->seeds[1]);
    uint64_t h = (uint64_t)n ^ (uint64_t)(n >> 64);

    return (uint32_t)(h ^ h >> 32);
}

uint32_t fl_session_tag(const struct fl_sessions *s, uint64_t device, uint64_t session)
{
    return tag_of(s->pool, device ^ s->salt, session);
}

static uint32_t tag_at(const struct fl_sessions *s, uint32_t at)
{
    const struct fl_session_entry *e = &s->pool->places[at].entry;

    return tag_of(s->pool, e->device, e->session);
}

static void place(struct fl_session_pool *p, struct fl_session_slot slot)
{
    uint32_t i = slot.tag & (p->slot_count - 1);

    while (p->slots[i].at != 0)
        i = (i + 1) & (p->slot_count - 1);
    p->slots[i] = slot;
}

static bool grow_slots(struct fl_session_pool *p, uint32_t cap)
{
    struct fl_session_slot *old = p->slots, *slots;
    uint32_t old_count = p->slot_count, count = old_count == 0 ? FIRST_CAP * 2 : old_count;

    while (count < cap + cap / 2)
        count *= 2;
    if (count == old_count)
        return true;
    slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    p->slots = slots;
    p->slot_count = count;
    for (uint32_t i = 0; i < old_count; i++)
        if (old[i].at != 0)
            place(p, old[i]);
    free(old);
    return true;
}

static bool grow(struct fl_session_pool *p)
{
    uint32_t cap = p->cap == 0 ? FIRST_CAP : p->cap * 2;
    union fl_session_place *places;

    cap = cap < p->max ? cap : p->max;
    if (!grow_slots(p, cap))
        return false;
    places = realloc(p->places, cap * sizeof *places);
    if (places == NULL)
        return false;
    p->places = places;
    p->cap = cap;
    return true;
}

static void give_place(struct fl_session_pool *p, uint32_t at)
{
    p->places[at].next_free = p->free;
    p->free = at;
    p->in_use--;
}

/* ---- who gives way ---- */

static uint32_t size_of(const struct fl_sessions *s)
{
    return s->lists[0].count + s->lists[1].count;
}

/* The tenant's session that goes first, but not `but`. */
static uint32_t first_to_go(const struct fl_sessions *s, uint32_t but)
{
    for (int list = 1; list >= 0; list--) {
        uint32_t at = s->lists[list].oldest;

        if (at != NONE && at == but)
            at = s->pool->places[at].entry.newer;
        if (at != NONE)
            return at;
    }
    return NONE;
}

static bool evict(struct fl_sessions *s, uint32_t but)
{
    uint32_t at = first_to_go(s, but);

    if (at == NONE)
        return false;
    fl_session_forget(s, at);
    s->sum.evicted++;
    return true;
}

/* Who has most, about: looked for now and then, unless it is clear. */
static struct fl_sessions *biggest(struct fl_session_pool *p, struct fl_sessions *asking)
{
    if (p->biggest == NULL || size_of(asking) > size_of(p->biggest))
        p->biggest = asking;
    if (size_of(p->biggest) > p->max / p->owner_count + LOOK_EVERY)
        return p->biggest;
    if (p->until_look > 0 && size_of(p->biggest) > 0) {
        p->until_look--;
        return p->biggest;
    }
    p->until_look = LOOK_EVERY;
    for (struct fl_sessions *s = p->owners; s != NULL; s = s->next)
        if (size_of(s) > size_of(p->biggest))
            p->biggest = s;
    return p->biggest;
}

/* A place; NONE without memory, or where only `but` could give way. */
static uint32_t take_place(struct fl_sessions *s, uint32_t but)
{
    struct fl_session_pool *p = s->pool;
    uint32_t at;

    while (p->in_use >= p->max)
        if (p->in_use == 0 || !evict(biggest(p, s), but))
            return NONE;
    if (p->free == NONE && p->used == p->cap && !grow(p))
        return NONE;
    at = p->free;
    if (at == NONE)
        at = p->used++;
    else
        p->free = p->places[at].next_free;
    p->in_use++;
    return at;
}

/* ---- lists ---- */

static void list_drop(struct fl_sessions *s, uint32_t at)
{
    struct fl_session_entry *e = fl_session_at(s, at);
    struct fl_session_list *l = &s->lists[e->closed];

    if (e->older == NONE)
        l->oldest = e->newer;
    else
        fl_session_at(s, e->older)->newer = e->newer;
    if (e->newer == NONE)
        l->newest = e->older;
    else
        fl_session_at(s, e->newer)->older = e->older;
    l->count--;
}

static void list_add(struct fl_sessions *s, uint32_t at, bool closed)
{
    struct fl_session_entry *e = fl_session_at(s, at);
    struct fl_session_list *l = &s->lists[closed];

    e->closed = closed;
    e->older = l->newest & NONE;
    e->newer = NONE;
    if (l->newest == NONE)
        l->oldest = at;
    else
        fl_session_at(s, l->newest)->newer = at & NONE;
    l->newest = at;
    l->count++;
}

void fl_session_touch(struct fl_sessions *s, uint32_t at, bool closed)
{
    if (s->lists[closed].newest == at)
        return; /* where a new one is already */
    list_drop(s, at);
    list_add(s, at, closed);
}

/* ---- the table ---- */

uint32_t fl_session_find(const struct fl_sessions *s, uint32_t tag, uint64_t device,
                         uint64_t session)
{
    const struct fl_session_pool *p = s->pool;
    uint32_t i;

    if (p->slot_count == 0)
        return NONE;
    for (i = tag & (p->slot_count - 1); p->slots[i].at != 0; i = (i + 1) & (p->slot_count - 1)) {
        const struct fl_session_entry *e;

        if (p->slots[i].tag != tag)
            continue;
        e = &p->places[p->slots[i].at - 1].entry;
        if (e->device == (device ^ s->salt) && e->session == session)
            return p->slots[i].at - 1;
    }
    return NONE;
}

/* The hole moves up until no entry behind it would be missed. */
static void empty_slot(struct fl_session_pool *p, uint32_t hole)
{
    uint32_t mask = p->slot_count - 1, i = hole;

    for (;;) {
        i = (i + 1) & mask;
        if (p->slots[i].at == 0)
            break;
        if (((i - p->slots[i].tag) & mask) >= ((i - hole) & mask)) {
            p->slots[hole] = p->slots[i];
            hole = i;
        }
    }
    p->slots[hole] = (struct fl_session_slot){0, 0};
}

/*
 * Where the next ones to go stand in the table is random: ask for it now. Places are given again in
 * the order in which they become free, so that the neighbours are the next ones.
 */
__attribute__((always_inline)) static inline void ask_ahead(const struct fl_session_pool *p,
                                                            uint32_t at)
{
    const struct fl_session_entry *e = &p->places[at + AHEAD].entry;

    if (at + AHEAD * 3 >= p->used)
        return;
    __builtin_prefetch(e + AHEAD * 2);
    __builtin_prefetch(&p->slots[tag_of(p, e->device, e->session) & (p->slot_count - 1)], 1);
}

void fl_session_forget(struct fl_sessions *s, uint32_t at)
{
    struct fl_session_pool *p = s->pool;
    struct fl_session_entry *e = fl_session_at(s, at);
    uint32_t i = tag_at(s, at) & (p->slot_count - 1);

    ask_ahead(p, at);
    while (p->slots[i].at != at + 1)
        i = (i + 1) & (p->slot_count - 1);
    empty_slot(p, i);
    list_drop(s, at);
    if (e->wide)
        give_place(p, e->counter[0]);
    give_place(p, at);
    s->sum.changes++;
}

uint32_t fl_session_insert(struct fl_sessions *s, uint32_t tag, uint64_t device, uint64_t session,
                           bool closed)
{
    uint32_t at;

    if (size_of(s) >= s->max && !evict(s, NONE))
        return NONE;
    at = take_place(s, NONE);
    if (at == NONE)
        return NONE;
    memset(&s->pool->places[at], 0, sizeof s->pool->places[at]);
    fl_session_at(s, at)->device = device ^ s->salt;
    fl_session_at(s, at)->session = session;
    place(s->pool, (struct fl_session_slot){tag, at + 1});
    list_add(s, at, closed);
    return at;
}

void fl_session_counters(const struct fl_sessions *s, uint32_t at,
                         uint64_t ret[FL_SESSION_COUNTERS])
{
    const struct fl_session_entry *e = &s->pool->places[at].entry;

    for (size_t i = 0; i < FL_SESSION_COUNTERS; i++)
        ret[i] = e->wide ? s->pool->places[e->counter[0]].wide[i] : e->counter[i];
}

bool fl_session_set_counters(struct fl_sessions *s, uint32_t at,
                             const uint64_t v[FL_SESSION_COUNTERS])
{
    struct fl_session_entry *e = fl_session_at(s, at);
    uint64_t any = 0;

    for (size_t i = 0; i < FL_SESSION_COUNTERS; i++)
        any |= v[i];
    if (any > UINT32_MAX && !e->wide) {
        uint32_t place_at = take_place(s, at);

        if (place_at == NONE)
            return false;
        e = fl_session_at(s, at); /* the places may have moved */
        e->wide = 1;
        e->counter[0] = place_at;
    }
    for (size_t i = 0; i < FL_SESSION_COUNTERS; i++) {
        if (e->wide)
            s->pool->places[e->counter[0]].wide[i] = v[i];
        else
            e->counter[i] = (uint32_t)v[i];
    }
    return true;
}

/* ---- tenants ---- */

int fl_sessions_new_in(struct fl_session_pool *pool, uint32_t max, struct fl_sessions **ret,
                       struct fl_err *err)
{
    struct fl_sessions *s = calloc(1, sizeof *s);

    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for sessions");
    random_bytes(&s->salt, sizeof s->salt);
    s->pool = pool;
    s->max = max;
    s->lists[0] = s->lists[1] = (struct fl_session_list){NONE, NONE, 0};
    s->next = pool->owners;
    pool->owners = s;
    pool->owner_count++;
    *ret = s;
    return FL_OK;
}

int fl_sessions_new(uint32_t max, struct fl_sessions **ret, struct fl_err *err)
{
    struct fl_session_pool *pool = NULL;
    uint32_t places = max <= NONE / 2 ? max * 2 : NONE; /* enough, if all counters are wide */
    int r = fl_session_pool_new(places, &pool, err);

    if (r < 0)
        return r;
    r = fl_sessions_new_in(pool, max, ret, err);
    if (r < 0)
        fl_session_pool_free(pool);
    else
        (*ret)->own_pool = true;
    return r;
}

void fl_sessions_clear(struct fl_sessions *s)
{
    for (int list = 0; list < 2; list++)
        while (s->lists[list].oldest != NONE)
            fl_session_forget(s, s->lists[list].oldest);
    s->sum.changes++;
}

void fl_sessions_free(struct fl_sessions *s)
{
    struct fl_sessions **at;

    if (s == NULL)
        return;
    fl_sessions_clear(s);
    for (at = &s->pool->owners; *at != s; at = &(*at)->next)
        ;
    *at = s->next;
    s->pool->owner_count--;
    if (s->pool->biggest == s)
        s->pool->biggest = NULL;
    if (s->own_pool)
        fl_session_pool_free(s->pool);
    free(s);
}

void fl_sessions_stats(const struct fl_sessions *s, struct fl_sessions_stats *ret)
{
    *ret = s->sum;
    ret->open = s->lists[0].count;
    ret->closed = s->lists[1].count;
}
