#include "session_oracle.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"

enum { COUNTERS = 5, DURATION = 4, FIRST_CAP = 64 };
#define COPY_US     (120 * FL_US_PER_S)
#define REMEMBER_US (600 * FL_US_PER_S) /* of acceptance, that closed ones are kept at most */
#define NONE        UINT32_MAX

static const enum fl_field counter_field[COUNTERS] = {
    FL_F_OUT_BYTES, FL_F_IN_BYTES, FL_F_OUT_PACKETS, FL_F_IN_PACKETS, FL_F_DURATION};

struct entry {
    uint64_t device, session, tuple;
    uint64_t counter[COUNTERS];
    int64_t time_us, accepted_us;
    uint32_t chain;        /* next of the bucket, or of the free list */
    uint32_t older, newer; /* in its list */
    bool closed;
};

struct list {
    uint32_t oldest, newest, count;
};

struct or_sessions {
    struct entry *entries;
    uint32_t *buckets; /* as many as cap, a power of two */
    uint32_t cap, used, free, max;
    struct list lists[2]; /* open, closed: by last use */
    struct fl_sessions_stats sum;
};

static void or_sessions_clear(struct or_sessions *s);

int or_sessions_new(uint32_t max, struct or_sessions **ret, struct fl_err *err)
{
    struct or_sessions *s = calloc(1, sizeof *s);

    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for sessions");
    s->max = max;
    or_sessions_clear(s);
    *ret = s;
    return FL_OK;
}

static void or_sessions_clear(struct or_sessions *s)
{
    free(s->entries);
    free(s->buckets);
    s->entries = NULL;
    s->buckets = NULL;
    s->cap = s->used = 0;
    s->free = NONE;
    s->lists[0] = s->lists[1] = (struct list){NONE, NONE, 0};
    s->sum.changes++;
}

void or_sessions_free(struct or_sessions *s)
{
    if (s == NULL)
        return;
    or_sessions_clear(s);
    free(s);
}

void or_sessions_stats(const struct or_sessions *s, struct fl_sessions_stats *ret)
{
    *ret = s->sum;
    ret->open = s->lists[0].count;
    ret->closed = s->lists[1].count;
}

/* ---- the table ---- */

static uint32_t *bucket_of(struct or_sessions *s, uint64_t device, uint64_t session)
{
    uint64_t h = (device ^ session * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);

    return &s->buckets[(uint32_t)(h ^ h >> 32) & (s->cap - 1)];
}

static void list_drop(struct or_sessions *s, uint32_t at)
{
    struct entry *e = &s->entries[at];
    struct list *l = &s->lists[e->closed];

    if (e->older == NONE)
        l->oldest = e->newer;
    else
        s->entries[e->older].newer = e->newer;
    if (e->newer == NONE)
        l->newest = e->older;
    else
        s->entries[e->newer].older = e->older;
    l->count--;
}

static void list_add(struct or_sessions *s, uint32_t at, bool closed)
{
    struct entry *e = &s->entries[at];
    struct list *l = &s->lists[closed];

    e->closed = closed;
    e->older = l->newest;
    e->newer = NONE;
    if (l->newest == NONE)
        l->oldest = at;
    else
        s->entries[l->newest].newer = at;
    l->newest = at;
    l->count++;
}

static void forget(struct or_sessions *s, uint32_t at)
{
    struct entry *e = &s->entries[at];
    uint32_t *link = bucket_of(s, e->device, e->session);

    while (*link != at)
        link = &s->entries[*link].chain;
    *link = e->chain;
    list_drop(s, at);
    e->chain = s->free;
    s->free = at;
    s->sum.changes++;
}

static uint32_t find(struct or_sessions *s, uint64_t device, uint64_t session)
{
    uint32_t at;

    if (s->cap == 0)
        return NONE;
    at = *bucket_of(s, device, session);
    while (at != NONE && (s->entries[at].device != device || s->entries[at].session != session))
        at = s->entries[at].chain;
    return at;
}

