/*
 * store_int.h - inside the store: its tenants, days and locks. Read by store*.c and part.c only.
 *
 * Locks, in the order in which they are taken:
 *   maint  one housekeeping task at a time: sealing, retention, purge, rules
 *   wr     what the writer changes: the WAL, sessions, active memtables, sequence numbers
 *   mu     what readers see: tenants, days, lists of segments and memtables, counters
 *   a memtable's own lock (memtable.h)
 * Tenants are only added and removed under all three, so that the holder of any one may look at
 * them; days are added under wr and mu, removed under all three. `frozen` and `segs` change under
 * maint and mu. Recovery runs alone and takes no lock.
 */
#ifndef FL_LOGS_STORE_INT_H
#define FL_LOGS_STORE_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "logs/baseline.h"
#include "logs/marks.h"
#include "logs/memtable.h"
#include "logs/segment.h"
#include "logs/session.h"
#include "logs/store.h"
#include "logs/sumcache.h"
#include "logs/wal.h"
#include "logs/wallclock.h"

#define FL_STORE_PATH_BYTES 96 /* "<slug>/<day>" */

struct fl_store_seg { /* a sealed segment, shared by the store and parts */
    atomic_uint refs;
    atomic_bool gone; /* purged: the key is wiped, loading fails */
    bool damaged;     /* maint: a block does not open; not to be merged */
    struct fl_segment_id id;
    char slug[64];
    uint64_t first_seq, last_seq, bytes;
    int64_t min_time_us, max_time_us;
    uint32_t rows, blocks;
    pthread_mutex_t key_mu;
    unsigned char key[FL_KEY_BYTES];
    _Atomic(struct fl_sumcache *) sums; /* that may know of it; NULL: none does */
};

struct fl_store_day {
    int32_t day;
    uint64_t next_seq;           /* wr */
    uint64_t visible_seq;        /* mu: the highest that queries may see */
    bool going;                  /* wr: its key is about to be destroyed */
    struct fl_memtable *active;  /* wr and mu; NULL: none */
    bool touched;                /* wr: active has rows that are not committed */
    struct fl_memtable **frozen; /* oldest first */
    uint32_t frozen_count;
    struct fl_store_seg **segs; /* by first_seq */
    uint32_t seg_count, seg_cap;
};

struct fl_store_tenant {
    uint32_t id;
    char slug[64];
    bool has_rule;
    struct fl_store_rule rule;
    struct fl_store_day **days; /* ascending */
    uint32_t day_count;
    struct fl_sessions *sessions; /* wr */
    uint64_t last_lsn;            /* wr: of its last record */
    uint64_t sealed_lsn;          /* records up to this are in segments */
    uint64_t base_lsn;     /* records up to this are in the baseline file, or change nothing */
    uint64_t base_changes; /* of sessions, when that was so */
    int64_t base_us;       /* when the file was written */
    int32_t base_day;      /* FL_DAY_NONE: there is no file */
    uint64_t forgets;      /* wr: times that sessions of an erased person were dropped */
    uint64_t base_forgets; /* of them in the file; with more, the next one has a new key */
    unsigned char base_id[FL_FILE_ID_BYTES];
    struct fl_sessions_stats session_sum; /* mu: as of the last commit */
    uint64_t share_bytes;                 /* mu; and below: what quota took */
    uint64_t taken_days, taken_bytes;
    int64_t taken_us;
    int32_t taken_day;
    int32_t exceeded_day; /* maint: said already that today alone is over the quota */
};

struct fl_retired;