static bool grow(struct or_sessions *s)
{
    uint32_t cap = s->cap == 0 ? FIRST_CAP : s->cap * 2;
    struct entry *entries = realloc(s->entries, cap * sizeof *entries);
    uint32_t *buckets = malloc(cap * sizeof *buckets);

    if (entries != NULL)
        s->entries = entries;
    if (entries == NULL || buckets == NULL) {
        free(buckets);
        return false;
    }
    free(s->buckets);
    s->buckets = buckets;
    s->cap = cap;
    memset(buckets, 0xff, cap * sizeof *buckets);
    for (uint32_t i = 0; i < s->used; i++) { /* only called when none is free: all are in use */
        uint32_t *link = bucket_of(s, entries[i].device, entries[i].session);

        entries[i].chain = *link;
        *link = i;
    }
    return true;
}

/* A place for a new entry, or NONE without memory. */
static uint32_t take_place(struct or_sessions *s)
{
    uint32_t at = s->free;

    if (at == NONE && s->used == s->max) {
        forget(s, s->lists[1].oldest != NONE ? s->lists[1].oldest : s->lists[0].oldest);
        s->sum.evicted++;
        at = s->free;
    }
    if (at != NONE) {
        s->free = s->entries[at].chain;
        return at;
    }
    if (s->used == s->cap && !grow(s))
        return NONE;
    return s->used++;
}

/* ---- a row ---- */

struct row {
    uint64_t device, session, tuple;
    uint64_t counter[COUNTERS];
    bool has[COUNTERS];
    bool known_session; /* it has a session number */
    int64_t time_us, accepted_us;
};

static uint64_t tuple_of(const struct fl_event *ev)
{
    struct fl_span src = fl_event_get_str(ev, FL_F_SRC_IP), dst = fl_event_get_str(ev, FL_F_DST_IP);
    uint64_t sport = fl_event_get_num(ev, FL_F_SRC_PORT);
    uint64_t dport = fl_event_get_num(ev, FL_F_DST_PORT);
    unsigned char bytes[37] = {0};
    uint64_t h;

    if (src.len != 16 || dst.len != 16)
        return 0;
    memcpy(bytes, src.ptr, 16);
    memcpy(bytes + 16, dst.ptr, 16);
    bytes[32] = (unsigned char)sport;
    bytes[33] = (unsigned char)(sport >> 8);
    bytes[34] = (unsigned char)dport;
    bytes[35] = (unsigned char)(dport >> 8);
    bytes[36] = (unsigned char)fl_event_get_num(ev, FL_F_PROTO);
    h = fl_span_hash(fl_span_of(bytes, sizeof bytes));
    return h == 0 ? 1 : h;
}

static void read_row(const struct fl_event *ev, int64_t accepted_us, struct row *row)
{
    for (size_t i = 0; i < COUNTERS; i++) {
        row->has[i] = fl_event_has(ev, counter_field[i]);
        row->counter[i] = fl_event_get_num(ev, counter_field[i]);
    }
    row->known_session = fl_event_has(ev, FL_F_SESSION);
    row->session = fl_event_get_num(ev, FL_F_SESSION);
    row->device = fl_span_hash(fl_event_get_str(ev, FL_F_DEVICE));
    row->tuple = tuple_of(ev);
    row->time_us = (int64_t)fl_event_get_num(ev, FL_F_TIME);
    row->accepted_us = accepted_us;
}

static void set_sum(struct fl_event *ev, enum fl_field f, uint64_t a, bool has_a, uint64_t b,
                    bool has_b)
{
    if (!has_a && !has_b)
        return;
    a = has_a ? a : 0;
    b = has_b ? b : 0;
    fl_event_num(ev, f, a > UINT64_MAX - b ? UINT64_MAX : a + b);
}

/* What this row adds: the counters minus base (NULL: 0), never below 0. */
static void add(struct fl_event *ev, const struct row *row, const uint64_t *base, bool session)
{
    uint64_t d[COUNTERS];

    for (size_t i = 0; i < COUNTERS; i++) {
        uint64_t from = base == NULL ? 0 : base[i];

        d[i] = row->counter[i] > from ? row->counter[i] - from : 0;
    }
    set_sum(ev, FL_F_BYTES, d[0], row->has[0], d[1], row->has[1]);
    set_sum(ev, FL_F_BYTES_UP, d[0], row->has[0], 0, false);
    set_sum(ev, FL_F_BYTES_DOWN, d[1], row->has[1], 0, false);
    set_sum(ev, FL_F_PACKETS, d[2], row->has[2], d[3], row->has[3]);
    set_sum(ev, FL_F_SECONDS, d[DURATION], row->has[DURATION], 0, false);
    if (session)
        fl_event_num(ev, FL_F_SESSIONS, 1);
}