struct fl_store {
    struct fl_store_config conf;
    pthread_mutex_t maint, wr, mu;
    pthread_cond_t visible, work; /* with mu */
    struct fl_store_tenant **tenants;
    uint32_t tenant_count;
    struct fl_wal *wal;
    int wal_dir;
    struct fl_marks taken;                /* wr: deliveries taken, also those that are pending */
    bool replaying, broken;               /* wr */
    struct fl_session_pool *session_pool; /* wr */
    int64_t swept_us;      /* maint: when keys of WAL files last went (store_sweep.c) */
    bool sweeping;         /* maint: more of them are to go */
    struct fl_arena arena; /* wr: columns of the batch at hand */
    bool poked, due;       /* mu */
    bool going;            /* maint: destructions are to be finished */
    bool unsure;           /* maint: what a failed seal wrote may not last */
    atomic_int_fast64_t erase_failed_us; /* when an erasure last failed; 0: none is open */
    int64_t retained_us;                 /* maint: when retention last looked */
    bool retain_due;                     /* maint: a rule changed */
    atomic_size_t memory;                /* of all memtables that are not sealed */
    struct fl_retired *retiring; /* maint: replaced segments that are to go (store_rewrite.h) */
    int64_t retiring_us;         /* maint: since when */
    pthread_mutex_t clock_mu;    /* the two below; taken last of all */
    struct fl_wallclock clock;
    enum fl_clock_news clock_news; /* not told yet */
    int64_t newest_us;             /* of what the start found; INT64_MIN: nothing */
    atomic_bool full;              /* too little disk is left to accept rows */
    uint32_t merge_at;             /* maint: tenant whose turn it is */
    int64_t merge_mono_us;         /* maint: before this, none */
    struct fl_store_stats sum;     /* mu */
    struct fl_sumcache *sums;      /* mu: what queries remember; NULL until the first */
};

/* store.c */
struct fl_store_tenant *fl_store_find(struct fl_store *s, uint32_t tenant);
struct fl_store_tenant *fl_store_tenant_get(
    struct fl_store *s, uint32_t tenant, struct fl_span slug,
    struct fl_err *err); /* made where missing; wr, mu held */
struct fl_store_day *fl_store_day_find(const struct fl_store_tenant *t, int32_t day);
struct fl_store_day *fl_store_day_get(struct fl_store_tenant *t, int32_t day, struct fl_err *err);
void fl_store_day_free(struct fl_store *s, struct fl_store_day *d);
void fl_store_tenant_free(struct fl_store *s, struct fl_store_tenant *t);
/* Rows of a checked batch into the day's memtable; wr held. add false: only sessions see them. */
int fl_store_apply(struct fl_store *s, struct fl_store_tenant *t, struct fl_store_day *d,
                   struct fl_sessions *sessions, const struct fl_wal_record *rec, bool add,
                   struct fl_err *err) FL_MUST_CHECK;
int fl_store_commit_locked(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK; /* wr held */
void fl_store_sum_wal(struct fl_store *s); /* into s->sum; wr and mu held */
bool fl_store_slug_ok(const char *slug);
void fl_store_path(const char *slug, int32_t day, char ret[FL_STORE_PATH_BYTES]);

/* store_seal.c; maint held */
int fl_store_seal_tenant(struct fl_store *s, struct fl_store_tenant *t, bool force_baseline,
                         struct fl_err *err) FL_MUST_CHECK;
int fl_store_seal_due(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;
int fl_store_drop_wal(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;
int fl_store_add_seg(struct fl_store_day *d, struct fl_store_seg *seg, struct fl_err *err)
    FL_MUST_CHECK; /* mu held */
int fl_store_seg_new(const struct fl_segment_id *id, const struct fl_segment_foot *foot,
                     const char *slug, uint64_t bytes, const unsigned char key[FL_KEY_BYTES],
                     struct fl_store_seg **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_store_seg_unref(struct fl_store_seg *seg);
void fl_store_seg_void(struct fl_store_seg *seg);

/* What counts as now, by which rows get their day; sure: may data be destroyed by its age? */
int64_t fl_store_now(struct fl_store *s);
bool fl_store_now_is_sure(struct fl_store *s);
void fl_store_tell(struct fl_store *s, const char *event, const char *slug, const char *fmt, ...)
    FL_PRINTF(4, 5); /* fmt makes a JSON object; maint held */

/* store_merge.c; maint held */
int fl_store_merge_due(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;

/* store_quota.c; maint held */
int fl_store_quota(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;
uint64_t fl_store_tenant_bytes(struct fl_store *s,
                               const struct fl_store_tenant *t); /* of its segments */

/* store_sweep.c; maint held. Once in a while: destroy the keys of WAL files that are unlinked. */
int fl_store_sweep(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;

/* store_retain.c; maint held */
/* Whole days of a tenant, as retention does it. */
int fl_store_destroy_day(struct fl_store *s, struct fl_store_tenant *t, int32_t day,
                         const char *why, struct fl_purge_result *sum, struct fl_err *err)
    FL_MUST_CHECK;
int fl_store_retain(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;
int fl_store_finish_going(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;

/* store_recover.c */
int fl_store_recover(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;

#endif