/* The entry takes the row's counters (those that it has) and becomes the latest of its list. */
static void remember(struct or_sessions *s, uint32_t at, const struct row *row, bool closed)
{
    struct entry *e = &s->entries[at];

    for (size_t i = 0; i < COUNTERS; i++)
        if (row->has[i])
            e->counter[i] = row->counter[i];
    e->time_us = row->time_us;
    e->accepted_us = row->accepted_us;
    if (row->tuple != 0)
        e->tuple = row->tuple;
    list_drop(s, at);
    list_add(s, at, closed);
    s->sum.changes++;
}

static void insert(struct or_sessions *s, const struct row *row, bool closed)
{
    uint32_t at = row->known_session ? take_place(s) : NONE;
    struct entry *e;
    uint32_t *link;

    if (at == NONE)
        return;
    e = &s->entries[at];
    *e = (struct entry){.device = row->device, .session = row->session};
    link = bucket_of(s, row->device, row->session);
    e->chain = *link;
    *link = at;
    list_add(s, at, closed);
    remember(s, at, row, closed);
}

/* a - b; saved states may hold any times. */
static int64_t apart(int64_t a, int64_t b)
{
    int64_t d;

    return __builtin_sub_overflow(a, b, &d) ? (a < b ? INT64_MIN : INT64_MAX) : d;
}

static void expire(struct or_sessions *s, int64_t accepted_us)
{
    for (int n = 0; n < 4; n++) { /* a few a row keep up with one new one a row */
        uint32_t at = s->lists[1].oldest;

        if (at == NONE || apart(accepted_us, s->entries[at].accepted_us) < REMEMBER_US)
            return;
        forget(s, at);
    }
}

static bool smaller(const struct row *row, const struct entry *e)
{
    for (size_t i = 0; i < COUNTERS; i++)
        if (row->has[i] && row->counter[i] < e->counter[i])
            return true;
    return false;
}

static bool larger(const struct row *row, const struct entry *e)
{
    for (size_t i = 0; i < COUNTERS; i++)
        if (row->has[i] && row->counter[i] > e->counter[i])
            return true;
    return false;
}

/* Is the row close in time to the closing of e? */
static bool near(const struct row *row, const struct entry *e)
{
    int64_t d = apart(row->time_us, e->time_us);

    return d <= COPY_US && d >= -COPY_US;
}

static void copy(struct or_sessions *s, struct fl_event *ev)
{
    fl_event_flag(ev, FL_ROW_COPY);
    s->sum.copies++;
}

static void created(struct or_sessions *s, uint32_t at, const struct row *row)
{
    struct row zero = *row;

    if (at != NONE && row->time_us <= s->entries[at].time_us)
        return; /* the second report, or late: what is known is newer */
    if (at != NONE && !s->entries[at].closed && near(row, &s->entries[at]) &&
        s->entries[at].counter[DURATION] == 0 && s->entries[at].counter[0] == 0)
        return; /* the second report */
    if (at != NONE)
        forget(s, at);
    for (size_t i = 0; i < COUNTERS; i++) {
        zero.counter[i] = 0;
        zero.has[i] = true;
    }
    insert(s, &zero, false);
}

static void updated(struct or_sessions *s, uint32_t at, const struct row *row, struct fl_event *ev)
{
    struct entry *e = at == NONE ? NULL : &s->entries[at];

    if (e != NULL && e->closed) {
        if (near(row, e) || !larger(row, e)) {
            copy(s, ev);
            return;
        }
        forget(s, at);
        e = NULL;
    }
    if (e == NULL) {
        fl_event_flag(ev, FL_ROW_NO_BASELINE);
        s->sum.no_baseline++;
        insert(s, row, false);
        return;
    }
    if (smaller(row, e)) {
        copy(s, ev); /* out of order: what it says was counted already */
        return;
    }
    add(ev, row, e->counter, false);
    remember(s, at, row, false);
}

static void closed(struct or_sessions *s, uint32_t at, const struct row *row, struct fl_event *ev)
{
    struct entry *e = at == NONE ? NULL : &s->entries[at];

    if (e != NULL && e->closed && near(row, e)) {
        copy(s, ev);
        return;
    }
    if (e != NULL &&
        (e->closed || (row->has[DURATION] && row->counter[DURATION] < e->counter[DURATION]))) {
        forget(s, at); /* another session with the same number */
        e = NULL;
    }
    add(ev, row, e == NULL ? NULL : e->counter, true);
    if (e == NULL)
        insert(s, row, true);
    else
        remember(s, at, row, true);
}

static void drop_derived(struct fl_event *ev)
{
    static const enum fl_field derived[] = {FL_F_BYTES,   FL_F_BYTES_UP, FL_F_BYTES_DOWN,
                                            FL_F_PACKETS, FL_F_SECONDS,  FL_F_SESSIONS};

    for (size_t i = 0; i < FL_LEN(derived); i++)
        fl_fieldset_drop(&ev->has, derived[i]);
    if (fl_event_has(ev, FL_F_FLAGS))
        ev->v[FL_F_FLAGS].num &= ~(uint64_t)(FL_ROW_COPY | FL_ROW_NO_BASELINE);
}

enum kind { OTHER, CREATED, UPDATED, CLOSED, PERMITTED };

static enum kind kind_of(struct fl_span action)
{
    static const char *const names[] = {
        [CREATED] = "created",
        [UPDATED] = "updated",
        [CLOSED] = "closed",
        [PERMITTED] = "permitted",
    };

    for (size_t k = CREATED; k < FL_LEN(names); k++)
        if (fl_span_eq(action, fl_span_str(names[k])))
            return (enum kind)k;
    return OTHER;
}

static bool has_counters(const struct fl_event *ev)
{
    bool any = false;

    for (size_t i = 0; i < DURATION; i++)
        any = any || fl_event_has(ev, counter_field[i]);
    return any;
}

/* The known session of the row; one with another five-tuple is another session: forgotten. */
static uint32_t find_same(struct or_sessions *s, const struct row *row)
{
    uint32_t at = row->known_session ? find(s, row->device, row->session) : NONE;

    if (at == NONE || row->tuple == 0 || s->entries[at].tuple == 0 ||
        row->tuple == s->entries[at].tuple)
        return at;
    forget(s, at);
    return NONE;
}

void or_sessions_row(struct or_sessions *s, struct fl_event *ev, int64_t accepted_us)
{
    enum kind kind = kind_of(fl_event_get_str(ev, FL_F_ACTION));
    bool counters = has_counters(ev), number = fl_event_has(ev, FL_F_SESSION);
    struct row row;
    uint32_t at;

    drop_derived(ev);
    if ((fl_event_get_num(ev, FL_F_FLAGS) & FL_ROW_FAR_END) != 0)
        return;
    if (!counters && !(number && (kind == CREATED || kind == CLOSED)))
        return;
    read_row(ev, accepted_us, &row);
    if (kind == OTHER) {
        if (!number)
            add(ev, &row, NULL, false);
        return;
    }
    expire(s, accepted_us);
    at = find_same(s, &row);
    if (kind == CREATED)
        created(s, at, &row);
    else if (kind == CLOSED)
        closed(s, at, &row, ev);
    else if (kind == PERMITTED && at == NONE) {
        add(ev, &row, NULL, true);
        insert(s, &row, false);
    } else
        updated(s, at, &row, ev);
}

/* ---- as bytes ---- */

static void save_list(const struct or_sessions *s, const struct list *l, struct fl_buf *out)
{
    for (uint32_t at = l->oldest; at != NONE; at = s->entries[at].newer) {
        const struct entry *e = &s->entries[at];

        fl_buf_put_u64(out, e->device);
        fl_buf_put_u64(out, e->session);
        fl_buf_put_u64(out, e->tuple);
        for (size_t i = 0; i < COUNTERS; i++)
            fl_buf_put_u64(out, e->counter[i]);
        fl_buf_put_u64(out, (uint64_t)e->time_us);
        fl_buf_put_u64(out, (uint64_t)e->accepted_us);
    }
}

void or_sessions_save(const struct or_sessions *s, struct fl_buf *out)
{
    fl_buf_put_u32(out, s->lists[1].count);
    fl_buf_put_u32(out, s->lists[0].count);
    save_list(s, &s->lists[1], out);
    save_list(s, &s->lists[0], out);
}
